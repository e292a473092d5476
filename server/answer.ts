import { HTML_TYPE, JSON_TYPE, OCTET_TYPE } from "../parse/response_data.ts";
import { isToken } from "../parse/chars.ts";
import {
  checkValue,
  type HeaderPairs,
  type HeaderValues,
  HeadTemplate,
  writeLatin1,
} from "../wire/response_head.ts";
import { TEXT_PART } from "../transport/transport.ts";
import { httpDate } from "./date.ts";
import type { Session } from "./session.ts";
import { utf8Length } from "./text_length.ts";

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
    session.note(status, 0);
    return;
  }
  const isShort = text.length <= SHORT_TEXT;
  const out = isShort
    ? session.out.room(headRoom + text.length * 3)
    : session.out.roomBehind(headRoom + roomFor(text.length));
  const digits = template.write(out, session.out.outEnd);
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
  session.out.wrote(end);
  session.note(status, length);
  if (!isShort) session.out.endsInText(text, start);
  if (rest > 0) session.out.appendRest(text, read, rest);
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
  if (!isHead) session.out.append(bytes);
  session.note(status, isHead ? 0 : bytes.length);
}

function writePlainHead(
  session: Session,
  template: HeadTemplate,
  length: number,
  lines: string,
  tail: Uint8Array,
): void {
  const out = session.out.room(
    template.bytes.length + 16 + lines.length + tail.length,
  );
  const digits = template.write(out, session.out.outEnd);
  const at = writeDigits(out, digits, length);
  if (lines !== "") writeLatin1(lines, out, at);
  const end = at + lines.length;
  out.set(tail, end);
  session.out.wrote(end + tail.length);
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
