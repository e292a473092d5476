import type { ProtocolError } from "../parse/errors.ts";
import type {
  RequestParser,
  RequestParserOptions,
} from "../parse/request_parser.ts";
import type { Successor as TransportSuccessor } from "../transport/takeover.ts";
import type { Clock } from "../transport/clock.ts";
import type { Compression } from "./compression.ts";
import type { ServerLimits } from "./limits.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import type { ServerState, StateObserver } from "../wire/lifecycle.ts";

/** Counters of a server. */
export interface ServerStats {
  /** Connections open now. */
  openConnections: number;
  /** Requests handed to the application. */
  requests: number;
  /** Bytes received; with TLS, after decryption. */
  bytesIn: number;
  /** Bytes sent; with TLS, before encryption. */
  bytesOut: number;
  /** Requests that the server answered itself, with an error. */
  refused: number;
  /** Connections cut off for being too slow. */
  timedOut: number;
}

/** What a session needs to know of the request that it has handed out. */
export interface HeldRequest {
  readonly method: string;
  /** What the peer did wrong in the body, as its reader was told. */
  readonly bodyFault: ProtocolError | null;
  /** The peer has closed its side, or is gone altogether. */
  peerGone(): void;
  /** Its answer is begun, with a status. */
  answerBegun(status: number): void;
  /** So many bytes of the answer's body are queued. */
  bodyQueued(bytes: number): void;
  /** All of its answer is queued; resolves to whether the kernel took that. */
  answerQueued(sent: Promise<boolean>): void;
  /** No more of an answer will be sent. */
  answerLost(error: unknown): void;
  /** The answer is about something that went wrong. */
  answerFailed(error: unknown): void;
  /** The connection speaks something else from here on. */
  handedOver(): void;
  /** Somebody wants to know what becomes of it, which came at that time. */
  observe(began: number): void;
}

/** What a session needs to know of an answer that is made in parts. */
export interface OpenAnswer {
  /**
   * Whether it has no end of its own: a peer that has closed its side is gone
   * then, as nothing else would ever tell.
   */
  readonly isEndless: boolean;
  /** Nobody will read any more: the connection is gone. */
  gone(): void;
  /** A tick has gone by. */
  swept(): void;
}

/**
 * What takes over a connection that no longer speaks HTTP. It reads and writes
 * by the session's transport.
 */
export interface Successor extends TransportSuccessor {
  /** The server is stopping. */
  stopping(): void;
}

/** A connection, as its server sees it that holds back output of many. */
export interface HostedSession {
  /** Whether the host knows of output that waits. */
  isLate: boolean;
  /** Sends what is queued. */
  flush(): Promise<boolean>;
}

/** A request that was refused before it was handed out. */
export interface RefusedRequest {
  readonly method: string;
  readonly target: string;
  readonly protocol: string;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly duration: number;
  readonly isWhole: boolean;
  readonly error: ProtocolError;
}

/** What a session needs of its server. */
export interface SessionHost {
  readonly limits: ServerLimits;
  readonly stats: ServerStats;
  readonly clock: Clock;
  /** The fields of an answer whose connection is kept, by minor version. */
  readonly keepFields: readonly [string, string];
  /** Those, what comes behind them in a head, as bytes. */
  readonly keepTails: readonly [Uint8Array, Uint8Array];
  /** For how long a connection may be idle, in ticks. */
  readonly idleTicks: number;
  /** Connections given up in a TLS handshake, whose peers are still there. */
  readonly stalled: Set<HostedSession>;
  /** Told of every change of state: for tests. */
  readonly observer: StateObserver<ServerState> | null;
  /** Told of requests that are refused; null where nobody asks for answers. */
  readonly onRefused:
    | ((refused: RefusedRequest, session: HostedSession) => void)
    | null;
  /** No further requests are wanted on kept-alive connections. */
  readonly isStopping: boolean;
  /** What had been sent before the server was to stop has been read by now. */
  readonly isStopDue: boolean;
  /** Requests are wanted before their bodies. */
  readonly isStreaming: boolean;
  /** How answers are compressed, if at all. */
  readonly compression: Compression | null;
  /** What every parser is made with. */
  readonly parserOptions: RequestParserOptions;
  /** Parsers that no session needs at present. */
  readonly parsers: RequestParser[];
  /** Read buffers of connections that have gone. */
  readonly buffers: Uint8Array<ArrayBuffer>[];
  /** A request is in, wholly or up to its body; makes the object for it, or throws a ProtocolError. */
  deliver(
    session: HostedSession,
    parser: RequestParser,
    body: Uint8Array | IncomingBody | null,
  ): HeldRequest;
  /** Output was queued that may wait for more of its kind. */
  later(session: HostedSession): void;
  /** A part of an answer was queued that may wait for more of it. */
  soon(session: HostedSession): void;
  closed(session: HostedSession): void;
  /** A handshake that was given up has ended after all. */
  unstalled(session: HostedSession): void;
  /** Closes what can be spared, as the system has no more descriptors. */
  spare(): boolean;
  report(error: unknown, session: HostedSession | null): void;
  /** The same for what is our side's fault: somebody hears of it in any case. */
  fault(error: unknown, session: HostedSession | null): void;
}
