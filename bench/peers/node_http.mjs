// Node's own server. Arguments: PORT MODE DIR.
import { Buffer } from "node:buffer";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import process from "node:process";
import { pipeline } from "node:stream";

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

const handler = { json, post, file }[mode] ?? hello;
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
