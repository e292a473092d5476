import { isAll, isToken, TARGET } from "../parse/chars.ts";

/**
 * Checks what a request line is made of.
 *
 * @throws {TypeError} If the method is not a token, or the target holds what
 * must be encoded.
 */
export function checkRequestLine(method: string, target: string): void {
  if (!isToken(method)) throw new TypeError("Method is not a token");
  if (target === "" || !isAll(target, TARGET)) {
    throw new TypeError("Request target holds what must be percent-encoded");
  }
}

/** Writes the request line; it has been checked. */
export function writeRequestLine(method: string, target: string): string {
  return `${method} ${target} HTTP/1.1\r\n`;
}
