// What one read holds thousands of is handed out in turns of the event loop,
// so that others are served meanwhile, by servers as by clients.
import { assert, assertEquals } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { HttpClient, type HttpResponse } from "@uhttp/uhttp/client";
import { Arena } from "../support/arena.ts";
import { RawClient } from "../support/raw_client.ts";
import { TurnCounter } from "../support/turn_counter.ts";

const MANY = 5000;
/** In one turn there is time for so many, and for those that were begun. */
const A_TURN = 600;

type Message = HttpConnection | HttpResponse;

interface Row {
  name: string;
  type?: string;
  /** What stands in the body many times. */
  thing: string;
  /** What ends it. */
  end?: string;
  read(message: Message): AsyncIterable<unknown>;
}

async function* pieces(message: Message): AsyncGenerator<unknown> {
  for (let piece; (piece = await message.read()) !== null;) yield piece;
}

const ROWS: Row[] = [
  { name: "lines", thing: "\n", read: (message) => message.lines() },
  { name: "values", thing: "1\n", read: (message) => message.ndjson() },
  {
    name: "events",
    type: "text/event-stream",
    thing: "data\n\n",
    read: (message) => message.events(),
  },
  {
    name: "parts",
    type: "multipart/mixed; boundary=b",
    thing: "--b\r\n\r\n\r\n",
    end: "--b--",
    read: (message) => message.parts({ maxParts: MANY }),
  },
];

/** A body, its head included, in one chunk; or in as many as there are things. */
function bodyOf({ type = "text/plain", thing, end = "" }: Row): string {
  const all = thing.repeat(MANY) + end;
  return `Content-Type: ${type}\r\nContent-Length: ${all.length}\r\n\r\n${all}`;
}

const CHUNKS = `Transfer-Encoding: chunked\r\n\r\n${
  "1\r\na\r\n".repeat(MANY)
}0\r\n\r\n`;

const ALL: [name: string, body: string, read: Row["read"]][] = [
  ...ROWS.map((row) => [row.name, bodyOf(row), row.read] as const),
  ["chunks", CHUNKS, pieces],
  ["chunks of a stream", CHUNKS, ({ body }) => body],
] as [string, string, Row["read"]][];

async function countAll(things: AsyncIterable<unknown>): Promise<void> {
  using counter = new TurnCounter();
  for await (const _ of things) counter.count();
  assertEquals(counter.all, MANY);
  assert(counter.most <= A_TURN, `${counter.most} in one turn`);
}

for (const [name, body, read] of ALL) {
  for (const streaming of [true, false]) {
    const how = streaming ? "as they arrive" : "from memory";
    if (!streaming && body === CHUNKS) continue; // are one piece there
    Deno.test(`HttpServer hands out ${name} in turns, ${how}`, async () => {
      await using arena = new Arena(async (client) => {
        await countAll(read(client));
        await client.respond("ok");
      }, { streaming });
      const peer = await arena.connect();
      await peer.send(`POST / HTTP/1.1\r\nHost: a\r\n${body}`);
      assertEquals((await peer.response()).body, "ok");
    });

    Deno.test(`HttpClient hands out ${name} in turns, ${how}`, async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.addr as Deno.NetAddr;
      const serving = listener.accept().then(async (conn) => {
        using peer = new RawClient(conn);
        await peer.until("\r\n\r\n");
        await peer.send(`HTTP/1.1 200 OK\r\n${body}`);
        while (await peer.more());
      });
      const client = new HttpClient(`http://127.0.0.1:${port}`);
      const response = await client.get("/", { stream: streaming });
      await countAll(read(response));
      await client.close();
      await serving;
    });
  }
}
