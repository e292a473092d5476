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

/** The buffer that messages are received into: room for them, and its reuse. */
export class ReceiveBuffer {
  /** Where messages are read; its bytes are the buffer. */
  readonly cursor: Cursor<Uint8Array<ArrayBuffer>> = new Cursor(
    readBuffer(),
    0,
  );

  // Received bytes as text, and where in the buffer they start.
  #text = "";
  #textStart = 0;

  /** Whether there is no more room. */
  get isFull(): boolean {
    return this.cursor.end === this.cursor.bytes.length;
  }

  /**
   * Free room at the end, to read into. It is empty only where the buffer is
   * full of bytes that nobody has looked at yet.
   *
   * @param isInBody Whether the bytes of a body are to come.
   * @param most How large it may become for bytes that cannot be let go.
   */
  space(isInBody: boolean, most: number): Uint8Array<ArrayBuffer> {
    const at = this.cursor;
    if (at.start === at.end) {
      this.#reuse(isInBody);
      return at.bytes;
    }
    if (this.isFull && (at.start > 0 || at.pos === at.end)) this.widen(most);
    return at.bytes.subarray(at.end);
  }

  /** Makes room for more bytes where there is none, up to `most` of them. */
  widen(most: number): void {
    const { start, end } = this.cursor;
    if (!this.isFull) return;
    if (start > 0) this.#shift();
    else if (end < most) this.#grow(Math.min(2 * end, most));
  }

  /** Copies bytes in. They are in memory already, and so are bounded. */
  push(bytes: Uint8Array, isInBody: boolean, most: number): void {
    for (let from = 0; from < bytes.length;) {
      let space = this.space(isInBody, most);
      if (space.length === 0) space = this.#roomFor(bytes.length - from);
      const part = bytes.subarray(from, from + space.length);
      space.set(part);
      this.cursor.end += part.length;
      from += part.length;
    }
  }

  /** All bytes that were not looked at; they count as used from now on. */
  takeRest(): Uint8Array<ArrayBuffer> {
    const at = this.cursor;
    const rest = at.bytes.slice(at.pos, at.end);
    at.pos = at.start = at.end;
    return rest;
  }

  /** Begins anew with other bytes, of which the first `length` are received. */
  adopt(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.#rewind();
    this.cursor.bytes = bytes;
    this.cursor.end = length;
    this.cursor.begin();
  }

  /** Gives the bytes away, or a buffer of the size that was asked for last. */
  surrender(): Uint8Array<ArrayBuffer> {
    const bytes = this.#fit();
    this.#rewind();
    this.cursor.bytes = NOTHING;
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
    const { bytes, start, pos, end } = this.cursor;
    let from = start - this.#textStart;
    if (pos - this.#textStart > this.#text.length) {
      if (isAlone || pos === end || pos - start >= TOGETHER) {
        return byteText(bytes, start, pos);
      }
      this.#text = byteText(bytes, start, Math.min(end, start + TOGETHER));
      this.#textStart = start;
      from = 0;
    }
    return this.#text.slice(from, from + pos - start);
  }

  /** The text is no longer that of the buffer. */
  forgetText(): void {
    this.#text = "";
    this.#textStart = 0;
  }

  #rewind(): void {
    this.forgetText();
    this.cursor.start = this.cursor.pos = this.cursor.end = 0;
  }

  /** Starts again at the front of the buffer, or of one that fits better. */
  #reuse(isInBody: boolean): void {
    const at = this.cursor;
    if (!isInBody) at.bytes = this.#fit();
    else if (this.isFull && at.end < LARGE_BUFFER) {
      at.bytes = readBuffer(Math.min(at.end * 4, LARGE_BUFFER));
    }
    this.#rewind();
  }

  /** A buffer for what comes next, going by what has come. */
  #fit(): Uint8Array<ArrayBuffer> {
    const { bytes, end } = this.cursor;
    const { length } = bytes;
    if (end === length && length < KEPT_BUFFER) return readBuffer(length * 2);
    if (length > KEPT_BUFFER) return readBuffer(KEPT_BUFFER);
    // A quarter is little enough that the next one will not ask for it again.
    if (length > SMALL_BUFFER && end * 4 <= length) {
      return readBuffer(length / 2);
    }
    return bytes;
  }

  /** Moves the message to the front of the buffer. */
  #shift(): void {
    const at = this.cursor;
    const by = at.start;
    this.forgetText();
    at.bytes.copyWithin(0, by, at.end);
    at.start = 0;
    at.pos -= by;
    at.end -= by;
  }

  #grow(size: number): void {
    const at = this.cursor;
    const old = at.bytes;
    at.bytes = readBuffer(size);
    at.bytes.set(old.subarray(0, at.end));
  }

  #roomFor(length: number): Uint8Array<ArrayBuffer> {
    const at = this.cursor;
    if (at.start > 0) this.#shift();
    if (at.end + length > at.bytes.length) this.#grow(at.end + length);
    return at.bytes.subarray(at.end);
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
