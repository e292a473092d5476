import { ProtocolError } from "../parse/errors.ts";
import { dict } from "../parse/dict.ts";
import { utf8OfBytes } from "../parse/text.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import type { CheckedHeaders } from "../wire/response_head.ts";
import type { Exchange } from "./exchange.ts";
import { originOf, targetOf } from "./target.ts";

/** What is done after a response that is not the last word. */
export interface FollowUp {
  /** Nothing, as it cannot be followed. */
  error?: ProtocolError;
  /** Whether the body stays with the server that has answered. */
  leavesBody?: boolean;
  /** Changes what is sent next. */
  prepare?(): void;
}

/** Credentials may be refused, and nonces stale, so often. */
const MAX_REPEATS = 3;

/**
 * Fields of a caller's that go along to another origin: they say what is
 * wanted, and never who wants it.
 */
const HARMLESS =
  /^(?:accept(?:-(?:charset|encoding|language))?|user-agent|range|if-.+|cache-control|pragma|content-.+|dnt)$/;

/** Fields about a body, which go when the body goes. */
const OF_BODY = /^content-/;

/** What follows a response; `null` where it is for the caller. */
export function followUp(
  exchange: Exchange,
  parser: ResponseParser,
): FollowUp | null {
  const { status } = parser;
  if (status < 300) {
    if (exchange.sentAuth !== null) learn(exchange, parser);
    return null;
  }
  switch (status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return redirect(exchange, parser);
    case 401:
      return authorize(exchange, parser);
    case 417:
      return exchange.expectsContinue && exchange.isReplayable
        ? { prepare: () => exchange.expectsContinue = false }
        : null;
    default:
      if (exchange.sentAuth !== null && status !== 407) learn(exchange, parser);
      return null;
  }
}

/** Credentials were taken. */
function learn(exchange: Exchange, parser: ResponseParser): void {
  const lines = parser.readHeaderLines("authentication-info");
  exchange.settings.auth?.learned(lines.length > 0 ? lines.join(", ") : null);
}

function authorize(
  exchange: Exchange,
  parser: ResponseParser,
): FollowUp | null {
  const { auth } = exchange.settings;
  // What the caller has put there by hand is the caller's.
  if (
    auth === null || exchange.isAwayFromAuth ||
    exchange.headers?.authorization !== undefined ||
    exchange.repeats >= MAX_REPEATS
  ) return null;
  const isWorthIt = auth.challenged(
    parser.readHeaderLines("www-authenticate"),
    exchange.origin.startsWith("https:"),
    exchange.sentAuth,
  );
  if (!isWorthIt || !exchange.isReplayable) return null;
  return { prepare: () => exchange.repeats++ };
}

function redirect(exchange: Exchange, parser: ResponseParser): FollowUp | null {
  const { maxRedirects } = exchange.settings;
  if (maxRedirects === 0 || exchange.onSwitch !== null) return null;
  const lines = parser.readHeaderLines("location");
  if (lines.length === 0) return null;
  const { status } = parser;
  const { method } = exchange;
  // RFC 9110 section 15.4: POST becomes GET as it always has.
  const becomesGet = status === 303
    ? method !== "HEAD" && method !== "GET"
    : status < 303 && method === "POST";
  if (!becomesGet && !exchange.isReplayable) return null;
  if (exchange.redirects >= maxRedirects) {
    return { error: new ProtocolError("too-many-redirects") };
  }
  let url: URL;
  let origin: string;
  try {
    if (lines.length > 1) throw new TypeError("Two of them");
    // Bytes beyond ASCII are UTF-8, as browsers have it.
    const location = utf8OfBytes(lines[0]);
    url = new URL(location, exchange.url);
    origin = originOf(url);
  } catch {
    return { error: new ProtocolError("bad-location") };
  }
  return {
    leavesBody: becomesGet,
    prepare() {
      exchange.redirects++;
      exchange.repeats = 0;
      if (becomesGet) {
        exchange.method = "GET";
        exchange.body = null;
        exchange.expectsContinue = false;
        exchange.headers = without(
          exchange.headers,
          (key) => OF_BODY.test(key),
        );
      }
      if (origin !== exchange.origin) {
        exchange.leaveOrigin();
        exchange.headers = without(
          exchange.headers,
          (key) => !HARMLESS.test(key),
        );
      }
      exchange.origin = origin;
      exchange.target = targetOf(url);
    },
  };
}

function without(
  headers: CheckedHeaders | null,
  isUnwanted: (key: string) => boolean,
): CheckedHeaders | null {
  if (headers === null) return null;
  const left = dict<string | string[]>();
  for (const [key, value] of Object.entries(headers)) {
    if (!isUnwanted(key)) left[key] = value;
  }
  return left;
}
