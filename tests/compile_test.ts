import { assertEquals } from "@std/assert";
import { argumentsFor, nameOf, sumLine, TARGETS } from "../tools/compile.ts";
import { Scene } from "./support/serving.ts";

const ROOT = new URL("../", import.meta.url);

/** What `deno compile` says when it cannot get the runtime. */
const NO_RUNTIME = /error sending request|Failed downloading|dns error/i;

Deno.test("deno task compile makes a command of one file", async (t) => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const [deno, ...args]: string[] = tasks.compile.command.split(" ");
  assertEquals(deno, "deno");
  const folder = await Deno.makeTempDir();
  try {
    const binary = `${folder}/uhttp`;
    args[args.indexOf("-o") + 1] = binary;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).output();
    const problem = new TextDecoder().decode(stderr);
    const isMissing = !success && NO_RUNTIME.test(problem);
    if (!success && !isMissing) throw new Error(problem);

    await t.step({
      name: isMissing
        ? "the file runs (left out: no runtime can be downloaded)"
        : "the file runs",
      ignore: isMissing,
      fn: () => runCommand(binary),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("compile:all compiles as the task does, for each system that it names", async () => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const { command } = tasks.compile;
  for (const target of TARGETS) {
    const path = `out/${nameOf(target)}`;
    assertEquals(
      ["deno", ...argumentsFor(target, "out")].join(" "),
      command.replace("compile", `compile --target ${target}`)
        .replace("build/uhttp", path),
    );
    assertEquals(path.endsWith(".exe"), target.includes("windows"));
  }
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a`, "abc");
  assertEquals(
    await sumLine(`${folder}/a`, "a"),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n",
  );
  await Deno.remove(folder, { recursive: true });
});

/** Asks a server by the command. */
async function runCommand(binary: string): Promise<void> {
  await using scene = new Scene((client) => client.respond({ n: 1 }));
  const { code, stdout } = await new Deno.Command(binary, {
    args: [scene.server.url],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, '{"n":1}']);
}
