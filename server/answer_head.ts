import { isDictionary, OptionNames } from "../parse/option_names.ts";
import { type CookieValue, writeCookie } from "../wire/cookies.ts";
import {
  type CheckedHeaders,
  checkHeaders,
  checkStatus,
  type HeaderPairs,
  type HeaderValues,
} from "../wire/response_head.ts";

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
/** The same where the answer is data that is here. */
export interface DataOptions extends RespondOptions {
  /**
   * Whether to send an `ETag` made of the data, unless a header names one, and
   * to answer requests that have the same already with 304; default `false`. It
   * costs a SHA-1 of the data, and is for data in memory alone.
   */
  etag?: boolean;
}

/** The names of those. */
export const DATA_NAMES: OptionNames<DataOptions> = new OptionNames(
  "an answer",
  { ...RESPOND_OPTIONS, etag: true },
);
/** Options of answers that have no others. */
export const ANSWER_NAMES: OptionNames<RespondOptions> = new OptionNames(
  "an answer",
  RESPOND_OPTIONS,
);

/** What the application says of an answer, checked, before its body is seen. */
export interface AnswerHead {
  status: number;
  reason: string | undefined;
  headers: CheckedHeaders;
  cookies: string;
}

/** A head of ours, with a type and no more. */
export function plainHead(status: number, type: string): AnswerHead {
  const headers = checkHeaders({ "content-type": type });
  return { status, reason: undefined, headers, cookies: "" };
}

/**
 * Checks the options of an answer.
 *
 * @throws {TypeError} If a header, a cookie or the reason cannot be sent.
 * @throws {RangeError} If the status is none of an answer.
 */
export function checkHead(options: RespondOptions): AnswerHead {
  const headers = checkHeaders(options.headers ?? {});
  if (headers["transfer-encoding"] !== undefined) {
    throw new TypeError("Header transfer-encoding is set by the server alone");
  }
  const given = options.cookies ?? {};
  if (!isDictionary(given)) {
    throw new TypeError("Cookies are not an object of values by name");
  }
  let cookies = "";
  for (const [name, value] of Object.entries(given)) {
    cookies += `set-cookie: ${writeCookie(name, value)}\r\n`;
  }
  const { status = 200, statusMessage } = options;
  checkStatus(status, statusMessage);
  return { status, reason: statusMessage, headers, cookies };
}
