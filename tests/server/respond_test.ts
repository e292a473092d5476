import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type HttpConnection,
  type RespondOptions,
  type ResponseData,
  STATUS_CODES,
} from "@uhttp/uhttp";
import { MemoryScene } from "../support/memory_conn.ts";
import { Scene } from "../support/serving.ts";

const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json";
const OCTETS = "application/octet-stream";
const bytes = new TextEncoder().encode("raw\0bytes");

interface Row {
  name: string;
  data?: ResponseData;
  options?: RespondOptions;
  status?: number;
  type?: string;
  body: string;
  headers?: Record<string, string>;
}

const ROWS: Row[] = [
  { name: "nothing", body: "" },
  { name: "null", data: null, body: "" },
  { name: "a string", data: "<p>hi</p>", type: HTML, body: "<p>hi</p>" },
  { name: "an empty string", data: "", type: HTML, body: "" },
  {
    name: "text beyond ASCII",
    data: "žluťoučký 🐎",
    type: HTML,
    body: "žluťoučký 🐎",
  },
  {
    name: "text whose length in bytes has more digits",
    data: "é".repeat(60),
    type: HTML,
    body: "é".repeat(60),
  },
  {
    name: "long text",
    data: "x".repeat(50_000),
    type: HTML,
    body: "x".repeat(50_000),
  },
  {
    name: "long text beyond ASCII",
    data: "ř".repeat(9_000),
    type: HTML,
    body: "ř".repeat(9_000),
  },
  {
    name: "an object",
    data: { a: [1, null, "ž"] },
    type: JSON_TYPE,
    body: '{"a":[1,null,"ž"]}',
  },
  { name: "an array", data: [], type: JSON_TYPE, body: "[]" },
  { name: "zero", data: 0, type: JSON_TYPE, body: "0" },
  { name: "a number", data: 1.5, type: JSON_TYPE, body: "1.5" },
  { name: "false", data: false, type: JSON_TYPE, body: "false" },
  { name: "true", data: true, type: JSON_TYPE, body: "true" },
  {
    name: "a date by its toJSON",
    data: new Date(0),
    type: JSON_TYPE,
    body: '"1970-01-01T00:00:00.000Z"',
  },
  { name: "bytes", data: bytes, type: OCTETS, body: "raw\0bytes" },
  { name: "no bytes", data: new Uint8Array(0), type: OCTETS, body: "" },
  {
    name: "an ArrayBuffer",
    data: bytes.slice().buffer,
    type: OCTETS,
    body: "raw\0bytes",
  },
  {
    name: "a DataView",
    data: new DataView(bytes.buffer, 4, 5),
    type: OCTETS,
    body: "bytes",
  },
  {
    name: "many bytes",
    data: new Uint8Array(300_000).fill(65),
    type: OCTETS,
    body: "A".repeat(300_000),
  },
  { name: "a Blob", data: new Blob(["blob"]), type: OCTETS, body: "blob" },
  {
    name: "a Blob with a type",
    data: new Blob(["x"], { type: "image/png" }),
    type: "image/png",
    body: "x",
  },
  { name: "an empty Blob", data: new Blob([]), type: OCTETS, body: "" },
  {
    name: "a large Blob",
    data: new Blob(["b".repeat(400_000)]),
    type: OCTETS,
    body: "b".repeat(400_000),
  },
  {
    name: "a status",
    data: "no",
    options: { status: 404 },
    status: 404,
    type: HTML,
    body: "no",
  },
  {
    name: "a status for JSON",
    data: { e: 1 },
    options: { status: 500 },
    status: 500,
    type: JSON_TYPE,
    body: '{"e":1}',
  },
  {
    name: "a type of its own",
    data: "a,b",
    options: { headers: { "Content-Type": "text/csv" } },
    type: "text/csv",
    body: "a,b",
  },
  {
    name: "several values of a field",
    data: "x",
    options: { headers: { "X-A": ["1", "2"], "X-N": 7 } },
    type: HTML,
    body: "x",
    headers: { "x-a": "1\n2", "x-n": "7" },
  },
  {
    name: "fields from a Headers object",
    data: "x",
    options: { headers: new Headers([["x-a", "1"]]) },
    type: HTML,
    body: "x",
    headers: { "x-a": "1" },
  },
  {
    name: "a field beyond ASCII, as Latin-1",
    data: "x",
    options: { headers: { "x-name": "J\xfcrgen" } },
    type: HTML,
    body: "x",
  },
  {
    name: "a date of its own",
    data: "x",
    options: { headers: { date: "Thu, 01 Jan 1970 00:00:00 GMT" } },
    type: HTML,
    body: "x",
    headers: { date: "Thu, 01 Jan 1970 00:00:00 GMT" },
  },
  {
    name: "cookies",
    data: "x",
    options: {
      cookies: {
        a: "1",
        b: null,
        c: {
          value: "3",
          path: "/",
          maxAge: 60,
          httpOnly: true,
          sameSite: "Lax",
        },
      },
    },
    type: HTML,
    body: "x",
    headers: {
      "set-cookie":
        "a=1\nb=; Max-Age=0\nc=3; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
    },
  },
];

for (const row of ROWS) {
  Deno.test(`respond() sends ${row.name}`, async () => {
    await using scene = new Scene((client) =>
      client.respond(row.data, row.options)
    );
    const peer = await scene.connect();
    for (const method of ["GET", "HEAD", "GET"]) {
      await peer.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      const response = await peer.response(method === "HEAD");
      assertEquals(response.status, row.status ?? 200);
      assertEquals(response.headers["content-type"], row.type);
      const length = new TextEncoder().encode(row.body).length;
      assertEquals(response.headers["content-length"], String(length));
      assertEquals(response.headers.connection, "keep-alive");
      assertEquals(response.body, method === "HEAD" ? "" : row.body);
      assert(Math.abs(Date.parse(response.headers.date) - Date.now()) < 1e13);
      for (const [name, value] of Object.entries(row.headers ?? {})) {
        assertEquals(response.headers[name], value);
      }
    }
  });
}

Deno.test("respond() knows every registered status, and takes a phrase", async () => {
  const statuses = Object.keys(STATUS_CODES).map(Number).filter((s) =>
    s >= 200
  );
  await using scene = new Scene((client) =>
    client.query.phrase
      ? client.respond("x", { status: 299, statusMessage: "Mostly Fine" })
      : client.respond("body", { status: Number(client.query.status) })
  );
  const peer = await scene.connect();
  for (const status of [...statuses, 299, 599]) {
    await peer.send(`GET /?status=${status} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const response = await peer.response();
    assertEquals(response.status, status);
    assertEquals(response.statusMessage, STATUS_CODES[status] ?? "");
    const hasBody = ![204, 205, 304].includes(status);
    assertEquals(response.body, hasBody ? "body" : "");
    const length = status === 205 ? "0" : hasBody ? "4" : undefined;
    assertEquals(response.headers["content-length"], length);
  }
  await peer.send("GET /?phrase=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals((await peer.response()).statusMessage, "Mostly Fine");
});

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

// deno-lint-ignore no-explicit-any -- misuse is what these are for
const MISUSES: [string, any, any, typeof TypeError | typeof RangeError][] = [
  ["CR LF in a value", "x", { headers: { a: "1\r\nb: 2" } }, TypeError],
  ["LF in a name", "x", { headers: { "a\nb": "1" } }, TypeError],
  ["an empty name", "x", { headers: { "": "1" } }, TypeError],
  ["NUL in a value", "x", { headers: { a: "\0" } }, TypeError],
  ["a value beyond Latin-1", "x", { headers: { a: "ž" } }, TypeError],
  ["a value that is no string", "x", { headers: { a: {} } }, TypeError],
  ["a wrong length", "x", { headers: { "content-length": "2" } }, TypeError],
  ["a wrong length of a Blob", new Blob(["x"]), {
    headers: { "content-length": 9 },
  }, TypeError],
  [
    "Transfer-Encoding",
    "x",
    { headers: { "Transfer-Encoding": "chunked" } },
    TypeError,
  ],
  ["CR in a phrase", "x", { statusMessage: "a\rb" }, TypeError],
  [
    "a cookie with a semicolon",
    "x",
    { cookies: { a: "1; Domain=b" } },
    TypeError,
  ],
  ["a cookie's bad name", "x", { cookies: { "a b": "1" } }, TypeError],
  ["status 0", "x", { status: 0 }, RangeError],
  ["status 100", "x", { status: 100 }, RangeError],
  ["status 600", "x", { status: 600 }, RangeError],
  ["status NaN", undefined, { status: NaN }, RangeError],
  ["status 200.5", { a: 1 }, { status: 200.5 }, RangeError],
  ["a cyclic object", cyclic, undefined, TypeError],
  ["a BigInt", 1n, undefined, TypeError],
  ["a function", () => 1, undefined, TypeError],
  ["a symbol", Symbol("x"), undefined, TypeError],
];

Deno.test("respond() throws on misuse, sends nothing, and can be called again", async () => {
  await using scene = new Scene((client) => {
    const [name, data, options, type] = MISUSES[Number(client.query.row)];
    assertThrows(() => client.respond(data, options), type, undefined, name);
    client.respond("recovered");
  });
  const peer = await scene.connect();
  for (let row = 0; row < MISUSES.length; row++) {
    await peer.send(`GET /?row=${row} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assertEquals((await peer.response()).body, "recovered");
  }
});

Deno.test("respond() throws when the request is answered already", async () => {
  const answers: ((client: HttpConnection) => unknown)[] = [
    (client) => client.respond("again"),
    (client) => client.respond("again", { status: 404 }),
    (client) => client.respondRedirect("/"),
    (client) => client.respondFile("/dev/null"),
    (client) => client.responseMultipart(),
  ];
  await using scene = new Scene((client) => {
    client.respond("once");
    for (const answer of answers) {
      assertThrows(() => answer(client), TypeError, "already answered");
    }
  });
  const peer = await scene.connect();
  for (let i = 0; i < 3; i++) {
    await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertEquals((await peer.response()).body, "once");
  }
});

Deno.test("respond() resolves to whether the bytes were taken", async () => {
  const held = Promise.withResolvers<HttpConnection>();
  const results: boolean[] = [];
  await using scene = new Scene(async (client) => {
    if (client.path === "/hold") held.resolve(client);
    else results.push(await client.respond("ok"));
  });
  const peer = await scene.connect();
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await peer.response();
  assertEquals(results, [true]);
  await peer.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  const client = await held.promise;
  const gone = new Promise((resolve) =>
    client.signal.addEventListener("abort", resolve)
  );
  await scene.server.close();
  await gone;
  assertEquals(await client.respond("late"), false);
});

Deno.test("respondRedirect() sends a location that holds no bad characters", async () => {
  const rows: [string, string][] = [
    ["/next", "/next"],
    [
      "https://a.example/x?y=1&z=%20#part",
      "https://a.example/x?y=1&z=%20#part",
    ],
    ['/ž a"<>', "/%C5%BE%20a%22%3C%3E"],
    ["/\ud800", "/%EF%BF%BD"],
  ];
  await using scene = new Scene((client) => {
    assertThrows(() => client.respondRedirect("/\r\nx: y"), TypeError);
    assertThrows(
      () => client.respondRedirect("/", { status: 200 }),
      RangeError,
    );
    const [url] = rows[Number(client.query.row)];
    client.respondRedirect(url, { status: 307, cookies: { a: "1" } });
  });
  const peer = await scene.connect();
  for (let row = 0; row < rows.length; row++) {
    await peer.send(`GET /?row=${row} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const response = await peer.response();
    assertEquals(response.status, 307);
    assertEquals(response.headers.location, rows[row][1]);
    assertEquals(response.headers["set-cookie"], "a=1");
    assertEquals(response.headers["content-length"], "0");
  }
});

Deno.test("respond() with Connection: close closes behind the answer", async () => {
  await using scene = new Scene((client) =>
    client.respond("bye", { headers: { Connection: "close" } })
  );
  const peer = await scene.connect();
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const response = await peer.response();
  assertEquals(response.headers.connection, "close");
  assertEquals(await peer.rest(), "");
});

/** Fields that are sent in short, and others, with or without a type. */
const FIELDS: Record<string, string | number | string[]>[] = [
  { "x-a": "1" },
  { "X-A": "1", "X-B": "é" },
  { "X-A": "1", "x-a": "2" },
  { "x-a": ["1", "2"] },
  { "x-a": 7 },
  { "x-a": "" },
  { "x-long": "x".repeat(3000) },
  { "Content-Type": "a/b" },
  { "content-type": "a/b", "x-a": "1" },
  { "content-type": "a/b", "Content-Type": "c/d" },
  { "date": "Thu, 01 Jan 1970 00:00:00 GMT" },
  { "connection": "close" },
  { "content-length": "3" },
  { "__proto__x": "1", "constructor": "2", "toString": "3" },
];

for (const fields of FIELDS) {
  const name = JSON.stringify(fields).slice(0, 60);
  Deno.test(`respond() sends fields the same, however they are given: ${name}`, async () => {
    // A dictionary without a prototype is not sent in short.
    const dictionary = Object.assign(Object.create(null), fields);
    const bodies: Record<string, string> = { text: "abc", json: "[1]", é: "é" };
    for (const [what, data] of Object.entries(bodies)) {
      for (const status of [200, 404]) {
        const seen: unknown[] = [];
        for (const headers of [{ ...fields }, dictionary]) {
          await using scene = new Scene((client) =>
            client.respond(what === "json" ? JSON.parse(data) : data, {
              status,
              headers: "content-length" in headers
                ? { ...headers, "content-length": String(lengthOf(data)) }
                : headers,
            })
          );
          const peer = await scene.connect();
          await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
          const { status: got, headers: all, body } = await peer.response();
          if (!("date" in fields)) delete all.date;
          seen.push([got, body, Object.entries(all).sort()]);
        }
        assertEquals(seen[0], seen[1]);
      }
    }
  });
}

function lengthOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

Deno.test("respond() refuses fields that cannot be sent, in each letter case", async () => {
  const bad: Record<string, string>[] = [
    { "x-a": "a\r\nb: c" },
    { "x-a": "a\0" },
    { "x-a": "€" },
    { "x a": "1" },
    { "": "1" },
    { "Content-Type": "a/b\r\nx: y" },
    { "Transfer-Encoding": "chunked" },
    { "x-a": undefined as unknown as string },
  ];
  const thrown: boolean[] = [];
  await using scene = new Scene((client) => {
    for (const headers of bad) {
      assertThrows(() => client.respond("x", { headers }), TypeError);
      thrown.push(true);
    }
    return client.respond("ok");
  });
  const peer = await scene.connect();
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals((await peer.response()).body, "ok");
  assertEquals(thrown.length, bad.length);
});

/** What cannot be sent as what it is, and words of what is said. */
const NO_ANSWER: [data: unknown, words: string][] = [
  [new Map([["a", "b"]]), "Map as JSON: make an object"],
  [new Headers(), "Headers as JSON: make an object"],
  [new Set(["a"]), "Set as JSON: make an array"],
  [new Response("a"), "Response as JSON: answer with it by respondWith()"],
  [Promise.resolve("a"), "Promise as JSON: wait"],
  [new Error("a"), "Error as JSON: send its message"],
  [() => "a", "function as JSON"],
];

for (const [data, words] of NO_ANSWER) {
  Deno.test(`respond() says what is wrong with a ${words}, and can answer then`, async () => {
    await using scene = new MemoryScene((client) => {
      assertThrows(() => client.respond(data as object), TypeError, words);
      assertEquals([client.status, client.isAnswered], [null, false]);
      client.respond("ok");
    });
    const peer = scene.connect();
    await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertEquals((await peer.response()).body, "ok");
  });
}

Deno.test("respond() sends FormData as a form in parts, with its files", async () => {
  const form = new FormData();
  form.append("name", "Ada é");
  form.append("file", new File(["x".repeat(100_000)], "a.txt"));
  await using scene = new Scene((client) => client.respond(form));
  for (const method of ["GET", "HEAD", "GET"]) {
    const response = await fetch(scene.server.url, { method });
    const type = response.headers.get("content-type")!;
    assert(type.startsWith("multipart/form-data; boundary="), type);
    const length = Number(response.headers.get("content-length"));
    assert(length > 100_000, `${length} bytes`);
    if (method === "HEAD") {
      assertEquals(await response.text(), "");
      continue;
    }
    const again = await response.formData();
    assertEquals(again.get("name"), "Ada é");
    const file = again.get("file") as File;
    assertEquals([file.name, file.size], ["a.txt", 100_000]);
  }
});

Deno.test("respond() sends URLSearchParams as a form", async () => {
  await using scene = new MemoryScene((client) => {
    client.respond(new URLSearchParams({ a: "b c", d: "é" }));
  });
  const peer = scene.connect();
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { headers, body } = await peer.response();
  assertEquals(headers["content-type"], "application/x-www-form-urlencoded");
  assertEquals(body, "a=b+c&d=%C3%A9");
});
