/** What the encoders take, as a buffer of Node's. @module */

import { Buffer } from "node:buffer";

/** The bytes of the input, not copied unless they come from a string. */
export function toBuffer(data: string | Uint8Array | ArrayBuffer): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  if (data instanceof Uint8Array) {
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError(
    "Cannot validate the input as it must be a Uint8Array, a string, or an ArrayBuffer",
  );
}
