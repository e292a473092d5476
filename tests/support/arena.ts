import {
  type HttpConnection,
  HttpServer,
  type HttpServerOptions,
} from "@uhttp/uhttp";
import { assertEquals } from "@std/assert";
import { isMove, OBSERVER, type ServerState } from "../../wire/lifecycle.ts";
import { RawClient } from "./raw_client.ts";
import { eventually, serve, startServer } from "./serving.ts";

interface Waiter {
  isTrue: () => boolean;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** How long a test may take, in ms, before all its waits are ended. */
const LONGEST = 20_000;

/**
 * A server under attack. When it is disposed of, it must be as if nothing had
 * happened: no connection, descriptor or promise is left open, no rejection
 * went unhandled, and no connection made a move that the table of its life
 * does not know.
 */
export class Arena implements AsyncDisposable {
  readonly server: HttpServer;
  /** Clients that `held()` handlers keep, oldest first. */
  readonly held: HttpConnection[] = [];
  /** What went wrong on connections. */
  readonly errors: unknown[] = [];
  /** Promises of the application that have not settled. */
  unsettled = 0;

  readonly #options: HttpServerOptions;
  readonly #done: Promise<void>;
  readonly #clients: RawClient[] = [];
  readonly #entered: Partial<Record<ServerState, number>> = {};
  readonly #illegal = new Set<string>();
  readonly #rejections: unknown[] = [];
  readonly #faults: unknown[] = [];
  readonly #watchdog: ReturnType<typeof setTimeout>;
  #waiters: Waiter[] = [];

  constructor(
    handler: (client: HttpConnection, arena: Arena) => unknown,
    options: HttpServerOptions = {},
  ) {
    this.#options = options;
    this.#watchdog = setTimeout(() => this.#giveUp(), LONGEST);
    addEventListener("unhandledrejection", this.#onRejection);
    const make = options.listener === undefined
      ? startServer
      : (own: HttpServerOptions) => new HttpServer(own);
    this.server = make({
      onError: (error) => {
        this.errors.push(error);
        this.#wake();
      },
      ...options,
      ...{ [OBSERVER]: this.#onMove },
    });
    // Requests are handled side by side: one that waits holds up no other.
    this.#done = serve(this.server, (client) => {
      try {
        this.track(handler(client, this));
      } catch (error) {
        this.#faults.push(error);
        client.close();
      }
    });
  }

  readonly #onMove = (from: ServerState, to: ServerState): void => {
    if (!isMove(from, to)) this.#illegal.add(`${from} to ${to}`);
    this.#entered[to] = (this.#entered[to] ?? 0) + 1;
    this.#wake();
  };

  readonly #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.#rejections.push(event.reason);
  };

  /** Counts a promise until it settles. */
  track(work: unknown): void {
    if (!(work instanceof Promise)) return;
    this.unsettled++;
    work.finally(() => {
      this.unsettled--;
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    // Only once what is being done is done.
    queueMicrotask(() => {
      const waiters = this.#waiters;
      this.#waiters = waiters.filter(({ isTrue, resolve }) => {
        const now = isTrue();
        if (now) resolve();
        return !now;
      });
    });
  }

  /** Waits until something is true; looks after every event in the arena. */
  until(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ isTrue, resolve, reject });
    });
  }

  /** Ends all that still waits, so that the test fails and does not hang. */
  #giveUp(): void {
    const error = new Error(`Not over after ${LONGEST} ms`);
    this.#faults.push(error);
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    for (const client of this.#clients) client.close();
    this.server.close();
  }

  /** Waits until connections have entered a state so many times in all. */
  entered(state: ServerState, times = 1): Promise<void> {
    return this.until(() => this.count(state) >= times);
  }

  /** How many times connections have entered a state. */
  count(state: ServerState): number {
    return this.#entered[state] ?? 0;
  }

  /** Keeps a client, for the test to answer. */
  hold(client: HttpConnection): void {
    this.held.push(client);
    this.#wake();
  }

  /** Waits for the next client that is held. */
  async next(): Promise<HttpConnection> {
    await this.until(() => this.held.length > 0);
    return this.held.shift()!;
  }

  /** A socket to the server, through TLS if it speaks that. */
  open(): Promise<Deno.Conn> {
    const { port } = this.server;
    const { cert } = this.#options;
    return cert === undefined
      ? Deno.connect({ hostname: "127.0.0.1", port })
      : Deno.connectTls({ hostname: "localhost", port, caCerts: [cert] });
  }

  /** A peer. */
  async connect(): Promise<RawClient> {
    const client = new RawClient(await this.open());
    this.#clients.push(client);
    return client;
  }

  /** A peer that has nothing to do with the attack is served. */
  async serves(): Promise<void> {
    const peer = await this.connect();
    await peer.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assertEquals((await peer.response()).status, 200);
    peer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { server } = this;
    const { port } = server;
    for (const client of this.#clients) client.close();
    for (const client of this.held) client.close();
    clearTimeout(this.#watchdog);
    try {
      if (!server.isFinished) {
        await eventually(() => server.stats.openConnections === 0);
      }
      await server.close();
      await this.#done;
      await eventually(() => this.unsettled === 0);
      await released(port);
    } finally {
      removeEventListener("unhandledrejection", this.#onRejection);
    }
    assertEquals([...this.#illegal], [], "moves that the table does not know");
    assertEquals(this.#rejections, [], "unhandled rejections");
    assertEquals(this.#faults, [], "faults of the test");
  }
}

/** The ports of sockets of this process: they keep them as long as they live. */
const portsOf = new Map<string, number[]>();

/** Looks up ports of sockets, which takes long: the system has many. */
function lookUp(): void {
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of Deno.readTextFileSync(table).split("\n").slice(1)) {
      if (line.includes(" 06 ")) continue; // waits, and is nobody's
      const cells = line.trim().split(/\s+/);
      if (cells.length < 10 || cells[9] === "0") continue;
      portsOf.set(
        `socket:[${cells[9]}]`,
        [cells[1], cells[2]].map((address) =>
          parseInt(address.slice(address.lastIndexOf(":") + 1), 16)
        ),
      );
    }
  }
}

/**
 * Waits until this process has no descriptor of a socket of a port, at either
 * end. It may well have others: tests run side by side in it.
 */
export async function released(port: number): Promise<void> {
  const mayBeOf = (socket: string) => portsOf.get(socket)?.includes(port);
  // What is opened from now on is not of this test any more.
  let sockets = openFiles((target) =>
    target.startsWith("socket:") && mayBeOf(target) !== false
  );
  for (let round = 1; sockets.length > 0; round++) {
    if (round > 4000) {
      throw new Error(`${sockets.length} sockets of port ${port} are left`);
    }
    // Those of others are gone by then, or are looked up once.
    if (round === 30 || round % 200 === 0) {
      lookUp();
      for (const socket of sockets) {
        if (!portsOf.has(socket)) portsOf.set(socket, []);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    const open = new Set(openFiles((target) => target.startsWith("socket:")));
    sockets = sockets.filter((socket) =>
      open.has(socket) && mayBeOf(socket) !== false
    );
  }
}

/** Descriptors of this process by what they lead to. */
export function openFiles(matches: (target: string) => boolean): string[] {
  if (Deno.build.os !== "linux") return [];
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (matches(target)) found.push(target);
    } catch {
      // Closed since, or the descriptor that reads the folder.
    }
  }
  return found;
}
