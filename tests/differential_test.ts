// The same bytes to this server, to Deno.serve and to node:http. What is good
// must be good everywhere; what is refused here may pass elsewhere.
import { createServer } from "node:http";
import { assertEquals } from "@std/assert";
import { HttpServer } from "@uhttp/uhttp";
import { type RequestRow, requests } from "./cases/requests.ts";
import { serve, startServer } from "./support/serving.ts";
import { latin1Bytes, latin1Text } from "./support/splits.ts";

type Peer = "Deno.serve" | "node:http";

/** Good requests that a peer does not answer with 2xx, and why. */
const DIFFERENCES: Record<Peer, Record<string, string>> = {
  "Deno.serve": {},
  "node:http": {},
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
    // What a limit of ours makes of a row says nothing about a peer.
    if (Object.keys(row.options).length > 0) continue;
    const actual = await statuses(port, closing(row));
    if (actual !== expectedStatuses(row)) found[row.name] = actual;
  }
  console.log(peer, found);
  assertEquals(Object.keys(found), Object.keys(DIFFERENCES[peer]));
}

Deno.test("Deno.serve takes what HttpServer takes, but for named differences", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
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
