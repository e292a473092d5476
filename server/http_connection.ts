import { dict } from "../parse/dict.ts";
import { HttpError, ProtocolError } from "../parse/errors.ts";
import {
  type HeaderFields,
  readFieldLines,
  readFields,
} from "../parse/fields.ts";
import type { RequestParser } from "../parse/request_parser.ts";
import {
  encodeJson,
  isBytes,
  type ResponseData,
} from "../parse/response_data.ts";
import {
  parseCookies,
  parseQuery,
  pathStart,
  type Query,
  urlPath,
  urlQuery,
} from "../parse/values.ts";
import { checkStatus } from "../wire/response_head.ts";
import { hasResponseBody } from "../wire/status.ts";
import {
  checkHead,
  encodeBody,
  HTML_KIND,
  JSON_KIND,
  type RespondOptions,
  setLength,
  writeHead,
  writeText,
  writeWhole,
} from "./answer.ts";
import { answerFile, type RespondFileOptions } from "./file_answer.ts";
import type { HttpServer } from "./http_server.ts";
import { MultipartAnswer, type MultipartOptions } from "./multipart_answer.ts";
import { plainAddress } from "./proxies.ts";
import type { Session } from "./session.ts";
import { BlobSource, sendBody } from "./stream_body.ts";

/** Cookies and status of {@linkcode HttpConnection.respondRedirect}. */
export interface RedirectOptions {
  /** 301, 302, 303, 307 or 308; default 302. */
  status?: number;
  /** Cookies to set (or, with `null`, to delete), by name. */
  cookies?: RespondOptions["cookies"];
  /** Further fields to send. */
  headers?: RespondOptions["headers"];
}

const utf8 = new TextDecoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const GONE: Promise<boolean> = Promise.resolve(false);

/** Decodes UTF-8, all of it, and refuses what is none. */
function decodeUtf8(bytes: Uint8Array): string {
  // The strict decoder is several times slower. The plain one drops a byte
  // order mark, and puts U+FFFD where there is a fault.
  if (bytes[0] !== 0xef) {
    const text = utf8.decode(bytes);
    if (!text.includes("\ufffd")) return text;
  }
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new ProtocolError("bad-encoding");
  }
}

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
  isDataReady = true;
  abort: AbortController | null = null;
  multipart: MultipartAnswer | null = null;
}

/** Whether an answer's head can come from a template. */
function isPlain(options: RespondOptions): boolean {
  return options.headers === undefined && options.cookies === undefined &&
    options.statusMessage === undefined &&
    (options.status === undefined || hasResponseBody(false, options.status));
}

/** Whether data goes as JSON, other than as a string. */
function isJson(data: ResponseData): boolean {
  return data !== undefined && data !== null && !isBytes(data) &&
    !(data instanceof Blob);
}

/**
 * One request, and the right to answer it, once: now, later, or in parts.
 *
 * Servers make these; see `HttpServer`. What is asked of it is worked out
 * when it is first asked for.
 *
 * The methods that answer put the bytes in order at once and return a
 * promise: `true` when the kernel has taken them, `false` when the peer was
 * gone. It never rejects for the network's sake, so it may be ignored.
 */
export class HttpConnection {
  /** The method, as sent: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** The request target, as sent (RFC 9112 section 3.2). */
  readonly url: string;
  /** The server that the request came to. */
  readonly server: HttpServer;
  /** Yours: whatever you want to remember with the request. */
  // deno-lint-ignore no-explicit-any -- its type is the application's matter
  context: any = undefined;

  readonly #session: Session;
  readonly #head: string;
  readonly #fieldsStart: number;
  readonly #announcedLength: number;
  #isAnswered = false;
  #parts: Parts | null = null;

  /** @ignore Made by the server alone. */
  constructor(
    server: HttpServer,
    session: Session,
    parser: RequestParser,
    body: Uint8Array | null,
  ) {
    this.server = server;
    this.#session = session;
    this.method = parser.method;
    this.url = parser.target;
    this.#head = parser.head;
    this.#fieldsStart = parser.fieldsStart;
    this.#announcedLength = parser.contentLength;
    if (body !== null) this.#takeBody(body, parser.contentType);
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
      try {
        parts.data = JSON.parse(parts.body);
      } catch {
        throw new ProtocolError("bad-json");
      }
    } else {
      parts.body = new Uint8Array(body); // a Node buffer's slice() is no copy
      parts.isDataReady = false;
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
    return this.method === "CONNECT" ? this.url : this.headers.host ?? "";
  }

  /** The whole URL, by scheme of this connection, host, path and query. */
  get fullUrl(): string {
    if (pathStart(this.url) > 0) return this.url;
    const scheme = this.isSecure ? "https" : "http";
    const { localAddr } = this.#session.conn;
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
   * The body: JSON parsed, forms (`application/x-www-form-urlencoded`) as a
   * dictionary, everything else as bytes; `null` without a body.
   *
   * A body that claims to be JSON and is not never gets here: the server
   * answers it with 400.
   */
  // deno-lint-ignore no-explicit-any -- as `Response.json()` and `JSON.parse()`
  get data(): any {
    const parts = this.#parts;
    if (parts === null) return null;
    if (!parts.isDataReady) {
      parts.isDataReady = true;
      parts.data = this.contentType === "application/x-www-form-urlencoded"
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

  /** Whether the whole body is in. */
  get isLoaded(): boolean {
    return true;
  }

  // ---- The peer ---------------------------------------------------------

  /** The socket's remote address, whatever proxies say. */
  get addr(): Deno.Addr {
    return this.#session.conn.remoteAddr;
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
    return this.server.trustedProxies.client(this.#ip, this.remoteAddresses);
  }

  /**
   * The way the request came: client first, nearest proxy last, from
   * `X-Forwarded-For` if the socket's peer is one of `trustedProxies`. What
   * stands left of `remoteAddress` may be forged.
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
    return this.#session.isSecure;
  }

  /** The socket. Reading or writing it yourself breaks the connection. */
  get socket(): Deno.Conn {
    return this.#session.conn;
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
      if (!this.#isHeld) {
        if (!this.#isAnswered || this.#session.isClosed) this.peerGone();
      } else if (this.#session.inputEnded) this.peerGone();
      else this.#session.watch();
    }
    return parts.abort.signal;
  }

  /** @ignore Called by the session. */
  peerGone(): void {
    this.#parts?.abort?.abort(new HttpError("Peer has closed the connection"));
  }

  // ---- The answer -------------------------------------------------------

  /** Whether an answer was begun. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get #isHeld(): boolean {
    return this.#session.client === this;
  }

  /** The session, if it still waits for this answer; throws if it is begun. */
  #take(): Session | null {
    if (this.#isAnswered) throw new TypeError("Request is already answered");
    this.#isAnswered = true;
    return this.#isHeld ? this.#session : null;
  }

  /**
   * Answers. Strings go as HTML, bytes as octets, a `Blob` with its own type,
   * everything else as JSON; `null` or nothing as an empty body. `0`, `""`
   * and `false` are data like any other.
   *
   * Bytes of 8 KiB or more are not copied: leave them alone until the promise
   * has resolved. A status that has no body (204, 205, 304) drops the data.
   *
   * ```ts ignore
   * client.respond({ id: 7 }, { status: 201, cookies: { seen: "1" } });
   * ```
   *
   * @returns `true` when the kernel has taken the bytes, `false` when the peer
   * was gone.
   * @throws {TypeError} If the request is answered already, the data has no
   * JSON form, or a header or cookie cannot be sent as it is.
   * @throws {RangeError} If the status is not from 200 to 599.
   */
  respond(data?: ResponseData, options?: RespondOptions): Promise<boolean> {
    let status = 200;
    if (options !== undefined) {
      if (!isPlain(options)) return this.#respondWith(data, options);
      status = options.status ?? 200;
      checkStatus(status);
    }
    const isText = typeof data === "string";
    if (!isText && !isJson(data)) return this.#respondWith(data, { status });
    const text = isText ? data : encodeJson(data);
    const session = this.#take();
    if (session === null) return GONE;
    const kind = isText ? HTML_KIND : JSON_KIND;
    writeText(session, status, kind, text, this.method === "HEAD");
    return session.answered();
  }

  #respondWith(data: ResponseData, options: RespondOptions): Promise<boolean> {
    const head = checkHead(options);
    const isHead = this.method === "HEAD";
    if (data instanceof Blob) {
      head.headers["content-type"] ??= data.type || "application/octet-stream";
      setLength(head, data.size, isHead);
      const session = this.#take();
      if (session === null) return GONE;
      writeHead(session, head);
      if (!hasResponseBody(isHead, head.status)) return session.answered();
      return sendBody(session, new BlobSource(data), data.size);
    }
    const body = encodeBody(head, data);
    setLength(head, body === null ? null : body.length, isHead);
    const session = this.#take();
    if (session === null) return GONE;
    writeWhole(session, head, body, isHead);
    return session.answered();
  }

  /**
   * Answers with a redirect. Characters that a URL may not hold are
   * percent-encoded.
   *
   * @param url Where to: absolute, or relative to this request.
   * @throws {TypeError} If the request is answered already, or the URL holds
   * control characters.
   * @throws {RangeError} If the status is not 301, 302, 303, 307 or 308.
   */
  respondRedirect(
    url: string,
    options: RedirectOptions = {},
  ): Promise<boolean> {
    const status = options.status ?? 302;
    if (![301, 302, 303, 307, 308].includes(status)) {
      throw new RangeError("Status is not one of a redirect");
    }
    const head = checkHead({ ...options, status });
    // deno-lint-ignore no-control-regex
    if (/[\x00-\x1f\x7f]/.test(url)) {
      throw new TypeError("Redirect URL holds a control character");
    }
    head.headers.location = url.toWellFormed().replace(
      /[^\x21-\x7e]|["<>\\^`{|}]/gu,
      encodeURIComponent,
    );
    setLength(head, null, false);
    const session = this.#take();
    if (session === null) return GONE;
    writeWhole(session, head, null, this.method === "HEAD");
    return session.answered();
  }

  /**
   * Answers with a file, streamed in bounded memory. `Content-Type` follows
   * the extension; `Last-Modified`, `ETag`, conditional requests and single
   * byte ranges (RFC 9110 sections 13 and 14) are taken care of.
   *
   * What is missing, unreadable or no plain file is answered with 404. Without
   * `root` the path is opened as it is: never pass one that a peer chose.
   *
   * Needs `--allow-read` for the path, and for `root`.
   *
   * @param path The file; with `root`, relative to it, and confined to it.
   * @returns `true` when the kernel has taken all bytes, `false` when the peer
   * was gone or the file broke off.
   * @throws {TypeError} If the request is answered already, or a header cannot
   * be sent as it is.
   */
  respondFile(
    path: string,
    options: RespondFileOptions = {},
  ): Promise<boolean> {
    const head = checkHead(options);
    const session = this.#take();
    if (session === null) return GONE;
    return answerFile(session, this, path, options, head);
  }

  /**
   * Begins an answer of parts that replace one another
   * (`multipart/x-mixed-replace`), as cameras send MJPEG. It ends with the
   * connection.
   *
   * @throws {TypeError} If the request is answered already, or a header cannot
   * be sent as it is.
   */
  responseMultipart(options: MultipartOptions = {}): Promise<boolean> {
    const answer = new MultipartAnswer(options);
    const session = this.#take();
    this.#lazy.multipart = answer;
    if (session === null) return GONE;
    return answer.begin(session, this.method === "HEAD");
  }

  /**
   * Sends a part, for instance a JPEG image, with its type and length.
   *
   * Wait for the promise before the next part: it resolves to `true` once
   * there is room for one, to `false` when the peer is gone. A part sent
   * while more than `maxSendBufferSize` is still queued drops the peer.
   *
   * @throws {TypeError} If no multipart answer was begun, it is ended, or a
   * header cannot be sent as it is.
   */
  responseMultipartFrame(
    data: Exclude<ResponseData, Blob>,
    options: Pick<RespondOptions, "headers"> = {},
  ): Promise<boolean> {
    return this.#multipart.frame(data, options.headers);
  }

  /**
   * Ends a multipart answer, and the connection with it.
   *
   * @throws {TypeError} If no multipart answer was begun, or it is ended.
   */
  responseMultipartEnd(): Promise<boolean> {
    return this.#multipart.end();
  }

  get #multipart(): MultipartAnswer {
    const answer = this.#parts?.multipart;
    if (!answer) throw new TypeError("Call responseMultipart() first");
    return answer;
  }

  /**
   * Drops the connection without an answer, or in the middle of one; an answer
   * after that resolves to `false`. Does nothing once the request is answered
   * wholly.
   */
  close(): void {
    if (this.#isHeld) this.#session.destroy();
  }

  /** A short description, for logs. */
  toString(): string {
    return `${this.method} ${this.url}`;
  }

  /** @ignore Fields that a console shows. */
  [Symbol.for("Deno.customInspect")](
    inspect: typeof Deno.inspect,
    options: Deno.InspectOptions,
  ): string {
    const { method, url, isAnswered } = this;
    const shown = Object.assign(dict(), { method, url, isAnswered });
    return `HttpConnection ${inspect(shown, options)}`;
  }
}
