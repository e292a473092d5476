import { type Answered, commonLogLine, jsonLogLine } from "../server.ts";
import type { CliOutput } from "./io.ts";
import { LineQueue } from "./line_queue.ts";

/** How requests can be logged. */
export const LOG_FORMATS = ["common", "json", "none"] as const;
/** One of {@linkcode LOG_FORMATS}. */
export type LogFormat = typeof LOG_FORMATS[number];

/** Logs requests, and nobody has to wait for it. */
export class AccessLog {
  readonly #lines: LineQueue;
  readonly #write: ((answered: Answered) => string) | null;

  constructor(output: CliOutput, format: LogFormat) {
    this.#write = format === "none"
      ? null
      : format === "json"
      ? jsonLogLine
      : commonLogLine;
    this.#lines = new LineQueue(output);
  }

  /** What a server is to tell; `undefined` where nothing is logged. */
  get onAnswered(): ((answered: Answered) => void) | undefined {
    const write = this.#write;
    if (write === null) return undefined;
    return (answered) => this.#lines.add(write(answered));
  }

  /** How many requests are not in it, as nobody read it in time. */
  get lost(): number {
    return this.#lines.lost;
  }

  /** Resolves when all is written. */
  flushed(): Promise<void> {
    return this.#lines.flushed();
  }
}
