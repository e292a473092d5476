import { encodeHex } from "@std/encoding";
import type { Hash } from "node:crypto";
import type { Challenge } from "../parse/challenges.ts";
import { hasItem } from "../parse/fields.ts";
import { builtin } from "../runtime/builtins.ts";

/** Names of the algorithms, best first, and what `node:crypto` calls them. */
const ALGORITHMS: readonly (readonly [name: string, hash: string])[] = [
  ["sha-512-256", "sha512-256"],
  ["sha-256", "sha256"],
  ["md5", "md5"],
];

/** Characters of what is kept of a challenge, and sent with each request. */
const MAX_LENGTH = 8192;

/** A count is sent as eight hexadecimal digits. */
const MAX_COUNT = 0xffff_ffff;

/** A Digest challenge that can be answered (RFC 7616 section 3.3). */
export interface DigestOffer {
  /** Whose passwords are asked for, one character a byte. */
  readonly realm: string;
  /** What makes an answer worthless elsewhere and later. */
  readonly nonce: string;
  /** To be sent back as it is; `null` where there is none. */
  readonly opaque: string | null;
  /** The algorithm as the peer wrote it; `null` for MD5 by default. */
  readonly algorithm: string | null;
  /** What `node:crypto` calls the hash. */
  readonly hash: string;
  /** The lower, the better the algorithm is. */
  readonly rank: number;
  /** Whether the nonces are part of the key (`MD5-sess` and such). */
  readonly isSession: boolean;
  /** Whether requests are counted (`qop=auth`); not by RFC 2069. */
  readonly isCounted: boolean;
  /** Whether the user is to be named by a hash. */
  readonly hidesUser: boolean;
  /** Whether the peer knows more than RFC 2617, such as `username*`. */
  readonly isModern: boolean;
  /** Whether but for its nonce nothing was wrong with the request. */
  readonly isStale: boolean;
}

/**
 * Reads a Digest challenge; null where it is none, or cannot be answered: an
 * unknown algorithm, `auth-int` alone, no nonce, or more than 8 KiB to keep.
 *
 * As cameras send them: without a realm, or with an empty one; and SHA-256 of
 * requests that are not counted, which RFC 7616 does not have, and is as RFC
 * 2069 has it for MD5.
 */
export function readDigest(challenge: Challenge): DigestOffer | null {
  const { scheme, parameters } = challenge;
  if (scheme !== "digest") return null;
  const { realm = "", nonce = "", opaque = null } = parameters;
  // What says nothing counts as left out.
  const algorithm = parameters.algorithm || null;
  const qop = parameters.qop || undefined;
  if (nonce === "") return null;
  if (isTooLong(realm, nonce, opaque)) return null;
  const lower = (algorithm ?? "md5").toLowerCase();
  const isSession = lower.endsWith("-sess");
  const name = isSession ? lower.slice(0, -5) : lower;
  const rank = ALGORITHMS.findIndex(([known]) => isSameName(known, name));
  if (rank < 0) return null;
  const isCounted = qop !== undefined;
  // Without it a session has no `cnonce` that both sides know.
  if (isCounted ? !hasItem(qop, "auth") : isSession) return null;
  const hidesUser = isTrue(parameters.userhash);
  return {
    realm,
    nonce,
    opaque,
    algorithm,
    hash: ALGORITHMS[rank][1],
    rank,
    isSession,
    isCounted,
    hidesUser,
    isModern: hidesUser || name !== "md5" ||
      parameters.charset?.toLowerCase() === "utf-8",
    isStale: isTrue(parameters.stale),
  };
}

/** Some write the names of algorithms without their dashes. */
function isSameName(known: string, name: string): boolean {
  return known === name || known.replaceAll("-", "") === name;
}

/** The offer with the next nonce; null where that is none, or too long. */
export function withNonce(
  offer: DigestOffer,
  nonce: string,
): DigestOffer | null {
  return nonce === "" || nonce === offer.nonce ||
      isTooLong(offer.realm, nonce, offer.opaque)
    ? null
    : { ...offer, nonce };
}

function isTooLong(realm: string, nonce: string, opaque: string | null) {
  return realm.length + nonce.length + (opaque?.length ?? 0) > MAX_LENGTH;
}

/** The best of the Digest challenges; null where none can be answered. */
export function bestDigest(
  challenges: readonly Challenge[],
): DigestOffer | null {
  let best: DigestOffer | null = null;
  for (const challenge of challenges) {
    const offer = readDigest(challenge);
    if (offer !== null && (best === null || offer.rank < best.rank)) {
      best = offer;
    }
  }
  return best;
}

/** What a session begins with, where that is not to be left to chance. */
export interface DigestStart {
  /** Our own nonce; random by default. */
  cnonce?: string;
  /** Requests that have been counted with the nonce; default 0. */
  count?: number;
}

/**
 * Answers to one nonce (RFC 7616 section 3.4).
 *
 * All have the same `cnonce`: peers differ in whether the key of `MD5-sess`
 * and such is of the first one or of each, and so both come to the same.
 */
export class DigestSession {
  /** What is being answered. */
  readonly offer: DigestOffer;
  readonly #cnonce: string;
  readonly #key: string;
  /** The parameters that never change, before and behind those that do. */
  readonly #head: string;
  readonly #tail: string;
  #count: number;

  /**
   * A session of a user. Name and password are well-formed, without control
   * characters.
   */
  constructor(
    user: string,
    password: string,
    offer: DigestOffer,
    { cnonce = makeNonce(), count = 0 }: DigestStart = {},
  ) {
    this.offer = offer;
    this.#cnonce = cnonce;
    this.#count = count;
    const { realm, nonce, opaque, algorithm, hash } = offer;
    // Section 4. A name is the same however its accents are composed.
    const name = user.normalize("NFC");
    const key = createHash(hash)
      .update(`${name}:`)
      .update(realm, "latin1")
      .update(`:${password.normalize("NFC")}`)
      .digest("hex");
    this.#key = offer.isSession
      ? digest(hash, `${key}:${nonce}:${cnonce}`)
      : key;
    this.#head = `Digest ${writeUser(name, offer)}, realm=${quote(realm)}, ` +
      `nonce=${quote(nonce)}`;
    let tail = "";
    if (algorithm !== null) tail += `, algorithm=${algorithm}`;
    if (opaque !== null) tail += `, opaque=${quote(opaque)}`;
    if (offer.isCounted) tail += `, qop=auth, cnonce=${quote(cnonce)}`;
    if (offer.hidesUser) tail += ", userhash=true";
    this.#tail = tail;
  }

  /** Whether the nonce can be used no more, as its count would overflow. */
  get isSpent(): boolean {
    return this.#count >= MAX_COUNT;
  }

  /**
   * The value of `Authorization` for one request, which it counts.
   *
   * @param target The request target as it is sent.
   */
  authorization(method: string, target: string): string {
    const { hash, nonce, isCounted } = this.offer;
    const request = digest(hash, `${method}:${target}`);
    let count = "";
    let middle = "";
    if (isCounted) {
      count = (++this.#count).toString(16).padStart(8, "0");
      middle = `:${count}:${this.#cnonce}:auth`;
    }
    const response = digest(hash, `${this.#key}:${nonce}${middle}:${request}`);
    return `${this.#head}, uri=${quote(target)}, response="${response}"` +
      (isCounted ? `, nc=${count}${this.#tail}` : this.#tail);
  }
}

/** The parameter that names the user (RFC 7616 sections 3.4 and 3.4.4). */
function writeUser(name: string, offer: DigestOffer): string {
  if (offer.hidesUser) {
    const hidden = createHash(offer.hash)
      .update(`${name}:`)
      .update(offer.realm, "latin1")
      .digest("hex");
    return `username="${hidden}"`;
  }
  if (/^[ -~]*$/.test(name)) return `username=${quote(name)}`;
  if (!offer.isModern) {
    // A peer of RFC 2617 wants a username, and knows no username*.
    const bytes = Array.from(new TextEncoder().encode(name));
    const text = bytes.map((byte) => String.fromCharCode(byte)).join("");
    return `username=${quote(text)}`;
  }
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `username*=UTF-8''${encoded}`;
}

function createHash(hash: string): Hash {
  return builtin("node:crypto").createHash(hash);
}

function makeNonce(): string {
  return encodeHex(crypto.getRandomValues(new Uint8Array(16)));
}

function digest(hash: string, text: string): string {
  return createHash(hash).update(text, "latin1").digest("hex");
}

function quote(text: string): string {
  return /["\\]/.test(text)
    ? `"${text.replace(/["\\]/g, "\\$&")}"`
    : `"${text}"`;
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}
