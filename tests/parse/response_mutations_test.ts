import { assert, assertEquals } from "@std/assert";
import { type ParseLimits, protocolErrors } from "../../parse.ts";
import { responses } from "../cases/responses.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import {
  readResponsePieces,
  readWholeResponses,
} from "../support/response_splits.ts";
import { bytewise, Random } from "../support/splits.ts";

const COUNT = 10_000;
const LIMITS: ParseLimits = {
  maxHeadersLength: 256,
  maxHeadersCount: 6,
  maxContentLength: 64,
};
const METHODS = [undefined, "GET", "GET", "POST", "HEAD", "CONNECT"];

const short = responses.map((row) => ({
  bytes: latin1Bytes(row.parts.join("")),
  methods: row.methods,
  isGood: typeof row.end === "string" && row.end !== "pending",
})).filter(({ bytes }) => bytes.length < 200);
const good = short.filter(({ isGood }) => isGood);

/** Bytes and words on which a parser may trip. */
const POISON = [
  ...'\r\n\t\0 :;,="\\/+-0123f\x7f\x80\xff',
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  "HTTP/1.0 ",
  "HTTP/1.1 100 \r\n\r\n",
  "HTTP/1.1 204 \r\n",
  " 304 ",
  " 101",
  "Content-Length: 3\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Keep-Alive: 1\r\n",
  "Set-Cookie: a=b\r\n",
  "Content-Encoding: gzip\r\n",
  "ffffffffffffff",
  "0\r\n\r\n",
  "HTTP/1.1 200 OK\r\n\r\n",
].map(latin1Bytes);

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** One change: a byte or a word more, less, other, twice, or of another row. */
function mutate(random: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // The larger of two, so that not nearly all faults lie in the first line.
  const at = Math.max(
    random.below(bytes.length + 1),
    random.below(bytes.length + 1),
  );
  const to = Math.min(bytes.length, at + 1 + random.below(8));
  const head = bytes.subarray(0, at);
  switch (random.below(8)) {
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
      const other = random.pick(short).bytes;
      return join(head, other.subarray(random.below(other.length)));
    }
    case 6: { // a line more
      const line = latin1Text(bytes).indexOf("\r\n", at / 2) + 2;
      return join(
        bytes.subarray(0, line),
        random.pick(POISON),
        bytes.subarray(line),
      );
    }
    default:
      return join(bytes, random.pick(short).bytes);
  }
}

Deno.test(`ResponseParser gives ${COUNT} mutated responses one verdict each, however they are cut`, () => {
  const random = new Random(3);
  const seen = new Map<string, number>();
  for (let i = 0; i < COUNT; i++) {
    const row = random.pick(i % 4 === 0 ? short : good);
    const methods = i % 3 === 0 ? [random.pick(METHODS)] : row.methods;
    let bytes = row.bytes.slice();
    for (let n = 1 + random.below(3); n > 0; n--) bytes = mutate(random, bytes);
    const name = `mutation ${i} of ${methods}: ` +
      JSON.stringify(latin1Text(bytes));
    let verdict: string;
    try {
      // These throw where the parser hangs, its buffer outgrows the limits,
      // or it does not know whether the connection's end completes a body.
      const outcome = readWholeResponses(bytes, methods, LIMITS);
      verdict = outcome.code ?? outcome.end;
      const whole = JSON.stringify(outcome);
      for (const pieces of [[bytes], bytewise(bytes), random.pieces(bytes)]) {
        const other = readResponsePieces(pieces, methods, LIMITS);
        if (JSON.stringify(other) !== whole) assertEquals(other, outcome);
      }
      const { code, end, status, offset } = outcome;
      if (end === "failed") {
        assertEquals(status, protocolErrors[code!][0]);
        assert(offset! >= 0 && offset! <= bytes.length);
      }
      const isOpen = outcome.responses.at(-1)?.endsWithConnection ?? false;
      assertEquals(end === "until-close", isOpen && end !== "failed");
    } catch (error) {
      throw new Error(name, { cause: error });
    }
    seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
  }
  // The mutations must go deep: a good part stays whole, and most codes occur.
  for (const end of ["complete", "until-close", "pending"]) {
    assert(seen.get(end)! > COUNT / 50, `${end}: ${seen.get(end)}`);
  }
  assert(seen.size > 20, [...seen.keys()].join());
});
