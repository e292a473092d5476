import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import type { HttpServerOptions } from "@uhttp/uhttp";
import { assertEquals } from "@std/assert";
import {
  isMove,
  OBSERVER,
  type ServerState,
  type StateObserver,
} from "../../wire/lifecycle.ts";
import { RawClient } from "./raw_client.ts";
import { serve } from "./serving.ts";

const ADDR: Deno.NetAddr = {
  transport: "tcp",
  hostname: "127.0.0.1",
  port: 1,
};

/** One end of a connection in memory: each write is one read at the other. */
class MemoryConn {
  readonly localAddr = ADDR;
  readonly remoteAddr = ADDR;
  other!: MemoryConn;
  #inbox: Uint8Array[] = [];
  #isEnded = false;
  #isClosed = false;
  #wake: (() => void) | null = null;

  async read(p: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#isClosed) throw new Deno.errors.BadResource("Closed");
      if (this.#inbox.length > 0) break;
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const part = this.#inbox[0].subarray(0, p.length);
    p.set(part);
    const rest = this.#inbox[0].subarray(part.length);
    if (rest.length > 0) this.#inbox[0] = rest;
    else this.#inbox.shift();
    return part.length;
  }

  // deno-lint-ignore require-await -- it has the shape of Deno.Conn
  async write(p: Uint8Array): Promise<number> {
    if (this.#isClosed) throw new Deno.errors.BadResource("Closed");
    if (this.other.#isClosed) throw new Deno.errors.BrokenPipe("Broken");
    if (p.length > 0) this.other.#inbox.push(new Uint8Array(p));
    this.other.#notify();
    return p.length;
  }

  // deno-lint-ignore require-await -- it has the shape of Deno.Conn
  async closeWrite(): Promise<void> {
    this.other.#isEnded = true;
    this.other.#notify();
  }

  close(): void {
    this.#isClosed = true;
    this.other.#isEnded = true;
    this.#notify();
    this.other.#notify();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

/** Two ends of a connection in memory. */
export function memoryPair(): [Deno.Conn, Deno.Conn] {
  const near = new MemoryConn();
  const far = new MemoryConn();
  near.other = far;
  far.other = near;
  return [near as unknown as Deno.Conn, far as unknown as Deno.Conn];
}

class MemoryListener implements AsyncIterable<Deno.Conn> {
  readonly addr = ADDR;
  #waiting: Deno.Conn[] = [];
  #isClosed = false;
  #wake: (() => void) | null = null;

  add(conn: Deno.Conn): void {
    this.#waiting.push(conn);
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Deno.Conn> {
    while (!this.#isClosed) {
      const conn = this.#waiting.shift();
      if (conn !== undefined) yield conn;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/**
 * A server, a handler for its clients, and connections to it in memory: what
 * the peer writes at once is what the server reads at once. At its end, no
 * connection has made a move that the table of its life does not know, and no
 * rejection went unhandled.
 */
export class MemoryScene implements AsyncDisposable {
  readonly server: HttpServer;
  /** What went wrong on connections. */
  readonly errors: unknown[] = [];
  readonly #listener = new MemoryListener();
  readonly #done: Promise<void>;
  #error: unknown;
  readonly #clients: RawClient[] = [];
  readonly #illegal = new Set<string>();
  readonly #rejections: unknown[] = [];

  constructor(
    handler: (client: HttpConnection) => unknown,
    options: HttpServerOptions = {},
  ) {
    const observer: StateObserver<ServerState> = (from, to) => {
      if (!isMove(from, to)) this.#illegal.add(`${from} to ${to}`);
    };
    addEventListener("unhandledrejection", this.#onRejection);
    this.server = new HttpServer({
      listener: this.#listener,
      onError: (error) => this.errors.push(error),
      ...options,
      ...{ [OBSERVER]: observer },
    });
    this.#done = serve(this.server, handler).catch((error) => {
      this.#error = error;
      this.server.close();
    });
  }

  readonly #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.#rejections.push(event.reason);
  };

  /** Another connection. */
  connect(): RawClient {
    const [near, far] = memoryPair();
    const client = new RawClient(near);
    this.#clients.push(client);
    this.#listener.add(far);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    try {
      await this.server.close();
      await this.#done;
      await new Promise((resolve) => setTimeout(resolve, 0)); // rejections
    } finally {
      removeEventListener("unhandledrejection", this.#onRejection);
    }
    if (this.#error !== undefined) throw this.#error;
    assertEquals([...this.#illegal], [], "moves that the table does not know");
    assertEquals(this.#rejections, [], "unhandled rejections");
  }
}

/** How a message is cut into what the server reads at once. */
export interface Split {
  name: string;
  pieces: (bytes: Uint8Array) => Uint8Array[];
}

/** Whole, byte by byte, and in pieces that fit nothing. */
export const SPLITS: readonly Split[] = [
  { name: "whole", pieces: (bytes) => [bytes] },
  { name: "byte by byte", pieces: (bytes) => inPieces(bytes, 1) },
  { name: "by sevens", pieces: (bytes) => inPieces(bytes, 7) },
  { name: "by a thousand", pieces: (bytes) => inPieces(bytes, 1000) },
];

function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from(
    { length: Math.ceil(bytes.length / size) },
    (_, i) => bytes.subarray(i * size, (i + 1) * size),
  );
}
