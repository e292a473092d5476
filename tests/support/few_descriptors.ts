/**
 * A server of a process that may have few descriptors, for a test: it prints
 * its port, and answers with a file.
 */
import { HttpServer } from "@uhttp/uhttp";

// Deno sets its signals up a while after its start, and does not survive to have
// no descriptor for that; so it is done now.
Deno.addSignalListener("SIGUSR2", () => {});

const file = import.meta.filename!;
const server = new HttpServer({
  hostname: "127.0.0.1",
  port: 0,
  onError: (error) => console.error(`${error}`),
});
console.log(server.port);
for await (const client of server) {
  if (client.path === "/file") client.respondFile(file);
  else if (client.path === "/stop") server.close();
  else client.respond("ok");
}
