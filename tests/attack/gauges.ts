// What a process under attack says of itself.
import process from "node:process";

/** How things are in a process. Sizes are MiB, times ms. */
export interface Gauges {
  /** Memory of the process. */
  rss: number;
  /** The most that it was since it was asked for last. */
  peak: number;
  /** What is in use once the garbage is collected. */
  heap: number;
  /** Open descriptors. */
  descriptors: number;
  /**
   * The most CPU time spent between two turns of the event loop, since it was
   * asked for last: however loaded the machine is, nobody is served meanwhile.
   */
  turn: number;
  /** The same as time that went by. */
  delay: number;
}

const TICK = 10;
const MIB = 1_048_576;

let turn = 0;
let delay = 0;

/** Begins to watch the event loop. */
export function watch(): void {
  let cpu = process.threadCpuUsage();
  let time = performance.now();
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(cpu);
    turn = Math.max(turn, (user + system) / 1000);
    delay = Math.max(delay, performance.now() - time - TICK);
    cpu = process.threadCpuUsage();
    time = performance.now();
  }, TICK);
}

/** Reads them, and begins anew with what is a maximum. */
export async function read(): Promise<Gauges> {
  // Twice, as what is finalised the first time is collected the second.
  for (let i = 0; i < 2; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const status = await Deno.readTextFile("/proc/self/status");
  const peak = Number(/VmHWM:\s*(\d+)/.exec(status)![1]) / 1024;
  await Deno.writeTextFile("/proc/self/clear_refs", "5").catch(() => {});
  let descriptors = -1; // the one that reads the folder
  for await (const _ of Deno.readDir("/proc/self/fd")) descriptors++;
  const { rss, heapUsed, external } = Deno.memoryUsage();
  const gauges = {
    rss: rss / MIB,
    peak,
    heap: (heapUsed + external) / MIB,
    descriptors,
    turn,
    delay,
  };
  turn = delay = 0;
  return gauges;
}

/** What is open, in words, as often as there is such a thing. */
export async function openThings(): Promise<Record<string, number>> {
  const STATES = ["", "established", "", "", "", "time-wait", "", "close-wait"];
  const sockets = new Map<string, string>();
  for (
    const line of (await Deno.readTextFile("/proc/self/net/tcp")).split("\n")
  ) {
    const [, from, to, state, , , , , , inode] = line.trim().split(/\s+/);
    if (inode === undefined) continue;
    const port = parseInt(to.split(":")[1], 16);
    const name = STATES[parseInt(state, 16)] || `state ${state}`;
    sockets.set(
      inode,
      port === 0
        ? `listener ${parseInt(from.split(":")[1], 16)}`
        : `${name} to ${port}`,
    );
  }
  const all: Record<string, number> = {};
  for await (const { name } of Deno.readDir("/proc/self/fd")) {
    const link = await Deno.readLink(`/proc/self/fd/${name}`).catch(() => "");
    const inode = /socket:\[(\d+)\]/.exec(link)?.[1];
    const what = inode === undefined
      ? link.replace(/\d+/g, "N")
      : sockets.get(inode) ?? "another socket";
    all[what] = (all[what] ?? 0) + 1;
  }
  return all;
}
