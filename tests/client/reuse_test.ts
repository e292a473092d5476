import { assertEquals } from "@std/assert";
import { mayBringBody, readKeepAlive, RestTime } from "../../client/reuse.ts";
import { ParseEvent } from "../../parse/phase.ts";
import { ResponseParser } from "../../parse/response_parser.ts";

/** A head that answers a method, from its lines. */
function headOf(method: string, ...lines: string[]): ResponseParser {
  const parser = new ResponseParser();
  parser.expect(method);
  const text = [`HTTP/1.1 ${lines[0]}`, ...lines.slice(1), "", ""].join("\r\n");
  parser.push(new TextEncoder().encode(text));
  assertEquals(parser.next(), ParseEvent.HEAD, text);
  return parser;
}

const BODIES: [method: string, lines: string[], expected: boolean][] = [
  ["GET", ["200 OK", "Content-Length: 3"], false],
  ["GET", ["204 None"], false],
  ["GET", ["304 Same"], false],
  ["GET", ["304 Same", "Content-Length: 0"], false],
  ["GET", ["304 Same", "Content-Length: 3"], true],
  ["GET", ["304 Same", "Transfer-Encoding: chunked"], true],
  ["HEAD", ["200 OK", "Content-Length: 3"], true],
  ["HEAD", ["200 OK", "Content-Length: 0"], false],
  ["HEAD", ["200 OK", "Transfer-Encoding: chunked"], true],
  ["HEAD", ["200 OK"], true],
  ["HEAD", ["204 None"], false],
  ["HEAD", ["304 Same"], false],
];

for (const [method, lines, expected] of BODIES) {
  Deno.test(`mayBringBody() is ${expected} for ${method} and ${lines.join(", ")}`, () => {
    assertEquals(mayBringBody(method, headOf(method, ...lines)), expected);
  });
}

const TIMES: [text: string, ms: number][] = [
  ["timeout=5", 4000],
  ["timeout=5, max=100", 4000],
  ["max=100, timeout=5", 4000],
  ["max=100;timeout=5", 4000],
  ["Timeout=5", 4000],
  ["timeout=1", 500],
  ["timeout=0", 500],
  ["max=100", -1],
  ["timeout=", -1],
  ["timeout=-5", -1],
  ["idletimeout=5", -1],
  ["", -1],
];

for (const [text, ms] of TIMES) {
  Deno.test(`readKeepAlive() reads ${ms} ms from "${text}"`, () => {
    assertEquals(readKeepAlive(text), ms);
  });
}

Deno.test("RestTime goes by the last that was said, up to our own time", () => {
  const time = new RestTime(10_000, { ticks: (ms) => ms / 100 });
  const after = (...lines: string[]) => {
    time.read(headOf("GET", "204 None", ...lines));
    return time.ticks;
  };
  assertEquals(time.ticks, 100);
  assertEquals(after("Keep-Alive: timeout=5"), 40);
  assertEquals(after(), 40);
  assertEquals(after("Keep-Alive: max=9"), 40);
  assertEquals(after("Keep-Alive: timeout=60"), 100);
  assertEquals(after("Keep-Alive: timeout=3"), 20);
});
