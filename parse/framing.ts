import { isToken } from "./chars.ts";
import { trim } from "./fields.ts";
import type { ProtocolErrorCode } from "./errors.ts";

/**
 * Whether a response to a method, with a status, has a body at all
 * (RFC 9112 section 6.3). This and the next are the only places that know.
 */
export function hasResponseBody(isHead: boolean, status: number): boolean {
  return !isHead && status >= 200 && status !== 204 && status !== 205 &&
    status !== 304;
}

/** Whether a response with a status may announce a length (RFC 9110 section 8.6). */
export function mayHaveLength(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

/**
 * What is wrong with the codings of a `Transfer-Encoding`, if anything: the
 * last has to be `chunked`, once, and we know no other (RFC 9112 section 6.1).
 */
export function codingsFault(list: string): ProtocolErrorCode | null {
  const codings = list.toLowerCase().split(",").map((coding) => trim(coding));
  if (codings.pop() !== "chunked" || codings.includes("chunked")) {
    return "bad-transfer-encoding";
  }
  if (!codings.every(isToken)) return "bad-transfer-encoding";
  return codings.length > 0 ? "unsupported-transfer-coding" : null;
}

const ZERO = 0x30;

/**
 * The value of a `Content-Length` between two places: digits and nothing else
 * (RFC 9110 section 8.6).
 *
 * @returns Where it is at fault it is that place, inverted by `~`.
 */
export function readLength(
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let length = 0;
  for (let pos = start; pos < end; pos++) {
    const digit = bytes[pos] - ZERO;
    if (digit < 0 || digit > 9) return ~pos;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return ~start;
  }
  return start === end ? ~start : length;
}
