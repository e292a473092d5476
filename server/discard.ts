import { ParseEvent } from "../parse/phase.ts";
import type { RequestParser } from "../parse/request_parser.ts";
import type { ServerLimits } from "./limits.ts";

/** So much is thrown away at most, in bytes and ms. */
const MAX_BYTES = 67_108_864;
const MAX_TIME = 300_000;
/**
 * For how long more is waited for, in ms: less where nothing has come, as the
 * peer may wait for our end before it sends any.
 */
const NEXT_WAIT = 5000;
const FIRST_WAIT = 1000;
/** Which a peer has to send at so much a second, after `bodyTimeout`. */
const LEAST_RATE = 2000;
/** For how long a peer is listened to after our end, in ms: silent, and in all. */
const LINGER_SILENCE = 2000;
const LINGER_TIME = 30_000;

/** What a peer may go on to send. */
export type DiscardKind =
  | "framed" // the rest of a request, whose end can be told
  | "unframed" // whatever follows a request that cannot be read
  | "lingering"; // our side is closed

/** What a peer goes on to send though its last answer is made: thrown away. */
export class Discard {
  readonly kind: DiscardKind;
  readonly #began: number;
  #hasCome: boolean;
  #bytes = 0;

  /**
   * @param tick When it begins.
   * @param hasCome Whether any of it has come before.
   */
  constructor(kind: DiscardKind, tick: number, hasCome: boolean) {
    this.kind = kind;
    this.#began = tick;
    this.#hasCome = hasCome;
  }

  /**
   * Takes what has come, in the parser's buffer.
   *
   * @returns Whether more may follow, the request is at its end, or no more
   * is to be thrown away.
   */
  take(
    parser: RequestParser | null,
    length: number,
  ): "more" | "whole" | "over" {
    this.#bytes += length;
    let event: ParseEvent = ParseEvent.MORE;
    if (this.kind === "framed") {
      parser!.filled(length);
      while ((event = parser!.next()) === ParseEvent.BODY) this.#hasCome = true;
    }
    if (event === ParseEvent.END) return "whole";
    return event === ParseEvent.MORE && this.#bytes < MAX_BYTES
      ? "more"
      : "over";
  }

  /**
   * Whether the peer has had its time.
   *
   * @param silence For how many ticks nothing has come.
   * @param tick The present one, of `period` ms.
   */
  isOver(
    silence: number,
    tick: number,
    period: number,
    { bodyTimeout }: ServerLimits,
  ): boolean {
    const silent = silence * period;
    const lasted = (tick - this.#began) * period;
    switch (this.kind) {
      case "framed":
        return lasted > MAX_TIME || this.#isSlow(lasted, bodyTimeout) ||
          silent >
            (this.#hasCome ? Math.min(bodyTimeout, NEXT_WAIT) : FIRST_WAIT);
      case "unframed":
        return lasted > MAX_TIME || silent > 0;
      default:
        return silent > LINGER_SILENCE || lasted > LINGER_TIME;
    }
  }

  #isSlow(lasted: number, bodyTimeout: number): boolean {
    return lasted > bodyTimeout && this.#bytes * 1000 < LEAST_RATE * lasted;
  }
}
