/**
 * Renews a server's certificate again and again while peers connect, and prints
 * how many connections were made, refused, and lost. Arguments: "shared" for a
 * port that others may share (needs --unstable-net), "guarded" for the guarded
 * way of TLS, or "own"; renewals, certificate and key.
 */
import { HttpServer } from "@uhttp/uhttp";

const [how, renewals, cert, key] = Deno.args;
const server = new HttpServer({
  hostname: "127.0.0.1",
  port: 0,
  cert,
  key,
  reusePort: how === "shared",
  guardedTls: how === "guarded",
});
const serving = (async () => {
  for await (const client of server) client.respond("ok");
})();

const counts = { made: 0, refused: 0, lost: 0 };
let isOver = false;

async function connectOn(): Promise<void> {
  const request = new TextEncoder().encode(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  while (!isOver) {
    try {
      using conn = await Deno.connectTls({
        hostname: "localhost",
        port: server.port,
        caCerts: [cert],
      });
      await conn.write(request);
      if (await conn.read(new Uint8Array(1000)) === null) throw new Error();
      counts.made++;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) counts.refused++;
      else counts.lost++;
    }
  }
}

const peers = Array.from({ length: 8 }, connectOn);
for (let i = 0; i < Number(renewals); i++) {
  await server.loadCertificate({ cert, key });
  // A few connections on each.
  const { made } = counts;
  while (counts.made < made + 20) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
isOver = true;
await Promise.all(peers);
await server.shutdown();
await serving;
console.log(JSON.stringify(counts));
