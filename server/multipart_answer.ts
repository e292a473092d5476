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
  checkHead,
  RESPOND_OPTIONS,
  type RespondOptions,
  writeHead,
} from "./answer.ts";
import type { Session } from "./session.ts";

/** How to begin a multipart answer. */
export interface MultipartOptions extends RespondOptions {
  /** What separates the parts; a random token by default. */
  boundary?: string;
}

/** What a part has beside its data. */
type FrameOptions = Pick<RespondOptions, "headers">;

const NAMES = new OptionNames<MultipartOptions>("a multipart answer", {
  ...RESPOND_OPTIONS,
  boundary: true,
});
const FRAME_NAMES = new OptionNames<FrameOptions>("a frame", { headers: true });

const encoder = new TextEncoder();
const LINE_END = encoder.encode("\r\n");

/** An answer of type `multipart/x-mixed-replace`. */
export class MultipartAnswer {
  readonly #head: ReturnType<typeof checkHead>;
  readonly #boundary: string;
  #session: Session | null = null;
  #isEnded = false;

  constructor(options: MultipartOptions) {
    NAMES.check(options);
    this.#boundary = options.boundary ?? crypto.randomUUID();
    if (!isToken(this.#boundary) || this.#boundary.length > 70) {
      throw new TypeError('Option "boundary" is not a token of 70 characters');
    }
    this.#head = checkHead(options);
    const { headers } = this.#head;
    headers["content-type"] =
      `multipart/x-mixed-replace; boundary=${this.#boundary}`;
    headers["cache-control"] ??= "no-cache";
    if (headers["content-length"] !== undefined) {
      throw new TypeError("Header content-length cannot be known");
    }
  }

  /** Sends the head. The answer ends with the connection: its length is open. */
  begin(session: Session, isHead: boolean): Promise<boolean> {
    session.keep = false;
    writeHead(session, this.#head);
    if (isHead) return session.answered();
    this.#session = session;
    session.answerStarted();
    return session.sendQueued();
  }

  /** Sends a part. */
  frame(
    data: Exclude<ResponseData, Blob>,
    options: FrameOptions = {},
  ): Promise<boolean> {
    FRAME_NAMES.check(options);
    const headers = checkHeaders(options.headers ?? {});
    const bytes = encodeResponseData(headers, data);
    headers["content-length"] = String(bytes.length);
    const session = this.#open();
    if (session === null) return Promise.resolve(false);
    session.admit();
    if (session.isClosed) return Promise.resolve(false);
    const head = `--${this.#boundary}\r\n${writeFields(headers)}\r\n`;
    const out = session.room(head.length);
    session.wrote(writeLatin1(head, out, session.outEnd));
    session.append(bytes);
    session.append(LINE_END);
    return session.sendQueued();
  }

  /** Ends the answer. */
  end(): Promise<boolean> {
    const session = this.#open();
    this.#isEnded = true;
    if (session === null) return Promise.resolve(false);
    session.append(encoder.encode(`--${this.#boundary}--\r\n`));
    return session.answered();
  }

  /** The session, or null where nobody reads: the peer is gone, or sent HEAD. */
  #open(): Session | null {
    if (this.#isEnded) throw new TypeError("Multipart answer is ended");
    return this.#session?.isClosed ? null : this.#session;
  }
}
