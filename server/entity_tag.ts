import { isBytes, type ResponseData } from "../parse/response_data.ts";
import { isStream } from "../message/source.ts";
import { builtin } from "../runtime/builtins.ts";
import type { AnswerHead } from "./answer_head.ts";
import type { AnsweredRequest } from "./answering.ts";
import { evaluateTag } from "./conditions.ts";

/**
 * Checks that data can have a tag made of it.
 *
 * @throws {TypeError} If it cannot, or the option is none.
 */
export function checkTagged(etag: unknown, data: ResponseData): void {
  if (typeof etag !== "boolean") {
    throw new TypeError('Option "etag" is not a boolean');
  }
  if (
    data === undefined || data === null || data instanceof Blob ||
    data instanceof FormData || !isBytes(data) && isStream(data)
  ) throw new TypeError('Option "etag" is for data in memory');
}

/**
 * Tags an answer by its body, and sees whether its peer has that already: then
 * the answer is one without a body.
 *
 * @returns Whether the body is to be sent.
 */
export function tag(
  head: AnswerHead,
  body: Uint8Array | string | null,
  { method, headers }: Pick<AnsweredRequest, "method" | "headers">,
): boolean {
  const fields = head.headers;
  fields.etag ??= `"${hash(body ?? "")}"`;
  if (head.status !== 200) return true;
  head.status = evaluateTag(method, headers, String(fields.etag));
  if (head.status === 200) return true;
  delete fields["content-type"];
  delete fields["content-length"];
  return false;
}

function hash(body: Uint8Array | string): string {
  const { createHash } = builtin("node:crypto");
  return createHash("sha1").update(body).digest("base64url");
}
