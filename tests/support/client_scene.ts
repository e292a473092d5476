import { assert, assertEquals } from "@std/assert";
import {
  ClientError,
  type ClientRequest,
  HttpClient,
  type HttpClientOptions,
  type HttpResponse,
  type RequestOptions,
} from "../../client.ts";
import {
  type ClientState,
  isClientMove,
  OBSERVER,
} from "../../wire/lifecycle.ts";
import { released } from "./arena.ts";
import { RawServer, type Script } from "./raw_server.ts";
import { eventually } from "./serving.ts";

/** How long a test may take, in ms, before all its waits are ended. */
const LONGEST = 15_000;

interface Waiter {
  isTrue: () => boolean;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** What a scene is played with. */
export interface SceneOptions extends HttpClientOptions {
  /** Whether over sockets of the loopback; else in memory. */
  tcp?: boolean;
}

/**
 * A client, and a server that does what a script says. At the end it must be
 * as if nothing had happened: all requests have come to an end, no connection
 * or descriptor is left on either side, no rejection went unhandled, and no
 * connection made a move that the table of its life does not know.
 */
export class ClientScene implements AsyncDisposable {
  readonly server: RawServer;
  readonly client: HttpClient;
  /** Every request that was made by the scene. */
  readonly requests: ClientRequest[] = [];
  readonly #isTcp: boolean;
  readonly #entered: Partial<Record<ClientState, number>> = {};
  readonly #illegal = new Set<string>();
  readonly #rejections: unknown[] = [];
  readonly #watchdog: ReturnType<typeof setTimeout>;
  #waiters: Waiter[] = [];
  #isTooLong = false;

  constructor(script: Script, options: SceneOptions = {}) {
    const { tcp = false, ...clientOptions } = options;
    this.#isTcp = tcp;
    // It also keeps the process busy: the client's own clock does not.
    this.#watchdog = setTimeout(() => this.#giveUp(), LONGEST);
    addEventListener("unhandledrejection", this.#onRejection);
    this.server = tcp ? RawServer.listen(script) : RawServer.inMemory(script);
    this.server.onChange = () => this.wake();
    this.client = new HttpClient(this.server.url, {
      ...tcp ? {} : { connect: this.server.connect },
      ...clientOptions,
      ...{ [OBSERVER]: this.#onMove },
    });
  }

  readonly #onMove = (from: ClientState, to: ClientState): void => {
    if (!isClientMove(from, to)) this.#illegal.add(`${from} to ${to}`);
    this.#entered[to] = (this.#entered[to] ?? 0) + 1;
    this.wake();
  };

  readonly #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.#rejections.push(event.reason);
  };

  /** Lets those look who wait in `until()`. */
  wake(): void {
    if (this.#waiters.length === 0) return;
    // Only once what is being done is done.
    queueMicrotask(() => {
      this.#waiters = this.#waiters.filter(({ isTrue, resolve }) => {
        const now = isTrue();
        if (now) resolve();
        return !now;
      });
    });
  }

  /** Waits until something is true; looks after every event of the scene. */
  until(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ isTrue, resolve, reject });
    });
  }

  /** Waits until connections have entered a state so many times in all. */
  entered(state: ClientState, times: number = 1): Promise<void> {
    return this.until(() => (this.#entered[state] ?? 0) >= times);
  }

  /** Waits until there is no connection, on either side. */
  async empty(): Promise<void> {
    await this.until(() => this.server.open === 0);
    await eventually(() => !this.client.isConnected);
  }

  /** Makes a request, which must have come to an end when the scene does. */
  request(
    method: string,
    path: string = "/",
    options?: RequestOptions,
  ): ClientRequest {
    const request = this.client.request(method, path, options);
    this.requests.push(request);
    return request;
  }

  /** Makes a GET. */
  get(path?: string, options?: RequestOptions): ClientRequest {
    return this.request("GET", path, options);
  }

  /** Makes a GET of which the response is read as it arrives. */
  async stream(
    path?: string,
    options?: RequestOptions,
  ): Promise<HttpResponse> {
    return await this.get(path, { ...options, stream: true });
  }

  #giveUp(): void {
    this.#isTooLong = true;
    const error = new Error(`Not over after ${LONGEST} ms`);
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    this.client.close();
    for (const peer of this.server.peers) peer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { client, server, requests } = this;
    try {
      await client.close();
      assertEquals(client.state, "closed");
      assertEquals(client.stats.connections, 0);
      assert(!client.isConnected);
      await server[Symbol.asyncDispose]();
      await new Promise((resolve) => setTimeout(resolve, 0)); // rejections
      if (this.#isTcp) await released(server.port);
    } finally {
      clearTimeout(this.#watchdog);
      removeEventListener("unhandledrejection", this.#onRejection);
    }
    assert(!this.#isTooLong, `Not over after ${LONGEST} ms`);
    const open = requests.filter((request) => !request.isFinished);
    assertEquals(open.map(({ url }) => url), [], "requests without an end");
    assertEquals([...this.#illegal], [], "moves that the table does not know");
    assertEquals(this.#rejections, [], "unhandled rejections");
    assertEquals(server.faults, [], "faults of the script");
  }
}

/** What a promise rejects with, which must be an error of the client's. */
export async function failure(
  promise: PromiseLike<unknown>,
): Promise<ClientError> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (error instanceof ClientError) return error;
    throw error;
  }
  throw new Error(`Not rejected: ${Deno.inspect(value)}`);
}

/** What a promise rejects with, of this class. */
export async function failureOf<E extends ClientError>(
  // deno-lint-ignore no-explicit-any -- any constructor will do
  kind: new (...args: any[]) => E,
  promise: PromiseLike<unknown>,
): Promise<E> {
  const error = await failure(promise);
  if (!(error instanceof kind)) throw error;
  return error;
}

/** A response with a length. */
export function ok(body: string = "", lines: string = ""): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${lines}\r\n` +
    body;
}

/** Turns of the event loop, in which what was sent arrives. */
export async function turns(count: number = 2): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
