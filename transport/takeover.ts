/** What takes a connection over that speaks another protocol from now on. */
export interface Successor {
  /** Bytes are in, in a buffer that is used again; returns whether to read on. */
  received(bytes: Uint8Array): boolean;
  /** The peer has closed its side. */
  ended(): void;
  /** The connection is closed, or broke. */
  gone(error: unknown): void;
}

/** The sizes of a buffer that is read into. */
const SMALLEST = 1024;
const LARGEST = 131_072;
/** After so many reads that bring little, the buffer gets smaller. */
const SMALL_READS = 16;

/** A connection that was taken over, and what is read into for its successor. */
export class Takeover<S extends Successor = Successor> {
  readonly successor: S;
  #space: Uint8Array<ArrayBuffer>;
  #smallReads = 0;

  /** @param space What is read into at first. */
  constructor(
    successor: S,
    space: Uint8Array<ArrayBuffer> = new Uint8Array(SMALLEST),
  ) {
    this.successor = successor;
    this.#space = space;
  }

  /** What is read into; it goes by what the last reads have brought. */
  get space(): Uint8Array<ArrayBuffer> {
    return this.#space;
  }

  /** Reads into something else from now on. */
  readInto(space: Uint8Array<ArrayBuffer>): void {
    this.#space = space;
  }

  /** Passes on what was read; returns whether to read on. */
  received(length: number): boolean {
    const goesOn = this.successor.received(this.#space.subarray(0, length));
    this.#fit(length);
    return goesOn;
  }

  #fit(filled: number): void {
    const { length } = this.#space;
    if (filled === length && length < LARGEST) {
      this.#space = new Uint8Array(Math.min(length * 4, LARGEST));
    }
    if (filled * 8 > length) this.#smallReads = 0;
    else if (++this.#smallReads > SMALL_READS && length > SMALLEST) {
      this.#smallReads = 0;
      this.#space = new Uint8Array(length / 2);
    }
  }
}
