import { assert, assertEquals } from "@std/assert";
import type { HttpConnection, HttpServerOptions } from "@uhttp/uhttp";
import { Arena, openFiles } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import { RawClient } from "../support/raw_client.ts";
import { Timers } from "../support/timers.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const KINDS = kinds(pair);

/** Others ask so often, in ms: more would only keep the machine busy. */
const PACE = 5;

/** Serves others, again and again, until something has come to its end. */
async function servesUntil<T>(arena: Arena, end: Promise<T>): Promise<T> {
  let isOver = false;
  const watched = end.finally(() => isOver = true);
  let served = 0;
  while (!isOver) {
    await arena.serves();
    served++;
    await new Promise((resolve) => setTimeout(resolve, PACE));
  }
  assert(served > 0);
  return await watched;
}

// ---- Peers that send slowly -------------------------------------------------

interface SlowSender {
  name: string;
  /** Sent at once. */
  start: string;
  /** Sent a byte at a time, 20 ms apart; then nothing more. */
  slowly: string;
  options: HttpServerOptions;
  /** Answers before the connection is closed. */
  statuses: number[];
}

const POST = "POST / HTTP/1.1\r\nHost: a\r\n";
const SLOW_SENDERS: SlowSender[] = [
  {
    name: "sends a head a byte at a time",
    start: "",
    slowly: "GET / HTTP/1.1\r\nHost: a\r\nX: " + "x".repeat(100),
    options: { requestTimeout: 300 },
    statuses: [408],
  },
  {
    name: "sends a second head a byte at a time",
    start: "GET / HTTP/1.1\r\nHost: a\r\n\r\nG",
    slowly: "ET / HTTP/1.1\r\nHost: a\r\nX: " + "x".repeat(100),
    options: { requestTimeout: 300 },
    statuses: [200, 408],
  },
  {
    name: "stops within an empty line",
    start: "\r",
    slowly: "",
    options: { requestTimeout: 300 },
    statuses: [408],
  },
  {
    name: "stops within a body",
    start: POST + "Content-Length: 10\r\n\r\nabc",
    slowly: "",
    options: { bodyTimeout: 100 },
    statuses: [408],
  },
  {
    name: "stops before a body that it wanted to be asked for",
    start: POST + "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n",
    slowly: "",
    options: { bodyTimeout: 100 },
    statuses: [100, 408],
  },
  {
    name: "stops within a chunk",
    start: POST + "Transfer-Encoding: chunked\r\n\r\nA\r\nabc",
    slowly: "",
    options: { bodyTimeout: 100 },
    statuses: [408],
  },
  {
    name: "stops within a trailer section",
    start: POST + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y",
    slowly: "",
    options: { bodyTimeout: 100 },
    statuses: [408],
  },
  {
    name: "stops after a body in slow bytes",
    start: POST + "Content-Length: 30\r\n\r\n",
    slowly: "0123456789abcdefghij",
    options: { bodyTimeout: 300, requestTimeout: 300 },
    statuses: [408],
  },
  {
    name: "sends nothing at all",
    start: "",
    slowly: "",
    options: { keepAliveTimeout: 100 },
    statuses: [],
  },
  {
    name: "sends no second request",
    start: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    slowly: "",
    options: { keepAliveTimeout: 100 },
    statuses: [200],
  },
];

/** Sends bytes 20 ms apart, until the server has had enough. */
async function trickle(peer: RawClient, text: string): Promise<void> {
  for (const byte of text) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (peer.ended) return;
    try {
      await peer.send(byte);
    } catch {
      return;
    }
  }
}

for (const { kind, options, wants } of KINDS) {
  for (const row of SLOW_SENDERS) {
    const name = `HttpServer cuts off a peer that ${row.name} (${kind})`;
    Deno.test({ ...wanting(name, ...wants) }, async () => {
      const limits = { ...options, ...row.options };
      using timers = new Timers();
      await using arena = new Arena((client) => client.respond("ok"), limits);
      const peer = await arena.connect();
      await peer.send(row.start);
      const answers = peer.rest();
      const sending = trickle(peer, row.slowly);
      const text = await servesUntil(arena, answers);
      assert(timers.counted < 5000, "that took too long");
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)];
      assertEquals(statuses.map((match) => Number(match[1])), row.statuses);
      assertEquals(
        arena.server.stats.timedOut,
        row.statuses.includes(408) ? 1 : 0,
      );
      await sending;
    });
  }
}

for (const sent of [[], [0x16], [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]]) {
  const name = `HttpServer gives up a TLS handshake of ${sent.length} bytes`;
  Deno.test({ ...wanting(name, "OpenSSL 3") }, async () => {
    await using arena = new Arena(
      (client) => client.respond("ok"),
      { ...pair, requestTimeout: 300 },
    );
    const { port } = arena.server;
    using peer = new RawClient(
      await Deno.connect({ hostname: "127.0.0.1", port }),
    );
    await peer.send(new Uint8Array(sent));
    await servesUntil(arena, arena.until(() => arena.errors.length > 0));
    await arena.until(() => arena.server.stats.openConnections === 0);
    assertEquals(arena.server.stats.timedOut, 1);
    assert(/handshake took too long/.test(String(arena.errors[0])));
  });
}

Deno.test({
  ...wanting("HttpServer ends a TLS handshake that is none", "OpenSSL 3"),
}, async () => {
  await using arena = new Arena((client) => client.respond("ok"), { ...pair });
  const { port } = arena.server;
  using peer = new RawClient(
    await Deno.connect({ hostname: "127.0.0.1", port }),
  );
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await servesUntil(arena, peer.rest());
  assertEquals(arena.server.stats.timedOut, 0);
});

// ---- Peers that do not read -------------------------------------------------

// Far more than the system takes for a peer that does not read.
const LARGE = 12 * 1024 * 1024;
const file = await Deno.makeTempFile();
await Deno.truncate(file, LARGE);
addEventListener("unload", () => Deno.removeSync(file));

interface Answer {
  name: string;
  answer: (client: HttpConnection) => Promise<boolean>;
}

async function frames(client: HttpConnection): Promise<boolean> {
  client.responseMultipart();
  const image = new Uint8Array(100_000);
  while (await client.responseMultipartFrame(image));
  return false;
}

const ANSWERS: Answer[] = [
  {
    name: "bytes",
    answer: (client) => client.respond(new Uint8Array(LARGE)),
  },
  { name: "text", answer: (client) => client.respond("x".repeat(LARGE)) },
  {
    name: "a Blob",
    answer: (client) => client.respond(new Blob([new Uint8Array(LARGE)])),
  },
  { name: "a file", answer: (client) => client.respondFile(file) },
  { name: "multipart frames", answer: frames },
];

for (const { kind, options, wants } of KINDS) {
  for (const { name, answer } of ANSWERS) {
    Deno.test({
      ...wanting(
        `HttpServer cuts off a peer that does not read ${name} (${kind})`,
        ...wants,
      ),
    }, async () => {
      const outcome = Promise.withResolvers<boolean>();
      await using arena = new Arena((client) => {
        if (client.path === "/") return client.respond("ok");
        const sent = answer(client);
        outcome.resolve(sent);
        return sent;
      }, { ...options, sendTimeout: 150 });
      const peer = await arena.connect();
      await peer.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
      assertEquals(await servesUntil(arena, outcome.promise), false);
      await arena.until(() => arena.server.stats.openConnections === 0);
      assertEquals(arena.server.stats.timedOut, 1);
      assertEquals(arena.server.writeSockets, []);
      await arena.until(() => arena.unsettled === 0);
      assertEquals(openFiles((target) => target === file), []);
    });
  }

  Deno.test({
    ...wanting(
      `HttpServer cuts off a peer that never reads its answers (${kind})`,
      ...wants,
    ),
  }, async () => {
    // Of an answer to the peer, of one to others, and how many they got.
    let size = 0;
    let otherSize = 0;
    let others = 0;
    let most = 0;
    await using arena = new Arena((client) => {
      if (client.path === "/") others++;
      const { requests, bytesOut } = arena.server.stats;
      const made = (requests - others) * size + others * otherSize;
      most = Math.max(most, made - bytesOut);
      return client.respond("x".repeat(1000));
    }, { ...options, sendTimeout: 150, keepAliveMaxRequests: Infinity });
    const peer = await arena.connect();
    await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    await peer.response();
    size = arena.server.stats.bytesOut;
    await arena.serves();
    otherSize = arena.server.stats.bytesOut - size;
    const flooding = peer.send(
      "GET /x HTTP/1.1\r\nHost: a\r\n\r\n".repeat(30_000),
    ).catch(() => {});
    await servesUntil(arena, arena.until(() => arena.errors.length > 0));
    await arena.until(() => arena.server.stats.openConnections === 0);
    assertEquals(arena.server.stats.timedOut, 1);
    // With TLS, Deno keeps the socket until the peer goes.
    peer.close();
    await flooding;
    const { maxSendBufferSize } = arena.server.limits;
    assert(most > 16_384, "nothing was queued");
    assert(most < maxSendBufferSize + 3 * size, `${most} bytes were queued`);
  });
}

Deno.test("HttpServer drops a peer that frames are pushed at blindly", async () => {
  const pushed: Promise<boolean>[] = [];
  await using arena = new Arena((client) => {
    if (client.path === "/") return client.respond("ok");
    client.responseMultipart();
    for (let i = 0; i < 1000; i++) {
      pushed.push(client.responseMultipartFrame(new Uint8Array(10_000)));
    }
    return Promise.all(pushed);
  });
  const peer = await arena.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  await arena.until(() => arena.errors.length > 0);
  const outcomes = await Promise.all(pushed);
  assertEquals(outcomes.filter((sent) => sent).length < 8, true);
  assertEquals(outcomes.at(-1), false);
  assert(/reads too slowly/.test(String(arena.errors[0])));
  await arena.until(() => arena.server.stats.openConnections === 0);
  assert(arena.server.stats.bytesOut < 100_000);
  await arena.serves();
});
