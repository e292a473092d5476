import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type HttpConnection,
  HttpServer,
  merge,
  ProtocolError,
  select,
} from "@uhttp/uhttp";
import { RawClient } from "../support/raw_client.ts";
import { eventually, Scene, serve, startServer } from "../support/serving.ts";
import { wanting } from "../support/wanting.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// deno-lint-ignore no-explicit-any -- wrong options are what these are for
const BAD_OPTIONS: [options: any, type: typeof Error, name: string][] = [
  [{ port: "80" }, TypeError, "port"],
  [{ port: -1 }, RangeError, "port"],
  [{ port: 65536 }, RangeError, "port"],
  [{ port: 1.5 }, RangeError, "port"],
  [{ hostname: 7 }, TypeError, "hostname"],
  [{ backlog: "x" }, TypeError, "backlog"],
  [{ reusePort: 1 }, TypeError, "reusePort"],
  ...("listenDatagram" in Deno ? [] : [
    // deno-lint-ignore no-explicit-any
    [{ reusePort: true }, TypeError, "reusePort"] as any,
  ]),
  [{ onError: true }, TypeError, "onError"],
  [{ signal: {} }, TypeError, "signal"],
  [{ cert: "x" }, TypeError, "key"],
  [{ key: "x" }, TypeError, "cert"],
  [{ path: "/x", port: 1 }, TypeError, "port"],
  [{ listener: {} }, TypeError, "listener"],
  [{ listener: (async function* () {})(), port: 1 }, TypeError, "port"],
  [{ trustedProxies: "10.0.0.1" }, TypeError, "trustedProxies"],
  [{ trustedProxies: ["10.0.0.0/33"] }, TypeError, "trustedProxies"],
  [{ trustedProxies: ["example.com"] }, TypeError, "trustedProxies"],
  [{ maxWaitingClients: 0 }, RangeError, "maxWaitingClients"],
  [{ maxWaitingClients: NaN }, TypeError, "maxWaitingClients"],
  [{ maxContentLength: -1 }, RangeError, "maxContentLength"],
  [{ maxContentLength: "1" }, TypeError, "maxContentLength"],
  [{ maxHeadersLength: 10 }, RangeError, "maxHeadersLength"],
  [{ maxHeadersLength: Infinity }, RangeError, "maxHeadersLength"],
  [{ requestTimeout: 0.5 }, RangeError, "requestTimeout"],
];

for (const [options, type, name] of BAD_OPTIONS) {
  Deno.test(`HttpServer refuses ${Deno.inspect(options)}`, () => {
    assertThrows(() => new HttpServer(options), type, `"${name}"`);
  });
}

Deno.test("HttpServer throws when the port is taken", async () => {
  await using server = startServer();
  assertThrows(
    () => startServer({ port: server.port }),
    Deno.errors.AddrInUse,
  );
});

Deno.test("HttpServer tells where it listens", async () => {
  await using server = startServer();
  assertEquals(server.url, `http://127.0.0.1:${server.port}/`);
  assertEquals((server.addr as Deno.NetAddr).port, server.port);
  assert(server.port > 0);
  assertEquals(server.isSecure, false);
  assertEquals(server.readSockets, [server.socket]);
  assertEquals(server.writeSockets, []);
  await using all = new HttpServer({ port: 0 });
  assertEquals(all.url, `http://localhost:${all.port}/`);
});

for (const hostname of ["::1", "[::1]", "localhost", "127.0.0.1"]) {
  Deno.test({
    ...wanting(
      `HttpServer listens on ${hostname}`,
      ...hostname.includes(":") ? ["IPv6" as const] : [],
    ),
  }, async () => {
    await using scene = new Scene(
      (client) => client.respond(client.socketAddress),
      { hostname },
    );
    const response = await fetch(scene.server.url);
    const text = await response.text();
    assert(/^(\[::1\]|127\.0\.0\.1):\d+$/.test(text), text);
  });
}

Deno.test({
  ...wanting(
    "HttpServer on :: serves IPv4 and IPv6, and shows plain addresses",
    "IPv6",
  ),
}, async () => {
  await using scene = new Scene(
    (client) => client.respond(client.remoteAddress),
    { hostname: "::" },
  );
  const { port } = scene.server;
  for (const address of ["127.0.0.1", "::1"]) {
    using peer = new RawClient(await Deno.connect({ hostname: address, port }));
    await peer.send(GET);
    assertEquals((await peer.response()).body, address);
  }
});

Deno.test("HttpServer listens on a Unix socket, and removes it", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  {
    await using scene = new Scene(
      (client) =>
        client.respond([client.socketAddress, client.remoteAddresses]),
      { hostname: undefined, port: undefined, path },
    );
    assertEquals(scene.server.url, `unix:${path}`);
    assertEquals(scene.server.port, 0);
    using peer = new RawClient(await Deno.connect({ transport: "unix", path }));
    await peer.send(GET);
    assertEquals((await peer.response()).body, '["unix",["unix"]]');
  }
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  await Deno.remove(folder);
});

Deno.test("HttpServer takes connections from a listener of one's own", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let accepted = 0;
  const source = {
    addr: listener.addr,
    async *[Symbol.asyncIterator]() {
      for await (const conn of listener) {
        accepted++;
        yield conn;
        if (accepted === 2) return;
      }
    },
  };
  const server = new HttpServer({ listener: source });
  const done = serve(server, (client) => client.respond("own"));
  const peers = [
    await RawClient.connect(server),
    await RawClient.connect(server),
  ];
  for (const peer of peers) {
    await peer.send(GET);
    assertEquals((await peer.response()).body, "own");
  }
  // The source has ended; with the last connection, so does the server.
  for (const peer of peers) peer.close();
  await done;
  assertEquals(server.isFinished, true);
  await server.close();
});

Deno.test("HttpServer yields requests of one connection one at a time, in order", async () => {
  const held: HttpConnection[] = [];
  await using server = startServer();
  using peer = await RawClient.connect(server);
  await peer.send(
    [1, 2, 3].map((n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""),
  );
  for (const n of [1, 2, 3]) {
    const client = await server.wait();
    assertEquals(client!.path, `/${n}`);
    assertEquals(await server.wait(20), null);
    held.push(client!);
    client!.respond(String(n));
    assertEquals((await peer.response()).body, String(n));
  }
});

Deno.test("HttpServer sends answers to pipelined requests in one write", async () => {
  await using server = startServer();
  using peer = await RawClient.connect(server);
  const done = serve(server, (client) => {
    client.respond(client.path);
  });
  await peer.send(GET.repeat(30));
  // What was sent in one write is read in one.
  await peer.more();
  assertEquals(peer.pending.split("HTTP/1.1 200 OK").length - 1, 30);
  await server.close();
  await done;
});

Deno.test("HttpServer sends what is answered although the next request is held", async () => {
  await using server = startServer();
  using peer = await RawClient.connect(server);
  await peer.send(GET + GET);
  (await server.wait())!.respond("first");
  const second = await server.wait();
  assertEquals((await peer.response()).body, "first");
  second!.respond("second");
  assertEquals((await peer.response()).body, "second");
});

Deno.test("HttpServer holds any number of clients, answered in any order", async () => {
  await using server = startServer();
  const peers: RawClient[] = [];
  const held: HttpConnection[] = [];
  for (let i = 0; i < 50; i++) {
    const peer = await RawClient.connect(server);
    peers.push(peer);
    await peer.send(`GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
    held.push((await server.wait())!);
  }
  for (const client of held.toReversed()) client.respond(client.path);
  for (const [i, peer] of peers.entries()) {
    assertEquals((await peer.response()).body, `/${i}`);
    peer.close();
  }
});

Deno.test("HttpServer lives on when its loop is left, and goes on in another", async () => {
  await using server = startServer();
  using peer = await RawClient.connect(server);
  for (let i = 0; i < 3; i++) {
    await peer.send(GET);
    for await (const client of server) {
      client.respond(String(i));
      break;
    }
    assertEquals((await peer.response()).body, String(i));
  }
});

Deno.test("HttpServer shares its clients among several loops", async () => {
  const server = startServer();
  const counts = [0, 0, 0];
  const loops = counts.map((_, i) =>
    serve(server, (client) => {
      counts[i]++;
      return client.respond("x");
    })
  );
  const peers = await Promise.all(
    Array.from({ length: 30 }, () => RawClient.connect(server)),
  );
  await Promise.all(peers.map(async (peer) => {
    await peer.send(GET);
    await peer.response();
    peer.close();
  }));
  await server.close();
  await Promise.all(loops);
  assertEquals(counts.reduce((a, b) => a + b), 30);
});

Deno.test("HttpServer.wait() gives up after its time, and at the end", async () => {
  const server = startServer();
  assertEquals(await server.wait(0), null);
  assertEquals(await server.wait(10), null);
  const waiting = server.wait();
  await server.close();
  assertEquals(await waiting, null);
  assertEquals(await server.wait(), null);
});

Deno.test("select() and processEvents() drive several servers in one loop", async () => {
  await using a = startServer();
  await using b = startServer();
  assertEquals(await select([a, b], 0), []);
  assertEquals(await select([a, b], 10), []);
  using peerA = await RawClient.connect(a);
  using peerB = await RawClient.connect(b);
  await peerB.send(GET);
  assertEquals(await select([a, b], 2000), [b]);
  assertEquals(a.processEvents(), null);
  const client = b.processEvents();
  assertEquals(client?.server, b);
  client?.respond("b");
  assertEquals((await peerB.response()).body, "b");
  await peerA.send(GET);
  await peerB.send(GET);
  let answered = 0;
  while (answered < 2) {
    for (const server of await select([a, b])) {
      server.processEvents()?.respond(String(++answered));
    }
  }
  assertEquals((await peerA.response()).status, 200);
  assertEquals((await peerB.response()).status, 200);
  await a.close();
  await b.close();
  assertEquals(await select([a, b]), []);
});

Deno.test("select() sends what was held back before it waits", async () => {
  await using server = startServer();
  using peer = await RawClient.connect(server);
  await peer.send(GET + GET);
  await select([server]);
  server.processEvents()!.respond("first");
  server.processEvents();
  assertEquals(await select([server], 0), []);
  assertEquals((await peer.response()).body, "first");
});

Deno.test("eventRead() and eventWrite() look at the sockets they are given", async () => {
  await using server = startServer();
  using one = await RawClient.connect(server);
  using two = await RawClient.connect(server);
  await one.send(GET);
  const first = (await server.wait())!;
  await two.send(GET);
  await select([server]);
  assertEquals(server.eventRead([first.socket]), null);
  const second = server.eventRead([server.socket])!;
  assertEquals(second.socket === first.socket, false);
  // Nothing more is read from a connection until it is answered.
  assert(!server.readSockets.includes(second.socket));
  second.respond("two");
  assert(server.readSockets.includes(second.socket));
  assertEquals((await two.response()).body, "two");
  await two.send(GET);
  await select([server]);
  const third = server.processEvents([second.socket], [second.socket]);
  assertEquals(third?.socket, second.socket);
  third!.respond("three");
  first.respond("one");
  server.eventWrite([first.socket]);
  assertEquals((await one.response()).body, "one");
});

Deno.test("merge() yields the clients of several servers until all are closed", async () => {
  const a = startServer();
  const b = startServer();
  const seen: HttpServer[] = [];
  const done = (async () => {
    for await (const client of merge(a, b)) {
      seen.push(client.server);
      client.respond("x");
    }
  })();
  for (const server of [a, b, a]) {
    using peer = await RawClient.connect(server);
    await peer.send(GET);
    await peer.response();
  }
  await a.close();
  using last = await RawClient.connect(b);
  await last.send(GET);
  await last.response();
  await b.close();
  await done;
  assertEquals(seen, [a, b, a, b]);
});

Deno.test("HttpServer counts what it does", async () => {
  await using scene = new Scene((client) => client.respond("hello"));
  const { server } = scene;
  const peer = await scene.connect();
  await peer.send(GET);
  const head = await peer.until("\r\n\r\n");
  await peer.until("hello");
  await eventually(() => server.stats.bytesOut > 0);
  assertEquals(server.stats, {
    openConnections: 1,
    requests: 1,
    bytesIn: GET.length,
    bytesOut: head.length + 5,
    refused: 0,
    timedOut: 0,
  });
  await peer.send("BAD\r\n\r\n");
  assertEquals((await peer.response()).status, 400);
  peer.close();
  await eventually(() => server.stats.openConnections === 0);
  assertEquals(server.stats.refused, 1);
});

Deno.test("HttpServer tells onError what went wrong, and outlives its faults", async () => {
  const errors: unknown[] = [];
  const logged: unknown[] = [];
  const log = console.error;
  console.error = (...args: unknown[]) => logged.push(args);
  try {
    await using scene = new Scene((client) => client.respond("ok"), {
      onError(error, info) {
        errors.push(error, (info.remoteAddr as Deno.NetAddr).hostname);
        throw new Error("in the hook");
      },
    });
    const peer = await scene.connect();
    await peer.send("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    const response = await peer.response();
    assertEquals(response.status, 400);
    assertEquals(response.body, "Host is malformed\n");
    assertEquals(response.headers.connection, "close");
  } finally {
    console.error = log;
  }
  assert(errors[0] instanceof ProtocolError);
  assertEquals(errors[0].code, "bad-host");
  assertEquals(errors[1], "127.0.0.1");
  assertEquals(logged.length, 1);
});

Deno.test("HttpServer closes when its signal aborts", async () => {
  const controller = new AbortController();
  const server = startServer({ signal: controller.signal });
  const done = serve(server, () => {});
  controller.abort();
  await done;
  await server.close();
  const late = startServer({ signal: controller.signal });
  await late.close();
  assertEquals(await late.wait(), null);
});

Deno.test("HttpServer.shutdown() lets answers finish and closes what is idle", async () => {
  const server = startServer();
  using idle = await RawClient.connect(server);
  using busy = await RawClient.connect(server);
  await idle.send(GET);
  (await server.wait())!.respond("done");
  assertEquals((await idle.response()).body, "done");
  await busy.send(GET);
  const client = (await server.wait())!;
  const down = server.shutdown();
  assertEquals(await idle.rest(), "");
  await assertRejects(() => RawClient.connect(server));
  client.respond("last");
  const response = await busy.response();
  assertEquals(response.body, "last");
  assertEquals(response.headers.connection, "close");
  assertEquals(await busy.rest(), "");
  busy.close();
  await down;
  assertEquals(await server.wait(), null);
});

Deno.test("HttpServer.shutdown() closes what is left after its time", async () => {
  const server = startServer();
  using peer = await RawClient.connect(server);
  await peer.send(GET);
  const client = (await server.wait())!;
  await server.shutdown({ timeout: 20 });
  assertEquals(await peer.rest(), "");
  assertEquals(await client.respond("late"), false);
});

Deno.test("HttpServer.close() may be called again, also without waiting", async () => {
  const server = startServer();
  server.close();
  await server.close();
  await server.shutdown();
  await server[Symbol.asyncDispose]();
});

Deno.test("HttpServer awaited at each answer does not wait for a timer", async () => {
  await using server = startServer();
  using peer = await RawClient.connect(server);
  let timers = 0;
  const done = serve(server, async (client) => {
    const timer = setTimeout(() => timers++, 0);
    await client.respond("x");
    clearTimeout(timer);
  });
  await peer.send(GET.repeat(20));
  for (let i = 0; i < 20; i++) assertEquals((await peer.response()).body, "x");
  await server.close();
  await done;
  assert(timers < 20, `${timers} of 20 answers waited`);
});

// ---- Connections: what is kept alive, and what is not ---------------------

const KEEP_ALIVE: [
  name: string,
  request: string,
  connection: string,
  isKept: boolean,
][] = [
  ["1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "keep-alive", true],
  [
    "1.1 with close",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "close",
    false,
  ],
  [
    "1.1 with close in a list",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n",
    "close",
    false,
  ],
  [
    "1.1 with both",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
    "close",
    false,
  ],
  ["1.0", "GET / HTTP/1.0\r\n\r\n", "close", false],
  [
    "1.0 with keep-alive",
    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    "keep-alive",
    true,
  ],
];

for (const [name, request, connection, isKept] of KEEP_ALIVE) {
  Deno.test(`HttpServer ${isKept ? "keeps" : "closes"} a connection of ${name}`, async () => {
    await using scene = new Scene((client) =>
      client.respond("x", client.path === "/h" ? { headers: {} } : {})
    );
    for (const path of ["/", "/h"]) {
      const peer = await scene.connect();
      await peer.send(request.replace("/", path));
      const response = await peer.response();
      assertEquals(response.headers.connection, connection);
      if (isKept) {
        await peer.send(request);
        assertEquals((await peer.response()).status, 200);
      } else assertEquals(await peer.rest(), "");
    }
  });
}

Deno.test("HttpServer closes after keepAliveMaxRequests", async () => {
  await using scene = new Scene((client) => client.respond("x"), {
    keepAliveMaxRequests: 3,
  });
  const peer = await scene.connect();
  await peer.send(GET.repeat(5));
  for (const connection of ["keep-alive", "keep-alive", "close"]) {
    assertEquals((await peer.response()).headers.connection, connection);
  }
  assertEquals(await peer.rest(), "");
});

Deno.test("HttpServer closes a connection that is idle for too long", async () => {
  await using scene = new Scene((client) => client.respond("x"), {
    keepAliveTimeout: 100,
  });
  const silent = await scene.connect();
  const peer = await scene.connect();
  await peer.send(GET);
  assertEquals((await peer.response()).status, 200);
  assertEquals(await peer.rest(), "");
  assertEquals(await silent.rest(), "");
});

Deno.test("HttpServer answers half-closed peers, pipelined and later", async () => {
  const held: HttpConnection[] = [];
  await using scene = new Scene((client) => {
    if (client.path === "/later") held.push(client);
    else client.respond(client.path);
  });
  const peer = await scene.connect();
  await peer.send(
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  await peer.conn.closeWrite();
  assertEquals((await peer.response()).body, "/1");
  assertEquals((await peer.response()).body, "/2");
  assertEquals(await peer.rest(), "");
  const late = await scene.connect();
  await late.send(
    "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  await eventually(() => held.length === 1);
  await late.conn.closeWrite();
  const aborted = new Promise((resolve) =>
    held[0].signal.addEventListener("abort", resolve)
  );
  await aborted;
  assertEquals(await held[0].respond("later"), true);
  assertEquals((await late.response()).body, "later");
  assertEquals((await late.response()).body, "/2");
  assertEquals(await late.rest(), "");
});

Deno.test("HttpServer closes a request that is forgotten after its peer has gone", async () => {
  await using scene = new Scene(() => {}, { keepAliveTimeout: 100 });
  const peer = await scene.connect();
  await peer.send(GET);
  await eventually(() => scene.server.stats.requests === 1);
  peer.close();
  await eventually(() => scene.server.stats.openConnections === 0);
});

const EXPECT = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: ";

Deno.test("HttpServer answers Expect: 100-continue at once, once", async () => {
  await using scene = new Scene((client) => client.respond(client.rawData));
  const peer = await scene.connect();
  for (let i = 0; i < 2; i++) {
    await peer.send(`${EXPECT}100-Continue\r\n\r\n`);
    assertEquals(
      await peer.until("\r\n\r\n"),
      "HTTP/1.1 100 Continue\r\n\r\n",
    );
    await peer.send("hi");
    assertEquals((await peer.response()).body, "hi");
  }
  // Not where the body has come along, nor where there is none.
  await peer.send(`${EXPECT}100-continue\r\n\r\nhi`);
  assertEquals((await peer.response()).body, "hi");
  await peer.send(`${EXPECT.replace("2", "0")}100-continue\r\n\r\n`);
  assertEquals((await peer.response()).status, 200);
});

Deno.test("HttpServer refuses what it cannot read, and closes", async () => {
  const rows: [request: string, status: number, body: string][] = [
    [`${EXPECT}200-ok\r\n\r\n`, 417, "Expectation is not supported\n"],
    ["GET / HTTP/2.0\r\n\r\n", 505, "HTTP version is not supported\n"],
    [
      "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
      501,
      "CONNECT is not enabled\n",
    ],
    ["GET / HTTP/1.1\r\n\r\n", 400, "Host is missing\n"],
    [
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n",
      413,
      "Request body is too large\n",
    ],
    [
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{",
      400,
      "Body is not valid JSON\n",
    ],
    [
      "HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      400,
      "",
    ],
  ];
  await using scene = new Scene((client) => client.respond("good"), {
    bodyTimeout: 200, // for what follows behind a refused head
  });
  for (const [request, status, body] of rows) {
    const peer = await scene.connect();
    await peer.send(GET + request + GET);
    assertEquals((await peer.response()).body, "good");
    const response = await peer.response(request.startsWith("HEAD"));
    assertEquals([response.status, response.body], [status, body]);
    assertEquals(response.headers.connection, "close");
    assertEquals(await peer.rest(), "");
  }
  assertEquals(scene.server.stats.refused, rows.length);
  assertEquals(scene.server.stats.requests, rows.length);
});
