// What was answered is seen: by the one who answers, and by who keeps a log.
import { assert, assertEquals } from "@std/assert";
import {
  type Answered,
  commonLogLine,
  HttpClient,
  type HttpConnection,
  ProtocolError,
} from "@uhttp/uhttp";
import { MemoryScene } from "../support/memory_conn.ts";
import { eventually, Scene } from "../support/serving.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST /p?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
const UPGRADE = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n" +
  "Upgrade: x, websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** Kinds of answers, and what they come to. */
const KINDS: Record<
  string,
  [answer: (client: HttpConnection) => unknown, status: number, bytes: number]
> = {
  "text": [(client) => client.respond("hello"), 200, 5],
  "JSON": [(client) => client.respond({ a: 1 }, { status: 201 }), 201, 7],
  "bytes": [(client) => client.respond(new Uint8Array(20_000)), 200, 20_000],
  "nothing": [(client) => client.respond(null, { status: 204 }), 204, 0],
  "a Blob": [(client) => client.respond(new Blob(["abcd"])), 200, 4],
  "a form": [(client) => client.respond(new URLSearchParams("a=b")), 200, 3],
  "a redirect": [(client) => client.respondRedirect("/x"), 302, 0],
  "a file": [
    (client) => client.respondFile(new URL(import.meta.url).pathname),
    200,
    Deno.statSync(new URL(import.meta.url)).size,
  ],
  "a file that is missing": [
    (client) => client.respondFile("/no/such/file"),
    404,
    10,
  ],
  "a Response": [(client) => client.respondWith(new Response("abc")), 200, 3],
  "a Response that is awaited": [
    (client) => client.respondWith(Promise.resolve(new Response("abc"))),
    200,
    3,
  ],
  "a stream": [
    (client) => client.respond(["ab", "c"].values()),
    200,
    3,
  ],
  "chunks": [
    (client) => {
      client.responseStream();
      client.sendChunk("abc");
      client.responseStreamEnd();
    },
    200,
    3,
  ],
  "events": [
    (client) => {
      client.responseEvents();
      client.sendEvent({ data: "x" });
      client.responseStreamEnd();
    },
    200,
    9,
  ],
  "a WebSocket": [(client) => client.acceptWebsocket(), 101, 0],
  "an upgrade": [(client) => client.upgrade("x"), 101, 0],
};

for (const [name, [answer, status, bytes]] of Object.entries(KINDS)) {
  Deno.test(`completed and onAnswered tell of ${name}`, async () => {
    for (const when of ["before", "after", "never"]) {
      const seen: Answered[] = [];
      let done: unknown;
      await using scene = new MemoryScene(async (client) => {
        const early = when === "before" ? client.completed : null;
        answer(client);
        if (when === "never") return;
        const { duration, ...rest } = await (early ?? client.completed);
        assert(duration >= 0 && duration < 5000, `${duration} ms`);
        done = rest;
      }, { onAnswered: (answered) => seen.push(answered) });
      const peer = scene.connect();
      await peer.send(UPGRADE);
      await eventually(() =>
        seen.length > 0 && (when === "never" || done !== undefined)
      );
      const expected = { status, bytesSent: bytes, isWhole: true };
      if (when !== "never") assertEquals(done, expected);
      const [one] = seen;
      assertEquals(
        [one.status, one.bytesOut, one.isWhole, one.error, one.bytesIn],
        [status, bytes, true, null, 0],
      );
      assertEquals([one.method, one.target, one.protocol, one.address], [
        "GET",
        "/",
        "HTTP/1.1",
        "127.0.0.1",
      ]);
      assert(one.client !== null && one.duration >= 0);
      peer.close();
      await scene.server.close();
      assertEquals(seen.length, 1);
    }
  });

  Deno.test(`completed tells of ${name} where nobody keeps a log`, async () => {
    for (const isEarly of [true, false]) {
      let done: unknown;
      await using scene = new MemoryScene(async (client) => {
        const early = isEarly ? client.completed : null;
        answer(client);
        const { status, bytesSent, isWhole } = await (early ??
          client.completed);
        done = [status, bytesSent, isWhole];
      });
      const peer = scene.connect();
      await peer.send(UPGRADE);
      await eventually(() => done !== undefined);
      assertEquals(done, [status, bytes, true]);
    }
  });
}

Deno.test("onAnswered tells of each request once, in order", async () => {
  const seen: Answered[] = [];
  await using scene = new MemoryScene((client) => client.respond(client.url), {
    onAnswered: (answered) => seen.push(answered),
  });
  const peer = scene.connect();
  await peer.send(GET + POST + GET.replace("/", "/last"));
  for (let i = 0; i < 3; i++) await peer.response();
  await eventually(() => seen.length === 3);
  assertEquals(
    seen.map(({ method, target, bytesIn, bytesOut }) => [
      method,
      target,
      bytesIn,
      bytesOut,
    ]),
    [["GET", "/", 0, 1], ["POST", "/p?q=1", 3, 6], ["GET", "/last", 0, 5]],
  );
});

/** What is refused, and what is known of it. */
const REFUSED: [
  name: string,
  bytes: string,
  status: number,
  code: string,
  method: string,
  target: string,
][] = [
  ["a bad method", "G(T / HTTP/1.1\r\n\r\n", 400, "bad-method", "", ""],
  ["no host", "GET /x HTTP/1.1\r\n\r\n", 400, "missing-host", "GET", "/x"],
  [
    "a body that is too large",
    "PUT /y HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n",
    413,
    "body-too-large",
    "PUT",
    "/y",
  ],
  [
    "JSON that is none",
    POST.replace("\r\n\r\n", "\r\nContent-Type: application/json\r\n\r\n"),
    400,
    "bad-json",
    "POST",
    "/p?q=1",
  ],
];

for (const [name, bytes, status, code, method, target] of REFUSED) {
  Deno.test(`onAnswered tells of ${name}`, async () => {
    const seen: Answered[] = [];
    await using scene = new MemoryScene((client) => client.respond("ok"), {
      onAnswered: (answered) => seen.push(answered),
    });
    const peer = scene.connect();
    await peer.send(GET);
    await peer.response();
    await peer.send(bytes);
    const { body } = await peer.response();
    await eventually(() => seen.length === 2);
    const [, refused] = seen;
    assert(refused.error instanceof ProtocolError);
    assertEquals(
      [refused.status, refused.error.code, refused.client, refused.bytesOut],
      [status, code, null, body.length],
    );
    assertEquals([refused.isWhole, refused.address], [true, "127.0.0.1"]);
    assertEquals([refused.method, refused.target], [method, target]);
    assert(refused.duration >= 0 && refused.duration < 5000);
    const line = commonLogLine(refused);
    assert(
      line.includes(method === "" ? '"-"' : `"${method} ${target} `),
      line,
    );
  });
}

Deno.test("onAnswered and completed tell of peers that go, and of answers that come too late", async () => {
  const seen: Answered[] = [];
  const done: unknown[] = [];
  await using scene = new Scene(async (client) => {
    const { completed } = client;
    if (client.path === "/break") {
      await client.responseStream();
      await client.sendChunk("abc");
      client.close();
    } else if (client.path === "/leave") {
      await new Promise((resolve) =>
        client.signal.addEventListener("abort", resolve)
      );
      client.close();
    }
    done.push(await completed);
  }, {
    answerTimeout: 100,
    requestTimeout: 100,
    onAnswered: (answered) => seen.push(answered),
  });
  for (const path of ["/break", "/leave", "/late"]) {
    const peer = await scene.connect();
    await peer.send(GET.replace("/", path));
    if (path === "/leave") peer.close();
    else await peer.rest();
  }
  await eventually(() => seen.length === 3 && done.length === 3);
  const what = ({ status, isWhole, bytesOut, error }: Answered) => [
    status,
    isWhole,
    bytesOut,
    error instanceof ProtocolError ? error.code : error,
  ];
  assertEquals(seen.map(what), [
    [200, false, 3, null],
    [null, false, 0, null],
    [504, true, 21, "answer-timeout"],
  ]);
});

Deno.test("onAnswered that throws spoils nothing, and is told of", async () => {
  const lines: unknown[] = [];
  const { error } = console;
  console.error = (...parts: unknown[]) => void lines.push(parts.join(" "));
  try {
    await using scene = new Scene((client) => client.respond("ok"), {
      onAnswered: () => {
        throw new Error("full disk");
      },
    });
    await using client = new HttpClient(scene.server.url);
    assertEquals(await (await client.get("/")).text(), "ok");
    assertEquals(await (await client.get("/")).text(), "ok");
    await eventually(() => lines.length === 2);
  } finally {
    console.error = error;
  }
  assertEquals(lines[0], "Error in onAnswered: Error: full disk");
});
