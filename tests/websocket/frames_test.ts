import { Buffer } from "node:buffer";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FrameEvent,
  FrameReader,
  Opcode,
  websocketErrors,
  type WebsocketRole,
  writeFrame,
  writeFrameHead,
} from "../../websocket.ts";
import {
  type Frame,
  type FrameRow,
  websocketFrames,
} from "../cases/websocket_frames.ts";
import { latin1Bytes, latin1Text, pattern } from "../support/bytes.ts";
import { bytewise, cutAt, Random, twoCuts } from "../support/splits.ts";

const KEY = new Uint8Array([0x9a, 0x00, 0xff, 0x31]);
const ROLES: readonly WebsocketRole[] = ["server", "client"];

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("hex");
}

/** A frame as a peer of the reader sends it. */
function frameBytes(frame: Frame, role: WebsocketRole): number[] {
  const mask = role === "server" ? 0x80 : 0;
  if (typeof frame[1] !== "string") {
    const [first, second, ...rest] = frame as number[];
    return second === undefined ? [first] : [first, second | mask, ...rest];
  }
  const [first, text, announced = text.length] = frame as [number, string];
  const head = new Uint8Array(14);
  let end = writeFrameHead(head, 0, Opcode.TEXT, announced);
  head[0] = first;
  head[1] |= mask;
  const payload = latin1Bytes(text);
  if (mask !== 0) {
    head.set(KEY, end);
    end += 4;
    for (let i = 0; i < payload.length; i++) payload[i] ^= KEY[i & 3];
  }
  return [...head.subarray(0, end), ...payload];
}

function rowBytes(row: FrameRow, role: WebsocketRole): Uint8Array {
  return Uint8Array.from(
    row.frames.flatMap((frame) => frameBytes(frame, role)),
  );
}

interface Read {
  events: string[];
  fault?: string;
  isPending: boolean;
  /** Bytes given before the one that made the fault. */
  used: number;
}

/** Feeds copies of pieces, as they are altered. */
function read(
  pieces: Iterable<Uint8Array>,
  role: WebsocketRole,
  row: Partial<FrameRow> = {},
): Read {
  const { maxMessageLength, allowCompressed } = row;
  const reader = new FrameReader({ role, maxMessageLength, allowCompressed });
  const events: string[] = [];
  let used = 0;
  for (const piece of pieces) {
    const bytes = new Uint8Array(piece);
    reader.feed(bytes);
    for (let left = 2 * bytes.length + 2;; left--) {
      assert(left > 0, "More events than bytes");
      const event = reader.next();
      if (event === FrameEvent.MORE) break;
      switch (event) {
        case FrameEvent.MESSAGE:
          events.push(
            reader.isCompressed
              ? `packed:${hex(reader.payload)}`
              : reader.isText
              ? `text:${reader.text}`
              : `binary:${hex(reader.payload)}`,
          );
          break;
        case FrameEvent.PING:
          events.push(`ping:${latin1Text(reader.payload)}`);
          break;
        case FrameEvent.PONG:
          events.push(`pong:${latin1Text(reader.payload)}`);
          break;
        case FrameEvent.CLOSE:
          events.push(`close:${reader.closeCode}:${reader.closeReason}`);
          break;
        default: {
          assertEquals(reader.next(), FrameEvent.FAILED);
          const { code, closeCode, message } = reader.error!;
          assertEquals([closeCode, message], [...websocketErrors[code]]);
          return { events, fault: code, isPending: false, used };
        }
      }
      // Kept bytes must not be those of the buffer that is used again.
      if (event === FrameEvent.MESSAGE && reader.payload.length > 0) {
        assert(reader.payload.buffer !== bytes.buffer);
      }
    }
    bytes.fill(0xa5);
    used += piece.length;
  }
  return { events, isPending: reader.isInMessage, used };
}

for (const row of websocketFrames) {
  Deno.test(`FrameReader reads ${row.name} (${row.rfc})`, () => {
    for (const role of ROLES) {
      const bytes = rowBytes(row, role);
      const { events, fault } = row;
      const isPending = row.isPending ?? false;
      const used = fault === undefined ? bytes.length : bytes.length - 1;
      const whole = read([bytes], role, row);
      assertEquals(
        whole,
        fault === undefined
          ? { events, isPending, used }
          : { events, fault, isPending, used: 0 },
      );
      if (bytes.length > 5000) {
        for (const at of [1, 2, 3, 4, 9, 10, 11, 14, 15, 4000]) {
          const cut = read(cutAt(bytes, at, bytes.length - 1), role, row);
          assertEquals(cut.events, events);
        }
        continue;
      }
      // The fault is found at the last byte, and not before.
      assertEquals(read(bytewise(bytes), role, row), {
        events,
        ...(fault === undefined ? {} : { fault }),
        isPending,
        used,
      });
      for (const pieces of twoCuts(bytes, 40)) {
        const cut = read(pieces, role, row);
        assertEquals([cut.events, cut.fault], [events, fault]);
      }
      if (fault !== undefined) {
        const more = Uint8Array.from([...bytes, 0x81, 0x80, 0, 0, 0, 0]);
        assertEquals(read([more], role, row).fault, fault);
        assertEquals(read([more], role, row).events, events);
      }
    }
  });
}

Deno.test("FrameReader refuses what is masked by a server, or not by a client", () => {
  const masked = new Uint8Array([0x81, 0x80]);
  const bare = new Uint8Array([0x81, 0x00]);
  assertEquals(read([masked], "client").fault, "unexpected-mask");
  assertEquals(read([bare], "server").fault, "missing-mask");
  assertEquals(read(bytewise(masked), "client").fault, "unexpected-mask");
  assertEquals(read(bytewise(bare), "server").fault, "missing-mask");
});

Deno.test("FrameReader allocates nothing that was only announced", () => {
  // Each would take a good part of a GiB, if it believed its peer.
  for (const first of [0x82, 0x02]) {
    for (let i = 0; i < 200; i++) {
      const reader = new FrameReader({
        role: "client",
        maxMessageLength: 2 ** 30,
      });
      const before = Deno.memoryUsage().external;
      reader.feed(
        new Uint8Array([first, 127, 0, 0, 0, 0, 0x3f, 255, 0, 0, 1, 2, 3]),
      );
      assertEquals(reader.next(), FrameEvent.MORE);
      assert(Deno.memoryUsage().external - before < 1_000_000);
    }
  }
});

Deno.test("FrameReader.feed() refuses bytes while others are left", () => {
  const reader = new FrameReader({ role: "client" });
  reader.feed(new Uint8Array([0x81, 0, 0x81, 0]));
  reader.next();
  assertThrows(() => reader.feed(new Uint8Array(1)), TypeError);
});

const LENGTHS = [0, 1, 2, 3, 4, 5, 47, 48, 49, 125, 126, 127, 4096, 65535];
LENGTHS.push(65536, 100_003);

Deno.test("writeFrame() makes what FrameReader reads, of all lengths", () => {
  for (const length of LENGTHS) {
    const payload = pattern(length);
    const before = hex(payload);
    const events = [`binary:${before}`];
    const bare = writeFrame(Opcode.BINARY, payload);
    const masked = writeFrame(Opcode.BINARY, payload, KEY);
    assertEquals(read([bare], "client").events, events);
    assertEquals(read([masked], "server").events, events);
    // Whatever the alignment, in the buffer and of the pieces.
    for (let shift = 1; shift < 8; shift++) {
      const pieces = cutAt(masked, shift, 14 + shift, 60 + shift);
      assertEquals(read(pieces, "server").events, events);
    }
    assertEquals(hex(payload), before);
  }
});

Deno.test("writeFrameHead() writes lengths beyond 32 bits", () => {
  const head = new Uint8Array(14);
  assertEquals(writeFrameHead(head, 0, Opcode.BINARY, 2 ** 40 + 5), 10);
  assertEquals(hex(head.subarray(0, 10)), "827f0000010000000005");
});

const COUNT = 10_000;

Deno.test(`FrameReader gives ${COUNT} mutated inputs one verdict each, however they are cut`, () => {
  const random = new Random(7);
  const short = websocketFrames.filter((row) => row.frames.length < 9);
  const seen = new Map<string, number>();
  for (let i = 0; i < COUNT; i++) {
    const role = random.pick(ROLES);
    const parts: number[] = [];
    for (let n = 1 + random.below(3); n > 0; n--) {
      const row = random.pick(short);
      const bytes = rowBytes(row, role);
      if (bytes.length < 1000) parts.push(...bytes);
    }
    for (let n = random.below(4); n > 0 && parts.length > 0; n--) {
      const at = random.below(parts.length);
      switch (random.below(4)) {
        case 0:
          parts[at] ^= 1 << random.below(8);
          break;
        case 1:
          parts.splice(at, 1 + random.below(4));
          break;
        case 2:
          parts.splice(at, 0, random.below(256));
          break;
        default:
          parts.splice(at, 0, ...parts.slice(at, at + 6));
      }
    }
    const bytes = Uint8Array.from(parts);
    const row = {
      maxMessageLength: 300,
      allowCompressed: random.below(2) === 1,
    };
    const { used: _, ...whole } = read([bytes], role, row);
    for (const pieces of [bytewise(bytes), random.pieces(bytes)]) {
      const { used: _, ...other } = read(pieces, role, row);
      assertEquals(other, whole, `mutation ${i}: ${hex(bytes)}`);
    }
    const verdict = whole.fault ?? (whole.isPending ? "pending" : "complete");
    seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
  }
  // All faults that frames can have, and both other ends.
  assert(seen.size === 15, [...seen.keys()].join());
});
