import { checkList } from "../parse/arguments.ts";
import { OptionNames } from "../parse/option_names.ts";
import { checkLimits } from "../wire/limits.ts";
import { parseSetCookie, type SetCookie } from "../parse/set_cookie.ts";
import { type CookieValue, writeCookie } from "../wire/cookies.ts";
import {
  checkCookie,
  type Cookie,
  CookieStore,
  domainMatches,
  type Entry,
  isNameless,
  isOver,
  isPrefixKept,
  isShareable,
  originOf,
  pathMatches,
} from "./cookie_store.ts";

export type { Cookie } from "./cookie_store.ts";

/** Bounds of a `CookieJar`. */
export interface CookieJarOptions {
  /** Cookies in all; default 3000. */
  maxCookies?: number;
  /** Cookies of one domain; default 180. */
  maxPerHost?: number;
  /** Bytes of a cookie's name and value together; default 4096. */
  maxLength?: number;
}

/** What `CookieJar.header()` can be told. */
export interface CookieHeaderOptions {
  /** Only what this very origin has set itself; default `false`. */
  ownOnly?: boolean;
  /** The time, in ms since the epoch; default the present. */
  now?: number;
}

const JAR_NAMES = new OptionNames<CookieJarOptions>("CookieJar", {
  maxCookies: true,
  maxPerHost: true,
  maxLength: true,
});
const HEADER_NAMES = new OptionNames<CookieHeaderOptions>("header()", {
  ownOnly: true,
  now: true,
});

/** A cookie lives no longer than 400 days, in ms. */
const MAX_AGE = 400 * 86_400_000;
const DEFAULTS = { maxCookies: 3000, maxPerHost: 180, maxLength: 4096 };

/**
 * Keeps the cookies that servers set, and gives them back to those that they
 * are meant for (RFC 6265bis section 5).
 *
 * It is stricter than the RFC in these points. A cookie without a `Domain`
 * goes back to the very origin that set it only: scheme, host and port. What
 * https has set never goes over http, with or without `Secure`, nor can http
 * put a cookie with a `Domain` in its place. A cookie without a name may not
 * have `=` in its value, as it would pass for one with a name.
 *
 * It has no list of public suffixes: no cookie can be set for all of `com`, as
 * a domain needs a dot, but one for all of `co.uk` can. Do not share a jar
 * between servers that would harm one another so. `SameSite` and `Partitioned`
 * are kept, and mean nothing here, but that `SameSite=None` needs `Secure`.
 *
 * When it is full, a cookie makes room that was not used for longest: one of
 * the same domain, and there one without `Secure` first, if it is the domain
 * that has too many.
 *
 * ```ts
 * import { CookieJar } from "@uhttp/uhttp/client";
 * import { assertEquals } from "@std/assert";
 *
 * const jar = new CookieJar();
 * jar.store(new URL("https://a.example/login"), ["id=7; Path=/; Secure"]);
 * assertEquals(jar.header(new URL("https://a.example/news")), "id=7");
 * assertEquals(jar.header(new URL("http://a.example/news")), null);
 *
 * const copy = CookieJar.fromJSON(JSON.parse(JSON.stringify(jar)));
 * assertEquals(copy.get("https://a.example/", "id"), "7");
 * ```
 */
export class CookieJar {
  readonly #store: CookieStore;
  readonly #maxLength: number;

  /**
   * An empty jar.
   *
   * @throws {TypeError} If a limit is not a number.
   * @throws {RangeError} If it is not a whole number above zero.
   */
  constructor(options: CookieJarOptions = {}) {
    JAR_NAMES.check(options);
    const limits = checkLimits(options, DEFAULTS);
    this.#store = new CookieStore(limits.maxCookies, limits.maxPerHost);
    this.#maxLength = limits.maxLength;
  }

  /** How many cookies there are that have not ended. */
  get size(): number {
    return this.#store.sizeAt(Date.now());
  }

  /**
   * Takes in the `Set-Cookie` lines of a response (RFC 6265bis section 5.7).
   * A cookie that is malformed, or that the URL may not set, is ignored.
   *
   * @param url Where the response came from.
   * @param setCookieLines Their values, one character a byte.
   * @param now The time, in ms since the epoch.
   */
  store(
    url: URL,
    setCookieLines: readonly string[],
    now: number = Date.now(),
  ): void {
    const origin = originOf(toUrl(url));
    checkList("What sets cookies", setCookieLines);
    if (origin === null) return;
    this.#store.expire(now);
    for (const line of setCookieLines) {
      const cookie = parseSetCookie(line, this.#maxLength);
      if (cookie !== null) this.#put(url, origin, cookie, now);
    }
  }

  /**
   * The value of the `Cookie` field for a request, or `null` without one
   * (RFC 6265bis section 5.8.3): longer paths first, then older cookies.
   *
   * @param url Where the request goes.
   */
  header(url: URL, options?: CookieHeaderOptions): string | null {
    HEADER_NAMES.check(options);
    const found = this.#find(toUrl(url), options?.now, options?.ownOnly);
    if (found.length === 0) return null;
    const now = options?.now ?? Date.now();
    let text = "";
    for (const entry of found) {
      const { name, value } = entry.cookie;
      if (text !== "") text += "; ";
      text += name === "" ? value : `${name}=${value}`;
      this.#store.touch(entry, now);
    }
    return text;
  }

  /**
   * The value of a cookie as a request to a URL would carry it; of several by
   * that name, the one that goes first.
   *
   * @param now The time, in ms since the epoch.
   */
  get(url: URL | string, name: string, now?: number): string | undefined {
    return this.#find(toUrl(url), now)
      .find(({ cookie }) => cookie.name === name)?.cookie.value;
  }

  /**
   * Sets a cookie as if a URL had set it; `null` deletes.
   *
   * @param value As for a server's `setCookie`: a value, or one with attributes.
   * @param now The time, in ms since the epoch.
   * @throws {TypeError} If the cookie is malformed, or the URL may not set it.
   */
  set(
    url: URL | string,
    name: string,
    value: CookieValue,
    now: number = Date.now(),
  ): void {
    const target = toUrl(url);
    const origin = originOf(target);
    const line = writeCookie(name, value);
    const complain = (problem: string): never => {
      throw new TypeError(`Cookie "${name}" ${problem}`);
    };
    if (origin === null) return complain("needs a URL of HTTP");
    if (value === null) return void this.delete(target, name, now);
    const cookie = parseSetCookie(line, this.#maxLength);
    if (cookie === null) return complain("is too long");
    if (typeof value === "object") {
      const { path = cookie.path, domain } = value;
      if (path !== cookie.path || domain !== undefined && !cookie.domain) {
        complain("has a path or domain that would be passed over");
      }
    }
    this.#store.expire(now);
    const problem = this.#put(target, origin, cookie, now);
    if (problem !== null) complain(problem);
  }

  /**
   * Deletes all cookies by a name that a request to a URL would carry.
   *
   * @param now The time, in ms since the epoch.
   * @returns Whether there was one.
   */
  delete(url: URL | string, name: string, now?: number): boolean {
    const found = this.#find(toUrl(url), now)
      .filter(({ cookie }) => cookie.name === name);
    for (const entry of found) this.#store.remove(entry);
    return found.length > 0;
  }

  /** Deletes all cookies. */
  clear(): void {
    for (const entry of this.#store.entries()) this.#store.remove(entry);
  }

  /** All cookies that have not ended, as copies, the oldest first. */
  *[Symbol.iterator](): Generator<Cookie, void, void> {
    const now = Date.now();
    for (const { cookie } of [...this.#store.entries()].sort(byAge)) {
      if (!isOver(cookie, now)) yield { ...cookie };
    }
  }

  /** All cookies, those of the session too, for `JSON.stringify(jar)`. */
  toJSON(): Cookie[] {
    return [...this];
  }

  /**
   * A jar with the cookies that `toJSON()` gave. What has ended or is
   * over the limits is left out.
   *
   * @param data The array, as it comes from `JSON.parse()`.
   * @throws {TypeError} If it is anything else, or holds a cookie that no
   * server could have set.
   */
  static fromJSON(data: unknown, options?: CookieJarOptions): CookieJar {
    const jar = new CookieJar(options);
    if (!Array.isArray(data)) throw new TypeError("Cookies are not an array");
    const now = Date.now();
    data.map(checkCookie)
      .map((cookie, order) => ({ cookie, order }))
      .sort((a, b) => a.cookie.lastAccess - b.cookie.lastAccess)
      .forEach(({ cookie, order }) => {
        const length = cookie.name.length + cookie.value.length;
        if (length <= jar.#maxLength && !isOver(cookie, now)) {
          jar.#store.add(cookie, order);
        }
      });
    return jar;
  }

  /** What a request would carry, in order. */
  #find(url: URL, now?: number, ownOnly = false): Entry[] {
    if (this.#store.size === 0) return [];
    const domains = this.#store.domainsOf(url.hostname);
    const origin = domains.length === 0 ? null : originOf(url);
    if (origin === null) return [];
    this.#store.expire(now ?? Date.now());
    const isHttps = origin.startsWith("https:");
    const path = url.pathname;
    const found: Entry[] = [];
    for (const { entries } of domains) {
      for (const entry of entries.values()) {
        const { cookie } = entry;
        // A cookie with `Secure` was set by https, so this covers it.
        const isMeant = cookie.hostOnly || ownOnly
          ? cookie.origin === origin
          : isHttps || !entry.isHttps;
        if (isMeant && pathMatches(path, cookie.path)) found.push(entry);
      }
    }
    return found.length > 1 ? found.sort(inOrder) : found;
  }

  /** Puts a cookie in by the rules, or tells what is wrong with it. */
  #put(
    url: URL,
    origin: string,
    from: SetCookie,
    now: number,
  ): string | null {
    const { name, value, secure, httpOnly, sameSite, partitioned } = from;
    const { maxAge } = from;
    const host = url.hostname;
    const isHttps = origin.startsWith("https:");
    const domain = from.domain ?? host;
    // One for a name without a dot, or an address, is for that host alone.
    const hostOnly = from.domain === null ||
      domain === host && !isShareable(domain);
    if (!hostOnly && !(isShareable(domain) && domainMatches(host, domain))) {
      return "has a domain that its host may not set it for";
    }
    const wanted = maxAge === null ? from.expires : now + maxAge * 1000;
    const cookie: Cookie = {
      name: copyOf(name),
      value: copyOf(value),
      domain: copyOf(domain),
      hostOnly,
      path: copyOf(from.path ?? defaultPath(url.pathname)),
      secure,
      httpOnly,
      sameSite,
      partitioned,
      expires: wanted === null ? null : Math.min(wanted, now + MAX_AGE),
      creation: now,
      lastAccess: now,
      origin,
    };
    if (secure && !isHttps) return "needs a URL of HTTPS";
    if (sameSite === "None" && !secure) return "needs secure for sameSite";
    if (name === "" && !isNameless(value)) return "needs a name";
    // A path that is "/" by default does not do for the prefix.
    if (!isPrefixKept(name, secure, hostOnly && from.path === "/")) {
      return "is not what the prefix of its name promises";
    }
    if (!isHttps && this.#isGuarded(cookie)) {
      return "would hide one that HTTPS has set";
    }
    if (isOver(cookie, now)) this.#store.removeLike(cookie);
    else this.#store.add(cookie);
    return null;
  }

  /**
   * Whether a cookie from http could be mistaken for one from https: beyond
   * the RFC, one without `Secure` is guarded too against what goes to https.
   */
  #isGuarded({ name, path, domain, hostOnly }: Cookie): boolean {
    for (const { cookie } of this.#store.protectedBy(name)) {
      if (
        (cookie.secure || !hostOnly) && pathMatches(path, cookie.path) &&
        (domainMatches(cookie.domain, domain) ||
          domainMatches(domain, cookie.domain))
      ) return true;
    }
    return false;
  }
}

function toUrl(url: URL | string): URL {
  if (url instanceof URL) return url;
  if (typeof url === "string" && URL.canParse(url)) return new URL(url);
  throw new TypeError("URL of a cookie is not a URL");
}

/** A copy: a slice would keep the whole head of the response in memory. */
function copyOf(text: string): string {
  return ` ${text}`.slice(1);
}

/** The folder of a path (RFC 6265bis section 5.1.4). */
function defaultPath(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function byAge(a: Entry, b: Entry): number {
  return a.cookie.creation - b.cookie.creation || a.order - b.order;
}

function inOrder(a: Entry, b: Entry): number {
  return b.cookie.path.length - a.cookie.path.length || byAge(a, b);
}
