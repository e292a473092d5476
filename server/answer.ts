import { encodeJson } from "../parse/json.ts";
import {
  asBytes,
  HTML_TYPE,
  isBytes,
  JSON_TYPE,
  OCTET_TYPE,
  type ResponseData,
} from "../parse/response_data.ts";
import { isToken } from "../parse/chars.ts";
import { OptionNames } from "../parse/option_names.ts";
import { type CookieValue, writeCookie } from "../wire/cookies.ts";
import {
  type CheckedHeaders,
  checkHeaders,
  checkStatus,
  checkValue,
  type HeaderPairs,
  type HeaderValues,
  HeadTemplate,
  writeLatin1,
} from "../wire/response_head.ts";
import { hasResponseBody, mayHaveLength } from "../wire/status.ts";
import { TEXT_PART } from "../transport/transport.ts";
import { httpDate } from "./date.ts";
import type { Session } from "./session.ts";
import { utf8Length } from "./text_length.ts";

/** How to answer, beside the data. */
export interface RespondOptions {
  /** Status code, 200 to 599; default 200. */
  status?: number;
  /** Reason phrase in place of the registered one. */
  statusMessage?: string;
  /** Fields to send; an array is sent as one line for each value. */
  headers?: HeaderValues | HeaderPairs;
  /** Cookies to set (or, with `null`, to delete), by name. */
  cookies?: Record<string, CookieValue>;
}

/** The names of those options. */
export const RESPOND_OPTIONS: Readonly<
  Record<keyof RespondOptions, unknown>
> = { status: true, statusMessage: true, headers: true, cookies: true };
/** Options of answers that have no others. */
export const ANSWER_NAMES: OptionNames<RespondOptions> = new OptionNames(
  "an answer",
  RESPOND_OPTIONS,
);

/** The head of an answer, checked, but for what depends on the body. */
export interface AnswerHead {
  status: number;
  reason: string | undefined;
  headers: CheckedHeaders;
  cookies: string;
}

const encoder = new TextEncoder();

/** A content type, with the heads of answers that have it and no more. */
export class ContentKind {
  readonly type: string;
  readonly #templates: HeadTemplate[] = [];

  /** @param type The content type, checked. */
  constructor(type: string) {
    this.type = type;
  }

  /** The head for a status, checked, that has a body. */
  head(status: number): HeadTemplate {
    return this.#templates[status] ??= new HeadTemplate(
      status,
      this.type,
      httpDate,
    );
  }
}

/** Strings. */
export const HTML_KIND: ContentKind = new ContentKind(HTML_TYPE);
/** Bytes. */
export const OCTET_KIND: ContentKind = new ContentKind(OCTET_TYPE);
/** All that goes as JSON. */
export const JSON_KIND: ContentKind = new ContentKind(JSON_TYPE);

/** So many other content types have heads that are kept. */
const MOST_KINDS = 64;
const kinds = new Map<string, ContentKind>();

/**
 * A content type among those that are kept; null where there are many already.
 *
 * @throws {TypeError} If it cannot be sent.
 */
export function kindOf(type: string): ContentKind | null {
  const kind = kinds.get(type);
  if (kind !== undefined || kinds.size >= MOST_KINDS) return kind ?? null;
  const made = new ContentKind(checkValue("content-type", type));
  kinds.set(type, made);
  return made;
}

/** Fields that mean something to the answer itself. */
const OWN_FIELDS = new Set([
  ...["connection", "content-length", "date", "keep-alive"],
  ...["transfer-encoding", "upgrade"],
]);
const MOST_NAMES = 256;
/** Names of fields, as they were given, in lower case; "" for fields above. */
const names = new Map<string, string>();

function fieldName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!isToken(name)) return "";
  const lower = name.toLowerCase();
  const found = OWN_FIELDS.has(lower) ? "" : lower;
  if (names.size < MOST_NAMES) names.set(name, found);
  return found;
}

/** Fields of an answer, other than its type, as lines that follow a line end. */
export interface PlainFields {
  kind: ContentKind;
  lines: string;
}

/**
 * Writes the fields of an answer in short: those that are a name and a value.
 *
 * @param kind What the answer is where no field says so.
 * @returns null for all that takes more care.
 * @throws {TypeError} If a value cannot be sent.
 */
export function plainFields(
  headers: HeaderValues | HeaderPairs,
  kind: ContentKind,
): PlainFields | null {
  let lines = "";
  let type = "";
  if (headers === null) return null;
  if (Object.getPrototypeOf(headers) !== Object.prototype) return null;
  for (const given of Object.keys(headers)) {
    const value = (headers as HeaderValues)[given];
    const name = fieldName(given);
    if (name === "" || typeof value !== "string") return null;
    if (name !== "content-type") {
      lines += `\r\n${name}: ${checkValue(given, value)}`;
    } else if (type === "") type = value;
    else return null;
  }
  const own = type === "" ? kind : kindOf(type);
  return own === null ? null : { kind: own, lines };
}

// What ends a head whose last field is `content-length: ` and digits, where
// the connection is not kept.
const CLOSE = encoder.encode("\r\nconnection: close\r\n\r\n");

/** Room is made for shorter texts whatever characters they are of. */
const SHORT_TEXT = 4096;
/** Room for so much of a text that is longer is made, as most of it is ASCII. */
function roomFor(length: number): number {
  return Math.min(length + (length >> 3), TEXT_PART);
}

/**
 * Queues an answer with the usual fields, and few others, from a template. The
 * status has been checked, and has a body.
 *
 * @param lines Further fields, each behind a line end.
 */
export function writeText(
  session: Session,
  status: number,
  kind: ContentKind,
  text: string,
  isHead: boolean,
  lines = "",
): void {
  const template = kind.head(status);
  const tail = session.keep
    ? session.host.keepTails[session.minorVersion]
    : CLOSE;
  const headRoom = template.bytes.length + 16 + lines.length + tail.length;
  const extra = lines.length + tail.length;
  if (isHead) {
    writePlainHead(session, template, utf8Length(text), lines, tail);
    return;
  }
  const isShort = text.length <= SHORT_TEXT;
  const out = isShort
    ? session.room(headRoom + text.length * 3)
    : session.roomBehind(headRoom + roomFor(text.length));
  const digits = template.write(out, session.outEnd);
  // Most text is ASCII: its length in bytes is known before it is encoded.
  let start = writeDigits(out, digits, text.length) + extra;
  let end: number;
  let read = text.length;
  if (isShort) end = encodeText(text, out, start);
  else {
    // The length may turn out to have a digit more.
    const room = out.subarray(start, out.length - 1);
    const encoded = encoder.encodeInto(text, room);
    ({ read } = encoded);
    end = start + encoded.written;
  }
  const rest = read < text.length ? utf8Length(text.slice(read)) : 0;
  const length = end - start + rest;
  if (length !== text.length) {
    const moved = writeDigits(out, digits, length) + extra;
    if (moved !== start) out.copyWithin(moved, start, end);
    end += moved - start;
    start = moved;
  }
  if (lines !== "") writeLatin1(lines, out, start - extra);
  out.set(tail, start - tail.length);
  session.wrote(end);
  if (rest > 0) session.appendRest(text, read, rest);
}

/** The same with bytes. */
export function writeBytes(
  session: Session,
  status: number,
  kind: ContentKind,
  bytes: Uint8Array,
  isHead: boolean,
  lines = "",
): void {
  const tail = session.keep
    ? session.host.keepTails[session.minorVersion]
    : CLOSE;
  writePlainHead(session, kind.head(status), bytes.length, lines, tail);
  if (!isHead) session.append(bytes);
}

function writePlainHead(
  session: Session,
  template: HeadTemplate,
  length: number,
  lines: string,
  tail: Uint8Array,
): void {
  const out = session.room(
    template.bytes.length + 16 + lines.length + tail.length,
  );
  const digits = template.write(out, session.outEnd);
  const at = writeDigits(out, digits, length);
  if (lines !== "") writeLatin1(lines, out, at);
  const end = at + lines.length;
  out.set(tail, end);
  session.wrote(end + tail.length);
}

/** Writes text as UTF-8 and returns where it ends. */
function encodeText(text: string, out: Uint8Array, at: number): number {
  const length = text.length;
  if (length <= 48) {
    // Below this size a loop beats the call into the runtime.
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      out[at + i] = code;
    }
    if (i === length) return at + length;
  }
  return at + encoder.encodeInto(text, out.subarray(at)).written;
}

/** Writes a number in decimal and returns where it ends. */
function writeDigits(out: Uint8Array, at: number, value: number): number {
  let width = 1;
  for (let limit = 10; value >= limit; limit *= 10) width++;
  for (let i = at + width - 1; i >= at; i--) {
    out[i] = 0x30 + value % 10;
    value = Math.floor(value / 10);
  }
  return at + width;
}

/**
 * Checks the options of an answer.
 *
 * @throws {TypeError} If a header, a cookie or the reason cannot be sent.
 * @throws {RangeError} If the status is none of an answer.
 */
export function checkHead(
  options: RespondOptions,
  defaultStatus = 200,
): AnswerHead {
  const headers = options.headers === undefined
    ? checkHeaders({})
    : checkHeaders(options.headers);
  if (headers["transfer-encoding"] !== undefined) {
    throw new TypeError("Header transfer-encoding is set by the server alone");
  }
  let cookies = "";
  for (const [name, value] of Object.entries(options.cookies ?? {})) {
    cookies += `set-cookie: ${writeCookie(name, value)}\r\n`;
  }
  const status = options.status ?? defaultStatus;
  checkStatus(status, options.statusMessage);
  return { status, reason: options.statusMessage, headers, cookies };
}

/**
 * What a body is made of, its type set where the caller has set none. Text is
 * encoded when it is sent.
 *
 * @throws {TypeError} If the data has no JSON form.
 */
export function makeBody(
  { headers }: AnswerHead,
  data: Exclude<ResponseData, Blob>,
): Uint8Array | string | null {
  if (data === undefined || data === null) return null;
  if (isBytes(data)) {
    headers["content-type"] ??= OCTET_TYPE;
    return asBytes(data);
  }
  const isText = typeof data === "string";
  headers["content-type"] ??= isText ? HTML_TYPE : JSON_TYPE;
  return isText ? data : encodeJson(data);
}

/** Bytes of a body; 0 without one. */
export function bodyLength(body: Uint8Array | string | null): number {
  return typeof body === "string" ? utf8Length(body) : body?.length ?? 0;
}

/**
 * Checks a length that was promised before the body is there.
 *
 * @throws {TypeError} If it is no number of bytes.
 */
export function checkLength(promised: string | string[] | undefined): void {
  if (promised !== undefined && !/^\d{1,15}$/.test(String(promised))) {
    throw new TypeError("Header content-length is not a number of bytes");
  }
}

/**
 * Settles the length that a head promises.
 *
 * @param length Bytes of the body, or null where there is none.
 * @throws {TypeError} If the caller promised another one.
 */
export function setLength(
  head: AnswerHead,
  length: number | null,
  isHead: boolean,
): void {
  const { headers, status } = head;
  const promised = headers["content-length"];
  if (status === 205) length = 0;
  if (!mayHaveLength(status)) {
    delete headers["content-length"];
    return;
  }
  if (promised !== undefined) {
    // An answer to HEAD may tell the length of a body that was never made.
    const isFree = isHead && length === null;
    if (
      isFree
        ? !/^\d+$/.test(String(promised))
        : promised !== String(length ?? 0)
    ) {
      throw new TypeError("Header content-length is not the body's length");
    }
    return;
  }
  headers["content-length"] = String(length ?? 0);
}

/** Queues a whole answer. The head has been checked. */
export function writeWhole(
  session: Session,
  head: AnswerHead,
  body: Uint8Array | string | null,
  isHead: boolean,
  length: number = bodyLength(body),
): void {
  writeHead(session, head);
  if (body === null || !hasResponseBody(isHead, head.status)) return;
  if (typeof body !== "string") session.append(body);
  else session.appendText(body, length);
}

/** Queues a head; a field `connection: close` in it is acted on. */
export function writeHead(session: Session, head: AnswerHead): void {
  const { connection } = head.headers;
  if (connection !== undefined) {
    if (/(?:^|,)\s*close\s*(?:,|$)/i.test(String(connection))) {
      session.keep = false;
    }
    if (!session.keep) delete head.headers.connection;
  }
  session.appendHead(head.status, head.reason, head.headers, head.cookies);
}
