// All options, once: the command line is read by this table, and help,
// completions and the manual are written from it.

import { VARIABLE_NAMES } from "./write_out.ts";

/** An option of a command. */
export interface Option {
  /** Its long name. */
  name: string;
  /** Its letter. */
  short?: string;
  /** What its value is called; without one it is a flag. */
  value?: string;
  /** Whether it may be given more than once. */
  isMany?: boolean;
  /** Whether it is a flag that is on unless `--no-NAME` is given. */
  isOn?: boolean;
  /** What it does. */
  help: string;
}

/** What the command can be told to do. */
export type CommandName = "request" | "ws" | "serve" | "echo" | "inspect";

const INFO: Option[] = [
  { name: "help", short: "h", help: "show help on one screen" },
  { name: "version", short: "V", help: "show the version" },
];

const CONNECTION: Option[] = [
  {
    name: "header",
    short: "H",
    value: "'NAME: VALUE'",
    isMany: true,
    help: "send a header; without a value, leave it out",
  },
  {
    name: "user",
    short: "u",
    value: "NAME[:PASSWORD]",
    help: "log in, in the best way that is offered; asks for the password",
  },
  {
    name: "netrc",
    short: "n",
    help: "log in as ~/.netrc, or the file in NETRC, has it for the host",
  },
  { name: "basic", help: "log in by Basic, at once" },
  { name: "digest", help: "log in by Digest alone" },
  { name: "bearer", value: "TOKEN", help: "log in by a token" },
  {
    name: "timeout",
    short: "t",
    value: "SECONDS",
    help: "give up after so long a silence; 0: never",
  },
  { name: "insecure", short: "k", help: "take any certificate" },
  { name: "cacert", value: "FILE", help: "trust these certificates too" },
  { name: "cert", value: "FILE", help: "show this certificate, in PEM" },
  {
    name: "key",
    value: "FILE",
    help: "its key; default: that in the certificate's file",
  },
  {
    name: "proxy",
    short: "x",
    value: "URL",
    help: 'go by an HTTP proxy; "": by none, whatever HTTP_PROXY says',
  },
  { name: "unix", value: "PATH", help: "connect to a Unix socket" },
  {
    name: "verbose",
    short: "v",
    help: "tell what is sent and received, and how long it took",
  },
  { name: "color", isOn: true, help: "use no colours" },
];

const REQUEST: Option[] = [
  {
    name: "data",
    short: "d",
    value: "TEXT|@FILE|@-",
    isMany: true,
    help: "send text as it is, joined by &; GET becomes POST",
  },
  {
    name: "get",
    short: "G",
    help: "put the data, or the fields, behind the URL's ?",
  },
  {
    name: "json",
    short: "j",
    value: "JSON|@FILE|@-",
    help: "send JSON; without a value, make it of the fields",
  },
  {
    name: "file",
    short: "f",
    value: "PATH|-",
    help: "send a file of any size",
  },
  {
    name: "form",
    short: "F",
    value: "NAME=VALUE|@FILE",
    isMany: true,
    help: "send a form in parts",
  },
  {
    name: "cookie",
    short: "b",
    value: "NAME=VALUE|FILE",
    help: "send cookies, or those of a file that -c has written",
  },
  {
    name: "cookie-jar",
    short: "c",
    value: "FILE",
    help: "write all cookies to a file afterwards, for you alone",
  },
  {
    name: "session",
    value: "NAME",
    help: "keep cookies from one call to the next, under\n" +
      "~/.config/uhttp/sessions",
  },
  {
    name: "output",
    short: "o",
    value: "FILE",
    help: "write to a file; #1 stands for the first {a,b} or [1-9] of the URL",
  },
  {
    name: "remote-name",
    short: "O",
    help: "write to a file of the URL's last name; follows no link",
  },
  {
    name: "continue-at",
    short: "C",
    value: "-",
    help:
      "get the rest of a file of which a part is there; what comes stays,\n" +
      "also where it breaks off",
  },
  {
    name: "include",
    short: "i",
    help: "show the head too",
  },
  {
    name: "print",
    value: "HBhbm",
    help:
      "show these: H and B of the request, h and b of the response (head,\n" +
      "body), m how long it took; default b",
  },
  { name: "stream", help: "show JSON line by line, as it comes" },
  { name: "head", short: "I", help: "ask for the head alone" },
  {
    name: "location",
    short: "L",
    help: "follow redirects, 10 at most",
  },
  { name: "max-redirects", value: "N", help: "follow so many" },
  {
    name: "max-time",
    short: "m",
    value: "SECONDS",
    help: "give up after so long, whatever happens",
  },
  {
    name: "retry",
    value: "N",
    help: "try so often again, after 1 s, 2 s, 4 s or what the server says,\n" +
      "on 408, 429, 500, 502, 503, 504, or where nothing was answered",
  },
  {
    name: "write-out",
    short: "w",
    value: "FORMAT",
    help: `say so afterwards: \\n, \\t, %header{NAME}, or %{NAME} of\n${
      VARIABLE_NAMES.join(" ")
    }`,
  },
  {
    name: "parallel",
    value: "N",
    help: "get so many URLs at once; what is shown stays in order",
  },
  {
    name: "globoff",
    short: "g",
    help: "take {a,b} and [1-9] in a URL as they are",
  },
  { name: "fail", help: "a status of 400 or more is an error" },
  { name: "quiet", short: "q", help: "show no progress" },
  { name: "raw", help: "do not lay out JSON" },
  { name: "compressed", help: "ask for compressed answers, as it does anyway" },
];

const WEBSOCKET: Option[] = [
  {
    name: "protocol",
    value: "NAME",
    isMany: true,
    help: "offer a subprotocol",
  },
  { name: "ping", value: "SECONDS", help: "ping so often" },
  {
    name: "wait",
    value: "SECONDS",
    help: "wait so long for more at the end of the input, then close;\n" +
      "1 with a pipe, 0 with Ctrl-D",
  },
];

const LISTENING: Option[] = [
  {
    name: "port",
    short: "p",
    value: "PORT",
    help: "default 8000, or the next one that is free",
  },
  {
    name: "host",
    value: "ADDRESS",
    help: "default 127.0.0.1; 0.0.0.0 lets others in",
  },
  {
    name: "listen",
    value: "PORT|ADDRESS:PORT|PATH",
    isMany: true,
    help: "listen there, in place of --host and --port; a PATH is that of a\n" +
      "Unix socket",
  },
  {
    name: "allow-host",
    value: "NAME",
    isMany: true,
    help: "answer to this name, not to localhost alone",
  },
];

/** What a proxy that only looks on can be told. */
const INSPECT: Option[] = [
  {
    name: "host",
    value: "ADDRESS",
    help: "default 127.0.0.1; 0.0.0.0 lets others in",
  },
  {
    name: "allow-host",
    value: "NAME",
    isMany: true,
    help: "answer to this name, not to localhost alone",
  },
  {
    name: "body",
    value: "SIZE",
    help: "show so much of each body; default 4k, 0 for nothing",
  },
  { name: "color", isOn: true, help: "use no colours" },
];

const LOGGING: Option[] = [
  {
    name: "log",
    value: "common|json|none",
    help: "how requests are logged to standard output; default common",
  },
  { name: "quiet", short: "q", help: "do not log requests" },
];

const ECHO: Option[] = [
  { name: "status", value: "NUMBER", help: "answer with this; default 200" },
  { name: "delay", value: "SECONDS", help: "answer so much later" },
  { name: "cors", help: "let pages of all sites read" },
];

const SERVE: Option[] = [
  { name: "cert", value: "FILE", help: "speak TLS with this chain, in PEM" },
  { name: "key", value: "FILE", help: "its key" },
  {
    name: "tls-self-signed",
    help: "speak TLS with a certificate made for this run; its SHA-256 is said",
  },
  {
    name: "proxy",
    value: "/PATH=URL",
    isMany: true,
    help:
      "pass what is below a path on to a server, WebSockets too; a path of\n" +
      "the URL stands in place of that one",
  },
  {
    name: "live",
    help: "have pages load again when a file changes, by a line of script",
  },
  { name: "cors", help: "let pages of all sites read" },
  {
    name: "auth",
    value: "USER:PASSWORD|@FILE",
    isMany: true,
    help: "let in only who knows that; a file has one a line",
  },
  {
    name: "header",
    value: "'NAME: VALUE'",
    isMany: true,
    help: "send a header with every answer",
  },
  {
    name: "404",
    value: "FILE",
    help: "what is shown for what is missing; a name in the folder",
  },
  {
    name: "upload",
    help: "take files, by a form in listings or by PUT; what is there is\n" +
      "never overwritten",
  },
  {
    name: "write",
    help: "take files and let them be overwritten, renamed and deleted, by\n" +
      "listings or by PUT, MOVE and DELETE",
  },
  {
    name: "max-upload",
    value: "SIZE",
    help: "what an upload may have: 500k, 20MB; default 1GiB",
  },
  {
    name: "quota",
    value: "SIZE",
    help: "what all uploads may have together; default 10GiB",
  },
  {
    name: "index",
    help: "show index.html for a folder, with --upload too;\n" +
      "--no-index: list it always",
  },
  {
    name: "spa",
    help: "answer unknown paths without extension with /index.html",
  },
  { name: "archive", help: "offer folders as zip and tar" },
  {
    name: "gzip-static",
    help: "send FILE.gz for FILE to those who take it, unless it is older",
  },
  { name: "hidden", help: "list and serve names that begin with a dot" },
  { name: "compress", isOn: true, help: "do not compress text" },
  {
    name: "qr",
    isOn: true,
    help:
      "show no QR code of the address on a terminal, where others get there",
  },
];

/** The options of each command. */
export const OPTIONS: Readonly<Record<CommandName, readonly Option[]>> = {
  request: [...REQUEST, ...CONNECTION, ...INFO],
  ws: [...WEBSOCKET, ...CONNECTION, ...INFO],
  serve: [...LISTENING, ...SERVE, ...LOGGING, ...INFO],
  echo: [...LISTENING, ...ECHO, ...LOGGING, ...INFO],
  inspect: [...INSPECT, ...INFO],
};

/** The option's long name as it is typed. */
export function longName({ name, isOn = false }: Option): string {
  return isOn ? `--no-${name}` : `--${name}`;
}
