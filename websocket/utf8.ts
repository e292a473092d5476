import { LOOP_UP_TO, shortText } from "../parse/text.ts";
import { HIGH_BITS } from "./mask.ts";

/** From this many bytes on it pays to look at words. */
const WORDS_FROM = 32;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes that are known to be ASCII, as text. */
export function asciiText(
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  return end - start <= LOOP_UP_TO
    ? shortText(bytes, start, end)
    : utf8Text(bytes, start, end);
}

/** Bytes that are known to be UTF-8, as text; a byte order mark stays in. */
export function utf8Text(
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  return decoder.decode(bytes.subarray(start, end));
}

/** Where the ASCII bytes from `start` end, or a little before. */
export function asciiEnd(
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let pos = start;
  if (end - start >= WORDS_FROM) {
    for (; (bytes.byteOffset + pos & 3) !== 0; pos++) {
      if (bytes[pos] >= 0x80) return pos;
    }
    const count = end - pos >> 2;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + pos, count);
    let i = 0;
    for (const last = count - 3; i < last; i += 4) {
      const all = words[i] | words[i + 1] | words[i + 2] | words[i + 3];
      if ((all & HIGH_BITS) !== 0) break;
    }
    while (i < count && (words[i] & HIGH_BITS) === 0) i++;
    pos += i * 4;
  }
  while (pos < end && bytes[pos] < 0x80) pos++;
  return pos;
}

/**
 * Checks UTF-8 (RFC 3629) that comes in pieces. It refuses overlong forms,
 * surrogates and what lies beyond U+10FFFF, at the very byte that makes them.
 */
export class Utf8Validator {
  // Continuation bytes that are still to come, and bounds of the next.
  #missing = 0;
  #low = 0x80;
  #high = 0xbf;

  /** Whether no character is half in. */
  get isComplete(): boolean {
    return this.#missing === 0;
  }

  /** Begins anew. */
  reset(): void {
    this.#missing = 0;
    this.#low = 0x80;
    this.#high = 0xbf;
  }

  /**
   * Checks a further piece.
   *
   * @returns Whether all is valid so far; when not, it takes no more.
   */
  accept(bytes: Uint8Array, start: number, end: number): boolean {
    let missing = this.#missing, low = this.#low, high = this.#high;
    for (let pos = start; pos < end;) {
      const byte = bytes[pos++];
      if (missing > 0) {
        if (byte < low || byte > high) return false;
        low = 0x80;
        high = 0xbf;
        missing--;
      } else if (byte < 0x80) {
        pos = asciiEnd(bytes, pos, end);
      } else if (byte < 0xe0) {
        if (byte < 0xc2) return false;
        missing = 1;
      } else if (byte < 0xf0) {
        missing = 2;
        if (byte === 0xe0) low = 0xa0;
        else if (byte === 0xed) high = 0x9f;
      } else {
        if (byte > 0xf4) return false;
        missing = 3;
        if (byte === 0xf0) low = 0x90;
        else if (byte === 0xf4) high = 0x8f;
      }
    }
    this.#missing = missing;
    this.#low = low;
    this.#high = high;
    return true;
  }
}

const validator = new Utf8Validator();

/** Whether bytes are UTF-8. */
function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  validator.reset();
  return validator.accept(bytes, start, end) && validator.isComplete;
}

/** Bytes as text, or `null` where they are not UTF-8. */
export function decodeUtf8(
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
): string | null {
  if (end - start > LOOP_UP_TO) {
    // The decoder puts U+FFFD where there is a fault, and looks for one faster.
    const text = utf8Text(bytes, start, end);
    return text.includes("\ufffd") && !isUtf8(bytes, start, end) ? null : text;
  }
  if (asciiEnd(bytes, start, end) === end) return shortText(bytes, start, end);
  return isUtf8(bytes, start, end) ? utf8Text(bytes, start, end) : null;
}
