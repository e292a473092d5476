import { checkBytes } from "../parse/arguments.ts";
import type { Opcode } from "./frame_head.ts";
import { maskBytes } from "./mask.ts";

/** Longest head of a frame, with its masking key. */
export const MAX_HEAD = 14;

/** How long the head of a frame is. */
export function headLength(length: number, isMasked: boolean): number {
  return (length < 126 ? 2 : length < 65536 ? 4 : 10) + (isMasked ? 4 : 0);
}

/**
 * Writes the head of a frame that is a whole message, or a control frame.
 *
 * ```ts
 * import { Opcode, writeFrameHead } from "@uhttp/uhttp/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const head = new Uint8Array(14);
 * const end = writeFrameHead(head, 0, Opcode.TEXT, 5);
 * assertEquals([...head.subarray(0, end)], [0x81, 5]);
 * ```
 *
 * @param target Where to write; 14 bytes are always enough.
 * @param at Where in it to begin.
 * @param opcode The kind of frame.
 * @param length Bytes of its payload.
 * @param key The masking key of a client's frame.
 * @param isCompressed Whether the payload is compressed.
 * @returns Where the head ends.
 */
export function writeFrameHead(
  target: Uint8Array,
  at: number,
  opcode: Opcode,
  length: number,
  key: Uint8Array | null = null,
  isCompressed: boolean = false,
): number {
  const mask = key === null ? 0 : 0x80;
  target[at++] = 0x80 | (isCompressed ? 0x40 : 0) | opcode;
  if (length < 126) target[at++] = mask | length;
  else if (length < 65536) {
    target[at++] = mask | 126;
    target[at++] = length >> 8;
    target[at++] = length;
  } else {
    target[at++] = mask | 127;
    const high = Math.floor(length / 2 ** 32);
    for (let shift = 24; shift >= 0; shift -= 8) target[at++] = high >> shift;
    for (let shift = 24; shift >= 0; shift -= 8) target[at++] = length >> shift;
  }
  if (key !== null) {
    for (let i = 0; i < 4; i++) target[at++] = key[i];
  }
  return at;
}

/**
 * A whole frame as bytes of their own. The payload is not altered.
 *
 * @param opcode The kind of frame.
 * @param payload What it carries.
 * @param key The masking key of a client's frame.
 * @param isCompressed Whether the payload is compressed.
 */
export function writeFrame(
  opcode: Opcode,
  payload: Uint8Array,
  key: Uint8Array | null = null,
  isCompressed: boolean = false,
): Uint8Array<ArrayBuffer> {
  checkBytes("Payload", payload);
  const { length } = payload;
  const frame = new Uint8Array(headLength(length, key !== null) + length);
  const at = writeFrameHead(frame, 0, opcode, length, key, isCompressed);
  frame.set(payload, at);
  if (key !== null) maskBytes(frame, at, frame.length, key);
  return frame;
}
