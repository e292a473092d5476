/**
 * Calls back once nothing was done for so many microtasks: whoever does one
 * thing after the other has some of them between.
 */
export class Quiet {
  readonly #patience: number;
  readonly #most: number;
  readonly #callback: () => void;
  #isCounting = false;
  #isCalledOff = false;
  #quiet = 0;
  #counted = 0;

  /**
   * @param patience Microtasks in which nothing is done.
   * @param most After so many it calls back in any case.
   */
  constructor(patience: number, callback: () => void, most = Infinity) {
    this.#patience = patience;
    this.#most = most;
    this.#callback = callback;
  }

  /** Waits for it, unless it does so already. */
  whenQuiet(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    this.#isCalledOff = false;
    this.#quiet = this.#counted = 0;
    queueMicrotask(this.#count);
  }

  /** Something was done; waits from now on, if it does not already. */
  stir(): void {
    this.whenQuiet();
    this.#quiet = 0;
  }

  /** Does not call back, where it waits. */
  callOff(): void {
    this.#isCalledOff = true;
  }

  readonly #count = (): void => {
    if (
      !this.#isCalledOff && ++this.#quiet < this.#patience &&
      ++this.#counted < this.#most
    ) {
      queueMicrotask(this.#count);
      return;
    }
    this.#isCounting = false;
    if (!this.#isCalledOff) this.#callback();
  };
}
