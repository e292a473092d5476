import { LOG_FORMATS, type LogFormat } from "./access_log.ts";
import { type Arguments, infoOf, type ServeArguments } from "./arguments.ts";
import { readHeader } from "./connection_arguments.ts";
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
  const mayWrite = given.flag("write");
  const hasUpload = mayWrite || given.flag("upload");
  const isSpa = given.flag("spa");
  return {
    command: "serve",
    folder,
    ...readPlace(given),
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
    ...readPlace(given),
    status,
    delay: seconds(given.text("delay") ?? "0", "--delay"),
    hasCors: given.flag("cors"),
    log: readLog(given),
  };
}

function readPlace(
  given: Given,
): Pick<ServeArguments, "port" | "host" | "allowedHosts"> {
  const port = given.text("port");
  return {
    port: port === undefined ? undefined : wholeNumber(port, "--port", 65535),
    host: given.text("host") ?? "127.0.0.1",
    allowedHosts: given.texts("allow-host"),
  };
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
