/**
 * Measures the client beside `fetch` and undici, and prints a table for each
 * load.
 *
 *     deno run -A bench/client.ts [load...] [--rounds N] [--requests N]
 *
 * @module
 */
import {
  benchPath,
  capture,
  firstLine,
  freePort,
  spawnPinned,
  startServer,
  stop,
  stopAll,
} from "./processes.ts";
import { formatTable, summarize } from "./report.ts";

const LOADS: Record<string, string> = {
  sequential: "GETs on one kept-alive connection, one after the other",
  concurrent: "50 GETs at a time over at most 10 connections",
  pipelined: "50 GETs at a time over one connection, 16 on their way",
  download: "200 MiB, read piece by piece",
  upload: "200 MiB from a stream, chunked",
};

/** What is held to: a metric over that of another client. */
const BOUNDS: {
  loads: string[];
  metric: "cpu" | "rate";
  over: string;
  limit: number;
}[] = [
  {
    loads: ["sequential", "concurrent", "pipelined"],
    metric: "cpu",
    over: "fetch",
    limit: 0.8,
  },
  {
    loads: ["sequential", "concurrent", "pipelined"],
    metric: "cpu",
    over: "undici",
    limit: 1.0,
  },
  { loads: ["download"], metric: "rate", over: "fetch", limit: 1.0 },
];

const UNDICI = "undici@7"; // the last that runs on Node 20
const ROUND_TIMEOUT = 120_000;

interface Sample {
  /** Requests or MiB in a second. */
  rate: number;
  /** Processor time for one, in us. */
  cpu: number;
}

/** A client process that runs its load whenever it is told to. */
export class Peer {
  /** As in the tables. */
  readonly name: string;
  /** What its rounds gave. */
  readonly samples: Sample[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(name: string, child: Deno.ChildProcess) {
    this.name = name;
    this.#child = child;
    this.#writer = child.stdin.getWriter();
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Starts it, and waits until it is ready. */
  static async start(name: string, command: string[]): Promise<Peer> {
    const child = spawnPinned("load", command);
    const line = await firstLine(child, ROUND_TIMEOUT);
    if (line !== "ready") throw new Error(`${name} says "${line}"`);
    return new Peer(name, child);
  }

  /** Tells it a line, and takes the one that it answers. */
  async ask(text: string): Promise<string> {
    await this.#writer.write(new TextEncoder().encode(`${text}\n`));
    return await firstLine(this.#child, ROUND_TIMEOUT);
  }

  /** One round. */
  async run(): Promise<Sample> {
    const { count, micros, cpu } = JSON.parse(await this.ask("go"));
    return { rate: count / (micros / 1e6), cpu: cpu / count };
  }

  /** Ends it. */
  async end(): Promise<void> {
    await this.#writer.close().catch(() => {});
    await stop(this.#child, 1000);
  }
}

/** Puts undici where `clients/undici.mjs` looks for it; whether that worked. */
export async function installUndici(dir: string): Promise<boolean> {
  return await capture(
    "npm",
    ...["install", "--prefix", dir, "--no-save", "--prefer-offline"],
    ...["--ignore-scripts", "--no-audit", "--no-fund", UNDICI],
  ) !== null;
}

async function findCommands(dir: string): Promise<[string, string[]][]> {
  const deno = [Deno.execPath(), "run", "-A", "--quiet"];
  const node = await capture("node", "-p", "process.execPath");
  const commands: [string, string[]][] = [
    ["uhttp", [...deno, benchPath("clients/uhttp.ts")]],
    ["fetch", [...deno, benchPath("clients/fetch.ts")]],
  ];
  if (node !== null && await installUndici(dir)) {
    commands.push(["undici", [node, benchPath("clients/undici.mjs"), dir]]);
  } else console.log("Without undici: it needs node and npm");
  return commands;
}

async function measure(
  load: string,
  commands: [string, string[]][],
  rounds: number,
  requests: number,
): Promise<Peer[]> {
  const port = freePort();
  const server = await startServer("server", [
    ...[Deno.execPath(), "run", "-A", "--quiet"],
    ...[benchPath("clients/server.ts"), String(port)],
  ], port);
  const peers: Peer[] = [];
  try {
    for (const [name, command] of commands) {
      const args = [String(port), load, String(requests)];
      peers.push(await Peer.start(name, [...command, ...args]));
    }
    // The first round is a warm-up; the order turns by one a round.
    for (let round = 0; round <= rounds; round++) {
      for (let i = 0; i < peers.length; i++) {
        const peer = peers[(i + round) % peers.length];
        const sample = await peer.run();
        if (round > 0) peer.samples.push(sample);
      }
    }
  } finally {
    for (const peer of peers) await peer.end();
    await server.stop();
  }
  return peers;
}

function ratio(peer: Peer, base: Peer, metric: keyof Sample) {
  return summarize(
    peer.samples.map((sample, i) => sample[metric] / base.samples[i][metric]),
  )!;
}

function report(load: string, peers: Peer[]): void {
  const unit = load === "download" || load === "upload" ? "MiB" : "req";
  const [subject, ...others] = peers;
  const rows = peers.map((peer) => [
    peer.name,
    summarize(peer.samples.map(({ rate }) => rate))!.median.toFixed(0),
    summarize(peer.samples.map(({ cpu }) => cpu))!.median.toFixed(2),
    ...others.map((base) => ratio(peer, base, "cpu").median.toFixed(2)),
  ]);
  const head = ["client", `${unit}/s`, `CPU us/${unit}`];
  head.push(...others.map(({ name }) => `CPU / ${name}`));
  console.log(`\n${load}: ${LOADS[load]}`);
  for (const line of formatTable([head, ...rows])) console.log(line);
  for (const { loads, metric, over, limit } of BOUNDS) {
    const base = others.find(({ name }) => name === over);
    if (!loads.includes(load) || base === undefined) continue;
    const { median, min, max } = ratio(subject, base, metric);
    const isMet = metric === "cpu" ? median <= limit : median >= limit;
    const sign = metric === "cpu" ? "<=" : ">=";
    console.log(
      `${isMet ? "PASS" : "MISS"}  ${metric} of uhttp over ${over} ${sign} ` +
        `${limit}: ${median.toFixed(3)} (${min.toFixed(3)} to ${
          max.toFixed(3)
        })`,
    );
  }
}

function parseArguments(args: readonly string[]) {
  const loads: string[] = [];
  const numbers = { "--rounds": 5, "--requests": 20_000 };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg in numbers) {
      const value = Number(args[++i]);
      if (!Number.isInteger(value) || value < 1 || value > 1e6) {
        throw new TypeError(`${arg} is a whole number`);
      }
      numbers[arg as keyof typeof numbers] = value;
    } else if (arg in LOADS) loads.push(arg);
    else {throw new TypeError(
        `No load "${arg}"; there are ${Object.keys(LOADS)}`,
      );}
  }
  return {
    loads: loads.length > 0 ? loads : Object.keys(LOADS),
    rounds: numbers["--rounds"],
    requests: numbers["--requests"],
  };
}

if (import.meta.main) {
  let args;
  try {
    args = parseArguments(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(2);
  }
  const dir = Deno.makeTempDirSync({ prefix: "uhttp-bench-" });
  try {
    const commands = await findCommands(dir);
    for (const load of args.loads) {
      const { rounds, requests } = args;
      report(load, await measure(load, commands, rounds, requests));
    }
  } finally {
    await stopAll();
    await Deno.remove(dir, { recursive: true });
  }
  Deno.exit();
}
