// Node's own server. Arguments: PORT MODE DIR.
import { Buffer } from "node:buffer";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import process from "node:process";
import { pipeline, Readable } from "node:stream";

const [port, mode, dir] = process.argv.slice(2);

function respondJson(response, value) {
  const body = JSON.stringify(value);
  response.writeHead(200, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}

function hello(_request, response) {
  response.writeHead(200, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": 11,
  });
  response.end("hello world");
}

function json(request, response) {
  const { searchParams } = new URL(request.url, "http://localhost");
  respondJson(response, {
    headers: request.headers,
    query: Object.fromEntries(searchParams),
  });
}

function post(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    respondJson(response, JSON.parse(Buffer.concat(chunks).toString()));
  });
}

function file(_request, response) {
  const path = `${dir}/big.bin`;
  response.writeHead(200, {
    "Content-Type": "application/octet-stream",
    "Content-Length": statSync(path).size,
  });
  pipeline(createReadStream(path), response, () => {});
}

async function upload(request, response) {
  let length = 0;
  try {
    for await (const piece of request) length += piece.length;
  } catch {
    return; // the peer has gone
  }
  const body = String(length);
  response.writeHead(200, {
    "Content-Type": "text/plain",
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}

const block = Uint8Array.from({ length: 65_536 }, (_, i) => i);

function* blocks() {
  for (let i = 0; i < 3200; i++) yield block;
}

function stream(_request, response) {
  response.writeHead(200, { "Content-Type": "application/octet-stream" });
  pipeline(Readable.from(blocks()), response, () => {});
}

const viewers = new Set();

function watchEvents() {
  let id = 0;
  setInterval(() => {
    id++;
    const data = `#${id} ${"x".repeat(52)}~`;
    const event = Buffer.from(`id: ${id}\ndata: ${data}\n\n`);
    for (const viewer of viewers) viewer.write(event);
  }, 50);
}

function events(_request, response) {
  response.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
  });
  response.flushHeaders();
  viewers.add(response);
  response.on("close", () => viewers.delete(response));
}

if (mode === "events") watchEvents();
const handlers = {
  json,
  post,
  file,
  upload,
  "upload-chunked": upload,
  stream,
  events,
};
const handler = handlers[mode] ?? hello;
const server = mode === "tls"
  ? createTlsServer({
    cert: readFileSync(`${dir}/cert.pem`),
    key: readFileSync(`${dir}/key.pem`),
  }, handler)
  : createServer(handler);
if (mode === "idle") server.keepAliveTimeout = 600_000;
server.listen(
  { host: "127.0.0.1", port: Number(port), backlog: 4096 },
  () => console.log(`pid ${process.pid}`),
);
