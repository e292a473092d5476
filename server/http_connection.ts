import { utf8OfBytes } from "../parse/text.ts";
import { dict } from "../parse/dict.ts";
import { HttpError } from "../parse/errors.ts";
import { hasItem } from "../parse/fields.ts";
import { encodeJson } from "../parse/json.ts";
import {
  asBytes,
  isBytes,
  OCTET_TYPE,
  type ResponseData,
} from "../parse/response_data.ts";
import { blobFacts } from "../wire/blob_facts.ts";
import { checkHeaders, checkStatus } from "../wire/response_head.ts";
import { isHandshake } from "../websocket/handshake.ts";
import type { Websocket } from "../websocket/websocket.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { redactUrls } from "../wire/redaction.ts";
import { hasResponseBody } from "../wire/status.ts";
import {
  type AnswerHead,
  bodyLength,
  checkHead,
  checkLength,
  HTML_KIND,
  JSON_KIND,
  makeBody,
  OCTET_KIND,
  plainFields,
  type RespondOptions,
  setLength,
  writeBytes,
  writeHead,
  writeText,
  writeWhole,
} from "./answer.ts";
import { answerFile, type RespondFileOptions } from "./file_answer.ts";
import { applyCoding } from "./compression.ts";
import { Compressor, compressSync } from "./compressor.ts";
import { type ServerEvent, writeComment, writeEvent } from "./events.ts";
import { HttpRequest } from "./http_request.ts";
import { MultipartAnswer, type MultipartOptions } from "./multipart_answer.ts";
import { RawConnection } from "./raw_connection.ts";
import type { Session } from "./session.ts";
import {
  type BodyStream,
  isStream,
  openSource,
  pieceOf,
  slices,
} from "../message/source.ts";
import { pipe, StreamAnswer } from "./stream_answer.ts";
import { BlobSource, sendBody } from "./stream_body.ts";
import { answerAtOnce, answerLater } from "./web.ts";
import { toRequest } from "./web_request.ts";
import {
  agree,
  checkUpgrade,
  makeWebsocket,
  type WebsocketAcceptOptions,
} from "./websocket_answer.ts";

/** Cookies and status of {@linkcode HttpConnection.respondRedirect}. */
export interface RedirectOptions {
  /** 301, 302, 303, 307 or 308; default 302. */
  status?: number;
  /** Cookies to set (or, with `null`, to delete), by name. */
  cookies?: RespondOptions["cookies"];
  /** Further fields to send. */
  headers?: RespondOptions["headers"];
}

/** How to begin a stream of events. */
export interface EventsOptions extends RespondOptions {
  /**
   * After how many ms without an event a comment is sent; default 15,000, 0
   * for never.
   */
  keepAlive?: number;
}

/** Longer answers are compressed elsewhere, a piece at a time. */
const SYNC_LIMIT = 65_536;
const encoder = new TextEncoder();
const GONE: Promise<boolean> = Promise.resolve(false);

/** What only some answers need; to make a client must be cheap. */
class AnswerParts {
  /** The answer that is under way. */
  answer: StreamAnswer | MultipartAnswer | null = null;
  /** The WebSocket that the request has led to. */
  websocket: Websocket | null = null;
  /** Whether an answer in parts was begun, be the peer gone or not. */
  isBegun = false;
  request: Request | null = null;
  /** Whether the answer by a `Response` is sent, once it is given. */
  sent: Promise<boolean> | null = null;
  /** The same for who asks before. */
  web: PromiseWithResolvers<boolean> | null = null;
}

/** Whether an answer's head can come from a template, but for its fields. */
function isPlain(options: RespondOptions): boolean {
  return options.cookies === undefined &&
    options.statusMessage === undefined &&
    (options.status === undefined || hasResponseBody(false, options.status));
}

/** Whether data goes as JSON, other than as a string. */
function isJson(data: ResponseData): boolean {
  return data !== undefined && data !== null && !isBytes(data) &&
    !isStream(data) && !(data instanceof Blob);
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
export class HttpConnection extends HttpRequest {
  #parts: AnswerParts | null = null;

  // ---- The answer -------------------------------------------------------

  /** Whether an answer was begun. */
  get isAnswered(): boolean {
    return this.isBegun;
  }

  get #more(): AnswerParts {
    return this.#parts ??= new AnswerParts();
  }

  /** The session, if it still waits for this answer; throws if it is begun. */
  #take(): Session | null {
    if (this.isBegun) throw new TypeError("Request is already answered");
    this.isBegun = true;
    return this.isHeld ? this.session : null;
  }

  /** The same for an answer that is sent as a whole: the body is left unread. */
  #takeWhole(): Session | null {
    const session = this.#take();
    session?.skipBody();
    return session;
  }

  /**
   * Answers. Strings go as HTML, bytes as octets, a `Blob` with its own type,
   * everything else as JSON; `null` or nothing as an empty body. `0`, `""`
   * and `false` are data like any other.
   *
   * A `ReadableStream`, or whatever else yields strings or bytes when it is
   * iterated (but for arrays, which go as JSON), is sent as it comes: in
   * chunks, or to the end of the connection with HTTP/1.0. With a header
   * `content-length` the stream is held to it. An error in the source breaks
   * the connection off, so that the peer can tell.
   *
   * Bytes of 8 KiB or more are not copied: leave them alone until the promise
   * has resolved. A status that has no body (204, 205, 304) drops the data.
   *
   * A body that is still arriving is refused by that: what is here of it is
   * passed over, and where that is not all, the connection ends.
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
    let headers: RespondOptions["headers"];
    if (options !== undefined) {
      if (!isPlain(options)) return this.#respondWith(data, options);
      status = options.status ?? 200;
      headers = options.headers;
      checkStatus(status);
    }
    const isText = typeof data === "string";
    const bytes = isText || !isBytes(data) ? null : asBytes(data);
    if (
      this.session.host.compression !== null ||
      !isText && bytes === null && !isJson(data)
    ) return this.#respondWith(data, { status, headers });
    let kind = isText ? HTML_KIND : bytes === null ? JSON_KIND : OCTET_KIND;
    let lines = "";
    if (headers !== undefined) {
      const fields = plainFields(headers, kind);
      if (fields === null) return this.#respondWith(data, { status, headers });
      ({ kind, lines } = fields);
    }
    const text = isText ? data : bytes === null ? encodeJson(data) : "";
    const session = this.#takeWhole();
    if (session === null) return GONE;
    const isHead = this.method === "HEAD";
    if (bytes === null) writeText(session, status, kind, text, isHead, lines);
    else writeBytes(session, status, kind, bytes, isHead, lines);
    return session.answered();
  }

  #respondWith(data: ResponseData, options: RespondOptions): Promise<boolean> {
    if (isStream(data)) return this.#respondStream(data, options);
    const head = checkHead(options);
    const isHead = this.method === "HEAD";
    if (data instanceof Blob) {
      const { type, size } = blobFacts(data);
      head.headers["content-type"] ??= type || OCTET_TYPE;
      setLength(head, size, isHead);
      const session = this.#takeWhole();
      if (session === null) return GONE;
      writeHead(session, head);
      if (!hasResponseBody(isHead, head.status)) return session.answered();
      return sendBody(session, new BlobSource(data), size);
    }
    const body = makeBody(head, data);
    const length = bodyLength(body);
    setLength(head, body === null ? null : length, isHead);
    const coding = this.#chooseCoding(head, length);
    if (coding === null) {
      const session = this.#takeWhole();
      if (session === null) return GONE;
      writeWhole(session, head, body, isHead, length);
      return session.answered();
    }
    const bytes = typeof body === "string" ? encoder.encode(body) : body!;
    if (length > SYNC_LIMIT) {
      const session = this.#takeWhole();
      if (session === null) return GONE;
      const answer = this.#stream(session, head, coding);
      answer.isPrompt = false;
      return pipe(answer, openSource(slices(bytes, SYNC_LIMIT)));
    }
    const sent = compressSync(coding, bytes);
    setLength(head, sent.length, isHead);
    const session = this.#takeWhole();
    if (session === null) return GONE;
    writeWhole(session, head, sent, isHead);
    return session.answered();
  }

  #respondStream(data: BodyStream, options: RespondOptions): Promise<boolean> {
    if (this.isBegun) throw new TypeError("Request is already answered");
    const source = openSource(data);
    let answer: StreamAnswer | null;
    try {
      answer = this.#beginStream(options, OCTET_TYPE);
    } catch (error) {
      source.cancel(error);
      throw error;
    }
    if (answer !== null) return pipe(answer, source);
    source.cancel();
    return GONE;
  }

  /** How to compress an answer, if at all; the head then says so. */
  #chooseCoding(head: AnswerHead, length: number): ContentCoding | null {
    const { compression } = this.session.host;
    if (compression === null) return null;
    return applyCoding(
      head,
      compression,
      this.headers["accept-encoding"],
      length,
    );
  }

  #stream(
    session: Session,
    head: AnswerHead,
    coding: ContentCoding | null,
  ): StreamAnswer {
    return this.#more.answer = new StreamAnswer(
      session,
      head,
      this.method === "HEAD",
      coding === null ? null : new Compressor(coding),
    );
  }

  /** Begins an answer in parts; null when the peer has gone. */
  #beginStream(
    options: RespondOptions,
    type: string,
    defaults: Record<string, string> = {},
    isOpenEnded = false,
  ): StreamAnswer | null {
    const head = checkHead(options);
    head.headers["content-type"] ??= type;
    for (const [name, value] of Object.entries(defaults)) {
      head.headers[name] ??= value;
    }
    const length = head.headers["content-length"];
    checkLength(length);
    if (isOpenEnded && length !== undefined) {
      throw new TypeError("Header content-length cannot be known");
    }
    const coding = length === undefined
      ? this.#chooseCoding(head, Infinity)
      : null;
    const session = this.#take();
    this.#more.isBegun = true;
    return session === null ? null : this.#stream(session, head, coding);
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
    if (typeof url !== "string") {
      throw new TypeError("Redirect URL is not a string");
    }
    // deno-lint-ignore no-control-regex
    if (/[\x00-\x1f\x7f]/.test(url)) {
      throw new TypeError("Redirect URL holds a control character");
    }
    head.headers.location = url.toWellFormed().replace(
      /[^\x21-\x7e]|["<>\\^`{|}]/gu,
      encodeURIComponent,
    );
    setLength(head, null, false);
    const session = this.#takeWhole();
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
    const session = this.#takeWhole();
    if (session === null) return GONE;
    return answerFile(
      session,
      this,
      path,
      options,
      head,
      (coding) => this.#stream(session, head, coding),
    );
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
    this.#more.answer = answer;
    if (session === null) return GONE;
    const begun = answer.begin(session, this.method === "HEAD");
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
    const answer = this.#parts?.answer;
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
    return this.#beginStream(options, OCTET_TYPE)?.start() ?? GONE;
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
    const keepAlive = options.keepAlive ?? 15_000;
    if (!(keepAlive >= 0)) {
      throw new RangeError('Option "keepAlive" is not a number of ms');
    }
    const answer = this.#beginStream(options, "text/event-stream", {
      "cache-control": "no-cache",
    }, true);
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
    const answer = this.#beginStream(options, "application/x-ndjson");
    return this.#startEndless(answer);
  }

  /**
   * Sends a value as a line of JSON; see {@linkcode HttpConnection.sendChunk}.
   *
   * @throws {TypeError} If it has no JSON form, or no such answer was begun.
   */
  sendNdjson(value: unknown): Promise<boolean> {
    return this.sendChunk(encodeJson(value) + "\n");
  }

  /** The answer in parts; null where the peer had gone before it began. */
  get #open(): StreamAnswer | null {
    const answer = this.#parts?.answer;
    if (answer instanceof StreamAnswer) return answer;
    if (this.#parts?.isBegun) return null;
    throw new TypeError("Call responseStream() or its kin first");
  }

  /** @ignore Called by the session. */
  override peerGone(): void {
    super.peerGone();
    const answer = this.#parts?.answer;
    if (answer === null || answer === undefined) return;
    if (!(answer instanceof StreamAnswer)) this.session.destroy();
    else if (this.session.isClosed) answer.gone();
    else if (answer.isEndless) this.session.destroy();
  }

  /** @ignore What handles the request has failed, and its WebSocket with it. */
  handlerFailed(): void {
    const websocket = this.#parts?.websocket;
    // Its closing handshake ends by itself.
    websocket?.close(1011);
  }

  /** @ignore Called by the session. */
  override swept(): void {
    const answer = this.#parts?.answer;
    if (answer instanceof StreamAnswer) answer.swept();
  }

  // ---- The web platform's way -------------------------------------------

  /**
   * The request as a standard `Request`. Its body is this one's: read one or
   * the other.
   *
   * @throws {TypeError} If a `Request` cannot express it, as with CONNECT.
   */
  get request(): Request {
    return this.#more.request ??= toRequest(this);
  }

  /**
   * Answers with a standard `Response`, or a promise of one. Where the promise
   * rejects, or what it gives cannot be sent, the answer is a plain 500 and
   * the error goes to the server's `onError`.
   *
   * @throws {TypeError} If the request is answered already.
   */
  respondWith(response: Response | Promise<Response>): Promise<boolean> {
    const session = this.#take();
    const isHead = this.method === "HEAD";
    const sent = answerAtOnce(session, response, isHead) ??
      answerLater(session, response, {
        isHead,
        isHeld: () => this.isHeld,
        code: (head, length) => this.#chooseCoding(head, length),
        stream: (session, head, coding) => {
          const answer = this.#stream(session, head, coding);
          answer.isEndless = true; // for all that anybody knows
          return answer;
        },
      });
    const more = this.#more;
    more.sent = sent;
    more.web?.resolve(sent);
    return sent;
  }

  /**
   * Resolves when the answer given by {@linkcode HttpConnection.respondWith}
   * is sent; rejects with an `HttpError` when the peer was gone before.
   */
  get completed(): Promise<void> {
    const more = this.#more;
    const sent = more.sent ?? (more.web ??= Promise.withResolvers()).promise;
    const completed = sent.then((isSent) => {
      if (!isSent) throw new HttpError("Peer was gone before the answer");
    });
    completed.catch(() => {}); // no fault of those who only look at it
    return completed;
  }

  // ---- Other protocols --------------------------------------------------

  /**
   * Takes the connection over as it is, for a protocol of your own: nothing is
   * sent. It is yours to close. What was not read of a body is part of it.
   *
   * @throws {TypeError} If the request is answered already.
   */
  hijack(): RawConnection {
    const isHeld = this.#take() !== null;
    return new RawConnection(this.session, isHeld, () => super.peerGone());
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
    const session = this.#take();
    if (session !== null) {
      session.keep = true; // nothing is said of an end
      const status = isTunnel ? 200 : 101;
      session.appendHead(status, undefined, headers, "", false);
      session.flush();
    }
    return new RawConnection(
      this.session,
      session !== null,
      () => super.peerGone(),
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
      this.#take();
      return null;
    }
    const agreement = agree(this, options);
    const { websocket, open } = makeWebsocket(
      this.session,
      agreement,
      options,
      () => super.peerGone(),
      (error) => this.server.listenerFailed(error, this.session),
    );
    this.#more.websocket = websocket;
    this.#take();
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
