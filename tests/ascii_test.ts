// Functions of the language that know Unicode take more than the grammars of
// the protocol do: `trim()` and `\s` also what is no SP or HTAB, a decoder drops
// a byte order mark. Where bytes of a peer are read, nothing of the kind is used,
// but where it is named here, with the reason.
import { assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";

const ROOT = join(dirname(fromFileUrl(import.meta.url)), "..");
const ROOMS = ["parse", "wire", "message", "transport", "websocket"]
  .concat("server", "client");

/** What is looked for, and why. */
const UNICODE: Record<string, RegExp> = {
  "trims more than SP and HTAB": /\.trim(?:Start|End)?\(/g,
  "matches more than SP and HTAB": /(?<!\\)\\[sS]/g,
  "matches letters beyond ASCII": /\/[a-z]*i[a-z]*u[a-z]*[;,.)]|\/ui[;,.)]/g,
  "knows languages": /\.toLocale\w+\(|\.localeCompare\(/g,
  "drops a byte order mark": /new TextDecoder\((?![^)]*ignoreBOM)/g,
};

/** Where that is meant. */
const MEANT: Record<string, string[]> = {
  "parse/fields.ts": ["matches more than SP and HTAB"], // a list of our own
  "wire/redaction.ts": ["matches more than SP and HTAB"], // URLs in messages
  // Looks at what comes of it, and decodes again where there may be a mark.
  "parse/text.ts": ["drops a byte order mark"],
  // As `fetch` has it for text.
  "parse/charset.ts": Array(3).fill("drops a byte order mark"),
  "server/web_request.ts": ["drops a byte order mark"],
  // What the user has set, and a password of a URL.
  "client/proxy.ts": [
    "trims more than SP and HTAB",
    "drops a byte order mark",
  ],
  "parse/part_names.ts": ["drops a byte order mark"], // it has none
};

/** A source without its comments. */
function bare(text: string): string {
  return text.replace(/\/\*\*?[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

Deno.test("No function that knows Unicode is used on bytes of a peer, but for those named", async () => {
  const found: Record<string, string[]> = {};
  for (const room of ROOMS) {
    for await (const { name, isFile } of Deno.readDir(join(ROOT, room))) {
      if (!isFile || !name.endsWith(".ts")) continue;
      const text = bare(await Deno.readTextFile(join(ROOT, room, name)));
      for (const [what, pattern] of Object.entries(UNICODE)) {
        for (const _ of text.matchAll(pattern)) {
          (found[`${room}/${name}`] ??= []).push(what);
        }
      }
    }
  }
  assertEquals(found, MEANT);
});
