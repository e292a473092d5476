/** What may not stand in a target, or is read as something else by some. */
const UNSAFE = /[^\x21-\x7e]|["<>\\^`{|}]/gu;
/** A segment of one or two dots, encoded or not: it leads elsewhere. */
const DOTS = /(?:^|\/)(?:\.|%2e){1,2}(?=[/?]|$)/i;

/** Where a request goes. */
export interface Target {
  /** Scheme, host and port, as `URL.origin` has them. */
  origin: string;
  /** Path and query, as sent. */
  path: string;
}

/** Whether a path is a URL of its own. */
function isAbsolute(path: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(path);
}

/**
 * Finds out where requests go: all paths are under that of the base URL.
 */
export class BaseUrl {
  /** Scheme, host and port. */
  readonly origin: string;
  /** The base URL's own path, without a slash at its end. */
  readonly path: string;

  /** @param url The base URL, which has been checked. */
  constructor(url: URL) {
    this.origin = url.origin;
    this.path = url.pathname.replace(/\/+$/, "");
  }

  /**
   * The target for a path, or for a whole URL of any origin.
   *
   * @throws {TypeError} If it is neither, or leads out of the base path.
   */
  resolve(path: string, query: string): Target {
    if (typeof path !== "string") throw new TypeError("Path is not a string");
    if (isAbsolute(path)) return resolveUrl(path, query);
    const bare = path.includes("#") ? path.slice(0, path.indexOf("#")) : path;
    const slash = bare === "" || bare.startsWith("/") || bare.startsWith("?")
      ? ""
      : "/";
    if (DOTS.test(bare.split("?", 1)[0])) {
      throw new TypeError("Path holds dots that lead elsewhere");
    }
    let target = this.path + slash +
      bare.replace(UNSAFE, (char) => encodeURIComponent(char.toWellFormed()));
    if (target === "" || target.startsWith("?")) target = "/" + target;
    return { origin: this.origin, path: withQuery(target, query) };
  }
}

/** The target of a whole URL. */
function resolveUrl(text: string, query: string): Target {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError("Path is neither a path nor a URL");
  }
  return { origin: originOf(url), path: withQuery(targetOf(url), query) };
}

/**
 * Origin of a URL that requests can go to; those of WebSockets count as well.
 *
 * @throws {TypeError} If it is not of HTTP, or carries user and password.
 */
export function originOf(url: URL): string {
  const { protocol, host } = url;
  const scheme = protocol === "ws:" || protocol === "http:"
    ? "http"
    : protocol === "wss:" || protocol === "https:"
    ? "https"
    : null;
  if (scheme === null) {
    throw new TypeError("URL is neither http: nor https:");
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("URL of a request holds a user: use auth");
  }
  return `${scheme}://${host}`;
}

/** Path and query of a URL. */
export function targetOf(url: URL): string {
  return (url.pathname || "/") + url.search;
}

function withQuery(target: string, query: string): string {
  if (query === "") return target;
  return target + (target.includes("?") ? "&" : "?") + query;
}
