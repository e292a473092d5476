// deno run --allow-net examples/deferred.ts
//
// An answer that comes later. /slow takes ten seconds (or as many as the second
// argument says), and meanwhile everybody else is served: a client is an object
// that you can put aside, and answering it is one call, whenever you like.
//
//   curl http://localhost:9980/slow & curl http://localhost:9980/
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";

const [port = "9980", seconds = "10"] = Deno.args;

const server = new HttpServer({ port: Number(port) });
console.log(`Listening on ${server.url}`);

// Control-C: whoever waits still gets the answer, then it is over.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown());
}

/** Who waits for an answer. */
const waiting = new Set<HttpConnection>();

function answerLater(client: HttpConnection): void {
  waiting.add(client);
  console.log(`${client.socketAddress} waits`);
  const timer = setTimeout(() => {
    waiting.delete(client);
    client.respond(`<p>That took ${seconds} seconds</p>`);
  }, Number(seconds) * 1000);

  // The signal tells that the peer has gone: nobody needs the answer any more,
  // and the work for it can stop. Who does not answer has to close.
  client.signal.addEventListener("abort", () => {
    clearTimeout(timer);
    waiting.delete(client);
    client.close();
    console.log(`${client.socketAddress} did not wait`);
  });
}

for await (const client of server) {
  if (client.path === "/slow") {
    answerLater(client); // returns at once, and the loop goes on
  } else {
    client.respond(`<p>At once. Waiting: ${waiting.size}</p>`);
  }
}
