import { checkFunction, checkText, checkTime } from "../parse/arguments.ts";
import type { Selectable } from "../transport/select.ts";
import type { Websocket } from "../websocket/websocket.ts";
import {
  type CheckedHeaders,
  checkHeaders,
  type HeaderValues,
} from "../wire/response_head.ts";
import { Authenticator } from "./authenticator.ts";
import { Call } from "./call.ts";
import { ClientCore, type ClientStats } from "./core.ts";
import { CookieJar } from "./cookie_jar.ts";
import { ResponseError } from "./errors.ts";
import {
  checkBaseUrl,
  checkClientLimits,
  checkMethod,
  checkOptions,
  type ClientLimits,
  type HttpClientOptions,
  requestLimit,
} from "./options.ts";
import { makeBody, writeQuery } from "./outgoing_body.ts";
import { makePlan } from "./plan.ts";
import { parseProxy, userOf } from "./proxy.ts";
import { ClientRequest, type HttpResponse } from "./request_and_response.ts";
import { checkRequestHeaders } from "./request_head.ts";
import {
  type CallSettings,
  checkFlags,
  REQUEST_NAMES,
  type RequestOptions,
} from "./request_options.ts";
import { BaseUrl } from "./target.ts";
import {
  type WebsocketConnectOptions,
  WebsocketOffer,
} from "./websocket_link.ts";
import { ProtocolError } from "../parse/errors.ts";

/** What an `HttpClient` does, by the one of its connections that is furthest. */
export type HttpClientState =
  | "idle" // nothing is on its way
  | "connecting" // no connection is there yet
  | "waiting" // a request is on its way
  | "receiving" // a response is coming in
  | "closed";

/**
 * A client for one base URL: it keeps connections to it, and sends requests.
 *
 * ```ts
 * import { HttpClient } from "@uhttp/uhttp/client";
 * import { HttpServer } from "@uhttp/uhttp/server";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * await using client = new HttpClient(server.url);
 *
 * const request = client.get("/hello", { query: { x: 1 } });
 * const asked = await server.wait(5000);
 * asked?.respond({ path: asked.path, query: asked.query });
 *
 * const response = await request;
 * assertEquals(response.status, 200);
 * assertEquals(await response.json(), { path: "/hello", query: { x: "1" } });
 * ```
 */
export class HttpClient implements Selectable, AsyncDisposable {
  /** The limits in force, with their defaults. */
  readonly limits: Readonly<ClientLimits>;
  readonly #base: BaseUrl;
  readonly #core: ClientCore;
  readonly #auth: Authenticator | null;
  readonly #signal: AbortSignal | undefined;

  /**
   * A client; it connects when the first request is made.
   *
   * @param baseUrl Where to: paths of requests are under its path, and a user
   * and password in it are credentials.
   * @throws {TypeError} If the URL is not one of HTTP, or an option has the
   * wrong type or does not go with another one; the message names it.
   * @throws {RangeError} If a number is out of range.
   */
  constructor(baseUrl: string | URL, options: HttpClientOptions = {}) {
    checkOptions(options);
    this.limits = checkClientLimits(options);
    const url = checkBaseUrl(baseUrl);
    const auth = options.auth ?? userOf(url);
    this.#auth = auth === null ? null : new Authenticator(auth);
    this.#base = new BaseUrl(url);
    const { cookies = true, headers = {}, proxy } = options;
    const checked = checkRequestHeaders(headers);
    if (checked["content-length"] !== undefined) {
      throw new TypeError('Option "headers" holds a content-length');
    }
    if (this.#auth !== null && checked.authorization !== undefined) {
      throw new TypeError(
        'Option "headers" holds an authorization beside auth, or a user in the URL',
      );
    }
    this.#core = new ClientCore({
      origin: this.#base.origin,
      options,
      limits: this.limits,
      headers: checked,
      auth: this.#auth,
      jar: cookies instanceof CookieJar
        ? cookies
        : cookies
        ? new CookieJar()
        : null,
      proxy: proxy === undefined ? null : parseProxy(proxy),
      repeat: (request, more) => this.#repeat(request, more),
    });
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#onAbort);
    if (this.#signal?.aborted) this.close();
  }

  readonly #onAbort = (): void => {
    this.close();
  };

  // ---- Requests ----------------------------------------------------------

  /**
   * Sends a request, at once.
   *
   * @param method Any but CONNECT; methods are case-sensitive.
   * @param path Under the base URL's path; or a whole URL. To another origin
   * goes nothing of what this client is set up with: no credentials, header
   * fields, or cookies but that origin's own.
   * @returns The request, which is a promise of its response. It rejects with
   * a `ClientError`; whatever the status, a response is a response.
   * @throws {TypeError} If the request cannot be sent as it is meant.
   */
  request(
    method: string,
    path: string = "",
    options: RequestOptions = {},
  ): ClientRequest {
    const { call, request } = this.#prepare(method, path, options, null);
    this.#send(call, request, options.signal);
    return request;
  }

  /** Sends a GET; see {@linkcode HttpClient.request}. */
  get(path?: string, options?: RequestOptions): ClientRequest {
    return this.request("GET", path, options);
  }

  /** Sends a HEAD; see {@linkcode HttpClient.request}. */
  head(path?: string, options?: RequestOptions): ClientRequest {
    return this.request("HEAD", path, options);
  }

  /** Sends a POST; see {@linkcode HttpClient.request}. */
  post(path?: string, options?: RequestOptions): ClientRequest {
    return this.request("POST", path, options);
  }

  /** Sends a PUT; see {@linkcode HttpClient.request}. */
  put(path?: string, options?: RequestOptions): ClientRequest {
    return this.request("PUT", path, options);
  }

  /** Sends a PATCH; see {@linkcode HttpClient.request}. */
  patch(path?: string, options?: RequestOptions): ClientRequest {
    return this.request("PATCH", path, options);
  }

  /** Sends a DELETE; see {@linkcode HttpClient.request}. */
  delete(path?: string, options?: RequestOptions): ClientRequest {
    return this.request("DELETE", path, options);
  }

  /** Sends an OPTIONS; see {@linkcode HttpClient.request}. */
  options(path?: string, options?: RequestOptions): ClientRequest {
    return this.request("OPTIONS", path, options);
  }

  #prepare(
    method: string,
    path: string,
    options: RequestOptions,
    more: HeaderValues | null,
    onSwitch: CallSettings["onSwitch"] = null,
  ): { call: Call; request: ClientRequest } {
    checkMethod(method);
    REQUEST_NAMES.check(options);
    checkText("Path", path);
    checkFlags(options);
    const { query, timeout, maxRedirects, maxResponseLength, signal } = options;
    const { origin, path: target } = this.#base.resolve(
      path,
      query === undefined ? "" : writeQuery(query),
    );
    let headers: CheckedHeaders | null = options.headers === undefined
      ? null
      : checkRequestHeaders(options.headers);
    if (more !== null) headers = { ...headers, ...checkHeaders(more) };
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError('Option "signal" is not an AbortSignal');
    }
    const body = makeBody(options);
    const core = this.#core;
    const { limits } = this;
    const request = new ClientRequest(core, method, origin + target, options);
    const plan = makePlan(
      method,
      origin,
      target,
      headers,
      body,
      options.expectContinue ?? false,
    );
    const call = new Call(core, request, plan, {
      timeout: requestLimit("timeout", timeout, limits),
      minSendRate: timeout === undefined ? limits.minSendRate : Infinity,
      stream: options.stream ?? false,
      maxRedirects: requestLimit("maxRedirects", maxRedirects, limits),
      maxResponseLength: requestLimit(
        "maxResponseLength",
        maxResponseLength,
        limits,
      ),
      maxJsonDepth: limits.maxJsonDepth,
      auth: options.auth !== undefined
        ? new Authenticator(options.auth)
        : origin === core.origin
        ? this.#auth
        : null,
      signal: signal ?? null,
      onSwitch,
    });
    return { call, request };
  }

  #send(
    call: Call,
    request: ClientRequest,
    signal: AbortSignal | undefined,
  ): void {
    const core = this.#core;
    core.stats.requests++;
    request.startedBy(call);
    if (signal?.aborted) call.abort(signal.reason);
    else core.send(call);
  }

  #repeat(request: ClientRequest, more: HeaderValues): ClientRequest {
    const { method, url, options } = request;
    const again = this.#prepare(method, url, { ...options, query: {} }, more);
    this.#send(again.call, again.request, options.signal);
    return again.request;
  }

  /**
   * Opens a WebSocket (RFC 6455) on a connection of its own.
   *
   * @param path As for {@linkcode HttpClient.request}; `ws:` and `wss:` URLs
   * will do as well.
   * @throws {WebsocketError} If the peer agrees to what was not asked.
   * @throws {ResponseError} If it answers with something else; its code is
   * `websocket-refused`, and `response` has the answer.
   * @throws {ClientError} Whatever else a request can end with.
   */
  websocket(
    path: string = "",
    options: WebsocketConnectOptions = {},
  ): Promise<Websocket> {
    const offer = new WebsocketOffer(options);
    const { headers, query, auth, timeout, signal } = options;
    const { promise, resolve, reject } = Promise.withResolvers<Websocket>();
    const { call, request } = this.#prepare(
      "GET",
      path,
      // It is opened where it was asked for, or nowhere.
      { headers, query, auth, timeout, signal, maxRedirects: 0 },
      offer.headers,
      (connection, url) => {
        const { websocket, successor } = offer.accept(
          connection,
          url,
          () => this.#core.upgradeOver(connection),
        );
        resolve(websocket);
        return successor;
      },
    );
    request.then((response) => {
      const { url } = response;
      const fault = new ProtocolError("websocket-refused");
      reject(new ResponseError(fault, { method: "GET", url }, response));
    }, reject);
    this.#send(call, request, signal);
    return promise;
  }

  // ---- Pulling -----------------------------------------------------------

  /**
   * The next request that is finished and that nobody has waited for by its
   * promise, or `null`, without waiting. See `select()`.
   */
  processEvents(): ClientRequest | null {
    return this.#core.finishedRequests.take();
  }

  /**
   * Waits for the response to the next such request, whichever that is; its
   * `request` has the `context`.
   *
   * @param timeout How long, in ms; for ever by default.
   * @returns The response; `null` when the time is over or the client closed.
   * @throws {ClientError} If that request has failed.
   */
  wait(timeout: number = Infinity): Promise<HttpResponse | null> {
    checkTime("Timeout", timeout);
    return this.#core.finishedRequests.wait(timeout);
  }

  /** Whether {@linkcode HttpClient.processEvents} would return a request. */
  get isReady(): boolean {
    return this.#core.finishedRequests.isReady;
  }

  /** Whether the client is closed, and all finished requests were taken. */
  get isFinished(): boolean {
    return this.#core.isClosed && !this.#core.finishedRequests.isReady;
  }

  /** Calls back whenever a request is finished, or none will be any more. */
  watch(notify: () => void): () => void {
    checkFunction("Callback", notify);
    return this.#core.finishedRequests.watch(notify);
  }

  // ---- What it is --------------------------------------------------------

  /** The base URL, without user and password. */
  get url(): string {
    return this.#base.origin + (this.#base.path || "/");
  }

  /** Whether a connection is open. */
  get isConnected(): boolean {
    return this.#core.stats.connections > 0;
  }

  /** What it is doing. */
  get state(): HttpClientState {
    const core = this.#core;
    if (core.isClosed) return "closed";
    let state: HttpClientState = "idle";
    for (const pool of core.pools) {
      for (const connection of pool.connections) {
        if (connection.state === "receiving") return "receiving";
        if (connection.state === "waiting") state = "waiting";
      }
      if (state === "idle" && pool.isConnecting) state = "connecting";
    }
    return state;
  }

  /** Counters, since the start. A copy: it does not change any more. */
  get stats(): ClientStats {
    return { ...this.#core.stats };
  }

  /** The cookie jar, or `null` where there is none. */
  get cookies(): CookieJar | null {
    this.#core.gotCookies(); // whoever has it may put something in
    return this.#core.jar;
  }

  /**
   * Closes all connections, and gives up all requests that are on their way.
   * Safe to call again.
   *
   * @returns A promise that resolves when all is let go; it may be ignored.
   */
  close(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    return this.#core.close();
  }

  /** The same as {@linkcode HttpClient.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
