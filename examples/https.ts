// deno run --allow-net --allow-read=cert.pem,key.pem examples/https.ts
//
// HTTPS. A certificate to try it with, good for a year (OpenSSL 3):
//
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
//     -nodes -days 365 -subj /CN=localhost \
//     -addext basicConstraints=critical,CA:FALSE \
//     -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
//     -keyout key.pem -out cert.pem
//
// CA:FALSE, because Deno's own client takes no certificate authority for a
// server, and that is what openssl makes by default. Nobody but you has signed
// it, so a browser warns; clients trust it when they are told to:
//
//   curl --cacert cert.pem https://localhost:9980/
//   Deno.createHttpClient({ caCerts: [await Deno.readTextFile("cert.pem")] })
//
// A real one costs nothing at Let's Encrypt. Its client, certbot, leaves four
// files in /etc/letsencrypt/live/example.com/, and a server wants two of them:
// fullchain.pem (your certificate and the one that signed it; cert.pem there
// lacks the second, and many clients then fail) and privkey.pem (the key).
// Links lead from there to other folders, so allow the whole of it:
//
//   cd /etc/letsencrypt/live/example.com
//   deno run --allow-net --allow-read=/etc/letsencrypt \
//     /path/to/examples/https.ts 443 fullchain.pem privkey.pem
//
// It is renewed every two months or so. A hangup signal makes this server go on
// with the new one; no restart, and open connections live on.
//
//   certbot renew --deploy-hook "kill -HUP <id of the process>"
import { HttpServer } from "@uhttp/uhttp";

const [port = "9980", certFile = "cert.pem", keyFile = "key.pem"] = Deno.args;

async function readCertificate(): Promise<{ cert: string; key: string }> {
  return {
    cert: await Deno.readTextFile(certFile),
    key: await Deno.readTextFile(keyFile),
  };
}

const server = new HttpServer({
  port: Number(port),
  ...await readCertificate(),
});
console.log(`Listening on ${server.url}`);

Deno.addSignalListener("SIGHUP", async () => {
  try {
    await server.loadCertificate(await readCertificate());
    console.log("Certificate renewed");
  } catch (error) {
    console.error("Certificate kept, as the new one is no good:", error);
  }
});

// Control-C and what ends a service: let answers in progress finish.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 5000 }));
}

for await (const client of server) {
  client.respond(`<h1>hello</h1><p>${client.isSecure ? "safely" : "openly"}`, {
    // Browsers that have been here come back by HTTPS only, for a day.
    headers: { "strict-transport-security": "max-age=86400" },
  });
}
