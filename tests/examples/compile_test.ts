import { assertEquals } from "@std/assert";
import { Lines } from "./example.ts";

const ROOT = new URL("../../", import.meta.url);

/** What `deno compile` says when it cannot get the runtime. */
const NO_RUNTIME = /error sending request|Failed downloading|dns error/i;

Deno.test("deno task compile makes a server of one file", async (t) => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const [deno, ...args]: string[] = tasks.compile.command.split(" ");
  assertEquals(deno, "deno");
  const folder = await Deno.makeTempDir();
  try {
    const binary = `${folder}/hello`;
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
        ? "the file runs (ignored: the runtime cannot be downloaded here)"
        : "the file runs",
      ignore: isMissing,
      fn: () => runServer(binary),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Starts a server, asks it, and ends it. */
async function runServer(binary: string): Promise<void> {
  const server = new Deno.Command(binary, { args: ["0"], stdout: "piped" })
    .spawn();
  const output = new Lines(server.stdout);
  try {
    const [, url] = await output.until(/^Listening on (\S+)$/);
    const page = await (await fetch(url)).text();
    assertEquals(page, "<h1>hello</h1><p>uHTTP</p>");
  } finally {
    server.kill();
    await server.status;
    await output.rest();
  }
}
