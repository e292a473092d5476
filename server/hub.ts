import type { Compression } from "./compression.ts";
import type { ServerLimits } from "./limits.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import type { Session } from "./session.ts";
import type { ServerState, StateObserver } from "../wire/lifecycle.ts";
import type { HeldRequest, ServerStats, SessionHost } from "./session_host.ts";
import type {
  RequestParser,
  RequestParserOptions,
} from "../parse/request_parser.ts";
import { Places } from "./places.ts";
import { httpDate } from "./date.ts";
import { after, Clock } from "../transport/clock.ts";
import { Quiet } from "../transport/quiet.ts";
import { ReadyQueue } from "../transport/ready_queue.ts";
import { announcedTimeout, KEEP_ALIVE_MARGIN } from "../wire/response_head.ts";

/** Microtasks that an application may take from an answer to its next client. */
const PATIENCE = 8;

/** Microtasks that it may take to make the next part of an answer. */
const PIECE_PATIENCE = 16;
/** Microtasks after which parts go out though more are made. */
const MOST_CHECKS = 256;

/**
 * For how long a server that is to stop waits for what may be under way, in ms,
 * before it closes connections that are idle.
 */
const STOP_GRACE = 150;

/**
 * So many connections give way where the system has no more descriptors: files
 * and the runtime itself need some as well.
 */
const RESERVE = 8;

/** What a hub needs of its server. */
export interface HubOptions<Client extends HeldRequest> {
  limits: ServerLimits;
  allowConnect: boolean;
  isStreaming: boolean;
  compression: Compression | null;
  /** Told of every change of state: for tests. */
  observer: StateObserver<ServerState> | null;
  onError: (error: unknown, session: Session | null) => void;
  /** The same for what is our side's fault. */
  onFault: (error: unknown, session: Session | null) => void;
  /** Told of requests that are refused; null where nobody asks for answers. */
  onRefused: SessionHost["onRefused"];
  onFinished: () => void;
  /** Called when there is room for one more connection. */
  onRoom: () => void;
  makeClient: (
    session: Session,
    parser: RequestParser,
    body: Uint8Array | IncomingBody | null,
  ) => Client;
}

/** The middle of a server: its sessions, and the queue of ready clients. */
export class Hub<Client extends HeldRequest> implements SessionHost {
  readonly limits: ServerLimits;
  /** Requests are wanted before their bodies. */
  readonly isStreaming: boolean;
  readonly compression: Compression | null;
  readonly parserOptions: RequestParserOptions;
  readonly parsers: RequestParser[] = [];
  readonly buffers: Uint8Array<ArrayBuffer>[] = [];
  readonly observer: StateObserver<ServerState> | null;
  readonly onRefused: SessionHost["onRefused"];
  readonly clock: Clock;
  readonly stats: ServerStats = {
    openConnections: 0,
    requests: 0,
    bytesIn: 0,
    bytesOut: 0,
    refused: 0,
    timedOut: 0,
  };
  /** All connections. */
  readonly sessions: Set<Session> = new Set();
  /** Connections given up in a TLS handshake, whose peers are still there. */
  readonly stalled: Set<Session> = new Set();
  /** No new requests are wanted. */
  isStopping = false;
  /** Everything is closed; no client will come any more. */
  isFinished = false;

  readonly keepFields: readonly [string, string];
  readonly keepTails: readonly [Uint8Array, Uint8Array];
  readonly idleTicks: number;

  readonly #options: HubOptions<Client>;
  readonly #places: Places<Session>;
  readonly #ready = new ReadyQueue<Client>();
  #isEnding = false;
  #stoppedAt = 0;
  #late: Session[] = [];
  // A loop that answers without waiting asks for the next client within a few
  // microtasks; one that awaits its answer does not, and shall have it.
  readonly #lateQuiet = new Quiet(PATIENCE, () => this.flushLate());
  #endLateTimer: (() => void) | undefined;
  // Sessions whose answers are made in parts.
  #soon: Set<Session> = new Set();
  readonly #soonQuiet = new Quiet(
    PIECE_PATIENCE,
    () => this.#flushSoon(),
    MOST_CHECKS,
  );

  constructor(options: HubOptions<Client>) {
    this.#options = options;
    this.limits = options.limits;
    this.#places = new Places(options.limits.maxWaitingClients);
    this.isStreaming = options.isStreaming;
    this.compression = options.compression;
    this.observer = options.observer;
    this.onRefused = options.onRefused;
    const { allowConnect, limits } = options;
    const { maxHeadersLength, maxHeadersCount, maxContentLength } = limits;
    this.parserOptions = {
      maxHeadersLength,
      maxHeadersCount,
      maxContentLength,
      allowConnect,
    };
    // Who reads a body as it arrives may allow more for it than the server.
    if (this.isStreaming) this.parserOptions.maxContentLength = Infinity;
    const { keepAliveTimeout, requestTimeout, bodyTimeout, sendTimeout } =
      options.limits;
    this.clock = new Clock(
      [keepAliveTimeout, requestTimeout, bodyTimeout, sendTimeout],
      () => this.#sweep(),
      false,
      () => httpDate.renew(Date.now()),
    );
    const announced = announcedTimeout(keepAliveTimeout);
    this.idleTicks = this.clock.ticks(
      Math.max(keepAliveTimeout, announced * 1000 + KEEP_ALIVE_MARGIN),
    );
    const kept = "connection: keep-alive\r\n";
    const fields = announced > 0
      ? `${kept}keep-alive: timeout=${announced}\r\n`
      : "";
    this.keepFields = [fields || kept, fields];
    const encoder = new TextEncoder();
    this.keepTails = [
      encoder.encode(`\r\n${fields || kept}\r\n`),
      encoder.encode(`\r\n${fields}\r\n`),
    ];
  }

  /** Whether a client can be taken without waiting. */
  get isReady(): boolean {
    return this.#ready.isReady;
  }

  /** Takes in a new connection. */
  add(session: Session): void {
    this.clock.start();
    this.sessions.add(session);
    this.#places.add(session);
    this.stats.openConnections++;
    session.start();
  }

  /** How many connections an address has. */
  countOf(address: string): number {
    return this.#places.count(address);
  }

  /** Whether an address has more than half of all connections. */
  hasMost(address: string): boolean {
    return this.#places.hasMost(address);
  }

  /** Whether there is room for a connection; makes some where it can. */
  makeRoom(address: string): boolean {
    const { maxWaitingClients } = this.limits;
    if (this.stalled.size >= maxWaitingClients) return false;
    return this.sessions.size < maxWaitingClients || this.#evict(address);
  }

  /** Closes the connection that gives way to a newcomer, if there is one. */
  #evict(newcomer: string): boolean {
    const victim = this.#places.victim(
      this.sessions,
      newcomer,
      this.clock.tick,
    );
    victim?.giveWay();
    return victim !== null;
  }

  spare(): boolean {
    let count = 0;
    while (count < RESERVE && this.#evict("")) count++;
    return count > 0;
  }

  deliver(
    session: Session,
    parser: RequestParser,
    body: Uint8Array | IncomingBody | null,
  ): Client {
    const client = this.#options.makeClient(session, parser, body);
    this.#ready.add(client);
    return client;
  }

  /** Somebody asks for the next client: what is answered need not wait. */
  #asked(): void {
    this.#lateQuiet.callOff();
    if (!this.isReady) this.flushLate();
  }

  /** The next client, or null without waiting. */
  take(): Client | null {
    this.#asked();
    return this.#ready.take();
  }

  /** The next client on one of these sockets, or null without waiting. */
  takeFrom(matches: (client: Client) => boolean): Client | null {
    const client = this.#ready.takeWhere(matches);
    if (client === null) this.flushLate();
    return client;
  }

  /** The next client, in the form of an iterator. */
  next(): Promise<IteratorResult<Client, undefined>> {
    this.#asked();
    return this.#ready.next();
  }

  /** The next client, or null when the time is over or none will come. */
  wait(timeout: number): Promise<Awaited<Client> | null> {
    this.#asked();
    return this.#ready.wait(timeout);
  }

  /** Calls back whenever a client gets ready, or none will come any more. */
  watch(notify: () => void): () => void {
    this.flushLate();
    return this.#ready.watch(notify);
  }

  later(session: Session): void {
    if (!session.isLate) {
      session.isLate = true;
      this.#late.push(session);
    }
    this.#lateQuiet.whenQuiet();
    // The application may turn to something else with the next client in
    // hand; what it has answered must not wait for that.
    this.#endLateTimer ??= after(0, () => {
      this.#endLateTimer = undefined;
      this.flushLate();
    });
  }

  soon(session: Session): void {
    this.#soon.add(session);
    this.#soonQuiet.stir();
  }

  #flushSoon(): void {
    const sessions = this.#soon;
    this.#soon = new Set();
    for (const session of sessions) session.flush();
  }

  /** Sends all output that was held back to go out together. */
  flushLate(): void {
    if (this.#late.length === 0) return;
    const late = this.#late;
    this.#late = [];
    for (const session of late) {
      session.isLate = false;
      session.flush();
    }
  }

  closed(session: Session): void {
    this.sessions.delete(session);
    // Its socket is open as long as the peer wants: that still counts.
    if (!this.stalled.has(session)) this.#places.delete(session);
    this.stats.openConnections--;
    if (this.sessions.size === 0) this.clock.stop();
    this.#options.onRoom();
    this.#finishIfStopped();
  }

  unstalled(session: Session): void {
    this.stalled.delete(session);
    this.#places.delete(session);
    this.#options.onRoom(); // whoever waits may have waited for that alone
  }

  report(error: unknown, session: Session | null): void {
    this.#options.onError(error, session);
  }

  fault(error: unknown, session: Session | null): void {
    session?.client?.answerFailed(error);
    this.#options.onFault(error, session);
  }

  /**
   * Lets requests that have been sent be answered, and closes what is idle
   * then. Ends with the last connection once `endWhenEmpty()` is called.
   */
  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.#stoppedAt = this.clock.tick;
    for (const session of this.sessions) session.stopping();
  }

  get isStopDue(): boolean {
    return this.isStopping &&
      this.clock.tick - this.#stoppedAt > this.clock.ticks(STOP_GRACE);
  }

  /** Lets connections live on, but ends with the last of them. */
  endWhenEmpty(): void {
    this.#isEnding = true;
    this.#finishIfStopped();
  }

  /** Answers all that the application holds and has not answered. */
  giveUp(status: number): void {
    for (const session of this.sessions) session.giveUp(status);
  }

  /** Closes everything at once. */
  close(): void {
    this.isStopping = this.#isEnding = true;
    for (const session of this.sessions) {
      session.flush(); // what was answered before is not lost
      session.destroy();
    }
    this.#ready.clear();
    this.#finishIfStopped();
  }

  #finishIfStopped(): void {
    if (this.isFinished || this.sessions.size > 0) return;
    if (!this.#isEnding) return;
    this.isFinished = true;
    this.#endLateTimer?.();
    this.clock.stop();
    for (const session of this.stalled) session.endStall();
    this.#ready.end();
    this.#options.onFinished();
  }

  #sweep(): void {
    const isStopDue = this.isStopDue;
    const grace = this.clock.ticks(STOP_GRACE);
    for (const session of this.sessions) {
      session.sweep();
      // What was promised another answer has a moment to ask for it.
      if (isStopDue && session.isIdle && session.age > grace) session.destroy();
    }
    this.#options.onRoom();
  }
}
