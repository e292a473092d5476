/**
 * What this project relies on in `@std`. It runs against the real packages
 * where JSR can be reached, and against the stand-ins in `tools/jsr/` where it
 * cannot, and so holds both to the same.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";
import {
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
} from "@std/encoding";
import {
  basename,
  dirname,
  extname,
  fromFileUrl,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
  SEPARATOR,
  toFileUrl,
} from "@std/path/posix";

function dict(entries: Record<string, unknown>): unknown {
  return Object.assign(Object.create(null), entries);
}

/** Asserts that an assertion fails, as an assertion does. */
function assertFails(fn: () => void): void {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof AssertionError)) {
    throw new Error(`No AssertionError was thrown, but ${thrown}`);
  }
}

class Point {
  readonly x: number;
  #hidden: number;
  constructor(x: number, hidden = 1) {
    this.x = x;
    this.#hidden = hidden;
  }
  get hidden(): number {
    return this.#hidden;
  }
}
class Pixel extends Point {}

const cycleA: Record<string, unknown> = { a: 1 };
cycleA.self = cycleA;
const cycleB: Record<string, unknown> = { a: 1 };
cycleB.self = cycleB;

const EQUAL: [string, unknown, unknown][] = [
  ["NaN", NaN, NaN],
  ["zeroes", 0, -0],
  ["nested values", { a: [1, { b: "c" }] }, { a: [1, { b: "c" }] }],
  ["another order of keys", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["a null-prototype object", dict({ a: "b" }), { a: "b" }],
  ["the same turned round", { a: "b" }, dict({ a: "b" })],
  ["two null-prototype objects", dict({ a: "b" }), dict({ a: "b" })],
  ["a nested one", [{ h: dict({ a: 1 }) }], [{ h: { a: 1 } }]],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([0, 1, 2]).subarray(1)],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
  ["dates", new Date(5), new Date(5)],
  ["expressions", /a/g, /a/g],
  ["URLs", new URL("http://a/"), new URL("http://a")],
  [
    "maps in another order",
    new Map([[1, 2], [3, 4]]),
    new Map([[3, 4], [1, 2]]),
  ],
  ["sets of objects", new Set([{ a: 1 }]), new Set([{ a: 1 }])],
  ["instances", new Point(1), new Point(1)],
  ["cycles", cycleA, cycleB],
];

const DIFFERENT: [string, unknown, unknown][] = [
  ["types", 1, "1"],
  ["null and undefined", null, undefined],
  ["null and an object", null, {}],
  ["undefined and no key", { a: undefined }, {}],
  ["undefined and another key", { a: undefined }, { b: undefined }],
  ["lengths", [1, 2], [1]],
  ["a hole and undefined", [, 1], [undefined, 1]],
  ["array and object", [], {}],
  ["array and null-prototype object", [], dict({})],
  ["bytes", new Uint8Array([1]), new Uint8Array([2])],
  ["bytes and numbers", new Uint8Array([1]), [1]],
  ["kinds of bytes", new Uint8Array([1]), new Int8Array([1])],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
  ["dates", new Date(5), new Date(6)],
  ["flags", /a/g, /a/i],
  ["values of maps", new Map([[1, 2]]), new Map([[1, 3]])],
  ["sets", new Set([1]), new Set([2])],
  ["classes", new Point(1), new Pixel(1)],
  ["class and plain object", new Point(1), { x: 1 }],
  ["what a getter gives", new Point(1, 1), new Point(1, 2)],
  ["messages of errors", new Error("a"), new Error("b")],
  ["functions", () => 1, () => 1],
  ["symbol keys", { [Symbol.iterator]: 1 }, { [Symbol.iterator]: 2 }],
];

for (const [name, a, b] of EQUAL) {
  Deno.test(`assertEquals() takes as equal ${name}`, () => {
    assertEquals(a, b);
    assertFails(() => assertNotEquals(a, b));
  });
}

for (const [name, a, b] of DIFFERENT) {
  Deno.test(`assertEquals() tells apart ${name}`, () => {
    assertFails(() => assertEquals(a, b));
    assertFails(() => assertEquals(b, a));
    assertNotEquals(a, b);
  });
}

Deno.test("assertEquals() shows both values and the message", () => {
  const error = assertThrows(
    () => assertEquals({ a: "one" }, { a: "two" }, "Why"),
    AssertionError,
    "Values are not equal: Why",
  );
  assertEquals(error.name, "AssertionError");
  assertStringIncludes(error.message, "one");
  assertStringIncludes(error.message, "two");
});

Deno.test("assert() and the small ones pass and fail", () => {
  assert(1);
  assertFails(() => assert(0));
  assertThrows(() => assert(0, "Zero"), AssertionError, "Zero");
  assertFalse("");
  assertFails(() => assertFalse("a"));
  assertStrictEquals(NaN, NaN);
  assertFails(() => assertStrictEquals(0, -0));
  assertFails(() => assertStrictEquals<unknown>({}, {}));
  assertExists(0);
  assertFails(() => assertExists(null));
  assertFails(() => assertExists(undefined));
  assertInstanceOf(new Pixel(1), Point);
  assertFails(() => assertInstanceOf({}, Point));
  assertFails(() => assertInstanceOf(null, Point));
  assertMatch("abc", /b/);
  assertFails(() => assertMatch("abc", /d/));
  assertStringIncludes("abc", "bc");
  assertFails(() => assertStringIncludes("abc", "d"));
  assertArrayIncludes([{ a: 1 }, 2], [2, { a: 1 }]);
  assertFails(() => assertArrayIncludes([{ a: 1 }], [{ a: 2 }]));
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(1, 2, 1);
  assertFails(() => assertAlmostEquals(1, 1.1));
  assertGreater(2, 1);
  assertFails(() => assertGreater(1, 1));
  assertGreaterOrEqual(1, 1);
  assertFails(() => assertGreaterOrEqual(1, 2));
  assertLess(1, 2);
  assertFails(() => assertLess(1, 1));
  assertLessOrEqual(1, 1);
  assertFails(() => assertLessOrEqual(NaN, 1));
  assertThrows(() => fail("Why"), AssertionError, "Failed assertion: Why");
  assertThrows(() => unreachable(), AssertionError, "Unreachable.");
});

Deno.test("assertThrows() returns what was thrown", () => {
  const error = new RangeError("Out of range");
  const toss = () => {
    throw error;
  };
  assertStrictEquals(assertThrows(toss), error);
  assertStrictEquals(assertThrows(toss, RangeError, "of"), error);
  assertStrictEquals(assertThrows(toss, Error), error);
  assertFails(() => assertThrows(toss, TypeError));
  assertFails(() => assertThrows(toss, RangeError, "in"));
  assertFails(() => assertThrows(() => 1));
  assertFails(() => assertThrows(() => 1, "Why"));
  const text: unknown = "text";
  const tossText = () => {
    throw text;
  };
  assertEquals(assertThrows(tossText), "text");
  assertFails(() => assertThrows(tossText, Error));
});

Deno.test("assertRejects() resolves to the reason", async () => {
  const error = new RangeError("Out of range");
  const reject = () => Promise.reject(error);
  assertStrictEquals(await assertRejects(reject), error);
  assertStrictEquals(await assertRejects(reject, RangeError, "of"), error);
  await assertRejects(
    () => assertRejects(reject, TypeError),
    AssertionError,
    'Expected error to be instance of "TypeError"',
  );
  await assertRejects(
    () => assertRejects(reject, RangeError, "in"),
    AssertionError,
    'Expected error message to include "in"',
  );
  await assertRejects(
    () => assertRejects(() => Promise.resolve(1)),
    AssertionError,
    "Expected function to reject",
  );
  await assertRejects(
    () =>
      assertRejects(() => {
        throw error;
      }),
    AssertionError,
    "Function throws when expected to reject",
  );
});

Deno.test("join() and its kin treat paths as POSIX does", () => {
  assertEquals(SEPARATOR, "/");
  assertEquals(join("/a", "..", "b", "./c//d"), "/b/c/d");
  assertEquals(join("a", "../../b"), "../b");
  assertEquals(normalize("/../a/./b/"), "/a/b/");
  assertEquals(normalize(""), ".");
  assertEquals(resolve("/a", "b", "../c"), "/a/c");
  assertEquals(resolve("/a", "/b/"), "/b");
  assertEquals(relative("/a/b", "/a/c/d"), "../c/d");
  assertEquals(relative("/a", "/a"), "");
  assertEquals([isAbsolute("/a"), isAbsolute("a")], [true, false]);
  assertEquals(dirname("/a/b.c"), "/a");
  assertEquals(dirname("a"), ".");
  assertEquals(basename("/a/b.c/"), "b.c");
  assertEquals(basename("/a/b.c", ".c"), "b");
  assertEquals(basename(".c", ".c"), ".c");
  assertEquals([basename("/"), basename("")], ["/", ""]);
  assertEquals(extname("/a.b/c.tar.gz"), ".gz");
  assertEquals([extname("a"), extname(".a"), extname("a.")], ["", "", "."]);
});

Deno.test("toFileUrl() and fromFileUrl() undo each other", () => {
  for (const path of ["/a b/%20/ü", "/a?b#c", "/a\\b", "/tab\there", "/"]) {
    assertEquals(fromFileUrl(toFileUrl(path)), path);
  }
  assertEquals(toFileUrl("/a b%").href, "file:///a%20b%25");
  assertEquals(fromFileUrl("file:///a%20b"), "/a b");
  assertThrows(() => toFileUrl("a"), TypeError);
  assertThrows(() => fromFileUrl("http://a/b"), TypeError);
});

Deno.test("encodeBase64() and its kin give what they should", () => {
  const bytes = new Uint8Array([0, 0xfb, 0xff, 0xfe]).subarray(1);
  assertEquals(encodeBase64(bytes), "+//+");
  assertEquals(encodeBase64Url(bytes), "-__-");
  assertEquals(encodeHex(bytes), "fbfffe");
  assertEquals(encodeBase64("ü"), "w7w=");
  assertEquals(encodeBase64Url("ü"), "w7w");
  assertEquals(encodeHex(new Uint8Array([1, 2]).buffer), "0102");
  assertEquals(encodeBase64(""), "");
  assertEquals(decodeBase64("+//+"), bytes.slice());
  assertEquals(decodeBase64Url("-__-"), bytes.slice());
  assertEquals(decodeBase64Url("w7w"), decodeBase64("w7w="));
  assertEquals(decodeBase64Url("w7w="), decodeBase64("w7w="));
  assertEquals(decodeHex("fbFFfe"), bytes.slice());
  assertEquals(decodeHex(""), new Uint8Array());
});

Deno.test("decodeBase64() and its kin refuse what is malformed", () => {
  assertThrows(() => decodeBase64("a*=="));
  assertThrows(() => decodeBase64("a"));
  assertThrows(() => decodeBase64Url("a+b/"));
  assertThrows(() => decodeBase64Url("a"));
  assertThrows(() => decodeHex("0g"));
  assertThrows(() => decodeHex("abc"));
});
