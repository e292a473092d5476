import {
  type HttpConnection,
  HttpServer,
  type HttpServerOptions,
} from "@uhttp/uhttp";
import {
  isMove,
  OBSERVER,
  type ServerState,
  type StateObserver,
} from "../../wire/lifecycle.ts";
import { RawClient } from "./raw_client.ts";

/** Answers every client until the server is closed. */
export async function serve(
  server: HttpServer,
  handler: (client: HttpConnection) => unknown,
): Promise<void> {
  for await (const client of server) await handler(client);
}

/** Fails the test in which a connection makes a move that no table knows. */
const mustMove: StateObserver<ServerState> = (from, to) => {
  if (isMove(from, to)) return;
  reportError(new Error(`Connection went from ${from} to ${to}`));
};

/** A server on a free port of the loopback, for the length of a test. */
export function startServer(options: HttpServerOptions = {}): HttpServer {
  return new HttpServer({
    hostname: "127.0.0.1",
    port: 0,
    ...{ [OBSERVER]: mustMove },
    ...options,
  });
}

/** A server, a handler for its clients, and a connection to it. */
export class Scene implements AsyncDisposable {
  readonly server: HttpServer;
  readonly #done: Promise<void>;
  #error: unknown;
  readonly #clients: RawClient[] = [];

  constructor(
    handler: (client: HttpConnection) => unknown,
    options: HttpServerOptions = {},
  ) {
    this.server = startServer(options);
    // A handler that throws ends the server, so that no peer waits for it.
    this.#done = serve(this.server, handler).catch((error) => {
      this.#error = error;
      this.server.close();
    });
  }

  /** Another connection. */
  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.server);
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.close();
    await this.#done;
    if (this.#error !== undefined) throw this.#error;
  }
}

/** Waits for a condition that no event tells of, for at most 20 seconds. */
export async function eventually(condition: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`Never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
