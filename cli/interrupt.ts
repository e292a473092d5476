import { after } from "../transport/clock.ts";
import { CliError, ExitCode } from "./exit_codes.ts";
import type { CliIo } from "./io.ts";

/** How long it may take to tidy up when the time is over, in ms. */
const MAX_TIDYING = 500;

/** What the user's wish for an end, now or set before, does to what goes on. */
export class Interrupt implements Disposable {
  /** Aborts at the first wish. */
  readonly signal: AbortSignal;
  /** How far it is, for what is said when the time is over. */
  progress = "";
  readonly #controller = new AbortController();
  readonly #wished = Promise.withResolvers<never>();
  readonly #insisted = Promise.withResolvers<never>();
  readonly #stopListening: () => void;
  #callOff: () => void = () => {};

  /** @param maxTime After how long it ends by itself, in ms. */
  constructor(io: CliIo, maxTime?: number) {
    this.signal = this.#controller.signal;
    this.#wished.promise.catch(() => {});
    this.#insisted.promise.catch(() => {});
    this.#stopListening = io.onInterrupt(() => {
      const error = new CliError(ExitCode.INTERRUPTED, "Interrupted");
      if (this.signal.aborted) this.#insisted.reject(error);
      this.#end(error);
    });
    if (maxTime === undefined) return;
    this.#callOff = after(maxTime, () => {
      const message = `All of it took longer than ${maxTime} ms` +
        (this.progress === "" ? "" : `; ${this.progress}`);
      const error = new CliError(ExitCode.TIMEOUT, message);
      this.#end(error);
      // What is not aborted, such as a pipe that nobody reads, is left behind.
      this.#callOff = after(MAX_TIDYING, () => this.#insisted.reject(error));
    });
  }

  #end(error: CliError): void {
    this.#controller.abort(error);
    this.#wished.reject(error);
  }

  /** Waits for what cannot be aborted, but no longer than the user does. */
  orEnd<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#wished.promise]);
  }

  /**
   * Waits for what tidies up by itself, unless the user insists. Whatever goes
   * wrong behind the wish is its fault.
   */
  async orInsistence<T>(promise: Promise<T>): Promise<T> {
    try {
      return await Promise.race([promise, this.#insisted.promise]);
    } catch (error) {
      throw this.signal.aborted ? this.signal.reason : error;
    }
  }

  /** Listens no more. */
  [Symbol.dispose](): void {
    this.#stopListening();
    this.#callOff();
  }
}
