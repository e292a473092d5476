import type { Answered } from "./answered.ts";

/** What a line of a log tells of an answer. */
export type Logged = Pick<
  Answered,
  | "address"
  | "method"
  | "target"
  | "protocol"
  | "status"
  | "bytesOut"
  | "isWhole"
  | "duration"
>;

/** Characters of a request that are logged: a log is not the peer's to fill. */
const MAX_REQUEST = 1000;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function beginning(text: string): string {
  return text.length <= MAX_REQUEST ? text : text.slice(0, MAX_REQUEST) + "...";
}

/**
 * A line of a log in the common format, with seconds behind it: for
 * `onAnswered`. What a peer sent is shortened, and escaped where it is not
 * printable ASCII. A request that could not be read is `"-"`, and an answer that
 * broke off has no length.
 *
 * ```ts
 * import { commonLogLine, HttpServer } from "@uhttp/uhttp";
 * import { assertMatch } from "@std/assert";
 *
 * const lines: string[] = [];
 * await using server = new HttpServer({
 *   hostname: "127.0.0.1",
 *   port: 0,
 *   onAnswered: (answered) => lines.push(commonLogLine(answered)),
 * });
 * const asked = fetch(server.url);
 * const client = await server.wait(5000);
 * client?.respond("hello");
 * await client?.completed;
 * await (await asked).text();
 * assertMatch(lines[0], /^127\.0\.0\.1 - - \[.+\] "GET \/ HTTP\/1\.1" 200 5 /);
 * ```
 *
 * @param date When it was answered; default now.
 */
export function commonLogLine(
  answered: Logged,
  date: Date = new Date(),
): string {
  const { address, method, target, protocol, status } = answered;
  const request = method === ""
    ? "-"
    : escapeForLog(beginning(`${method} ${target} ${protocol}`));
  return `${address} - - [${dateText(date)}] "${request}" ` +
    `${status ?? "-"} ${lengthOf(answered) ?? "-"} ${secondsOf(answered)}`;
}

/**
 * The same as a line of JSON, in ASCII: `time`, `address`, `method`, `url`,
 * `protocol`, `status`, `length` and `seconds`.
 */
export function jsonLogLine(answered: Logged, date: Date = new Date()): string {
  const { address, method, target, protocol, status } = answered;
  const text = JSON.stringify({
    time: date.toISOString(),
    address,
    method: beginning(method),
    url: beginning(target),
    protocol,
    status,
    length: lengthOf(answered),
    seconds: Number(secondsOf(answered)),
  });
  // What is not ASCII is escaped: a terminal takes some of it for commands.
  return text.replace(
    /[^\x20-\x7e]/g,
    (char) => "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

function lengthOf({ isWhole, bytesOut }: Logged): number | null {
  return isWhole ? bytesOut : null;
}

function secondsOf({ duration }: Logged): string {
  return (duration / 1000).toFixed(3);
}

/** Text for a log: what is not printable ASCII is escaped, a quote as well. */
export function escapeForLog(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/gu, (char) => {
    if (char === '"' || char === "\\") return "\\" + char;
    return [...new TextEncoder().encode(char)]
      .map((byte) => "\\x" + byte.toString(16).padStart(2, "0")).join("");
  });
}

function dateText(date: Date): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const east = Math.abs(offset);
  return `${pad(date.getDate())}/${MONTHS[date.getMonth()]}/` +
    `${date.getFullYear()}:${pad(date.getHours())}:${pad(date.getMinutes())}:` +
    `${pad(date.getSeconds())} ${offset < 0 ? "-" : "+"}` +
    pad(Math.floor(east / 60)) + pad(east % 60);
}
