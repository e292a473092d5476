import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type HttpConnection,
  HttpServer,
  type WebsocketAcceptOptions,
} from "@uhttp/uhttp";
import {
  type Websocket,
  type WebsocketClose,
  websocketErrors,
} from "../../websocket.ts";
import { type FrameRow, websocketFrames } from "../cases/websocket_frames.ts";
import {
  deflateOffers,
  type HandshakeRow,
  websocketHandshakes,
} from "../cases/websocket_handshakes.ts";
import { latin1Text } from "../support/bytes.ts";
import { Arena } from "../support/arena.ts";
import { makePair } from "../support/certificates.ts";
import { serve } from "../support/serving.ts";
import {
  ACCEPT,
  closing,
  frame,
  handshake,
  join,
  KEY,
  packed,
  text,
  WebsocketPeer,
} from "../support/websocket_peer.ts";
import { has, type Want, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
const UNCOMPRESSED = {};
const COMPRESSED = {
  "sec-websocket-extensions": "permessage-deflate; server_no_context_takeover",
};

const MODES = [
  { mode: "whole requests", options: {} },
  { mode: "streaming", options: { streaming: true } },
];

/** Sends back what comes. */
async function echo(ws: Websocket): Promise<unknown> {
  for await (const message of ws) await ws.send(message);
  return ws.closed;
}

/** Echoes on all WebSockets, and answers all else. */
function echoes(options: WebsocketAcceptOptions = {}) {
  return (client: HttpConnection): unknown => {
    if (client.path === "/next") return client.respond("next");
    const ws = client.acceptWebsocket(options);
    return ws === null ? null : echo(ws);
  };
}

/** A server for WebSockets, each of which the test gets hold of. */
class WebsocketArena extends Arena {
  readonly opened: Websocket[] = [];

  constructor(
    use: (ws: Websocket) => unknown = () => {},
    options: WebsocketAcceptOptions = {},
  ) {
    super((client) => {
      const ws = client.acceptWebsocket(options);
      if (ws === null) return;
      this.opened.push(ws);
      return use(ws);
    });
  }

  /** A peer, and the server's side of it. */
  async meet(
    headers: Record<string, string | null> = {},
  ): Promise<{ peer: WebsocketPeer; ws: Websocket }> {
    const peer = await call(this);
    await peer.open(headers);
    return { peer, ws: this.opened.at(-1)! };
  }
}

async function call(arena: Arena): Promise<WebsocketPeer> {
  return new WebsocketPeer(await arena.open());
}

// ---- The handshake ----------------------------------------------------------

/** A good request is answered with 101 and no more than that needs. */
async function isAccepted(peer: WebsocketPeer): Promise<void> {
  const { headers } = await peer.opened();
  assertEquals(headers.upgrade, "websocket");
  assertEquals(headers.connection, "Upgrade");
  assertEquals(headers["sec-websocket-accept"], ACCEPT);
  for (
    const absent of [
      "content-length",
      "transfer-encoding",
      "sec-websocket-protocol",
      "sec-websocket-extensions",
    ]
  ) assert(!(absent in headers), absent);
  assertEquals(await peer.event(), "text:hi");
  assertEquals(await peer.leave(), ["close:1000:", "end"]);
}

/** A bad one is answered as it should be, and the connection goes on. */
async function isRefused(
  peer: WebsocketPeer,
  { name, method, protocol, refused }: HandshakeRow,
): Promise<void> {
  const answer = await peer.response(method === "HEAD");
  const [status, field, value, more] = refused!;
  assertEquals([answer.status, answer.body], [status, ""], name);
  if (field !== undefined) assertEquals(answer.headers[field], value, name);
  if (more !== undefined) assertEquals(answer.headers[more[0]], more[1], name);
  if (protocol === "HTTP/1.0") {
    assertEquals(await peer.rest(), "", name);
    return;
  }
  if (field === "upgrade") {
    assertEquals(answer.headers.connection, "upgrade", name);
  }
  assertEquals((await peer.response()).body, "next", name);
}

for (const { mode, options } of MODES) {
  Deno.test(`acceptWebsocket() accepts what is good, and refuses what is not (${mode})`, async () => {
    const accepted: boolean[] = [];
    await using arena = new Arena((client) => {
      if (client.path === "/next") return client.respond("next");
      const isWanted = client.isWebsocketRequest;
      const ws = client.acceptWebsocket();
      accepted.push(ws !== null);
      // What is accepted was asked for.
      assert(isWanted || ws === null);
      return ws === null ? null : echo(ws);
    }, options);
    for (const row of websocketHandshakes) {
      const { method = "GET", protocol = "HTTP/1.1", headers, refused } = row;
      const request = join(
        handshake(headers, `${method} / ${protocol}`),
        refused === undefined
          ? text("hi")
          : protocol === "HTTP/1.0"
          ? ""
          : NEXT,
      );
      for (const isSlow of [false, true]) {
        using peer = await call(arena);
        await (isSlow ? peer.dribble(request) : peer.send(request));
        if (refused === undefined) await isAccepted(peer);
        else await isRefused(peer, row);
        assertEquals(accepted.pop(), refused === undefined, row.name);
      }
    }
  });

  for (
    const [name, extra, status] of [
      ["its key twice", `Sec-WebSocket-Key: ${KEY}\r\n`, 400],
      ["another key", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", 400],
      ["its version twice", "Sec-WebSocket-Version: 13\r\n", 426],
      ["another protocol to change to", "Upgrade: h2c\r\n", 101],
      ["another option of the connection", "Connection: keep-alive\r\n", 101],
      ["an end of the connection", "Connection: close\r\n", 101],
      ["an expectation", "Expect: 100-continue\r\n", 101],
    ] as const
  ) {
    Deno.test(`acceptWebsocket() answers ${status} to ${name} (${mode})`, async () => {
      await using arena = new Arena(echoes(), options);
      using peer = await call(arena);
      const request = handshake().replace("\r\n\r\n", "\r\n" + extra + "\r\n");
      await peer.send(join(request, status === 101 ? text("x") : NEXT));
      assertEquals((await peer.response()).status, status);
      if (status === 101) assertEquals(await peer.event(), "text:x");
      else assertEquals((await peer.response()).body, "next");
    });
  }

  Deno.test(`acceptWebsocket() goes on behind other requests (${mode})`, async () => {
    await using arena = new Arena((client, arena) => {
      if (client.path === "/held") return arena.hold(client);
      return echoes()(client);
    }, options);
    using peer = await call(arena);
    await peer.send(join(
      NEXT,
      NEXT.replace("next", "held"),
      handshake(),
      text("early"),
      frame(0x89, "p"),
    ));
    assertEquals((await peer.response()).body, "next");
    (await arena.next()).respond("held");
    assertEquals((await peer.response()).body, "held");
    await peer.opened();
    const events = await peer.take(2);
    assertEquals(events.sort(), ["pong:p", "text:early"]);
    await peer.send(text("late"));
    assertEquals(await peer.event(), "text:late");
    assertEquals(await peer.leave(), ["close:1000:", "end"]);
  });

  Deno.test(`acceptWebsocket() gets what comes before it is called (${mode})`, async () => {
    await using arena = new Arena((client, arena) => {
      arena.hold(client);
      client.signal; // so that there is a read under way
    }, options);
    for (const when of ["with the request", "before", "afterwards"]) {
      using peer = await call(arena);
      const early = join(text("one"), frame(0x01, "tw"));
      const isWithIt = when === "with the request";
      await peer.send(isWithIt ? join(handshake(), early) : handshake());
      const client = await arena.next();
      const { bytesIn } = arena.server.stats;
      if (when === "before") {
        await peer.send(early);
        const all = bytesIn + early.length;
        while (arena.server.stats.bytesIn < all) {
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
      }
      arena.track(echo(client.acceptWebsocket()!));
      if (when === "afterwards") await peer.send(early);
      await peer.opened();
      await peer.send(frame(0x80, "o"));
      assertEquals(await peer.take(2), ["text:one", "text:two"]);
      assertEquals(await peer.leave(), ["close:1000:", "end"]);
    }
  });
}

const asFrame = latin1Text(text("x")); // so that it would come back
for (
  const [name, headers, body] of [
    ["a body", { "content-length": String(asFrame.length) }, asFrame],
    [
      "a chunked body",
      { "transfer-encoding": "chunked" },
      "1\r\nx\r\n0\r\n\r\n",
    ],
    ["an empty body", { "content-length": "0" }, ""],
    ["an empty chunked body", { "transfer-encoding": "chunked" }, "0\r\n\r\n"],
  ] as const
) {
  Deno.test(`acceptWebsocket() makes the same of ${name} in both modes`, async () => {
    const statuses: number[] = [];
    for (const { options } of MODES) {
      await using arena = new Arena(echoes(), options);
      using peer = await call(arena);
      await peer.send(join(handshake(headers), body));
      const { status } = await peer.response();
      statuses.push(status);
      if (status === 101) {
        await peer.send(text("real"));
        assertEquals(await peer.event(), "text:real");
      } else {
        await peer.send(NEXT);
        assertEquals((await peer.response()).body, "next");
      }
    }
    assertEquals(statuses[0], statuses[1]);
  });
}

Deno.test("acceptWebsocket() answers 403 to origins that are not allowed", async () => {
  await using arena = new Arena(
    echoes({ allowedOrigins: ["https://a.example", "http://b.example:81"] }),
  );
  for (
    const [origin, status] of [
      [null, 101],
      ["https://a.example", 101],
      ["HTTPS://A.example", 101],
      ["http://b.example:81", 101],
      ["http://a.example", 403],
      ["https://a.example:8443", 403],
      ["https://a.example.evil", 403],
      ["https://evil.a.example", 403],
      ["http://b.example", 403],
      ["null", 403],
      ["", 403],
      ["https://a.example, https://evil", 403],
    ] as const
  ) {
    using peer = await call(arena);
    await peer.send(join(handshake({ origin }), status === 101 ? "" : NEXT));
    assertEquals((await peer.response()).status, status, `${origin}`);
    if (status === 403) assertEquals((await peer.response()).body, "next");
  }
  // What is wrong in itself is not excused by its origin.
  using peer = await call(arena);
  await peer.send(
    handshake({ origin: "https://a.example", "sec-websocket-key": "x" }),
  );
  assertEquals((await peer.response()).status, 400);
});

Deno.test("acceptWebsocket() allows no origin where none is named, and all with a star", async () => {
  for (
    const [allowedOrigins, status] of [[[], 403], [["*"], 101]] as const
  ) {
    await using arena = new Arena(echoes({ allowedOrigins }));
    using peer = await call(arena);
    await peer.send(handshake({ origin: "https://a.example" }));
    assertEquals((await peer.response()).status, status);
  }
});

Deno.test("acceptWebsocket() picks the first subprotocol of its own that was offered", async () => {
  const rows: [offered: string | null, ours: string | string[], string][] = [
    ["chat", "chat", "chat"],
    ["a, chat", "chat", "chat"],
    ["a, b", ["b", "a"], "b"],
    ["a,b", ["c", "a"], "a"],
    ["a", "b", ""],
    ["CHAT", "chat", ""],
    [null, "chat", ""],
    ["a", [], ""],
  ];
  for (const [offered, protocol, expected] of rows) {
    await using arena = new WebsocketArena(echo, { protocol });
    using peer = await call(arena);
    await peer.send(handshake({ "sec-websocket-protocol": offered }));
    const { headers } = await peer.opened();
    assertEquals(headers["sec-websocket-protocol"] ?? "", expected);
    assertEquals(arena.opened[0].protocol, expected);
  }
});

Deno.test("acceptWebsocket() agrees on compression as it can", async () => {
  await using arena = new Arena((client) => {
    const [, , options] = deflateOffers[Number(client.headers["x-row"])];
    const ws = client.acceptWebsocket({ compress: options ?? true });
    return ws === null ? null : echo(ws);
  });
  for (const [row, [offer, answer]] of deflateOffers.entries()) {
    using peer = await call(arena);
    await peer.send(
      handshake({ "sec-websocket-extensions": offer, "x-row": String(row) }),
    );
    const response = await peer.response();
    if (response.status === 400) {
      assertEquals([offer, answer], ["permessage-deflate; a b", null]);
      continue;
    }
    assertEquals(
      response.headers["sec-websocket-extensions"] ?? null,
      answer === null ? null : "permessage-deflate" + answer,
      offer,
    );
    const message = "compress me ".repeat(100);
    // The first message looks back to nothing, so it needs no memory.
    await peer.send(answer === null ? text(message) : packed(message));
    const event = await peer.event();
    assertEquals(
      event,
      answer === null ? `text:${message}` : `packed text:${message}`,
    );
  }
});

Deno.test("acceptWebsocket() compresses nothing unless it is told to", async () => {
  await using arena = new WebsocketArena(echo);
  using peer = await call(arena);
  await peer.send(handshake(COMPRESSED));
  const { headers } = await peer.opened();
  assert(!("sec-websocket-extensions" in headers));
  assertEquals(arena.opened[0].extensions, "");
  await peer.send(packed("x"));
  assertEquals(await peer.events(), [
    "close:1002:Frame has a reserved bit set",
    "end",
  ]);
});

Deno.test("acceptWebsocket() sends further headers, but none of its own twice", async () => {
  await using arena = new Arena((client) =>
    echo(
      client.acceptWebsocket({
        headers: {
          "X-A": "1",
          "Set-Cookie": ["a=b", "c=d"],
          "Upgrade": "h2c",
          "Connection": "close",
          "Sec-WebSocket-Accept": "x",
        },
      })!,
    )
  );
  using peer = await call(arena);
  await peer.send(handshake());
  const { headers } = await peer.opened();
  assertEquals(headers["x-a"], "1");
  assertEquals(headers["set-cookie"], "a=b\nc=d");
  assertEquals(headers.upgrade, "websocket");
  assertEquals(headers.connection, "Upgrade");
  assertEquals(headers["sec-websocket-accept"], ACCEPT);
  assert("date" in headers);
});

Deno.test("acceptWebsocket() throws where it is used wrongly, and spoils nothing", async () => {
  const WRONG: [
    WebsocketAcceptOptions,
    typeof TypeError | typeof RangeError,
  ][] = [
    [{ headers: { "x y": "1" } }, TypeError],
    [{ headers: { x: "a\r\nb: c" } }, TypeError],
    [{ compress: { serverMaxWindowBits: 8 } }, RangeError],
    [{ compress: { clientMaxWindowBits: 16 } }, RangeError],
    [{ maxMessageLength: -1 }, RangeError],
    [{ idleTimeout: NaN }, RangeError],
    [{ closeTimeout: -5 }, RangeError],
  ];
  await using arena = new Arena((client) => {
    for (const [options, type] of WRONG) {
      assertThrows(() => client.acceptWebsocket(options), type);
      assertEquals(client.isAnswered, false, Object.keys(options)[0]);
    }
    return client.respond("sorry", { status: 500 });
  });
  using peer = await call(arena);
  await peer.send(handshake(COMPRESSED));
  const { status, body } = await peer.response();
  assertEquals([status, body], [500, "sorry"]);
});

Deno.test("acceptWebsocket() throws where the request is answered already", async () => {
  await using arena = new Arena((client) => {
    const { path } = client;
    if (path === "/answered") client.respond("answered");
    else if (path === "/refused") {
      assertEquals(client.acceptWebsocket({ allowedOrigins: [] }), null);
    } else {
      const ws = client.acceptWebsocket();
      assert(ws !== null);
      assert(client.isAnswered);
      assertThrows(() => client.respond("x"), TypeError);
      assertThrows(() => client.acceptWebsocket(), TypeError);
      return echo(ws);
    }
    assertThrows(() => client.acceptWebsocket(), TypeError);
    return null;
  });
  using peer = await call(arena);
  for (const path of ["/answered", "/refused"]) {
    await peer.send(handshake({ origin: "x" }, `GET ${path} HTTP/1.1`));
    const { status } = await peer.response();
    assertEquals(status, path === "/answered" ? 200 : 403);
  }
  await peer.open();
  await peer.send(text("x"));
  assertEquals(await peer.event(), "text:x");
});

Deno.test("acceptWebsocket() is null where the peer has gone", async () => {
  await using arena = new Arena((client, arena) => arena.hold(client));
  const peer = await WebsocketPeer.resettable(arena.server.port);
  await peer.send(handshake());
  const client = await arena.next();
  const { signal } = client;
  await peer.reset();
  await arena.until(() => arena.server.stats.openConnections === 0);
  assert(signal.aborted);
  assertEquals(client.acceptWebsocket(), null);
  assert(client.isAnswered);
});

Deno.test("acceptWebsocket() tells of a peer that closed its side before", async () => {
  for (const isHalf of [true, false]) {
    await using arena = new Arena((client, arena) => arena.hold(client));
    using peer = await call(arena);
    await peer.send(join(handshake(), text("a")));
    const client = await arena.next();
    const aborted = new Promise((resolve) =>
      client.signal.addEventListener("abort", resolve)
    );
    await (isHalf ? peer.conn.closeWrite() : peer.close());
    await aborted;
    const ws = client.acceptWebsocket();
    if (ws === null) continue;
    assertEquals(await messages(ws), ["a"]);
    assertEquals(await ws.closed, { code: 1006, reason: "", wasClean: false });
    await arena.until(() => arena.server.stats.openConnections === 0);
  }
});

Deno.test("acceptWebsocket() loses no event of what came with the handshake", async () => {
  for (
    const [last, ...expected] of [
      [closing(1000), "close 1000"],
      [frame(0x83), "error", "close 1002"],
    ] as const
  ) {
    const seen: string[] = [];
    await using arena = new WebsocketArena(async (ws) => {
      ws.onmessage = ({ data }) => seen.push(data);
      ws.onerror = () => seen.push("error");
      const closed = new Promise<void>((resolve) => {
        ws.onclose = ({ code }) => {
          seen.push(`close ${code}`);
          resolve();
        };
      });
      await ws.closed;
      await Promise.race([
        closed,
        new Promise((resolve) => setTimeout(resolve, 0)),
      ]);
    });
    using peer = await call(arena);
    await peer.send(join(handshake(), text("a"), last));
    await peer.rest();
    peer.close();
    await arena.until(() => arena.unsettled === 0);
    assertEquals(seen, ["a", ...expected]);
  }
});

// ---- Where it listens -------------------------------------------------------

interface Place {
  name: string;
  wants: Want[];
  listen: () => HttpServer;
  connect: (server: HttpServer) => Promise<Deno.Conn>;
}

const PLACES: Place[] = [
  {
    name: "IPv4",
    wants: [],
    listen: () => new HttpServer({ hostname: "127.0.0.1", port: 0 }),
    connect: ({ port }) => Deno.connect({ hostname: "127.0.0.1", port }),
  },
  {
    name: "IPv6",
    wants: ["IPv6"],
    listen: () => new HttpServer({ hostname: "::1", port: 0 }),
    connect: ({ port }) => Deno.connect({ hostname: "::1", port }),
  },
  {
    name: "TLS",
    wants: ["OpenSSL 3"],
    listen: () => new HttpServer({ hostname: "127.0.0.1", port: 0, ...pair }),
    connect: ({ port }) =>
      Deno.connectTls({ hostname: "localhost", port, caCerts: [pair!.cert] }),
  },
  {
    name: "a Unix socket",
    wants: ["Unix sockets"],
    listen: () =>
      new HttpServer({ path: `${Deno.makeTempDirSync()}/websocket.sock` }),
    connect: ({ addr }) =>
      Deno.connect({ transport: "unix", path: (addr as Deno.UnixAddr).path }),
  },
];

for (const { name, wants, listen, connect } of PLACES) {
  Deno.test({
    ...wanting(`Websocket works on ${name}`, ...wants),
  }, async () => {
    await using server = listen();
    const { addr } = server;
    const ends: unknown[] = [];
    const done = serve(server, (client) => {
      const ws = client.acceptWebsocket({ compress: true })!;
      echo(ws).then((end) => ends.push(end));
    });
    using peer = new WebsocketPeer(await connect(server));
    await peer.send(
      join(handshake(COMPRESSED), text("first"), frame(0x82, "\0\xff")),
    );
    await peer.opened();
    assertEquals(await peer.take(2), ["text:first", "binary:\0\xff"]);
    const large = "large, ".repeat(60_000);
    await peer.send(packed(large));
    assertEquals(await peer.event(), "packed text:" + large);
    await peer.send(frame(0x89, "?"));
    assertEquals(await peer.event(), "pong:?");
    assertEquals(await peer.leave(4000), ["close:4000:", "end"]);

    using other = new WebsocketPeer(await connect(server));
    await other.open();
    const broken = frame(0x81, "a\xff", 100);
    await other.send(join(broken, "x".repeat(100_000)));
    assertEquals(await other.events(), [
      "close:1007:Text is not valid UTF-8",
      "end",
    ]);
    other.close();
    await server.shutdown();
    await done;
    assertEquals(ends, [
      { code: 4000, reason: "", wasClean: true },
      { code: 1007, reason: "Text is not valid UTF-8", wasClean: false },
    ]);
    if ("path" in addr) {
      Deno.removeSync((addr.path as string).replace(/\/[^/]*$/, ""));
    }
  });
}

// ---- Frames -----------------------------------------------------------------

/** All messages, as text of one character a byte where they are bytes. */
async function messages(ws: Websocket): Promise<string[]> {
  const all: string[] = [];
  for await (const message of ws) {
    all.push(typeof message === "string" ? message : latin1Text(message));
  }
  return all;
}

function bytesOf(row: FrameRow): Uint8Array {
  return join(...row.frames.map((one) => {
    const [first, payload, length] = one;
    if (typeof payload !== "string") {
      // Heads that go on in no mask; a second byte would need its bit.
      return Uint8Array.from(
        one as number[],
        (byte, i) => i === 1 ? byte | 0x80 : byte,
      );
    }
    return frame(first as number, payload, length as number | undefined);
  }));
}

/** The frame rows whose messages need not be decompressed. */
const ROWS = websocketFrames.filter(({ events }) =>
  !events.some((event) => event.startsWith("packed"))
);

/** What a peer is sent for a row, and what its WebSocket comes to. */
function outcome(row: FrameRow): { events: string[]; end: WebsocketClose } {
  const events = ["text:owed"];
  for (const event of row.events) {
    const [kind, code, ...rest] = event.split(":");
    if (kind === "ping") events.push("pong:" + event.slice(5));
    if (kind !== "close") continue;
    const end = { code: Number(code), reason: rest.join(":"), wasClean: true };
    return { events: [...events, `close:${code}:`], end };
  }
  if (row.fault !== undefined) {
    const [code, reason] = websocketErrors[row.fault];
    const end = { code, reason, wasClean: false };
    return { events: [...events, `close:${code}:${reason}`], end };
  }
  if (row.isPending) {
    return { events, end: { code: 1006, reason: "", wasClean: false } };
  }
  const end = { code: 1000, reason: "", wasClean: true };
  return { events: [...events, "close:1000:"], end };
}

/** The messages of a row, one character a byte where they are bytes. */
function messagesOf(row: FrameRow): string[] {
  return row.events.flatMap((event) => {
    const value = event.slice(event.indexOf(":") + 1);
    if (event.startsWith("text:")) return value;
    if (!event.startsWith("binary:")) return [];
    return value.replace(
      /../g,
      (hex) => String.fromCharCode(parseInt(hex, 16)),
    );
  });
}

for (const rfc of new Set(ROWS.map((row) => row.rfc))) {
  Deno.test(`Websocket holds to ${rfc}, in whatever pieces frames come`, async () => {
    const received: string[][] = [];
    const opened: Websocket[] = [];
    await using arena = new Arena(async (client) => {
      const row = ROWS[Number(client.headers["x-row"])];
      const ws = client.acceptWebsocket({
        maxMessageLength: row.maxMessageLength,
        compress: row.allowCompressed ?? false,
      })!;
      opened.push(ws);
      ws.send("owed");
      received.push(await messages(ws));
    });
    for (const [i, row] of ROWS.entries()) {
      if (row.rfc !== rfc) continue;
      const { name, fault, isPending } = row;
      for (const isSlow of [false, true]) {
        using peer = await call(arena);
        await peer.open({
          ...(row.allowCompressed ? COMPRESSED : {}),
          "x-row": String(i),
        });
        const bytes = bytesOf(row);
        if (isSlow) await peer.dribble(bytes);
        // What comes behind the end is of no account.
        else if (fault === undefined) await peer.send(bytes);
        else await peer.send(join(bytes, "\x88".repeat(100_000)));
        const { events, end } = outcome(row);
        const isOver = row.events.some((event) => event.startsWith("close:"));
        if (fault === undefined && isPending) await peer.conn.closeWrite();
        else if (fault === undefined && !isOver) await peer.send(closing(1000));
        assertEquals(await peer.events(), [...events, "end"], name);
        peer.close();
        assertEquals(await opened.pop()!.closed, end, name);
        await arena.until(() => arena.unsettled === 0);
        assertEquals(received.pop(), messagesOf(row), name);
      }
    }
  });
}

Deno.test("Websocket refuses a frame without a mask", async () => {
  await using arena = new WebsocketArena(echo);
  const { peer } = await arena.meet();
  using _ = peer;
  await peer.send(new Uint8Array([0x81, 1, 97]));
  assertEquals(await peer.events(), [
    "close:1002:Frame of a client is not masked",
    "end",
  ]);
});

const SIZES = [0, 1, 125, 126, 127, 1023, 1024, 65535, 65536, 300_000];

for (const isSlow of [false, true]) {
  for (const isPacked of [false, true]) {
    const how = (isPacked ? "compressed" : "plain") +
      (isSlow ? ", byte by byte" : "");
    Deno.test(`Websocket echoes messages of all sizes (${how})`, async () => {
      await using arena = new WebsocketArena(echo, { compress: true });
      const { peer, ws } = await arena.meet(isPacked ? COMPRESSED : {});
      using _ = peer;
      assertEquals(ws.extensions, isPacked ? "permessage-deflate" : "");
      for (const size of SIZES) {
        const message = "0123456789abcdef".repeat(size / 16 + 1).slice(0, size);
        const bytes = isPacked
          ? join(packed(message), packed(message, 0xc2))
          : join(text(message), frame(0x82, message));
        await (isSlow ? peer.dribble(bytes) : peer.send(bytes));
        const [first, second] = await peer.take(2);
        const prefix = isPacked && size >= 256 ? "packed " : "";
        assert(first === `${prefix}text:${message}`, `text of ${size}`);
        assert(second === `${prefix}binary:${message}`, `bytes of ${size}`);
      }
      assertEquals(await peer.leave(), ["close:1000:", "end"]);
    });

    Deno.test(`Websocket echoes fragments with control frames between them (${how})`, async () => {
      await using arena = new WebsocketArena(echo, { compress: true });
      const { peer } = await arena.meet(isPacked ? COMPRESSED : {});
      using _ = peer;
      const message = "grün €, 😀 ".repeat(100);
      const whole = isPacked ? packed(message) : text(message);
      // The payload, without the head and the mask.
      const masked = whole.subarray(whole.length < 134 ? 6 : 8);
      const payload = masked.map((byte, i) =>
        byte ^ [0x37, 0xfa, 0x21, 0x3d][i & 3]
      );
      const parts: Uint8Array[] = [];
      const step = Math.ceil(payload.length / 12);
      for (let at = 0; at < payload.length; at += step) {
        const first = (at === 0 ? isPacked ? 0x41 : 0x01 : 0) |
          (at + step >= payload.length ? 0x80 : 0);
        parts.push(frame(first, payload.subarray(at, at + step)));
        if (first < 0x80) parts.push(frame(0x89, `p${parts.length}`));
        if (first < 0x80) parts.push(frame(0x8a, "nobody asked"));
      }
      const bytes = join(...parts);
      await (isSlow ? peer.dribble(bytes) : peer.send(bytes));
      const events = await peer.take((parts.length - 1) / 3 + 1);
      assertEquals(
        events.filter((event) => event.startsWith("pong:")).length,
        (parts.length - 1) / 3,
      );
      assertEquals(
        events.at(-1),
        (isPacked ? "packed text:" : "text:") + message,
      );
      assertEquals(await peer.leave(1001), ["close:1001:", "end"]);
    });
  }
}

Deno.test("Websocket sends what answers a message before it answers what follows", async () => {
  for (
    const [last, close] of [
      [closing(1000), "close:1000:"],
      [frame(0x88), "close:1005:"],
      [frame(0x83), "close:1002:Frame has a reserved opcode"],
    ] as const
  ) {
    await using arena = new WebsocketArena(async (ws) => {
      for await (const message of ws) ws.send(message);
    });
    const { peer } = await arena.meet();
    using _ = peer;
    await peer.send(join(text("a"), text("b"), last));
    assertEquals(await peer.events(), ["text:a", "text:b", close, "end"]);
  }
});

Deno.test("Websocket sends all that answers a flood before it answers the close behind it", async () => {
  const count = 3000;
  const expected = Array.from({ length: count }, (_, i) => `text:${i}`);
  for (const make of [text, packed]) {
    await using arena = new WebsocketArena(async (ws) => {
      for await (const message of ws) ws.send(message);
    }, { compress: true });
    const { peer } = await arena.meet(COMPRESSED);
    using _ = peer;
    const messages = Array.from({ length: count }, (_, i) => make(`${i}`));
    await peer.send(join(...messages, closing(1000)));
    assertEquals(await peer.events(), [...expected, "close:1000:", "end"]);
  }
});

Deno.test("Websocket answers a close though nobody takes what came before", async () => {
  await using arena = new WebsocketArena(() => {}, { compress: true });
  const attacks: Record<string, Uint8Array> = {
    "a text": text("a"),
    "a packed text": packed("a"),
    "more than may wait": join(...Array(300).fill(text("a"))),
    "more than may wait, packed": join(
      ...Array(6).fill(packed("a".repeat(600_000))),
    ),
  };
  for (const [name, bytes] of Object.entries(attacks)) {
    const { peer, ws } = await arena.meet(COMPRESSED);
    using _ = peer;
    await peer.send(join(bytes, closing(1000)));
    assertEquals(await peer.events(), ["close:1000:", "end"], name);
    assertEquals((await ws.closed).wasClean, true, name);
  }
});

Deno.test("Websocket sends what a listener answers before it answers a close", async () => {
  await using arena = new WebsocketArena((ws) => {
    ws.onmessage = ({ data }) => ws.send(data);
  });
  const { peer } = await arena.meet();
  using _ = peer;
  await peer.send(join(text("a"), frame(0x82, "b"), closing(1000)));
  assertEquals(
    await peer.events(),
    ["text:a", "binary:b", "close:1000:", "end"],
  );
});

Deno.test("Websocket sends all of a large message before its close frame", async () => {
  for (const headers of [UNCOMPRESSED, COMPRESSED]) {
    await using arena = new WebsocketArena(async (ws) => {
      await ws.recv();
      const sent = ws.send("n".repeat(1_000_000));
      await ws.recv();
      await sent;
    }, { compress: true });
    const { peer } = await arena.meet(headers);
    using _ = peer;
    await peer.send(join(text("go"), frame(0x83), "x".repeat(10_000)));
    const events = await peer.events();
    // The first message may have come too late to be answered.
    if (events.length === 3) {
      assert(/^(?:packed )?text:n{1000000}$/.test(events.shift()!));
    }
    assertEquals(events, ["close:1002:Frame has a reserved opcode", "end"]);
  }
});

Deno.test("Websocket refuses a message that grows too large", async () => {
  const closes = ["close:1009:Message is too large", "end"];
  await using arena = new WebsocketArena(echo, {
    maxMessageLength: 100_000,
    compress: true,
  });
  const attacks: Record<string, Uint8Array> = {
    "a bomb": packed(new Uint8Array(50_000_000), 0xc2),
    "a small bomb": packed(new Uint8Array(100_001), 0xc2),
    "a bomb of text": packed("x".repeat(1_000_000)),
    "an announcement": frame(0x82, "", 100_001),
    "a packed announcement": frame(0xc2, "", 110_000),
    "fragments": join(
      frame(0x02, "x".repeat(60_000)),
      frame(0x00, "x".repeat(60_000)),
    ),
    "packed fragments": join(
      frame(0x42, "x".repeat(60_000)),
      frame(0x00, "x".repeat(60_000)),
    ),
  };
  for (const [name, bytes] of Object.entries(attacks)) {
    const { peer, ws } = await arena.meet(COMPRESSED);
    using _ = peer;
    await peer.send(bytes);
    assertEquals(await peer.events(), closes, name);
    assertEquals((await ws.closed).code, 1009, name);
  }
  const { peer } = await arena.meet(COMPRESSED);
  using _ = peer;
  await peer.send(packed("x".repeat(100_000)));
  assertEquals((await peer.event()).length, "packed text:".length + 100_000);
});

Deno.test("Websocket refuses what cannot be decompressed", async () => {
  await using arena = new WebsocketArena(echo, { compress: true });
  const attacks: Record<string, Uint8Array> = {
    "nonsense": frame(0xc1, "\xff\xff\xff"),
    "a reserved block": frame(0xc2, "\x06"),
    "too far a look back": frame(0xc1, "\x02\x04\x00"),
    "bad UTF-8": packed(new Uint8Array([0xff]), 0xc1),
    "half a character": packed(new Uint8Array([0xe2, 0x82]), 0xc1),
  };
  for (const [name, bytes] of Object.entries(attacks)) {
    const { peer } = await arena.meet(COMPRESSED);
    using _ = peer;
    await peer.send(join(text("a"), packed("b"), bytes));
    const events = await peer.events();
    assertEquals(events.pop(), "end", name);
    assert(events.pop()!.startsWith("close:1007:"), name);
    assertEquals(events, ["text:a", "text:b"], name);
  }
});

Deno.test("Websocket answers pings while the application does nothing", async () => {
  await using arena = new WebsocketArena();
  const { peer } = await arena.meet();
  using _ = peer;
  await peer.send(text("nobody reads this"));
  for (const payload of ["", "a", "\0\xff".repeat(62)]) {
    await peer.dribble(frame(0x89, payload));
    assertEquals(await peer.event(), "pong:" + payload);
  }
});

Deno.test("Websocket.ping() is answered, or not", async () => {
  await using arena = new WebsocketArena();
  const { peer, ws } = await arena.meet();
  using _ = peer;
  const pings = [ws.ping("one"), ws.ping("two"), ws.ping("three")];
  assertEquals(await peer.take(3), ["ping:one", "ping:two", "ping:three"]);
  await peer.send(frame(0x8a, "two"));
  assertEquals(await pings[1], true);
  assertEquals(await pings[0], true);
  peer.close();
  assertEquals(await pings[2], false);
  assertEquals(await ws.ping(), false);
});

// ---- The end ----------------------------------------------------------------

Deno.test("Websocket.close() ends well with a peer that answers", async () => {
  for (const isSlow of [false, true]) {
    await using arena = new WebsocketArena();
    const { peer, ws } = await arena.meet();
    using _ = peer;
    ws.send("last");
    const closed = ws.close(4001, "für immer");
    assertEquals(await ws.send("too late"), false);
    assertEquals(await ws.ping(), false);
    assertEquals(await peer.take(2), [
      "text:last",
      "close:4001:f\xc3\xbcr immer",
    ]);
    const rest = join(
      text("thrown away"),
      frame(0x89, "not answered"),
      closing(3000, "good"),
    );
    await (isSlow ? peer.dribble(rest) : peer.send(rest));
    assertEquals(await peer.events(), ["end"]);
    assertEquals(await closed, { code: 3000, reason: "good" });
    assertEquals(await ws.closed, {
      code: 3000,
      reason: "good",
      wasClean: true,
    });
    assertEquals(await messages(ws), []);
    peer.close();
    await arena.entered("closed");
  }
});

Deno.test("Websocket.close() comes behind what is being compressed", async () => {
  await using arena = new WebsocketArena(() => {}, { compress: true });
  const { peer, ws } = await arena.meet(COMPRESSED);
  using _ = peer;
  const long = "compress me ".repeat(2000);
  const sent = [ws.send(long), ws.send("short"), ws.send(long)];
  const closed = ws.close(4000);
  // Two of them look back to nothing, as was agreed on.
  assertEquals(await peer.take(4), [
    "packed text:" + long,
    "text:short",
    "packed text:" + long,
    "close:4000:",
  ]);
  assertEquals(await Promise.all(sent), [true, true, true]);
  assertEquals(await peer.leave(4000), ["end"]);
  assertEquals(await closed, { code: 4000, reason: "" });
});

Deno.test("Websocket.close() ends well where both close at once", async () => {
  await using arena = new WebsocketArena();
  const { peer, ws } = await arena.meet();
  using _ = peer;
  ws.close(4001, "ours");
  await peer.send(closing(4002, "theirs"));
  assertEquals(await peer.events(), ["close:4001:ours", "end"]);
  assertEquals(await ws.closed, {
    code: 4002,
    reason: "theirs",
    wasClean: true,
  });
});

Deno.test("Websocket.close() gives up a peer that does not answer", async () => {
  await using arena = new WebsocketArena(() => {}, { closeTimeout: 50 });
  for (const sent of ["", text("x"), closing(1000).subarray(0, 5)]) {
    const { peer, ws } = await arena.meet();
    using _ = peer;
    const closed = ws.close();
    assertEquals(await peer.event(), "close:1000:");
    await peer.send(sent);
    assertEquals(await closed, { code: 1006, reason: "" });
    assert(["end", "reset"].includes(await peer.event()));
  }
});

Deno.test("Websocket.close() gives up a peer that talks on", async () => {
  await using arena = new WebsocketArena(() => {}, { closeTimeout: 50 });
  const { peer, ws } = await arena.meet();
  using _ = peer;
  const closed = ws.close();
  const talk = text("x".repeat(60_000));
  try {
    for (;;) await peer.send(talk);
  } catch {
    // Cut off at last.
  }
  assertEquals(await closed, { code: 1006, reason: "" });
});

Deno.test("Websocket.close() ends where the peer only closes the connection", async () => {
  await using arena = new WebsocketArena();
  const { peer, ws } = await arena.meet();
  using _ = peer;
  const closed = ws.close(4000);
  assertEquals(await peer.event(), "close:4000:");
  await peer.conn.closeWrite();
  assertEquals(await peer.event(), "end");
  assertEquals(await closed, { code: 1006, reason: "" });
  await arena.until(() => arena.server.stats.openConnections === 0);
});

Deno.test("Websocket waits no longer than the lingering time for a peer to close", async () => {
  await using arena = new WebsocketArena();
  const { peer, ws } = await arena.meet();
  using _ = peer;
  await peer.send(closing(1000));
  assertEquals(await peer.events(), ["close:1000:", "end"]);
  assertEquals((await ws.closed).wasClean, true);
  assertEquals(arena.server.stats.openConnections, 1);
  // The peer stays where it is.
  await arena.entered("closed");
});

Deno.test("Websocket drops a peer that is silent in spite of a ping", async () => {
  await using arena = new WebsocketArena(() => {}, { idleTimeout: 80 });
  for (const sent of ["", text("a").subarray(0, 4)]) {
    const { peer, ws } = await arena.meet();
    using _ = peer;
    await peer.send(sent);
    assertEquals(await peer.event(), "ping:");
    assert(["end", "reset"].includes(await peer.event()));
    assertEquals((await ws.closed).code, 1006);
    assertEquals(await ws.recv(), null);
  }
});

Deno.test("Websocket keeps a peer that answers its pings", async () => {
  await using arena = new WebsocketArena(echo, { idleTimeout: 80 });
  const { peer, ws } = await arena.meet();
  using _ = peer;
  for (let i = 0; i < 6; i++) {
    assertEquals(await peer.event(), "ping:");
    await peer.send(frame(0x8a, i % 2 === 0 ? "" : "unasked"));
  }
  assertEquals(ws.readyState, ws.OPEN);
  await peer.send(text("still here"));
  assertEquals(await peer.event(), "text:still here");
});

Deno.test("Websocket with no idleTimeout outlives the limits of HTTP", async () => {
  const limits = {
    keepAliveTimeout: 100,
    requestTimeout: 100,
    bodyTimeout: 50,
    sendTimeout: 50,
  };
  const { promise, resolve } = Promise.withResolvers<Websocket>();
  await using arena = new Arena((client) => {
    const ws = client.acceptWebsocket({ idleTimeout: 0 })!;
    resolve(ws);
    return echo(ws);
  }, limits);
  using peer = await call(arena);
  await peer.open();
  const ws = await promise;
  await peer.send(text("half").subarray(0, 8));
  assertEquals(await Promise.race([ws.closed, later(300)]), null);
  await peer.send(text("half").subarray(8));
  assertEquals(await peer.event(), "text:half");
});

function later(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms));
}
