// The same requests to our server and to others: what each makes of every row,
// and each difference with its reason.
import { assert, assertEquals } from "@std/assert";
import { wanting } from "../support/wanting.ts";
import { unnamed } from "./differences.ts";
import { requestDifferences } from "./request_differences.ts";
import {
  PEERS_THAT_SERVE,
  serve,
  type Serving,
  startOurs,
} from "./request_peers.ts";
import { isRefusal, worldRequests } from "./request_rows.ts";
import { REFUSED } from "./response_rows.ts";
import { differenceTable, tableOf } from "./tables.ts";

/** Each once, however it was made. */
const rows = [
  ...new Map(worldRequests.map((row) => [row.bytes, row])).values(),
];

Deno.test("HttpServer makes of the world's requests what each row says", async () => {
  assert(rows.length >= 360, `${rows.length} rows`);
  await using server = startOurs();
  const found = await serve(server, rows);
  const wrong = rows.flatMap(({ kind, bytes, ours }, id) =>
    found[id] === ours ? [] : [{ kind, bytes, ours, found: found[id] }]
  );
  assertEquals(wrong, []);
});

for (const [name, { wants, start }] of Object.entries(PEERS_THAT_SERVE)) {
  Deno.test({
    ...wanting(
      `HttpServer and ${name} differ where it is said, and why`,
      ...wants,
    ),
    fn: async () => {
      await using server = await start();
      const found = await serve(server, rows);
      const judged = rows.map(({ kind, bytes, ours }, id) => {
        return { kind, sent: bytes, ours, theirs: found[id] };
      });
      const differences = requestDifferences;
      assertEquals(
        unnamed(judged, name as Serving, differences, isRefusal),
        [],
      );
    },
  });
}

Deno.test("docs tell what is read of requests, and by whom", async () => {
  const kinds = new Set(rows.map(({ kind }) => kind));
  for (const kind of Object.keys(requestDifferences)) {
    assert(kinds.has(kind), kind);
  }
  const page = await Deno.readTextFile(
    new URL("../../docs/what-is-read.md", import.meta.url),
  );
  const judged = rows.map(({ kind, ours }) => ({
    kind,
    ours: isRefusal(ours) ? REFUSED : ours,
  }));
  const peers = Object.keys(PEERS_THAT_SERVE);
  assertEquals(
    tableOf(page, "Requests"),
    differenceTable(judged, requestDifferences, peers),
  );
});
