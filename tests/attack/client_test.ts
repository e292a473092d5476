// A client that asks all hostile servers at once, for a short while: what they
// are is in rows/hostile.ts, and what each does by itself and for longer,
// play_client.ts tells.
import { assertEquals } from "@std/assert";
import { wanting } from "../support/wanting.ts";

Deno.test({
  ...wanting("A client goes on with all hostile servers at once", "Linux"),
}, async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", `${import.meta.dirname}/play_client.ts`],
      ...["--together", "--ms=1200", "--interval=100", "--leniency=20"],
    ],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stdout));
});
