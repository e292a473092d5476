/** Counts how often something is done, and how often at most in one turn. */
export class TurnCounter {
  /** How often in all. */
  all = 0;
  /** How often at most between two turns of the event loop. */
  most = 0;
  #before = 0;
  #immediate = setImmediate(() => this.#turn());

  /** It was done once more. */
  count(): void {
    this.all++;
    this.most = Math.max(this.most, this.all - this.#before);
  }

  #turn(): void {
    this.#before = this.all;
    this.#immediate = setImmediate(() => this.#turn());
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#immediate);
  }
}
