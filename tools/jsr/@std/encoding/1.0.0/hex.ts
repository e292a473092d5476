/**
 * A stand-in for `@std/encoding/hex`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { toBuffer } from "./bytes.ts";

/** Bytes, or the UTF-8 of a string, to lower-case hex digits. */
export function encodeHex(src: string | Uint8Array | ArrayBuffer): string {
  return toBuffer(src).toString("hex");
}

/** Hex digits of either case to bytes; throws where they are not such. */
export function decodeHex(src: string): Uint8Array<ArrayBuffer> {
  const wrong = src.search(/[^0-9A-Fa-f]/);
  if (wrong >= 0) throw new TypeError(`Invalid byte '${src[wrong]}'`);
  if (src.length % 2 !== 0) {
    throw new RangeError(
      `Cannot decode the hex string as the input length should be even: length is ${src.length}`,
    );
  }
  return new Uint8Array(Buffer.from(src, "hex"));
}
