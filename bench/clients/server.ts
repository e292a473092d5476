// The server that all clients are measured against.
import { HttpServer } from "@uhttp/uhttp";

const DOWNLOAD = 200 * 1024 * 1024;

const server = new HttpServer({
  hostname: "127.0.0.1",
  port: Number(Deno.args[0]),
  streaming: true,
  keepAliveMaxRequests: Infinity,
  maxContentLength: Infinity,
});
console.log(`pid ${Deno.pid}`);

const piece = new Uint8Array(65536);

function* download(): Iterable<Uint8Array> {
  for (let sent = 0; sent < DOWNLOAD; sent += piece.length) yield piece;
}

for await (const client of server) {
  switch (client.path) {
    case "/download":
      client.respond(download(), {
        headers: { "content-length": DOWNLOAD },
      });
      break;
    case "/upload":
      (async () => {
        const buffer = new Uint8Array(65536);
        while (await client.read(buffer) !== null);
        client.respond(client.bytesReceived);
      })().catch(() => {});
      break;
    default:
      client.respond("hello world", {
        headers: { "content-type": "text/plain" },
      });
  }
}
