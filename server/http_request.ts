import { HttpError } from "../parse/errors.ts";
import {
  type HeaderFields,
  readField,
  readFieldLines,
  readFields,
} from "../parse/fields.ts";
import { parseJson } from "../parse/json.ts";
import type { RequestParser } from "../parse/request_parser.ts";
import {
  parseCookies,
  parseQuery,
  pathStart,
  type Query,
  urlPath,
  urlQuery,
} from "../parse/values.ts";
import type { HttpServer } from "./http_server.ts";
import {
  type FormLimits,
  type FormPart,
  type FormValue,
  LoadedForm,
  readParts,
} from "../message/form.ts";
import { plainAddress } from "./proxies.ts";
import {
  bodyStream,
  IncomingBody,
  readWhole,
  saveBody,
} from "../message/incoming_body.ts";
import { abortHeard } from "../transport/abort.ts";
import { guardSignal } from "../websocket/listeners.ts";
import type { Session } from "./session.ts";
import { decodeUtf8 } from "../parse/text.ts";

const encoder = new TextEncoder();

const MULTIPART = "multipart/form-data";
const URLENCODED = "application/x-www-form-urlencoded";

/** The media type of a `Content-Type`, in lower case, without parameters. */
function mediaType(value: string): string {
  if (value === "application/json") return value;
  const end = value.indexOf(";");
  return (end < 0 ? value : value.slice(0, end)).trim().toLowerCase();
}

/** An address and its port as text. */
function addressText({ hostname, port }: Deno.NetAddr): string {
  const ip = plainAddress(hostname);
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/**
 * What is worked out when it is asked for, or comes along with some requests
 * only: most need none of it, and making them must be cheap.
 */
class Parts {
  headers: HeaderFields | null = null;
  query: Query | null = null;
  cookies: Record<string, string> | null = null;
  path: string | null = null;
  body: Uint8Array | string | null = null;
  data: unknown = null;
  form: LoadedForm | null = null;
  isDataReady = true;
  abort: AbortController | null = null;
  reader: IncomingBody | null = null;
  stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
}

/**
 * What a client asked: the half of an `HttpConnection` that is read. What is
 * asked of it is worked out when it is first asked for.
 */
export abstract class HttpRequest {
  /** The method, as sent: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** The request target, as sent (RFC 9112 section 3.2). */
  readonly url: string;
  /** The server that the request came to. */
  readonly server: HttpServer;
  /** Yours: whatever you want to remember with the request. */
  // deno-lint-ignore no-explicit-any -- its type is the application's matter
  context: any = undefined;

  /** @ignore */
  protected readonly session: Session;
  /** @ignore Whether an answer was begun. */
  protected isBegun = false;
  readonly #head: string;
  readonly #fieldsStart: number;
  readonly #announcedLength: number;
  #parts: Parts | null = null;

  /** @ignore Made by the server alone. */
  constructor(
    server: HttpServer,
    session: Session,
    parser: RequestParser,
    body: Uint8Array | IncomingBody | null,
  ) {
    this.server = server;
    this.session = session;
    this.method = parser.method;
    this.url = parser.target;
    this.#head = parser.head;
    this.#fieldsStart = parser.fieldsStart;
    this.#announcedLength = parser.contentLength;
    if (body instanceof IncomingBody) this.#lazy.reader = body;
    else if (body !== null) this.#takeBody(body, parser.contentType);
  }

  get #lazy(): Parts {
    return this.#parts ??= new Parts();
  }

  /** The body lies in a buffer that will be used again: take what is needed. */
  #takeBody(body: Uint8Array, contentType: string): void {
    const parts = this.#lazy;
    const type = mediaType(contentType);
    if (type === "application/json" || type.endsWith("+json")) {
      // A body that is not what it says is refused here, as an error thrown
      // later would end the application's loop for one peer's fault.
      if (body.length === 0) return;
      parts.body = decodeUtf8(body);
      parts.data = parseJson(parts.body, this.server.limits.maxJsonDepth);
    } else {
      const bytes = body.slice();
      parts.body = bytes;
      parts.isDataReady = false;
      if (type === MULTIPART) parts.form = new LoadedForm(bytes, contentType);
    }
  }

  // ---- The request ------------------------------------------------------

  /** Protocol and version, as sent: `HTTP/1.1` or `HTTP/1.0`. */
  get protocol(): string {
    const end = this.#fieldsStart - 2;
    return this.#head.slice(end - 8, end);
  }

  /**
   * Header fields by lower-case name. Values of repeated lines are joined with
   * `, ` (RFC 9110 section 5.3), those of `Cookie` with `; `.
   */
  get headers(): HeaderFields {
    return this.#lazy.headers ??= readFields(this.#head, this.#fieldsStart);
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

  /** The decoded path. */
  get path(): string {
    return this.#lazy.path ??= urlPath(this.url);
  }

  /** The decoded query: `null` for keys without `=`, arrays for repeated ones. */
  get query(): Query {
    return this.#lazy.query ??= urlQuery(this.url);
  }

  /** The cookies that the peer sent. */
  get cookies(): Record<string, string> {
    return this.#lazy.cookies ??= parseCookies(this.headers.cookie ?? "");
  }

  /** Host, with port where one was sent: from the target, or from `Host`. */
  get host(): string {
    const start = pathStart(this.url);
    if (start > 0) return this.url.slice(this.url.indexOf("//") + 2, start);
    if (this.method === "CONNECT") return this.url;
    return readField(this.#head, this.#fieldsStart, "host") ?? "";
  }

  /** The whole URL, by scheme of this connection, host, path and query. */
  get fullUrl(): string {
    if (pathStart(this.url) > 0) return this.url;
    const scheme = this.isSecure ? "https" : "http";
    const { localAddr } = this.session.conn;
    // HTTP/1.0 may leave the host out: then it is where the peer has called.
    const host = this.host ||
      ("hostname" in localAddr ? addressText(localAddr) : "localhost");
    return `${scheme}://${host}${this.url.startsWith("/") ? this.url : ""}`;
  }

  /** The media type of the body in lower case, without parameters, or "". */
  get contentType(): string {
    return mediaType(this.headers["content-type"] ?? "");
  }

  /** Bytes of the body, or `null` where the request has none. */
  get contentLength(): number | null {
    if (this.#announcedLength >= 0) return this.#announcedLength;
    return (this.#parts?.body ?? null) === null ? null : this.rawData.length;
  }

  /**
   * The body: JSON parsed, forms (`application/x-www-form-urlencoded` and
   * `multipart/form-data`) as a dictionary, files in them as `File`s,
   * everything else as bytes; `null` without a body, and in streaming mode.
   *
   * A body that claims to be JSON or a form in parts and is not never gets
   * here: the server answers it with 400.
   */
  // deno-lint-ignore no-explicit-any -- as `Response.json()` and `JSON.parse()`
  get data(): any {
    const parts = this.#parts;
    if (parts === null) return null;
    if (!parts.isDataReady) {
      parts.isDataReady = true;
      parts.data = parts.form !== null
        ? parts.form.toDict()
        : this.contentType === URLENCODED
        ? parseQuery(parts.body!)
        : parts.body;
    }
    return parts.data;
  }

  /** The body's bytes as they came, whatever their type: for signatures. */
  get rawData(): Uint8Array {
    const body = this.#parts?.body ?? "";
    return typeof body === "string" ? encoder.encode(body) : body;
  }

  /** Whether the whole body is in; also where there is none. */
  get isLoaded(): boolean {
    return this.#parts?.reader?.isDone ?? true;
  }

  /** @ignore Whether the body was asked for as a stream. */
  get isStreamed(): boolean {
    return (this.#parts?.stream ?? null) !== null;
  }

  /** Bytes of the body that have come so far. */
  get bytesReceived(): number {
    return this.#parts?.reader?.bytesReceived ?? this.rawData.length;
  }

  // ---- The body, as it arrives ------------------------------------------

  get #reader(): IncomingBody {
    return this.#lazy.reader ??= IncomingBody.of(this.rawData);
  }

  /**
   * Sets how many bytes the body of this request may have, in place of
   * `maxContentLength`. Only in streaming mode: otherwise it is in already.
   *
   * @throws {RangeError} If it is negative or not a number.
   */
  limit(bytes: number): void {
    if (!(bytes >= 0)) throw new RangeError("Limit is not a number of bytes");
    this.#reader.limit = bytes;
  }

  /**
   * The next piece of the body, or `null` at the end. The first call asks a
   * peer that waits for it to go on (`100 Continue`).
   *
   * Each piece is yours to keep. With a buffer, it is put into that and is a
   * view of it: a large body read in this way leaves nothing to collect.
   *
   * This and all that reads the body rejects with an `HttpError` when the
   * peer breaks off, and with a `ProtocolError` when it is too slow or sends
   * what is malformed or too large; the server then answers it.
   *
   * @param buffer Where to put it; it bounds the piece.
   * @throws {TypeError} If the piece before is still waited for, or the buffer
   * has no room.
   */
  read(
    buffer?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#reader.read(buffer);
  }

  /** All of the body, or what is left of it, as bytes. */
  readAll(): Promise<Uint8Array<ArrayBuffer>> {
    const reader = this.#reader;
    const { announced, bytesReceived, isDone } = reader;
    return readWhole(reader, isDone ? announced : announced - bytesReceived);
  }

  /**
   * The body as text.
   *
   * @throws {ProtocolError} If it is not UTF-8.
   */
  async text(): Promise<string> {
    return decodeUtf8(await this.readAll());
  }

  /**
   * The body as JSON, whatever type it claims to have.
   *
   * @throws {ProtocolError} If it is none, or deeper than `maxJsonDepth`.
   */
  // deno-lint-ignore no-explicit-any -- as `Response.json()` and `JSON.parse()`
  async json(): Promise<any> {
    return parseJson(await this.text(), this.server.limits.maxJsonDepth);
  }

  /**
   * The body as a form, of either type that browsers send: values by name, an
   * array where a name is repeated, files as `File`s, in memory. Large ones
   * are better read by {@linkcode HttpRequest.parts}.
   *
   * @throws {HttpError} With status 415 if it is of another type.
   * @throws {ProtocolError} If it is malformed.
   */
  async form(): Promise<Record<string, FormValue | FormValue[] | null>> {
    const { contentType } = this;
    if (contentType !== MULTIPART && contentType !== URLENCODED) {
      throw new HttpError("Body is not a form", 415);
    }
    const bytes = await this.readAll();
    return contentType === MULTIPART
      ? new LoadedForm(bytes, this.headers["content-type"]!).toDict()
      : parseQuery(bytes) as Record<string, string | string[] | null>;
  }

  /**
   * The parts of a `multipart/form-data` body (RFC 7578), one after the other,
   * as they arrive. What of a part was not read is passed over.
   *
   * ```ts ignore
   * for await (const part of client.parts()) {
   *   if (part.filename === undefined) console.log(part.name, await part.text());
   *   else await part.saveTo(`uploads/${crypto.randomUUID()}`);
   * }
   * ```
   *
   * @throws {ProtocolError} From the iterator: if the body is no such form, is
   * malformed, or over a limit.
   */
  parts(limits?: FormLimits): AsyncGenerator<FormPart, void, void> {
    return readParts(
      () => this.#reader.next(),
      this.headers["content-type"] ?? "",
      limits,
    );
  }

  /**
   * The body as a byte stream. It reads only when it is read from, and errors
   * as {@linkcode HttpRequest.read} rejects.
   */
  get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#lazy.stream ??= bodyStream(
      () => this.#reader.next(),
      () => this.#reader.giveBack(),
    );
  }

  /**
   * Writes the body to a file, as it arrives and in bounded memory. The file
   * is made anew, and removed again when the body breaks off.
   *
   * Needs `--allow-write` for the path.
   *
   * @param path Where to. Never one that a peer chose.
   * @returns Bytes written.
   */
  saveTo(path: string): Promise<number> {
    const error = this.#reader.checkLength();
    if (error !== null) return Promise.reject(error); // and no file is made
    return saveBody(() => this.#reader.next(), path);
  }

  /** Trailer fields of a chunked body that was read to its end. */
  get trailers(): HeaderFields {
    return readFields(this.#parts?.reader?.trailer ?? "", 0);
  }

  // ---- The peer ---------------------------------------------------------

  /** The socket's remote address, whatever proxies say. */
  get addr(): Deno.Addr {
    return this.session.conn.remoteAddr;
  }

  /** The same as text: `ip:port`, `[ip]:port`, or `unix`. */
  get socketAddress(): string {
    return "hostname" in this.addr ? addressText(this.addr) : "unix";
  }

  /**
   * The client's address, without a port. Behind `trustedProxies`, the last
   * address of {@linkcode HttpConnection.remoteAddresses} that is not one of
   * theirs; otherwise the socket's.
   */
  get remoteAddress(): string {
    return this.server.trustedProxies.client(
      this.#ip,
      this.headers["x-forwarded-for"],
    );
  }

  /**
   * The way the request came: client first, nearest proxy last, from
   * `X-Forwarded-For` if the socket's peer is one of `trustedProxies`, the last
   * hundred at most. What stands left of `remoteAddress` may be forged.
   */
  get remoteAddresses(): string[] {
    return this.server.trustedProxies.chain(
      this.#ip,
      this.headers["x-forwarded-for"],
    );
  }

  get #ip(): string {
    const { addr } = this;
    return "hostname" in addr ? plainAddress(addr.hostname) : "unix";
  }

  /** Whether the request came over TLS to this server. */
  get isSecure(): boolean {
    return this.session.isSecure;
  }

  /** The socket. Reading or writing it yourself breaks the connection. */
  get socket(): Deno.Conn {
    return this.session.conn;
  }

  /**
   * Aborts when the peer goes away while you hold the request: nobody is
   * waiting for the answer any more.
   *
   * A peer that has only closed its sending side looks the same until it is
   * written to, so an answer is still sent after that. Answer, or call
   * {@linkcode HttpConnection.close}; the server closes what is left in this
   * state for longer than `keepAliveTimeout`.
   */
  get signal(): AbortSignal {
    const parts = this.#lazy;
    if (parts.abort === null) {
      parts.abort = new AbortController();
      guardSignal(parts.abort.signal, this.#listenerFailed);
      if (!this.isHeld) {
        if (!this.isBegun || this.session.isClosed) this.peerGone();
      } else if (this.session.inputEnded) this.peerGone();
      else this.session.watch();
    }
    return parts.abort.signal;
  }

  /** @ignore Called by the session. */
  peerGone(): void {
    const controller = this.#parts?.abort ?? null;
    if (controller === null || controller.signal.aborted) return;
    const reason = new HttpError("Peer has closed the connection");
    abortHeard(controller, reason, this.#listenerFailed);
  }

  get #listenerFailed(): (error: unknown) => void {
    return (error) => this.server.listenerFailed(error, this.session);
  }

  /** @ignore Called by the session. */
  swept(): void {}

  /** @ignore */
  protected get isHeld(): boolean {
    return this.session.client === this;
  }
}
