import { assert, assertEquals } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { Arena, openFiles } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import type { RawClient } from "../support/raw_client.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const KINDS = kinds(pair);

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const REQUESTS: Record<string, string> = {
  "of a head": "GET /x?y=z HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n\r\n",
  "of a body": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n" +
    "some data",
  "of a chunked body":
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "4;x=y\r\nsome\r\n5\r\n data\r\n0\r\nT: 1\r\n\r\n",
};

const file = await Deno.makeTempFile();
await Deno.truncate(file, 16 * 1024 * 1024);
addEventListener("unload", () => Deno.removeSync(file));

/**
 * Asks for something and leaves most of the answer unread: to close then is
 * to reset the connection.
 */
async function leaveUnread(peer: RawClient): Promise<void> {
  await peer.send(GET);
  await peer.conn.read(new Uint8Array(1));
}

// ---- In a request -----------------------------------------------------------

for (const { kind, options, wants } of KINDS) {
  for (const [what, request] of Object.entries(REQUESTS)) {
    for (const ending of ["close", "reset", "half-close"]) {
      Deno.test({
        ...wanting(
          `HttpServer survives a ${ending} at every byte ${what} (${kind})`,
          ...wants,
        ),
      }, async () => {
        await using arena = new Arena(
          (client) => client.respond("ok"),
          options,
        );
        const attack = async (length: number) => {
          const peer = await arena.connect();
          if (ending === "reset") await leaveUnread(peer);
          await peer.send(request.slice(0, length));
          if (ending === "half-close") {
            await peer.conn.closeWrite();
            const text = await peer.rest();
            const isWhole = length === request.length;
            assertEquals(text.startsWith("HTTP/1.1 200 OK\r\n"), isWhole);
            assertEquals(text === "", !isWhole);
          }
          peer.close();
        };
        const lengths = Array.from(request + "!", (_, length) => length);
        while (lengths.length > 0) {
          await Promise.all(lengths.splice(0, 32).map(attack));
        }
        await arena.until(() => arena.server.stats.openConnections === 0);
        await arena.serves();
      });
    }
  }
}

// ---- In an answer -----------------------------------------------------------

interface Stage {
  name: string;
  /** Begins the answer; resolves when the test may cut the connection. */
  answer: (client: HttpConnection) => unknown;
  /** Whether the peer reads a part of the answer first. */
  reads?: boolean;
}

const STAGES: Stage[] = [
  { name: "a held request", answer: () => {} },
  {
    name: "a large answer",
    answer: (client) => client.respond(new Uint8Array(16 * 1024 * 1024)),
    reads: true,
  },
  {
    name: "a Blob",
    answer: (client) =>
      client.respond(new Blob([new Uint8Array(16 * 1024 * 1024)])),
    reads: true,
  },
  {
    name: "a file",
    answer: (client) => client.respondFile(file),
    reads: true,
  },
  {
    name: "a multipart answer",
    answer: async (client) => {
      client.responseMultipart();
      const image = new Uint8Array(50_000);
      while (await client.responseMultipartFrame(image));
      assertEquals(await client.responseMultipartEnd(), false);
    },
    reads: true,
  },
  {
    name: "a multipart answer that has yet to begin",
    answer: (client) => client.responseMultipart(),
  },
];

for (const { kind, options, wants } of KINDS) {
  for (const stage of STAGES) {
    for (const ending of ["close", "reset"]) {
      Deno.test({
        ...wanting(
          `HttpServer survives a ${ending} in ${stage.name} (${kind})`,
          ...wants,
        ),
      }, async () => {
        await using arena = new Arena((client, arena) => {
          if (client.path === "/") return client.respond("ok");
          arena.hold(client);
          return stage.answer(client);
        }, { ...options, bodyTimeout: 100 });
        const peer = await arena.connect();
        if (ending === "reset") await leaveUnread(peer);
        await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        const client = await arena.next();
        if (stage.reads) {
          let length = 0;
          while (length < 100_000) {
            length += await peer.conn.read(new Uint8Array(65536)) ?? 100_000;
          }
        }
        const gone = stage.reads ? null : aborted(client);
        peer.close();
        await gone;
        // An answer that comes too late is lost, and does no harm.
        if (!client.isAnswered) await client.respond("nobody hears this");
        else if (!stage.reads) client.close();
        await arena.until(() => arena.server.stats.openConnections === 0);
        await arena.until(() => arena.unsettled === 0);
        assertEquals(openFiles((target) => target === file), []);
        await arena.serves();
      });
    }
  }
}

// ---- Half-closed peers ------------------------------------------------------

interface HalfClosed {
  name: string;
  sent: string;
  paths: string[];
}

const HALF_CLOSED: HalfClosed[] = [
  {
    name: "one request",
    sent: "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    paths: ["/a"],
  },
  {
    name: "one request of HTTP/1.0",
    sent: "GET /a HTTP/1.0\r\n\r\n",
    paths: ["/a"],
  },
  {
    name: "a request with a body",
    sent: "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    paths: ["/a"],
  },
  {
    name: "pipelined requests",
    sent: ["/a", "/b", "/c"].map((path) =>
      `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
    ).join(""),
    paths: ["/a", "/b", "/c"],
  },
  {
    name: "requests and a part of one",
    sent: "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n" +
      "\r\nGET /c HTT",
    paths: ["/a", "/b"],
  },
  {
    name: "more requests than fit a buffer",
    sent: "GET /a HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500),
    paths: Array(500).fill("/a"),
  },
];

for (const { kind, options, wants } of KINDS) {
  for (const { name, sent, paths } of HALF_CLOSED) {
    for (const isDeferred of [false, true]) {
      const when = isDeferred ? "later" : "at once";
      Deno.test({
        ...wanting(
          `HttpServer answers ${name} ${when} to a half-closed peer (${kind})`,
          ...wants,
        ),
      }, async () => {
        await using arena = new Arena(
          (client, arena) =>
            isDeferred ? arena.hold(client) : client.respond(client.path),
          { ...options, bodyTimeout: 100 },
        );
        const peer = await arena.connect();
        await peer.send(sent);
        await peer.conn.closeWrite();
        const answers = peer.rest();
        if (isDeferred) {
          for (let i = 0; i < paths.length; i++) {
            const client = await arena.next();
            // The first few answers come only once the end has been seen.
            if (i < 2 && i === paths.length - 1) await aborted(client);
            client.respond(client.path);
          }
        }
        const bodies = (await answers).split(/HTTP\/1\.1 200 OK\r\n/).slice(1);
        assertEquals(
          bodies.map((body) => body.slice(body.indexOf("\r\n\r\n") + 4)),
          paths,
        );
        await arena.until(() => arena.server.stats.openConnections === 0);
      });
    }
  }

  Deno.test({
    ...wanting(
      `HttpServer finishes a file for a half-closed peer (${kind})`,
      ...wants,
    ),
  }, async () => {
    await using arena = new Arena(
      (client) => client.respondFile(file),
      options,
    );
    const peer = await arena.connect();
    await peer.send(GET);
    await peer.conn.closeWrite();
    let length = 0;
    const buffer = new Uint8Array(65536);
    for (let read; (read = await peer.conn.read(buffer)) !== null;) {
      length += read;
    }
    assert(length > 16 * 1024 * 1024);
  });
}

function aborted(client: HttpConnection): Promise<unknown> {
  return new Promise((resolve) => {
    if (client.signal.aborted) resolve(null);
    else client.signal.addEventListener("abort", resolve);
  });
}
