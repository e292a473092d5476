// deno run --allow-net examples/connect.ts
//
// A forward proxy: it fetches for its clients what they ask for. Requests for
// https: come as CONNECT, which opens a tunnel: from then on it passes bytes to
// and fro that it does not understand. Requests for http: come with the whole
// URL in their first line, and are passed on.
//
//   curl -x http://localhost:9980 https://example.com/
//   chromium --proxy-server=localhost:9980
//
// An open proxy is dangerous: whoever reaches it acts in your name, and reaches
// all that this machine can, such as what listens on localhost only. So this
// one listens on 127.0.0.1, and what follows the port are the hosts that it
// allows; `.example.com` is all below example.com, and no host at all means
// every one.
//
//   examples/connect.ts 9980 example.com .example.com
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { forward } from "./support/forward.ts";

const [port = "9980", ...allowed] = Deno.args;

/** How long it may take to reach a host, in ms. */
const CONNECT_TIMEOUT = 10_000;

const server = new HttpServer({
  hostname: "127.0.0.1",
  port: Number(port),
  allowConnect: true, // without it, CONNECT is answered with 501
  streaming: true,
  maxContentLength: Infinity,
});
console.log(`Listening on ${server.url}`);

// A tunnel may stay open for ever, so it does not have long at the end.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 1000 }));
}

function isAllowed(hostname: string): boolean {
  return allowed.length === 0 ||
    allowed.some((host) =>
      host.startsWith(".") ? hostname.endsWith(host) : hostname === host
    );
}

async function tunnel(client: HttpConnection, url: URL): Promise<void> {
  // URLs have IPv6 addresses in brackets, sockets have not; and a URL does not
  // say its port where it is the usual one.
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || 80);
  let target: Deno.TcpConn;
  try {
    // Not if it takes too long, or the client goes meanwhile.
    const late = AbortSignal.timeout(CONNECT_TIMEOUT);
    const signal = AbortSignal.any([client.signal, late]);
    target = await Deno.connect({ hostname, port, signal });
  } catch (error) {
    console.error(`CONNECT ${client.url}:`, error);
    const isLate = error instanceof DOMException;
    client.respond("Host cannot be reached\n", { status: isLate ? 504 : 502 });
    return;
  }
  // Answers with 200. What comes now is no HTTP any more, and the connection
  // is ours to close.
  const source = client.upgrade();
  console.log(`CONNECT ${client.url}`);
  try {
    await Promise.all([pump(source, target), pump(target, source)]);
  } catch {
    // One of them broke: that ends the other one as well.
  } finally {
    source.close();
    target.close();
    console.log(`Closed ${client.url}`);
  }
}

/** Passes bytes on until there are no more, and passes that on as well. */
async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (let length; (length = await from.read(buffer)) !== null;) {
    // The next bytes are read when these are gone: who reads slowly slows the
    // other side down, and nothing piles up here.
    for (let rest = buffer.subarray(0, length); rest.length > 0;) {
      rest = rest.subarray(await to.write(rest));
    }
  }
  // Half a close: the other direction may have something to say yet.
  await to.closeWrite();
}

for await (const client of server) {
  const isTunnel = client.method === "CONNECT";
  const url = URL.parse(isTunnel ? `http://${client.url}` : client.url);
  if (url?.protocol !== "http:") {
    client.respond("This is a proxy", { status: 400 });
  } else if (!isAllowed(url.hostname)) {
    client.respond("Host is not allowed", { status: 403 });
  } else if (isTunnel) {
    tunnel(client, url); // without `await`: the loop goes on
  } else {
    client.respondWith(forward(client, url));
  }
}
