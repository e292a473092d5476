import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  LineParser,
  ProtocolError,
  type ProtocolErrorCode,
} from "../../parse.ts";
import { latin1Bytes } from "../support/bytes.ts";
import { bytewise, Random, twoCuts } from "../support/splits.ts";

interface Outcome {
  lines: string[];
  /** What came of `finish()`. */
  last: string | null;
  code?: ProtocolErrorCode;
  offset?: number;
}

/** Feeds pieces, and writes down all that comes of them. */
function read(
  pieces: Iterable<Uint8Array>,
  maxLineLength?: number,
): Outcome {
  const parser = new LineParser({ maxLineLength });
  const outcome: Outcome = { lines: [], last: null };
  try {
    for (const piece of pieces) {
      const bytes = piece.slice();
      parser.push(bytes);
      for (let line; (line = parser.next()) !== null;) outcome.lines.push(line);
      bytes.fill(0x0a); // it has no business with them any more
    }
    outcome.last = parser.finish();
    assertEquals([parser.next(), parser.finish()], [null, null]);
  } catch (error) {
    assert(error instanceof ProtocolError, String(error));
    assert(parser.error === error);
    parser.push(latin1Bytes("more\n"));
    assertThrows(() => parser.next(), ProtocolError);
    assertThrows(() => parser.finish(), ProtocolError);
    outcome.code = error.code;
    outcome.offset = error.offset;
  }
  return outcome;
}

/** Reads bytes whole, byte by byte, and cut everywhere: always the same. */
function readEveryWay(bytes: Uint8Array, maxLineLength?: number): Outcome {
  const outcome = read([bytes], maxLineLength);
  assertEquals(read(bytewise(bytes), maxLineLength), outcome, "bytewise");
  for (const pieces of twoCuts(bytes, 60)) {
    const cuts = pieces.map((piece) => piece.length).join("+");
    assertEquals(read(pieces, maxLineLength), outcome, cuts);
  }
  const empty = new Uint8Array(0);
  const gaps = [...bytewise(bytes)].flatMap((byte) => [empty, byte, empty]);
  assertEquals(read(gaps, maxLineLength), outcome, "with empty pieces");
  return outcome;
}

/** The text, one character a byte; its lines, and what has no end. */
const ROWS: [text: string, lines: string[], last?: string | null][] = [
  ["", []],
  ["\n", [""]],
  ["\r\n", [""]],
  ["\n\n", ["", ""]],
  ["\r\n\n\r\n", ["", "", ""]],
  ["a", [], "a"],
  ["a\n", ["a"]],
  ["a\r\n", ["a"]],
  ["a\nb", ["a"], "b"],
  ["a\r\nb\r\n", ["a", "b"]],
  ["one\ntwo\r\nthree", ["one", "two"], "three"],
  ["\r", [], "\r"],
  ["a\r", [], "a\r"],
  ["a\rb\n", ["a\rb"]],
  ["\r\r\n", ["\r"]],
  ["\r\r\r\n\r", ["\r\r"], "\r"],
  ["\n\r", [""], "\r"],
  ["\ra\n", ["\ra"]],
  [" a \t\n\t", [" a \t"], "\t"],
  ["\0\x01\x7f\n", ["\0\x01\x7f"]],
  ["\x0b\x0c\n", ["\x0b\x0c"]],
  ['{"a":1}\n{"a":2}\n', ['{"a":1}', '{"a":2}']],
  ["\xc3\xa9\n\xe2\x82\xac\n\xf0\x9f\x98\x80", ["é", "€"], "😀"],
  ["\xe2\x80\xa8\xc2\x85\n", ["\u2028\u0085"]],
  ["\xef\xbf\xbd\n", ["\ufffd"]],
  ["\xef\xbb\xbfa\nb", ["a"], "b"],
  ["\xef\xbb\xbf", [], ""],
  ["\xef\xbb\xbf\n", [""]],
  ["\xef\xbb\xbf\xef\xbb\xbfa\n", ["\ufeffa"]],
  ["a\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]],
  ["\n\xef\xbb\xbfb", [""], "\ufeffb"],
  ["__proto__\n", ["__proto__"]],
];

for (const [text, lines, last = null] of ROWS) {
  Deno.test(`LineParser.next() reads ${JSON.stringify(text)}`, () => {
    assertEquals(readEveryWay(latin1Bytes(text)), { lines, last });
  });
}

const BAD: [text: string, lines: string[], offset: number][] = [
  ["\xff\n", [], 0],
  ["a\nb\xe9c\nd\n", ["a"], 2],
  ["a\r\n\xc0\x80\n", ["a"], 3],
  ["\xed\xa0\x80\n", [], 0],
  ["\xf4\x90\x80\x80\n", [], 0],
  ["a\n\xe2\x82\n\xac\n", ["a"], 2],
  ["a\n\xe2\x82", ["a"], 2],
  ["\xef\xbb\n", [], 0],
  ["\xef\xbb\xbf\n\x80\n", [""], 4],
];

for (const [text, lines, offset] of BAD) {
  Deno.test(`LineParser.next() refuses ${JSON.stringify(text)}`, () => {
    assertEquals(readEveryWay(latin1Bytes(text)), {
      lines,
      last: null,
      code: "bad-encoding",
      offset,
    });
  });
}

const LONG: [
  text: string,
  max: number,
  lines: string[],
  last: string | null,
  offset?: number,
][] = [
  ["abc\n", 3, ["abc"], null],
  ["abc\r\n", 3, ["abc"], null],
  ["abc", 3, [], "abc"],
  ["ab\r", 3, [], "ab\r"],
  ["\n\r\n", 0, ["", ""], null],
  ["\xc3\xa9\n", 2, ["é"], null],
  ["abcd\n", 3, [], null, 3],
  ["abcd", 3, [], null, 3],
  ["abcd\r\n", 3, [], null, 3],
  ["abc\r", 3, [], null, 3],
  ["abc\rd\n", 3, [], null, 3],
  ["abc\r\r\n", 3, [], null, 3],
  ["ab\nabcdefgh", 3, ["ab"], null, 6],
  ["a\r\nabcd\n", 3, ["a"], null, 6],
  ["x", 0, [], null, 0],
  ["\xff\xff\xff\xff\n", 3, [], null, 3],
];

for (const [text, max, lines, last, offset] of LONG) {
  const name = JSON.stringify(text);
  Deno.test(`LineParser.next() holds ${name} to a line of ${max} bytes`, () => {
    const code = "body-too-large" as const;
    assertEquals(readEveryWay(latin1Bytes(text), max), {
      lines,
      last,
      ...offset === undefined ? {} : { code, offset },
    });
  });
}

Deno.test("LineParser.next() keeps no line that is too long", () => {
  for (const byte of ["x", "\r"]) {
    const parser = new LineParser({ maxLineLength: 3 });
    assertThrows(() => {
      for (let i = 0; i < 5; i++) {
        parser.push(latin1Bytes(byte));
        parser.next();
      }
    }, ProtocolError);
  }
});

Deno.test("LineParser.next() has a limit on its own", () => {
  const longest = "x".repeat(1 << 20);
  assertEquals(read([latin1Bytes(longest + "\r\n")]).lines, [longest]);
  const { code, offset } = read([latin1Bytes(longest), latin1Bytes("x")]);
  assertEquals([code, offset], ["body-too-large", 1 << 20]);
});

Deno.test("LineParser.next() reads random lines, however cut", () => {
  const random = new Random(1);
  for (let round = 0; round < 300; round++) {
    const lines = Array.from({ length: random.below(8) }, () => {
      let line = "";
      for (let i = random.below(20); i > 0; i--) {
        line += random.pick(["a", "é", "€", "😀", "\r", " ", "x".repeat(200)]);
      }
      return line.replace(/\r+$/, "");
    });
    const ends = lines.map(() => random.pick(["\n", "\r\n"]));
    const bytes = new TextEncoder().encode(
      lines.map((line, i) => line + ends[i]).join("") + "last",
    );
    const expected: Outcome = { lines, last: "last" };
    for (const pieces of [[bytes], bytewise(bytes), random.pieces(bytes)]) {
      assertEquals(read(pieces), expected);
    }
  }
});

/** Bytes that tell how many of them were searched or copied. */
class Watched extends Uint8Array {
  static looks = 0;

  override indexOf(value: number, from = 0): number {
    const found = super.indexOf(value, from);
    Watched.looks += (found < 0 ? this.length : found + 1) - from;
    return found;
  }
}

Deno.test("LineParser.next() looks for a line's end at each byte once", () => {
  const text = latin1Bytes(`${"x".repeat(5000)}\n\n${"\r".repeat(500)}\nab`);
  for (const length of [1, 7, 1000, text.length]) {
    Watched.looks = 0;
    const parser = new LineParser();
    let count = 0;
    for (let at = 0; at < text.length; at += length) {
      parser.push(new Watched(text.slice(at, at + length)));
      while (parser.next() !== null) count++;
    }
    assertEquals([count, Watched.looks], [3, text.length]);
  }
});

Deno.test("LineParser.next() copies a long line seldom, byte by byte", () => {
  // Were it copied for each byte, this would take minutes.
  const longest = "x".repeat(1 << 20);
  const { lines } = read(bytewise(latin1Bytes(longest + "\r\n")));
  assertEquals(lines, [longest]);
});

Deno.test("LineParser.push() throws where next() has not asked for more", () => {
  const parser = new LineParser();
  parser.push(latin1Bytes("a\nb\n"));
  assertThrows(() => parser.push(latin1Bytes("c")), TypeError, "next()");
  assertEquals([parser.next(), parser.next(), parser.next()], ["a", "b", null]);
  parser.push(latin1Bytes("c"));
  assertThrows(() => parser.push(latin1Bytes("d")), TypeError);
});
