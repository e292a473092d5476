import {
  encodeResponseData,
  type ResponseData,
} from "../parse/response_data.ts";
import { OptionNames } from "../parse/option_names.ts";
import { isToken } from "../parse/chars.ts";
import {
  checkHeaders,
  writeFields,
  writeLatin1,
} from "../wire/response_head.ts";
import {
  type AnswerHead,
  checkHead,
  RESPOND_OPTIONS,
  type RespondOptions,
} from "./answer_head.ts";
import { type Asked, forbidLength, planEndless } from "./answer_plan.ts";
import { admit, sendQueued } from "./part_output.ts";
import type { Session } from "./session.ts";
import type { OpenAnswer } from "./session_host.ts";

/** How to begin a multipart answer. */
export interface MultipartOptions extends RespondOptions {
  /** What separates the parts; a random token by default. */
  boundary?: string;
}

/** What a part has beside its data. */
export interface FrameOptions extends Pick<RespondOptions, "headers"> {
  /** What stands before this part, in place of the answer's own boundary. */
  boundary?: string;
}

const NAMES = new OptionNames<MultipartOptions>("a multipart answer", {
  ...RESPOND_OPTIONS,
  boundary: true,
});
const FRAME_NAMES = new OptionNames<FrameOptions>("a frame", {
  headers: true,
  boundary: true,
});

const encoder = new TextEncoder();
const LINE_END = encoder.encode("\r\n");

function checkBoundary(boundary: string): string {
  if (!isToken(boundary) || boundary.length > 70) {
    throw new TypeError('Option "boundary" is not a token of 70 characters');
  }
  return boundary;
}

/**
 * The type of an answer in parts, with its boundary.
 *
 * @throws {TypeError} If it is none, or names a boundary itself.
 */
function typeOf(type: string | string[], boundary: string): string {
  if (
    typeof type !== "string" || !/^multipart\/[\w.+-]+[ \t]*(?:;|$)/i.test(type)
  ) {
    throw new TypeError("Header content-type is not one of multipart/");
  }
  if (/;[ \t]*boundary[ \t]*=/i.test(type)) {
    throw new TypeError("Header content-type has a boundary: use that option");
  }
  return `${type}; boundary=${boundary}`;
}

/** An answer of type `multipart/x-mixed-replace`. */
export class MultipartAnswer implements OpenAnswer {
  readonly isEndless = true;
  readonly #head: AnswerHead;
  readonly #boundary: string;
  #session: Session | null = null;
  #isEnded = false;

  constructor(options: MultipartOptions) {
    NAMES.check(options);
    this.#boundary = checkBoundary(options.boundary ?? crypto.randomUUID());
    this.#head = checkHead(options);
    const { headers } = this.#head;
    headers["content-type"] = typeOf(
      headers["content-type"] ?? "multipart/x-mixed-replace",
      this.#boundary,
    );
    headers["cache-control"] ??= "no-cache";
    forbidLength(this.#head);
  }

  /** Sends the head. The answer ends with the connection: its length is open. */
  begin(session: Session, asked: Asked): Promise<boolean> {
    const plan = planEndless(asked, this.#head);
    session.begin(plan, this);
    if (!plan.hasBody) return session.answered();
    this.#session = session;
    session.answerStarted();
    return sendQueued(session);
  }

  /** The connection is gone, as the next part will be told. */
  gone(): void {}

  /** A tick has gone by. */
  swept(): void {}

  /** Sends a part. */
  frame(
    data: Exclude<ResponseData, Blob>,
    options: FrameOptions = {},
  ): Promise<boolean> {
    FRAME_NAMES.check(options);
    const headers = checkHeaders(options.headers ?? {});
    const boundary = options.boundary === undefined
      ? this.#boundary
      : checkBoundary(options.boundary);
    const bytes = encodeResponseData(headers, data);
    headers["content-length"] = String(bytes.length);
    const session = this.#open();
    if (session === null) return Promise.resolve(false);
    admit(session);
    if (session.isClosed) return Promise.resolve(false);
    const head = `--${boundary}\r\n${writeFields(headers)}\r\n`;
    const out = session.out.room(head.length);
    session.out.wrote(writeLatin1(head, out, session.out.outEnd));
    session.out.append(bytes);
    session.out.append(LINE_END);
    session.count(head.length + bytes.length + 2);
    return sendQueued(session);
  }

  /** Ends the answer. */
  end(): Promise<boolean> {
    const session = this.#open();
    this.#isEnded = true;
    if (session === null) return Promise.resolve(false);
    const end = encoder.encode(`--${this.#boundary}--\r\n`);
    session.out.append(end);
    session.count(end.length);
    return session.answered();
  }

  /** The session, or null where nobody reads: the peer is gone, or sent HEAD. */
  #open(): Session | null {
    if (this.#isEnded) throw new TypeError("Multipart answer is ended");
    return this.#session?.isClosed ? null : this.#session;
  }
}
