import { assertEquals } from "@std/assert";
import {
  hasResponseBody,
  mayHaveLength,
  STATUS_CODES,
} from "../../wire/status.ts";

const ALL = Array.from({ length: 500 }, (_, i) => 100 + i);

Deno.test("hasResponseBody() says no to 1xx, 204, 205 and 304 alone", () => {
  assertEquals(
    ALL.filter((status) => !hasResponseBody(false, status)),
    [...ALL.slice(0, 100), 204, 205, 304],
  );
});

Deno.test("hasResponseBody() says no to HEAD", () => {
  assertEquals(ALL.filter((status) => hasResponseBody(true, status)), []);
});

Deno.test("mayHaveLength() says no to 1xx, 204 and 304 alone", () => {
  assertEquals(
    ALL.filter((status) => !mayHaveLength(status)),
    [...ALL.slice(0, 100), 204, 304],
  );
});

Deno.test("STATUS_CODES has each class, and the phrases of RFC 9110", () => {
  const phrases: Record<number, string> = {
    100: "Continue",
    203: "Non-Authoritative Information",
    207: "Multi-Status",
    300: "Multiple Choices",
    308: "Permanent Redirect",
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    431: "Request Header Fields Too Large",
    451: "Unavailable For Legal Reasons",
    505: "HTTP Version Not Supported",
    511: "Network Authentication Required",
  };
  for (const [code, phrase] of Object.entries(phrases)) {
    assertEquals(STATUS_CODES[+code], phrase);
  }
  // Unused or without a meaning of their own.
  for (const code of [306, 418, 509]) {
    assertEquals(STATUS_CODES[code], undefined);
  }
});
