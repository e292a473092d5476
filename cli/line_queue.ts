import { after } from "../transport/clock.ts";
import { type CliOutput, writeAll } from "./io.ts";

/** Characters of lines that may wait to be written; what comes on top is lost. */
const MAX_WAITING = 4 * 1024 * 1024;
/** How long the end waits for somebody to read, in ms. */
const MAX_FLUSH = 1000;

/** Writes lines, one after the other, and nobody has to wait for it. */
export class LineQueue {
  readonly #output: CliOutput;
  #waiting: string[] = [];
  #length = 0;
  #writing: Promise<void> | null = null;
  #lost = 0;

  constructor(output: CliOutput) {
    this.#output = output;
  }

  /** How many lines nobody took in time. */
  get lost(): number {
    return this.#lost;
  }

  /** Adds a line, without the line feed at its end. */
  add(line: string): void {
    if (this.#length + line.length >= MAX_WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting.push(line + "\n");
    this.#length += line.length + 1;
    this.#writing ??= this.#write();
  }

  /** Resolves when all is written, or nobody has taken it for a while. */
  async flushed(): Promise<void> {
    if (this.#writing === null) return;
    const late = Promise.withResolvers<void>();
    const callOff = after(MAX_FLUSH, late.resolve);
    await Promise.race([this.#writing, late.promise]);
    callOff();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.splice(0).join("");
      try {
        await writeAll(this.#output, lines);
      } catch {
        // The work goes on where nobody reads of it.
      }
      this.#length -= lines.length;
    }
    this.#writing = null;
  }
}
