// Processes: servers pinned to one core, loads to the other, and what /proc
// says of them. Only what was started here is ever ended.

/** The core that servers run on, and the one that loads run on. */
export const SERVER_CORE = "0";
export const LOAD_CORE = "1";

const READY_TIMEOUT = 15_000;
const LOAD_GRACE = 30_000;

const here = `${import.meta.dirname}/`;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const running = new Set<Deno.ChildProcess>();
let stopping = false;

/** The path of a file of this directory. */
export function benchPath(name: string): string {
  return here + name;
}

/** Runs a short command; `null` where there is no such command or it fails. */
export async function capture(
  command: string,
  ...args: string[]
): Promise<string | null> {
  try {
    const output = await new Deno.Command(command, { args }).output();
    return output.success ? decoder.decode(output.stdout).trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A server that was started, by the id that it says it has. */
export interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts `command` on the server's core and waits for its line `pid N`. */
export async function startServer(
  name: string,
  command: string[],
  port: number,
): Promise<Server> {
  const child = spawnPinned("server", command);
  child.stdin.close();
  try {
    const line = await firstLine(child, READY_TIMEOUT);
    // taskset becomes the command, so a different id means that the command is
    // a wrapper: its processor time would be measured instead of the server's.
    if (line !== `pid ${child.pid}`) {
      throw new Error(`Expected "pid ${child.pid}" but got "${line}"`);
    }
    await waitForPort(port, READY_TIMEOUT);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { name, port, pid: child.pid, stop: () => stop(child) };
}

/**
 * Runs a load on its core to its end and returns what it printed.
 *
 * @param isInterrupted It goes on for longer, and ends when it is interrupted.
 */
export async function runLoad(
  command: string[],
  seconds: number,
  isInterrupted: boolean = false,
): Promise<string> {
  const child = spawnPinned("load", command);
  child.stdin.close();
  const interruption = isInterrupted
    ? setTimeout(() => kill(child, "SIGINT"), seconds * 1000)
    : undefined;
  const timer = setTimeout(
    () => kill(child),
    seconds * 1000 + LOAD_GRACE,
  );
  try {
    const { success, stdout } = await child.output();
    if (!success) throw new Error(`${command[0]} failed`);
    return decoder.decode(stdout);
  } finally {
    clearTimeout(interruption);
    clearTimeout(timer);
    running.delete(child);
  }
}

/** A script of `load/`, run by this very Deno. */
export function denoLoad(
  name: string,
  ...args: (string | number)[]
): string[] {
  // deno-fmt-ignore
  return [
    Deno.execPath(), "run", "-A", "--quiet", benchPath(`load/${name}`),
    ...args.map(String),
  ];
}

/** A load that has said that it stands, until it is released. */
export interface Held {
  readonly line: string;
  /** Writes a line to it. */
  tell(line: string): Promise<void>;
  /** Ends its input, and waits for it to end; returns what it printed then. */
  release(): Promise<string>;
}

/** Starts a load that prints one line and then waits for its input to end. */
export async function holdLoad(
  command: string[],
  seconds: number,
): Promise<Held> {
  const child = spawnPinned("load", command);
  try {
    const line = await firstLine(child, seconds * 1000);
    return {
      line,
      async tell(line) {
        const writer = child.stdin.getWriter();
        await writer.write(encoder.encode(line + "\n"));
        writer.releaseLock();
      },
      async release() {
        await child.stdin.close().catch(() => {}); // it may have ended
        const stopped = stop(child, 5_000);
        let text = "";
        for await (const piece of child.stdout) text += decoder.decode(piece);
        await stopped;
        return text;
      },
    };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

/** Ends whatever was started and still runs; nothing starts after it. */
export async function stopAll(): Promise<void> {
  stopping = true;
  await Promise.all([...running].map((child) => stop(child)));
}

/** Starts a command on the core of servers, or on that of loads. */
export function spawnPinned(
  role: "server" | "load",
  command: string[],
): Deno.ChildProcess {
  if (stopping) throw new Error("Stopping");
  const core = role === "server" ? SERVER_CORE : LOAD_CORE;
  const child = new Deno.Command("taskset", {
    args: ["-c", core, ...command],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  running.add(child);
  return child;
}

/** Ends a process, after so many ms if it has not ended by itself. */
export async function stop(
  child: Deno.ChildProcess,
  patience = 0,
): Promise<void> {
  const timer = setTimeout(() => kill(child), patience);
  await child.status;
  clearTimeout(timer);
  running.delete(child);
}

function kill(
  child: Deno.ChildProcess,
  signal: Deno.Signal = "SIGKILL",
): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended by itself.
  }
}

/** The next line that a process prints; it prints no more than that. */
export async function firstLine(
  child: Deno.ChildProcess,
  timeout: number,
): Promise<string> {
  const timer = setTimeout(() => kill(child), timeout);
  const reader = child.stdout.getReader();
  let text = "";
  try {
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) throw new Error("The process ended before it was ready");
      text += decoder.decode(value);
    }
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
  return text.slice(0, text.indexOf("\n"));
}

/** A port that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Waits until somebody listens on a port of this machine. */
export async function waitForPort(
  port: number,
  timeout: number,
): Promise<void> {
  const until = performance.now() + timeout;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(20);
    }
  }
}

/** Waits. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The processor time of a process since its start, all threads, in us. */
export function cpuMicros(pid: number, ticksPerSecond: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name is in parentheses and may hold anything; the rest is numbers.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return (ticks * 1_000_000) / ticksPerSecond;
}

/** Resident memory in KiB: as it is (`VmRSS`) or at its peak (`VmHWM`). */
export function memoryKib(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const match = new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(status);
  if (!match) throw new Error(`No ${field} for process ${pid}`);
  return Number(match[1]);
}

/** Makes the peak of resident memory start again from what it is now. */
export function resetPeakMemory(pid: number): void {
  Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** How many sockets a process has open. */
export function openSockets(pid: number): number {
  let count = 0;
  for (const entry of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const target = Deno.readLinkSync(`/proc/${pid}/fd/${entry.name}`);
      if (target.startsWith("socket:")) count++;
    } catch {
      // Closed in between.
    }
  }
  return count;
}
