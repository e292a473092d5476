// The library itself. Arguments: PORT MODE DIR.
import { HttpServer } from "../../mod.ts";

const [port, mode, dir] = Deno.args;

const options: ConstructorParameters<typeof HttpServer>[0] = {
  hostname: "127.0.0.1",
  port: Number(port),
};
if (mode === "tls") {
  options.cert = Deno.readTextFileSync(`${dir}/cert.pem`);
  options.key = Deno.readTextFileSync(`${dir}/key.pem`);
}
if (mode === "idle") {
  options.maxWaitingClients = 10_000;
  options.keepAliveTimeout = 600_000;
}

const server = new HttpServer(options);
console.log(`pid ${Deno.pid}`);

// One loop a mode, so that each is the loop its user would write.
switch (mode) {
  case "json":
    for await (const client of server) {
      client.respond({ headers: client.headers, query: client.query });
    }
    break;
  case "post":
    for await (const client of server) {
      client.respond(client.data);
    }
    break;
  case "file":
    for await (const client of server) {
      client.respondFile("big.bin", { root: dir });
    }
    break;
  default:
    for await (const client of server) {
      client.respond("hello world");
    }
}
