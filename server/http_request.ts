import { HttpError, ProtocolError } from "../parse/errors.ts";
import { readField } from "../parse/fields.ts";
import { parseJson } from "../parse/json.ts";
import type { RequestParser } from "../parse/request_parser.ts";
import { parseUtf8 } from "../parse/text.ts";
import {
  parseCookies,
  parseQuery,
  pathStart,
  type Query,
  urlPath,
  urlQuery,
} from "../parse/values.ts";
import {
  checkFields,
  LoadedForm,
  MULTIPART,
  URLENCODED,
} from "../message/form.ts";
import { IncomingBody } from "../message/incoming_body.ts";
import {
  type BodyLimits,
  IncomingMessage,
  mediaType,
} from "../message/incoming_message.ts";
import { abortHeard } from "../transport/abort.ts";
import { turns } from "../transport/turns.ts";
import { guardSignal } from "../websocket/listeners.ts";
import type { HttpServer } from "./http_server.ts";
import { plainAddress } from "./proxies.ts";
import type { Session } from "./session.ts";

const encoder = new TextEncoder();

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
  query: Query | null = null;
  cookies: Record<string, string> | null = null;
  path: string | null = null;
  body: Uint8Array | string | null = null;
  data: unknown = null;
  form: LoadedForm | null = null;
  isDataReady = true;
  abort: AbortController | null = null;
  fault: ProtocolError | null = null;
}

/**
 * What a client asked: the half of an `HttpConnection` that is read. What is
 * asked of it is worked out when it is first asked for.
 *
 * ```ts
 * import { type HttpRequest, HttpServer } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * function describe(request: HttpRequest) {
 *   const { method, path, query, cookies, data } = request;
 *   return { method, path, query, cookies, data };
 * }
 *
 * await using server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * const response = fetch(server.url + "a%20b?x=1&x=2&flag", {
 *   method: "POST",
 *   headers: { "Cookie": "session=7" },
 *   body: new URLSearchParams({ name: "nut" }),
 * });
 * const client = await server.wait(5000);
 * client?.respond(describe(client));
 *
 * assertEquals(await (await response).json(), {
 *   method: "POST",
 *   path: "/a b",
 *   query: { x: ["1", "2"], flag: null },
 *   cookies: { session: "7" },
 *   data: { name: "nut" },
 * });
 * ```
 */
export abstract class HttpRequest extends IncomingMessage {
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
  #parts: Parts | null = null;

  /** @ignore Made by the server alone. */
  constructor(
    server: HttpServer,
    session: Session,
    parser: RequestParser,
    body: Uint8Array | IncomingBody | null,
  ) {
    const arriving = body instanceof IncomingBody ? body : null;
    super(parser, parser.contentLength, arriving, parser.trailer);
    this.server = server;
    this.session = session;
    this.method = parser.method;
    this.url = parser.target;
    if (body !== null && arriving === null) {
      this.#takeBody(body as Uint8Array, parser.contentType);
    }
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
      parts.body = parseUtf8(body);
      parts.data = parseJson(parts.body, this.bodyLimits.maxJsonDepth);
    } else {
      if (type === URLENCODED) {
        checkFields(body, this.server.limits.maxFormFields);
      }
      const bytes = body.slice();
      parts.body = bytes;
      parts.isDataReady = false;
      if (type === MULTIPART) {
        const limits = this.bodyLimits.parts;
        parts.form = new LoadedForm(bytes, contentType, limits);
      }
    }
  }

  /** @ignore */
  protected override get loaded(): Uint8Array {
    return this.rawData;
  }

  /** @ignore */
  protected override pace(): Promise<void> | null {
    return turns.take();
  }

  /** @ignore */
  protected override get bodyLimits(): BodyLimits {
    return this.server.bodyLimits;
  }

  /**
   * @ignore What the peer did wrong in a body that was read as it arrived. The
   * server answers it where nobody else does.
   */
  get bodyFault(): ProtocolError | null {
    return this.#parts?.fault ?? null;
  }

  /** @ignore */
  protected override fault(error: unknown): unknown {
    if (error instanceof ProtocolError && this.isHeld && !this.isBegun) {
      this.#lazy.fault ??= error;
      this.session.restart(); // there is time to answer it in another way
    }
    return error;
  }

  // ---- The request ------------------------------------------------------

  /** Protocol and version, as sent: `HTTP/1.1` or `HTTP/1.0`. */
  get protocol(): string {
    const end = this.fieldsStart - 2;
    return this.head.slice(end - 8, end);
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
    return readField(this.head, this.fieldsStart, "host") ?? "";
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

  /** Bytes of the body, or `null` where the request has none. */
  override get contentLength(): number | null {
    const announced = super.contentLength;
    if (announced !== null) return announced;
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
    return this.arriving?.isDone ?? true;
  }

  /**
   * Sets how many bytes the body of this request may have, in place of
   * `maxContentLength`. Only in streaming mode: otherwise it is in already.
   *
   * @throws {RangeError} If it is negative or not a number.
   */
  limit(bytes: number): void {
    if (typeof bytes !== "number") throw new TypeError("Limit is not a number");
    if (!(bytes >= 0)) throw new RangeError("Limit is not a number of bytes");
    if (this.arriving !== null) this.arriving.limit = bytes;
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

  /** @ignore */
  protected get isHeld(): boolean {
    const held: unknown = this.session.client;
    return held === this;
  }
}
