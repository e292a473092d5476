import { assertEquals } from "@std/assert";
import { utf8Length } from "../../server/text_length.ts";

const encoder = new TextEncoder();

Deno.test("utf8Length() counts what the encoder makes", () => {
  const PARTS = ["", "a", "ü", "€", "😀", "\ud83d", "\ude00", "\ufeff", "\0"];
  for (const part of PARTS) {
    for (const length of [1, 2, 341, 342, 512, 1023, 1024, 1025, 5000]) {
      for (const text of [part.repeat(length), "x" + part.repeat(length)]) {
        const expected = encoder.encode(text).length;
        assertEquals(utf8Length(text), expected, `${length} of ${part}`);
      }
    }
  }
});
