import { asciiEnd, utf8Text, Utf8Validator } from "./utf8.ts";

const NOTHING = new Uint8Array(0);
/** The first buffer of a message whose length is not known. */
const FIRST_BUFFER = 512;
/**
 * So many times what has come, there is room for: a large message is moved once
 * or not at all, as to move it takes longer than anything else that is done.
 */
const GROWTH = 8;
/** Pieces of ASCII become text at once, if they are as long. */
const LONG_TEXT = 4096;

/** A message that comes in pieces, in bytes of its own, or as text. */
export class MessageBuffer {
  /** Bytes that are in. */
  length = 0;
  // What has become text already, and the bytes behind it.
  #text = "";
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
  #end = 0;
  #validator: Utf8Validator | null = null;

  /**
   * Takes a piece; its bytes are copied.
   *
   * @param isText Whether it has to be UTF-8.
   * @param isAscii Whether it is known to be ASCII, which is UTF-8 anyway.
   * @param most Bytes that may be in, with all that is announced.
   * @returns Whether it is valid, as far as that can be said.
   */
  add(
    bytes: Uint8Array,
    start: number,
    end: number,
    isText: boolean,
    isAscii: boolean,
    most: number,
  ): boolean {
    const { length } = this;
    this.length = length + end - start;
    if (isText && this.isComplete) {
      const isLong = end - start >= LONG_TEXT;
      if (isLong) isAscii ||= asciiEnd(bytes, start, end) === end;
      if (isLong && isAscii) {
        this.#text += this.#takeRest() + utf8Text(bytes, start, end);
        return true;
      }
    } else isAscii = false;
    if (isText && !isAscii) {
      const validator = this.#validator ??= new Utf8Validator();
      if (!validator.accept(bytes, start, end)) return false;
    }
    const needed = this.#end + end - start;
    if (needed > this.#bytes.length) this.#grow(needed, most - length);
    this.#bytes.set(
      // A plain view: that of a Node buffer would be one too, and take longer.
      new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start),
      this.#end,
    );
    this.#end = needed;
    return true;
  }

  /**
   * Grows with what has come, never with what was announced.
   *
   * @param left How much may come, with what does at present.
   */
  #grow(needed: number, left: number): void {
    const wanted = Math.min(
      Math.max(FIRST_BUFFER, needed * GROWTH),
      this.#end + left,
    );
    const grown = new Uint8Array(Math.max(needed, wanted));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }

  /** Bytes that there is room for. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Whether no character is half in. */
  get isComplete(): boolean {
    return this.#validator === null || this.#validator.isComplete;
  }

  /** The whole of it as bytes, if it is no text. */
  takeBytes(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes;
    return bytes.length === this.#end ? bytes : bytes.slice(0, this.#end);
  }

  /** The whole of it as text, which is known to be valid. */
  takeText(): string {
    return this.#text + this.#takeRest();
  }

  #takeRest(): string {
    if (this.#end === 0) return "";
    const text = utf8Text(this.#bytes, 0, this.#end);
    this.#end = 0;
    return text;
  }
}
