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

interface Immediates {
  setImmediate?(callback: () => void): unknown;
  clearImmediate?(id: unknown): void;
}

// Older versions of Deno have these for packages of npm alone.
const {
  setImmediate = (callback: () => void): unknown => setTimeout(callback, 0),
  clearImmediate = (id: unknown): void => clearTimeout(id as number),
} = globalThis as Immediates;

/**
 * Calls back behind what the event loop has to tell of at this moment.
 *
 * @returns A function that calls it off.
 */
export function nextTurn(callback: () => void): () => void {
  const id = setImmediate(callback);
  return () => clearImmediate(id);
}

/**
 * Deno asks the system what has come when the event loop has nothing to do, and
 * otherwise once in 61 turns. For so long, in ms, turns may follow one another
 * without that.
 */
const UNASKED = 20;

// When the event loop had nothing to do but to wait for a timer.
let askedAt = -Infinity;
// Those whose turn comes behind such a moment.
let behind: (() => void)[] = [];

function onAsked(): void {
  askedAt = performance.now();
  const all = behind;
  behind = [];
  for (const callback of all) callback();
}

/**
 * Like {@linkcode nextTurn}, for who may go on in this way for long: now and
 * then it lets the event loop rest, so that it learns of what has come. What is
 * done then is not to throw.
 */
export function fairTurn(callback: () => void): void {
  if (behind.length > 0) behind.push(callback);
  else if (performance.now() - askedAt < UNASKED) setImmediate(callback);
  else {
    behind.push(callback);
    // Tests that look for timers that are left need not know of this one.
    AbortSignal.timeout(0).addEventListener("abort", onAsked);
  }
}

/**
 * Calls back once all has been read that has come so far: one turn of the
 * event loop finds out what is there, the next one has told of it.
 *
 * @returns A function that calls it off.
 */
export function afterReading(callback: () => void): () => void {
  let callOff = nextTurn(() => callOff = nextTurn(callback));
  return () => callOff();
}

/** A timer that is late by so much, in ms, finds a loop that was busy. */
const LATE = 50;

/**
 * Like {@linkcode after}, for the end of a wait for a peer: where the event
 * loop was too busy to look, what has come meanwhile is read first.
 */
export function deadline(ms: number, callback: () => void): () => void {
  const due = performance.now() + ms;
  let callOff = after(ms, () => {
    if (performance.now() - due < LATE) callback();
    else callOff = afterReading(callback);
  });
  return () => callOff();
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

/** What a wait is timed by that is looked at in sweeps. */
export type SweptClock = Pick<Clock, "tick" | "begun">;

/**
 * One coarse timer for many connections: it counts ticks and sweeps. It stands
 * still while there is nothing to sweep.
 *
 * Ticks go by the time that has passed, also where the event loop was busy.
 * After such a pause it sweeps behind what has come meanwhile: nobody is late
 * because we were.
 */
export class Clock {
  /** How many periods have gone by. */
  tick = 0;
  /** Length of a tick in milliseconds. */
  readonly period: number;
  readonly #sweep: () => void;
  #isBackground: boolean;
  readonly #ticked: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  // When the present tick began.
  #tickedAt = 0;
  // Waits that began since then may have begun at any time of a late tick.
  #lateFrom = Infinity;
  // Calls a sweep off that waits for what has come.
  #callOff: (() => void) | null = null;

  /**
   * @param timeouts What is to be told apart: the shortest sets the period.
   * @param isBackground Whether it lets the process end while it runs.
   * @param ticked Told at the beginning, and at every tick.
   */
  constructor(
    timeouts: number[],
    sweep: () => void,
    isBackground = false,
    ticked: () => void = () => {},
  ) {
    const shortest = Math.min(...timeouts);
    this.period = Math.max(10, Math.min(100, Math.floor(shortest / 8)));
    this.#sweep = sweep;
    this.#isBackground = isBackground;
    this.#ticked = ticked;
    ticked();
  }

  /** Ticks that last at least so many milliseconds. */
  ticks(timeout: number): number {
    return Math.ceil(timeout / this.period);
  }

  /**
   * For a sweep: when a wait began, given the tick that was noted for that. It
   * was the last one before a pause for all that happened in the pause.
   */
  begun(since: number): number {
    return since < this.#lateFrom ? since : Math.max(since, this.tick - 1);
  }

  /** Starts the timer, if it stands. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#ticked();
    this.#tickedAt = performance.now();
    this.#timer = setInterval(this.#advance, this.period);
    if (this.#isBackground) Deno.unrefTimer(this.#timer as unknown as number);
  }

  /** Says whether it lets the process end while it runs. */
  set isBackground(isBackground: boolean) {
    this.#isBackground = isBackground;
    const timer = this.#timer as unknown as number | undefined;
    if (timer === undefined) return;
    if (isBackground) Deno.unrefTimer(timer);
    else Deno.refTimer(timer);
  }

  readonly #advance = (): void => {
    const passed = Math.floor(
      (performance.now() - this.#tickedAt) / this.period,
    );
    if (passed > 1) this.#lateFrom = Math.min(this.#lateFrom, this.tick);
    this.tick += passed;
    this.#tickedAt += passed * this.period;
    this.#ticked();
    if (this.#lateFrom === Infinity) this.#sweep();
    else this.#callOff ??= afterReading(this.#sweepLate);
  };

  readonly #sweepLate = (): void => {
    this.#callOff = null;
    this.#sweep();
    this.#lateFrom = Infinity;
  };

  /** Stops the timer. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#callOff?.();
    this.#callOff = null;
    this.#lateFrom = Infinity;
  }
}
