// Uploads 200 MiB, again and again on one connection: `PORT PATH MODE SECONDS`,
// where MODE is `length` or `chunked`. The answer has to be the count of bytes.
// Prints one line of JSON, which counts MiB.
import { readText, writeAll } from "./http.ts";

const MIB = 1024 * 1024;
const TOTAL = 200 * MIB;
/** Bytes of a body that are written at once, and of a chunk of it. */
const BLOCK = 262_144;
const CHUNK = 65_536;

const [port, path, mode, seconds] = Deno.args;
const encoder = new TextEncoder();

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

const framing = mode === "chunked"
  ? "Transfer-Encoding: chunked"
  : `Content-Length: ${TOTAL}`;
const head = encoder.encode(
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\n` +
    `Content-Type: application/octet-stream\r\n${framing}\r\n\r\n`,
);
const lineEnd = encoder.encode("\r\n");
const chunk = concat([
  encoder.encode(CHUNK.toString(16)),
  lineEnd,
  new Uint8Array(CHUNK).fill(0x61),
  lineEnd,
]);
const block = mode === "chunked"
  ? concat(Array.from({ length: BLOCK / CHUNK }, () => chunk))
  : new Uint8Array(BLOCK).fill(0x61);
const end = encoder.encode(mode === "chunked" ? "0\r\n\r\n" : "");

const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
const buffer = new Uint8Array(4096);
const start = performance.now();
const until = start + Number(seconds) * 1000;
let count = 0;
do {
  await writeAll(conn, head);
  for (let sent = 0; sent < TOTAL; sent += BLOCK) await writeAll(conn, block);
  await writeAll(conn, end);
  const text = await readText(conn, buffer);
  if (text !== String(TOTAL)) throw new Error(`Not the count: ${text}`);
  count += TOTAL / MIB;
} while (performance.now() < until);
const micros = Math.round((performance.now() - start) * 1000);
conn.close();
console.log(JSON.stringify({ count, micros }));
