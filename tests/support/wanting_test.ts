import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import {
  findProgram,
  has,
  isAvoided,
  program,
  type ProgramName,
  PROGRAMS,
  wanting,
} from "./wanting.ts";

const TESTS = join(import.meta.dirname!, "..");
const names = Object.keys(PROGRAMS) as ProgramName[];

/** Evaluates an expression of the helper's in a process of its own. */
async function evaluate(
  expression: string,
  env: Record<string, string>,
): Promise<unknown> {
  const url = import.meta.resolve("./wanting.ts");
  const code = `import * as wanting from ${JSON.stringify(url)};
    console.log(JSON.stringify(wanting.${expression}));`;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-lock", code],
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

Deno.test("wanting() leaves out what nothing is there for, and says so", async () => {
  const call = 'wanting("test", "curl", "Linux", "nginx")';
  assertEquals(await evaluate(call, { UHTTP_TEST_WITHOUT: "all" }), {
    name: Deno.build.os === "linux"
      ? "test (left out: no curl, no nginx)"
      : "test (left out: no curl, no Linux, no nginx)",
    ignore: true,
  });
  assertEquals(wanting("test"), { name: "test", ignore: false });
  const wanted = await evaluate("wanting('test', 'script')", {
    UHTTP_TEST_WITHOUT: "curl, script",
  });
  assertEquals(wanted, { name: "test (left out: no script)", ignore: true });
});

Deno.test("findProgram() finds nothing where nothing is", async () => {
  // What lies in other folders for servers is not hidden by this.
  const env = { PATH: "/none", UHTTP_TEST_WITHOUT: "" };
  assertEquals(await evaluate('findProgram("curl")', env), null);
  assertEquals(await evaluate('has("ffmpeg")', env), false);
});

Deno.test("findProgram() finds what the shell finds", async () => {
  const without = Deno.env.get("UHTTP_TEST_WITHOUT") ?? "";
  for (const name of names) {
    const { command, ...more } = PROGRAMS[name];
    // These are asked whether they are the right ones, too.
    if ("says" in more || "file" in more || name.includes(" ")) continue;
    const { success } = await new Deno.Command("sh", {
      args: [
        "-c",
        `PATH="$PATH:/usr/sbin:/usr/local/sbin"; command -v ${command}`,
      ],
      stdin: "null",
    }).output().catch(() => ({ success: false }));
    if (success) assert(has(name) || isAvoided(command, without), name);
  }
});

Deno.test("findProgram() finds the right program of a name", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [i, said] of ["LibreSSL 3.3.6", "OpenSSL 3.0.1"].entries()) {
      await Deno.mkdir(`${folder}/${i}`);
      const path = `${folder}/${i}/openssl`;
      await Deno.writeTextFile(path, `#!/bin/sh\necho '${said}'\n`);
      await Deno.chmod(path, 0o755);
    }
    const env = { PATH: `${folder}/0:${folder}/1`, UHTTP_TEST_WITHOUT: "" };
    assertEquals(
      await evaluate('findProgram("OpenSSL 3")', env),
      `${folder}/1/openssl`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("program() throws for a test that does not say what it wants", () => {
  for (const name of names) {
    if (findProgram(name) === null) assertThrows(() => program(name), Error);
    else assertEquals(program(name), findProgram(name));
  }
});

/** The files of tests, below a folder. */
function* testFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* testFiles(join(folder, name));
    else if (name.endsWith(".ts")) yield join(folder, name);
  }
}

Deno.test("tests run no program that they have not asked program() for", () => {
  for (const path of testFiles(TESTS)) {
    const text = Deno.readTextFileSync(path);
    for (const [, command] of text.matchAll(/\bCommand\(\s*"([^"]*)"/g)) {
      assertEquals(command, "sh", path);
    }
  }
});

Deno.test("docs list every program that tests want", () => {
  const words = Deno.readTextFileSync(join(TESTS, "../docs/tests.md"));
  for (const name of names) {
    const { command } = PROGRAMS[name];
    assert(words.includes(`| \`${command}\``), command);
  }
});
