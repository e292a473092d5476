import type { CheckedHeaders } from "../wire/response_head.ts";
import type { OutgoingBody } from "./outgoing_body.ts";
import type { CallSettings } from "./request_options.ts";

/** What connection a request takes. */
export type Placing =
  | "shared" // any, also behind other requests where that is allowed
  | "alone" // one with nobody else on it: it has lost one for another's sake
  | "new"; // one that was not used yet: it has lost one that was dead

/**
 * What is sent, and how. A plan is made once and only read from then on: a
 * request that goes out in another way has another one.
 */
export interface RequestPlan {
  readonly method: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
  /** The caller's own fields; `null` stands for none. */
  readonly fields: Readonly<CheckedHeaders> | null;
  readonly body: OutgoingBody | null;
  /** Bytes of the body, or -1 where that is not known. */
  readonly bodyLength: number;
  /** Whether the go-ahead is to be waited for before the body is sent. */
  readonly expectsContinue: boolean;
  /** Whether it was redirected to another origin: credentials stay behind. */
  readonly isAway: boolean;
  readonly placing: Placing;
}

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];

/**
 * The plan that a request begins with.
 *
 * @throws {TypeError} If its fields promise another length than the body has.
 */
export function makePlan(
  method: string,
  origin: string,
  target: string,
  fields: CheckedHeaders | null,
  body: OutgoingBody | null,
  expectsContinue: boolean,
): RequestPlan {
  const promised = promisedLength(fields, body);
  return {
    method,
    origin,
    target,
    fields,
    body,
    bodyLength: promised >= 0 ? promised : body?.length ?? 0,
    expectsContinue: expectsContinue && body !== null,
    isAway: false,
    placing: "shared",
  };
}

/** The length that a caller promises; -1 without one. */
function promisedLength(
  fields: CheckedHeaders | null,
  body: OutgoingBody | null,
): number {
  const text = fields?.["content-length"];
  if (text === undefined || typeof text !== "string") return -1;
  const length = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(length)) {
    throw new TypeError('Header "content-length" is not a length');
  }
  const actual = body?.length ?? 0;
  if (actual >= 0 && actual !== length) {
    throw new TypeError('Header "content-length" is not that of the body');
  }
  return length;
}

/** Where a plan leads. */
export function urlOf({ origin, target }: RequestPlan): string {
  return origin + target;
}

/** What errors say of a plan. */
export function contextOf(plan: RequestPlan): { method: string; url: string } {
  return { method: plan.method, url: urlOf(plan) };
}

/** Whether what is planned does the same when it is done twice. */
export function isIdempotent({ method }: RequestPlan): boolean {
  return IDEMPOTENT.includes(method);
}

/** Whether the body, if there is one, can be sent once more. */
export function isReplayable({ body }: RequestPlan): boolean {
  return body === null || body.isReplayable;
}

/** Whether the caller wants the connection to end with it (RFC 9112 section 9.6). */
export function isLast({ fields }: RequestPlan): boolean {
  return fields?.connection === "close";
}

/**
 * Whether others may be sent behind it, and it behind others, before the
 * answers are in (RFC 9112 section 9.3.2).
 */
export function canPipeline(
  plan: RequestPlan,
  settings: Pick<CallSettings, "stream" | "onSwitch">,
): boolean {
  const { method, placing, body } = plan;
  // What reads its response slowly, or not at all, would hold up the others.
  if (settings.stream || settings.onSwitch !== null) return false;
  // What may come behind the answer to HEAD is not known: see reuse.ts.
  return isIdempotent(plan) && method !== "HEAD" && placing === "shared" &&
    !plan.expectsContinue && !isLast(plan) &&
    (body === null || body.bytes !== null);
}
