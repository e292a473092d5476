/** What waits for its turn, which comes in the order of the numbers. */
export class Turns {
  #next = 0;
  readonly #done = new Set<number>();
  readonly #waiting = new Map<number, () => void>();

  /** Resolves when all with smaller numbers are done. */
  come(number: number): Promise<void> {
    if (number === this.#next) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  /** This one needs no turn, or has had it. */
  pass(number: number): void {
    this.#done.add(number);
    while (this.#done.delete(this.#next)) {
      this.#next++;
    }
    this.#waiting.get(this.#next)?.();
    this.#waiting.delete(this.#next);
  }
}

/**
 * Does something with each number from 0 on, so many at a time.
 *
 * @param work Rejects where nothing more is to be begun.
 */
export async function eachInLanes(
  count: number,
  lanes: number,
  work: (number: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let isOver = false;
  const lane = async () => {
    while (next < count && !isOver) {
      try {
        await work(next++);
      } catch (error) {
        isOver = true;
        throw error;
      }
    }
  };
  const all = Array.from({ length: Math.min(lanes, count) }, lane);
  await Promise.allSettled(all);
  await Promise.all(all);
}
