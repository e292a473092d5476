// deno run --allow-net examples/hello.ts
import { HttpServer } from "@uhttp/uhttp";

const server = new HttpServer({ port: Number(Deno.args[0] ?? 9980) });
console.log(`Listening on ${server.url}`);

for await (const client of server) {
  if (client.path === "/") {
    client.respond("<h1>hello</h1><p>uHTTP</p>"); // string -> HTML
  } else if (client.path === "/rpc") {
    client.respond({
      message: "hello",
      headers: client.headers,
      query: client.query,
    }); // object -> JSON
  } else {
    client.respond("Not found", { status: 404 });
  }
}
