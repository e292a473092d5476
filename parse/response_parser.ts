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
} from "./message_parser.ts";
import { OptionNames } from "./option_names.ts";
import { Phase } from "./phase.ts";

const NAMES = new OptionNames<ParseLimits>("ResponseParser", PARSE_LIMITS);

const ZERO = 0x30;
/** Length of "HTTP/1.1". */
const VERSION_LENGTH = 8;
/** Length of "HTTP/1.1 200". */
const REASON_START = 12;

/**
 * Reads HTTP/1.x responses from bytes. What could be read in two ways is
 * refused; what servers and devices really send is read, also where the grammar
 * of RFC 9112 forbids it, as long as it can mean but one thing.
 *
 * It does no I/O: push bytes in, ask for events. Say by `expect()` what the
 * next response answers, as that bears on where it ends. Interim responses
 * (1xx) are messages of their own: `HEAD`, then `END`.
 *
 * So these are taken: a status line without the space behind the status; folded
 * fields, with spaces in place of the fold; white space behind the size of a
 * chunk; any status from 100 to 999. And these, behind which `keepAlive` is
 * `false`: white space before a colon, lines that all end in LF alone, the same
 * length twice, and framing where the status leaves no body. To CONNECT, a 2xx
 * has no framing, whatever it says. docs/what-is-read.md has it all.
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
  // Whether the lines of the head end in LF alone.
  #isBare = false;
  #keepAliveLine = 0;

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
    super({ ...limits, maxContentLength }, "status-line-too-long", true);
  }

  /** Says which method the next response answers; GET until told. */
  expect(method: string): void {
    this.#isHead = method === "HEAD";
    this.#isConnect = method === "CONNECT";
  }

  /** Whether the connection may be used again behind this response. */
  override get keepAlive(): boolean {
    return !this.isOdd && super.keepAlive;
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
    // What was odd about an interim response counts for the one behind it.
    this.isOdd &&= this.status >= 100 && this.status < 200;
    this.#isBare = false;
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
          if (this.status < 100) return this.fail("bad-status", pos - 3);
          if (byte === SP) this.phase = Phase.START_LINE_C;
          else if (byte === CR) this.phase = Phase.START_LINE_LF;
          else if (byte === LF) return this.#lineDone(pos, true);
          else return this.fail("bad-status", pos);
          pos++;
          continue;
        case Phase.START_LINE_C: // reason phrase
          while (pos < end && FIELD_VALUE[bytes[pos]] === 1) pos++;
          if (pos === end) continue;
          if (bytes[pos] === LF) return this.#lineDone(pos, true);
          if (bytes[pos] !== CR) return this.fail("bad-reason", pos);
          pos++;
          this.phase = Phase.START_LINE_LF;
          continue;
        default: // START_LINE_LF
          if (byte !== LF) return this.fail("bad-line-end", pos);
          return this.#lineDone(pos, false);
      }
    }
    input.pos = pos;
    return false;
  }

  /** The status line is in, up to its LF. */
  #lineDone(pos: number, isBare: boolean): boolean {
    const { input, status } = this;
    input.pos = pos + 1;
    this.fieldsStart = pos + 1 - input.start;
    this.phase = Phase.FIELDS;
    this.ignoresFraming = this.#isConnect && status >= 200 && status < 300;
    if (isBare) this.bareLines();
    this.#isBare = isBare;
    return true;
  }

  /** @ignore */
  protected override field(line: FieldReader): void {
    const { input } = this;
    switch (line.nameEnd - line.nameStart) {
      case 10:
        if (line.isNamed(input, "set-cookie")) this.hasCookies = true;
        else if (line.isNamed(input, "keep-alive")) {
          this.keepAliveStart = line.valueStart;
          this.#keepAliveLine = line.count;
        }
        return;
      case 16:
        if (line.isNamed(input, "content-encoding")) this.hasCoding = true;
    }
  }

  /** @ignore */
  protected override headDone(): void {
    if (this.#isBare) this.#writeLineEnds();
    if (this.codings !== null && !this.checkCodings()) return;
    const { status } = this;
    this.announcedLength = this.contentLength;
    const hasFraming = this.chunked || this.contentLength > 0;
    if (this.ignoresFraming) {
      this.#endWithHead(); // RFC 9110 section 9.3.6
    } else if (!mayHaveLength(status) || this.#isHead) {
      // 304 and HEAD tell of a body that is not sent here. Others should not,
      // and end here all the same (RFC 9112 section 6.3).
      const isMeant = status >= 200 && status !== 204;
      if (hasFraming && !isMeant) this.isOdd = true;
      this.#endWithHead();
    } else if (!this.chunked && this.contentLength < 0) {
      this.untilClose = true;
    } else {
      // It has one where it says so, though it should not.
      if (status === 205 && this.contentLength > 0) this.isOdd = true;
      if (this.contentLength > this.maxContentLength) {
        this.fail("body-too-large");
      }
    }
  }

  #endWithHead(): void {
    this.contentLength = -1;
    this.chunked = false;
  }

  /** Who reads the head finds all lines ended as they should be. */
  #writeLineEnds(): void {
    this.head = this.head.replaceAll("\n", "\r\n");
    this.fieldsStart++;
    if (this.keepAliveStart >= 0) this.keepAliveStart += this.#keepAliveLine;
  }
}
