import { fairTurn } from "./clock.ts";

/** So many things are done for peers in one turn of the event loop. */
const IN_A_TURN = 256;
/** With less than this left, the next turn is asked for. */
const RENEWED_AT = IN_A_TURN / 2;
/** So many for one of them, while others wait. */
const FOR_ONE = 32;
/** So long they take in one turn, in ms, and the last thing beyond that. */
const TIME = 25;
/** What takes longer than this, in ms, is looked at thing by thing. */
const SLOW = 2;
/** So many quick things pass between two looks at the clock, as looks cost time. */
const UNSEEN = 8;

/**
 * Shares the turns of the event loop among the connections whose peers can
 * send a lot in little: so many things are done for all of them together, and
 * for so long, and what is left waits in line for a turn of its own.
 */
export class Turns {
  #left = IN_A_TURN;
  #share = FOR_ONE;
  // A set, as it keeps the order and lets go of one in the middle.
  readonly #line = new Set<() => void>();
  #isDue = false;

  readonly #now: () => number;
  #seenAt = -Infinity;
  #unseen = 1;
  #untilLook = 1;
  // Since when this turn is known to be slow.
  #slowSince: number | null = null;
  // There is no time left in this turn.
  #isLate = false;

  /** @param now What time it is, in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Counts things that were done, or takes back what was counted ahead.
   *
   * @returns Whether more may be done; if not, wait in line.
   */
  spend(things: number): boolean {
    this.#left = Math.min(IN_A_TURN, this.#left - things);
    this.#share -= things;
    if (things > 0 && (this.#untilLook -= things) <= 0) this.#look();
    // Well before it runs out: those who leave time need not wait at all.
    if (this.#left < RENEWED_AT) this.#renew();
    return this.#left > 0 && !this.#isLate &&
      (this.#share > 0 || this.#line.size === 0);
  }

  /** Looks how long things take; often, where they take long. */
  #look(): void {
    const now = this.#now();
    const passed = now - this.#seenAt;
    this.#seenAt = now;
    if (passed < SLOW) this.#unseen = Math.min(this.#unseen * 2, UNSEEN);
    else {
      this.#unseen = 1;
      // Or nothing was to be done: the time counts from here to the next turn.
      if (this.#slowSince === null) {
        this.#slowSince = now;
        this.#renew();
      }
    }
    this.#untilLook = this.#unseen;
    if (this.#slowSince !== null && now - this.#slowSince >= TIME) {
      this.#isLate = true;
    }
  }

  /**
   * Waits in line; what is done then is not to throw.
   *
   * @returns A function that calls it off.
   */
  wait(callback: () => void): () => void {
    // Each stands in line for itself, whatever it has in common with others.
    const own = () => callback();
    this.#line.add(own);
    this.#renew();
    return () => void this.#line.delete(own);
  }

  /**
   * Counts one thing, for who hands out what a peer can send a lot of.
   *
   * @returns What to wait for before it is handed out, if anything.
   */
  take(): Promise<void> | null {
    if (this.spend(1)) return null;
    return new Promise((resolve) => void this.wait(resolve));
  }

  #renew(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    fairTurn(this.#begin);
  }

  readonly #begin = (): void => {
    this.#isDue = false;
    this.#left = IN_A_TURN;
    this.#isLate = false;
    if (this.#line.size > 0) this.#slowSince = this.#seenAt = this.#now();
    // One that goes to the end of the line meanwhile comes to be served there.
    for (const callback of this.#line) {
      if (this.#left <= 0 || this.#isLate) break;
      this.#line.delete(callback);
      this.#share = FOR_ONE;
      this.#left--; // so that this ends, whatever is done
      callback();
    }
    this.#slowSince = null;
    this.#isLate = false;
    if (this.#line.size > 0) this.#renew();
  };
}

/** Those of this process. */
export const turns: Turns = new Turns();
