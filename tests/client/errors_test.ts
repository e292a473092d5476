import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  AbortedError,
  ClientError,
  ConnectError,
  ConnectionLostError,
  HttpClient,
  type HttpClientOptions,
  HttpError,
  ProtocolError,
  ResponseError,
  TimeoutError,
  TlsError,
  TooLargeError,
} from "../../client.ts";
import { isPassing } from "../../client/errors.ts";
import { ok, RawArena } from "../support/client_arenas.ts";
import { Timers } from "../support/timers.ts";

const context = { method: "GET", url: "http://a/b", cause: new Error("Why") };

Deno.test("each error of a client has its class, status, name and place", () => {
  const fault = new ProtocolError("bad-status", 7);
  const cases: [
    ClientError,
    name: string,
    status: number | undefined,
    text: string,
  ][] = [
    [
      new ConnectError("no", context),
      "ConnectError",
      502,
      "Cannot connect to http://a/b: no",
    ],
    [
      new TlsError("no", context),
      "TlsError",
      502,
      "Cannot secure the connection to http://a/b: no",
    ],
    [
      new TimeoutError("headers", 5, context),
      "TimeoutError",
      504,
      "GET http://a/b took longer than 5 ms for the head of the response",
    ],
    [
      new ResponseError(fault, context),
      "ResponseError",
      502,
      `Response to GET http://a/b cannot be used: ${fault.message}`,
    ],
    [
      new ConnectionLostError(3, context),
      "ConnectionLostError",
      502,
      "Connection was lost before the end of the response to GET http://a/b",
    ],
    [
      new TooLargeError(9, context),
      "TooLargeError",
      502,
      "Response to GET http://a/b is larger than 9 bytes",
    ],
    [
      new AbortedError(context),
      "AbortedError",
      undefined,
      "GET http://a/b was aborted",
    ],
  ];
  for (const [error, name, status, text] of cases) {
    assertInstanceOf(error, HttpError);
    assert(error instanceof ClientError);
    assertEquals([error.name, error.status], [name, status]);
    assertEquals([error.method, error.url], ["GET", "http://a/b"]);
    assertEquals((error.cause as Error).message, "Why");
    assertEquals(error.message, text);
    assert(!error.message.endsWith("."));
  }
  const passing = cases.filter(([error]) => isPassing(error));
  assertEquals(passing.map(([, name]) => name), [
    "ConnectError",
    "TimeoutError",
    "ConnectionLostError",
  ]);
  const bare = new AbortedError({});
  assertEquals([bare.method, bare.url, bare.cause], ["", "", undefined]);
  const own = new ResponseError(fault, { method: "GET", url: "u" });
  assertEquals([own.code, own.offset, own.response], ["bad-status", 7, null]);
  assert(own.cause === fault);
});

/** What a request ends with; a response is told from an error. */
async function outcome(
  base: string,
  options: HttpClientOptions = {},
): Promise<ClientError> {
  await using client = new HttpClient(base, options);
  const error = await client.get("/path").catch((error) => error);
  assert(error instanceof ClientError, `${error}`);
  assertEquals([error.method, error.url], ["GET", `${base}/path`]);
  return error;
}

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("what cannot be connected to is a ConnectError", async () => {
  const port = freePort();
  const refused = await outcome(`http://127.0.0.1:${port}`);
  assertInstanceOf(refused, ConnectError);
  assert(/refused/.test(refused.message), refused.message);
  assert(refused.cause instanceof Error);
  assertInstanceOf(await outcome(`https://127.0.0.1:${port}`), ConnectError);
  const name = await outcome("http://no-such-host.invalid");
  assertInstanceOf(name, ConnectError);
  const unix = await outcome("http://localhost", { path: "/no/such/socket" });
  assertInstanceOf(unix, ConnectError);
  const own = await outcome("http://localhost", {
    connect: () => Promise.reject(new Error("Own")),
  });
  assertInstanceOf(own, ConnectError);
  assert(own.message.endsWith("Own"));
  assertEquals((own.cause as Error).message, "Own");
});

Deno.test("a client that could not connect tries again for the next request", async () => {
  let turn = 0;
  await using arena = new RawArena(async (peer, _, arena) => {
    for (;;) await arena.answer(peer, ok("a"));
  });
  const { port } = arena;
  await using client = new HttpClient("http://localhost", {
    connect: () =>
      turn++ === 0
        ? Promise.reject(new Error("Not yet"))
        : Deno.connect({ hostname: "127.0.0.1", port }),
  });
  const [one, two] = [client.get(), client.get()];
  assertInstanceOf(await one.catch((error) => error), ConnectError);
  assertEquals((await two).status, 200);
});

Deno.test("connectTimeout bounds the way to a peer", async () => {
  const { promise, resolve } = Promise.withResolvers<Deno.Conn>();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  // A peer that takes no part in a handshake.
  const silent = listener.accept();
  const error = await outcome(`https://127.0.0.1:${port}`, {
    connectTimeout: 100,
  });
  assertInstanceOf(error, TimeoutError);
  assertEquals(error.phase, "tls");
  (await silent).close();
  listener.close();
  // And one of one's own making that never comes. The client alone does not
  // keep the process from its end.
  const timer = setTimeout(() => {}, 10_000);
  const late = await outcome("http://localhost", {
    connect: () => promise,
    connectTimeout: 100,
    timeout: 200,
  });
  assertInstanceOf(late, TimeoutError);
  assertEquals(late.phase, "connect");
  clearTimeout(timer);
  resolve(await connected());
  await promise;
});

/** A connection that is of no use; whoever gets it closes it. */
async function connected(): Promise<Deno.Conn> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [conn, peer] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  peer.close();
  return conn;
}

Deno.test("timeout bounds the wait for the head, and for each piece", async () => {
  const cases: [phase: string, sent: string][] = [
    ["headers", ""],
    ["headers", "HTTP/1.1 200 OK\r\nConte"],
    ["headers", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"],
    ["body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"],
    ["body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"],
    ["body", "HTTP/1.1 200 OK\r\n\r\nabc"],
  ];
  for (const [phase, sent] of cases) {
    await using arena = new RawArena(async (peer, _, arena) => {
      await arena.ask(peer);
      await peer.send(sent);
      await peer.rest();
    }, { timeout: 100 });
    using timers = new Timers();
    const error = await arena.client.get().catch((error) => error);
    assertInstanceOf(error, TimeoutError);
    assertEquals([error.phase, error.status], [phase, 504], sent);
    assert(timers.elapsed >= 90, `${timers.elapsed}`);
    if (phase !== "body") continue;
    const response = await arena.client.get("", { stream: true });
    const later = await response.readAll().catch((error) => error);
    assertInstanceOf(later, TimeoutError);
    assertEquals(later.phase, "body");
  }
});

Deno.test("timeout does not end what gets on, slowly, nor a reader who rests", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    for (;;) {
      await arena.answer(
        peer,
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
      );
      for (let i = 0; i < 10; i++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await peer.send("x");
      }
    }
  }, { timeout: 300 });
  assertEquals(await (await arena.client.get()).text(), "x".repeat(10));
  const response = await arena.client.get("", { stream: true });
  assertEquals((await response.read())?.length, 1);
  await new Promise((resolve) => setTimeout(resolve, 600));
  assertEquals((await response.readAll()).length, 9);
});

Deno.test("timeout bounds the wait for a peer that takes nothing", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.ask(peer);
    await stopped.promise;
  }, { timeout: 200 });
  const stopped = Promise.withResolvers<void>();
  const error = await arena.client.post("", {
    data: new Uint8Array(50_000_000),
  })
    .catch((error) => error);
  stopped.resolve();
  assertInstanceOf(error, TimeoutError);
  assertEquals(error.phase, "send");
});

Deno.test("a malformed response is a ResponseError with its code and place", async () => {
  const cases: [text: string, code: string, offset: number][] = [
    ["HTTP/1.1 2x0 OK\r\n\r\n", "bad-status", 10],
    ["HTTP/2.0 200 OK\r\n\r\n", "unsupported-version", 0],
    ["hello\r\n\r\n", "bad-version", 0],
    ["HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "bad-field-name", 18],
    ["HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "bad-content-length", -1],
    ["HTTP/1.1 101 Switching\r\n\r\n", "unexpected-switch", 0],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: x, chunked\r\n\r\n",
      "unsupported-transfer-coding",
      -1,
    ],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
      "bad-chunk-size",
      -1,
    ],
    [
      `HTTP/1.1 200 OK\r\nA: ${"x".repeat(70_000)}\r\n\r\n`,
      "headers-too-large",
      -1,
    ],
    [
      `HTTP/1.1 200 OK\r\n${"a:b\r\n".repeat(1001)}\r\n`,
      "too-many-headers",
      -1,
    ],
  ];
  for (const [text, code, offset] of cases) {
    await using arena = new RawArena(async (peer, _, arena) => {
      await arena.answer(peer, text);
    });
    const error = await arena.client.get().catch((error) => error);
    assertInstanceOf(error, ResponseError);
    assertEquals(error.code, code);
    if (offset >= 0) assertEquals(error.offset, offset, text);
    assertEquals([error.status, error.response], [502, null]);
    assertEquals(arena.client.isConnected, false);
  }
});

Deno.test("maxHeadersLength and maxHeadersCount bound a response's head", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    const head = `A: ${"x".repeat(50)}\r\nB: 2\r\n`;
    for (;;) await arena.answer(peer, ok("", head));
  });
  for (const options of [{ maxHeadersLength: 64 }, { maxHeadersCount: 2 }]) {
    const base = `http://127.0.0.1:${arena.port}`;
    assertInstanceOf(await outcome(base, options), ResponseError);
  }
});

Deno.test("errors say where a redirect had led, and never a password", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.answer(
      peer,
      "HTTP/1.1 302 F\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n",
    );
    await arena.ask(peer);
    peer.close();
  });
  const { port } = arena;
  await using client = new HttpClient(`http://user:secret@127.0.0.1:${port}`, {
    maxRedirects: 1,
    retry: false,
  });
  const error = await client.post("/first").catch((error) => error);
  assertInstanceOf(error, ConnectionLostError);
  assertEquals(error.url, `http://127.0.0.1:${port}/next`);
  assertEquals(error.method, "GET");
  assert(!/secret/.test(Deno.inspect(error)));
});
