import { URLENCODED } from "../message/form.ts";
import { encodeJson } from "../parse/json.ts";
import {
  asBytes,
  HTML_TYPE,
  isBytes,
  JSON_TYPE,
  OCTET_TYPE,
  type ResponseData,
} from "../parse/response_data.ts";
import { openSource, slices } from "../message/source.ts";
import type { AnswerHead } from "./answer_head.ts";
import { PIECE_LENGTH, type WholePlan } from "./answer_plan.ts";
import type { Session } from "./session.ts";
import { pipe, StreamAnswer } from "./stream_answer.ts";

/**
 * What a body is made of, its type set where the caller has set none. Text is
 * encoded when it is sent.
 *
 * @throws {TypeError} If the data has no JSON form.
 */
export function makeBody(
  { headers }: AnswerHead,
  data: ResponseData,
): Uint8Array | string | null {
  if (data === undefined || data === null) return null;
  if (isBytes(data)) {
    headers["content-type"] ??= OCTET_TYPE;
    return asBytes(data);
  }
  if (data instanceof URLSearchParams) {
    headers["content-type"] ??= URLENCODED;
    return data.toString();
  }
  const isText = typeof data === "string";
  headers["content-type"] ??= isText ? HTML_TYPE : JSON_TYPE;
  return isText ? data : encodeJson(data);
}

/** Sends an answer whose body is here. */
export function sendWhole(session: Session, plan: WholePlan): Promise<boolean> {
  const { body, coding, length } = plan;
  if (coding !== null) {
    const answer = new StreamAnswer(session, plan);
    answer.isPrompt = false;
    const pieces = slices(body as Uint8Array, PIECE_LENGTH);
    return pipe(answer, openSource(pieces));
  }
  session.begin(plan);
  if (body !== null && plan.hasBody) {
    if (typeof body === "string") session.out.appendText(body, length);
    else session.out.append(body);
    session.count(length);
  }
  return session.answered();
}
