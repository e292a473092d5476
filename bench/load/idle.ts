// Opens connections, makes one request on each, and keeps them open and idle
// until standard input ends: `PORT CONNECTIONS`. Prints `open N` when all are.
import { readHead, sendGet } from "./http.ts";

const AT_ONCE = 50;
const [port, connections] = Deno.args;
const total = Number(connections);
const open: Deno.TcpConn[] = [];
let started = 0;

async function openSome(): Promise<void> {
  const buffer = new Uint8Array(4096);
  while (started < total) {
    started++;
    const conn = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(port),
    });
    open.push(conn);
    await sendGet(conn, "/");
    let rest = await readHead(conn, buffer);
    while (rest > 0) {
      const n = await conn.read(buffer);
      if (n === null) throw new Error("The answer was cut short");
      rest -= n;
    }
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, openSome));
console.log(`open ${open.length}`);
await Deno.stdin.read(new Uint8Array(1));
for (const conn of open) conn.close();
