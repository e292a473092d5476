import { encodeBase64 } from "@std/encoding";
import { parseAuthParameters, parseChallenges } from "../parse/challenges.ts";
import {
  bestDigest,
  type DigestOffer,
  DigestSession,
  withNonce,
} from "./digest.ts";

/**
 * Who the caller is, and how an `HttpClient` may say so.
 *
 * - `[user, password]`: as the peer likes. Over TLS they go along at once,
 *   as Basic (RFC 7617); in plain text nothing does until the peer has
 *   asked, and then the best way that it offers is used: Digest (RFC 7616)
 *   with SHA-512-256, SHA-256 or MD5, or else Basic.
 * - `basic`: user and password as Basic, at once and always.
 * - `digest`: by Digest alone, so that the password never leaves this side.
 * - `bearer`: a token (RFC 6750), at once and always.
 */
export type ClientAuth =
  | readonly [user: string, password: string]
  | { readonly basic: readonly [user: string, password: string] }
  | { readonly digest: readonly [user: string, password: string] }
  | { readonly bearer: string };

/** What a response teaches about the requests to come. */
export type AuthLesson =
  /** By Digest from here on, beginning with this nonce. */
  | { readonly kind: "digest"; readonly offer: DigestOffer }
  /** By Basic from here on. */
  | { readonly kind: "basic" }
  /** The credentials were wrong. */
  | { readonly kind: "refused" }
  /** They were right; `info` is the value of `Authentication-Info`. */
  | { readonly kind: "accepted"; readonly info: string | null };

/** What a challenge comes to. */
export interface Weighed {
  /** Whether the request is worth sending once more. */
  readonly isWorthIt: boolean;
  /** What is to be learnt of it; null for nothing. */
  readonly lesson: AuthLesson | null;
}

const WORTH_IT: Weighed = { isWorthIt: true, lesson: null };
const NOT_WORTH_IT: Weighed = { isWorthIt: false, lesson: null };

/** `b64token`, RFC 6750 section 2.1. */
const BEARER = /^[\w.~+/-]+=*$/;

function complain(what: string): never {
  throw new TypeError(`Option "auth" ${what}`);
}

function checkPair(value: unknown, isForBasic: boolean): void {
  if (!Array.isArray(value) || value.length !== 2) {
    complain("is not a user and a password");
  }
  for (const text of value) {
    if (typeof text !== "string") {
      complain("has a user or password that is not a string");
    }
    if (/\p{Cc}/u.test(text)) complain("holds a control character");
    if (!text.isWellFormed()) complain("holds half a character");
  }
  if (isForBasic && value[0].includes(":")) {
    complain("has a user with a colon, which Basic cannot express");
  }
}

/**
 * Answers what one peer, or one proxy, asks for: `WWW-Authenticate` with
 * `Authorization`, `Proxy-Authenticate` with `Proxy-Authorization`.
 *
 * It knows of no requests, of which many may be under way at once: what a
 * refused one carried is told to it. Of the peer it keeps one nonce.
 */
export class Authenticator {
  readonly #user: string = "";
  readonly #password: string = "";
  /** What goes along without being asked for, by the scheme's own nature. */
  readonly #fixed: string | null = null;
  /** The same for what is sent only where the scheme is Basic. */
  readonly #basic: string | null = null;
  /** What the peer asked for last. */
  #asked: "nothing" | "basic" | "digest" = "nothing";
  #session: DigestSession | null = null;
  /** Whether credentials were accepted since the last challenge. */
  #isProven = false;

  /**
   * An authenticator that has been asked for nothing yet.
   *
   * @throws {TypeError} If `auth` is none of its forms, or holds what cannot
   * be sent.
   */
  constructor(auth: ClientAuth) {
    if (Array.isArray(auth)) {
      checkPair(auth, true);
      [this.#user, this.#password] = auth;
      this.#basic = writeBasic(this.#user, this.#password);
      return;
    }
    const [form, ...more] = typeof auth === "object" && auth !== null
      ? Object.entries(auth).filter(([, value]) => value !== undefined)
      : [];
    if (form === undefined || more.length > 0) {
      complain("is not a user and a password, or one of basic, digest, bearer");
    }
    const [scheme, value] = form;
    switch (scheme) {
      case "basic":
        checkPair(value, true);
        this.#fixed = writeBasic(value[0], value[1]);
        break;
      case "digest":
        checkPair(value, false);
        [this.#user, this.#password] = value;
        break;
      case "bearer":
        if (typeof value !== "string" || !BEARER.test(value)) {
          complain("has a bearer that is not a token of RFC 6750");
        }
        this.#fixed = `Bearer ${value}`;
        break;
      default:
        complain("names a scheme that is not basic, digest or bearer");
    }
  }

  /**
   * The value of `Authorization` for one more request, or `null` for none yet.
   * Every value for Digest is for one request, and is to be sent as it is.
   *
   * @param method The request's method.
   * @param target The request target as it is sent.
   * @param isSecure Whether the connection is one of TLS.
   */
  authorization(
    method: string,
    target: string,
    isSecure: boolean,
  ): string | null {
    if (this.#fixed !== null) return this.#fixed;
    if (this.#session?.isSpent) this.#session = null;
    if (this.#session !== null) {
      return this.#session.authorization(method, target);
    }
    return isSecure || this.#asked === "basic" ? this.#basic : null;
  }

  /**
   * Learns from a 401 (or a proxy's 407), and says whether the request is
   * worth sending once more, with a new `authorization()`.
   *
   * Refused credentials are not. But the peer may call every nonce stale,
   * so bound how often you ask for one request: three times is plenty.
   *
   * @param lines The values of `WWW-Authenticate`.
   * @param isSecure Whether the connection is one of TLS.
   * @param used What `authorization()` gave for the refused request.
   */
  challenged(
    lines: readonly string[],
    isSecure: boolean,
    used: string | null,
  ): boolean {
    const { isWorthIt, lesson } = this.weigh(lines, isSecure, used);
    if (lesson !== null) this.learn(lesson);
    return isWorthIt;
  }

  /**
   * What `challenged()` says and learns, without learning it.
   *
   * @param lines The values of `WWW-Authenticate`.
   * @param isSecure Whether the connection is one of TLS.
   * @param used What `authorization()` gave for the refused request.
   */
  weigh(
    lines: readonly string[],
    isSecure: boolean,
    used: string | null,
  ): Weighed {
    if (this.#fixed !== null) return used === null ? WORTH_IT : NOT_WORTH_IT;
    const challenges = parseChallenges(lines);
    const offer = bestDigest(challenges);
    if (offer !== null) return this.#weighDigest(offer, used);
    return challenges.some(({ scheme }) => scheme === "basic")
      ? this.#weighBasic(isSecure, used)
      : NOT_WORTH_IT;
  }

  /** Goes by what a response has taught, from the next request on. */
  learn(lesson: AuthLesson): void {
    switch (lesson.kind) {
      case "digest":
        this.#begin(lesson.offer);
        return;
      case "basic":
        this.#session = null;
        this.#asked = "basic";
        return;
      case "refused":
        this.#session = null;
        return;
      case "accepted":
        this.learned(lesson.info);
    }
  }

  /**
   * Learns from a response that accepted the request's `Authorization`.
   *
   * Best called for each: then a nonce that the peer forgets is told from a
   * wrong password, even by a peer that does not say which of them it is.
   *
   * @param authenticationInfo The value of `Authentication-Info` (or of
   * `Proxy-Authentication-Info`), which may name the next nonce (RFC 7616
   * section 3.5); `null` where there was none.
   */
  learned(authenticationInfo: string | null): void {
    const session = this.#session;
    if (session === null) return;
    // With MD5-sess and such the key stays that of the first nonce by RFC
    // 2617 and changes by RFC 7616: wait until the peer calls it stale.
    if (authenticationInfo !== null && !session.offer.isSession) {
      const { nextnonce = "" } = parseAuthParameters(authenticationInfo);
      const offer = withNonce(session.offer, nextnonce);
      if (offer !== null) this.#begin(offer);
    }
    this.#isProven = true;
  }

  #weighDigest(offer: DigestOffer, used: string | null): Weighed {
    const session = this.#session;
    const refused = used === null ? null : usedDigest(used);
    const anew: Weighed = {
      isWorthIt: true,
      lesson: { kind: "digest", offer },
    };
    const isOld = session !== null && refused?.nonce !== session.offer.nonce;
    if (refused === null || isOld) {
      // It was sent with nothing or Basic, or before the session began. Of
      // many such requests only the first begins one.
      return session?.offer.realm === offer.realm ? WORTH_IT : anew;
    }
    const isOtherRealm = refused.realm !== offer.realm;
    // The same nonce again gives the same answer.
    if (refused.nonce === offer.nonce && !isOtherRealm) return NOT_WORTH_IT;
    const isForgotten = session !== null && this.#isProven;
    if (offer.isStale || isOtherRealm || isForgotten) return anew;
    // The next request starts afresh, should the credentials become right.
    return { isWorthIt: false, lesson: { kind: "refused" } };
  }

  #weighBasic(isSecure: boolean, used: string | null): Weighed {
    if (this.#basic === null || used === this.#basic) return NOT_WORTH_IT;
    // Who can read along must not talk us out of Digest.
    if (!isSecure && this.#asked === "digest") return NOT_WORTH_IT;
    return { isWorthIt: true, lesson: { kind: "basic" } };
  }

  #begin(offer: DigestOffer): void {
    this.#session = new DigestSession(this.#user, this.#password, offer);
    this.#asked = "digest";
    this.#isProven = false;
  }
}

function writeBasic(user: string, password: string): string {
  return `Basic ${encodeBase64(`${user}:${password}`.normalize("NFC"))}`;
}

/** Realm and nonce that a request was sent with; null where not by Digest. */
function usedDigest(used: string): { realm: string; nonce: string } | null {
  const [credentials] = parseChallenges([used]);
  if (credentials?.scheme !== "digest") return null;
  const { realm, nonce } = credentials.parameters;
  return { realm, nonce };
}
