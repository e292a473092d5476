import { type HeaderFields, trim } from "../parse/fields.ts";
import { httpDate, parseHttpDate } from "../wire/date.ts";

/** What conditions and ranges of a request come to (RFC 9110 sections 13 and 14). */
export interface Verdict {
  /** 200, 206, 304, 412 or 416. */
  status: number;
  /** The first byte to send. */
  start: number;
  /** How many to send. */
  length: number;
  /** The `Content-Range` to send, if any. */
  contentRange?: string;
}

/** What a file's validators are made of. */
type FileFacts = Pick<Deno.FileInfo, "mtime" | "size">;

/** A file's `Last-Modified`. */
export function lastModified(info: FileFacts): string {
  return httpDate(info.mtime ?? 0);
}

/** A file's `ETag`, from its size and its time in milliseconds. */
export function strongTag(info: FileFacts): string {
  const time = info.mtime?.getTime() ?? 0;
  return `"${info.size.toString(36)}-${time.toString(36)}"`;
}

/** Evaluates conditions in the order of RFC 9110 section 13.2.2, then the range. */
export function evaluate(
  method: string,
  headers: HeaderFields,
  etag: string,
  modified: string,
  size: number,
): Verdict {
  const whole: Verdict = { status: 200, start: 0, length: size };
  // Neither where one of them is no date.
  const isAfter = (date: string) =>
    parseHttpDate(modified) > parseHttpDate(date);
  const isNotAfter = (date: string) =>
    parseHttpDate(modified) <= parseHttpDate(date);
  const isRead = isReading(method);
  const ifMatch = headers["if-match"];
  const ifUnmodified = headers["if-unmodified-since"];
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, etag, true)) return { ...whole, status: 412 };
  } else if (ifUnmodified !== undefined && isAfter(ifUnmodified)) {
    return { ...whole, status: 412 };
  }
  const ifNoneMatch = headers["if-none-match"];
  const ifModified = headers["if-modified-since"];
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, etag, false)) {
      return { ...whole, status: isRead ? 304 : 412 };
    }
  } else if (
    isRead && ifModified !== undefined && isNotAfter(ifModified)
  ) {
    return { ...whole, status: 304 };
  }
  const { range } = headers;
  if (method !== "GET" || range === undefined) return whole;
  const ifRange = headers["if-range"];
  if (ifRange !== undefined && ifRange !== etag && ifRange !== modified) {
    return whole;
  }
  return evaluateRange(range, size) ?? whole;
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** What conditions by an entity tag alone come to: 200, 304 or 412. */
export function evaluateTag(
  method: string,
  headers: HeaderFields,
  etag: string,
): 200 | 304 | 412 {
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined && !matches(ifMatch, etag, true)) return 412;
  const ifNoneMatch = headers["if-none-match"];
  if (ifNoneMatch === undefined || !matches(ifNoneMatch, etag, false)) {
    return 200;
  }
  return isReading(method) ? 304 : 412;
}

/** Whether a list of entity tags holds one, by strong or weak comparison. */
function matches(list: string, etag: string, isStrong: boolean): boolean {
  if (trim(list) === "*") return true;
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (isStrong && (weak !== undefined || etag.startsWith("W/"))) continue;
    if (tag === etag.replace(/^W\//, "")) return true;
  }
  return false;
}

/** One byte range; null for what is to be ignored, such as several of them. */
function evaluateRange(range: string, size: number): Verdict | null {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(range);
  if (match === null) return null;
  const [, first, last] = match;
  let start: number, end: number;
  if (first === "") {
    if (last === "") return null;
    start = Math.max(0, size - Number(last));
    end = size;
    if (Number(last) === 0) start = size;
  } else {
    start = Number(first);
    end = last === "" ? size : Math.min(Number(last) + 1, size);
    if (last !== "" && Number(last) < start) return null;
  }
  if (start >= size) {
    return {
      status: 416,
      start: 0,
      length: 0,
      contentRange: `bytes */${size}`,
    };
  }
  return {
    status: 206,
    start,
    length: end - start,
    contentRange: `bytes ${start}-${end - 1}/${size}`,
  };
}
