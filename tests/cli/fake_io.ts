import { main } from "../../cli.ts";
import type { CliInput, CliIo, CliOutput } from "../../cli.ts";

const encoder = new TextEncoder();

/** What the command writes, kept. */
export class FakeOutput implements CliOutput {
  readonly #isTerminal: boolean;
  #pieces: Uint8Array[] = [];
  #wakers: (() => void)[] = [];
  /** Thrown by the next write. */
  error: Error | null = null;
  /** How many bytes are taken at once. */
  most = Infinity;

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.error !== null) return Promise.reject(this.error);
    const taken = bytes.slice(0, this.most);
    this.#pieces.push(taken);
    for (const wake of this.#wakers.splice(0)) wake();
    return Promise.resolve(taken.length);
  }

  isTerminal(): boolean {
    return this.#isTerminal;
  }

  get bytes(): Uint8Array {
    const length = this.#pieces.reduce((sum, one) => sum + one.length, 0);
    const whole = new Uint8Array(length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** Waits until something is written that matches. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }
}

/** What somebody types, or pipes in. */
export class FakeInput implements CliInput {
  readonly #isTerminal: boolean;
  #waiting: (Uint8Array | null)[] = [];
  #waker: (() => void) | null = null;
  /** What `setRaw()` was called with. */
  raw: boolean[] = [];

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  /** Types something; `null` is the end. */
  push(text: string | null): void {
    this.#waiting.push(text === null ? null : encoder.encode(text));
    this.#waker?.();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#waiting.length === 0) {
      await new Promise<void>((resolve) => this.#waker = resolve);
    }
    const piece = this.#waiting.shift()!;
    if (piece === null) {
      this.#waiting.push(null);
      return null;
    }
    buffer.set(piece);
    return piece.length;
  }

  isTerminal(): boolean {
    return this.#isTerminal;
  }

  setRaw(isRaw: boolean): void {
    this.raw.push(isRaw);
  }
}

/** Surroundings of a test. */
export interface FakeOptions {
  /** Which of in, out and err are terminals; default "". */
  terminals?: "" | "in" | "out" | "err" | "all";
  /** The environment. */
  env?: Record<string, string>;
  /** What is piped in; the end follows. */
  input?: string;
  /** What the clock says. */
  now?: () => number;
  /** How wide the terminal is. */
  columns?: number;
}

/** The command in a test's surroundings. */
export class FakeIo implements CliIo {
  readonly stdin: FakeInput;
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  readonly #options: FakeOptions;
  readonly #listeners = new Set<() => void>();

  constructor(options: FakeOptions = {}) {
    const { terminals = "", input } = options;
    const has = (name: string) => terminals === name || terminals === "all";
    this.#options = options;
    this.stdin = new FakeInput(has("in"));
    this.stdout = new FakeOutput(has("out"));
    this.stderr = new FakeOutput(has("err"));
    if (input !== undefined) {
      this.stdin.push(input);
      this.stdin.push(null);
    }
  }

  env(name: string): string | undefined {
    return this.#options.env?.[name];
  }

  columns(): number {
    return this.#options.columns ?? 80;
  }

  now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  onInterrupt(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Presses Ctrl-C. */
  interrupt(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Whether somebody waits for Ctrl-C. */
  get isListening(): boolean {
    return this.#listeners.size > 0;
  }
}

/** What a run of the command came to. */
export interface Outcome {
  code: number;
  out: string;
  err: string;
  io: FakeIo;
}

/** Runs the command to its end. */
export async function run(
  args: readonly string[],
  options: FakeOptions = {},
): Promise<Outcome> {
  const io = new FakeIo(options);
  const code = await main(args, io);
  return { code, out: io.stdout.text, err: io.stderr.text, io };
}
