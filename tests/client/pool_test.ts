import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
} from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import {
  AbortedError,
  ConnectionLostError,
  type HttpResponse,
  TimeoutError,
} from "../../client.ts";
import type { Arena } from "../support/arena.ts";
import { eventually } from "../support/serving.ts";
import { ClientArena, ok, once, RawArena } from "../support/client_arenas.ts";
import { Timers } from "../support/timers.ts";

const hold = (client: HttpConnection, arena: Arena) => arena.hold(client);

function texts(responses: HttpResponse[]): Promise<string[]> {
  return Promise.all(responses.map((one) => one.text()));
}

// ---- Keep-alive -----------------------------------------------------------

Deno.test("requests one after the other share a connection", async () => {
  await using arena = new ClientArena((client) =>
    client.respond(client.method === "HEAD" ? null : "x".repeat(10_000), {
      status: client.path === "/204" ? 204 : 200,
    })
  );
  const { client } = arena;
  for (let i = 0; i < 3; i++) {
    await client.get();
    await client.head();
    await client.get("204");
    await client.post("", { data: "x" });
    const stream = await client.get("", { stream: true });
    await stream.readAll();
  }
  assertEquals(client.stats.opened, 1);
  assertEquals(client.stats.requests, 15);
});

Deno.test("a streamed response holds its connection until it is read", async () => {
  await using arena = new ClientArena((client) =>
    client.respond("x".repeat(100))
  );
  const { client } = arena;
  const stream = await client.get("", { stream: true });
  await client.get();
  assertEquals(client.stats.opened, 2);
  await stream.readAll();
  await Promise.all([client.get(), client.get()]);
  assertEquals(client.stats.opened, 2);
});

const ENDINGS: [name: string, response: string, ends: boolean][] = [
  ["says close", ok("a", "Connection: close\r\n"), true],
  ["says close among others", ok("a", "Connection: x, Close\r\n"), true],
  ["is HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", true],
  [
    "is HTTP/1.0 and says keep-alive",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
    false,
  ],
  ["says nothing", ok("a"), false],
];

for (const [name, text, ends] of ENDINGS) {
  Deno.test(`a connection is ${ends ? "given up" : "kept"} when a response ${name}`, async () => {
    await using arena = new RawArena(async (peer, _, arena) => {
      for (;;) await arena.answer(peer, text);
    });
    const { client } = arena;
    for (const stream of [false, true, false]) {
      const response = await client.get("", { stream });
      assertEquals(await response.text(), "a");
    }
    assertEquals(arena.count, ends ? 3 : 1);
  });
}

Deno.test("keepAlive: false says so, and keeps nothing", async () => {
  await using arena = new ClientArena(
    (client) => client.respond(client.headersGet("connection", "")),
    { client: { keepAlive: false } },
  );
  const { client } = arena;
  for (let i = 0; i < 2; i++) {
    assertEquals(await (await client.get()).text(), "close");
    const headers = { "x-a": "1" };
    assertEquals(await (await client.get("", { headers })).text(), "close");
  }
  assertEquals([client.stats.opened, client.isConnected], [4, false]);
});

Deno.test("keepAliveTimeout is how long an unused connection is kept", async () => {
  await using arena = new ClientArena((client) => client.respond("x"), {
    client: { keepAliveTimeout: 100 },
  });
  const { client } = arena;
  await client.get();
  await client.get();
  assertEquals([client.stats.opened, client.isConnected], [1, true]);
  await eventually(() => !client.isConnected);
  assertEquals(arena.server.stats.requests, 2);
  await client.get();
  assertEquals(client.stats.opened, 2);
});

Deno.test("keepAliveTimeout: 0 keeps no connection that nobody waits for", async () => {
  await using arena = new ClientArena((client) => client.respond("x"), {
    client: { keepAliveTimeout: 0 },
  });
  await arena.client.get();
  await arena.client.get();
  await eventually(() => !arena.client.isConnected);
  assertEquals((await arena.client.get()).status, 200);
});

Deno.test("a server's Keep-Alive: timeout is kept to, a little less", async () => {
  for (const value of ["timeout=1", "max=5, timeout=1", "Timeout=1;x"]) {
    using timers = new Timers();
    await using arena = new RawArena(async (peer, _, arena) => {
      for (;;) await arena.answer(peer, ok("", `Keep-Alive: ${value}\r\n`));
    });
    await arena.client.get();
    assert(arena.client.isConnected);
    await eventually(() => !arena.client.isConnected);
    assertGreater(timers.counted, 300);
    assertLess(timers.counted, 1000);
  }
});

Deno.test("a Keep-Alive that says nothing changes nothing", async () => {
  for (
    const value of ["timeout=100000000", "max=1", "timeout=x", "", "xtimeout=1"]
  ) {
    await using arena = new RawArena(async (peer, _, arena) => {
      for (;;) await arena.answer(peer, ok("", `Keep-Alive: ${value}\r\n`));
    });
    await arena.client.get();
    await arena.client.get();
    assertEquals(arena.count, 1);
  }
});

Deno.test("a connection that the server closes while it is unused is forgotten", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.answer(peer, ok("a"));
    peer.close();
  });
  const { client } = arena;
  await client.get();
  await eventually(() => !client.isConnected);
  await client.post("", { data: "x" });
  assertEquals([client.stats.opened, client.stats.retried], [2, 0]);
});

Deno.test("bytes that nobody has asked for end a connection", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.answer(peer, ok("a") + "HTTP/1.1 200 OK\r\n");
  });
  const { client } = arena;
  assertEquals(await (await client.get()).text(), "a");
  assertEquals(await (await client.get()).text(), "a");
  assertEquals(arena.count, 2);
});

Deno.test("bytes that come while a connection is unused end it as well", async () => {
  const rested = once();
  await using arena = new RawArena(async (peer, n, arena) => {
    await arena.answer(peer, ok("a"));
    await rested.promise;
    // As some servers say that they have waited long enough.
    if (n === 0) await peer.send("HTTP/1.1 408 Late\r\n");
  });
  const { client } = arena;
  await client.get();
  rested.resolve();
  await eventually(() => !client.isConnected);
  assertEquals(await (await client.post("", { data: "x" })).text(), "a");
  assertEquals([arena.count, client.stats.retried], [2, 0]);
});

// ---- Once more ------------------------------------------------------------

/** Answers the first request of each connection, and closes on the second. */
function dyingPeer(): ConstructorParameters<typeof RawArena>[0] {
  return async (peer, n, arena) => {
    await arena.answer(peer, ok("a"));
    if (n > 0) return;
    await arena.ask(peer);
    peer.close();
  };
}

Deno.test("an idempotent request is sent once more when its connection was dead", async () => {
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
    await using arena = new RawArena(dyingPeer());
    const { client } = arena;
    await client.get();
    const response = await client.request(method, "/again");
    assertEquals(response.status, 200);
    assertEquals(client.stats.retried, 1);
    assertEquals(arena.heads.length, 3);
  }
});

Deno.test("others are not, nor what was answered in part, nor on a new connection", async () => {
  for (const method of ["POST", "PATCH", "get", "LOCK"]) {
    await using arena = new RawArena(dyingPeer());
    await arena.client.get();
    await assertRejects(
      () => arena.client.request(method, "/again"),
      ConnectionLostError,
    );
    assertEquals(arena.heads.length, 2);
  }
  await using off = new RawArena(dyingPeer(), { retry: false });
  await off.client.get();
  await assertRejects(() => off.client.get(), ConnectionLostError);

  await using stream = new RawArena(dyingPeer());
  await stream.client.get();
  const data = new Blob(["a"]).stream();
  await assertRejects(
    () => stream.client.put("", { data }),
    ConnectionLostError,
  );

  await using fresh = new RawArena(async (peer, _, arena) => {
    await arena.ask(peer);
    peer.close();
  });
  await assertRejects(() => fresh.client.get(), ConnectionLostError);
  assertEquals(fresh.count, 1);

  await using part = new RawArena(async (peer, _, arena) => {
    await arena.answer(peer, ok("a"), "HTTP/1.1 2");
    peer.close();
  });
  await part.client.get();
  await assertRejects(() => part.client.get(), ConnectionLostError);
  assertEquals(part.count, 1);

  // Once is enough: it goes to a new connection, as all others may be dead.
  const both = once();
  await using two = new RawArena(async (peer, n, arena) => {
    await arena.ask(peer);
    if (n === 1) both.resolve();
    await both.promise;
    if (n < 2) {
      await peer.send(ok("a"));
      await arena.ask(peer);
    }
    peer.close();
  });
  await Promise.all([two.client.get(), two.client.get()]);
  await assertRejects(() => two.client.get(), ConnectionLostError);
  assertEquals([two.count, two.client.stats.retried], [3, 1]);
  await using never = new RawArena(async (peer, n, arena) => {
    if (n === 0) await arena.answer(peer, ok("a"));
    await arena.ask(peer);
    peer.close();
  });
  await never.client.get();
  await assertRejects(() => never.client.get(), ConnectionLostError);
  assertEquals(never.count, 2);
});

// ---- Many at once ---------------------------------------------------------

Deno.test("maxConnections bounds the connections to an origin", async () => {
  for (const maxConnections of [1, 3]) {
    await using arena = new ClientArena(hold, { client: { maxConnections } });
    const { client } = arena;
    const requests = Array.from({ length: 10 }, (_, i) => client.get(`${i}`));
    const order: string[] = [];
    for (let i = 0; i < 10; i++) {
      const held = await arena.next();
      order.push(held.path);
      assert(client.stats.connections <= maxConnections);
      held.respond(held.path);
    }
    const answers = await texts(await Promise.all(requests));
    assertEquals(answers, requests.map((_, i) => `/${i}`));
    assertEquals(client.stats.opened, maxConnections);
    if (maxConnections === 1) assertEquals(order, answers);
  }
});

Deno.test("maxConnections counts for each origin", async () => {
  await using other = new ClientArena(hold);
  await using arena = new ClientArena(hold, { client: { maxConnections: 1 } });
  const { client } = arena;
  const one = client.get();
  const two = client.get(other.server.url);
  (await arena.next()).respond("one");
  (await other.next()).respond("two");
  assertEquals(await texts(await Promise.all([one, two])), ["one", "two"]);
  assertEquals(client.stats.connections, 2);
});

Deno.test("requests that wait get their turn when others end in any way", async () => {
  await using arena = new ClientArena(hold, {
    client: { maxConnections: 1, retry: false },
  });
  const { client } = arena;
  const requests = Array.from({ length: 6 }, (_, i) => client.get(`${i}`));
  (await arena.next()).respond("0");
  (await arena.next()).close();
  await assertRejects(() => requests[1], ConnectionLostError);
  const third = await arena.next();
  requests[2].abort();
  third.close();
  const fourth = await arena.next();
  assertEquals(fourth.path, "/3");
  requests[4].abort(); // never sent
  fourth.respond("3", { headers: { connection: "close" } });
  (await arena.next()).respond("5");
  assertEquals(await (await requests[5]).text(), "5");
  await assertRejects(() => requests[4], AbortedError);
});

Deno.test("timeout bounds the wait for a free connection", async () => {
  await using arena = new ClientArena(hold, {
    client: { maxConnections: 1 },
  });
  const { client } = arena;
  const first = client.get("", { timeout: 10_000 });
  const held = await arena.next();
  const error = await assertRejects(
    () => client.get("", { timeout: 50 }),
    TimeoutError,
  );
  assertEquals([error.phase, error.status], ["queue", 504]);
  held.respond("x");
  assertEquals((await first).status, 200);
});

Deno.test("connections that are not needed any more are not made", async () => {
  await using arena = new ClientArena((client) => client.respond("x"), {
    client: { maxConnections: 5 },
  });
  const { client } = arena;
  await client.get();
  // One connection is free, and four are made for the rest.
  await Promise.all(Array.from({ length: 20 }, () => client.get()));
  assert(client.stats.opened <= 5);
  assertEquals(client.stats.requests, 21);
});

// ---- Pipelining -----------------------------------------------------------

Deno.test("pipelining sends what it may before the answers are in", async () => {
  const order: string[] = [];
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.answer(peer, ok("first"));
    for (let i = 0; i < 4; i++) {
      order.push((await arena.ask(peer)).split(" ")[1]);
    }
    await peer.send(ok("1") + ok("2"));
    await peer.send(ok("3") + ok("4"));
    await arena.answer(peer, ok("5"));
  }, { maxConnections: 1, pipelining: 4 });
  const { client } = arena;
  await client.get();
  const requests = [1, 2, 3, 4, 5].map((i) => client.get(`${i}`));
  assertEquals(await texts(await Promise.all(requests)), [
    "1",
    "2",
    "3",
    "4",
    "5",
  ]);
  assertEquals(order, ["/1", "/2", "/3", "/4"]);
  assertEquals(arena.count, 1);
});

Deno.test("pipelining begins when a connection has proved itself", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.ask(peer);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const early = peer.pending;
    await peer.send(ok(`1${early}`));
    await arena.ask(peer);
    await arena.ask(peer);
    await peer.send(ok("2") + ok("3"));
  }, { maxConnections: 1, pipelining: 4 });
  const requests = [1, 2, 3].map((i) => arena.client.get(`${i}`));
  assertEquals(await texts(await Promise.all(requests)), ["1", "2", "3"]);
});

Deno.test("pipelining keeps the order, and waits for what is not idempotent", async () => {
  await using arena = new ClientArena(hold, {
    client: { maxConnections: 1, pipelining: 10 },
  });
  const { client } = arena;
  const requests = [
    client.get("1"),
    client.get("2"),
    client.post("3", { data: "x" }),
    client.get("4"),
    client.put("5", { data: new Blob(["x"]).stream() }),
    client.put("6", { data: "x" }),
    client.get("7"),
    client.head("8"),
  ];
  const order: string[] = [];
  for (const _ of requests) {
    const held = await arena.next();
    order.push(held.path);
    held.respond(held.path);
  }
  const answers = await texts(await Promise.all(requests));
  const paths = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `/${i}`);
  assertEquals(order.toSorted(), paths);
  assertEquals(answers, [...paths.slice(0, 7), ""]);
  assertEquals(client.stats.opened, 1);
});

Deno.test("pipelining sends again what was not answered", async () => {
  let asked = 0;
  await using arena = new RawArena(async (peer, n, arena) => {
    await arena.answer(peer, ok("first"));
    if (n === 0) {
      for (let i = 0; i < 3; i++) await arena.ask(peer);
      await peer.send(ok("1", "Connection: close\r\n"));
      peer.close();
      return;
    }
    for (;;) {
      asked++;
      await arena.answer(peer, ok("again"));
    }
  }, { maxConnections: 1, pipelining: 3 });
  const { client } = arena;
  await client.get();
  const requests = ["1", "2", "3"].map((path) => client.get(path));
  assertEquals(await texts(await Promise.all(requests)), [
    "1",
    "first",
    "again",
  ]);
  assertGreater(asked, 0);
  assertEquals(client.stats.retried, 2);
});

Deno.test("a request that is given up in a pipeline costs the others nothing", async () => {
  await using arena = new ClientArena(hold, {
    client: { maxConnections: 1, pipelining: 5 },
  });
  const { client } = arena;
  const first = client.get();
  (await arena.next()).respond("x");
  await first;
  const requests = [1, 2, 3].map((i) => client.get(`${i}`));
  const held = await arena.next();
  assertEquals(held.path, "/1");
  requests[1].abort("no");
  held.close();
  await assertRejects(() => requests[1], AbortedError);
  const again = [];
  for (let i = 0; i < 2; i++) {
    const next = await arena.next();
    again.push(next.path);
    next.respond(next.path);
  }
  assertEquals(again.toSorted(), ["/1", "/3"]);
  assertEquals(await texts([await requests[0], await requests[2]]), again);
});

Deno.test("pipelining with streamed responses keeps their order", async () => {
  await using arena = new ClientArena(
    (client) => client.respond(client.path.repeat(5000)),
    { client: { maxConnections: 1, pipelining: 8 } },
  );
  const { client } = arena;
  await client.get();
  const requests = Array.from(
    { length: 16 },
    (_, i) => client.get(`${i}`, { stream: i % 2 === 0 }),
  );
  for (const [i, request] of requests.entries()) {
    const text = await (await request).text();
    assertEquals(text, `/${i}`.repeat(5000));
  }
  assertEquals(client.stats.opened, 1);
});

// ---- Other origins --------------------------------------------------------

Deno.test("a pool of another origin that is made anew is its own", async () => {
  const blocked = once();
  await using other = new ClientArena(async (client) => {
    if (client.isWebsocketRequest) {
      return await client.acceptWebsocket()?.closed;
    }
    if (client.path === "/slow") {
      await client.responseStream();
      return blocked.resolve();
    }
    return await client.respond("x", { headers: { connection: "close" } });
  });
  await using arena = new ClientArena((client) => client.respond("x"));
  const { client } = arena;
  const { url } = other.server;
  const ws = await client.websocket(url);
  await client.get(url);
  await eventually(() => client.stats.connections === 1);
  const slow = await client.get(`${url}slow`, { stream: true });
  await blocked.promise;
  ws.close();
  await ws.closed;
  await eventually(() => client.stats.connections === 1);
  assertEquals(client.state, "receiving");
  const read = slow.read();
  await client.close();
  await assertRejects(() => read, AbortedError);
});
