import { FIELD_VALUE, isAll } from "../parse/chars.ts";
import { dict } from "../parse/dict.ts";
import { ProtocolError } from "../parse/errors.ts";
import {
  type EventStreamOptions,
  EventStreamParser,
  type ServerSentEvent,
} from "../parse/event_stream_parser.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import { parseSetCookie } from "../parse/set_cookie.ts";
import { byteText } from "../parse/text.ts";
import { decodePieces } from "../message/decoder.ts";
import { IncomingBody } from "../message/incoming_body.ts";
import {
  type BodyLimits,
  IncomingMessage,
} from "../message/incoming_message.ts";
import { turns } from "../transport/turns.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { checkLimit } from "../wire/limits.ts";
import { redactFields, redactUrls } from "../wire/redaction.ts";
import type { ClientRequest } from "./client_request.ts";
import {
  type EventsOrigin,
  type EventsReadOptions,
  type EventStream,
  lastingEvents,
} from "./lasting_events.ts";
import type { ClientTiming } from "./timing.ts";

/** What a response asks of what it came in by. @ignore */
export interface ResponseHost
  extends Pick<EventsOrigin, "isPassing" | "aborted" | "brokenOff"> {
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
  #decoded: ReturnType<typeof decodePieces> | null = null;

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
    return arriving === null || this.#codings === null
      ? super.openBody()
      : this.#decode(arriving, this.#codings);
  }

  #decode(
    incoming: IncomingBody,
    codings: readonly ContentCoding[],
  ): IncomingBody {
    const decoded = decodePieces(codings, () => incoming.next());
    this.#decoded = decoded;
    const body: IncomingBody = new IncomingBody(
      {
        readBody: () => {
          decoded.next().then(
            (piece) => piece === null ? body.finish("") : body.take(piece),
            (error) => {
              const fault = this.fault(error);
              body.fail(fault);
              if (fault !== error) this.close();
            },
          );
        },
        refuseBody: () => this.close(),
      },
      -1,
      Infinity,
    );
    return body;
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

  /**
   * Server-sent events, as they arrive; with `reconnect`, beyond the end of
   * the stream.
   *
   * @throws {TypeError} If an option is not a number.
   * @throws {RangeError} If it is out of range.
   * @throws {ResponseError} From the iterator: if an answer to a further
   * request is no event stream.
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
    const events = this.eventsBy(parser);
    if (!reconnect) return events;
    const { request } = this;
    const host = this.#host;
    return lastingEvents({ events, parser }, options, {
      get givenUp() {
        return request.givenUp;
      },
      again: (lastEventId) => this.#again({ maxEventLength, lastEventId }),
      isPassing: (error) => host.isPassing(error),
      aborted: (reason) => host.aborted(reason),
      brokenOff: () => host.brokenOff(),
    });
  }

  /** Asks for the events that follow; null where the server has no more. */
  async #again(options: EventStreamOptions): Promise<EventStream | null> {
    const id = options.lastEventId ?? "";
    const again = await this.request.repeat(lastEvent(id));
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

/** The field that tells the server where to go on, as UTF-8. */
function lastEvent(id: string): Record<string, string> {
  const bytes = new TextEncoder().encode(id);
  const value = byteText(bytes);
  // An id that cannot be sent back is as good as none.
  return value === "" || !isAll(value, FIELD_VALUE)
    ? {}
    : { "last-event-id": value };
}
