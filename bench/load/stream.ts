// Downloads a chunked answer of 200 MiB, again and again on one connection:
// `PORT PATH SECONDS`. Prints one line of JSON, which counts MiB.
import { Chunks } from "./chunks.ts";
import { readAnswer, sendGet } from "./http.ts";

const MIB = 1024 * 1024;
const TOTAL = 200 * MIB;
const BUFFER = 262_144;

const [port, path, seconds] = Deno.args;
const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
const buffer = new Uint8Array(BUFFER);
const begin = performance.now();
const until = begin + Number(seconds) * 1000;
let count = 0;
do {
  await sendGet(conn, path);
  const { head, start, end } = await readAnswer(conn, buffer);
  if (!/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) {
    throw new Error(`Not a chunked answer: ${head}`);
  }
  const chunks = new Chunks();
  chunks.take(buffer, start, end);
  while (!chunks.isDone) {
    const n = await conn.read(buffer);
    if (n === null) throw new Error("The answer was cut short");
    chunks.take(buffer, 0, n);
  }
  if (chunks.length !== TOTAL) throw new Error(`Sends ${chunks.length} bytes`);
  count += TOTAL / MIB;
} while (performance.now() < until);
const micros = Math.round((performance.now() - begin) * 1000);
conn.close();
console.log(JSON.stringify({ count, micros }));
