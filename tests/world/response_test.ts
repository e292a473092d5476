// The same responses to our client and to others: what each makes of every row,
// and each difference with its reason.
import { assert, assertEquals } from "@std/assert";
import { wanting } from "../support/wanting.ts";
import { unnamed } from "./differences.ts";
import { responseDifferences } from "./response_differences.ts";
import {
  PEERS_THAT_READ,
  readByUs,
  type Reader,
  RowServer,
} from "./response_peers.ts";
import { REFUSED, worldResponses } from "./response_rows.ts";
import { differenceTable, tableOf } from "./tables.ts";

/** Each once, however it was made. */
const rows = [
  ...new Map(
    worldResponses.map((row) => [row.bytes + (row.method ?? ""), row]),
  ).values(),
];

Deno.test("HttpClient makes of the world's responses what each row says", async () => {
  assert(rows.length >= 400, `${rows.length} rows`);
  await using server = new RowServer(rows);
  const found = await readByUs(server, rows);
  const wrong = rows.flatMap(({ kind, bytes, ours }, id) =>
    found[id] === ours ? [] : [{ kind, bytes, ours, found: found[id] }]
  );
  assertEquals(wrong, []);
});

for (const [name, { wants, read }] of Object.entries(PEERS_THAT_READ)) {
  Deno.test({
    ...wanting(
      `HttpClient and ${name} differ where it is said, and why`,
      ...wants,
    ),
    fn: async () => {
      await using server = new RowServer(rows);
      const found = await read(server, rows);
      const judged = rows.map(({ kind, bytes, ours }, id) => {
        return { kind, sent: bytes, ours, theirs: found[id] };
      });
      const isRefusal = (outcome: string) => outcome === REFUSED;
      const differences = responseDifferences;
      assertEquals(unnamed(judged, name as Reader, differences, isRefusal), []);
    },
  });
}

Deno.test("Each difference of responses is of a kind that there is", () => {
  const kinds = new Set(rows.map(({ kind }) => kind));
  for (const kind of Object.keys(responseDifferences)) {
    assert(kinds.has(kind), kind);
  }
});

Deno.test("docs tell what is read of responses, and by whom", async () => {
  const page = await Deno.readTextFile(
    new URL("../../docs/what-is-read.md", import.meta.url),
  );
  assertEquals(
    tableOf(page, "Responses"),
    differenceTable(rows, responseDifferences, Object.keys(PEERS_THAT_READ)),
  );
});
