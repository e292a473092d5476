// The same bytes to this server, to Deno.serve and to node:http. What is good
// must be good everywhere; what is refused here may pass elsewhere.
import { createServer } from "node:http";
import { assertEquals } from "@std/assert";
import { HttpServer } from "@uhttp/uhttp";
import { type RequestRow, requests } from "../cases/requests.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { serve, startServer } from "../support/serving.ts";

type Peer = "Deno.serve" | "node:http";

const MINOR = "takes no minor versions but 0 and 1";
const METHOD = "takes only methods that it knows";
const BLANKS = "takes no blanks in chunk extensions";
const QUOTED = "takes no tabs and no bytes beyond ASCII in extensions";

/** Good requests that a peer does not answer with 200, and why. */
const DIFFERENCES: Record<Peer, Record<string, string>> = {
  "Deno.serve": {
    "HTTP/1.2, read as 1.1": MINOR,
    "HTTP/1.9, read as 1.1": MINOR,
    'chunk extension "\\t;\\ta\\t=\\tb"': QUOTED,
    'chunk extension ";a=\\"b;c=d, \\t\x80\\""': QUOTED,
    'chunk extension ";a=\\"\\\\\\"\\\\\\\\\\\\\\t\\\\\xff\\""': QUOTED,
    "extensions of just the limit": "has a lower limit",
  },
  "node:http": {
    "a method of all token characters": METHOD,
    "a lower-case method, which is another": METHOD,
    "a method of one letter": METHOD,
    "a method that begins like a known one": METHOD,
    "HTTP/1.2, read as 1.1": MINOR,
    "HTTP/1.9, read as 1.1": MINOR,
    'chunk extension " ; a = b"': BLANKS,
    'chunk extension "\\t;\\ta\\t=\\tb"': BLANKS,
    'chunk extension ";a=\\"b\\" ;c"': BLANKS,
    'chunk extension ";a ;b"': BLANKS,
    "trailer fields, which are no headers": "takes no framing in trailers",
    "keep-alive of HTTP/1.0": "closes after HTTP/1.0",
    "keep-alive in a list of HTTP/1.0": "closes after HTTP/1.0",
  },
};

/** Good requests behind which a peer leaves the connection open. */
const LEFT_OPEN: Record<Peer, Record<string, string>> = {
  "Deno.serve": {},
  "node:http": {
    "close in a list": "finds no close that a tab follows",
    "an upgrade": "waits for the protocol that it takes to follow",
  },
};

const LAST = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const DEADLINE = 2000;

/** The statuses that some bytes are answered with, without 1xx. */
async function statuses(port: number, bytes: Uint8Array): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const timer = setTimeout(() => conn.close(), DEADLINE);
  let text = "";
  try {
    const written = writeAll(conn, bytes);
    const buffer = new Uint8Array(4096);
    for (let length; (length = await conn.read(buffer)) !== null;) {
      text += latin1Text(buffer.subarray(0, length));
    }
    await written;
  } catch (error) {
    text += `HTTP/1.1 ${(error as Error).name}`;
  } finally {
    clearTimeout(timer);
  }
  return [...text.matchAll(/HTTP\/1\.[01] ([2-9]\d\d|[A-Z]\w+)/g)]
    .map((match) => match[1]).join(" ");
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) {
      at += await conn.write(bytes.subarray(at));
    }
  } catch {
    // A server may close before it has read all.
  }
}

/** A row's bytes, made to end with the connection. */
function closing(row: RequestRow): Uint8Array {
  const goesOn = row.end === "complete" &&
    row.requests.every((request) => request.keepAlive !== false);
  return latin1Bytes(row.input + (goesOn ? LAST : ""));
}

function expectedStatuses(row: RequestRow): string {
  const good: unknown[] = row.requests.map(() => 200);
  if (typeof row.end !== "string") good.push(row.end.status);
  else if (row.requests.every(({ keepAlive }) => keepAlive !== false)) {
    good.push(200);
  }
  return good.join(" ");
}

const good = requests.filter((row) => row.end === "complete");
const bad = requests.filter((row) => typeof row.end !== "string");

Deno.test("HttpServer answers each row as its table says", async () => {
  const groups = Map.groupBy(
    [...good, ...bad],
    (row) => JSON.stringify(Object.entries(row.options).map(String)),
  );
  for (const rows of groups.values()) {
    const server: HttpServer = startServer(rows[0].options);
    const done = serve(server, (client) => client.respond("good"));
    for (const row of rows) {
      assertEquals(
        await statuses(server.port, closing(row)),
        expectedStatuses(row),
        row.name,
      );
    }
    await server.close();
    await done;
  }
});

/** Sends each good row to a peer, and holds it to the table of differences. */
async function compare(peer: Peer, port: number): Promise<void> {
  const found: Record<string, string> = {};
  for (const row of good) {
    // A limit of ours says nothing about a peer.
    if (Object.keys(row.options).length > 0) continue;
    if (row.name in LEFT_OPEN[peer]) continue;
    const actual = await statuses(port, closing(row));
    if (actual !== expectedStatuses(row)) found[row.name] = actual;
  }
  for (const name of Object.keys(DIFFERENCES[peer])) delete found[name];
  assertEquals(found, {});
}

Deno.test("Deno.serve takes what HttpServer takes, but for named differences", async () => {
  await using server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      onError: () => new Response(null, { status: 500 }),
    },
    async (request) => {
      await request.arrayBuffer();
      return new Response("good");
    },
  );
  await compare("Deno.serve", server.addr.port);
});

Deno.test("node:http takes what HttpServer takes, but for named differences", async () => {
  const server = createServer((request, response) => {
    request.on("data", () => {});
    request.on("end", () => response.end("good"));
  });
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  await compare("node:http", (server.address() as { port: number }).port);
  await new Promise((resolve) => server.close(resolve));
});
