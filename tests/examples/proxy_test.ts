import { assertEquals, assertMatch } from "@std/assert";
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { pattern } from "../support/bytes.ts";
import { RawClient } from "../support/raw_client.ts";
import { Example, Lines } from "./example.ts";
import { program, wanting } from "../support/wanting.ts";

/** The server behind the proxy, and the proxy. */
class Scene implements AsyncDisposable {
  readonly server: HttpServer;
  readonly example: Example;

  private constructor(server: HttpServer, example: Example) {
    this.server = server;
    this.example = example;
  }

  static async start(
    handler: (client: HttpConnection) => unknown,
  ): Promise<Scene> {
    const server = new HttpServer({
      hostname: "127.0.0.1",
      port: 0,
      streaming: true,
      maxContentLength: Infinity,
    });
    (async () => {
      for await (const client of server) handler(client);
    })();
    const args = ["0", server.url];
    return new Scene(server, await Example.start("proxy.ts", { args }));
  }

  url(path: string): URL {
    return new URL(path, this.example.url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.example[Symbol.asyncDispose]();
  }
}

/** Says what came. */
async function echo(client: HttpConnection): Promise<void> {
  const { method, url, headers } = client;
  client.respond({ method, url, headers, body: await client.text() }, {
    status: 201,
    headers: {
      "x-back": "1",
      "x-hop": "secret",
      connection: "x-hop",
      "set-cookie": ["a=1; Path=/", "b=2"],
    },
  });
}

Deno.test("proxy.ts passes on what is meant for the other side", async () => {
  await using scene = await Scene.start(echo);
  const { host } = new URL(scene.server.url);
  using peer = await RawClient.connect(scene.example);
  await peer.send([
    "POST /a%20b/?c=%2F&d HTTP/1.1",
    "Host: public.test",
    'Connection: keep-alive, X-Private, "no name"',
    "Keep-Alive: timeout=5",
    "X-Private: 1",
    "TE: trailers",
    "Upgrade: h2c",
    "Proxy-Authorization: Basic x",
    "X-Public: 1",
    "X-Forwarded-For: 1.2.3.4",
    "X-Forwarded-Host: forged",
    "Accept-Encoding: gzip",
    "Cookie: a=1",
    "Content-Length: 5",
    "\r\nhello",
  ].join("\r\n"));
  const answer = await peer.response();
  assertEquals(answer.status, 201);
  assertEquals(answer.headers["x-back"], "1");
  assertEquals(answer.headers["x-hop"], undefined);
  assertEquals(answer.headers["via"], "1.1 uhttp");
  assertEquals(answer.headers["set-cookie"], "a=1; Path=/\nb=2");
  const { headers, ...rest } = JSON.parse(answer.body);
  assertEquals(rest, { method: "POST", url: "/a%20b/?c=%2F&d", body: "hello" });
  for (const name of ["accept", "accept-language", "user-agent"]) {
    delete headers[name]; // what fetch() adds
  }
  delete headers["transfer-encoding"];
  delete headers["content-length"];
  assertEquals(headers, {
    host,
    "x-public": "1",
    cookie: "a=1",
    "accept-encoding": "identity",
    via: "1.1 uhttp",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "public.test",
    "x-forwarded-proto": "http",
  });

  // The connection lives on, and no path leads elsewhere.
  for (const target of ["//evil.test/x", "http://evil.test//evil.test/x"]) {
    await peer.send(`GET ${target} HTTP/1.1\r\nHost: evil.test\r\n\r\n`);
    const { url, headers } = JSON.parse((await peer.response()).body);
    assertEquals([url, headers.host], ["//evil.test/x", host]);
  }
  await peer.send("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals((await peer.response()).status, 405);
});

Deno.test("proxy.ts passes answers without bodies and redirects on", async () => {
  await using scene = await Scene.start((client) => {
    const { origin } = new URL(scene.server.url);
    switch (client.path) {
      case "/here":
        return client.respondRedirect(`${origin}/new?x`);
      case "/there":
        return client.respondRedirect(`${origin}.evil.test/`);
      case "/same":
        return client.respond(null, { status: 304, headers: { etag: '"1"' } });
      default:
        return client.respond("x".repeat(1000));
    }
  });
  const { origin } = new URL(scene.server.url);
  const init = { redirect: "manual" } as const;
  for (
    const [path, location] of [
      ["/here", "/new?x"],
      ["/there", `${origin}.evil.test/`],
    ]
  ) {
    const response = await fetch(scene.url(path), init);
    assertEquals(await response.text(), "");
    assertEquals(response.status, 302);
    assertEquals(response.headers.get("location"), location);
  }
  const same = await fetch(scene.url("/same"));
  assertEquals([same.status, same.headers.get("etag")], [304, '"1"']);
  const head = await fetch(scene.url("/"), { method: "HEAD" });
  assertEquals(head.headers.get("content-length"), "1000");
  assertEquals(await head.text(), "");
  assertEquals(await (await fetch(scene.url("/"))).text(), "x".repeat(1000));
});

Deno.test("proxy.ts streams both ways at once", async () => {
  // What comes goes back, piece by piece.
  await using scene = await Scene.start((client) =>
    client.respond(client.body)
  );
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const init = { method: "POST", body: readable };
  const responded = fetch(scene.url("/"), init);
  await writer.write(encoder.encode("one"));
  const reader = (await responded).body!.pipeThrough(new TextDecoderStream())
    .getReader();
  assertEquals((await reader.read()).value, "one");
  await writer.write(encoder.encode("two"));
  assertEquals((await reader.read()).value, "two");
  await writer.close();
  assertEquals((await reader.read()).done, true);

  const large = pattern(5_000_000);
  const response = await fetch(scene.url("/"), { method: "PUT", body: large });
  assertEquals(await response.bytes(), large);
});

Deno.test("proxy.ts lets the other server know when a client goes", async () => {
  const came = Promise.withResolvers<HttpConnection>();
  await using scene = await Scene.start((client) => came.resolve(client));
  using peer = await RawClient.connect(scene.example);
  await peer.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  const { signal } = await came.promise;
  const gone = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => gone.resolve());
  peer.close();
  await scene.example.output.until(/ has gone: GET /);
  await gone.promise;
});

Deno.test("proxy.ts breaks off what was broken off", async () => {
  await using scene = await Scene.start(async (client) => {
    await client.responseStream();
    await client.sendChunk("part");
    client.close();
  });
  using peer = await RawClient.connect(scene.example);
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const answer = await peer.rest();
  assertMatch(answer, /\r\n4\r\npart\r\n$/); // and no last chunk
});

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("proxy.ts answers 502 while there is no server", async () => {
  const args = ["0", `http://127.0.0.1:${freePort()}`];
  await using example = await Example.start("proxy.ts", { args });
  const response = await fetch(example.url);
  assertEquals(response.status, 502);
  assertEquals(await response.text(), "Server cannot be reached\n");
  await example.errors.until(/^GET http:/);
});

Deno.test({
  ...wanting("proxy.ts stands in front of nginx", "nginx"),
  async fn() {
    const folder = await Deno.makeTempDir();
    const port = freePort();
    const bytes = pattern(1_000_000);
    await Deno.writeFile(`${folder}/large.bin`, bytes);
    await Deno.writeTextFile(`${folder}/text.txt`, "text ".repeat(1000));
    await Deno.mkdir(`${folder}/folder`);
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`);
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; pid ${folder}/nginx.pid;
      error_log stderr notice; events {}
      http {
        access_log off; ${paths.join(" ")}
        default_type text/plain; gzip on; gzip_types text/plain;
        server {
          listen 127.0.0.1:${port};
          root ${folder};
          location = /upload {
            client_max_body_size 1k;
            proxy_pass http://127.0.0.1:1;
          }
        }
      }`,
    );
    const nginx = new Deno.Command(program("nginx"), {
      args: ["-c", `${folder}/nginx.conf`, "-p", folder],
      stderr: "piped",
      stdout: "null",
    }).spawn();
    const errors = new Lines(nginx.stderr);
    try {
      await errors.until(/start worker processes|using the "epoll"/);
      const args = ["0", `http://127.0.0.1:${port}`];
      await using example = await Example.start("proxy.ts", { args });
      const get = (path: string, init?: RequestInit) =>
        fetch(new URL(path, example.url), init);

      const large = await get("/large.bin");
      assertEquals(await large.bytes(), bytes);
      assertMatch(large.headers.get("server")!, /^nginx/);
      const part = await get("/large.bin", { headers: { range: "bytes=7-9" } });
      assertEquals([part.status, await part.bytes()], [
        206,
        bytes.slice(7, 10),
      ]);
      const text = await get("/text.txt");
      assertEquals(text.headers.get("content-length"), "5000");
      assertEquals(await text.text(), "text ".repeat(1000));
      const etag = text.headers.get("etag")!;
      const headers = { "if-none-match": etag };
      assertEquals((await get("/text.txt", { headers })).status, 304);
      const missing = await get("/none");
      assertEquals(missing.status, 404);
      await missing.body?.cancel();
      const moved = await get("/folder", { redirect: "manual" });
      assertEquals(moved.headers.get("location"), "/folder/");
      await moved.body?.cancel();
      // It refuses before it has read all; the reason gets through.
      const refused = await get("/upload", { method: "PUT", body: bytes });
      assertEquals(refused.status, 413);
      await refused.body?.cancel();
    } finally {
      nginx.kill();
      await errors.rest();
      await nginx.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});
