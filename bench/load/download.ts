// Downloads a file: `fast PORT PATH SECONDS`, again and again on one connection,
// or `slow PORT PATH SECONDS CONNECTIONS RATE`, RATE bytes a second on each of
// several, and leaves without having got it all. Prints one line of JSON.
import { readHead, sendGet } from "./http.ts";

const CHUNK = 65_536;
const [mode, port, path, seconds, connections, rate] = Deno.args;
const until = performance.now() + Number(seconds) * 1000;

function connect(): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
}

async function fast(): Promise<void> {
  const conn = await connect();
  const buffer = new Uint8Array(4 * CHUNK);
  const start = performance.now();
  let requests = 0;
  do {
    await sendGet(conn, path);
    let rest = await readHead(conn, buffer);
    while (rest > 0) {
      const n = await conn.read(buffer);
      if (n === null) throw new Error("The file was cut short");
      rest -= n;
    }
    requests++;
  } while (performance.now() < until);
  const micros = Math.round((performance.now() - start) * 1000);
  conn.close();
  console.log(JSON.stringify({ requests, micros }));
}

async function slow(): Promise<number> {
  const conn = await connect();
  const buffer = new Uint8Array(CHUNK);
  const start = performance.now();
  await sendGet(conn, path);
  let rest = await readHead(conn, buffer);
  let bytes = 0;
  while (rest > 0 && performance.now() < until) {
    const due = start + (bytes / Number(rate)) * 1000;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const n = await conn.read(buffer);
    if (n === null) throw new Error("The file was cut short");
    bytes += n;
    rest -= n;
  }
  conn.close();
  return bytes;
}

if (mode === "fast") {
  await fast();
} else {
  const bytes = await Promise.all(
    Array.from({ length: Number(connections) }, slow),
  );
  console.log(JSON.stringify({ bytes }));
}
