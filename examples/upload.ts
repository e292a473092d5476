// deno run --allow-net --allow-read --allow-write examples/upload.ts
//
// Uploads of any size, with a progress bar. The body goes to the disk as it
// arrives, so a file may be larger than memory; how large at most, in bytes, is
// the third argument. The second one says where to: by default a new temporary
// folder. If you name one, allow that one alone, beside the page:
//
//   deno run --allow-net --allow-write=/srv/in \
//     --allow-read=/srv/in,examples/pages examples/upload.ts 9980 /srv/in
//   curl -T film.mp4 http://localhost:9980/upload
import { type HttpConnection, HttpError, HttpServer } from "@uhttp/uhttp";
import { createHash } from "node:crypto";

const [
  port = "9980",
  folder = await Deno.makeTempDir({ prefix: "upload-" }),
  maxLength = "1000000000",
] = Deno.args;

const server = new HttpServer({
  port: Number(port),
  streaming: true, // clients come right after their headers, bodies later
});
console.log(`Listening on ${server.url} and saving to ${folder}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 5000 }));
}

async function receive(client: HttpConnection): Promise<void> {
  // The server's `maxContentLength` is for bodies that are kept in memory. This
  // is checked against the announced length before anything is read, and
  // against what comes, as a body in chunks announces nothing.
  client.limit(Number(maxLength));

  // The name is ours. One that a peer has chosen may be a path to anywhere.
  const id = crypto.randomUUID();
  const path = `${folder}/${id}`;
  try {
    const size = await client.saveTo(path);
    const sha256 = await hash(path);
    console.log(`Saved ${id}, ${size} bytes`);
    client.respond({ id, size, sha256 }, { status: 201 });
  } catch (error) {
    console.log(`Nothing saved: ${error}`);
    // What the peer did wrong, the server has answered already: 413 for too
    // much, 408 for too slowly. A full disk is our fault.
    if (!(error instanceof HttpError)) {
      client.respond("Cannot save it", { status: 500 });
    }
  }
}

/** What a file comes to; it tells the sender that all has arrived as it was. */
async function hash(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const buffer = new Uint8Array(65536);
  for (let length; (length = await file.read(buffer)) !== null;) {
    hash.update(buffer.subarray(0, length));
  }
  return hash.digest("hex");
}

for await (const client of server) {
  if (client.path === "/") {
    client.respondFile(`${import.meta.dirname}/pages/upload.html`);
  } else if (client.path !== "/upload") {
    client.respond("Not found", { status: 404 });
  } else if (client.method !== "PUT") {
    // A form or a script of another site can POST to here. For a PUT, browsers
    // ask us first, and we do not answer that.
    client.respond("Only PUT", { status: 405, headers: { allow: "PUT" } });
  } else {
    receive(client); // without `await`: others may upload at the same time
  }
}
