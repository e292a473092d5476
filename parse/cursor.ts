const NOTHING = new Uint8Array(0);

/**
 * A place in received bytes. What a parser remembers of a message it counts
 * from `start`, so that bytes may be moved, or be followed by others, without
 * anything to mend.
 */
export class Cursor<T extends Uint8Array = Uint8Array> {
  /** The bytes. A buffer is replaced when it grows: do not hold on to it. */
  bytes: T;
  /** Where the message, or what is left of it, starts; all else counts from it. */
  start = 0;
  /** The next byte to look at. */
  pos = 0;
  /** Where the received bytes end. */
  end: number;
  // Bytes of the message that lay before `start` and have been let go.
  #before = 0;

  /** A place at the beginning of some bytes. */
  constructor(bytes: T, length: number = bytes.length) {
    this.bytes = bytes;
    this.end = length;
  }

  /** Whether bytes wait to be looked at. */
  get hasInput(): boolean {
    return this.pos < this.end;
  }

  /** How far into the message a place is. */
  offset(at: number): number {
    return this.#before + at - this.start;
  }

  /** The message is done with up to here; offsets still count what was. */
  letGo(): void {
    this.#before += this.pos - this.start;
    this.start = this.pos;
  }

  /**
   * Goes on with bytes that follow upon those looked at.
   *
   * @throws {TypeError} If there are some that were not, or an event is due.
   */
  follow(bytes: T, isEventDue = false): void {
    if (this.hasInput || isEventDue) {
      throw new TypeError("Cannot take more bytes before next() asks for them");
    }
    this.start -= this.end;
    this.bytes = bytes;
    this.pos = 0;
    this.end = bytes.length;
  }

  /** Lets go of all bytes. */
  drop(): void {
    this.pos = this.end;
    this.follow(NOTHING as Uint8Array as T);
  }

  /** Another message begins here. */
  begin(): void {
    this.start = this.pos;
    this.#before = 0;
  }
}
