import { mayHaveLength } from "../parse/framing.ts";

/** How a receiver is told where a body ends (RFC 9112 section 6.3). */
export const Framing = {
  /** By nothing: what has no body needs no end. */
  NONE: 0,
  /** By a length that is told before. */
  LENGTH: 1,
  /** In chunks. */
  CHUNKED: 2,
  /** With the connection: HTTP/1.0 knows nothing better. */
  CLOSE: 3,
} as const;
export type Framing = typeof Framing[keyof typeof Framing];

/** A length that nobody knows before the body ends. */
export const UNKNOWN = -1;

/** Methods that announce an empty body (RFC 9110 section 8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/**
 * How an answer's body is framed. One to HEAD is framed as the one to GET would
 * be; whether the body itself follows, `hasResponseBody()` says.
 *
 * @param minorVersion That of the request.
 * @param length Bytes of the body, or `UNKNOWN`.
 */
export function frameResponse(
  status: number,
  minorVersion: number,
  length: number,
): Framing {
  if (!mayHaveLength(status)) return Framing.NONE;
  // Whatever was to be its body, a 205 has none (RFC 9110 section 15.3.6).
  if (length !== UNKNOWN || status === 205) return Framing.LENGTH;
  return minorVersion === 0 ? Framing.CLOSE : Framing.CHUNKED;
}

/**
 * How a request's body is framed; it is always sent as HTTP/1.1.
 *
 * @param length Bytes of the body, or `UNKNOWN`; null without one.
 */
export function frameRequest(method: string, length: number | null): Framing {
  if (length === null) {
    return WITH_BODY.has(method) ? Framing.LENGTH : Framing.NONE;
  }
  return length === UNKNOWN ? Framing.CHUNKED : Framing.LENGTH;
}
