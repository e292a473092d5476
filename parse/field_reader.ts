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
} as const;
/** One of {@linkcode FieldEvent}. */
export type FieldEvent = typeof FieldEvent[keyof typeof FieldEvent];

const State = {
  LINE: 0, // first byte of a line
  NAME: 1, // in a field name
  BLANK: 2, // white space before a value
  VALUE: 3, // in a value
  VALUE_LF: 4,
  LAST_LF: 5, // the LF of the empty line that ends the section
} as const;
type State = typeof State[keyof typeof State];

/**
 * The grammar of field lines (RFC 9112 section 5), wherever they stand: in a
 * head, a trailer section or a part of a multipart body.
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
  /** What was wrong, after `FAILED`. */
  fault: ProtocolErrorCode = "bad-line-end";

  readonly #maxCount: number;
  #state: State = State.LINE;

  /** @param maxCount How many lines a section may have. */
  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  /** Another section begins. */
  reset(): void {
    this.count = 0;
    this.#state = State.LINE;
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
    let end = pos - 2 - start;
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
        if (byte === CR) {
          if (++pos === end) return this.#more(input, pos, State.LAST_LF);
          return this.#last(input, pos);
        }
        if (byte === SP || byte === HTAB) {
          return this.#fail(input, pos, "folded-field");
        }
        this.nameStart = pos - start;
      }
      // fallthrough
      case State.NAME:
        while (pos < end && TOKEN[bytes[pos]] === 1) pos++;
        if (pos === end) return this.#more(input, pos, State.NAME);
        if (bytes[pos] !== COLON || pos - start === this.nameStart) {
          const isLf = bytes[pos] === LF && pos - start === this.nameStart;
          return this.#fail(
            input,
            pos,
            isLf ? "bad-line-end" : "bad-field-name",
          );
        }
        this.nameEnd = pos - start;
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
        if (bytes[pos] !== CR) {
          const isLf = bytes[pos] === LF;
          return this.#fail(
            input,
            pos,
            isLf ? "bad-line-end" : "bad-field-value",
          );
        }
        if (++pos === end) return this.#more(input, pos, State.VALUE_LF);
      // fallthrough
      case State.VALUE_LF: {
        if (bytes[pos] !== LF) return this.#fail(input, pos, "bad-line-end");
        if (++this.count > this.#maxCount) {
          return this.#fail(input, pos, "too-many-headers");
        }
        input.pos = pos + 1;
        if (this.#state !== State.LINE) this.#state = State.LINE;
        return FieldEvent.LINE;
      }
      default:
        return this.#last(input, pos);
    }
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
