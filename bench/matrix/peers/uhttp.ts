// The library itself on one road. Arguments: PORT ROAD DIR plain|tls APP, where
// APP says how: `loop`, the library's own way; `serve`, by `serve()`; `with`,
// by `respondWith()` from a loop.
import { type HttpConnection, HttpServer, serve } from "../../../mod.ts";
import {
  makeBytes,
  makeItems,
  makeOwnHeaders,
  makeText,
  parseRoad,
} from "../payloads.ts";
import { type Handler, webHandler } from "./web.ts";

const [port, text, dir, scheme, app = "loop"] = Deno.args;
const { name, size, count } = parseRoad(text);

const options = {
  hostname: "127.0.0.1",
  port: Number(port),
  // As its peers have no such limit, at least not a low one.
  maxContentLength: 32 * 1024 * 1024,
  ...(scheme === "tls"
    ? {
      cert: Deno.readTextFileSync(`${dir}/cert.pem`),
      key: Deno.readTextFileSync(`${dir}/key.pem`),
    }
    : {}),
};

async function* piecesOf(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield piece;
}

let lastId = 0;

async function sendEvents(client: HttpConnection, data: string): Promise<void> {
  client.responseEvents();
  for (let i = 0; i < count; i++) {
    await client.sendEvent({ id: ++lastId, data });
  }
  client.responseStreamEnd();
}

const JPEG = { headers: { "content-type": "image/jpeg" } };

async function sendFrames(
  client: HttpConnection,
  data: Uint8Array,
): Promise<void> {
  client.responseMultipart();
  for (let i = 0; i < count; i++) {
    await client.responseMultipartFrame(data, JPEG);
  }
  client.responseMultipartEnd();
}

async function echo(client: HttpConnection): Promise<void> {
  const ws = client.acceptWebsocket();
  if (ws === null) return;
  for await (const message of ws) {
    for (let i = 0; i < count; i++) ws.send(message);
  }
}

function sumLengths(values: Readonly<Record<string, unknown>>): number {
  let length = 0;
  for (const value of Object.values(values)) length += String(value).length;
  return length;
}

/** Each road as one loop, which is what its user would write. */
async function runLoop(server: HttpServer): Promise<void> {
  switch (name) {
    case "hello":
      for await (const client of server) client.respond("hello world");
      break;
    case "own": {
      const own = { headers: makeOwnHeaders(size) };
      for await (const client of server) client.respond("hello world", own);
      break;
    }
    case "text": {
      const body = makeText(size);
      for await (const client of server) client.respond(body);
      break;
    }
    case "bytes": {
      const body = makeBytes(size);
      for await (const client of server) client.respond(body);
      break;
    }
    case "json": {
      const items = makeItems(size);
      for await (const client of server) client.respond(items);
      break;
    }
    case "file": {
      const file = { root: dir };
      for await (const client of server) {
        client.respondFile(`${size}.bin`, file);
      }
      break;
    }
    case "stream": {
      const piece = makeBytes(size);
      for await (const client of server) client.respond(piecesOf(piece));
      break;
    }
    case "events": {
      const data = makeText(size).replaceAll("\n", " ");
      for await (const client of server) sendEvents(client, data);
      break;
    }
    case "multipart": {
      const data = makeBytes(size);
      for await (const client of server) sendFrames(client, data);
      break;
    }
    case "ws":
      for await (const client of server) echo(client);
      break;
    case "post":
      for await (const client of server) {
        client.respond(String((client.data as unknown[]).length));
      }
      break;
    case "headers":
      for await (const client of server) {
        client.respond(String(sumLengths(client.headers)));
      }
      break;
    case "cookies":
      for await (const client of server) {
        client.respond(String(sumLengths(client.cookies)));
      }
      break;
    case "query":
      for await (const client of server) {
        client.respond(String(sumLengths(client.query)));
      }
      break;
    default:
      throw new TypeError(`No road ${name}`);
  }
}

async function webRoad(): Promise<Handler> {
  if (name === "hono") return (await import("./hono.ts")).honoHandler;
  const handler = webHandler(parseRoad(text));
  if (handler === null) throw new TypeError(`No road ${name}`);
  return handler;
}

if (app === "serve") {
  serve(await webRoad(), options);
  console.log(`pid ${Deno.pid}`);
} else if (app === "with") {
  const handler = await webRoad();
  const server = new HttpServer({ ...options, streaming: true });
  console.log(`pid ${Deno.pid}`);
  for await (const client of server) {
    client.respondWith(handler(client.request));
  }
} else {
  const server = new HttpServer(options);
  console.log(`pid ${Deno.pid}`);
  await runLoop(server);
}
