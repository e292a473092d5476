import type { ProtocolErrorCode, RequestParserOptions } from "../../parse.ts";

/** What a row expects of one request. */
export interface ExpectedRequest {
  /** Default: "GET". */
  method?: string;
  /** Default: "/". */
  target?: string;
  /** Default: "HTTP/1.1". */
  protocol?: string;
  /** All fields; not looked at where it is absent. */
  headers?: Record<string, string>;
  /** One character a byte; default: "". */
  body?: string;
  /** Default: "". */
  trailer?: string;
  /** Default: `true`. */
  keepAlive?: boolean;
  /** Default: `false`. */
  expectContinue?: boolean;
  /** Default: `false`. */
  upgrade?: boolean;
}

/** Bytes from a peer, and what must come of them. */
export interface RequestRow {
  name: string;
  /** Where it is written; "house" for rules of this library. */
  rfc: string;
  /** One character a byte. */
  input: string;
  options: RequestParserOptions;
  /** The requests that are complete. */
  requests: ExpectedRequest[];
  /** How it ends: all read, part of a message in hand, or a fault. */
  end: "complete" | "pending" | Fault;
}

/** A fault, by code and status, and at which byte of its message. */
export interface Fault {
  code: ProtocolErrorCode;
  status: number;
  offset?: number;
}

/** Stands in the input of a row where the fault is found; it is not sent. */
const MARK = "‸";

/** Rows that are accepted: bytes, then the requests; a GET of "/" by default. */
export function accept(
  rfc: string,
  rows: Record<string, string | [string, ...ExpectedRequest[]]>,
  options: RequestParserOptions = {},
): RequestRow[] {
  return Object.entries(rows).map(([name, row]) => {
    const [input, ...requests] = typeof row === "string" ? [row, {}] : row;
    return { name, rfc, input, options, requests, end: "complete" };
  });
}

/** Rows that are not complete: more bytes must come. */
export function wait(
  rfc: string,
  rows: Record<string, string | [string, ...ExpectedRequest[]]>,
  options: RequestParserOptions = {},
): RequestRow[] {
  return accept(rfc, rows, options).map((row) => ({
    ...row,
    requests: typeof rows[row.name] === "string" ? [] : row.requests,
    end: "pending",
  }));
}

/** Rows that are refused, perhaps behind requests that are good. */
export function refuse(
  status: number,
  code: ProtocolErrorCode,
  rfc: string,
  rows: Record<string, string | [string, ...ExpectedRequest[]]>,
  options: RequestParserOptions = {},
): RequestRow[] {
  return Object.entries(rows).map(([name, row]) => {
    const [marked, ...requests] = typeof row === "string" ? [row] : row;
    const mark = marked.indexOf(MARK);
    const input = marked.replace(MARK, "");
    const end: Fault = { code, status };
    // The offset counts from the start of the message at fault.
    if (mark >= 0 && requests.length === 0) end.offset = mark;
    return { name, rfc, input, options, requests, end };
  });
}

/** A GET of "/" with further field lines, each with its CR LF. */
export function get(lines = ""): string {
  return `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
}

/** A POST with further field lines, and what follows the head. */
export function post(lines: string, rest: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n${rest}`;
}

/** A chunked POST. */
export function chunked(rest: string): string {
  return post("Transfer-Encoding: chunked\r\n", rest);
}
