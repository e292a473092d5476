import { CliError, ExitCode } from "./exit_codes.ts";

/** What the command reads from: `Deno.stdin`, or a test's. */
export interface CliInput {
  /** Reads some bytes; `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Whether somebody sits there and types. */
  isTerminal(): boolean;
  /** Takes keys as they are pressed, and does not show them. */
  setRaw(isRaw: boolean): void;
}

/** What the command writes to: `Deno.stdout` and `Deno.stderr`, or a test's. */
export interface CliOutput {
  /** Writes some of the bytes, and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Whether a terminal shows it. */
  isTerminal(): boolean;
}

/** The command's surroundings. */
export interface CliIo {
  /** Where data and messages are read from. */
  stdin: CliInput;
  /** Where what was asked for goes. */
  stdout: CliOutput;
  /** Where all that is said about it goes. */
  stderr: CliOutput;
  /** A variable of the environment; `undefined` where it may not be read. */
  env(name: string): string | undefined;
  /** How wide the terminal is. */
  columns(): number;
  /** A clock that never goes back, in ms. */
  now(): number;
  /** Calls back when the user wants an end. Returns what takes that back. */
  onInterrupt(listener: () => void): () => void;
}

/** Whether a permission is there; nobody is asked for it. */
function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

/** The process's own surroundings. */
export function systemIo(): CliIo {
  return {
    stdin: Deno.stdin,
    stdout: Deno.stdout,
    stderr: Deno.stderr,
    env: (variable) =>
      isGranted({ name: "env", variable }) ? Deno.env.get(variable) : undefined,
    columns() {
      try {
        return Deno.consoleSize().columns || 80; // some do not know theirs
      } catch {
        return 80; // no terminal has a size to tell
      }
    },
    now: () => performance.now(),
    onInterrupt(listener) {
      const signals: Deno.Signal[] = Deno.build.os === "windows"
        ? ["SIGINT"]
        : ["SIGINT", "SIGTERM"];
      for (const signal of signals) Deno.addSignalListener(signal, listener);
      return () => {
        for (const signal of signals) {
          Deno.removeSignalListener(signal, listener);
        }
      };
    },
  };
}

/** The addresses of this machine, as far as they may be asked for. */
export function ownAddresses(): string[] {
  if (!isGranted({ name: "sys", kind: "networkInterfaces" })) return [];
  return Deno.networkInterfaces()
    .filter(({ address }) => !/^fe80:/i.test(address))
    .map(({ address }) => address);
}

const encoder = new TextEncoder();

/**
 * Writes all of it.
 *
 * @throws {CliError} If nobody takes it.
 */
export async function writeAll(
  output: CliOutput,
  data: string | Uint8Array,
): Promise<void> {
  let rest = typeof data === "string" ? encoder.encode(data) : data;
  try {
    while (rest.length > 0) rest = rest.subarray(await output.write(rest));
  } catch (cause) {
    // Who pipes into `head` knows that the rest is not read.
    const isPipe = cause instanceof Deno.errors.BrokenPipe;
    const why = isPipe ? "" : `Cannot write output: ${reason(cause)}`;
    throw new CliError(ExitCode.WRITE, why, { cause });
  }
}

/** Writes a line, so that it cannot do anything but be read. */
export async function writeLine(
  output: CliOutput,
  text: string,
): Promise<void> {
  await writeAll(output, text + "\n");
}

/** All that comes in. */
export async function readInput(input: CliInput): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of inputPieces(input)) pieces.push(piece);
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
}

/** What comes in, as it comes. */
export async function* inputPieces(
  input: CliInput,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  for (;;) {
    const buffer = new Uint8Array(65536);
    const length = await input.read(buffer);
    if (length === null) return;
    if (length > 0) yield buffer.subarray(0, length);
  }
}

/** Why the system refused something, without its number and our own path. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error \d+\).*$/s, "");
}
