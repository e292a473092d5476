import type { HttpConnection } from "@uhttp/uhttp";
import { createHash, randomBytes } from "node:crypto";

/** Whom a {@linkcode DigestGuard} lets in, and how it asks. */
export interface DigestGuardOptions {
  user: string;
  password: string;
  /** `MD5` (the default), `SHA-256`, `SHA-512-256`, or one with `-sess`. */
  algorithm?: string;
  /** Characters beyond Latin-1 do not fit. */
  realm?: string;
  /** Requests that one nonce is good for; then it is stale. */
  maxUses?: number;
  /** Ask for the user's name as a hash. */
  userhash?: boolean;
  /**
   * Whether counts must come in order, as they do on one connection; by
   * default none may be repeated.
   */
  inOrder?: boolean;
}

const HASHES: Record<string, string> = {
  "MD5": "md5",
  "SHA-256": "sha256",
  "SHA-512-256": "sha512-256",
};

/**
 * A server's side of Digest (RFC 7616) that shares nothing with the client's:
 * strict about the syntax, about counts, and about what may be left out.
 */
export class DigestGuard {
  readonly #options: Required<DigestGuardOptions>;
  readonly #hash: string;
  /** The counts that each nonce was used with. */
  readonly #nonces = new Map<string, number[]>();
  readonly #opaque = randomBytes(9).toString("base64");
  /** Requests that were let in. */
  accepted = 0;
  /** Requests that were refused, and why, in order. */
  readonly refused: string[] = [];

  constructor(options: DigestGuardOptions) {
    this.#options = {
      algorithm: "MD5",
      realm: 'a "guarded" realm',
      maxUses: Infinity,
      userhash: false,
      inOrder: false,
      ...options,
    };
    this.#hash = HASHES[this.#options.algorithm.replace(/-sess$/, "")];
    if (this.#hash === undefined) throw new TypeError("Unknown algorithm");
  }

  /** Forgets all nonces, as a server does that starts anew. */
  forget(): void {
    this.#nonces.clear();
  }

  /** Whether a request may pass; if not, it is answered here with a 401. */
  check(client: HttpConnection): boolean {
    const problem = this.#problem(client);
    if (problem === null) {
      this.accepted++;
      return true;
    }
    this.refused.push(problem);
    client.respond(problem, {
      status: 401,
      headers: { "www-authenticate": this.challenge(problem === "stale") },
    });
    return false;
  }

  /** A challenge with a new nonce. */
  challenge(isStale = false): string {
    const { algorithm, realm, userhash } = this.#options;
    const nonce = randomBytes(12).toString("base64");
    this.#nonces.set(nonce, []);
    return `Digest realm=${quoted(realm)}, qop="auth, auth-int", ` +
      `algorithm=${algorithm}, nonce="${nonce}", opaque="${this.#opaque}", ` +
      "charset=UTF-8" + (userhash ? ", userhash=true" : "") +
      (isStale ? ", stale=true" : "");
  }

  /** Why a request may not pass, or null. */
  #problem(client: HttpConnection): string | null {
    const lines = client.headersAll("authorization");
    if (lines.length !== 1) return "none";
    const found = readAuthorization(lines[0]);
    if (found === null) return "malformed";
    const { algorithm, realm, maxUses, inOrder } = this.#options;
    if (found.get("realm") !== realm) return "realm";
    if (found.get("algorithm") !== algorithm) return "algorithm";
    if (found.get("opaque") !== this.#opaque) return "opaque";
    if (found.get("qop") !== "auth") return "qop";
    if (found.get("uri") !== client.url) return "uri";
    if (!this.#isUser(found)) return "user";
    const nc = found.get("nc") ?? "";
    if (!/^[0-9a-f]{8}$/.test(nc)) return "nc";
    const nonce = found.get("nonce") ?? "";
    if (found.get("response") !== this.#response(client.method, found)) {
      return "response";
    }
    // Who gets this far knows the password.
    const used = this.#nonces.get(nonce);
    if (used === undefined || used.length >= maxUses) return "stale";
    const count = parseInt(nc, 16);
    if (count === 0 || used.includes(count)) return "replay";
    if (inOrder && count < Math.max(...used)) return "order";
    used.push(count);
    return null;
  }

  #isUser(found: Map<string, string>): boolean {
    const { user, realm, userhash } = this.#options;
    const name = found.get("username");
    const extended = found.get("username*");
    if (name !== undefined && extended !== undefined) return false;
    if ((found.get("userhash") === "true") !== userhash) return false;
    if (userhash) return name === this.#digest(`${user}:`, realm);
    if (name !== undefined) return name === user;
    const match = /^UTF-8''((?:[\w!#$&+.^`|~-]|%[0-9A-F]{2})+)$/
      .exec(extended ?? "");
    return match !== null && decodeURIComponent(match[1]) === user;
  }

  #response(method: string, found: Map<string, string>): string {
    const { user, password, realm, algorithm } = this.#options;
    const [uri, nonce, nc, cnonce] = ["uri", "nonce", "nc", "cnonce"].map(
      (name) => found.get(name) ?? "",
    );
    let key = this.#digest(`${user}:`, realm, `:${password}`);
    if (algorithm.endsWith("-sess")) {
      key = this.#digest([key, nonce, cnonce].join(":"));
    }
    const request = this.#digest(`${method}:${uri}`);
    return this.#digest([key, nonce, nc, cnonce, "auth", request].join(":"));
  }

  /** The hash of some text; a realm in its midst is Latin-1. */
  #digest(before: string, realm = "", after = ""): string {
    return createHash(this.#hash).update(before).update(realm, "latin1")
      .update(after).digest("hex");
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Names that RFC 7616 section 3.4 wants in quotes, and wants without. */
const QUOTED = ["username", "realm", "nonce", "uri", "response", "cnonce"]
  .concat("opaque");
const BARE = ["username*", "algorithm", "qop", "nc", "userhash"];

/** The parameters of an `Authorization`; null where it is not to the letter. */
function readAuthorization(value: string): Map<string, string> | null {
  if (!value.startsWith("Digest ")) return null;
  const found = new Map<string, string>();
  const parameter = /([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))(?:, |$)/y;
  parameter.lastIndex = "Digest ".length;
  while (parameter.lastIndex < value.length) {
    const match = parameter.exec(value);
    if (match === null) return null;
    const [, name, inQuotes, bare] = match;
    if (found.has(name)) return null;
    if (!(inQuotes === undefined ? BARE : QUOTED).includes(name)) return null;
    found.set(name, inQuotes?.replace(/\\(.)/g, "$1") ?? bare);
  }
  return found;
}
