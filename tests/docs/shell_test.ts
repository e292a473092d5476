// Runs the lines for a shell of README and docs, where they can be: `curl`
// asks the example above it, and `uhttp` understands its words.
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { readArguments } from "../../cli/command_line.ts";
import { program, wanting } from "../support/wanting.ts";
import { readBlocks } from "./blocks.ts";
import { ROOT } from "./pages.ts";
import { Running } from "./running.ts";

const shell = readBlocks("sh");

/** Runs a script; gives what it wrote. */
async function run(script: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-euc", script],
    stdin: "null",
  }).output();
  const [out, errors] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  assert(success, `${script}\n${errors}`);
  return out;
}

/** The commands of a script that begin with a word, as a shell splits them. */
async function commands(script: string, word: string): Promise<string[][]> {
  const out = await run(
    `${word}() { printf '%s\\0' "$@"; printf '\\n'; }\n` +
      script.split("\n").filter((line) =>
        new RegExp(`(?:^|\\| *)${word} `).test(line)
      ).join("\n"),
  );
  return out.split("\n").filter((line) => line !== "")
    .map((line) => line.split("\0").slice(0, -1));
}

Deno.test("docs have no line for uhttp that it does not understand", async () => {
  let count = 0;
  for (const { name, code } of shell) {
    for (const words of await commands(code, "uhttp")) {
      count++;
      try {
        readArguments(words);
      } catch (error) {
        throw new Error(`${name}: uhttp ${words.join(" ")}`, { cause: error });
      }
    }
  }
  assert(count > 15, `${count} lines`);
});

Deno.test({
  ...wanting("README's curl asks the example above it", "curl"),
  async fn() {
    const [example] = readBlocks("ts");
    const asking = shell.find(({ code }) => code.startsWith("curl "))!;
    await using running = await Running.start(example.code, {});
    await running.listening();
    const port = String(running.ports.get(9980));
    program("curl"); // the shell finds it
    const out = await run(asking.code.replaceAll("9980", port));
    assert(out.startsWith("<h1>hello</h1><p>uHTTP</p>"), out);
    assert(out.endsWith('"query":{"x":["1","2"]}}'), out);
  },
});

Deno.test("docs copy all folders that the server imports", async () => {
  const { code } = shell.find(({ code }) => code.startsWith("cp -r "))!;
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(folder, "uhttp"));
    const script = code.replace("YOUR_PROJECT", folder);
    await run(`cd '${ROOT}'\n${script}`);
    const main = join(folder, "main.ts");
    await Deno.writeTextFile(
      main,
      'import { HttpServer } from "./uhttp/server.ts";\n' +
        "console.log(typeof HttpServer);",
    );
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-remote", "--no-check", main],
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "function\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
