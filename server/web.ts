// Between this library and the objects of the web platform.
import { HttpError } from "../parse/errors.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import {
  type AnswerHead,
  checkHead,
  checkLength,
  setLength,
  writeWhole,
} from "./answer.ts";
import { compressSync } from "./compressor.ts";
import type { HttpConnection } from "./http_connection.ts";
import type { Session } from "./session.ts";
import { openSource, type Piece, type Source } from "../transport/source.ts";
import { pipe, type StreamAnswer } from "./stream_answer.ts";

/**
 * A request as the web platform has it. Its `signal` is the client's, taken
 * when it is asked for: to watch a peer costs something.
 *
 * @throws {TypeError} If it is one that a `Request` cannot express.
 */
export function toRequest(client: HttpConnection): Request {
  const { method } = client;
  const init: RequestInit & { duplex?: "half" } = {
    method,
    headers: client.headers as Record<string, string>,
    redirect: "manual",
  };
  if (method !== "GET" && method !== "HEAD") {
    if (!client.isLoaded) {
      init.body = client.body;
      init.duplex = "half";
    } else if (client.contentLength !== null) {
      init.body = new Uint8Array(client.rawData);
    }
  }
  return Object.defineProperty(new Request(client.fullUrl, init), "signal", {
    get: () => client.signal,
  });
}

/** Fields that concern one connection only (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = ["connection", "keep-alive", "transfer-encoding", "upgrade"];

/** The fields of a response that may be passed on. */
function endToEnd(headers: Headers): Headers {
  let copy: Headers | null = null;
  for (const name of HOP_BY_HOP) {
    if (!headers.has(name)) continue;
    copy ??= new Headers(headers);
    copy.delete(name);
  }
  return copy ?? headers;
}

/** Turns of the queue within which a body that is there already has ended. */
const PATIENCE = 32;

/** What a response's body turned out to be. */
type KnownBody =
  | { isWhole: true; bytes: Uint8Array }
  | { isWhole: false; source: Source };

/**
 * Looks whether a body is there as a whole, as those made of a string are:
 * then its length can be told, and it goes out in one piece. What has to be
 * waited for is a stream.
 */
async function peek(source: Source): Promise<KnownBody> {
  const first = source.read();
  const one = await soon(first);
  if (one === null) return { isWhole: false, source: before([first], source) };
  const { done, value } = await one.settled; // a failure can still be answered
  if (done) return { isWhole: true, bytes: new Uint8Array(0) };
  if (!(value instanceof Uint8Array)) {
    throw new TypeError("Body of the Response yields what is no Uint8Array");
  }
  const second = source.read();
  const two = await soon(second);
  if (two !== null && (await two.settled.catch(() => null))?.done) {
    return { isWhole: true, bytes: value };
  }
  return { isWhole: false, source: before([first, second], source) };
}

/** A promise that settles within a few turns of the queue; null for others. */
async function soon(piece: Promise<Piece> | Piece): Promise<
  { settled: Promise<Piece> } | null
> {
  const settled = Promise.resolve(piece);
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  settled.then(settle, settle);
  for (let i = 0; i < PATIENCE && !isSettled; i++) await null;
  return isSettled ? { settled } : null;
}

/** A source of which some was read before. */
function before(pieces: (Promise<Piece> | Piece)[], source: Source): Source {
  return {
    read: () => pieces.shift() ?? source.read(),
    cancel: (reason) => source.cancel(reason),
  };
}

/**
 * Checks what a handler has returned.
 *
 * @throws {HttpError} If it is no response, or one whose body is in use.
 */
function checkResponse(response: unknown): Response {
  if (!(response instanceof Response)) {
    throw new HttpError("Handler has not returned a Response", 500);
  }
  if (response.bodyUsed || response.body?.locked) {
    throw new HttpError("Body of the Response is used already", 500);
  }
  if (response.status < 200) {
    throw new HttpError("Response has a status that answers nothing", 500);
  }
  return response;
}

/** What an answer needs of the request that it belongs to. */
export interface WebAnswerWays {
  readonly isHead: boolean;
  /** Whether it still waits: its peer is there, and was not refused. */
  isHeld(): boolean;
  /** Chooses how to compress so many bytes, if at all. */
  code(head: AnswerHead, length: number): ContentCoding | null;
  /** Queues the head of an answer in parts. */
  stream(
    session: Session,
    head: AnswerHead,
    coding: ContentCoding | null,
  ): StreamAnswer;
}

const SERVER_ERROR = new TextEncoder().encode("Internal Server Error\n");

/**
 * Answers with a `Response`; with a plain 500 where it cannot be had or sent.
 *
 * @param session The connection; null where the peer has gone.
 */
export async function answerWeb(
  session: Session | null,
  promised: Response | Promise<Response>,
  ways: WebAnswerWays,
): Promise<boolean> {
  let response: Response | null = null;
  let source: Source | null = null;
  const leave = () => {
    if (source !== null) source.cancel();
    else if (response?.body?.locked === false) {
      response.body.cancel().catch(() => {});
    }
    return false;
  };
  let ready: { head: AnswerHead; body: KnownBody | null };
  try {
    response = checkResponse(await promised);
    const head = checkHead({
      status: response.status,
      statusMessage: response.statusText || undefined,
      headers: endToEnd(response.headers),
    });
    const { "content-length": length } = head.headers;
    checkLength(length);
    let body: KnownBody | null = null;
    if (response.body !== null) {
      source = openSource(response.body);
      body = length !== undefined
        ? { isWhole: false, source }
        : await peek(source);
    } else if (!ways.isHead) delete head.headers["content-length"];
    ready = { head, body };
  } catch (error) {
    leave();
    if (session === null || !ways.isHeld()) return false;
    session.host.report(error, session);
    const headers = { "content-type": "text/plain" };
    ready = {
      head: checkHead({ status: 500, headers }),
      body: { isWhole: true, bytes: SERVER_ERROR },
    };
  }
  if (session === null || !ways.isHeld()) return leave();
  const { head, body } = ready;
  if (body?.isWhole === false) {
    const { "content-length": length } = head.headers;
    const coding = length === undefined ? ways.code(head, Infinity) : null;
    return await pipe(ways.stream(session, head, coding), body.source);
  }
  let bytes = body === null ? null : body.bytes;
  const coding = bytes === null ? null : ways.code(head, bytes.length);
  if (coding !== null) bytes = compressSync(coding, bytes!);
  if (!ways.isHead || bytes !== null) delete head.headers["content-length"];
  setLength(head, bytes === null ? null : bytes.length, ways.isHead);
  session.skipBody();
  writeWhole(session, head, bytes, ways.isHead);
  return await session.answered();
}
