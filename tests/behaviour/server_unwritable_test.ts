// What cannot be written as JSON is the caller's mistake, and told at once.
import { assertEquals, assertThrows } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { HttpClient } from "../../client.ts";
import { MemoryScene } from "../support/memory_conn.ts";

const circular: Record<string, unknown> = {};
circular.self = circular;
let deep: unknown = new Date(0);
for (let i = 0; i < 100_000; i++) deep = [deep];

const UNWRITABLE: [name: string, value: unknown][] = [
  ["a value that holds itself", circular],
  ["a value nested too deeply", [new Date(0), deep]],
  ["a BigInt", 1n],
  ["a BigInt within", { a: 1n }],
  ["a symbol", Symbol()],
  ["a function", () => 1],
  ["a promise", Promise.resolve(1)],
  ["a throwing toJSON()", {
    toJSON() {
      throw new RangeError("inner");
    },
  }],
  ["a throwing getter", {
    get a() {
      // deno-lint-ignore no-throw-literal -- that is what is tried
      throw "inner";
    },
  }],
];

type Answer = (client: HttpConnection, value: never) => unknown;

const ANSWERS: [
  name: string,
  begin: (client: HttpConnection) => unknown,
  Answer,
][] = [
  ["respond()", () => {}, (client, value) => client.respond(value)],
  [
    "respond() with a status",
    () => {},
    (client, value) => client.respond(value, { status: 201 }),
  ],
  [
    "respond() with fields",
    () => {},
    (client, value) => client.respond(value, { headers: { a: "b" } }),
  ],
  [
    "sendNdjson()",
    (client) => client.responseNdjson(),
    (client, value) => client.sendNdjson(value),
  ],
  [
    "sendEvent()",
    (client) => client.responseEvents(),
    (client, data) => client.sendEvent({ data }),
  ],
  ["responseMultipartFrame()", (client) => client.responseMultipart(), (
    client,
    value,
  ) => client.responseMultipartFrame(value)],
];

for (const [name, begin, answer] of ANSWERS) {
  Deno.test(`${name} refuses what cannot be written, and sends nothing of it`, async () => {
    await using scene = new MemoryScene(async (client) => {
      await begin(client);
      for (const [what, value] of UNWRITABLE) {
        assertThrows(() => answer(client, value as never), TypeError, "", what);
      }
      if (!client.isAnswered) await client.respond("fine");
      else client.close();
    });
    const peer = scene.connect();
    await peer.send(
      new TextEncoder().encode(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      ),
    );
    const text = await peer.rest();
    assertEquals(text.split("\r\n\r\n")[1], begin.length === 0 ? "fine" : "");
  });
}

Deno.test("HttpClient refuses what cannot be written, and does not connect", async () => {
  await using client = new HttpClient("http://localhost", {
    connect: () => Promise.reject(new Error("Connected")),
  });
  for (const [what, value] of UNWRITABLE) {
    for (const options of [{ json: value }, { data: value as never }]) {
      assertThrows(() => client.post("", options), TypeError, "", what);
    }
  }
  assertEquals(client.stats.requests, 0);
});
