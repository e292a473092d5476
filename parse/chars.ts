// Byte classes of the grammars of RFC 9110 and 9112, as 256-entry tables.

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const PERCENT = 0x25;
export const PLUS = 0x2b;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;

const ALPHANUMERIC =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function table(chars: string): Uint8Array {
  const bytes = new Uint8Array(256);
  for (let i = 0; i < chars.length; i++) bytes[chars.charCodeAt(i)] = 1;
  return bytes;
}

function range(from: number, to: number, except = ""): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes.fill(1, from, to + 1);
  for (let i = 0; i < except.length; i++) bytes[except.charCodeAt(i)] = 0;
  return bytes;
}

/** `tchar`, RFC 9110 section 5.6.2. */
export const TOKEN: Uint8Array = table(ALPHANUMERIC + "!#$%&'*+-.^_`|~");

/**
 * Bytes of a request target: visible ASCII but `#`. Wider than RFC 3986 on
 * purpose, as browsers send `|`, `^`, braces and brackets unescaped.
 */
export const TARGET: Uint8Array = range(0x21, 0x7e, "#");

/** `field-vchar`, SP and HTAB, RFC 9110 section 5.5. */
export const FIELD_VALUE: Uint8Array = (() => {
  const bytes = range(0x20, 0xff, "\x7f");
  bytes[HTAB] = 1;
  return bytes;
})();

/** `reg-name` (RFC 3986 section 3.2.2) without `%`, and without `,`. */
export const REG_NAME: Uint8Array = table(ALPHANUMERIC + "-._~!$&'()*+;=");

/** `qdtext`, RFC 9110 section 5.6.4. */
export const QUOTED_TEXT: Uint8Array = (() => {
  const bytes = range(0x20, 0xff, '"\\\x7f');
  bytes[HTAB] = 1;
  return bytes;
})();

/** Value of a hexadecimal digit, or 255. */
export const HEX: Uint8Array = (() => {
  const bytes = new Uint8Array(256).fill(255);
  for (let i = 0; i < 10; i++) bytes[0x30 + i] = i;
  for (let i = 0; i < 6; i++) bytes[0x41 + i] = bytes[0x61 + i] = 10 + i;
  return bytes;
})();

const VERSION = [0x48, 0x54, 0x54, 0x50, 0x2f, -1, 0x2e, -1];

/** Whether a byte may have a place in `HTTP-version`, RFC 9112 section 2.3. */
export function isVersionByte(byte: number, place: number): boolean {
  return place === 5 || place === 7
    ? byte >= 0x30 && byte <= 0x39
    : byte === VERSION[place];
}

/** Whether "HTTP/1.1" stands there: what nearly all send. */
export function isUsualVersion(bytes: Uint8Array, pos: number): boolean {
  return bytes[pos + 7] === 0x31 && bytes[pos + 5] === 0x31 &&
    bytes[pos] === 0x48 && bytes[pos + 1] === 0x54 &&
    bytes[pos + 2] === 0x54 && bytes[pos + 3] === 0x50 &&
    bytes[pos + 4] === SLASH && bytes[pos + 6] === 0x2e;
}

/**
 * Whether every character of a string is of a class. What is no string, as
 * types are not checked at run time, is of none.
 */
export function isAll(text: string, chars: Uint8Array): boolean {
  if (typeof text !== "string") return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255 || chars[code] === 0) return false;
  }
  return true;
}

/** Whether a string is a `token`, RFC 9110 section 5.6.2. */
export function isToken(text: string): boolean {
  return isAll(text, TOKEN) && text.length > 0;
}

/**
 * Whether bytes spell a word, in any case. `lower` is lower-case, and the
 * bytes are known to hold no control bytes.
 */
export function isWord(
  buffer: Uint8Array,
  start: number,
  lower: string,
): boolean {
  for (let i = 0; i < lower.length; i++) {
    if ((buffer[start + i] | 0x20) !== lower.charCodeAt(i)) return false;
  }
  return true;
}
