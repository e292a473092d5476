// All attacks at once, in all ways, for a short while: what they are is in
// rows.ts, and what each does by itself and for longer, play.ts tells.
import { assertEquals } from "@std/assert";
import { has, wanting } from "../support/wanting.ts";

const ways = has("OpenSSL 3") ? "plain,tls,guarded" : "plain";

Deno.test({
  ...wanting("A server goes on under all attacks at once", "Linux"),
}, async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", `${import.meta.dirname}/play.ts`],
      ...["--together", `--way=${ways}`, "--ms=1200", "--scale=0.2"],
      ...["--interval=100", "--leniency=20"],
    ],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stdout));
});
