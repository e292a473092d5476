import { OptionNames } from "../parse/option_names.ts";
import { ResponseParser } from "../parse/response_parser.ts";
import { isToken } from "../parse/chars.ts";
import { MAX_JSON_DEPTH } from "../parse/json.ts";
import { checkLimit, checkLimits } from "../wire/limits.ts";
import type { HeaderPairs, HeaderValues } from "../wire/response_head.ts";
import type { ClientAuth } from "./authenticator.ts";
import { CookieJar } from "./cookie_jar.ts";

/** Bounds on what a peer can take of a client. Times are ms, sizes bytes. */
export interface ClientLimits {
  /** Longest time to connect, and then for the TLS handshake; default 10,000. */
  connectTimeout: number;
  /**
   * Longest wait for a free connection, then for the peer to take the request,
   * then for the end of the response's head, and then for each next piece of
   * its body; default 30,000. A deadline for it all is a `signal`.
   */
  timeout: number;
  /**
   * Bytes a second that a peer has to take of a request. For the time that this
   * takes for what the system holds of it, `timeout` is put off: it may not
   * tell earlier that something was taken. Default 2000; `Infinity` where
   * `timeout` is given, which then is all there is.
   */
  minSendRate: number;
  /** Bytes of a body that is kept in memory, after decoding; default 1 MiB. */
  maxResponseLength: number;
  /**
   * How many arrays and objects of JSON may lie within one another; default
   * 512. What is deeper is an error of the response.
   */
  maxJsonDepth: number;
  /** Bytes of a status line and header section; default 64 KiB. */
  maxHeadersLength: number;
  /** Lines of a header section; default 1000. */
  maxHeadersCount: number;
  /** Connections to one origin; default 10. */
  maxConnections: number;
  /**
   * Requests that may be on their way on one connection; default 1. With more,
   * GET and other idempotent requests, but for HEAD, without a streamed body
   * are sent before the answers to those ahead of them are in, once
   * `maxConnections` is reached.
   */
  pipelining: number;
  /** How long an unused connection is kept; default 15,000. */
  keepAliveTimeout: number;
  /** Redirects to follow; default 0, the response is yours. */
  maxRedirects: number;
}

/** Options of an `HttpClient`. Times are milliseconds, sizes bytes. */
export interface HttpClientOptions extends Partial<ClientLimits> {
  /** Credentials for the base URL's origin, and for no other. */
  auth?: ClientAuth;
  /** Fields of each request to the base URL's origin, and to no other. */
  headers?: HeaderValues | HeaderPairs;
  /** Whether connections are used again; default `true`. */
  keepAlive?: boolean;
  /** A cookie jar, shared or restored; default `true`, one of its own. */
  cookies?: boolean | CookieJar;
  /** Whether gzip, deflate and br are asked for, and decoded; default `true`. */
  decompress?: boolean;
  /**
   * Whether an idempotent request is sent once more, on a new connection, when
   * the kept-alive one it went out on turns out to be dead, or to have something
   * else than its answer to give; default `true`.
   */
  retry?: boolean;
  /** Certificates to trust beside the system's, as PEM texts. */
  caCerts?: readonly string[];
  /**
   * Certificate to show to the base URL's origin, and to no other, where it asks
   * who we are (mutual TLS), with those that lead to one it trusts: a PEM text.
   */
  cert?: string;
  /** Its key, as PEM text. */
  key?: string;
  /** Trust whatever certificate is shown. Only for tests; default `false`. */
  insecure?: boolean;
  /**
   * An HTTP proxy, such as `http://user:password@proxy:3128`. Requests by
   * https and WebSockets go through a tunnel (CONNECT).
   */
  proxy?: string | URL;
  /** Path of a Unix socket, in place of the base URL's host and port. */
  path?: string;
  /**
   * Connects in your own way to the base URL's host; the connection must be
   * ready for HTTP. The signal aborts when it is not wanted any more.
   */
  connect?: (
    target: { hostname: string; port: number; signal: AbortSignal },
  ) => Promise<Deno.Conn>;
  /** Closes the client when it aborts. */
  signal?: AbortSignal;
}

const DEFAULTS: ClientLimits = {
  connectTimeout: 10_000,
  timeout: 30_000,
  minSendRate: 2000,
  maxResponseLength: 1024 * 1024,
  maxJsonDepth: MAX_JSON_DEPTH,
  maxHeadersLength: 65536,
  maxHeadersCount: 1000,
  maxConnections: 10,
  pipelining: 1,
  keepAliveTimeout: 15_000,
  maxRedirects: 0,
};

/** The smallest value that makes sense, where it is not 1. */
const LEAST: Partial<ClientLimits> = {
  maxResponseLength: 0,
  maxRedirects: 0,
  keepAliveTimeout: 0,
};

/**
 * The limits that options ask for, with defaults for the rest.
 *
 * @throws {TypeError} If one is not a number.
 * @throws {RangeError} If one is out of range.
 */
export function checkClientLimits(
  options: Partial<ClientLimits>,
): ClientLimits {
  const limits = checkLimits(options, DEFAULTS, LEAST);
  if (options.timeout !== undefined && options.minSendRate === undefined) {
    limits.minSendRate = Infinity;
  }
  return limits;
}

/** A limit of one request: its own, or that of its `HttpClient`. */
export function requestLimit(
  name: "timeout" | "maxRedirects" | "maxResponseLength",
  value: number | undefined,
  limits: ClientLimits,
): number {
  return value === undefined
    ? limits[name]
    : checkLimit(name, value, LEAST[name]);
}

const NAMES = new OptionNames<HttpClientOptions>("HttpClient", {
  ...DEFAULTS,
  auth: true,
  headers: true,
  keepAlive: true,
  cookies: true,
  decompress: true,
  retry: true,
  caCerts: true,
  cert: true,
  key: true,
  insecure: true,
  proxy: true,
  path: true,
  connect: true,
  signal: true,
});

const BOOLEANS = ["keepAlive", "decompress", "retry", "insecure"] as const;

/**
 * Checks what is not a limit.
 *
 * @throws {TypeError} If an option has the wrong type, or does not go with
 * another.
 */
export function checkOptions(options: HttpClientOptions): void {
  NAMES.check(options);
  const wrong = (name: string, what: string): never => {
    throw new TypeError(`Option "${name}" ${what}`);
  };
  for (const name of BOOLEANS) {
    if (!["boolean", "undefined"].includes(typeof options[name])) {
      wrong(name, "is not a boolean");
    }
  }
  const { cookies, caCerts, path, connect, proxy, signal } = options;
  if (
    cookies !== undefined && typeof cookies !== "boolean" &&
    !(cookies instanceof CookieJar)
  ) wrong("cookies", "is neither a boolean nor a CookieJar");
  if (
    caCerts !== undefined &&
    !(Array.isArray(caCerts) && caCerts.every((one) => typeof one === "string"))
  ) wrong("caCerts", "is not an array of strings");
  checkPair(options, wrong);
  for (const text of caCerts ?? []) {
    if (!text.includes("-----BEGIN ")) {
      wrong(
        "caCerts",
        "holds what is no text of a PEM file: where it is the path of one, " +
          "read that first",
      );
    }
  }
  if (path !== undefined && typeof path !== "string") {
    wrong("path", "is not a string");
  }
  if (connect !== undefined && typeof connect !== "function") {
    wrong("connect", "is not a function");
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    wrong("signal", "is not an AbortSignal");
  }
  if (connect !== undefined) {
    const others = ["path", "proxy", "insecure", "caCerts", "cert"] as const;
    for (const name of others) {
      if (options[name] !== undefined) wrong(name, "does not go with connect");
    }
  }
  if (path !== undefined && proxy !== undefined) {
    wrong("proxy", "does not go with path");
  }
}

function checkPair(
  { cert, key }: HttpClientOptions,
  wrong: (name: string, what: string) => never,
): void {
  for (const [name, text] of Object.entries({ cert, key })) {
    if (text === undefined) continue;
    if (typeof text !== "string") wrong(name, "is not a string");
    // A file's name is given by mistake, or bytes that are not PEM.
    if (!/-----BEGIN [A-Z ]+-----/.test(text)) {
      wrong(name, "is no text of a PEM file");
    }
  }
  if (cert === undefined && key !== undefined) wrong("key", "needs cert");
  if (key === undefined && cert !== undefined) wrong("cert", "needs key");
}

/** What a URL without a scheme lacks. */
function lacking(base: unknown): string {
  const isHost = typeof base === "string" &&
    /^[\w.-]+(?::\d+)?(?:\/|$)/.test(base);
  return isHost ? `: did you mean "http://${base}"?` : "";
}

/**
 * The URL that all requests of an `HttpClient` start from.
 *
 * @throws {TypeError} If it is none, or not of HTTP.
 */
export function checkBaseUrl(base: string | URL): URL {
  let url: URL;
  try {
    url = new URL(base);
  } catch {
    throw new TypeError(`Base URL is not a URL${lacking(base)}`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(
      `Base URL is neither http: nor https:${lacking(base)}`,
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw new TypeError("Base URL has a query or a fragment");
  }
  return url;
}

/** Checks a method. */
export function checkMethod(method: unknown): string {
  if (typeof method !== "string" || !isToken(method)) {
    throw new TypeError(
      `Method ${JSON.stringify(method) ?? String(method)} is not a token`,
    );
  }
  if (method === "CONNECT") {
    throw new TypeError("Method CONNECT is for proxies alone");
  }
  return method;
}

/** A parser within the limits of an `HttpClient`. */
export function makeParser(limits: ClientLimits): ResponseParser {
  const { maxHeadersLength, maxHeadersCount } = limits;
  return new ResponseParser({ maxHeadersLength, maxHeadersCount });
}
