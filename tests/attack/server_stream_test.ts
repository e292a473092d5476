import { assert, assertEquals } from "@std/assert";
import type { HttpConnection, HttpServerOptions } from "@uhttp/uhttp";
import { Arena, openFiles } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import { bytesOf, cut, mutate, Random } from "../support/fuzz.ts";
import { MemoryScene } from "../support/memory_conn.ts";
import type { RawClient } from "../support/raw_client.ts";
import { eventually } from "../support/serving.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const KINDS = kinds(pair);

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
let files = 0;

const STREAMING: HttpServerOptions = { streaming: true };

/** Whatever comes of it, it is over. */
function settled(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error) => error);
}

// ---- Cut at every byte ------------------------------------------------------

const UPLOADS: Record<string, string> = {
  "of known length":
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n" +
    "some data",
  "in chunks": "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" +
    "\r\n4;x=y\r\nsome\r\n5\r\n data\r\n0\r\nT: 1\r\n\r\n",
};

const HANDLERS: Record<string, (client: HttpConnection) => unknown> = {
  "reads": async (client) => {
    const text = await client.text();
    return client.respond(text);
  },
  "saves": async (client) => {
    const path = `${folder}/${files++}`;
    const length = await client.saveTo(path);
    await Deno.remove(path);
    return client.respond(String(length));
  },
  "echoes": (client) => client.respond(client.body),
  "answers first": (client) => client.respond("early"),
  "answers while it reads": async (client) => {
    client.responseStream();
    const reading = settled(client.readAll());
    await client.sendChunk("begun");
    await reading;
    return client.responseStreamEnd();
  },
  "uses Request and Response": (client) =>
    client.respondWith(
      client.request.text().then((text) => new Response(text)),
    ),
  "takes over": async (client) => {
    const raw = client.hijack();
    const buffer = new Uint8Array(100);
    while (await raw.read(buffer).catch(() => null) !== null);
    return raw.close();
  },
};

for (const { kind, options, wants } of KINDS) {
  for (const ending of ["close", "half-close"]) {
    for (const [what, request] of Object.entries(UPLOADS)) {
      // Every third byte will do, and with TLS fewer still.
      const step = kind === "TLS" ? 29 : 3;
      Deno.test({
        ...wanting(
          `HttpServer survives a ${ending} at many a byte of an upload ` +
            `${what} (${kind})`,
          ...wants,
        ),
      }, async (t) => {
        for (const [name, handler] of Object.entries(HANDLERS)) {
          await t.step(`that ${name}`, async () => {
            await using arena = new Arena(
              (client) =>
                client.path === "/"
                  ? client.respond("ok")
                  : settled((async () => await handler(client))()),
              { ...options, ...STREAMING },
            );
            const attack = async (length: number) => {
              const peer = await arena.connect();
              await peer.send(request.slice(0, length));
              if (ending === "half-close") {
                await peer.conn.closeWrite();
                await peer.rest();
              }
              peer.close();
            };
            const lengths: number[] = [];
            for (let i = 0; i <= request.length; i += step) lengths.push(i);
            while (lengths.length > 0) {
              await Promise.all(lengths.splice(0, 32).map(attack));
            }
            await arena.until(() => arena.server.stats.openConnections === 0);
            await arena.until(() => arena.unsettled === 0);
            assertEquals(openFiles((path) => path.startsWith(folder)), []);
            assertEquals([...Deno.readDirSync(folder)], []);
            await arena.serves();
          });
        }
      });
    }
  }
}

// ---- Cut in an answer -------------------------------------------------------

// What does not get smaller, so that a peer's buffers are full soon.
const noise = crypto.getRandomValues(new Uint8Array(60_000)).toHex();
let noiseAt = 0;

function someNoise(): string {
  noiseAt = (noiseAt + 5000) % 110_000;
  return noise.slice(noiseAt, noiseAt + 5000);
}

const ANSWERS: Record<string, (client: HttpConnection) => unknown> = {
  "chunks": async (client) => {
    client.responseStream();
    while (await client.sendChunk(someNoise()));
    return client.responseStreamEnd();
  },
  "a stream": (client) =>
    client.respond(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(5000)),
      }),
    ),
  "a generator": (client) =>
    client.respond((function* () {
      for (;;) yield new Uint8Array(5000);
    })()),
  "a Response": (client) =>
    client.respondWith(
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(5000)),
        }),
      ),
    ),
  "events": async (client) => {
    client.responseEvents({ keepAlive: 20 });
    while (await client.sendEvent({ data: someNoise() }));
    return client.responseStreamEnd();
  },
  "lines": async (client) => {
    client.responseNdjson();
    while (await client.sendNdjson(someNoise()));
    return client.responseStreamEnd();
  },
  "raw bytes": async (client) => {
    const raw = client.hijack();
    for (;;) await raw.write(new Uint8Array(5000));
  },
  "silent events": async (client) => {
    client.responseEvents({ keepAlive: 20 });
    for (let i = 0; i < 50; i++) {
      await client.sendEvent({ data: someNoise() });
    }
    const { signal } = client;
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    }
    return client.close();
  },
};

for (const { kind, options, wants } of KINDS) {
  for (const compress of [false, true]) {
    const how = compress ? `${kind}, compressed` : kind;
    Deno.test({
      ...wanting(
        `HttpServer survives many peers that go in an answer (${how})`,
        ...wants,
      ),
    }, async (t) => {
      for (const [name, answer] of Object.entries(ANSWERS)) {
        await t.step(name, async () => {
          await using arena = new Arena(
            (client) =>
              client.path === "/"
                ? client.respond("ok")
                : settled((async () => await answer(client))()),
            { ...options, compress, sendTimeout: 1000, keepAliveTimeout: 500 },
          );
          const attack = async (length: number) => {
            const peer = await arena.connect();
            await peer.send(
              "GET /x HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
            );
            for (let read = 0; read < length;) {
              read += await peer.conn.read(new Uint8Array(1000)) ?? length;
            }
            peer.close();
          };
          await Promise.all(
            [0, 0, 1, 10, 1000, 30_000].map(attack),
          );
          await arena.serves();
          await arena.until(() => arena.server.stats.openConnections === 0);
          await arena.until(() => arena.unsettled === 0);
        });
      }
    });
  }
}

// ---- The server stops -------------------------------------------------------

for (const { kind, options, wants } of KINDS) {
  for (const ending of ["close()", "shutdown()"]) {
    Deno.test({
      ...wanting(
        `${ending} ends all that streams, and leaves nothing (${kind})`,
        ...wants,
      ),
    }, async () => {
      const stages: Record<string, [string, (c: HttpConnection) => unknown]> = {
        reading: [
          "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
          (client) => client.readAll(),
        ],
        saving: [
          "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
          (client) => client.saveTo(`${folder}/${files++}`),
        ],
        held: [
          "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
          () => {},
        ],
        answering: ["GET /x HTTP/1.1\r\nHost: a\r\n\r\n", async (client) => {
          client.responseStream();
          while (await client.sendChunk(someNoise()));
        }],
        idle: [
          "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
          (client) => client.respond(new ReadableStream({})),
        ],
        web: [
          "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
          (client) => client.respondWith(new Response(new ReadableStream({}))),
        ],
        raw: ["GET /x HTTP/1.1\r\nHost: a\r\n\r\n", (client) => {
          return client.hijack().read(new Uint8Array(1));
        }],
      };
      let index = 0;
      const order = Object.values(stages);
      await using arena = new Arena((client) => {
        arena.hold(client);
        return settled(
          (async () => await order[Number(client.headers["x-n"])][1](client))(),
        );
      }, { ...options, ...STREAMING });
      const peers: RawClient[] = [];
      for (const [request] of order) {
        const peer = await arena.connect();
        peers.push(peer);
        await peer.send(
          request.replace("\r\n\r\n", `\r\nX-N: ${index++}\r\n\r\n`),
        );
      }
      await arena.until(() => arena.held.length === order.length);
      const clients = arena.held.splice(0);
      if (ending === "close()") await arena.server.close();
      else await arena.server.shutdown({ timeout: 100 });
      assertEquals(arena.server.stats.openConnections, 0);
      for (const client of clients.slice(0, 6)) assert(client.signal.aborted);
      await eventually(() => arena.unsettled === 0);
      assertEquals(openFiles((path) => path.startsWith(folder)), []);
      assertEquals([...Deno.readDirSync(folder)], []);
    });
  }
}

// ---- Whatever comes ---------------------------------------------------------

const SEEDS = [
  "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nhello, world" +
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\nX: y\r\n\r\n" +
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" +
  "Content-Length: 5\r\n\r\nhello",
  "POST /x HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
  "PUT /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n" +
  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nraw",
  "HEAD /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
];

const ALL: ((client: HttpConnection) => unknown)[] = [
  ...Object.values(HANDLERS),
  (client) => {
    client.responseStream();
    client.sendChunk("a");
    return client.responseStreamEnd();
  },
  (client) => client.respond(["a", "b"].values()),
  (client) => {
    client.limit(4);
    return client.readAll();
  },
  async (client) => {
    await client.read();
    return client.respondWith(new Response("x"));
  },
  (client) => Promise.all([client.readAll(), client.respond("x")]),
  (client) => client.upgrade("x").close(),
  (client) => client.close(),
];

for (const seed of [1, 2, 3]) {
  Deno.test(`HttpServer makes no wrong move whatever comes (seed ${seed})`, async () => {
    const random = new Random(seed);
    let unsettled = 0;
    await using scene = new MemoryScene((client) => {
      if (client.path === "/") {
        client.respond("ok");
        return;
      }
      unsettled++;
      const handler = random.pick(ALL);
      // To hold it for a while, or not at all.
      const turns = random.below(4);
      (async () => {
        for (let i = 0; i < turns; i++) await Promise.resolve();
        try {
          await handler(client);
        } finally {
          // A request that is given up on is dropped.
          if (!client.isAnswered) client.close();
        }
      })().catch(() => {}).finally(() => unsettled--);
    }, { streaming: true, allowConnect: true, compress: seed === 2 });
    for (let i = 0; i < 600; i++) {
      const text = mutate(random, random.pick(SEEDS));
      const peer = scene.connect();
      for (const piece of cut(random, bytesOf(text), 1 + random.below(6))) {
        await peer.send(piece).catch(() => {});
        for (let turns = random.below(8); turns > 0; turns--) {
          await Promise.resolve();
        }
      }
      if (random.below(2) === 0) await peer.conn.closeWrite();
      else peer.close();
      if (i % 50 === 0) {
        const other = scene.connect();
        await other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertEquals((await other.response()).body, "ok");
        other.close();
      }
    }
    await eventually(() => unsettled === 0);
    await eventually(() => scene.server.stats.openConnections === 0);
    assertEquals([...Deno.readDirSync(folder)], []);
  });
}
