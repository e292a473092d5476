import { FIELD_VALUE, isAll } from "../parse/chars.ts";
import { ProtocolError } from "../parse/errors.ts";
import {
  EventStreamParser,
  type ServerSentEvent,
} from "../parse/event_stream_parser.ts";
import {
  type HeaderFields,
  readFieldLines,
  readFields,
} from "../parse/fields.ts";
import { dict } from "../parse/dict.ts";
import { parseJson } from "../parse/json.ts";
import type { LineLimits } from "../parse/line_parser.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import { parseSetCookie } from "../parse/set_cookie.ts";
import { byteText, decodeUtf8 } from "../parse/text.ts";
import { parseHeaderParameters } from "../parse/values.ts";
import type { BodyPart } from "../message/body_parts.ts";
import { pause } from "../transport/clock.ts";
import {
  bodyStream,
  IncomingBody,
  readWhole,
  saveBody,
} from "../message/incoming_body.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { checkLimit } from "../wire/limits.ts";
import { redactFields, redactUrls } from "../wire/redaction.ts";
import {
  type NdjsonLimits,
  type PartLimits,
  readEvents,
  readLines,
  readNdjson,
  readParts,
} from "../message/body_readers.ts";
import type { ClientRequest } from "./client_request.ts";
import { decodePieces } from "../message/decoder.ts";
import { AbortedError, ConnectionLostError, isPassing } from "./errors.ts";
import type { ClientTiming } from "./timing.ts";

/** How to read server-sent events. Times are ms, sizes bytes. */
export interface EventsReadOptions {
  /**
   * Whether to ask again, with `Last-Event-ID`, when the stream ends or breaks
   * off; default `false`. A status of 204 ends it for good.
   */
  reconnect?: boolean;
  /**
   * Wait before that, unless the server names another, of a second or of this
   * where it is less; default 3,000. It doubles while attempts fail.
   */
  retry?: number;
  /**
   * Attempts in a row that may fail; default `Infinity`. A stream that soon
   * ends without an event has failed.
   */
  maxAttempts?: number;
  /** Bytes of one event; default 1 MiB. */
  maxEventLength?: number;
}

/** What a response needs of its exchange. @ignore */
export interface ResponseHost {
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
/** The longest wait that a server may ask for, in ms. */
const MAX_RETRY = 3_600_000;
/** The shortest one: what has no pause keeps both sides busy for ever. */
const MIN_RETRY = 1000;
/**
 * The longest wait between attempts to reconnect, in ms. A stream that has
 * lasted so long had nothing to say, and is not taken for one that fails.
 */
const LONGEST_RETRY = 30_000;

/**
 * A server's answer. Its body is in memory, or, for a request with
 * `stream: true`, comes in as it is read, and must then be read to its end or
 * closed, as it holds its connection until then.
 */
export class HttpResponse {
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

  readonly #head: string;
  readonly #fieldsStart: number;
  readonly #announcedLength: number;
  readonly #host: ResponseHost;
  readonly #maxJsonDepth: number;
  readonly #incoming: IncomingBody | null;
  readonly #codings: readonly ContentCoding[] | null;
  #bytes: Uint8Array | null;
  #trailer: string;
  #received: number;
  #headers: HeaderFields | null = null;
  #cookies: Record<string, string> | null = null;
  #body: IncomingBody | null = null;
  #decoded: ReturnType<typeof decodePieces> | null = null;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  #isClosed = false;

  /** @ignore Made by the client alone. */
  constructor(parts: ResponseParts) {
    const { parser } = parts;
    this.request = parts.request;
    this.status = parser.status;
    this.url = parts.url;
    this.redirected = parts.isRedirected;
    this.timing = parts.timing;
    this.#head = parser.head;
    this.#fieldsStart = parser.fieldsStart;
    this.#announcedLength = parser.announcedLength;
    this.#host = parts.host;
    this.#maxJsonDepth = parts.maxJsonDepth;
    this.#incoming = parts.body;
    this.#codings = parts.codings;
    this.#bytes = parts.bytes;
    this.#trailer = parts.trailer;
    this.#received = parts.bytes?.length ?? 0;
  }

  /** @ignore The body in memory was compressed; this is what came of it. */
  decoded(bytes: Uint8Array): void {
    this.#bytes = bytes;
  }

  // ---- The head ----------------------------------------------------------

  /** The reason phrase; it may be empty. */
  get statusMessage(): string {
    return this.#head.slice(13, this.#fieldsStart - 2);
  }

  /** Protocol and version, as sent: `HTTP/1.1` or `HTTP/1.0`. */
  get protocol(): string {
    return this.#head.slice(0, 8);
  }

  /** Whether the status is from 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /**
   * Header fields by lower-case name. Values of repeated lines are joined with
   * `, `; see `headersAll()` for those of `Set-Cookie`.
   */
  get headers(): HeaderFields {
    return this.#headers ??= readFields(this.#head, this.#fieldsStart);
  }

  /** The value of a header field, in any case, or `defaultValue`. */
  headersGet(key: string): string | undefined;
  /** The value of a header field, in any case, or `defaultValue`. */
  headersGet<T>(key: string, defaultValue: T): string | T;
  /** The value of a header field, in any case, or `defaultValue`. */
  headersGet(key: string, defaultValue?: unknown): unknown {
    return this.headers[key.toLowerCase()] ?? defaultValue;
  }

  /** The values of each line of a header field, in order, not joined. */
  headersAll(key: string): string[] {
    return readFieldLines(this.#head, this.#fieldsStart, key.toLowerCase());
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

  /** The media type in lower case, without parameters, or "". */
  get contentType(): string {
    const value = this.headers["content-type"] ?? "";
    return value.split(";", 1)[0].trim().toLowerCase();
  }

  /**
   * Bytes of the body as it is sent, before decoding; `null` where that is not
   * said. The answer to HEAD says what GET would bring.
   */
  get contentLength(): number | null {
    return this.#announcedLength < 0 ? null : this.#announcedLength;
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
  get bytesReceived(): number {
    return this.#incoming?.bytesReceived ?? this.#received;
  }

  /** Trailer fields of a chunked body, once it was read to its end. */
  get trailers(): HeaderFields {
    return readFields(this.#incoming?.trailer ?? this.#trailer, 0);
  }

  /** What it is read from, a piece at a time: each holds until the next. */
  get #reader(): IncomingBody {
    if (this.#body === null) {
      if (this.#incoming === null) {
        this.#body = IncomingBody.of(this.#bytes ?? NOTHING);
      } else if (this.#codings === null) this.#body = this.#incoming;
      else this.#body = this.#decode(this.#incoming, this.#codings);
    }
    return this.#body;
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
            (error) => body.fail(this.#mapped(error)),
          );
        },
        refuseBody: () => this.close(),
      },
      -1,
      Infinity,
    );
    return body;
  }

  /** What is malformed is the response's fault, and it is of no use then. */
  #mapped(error: unknown): Error {
    if (!(error instanceof ProtocolError)) return error as Error;
    this.close();
    return this.#host.malformed(error);
  }

  readonly #next = async (): Promise<Uint8Array | null> => {
    if (this.#isClosed) throw this.#closedError();
    return await this.#reader.next();
  };

  #givenUp(cause: unknown): AbortedError {
    const { method } = this.request;
    return new AbortedError({ method, url: this.url, cause });
  }

  /** An event stream has ended, which it never should. */
  #brokenOff(): ConnectionLostError {
    const { method } = this.request;
    return new ConnectionLostError(0, { method, url: this.url });
  }

  #closedError(): AbortedError {
    return this.#givenUp(new TypeError("Response was closed"));
  }

  /**
   * The next piece of the body, or `null` at the end. Each piece is yours to
   * keep. With a buffer, it is put into that and is a view of it: a large body
   * read in this way leaves nothing to collect.
   *
   * This and all that reads the body rejects with a `ClientError` when it
   * breaks off, is malformed, or too slow in coming.
   *
   * @param buffer Where to put it; it bounds the piece.
   * @throws {TypeError} If the piece before is still waited for, or the buffer
   * has no room.
   */
  read(
    buffer?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    return this.#reader.read(buffer);
  }

  /** All of the body, or what is left of it, as bytes. */
  readAll(): Promise<Uint8Array<ArrayBuffer>> {
    return readWhole({ next: this.#next });
  }

  /**
   * The body as text: UTF-8, or what `Content-Type` names as its charset.
   *
   * @throws {ResponseError} If it is not that.
   */
  async text(): Promise<string> {
    const bytes = this.#bytes ?? await this.readAll();
    const type = this.headers["content-type"];
    const charset = type?.includes("charset")
      ? parseHeaderParameters(type).charset?.toLowerCase()
      : undefined;
    try {
      if (charset && charset !== "utf-8" && charset !== "utf8") {
        return decodeCharset(charset, bytes);
      }
      return decodeUtf8(bytes);
    } catch (error) {
      throw this.#mapped(error);
    }
  }

  /**
   * The body as JSON, whatever type it claims to have.
   *
   * @throws {ResponseError} If it is none, or deeper than `maxJsonDepth`.
   */
  // deno-lint-ignore no-explicit-any -- as `Response.json()` and `JSON.parse()`
  async json(): Promise<any> {
    const bytes = this.#bytes ?? await this.readAll();
    try {
      return parseJson(decodeUtf8(bytes), this.#maxJsonDepth);
    } catch (error) {
      throw this.#mapped(error);
    }
  }

  /** The body as a byte stream. Cancelling it closes the response. */
  get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream ??= bodyStream(
      this.#next,
      () => this.#reader.giveBack(),
      () => this.close(),
    );
  }

  /**
   * Writes the body to a file, as it arrives and in bounded memory. The file
   * is made anew, and removed again when the body breaks off.
   *
   * Needs `--allow-write` for the path.
   *
   * @returns Bytes written.
   */
  saveTo(path: string): Promise<number> {
    return saveBody(this.#next, path);
  }

  /** The lines of the body, without their ends, as they arrive. */
  lines(limits?: LineLimits): AsyncGenerator<string, void, void> {
    return this.#faultsMapped(readLines(this.#next, limits, this.#leave));
  }

  /** The values of a body of one JSON text a line, as they arrive. */
  // deno-lint-ignore no-explicit-any -- as `JSON.parse()`
  ndjson(limits?: NdjsonLimits): AsyncGenerator<any, void, void> {
    const all = { maxJsonDepth: this.#maxJsonDepth, ...limits };
    return this.#faultsMapped(readNdjson(this.#next, all, this.#leave));
  }

  /**
   * The parts of a `multipart/` body, as they arrive: the pictures of a
   * camera, say. What of a part was not read is passed over.
   */
  parts(limits?: PartLimits): AsyncGenerator<BodyPart, void, void> {
    const type = this.headers["content-type"] ?? "";
    return this.#faultsMapped(
      readParts(
        this.#next,
        type,
        limits,
        this.#leave,
        (error) => this.#mapped(error),
      ),
    );
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
  events(
    options: EventsReadOptions = {},
  ): AsyncGenerator<ServerSentEvent, void, void> {
    const { maxEventLength, reconnect = false } = options;
    for (const name of ["retry", "maxAttempts", "maxEventLength"] as const) {
      const value = options[name];
      if (value !== undefined) checkLimit(name, value, LEAST[name]);
    }
    const parser = new EventStreamParser({ maxEventLength });
    const events = this.#events(parser);
    if (!reconnect) return events;
    const left = new AbortController();
    const all = this.#reconnecting(events, parser, options, left.signal);
    const end = all.return;
    // Who leaves does not have to wait until a pause is over.
    all.return = (value) => {
      left.abort();
      return end.call(all, value);
    };
    return all;
  }

  #events(
    parser: EventStreamParser,
  ): AsyncGenerator<ServerSentEvent, void, void> {
    return this.#faultsMapped(readEvents(this.#next, parser, this.#leave));
  }

  async *#reconnecting(
    first: AsyncGenerator<ServerSentEvent, void, void>,
    parser: EventStreamParser,
    options: EventsReadOptions,
    left: AbortSignal,
  ): AsyncGenerator<ServerSentEvent, void, void> {
    const { maxEventLength, maxAttempts = Infinity } = options;
    let events: typeof first | null = first;
    let retry = options.retry ?? 3000;
    const least = Math.min(retry, MIN_RETRY);
    let failures = 0;
    for (;;) {
      if (events !== null) {
        const begun = performance.now();
        let isOfUse = false;
        let fault: unknown;
        try {
          for await (const event of events) {
            isOfUse = true;
            yield event;
          }
        } catch (error) {
          // What the caller did, or the server got wrong, ends it.
          if (!isPassing(error)) throw error;
          fault = error;
        }
        isOfUse ||= performance.now() - begun >= LONGEST_RETRY;
        failures = isOfUse ? 0 : failures + 1;
        if (failures >= maxAttempts) throw fault ?? this.#brokenOff();
      }
      if (parser.retry !== null) {
        retry = Math.max(least, Math.min(parser.retry, MAX_RETRY));
      }
      // The wait doubles while nothing works.
      const wait = retry * 2 ** Math.min(failures, 10);
      try {
        await pause(
          Math.min(wait, Math.max(retry, LONGEST_RETRY)),
          AbortSignal.any([left, this.request.givenUp]),
        );
      } catch (reason) {
        if (left.aborted) return;
        throw this.#givenUp(reason);
      }
      const { lastEventId } = parser;
      events = null;
      try {
        const again = await this.request.repeat(lastEvent(lastEventId));
        if (again.status === 204) {
          again.close();
          return;
        }
        const isStream = again.contentType === "text/event-stream";
        if (again.status !== 200 || !isStream) {
          again.close();
          throw this.#host.malformed(new ProtocolError("bad-event-stream"));
        }
        parser = new EventStreamParser({ maxEventLength, lastEventId });
        events = again.#events(parser);
      } catch (error) {
        if (!isPassing(error) || ++failures >= maxAttempts) throw error;
      }
    }
  }

  /** Errors of a generator's are the response's. */
  async *#faultsMapped<T>(
    values: AsyncGenerator<T, void, void>,
  ): AsyncGenerator<T, void, void> {
    try {
      yield* values;
    } catch (error) {
      throw this.#mapped(error);
    }
  }

  readonly #leave = (): void => {
    this.close();
  };

  /**
   * Does without the rest of the body: its connection is closed, unless all of
   * it has come. Safe to call again, and on a response in memory.
   */
  close(): void {
    this.#decoded?.close();
    if (this.#incoming === null || this.#incoming.isDone) return;
    this.#isClosed = true;
    this.#host.abort(new TypeError("Response was closed"));
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

function decodeCharset(charset: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    throw new ProtocolError("bad-encoding");
  }
}
