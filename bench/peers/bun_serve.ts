// Bun's native server. Arguments: PORT MODE DIR.
import { readFileSync } from "node:fs";
import process from "node:process";
import { Bun, type BunServer } from "./bun.ts";

const [port, mode, dir] = process.argv.slice(2);

const HTML = { headers: { "content-type": "text/html; charset=utf-8" } };

function hello(): Response {
  return new Response("hello world", HTML);
}

function json(request: Request): Response {
  return Response.json({
    headers: Object.fromEntries(request.headers),
    query: Object.fromEntries(new URL(request.url).searchParams),
  });
}

async function post(request: Request): Promise<Response> {
  return Response.json(await request.json());
}

function file(): Response {
  return new Response(Bun.file(`${dir}/big.bin`));
}

async function upload(request: Request): Promise<Response> {
  let length = 0;
  for await (const piece of request.body!) length += piece.length;
  return new Response(String(length));
}

const block = Uint8Array.from({ length: 65_536 }, (_, i) => i);

function stream(): Response {
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (sent++ < 3200) controller.enqueue(block);
      else controller.close();
    },
  });
  return new Response(body, {
    headers: { "content-type": "application/octet-stream" },
  });
}

type Viewer = ReadableStreamDefaultController<Uint8Array>;

function watchEvents(): Set<Viewer> {
  const viewers = new Set<Viewer>();
  const encoder = new TextEncoder();
  let id = 0;
  setInterval(() => {
    id++;
    const data = `#${id} ${"x".repeat(52)}~`;
    const event = encoder.encode(`id: ${id}\ndata: ${data}\n\n`);
    for (const viewer of viewers) viewer.enqueue(event);
  }, 50);
  return viewers;
}

let viewers: Set<Viewer> | undefined;

function events(): Response {
  const held = viewers ??= watchEvents();
  let viewer: Viewer;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      viewer = controller;
      held.add(viewer);
    },
    cancel() {
      held.delete(viewer);
    },
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
    },
  });
}

function echo(request: Request, server: BunServer): Response | undefined {
  return server.upgrade(request)
    ? undefined
    : new Response(null, { status: 400 });
}

const handlers: Record<
  string,
  (
    request: Request,
    server: BunServer,
  ) => Response | undefined | Promise<Response>
> = {
  json,
  post,
  file,
  upload,
  "upload-chunked": upload,
  stream,
  events,
  "ws-small": echo,
  "ws-large": echo,
};

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  ...(mode === "tls"
    ? {
      tls: {
        cert: readFileSync(`${dir}/cert.pem`, "utf8"),
        key: readFileSync(`${dir}/key.pem`, "utf8"),
      },
    }
    : {}),
  // The longest that Bun allows, so that no idle connection is dropped.
  ...(mode === "idle" ? { idleTimeout: 255 } : {}),
  // It accepts 128 MiB where nothing else is said.
  ...(mode.startsWith("upload") ? { maxRequestBodySize: 2 ** 30 } : {}),
  websocket: { message: (ws, message) => ws.send(message) },
  fetch: handlers[mode] ?? hello,
});
console.log(`pid ${process.pid}`);
