import {
  type CheckedHeaders,
  writeFields,
  writeLatin1,
  writeStatusLine,
} from "../wire/response_head.ts";
import type { Output } from "../transport/transport.ts";
import { Framing } from "../wire/framing.ts";
import type { AnswerPlan } from "./answer_plan.ts";
import { httpDate } from "./date.ts";

/** A `Connection` that is at its end (RFC 9110 section 7.6.1). */
const HAS_CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

/**
 * Queues the head of an answer: fields as given, and `Date`.
 *
 * @param rest Lines that follow them.
 */
export function appendHead(
  out: Output,
  status: number,
  reason: string | undefined,
  headers: CheckedHeaders,
  rest: string,
): void {
  let head = writeStatusLine(status, reason);
  if (headers.date === undefined) head += `date: ${httpDate.text}\r\n`;
  head += writeFields(headers) + rest + "\r\n";
  writeLatin1(head, out.room(head.length), out.outEnd);
  out.wrote(out.outEnd + head.length);
}

/** Whether an answer is the last of its connection. */
export function endsConnection({ framing, headers }: AnswerPlan): boolean {
  const { connection } = headers;
  return framing === Framing.CLOSE ||
    connection !== undefined && HAS_CLOSE.test(String(connection));
}

/**
 * Queues the head of an answer.
 *
 * @param kept Lines that say that the connection is kept; null where it is not.
 */
export function appendPlan(
  out: Output,
  { status, reason, headers, cookies }: AnswerPlan,
  kept: string | null,
): void {
  if (kept === null) delete headers.connection;
  // What the application says of a connection that goes on stands as it is.
  const rest = headers.connection === undefined
    ? cookies + (kept ?? "connection: close\r\n")
    : cookies;
  appendHead(out, status, reason, headers, rest);
}
