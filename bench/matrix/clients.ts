// Measures one cell of a client: a new process for each, all of them with the
// same server, which is Deno's own: it favours nobody here.
import { Peer } from "../client.ts";
import { rotated } from "../harness.ts";
import {
  freePort,
  memoryKib,
  resetPeakMemory,
  startServer,
} from "../processes.ts";
import type { Sample } from "../scenarios.ts";
import type { CellSamples, Effort, Setup } from "./measure.ts";
import { type Cell, cellLabel, type Name } from "./rows.ts";

/** How long a warm-up is, and what a client has to have worked in it, in us. */
const WARM_UP = 0.3;
const WARM_CPU = 250_000;
const WARM_MOST = 3;

/** Measures a cell. */
export async function measureClients(
  cell: Cell,
  names: readonly Name[],
  { rounds, seconds }: Effort,
  { dir, commands, clients }: Setup,
): Promise<CellSamples> {
  const { row, size } = cell;
  const taking = row.peers
    .filter((name) => clients.has(name) && names.includes(name));
  const samples: CellSamples = new Map(taking.map((name) => [name, []]));
  const port = freePort();
  const server = await startServer("server", [
    ...commands.get("deno_serve")!,
    ...[String(port), `${row.road}/${size}`, dir, "plain"],
  ], port);
  const peers = new Map<Name, Peer>();
  try {
    await Promise.all(taking.map(async (name) => {
      const args = [String(port), row.road, String(size), dir];
      peers.set(
        name,
        await Peer.start(name, [...clients.get(name)!, ...args]),
      );
    }));
    for (let round = 0; round <= rounds; round++) {
      for (const name of rotated(taking, round)) {
        const peer = peers.get(name);
        let sample: Sample | null = null;
        try {
          if (peer && round === 0) await warmUp(peer);
          else if (peer) sample = await run(peer, seconds);
        } catch (error) {
          console.error(`${cellLabel(cell)}, ${name}: ${error}`);
          peers.delete(name);
          await peer?.end();
        }
        if (round > 0) samples.get(name)!.push(sample);
      }
    }
    for (const [name, { pid }] of peers) {
      const rss = memoryKib(pid, "VmHWM") / 1024;
      samples.set(
        name,
        samples.get(name)!.map((sample) => sample && { ...sample, rss }),
      );
    }
  } finally {
    for (const peer of peers.values()) await peer.end();
    await server.stop();
  }
  return samples;
}

async function warmUp(peer: Peer): Promise<void> {
  let cpu = 0;
  for (let i = 0; i < WARM_MOST && cpu < WARM_CPU; i++) {
    cpu += JSON.parse(await peer.ask(String(WARM_UP))).cpu;
  }
  resetPeakMemory(peer.pid);
}

async function run(peer: Peer, seconds: number): Promise<Sample> {
  const { count, micros, cpu, p50, p99 } = JSON.parse(
    await peer.ask(String(seconds)),
  );
  return { rps: count / (micros / 1e6), cpu: cpu / count, p50, p99 };
}
