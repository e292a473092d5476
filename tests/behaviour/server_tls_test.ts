import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { connect as tlsConnect } from "node:tls";
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { makePair, type Pair } from "../support/certificates.ts";
import { RawClient } from "../support/raw_client.ts";
import { eventually, Scene, startServer } from "../support/serving.ts";
import { has, wanting } from "../support/wanting.ts";

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const pairs: Pair[] = has("OpenSSL 3")
  ? await Promise.all([makePair("first"), makePair("second")])
  : [];

async function connect(server: HttpServer, pair: Pair): Promise<RawClient> {
  return new RawClient(
    await Deno.connectTls({
      hostname: "localhost",
      port: server.port,
      caCerts: [pair.cert],
      alpnProtocols: ["h2", "http/1.1"],
    }),
  );
}

/** The common name of the certificate that a server shows. */
function subjectOf(server: HttpServer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      host: "127.0.0.1",
      port: server.port,
      rejectUnauthorized: false,
    }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(new X509Certificate(raw).subject);
    });
    socket.on("error", reject);
  });
}

Deno.test({
  ...wanting("HttpServer speaks TLS, with ALPN http/1.1", "OpenSSL 3"),
}, async () => {
  await using scene = new Scene(
    (client) => client.respond([client.isSecure, client.fullUrl]),
    pairs[0],
  );
  assertEquals(scene.server.isSecure, true);
  assertEquals(scene.server.url, `https://127.0.0.1:${scene.server.port}/`);
  using peer = await connect(scene.server, pairs[0]);
  const { alpnProtocol } = await (peer.conn as Deno.TlsConn).handshake();
  assertEquals(alpnProtocol, "http/1.1");
  await peer.send(GET + GET);
  assertEquals((await peer.response()).body, '[true,"https://localhost/"]');
  assertEquals((await peer.response()).status, 200);
  using client = Deno.createHttpClient({ caCerts: [pairs[0].cert] });
  const url = scene.server.url;
  const response = await fetch(url, { client });
  assertEquals((await response.json())[0], true);
  await assertRejects(() => fetch(url));
});

Deno.test({
  ...wanting("HttpServer over TLS sends the closing alert", "OpenSSL 3"),
}, async () => {
  await using scene = new Scene((client) => client.respond("bye"), pairs[0]);
  using peer = await connect(scene.server, pairs[0]);
  await peer.send(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  assertEquals((await peer.response()).body, "bye");
  // Without the alert this read would throw, not end.
  assertEquals(await peer.conn.read(new Uint8Array(1)), null);
  await eventually(() => scene.server.stats.openConnections === 0);
});

Deno.test({
  ...wanting("HttpServer over TLS streams a large body", "OpenSSL 3"),
}, async () => {
  const body = new Uint8Array(3_000_000).fill(97);
  await using scene = new Scene(async (client) => {
    assertEquals(await client.respond(body), true);
  }, pairs[0]);
  using peer = await connect(scene.server, pairs[0]);
  await peer.send(GET);
  assertEquals((await peer.response()).bytes, body);
});

Deno.test({
  ...wanting(
    "HttpServer over TLS survives peers that do not speak it",
    "OpenSSL 3",
  ),
}, async () => {
  const errors: unknown[] = [];
  await using scene = new Scene((client) => client.respond("ok"), {
    ...pairs[0],
    requestTimeout: 100,
    onError: (error) => errors.push(error),
  });
  const plain = await scene.connect();
  await plain.send(GET);
  await plain.rest();
  const silent = await scene.connect();
  await eventually(() => scene.server.stats.timedOut === 1);
  assertEquals(scene.server.stats.openConnections, 0);
  assertEquals(
    String(errors.at(-1)),
    "HttpError: TLS handshake took too long",
  );
  silent.close();
  using peer = await connect(scene.server, pairs[0]);
  await peer.send(GET);
  assertEquals((await peer.response()).body, "ok");
});

Deno.test({
  ...wanting(
    "HttpServer refuses a bad certificate or key at the start",
    "OpenSSL 3",
  ),
}, () => {
  for (
    const pair of [
      { cert: "", key: "" },
      { cert: pairs[0].cert, key: "nothing" },
      { cert: pairs[0].cert, key: pairs[1].key },
    ]
  ) assertThrows(() => startServer(pair), Deno.errors.InvalidData);
});

Deno.test({
  ...wanting(
    "loadCertificate() changes the certificate of a running server",
    "OpenSSL 3",
  ),
}, async () => {
  const held: HttpConnection[] = [];
  await using scene = new Scene((client) => {
    if (client.path === "/hold") held.push(client);
    else client.respond("ok");
  }, pairs[0]);
  const { server } = scene;
  const { port } = server;
  using open = await connect(server, pairs[0]);
  await open.send(GET.replace("/", "/hold"));
  await eventually(() => held.length === 1);
  assert((await subjectOf(server)).includes("first"));
  await Promise.all([
    server.loadCertificate(pairs[0]),
    server.loadCertificate(pairs[1]),
  ]);
  assertEquals(server.port, port);
  assert((await subjectOf(server)).includes("second"));
  // The open connection lives on, with its answer.
  held[0].respond("later");
  assertEquals((await open.response()).body, "later");
  await open.send(GET);
  assertEquals((await open.response()).body, "ok");
  for (
    const bad of [
      { cert: pairs[0].cert, key: pairs[1].key },
      { cert: "nothing", key: pairs[0].key },
      { cert: pairs[0].cert, key: "nothing" },
    ]
  ) {
    await assertRejects(
      () => server.loadCertificate(bad),
      Deno.errors.InvalidData,
    );
  }
  assert((await subjectOf(server)).includes("second"));
  using peer = await connect(server, pairs[1]);
  await peer.send(GET);
  assertEquals((await peer.response()).body, "ok");
});

Deno.test({
  ...wanting(
    "loadCertificate() is for servers that listen for TLS, and are open",
    "OpenSSL 3",
  ),
}, async () => {
  const plain = startServer();
  await assertRejects(() => plain.loadCertificate(pairs[0]), TypeError);
  await plain.close();
  const closed = startServer(pairs[0]);
  await closed.close();
  await assertRejects(() => closed.loadCertificate(pairs[0]), TypeError);
});
