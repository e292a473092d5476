import { checkBytes, checkText, checkTextOrBytes } from "./arguments.ts";
import { dict } from "./dict.ts";
import { HEX, PERCENT, PLUS } from "./chars.ts";
import { trim } from "./fields.ts";

/**
 * A query or form: `null` for a key without `=`, an array for a repeated key.
 */
export type Query = Record<string, string | null | (string | null)[]>;

/** Parameters of a header value: `null` for one without `=`. */
export type HeaderParameters = Record<string, string | null>;

const encoder = new TextEncoder();
/** A byte order mark is a character as any other here: it is of no text. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decodes percent-encoding, and `+` to a space, as in queries and forms.
 *
 * A `%` that two hexadecimal digits do not follow stands for itself.
 *
 * ```ts
 * import { decodePercentEncoding } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = decodePercentEncoding(new TextEncoder().encode("a%20b+c"));
 * assertEquals(new TextDecoder().decode(bytes), "a b c");
 * ```
 *
 * @param bytes What to decode; it is not altered.
 */
export function decodePercentEncoding(
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  checkBytes("What is decoded", bytes);
  return decodeBytes(bytes, true);
}

function decodeBytes(
  bytes: Uint8Array,
  plusIsSpace: boolean,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i];
    if (byte === PLUS && plusIsSpace) byte = 0x20;
    else if (byte === PERCENT && i + 2 < bytes.length) {
      const high = HEX[bytes[i + 1]], low = HEX[bytes[i + 2]];
      if (high < 16 && low < 16) {
        byte = high << 4 | low;
        i += 2;
      }
    }
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

/** More escapes are decoded by the runtime, at once. */
const FEW_ESCAPES = 4;

/**
 * Decodes few escapes of ASCII, which is what most texts have, for a fraction
 * of a call into the runtime; null for all else.
 */
function decodeAscii(text: string, mark: number): string | null {
  let decoded = "";
  let from = 0;
  for (let left = FEW_ESCAPES; mark >= 0; left--) {
    if (left === 0 || mark + 2 >= text.length) return null;
    const high = HEX[text.charCodeAt(mark + 1) & 0xff];
    const low = HEX[text.charCodeAt(mark + 2) & 0xff];
    if (high > 7 || low > 15 || text.charCodeAt(mark + 1) > 0xff) return null;
    if (text.charCodeAt(mark + 2) > 0xff) return null;
    decoded += text.slice(from, mark) + String.fromCharCode(high << 4 | low);
    from = mark + 3;
    mark = text.indexOf("%", from);
  }
  return decoded + text.slice(from);
}

// What of a short text is decoded: a peer may send a hundred thousand of them.
const scratch = new Uint8Array(64);

/** Decodes a short text of ASCII without buffers of its own; null for others. */
function decodeShort(text: string): string | null {
  const { length } = text;
  if (length > scratch.length) return null;
  let end = 0;
  for (let i = 0; i < length; i++) {
    let code = text.charCodeAt(i);
    if (code > 0x7f) return null;
    if (code === PERCENT && i + 2 < length) {
      const high = HEX[text.charCodeAt(i + 1) & 0xff];
      const low = HEX[text.charCodeAt(i + 2) & 0xff];
      if (text.charCodeAt(i + 1) > 0x7f || text.charCodeAt(i + 2) > 0x7f) {
        return null;
      }
      if (high < 16 && low < 16) {
        code = high << 4 | low;
        i += 2;
      }
    }
    scratch[end++] = code;
  }
  return decoder.decode(scratch.subarray(0, end));
}

/** Decodes percent-encoded UTF-8; what is not UTF-8 becomes U+FFFD. */
class TextDecoding {
  // An exception costs as much as some hundred characters: there is one.
  #hasThrown = false;

  decode(text: string): string {
    const mark = text.indexOf("%");
    if (mark < 0) return text;
    const plain = decodeAscii(text, mark);
    if (plain !== null) return plain;
    if (!this.#hasThrown) {
      try {
        return decodeURIComponent(text);
      } catch {
        this.#hasThrown = true;
      }
    }
    if (!/%[\da-f]{2}/i.test(text)) return text;
    return decodeShort(text) ??
      decoder.decode(decodeBytes(encoder.encode(text), false));
  }

  /** The same of a query or form, where a plus is a space. */
  decodeField(text: string): string {
    return this.decode(text.includes("+") ? text.replaceAll("+", " ") : text);
  }
}

/**
 * Parses a query or an `application/x-www-form-urlencoded` body.
 *
 * ```ts
 * import { parseQuery } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals({ ...parseQuery("x=1&x=2&name=J%C3%BCrgen&flag") }, {
 *   x: ["1", "2"],
 *   name: "Jürgen",
 *   flag: null,
 * });
 * ```
 *
 * @param raw The part after `?`, or a form's body (bytes are read as UTF-8).
 * @param query An earlier result to add to; a new dictionary by default.
 */
export function parseQuery(
  raw: string | Uint8Array,
  query: Query = dict(),
): Query {
  checkTextOrBytes("Query", raw);
  const text = typeof raw === "string" ? raw : decoder.decode(raw);
  const decoding = new TextDecoding();
  let mark = -1; // the next "=", which may lie behind many keys without one
  for (let pos = 0; pos < text.length;) {
    let end = text.indexOf("&", pos);
    if (end < 0) end = text.length;
    if (end > pos) {
      if (mark < pos) {
        mark = text.indexOf("=", pos);
        if (mark < 0) mark = text.length;
      }
      const equals = Math.min(mark, end);
      const key = decoding.decodeField(text.slice(pos, equals));
      const value = equals === end
        ? null
        : decoding.decodeField(text.slice(equals + 1, end));
      const before = query[key];
      if (before === undefined) query[key] = value;
      else if (Array.isArray(before)) before.push(value);
      else query[key] = [before, value];
    }
    pos = end + 1;
  }
  return query;
}

/**
 * Splits a request target into its decoded path and its query.
 *
 * Takes the origin form (`/path?query`), the absolute form
 * (`http://host/path?query`), and `*`. A `+` in the path stands for itself.
 *
 * ```ts
 * import { parseUrl } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const { path, query } = parseUrl("/a%20b?x=1");
 * assertEquals([path, query.x], ["/a b", "1"]);
 * ```
 */
export function parseUrl(
  url: string | Uint8Array,
): { path: string; query: Query } {
  checkTextOrBytes("URL", url);
  const text = typeof url === "string" ? url : decoder.decode(url);
  return { path: urlPath(text), query: urlQuery(text) };
}

/** The decoded path of a request target. */
export function urlPath(url: string): string {
  const start = pathStart(url);
  if (start === url.length || url.charCodeAt(start) === 0x3f) return "/";
  const mark = url.indexOf("?", start);
  const raw = start === 0 && mark < 0
    ? url
    : url.slice(start, mark < 0 ? url.length : mark);
  return new TextDecoding().decode(raw);
}

/** The parsed query of a request target; an empty dictionary without one. */
export function urlQuery(url: string): Query {
  const mark = url.indexOf("?");
  return mark < 0 ? dict() : parseQuery(url.slice(mark + 1));
}

/** Where the path of a target starts: after the authority of an absolute form. */
export function pathStart(url: string): number {
  if (url.charCodeAt(0) === 0x2f) return 0;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i.exec(url);
  return scheme === null ? 0 : scheme[0].length;
}

/**
 * Parses the parameters of a header value, as in `Content-Type`,
 * `Content-Disposition` or `Cache-Control` (with `;`).
 *
 * Names are lower-case; a part without `=` has the value `null`. Quoted
 * strings are unquoted (RFC 9110 section 5.6.6), and may hold `;`.
 *
 * ```ts
 * import { parseHeaderParameters } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals({ ...parseHeaderParameters('form-data; name="a;b"') }, {
 *   "form-data": null,
 *   name: "a;b",
 * });
 * ```
 */
export function parseHeaderParameters(value: string): HeaderParameters {
  checkText("Value of a header", value);
  const parameters = dict<string | null>();
  for (let pos = 0; pos < value.length;) {
    let end = pos;
    while (end < value.length && !"=;".includes(value[end])) end++;
    const name = trim(value, pos, end).toLowerCase();
    let parameter: string | null = null;
    if (value[end] === "=") {
      [parameter, end] = parameterValue(value, end + 1);
    }
    if (name !== "" && !(name in parameters)) parameters[name] = parameter;
    pos = end + 1;
  }
  return parameters;
}

/** A token or quoted string from `pos`, and where its semicolon is. */
function parameterValue(value: string, pos: number): [string, number] {
  while (value[pos] === " " || value[pos] === "\t") pos++;
  let end = value.indexOf(";", pos);
  if (end < 0) end = value.length;
  if (value[pos] !== '"') return [trim(value, pos, end), end];
  let text = "";
  for (pos++; pos < value.length && value[pos] !== '"'; pos++) {
    if (value[pos] === "\\" && pos + 1 < value.length) pos++;
    text += value[pos];
  }
  end = value.indexOf(";", pos);
  return [text, end < 0 ? value.length : end];
}

/**
 * Parses a `Cookie` header (RFC 6265 section 4.2) into a dictionary.
 *
 * Quotes around a value are taken off. Of two cookies of one name the first
 * counts: browsers send the one with the longer path first.
 *
 * ```ts
 * import { parseCookies } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals({ ...parseCookies("id=7; theme=dark") }, {
 *   id: "7",
 *   theme: "dark",
 * });
 * ```
 */
export function parseCookies(raw: string): Record<string, string> {
  checkText("Value of a Cookie field", raw);
  const cookies = dict<string>();
  for (let pos = 0; pos < raw.length;) {
    let end = raw.indexOf(";", pos);
    if (end < 0) end = raw.length;
    const equals = raw.indexOf("=", pos);
    if (equals < 0) break;
    if (equals < end) {
      const name = trim(raw, pos, equals);
      if (name !== "" && cookies[name] === undefined) {
        const value = trim(raw, equals + 1, end);
        cookies[name] = value.length > 1 && value.startsWith('"') &&
            value.endsWith('"')
          ? value.slice(1, -1)
          : value;
      }
    }
    pos = end + 1;
  }
  return cookies;
}
