import { assert, assertEquals } from "@std/assert";
import { MessageBuffer } from "../../websocket/message_buffer.ts";
import { pattern } from "../support/bytes.ts";
import { Random } from "../support/splits.ts";

Deno.test("MessageBuffer.add() takes room for no more than is announced, or has come", () => {
  for (const most of [10, 1000, 100_000, 1e9]) {
    const buffer = new MessageBuffer();
    const piece = pattern(700);
    let count = 0;
    for (; count < 700 * 5 && count < most; count += piece.length) {
      const end = Math.min(piece.length, most - count);
      assert(buffer.add(piece, 0, end, false, false, most));
      assert(
        buffer.capacity <= Math.max(512, Math.min(most, buffer.length * 8)),
      );
    }
    assertEquals(buffer.takeBytes().length, Math.min(most, count));
  }
});

/** Text in pieces of any length; of each it may be known that it is ASCII. */
function addAll(bytes: Uint8Array, random: Random): MessageBuffer | null {
  const buffer = new MessageBuffer();
  for (let at = 0; at < bytes.length;) {
    const most = [10, 5000, 30_000][random.below(3)];
    const end = Math.min(bytes.length, at + 1 + random.below(most));
    const isAscii = bytes.subarray(at, end).every((byte) => byte < 0x80);
    const isTold = random.below(2) === 0;
    const piece = bytes.slice(at, end);
    const isValid = buffer.add(
      piece,
      0,
      piece.length,
      true,
      isAscii && isTold,
      bytes.length,
    );
    if (!isValid) return null;
    piece.fill(0x21);
    at = end;
    assertEquals(buffer.length, at);
  }
  return buffer.isComplete ? buffer : null;
}

Deno.test("MessageBuffer.takeText() is the text, however it comes in pieces", () => {
  const random = new Random(7);
  const PARTS = ["a".repeat(6000), "b", "é", "€".repeat(1500), "😀", "\ufffd"];
  for (let i = 0; i < 300; i++) {
    const text = Array.from(
      { length: 1 + random.below(8) },
      () => PARTS[random.below(PARTS.length)],
    ).join("");
    const bytes = new TextEncoder().encode(text);
    assert(addAll(bytes, random)?.takeText() === text);
    // One bad byte anywhere is found.
    const at = random.below(bytes.length);
    bytes[at] = 0xff;
    assertEquals(addAll(bytes, random), null);
    // And so is half a character at the end.
    const half = new TextEncoder().encode(text + "€").subarray(0, -1);
    assertEquals(addAll(half, random), null);
  }
});

Deno.test("MessageBuffer.add() finds half a character before ASCII", () => {
  const half = new Uint8Array([0x61, 0xe2, 0x82]);
  for (const length of [1, 100, 5000]) {
    for (const isTold of [true, false]) {
      const buffer = new MessageBuffer();
      assert(buffer.add(half, 0, 3, true, false, 10_000));
      const ascii = new Uint8Array(length).fill(0x61);
      assertEquals(buffer.add(ascii, 0, length, true, isTold, 10_000), false);
    }
  }
});
