import { CR, FIELD_VALUE, isWord, LF, SP } from "./chars.ts";
import type { ProtocolErrorCode } from "./errors.ts";
import { mayHaveLength } from "./framing.ts";
import {
  MessageParser,
  PARSE_LIMITS,
  type ParseLimits,
  Phase,
} from "./message_parser.ts";
import { OptionNames } from "./option_names.ts";

const NAMES = new OptionNames<ParseLimits>("ResponseParser", PARSE_LIMITS);

// "HTTP/", one byte at a time.
const NAME = [0x48, 0x54, 0x54, 0x50, 0x2f];
const ZERO = 0x30;
const DOT = 0x2e;
/** Length of "HTTP/1.1 200". */
const REASON_START = 12;

/**
 * Reads HTTP/1.x responses from bytes, strictly to RFC 9112: what could be
 * read in two ways is refused.
 *
 * It does no I/O: push bytes in, ask for events. Say by `expect()` what the
 * next response answers, as that bears on where it ends. Interim responses
 * (1xx) are messages of their own: `HEAD`, then `END`.
 *
 * One thing is taken that the grammar forbids, as many servers send it and it
 * means but one thing: a status line without the space behind the status.
 *
 * ```ts
 * import { ParseEvent, ResponseParser } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = new ResponseParser();
 * parser.expect("GET");
 * parser.push(new TextEncoder().encode(
 *   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
 * ));
 * assertEquals(parser.next(), ParseEvent.HEAD);
 * assertEquals([parser.status, parser.statusMessage], [200, "OK"]);
 * assertEquals(parser.next(), ParseEvent.BODY);
 * assertEquals(new TextDecoder().decode(parser.body), "hi");
 * assertEquals(parser.next(), ParseEvent.END);
 * ```
 */
export class ResponseParser extends MessageParser {
  /** The status code. */
  status = 0;
  /** `Content-Length` as sent, or -1: HEAD and 304 have one without a body. */
  announcedLength: number = -1;
  /** Whether there is a `Set-Cookie`. */
  hasCookies = false;
  /** Whether there is a `Content-Encoding`. */
  hasCoding = false;
  /** Where the value of (the last) `Keep-Alive` lies in `head`; or -1. */
  keepAliveStart: number = -1;

  #isHead = false;
  #isConnect = false;
  #lineStart = 0;

  /**
   * A parser that waits for its first response.
   *
   * @param limits What one response may take; a body is not bounded by default.
   * @throws {TypeError} If a limit is unknown, or not a number.
   * @throws {RangeError} If it is out of range.
   */
  constructor(limits: ParseLimits = {}) {
    NAMES.check(limits);
    super({ ...limits, maxContentLength: limits.maxContentLength ?? Infinity });
  }

  /** Says which method the next response answers; GET until told. */
  expect(method: string): void {
    this.#isHead = method === "HEAD";
    this.#isConnect = method === "CONNECT";
  }

  /** The reason phrase, as sent; one character a byte. */
  get statusMessage(): string {
    return this.head.slice(REASON_START + 1, this.fieldsStart - 2);
  }

  /** The protocol's name and version, as sent. */
  get protocol(): string {
    return this.head.slice(0, 8);
  }

  /** Whether the body ends with the connection. */
  get endsWithConnection(): boolean {
    return this.untilClose;
  }

  /** @ignore */
  protected override get startLineFault(): ProtocolErrorCode {
    return "status-line-too-long";
  }

  /** @ignore Nothing may come between responses. */
  protected override get skipsEmptyLine(): boolean {
    return false;
  }

  /** @ignore */
  protected override beginMessage(): void {
    this.#lineStart = this.start;
    this.status = 0;
    this.announcedLength = -1;
    this.hasCookies = this.hasCoding = false;
    this.keepAliveStart = -1;
  }

  /** @ignore */
  protected override moved(by: number): void {
    this.#lineStart -= by;
    this.fieldsStart -= by;
    this.keepAliveStart -= by;
  }

  /** @ignore */
  protected override startLine(end: number): boolean {
    const buffer = this.buffer;
    let pos = this.pos;
    for (; pos < end;) {
      const byte = buffer[pos];
      this.pos = pos;
      switch (this.phase) {
        case Phase.START_LINE_A: { // version, and the space behind it
          const index = pos - this.#lineStart;
          if (
            index < 5
              ? byte !== NAME[index]
              : index === 6
              ? byte !== DOT
              : index < 8
              ? !isDigit(byte)
              : byte !== SP
          ) return this.fail("bad-version");
          pos++;
          if (index === 8) {
            if (buffer[this.#lineStart + 5] !== ZERO + 1) {
              return this.fail("unsupported-version", this.#lineStart);
            }
            this.minorVersion = buffer[this.#lineStart + 7] === ZERO ? 0 : 1;
            this.phase = Phase.START_LINE_B;
          }
          continue;
        }
        case Phase.START_LINE_B: // status
          if (pos - this.#lineStart < REASON_START) {
            if (!isDigit(byte)) return this.fail("bad-status");
            this.status = this.status * 10 + byte - ZERO;
            pos++;
            continue;
          }
          if (this.status < 100 || this.status > 599) {
            return this.fail("bad-status", pos - 3);
          }
          if (byte === SP) this.phase = Phase.START_LINE_C;
          else if (byte === CR) this.phase = Phase.START_LINE_LF;
          else return this.fail("bad-status");
          pos++;
          continue;
        case Phase.START_LINE_C: // reason phrase
          while (pos < end && FIELD_VALUE[buffer[pos]] === 1) pos++;
          if (pos === end) continue;
          this.pos = pos;
          if (buffer[pos] !== CR) {
            return this.fail(
              buffer[pos] === LF ? "bad-line-end" : "bad-reason",
            );
          }
          pos++;
          this.phase = Phase.START_LINE_LF;
          continue;
        case Phase.START_LINE_LF:
          if (byte !== LF) return this.fail("bad-line-end");
          this.fieldsStart = this.pos = pos + 1;
          this.phase = Phase.LINE;
          return true;
        default:
          return false;
      }
    }
    this.pos = pos;
    return false;
  }

  /** @ignore */
  protected override field(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    switch (nameEnd - nameStart) {
      case 10:
        if (isWord(this.buffer, nameStart, "connection")) {
          this.readConnection(valueStart, valueEnd);
        } else if (isWord(this.buffer, nameStart, "set-cookie")) {
          this.hasCookies = true;
        } else if (isWord(this.buffer, nameStart, "keep-alive")) {
          this.keepAliveStart = valueStart;
        }
        return;
      case 14:
        if (isWord(this.buffer, nameStart, "content-length")) {
          this.readContentLength(valueStart, valueEnd);
        }
        return;
      case 16:
        if (isWord(this.buffer, nameStart, "content-encoding")) {
          this.hasCoding = true;
        }
        return;
      case 17:
        if (isWord(this.buffer, nameStart, "transfer-encoding")) {
          this.readTransferEncoding(valueStart, valueEnd);
        }
    }
  }

  /** @ignore */
  protected override headDone(): void {
    this.fieldsStart -= this.start;
    this.keepAliveStart = Math.max(this.keepAliveStart - this.start, -1);
    if (this.transferEncoding !== null && !this.checkCodings()) return;
    const { status } = this;
    this.announcedLength = this.contentLength;
    const hasFraming = this.chunked || this.contentLength > 0;
    if (this.#isConnect && status >= 200 && status < 300) {
      this.#endWithHead(); // framing is to be ignored (RFC 9110 section 9.3.6)
    } else if (!mayHaveLength(status) || this.#isHead) {
      // 304 and HEAD tell of a body that is not sent here.
      const isMeant = status >= 200 && status !== 204;
      if (hasFraming && !isMeant) this.fail("unexpected-framing");
      this.#endWithHead();
    } else if (status === 205 && this.contentLength > 0) {
      this.fail("unexpected-framing");
    } else if (!this.chunked && this.contentLength < 0) {
      this.untilClose = true;
    } else if (this.contentLength > this.maxContentLength) {
      this.fail("body-too-large");
    }
  }

  #endWithHead(): void {
    this.contentLength = -1;
    this.chunked = false;
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
