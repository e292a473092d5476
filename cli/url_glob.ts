import { usageError } from "./exit_codes.ts";

/** So many URLs are made of one. */
export const MAX_URLS = 10_000;

/** A URL that was written with others, in short. */
export interface Globbed {
  /** The URL's text. */
  text: string;
  /** What stands for each part, in order: `#1` and so on in a file's name. */
  values: string[];
}

/** What is written once: a text, or the several that may stand there. */
type Part = string | string[];

const SET = /^\{([^{}]*)\}/;
const NUMBERS = /^\[(\d{1,12})-(\d{1,12})(?::(\d{1,9}))?\]/;
const LETTERS = /^\[([a-z])-([a-z])(?::(\d{1,9}))?\]/i;

/**
 * The URLs that `{a,b}`, `[1-9]`, `[01-20:5]` and `[a-f]` stand for, the last
 * part changing first, as curl has it. Other brackets are what they are: an
 * IPv6 address, or a part of a query.
 *
 * @throws {CliError} If there are too many, or a range leads nowhere.
 */
export function expandUrl(text: string): Globbed[] {
  const parts = partsOf(text);
  const sets = parts.filter((part) => typeof part !== "string");
  const count = sets.reduce((product, set) => product * set.length, 1);
  if (count > MAX_URLS) throw tooMany(text);
  const urls: Globbed[] = [];
  for (let number = 0; number < count; number++) {
    const values: string[] = [];
    let rest = number;
    for (const set of sets.toReversed()) {
      values.unshift(set[rest % set.length]);
      rest = Math.floor(rest / set.length);
    }
    let at = 0;
    const whole = parts.map((part) =>
      typeof part === "string" ? part : values[at++]
    );
    urls.push({ text: whole.join(""), values });
  }
  return urls;
}

function tooMany(text: string): Error {
  return usageError(`More than ${MAX_URLS} URLs: ${text}`);
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let plain = "";
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at, at + 10_000);
    const set = SET.exec(rest);
    const numbers = NUMBERS.exec(rest);
    const letters = LETTERS.exec(rest);
    const match = set ?? numbers ?? letters;
    // What is in braces without a comma is a template, or a mistake.
    if (match === null || set !== null && !set[1].includes(",")) {
      plain += text[at++];
      continue;
    }
    const values = set !== null
      ? set[1].split(",")
      : numbers !== null
      ? numbersOf(numbers)
      : lettersOf(letters!);
    parts.push(plain, values);
    plain = "";
    at += match[0].length;
  }
  return [...parts, plain];
}

function numbersOf([all, first, last, by = "1"]: RegExpExecArray): string[] {
  const [from, to, step] = [Number(first), Number(last), Number(by)];
  if (from > to || step === 0) throw usageError(`No range: ${all}`);
  if ((to - from) / step >= MAX_URLS) throw tooMany(all);
  // 01 says how many digits each has.
  const digits = first.startsWith("0") ? first.length : 1;
  const values: string[] = [];
  for (let value = from; value <= to; value += step) {
    values.push(String(value).padStart(digits, "0"));
  }
  return values;
}

function lettersOf([all, first, last, by = "1"]: RegExpExecArray): string[] {
  const [from, to] = [first.charCodeAt(0), last.charCodeAt(0)];
  const isOneCase = (from < 97) === (to < 97);
  if (from > to || Number(by) === 0 || !isOneCase) {
    throw usageError(`No range: ${all}`);
  }
  const values: string[] = [];
  for (let code = from; code <= to; code += Number(by)) {
    values.push(String.fromCharCode(code));
  }
  return values;
}

/** A file's name in which `#1` stands for the first part, and so on. */
export function nameWith(output: string, values: readonly string[]): string {
  return output.replace(
    /#(\d)/g,
    (all, digit) => values[Number(digit) - 1] ?? all,
  );
}
