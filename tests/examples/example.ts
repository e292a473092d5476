import { resolve } from "@std/path";

const ROOT = resolve(import.meta.dirname!, "../..");
/** After this time an example that hangs is killed, in ms. */
const DEADLINE = 20_000;

/** The source of an example. */
export function readExample(name: string): Promise<string> {
  return Deno.readTextFile(`${ROOT}/examples/${name}`);
}

/** The command of an example's first line, with further arguments. */
async function commandOf(
  name: string,
  args: string[],
  cwd: string = ROOT,
): Promise<Deno.Command> {
  const [line] = (await readExample(name)).split("\n", 1);
  const [slashes, deno, ...words] = line.split(" ");
  const script = words.pop();
  if (slashes !== "//" || deno !== "deno" || script !== `examples/${name}`) {
    throw new Error(`First line of ${name} does not run it: ${line}`);
  }
  return new Deno.Command(Deno.execPath(), {
    args: [...words, `${ROOT}/${script}`, ...args],
    cwd,
    env: { DENO_NO_PROMPT: "1", DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(DEADLINE),
  });
}

/** Runs an example that ends by itself; gives what it wrote. */
export async function runExample(
  name: string,
  args: string[],
  cwd?: string,
): Promise<{ code: number; lines: string[]; errors: string }> {
  const { code, stdout, stderr } = await (await commandOf(name, args, cwd))
    .output();
  const decoder = new TextDecoder();
  return {
    code,
    lines: decoder.decode(stdout).trimEnd().split("\n"),
    errors: decoder.decode(stderr),
  };
}

/** The lines that a process writes. */
export class Lines {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #pending = "";
  /** All that was written so far. */
  text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits for a line that matches; passes over others. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const end = this.#pending.indexOf("\n");
      if (end >= 0) {
        const match = pattern.exec(this.#pending.slice(0, end));
        this.#pending = this.#pending.slice(end + 1);
        if (match !== null) return match;
      } else if (!await this.#more()) {
        throw new Error(`Ended without ${pattern}:\n${this.text}`);
      }
    }
  }

  /** Waits for the end: that of all processes that write here. */
  async rest(): Promise<void> {
    while (await this.#more());
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#reader.read();
    if (done) return false;
    this.#pending += value;
    this.text += value;
    return true;
  }
}

/** An example that runs by its own first line, with a port of its choice. */
export class Example implements AsyncDisposable {
  readonly pid: number;
  readonly output: Lines;
  readonly errors: Lines;
  readonly #child: Deno.ChildProcess;
  readonly #timer: ReturnType<typeof setTimeout>;
  #addresses: URL[] = [];
  #ended: Promise<Deno.CommandStatus> | null = null;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.pid = child.pid;
    this.output = new Lines(child.stdout);
    this.errors = new Lines(child.stderr);
    this.#timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE);
  }

  /**
   * Starts an example and waits for its address.
   *
   * @param name The file in examples/.
   * @param options `args`: what follows the script; `cwd`: where it runs, the
   * project by default.
   */
  static async start(
    name: string,
    options: { args?: string[]; cwd?: string } = {},
  ): Promise<Example> {
    const command = await commandOf(name, options.args ?? ["0"], options.cwd);
    const child = command.spawn();
    const example = new Example(child);
    try {
      const { input } = await example.output.until(/^Listening on /);
      example.#addresses = input.match(/https?:\/\/\S+/g)!
        .map((address) => new URL(address));
    } catch (error) {
      await example.stop("SIGKILL");
      throw new Error(`Cannot start ${name}:\n${example.errors.text}`, {
        cause: error,
      });
    }
    return example;
  }

  /** The address that it printed first. */
  get url(): URL {
    return this.#addresses[0];
  }

  /** All addresses that it printed. */
  get urls(): URL[] {
    return this.#addresses;
  }

  /** Where to connect a socket to, in the form that a `RawClient` takes. */
  get addr(): Deno.NetAddr {
    const port = Number(this.url.port);
    return { transport: "tcp", hostname: "127.0.0.1", port };
  }

  /** Sends a signal. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Ends it, and waits until it and its children are gone. */
  stop(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    return this.#ended ??= this.#end(signal);
  }

  async #end(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    try {
      this.signal(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // ended by itself
    }
    await Promise.all([this.output.rest(), this.errors.rest()]);
    const status = await this.#child.status;
    clearTimeout(this.#timer);
    return status;
  }

  /** Ends it, and throws unless it ended in good order. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== null) return;
    const { success, code, signal } = await this.stop();
    if (!success) {
      throw new Error(`Ended with ${signal ?? code}:\n${this.errors.text}`);
    }
  }
}
