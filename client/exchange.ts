import { ProtocolError } from "../parse/errors.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import type { IncomingBody } from "../transport/incoming_body.ts";
import type { Source } from "../transport/source.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import type { CheckedHeaders } from "../wire/response_head.ts";
import type { Authenticator } from "./authenticator.ts";
import type { ClientRequest } from "./client_request.ts";
import type { ClientConnection, Successor } from "./connection.ts";
import type { CookieJar } from "./cookie_jar.ts";
import { decodeBody, readCodings } from "./decoder.ts";
import {
  AbortedError,
  ConnectionLostError,
  type ErrorContext,
  ResponseError,
  TimeoutError,
  type TimeoutPhase,
  TooLargeError,
} from "./errors.ts";
import { type FollowUp, followUp } from "./follow_up.ts";
import { HttpResponse } from "./http_response.ts";
import type { OutgoingBody } from "./outgoing_body.ts";
import { promisedLength } from "./request_head.ts";
import type { ClientTiming } from "./timing.ts";

/** How the body of a response is taken. */
export const Taking = {
  /** Kept in memory, and given when it is complete. */
  BUFFER: 0,
  /** Given as it arrives. */
  STREAM: 1,
  /** Thrown away: another request follows. */
  DROP: 2,
} as const;
/** One of {@linkcode Taking}. */
export type Taking = typeof Taking[keyof typeof Taking];

/** More than this of a body that nobody wants is not waited for. */
const MAX_DROPPED = 65536;

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];

/** What an exchange asks of its client. */
export interface ExchangeHost {
  /** The origin that the client is for. */
  readonly origin: string;
  readonly jar: CookieJar | null;
  readonly decompress: boolean;
  readonly retry: boolean;
  readonly tick: number;
  ticks(ms: number): number;
  /** Puts it in the queue, to be sent. */
  send(exchange: Exchange): void;
  /** Takes it out of the queue. */
  forget(exchange: Exchange): void;
  /** The jar holds something. */
  gotCookies(): void;
  /** It was sent once more. */
  retried(): void;
}

/** What a caller has asked for, checked. */
export interface ExchangeSettings {
  readonly timeout: number;
  readonly stream: boolean;
  readonly maxRedirects: number;
  readonly maxResponseLength: number;
  readonly auth: Authenticator | null;
  readonly signal: AbortSignal | null;
}

/**
 * One request with all that it takes until its response is there: it may be
 * sent again with credentials, elsewhere, or on another connection.
 */
export class Exchange {
  readonly request: ClientRequest;
  readonly settings: ExchangeSettings;
  method: string;
  /** Scheme, host and port. */
  origin: string;
  /** Path and query. */
  target: string;
  /** The caller's own fields; `null` stands for none. */
  headers: CheckedHeaders | null;
  body: OutgoingBody | null;
  /** Bytes of the body, or -1 where that is not known. */
  bodyLength: number;
  /** Whether the go-ahead is to be waited for before the body is sent. */
  expectsContinue = false;
  /** Takes the connection over when the protocol is switched as was asked. */
  onSwitch: ((connection: ClientConnection) => Successor) | null = null;
  /** Whether it was redirected to another origin: credentials stay behind. */
  isAwayFromAuth = false;
  /** How many redirects were followed. */
  redirects = 0;
  /** How often it was sent again with credentials, or without an expectation. */
  repeats = 0;
  /** `Authorization` as it was sent, for the server's answer to it. */
  sentAuth: string | null = null;

  /** The head as it is sent; written when a connection is there. */
  head = "";
  connection: ClientConnection | null = null;
  /** The stream that is being sent. */
  source: Source | null = null;
  /** Whether all of it is queued to be sent. */
  isSent = false;
  /** Whether all of it has been sent. */
  isFlushed = false;
  awaitsContinue = false;
  /** Why its connection was given up, where that was for its own sake. */
  fault: Error | null = null;
  /** When it was queued, in ticks. */
  queuedAt = 0;
  readonly timeoutTicks: number;

  readonly #host: ExchangeHost;
  readonly #startedAt = performance.now();
  #timing: ClientTiming | null = null;
  #parser: ResponseParser | null = null;
  #taking: Taking = Taking.BUFFER;
  #next: FollowUp | null = null;
  #isDone = false;
  #wasRetried = false;
  #response: HttpResponse | null = null;
  #stream: IncomingBody | null = null;
  // What has come of a body that is kept.
  #bytes: Uint8Array<ArrayBuffer> | null = null;
  #length = 0;

  constructor(
    host: ExchangeHost,
    request: ClientRequest,
    origin: string,
    target: string,
    headers: CheckedHeaders | null,
    body: OutgoingBody | null,
    settings: ExchangeSettings,
  ) {
    this.#host = host;
    this.request = request;
    this.method = request.method;
    this.origin = origin;
    this.target = target;
    this.headers = headers;
    this.body = body;
    const promised = promisedLength(headers, body);
    this.bodyLength = promised >= 0 ? promised : body?.length ?? 0;
    this.settings = settings;
    this.timeoutTicks = host.ticks(settings.timeout);
    const { signal } = settings;
    if (signal !== null) signal.addEventListener("abort", this.#onAbort);
  }

  /** Where it goes now. */
  get url(): string {
    return this.origin + this.target;
  }

  /** It goes to another origin from here, and may never take credentials. */
  leaveOrigin(): void {
    this.isAwayFromAuth = true;
  }

  /** Whether it goes to the origin that the client is for. */
  get isOwn(): boolean {
    return this.origin === this.#host.origin;
  }

  /** Whether others may be sent behind it, and it behind others. */
  get canPipeline(): boolean {
    // What reads its response slowly, or not at all, would hold up the others.
    return this.#isIdempotent && !this.settings.stream &&
      !this.expectsContinue && !this.isLast &&
      this.onSwitch === null &&
      (this.body === null || this.body.bytes !== null);
  }

  /** Whether it has come to its end. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether the caller wants the connection to end with it. */
  get isLast(): boolean {
    return this.headers?.connection === "close";
  }

  /** Whether it may be sent again as it is. */
  get isReplayable(): boolean {
    return this.body === null || this.body.isReplayable;
  }

  get #isIdempotent(): boolean {
    return IDEMPOTENT.includes(this.method);
  }

  get #context(): ErrorContext {
    return { method: this.method, url: this.url };
  }

  // ---- Its response ------------------------------------------------------

  /** The head of its response is in; says how the body is to be taken. */
  headIn(connection: ClientConnection): Taking {
    const { parser } = connection;
    this.#parser = parser;
    this.#timing = {
      connect: connection.served === 0 ? connection.connectTime : 0,
      tls: connection.served === 0 ? connection.tlsTime : 0,
      firstByte: performance.now() - this.#startedAt,
      total: 0,
    };
    if (parser.hasCookies) this.takeCookies(parser);
    this.#next = followUp(this, parser);
    if (this.#next !== null) {
      // To wait for a body that ends with the connection gains nothing.
      const isLong = parser.contentLength > MAX_DROPPED;
      this.#taking = Taking.DROP;
      if (isLong || parser.endsWithConnection) connection.destroy();
    } else if (this.settings.stream) this.#taking = Taking.STREAM;
    else {
      this.#taking = Taking.BUFFER;
      const { maxResponseLength } = this.settings;
      if (parser.contentLength > maxResponseLength) {
        connection.giveUp(this, this.#tooLarge());
      }
    }
    return this.#taking;
  }

  /** Puts the cookies that a response sets into the jar. */
  takeCookies(parser: ResponseParser): void {
    const { jar } = this.#host;
    if (jar === null) return;
    jar.store(new URL(this.url), parser.readHeaderLines("set-cookie"));
    this.#host.gotCookies();
  }

  /** A piece of a body that is kept, or thrown away; it is a view. */
  take(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (this.#taking === Taking.DROP) {
      this.#length = length;
      if (length > MAX_DROPPED) this.connection!.destroy();
      return;
    }
    if (length > this.settings.maxResponseLength) {
      this.connection!.giveUp(this, this.#tooLarge());
      return;
    }
    if (this.#bytes === null) {
      this.#bytes = new Uint8Array(piece);
    } else {
      if (length > this.#bytes.length) {
        const grown = new Uint8Array(
          Math.min(length * 2, this.settings.maxResponseLength),
        );
        grown.set(this.#bytes.subarray(0, this.#length));
        this.#bytes = grown;
      }
      this.#bytes.set(piece, this.#length);
    }
    this.#length = length;
  }

  /** The body is given as it arrives. */
  stream(body: IncomingBody): void {
    this.#stream = body;
    const response = this.#makeResponse(null, body);
    this.#response = response;
    this.request.succeed(response);
  }

  /** The response is complete. */
  complete(trailer: string): void {
    if (this.#isDone) return;
    switch (this.#taking) {
      case Taking.DROP:
        this.#follow();
        return;
      case Taking.STREAM:
        this.#timing!.total = performance.now() - this.#startedAt;
        this.#end();
        return;
      default:
        this.#keep(trailer);
    }
  }

  /** A body that is kept is complete. */
  #keep(trailer: string): void {
    const bytes = this.#bytes === null
      ? new Uint8Array(0)
      : this.#length < this.#bytes.length
      ? this.#bytes.subarray(0, this.#length)
      : this.#bytes;
    const codings = this.#codings();
    // The parser goes on with other responses: what is needed is taken now.
    const response = this.#makeResponse(bytes, null, trailer);
    if (codings === null || bytes.length === 0) {
      this.#succeed(response);
      return;
    }
    try {
      const { maxResponseLength } = this.settings;
      const decoded = decodeBody(codings, bytes, maxResponseLength);
      if (decoded instanceof Promise) {
        decoded.then((whole) => {
          response.decoded(whole);
          this.#succeed(response);
        }, (error) => this.fail(this.#undecodable(error)));
      } else {
        response.decoded(decoded);
        this.#succeed(response);
      }
    } catch (error) {
      this.fail(this.#undecodable(error));
    }
  }

  #succeed(response: HttpResponse): void {
    if (this.#isDone) return;
    this.#timing!.total = performance.now() - this.#startedAt;
    this.#end();
    this.request.succeed(response);
  }

  #codings(): ContentCoding[] | null {
    const parser = this.#parser!;
    if (!parser.hasCoding || !this.#host.decompress) return null;
    if (this.method === "HEAD") return null;
    const lines = parser.readHeaderLines("content-encoding");
    const codings = readCodings(lines.join(","));
    return codings === null || codings.length === 0 ? null : codings;
  }

  #makeResponse(
    bytes: Uint8Array | null,
    body: IncomingBody | null,
    trailer = "",
  ): HttpResponse {
    return new HttpResponse({
      request: this.request,
      method: this.method,
      url: this.url,
      isRedirected: this.redirects > 0,
      parser: this.#parser!,
      timing: this.#timing!,
      bytes,
      body,
      trailer,
      codings: body === null ? null : this.#codings(),
      host: this,
    });
  }

  // ---- What goes wrong ---------------------------------------------------

  #tooLarge(): TooLargeError {
    return new TooLargeError(this.settings.maxResponseLength, this.#context);
  }

  #undecodable(error: unknown): Error {
    if (!(error instanceof ProtocolError)) return error as Error;
    return error.code === "body-too-large"
      ? this.#tooLarge()
      : this.malformed(error);
  }

  /** @ignore For the response: what its body is not. */
  malformed(error: ProtocolError): ResponseError {
    return new ResponseError(error, this.#context);
  }

  timedOut(phase: TimeoutPhase): TimeoutError {
    return new TimeoutError(phase, this.settings.timeout, this.#context);
  }

  /** Stops to send what was not sent yet. */
  stopSending(): void {
    this.awaitsContinue = false;
    const { source } = this;
    this.source = null;
    source?.cancel();
  }

  /**
   * Its connection is gone.
   *
   * @param wasUntouched Whether the peer has not begun to answer, on a
   * connection that had worked before.
   * @param isOurs Whether it was closed for another request's sake, or behind
   * a response: to be sent again then does not count.
   * @param body The body, where it is read as it arrives.
   */
  broken(
    error: unknown,
    wasUntouched: boolean,
    isOurs: boolean,
    body: IncomingBody | null,
  ): void {
    if (this.#isDone) return;
    if (body !== null) {
      body.fail(this.fault ?? this.#lost(body.bytesReceived, error));
      this.#end();
    } else if (this.fault !== null) {
      this.fail(this.fault);
    } else if (this.#taking === Taking.DROP) {
      this.#follow();
    } else if (
      wasUntouched && this.#host.retry && (isOurs || !this.#wasRetried) &&
      this.#isIdempotent && this.isReplayable
    ) {
      this.#wasRetried ||= !isOurs;
      this.#host.retried();
      this.#resend();
    } else this.fail(this.#lost(this.#length, error));
  }

  #lost(bytes: number, cause: unknown): ConnectionLostError {
    return new ConnectionLostError(bytes, { ...this.#context, cause });
  }

  readonly #onAbort = (): void => {
    this.abort(this.settings.signal!.reason);
  };

  /** Gives it up, wherever it stands. */
  abort(reason?: unknown): void {
    if (this.#isDone) return;
    this.stop(this.aborted(reason));
  }

  /** What the caller of a request gets that was given up. */
  aborted(reason: unknown): AbortedError {
    return new AbortedError({ ...this.#context, cause: reason });
  }

  /** Ends it with an error, wherever it stands. */
  stop(error: Error): void {
    if (this.#isDone) return;
    if (this.connection !== null) {
      this.connection.giveUp(this, error);
      return;
    }
    this.#host.forget(this);
    this.fail(error);
  }

  /** Ends it with an error. */
  fail(error: Error): void {
    if (this.#isDone) return;
    this.#end();
    this.stopSending();
    this.request.fail(error);
  }

  /** The connection speaks something else from now on. */
  switched(): void {
    this.#end();
  }

  #end(): void {
    this.#isDone = true;
    this.body?.discard();
    this.settings.signal?.removeEventListener("abort", this.#onAbort);
    this.request.startedBy(null);
  }

  // ---- Another go --------------------------------------------------------

  #follow(): void {
    const next = this.#next!;
    if (next.error !== undefined) {
      this.fail(this.malformed(next.error));
      return;
    }
    next.prepare?.();
    this.#resend();
  }

  #resend(): void {
    this.head = "";
    this.connection = null;
    this.fault = null;
    this.isSent = this.isFlushed = this.awaitsContinue = false;
    this.#parser = null;
    this.#next = null;
    this.#taking = Taking.BUFFER;
    this.#bytes = null;
    this.#length = 0;
    this.#host.send(this);
  }
}
