import type { ResponseParser } from "../parse/response_parser.ts";
import type { Clock } from "../transport/clock.ts";

/**
 * Whether a body may come behind a response that is to have none: to HEAD, and
 * 304, whatever they announce (RFC 9112 section 6.3). There are
 * peers that send it all the same, and it must not pass for a response.
 */
export function mayBringBody(method: string, parser: ResponseParser): boolean {
  const { status, announcedLength } = parser;
  if (method !== "HEAD" && status !== 304) return false;
  if (announcedLength >= 0) return announcedLength > 0;
  return status !== 204 && status !== 304 ||
    parser.readHeaderLines("transfer-encoding").length > 0;
}

/**
 * For how long a peer says that it keeps a connection, in ms, so that we give
 * it up first; -1 where it does not say.
 *
 * @param text The value of `Keep-Alive`.
 */
export function readKeepAlive(text: string): number {
  const seconds = /(?:^|[ \t,;])timeout=(\d{1,6})/i.exec(text)?.[1];
  if (seconds === undefined) return -1;
  // A second less, as the next request needs its time to get there.
  return Math.max(Number(seconds) * 1000 - 1000, 500);
}

/** For how long an unused connection is kept. */
export class RestTime {
  readonly #most: number;
  readonly #clock: Pick<Clock, "ticks">;
  #ticks: number;
  // The last `Keep-Alive` that was read, as most responses have the same.
  #text = "";

  /**
   * @param most The time that we keep one, in ms.
   * @param clock What it is counted by.
   */
  constructor(most: number, clock: Pick<Clock, "ticks">) {
    this.#most = most;
    this.#clock = clock;
    this.#ticks = clock.ticks(most);
  }

  /** The time, in ticks. */
  get ticks(): number {
    return this.#ticks;
  }

  /** Goes by what a response says of it. */
  read({ head, keepAliveStart }: ResponseParser): void {
    if (keepAliveStart < 0) return;
    const end = head.indexOf("\r\n", keepAliveStart);
    const text = head.slice(keepAliveStart, end);
    if (text === this.#text) return;
    this.#text = text;
    const ms = readKeepAlive(text);
    if (ms >= 0) this.#ticks = this.#clock.ticks(Math.min(ms, this.#most));
  }
}
