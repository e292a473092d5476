// Each claim of docs/from-python.md about this side, as far as no other test
// has it already.
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  HttpClient,
  type HttpConnection,
  type HttpServerOptions,
} from "@uhttp/uhttp";
import { main } from "../../cli.ts";
import { FakeIo } from "../cli/fake_io.ts";
import { Scene, startServer } from "../support/serving.ts";

/** What a client says of a request; the answer comes after that. */
async function asked<T>(
  request: string,
  look: (client: HttpConnection) => T | Promise<T>,
  options: HttpServerOptions = {},
): Promise<{ seen: T; status: number; body: string }> {
  let seen: T;
  await using scene = new Scene(async (client) => {
    seen = await look(client);
    if (!client.isAnswered) client.respond();
  }, options);
  const peer = await scene.connect();
  await peer.send(request);
  const { status, body } = await peer.response();
  return { seen: seen!, status, body };
}

const HOST = "Host: a.example\r\n\r\n";

Deno.test("from Python: what was asked", async () => {
  const { seen } = await asked(
    `GET /a+b?x=a+b HTTP/1.1\r\nContent-Type: Text/HTML;x=1\r\n${HOST}`,
    (client) => [
      [client.path, client.query],
      [client.fullUrl, client.contentLength, client.contentType],
    ],
  );
  assertEquals(seen, [
    ["/a+b", Object.assign(Object.create(null), { x: "a b" })],
    ["http://a.example/a+b?x=a+b", null, "text/html"],
  ]);
  const odd = await asked(
    `POST /%zz?a=%zz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${HOST}0\r\n\r\n`,
    (client) => [client.path, client.query.a, client.method],
  );
  assertEquals(odd.seen, ["/%zz", "%zz", "POST"]);
  const method = await asked(`FOO / HTTP/1.1\r\n${HOST}`, (c) => c.method);
  assertEquals([method.seen, method.status], ["FOO", 200]);
  const none = await asked(`GET / HTTP/1.1\r\n${HOST}`, ({ query }) => query);
  assertEquals(Object.keys(none.seen), []);
});

Deno.test("from Python: fields and cookies that come twice", async () => {
  const { seen } = await asked(
    `GET / HTTP/1.1\r\nX-A: 1\r\nX-A: 2\r\nCookie: a=1; a=2\r\n${HOST}`,
    (client) => [
      client.headersGet("X-A"),
      client.headersAll("X-A"),
      client.cookies.a,
    ],
  );
  assertEquals(seen, ["1, 2", ["1", "2"], "1"]);
});

Deno.test("from Python: before and after the answer", async () => {
  const { seen, status } = await asked(
    `GET / HTTP/1.1\r\n${HOST}`,
    (client) => {
      assertThrows(
        () => client.respond("", { cookies: { a: "v; Path=/" } }),
        TypeError,
      );
      assertThrows(() => client.respond("", { status: 600 }), RangeError);
      const promise = client.respond("", {
        status: 599,
        cookies: { a: { value: "v", path: "/" } },
      });
      assert(promise instanceof Promise);
      assertThrows(() => client.respond(), TypeError);
      return [client.isLoaded, client.isAnswered];
    },
  );
  assertEquals([seen, status], [[true, true], 599]);
});

Deno.test("from Python: promises are truthy", async () => {
  await using server = startServer();
  const abort = new AbortController();
  const gone = fetch(server.url, { signal: abort.signal }).catch(() => {});
  const client = (await server.wait())!;
  client.responseEvents();
  abort.abort();
  await gone;
  const { signal } = client;
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  const sent = client.sendEvent({ data: "x", event: "y", id: 1, retry: 9 });
  assert(sent);
  assertEquals(await sent, false);
});

Deno.test("from Python: streams, and the connection that goes on", async () => {
  await using scene = new Scene((client) => {
    if (client.path === "/ndjson") {
      client.responseNdjson();
      client.sendNdjson({ n: 1 });
      client.responseStreamEnd();
    } else {
      client.responseMultipart({ boundary: "frame" });
      client.responseMultipartFrame("one");
      client.responseMultipartFrame("");
      client.responseMultipartEnd();
    }
  });
  const peer = await scene.connect();
  for (let round = 0; round < 2; round++) {
    await peer.send(`GET /ndjson HTTP/1.1\r\n${HOST}`);
    assertEquals((await peer.response()).body, '{"n":1}\n');
  }
  await peer.send(`GET / HTTP/1.1\r\n${HOST}`);
  const { body } = await peer.response();
  assertEquals(body.match(/^--frame(?:--)?$/gm), [
    "--frame",
    "--frame",
    "--frame--",
  ]);
  assert(body.includes("content-length: 0"));
});

Deno.test("from Python: bodies as they arrive", async () => {
  const head = `POST / HTTP/1.1\r\nContent-Length: 5\r\n${HOST}hello`;
  const { seen } = await asked(
    head,
    async (client) => {
      const told = [client.contentLength, client.isLoaded];
      client.limit(5);
      return [...told, await client.text()];
    },
    { streaming: true, maxContentLength: 4 },
  );
  assertEquals(seen, [5, false, "hello"]);
});

Deno.test("from Python: close() drops held clients", async () => {
  const server = startServer();
  const held = fetch(server.url).then(() => "answered", () => "dropped");
  const client = (await server.wait())!;
  await server.close();
  assertEquals(await held, "dropped");
  assertEquals(await client.respond("late"), false);
});

Deno.test("from Python: a password waits over plain HTTP until it is asked for", async () => {
  await using server = startServer();
  for (
    const [auth, expected] of [
      [["user", "7"], [undefined, "Basic dXNlcjo3"]],
      [{ basic: ["user", "7"] }, ["Basic dXNlcjo3"]],
    ] as const
  ) {
    await using client = new HttpClient(server.url, { auth });
    const request = client.get("/");
    const seen = [];
    for (const _ of expected) {
      const asked = (await server.wait())!;
      seen.push(asked.headersGet("authorization") ?? undefined);
      const isLast = seen.length === expected.length;
      asked.respond("", {
        status: isLast ? 200 : 401,
        headers: isLast ? {} : { "WWW-Authenticate": 'Basic realm="x"' },
      });
    }
    await request;
    assertEquals(seen, [...expected]);
  }
});

Deno.test("from Python: the command's exit codes", async () => {
  await using scene = new Scene((client) =>
    client.respond("", { status: 404 })
  );
  const codes = [];
  for (const flags of [[], ["--fail"]]) {
    codes.push(await main([scene.server.url, ...flags], new FakeIo()));
  }
  codes.push(await main(["127.0.0.1:1"], new FakeIo()));
  assertEquals(codes, [0, 22, 7]);
});
