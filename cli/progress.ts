import type { CliIo } from "./io.ts";
import { writeAll } from "./io.ts";
import { durationText, sizeText } from "./sizes.ts";

/** After how many ms it is shown again. */
const INTERVAL = 100;
const BAR = 20;

/** How far a download is, in one line of a terminal. */
export class Progress {
  readonly #io: CliIo;
  readonly #total: number | null;
  readonly #start: number;
  #shownAt = -Infinity;
  #received = 0;

  /**
   * @param total Bytes that will come; null where that is not known.
   */
  constructor(io: CliIo, total: number | null) {
    this.#io = io;
    this.#total = total;
    this.#start = io.now();
  }

  /** Some more bytes have come. */
  async add(bytes: number): Promise<void> {
    this.#received += bytes;
    const now = this.#io.now();
    if (now - this.#shownAt < INTERVAL) return;
    this.#shownAt = now;
    await this.#show("");
  }

  /** No more will come; the line stays. */
  async end(): Promise<void> {
    await this.#show("\n");
  }

  async #show(behind: string): Promise<void> {
    const width = Math.max(1, this.#io.columns() - 1);
    const line = this.#line().slice(0, width);
    await writeAll(this.#io.stderr, `\r${line}\x1b[K${behind}`);
  }

  #line(): string {
    const seconds = (this.#io.now() - this.#start) / 1000;
    const rate = seconds > 0 ? this.#received / seconds : 0;
    const speed = rate > 0 ? `  ${sizeText(rate)}/s` : "";
    const total = this.#total;
    if (total === null) return `${sizeText(this.#received)}${speed}`;
    const part = total === 0 ? 1 : Math.min(1, this.#received / total);
    const percent = String(Math.floor(part * 100)).padStart(3);
    const done = Math.floor(part * BAR);
    const bar = "#".repeat(done) + ".".repeat(BAR - done);
    const left = rate > 0 && part < 1
      ? `  ${durationText((total - this.#received) / rate)} left`
      : "";
    return `${percent}% [${bar}] ${sizeText(this.#received)} of ` +
      `${sizeText(total)}${speed}${left}`;
  }
}
