import {
  CR,
  isUsualVersion,
  isVersionByte,
  isWord,
  LF,
  SLASH,
  SP,
  TARGET,
  TOKEN,
} from "./chars.ts";
import type { FieldReader } from "./field_reader.ts";
import { isHost } from "./host.ts";
import {
  MessageParser,
  PARSE_LIMITS,
  type ParseLimits,
} from "./message_parser.ts";
import { OptionNames } from "./option_names.ts";
import { Phase } from "./phase.ts";

/** Limits and choices of a {@linkcode RequestParser}. */
export interface RequestParserOptions extends ParseLimits {
  /** Let CONNECT through; otherwise it fails with 501. Default: `false`. */
  allowConnect?: boolean;
}

const NAMES = new OptionNames<RequestParserOptions>("RequestParser", {
  ...PARSE_LIMITS,
  allowConnect: true,
});

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
  #isHostEmpty = false;
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
    super(options, "request-line-too-long");
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
  protected override begin(): boolean {
    const { input } = this;
    if (
      (input.bytes[input.pos] === CR || this.phase === Phase.EMPTY_LF) &&
      !this.#skipEmptyLine()
    ) return false;
    this.#methodEnd = this.#targetEnd = 0;
    this.#hasHost = this.#isHostEmpty = false;
    this.#typeStart = this.#typeEnd = 0;
    this.#expectation = false;
    this.expectContinue = false;
    return true;
  }

  /** One empty line may come first (RFC 9112 section 2.2); true behind it. */
  #skipEmptyLine(): boolean {
    const { input } = this;
    if (this.phase === Phase.START && input.bytes[input.pos] === CR) {
      input.pos++;
      this.phase = Phase.EMPTY_LF;
    }
    if (this.phase === Phase.EMPTY_LF && input.hasInput) {
      if (input.bytes[input.pos] !== LF) return this.fail("bad-line-end");
      input.pos++;
      this.phase = Phase.SKIPPED;
    }
    return this.phase !== Phase.EMPTY_LF && input.hasInput;
  }

  /** @ignore */
  protected override startLine(end: number): boolean {
    const { input } = this;
    const { bytes, start } = input;
    let pos = input.pos;
    for (; pos < end;) {
      switch (this.phase) {
        case Phase.START_LINE_A: // method
          while (pos < end && TOKEN[bytes[pos]] === 1) pos++;
          if (pos === end) continue;
          if (bytes[pos] !== SP || pos === start) {
            return this.fail(lineFault(bytes[pos], "bad-method"), pos);
          }
          this.#methodEnd = pos - start;
          pos++;
          this.phase = Phase.START_LINE_B;
        // fallthrough
        case Phase.START_LINE_B: { // target
          while (pos < end && TARGET[bytes[pos]] === 1) pos++;
          if (pos === end) continue;
          const byte = bytes[pos];
          if (byte !== SP || pos - start === this.#methodEnd + 1) {
            const isVersion = byte === CR || byte === LF;
            return this.fail(isVersion ? "bad-version" : "bad-target", pos);
          }
          this.#targetEnd = pos - start;
          pos++;
          if (
            end - pos > 9 && bytes[pos + 8] === CR && isUsualVersion(bytes, pos)
          ) {
            pos += 9;
            this.phase = Phase.START_LINE_LF;
          } else this.phase = Phase.START_LINE_C;
          continue;
        }
        case Phase.START_LINE_C: { // version, and the CR behind it
          const index = pos - start - this.#targetEnd - 1;
          const byte = bytes[pos];
          if (index < 8) {
            if (!isVersionByte(byte, index)) {
              return this.fail("bad-version", pos);
            }
          } else if (byte === CR) this.phase = Phase.START_LINE_LF;
          else return this.fail(lineFault(byte, "bad-version"), pos);
          pos++;
          continue;
        }
        default: // START_LINE_LF
          input.pos = pos;
          if (bytes[pos] !== LF) return this.fail("bad-line-end");
          if (!this.#checkStartLine()) return false;
          input.pos = pos + 1;
          this.fieldsStart = pos + 1 - start;
          this.phase = Phase.FIELDS;
          return true;
      }
    }
    input.pos = pos;
    return false;
  }

  #checkStartLine(): boolean {
    const { bytes, start } = this.input;
    const end = start + this.#targetEnd;
    if (bytes[end + 6] !== ZERO + 1) return this.fail("unsupported-version");
    this.minorVersion = bytes[end + 8] === ZERO ? 0 : 1;
    const target = start + this.#methodEnd + 1;
    if (this.#isMethod("CONNECT")) {
      // The authority form, which must name a port (RFC 9110 section 9.3.6).
      const colon = bytes.lastIndexOf(0x3a, end - 1);
      if (
        !isHost(bytes, target, end) || colon <= target || colon === end - 1 ||
        bytes[end - 1] === 0x5d
      ) return this.fail("bad-target-form", target);
      return this.#allowConnect || this.fail("unsupported-method", start);
    }
    if (bytes[target] === SLASH) return true;
    if (bytes[target] === ASTERISK && end - target === 1) {
      return this.#isMethod("OPTIONS") ||
        this.fail("bad-target-form", target);
    }
    return this.#checkAbsoluteForm(target, end);
  }

  #checkAbsoluteForm(target: number, targetEnd: number): boolean {
    const { bytes } = this.input;
    const scheme = isWord(bytes, target, "http://")
      ? 7
      : isWord(bytes, target, "https://")
      ? 8
      : 0;
    if (scheme === 0) return this.fail("bad-target", target);
    const authority = target + scheme;
    let end = authority;
    while (end < targetEnd && bytes[end] !== SLASH && bytes[end] !== 0x3f) {
      end++;
    }
    return end > authority && isHost(bytes, authority, end) ||
      this.fail("bad-target", authority);
  }

  /** @ignore */
  protected override field(line: FieldReader): void {
    const { input } = this;
    switch (line.nameEnd - line.nameStart) {
      case 4: {
        if (!line.isNamed(input, "host")) return;
        const { bytes, start } = input;
        const value = start + line.valueStart;
        const end = start + line.valueEnd(input);
        if (this.#hasHost) this.fail("repeated-host", start + line.nameStart);
        else if (!isHost(bytes, value, end)) this.fail("bad-host", value);
        else {
          this.#hasHost = true;
          if (value === end) this.#isHostEmpty = true;
        }
        return;
      }
      case 6:
        if (!line.isNamed(input, "expect")) return;
        if (!this.expectContinue && line.isValue(input, "100-continue")) {
          this.expectContinue = true;
        } else this.#expectation = true;
        return;
      case 12:
        if (line.isNamed(input, "content-type")) {
          this.#typeStart = line.valueStart;
          this.#typeEnd = line.valueEnd(input);
        }
    }
  }

  /** @ignore */
  protected override headDone(): void {
    if (!this.#hasHost && this.minorVersion > 0) {
      this.fail("missing-host");
      return;
    }
    // That of an http URI is never empty (RFC 9110 section 4.2.1).
    if (this.#isHostEmpty && this.minorVersion > 0) {
      this.fail("bad-host");
      return;
    }
    if (this.codings !== null && !this.checkCodings()) return;
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
    const length = this.#methodEnd;
    if (length !== method.length) return false;
    const { bytes, start } = this.input;
    for (let i = 0; i < length; i++) {
      if (bytes[start + i] !== method.charCodeAt(i)) return false;
    }
    return true;
  }
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
