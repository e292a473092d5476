import { assert, assertEquals, assertMatch } from "@std/assert";
import { HttpServer, type HttpServerOptions } from "@uhttp/uhttp";
import { makePair } from "../support/certificates.ts";
import { RawClient } from "../support/raw_client.ts";
import { Browser, waitForText } from "./browser.ts";
import { Example } from "./example.ts";
import { program, wanting } from "../support/wanting.ts";

/** A server to be reached by the proxy. */
class Origin implements AsyncDisposable {
  readonly server: HttpServer;
  readonly #done: Promise<void>;

  constructor(options: HttpServerOptions = {}) {
    this.server = new HttpServer({
      hostname: "127.0.0.1",
      port: 0,
      ...options,
    });
    this.#done = this.#serve();
  }

  async #serve(): Promise<void> {
    for await (const client of this.server) {
      const { method, url, headers, isSecure } = client;
      const via = headers.via ?? "nobody";
      client.respond(
        `<title>Origin</title><p>${method} ${url} via ${via}, ${isSecure}</p>` +
          (client.rawData.length > 0 ? client.rawData.length : ""),
      );
    }
  }

  get host(): string {
    return `localhost:${this.server.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.#done;
  }
}

async function curl(example: Example, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program("curl"), {
    args: ["-sS", "--noproxy", "", "-x", example.url.href, ...args],
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout);
}

Deno.test({
  ...wanting("connect.ts fetches for curl", "curl"),
  async fn() {
    await using origin = new Origin();
    await using example = await Example.start("connect.ts");
    const page = (line: string) => `<title>Origin</title><p>${line}</p>`;
    assertEquals(
      await curl(example, `http://${origin.host}/a?b`),
      page("GET /a?b via 1.1 uhttp, false"),
    );
    // By a tunnel, what is said in it stays as it was.
    assertEquals(
      await curl(example, "--proxytunnel", `http://${origin.host}/a?b`),
      page("GET /a?b via nobody, false"),
    );
    const folder = await Deno.makeTempDir();
    try {
      const file = `${folder}/file`;
      await Deno.writeFile(file, new Uint8Array(500_000));
      assertEquals(
        await curl(example, "-T", file, `http://${origin.host}/c`),
        page("PUT /c via 1.1 uhttp, false") + "500000",
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  ...wanting("connect.ts opens tunnels for https:", "curl", "OpenSSL 3"),
  async fn() {
    const pair = await makePair();
    await using origin = new Origin(pair);
    await using example = await Example.start("connect.ts");
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, pair.cert);
      assertEquals(
        await curl(example, "--cacert", file, `https://${origin.host}/a`),
        "<title>Origin</title><p>GET /a via nobody, true</p>",
      );
    } finally {
      await Deno.remove(file);
    }
    await example.output.until(/^CONNECT localhost:\d+$/);
    await example.output.until(/^Closed localhost:\d+$/);
  },
});

Deno.test({
  ...wanting("connect.ts is a proxy to a browser", "chromium", "OpenSSL 3"),
  async fn() {
    await using plain = new Origin();
    await using secure = new Origin(await makePair());
    await using example = await Example.start("connect.ts", {
      args: ["0", "localhost"],
    });
    await using browser = await Browser.start(
      `--proxy-server=127.0.0.1:${example.url.port}`,
      "--proxy-bypass-list=<-loopback>", // localhost too, by the proxy
    );
    const page = await browser.open(`http://${plain.host}/x`);
    await waitForText(page, "p", "GET /x via 1.1 uhttp, false");
    await page.goto(`https://${secure.host}/y`);
    await waitForText(page, "p", "GET /y via nobody, true");
    await example.output.until(/^CONNECT localhost:\d+$/);
    const refused = await page.goto(`http://127.0.0.1:${plain.server.port}/`);
    assertEquals(refused!.status(), 403);
  },
});

/** A listener whose connections the test holds. */
function listen(hostname = "127.0.0.1"): [Deno.TcpListener, string] {
  const listener = Deno.listen({ hostname, port: 0 });
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return [listener, `${host}:${listener.addr.port}`];
}

async function connect(
  example: Example,
  target: string,
  early = "",
): Promise<RawClient> {
  const peer = await RawClient.connect(example);
  await peer.send(
    `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n${early}`,
  );
  return peer;
}

Deno.test("connect.ts passes bytes and ends on, each way", async () => {
  await using example = await Example.start("connect.ts");
  const [listener, target] = listen();
  using _ = listener;
  using peer = await connect(example, target, "early");
  using far = new RawClient(await listener.accept());
  assertMatch(await peer.until("\r\n\r\n"), /^HTTP\/1.1 200 /);
  await far.until("early");
  await far.send("hello");
  await peer.until("hello");

  // One side has said all, and still gets what the other has to say.
  await peer.conn.closeWrite();
  assertEquals(await far.rest(), "");
  const large = new Uint8Array(3_000_000).fill(97);
  const sent = far.send(large).then(() => far.close());
  assertEquals((await peer.rest()).length, large.length);
  await sent;
  await example.output.until(/^Closed /);
});

Deno.test("connect.ts ends a tunnel whose one end is gone", async () => {
  await using example = await Example.start("connect.ts");
  const [listener, target] = listen();
  using _ = listener;
  {
    using peer = await connect(example, target);
    using far = new RawClient(await listener.accept());
    await peer.until("\r\n\r\n");
    peer.close();
    assertEquals(await far.rest(), "");
  }
  await example.output.until(/^Closed /);
  {
    using peer = await connect(example, target);
    using far = new RawClient(await listener.accept());
    await peer.until("\r\n\r\n");
    far.close();
    assertEquals(await peer.rest(), "");
  }
  await example.output.until(/^Closed /);
});

Deno.test("connect.ts ends its tunnels when it is ended", async () => {
  await using example = await Example.start("connect.ts");
  const [listener, target] = listen();
  using _ = listener;
  using peer = await connect(example, target);
  using far = new RawClient(await listener.accept());
  await peer.until("\r\n\r\n");
  const ended = example.stop();
  assertEquals(await Promise.all([peer.rest(), far.rest()]), ["", ""]);
  assertEquals((await ended).code, 0);
});

Deno.test({
  ...wanting("connect.ts reaches hosts by IPv6, in brackets", "IPv6"),
  async fn() {
    const [listener, target] = listen("::1");
    using _ = listener;
    await using example = await Example.start("connect.ts");
    using peer = await connect(example, target);
    using far = new RawClient(await listener.accept());
    assertMatch(await peer.until("\r\n\r\n"), /^HTTP\/1.1 200 /);
    far.close();
    await peer.rest();
  },
});

Deno.test("connect.ts says what it cannot do", async () => {
  const [listener, target] = listen();
  listener.close(); // now nobody listens there
  await using example = await Example.start("connect.ts");
  assertEquals(example.url.hostname, "127.0.0.1");
  using peer = await connect(example, target);
  assertEquals((await peer.response()).status, 502);
  await peer.send(`GET http://${target}/ HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  assertEquals((await peer.response()).status, 502);
  for (const url of ["/", "https://a.test/", "ftp://a.test/"]) {
    await peer.send(`GET ${url} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    assertEquals((await peer.response()).status, 400, url);
  }
});

Deno.test("connect.ts reaches what is allowed and nothing else", async () => {
  const [listener, target] = listen();
  using _ = listener;
  const { port } = listener.addr;
  const args = ["0", "127.0.0.1", ".a.test"];
  await using example = await Example.start("connect.ts", { args });
  using peer = await connect(example, target);
  using far = new RawClient(await listener.accept());
  await peer.until("\r\n\r\n");

  using other = await RawClient.connect(example);
  for (const host of ["localhost", "[::1]", "a.test", "xa.test", "a.test."]) {
    for (
      const line of [
        `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}`,
        `GET http://${host}:${port}/ HTTP/1.1\r\nHost: ${host}:${port}`,
      ]
    ) {
      await other.send(line + "\r\n\r\n");
      assertEquals((await other.response()).status, 403, line);
    }
  }
  // Names that may not exist, but may be asked for.
  await other.send("GET http://X.A.test:1/ HTTP/1.1\r\nHost: x\r\n\r\n");
  assertEquals((await other.response()).status, 502);
  far.close();
  assert(await peer.rest() === "");
});
