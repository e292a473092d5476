// The same content types to us and to others: what each reads in them, and each
// difference with its reason.
import { assert, assertEquals } from "@std/assert";
import { mediaType } from "../../message/incoming_message.ts";
import { charsetOf } from "../../parse/charset.ts";
import { parseHeaderParameters } from "../../parse.ts";
import { program, wanting } from "../support/wanting.ts";
import { unnamed } from "./differences.ts";
import type { Difference } from "./response_differences.ts";
import { worldTypes as rows } from "./type_rows.ts";

const PEERS = {
  "MIMEType of Node": ["node", "types.mjs"],
  "email.message of Python": ["python3", "types.py"],
} as const;
type Peer = keyof typeof PEERS;

/** By kind: who reads something else. What is not here is the same. */
const DIFFERENCES: Record<string, Difference<Peer>> = {
  "single quotes": {
    why: "No charset is called so: people mean quotes",
    otherwise: ["MIMEType of Node", "email.message of Python"],
  },
  "white space around the equals sign": {
    why: "RFC 9110 5.6.6 has none; it can mean but one thing",
    otherwise: ["MIMEType of Node"],
  },
  "a comma for a semicolon": {
    why: "Two fields in one: it is shown as it came",
    refuses: ["MIMEType of Node"],
  },
  "no media type": {
    why: "It is shown as it came, and is no type that is known",
    refuses: ["MIMEType of Node"],
    otherwise: ["email.message of Python"],
  },
  "white space around it": {
    why: "It is shown as it came, and is no type that is known",
    refuses: ["MIMEType of Node"],
  },
};

Deno.test("Content types of the world are read as each row says", () => {
  assert(rows.length >= 44, `${rows.length} rows`);
  for (const { value, ours } of rows) {
    // One that names none is of UTF-8, which is not asked here.
    const isNamed = parseHeaderParameters(value).charset;
    const charset = isNamed ? charsetOf(value) : "";
    assertEquals(`${mediaType(value)} ${charset}`, ours, value);
  }
  const kinds = new Set(rows.map(({ kind }) => kind));
  for (const kind of Object.keys(DIFFERENCES)) assert(kinds.has(kind), kind);
});

for (const [name, [command, file]] of Object.entries(PEERS)) {
  Deno.test({
    ...wanting(
      `Content types are read otherwise by ${name} where it is said, and why`,
      command,
    ),
    fn: async () => {
      const child = new Deno.Command(program(command), {
        args: [new URL(`peers/${file}`, import.meta.url).pathname],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const input = child.stdin.getWriter();
      const values = JSON.stringify(rows.map(({ value }) => value));
      await input.write(new TextEncoder().encode(values));
      await input.close();
      const { stdout } = await child.output();
      const found: string[] = JSON.parse(new TextDecoder().decode(stdout));
      const judged = rows.map(({ kind, value, ours }, id) => {
        return { kind, sent: value, ours, theirs: found[id] };
      });
      const isNone = (outcome: string) => outcome === "";
      assertEquals(unnamed(judged, name as Peer, DIFFERENCES, isNone), []);
    },
  });
}
