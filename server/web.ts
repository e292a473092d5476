// Between this library and the responses of the web platform.
import { dict } from "../parse/dict.ts";
import { HttpError } from "../parse/errors.ts";
import {
  type CheckedHeaders,
  checkValue,
  type HeaderValues,
} from "../wire/response_head.ts";
import { hasResponseBody } from "../wire/status.ts";
import { type ContentKind, kindOf, writeText } from "./answer.ts";
import { type AnswerHead, checkHead, plainHead } from "./answer_head.ts";
import {
  type AnswerPlan,
  planStream,
  planWhole,
  type WholePlan,
} from "./answer_plan.ts";
import type { Answering } from "./answering.ts";
import { openSource, type Piece, type Source } from "../message/source.ts";
import { pipe, StreamAnswer } from "./stream_answer.ts";
import { takeWhole, type WholeResponse } from "./web_response.ts";
import { sendWhole } from "./whole_answer.ts";

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
  answering: Answering,
  response: WholeResponse,
): Promise<boolean> {
  const { session, isHead } = answering;
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
  return sendWhole(session, planWhole(answering, head, body));
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
export function checkResponse(response: unknown): Response {
  if (!(response instanceof Response)) {
    throw new HttpError("Handler has not returned a Response", 500);
  }
  if (response.status === 101) {
    throw new HttpError(
      "Response is of Deno's own upgradeWebSocket(), which is for its server: " +
        "use this library's upgradeWebSocket(), or acceptWebsocket()",
      500,
    );
  }
  if (response.bodyUsed || response.body?.locked) {
    throw new HttpError("Body of the Response is used already", 500);
  }
  if (response.status < 200) {
    throw new HttpError("Response has a status that answers nothing", 500);
  }
  return response;
}

/**
 * Answers with a response that is there, body and all.
 *
 * @returns null for responses that have to be read first, or cannot be sent.
 */
export function answerAtOnce(
  answering: Answering,
  response: unknown,
): Promise<boolean> | null {
  if (!answering.isHeld || answering.compression !== null) return null;
  if (!(response instanceof Response)) return null;
  const whole = takeWhole(response);
  if (whole === null) return null;
  try {
    return answerWhole(answering, whole);
  } catch (error) {
    return fail(answering, error);
  }
}

function fail(answering: Answering, error: unknown): Promise<boolean> {
  const { session } = answering;
  session.host.fault(error, session);
  const head = plainHead(500, "text/plain");
  const plan = planWhole(answering, head, "Internal Server Error\n");
  return sendWhole(session, plan);
}

/**
 * Answers with a `Response`, once it can be had; with a plain 500 where it
 * cannot, or cannot be sent.
 */
export async function answerLater(
  answering: Answering,
  promised: Response | Promise<Response>,
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
  let plan: AnswerPlan | WholePlan;
  try {
    const made = await promised;
    const sent = answerAtOnce(answering, made);
    if (sent !== null) return await sent;
    response = checkResponse(made);
    const head = checkHead({
      status: response.status,
      statusMessage: response.statusText || undefined,
      headers: endToEnd(response.headers) as HeaderValues,
    });
    let body: KnownBody | null = null;
    if (response.body !== null) {
      source = openSource(response.body);
      body = head.headers["content-length"] !== undefined
        ? { isWhole: false, source }
        : await peek(source);
    } else if (!answering.isHead) delete head.headers["content-length"];
    if (body?.isWhole === false) {
      ({ source } = body);
      plan = planStream(answering, head);
    } else plan = planWhole(answering, head, body?.bytes ?? null);
  } catch (error) {
    leave();
    if (!answering.isHeld) return false;
    return await fail(answering, error);
  }
  if (!answering.isHeld) return leave();
  const { session } = answering;
  if ("body" in plan) return await sendWhole(session, plan);
  const answer = new StreamAnswer(session, plan);
  answer.isEndless = true; // for all that anybody knows
  return await pipe(answer, source!);
}
