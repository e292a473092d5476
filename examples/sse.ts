// deno run --allow-net --allow-read=examples/pages examples/sse.ts
//
// A dashboard that is alive: the server's own figures, taken once a second (or
// in as many ms as the second argument says) and sent to everybody who watches,
// as server-sent events. That is an answer without end, a few lines of text for
// each event, which a browser's EventSource reads; and so does curl:
//
//   curl -N http://localhost:9980/events
//
// A browser that loses the connection comes back by itself, and says which
// event it has seen last. It then gets what it has missed.
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";

const [port = "9980", interval = "1000"] = Deno.args;

/** So many events are remembered for those who come, or come back. */
const HISTORY = 120;

const server = new HttpServer({ port: Number(port) });
console.log(`Listening on ${server.url}`);

const viewers = new Set<HttpConnection>();
const history: { id: number; data: object }[] = [];
let lastTick = performance.now();

/** Takes the figures, and sends them to everybody. */
function tick(): void {
  const { requests, bytesOut } = server.stats;
  const now = performance.now();
  const event = {
    // A time, and not a number from 0: it goes on after a restart as well.
    id: Date.now(),
    data: {
      viewers: viewers.size,
      memory: Deno.memoryUsage().rss,
      requests,
      bytesOut,
      // How late this tick is: what a busy event loop keeps everybody waiting.
      delay: Math.max(0, now - lastTick - Number(interval)),
    },
  };
  lastTick = now;
  history.push(event);
  if (history.length > HISTORY) history.shift();

  // Without `await`, so that nobody waits for the slowest. One who does not
  // read is dropped when `maxSendBufferSize` is full, and may come back.
  for (const viewer of viewers) viewer.sendEvent(event);
}

async function watch(client: HttpConnection): Promise<void> {
  const isThere = await client.responseEvents({
    // Events may be far apart. Comments between them keep proxies from taking
    // the connection for dead.
    keepAlive: 10_000,
  });
  if (!isThere) return; // gone already, or it was a HEAD request

  client.sendEvent({ retry: 1000 }); // come back after so many ms
  const last = Number(client.lastEventId) || 0;
  for (const event of history) {
    if (event.id > last) client.sendEvent(event);
  }

  viewers.add(client);
  client.signal.addEventListener("abort", () => {
    viewers.delete(client);
    client.close();
    console.log(`${client.socketAddress} has gone`);
  });
  console.log(`${client.socketAddress} watches, from ${last}`);
}

const timer = setInterval(tick, Number(interval));

// Control-C and what ends a service: such an answer has to be ended by us.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    clearInterval(timer);
    for (const viewer of viewers) viewer.responseStreamEnd();
    viewers.clear();
    server.shutdown({ timeout: 5000 });
  });
}

for await (const client of server) {
  if (client.path === "/") {
    client.respondFile(`${import.meta.dirname}/pages/sse.html`);
  } else if (client.path === "/events") {
    watch(client); // without `await`: the loop goes on
  } else {
    client.respond("Not found", { status: 404 });
  }
}
