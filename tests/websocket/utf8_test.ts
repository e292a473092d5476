import { assertEquals } from "@std/assert";
import { applyMask, maskBytes } from "../../websocket/mask.ts";
import { decodeUtf8, Utf8Validator } from "../../websocket/utf8.ts";
import { Random } from "../support/splits.ts";

const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What the platform's decoder says. */
function oracle(bytes: Uint8Array): string | null {
  try {
    return fatal.decode(bytes);
  } catch {
    return null;
  }
}

/** Whether some text begins with these bytes. */
function isPrefix(bytes: number[]): boolean {
  const tails = [[], [0x80], [0xbf], [0x80, 0x80], [0xbf, 0xbf]];
  tails.push([0x80, 0x80, 0x80], [0xbf, 0xbf, 0xbf]);
  // Behind e0 and f0, and before ed and f4, a second byte of 9f or 90 fits.
  tails.push([0x90, 0x80, 0x80]);
  return tails.some((tail) =>
    oracle(Uint8Array.from([...bytes, ...tail])) !== null
  );
}

Deno.test("Utf8Validator.accept() refuses each sequence at the very byte that makes it bad", () => {
  // Bytes on both sides of each bound of the grammar.
  const edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
  edges.push(0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0);
  edges.push(0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff);
  const visit = (bytes: number[]) => {
    const validator = new Utf8Validator();
    let isGood = true;
    for (const byte of bytes) {
      isGood = validator.accept(Uint8Array.of(byte), 0, 1);
    }
    assertEquals(isGood, isPrefix(bytes), String(bytes));
    const whole = Uint8Array.from(bytes);
    assertEquals(new Utf8Validator().accept(whole, 0, whole.length), isGood);
    assertEquals(decodeUtf8(whole), oracle(whole), String(bytes));
    if (!isGood) return;
    assertEquals(validator.isComplete, oracle(whole) !== null);
    if (bytes.length < 4) {
      const next = bytes.length === 1 ? edges : [0x41, 0x7f, 0x80, 0xbf, 0xc0];
      // Behind ASCII all begins anew.
      if (bytes.at(-1)! < 0x80) return;
      for (const byte of next) visit([...bytes, byte]);
    }
  };
  for (let byte = 0; byte < 256; byte++) visit([byte]);
});

Deno.test("decodeUtf8() agrees with the platform, wherever the text lies", () => {
  const random = new Random(3);
  const pieces = ["a", "é", "€", "💙", "\ufeff", "hello, world, ", "\0"];
  for (let i = 0; i < 3000; i++) {
    let text = "";
    for (let n = random.below(30); n > 0; n--) text += random.pick(pieces);
    const encoded = new TextEncoder().encode(text);
    if (random.below(3) === 0 && encoded.length > 0) {
      encoded[random.below(encoded.length)] = random.below(256);
    }
    const start = random.below(9);
    const bytes = new Uint8Array(start + encoded.length + 3).fill(0xff);
    bytes.set(encoded, start);
    const end = start + encoded.length;
    assertEquals(decodeUtf8(bytes, start, end), oracle(encoded));
  }
});

Deno.test("applyMask() is its own inverse, and tells ASCII, at all lengths and places", () => {
  const random = new Random(5);
  for (let length = 0; length < 200; length++) {
    for (let start = 0; start < 9; start++) {
      const key = Uint8Array.from({ length: 4 }, () => random.below(256));
      const phase = random.below(9);
      const plain = Uint8Array.from(
        { length: length + start + 5 },
        () => random.below(128),
      );
      if (length > 0 && random.below(2) === 0) {
        plain[start + random.below(length)] |= 0x80;
      }
      const bytes = plain.slice();
      applyMask(bytes, start, start + length, key, phase);
      const expected = plain.map((byte, i) =>
        i < start || i >= start + length
          ? byte
          : byte ^ key[(i - start + phase) & 3]
      );
      assertEquals(bytes, expected);
      const masked = plain.slice();
      maskBytes(masked, start, start + length, key, phase);
      assertEquals(masked, expected);
      assertEquals(
        applyMask(bytes, start, start + length, key, phase),
        plain.subarray(start, start + length).every((byte) => byte < 0x80),
      );
      assertEquals(bytes, plain);
    }
  }
});

Deno.test("decodeUtf8() finds what is no UTF-8 in long texts, and keeps U+FFFD that is meant", () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  for (const text of ["x".repeat(5000), "\ufffd", "\ufeffé€😀".repeat(900)]) {
    const bytes = encode(text + "\ufffd" + text);
    assertEquals(decodeUtf8(bytes), text + "\ufffd" + text);
    for (const at of [0, 1, bytes.length >> 1, bytes.length - 1]) {
      for (const bad of [0x80, 0xc0, 0xed, 0xff]) {
        const broken = bytes.slice();
        broken[at] = bad;
        assertEquals(decodeUtf8(broken), oracle(broken));
      }
    }
  }
});
