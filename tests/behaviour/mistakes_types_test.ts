// What types can exclude, `deno check` finds before anything runs.
import { assert } from "@std/assert";
import { resolve } from "@std/path";

const ROOT = resolve(import.meta.dirname!, "../..");
const FOLDER = "tests/behaviour/mistakes";

Deno.test("deno check finds each mistake that types exclude", async () => {
  const files: string[] = [];
  let expected = 0;
  for await (const { name } of Deno.readDir(`${ROOT}/${FOLDER}`)) {
    files.push(`${FOLDER}/${name}`);
    const text = await Deno.readTextFile(`${ROOT}/${FOLDER}/${name}`);
    expected += text.match(/\/\/ @ts-expect-error /g)?.length ?? 0;
  }
  assert(expected >= 60, `${expected} mistakes`);
  // Where nothing is found behind one of these lines, that is an error itself.
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: ["check", ...files],
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
});
