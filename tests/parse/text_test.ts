import { assertEquals } from "@std/assert";
import { byteText } from "../../parse/text.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";

const PARTS: [name: string, part: string][] = [
  ["ASCII", "abc \r\n\0\x7f"],
  ["a byte that is no UTF-8", "a\xff"],
  ["bytes that Windows reads otherwise", "\x80\x9f"],
  ["UTF-8", "\xc3\xbc\xf0\x9f\x98\x80"],
  ["a byte order mark", "\xef\xbb\xbf"],
  ["a replacement character", "\xef\xbf\xbd"],
  ["UTF-8 that is cut off", "x\xe2\x82"],
];

for (const [name, part] of PARTS) {
  Deno.test(`byteText() gives one character a byte of ${name}`, () => {
    for (const times of [0, 1, 2, 3, 5, 8, 9, 12, 13, 100, 10_000]) {
      for (const end of ["", "x", "y".repeat(30)]) {
        const bytes = latin1Bytes(`<${part.repeat(times)}${end}>`);
        const text = byteText(bytes, 1, bytes.length - 1);
        assertEquals(text === part.repeat(times) + end, true, `${times} times`);
      }
    }
  });
}

Deno.test("byteText() gives every byte its character", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(byteText(bytes), latin1Text(bytes));
  for (const byte of bytes) {
    assertEquals(byteText(bytes, byte, byte + 1).charCodeAt(0), byte);
  }
});
