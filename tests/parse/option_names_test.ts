import { assertEquals, assertThrows } from "@std/assert";
import { closest, OptionNames } from "../../parse/option_names.ts";

interface Options {
  hostname?: string;
  keepAliveTimeout?: number;
  maxContentLength?: number;
  httpOnly?: boolean;
  data?: string;
  id?: string;
  status?: number;
}

const NAMES: Record<keyof Options, true> = {
  hostname: true,
  keepAliveTimeout: true,
  maxContentLength: true,
  httpOnly: true,
  data: true,
  id: true,
  status: true,
};

const names = new OptionNames<Options>("a thing", NAMES);

Deno.test("OptionNames.check() takes what it knows", () => {
  for (
    const options of [
      undefined,
      {},
      { status: 200 },
      { hostname: undefined },
      Object.assign(Object.create(null), { id: "1" }),
    ]
  ) names.check(options);
});

Deno.test("OptionNames.check() refuses what is no object", () => {
  for (const options of [null, 404, "text/plain", true, ["status"], () => {}]) {
    assertThrows(
      () => names.check(options),
      TypeError,
      "Options of a thing are not an object",
    );
  }
});

/** A name that is unknown, and what it may have been meant to be. */
const WRONG: [name: string, meant: string | null][] = [
  ["address", "hostname"],
  ["host", "hostname"],
  ["max_content_length", "maxContentLength"],
  ["maxContentLenght", "maxContentLength"],
  ["keepAliveTimout", "keepAliveTimeout"],
  ["httponly", "httpOnly"],
  ["http-only", "httpOnly"],
  ["body", "data"],
  ["event_id", "id"],
  ["statusCode", "status"],
  ["code", "status"],
  ["colour", null],
  ["x", null],
  ["toString", null],
  ["__proto__", null],
];

for (const [name, meant] of WRONG) {
  Deno.test(`closest() to ${name} is ${meant}`, () => {
    assertEquals(closest(name, Object.keys(NAMES)), meant);
    const options = JSON.parse(`{"${name}": 1}`);
    const { message } = assertThrows(() => names.check(options), TypeError);
    assertEquals(
      message,
      `Unknown option "${name}" of a thing` +
        (meant === null ? "" : `: did you mean "${meant}"?`),
    );
  });
}

Deno.test("OptionNames.check() sees options that are inherited", () => {
  class Base {
    colour = 1;
  }
  assertThrows(() => names.check(Object.create(new Base())), TypeError);
});
