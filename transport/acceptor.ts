import { after, afterReading } from "./clock.ts";
import { hasLeft, isExhausted } from "./socket.ts";
import { turns } from "./turns.ts";

/** Anything that yields connections, such as a `Deno.Listener`. */
export interface ConnSource extends AsyncIterable<Deno.Conn> {
  /** Where it listens, if it knows. */
  readonly addr?: Deno.Addr;
  /** Waits for the next connection; used where there is one. */
  accept?(): Promise<Deno.Conn>;
  /** Stops listening. */
  close?(): void;
}

/** What an acceptor reports to. */
export interface AcceptorHandlers {
  /**
   * Whether there is room for a connection; false to turn it away. A promise
   * where it waits for room: it is taken over, and waits no more then.
   */
  room(conn: Deno.Conn): Promise<void> | boolean;
  /** Many wait for room: one may be turned away. */
  turnAway(): void;
  /** A connection that has room. */
  accepted(conn: Deno.Conn): void;
  /** The system has no more descriptors; whether one was given back. */
  spare(): boolean;
  /** Something went wrong; accepting goes on after a pause. */
  failed(error: unknown): void;
  /** The source has ended by itself. */
  ended(): void;
}

/** For how long what is on its way is waited for at the end, in ms. */
const LAST_WAIT = 20;
/** And for how long room is, which connections have to make. */
const LONGEST_WAIT = 1000;
/** So many may wait for room, so that who has less is found among them. */
const MOST_WAITING = 64;
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 1000;

/**
 * Accepts connections from one source, until it is closed. Faults such as
 * "too many open files" make it pause, for 5 ms at first and a second at last.
 */
export class Acceptor {
  /** The source. */
  readonly source: ConnSource;
  /** Resolves when accepting has ended and the source is closed. */
  readonly done: Promise<void>;
  readonly #handlers: AcceptorHandlers;
  #isClosed = false;
  #wake: (() => void) | null = null;
  #callOff: (() => void) | null = null;
  #accepted = 0;
  // It waits for the system to have descriptors again; or some for room.
  #isPaused = false;
  #waiting = 0;
  #waited: (() => void) | null = null;
  readonly #closed = Promise.withResolvers<void>();

  /** Starts to accept. */
  constructor(source: ConnSource, handlers: AcceptorHandlers) {
    this.source = source;
    this.#handlers = handlers;
    this.done = this.#run();
  }

  /**
   * Closes the source once all is accepted that waits there: what the system
   * holds for us is lost otherwise.
   *
   * @param backlog How many may wait: no more than that is accepted.
   * @returns A promise that resolves when the source is closed.
   */
  finish(backlog: number): Promise<void> {
    const last = this.#accepted + backlog;
    let seen: number;
    let waits = 0;
    const look = () => {
      if (this.#isClosed) return;
      if (this.#accepted >= last) this.close();
      else if (this.#isPaused || this.#waiting > 0) {
        // There may be no room for as long as connections live.
        if (seen !== this.#accepted) waits = 0;
        seen = this.#accepted;
        if (++waits * LAST_WAIT > LONGEST_WAIT) this.close();
        else this.#callOff = after(LAST_WAIT, look);
      } else if (this.#accepted === seen) this.close(); // nothing is there
      else {
        seen = this.#accepted;
        this.#callOff = afterReading(look);
      }
    };
    this.#callOff = after(LAST_WAIT, look);
    return this.#closed.promise;
  }

  /** Closes the source; connections accepted before live on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve();
    this.#callOff?.();
    try {
      this.source.close?.();
    } catch {
      // Closed already.
    }
    this.#wake?.();
    this.#waited?.();
  }

  async #run(): Promise<void> {
    const source = this.source;
    const iterator = source.accept === undefined
      ? source[Symbol.asyncIterator]()
      : null;
    let pause = FIRST_PAUSE;
    while (!this.#isClosed) {
      let conn: Deno.Conn | null;
      try {
        conn = iterator === null
          ? await source.accept!()
          : await nextOf(iterator);
      } catch (error) {
        if (this.#isClosed) return;
        if (hasLeft(error)) {
          // Thousands may come and go, and others wait behind them.
          const turn = turns.take();
          if (turn !== null) await turn;
          continue;
        }
        if (isExhausted(error) && this.#handlers.spare()) {
          await new Promise<void>(afterReading); // until it is given back
          continue;
        }
        this.#handlers.failed(error);
        if (error instanceof Deno.errors.BadResource) {
          conn = null;
        } else {
          this.#isPaused = true;
          await this.#sleep(pause);
          this.#isPaused = false;
          pause = Math.min(pause * 2, LONGEST_PAUSE);
          continue;
        }
      }
      if (conn === null) {
        this.#handlers.ended();
        return;
      }
      pause = FIRST_PAUSE;
      this.#accepted++;
      const room = this.#handlers.room(conn);
      if (room === true) this.#handlers.accepted(conn);
      else if (room === false) conn.close();
      else {
        this.#waiting++;
        room.then(this.#onWaited);
        while (this.#waiting >= MOST_WAITING && !this.#isClosed) {
          this.#handlers.turnAway();
          await this.#someWaited();
        }
      }
    }
  }

  readonly #onWaited = (): void => {
    this.#waiting--;
    this.#waited?.();
  };

  /** Resolves when one of those that wait for room waits no more. */
  #someWaited(): Promise<void> {
    return new Promise((resolve) => {
      this.#waited = () => {
        this.#waited = null;
        resolve();
      };
    });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function nextOf(
  iterator: AsyncIterator<Deno.Conn>,
): Promise<Deno.Conn | null> {
  const { value, done } = await iterator.next();
  return done ? null : value;
}
