import type { ProtocolError } from "../parse/errors.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { frameResponse, Framing, UNKNOWN } from "../wire/framing.ts";
import type { CheckedHeaders } from "../wire/response_head.ts";
import { hasResponseBody } from "../wire/status.ts";
import { type AnswerHead, plainHead } from "./answer_head.ts";
import { applyCoding, type Compression } from "./compression.ts";
import { compressSync } from "./compressor.ts";
import { utf8Length } from "./text_length.ts";

const encoder = new TextEncoder();
/** Longer answers are compressed elsewhere, a piece at a time. */
export const PIECE_LENGTH = 65_536;

/** What of a request, and of its server, decides how it is answered. */
export interface Asked {
  readonly isHead: boolean;
  readonly minorVersion: number;
  readonly acceptEncoding: string | undefined;
  readonly compression: Compression | null;
}

/**
 * What an answer is to be. It is made once, and nothing of it is decided later:
 * `Session.begin()` goes by it.
 */
export interface AnswerPlan {
  readonly status: number;
  readonly reason: string | undefined;
  /** All fields but those of the connection. */
  readonly headers: CheckedHeaders;
  /** Lines of fields that follow them. */
  readonly cookies: string;
  /** How the head says where the body ends. */
  readonly framing: Framing;
  /** The bytes that it promises; `UNKNOWN` where it says none. */
  readonly length: number;
  /** Whether a body follows; else what there is of one is dropped. */
  readonly hasBody: boolean;
  /** How the body is to be compressed on its way. */
  readonly coding: ContentCoding | null;
  /** Whether what has not been read of the request's body is passed over. */
  readonly isWhole: boolean;
}

/** The plan of an answer whose body is at hand, as it is to be sent. */
export interface WholePlan extends AnswerPlan {
  readonly body: Uint8Array | string | null;
}

/**
 * Plans an answer whose body is here.
 *
 * @throws {TypeError} If the head promises another length.
 */
export function planWhole(
  asked: Asked,
  head: AnswerHead,
  body: Uint8Array | string | null,
): WholePlan {
  let length = typeof body === "string" ? utf8Length(body) : body?.length ?? 0;
  // An answer to HEAD may tell the length of a body that was never made.
  if (body === null && asked.isHead) checkLength(head);
  else checkPromise(head, length);
  let coding = codingFor(asked, head, length);
  if (coding !== null) {
    if (typeof body === "string") body = encoder.encode(body);
    if (length <= PIECE_LENGTH) {
      body = compressSync(coding, body!);
      length = body.length;
      coding = null;
    } else length = UNKNOWN;
  }
  return { ...frame(asked, head, length, coding, true), body };
}

/** Plans the answer to a fault of the peer. */
export function planRefusal(
  { status, message }: Pick<ProtocolError, "status" | "message">,
  isHead: boolean,
): AnswerPlan & { readonly body: Uint8Array } {
  const body = encoder.encode(message + "\n");
  const head = plainHead(status, "text/plain; charset=utf-8");
  const asked = { isHead, minorVersion: 1 };
  return { ...frame(asked, head, body.length, null, true), body };
}

/**
 * Plans an answer whose body comes from elsewhere, of a length that is known.
 *
 * @throws {TypeError} If the head promises another one.
 */
export function planKnown(
  asked: Asked,
  head: AnswerHead,
  length: number,
  mayCode: boolean,
): AnswerPlan {
  checkPromise(head, length);
  const coding = mayCode ? codingFor(asked, head, length) : null;
  return frame(asked, head, coding === null ? length : UNKNOWN, coding, true);
}

/**
 * Plans an answer whose body is made while it is sent, to which a promised
 * length holds it.
 *
 * @throws {TypeError} If what is promised is no length.
 */
export function planStream(asked: Asked, head: AnswerHead): AnswerPlan {
  const promised = checkLength(head);
  const coding = promised === UNKNOWN ? codingFor(asked, head, Infinity) : null;
  return frame(asked, head, promised, coding, false);
}

/** Plans an answer that ends with its connection, and promises no length. */
export function planEndless(asked: Asked, head: AnswerHead): AnswerPlan {
  // As HTTP/1.0 has it: chunks would be parts within parts.
  const { isHead } = asked;
  return frame({ isHead, minorVersion: 0 }, head, UNKNOWN, null, false);
}

/**
 * Sees to it that an answer which may go on for ever promises no length.
 *
 * @throws {TypeError} If it does.
 */
export function forbidLength({ headers }: AnswerHead): void {
  if (headers["content-length"] !== undefined) {
    throw new TypeError("Header content-length cannot be known");
  }
}

/** The length that a head promises; `UNKNOWN` where it does not. */
function checkLength({ headers, status }: AnswerHead): number {
  const promised = headers["content-length"];
  if (promised === undefined) return UNKNOWN;
  if (!/^\d{1,15}$/.test(String(promised))) {
    throw new TypeError("Header content-length is not a number of bytes");
  }
  return status === 205 ? 0 : Number(promised);
}

function checkPromise({ headers, status }: AnswerHead, length: number): void {
  const promised = headers["content-length"];
  const actual = status === 205 ? 0 : length;
  if (
    promised !== undefined && promised !== String(actual) &&
    frameResponse(status, 1, actual) === Framing.LENGTH
  ) throw new TypeError("Header content-length is not the body's length");
}

/** How to compress a body, if at all; the head then says so. */
function codingFor(
  { compression, acceptEncoding }: Asked,
  head: AnswerHead,
  length: number,
): ContentCoding | null {
  if (compression === null) return null;
  return applyCoding(head, compression, acceptEncoding, length);
}

function frame(
  { isHead, minorVersion }: Pick<Asked, "isHead" | "minorVersion">,
  head: AnswerHead,
  length: number,
  coding: ContentCoding | null,
  isWhole: boolean,
): AnswerPlan {
  const { status, reason, headers, cookies } = head;
  const framing = frameResponse(status, minorVersion, length);
  const hasBody = hasResponseBody(isHead, status);
  if (framing === Framing.LENGTH) {
    if (status === 205) length = 0;
    if (status === 205 || headers["content-length"] === undefined) {
      headers["content-length"] = String(length);
    }
  } else {
    delete headers["content-length"];
    if (framing === Framing.CHUNKED) headers["transfer-encoding"] = "chunked";
  }
  return {
    status,
    reason,
    headers,
    cookies,
    framing,
    length,
    hasBody,
    coding,
    isWhole,
  };
}
