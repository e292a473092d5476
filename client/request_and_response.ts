import { checkTime } from "../parse/arguments.ts";
import { dict } from "../parse/dict.ts";
import { ProtocolError } from "../parse/errors.ts";
import {
  type EventStreamOptions,
  EventStreamParser,
  type ServerSentEvent,
} from "../parse/event_stream_parser.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import { parseSetCookie } from "../parse/set_cookie.ts";
import { DecodedBody } from "../message/decoded_body.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import {
  type BodyLimits,
  IncomingMessage,
} from "../message/incoming_message.ts";
import { after } from "../transport/clock.ts";
import { turns } from "../transport/turns.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { checkLimit } from "../wire/limits.ts";
import { redactFields, redactUrls } from "../wire/redaction.ts";
import type { HeaderValues } from "../wire/response_head.ts";
import {
  type EventsHost,
  type EventsReadOptions,
  type EventStream,
  lastEventField,
  lastingEvents,
} from "./lasting_events.ts";
import { rejection } from "./rejection.ts";
import type { RequestOptions } from "./request_options.ts";
import type { ClientTiming } from "./timing.ts";

// ---- The request ----------------------------------------------------------

/** What a request asks of its `HttpClient`. @ignore */
export interface RequestOwner {
  /** Nobody waits for it by its promise: `processEvents()` is to give it. */
  finished(request: ClientRequest): void;
  /** Somebody does, after all. */
  taken(request: ClientRequest): void;
  /** Aborts when the `HttpClient` is closed. */
  readonly closing: AbortSignal;
  /** Sends it again, as a new one, with further fields. */
  repeat(request: ClientRequest, headers: HeaderValues): ClientRequest;
}

/** What ends a request early. @ignore */
export interface Abortable {
  abort(reason?: unknown): void;
}

/**
 * A request that is on its way, and the promise of its response.
 *
 * It was started at once; to wait for it is up to you. One that fails while
 * nobody looks is not an unhandled rejection.
 */
export class ClientRequest implements Promise<HttpResponse> {
  /** The method. */
  readonly method: string;
  /** Where it went first, before redirects. */
  readonly url: string;
  /** Yours: whatever you want to remember with the request. */
  // deno-lint-ignore no-explicit-any -- its type is the application's matter
  context: any = undefined;
  /** The response, once it has come. */
  response: HttpResponse | null = null;
  /** Why there is none, once that is known. */
  error: Error | null = null;
  /**
   * The head as it was sent last, with all that the `HttpClient` adds to it,
   * also credentials; "" until then. One character a byte.
   */
  sentHead = "";
  /**
   * Whether the rest of the body was not sent, as an answer from 300 on made it
   * pointless.
   */
  isCutOff = false;
  /** The name of its kind of promise. */
  readonly [Symbol.toStringTag] = "ClientRequest";

  readonly #owner: RequestOwner;
  #abortable: Abortable | null = null;
  #promise: PromiseWithResolvers<HttpResponse> | null = null;

  /** @ignore What the caller asked for. */
  readonly options: RequestOptions;

  /** @ignore Made by `HttpClient`. */
  constructor(
    owner: RequestOwner,
    method: string,
    url: string,
    options: RequestOptions,
  ) {
    this.#owner = owner;
    this.method = method;
    this.url = url;
    this.options = options;
  }

  /** @ignore Aborts when nothing more is to be done for it. */
  get givenUp(): AbortSignal {
    const { signal } = this.options;
    const { closing } = this.#owner;
    return signal === undefined ? closing : AbortSignal.any([signal, closing]);
  }

  /** Whether there is a response, or an error. */
  get isFinished(): boolean {
    return this.response !== null || this.error !== null;
  }

  /** The promise itself, made when somebody wants it. */
  get #settled(): Promise<HttpResponse> {
    if (this.#promise === null) {
      this.#promise = Promise.withResolvers();
      if (this.isFinished) {
        this.#settle();
        this.#owner.taken(this);
      }
    }
    return this.#promise.promise;
  }

  #settle(): void {
    const { promise, resolve } = this.#promise!;
    if (this.error === null) resolve(this.response!);
    else resolve(rejection(this.error, promise));
  }

  /** As for every promise; rejects with a `ClientError`. */
  then<T = HttpResponse, E = never>(
    onFulfilled?: ((response: HttpResponse) => T | PromiseLike<T>) | null,
    // deno-lint-ignore no-explicit-any -- as Promise has it
    onRejected?: ((reason: any) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return this.#settled.then(onFulfilled, onRejected);
  }

  /** As for every promise. */
  catch<E = never>(
    // deno-lint-ignore no-explicit-any -- as Promise has it
    onRejected?: ((reason: any) => E | PromiseLike<E>) | null,
  ): Promise<HttpResponse | E> {
    return this.#settled.catch(onRejected);
  }

  /** As for every promise. */
  finally(onFinally?: (() => void) | null): Promise<HttpResponse> {
    return this.#settled.finally(onFinally);
  }

  /**
   * Waits for the response for so long. The request goes on after that.
   *
   * @param timeout How long, in ms; for ever by default.
   * @returns The response; `null` when the time is over.
   */
  wait(timeout: number = Infinity): Promise<HttpResponse | null> {
    checkTime("Timeout", timeout);
    const settled = this.#settled;
    if (timeout === Infinity || this.isFinished) return settled;
    return new Promise((resolve, reject) => {
      const end = after(timeout, () => resolve(null));
      settled.then(resolve, reject).finally(end);
    });
  }

  /**
   * Gives the request up, whatever it has come to; its connection is closed,
   * unless it was not sent yet. A response that came stays.
   *
   * @param reason Becomes the `cause` of the `AbortedError`.
   */
  abort(reason?: unknown): void {
    this.#abortable?.abort(reason);
  }

  /** @ignore Sends it again, as a new one, with further fields. */
  repeat(headers: HeaderValues): ClientRequest {
    return this.#owner.repeat(this, headers);
  }

  /**
   * What `JSON.stringify()` shows: nothing of what is sent but method and URL,
   * and what has come of it.
   */
  toJSON(): Record<string, unknown> {
    const { method, response, error } = this;
    return { method, url: redactUrls(this.url), response, error };
  }

  /** @ignore The same for a console. */
  [Symbol.for("Deno.customInspect")](
    inspect: typeof Deno.inspect,
    options: Deno.InspectOptions,
  ): string {
    return `ClientRequest ${inspect(this.toJSON(), options)}`;
  }

  /** @ignore */
  startedBy(abortable: Abortable | null): void {
    this.#abortable = abortable;
  }

  /** @ignore It goes out with this head. */
  sending(head: string): void {
    this.sentHead = head;
  }

  /** @ignore Whether the rest of its body is not sent. */
  cutOff(isCutOff: boolean): void {
    this.isCutOff = isCutOff;
  }

  /** @ignore */
  succeed(response: HttpResponse): void {
    this.response = response;
    this.#finish();
  }

  /** @ignore */
  fail(error: Error): void {
    this.error = error;
    this.#finish();
  }

  #finish(): void {
    if (this.#promise !== null) this.#settle();
    else this.#owner.finished(this);
  }
}

// ---- Its response ---------------------------------------------------------

/** What a response asks of what it came in by. @ignore */
export interface ResponseHost extends EventsHost {
  malformed(error: ProtocolError): Error;
  abort(reason?: unknown): void;
}

/** What a response is made of. @ignore */
export interface ResponseParts {
  request: ClientRequest;
  method: string;
  url: string;
  isRedirected: boolean;
  parser: ResponseParser;
  timing: ClientTiming;
  bytes: Uint8Array | null;
  body: IncomingBody | null;
  trailer: string;
  codings: readonly ContentCoding[] | null;
  host: ResponseHost;
  maxJsonDepth: number;
}

/** The smallest value that makes sense, where it is not 1. */
const LEAST: Partial<Record<keyof EventsReadOptions, number>> = { retry: 0 };

const NOTHING = new Uint8Array(0);
/**
 * A server's answer. Its body is in memory, or, for a request with
 * `stream: true`, comes in as it is read, and must then be read to its end or
 * closed, as it holds its connection until then.
 *
 * ```ts
 * import { HttpClient, HttpServer } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * await using client = new HttpClient(server.url);
 *
 * const request = client.get("/numbers", { stream: true });
 * const asked = await server.wait(5000);
 * asked?.responseNdjson();
 * for (let n = 0; n < 3; n++) asked?.sendNdjson({ n });
 * asked?.responseStreamEnd();
 *
 * const response = await request; // its head; the body is still on its way
 * assertEquals(response.status, 200);
 * assertEquals(response.headersGet("Content-Type"), "application/x-ndjson");
 * const seen: unknown[] = [];
 * for await (const value of response.ndjson()) seen.push(value);
 * assertEquals(seen, [{ n: 0 }, { n: 1 }, { n: 2 }]);
 * ```
 */
export class HttpResponse extends IncomingMessage {
  /** The request that it answers. */
  readonly request: ClientRequest;
  /** The status code. */
  readonly status: number;
  /** Where it came from, after redirects. */
  readonly url: string;
  /** Whether redirects were followed. */
  readonly redirected: boolean;
  /** How long the steps took, in ms. */
  readonly timing: ClientTiming;

  readonly #host: ResponseHost;
  readonly #maxJsonDepth: number;
  readonly #codings: readonly ContentCoding[] | null;
  readonly #received: number;
  #bytes: Uint8Array | null;
  #cookies: Record<string, string> | null = null;
  #decoded: DecodedBody | null = null;

  /** @ignore Made by the client alone. */
  constructor(parts: ResponseParts) {
    const { parser } = parts;
    super(parser, parser.announcedLength, parts.body, parts.trailer);
    this.request = parts.request;
    this.status = parser.status;
    this.url = parts.url;
    this.redirected = parts.isRedirected;
    this.timing = parts.timing;
    this.#host = parts.host;
    this.#maxJsonDepth = parts.maxJsonDepth;
    this.#codings = parts.codings;
    this.#bytes = parts.bytes;
    this.#received = parts.bytes?.length ?? 0;
  }

  /** @ignore The body in memory was compressed; this is what came of it. */
  decoded(bytes: Uint8Array): void {
    this.#bytes = bytes;
  }

  // ---- The head ----------------------------------------------------------

  /** The reason phrase; it may be empty. */
  get statusMessage(): string {
    return this.head.slice(13, this.fieldsStart - 2);
  }

  /** Protocol and version, as sent: `HTTP/1.1` or `HTTP/1.0`. */
  get protocol(): string {
    return this.head.slice(0, 8);
  }

  /** Whether the status is from 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The cookies that it sets, by name; the jar has them with all they say. */
  get cookies(): Record<string, string> {
    if (this.#cookies === null) {
      this.#cookies = dict<string>();
      for (const line of this.headersAll("set-cookie")) {
        const cookie = parseSetCookie(line);
        if (cookie !== null) this.#cookies[cookie.name] = cookie.value;
      }
    }
    return this.#cookies;
  }

  // ---- The body ----------------------------------------------------------

  /**
   * The body's bytes, decoded.
   *
   * @throws {TypeError} If the request had `stream: true`: then read it.
   */
  get data(): Uint8Array {
    if (this.#bytes === null) {
      throw new TypeError("Body is a stream: read it");
    }
    return this.#bytes;
  }

  /** Bytes of the body that have come so far, before decoding. */
  override get bytesReceived(): number {
    return this.arriving?.bytesReceived ?? this.#received;
  }

  /** @ignore */
  protected override get loaded(): Uint8Array {
    return this.#bytes ?? NOTHING;
  }

  /** @ignore */
  protected override pace(): Promise<void> | null {
    return turns.take();
  }

  /** @ignore */
  protected override get bodyLimits(): BodyLimits {
    return { maxJsonDepth: this.#maxJsonDepth };
  }

  /** @ignore */
  protected override openBody(): IncomingBody {
    const { arriving } = this;
    if (arriving === null || !this.#codings?.length) return super.openBody();
    this.#decoded = new DecodedBody(
      arriving,
      this.#codings,
      (error) => this.fault(error),
      () => this.close(),
    );
    return this.#decoded.body;
  }

  /** @ignore What is malformed is the response's fault. */
  protected override fault(error: unknown): Error {
    return error instanceof ProtocolError
      ? this.#host.malformed(error)
      : error as Error;
  }

  /** @ignore */
  protected override leave(): void {
    this.close();
  }

  /** @ignore */
  protected override get partsEndFirst(): boolean {
    return true;
  }

  /** @ignore */
  protected override checkReadable(): void {
    const isEmpty = this.arriving === null
      ? this.#received === 0
      : this.contentLength === 0;
    if (this.#codings !== null || isEmpty) return;
    this.close();
    throw this.fault(new ProtocolError("unknown-content-coding"));
  }

  /**
   * Server-sent events, as they arrive; with `reconnect`, beyond the end of
   * the stream.
   *
   * @throws {TypeError} If an option is not a number.
   * @throws {RangeError} If it is out of range.
   * @throws {ResponseError} From the iterator: if the answer, or one to a
   * further request, is no event stream.
   */
  override events(
    options: EventsReadOptions = {},
  ): AsyncGenerator<ServerSentEvent, void, void> {
    const { maxEventLength, reconnect = false } = options;
    for (const name of ["retry", "maxAttempts", "maxEventLength"] as const) {
      const value = options[name];
      if (value !== undefined) checkLimit(name, value, LEAST[name]);
    }
    const parser = new EventStreamParser({ maxEventLength });
    const events = this.#isEventStream
      ? this.eventsBy(parser)
      : this.#noEvents();
    if (!reconnect) return events;
    return lastingEvents({ events, parser }, options, {
      request: this.request,
      host: this.#host,
      again: (lastEventId) => this.#again({ maxEventLength, lastEventId }),
    });
  }

  /** Whether it is of the type of an event stream, or of none. */
  get #isEventStream(): boolean {
    const { contentType } = this;
    return contentType === "" || contentType === "text/event-stream";
  }

  // deno-lint-ignore require-yield -- there are none
  async *#noEvents(): AsyncGenerator<ServerSentEvent, void, void> {
    this.close();
    throw this.#host.malformed(new ProtocolError("bad-event-stream"));
  }

  /** Asks for the events that follow; null where the server has no more. */
  async #again(options: EventStreamOptions): Promise<EventStream | null> {
    const id = options.lastEventId ?? "";
    const again = await this.request.repeat(lastEventField(id));
    const { status, contentType } = again;
    if (status === 200 && contentType === "text/event-stream") {
      const parser = new EventStreamParser(options);
      return { events: again.eventsBy(parser), parser };
    }
    again.close();
    if (status === 204) return null;
    throw this.#host.malformed(new ProtocolError("bad-event-stream"));
  }

  /**
   * Does without the rest of the body: its connection is closed, unless all of
   * it has come. Safe to call again, and on a response in memory.
   */
  close(): void {
    const { arriving } = this;
    if (arriving === null || this.reader.isDone) return;
    const reason = new TypeError("Response was closed");
    this.reader.fail(this.#host.aborted(reason));
    this.#decoded?.close();
    if (!arriving.isDone) this.#host.abort(reason);
  }

  /** The same as {@linkcode HttpResponse.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  // ---- In logs -----------------------------------------------------------

  /** What `JSON.stringify()` shows: the head, without cookies. */
  toJSON(): Record<string, unknown> {
    const { status, statusMessage, headers } = this;
    const url = redactUrls(this.url);
    return { status, statusMessage, url, headers: redactFields(headers) };
  }

  /** @ignore The same for a console. */
  [Symbol.for("Deno.customInspect")](
    inspect: typeof Deno.inspect,
    options: Deno.InspectOptions,
  ): string {
    return `HttpResponse ${inspect(this.toJSON(), options)}`;
  }
}
