import { checkFunction, checkText, checkTime } from "../parse/arguments.ts";
import { OptionNames } from "../parse/option_names.ts";
import type { BodyLimits } from "../message/incoming_message.ts";
import {
  Acceptor,
  type AcceptorHandlers,
  type ConnSource,
} from "../transport/acceptor.ts";
import { after } from "../transport/clock.ts";
import {
  checkPair,
  listen,
  type ListenOptions,
  rebind,
} from "../transport/listen.ts";
import type { Answered } from "./answered.ts";
import { checkStatus } from "../wire/response_head.ts";
import { checkCompression } from "./compression.ts";
import { HttpConnection } from "./http_connection.ts";
import { GuardedListener } from "../transport/guarded_tls.ts";
import { Hub } from "./hub.ts";
import { checkServerLimits, type ServerLimits } from "./limits.ts";
import { checkOptions, type HttpServerOptions } from "./options.ts";
import { plainAddress, TrustedProxies } from "./proxies.ts";
import type { Selectable } from "../transport/select.ts";
import { Session } from "./session.ts";
import {
  OBSERVER,
  type ServerState,
  type StateObserver,
} from "../wire/lifecycle.ts";
import { tune } from "../transport/socket.ts";
import type { ServerStats } from "./session_host.ts";

/** Connections that the system keeps waiting where nobody says how many. */
const DEFAULT_BACKLOG = 511;

/** So many faults are written to standard error: peers may repeat them. */
const MOST_TOLD = 100;

/** For how long the last answers may take to be read, in ms. */
const LAST_ANSWERS = 1000;

/** A socket of a server: where it listens, or a connection. */
export type ServerSocket = ConnSource | Deno.Conn;

/** How to shut a server down. */
interface ShutdownOptions {
  /** After how many ms what is left is closed; default 30,000. */
  timeout?: number;
  /**
   * What requests that are held without an answer get then, such as 503; by
   * default nothing: their connections are closed.
   */
  status?: number;
}

const SHUTDOWN_NAMES = new OptionNames<ShutdownOptions>("shutdown()", {
  timeout: true,
  status: true,
});
const PAIR_NAMES = new OptionNames<{ cert: string; key: string }>(
  "loadCertificate()",
  { cert: true, key: true },
);

/** @throws {TypeError} If something is no list of sockets. */
function checkSockets(sockets: unknown): void {
  if (
    Array.isArray(sockets) &&
    sockets.every((one) => typeof one === "object" && one !== null)
  ) return;
  throw new TypeError("Sockets are not an array of sockets");
}

function answeredFailed(error: unknown): void {
  console.error("Error in onAnswered:", error);
}

/** What the process may end without. */
interface Refable {
  ref?(): void;
  unref?(): void;
}

/** A connection that waits for a place. */
interface Newcomer {
  conn: Deno.Conn;
  address: string;
  /** Says that it waits no more. */
  done: () => void;
}

/** Options with one that is no one's but the tests'. */
interface ObservedOptions extends HttpServerOptions {
  [OBSERVER]?: StateObserver<ServerState>;
}

/**
 * A server that you pull requests from, and answer when you like.
 *
 * ```ts
 * import { HttpServer } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * const response = fetch(server.url + "hello?x=1");
 *
 * for await (const client of server) {
 *   client.respond({ path: client.path, query: client.query });
 *   break;
 * }
 *
 * assertEquals(await (await response).json(), {
 *   path: "/hello",
 *   query: { x: "1" },
 * });
 * await server.close();
 * ```
 *
 * Needs `--allow-net`; with `path`, also `--allow-read` and `--allow-write`
 * for the socket.
 */
export class HttpServer
  implements AsyncIterable<HttpConnection>, Selectable, AsyncDisposable {
  /** The limits in force. */
  readonly limits: Readonly<ServerLimits>;
  /** @ignore */
  readonly bodyLimits: BodyLimits;
  /** @ignore */
  readonly trustedProxies: TrustedProxies;

  readonly #options: HttpServerOptions;
  readonly #hub: Hub<HttpConnection>;
  readonly #finished = Promise.withResolvers<void>();
  #listening: ListenOptions | null = null;
  #acceptor: Acceptor;
  #acceptors: Promise<void>[] = [];
  #newcomers: Newcomer[] = [];
  #isMakingRoom = false;
  #isAccepting = true;
  #isPathGone = false;
  // Whether the process goes on for the server's sake.
  #isRef = true;
  #loading: Promise<void> = Promise.resolve();
  // Faults of our own that were written to standard error.
  readonly #told = new Set<string>();

  /**
   * Starts to listen at once.
   *
   * @throws {TypeError} If an option has the wrong type or does not go with
   * another one; the message names it.
   * @throws {RangeError} If a number is out of range.
   * @throws {Deno.errors.AddrInUse} If something else listens there.
   * @throws {Deno.errors.InvalidData} If certificate or key is not valid, or
   * they are not of one pair.
   */
  constructor(options: HttpServerOptions = {}) {
    checkOptions(options);
    this.limits = checkServerLimits(options);
    const { maxJsonDepth, maxFormFields } = this.limits;
    const parts = { maxParts: maxFormFields, ...options.partLimits };
    this.bodyLimits = { maxJsonDepth, maxFormFields, parts };
    this.trustedProxies = new TrustedProxies(options.trustedProxies ?? []);
    this.#options = options;
    this.#hub = new Hub({
      limits: this.limits,
      allowConnect: options.allowConnect ?? false,
      isStreaming: options.streaming ?? false,
      compression: checkCompression(options.compress),
      observer: (options as ObservedOptions)[OBSERVER] ?? null,
      onError: (error, session) => this.#report(error, session),
      onFault: (error, session) => this.#fault(error, session),
      onRefused: options.onAnswered === undefined
        ? null
        : (refused, session) => {
          const { remoteAddr } = (session as Session).conn;
          const address = "hostname" in remoteAddr
            ? plainAddress(remoteAddr.hostname)
            : "unix";
          this.answered({ client: null, address, ...refused });
        },
      onFinished: () => this.#finish(),
      onRoom: () => this.#makeRoom(),
      makeClient: (session, parser, body) =>
        new HttpConnection(this, session, parser, body),
    });
    let source = options.listener;
    if (source === undefined) {
      this.#listening = {
        ...options,
        hostname: options.hostname ?? "0.0.0.0",
        port: options.port ?? (options.cert === undefined ? 80 : 443),
      };
      source = listen(this.#listening);
    }
    this.#acceptor = this.#accept(source);
    options.signal?.addEventListener("abort", this.#onAbort);
    if (options.signal?.aborted) this.close();
  }

  // ---- Accepting --------------------------------------------------------

  #accept(source: ConnSource): Acceptor {
    if (!this.#isRef) (source as Refable).unref?.();
    const handlers: AcceptorHandlers = {
      room: (conn) => this.#roomFor(conn),
      turnAway: () => this.#turnAway(),
      accepted: (conn) => this.#add(conn, this.#addressOf(conn)),
      spare: () => this.#hub.spare(),
      failed: (error) => this.#report(error, null),
      ended: () => {
        // No connection will come any more; those there are live on.
        this.#isAccepting = false;
        this.#hub.endWhenEmpty();
      },
    };
    const acceptor = new Acceptor(source, handlers);
    this.#acceptors.push(acceptor.done);
    return acceptor;
  }

  /** Whose place a connection takes; "" where it is not counted. */
  #addressOf(conn: Deno.Conn): string {
    const { remoteAddr } = conn;
    if (!("hostname" in remoteAddr)) return "";
    const address = plainAddress(remoteAddr.hostname);
    return this.trustedProxies.has(address) ? "" : address;
  }

  #add(conn: Deno.Conn, address: string): void {
    tune(conn);
    if (!this.#isRef) (conn as Refable).unref?.();
    this.#hub.add(new Session(conn, this.#hub, address));
  }

  #roomFor(conn: Deno.Conn): Promise<void> | boolean {
    if (!this.#isAccepting) return false;
    const address = this.#addressOf(conn);
    const { maxClientsPerAddress } = this.limits;
    if (this.#hub.countOf(address) >= maxClientsPerAddress) {
      this.#hub.stats.refused++;
      return false;
    }
    if (this.#newcomers.length === 0 && this.#hub.makeRoom(address)) {
      return true;
    }
    const wait = Promise.withResolvers<void>();
    this.#newcomers.push({ conn, address, done: wait.resolve });
    if (this.#newcomers.length > 1) this.#makeRoom(); // for whoever has fewest
    return wait.promise;
  }

  /** Lets newcomers in, those first whose address has the fewest places. */
  #makeRoom(): void {
    if (this.#isMakingRoom) return; // a connection was closed for it
    this.#isMakingRoom = true;
    for (let i; (i = this.#nextNewcomer()) >= 0;) {
      if (!this.#hub.makeRoom(this.#newcomers[i].address)) break;
      const [{ conn, address, done }] = this.#newcomers.splice(i, 1);
      this.#add(conn, address);
      done();
    }
    this.#isMakingRoom = false;
  }

  /** The first of the newcomers whose address has the fewest places, or -1. */
  #nextNewcomer(): number {
    let next = -1;
    let fewest = Infinity;
    for (const [i, { address }] of this.#newcomers.entries()) {
      const count = this.#hub.countOf(address);
      if (count < fewest) [next, fewest] = [i, count];
    }
    return next;
  }

  /**
   * Turns a newcomer away whose address has most of the places already, as
   * others may wait behind it.
   */
  #turnAway(): void {
    const index = this.#newcomers.findIndex(({ address }) =>
      this.#hub.hasMost(address)
    );
    if (index < 0) return;
    this.#hub.stats.refused++;
    this.#sendAway(this.#newcomers.splice(index, 1));
  }

  #sendAway(newcomers: Newcomer[]): void {
    for (const { conn, done } of newcomers) {
      try {
        conn.close();
      } catch {
        // Closed already.
      }
      done();
    }
  }

  #stopAccepting(): void {
    this.#isAccepting = false;
    this.#acceptor.close();
    this.#sendAway(this.#newcomers.splice(0));
    const { path } = this.#options;
    // Once: another server may listen there by now.
    if (path === undefined || this.#isPathGone) return;
    this.#isPathGone = true;
    try {
      Deno.removeSync(path);
    } catch {
      // Removed already.
    }
  }

  readonly #onAbort = (): void => {
    this.close();
  };

  #finish(): void {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    Promise.all(this.#acceptors).then(() => this.#finished.resolve());
  }

  #report(error: unknown, session: Session | null): void {
    const { onError } = this.#options;
    if (onError === undefined) return;
    // The application's own mistake must not break the connection.
    const failed = (fault: unknown) =>
      console.error("Error in onError:", fault);
    try {
      const remoteAddr = session?.conn.remoteAddr;
      const result: unknown = onError(error, { remoteAddr });
      if (result instanceof Promise) result.catch(failed);
    } catch (fault) {
      failed(fault);
    }
  }

  /** Tells of a fault of our own: where nobody listens, once of each kind. */
  #fault(error: unknown, session: Session | null): void {
    if (this.#options.onError !== undefined) this.#report(error, session);
    else {
      const text = String(error);
      if (this.#told.size >= MOST_TOLD || this.#told.has(text)) return;
      this.#told.add(text);
      console.error("Error in an answer:", error);
    }
  }

  /** @ignore It is known what became of an answer. */
  answered(answered: Answered): void {
    try {
      const result: unknown = this.#options.onAnswered?.(answered);
      if (result instanceof Promise) result.catch(answeredFailed);
    } catch (error) {
      answeredFailed(error);
    }
  }

  /** @ignore Tells what a listener of the application threw. */
  listenerFailed(error: unknown, session: Session): void {
    if (this.#options.onError !== undefined) this.#report(error, session);
    else console.error("Error in a listener:", error);
  }

  // ---- What it is -------------------------------------------------------

  /** Where the server listens. */
  get addr(): Deno.Addr {
    const { addr } = this.#acceptor.source;
    if (addr === undefined) throw new TypeError("The listener has no address");
    return addr;
  }

  /** The port that the server listens on; 0 on a Unix socket. */
  get port(): number {
    const { addr } = this;
    return "port" in addr ? addr.port : 0;
  }

  /** The server's root as a URL, with `localhost` for "all addresses". */
  get url(): string {
    const { addr } = this;
    if (!("hostname" in addr)) return `unix:${(addr as Deno.UnixAddr).path}`;
    const { hostname, port } = addr;
    const host = hostname === "0.0.0.0" || hostname === "::"
      ? "localhost"
      : hostname.includes(":")
      ? `[${hostname}]`
      : hostname;
    return `${this.isSecure ? "https" : "http"}://${host}:${port}/`;
  }

  /** The socket that listens. */
  get socket(): ConnSource {
    return this.#acceptor.source;
  }

  /** Whether the server speaks TLS. */
  get isSecure(): boolean {
    return this.#options.cert !== undefined;
  }

  /** Counters, since the start. A copy: it does not change any more. */
  get stats(): ServerStats {
    return { ...this.#hub.stats };
  }

  /** Sockets that the server waits to read from, its listener first. */
  get readSockets(): ServerSocket[] {
    const sockets: ServerSocket[] = this.#isAccepting ? [this.socket] : [];
    for (const session of this.#hub.sessions) {
      if (session.isReading) sockets.push(session.conn);
    }
    return sockets;
  }

  /** Sockets with output that the peer or the server has yet to take. */
  get writeSockets(): ServerSocket[] {
    const sockets: ServerSocket[] = [];
    for (const session of this.#hub.sessions) {
      if (session.out.bufferedAmount > 0) sockets.push(session.conn);
    }
    return sockets;
  }

  /** Whether {@linkcode HttpServer.processEvents} would return a client. */
  get isReady(): boolean {
    return this.#hub.isReady;
  }

  /** Resolves when the server is closed and all its sockets are let go. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Whether the server is closed, and all its clients were taken. */
  get isFinished(): boolean {
    return this.#hub.isFinished && !this.#hub.isReady;
  }

  // ---- Clients ----------------------------------------------------------

  /**
   * The clients, each with one request, in the order in which their requests
   * were complete. Ends when the server is closed; leaving the loop does not
   * close it.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<HttpConnection> {
    const hub = this.#hub;
    return {
      next: () => hub.next(),
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * Waits for the next client.
   *
   * @param timeout How long, in ms; for ever by default.
   * @returns The client; `null` when the time is over or the server closed.
   */
  wait(timeout: number = Infinity): Promise<HttpConnection | null> {
    checkTime("Timeout", timeout);
    return this.#hub.wait(timeout);
  }

  /**
   * The next ready client, or `null`, without waiting. See `select()`.
   *
   * Given sockets, it does the work of {@linkcode HttpServer.eventWrite} and
   * {@linkcode HttpServer.eventRead} for them.
   */
  processEvents(
    readSockets?: readonly ServerSocket[],
    writeSockets?: readonly ServerSocket[],
  ): HttpConnection | null {
    if (writeSockets !== undefined) this.eventWrite(writeSockets);
    return readSockets === undefined
      ? this.#hub.take()
      : this.eventRead(readSockets);
  }

  /**
   * The next ready client on one of these sockets, or `null`, without
   * waiting. The listener stands for all connections that came through it.
   */
  eventRead(sockets: readonly ServerSocket[]): HttpConnection | null {
    checkSockets(sockets);
    if (sockets.includes(this.socket)) return this.#hub.take();
    return this.#hub.takeFrom((client) => sockets.includes(client.socket));
  }

  /** Sends at once what is held back for these sockets to go out together. */
  eventWrite(sockets: readonly ServerSocket[]): void {
    checkSockets(sockets);
    for (const session of this.#hub.sessions) {
      if (session.out.bufferedAmount > 0 && sockets.includes(session.conn)) {
        session.flush();
      }
    }
  }

  /** Calls back whenever a client gets ready, or none will come any more. */
  watch(notify: () => void): () => void {
    checkFunction("Callback", notify);
    return this.#hub.watch(notify);
  }

  /**
   * Lets the process go on for the server's sake, as it does unless told
   * otherwise.
   */
  ref(): void {
    this.#setRef(true);
  }

  /** Lets the process end though the server runs, and its connections are open. */
  unref(): void {
    this.#setRef(false);
  }

  #setRef(isRef: boolean): void {
    this.#isRef = isRef;
    this.#hub.clock.isBackground = !isRef;
    const sockets: Refable[] = [this.socket as Refable];
    for (const session of this.#hub.sessions) sockets.push(session.conn);
    for (const socket of sockets) {
      if (isRef) socket.ref?.();
      else socket.unref?.();
    }
  }

  // ---- Certificate and end ----------------------------------------------

  /**
   * Goes on with another certificate. Open connections live on; new ones get
   * the new certificate once the promise has resolved.
   *
   * With `reusePort` the port stays open all the time. Without it, it is
   * closed once all is accepted that waits there, and opened again: for about
   * a millisecond, new connections are refused.
   *
   * @throws {TypeError} If the server does not listen for TLS itself, or is
   * closed.
   * @throws {Deno.errors.InvalidData} If the pair is not valid: the old one
   * stays in service.
   */
  loadCertificate(pair: { cert: string; key: string }): Promise<void> {
    PAIR_NAMES.check(pair ?? null);
    checkText('Option "cert"', pair.cert);
    checkText('Option "key"', pair.key);
    // One after the other: two at once would be in each other's way.
    const loaded = this.#loading.then(() => this.#loadCertificate(pair));
    this.#loading = loaded.catch(() => {});
    return loaded;
  }

  async #loadCertificate(pair: { cert: string; key: string }): Promise<void> {
    if (!this.isSecure || this.#listening === null) {
      throw new TypeError("Server does not listen for TLS itself");
    }
    if (!this.#isAccepting) throw new TypeError("Server is closed");
    const { cert, key } = pair;
    checkPair(cert, key);
    const before = { ...this.#listening, port: this.port };
    const after = { ...before, cert, key };
    const old = this.#acceptor;
    if (old.source instanceof GuardedListener) {
      old.source.renew(cert, key);
      this.#listening = after;
      return;
    }
    // Where a port can be shared, it is never without a listener.
    const isShared = before.reusePort === true;
    if (!isShared) await old.finish(this.#backlog);
    let listener: ReturnType<typeof listen>;
    let refusal: { error: unknown } | null = null;
    try {
      listener = isShared ? listen(after) : await rebind(after);
    } catch (error) {
      if (isShared) throw error;
      refusal = { error };
      listener = await rebind(before);
    }
    this.#acceptor = this.#accept(listener);
    if (!this.#isAccepting) this.#acceptor.close();
    if (isShared) await old.finish(this.#backlog);
    if (refusal !== null) throw refusal.error;
    this.#listening = after;
  }

  /** How many connections the system may keep for us to accept. */
  get #backlog(): number {
    return this.#options.backlog ?? DEFAULT_BACKLOG;
  }

  /**
   * Ends in good order: accepts connections that wait to be, answers what was
   * sent before, saying that each answer is the connection's last, stops
   * accepting, closes idle connections, and then ends the iterator. Go on with
   * taking clients until it does.
   *
   * @param options `timeout`: after how many ms what is left is closed;
   * default 30,000. `status`: what requests that are held without an answer get
   * then, such as 503.
   * @throws {TypeError} If an option is unknown, or no number.
   * @throws {RangeError} If one is out of range.
   */
  async shutdown(
    options: { timeout?: number; status?: number } = {},
  ): Promise<void> {
    SHUTDOWN_NAMES.check(options);
    const { timeout = 30_000, status } = options;
    checkTime('Option "timeout"', timeout);
    if (status !== undefined) checkStatus(status);
    let end = after(timeout, () => {
      if (status === undefined) {
        this.close();
        return;
      }
      this.#hub.giveUp(status);
      end = after(LAST_ANSWERS, () => this.close());
    });
    this.#hub.stop();
    if (this.#isAccepting) {
      await this.#acceptor.finish(this.#backlog);
      this.#stopAccepting();
      this.#hub.endWhenEmpty();
    }
    await this.#finished.promise;
    end();
  }

  /**
   * Closes everything at once, and ends the iterator. Safe to call again.
   *
   * @returns A promise that resolves when all is let go; it may be ignored.
   */
  close(): Promise<void> {
    this.#stopAccepting();
    this.#hub.close();
    return this.#finished.promise;
  }

  /** The same as {@linkcode HttpServer.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
