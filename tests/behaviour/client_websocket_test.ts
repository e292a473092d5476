import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type { WebsocketAcceptOptions } from "@uhttp/uhttp";
import Ws, { WebSocketServer } from "npm:ws@8";
import {
  AbortedError,
  ConnectionLostError,
  HttpClient,
  ResponseError,
  TimeoutError,
  type Websocket,
  type WebsocketConnectOptions,
} from "../../client.ts";
import { WebsocketError } from "../../websocket.ts";
import { makePair } from "../support/certificates.ts";
import { eventually } from "../support/serving.ts";
import {
  ClientArena,
  type ClientArenaOptions,
  RawArena,
} from "../support/client_arenas.ts";
import { wanting } from "../support/wanting.ts";
import { Timers } from "../support/timers.ts";

/** Sends back what comes; "close:CODE" asks it to close. */
async function echo(ws: Websocket | null): Promise<void> {
  if (ws === null) return;
  for await (const message of ws) {
    const code = /^close:(\d+)$/.exec(String(message))?.[1];
    if (code !== undefined) ws.close(Number(code), "as you wish");
    else await ws.send(message);
  }
  await ws.closed;
}

function echoing(
  options: WebsocketAcceptOptions = {},
  more: ClientArenaOptions = {},
): ClientArena {
  return new ClientArena((client) => {
    if (!client.isWebsocketRequest) return client.respond("plain");
    if (client.path === "/404") return client.respond("none", { status: 404 });
    if (client.path === "/200") return client.respond("page");
    return echo(client.acceptWebsocket(options));
  }, more);
}

const MESSAGES: (string | Uint8Array)[] = [
  "",
  "text",
  "grün €, 😀",
  new Uint8Array(0),
  Uint8Array.from({ length: 256 }, (_, i) => i),
  "long ".repeat(30_000),
  new Uint8Array(200_000).fill(7),
];

/** All messages come back as they were. */
async function converse(ws: Websocket): Promise<void> {
  for (const message of MESSAGES) {
    ws.send(message);
    assertEquals(await ws.recv(10_000), message);
  }
}

Deno.test("websocket() sends and receives messages of all kinds", async () => {
  for (const compress of [false, true]) {
    await using arena = echoing({ compress });
    const { client } = arena;
    const ws = await client.websocket("/a?b", { compress });
    assertEquals(ws.readyState, ws.OPEN);
    assertEquals(ws.url, `${arena.server.url.replace("http", "ws")}a?b`);
    assertEquals(ws.extensions, compress ? "permessage-deflate" : "");
    await converse(ws);
    assertEquals(await ws.ping("x"), true);
    ws.close(1000, "bye");
    // The reason is ours: what comes back has none.
    assertEquals(await ws.closed, { code: 1000, reason: "", wasClean: true });
    await eventually(() => !client.isConnected);
    // Requests go on beside it.
    assertEquals(await (await client.get()).text(), "plain");
  }
});

Deno.test("websocket() takes paths, URLs and queries as requests do", async () => {
  const seen: string[] = [];
  await using arena = new ClientArena((client) => {
    seen.push(client.url);
    return echo(client.acceptWebsocket());
  }, { path: "/base" });
  const { host } = new URL(arena.server.url);
  for (
    const [path, options] of [
      ["", {}],
      ["a b", {}],
      ["?q", { query: { a: 1 } }],
      [`ws://${host}/x#y`, {}],
      [`http://${host}/z`, { query: { b: null } }],
    ] as [string, WebsocketConnectOptions][]
  ) {
    const ws = await arena.client.websocket(path, options);
    ws.close();
    await ws.closed;
  }
  assertEquals(seen, ["/base", "/base/a%20b", "/base?q&a=1", "/x", "/z?b"]);
  assertThrows(() => void arena.client.websocket(".."), TypeError);
});

Deno.test("websocket() agrees on a subprotocol", async () => {
  await using arena = echoing({ protocol: ["two", "three"] });
  for (
    const [protocols, protocol] of [
      [undefined, ""],
      [[], ""],
      ["two", "two"],
      [["one", "three", "two"], "two"],
      ["other", ""],
    ] as const
  ) {
    const ws = await arena.client.websocket("", { protocols });
    assertEquals(ws.protocol, protocol);
    ws.close();
    await ws.closed;
  }
  for (const protocols of ["a b", ["a", "a"], [""], ["a,b"]]) {
    assertThrows(
      () => void arena.client.websocket("", { protocols }),
      TypeError,
      undefined,
      JSON.stringify(protocols),
    );
  }
});

Deno.test("websocket() sends header fields, but none that are its own", async () => {
  const seen: Record<string, string>[] = [];
  await using arena = new ClientArena((client) => {
    seen.push({ ...client.headers });
    return echo(client.acceptWebsocket());
  }, { client: { headers: { "x-all": "1" }, auth: { bearer: "t" } } });
  const { client } = arena;
  const ws = await client.websocket("", {
    headers: { Origin: "http://a.test", "x-own": "2" },
  });
  ws.close();
  await ws.closed;
  const [headers] = seen;
  assertEquals(headers.origin, "http://a.test");
  assertEquals([headers["x-all"], headers["x-own"]], ["1", "2"]);
  assertEquals(headers.authorization, "Bearer t");
  assertEquals(headers.upgrade, "websocket");
  assertEquals(headers.connection.toLowerCase(), "upgrade");
  assertEquals(headers["sec-websocket-version"], "13");
  assertEquals(headers["content-length"], undefined);
  for (const name of ["upgrade", "connection"]) {
    assertThrows(
      () => void client.websocket("", { headers: { [name]: "x" } }),
      TypeError,
    );
  }
});

Deno.test("websocket() rejects with the answer when it is refused", async () => {
  await using arena = echoing();
  const { client } = arena;
  for (
    const [path, status, text] of [["404", 404, "none"], [
      "200",
      200,
      "page",
    ]] as const
  ) {
    const error = await assertRejects(
      () => client.websocket(path),
      ResponseError,
    );
    assertEquals([error.code, error.status], ["websocket-refused", 502]);
    assertEquals(error.response!.status, status);
    assertEquals(await error.response!.text(), text);
    assertEquals(error.url, `${arena.server.url}${path}`);
  }
  // A refusal leaves the connection as it was.
  await client.get();
  assertEquals(client.stats.opened, 1);
});

/** An answer to a handshake, with one line changed. */
function handshake(accept: string, ...lines: string[]): string {
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    ...lines,
    "\r\n",
  ].join("\r\n");
}

async function accept(head: string): Promise<string> {
  const key = /\r\nsec-websocket-key: (\S+)/i.exec(head)![1];
  const bytes = new TextEncoder().encode(
    `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
  );
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  return btoa(String.fromCharCode(...hash));
}

Deno.test("websocket() refuses a server that agrees to something else", async () => {
  const cases: [name: string, answer: (key: string) => string][] = [
    ["a wrong key", () => handshake("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")],
    [
      "no key",
      (key) => handshake(key).replace(/Sec-WebSocket-Accept.*\r\n/, ""),
    ],
    [
      "no upgrade",
      (key) => handshake(key).replace("Upgrade: websocket\r\n", ""),
    ],
    ["another upgrade", (key) => handshake(key).replace("websocket", "h2c")],
    [
      "no connection",
      (key) => handshake(key).replace("Connection: Upgrade\r\n", ""),
    ],
    ["HTTP/1.0", (key) => handshake(key).replace("HTTP/1.1", "HTTP/1.0")],
    ["a protocol", (key) => handshake(key, "Sec-WebSocket-Protocol: x")],
    [
      "an extension",
      (key) => handshake(key, "Sec-WebSocket-Extensions: permessage-deflate"),
    ],
  ];
  for (const [name, answer] of cases) {
    await using arena = new RawArena(async (peer, _, arena) => {
      const head = await arena.ask(peer);
      await peer.send(answer(await accept(head)));
      await peer.rest();
    });
    const error = await arena.client.websocket().catch((error) => error);
    assertInstanceOf(error, WebsocketError, name);
    assertEquals(arena.client.isConnected, false);
  }
});

Deno.test("websocket() reads what came along with the handshake", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    const head = await arena.ask(peer);
    // "hi", and a close frame.
    await peer.send(
      new Uint8Array([
        ...new TextEncoder().encode(handshake(await accept(head))),
        ...[0x81, 2, 0x68, 0x69],
        ...[0x88, 2, 3, 0xe8],
      ]),
    );
    await peer.rest();
  });
  const ws = await arena.client.websocket();
  assertEquals(await ws.recv(), "hi");
  assertEquals(await ws.recv(), null);
  assertEquals((await ws.closed).code, 1000);
});

Deno.test("websocket() can be given up while it connects", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client));
  const { client } = arena;
  const controller = new AbortController();
  const { signal } = controller;
  const pending = client.websocket("", { signal }).catch((error) => error);
  await arena.next();
  controller.abort("why");
  const error = await pending;
  assertInstanceOf(error, AbortedError);
  assertEquals(error.cause, "why");
  const late = await client.websocket("", { signal }).catch((error) => error);
  assertInstanceOf(late, AbortedError);
  const slow = await client.websocket("", { timeout: 50 })
    .catch((error) => error);
  assertInstanceOf(slow, TimeoutError);
  assertEquals(slow.phase, "headers");
  const closed = client.websocket().catch((error) => error);
  await client.close();
  assertInstanceOf(await closed, AbortedError);
});

Deno.test("a signal does not end a WebSocket that is open", async () => {
  await using arena = echoing();
  const controller = new AbortController();
  const { signal } = controller;
  const ws = await arena.client.websocket("", { signal });
  controller.abort();
  ws.send("x");
  assertEquals(await ws.recv(), "x");
  ws.close();
  await ws.closed;
});

Deno.test("websocket() rejects when the connection breaks off", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.ask(peer);
    peer.close();
  });
  await assertRejects(() => arena.client.websocket(), ConnectionLostError);
});

Deno.test("a WebSocket is closed from either side, or lost", async () => {
  await using arena = new ClientArena((client) => {
    const ws = client.acceptWebsocket()!;
    if (client.path === "/lose") return client.socket.close();
    if (client.path === "/close") ws.close(4001, "theirs");
    return echo(ws);
  });
  const { client } = arena;
  const ours = await client.websocket();
  ours.close(4000, "ours");
  assertEquals(await ours.closed, {
    code: 4000,
    reason: "",
    wasClean: true,
  });
  const theirs = await client.websocket("close");
  assertEquals(await theirs.recv(), null);
  assertEquals(await theirs.closed, {
    code: 4001,
    reason: "theirs",
    wasClean: true,
  });
  const asked = await client.websocket();
  asked.send("close:4002");
  assertEquals(await asked.recv(), null);
  assertEquals((await asked.closed).code, 4002);
  await eventually(() => !client.isConnected);
});

Deno.test("close() of the client ends its WebSockets", async () => {
  await using arena = echoing();
  const client = arena.another();
  const ws = await client.websocket();
  assertEquals(client.stats.connections, 1);
  const pending = ws.recv();
  await client.close();
  assertEquals(await pending, null);
  assertEquals((await ws.closed).wasClean, false);
  assertEquals(client.stats.connections, 0);
});

Deno.test("a WebSocket does not count among the connections for requests", async () => {
  await using arena = echoing({}, { client: { maxConnections: 1 } });
  const { client } = arena;
  const sockets = [await client.websocket(), await client.websocket()];
  assertEquals((await client.get()).status, 200);
  assertEquals(client.stats.connections, 3);
  for (const ws of sockets) {
    ws.close();
    await ws.closed;
  }
  await eventually(() => client.stats.connections === 1);
});

Deno.test({
  ...wanting("websocket() speaks TLS", "OpenSSL 3"),
  async fn() {
    await using arena = echoing({}, { server: await makePair() });
    const ws = await arena.client.websocket("/a", { compress: true });
    assertEquals(ws.url, arena.url.replace("https", "wss") + "a");
    await converse(ws);
    ws.close();
    await ws.closed;
  },
});

Deno.test("limits of a WebSocket are those that were asked for", async () => {
  await using arena = echoing();
  const ws = await arena.client.websocket("", { maxMessageLength: 10 });
  ws.send("x".repeat(11));
  assertEquals(await ws.recv(), null);
  assertEquals((await ws.closed).code, 1009);
});

Deno.test("a WebSocket whose server is silent is given up in time", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    const head = await arena.ask(peer);
    await peer.send(handshake(await accept(head)));
    await peer.rest();
  });
  const { client } = arena;
  const silent = await client.websocket("", { idleTimeout: 50 });
  assertEquals((await silent.closed).code, 1006);
  const closing = await client.websocket("", { closeTimeout: 50 });
  using timers = new Timers();
  closing.close(1000);
  assertEquals((await closing.closed).wasClean, false);
  assert(timers.fired.includes(50));
  assert(!timers.set.includes(5000), "the default");
  await eventually(() => !client.isConnected);
});

// ---- Other servers --------------------------------------------------------

Deno.test("websocket() converses with npm:ws", async () => {
  for (const compress of [false, true]) {
    const listening = Promise.withResolvers<void>();
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      perMessageDeflate: compress,
    }, () => listening.resolve());
    server.on("connection", (ws: Ws) => {
      ws.on(
        "message",
        (data: Uint8Array, isBinary: boolean) =>
          ws.send(data, { binary: isBinary }),
      );
    });
    await listening.promise;
    const { port } = server.address() as { port: number };
    {
      await using client = new HttpClient(`http://127.0.0.1:${port}`);
      const ws = await client.websocket("", { compress });
      assertEquals(ws.extensions !== "", compress);
      await converse(ws);
      ws.close(1000, "done");
      assertEquals(await ws.closed, {
        code: 1000,
        reason: "done",
        wasClean: true,
      });
    }
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    await closed.promise;
  }
});

Deno.test("websocket() converses with Deno.upgradeWebSocket", async () => {
  const ended = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<number>();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => listening.resolve(port),
  }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    socket.onclose = () => ended.resolve();
    return response;
  });
  {
    await using client = new HttpClient(
      `http://127.0.0.1:${await listening.promise}`,
    );
    const ws = await client.websocket();
    await converse(ws);
    ws.close(1000, "done");
    assertEquals((await ws.closed).wasClean, true);
  }
  await ended.promise;
  await server.shutdown();
});

Deno.test("websocket() is not a request for others to wait for", async () => {
  await using arena = echoing();
  const { client } = arena;
  const ws = await client.websocket();
  await client.websocket("/404").catch(() => {});
  assertEquals([client.isReady, client.processEvents()], [false, null]);
  ws.close();
  await ws.closed;
});
