import { type CliOutput, writeAll } from "./io.ts";
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

/** Lines that may wait to be written; what comes on top is lost. */
const MAX_WAITING = 10_000;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** The common log format, and seconds behind it. */
export function logLine(entry: LogEntry, date: Date): string {
  const { address, request, status, length, duration } = entry;
  return `${address} - - [${dateText(date)}] "${escapeForLog(request)}" ` +
    `${status} ${length ?? "-"} ${(duration / 1000).toFixed(3)}\n`;
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

/** Writes lines, one after the other, and nobody has to wait for it. */
export class AccessLog {
  readonly #output: CliOutput;
  #waiting: string[] = [];
  #writing: Promise<void> | null = null;

  constructor(output: CliOutput) {
    this.#output = output;
  }

  /** Adds a line. */
  add(entry: LogEntry): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push(logLine(entry, new Date()));
    this.#writing ??= this.#write();
  }

  /** Resolves when all is written. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      try {
        await writeAll(this.#output, this.#waiting.splice(0).join(""));
      } catch {
        // To serve goes on where nobody reads the log.
      }
    }
    this.#writing = null;
  }
}
