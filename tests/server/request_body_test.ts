import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type HttpConnection, HttpError, ProtocolError } from "@uhttp/uhttp";
import { isSame, latin1Text } from "../support/bytes.ts";
import { Arena } from "../support/arena.ts";
import { bytesOf } from "../support/fuzz.ts";
import { MemoryScene, SPLITS } from "../support/memory_conn.ts";
import type { RawClient } from "../support/raw_client.ts";
import { eventually, Scene } from "../support/serving.ts";

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
let files = 0;

function freshPath(): string {
  return `${folder}/${files++}`;
}

const STREAMING = { streaming: true };
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const GET = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

function post(fields: string, body = "", path = "/"): string {
  return `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
}

function lengthOf(body: string): string {
  return `Content-Length: ${body.length}\r\n`;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What a promise comes to: its value, or the name and code of its error. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return error instanceof ProtocolError
      ? error.code
      : error instanceof Error
      ? error.name
      : error;
  }
}

// ---- Every way to read, every kind of body, every cut -----------------------

interface Body {
  name: string;
  fields: string;
  /** As it goes over the wire, one character a byte. */
  wire: string;
  content: string;
  trailers?: Record<string, string>;
}

const LONG = Array.from(
  { length: 5000 },
  (_, i) => String.fromCharCode(i * 7 % 128),
).join("");

const BODIES: Body[] = [
  {
    name: "a body of known length",
    fields: lengthOf("hello"),
    wire: "hello",
    content: "hello",
  },
  {
    name: "an empty body",
    fields: "Content-Length: 0\r\n",
    wire: "",
    content: "",
  },
  { name: "no body", fields: "", wire: "", content: "" },
  {
    name: "a long body",
    fields: lengthOf(LONG),
    wire: LONG,
    content: LONG,
  },
  {
    name: "a chunked body",
    fields: CHUNKED,
    wire: "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
    content: "hello world",
  },
  {
    name: "an empty chunked body",
    fields: CHUNKED,
    wire: "0\r\n\r\n",
    content: "",
  },
  {
    name: "chunks of one byte",
    fields: CHUNKED,
    wire: [..."chunks"].map((c) => `1\r\n${c}\r\n`).join("") + "0\r\n\r\n",
    content: "chunks",
  },
  {
    name: "a chunk larger than the buffer, and trailers",
    fields: CHUNKED,
    wire: `1388\r\n${LONG}\r\n0\r\nX-Sum: 7\r\nY: a, b\r\n\r\n`,
    content: LONG,
    trailers: { "x-sum": "7", y: "a, b" },
  },
];

interface Reader {
  name: string;
  read: (client: HttpConnection) => Promise<string>;
}

const READERS: Reader[] = [
  {
    name: "read()",
    read: async (client) => {
      let text = "";
      for (let piece; (piece = await client.read()) !== null;) {
        assert(piece.length > 0);
        text += latin1Text(piece);
      }
      assertEquals(await client.read(), null);
      return text;
    },
  },
  {
    name: "read() that keeps its pieces",
    read: async (client) => {
      const pieces: Uint8Array[] = [];
      for (let piece; (piece = await client.read()) !== null;) {
        pieces.push(piece);
      }
      return pieces.map(latin1Text).join("");
    },
  },
  {
    name: "readAll()",
    read: async (client) => latin1Text(await client.readAll()),
  },
  {
    name: "read(), then readAll()",
    read: async (client) => {
      const first = await client.read() ?? new Uint8Array(0);
      return latin1Text(first) + latin1Text(await client.readAll());
    },
  },
  {
    name: "read() into a buffer",
    read: async (client) => {
      const buffer = new Uint8Array(70_000);
      let text = "";
      for (let piece; (piece = await client.read(buffer)) !== null;) {
        assert(piece.buffer === buffer.buffer);
        text += latin1Text(piece);
      }
      return text;
    },
  },
  {
    name: "read() into a small buffer",
    read: async (client) => {
      const buffer = new Uint8Array(new ArrayBuffer(9), 3, 2);
      let text = "";
      for (let piece; (piece = await client.read(buffer)) !== null;) {
        assert(piece.buffer === buffer.buffer);
        assert(piece.length > 0 && piece.length <= 2);
        text += latin1Text(piece);
      }
      return text;
    },
  },
  { name: "text()", read: (client) => client.text() },
  {
    name: "body",
    read: async (client) => {
      let text = "";
      for await (const piece of client.body) text += latin1Text(piece);
      return text;
    },
  },
  {
    name: "body with buffers of its reader",
    read: async (client) => {
      const reader = client.body.getReader({ mode: "byob" });
      let text = "";
      for (let size = 1;; size = size % 9 + 1) {
        const { done, value } = await reader.read(new Uint8Array(size));
        if (value !== undefined) text += latin1Text(value);
        if (done) return text;
      }
    },
  },
  {
    name: "body by both kinds of reader",
    read: async (client) => {
      const byob = client.body.getReader({ mode: "byob" });
      const { value } = await byob.read(new Uint8Array(3));
      byob.releaseLock();
      let text = latin1Text(value!);
      for await (const piece of client.body) text += latin1Text(piece);
      return text;
    },
  },
  {
    name: "body through tee()",
    read: async (client) => {
      const [one, two] = client.body.tee();
      const texts = await Promise.all([
        new Response(one).bytes(),
        new Response(two).bytes(),
      ]);
      assertEquals(texts[0], texts[1]);
      return latin1Text(texts[0]);
    },
  },
  {
    name: "saveTo()",
    read: async (client) => {
      const path = freshPath();
      const length = await client.saveTo(path);
      const bytes = await Deno.readFile(path);
      assertEquals(bytes.length, length);
      return latin1Text(bytes);
    },
  },
];

const DEFAULT = { streaming: false };

for (const options of [STREAMING, DEFAULT]) {
  const mode = options.streaming ? "streaming" : "default mode";
  for (const { name, read } of READERS) {
    Deno.test(`${name} gives the body, however it is cut (${mode})`, async () => {
      await using scene = new MemoryScene(async (client) => {
        const content = await read(client);
        assert(client.isLoaded);
        assertEquals(client.bytesReceived, content.length);
        client.respond({ content, trailers: client.trailers });
      }, options);
      for (const split of SPLITS) {
        const peer = scene.connect();
        for (const body of BODIES) {
          const { fields, wire } = body;
          // With another request behind it, which must not be touched.
          const bytes = bytesOf(post(fields, wire) + post("", "", "/next"));
          for (const piece of split.pieces(bytes)) await peer.send(piece);
          const first = await peer.response();
          const { content, trailers } = JSON.parse(first.body);
          assertEquals(content, body.content, `${body.name}, ${split.name}`);
          if (options.streaming) assertEquals(trailers, body.trailers ?? {});
          const second = await peer.response();
          assertEquals(JSON.parse(second.body).content, "");
        }
        peer.close();
      }
    });
  }
}

Deno.test("json() gives the value whatever the type says", async () => {
  for (const options of [STREAMING, DEFAULT]) {
    await using scene = new MemoryScene(async (client) => {
      client.respond(await outcome(client.json()) as string);
    }, options);
    const peer = scene.connect();
    for (
      const [body, expected] of [
        ['{"a":[1]}', '{"a":[1]}'],
        ["7", "7"],
        ["{", "bad-json"],
        ["", "bad-json"],
        ['"\xff"', "bad-encoding"],
        ["[".repeat(513) + "]".repeat(513), "json-too-deep"],
      ]
    ) {
      await peer.send(bytesOf(post(lengthOf(body), body)));
      assertEquals((await peer.response()).body, expected);
    }
  }
});

Deno.test("JSON that is nested too deeply never comes to be echoed", async () => {
  const type = "Content-Type: application/json\r\n";
  await using arena = new Arena((client) => {
    const { headers, data } = client;
    return client.respond({ headers, data });
  });
  const refusing = await arena.connect();
  const deep = "[".repeat(6000) + "]".repeat(6000);
  await refusing.send(bytesOf(post(type + lengthOf(deep), deep)));
  const refused = await refusing.response();
  assertEquals([refused.status, refused.body], [
    400,
    "JSON is nested too deeply\n",
  ]);
  await arena.until(() => arena.errors.length > 0);
  assertEquals((arena.errors[0] as ProtocolError).code, "json-too-deep");

  const peer = await arena.connect();
  const body = "[".repeat(512) + "]".repeat(512);
  await peer.send(bytesOf(post(type + lengthOf(body), body)));
  const { data } = JSON.parse((await peer.response()).body);
  assertEquals(JSON.stringify(data), body);
});

Deno.test("maxJsonDepth says how deep JSON may be nested", async () => {
  await using arena = new Arena((client) => client.respond(client.data), {
    maxJsonDepth: 2,
  });
  for (const [body, status] of [["[[1]]", 200], ["[[{}]]", 400]] as const) {
    const peer = await arena.connect();
    const fields = `Content-Type: a/b+json\r\n${lengthOf(body)}`;
    await peer.send(bytesOf(post(fields, body)));
    assertEquals((await peer.response()).status, status);
  }
});

Deno.test("text() refuses what is not UTF-8 where that is asked for, in whatever pieces", async () => {
  await using scene = new MemoryScene(async (client) => {
    client.respond(await outcome(client.text({ fatal: true })) as string);
  }, STREAMING);
  for (
    const [body, expected] of [
      ["\xc5\xbelu\xc5\xa5", "žluť"],
      ["\xf0\x9f\x90\x8e", "🐎"],
      ["\xf0\x9f\x90", "bad-encoding"],
      ["\xed\xa0\x80", "bad-encoding"],
    ]
  ) {
    for (const split of SPLITS) {
      const peer = scene.connect();
      const bytes = bytesOf(post(lengthOf(body), body));
      for (const piece of split.pieces(bytes)) await peer.send(piece);
      assertEquals((await peer.response()).body, expected);
      peer.close();
    }
  }
});

Deno.test("bytesReceived and isLoaded follow the body", async () => {
  const seen: [number, boolean][] = [];
  await using scene = new MemoryScene(async (client) => {
    const look = () => seen.push([client.bytesReceived, client.isLoaded]);
    look();
    for (let piece; (piece = await client.read()) !== null;) {
      look();
      await peer.send(piece.length > 0 && seen.length === 2 ? "lo" : "");
    }
    look();
    client.respond("ok");
  }, STREAMING);
  const peer = scene.connect();
  await peer.send(post("Content-Length: 5\r\n", "hel"));
  await peer.response();
  assertEquals(seen, [[0, false], [3, false], [5, false], [5, true]]);
});

// ---- Limits -----------------------------------------------------------------

interface Limited {
  name: string;
  fields: string;
  wire: string;
  /** By the server's option, and by `limit()`. */
  most: number;
  own?: number;
  expected: number | "body-too-large";
}

const LIMITED: Limited[] = [
  {
    name: "up to maxContentLength",
    fields: lengthOf("12345678"),
    wire: "12345678",
    most: 8,
    expected: 8,
  },
  {
    name: "announced over maxContentLength",
    fields: "Content-Length: 9\r\n",
    wire: "1234",
    most: 8,
    expected: "body-too-large",
  },
  {
    name: "announced far over maxContentLength",
    fields: "Content-Length: 9007199254740991\r\n",
    wire: "",
    most: 8,
    expected: "body-too-large",
  },
  {
    name: "chunks up to maxContentLength",
    fields: CHUNKED,
    wire: "4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n",
    most: 8,
    expected: 8,
  },
  {
    name: "chunks over maxContentLength in the middle",
    fields: CHUNKED,
    wire: "4\r\n1234\r\n5\r\n56789\r\n",
    most: 8,
    expected: "body-too-large",
  },
  {
    name: "a chunk size far over maxContentLength, once its bytes come",
    fields: CHUNKED,
    wire: "1fffffffffffff\r\n123456789",
    most: 8,
    expected: "body-too-large",
  },
  {
    name: "over a lower limit()",
    fields: "Content-Length: 5\r\n",
    wire: "12345",
    most: 8,
    own: 4,
    expected: "body-too-large",
  },
  {
    name: "over a lower limit() in chunks",
    fields: CHUNKED,
    wire: "5\r\n12345\r\n0\r\n\r\n",
    most: 8,
    own: 4,
    expected: "body-too-large",
  },
  {
    name: "within a raised limit()",
    fields: lengthOf("x".repeat(100)),
    wire: "x".repeat(100),
    most: 8,
    own: 100,
    expected: 100,
  },
  {
    name: "within a raised limit() in chunks",
    fields: CHUNKED,
    wire: `64\r\n${"x".repeat(100)}\r\n0\r\n\r\n`,
    most: 8,
    own: 100,
    expected: 100,
  },
  {
    name: "over a raised limit() in chunks",
    fields: CHUNKED,
    wire: `65\r\n${"x".repeat(101)}\r\n0\r\n\r\n`,
    most: 8,
    own: 100,
    expected: "body-too-large",
  },
  {
    name: "within no limit()",
    fields: lengthOf("x".repeat(100)),
    wire: "x".repeat(100),
    most: 0,
    own: Infinity,
    expected: 100,
  },
  {
    name: "empty under a limit() of nothing",
    fields: CHUNKED,
    wire: "0\r\n\r\n",
    most: 8,
    own: 0,
    expected: 0,
  },
];

Deno.test("limit() and maxContentLength bound a body that is read", async (t) => {
  for (const row of LIMITED) {
    for (const split of SPLITS) {
      await t.step(`${row.name}, ${split.name}`, async () => {
        let seen: unknown;
        await using scene = new MemoryScene(async (client) => {
          if (row.own !== undefined) client.limit(row.own);
          const whole = client.readAll().then((bytes) => bytes.length);
          seen = await outcome(whole);
          const isSent = await client.respond("ok");
          assertEquals(isSent, row.expected !== "body-too-large");
        }, { ...STREAMING, maxContentLength: row.most });
        const peer = scene.connect();
        const bytes = bytesOf(post(row.fields, row.wire));
        for (const piece of split.pieces(bytes)) await peer.send(piece);
        const { status, headers } = await peer.response();
        assertEquals(seen, row.expected);
        if (row.expected === "body-too-large") {
          assertEquals(status, 413);
          assertEquals(headers.connection, "close");
          assertEquals(scene.server.stats.refused, 1);
        } else assertEquals(status, 200);
      });
    }
  }
});

Deno.test("limit() holds for what is read after it alone", async () => {
  await using scene = new MemoryScene(async (client) => {
    assertEquals((await client.read())!.length, 4);
    client.limit(2);
    await assertRejects(() => client.read(), ProtocolError);
    await assertRejects(() => client.read(), ProtocolError);
    assertThrows(() => client.limit(-1), RangeError);
    assertThrows(() => client.limit(NaN), RangeError);
    assertEquals(await client.respond("too late"), false);
  }, STREAMING);
  const peer = scene.connect();
  await peer.send(post(CHUNKED, "4\r\n1234\r\n1\r\n5\r\n"));
  assertEquals((await peer.response()).status, 413);
});

Deno.test("read() of too long a body reads none of it", async () => {
  await using scene = new MemoryScene(async (client) => {
    await assertRejects(() => client.read(), ProtocolError);
    assertEquals(client.bytesReceived, 0);
  }, { ...STREAMING, maxContentLength: 10 });
  const peer = scene.connect();
  await peer.send(post("Content-Length: 11\r\nExpect: 100-continue\r\n"));
  const { status } = await peer.response();
  assertEquals(status, 413); // and no 100 before it
});

// ---- What is malformed, late or cut off -------------------------------------

const MALFORMED: [wire: string, code: string][] = [
  ["x\r\n", "bad-chunk-size"],
  ["5\r\nhelloX", "bad-chunk-end"],
  ["5\r\nhello\n", "bad-chunk-end"],
  ["5\nhello", "bad-chunk-size"],
  ["5\r\nhello\r\n-1\r\n", "bad-chunk-size"],
  ["5\r\nhello\r\n0\r\n bad: x\r\n\r\n", "folded-field"],
  ["5\r\nhello\r\n0\r\nno colon\r\n\r\n", "bad-field-name"],
  ["fffffffffffffffff\r\n", "bad-chunk-size"],
];

Deno.test("read() rejects what is malformed, and the server answers 400", async (t) => {
  for (const [wire, code] of MALFORMED) {
    for (const split of SPLITS) {
      await t.step(`${JSON.stringify(wire)}, ${split.name}`, async () => {
        let seen: unknown;
        await using scene = new MemoryScene(async (client) => {
          seen = await outcome(client.readAll());
          assertEquals(await client.respond("ok"), false);
        }, STREAMING);
        const peer = scene.connect();
        const bytes = bytesOf(post(CHUNKED, wire));
        for (const piece of split.pieces(bytes)) await peer.send(piece);
        const { status, headers } = await peer.response();
        assertEquals([status, headers.connection, seen], [400, "close", code]);
        assertEquals(await peer.rest(), "");
      });
    }
  }
});

Deno.test("HttpServer lets no other answer follow its refusal of a body", async (t) => {
  const rows: Record<string, (client: HttpConnection) => unknown> = {
    "respond()": (client) => client.respond("x"),
    "respond() of a stream": (client) => client.respond(["x"].values()),
    "responseStream()": async (client) => {
      assertEquals(await client.responseStream(), false);
      assertEquals(await client.sendChunk("x"), false);
      return client.responseStreamEnd();
    },
    "respondFile()": (client) => client.respondFile("/etc/hostname"),
    "respondRedirect()": (client) => client.respondRedirect("/"),
    "responseMultipart()": (client) => client.responseMultipart(),
    "respondWith()": (client) => client.respondWith(new Response("x")),
  };
  for (const [name, answer] of Object.entries(rows)) {
    await t.step(name, async () => {
      await using scene = new MemoryScene(async (client) => {
        await assertRejects(() => client.readAll(), ProtocolError);
        assertEquals(await answer(client), false);
      }, STREAMING);
      const peer = scene.connect();
      await peer.send(post(CHUNKED, "x\r\n"));
      const text = await peer.rest();
      assertEquals(text.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 400"]);
    });
  }
});

Deno.test("An answer under way is overtaken by a refusal of the body", async (t) => {
  const rows: Record<string, (client: HttpConnection) => Promise<boolean>> = {
    "respondWith()": (client) => {
      const answer = async () => new Response(await client.text());
      return client.respondWith(answer());
    },
    "respondWith() of whatever comes": (client) => {
      const answer = async () => {
        await client.text().catch(() => {});
        return new Response("all is well");
      };
      return client.respondWith(answer());
    },
    "respondFile()": (client) => {
      const reading = outcome(client.text());
      const sent = client.respondFile("/etc/hostname");
      return reading.then(() => sent);
    },
  };
  for (const [name, answer] of Object.entries(rows)) {
    for (const rest of ["x\r\n", "5\r\nhello\r\n"]) {
      await t.step(`${name}, ${JSON.stringify(rest)}`, async () => {
        const done = Promise.withResolvers<boolean>();
        await using scene = new MemoryScene((client) => {
          done.resolve(answer(client));
          peer.send(rest);
        }, { ...STREAMING, maxContentLength: 4, bodyTimeout: 200 });
        const peer = scene.connect();
        await peer.send(post(CHUNKED, "1\r\na\r\n"));
        await peer.until("\r\n\r\n");
        await done.promise;
        const text = await peer.rest();
        assert(!text.includes("HTTP/1.1"), text);
      });
    }
  }
});

for (const method of ["hijack", "upgrade"] as const) {
  Deno.test(`${method}() takes over no connection that was refused`, async () => {
    await using scene = new MemoryScene(async (client) => {
      await assertRejects(() => client.readAll(), ProtocolError);
      const raw = method === "hijack" ? client.hijack() : client.upgrade("x");
      await outcome(raw.write(new TextEncoder().encode("raw")));
      raw.close();
    }, STREAMING);
    const peer = scene.connect();
    const fields = CHUNKED + "Connection: upgrade\r\nUpgrade: x\r\n";
    await peer.send(post(fields, "x\r\n"));
    const text = await peer.rest();
    assert(text.startsWith("HTTP/1.1 400"), text);
    assert(!text.includes("raw"), text);
  });
}

Deno.test("read() that waits too long is answered with 408", async () => {
  await using scene = new Scene(async (client) => {
    const error = await assertRejects(() => client.readAll(), ProtocolError);
    assertEquals(error.code, "body-timeout");
  }, { ...STREAMING, bodyTimeout: 80 });
  const peer = await scene.connect();
  await peer.send(post("Content-Length: 9\r\n", "abc"));
  assertEquals((await peer.response()).status, 408);
  assertEquals(scene.server.stats.timedOut, 1);
});

Deno.test("bodyTimeout does not hold while nobody reads", async () => {
  await using scene = new Scene(async (client) => {
    await client.read();
    await new Promise((resolve) => setTimeout(resolve, 250));
    const rest = client.readAll();
    await peer.send("def");
    assertEquals((await rest).length, 3);
    await client.respond("ok");
  }, { ...STREAMING, bodyTimeout: 80 });
  const peer = await scene.connect();
  await peer.send(post("Content-Length: 6\r\n", "abc"));
  assertEquals((await peer.response()).status, 200);
  assertEquals(scene.server.stats.timedOut, 0);
});

Deno.test("bodyTimeout is of silence, not of the whole body", async () => {
  await using scene = new Scene(async (client) => {
    assertEquals((await client.readAll()).length, 10);
    await client.respond("ok");
  }, { ...STREAMING, bodyTimeout: 120 });
  const peer = await scene.connect();
  await peer.send(post("Content-Length: 10\r\n"));
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    await peer.send("x");
  }
  assertEquals((await peer.response()).status, 200);
});

const READS: Record<string, (client: HttpConnection) => Promise<unknown>> = {
  "readAll()": (client) => client.readAll(),
  "text()": (client) => client.text(),
  "json()": (client) => client.json(),
  "body": (client) => client.body.getReader().read(),
  "saveTo()": (client) => client.saveTo(freshPath()),
};

Deno.test("A reader is told when its peer goes in the middle", async (t) => {
  const stages: Record<string, string> = {
    "nothing of the body": post("Content-Length: 9\r\n"),
    "a part of the body": post("Content-Length: 9\r\n", "abc"),
    "nothing of the chunks": post(CHUNKED),
    "half a chunk size": post(CHUNKED, "1"),
    "half a chunk": post(CHUNKED, "5\r\nhe"),
    "a chunk": post(CHUNKED, "5\r\nhello\r\n"),
    "half an end": post(CHUNKED, "5\r\nhello\r\n0\r\n"),
    "half a trailer": post(CHUNKED, "5\r\nhello\r\n0\r\nX: "),
    "an unwanted go-ahead": post(
      "Content-Length: 9\r\nExpect: 100-continue\r\n",
    ),
  };
  for (const [stage, sent] of Object.entries(stages)) {
    for (const [name, read] of Object.entries(READS)) {
      await t.step(`${name} after ${stage}`, async () => {
        await using arena = new Arena((client) => {
          arena.hold(client);
          const reading = name === "body" ? client.body.getReader() : null;
          if (reading === null) return outcome(read(client));
          return (async () => {
            while (!(await reading.read()).done);
          })().then(() => "done", (error) => error.name);
        }, STREAMING);
        const peer = await arena.connect();
        await peer.send(sent);
        const client = await arena.next();
        await eventually(() =>
          client.bytesReceived ===
            (/abc$/.test(sent)
              ? 3
              : /hello/.test(sent)
              ? 5
              : /he$/.test(sent)
              ? 2
              : 0)
        );
        peer.close();
        await arena.until(() => arena.unsettled === 0);
        await assertRejects(() => client.read(), HttpError);
        assertEquals(await client.respond("nobody"), false);
        assert(client.signal.aborted);
      });
    }
  }
});

Deno.test("saveTo() removes what it wrote when the rest does not come", async (t) => {
  const rows: Record<string, [sent: string, ends: boolean]> = {
    "peer gone": [post("Content-Length: 9\r\n", "abc"), true],
    "malformed": [post(CHUNKED, "3\r\nabc\r\nx\r\n"), false],
    "too large": [post(CHUNKED, `3\r\nabc\r\n9\r\n123456789\r\n`), false],
    "too slow": [post("Content-Length: 9\r\n", "abc"), false],
  };
  for (const [name, [sent, ends]] of Object.entries(rows)) {
    await t.step(name, async () => {
      const path = freshPath();
      await using scene = new Scene(async (client) => {
        await assertRejects(() => client.saveTo(path), HttpError);
        assert(!isThere(path));
      }, { ...STREAMING, maxContentLength: 10, bodyTimeout: 80 });
      const peer = await scene.connect();
      await peer.send(sent);
      if (ends) {
        await eventually(() => isThere(path));
        peer.close();
      } else {
        assert((await peer.response()).status >= 400);
        peer.close();
      }
      await eventually(() => scene.server.stats.openConnections === 0);
    });
  }
});

Deno.test("saveTo() leaves the body where the file cannot be made", async () => {
  await using scene = new MemoryScene(async (client) => {
    await assertRejects(
      () => client.saveTo(`${folder}/none/x`),
      Deno.errors.NotFound,
    );
    client.respond(await client.text());
  }, STREAMING);
  const peer = scene.connect();
  await peer.send(post(lengthOf("abc"), "abc"));
  assertEquals((await peer.response()).body, "abc");
});

// ---- 100 Continue -----------------------------------------------------------

const EXPECT = "Expect: 100-continue\r\n";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

Deno.test("100 Continue goes out when the body is first asked for", async () => {
  const held = Promise.withResolvers<HttpConnection>();
  await using scene = new MemoryScene((client) => held.resolve(client), {
    ...STREAMING,
  });
  const peer = scene.connect();
  await peer.send(post("Content-Length: 3\r\n" + EXPECT));
  const client = await held.promise;
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(scene.server.stats.bytesOut, 0);
  const reading = client.text();
  assertEquals(await peer.until("\r\n\r\n"), CONTINUE);
  await peer.send("a");
  await peer.send("b");
  await peer.send("c");
  assertEquals(await reading, "abc");
  client.respond("ok");
  const { status, headers } = await peer.response();
  assertEquals([status, headers.connection], [200, "keep-alive"]);
});

Deno.test("An answer before the body refuses the upload without 100", async (t) => {
  const answers: Record<string, (client: HttpConnection) => unknown> = {
    "respond()": (client) => client.respond("no", { status: 417 }),
    "responseStream()": (client) => {
      client.responseStream({ status: 417 });
      client.sendChunk("no");
      client.responseStreamEnd();
    },
    "respond() of a stream": (client) =>
      client.respond(["no"].values(), { status: 417 }),
    "respondWith()": (client) =>
      client.respondWith(new Response("no", { status: 417 })),
  };
  for (const [name, answer] of Object.entries(answers)) {
    await t.step(name, async () => {
      await using scene = new MemoryScene(answer, STREAMING);
      const peer = scene.connect();
      await peer.send(post("Content-Length: 3\r\n" + EXPECT));
      const { status, body } = await peer.response();
      assertEquals([status, body], [417, "no"]);
      assertEquals(await peer.rest(), "");
    });
  }
});

Deno.test("100 Continue goes to nobody who has not asked, or has begun", async (t) => {
  const rows: Record<string, string> = {
    "no Expect": post("Content-Length: 3\r\n", "abc"),
    "the body is here": post("Content-Length: 3\r\n" + EXPECT, "abc"),
    "a part of it is here": post("Content-Length: 3\r\n" + EXPECT, "a"),
    "HTTP/1.0": "POST / HTTP/1.0\r\nContent-Length: 3\r\n" + EXPECT + "\r\nabc",
    "an empty body": post("Content-Length: 0\r\n" + EXPECT),
  };
  for (const [name, sent] of Object.entries(rows)) {
    await t.step(name, async () => {
      await using scene = new MemoryScene(async (client) => {
        client.respond(await client.text());
      }, STREAMING);
      const peer = scene.connect();
      await peer.send(sent);
      if (name.startsWith("a part")) await peer.send("bc");
      assertEquals((await peer.response()).status, 200);
    });
  }
});

Deno.test("100 Continue does not follow the head of an answer", async () => {
  await using scene = new MemoryScene(async (client) => {
    client.responseStream();
    await client.sendChunk("begun");
    assertEquals(await client.text(), "abc");
    await client.responseStreamEnd();
  }, STREAMING);
  const peer = scene.connect();
  await peer.send(post("Content-Length: 3\r\n" + EXPECT));
  await peer.until("begun\r\n");
  await peer.send("abc");
  assertEquals(await peer.until("0\r\n\r\n"), "0\r\n\r\n");
});

// ---- Answers before, between and behind -------------------------------------

Deno.test("A refused upload of megabytes still gets its answer", async (t) => {
  const answers: Record<string, (client: HttpConnection) => unknown> = {
    "unread": (client) => client.respond("no", { status: 403 }),
    "after a piece": async (client) => {
      await client.read();
      client.respond("no", { status: 403 });
    },
    "while it is read": (client) => {
      const reading = assertRejects(() => client.readAll(), HttpError);
      client.respond("no", { status: 403 });
      return reading;
    },
    "in parts": async (client) => {
      client.responseStream({ status: 403, headers: { "content-length": 2 } });
      await client.sendChunk("no");
      client.responseStreamEnd();
    },
    "as a Response": (client) =>
      client.respondWith(new Response("no", { status: 403 })),
  };
  for (const fields of ["Content-Length: 20000000\r\n", CHUNKED]) {
    for (const close of ["", "Connection: close\r\n"]) {
      for (const [name, answer] of Object.entries(answers)) {
        await t.step(`${name}, ${fields}${close}`, async () => {
          await using arena = new Arena(
            (client) =>
              client.path === "/" && client.method === "GET"
                ? client.respond("ok")
                : answer(client),
            { ...STREAMING, maxContentLength: Infinity },
          );
          const peer = await arena.connect();
          await peer.send(post(fields + close));
          const sending = (async () => {
            const piece = bytesOf(`1000\r\n${"x".repeat(4096)}\r\n`.repeat(64));
            for (let i = 0; i < 20; i++) await peer.send(piece);
          })().catch((error) => error);
          const { status, body } = await peer.response();
          assertEquals([status, body], [403, "no"]);
          assertEquals(await sending, undefined);
          peer.close();
          await arena.serves();
        });
      }
    }
  }
});

Deno.test("HttpServer goes on with a connection whose body was here", async (t) => {
  const answers: Record<string, (client: HttpConnection) => unknown> = {
    "unread": (client) => client.respond(client.path),
    "read by a piece": async (client) => {
      await client.read();
      client.respond(client.path);
    },
    "read wholly": async (client) => {
      await client.readAll();
      client.respond(client.path);
    },
    "unread, a Response": (client) =>
      client.respondWith(new Response(client.path)),
    "unread, a redirect": (client) => client.respondRedirect(client.path),
    "unread, in parts": (client) => {
      client.responseStream();
      client.sendChunk(client.path);
      client.responseStreamEnd();
    },
    "unread, a stream": (client) => client.respond([client.path].values()),
    "read by a piece, in parts": async (client) => {
      await client.read();
      client.responseStream();
      client.sendChunk(client.path);
      client.responseStreamEnd();
    },
    "read wholly, in parts": async (client) => {
      await client.readAll();
      client.responseStream();
      client.sendChunk(client.path);
      client.responseStreamEnd();
    },
  };
  for (
    const [fields, wire] of [
      [lengthOf("hello"), "hello"],
      [CHUNKED, "5\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n"],
    ]
  ) {
    for (const [name, answer] of Object.entries(answers)) {
      await t.step(`${name}, ${fields.trim()}`, async () => {
        await using scene = new MemoryScene(answer, STREAMING);
        const peer = scene.connect();
        await peer.send(post(fields, wire) + GET);
        const first = await peer.response();
        assertEquals(first.headers.connection, "keep-alive");
        const second = await peer.response();
        assertEquals(second.headers.location ?? second.body, "/next");
      });
    }
  }
});

Deno.test("HttpServer closes behind an answer to half a body, and says so", async (t) => {
  const answers: Record<string, (client: HttpConnection) => unknown> = {
    "respond()": (client) => client.respond("ok"),
    "a Response": (client) => client.respondWith(new Response("ok")),
    "a redirect": (client) => client.respondRedirect("/"),
    "a streamed Response": (client) =>
      client.respondWith(
        new Response(ReadableStream.from([new Uint8Array(2)])),
      ),
  };
  for (const [name, answer] of Object.entries(answers)) {
    await t.step(name, async () => {
      await using scene = new MemoryScene(answer, STREAMING);
      const peer = scene.connect();
      await peer.send(post("Content-Length: 9\r\n", "half"));
      const { headers } = await peer.response();
      assertEquals(headers.connection, "close");
      // What follows is the rest of a body, whatever it looks like.
      await peer.send(GET);
      assertEquals(await peer.rest(), "");
      assertEquals(scene.server.stats.requests, 1);
    });
  }
});

Deno.test("HttpServer goes on behind an answer in parts to half a body", async () => {
  // It says so, as the rest might have been read before the end; so the rest
  // is passed over when it comes.
  await using scene = new MemoryScene((client) => {
    client.responseStream();
    client.sendChunk("ok");
    client.responseStreamEnd();
  }, STREAMING);
  const peer = scene.connect();
  await peer.send(post("Content-Length: 9\r\n", "half"));
  assertEquals((await peer.response()).body, "ok");
  await peer.send("-rest" + GET);
  assertEquals((await peer.response()).body, "ok");
  assertEquals(scene.server.stats.requests, 2);
});

Deno.test("Reading after an answer rejects, and never ends short", async (t) => {
  const reads: Record<string, (client: HttpConnection) => Promise<unknown>> = {
    ...READS,
    "read()": (client) => client.read(),
  };
  const rows: Record<string, string> = {
    "a body that was here": post(lengthOf("hello"), "hello"),
    "chunks that were here": post(
      CHUNKED,
      "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
    ),
    "half a body": post("Content-Length: 9\r\n", "half"),
  };
  for (const [row, sent] of Object.entries(rows)) {
    for (const [name, read] of Object.entries(reads)) {
      await t.step(`${name} of ${row}`, async () => {
        const seen = Promise.withResolvers<unknown>();
        await using scene = new MemoryScene(async (client) => {
          client.respond("ok");
          seen.resolve(await outcome(read(client)));
        }, STREAMING);
        const peer = scene.connect();
        await peer.send(sent);
        await peer.response();
        assertEquals(await seen.promise, "HttpError");
      });
    }
  }
});

Deno.test("Reading behind a piece and an answer rejects, and never ends short", async () => {
  const seen = Promise.withResolvers<unknown>();
  await using scene = new MemoryScene(async (client) => {
    assertEquals((await client.read())!.length, 5);
    client.respond("ok");
    seen.resolve(await outcome(client.read()));
  }, STREAMING);
  const peer = scene.connect();
  await peer.send(post(CHUNKED, "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"));
  await peer.response();
  assertEquals(await seen.promise, "HttpError");
});

Deno.test("saveTo() under way when the answer is given leaves no part of a file", async () => {
  const path = freshPath();
  const seen = Promise.withResolvers<unknown>();
  await using scene = new MemoryScene((client) => {
    seen.resolve(outcome(client.saveTo(path)));
    client.respond("ok");
  }, STREAMING);
  const peer = scene.connect();
  await peer.send(post(lengthOf("hello"), "hello"));
  await peer.response();
  const result = await seen.promise;
  assert(
    result === 5 || result === "HttpError" && !isThere(path),
    `${result}`,
  );
});

Deno.test("Two readers at once are a TypeError for the second", async (t) => {
  for (const [name, read] of Object.entries(READS)) {
    await t.step(name, async () => {
      const seen = Promise.withResolvers<unknown>();
      await using scene = new MemoryScene(async (client) => {
        const first = client.read();
        seen.resolve(await outcome(read(client)));
        await peer.send("hello");
        assertEquals(latin1Text((await first)!), "hello");
        client.respond("ok");
      }, STREAMING);
      const peer = scene.connect();
      await peer.send(post("Content-Length: 5\r\n"));
      assertEquals((await peer.response()).status, 200);
      assertEquals(await seen.promise, "TypeError");
    });
  }
});

const MEBIBYTES = 6;

for (
  const [name, echo] of Object.entries<
    (client: HttpConnection) => Promise<unknown>
  >({
    "respond(client.body)": (client) => client.respond(client.body),
    "read() and sendChunk()": async (client) => {
      client.responseStream();
      for (let piece; (piece = await client.read()) !== null;) {
        assert(await client.sendChunk(piece));
      }
      return client.responseStreamEnd();
    },
  })
) {
  for (const kind of ["length", "chunked"]) {
    Deno.test(`${name} sends back ${MEBIBYTES} MiB (${kind})`, async () => {
      await using arena = new Arena((client) => {
        if (client.method === "GET") return client.respond("ok");
        client.limit(Infinity);
        return echo(client);
      }, STREAMING);
      const peer = await arena.connect();
      const content = new Uint8Array(MEBIBYTES * 1024 * 1024);
      for (let i = 0; i < content.length; i++) content[i] = i * 31 % 251;
      const sending = (async () => {
        if (kind === "length") {
          await peer.send(post(`Content-Length: ${content.length}\r\n`));
          await peer.send(content);
        } else {
          await peer.send(post(CHUNKED));
          for (let at = 0; at < content.length; at += 65536) {
            await peer.send("10000\r\n");
            await peer.send(content.subarray(at, at + 65536));
            await peer.send("\r\n");
          }
          await peer.send("0\r\n\r\n");
        }
        await peer.send(GET);
      })();
      await peer.until("\r\n\r\n");
      let at = 0;
      for (;;) {
        const size = parseInt(await peer.until("\r\n"), 16);
        const bytes = await peer.bytes(size);
        const expected = content.subarray(at, at + size);
        assert(isSame(bytes, expected), `differs behind ${at}`);
        at += size;
        await peer.until("\r\n");
        if (size === 0) break;
      }
      assertEquals(at, content.length);
      await sending;
      assertEquals((await peer.response()).body, "ok");
    });
  }
}

Deno.test("A body is not read ahead of its reader", async () => {
  const held = Promise.withResolvers<HttpConnection>();
  await using arena = new Arena((client) => {
    if (client.method === "GET") return client.respond("ok");
    client.limit(Infinity);
    held.resolve(client);
    return client.read();
  }, STREAMING);
  const peer = await arena.connect();
  const size = 32 * 1024 * 1024;
  await peer.send(post(`Content-Length: ${size}\r\n`));
  let sent = 0;
  const sending = (async () => {
    const piece = new Uint8Array(65536);
    for (; sent < size; sent += piece.length) await peer.send(piece);
  })().catch(() => {});
  const client = await held.promise;
  let before = -1;
  // The kernel's buffers fill up, and then nothing moves.
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  assert(sent < size);
  assert(arena.server.stats.bytesIn < 300_000);
  await arena.serves();
  assertEquals(
    (await client.readAll()).length + client.bytesReceived > 0,
    true,
  );
  await client.respond("done");
  assertEquals((await peer.response()).status, 200);
  await sending;
});

Deno.test("A peer that goes is noticed while a piece of its body is looked at", async (t) => {
  const looks: Record<string, (client: HttpConnection) => unknown> = {
    "nothing": () => {},
    "read()": (client) => client.read(),
    "body": (client) => client.body.getReader().read(),
    "body by BYOB": (client) =>
      client.body.getReader({ mode: "byob" }).read(new Uint8Array(3)),
    "readAll()": (client) => client.readAll(),
  };
  for (const [name, look] of Object.entries(looks)) {
    await t.step(name, async () => {
      await using arena = new Arena(async (client) => {
        await look(client);
        arena.hold(client);
      }, STREAMING);
      const peer = await arena.connect();
      await peer.send(post(lengthOf("hello"), "hello"));
      const client = await arena.next();
      const { signal } = client;
      signal.addEventListener("abort", () => arena.hold(client));
      peer.close();
      await eventually(() => signal.aborted);
      client.close();
    });
  }
});

Deno.test("A request without a body has an empty one in both modes", async () => {
  for (const options of [STREAMING, DEFAULT]) {
    await using scene = new MemoryScene(async (client) => {
      assertEquals(await client.read(), null);
      assertEquals(await client.text(), "");
      assertEquals(await outcome(client.json()), "bad-json");
      assert(client.isLoaded);
      assertEquals(client.bytesReceived, 0);
      assertEquals(client.contentLength, null);
      assertEquals({ ...client.trailers }, {});
      assertEquals(client.data, null);
      client.limit(0);
      client.respond("ok");
    }, options);
    const peer = scene.connect();
    for (let i = 0; i < 3; i++) {
      await peer.send(GET);
      assertEquals((await peer.response()).status, 200);
    }
  }
});

Deno.test("A body in the default mode can be read though data was looked at", async () => {
  await using scene = new MemoryScene(async (client) => {
    assertEquals(client.data, { a: 1 });
    assertEquals(await client.json(), { a: 1 });
    assertEquals(client.bytesReceived, 7);
    client.respond(client.rawData);
  });
  const peer = scene.connect();
  const fields = "Content-Type: application/json\r\n";
  await peer.send(post(fields + lengthOf('{"a":1}'), '{"a":1}'));
  assertEquals((await peer.response()).body, '{"a":1}');
});

Deno.test("HTTP/1.0 uploads are read like others", async () => {
  await using scene = new MemoryScene(async (client) => {
    client.respond(await client.text());
  }, STREAMING);
  for (const split of SPLITS) {
    const peer: RawClient = scene.connect();
    const bytes = bytesOf("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello");
    for (const piece of split.pieces(bytes)) await peer.send(piece);
    assertEquals((await peer.response()).body, "hello");
    assertEquals(await peer.rest(), "");
  }
});
