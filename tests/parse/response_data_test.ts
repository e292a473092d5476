import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encodeResponseData, type ResponseData } from "../../parse.ts";

const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json";
const OCTETS = "application/octet-stream";
const bytes = Uint8Array.of(1, 2, 3, 255);

const ROWS: [name: string, ResponseData, text: string, type?: string][] = [
  ["a string", "<b>\u00fc</b>", "<b>\u00fc</b>", HTML],
  ["an empty string", "", "", HTML],
  ["a lone surrogate", "\ud800", "\ufffd", HTML],
  ["zero", 0, "0", JSON_TYPE],
  ["minus zero", -0, "0", JSON_TYPE],
  ["NaN", NaN, "null", JSON_TYPE],
  ["true", true, "true", JSON_TYPE],
  ["false", false, "false", JSON_TYPE],
  ["null", null, "", undefined],
  ["nothing", undefined, "", undefined],
  ["an array", [1, "a", null], '[1,"a",null]', JSON_TYPE],
  ["an empty array", [], "[]", JSON_TYPE],
  ["an object", { a: 1, b: undefined }, '{"a":1}', JSON_TYPE],
  [
    "an object's own __proto__",
    { ["__proto__"]: 1 },
    '{"__proto__":1}',
    JSON_TYPE,
  ],
  ["a date", new Date(0), '"1970-01-01T00:00:00.000Z"', JSON_TYPE],
  ["a toJSON()", { toJSON: () => "x" }, '"x"', JSON_TYPE],
  ["empty bytes", new Uint8Array(0), "", OCTETS],
];

for (const [name, data, text, type] of ROWS) {
  Deno.test(`encodeResponseData() encodes ${name}`, () => {
    const headers: Record<string, unknown> = {};
    const encoded = encodeResponseData(headers, data);
    assertEquals(new TextDecoder().decode(encoded), text);
    assertEquals(headers["content-type"], type);
    assertEquals(Object.keys(headers).length, type === undefined ? 0 : 1);
  });
}

Deno.test("encodeResponseData() takes bytes of all kinds", () => {
  const { buffer } = Uint8Array.of(9, 1, 2, 3, 255, 9);
  const views: ResponseData[] = [
    bytes,
    bytes.buffer,
    new Uint8Array(buffer, 1, 4),
    new DataView(buffer, 1, 4),
    new Uint8ClampedArray(bytes),
    new Int8Array(bytes.buffer),
    new Uint16Array(bytes.buffer),
    new Float32Array(bytes.buffer),
  ];
  for (const view of views) {
    const headers: Record<string, unknown> = {};
    assertEquals([...encodeResponseData(headers, view)], [...bytes]);
    assertEquals(headers["content-type"], OCTETS);
  }
});

Deno.test("encodeResponseData() hands bytes through without a copy", () => {
  assertStrictEquals(encodeResponseData({}, bytes), bytes);
});

Deno.test("encodeResponseData() keeps the caller's content type", () => {
  for (const data of ["text", 1, bytes]) {
    const headers = { "content-type": "text/plain" };
    encodeResponseData(headers, data);
    assertEquals(headers, { "content-type": "text/plain" });
  }
});

Deno.test("encodeResponseData() refuses what has no JSON form", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const bad: unknown[] = [
    () => 1,
    Symbol("a"),
    1n,
    { a: 1n },
    circular,
    { toJSON: () => undefined },
    new Blob(["a"]),
  ];
  for (const data of bad) {
    const headers = {};
    assertThrows(
      () => encodeResponseData(headers, data as ResponseData),
      TypeError,
    );
  }
});
