/**
 * Run in a network of its own: peers of a server whose packets are dropped from
 * some moment on. Prints, a line each, what noticed that its peer is dead.
 */
import { HttpServer } from "@uhttp/uhttp";
import { RawClient } from "./raw_client.ts";

async function run(...command: string[]): Promise<void> {
  const [program, ...args] = command;
  const { success } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${command.join(" ")} failed`);
}

// The system looks after a second, and twice more.
for (const name of ["time", "intvl"]) {
  await Deno.writeTextFile(`/proc/sys/net/ipv4/tcp_keepalive_${name}`, "1");
}
await Deno.writeTextFile("/proc/sys/net/ipv4/tcp_keepalive_probes", "2");
await run("ip", "link", "set", "lo", "up");

const WAYS: Record<string, string> = {
  "held": "GET /held HTTP/1.1\r\nHost: a\r\n\r\n",
  "silent": "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n",
  "hijacked": "GET /hijacked HTTP/1.1\r\nHost: a\r\n\r\n",
  "unread":
    "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n" +
    "x".repeat(200_000),
};

const server = new HttpServer({
  hostname: "127.0.0.1",
  port: 0,
  streaming: true,
});
const peers: RawClient[] = [];
for (const text of Object.values(WAYS)) {
  const peer = await RawClient.connect(server);
  await peer.send(text);
  peers.push(peer);
}
const gone: Promise<void>[] = [];
for await (const client of server) {
  const name = client.path.slice(1);
  gone.push(
    new Promise((resolve) =>
      client.signal.addEventListener("abort", () => {
        console.log(name);
        resolve();
      })
    ),
  );
  if (name === "silent") client.responseEvents({ keepAlive: 0 });
  if (name === "hijacked") client.hijack();
  if (gone.length === peers.length) break;
}
console.log("all are there");
await run("ip", "link", "set", "lo", "down");
await Promise.all(gone);
Deno.exit();
