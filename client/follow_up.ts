import { dict } from "../parse/dict.ts";
import { utf8OfBytes } from "../parse/text.ts";
import type { CheckedHeaders } from "../wire/response_head.ts";
import type { AuthLesson } from "./authenticator.ts";
import { isIdempotent, isReplayable, type RequestPlan, urlOf } from "./plan.ts";
import type { CallSettings } from "./request_options.ts";
import { originOf, targetOf } from "./target.ts";

/** The head of a response, as far as it decides what follows. */
export interface ResponseHead {
  readonly status: number;
  /** The values of each line of a field. */
  readonly readHeaderLines: (name: string) => string[];
}

/** What a call may come to, and has come to so far. */
export interface SoFar {
  readonly settings: Pick<CallSettings, "auth" | "maxRedirects">;
  /** How many redirects were followed. */
  readonly redirects: number;
  /** How often it was sent again with credentials, since the last redirect. */
  readonly repeats: number;
}

/** Why a request goes out again. */
export type Cause =
  | "redirected"
  | "challenged" // its credentials are asked for, or were stale
  | "unexpected"; // the peer does not meet its expectation

/** It is for the caller. */
export interface Deliver {
  readonly kind: "deliver";
  /** What it teaches about credentials; null for nothing. */
  readonly lesson: AuthLesson | null;
}
/** Another request follows. */
export interface Again {
  readonly kind: "again";
  readonly cause: Cause;
  readonly plan: RequestPlan;
  /** Whether the body stays with the peer that has answered. */
  readonly leavesBody: boolean;
  readonly lesson: AuthLesson | null;
}
/** It cannot be followed as it says, and is of no other use. */
export interface Fail {
  readonly kind: "fail";
  readonly code: "too-many-redirects" | "bad-location";
  readonly lesson: null;
}
/** What is done about a response. */
export type FollowUp = Deliver | Again | Fail;

/** What a connection was lost for. */
export type Loss =
  | "own" // it may have been for the request itself
  | "dead" // it had worked before, and nothing of an answer has come
  | "another"; // for another request, or in good order behind its answer

/** Credentials may be refused, and nonces stale, so often. */
const MAX_REPEATS = 3;

/**
 * Fields of a caller's that go along to another origin: they say what is
 * wanted, and never who wants it.
 */
const HARMLESS =
  /^(?:accept(?:-(?:charset|encoding|language))?|user-agent|range|if-.+|cache-control|pragma|content-.+|dnt)$/;

/** Fields about a body, which go when the body goes (RFC 9110 section 15.4). */
const OF_BODY = /^content-/;

const DELIVER: Deliver = { kind: "deliver", lesson: null };

/**
 * What follows a response to what was planned. It changes nothing: what is to
 * be learnt of the response is in what it returns.
 *
 * @param credentials The value of `Authorization`, as it was sent.
 */
export function followUp(
  plan: RequestPlan,
  head: ResponseHead,
  soFar: SoFar,
  credentials: string | null,
): FollowUp {
  const { status } = head;
  if (status < 300) return deliver(head, credentials);
  switch (status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return redirect(plan, head, soFar);
    case 401:
      return authorize(plan, head, soFar, credentials);
    case 407:
      return DELIVER;
    case 417:
      return plan.expectsContinue && isReplayable(plan)
        ? again("unexpected", { ...plan, expectsContinue: false })
        : DELIVER;
    default:
      return deliver(head, credentials);
  }
}

/** What goes out after the loss of a connection; null where nothing does. */
export function afterLoss(plan: RequestPlan, loss: Loss): RequestPlan | null {
  // What may have been acted upon is not sent again (RFC 9110 section 9.2.2);
  // what may have ended the connection by itself would end the next one.
  if (loss === "own" || !isIdempotent(plan) || !isReplayable(plan)) return null;
  if (loss === "dead") {
    return plan.placing === "new" ? null : { ...plan, placing: "new" };
  }
  return plan.placing === "shared" ? { ...plan, placing: "alone" } : plan;
}

function again(
  cause: Cause,
  plan: RequestPlan,
  leavesBody = false,
  lesson: AuthLesson | null = null,
): Again {
  const shared: RequestPlan = { ...plan, placing: "shared" };
  return { kind: "again", cause, plan: shared, leavesBody, lesson };
}

/** It is for the caller; credentials, if there were any, were taken. */
function deliver(head: ResponseHead, credentials: string | null): Deliver {
  if (credentials === null) return DELIVER;
  const lines = head.readHeaderLines("authentication-info");
  const info = lines.length > 0 ? lines.join(", ") : null;
  return { kind: "deliver", lesson: { kind: "accepted", info } };
}

/** Credentials are asked for (RFC 9110 section 11.6.1). */
function authorize(
  plan: RequestPlan,
  head: ResponseHead,
  soFar: SoFar,
  credentials: string | null,
): FollowUp {
  const { auth } = soFar.settings;
  // What the caller has put there by hand is the caller's.
  if (
    auth === null || plan.isAway || plan.fields?.authorization !== undefined ||
    soFar.repeats >= MAX_REPEATS
  ) return DELIVER;
  const { isWorthIt, lesson } = auth.weigh(
    head.readHeaderLines("www-authenticate"),
    plan.origin.startsWith("https:"),
    credentials,
  );
  return isWorthIt && isReplayable(plan)
    ? again("challenged", plan, false, lesson)
    : { kind: "deliver", lesson };
}

/** It is elsewhere (RFC 9110 section 15.4). */
function redirect(
  plan: RequestPlan,
  head: ResponseHead,
  soFar: SoFar,
): FollowUp {
  const { maxRedirects } = soFar.settings;
  if (maxRedirects === 0) return DELIVER;
  const lines = head.readHeaderLines("location");
  if (lines.length === 0) return DELIVER;
  const becomesGet = changesToGet(plan.method, head.status);
  if (!becomesGet && !isReplayable(plan)) return DELIVER;
  if (soFar.redirects >= maxRedirects) return fail("too-many-redirects");
  const url = readLocation(lines, urlOf(plan));
  if (url === null) return fail("bad-location");
  const origin = originOf(url);
  const isAway = origin !== plan.origin;
  let { fields } = plan;
  if (becomesGet) fields = without(fields, (key) => OF_BODY.test(key));
  if (isAway) fields = without(fields, (key) => !HARMLESS.test(key));
  return again(
    "redirected",
    {
      ...plan,
      ...becomesGet ? NO_BODY : {},
      origin,
      target: targetOf(url),
      fields,
      isAway: isAway || plan.isAway,
    },
    becomesGet,
  );
}

/** What a request is made of that was one of another method. */
const NO_BODY = {
  method: "GET",
  body: null,
  bodyLength: 0,
  expectsContinue: false,
} as const;

/**
 * Whether a redirected request is a GET from here on: after 303 all but HEAD,
 * after 301 and 302 what was POST, as it always has (RFC 9110 section 15.4).
 */
function changesToGet(method: string, status: number): boolean {
  return status === 303
    ? method !== "HEAD" && method !== "GET"
    : status < 303 && method === "POST";
}

/** Where a redirect leads; null where it does not say, or requests cannot. */
function readLocation(lines: readonly string[], base: string): URL | null {
  if (lines.length > 1) return null;
  try {
    // Bytes beyond ASCII are UTF-8, as browsers have it.
    const url = new URL(utf8OfBytes(lines[0]), base);
    originOf(url);
    return url;
  } catch {
    return null;
  }
}

function fail(code: Fail["code"]): Fail {
  return { kind: "fail", code, lesson: null };
}

function without(
  fields: Readonly<CheckedHeaders> | null,
  isUnwanted: (key: string) => boolean,
): CheckedHeaders | null {
  if (fields === null) return null;
  const left = dict<string | string[]>();
  for (const [key, value] of Object.entries(fields)) {
    if (!isUnwanted(key)) left[key] = value;
  }
  return left;
}
