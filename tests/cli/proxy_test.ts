// serve --proxy and inspect: what goes to the backend, and what comes back.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { HttpClient } from "../../client.ts";
import { main } from "../../cli.ts";
import type { HttpConnection } from "../../server.ts";
import { RawServer } from "../support/raw_server.ts";
import { eventually, Scene } from "../support/serving.ts";
import { FakeIo } from "./fake_io.ts";
import { Served } from "./served.ts";

/** A backend that tells what it was asked. */
function telling(): Scene {
  return new Scene(async (client) => {
    const { method, url, headers } = client;
    const body = new TextDecoder().decode(await client.readAll());
    client.respond({ method, url, headers, body }, {
      status: url.startsWith("/api/teapot") ? 418 : 200,
      headers: { "x-a": "1", "set-cookie": ["a=1", "b=2"] },
    });
  }, { streaming: true });
}

function route(path: string, scene: Scene, more = ""): string[] {
  return ["--proxy", `${path}=${scene.server.url.replace(/\/$/, "")}${more}`];
}

/** Sends bytes, and gives what comes back until the end. */
async function raw(served: Served, text: string): Promise<string> {
  using conn = await Deno.connect({ port: Number(new URL(served.url).port) });
  await conn.write(new TextEncoder().encode(text));
  const bytes = await new Response(conn.readable).bytes();
  return new TextDecoder().decode(bytes);
}

function rawGet(served: Served, target: string, fields = ""): Promise<string> {
  return raw(
    served,
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
      `${fields}\r\n`,
  );
}

Deno.test("serve --proxy passes requests on, and answers back", async () => {
  await using scene = telling();
  await using served = await Served.start(
    { "api.txt": "a file", "index.html": "page" },
    ...route("/api", scene),
  );
  const ask = async (path: string, init?: RequestInit) => {
    const [status, text, headers] = await served.get(path, init);
    return { status, headers, ...JSON.parse(text) };
  };
  const { host } = new URL(served.url);
  const got = await ask("/api/x%20y/?q=%2f", {
    method: "PATCH",
    body: "hello",
    headers: {
      "x-b": "2",
      "x-c": "\xe9",
      "x-forwarded-for": "6.6.6.6",
      forwarded: "for=6.6.6.6",
      te: "trailers",
    },
  });
  assertEquals(
    [got.status, got.method, got.url, got.body],
    [200, "PATCH", "/api/x%20y/?q=%2f", "hello"],
  );
  const { headers } = got;
  assertEquals(headers instanceof Headers, false);
  assertEquals(headers.host, host);
  assertEquals([headers["x-b"], headers["x-c"]], ["2", "\xe9"]);
  assertEquals(headers["content-length"], "5");
  assertEquals(headers["x-forwarded-for"], "127.0.0.1");
  assertEquals(headers["x-forwarded-host"], host);
  assertEquals(headers["x-forwarded-proto"], "http");
  assertMatch(headers.via, /^1\.1 uhttp-[0-9a-f]{8}$/);
  assertEquals(
    [headers.forwarded, headers.te, headers.connection, headers.cookie],
    [undefined, undefined, undefined, undefined],
  );
  const [status, , fields] = await served.get("/api/teapot");
  assertEquals(
    [status, fields.get("x-a"), fields.getSetCookie()],
    [418, "1", ["a=1", "b=2"]],
  );
  // What is secret, and so is not compressed, the backend knows.
  const packed = await served.get("/api/", {
    headers: { "accept-encoding": "gzip", "x-long": "x".repeat(2000) },
  });
  assertEquals(
    [packed[2].get("content-encoding"), packed[2].get("cache-control")],
    [null, "no-transform"],
  );
  const [head, empty, length] = await served.get("/api/", { method: "HEAD" });
  assertEquals([head, empty], [200, ""]);
  assert(Number(length.get("content-length")) > 100);
  // What is not below the path is the folder's.
  assertEquals((await served.get("/api.txt"))[1], "a file");
  assertEquals((await served.get("/apis"))[0], 404);
  assertEquals((await ask("/api?x")).url, "/api?x");
});

Deno.test("serve --proxy takes the longest path, and puts a URL's in its place", async () => {
  await using one = telling();
  await using two = telling();
  await using served = await Served.start(
    {},
    ...route("/", one),
    ...route("/b", two, "/base/"),
  );
  const url = async (path: string) =>
    JSON.parse((await served.get(path))[1]).url;
  assertEquals(await url("/b/x?y"), "/base/x?y");
  assertEquals(await url("/b"), "/base/");
  assertEquals(await url("/b?x"), "/base/?x");
  assertEquals(await url("/bc"), "/bc");
});

Deno.test("serve --proxy lets no path lead out of what is passed on", async () => {
  await using scene = telling();
  await using served = await Served.start({}, ...route("/api", scene));
  for (
    const target of [
      ...["/api/..", "/api/../admin", "/api/./x", "/api/%2e%2e/admin"],
      ...["/api/.%2E/admin", "/api/x/..%2fy", "/api/..%5cadmin"],
      ...["/api/..;/admin", "/api/x%2f..%2f..%2fadmin"],
    ]
  ) assertMatch(await rawGet(served, target), /^HTTP\/1\.1 400 /, target);
  // What only begins like that is the folder's.
  for (const target of ["/apix/..", "/%61pi/x", "//api/x"]) {
    assertMatch(
      await rawGet(served, target),
      /^HTTP\/1\.1 (?:400|404) /,
      target,
    );
  }
  assertMatch(await rawGet(served, "/api/x?a=../.."), /^HTTP\/1\.1 200 /);
  assertMatch(await rawGet(served, "/api/x..y/.z"), /^HTTP\/1\.1 200 /);
  // Nothing is said in the name of who did not say it.
  const told = await rawGet(served, "/api/");
  const { headers } = JSON.parse(told.slice(told.indexOf("{")));
  assertEquals(
    Object.keys(headers).filter((name) => /^(?:accept|user-)/.test(name)),
    [],
  );
});

Deno.test("serve --proxy frames what it passes on anew", async () => {
  await using scene = telling();
  await using served = await Served.start({}, ...route("/api", scene));
  const ask = (lines: string, body = "") =>
    raw(
      served,
      `POST /api HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n${body}`,
    );
  // Two readings are possible: it never gets there.
  for (
    const lines of [
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Transfer-Encoding: chunked, identity\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Content-Length: +5\r\n",
    ]
  ) {
    assertMatch(
      await ask(lines, "0\r\n\r\nx"),
      /^HTTP\/1\.1 (?:400|501) /,
      lines,
    );
  }
  assertEquals(scene.server.stats.requests, 0);
  const end = "Connection: close, x-gone, host, x-forwarded-for\r\n";
  const told = await ask(
    `Transfer-Encoding: chunked\r\nTrailer: x-t\r\nX-Gone: 1\r\n` +
      `Upgrade: h2c\r\nProxy-Connection: keep-alive\r\n${end}`,
    "3;ext=1\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
  );
  const { headers, body } = JSON.parse(told.slice(told.indexOf("{")));
  assertEquals(body, "abc");
  assertEquals(headers["transfer-encoding"], "chunked");
  assertEquals(headers["x-forwarded-for"], "127.0.0.1");
  assertEquals(headers.host, "localhost");
  for (
    const name of [
      ...["x-gone", "upgrade", "proxy-connection", "trailer", "x-t"],
      ...["connection"],
    ]
  ) assertEquals(headers[name], undefined, name);
});

Deno.test("serve --proxy says who is to blame where a backend is dead, odd or late", async () => {
  const dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = dead.addr as Deno.NetAddr;
  dead.close();
  await using odd = RawServer.listen(async (peer) => {
    const { target } = await peer.head();
    if (target === "/odd/cut") {
      await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nabc");
    } else if (target === "/odd/status") {
      await peer.say("HTTP/1.1 999 X\r\nContent-Length: 1\r\n\r\na");
    } else if (target === "/odd/short") {
      await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    } else if (target === "/odd/header") {
      await peer.say("HTTP/1.1 200 OK\r\nx a: 1\r\n\r\n");
    } else if (target === "/odd/two") {
      await peer.say(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      );
    }
    await peer.end("close");
  });
  await using served = await Served.start(
    {},
    ...["--proxy", `/dead=http://127.0.0.1:${port}`],
    ...["--proxy", `/odd=${odd.url.replace(/\/$/, "")}`],
  );
  const [status, text] = await served.get("/dead/");
  assertEquals(
    [status, text],
    [502, `http://127.0.0.1:${port} does not answer: connection refused\n`],
  );
  const [, page, fields] = await served.get("/dead/", {
    headers: { accept: "text/html" },
  });
  assertMatch(page, /<b>502<\/b>/);
  assertMatch(fields.get("content-type")!, /html/);
  const at = odd.url.replace(/\/$/, "");
  assertEquals(
    (await served.get("/odd/none"))[1],
    `${at} broke off before it had answered\n`,
  );
  for (const path of ["/odd/header", "/odd/two", "/odd/status"]) {
    assertEquals((await served.get(path))[0], 502, path);
  }
  // A short answer that breaks off is none; a long one does so here as well.
  assertEquals((await served.get("/odd/short"))[0], 502);
  const cut = await rawGet(served, "/odd/cut");
  assertMatch(cut, /content-length: 99999\r\n/i);
  assert(cut.endsWith("\r\n\r\nabc"));
});

Deno.test("serve --proxy passes events and uploads on as they come, and lets go of them", async () => {
  let hasLeft = false;
  let isAsked = false;
  const begun = Promise.withResolvers<void>();
  await using scene = new Scene(async (client) => {
    if (client.path === "/api/up") {
      let size = 0;
      for (let piece; (piece = await client.read()) !== null;) {
        size += piece.length;
        begun.resolve();
      }
      client.respond(`${size}`);
      return;
    }
    if (client.path === "/api/never") isAsked = true;
    else {
      client.responseEvents();
      client.sendEvent({ data: "one" });
    }
    client.signal.addEventListener("abort", () => hasLeft = true);
  }, { streaming: true, maxContentLength: Infinity });
  await using served = await Served.start({}, ...route("/api", scene));
  const response = await fetch(`${served.url}api/events`);
  assertMatch(response.headers.get("content-type")!, /event-stream/);
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  assertMatch(new TextDecoder().decode(value), /data: ?one\n\n$/);
  await reader.cancel();
  await eventually(() => hasLeft);
  // So does who leaves before there is an answer.
  using peer = await Deno.connect({ port: Number(new URL(served.url).port) });
  const ask = "GET /api/never HTTP/1.1\r\nHost: localhost\r\n\r\n";
  await peer.write(new TextEncoder().encode(ask));
  await eventually(() => isAsked);
  hasLeft = false;
  peer.close();
  await eventually(() => hasLeft);
  // Many may listen, as everywhere else.
  const many = await Promise.all(
    Array.from({ length: 12 }, () => fetch(`${served.url}api/events`)),
  );
  for (const one of many) await one.body?.cancel();
  const body = async function* () {
    yield new Uint8Array(1000);
    await begun.promise; // the beginning is there before the end is sent
    yield new Uint8Array(3_000_000);
  };
  const up = await fetch(`${served.url}api/up`, {
    method: "PUT",
    body: ReadableStream.from(body()),
  });
  assertEquals(await up.text(), "3001000");
});

Deno.test("serve --proxy passes WebSockets on, in frames of its own", async () => {
  const origins: (string | undefined)[] = [];
  const talk = async (client: HttpConnection) => {
    origins.push(client.headers.origin);
    if (client.path === "/ws/no") {
      client.respond("not you", { status: 403 });
      return;
    }
    const ws = client.acceptWebsocket({ protocol: ["b"] });
    if (ws === null) return;
    for await (const message of ws) {
      if (message === "bye") ws.close(4001, "as you like");
      else await ws.send(message);
    }
  };
  await using scene = new Scene((client) => {
    talk(client);
  });
  await using served = await Served.start({}, ...route("/ws", scene));
  await using client = new HttpClient(served.url);
  const ws = await client.websocket("/ws/a?x", {
    protocols: ["a", "b"],
    headers: { origin: "http://elsewhere" },
  });
  assertEquals(ws.protocol, "b");
  await ws.send("hello");
  assertEquals(await ws.recv(5000), "hello");
  const bytes = new Uint8Array(300_000).fill(1);
  await ws.send(bytes);
  assertEquals(await ws.recv(5000), bytes);
  await ws.send("bye");
  const { code, reason } = await ws.closed;
  assertEquals([code, reason], [4001, "as you like"]);
  assertEquals(origins, ["http://elsewhere"]);
  const refused = await client.websocket("/ws/no").catch((error) => error);
  assertEquals(refused.response.status, 403);
  // What is said behind an upgrade that is none of WebSockets goes nowhere.
  const odd = await raw(
    served,
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n" +
      "Connection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  assertMatch(odd, /^HTTP\/1\.1 4/);
});

Deno.test("serve --proxy ends at once though events and WebSockets are open", async () => {
  const talk = async (client: HttpConnection) => {
    if (!client.isWebsocketRequest) {
      client.responseEvents();
      client.sendEvent({ data: "one" });
      return;
    }
    for await (const _ of client.acceptWebsocket() ?? []);
  };
  await using scene = new Scene((client) => {
    talk(client);
  });
  await using served = await Served.start({}, ...route("/", scene));
  const events = await fetch(served.url);
  await using client = new HttpClient(served.url);
  const ws = await client.websocket("/ws");
  const start = performance.now();
  assertEquals(await served.stop(), 0);
  assert(performance.now() - start < 3000);
  assertEquals((await ws.closed).code, 1001);
  await events.body?.cancel().catch(() => {});
});

Deno.test("serve --proxy keeps the password to itself, and others out", async () => {
  await using scene = telling();
  await using served = await Served.start(
    {},
    ...route("/api", scene),
    ...["--auth", "me:pw"],
  );
  const authorization = `Basic ${btoa("me:pw")}`;
  const origin = "http://evil.example";
  assertEquals((await served.get("/api/"))[0], 401);
  const open = await served.get("/api/", { headers: { authorization } });
  assertEquals(open[0], 200);
  assertEquals(JSON.parse(open[1]).headers.authorization, undefined);
  const options = await served.get("/api/", { method: "OPTIONS" });
  assertEquals([options[0], scene.server.stats.requests], [204, 1]);
  const foreign = await served.get("/api/", {
    method: "POST",
    headers: { authorization, origin },
  });
  assertEquals([foreign[0], scene.server.stats.requests], [403, 1]);
  const upgrade = await rawGet(
    served,
    "/api/",
    `Authorization: ${authorization}\r\nOrigin: ${origin}\r\n` +
      "Connection: Upgrade\r\nUpgrade: websocket\r\n",
  );
  assertMatch(upgrade, /^HTTP\/1\.1 403 /);
});

Deno.test("serve --proxy answers to its own names alone, and notices a circle", async () => {
  await using scene = telling();
  await using served = await Served.start({}, ...route("/api", scene));
  const rebound = await raw(
    served,
    "GET /api HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
  );
  assertMatch(rebound, /^HTTP\/1\.1 421 /);
  assertEquals(scene.server.stats.requests, 0);
  // A backend that is this very server.
  const port = freePort();
  const io = new FakeIo();
  const code = main([
    ...["serve", served.folder, "-q", "-p", `${port}`],
    ...["--proxy", `/=http://127.0.0.1:${port}`],
  ], io);
  await io.stderr.until(/ on http/);
  const response = await fetch(`http://127.0.0.1:${port}/x`);
  assertEquals(
    [response.status, await response.text()],
    [508, "Requests for this go in a circle\n"],
  );
  io.interrupt();
  assertEquals(await code, 0);
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

Deno.test("inspect shows what both sides say, and commands no terminal", async () => {
  const ws = async (client: HttpConnection) => {
    const socket = client.acceptWebsocket();
    for await (const message of socket ?? []) socket!.send(message);
  };
  await using scene = new Scene((client) => {
    if (client.isWebsocketRequest) {
      ws(client);
      return;
    }
    client.respond(
      client.path === "/binary"
        ? new Uint8Array([0, 1, 2])
        : `got ${new TextDecoder().decode(client.rawData)}\n\x1b]0;title\x07`,
      { headers: { "x-a": "1", "content-type": "text/plain" } },
    );
  });
  const io = new FakeIo({ terminals: "out" });
  const code = main(
    ["inspect", "0", scene.server.url, "--body", "40", "--no-color"],
    io,
  );
  const [, url] = await io.stderr.until(/ on (http\S+)\n/);
  const response = await fetch(`${url}a?b`, {
    method: "POST",
    body: "x".repeat(30),
    headers: { "content-type": "text/plain", "accept-encoding": "gzip" },
  });
  assertMatch(await response.text(), /^got x+\n/);
  await (await fetch(`${url}binary`)).bytes();
  await using client = new HttpClient(url);
  const socket = await client.websocket("/talk");
  await socket.send("hello");
  await socket.recv(5000);
  await socket.close();
  await io.stdout.until(/#3 \* done/);
  io.interrupt();
  assertEquals(await code, 0);
  const { text } = io.stdout;
  assertMatch(text, /^#1 > POST \/a\?b HTTP\/1\.1\n#1 > /);
  assertMatch(text, /\n#1 > accept-encoding: identity\n/);
  assertMatch(text, /\n#1 > x{30}\n#1 < 200 OK\n/);
  assertMatch(text, /\n#1 < x-a: 1\n/);
  assertMatch(text, /\n#1 < got x{30}\n#1 < ␛\]0;t\n#1 < \(45 B in all\)\n/);
  assertMatch(text, /\n#2 < \(3 B of binary data\)\n/);
  assertMatch(text, /\n#3 > hello\n#3 < hello\n/);
  assert(!text.includes("\x1b"));
});
