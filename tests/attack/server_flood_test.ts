import { assert, assertEquals } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { Arena } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import { RawClient } from "../support/raw_client.ts";
import { has, wanting } from "../support/wanting.ts";

const pairs = has("OpenSSL 3")
  ? await Promise.all([makePair(), makePair()])
  : [];
const KINDS = kinds(pairs[0] ?? null);

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/** Sends a last request, and reads its answer to the end. */
async function ask(arena: Arena): Promise<string> {
  const peer = await arena.connect();
  await peer.send(LAST);
  const text = await peer.rest();
  peer.close();
  return text.slice(0, 15);
}

for (const { kind, options, wants } of KINDS) {
  Deno.test({
    ...wanting(
      `HttpServer answers a burst beyond its connection limit (${kind})`,
      ...wants,
    ),
  }, async () => {
    await using arena = new Arena((client) => client.respond("ok"), {
      ...options,
      maxWaitingClients: 2,
    });
    const texts = await Promise.all(
      Array.from({ length: 60 }, () => ask(arena)),
    );
    assertEquals(texts, texts.map(() => "HTTP/1.1 200 OK"));
  });

  Deno.test({
    ...wanting(
      `HttpServer serves those it has in a flood of connections (${kind})`,
      ...wants,
    ),
  }, async () => {
    await using arena = new Arena((client, arena) => arena.hold(client), {
      ...options,
      maxWaitingClients: 4,
    });
    const existing: RawClient[] = [];
    const clients: HttpConnection[] = [];
    for (let i = 0; i < 4; i++) {
      const peer = await arena.connect();
      await peer.send(GET);
      existing.push(peer);
      clients.push(await arena.next());
    }
    const waiting = Array.from({ length: 40 }, () => ask(arena));
    for (let round = 0; round < 20; round++) {
      for (const [i, peer] of existing.entries()) {
        // The next request is there before this answer: it is never idle.
        await peer.send(GET);
        clients[i].respond(String(round));
        clients[i] = await arena.next();
        assertEquals((await peer.response()).body, String(round));
      }
      assertEquals(arena.server.stats.openConnections, 4);
      assertEquals(arena.held.length, 0);
    }
    for (const client of clients) {
      client.respond("last", { headers: { connection: "close" } });
    }
    for (const peer of existing) {
      assertEquals((await peer.response()).body, "last");
      peer.close();
    }
    for (let i = 0; i < 40; i++) {
      assert(arena.server.stats.openConnections <= 4);
      (await arena.next()).respond("at last");
    }
    const texts = await Promise.all(waiting);
    assertEquals(texts, texts.map(() => "HTTP/1.1 200 OK"));
  });
}

Deno.test("HttpServer evicts those that are idle for longest", async () => {
  await using arena = new Arena((client) => client.respond("ok"), {
    maxWaitingClients: 3,
    requestTimeout: 100, // the clock ticks every 10 ms
  });
  const peers: RawClient[] = [];
  for (let i = 0; i < 3; i++) {
    const peer = await arena.connect();
    await peer.send(GET);
    await peer.response();
    peers.push(peer);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  // The first becomes the youngest.
  await peers[0].send(GET);
  await peers[0].response();
  for (const oldest of [peers[1], peers[2], peers[0]]) {
    const peer = await arena.connect();
    await peer.send(GET);
    await peer.response();
    assertEquals(await oldest.more(), false);
    assertEquals(arena.server.stats.openConnections, 3);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
});

Deno.test("HttpServer is not stopped by connections that send nothing", async () => {
  await using arena = new Arena((client) => client.respond("ok"), {
    maxWaitingClients: 8,
  });
  for (let i = 0; i < 30; i++) await arena.connect();
  await arena.serves();
  assert(arena.server.stats.openConnections <= 8);
});

Deno.test("HttpServer answers keepAliveMaxRequests of more requests", async () => {
  await using arena = new Arena((client) => client.respond("ok"), {
    keepAliveMaxRequests: 5,
  });
  const peer = await arena.connect();
  await peer.send(GET.repeat(500));
  for (let i = 1; i <= 5; i++) {
    const { headers } = await peer.response();
    assertEquals(headers.connection, i < 5 ? "keep-alive" : "close");
  }
  assertEquals(await peer.rest(), "");
  assertEquals(arena.server.stats.requests, 5);
});

// ---- Accepting --------------------------------------------------------------

/** Faults of `accept()`, and whether anybody is told of them. */
const FAULTS: [fault: Error, isTold: boolean][] = [
  [new Error("Too many open files (os error 24)"), true],
  // Whoever has left by then is nobody's fault, and may be many.
  [new Deno.errors.ConnectionReset("Reset before it was accepted"), false],
];

for (const [fault, isTold] of FAULTS) {
  Deno.test(`HttpServer goes on accepting after "${fault.message}"`, async () => {
    const inner = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    let faults = 0;
    const listener = {
      addr: inner.addr,
      accept: (): Promise<Deno.Conn> =>
        faults++ % 4 < 3 ? Promise.reject(fault) : inner.accept(),
      close: () => inner.close(),
      [Symbol.asyncIterator]: () => inner[Symbol.asyncIterator](),
    };
    await using arena = new Arena((client) => client.respond("ok"), {
      listener,
    });
    for (let i = 0; i < 5; i++) await arena.serves();
    assert(faults >= 15);
    if (isTold) assert(arena.errors.length >= 15);
    assertEquals(new Set(arena.errors), new Set(isTold ? [fault] : []));
  });
}

Deno.test("HttpServer can be closed while it waits after an accept error", async () => {
  const failed = Promise.withResolvers<void>();
  let isClosed = false;
  const listener = {
    accept: (): Promise<Deno.Conn> => Promise.reject(FAULTS[0]),
    close: () => isClosed = true,
    addr: { transport: "tcp", hostname: "127.0.0.1", port: 9 } as const,
    [Symbol.asyncIterator]: () => {
      throw new Error("Not to be called");
    },
  };
  await using arena = new Arena((client) => client.respond("ok"), {
    listener,
    onError: () => failed.resolve(),
  });
  await failed.promise;
  await arena.server.close();
  assertEquals(isClosed, true);
});

Deno.test({
  ...wanting(
    "HttpServer.loadCertificate() disturbs nobody under load",
    "OpenSSL 3",
    "Linux",
  ),
}, async () => {
  await using arena = new Arena((client) => client.respond("ok"), pairs[0]);
  const { port } = arena.server;
  const caCerts = pairs.map((pair) => pair.cert);
  // Resolves once the server has accepted the connection.
  const connect = async () => {
    const conn = await Deno.connectTls({
      hostname: "localhost",
      port,
      caCerts,
    });
    try {
      await conn.handshake();
    } catch (error) {
      conn.close();
      throw error;
    }
    return new RawClient(conn);
  };
  using old = await connect();
  await old.send(GET);
  await old.response();
  let isOver = false;
  const load = Array.from({ length: 8 }, async () => {
    for (let count = 0;;) {
      if (isOver) return count;
      let peer: RawClient;
      try {
        peer = await connect();
      } catch (error) {
        // Nobody listens for a moment; what was accepted lives on.
        assert(
          error instanceof Deno.errors.ConnectionRefused ||
            error instanceof Deno.errors.ConnectionReset ||
            error instanceof Deno.errors.UnexpectedEof,
          String(error),
        );
        continue;
      }
      await peer.send(LAST);
      assertEquals((await peer.response()).status, 200);
      peer.close();
      count++;
    }
  });
  for (let i = 1; i <= 6; i++) {
    await arena.server.loadCertificate(pairs[i % 2]);
    await arena.until(() => arena.server.stats.requests > i * 10);
  }
  isOver = true;
  const counts = await Promise.all(load);
  assert(counts.reduce((sum, count) => sum + count) > 50);
  await old.send(GET);
  assertEquals((await old.response()).status, 200);
});
