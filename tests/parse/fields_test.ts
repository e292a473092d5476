import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  parseHeaderLine,
  ProtocolError,
  type ProtocolErrorCode,
} from "../../parse.ts";
import { readFieldLines, readFields, trim } from "../../parse/fields.ts";
import { latin1Bytes } from "../support/bytes.ts";

const GOOD: Record<string, [string, string]> = {
  "Content-Type: text/html": ["content-type", "text/html"],
  "X:y": ["x", "y"],
  "X:": ["x", ""],
  "X: \t ": ["x", ""],
  "X: \t y z\t ": ["x", "y z"],
  "X::y: z": ["x", ":y: z"],
  "X: \x80\xff": ["x", "\x80\xff"],
  "!#$%&'*+-.^_`|~: y": ["!#$%&'*+-.^_`|~", "y"],
  "__proto__: y": ["__proto__", "y"],
};

for (const [line, expected] of Object.entries(GOOD)) {
  Deno.test(`parseHeaderLine() reads ${JSON.stringify(line)}`, () => {
    assertEquals(parseHeaderLine(line), expected);
    assertEquals(parseHeaderLine(latin1Bytes(line)), expected);
  });
}

const BAD: Record<string, ProtocolErrorCode> = {
  "": "bad-field-name",
  "X": "bad-field-name",
  ": y": "bad-field-name",
  "X : y": "bad-field-name",
  "X\t: y": "bad-field-name",
  "X y: z": "bad-field-name",
  "X\0: y": "bad-field-name",
  "\xff: y": "bad-field-name",
  " X: y": "folded-field",
  "\tX: y": "folded-field",
  "X: y\r\n": "bad-field-value",
  "X: y\n": "bad-field-value",
  "X: \ry": "bad-field-value",
  "X: y\r\n z": "bad-field-value",
  "X: y\0z": "bad-field-value",
  "X: \x7f": "bad-field-value",
};

for (const [line, code] of Object.entries(BAD)) {
  Deno.test(`parseHeaderLine() refuses ${JSON.stringify(line)}`, () => {
    for (const input of [line, latin1Bytes(line)]) {
      const error = assertThrows(() => parseHeaderLine(input));
      assertInstanceOf(error, ProtocolError);
      assertEquals([error.code, error.status], [code, 400]);
    }
  });
}

Deno.test("parseHeaderLine() refuses characters that are no bytes", () => {
  for (const line of ["X: \u0100", "X: \u010d\u010aY: z", "\u0100: y"]) {
    assertThrows(() => parseHeaderLine(line), ProtocolError);
  }
});

Deno.test("readFields() joins lines of one name, and keeps the order", () => {
  const fields = readFields(
    "GET\r\nB: 1\r\nA: 2\r\nb: 3\r\nCookie: x\r\nCOOKIE: y\r\n__proto__: p\r\n\r\n",
    5,
  );
  assertEquals(Object.entries(fields), [
    ["b", "1, 3"],
    ["a", "2"],
    ["cookie", "x; y"],
    ["__proto__", "p"],
  ]);
});

Deno.test("readFields() reads no fields", () => {
  assertEquals(Object.entries(readFields("GET\r\n\r\n", 5)), []);
});

Deno.test("readFieldLines() keeps each line apart", () => {
  const text = "Via: a, b\r\nX: via: no\r\nVIA:\r\nvia: c\r\n\r\n";
  assertEquals(readFieldLines(text, 0, "via"), ["a, b", "", "c"]);
});

Deno.test("trim() takes off blanks, and nothing else", () => {
  assertEquals(trim(" \t a b \t "), "a b");
  assertEquals(trim("\xa0a\v\n"), "\xa0a\v\n");
  assertEquals(trim(" \t "), "");
  assertEquals(trim(""), "");
  assertEquals(trim("x a y", 1, 4), "a");
});
