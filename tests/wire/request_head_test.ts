import { assertEquals, assertThrows } from "@std/assert";
import { ParseEvent } from "../../parse/phase.ts";
import { RequestParser } from "../../parse/request_parser.ts";
import { checkRequestLine, writeRequestLine } from "../../wire/request_head.ts";

const VISIBLE = String.fromCharCode(
  ...Array.from({ length: 0x7e - 0x20 }, (_, i) => 0x21 + i),
);

const GOOD: [method: string, target: string][] = [
  ["GET", "/"],
  ["get", "/a?b=c&d"],
  ["M-SEARCH", "*"],
  ["!#$%&'*+-.^_`|~09azAZ", "/"],
  ["GET", `/${VISIBLE.replace("#", "")}`],
  ["GET", "http://a.example:80/b?c"],
];

Deno.test("checkRequestLine() takes tokens, and targets of visible ASCII", () => {
  for (const [method, target] of GOOD) checkRequestLine(method, target);
});

const BAD_METHODS = ["", " ", "A B", "GET\r", "GET\n", "A:", "Ä", "A\0", "(A)"];
const BAD_TARGETS = [
  "",
  " ",
  "/a b",
  "/\t",
  "/\r\nHost: evil",
  "/\n",
  "/\0",
  "/a#b",
  "/\x7f",
  "/ä",
  "/\x80",
  "/\u212a",
  "/😀",
];

Deno.test("checkRequestLine() refuses what could be read as more", () => {
  for (const method of BAD_METHODS) {
    assertThrows(() => checkRequestLine(method, "/"), TypeError, "Method");
  }
  for (const target of BAD_TARGETS) {
    assertThrows(() => checkRequestLine("GET", target), TypeError, "target");
  }
});

Deno.test("checkRequestLine() refuses each byte that may not be there", () => {
  for (let code = 0; code < 0x180; code++) {
    const char = String.fromCharCode(code);
    const isVisible = code > 0x20 && code < 0x7f;
    const check = () => checkRequestLine("GET", `/${char}`);
    if (isVisible && char !== "#") check();
    else assertThrows(check, TypeError, "target", `Character ${code}`);
  }
});

Deno.test("writeRequestLine() writes what the parser reads", () => {
  for (const [method, target] of GOOD) {
    // The parser holds targets to the forms that a method may have.
    if (target === "*") continue;
    const line = writeRequestLine(method, target);
    assertEquals(line, `${method} ${target} HTTP/1.1\r\n`);
    const parser = new RequestParser();
    parser.push(new TextEncoder().encode(line + "Host: a.example\r\n\r\n"));
    assertEquals(parser.next(), ParseEvent.HEAD);
    assertEquals([parser.method, parser.target], [method, target]);
    assertEquals(parser.minorVersion, 1);
  }
});
