import { assert } from "@std/assert";
import { released } from "./arena.ts";
import { wanting } from "./wanting.ts";

const LOOPBACK = "127.0.0.1";

Deno.test({
  ...wanting(
    "released() waits for sockets of a port, and for no others",
    "Linux",
  ),
  async fn() {
    using other = Deno.listen({ hostname: LOOPBACK, port: 0 });
    const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    const { port } = listener.addr;
    const near = await Deno.connect({ hostname: LOOPBACK, port });
    const far = await listener.accept();
    using elsewhere = await Deno.connect({
      hostname: LOOPBACK,
      port: other.addr.port,
    });
    for (const socket of [listener, far, near]) {
      let isReleased = false;
      const wait = released(port).then(() => isReleased = true);
      // Long enough for a look at the system's table.
      for (let i = 0; i < 20; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert(!isReleased);
      socket.close();
      if (socket === near) await wait;
    }
    assert(elsewhere.remoteAddr.transport === "tcp");
  },
});
