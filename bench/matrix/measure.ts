// Measures one cell of a server: all its peers started anew, so that memory and
// compiled code are those of this cell alone, and then round by round.
import { exactCpuMicros } from "../cpu_clock.ts";
import { rotated } from "../harness.ts";
import {
  denoLoad,
  freePort,
  memoryKib,
  resetPeakMemory,
  runLoad,
  type Server,
  startServer,
} from "../processes.ts";
import type { Sample } from "../scenarios.ts";
import { runWrk } from "../wrk.ts";
import {
  type Cell,
  cellLabel,
  hasLatency,
  type Name,
  peersOf,
} from "./rows.ts";
import { lengthOnWire, verify } from "./verify.ts";

/** How much to measure. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
}

/** What is there for all cells. */
export interface Setup {
  readonly dir: string;
  readonly cert: string;
  /** The program of each peer, up to its own arguments. */
  readonly commands: ReadonlyMap<Name, readonly string[]>;
  /** The program of each client. */
  readonly clients: ReadonlyMap<Name, readonly string[]>;
}

/** The samples of each peer of a cell, round by round. */
export type CellSamples = Map<Name, (Sample | null)[]>;

/** How long a warm-up is, and what a server has to have worked in it, in us. */
const WARM_UP = 0.3;
const WARM_CPU = 250_000;
const WARM_MOST = 3;
/** How often a start is tried: its port may be taken meanwhile. */
const START_MOST = 3;
/** Of the load's time: requests on one connection need less of it. */
const SINGLE_SHARE = 0.6;
/** A thousand connections are a part of the cost if they come and go soon. */
const MANY_SECONDS = 1.5;
/** So that there is more than a handful of large answers. */
const LARGE_SECONDS = 0.6;
/** From this length on bytes are counted: an answer may be half sent. */
const LONG = 100 * 1024;

/** The path of a cell, which is also what tells a peer its road. */
export function pathOf({ row, size }: Cell): string {
  const path = `/${row.road}/${size}/${row.pieces(size)}`;
  return row.query ? `${path}?${row.query(size)}` : path;
}

/** A peer that runs. */
interface Running {
  readonly server: Server;
  /** The bytes of an answer, where these and not answers are counted. */
  readonly length: number | null;
}

/** Measures a cell. */
export async function measureCell(
  cell: Cell,
  names: readonly Name[],
  effort: Effort,
  setup: Setup,
): Promise<CellSamples> {
  const taking = peersOf(cell).filter((name) => names.includes(name));
  await makeFiles(cell, setup.dir);
  const running = new Map<Name, Running>();
  const samples: CellSamples = new Map(taking.map((name) => [name, []]));
  try {
    // The start of one does not wait for another's: none is measured yet.
    await Promise.all(taking.map(async (name) => {
      const server = await startPeer(cell, name, setup);
      if (server !== null) running.set(name, { server, length: null });
    }));
    for (const name of taking) await warmUp(cell, name, running, setup);
    for (let round = 1; round <= effort.rounds; round++) {
      for (const name of rotated(taking, round)) {
        const peer = running.get(name);
        const sample = peer === undefined ? null : await attemptTwice(
          cell,
          name,
          () => run(cell, peer, effort, setup),
        );
        samples.get(name)!.push(sample);
      }
    }
    for (const [name, { server }] of running) {
      const rss = memoryKib(server.pid, "VmHWM") / 1024;
      samples.set(
        name,
        samples.get(name)!.map((sample) => sample && { ...sample, rss }),
      );
    }
  } finally {
    for (const { server } of running.values()) await server.stop();
  }
  return samples;
}

async function attempt<T>(
  cell: Cell,
  name: Name,
  action: () => Promise<T>,
): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    console.error(`${cellLabel(cell)}, ${name}: ${text}`);
    return null;
  }
}

/** On a busy machine, a load may get no time at all. */
async function attemptTwice<T>(
  cell: Cell,
  name: Name,
  action: () => Promise<T>,
): Promise<T | null> {
  return await attempt(cell, name, action) ??
    await attempt(cell, name, action);
}

async function startPeer(
  cell: Cell,
  name: Name,
  { commands, dir }: Setup,
): Promise<Server | null> {
  for (let left = START_MOST; left > 0; left--) {
    const server = await attempt(cell, name, () => {
      const port = freePort();
      // deno-fmt-ignore
      return startServer(name, [
        ...commands.get(name)!, String(port), pathOf(cell).slice(1), dir,
        cell.isTls ? "tls" : "plain", cell.row.app,
      ], port);
    });
    if (server !== null) return server;
  }
  return null;
}

/** Checks the answer, and leaves a peer out whose answer is not right. */
async function warmUp(
  cell: Cell,
  name: Name,
  running: Map<Name, Running>,
  setup: Setup,
): Promise<void> {
  const server = running.get(name)?.server;
  if (server === undefined) return;
  const peer = await attempt(cell, name, async () => {
    const args = [cell, server, pathOf(cell), setup.cert] as const;
    await verify(...args);
    const length = isLong(cell) ? await lengthOnWire(...args) : null;
    // Where others work on the machine as well, time alone says little.
    const cold = exactCpuMicros(server.pid);
    const most = isHeld(name) ? WARM_MOST : 1;
    for (let i = 0; i < most; i++) {
      await attempt(
        cell,
        name,
        () => runOnce(cell, { server, length }, WARM_UP, setup),
      );
      if (exactCpuMicros(server.pid) - cold >= WARM_CPU) break;
    }
    return { server, length };
  });
  if (peer === null) {
    running.delete(name);
    await server.stop();
  } else {
    running.set(name, peer);
    resetPeakMemory(server.pid);
  }
}

/** Whether much may have been sent of an answer that is not yet whole. */
function isLong({ row, size }: Cell): boolean {
  return row.kind === "http" && !row.body &&
    (row.pieces(size) > 1 || !row.isCount && size >= LONG);
}

async function makeFiles({ row, size }: Cell, dir: string): Promise<void> {
  if (row.body) await Deno.writeTextFile(`${dir}/body.json`, row.body(size));
  if (row.road !== "file") return;
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 7;
  await Deno.writeFile(`${dir}/${size}.bin`, bytes);
}

/** Whether it is one of the two that are compared in all respects. */
function isHeld(name: Name): boolean {
  return name === "uhttp" || name === "deno_serve";
}

/** One round of a peer: the load, and then one connection by itself. */
async function run(
  cell: Cell,
  peer: Running,
  { seconds }: Effort,
  setup: Setup,
): Promise<Sample> {
  const { row, size, connections } = cell;
  const least = connections > 256
    ? MANY_SECONDS
    : size * row.pieces(size) >= 1024 * 1024
    ? LARGE_SECONDS
    : 0;
  const time = Math.max(seconds, least);
  const sample = await runOnce(cell, peer, time, setup);
  const name = peer.server.name as Name;
  if (connections === 1 || !hasLatency(cell) || !isHeld(name)) return sample;
  const single = { ...cell, connections: 1 };
  const latency = await attempt(
    single,
    name,
    () => runOnce(single, peer, time * SINGLE_SHARE, setup),
  );
  return { ...sample, p50: latency?.p50, p99: latency?.p99 };
}

async function runOnce(
  cell: Cell,
  { server, length }: Running,
  seconds: number,
  setup: Setup,
): Promise<Sample> {
  const before = exactCpuMicros(server.pid);
  const { count, micros, ...latency } = cell.row.kind === "websocket"
    ? await runWebsocket(cell, server, seconds, setup)
    : await runRequests(cell, server, length, seconds, setup);
  const cpu = exactCpuMicros(server.pid) - before;
  return { rps: count / (micros / 1e6), cpu: cpu / count, ...latency };
}

/** What a load counted, and what one took where there was one at a time. */
interface Counted {
  readonly count: number;
  readonly micros: number;
  readonly p50?: number;
  readonly p99?: number;
}

async function runRequests(
  cell: Cell,
  server: Server,
  length: number | null,
  seconds: number,
  { dir }: Setup,
): Promise<Counted> {
  const { row, size, connections, isTls } = cell;
  const scheme = isTls ? "https" : "http";
  const summary = await runWrk({
    url: `${scheme}://127.0.0.1:${server.port}${pathOf(cell)}`,
    connections,
    seconds,
    headers: row.fields?.(size),
    method: row.body ? "POST" : "GET",
    body: row.body ? `${dir}/body.json` : undefined,
  });
  // To wrk, an answer that ends with the connection ends with an error.
  if (summary.socketErrors > 0 && row.road !== "multipart") {
    console.error(
      `${cellLabel(cell)}, ${server.name}: ${summary.socketErrors} socket ` +
        `errors beside ${summary.requests} requests`,
    );
  }
  const { requests, bytes, micros, p50, p99 } = summary;
  if (requests === 0 && (length === null || connections === 1)) {
    throw new Error("Answered nothing");
  }
  const count = length === null ? requests : bytes / length;
  return connections === 1 ? { count, micros, p50, p99 } : { count, micros };
}

async function runWebsocket(
  cell: Cell,
  server: Server,
  seconds: number,
  { dir }: Setup,
): Promise<Counted> {
  const { size, connections, isTls } = cell;
  const target = [server.port, pathOf(cell)];
  if (connections === 1) {
    const args = [...target, seconds, "websocket", size, 1];
    if (isTls) args.push(`${dir}/cert.pem`);
    return JSON.parse(await runLoad(denoLoad("latency.ts", ...args), seconds));
  }
  const kind = size <= 10_240 ? "text" : "binary";
  const args = [...target, connections, seconds, kind, size, 1];
  return JSON.parse(await runLoad(denoLoad("websocket.ts", ...args), seconds));
}
