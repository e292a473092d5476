import { CR, isWord, LF, SLASH, SP, TARGET, TOKEN } from "./chars.ts";
import type { ProtocolErrorCode } from "./errors.ts";
import { isHost } from "./host.ts";
import {
  MessageParser,
  PARSE_LIMITS,
  type ParseLimits,
  Phase,
} from "./message_parser.ts";
import { OptionNames } from "./option_names.ts";

/** Limits and choices of a {@linkcode RequestParser}. */
export interface RequestParserOptions extends ParseLimits {
  /** Let CONNECT through; otherwise it fails with 501. Default: `false`. */
  allowConnect?: boolean;
}

const NAMES = new OptionNames<RequestParserOptions>("RequestParser", {
  ...PARSE_LIMITS,
  allowConnect: true,
});

// "HTTP/1.", one byte at a time.
const VERSION = [0x48, 0x54, 0x54, 0x50, 0x2f];
const ZERO = 0x30;
const ASTERISK = 0x2a;

/**
 * Reads HTTP/1.x requests from bytes, strictly to RFC 9112.
 *
 * It does no I/O: push bytes in, ask for events. What is ambiguous is
 * refused. Memory is bounded by the limits, as long as `next()` is called
 * until it asks for more before the next bytes are pushed.
 *
 * ```ts
 * import { ParseEvent, RequestParser } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = new RequestParser();
 * parser.push(new TextEncoder().encode("GET /hello HTTP/1.1\r\nHost: a\r\n"));
 * assertEquals(parser.next(), ParseEvent.MORE);
 * parser.push(new TextEncoder().encode("\r\n"));
 * assertEquals(parser.next(), ParseEvent.HEAD);
 * assertEquals([parser.method, parser.target], ["GET", "/hello"]);
 * assertEquals(parser.readHeaders().host, "a");
 * assertEquals(parser.next(), ParseEvent.END);
 * ```
 */
export class RequestParser extends MessageParser {
  /** `Expect: 100-continue` was sent, by a peer of HTTP/1.1. */
  expectContinue = false;

  readonly #allowConnect: boolean;
  #methodEnd = 0;
  #targetEnd = 0;
  #hasHost = false;
  #typeStart = 0;
  #typeEnd = 0;
  #expectation = false;

  /**
   * A parser that waits for its first request.
   *
   * @param options Limits, and whether CONNECT is let through.
   * @throws {TypeError} If an option is unknown, or of the wrong type.
   * @throws {RangeError} If a limit is out of range.
   */
  constructor(options: RequestParserOptions = {}) {
    NAMES.check(options);
    super(options);
    this.#allowConnect = options.allowConnect ?? false;
  }

  /** The request's method, as sent. After `HEAD`, or a fault behind it. */
  get method(): string {
    return methodOf(this.head, this.#methodEnd);
  }

  /** The request target, as sent. */
  get target(): string {
    return this.head.slice(this.#methodEnd + 1, this.#targetEnd);
  }

  /** The value of (the last) `Content-Type`, or "". */
  get contentType(): string {
    return this.head.slice(this.#typeStart, this.#typeEnd);
  }

  /** The protocol's name and version, as sent. */
  get protocol(): string {
    return this.head.slice(this.#targetEnd + 1, this.fieldsStart - 2);
  }

  /** Whether this is a HEAD request, even if its header section is broken. */
  get isHead(): boolean {
    return this.head === ""
      ? this.#isMethod("HEAD")
      : this.head.startsWith("HEAD ");
  }

  /** @ignore */
  protected override get startLineFault(): ProtocolErrorCode {
    return "request-line-too-long";
  }

  /** @ignore One is to be skipped (RFC 9112 section 2.2). */
  protected override get skipsEmptyLine(): boolean {
    return true;
  }

  /** @ignore */
  protected override beginMessage(): void {
    this.#methodEnd = this.#targetEnd = 0;
    this.#hasHost = false;
    this.#typeStart = this.#typeEnd = 0;
    this.#expectation = false;
    this.expectContinue = false;
  }

  /** @ignore */
  protected override moved(by: number): void {
    this.#methodEnd -= by;
    this.#targetEnd -= by;
    this.#typeStart -= by;
    this.#typeEnd -= by;
    this.fieldsStart -= by;
  }

  /** @ignore */
  protected override startLine(end: number): boolean {
    const buffer = this.buffer;
    let pos = this.pos;
    for (; pos < end;) {
      switch (this.phase) {
        case Phase.START_LINE_A: // method
          while (pos < end && TOKEN[buffer[pos]] === 1) pos++;
          if (pos === end) continue;
          this.pos = pos;
          if (buffer[pos] !== SP || pos === this.start) {
            return this.fail(lineFault(buffer[pos], "bad-method"));
          }
          this.#methodEnd = pos++;
          this.phase = Phase.START_LINE_B;
        // fallthrough
        case Phase.START_LINE_B: // target
          while (pos < end && TARGET[buffer[pos]] === 1) pos++;
          if (pos === end) continue;
          this.pos = pos;
          if (buffer[pos] !== SP || pos === this.#methodEnd + 1) {
            return this.fail(
              buffer[pos] === CR || buffer[pos] === LF
                ? "bad-version"
                : "bad-target",
            );
          }
          this.#targetEnd = pos++;
          if (end - pos >= 10 && isVersionLine(buffer, pos)) {
            this.pos = pos += 9;
            this.phase = Phase.START_LINE_LF;
          } else this.phase = Phase.START_LINE_C;
          continue;
        case Phase.START_LINE_C: { // version, and the CR behind it
          const index = pos - this.#targetEnd - 1;
          const byte = buffer[pos];
          this.pos = pos;
          if (
            index < 5
              ? byte !== VERSION[index]
              : index === 6
              ? byte !== 0x2e
              : index < 8
              ? byte < ZERO || byte > ZERO + 9
              : byte !== CR
          ) {
            return this.fail(
              index === 8 ? lineFault(byte, "bad-version") : "bad-version",
            );
          }
          if (index === 8) this.phase = Phase.START_LINE_LF;
          pos++;
          continue;
        }
        case Phase.START_LINE_LF:
          this.pos = pos;
          if (buffer[pos] !== LF) return this.fail("bad-line-end");
          if (!this.#checkStartLine()) return false;
          this.pos = pos + 1;
          this.fieldsStart = this.pos;
          this.phase = Phase.LINE;
          return true;
        default:
          return false;
      }
    }
    this.pos = pos;
    return false;
  }

  #checkStartLine(): boolean {
    const buffer = this.buffer;
    const version = this.#targetEnd + 6;
    if (buffer[version] !== ZERO + 1) return this.fail("unsupported-version");
    this.minorVersion = buffer[version + 2] === ZERO ? 0 : 1;
    const target = this.#methodEnd + 1;
    if (this.#isMethod("CONNECT")) {
      // The authority form, which must name a port (RFC 9110 section 9.3.6).
      const colon = buffer.lastIndexOf(0x3a, this.#targetEnd - 1);
      if (
        !isHost(buffer, target, this.#targetEnd) || colon <= target ||
        colon === this.#targetEnd - 1 || buffer[this.#targetEnd - 1] === 0x5d
      ) return this.fail("bad-target-form", target);
      return this.#allowConnect || this.fail("unsupported-method", this.start);
    }
    if (buffer[target] === SLASH) return true;
    if (buffer[target] === ASTERISK && this.#targetEnd - target === 1) {
      return this.#isMethod("OPTIONS") ||
        this.fail("bad-target-form", target);
    }
    return this.#checkAbsoluteForm(target);
  }

  #checkAbsoluteForm(target: number): boolean {
    const buffer = this.buffer;
    const scheme = isWord(buffer, target, "http://")
      ? 7
      : isWord(buffer, target, "https://")
      ? 8
      : 0;
    if (scheme === 0) return this.fail("bad-target", target);
    const authority = target + scheme;
    let end = authority;
    while (
      end < this.#targetEnd && buffer[end] !== SLASH &&
      buffer[end] !== 0x3f
    ) end++;
    return end > authority && isHost(buffer, authority, end) ||
      this.fail("bad-target", authority);
  }

  /** @ignore */
  protected override field(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    switch (nameEnd - nameStart) {
      case 4:
        if (!isWord(this.buffer, nameStart, "host")) return;
        if (this.#hasHost) this.fail("repeated-host", nameStart);
        else if (!isHost(this.buffer, valueStart, valueEnd)) {
          this.fail("bad-host", valueStart);
        } else this.#hasHost = true;
        return;
      case 6:
        if (!isWord(this.buffer, nameStart, "expect")) return;
        if (
          !this.expectContinue && valueEnd - valueStart === 12 &&
          isWord(this.buffer, valueStart, "100-continue")
        ) this.expectContinue = true;
        else this.#expectation = true;
        return;
      case 10:
        if (isWord(this.buffer, nameStart, "connection")) {
          this.readConnection(valueStart, valueEnd);
        }
        return;
      case 12:
        if (isWord(this.buffer, nameStart, "content-type")) {
          this.#typeStart = valueStart;
          this.#typeEnd = valueEnd;
        }
        return;
      case 14:
        if (isWord(this.buffer, nameStart, "content-length")) {
          this.readContentLength(valueStart, valueEnd);
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
    this.#methodEnd -= this.start;
    this.#targetEnd -= this.start;
    this.#typeStart -= this.start;
    this.#typeEnd -= this.start;
    this.fieldsStart -= this.start;
    if (!this.#hasHost && this.minorVersion > 0) {
      this.fail("missing-host");
      return;
    }
    if (this.transferEncoding !== null && !this.checkCodings()) return;
    if (this.#expectation) {
      this.fail("unsupported-expectation");
      return;
    }
    // A client of HTTP/1.0 cannot mean it (RFC 9110 section 10.1.1).
    if (this.minorVersion === 0) this.expectContinue = false;
    if (this.contentLength > this.maxContentLength) this.fail("body-too-large");
  }

  /** Whether the method, which is case-sensitive, is this one. */
  #isMethod(method: string): boolean {
    const length = this.#methodEnd - this.start;
    if (length !== method.length) return false;
    for (let i = 0; i < length; i++) {
      if (this.buffer[this.start + i] !== method.charCodeAt(i)) return false;
    }
    return true;
  }
}

/** Whether "HTTP/1.1" and a line end stand there: what nearly all send. */
function isVersionLine(buffer: Uint8Array, pos: number): boolean {
  return buffer[pos + 7] === ZERO + 1 && buffer[pos + 5] === ZERO + 1 &&
    buffer[pos] === 0x48 && buffer[pos + 1] === 0x54 &&
    buffer[pos + 2] === 0x54 && buffer[pos + 3] === 0x50 &&
    buffer[pos + 4] === SLASH && buffer[pos + 6] === 0x2e &&
    buffer[pos + 8] === CR && buffer[pos + 9] === LF;
}

function lineFault<T extends string>(
  byte: number,
  other: T,
): T | "bad-line-end" {
  return byte === CR || byte === LF ? "bad-line-end" : other;
}

const METHODS: Record<number, string[]> = {
  0x44: ["DELETE"],
  0x47: ["GET"],
  0x48: ["HEAD"],
  0x4f: ["OPTIONS"],
  0x50: ["POST", "PUT", "PATCH"],
};

/** A method's interned name: comparing it is then a comparison of pointers. */
function methodOf(head: string, end: number): string {
  for (const method of METHODS[head.charCodeAt(0)] ?? []) {
    if (method.length === end && head.startsWith(method)) return method;
  }
  return head.slice(0, end);
}
