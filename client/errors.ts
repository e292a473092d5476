import {
  HttpError,
  ProtocolError,
  type ProtocolErrorCode,
} from "../parse/errors.ts";

import type { HttpResponse } from "./request_and_response.ts";

/** What an `HttpClient` was doing when something went wrong, and to where. */
export interface ErrorContext {
  /** Method of the request; "" where there was none yet. */
  method?: string;
  /** Where the request was to go, without user and password. */
  url?: string;
  /** What brought it about. */
  cause?: unknown;
}

/** The root of what can go wrong with a client's request. */
export abstract class ClientError extends HttpError {
  /** The class's name. */
  override name = "ClientError";
  /** Method of the request; "" where there was none yet. */
  readonly method: string;
  /** Where the request was to go, without user and password. */
  readonly url: string;

  /**
   * An error that says what was being done, and to where.
   *
   * @param message What went wrong.
   * @param status The status with which a gateway would pass it on.
   * @param context The request, and the cause.
   */
  constructor(
    message: string,
    status: number | undefined,
    context: ErrorContext,
  ) {
    const { method = "", url = "", cause } = context;
    super(message, status, cause === undefined ? undefined : { cause });
    this.method = method;
    this.url = url;
  }
}

/** The peer, or the proxy before it, could not be connected to. */
export class ConnectError extends ClientError {
  /** The class's name. */
  override name = "ConnectError";

  /**
   * An error of connecting.
   *
   * @param problem What went wrong; it follows "Cannot connect to ...: ".
   */
  constructor(problem: string, context: ErrorContext) {
    super(`Cannot connect to ${context.url}: ${problem}`, 502, context);
  }
}

/** TLS could not be set up: mostly a certificate that is not trusted. */
export class TlsError extends ClientError {
  /** The class's name. */
  override name = "TlsError";

  /**
   * An error of the TLS handshake.
   *
   * @param problem What went wrong; it follows "Cannot secure ...: ".
   */
  constructor(problem: string, context: ErrorContext) {
    super(
      `Cannot secure the connection to ${context.url}: ${problem}`,
      502,
      context,
    );
  }
}

/** What an `HttpClient` was waiting for: its queue, its peer, or its proxy. */
export type TimeoutPhase =
  | "queue"
  | "connect"
  | "tls"
  | "proxy"
  | "send"
  | "headers"
  | "body";

const WAITED_FOR: Record<TimeoutPhase, string> = {
  queue: "for a free connection",
  connect: "to connect",
  tls: "for the TLS handshake",
  proxy: "for the proxy",
  send: "for the request to be taken",
  headers: "for the head of the response",
  body: "for more of the response",
};

/** Something took too long; `phase` says what. */
export class TimeoutError extends ClientError {
  /** The class's name. */
  override name = "TimeoutError";
  /** What was waited for. */
  readonly phase: TimeoutPhase;

  /**
   * An error of a wait that was too long.
   *
   * @param phase What was waited for.
   * @param timeout For how long, in ms.
   */
  constructor(phase: TimeoutPhase, timeout: number, context: ErrorContext) {
    super(
      `${what(context)} took longer than ${timeout} ms ${WAITED_FOR[phase]}`,
      504,
      context,
    );
    this.phase = phase;
  }
}

/** A response broke the protocol: it could be read in no way, or in two. */
export class ResponseError extends ClientError {
  /** The class's name. */
  override name = "ResponseError";
  /** Which rule was broken. */
  readonly code: ProtocolErrorCode;
  /** Where: bytes from the start of the message, or -1 where unknown. */
  readonly offset: number;
  /** The response, where it is complete, only not the one that was wanted. */
  readonly response: HttpResponse | null;

  /**
   * An error with the code of the parser's.
   *
   * @param fault What the parser found.
   * @param response The response, where it is complete.
   */
  constructor(
    fault: ProtocolError,
    context: ErrorContext,
    response: HttpResponse | null = null,
  ) {
    super(
      `Response to ${what(context)} cannot be used: ${fault.message}`,
      502,
      { cause: fault, ...context },
    );
    this.code = fault.code;
    this.offset = fault.offset;
    this.response = response;
  }
}

/**
 * The connection broke off before the end of the response, or of the request
 * that it answers.
 */
export class ConnectionLostError extends ClientError {
  /** The class's name. */
  override name = "ConnectionLostError";
  /** Bytes of the response's body that had come. */
  readonly bytesReceived: number;
  /**
   * The response, where that is complete: the peer said that all is well,
   * but not all of the request could be sent. Else `null`.
   */
  readonly response: HttpResponse | null;

  /**
   * An error of a response, or a request, that is not complete.
   *
   * @param bytesReceived Bytes of the response's body that had come.
   * @param response The response, where it is the request that is not complete.
   */
  constructor(
    bytesReceived: number,
    context: ErrorContext,
    response: HttpResponse | null = null,
  ) {
    const end = response === null
      ? `the end of the response to ${what(context)}`
      : `all of ${
        what(context)
      } was sent, though it was answered with ${response.status}`;
    super(`Connection was lost before ${end}`, 502, context);
    this.bytesReceived = bytesReceived;
    this.response = response;
  }
}

/** A response is larger than it may be. */
export class TooLargeError extends ClientError {
  /** The class's name. */
  override name = "TooLargeError";
  /** Bytes that it may have. */
  readonly limit: number;

  /**
   * An error of a response over a limit.
   *
   * @param limit Bytes that it may have.
   */
  constructor(limit: number, context: ErrorContext) {
    super(
      `Response to ${what(context)} is larger than ${limit} bytes`,
      502,
      context,
    );
    this.limit = limit;
  }
}

/** The request was given up, by a signal, `abort()` or `close()`. */
export class AbortedError extends ClientError {
  /** The class's name. */
  override name = "AbortedError";

  /** An error of a request that was given up; `cause` is the signal's reason. */
  constructor(context: ErrorContext) {
    super(
      context.cause instanceof ClientClosed
        ? `The client was closed before ${what(context)} was done`
        : `${what(context)} was aborted`,
      undefined,
      context,
    );
  }
}

/** Why a request is given up whose client is closed. */
export class ClientClosed extends TypeError {
  /** Says that and no more. */
  constructor() {
    super("Client is closed");
  }
}

/** Whether trying again later may help. */
export function isPassing(error: unknown): boolean {
  return error instanceof ConnectError || error instanceof TimeoutError ||
    error instanceof ConnectionLostError;
}

/** What an application threw, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function what({ method = "", url = "" }: ErrorContext): string {
  return [method || "Request", method === "" ? `to ${url}` : url].join(" ");
}
