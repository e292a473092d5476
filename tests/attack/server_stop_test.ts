import { assertEquals } from "@std/assert";
import type { HttpConnection, HttpServerOptions } from "@uhttp/uhttp";
import { Arena } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import { RawClient } from "../support/raw_client.ts";
import { eventually } from "../support/serving.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const KINDS = kinds(pair);

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const SIZE = 8 * 1024 * 1024;

const file = await Deno.makeTempFile();
await Deno.truncate(file, SIZE);
addEventListener("unload", () => Deno.removeSync(file));

/** A state that a connection can be in when the server is to stop. */
interface Stop {
  name: string;
  /** Brings the connection there. */
  begin: (arena: Arena, peer: RawClient) => Promise<unknown>;
  /** What the peer does so that all ends well. */
  finish?: (arena: Arena, peer: RawClient) => Promise<unknown>;
  /** Bytes of body of the last answer, or -1 where none comes. */
  length: number;
}

function answer(client: HttpConnection, arena: Arena): unknown {
  switch (client.path) {
    case "/held":
    case "/multipart":
      return arena.hold(client);
    case "/large":
      return client.respond(new Uint8Array(SIZE));
    case "/file":
      return client.respondFile(file);
    default:
      return client.respond("ok");
  }
}

const STOPS: Stop[] = [
  {
    name: "with nothing sent",
    begin: (arena) =>
      eventually(() => arena.server.stats.openConnections === 1),
    length: -1,
  },
  {
    name: "between requests",
    begin: async (_arena, peer) => {
      await peer.send(GET);
      await peer.response();
    },
    length: -1,
  },
  {
    name: "in a head",
    begin: async (arena, peer) => {
      await peer.send(GET.slice(0, 20));
      await arena.entered("head");
    },
    finish: (_arena, peer) => peer.send(GET.slice(20)),
    length: 2,
  },
  {
    name: "in a body",
    begin: async (arena, peer) => {
      await peer.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab",
      );
      await arena.entered("body");
    },
    finish: (_arena, peer) => peer.send("cd"),
    length: 2,
  },
  {
    name: "with a held request",
    begin: async (arena, peer) => {
      await peer.send(GET.replace("/", "/held"));
      await arena.entered("held");
    },
    finish: async (arena) => (await arena.next()).respond("at last"),
    length: 7,
  },
  {
    name: "with a held request and others behind it",
    begin: async (arena, peer) => {
      await peer.send(GET.replace("/", "/held") + GET + GET);
      await arena.entered("held");
    },
    finish: async (arena) => (await arena.next()).respond("at last"),
    length: 2,
  },
  {
    name: "in a multipart answer",
    begin: async (arena, peer) => {
      await peer.send(GET.replace("/", "/multipart"));
      await arena.until(() => arena.held.length === 1);
      arena.held[0].responseMultipart({ boundary: "b" });
      await peer.until("\r\n\r\n");
    },
    finish: async (arena) => {
      const client = await arena.next();
      await client.responseMultipartFrame("x");
      await client.responseMultipartEnd();
    },
    length: -1,
  },
  {
    name: "in a large answer",
    begin: async (arena, peer) => {
      await peer.send(GET.replace("/", "/large"));
      await arena.entered("held");
      await peer.more();
    },
    length: SIZE,
  },
  {
    name: "in a large last answer",
    begin: async (arena, peer) => {
      await peer.send("GET /large HTTP/1.0\r\n\r\n");
      await arena.entered("closing");
      await peer.more();
    },
    length: SIZE,
  },
  {
    name: "in a file",
    begin: async (arena, peer) => {
      await peer.send(GET.replace("/", "/file"));
      await arena.entered("answering");
      await peer.more();
    },
    length: SIZE,
  },
  {
    name: "in a refused upload",
    begin: async (arena, peer) => {
      await peer.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
      );
      await arena.entered("discarding");
    },
    length: 26,
  },
];

/** Reads to the end, and returns how long the last answer's body was. */
async function lastBody(peer: RawClient): Promise<number> {
  let length = -1;
  while (peer.pending !== "" || await peer.more()) {
    if (!peer.pending.startsWith("HTTP/1.1 ")) {
      await peer.rest();
      break;
    }
    const { headers, bytes } = await peer.response();
    assertEquals(bytes.length, Number(headers["content-length"]));
    length = bytes.length;
  }
  return length;
}

for (const { kind, options, wants } of KINDS) {
  for (const { name, begin, finish, length } of STOPS) {
    const wholly: HttpServerOptions = { ...options, bodyTimeout: 5000 };
    Deno.test({
      ...wanting(`HttpServer.shutdown() ends well ${name} (${kind})`, ...wants),
    }, async () => {
      await using arena = new Arena(answer, wholly);
      const peer = await arena.connect();
      await begin(arena, peer);
      const ended = arena.server.shutdown();
      const got = lastBody(peer).finally(() => peer.close());
      await finish?.(arena, peer);
      assertEquals(await got, length);
      await ended;
      assertEquals(arena.server.isFinished, true);
    });

    Deno.test({
      ...wanting(
        `HttpServer.shutdown() ends after its timeout ${name} (${kind})`,
        ...wants,
      ),
    }, async () => {
      await using arena = new Arena(answer, wholly);
      const peer = await arena.connect();
      await begin(arena, peer);
      await arena.server.shutdown({ timeout: 50 });
      assertEquals(arena.server.stats.openConnections, 0);
      assertEquals(arena.server.isFinished, true);
      await peer.rest();
    });

    Deno.test({
      ...wanting(`HttpServer.close() ends at once ${name} (${kind})`, ...wants),
    }, async () => {
      await using arena = new Arena(answer, wholly);
      const peer = await arena.connect();
      await begin(arena, peer);
      const [held] = arena.held;
      const closed = arena.server.close();
      assertEquals(arena.server.stats.openConnections, 0);
      await closed;
      assertEquals(arena.server.isFinished, true);
      if (held !== undefined) {
        assertEquals(held.signal.aborted, true);
        assertEquals(
          await (held.isAnswered
            ? held.responseMultipartFrame("x")
            : held.respond("x")),
          false,
        );
      }
      await peer.rest();
    });
  }
}

for (const how of ["close", "shutdown"] as const) {
  Deno.test({
    ...wanting(`HttpServer.${how}() ends in a TLS handshake`, "OpenSSL 3"),
  }, async () => {
    await using arena = new Arena(answer, { ...pair, requestTimeout: 100 });
    const { port } = arena.server;
    using peer = new RawClient(
      await Deno.connect({ hostname: "127.0.0.1", port }),
    );
    await peer.send(new Uint8Array([0x16, 3, 1]));
    await eventually(() => arena.server.stats.openConnections === 1);
    await arena.server[how]();
    assertEquals(arena.server.stats.openConnections, 0);
  });

  Deno.test(
    `HttpServer.${how}() ${
      how === "shutdown" ? "serves" : "turns away"
    } those that wait for room`,
    async () => {
      await using arena = new Arena(answer, { maxWaitingClients: 1 });
      const first = await arena.connect();
      await first.send(GET.replace("/", "/held"));
      const client = await arena.next();
      const waiting = await Promise.all(
        Array.from({ length: 5 }, () => arena.connect()),
      );
      for (const peer of waiting) await peer.send(GET);
      const ended = arena.server[how]();
      assertEquals(await client.respond("ok"), how === "shutdown");
      first.close();
      for (const peer of waiting) {
        const text = await peer.rest();
        assertEquals(/200 OK/.test(text), how === "shutdown", text);
      }
      await ended;
    },
  );
}

Deno.test("HttpServer.close() ends many connections in all states", async () => {
  await using arena = new Arena(answer);
  const peers = await Promise.all(
    Array.from({ length: 60 }, () => arena.connect()),
  );
  for (const [i, peer] of peers.entries()) {
    await peer.send(
      [GET, GET.slice(0, 9), GET.replace("/", "/held"), "\0"][i % 4],
    );
  }
  await arena.until(() => arena.held.length === 15);
  await arena.server.close();
  await Promise.all(peers.map((peer) => peer.rest()));
  assertEquals(arena.server.stats.openConnections, 0);
});
