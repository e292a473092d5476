import { join } from "@std/path";
import { ROOT } from "./pages.ts";

/** After this time a block that hangs is killed, in ms. */
const DEADLINE = 30_000;
/** Ports that blocks name. */
const PORTS = [9980, 9981, 9943, 8080];

/**
 * A port that was free a moment ago; none of those that the system gives to
 * others who ask for any.
 */
export function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      Deno.listen({ hostname: "0.0.0.0", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** The code of a block as a process, in a folder of its own. */
export class Running implements AsyncDisposable {
  readonly folder: string;
  /** What the ports of the block became. */
  readonly ports: ReadonlyMap<number, number>;
  readonly #child: Deno.ChildProcess;
  #out = "";
  #errors = "";
  readonly #read: Promise<unknown>;
  #wake: () => void = () => {};

  private constructor(
    folder: string,
    ports: ReadonlyMap<number, number>,
    child: Deno.ChildProcess,
  ) {
    this.folder = folder;
    this.ports = ports;
    this.#child = child;
    this.#read = Promise.all([
      this.#gather(child.stdout, (text) => this.#out += text),
      this.#gather(child.stderr, (text) => this.#errors += text),
    ]);
  }

  /**
   * Runs code, on free ports.
   *
   * @param files What lies in its folder.
   * @param taken Ports that are somebody else's, whom it asks.
   */
  static async start(
    code: string,
    files: Record<string, string>,
    taken: ReadonlyMap<number, number> = new Map(),
  ): Promise<Running> {
    const folder = await Deno.makeTempDir();
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, name);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    const ports = new Map(
      PORTS.map((port) => [port, taken.get(port) ?? freePort()]),
    );
    const text = code.replaceAll(
      /\b\d{4}\b/g,
      (port) => String(ports.get(Number(port)) ?? port),
    );
    await Deno.writeTextFile(join(folder, "block.ts"), text);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-check", "-A", `--config=${join(ROOT, "deno.json")}`],
        "block.ts",
      ],
      cwd: folder,
      env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", TMPDIR: folder },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(DEADLINE),
    }).spawn();
    return new Running(folder, ports, child);
  }

  async #gather(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    add: (text: string) => void,
  ): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      add(text);
      this.#wake();
    }
  }

  /** What it wrote to standard output. */
  get out(): string {
    return this.#out;
  }

  /** Where a port of the block can be asked now. */
  url(path = "/", port = 9980, scheme = "http"): string {
    return `${scheme}://localhost:${this.ports.get(port)}${path}`;
  }

  /** Waits until it listens. */
  async listening(port = 9980): Promise<void> {
    const status = this.#child.status.then(() => "ended" as const);
    for (;;) {
      try {
        const hostname = "127.0.0.1";
        (await Deno.connect({ hostname, port: this.ports.get(port)! })).close();
        return;
      } catch {
        const pause = new Promise((resolve) => setTimeout(resolve, 20));
        if (await Promise.race([status, pause]) === "ended") {
          await this.#read;
          throw new Error(`Ended before it listened:\n${this.#errors}`);
        }
      }
    }
  }

  /** Waits until it has written something. */
  async until(pattern: RegExp): Promise<void> {
    let isEnded = false;
    this.#child.status.then(() => {
      isEnded = true;
      this.#wake();
    });
    while (!pattern.test(this.#out)) {
      if (isEnded) throw new Error(`Ended: ${this.#out}${this.#errors}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits until it ends by itself, as it should. */
  async end(): Promise<void> {
    const { success } = await this.#child.status;
    await this.#read;
    if (!success) throw new Error(`Failed: ${this.#errors}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#read;
    await Deno.remove(this.folder, { recursive: true });
    if (this.#errors !== "") throw new Error(`It says: ${this.#errors}`);
  }
}
