import { LOG_FORMATS, type LogFormat } from "./access_log.ts";
import {
  type Arguments,
  infoOf,
  type ListeningArguments,
  type Place,
} from "./arguments.ts";
import type { Route } from "./backend.ts";
import { readHeader, readUrl } from "./connection_arguments.ts";
import { usageError } from "./exit_codes.ts";
import { type Given, parseOptions } from "./parse_options.ts";
import { seconds, size, wholeNumber } from "./values.ts";

/** Reads the command line of a server. */
export function readServe(args: readonly string[]): Arguments {
  const given = parseOptions(args, "serve");
  const info = infoOf(given, "serve");
  if (info !== null) return info;
  const [folder = ".", ...others] = given.positionals;
  if (others.length > 0) throw usageError(`Too many arguments: ${others[0]}`);
  // Who may send x.gz must not say what others get for x.
  if (
    given.flag("gzip-static") && (given.flag("upload") || given.flag("write"))
  ) {
    throw usageError("--gzip-static does not go with --upload");
  }
  const [cert, key] = [given.text("cert"), given.text("key")];
  if ((cert === undefined) !== (key === undefined)) {
    throw usageError("--cert and --key go together");
  }
  const isSelfSigned = given.flag("tls-self-signed");
  if (isSelfSigned && cert !== undefined) {
    throw usageError("--tls-self-signed does not go with --cert");
  }
  const mayWrite = given.flag("write");
  const hasUpload = mayWrite || given.flag("upload");
  const isSpa = given.flag("spa");
  const isLive = given.flag("live");
  // What others have sent runs no script, not ours either.
  if (isLive && hasUpload) {
    throw usageError("--live does not go with --upload");
  }
  return {
    command: "serve",
    folder,
    ...readListening(given),
    isSelfSigned,
    routes: given.texts("proxy").map(readRoute),
    isLive,
    pair: cert === undefined || key === undefined ? null : { cert, key },
    auth: given.texts("auth").map(checkAuth),
    headers: given.texts("header").map(readOwnHeader),
    notFound: given.text("404"),
    hasCors: given.flag("cors"),
    hasUpload,
    mayWrite,
    maxUpload: size(given.text("max-upload") ?? "1GiB", "--max-upload"),
    quota: size(given.text("quota") ?? "10GiB", "--quota"),
    isSpa,
    // What others have sent must not take the place of the listing.
    hasIndex: given.choice("index") ?? (isSpa || !hasUpload),
    hasArchives: given.flag("archive"),
    isGzipStatic: given.flag("gzip-static"),
    hasHidden: given.flag("hidden"),
    isCompressed: given.choice("compress") !== false,
    hasQr: given.choice("qr") !== false,
    log: readLog(given),
  };
}

/** Reads the command line of a server that tells what was asked. */
export function readEcho(args: readonly string[]): Arguments {
  const given = parseOptions(args, "echo");
  const info = infoOf(given, "echo");
  if (info !== null) return info;
  const [extra] = given.positionals;
  if (extra !== undefined) throw usageError(`Too many arguments: ${extra}`);
  const status = wholeNumber(given.text("status") ?? "200", "--status", 599);
  if (status < 200) {
    throw usageError(`--status is not a number from 200 to 599: ${status}`);
  }
  return {
    command: "echo",
    ...readListening(given),
    status,
    delay: seconds(given.text("delay") ?? "0", "--delay"),
    hasCors: given.flag("cors"),
    log: readLog(given),
  };
}

/** Reads the command line of a proxy that looks on. */
export function readInspect(args: readonly string[]): Arguments {
  const given = parseOptions(args, "inspect");
  const info = infoOf(given, "inspect");
  if (info !== null) return info;
  const [port, url, extra] = given.positionals;
  if (url === undefined) {
    throw usageError(
      "PORT and URL are missing, as in: uhttp inspect 9000 :8000",
    );
  }
  if (extra !== undefined) throw usageError(`Too many arguments: ${extra}`);
  return {
    command: "inspect",
    places: [{
      port: wholeNumber(port, "PORT", 65535),
      host: given.text("host") ?? "127.0.0.1",
    }],
    allowedHosts: given.texts("allow-host"),
    target: plainTarget(readUrl(url, "http"), url),
    maxBody: size(given.text("body") ?? "4k", "--body"),
    wantsColor: given.choice("color") !== false,
  };
}

function readListening(given: Given): ListeningArguments {
  const port = given.text("port");
  const host = given.text("host");
  const listen = given.texts("listen");
  for (const [name, value] of Object.entries({ port, host })) {
    if (value !== undefined && listen.length > 0) {
      throw usageError(`--${name} does not go with --listen`);
    }
  }
  return {
    places: listen.length > 0 ? listen.map(readPlace) : [{
      port: port === undefined ? undefined : wholeNumber(port, "--port", 65535),
      host: host ?? "127.0.0.1",
    }],
    allowedHosts: given.texts("allow-host"),
  };
}

/** Reads `8000`, `:8000`, `0.0.0.0:8000`, `[::1]:8000` or `/run/a.sock`. */
function readPlace(text: string): Place {
  if (/^(?:\.{0,2}\/)/.test(text)) return { path: text };
  const match = /^(?:(?:\[([\da-f:.]+)\]|([\w.-]*)):)?(\d+)$/i.exec(text);
  if (match === null) {
    throw usageError(`--listen is no PORT, ADDRESS:PORT or PATH: ${text}`);
  }
  const [, ipv6, host, port] = match;
  return {
    port: wholeNumber(port, "--listen", 65535),
    host: ipv6 ?? (host || "127.0.0.1"),
  };
}

/** Reads `/api=http://localhost:3000`. */
function readRoute(text: string): Route {
  const at = text.indexOf("=");
  const prefix = text.slice(0, at);
  // It is compared with what comes, letter for letter.
  if (at < 1 || !/^\/(?:[\w.~!$&'()*+,;@-]+\/?)*$/.test(prefix)) {
    throw usageError(`--proxy is not /PATH=URL: ${text}`);
  }
  return {
    prefix,
    target: plainTarget(readUrl(text.slice(at + 1), "http"), text),
  };
}

/** A URL to which paths can be put. */
function plainTarget(url: URL, given: string): URL {
  if (url.search !== "" || url.hash !== "" || url.username !== "") {
    throw usageError(`It cannot have a query or a user: ${given}`);
  }
  return url;
}

function readLog(given: Given): LogFormat {
  const text = given.text("log");
  if (given.flag("quiet")) {
    if (text !== undefined) throw usageError("--log does not go with --quiet");
    return "none";
  }
  const format = LOG_FORMATS.find((one) => one === (text ?? "common"));
  if (format === undefined) {
    throw usageError(`--log is none of ${LOG_FORMATS.join(", ")}: ${text}`);
  }
  return format;
}

function checkAuth(text: string): string {
  if (text.startsWith("@") || /^[^:]+:./s.test(text)) return text;
  // What may be a password is not repeated.
  throw usageError("--auth is not USER:PASSWORD, nor @FILE");
}

/** Fields that say how an answer is framed, or what is in it. */
const OURS =
  /^(?:content-(?:length|range|encoding)|transfer-encoding|connection|date|etag|upgrade|trailer)$/i;

function readOwnHeader(line: string): [string, string] {
  const [name, value] = readHeader(line);
  if (OURS.test(name)) throw usageError(`--header cannot be ${name}`);
  return [name, value];
}
