import { assert, assertEquals, assertThrows } from "@std/assert";
import type {
  HttpConnection,
  RespondOptions,
  ResponseData,
} from "@uhttp/uhttp";
import { isSame } from "../support/bytes.ts";
import { Arena } from "../support/arena.ts";
import { MemoryScene } from "../support/memory_conn.ts";
import type { RawClient } from "../support/raw_client.ts";
import { eventually, Scene } from "../support/serving.ts";
import { slices } from "../../message/source.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function get(version = "1.1", fields = "", method = "GET"): string {
  return `${method} / HTTP/${version}\r\nHost: a\r\n${fields}\r\n`;
}

const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

/** What one of a stream's sources was told. */
interface Watched {
  stream: ReadableStream<Uint8Array>;
  isCancelled: boolean;
}

/** A stream that yields some pieces, and then nothing for ever. */
function idleStream(...pieces: string[]): Watched {
  const watched: Watched = {
    isCancelled: false,
    stream: new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      },
      cancel() {
        watched.isCancelled = true;
      },
    }),
  };
  return watched;
}

// ---- Sources ----------------------------------------------------------------

interface Source {
  name: string;
  data: () => ResponseData;
  body: string;
  isStream?: false;
}

class Letters implements Iterable<string> {
  *[Symbol.iterator](): Iterator<string> {
    yield* ["a", "b"];
  }
}

const SOURCES: Source[] = [
  {
    name: "a ReadableStream of bytes",
    data: () => ReadableStream.from([encoder.encode("a"), encoder.encode("b")]),
    body: "ab",
  },
  {
    name: "a ReadableStream of text",
    data: () => ReadableStream.from(["žlu", "ťoučký 🐎"]),
    body: "žluťoučký 🐎",
  },
  {
    name: "a byte stream",
    data: () => new Blob(["blob"]).stream(),
    body: "blob",
  },
  {
    name: "an async generator",
    data: async function* () {
      yield "a";
      await Promise.resolve();
      yield encoder.encode("b");
    },
    body: "ab",
  },
  {
    name: "a generator",
    data: function* () {
      yield "a";
      yield encoder.encode("b");
    },
    body: "ab",
  },
  { name: "an iterable object", data: () => new Letters(), body: "ab" },
  { name: "a Set's values", data: () => new Set("ab").values(), body: "ab" },
  {
    name: "values of a Map",
    data: () => new Map([[1, "a"], [2, "b"]]).values(),
    body: "ab",
  },
  { name: "an iterator of an array", data: () => ["a"].values(), body: "a" },
  {
    name: "an array",
    data: () => ["a", "b"],
    body: '["a","b"]',
    isStream: false,
  },
  { name: "an empty stream", data: () => ReadableStream.from([]), body: "" },
  { name: "an empty generator", data: function* () {}, body: "" },
  {
    name: "empty pieces among others",
    data: () => ["", "a", new Uint8Array(0), "", "b", ""].values(),
    body: "ab",
  },
  {
    name: "a transformed stream",
    data: () =>
      ReadableStream.from(["a", "b"]).pipeThrough(new TextEncoderStream()),
    body: "ab",
  },
  {
    name: "many pieces",
    data: () => Array(2000).fill("0123456789").values(),
    body: "0123456789".repeat(2000),
  },
  {
    name: "large pieces",
    data: () => Array(4).fill("x".repeat(200_000)).values(),
    body: "x".repeat(800_000),
  },
];

for (const { name, data, body, isStream } of SOURCES) {
  Deno.test(`respond() streams ${name}`, async () => {
    const sent: boolean[] = [];
    await using scene = new MemoryScene(async (client) => {
      if (client.path === "/next") return client.respond("next");
      return sent.push(await client.respond(data()));
    });
    const peer = scene.connect();
    await peer.send(get() + NEXT);
    const one = await peer.response();
    assertEquals(one.body, body);
    assertEquals(
      one.headers["transfer-encoding"],
      isStream === false ? undefined : "chunked",
    );
    assertEquals((await peer.response()).body, "next");
    await peer.send(get("1.1", "", "HEAD") + NEXT);
    const two = await peer.response(true);
    assertEquals(Object.keys(two.headers), Object.keys(one.headers));
    assertEquals((await peer.response()).body, "next");
    peer.close();
    const old = scene.connect();
    await old.send(get("1.0", "Connection: keep-alive\r\n"));
    const three = await old.response();
    assertEquals(three.body, body);
    assertEquals(three.headers["transfer-encoding"], undefined);
    if (isStream !== false) {
      assertEquals(three.headers.connection, "close");
      assertEquals(await old.rest(), "");
    }
    assertEquals(sent, [true, true, true]);
  });
}

for (const status of [204, 205, 304]) {
  Deno.test(`respond() of a stream with ${status} sends no body`, async (t) => {
    const rows: Record<string, RespondOptions["headers"]> = {
      "no length": {},
      "a length": { "content-length": "5" },
    };
    for (const [name, headers] of Object.entries(rows)) {
      await t.step(name, async () => {
        const watched = idleStream("hello");
        await using scene = new MemoryScene((client) =>
          client.path === "/next"
            ? client.respond("next")
            : client.respond(watched.stream, { status, headers })
        );
        const peer = scene.connect();
        await peer.send(get() + NEXT);
        const head = await peer.until("\r\n\r\n");
        assert(head.startsWith(`HTTP/1.1 ${status}`), head);
        assert(!/transfer-encoding/.test(head), head);
        if (status === 204) assert(!/content-length/.test(head), head);
        if (status === 205) assert(/content-length: 0\r/.test(head), head);
        assertEquals((await peer.response()).body, "next");
        await eventually(() => watched.isCancelled);
      });
    }
  });
}

Deno.test("respond() of a stream to HEAD ends its source", async () => {
  const watched = idleStream("hello");
  const sent = Promise.withResolvers<boolean>();
  await using scene = new MemoryScene((client) => {
    if (client.path === "/next") return client.respond("next");
    return sent.resolve(client.respond(watched.stream));
  });
  const peer = scene.connect();
  await peer.send(get("1.1", "", "HEAD") + NEXT);
  await peer.response(true);
  assertEquals((await peer.response()).body, "next");
  assert(watched.isCancelled);
  assertEquals(await sent.promise, true);
});

Deno.test("respond() refuses a stream that is in use before it sends a byte", async () => {
  await using scene = new MemoryScene((client) => {
    const stream = ReadableStream.from(["a"]);
    const reader = stream.getReader();
    assertThrows(() => client.respond(stream), TypeError);
    reader.releaseLock();
    assertEquals(client.isAnswered, false);
    return client.respond("ok");
  });
  const peer = scene.connect();
  await peer.send(get());
  assertEquals((await peer.response()).body, "ok");
});

Deno.test("respond() refuses a stream with what cannot be sent", async () => {
  await using scene = new MemoryScene((client) => {
    const rows: RespondOptions[] = [
      { headers: { a: "\n" } },
      { headers: { "content-length": "abc" } },
      { headers: { "content-length": "-1" } },
      { headers: { "transfer-encoding": "chunked" } },
      { statusMessage: "\r\n" },
    ];
    for (const options of rows) {
      assertThrows(() => client.respond(["a"].values(), options), TypeError);
    }
    assertThrows(
      () => client.respond(["a"].values(), { status: 199 }),
      RangeError,
    );
    return client.respond(["ok"].values());
  });
  const peer = scene.connect();
  await peer.send(get());
  assertEquals((await peer.response()).body, "ok");
});

Deno.test("respond() of a stream ends its source where the peer has gone", async () => {
  const outcomes: boolean[] = [];
  const watched = idleStream();
  await using scene = new MemoryScene(async (client) => {
    client.close();
    outcomes.push(await client.respond(watched.stream));
  });
  const peer = scene.connect();
  await peer.send(get());
  await peer.rest();
  await eventually(() => outcomes.length === 1);
  assertEquals(outcomes, [false]);
  assert(watched.isCancelled, "nobody will ever read that stream");
});

// ---- Errors in the source ---------------------------------------------------

const FAULTS: Record<string, () => ResponseData> = {
  "before the first piece": () =>
    new ReadableStream({
      start(controller) {
        controller.error(new Error("x"));
      },
    }),
  "after a piece": async function* () {
    yield "begun";
    await new Promise((resolve) => setTimeout(resolve, 5));
    throw new Error("x");
  },
  "of a generator": function* () {
    yield "begun";
    throw new Error("x");
  },
  "by what it yields": () => ["begun", 7 as unknown as string].values(),
  "by a Map": () => new Map([["a", "b"]]) as unknown as Iterable<string>,
  "when it is asked to begin": () => ({
    [Symbol.iterator]() {
      throw new Error("x");
    },
  }),
  "by throwing nothing": function* () {
    yield "begun";
    // deno-lint-ignore no-throw-literal
    throw undefined;
  },
};

Deno.test("respond() breaks off at an error in a source", async (t) => {
  for (const [name, data] of Object.entries(FAULTS)) {
    for (const fields of ["", "Expect-Length: 9\r\n"]) {
      await t.step(`${name} ${fields}`, async () => {
        const sent = Promise.withResolvers<unknown>();
        await using arena = new Arena((client) => {
          if (client.path === "/ok") return client.respond("ok");
          let answer: Promise<boolean>;
          try {
            answer = client.respond(
              data(),
              fields ? { headers: { "content-length": 9 } } : {},
            );
          } catch {
            // To refuse it before a byte is sent is as good.
            client.close();
            answer = Promise.resolve(false);
          }
          sent.resolve(answer);
          return answer;
        });
        const peer = await arena.connect();
        await peer.send(get() + NEXT);
        const text = await peer.rest();
        assertEquals(await sent.promise, false);
        // The peer can tell that it is not whole.
        assert(!text.endsWith("0\r\n\r\n"), text);
        assert(!text.includes("Error"), text);
        assert((text.match(/HTTP\/1\.1/g)?.length ?? 0) <= 1, text);
        await arena.until(() => arena.server.stats.openConnections === 0);
      });
    }
  }
});

Deno.test("respond() ends a source that yields what cannot be sent", async () => {
  let isReturned = false;
  function* source(): Iterable<string> {
    try {
      yield 1 as unknown as string;
    } finally {
      isReturned = true;
    }
  }
  await using scene = new MemoryScene(async (client) => {
    assertEquals(await client.respond(source()), false);
  });
  const peer = scene.connect();
  await peer.send(get());
  await peer.rest();
  assert(isReturned);
});

// ---- A promised length ------------------------------------------------------

interface Promised {
  name: string;
  length: number | string;
  pieces: string[];
  body: string;
  isSent: boolean;
}

const PROMISED: Promised[] = [
  {
    name: "kept",
    length: 5,
    pieces: ["he", "llo"],
    body: "hello",
    isSent: true,
  },
  {
    name: "kept in UTF-8",
    length: "6",
    pieces: ["ž", "🐎"],
    body: "ž🐎",
    isSent: true,
  },
  { name: "of nothing", length: 0, pieces: [], body: "", isSent: true },
  {
    name: "of nothing, with empty pieces",
    length: 0,
    pieces: ["", ""],
    body: "",
    isSent: true,
  },
  {
    name: "missed",
    length: 9,
    pieces: ["he", "llo"],
    body: "hello",
    isSent: false,
  },
  {
    name: "exceeded",
    length: 4,
    pieces: ["he", "llo"],
    body: "he",
    isSent: false,
  },
  {
    name: "exceeded at once",
    length: 4,
    pieces: ["hello"],
    body: "",
    isSent: false,
  },
];

for (const version of ["1.1", "1.0"]) {
  Deno.test(`respond() holds a stream to its length (HTTP/${version})`, async (t) => {
    for (const { name, length, pieces, body, isSent } of PROMISED) {
      await t.step(name, async () => {
        const sent = Promise.withResolvers<boolean>();
        await using scene = new MemoryScene((client) => {
          if (client.path === "/next") return client.respond("next");
          const headers = { "Content-Length": length };
          return sent.resolve(
            client.respond(
              (async function* () {
                for (const piece of pieces) {
                  yield piece;
                  await new Promise((resolve) => setTimeout(resolve, 1));
                }
              })(),
              { headers },
            ),
          );
        });
        const peer = scene.connect();
        const fields = version === "1.0" ? "Connection: keep-alive\r\n" : "";
        await peer.send(get(version, fields) + (isSent ? NEXT : ""));
        const answer = await peer.response();
        assertEquals(answer.headers["content-length"], String(length));
        assertEquals(answer.headers["transfer-encoding"], undefined);
        assertEquals(await sent.promise, isSent);
        if (isSent) {
          assertEquals(answer.body, body);
          assertEquals((await peer.response()).body, "next");
        } else {
          assert(body.startsWith(answer.body.replace(/\0/g, "")));
          assertEquals(await peer.rest(), "");
        }
      });
    }
  });
}

Deno.test("sendChunk() and responseStreamEnd() keep to a promised length", async () => {
  await using scene = new MemoryScene(async (client) => {
    client.responseStream({ headers: { "content-length": 3 } });
    if (client.path === "/next") {
      client.sendChunk("ab");
      assertThrows(() => client.responseStreamEnd(), TypeError);
    } else {
      client.sendChunk("ab");
      assertThrows(() => client.sendChunk("cd"), RangeError);
    }
    assertThrows(() => client.sendChunk("c"), TypeError);
    assertThrows(() => client.responseStreamEnd(), TypeError);
    assertEquals(await client.signal.aborted, true);
  });
  for (const request of [get(), NEXT]) {
    const peer = scene.connect();
    await peer.send(request);
    await peer.rest();
  }
});

// ---- Chunks by hand ---------------------------------------------------------

Deno.test("sendChunk() sends each chunk with its size", async () => {
  const texts: string[] = [];
  for (const char of ["x", "é", "€", "🐎", "\0", "\ufeff"]) {
    for (
      const length of [
        1,
        2,
        5,
        6,
        7,
        8,
        14,
        15,
        16,
        17,
        84,
        85,
        86,
        127,
        128,
        254,
        255,
        256,
        257,
        1365,
        1366,
        4095,
        4096,
        4097,
        16383,
        65535,
        65536,
        65537,
        131073,
      ]
    ) {
      if (length * char.length < 140_000) texts.push(char.repeat(length));
    }
  }
  texts.push("\ud800", "a\udc00b", "x".repeat(2048) + "é".repeat(2048));
  for (const bySteps of [true, false]) {
    await using scene = new MemoryScene(async (client) => {
      client.responseStream();
      for (const text of texts) {
        const sent = bySteps
          ? client.sendChunk(text)
          : client.sendChunk(encoder.encode(text));
        assertEquals(await sent, true);
      }
      await client.responseStreamEnd();
    });
    const peer = scene.connect();
    await peer.send(get());
    const head = await peer.until("\r\n\r\n");
    assert(head.includes("content-type: application/octet-stream\r\n"));
    const chunks = await peer.chunks();
    assertEquals(chunks.length, texts.length);
    for (const [i, chunk] of chunks.entries()) {
      const expected = encoder.encode(texts[i]);
      assert(isSame(chunk, expected), `text ${i}`);
    }
  }
});

Deno.test("sendChunk() gathers short chunks behind one another", async () => {
  const texts = Array.from({ length: 500 }, (_, i) => "é".repeat(i % 90 + 1));
  await using scene = new MemoryScene((client) => {
    client.responseStream();
    for (const text of texts) client.sendChunk(text);
    return client.responseStreamEnd();
  });
  const peer = scene.connect();
  await peer.send(get());
  await peer.until("\r\n\r\n");
  const chunks = await peer.chunks();
  assertEquals(chunks.map((chunk) => decoder.decode(chunk)), texts);
});

Deno.test("sendChunk() of nothing does not end the body", async () => {
  await using scene = new MemoryScene(async (client) => {
    assertEquals(await client.responseStream(), true);
    assertEquals(await client.sendChunk(""), true);
    assertEquals(await client.sendChunk(new Uint8Array(0)), true);
    assertEquals(await client.sendChunk("a"), true);
    assertEquals(await client.sendChunk(""), true);
    assertEquals(await client.responseStreamEnd(), true);
  });
  const peer = scene.connect();
  await peer.send(get());
  await peer.until("\r\n\r\n");
  assertEquals((await peer.chunks()).map((c) => decoder.decode(c)), ["a"]);
});

Deno.test("sendChunk() has copied its bytes when it returns", async () => {
  for (const size of [1, 1000, 8191, 8192, 20_000, 70_000, 300_000]) {
    await using scene = new MemoryScene(async (client) => {
      client.responseStream();
      const buffer = new Uint8Array(size);
      for (let i = 1; i <= 3; i++) {
        buffer.fill(i);
        const sent = client.sendChunk(buffer);
        buffer.fill(99);
        await sent;
      }
      await client.responseStreamEnd();
    });
    const peer = scene.connect();
    await peer.send(get());
    await peer.until("\r\n\r\n");
    for (const [i, chunk] of (await peer.chunks()).entries()) {
      assert(chunk.every((byte) => byte === i + 1), `chunk ${i} of ${size}`);
    }
  }
});

Deno.test("Answers in parts refuse to be misused", async () => {
  await using scene = new MemoryScene(async (client) => {
    assertThrows(() => client.sendChunk("x"), TypeError);
    assertThrows(() => client.responseStreamEnd(), TypeError);
    assertThrows(() => client.sendEvent({ data: 1 }), TypeError);
    assertThrows(() => client.sendNdjson(1), TypeError);
    client.responseStream();
    for (
      const again of [
        () => client.responseStream(),
        () => client.respond("x"),
        () => client.responseEvents(),
        () => client.responseNdjson(),
        () => client.responseMultipart(),
        () => client.respondRedirect("/"),
        () => client.respondFile("/x"),
        () => client.respondWith(new Response()),
        () => client.hijack(),
        () => client.responseMultipartFrame("x"),
      ]
    ) assertThrows(again, TypeError);
    assertThrows(() => client.sendChunk(7 as unknown as string), TypeError);
    await client.sendChunk("a");
    await client.responseStreamEnd();
    assertThrows(() => client.sendChunk("x"), TypeError);
    assertThrows(() => client.sendChunk(""), TypeError);
    assertThrows(() => client.responseStreamEnd(), TypeError);
  });
  const peer = scene.connect();
  await peer.send(get());
  assertEquals((await peer.response()).body, "a");
  await peer.send(get());
  assertEquals((await peer.response()).body, "a");
});

Deno.test("sendChunk() after respond() is a TypeError", async () => {
  await using scene = new MemoryScene((client) => {
    client.respond("x");
    assertThrows(() => client.sendChunk("x"), TypeError);
    assertThrows(() => client.responseStreamEnd(), TypeError);
  });
  const peer = scene.connect();
  await peer.send(get());
  assertEquals((await peer.response()).body, "x");
});

Deno.test("responseStream() to HEAD tells that nobody reads", async () => {
  await using scene = new MemoryScene(async (client) => {
    if (client.path === "/next") return client.respond("next");
    assertEquals(await client.responseStream(), false);
    assertEquals(await client.sendChunk("x"), false);
    await client.responseStreamEnd();
    return assertThrows(() => client.sendChunk("x"), TypeError);
  });
  const peer = scene.connect();
  await peer.send(get("1.1", "", "HEAD") + NEXT);
  await peer.response(true);
  assertEquals((await peer.response()).body, "next");
});

Deno.test("A request behind a streamed answer waits for its end", async () => {
  const paths: string[] = [];
  let release = () => {};
  await using arena = new Arena(async (client) => {
    paths.push(client.path);
    if (client.path === "/next") return client.respond("next");
    client.responseStream();
    await client.sendChunk("a");
    await new Promise<void>((resolve) => release = resolve);
    await client.sendChunk("b");
    return client.responseStreamEnd();
  });
  const peer = await arena.connect();
  await peer.send(get() + NEXT);
  await peer.until("1\r\na\r\n");
  await peer.send(NEXT);
  assertEquals(paths, ["/"]);
  release();
  await peer.until("1\r\nb\r\n0\r\n\r\n");
  assertEquals((await peer.response()).body, "next");
  assertEquals((await peer.response()).body, "next");
});

// ---- Peers that read slowly, or not at all ----------------------------------

Deno.test("A source is asked only as its peer reads", async () => {
  let made = 0;
  await using arena = new Arena((client) => {
    if (client.path !== "/large") return client.respond("ok");
    return client.respond((function* () {
      for (; made < 500; made++) yield new Uint8Array(65536);
    })());
  });
  const peer = await arena.connect();
  await peer.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  let before = -1;
  while (before !== made) {
    before = made;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert(made < 400, `${made} pieces were made`);
  await arena.serves();
  const buffer = new Uint8Array(262_144);
  let length = 0;
  while (length < 500 * 65536) length += await peer.conn.read(buffer) ?? NaN;
  assertEquals(made, 500);
});

Deno.test("sendChunk() waits for a slow peer", async () => {
  let isBelow = false;
  await using arena = new Arena(async (client) => {
    if (client.path === "/") return client.respond("ok");
    client.responseStream();
    // The kernel takes some megabytes.
    await client.sendChunk(new Uint8Array(30_000_000));
    isBelow = true;
    return client.responseStreamEnd();
  });
  const peer = await arena.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  await arena.serves();
  assertEquals(isBelow, false);
  const buffer = new Uint8Array(262_144);
  let length = 0;
  while (length < 30_000_000) length += await peer.conn.read(buffer) ?? NaN;
  await arena.until(() => isBelow);
});

const BLIND: Record<string, (client: HttpConnection) => Promise<boolean>[]> = {
  "chunks": (client) => {
    client.responseStream();
    return push(() => client.sendChunk(new Uint8Array(10_000)));
  },
  "text": (client) => {
    client.responseStream();
    return push(() => client.sendChunk("x".repeat(3000)));
  },
  "events": (client) => {
    client.responseEvents();
    return push(() => client.sendEvent({ data: "x".repeat(3000) }));
  },
  "lines": (client) => {
    client.responseNdjson();
    return push(() => client.sendNdjson("x".repeat(3000)));
  },
};

function push(send: () => Promise<boolean>): Promise<boolean>[] {
  return Array.from({ length: 1000 }, send);
}

for (const compress of [false, true]) {
  for (const [what, begin] of Object.entries(BLIND)) {
    // Compressed, they must not repeat themselves to be too much.
    if (compress && what !== "chunks") continue;
    const how = compress ? ", compressed" : "";
    Deno.test(`A peer that ${what} are pushed at blindly is dropped${how}`, async () => {
      let pushed: Promise<boolean>[] = [];
      await using arena = new Arena((client) => {
        if (client.path === "/") return client.respond("ok");
        if (!compress) return Promise.all(pushed = begin(client));
        client.responseStream({ headers: { "content-type": "text/plain" } });
        const noise = crypto.getRandomValues(new Uint8Array(60_000));
        pushed = push(() => client.sendChunk(noise));
        return Promise.all(pushed);
      }, { compress });
      const peer = await arena.connect();
      await peer.send(
        "GET /x HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
      );
      await arena.until(() => pushed.length > 0);
      const outcomes = await Promise.all(pushed);
      assertEquals(outcomes.at(-1), false);
      assert(/reads too slowly/.test(String(arena.errors[0])));
      await arena.until(() => arena.server.stats.openConnections === 0);
      await arena.serves();
    });
  }
}

const ENDLESS: Record<string, (client: HttpConnection) => Promise<unknown>> = {
  "respond()": (client) =>
    client.respond((function* () {
      for (;;) yield new Uint8Array(65536);
    })()),
  "respond() of a ReadableStream": (client) =>
    client.respond(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65536)),
      }),
    ),
  "respondWith()": (client) =>
    client.respondWith(
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(65536)),
        }),
      ),
    ),
  "sendChunk()": async (client) => {
    client.responseStream();
    while (await client.sendChunk(new Uint8Array(65536)));
    return false;
  },
  "sendEvent()": async (client) => {
    client.responseEvents();
    while (await client.sendEvent({ data: "x".repeat(60_000) }));
    return false;
  },
};

for (const compress of [false, true]) {
  for (const [name, answer] of Object.entries(ENDLESS)) {
    if (compress && name === "sendEvent()") continue; // so small, it takes long
    const how = compress ? " compressed" : "";
    Deno.test(`sendTimeout drops a peer that never reads from ${name}${how}`, async () => {
      const sent = Promise.withResolvers<unknown>();
      await using arena = new Arena((client) => {
        if (client.path === "/") return client.respond("ok");
        const answered = answer(client);
        sent.resolve(answered);
        return answered;
      }, { sendTimeout: 150, compress });
      const peer = await arena.connect();
      await peer.send(
        "GET /x HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
      );
      let isOver = false;
      sent.promise.finally(() => isOver = true);
      if (compress) {
        // Zeros are so small when compressed that the kernel takes hours of it.
        await peer.until("\r\n\r\n");
        peer.close();
      }
      while (!isOver) await arena.serves();
      assertEquals(await sent.promise, false);
      assertEquals(arena.server.stats.timedOut, compress ? 0 : 1);
      await arena.until(() => arena.server.stats.openConnections === 0);
    });
  }
}

// ---- Peers that go ----------------------------------------------------------

/** Leaves an answer unread, so that to close is to reset. */
async function leaveUnread(peer: RawClient): Promise<void> {
  await peer.send("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
  await peer.conn.read(new Uint8Array(1));
}

interface Ending {
  sent: Promise<boolean>;
  isEnded: () => boolean;
}

const IDLE: Record<string, (client: HttpConnection) => Ending> = {
  "a ReadableStream": (client) => {
    const watched = idleStream("begun");
    return {
      sent: client.respond(watched.stream),
      isEnded: () => watched.isCancelled,
    };
  },
  "an async iterator": (client) => {
    let isEnded = false;
    let isBegun = false;
    const source: AsyncIterableIterator<string> = {
      next() {
        if (isBegun) return new Promise(() => {});
        isBegun = true;
        return Promise.resolve({ value: "begun", done: false });
      },
      return() {
        isEnded = true;
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    return { sent: client.respond(source), isEnded: () => isEnded };
  },
  "an async generator": (client) => {
    const source = (async function* () {
      yield "begun";
      await new Promise(() => {});
    })();
    return { sent: client.respond(source), isEnded: () => true };
  },
  "a Response": (client) => {
    const watched = idleStream("begun");
    return {
      sent: client.respondWith(new Response(watched.stream)),
      isEnded: () => watched.isCancelled,
    };
  },
  "a Response with a length": (client) => {
    const watched = idleStream("begun");
    const headers = { "content-length": "9" };
    return {
      sent: client.respondWith(new Response(watched.stream, { headers })),
      isEnded: () => watched.isCancelled,
    };
  },
  "a Response that has nothing yet": (client) => {
    const watched = idleStream();
    return {
      sent: client.respondWith(new Response(watched.stream)),
      isEnded: () => watched.isCancelled,
    };
  },
};

for (const compress of [false, true]) {
  for (const ending of ["reset", "close", "client.close()"]) {
    for (const [name, answer] of Object.entries(IDLE)) {
      const how = compress ? ", compressed" : "";
      Deno.test(`A ${ending} ends ${name} that yields nothing${how}`, async () => {
        await using arena = new Arena((client) => {
          if (client.path !== "/x") return client.respond("ok");
          const { sent, isEnded } = answer(client);
          arena.hold(client);
          return sent.then(async (isSent) => {
            assertEquals(isSent, false);
            await eventually(isEnded);
          });
        }, { keepAliveTimeout: 100, compress });
        const peer = await arena.connect();
        if (ending === "reset") await leaveUnread(peer);
        await peer.send(
          "GET /x HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
        );
        const client = await arena.next();
        const { signal } = client;
        if (!name.includes("nothing yet")) {
          await eventually(() => arena.server.stats.bytesOut > 70);
        }
        if (ending === "client.close()") client.close();
        else peer.close();
        await eventually(() => signal.aborted);
        await eventually(() => arena.server.stats.openConnections === 0);
        await eventually(() => arena.unsettled === 0);
      });
    }
  }
}

Deno.test("sendChunk() to a peer that has gone resolves to false", async () => {
  await using arena = new Arena(async (client) => {
    if (client.path === "/") return client.respond("ok");
    client.responseStream();
    const gone = new Promise((resolve) =>
      client.signal.addEventListener("abort", resolve)
    );
    arena.hold(client);
    await gone;
    while (await client.sendChunk("x"));
    assertEquals(await client.sendChunk("x"), false);
    assertEquals(await client.sendChunk(new Uint8Array(100_000)), false);
    return assertEquals(await client.responseStreamEnd(), false);
  });
  const peer = await arena.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  await arena.next();
  peer.close();
  await arena.until(() => arena.server.stats.openConnections === 0);
});

Deno.test("signal aborts at once when the peer goes while nothing is sent", async () => {
  await using arena = new Arena(async (client) => {
    client.responseStream();
    await client.sendChunk("a");
    arena.hold(client);
  }, { keepAliveTimeout: 10_000, requestTimeout: 10_000 });
  const peer = await arena.connect();
  await peer.send(get());
  const client = await arena.next();
  const { signal } = client;
  await peer.until("1\r\na\r\n");
  const gone = new Promise((resolve) => {
    signal.addEventListener("abort", resolve);
  });
  peer.close();
  await gone;
  assertEquals(arena.server.stats.timedOut, 0);
  client.close();
});

Deno.test("A half-closed peer gets the whole of a streamed answer", async () => {
  await using scene = new Scene((client) =>
    client.respond((async function* () {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        yield String(i);
      }
    })())
  );
  const peer = await scene.connect();
  await peer.send(get());
  await peer.conn.closeWrite();
  assertEquals((await peer.response()).body, "01234");
});

Deno.test("respond() in parts ends by Connection: close where asked for", async () => {
  await using scene = new MemoryScene((client) =>
    client.respond(
      ["a"].values(),
      client.path === "/" ? { headers: { connection: "close" } } : {},
    )
  );
  for (
    const request of [
      get(),
      NEXT.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    ]
  ) {
    const peer = scene.connect();
    await peer.send(request);
    const { headers, body } = await peer.response();
    assertEquals([headers.connection, body], ["close", "a"]);
    assertEquals(await peer.rest(), "");
  }
});

Deno.test("shutdown() lets a streamed answer finish", async () => {
  let release = () => {};
  await using scene = new Scene(async (client) => {
    client.responseStream();
    await client.sendChunk("a");
    await new Promise<void>((resolve) => release = resolve);
    await client.sendChunk("b");
    await client.responseStreamEnd();
  });
  const peer = await scene.connect();
  await peer.send(get());
  await peer.until("1\r\na\r\n");
  const stopped = scene.server.shutdown();
  release();
  assertEquals(await peer.rest(), "1\r\nb\r\n0\r\n\r\n");
  peer.close();
  await stopped;
});

Deno.test("slices() gives all bytes in order", () => {
  for (const length of [0, 1, 4, 5, 8]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    const parts = [...slices(bytes, 4)];
    assertEquals(parts.flatMap((part) => [...part]), [...bytes]);
    assert(parts.every((part) => part.length > 0 && part.length <= 4));
  }
});

Deno.test("close() loses no parts that were sent in the same turn", async () => {
  const ends: Record<string, (client: HttpConnection) => unknown> = {
    "client.close()": (client) => client.close(),
    "server.close()": (client) => client.server.close(),
  };
  for (const [name, end] of Object.entries(ends)) {
    await using scene = new Scene((client) => {
      client.responseStream();
      client.sendChunk("one");
      client.sendChunk("two");
      end(client);
    });
    const peer = await scene.connect();
    await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const text = await peer.rest();
    assertEquals(text.slice(-16), "3\r\none\r\n3\r\ntwo\r\n", name);
  }
});
