import type { ResponseParser } from "../parse/response_parser.ts";

/**
 * Whether a body may come behind a response that is to have none. There are
 * servers that send it all the same, and it must not pass for a response.
 */
export function mayBringBody(method: string, parser: ResponseParser): boolean {
  const { status, announcedLength } = parser;
  if (method !== "HEAD" && status !== 304) return false;
  if (announcedLength >= 0) return announcedLength > 0;
  return status !== 204 && status !== 304 ||
    parser.readHeaderLines("transfer-encoding").length > 0;
}

/**
 * For how long a server says that it keeps a connection, in ms, so that we give
 * it up first; -1 where it does not say.
 *
 * @param text The value of `Keep-Alive`.
 */
export function readKeepAlive(text: string): number {
  const seconds = /(?:^|[\s,;])timeout=(\d{1,6})/i.exec(text)?.[1];
  if (seconds === undefined) return -1;
  // A second less, as the next request needs its time to get there.
  return Math.max(Number(seconds) * 1000 - 1000, 500);
}
