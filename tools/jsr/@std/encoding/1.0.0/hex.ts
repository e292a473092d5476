/**
 * A stand-in for `@std/encoding/hex`.
 *
 * @module
 */

import { toBytes } from "./bytes.ts";

/** Bytes, or the UTF-8 of a string, to lower-case hex digits. */
export function encodeHex(src: string | Uint8Array | ArrayBuffer): string {
  return toBytes(src).toHex();
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
  return Uint8Array.fromHex(src);
}
