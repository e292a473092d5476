import { assertEquals } from "@std/assert";
import type { HttpConnection, HttpServerOptions } from "@uhttp/uhttp";
import { HttpClient, type HttpClientOptions } from "../../client.ts";
import {
  type ClientState,
  isClientMove,
  OBSERVER,
} from "../../wire/lifecycle.ts";
import { Arena } from "./arena.ts";
import { RawClient } from "./raw_client.ts";

/** Where clients' connections go. */
class Watch {
  readonly #illegal = new Set<string>();

  /** A client whose connections are watched. */
  client(url: string, options: HttpClientOptions | undefined): HttpClient {
    const observer = (from: ClientState, to: ClientState) => {
      if (!isClientMove(from, to)) this.#illegal.add(`${from} to ${to}`);
    };
    return new HttpClient(url, { ...options, ...{ [OBSERVER]: observer } });
  }

  end(): void {
    assertEquals([...this.#illegal], [], "moves that the table does not know");
  }
}

/** Closes clients; nothing of theirs is left. */
async function closeAll(clients: readonly HttpClient[]): Promise<void> {
  for (const client of clients) {
    await client.close();
    const { state, isConnected, stats } = client;
    assertEquals(
      [state, isConnected, stats.connections],
      ["closed", false, 0],
    );
  }
}

/** How a client and its server are set up. */
export interface ClientArenaOptions {
  /** Of the client. */
  client?: HttpClientOptions;
  /** Of the server. */
  server?: HttpServerOptions;
  /** Path of the base URL. */
  path?: string;
}

/**
 * A client and our own server, of which nothing is left in the end, and that
 * made no move that the tables of their lives do not know.
 */
export class ClientArena extends Arena {
  readonly client: HttpClient;
  readonly #clients: HttpClient[] = [];
  readonly #watch = new Watch();
  readonly #asked: HttpConnection[];

  constructor(
    handler: (client: HttpConnection, arena: Arena) => unknown,
    options: ClientArenaOptions = {},
  ) {
    const asked: HttpConnection[] = [];
    super((client, arena) => {
      asked.push(client);
      return handler(client, arena);
    }, options.server);
    this.#asked = asked;
    const { cert } = options.server ?? {};
    this.client = this.another({
      ...cert === undefined ? {} : { caCerts: [cert] },
      ...options.client,
    }, options.path);
  }

  /** The server's URL, with the name that its certificate is for. */
  get url(): string {
    return this.server.url.replace("//127.0.0.1", "//localhost");
  }

  /** Another client of the same server. */
  another(options?: HttpClientOptions, path = ""): HttpClient {
    const base = this.server.isSecure ? this.url : this.server.url;
    const client = this.#watch.client(base.replace(/\/$/, "") + path, options);
    this.#clients.push(client);
    return client;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      await closeAll(this.#clients);
    } finally {
      this.#watch.end();
      // Who holds a request does not see that its peer has gone.
      for (const client of this.#asked) client.close();
      await super[Symbol.asyncDispose]();
    }
  }
}

/** Says what came, byte for byte. */
export function echo(client: HttpConnection): Promise<boolean> {
  const { method, url, headers } = client;
  return client.respond({
    method,
    url,
    headers,
    body: latin1(client.rawData),
  });
}

/** What {@linkcode echo} says. */
export interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Bytes as characters. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** A peer that says what a test tells it to, and a client. */
export class RawArena implements AsyncDisposable {
  readonly client: HttpClient;
  readonly port: number;
  /** Connections that came. */
  count = 0;
  /** Heads of requests, as they were read by `ask()`. */
  readonly heads: string[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #peers: RawClient[] = [];
  readonly #done: Promise<void>;
  readonly #work: Promise<void>[] = [];
  readonly #watch = new Watch();
  #fault: unknown;

  /** @param script What is done with a connection, of which it is the n-th. */
  constructor(
    script: (peer: RawClient, n: number, arena: RawArena) => Promise<unknown>,
    options: HttpClientOptions = {},
  ) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.client = this.#watch.client(
      `http://127.0.0.1:${this.port}`,
      options,
    );
    this.#done = this.#accept(script);
  }

  async #accept(
    script: (peer: RawClient, n: number, arena: RawArena) => Promise<unknown>,
  ): Promise<void> {
    for await (const conn of this.#listener) {
      const peer = new RawClient(conn);
      this.#peers.push(peer);
      this.#work.push(
        script(peer, this.count++, this).then(() => {}, (error) => {
          this.#fault ??= error;
          peer.close();
        }),
      );
    }
  }

  /** Receives the head of a request, and returns it. */
  async ask(peer: RawClient): Promise<string> {
    const head = await peer.until("\r\n\r\n");
    this.heads.push(head);
    return head;
  }

  /** Answers requests with texts, one after the other. */
  async answer(peer: RawClient, ...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.ask(peer);
      await peer.send(text);
    }
  }

  /** Stops to accept connections. */
  deafen(): void {
    this.#listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await closeAll([this.client]);
    } finally {
      this.#watch.end();
      try {
        this.#listener.close();
      } catch {
        // Deaf already.
      }
      await this.#done;
      for (const peer of this.#peers) peer.close();
      await Promise.all(this.#work);
    }
    if (this.#fault !== undefined && !isEnd(this.#fault)) throw this.#fault;
  }
}

/** A script that waited for more when the test was over. */
function isEnd(error: unknown): boolean {
  return error instanceof Error && /^Ended before|Bad resource/.test(
    error.message,
  );
}

/** A whole response with a body. */
export function ok(body = "", head = ""): string {
  return `HTTP/1.1 200 OK\r\n${head}Content-Length: ${body.length}\r\n\r\n` +
    body;
}

/** An event that happens once. */
export function once<T = void>(): PromiseWithResolvers<T> {
  return Promise.withResolvers<T>();
}
