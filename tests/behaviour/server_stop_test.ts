import { assert, assertEquals } from "@std/assert";
import {
  type HttpConnection,
  HttpServer,
  type HttpServerOptions,
} from "@uhttp/uhttp";
import { Arena } from "../support/arena.ts";
import { latePeers } from "../support/late_peers.ts";
import { eventually } from "../support/serving.ts";
import { block } from "../support/timers.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

interface Stop {
  name: string;
  texts: string[];
  /** Answers that each peer is to get. */
  answers: number;
  connectFirst: boolean;
  options?: HttpServerOptions;
  /** What a request costs, in ms. */
  cost?: number;
}

const STOPS: Stop[] = [
  {
    name: "sent on open connections",
    texts: Array(30).fill(GET),
    answers: 1,
    connectFirst: true,
  },
  {
    name: "sent on connections that wait to be accepted",
    texts: Array(100).fill(GET),
    answers: 1,
    connectFirst: false,
  },
  {
    name: "with a body",
    texts: Array(30).fill(POST),
    answers: 1,
    connectFirst: true,
  },
  {
    name: "sent together",
    texts: Array(10).fill(GET.repeat(3)),
    answers: 3,
    connectFirst: true,
  },
  {
    name: "sent together on connections that wait",
    texts: Array(10).fill(GET.repeat(3)),
    answers: 3,
    connectFirst: false,
  },
  {
    name: "sent to a server that is busy",
    texts: Array(12).fill(GET),
    answers: 1,
    connectFirst: true,
    cost: 60,
  },
  {
    name: "sent to a server that is busy, on connections that wait",
    texts: Array(12).fill(GET),
    answers: 1,
    connectFirst: false,
    cost: 60,
  },
  {
    name: "that wait for room",
    texts: Array(12).fill(GET),
    answers: 1,
    connectFirst: false,
    options: { maxWaitingClients: 3 },
  },
];

for (const { name, texts, answers, connectFirst, options, cost = 0 } of STOPS) {
  Deno.test(`HttpServer.shutdown() loses no requests ${name}`, async () => {
    await using arena = new Arena((client) => {
      block(cost);
      return client.respond("ok");
    }, options);
    const { port } = arena.server;
    const peers = latePeers({ port, texts, connectFirst });
    await peers.ready;
    if (connectFirst) {
      await eventually(() =>
        arena.server.stats.openConnections === texts.length
      );
    }
    peers.send();
    const ended = arena.server.shutdown();
    for (const text of await peers.answers) {
      assertEquals(text.match(/200 OK/g)?.length, answers, text);
      // Told that it is the last, and then closed in good order.
      assert(/\r\nconnection: close\r\n[^]*ok$/.test(text), text);
    }
    await ended;
    peers.end();
    assertEquals(arena.server.stats.openConnections, 0);
  });
}

Deno.test("HttpServer.shutdown() answers what comes a moment later, and says that it is the last", async () => {
  await using arena = new Arena((client) => client.respond("ok"));
  const peer = await arena.connect();
  await peer.send(GET);
  assertEquals((await peer.response()).headers.connection, "keep-alive");
  const ended = arena.server.shutdown();
  await peer.send(GET);
  assertEquals((await peer.response()).headers.connection, "close");
  assertEquals(await peer.rest(), "");
  peer.close();
  await ended;
});

Deno.test("HttpServer.shutdown() lets the next request come behind an answer that promised it", async () => {
  await using arena = new Arena((client, arena) => {
    if (client.path === "/") return client.respond("ok");
    arena.hold(client);
    return client.responseStream();
  });
  const peer = await arena.connect();
  await peer.send(GET.replace("/", "/stream"));
  const client: HttpConnection = await arena.next();
  await peer.until("\r\n\r\n");
  const ended = arena.server.shutdown();
  client.responseStreamEnd();
  await peer.until("0\r\n\r\n");
  await peer.send(GET);
  assertEquals((await peer.response()).headers.connection, "close");
  peer.close();
  await ended;
});

Deno.test("HttpServer.shutdown() refuses connections once it has accepted those that wait", async () => {
  await using arena = new Arena((client, arena) => arena.hold(client));
  const peer = await arena.connect();
  await peer.send(GET);
  const client = await arena.next();
  const ended = arena.server.shutdown();
  await eventually(() =>
    !arena.server.readSockets.includes(arena.server.socket)
  );
  const refused = await arena.open().then(() => false, () => true);
  assertEquals(refused, true);
  assertEquals(await client.respond("ok"), true);
  peer.close();
  await ended;
});

Deno.test("HttpServer.close() does not wait for a shutdown under way", async () => {
  await using arena = new Arena((client, arena) => arena.hold(client));
  const peer = await arena.connect();
  await peer.send(GET);
  await arena.next();
  const ended = arena.server.shutdown();
  await arena.server.close();
  await ended;
  assertEquals(await peer.rest(), "");
});

Deno.test("HttpServer.shutdown() ends the loop though its source never ends", async () => {
  const server = new HttpServer({
    listener: {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<Deno.Conn>>(() => {}),
      }),
    },
  });
  server.shutdown({ timeout: 2 ** 31 });
  for await (const client of server) client.close();
});

Deno.test("HttpServer.shutdown() lets go of its port though there is no room for those that wait", async () => {
  await using arena = new Arena((client, arena) => arena.hold(client), {
    maxWaitingClients: 1,
  });
  const peer = await arena.connect();
  await peer.send(GET);
  const client = await arena.next();
  const other = await arena.connect();
  const ended = arena.server.shutdown();
  assertEquals(await other.rest(), "");
  const refused = await arena.open().then(() => false, () => true);
  assertEquals(refused, true);
  assertEquals(await client.respond("ok"), true);
  peer.close();
  await ended;
});
