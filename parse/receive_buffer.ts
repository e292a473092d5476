import { Cursor } from "./cursor.ts";
import { byteText } from "./text.ts";

const NOTHING = new Uint8Array(0);
/** Read buffer of an idle connection. */
const SMALL_BUFFER = 1024;
/** The largest that is kept from one message to the next. */
const KEPT_BUFFER = 16_384;
/** The largest read while a body comes in. */
const LARGE_BUFFER = 65_536;
/** Heads that came together are made text of together, so many bytes of them. */
const TOGETHER = 2048;

/** The buffer that messages are received into, and the place in it. */
export class ReceiveBuffer extends Cursor {
  /** Received bytes. Replaced when it grows: do not hold on to it. */
  declare bytes: Uint8Array<ArrayBuffer>;

  // Received bytes as text, and where in the buffer they start.
  #text = "";
  #textStart = 0;

  /** An empty one. */
  constructor() {
    super(readBuffer(), 0);
  }

  /** Whether there is no more room. */
  get isFull(): boolean {
    return this.end === this.bytes.length;
  }

  /**
   * Free room at the end, to read into. It is empty only where the buffer is
   * full of bytes that nobody has looked at yet.
   *
   * @param isInBody Whether the bytes of a body are to come.
   * @param most How large it may become for bytes that cannot be let go.
   */
  space(isInBody: boolean, most: number): Uint8Array<ArrayBuffer> {
    if (this.start === this.end) {
      this.#reuse(isInBody);
      return this.bytes;
    }
    if (this.isFull && (this.start > 0 || this.pos === this.end)) {
      this.widen(most);
    }
    return this.bytes.subarray(this.end);
  }

  /** Makes room for more bytes where there is none, up to `most` of them. */
  widen(most: number): void {
    if (!this.isFull) return;
    if (this.start > 0) this.#shift();
    else if (this.end < most) this.#grow(Math.min(2 * this.end, most));
  }

  /** Copies bytes in. They are in memory already, and so are bounded. */
  push(bytes: Uint8Array, isInBody: boolean, most: number): void {
    for (let from = 0; from < bytes.length;) {
      let space = this.space(isInBody, most);
      if (space.length === 0) space = this.#roomFor(bytes.length - from);
      const part = bytes.subarray(from, from + space.length);
      space.set(part);
      this.end += part.length;
      from += part.length;
    }
  }

  /** All bytes that were not looked at; they count as used from now on. */
  takeRest(): Uint8Array<ArrayBuffer> {
    const rest = this.bytes.slice(this.pos, this.end);
    this.pos = this.start = this.end;
    return rest;
  }

  /** Begins anew with other bytes, of which the first `length` are received. */
  adopt(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.bytes = bytes;
    this.#forgetText();
    this.pos = 0;
    this.end = length;
    this.begin();
  }

  /** Gives the bytes away, or a buffer of the size that was asked for last. */
  surrender(): Uint8Array<ArrayBuffer> {
    const bytes = this.#fit();
    this.bytes = NOTHING;
    this.start = this.pos = this.end = 0;
    return bytes;
  }

  /**
   * The message so far as text, one character a byte. Each text costs a call
   * into the runtime, so one is made for all heads of a buffer where they
   * follow upon each other.
   *
   * @param isAlone Whether something else follows upon this one.
   */
  text(isAlone: boolean): string {
    const { start, pos } = this;
    let at = start - this.#textStart;
    if (pos - this.#textStart > this.#text.length) {
      if (isAlone || pos === this.end || pos - start >= TOGETHER) {
        return byteText(this.bytes, start, pos);
      }
      const end = Math.min(this.end, start + TOGETHER);
      this.#text = byteText(this.bytes, start, end);
      this.#textStart = start;
      at = 0;
    }
    return this.#text.slice(at, at + pos - start);
  }

  /** The text is no longer that of the buffer. */
  #forgetText(): void {
    this.#text = "";
    this.#textStart = 0;
  }

  /** Starts again at the front of the buffer, or of one that fits better. */
  #reuse(isInBody: boolean): void {
    if (!isInBody) this.bytes = this.#fit();
    else if (this.isFull && this.end < LARGE_BUFFER) {
      this.bytes = readBuffer(Math.min(this.end * 4, LARGE_BUFFER));
    }
    this.#forgetText();
    this.start = this.pos = this.end = 0;
  }

  /** A buffer for what comes next, going by what has come. */
  #fit(): Uint8Array<ArrayBuffer> {
    const { length } = this.bytes;
    if (this.isFull && length < KEPT_BUFFER) return readBuffer(length * 2);
    if (length > KEPT_BUFFER) return readBuffer(KEPT_BUFFER);
    // A quarter is little enough that the next one will not ask for it again.
    if (length > SMALL_BUFFER && this.end * 4 <= length) {
      return readBuffer(length / 2);
    }
    return this.bytes;
  }

  /** Moves the message to the front of the buffer. */
  #shift(): void {
    const by = this.start;
    this.#forgetText();
    this.bytes.copyWithin(0, by, this.end);
    this.start = 0;
    this.pos -= by;
    this.end -= by;
  }

  #grow(size: number): void {
    const old = this.bytes;
    this.bytes = readBuffer(size);
    this.bytes.set(old.subarray(0, this.end));
  }

  #roomFor(length: number): Uint8Array<ArrayBuffer> {
    if (this.start > 0) this.#shift();
    if (this.end + length > this.bytes.length) this.#grow(this.end + length);
    return this.bytes.subarray(this.end);
  }
}

/** A buffer to read into. */
export function readBuffer(
  size: number = SMALL_BUFFER,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size);
}

/** Whether a buffer is of the size that connections begin with. */
export function isSpareBuffer(
  buffer: Uint8Array<ArrayBuffer> | null,
): buffer is Uint8Array<ArrayBuffer> {
  return buffer !== null && buffer.length === SMALL_BUFFER;
}
