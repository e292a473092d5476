import {
  COLON,
  CR,
  FIELD_VALUE,
  HTAB,
  isWord,
  LF,
  SP,
  TOKEN,
} from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import type { ProtocolErrorCode } from "./errors.ts";
import { byteText } from "./text.ts";

/** What {@linkcode FieldReader.next} came to. */
export const FieldEvent = {
  /** All bytes are used up; more are needed. */
  MORE: 0,
  /** A field line is in. */
  LINE: 1,
  /** The empty line is in that ends the section. */
  END: 2,
  /** A line is broken; see `fault`. The cursor is at the byte. */
  FAILED: 3,
  /** The line goes on behind its line end; the cursor is there. */
  FOLD: 4,
} as const;
/** One of {@linkcode FieldEvent}. */
export type FieldEvent = typeof FieldEvent[keyof typeof FieldEvent];

const State = {
  LINE: 0, // first byte of a line
  NAME: 1, // in a field name
  NAME_BLANK: 2, // white space behind it
  BLANK: 3, // white space before a value
  VALUE: 4, // in a value
  VALUE_LF: 5,
  VALUE_END: 6, // behind a line, which may go on
  LAST_LF: 7, // the LF of the empty line that ends the section
} as const;
type State = typeof State[keyof typeof State];

/**
 * The grammar of field lines (RFC 9112 section 5), wherever they stand: in a
 * head, a trailer section or a part of a multipart body.
 *
 * Where it is forgiving, a line may be folded (section 5.2), white space may
 * stand before the colon (section 5.1), and a whole section may end its lines
 * in LF alone (section 2.2).
 */
export class FieldReader {
  /** Where the name of the last line starts, counted from the cursor's start. */
  nameStart = 0;
  /** Where it ends. */
  nameEnd = 0;
  /** Where the value starts, behind the white space before it. */
  valueStart = 0;
  /** Lines of the section so far. */
  count = 0;
  /** Whether the lines of this section end in LF alone. */
  isBare = false;
  /** Whether bytes of the section were altered. */
  isMended = false;
  /** Whether in a way that makes one doubt the peer. */
  isOdd = false;
  /** What was wrong, after `FAILED`. */
  fault: ProtocolErrorCode = "bad-line-end";

  readonly #maxCount: number;
  readonly #mayFold: boolean;
  readonly #isForgiving: boolean;
  #state: State = State.LINE;

  /**
   * @param maxCount How many lines a section may have.
   * @param mayFold Whether a line may go on behind its end: see `FOLD`.
   * @param isForgiving Whether white space may stand before a colon, and a
   * whole section end its lines in LF.
   */
  constructor(maxCount: number, mayFold = false, isForgiving = false) {
    this.#maxCount = maxCount;
    this.#mayFold = mayFold;
    this.#isForgiving = isForgiving;
  }

  /** Another section begins. */
  reset(): void {
    this.count = 0;
    this.#state = State.LINE;
  }

  /** Whether white space stands between the last line's name and the colon. */
  isSpaced({ bytes, start }: Cursor): boolean {
    return bytes[start + this.nameEnd] !== COLON;
  }

  /** Whether the last line's name is this one; `lower` is lower-case. */
  isNamed(input: Cursor, lower: string): boolean {
    return isWord(input.bytes, input.start + this.nameStart, lower);
  }

  /** Whether its value is one word, in any case; `lower` is lower-case. */
  isValue(input: Cursor, lower: string): boolean {
    return this.valueEnd(input) - this.valueStart === lower.length &&
      isWord(input.bytes, input.start + this.valueStart, lower);
  }

  /** The last line's value, one character a byte. */
  value(input: Cursor): string {
    const { bytes, start } = input;
    return byteText(
      bytes,
      start + this.valueStart,
      start + this.valueEnd(input),
    );
  }

  /**
   * Where the last line's value ends, without the white space behind it; to be
   * asked for before anything else is read.
   */
  valueEnd({ bytes, start, pos }: Cursor): number {
    let end = pos - (this.isBare ? 1 : 2) - start;
    while (end > this.valueStart) {
      const byte = bytes[start + end - 1];
      if (byte !== SP && byte !== HTAB) break;
      end--;
    }
    return end;
  }

  /** Reads on to the end of a line, but no further than to `end`. */
  next(input: Cursor, end: number): FieldEvent {
    const { bytes, start } = input;
    let pos = input.pos;
    if (pos === end) return FieldEvent.MORE;
    switch (this.#state) {
      case State.LINE: {
        const byte = bytes[pos];
        if (byte === CR && !this.isBare) {
          if (++pos === end) return this.#more(input, pos, State.LAST_LF);
          return this.#last(input, pos);
        }
        if (byte <= SP) return this.#noName(input, pos);
        this.nameStart = pos - start;
      }
      // fallthrough
      case State.NAME:
        while (pos < end && TOKEN[bytes[pos]] === 1) pos++;
        if (pos === end) return this.#more(input, pos, State.NAME);
        this.nameEnd = pos - start;
        if (bytes[pos] !== COLON || pos - start === this.nameStart) {
          return this.#oddName(input, pos, end);
        }
        pos++;
      // fallthrough
      case State.BLANK:
        while (pos < end && (bytes[pos] === SP || bytes[pos] === HTAB)) pos++;
        if (pos === end) return this.#more(input, pos, State.BLANK);
        this.valueStart = pos - start;
      // fallthrough
      case State.VALUE:
        while (pos < end && FIELD_VALUE[bytes[pos]] === 1) pos++;
        if (pos === end) return this.#more(input, pos, State.VALUE);
        if (bytes[pos] !== CR) return this.#noCr(input, pos, end);
        if (++pos === end) return this.#more(input, pos, State.VALUE_LF);
      // fallthrough
      case State.VALUE_LF: {
        if (this.#mayFold) return this.#lineIn(input, pos, end);
        if (bytes[pos] !== LF) return this.#fail(input, pos, "bad-line-end");
        if (++this.count > this.#maxCount) {
          return this.#fail(input, pos, "too-many-headers");
        }
        input.pos = pos + 1;
        if (this.#state !== State.LINE) this.#state = State.LINE;
        return FieldEvent.LINE;
      }
      default:
        return this.#goOn(input, pos, end);
    }
  }

  /** The states that are rare. */
  #goOn(input: Cursor, pos: number, end: number): FieldEvent {
    if (this.#state === State.NAME_BLANK) return this.#oddName(input, pos, end);
    return this.#state === State.VALUE_END
      ? this.#lineOver(input)
      : this.#last(input, pos);
  }

  /** A line begins with what is in no name: it may be the empty one. */
  #noName(input: Cursor, pos: number): FieldEvent {
    const byte = input.bytes[pos];
    if (byte === LF && this.isBare) return this.#last(input, pos);
    if (byte === SP || byte === HTAB) {
      return this.#fail(input, pos, "folded-field");
    }
    const isLineEnd = byte === LF || byte === CR;
    return this.#fail(
      input,
      pos,
      isLineEnd ? "bad-line-end" : "bad-field-name",
    );
  }

  /** A value ends in no CR. */
  #noCr(input: Cursor, pos: number, end: number): FieldEvent {
    const isLf = input.bytes[pos] === LF;
    if (isLf && this.isBare) return this.#lineIn(input, pos, end);
    return this.#fail(input, pos, isLf ? "bad-line-end" : "bad-field-value");
  }

  /** What is no colon behind a name; it may be white space before one. */
  #oddName(input: Cursor, pos: number, end: number): FieldEvent {
    const { bytes, start } = input;
    const from = start + this.nameEnd;
    const isBlank = bytes[from] === SP || bytes[from] === HTAB;
    if (this.#isForgiving && isBlank && this.nameEnd > this.nameStart) {
      while (pos < end && (bytes[pos] === SP || bytes[pos] === HTAB)) pos++;
      if (pos === end) return this.#more(input, pos, State.NAME_BLANK);
      if (bytes[pos] === COLON) {
        input.pos = pos + 1;
        this.#state = State.BLANK;
        return FieldReader.prototype.next.call(this, input, end);
      }
    }
    const isLineEnd = this.nameEnd === this.nameStart &&
      (bytes[from] === LF || bytes[from] === CR);
    const fault = isLineEnd ? "bad-line-end" : "bad-field-name";
    return this.#fail(input, from, fault);
  }

  /** A line is in, up to its LF; it may go on behind it. */
  #lineIn(input: Cursor, pos: number, end: number): FieldEvent {
    const isBehindCr = input.bytes[pos - 1] === CR;
    if (this.isBare && isBehindCr) {
      return this.#fail(input, pos - 1, "bad-line-end");
    }
    if (input.bytes[pos] !== LF) return this.#fail(input, pos, "bad-line-end");
    if (this.count === this.#maxCount) {
      return this.#fail(input, pos, "too-many-headers");
    }
    if (pos + 1 === end) return this.#more(input, end, State.VALUE_END);
    input.pos = pos + 1;
    return this.#lineOver(input);
  }

  /** The byte behind a line is in: white space goes on with it. */
  #lineOver(input: Cursor): FieldEvent {
    const byte = input.bytes[input.pos];
    if (byte === SP || byte === HTAB) {
      this.#state = State.VALUE;
      return FieldEvent.FOLD;
    }
    this.count++;
    this.#state = State.LINE;
    return FieldEvent.LINE;
  }

  #last(input: Cursor, pos: number): FieldEvent {
    if (input.bytes[pos] !== LF) return this.#fail(input, pos, "bad-line-end");
    input.pos = pos + 1;
    return FieldEvent.END;
  }

  #more(input: Cursor, pos: number, state: State): FieldEvent {
    input.pos = pos;
    this.#state = state;
    return FieldEvent.MORE;
  }

  #fail(input: Cursor, pos: number, fault: ProtocolErrorCode): FieldEvent {
    input.pos = pos;
    this.fault = fault;
    return FieldEvent.FAILED;
  }
}
