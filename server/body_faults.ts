import { HttpError } from "../parse/errors.ts";

/** What a reader of a body gets when its peer leaves in the middle. */
export function brokenOff(cause?: unknown): HttpError {
  const options = cause === undefined ? undefined : { cause };
  return new HttpError(
    "Connection was closed before the end of the request's body",
    undefined,
    options,
  );
}

/** What a reader of a body gets after an answer that did without it. */
export function answeredBefore(): HttpError {
  return new HttpError("Request was answered before the end of its body");
}
