import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import {
  ConnectError,
  HttpClient,
  type HttpClientOptions,
  ResponseError,
  TimeoutError,
} from "../../client.ts";
import { checkClientLimits } from "../../client/options.ts";
import { openTunnel, parseProxy } from "../../client/proxy.ts";
import { Arena } from "../support/arena.ts";
import { makePair } from "../support/certificates.ts";
import { memoryPair } from "../support/memory_conn.ts";
import {
  ClientArena,
  type ClientArenaOptions,
  RawArena,
} from "../support/client_arenas.ts";
import { wanting } from "../support/wanting.ts";

/** Passes bytes on until there are no more. */
async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (let length; (length = await from.read(buffer)) !== null;) {
    for (let rest = buffer.subarray(0, length); rest.length > 0;) {
      rest = rest.subarray(await to.write(rest));
    }
  }
  await to.closeWrite();
}

/** What a proxy was asked: the request line, and what it was shown. */
type Asked = [line: string, credentials: string | undefined];

/** A forward proxy: tunnels, and requests with the whole URL. */
class ProxyArena extends Arena {
  readonly asked: Asked[];

  constructor(wanted: string | null = null) {
    const asked: Asked[] = [];
    super(async (client) => {
      const { method, url, headers } = client;
      const shown = headers["proxy-authorization"];
      asked.push([`${method} ${url}`, shown]);
      if (wanted !== null && shown !== wanted) {
        return client.respond("Who?", {
          status: 407,
          headers: { "proxy-authenticate": 'Basic realm="proxy"' },
        });
      }
      return await (method === "CONNECT" ? tunnel(client) : forward(client));
    }, { allowConnect: true });
    this.asked = asked;
  }

  get url(): string {
    return this.server.url;
  }
}

async function tunnel(client: HttpConnection): Promise<void> {
  const { hostname, port } = new URL(`http://${client.url}`);
  let target: Deno.Conn;
  try {
    target = await Deno.connect({ hostname, port: Number(port) });
  } catch {
    client.respond("Not there", { status: 502 });
    return;
  }
  const source = client.upgrade();
  try {
    await Promise.all([pump(source, target), pump(target, source)]);
  } catch {
    // One of them broke, which ends the other.
  } finally {
    source.close();
    target.close();
  }
}

async function forward(client: HttpConnection): Promise<void> {
  const { method, headers, rawData } = client;
  const url = new URL(client.url);
  await using onward = new HttpClient(url.origin);
  const response = await onward.request(method, url.pathname + url.search, {
    ...rawData.length > 0 ? { data: rawData } : {},
    headers: {
      host: headers.host,
      ...headers.authorization === undefined
        ? {}
        : { authorization: headers.authorization },
      "x-seen": headers["proxy-authorization"] ?? "nothing",
    },
  });
  client.respond(response.data, { status: response.status });
}

/** What a server says of a request. */
function tell(client: HttpConnection): unknown {
  if (client.isWebsocketRequest) {
    const ws = client.acceptWebsocket()!;
    return ws.recv().then((message) => ws.send(message!)).then(() =>
      ws.close()
    );
  }
  const { method, url, headers } = client;
  return client.respond({
    line: `${method} ${url}`,
    host: headers.host,
    proxy: headers["proxy-authorization"] ?? null,
    authorization: headers.authorization ?? null,
    body: client.rawData.length,
  });
}

function behind(
  proxy: string | URL,
  options: ClientArenaOptions = {},
): ClientArena {
  return new ClientArena(tell, {
    ...options,
    client: { proxy, ...options.client },
  });
}

Deno.test("a proxy is told the whole URL for http", async () => {
  await using proxy = new ProxyArena();
  await using arena = behind(new URL(proxy.url), { path: "/base" });
  const { client } = arena;
  const { host } = new URL(arena.server.url);
  const response = await client.post("a?b", { data: "12345" });
  assertEquals(await response.json(), {
    line: "POST /base/a?b",
    host,
    proxy: null,
    authorization: null,
    body: 5,
  });
  assertEquals(response.url, `http://${host}/base/a?b`);
  assertEquals(proxy.asked, [[`POST http://${host}/base/a?b`, undefined]]);
  assertEquals((await client.get()).status, 200);
  assertEquals(client.stats.opened, 1);
});

Deno.test("a proxy is shown its credentials, and nobody else", async () => {
  const shown = `Basic ${btoa("u@r:p:w")}`;
  await using proxy = new ProxyArena(shown);
  await using arena = behind(proxy.url.replace("//", "//u%40r:p%3Aw@"), {
    client: { auth: { basic: ["me", "too"] } },
  });
  const { client } = arena;
  const response = await client.get();
  const said = await response.json();
  assertEquals(said.proxy, null);
  assertEquals(said.authorization, `Basic ${btoa("me:too")}`);
  assertEquals(proxy.asked[0][1], shown);
  const ws = await client.websocket();
  ws.send("x");
  assertEquals(await ws.recv(), "x");
  await ws.closed;
  assertEquals(proxy.asked[1], [
    `CONNECT ${new URL(arena.server.url).host}`,
    shown,
  ]);
  assertEquals(proxy.asked.length, 2);
});

Deno.test("a proxy that wants other credentials answers for itself", async () => {
  await using proxy = new ProxyArena("Basic xyz");
  await using arena = behind(proxy.url);
  const response = await arena.client.get();
  assertEquals([response.status, await response.text()], [407, "Who?"]);
  const error = await arena.client.websocket().catch((error) => error);
  assertInstanceOf(error, ConnectError);
  assert(error.message.includes("407"), error.message);
});

Deno.test("a WebSocket goes through a tunnel, and shares none", async () => {
  await using proxy = new ProxyArena();
  await using arena = behind(proxy.url);
  const { client } = arena;
  for (let i = 0; i < 2; i++) {
    const ws = await client.websocket("/ws");
    ws.send("hello");
    assertEquals(await ws.recv(), "hello");
    await ws.closed;
  }
  assertEquals((await client.get()).status, 200);
  const { host } = new URL(arena.server.url);
  assertEquals(proxy.asked.map(([line]) => line), [
    `CONNECT ${host}`,
    `CONNECT ${host}`,
    `GET http://${host}/`,
  ]);
});

Deno.test({
  ...wanting("https goes through a tunnel, and is kept", "OpenSSL 3"),
  async fn() {
    const shown = `Basic ${btoa("u:p")}`;
    await using proxy = new ProxyArena(shown);
    await using arena = behind(proxy.url.replace("//", "//u:p@"), {
      server: { ...await makePair(), maxContentLength: Infinity },
    });
    const { client } = arena;
    const first = await client.get("/a");
    const said = await first.json();
    const { host } = new URL(arena.url);
    assertEquals([said.line, said.host, said.proxy], ["GET /a", host, null]);
    assert(first.timing.connect > 0 && first.timing.tls > 0);
    const data = new Uint8Array(1_000_000);
    assertEquals((await (await client.put("", { data })).json()).body, 1e6);
    assertEquals(proxy.asked, [[`CONNECT ${host}`, shown]]);
    const ws = await client.websocket();
    ws.send("x");
    assertEquals(await ws.recv(), "x");
    await ws.closed;
    // The insecure way goes through as well.
    const insecure = arena.another({
      proxy: proxy.url.replace("//", "//u:p@"),
      insecure: true,
    });
    assertEquals((await insecure.get()).status, 200);
    const none = arena.another({ proxy: proxy.url.replace("//", "//u:p@") });
    const error = await none.get().catch((error) => error);
    assertEquals(error.name, "TlsError");
  },
});

Deno.test("a proxy that gives no tunnel is a ConnectError", async () => {
  await using proxy = new ProxyArena();
  await using client = new HttpClient("https://127.0.0.1:1", {
    proxy: proxy.url,
  });
  const error = await client.get().catch((error) => error);
  assertInstanceOf(error, ConnectError);
  assertEquals(error.url, "https://127.0.0.1:1/");
  assert(/proxy answered 502/.test(error.message), error.message);
});

/** How proxies answer CONNECT that are none, and what comes of it. */
const ODD: [
  name: string,
  answer: string,
  error: new (...args: never[]) => Error,
][] = [
  ["talks first", "HTTP/1.1 200 OK\r\n\r\nhello", ConnectError],
  ["switches", "HTTP/1.1 101 No\r\n\r\n", ConnectError],
  ["refuses", "HTTP/1.1 403 No \x01\r\n\r\n", ResponseError],
  [
    "refuses with a body",
    "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n",
    ConnectError,
  ],
  ["speaks no HTTP", "SSH-2.0-x\r\n", ResponseError],
  [
    "has a long head",
    `HTTP/1.1 200 OK\r\n${"a:b\r\n".repeat(1001)}`,
    ResponseError,
  ],
  ["closes", "", ConnectError],
  ["closes in the midst", "HTTP/1.1 2", ConnectError],
];

for (const [name, answer, type] of ODD) {
  Deno.test(`a proxy that ${name} gives no tunnel`, async () => {
    await using proxy = new RawArena(async (peer, _, proxy) => {
      await proxy.ask(peer);
      await peer.send(answer);
      if (name.startsWith("closes")) peer.close();
      else await peer.rest();
    });
    await using client = new HttpClient("https://some.name", {
      proxy: `http://127.0.0.1:${proxy.port}`,
      connectTimeout: 2000,
    });
    const error = await client.get().catch((error) => error);
    assertInstanceOf(error, type);
    assertEquals(error.url, "https://some.name/");
    assertEquals(
      proxy.heads[0],
      "CONNECT some.name:443 HTTP/1.1\r\nhost: some.name:443\r\n\r\n",
    );
  });
}

/** How a proxy leaves behind its answer. */
const LEAVING = ["closes", "resets", "does not read"];

for (const way of LEAVING) {
  for (const url of ["https://some.name", "http://some.name"]) {
    Deno.test(`a proxy's whole answer counts though it ${way} behind it (${url})`, async () => {
      const answer = `HTTP/1.1 407 Who\r\nContent-Length: 5000\r\n\r\n${
        "x".repeat(5000)
      }`;
      await using proxy = new RawArena(async (peer, _, proxy) => {
        if (way === "closes") await proxy.ask(peer);
        // With something unread, a close is a reset.
        if (way === "resets") await peer.conn.read(new Uint8Array(1));
        await peer.send(answer);
        peer.close();
      });
      for (const stream of [false, true]) {
        for (const data of [undefined, new Uint8Array(1_000_000)]) {
          await using client = new HttpClient(url, {
            proxy: `http://127.0.0.1:${proxy.port}`,
          });
          const asked = client.put("", { data, stream });
          if (url.startsWith("https:")) {
            const error = await asked.catch((error) => error);
            assertInstanceOf(error, ConnectError);
            assert(/answered 407 Who/.test(error.message), error.message);
          } else {
            const response = await asked;
            assertEquals(response.status, 407);
            assertEquals(await response.text(), "x".repeat(5000));
          }
        }
      }
    });
  }
}

Deno.test("a proxy that cannot be written to is heard all the same", async () => {
  const [near, far] = memoryPair();
  await far.write(
    new TextEncoder().encode(
      "HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno",
    ),
  );
  far.close();
  const limits = checkClientLimits({});
  const proxy = parseProxy("http://proxy");
  const error = await openTunnel(near, "some.name:443", proxy, limits, {})
    .catch((error) => error);
  assertInstanceOf(error, ConnectError);
  assert(/answered 407 Who/.test(error.message), error.message);
});

Deno.test("a proxy may say something before its answer", async () => {
  await using proxy = new RawArena(async (peer, _, proxy) => {
    await proxy.answer(
      peer,
      "HTTP/1.1 103 Wait\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n",
    );
    peer.close();
  });
  await using client = new HttpClient("http://some.name", {
    proxy: `http://127.0.0.1:${proxy.port}`,
  });
  const error = await client.websocket().catch((error) => error);
  // There was a tunnel; it led nowhere.
  assertEquals(error.name, "ConnectionLostError");
});

Deno.test("connectTimeout bounds the wait for a proxy, too", async () => {
  await using proxy = new RawArena(async (peer, _, proxy) => {
    await proxy.ask(peer);
    await peer.rest();
  });
  await using client = new HttpClient("https://some.name", {
    proxy: `http://127.0.0.1:${proxy.port}`,
    connectTimeout: 100,
  });
  const error = await client.get().catch((error) => error);
  assertInstanceOf(error, TimeoutError);
  assertEquals(error.phase, "proxy");
  const controller = new AbortController();
  const { signal } = controller;
  await using other = new HttpClient("https://some.name", {
    proxy: `http://127.0.0.1:${proxy.port}`,
  });
  const pending = other.get("", { signal }).catch((error) => error);
  while (proxy.count < 2) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  controller.abort();
  assertEquals((await pending).name, "AbortedError");
});

Deno.test("a proxy that is not there is a ConnectError", async () => {
  for (const base of ["http://some.name", "https://some.name"]) {
    await using client = new HttpClient(base, {
      proxy: "http://127.0.0.1:1",
    });
    assertInstanceOf(await client.get().catch((error) => error), ConnectError);
  }
});

Deno.test("proxies are URLs of http and https", () => {
  for (const proxy of ["", "nowhere", "ftp://a", "socks5://a:1", "http://"]) {
    assertThrows(
      () => new HttpClient("http://a", { proxy } as HttpClientOptions),
      TypeError,
      'Option "proxy"',
    );
  }
});
