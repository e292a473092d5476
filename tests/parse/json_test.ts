import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../parse.ts";
import { encodeJson, MAX_JSON_DEPTH, parseJson } from "../../parse/json.ts";
import { assertLinear } from "../support/cost.ts";

/** So many arrays, and objects, within one another. */
function nested(arrays: number, objects = 0): string {
  return "[".repeat(arrays) + '{"a":'.repeat(objects) + "1" +
    "}".repeat(objects) + "]".repeat(arrays);
}

function codeOf(text: string, depth: number): string {
  try {
    assertEquals(parseJson(text, depth), JSON.parse(text));
    return "";
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

Deno.test("parseJson() takes what is nested as deep as it may be, and no deeper", () => {
  const flat = `[${"[],".repeat(500)}{}]`;
  const text = JSON.stringify(["[{".repeat(500), { "{[": "}]\\" }]);
  for (
    const [json, depth, code] of [
      ["1", 1, ""],
      ["null", 1, ""],
      ["[]", 1, ""],
      ["[{}]", 1, "json-too-deep"],
      [nested(8), 8, ""],
      [nested(9), 8, "json-too-deep"],
      [nested(4, 4), 8, ""],
      [nested(4, 5), 8, "json-too-deep"],
      [`[1,${nested(8)}]`, 8, "json-too-deep"],
      [`{"a":1,"__proto__":${nested(8)}}`, 8, "json-too-deep"],
      // Brackets side by side, and those in strings, are not depth.
      [flat, 2, ""],
      [flat, 1, "json-too-deep"],
      [text, 2, ""],
      [nested(MAX_JSON_DEPTH), MAX_JSON_DEPTH, ""],
      [nested(MAX_JSON_DEPTH + 1), MAX_JSON_DEPTH, "json-too-deep"],
      [nested(6000), MAX_JSON_DEPTH, "json-too-deep"],
      [nested(500_000), MAX_JSON_DEPTH, "json-too-deep"],
      ["[".repeat(500_000), MAX_JSON_DEPTH, "bad-json"],
      ["", 1, "bad-json"],
      ["{", 1, "bad-json"],
    ] as const
  ) assertEquals(codeOf(json, depth), code, json.slice(0, 40));
});

Deno.test("parseJson() without a limit takes any depth", () => {
  const value = parseJson(nested(20_000), Infinity);
  let depth = 0;
  for (let one = value; Array.isArray(one); one = one[0]) depth++;
  assertEquals(depth, 20_000);
});

Deno.test("parseJson() costs in proportion to what it reads", () => {
  assertLinear("deep", 1_000_000, (size) => {
    const text = nested(size / 2);
    return () =>
      assertThrows(() => parseJson(text, MAX_JSON_DEPTH), ProtocolError);
  });
  assertLinear("wide", 1_000_000, (size) => {
    const text = `[${"[],".repeat(size / 3)}0]`;
    return () => parseJson(text, MAX_JSON_DEPTH);
  });
});

Deno.test("encodeJson() says what is wrong with what cannot be written", () => {
  const circular: Record<string, unknown> = {};
  circular.self = [circular];
  const inner = new Error("inner");
  for (
    const [value, problem] of [
      [circular, "holds itself"],
      // Plain arrays alone the engine writes however deep they are.
      [
        { date: new Date(0), deep: JSON.parse(nested(100_000)) },
        "is nested too deeply",
      ],
      [{ a: [1n] }, "holds a BigInt"],
      [{ toJSON: () => fail(inner) }, "throws when it is read: inner"],
      [{
        get a() {
          return fail(inner);
        },
      }, "throws when it is read: inner"],
      [{ toJSON: () => fail("text") }, "throws when it is read"],
    ] as const
  ) {
    const error = assertThrows(() => encodeJson(value), TypeError);
    assertEquals(error.message, `Cannot send as JSON what ${problem}`);
  }
  const error = assertThrows(
    () => encodeJson({ toJSON: () => fail(inner) }),
    TypeError,
  );
  assertStrictEquals(error.cause, inner);
});

function fail(reason: unknown): never {
  throw reason;
}

Deno.test("encodeJson() refuses what would go out as nothing", () => {
  for (
    const [value, kind] of [
      [undefined, "undefined"],
      [Symbol(), "a symbol"],
      [() => 1, "a function"],
      [new Map([[1, 2]]), "a Map"],
      [Object.assign(function* () {})(), "a Generator"],
      [/a/, "a RegExp"],
    ] as const
  ) {
    assertThrows(
      () => encodeJson(value),
      TypeError,
      `Cannot send ${kind} as JSON`,
    );
  }
  class Empty {}
  class Named {
    readonly [Symbol.toStringTag] = "Named";
    toJSON() {
      return {};
    }
  }
  for (const value of [{}, new Empty(), Object.create(null), new Named()]) {
    assertEquals(encodeJson(value), "{}");
  }
});

/** What is no data, and what is said to do with it. */
const NO_DATA: [data: unknown, words: string][] = [
  [new Response("a"), "Response as JSON: answer with it by respondWith()"],
  [Promise.resolve(1), "Promise as JSON: wait for what it brings"],
  [new Map([["a", 1]]), "Map as JSON: make an object"],
  [new Set([1]), "Set as JSON: make an array"],
  [new Headers({ a: "b" }), "Headers as JSON: make an object"],
  [Object.assign(new Error("a"), { code: 1 }), "an Error as JSON: send its"],
  [new (class Late extends RangeError {})("a"), "an Error as JSON: send its"],
  [/a/, "RegExp as JSON: send its source"],
  [new SharedArrayBuffer(8), "SharedArrayBuffer as JSON: it would be empty"],
  [Symbol("a"), "symbol as JSON"],
  [() => 1, "function as JSON"],
  [1n, "BigInt"],
];

for (const [data, words] of NO_DATA) {
  Deno.test(`encodeJson() says what is wrong with a ${words}`, () => {
    assertThrows(() => encodeJson(data), TypeError, words);
  });
}

Deno.test("encodeJson() takes objects of any class that have something to show", () => {
  class Point {
    x = 1;
  }
  class Failure extends Error {
    toJSON() {
      return { failed: this.message };
    }
  }
  for (
    const [data, text] of [
      [new Point(), '{"x":1}'],
      [new (class Nothing {})(), "{}"],
      [Object.create(null), "{}"],
      [new Failure("a"), '{"failed":"a"}'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"'],
      [new URL("http://a/"), '"http://a/"'],
    ]
  ) assertEquals(encodeJson(data), text);
});
