import { usageError } from "./exit_codes.ts";
import { type CommandName, longName, type Option, OPTIONS } from "./options.ts";

/** A line of help is no longer. */
const WIDTH = 80;

/** All about something. */
export interface Topic {
  /** What it is about, in a line. */
  title: string;
  /** What is said. */
  text: string;
}

/** An option as it is typed. */
export function usageOf(option: Option): string {
  const { short, value } = option;
  const letter = short === undefined ? "    " : `-${short}, `;
  return `${letter}${longName(option)}${
    value === undefined ? "" : ` ${value}`
  }`;
}

/** The options of a command, each with what it does below or beside it. */
export function optionList(command: CommandName): string {
  const column = 26;
  return OPTIONS[command].map((option) => {
    const usage = `  ${usageOf(option)}`;
    const lines = wrap(option.help.replaceAll("\n", " "), WIDTH - column);
    if (option.isMany) lines.push("may be given more than once");
    const indented = lines.map((line) => " ".repeat(column) + line);
    return usage.length > column - 2
      ? [usage, ...indented].join("\n")
      : [usage + indented[0].slice(usage.length), ...indented.slice(1)]
        .join("\n");
  }).join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}

const REQUESTS = `uhttp [METHOD] URL [WORD...] [options]

A URL without a scheme gets http:// (https:// with port 443); :8000/x is a port
of this machine. Without a method it is GET, or POST where something is sent.

Further URLs follow the first, with a scheme or as :8000/x. {a,b} stands for
several, and so do [1-9], [01-20:5] and [a-f]; --parallel N asks for N at once.

Words behind the URL say what goes along:
  name=value     a field of a form; with -j, a text in an object of JSON
  name=@FILE     the same, of what a file holds
  name:=JSON     with -j, a number, a list, whatever JSON has; also name:=@FILE
  name@FILE      a file, in a form of parts
  name==value    a query, behind the URL's ?
  Name:value     a header; Name: leaves one out
A backslash takes away the meaning of what follows it: a\\:b=c.

  uhttp :8000/search q==nut page==2
  uhttp :8000/api -j name=nut size:=3 'tags:=["a","b"]'
  uhttp :8000/upload title=Holiday photo@a.jpg
  uhttp PUT :8000/film.mp4 -f film.mp4
  uhttp 'example.com/{front,back}-[01-12].jpg' -O --parallel 4

`;

const SERVING = `uhttp serve [FOLDER] [options]

Serves a folder, or this one, with listings, ranges and ETags, on 127.0.0.1 and
port 8000 or the next one that is free.

  uhttp serve public --live --proxy /api=http://localhost:3000
  uhttp serve --listen 8000 --listen [::1]:8000 --tls-self-signed

`;

const ECHOING = `uhttp echo [options]

Answers every request with what was asked: in JSON for programs, as a page for
browsers. Bodies of up to 1 MiB are told as text, else in Base64.

`;

const INSPECTING = `uhttp inspect PORT URL [options]

Passes requests and WebSockets on to a server, and shows what both sides say,
without a field of the connection alone. Bodies are asked for uncompressed.

  uhttp inspect 9000 :8000      what a program says to :8000, asked as :9000

`;

const TALKING = `uhttp ws URL [options]

Lines of the input are sent, messages are shown. A URL may begin with ws, wss,
http or https, or have no scheme at all.

`;

/** What is said of each command before its options. */
export const INTRODUCTIONS: Readonly<Record<CommandName, string>> = {
  request: REQUESTS,
  ws: TALKING,
  serve: SERVING,
  echo: ECHOING,
  inspect: INSPECTING,
};

/** Exit codes, as help and the manual have them. */
export const EXIT_CODES = `0    good
1    anything else
2    the command line is wrong
5    the proxy's name has no address
6    a name has no address
7    nobody takes the connection, or the proxy refused
22   a status of 400 or more, with --fail
23   the output cannot be written, or is binary and a terminal
28   it took too long
33   what is there is not the beginning of what the server has
47   more redirects than were to be followed
56   the answer broke off, or is malformed
60   TLS failed: mostly a certificate that is not trusted
130  interrupted`;

/** What `uhttp help TOPIC` has to say. */
export const TOPICS: Readonly<Record<string, Topic>> = {
  requests: {
    title: "what is sent, where to, and what becomes of the answer",
    text: REQUESTS + optionList("request"),
  },
  ws: {
    title: "talking to a WebSocket",
    text: TALKING + optionList("ws"),
  },
  serve: {
    title: "serving a folder",
    text: SERVING + optionList("serve"),
  },
  echo: {
    title: "a server that tells what was asked",
    text: ECHOING + optionList("echo"),
  },
  inspect: {
    title: "showing what goes to a server",
    text: INSPECTING + optionList("inspect"),
  },
  "exit-codes": {
    title: "what the command comes to",
    text: EXIT_CODES,
  },
};

/**
 * All about something; without a topic, which ones there are.
 *
 * @throws {CliError} If there is none of that name.
 */
export function topicText(name: string): string {
  if (name === "") {
    const lines = Object.entries(TOPICS).map(([topic, { title }]) =>
      `  uhttp help ${topic.padEnd(12)} ${title}`
    );
    return ["uhttp --help is one screen. All of it:", ...lines].join("\n");
  }
  // A command's own name will do.
  const key = name === "request" ? "requests" : name;
  if (!Object.hasOwn(TOPICS, key)) {
    throw usageError(
      `No help with ${name}; there is ${Object.keys(TOPICS).join(", ")}`,
    );
  }
  return TOPICS[key].text;
}
