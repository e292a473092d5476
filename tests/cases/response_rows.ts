import type { ParseLimits, ProtocolErrorCode } from "../../parse.ts";

/** What a row expects of one response. */
export interface ExpectedResponse {
  /** What it answers; default: "GET". */
  method?: string;
  /** Default: 200. */
  status?: number;
  /** Default: "OK". */
  statusMessage?: string;
  /** Default: "HTTP/1.1". */
  protocol?: string;
  /** All fields; not looked at where it is absent. */
  headers?: Record<string, string>;
  /** Default: the length of `body`; but -1 where it is chunked or open. */
  announcedLength?: number;
  /** Whether a body follows the head; default: where `body` is not empty. */
  hasBody?: boolean;
  /** Whether the body ends with the connection; default: `false`. */
  endsWithConnection?: boolean;
  /** One character a byte; default: "". */
  body?: string;
  /** Default: "". */
  trailer?: string;
  /** Default: `true`. */
  keepAlive?: boolean;
  /** Default: `false`. */
  upgrade?: boolean;
  /** Default: `false`. */
  hasCookies?: boolean;
  /** Default: `false`. */
  hasCoding?: boolean;
  /** The value that `keepAliveStart` shows, if any; default: `null`. */
  keepAliveValue?: string | null;
}

/** The bytes of one response, and what is expected of it. */
export interface SentResponse extends ExpectedResponse {
  /** One character a byte. */
  bytes: string;
}

/** One or more responses; where nothing else is said, as by default. */
export type Sent = string | SentResponse | (string | SentResponse)[];

/** Bytes from a peer, and what must come of them. */
export interface ResponseRow {
  name: string;
  /** Where it is written; "house" for rules of this library. */
  rfc: string;
  /** The bytes of each response, one character a byte. */
  parts: string[];
  /** What the responses answer; those to be followed by another do not count. */
  methods: (string | undefined)[];
  options: ParseLimits;
  /** Whether the last one ends with the connection, or has a fault in that. */
  isOpen: boolean;
  /** The responses that are complete, or are so by the connection's end. */
  responses: ExpectedResponse[];
  /**
   * How it ends: all read, a body that the connection's end completes, part of
   * a message in hand, or a fault.
   */
  end: "complete" | "until-close" | "pending" | ResponseFault;
}

/** A fault, by code, and at which byte of its message. */
export interface ResponseFault {
  code: ProtocolErrorCode;
  offset?: number;
}

/** Stands in the bytes of a row where the fault is found; it is not sent. */
const MARK = "‸";

function listOf(sent: Sent): SentResponse[] {
  return (Array.isArray(sent) ? sent : [sent]).map((one) =>
    typeof one === "string" ? { bytes: one } : one
  );
}

/** Whether a response is the last one to its request. */
export function isFinal(status: number): boolean {
  return status >= 200 || status === 101;
}

function rowOf(
  name: string,
  rfc: string,
  sent: SentResponse[],
  options: ParseLimits,
): ResponseRow {
  return {
    name,
    rfc,
    parts: sent.map(({ bytes }) => bytes),
    methods: sent.filter(({ status = 200 }, i) =>
      isFinal(status) || i === sent.length - 1
    ).map(({ method }) => method),
    options,
    responses: sent.map(({ bytes: _, ...expected }) => expected),
    isOpen: sent.at(-1)!.endsWithConnection ?? false,
    end: sent.at(-1)!.endsWithConnection ? "until-close" : "complete",
  };
}

/** Rows that are accepted. */
export function accept(
  rfc: string,
  rows: Record<string, Sent>,
  options: ParseLimits = {},
): ResponseRow[] {
  return Object.entries(rows).map(([name, sent]) =>
    rowOf(name, rfc, listOf(sent), options)
  );
}

/** Rows of which the last response is not complete: more bytes must come. */
export function wait(
  rfc: string,
  rows: Record<string, Sent>,
  options: ParseLimits = {},
): ResponseRow[] {
  return accept(rfc, rows, options).map((row) => ({
    ...row,
    responses: row.responses.slice(0, -1),
    end: "pending",
  }));
}

/** Rows of which the last response is refused. */
export function refuse(
  code: ProtocolErrorCode,
  rfc: string,
  rows: Record<string, Sent>,
  options: ParseLimits = {},
): ResponseRow[] {
  return wait(rfc, rows, options).map((row) => {
    const marked = row.parts.at(-1)!;
    const mark = marked.indexOf(MARK);
    const end: ResponseFault = { code };
    if (mark >= 0) end.offset = mark;
    return {
      ...row,
      parts: [...row.parts.slice(0, -1), marked.replace(MARK, "")],
      end,
    };
  });
}

/** A response with field lines, each with its CR LF, and what follows the head. */
export function response(lines = "", rest = "", start = "200 OK"): string {
  return `HTTP/1.1 ${start}\r\n${lines}\r\n${rest}`;
}

/** One without a body, and further field lines. */
export function ok(lines = ""): string {
  return response(`Content-Length: 0\r\n${lines}`);
}

/** One without a body that begins with this line. */
export function line(start: string): string {
  return `${start}\r\nContent-Length: 0\r\n\r\n`;
}

/** A chunked one. */
export function chunked(rest: string, lines = ""): string {
  return response(`Transfer-Encoding: chunked\r\n${lines}`, rest);
}
