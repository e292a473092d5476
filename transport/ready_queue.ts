import { after } from "./clock.ts";

type Waiter<T> = (item: T | null) => void;
type Next<T> = IteratorResult<T, undefined>;

/** So many taken places are kept before the rest moves up. */
const MOST_TAKEN = 1024;

/**
 * What is ready to be pulled, in order, and who waits for it: in a loop, for
 * the next one, or in a `select()`.
 */
export class ReadyQueue<T> {
  readonly #items: T[] = [];
  // Where the next one is: those before it are taken.
  #head = 0;
  // The loop that waits for the next one: its promise's resolver.
  #pull: ((next: Next<T>) => void) | null = null;
  #waiters: Waiter<T>[] = [];
  readonly #watchers = new Set<() => void>();
  #isEnded = false;

  /** Whether one can be taken. */
  get isReady(): boolean {
    return this.#head < this.#items.length;
  }

  /** How many can be. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** One more is ready: for who waits for it, or else to be taken. */
  add(item: T): void {
    const pull = this.#pull;
    if (pull !== null) {
      this.#pull = null;
      pull({ value: item, done: false });
    } else if (this.#waiters.length > 0) this.#waiters.shift()!(item);
    else {
      this.#items.push(item);
      // Later, as who has made it ready has yet to note that it is.
      for (const notify of this.#watchers) queueMicrotask(notify);
    }
  }

  /** The next one, or null. */
  take(): T | null {
    if (!this.isReady) return null;
    const item = this.#items[this.#head++];
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head > MOST_TAKEN) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The first that will do, or null. */
  takeWhere(willDo: (item: T) => boolean): T | null {
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (!willDo(item)) continue;
      this.#items.splice(i, 1);
      return item;
    }
    return null;
  }

  /** One of them is not to be taken, after all. */
  delete(item: T): void {
    const index = this.#items.indexOf(item, this.#head);
    if (index >= 0) this.#items.splice(index, 1);
  }

  /** The next one, in the form of an iterator. */
  next(): Promise<Next<T>> {
    const item = this.take();
    if (item !== null) return Promise.resolve({ value: item, done: false });
    if (this.#isEnded) return Promise.resolve({ value: undefined, done: true });
    // One loop waits as a rule; further ones take their turn behind it.
    if (this.#pull === null) {
      return new Promise((resolve) => this.#pull = resolve);
    }
    return new Promise((resolve) => {
      this.#waiters.push((item) =>
        resolve(
          item === null
            ? { value: undefined, done: true }
            : { value: item, done: false },
        )
      );
    });
  }

  /** The next one; null once the time, in ms, is over, or no more will come. */
  wait(timeout: number): Promise<Awaited<T> | null> {
    const item = this.take();
    if (item !== null || this.#isEnded) return Promise.resolve(item);
    const { promise, resolve } = Promise.withResolvers<T | null>();
    const waiter = (item: T | null) => {
      callOff();
      resolve(item);
    };
    const callOff = after(timeout, () => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      resolve(null);
    });
    this.#waiters.push(waiter);
    return Promise.resolve(promise);
  }

  /**
   * Calls back whenever one more is ready, or none will be any more.
   *
   * @returns A function that ends it.
   */
  watch(notify: () => void): () => void {
    this.#watchers.add(notify);
    return () => this.#watchers.delete(notify);
  }

  /** Forgets all that nobody has taken. */
  clear(): void {
    this.#items.length = this.#head = 0;
  }

  /** No more will come: tells those who wait. */
  end(): void {
    this.#isEnded = true;
    this.#pull?.({ value: undefined, done: true });
    this.#pull = null;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter(null);
    for (const notify of [...this.#watchers]) notify();
  }
}
