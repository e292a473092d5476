import { assertEquals } from "@std/assert";
import { program, wanting } from "../support/wanting.ts";

Deno.test({
  ...wanting(
    "HttpServer notices dead peers by the system's keep-alive",
    "unshare with ip",
  ),
}, async () => {
  const script = new URL("../support/dead_peers.ts", import.meta.url);
  const { stdout, stderr, success } = await new Deno.Command(
    program("unshare with ip"),
    {
      args: [
        "--net",
        "--",
        Deno.execPath(),
        "run",
        "-A",
        "--no-check",
        script.href,
      ],
      signal: AbortSignal.timeout(30_000),
    },
  ).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const [first, ...gone] = text(stdout).trim().split("\n");
  assertEquals([success, first], [true, "all are there"], text(stderr));
  assertEquals(gone.sort(), ["held", "hijacked", "silent", "unread"]);
});
