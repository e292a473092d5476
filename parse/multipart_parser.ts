import { checkBytes, checkText } from "./arguments.ts";
import {
  COLON,
  CR,
  FIELD_VALUE,
  HTAB,
  isToken,
  LF,
  SP,
  TOKEN,
} from "./chars.ts";
import { dict } from "./dict.ts";
import { ProtocolError, type ProtocolErrorCode } from "./errors.ts";
import { type HeaderFields, readFieldLines, readFields } from "./fields.ts";
import { checkGiven } from "./limits.ts";
import { OptionNames } from "./option_names.ts";
import { parseHeaderParameters } from "./values.ts";

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
  LINE: 9, // first byte of a field line
  NAME: 10, // in a field name
  VALUE: 11, // in a field value, or blanks before it
  VALUE_LF: 12,
  LAST_LF: 13, // the LF of the empty line that ends the section
  DATA: 14,
  COUNTED: 15, // in data whose length is known
  COUNTED_END: 16, // behind it, PART_END is next
  LAST: 17, // PART_END was told, END is next
  END: 18, // behind the last delimiter, or white space there
  EPILOGUE_LF: 19,
  EPILOGUE: 20,
  FAILED: 21,
} as const;
type State = typeof State[keyof typeof State];

const DASH = 0x2d;
/** White space that one delimiter's line may end with, or begin behind. */
const MAX_PADDING = 64;
/** Bytes before the first delimiter, which nobody gets to see. */
const MAX_PREAMBLE = 1024;
/** Bytes behind the last delimiter's line, which nobody gets to see. */
const MAX_EPILOGUE = 1024;

const NOTHING = new Uint8Array(0);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `bcharsnospace`, RFC 2046 section 5.1.1. A space may not come last. */
const BOUNDARY = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

/** `multipart/` and a token: `type "/" subtype`, RFC 9110 section 8.3.1. */
const MULTIPART = /^multipart\/([\w!#$%&'*+.^`|~-]+)[ \t]*(?:;|$)/i;

/**
 * What stands behind `multipart/` in a `Content-Type`, in lower case; `null`
 * for another type.
 *
 * ```ts
 * import { multipartKind } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(multipartKind("Multipart/Mixed; boundary=x"), "mixed");
 * assertEquals(multipartKind("text/plain"), null);
 * ```
 */
export function multipartKind(contentType: string): string | null {
  return MULTIPART.exec(contentType)?.[1].toLowerCase() ?? null;
}

/**
 * The boundary that a `Content-Type` of some `multipart/` type names; `null`
 * for another type, and where there is none, an invalid one, or two.
 *
 * ```ts
 * import { multipartBoundary } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(multipartBoundary("multipart/form-data; boundary=x-1"), "x-1");
 * assertEquals(multipartBoundary("multipart/mixed; boundary=x-1"), null);
 * assertEquals(multipartBoundary("multipart/mixed; boundary=x", "mixed"), "x");
 * ```
 *
 * @param kind What has to stand behind `multipart/`; `*` for anything.
 */
export function multipartBoundary(
  contentType: string,
  kind = "form-data",
): string | null {
  const found = multipartKind(contentType);
  if (found === null || kind !== "*" && found !== kind) return null;
  // Of two boundaries another reader may take the other one.
  if (contentType.match(/;[ \t]*boundary[ \t]*=/gi)?.length !== 1) return null;
  const { boundary } = parseHeaderParameters(contentType);
  return typeof boundary === "string" && BOUNDARY.test(boundary)
    ? boundary
    : null;
}

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
  readonly #maxHeadersCount: number;
  readonly #isForm: boolean;
  /** Whether the body may end between two parts. */
  readonly #isOpenEnded: boolean;
  /** CR LF, two dashes, boundary. CR is in it once, which eases the search. */
  #delimiter: Uint8Array = NOTHING;
  /** How far the search may go on, by the byte at the delimiter's end. */
  #skip: Uint8Array = NOTHING;
  #state: State;
  #chunk: Uint8Array = NOTHING;
  #pos = 0;
  // Bytes of all chunks before this one.
  #before = 0;
  // Bytes of the delimiter that have been seen, and where they began: at 2
  // where the input or the data begins, as no line end is missing there.
  #matched = 0;
  #matchedFrom = 0;
  // Bytes of a padding, a preamble or an epilogue.
  #count = 0;
  // Bytes of data that are to come, where that is known.
  #left = 0;
  #parts = 0;
  // Whether a part was told of, and its end was not.
  #isInPart = false;
  // Of a preamble: the boundary, what its line begins with that may be a
  // delimiter, and whether the byte before was a CR.
  #boundary: string;
  #opening: string | null = "";
  #isBehindCr = false;
  #head = "";
  #headLength = 0;
  #lines = 0;
  #nameLength = 0;

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
    this.#maxHeadersCount = options.maxPartHeadersCount ?? 32;
    this.#boundary = boundary;
    this.#setDelimiter(`--${boundary}`);
  }

  #setDelimiter(line: string): void {
    const delimiter = new TextEncoder().encode(`\r\n${line}`);
    const last = delimiter.length - 1;
    this.#delimiter = delimiter;
    this.#skip = new Uint8Array(256).fill(delimiter.length);
    for (let i = 0; i < last; i++) this.#skip[delimiter[i]] = last - i;
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
    if (
      this.#pos < this.#chunk.length || this.#state === State.LAST ||
      this.#state === State.COUNTED_END
    ) {
      throw new TypeError("Cannot take more bytes before next() asks for them");
    }
    this.#before += this.#chunk.length;
    this.#chunk = bytes;
    this.#pos = 0;
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
      if (this.#pos === this.#chunk.length) {
        this.#before += this.#pos;
        this.#chunk = NOTHING;
        this.#pos = 0;
        return MultipartEvent.MORE;
      }
      const event = this.#state === State.DATA
        ? this.#data()
        : this.#state >= State.LINE && this.#state <= State.LAST_LF
        ? this.#fields()
        : this.#state === State.COUNTED
        ? this.#counted()
        : this.#line(this.#chunk[this.#pos]);
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
      (this.#state < State.LINE ||
        this.#state === State.LINE && this.#headLength === 0);
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
        if (!this.#isPreamble(byte)) return this.#fail("bad-multipart");
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
        if (byte !== this.#delimiter[this.#matched]) {
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
        this.#pos++;
        this.#state = State.LINE;
        this.#head = "";
        this.#headLength = this.#lines = 0;
        this.#parts++;
        return this.#endPart();
      case State.DASH:
        if (byte !== DASH) return this.#fail("bad-multipart");
        this.#pos++;
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
        const length = this.#chunk.length - this.#pos;
        const left = MAX_EPILOGUE - this.#count;
        this.#pos += Math.min(length, left);
        this.#count += length;
        return length > left ? this.#fail("bad-multipart") : null;
      }
    }
    this.#pos++;
    return null;
  }

  #isPadding(byte: number): boolean {
    return (byte === SP || byte === HTAB) && ++this.#count <= MAX_PADDING;
  }

  /** Takes in a byte before the first delimiter; whether there may be one. */
  #isPreamble(byte: number): boolean {
    if (this.#opening !== null) {
      const line = this.#opening + String.fromCharCode(byte);
      const full = `--${this.#boundary}`;
      // Dashes alone would be the beginning of the other delimiter, too.
      const short = /^--.*[^-]/.test(this.#boundary) ? this.#boundary : full;
      if (line === full || line === short) {
        if (line !== full) this.#setDelimiter(short);
        this.#delimited();
        return true;
      }
      if (full.startsWith(line) || short.startsWith(line)) {
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

  #delimited(): void {
    this.#matched = 0;
    this.#state = State.DELIMITED;
  }

  /** Data up to the next delimiter, or to what may become one. */
  #data(): MultipartEvent | null {
    const chunk = this.#chunk;
    const delimiter = this.#delimiter;
    const start = this.#pos;
    if (this.#matched > 0) {
      const from = this.#matchedFrom;
      const held = this.#matched;
      const end = this.#matchOn(start);
      if (this.#matched === delimiter.length) {
        this.#pos = end;
        // The line end that it needs belongs to the header section, which a
        // part without a body ends with, but a form has none of those.
        if (from > 0 && this.#isForm) return this.#fail("bad-multipart");
        this.#delimited();
        return null;
      }
      if (end === chunk.length) {
        this.#pos = end;
        return null;
      }
      // It was data after all. What is no more in the chunk reads the same in
      // the delimiter; a copy, as that may not be altered.
      this.#matched = this.#matchedFrom = 0;
      if (held > from) {
        this.data = delimiter.slice(from, held);
        return MultipartEvent.DATA;
      }
    }
    let end = this.#search(start);
    if (end < 0) {
      end = this.#tail(start);
      this.#matched = chunk.length - end;
      this.#pos = chunk.length;
    } else {
      this.#delimited();
      this.#pos = end + delimiter.length;
    }
    if (end === start) return null;
    this.data = chunk.subarray(start, end);
    return MultipartEvent.DATA;
  }

  /** Data whose length is known. */
  #counted(): MultipartEvent {
    const end = Math.min(this.#chunk.length, this.#pos + this.#left);
    this.data = this.#chunk.subarray(this.#pos, end);
    this.#left -= end - this.#pos;
    this.#pos = end;
    if (this.#left === 0) this.#state = State.COUNTED_END;
    return MultipartEvent.DATA;
  }

  /** Goes on in a delimiter that has begun; where it ends, or is none. */
  #matchOn(pos: number): number {
    const chunk = this.#chunk;
    const delimiter = this.#delimiter;
    let matched = this.#matched;
    while (
      matched < delimiter.length && pos < chunk.length &&
      chunk[pos] === delimiter[matched]
    ) {
      matched++;
      pos++;
    }
    this.#matched = matched;
    return pos;
  }

  /**
   * Where the first whole delimiter is, or -1: Horspool's search. Compared
   * from its CR on, of which it has no second, what is alike in one place is
   * not looked at again in another; so all data takes time in proportion.
   */
  #search(pos: number): number {
    const chunk = this.#chunk;
    const delimiter = this.#delimiter;
    const last = delimiter.length - 1;
    const end = chunk.length - last;
    while (pos < end) {
      const byte = chunk[pos + last];
      if (byte === delimiter[last]) {
        let i = 0;
        while (i < last && chunk[pos + i] === delimiter[i]) i++;
        if (i === last) return pos;
      }
      pos += this.#skip[byte];
    }
    return -1;
  }

  /** Where a delimiter begins that the chunk ends within, or the chunk's end. */
  #tail(start: number): number {
    const chunk = this.#chunk;
    const from = Math.max(start, chunk.length - this.#delimiter.length + 1);
    for (let pos = chunk.length - 1; pos >= from; pos--) {
      if (chunk[pos] !== CR) continue;
      let i = pos + 1;
      while (i < chunk.length && chunk[i] === this.#delimiter[i - pos]) i++;
      return i === chunk.length ? pos : chunk.length;
    }
    return chunk.length;
  }

  /** Field lines up to and with the empty one. */
  #fields(): MultipartEvent | null {
    const chunk = this.#chunk;
    const start = this.#pos;
    // Looking no further than the limit makes the verdict the same for
    // every way in which the input may be cut.
    const left = this.#maxHeadersLength - this.#headLength;
    const end = Math.min(chunk.length, start + left);
    let pos = start;
    let isDone = false;
    while (pos < end && !isDone) {
      const byte = chunk[pos];
      switch (this.#state) {
        case State.LINE:
          if (byte === CR) {
            this.#state = State.LAST_LF;
            break;
          }
          if (byte === SP || byte === HTAB) {
            return this.#fail("folded-field", pos);
          }
          this.#nameLength = 0;
          this.#state = State.NAME;
        // fallthrough
        case State.NAME:
          if (TOKEN[byte] === 1) this.#nameLength++;
          else if (byte === COLON && this.#nameLength > 0) {
            this.#state = State.VALUE;
          } else {
            const isBareLf = byte === LF && this.#nameLength === 0;
            return this.#fail(
              isBareLf ? "bad-line-end" : "bad-field-name",
              pos,
            );
          }
          break;
        case State.VALUE:
          if (FIELD_VALUE[byte] === 1) break;
          if (byte !== CR) {
            return this.#fail(
              byte === LF ? "bad-line-end" : "bad-field-value",
              pos,
            );
          }
          this.#state = State.VALUE_LF;
          break;
        case State.VALUE_LF:
          if (byte !== LF) return this.#fail("bad-line-end", pos);
          if (++this.#lines > this.#maxHeadersCount) {
            return this.#fail("too-many-headers", pos);
          }
          this.#state = State.LINE;
          break;
        default: // LAST_LF
          if (byte !== LF) return this.#fail("bad-line-end", pos);
          isDone = true;
      }
      pos++;
    }
    for (let i = start; i < pos; i++) {
      this.#head += String.fromCharCode(chunk[i]);
    }
    this.#pos = pos;
    this.#headLength += pos - start;
    if (isDone) return this.#headDone();
    return this.#headLength === this.#maxHeadersLength
      ? this.#fail("headers-too-large")
      : null;
  }

  #headDone(): MultipartEvent {
    const head = this.#head;
    this.#head = "";
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
    return this.#disposition(this.headers["content-disposition"]);
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

  /** Reads names out of a `Content-Disposition`; what is wrong with it. */
  #disposition(value: string): ProtocolErrorCode | null {
    const parameters = dispositionParameters(value);
    if (parameters?.name === undefined) return "bad-multipart";
    try {
      this.name = decodeName(parameters.name);
      this.filename = parameters.filename === undefined
        ? undefined
        : decodeName(parameters.filename);
    } catch {
      return "bad-encoding";
    }
    return null;
  }

  #fail(code: ProtocolErrorCode, at: number = this.#pos): MultipartEvent {
    this.error = new ProtocolError(code, this.#before + at);
    this.#state = State.FAILED;
    this.#chunk = this.data = NOTHING;
    this.#pos = 0;
    return MultipartEvent.FAILED;
  }
}

/**
 * Parameters of a `form-data` disposition, by lower-case name; `null` where it
 * is not to the letter, names a parameter twice, or has one of the extended
 * kind (`filename*`), which RFC 7578 section 4.2 forbids.
 *
 * A backslash stands for itself, as browsers escape in another way: a quoted
 * string ends at the next quote.
 */
function dispositionParameters(value: string): Record<string, string> | null {
  const type = /^form-data(?=[ \t]*(?:;|$))/i.exec(value);
  if (type === null) return null;
  const parameters = dict<string>();
  const parameter = /[ \t]*;[ \t]*([^\s=;"]+)=(?:"([^"]*)"|([^\s;"]+))/y;
  parameter.lastIndex = type[0].length;
  while (parameter.lastIndex < value.length) {
    const found = parameter.exec(value);
    if (found === null) return null;
    const [, name, quoted, token] = found;
    const key = name.toLowerCase();
    if (
      !isToken(name) || key.endsWith("*") || key in parameters ||
      token !== undefined && !isToken(token)
    ) return null;
    parameters[key] = token ?? quoted;
  }
  return parameters;
}

// The three that the form encoding of browsers escapes, and no others.
const ESCAPES: Readonly<Record<string, string>> = {
  "%0A": "\n",
  "%0D": "\r",
  "%22": '"',
};

/** UTF-8 out of text of one character a byte; throws where it is none. */
function decodeName(raw: string): string {
  const text = /[\x80-\xff]/.test(raw)
    ? utf8.decode(Uint8Array.from(raw, (char) => char.charCodeAt(0)))
    : raw;
  return text.replace(/%(?:0A|0D|22)/g, (escape) => ESCAPES[escape]);
}
