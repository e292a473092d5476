import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { usageError } from "./exit_codes.ts";
import { safeName } from "./file_name.ts";
import { parseSize } from "./sizes.ts";

/** What was given, by the options' long names. */
type Values = Record<
  string,
  string | boolean | (string | boolean)[] | undefined
>;

/** Options that take a text, and that may be given often. */
const text = (short?: string) => option("string", short, false);
const texts = (short?: string) => option("string", short, true);
const flag = (short?: string) => option("boolean", short, false);

function option(
  type: "string" | "boolean",
  short: string | undefined,
  multiple: boolean,
): ParseArgsOptionsConfig[string] {
  return short === undefined ? { type, multiple } : { type, multiple, short };
}

/** What all three commands take that connect or listen. */
const COMMON = { help: flag("h"), version: flag("V") };

/** What goes into a connection, of a request or of a WebSocket. */
const CONNECTION = {
  header: texts("H"),
  insecure: flag("k"),
  timeout: text("t"),
  user: text("u"),
  bearer: text(),
  unix: text(),
  proxy: text("x"),
  cacert: text(),
  verbose: flag("v"),
  color: flag(),
};

const REQUEST = {
  ...COMMON,
  ...CONNECTION,
  data: texts("d"),
  json: text("j"),
  file: text("f"),
  form: texts("F"),
  output: text("o"),
  "remote-name": flag("O"),
  include: flag("i"),
  location: flag("L"),
  "max-redirects": text(),
  fail: flag(),
  raw: flag(),
  head: flag("I"),
  compressed: flag(),
};

const WEBSOCKET = {
  ...COMMON,
  ...CONNECTION,
  protocol: texts(),
  ping: text(),
  wait: text(),
};

const SERVE = {
  ...COMMON,
  port: text("p"),
  host: text(),
  "allow-host": texts(),
  cert: text(),
  key: text(),
  cors: flag(),
  upload: flag(),
  "max-upload": text(),
  quota: text(),
  index: flag(),
  spa: flag(),
  hidden: flag(),
  compress: flag(),
  quiet: flag("q"),
};

/** How to connect, and what to send in front. */
export interface ConnectionArguments {
  /** Where to. */
  url: URL;
  /** Further fields, in order. */
  headers: [name: string, value: string][];
  /** Whether any certificate will do. */
  isInsecure: boolean;
  /** In ms; `undefined` where none was given, 0 for ever. */
  timeout: number | undefined;
  /** User, and password where one was given. */
  user: { name: string; password: string | undefined } | undefined;
  /** A token. */
  bearer: string | undefined;
  /** Path of a Unix socket to connect to instead. */
  unix: string | undefined;
  /** A proxy; "" for none, whatever the environment says. */
  proxy: string | undefined;
  /** File with certificates to trust. */
  caCert: string | undefined;
  /** Whether to tell what goes on. */
  isVerbose: boolean;
  /** Whether colours are wanted on a terminal. */
  wantsColor: boolean;
}

/** What to send as a body; `@` and files are not looked at yet. */
export type BodyArgument =
  | { kind: "data"; texts: string[] }
  | { kind: "json"; text: string }
  | { kind: "file"; path: string }
  | { kind: "form"; fields: [name: string, value: string][] };

/** A request, from the command line. */
export interface RequestArguments extends ConnectionArguments {
  /** The command. */
  command: "request";
  /** The method. */
  method: string;
  /** The body, if there is one. */
  body: BodyArgument | null;
  /** File to write to; `undefined` for standard output. */
  output: string | undefined;
  /** Whether that name is the URL's. */
  isRemoteName: boolean;
  /** Whether to show status line and fields in front. */
  isHeadShown: boolean;
  /** How many redirects to follow. */
  maxRedirects: number;
  /** Whether a status of 400 or more is an error. */
  isFailing: boolean;
  /** Whether the bytes are wanted as they are, on a terminal too. */
  isRaw: boolean;
}

/** A WebSocket, from the command line. */
export interface WsArguments extends ConnectionArguments {
  /** The command. */
  command: "ws";
  /** Subprotocols to offer. */
  protocols: string[];
  /** How often to ping, in ms; 0 for never. */
  ping: number;
  /** How long to wait for messages behind the end of the input, in ms. */
  wait: number | undefined;
}

/** A server, from the command line. */
export interface ServeArguments {
  /** The command. */
  command: "serve";
  /** The folder. */
  folder: string;
  /** The port; `undefined` for 8000, or the next one that is free. */
  port: number | undefined;
  /** Address to listen on. */
  host: string;
  /** Names that it answers to, beside its own. */
  allowedHosts: string[];
  /** Files with a certificate and its key. */
  pair: { cert: string; key: string } | null;
  /** Whether pages of other sites may read. */
  hasCors: boolean;
  /** Whether files may be sent here. */
  hasUpload: boolean;
  /** Bytes of an upload. */
  maxUpload: number;
  /** Bytes of all uploads together. */
  quota: number;
  /** Whether unknown paths get the root's index.html. */
  isSpa: boolean;
  /** Whether an index.html is shown in place of a listing. */
  hasIndex: boolean;
  /** Whether names with a dot in front are shown. */
  hasHidden: boolean;
  /** Whether text is compressed. */
  isCompressed: boolean;
  /** Whether requests are not logged. */
  isQuiet: boolean;
}

/** What is asked for other than to do something. */
export interface InfoArguments {
  /** The command. */
  command: "help" | "version";
  /** What help is wanted with. */
  topic: "request" | "ws" | "serve";
}

/** What the command line comes to. */
export type Arguments =
  | RequestArguments
  | WsArguments
  | ServeArguments
  | InfoArguments;

/**
 * Reads the command line. Nothing is opened.
 *
 * @throws {CliError} If it is wrong; the message names what.
 */
export function readArguments(args: readonly string[]): Arguments {
  if (args[0] === "ws") return readWs(args.slice(1));
  if (args[0] === "serve") return readServe(args.slice(1));
  return readRequest(args);
}

function parse(
  args: readonly string[],
  options: ParseArgsOptionsConfig,
): { values: Values; positionals: string[] } {
  try {
    return parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: true,
      allowNegative: true,
    });
  } catch (error) {
    // The first sentence says what is wrong; the others take many lines.
    const [first] = (error as Error).message.split(/\.(?: |\n)|\n/);
    throw usageError(first.replace(/\.$/, ""));
  }
}

function infoOf(
  values: Values,
  topic: InfoArguments["topic"],
): InfoArguments | null {
  if (values.help) return { command: "help", topic };
  return values.version ? { command: "version", topic } : null;
}

function readRequest(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args, REQUEST);
  const info = infoOf(values, "request");
  if (info !== null) return info;
  if (positionals.length === 0) {
    throw usageError("URL is missing; uhttp --help tells more");
  }
  if (positionals.length > 2) {
    throw usageError(`Too many arguments: ${positionals[2]}`);
  }
  const named = positionals.length === 2 ? positionals[0] : undefined;
  if (named !== undefined && !/^[A-Za-z][-\w]*$/.test(named)) {
    throw usageError(`No method: ${named}`);
  }
  if (values.head && named !== undefined && named.toUpperCase() !== "HEAD") {
    throw usageError("--head does not go with another method");
  }
  const body = readBody(values);
  const method = named?.toUpperCase() ??
    (values.head ? "HEAD" : body === null ? "GET" : "POST");
  const connection = readConnection(values, positionals.at(-1)!, "http");
  let output = values.output as string | undefined;
  if (values["remote-name"]) {
    if (output !== undefined) {
      throw usageError("--remote-name does not go with --output");
    }
    output = remoteName(connection.url);
  }
  if (output === "") throw usageError("--output names no file");
  const redirects = values["max-redirects"] as string | undefined;
  return {
    ...connection,
    command: "request",
    method,
    body,
    output: output === "-" ? undefined : output,
    isRemoteName: Boolean(values["remote-name"]),
    isHeadShown: Boolean(values.include) ||
      method === "HEAD" && output === undefined,
    maxRedirects: redirects === undefined
      ? values.location ? 10 : 0
      : wholeNumber(redirects, "--max-redirects", 1000),
    isFailing: Boolean(values.fail),
    isRaw: Boolean(values.raw),
  };
}

function readBody(values: Values): BodyArgument | null {
  const given = (["data", "json", "file", "form"] as const)
    .filter((name) => values[name] !== undefined);
  if (given.length > 1) {
    throw usageError(`--${given[1]} does not go with --${given[0]}`);
  }
  switch (given[0]) {
    case "data":
      return { kind: "data", texts: values.data as string[] };
    case "json":
      return { kind: "json", text: values.json as string };
    case "file":
      return { kind: "file", path: values.file as string };
    case "form": {
      const fields = (values.form as string[]).map((field) => {
        const at = field.indexOf("=");
        if (at <= 0) throw usageError(`No name=value: ${field}`);
        return [field.slice(0, at), field.slice(at + 1)] as [string, string];
      });
      return { kind: "form", fields };
    }
    default:
      return null;
  }
}

/** The name that a URL gives a file; it never leads out of the folder. */
function remoteName(url: URL): string {
  let name = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // Left as it is: the percent signs do no harm.
  }
  // A server must not write what a shell or a program reads as its settings.
  const safe = safeName(name.replace(/[/\\:]/g, "_"), false);
  if (safe === null) {
    throw usageError("URL names no file; give one with --output");
  }
  return safe;
}

function readWs(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args, WEBSOCKET);
  const info = infoOf(values, "ws");
  if (info !== null) return info;
  const url = onlyOne(positionals, "URL");
  const wait = values.wait as string | undefined;
  return {
    ...readConnection(values, url, "ws"),
    command: "ws",
    protocols: (values.protocol as string[] | undefined) ?? [],
    ping: seconds((values.ping as string | undefined) ?? "0", "--ping"),
    wait: wait === undefined ? undefined : seconds(wait, "--wait"),
  };
}

function onlyOne(positionals: string[], what: string): string {
  if (positionals.length === 0) throw usageError(`${what} is missing`);
  if (positionals.length > 1) {
    throw usageError(`Too many arguments: ${positionals[1]}`);
  }
  return positionals[0];
}

/**
 * The URL that somebody typed: without a scheme it gets one, and `:8000` is
 * a port of this machine.
 */
export function readUrl(text: string, kind: "http" | "ws"): URL {
  const typed = text;
  if (/^:\d/.test(text)) text = "localhost" + text;
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const isSecure = /^[^/?#]*:443(?:[/?#]|$)/.test(text);
    text = `${kind}${isSecure ? "s" : ""}://${text}`;
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === "") throw usageError(`No URL: ${typed}`);
  // A WebSocket may be named by the URL of its site.
  if (kind === "ws" && /^https?:$/.test(url.protocol)) {
    return new URL("ws" + url.href.slice(4));
  }
  if (!new RegExp(`^${kind}s?:$`).test(url.protocol)) {
    throw usageError(`Cannot do ${url.protocol.slice(0, -1)}: ${typed}`);
  }
  return url;
}

function readConnection(
  values: Values,
  url: string,
  kind: "http" | "ws",
): ConnectionArguments {
  const user = values.user as string | undefined;
  const colon = user?.indexOf(":") ?? -1;
  if (user !== undefined && values.bearer !== undefined) {
    throw usageError("--bearer does not go with --user");
  }
  if (values.unix !== undefined && values.proxy) {
    throw usageError("--proxy does not go with --unix");
  }
  const timeout = values.timeout as string | undefined;
  return {
    url: readUrl(url, kind),
    headers: ((values.header as string[] | undefined) ?? []).map(readHeader),
    isInsecure: Boolean(values.insecure),
    timeout: timeout === undefined ? undefined : seconds(timeout, "--timeout"),
    user: user === undefined ? undefined : {
      name: colon < 0 ? user : user.slice(0, colon),
      password: colon < 0 ? undefined : user.slice(colon + 1),
    },
    bearer: values.bearer as string | undefined,
    unix: values.unix as string | undefined,
    proxy: values.proxy as string | undefined,
    caCert: values.cacert as string | undefined,
    isVerbose: Boolean(values.verbose),
    wantsColor: values.color !== false,
  };
}

function readHeader(line: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*)$/s.exec(line);
  // deno-lint-ignore no-control-regex
  if (match === null || /[\x00-\x08\x0a-\x1f\x7f]/.test(match[2])) {
    throw usageError(`No header "Name: value": ${line}`);
  }
  return [match[1], match[2].trimEnd()];
}

function readServe(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args, SERVE);
  const info = infoOf(values, "serve");
  if (info !== null) return info;
  const { cert, key } = values as { cert?: string; key?: string };
  if ((cert === undefined) !== (key === undefined)) {
    throw usageError("--cert and --key go together");
  }
  const port = values.port as string | undefined;
  return {
    command: "serve",
    folder: onlyOne(positionals, "Folder"),
    port: port === undefined ? undefined : wholeNumber(port, "--port", 65535),
    host: (values.host as string | undefined) ?? "127.0.0.1",
    allowedHosts: (values["allow-host"] as string[] | undefined) ?? [],
    pair: cert === undefined || key === undefined ? null : { cert, key },
    hasCors: Boolean(values.cors),
    hasUpload: Boolean(values.upload),
    maxUpload: size(values["max-upload"] ?? "1GiB", "--max-upload"),
    quota: size(values.quota ?? "10GiB", "--quota"),
    isSpa: Boolean(values.spa),
    // What others have sent must not take the place of the listing.
    hasIndex: (values.index ?? (values.spa || !values.upload)) as boolean,
    hasHidden: Boolean(values.hidden),
    isCompressed: values.compress !== false,
    isQuiet: Boolean(values.quiet),
  };
}

function wholeNumber(text: string, name: string, most: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) > most) {
    throw usageError(`${name} is not a number from 0 to ${most}: ${text}`);
  }
  return Number(text);
}

function size(text: unknown, name: string): number {
  const bytes = parseSize(text as string);
  if (bytes === null) throw usageError(`${name} is no size`);
  return bytes;
}

/** Seconds as ms. */
function seconds(text: string, name: string): number {
  if (!/^(?:\d{1,7}(?:\.\d*)?|\.\d+)$/.test(text)) {
    throw usageError(`${name} is not a number of seconds: ${text}`);
  }
  return Math.ceil(Number(text) * 1000);
}
