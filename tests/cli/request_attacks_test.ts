import { assert, assertEquals, assertMatch } from "@std/assert";
import { formatJson } from "../../cli/json_color.ts";
import { plainLine } from "../../cli/plain_text.ts";
import { jsonText, LineView } from "../../cli/views.ts";
import { assertLinear } from "../support/cost.ts";
import { RawServer } from "../support/raw_server.ts";
import { Scene } from "../support/serving.ts";
import { run } from "./fake_io.ts";

const ESCAPE = "\x1b]0;title\x07\x1b[2J";

/** Whether a terminal would take some of it for a command, but for lines. */
function commands(text: string): boolean {
  // Our own: back to the start of the line, and the rest of it cleared.
  // deno-lint-ignore no-control-regex
  const rest = text.replaceAll(/\r([^\r\x1b]*)\x1b\[K/g, "$1");
  // deno-lint-ignore no-control-regex
  return /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(rest);
}

Deno.test("uhttp lets nothing of a server's command a terminal", async () => {
  await using server = RawServer.listen(async (peer) => {
    await peer.head();
    await peer.say(
      "HTTP/1.1 404 No\xe2\x80\xae\x9b2J\r\nX-A: \x9b31m\xc2\x9b\t\r\n" +
        `Content-Length: 20\r\n\r\n${ESCAPE.padEnd(20)}`,
    );
    await peer.gone();
  });
  for (const args of [[], ["-i"], ["-v"], ["--raw"], ["--fail"]]) {
    const { out, err } = await run([server.url, ...args, "--no-color"], {
      terminals: "all",
    });
    assert(!commands(out + err), JSON.stringify(out + err));
  }
  assertEquals(plainLine("a\u202eb\u2066c\u2069"), "a\ufffdb\ufffdc\ufffd");
});

Deno.test("uhttp -O writes to no link, and says so", async () => {
  const folder = await Deno.makeTempDir();
  const before = Deno.cwd();
  await Deno.writeTextFile(`${folder}/precious`, "precious");
  await Deno.symlink(`${folder}/precious`, `${folder}/a.txt`);
  await Deno.symlink(`${folder}/nowhere`, `${folder}/b.txt`);
  await Deno.writeTextFile(`${folder}/c.txt`, "old and long");
  await using scene = new Scene((client) => client.respond("new"));
  const { url } = scene.server;
  try {
    Deno.chdir(folder);
    for (const name of ["a.txt", "b.txt"]) {
      const { code, err } = await run([`${url}${name}`, "-O"]);
      assertEquals([code, err], [
        23,
        `uhttp: Cannot write ${name}: It is a link, or no plain file; ` +
        "give one with --output\n",
      ]);
    }
    assertEquals((await run([`${url}c.txt`, "-O"])).code, 0);
    assertEquals((await run([url, "-o", "a.txt"])).code, 0); // was asked for
  } finally {
    Deno.chdir(before);
  }
  const text = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
  assertEquals([text("precious"), text("c.txt")], ["new", "new"]);
  assertEquals([...Deno.readDirSync(folder)].length, 4);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("formatJson() makes little of what would become very much", () => {
  // Each token on a line of its own, far to the right.
  const wide = "[".repeat(40) + "1,".repeat(1_900_000) + "1" + "]".repeat(40);
  assertEquals(formatJson(wide, { hasColor: false }), null);
  const long = `"${"x".repeat(4_000_001)}"`;
  assertEquals(formatJson(long, { hasColor: true }), null);
  assertEquals(jsonText(long, true, false), long);
  const usual = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({
    id: i,
    name: `name ${i}`,
    tags: ["a", "b"],
  })));
  assert(formatJson(usual, { hasColor: true }) !== null);
});

Deno.test("LineView takes a line that comes a byte at a time", () => {
  const view = new LineView((line) => `<${line}>`);
  const shown = [..."ab\r\n\nc"].map((char) => view.add(char)).join("");
  assertEquals(shown + view.end(), "<ab>\n<>\n<c>");
  assertEquals(new LineView((line) => line).end(), "");
  const long = new LineView((line) => `${line.length}`);
  const all = long.add("x".repeat(2_500_000)) + long.add("\n") + long.end();
  assertMatch(all, /^2500000\n0\n$/);
  assertLinear("a line", 400_000, (size) => () => {
    const one = new LineView((line) => line);
    for (let i = 0; i < size; i++) one.add("x");
    one.end();
  });
});

Deno.test("uhttp takes no credentials along to another site", async () => {
  const seen: Record<string, string | undefined>[] = [];
  await using other = new Scene((client) => {
    const { authorization, cookie } = client.headers;
    seen.push({ authorization, cookie });
    client.respond("there");
  });
  await using scene = new Scene((client) =>
    client.respondRedirect(other.server.url)
  );
  for (
    const args of [
      ["-u", "me:pw"],
      ["--bearer", "token"],
      ["-H", "Authorization: Basic eA=="],
      ["-H", "Cookie: a=1"],
    ]
  ) {
    const { code, out } = await run([scene.server.url, "-L", ...args]);
    assertEquals([code, out], [0, "there"]);
  }
  const { host } = new URL(scene.server.url);
  assertEquals((await run([`me:pw@${host}`, "-L"])).out, "there");
  for (const one of seen) {
    assertEquals(one, { authorization: undefined, cookie: undefined });
  }
});
