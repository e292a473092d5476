import type { LogFormat } from "./access_log.ts";
import type { Route } from "./backend.ts";
import type { CommandName } from "./options.ts";
import type { Given } from "./parse_options.ts";
import type { Field } from "./words.ts";

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
  /** Whether `.netrc` knows who logs in. */
  hasNetrc: boolean;
  /** How to log in; `undefined` for the best way that is offered. */
  scheme: "basic" | "digest" | undefined;
  /** A token. */
  bearer: string | undefined;
  /** Path of a Unix socket to connect to instead. */
  unix: string | undefined;
  /** A proxy; "" for none, whatever the environment says. */
  proxy: string | undefined;
  /** File with certificates to trust. */
  caCert: string | undefined;
  /** File with a certificate to show. */
  cert: string | undefined;
  /** File with its key. */
  key: string | undefined;
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
  | { kind: "form"; fields: [name: string, value: string][] }
  | { kind: "fields"; fields: Field[]; isJson: boolean };

/** Where one of several requests goes. */
export interface Target {
  /** Where to. */
  url: URL;
  /** File to write to; `undefined` for standard output. */
  output: string | undefined;
}

/** A request, from the command line. */
export interface RequestArguments extends ConnectionArguments {
  /** The command. */
  command: "request";
  /** Where the same goes afterwards, or at the same time. */
  others: Target[];
  /** How many at a time. */
  parallel: number;
  /** The method. */
  method: string;
  /** The body, if there is one. */
  body: BodyArgument | null;
  /** Whether the body goes behind the URL's `?` instead. */
  isQuery: boolean;
  /** File to write to; `undefined` for standard output. */
  output: string | undefined;
  /** Whether that name is the URL's. */
  isRemoteName: boolean;
  /** Whether what is there is the beginning of what comes. */
  isResumed: boolean;
  /** Cookies to send, as a header has them. */
  cookies: string | undefined;
  /** File with cookies to send. */
  cookieFile: string | undefined;
  /** File that gets the cookies. */
  cookieJar: string | undefined;
  /** Name of what keeps cookies. */
  session: string | undefined;
  /** In ms, for all of it; `undefined` for ever. */
  maxTime: number | undefined;
  /** How often it is tried again. */
  retries: number;
  /** What to say afterwards. */
  writeOut: string | undefined;
  /** Whether no progress is shown. */
  isQuiet: boolean;
  /** What is shown: of `HBhbm`, as `--print` has it. */
  shown: string;
  /** Whether JSON is shown as it comes. */
  isStreamed: boolean;
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

/** Where a server listens: an address, or the path of a Unix socket. */
export type Place =
  | {
    /** The port; `undefined` for 8000, or the next one that is free. */
    port: number | undefined;
    /** The address. */
    host: string;
  }
  | { path: string };

/** What servers have in common. */
export interface ListeningArguments {
  /** Where it listens. */
  places: Place[];
  /** Names that it answers to, beside its own. */
  allowedHosts: string[];
}

/** A server, from the command line. */
export interface ServeArguments extends ListeningArguments {
  /** The command. */
  command: "serve";
  /** The folder. */
  folder: string;
  /** Whether a certificate is made. */
  isSelfSigned: boolean;
  /** What is passed on, and where to. */
  routes: Route[];
  /** Whether pages hear of changes. */
  isLive: boolean;
  /** Files with a certificate and its key. */
  pair: { cert: string; key: string } | null;
  /** `user:password` each, or `@` and a file of those; none lets all in. */
  auth: string[];
  /** Further fields of every answer. */
  headers: [name: string, value: string][];
  /** What is shown for what is missing. */
  notFound: string | undefined;
  /** Whether pages of other sites may read. */
  hasCors: boolean;
  /** Whether files may be sent here. */
  hasUpload: boolean;
  /** Whether what is there may be overwritten, renamed and deleted. */
  mayWrite: boolean;
  /** Bytes of an upload. */
  maxUpload: number;
  /** Bytes of all uploads together. */
  quota: number;
  /** Whether unknown paths get the root's index.html. */
  isSpa: boolean;
  /** Whether an index.html is shown in place of a listing. */
  hasIndex: boolean;
  /** Whether folders can be had in one piece. */
  hasArchives: boolean;
  /** Whether what was compressed before is sent. */
  isGzipStatic: boolean;
  /** Whether names with a dot in front are shown. */
  hasHidden: boolean;
  /** Whether text is compressed. */
  isCompressed: boolean;
  /** Whether the address is shown as a QR code. */
  hasQr: boolean;
  /** How requests are logged. */
  log: LogFormat;
}

/** A server that tells what was asked, from the command line. */
export interface EchoArguments extends ListeningArguments {
  /** The command. */
  command: "echo";
  /** Status of every answer. */
  status: number;
  /** How much later it comes, in ms. */
  delay: number;
  /** Whether pages of other sites may read. */
  hasCors: boolean;
  /** How requests are logged. */
  log: LogFormat;
}

/** A proxy that looks on, from the command line. */
export interface InspectArguments extends ListeningArguments {
  /** The command. */
  command: "inspect";
  /** What it passes all on to. */
  target: URL;
  /** Bytes of a body that are shown. */
  maxBody: number;
  /** Whether colours are wanted on a terminal. */
  wantsColor: boolean;
}

/** What is asked for other than to do something. */
export type InfoArguments =
  /** One screen. */
  | { command: "help"; topic: CommandName }
  /** All about something. */
  | { command: "topic"; topic: string }
  | { command: "completions"; shell: string }
  | { command: "man" }
  | { command: "version" };

/** What the command line comes to. */
export type Arguments =
  | RequestArguments
  | WsArguments
  | ServeArguments
  | EchoArguments
  | InspectArguments
  | InfoArguments;

/** Whether help or the version is asked for. */
export function infoOf(
  given: Given,
  topic: CommandName,
): InfoArguments | null {
  if (given.flag("help")) return { command: "help", topic };
  return given.flag("version") ? { command: "version" } : null;
}
