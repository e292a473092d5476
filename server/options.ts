import { isDictionary, OptionNames } from "../parse/option_names.ts";
import { checkPartLimits, type PartLimits } from "../message/body_parts.ts";
import type { ConnSource } from "../transport/acceptor.ts";
import { canShare } from "../transport/listen.ts";
import type { Answered } from "./answered.ts";
import type { CompressOptions } from "./compression.ts";
import { DEFAULTS, type ServerLimits } from "./limits.ts";

/** What went wrong where, for {@linkcode HttpServerOptions.onError}. */
export interface ConnectionErrorInfo {
  /** The peer's address, where the error belongs to a connection. */
  remoteAddr: Deno.Addr | undefined;
}

/** Options of an `HttpServer`. Times are milliseconds, sizes bytes. */
export interface HttpServerOptions extends Partial<ServerLimits> {
  /**
   * Address or name to listen on; default `"0.0.0.0"`, all of IPv4. `"::"` is
   * all of IPv6, and of IPv4 too where the system allows it.
   */
  hostname?: string;
  /** Port to listen on, 0 for a free one; default 80, or 443 with `cert`. */
  port?: number;
  /** Path of a Unix socket to listen on instead; removed when closed. */
  path?: string;
  /** Certificate chain as PEM text, the server's own first; needs `key`. */
  cert?: string;
  /** Private key as PEM text; needs `cert`. */
  key?: string;
  /**
   * Speak TLS in a way that lets go of peers that connect and never shake
   * hands: Deno's own keeps their sockets for as long as they stay, so that as
   * many of them as there are places keep all others out. It costs several times
   * as much a request; default `false`. A certificate is renewed without a pause.
   */
  guardedTls?: boolean;
  /**
   * Let other processes listen on the same port too, and share its
   * connections (Linux). Deno must be started with `--unstable-net`.
   */
  reusePort?: boolean;
  /** Connections that the system keeps waiting to be accepted. */
  backlog?: number;
  /** A source of connections of your own, instead of listening. */
  listener?: ConnSource;
  /** Closes the server when it aborts. */
  signal?: AbortSignal;
  /**
   * Whose `X-Forwarded-For` to believe: addresses, networks such as
   * `10.0.0.0/8`, or `unix` for peers on a Unix socket; default nobody's.
   */
  trustedProxies?: readonly string[];
  /**
   * Hand requests out right after their headers, to read their bodies as they
   * arrive; default `false`: when the body is in, parsed, within
   * `maxContentLength`.
   */
  streaming?: boolean;
  /**
   * Compress answers of compressible types, as the client accepts it; default
   * `false`. Secrets beside what a peer can choose should not be compressed
   * over TLS (the BREACH attack).
   */
  compress?: boolean | CompressOptions;
  /**
   * Bounds on the parts of a form, for `data`, and for `form()` and `parts()`
   * where they are given no others. A form over them is answered with 413, or
   * 431 for a part's header fields, before you get it; with `streaming`, that
   * is up to you.
   */
  partLimits?: PartLimits;
  /** Let requests with the method CONNECT through; default `false` (501). */
  allowConnect?: boolean;
  /**
   * Called with what went wrong on a connection, or while accepting one. A
   * `ProtocolError` was answered; anything else broke the connection. By
   * default errors are dropped, as peers cause them at will; but not what your
   * listeners throw, of a WebSocket or of a request's `signal`: that comes here
   * too, or is written to standard error.
   */
  onError?: (error: unknown, info: ConnectionErrorInfo) => void;
  /**
   * Called once for each request when it is known what became of its answer,
   * also for those that the server has refused, malformed ones too: for a log,
   * such as that of {@linkcode commonLogLine} or {@linkcode jsonLogLine}.
   * Requests cost nothing more where it is not given.
   */
  onAnswered?: (answered: Answered) => void;
}

/** The names of a server's options. */
export const SERVER_OPTIONS: Readonly<
  Record<keyof HttpServerOptions, unknown>
> = {
  ...DEFAULTS,
  hostname: true,
  port: true,
  path: true,
  cert: true,
  key: true,
  guardedTls: true,
  reusePort: true,
  backlog: true,
  listener: true,
  signal: true,
  trustedProxies: true,
  streaming: true,
  compress: true,
  partLimits: true,
  allowConnect: true,
  onError: true,
  onAnswered: true,
};
const NAMES = new OptionNames<HttpServerOptions>("HttpServer", SERVER_OPTIONS);

const NUMBERS = ["port", "backlog"] as const;
const STRINGS = ["hostname", "path", "cert", "key"] as const;
const BOOLEANS = [
  ...["reusePort", "allowConnect", "streaming", "guardedTls"] as const,
];

/**
 * Checks what is not a limit.
 *
 * @throws {TypeError} If an option is unknown, has the wrong type, or does not
 * go with another.
 * @throws {RangeError} If a number is out of range.
 */
export function checkOptions(options: HttpServerOptions): void {
  NAMES.check(options);
  const wrong = (name: string, what: string): never => {
    throw new TypeError(`Option "${name}" ${what}`);
  };
  for (const name of STRINGS) {
    if (!["string", "undefined"].includes(typeof options[name])) {
      wrong(name, "is not a string");
    }
  }
  for (const name of BOOLEANS) {
    if (!["boolean", "undefined"].includes(typeof options[name])) {
      wrong(name, "is not a boolean");
    }
  }
  for (const name of NUMBERS) {
    const value = options[name];
    if (value === undefined) continue;
    if (typeof value !== "number") wrong(name, "is not a number");
    const most = name === "port" ? 65535 : 2 ** 31 - 1;
    if (!Number.isInteger(value) || value < 0 || value > most) {
      throw new RangeError(`Option "${name}" is not from 0 to ${most}`);
    }
  }
  if (options.reusePort && !canShare()) {
    wrong("reusePort", "needs Linux, and --unstable-net");
  }
  for (const name of ["onError", "onAnswered"] as const) {
    if (!["function", "undefined"].includes(typeof options[name])) {
      wrong(name, "is not a function");
    }
  }
  if (
    options.signal !== undefined && !(options.signal instanceof AbortSignal)
  ) {
    wrong("signal", "is not an AbortSignal");
  }
  if (options.cert !== undefined && options.key === undefined) {
    wrong("key", "is missing beside cert");
  }
  if (options.guardedTls && options.cert === undefined) {
    wrong("guardedTls", "needs cert and key");
  }
  if (options.key !== undefined && options.cert === undefined) {
    wrong("cert", "is missing beside key");
  }
  const { partLimits } = options;
  if (partLimits !== undefined && !isDictionary(partLimits)) {
    wrong("partLimits", "is not an object");
  }
  checkPartLimits(partLimits);
  const { listener, path } = options;
  if (listener !== undefined) {
    if (
      typeof listener !== "object" || listener === null ||
      !(Symbol.asyncIterator in listener)
    ) wrong("listener", "does not yield connections");
    for (const name of ["hostname", "port", "path", "cert"] as const) {
      if (options[name] !== undefined) wrong(name, "does not go with listener");
    }
  }
  if (path !== undefined) {
    for (const name of ["hostname", "port", "cert", "reusePort"] as const) {
      if (options[name] !== undefined) wrong(name, "does not go with path");
    }
  }
}
