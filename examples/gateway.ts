// deno run --allow-net examples/gateway.ts
//
// A gateway: a server and a client in one loop. What is asked of the gateway is
// asked of the server behind it (hello.ts, in another terminal), and the answer
// is passed on. While one request waits for the server behind, all others go on.
//
//   deno run --allow-net examples/gateway.ts PORT URL
import {
  HttpClient,
  type HttpConnection,
  HttpError,
  HttpServer,
  select,
} from "@uhttp/uhttp";
import { HOP_BY_HOP } from "./support/forward.ts";

const [port = "9981", behind = "http://localhost:9980/"] = Deno.args;

const server = new HttpServer({ port: Number(port) });
const client = new HttpClient(behind, {
  timeout: 10_000,
  maxConnections: 50,
  cookies: false, // those of its own clients must not get mixed up
  decompress: false, // bodies are passed on as they are
});
console.log(`Listening on ${server.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 5000 }));
}

/** What is not passed on: the client and the server have their own. */
const NOT_PASSED_ON = [...HOP_BY_HOP, "content-length", "expect", "host"];

function passedOn(
  headers: Record<string, string>,
): Record<string, string | string[]> {
  const named = (headers.connection ?? "").toLowerCase().split(/[\s,]+/);
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      !NOT_PASSED_ON.includes(name) && !named.includes(name)
    ),
  );
}

/** Asks the server behind, without waiting for its answer. */
function forward(peer: HttpConnection): void {
  const request = client.request(peer.method, peer.url, {
    headers: {
      ...passedOn(peer.headers),
      "x-forwarded-for": [...peer.remoteAddresses, peer.remoteAddress]
        .filter((address, i, all) => all.indexOf(address) === i).join(", "),
    },
    data: peer.rawData.length > 0 ? peer.rawData : undefined,
  });
  request.context = peer; // whose request it is
  // Nobody is waiting any more: neither do we.
  peer.signal.addEventListener("abort", () => request.abort());
}

while (!server.isFinished) {
  await select([server, client]);

  const peer = server.processEvents();
  if (peer !== null) {
    try {
      forward(peer);
    } catch (error) {
      // The request cannot be passed on as it is: `OPTIONS *`, say.
      peer.respond({ problem: String(error) }, { status: 400 });
    }
  }

  const request = client.processEvents();
  if (request !== null) {
    const { response, error, context } = request;
    const asker: HttpConnection = context;
    if (response !== null) {
      const headers = passedOn(response.headers);
      const cookies = response.headersAll("set-cookie");
      if (cookies.length > 0) headers["set-cookie"] = cookies;
      asker.respond(response.data, {
        status: response.status,
        statusMessage: response.statusMessage,
        headers,
      });
    } else {
      console.error(`${error}`);
      // 502, or 504 where it took too long: every error knows its status.
      const status = error instanceof HttpError ? error.status : undefined;
      asker.respond({ problem: "No answer" }, { status: status ?? 502 });
    }
  }
}
await client.close();
