import { assertEquals, assertThrows } from "@std/assert";
import { type BodyOptions, makeBody } from "../../client/outgoing_body.ts";
import {
  canPipeline,
  isIdempotent,
  isLast,
  isReplayable,
  makePlan,
  type RequestPlan,
  urlOf,
} from "../../client/plan.ts";

function planOf(
  method: string,
  body: BodyOptions = {},
  fields: Record<string, string | string[]> | null = null,
  expects = false,
): RequestPlan {
  const made = makeBody(body);
  return makePlan(method, "http://a.test", "/b?c", fields, made, expects);
}

function stream(): ReadableStream<Uint8Array> {
  return new ReadableStream();
}

/** Bodies, the length that is promised, and the one that is planned. */
const LENGTHS: [
  name: string,
  body: BodyOptions,
  promised: string | undefined,
  length: number,
][] = [
  ["no body", {}, undefined, 0],
  ["no body and a length of none", {}, "0", 0],
  ["text", { data: "\u00e4b" }, undefined, 3],
  ["text and its length", { data: "\u00e4b" }, "3", 3],
  ["a stream", { data: stream() }, undefined, -1],
  ["a stream and its length", { data: stream() }, "7", 7],
];

for (const [name, body, promised, length] of LENGTHS) {
  Deno.test(`makePlan() finds ${length} bytes for ${name}`, () => {
    const fields = promised === undefined
      ? null
      : { "content-length": promised };
    assertEquals(planOf("POST", body, fields).bodyLength, length);
  });
}

const WRONG: [body: BodyOptions, promised: string, problem: string][] = [
  [{}, "1", "not that of the body"],
  [{ data: "ab" }, "1", "not that of the body"],
  [{ data: "ab" }, "02x", "not a length"],
  [{ data: stream() }, "", "not a length"],
  [{ data: stream() }, "-1", "not a length"],
  [{ data: stream() }, "9007199254740992", "not a length"],
];

for (const [body, promised, problem] of WRONG) {
  Deno.test(`makePlan() refuses a length of "${promised}" for ${Deno.inspect(body)}`, () => {
    const fields = { "content-length": promised };
    assertThrows(() => planOf("POST", body, fields), TypeError, problem);
  });
}

Deno.test("makePlan() expects a go-ahead for a body alone", () => {
  assertEquals(planOf("GET", {}, null, true).expectsContinue, false);
  assertEquals(planOf("PUT", { data: "" }, null, true).expectsContinue, true);
  assertEquals(planOf("PUT", { data: "" }).expectsContinue, false);
});

Deno.test("makePlan() begins at home, on any connection", () => {
  const plan = planOf("GET");
  assertEquals([plan.isAway, plan.placing, urlOf(plan)], [
    false,
    "shared",
    "http://a.test/b?c",
  ]);
});

/** Plans, and what may be done with them. */
const PLANS: [
  name: string,
  plan: RequestPlan,
  is: {
    idempotent: boolean;
    replayable: boolean;
    last: boolean;
    pipelined: boolean;
  },
][] = [
  ["GET", planOf("GET"), all({})],
  ["HEAD", planOf("HEAD"), all({ pipelined: false })],
  ["PUT with text", planOf("PUT", { data: "a" }), all({})],
  ["OPTIONS", planOf("OPTIONS"), all({})],
  ["POST", planOf("POST"), all({ idempotent: false, pipelined: false })],
  [
    "PUT of a blob",
    planOf("PUT", { data: new Blob(["a"]) }),
    all({ pipelined: false }),
  ],
  [
    "PUT of a stream",
    planOf("PUT", { data: stream() }),
    all({ replayable: false, pipelined: false }),
  ],
  [
    "PUT that expects",
    planOf("PUT", { data: "a" }, null, true),
    all({ pipelined: false }),
  ],
  [
    "GET that is the last",
    planOf("GET", {}, { connection: "close" }),
    all({ last: true, pipelined: false }),
  ],
  [
    "GET that needs a new connection",
    { ...planOf("GET"), placing: "new" },
    all({ pipelined: false }),
  ],
  [
    "GET that is to be alone",
    { ...planOf("GET"), placing: "alone" },
    all({ pipelined: false }),
  ],
];

function all(different: Partial<typeof PLANS[number][2]>) {
  const usual = { idempotent: true, replayable: true, last: false };
  return { ...usual, pipelined: true, ...different };
}

for (const [name, plan, is] of PLANS) {
  Deno.test(`isIdempotent() and its kin know ${name}`, () => {
    assertEquals({
      idempotent: isIdempotent(plan),
      replayable: isReplayable(plan),
      last: isLast(plan),
      pipelined: canPipeline(plan, { stream: false, onSwitch: null }),
    }, is);
  });
}

Deno.test("canPipeline() leaves out what is streamed, or may be switched", () => {
  const plan = planOf("GET");
  const onSwitch = () => {
    throw new Error("Not called");
  };
  assertEquals(canPipeline(plan, { stream: true, onSwitch: null }), false);
  assertEquals(canPipeline(plan, { stream: false, onSwitch }), false);
});
