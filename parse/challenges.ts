import { checkList, checkText } from "./arguments.ts";
import {
  BACKSLASH,
  DQUOTE,
  EQUALS,
  FIELD_VALUE,
  HTAB,
  isToken,
  QUOTED_TEXT,
  SP,
  TOKEN,
} from "./chars.ts";
import { dict } from "./dict.ts";
import { trim } from "./fields.ts";

/** A way to log in that a server or proxy offers (RFC 9110 section 11.6.1). */
export interface Challenge {
  /** The scheme in lower case, `basic` say. */
  scheme: string;
  /** What follows the scheme where that are no parameters, else `null`. */
  token68: string | null;
  /** The parameters by lower-case name, without their quotes. */
  parameters: Record<string, string>;
}

const COMMA = 0x2c;

const BLANK = new Uint8Array(256);
BLANK[SP] = BLANK[HTAB] = 1;

/** What lies between the elements of a list, some of which may be empty. */
const GAP = BLANK.slice();
GAP[COMMA] = 1;

/** The characters of a `token68`, without the `=` that it may end with. */
const TOKEN68 = new Uint8Array(256);
for (let i = 0; i < 128; i++) {
  if (/[\w.~+/-]/.test(String.fromCharCode(i))) TOKEN68[i] = 1;
}

/** What a value without quotes may hold, at the worst. */
const UNQUOTED = FIELD_VALUE.slice();
UNQUOTED[DQUOTE] = UNQUOTED[EQUALS] = UNQUOTED[COMMA] = 0;

const EQUALS_SIGN = new Uint8Array(256);
EQUALS_SIGN[EQUALS] = 1;

/**
 * Parses the values of `WWW-Authenticate` or `Proxy-Authenticate`.
 *
 * A comma parts challenges as well as parameters: what has a `=` belongs to
 * the challenge before it, also over the end of a line. A challenge that is
 * malformed or repeats a parameter is left out, and nothing is ever thrown. What
 * cameras write is read: values without quotes though they hold spaces, or with
 * nothing in them.
 *
 * ```ts
 * import { parseChallenges } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const [negotiate, basic] = parseChallenges([
 *   'Negotiate YWJj, Basic realm="a, b"',
 * ]);
 * assertEquals([negotiate.scheme, negotiate.token68], ["negotiate", "YWJj"]);
 * assertEquals([basic.scheme, basic.parameters.realm], ["basic", "a, b"]);
 * ```
 *
 * @param lines The value of each field line, one character a byte.
 */
export function parseChallenges(lines: readonly string[]): Challenge[] {
  checkList("What is parsed", lines);
  const reader = new ChallengeReader();
  for (const line of lines) {
    checkText("Value of a header", line);
    reader.read(line);
  }
  return reader.challenges;
}

/**
 * Parses a list of parameters without a scheme, such as the value of
 * `Authentication-Info` (RFC 9110 section 11.6.3). What is malformed or
 * repeats a parameter gives an empty dictionary.
 */
export function parseAuthParameters(value: string): Record<string, string> {
  checkText("Value of a header", value);
  const reader = new ChallengeReader();
  reader.begin("");
  reader.read(value);
  const [list, ...more] = reader.challenges;
  return list?.scheme === "" && more.length === 0 ? list.parameters : dict();
}

class ChallengeReader {
  readonly challenges: Challenge[] = [];
  /** The last challenge; null where there is none, or it is left out. */
  #current: Challenge | null = null;
  /** The parameter before. */
  #last = "";
  #line = "";

  begin(scheme: string): Challenge {
    const challenge = { scheme, token68: null, parameters: dict<string>() };
    this.#last = "";
    this.challenges.push(challenge);
    return this.#current = challenge;
  }

  read(line: string): void {
    this.#line = line;
    let pos = this.#skip(GAP, 0);
    while (pos < line.length) {
      pos = this.#element(pos);
      // Behind an element a comma must come, or it is not what it seemed.
      pos = this.#skip(BLANK, pos);
      if (!this.#isEnd(pos)) {
        this.#leaveOut();
        pos = this.#resume(pos);
      }
      pos = this.#skip(GAP, pos);
    }
  }

  /** Reads a parameter, or a scheme with what follows it up to a comma. */
  #element(start: number): number {
    const end = this.#skip(TOKEN, start);
    if (end === start) return start;
    const name = this.#line.slice(start, end).toLowerCase();
    const next = this.#skip(BLANK, end);
    if (this.#line.charCodeAt(next) === EQUALS) {
      return this.#parameter(name, next + 1);
    }
    if (next === end && !this.#isEnd(end)) return end;
    if (this.#isEnd(next) && this.#isQop(name)) return next;
    const challenge = this.begin(name);
    if (this.#isEnd(next)) return next;
    const token68End = this.#skip(EQUALS_SIGN, this.#skip(TOKEN68, next));
    if (this.#isEnd(this.#skip(BLANK, token68End))) {
      challenge.token68 = this.#line.slice(next, token68End);
      return token68End;
    }
    const nameEnd = this.#skip(TOKEN, next);
    const equals = this.#skip(BLANK, nameEnd);
    if (nameEnd === next || this.#line.charCodeAt(equals) !== EQUALS) {
      return next;
    }
    const first = this.#line.slice(next, nameEnd).toLowerCase();
    return this.#parameter(first, equals + 1);
  }

  #parameter(name: string, start: number): number {
    const pos = this.#skip(BLANK, start);
    let end: number;
    let value: string | null;
    if (this.#line.charCodeAt(pos) === DQUOTE) {
      [value, end] = this.#quoted(pos + 1);
    } else [value, end] = this.#unquoted(pos);
    const challenge = this.#current;
    if (challenge === null) return end;
    const { parameters } = challenge;
    if (challenge.token68 !== null) this.#takeBack(challenge);
    if (value === null || challenge.token68 !== null || name in parameters) {
      this.#leaveOut();
    } else parameters[name] = value;
    this.#last = name;
    return end;
  }

  /** What seemed a token was a parameter with nothing in it. */
  #takeBack(challenge: Challenge): void {
    const name = /^([^=]+)=$/.exec(challenge.token68!)?.[1];
    if (name === undefined || !isToken(name)) return;
    challenge.parameters[name.toLowerCase()] = "";
    challenge.token68 = null;
  }

  /** Whether a word goes on with a `qop` that has no quotes around its list. */
  #isQop(word: string): boolean {
    const parameters = this.#current?.parameters;
    if (
      parameters?.qop === undefined || this.#last !== "qop" ||
      word !== "auth" && word !== "auth-int"
    ) return false;
    parameters.qop += `, ${word}`;
    return true;
  }

  /**
   * A value without quotes: a token by the grammar. Cameras leave the quotes
   * out where there are spaces, or nothing, between the commas.
   */
  #unquoted(start: number): [value: string | null, end: number] {
    const line = this.#line;
    let end = this.#skip(UNQUOTED, start);
    // What ends in `=` is Base64; others begin a parameter.
    end = this.#skip(EQUALS_SIGN, end);
    if (!this.#isEnd(this.#skip(BLANK, end))) return [null, end];
    return [trim(line, start, end), end];
  }

  /** A quoted string, null where it is broken, and where it ends. */
  #quoted(start: number): [value: string | null, end: number] {
    const line = this.#line;
    let text = "";
    let isBroken = false;
    for (let from = start, pos = start;;) {
      pos = this.#skip(QUOTED_TEXT, pos);
      if (pos >= line.length) return [null, line.length];
      const code = line.charCodeAt(pos);
      if (code === DQUOTE) {
        text += line.slice(from, pos);
        return [isBroken ? null : text, pos + 1];
      }
      if (code === BACKSLASH) {
        text += line.slice(from, pos);
        from = pos + 1;
        // A backslash at the very end leaves the string without its quote.
        if (FIELD_VALUE[line.charCodeAt(from)] !== 1) isBroken = true;
        pos = from + 1;
      } else {
        isBroken = true;
        pos++;
      }
    }
  }

  #leaveOut(): void {
    if (this.#current !== null) this.challenges.pop();
    this.#current = null;
  }

  /** The next comma that is in no quoted string. */
  #resume(pos: number): number {
    const line = this.#line;
    while (pos < line.length && line.charCodeAt(pos) !== COMMA) {
      pos = line.charCodeAt(pos) === DQUOTE
        ? this.#quoted(pos + 1)[1]
        : pos + 1;
    }
    return pos;
  }

  #isEnd(pos: number): boolean {
    return pos >= this.#line.length || this.#line.charCodeAt(pos) === COMMA;
  }

  #skip(chars: Uint8Array, pos: number): number {
    const line = this.#line;
    while (pos < line.length && chars[line.charCodeAt(pos)] === 1) pos++;
    return pos;
  }
}
