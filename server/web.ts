// Between this library and the responses of the web platform.
import { dict } from "../parse/dict.ts";
import { HttpError } from "../parse/errors.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import {
  type CheckedHeaders,
  checkValue,
  type HeaderValues,
} from "../wire/response_head.ts";
import { hasResponseBody } from "../wire/status.ts";
import {
  type AnswerHead,
  bodyLength,
  checkHead,
  checkLength,
  type ContentKind,
  kindOf,
  setLength,
  writeText,
  writeWhole,
} from "./answer.ts";
import { compressSync } from "./compressor.ts";
import type { Session } from "./session.ts";
import { openSource, type Piece, type Source } from "../message/source.ts";
import { pipe, type StreamAnswer } from "./stream_answer.ts";
import { takeWhole, type WholeResponse } from "./web_response.ts";

/** Fields that concern one connection only (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = new Set([
  ...["connection", "keep-alive", "transfer-encoding", "upgrade"],
]);

/**
 * The fields of a response that may be passed on.
 *
 * @throws {TypeError} If one holds what cannot be sent: the platform takes
 * control characters.
 */
function endToEnd(fields: Iterable<readonly [string, string]>): CheckedHeaders {
  const headers = dict<string | string[]>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key)) continue;
    checkValue(key, value);
    const before = headers[key];
    headers[key] = before === undefined
      ? value
      : key === "set-cookie"
      ? [before, value].flat()
      : `${before}, ${value}`;
  }
  return headers;
}

/** The head of a response that has no fields but its body's type, if so. */
function plainKind(response: WholeResponse): ContentKind | null {
  const { status, reason, fields, contentType } = response;
  if (reason !== "" || !hasResponseBody(false, status)) return null;
  if (fields.length === 0) {
    return contentType === null ? null : kindOf(contentType);
  }
  if (fields.length > 1 || contentType !== null) return null;
  const [name, value] = fields[0];
  return name.length === 12 && name.toLowerCase() === "content-type"
    ? kindOf(value)
    : null;
}

/**
 * Answers with a response that was taken as a whole.
 *
 * @throws {TypeError} If it promises a length that is not its body's.
 */
function answerWhole(
  session: Session,
  response: WholeResponse,
  isHead: boolean,
): Promise<boolean> {
  const { body } = response;
  const kind = typeof body === "string" ? plainKind(response) : null;
  if (kind !== null) {
    session.skipBody();
    writeText(session, response.status, kind, body as string, isHead);
    return session.answered();
  }
  const headers = endToEnd(response.fields);
  if (response.contentType !== null) {
    headers["content-type"] ??= response.contentType;
  }
  const head: AnswerHead = {
    status: response.status,
    reason: response.reason || undefined,
    headers,
    cookies: "",
  };
  if (body === null && !isHead) delete headers["content-length"];
  setLength(head, body === null ? null : bodyLength(body), isHead);
  session.skipBody();
  writeWhole(session, head, body, isHead);
  return session.answered();
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
 * Answers with a response that is there, body and all.
 *
 * @param session The connection; null where the peer has gone.
 * @returns null for responses that have to be read first, or cannot be sent.
 */
export function answerAtOnce(
  session: Session | null,
  response: unknown,
  isHead: boolean,
): Promise<boolean> | null {
  if (session === null || session.host.compression !== null) return null;
  if (!(response instanceof Response)) return null;
  const whole = takeWhole(response);
  if (whole === null) return null;
  try {
    return answerWhole(session, whole, isHead);
  } catch (error) {
    return fail(session, error, isHead);
  }
}

function fail(
  session: Session,
  error: unknown,
  isHead: boolean,
): Promise<boolean> {
  session.host.report(error, session);
  const head = checkHead({
    status: 500,
    headers: { "content-type": "text/plain" },
  });
  setLength(head, SERVER_ERROR.length, isHead);
  session.skipBody();
  writeWhole(session, head, SERVER_ERROR, isHead);
  return session.answered();
}

/**
 * Answers with a `Response`, once it can be had; with a plain 500 where it
 * cannot, or cannot be sent.
 *
 * @param session The connection; null where the peer has gone.
 */
export async function answerLater(
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
  let head: AnswerHead;
  let body: KnownBody | null = null;
  try {
    const made = await promised;
    if (ways.isHeld()) {
      const sent = answerAtOnce(session, made, ways.isHead);
      if (sent !== null) return await sent;
    }
    response = checkResponse(made);
    head = checkHead({
      status: response.status,
      statusMessage: response.statusText || undefined,
      headers: endToEnd(response.headers) as HeaderValues,
    });
    const { "content-length": length } = head.headers;
    checkLength(length);
    if (response.body !== null) {
      source = openSource(response.body);
      body = length !== undefined
        ? { isWhole: false, source }
        : await peek(source);
    } else if (!ways.isHead) delete head.headers["content-length"];
  } catch (error) {
    leave();
    if (session === null || !ways.isHeld()) return false;
    return await fail(session, error, ways.isHead);
  }
  if (session === null || !ways.isHeld()) return leave();
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
