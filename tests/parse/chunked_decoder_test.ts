import { assert, assertEquals } from "@std/assert";
import { ChunkedDecoder, ChunkEvent } from "../../parse/chunked_decoder.ts";
import { Cursor } from "../../parse/cursor.ts";
import type { ProtocolErrorCode } from "../../parse.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { bytewise } from "../support/splits.ts";

interface Decoded {
  data: string;
  event: ChunkEvent;
  fault: ProtocolErrorCode | null;
  /** Bytes used of all that was given. */
  used: number;
}

function decode(
  pieces: Iterable<Uint8Array>,
  limit = Infinity,
  decoder = new ChunkedDecoder(),
): Decoded {
  let data = "";
  let used = 0;
  let event: ChunkEvent = ChunkEvent.MORE;
  for (const piece of pieces) {
    const input = new Cursor(piece);
    do {
      event = decoder.decode(input, limit);
      if (event === ChunkEvent.DATA) {
        assert(input.pos > decoder.dataStart);
        data += latin1Text(piece.subarray(decoder.dataStart, input.pos));
      }
    } while (event === ChunkEvent.DATA);
    used += input.pos;
    if (event !== ChunkEvent.MORE) break;
  }
  const fault = event === ChunkEvent.FAILED ? decoder.fault : null;
  return { data, event, fault, used };
}

const { MORE, LAST, FAILED } = ChunkEvent;

const ROWS: [input: string, Decoded][] = [
  ["", { data: "", event: MORE, fault: null, used: 0 }],
  ["0\r\n", { data: "", event: LAST, fault: null, used: 3 }],
  ["0\r\n\r\n", { data: "", event: LAST, fault: null, used: 3 }],
  ["1\r\na\r\n0\r\nX", { data: "a", event: LAST, fault: null, used: 9 }],
  ["5\r\nabc", { data: "abc", event: MORE, fault: null, used: 6 }],
  ['1;x="\\""\r\na\r\n', { data: "a", event: MORE, fault: null, used: 13 }],
  ["x", { data: "", event: FAILED, fault: "bad-chunk-size", used: 0 }],
  ["1\r\nab", { data: "a", event: FAILED, fault: "bad-chunk-end", used: 4 }],
  ["1\rx", { data: "", event: FAILED, fault: "bad-line-end", used: 2 }],
  [
    "1;=",
    { data: "", event: FAILED, fault: "bad-chunk-extension", used: 2 },
  ],
];

for (const [input, expected] of ROWS) {
  Deno.test(`ChunkedDecoder.decode() reads ${JSON.stringify(input)}`, () => {
    const bytes = latin1Bytes(input);
    assertEquals(decode([bytes]), expected);
    assertEquals(decode(bytewise(bytes)), expected);
  });
}

Deno.test("ChunkedDecoder.decode() counts what is announced, before it comes", () => {
  const decoder = new ChunkedDecoder();
  decode([latin1Bytes("a\r\n0123456789\r\nFF\r\n")], 265, decoder);
  assertEquals(decoder.announced, 265);
  assertEquals(decode([latin1Bytes("a\r\n")], 9).fault, "body-too-large");
  assertEquals(decode([latin1Bytes("a\r\n")], 10).event, MORE);
});

Deno.test("ChunkedDecoder.decode() goes on where the caller says", () => {
  const decoder = new ChunkedDecoder();
  const buffer = latin1Bytes("????2\r\nhi\r\n0\r\n????");
  const input = new Cursor(buffer, 14);
  input.pos = 4;
  assertEquals(decoder.decode(input, 100), ChunkEvent.DATA);
  assertEquals([decoder.dataStart, input.pos], [7, 9]);
  assertEquals(decoder.decode(input, 100), ChunkEvent.LAST);
  assertEquals(input.pos, 14);
});

Deno.test("ChunkedDecoder.reset() forgets a body in any state", () => {
  const whole = latin1Bytes('2;a="\\\\"\r\nhi\r\n0\r\n');
  const expected = decode([whole]);
  assertEquals(expected.event, LAST);
  const decoder = new ChunkedDecoder();
  for (let length = 0; length <= whole.length; length++) {
    decode([whole.subarray(0, length)], 2, decoder);
    decoder.reset();
    assertEquals(decode([whole], 2, decoder), expected);
  }
});

Deno.test("ChunkedDecoder.decode() bounds the extensions of one body together", () => {
  const chunk = `1;${"x".repeat(1023)}\r\na\r\n`; // 1024 bytes of extension
  const body = (count: number) => [latin1Bytes(chunk.repeat(count) + "0\r\n")];
  assertEquals(decode(body(4)).event, LAST);
  assertEquals(decode(body(5)).fault, "bad-chunk-extension");
  const decoder = new ChunkedDecoder();
  for (let i = 0; i < 3; i++) {
    decoder.reset();
    assertEquals(decode(body(3), Infinity, decoder).event, LAST);
  }
});
