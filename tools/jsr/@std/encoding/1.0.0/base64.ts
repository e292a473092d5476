/**
 * A stand-in for `@std/encoding/base64`.
 *
 * @module
 */

import { toBytes } from "./bytes.ts";

/** Bytes, or the UTF-8 of a string, to Base64 with padding. */
export function encodeBase64(data: string | Uint8Array | ArrayBuffer): string {
  return toBytes(data).toBase64();
}

/** Base64 to bytes; throws where it is not well-formed. */
export function decodeBase64(b64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(b64), (char) => char.charCodeAt(0));
}
