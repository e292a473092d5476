// Runs one scenario: every peer in every round, one after the other.
import {
  type LatencyScenario,
  runLatency,
  startLatency,
  verifyLatency,
} from "./latency.ts";
import type { Peer, PeerName } from "./peers.ts";
import {
  capture,
  cpuMicros,
  denoLoad,
  freePort,
  holdLoad,
  memoryKib,
  openSockets,
  resetPeakMemory,
  runLoad,
  type Server,
  sleep,
  startServer,
} from "./processes.ts";
import {
  type Expected,
  FILE_SIZE,
  IDLE_SETTLE,
  POST_BODY,
  type Sample,
  type Scenario,
  SLOW_DOWNLOADS,
  SLOW_RATE,
  SLOW_SECONDS,
} from "./scenarios.ts";
import {
  runEvents,
  runStream,
  runUpload,
  runWebsocket,
  verifyEvents,
  verifyStream,
  verifyUpload,
  verifyWebsocket,
} from "./streams.ts";
import { runWrk } from "./wrk.ts";

/** How much to measure. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
}

/** Where the certificate, the file and the body lie. */
export interface Fixtures {
  readonly dir: string;
  readonly cert: string;
  readonly ticksPerSecond: number;
}

/** The samples of each peer, round by round; `null` where a round failed. */
export type Samples = Map<PeerName, (Sample | null)[]>;

/** Makes what the scenarios need in `dir`, which the caller removes. */
export async function makeFixtures(
  dir: string,
  scenarios: readonly Scenario[],
): Promise<Fixtures> {
  await Deno.writeTextFile(`${dir}/body.json`, POST_BODY);
  let cert = "";
  if (scenarios.some((scenario) => scenario.tls)) {
    cert = await makeCertificate(dir);
  }
  if (scenarios.some((scenario) => scenario.kind === "file")) {
    await makeFile(`${dir}/big.bin`);
  }
  const ticksPerSecond = Number(await capture("getconf", "CLK_TCK")) || 100;
  return { dir, cert, ticksPerSecond };
}

/** Makes the certificate of `localhost` that the servers over TLS use. */
export async function makeCertificate(dir: string): Promise<string> {
  // deno-fmt-ignore
  const made = await capture(
    "openssl", "req", "-x509", "-nodes", "-days", "2",
    "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
    "-subj", "/CN=localhost",
    "-addext", "basicConstraints=critical,CA:FALSE",
    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "-keyout", `${dir}/key.pem`, "-out", `${dir}/cert.pem`,
  );
  if (made === null) throw new Error("Openssl made no certificate");
  return Deno.readTextFileSync(`${dir}/cert.pem`);
}

async function makeFile(path: string): Promise<void> {
  const block = new Uint8Array(1024 * 1024);
  for (let i = 0; i < block.length; i += 65_536) {
    crypto.getRandomValues(block.subarray(i, i + 65_536));
  }
  using file = await Deno.open(path, { create: true, write: true });
  for (let size = 0; size < FILE_SIZE; size += block.length) {
    let sent = 0;
    while (sent < block.length) sent += await file.write(block.subarray(sent));
  }
}

/** Measures a scenario with those of `peers` that take part in it. */
export async function measure(
  scenario: Scenario,
  peers: readonly Peer[],
  effort: Effort,
  fixtures: Fixtures,
): Promise<Samples> {
  const taking = peers.filter((peer) => scenario.peers.includes(peer.name));
  const samples: Samples = new Map(taking.map((peer) => [peer.name, []]));
  // Memory is measured of processes that have just started.
  const lasting = ["wrk", "stream", "websocket", "latency"].includes(
    scenario.kind,
  );
  const servers = new Map<PeerName, Server>();
  const broken = new Set<PeerName>();
  try {
    // Round 0 warms up and is not kept.
    for (let round = lasting ? 0 : 1; round <= effort.rounds; round++) {
      for (const peer of rotated(taking, round)) {
        if (broken.has(peer.name)) continue;
        let sample: Sample | null = null;
        try {
          const server = servers.get(peer.name) ??
            await startPeer(scenario, peer, fixtures);
          servers.set(peer.name, server);
          sample = await run(scenario, server, effort, fixtures);
        } catch (error) {
          broken.add(peer.name);
          console.error(`${scenario.name}, ${peer.name}: ${message(error)}`);
        }
        if (!lasting || sample === null) {
          await servers.get(peer.name)?.stop();
          servers.delete(peer.name);
        }
        if (round > 0) samples.get(peer.name)?.push(sample);
      }
    }
  } finally {
    for (const server of servers.values()) await server.stop();
  }
  return samples;
}

/** Another order in each round, so that nobody always follows the same one. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function startPeer(
  scenario: Scenario,
  peer: Peer,
  fixtures: Fixtures,
): Promise<Server> {
  const server = scenario.kind === "latency"
    ? await startLatency(scenario as LatencyScenario, peer, fixtures.dir)
    : await startPlain(scenario, peer, fixtures);
  try {
    await verify(scenario, server, fixtures);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function startPlain(
  scenario: Scenario,
  peer: Peer,
  fixtures: Fixtures,
): Promise<Server> {
  const port = freePort();
  return startServer(
    peer.name,
    [...peer.command, String(port), scenario.name, fixtures.dir],
    port,
  );
}

/** Asks once and compares: a wrong answer must not win by being cheap. */
function verify(
  scenario: Scenario,
  server: Server,
  fixtures: Fixtures,
): Promise<void> {
  switch (scenario.kind) {
    case "upload":
      return verifyUpload(scenario, server);
    case "stream":
      return verifyStream(scenario, server);
    case "events":
      return verifyEvents(scenario, server);
    case "websocket":
      return verifyWebsocket(scenario, server);
    case "latency":
      return verifyLatency(
        scenario as LatencyScenario,
        server,
        fixtures.cert,
      );
    default:
      return verifyAnswer(scenario, scenario.expected!, server, fixtures);
  }
}

async function verifyAnswer(
  scenario: Scenario,
  expected: Expected,
  server: Server,
  fixtures: Fixtures,
): Promise<void> {
  using client = Deno.createHttpClient({
    caCerts: scenario.tls ? [fixtures.cert] : [],
  });
  const response = await fetch(url(scenario, server), {
    client,
    method: scenario.method,
    headers: withoutConnection(scenario.headers),
    body: scenario.method === "POST" ? POST_BODY : undefined,
    signal: AbortSignal.timeout(15_000),
  });
  const contentType = response.headers.get("content-type") ?? "";
  if (
    response.status !== 200 || !contentType.startsWith(expected.contentType)
  ) {
    await response.body?.cancel();
    throw new Error(`Answers ${response.status} with type "${contentType}"`);
  }
  if (response.headers.has("content-encoding")) {
    await response.body?.cancel();
    throw new Error("Compresses its answer, which the others do not");
  }
  if (expected.length !== undefined) {
    await response.body?.cancel();
    const length = Number(response.headers.get("content-length"));
    if (length !== expected.length) throw new Error(`Sends ${length} bytes`);
    return;
  }
  const body = await response.text();
  if (expected.check && !expected.check(body)) {
    throw new Error(`Answers wrongly: ${body.slice(0, 200)}`);
  }
}

function withoutConnection(
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  const { Connection: _, ...rest } = headers;
  return rest;
}

function url(scenario: Scenario, server: Server): string {
  const scheme = scenario.tls ? "https" : "http";
  return `${scheme}://127.0.0.1:${server.port}${scenario.path}`;
}

function run(
  scenario: Scenario,
  server: Server,
  effort: Effort,
  fixtures: Fixtures,
): Promise<Sample> {
  const seconds = Math.min(effort.seconds, scenario.maxDuration);
  switch (scenario.kind) {
    case "wrk":
      return runRequests(scenario, server, seconds, fixtures);
    case "file":
      return runFile(scenario, server, seconds, fixtures);
    case "idle":
      return runIdle(scenario, server);
    case "upload":
      return runUpload(scenario, server, seconds, fixtures.ticksPerSecond);
    case "stream":
      return runStream(scenario, server, seconds, fixtures.ticksPerSecond);
    case "events":
      return runEvents(scenario, server, fixtures.ticksPerSecond);
    case "websocket":
      return runWebsocket(scenario, server, seconds, fixtures.ticksPerSecond);
    case "latency":
      return runLatency(
        scenario as LatencyScenario,
        server,
        seconds,
        fixtures.dir,
      );
  }
}

async function runRequests(
  scenario: Scenario,
  server: Server,
  seconds: number,
  { dir, ticksPerSecond }: Fixtures,
): Promise<Sample> {
  const { connections, headers, method, depth } = scenario;
  const before = cpuMicros(server.pid, ticksPerSecond);
  const summary = await runWrk({
    ...{ url: url(scenario, server), seconds },
    ...{ connections, headers, method, depth },
    body: method === "POST" ? `${dir}/body.json` : undefined,
  });
  const cpu = cpuMicros(server.pid, ticksPerSecond) - before;
  if (summary.requests === 0) throw new Error("Answered nothing");
  if (summary.socketErrors > 0) {
    console.error(
      `${scenario.name}, ${server.name}: ${summary.socketErrors} socket ` +
        `errors beside ${summary.requests} requests`,
    );
  }
  return {
    rps: summary.requests / (summary.micros / 1_000_000),
    cpu: cpu / summary.requests,
  };
}

/** What `load/download.ts` prints. */
interface Downloads {
  readonly requests: number;
  readonly micros: number;
}

async function runFile(
  scenario: Scenario,
  server: Server,
  seconds: number,
  { ticksPerSecond }: Fixtures,
): Promise<Sample> {
  const slow = async (time: number, connections: number): Promise<void> => {
    const args = [server.port, scenario.path, time, connections, SLOW_RATE];
    await runLoad(denoLoad("download.ts", "slow", ...args), time);
  };
  // Memory first, in a process that has loaded its code and done little else:
  // what fast downloads leave behind for the collector would hide the growth.
  await slow(1, 1);
  const low = memoryKib(server.pid, "VmRSS");
  resetPeakMemory(server.pid);
  await slow(SLOW_SECONDS, SLOW_DOWNLOADS);
  const high = memoryKib(server.pid, "VmHWM");

  const fast = async (time: number): Promise<Downloads> => {
    const args = [server.port, scenario.path, time];
    return JSON.parse(
      await runLoad(denoLoad("download.ts", "fast", ...args), time),
    );
  };
  await fast(1);
  const before = cpuMicros(server.pid, ticksPerSecond);
  const { requests, micros } = await fast(seconds);
  const cpu = cpuMicros(server.pid, ticksPerSecond) - before;
  return {
    rps: requests / (micros / 1_000_000),
    cpu: cpu / requests,
    mib: (high - low) / 1024 / SLOW_DOWNLOADS,
  };
}

async function runIdle(
  scenario: Scenario,
  server: Server,
): Promise<Sample> {
  const total = scenario.connections;
  // What load makes once, compiled code and the collector's young generation,
  // belongs to no connection: a server that has been at work has it already.
  // deno-fmt-ignore
  await runLoad(["wrk", "-t1", "-c64", "-d2s", url(scenario, server)], 2);
  await holdAndMeasure(server, 1000);
  const before = memoryKib(server.pid, "VmRSS");
  const after = await holdAndMeasure(server, total);
  return { kib: (after - before) / total };
}

/** Resident memory with so many idle connections open. */
async function holdAndMeasure(server: Server, total: number): Promise<number> {
  const held = await holdLoad(denoLoad("idle.ts", server.port, total), 60);
  try {
    await sleep(total > 1000 ? IDLE_SETTLE : 500);
    const open = openSockets(server.pid);
    if (open < total) throw new Error(`Only ${open} sockets are still open`);
    return memoryKib(server.pid, "VmRSS");
  } finally {
    await held.release();
  }
}
