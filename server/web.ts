// Between this library and the objects of the web platform.
import { HttpError } from "../parse/errors.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { hasResponseBody } from "../wire/status.ts";
import { type AnswerHead, checkHead, setLength, writeWhole } from "./answer.ts";
import { compressSync } from "./compressor.ts";
import type { HttpConnection } from "./http_connection.ts";
import type { Session } from "./session.ts";
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
const PATIENCE = 16;

/** What a response's body turned out to be. */
type KnownBody =
  | { isWhole: true; bytes: Uint8Array }
  | { isWhole: false; stream: AsyncIterable<Uint8Array> };

/**
 * Looks whether a body is there as a whole, as those made of a string are:
 * then its length can be told, and it goes out in one piece.
 */
async function peek(
  stream: ReadableStream<Uint8Array>,
): Promise<KnownBody> {
  const reader = stream.getReader();
  const first = await reader.read();
  if (first.done) return { isWhole: true, bytes: new Uint8Array(0) };
  let second: ReadableStreamReadResult<Uint8Array> | undefined;
  const reading = reader.read().then((result) => second = result);
  // A failure is met again by whoever reads on.
  reading.catch(() => {});
  for (let i = 0; i < PATIENCE && second === undefined; i++) {
    await Promise.resolve();
  }
  if (second?.done) return { isWhole: true, bytes: first.value };
  return { isWhole: false, stream: resume(reader, first.value, reading) };
}

async function* resume(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: Uint8Array,
  second: Promise<ReadableStreamReadResult<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  let isDone = false;
  try {
    yield first;
    for (let reading = second;; reading = reader.read()) {
      const { done, value } = await reading;
      if (done) break;
      yield value;
    }
    isDone = true;
  } finally {
    if (!isDone) await reader.cancel();
  }
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
  let head: AnswerHead;
  let body: KnownBody | null = null;
  let isCut = false; // a body that HEAD does without
  const leave = () => {
    if (response?.body?.locked === false) {
      response.body.cancel().catch(() => {});
    }
    return false;
  };
  try {
    response = checkResponse(await promised);
    if (session === null || session.isClosed) return leave();
    head = checkHead({
      status: response.status,
      statusMessage: response.statusText || undefined,
      headers: endToEnd(response.headers),
    });
    if (response.body !== null && ways.isHead) {
      isCut = true;
      leave();
    } else if (response.body !== null) {
      body = head.headers["content-length"] === undefined
        ? await peek(response.body)
        : { isWhole: false, stream: response.body };
    }
  } catch (error) {
    leave();
    if (session === null || session.isClosed) return false;
    session.host.report(error, session);
    head = checkHead({
      status: 500,
      headers: { "content-type": "text/plain" },
    });
    body = { isWhole: true, bytes: SERVER_ERROR };
  }
  if (session.isClosed) return leave();
  if (isCut || body?.isWhole === false) {
    const { "content-length": length } = head.headers;
    if (!hasResponseBody(false, head.status)) {
      delete head.headers["content-length"];
    }
    const coding = length === undefined ? ways.code(head, Infinity) : null;
    const answer = ways.stream(session, head, coding);
    return await (body?.isWhole === false
      ? pipe(answer, body.stream)
      : answer.begin());
  }
  let bytes = body === null ? null : body.bytes;
  const coding = bytes === null ? null : ways.code(head, bytes.length);
  if (coding !== null) bytes = compressSync(coding, bytes!);
  if (bytes !== null || !ways.isHead) delete head.headers["content-length"];
  setLength(head, bytes === null ? null : bytes.length, ways.isHead);
  session.skipBody();
  writeWhole(session, head, bytes, ways.isHead);
  return await session.answered();
}
