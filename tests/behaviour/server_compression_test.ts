import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type HttpConnection,
  HttpServer,
  type HttpServerOptions,
  type RespondOptions,
  type ResponseData,
} from "@uhttp/uhttp";
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateSync,
} from "node:zlib";
import { Arena, openFiles } from "../support/arena.ts";
import { MemoryScene } from "../support/memory_conn.ts";
import type { RawResponse } from "../support/raw_client.ts";

const TEXT = "Compress me, please, as often as you like. ".repeat(100);
const LARGE = "0123456789 abcdefghij\n".repeat(20_000);

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await Deno.writeTextFile(`${folder}/large.txt`, LARGE);
await Deno.writeTextFile(`${folder}/small.txt`, "small");
await Deno.writeTextFile(`${folder}/image.png`, LARGE);

function decode(coding: string | undefined, bytes: Uint8Array): string {
  switch (coding) {
    case "br":
      bytes = brotliDecompressSync(bytes);
      break;
    case "gzip":
      bytes = gunzipSync(bytes);
      break;
    case "deflate":
      bytes = inflateSync(bytes);
      break;
    default:
      assertEquals(coding, undefined);
  }
  return new TextDecoder().decode(bytes);
}

function get(accept: string | null, method = "GET", version = "1.1"): string {
  const field = accept === null ? "" : `Accept-Encoding: ${accept}\r\n`;
  return `${method} / HTTP/${version}\r\nHost: a\r\n${field}\r\n`;
}

const text = (length: number) => (client: HttpConnection) =>
  client.respond("x".repeat(length));

// ---- Whether, and how -------------------------------------------------------

interface Choice {
  accept: string | null;
  coding?: string;
  options?: HttpServerOptions["compress"];
}

const CHOICES: Choice[] = [
  { accept: null },
  { accept: "" },
  { accept: "br", coding: "br" },
  { accept: "gzip", coding: "gzip" },
  { accept: "deflate", coding: "deflate" },
  { accept: "x-gzip", coding: "gzip" },
  { accept: "GZIP", coding: "gzip" },
  { accept: "gzip, deflate, br, zstd", coding: "br" },
  { accept: "gzip;q=1.0, br;q=0.9", coding: "gzip" },
  { accept: "gzip;q=0.5, deflate;q=0.5", coding: "gzip" },
  { accept: "br;q=0, gzip;q=0.001", coding: "gzip" },
  { accept: "br;q=0" },
  { accept: "*", coding: "br" },
  { accept: "*;q=0.1, br;q=0", coding: "gzip" },
  { accept: "identity" },
  { accept: "identity, gzip;q=0.5" },
  { accept: "zstd" },
  { accept: "gzip;q=2, br;q=x" },
  { accept: "br", options: { encodings: ["gzip"] } },
  {
    accept: "br, gzip",
    coding: "gzip",
    options: { encodings: ["gzip", "br"] },
  },
  { accept: "br, gzip", options: { encodings: [] } },
  { accept: "br", options: false },
];

const SENDERS: Record<string, [(client: HttpConnection) => unknown, string]> = {
  "respond()": [(client) => client.respond(TEXT), TEXT],
  "respond() of a large text": [(client) => client.respond(LARGE), LARGE],
  "respond() of JSON": [
    (client) => client.respond({ TEXT }),
    JSON.stringify({ TEXT }),
  ],
  "respond() of a stream": [
    (client) =>
      client.respond(
        [TEXT, "", TEXT].values(),
        { headers: { "content-type": "text/plain" } },
      ),
    TEXT + TEXT,
  ],
  "responseStream()": [async (client) => {
    client.responseStream({ headers: { "content-type": "text/plain" } });
    for (const line of TEXT.split(".")) await client.sendChunk(line);
    await client.responseStreamEnd();
  }, TEXT.replaceAll(".", "")],
  "respondFile()": [
    (client) => client.respondFile("large.txt", { root: folder }),
    LARGE,
  ],
  "respondWith()": [(client) => client.respondWith(new Response(TEXT)), TEXT],
  "respondWith() of a stream": [
    (client) =>
      client.respondWith(
        new Response(
          ReadableStream.from((async function* () {
            yield TEXT;
            await new Promise((resolve) => setTimeout(resolve, 1));
            yield TEXT;
          })()).pipeThrough(new TextEncoderStream()),
          { headers: { "content-type": "text/plain" } },
        ),
      ),
    TEXT + TEXT,
  ],
};

function checkHead(head: RawResponse, coding: string | undefined): void {
  assertEquals(head.status, 200);
  assertEquals(head.headers["content-encoding"], coding);
  assert(
    (head.headers["content-length"] === undefined) !==
      (head.headers["transfer-encoding"] === undefined),
  );
}

for (const [name, [send, content]] of Object.entries(SENDERS)) {
  Deno.test(`${name} is compressed as the peer accepts it`, async (t) => {
    for (const { accept, coding, options = true } of CHOICES) {
      await t.step(`${accept} ${JSON.stringify(options)}`, async () => {
        await using scene = new MemoryScene(send, { compress: options });
        const peer = scene.connect();
        await peer.send(get(accept));
        const one = await peer.response();
        checkHead(one, coding);
        assertEquals(decode(coding, one.bytes), content);
        assertEquals(
          one.headers.vary,
          options === false ? undefined : "accept-encoding",
        );
        await peer.send(get(accept, "HEAD") + get(accept));
        const two = await peer.response(true);
        // A Response's body is not looked at for HEAD, so no length is known.
        const framing = name.startsWith("respondWith")
          ? { "content-length": "", "transfer-encoding": "" }
          : {};
        const ignored = { date: "", ...framing };
        assertEquals(
          { ...two.headers, ...ignored },
          { ...one.headers, ...ignored },
        );
        assertEquals((await peer.response()).status, 200);
      });
    }
  });

  Deno.test(`${name} is compressed for HTTP/1.0 too`, async () => {
    await using scene = new MemoryScene(send, { compress: true });
    const peer = scene.connect();
    await peer.send(get("gzip", "GET", "1.0"));
    const { headers, bytes } = await peer.response();
    assertEquals(headers["transfer-encoding"], undefined);
    assertEquals(headers["content-encoding"], "gzip");
    assertEquals(decode("gzip", bytes), content);
  });
}

// ---- What is left alone -----------------------------------------------------

interface Left {
  name: string;
  data: ResponseData;
  options?: RespondOptions;
  compress?: HttpServerOptions["compress"];
  isCompressed?: boolean;
  vary?: string;
}

const LEFT: Left[] = [
  { name: "1023 bytes", data: "x".repeat(1023) },
  { name: "1024 bytes", data: "x".repeat(1024), isCompressed: true },
  { name: "1024 bytes of UTF-8", data: "é".repeat(512), isCompressed: true },
  {
    name: "a byte, with minLength 1",
    data: "x",
    compress: { minLength: 1 },
    isCompressed: true,
  },
  { name: "nothing, with minLength 0", data: "", compress: { minLength: 0 } },
  { name: "a lot of bytes", data: new Uint8Array(5000) },
  {
    name: "an image",
    data: TEXT,
    options: { headers: { "content-type": "image/png" } },
  },
  {
    name: "a drawing",
    data: TEXT,
    options: { headers: { "content-type": "image/svg+xml" } },
    isCompressed: true,
  },
  {
    name: "what is coded already",
    data: TEXT,
    options: { headers: { "content-encoding": "x" } },
  },
  {
    name: "what nobody may transform",
    data: TEXT,
    options: { headers: { "cache-control": "public, No-Transform" } },
  },
  {
    name: "a part",
    data: TEXT,
    options: { status: 206, headers: { "content-range": "bytes 0-1/2" } },
  },
  {
    name: "a stream with a length",
    data: [TEXT].values(),
    options: {
      headers: {
        "content-type": "text/plain",
        "content-length": String(TEXT.length),
      },
    },
  },
  {
    name: "a stream of octets",
    data: [TEXT].values(),
  },
  {
    name: "an error",
    data: TEXT,
    options: { status: 404 },
    isCompressed: true,
  },
  {
    name: "what varies already",
    data: TEXT,
    options: { headers: { vary: "Origin" } },
    isCompressed: true,
    vary: "Origin, accept-encoding",
  },
  {
    name: "what varies by this already",
    data: TEXT,
    options: { headers: { vary: "Accept-Encoding, Origin" } },
    isCompressed: true,
    vary: "Accept-Encoding, Origin",
  },
  {
    name: "what varies by everything",
    data: TEXT,
    options: { headers: { vary: "*" } },
    isCompressed: true,
    vary: "*",
  },
  {
    name: "what varies in two lines",
    data: TEXT,
    options: { headers: { vary: ["Origin", "Cookie"] } },
    isCompressed: true,
  },
];

Deno.test("Answers that would not gain are left as they are", async (t) => {
  for (const row of LEFT) {
    await t.step(row.name, async () => {
      await using scene = new MemoryScene(
        (client) => client.respond(row.data, row.options),
        { compress: row.compress ?? true },
      );
      const peer = scene.connect();
      await peer.send(get("gzip"));
      const { headers, bytes } = await peer.response();
      const coding = headers["content-encoding"];
      const given = (row.options?.headers as Record<string, string>)
        ?.["content-encoding"];
      assertEquals(coding, row.isCompressed ? "gzip" : given);
      if (row.isCompressed) decode("gzip", bytes);
      if (row.vary !== undefined) assertEquals(headers.vary, row.vary);
    });
  }
});

Deno.test("HEAD of a small Response claims no coding that GET has not", async () => {
  await using scene = new MemoryScene(
    (client) => client.respondWith(new Response("small")),
    { compress: true },
  );
  const peer = scene.connect();
  await peer.send(get("gzip"));
  const one = await peer.response();
  await peer.send(get("gzip", "HEAD"));
  const two = await peer.response(true);
  assertEquals(
    two.headers["content-encoding"],
    one.headers["content-encoding"],
  );
});

Deno.test("Statuses without a body are never compressed", async () => {
  for (const status of [204, 205, 304]) {
    await using scene = new MemoryScene(
      (client) => client.respond(TEXT, { status }),
      { compress: true },
    );
    const peer = scene.connect();
    await peer.send(get("gzip"));
    const head = await peer.until("\r\n\r\n");
    assert(!/content-encoding/.test(head), head);
    assertEquals(peer.pending, "");
  }
});

Deno.test("A strong ETag is weakened where the bytes are others", async (t) => {
  const rows: [etag: string, accept: string | null, expected: string][] = [
    ['"a"', "gzip", 'W/"a"'],
    ['W/"a"', "gzip", 'W/"a"'],
    ['"a"', null, '"a"'],
  ];
  for (const [etag, accept, expected] of rows) {
    await t.step(`${etag} ${accept}`, async () => {
      await using scene = new MemoryScene(
        (client) => client.respond(TEXT, { headers: { ETag: etag } }),
        { compress: true },
      );
      const peer = scene.connect();
      await peer.send(get(accept));
      assertEquals((await peer.response()).headers.etag, expected);
    });
  }
});

Deno.test("respondFile() keeps its conditions and ranges when it compresses", async () => {
  await using scene = new MemoryScene(
    (client) => client.respondFile(client.path.slice(1), { root: folder }),
    { compress: true },
  );
  const peer = scene.connect();
  const ask = async (path: string, fields: string) => {
    await peer.send(
      `GET /${path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n` +
        `${fields}\r\n`,
    );
    return await peer.response();
  };
  const { headers } = await ask("large.txt", "");
  assert(headers.etag.startsWith('W/"'), headers.etag);
  assertEquals(headers["content-encoding"], "gzip");
  const again = await ask("large.txt", `If-None-Match: ${headers.etag}\r\n`);
  assertEquals(again.status, 304);
  // As the 200 would have said (RFC 9110 section 15.4.5).
  assertEquals(again.headers.etag, headers.etag);
  assertEquals(again.headers.vary, headers.vary);
  const part = await ask("large.txt", "Range: bytes=0-9\r\n");
  assertEquals([part.status, part.body], [206, "0123456789"]);
  assertEquals(part.headers["content-encoding"], undefined);
  assertEquals(part.headers.vary, headers.vary);
  assertEquals(`W/${part.headers.etag}`, headers.etag);
  const picture = await ask("image.png", "Range: bytes=0-9\r\n");
  assertEquals([picture.status, picture.headers.vary], [206, undefined]);
  const small = await ask("small.txt", "");
  assertEquals(small.body, "small");
  const image = await ask("image.png", "");
  assertEquals(image.headers["content-encoding"], undefined);
  assertEquals(image.body.length, LARGE.length);
});

// ---- Streams ----------------------------------------------------------------

for (const coding of ["br", "gzip", "deflate"]) {
  Deno.test(`Events compressed by ${coding} can be read one by one`, async () => {
    const isRead = Array.from(
      { length: 5 },
      () => Promise.withResolvers<void>(),
    );
    await using scene = new MemoryScene(async (client) => {
      client.responseEvents();
      for (let i = 0; i < 5; i++) {
        await client.sendEvent({ data: `event ${i} ${"x".repeat(i * 100)}` });
        await isRead[i].promise;
      }
      await client.responseStreamEnd();
    }, { compress: true });
    const peer = scene.connect();
    await peer.send(get(coding));
    const head = await peer.until("\r\n\r\n");
    assert(head.includes(`content-encoding: ${coding}\r\n`), head);
    let coded = new Uint8Array(0);
    for (let i = 0; i < 5; i++) {
      for (;;) {
        const size = parseInt(await peer.until("\r\n"), 16);
        const chunk = await peer.bytes(size);
        await peer.bytes(2);
        const joined = new Uint8Array(coded.length + size);
        joined.set(coded);
        joined.set(chunk, coded.length);
        coded = joined;
        const finishFlush = constants.Z_SYNC_FLUSH;
        const plain = coding === "br"
          ? brotliDecompressSync(coded, {
            finishFlush: constants.BROTLI_OPERATION_FLUSH,
          })
          : coding === "gzip"
          ? gunzipSync(coded, { finishFlush })
          : inflateSync(coded, { finishFlush });
        const text = new TextDecoder().decode(plain);
        if (text.includes(`event ${i}`) && text.endsWith("\n\n")) break;
      }
      isRead[i].resolve();
    }
    for (const chunk of await peer.chunks()) {
      const joined = new Uint8Array(coded.length + chunk.length);
      joined.set(coded);
      joined.set(chunk, coded.length);
      coded = joined;
    }
    assertEquals(decode(coding, coded).match(/event \d/g)?.length, 5);
  });

  Deno.test(`Chunks compressed by ${coding} keep their order unwaited`, async () => {
    const buffer = new Uint8Array(100);
    await using scene = new MemoryScene((client) => {
      client.responseStream({ headers: { "content-type": "text/plain" } });
      for (let i = 0; i < 100; i++) {
        client.sendChunk(buffer.fill(65 + i % 26));
      }
      buffer.fill(0);
      return client.responseStreamEnd();
    }, { compress: true });
    const peer = scene.connect();
    await peer.send(get(coding) + get(coding));
    for (let i = 0; i < 2; i++) {
      const { bytes } = await peer.response();
      assertEquals(
        decode(coding, bytes),
        Array.from(
          { length: 100 },
          (_, i) => String.fromCharCode(65 + i % 26).repeat(100),
        ).join(""),
      );
    }
  });
}

Deno.test("An empty compressed stream can be decoded", async () => {
  for (const coding of ["br", "gzip", "deflate"]) {
    await using scene = new MemoryScene(
      (client) =>
        client.respond([].values(), { headers: { "content-type": "text/a" } }),
      { compress: true },
    );
    const peer = scene.connect();
    await peer.send(get(coding));
    const { headers, bytes } = await peer.response();
    assertEquals(decode(headers["content-encoding"], bytes), "");
  }
});

Deno.test("A compressed stream breaks off where its source fails", async () => {
  await using scene = new MemoryScene(async (client) => {
    assertEquals(
      await client.respond(
        (function* () {
          yield TEXT;
          throw new Error("secret");
        })(),
        { headers: { "content-type": "text/plain" } },
      ),
      false,
    );
  }, { compress: true });
  const peer = scene.connect();
  await peer.send(get("gzip"));
  const rest = await peer.rest();
  assert(!rest.endsWith("0\r\n\r\n"));
});

Deno.test("A peer that goes in a compressed answer leaves nothing", async (t) => {
  const noise = () => {
    const bytes = new Uint8Array(60_000);
    return crypto.getRandomValues(bytes);
  };
  const options = { headers: { "content-type": "text/plain" } };
  const rows: Record<string, (client: HttpConnection) => Promise<unknown>> = {
    "by hand": async (client) => {
      client.responseStream(options);
      while (await client.sendChunk(noise()));
      assertEquals(await client.sendChunk("x"), false);
      return client.responseStreamEnd();
    },
    "of a stream": (client) =>
      client.respond(
        (function* () {
          for (;;) yield noise();
        })(),
        options,
      ),
    "of a file": (client) => client.respondFile(`${folder}/noise.txt`),
    "at once": (client) => {
      const bytes = new Uint8Array(4_000_000);
      for (let at = 0; at < bytes.length; at += 60_000) {
        bytes.set(noise().subarray(0, bytes.length - at), at);
      }
      return client.respond(bytes, options);
    },
  };
  await Deno.writeFile(
    `${folder}/noise.txt`,
    ReadableStream.from((function* () {
      for (let i = 0; i < 100; i++) yield noise();
    })()),
  );
  for (const [name, answer] of Object.entries(rows)) {
    for (const coding of ["br", "gzip"]) {
      await t.step(`${name}, ${coding}`, async () => {
        await using arena = new Arena(
          (client) =>
            client.path === "/" ? client.respond("ok") : answer(client),
          {
            compress: true,
          },
        );
        const peer = await arena.connect();
        await peer.send(get(coding).replace("/", "/x"));
        await peer.until("\r\n\r\n");
        await peer.bytes(10_000);
        peer.close();
        await arena.until(() => arena.unsettled === 0);
        await arena.until(() => arena.server.stats.openConnections === 0);
        assertEquals(openFiles((path) => path.startsWith(folder)), []);
        await arena.serves();
      });
    }
  }
});

// ---- Options ----------------------------------------------------------------

Deno.test("HttpServer refuses a compress option that is none", () => {
  for (
    const compress of [
      "gzip",
      7,
      null,
      { minLength: "1" },
      { minLength: -1 },
      { minLength: NaN },
      { encodings: "gzip" },
      { encodings: ["zstd"] },
    ]
  ) {
    assertThrows(
      () =>
        new HttpServer({
          port: 0,
          compress: compress as unknown as boolean,
        }).close(),
      TypeError,
      "compress",
    );
  }
});

Deno.test("An answer is compressed on each of several requests", async () => {
  await using scene = new MemoryScene(text(2000), { compress: true });
  const peer = scene.connect();
  await peer.send(get("gzip") + get(null) + get("br") + get("gzip;q=0"));
  for (const coding of ["gzip", undefined, "br", undefined]) {
    const { headers, bytes } = await peer.response();
    assertEquals(headers["content-encoding"], coding);
    assertEquals(decode(coding, bytes), "x".repeat(2000));
  }
});

Deno.test("sendChunk() that is compressed to nothing lets others have their turn", async () => {
  let chunks = 0;
  let isOver = false;
  await using scene = new MemoryScene(async (client) => {
    await client.responseStream({ headers: { "content-type": "text/plain" } });
    const timer = setTimeout(() => isOver = true, 0);
    // Without a turn the timer would never fire.
    while (!isOver && chunks < 2000) {
      chunks++;
      await client.sendChunk("x".repeat(10_000));
    }
    clearTimeout(timer);
    client.responseStreamEnd();
  }, { compress: true });
  const peer = scene.connect();
  await peer.send(get("gzip"));
  await peer.response();
  assert(isOver, `${chunks} chunks and no turn`);
});
