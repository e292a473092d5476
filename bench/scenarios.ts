// What is measured: the load of each scenario, the answer that every peer must
// give, and the bounds that hold for uHTTP.
import type { PeerName } from "./peers.ts";

/** What a round may measure. */
export type Metric =
  | "rps"
  | "cpu"
  | "core"
  | "kib"
  | "mib"
  | "rss"
  | "growth"
  | "p50"
  | "p99";

/** What one round measured of one peer. */
export type Sample = Partial<Record<Metric, number>>;

/** One promise: `metric` of uHTTP, alone or over another peer's. */
export interface Bound {
  readonly metric: Metric;
  readonly over?: PeerName;
  readonly limit: number;
  readonly atLeast?: boolean;
}

/** The answer that a peer must give before it is measured. */
export interface Expected {
  readonly contentType: string;
  readonly length?: number;
  readonly check?: (body: string) => boolean;
}

/** One way to load a server. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly peers: readonly PeerName[];
  readonly kind:
    | "wrk"
    | "file"
    | "idle"
    | "upload"
    | "stream"
    | "events"
    | "websocket"
    | "latency";
  /** What is counted, and what the cost in processor time is divided by. */
  readonly unit: "req" | "MiB" | "event" | "msg";
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  /** Requests sent together; messages under way on a connection. */
  readonly depth: number;
  /** Bytes of a message. */
  readonly size: number;
  readonly tls: boolean;
  /** The longest that one load lasts, in seconds. */
  readonly maxDuration: number;
  /** The answer to one request, where that is all there is to check. */
  readonly expected: Expected | null;
  /** What the table shows, and over which of them it shows ratios. */
  readonly metrics: readonly Metric[];
  readonly ratios: readonly Metric[];
  readonly bounds: readonly Bound[];
}

/** The size of the file, and how it is downloaded while memory is watched. */
export const FILE_SIZE = 100 * 1024 * 1024;
export const SLOW_DOWNLOADS = 16;
export const SLOW_RATE = 4 * 1024 * 1024;
export const SLOW_SECONDS = 4;

/** How long idle connections are left alone before memory is read, in ms. */
export const IDLE_SETTLE = 3_000;

/** How long events are watched, and before that only let flow, in ms. */
export const EVENTS_WINDOW = 8_000;
export const EVENTS_WARM_UP = 2_000;

/** With Host, which wrk adds, the ten headers that a browser sends. */
const BROWSER_HEADERS = {
  "Connection": "keep-alive",
  "Cache-Control": "max-age=0",
  "Upgrade-Insecure-Requests": "1",
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 " +
    "(KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9," +
    "image/avif,image/webp,image/apng,*/*;q=0.8",
  "Referer": "http://localhost/articles/2024/index.html",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-GB,en;q=0.9,cs;q=0.8",
  "Cookie": "session=2b1c7f0e9d4a4c5f8a3e6d7b; theme=dark; consent=yes",
};

/** 1 KiB of JSON of the kind that forms and RPC send. */
export const POST_BODY: string = makePostBody(1024);

function makePostBody(size: number): string {
  const value = {
    id: 174_205,
    name: "Ada Lovelace",
    active: true,
    ratio: 0.618,
    tags: ["alpha", "beta", "gamma", null],
    address: { street: "12 St James's Square", city: "London" },
    items: Array.from({ length: 12 }, (_, i) => ({
      sku: `A-${1000 + i}`,
      count: i,
      price: 19.5 + i,
    })),
    note: "",
  };
  value.note = "x".repeat(size - JSON.stringify(value).length);
  return JSON.stringify(value);
}

const HELLO: Expected = {
  contentType: "text/html",
  check: (body) => body === "hello world",
};

/** What most scenarios have in common. */
export const DEFAULTS = {
  kind: "wrk",
  unit: "req",
  path: "/",
  method: "GET",
  headers: {},
  connections: 32,
  depth: 1,
  size: 0,
  tls: false,
  maxDuration: 30,
  expected: HELLO,
  metrics: ["rps", "cpu"],
  ratios: ["cpu"],
} as const;

const ALL = [
  "uhttp",
  "deno_serve",
  "node_http",
  "bun_serve",
  "floor",
] as const;
const WITHOUT_FLOOR = ALL.slice(0, 4);

const UPLOAD = {
  ...DEFAULTS,
  peers: WITHOUT_FLOOR,
  kind: "upload",
  unit: "MiB",
  method: "POST",
  connections: 1,
  expected: null,
  metrics: ["rps", "cpu", "core", "growth"],
  ratios: ["rps", "cpu"],
  bounds: [
    { metric: "rps", over: "deno_serve", limit: 0.8, atLeast: true },
    { metric: "growth", limit: 8 },
  ],
} as const;

const WEBSOCKET = {
  ...DEFAULTS,
  peers: ["uhttp", "deno_serve", "node_ws", "bun_serve"],
  kind: "websocket",
  unit: "msg",
  expected: null,
  metrics: ["rps", "cpu", "core"],
  ratios: ["rps", "cpu"],
  bounds: [
    { metric: "rps", over: "deno_serve", limit: 0.8, atLeast: true },
    { metric: "rps", over: "node_ws", limit: 1, atLeast: true },
  ],
} as const;

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  {
    ...DEFAULTS,
    name: "hello",
    title: 'Keep-alive, 32 connections, "hello world"',
    peers: ALL,
    bounds: [
      { metric: "cpu", over: "deno_serve", limit: 1.05 },
      { metric: "cpu", over: "floor", limit: 1.15 },
    ],
  },
  {
    ...DEFAULTS,
    name: "pipeline",
    title: "The same, 16 requests pipelined",
    peers: ALL,
    depth: 16,
    ratios: ["rps", "cpu"],
    bounds: [{ metric: "rps", over: "deno_serve", limit: 4, atLeast: true }],
  },
  {
    ...DEFAULTS,
    name: "json",
    title: "GET with a browser's ten headers, answered { headers, query }",
    peers: WITHOUT_FLOOR,
    path: "/json?q=uhttp%20server&page=2",
    headers: BROWSER_HEADERS,
    expected: {
      contentType: "application/json",
      check(body) {
        const { headers, query } = JSON.parse(body);
        return headers["accept-language"] ===
            BROWSER_HEADERS["Accept-Language"] &&
          headers["cookie"] === BROWSER_HEADERS["Cookie"] &&
          query.q === "uhttp server" && query.page === "2";
      },
    },
    bounds: [
      { metric: "cpu", over: "deno_serve", limit: 0.6 },
      { metric: "cpu", over: "bun_serve", limit: 1 },
    ],
  },
  {
    ...DEFAULTS,
    name: "post",
    title: "POST of 1 KiB JSON, parsed and echoed",
    peers: WITHOUT_FLOOR,
    method: "POST",
    headers: { "Content-Type": "application/json" },
    expected: {
      contentType: "application/json",
      check: (body) => body === POST_BODY,
    },
    bounds: [
      { metric: "cpu", over: "deno_serve", limit: 0.6 },
      { metric: "cpu", over: "bun_serve", limit: 1 },
    ],
  },
  {
    ...DEFAULTS,
    name: "close",
    title: "One connection a request (Connection: close)",
    peers: ALL,
    headers: { "Connection": "close" },
    // Ports that wait in TIME_WAIT are not free again at once.
    maxDuration: 2,
    bounds: [{ metric: "cpu", over: "deno_serve", limit: 1.2 }],
  },
  {
    ...DEFAULTS,
    name: "tls",
    title: "TLS, keep-alive, 32 connections",
    peers: ALL,
    tls: true,
    bounds: [{ metric: "cpu", over: "deno_serve", limit: 1.1 }],
  },
  {
    ...DEFAULTS,
    name: "file",
    title: "A file of 100 MiB; memory with 16 slow downloads",
    peers: WITHOUT_FLOOR,
    kind: "file",
    path: "/big.bin",
    connections: 1,
    expected: { contentType: "application/octet-stream", length: FILE_SIZE },
    metrics: ["rps", "cpu", "mib"],
    bounds: [
      { metric: "cpu", over: "deno_serve", limit: 0.9 },
      { metric: "mib", limit: 2 },
    ],
  },
  {
    ...DEFAULTS,
    name: "idle",
    title: "4,000 idle kept-alive connections after one request each",
    peers: ALL,
    kind: "idle",
    connections: 4000,
    metrics: ["kib"],
    ratios: ["kib"],
    bounds: [{ metric: "kib", limit: 8 }],
  },
  {
    ...UPLOAD,
    name: "upload",
    title: "Upload of 200 MiB with a Content-Length, read in pieces",
  },
  {
    ...UPLOAD,
    name: "upload-chunked",
    title: "The same, chunked",
  },
  {
    ...DEFAULTS,
    name: "stream",
    title: "Answer of 200 MiB, made in pieces of 64 KiB",
    peers: WITHOUT_FLOOR,
    kind: "stream",
    unit: "MiB",
    connections: 1,
    expected: null,
    metrics: ["rps", "cpu", "core"],
    ratios: ["rps", "cpu"],
    bounds: [{ metric: "rps", over: "deno_serve", limit: 0.9, atLeast: true }],
  },
  {
    ...DEFAULTS,
    name: "events",
    title: "1,000 event streams, 20 events a second on each",
    peers: WITHOUT_FLOOR,
    kind: "events",
    unit: "event",
    connections: 1000,
    expected: null,
    metrics: ["rps", "cpu", "core", "rss", "kib"],
    ratios: ["cpu", "rss"],
    bounds: [
      { metric: "cpu", over: "deno_serve", limit: 1.2 },
      { metric: "rss", over: "deno_serve", limit: 1.2 },
    ],
  },
  {
    ...WEBSOCKET,
    name: "ws-small",
    title: "WebSocket, 32 connections, text of 64 bytes sent back",
    size: 64,
  },
  {
    ...WEBSOCKET,
    name: "ws-large",
    title: "WebSocket, 32 connections, binary of 64 KiB sent back",
    size: 65_536,
  },
];
