import {
  type CheckedHeaders,
  writeFields,
  writeLatin1,
  writeStatusLine,
} from "../wire/response_head.ts";
import type { Output } from "../transport/transport.ts";
import { httpDate } from "./date.ts";

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
