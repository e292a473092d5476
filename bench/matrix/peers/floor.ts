// The floor on one road: a loop over a bare connection that takes what arrives
// for a request and writes an answer made before. Arguments: PORT ROAD DIR.
import { makeBytes, makeText, parseRoad } from "../payloads.ts";

const [port, text] = Deno.args;
const { name, size } = parseRoad(text);

const encoder = new TextEncoder();

function answer(): Uint8Array {
  const body = name === "hello"
    ? encoder.encode("hello world")
    : name === "text"
    ? encoder.encode(makeText(size))
    : makeBytes(size);
  const type = name === "bytes"
    ? "application/octet-stream"
    : "text/html; charset=utf-8";
  const head = encoder.encode(
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n` +
      `content-length: ${body.length}\r\n` +
      "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
  );
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

const ANSWER = answer();

async function serve(conn: Deno.TcpConn): Promise<void> {
  try {
    conn.setNoDelay(true);
    const buffer = new Uint8Array(16_384);
    while (await conn.read(buffer) !== null) {
      let sent = await conn.write(ANSWER);
      while (sent < ANSWER.length) {
        sent += await conn.write(ANSWER.subarray(sent));
      }
    }
  } catch {
    // The peer has gone.
  } finally {
    conn.close();
  }
}

const listener = Deno.listen({
  hostname: "127.0.0.1",
  port: Number(port),
  tcpBacklog: 4096,
});
console.log(`pid ${Deno.pid}`);
for await (const conn of listener) serve(conn);
