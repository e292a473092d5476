import { assert, assertEquals } from "@std/assert";
import zlib from "node:zlib";
import type {
  HttpConnection,
  HttpServerOptions,
  WebsocketAcceptOptions,
} from "@uhttp/uhttp";
import type { Websocket } from "../../websocket.ts";
import { Arena } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import { cut, Random } from "../support/fuzz.ts";
import { MemoryScene } from "../support/memory_conn.ts";
import { eventually } from "../support/serving.ts";
import {
  closing,
  frame,
  handshake,
  join,
  packed,
  text,
  WebsocketPeer,
} from "../support/websocket_peer.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const KINDS = kinds(pair);
const COMPRESSED = {
  "sec-websocket-extensions": "permessage-deflate; server_no_context_takeover",
};
const LOST = { code: 1006, reason: "", wasClean: false };

// ---- Who is there -----------------------------------------------------------

interface Zlib {
  destroyed: boolean;
  flush(...args: unknown[]): void;
}

/** Compressors and decompressors that were ever used here. */
const zlibs = new Set<Zlib>();

// Node's types know the functions alone that make them.
const { DeflateRaw, InflateRaw } = zlib as unknown as Record<
  string,
  { prototype: Zlib }
>;
for (const { prototype } of [DeflateRaw, InflateRaw]) {
  const { flush } = prototype;
  prototype.flush = function (this: Zlib, ...args) {
    zlibs.add(this);
    flush.apply(this, args);
  };
}

/** All compressors were used for something, and are let go. */
async function checkZlibs(least = 1): Promise<void> {
  assert(zlibs.size >= least, `only ${zlibs.size} compressors`);
  await eventually(() => [...zlibs].every(({ destroyed }) => destroyed));
  zlibs.clear();
}

/** A server for WebSockets, whose applications must all come to an end. */
class Ring extends Arena {
  readonly opened: Websocket[] = [];
  readonly clients: HttpConnection[] = [];

  constructor(
    use: (ws: Websocket) => unknown,
    options: HttpServerOptions = {},
    accept: WebsocketAcceptOptions = {},
  ) {
    super((client) => {
      if (!client.isWebsocketRequest) return client.respond("ok");
      const ws = client.acceptWebsocket({ compress: true, ...accept });
      if (ws === null) return;
      this.opened.push(ws);
      this.clients.push(client);
      this.track(ws.closed);
      return use(ws);
    }, options);
  }

  async call(): Promise<WebsocketPeer> {
    return new WebsocketPeer(await this.open());
  }

  /** A peer, and the server's side of it. */
  async meet(
    headers: Record<string, string> = {},
  ): Promise<{ peer: WebsocketPeer; ws: Websocket }> {
    const peer = await this.call();
    await peer.open(headers);
    return { peer, ws: this.opened.at(-1)! };
  }

  /** All connections are gone, and others are served. */
  async empties(): Promise<void> {
    await this.until(() => this.server.stats.openConnections === 0);
    await this.until(() => this.unsettled === 0);
    for (const ws of this.opened) {
      assert(ws.isClosed);
      assertEquals(await ws.send("x"), false);
    }
    await this.serves();
  }
}

async function echo(ws: Websocket): Promise<void> {
  for await (const message of ws) await ws.send(message);
}

/** Others are served, and other WebSockets flow, until something has ended. */
async function flowsUntil<T>(arena: Arena, end: Promise<T>): Promise<T> {
  let isOver = false;
  const watched = end.finally(() => isOver = true);
  using peer = new WebsocketPeer(await arena.open());
  await peer.send(handshake({}, "GET /echo HTTP/1.1"));
  await peer.opened();
  for (let i = 0; i === 0 || !isOver; i++) {
    await peer.send(text(`message ${i}`));
    assertEquals(await peer.event(), `text:message ${i}`);
    await arena.serves();
  }
  return await watched;
}

/** What an application does for WebSockets, and how others are served. */
function beside(
  use: (ws: Websocket, arena: Arena) => unknown,
  accept: WebsocketAcceptOptions = {},
) {
  return (client: HttpConnection, arena: Arena) => {
    if (!client.isWebsocketRequest) return client.respond("ok");
    const ws = client.acceptWebsocket(accept)!;
    return client.path === "/echo" ? echo(ws) : use(ws, arena);
  };
}

function later(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms));
}

// ---- Peers that do not read -------------------------------------------------

function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  }
  return bytes;
}

for (const { kind, options, wants } of KINDS) {
  for (const headers of [{}, COMPRESSED]) {
    const how = `${kind}${headers === COMPRESSED ? ", compressed" : ""}`;
    Deno.test({
      ...wanting(`Websocket drops a peer that never reads (${how})`, ...wants),
    }, async () => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      let most = 0;
      await using arena = new Arena(
        beside(async (ws) => {
          const bytes = noise(30_000);
          while (await ws.send(bytes)) {
            most = Math.max(most, ws.bufferedAmount);
          }
          assert(ws.isClosed);
          resolve(await ws.closed);
        }, { compress: true }),
        { ...options, sendTimeout: 150 },
      );
      using peer = new WebsocketPeer(await arena.open());
      await peer.send(handshake(headers));
      assertEquals(await flowsUntil(arena, promise), LOST);
      assertEquals(arena.server.stats.timedOut, 1);
      assert(most <= 65_536, `${most} bytes were queued`);
      peer.close();
    });

    Deno.test({
      ...wanting(
        `Websocket drops a peer that is pushed at blindly (${how})`,
        ...wants,
      ),
    }, async () => {
      const { promise, resolve } = Promise.withResolvers<boolean[]>();
      await using arena = new Arena(
        beside(async (ws) => {
          const sent: Promise<boolean>[] = [];
          const bytes = noise(10_000);
          for (let i = 0; i < 1000; i++) sent.push(ws.send(bytes));
          assert(ws.isClosed);
          assertEquals(ws.bufferedAmount, 0);
          assertEquals(await ws.closed, LOST);
          resolve(await Promise.all(sent));
        }, { compress: true }),
        options,
      );
      using peer = new WebsocketPeer(await arena.open());
      await peer.send(handshake(headers));
      const outcomes = await flowsUntil(arena, promise);
      assert(outcomes.filter((sent) => sent).length < 8);
      assertEquals(outcomes.at(-1), false);
      peer.close();
    });
  }

  Deno.test({
    ...wanting(
      `Websocket drops a peer that pings and never reads (${kind})`,
      ...wants,
    ),
  }, async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    let most = 0;
    await using arena = new Arena(
      beside(async (ws) => {
        // Fills what the kernel takes; pongs alone would take long to.
        ws.send(new Uint8Array(16_000_000));
        let least = Infinity;
        const timer = setInterval(() => {
          least = Math.min(least, ws.bufferedAmount);
          most = Math.max(most, ws.bufferedAmount - least);
        }, 5);
        resolve(await ws.closed);
        clearInterval(timer);
      }),
      { ...options, sendTimeout: 150 },
    );
    using peer = new WebsocketPeer(await arena.open());
    await peer.send(handshake());
    const pings = join(
      ...Array.from({ length: 450 }, () => frame(0x89, "x".repeat(125))),
    );
    const flood = (async () => {
      try {
        for (;;) await peer.send(pings);
      } catch {
        // Dropped at last.
      }
    })();
    assertEquals(await flowsUntil(arena, promise), LOST);
    // With TLS, Deno keeps both sockets until one side reads.
    const buffer = new Uint8Array(65536);
    while (await peer.conn.read(buffer).catch(() => null) !== null);
    peer.close();
    await flood;
    assertEquals(arena.server.stats.timedOut, 1);
    assert(most < 10_000, `${most} bytes of pongs were queued`);
  });

  Deno.test({
    ...wanting(
      `Websocket drops a peer that does not read its close frame (${kind})`,
      ...wants,
    ),
  }, async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    await using arena = new Arena(
      beside((ws) => {
        ws.send(new Uint8Array(20_000_000));
        resolve(ws.close(4000));
      }, { closeTimeout: 100 }),
      options,
    );
    using peer = new WebsocketPeer(await arena.open());
    await peer.send(handshake());
    const outcome = await flowsUntil(arena, promise);
    assertEquals(outcome, { code: 1006, reason: "" });
    peer.close();
  });
}

Deno.test("Websocket.send() waits for a peer that reads slowly, and loses nothing", async () => {
  const COUNT = 60;
  let most = 0;
  await using arena = new Ring(async (ws) => {
    for (let i = 0; i < COUNT; i++) {
      assert(await ws.send(`${i} `.repeat(40_000)));
      most = Math.max(most, ws.bufferedAmount);
    }
    assertEquals(await ws.close(), { code: 1000, reason: "" });
  });
  const { peer } = await arena.meet();
  using _ = peer;
  for (let i = 0; i < COUNT; i++) {
    const expected = "text:" + `${i} `.repeat(40_000);
    assert(await peer.event() === expected);
    if (i % 20 === 0) await later(20);
  }
  assertEquals(await peer.event(), "close:1000:");
  assertEquals(await peer.leave(), ["end"]);
  assert(most <= 65_536);
  await arena.empties();
});

// ---- Applications that do not take messages ---------------------------------

interface Flood {
  name: string;
  count: number;
  message: (i: number) => string;
  isPacked?: boolean;
  /** Bytes that may be read before the reading stops. */
  most: number;
}

const FLOODS: Flood[] = [
  {
    name: "small messages",
    count: 40_000,
    message: (i) => `${i}`,
    most: 200_000,
  },
  {
    name: "messages",
    count: 5000,
    message: (i) => `${i} ${"x".repeat(1000)}`,
    most: 500_000,
  },
  {
    name: "large messages",
    count: 50,
    message: (i) => `${i} ${"x".repeat(100_000)}`,
    most: 1_400_000,
  },
  {
    name: "messages that are packed tight",
    count: 500,
    message: (i) => `${i} ${"x".repeat(300_000)}`,
    isPacked: true,
    most: 250_000,
  },
];

for (const { kind, options, wants } of KINDS) {
  for (const { name, count, message, isPacked, most } of FLOODS) {
    if (kind === "TLS" && name !== "messages") continue;
    Deno.test({
      ...wanting(
        `Websocket stops to read while ${name} wait (${kind})`,
        ...wants,
      ),
    }, async () => {
      const go = Promise.withResolvers<void>();
      let taken = 0;
      await using arena = new Arena(
        beside(async (ws) => {
          await go.promise;
          for await (const got of ws) {
            assert(got === message(taken), `message ${taken}`);
            taken++;
          }
          assertEquals((await ws.closed).code, 1000);
        }, { compress: true }),
        options,
      );
      using peer = new WebsocketPeer(await arena.open());
      await peer.open(isPacked ? COMPRESSED : {});
      const flood = (async () => {
        for (let i = 0; i < count;) {
          const parts: Uint8Array[] = [];
          for (let length = 0; length < 60_000 && i < count; i++) {
            const one = isPacked ? packed(message(i)) : text(message(i));
            parts.push(one);
            length += one.length;
          }
          await peer.send(join(...parts));
        }
        await peer.send(closing(1000));
      })();
      // The listener alone is left.
      await eventually(() => arena.server.readSockets.length === 1);
      const { bytesIn } = arena.server.stats;
      assert(bytesIn < most, `${bytesIn} bytes were read`);
      await flowsUntil(arena, later(30));
      go.resolve();
      assertEquals(await peer.events(), ["close:1000:", "end"]);
      await flood;
      peer.close();
      await arena.until(() => arena.unsettled === 0);
      assertEquals(taken, count);
    });
  }
}

for (const how of ["close()", "shutdown()", "server.close()"]) {
  Deno.test(`Websocket ends well by ${how} while too many messages wait`, async () => {
    const ends: unknown[] = [];
    await using arena = new Ring(async (ws) => {
      ends.push(await ws.closed);
      let count = 0;
      for await (const _ of ws) count++;
      assert(count > 256);
    });
    const { peer, ws } = await arena.meet();
    using _ = peer;
    const flood = (async () => {
      const some = join(
        ...Array.from({ length: 60 }, () => text("x".repeat(1000))),
      );
      for (let i = 0; i < 60; i++) await peer.send(some);
      await peer.send(closing(1000));
    })().catch(() => {});
    await eventually(() => arena.server.readSockets.length === 1);
    if (how === "server.close()") {
      await arena.server.close();
      assertEquals(ends, [LOST]);
      peer.close();
      await flood;
      return;
    }
    const code = how === "close()" ? 4000 : 1001;
    const ended = how === "close()" ? ws.close(4000) : arena.server.shutdown();
    assertEquals(await peer.events(), [`close:${code}:`, "end"]);
    await flood;
    peer.close();
    await ended;
    await arena.until(() => arena.unsettled === 0);
    assertEquals(ends, [{ code: 1000, reason: "", wasClean: true }]);
  });
}

Deno.test("Websocket finds out that a peer has gone once its messages are taken", async () => {
  for (const ending of ["close", "reset"]) {
    const go = Promise.withResolvers<void>();
    await using arena = new Ring(async (ws) => {
      await go.promise;
      await echo(ws);
      assertEquals(await ws.closed, LOST);
    });
    const peer = await WebsocketPeer.resettable(arena.server.port);
    await peer.open();
    const many = join(...Array.from({ length: 2000 }, () => text("x")));
    await peer.send(many);
    await eventually(() => arena.server.readSockets.length === 1);
    if (ending === "reset") await peer.reset();
    else peer.close();
    go.resolve();
    await arena.empties();
  }
});

// ---- Peers that vanish ------------------------------------------------------

const CONVERSATION = join(
  handshake(COMPRESSED),
  text("hello"),
  frame(0x89, "ping"),
  frame(0x02, "frag"),
  frame(0x8a, "x"),
  frame(0x80, "mented"),
  packed("compress me, ".repeat(40)),
  frame(0x41, packed("abc".repeat(200)).subarray(6)),
  closing(1000, "bye"),
);

for (const { kind, options, wants } of KINDS) {
  for (const ending of ["close", "half-close", "reset"]) {
    if (ending === "reset" && kind === "TLS") continue;
    Deno.test({
      ...wanting(
        `Websocket survives a ${ending} at every byte (${kind})`,
        ...wants,
      ),
    }, async () => {
      let ended = 0;
      await using arena = new Ring(async (ws) => {
        await echo(ws);
        await ws.closed;
        ended++;
      }, options);
      const attack = async (length: number) => {
        const bytes = CONVERSATION.subarray(0, length);
        if (ending === "reset") {
          const peer = await WebsocketPeer.resettable(arena.server.port);
          await peer.send(bytes);
          await peer.reset();
          return;
        }
        const peer = await arena.call();
        await peer.send(bytes);
        if (ending === "half-close") {
          await peer.conn.closeWrite();
          await peer.rest();
          assert(!peer.wasReset);
        }
        peer.close();
      };
      // With TLS, at every third: its handshakes take long.
      const step = kind === "TLS" ? 3 : 1;
      const lengths = Array.from(CONVERSATION, (_, length) => length)
        .filter((length) => length % step === 0);
      while (lengths.length > 0) {
        await Promise.all(lengths.splice(0, 32).map(attack));
      }
      await arena.empties();
      assertEquals(ended, arena.opened.length);
      // A reset may overtake the request.
      if (ending !== "reset") assert(ended >= 100 / step);
      await checkZlibs(ending === "reset" ? 1 : 20 / step);
    });
  }
}

for (const { kind, options, wants } of KINDS) {
  for (const ending of ["close", "reset", "server.close()"]) {
    if (ending === "reset" && kind === "TLS") continue;
    Deno.test({
      ...wanting(
        `Websocket lets go of all by a ${ending} amid everything (${kind})`,
        ...wants,
      ),
    }, async () => {
      const { promise, resolve } = Promise.withResolvers<unknown[]>();
      const closes: number[] = [];
      await using arena = new Ring(async (ws) => {
        const closed = new Promise<void>((resolve) => {
          ws.onclose = ({ code }) => {
            closes.push(code);
            resolve();
          };
        });
        resolve([]);
        const outcome = Promise.all([
          ws.recv(),
          ws.recv(60_000),
          ws[Symbol.asyncIterator]().next(),
          ws.ping("?"),
          // A large one that is being compressed, and others behind it.
          ws.send(noise(2_000_000)).then(() => null),
          ws.close(4000),
          ws.closed,
        ]);
        assertEquals(await outcome, [
          null,
          null,
          { value: undefined, done: true },
          false,
          null,
          { code: 1006, reason: "" },
          LOST,
        ]);
        await closed;
        assertEquals(await ws.recv(), null);
      }, options);
      const broken = kind === "TLS"
        ? null
        : await WebsocketPeer.resettable(arena.server.port);
      const peer = broken ?? await arena.call();
      await peer.open(COMPRESSED);
      await peer.send(frame(0x41, packed("abc".repeat(100)).subarray(6)));
      await promise;
      if (ending === "server.close()") await arena.server.close();
      else if (ending === "reset") await broken!.reset();
      peer.close();
      await arena.until(() => arena.unsettled === 0);
      assertEquals(closes, [1006]);
      await arena.until(() => arena.server.stats.openConnections === 0);
      await checkZlibs();
    });
  }
}

Deno.test("Websocket lets go of its compressors at a good end", async () => {
  await using arena = new Ring(echo);
  for (let i = 0; i < 5; i++) {
    const { peer } = await arena.meet(COMPRESSED);
    await peer.send(packed("x".repeat(1000)));
    assertEquals(await peer.event(), "packed text:" + "x".repeat(1000));
    assertEquals(await peer.leave(), ["close:1000:", "end"]);
  }
  await arena.empties();
  await checkZlibs(10);
});

for (const ending of ["close", "reset", "goodbye", "server.close()"]) {
  Deno.test(`HttpConnection.signal aborts by a ${ending} of its WebSocket`, async () => {
    await using arena = new Arena((client, arena) => {
      client.signal; // so that it is there before
      arena.hold(client);
    });
    const peer = await WebsocketPeer.resettable(arena.server.port);
    await peer.send(handshake());
    const client = await arena.next();
    const { signal } = client;
    const ws = client.acceptWebsocket()!;
    await peer.opened();
    assert(!signal.aborted);
    assert(!client.signal.aborted);
    if (ending === "reset") await peer.reset();
    else if (ending === "goodbye") await peer.leave();
    else if (ending === "server.close()") await arena.server.close();
    else peer.close();
    await ws.closed;
    await arena.until(() => arena.server.stats.openConnections === 0);
    assert(client.signal.aborted);
    assert(signal.aborted);
    peer.close();
  });
}

// ---- The end of the server --------------------------------------------------

interface Stop {
  name: string;
  /** What the peer has sent. */
  sent: Uint8Array;
  use?: (ws: Websocket) => unknown;
}

const STOPS: Stop[] = [
  { name: "with nothing sent", sent: new Uint8Array() },
  { name: "within a frame", sent: text("hello").subarray(0, 9) },
  { name: "within a message", sent: frame(0x01, "hello") },
  {
    name: "within a compressed message",
    sent: frame(0x41, packed("abc".repeat(100)).subarray(6)),
  },
  {
    name: "with messages that nobody takes",
    sent: join(text("a"), packed("b"), text("c")),
    use: () => {},
  },
  {
    name: "in a large answer",
    sent: text("go"),
    use: async (ws) => {
      await ws.recv();
      await ws.send(noise(3_000_000));
    },
  },
  {
    name: "in its closing handshake",
    sent: new Uint8Array(),
    use: (ws) => ws.close(1001),
  },
];

for (const { kind, options, wants } of KINDS) {
  for (const { name, sent, use } of STOPS) {
    Deno.test({
      ...wanting(
        `HttpServer.shutdown() says goodbye to a WebSocket ${name} (${kind})`,
        ...wants,
      ),
    }, async () => {
      await using arena = new Ring(use ?? echo, options);
      const { peer, ws } = await arena.meet(COMPRESSED);
      const { bytesIn } = arena.server.stats;
      await peer.send(sent);
      await eventually(() =>
        arena.server.stats.bytesIn === bytesIn + sent.length
      );
      const ended = arena.server.shutdown();
      let event;
      do event = await peer.event(); while (/^(packed )?binary/.test(event));
      assertEquals(event, "close:1001:");
      assertEquals(await ws.send("late"), false);
      // Within a frame, the goodbye is a part of that; so there is none.
      if (name === "within a frame") await peer.conn.closeWrite();
      else await peer.send(closing(1001));
      assertEquals(await peer.events(), ["end"]);
      peer.close();
      await ended;
      assertEquals(arena.server.isFinished, true);
      assertEquals(
        (await ws.closed).code,
        name === "within a frame" ? 1006 : 1001,
      );
      await arena.until(() => arena.unsettled === 0);
    });

    Deno.test({
      ...wanting(
        `HttpServer.shutdown() waits no longer than it is told for a WebSocket ${name} (${kind})`,
        ...wants,
      ),
    }, async () => {
      await using arena = new Ring(use ?? echo, options);
      const { peer, ws } = await arena.meet(COMPRESSED);
      await peer.send(sent);
      await arena.server.shutdown({ timeout: 50 });
      assertEquals(arena.server.isFinished, true);
      assertEquals(arena.server.stats.openConnections, 0);
      assertEquals(await ws.closed, LOST);
      await peer.rest();
      peer.close();
      await arena.until(() => arena.unsettled === 0);
    });
  }
}

Deno.test("HttpServer.shutdown() waits for a WebSocket's closing handshake, but no longer", async () => {
  await using arena = new Ring(echo, {}, { closeTimeout: 60 });
  const { peer, ws } = await arena.meet();
  using _ = peer;
  await arena.server.shutdown();
  assertEquals(await ws.closed, LOST);
});

Deno.test("HttpServer.shutdown() says goodbye to a WebSocket that is accepted later", async () => {
  await using arena = new Arena((client, arena) => arena.hold(client));
  using peer = new WebsocketPeer(await arena.open());
  await peer.send(join(handshake(), text("a")));
  const client = await arena.next();
  const ended = arena.server.shutdown({ timeout: 3000 });
  const ws = client.acceptWebsocket();
  if (ws === null) {
    assert((await peer.response()).status >= 400);
  } else {
    await peer.opened();
    assertEquals(await peer.event(), "close:1001:");
    await peer.send(closing(1001));
    assertEquals(await peer.events(), ["end"]);
    assertEquals((await ws.closed).code, 1001);
  }
  peer.close();
  await ended;
});

Deno.test("HttpServer.close() drops many WebSockets in all states", async () => {
  await using arena = new Ring(echo);
  const peers = await Promise.all(Array.from({ length: 70 }, async (_, i) => {
    const { peer } = await arena.meet(i % 2 === 0 ? COMPRESSED : {});
    await peer.send(STOPS[i % 2 === 0 ? i / 2 % 5 : i % 3].sent);
    return peer;
  }));
  assertEquals(arena.server.stats.openConnections, 70);
  await arena.server.close();
  assertEquals(arena.server.stats.openConnections, 0);
  for (const ws of arena.opened) assertEquals(await ws.closed, LOST);
  for (const peer of peers) {
    await peer.rest();
    peer.close();
  }
});

Deno.test("HttpServer counts WebSockets, and closes none to make room", async () => {
  await using arena = new Ring(echo, { maxWaitingClients: 1 });
  const { peer } = await arena.meet();
  using other = await arena.call();
  await other.send(handshake());
  const opened = other.opened();
  await peer.send(text("still here"));
  assertEquals(await peer.event(), "text:still here");
  assertEquals(await Promise.race([opened, later(100)]), null);
  assertEquals(await peer.leave(), ["close:1000:", "end"]);
  await opened;
  await other.send(text("now"));
  assertEquals(await other.event(), "text:now");
});

Deno.test("HttpServer goes on when an application leaves its WebSocket's loop", async () => {
  await using arena = new Ring(async (ws) => {
    for await (const message of ws) {
      if (message === "enough") break;
    }
    await ws.close(4000, "enough");
  });
  const { peer } = await arena.meet();
  await peer.send(join(text("a"), text("enough"), text("more")));
  assertEquals(await peer.event(), "close:4000:enough");
  assertEquals(await peer.leave(), ["end"]);
  await arena.empties();
});

// ---- Whatever comes ---------------------------------------------------------

const USES: ((ws: Websocket, random: Random) => unknown)[] = [
  echo,
  (ws) => ws.closed,
  (ws) => {
    ws.onmessage = ({ data }) => ws.send(data);
    return ws.closed;
  },
  (ws) => ws.close(4000),
  async (ws) => {
    await ws.recv();
    return ws.close(1001);
  },
  async (ws) => {
    ws.send("x".repeat(5000));
    await ws.ping();
    return ws.recv(5);
  },
  async (ws) => {
    for await (const _ of ws) break;
    ws.send("left");
  },
];

for (const seed of [1, 2, 3]) {
  Deno.test(`Websocket makes no wrong move whatever comes (seed ${seed})`, async () => {
    const random = new Random(seed);
    zlibs.clear();
    const all: Promise<unknown>[] = [];
    await using scene = new MemoryScene((client) => {
      const ws = client.acceptWebsocket({
        compress: true,
        maxMessageLength: 5000, // so much that no queue is ever full
        closeTimeout: 30,
        idleTimeout: 30,
      });
      if (ws === null) return;
      all.push(ws.closed);
      const turns = random.below(4);
      all.push((async () => {
        for (let i = 0; i < turns; i++) await null;
        await random.pick(USES)(ws, random);
      })());
    });
    const frames = [
      text("hello"),
      text("é".repeat(100)),
      frame(0x82, "x".repeat(300)),
      frame(0x01, "a"),
      frame(0x00, "b"),
      frame(0x80, "c"),
      frame(0x89, "p"),
      frame(0x8a, "p"),
      packed("abc".repeat(300)),
      packed("z".repeat(10_000)),
      closing(1000),
    ];
    const head = handshake(COMPRESSED);
    for (let i = 0; i < 500; i++) {
      const parts = Array.from({ length: 1 + random.below(5) }, () => {
        const part = random.pick(frames).slice();
        if (random.below(4) === 0) {
          part[random.below(Math.min(8, part.length))] = random.below(256);
        }
        return part;
      });
      const bytes = join(head, ...parts);
      const peer = scene.connect();
      for (const piece of cut(random, bytes, 1 + random.below(6))) {
        await peer.send(piece).catch(() => {});
        for (let turns = random.below(8); turns > 0; turns--) await null;
      }
      switch (random.below(3)) {
        case 0:
          await peer.conn.closeWrite();
          break;
        case 1:
          peer.close();
      }
    }
    await Promise.all(all);
    assert(all.length > 900);
    await checkZlibs(20);
  });
}
