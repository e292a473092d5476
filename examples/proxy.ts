// deno run --allow-net examples/proxy.ts
//
// A reverse proxy: it stands in front of another server, whose address is the
// second argument, and passes everything on. Bodies are streamed both ways, so
// their size does not matter, and a client that goes away ends the request to
// the other server too. WebSockets are not passed on.
//
//   deno run --allow-net examples/hello.ts 9981 &
//   deno run --allow-net examples/proxy.ts 9980 http://localhost:9981
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { forward } from "./support/forward.ts";

const [port = "9980", address = "http://localhost:9981"] = Deno.args;
const { origin } = new URL(address);

const server = new HttpServer({
  port: Number(port),
  streaming: true,
  // How much is too much is for the other server to say.
  maxContentLength: Infinity,
});
console.log(`Listening on ${server.url} for ${origin}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 5000 }));
}

/** The URL that a request is about, on the other server. */
function target(client: HttpConnection): URL | null {
  const asked = URL.parse(client.fullUrl);
  if (asked === null) return null;
  // Not `new URL(client.url, origin)`: a path such as //example.com/ would lead
  // to another server, and clients could reach all that this machine can.
  const url = new URL(origin);
  url.pathname = asked.pathname;
  url.search = asked.search;
  return url;
}

async function pass(client: HttpConnection, url: URL): Promise<Response> {
  const response = await forward(client, url, {
    // Of what the client itself says there, only the part is believed that
    // comes from `trustedProxies` (an option of the server; here nobody).
    "x-forwarded-for": client.remoteAddresses.join(", "),
    "x-forwarded-proto": client.isSecure ? "https" : "http",
    "x-forwarded-host": client.host,
  });
  // The other server knows itself by its own address. Redirects are to lead
  // to here.
  const location = response.headers.get("location");
  if (location?.startsWith(origin + "/")) {
    response.headers.set("location", location.slice(origin.length));
  }
  return response;
}

for await (const client of server) {
  const url = target(client);
  if (url === null) client.respond("Bad URL", { status: 400 });
  else client.respondWith(pass(client, url)); // answers when it is there
}
