import type { CliOutput } from "./io.ts";
import { LineQueue } from "./line_queue.ts";
import { escapeForLog } from "./plain_text.ts";

/** A request that was answered. */
export interface LogEntry {
  /** The peer's address. */
  address: string;
  /** The request's method, target and protocol, as they came. */
  request: string;
  /** Status of the answer. */
  status: number;
  /** Bytes of its content before compression; `null` if it broke off. */
  length: number | null;
  /** How long it took, in ms. */
  duration: number;
}

/** Characters of a request that are logged: a log is not the peer's to fill. */
const MAX_REQUEST = 1000;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** The common log format, and seconds behind it. */
export function logLine(entry: LogEntry, date: Date): string {
  const { address, request, status, length, duration } = entry;
  const shown = request.length <= MAX_REQUEST
    ? request
    : request.slice(0, MAX_REQUEST) + "...";
  return `${address} - - [${dateText(date)}] "${escapeForLog(shown)}" ` +
    `${status} ${length ?? "-"} ${(duration / 1000).toFixed(3)}`;
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

  constructor(output: CliOutput) {
    this.#lines = new LineQueue(output);
  }

  /** How many requests are not in it, as nobody read it in time. */
  get lost(): number {
    return this.#lines.lost;
  }

  /** Adds a line. */
  add(entry: LogEntry): void {
    this.#lines.add(logLine(entry, new Date()));
  }

  /** Resolves when all is written. */
  flushed(): Promise<void> {
    return this.#lines.flushed();
  }
}
