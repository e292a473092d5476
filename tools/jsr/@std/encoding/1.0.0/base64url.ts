/**
 * A stand-in for `@std/encoding/base64url`.
 *
 * @module
 */

import { decodeBase64 } from "./base64.ts";
import { toBytes } from "./bytes.ts";

/** Bytes, or the UTF-8 of a string, to Base64 for URLs, without padding. */
export function encodeBase64Url(
  data: string | Uint8Array | ArrayBuffer,
): string {
  return toBytes(data).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Base64 for URLs, padded or not, to bytes; throws where it is malformed. */
export function decodeBase64Url(b64url: string): Uint8Array<ArrayBuffer> {
  if (!/^[-_A-Za-z0-9]*={0,2}$/.test(b64url)) {
    throw new TypeError("Failed to decode base64url: invalid character");
  }
  if (b64url.length % 4 === 1) {
    throw new TypeError("Illegal base64url string");
  }
  return decodeBase64(b64url.replaceAll("-", "+").replaceAll("_", "/"));
}
