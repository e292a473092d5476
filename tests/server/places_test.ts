import { assert, assertEquals } from "@std/assert";
import type { HttpServerOptions } from "@uhttp/uhttp";
import { type Place, Places } from "../../server/places.ts";
import { Arena } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import type { RawClient } from "../support/raw_client.ts";
import { eventually } from "../support/serving.ts";
import { FastTime } from "../support/timers.ts";
import { has, wanting } from "../support/wanting.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const UPLOAD = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";

// ---- Who gives way ----------------------------------------------------------

/** A place: address, and `idle`, `slow` or `busy` for so many ticks. */
function place(text: string): Place & { name: string; isClosed: boolean } {
  const [name, address, state, ticks = "5"] = text.split(" ");
  return {
    name,
    address: address === "-" ? "" : address,
    isClosed: false,
    age: Number(ticks),
    isSpare: state === "idle",
    slowness: state === "slow" ? Number(ticks) : 0,
  };
}

interface Row {
  name: string;
  limit: number;
  places: string[];
  newcomer: string;
  /** Who gives way, one after the other. */
  victims: string[];
}

const ROWS: Row[] = [
  {
    name: "those that are idle for longest",
    limit: 3,
    places: ["a A idle 5", "b A idle 9", "c B idle 7"],
    newcomer: "C",
    victims: ["b", "a", "c"],
  },
  {
    name: "the first of those that are alike",
    limit: 3,
    places: ["a - idle", "b - idle", "c - idle"],
    newcomer: "",
    victims: ["a", "b", "c"],
  },
  {
    name: "those that are idle before those that are slow",
    limit: 4,
    places: ["a A slow 90", "b B idle 2", "c C slow 95", "d D busy 99"],
    newcomer: "E",
    victims: ["b", "c", "a"],
  },
  {
    name: "an address with a large share first, slow ones too",
    limit: 16,
    places: ["a A idle 99", "b B slow 9", "c B slow 8", "d B idle 1"],
    newcomer: "C",
    victims: ["d", "b", "a", "c"], // B has too few then
  },
  {
    name: "nobody who is at work, as a rule",
    limit: 4,
    places: ["a A busy", "b A busy", "c B busy", "d B busy"],
    newcomer: "C",
    victims: [],
  },
  {
    name: "who has more than half, at work or not, to another",
    limit: 4,
    places: ["a A busy 1", "b A busy 3", "c A busy 2", "d B busy 9"],
    newcomer: "C",
    victims: ["b"],
  },
  {
    name: "nobody at work to more of the same",
    limit: 4,
    places: ["a A busy", "b A busy", "c A busy", "d A busy"],
    newcomer: "A",
    victims: [],
  },
  {
    name: "who is at work for a trusted proxy never",
    limit: 2,
    places: ["a - busy", "b - busy"],
    newcomer: "C",
    victims: [],
  },
];

for (const { name, limit, places, newcomer, victims } of ROWS) {
  Deno.test(`Places.victim() is ${name}`, () => {
    const all = places.map(place);
    const held = new Places<typeof all[number]>(limit);
    for (const one of all) held.add(one);
    const seen: string[] = [];
    for (let tick = 0; tick < places.length; tick++) {
      // Within one tick, and looking anew.
      const victim = held.victim(all, newcomer, tick >> 1);
      if (victim === null) break;
      seen.push(victim.name);
      victim.isClosed = true;
      held.delete(victim);
      all.splice(all.indexOf(victim), 1);
    }
    assertEquals(seen, victims);
  });
}

Deno.test("Places counts by address, and forgets who has left", () => {
  const places = new Places<Place>(4);
  const all = ["a A idle", "b A idle", "c B idle", "d - idle"].map(place);
  for (const one of all) places.add(one);
  assertEquals(["A", "B", "", "C"].map((a) => places.count(a)), [2, 1, 0, 0]);
  for (const one of all) places.delete(one);
  assertEquals(["A", "B", ""].map((a) => places.count(a)), [0, 0, 0]);
});

// ---- A server with few places -------------------------------------------------

/** Gives connections the address that its peers are said to have. */
class Addressed implements AsyncIterable<Deno.Conn> {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  /** The addresses of those that come next. */
  readonly next: string[] = [];

  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  async accept(): Promise<Deno.Conn> {
    const conn = await this.#listener.accept();
    const hostname = this.next.shift() ?? "127.0.0.1";
    return Object.defineProperty(conn, "remoteAddr", {
      value: { transport: "tcp", hostname, port: 1 },
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Deno.Conn> {
    for (;;) yield await this.accept();
  }

  close(): void {
    this.#listener.close();
  }
}

class Crowd {
  readonly listener = new Addressed();
  readonly arena: Arena;

  constructor(options: HttpServerOptions) {
    this.arena = new Arena((client, arena) => {
      if (client.path !== "/held") return client.respond("ok");
      return arena.hold(client);
    }, { listener: this.listener, ...options });
  }

  async from(address: string): Promise<RawClient> {
    this.listener.next.push(address);
    return await this.arena.connect();
  }

  /** Somebody who comes now is answered. */
  async serves(address: string): Promise<void> {
    const peer = await this.from(address);
    await peer.send(GET);
    assertEquals((await peer.response()).body, "ok");
    peer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.arena[Symbol.asyncDispose]();
  }
}

const HELD = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n";

/** What may take all places, from one address and from many. */
const HOLDS: Record<string, (peer: RawClient) => Promise<void>> = {
  "connections that send nothing": () => Promise.resolve(),
  "halves of a head": (peer) => peer.send("GET / HTTP/1.1\r\nHo"),
  "uploads that drip": (peer) => peer.send(`${UPLOAD}a`),
};

for (const [what, hold] of Object.entries(HOLDS)) {
  for (const isOne of [true, false]) {
    const whose = isOne ? "one address" : "many addresses";
    Deno.test(`HttpServer has places in spite of ${what} from ${whose}`, async () => {
      await using crowd = new Crowd({
        maxWaitingClients: 6,
        requestTimeout: 15_000,
      });
      const { server } = crowd.arena;
      for (let i = 0; i < 6; i++) {
        await hold(await crowd.from(isOne ? "10.0.0.1" : `10.0.0.${i}`));
        await eventually(() => server.stats.openConnections === i + 1);
      }
      await crowd.serves("10.0.1.1");
      await crowd.serves("10.0.1.2");
      assert(server.stats.openConnections <= 6);
    });
  }
}

Deno.test("HttpServer takes requests from an address that holds most of them", async () => {
  await using crowd = new Crowd({ maxWaitingClients: 4 });
  for (let i = 0; i < 4; i++) {
    const peer = await crowd.from("10.0.0.1");
    await peer.send(HELD);
    await crowd.arena.until(() => crowd.arena.held.length === i + 1);
  }
  // More of the same have to wait, and others do not wait behind them.
  for (let i = 0; i < 70; i++) {
    await (await crowd.from("10.0.0.1")).send(GET);
  }
  await crowd.serves("10.0.0.2");
});

Deno.test("HttpServer keeps requests of an address that holds half of them", async () => {
  await using crowd = new Crowd({ maxWaitingClients: 4 });
  const { arena } = crowd;
  const peers: RawClient[] = [];
  for (const address of ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3"]) {
    const peer = await crowd.from(address);
    peers.push(peer);
    await peer.send(HELD);
    await arena.until(() => arena.held.length === peers.length);
  }
  const late = await crowd.from("10.0.0.4");
  await late.send(GET);
  for (const client of arena.held.splice(0)) {
    assertEquals(await client.respond("held"), true);
  }
  for (const peer of peers) assertEquals((await peer.response()).body, "held");
  assertEquals((await late.response()).body, "ok");
});

Deno.test("HttpServer closes nobody who has asked while it was busy", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const second = Promise.withResolvers<Deno.Conn>();
  // The third never comes: it ends with the listener.
  const sources = [
    () => listener.accept(),
    () => second.promise,
    () => listener.accept(),
  ];
  await using arena = new Arena((client) => client.respond("ok"), {
    maxWaitingClients: 1,
    listener: {
      addr: listener.addr,
      accept: () => sources.shift()!(),
      close: () => listener.close(),
      async *[Symbol.asyncIterator]() {},
    },
  });
  const peer = await arena.connect();
  await eventually(() => arena.server.stats.openConnections === 1);
  const other = await arena.connect();
  const conn = await listener.accept();
  await peer.send(GET);
  // Another comes behind what the server learns of the time that went by, and
  // before it reads what has come meanwhile.
  setTimeout(() => second.resolve(conn), 300);
  for (const end = performance.now() + 350; performance.now() < end;);
  assertEquals((await peer.response()).body, "ok");
  peer.close();
  await other.send(GET);
  assertEquals((await other.response()).body, "ok");
});

Deno.test("HttpServer closes nobody of whom it was not told yet that he has asked", async () => {
  await using crowd = new Crowd({
    maxWaitingClients: 2,
    requestTimeout: 300, // a tick is an eighth of that
  });
  const { arena, listener } = crowd;
  const first = await crowd.from("10.0.0.1");
  await first.send(HELD);
  await arena.until(() => arena.held.length === 1);
  // So it is where Deno has more to do than to ask the system.
  const { promise: told, resolve: tell } = Promise.withResolvers<void>();
  const accept = listener.accept.bind(listener);
  listener.accept = async () => {
    const conn = await accept();
    const { read, write } = conn;
    conn.read = (bytes) => told.then(() => read.call(conn, bytes));
    conn.write = (bytes) => told.then(() => write.call(conn, bytes));
    return conn;
  };
  // Whom it waits for already is as before.
  await crowd.serves("10.0.0.1");
  await eventually(() => arena.server.stats.openConnections === 1);
  const peer = await crowd.from("10.0.0.2");
  await peer.send(GET);
  await eventually(() => arena.server.stats.openConnections === 2);
  const other = await crowd.from("10.0.0.3");
  await other.send(GET);
  await new Promise((resolve) => setTimeout(resolve, 200));
  tell();
  assertEquals((await peer.response()).body, "ok");
  peer.close();
  assertEquals((await other.response()).body, "ok");
  for (const client of arena.held.splice(0)) client.respond("held");
});

Deno.test("maxClientsPerAddress bounds connections, but for trusted proxies", async () => {
  await using crowd = new Crowd({
    maxClientsPerAddress: 2,
    trustedProxies: ["10.0.0.9"],
  });
  const { server } = crowd.arena;
  const peers: RawClient[] = [];
  for (const address of ["10.0.0.1", "10.0.0.1", "10.0.0.2"]) {
    const peer = await crowd.from(address);
    await peer.send(GET);
    await peer.response();
    peers.push(peer);
  }
  const third = await crowd.from("10.0.0.1");
  assertEquals(await third.more(), false);
  assertEquals([server.stats.refused, server.stats.openConnections], [1, 3]);
  peers[0].close();
  await eventually(() => server.stats.openConnections === 2);
  await crowd.serves("10.0.0.1");
  for (let i = 0; i < 5; i++) {
    const peer = await crowd.from("10.0.0.9");
    await peer.send(GET);
    assertEquals((await peer.response()).body, "ok");
  }
});

// ---- TLS ------------------------------------------------------------------------

const pair = has("OpenSSL 3") ? await makePair() : null;
const [, { options: secure, wants }] = kinds(pair);

Deno.test({
  ...wanting(
    "HttpServer goes on when silent TLS connections have left that held all places",
    ...wants,
  ),
}, async () => {
  await using arena = new Arena((client) => client.respond("ok"), {
    ...secure,
    maxWaitingClients: 4,
    requestTimeout: 100,
  });
  const { server } = arena;
  const connect = () =>
    Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const silent = await Promise.all(Array.from({ length: 4 }, connect));
  await eventually(() => server.stats.timedOut === 4);
  // One more knocks while they stay, and there is nobody in any more.
  const waiting = arena.serves();
  await eventually(() => server.stats.openConnections === 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const conn of silent) conn.close();
  await waiting;
});

// ---- Bodies that drip, answers that do not come ---------------------------------

for (const streaming of [false, true]) {
  const mode = streaming ? "as it comes" : "as a whole";
  Deno.test(`minReceiveRate ends a body that drips (${mode})`, async () => {
    using _ = new FastTime(8);
    await using arena = new Arena(
      (client) => client.text().then((text) => client.respond(text), () => {}),
      { streaming, bodyTimeout: 9000 },
    );
    const peer = await arena.connect();
    await peer.send(UPLOAD);
    let isOver = false;
    const response = peer.response().finally(() => isOver = true);
    const began = performance.now();
    let sent = 0;
    while (!isOver) {
      await peer.send("a").then(() => sent++, () => {});
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assertEquals((await response).status, 408);
    // It was never silent for long; what it sends is looked at over 10 s.
    assert(performance.now() - began > 9500);
    assert(sent > 2);
    assertEquals(arena.server.stats.timedOut, 1);
  });
}

/** Bodies that come slowly, with the rate that each has to keep. */
const SLOW = [
  { minReceiveRate: 0, bytes: 1 },
  { minReceiveRate: 50, bytes: 100 },
];

for (const { minReceiveRate, bytes } of SLOW) {
  Deno.test(`minReceiveRate of ${minReceiveRate} lets a slow body come`, async () => {
    using _ = new FastTime(8);
    await using arena = new Arena((client) => client.respond("ok"), {
      minReceiveRate,
      bodyTimeout: 9000,
    });
    const peer = await arena.connect();
    await peer.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${60 * bytes}\r\n\r\n`,
    );
    const began = performance.now();
    for (let i = 0; i < 60; i++) {
      await peer.send("a".repeat(bytes));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assertEquals((await peer.response()).status, 200);
    assert(performance.now() - began > 11_000); // longer than it is looked at
  });
}

Deno.test("answerTimeout answers 504 for an application that does not", async () => {
  await using arena = new Arena((client, arena) => arena.hold(client), {
    answerTimeout: 300,
  });
  const peer = await arena.connect();
  await peer.send(GET);
  const client = await arena.next();
  assertEquals((await peer.response()).status, 504);
  assertEquals(await client.respond("late"), false);
  assertEquals(arena.errors.length, 1);
  const other = await arena.connect();
  await other.send(GET);
  assertEquals(await (await arena.next()).respond("in time"), true);
  assertEquals((await other.response()).body, "in time");
});

// ---- Peers that have left --------------------------------------------------------

for (const length of [100, 5000, 20_000, 60_000]) {
  Deno.test(`A peer that leaves behind ${length} bytes sent ahead is noticed`, async () => {
    await using arena = new Arena((client, arena) => arena.hold(client), {
      requestTimeout: 1000,
    });
    const peer = await arena.connect();
    const ahead = GET.repeat(Math.ceil(length / GET.length));
    await peer.send(GET + ahead);
    const client = await arena.next();
    const { signal } = client;
    peer.close();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve());
    });
    client.close();
  });
}

/** More than is read ahead, so that nobody sees whether a peer has left. */
const HIDING: Record<string, [streaming: boolean, text: string]> = {
  "requests sent ahead": [false, HELD + GET.repeat(10_000)],
  "a body that nobody reads": [
    true,
    UPLOAD.replace("/", "/held") + "a".repeat(300_000),
  ],
};

for (const [what, [streaming, text]] of Object.entries(HIDING)) {
  Deno.test(`Peers give way that have left behind ${what}`, async () => {
    await using crowd = new Crowd({
      streaming,
      maxWaitingClients: 2,
      keepAliveTimeout: 500,
    });
    const { arena } = crowd;
    const held: Client[] = [];
    for (const address of ["10.0.0.1", "10.0.0.2"]) {
      const peer = await crowd.from(address);
      await peer.send(text);
      await arena.until(() => arena.held.length > 0);
      held.push(...arena.held.splice(0));
      peer.close();
    }
    await crowd.serves("10.0.0.3");
    for (const client of held) client.close();
  });
}

const ENDLESS: Record<string, (client: Client) => Promise<boolean>> = {
  events: (client) => client.responseEvents(),
  NDJSON: (client) => client.responseNdjson(),
  multipart: (client) => client.responseMultipart(),
  "a Response": (client) =>
    client.respondWith(
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(1)),
        }),
      ),
    ),
};
type Client = Parameters<ConstructorParameters<typeof Arena>[0]>[0];

for (const [what, answer] of Object.entries(ENDLESS)) {
  Deno.test(`A silent stream of ${what} ends when its peer has closed`, async () => {
    await using arena = new Arena((client) => answer(client), {
      requestTimeout: 1000,
    });
    const peer = await arena.connect();
    await peer.send(GET);
    await peer.until("\r\n\r\n");
    assertEquals(arena.server.stats.openConnections, 1);
    peer.close();
    // Much earlier than keepAliveTimeout, which the test does not wait for.
    await arena.entered("closed");
  });
}
