import { assert, assertEquals } from "@std/assert";
import type { HttpConnection, HttpServerOptions } from "@uhttp/uhttp";
import { Scene } from "../support/serving.ts";

/** What a handler saw of one request, sent whole and byte by byte. */
async function seen<T>(
  request: string,
  look: (client: HttpConnection) => T,
  options: HttpServerOptions = {},
): Promise<T> {
  const looks: T[] = [];
  await using scene = new Scene((client) => {
    looks.push(look(client));
    client.respond("ok");
  }, options);
  const peer = await scene.connect();
  await peer.send(request);
  assertEquals((await peer.response()).status, 200);
  for (const char of new TextEncoder().encode(request)) {
    await peer.send(new Uint8Array([char]));
  }
  assertEquals((await peer.response()).status, 200);
  assertEquals(looks[0], looks[1]);
  return looks[0];
}

const HEAD =
  "Host: example.com:8080\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=1; b=2\r\n";

Deno.test("HttpConnection tells what was requested", async () => {
  const look = await seen(
    `GET /a%20b/%C5%BE?x=1&x=2&y HTTP/1.1\r\n${HEAD}\r\n`,
    (client) => ({
      method: client.method,
      url: client.url,
      path: client.path,
      protocol: client.protocol,
      host: client.host,
      fullUrl: client.fullUrl,
      query: { ...client.query },
      cookies: { ...client.cookies },
      joined: client.headersGet("X-A"),
      all: client.headersAll("X-A"),
      missing: client.headersGet("x-none", "default"),
      undefined: client.headersGet("x-none"),
      data: client.data,
      contentType: client.contentType,
      contentLength: client.contentLength,
      isSecure: client.isSecure,
      isLoaded: client.isLoaded,
      string: String(client),
      hasPrototype: Object.getPrototypeOf(client.headers) !== null,
    }),
  );
  assertEquals(look, {
    method: "GET",
    url: "/a%20b/%C5%BE?x=1&x=2&y",
    path: "/a b/ž",
    protocol: "HTTP/1.1",
    host: "example.com:8080",
    fullUrl: "http://example.com:8080/a%20b/%C5%BE?x=1&x=2&y",
    query: { x: ["1", "2"], y: null },
    cookies: { a: "1", b: "2" },
    joined: "1, 2",
    all: ["1", "2"],
    missing: "default",
    undefined: undefined,
    data: null,
    contentType: "",
    contentLength: null,
    isSecure: false,
    isLoaded: true,
    string: "GET /a%20b/%C5%BE?x=1&x=2&y",
    hasPrototype: false,
  });
});

Deno.test("HttpConnection reads the absolute form of a target", async () => {
  const look = await seen(
    "GET http://other.example:81/p?q=1 HTTP/1.1\r\nHost: ignored\r\n\r\n",
    (client) => [client.host, client.path, client.fullUrl, client.query.q],
  );
  assertEquals(look, [
    "other.example:81",
    "/p",
    "http://other.example:81/p?q=1",
    "1",
  ]);
});

Deno.test("HttpConnection has a URL without Host, too", async () => {
  const url = await seen(
    "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    (client) => client.fullUrl,
  );
  assert(/^http:\/\/127\.0\.0\.1:\d+\/x$/.test(url), url);
});

Deno.test("HttpConnection reads OPTIONS * and unknown methods", async () => {
  const look = await seen(
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    (client) => [client.method, client.path, client.fullUrl],
  );
  assertEquals(look, ["OPTIONS", "*", "http://a"]);
  const method = await seen(
    "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n",
    (client) => client.method,
  );
  assertEquals(method, "BREW");
});

Deno.test("HttpConnection lets CONNECT through where it is allowed", async () => {
  const look = await seen(
    "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
    (client) => [client.method, client.host],
    { allowConnect: true },
  );
  assertEquals(look, ["CONNECT", "a.example:443"]);
});

const json = "application/json";
const form = "application/x-www-form-urlencoded";
const BODIES: [type: string, body: string, data: unknown][] = [
  [json, '{"a":[1,"ž"]}', { a: [1, "ž"] }],
  [`${json}; charset=utf-8`, "0", 0],
  ["Application/JSON", "null", null],
  ["application/problem+json", '"x"', "x"],
  [form, "a=1&b=x+y&a=2&c", { a: ["1", "2"], b: "x y", c: null }],
  ["text/plain", "plain", new TextEncoder().encode("plain")],
  ["", "\0\x01", new Uint8Array([0, 1])],
  ["text/plain", "x".repeat(100_000), new Uint8Array(100_000).fill(120)],
];

Deno.test("HttpConnection has the body as data, by length and chunked", async () => {
  for (const [type, body, data] of BODIES) {
    const bytes = new TextEncoder().encode(body);
    const field = type === "" ? "" : `Content-Type: ${type}\r\n`;
    const start = `POST / HTTP/1.1\r\nHost: a\r\n${field}`;
    const half = body.slice(0, Math.ceil(body.length / 2));
    const rest = body.slice(half.length);
    const chunk = (text: string) =>
      text === ""
        ? ""
        : `${
          new TextEncoder().encode(text).length.toString(16)
        }\r\n${text}\r\n`;
    const requests = [
      `${start}Content-Length: ${bytes.length}\r\n\r\n${body}`,
      `${start}Transfer-Encoding: chunked\r\n\r\n${chunk(half)}${
        chunk(rest)
      }0\r\nX-Trailer: dropped\r\n\r\n`,
    ];
    await using scene = new Scene((client) => {
      const plain = client.data !== null && typeof client.data === "object" &&
          Object.getPrototypeOf(client.data) === null
        ? { ...client.data }
        : client.data;
      assertEquals(plain, data);
      const { data: again } = client;
      assert(client.data === again);
      assertEquals(client.rawData, bytes);
      assertEquals(client.contentLength, bytes.length);
      assertEquals(client.headersGet("x-trailer"), undefined);
      client.respond("ok");
    });
    const peer = await scene.connect();
    for (const request of requests) {
      await peer.send(request + request);
      assertEquals((await peer.response()).status, 200);
      assertEquals((await peer.response()).status, 200);
      if (request.length > 1000) continue;
      for (const byte of new TextEncoder().encode(request)) {
        await peer.send(new Uint8Array([byte]));
      }
      assertEquals((await peer.response()).status, 200);
    }
  }
});

Deno.test("HttpConnection has no data without a body", async () => {
  for (const length of ["", "Content-Length: 0\r\n"]) {
    const look = await seen(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${json}\r\n${length}\r\n`,
      (client) => [client.data, client.rawData.length, client.contentLength],
    );
    assertEquals(look, [null, 0, length === "" ? null : 0]);
  }
});

Deno.test("HttpConnection keeps its request after the answer", async () => {
  const kept: HttpConnection[] = [];
  await using scene = new Scene((client) => {
    kept.push(client);
    client.respond("ok");
  });
  const peer = await scene.connect();
  for (const name of ["first", "second", "third"]) {
    const body = `"${name}"`;
    await peer.send(
      `POST /${name}?n=${name} HTTP/1.1\r\nHost: ${name}\r\nX-Name: ${name}\r\n` +
        `Content-Type: ${json}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await peer.response();
  }
  for (const [index, name] of ["first", "second", "third"].entries()) {
    const client = kept[index];
    assertEquals(client.headers["x-name"], name);
    assertEquals([client.path, client.query.n], [`/${name}`, name]);
    assertEquals([client.host, client.data], [name, name]);
  }
});

Deno.test("HttpConnection's context is the application's own", async () => {
  const context = await seen("GET / HTTP/1.1\r\nHost: a\r\n\r\n", (client) => {
    const before = client.context;
    client.context = { user: 7 };
    return [before, client.context.user];
  });
  assertEquals(context, [undefined, 7]);
});

Deno.test("HttpConnection's signal aborts when the peer goes while it is held", async () => {
  const aborted = Promise.withResolvers<unknown>();
  const held = Promise.withResolvers<HttpConnection>();
  await using scene = new Scene((client) => {
    assertEquals(client.signal.aborted, false);
    client.signal.addEventListener(
      "abort",
      () => aborted.resolve(client.signal.reason),
    );
    held.resolve(client);
  });
  const peer = await scene.connect();
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const client = await held.promise;
  peer.close();
  assert(await aborted.promise instanceof Error);
  assertEquals(client.signal.aborted, true);
  client.close();
  assertEquals(await client.respond("nobody hears"), false);
});

Deno.test("HttpConnection.close() drops the connection without an answer", async () => {
  await using scene = new Scene((client) => client.close());
  const peer = await scene.connect();
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals(await peer.rest(), "");
});
