import { assert, assertEquals } from "@std/assert";
import { makePair } from "../support/certificates.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const RENEWALS = 15;
const NAME = "HttpServer.loadCertificate() keeps connections that wait, on ";

/** What it does, and what it wants. */
const WAYS = {
  shared: wanting(NAME + "a shared port", "OpenSSL 3", "Linux"),
  own: wanting(NAME + "a port of its own", "OpenSSL 3"),
  guarded: wanting(NAME + "a port that stays open", "OpenSSL 3"),
};

for (const [how, definition] of Object.entries(WAYS)) {
  Deno.test({ ...definition }, async () => {
    const { cert, key } = pair!;
    const script = new URL("../support/reloads.ts", import.meta.url);
    const { stdout, stderr, success } = await new Deno.Command(
      Deno.execPath(),
      {
        args: [
          ..."run -A --no-check --unstable-net".split(" "),
          ...[script.href, how, String(RENEWALS), cert, key],
        ],
      },
    ).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals(success, true, text(stderr));
    const { made, refused, lost } = JSON.parse(text(stdout));
    assert(made >= RENEWALS * 20, text(stdout));
    // What the system hands us while we close is lost: a few of a hundred at most.
    assert(lost * 20 <= made, text(stdout));
    if (how === "guarded") assertEquals([refused, lost], [0, 0]);
    else if (how === "shared") assertEquals(refused, 0);
    else assert(refused * 5 <= made, text(stdout));
  });
}
