import {
  BACKSLASH,
  CR,
  DQUOTE,
  EQUALS,
  HEX,
  HTAB,
  LF,
  QUOTED_TEXT,
  SEMICOLON,
  SP,
  TOKEN,
} from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import type { ProtocolErrorCode } from "./errors.ts";

/** What {@linkcode ChunkedDecoder.decode} came to. */
export const ChunkEvent = {
  /** All bytes are used up; more are needed. */
  MORE: 0,
  /** Data lies between `dataStart` and the cursor. */
  DATA: 1,
  /** The last chunk's line is behind; the trailer section follows. */
  LAST: 2,
  /** The coding is broken; see `fault`. The cursor is at the byte. */
  FAILED: 3,
} as const;
/** One of {@linkcode ChunkEvent}. */
export type ChunkEvent = typeof ChunkEvent[keyof typeof ChunkEvent];

const State = {
  SIZE_FIRST: 0, // the first digit of a size
  SIZE: 1, // further digits, or what may follow them
  BWS: 2, // white space before a semicolon
  EXT_NAME_FIRST: 3, // white space after a semicolon, or a name
  EXT_NAME: 4,
  EXT_NAME_BWS: 5, // white space before an equals sign
  EXT_VALUE_FIRST: 6, // white space after it, or a value
  EXT_TOKEN: 7,
  EXT_QUOTED: 8,
  EXT_ESCAPE: 9, // behind a backslash
  EXT_END: 10, // behind a closing quote
  SIZE_LF: 11,
  DATA: 12,
  DATA_CR: 13,
  DATA_LF: 14,
} as const;
type State = typeof State[keyof typeof State];

/** Digits of a size: enough for 2^53-1, and no endless row of zeros. */
const MAX_DIGITS = 16;
/** Bytes of extensions that one body may carry in all. */
const MAX_EXTENSIONS = 4096;
/** White space behind one size that is not counted with them. */
const MAX_PADDING = 64;

/**
 * The chunked coding (RFC 9112 section 7.1) up to its trailer section, one
 * state a byte outside the data and none inside it.
 *
 * Where it is forgiving, a line with a size may end in white space, as servers
 * of microcontrollers pad it.
 */
export class ChunkedDecoder {
  /** Bytes of data announced by all chunks so far. */
  announced = 0;
  /** Where the data of the last `DATA` event starts. */
  dataStart = 0;
  /** What was wrong, after `FAILED`. */
  fault: ProtocolErrorCode = "bad-chunk-size";
  #state: State = State.SIZE_FIRST;
  #size = 0;
  #digits = 0;
  #extensions = 0;
  #padding = 0;
  readonly #isForgiving: boolean;

  /** @param isForgiving Whether white space may end a line with a size. */
  constructor(isForgiving = false) {
    this.#isForgiving = isForgiving;
  }

  /** Makes the decoder ready for another body. */
  reset(): void {
    this.announced =
      this.#size =
      this.#digits =
      this.#extensions =
        0;
    this.#state = State.SIZE_FIRST;
  }

  /**
   * Reads on, and leaves the cursor behind the last byte used.
   *
   * @param limit How much data all chunks together may announce.
   */
  decode(input: Cursor, limit: number): ChunkEvent {
    const { bytes, end } = input;
    let pos = input.pos;
    while (pos < end) {
      if (this.#state === State.DATA) {
        this.dataStart = pos;
        const length = Math.min(end - pos, this.#size);
        this.#size -= length;
        if (this.#size === 0) this.#state = State.DATA_CR;
        input.pos = pos + length;
        return ChunkEvent.DATA;
      }
      const byte = bytes[pos++];
      switch (this.#state) {
        case State.SIZE_FIRST:
          this.#size = HEX[byte];
          if (this.#size > 15) return this.#fail(input, "bad-chunk-size", pos);
          this.#digits = 1;
          this.#padding = 0;
          this.#state = State.SIZE;
          break;
        case State.SIZE: {
          const digit = HEX[byte];
          if (digit < 16) {
            this.#size = this.#size * 16 + digit;
            if (
              ++this.#digits > MAX_DIGITS ||
              this.#size > Number.MAX_SAFE_INTEGER
            ) return this.#fail(input, "bad-chunk-size", pos);
          } else if (byte === CR) this.#state = State.SIZE_LF;
          else if (byte === SEMICOLON) this.#state = State.EXT_NAME_FIRST;
          else if (byte === SP || byte === HTAB) this.#state = State.BWS;
          else return this.#fail(input, "bad-chunk-size", pos);
          break;
        }
        case State.BWS:
          if (this.#isForgiving) {
            if (byte === CR) this.#state = State.SIZE_LF;
            // More of it counts as an extension.
            const isBlank = byte === SP || byte === HTAB;
            if (byte === CR || isBlank && ++this.#padding <= MAX_PADDING) break;
          }
          if (++this.#extensions > MAX_EXTENSIONS || !this.#extension(byte)) {
            return this.#fail(input, "bad-chunk-extension", pos);
          }
          break;
        case State.SIZE_LF:
          if (byte !== LF) return this.#fail(input, "bad-line-end", pos);
          this.announced += this.#size;
          if (this.announced > limit) {
            return this.#fail(input, "body-too-large", pos);
          }
          if (this.#size === 0) {
            input.pos = pos;
            return ChunkEvent.LAST;
          }
          this.#state = State.DATA;
          break;
        case State.DATA_CR:
          if (byte !== CR) return this.#fail(input, "bad-chunk-end", pos);
          this.#state = State.DATA_LF;
          break;
        case State.DATA_LF:
          if (byte !== LF) return this.#fail(input, "bad-chunk-end", pos);
          this.#state = State.SIZE_FIRST;
          break;
        default:
          if (
            ++this.#extensions > MAX_EXTENSIONS || !this.#extension(byte)
          ) return this.#fail(input, "bad-chunk-extension", pos);
      }
    }
    input.pos = pos;
    return ChunkEvent.MORE;
  }

  /** Takes in the chunk that was over the limit all the same. */
  passLimit(input: Cursor): void {
    this.#state = State.DATA;
    input.pos++;
  }

  /** One byte of `*( BWS ";" BWS name [ BWS "=" BWS value ] )`. */
  #extension(byte: number): boolean {
    const blank = byte === SP || byte === HTAB;
    switch (this.#state) {
      case State.BWS:
        if (byte === SEMICOLON) this.#state = State.EXT_NAME_FIRST;
        else return blank;
        return true;
      case State.EXT_NAME_FIRST:
        if (blank) return true;
        this.#state = State.EXT_NAME;
        return TOKEN[byte] === 1;
      case State.EXT_NAME:
        if (TOKEN[byte] === 1) return true;
        if (blank) this.#state = State.EXT_NAME_BWS;
        else if (byte === EQUALS) this.#state = State.EXT_VALUE_FIRST;
        else return this.#extensionEnd(byte);
        return true;
      case State.EXT_NAME_BWS:
        if (byte === EQUALS) this.#state = State.EXT_VALUE_FIRST;
        else if (byte === SEMICOLON) this.#state = State.EXT_NAME_FIRST;
        else if (byte === CR && this.#isForgiving) this.#state = State.SIZE_LF;
        else return blank;
        return true;
      case State.EXT_VALUE_FIRST:
        if (blank) return true;
        this.#state = byte === DQUOTE ? State.EXT_QUOTED : State.EXT_TOKEN;
        return byte === DQUOTE || TOKEN[byte] === 1;
      case State.EXT_TOKEN:
        return TOKEN[byte] === 1 || this.#extensionEnd(byte);
      case State.EXT_QUOTED:
        if (byte === DQUOTE) this.#state = State.EXT_END;
        else if (byte === BACKSLASH) this.#state = State.EXT_ESCAPE;
        else return QUOTED_TEXT[byte] === 1;
        return true;
      case State.EXT_ESCAPE:
        this.#state = State.EXT_QUOTED;
        return byte === HTAB || (byte >= SP && byte !== 0x7f);
      default:
        return this.#extensionEnd(byte);
    }
  }

  /** What may stand behind a whole extension. */
  #extensionEnd(byte: number): boolean {
    if (byte === CR) this.#state = State.SIZE_LF;
    else if (byte === SEMICOLON) this.#state = State.EXT_NAME_FIRST;
    else if (byte === SP || byte === HTAB) this.#state = State.BWS;
    else return false;
    return true;
  }

  /** @param pos Behind the byte at fault. */
  #fail(input: Cursor, fault: ProtocolErrorCode, pos: number): ChunkEvent {
    this.fault = fault;
    input.pos = pos - 1;
    return ChunkEvent.FAILED;
  }
}
