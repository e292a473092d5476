import { FIELD_VALUE, isAll } from "../parse/chars.ts";
import { trim } from "../parse/fields.ts";
import { isIpv4 } from "../parse/host.ts";

/** A cookie in a jar. What you get is a copy: to change it does nothing. */
export interface Cookie {
  /** The name; "" for a cookie that is a value alone. */
  name: string;
  /** The value as it came, one character a byte. */
  value: string;
  /** The host that it belongs to, or with all below it. */
  domain: string;
  /** Whether it goes to the origin that set it alone. */
  hostOnly: boolean;
  /** The path that it belongs to, with all below. */
  path: string;
  /** Whether it was set with `Secure`. */
  secure: boolean;
  /** Whether it was set with `HttpOnly`. */
  httpOnly: boolean;
  /** `SameSite`; it is kept, but a client that shows no pages has no use for it. */
  sameSite: "Strict" | "Lax" | "None" | undefined;
  /** Whether it was set with `Partitioned`. */
  partitioned: boolean;
  /** When it ends, in ms since the epoch; `null` for the end of the session. */
  expires: number | null;
  /** When it was first set, in ms since the epoch. */
  creation: number;
  /** When it was last set or sent, in ms since the epoch. */
  lastAccess: number;
  /** The origin that set it last, such as `https://a.example:8443`. */
  origin: string;
}

/** A link of a ring. The one that has no entry is its end. */
class Link {
  readonly entry: Entry | null;
  #before: Link = this;
  #after: Link = this;

  constructor(entry: Entry | null) {
    this.entry = entry;
  }

  get before(): Link {
    return this.#before;
  }

  get after(): Link {
    return this.#after;
  }

  unlink(): void {
    this.#before.#after = this.#after;
    this.#after.#before = this.#before;
    this.#before = this.#after = this;
  }

  /** Takes its place before another, wherever it was. */
  moveBefore(next: Link): void {
    this.unlink();
    this.#before = next.#before;
    this.#after = next;
    next.#before.#after = this;
    next.#before = this;
  }
}

/** Entries by their last use, so that the oldest is found without a search. */
class Ring {
  readonly #end = new Link(null);

  get oldest(): Entry | null {
    return this.#end.after.entry;
  }

  /** Makes one the newest, wherever it was. */
  push(link: Link): void {
    const end = this.#end;
    if (end.before !== link) link.moveBefore(end);
  }
}

/** A cookie, and its place in the store. */
export class Entry {
  /** The cookie itself, never handed out. */
  readonly cookie: Cookie;
  /** Whether https set it; then it never goes over http. */
  readonly isHttps: boolean;
  /** What tells it from others of its domain. */
  readonly key: string;
  /** Tells apart what was made in the same millisecond. */
  readonly order: number;
  /** Its place among the cookies of its domain. */
  readonly inDomain: Link = new Link(this);
  /** Its place among all cookies. */
  readonly inStore: Link = new Link(this);

  /** A cookie that is not in a store yet. */
  constructor(cookie: Cookie, key: string, order: number) {
    this.cookie = cookie;
    this.key = key;
    this.isHttps = cookie.origin.startsWith("https:");
    this.order = order;
  }
}

/** The cookies of one domain. */
export class Domain {
  /** By key. */
  readonly entries: Map<string, Entry> = new Map();
  readonly #plain = new Ring();
  readonly #secure = new Ring();

  /** The one to give up first: those without `Secure` before the others. */
  get oldest(): Entry | null {
    return this.#plain.oldest ?? this.#secure.oldest;
  }

  /** Makes one the newest. */
  push(entry: Entry): void {
    (entry.cookie.secure ? this.#secure : this.#plain).push(entry.inDomain);
  }
}

const NO_DOMAINS: readonly Domain[] = [];

/** Cookies by domain, within limits. What may enter is decided elsewhere. */
export class CookieStore {
  /** Cookies in it, with those that have ended since `expire()`. */
  size = 0;
  readonly #maxCookies: number;
  readonly #maxPerHost: number;
  readonly #domains = new Map<string, Domain>();
  readonly #used = new Ring();
  /** What https has set, by name. */
  readonly #protected = new Map<string, Set<Entry>>();
  /** How many cookies go to more than one host. */
  #shared = 0;
  /** No cookie ends before. */
  #nextExpiry = Infinity;
  #order = 0;

  /** An empty store. */
  constructor(maxCookies: number, maxPerHost: number) {
    this.#maxCookies = maxCookies;
    this.#maxPerHost = maxPerHost;
  }

  /** The domains that may have a cookie for a host: its own, and all above. */
  domainsOf(host: string): readonly Domain[] {
    const own = this.#domains.get(host);
    if (this.#shared === 0) {
      return own === undefined ? NO_DOMAINS : [own];
    }
    const found = own === undefined ? [] : [own];
    for (let dot = host.indexOf("."); dot >= 0;) {
      const domain = this.#domains.get(host.slice(dot + 1));
      if (domain !== undefined) found.push(domain);
      dot = host.indexOf(".", dot + 1);
    }
    return found;
  }

  /** What https has set by some name, anywhere. */
  protectedBy(name: string): Iterable<Entry> {
    return this.#protected.get(name) ?? [];
  }

  /**
   * Puts a cookie in; what it replaces passes its creation time on.
   *
   * @param order Its place among those of the same creation time.
   */
  add(cookie: Cookie, order: number = this.#order): void {
    const key = keyOf(cookie);
    const old = this.#domains.get(cookie.domain)?.entries.get(key);
    if (old === undefined) this.#order = Math.max(this.#order, order + 1);
    else {
      cookie.creation = old.cookie.creation;
      order = old.order;
      this.remove(old);
    }
    let domain = this.#domains.get(cookie.domain);
    if (domain === undefined) {
      this.#domains.set(cookie.domain, domain = new Domain());
    }
    const entry = new Entry(cookie, key, order);
    domain.entries.set(key, entry);
    domain.push(entry);
    this.#used.push(entry.inStore);
    this.size++;
    if (!cookie.hostOnly) this.#shared++;
    if (entry.isHttps) {
      const named = this.#protected.get(cookie.name);
      if (named !== undefined) named.add(entry);
      else this.#protected.set(cookie.name, new Set([entry]));
    }
    this.#nextExpiry = Math.min(this.#nextExpiry, cookie.expires ?? Infinity);
    if (domain.entries.size > this.#maxPerHost) this.remove(domain.oldest!);
    if (this.size > this.#maxCookies) this.remove(this.#used.oldest!);
  }

  /** Takes out a cookie that is in. */
  remove(entry: Entry): void {
    const { cookie } = entry;
    const domain = this.#domains.get(cookie.domain)!;
    domain.entries.delete(entry.key);
    if (domain.entries.size === 0) this.#domains.delete(cookie.domain);
    entry.inDomain.unlink();
    entry.inStore.unlink();
    this.size--;
    if (!cookie.hostOnly) this.#shared--;
    if (entry.isHttps) {
      const named = this.#protected.get(cookie.name)!;
      named.delete(entry);
      if (named.size === 0) this.#protected.delete(cookie.name);
    }
  }

  /** Takes out the cookie that another would replace. */
  removeLike(cookie: Cookie): void {
    const old = this.#domains.get(cookie.domain)?.entries.get(keyOf(cookie));
    if (old !== undefined) this.remove(old);
  }

  /** Notes that a cookie was used. */
  touch(entry: Entry, now: number): void {
    entry.cookie.lastAccess = now;
    this.#domains.get(entry.cookie.domain)!.push(entry);
    this.#used.push(entry.inStore);
  }

  /** How many cookies will not have ended at a time. */
  sizeAt(now: number): number {
    if (now < this.#nextExpiry) return this.size;
    let size = 0;
    for (const { cookie } of this.entries()) if (!isOver(cookie, now)) size++;
    return size;
  }

  /** Takes out what has ended. */
  expire(now: number): void {
    if (now < this.#nextExpiry) return;
    this.#nextExpiry = Infinity;
    for (const entry of this.entries()) {
      const { expires } = entry.cookie;
      if (isOver(entry.cookie, now)) this.remove(entry);
      else this.#nextExpiry = Math.min(this.#nextExpiry, expires ?? Infinity);
    }
  }

  /** All cookies, in no order. */
  *entries(): Generator<Entry, void, void> {
    for (const domain of this.#domains.values()) yield* domain.entries.values();
  }
}

/**
 * What tells the cookies of a domain apart. Beyond RFC 6265bis, which has one
 * for all ports and schemes, each origin has host-only cookies of its own.
 */
function keyOf({ hostOnly, origin, path, name }: Cookie): string {
  return `${hostOnly ? origin : ""}\n${path}\n${name}`;
}

/** Whether a host, as a URL gives it, is an IP address. */
export function isAddress(host: string): boolean {
  return host.startsWith("[") || isIpv4(host);
}

/** Whether a host is a domain or below it (RFC 6265bis section 5.1.3). */
export function domainMatches(host: string, domain: string): boolean {
  return host === domain ||
    host.endsWith(domain) && host[host.length - domain.length - 1] === "." &&
      !isAddress(host);
}

/** Whether a path is a cookie's or below it (RFC 6265bis section 5.1.4). */
export function pathMatches(path: string, cookiePath: string): boolean {
  return path.startsWith(cookiePath) &&
    (path.length === cookiePath.length || cookiePath.endsWith("/") ||
      path[cookiePath.length] === "/");
}

/**
 * Whether a domain can have cookies for hosts below it: a name of two labels
 * or more. A dot at its end does not make it two.
 */
export function isShareable(domain: string): boolean {
  return /[^.]\.[^.]/.test(domain) && !isAddress(domain);
}

/** Whether a cookie has ended. */
export function isOver({ expires }: Cookie, now: number): boolean {
  return expires !== null && expires <= now;
}

/**
 * Whether a cookie is what the prefix of its name promises
 * (RFC 6265bis section 4.1.3), which is in any case.
 */
export function isPrefixKept(
  name: string,
  secure: boolean,
  isOfWholeHost: boolean,
): boolean {
  if (!name.startsWith("__")) return true;
  if (/^__host-/i.test(name)) return secure && isOfWholeHost;
  return secure || !/^__secure-/i.test(name);
}

/** The origin of a URL of HTTP, as which WebSocket's counts too, or null. */
export function originOf(url: URL): string | null {
  switch (url.protocol) {
    case "http:":
    case "https:":
      return url.origin;
    case "ws:":
    case "wss:":
      return "http" + url.origin.slice(2);
    default:
      return null;
  }
}

/**
 * A cookie from saved data, checked: it is one that its origin could set.
 *
 * @param index Its place in the data, for the message.
 * @throws {TypeError} If it is none.
 */
export function checkCookie(data: unknown, index: number): Cookie {
  const { origin, sameSite, ...rest } = Object(data);
  const url = typeof origin === "string" && URL.canParse(origin)
    ? new URL(origin)
    : null;
  const must = (isRight: boolean, what: string): void => {
    if (!isRight) throw new TypeError(`Cookie ${index} has an invalid ${what}`);
  };
  must(url !== null && originOf(url) === origin, "origin");
  const cookie: Cookie = {
    name: rest.name,
    value: rest.value,
    domain: rest.domain,
    hostOnly: rest.hostOnly,
    path: rest.path,
    secure: rest.secure,
    httpOnly: rest.httpOnly,
    sameSite,
    partitioned: rest.partitioned,
    expires: rest.expires,
    creation: rest.creation,
    lastAccess: rest.lastAccess,
    origin,
  };
  const { name, value, domain, hostOnly, path, secure } = cookie;
  for (
    const flag of ["hostOnly", "secure", "httpOnly", "partitioned"] as const
  ) {
    must(typeof cookie[flag] === "boolean", flag);
  }
  for (const time of ["expires", "creation", "lastAccess"] as const) {
    const isNull = time === "expires" && cookie[time] === null;
    must(isNull || Number.isFinite(cookie[time]), time);
  }
  must(isPart(name) && !name.includes("="), "name");
  must(isPart(value) && (name !== "" || isNameless(value)), "value");
  must(isText(path) && path.startsWith("/"), "path");
  must(
    hostOnly
      ? domain === url!.hostname
      : typeof domain === "string" && isShareable(domain) &&
        domainMatches(url!.hostname, domain),
    "domain",
  );
  must(!secure || origin.startsWith("https:"), "secure");
  must(
    sameSite === undefined || sameSite === "Strict" || sameSite === "Lax" ||
      sameSite === "None" && secure,
    "sameSite",
  );
  must(isPrefixKept(name, secure, hostOnly && path === "/"), "name");
  return cookie;
}

function isText(text: unknown): text is string {
  return typeof text === "string" && isAll(text, FIELD_VALUE);
}

/** Whether a text can be a name or value: it comes back as it went. */
function isPart(text: unknown): text is string {
  return isText(text) && !text.includes(";") && trim(text) === text;
}

/** Whether a value can be without a name, and is not taken for one. */
export function isNameless(value: string): boolean {
  return value !== "" && !value.includes("=") &&
    !/^__(?:secure|host)-/i.test(value);
}
