import { assert, assertEquals } from "@std/assert";
import type { HttpConnection, HttpServerOptions } from "@uhttp/uhttp";
import { Arena } from "../support/arena.ts";
import { RawClient } from "../support/raw_client.ts";

const POST = "POST /x HTTP/1.1\r\nHost: a\r\n";
const SIZE = 3_000_000;
const STREAM = { streaming: true };

/**
 * What stands before a server and takes the end of one direction for the end
 * of both, as some TLS terminators do.
 */
class Terminator implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conns = new Set<Deno.Conn>();
  readonly #done: Promise<unknown>;

  constructor(port: number) {
    this.#done = this.#run(port);
  }

  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  async #run(port: number): Promise<void> {
    const pairs: Promise<unknown>[] = [];
    for await (const near of this.#listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#conns.add(near).add(far);
      const end = () => {
        for (const conn of [near, far]) {
          if (this.#conns.delete(conn)) conn.close();
        }
      };
      for (const [from, to] of [[near, far], [far, near]]) {
        pairs.push(pass(from, to).then(end, end));
      }
    }
    await Promise.all(pairs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) conn.close();
    this.#conns.clear();
    await this.#done;
  }
}

async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  for (let length; (length = await from.read(buffer)) !== null;) {
    for (let rest = buffer.subarray(0, length); rest.length > 0;) {
      rest = rest.subarray(await to.write(rest));
    }
  }
}

/**
 * Sends a body; behind its first half the answer is there already, as the
 * other side sees it.
 */
async function upload(peer: RawClient, isChunked: boolean): Promise<void> {
  const piece = new Uint8Array(30_000).fill(0x78);
  for (let sent = 0; sent < SIZE; sent += piece.length) {
    if (sent === SIZE / 2) await peer.more();
    if (isChunked) await peer.send(piece.length.toString(16) + "\r\n");
    await peer.send(piece);
    if (isChunked) await peer.send("\r\n");
  }
  if (isChunked) await peer.send("0\r\n\r\n");
}

const notFound = (client: HttpConnection) =>
  client.respond("no", { status: 404 });

const ANSWERS: {
  name: string;
  options: HttpServerOptions;
  answer: (client: HttpConnection) => unknown;
  fields?: string;
  status: number;
}[] = [
  {
    name: "an upload that is not read",
    options: STREAM,
    answer: notFound,
    status: 404,
  },
  {
    name: "an upload that is read in part",
    options: { ...STREAM, maxContentLength: 10_000_000 },
    answer: async (client) => {
      await client.read();
      return notFound(client);
    },
    status: 404,
  },
  {
    name: "an upload that is answered by a Response",
    options: STREAM,
    answer: (client) => client.respondWith(new Response("no", { status: 404 })),
    status: 404,
  },
  {
    name: "an upload that is answered in parts",
    options: STREAM,
    answer: (client) => {
      client.responseStream({ status: 404 });
      client.sendChunk("no");
      return client.responseStreamEnd();
    },
    status: 404,
  },
  {
    name: "an upload that is too large",
    options: {},
    answer: notFound,
    status: 413,
  },
  {
    name: "an upload that is too large for its reader",
    options: { streaming: true, maxContentLength: 1_000_000 },
    answer: (client) => client.readAll().catch(() => {}),
    status: 413,
  },
  {
    name: "an expectation",
    options: {},
    answer: notFound,
    fields: "Expect: cake\r\n",
    status: 417,
  },
  {
    name: "a last request",
    options: STREAM,
    answer: notFound,
    fields: "Connection: close\r\n",
    status: 404,
  },
];

for (const isChunked of [false, true]) {
  const framing = isChunked
    ? "Transfer-Encoding: chunked\r\n\r\n"
    : `Content-Length: ${SIZE}\r\n\r\n`;
  for (const { name, options, answer, fields = "", status } of ANSWERS) {
    const how = isChunked ? "chunked" : "with its length";
    Deno.test(`HttpServer's answer to ${name} is read through a terminator (${how})`, async () => {
      await using arena = new Arena(answer, options);
      await using terminator = new Terminator(arena.server.port);
      using peer = await RawClient.connect(terminator);
      await peer.send(POST + fields + framing);
      await upload(peer, isChunked);
      const response = await peer.response();
      assertEquals(response.status, status);
      // What was said before the end of the upload holds behind it.
      const isKept = name.includes("in parts");
      const connection = isKept ? "keep-alive" : "close";
      assertEquals(response.headers.connection, connection);
      if (isKept) {
        await peer.send(`${POST}Content-Length: 1\r\n\r\nx`);
        assertEquals((await peer.response()).status, status);
      }
      peer.close();
    });
  }
}

Deno.test("HttpServer reads on behind its answer though the peer reads nothing", async () => {
  // More than all buffers in between: each side would wait for the other.
  const length = 16 * 1024 * 1024;
  await using arena = new Arena(
    (client) => client.respond(new Uint8Array(length)),
    STREAM,
  );
  const peer = await arena.connect();
  await peer.send(`${POST}Content-Length: ${4 * length}\r\n\r\n`);
  const piece = new Uint8Array(1024 * 1024);
  for (let i = 0; i < 64; i++) await peer.send(piece);
  assertEquals((await peer.response()).bytes.length, length);
  peer.close();
});

Deno.test("HttpServer closes its side once all of a refused request is in", async () => {
  await using arena = new Arena(notFound, STREAM);
  const peer = await arena.connect();
  await peer.send(`${POST}Content-Length: 10\r\n\r\nabc`);
  assertEquals((await peer.response()).status, 404);
  await arena.entered("discarding");
  assertEquals(arena.count("draining"), 0);
  await peer.send("defghij");
  await arena.entered("draining");
  assertEquals(await peer.rest(), "");
  peer.close();
});

/** Peers that do not come to an end. */
const ENDLESS: {
  name: string;
  options: HttpServerOptions;
  send: (peer: RawClient) => Promise<unknown>;
}[] = [
  {
    name: "falls silent",
    options: { bodyTimeout: 150 },
    send: () => Promise.resolve(),
  },
  {
    name: "breaks a chunk",
    options: {},
    send: (peer) => peer.send("\r\nnonsense\r\n"),
  },
  {
    name: "sends a byte now and then",
    options: { bodyTimeout: 300 },
    send: async (peer) => {
      while (!peer.ended) {
        await peer.send("x").catch(() => peer.ended = true);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  },
];

for (const { name, options, send } of ENDLESS) {
  Deno.test(`HttpServer closes its side to a refused peer that ${name}`, async () => {
    await using arena = new Arena(notFound, { ...STREAM, ...options });
    const peer = await arena.connect();
    await peer.send(`${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc`);
    if (name.includes("byte")) await peer.send("\r\n1000000\r\n");
    assertEquals((await peer.response()).status, 404);
    const sending = send(peer);
    assertEquals(await peer.rest(), "");
    await arena.entered("draining");
    peer.close();
    await sending;
  });
}

Deno.test("HttpServer does not wait for a refused body of which nothing comes", async () => {
  await using arena = new Arena(notFound);
  const peer = await arena.connect();
  await peer.send(`${POST}Content-Length: 9999999\r\n\r\n`);
  assertEquals((await peer.response()).status, 413);
  assertEquals(await peer.rest(), "");
  peer.close();
});

Deno.test("HttpServer ends at once a refused peer that ends", async () => {
  await using arena = new Arena(notFound, STREAM);
  const peer = await arena.connect();
  await peer.send(`${POST}Content-Length: 10\r\n\r\nabc`);
  assertEquals((await peer.response()).status, 404);
  await arena.entered("discarding");
  await peer.conn.closeWrite();
  assertEquals(await peer.rest(), "");
  assertEquals(arena.count("draining"), 0);
});

Deno.test("HttpServer gives the place of a refused peer to another", async () => {
  await using arena = new Arena(
    (client) => client.path === "/" ? client.respond("ok") : notFound(client),
    { ...STREAM, maxWaitingClients: 1 },
  );
  const peer = await arena.connect();
  await peer.send(`${POST}Content-Length: 10\r\n\r\nabc`);
  assertEquals((await peer.response()).status, 404);
  await arena.serves();
  assert(!await peer.more());
});

Deno.test("HttpServer.shutdown() does not wait for a refused peer", async () => {
  await using arena = new Arena(notFound, STREAM);
  const peer = await arena.connect();
  await peer.send(`${POST}Content-Length: 10\r\n\r\nabc`);
  assertEquals((await peer.response()).status, 404);
  await arena.entered("discarding");
  const ended = arena.server.shutdown();
  assertEquals(await peer.rest(), "");
  peer.close();
  await ended;
});

Deno.test("HttpServer sends all of an answer though the rest of its request does not come", async () => {
  const length = 8 * 1024 * 1024;
  await using arena = new Arena((client) => {
    client.responseStream();
    client.sendChunk(new Uint8Array(length));
    return client.responseStreamEnd();
  }, { ...STREAM, bodyTimeout: 150 });
  const peer = await arena.connect();
  await peer.send(`${POST}Content-Length: 10\r\n\r\nabc`);
  // Nothing is read before the rest is given up.
  await arena.entered("closing");
  assertEquals((await peer.response()).bytes.length, length);
  assertEquals(await peer.rest(), "");
});

Deno.test("HttpServer says that the connection ends where it will, and the answer has no body", async () => {
  await using arena = new Arena(
    (client) => client.responseStream({ status: 204 }),
    STREAM,
  );
  const peer = await arena.connect();
  await peer.send(`${POST}Content-Length: 10\r\n\r\nabc`);
  assertEquals((await peer.response()).headers.connection, "close");
  peer.close();
});
