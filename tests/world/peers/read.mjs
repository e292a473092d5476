// Asks for each row by node:http or by Node's fetch, and tells what came of it.
// node read.mjs ORIGIN COUNT WAY METHODS
import { request } from "node:http";

const [origin, count, way, methods] = process.argv.slice(2);

function byHttp(id, method) {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${origin}/${id}`, { method, agent: false });
    outgoing.on("error", reject);
    outgoing.on("upgrade", (_, socket) => socket.destroy());
    outgoing.setTimeout(3000, () => outgoing.destroy(new Error("Timeout")));
    outgoing.on("response", (incoming) => {
      let body = "";
      incoming.on("data", (piece) => body += piece.toString("latin1"));
      incoming.on("error", reject);
      incoming.on(
        "end",
        () => resolve([incoming.statusCode, body, incoming.headers.x ?? ""]),
      );
    });
    outgoing.end();
  });
}

async function byFetch(id, method) {
  const signal = AbortSignal.timeout(3000);
  const response = await fetch(`${origin}/${id}`, { method, signal });
  const body = Buffer.from(await response.arrayBuffer()).toString("latin1");
  return [response.status, body, response.headers.get("x") ?? ""];
}

const read = way === "http" ? byHttp : byFetch;
const outcomes = new Array(Number(count));
let next = 0;
await Promise.all(Array.from({ length: 8 }, async () => {
  while (next < outcomes.length) {
    const id = next++;
    const method = methods[id] === "h" ? "HEAD" : "GET";
    // It may have been sent on a connection that was just closed.
    for (let tries = 0; tries < 3 && !outcomes[id]; tries++) {
      outcomes[id] = await read(id, method).catch(() => null);
    }
  }
}));
console.log(JSON.stringify(outcomes));
process.exit();
