import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import {
  ConnectionLostError,
  type HttpResponse,
  ResponseError,
  TooLargeError,
} from "../../client.ts";
import { eventually } from "../support/serving.ts";
import { ClientArena, ok, RawArena } from "../support/client_arenas.ts";

/** A client whose every request is answered with one text. */
function answering(text: string): RawArena {
  return new RawArena(async (peer, _, arena) => {
    for (;;) await arena.answer(peer, text);
  });
}

// ---- The head -------------------------------------------------------------

Deno.test("HttpResponse has all that was in the head", async () => {
  await using arena = answering(
    [
      "HTTP/1.1 299 All gr\u00fcn  here ",
      "Content-Type: Text/HTML ; Charset=UTF-8",
      "X-One: 1",
      "x-one:2",
      "X-Empty:",
      "Set-Cookie: a=1; Path=/; Expires=Wed, 01 Jan 2098 00:00:00 GMT",
      "Set-Cookie: b=x=y; HttpOnly",
      "Set-Cookie: a=2",
      "Set-Cookie: __proto__=p",
      "Content-Length: 2",
      "\r\nhi",
    ].join("\r\n"),
  );
  const response = await arena.client.get("/a?b#c");
  assertEquals(response.status, 299);
  assertEquals(response.statusMessage, "All gr\xc3\xbcn  here ");
  assertEquals(response.protocol, "HTTP/1.1");
  assertEquals(response.ok, true);
  assertEquals(response.url, `http://127.0.0.1:${arena.port}/a?b`);
  assertEquals(response.redirected, false);
  assertEquals(response.contentType, "text/html");
  assertEquals(response.contentLength, 2);
  const { headers } = response;
  assertEquals(Object.getPrototypeOf(headers), null);
  assertEquals(headers["x-one"], "1, 2");
  assertEquals(headers["x-empty"], "");
  assertEquals(headers["x-none"], undefined);
  assertEquals(response.headersGet("X-One"), "1, 2");
  assertEquals(response.headersGet("x-none"), undefined);
  assertEquals(response.headersGet("x-none", 7), 7);
  assertEquals(response.headersGet("x-empty", "d"), "");
  assertEquals(response.headersAll("X-ONE"), ["1", "2"]);
  assertEquals(response.headersAll("x-none"), []);
  assertEquals(response.headersAll("set-cookie").length, 4);
  const { cookies } = response;
  assertEquals(Object.getPrototypeOf(cookies), null);
  assertEquals(Object.entries(cookies), [
    ["a", "2"],
    ["b", "x=y"],
    ["__proto__", "p"],
  ]);
  assertEquals(response.headers, headers);
  assert(response.cookies === cookies);
  assertEquals(new TextDecoder().decode(response.data), "hi");
  assertEquals(response.bytesReceived, 2);
  assertEquals({ ...response.trailers }, {});
  response.close(); // in memory: nothing happens
  assertEquals(await response.text(), "hi");
});

Deno.test("HttpResponse does without what need not be there", async () => {
  await using arena = answering("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n");
  const response = await arena.client.get();
  assertEquals(
    [response.status, response.statusMessage, response.ok],
    [404, "", false],
  );
  assertEquals(response.contentType, "");
  assertEquals(response.data, new Uint8Array(0));
  assertEquals({ ...response.cookies }, {});
});

Deno.test("HttpResponse of HTTP/1.0 ends with the connection", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.answer(peer, "HTTP/1.0 200 OK\r\n\r\nall that");
    await peer.send(" there is");
    peer.close();
  });
  for (let i = 0; i < 2; i++) {
    const response = await arena.client.get();
    assertEquals(response.protocol, "HTTP/1.0");
    assertEquals(response.contentLength, null);
    assertEquals(await response.text(), "all that there is");
  }
  assertEquals(arena.count, 2);
});

Deno.test("ok goes by the status alone", async () => {
  await using arena = new ClientArena((client) =>
    client.respond("x", { status: Number(client.path.slice(1)) })
  );
  for (
    const [status, isOk] of [
      [200, true],
      [206, true],
      [299, true],
      [300, false],
      [304, false],
      [400, false],
      [500, false],
      [599, false],
    ] as const
  ) {
    const response = await arena.client.get(`${status}`);
    assertEquals([response.status, response.ok], [status, isOk]);
  }
});

Deno.test("contentLength tells what GET would bring, for HEAD and 304", async () => {
  const head = "Content-Length: 1000\r\n\r\n";
  const texts = [
    `HTTP/1.1 200 OK\r\n${head}`,
    `HTTP/1.1 304 Not Modified\r\n${head}`,
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ok("x"),
  ];
  await using arena = new RawArena(async (peer, _, arena) => {
    for (;;) {
      await arena.ask(peer);
      await peer.send(texts.shift()!);
    }
  });
  const { client } = arena;
  for (
    const [method, status, length] of [
      ["HEAD", 200, 1000],
      ["GET", 304, 1000],
      ["DELETE", 204, null],
      ["HEAD", 200, null],
      ["GET", 200, 1],
    ] as const
  ) {
    const response = await client.request(method, "/");
    assertEquals([response.status, response.contentLength], [status, length]);
    assertEquals(
      response.data.length,
      status === 200 && method === "GET" ? 1 : 0,
    );
  }
  // What tells of a body that is not to come is the last on its connection.
  assertEquals(arena.count, 4);
});

Deno.test("timing tells of the connection once, and of each response", async () => {
  await using arena = new ClientArena((client) => client.respond("x"));
  const times = [];
  // A clock that goes on whenever somebody looks, and never else.
  const { now } = performance;
  let looks = 0;
  performance.now = () => looks++;
  using _ = { [Symbol.dispose]: () => performance.now = now };
  for (let i = 0; i < 2; i++) {
    const before = performance.now();
    const { timing } = await arena.client.get();
    times.push(timing);
    const all = performance.now() - before;
    assertGreater(timing.firstByte, 0);
    assertGreaterOrEqual(timing.total, timing.firstByte);
    assertGreaterOrEqual(all, timing.total);
    assertEquals(timing.tls, 0);
  }
  assertGreater(times[0].connect, 0);
  assertGreater(times[0].firstByte, times[0].connect);
  assertEquals(times[1].connect, 0);
});

// ---- Text and JSON --------------------------------------------------------

const TEXTS: [
  type: string | null,
  bytes: number[],
  text: string | null,
][] = [
  ["text/plain", [0x67, 0xc3, 0xbc], "gü"],
  [null, [0xe2, 0x82, 0xac], "€"],
  ["text/plain; charset=utf-8", [0xc3, 0xbc], "ü"],
  ["text/plain; charset=UTF8", [0xc3, 0xbc], "ü"],
  ['text/plain; charset="utf-8"', [0xc3, 0xbc], "ü"],
  ["text/plain; charset=iso-8859-1", [0xfc, 0x80], "ü€"],
  ["text/plain; charset=ISO-8859-2", [0xb1], "ą"],
  ["text/plain; charset=windows-1252", [0x80], "€"],
  ["text/plain; charset=utf-16le", [0x41, 0, 0x42, 0], "AB"],
  ["text/plain; charset=shift_jis", [0x83, 0x65], "テ"],
  ["text/plain; charset=", [0xc3, 0xbc], "ü"],
  ["text/plain; x=charset", [0xc3, 0xbc], "ü"],
  ["text/plain", [0x61, 0xff], null],
  ["text/plain", [0xc3], null],
  ["text/plain", [0xed, 0xa0, 0x80], null],
  ["text/plain; charset=utf-8", [0xff], null],
  ["text/plain; charset=no-such", [0x41], "A"],
  ["text/plain; charset=utf-16le", [0x00, 0xd8], null],
  ["text/plain", [], ""],
];

Deno.test("text() decodes by the charset, and refuses what is not in it where that is asked for", async () => {
  let row = 0;
  await using arena = new ClientArena((client) => {
    const [type, bytes] = TEXTS[row];
    return client.respond(Uint8Array.from(bytes), {
      headers: type === null ? {} : { "content-type": type },
    });
  });
  for (; row < TEXTS.length; row++) {
    const [type, , text] = TEXTS[row];
    for (const stream of [false, true]) {
      const response = await arena.client.get("", { stream });
      if (text !== null) assertEquals(await response.text(), text, `${type}`);
      else {
        const error = await assertRejects(
          () => response.text({ fatal: true }),
          ResponseError,
        );
        assertEquals([error.code, error.status], ["bad-encoding", 502]);
        assertEquals(error.url, response.url);
      }
    }
  }
});

Deno.test("json() reads JSON of any type, and refuses what is none", async () => {
  const cases: [text: string, value: unknown, code?: string][] = [
    ['{"a":[1,null,"ü"]}', { a: [1, null, "ü"] }],
    ["1", 1],
    [' "x" ', "x"],
    ["null", null],
    ["", undefined, "bad-json"],
    ["{", undefined, "bad-json"],
    ["{} {}", undefined, "bad-json"],
    ["<html>", undefined, "bad-json"],
    ["[[[[[[1]]]]]]", undefined, "json-too-deep"],
  ];
  let text = "";
  await using arena = new ClientArena(
    (client) =>
      client.respond(text, {
        headers: { "content-type": "text/x; charset=l1" },
      }),
    { client: { maxJsonDepth: 5 } },
  );
  for (const [body, value, code] of cases) {
    text = body;
    for (const stream of [false, true]) {
      const response = await arena.client.get("", { stream });
      if (code === undefined) assertEquals(await response.json(), value);
      else {
        const error = await assertRejects(() => response.json(), ResponseError);
        assertEquals(error.code, code);
        assertEquals(error.response, null);
      }
    }
  }
});

Deno.test("data stays where the body is in memory, whoever has read it", async () => {
  await using arena = new ClientArena((client) => client.respond([1]));
  const response = await arena.client.get();
  assertEquals(response.data.length, 3);
  assertEquals(await response.json(), [1]);
  assertEquals(response.data.length, 3);
});

// ---- Sizes ----------------------------------------------------------------

Deno.test("maxResponseLength bounds what is kept, however it comes", async () => {
  await using arena = new ClientArena(async (client) => {
    const length = Number(client.query.length);
    const body = "x".repeat(length);
    if (client.path === "/length") return await client.respond(body);
    await client.responseStream();
    for (let at = 0; at < length; at += 10) {
      client.sendChunk(body.slice(at, at + 10));
    }
    return await client.responseStreamEnd();
  }, { client: { maxResponseLength: 1000 } });
  const { client } = arena;
  for (const path of ["/length", "/chunks"]) {
    for (
      const [length, limit, isFine] of [
        [1000, undefined, true],
        [1001, undefined, false],
        [1001, 1001, true],
        [5, 4, false],
        [0, 0, true],
        [1, 0, false],
        [3_000, Infinity, true],
      ] as const
    ) {
      const request = client.get(path, {
        query: { length },
        maxResponseLength: limit,
      });
      if (isFine) assertEquals((await request).data.length, length);
      else {
        const error = await assertRejects(() => request, TooLargeError);
        assertEquals([error.limit, error.status], [limit ?? 1000, 502]);
      }
    }
    // A stream is not kept, and a HEAD brings nothing.
    const query = { length: 5000 };
    const stream = await client.get(path, { query, stream: true });
    assertEquals((await stream.readAll()).length, 5000);
    assertEquals((await client.head(path, { query })).status, 200);
  }
});

// ---- Compression ----------------------------------------------------------

const COMPRESSIBLE = "compress me, please. ".repeat(5000);

function packed(client: HttpConnection): Promise<boolean> {
  return client.respond(COMPRESSIBLE, {
    headers: { "content-type": "text/plain" },
  });
}

Deno.test("gzip, deflate and br are asked for, and unpacked", async () => {
  await using arena = new ClientArena(packed, { server: { compress: true } });
  for (const coding of [undefined, "gzip", "deflate", "br"]) {
    const headers: Record<string, string> = coding === undefined
      ? {}
      : { "accept-encoding": coding };
    const whole = await arena.client.get("", { headers });
    const used = whole.headers["content-encoding"];
    if (coding !== undefined && used !== undefined) assertEquals(used, coding);
    if (coding === undefined) assert(used !== undefined);
    assertEquals(await whole.text(), COMPRESSIBLE);
    if (used !== undefined) assert(whole.bytesReceived < 10_000);
    const stream = await arena.client.get("", { headers, stream: true });
    assertEquals(await stream.text(), COMPRESSIBLE);
    assertEquals(stream.bytesReceived > 0, true);
  }
  assertEquals(arena.client.stats.opened, 1);
});

Deno.test("decompress: false neither asks nor unpacks", async () => {
  await using arena = new ClientArena(packed, {
    server: { compress: true },
    client: { decompress: false },
  });
  const plain = await arena.client.get();
  assertEquals(plain.headers["content-encoding"], undefined);
  assertEquals(await plain.text(), COMPRESSIBLE);
  const headers = { "accept-encoding": "gzip" };
  for (const stream of [false, true]) {
    const response = await arena.client.get("", { headers, stream });
    assertEquals(response.headers["content-encoding"], "gzip");
    const bytes = await response.readAll();
    assertEquals([bytes[0], bytes[1]], [0x1f, 0x8b]);
    assertEquals(response.bytesReceived, bytes.length);
  }
});

Deno.test("Range is sent without Accept-Encoding, and HEAD is not unpacked", async () => {
  await using arena = new ClientArena((client) => {
    const accepted = client.headersGet("accept-encoding", "none");
    if (client.method === "HEAD") {
      return client.respond(null, { headers: { "content-encoding": "gzip" } });
    }
    return client.respond(accepted);
  });
  const { client } = arena;
  const headers = { range: "bytes=0-1" };
  assertEquals(await (await client.get("", { headers })).text(), "none");
  assertEquals(await (await client.get()).text(), "gzip, deflate, br");
  assertEquals((await client.head()).data.length, 0);
});

Deno.test("a body that is not what its coding says is refused", async () => {
  const gzip = new Uint8Array(
    await new Response(
      new Blob([COMPRESSIBLE]).stream().pipeThrough(
        new CompressionStream("gzip"),
      ),
    ).arrayBuffer(),
  );
  const broken = gzip.slice();
  broken[broken.length - 5] ^= 1; // its checksum
  const longer = new Uint8Array([...gzip, 1, 2, 3]);
  const cases: [name: string, bytes: Uint8Array<ArrayBuffer>][] = [
    ["cut", gzip.subarray(0, -1)],
    ["broken", broken],
    ["longer", longer],
    ["text", new TextEncoder().encode("not packed at all")],
  ];
  let body = gzip;
  await using arena = new ClientArena((client) =>
    client.respond(body, { headers: { "content-encoding": "gzip" } })
  );
  const { client } = arena;
  for (const [name, bytes] of cases) {
    body = bytes;
    const error = await assertRejects(
      () => client.get(),
      ResponseError,
      "",
      name,
    );
    assertEquals(error.code, "bad-content-coding");
    const stream = await client.get("", { stream: true });
    const same = await assertRejects(() => stream.readAll(), ResponseError);
    assertEquals(same.code, "bad-content-coding");
  }
  body = gzip;
  assertEquals((await client.get()).data.length, COMPRESSIBLE.length);
  // What comes out counts, not what goes in.
  await assertRejects(
    () => client.get("", { maxResponseLength: 50_000 }),
    TooLargeError,
  );
});

Deno.test("an unknown coding is left to the caller, and named where text is asked for", async () => {
  const coded = ok("zzz", "Content-Encoding: zip-a-dee\r\n");
  await using arena = answering(coded);
  for (const stream of [false, true]) {
    const get = () => arena.client.get("", { stream });
    assertEquals((await (await get()).readAll()).length, 3);
    for (
      const read of [
        (one: HttpResponse) => one.text(),
        (one: HttpResponse) => one.json(),
        (one: HttpResponse) => one.lines().next(),
        (one: HttpResponse) => one.ndjson().next(),
      ]
    ) {
      const response = await get();
      const error = await assertRejects(() => read(response), ResponseError);
      assertEquals(error.code, "unknown-content-coding");
    }
  }
  await using plain = answering(ok("", "Content-Encoding: zip-a-dee\r\n"));
  assertEquals(await (await plain.client.get()).text(), "");
});

Deno.test("parts() ends with the last delimiter, whether the body does or not", async () => {
  const type = "multipart/x-mixed-replace; boundary=b";
  const body = "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
  for (const isOpen of [false, true]) {
    await using arena = new ClientArena(async (client) => {
      await client.responseStream({ headers: { "content-type": type } });
      await client.sendChunk(body);
      if (!isOpen) await client.responseStreamEnd();
    });
    const response = await arena.client.get("", { stream: true });
    const seen: string[] = [];
    for await (const part of response.parts()) seen.push(await part.text());
    assertEquals(seen, ["one", "two"]);
    if (isOpen) {
      response.close();
      continue;
    }
    // Where the body ends, too, the connection goes on.
    (await arena.client.get("", { stream: true })).close();
    assertEquals(arena.client.stats.opened, 1);
  }
});

Deno.test("events() of what is no event stream says so at once", async () => {
  await using arena = new ClientArena((client) =>
    client.respond("<p>Not here</p>", { status: 404 })
  );
  for (const stream of [false, true]) {
    for (const reconnect of [false, true]) {
      const response = await arena.client.get("", { stream });
      const events = response.events({ reconnect });
      const error = await assertRejects(() => events.next(), ResponseError);
      assertEquals(error.code, "bad-event-stream");
    }
  }
});

// ---- A body that is read as it arrives ------------------------------------

/** Answers with three chunks of 1000 bytes, and a trailer in between. */
async function inChunks(client: HttpConnection): Promise<void> {
  await client.responseStream({ headers: { "content-type": "text/plain" } });
  for (const letter of "abc") await client.sendChunk(letter.repeat(1000));
  await client.responseStreamEnd();
}
const CHUNKS = "abc".replace(/./g, (letter) => letter.repeat(1000));

async function decoded(
  read: () => Promise<Uint8Array | null>,
): Promise<string> {
  let text = "";
  for (let piece; (piece = await read()) !== null;) {
    assertGreater(piece.length, 0);
    text += new TextDecoder().decode(piece);
  }
  return text;
}

const READERS: [
  name: string,
  read: (response: HttpResponse) => Promise<string>,
][] = [
  ["read()", (response) => decoded(() => response.read())],
  ["read(buffer)", async (response) => {
    const buffer = new Uint8Array(7);
    return await decoded(async () => {
      const piece = await response.read(buffer);
      if (piece !== null) {
        assert(piece.buffer === buffer.buffer && piece.length <= 7);
      }
      return piece;
    });
  }],
  ["read() of either kind", (response) => {
    const buffer = new Uint8Array(300);
    let turn = 0;
    return decoded(() => turn++ % 2 ? response.read() : response.read(buffer));
  }],
  [
    "readAll()",
    async (response) => new TextDecoder().decode(await response.readAll()),
  ],
  ["read() and readAll()", async (response) => {
    const first = await response.read(new Uint8Array(10));
    assertEquals(first!.length, 10);
    const rest = await response.readAll();
    assertEquals(rest.length, 2990);
    return new TextDecoder().decode(first!) + new TextDecoder().decode(rest);
  }],
  ["text()", (response) => response.text()],
  ["body", async (response) => {
    const { body } = response;
    assert(response.body === body);
    return await new Response(response.body).text();
  }],
  ["body into buffers", async (response) => {
    const reader = response.body.getReader({ mode: "byob" });
    let text = "";
    for (let buffer = new Uint8Array(11);;) {
      const { value, done } = await reader.read(buffer);
      if (done) return text;
      text += new TextDecoder().decode(value);
      buffer = new Uint8Array(value.buffer);
    }
  }],
  ["body, piece by piece", async (response) => {
    let text = "";
    for await (const piece of response.body) {
      text += new TextDecoder().decode(piece);
    }
    return text;
  }],
  ["saveTo()", async (response) => {
    const path = await Deno.makeTempFile();
    try {
      assertEquals(await response.saveTo(path), 3000);
      return await Deno.readTextFile(path);
    } finally {
      await Deno.remove(path);
    }
  }],
];

for (const [name, read] of READERS) {
  Deno.test(`${name} gives all of the body, arriving, packed or in memory`, async () => {
    await using arena = new ClientArena(inChunks, {
      server: { compress: { minLength: 0 } },
    });
    for (
      const options of [
        { stream: true },
        { stream: false },
        { stream: true, headers: { "accept-encoding": null } },
        { stream: false, headers: { "accept-encoding": null } },
      ]
    ) {
      const response = await arena.client.get("", options);
      assertEquals(await read(response), CHUNKS);
      assertGreater(response.bytesReceived, 0);
      await assertRejects(() => response.text(), TypeError, "read already");
    }
    assertEquals(arena.client.stats.opened, 1);
  });
}

Deno.test("data throws where the body is a stream", async () => {
  await using arena = new ClientArena((client) => client.respond("x"));
  const response = await arena.client.get("", { stream: true });
  assertThrows(() => response.data, TypeError, "stream");
  assertEquals(await response.text(), "x");
  assertThrows(() => response.data, TypeError, "stream");
});

Deno.test("read() refuses two at once, and a buffer without room", async () => {
  await using arena = new ClientArena((client, arena) => {
    client.responseStream();
    arena.hold(client);
  });
  const response = await arena.client.get("", { stream: true });
  await assertRejects(
    () => response.read(new Uint8Array(0)),
    TypeError,
    "no room",
  );
  const first = response.read();
  await assertRejects(() => response.read(), TypeError, "read already");
  const held = await arena.next();
  held.sendChunk("x");
  assertEquals(await first, new Uint8Array([0x78]));
  await held.responseStreamEnd();
  assertEquals(await response.read(), null);
});

Deno.test("pieces of read() are the caller's to keep", async () => {
  await using arena = new ClientArena(async (client) => {
    await client.responseStream();
    for (let i = 0; i < 50; i++) await client.sendChunk(`${i};`.repeat(100));
    await client.responseStreamEnd();
  });
  const response = await arena.client.get("", { stream: true });
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let piece; (piece = await response.read()) !== null;) pieces.push(piece);
  const expected = Array.from({ length: 50 }, (_, i) => `${i};`.repeat(100));
  assertEquals(await new Blob(pieces).text(), expected.join(""));
});

Deno.test("trailers are there once the body was read", async () => {
  const text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "3\r\nabc\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\n";
  await using arena = answering(text);
  const whole = await arena.client.get();
  assertEquals({ ...whole.trailers }, { "x-sum": "7, 8" });
  assertEquals(whole.headers["x-sum"], undefined);
  const stream = await arena.client.get("", { stream: true });
  assertEquals({ ...stream.trailers }, {});
  assertEquals(await stream.text(), "abc");
  assertEquals({ ...stream.trailers }, { "x-sum": "7, 8" });
  assertEquals(arena.count, 1);
});

Deno.test("trailers are there behind a packed body too", async () => {
  const gzip = new Uint8Array(
    await new Response(
      new Blob(["abc"]).stream().pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer(),
  );
  await using arena = new RawArena(async (peer, _, arena) => {
    for (;;) {
      await arena.ask(peer);
      await peer.send(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" +
          "Transfer-Encoding: chunked\r\n\r\n" +
          `${gzip.length.toString(16)}\r\n`,
      );
      await peer.send(gzip);
      await peer.send("\r\n0\r\nX-Sum: 7\r\n\r\n");
    }
  });
  for (const stream of [true, false, true]) {
    const response = await arena.client.get("", { stream });
    assertEquals(await response.text(), "abc");
    assertEquals({ ...response.trailers }, { "x-sum": "7" });
    assertEquals(response.bytesReceived, gzip.length);
  }
  assertEquals(arena.count, 1);
});

Deno.test("bytesReceived counts as they come", async () => {
  await using arena = new ClientArena((client, arena) => {
    client.responseStream({ headers: { "content-length": 6 } });
    arena.hold(client);
  });
  const response = await arena.client.get("", { stream: true });
  assertEquals([response.bytesReceived, response.contentLength], [0, 6]);
  const held = await arena.next();
  held.sendChunk("abc");
  await response.read();
  assertEquals(response.bytesReceived, 3);
  assertEquals(response.timing.total, 0);
  held.sendChunk("def");
  held.responseStreamEnd();
  assertEquals(await response.text(), "def");
  assertEquals(response.bytesReceived, 6);
  assertGreaterOrEqual(response.timing.total, response.timing.firstByte);
});

Deno.test("close() does without the rest, and what reads then is refused", async () => {
  const noise = crypto.getRandomValues(new Uint8Array(50_000));
  for (const isPacked of [false, true]) {
    await using arena = new ClientArena(async (client) => {
      await client.responseStream({
        headers: { "content-type": "text/plain" },
      });
      while (await client.sendChunk(noise));
    }, { server: { compress: isPacked } });
    const { client } = arena;
    const response = await client.get("", { stream: true });
    assertGreater((await response.read())!.length, 0);
    response.close();
    response.close();
    const error = await response.read().catch((error) => error);
    assertEquals(error.name, "AbortedError");
    await eventually(() => arena.server.stats.openConnections === 0);
    {
      using other = await client.get("", { stream: true });
      assertEquals(other.status, 200);
    }
    const third = await client.get("", { stream: true });
    await third.body.cancel();
    const fourth = await client.get("", { stream: true });
    for await (const _ of fourth.body) break;
    const fifth = await client.get("", { stream: true });
    const pending = fifth.readAll();
    fifth.request.abort();
    assertEquals((await pending.catch((error) => error)).name, "AbortedError");
    await eventually(() => arena.server.stats.openConnections === 0);
  }
});

Deno.test("a body that breaks off says how much had come", async () => {
  const text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.answer(peer, text);
    peer.close();
  });
  const { client } = arena;
  const error = await assertRejects(() => client.get(), ConnectionLostError);
  assertEquals([error.bytesReceived, error.status], [3, 502]);
  const stream = await client.get("", { stream: true });
  assertEquals(stream.status, 200);
  const later = await assertRejects(() => stream.text(), ConnectionLostError);
  assertEquals(later.bytesReceived, 3);
  await assertRejects(() => stream.read(), ConnectionLostError);

  const path = await Deno.makeTempFile();
  const file = await client.get("", { stream: true });
  await assertRejects(() => file.saveTo(path), ConnectionLostError);
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("saveTo() leaves the body alone when there is no file", async () => {
  await using arena = new ClientArena((client) => client.respond("abc"));
  const response = await arena.client.get("", { stream: true });
  await assertRejects(
    () => response.saveTo("/no/such/folder/file"),
    Deno.errors.NotFound,
  );
  assertEquals(await response.text(), "abc");
});

Deno.test("a response without a body is at its end at once", async () => {
  const texts = [
    "HTTP/1.1 204 No\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ok(),
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
  ];
  await using arena = new RawArena((peer, _, arena) =>
    arena.answer(peer, ...texts)
  );
  const { client } = arena;
  for (const method of ["GET", "HEAD", "GET", "GET", "HEAD"]) {
    const response = await client.request(method, "", { stream: true });
    assertInstanceOf(response.body, ReadableStream);
    assertEquals(await response.read(), null);
    assertEquals(await response.text(), "");
  }
  assertEquals(arena.count, 1);
});
