import { assert, assertEquals } from "@std/assert";
import { MessageBuffer } from "../../websocket/message_buffer.ts";
import { pattern } from "../support/bytes.ts";

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
