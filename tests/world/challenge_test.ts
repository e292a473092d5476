// The same challenges to our client and to others: how each answers every row,
// and each difference with its reason.
import { assert, assertEquals } from "@std/assert";
import { wanting } from "../support/wanting.ts";
import { challengeDifferences } from "./challenge_differences.ts";
import {
  type Answering,
  byUs,
  PEERS_THAT_ANSWER,
  startAsking,
} from "./challenge_peers.ts";
import { NONE, worldChallenges as rows } from "./challenge_rows.ts";
import { unnamed } from "./differences.ts";

Deno.test("HttpClient answers the world's challenges as each row says", async () => {
  assert(rows.length >= 55, `${rows.length} rows`);
  await using server = startAsking(rows);
  const found = await byUs(server, rows.length);
  const wrong = rows.flatMap(({ lines, ours }, id) =>
    found[id] === ours ? [] : [{ lines, ours, found: found[id] }]
  );
  assertEquals(wrong, []);
  const kinds = new Set(rows.map(({ kind }) => kind));
  for (const kind of Object.keys(challengeDifferences)) {
    assert(kinds.has(kind), kind);
  }
});

for (const [name, { wants, answer }] of Object.entries(PEERS_THAT_ANSWER)) {
  Deno.test({
    ...wanting(
      `HttpClient and ${name} answer challenges otherwise where it is said, and why`,
      ...wants,
    ),
    fn: async () => {
      await using server = startAsking(rows);
      const found = await answer(server, rows.length);
      const judged = rows.map(({ kind, lines, ours }, id) => {
        return { kind, sent: lines.join("\n"), ours, theirs: found[id] };
      });
      const isNone = (outcome: string) => outcome === NONE;
      const peer = name as Answering;
      assertEquals(unnamed(judged, peer, challengeDifferences, isNone), []);
    },
  });
}
