import { ChunkedDecoder, ChunkEvent } from "./chunked_decoder.ts";
import type { Cursor } from "./cursor.ts";
import { ProtocolError, type ProtocolErrorCode } from "./errors.ts";
import { FieldEvent, FieldReader } from "./field_reader.ts";
import { ForgivingFieldReader } from "./forgiving_field_reader.ts";
import {
  hasItem,
  type HeaderFields,
  readFieldLines,
  readFields,
} from "./fields.ts";
import { checkBytes } from "./arguments.ts";
import { codingsFault, readLength } from "./framing.ts";
import { checkGiven, checkLimit } from "./limits.ts";
import { ParseEvent, Phase } from "./phase.ts";
import { ReceiveBuffer } from "./receive_buffer.ts";

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

  /** @ignore The received bytes; all positions kept count from its start. */
  protected readonly input: Cursor<Uint8Array<ArrayBuffer>>;
  /** @ignore */
  protected phase: Phase = Phase.START;
  /** @ignore */
  protected readonly maxContentLength: number;
  /** @ignore Whether the body ends with the connection. */
  protected untilClose = false;
  /** @ignore All lines of `Transfer-Encoding`, as one list. */
  protected codings: string | null = null;
  /** @ignore Whether lines that tell of framing say nothing here. */
  protected ignoresFraming = false;
  /** @ignore Whether something was read that the grammar forbids. */
  protected isOdd = false;

  readonly #received = new ReceiveBuffer();
  readonly #maxHeadersLength: number;
  readonly #lines: FieldReader;
  readonly #startLineFault: ProtocolErrorCode;
  readonly #isForgiving: boolean;
  #remaining = 0;
  #decoder: ChunkedDecoder | null = null;
  // Bytes that a body may have now.
  #limit: number;

  /**
   * A parser that waits for its first message.
   *
   * @param limits What one message may take.
   * @param startLineFault What a start line that is too long is called.
   * @param isForgiving Whether to read what is malformed, and means but one
   * thing.
   */
  constructor(
    limits: ParseLimits,
    startLineFault: ProtocolErrorCode,
    isForgiving = false,
  ) {
    checkGiven(limits, ["maxHeadersLength", "maxHeadersCount"]);
    if (limits.maxContentLength !== undefined) {
      checkLimit("maxContentLength", limits.maxContentLength, 0);
    }
    this.input = this.#received.cursor;
    this.#maxHeadersLength = limits.maxHeadersLength ?? 16384;
    const { maxHeadersCount = isForgiving ? 1000 : 100 } = limits;
    this.#lines = isForgiving
      ? new ForgivingFieldReader(maxHeadersCount)
      : new FieldReader(maxHeadersCount);
    this.#isForgiving = isForgiving;
    this.maxContentLength = limits.maxContentLength ?? 1048576;
    this.#limit = this.maxContentLength;
    this.#startLineFault = startLineFault;
  }

  /** Received bytes. Replaced when it grows: do not hold on to it. */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.input.bytes;
  }

  /** Whether a message has begun and is not complete. */
  get isInMessage(): boolean {
    return this.phase > Phase.SKIPPED;
  }

  /** Whether received bytes wait to be looked at. */
  get hasInput(): boolean {
    return this.input.hasInput;
  }

  /** Whether there is no more room in the buffer: more may have come. */
  get isFull(): boolean {
    return this.#received.isFull;
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

  get #isInBody(): boolean {
    return this.phase >= Phase.HEAD_DONE;
  }

  /** Takes in bytes, which are copied. Call `next()` until it asks for more. */
  push(bytes: Uint8Array): void {
    checkBytes("What is pushed", bytes);
    this.#received.push(bytes, this.#isInBody, this.#maxHeadersLength);
  }

  /**
   * Free room at the end of the buffer, to read into. It is empty only where
   * the buffer is full of bytes that `next()` has not been asked for yet.
   */
  space(): Uint8Array<ArrayBuffer> {
    return this.#received.space(this.#isInBody, this.#maxHeadersLength);
  }

  /**
   * Makes room for more bytes ahead of what is looked at, where there is none.
   *
   * @param most How many bytes may wait.
   */
  widen(most: number): void {
    this.#received.widen(most);
  }

  /** Says that `length` bytes were put into the room that `space()` gave. */
  filled(length: number): void {
    this.input.end += length;
  }

  /** All bytes that were received and not used; they count as used from now on. */
  takeRest(): Uint8Array<ArrayBuffer> {
    return this.#received.takeRest();
  }

  /** Whether the parser remembers nothing: all messages so far are complete. */
  get isFresh(): boolean {
    return this.phase === Phase.START && !this.input.hasInput;
  }

  /**
   * Begins anew with another buffer, of which the first `length` bytes are
   * received ones. One parser can so serve many connections that are idle.
   */
  adopt(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    this.#received.adopt(buffer, length);
    this.phase = Phase.START;
    this.error = null;
    this.head = this.trailer = "";
    this.#limit = this.maxContentLength;
  }

  /**
   * Gives the buffer away, or another of the size that the last message asked
   * for, to be adopted again when more has come.
   */
  surrender(): Uint8Array<ArrayBuffer> {
    return this.#received.surrender();
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
            this.#decoder ??= new ChunkedDecoder(this.#isForgiving);
            this.#decoder.reset();
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
          if (this.#remaining === 0) return this.#finish();
          return this.input.hasInput ? this.#part() : ParseEvent.MORE;
        case Phase.UNTIL_CLOSE:
          if (!this.input.hasInput) return ParseEvent.MORE;
          if (this.#remaining > 0) return this.#part();
          this.fail("body-too-large");
          break;
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
    const { input } = this;
    if (this.chunked && code === "body-too-large") {
      this.#decoder!.passLimit(input);
      this.phase = Phase.CHUNKED;
    } else {
      input.letGo();
      this.phase = Phase.HEAD_DONE;
    }
    return true;
  }

  /**
   * No more bytes will come.
   *
   * @returns Whether that ends the message in hand as it should.
   */
  endInput(): boolean {
    if (this.phase !== Phase.UNTIL_CLOSE || this.input.hasInput) return false;
    this.#finish();
    return true;
  }

  /**
   * @ignore Forgets the last message, as a byte of another is in; false where
   * that has to wait for one more, or has failed.
   */
  protected abstract begin(): boolean;
  /** @ignore Reads the start line; true when it is done and `phase` is `FIELDS`. */
  protected abstract startLine(end: number): boolean;
  /** @ignore Looks at a field of the head that does not bear on framing. */
  protected abstract field(line: FieldReader): void;
  /** @ignore Decides on the framing once the header section is in. */
  protected abstract headDone(): void;

  /** @ignore The start line has ended in LF alone: so must all other lines. */
  protected bareLines(): void {
    this.#lines.isBare = this.isOdd = true;
  }

  /** @ignore Marks the message as broken. Always false. */
  protected fail(code: ProtocolErrorCode, at: number = this.input.pos): false {
    if (this.phase !== Phase.FAILED) {
      this.error = new ProtocolError(code, this.input.offset(at));
      this.input.pos = at;
      this.phase = Phase.FAILED;
    }
    return false;
  }

  /** Takes a line of `Content-Length`. */
  #readContentLength(line: FieldReader): void {
    const { bytes, start: base } = this.input;
    const start = base + line.valueStart;
    const end = base + line.valueEnd(this.input);
    if (this.contentLength >= 0 && !this.#isForgiving) {
      this.fail("repeated-content-length", start);
      return;
    }
    const length = readLength(bytes, start, end);
    if (length < 0) this.fail("bad-content-length", ~length);
    else if (this.contentLength < 0) this.contentLength = length;
    // The same again says the same (RFC 9110 section 8.6).
    else if (this.contentLength === length) this.isOdd = true;
    else this.fail("repeated-content-length", start);
  }

  /** Takes a line of `Connection`. */
  #readConnection(line: FieldReader): void {
    if (line.isValue(this.input, "keep-alive")) this.connectionKeepAlive = true;
    else if (line.isValue(this.input, "close")) this.connectionClose = true;
    else {
      const list = line.value(this.input);
      this.connectionClose ||= hasItem(list, "close");
      this.connectionKeepAlive ||= hasItem(list, "keep-alive");
      this.connectionUpgrade ||= hasItem(list, "upgrade");
    }
  }

  /** @ignore Decides on `chunked`; false where that has failed. */
  protected checkCodings(): boolean {
    if (this.contentLength >= 0) return this.fail("length-and-encoding");
    if (this.minorVersion === 0) return this.fail("bad-transfer-encoding");
    const fault = codingsFault(this.codings!);
    this.chunked = fault === null;
    return fault === null || this.fail(fault);
  }

  #begin(): boolean {
    if (!this.input.hasInput || !this.begin()) return false;
    this.input.begin();
    this.#lines.reset();
    this.contentLength = -1;
    this.chunked = this.untilClose = this.connectionClose = false;
    this.connectionKeepAlive = this.connectionUpgrade = false;
    this.codings = null;
    this.head = "";
    this.phase = Phase.START_LINE_A;
    return true;
  }

  #head(): ParseEvent {
    const { input } = this;
    if (this.phase <= Phase.EMPTY_LF && !this.#begin()) {
      return this.error === null ? ParseEvent.MORE : ParseEvent.FAILED;
    }
    // Looking no further than the limit makes the verdict the same for
    // every way in which the input may be cut.
    const limit = input.start + this.#maxHeadersLength;
    const end = input.end < limit ? input.end : limit;
    if (
      (this.phase >= Phase.FIELDS || this.startLine(end)) && this.#fields(end)
    ) {
      if (this.#lines.isMended) this.#received.forgetText();
      if (this.phase === Phase.TRAILER) {
        if (this.#lines.count > 0) this.trailer = this.#received.text(true);
        return this.#finish();
      }
      const isAlone = this.contentLength > 0 || this.codings !== null;
      this.head = this.#received.text(isAlone);
      this.phase = Phase.HEAD_DONE;
      if (this.#lines.isOdd) this.isOdd = true;
      this.headDone();
      if (this.error !== null) return ParseEvent.FAILED;
      input.letGo();
      return ParseEvent.HEAD;
    }
    if (this.error !== null) return ParseEvent.FAILED;
    if (input.pos < limit) return ParseEvent.MORE;
    this.fail(
      this.phase === Phase.START_LINE_A
        ? "method-too-long"
        : this.phase < Phase.FIELDS
        ? this.#startLineFault
        : "headers-too-large",
    );
    return ParseEvent.FAILED;
  }

  /** Field lines up to and with the empty one; false for more or failed. */
  #fields(end: number): boolean {
    const { input } = this;
    const lines = this.#lines;
    for (;;) {
      const event = lines.next(input, end);
      if (event !== FieldEvent.LINE) {
        if (event === FieldEvent.FAILED) this.fail(lines.fault);
        return event === FieldEvent.END;
      }
      if (this.phase === Phase.FIELDS) {
        this.#field(lines);
        if (this.error !== null) return false;
      }
    }
  }

  #field(line: FieldReader): void {
    switch (line.nameEnd - line.nameStart) {
      case 10:
        if (!line.isNamed(this.input, "connection")) break;
        return this.#readConnection(line);
      case 14:
        if (!line.isNamed(this.input, "content-length")) break;
        if (this.ignoresFraming) return;
        return this.#readContentLength(line);
      case 17:
        if (!line.isNamed(this.input, "transfer-encoding")) break;
        if (this.ignoresFraming) return;
        this.codings = this.codings === null ? "" : this.codings + ",";
        this.codings += line.value(this.input);
        return;
    }
    this.field(line);
  }

  /** As much of the body as is in and may be. */
  #part(): ParseEvent {
    const { pos, end } = this.input;
    const length = Math.min(end - pos, this.#remaining);
    this.#remaining -= length;
    this.input.pos += length;
    return this.#piece(pos);
  }

  #chunkedBody(): ParseEvent | null {
    const { input } = this;
    const decoder = this.#decoder!;
    const event = decoder.decode(input, this.#limit);
    if (event === ChunkEvent.DATA) return this.#piece(decoder.dataStart);
    if (event === ChunkEvent.FAILED) {
      this.fail(decoder.fault);
      return ParseEvent.FAILED;
    }
    input.letGo();
    if (event === ChunkEvent.MORE) return ParseEvent.MORE;
    this.#lines.reset();
    this.phase = Phase.TRAILER;
    return null;
  }

  #piece(start: number): ParseEvent {
    this.bodyStart = start;
    this.bodyEnd = this.input.pos;
    this.input.letGo();
    return ParseEvent.BODY;
  }

  #finish(): ParseEvent {
    this.input.begin();
    this.phase = Phase.START;
    return ParseEvent.END;
  }
}
