// The chunked coding, as a load checks it.

const CR = 13;
const LF = 10;

const State = {
  SIZE: 0, // in the digits of a chunk's size
  SIZE_LF: 1,
  DATA: 2,
  DATA_CR: 3,
  DATA_LF: 4,
  END_CR: 5, // behind the last chunk
  END_LF: 6,
  DONE: 7,
} as const;
type State = typeof State[keyof typeof State];

/** Counts the bytes of a chunked body, and takes no other framing. */
export class Chunks {
  /** Bytes of data so far. */
  length = 0;
  #state: State = State.SIZE;
  #digits = "";
  #left = 0;

  /** Whether the last chunk has come, and what is behind it. */
  get isDone(): boolean {
    return this.#state === State.DONE;
  }

  /** Takes what lies from one place to another. */
  take(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to;) {
      if (this.#state === State.DATA) {
        const part = Math.min(this.#left, to - at);
        this.length += part;
        this.#left -= part;
        at += part;
        if (this.#left === 0) this.#state = State.DATA_CR;
      } else this.#framing(bytes[at++]);
    }
  }

  #framing(byte: number): void {
    switch (this.#state) {
      case State.SIZE:
        if (byte !== CR) this.#digits += String.fromCharCode(byte);
        else this.#state = State.SIZE_LF;
        return;
      case State.SIZE_LF:
        if (!/^[0-9A-Fa-f]{1,8}$/.test(this.#digits)) {
          throw new Error(`Not the size of a chunk: "${this.#digits}"`);
        }
        this.#left = parseInt(this.#digits, 16);
        this.#digits = "";
        this.#expect(byte, LF, this.#left > 0 ? State.DATA : State.END_CR);
        return;
      case State.DATA_CR:
        return this.#expect(byte, CR, State.DATA_LF);
      case State.DATA_LF:
        return this.#expect(byte, LF, State.SIZE);
      case State.END_CR:
        return this.#expect(byte, CR, State.END_LF);
      case State.END_LF:
        return this.#expect(byte, LF, State.DONE);
      default:
        throw new Error("There is more than the answer");
    }
  }

  #expect(byte: number, expected: number, next: State): void {
    if (byte !== expected) throw new Error(`Not the end of a line: ${byte}`);
    this.#state = next;
  }
}
