// What goes wrong later than a call is told as well: to the peer that waits, to
// who runs the server, and with the caller's own line.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ClientError,
  HttpClient,
  type HttpConnection,
  HttpServer,
} from "@uhttp/uhttp";
import { HttpError } from "@uhttp/uhttp";
import { MemoryScene } from "../support/memory_conn.ts";
import { Scene } from "../support/serving.ts";

const post = (type: string, body: string) =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n` +
  `Content-Length: ${body.length}\r\n\r\n${body}`;

/** What a body is read by, what it is, and what its fault is answered with. */
const FAULTS: [
  read: (client: HttpConnection) => Promise<unknown>,
  type: string,
  body: string,
  status: number,
  reason: string,
][] = [
  [(client) => client.json(), "a/b", "{", 400, "Body is not valid JSON"],
  [
    (client) => client.text({ fatal: true }),
    "a/b",
    "\xff",
    400,
    "Body is not valid UTF-8",
  ],
  [(client) => client.form(), "a/b", "a=1", 415, "Body is not a form"],
  [
    (client) => client.form(),
    "multipart/form-data; boundary=b",
    "x",
    400,
    "Multipart body is malformed",
  ],
  [
    (client) => Array.fromAsync(client.ndjson()),
    "a/b",
    "{\n",
    400,
    "Body is not valid JSON",
  ],
];

for (const [read, type, body, status, reason] of FAULTS) {
  Deno.test(`A fault in a body is answered where the application does not: ${read}`, async () => {
    for (const streaming of [true, false]) {
      let fault: unknown;
      await using scene = new MemoryScene(async (client) => {
        fault = await read(client).catch((error) => error);
      }, { streaming });
      const peer = scene.connect();
      const bytes = Uint8Array.from(
        post(type, body),
        (char) => char.charCodeAt(0),
      );
      // In the default mode some never get so far.
      await peer.send(bytes);
      const answer = await peer.response();
      assertEquals([answer.status, answer.body], [status, `${reason}\n`]);
      if (streaming) assert(fault instanceof HttpError);
    }
  });

  Deno.test(`A fault in a body is the application's to answer for a second: ${read}`, async () => {
    await using scene = new MemoryScene(async (client) => {
      const { message } = await read(client).catch((error) => error) as Error;
      await new Promise((resolve) => setTimeout(resolve, 100));
      await client.respond({ problem: message }, { status: 422 });
    }, { streaming: true });
    const peer = scene.connect();
    await peer.send(
      Uint8Array.from(post(type, body), (char) => char.charCodeAt(0)),
    );
    const answer = await peer.response();
    assertEquals(answer.status, 422);
    assertEquals(JSON.parse(answer.body), { problem: reason });
  });
}

/** What is written to standard error meanwhile. */
async function written(act: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const { error } = console;
  console.error = (...parts: unknown[]) => void lines.push(parts.join(" "));
  try {
    await act();
  } finally {
    console.error = error;
  }
  return lines;
}

Deno.test({
  name: "respondFile() answers 500 without permission to read, and says so",
  permissions: { net: true, read: false },
  fn: async () => {
    for (const isHeard of [true, false]) {
      const heard: unknown[] = [];
      const onError = (error: unknown) => void heard.push(error);
      const lines = await written(async () => {
        await using scene = new Scene(
          (client) => client.respondFile("deno.json"),
          isHeard ? { onError } : {},
        );
        for (let i = 0; i < 2; i++) {
          const response = await fetch(scene.server.url);
          assertEquals(response.status, 500);
          assertEquals(await response.text(), "Internal Server Error\n");
        }
      });
      if (isHeard) {
        assert(heard[0] instanceof Deno.errors.NotCapable, `${heard[0]}`);
        assertEquals([heard.length, lines.length], [2, 0]);
      } else {
        // Once: peers ask as often as they like.
        assertEquals(lines.length, 1);
        assert(/--allow-read/.test(lines[0]), lines[0]);
      }
    }
  },
});

Deno.test("A stream of ours that fails is told of, and breaks its answer off", async () => {
  const lines = await written(async () => {
    await using scene = new Scene((client) =>
      client.respond((function* () {
        yield "begun";
        throw new Error("No more");
      })())
    );
    const peer = await scene.connect();
    await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert(!(await peer.rest()).includes("\r\n0\r\n\r\n"));
  });
  assertEquals(lines, ["Error in an answer: Error: No more"]);
});

Deno.test("A client's errors say where they were waited for", async () => {
  await using client = new HttpClient("http://127.0.0.1:1");
  async function ofMine(): Promise<void> {
    await client.get("/");
  }
  async function together(): Promise<void> {
    await Promise.all([client.get("/"), client.get("/")]);
  }
  async function late(): Promise<void> {
    const request = client.get("/");
    while (!request.isFinished) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await request;
  }
  for (const call of [ofMine, together, late]) {
    const error = await assertRejects(call) as ClientError;
    const { stack = "" } = error;
    assert(stack.startsWith(`${error.name}: ${error.message}`), stack);
    assert(stack.includes(call.name) && /told_test\.ts:/.test(stack), stack);
  }
});

Deno.test("The error of a body that breaks off says where that was read", async () => {
  await using scene = new Scene(async (client) => {
    await client.responseStream();
    await client.sendChunk("begun");
    client.close();
  });
  await using client = new HttpClient(scene.server.url);
  async function byText(): Promise<void> {
    const response = await client.get("/", { stream: true });
    await response.text();
  }
  async function byPieces(): Promise<void> {
    const response = await client.get("/", { stream: true });
    while (await response.read() !== null);
  }
  for (const call of [byText, byPieces]) {
    const error = await assertRejects(call) as ClientError;
    const { stack = "" } = error;
    assert(stack.startsWith(`${error.name}: ${error.message}`), stack);
    assert(stack.includes(`async ${call.name}`), stack);
  }
});

Deno.test("A client's header fields come in each form that there is", async () => {
  await using server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
  const forms = [
    { "x-a": "1" },
    [["x-a", "1"]] as const,
    new Map([["x-a", "1"]]),
    new Headers({ "x-a": "1" }),
  ];
  for (const headers of forms) {
    await using client = new HttpClient(server.url, { headers });
    for (const options of [{}, { headers }]) {
      const request = client.get("/", options);
      const asked = await server.wait(5000);
      assertEquals(asked?.headersAll("x-a"), ["1"]);
      asked?.respond("ok");
      await request;
    }
  }
  await using client = new HttpClient(server.url);
  const request = client.get("/", { headers: [["user-agent", null]] });
  const asked = await server.wait(5000);
  assertEquals(asked?.headers["user-agent"], undefined);
  asked?.respond("ok");
  await request;
});
