import { Clock } from "../transport/clock.ts";
import type { Meter } from "../transport/transport.ts";
import {
  type CheckedHeaders,
  type HeaderValues,
} from "../wire/response_head.ts";
import {
  type ClientState,
  OBSERVER,
  type StateObserver,
} from "../wire/lifecycle.ts";
import { Authenticator } from "./authenticator.ts";
import type { Call, CallHost } from "./call.ts";
import type { ClientRequest, RequestOwner } from "./request_and_response.ts";
import type { NewConnection } from "./connection.ts";
import { CookieJar } from "./cookie_jar.ts";
import { Dialer } from "./dialer.ts";
import { ClientClosed } from "./errors.ts";
import { FinishedRequests } from "./finished_requests.ts";
import type { ClientLimits, HttpClientOptions } from "./options.ts";
import type { Pool, PoolHost } from "./pool.ts";
import { Pool as OriginPool } from "./pool.ts";
import type { Proxy } from "./proxy.ts";
import { contextOf } from "./plan.ts";
import { HeadWriter, type WrittenHead } from "./request_head.ts";
import type { Switchable } from "./switchable.ts";

/** Counters of an `HttpClient`, since its start. */
export interface ClientStats extends Meter {
  /** Connections that are open. */
  connections: number;
  /** Connections that were opened. */
  opened: number;
  /** Requests that were made. */
  requests: number;
  /** Requests that were sent once more, as their connection was dead. */
  retried: number;
}

/** Options of an `HttpClient` with one that is no one's but the tests'. */
interface ObservedOptions extends HttpClientOptions {
  [OBSERVER]?: StateObserver<ClientState>;
}

/** What an `HttpClient` is made of, checked. */
export interface CoreParts {
  origin: string;
  options: HttpClientOptions;
  limits: ClientLimits;
  headers: CheckedHeaders;
  auth: Authenticator | null;
  jar: CookieJar | null;
  proxy: Proxy | null;
  repeat(request: ClientRequest, headers: HeaderValues): ClientRequest;
}

/** The inside of an `HttpClient`: pools, clock, and finished requests. */
export class ClientCore implements PoolHost, CallHost, RequestOwner {
  readonly origin: string;
  readonly limits: ClientLimits;
  readonly keepAlive: boolean;
  readonly decompress: boolean;
  readonly retry: boolean;
  readonly jar: CookieJar | null;
  readonly stats: ClientStats = {
    connections: 0,
    opened: 0,
    requests: 0,
    retried: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  readonly clock: Clock;
  readonly observer: StateObserver<ClientState> | null;
  readonly finishedRequests: FinishedRequests = new FinishedRequests();

  #isClosed = false;
  readonly #parts: CoreParts;
  readonly #dialer: Dialer;
  readonly #pools = new Map<string, Pool>();
  #ownPool: Pool | null = null;
  readonly #ownWriter: HeadWriter;
  readonly #upgraded = new Set<Switchable>();
  // Whether the jar may hold something: it is not asked before that.
  #usesJar: boolean;
  readonly #ending = new AbortController();
  readonly #closed = Promise.withResolvers<void>();

  constructor(parts: CoreParts) {
    const { options, limits } = parts;
    this.#parts = parts;
    this.#dialer = new Dialer(parts);
    this.origin = parts.origin;
    this.limits = limits;
    const { [OBSERVER]: observer = null } = options as ObservedOptions;
    this.observer = observer;
    this.jar = parts.jar;
    this.keepAlive = options.keepAlive ?? true;
    this.decompress = options.decompress ?? true;
    this.retry = options.retry ?? true;
    this.#usesJar = options.cookies instanceof CookieJar;
    this.clock = new Clock(
      [limits.timeout, limits.keepAliveTimeout || 1000],
      () => this.#sweep(),
      true,
    );
    this.#ownWriter = this.#makeWriter(parts.origin, parts.headers, true);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get meter(): Meter {
    return this.stats;
  }

  get pools(): Iterable<Pool> {
    return this.#pools.values();
  }

  // ---- Sending -----------------------------------------------------------

  send(call: Call): void {
    if (this.isClosed) {
      call.abort(new ClientClosed());
      return;
    }
    const isTunnelled = call.settings.onSwitch !== null &&
      this.#parts.proxy !== null;
    this.clock.start();
    this.#pool(call.plan.origin, isTunnelled).send(call);
  }

  #pool(origin: string, isTunnelled: boolean): Pool {
    if (origin === this.origin && !isTunnelled) {
      if (this.#ownPool !== null) return this.#ownPool;
    }
    const key = keyOf(origin, isTunnelled);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = new OriginPool(this, origin, isTunnelled);
      this.#pools.set(key, pool);
      if (key === this.origin) this.#ownPool = pool;
    }
    return pool;
  }

  forget(call: Call): void {
    for (const pool of this.#pools.values()) pool.forget(call);
  }

  #makeWriter(
    origin: string,
    headers: CheckedHeaders,
    isOwn: boolean,
  ): HeadWriter {
    const host = origin.slice(origin.indexOf("//") + 2);
    const { decompress, keepAlive } = this;
    return new HeadWriter(host, headers, decompress, keepAlive, isOwn);
  }

  writeHead(pool: Pool, { plan, settings }: Call): WrittenHead {
    const { proxy } = this.#parts;
    const writer = plan.origin === this.origin && !plan.isAway
      ? this.#ownWriter
      : this.#makeWriter(pool.origin, {}, false);
    // A proxy that is asked in the clear is told where to go.
    const isAbsolute = proxy !== null && !pool.isTunnelled &&
      pool.origin.startsWith("http:");
    return writer.write(
      plan,
      isAbsolute,
      plan.isAway ? null : settings.auth,
      isAbsolute ? proxy.authorization : null,
      this.#usesJar ? this.jar : null,
    );
  }

  gotCookies(): void {
    this.#usesJar = true;
  }

  retried(): void {
    this.stats.retried++;
  }

  // ---- Connecting --------------------------------------------------------

  async dial(
    pool: Pool,
    signal: AbortSignal,
    first: Call,
  ): Promise<NewConnection> {
    const made = await this.#dialer.dial(pool, signal, contextOf(first.plan));
    this.stats.opened++;
    return made;
  }

  changed(pool: Pool): void {
    let connections = this.#upgraded.size;
    for (const one of this.#pools.values()) connections += one.connections.size;
    this.stats.connections = connections;
    if (!pool.isEmpty) return;
    const key = keyOf(pool.origin, pool.isTunnelled);
    // There may be another one by now.
    if (pool !== this.#ownPool && this.#pools.get(key) === pool) {
      this.#pools.delete(key);
    }
    this.#rest();
  }

  /** Stops the clock while there is nothing to look after. */
  #rest(): void {
    if (this.#upgraded.size > 0) return;
    for (const pool of this.#pools.values()) if (!pool.isEmpty) return;
    this.clock.stop();
    if (this.isClosed) this.#closed.resolve();
  }

  left(connection: Switchable): void {
    this.#upgraded.add(connection);
  }

  /** @ignore A connection that spoke something else is closed. */
  upgradeOver(connection: Switchable): void {
    if (!this.#upgraded.delete(connection)) return;
    this.stats.connections--;
    this.#rest();
  }

  #sweep(): void {
    for (const pool of this.#pools.values()) pool.sweep();
    for (const connection of this.#upgraded) connection.sweep();
  }

  // ---- Finished requests -------------------------------------------------

  finished(request: ClientRequest): void {
    this.finishedRequests.add(request);
  }

  taken(request: ClientRequest): void {
    this.finishedRequests.delete(request);
  }

  repeat(request: ClientRequest, headers: HeaderValues): ClientRequest {
    return this.#parts.repeat(request, headers);
  }

  /** Aborts when the `HttpClient` is closed. */
  get closing(): AbortSignal {
    return this.#ending.signal;
  }

  // ---- The end -----------------------------------------------------------

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      const reason = new ClientClosed();
      this.#ending.abort(reason);
      for (const pool of [...this.#pools.values()]) pool.close(reason);
      for (const connection of [...this.#upgraded]) {
        connection.transport.destroy();
      }
      this.#rest();
      this.finishedRequests.end();
    }
    return this.#closed.promise;
  }
}

function keyOf(origin: string, isTunnelled: boolean): string {
  return isTunnelled ? `tunnel ${origin}` : origin;
}
