import { assert, assertEquals } from "@std/assert";
import { ParseEvent } from "../../parse/phase.ts";
import { RequestParser } from "../../parse/request_parser.ts";
import {
  type BodySink,
  CHUNK_FRAME,
  LAST_CHUNK,
  writeBody,
  writeChunkSize,
  writeLineEnd,
} from "../../wire/chunked.ts";
import { isSame, pattern } from "../support/bytes.ts";

/** Buffers that are filled one by one, each with just the room asked for. */
class Sink implements BodySink {
  outEnd = 0;
  #buffers: Uint8Array[] = [];
  #ends: number[] = [];
  readonly #size: number;

  /** @param size Of each buffer, unless more is asked for. */
  constructor(size = 0) {
    this.#size = size;
  }

  room(length: number): Uint8Array {
    const last = this.#buffers.at(-1);
    if (last !== undefined && last.length - this.outEnd >= length) return last;
    const buffer = new Uint8Array(Math.max(length, this.#size));
    this.#buffers.push(buffer);
    this.#ends.push(0);
    this.outEnd = 0;
    return buffer;
  }

  wrote(end: number): void {
    const last = this.#buffers.length - 1;
    assert(end >= this.outEnd && end <= this.#buffers[last].length);
    this.outEnd = this.#ends[last] = end;
  }

  append(bytes: Uint8Array): void {
    const out = this.room(bytes.length);
    out.set(bytes, this.outEnd);
    this.wrote(this.outEnd + bytes.length);
  }

  get written(): Uint8Array<ArrayBuffer> {
    const parts = this.#buffers.map((buffer, i) =>
      buffer.subarray(0, this.#ends[i])
    );
    const whole = new Uint8Array(
      parts.reduce((sum, part) => sum + part.length, 0),
    );
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const SIZES = [1, 9, 10, 15, 16, 17, 255, 256, 4095, 4096, 0x1abcd];

Deno.test("writeChunkSize() writes hexadecimal digits without zeros before", () => {
  for (const size of [0, ...SIZES, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
    const out = new Uint8Array(CHUNK_FRAME + 5);
    const end = writeChunkSize(out, 3, size);
    assertEquals(text(out.subarray(3, end)), `${size.toString(16)}\r\n`);
    assertEquals(out.subarray(end), new Uint8Array(out.length - end));
    assertEquals(end - 3 + 2 <= CHUNK_FRAME + 2, true);
  }
});

Deno.test("writeChunkSize() and a line end fit into a frame up to 2^32", () => {
  const out = new Uint8Array(CHUNK_FRAME);
  const end = writeLineEnd(out, writeChunkSize(out, 0, 2 ** 32));
  assertEquals(text(out.subarray(0, end)), "100000000\r\n\r\n");
});

Deno.test("writeBody() writes bytes as they are, or as one chunk", () => {
  for (const size of [...SIZES, 65535, 65536, 65537, 131072, 131073, 200_000]) {
    const bytes = pattern(size);
    for (const room of [0, 100, 65536, 1_000_000]) {
      const plain = new Sink(room);
      writeBody(plain, bytes, false);
      assertEquals(plain.written.length, size);
      assert(isSame(plain.written, bytes), `${size} in ${room}`);

      const chunk = new Sink(room);
      writeBody(chunk, bytes, true);
      const { written } = chunk;
      const line = `${size.toString(16)}\r\n`;
      assertEquals(text(written.subarray(0, line.length)), line);
      assertEquals(text(written.subarray(-2)), "\r\n");
      assert(isSame(written.subarray(line.length, -2), bytes));
    }
  }
});

Deno.test("writeBody() goes on where the buffer ends, and copies", () => {
  const sink = new Sink(1000);
  sink.append(new TextEncoder().encode("head"));
  const bytes = new TextEncoder().encode("one");
  writeBody(sink, bytes, true);
  bytes.fill(0);
  writeBody(sink, new TextEncoder().encode("two"), false);
  assertEquals(text(sink.written), "head3\r\none\r\ntwo");
});

Deno.test("writeBody() writes chunks that the parser reads", () => {
  const pieces = [...SIZES, 65536, 65537].map(pattern);
  const sink = new Sink(5000);
  sink.append(new TextEncoder().encode(
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
  ));
  for (const piece of pieces) writeBody(sink, piece, true);
  sink.append(LAST_CHUNK);
  const parser = new RequestParser({ maxContentLength: Infinity });
  parser.push(sink.written);
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const read = new Uint8Array(total);
  let length = 0;
  assertEquals(parser.next(), ParseEvent.HEAD);
  for (let event; (event = parser.next()) !== ParseEvent.END;) {
    assertEquals(event, ParseEvent.BODY);
    read.set(parser.body, length);
    length += parser.body.length;
  }
  let at = 0;
  for (const piece of pieces) {
    assert(isSame(read.subarray(at, at + piece.length), piece));
    at += piece.length;
  }
  assertEquals([length, at], [total, total]);
});

Deno.test("LAST_CHUNK ends a body without trailer", () => {
  assertEquals(text(LAST_CHUNK), "0\r\n\r\n");
});
