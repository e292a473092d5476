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
import { ChunkedDecoder, ChunkEvent } from "./chunked_decoder.ts";
import { ProtocolError, type ProtocolErrorCode } from "./errors.ts";
import {
  type HeaderFields,
  readFieldLines,
  readFields,
  trim,
} from "./fields.ts";
import { checkBytes } from "./arguments.ts";
import { checkGiven, checkLimit } from "./limits.ts";
import { byteText } from "./text.ts";

/** What {@linkcode MessageParser.next} came to. */
export const ParseEvent = {
  /** The bytes so far are used up; more are needed to go on. */
  MORE: 0,
  /** Start line and header section are in and checked. */
  HEAD: 1,
  /** A piece of the body lies between `bodyStart` and `bodyEnd`. */
  BODY: 2,
  /** The message is complete. */
  END: 3,
  /** The message is broken; see `error`. No later event comes. */
  FAILED: 4,
} as const;
/** One of {@linkcode ParseEvent}. */
export type ParseEvent = typeof ParseEvent[keyof typeof ParseEvent];

/** Bounds on what one message may take, in bytes. */
export interface ParseLimits {
  /** Bytes of start line and header section together; default 16 KiB. */
  maxHeadersLength?: number;
  /** Lines of a header section; default 100. */
  maxHeadersCount?: number;
  /** Bytes of a body after decoding; default 1 MiB. */
  maxContentLength?: number;
}

/** The names of those limits. */
export const PARSE_LIMITS: Readonly<Record<keyof ParseLimits, unknown>> = {
  maxHeadersLength: true,
  maxHeadersCount: true,
  maxContentLength: true,
};

/** Where in a message the parser stands. */
export const Phase = {
  START: 0, // nothing of the message is in
  EMPTY_LF: 1, // the LF of an empty line before the message
  START_LINE_A: 2, // first part of the start line
  START_LINE_B: 3, // second part
  START_LINE_C: 4, // third part
  START_LINE_LF: 5,
  LINE: 6, // first byte of a field line
  NAME: 7, // in a field name
  BLANK: 8, // white space before a value
  VALUE: 9, // in a field value
  VALUE_LF: 10,
  LAST_LF: 11, // the LF of the empty line that ends the section
  HEAD_DONE: 12, // the head was handed out, the body follows
  LENGTH: 13, // a body of known length
  CHUNKED: 14,
  UNTIL_CLOSE: 15, // a body that ends with the connection
  FAILED: 16,
} as const;
/** One of {@linkcode Phase}. */
export type Phase = typeof Phase[keyof typeof Phase];

const NOTHING = new Uint8Array(0);
const ZERO = 0x30;

/** Read buffer of an idle connection. */
const SMALL_BUFFER = 1024;
/** The largest that is kept from one message to the next. */
const KEPT_BUFFER = 16_384;
/** The largest read while a body comes in. */
const LARGE_BUFFER = 65536;
/** Heads that came together are made text of together, so many bytes of them. */
const TOGETHER = 2048;

/**
 * The part of a parser that is the same for requests and responses: the
 * buffer, the field lines and the body. It does no I/O and never waits.
 *
 * Bytes come in through {@linkcode MessageParser.push}, or without a copy
 * through {@linkcode MessageParser.space} and {@linkcode MessageParser.filled}.
 * Positions are kept between calls, so no byte is looked at twice for the
 * same thing, however finely the input is cut.
 */
export abstract class MessageParser {
  /** Received bytes. Replaced when it grows: do not hold on to it. */
  buffer: Uint8Array<ArrayBuffer>;
  /** Where the last piece of body starts in `buffer`, after `BODY`. */
  bodyStart = 0;
  /** Where it ends. */
  bodyEnd = 0;
  /** The head as text, one character a byte, after `HEAD`. */
  head = "";
  /** Where the first field line starts in `head`. */
  fieldsStart = 0;
  /** The trailer section as text, after `END` of a chunked body; else "". */
  trailer = "";
  /** Minor version: 0 or 1 (higher ones are read as 1, RFC 9110 section 2.5). */
  minorVersion = 1;
  /** Announced length of the body, or -1. */
  contentLength: number = -1;
  /** Whether the body is chunked. */
  chunked = false;
  /** `Connection: close` was sent. */
  connectionClose = false;
  /** `Connection: keep-alive` was sent. */
  connectionKeepAlive = false;
  /** `Connection: upgrade` was sent. */
  connectionUpgrade = false;
  /** What was wrong, after `FAILED`. */
  error: ProtocolError | null = null;

  /** @ignore Where the message, or what is left of it, starts in `buffer`. */
  protected start = 0;
  /** @ignore The next byte to look at. */
  protected pos = 0;
  /** @ignore Where the received bytes end. */
  protected end = 0;
  /** @ignore */
  protected phase: Phase = Phase.START;
  /** @ignore */
  protected readonly maxHeadersLength: number;
  /** @ignore */
  protected readonly maxHeadersCount: number;
  /** @ignore */
  protected readonly maxContentLength: number;
  /** @ignore Whether the body ends with the connection. */
  protected untilClose = false;
  /** @ignore All lines of `Transfer-Encoding`, as one list. */
  protected transferEncoding: string | null = null;

  #tokenStart = 0;
  #tokenEnd = 0;
  #valueStart = 0;
  #count = 0;
  // Received bytes as text, and where in the buffer they start.
  #text = "";
  #textStart = 0;
  #inTrailer = false;
  #skippedLine = false;
  #remaining = 0;
  // Bytes of the message that lay before `start` and have been let go.
  #before = 0;
  #decoder: ChunkedDecoder | null = null;
  // Bytes that a body may have now.
  #limit: number;

  /**
   * A parser that waits for its first message.
   *
   * @param limits What one message may take.
   */
  constructor(limits: ParseLimits = {}) {
    checkGiven(limits, ["maxHeadersLength", "maxHeadersCount"]);
    if (limits.maxContentLength !== undefined) {
      checkLimit("maxContentLength", limits.maxContentLength, 0);
    }
    this.maxHeadersLength = limits.maxHeadersLength ?? 16384;
    this.maxHeadersCount = limits.maxHeadersCount ?? 100;
    this.maxContentLength = limits.maxContentLength ?? 1048576;
    this.#limit = this.maxContentLength;
    this.buffer = readBuffer();
  }

  /** Whether a message has begun and is not complete. */
  get isInMessage(): boolean {
    return this.phase !== Phase.START;
  }

  /** Whether received bytes wait to be looked at. */
  get hasInput(): boolean {
    return this.pos < this.end;
  }

  /** Whether there is no more room in the buffer: more may have come. */
  get isFull(): boolean {
    return this.end === this.buffer.length;
  }

  /** Whether the peer wants to go on with the connection (RFC 9112 section 9.3). */
  get keepAlive(): boolean {
    return !this.connectionClose &&
      (this.minorVersion > 0 || this.connectionKeepAlive);
  }

  /** Whether a body follows the head. */
  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0 || this.untilClose;
  }

  /** Takes in bytes, which are copied. Call `next()` until it asks for more. */
  push(bytes: Uint8Array): void {
    checkBytes("What is pushed", bytes);
    for (let from = 0; from < bytes.length;) {
      let space = this.space();
      if (space.length === 0) space = this.#roomFor(bytes.length - from);
      const part = bytes.subarray(from, from + space.length);
      space.set(part);
      this.filled(part.length);
      from += part.length;
    }
  }

  /**
   * Free room at the end of the buffer, to read into. It is empty only where
   * the buffer is full of bytes that `next()` has not been asked for yet.
   */
  space(): Uint8Array<ArrayBuffer> {
    if (this.pos === this.end && this.phase !== Phase.FAILED) {
      if (this.phase === Phase.START || this.phase >= Phase.HEAD_DONE) {
        this.#reuse();
        return this.buffer;
      }
    }
    if (this.end === this.buffer.length) {
      if (this.start > 0) this.#shift();
      else if (this.pos === this.end) {
        const size = Math.min(this.end * 2, this.maxHeadersLength);
        if (size > this.end) this.#grow(size);
      }
    }
    return this.end === 0 ? this.buffer : this.buffer.subarray(this.end);
  }

  /**
   * Makes room for more bytes ahead of what is looked at, where there is none.
   *
   * @param most How many bytes may wait.
   */
  widen(most: number): void {
    const { length } = this.buffer;
    if (this.end < length) return;
    if (this.start > 0) this.#shift();
    else if (length < most) this.#grow(Math.min(2 * length, most));
  }

  /** Says that `length` bytes were put into the room that `space()` gave. */
  filled(length: number): void {
    this.end += length;
  }

  /** All bytes that were received and not used; they count as used from now on. */
  takeRest(): Uint8Array<ArrayBuffer> {
    const rest = new Uint8Array(this.buffer.subarray(this.pos, this.end));
    this.pos = this.start = this.end;
    return rest;
  }

  /** Whether the parser remembers nothing: all messages so far are complete. */
  get isFresh(): boolean {
    return this.phase === Phase.START && this.pos === this.end &&
      !this.#skippedLine;
  }

  /**
   * Begins anew with another buffer, of which the first `length` bytes are
   * received ones. One parser can so serve many connections that are idle.
   */
  adopt(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    this.buffer = buffer;
    this.#forgetText();
    this.start = this.pos = 0;
    this.end = length;
    this.phase = Phase.START;
    this.error = null;
    this.head = this.trailer = "";
    this.#inTrailer = this.#skippedLine = false;
    this.#before = 0;
    this.#limit = this.maxContentLength;
  }

  /**
   * Gives the buffer away, or another of the size that the last message asked
   * for, to be adopted again when more has come.
   */
  surrender(): Uint8Array<ArrayBuffer> {
    const buffer = this.#fit(this.end === this.buffer.length);
    this.buffer = NOTHING;
    this.start = this.pos = this.end = 0;
    return buffer;
  }

  /** Header fields of the message, read anew from `head` on each call. */
  readHeaders(): HeaderFields {
    return readFields(this.head, this.fieldsStart);
  }

  /** Each value of one field of the message; `name` is lower-case. */
  readHeaderLines(name: string): string[] {
    return readFieldLines(this.head, this.fieldsStart, name);
  }

  /** The last piece of body, after `BODY`: a view of the buffer, no copy. */
  get body(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(this.bodyStart, this.bodyEnd);
  }

  /** Goes on with the bytes received so far. */
  next(): ParseEvent {
    for (;;) {
      switch (this.phase) {
        case Phase.FAILED:
          return ParseEvent.FAILED;
        case Phase.HEAD_DONE:
          this.trailer = "";
          if (this.chunked) {
            (this.#decoder ??= new ChunkedDecoder()).reset();
            this.phase = Phase.CHUNKED;
          } else if (this.contentLength > 0) {
            this.#remaining = this.contentLength;
            this.phase = Phase.LENGTH;
          } else if (this.untilClose) {
            this.#remaining = this.maxContentLength;
            this.phase = Phase.UNTIL_CLOSE;
          } else return this.#finish();
          break;
        case Phase.LENGTH:
          return this.#lengthBody();
        case Phase.UNTIL_CLOSE:
          if (this.pos === this.end) return ParseEvent.MORE;
          if (this.#remaining === 0) {
            this.fail("body-too-large");
            return ParseEvent.FAILED;
          }
          return this.#part();
        case Phase.CHUNKED: {
          const event = this.#chunkedBody();
          if (event !== null) return event;
          break;
        }
        default:
          return this.#head();
      }
    }
  }

  /**
   * Goes on with a message that was refused for its size, or for what it
   * expects, without a limit from here on: for who throws its body away.
   *
   * @returns Whether it can be told where the body ends.
   */
  passLimit(): boolean {
    if (this.error === null) return this.phase >= Phase.HEAD_DONE;
    const { code } = this.error;
    if (code !== "body-too-large" && code !== "unsupported-expectation") {
      return false;
    }
    this.error = null;
    this.#limit = Infinity;
    if (this.chunked && code === "body-too-large") {
      this.#decoder!.dataEnd = this.pos;
      this.#decoder!.passLimit();
      this.pos = this.#decoder!.dataEnd;
      this.phase = Phase.CHUNKED;
    } else this.phase = Phase.HEAD_DONE;
    return true;
  }

  /**
   * No more bytes will come.
   *
   * @returns Whether that ends the message in hand as it should.
   */
  endInput(): boolean {
    if (this.phase !== Phase.UNTIL_CLOSE || this.pos < this.end) return false;
    this.#finish();
    return true;
  }

  /** @ignore What a start line that is too long is called. */
  protected abstract get startLineFault(): ProtocolErrorCode;
  /** @ignore Whether an empty line may come before the message. */
  protected abstract get skipsEmptyLine(): boolean;
  /** @ignore Reads the start line; true when it is done and `phase` is `LINE`. */
  protected abstract startLine(end: number): boolean;
  /** @ignore Looks at a field of the head that may bear on framing. */
  protected abstract field(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void;
  /** @ignore Decides on the framing once the header section is in. */
  protected abstract headDone(): void;
  /** @ignore Forgets what was kept of the last message. */
  protected abstract beginMessage(): void;
  /** @ignore Moves positions kept of a head when the buffer is compacted. */
  protected abstract moved(by: number): void;

  /** @ignore Marks the message as broken, at `this.pos`. Always false. */
  protected fail(code: ProtocolErrorCode, at: number = this.pos): false {
    if (this.phase !== Phase.FAILED) {
      this.error = new ProtocolError(code, this.#before + at - this.start);
      this.phase = Phase.FAILED;
    }
    return false;
  }

  /** @ignore Takes a line of `Content-Length`. */
  protected readContentLength(start: number, end: number): void {
    if (this.contentLength >= 0) {
      this.fail("repeated-content-length", start);
      return;
    }
    let length = 0;
    for (let pos = start; pos < end; pos++) {
      const digit = this.buffer[pos] - ZERO;
      if (digit < 0 || digit > 9) {
        this.fail("bad-content-length", pos);
        return;
      }
      length = length * 10 + digit;
      if (length > Number.MAX_SAFE_INTEGER) {
        this.fail("bad-content-length", start);
        return;
      }
    }
    if (start === end) this.fail("bad-content-length", start);
    else this.contentLength = length;
  }

  /** @ignore Takes a line of `Connection`. */
  protected readConnection(start: number, end: number): void {
    if (end - start === 10 && isWord(this.buffer, start, "keep-alive")) {
      this.connectionKeepAlive = true;
      return;
    }
    for (
      const option of byteText(this.buffer, start, end).toLowerCase().split(",")
    ) {
      const name = trim(option);
      if (name === "close") this.connectionClose = true;
      else if (name === "keep-alive") this.connectionKeepAlive = true;
      else if (name === "upgrade") this.connectionUpgrade = true;
    }
  }

  /** @ignore Takes a line of `Transfer-Encoding`. */
  protected readTransferEncoding(start: number, end: number): void {
    const value = byteText(this.buffer, start, end);
    // Lines of a list field count as one list.
    this.transferEncoding = this.transferEncoding === null
      ? value
      : this.transferEncoding + "," + value;
  }

  /** @ignore Decides on `chunked`; false where that has failed. */
  protected checkCodings(): boolean {
    if (this.contentLength >= 0) return this.fail("length-and-encoding");
    if (this.minorVersion === 0) return this.fail("bad-transfer-encoding");
    const codings = this.transferEncoding!.toLowerCase().split(",")
      .map((coding) => trim(coding));
    if (codings.pop() !== "chunked" || codings.includes("chunked")) {
      return this.fail("bad-transfer-encoding");
    }
    for (const coding of codings) {
      if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(coding)) {
        return this.fail("bad-transfer-encoding");
      }
    }
    if (codings.length > 0) return this.fail("unsupported-transfer-coding");
    return this.chunked = true;
  }

  #head(): ParseEvent {
    if (this.phase <= Phase.EMPTY_LF) {
      if (!this.#begin()) {
        return this.error === null ? ParseEvent.MORE : ParseEvent.FAILED;
      }
    }
    // Looking no further than the limit makes the verdict the same for
    // every way in which the input may be cut.
    const limit = this.start + this.maxHeadersLength;
    const end = this.end < limit ? this.end : limit;
    const done = (this.phase >= Phase.LINE || this.startLine(end)) &&
      this.#fields(end);
    if (done) {
      if (this.#inTrailer) {
        if (this.#count > 0) {
          this.trailer = byteText(this.buffer, this.start, this.pos);
        }
        this.#inTrailer = false;
        return this.#finish();
      }
      this.head = this.#headText();
      this.phase = Phase.HEAD_DONE;
      this.headDone();
      return this.error === null ? ParseEvent.HEAD : ParseEvent.FAILED;
    }
    if (
      this.pos === this.start + this.maxHeadersLength &&
      this.phase !== Phase.FAILED
    ) {
      this.fail(
        this.phase < Phase.LINE ? this.startLineFault : "headers-too-large",
      );
    }
    return this.phase === Phase.FAILED ? ParseEvent.FAILED : ParseEvent.MORE;
  }

  /**
   * The head as text. Each text costs a call into the runtime, so one is made
   * for all heads of a buffer where they follow upon each other.
   */
  #headText(): string {
    const { start, pos } = this;
    let at = start - this.#textStart;
    if (pos - this.#textStart > this.#text.length) {
      const hasBody = this.contentLength > 0 || this.transferEncoding !== null;
      if (pos === this.end || hasBody || pos - start >= TOGETHER) {
        return byteText(this.buffer, start, pos);
      }
      const end = Math.min(this.end, start + TOGETHER);
      this.#text = byteText(this.buffer, start, end);
      this.#textStart = start;
      at = 0;
    }
    return this.#text.slice(at, at + pos - start);
  }

  /** The text is no longer that of the buffer. */
  #forgetText(): void {
    this.#text = "";
    this.#textStart = 0;
  }

  /** Skips one empty line (RFC 9112 section 2.2); true once a byte follows. */
  #begin(): boolean {
    while (this.pos < this.end) {
      const byte = this.buffer[this.pos];
      if (this.phase === Phase.EMPTY_LF) {
        if (byte !== LF) return this.fail("bad-line-end");
        this.start = ++this.pos;
        this.phase = Phase.START;
      } else if (byte === CR && !this.#skippedLine && this.skipsEmptyLine) {
        this.#skippedLine = true;
        this.pos++;
        this.phase = Phase.EMPTY_LF;
      } else {
        this.#skippedLine = false;
        this.#count = 0;
        this.contentLength = -1;
        this.chunked = this.untilClose = false;
        this.connectionClose = false;
        this.connectionKeepAlive = false;
        this.connectionUpgrade = false;
        this.transferEncoding = null;
        this.head = "";
        this.beginMessage();
        this.phase = Phase.START_LINE_A;
        return true;
      }
    }
    return false;
  }

  /** Field lines up to and with the empty one; false for more or failed. */
  #fields(end: number): boolean {
    const buffer = this.buffer;
    let pos = this.pos;
    let phase = this.phase;
    scan: for (; pos < end;) {
      switch (phase) {
        case Phase.LINE: {
          const byte = buffer[pos];
          if (byte === CR) {
            pos++;
            phase = Phase.LAST_LF;
            continue;
          }
          if (byte === SP || byte === HTAB) {
            this.pos = pos;
            return this.fail("folded-field");
          }
          this.#tokenStart = pos;
          phase = Phase.NAME;
        }
        // fallthrough
        case Phase.NAME:
          while (pos < end && TOKEN[buffer[pos]] === 1) pos++;
          if (pos === end) break scan;
          if (buffer[pos] !== COLON || pos === this.#tokenStart) {
            this.pos = pos;
            return this.fail(
              buffer[pos] === LF && pos === this.#tokenStart
                ? "bad-line-end"
                : "bad-field-name",
            );
          }
          this.#tokenEnd = pos++;
          phase = Phase.BLANK;
        // fallthrough
        case Phase.BLANK:
          while (pos < end && (buffer[pos] === SP || buffer[pos] === HTAB)) {
            pos++;
          }
          if (pos === end) break scan;
          this.#valueStart = pos;
          phase = Phase.VALUE;
        // fallthrough
        case Phase.VALUE:
          while (pos < end && FIELD_VALUE[buffer[pos]] === 1) pos++;
          if (pos === end) break scan;
          if (buffer[pos] !== CR) {
            this.pos = pos;
            return this.fail(
              buffer[pos] === LF ? "bad-line-end" : "bad-field-value",
            );
          }
          pos++;
          phase = Phase.VALUE_LF;
          continue;
        case Phase.VALUE_LF:
          this.pos = pos;
          if (buffer[pos] !== LF) return this.fail("bad-line-end");
          if (++this.#count > this.maxHeadersCount) {
            return this.fail("too-many-headers");
          }
          if (!this.#inTrailer) this.#checkField(pos - 1);
          if (this.error !== null) return false;
          pos++;
          phase = Phase.LINE;
          continue;
        case Phase.LAST_LF:
          this.pos = pos;
          if (buffer[pos] !== LF) return this.fail("bad-line-end");
          this.pos = pos + 1;
          return true;
        default:
          break scan;
      }
    }
    this.pos = pos;
    this.phase = phase;
    return false;
  }

  #checkField(valueEnd: number): void {
    const buffer = this.buffer;
    let last = valueEnd;
    while (
      last > this.#valueStart &&
      (buffer[last - 1] === SP || buffer[last - 1] === HTAB)
    ) last--;
    this.field(this.#tokenStart, this.#tokenEnd, this.#valueStart, last);
  }

  #lengthBody(): ParseEvent {
    if (this.#remaining === 0) return this.#finish();
    if (this.pos === this.end) return ParseEvent.MORE;
    return this.#part();
  }

  /** As much of the body as is in and may be. */
  #part(): ParseEvent {
    const length = Math.min(this.end - this.pos, this.#remaining);
    this.#remaining -= length;
    return this.#piece(this.pos, this.pos + length);
  }

  #chunkedBody(): ParseEvent | null {
    const decoder = this.#decoder!;
    decoder.dataEnd = this.pos;
    const event = decoder.decode(this.buffer, this.end, this.#limit);
    this.pos = decoder.dataEnd;
    if (event === ChunkEvent.DATA) {
      return this.#piece(decoder.dataStart, decoder.dataEnd);
    }
    if (event === ChunkEvent.MORE) {
      this.#letGo(this.pos);
      return ParseEvent.MORE;
    }
    if (event === ChunkEvent.FAILED) {
      this.fail(decoder.fault);
      return ParseEvent.FAILED;
    }
    this.#letGo(this.pos);
    this.#count = 0;
    this.#inTrailer = true;
    this.phase = Phase.LINE;
    return null;
  }

  #piece(start: number, end: number): ParseEvent {
    this.bodyStart = start;
    this.bodyEnd = this.pos = end;
    this.#letGo(end);
    return ParseEvent.BODY;
  }

  /** The message is done with up to here; the place of a fault still counts it. */
  #letGo(end: number): void {
    this.#before += end - this.start;
    this.start = end;
  }

  #finish(): ParseEvent {
    this.start = this.pos;
    this.#before = 0;
    this.phase = Phase.START;
    return ParseEvent.END;
  }

  /** Starts again at the front of the buffer, or of one that fits better. */
  #reuse(): void {
    const wasFull = this.end === this.buffer.length;
    if (this.phase < Phase.HEAD_DONE) this.buffer = this.#fit(wasFull);
    else if (wasFull && this.buffer.length < LARGE_BUFFER) {
      this.buffer = readBuffer(Math.min(this.end * 4, LARGE_BUFFER));
    }
    this.#forgetText();
    this.#before += this.pos - this.start;
    this.start = this.pos = this.end = 0;
  }

  /** A buffer for what comes next, going by what has come. */
  #fit(wasFull: boolean): Uint8Array<ArrayBuffer> {
    const { length } = this.buffer;
    if (wasFull && length < KEPT_BUFFER) return readBuffer(length * 2);
    if (length > KEPT_BUFFER) return readBuffer(KEPT_BUFFER);
    // A quarter is little enough that the next one will not ask for it again.
    if (length > SMALL_BUFFER && this.end * 4 <= length) {
      return readBuffer(length / 2);
    }
    return this.buffer;
  }

  /** Moves the message to the front of the buffer. */
  #shift(): void {
    const by = this.start;
    this.#forgetText();
    this.buffer.copyWithin(0, by, this.end);
    this.start = 0;
    this.pos -= by;
    this.end -= by;
    this.#tokenStart -= by;
    this.#tokenEnd -= by;
    this.#valueStart -= by;
    if (this.head === "") this.moved(by);
  }

  #grow(size: number): void {
    const old = this.buffer;
    this.buffer = readBuffer(size);
    this.buffer.set(old.subarray(0, this.end));
  }

  /** Room for `push`, whose bytes are in memory already and so are bounded. */
  #roomFor(length: number): Uint8Array<ArrayBuffer> {
    if (this.start > 0) this.#shift();
    if (this.end + length > this.buffer.length) this.#grow(this.end + length);
    return this.buffer.subarray(this.end);
  }
}

/** A buffer to read into. */
export function readBuffer(
  size: number = SMALL_BUFFER,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size);
}

/** Whether a buffer is of the size that connections begin with. */
export function isSpareBuffer(
  buffer: Uint8Array<ArrayBuffer> | null,
): buffer is Uint8Array<ArrayBuffer> {
  return buffer !== null && buffer.length === SMALL_BUFFER;
}
