import { assert, assertEquals } from "@std/assert";
import { Arena } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const KINDS = kinds(pair);

const POST = "POST / HTTP/1.1\r\nHost: a\r\n";
const UPLOAD = 8 * 1024 * 1024;

interface Refusal {
  name: string;
  /** Sent first; `UPLOAD` bytes follow, however they come to be read. */
  head: string;
  status: number;
}

const REFUSALS: Refusal[] = [
  {
    name: "a body whose length is too large",
    head: `${POST}Content-Length: ${UPLOAD}\r\n\r\n`,
    status: 413,
  },
  {
    name: "a chunk that is too large",
    head: `${POST}Transfer-Encoding: chunked\r\n\r\n800000\r\n`,
    status: 413,
  },
  {
    name: "an expectation",
    head: `${POST}Content-Length: 1000000\r\nExpect: cake\r\n\r\n`,
    status: 417,
  },
  {
    name: "JSON that is none",
    head:
      `${POST}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{]`,
    status: 400,
  },
  {
    name: "a chunk size that is none",
    head: `${POST}Transfer-Encoding: chunked\r\n\r\n`,
    status: 400,
  },
  { name: "a head that is none", head: "", status: 400 },
  {
    name: "a head that is too large",
    head: "GET / HTTP/1.1\r\nHost: a\r\nX: ",
    status: 431,
  },
  { name: "a target that is too long", head: "GET /", status: 414 },
  {
    name: "a coding",
    head: `${POST}Transfer-Encoding: br, chunked\r\n\r\n`,
    status: 501,
  },
];

/** Reads to the end; tells a reset from an end in good order. */
async function readAll(conn: Deno.Conn): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65536);
  try {
    for (let length; (length = await conn.read(buffer)) !== null;) {
      text += decoder.decode(buffer.subarray(0, length), { stream: true });
    }
  } catch (error) {
    text += `<${(error as Error).name}>`;
  }
  return text;
}

for (const { kind, options, wants } of KINDS) {
  for (const { name, head, status } of REFUSALS) {
    Deno.test({
      ...wanting(
        `HttpServer's refusal of ${name} can be read (${kind})`,
        ...wants,
      ),
    }, async () => {
      await using arena = new Arena((client) => client.respond("ok"), options);
      const peer = await arena.connect();
      await peer.send(head);
      const filler = new Uint8Array(65536).fill(0x78); // "x"
      if (name === "a head that is none") filler.fill(0);
      // Nothing is read before all is sent, as simple clients do it.
      for (let sent = 0; sent < UPLOAD; sent += filler.length) {
        await peer.send(filler);
      }
      await peer.conn.closeWrite();
      const text = await readAll(peer.conn);
      const length = Number(/\r\ncontent-length: (\d+)/.exec(text)?.[1]);
      assertEquals(text.slice(0, 12), `HTTP/1.1 ${status}`);
      assert(/\r\nconnection: close\r\n/.test(text));
      assertEquals(text.length - text.indexOf("\r\n\r\n") - 4, length);
      await arena.until(() => arena.server.stats.openConnections === 0);
      assertEquals(arena.server.stats.refused, 1);
      assert(arena.server.stats.bytesIn >= UPLOAD);
    });
  }

  Deno.test({
    ...wanting(
      `HttpServer cuts off a refused upload without an end (${kind})`,
      ...wants,
    ),
  }, async () => {
    await using arena = new Arena((client) => client.respond("ok"), options);
    const peer = await arena.connect();
    await peer.send(`${POST}Content-Length: 9999999\r\n\r\n`);
    const filler = new Uint8Array(65536);
    const sending = (async () => {
      try {
        for (;;) await peer.send(filler);
      } catch {
        // Cut off.
      }
    })();
    assertEquals((await peer.response()).status, 413);
    for (let i = 0; i < 10; i++) await arena.serves();
    await arena.until(() => arena.server.stats.openConnections === 0);
    await sending;
  });
}
