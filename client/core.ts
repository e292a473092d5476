import type { DialError } from "../transport/dial.ts";
import { dial } from "../transport/dial.ts";
import { after, Clock } from "../transport/clock.ts";
import type { Meter } from "../transport/transport.ts";
import {
  type CheckedHeaders,
  type HeaderValues,
} from "../wire/response_head.ts";
import { Authenticator } from "./authenticator.ts";
import type { ClientRequest, RequestOwner } from "./client_request.ts";
import type { ClientConnection } from "./connection.ts";
import { CookieJar } from "./cookie_jar.ts";
import {
  AbortedError,
  ClientError,
  ConnectError,
  type ErrorContext,
  TimeoutError,
  TlsError,
} from "./errors.ts";
import type { Exchange, ExchangeHost } from "./exchange.ts";
import type { ClientLimits, HttpClientOptions } from "./options.ts";
import type { NewConnection, Pool, PoolHost } from "./pool.ts";
import { Pool as OriginPool } from "./pool.ts";
import { openTunnel, type Proxy } from "./proxy.ts";
import { HeadWriter } from "./request_head.ts";

/** Counters of a client, since its start. */
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

/** Finished requests that wait to be pulled, where nobody pulls. */
const MAX_FINISHED = 1000;

/** What a client is made of, checked. */
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
export class ClientCore implements PoolHost, ExchangeHost, RequestOwner {
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
  isClosed = false;

  readonly #parts: CoreParts;
  readonly #clock: Clock;
  readonly #pools = new Map<string, Pool>();
  #ownPool: Pool | null = null;
  readonly #ownWriter: HeadWriter;
  readonly #upgraded = new Set<ClientConnection>();
  // Whether the jar may hold something: it is not asked before that.
  #usesJar: boolean;
  readonly #finished = new Set<ClientRequest>();
  #isPulled = false;
  readonly #waiters: ((request: ClientRequest | null) => void)[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #ending = new AbortController();
  readonly #closed = Promise.withResolvers<void>();

  constructor(parts: CoreParts) {
    const { options, limits } = parts;
    this.#parts = parts;
    this.origin = parts.origin;
    this.limits = limits;
    this.jar = parts.jar;
    this.keepAlive = options.keepAlive ?? true;
    this.decompress = options.decompress ?? true;
    this.retry = options.retry ?? true;
    this.#usesJar = options.cookies instanceof CookieJar;
    this.#clock = new Clock(
      [limits.timeout, limits.keepAliveTimeout || 1000],
      () => this.#sweep(),
      true,
    );
    this.#ownWriter = this.#makeWriter(parts.origin, parts.headers);
  }

  get meter(): Meter {
    return this.stats;
  }

  get tick(): number {
    return this.#clock.tick;
  }

  ticks(ms: number): number {
    return this.#clock.ticks(ms);
  }

  begun(since: number): number {
    return this.#clock.begun(since);
  }

  get pools(): Iterable<Pool> {
    return this.#pools.values();
  }

  /** How many connections speak something else than HTTP. */
  get upgraded(): ReadonlySet<ClientConnection> {
    return this.#upgraded;
  }

  // ---- Sending -----------------------------------------------------------

  send(exchange: Exchange): void {
    if (this.isClosed) {
      exchange.abort(closedReason());
      return;
    }
    const isTunnelled = exchange.onSwitch !== null &&
      this.#parts.proxy !== null;
    this.#clock.start();
    this.#pool(exchange.origin, isTunnelled).send(exchange);
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

  forget(exchange: Exchange): void {
    for (const pool of this.#pools.values()) pool.forget(exchange);
  }

  #makeWriter(origin: string, headers: CheckedHeaders): HeadWriter {
    const host = origin.slice(origin.indexOf("//") + 2);
    return new HeadWriter(host, headers, this.decompress, this.keepAlive);
  }

  writeHead(pool: Pool, exchange: Exchange): string {
    const { proxy } = this.#parts;
    const isOwn = exchange.isOwn && !exchange.isAwayFromAuth;
    const writer = isOwn ? this.#ownWriter : this.#makeWriter(pool.origin, {});
    // A proxy that is asked in the clear is told where to go.
    const isAbsolute = proxy !== null && !pool.isTunnelled &&
      pool.origin.startsWith("http:");
    return writer.write(
      exchange,
      isAbsolute,
      exchange.isAwayFromAuth ? null : exchange.settings.auth,
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
    first: Exchange,
  ): Promise<NewConnection> {
    const { method, url } = first;
    try {
      const made = await this.#connect(pool, signal, { method, url });
      this.stats.opened++;
      return made;
    } catch (error) {
      throw this.#connectError(error, { method, url });
    }
  }

  async #connect(
    pool: Pool,
    signal: AbortSignal,
    context: ErrorContext,
  ): Promise<NewConnection> {
    const { options, proxy } = this.#parts;
    const target = new URL(pool.origin);
    const isSecure = target.protocol === "https:";
    const { hostname } = target;
    const port = Number(target.port) || (isSecure ? 443 : 80);
    const isOwn = pool.origin === this.origin;
    if (isOwn && options.connect !== undefined) {
      const begun = performance.now();
      const { connectTimeout } = this.limits;
      const conn = await own(
        options.connect({ hostname, port, signal }),
        signal,
        connectTimeout,
        () => new TimeoutError("connect", connectTimeout, context),
      );
      return { conn, connectTime: performance.now() - begun, tlsTime: 0 };
    }
    const { caCerts, insecure = false, cert, key } = options;
    const usesTunnel = proxy !== null && (isSecure || pool.isTunnelled);
    const peer = proxy ?? { hostname, port, isSecure };
    if (proxy?.isSecure && usesTunnel) {
      throw new ConnectError(
        "a proxy that is itself spoken to by TLS gives no tunnels here",
        context,
      );
    }
    const tls = usesTunnel ? isSecure : peer.isSecure;
    // What says who we are is for the base URL's origin, and not for a proxy.
    const pair = isOwn && isSecure && cert !== undefined && key !== undefined
      ? { cert, key }
      : undefined;
    return await dial({
      hostname: peer.hostname,
      port: peer.port,
      path: isOwn ? options.path : undefined,
      tls: tls
        ? {
          hostname: usesTunnel ? hostname : peer.hostname,
          caCerts,
          insecure,
          pair,
        }
        : null,
      timeout: this.limits.connectTimeout,
      signal,
      tunnel: usesTunnel
        ? (conn) =>
          openTunnel(conn, `${hostname}:${port}`, proxy, this.limits, context)
        : null,
    });
  }

  #connectError(error: unknown, context: ErrorContext): Error {
    if (error instanceof ClientError) return error;
    if (!isDialError(error)) {
      return new ConnectError(
        error instanceof Error ? error.message : String(error),
        { ...context, cause: error },
      );
    }
    const cause = error.cause ?? error;
    if (error.kind === "timeout") {
      const { connectTimeout } = this.limits;
      return new TimeoutError(error.phase, connectTimeout, {
        ...context,
        cause,
      });
    }
    if (error.kind === "aborted") {
      return new AbortedError({ ...context, cause });
    }
    return error.phase === "tls"
      ? new TlsError(error.problem, { ...context, cause })
      : new ConnectError(error.problem, { ...context, cause });
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
    this.#clock.stop();
    if (this.isClosed) this.#closed.resolve();
  }

  left(connection: ClientConnection): void {
    this.#upgraded.add(connection);
  }

  /** @ignore A connection that spoke something else is closed. */
  upgradeOver(connection: ClientConnection): void {
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
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter(request);
      return;
    }
    this.#finished.add(request);
    if (!this.#isPulled && this.#finished.size > MAX_FINISHED) {
      for (const oldest of this.#finished) {
        this.#finished.delete(oldest);
        oldest.response?.close();
        break;
      }
    }
    this.#notify();
  }

  taken(request: ClientRequest): void {
    this.#finished.delete(request);
  }

  repeat(request: ClientRequest, headers: HeaderValues): ClientRequest {
    return this.#parts.repeat(request, headers);
  }

  /** Aborts when the client is closed. */
  get closing(): AbortSignal {
    return this.#ending.signal;
  }

  /** The next finished request that nobody has waited for, or null. */
  take(): ClientRequest | null {
    this.#isPulled = true;
    for (const request of this.#finished) {
      this.#finished.delete(request);
      return request;
    }
    return null;
  }

  get isReady(): boolean {
    return this.#finished.size > 0;
  }

  whenReady(waiter: (request: ClientRequest | null) => void): void {
    const request = this.take();
    if (request !== null || this.isClosed) waiter(request);
    else this.#waiters.push(waiter);
  }

  forgetWaiter(waiter: (request: ClientRequest | null) => void): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }

  watch(notify: () => void): () => void {
    this.#isPulled = true;
    this.#watchers.add(notify);
    return () => this.#watchers.delete(notify);
  }

  #notify(): void {
    for (const notify of [...this.#watchers]) notify();
  }

  // ---- The end -----------------------------------------------------------

  close(): Promise<void> {
    if (!this.isClosed) {
      this.isClosed = true;
      const reason = closedReason();
      this.#ending.abort(reason);
      for (const pool of [...this.#pools.values()]) pool.close(reason);
      for (const connection of [...this.#upgraded]) connection.destroy();
      for (const waiter of this.#waiters.splice(0)) waiter(null);
      this.#rest();
      this.#notify();
    }
    return this.#closed.promise;
  }
}

/** What a caller's own way of connecting comes to, unless it is too late. */
function own(
  connecting: Promise<Deno.Conn>,
  signal: AbortSignal,
  timeout: number,
  timedOut: () => Error,
): Promise<Deno.Conn> {
  return new Promise((resolve, reject) => {
    const end = () => {
      callOff();
      signal.removeEventListener("abort", onAbort);
    };
    const giveUp = (reason: unknown) => {
      end();
      reject(reason);
      connecting.then((conn) => conn.close(), () => {});
    };
    const onAbort = () => giveUp(signal.reason);
    const callOff = after(timeout, () => giveUp(timedOut()));
    signal.addEventListener("abort", onAbort);
    connecting.then(resolve, reject).finally(end);
  });
}

function keyOf(origin: string, isTunnelled: boolean): string {
  return isTunnelled ? `tunnel ${origin}` : origin;
}

function closedReason(): TypeError {
  return new TypeError("Client is closed");
}

function isDialError(error: unknown): error is DialError {
  return error instanceof Error && error.name === "DialError";
}
