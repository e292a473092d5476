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

interface Counts {
  made: number;
  refused: number;
  lost: number;
}

/** Renews again and again while peers connect. */
async function renew(how: string): Promise<Counts> {
  const { cert, key } = pair!;
  const script = new URL("../support/reloads.ts", import.meta.url);
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ..."run -A --no-check --unstable-net".split(" "),
      ...[script.href, how, String(RENEWALS), cert, key],
    ],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(success, true, text(stderr));
  return JSON.parse(text(stdout));
}

/** Whether no more is lost than cannot be helped. */
function isWell(how: string, { made, refused, lost }: Counts): boolean {
  if (how === "guarded") return refused === 0 && lost === 0;
  // What the system hands us while we close is lost: a few of a hundred at most.
  if (lost * 20 > made) return false;
  return how === "shared" ? refused === 0 : refused * 5 <= made;
}

for (const [how, definition] of Object.entries(WAYS)) {
  Deno.test({ ...definition }, async () => {
    let counts = await renew(how);
    assert(counts.made >= RENEWALS * 20, Deno.inspect(counts));
    // How much is in the system's hands at that moment is chance, where the
    // machine is busy: then it is done once more. With nothing to lose, it is not.
    if (how !== "guarded" && !isWell(how, counts)) counts = await renew(how);
    assert(isWell(how, counts), Deno.inspect(counts));
  });
}
