/**
 * Bytes for tests, made and compared in bulk: a call for each byte of
 * megabytes takes most of a test's time.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Bytes whose order and place show: no two stretches are alike. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 7 + (i >> 8);
  return bytes;
}

/** Whether bytes are the same; their difference would fill the screen. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** One character a byte, to bytes. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Bytes to text, one character a byte. */
export function latin1Text(bytes: Uint8Array): string {
  if (bytes.length > 64) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      .toString("latin1");
  }
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
