// The floor: what one read and one write of a raw connection cost, with no
// HTTP in between. It takes what arrives for requests and answers a constant.
// Arguments: PORT MODE DIR.
const [port, mode, dir] = Deno.args;

const BUFFER_SIZE = 16_384;
const CR = 13;

const encoder = new TextEncoder();
const ANSWER = encoder.encode(
  "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n" +
    "content-length: 11\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" +
    (mode === "close" ? "connection: close\r\n" : "") +
    "\r\nhello world",
);

async function serve(conn: Deno.Conn): Promise<void> {
  try {
    const buffer = new Uint8Array(BUFFER_SIZE);
    while (await conn.read(buffer) !== null) {
      await conn.write(ANSWER);
      if (mode === "close") break;
    }
  } catch {
    // The peer has gone.
  } finally {
    conn.close();
  }
}

/** Counts requests by the length of the first: they are all the same. */
async function servePipelined(conn: Deno.Conn): Promise<void> {
  try {
    const buffer = new Uint8Array(BUFFER_SIZE);
    const answers = new Uint8Array(ANSWER.length * 256);
    for (let i = 0; i < 256; i++) answers.set(ANSWER, i * ANSWER.length);
    let length = 0;
    let pending = 0;
    for (;;) {
      const n = await conn.read(buffer);
      if (n === null) break;
      length ||= endOfHead(buffer);
      pending += n;
      const count = Math.floor(pending / length);
      pending -= count * length;
      const output = answers.subarray(0, count * ANSWER.length);
      let sent = 0;
      while (sent < output.length) {
        sent += await conn.write(output.subarray(sent));
      }
    }
  } catch {
    // The peer has gone.
  } finally {
    conn.close();
  }
}

function endOfHead(bytes: Uint8Array): number {
  let i = 0;
  while (bytes[i] !== CR || bytes[i + 2] !== CR) i++;
  return i + 4;
}

const address = { hostname: "127.0.0.1", port: Number(port) };
const listener = mode === "tls"
  ? Deno.listenTls({
    ...address,
    cert: Deno.readTextFileSync(`${dir}/cert.pem`),
    key: Deno.readTextFileSync(`${dir}/key.pem`),
  })
  : Deno.listen({ ...address, tcpBacklog: 4096 });
console.log(`pid ${Deno.pid}`);
for await (const conn of listener) {
  if (mode === "pipeline") servePipelined(conn);
  else serve(conn);
}
