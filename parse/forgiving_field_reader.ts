import { COLON, HTAB, isWord, SP, TOKEN } from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import type { ProtocolErrorCode } from "./errors.ts";
import { FieldEvent, FieldReader } from "./field_reader.ts";

/**
 * Reads field lines of responses as they are really sent, and mends them where
 * they lie, so that who looks at them later finds the grammar's.
 *
 * The end of a line that is folded becomes spaces, as a user agent has to make
 * it (RFC 9112 section 5.2), and white space before a colon is moved behind it
 * (section 5.1). Neither where it bears on the framing, nor in a line of blanks alone, which others take for the empty one.
 */
export class ForgivingFieldReader extends FieldReader {
  // Where the last fold of a line starts; 0 without one.
  #foldStart = 0;
  // Whether white space stood before a colon of the section.
  #isSpacedOnce = false;

  constructor(maxCount: number) {
    super(maxCount, true, true);
  }

  override next(input: Cursor, end: number): FieldEvent {
    for (;;) {
      const event = super.next(input, end);
      if (event !== FieldEvent.LINE && event !== FieldEvent.FOLD) return event;
      const { bytes, start, pos } = input;
      if (this.#foldStart > 0 && !this.#isPart(input)) {
        return this.#refuse(input, "folded-field", start + this.#foldStart);
      }
      if (event === FieldEvent.LINE) {
        this.#foldStart = 0;
        if (this.isSpaced(input)) return this.#closeUp(input);
        // To some the head ends with an odd line, and what follows is lost.
        return this.#isSpacedOnce &&
            isFraming(input, this.nameStart, this.nameEnd)
          ? this.#refuse(input, "bad-field-name", start + this.nameStart)
          : event;
      }
      if (isFraming(input, this.nameStart, this.nameEnd)) {
        return this.#refuse(input, "folded-field", pos);
      }
      bytes[pos - 1] = SP;
      if (!this.isBare) bytes[pos - 2] = SP;
      this.#foldStart = pos - start;
      this.isMended = true;
    }
  }

  override reset(): void {
    super.reset();
    this.isBare = this.isMended = this.isOdd = false;
    this.#foldStart = 0;
    this.#isSpacedOnce = false;
  }

  /** Whether what stands behind a fold can be nothing but part of the value. */
  #isPart(input: Cursor): boolean {
    const { bytes, start } = input;
    let at = this.#foldStart;
    if (this.valueEnd(input) <= at) return false;
    while (bytes[start + at] === SP || bytes[start + at] === HTAB) at++;
    let end = at;
    while (TOKEN[bytes[start + end]] === 1) end++;
    return !isFraming(input, at, end);
  }

  /** Moves the colon to the name. */
  #closeUp(input: Cursor): FieldEvent {
    const { bytes, start } = input;
    const from = start + this.nameEnd;
    if (isFraming(input, this.nameStart, this.nameEnd)) {
      return this.#refuse(input, "bad-field-name", from);
    }
    bytes.fill(SP, from, start + this.valueStart);
    bytes[from] = COLON;
    this.isMended = this.isOdd = this.#isSpacedOnce = true;
    return FieldEvent.LINE;
  }

  #refuse(input: Cursor, fault: ProtocolErrorCode, pos: number): FieldEvent {
    this.fault = fault;
    input.pos = pos;
    return FieldEvent.FAILED;
  }
}

/** Whether a name is of a field that says where a body ends. */
function isFraming(input: Cursor, from: number, end: number): boolean {
  const { bytes, start } = input;
  const length = end - from;
  return length === 14 && isWord(bytes, start + from, "content-length") ||
    length === 17 && isWord(bytes, start + from, "transfer-encoding");
}
