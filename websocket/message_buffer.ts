import { utf8Text, Utf8Validator } from "./utf8.ts";

const NOTHING = new Uint8Array(0);
/** The first buffer of a message whose length is not known. */
const FIRST_BUFFER = 512;
/**
 * So many times what has come, there is room for: a large message is moved once
 * or not at all, as to move it takes longer than anything else that is done.
 */
const GROWTH = 8;

/** A message that comes in pieces, in bytes of its own. */
export class MessageBuffer {
  /** Bytes that are in. */
  length = 0;
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
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
    if (isText && (!isAscii || !this.isComplete)) {
      const validator = this.#validator ??= new Utf8Validator();
      if (!validator.accept(bytes, start, end)) return false;
    }
    const length = this.length + end - start;
    if (length > this.#bytes.length) this.#grow(length, most);
    this.#bytes.set(
      // A plain view: that of a Node buffer would be one too, and take longer.
      new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start),
      this.length,
    );
    this.length = length;
    return true;
  }

  /** Grows with what has come, never with what was announced. */
  #grow(length: number, most: number): void {
    const wanted = Math.max(FIRST_BUFFER, length * GROWTH);
    const grown = new Uint8Array(Math.max(length, Math.min(wanted, most)));
    grown.set(this.#bytes.subarray(0, this.length));
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

  /** The whole of it as bytes. */
  takeBytes(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes;
    const { length } = this;
    return bytes.length === length ? bytes : bytes.slice(0, length);
  }

  /** The whole of it as text, which is known to be valid. */
  takeText(): string {
    return utf8Text(this.#bytes, 0, this.length);
  }
}
