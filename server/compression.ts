import {
  addVary,
  chooseCoding,
  CONTENT_CODINGS,
  type ContentCoding,
  isCompressible,
} from "../wire/content_coding.ts";
import { OptionNames } from "../parse/option_names.ts";
import { hasResponseBody } from "../wire/status.ts";
import type { AnswerHead } from "./answer_head.ts";

/** How answers are compressed. */
export interface CompressOptions {
  /** Bytes from which on an answer is compressed; default 1024. */
  minLength?: number;
  /** The codings to choose from, best first; default br, gzip, deflate. */
  encodings?: readonly ContentCoding[];
}

/** The same with its defaults. */
export interface Compression {
  readonly minLength: number;
  readonly encodings: readonly ContentCoding[];
}

const NAMES = new OptionNames<CompressOptions>('option "compress"', {
  minLength: true,
  encodings: true,
});

/**
 * Checks the option `compress`.
 *
 * @throws {TypeError} If it is none.
 */
export function checkCompression(
  option: boolean | CompressOptions | undefined,
): Compression | null {
  if (option === undefined || option === false) return null;
  if (option === true) option = {};
  if (typeof option !== "object" || option === null) {
    throw new TypeError('Option "compress" is neither a boolean nor an object');
  }
  NAMES.check(option);
  const { minLength = 1024, encodings = CONTENT_CODINGS } = option;
  if (typeof minLength !== "number" || !(minLength >= 0)) {
    throw new TypeError('Option "compress.minLength" is not a number of bytes');
  }
  if (
    !Array.isArray(encodings) ||
    !encodings.every((coding) => CONTENT_CODINGS.includes(coding))
  ) {
    throw new TypeError(
      'Option "compress.encodings" is not a list of br, gzip and deflate',
    );
  }
  return { minLength, encodings };
}

/**
 * Decides whether an answer is compressed, and how; the head then says so
 * (RFC 9110 sections 8.4 and 12.5.3).
 */
export function applyCoding(
  head: AnswerHead,
  compression: Compression,
  acceptEncoding: string | undefined,
  length: number,
): ContentCoding | null {
  const { headers, status } = head;
  if (
    length < compression.minLength || length === 0 || status === 206 ||
    !hasResponseBody(false, status) ||
    headers["content-encoding"] !== undefined ||
    /\bno-transform\b/i.test(String(headers["cache-control"] ?? "")) ||
    !isCompressible(String(headers["content-type"] ?? ""))
  ) return null;
  headers.vary = addVary(
    String(headers.vary ?? "") || undefined,
    "accept-encoding",
  );
  const coding = chooseCoding(acceptEncoding, compression.encodings);
  if (coding === null || coding === "identity") return null;
  headers["content-encoding"] = coding;
  delete headers["content-length"];
  // The bytes are others now: only a weak comparison may still hold.
  const { etag } = headers;
  if (typeof etag === "string" && etag.startsWith('"')) {
    headers.etag = "W/" + etag;
  }
  return coding;
}
