import { checkServerLimits, type ServerLimits } from "../../server/limits.ts";
import { Session } from "../../server/session.ts";
import type {
  HeldRequest,
  OpenAnswer,
  SessionHost,
} from "../../server/session_host.ts";
import type { IncomingBody } from "../../message/incoming_body.ts";
import { Clock } from "../../transport/clock.ts";
import type { ServerState } from "../../wire/lifecycle.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The server's end of a connection, which a test holds in its hands. */
export class FakeConn {
  /** What was written, as text. */
  written = "";
  /** How many writes took it. */
  writes = 0;
  /** Whether our side is closed. */
  isHalfClosed = false;
  isClosed = false;
  /** Whether the system takes what is written. */
  isOpen = true;
  #reading: ((length: number | null) => void) | null = null;
  #space: Uint8Array = new Uint8Array(0);
  #inbox: (Uint8Array | null)[] = [];
  #pending: (() => void)[] = [];

  read(space: Uint8Array): Promise<number | null> {
    if (this.#reading !== null) throw new Error("Two reads at a time");
    this.#space = space;
    return new Promise((resolve) => {
      this.#reading = resolve;
      this.#give();
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    const take = () => {
      this.written += decoder.decode(bytes);
      this.writes++;
      return bytes.length;
    };
    if (this.isOpen) return Promise.resolve(take());
    return new Promise((resolve) => this.#pending.push(() => resolve(take())));
  }

  /** The system takes what it has not, and what is written from now on. */
  drain(): void {
    this.isOpen = true;
    for (const take of this.#pending.splice(0)) take();
  }

  /** The peer sends text, or with null its end. */
  feed(text: string | null): void {
    this.#inbox.push(text === null ? null : encoder.encode(text));
    this.#give();
  }

  #give(): void {
    if (this.#reading === null || this.#inbox.length === 0) return;
    const resolve = this.#reading;
    this.#reading = null;
    const first = this.#inbox[0];
    if (first === null) return resolve(null);
    const length = Math.min(first.length, this.#space.length);
    this.#space.set(first.subarray(0, length));
    if (length === first.length) this.#inbox.shift();
    else this.#inbox[0] = first.subarray(length);
    resolve(length);
  }

  closeWrite(): Promise<void> {
    this.isHalfClosed = true;
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A connection through TLS, whose handshake ends when a test says so. */
export class FakeTlsConn extends FakeConn {
  readonly shaken: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly closesAtOnce = true;

  handshake(): Promise<void> {
    return this.shaken.promise;
  }
}

/** A session whose socket, clock and server are the test's. */
export class SessionScene {
  readonly session: Session;
  readonly conn: FakeConn;
  /** The states that it was in, one after the other. */
  readonly states: ServerState[];
  /** Bodies of the requests that were handed out. */
  readonly bodies: (Uint8Array | IncomingBody | null)[] = [];
  /** What was reported. */
  readonly errors: unknown[] = [];
  readonly clock: Clock;

  constructor(
    options: Partial<ServerLimits> & { isStreaming?: boolean } = {},
    conn: FakeConn = new FakeConn(),
  ) {
    const { isStreaming = false, ...own } = options;
    const limits = checkServerLimits(own);
    this.clock = new Clock([limits.requestTimeout], () => {});
    this.conn = conn;
    const fields = "keep-alive: timeout=29\r\n";
    const tail = encoder.encode(`\r\n${fields}\r\n`);
    const request: HeldRequest = {
      method: "GET",
      bodyFault: null,
      peerGone: () => {},
      answerBegun: () => {},
      bodyQueued: () => {},
      answerQueued: () => {},
      answerLost: () => {},
      answerFailed: () => {},
      handedOver: () => {},
      observe: () => {},
    };
    const host: SessionHost = {
      limits,
      clock: this.clock,
      stats: {
        openConnections: 1,
        requests: 0,
        bytesIn: 0,
        bytesOut: 0,
        refused: 0,
        timedOut: 0,
      },
      keepFields: [fields, fields],
      keepTails: [tail, tail],
      idleTicks: this.clock.ticks(limits.keepAliveTimeout),
      stalled: new Set(),
      observer: (from, to) => {
        if (this.states.at(-1) !== from) throw new Error("State was skipped");
        this.states.push(to);
      },
      onRefused: null,
      isStopping: false,
      isStopDue: false,
      isStreaming,
      compression: null,
      parserOptions: {
        maxHeadersLength: limits.maxHeadersLength,
        maxHeadersCount: limits.maxHeadersCount,
        maxContentLength: limits.maxContentLength,
      },
      parsers: [],
      buffers: [],
      deliver: (_session, _parser, body) => {
        this.bodies.push(body instanceof Uint8Array ? body.slice() : body);
        return { ...request };
      },
      later: (session) => queueMicrotask(() => session.flush()),
      soon: (session) => queueMicrotask(() => session.flush()),
      closed: () => {},
      unstalled: () => {},
      spare: () => false,
      report: (error) => this.errors.push(error),
      fault: (error) => this.errors.push(error),
    };
    this.session = new Session(conn as unknown as Deno.Conn, host);
    this.session.start();
    this.states = [this.session.state];
  }

  /** The peer sends text, or its end; all that follows by itself happens. */
  async feed(text: string | null): Promise<void> {
    this.conn.feed(text);
    await this.settle();
  }

  /** Time goes by, a tick at a time. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i <= this.clock.ticks(ms); i++) {
      this.clock.tick++;
      if (!this.session.isClosed) this.session.sweep();
    }
    await this.settle();
  }

  settle(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** An answer in parts that never has any. */
  static readonly OPEN: OpenAnswer = {
    isEndless: false,
    gone: () => {},
    swept: () => {},
  };
}
