// The same cookies to our jar and to others: what each sends back, and each
// difference with its reason.
import { assert, assertEquals } from "@std/assert";
import { CookieJar } from "@uhttp/uhttp";
import { wanting } from "../support/wanting.ts";
import { cookieDifferences } from "./cookie_differences.ts";
import { type Keeping, PEERS_THAT_KEEP } from "./cookie_peers.ts";
import { worldCookies as rows } from "./cookie_rows.ts";
import { unnamed } from "./differences.ts";

Deno.test("CookieJar keeps the world's cookies as each row says", () => {
  assert(rows.length >= 90, `${rows.length} rows`);
  for (const { line, ours } of rows) {
    const jar = new CookieJar();
    jar.store(new URL("http://host.test/dir/set"), [line]);
    const found = jar.header(new URL("http://host.test/dir/back")) ?? "";
    assertEquals(found, ours, JSON.stringify(line));
  }
  const kinds = new Set(rows.map(({ kind }) => kind));
  for (const kind of Object.keys(cookieDifferences)) {
    assert(kinds.has(kind), kind);
  }
});

for (const [name, { wants, keep }] of Object.entries(PEERS_THAT_KEEP)) {
  Deno.test({
    ...wanting(
      `CookieJar and ${name} differ where it is said, and why`,
      ...wants,
    ),
    fn: async () => {
      const found = await keep(rows);
      const judged = rows.map(({ kind, line, ours }, id) => {
        return { kind, sent: line, ours, theirs: found[id] };
      });
      const isNone = (outcome: string) => outcome === "";
      const peer = name as Keeping;
      assertEquals(unnamed(judged, peer, cookieDifferences, isNone), []);
    },
  });
}
