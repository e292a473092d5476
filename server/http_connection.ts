import { checkText, checkTextOrBytes, checkTime } from "../parse/arguments.ts";
import { utf8OfBytes } from "../parse/text.ts";
import { dict } from "../parse/dict.ts";
import { hasItem } from "../parse/fields.ts";
import { encodeJson } from "../parse/json.ts";
import { OptionNames } from "../parse/option_names.ts";
import {
  type JsonValue,
  OCTET_TYPE,
  type ResponseData,
} from "../parse/response_data.ts";
import { pieceOf } from "../message/source.ts";
import { isHandshake } from "../websocket/handshake.ts";
import type { Websocket } from "../websocket/websocket.ts";
import { redactUrls } from "../wire/redaction.ts";
import { checkHeaders } from "../wire/response_head.ts";
import {
  ANSWER_NAMES,
  checkHead,
  RESPOND_OPTIONS,
  type RespondOptions,
} from "./answer_head.ts";
import { forbidLength, planStream } from "./answer_plan.ts";
import { type ServerEvent, writeComment, writeEvent } from "./events.ts";
import { AnsweredRequest } from "./answered.ts";
import { AnswerableRequest, GONE } from "./answerable_request.ts";
import {
  type FrameOptions,
  MultipartAnswer,
  type MultipartOptions,
} from "./multipart_answer.ts";
import { RawConnection } from "./raw_connection.ts";
import { StreamAnswer } from "./stream_answer.ts";
import { answerAtOnce, answerLater } from "./web.ts";
import { toRequest } from "./web_request.ts";
import {
  agree,
  checkAcceptOptions,
  checkUpgrade,
  makeWebsocket,
  type WebsocketAcceptOptions,
} from "./websocket_answer.ts";

/** How to begin a stream of events. */
export interface EventsOptions extends RespondOptions {
  /**
   * After how many ms without an event a comment is sent; default 15,000, 0
   * for never.
   */
  keepAlive?: number;
}

const EVENTS_NAMES = new OptionNames<EventsOptions>("a stream of events", {
  ...RESPOND_OPTIONS,
  keepAlive: true,
});
function isPromise(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

const INFORM_NAMES = new OptionNames<Pick<RespondOptions, "headers">>(
  "inform()",
  { headers: true },
);
const UPGRADE_NAMES = new OptionNames<Pick<RespondOptions, "headers">>(
  "upgrade()",
  { headers: true },
);

/**
 * One request, and the right to answer it, once: now, later, or in parts.
 *
 * Servers make these; see `HttpServer`. What is asked of it is worked out
 * when it is first asked for.
 *
 * The methods that answer put the bytes in order at once and return a
 * promise: `true` when the kernel has taken them, `false` when the peer was
 * gone. It never rejects for the network's sake, so it may be ignored.
 *
 * ```ts
 * import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * const waiting: HttpConnection[] = [];
 * const first = fetch(server.url + "wait");
 *
 * for await (const client of server) {
 *   if (client.path === "/wait") {
 *     waiting.push(client); // held, while others are answered
 *     fetch(server.url + "ring").then((response) => response.body?.cancel());
 *   } else {
 *     client.respond({ woken: waiting.length });
 *     for (const sleeper of waiting) sleeper.respond("ring!");
 *     break;
 *   }
 * }
 *
 * assertEquals(await (await first).text(), "ring!");
 * assertEquals(waiting[0].isAnswered, true);
 * assertEquals(waiting[0].status, 200);
 * ```
 */
export class HttpConnection extends AnswerableRequest {
  /**
   * Sends an interim answer before the answer itself, such as 103 with `link`
   * fields for what a page will need (RFC 8297).
   *
   * ```ts ignore
   * client.inform(103, { headers: { link: "</style.css>; rel=preload" } });
   * ```
   *
   * @returns Whether it was sent: not to a peer that is gone, or that speaks
   * HTTP/1.0.
   * @throws {TypeError} If the request is answered already, or a header cannot
   * be sent as it is.
   * @throws {RangeError} If the status is not from 102 to 199.
   */
  inform(
    status: number,
    options: Pick<RespondOptions, "headers"> = {},
  ): boolean {
    INFORM_NAMES.check(options);
    if (!Number.isInteger(status) || status < 102 || status > 199) {
      throw new RangeError(
        `Status ${String(status)} is not a whole number from 102 to 199`,
      );
    }
    const headers = checkHeaders(options.headers ?? {});
    for (const name of ["content-length", "transfer-encoding"]) {
      if (headers[name] !== undefined) {
        throw new TypeError(`Header ${name} is for answers with a body`);
      }
    }
    if (this.isBegun) throw new TypeError("Request is already answered");
    if (!this.isHeld || this.session.minorVersion === 0) return false;
    this.session.inform(status, headers);
    return true;
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
    const session = this.take();
    this.more.answer = answer;
    if (session === null) return GONE;
    const begun = answer.begin(session, this.answering);
    if (this.isHeld && session.inputEnded) session.destroy();
    return begun;
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
    options: FrameOptions = {},
  ): Promise<boolean> {
    return this.#multipart.frame(data, options);
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
    const answer = this.extras?.answer;
    if (answer instanceof MultipartAnswer) return answer;
    throw new TypeError("Call responseMultipart() first");
  }

  // ---- Answers in parts -------------------------------------------------

  /**
   * Begins an answer whose parts follow by
   * {@linkcode HttpConnection.sendChunk}: in chunks (RFC 9112 section 7.1),
   * to the end of the connection with HTTP/1.0, or by a given
   * `content-length`, to which it is held.
   *
   * @returns `false` when nobody reads: the peer is gone, or wants the head
   * only.
   * @throws {TypeError} If the request is answered already, or a header cannot
   * be sent as it is.
   */
  responseStream(options: RespondOptions = {}): Promise<boolean> {
    ANSWER_NAMES.check(options);
    const plan = this.planStream(options, OCTET_TYPE);
    return this.beginStream(plan)?.start() ?? GONE;
  }

  /**
   * Sends a part of an answer: text as UTF-8, or bytes, which are copied.
   *
   * Wait for the promise before the next part: it resolves to `true` once
   * there is room for one, to `false` when the peer is gone. A part sent
   * while more than `maxSendBufferSize` is still queued drops the peer. This
   * goes for events and NDJSON as well.
   *
   * @throws {TypeError} If no answer in parts was begun, or it is ended.
   * @throws {RangeError} If it is more than the promised length.
   */
  sendChunk(data: string | Uint8Array): Promise<boolean> {
    checkTextOrBytes("Chunk", data);
    const answer = this.#open;
    if (answer === null) return GONE;
    return typeof data === "string"
      ? answer.text(data)
      : answer.chunk(pieceOf(data));
  }

  /**
   * Ends an answer in parts, events and NDJSON too.
   *
   * @throws {TypeError} If no answer in parts was begun, it is ended, or it is
   * shorter than the promised length.
   */
  responseStreamEnd(): Promise<boolean> {
    return this.#open?.end() ?? GONE;
  }

  /**
   * Begins a stream of server-sent events (`text/event-stream`).
   *
   * @param options `keepAlive`: after how many ms without an event a comment
   * is sent, so that nobody between takes the connection for dead; default
   * 15,000, 0 for never.
   * @throws {TypeError} If the request is answered already, or a header cannot
   * be sent as it is.
   */
  responseEvents(options: EventsOptions = {}): Promise<boolean> {
    EVENTS_NAMES.check(options);
    const keepAlive = options.keepAlive ?? 15_000;
    checkTime('Option "keepAlive"', keepAlive);
    const head = checkHead(options);
    head.headers["content-type"] ??= "text/event-stream";
    head.headers["cache-control"] ??= "no-cache";
    forbidLength(head);
    const answer = this.beginStream(planStream(this.answering, head));
    answer?.keepAlive(keepAlive);
    return this.#startEndless(answer);
  }

  /** Starts an answer that may go on for ever. */
  #startEndless(answer: StreamAnswer | null): Promise<boolean> {
    if (answer === null) return GONE;
    answer.isEndless = true;
    const started = answer.start();
    // It may have left before.
    if (this.isHeld && this.session.inputEnded) this.session.destroy();
    return started;
  }

  /**
   * Sends an event; see {@linkcode HttpConnection.sendChunk} for the promise.
   *
   * @throws {TypeError} If it is empty, a field cannot be sent, or no events
   * were begun.
   */
  sendEvent(event: ServerEvent): Promise<boolean> {
    return this.sendChunk(writeEvent(event));
  }

  /** Sends a comment between events, which browsers pass over. */
  sendComment(text: string = ""): Promise<boolean> {
    checkText("Comment", text);
    return this.sendChunk(writeComment(text));
  }

  /** What the client has last seen of an event stream; `null` if nothing. */
  get lastEventId(): string | null {
    const id = this.headers["last-event-id"];
    return id === undefined ? null : utf8OfBytes(id);
  }

  /**
   * Begins an answer of JSON values, one a line (`application/x-ndjson`).
   *
   * @throws {TypeError} If the request is answered already, or a header cannot
   * be sent as it is.
   */
  responseNdjson(options: RespondOptions = {}): Promise<boolean> {
    ANSWER_NAMES.check(options);
    const head = checkHead(options);
    head.headers["content-type"] ??= "application/x-ndjson";
    head.headers["cache-control"] ??= "no-cache";
    const plan = planStream(this.answering, head);
    return this.#startEndless(this.beginStream(plan));
  }

  /**
   * Sends a value as a line of JSON; see {@linkcode HttpConnection.sendChunk}.
   *
   * @throws {TypeError} If it has no JSON form, or no such answer was begun.
   */
  sendNdjson(value: JsonValue): Promise<boolean> {
    return this.sendChunk(encodeJson(value) + "\n");
  }

  /** The answer in parts; null where the peer had gone before it began. */
  get #open(): StreamAnswer | null {
    const answer = this.extras?.answer;
    if (answer instanceof StreamAnswer) return answer;
    if (this.extras?.isBegun) return null;
    throw new TypeError("Call responseStream() or its kin first");
  }

  /** @ignore Begins to keep account of the answer, which the server is told. */
  override observe(began: number): void {
    super.observe(began);
    const account = this.extras!.account!;
    account.whenClosed(() => {
      this.server.answered(new AnsweredRequest(this, account));
    });
  }

  /** @ignore Whether nobody waits for an answer any more. */
  get isGone(): boolean {
    return !this.isBegun && (!this.isHeld || this.session.inputEnded);
  }

  /** @ignore An answer in parts will not come to its end. */
  breakOff(): void {
    const answer = this.extras?.answer;
    if (answer instanceof StreamAnswer || answer instanceof MultipartAnswer) {
      this.close();
    }
  }

  /** @ignore What handles the request has failed, and its WebSocket with it. */
  handlerFailed(): void {
    const websocket = this.extras?.websocket;
    // Its closing handshake ends by itself.
    websocket?.close(1011);
  }

  // ---- The web platform's way -------------------------------------------

  /**
   * The request as a standard `Request`. Its body is this one's: read one or
   * the other.
   *
   * @throws {TypeError} If a `Request` cannot express it, as with CONNECT.
   */
  get request(): Request {
    return this.more.request ??= toRequest(this);
  }

  /**
   * Answers with a standard `Response`, or a promise of one. Where the promise
   * rejects, or what it gives cannot be sent, the answer is a plain 500 and
   * the error goes to the server's `onError`.
   *
   * @throws {TypeError} If the request is answered already, or it is neither.
   */
  respondWith(response: Response | Promise<Response>): Promise<boolean> {
    if (!(response instanceof Response) && !isPromise(response)) {
      throw new TypeError(
        "Answer is not a Response: give data to respond()",
      );
    }
    this.take();
    const { answering } = this;
    return answerAtOnce(answering, response) ??
      answerLater(answering, response);
  }

  // ---- Other protocols --------------------------------------------------

  /**
   * Takes the connection over as it is, for a protocol of your own: nothing is
   * sent. It is yours to close. What was not read of a body is part of it.
   *
   * @throws {TypeError} If the request is answered already.
   */
  hijack(): RawConnection {
    const isHeld = this.take() !== null;
    return new RawConnection(this.session, isHeld, () => this.peerGone());
  }

  /**
   * Takes the connection over with the answer that allows it: 101 and
   * `Upgrade`, where the peer asked for that protocol (RFC 9110 section 7.8),
   * or 200 to CONNECT (section 9.3.6; see the option `allowConnect`). A
   * request whose body has not come yet is answered with 400 instead, and the
   * connection is at its end.
   *
   * @param protocol The protocol's name; nothing with CONNECT.
   * @throws {TypeError} If the request is answered already, the peer did not
   * ask for the protocol, or a header cannot be sent as it is.
   */
  upgrade(
    protocol?: string,
    options: Pick<RespondOptions, "headers"> = {},
  ): RawConnection {
    UPGRADE_NAMES.check(options);
    const headers = checkHeaders(options.headers ?? {});
    const isTunnel = this.method === "CONNECT";
    if (isTunnel !== (protocol === undefined)) {
      throw new TypeError(
        isTunnel ? "CONNECT names no protocol" : "Protocol is missing",
      );
    }
    if (protocol !== undefined) {
      if (typeof protocol !== "string") {
        throw new TypeError("Protocol is not a string");
      }
      if (!this.#asksFor(protocol)) {
        throw new TypeError("Peer did not ask for this protocol");
      }
      headers.upgrade = protocol;
      headers.connection = "Upgrade";
    }
    // The protocol changes behind the whole request, not within its body.
    if (!this.isBegun && this.isHeld && !this.session.skipBody()) {
      this.respond(null, { status: 400 });
      return new RawConnection(this.session, false, () => {});
    }
    const session = this.take();
    if (session !== null) {
      session.switchTo(isTunnel ? 200 : 101, headers);
      session.flush();
    }
    return new RawConnection(
      this.session,
      session !== null,
      () => this.peerGone(),
    );
  }

  /** Whether the request asks for a WebSocket (RFC 6455), rightly or not. */
  get isWebsocketRequest(): boolean {
    return isHandshake(this.headers);
  }

  /**
   * Accepts a request for a WebSocket. One that cannot be honoured is answered
   * as it should be: 400, 403 for an origin that is not allowed, 405 with
   * `Allow`, or 426 with `Upgrade` or `Sec-WebSocket-Version`.
   *
   * ```ts ignore
   * const ws = client.acceptWebsocket();
   * if (ws !== null) { for await (const message of ws) ws.send(message); }
   * ```
   *
   * @returns The WebSocket; `null` when it was refused or the peer is gone.
   * @throws {TypeError} If the request is answered already, or an option or a
   * header is wrong.
   * @throws {RangeError} If an option is out of range.
   */
  acceptWebsocket(options: WebsocketAcceptOptions = {}): Websocket | null {
    checkAcceptOptions(options);
    const hasBody = this.headers["transfer-encoding"] !== undefined ||
      (this.contentLength ?? 0) > 0;
    const refusal = !hasBody
      ? checkUpgrade(this, options.allowedOrigins)
      : { status: 400, headers: {} };
    if (refusal !== null) {
      const headers = { ...refusal.headers } as Record<string, string>;
      if (headers.upgrade !== undefined) headers.connection = "upgrade";
      this.respond(null, { status: refusal.status, headers });
      return null;
    }
    if (this.isBegun || !this.isHeld) {
      this.take();
      return null;
    }
    const agreement = agree(this, options);
    const { websocket, open } = makeWebsocket(
      this.session,
      agreement,
      options,
      () => this.peerGone(),
      (error) => this.server.listenerFailed(error, this.session),
    );
    this.more.websocket = websocket;
    this.take();
    open(agreement.headers);
    return websocket;
  }

  /** Whether the peer wants to change to a protocol. */
  #asksFor(protocol: string): boolean {
    const { upgrade, connection } = this.headers;
    return this.protocol !== "HTTP/1.0" && hasItem(connection, "upgrade") &&
      hasItem(upgrade, protocol);
  }

  /**
   * Drops the connection without an answer, or in the middle of one; an answer
   * after that resolves to `false`. Does nothing once the request is answered
   * wholly.
   */
  close(): void {
    if (!this.isHeld) return;
    this.session.flush(); // parts that were sent before are not lost
    this.session.destroy();
  }

  /** A short description, for logs. */
  override toString(): string {
    return `${this.method} ${this.url}`;
  }

  /** @ignore Fields that a console shows. */
  [Symbol.for("Deno.customInspect")](
    inspect: typeof Deno.inspect,
    options: Deno.InspectOptions,
  ): string {
    return `HttpConnection ${inspect(this.toJSON(), options)}`;
  }

  /** What `JSON.stringify()` shows: what is asked for, and no header fields. */
  toJSON(): Record<string, unknown> {
    const { method, isAnswered } = this;
    const shown = { method, url: redactUrls(this.url), isAnswered };
    return Object.assign(dict<unknown>(), shown);
  }
}
