// The matrix as data: each row with its sizes, its peers and its goals.
import type { Metric } from "../scenarios.ts";
import {
  makeCookies,
  makeFields,
  makeItems,
  makeQuery,
  makeText,
} from "./payloads.ts";

const KB = 1024;
const MB = 1024 * KB;
const ALL_SIZES = [100, 2 * KB, 10 * KB, 100 * KB, MB, 10 * MB];
const UP_TO_1MB = ALL_SIZES.slice(0, 5);
const TLS_SIZES = [100, 10 * KB, MB];
/** Where what is inside of the encryption is much like another row's. */
const TLS_ONE = [10 * KB];

/** Who is measured; the last two are clients. */
export type Name =
  | "uhttp"
  | "deno_serve"
  | "bun_serve"
  | "floor"
  | "fetch"
  | "undici";

/** What is held to: a metric over that of another, less `plus` before that. */
export interface Goal {
  readonly metric: Metric;
  readonly over: Name;
  readonly limit: number;
  readonly atLeast?: boolean;
  readonly plus?: number;
}

/** One road at its sizes. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly kind: "http" | "websocket" | "client";
  /** The road of the peers; for a client's row, that of its server. */
  readonly road: string;
  /** How the library is used: see `peers/uhttp.ts`. */
  readonly app: "loop" | "serve" | "with";
  readonly sizes: readonly number[];
  /** Whether a size is not bytes but a number of things. */
  readonly isCount?: boolean;
  readonly tlsSizes: readonly number[];
  readonly peers: readonly Name[];
  readonly connections: (size: number) => readonly number[];
  /** How many pieces there are in an answer. */
  readonly pieces: (size: number) => number;
  /** The most processor time of `Deno.serve` at a size. */
  readonly cpu: (size: number) => number;
  /** What a request has beside its path. */
  readonly fields?: (size: number) => Record<string, string>;
  readonly query?: (size: number) => string;
  readonly body?: (size: number) => string;
}

/** Few where a body is large: what is under way at the end is lost. */
function fewer(size: number): readonly number[] {
  return [size >= 10 * MB ? 4 : size >= MB ? 8 : 32];
}

const WEB: readonly Name[] = ["uhttp", "deno_serve", "bun_serve"];
const WITH_FLOOR: readonly Name[] = [...WEB, "floor"];
const CLIENTS: readonly Name[] = ["uhttp", "fetch", "undici"];

const DEFAULTS = {
  kind: "http",
  app: "loop",
  sizes: ALL_SIZES,
  tlsSizes: TLS_SIZES,
  peers: WEB,
  connections: fewer,
  pieces: () => 1,
} as const;

const PIECES = {
  ...DEFAULTS,
  sizes: UP_TO_1MB,
  pieces: (size: number) => size >= MB ? 4 : size >= 100 * KB ? 8 : 16,
  cpu: () => 1.1,
} as const;

/** What goes on for a while by its nature. */
const FEED = {
  ...PIECES,
  tlsSizes: TLS_ONE,
  pieces: (size: number) => size >= MB ? 4 : size >= 100 * KB ? 16 : 64,
} as const;

const HEAD = {
  ...DEFAULTS,
  isCount: true,
  tlsSizes: [],
  cpu: () => 0.6,
} as const;

const HANDLER = {
  ...DEFAULTS,
  sizes: [11, 50 * KB, MB],
  tlsSizes: [11, 50 * KB],
  peers: ["uhttp", "deno_serve"],
  cpu: (size: number) => size < 50 * KB ? 1.6 : 1.2,
} as const;

const HONO = { ...HANDLER, road: "hono", sizes: [11], tlsSizes: [] } as const;

const CLIENT = {
  ...DEFAULTS,
  kind: "client",
  sizes: [KB, 10 * KB, 100 * KB, MB, 10 * MB],
  tlsSizes: [],
  peers: CLIENTS,
  connections: () => [1],
  cpu: () => 0.9,
} as const;

/** All rows, in the order in which they run. */
export const ROWS: readonly Row[] = [
  {
    ...DEFAULTS,
    name: "hello",
    title: '"hello world" at several numbers of connections',
    road: "hello",
    sizes: [11],
    tlsSizes: [11],
    peers: WITH_FLOOR,
    connections: () => [1, 32, 256, 1000],
    cpu: () => Infinity, // it is held to the floor
  },
  {
    ...DEFAULTS,
    name: "text",
    title: "respond() of text",
    road: "text",
    peers: WITH_FLOOR,
    cpu: () => 1.05,
  },
  {
    ...DEFAULTS,
    name: "own-headers",
    title: 'respond() of "hello world" with so many fields of its own',
    road: "own",
    sizes: [1, 5],
    isCount: true,
    tlsSizes: [],
    cpu: () => 1.05,
  },
  {
    ...DEFAULTS,
    name: "bytes",
    title: "respond() of bytes",
    road: "bytes",
    peers: WITH_FLOOR,
    cpu: () => 1.05,
  },
  {
    ...DEFAULTS,
    name: "json",
    title: "respond() of a list of records, as JSON",
    road: "json",
    tlsSizes: TLS_ONE,
    cpu: () => 1.0,
  },
  {
    ...DEFAULTS,
    name: "file",
    title: "A file from the page cache",
    road: "file",
    cpu: (size) => size <= 100 * KB ? 0.7 : 0.9,
  },
  {
    ...PIECES,
    name: "stream",
    title: "An answer of several pieces, each of the size",
    road: "stream",
  },
  {
    ...FEED,
    name: "events",
    title: "Several events, each with data of the size",
    road: "events",
  },
  {
    ...FEED,
    name: "multipart",
    title: "Several frames, each of the size",
    road: "multipart",
  },
  {
    ...DEFAULTS,
    name: "ws",
    title: "WebSocket, a message sent back; text up to 10KB, else bytes",
    kind: "websocket",
    road: "ws",
    sizes: UP_TO_1MB,
    cpu: () => 1.1,
  },
  {
    ...DEFAULTS,
    name: "post",
    title: "POST of JSON, parsed, answered by its length",
    road: "post",
    tlsSizes: TLS_ONE,
    cpu: () => 0.95,
    fields: () => ({ "Content-Type": "application/json" }),
    body: (size) => JSON.stringify(makeItems(size)),
  },
  {
    ...HANDLER,
    name: "serve",
    title: "serve(), a Response of text",
    road: "text",
    app: "serve",
  },
  {
    ...HONO,
    name: "serve-hono",
    title: "serve() of an application made with Hono",
    app: "serve",
  },
  {
    ...HANDLER,
    name: "with",
    title: "respondWith() from a loop, a Response of text",
    road: "text",
    tlsSizes: [],
    app: "with",
  },
  {
    ...HONO,
    name: "with-hono",
    title: "respondWith() what Hono makes, from a loop",
    app: "with",
  },
  {
    ...HEAD,
    name: "headers",
    title: "So many header fields, all read",
    road: "headers",
    sizes: [5, 30, 100],
    fields: makeFields,
  },
  {
    ...HEAD,
    name: "cookies",
    title: "So many cookies, all read",
    road: "cookies",
    sizes: [1, 50],
    fields: (count) => ({ "Cookie": makeCookies(count) }),
  },
  {
    ...HEAD,
    name: "query",
    title: "So many values of a query, all read",
    road: "query",
    sizes: [1, 100],
    query: makeQuery,
  },
  {
    ...CLIENT,
    name: "client-bytes",
    title: "The client: GET of bytes",
    road: "bytes",
  },
  {
    ...CLIENT,
    name: "client-text",
    title: "The client: GET of text",
    road: "text",
  },
  {
    ...CLIENT,
    name: "client-json",
    title: "The client: GET of JSON, parsed",
    road: "json",
  },
  {
    ...CLIENT,
    name: "client-upload",
    title: "The client: POST of bytes",
    road: "upload",
  },
];

/** One row at one size, on so many connections, plain or over TLS. */
export interface Cell {
  readonly row: Row;
  readonly size: number;
  readonly connections: number;
  readonly isTls: boolean;
}

/** A size as it is written: `100B`, `10KB`, or a number of things. */
export function sizeLabel(row: Row, size: number): string {
  if (row.isCount) return String(size);
  if (size >= MB) return `${size / MB}MB`;
  return size >= KB ? `${size / KB}KB` : `${size}B`;
}

/** A cell as it is named in the tables. */
export function cellLabel({ row, size, connections, isTls }: Cell): string {
  return `${row.name} ${sizeLabel(row, size)}, ${connections} conn` +
    (isTls ? ", TLS" : "");
}

/** The cells of a row, plain ones first. */
export function cellsOf(row: Row): Cell[] {
  return [false, true].flatMap((isTls) =>
    (isTls ? row.tlsSizes : row.sizes).flatMap((size) => {
      // The load of many WebSockets speaks no TLS.
      const numbers = isTls
        ? [row.kind === "websocket" ? 1 : row.connections(size).at(-1)!]
        : row.connections(size);
      // A thousand handshakes are another thing than a thousand connections.
      return numbers.map((connections) => ({
        row,
        size,
        connections: isTls ? Math.min(connections, 32) : connections,
        isTls,
      }));
    })
  );
}

/** Who takes part in a cell: over TLS, only who is held to something. */
export function peersOf({ row, isTls }: Cell): readonly Name[] {
  return isTls ? ["uhttp", "deno_serve"] : row.peers;
}

/** Whether a cell tells what one request takes that is alone. */
export function hasLatency({ row, size, connections, isTls }: Cell): boolean {
  return connections === 1 || !isTls && row.connections(size).length === 1;
}

/** What a cell is held to. */
export function goalsOf(cell: Cell): Goal[] {
  const { row, size, isTls } = cell;
  if (row.kind === "client") {
    return [
      { metric: "cpu", over: "fetch", limit: 0.9 },
      { metric: "cpu", over: "undici", limit: 1 },
      { metric: "p50", over: "fetch", limit: 0.9 },
      { metric: "p50", over: "undici", limit: 1 },
      { metric: "rss", over: "fetch", limit: 1.3 },
    ];
  }
  const goals: Goal[] = [];
  if (row.name === "hello" && !isTls) {
    goals.push({ metric: "cpu", over: "floor", limit: 1.05, plus: 0.6 });
  } else {
    // What TLS costs is the same for both.
    const cpu = row.name === "hello" ? 1.1 : row.cpu(size);
    const limit = isTls ? Math.max(1.1, cpu) : cpu;
    goals.push({ metric: "cpu", over: "deno_serve", limit });
  }
  goals.push(
    { metric: "rps", over: "deno_serve", limit: 0.95, atLeast: true },
    { metric: "rss", over: "deno_serve", limit: 1.3 },
  );
  if (hasLatency(cell)) {
    goals.push({ metric: "p50", over: "deno_serve", limit: 1.1 });
  }
  return goals;
}

/** The body of an answer where it is known; else `null`. */
export function expectedText({ row, size }: Cell): string | null {
  switch (row.road) {
    case "hello":
    case "hono":
    case "own":
      return "hello world";
    case "text":
      return makeText(size);
    case "json":
      return JSON.stringify(makeItems(size));
    case "post":
      return String(makeItems(size).length);
    case "headers":
    case "cookies":
    case "query":
      return String(lengthOf(row, size));
    default:
      return null;
  }
}

/** The length of all the values that are read of a head. */
function lengthOf({ road }: Row, size: number): number {
  const texts = road === "headers"
    ? [...Object.values(makeFields(size)), "localhost"]
    : Array.from(
      { length: size },
      (_, i) => road === "cookies" ? `value-${i}` : `value ${i}`,
    );
  return texts.join("").length;
}
