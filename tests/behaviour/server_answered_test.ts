import { assertEquals } from "@std/assert";
import type { HttpConnection, HttpServerOptions } from "@uhttp/uhttp";
import { gzipSync } from "node:zlib";
import { MemoryScene } from "../support/memory_conn.ts";

interface Row {
  name: string;
  answer: (client: HttpConnection) => unknown;
  request?: string;
  options?: HttpServerOptions;
  status: number | null;
  bytes: number;
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
const SOCKET = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: own\r\n" +
  "Connection: upgrade\r\n\r\n";

const file = await Deno.makeTempFile();
addEventListener("unload", () => Deno.removeSync(file));
await Deno.writeTextFile(file, "0123456789");

async function parts(client: HttpConnection): Promise<void> {
  await client.responseStream({ status: 201 });
  await client.sendChunk("é");
  await client.sendChunk(new Uint8Array(100_000));
  await client.responseStreamEnd();
}

const ROWS: Row[] = [
  {
    name: "text",
    answer: (client) => client.respond("é", { status: 404 }),
    status: 404,
    bytes: 2,
  },
  {
    name: "long text",
    answer: (client) => client.respond("é".repeat(3_000_000)),
    status: 200,
    bytes: 6_000_000,
  },
  {
    name: "text for HEAD",
    answer: (client) => client.respond("é"),
    request: HEAD,
    status: 200,
    bytes: 0,
  },
  {
    name: "bytes",
    answer: (client) => client.respond(new Uint8Array(7)),
    status: 200,
    bytes: 7,
  },
  {
    name: "JSON with a cookie",
    answer: (client) => client.respond([1], { cookies: { a: "b" } }),
    status: 200,
    bytes: 3,
  },
  {
    name: "a Blob",
    answer: (client) => client.respond(new Blob(["abc"])),
    status: 200,
    bytes: 3,
  },
  {
    name: "a status that has no body",
    answer: (client) => client.respond("abc", { status: 204 }),
    status: 204,
    bytes: 0,
  },
  { name: "parts", answer: parts, status: 201, bytes: 100_002 },
  {
    name: "parts for HEAD",
    answer: parts,
    request: HEAD,
    status: 201,
    bytes: 0,
  },
  {
    name: "a source",
    answer: (client) => client.respond(new Blob(["abc"]).stream()),
    status: 200,
    bytes: 3,
  },
  {
    name: "a redirect",
    answer: (client) => client.respondRedirect("/there"),
    status: 302,
    bytes: 0,
  },
  {
    name: "a file",
    answer: (client) => client.respondFile(file),
    status: 200,
    bytes: 10,
  },
  {
    name: "a range of it",
    answer: (client) => client.respondFile(file),
    request: GET.replace("\r\n\r\n", "\r\nRange: bytes=2-4\r\n\r\n"),
    status: 206,
    bytes: 3,
  },
  {
    name: "no file",
    answer: (client) => client.respondFile(`${file}.none`),
    status: 404,
    bytes: 10,
  },
  {
    name: "a Response",
    answer: (client) =>
      client.respondWith(new Response("abc", { status: 203 })),
    status: 203,
    bytes: 3,
  },
  {
    name: "a Response that is a stream",
    answer: (client) =>
      client.respondWith(new Response(new Blob(["abc"]).stream())),
    status: 200,
    bytes: 3,
  },
  {
    name: "what is compressed",
    answer: (client) => client.respond("a".repeat(60_000)),
    request: GET.replace("\r\n\r\n", "\r\nAccept-Encoding: gzip\r\n\r\n"),
    options: { compress: true },
    status: 200,
    bytes: gzipSync("a".repeat(60_000)).length,
  },
  {
    name: "parts that replace one another",
    answer: async (client) => {
      await client.responseMultipart({ boundary: "b" });
      await client.responseMultipartFrame("abc");
      await client.responseMultipartEnd();
    },
    status: 200,
    // `--b`, type, length, an empty line, the part, and `--b--`
    bytes: 5 + 40 + 19 + 2 + 5 + 7,
  },
  {
    name: "another protocol",
    answer: (client) => client.upgrade("own").close(),
    request: SOCKET,
    status: 101,
    bytes: 0,
  },
  {
    name: "nothing",
    answer: (client) => client.close(),
    status: null,
    bytes: 0,
  },
];

for (const { name, answer, request = GET, options, status, bytes } of ROWS) {
  Deno.test(`status and bytesSent tell of ${name}`, async () => {
    const seen = Promise.withResolvers<HttpConnection>();
    await using scene = new MemoryScene(async (client) => {
      assertEquals([client.status, client.bytesSent], [null, 0]);
      await answer(client);
      seen.resolve(client);
    }, options);
    await scene.connect().send(request);
    const client = await seen.promise;
    assertEquals([client.status, client.bytesSent], [status, bytes]);
  });
}

Deno.test("status tells what the server has answered by itself", async () => {
  const seen = Promise.withResolvers<HttpConnection>();
  await using scene = new MemoryScene(async (client) => {
    await client.readAll().catch(() => {});
    assertEquals(await client.respond("too late"), false);
    seen.resolve(client);
  }, { streaming: true, maxContentLength: 2 });
  await scene.connect().send(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345",
  );
  const client = await seen.promise;
  assertEquals(client.status, 413);
  assertEquals(client.bytesSent > 0, true);
});
