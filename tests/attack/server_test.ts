// All attacks at once, for a short while: what they are is in rows.ts, and
// what each does by itself and for longer, play.ts tells.
import { assertEquals } from "@std/assert";
import { type Want, wanting } from "../support/wanting.ts";

for (const way of ["plain", "tls", "guarded"]) {
  const wants: Want[] = way === "plain" ? ["Linux"] : ["Linux", "OpenSSL 3"];
  Deno.test({
    ...wanting(`A server goes on under all attacks at once (${way})`, ...wants),
  }, async () => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", `${import.meta.dirname}/play.ts`],
        ...["--together", `--way=${way}`, "--ms=1500", "--scale=0.3"],
        ...["--interval=100", "--leniency=20"],
      ],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stdout));
  });
}
