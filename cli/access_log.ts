import type { CliOutput } from "./io.ts";
import { LineQueue } from "./line_queue.ts";
import { escapeForLog } from "./plain_text.ts";

/** A request that was answered. */
export interface LogEntry {
  /** The peer's address. */
  address: string;
  /** The request's method. */
  method: string;
  /** Its target, as it came. */
  url: string;
  /** Its protocol. */
  protocol: string;
  /** Status of the answer; `null` if the peer was gone before. */
  status: number | null;
  /** Bytes of its body, as they were sent; `null` if it broke off. */
  length: number | null;
  /** How long it took, in ms. */
  duration: number;
}

/** Characters of a request that are logged: a log is not the peer's to fill. */
const MAX_REQUEST = 1000;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** How requests can be logged. */
export const LOG_FORMATS = ["common", "json", "none"] as const;
/** One of {@linkcode LOG_FORMATS}. */
export type LogFormat = typeof LOG_FORMATS[number];

function beginning(text: string): string {
  return text.length <= MAX_REQUEST ? text : text.slice(0, MAX_REQUEST) + "...";
}

/** The common log format, and seconds behind it. */
export function logLine(entry: LogEntry, date: Date): string {
  const { address, method, url, protocol, status, length, duration } = entry;
  const request = beginning(`${method} ${url} ${protocol}`);
  return `${address} - - [${dateText(date)}] "${escapeForLog(request)}" ` +
    `${status ?? "-"} ${length ?? "-"} ${(duration / 1000).toFixed(3)}`;
}

/** The same as a line of JSON. */
export function logJson(entry: LogEntry, date: Date): string {
  const { address, method, url, protocol, status, length, duration } = entry;
  const text = JSON.stringify({
    time: date.toISOString(),
    address,
    method: beginning(method),
    url: beginning(url),
    protocol,
    status,
    length,
    seconds: Number((duration / 1000).toFixed(3)),
  });
  // What is not ASCII is escaped: a terminal takes some of it for commands.
  return text.replace(
    /[^\x20-\x7e]/g,
    (char) => "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

function dateText(date: Date): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const east = Math.abs(offset);
  return `${pad(date.getDate())}/${MONTHS[date.getMonth()]}/` +
    `${date.getFullYear()}:${pad(date.getHours())}:${pad(date.getMinutes())}:` +
    `${pad(date.getSeconds())} ${offset < 0 ? "-" : "+"}` +
    pad(Math.floor(east / 60)) + pad(east % 60);
}

/** Logs requests, and nobody has to wait for it. */
export class AccessLog {
  readonly #lines: LineQueue;
  readonly #write: (entry: LogEntry, date: Date) => string;

  constructor(output: CliOutput, format: Exclude<LogFormat, "none">) {
    this.#write = format === "json" ? logJson : logLine;
    this.#lines = new LineQueue(output);
  }

  /** How many requests are not in it, as nobody read it in time. */
  get lost(): number {
    return this.#lines.lost;
  }

  /** Adds a line. */
  add(entry: LogEntry): void {
    this.#lines.add(this.#write(entry, new Date()));
  }

  /** Resolves when all is written. */
  flushed(): Promise<void> {
    return this.#lines.flushed();
  }
}
