import { assert, assertEquals, assertThrows } from "@std/assert";
import { serve, type ServeOptions, upgradeWebSocket } from "@uhttp/uhttp";
import type { HttpServer, Websocket } from "@uhttp/uhttp";

const LOCAL = { hostname: "127.0.0.1", port: 0 };
const hello = () => new Response("hello");

/** Every way to call it that `Deno.serve` has, but for the port 8000. */
const SIGNATURES: Record<string, () => HttpServer> = {
  "a handler and options": () => serve(hello, LOCAL),
  "options and a handler": () => serve(LOCAL, hello),
  "options with a handler": () => serve({ ...LOCAL, handler: hello }),
};

for (const [name, call] of Object.entries(SIGNATURES)) {
  Deno.test(`serve() takes ${name}`, async () => {
    await using server = call();
    assertEquals(await (await fetch(server.url)).text(), "hello");
  });
}

Deno.test("serve() takes one handler, and no less", () => {
  const other = () => new Response("other");
  const options = { ...LOCAL, handler: hello } as ServeOptions;
  assertThrows(() => serve(other, options), TypeError, "given twice");
  assertThrows(
    () => serve({ ...LOCAL, handler: 7 as never }),
    TypeError,
    "Handler is not a function",
  );
  assertThrows(
    () => serve({ ...LOCAL, handler: hello, onListen: 7 as never }),
    TypeError,
    'Option "onListen" is not a function',
  );
});

/** What handlers return by mistake, and what their onError is told. */
const WRONG: Record<string, [returned: () => unknown, words: string]> = {
  "nothing": [() => {}, "Handler has not returned a Response"],
  "a promise of nothing": [
    () => Promise.resolve(),
    "Handler has not returned a Response",
  ],
  "text": [() => "hello", "Handler has not returned a Response"],
  "a network error": [() => Response.error(), "a status that answers nothing"],
};

for (const [name, [returned, words]] of Object.entries(WRONG)) {
  Deno.test(`serve() gives ${name} from a handler to onError, as Deno.serve() does`, async () => {
    const told: unknown[] = [];
    const onError = (error: unknown) => {
      told.push(error);
      return new Response("sorry", { status: 503 });
    };
    const handler = returned as () => Response;
    await using ours = serve(handler, { ...LOCAL, onError });
    await using theirs = Deno.serve(
      { ...LOCAL, onListen() {}, onError },
      handler,
    );
    const urls = [ours.url, `http://127.0.0.1:${theirs.addr.port}/`];
    for (const url of urls) {
      const response = await fetch(url);
      const text = await response.text();
      // The native server answers a network error with 500 by itself.
      if (name !== "a network error" || url === ours.url) {
        assertEquals([response.status, text], [503, "sorry"]);
      }
    }
    assert(told[0] instanceof Error && told[0].message.includes(words));
  });
}

Deno.test("serve() says what to do with a Response of Deno.upgradeWebSocket()", async () => {
  const told = Promise.withResolvers<Error>();
  await using server = serve(
    (request) => Deno.upgradeWebSocket(request).response,
    {
      ...LOCAL,
      onError: (error) => {
        told.resolve(error as Error);
        return new Response(null, { status: 500 });
      },
    },
  );
  const peer = new WebSocket(server.url.replace("http", "ws"));
  await new Promise((resolve) => peer.onerror = resolve);
  const { message } = await told.promise;
  assert(message.includes("use this library's upgradeWebSocket()"), message);
});

Deno.test("upgradeWebSocket() stands in for Deno's", async () => {
  const events: string[] = [];
  const sockets: Websocket[] = [];
  await using server = serve((request) => {
    const { socket, response } = upgradeWebSocket(request, {
      protocol: "chat",
    });
    sockets.push(socket);
    socket.onopen = () => {
      events.push(`open ${socket.readyState}`);
      socket.send("welcome");
    };
    socket.onmessage = ({ data }) => {
      events.push(`message ${data}`);
      socket.send(`you said ${data}`);
    };
    socket.onclose = ({ code }) => events.push(`close ${code}`);
    assertEquals(response.status, 101);
    return response;
  }, LOCAL);
  const peer = new WebSocket(server.url.replace("http", "ws"), ["chat"]);
  const got: string[] = [];
  await new Promise<void>((resolve) => {
    peer.onmessage = ({ data }) => {
      got.push(data);
      if (got.length === 1) peer.send("hi");
      else resolve();
    };
  });
  assertEquals(peer.protocol, "chat");
  peer.close(3000);
  await sockets[0].closed;
  await new Promise((resolve) => peer.onclose = resolve);
  assertEquals(got, ["welcome", "you said hi"]);
  assertEquals(events, ["open 1", "message hi", "close 3000"]);
});

Deno.test("upgradeWebSocket() tells open before what came along with the request", async () => {
  const events = Promise.withResolvers<string[]>();
  await using server = serve((request) => {
    const seen: string[] = [];
    const { socket, response } = upgradeWebSocket(request);
    socket.onopen = () => seen.push("open");
    socket.onmessage = () => events.resolve([...seen, "message"]);
    return response;
  }, LOCAL);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await conn.write(
    new Uint8Array([
      ...new TextEncoder().encode(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n" +
          "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      ),
      ...[0x81, 0x80, 0, 0, 0, 0],
    ]),
  );
  assertEquals(await events.promise, ["open", "message"]);
});

Deno.test("upgradeWebSocket() refuses what it cannot accept", async () => {
  assertThrows(
    () => upgradeWebSocket(new Request("http://a/")),
    TypeError,
    "not one that serve() has handed out",
  );
  assertThrows(() => upgradeWebSocket(null as never), TypeError, "not one");
  const told: string[] = [];
  await using server = serve((request) => {
    // Also where the platform's own object was made of it.
    if (request.url.endsWith("real")) request.clone();
    return upgradeWebSocket(request).response;
  }, {
    ...LOCAL,
    onError: (error) => {
      told.push((error as Error).message);
      return new Response(null, { status: 400 });
    },
  });
  for (const path of ["", "real"]) {
    const response = await fetch(server.url + path);
    assertEquals(response.status, 400);
    await response.body?.cancel();
  }
  assertEquals(told, Array(2).fill("Request does not ask for a WebSocket"));
});
