import type { Inbox } from "./inbox.ts";
import type { Protocol } from "./protocol.ts";

/** Turns in which the application does nothing, before its silence counts. */
const REST_TURNS = 8;

/**
 * When the application has come to rest: what it says to the messages before
 * the peer's close frame is to go out before ours (RFC 6455 section 5.5.1).
 */
export class Rest {
  readonly #protocol: Protocol;
  readonly #inbox: Inbox;
  readonly #rested: () => void;
  #isCounting = false;
  #quiet = 0;

  /** @param rested Called when it rests, if that is waited for. */
  constructor(protocol: Protocol, inbox: Inbox, rested: () => void) {
    this.#protocol = protocol;
    this.#inbox = inbox;
    this.#rested = rested;
  }

  /** It has done something. */
  stir(): void {
    this.#quiet = 0;
  }

  /** Waits, unless there was nothing to say anything to. */
  begin(): void {
    if (this.#inbox.isStill) {
      this.#rested();
      return;
    }
    this.#quiet = 0;
    this.check();
  }

  /** Begins to count, if that is waited for and nothing else is to come first. */
  check(): void {
    if (!this.#protocol.isLastWord || this.#isCounting) return;
    if (!this.#inbox.mayRest) return;
    this.#isCounting = true;
    queueMicrotask(this.#count);
  }

  readonly #count = (): void => {
    if (!this.#protocol.isLastWord || !this.#inbox.mayRest) {
      this.#isCounting = false;
    } else if (++this.#quiet < REST_TURNS) queueMicrotask(this.#count);
    else {
      this.#isCounting = false;
      this.#rested();
    }
  };
}
