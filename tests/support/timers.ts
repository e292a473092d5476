/**
 * The timers that are set while it is in use. A test counts them, where the
 * time that really goes by would depend on what else the machine does.
 */
export class Timers implements Disposable {
  /** Delays of `setTimeout()`, in ms, as they were set. */
  readonly set: number[] = [];
  /** Those of them that came. */
  readonly fired: number[] = [];
  /** What the ticks of each period, in ms, add up to. */
  readonly ticked: Map<number, number> = new Map();
  readonly #began = performance.now();
  readonly #setTimeout = globalThis.setTimeout;
  readonly #setInterval = globalThis.setInterval;

  /** @param hasten How long a delay is to take in truth, in ms. */
  constructor(hasten: (delay: number) => number = (delay) => delay) {
    // deno-lint-ignore no-explicit-any -- both are overloaded
    const own = globalThis as any;
    own.setTimeout = (
      callback: (...args: unknown[]) => void,
      delay = 0,
      ...rest: unknown[]
    ) => {
      this.set.push(delay);
      return (0, this.#setTimeout)(() => {
        this.fired.push(delay);
        callback(...rest);
      }, hasten(delay));
    };
    own.setInterval = (
      callback: (...args: unknown[]) => void,
      period = 0,
      ...rest: unknown[]
    ) =>
      (0, this.#setInterval)(() => {
        this.ticked.set(period, (this.ticked.get(period) ?? 0) + period);
        callback(...rest);
      }, period);
  }

  /**
   * The time that has really gone by since it was made, in ms: that something
   * took no less than it may is true on any machine.
   */
  get elapsed(): number {
    return performance.now() - this.#began;
  }

  /** The longest time that any clock has counted, in ms. */
  get counted(): number {
    return Math.max(0, ...this.ticked.values());
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.setInterval = this.#setInterval;
  }
}

/**
 * Keeps the event loop from turning for so many ms, as an application does that
 * works hard; the processor is free for other tests meanwhile.
 */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/**
 * Makes time go by faster while it is in use, for tests of long waits: clocks
 * and timers of this process, those of the test too.
 */
export class FastTime implements Disposable {
  readonly #now = performance.now;
  readonly #setTimeout = globalThis.setTimeout;
  readonly #setInterval = globalThis.setInterval;

  /** @param factor So many milliseconds go by in each. */
  constructor(factor: number) {
    const now = this.#now.bind(performance);
    const began = now();
    performance.now = () => began + (now() - began) * factor;
    // deno-lint-ignore no-explicit-any -- both are overloaded
    const own = globalThis as any;
    for (const name of ["setTimeout", "setInterval"] as const) {
      const real = own[name];
      own[name] = (callback: () => void, ms = 0, ...rest: unknown[]) =>
        real(callback, ms / factor, ...rest);
    }
  }

  [Symbol.dispose](): void {
    performance.now = this.#now;
    globalThis.setTimeout = this.#setTimeout;
    globalThis.setInterval = this.#setInterval;
  }
}
