/**
 * A place in received bytes. What a parser remembers of a message it counts
 * from `start`, so that bytes may be moved, or be followed by others, without
 * anything to mend.
 */
export class Cursor {
  /** The bytes. */
  bytes: Uint8Array;
  /** Where the message, or what is left of it, starts; all else counts from it. */
  start = 0;
  /** The next byte to look at. */
  pos = 0;
  /** Where the received bytes end. */
  end: number;
  // Bytes of the message that lay before `start` and have been let go.
  #before = 0;

  /** A place at the beginning of some bytes. */
  constructor(bytes: Uint8Array, length: number = bytes.length) {
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

  /** Another message begins here. */
  begin(): void {
    this.start = this.pos;
    this.#before = 0;
  }
}
