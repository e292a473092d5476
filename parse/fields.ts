import { checkTextOrBytes } from "./arguments.ts";
import { dict } from "./dict.ts";
import { FIELD_VALUE, isAll, isToken } from "./chars.ts";
import { ProtocolError } from "./errors.ts";
import { byteText } from "./text.ts";

/** Header fields by lower-case name; repeated lines are joined into one value. */
export type HeaderFields = Record<string, string>;

// Field names that most messages carry, and others that have come. A look-up
// gives the interned lower-case form, which is quicker than making it anew for
// every message.
const KNOWN_NAMES: Map<string, string> = new Map(
  `Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges
  Access-Control-Request-Headers Access-Control-Request-Method Age Allow
  Authorization Cache-Control Connection Content-Disposition Content-Encoding
  Content-Language Content-Length Content-Location Content-Range Content-Type
  Cookie DNT Date ETag Expect Expires Forwarded From Host If-Match
  If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive
  Last-Event-ID Last-Modified Link Location Max-Forwards Origin Pragma Priority
  Proxy-Authorization Purpose Range Referer Retry-After Save-Data Sec-CH-UA
  Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch-Mode
  Sec-Fetch-Site Sec-Fetch-User Sec-GPC Sec-WebSocket-Extensions
  Sec-WebSocket-Key Sec-WebSocket-Protocol Sec-WebSocket-Version Server
  Set-Cookie TE Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests
  User-Agent Vary Via X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto
  X-Real-IP X-Request-ID X-Requested-With`.split(/\s+/).flatMap((name) => {
    const lower = name.toLowerCase();
    return [[name, lower], [lower, lower]];
  }),
);

/** So many names are known; longer ones are not. */
const MOST_NAMES = 1024;
const LONGEST_NAME = 64;

function nameOf(text: string): string {
  const known = KNOWN_NAMES.get(text);
  if (known !== undefined) return known;
  const lower = text.toLowerCase();
  if (KNOWN_NAMES.size < MOST_NAMES && text.length <= LONGEST_NAME) {
    KNOWN_NAMES.set(text, lower);
  }
  return lower;
}

/**
 * Reads the field lines of a head that has already been checked byte by byte.
 *
 * @param text The head, one character a byte.
 * @param from Where its first field line starts.
 */
export function readFields(text: string, from: number): HeaderFields {
  const fields = dict<string>();
  for (let pos = from;;) {
    const colon = text.indexOf(":", pos);
    if (colon < 0) return fields;
    const name = text.slice(pos, colon);
    const key = nameOf(name);
    const end = text.indexOf("\r\n", colon);
    const value = trim(text, colon + 1, end);
    const before = fields[key];
    fields[key] = before === undefined
      ? value
      : before + (key === "cookie" ? "; " : ", ") + value;
    pos = end + 2;
  }
}

/** The value of the first line of one field. `key` is lower-case. */
export function readField(
  text: string,
  from: number,
  key: string,
): string | undefined {
  for (let pos = from;;) {
    const colon = text.indexOf(":", pos);
    if (colon < 0) return undefined;
    const end = text.indexOf("\r\n", colon);
    if (
      colon - pos === key.length && text.slice(pos, colon).toLowerCase() === key
    ) return trim(text, colon + 1, end);
    pos = end + 2;
  }
}

/** The values of every line of one field, in order. `key` is lower-case. */
export function readFieldLines(
  text: string,
  from: number,
  key: string,
): string[] {
  const values: string[] = [];
  for (let pos = from;;) {
    const colon = text.indexOf(":", pos);
    if (colon < 0) return values;
    const end = text.indexOf("\r\n", colon);
    if (
      colon - pos === key.length && text.slice(pos, colon).toLowerCase() === key
    ) values.push(trim(text, colon + 1, end));
    pos = end + 2;
  }
}

/** A part of a text without the blanks around it: SP and HTAB, nothing else. */
export function trim(
  text: string,
  start: number = 0,
  end: number = text.length,
): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Reads one field line without its line end: name in lower case, and value.
 *
 * Strict as RFC 9112 section 5 asks: no white space before the colon, no
 * control bytes, no folding.
 *
 * ```ts
 * import { parseHeaderLine } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseHeaderLine("Content-Type: text/html"), [
 *   "content-type",
 *   "text/html",
 * ]);
 * ```
 *
 * @param line The line; bytes are read one character a byte.
 * @throws {ProtocolError} If the line is not to the letter of the grammar.
 */
export function parseHeaderLine(
  line: string | Uint8Array,
): [name: string, value: string] {
  checkTextOrBytes("Header line", line);
  const text = typeof line === "string" ? line : byteText(line);
  const colon = text.indexOf(":");
  if (text.startsWith(" ") || text.startsWith("\t")) {
    throw new ProtocolError("folded-field", 0);
  }
  const name = text.slice(0, Math.max(colon, 0));
  if (!isToken(name)) throw new ProtocolError("bad-field-name", 0);
  const value = trim(text, colon + 1, text.length);
  if (!isAll(value, FIELD_VALUE)) {
    throw new ProtocolError("bad-field-value", colon + 1);
  }
  return [name.toLowerCase(), value];
}

/** Whether a comma-separated list of tokens holds one, in any case. */
export function hasItem(list: string | undefined, item: string): boolean {
  const wanted = item.toLowerCase();
  return list !== undefined &&
    list.toLowerCase().split(",").some((one) => trim(one) === wanted);
}
