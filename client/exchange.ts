import { ProtocolError } from "../parse/errors.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import type { CheckedHeaders } from "../wire/response_head.ts";
import type { Authenticator } from "./authenticator.ts";
import type { ClientRequest } from "./client_request.ts";
import type { ClientConnection } from "./connection.ts";
import type { Successor } from "../transport/takeover.ts";
import type { CookieJar } from "./cookie_jar.ts";
import { decodeBody, readCodings } from "../message/decoder.ts";
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
import type { Upload } from "./upload.ts";

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

/** What a connection was lost for. */
export const Loss = {
  /** It may have been for the request itself. */
  OWN: 0,
  /** It had worked before, and was dead: nothing of an answer has come. */
  DEAD: 1,
  /** For another request, or in good order behind its answer. */
  ANOTHER: 2,
} as const;
/** One of {@linkcode Loss}. */
export type Loss = typeof Loss[keyof typeof Loss];

/** What connection a request takes. */
export type Placing =
  | "shared" // any, also behind other requests where that is allowed
  | "alone" // one with nobody else on it: it has lost one for another's sake
  | "new"; // one that was not used yet: it has lost one that was dead

/** More than this of a body that nobody wants is not waited for. */
const MAX_DROPPED = 65536;

const NOTHING = new Uint8Array(0);

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
  readonly minSendRate: number;
  readonly stream: boolean;
  readonly maxRedirects: number;
  readonly maxResponseLength: number;
  readonly maxJsonDepth: number;
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
  /** Its body on the way; `null` without one, and before it is sent. */
  upload: Upload | null = null;
  /** Whether all of it has been sent. */
  isFlushed = false;
  /** Whether all of its body must be sent, for the answer to be of use. */
  needsWhole = false;
  /** Whether the answer is complete, and waits for the body to be sent. */
  isAnswered = false;
  placing: Placing = "shared";
  /** Why its connection was given up, where that was for its own sake. */
  fault: Error | null = null;
  /** When it was queued, in ticks. */
  queuedAt = 0;
  readonly timeoutTicks: number;
  /** Bytes that the peer has to take a tick. */
  readonly leastPerTick: number;

  readonly #host: ExchangeHost;
  readonly #startedAt = performance.now();
  #timing: ClientTiming | null = null;
  #parser: ResponseParser | null = null;
  #taking: Taking = Taking.BUFFER;
  #next: FollowUp | null = null;
  #isDone = false;
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
    this.leastPerTick = settings.minSendRate / host.ticks(1000);
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
    // What may come behind the answer to HEAD is not known.
    return this.#isIdempotent && this.method !== "HEAD" &&
      this.placing === "shared" && !this.settings.stream &&
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
    this.needsWhole = this.upload !== null &&
      (parser.status < 300 ||
        this.#next?.leavesBody === true && this.upload.state !== "held");
    if (this.#next !== null) {
      this.#taking = Taking.DROP;
      this.#drop(0);
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
      this.#drop(length);
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

  /** So much of a body has come that nobody wants. */
  #drop(length: number): void {
    this.#length = length;
    const parser = this.#parser!;
    const connection = this.connection!;
    const whole = Math.max(parser.contentLength, length);
    if (this.needsWhole) {
      // To close with something unread would be a reset, and the server lose
      // what the kernel still has of the request.
      const isTooLarge = whole > this.settings.maxResponseLength;
      if (isTooLarge) connection.giveUp(this, this.#tooLarge());
      return;
    }
    // To wait for the end of the connection gains nothing.
    const isLong = whole > MAX_DROPPED;
    if (isLong || parser.endsWithConnection) connection.destroy();
  }

  /** The body is given as it arrives. */
  stream(body: IncomingBody): void {
    this.#stream = body;
    const response = this.#makeResponse(null, body);
    this.#response = response;
    this.request.succeed(response);
  }

  /** The response is complete, and nothing more of the request is sent. */
  complete(trailer: string): void {
    if (this.#isDone) return;
    const isCut = this.#isCut;
    switch (this.#taking) {
      case Taking.DROP:
        if (isCut) this.fail(this.#unsent(this.#makeResponse(NOTHING, null)));
        else this.#follow();
        return;
      case Taking.STREAM:
        this.#timing!.total = performance.now() - this.#startedAt;
        if (isCut) this.#stream!.fail(this.#unsent(this.#response!));
        else this.#stream!.finish(trailer);
        this.#end();
        return;
      default:
        this.#keep(trailer);
    }
  }

  /** Whether the answer says that all is well, but not all was sent. */
  get #isCut(): boolean {
    return this.needsWhole && this.upload!.state !== "sent";
  }

  /** A body that is kept is complete. */
  #keep(trailer: string): void {
    const bytes = this.#bytes === null
      ? NOTHING
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
    if (this.#isCut) {
      this.fail(this.#unsent(response));
      return;
    }
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
      maxJsonDepth: this.settings.maxJsonDepth,
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

  /** Its connection is gone. */
  broken(error: unknown, loss: Loss): void {
    if (this.#isDone) return;
    if (this.fault !== null) this.#lose(this.fault);
    else if (this.isAnswered || this.#taking === Taking.DROP) {
      this.complete(this.#parser!.trailer);
    } else if (!this.#goesOn(loss)) {
      const bytes = this.#stream?.bytesReceived ?? this.#length;
      this.#lose(this.#lost(bytes, error));
    }
  }

  /** What came in place of its answer was none; the connection is gone. */
  strayed(error: Error): void {
    if (this.#isDone) return;
    if (!this.#goesOn(Loss.DEAD)) this.fail(error);
  }

  /**
   * Sends it again, where that is safe and may help: once for its own sake,
   * and from then on where no other request can do it harm.
   */
  #goesOn(loss: Loss): boolean {
    if (
      loss === Loss.OWN || !this.#host.retry || !this.#isIdempotent ||
      !this.isReplayable
    ) return false;
    if (loss === Loss.DEAD) {
      if (this.placing === "new") return false;
      this.placing = "new";
    } else if (this.placing === "shared") this.placing = "alone";
    this.#host.retried();
    this.#resend();
    return true;
  }

  #lost(bytes: number, cause: unknown): ConnectionLostError {
    return new ConnectionLostError(bytes, { ...this.#context, cause });
  }

  /** What becomes of an answer when not all was sent that it answers. */
  #unsent(response: HttpResponse): ConnectionLostError {
    const context = { ...this.#context, cause: this.upload!.cutBy };
    return new ConnectionLostError(response.bytesReceived, context, response);
  }

  /** Ends it with an error, which also who reads its response gets. */
  #lose(error: Error): void {
    if (this.#stream === null) {
      this.fail(error);
      return;
    }
    this.#stream.fail(error);
    this.#end();
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
    this.upload?.cut();
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
    this.placing = "shared";
    this.#resend();
  }

  #resend(): void {
    this.head = "";
    this.connection = null;
    this.fault = null;
    this.isFlushed = this.needsWhole = this.isAnswered = false;
    this.upload = null;
    this.request.isCutOff = false;
    this.#parser = null;
    this.#next = null;
    this.#taking = Taking.BUFFER;
    this.#bytes = null;
    this.#length = 0;
    this.#host.send(this);
  }
}
