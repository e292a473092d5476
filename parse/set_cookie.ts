import { checkText } from "./arguments.ts";
import { FIELD_VALUE, isAll } from "./chars.ts";
import { trim } from "./fields.ts";

/** A `Set-Cookie` field as it was read, before anybody decides to keep it. */
export interface SetCookie {
  /** The name; "" for a cookie that is a value alone. */
  name: string;
  /** The value as it came, with quotes if it has some; one character a byte. */
  value: string;
  /** `Expires` in ms since the epoch, or `null`. */
  expires: number | null;
  /** `Max-Age` in seconds, zero or less for "now", or `null`. */
  maxAge: number | null;
  /** `Domain` in lower case without a dot in front; `null` if absent or empty. */
  domain: string | null;
  /** `Path`, or `null` where the folder of the request's path is to be taken. */
  path: string | null;
  /** Whether it has `Secure`. */
  secure: boolean;
  /** Whether it has `HttpOnly`. */
  httpOnly: boolean;
  /** `SameSite`; `undefined` if absent or unknown. */
  sameSite: "Strict" | "Lax" | "None" | undefined;
  /** Whether it has `Partitioned`. */
  partitioned: boolean;
}

const MAX_ATTRIBUTE_LENGTH = 1024;
const SAME_SITES = ["Strict", "Lax", "None"] as const;

/**
 * Reads the value of a `Set-Cookie` field as user agents do, which is with
 * much forgiveness (RFC 6265bis section 5.6). Of an attribute that is repeated
 * the last one counts; one over 1024 bytes is passed over.
 *
 * @param line The field's value, one character a byte.
 * @param maxLength Bytes that name and value may have together; default 4096.
 * @returns `null` where the whole cookie is to be ignored: it holds a control
 * byte, is too long, has neither name nor value, or has no name and a value
 * that would pass for a name with the prefix `__Secure-` or `__Host-`.
 */
export function parseSetCookie(
  line: string,
  maxLength: number = 4096,
): SetCookie | null {
  checkText("Value of a Set-Cookie field", line);
  if (!isAll(line, FIELD_VALUE)) return null;
  let end = endOfPart(line, 0);
  const equals = line.indexOf("=");
  const hasName = equals >= 0 && equals < end;
  const name = hasName ? trim(line, 0, equals) : "";
  const value = trim(line, hasName ? equals + 1 : 0, end);
  if (name.length + value.length > maxLength) return null;
  if (name === "" && (value === "" || /^__(?:secure|host)-/i.test(value))) {
    return null;
  }
  const cookie: SetCookie = {
    name,
    value,
    expires: null,
    maxAge: null,
    domain: null,
    path: null,
    secure: false,
    httpOnly: false,
    sameSite: undefined,
    partitioned: false,
  };
  while (end < line.length) {
    const start = end + 1;
    end = endOfPart(line, start);
    // A part of its own, or the search for "=" would run on to the next one.
    const part = line.slice(start, end);
    const mark = part.indexOf("=");
    const attribute = mark < 0 ? "" : trim(part, mark + 1);
    if (attribute.length > MAX_ATTRIBUTE_LENGTH) continue;
    const key = trim(part, 0, mark < 0 ? part.length : mark);
    setAttribute(cookie, key.toLowerCase(), attribute);
  }
  return cookie;
}

function endOfPart(line: string, from: number): number {
  const end = line.indexOf(";", from);
  return end < 0 ? line.length : end;
}

function setAttribute(cookie: SetCookie, key: string, value: string): void {
  switch (key) {
    case "expires":
      // What is no date does not undo a date before it.
      cookie.expires = parseCookieDate(value) ?? cookie.expires;
      break;
    case "max-age":
      if (/^-?\d+$/.test(value)) cookie.maxAge = toSeconds(value);
      break;
    case "domain": {
      const domain = value.startsWith(".") ? value.slice(1) : value;
      cookie.domain = domain === "" ? null : domain.toLowerCase();
      break;
    }
    case "path":
      cookie.path = value.startsWith("/") ? value : null;
      break;
    case "secure":
      cookie.secure = true;
      break;
    case "httponly":
      cookie.httpOnly = true;
      break;
    case "samesite": {
      const lower = value.toLowerCase();
      cookie.sameSite = SAME_SITES.find((one) => one.toLowerCase() === lower);
      break;
    }
    case "partitioned":
      cookie.partitioned = true;
      break;
  }
}

/** Digits to a number that can be counted with; "-0" is 0. */
function toSeconds(digits: string): number {
  const { MAX_SAFE_INTEGER: most } = Number;
  return Math.max(-most, Math.min(most, Number(digits))) + 0;
}

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DELIMITERS = /[\t -/;-@[-`{-~]+/;
const TIME = /^(\d\d?):(\d\d?):(\d\d?)(?!\d)/;
const DAY = /^\d\d?(?!\d)/;
const YEAR = /^\d{2,4}(?!\d)/;

/**
 * Reads a date of a cookie, in any of the many shapes that servers have sent
 * (RFC 6265bis section 5.1.1): a time, a day, the name of a month and a year,
 * in this order of preference wherever they stand. Zones are not looked at:
 * all is UTC.
 *
 * @returns Milliseconds since the epoch, or `null` where it is no date.
 */
export function parseCookieDate(text: string): number | null {
  checkText("Date", text);
  let time = -1, day = -1, month = -1, year = -1;
  for (const token of text.split(DELIMITERS)) {
    let match: RegExpExecArray | null;
    if (time < 0 && (match = TIME.exec(token)) !== null) {
      const [hour, minute, second] = match.slice(1).map(Number);
      if (hour > 23 || minute > 59 || second > 59) return null;
      time = ((hour * 60 + minute) * 60 + second) * 1000;
    } else if (day < 0 && (match = DAY.exec(token)) !== null) {
      day = Number(match[0]);
    } else if (month < 0 && (month = monthOf(token)) >= 0) {
      // Found.
    } else if (year < 0 && (match = YEAR.exec(token)) !== null) {
      year = Number(match[0]);
    }
  }
  if (time < 0 || day < 1 || month < 0 || year < 0) return null;
  if (year < 100) year += year < 70 ? 2000 : 1900;
  if (year < 1601) return null;
  const midnight = Date.UTC(year, month, day);
  // A day that the month does not have comes out as one of the next.
  return midnight < Date.UTC(year, month + 1, 1) ? midnight + time : null;
}

function monthOf(token: string): number {
  return MONTHS.indexOf(token.slice(0, 3).toLowerCase());
}
