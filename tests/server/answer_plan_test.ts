import { assertEquals, assertThrows } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { checkHead, type RespondOptions } from "../../server/answer_head.ts";
import {
  type AnswerPlan,
  type Asked,
  forbidLength,
  planEndless,
  planKnown,
  planStream,
  planWhole,
} from "../../server/answer_plan.ts";
import { checkCompression } from "../../server/compression.ts";
import { Framing, UNKNOWN } from "../../wire/framing.ts";

const GET: Asked = {
  isHead: false,
  minorVersion: 1,
  acceptEncoding: undefined,
  compression: null,
};
const HEAD: Asked = { ...GET, isHead: true };
const OLD: Asked = { ...GET, minorVersion: 0 };
const CODED: Asked = {
  ...GET,
  acceptEncoding: "gzip",
  compression: checkCompression(true),
};
const TEXT = "Compress me. ".repeat(100);
const LONG = "Compress me. ".repeat(10_000);

type Planner = (
  asked: Asked,
  head: ReturnType<typeof checkHead>,
) => AnswerPlan;
const whole = (body: Uint8Array | string | null): Planner => (asked, head) =>
  planWhole(asked, head, body);
const known = (length: number, mayCode = true): Planner => (asked, head) =>
  planKnown(asked, head, length, mayCode);

interface Row {
  name: string;
  plan: Planner;
  asked?: Asked;
  options?: RespondOptions;
  framing: Framing;
  length: number;
  hasBody?: boolean;
  coding?: "gzip";
  /** Fields of framing and coding that are sent. */
  fields: Record<string, string>;
}

const type = { "content-type": "text/plain" };

const ROWS: Row[] = [
  {
    name: "text has the length of its bytes",
    plan: whole("é"),
    framing: Framing.LENGTH,
    length: 2,
    fields: { "content-length": "2" },
  },
  {
    name: "no body has the length 0",
    plan: whole(null),
    framing: Framing.LENGTH,
    length: 0,
    fields: { "content-length": "0" },
  },
  {
    name: "HEAD is told the length, and gets no body",
    plan: whole("abc"),
    asked: HEAD,
    framing: Framing.LENGTH,
    length: 3,
    hasBody: false,
    fields: { "content-length": "3" },
  },
  {
    name: "HEAD may be told the length of a body that was never made",
    plan: whole(null),
    asked: HEAD,
    options: { headers: { "content-length": 7 } },
    framing: Framing.LENGTH,
    length: 0,
    hasBody: false,
    fields: { "content-length": "7" },
  },
  {
    name: "204 has neither body nor length",
    plan: whole("abc"),
    options: { status: 204 },
    framing: Framing.NONE,
    length: 3,
    hasBody: false,
    fields: {},
  },
  {
    name: "304 drops a length that was promised",
    plan: whole(null),
    options: { status: 304, headers: { "content-length": 7 } },
    framing: Framing.NONE,
    length: 0,
    hasBody: false,
    fields: {},
  },
  {
    name: "205 has the length 0, whatever was to be its body",
    plan: whole("abc"),
    options: { status: 205 },
    framing: Framing.LENGTH,
    length: 0,
    hasBody: false,
    fields: { "content-length": "0" },
  },
  {
    name: "a short text is compressed at once",
    plan: whole(TEXT),
    asked: CODED,
    options: { headers: type },
    framing: Framing.LENGTH,
    length: gzipLength(TEXT),
    fields: {
      "content-length": String(gzipLength(TEXT)),
      "content-encoding": "gzip",
    },
  },
  {
    name: "a long text is compressed on its way",
    plan: whole(LONG),
    asked: CODED,
    options: { headers: type },
    framing: Framing.CHUNKED,
    length: UNKNOWN,
    coding: "gzip",
    fields: { "transfer-encoding": "chunked", "content-encoding": "gzip" },
  },
  {
    name: "to HTTP/1.0 it ends with the connection",
    plan: whole(LONG),
    asked: { ...CODED, minorVersion: 0 },
    options: { headers: type },
    framing: Framing.CLOSE,
    length: UNKNOWN,
    coding: "gzip",
    fields: { "content-encoding": "gzip" },
  },
  {
    name: "a body from elsewhere has the length that is known",
    plan: known(70_000),
    framing: Framing.LENGTH,
    length: 70_000,
    fields: { "content-length": "70000" },
  },
  {
    name: "it may be compressed",
    plan: known(70_000),
    asked: CODED,
    options: { headers: type },
    framing: Framing.CHUNKED,
    length: UNKNOWN,
    coding: "gzip",
    fields: { "transfer-encoding": "chunked", "content-encoding": "gzip" },
  },
  {
    name: "or may not",
    plan: known(70_000, false),
    asked: CODED,
    options: { headers: type },
    framing: Framing.LENGTH,
    length: 70_000,
    fields: { "content-length": "70000" },
  },
  {
    name: "a stream goes in chunks",
    plan: planStream,
    framing: Framing.CHUNKED,
    length: UNKNOWN,
    fields: { "transfer-encoding": "chunked" },
  },
  {
    name: "a stream to HTTP/1.0 ends with the connection",
    plan: planStream,
    asked: OLD,
    framing: Framing.CLOSE,
    length: UNKNOWN,
    fields: {},
  },
  {
    name: "a stream is held to its promise, and not compressed",
    plan: planStream,
    asked: CODED,
    options: { headers: { ...type, "content-length": 7 } },
    framing: Framing.LENGTH,
    length: 7,
    fields: { "content-length": "7" },
  },
  {
    name: "a stream with 204 is none",
    plan: planStream,
    options: { status: 204 },
    framing: Framing.NONE,
    length: UNKNOWN,
    hasBody: false,
    fields: {},
  },
  {
    name: "parts that replace one another end with the connection",
    plan: planEndless,
    framing: Framing.CLOSE,
    length: UNKNOWN,
    fields: {},
  },
];

function gzipLength(text: string): number {
  const head = checkHead({ headers: type });
  const { body } = planWhole(CODED, head, text);
  assertEquals(String(gunzipSync(body as Uint8Array)), text);
  return (body as Uint8Array).length;
}

for (const row of ROWS) {
  Deno.test(`An answer's plan: ${row.name}`, () => {
    const { asked = GET, options = {}, hasBody = true, coding = null } = row;
    const plan = row.plan(asked, checkHead(options));
    assertEquals(plan.framing, row.framing);
    assertEquals(plan.length, row.length);
    assertEquals(plan.hasBody, hasBody);
    assertEquals(plan.coding, coding);
    const { headers } = plan;
    const fields: Record<string, unknown> = {};
    for (
      const name of ["content-length", "transfer-encoding", "content-encoding"]
    ) if (headers[name] !== undefined) fields[name] = headers[name];
    assertEquals(fields, row.fields);
  });
}

Deno.test("An answer's plan refuses a length that is not the body's", () => {
  const head = (length: string | number, status = 200) =>
    checkHead({ status, headers: { "content-length": length } });
  for (
    const make of [
      () => planWhole(GET, head(4), "abc"),
      () => planWhole(GET, head(4), null),
      () => planWhole(HEAD, head(4), "abc"),
      () => planWhole(GET, head(3, 205), "abc"),
      () => planKnown(GET, head(4), 3, true),
      () => planKnown(CODED, head(4), 70_000, true),
    ]
  ) {
    assertThrows(make, TypeError, "not the body's length");
  }
  assertThrows(
    () => planStream(GET, head("4x")),
    TypeError,
    "not a number of bytes",
  );
  assertThrows(() => forbidLength(head(4)), TypeError, "cannot be known");
});
