// The library itself. Arguments: PORT MODE DIR.
import { type HttpConnection, HttpServer } from "../../mod.ts";

const [port, mode, dir] = Deno.args;

const options: ConstructorParameters<typeof HttpServer>[0] = {
  hostname: "127.0.0.1",
  port: Number(port),
};
if (mode === "tls") {
  options.cert = Deno.readTextFileSync(`${dir}/cert.pem`);
  options.key = Deno.readTextFileSync(`${dir}/key.pem`);
}
if (mode === "idle") {
  options.maxWaitingClients = 10_000;
  options.keepAliveTimeout = 600_000;
}
if (mode.startsWith("upload")) options.streaming = true;

async function countBody(client: HttpConnection): Promise<void> {
  client.limit(Infinity);
  // The way to read what is large: pieces of their own would be garbage soon.
  const buffer = new Uint8Array(65_536);
  let length = 0;
  try {
    for (let piece; (piece = await client.read(buffer)) !== null;) {
      length += piece.length;
    }
  } catch {
    return; // the peer has gone
  }
  client.respond(String(length));
}

const block = Uint8Array.from({ length: 65_536 }, (_, i) => i);

async function* blocks(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 3200; i++) yield block;
}

function watchEvents(): Set<HttpConnection> {
  const viewers = new Set<HttpConnection>();
  let id = 0;
  setInterval(() => {
    id++;
    const data = `#${id} ${"x".repeat(52)}~`;
    for (const viewer of viewers) viewer.sendEvent({ data, id });
  }, 50);
  return viewers;
}

async function echo(client: HttpConnection): Promise<void> {
  const ws = client.acceptWebsocket();
  if (ws === null) return;
  for await (const message of ws) ws.send(message);
}

const server = new HttpServer(options);
console.log(`pid ${Deno.pid}`);

// One loop a mode, so that each is the loop its user would write.
switch (mode) {
  case "json":
    for await (const client of server) {
      client.respond({ headers: client.headers, query: client.query });
    }
    break;
  case "post":
    for await (const client of server) {
      client.respond(client.data);
    }
    break;
  case "file":
    for await (const client of server) {
      client.respondFile("big.bin", { root: dir });
    }
    break;
  case "upload":
  case "upload-chunked":
    for await (const client of server) countBody(client);
    break;
  case "stream":
    for await (const client of server) client.respond(blocks());
    break;
  case "events": {
    const viewers = watchEvents();
    for await (const client of server) {
      client.responseEvents();
      viewers.add(client);
      client.signal.addEventListener("abort", () => viewers.delete(client));
    }
    break;
  }
  case "ws-small":
  case "ws-large":
    for await (const client of server) echo(client);
    break;
  default:
    for await (const client of server) {
      client.respond("hello world");
    }
}
