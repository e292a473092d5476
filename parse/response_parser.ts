import {
  CR,
  FIELD_VALUE,
  isUsualVersion,
  isVersionByte,
  LF,
  SP,
} from "./chars.ts";
import type { FieldReader } from "./field_reader.ts";
import { mayHaveLength } from "./framing.ts";
import {
  MessageParser,
  PARSE_LIMITS,
  type ParseLimits,
  Phase,
} from "./message_parser.ts";
import { OptionNames } from "./option_names.ts";

const NAMES = new OptionNames<ParseLimits>("ResponseParser", PARSE_LIMITS);

const ZERO = 0x30;
/** Length of "HTTP/1.1". */
const VERSION_LENGTH = 8;
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

  /**
   * A parser that waits for its first response.
   *
   * @param limits What one response may take; a body is not bounded by default.
   * @throws {TypeError} If a limit is unknown, or not a number.
   * @throws {RangeError} If it is out of range.
   */
  constructor(limits: ParseLimits = {}) {
    NAMES.check(limits);
    const { maxContentLength = Infinity } = limits;
    super({ ...limits, maxContentLength }, "status-line-too-long");
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
  protected override begin(): boolean {
    this.status = 0;
    this.announcedLength = -1;
    this.hasCookies = this.hasCoding = false;
    this.keepAliveStart = -1;
    return true;
  }

  /** @ignore */
  protected override startLine(end: number): boolean {
    const { input } = this;
    const { bytes, start } = input;
    let pos = input.pos;
    for (; pos < end;) {
      const byte = bytes[pos];
      switch (this.phase) {
        case Phase.START_LINE_A: { // version, and the space behind it
          if (
            pos === start && end - pos > VERSION_LENGTH &&
            isUsualVersion(bytes, pos)
          ) pos += VERSION_LENGTH;
          const index = pos - start;
          if (index < VERSION_LENGTH) {
            if (!isVersionByte(byte, index)) {
              return this.fail("bad-version", pos);
            }
            pos++;
            continue;
          }
          if (bytes[pos] !== SP) return this.fail("bad-version", pos);
          if (bytes[start + 5] !== ZERO + 1) {
            return this.fail("unsupported-version", start);
          }
          this.minorVersion = bytes[start + 7] === ZERO ? 0 : 1;
          this.phase = Phase.START_LINE_B;
          pos++;
          continue;
        }
        case Phase.START_LINE_B: // status
          if (pos - start < REASON_START) {
            const digit = byte - ZERO;
            if (digit < 0 || digit > 9) return this.fail("bad-status", pos);
            this.status = this.status * 10 + digit;
            pos++;
            continue;
          }
          if (this.status < 100 || this.status > 599) {
            return this.fail("bad-status", pos - 3);
          }
          if (byte === SP) this.phase = Phase.START_LINE_C;
          else if (byte === CR) this.phase = Phase.START_LINE_LF;
          else return this.fail("bad-status", pos);
          pos++;
          continue;
        case Phase.START_LINE_C: // reason phrase
          while (pos < end && FIELD_VALUE[bytes[pos]] === 1) pos++;
          if (pos === end) continue;
          if (bytes[pos] !== CR) {
            const isLf = bytes[pos] === LF;
            return this.fail(isLf ? "bad-line-end" : "bad-reason", pos);
          }
          pos++;
          this.phase = Phase.START_LINE_LF;
          continue;
        default: // START_LINE_LF
          if (byte !== LF) return this.fail("bad-line-end", pos);
          input.pos = pos + 1;
          this.fieldsStart = pos + 1 - start;
          this.phase = Phase.FIELDS;
          return true;
      }
    }
    input.pos = pos;
    return false;
  }

  /** @ignore */
  protected override field(line: FieldReader): void {
    const { input } = this;
    switch (line.nameEnd - line.nameStart) {
      case 10:
        if (line.isNamed(input, "set-cookie")) this.hasCookies = true;
        else if (line.isNamed(input, "keep-alive")) {
          this.keepAliveStart = line.valueStart;
        }
        return;
      case 16:
        if (line.isNamed(input, "content-encoding")) this.hasCoding = true;
    }
  }

  /** @ignore */
  protected override headDone(): void {
    if (this.codings !== null && !this.checkCodings()) return;
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
