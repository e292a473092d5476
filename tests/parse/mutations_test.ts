import { assert, assertEquals } from "@std/assert";
import { protocolErrors, type RequestParserOptions } from "../../parse.ts";
import { requests } from "../cases/requests.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { bytewise, Random, readPieces, readWhole } from "../support/splits.ts";

const COUNT = 10_000;
const OPTIONS: RequestParserOptions = {
  maxHeadersLength: 256,
  maxHeadersCount: 6,
  maxContentLength: 64,
};

const short = requests.filter((row) => row.input.length < 200);
const rows = short.map((row) => latin1Bytes(row.input));
const goodRows = short.filter((row) => row.end === "complete")
  .map((row) => latin1Bytes(row.input));

/** Bytes and words on which a parser may trip. */
const POISON = [
  ...'\r\n\t\0 :;,="\\/%[]@?#*+-0123f\x7f\x80\xff',
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  "HTTP/1.0",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Host: b\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "ffffffffffffff",
  "0\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
].map(latin1Bytes);

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** One change: a byte or a word more, less, other, twice, or of another row. */
function mutate(
  random: Random,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  // The larger of two, so that not nearly all faults lie in the first line.
  const at = Math.max(
    random.below(bytes.length + 1),
    random.below(bytes.length + 1),
  );
  const to = Math.min(bytes.length, at + 1 + random.below(8));
  const head = bytes.subarray(0, at);
  switch (random.below(7)) {
    case 0:
      return join(head, random.pick(POISON), bytes.subarray(at));
    case 1:
      return join(head, random.pick(POISON), bytes.subarray(to));
    case 2:
      return join(head, bytes.subarray(to));
    case 3:
      return join(bytes.subarray(0, to), bytes.subarray(at));
    case 4: {
      const flipped = new Uint8Array(bytes);
      if (at < bytes.length) flipped[at] ^= 1 << random.below(8);
      return flipped;
    }
    case 5: {
      const other = random.pick(rows);
      return join(head, other.subarray(random.below(other.length)));
    }
    default:
      return join(bytes, random.pick(rows));
  }
}

Deno.test(`RequestParser gives ${COUNT} mutated requests one verdict each, however they are cut`, () => {
  const random = new Random(2);
  const seen = new Map<string, number>();
  for (let i = 0; i < COUNT; i++) {
    let bytes = random.pick(i % 4 === 0 ? rows : goodRows).slice();
    for (let n = 1 + random.below(3); n > 0; n--) bytes = mutate(random, bytes);
    const name = `mutation ${i}: ${JSON.stringify(latin1Text(bytes))}`;
    let verdict: string;
    try {
      // These throw where the parser hangs, or its buffer outgrows the limits.
      const outcome = readWhole(bytes, OPTIONS);
      verdict = outcome.code ?? outcome.end;
      const whole = JSON.stringify(outcome);
      for (const pieces of [bytewise(bytes), random.pieces(bytes)]) {
        const other = readPieces(pieces, OPTIONS);
        if (JSON.stringify(other) !== whole) assertEquals(other, outcome);
      }
      if (outcome.end === "failed") {
        const { code, status, offset } = outcome;
        assertEquals(status, protocolErrors[code!][0]);
        assert(offset! >= 0 && offset! <= bytes.length);
      }
    } catch (error) {
      throw new Error(name, { cause: error });
    }
    seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
  }
  // The mutations must go deep: a good part stays whole, and most codes occur.
  assert(seen.get("complete")! > COUNT / 20, "complete");
  assert(seen.size > 20, [...seen.keys()].join());
});
