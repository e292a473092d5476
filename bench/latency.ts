// The scenarios of one user: what each request takes on one connection, with
// nothing else under way. The answers of a server that is not busy at all can
// be slow: two small writes behind each other wait for the peer's delayed
// acknowledgement, some 40 ms, unless the socket has no delay.
import { makeText } from "./matrix/payloads.ts";
import { behindNginx } from "./nginx.ts";
import type { Peer } from "./peers.ts";
import { denoLoad, freePort, runLoad, startServer } from "./processes.ts";
import type { Server } from "./processes.ts";
import { DEFAULTS, type Sample, type Scenario } from "./scenarios.ts";

/** In us: a request that waits for an acknowledgement takes 40,000. */
const NO_DELAY = 2000;

/** What is asked for: the road of the peers, and how the load reads it. */
interface Row {
  readonly label: string;
  readonly road: string;
  readonly load: readonly (string | number)[];
}

const ROWS: readonly Row[] = [
  { label: "text of 1 KB", road: "text/1024", load: ["length", 1024, 1] },
  { label: "text of 10 KB", road: "text/10240", load: ["length", 10_240, 1] },
  {
    label: "text of 100 KB",
    road: "text/102400",
    load: ["length", 102_400, 1],
  },
  {
    label: "3 pieces of 1 KB, streamed",
    road: "stream/1024/3",
    load: ["chunked", 1024, 3],
  },
  {
    label: "2 messages that answer one",
    road: "ws/100/2",
    load: ["websocket", 100, 2],
  },
];

interface Group {
  readonly name: string;
  readonly title: string;
  readonly isTls: boolean;
  readonly isProxied: boolean;
}

const GROUPS: readonly Group[] = [
  {
    name: "latency",
    title: "One request after the other on one connection",
    isTls: false,
    isProxied: false,
  },
  {
    name: "latency-tls",
    title: "The same over TLS",
    isTls: true,
    isProxied: false,
  },
  {
    name: "latency-nginx",
    title: "The same through nginx",
    isTls: false,
    isProxied: true,
  },
  {
    name: "latency-nginx-tls",
    title: "The same, TLS to nginx and plain behind it",
    isTls: true,
    isProxied: true,
  },
];

/** A scenario that is one row in the table of its group. */
export interface LatencyScenario extends Scenario {
  readonly kind: "latency";
  readonly row: Row;
  readonly group: Group;
}

/** All of them: each row in each group. */
export const LATENCIES: readonly LatencyScenario[] = GROUPS.flatMap((group) =>
  ROWS.map((row): LatencyScenario => ({
    ...DEFAULTS,
    kind: "latency",
    name: group.name,
    title: group.title,
    row,
    group,
    peers: ["uhttp", "deno_serve"],
    path: `/${row.road}`,
    tls: group.isTls,
    connections: 1,
    maxDuration: 1,
    expected: null,
    metrics: ["p50", "p99"],
    ratios: ["p50", "p99"],
    bounds: [
      { metric: "p50", over: "deno_serve", limit: 1.1 },
      { metric: "p99", over: "deno_serve", limit: 1.1 },
      // Deno's own server waits for acknowledgements over TLS. A ratio to that
      // would let us wait as well.
      { metric: "p50", limit: NO_DELAY },
    ],
  }))
);

/** Starts a peer on the road of the row, behind nginx where that is said. */
export async function startLatency(
  { row, group }: LatencyScenario,
  peer: Peer,
  dir: string,
): Promise<Server> {
  const port = freePort();
  const scheme = group.isTls && !group.isProxied ? "tls" : "plain";
  const server = await startServer(
    peer.name,
    [...peer.command, String(port), row.road, dir, scheme],
    port,
  );
  if (!group.isProxied) return server;
  try {
    return await behindNginx(server, dir, group.isTls);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Compares a text with what is to come; the load checks all the rest. */
export async function verifyLatency(
  { row, path, tls }: LatencyScenario,
  server: Server,
  cert: string,
): Promise<void> {
  const [kind, size] = row.load;
  if (kind !== "length") return;
  using client = Deno.createHttpClient({ caCerts: tls ? [cert] : [] });
  const response = await fetch(
    `${tls ? "https" : "http"}://localhost:${server.port}${path}`,
    { client, signal: AbortSignal.timeout(15_000) },
  );
  if (await response.text() !== makeText(Number(size))) {
    throw new Error("Answers wrongly");
  }
}

/** Asks again and again for a while. */
export async function runLatency(
  { row, path, tls }: LatencyScenario,
  server: Server,
  seconds: number,
  dir: string,
): Promise<Sample> {
  const args = [server.port, path, seconds, ...row.load];
  if (tls) args.push(`${dir}/cert.pem`);
  const { p50, p99 } = JSON.parse(
    await runLoad(denoLoad("latency.ts", ...args), seconds),
  );
  return { p50, p99 };
}
