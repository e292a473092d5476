import { checkBytes } from "./arguments.ts";
import { CR, LF } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import { ProtocolError, type ProtocolErrorCode } from "./errors.ts";
import { checkGiven } from "./limits.ts";
import { OptionNames } from "./option_names.ts";
import { parseUtf8 } from "./text.ts";

/** Bounds on what a {@linkcode LineParser} takes. */
export interface LineLimits {
  /** Bytes of one line without its end; default 1 MiB. */
  maxLineLength?: number;
}

const NAMES = new OptionNames<LineLimits>("a reader of lines", {
  maxLineLength: true,
});

/**
 * Checks the limits of a reader of lines.
 *
 * @throws {TypeError} If they are no object, hold an unknown one, or one that
 * is not a number.
 * @throws {RangeError} If one is out of range.
 */
export function checkLineLimits(limits: LineLimits | undefined): void {
  NAMES.check(limits);
  if (limits !== undefined) checkGiven(limits, ["maxLineLength"], 0);
}

const NOTHING = new Uint8Array(0);
/** More than this is not kept from one line for the next. */
const MAX_KEPT = 65536;

/**
 * Splits bytes into lines of text, piece by piece: a line ends with LF or
 * CR LF, and a CR alone belongs to it. It does no I/O and never waits.
 *
 * However the input is cut, the outcome is the same. The text is UTF-8; a
 * byte order mark before the first line is left out.
 *
 * ```ts
 * import { LineParser } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = new LineParser();
 * parser.push(new TextEncoder().encode("one\r\ntwo\nthr"));
 * assertEquals([parser.next(), parser.next()], ["one", "two"]);
 * assertEquals(parser.next(), null);
 * parser.push(new TextEncoder().encode("ee"));
 * assertEquals(parser.next(), null);
 * assertEquals(parser.finish(), "three");
 * ```
 */
export class LineParser {
  /** What was wrong, once `next()` or `finish()` has thrown. */
  error: ProtocolError | null = null;

  readonly #max: number;
  readonly #input: Cursor = new Cursor(NOTHING);
  // The beginning of a line whose end has not come.
  #kept: Uint8Array = NOTHING;
  #keptLength = 0;
  // Where the line began, from the start of the input.
  #lineStart = 0;

  /**
   * A parser that waits for the first bytes.
   *
   * @throws {TypeError} If a limit is unknown, or not a number.
   * @throws {RangeError} If it is out of range.
   */
  constructor(limits: LineLimits = {}) {
    checkLineLimits(limits);
    this.#max = limits.maxLineLength ?? 1 << 20;
  }

  /**
   * Takes in bytes, without a copy: they must stay as they are until `next()`
   * asks for more, and are not looked at afterwards.
   *
   * @throws {TypeError} If `next()` has not asked for more.
   */
  push(bytes: Uint8Array): void {
    if (this.error !== null) return;
    checkBytes("What is pushed", bytes);
    this.#input.follow(bytes);
  }

  /**
   * The next line without its end; `null` where more bytes are needed.
   *
   * @throws {ProtocolError} If the line is too long or not UTF-8; no later
   * line comes.
   */
  next(): string | null {
    if (this.error !== null) throw this.error;
    const input = this.#input;
    const { bytes: chunk, pos: start } = input;
    if (!input.hasInput) return null;
    const end = chunk.indexOf(LF, start);
    if (end < 0) {
      this.#keep(chunk, start, chunk.length);
      input.drop();
      return null;
    }
    input.pos = end + 1;
    if (this.#keptLength === 0) return this.#line(chunk, start, end);
    this.#keep(chunk, start, end);
    const length = this.#keptLength;
    const kept = this.#kept;
    this.#keptLength = 0;
    if (kept.length > MAX_KEPT) this.#kept = NOTHING;
    return this.#line(kept, 0, length);
  }

  /**
   * Says that the input is at its end, once `next()` has asked for more: the
   * last line, if it has no end of its own, or `null`.
   *
   * @throws {ProtocolError} If the line is too long or not UTF-8.
   */
  finish(): string | null {
    if (this.error !== null) throw this.error;
    const length = this.#keptLength;
    if (length === 0) return null;
    this.#keptLength = 0;
    if (length > this.#max) throw this.#tooLong();
    return this.#decode(this.#kept, 0, length, length);
  }

  /** A line that lies between two places, the second that of its LF. */
  #line(bytes: Uint8Array, start: number, end: number): string {
    const last = end > start && bytes[end - 1] === CR ? end - 1 : end;
    if (last - start > this.#max) throw this.#tooLong();
    return this.#decode(bytes, start, last, end - start + 1);
  }

  #decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
  ): string {
    let text: string;
    try {
      text = parseUtf8(bytes.subarray(start, end));
    } catch {
      throw this.#fail("bad-encoding", this.#lineStart);
    }
    if (this.#lineStart === 0 && text.startsWith("\ufeff")) {
      text = text.slice(1);
    }
    this.#lineStart += length;
    return text;
  }

  /** Keeps more of a line, unless it is too long for that. */
  #keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#keptLength + end - start;
    // The one byte more may be the CR of its end.
    if (
      length > this.#max + 1 ||
      length > this.#max && end > start && bytes[end - 1] !== CR
    ) throw this.#tooLong();
    if (length > this.#kept.length) {
      const grown = new Uint8Array(Math.max(256, length * 2));
      grown.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = grown;
    }
    this.#kept.set(bytes.subarray(start, end), this.#keptLength);
    this.#keptLength = length;
  }

  #tooLong(): ProtocolError {
    return this.#fail("body-too-large", this.#lineStart + this.#max);
  }

  #fail(code: ProtocolErrorCode, offset: number): ProtocolError {
    this.#input.drop();
    this.#kept = NOTHING;
    this.#keptLength = 0;
    return this.error = new ProtocolError(code, offset);
  }
}
