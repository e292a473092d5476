import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { ROOT } from "../docs/pages.ts";

/** What server.ts imports, and what that imports. */
function* filesOf(door: string, seen: Set<string>): Generator<string> {
  if (seen.has(door)) return;
  seen.add(door);
  yield door;
  const code = Deno.readTextFileSync(join(ROOT, door));
  for (const [, path] of code.matchAll(/\sfrom "(\.[^"]+)";/g)) {
    yield* filesOf(join(dirname(door), path), seen);
  }
}

const PROGRAM = `
import { HttpServer } from "./uhttp/server.ts";

const server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
const answers = Promise.all(
  ["a.css", "sub/.hidden", "sub/x.tar.gz", "sub//./x.tar.gz", "none", "sub", ""]
    .map(async (path) => {
      const answer = await fetch(server.url + path);
      return [answer.status, answer.headers.get("content-type"), await answer.text()];
    }),
);
answers.then(() => server.close());
for await (const client of server) {
  client.respondFile(client.path, { root: "files" });
}
console.log(JSON.stringify(await answers));
`;

Deno.test("the server's folders, copied, need no deno.json", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const path of filesOf("server.ts", new Set())) {
      const copy = join(folder, "uhttp", path);
      await Deno.mkdir(dirname(copy), { recursive: true });
      await Deno.copyFile(join(ROOT, path), copy);
    }
    await Deno.mkdir(join(folder, "files/sub"), { recursive: true });
    for (const name of ["a.css", "sub/.hidden", "sub/x.tar.gz"]) {
      await Deno.writeTextFile(join(folder, "files", name), name);
    }
    await Deno.writeTextFile(join(folder, "main.ts"), PROGRAM);
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args: [
          ...["run", "--no-config", "--no-remote", "--no-npm", "--check"],
          ...["--allow-net", "--allow-read=files", "main.ts"],
        ],
        cwd: folder,
        env: { NO_COLOR: "1", DENO_NO_PROMPT: "1" },
      },
    ).output();
    assert(success, new TextDecoder().decode(stderr));
    const missing = [404, "text/plain; charset=utf-8", "Not found\n"];
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [
      [200, "text/css; charset=utf-8", "a.css"],
      [200, "application/octet-stream", "sub/.hidden"],
      [200, "application/gzip", "sub/x.tar.gz"],
      [200, "application/gzip", "sub/x.tar.gz"],
      missing,
      missing,
      missing,
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
