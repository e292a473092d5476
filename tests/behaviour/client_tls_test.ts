import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
} from "@std/assert";
import { HttpClient, type HttpClientOptions, TlsError } from "../../client.ts";
import { makePair } from "../support/certificates.ts";
import { startServer } from "../support/serving.ts";
import { ClientArena } from "../support/client_arenas.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const other = has("OpenSSL 3") ? await makePair() : null;

/** A test that needs certificates. */
function secure(name: string, fn: () => Promise<void>): void {
  Deno.test({ ...wanting(name, "OpenSSL 3"), fn });
}

function arena(options: HttpClientOptions = {}): ClientArena {
  return new ClientArena(
    (client) =>
      client.respond({
        isSecure: client.isSecure,
        body: client.rawData.length,
      }),
    {
      server: { ...pair!, maxContentLength: Infinity },
      client: options,
    },
  );
}

secure(
  "caCerts are trusted, and requests are kept on one connection",
  async () => {
    await using scene = arena();
    const { client } = scene;
    const first = await client.get();
    assertEquals(await first.json(), { isSecure: true, body: 0 });
    assertEquals(first.url, scene.url);
    assertGreater(first.timing.connect, 0);
    assertGreater(first.timing.tls, 0);
    assertGreater(first.timing.firstByte, first.timing.tls);
    const data = new Uint8Array(3_000_000);
    const second = await client.post("", { data });
    assertEquals((await second.json()).body, data.length);
    assertEquals([second.timing.connect, second.timing.tls], [0, 0]);
    const stream = await client.post("", {
      data: new Blob([data]).stream(),
      stream: true,
    });
    assertEquals((await stream.json()).body, data.length);
    assertEquals(client.stats.opened, 1);
  },
);

secure("a certificate of nobody's is a TlsError, unless insecure", async () => {
  await using scene = arena();
  const { cert } = other!;
  for (const options of [{}, { caCerts: [cert] }, { caCerts: [] }]) {
    const client = scene.another(options);
    const error = await client.get().catch((error) => error);
    assertInstanceOf(error, TlsError);
    assertEquals([error.status, error.url], [502, scene.url]);
    assert(error.cause instanceof Error);
    assert(!/\n/.test(error.message), error.message);
    assertEquals(client.isConnected, false);
  }
  const insecure = scene.another({ insecure: true });
  for (let i = 0; i < 2; i++) {
    const response = await insecure.post("", { data: "x".repeat(100_000) });
    assertEquals(await response.json(), { isSecure: true, body: 100_000 });
  }
  assertEquals(insecure.stats.opened, 1);
  const ws = await insecure.websocket().catch((error) => error);
  assertEquals(ws.code, "websocket-refused");
});

secure("a certificate for another name is a TlsError", async () => {
  await using scene = new ClientArena((client) => client.respond("x"), {
    server: { ...pair!, hostname: "0.0.0.0" },
  });
  const { port } = scene.server;
  const caCerts = [pair!.cert];
  // It is for localhost and 127.0.0.1, of which the latter will do.
  await using address = new HttpClient(`https://127.0.0.1:${port}`, {
    caCerts,
  });
  assertEquals((await address.get()).status, 200);
  await using wrong = new HttpClient(`https://127.0.0.2:${port}`, { caCerts });
  const error = await wrong.get().catch((error) => error);
  assertInstanceOf(error, TlsError);
  assert(/another name/.test(error.message), error.message);
  await using insecure = new HttpClient(`https://127.0.0.2:${port}`, {
    insecure: true,
  });
  assertEquals((await insecure.get()).status, 200);
});

secure("http and https do not pass for one another", async () => {
  await using plain = startServer();
  const done = (async () => {
    for await (const client of plain) client.respond("x");
  })();
  await using tls = new HttpClient(`https://127.0.0.1:${plain.port}`, {
    connectTimeout: 3000,
  });
  assertInstanceOf(await tls.get().catch((error) => error), TlsError);
  await plain.close();
  await done;
  await using scene = arena();
  const { port } = scene.server;
  await using clear = new HttpClient(`http://127.0.0.1:${port}`);
  const error = await clear.get().catch((error) => error);
  assert(error instanceof Error);
});

secure("a redirect may lead from http to https and back", async () => {
  await using scene = new ClientArena((client) => {
    const { to } = client.query;
    return to === undefined
      ? client.respond("end")
      : client.respondRedirect(to as string);
  }, { server: pair! });
  await using plain = new ClientArena((client) => {
    const { to } = client.query;
    return to === undefined
      ? client.respond("plain end")
      : client.respondRedirect(to as string);
  }, { client: { maxRedirects: 2, caCerts: [pair!.cert] } });
  const up = await plain.client.get("", { query: { to: scene.url } });
  assertEquals([await up.text(), up.url], ["end", scene.url]);
  const down = await plain.client.get(scene.url, {
    query: { to: plain.server.url },
  });
  assertEquals(await down.text(), "plain end");
});

Deno.test("a Unix socket stands in place of host and port", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  try {
    await using server = startServer({
      hostname: undefined,
      port: undefined,
      path,
    });
    const done = (async () => {
      for await (const client of server) {
        if (client.isWebsocketRequest) client.acceptWebsocket()?.close(4000);
        else client.respond(`${client.headers.host}${client.url}`);
      }
    })();
    await using client = new HttpClient("http://some.name:81/base", { path });
    for (let i = 0; i < 2; i++) {
      const response = await client.get("a");
      assertEquals(await response.text(), "some.name:81/base/a");
      assertEquals(response.url, "http://some.name:81/base/a");
    }
    assertEquals(client.stats.opened, 1);
    const ws = await client.websocket();
    assertEquals((await ws.closed).code, 4000);
    await client.close();
    await server.close();
    await done;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  ...wanting("an IPv6 address is connected to", "IPv6"),
  async fn() {
    await using scene = new ClientArena(
      (client) => client.respond(client.headers.host),
      { server: { hostname: "::1" } },
    );
    const { port } = scene.server;
    await using client = new HttpClient(`http://[::1]:${port}`);
    const response = await client.get();
    assertEquals(await response.text(), `[::1]:${port}`);
    assertEquals(response.url, `http://[::1]:${port}/`);
  },
});

Deno.test("a connection of one's own is used, for the client's origin alone", async () => {
  const targets: { hostname: string; port: number }[] = [];
  await using scene = new ClientArena((client) =>
    client.respond(client.headers.host)
  );
  const { port } = scene.server;
  for (
    const [base, hostname, wanted] of [
      ["http://some.name", "some.name", 80],
      ["https://some.name", "some.name", 443],
      ["http://some.name:81", "some.name", 81],
    ] as const
  ) {
    await using client = new HttpClient(base, {
      connect: (target) => {
        targets.push({ hostname: target.hostname, port: target.port });
        return Deno.connect({ hostname: "127.0.0.1", port });
      },
    });
    const response = await client.get();
    assertEquals(await response.text(), new URL(base).host);
    assertEquals(targets.at(-1), { hostname, port: wanted });
    assertEquals((await client.get(scene.server.url)).status, 200);
    assertEquals(targets.length, 1);
    targets.length = 0;
  }
});
