import { checkBytes, checkText } from "./arguments.ts";
import { CR, HTAB, LF, SP } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import { Delimiter } from "./delimiter.ts";
import { dict } from "./dict.ts";
import { ProtocolError, type ProtocolErrorCode } from "./errors.ts";
import { FieldEvent, FieldReader } from "./field_reader.ts";
import { type HeaderFields, readFieldLines, readFields } from "./fields.ts";
import { BOUNDARY } from "./multipart_boundary.ts";
import { parsePartNames } from "./part_names.ts";
import { Preamble } from "./preamble.ts";
import { byteText } from "./text.ts";
import { checkGiven } from "./limits.ts";
import { OptionNames } from "./option_names.ts";

/** What {@linkcode MultipartParser.next} came to. */
export const MultipartEvent = {
  /** The bytes so far are used up; more are needed to go on. */
  MORE: 0,
  /** The header section of a part is in and checked. */
  PART: 1,
  /** A piece of the part's data is in `data`. */
  DATA: 2,
  /** The part is complete. */
  PART_END: 3,
  /** The last delimiter is in. What follows is still checked. */
  END: 4,
  /** The body is broken; see `error`. No later event comes. */
  FAILED: 5,
} as const;
/** One of {@linkcode MultipartEvent}. */
export type MultipartEvent = typeof MultipartEvent[keyof typeof MultipartEvent];

/** Bounds on what one multipart body may take. */
export interface MultipartLimits {
  /** Parts of one body; default 1000 for a form, and any number for others. */
  maxParts?: number;
  /** Bytes of one part's header section; default 8 KiB. */
  maxPartHeadersLength?: number;
  /** Lines of one part's header section; default 32. */
  maxPartHeadersCount?: number;
}

/** What is read, beside the limits. */
export interface MultipartParserOptions extends MultipartLimits {
  /**
   * What stands behind `multipart/`; default `form-data`. All others are read
   * less strictly, and what comes between the parts of `x-mixed-replace` may
   * be the end of the body: such streams mostly end with their connection.
   */
  kind?: string;
}

const NAMES = new OptionNames<MultipartParserOptions>("MultipartParser", {
  maxParts: true,
  maxPartHeadersLength: true,
  maxPartHeadersCount: true,
  kind: true,
});

const State = {
  START: 0, // nothing is in
  PREAMBLE: 1, // before the first delimiter, where text may come
  GAP: 2, // behind a part whose length was known
  GAP_LF: 3,
  OPENING: 4, // in a delimiter that has to come
  DELIMITED: 5, // behind a delimiter's boundary
  PADDING: 6, // white space behind it
  DASH: 7, // the second dash of the last delimiter
  LINE_LF: 8, // the LF that ends a delimiter's line
  FIELDS: 9, // in the header section of a part
  DATA: 10,
  COUNTED: 11, // in data whose length is known
  COUNTED_END: 12, // behind it, PART_END is next
  LAST: 13, // PART_END was told, END is next
  END: 14, // behind the last delimiter, or white space there
  EPILOGUE_LF: 15,
  EPILOGUE: 16,
  FAILED: 17,
} as const;
type State = typeof State[keyof typeof State];

const DASH = 0x2d;
/** White space that one delimiter's line may end with, or begin behind. */
const MAX_PADDING = 64;
/** Bytes behind the last delimiter's line, which nobody gets to see. */
const MAX_EPILOGUE = 1024;

const NOTHING = new Uint8Array(0);

/**
 * Reads a `multipart/` body piece by piece. It does no I/O, never waits, and
 * keeps no data: `data` is a view of what was pushed. However the input is
 * cut, the outcome is the same.
 *
 * Of a form (`multipart/form-data`, RFC 7578) each part has a name, no text
 * may come before the first delimiter (one empty line may), and only a little
 * after the last.
 *
 * Of other kinds (RFC 2046 section 5.1) a part need not have header fields,
 * `name` and `filename` stay as they are, and a little text may come at the
 * beginning, too. Where a part has a `Content-Length`, that is how long it is:
 * it ends with its last byte, not only when the next one begins, and a
 * delimiter has to follow, if need be behind empty lines or none. A boundary
 * that begins with two dashes may be the whole delimiter already, as with some
 * cameras: the first delimiter decides.
 *
 * ```ts
 * import { MultipartEvent, MultipartParser } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = new MultipartParser("b");
 * parser.push(new TextEncoder().encode(
 *   '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nhi\r\n--b--',
 * ));
 * assertEquals(parser.next(), MultipartEvent.PART);
 * assertEquals([parser.name, parser.filename], ["a", undefined]);
 * assertEquals(parser.next(), MultipartEvent.DATA);
 * assertEquals(new TextDecoder().decode(parser.data), "hi");
 * assertEquals(parser.next(), MultipartEvent.PART_END);
 * assertEquals(parser.next(), MultipartEvent.END);
 * assertEquals(parser.next(), MultipartEvent.MORE);
 * assertEquals(parser.finish(), MultipartEvent.END);
 * ```
 */
export class MultipartParser {
  /** Name of the part's field, after `PART`. */
  name = "";
  /**
   * Name of the part's file as the peer gave it, which may be empty or a
   * path; `undefined` for a part that is not a file.
   */
  filename: string | undefined = undefined;
  /** Header fields of the part; values have one character a byte. */
  headers: HeaderFields = dict();
  /** `Content-Type` of the part; `text/plain` where it names none. */
  contentType = "";
  /**
   * A piece of the part's data, after `DATA`: never empty. It is a view of the
   * bytes pushed last, or a few bytes that were held back from before, as a
   * delimiter might have begun there. Of a body that is pushed whole, the
   * pieces of a part lie side by side in it.
   */
  data: Uint8Array = NOTHING;
  /** What was wrong, after `FAILED`. */
  error: ProtocolError | null = null;

  readonly #maxParts: number;
  readonly #maxHeadersLength: number;
  readonly #lines: FieldReader;
  readonly #isForm: boolean;
  /** Whether the body may end between two parts. */
  readonly #isOpenEnded: boolean;
  readonly #input: Cursor = new Cursor(NOTHING);
  #delimiter: Delimiter;
  #state: State;
  // Bytes of the delimiter that have been seen, and where they began: at 2
  // where the input or the data begins, as no line end is missing there.
  #matched = 0;
  #matchedFrom = 0;
  // Bytes of a padding or an epilogue.
  #count = 0;
  // Bytes of data that are to come, where that is known.
  #left = 0;
  #parts = 0;
  // Whether a part was told of, and its end was not.
  #isInPart = false;
  readonly #preamble: Preamble;
  #head = "";

  /**
   * A parser that waits for the first bytes of a body.
   *
   * @param boundary What {@linkcode multipartBoundary} gave.
   * @param options What kind of body it is, and what it may take.
   * @throws {TypeError} If the boundary is not one, or an option is unknown or
   * of the wrong type.
   * @throws {RangeError} If a limit is out of range.
   */
  constructor(boundary: string, options: MultipartParserOptions = {}) {
    checkText("Boundary", boundary);
    if (!BOUNDARY.test(boundary)) {
      throw new TypeError("Boundary is not of 1 to 70 of the allowed bytes");
    }
    NAMES.check(options);
    checkGiven(
      options,
      ["maxParts", "maxPartHeadersLength", "maxPartHeadersCount"],
      0,
    );
    const { kind = "form-data" } = options;
    checkText('Option "kind"', kind);
    this.#isForm = kind === "form-data";
    this.#isOpenEnded = kind === "x-mixed-replace";
    this.#state = this.#isForm ? State.START : State.PREAMBLE;
    this.#maxParts = options.maxParts ?? (this.#isForm ? 1000 : Infinity);
    this.#maxHeadersLength = options.maxPartHeadersLength ?? 8192;
    this.#lines = new FieldReader(options.maxPartHeadersCount ?? 32, true);
    this.#preamble = new Preamble(boundary);
    this.#delimiter = new Delimiter(`--${boundary}`);
  }

  /** Whether the last delimiter is in, and nothing wrong so far behind it. */
  get isDone(): boolean {
    return this.#state >= State.END && this.#state !== State.FAILED;
  }

  /**
   * Takes in bytes, without a copy: they must stay as they are until `next()`
   * asks for more, and are not looked at afterwards.
   *
   * @throws {TypeError} If `next()` has not asked for more.
   */
  push(bytes: Uint8Array): void {
    if (this.#state === State.FAILED) return;
    checkBytes("What is pushed", bytes);
    const isEventDue = this.#state === State.LAST ||
      this.#state === State.COUNTED_END;
    this.#input.follow(bytes, isEventDue);
  }

  /** Goes on with the bytes received so far. */
  next(): MultipartEvent {
    for (;;) {
      // What is to be told without another byte.
      if (this.#state > State.COUNTED) {
        switch (this.#state) {
          case State.COUNTED_END:
            this.#state = State.GAP;
            this.#count = 0;
            this.#isInPart = false;
            return MultipartEvent.PART_END;
          case State.LAST:
            this.#state = State.END;
            return MultipartEvent.END;
          case State.FAILED:
            return MultipartEvent.FAILED;
        }
      }
      const input = this.#input;
      if (!input.hasInput) {
        input.follow(NOTHING);
        return MultipartEvent.MORE;
      }
      const event = this.#state === State.DATA
        ? this.#data()
        : this.#state === State.FIELDS
        ? this.#fields()
        : this.#state === State.COUNTED
        ? this.#counted()
        : this.#line(input.bytes[input.pos]);
      if (event !== null) return event;
    }
  }

  /**
   * Says that the body is at its end, once `next()` has asked for more: `END`
   * if it is whole, else `FAILED`.
   */
  finish(): MultipartEvent {
    // Nobody needs to ask for what is left behind the last delimiter.
    if (this.isDone) this.next();
    if (this.#state === State.FAILED) return MultipartEvent.FAILED;
    if (this.#isBetweenParts()) this.#state = State.END;
    return this.#state === State.END || this.#state === State.EPILOGUE
      ? MultipartEvent.END
      : this.#fail("bad-multipart");
  }

  /** Whether a body without a last delimiter may end here. */
  #isBetweenParts(): boolean {
    return this.#isOpenEnded && !this.#isInPart && this.#parts > 0 &&
      (this.#state < State.FIELDS ||
        this.#state === State.FIELDS && this.#head === "");
  }

  /** The event of a part's end, if there is a part. */
  #endPart(): MultipartEvent | null {
    if (!this.#isInPart) return null;
    this.#isInPart = false;
    return MultipartEvent.PART_END;
  }

  /** One byte of a delimiter's line, or of what is behind the last. */
  #line(byte: number): MultipartEvent | null {
    switch (this.#state) {
      case State.START:
        this.#matched = byte === CR ? 0 : 2;
        this.#state = State.OPENING;
        return null;
      case State.PREAMBLE:
        if (!this.#preamble.take(byte)) return this.#fail("bad-multipart");
        if (this.#preamble.line !== null) {
          this.#delimiter = new Delimiter(this.#preamble.line);
          this.#delimited();
        }
        break;
      case State.GAP:
        if (byte !== CR) {
          this.#matched = 2;
          this.#state = State.OPENING;
          return null;
        }
        if (++this.#count > MAX_PADDING) return this.#fail("bad-multipart");
        this.#state = State.GAP_LF;
        break;
      case State.GAP_LF:
        if (byte !== LF) return this.#fail("bad-line-end");
        this.#state = State.GAP;
        break;
      case State.OPENING:
        if (byte !== this.#delimiter.bytes[this.#matched]) {
          return this.#fail("bad-multipart");
        }
        if (++this.#matched === this.#delimiter.length) this.#delimited();
        break;
      case State.DELIMITED:
        if (byte === DASH) {
          this.#state = State.DASH;
          break;
        }
        this.#count = 0;
        this.#state = State.PADDING;
        return null;
      case State.PADDING:
        if (byte === CR) this.#state = State.LINE_LF;
        else if (!this.#isPadding(byte)) return this.#fail("bad-multipart");
        break;
      case State.LINE_LF:
        if (byte !== LF) return this.#fail("bad-line-end");
        if (this.#parts === this.#maxParts) return this.#fail("too-many-parts");
        this.#input.pos++;
        this.#input.letGo();
        this.#lines.reset();
        this.#head = "";
        this.#state = State.FIELDS;
        this.#parts++;
        return this.#endPart();
      case State.DASH:
        if (byte !== DASH) return this.#fail("bad-multipart");
        this.#input.pos++;
        this.#count = 0;
        this.#state = State.LAST;
        return this.#endPart();
      case State.END:
        if (byte === CR) this.#state = State.EPILOGUE_LF;
        else if (!this.#isPadding(byte)) return this.#fail("bad-multipart");
        break;
      case State.EPILOGUE_LF:
        if (byte !== LF) return this.#fail("bad-line-end");
        this.#count = 0;
        this.#state = State.EPILOGUE;
        break;
      default: { // EPILOGUE
        const length = this.#input.end - this.#input.pos;
        const left = MAX_EPILOGUE - this.#count;
        this.#input.pos += Math.min(length, left);
        this.#count += length;
        return length > left ? this.#fail("bad-multipart") : null;
      }
    }
    this.#input.pos++;
    return null;
  }

  #isPadding(byte: number): boolean {
    return (byte === SP || byte === HTAB) && ++this.#count <= MAX_PADDING;
  }

  #delimited(): void {
    this.#matched = 0;
    this.#state = State.DELIMITED;
  }

  /** Data up to the next delimiter, or to what may become one. */
  #data(): MultipartEvent | null {
    const input = this.#input;
    const delimiter = this.#delimiter;
    if (this.#matched > 0) {
      const from = this.#matchedFrom;
      const held = this.#matched;
      const matched = delimiter.match(input, held);
      const isWhole = matched === delimiter.length;
      if (isWhole || input.pos + matched - held === input.end) {
        input.pos += matched - held;
        this.#matched = matched;
        if (!isWhole) return null;
        // The line end that it needs belongs to the header section, which a
        // part without a body ends with, but a form has none of those.
        if (from > 0 && this.#isForm) return this.#fail("bad-multipart");
        this.#delimited();
        return null;
      }
      // It was data after all. What is no more in the chunk reads the same in
      // the delimiter; a copy, as that may not be altered.
      this.#matched = this.#matchedFrom = 0;
      if (held > from) {
        this.data = delimiter.bytes.slice(from, held);
        return MultipartEvent.DATA;
      }
    }
    const start = input.pos;
    let end = delimiter.search(input);
    if (end < 0) {
      end = delimiter.tail(input);
      this.#matched = input.end - end;
      input.pos = input.end;
    } else {
      this.#delimited();
      input.pos = end + delimiter.length;
    }
    if (end === start) return null;
    this.data = input.bytes.subarray(start, end);
    return MultipartEvent.DATA;
  }

  /** Data whose length is known. */
  #counted(): MultipartEvent {
    const { bytes, pos, end } = this.#input;
    this.data = bytes.subarray(pos, Math.min(end, pos + this.#left));
    this.#input.pos += this.data.length;
    this.#left -= this.data.length;
    if (this.#left === 0) this.#state = State.COUNTED_END;
    return MultipartEvent.DATA;
  }

  /** Field lines up to and with the empty one. */
  #fields(): MultipartEvent | null {
    const input = this.#input;
    const from = input.pos;
    // Looking no further than the limit makes the verdict the same for
    // every way in which the input may be cut.
    const limit = input.start + this.#maxHeadersLength;
    const end = Math.min(input.end, limit);
    let event: FieldEvent;
    do event = this.#lines.next(input, end); while (
      event === FieldEvent.LINE || event === FieldEvent.FOLD
    );
    if (event === FieldEvent.FAILED) return this.#fail(this.#lines.fault);
    this.#head += byteText(input.bytes, from, input.pos);
    if (event === FieldEvent.END) return this.#headDone();
    return input.pos === limit ? this.#fail("headers-too-large") : null;
  }

  #headDone(): MultipartEvent {
    const head = unfold(this.#head);
    this.#head = "";
    if (head === null) return this.#fail("folded-field");
    this.headers = readFields(head, 0);
    const fault = this.#isForm ? this.#formHead(head) : this.#otherHead(head);
    if (fault !== null) return this.#fail(fault);
    this.contentType = this.headers["content-type"] ?? "text/plain";
    this.#isInPart = true;
    return MultipartEvent.PART;
  }

  /** What is wrong with the header section of a form's part. */
  #formHead(head: string): ProtocolErrorCode | null {
    // What stands twice, or has been encoded, two readers may read in two ways.
    const encoding = this.headers["content-transfer-encoding"];
    if (
      readFieldLines(head, 0, "content-disposition").length !== 1 ||
      readFieldLines(head, 0, "content-type").length > 1 ||
      encoding !== undefined && !/^(?:7bit|8bit|binary)$/i.test(encoding)
    ) return "bad-multipart";
    this.#matched = this.#matchedFrom = 2;
    this.#state = State.DATA;
    const names = parsePartNames(this.headers["content-disposition"]);
    if (typeof names === "string") return names;
    this.name = names.name;
    this.filename = names.filename;
    return null;
  }

  /** What is wrong with the header section of another part. */
  #otherHead(head: string): ProtocolErrorCode | null {
    if (readFieldLines(head, 0, "content-type").length > 1) {
      return "bad-multipart";
    }
    const length = this.headers["content-length"];
    if (length === undefined) {
      this.#matched = this.#matchedFrom = 2;
      this.#state = State.DATA;
      return null;
    }
    this.#left = Number(length);
    if (!/^[0-9]+$/.test(length) || !Number.isSafeInteger(this.#left)) {
      return "bad-content-length";
    }
    this.#state = this.#left === 0 ? State.COUNTED_END : State.COUNTED;
    return null;
  }

  #fail(code: ProtocolErrorCode): MultipartEvent {
    this.error = new ProtocolError(code, this.#input.offset(this.#input.pos));
    this.#state = State.FAILED;
    this.data = NOTHING;
    this.#input.drop();
    return MultipartEvent.FAILED;
  }
}

/** A blank line, or a field of a part's own, where a line goes on. */
const ODD_FOLD = /\r\n[ \t]+(?:\r\n|content-[\w-]+[ \t]*:)/i;

/**
 * A head of a part without folds, as mail has them (RFC 5322 section 2.2.3);
 * null where what is folded may be something of its own.
 */
function unfold(head: string): string | null {
  if (!/\r\n[ \t]/.test(head)) return head;
  return ODD_FOLD.test(head) ? null : head.replace(/\r\n(?=[ \t])/g, "");
}
