import { HttpDate } from "../wire/date.ts";

/** The `Date` of all servers of this process. */
export const httpDate: HttpDate = new HttpDate();

/**
 * Calls back once, after so many milliseconds; never where that is longer
 * than a timer can count.
 *
 * @returns A function that calls it off.
 */
export function after(ms: number, callback: () => void): () => void {
  if (!(ms < 2 ** 31)) return () => {};
  const timer = setTimeout(callback, Math.max(0, ms));
  return () => clearTimeout(timer);
}

/** Calls back behind what the event loop has to tell of at this moment. */
export function nextTurn(callback: () => void): void {
  setImmediate(callback);
}

/**
 * Waits for so many milliseconds.
 *
 * @throws The signal's reason, as soon as it aborts.
 */
export function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      callOff();
      reject(signal!.reason);
    };
    const callOff = after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * One coarse timer for a server: it counts ticks, renews the date and sweeps.
 * It stands still while there is nothing to sweep.
 */
export class Clock {
  /** How many periods have gone by. */
  tick = 0;
  /** Length of a tick in milliseconds. */
  readonly period: number;
  readonly #sweep: () => void;
  readonly #isBackground: boolean;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param timeouts What is to be told apart: the shortest sets the period.
   * @param isBackground Whether it lets the process end while it runs.
   */
  constructor(timeouts: number[], sweep: () => void, isBackground = false) {
    const shortest = Math.min(...timeouts);
    this.period = Math.max(10, Math.min(100, Math.floor(shortest / 8)));
    this.#sweep = sweep;
    this.#isBackground = isBackground;
    httpDate.renew(Date.now());
  }

  /** Ticks that last at least so many milliseconds. */
  ticks(timeout: number): number {
    return Math.ceil(timeout / this.period);
  }

  /** Starts the timer, if it stands. */
  start(): void {
    if (this.#timer !== undefined) return;
    httpDate.renew(Date.now());
    this.#timer = setInterval(() => {
      this.tick++;
      httpDate.renew(Date.now());
      this.#sweep();
    }, this.period);
    if (this.#isBackground) this.#timer.unref();
  }

  /** Stops the timer. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
