import { nextTurn } from "./clock.ts";

/** So many things are done for peers in one turn of the event loop. */
const IN_A_TURN = 256;
/** With less than this left, the next turn is asked for. */
const RENEWED_AT = IN_A_TURN / 2;
/** So many for one of them, while others wait. */
const FOR_ONE = 32;

/**
 * Shares the turns of the event loop among the connections whose peers can
 * send a lot in little: so many things are done for all of them together, and
 * what is left waits in line for a turn of its own.
 */
export class Turns {
  #left = IN_A_TURN;
  #share = FOR_ONE;
  // A set, as it keeps the order and lets go of one in the middle.
  readonly #line = new Set<() => void>();
  #isDue = false;

  /**
   * Counts things that were done, or takes back what was counted ahead.
   *
   * @returns Whether more may be done; if not, wait in line.
   */
  spend(things: number): boolean {
    this.#left = Math.min(IN_A_TURN, this.#left - things);
    this.#share -= things;
    // Well before it runs out: those who leave time need not wait at all.
    if (this.#left < RENEWED_AT) this.#renew();
    return this.#left > 0 && (this.#share > 0 || this.#line.size === 0);
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

  #renew(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    nextTurn(this.#begin);
  }

  readonly #begin = (): void => {
    this.#isDue = false;
    this.#left = IN_A_TURN;
    // One that goes to the end of the line meanwhile comes to be served there.
    for (const callback of this.#line) {
      if (this.#left <= 0) break;
      this.#line.delete(callback);
      this.#share = FOR_ONE;
      this.#left--; // so that this ends, whatever is done
      callback();
    }
    if (this.#line.size > 0) this.#renew();
  };
}

/** Those of this process. */
export const turns: Turns = new Turns();
