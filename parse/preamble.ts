import { CR, LF } from "./chars.ts";

/**
 * Bytes before the first delimiter, which nobody gets to see: a picture of a
 * camera that begins with it, and with no delimiter.
 */
const MAX_PREAMBLE = 4_194_304;

/**
 * What may come before the first delimiter of a multipart body that is no form
 * (RFC 2046 section 5.1.1): text, up to a line that is the delimiter. That is
 * two dashes and the boundary; or the boundary alone where it begins with two
 * dashes, as with some cameras: the first line that is either decides.
 */
export class Preamble {
  /** The delimiter's line, once it is in. */
  line: string | null = null;

  readonly #full: string;
  readonly #short: string;
  // What the present line begins with, while it may become a delimiter.
  #opening: string | null = "";
  #isBehindCr = false;
  #count = 0;

  /** A preamble of which nothing is in. */
  constructor(boundary: string) {
    this.#full = `--${boundary}`;
    // Dashes alone would be the beginning of the other delimiter, too.
    this.#short = /^--.*[^-]/.test(boundary) ? boundary : this.#full;
  }

  /** Takes in a byte; false where there may be no more. */
  take(byte: number): boolean {
    if (this.#opening !== null) {
      const line = this.#opening + String.fromCharCode(byte);
      if (line === this.#full || line === this.#short) {
        this.line = line;
        return true;
      }
      if (this.#full.startsWith(line) || this.#short.startsWith(line)) {
        this.#opening = line;
        return true;
      }
      this.#count += line.length - 1;
      this.#opening = null;
    }
    if (byte === LF && this.#isBehindCr) this.#opening = "";
    this.#isBehindCr = byte === CR;
    return ++this.#count <= MAX_PREAMBLE;
  }
}
