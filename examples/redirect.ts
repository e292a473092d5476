// deno run --allow-net --allow-read=cert.pem,key.pem examples/redirect.ts
//
// Two servers in one loop: HTTP sends everybody on to HTTPS. See https.ts for
// how to get cert.pem and key.pem. The ports, 9980 and 9943, can be given as
// arguments; to the world they would be 80 and 443.
import { type HttpConnection, HttpServer, select } from "@uhttp/uhttp";

const [httpPort = "9980", httpsPort = "9943"] = Deno.args;

const http = new HttpServer({ port: Number(httpPort) });
const https = new HttpServer({
  port: Number(httpsPort),
  cert: await Deno.readTextFile("cert.pem"),
  key: await Deno.readTextFile("key.pem"),
});
console.log(`Listening on ${http.url} and ${https.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    http.shutdown({ timeout: 5000 });
    https.shutdown({ timeout: 5000 });
  });
}

/** Sends a client to the same address, by HTTPS. */
function redirect(client: HttpConnection): void {
  const url = URL.parse(client.fullUrl);
  // HTTP/1.0 does not have to say which host it means.
  if (client.host === "" || url === null) {
    client.respond("Which host?", { status: 400 });
    return;
  }
  url.protocol = "https:";
  url.port = String(https.port);
  client.respondRedirect(url.href, { status: 308 }); // 308 keeps the method
}

while (!http.isFinished || !https.isFinished) {
  // Waits until one of them has a client. What you wait for besides, such as a
  // third server, goes in here; a timeout can be the second argument.
  await select([http, https]);

  // The next client of each, or null: this never waits.
  const plain = http.processEvents();
  if (plain !== null) redirect(plain);

  const secure = https.processEvents();
  if (secure !== null) secure.respond("<h1>hello</h1><p>safely</p>");
}
