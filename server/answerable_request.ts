import { checkText } from "../parse/arguments.ts";
import { encodeJson } from "../parse/json.ts";
import { OptionNames } from "../parse/option_names.ts";
import {
  asBytes,
  isBytes,
  OCTET_TYPE,
  type ResponseData,
} from "../parse/response_data.ts";
import { readParts, writeForm } from "../message/form_writer.ts";
import { type BodyStream, isStream, openSource } from "../message/source.ts";
import type { Websocket } from "../websocket/websocket.ts";
import { blobFacts } from "../wire/blob_facts.ts";
import { checkStatus } from "../wire/response_head.ts";
import { hasResponseBody } from "../wire/status.ts";
import {
  HTML_KIND,
  JSON_KIND,
  OCTET_KIND,
  plainFields,
  writeBytes,
  writeText,
} from "./answer.ts";
import {
  checkHead,
  DATA_NAMES,
  type DataOptions,
  RESPOND_OPTIONS,
  type RespondOptions,
} from "./answer_head.ts";
import {
  type AnswerPlan,
  planKnown,
  planStream,
  planWhole,
} from "./answer_plan.ts";
import { Account, type Completion } from "./answered.ts";
import { Answering } from "./answering.ts";
import { answerFile, type RespondFileOptions } from "./file_answer.ts";
import { HttpRequest } from "./http_request.ts";
import type { MultipartAnswer } from "./multipart_answer.ts";
import type { Session } from "./session.ts";
import { pipe, StreamAnswer } from "./stream_answer.ts";
import { BlobSource, sendBody } from "./stream_body.ts";
import { checkTagged, tag } from "./entity_tag.ts";
import { makeBody, sendWhole } from "./whole_answer.ts";

/** Cookies and status of {@linkcode HttpConnection.respondRedirect}. */
export interface RedirectOptions {
  /** 301, 302, 303, 307 or 308; default 302. */
  status?: number;
  /** Cookies to set (or, with `null`, to delete), by name. */
  cookies?: RespondOptions["cookies"];
  /** Further fields to send. */
  headers?: RespondOptions["headers"];
}

const REDIRECT_NAMES = new OptionNames<RedirectOptions>("a redirect", {
  status: true,
  cookies: true,
  headers: true,
});
const FILE_NAMES = new OptionNames<RespondFileOptions>("a file's answer", {
  ...RESPOND_OPTIONS,
  root: true,
  index: true,
  download: true,
});

/** What an answer comes to when its peer has gone. */
export const GONE: Promise<boolean> = Promise.resolve(false);

/** What only some answers need; to make a client must be cheap. */
export class AnswerParts {
  /** The answer that is under way. */
  answer: StreamAnswer | MultipartAnswer | null = null;
  /** The WebSocket that the request has led to. */
  websocket: Websocket | null = null;
  /** Whether an answer in parts was begun, be the peer gone or not. */
  isBegun = false;
  request: Request | null = null;
  /** What becomes of the answer, where somebody wants to know. */
  account: Account | null = null;
  completed: Promise<Completion> | null = null;
}

/** Whether an answer's head can come from a template, but for its fields. */
function isPlain(options: DataOptions): boolean {
  return options.cookies === undefined && options.etag === undefined &&
    options.statusMessage === undefined &&
    (options.status === undefined || hasResponseBody(false, options.status));
}

/** Whether data goes as JSON, other than as a string. */
function isJson(data: ResponseData): boolean {
  if (data === undefined || data === null) return false;
  // Most are plain, and to look for all that they are not is dear.
  if (Array.isArray(data)) return true;
  if (
    typeof data === "object" &&
    Object.getPrototypeOf(data) === Object.prototype &&
    !(Symbol.iterator in data) && !(Symbol.asyncIterator in data)
  ) return true;
  return !isBytes(data) &&
    !isStream(data) && !(data instanceof Blob) &&
    !(data instanceof URLSearchParams) && !(data instanceof FormData);
}

/**
 * A request with the right to answer it as a whole: the half of an
 * `HttpConnection` that most need.
 */
export abstract class AnswerableRequest extends HttpRequest {
  /** @ignore What only some answers need. */
  protected extras: AnswerParts | null = null;
  #status = 0;
  #bytesSent = 0;
  // All of the answer is queued.
  #isQueued = false;

  // ---- The answer -------------------------------------------------------

  /** Whether an answer was begun. */
  get isAnswered(): boolean {
    return this.isBegun;
  }

  /**
   * The status that the peer was answered with, be it by the server itself;
   * `null` as long as nothing is sent, and where the peer had gone before.
   */
  get status(): number | null {
    return this.#status === 0 ? null : this.#status;
  }

  /**
   * Bytes of the answer's body that were queued up to now, as they are sent:
   * compressed, without head and chunk sizes. The answer's promise tells
   * whether the kernel has taken them.
   */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** @ignore Called by the session. */
  answerBegun(status: number): void {
    this.#status = status;
  }

  /** @ignore Called by the session. */
  bodyQueued(bytes: number): void {
    this.#bytesSent += bytes;
  }

  /** @ignore Called by the session. */
  answerQueued(sent: Promise<boolean>): void {
    this.#isQueued = true;
    if (this.extras !== null) this.extras.account?.queued(sent);
  }

  /** @ignore Called by the session. */
  answerLost(error: unknown): void {
    this.extras?.account?.close(false, error);
  }

  /** @ignore Called by the session. */
  answerFailed(error: unknown): void {
    if (this.extras !== null) this.extras.account?.failed(error);
  }

  /** @ignore Called by the session. */
  handedOver(): void {
    this.#isQueued = true;
    this.extras?.account?.close(this.#status !== 0);
  }

  /** @ignore Begins to keep account of the answer. */
  observe(began: number): void {
    this.more.account = new Account(began);
  }

  /**
   * Resolves to what became of the answer, of whatever kind it is, once the
   * kernel has taken it or the peer is gone. It never rejects.
   *
   * ```ts ignore
   * const { status, bytesSent, duration, isWhole } = await client.completed;
   * ```
   */
  get completed(): Promise<Completion> {
    const more = this.more;
    if (more.completed !== null) return more.completed;
    more.account ??= this.#lateAccount();
    const { account } = more;
    return more.completed = new Promise((resolve) => {
      account.whenClosed(() => {
        const { status, bytesSent } = this;
        const { duration, isWhole } = account;
        resolve({ status, bytesSent, duration, isWhole });
      });
    });
  }

  /** An account that is begun when something may have been sent already. */
  #lateAccount(): Account {
    const account = new Account(performance.now());
    if (this.isHeld) return account;
    const { transport } = this.session;
    if (!this.#isQueued) account.close(false);
    else if (transport.isClosed) account.close(!transport.wasCut);
    else account.queued(transport.flush());
    return account;
  }

  /** @ignore The request, for those who make its answer. */
  protected get answering(): Answering {
    return new Answering(this.session, this);
  }

  /** @ignore The same, made where it is missing. */
  protected get more(): AnswerParts {
    return this.extras ??= new AnswerParts();
  }

  /** @ignore The session, if it still waits for this answer; throws if it is begun. */
  protected take(): Session | null {
    if (this.isBegun) throw new TypeError("Request is already answered");
    this.isBegun = true;
    return this.isHeld ? this.session : null;
  }

  /** The same for an answer that is sent as a whole: the body is left unread. */
  #takeWhole(): Session | null {
    const session = this.take();
    session?.skipBody();
    return session;
  }

  /**
   * Answers. Strings go as HTML, bytes as octets, a `Blob` with its own type,
   * `FormData` and `URLSearchParams` as forms, everything else as JSON; `null`
   * or nothing as an empty body. `0`, `""` and `false` are data like any other.
   * What would go out as something else than it is, such as a promise, a `Map`
   * or an `Error`, throws and says what to do.
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
  respond(data?: ResponseData, options?: DataOptions): Promise<boolean> {
    let status = 200;
    let headers: RespondOptions["headers"];
    if (options !== undefined) {
      DATA_NAMES.check(options);
      status = options.status ?? 200;
      headers = options.headers;
      checkStatus(status);
      if (!isPlain(options)) return this.#respondWith(data, options);
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

  #respondWith(data: ResponseData, options: DataOptions): Promise<boolean> {
    const { etag = false } = options;
    if (etag !== false) checkTagged(etag, data);
    if (isStream(data)) return this.#respondStream(data, options);
    const head = checkHead(options);
    if (data instanceof Blob) {
      const { type, size } = blobFacts(data);
      head.headers["content-type"] ??= type || OCTET_TYPE;
      const plan = planKnown(this.answering, head, size, false);
      const session = this.#takeWhole();
      if (session === null) return GONE;
      session.begin(plan);
      if (!plan.hasBody) return session.answered();
      return sendBody(session, new BlobSource(data), size);
    }
    if (data instanceof FormData) {
      const { contentType, length, parts } = writeForm(data);
      head.headers["content-type"] = contentType;
      const plan = planKnown(this.answering, head, length, false);
      const session = this.#takeWhole();
      if (session === null) return GONE;
      const answer = new StreamAnswer(session, plan);
      return pipe(answer, openSource(readParts(parts)));
    }
    let body = makeBody(head, data);
    if (etag && !tag(head, body, this)) body = null;
    const plan = planWhole(this.answering, head, body);
    const session = this.#takeWhole();
    return session === null ? GONE : sendWhole(session, plan);
  }

  #respondStream(data: BodyStream, options: RespondOptions): Promise<boolean> {
    if (this.isBegun) throw new TypeError("Request is already answered");
    const source = openSource(data);
    let answer: StreamAnswer | null;
    try {
      answer = this.beginStream(this.planStream(options, OCTET_TYPE));
    } catch (error) {
      source.cancel(error);
      throw error;
    }
    if (answer !== null) return pipe(answer, source);
    source.cancel();
    return GONE;
  }

  /** @ignore What an answer in parts is to be. */
  protected planStream(options: RespondOptions, type: string): AnswerPlan {
    const head = checkHead(options);
    head.headers["content-type"] ??= type;
    return planStream(this.answering, head);
  }

  /** @ignore Begins an answer in parts; null when the peer has gone. */
  protected beginStream(plan: AnswerPlan): StreamAnswer | null {
    const session = this.take();
    const more = this.more;
    more.isBegun = true;
    if (session === null) return null;
    return more.answer = new StreamAnswer(session, plan);
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
    REDIRECT_NAMES.check(options);
    const status = options.status ?? 302;
    if (![301, 302, 303, 307, 308].includes(status)) {
      throw new RangeError("Status is not one of a redirect");
    }
    const head = checkHead({ ...options, status });
    checkText("Redirect URL", url);
    // deno-lint-ignore no-control-regex
    if (/[\x00-\x1f\x7f]/.test(url)) {
      throw new TypeError("Redirect URL holds a control character");
    }
    head.headers.location = url.toWellFormed().replace(
      /[^\x21-\x7e]|["<>\\^`{|}]/gu,
      encodeURIComponent,
    );
    const plan = planWhole(this.answering, head, null);
    const session = this.#takeWhole();
    return session === null ? GONE : sendWhole(session, plan);
  }

  /**
   * Answers with a file, streamed in bounded memory. `Content-Type` follows
   * the extension; `Last-Modified`, `ETag`, conditional requests and single
   * byte ranges (RFC 9110 sections 13 and 14) are taken care of.
   *
   * What is missing or no plain file is answered with 404; what may not be read
   * with 500, and `onError` is told, or standard error. Without `root` the path
   * is opened as it is: never pass one that a peer chose.
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
    FILE_NAMES.check(options);
    checkText("Path", path);
    const { root, index, download } = options;
    if (index !== undefined) checkText('Option "index"', index);
    if (root !== undefined) checkText('Option "root"', root);
    if (!["undefined", "boolean", "string"].includes(typeof download)) {
      throw new TypeError('Option "download" is neither a boolean nor a name');
    }
    const head = checkHead(options);
    if (this.#takeWhole() === null) return GONE;
    return answerFile(this.answering, path, options, head);
  }
}
