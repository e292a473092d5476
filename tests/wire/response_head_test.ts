import { assert, assertEquals, assertThrows } from "@std/assert";
import { HttpDate } from "../../wire/date.ts";
import {
  checkHeaders,
  checkStatus,
  type HeaderValues,
  HeadTemplate,
  writeFields,
  writeLatin1,
  writeStatusLine,
} from "../../wire/response_head.ts";
import { STATUS_CODES } from "../../wire/status.ts";
import { parseHeaderLine } from "../../parse.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";

const GOOD: [HeaderValues | Headers, [string, string | string[]][]][] = [
  [{}, []],
  [{ "Content-Type": "text/plain" }, [["content-type", "text/plain"]]],
  [{ "X-A": 7, "x-b": 0 }, [["x-a", "7"], ["x-b", "0"]]],
  [{ via: ["a", 7] }, [["via", ["a", "7"]]]],
  [{ via: [] }, [["via", []]]],
  [{ Via: "a", via: "b", VIA: ["c", "d"] }, [["via", ["a", "b", "c", "d"]]]],
  [{ x: "" }, [["x", ""]]],
  [{ x: "\t \x80\xff" }, [["x", "\t \x80\xff"]]],
  [{ ["__proto__"]: "a", constructor: "b" }, [
    ["__proto__", "a"],
    ["constructor", "b"],
  ]],
  [new Headers([["X", "1"], ["Set-Cookie", "a"], ["Set-Cookie", "b"]]), [
    ["set-cookie", ["a", "b"]],
    ["x", "1"],
  ]],
];

for (const [headers, expected] of GOOD) {
  const name = JSON.stringify(expected);
  Deno.test(`checkHeaders() gives ${name}`, () => {
    const checked = checkHeaders(headers);
    assertEquals(Object.entries(checked), expected);
    // What is written is read as the same.
    const lines = writeFields(checked).split("\r\n").slice(0, -1);
    assertEquals(
      lines.map(parseHeaderLine),
      expected.flatMap(([key, values]): [string, string][] =>
        [values].flat().map((value) => [key, value.replace(/^[\t ]+/, "")])
      ),
    );
  });
}

const BAD: [what: string, headers: Record<string, unknown>][] = [
  ...["", " ", "a b", "a:", "a\r\nb", "a\n", "a\0", "\u00e9", "\u0161", "(a)"]
    .map((name): [string, Record<string, unknown>] => [
      `the name ${JSON.stringify(name)}`,
      { [name]: "x" },
    ]),
  ...[
    "a\r\nb: c",
    "a\r",
    "\n",
    "a\n b",
    "\0",
    "\x1b",
    "\x7f",
    "\u0100",
    "\u010d\u010ax: y",
    "\u2028",
    "\ud83d\ude00",
  ].map((value): [string, Record<string, unknown>] => [
    `the value ${JSON.stringify(value)}`,
    { x: value },
  ]),
  ["a bad value among several", { x: ["a", "b\r\nc: d"] }],
  ["undefined", { x: undefined }],
  ["null", { x: null }],
  ["a boolean", { x: true }],
  ["an object", { x: {} }],
  ["a list in a list", { x: [["a"]] }],
  ["something that turns into CR LF", { x: { toString: () => "\r\n" } }],
];

for (const [what, headers] of BAD) {
  Deno.test(`checkHeaders() refuses ${what}`, () => {
    assertThrows(() => checkHeaders(headers as HeaderValues), TypeError);
  });
}

Deno.test("checkStatus() takes whole numbers from 200 to 599", () => {
  for (let status = 200; status <= 599; status++) checkStatus(status);
  for (const status of [199, 600, 0, -200, 100, 101, 200.5, NaN, Infinity]) {
    assertThrows(() => checkStatus(status), RangeError);
  }
  for (const status of ["200", null, "200 OK\r\nX: y"] as unknown[]) {
    assertThrows(() => checkStatus(status as number), RangeError);
  }
});

Deno.test("checkStatus() takes reasons of visible bytes and blanks", () => {
  for (const reason of ["", "Fine", "So so\t!", "\xe9\xff"]) {
    checkStatus(200, reason);
  }
  for (const reason of ["\r\n", "a\rb", "a\n", "\0", "\x7f", "\u010d\u010a"]) {
    assertThrows(() => checkStatus(200, reason), TypeError);
  }
});

Deno.test("writeStatusLine() writes code and reason, and keeps the blank", () => {
  assertEquals(writeStatusLine(200), "HTTP/1.1 200 OK\r\n");
  assertEquals(writeStatusLine(299), "HTTP/1.1 299 \r\n");
  assertEquals(writeStatusLine(404, "Gone"), "HTTP/1.1 404 Gone\r\n");
  assertEquals(writeStatusLine(404, ""), "HTTP/1.1 404 \r\n");
  for (const code of Object.keys(STATUS_CODES)) {
    assert(/^HTTP\/1\.1 \d{3} [A-Z][ -~]+\r\n$/.test(writeStatusLine(+code)));
  }
});

Deno.test("writeFields() writes one line for each value", () => {
  assertEquals(
    writeFields({ a: "1", b: ["2", "3"], c: [], 7: "x" }),
    "7: x\r\na: 1\r\nb: 2\r\nb: 3\r\n",
  );
});

Deno.test("writeLatin1() writes one byte a character", () => {
  const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i))
    .join("");
  for (const text of ["", "plain", all, all + all, "\xff".repeat(100)]) {
    for (const room of [0, 1, 300]) {
      const into = new Uint8Array(3 + text.length + room);
      writeLatin1(text, into, 3);
      assertEquals(latin1Text(into.subarray(3, 3 + text.length)), text);
      assertEquals([...into.subarray(0, 3)], [0, 0, 0]);
    }
  }
});

Deno.test("HeadTemplate.write() writes the head up to the digits of the length", () => {
  const date = new HttpDate();
  date.renew(0);
  const rows: [status: number, type: string, rest: string][] = [
    [200, "text/plain", "content-type: text/plain\r\ncontent-length: "],
    [404, "", "content-length: "],
    [204, "", ""],
    [304, "", ""],
  ];
  for (const [status, type, rest] of rows) {
    const template = new HeadTemplate(status, type, date);
    const into = new Uint8Array(300);
    const end = template.write(into, 10);
    assertEquals(
      latin1Text(into.subarray(10, end)),
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
        `date: Thu, 01 Jan 1970 00:00:00 GMT\r\n${rest}`,
    );
    assertEquals(latin1Text(into.subarray(0, 10)), "\0".repeat(10));
  }
});

Deno.test("HeadTemplate.write() renews the date, and changes nothing else", () => {
  const date = new HttpDate();
  date.renew(0);
  const template = new HeadTemplate(200, "text/plain", date);
  const into = latin1Bytes(" ".repeat(200));
  const text = () => latin1Text(into.subarray(0, template.write(into, 0)));
  const first = text();
  for (const time of [1000, 5000, 1e12, 0]) {
    date.renew(time);
    assertEquals(
      text(),
      first.replace("Thu, 01 Jan 1970 00:00:00 GMT", date.text),
    );
  }
  assertEquals(text(), first);
});
