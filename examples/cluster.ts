// deno run --unstable-net --allow-net --allow-run examples/cluster.ts
//
// One process a core (or as many as the second argument says), all on the same
// port: with `reusePort` the system deals the connections out to them (on Linux;
// Deno calls it unstable as yet, hence the first flag). They share nothing else,
// so what a client must find again on its next connection belongs in a database.
//
// The permission to run a program is for starting deno again. There is no point
// in allowing deno alone: it could run itself with all permissions.
import { HttpServer } from "@uhttp/uhttp";

const [port = "9980", count = navigator.hardwareConcurrency, role = "parent"] =
  Deno.args;

// The first process is one of the servers as well. If the port was 0, it has
// picked one, and tells the others.
const server = new HttpServer({ port: Number(port), reusePort: true });
console.log(`Listening on ${server.url} in process ${Deno.pid}`);

const workers: Deno.ChildProcess[] = [];
let isStopping = false;

/** Ends in good order, and lets the workers do the same. */
function stop(): void {
  if (isStopping) return;
  isStopping = true;
  for (const worker of workers) worker.stdin.close().catch(() => {});
  server.shutdown({ timeout: 5000 });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, stop);
}

if (role === "worker") {
  // Nothing is ever sent here. The pipe ends when the parent does, however that
  // came about, so that no worker is left behind.
  Deno.stdin.readable.pipeTo(new WritableStream()).finally(stop);
} else {
  for (let i = 1; i < Number(count); i++) {
    const worker = new Deno.Command(Deno.execPath(), {
      args: ["run", "--unstable-net", "--allow-net", import.meta.url]
        .concat(String(server.port), String(count), "worker"),
      stdin: "piped",
    }).spawn();
    workers.push(worker);
    // If one fails, all end: whatever started this can start it again.
    worker.status.then(({ success }) => {
      if (!success) Deno.exitCode = 1;
      stop();
    });
  }
}

for await (const client of server) {
  client.respond({ pid: Deno.pid, path: client.path });
}

for (const worker of workers) await worker.status;
Deno.exit(); // a worker still waits for its parent otherwise
