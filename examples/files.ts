// deno run --allow-net --allow-read=examples/public examples/files.ts
//
// The files of a folder: examples/public/, or the one that the second argument
// names (allow reading that one instead). Nothing outside of it can be had,
// whatever a path says and wherever a link leads.
//
// Types, caching (ETag, Last-Modified) and ranges, by which players seek and
// downloads resume, are taken care of:
//
//   curl --range 0-9 http://localhost:9980/notes.txt
import { HttpServer } from "@uhttp/uhttp";

const [port = "9980", root = `${import.meta.dirname}/public`] = Deno.args;

const server = new HttpServer({ port: Number(port) });
console.log(`Listening on ${server.url}`);

// Control-C and what ends a service: let downloads in progress finish.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 5000 }));
}

for await (const client of server) {
  if (client.method !== "GET" && client.method !== "HEAD") {
    client.respond("Only GET and HEAD", {
      status: 405,
      headers: { allow: "GET, HEAD" },
    });
    continue;
  }
  // Without `await`: the next client need not wait until this one has it all.
  client.respondFile(
    client.path.endsWith("/") ? client.path + "index.html" : client.path,
    {
      root,
      // /notes.txt?download is saved instead of shown.
      download: "download" in client.query,
    },
  );
}
