// One user: one request after the other on one connection, with the time that
// each takes. `PORT PATH SECONDS KIND SIZE PIECES [CERTIFICATE]`, where KIND is
// `length` (an answer of SIZE bytes), `chunked` (one of PIECES pieces of SIZE) or
// `websocket` (PIECES messages of SIZE bytes that answer one). With the file of a
// certificate it speaks TLS. Prints one line of JSON; times are in us.
import { Chunks } from "./chunks.ts";
import { makeFrame, openWebsocket } from "./frames.ts";
import { contentLength, readAnswer, sendGet, writeAll } from "./http.ts";

/** What comes first is a warm-up: connections get slower after some requests. */
const WARM_UP_SHARE = 0.2;
const BUFFER = 262_144;

const [port, path, seconds, kind, size, pieces, certificate] = Deno.args;
const buffer = new Uint8Array(BUFFER);

async function connect(): Promise<Deno.Conn> {
  const conn = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(port),
  });
  conn.setNoDelay(true);
  if (certificate === undefined) return conn;
  return await Deno.startTls(conn, {
    hostname: "localhost",
    caCerts: [await Deno.readTextFile(certificate)],
  });
}

let conn = await connect();

async function readMore(): Promise<number> {
  const n = await conn.read(buffer);
  if (n === null) throw new Error("The answer was cut short");
  return n;
}

/** Reads an answer of the kind expected; returns its head. */
async function readOne(): Promise<string> {
  const { head, start, end } = await readAnswer(conn, buffer);
  if (kind === "chunked") {
    const chunks = new Chunks();
    chunks.take(buffer, start, end);
    while (!chunks.isDone) chunks.take(buffer, 0, await readMore());
    const expected = Number(size) * Number(pieces);
    if (chunks.length !== expected) {
      throw new Error(`Sends ${chunks.length} bytes`);
    }
    return head;
  }
  if (contentLength(head) !== Number(size)) {
    throw new Error(`Not the length expected: ${head}`);
  }
  let rest = Number(size) - (end - start);
  while (rest > 0) rest -= await readMore();
  if (rest < 0) throw new Error("There is more than the answer");
  return head;
}

async function request(): Promise<void> {
  await sendGet(conn, path);
  // A server may end a connection after some requests. It says so.
  if (/\r\nconnection: *close\r\n/i.test(await readOne())) isOver = true;
}

const payload = new Uint8Array(Number(size)).fill(0x61);
const message = makeFrame(payload, true, true);
const answer = makeFrame(payload, true, false);

/** Sends one message and takes its answers, every byte as it has to be. */
async function exchange(): Promise<void> {
  await writeAll(conn, message);
  const total = answer.length * Number(pieces);
  for (let at = 0; at < total;) {
    const n = await readMore();
    for (let i = 0; i < n; i++, at++) {
      if (at === total || buffer[i] !== answer[at % answer.length]) {
        throw new Error(`The answers are wrong at byte ${at}`);
      }
    }
  }
}

let isOver = false;
const act = kind === "websocket" ? exchange : request;
if (kind === "websocket") await openWebsocket(conn, path, buffer);

/** What each took, and how many of them are the warm-up. */
const all: number[] = [];
let warmUp = 0;
const start = performance.now();
const until = start + Number(seconds) * 1000;
const from = start + Number(seconds) * 1000 * WARM_UP_SHARE;
for (let now = start; now < until;) {
  if (isOver) {
    conn.close();
    conn = await connect();
    isOver = false;
    now = performance.now();
  }
  await act();
  const then = now;
  now = performance.now();
  if (then < from) warmUp++;
  all.push(now - then);
}
const micros = Math.round((performance.now() - start) * 1000);
conn.close();
// Where a few take all the time, those are better than nothing.
const times = all.slice(warmUp < all.length ? warmUp : 0).sort((a, b) => a - b);
const at = (share: number): number =>
  Math.round(times[Math.floor(share * (times.length - 1))] * 1000);
console.log(JSON.stringify({
  count: all.length,
  micros,
  p50: at(0.5),
  p99: at(0.99),
}));
