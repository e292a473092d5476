import { FIELD_VALUE, isAll, isToken } from "../parse/chars.ts";
import { dict } from "../parse/dict.ts";
import { isDictionary } from "../parse/option_names.ts";
import type { HttpDate } from "./date.ts";
import { mayHaveLength, STATUS_CODES } from "./status.ts";

/** The value of a field to send, or those of as many lines. */
export type HeaderValue = string | number | readonly (string | number)[];

/** Header fields to send; an array is sent as one line for each value. */
export type HeaderValues = Record<string, HeaderValue>;

/** The same in other forms: `Headers`, a `Map`, pairs of name and value. */
export type HeaderPairs = Headers | Iterable<readonly [string, HeaderValue]>;

/** Fields ready to be written: lower-case names, each value checked. */
export type CheckedHeaders = Record<string, string | string[]>;

const encoder = new TextEncoder();

/**
 * Checks fields and brings their names to lower case.
 *
 * @throws {TypeError} If they are no fields, a name is not a token, or a value
 * holds a control byte or what Latin-1 cannot express.
 */
export function checkHeaders(
  headers: HeaderValues | HeaderPairs,
): CheckedHeaders {
  const checked = dict<string | string[]>();
  for (const [name, value] of fieldsOf<HeaderValue>(headers)) {
    if (typeof name !== "string" || !isToken(name)) {
      throw new TypeError(
        `Header name ${
          JSON.stringify(name) ?? String(name)
        } is not a token: letters, digits and hyphens are`,
      );
    }
    const key = name.toLowerCase();
    const values = Array.isArray(value)
      ? Array.from(value, (one) => checkValue(name, one))
      : checkValue(name, value);
    if (!(key in checked)) checked[key] = values;
    else checked[key] = [checked[key], values].flat();
  }
  return checked;
}

/**
 * Fields as pairs of a name and a value, neither of them checked.
 *
 * @throws {TypeError} If they come in no form that is known.
 */
export function fieldsOf<T = HeaderValue>(
  headers: Record<string, T> | Headers | Iterable<readonly [string, T]>,
): Iterable<readonly [string, T]> {
  if (typeof headers !== "object" || headers === null) {
    throw new TypeError("Headers are not an object");
  }
  if (!(Symbol.iterator in headers)) {
    if (isDictionary(headers)) return Object.entries(headers);
    throw new TypeError("Headers are not an object of values by name");
  }
  const pairs = [...headers as Iterable<unknown>];
  if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    throw new TypeError("Headers are not pairs of a name and a value");
  }
  return pairs as [string, T][];
}

/**
 * Checks the value of a field.
 *
 * @throws {TypeError} If it holds what cannot be sent.
 */
export function checkValue(name: string, value: unknown): string {
  const text = typeof value === "number" && Number.isFinite(value)
    ? String(value)
    : value;
  if (typeof text !== "string") {
    throw new TypeError(`Header "${name}" is not a string or a number`);
  }
  if (!isAll(text, FIELD_VALUE)) {
    throw new TypeError(
      `Header "${name}" holds a control character or one beyond Latin-1`,
    );
  }
  return text;
}

/**
 * Checks what a status line is made of.
 *
 * @throws {RangeError} If the status is not from 200 to 599.
 * @throws {TypeError} If the reason phrase is no string, or holds control
 * characters.
 */
export function checkStatus(status: number, reason?: string): void {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(
      `Status ${String(status)} is not a whole number from 200 to 599`,
    );
  }
  if (reason === undefined) return;
  if (typeof reason !== "string") {
    throw new TypeError("Status message is not a string");
  }
  if (!isAll(reason, FIELD_VALUE)) {
    throw new TypeError("Status message holds a control character");
  }
}

/** Writes the status line, the same for every answer; it has been checked. */
export function writeStatusLine(status: number, reason?: string): string {
  return `HTTP/1.1 ${status} ${reason ?? STATUS_CODES[status] ?? ""}\r\n`;
}

/** Writes field lines; the fields have been checked. */
export function writeFields(headers: CheckedHeaders): string {
  let text = "";
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string") text += `${name}: ${value}\r\n`;
    else for (const one of value) text += `${name}: ${one}\r\n`;
  }
  return text;
}

/**
 * For how long a peer is told that its connection is kept, in seconds: less
 * than it is, as its next request needs time to get here. 0 where that cannot
 * be said in whole seconds.
 *
 * @param timeout For how long it may be idle, in ms.
 */
export function announcedTimeout(timeout: number): number {
  if (timeout < 1000 || timeout === Infinity) return 0;
  return Math.max(1, Math.floor((timeout - KEEP_ALIVE_MARGIN) / 1000));
}

/** Between what a peer is told and what is waited for lies so much, in ms. */
export const KEEP_ALIVE_MARGIN = 500;

/** Below this length a loop beats the call into the runtime. */
const SHORT = 64;

/**
 * Writes text that is Latin-1 into bytes, one byte a character; returns where
 * it ends.
 */
export function writeLatin1(
  text: string,
  into: Uint8Array,
  at: number,
): number {
  const { length } = text;
  if (length > SHORT) {
    const { read, written } = encoder.encodeInto(text, into.subarray(at));
    if (read === length && written === length) return at + length;
  }
  for (let i = 0; i < length; i++) into[at + i] = text.charCodeAt(i);
  return at + length;
}

/**
 * The head of a frequent kind of answer, kept as bytes up to the digits of
 * its `Content-Length`; the date in it is renewed when it is used.
 */
export class HeadTemplate {
  /** The head: status line, date, content type, and `content-length: `. */
  readonly bytes: Uint8Array;
  readonly #date: HttpDate;
  readonly #dateStart: number;
  #version: number;

  /** @param contentType Type of the body; "" for none. */
  constructor(status: number, contentType: string, date: HttpDate) {
    const start = writeStatusLine(status) + "date: ";
    const type = contentType === "" ? "" : `content-type: ${contentType}\r\n`;
    const length = mayHaveLength(status) ? "content-length: " : "";
    this.bytes = encoder.encode(`${start}${date.text}\r\n${type}${length}`);
    this.#date = date;
    this.#dateStart = start.length;
    this.#version = date.version;
  }

  /** Writes the head into a buffer with room for it; returns where it ends. */
  write(into: Uint8Array, at: number): number {
    if (this.#version !== this.#date.version) {
      this.#version = this.#date.version;
      this.bytes.set(this.#date.bytes, this.#dateStart);
    }
    into.set(this.bytes, at);
    return at + this.bytes.length;
  }
}
