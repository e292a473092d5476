// The client before the servers of others.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { createHash } from "node:crypto";
import {
  ConnectionLostError,
  HttpClient,
  type HttpClientOptions,
} from "../../client.ts";
import { Lines } from "../examples/example.ts";
import { isSame, pattern } from "../support/bytes.ts";
import { makePair } from "../support/certificates.ts";
import { eventually, Scene, startServer } from "../support/serving.ts";
import { has, program, type ProgramName, wanting } from "../support/wanting.ts";

/** A test that needs a program. */
function withProgram(
  name: string,
  wanted: ProgramName,
  fn: (program: string, t: Deno.TestContext) => Promise<void>,
): void {
  Deno.test({ ...wanting(name, wanted), fn: (t) => fn(program(wanted), t) });
}

/** A program that runs until it is disposed of. */
class Running implements AsyncDisposable {
  readonly output: Lines;
  readonly errors: Lines;
  readonly #child: Deno.ChildProcess;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(program: string, ...args: string[]) {
    this.#child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.output = new Lines(this.#child.stdout);
    this.errors = new Lines(this.#child.stderr);
    this.#timer = setTimeout(() => this.#kill("SIGKILL"), 20_000);
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended by itself.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill("SIGTERM");
    await Promise.all([this.output.rest(), this.errors.rest()]);
    await this.#child.status;
    clearTimeout(this.#timer);
  }
}

/** A folder for the length of a test, that servers of other users may read. */
async function makeFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  await Deno.chmod(path, 0o755);
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Waits until something listens on a port. */
async function listens(port: number): Promise<void> {
  let isThere = false;
  await eventually(() => {
    Deno.connect({ hostname: "127.0.0.1", port }).then((conn) => {
      isThere = true;
      conn.close();
    }, () => {});
    return isThere;
  });
}

const LARGE = pattern(1_000_000);
const TEXT = "text ".repeat(1000);
/** The password "se:cret", as password files have it. */
const SECRET = createHash("sha1").update("se:cret").digest("base64");

async function* pieces(bytes: Uint8Array<ArrayBuffer>) {
  for (let at = 0; at < bytes.length; at += 30_000) {
    await Promise.resolve();
    yield bytes.subarray(at, at + 30_000);
  }
}

/** What every server can do that sends back what it gets. */
async function converse(
  base: string,
  options: HttpClientOptions = {},
): Promise<void> {
  await using client = new HttpClient(base, options);
  for (let turn = 0; turn < 3; turn++) {
    const get = await client.get("/echo", { query: { a: "ä&=" } });
    assertEquals([get.status, get.data.length], [200, 0]);
    const head = await client.head("/echo");
    assertEquals([head.status, head.data.length], [200, 0]);
    for (const stream of [false, true]) {
      for (
        const data of [
          TEXT,
          LARGE,
          new Blob([LARGE]),
          pieces(LARGE),
          pieces(
            new Uint8Array(0),
          ),
        ]
      ) {
        const response = await client.post("/echo", { data, stream });
        assertEquals(response.status, 200);
        const bytes = await response.readAll();
        if (data === TEXT) assertEquals(new TextDecoder().decode(bytes), TEXT);
        else if (bytes.length > 0) assert(isSame(bytes, LARGE));
      }
    }
    const options = { data: TEXT, expectContinue: true };
    const put = await client.put("/echo", options);
    assertEquals(await put.text(), TEXT);
  }
  // HEAD may end its connection.
  const { opened } = client.stats;
  assert(opened === 1 || opened === 4, `${opened}`);
  const many = await Promise.all(
    Array.from(
      { length: 30 },
      (_, i) => client.put("/echo", { data: `${i}` }),
    ),
  );
  for (const [i, response] of many.entries()) {
    assertEquals(await response.text(), `${i}`);
  }
  assert(client.stats.opened < opened + 10);
}

/**
 * Uploads to a server that answers `/early` before it reads, and then tells by
 * `/got` how much it got; and that sends back what comes to `/echo`.
 */
async function converseEarly(base: string): Promise<void> {
  await using client = new HttpClient(base, { maxResponseLength: 50_000_000 });
  for (const stream of [false, true]) {
    for (const size of [3_000_000, 50_000_000]) {
      const bytes = new Uint8Array(size);
      for (const data of [bytes, new Blob([bytes]), pieces(bytes)]) {
        const response = await client.put("/early", { data, stream });
        assertEquals([response.status, await response.text()], [200, "ok"]);
        let got = 0;
        // The kernel has the rest.
        while (got < size) {
          got += Number(await (await client.get("/got")).text());
        }
        assertEquals(got, size);
      }
      const response = await client.post("/echo", { data: bytes, stream });
      assertEquals((await response.readAll()).length, size);
    }
  }
}

// ---- Deno.serve -----------------------------------------------------------

Deno.test("the client talks to Deno.serve", async () => {
  const listening = Promise.withResolvers<number>();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => listening.resolve(port),
  }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/echo") return new Response(await request.bytes());
    if (pathname === "/form") {
      const form = await request.formData();
      const found = [];
      for (const [name, value] of form) {
        found.push(
          typeof value === "string"
            ? [name, value]
            : [name, value.name, value.type, await value.text()],
        );
      }
      return Response.json(found);
    }
    if (pathname === "/moved") return Response.redirect(`${base}/text`);
    return new Response(TEXT, { headers: { "content-type": "text/plain" } });
  });
  const base = `http://127.0.0.1:${await listening.promise}`;
  await converse(base);
  await converse(base, { maxConnections: 1 });
  {
    await using client = new HttpClient(base, { maxRedirects: 1 });
    const form = new FormData();
    form.append("a", "grün\n");
    form.append('b"c', new File(["bytes"], 'n"ä.txt', { type: "text/x" }));
    const said = await (await client.post("/form", { form })).json();
    assertEquals(said, [
      ["a", "grün\r\n"],
      // What browsers escape too, it leaves as it is.
      ["b%22c", "n%22ä.txt", "text/x", "bytes"],
    ]);
    const query = { form: { "a b": ["ä", "&="] } };
    const coded = await (await client.post("/form", query)).json();
    assertEquals(coded, [["a b", "ä"], ["a b", "&="]]);
    const moved = await client.get("/moved");
    assertEquals([moved.redirected, await moved.text()], [true, TEXT]);
  }
  await server.shutdown();
});

// ---- Our own ----------------------------------------------------------------

Deno.test("the client uploads to our own server that has answered", async () => {
  let got = 0;
  await using scene = new Scene(async (client: HttpConnection) => {
    if (client.path === "/got") {
      client.respond(String(got));
      got = 0;
    } else if (client.path === "/early") {
      client.responseStream({ headers: { "content-length": "2" } });
      await client.sendChunk("ok");
      for (let piece; (piece = await client.read()) !== null;) {
        got += piece.length;
      }
      client.responseStreamEnd();
    } else {
      client.responseStream({});
      for (let piece; (piece = await client.read()) !== null;) {
        await client.sendChunk(piece);
      }
      client.responseStreamEnd();
    }
  }, { streaming: true, maxContentLength: 60_000_000 });
  await converseEarly(scene.server.url.replace(/\/$/, ""));
});

// ---- node:http ------------------------------------------------------------

const NODE_SERVER = `
const http = require("node:http");
const zlib = require("node:zlib");
let got = 0;
const server = http.createServer((request, response) => {
  if (request.url.startsWith("/echo")) return request.pipe(response);
  if (request.url === "/early") {
    response.end("ok");
    return request.on("data", (piece) => got += piece.length);
  }
  if (request.url === "/got") {
    response.end(String(got));
    got = 0;
    return;
  }
  if (request.url === "/trailers") {
    response.writeHead(200, { Trailer: "X-Sum" });
    response.write("body");
    response.addTrailers({ "X-Sum": "7" });
    return response.end();
  }
  if (request.url === "/hints") {
    response.writeEarlyHints({ link: "</a>; rel=preload" });
    return response.end("hinted");
  }
  if (request.url === "/deflate") {
    response.setHeader("content-encoding", "deflate");
    return response.end(zlib.deflateSync("deflated"));
  }
  if (request.url === "/raw") {
    response.setHeader("content-encoding", "deflate");
    return response.end(zlib.deflateRawSync("deflated"));
  }
  if (request.url === "/both") {
    response.setHeader("content-encoding", "gzip, br");
    return response.end(zlib.brotliCompressSync(zlib.gzipSync("packed twice")));
  }
  if (request.url === "/cut") {
    response.writeHead(200, { "content-length": 100 });
    response.write("part");
    return setTimeout(() => request.socket.destroy(), 10);
  }
  response.setHeader("set-cookie", ["a=1", "b=2; HttpOnly"]);
  response.end(request.headers.cookie ?? "");
});
server.keepAliveTimeout = 5000;
server.on("checkContinue", (request, response) => {
  response.writeContinue();
  request.pipe(response);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

withProgram("the client talks to node:http", "node", async (program) => {
  await using running = new Running(program, "-e", NODE_SERVER);
  const [port] = await running.output.until(/^\d+$/);
  const base = `http://127.0.0.1:${port}`;
  await converse(base);
  await converseEarly(base);
  await using client = new HttpClient(base);
  const trailed = await client.get("/trailers", { stream: true });
  assertEquals(await trailed.text(), "body");
  assertEquals({ ...trailed.trailers }, { "x-sum": "7" });
  assertEquals(await (await client.get("/hints")).text(), "hinted");
  for (const stream of [false, true]) {
    for (
      const [path, text] of [
        ["/deflate", "deflated"],
        ["/raw", "deflated"],
        ["/both", "packed twice"],
      ]
    ) {
      const response = await client.get(path, { stream });
      assertEquals(await response.text(), text, path);
    }
  }
  const first = await client.get("/cookies");
  assertEquals({ ...first.cookies }, { a: "1", b: "2" });
  assertMatch(first.headersGet("keep-alive", ""), /timeout=5/);
  assertEquals(await (await client.get("/cookies")).text(), "a=1; b=2");
  const cut = await client.get("/cut", { stream: true });
  const error = await cut.text().catch((error) => error);
  assertInstanceOf(error, ConnectionLostError);
  assertEquals(error.bytesReceived, 4);
});

// ---- nginx ----------------------------------------------------------------

withProgram("the client talks to nginx", "nginx", async (program, t) => {
  await using folder = await makeFolder();
  const { path } = folder;
  const [port, tlsPort] = [freePort(), freePort()];
  await Deno.writeFile(`${path}/large.bin`, LARGE);
  await Deno.writeTextFile(`${path}/text.txt`, TEXT);
  await Deno.writeTextFile(`${path}/users`, `me:{SHA}${SECRET}\n`);
  await Deno.mkdir(`${path}/folder`);
  const pair = has("OpenSSL 3") ? await makePair() : null;
  let tls = "";
  if (pair !== null) {
    await Deno.writeTextFile(`${path}/cert.pem`, pair.cert);
    await Deno.writeTextFile(`${path}/key.pem`, pair.key);
    tls = `listen 127.0.0.1:${tlsPort} ssl;
      ssl_certificate ${path}/cert.pem; ssl_certificate_key ${path}/key.pem;`;
  }
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${path}/${name};`);
  await Deno.writeTextFile(
    `${path}/nginx.conf`,
    `daemon off; master_process off; pid ${path}/nginx.pid;
    error_log stderr notice; events {}
    http {
      access_log off; ${paths.join(" ")}
      default_type text/plain; gzip on; gzip_types text/plain;
      types { application/octet-stream bin; }
      keepalive_timeout 20s 10s; keepalive_requests 5;
      server {
        listen 127.0.0.1:${port};
        listen unix:${path}/socket;
        ${tls}
        root ${path};
        location /private { auth_basic "Keep out"; auth_basic_user_file ${path}/users;
          alias ${path}/; }
        location = /teapot { return 418 "short and stout"; }
        location = /nobody { return 204; }
        location = /moved { return 301 /text.txt; }
        location = /upload { client_max_body_size 1k; proxy_pass http://127.0.0.1:1; }
      }
    }`,
  );
  await using running = new Running(
    program,
    "-c",
    `${path}/nginx.conf`,
    "-p",
    path,
  );
  await running.errors.until(/start worker processes|using the "epoll"/);
  const base = `http://127.0.0.1:${port}`;
  const check = async (client: HttpClient) => {
    const large = await client.get("/large.bin");
    assert(isSame(large.data, LARGE));
    assertEquals(large.contentLength, LARGE.length);
    const part = await client.get("/large.bin", {
      headers: { range: "bytes=7-9" },
    });
    assertEquals([part.status, part.data], [206, LARGE.slice(7, 10)]);
    const text = await client.get("/text.txt");
    assertEquals(text.headers["content-encoding"], "gzip");
    assertEquals(await text.text(), TEXT);
    assert(text.bytesReceived < 1000);
    const stream = await client.get("/text.txt", { stream: true });
    assertEquals(await stream.text(), TEXT);
    const etag = text.headersGet("etag", "");
    const headers = { "if-none-match": etag.replace(/^W\//, "") };
    const same = await client.get("/text.txt", { headers });
    assertEquals([same.status, same.data.length], [304, 0]);
    const head = await client.head("/large.bin");
    assertEquals(head.contentLength, LARGE.length);
  };
  await using client = new HttpClient(base, { maxRedirects: 2 });
  await check(client);
  const teapot = await client.get("/teapot");
  assertEquals([teapot.status, await teapot.text()], [418, "short and stout"]);
  assertEquals((await client.get("/nobody")).status, 204);
  assertEquals((await client.get("/none")).status, 404);
  const moved = await client.get("/moved");
  assertEquals([moved.redirected, await moved.text()], [true, TEXT]);
  const refused = await client.put("/upload", { data: LARGE });
  assertEquals(refused.status, 413);
  // It gives each connection up after five requests.
  for (let i = 0; i < 12; i++) {
    const { headers, status } = await client.get("/teapot");
    assertEquals(status, 418);
    if (headers.connection === "keep-alive") {
      assertEquals(headers["keep-alive"], "timeout=10");
    }
  }
  assert(client.stats.opened >= 4);

  assertEquals((await client.get("/private/text.txt")).status, 401);
  const auth = ["me", "se:cret"] as const;
  const own = await client.get("/private/text.txt", { auth });
  assertEquals([own.status, await own.text()], [200, TEXT]);
  const wrong = await client.get("/private/text.txt", { auth: ["me", "no"] });
  assertEquals(wrong.status, 401);

  await using unix = new HttpClient("http://localhost", {
    path: `${path}/socket`,
  });
  await check(unix);
  await t.step({
    ...wanting("over TLS", "OpenSSL 3"),
    async fn() {
      for (const options of [{ caCerts: [pair!.cert] }, { insecure: true }]) {
        const url = `https://localhost:${tlsPort}`;
        await using secure = new HttpClient(url, options);
        await check(secure);
      }
    },
  });
});

// ---- HAProxy --------------------------------------------------------------

withProgram(
  "the client talks to our server through HAProxy",
  "haproxy",
  async (program) => {
    await using folder = await makeFolder();
    const { path } = folder;
    const port = freePort();
    await using server = startServer({ maxContentLength: Infinity });
    const done = (async () => {
      for await (const client of server) serve(client);
    })();
    await Deno.writeTextFile(
      `${path}/haproxy.cfg`,
      `global
    log stderr format raw local0 err
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
    timeout tunnel 5s
    option forwardfor
frontend front
    bind 127.0.0.1:${port}
    default_backend back
backend back
    server one 127.0.0.1:${server.port}
`,
    );
    {
      await using _ = new Running(program, "-f", `${path}/haproxy.cfg`, "-db");
      await listens(port);
      await converse(`http://127.0.0.1:${port}`);
      await using client = new HttpClient(`http://127.0.0.1:${port}`);
      const said = await (await client.get("/headers")).json();
      assertEquals(said["x-forwarded-for"], "127.0.0.1");
      const events = [];
      const response = await client.get("/events", { stream: true });
      for await (const { data } of response.events()) events.push(data);
      assertEquals(events, ["1", "2", "3"]);
      const ws = await client.websocket("/ws", { compress: true });
      ws.send("x".repeat(10_000));
      assertEquals(await ws.recv(), "x".repeat(10_000));
      ws.close();
      await ws.closed;
      const cut = await client.get("/cut").catch((error) => error);
      assert(cut.status >= 500, `${cut}`);
    }
    await server.close();
    await done;
  },
);

async function serve(client: HttpConnection): Promise<void> {
  if (client.isWebsocketRequest) {
    const ws = client.acceptWebsocket({ compress: true })!;
    for await (const message of ws) ws.send(message);
  } else if (client.path === "/headers") client.respond(client.headers);
  else if (client.path === "/cut") client.close();
  else if (client.path === "/events") {
    await client.responseEvents();
    for (const data of ["1", "2", "3"]) await client.sendEvent({ data });
    await client.responseStreamEnd();
  } else client.respond(client.rawData);
}

// ---- Python ---------------------------------------------------------------

withProgram(
  "the client talks to Python's http.server, of HTTP/1.0",
  "python3",
  async (program) => {
    await using folder = await makeFolder();
    const { path } = folder;
    await Deno.writeFile(`${path}/large.bin`, LARGE);
    await Deno.writeTextFile(`${path}/text.txt`, TEXT);
    await Deno.mkdir(`${path}/folder`);
    await using running = new Running(
      program,
      ...["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", path],
    );
    const [, port] = await running.output.until(/port (\d+)/);
    await using client = new HttpClient(`http://127.0.0.1:${port}`, {
      maxRedirects: 1,
    });
    for (const stream of [false, true]) {
      const large = await client.get("/large.bin", { stream });
      assertEquals([large.status, large.protocol], [200, "HTTP/1.0"]);
      assert(isSame(await large.readAll(), LARGE));
      const text = await client.get("/text.txt", { stream });
      assertEquals([text.contentType, await text.text()], ["text/plain", TEXT]);
      const folder = await client.get("/folder", { stream });
      assertEquals([folder.status, folder.redirected], [200, true]);
      assertMatch(await folder.text(), /Directory listing/);
    }
    assertEquals((await client.get("/none")).status, 404);
    assertEquals((await client.post("/", { data: TEXT })).status, 501);
    assertEquals((await client.head("/text.txt")).contentLength, TEXT.length);
    await eventually(() => !client.isConnected);
  },
);

// ---- Apache ---------------------------------------------------------------

const MODULES = "/usr/lib/apache2/modules";

withProgram(
  "the client talks to Apache, by Digest and Basic",
  "apache2",
  async (program) => {
    await using folder = await makeFolder();
    const { path } = folder;
    const port = freePort();
    await Deno.mkdir(`${path}/www/digest`, { recursive: true });
    await Deno.mkdir(`${path}/www/basic`);
    for (const name of ["", "digest/", "basic/"]) {
      await Deno.writeTextFile(`${path}/www/${name}text.txt`, TEXT);
    }
    await Deno.writeFile(`${path}/www/large.bin`, LARGE);
    await Deno.writeTextFile(`${path}/basic`, `me:{SHA}${SECRET}\n`);
    const key = createHash("md5").update("me:The realm:se:cret").digest("hex");
    await Deno.writeTextFile(`${path}/digest`, `me:The realm:${key}\n`);
    const modules = [
      "mpm_event",
      "authn_core",
      "authn_file",
      "authz_core",
      "authz_user",
      "auth_basic",
      "auth_digest",
      "mime",
      "dir",
      "deflate",
      "filter",
    ].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`);
    await Deno.writeTextFile(
      `${path}/apache.conf`,
      `ServerRoot ${path}
${modules.join("\n")}
User #65534
Group #65534
Listen 127.0.0.1:${port}
ServerName localhost
PidFile ${path}/pid
DefaultRuntimeDir ${path}
Mutex default
ErrorLog "|/bin/cat >&2"
TypesConfig /dev/null
AddType text/plain .txt
AddOutputFilterByType DEFLATE text/plain
DocumentRoot ${path}/www
KeepAliveTimeout 3
<Directory ${path}/www>
  Require all granted
</Directory>
<Directory ${path}/www/digest>
  AuthType Digest
  AuthName "The realm"
  AuthDigestProvider file
  AuthUserFile ${path}/digest
  Require valid-user
</Directory>
<Directory ${path}/www/basic>
  AuthType Basic
  AuthName "Basic"
  AuthBasicProvider file
  AuthUserFile ${path}/basic
  Require valid-user
</Directory>
`,
    );
    await using running = new Running(
      program,
      ...["-f", `${path}/apache.conf`, "-D", "FOREGROUND"],
    );
    try {
      await listens(port);
    } catch (error) {
      throw new Error(running.errors.text, { cause: error });
    }
    const base = `http://127.0.0.1:${port}`;
    await using open = new HttpClient(base);
    const text = await open.get("/text.txt");
    assertEquals(text.headers["content-encoding"], "gzip");
    assertEquals(await text.text(), TEXT);
    const large = await open.get("/large.bin", { stream: true });
    assert(isSame(await large.readAll(), LARGE));
    const range = { range: "bytes=-10" };
    const part = await open.get("/large.bin", { headers: range });
    assertEquals(part.data, LARGE.slice(-10));
    for (const name of ["digest", "basic"]) {
      assertEquals((await open.get(`/${name}/text.txt`)).status, 401);
      const wrong = await open.get(`/${name}/text.txt`, { auth: ["me", "x"] });
      assertEquals(wrong.status, 401);
    }
    for (
      const [name, auth] of [
        ["digest", { digest: ["me", "se:cret"] }],
        ["digest", ["me", "se:cret"]],
        ["basic", ["me", "se:cret"]],
      ] as const
    ) {
      await using client = new HttpClient(base, { auth });
      for (let i = 0; i < 5; i++) {
        const response = await client.get(`/${name}/text.txt`, {
          query: { i, a: "ä b" },
        });
        assertEquals(response.status, 200, `${name} ${i}`);
        assertEquals(await response.text(), TEXT);
      }
      const head = await client.head(`/${name}/text.txt`);
      assertEquals(head.status, 200);
    }
    const basic = new HttpClient(base, { auth: { digest: ["me", "se:cret"] } });
    assertEquals((await basic.get("/basic/text.txt")).status, 401);
    await basic.close();
  },
);
