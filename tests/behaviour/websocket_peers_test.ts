import { assert, assertEquals } from "@std/assert";
import type { HttpServerOptions, WebsocketAcceptOptions } from "@uhttp/uhttp";
import Ws from "npm:ws@8";
import type { Websocket, WebsocketClose } from "../../websocket.ts";
import { Browser } from "../examples/browser.ts";
import { isSame } from "../support/bytes.ts";
import { Arena } from "../support/arena.ts";
import { makePair } from "../support/certificates.ts";
import { Random } from "../support/fuzz.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;

/** Echoes on all WebSockets; a peer may ask to be left with "close:CODE". */
class Echo extends Arena {
  readonly ends: WebsocketClose[] = [];
  readonly opened: Websocket[] = [];

  constructor(
    options: WebsocketAcceptOptions = {},
    server: HttpServerOptions = {},
  ) {
    super(async (client) => {
      if (!client.isWebsocketRequest) return client.respond("<title>a</title>");
      const ws = client.acceptWebsocket(options);
      if (ws === null) return null;
      this.opened.push(ws);
      for await (const message of ws) {
        const match = /^close:(\d+)$/.exec(String(message));
        if (match !== null) ws.close(Number(match[1]), "as you wish");
        else await ws.send(message);
      }
      return this.ends.push(await ws.closed);
    }, server);
  }

  get url(): string {
    return this.server.url.replace("http", "ws");
  }

  /** All applications have come to their end. */
  async end(): Promise<WebsocketClose> {
    await this.until(() => this.ends.length > 0);
    return this.ends.shift()!;
  }
}

/** Messages of all sorts; some are long, some are noise, some are empty. */
function sorts(seed: number, count: number): (string | Uint8Array)[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const length = random.below(random.pick([2, 200, 2000, 70_000]));
    switch (random.below(4)) {
      case 0:
        return `${i} ` + "compress me ".repeat(length / 12);
      case 1:
        return `${i} ` + "grün €, 😀 ".repeat(length / 12);
      case 2:
        return new Uint8Array(length).fill(i);
      default:
        return Uint8Array.from({ length }, () => random.below(256));
    }
  });
}

function isSameMessage(a: unknown, b: unknown): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return isSame(a as Uint8Array, b as Uint8Array);
}

function event<T>(target: unknown, name: string): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  (target as EventTarget).addEventListener(
    name,
    (event) => resolve(event as T),
    { once: true },
  );
  return promise;
}

// ---- Deno's own -------------------------------------------------------------

/** Sends messages, all at once, and takes as many. */
function exchange(
  ws: WebSocket,
  messages: (string | Uint8Array)[],
): Promise<(string | Uint8Array)[]> {
  const { promise, resolve } = Promise.withResolvers<(string | Uint8Array)[]>();
  const got: (string | Uint8Array)[] = [];
  ws.binaryType = "arraybuffer";
  ws.onmessage = ({ data }) => {
    got.push(typeof data === "string" ? data : new Uint8Array(data));
    if (got.length === messages.length) resolve(got);
  };
  for (const message of messages) ws.send(message as string);
  return promise;
}

Deno.test("Deno's WebSocket exchanges messages of all sorts", async () => {
  await using arena = new Echo({ protocol: ["b", "a"], compress: true });
  const ws = new WebSocket(arena.url, ["a", "b"]);
  await event(ws, "open");
  assertEquals(ws.protocol, "b");
  const messages = sorts(1, 200);
  for (const [i, got] of (await exchange(ws, messages)).entries()) {
    assert(isSameMessage(got, messages[i]), `message ${i}`);
  }
  const closed = event<CloseEvent>(ws, "close");
  ws.close(4321, "für immer");
  const { code, wasClean } = await closed;
  assertEquals([code, wasClean], [4321, true]);
  assertEquals(await arena.end(), {
    code: 4321,
    reason: "für immer",
    wasClean: true,
  });
});

Deno.test("Deno's WebSocket is told how the server ends", async () => {
  await using arena = new Echo();
  const first = new WebSocket(arena.url);
  await event(first, "open");
  first.send("close:4000");
  const end = await event<CloseEvent>(first, "close");
  assertEquals([end.code, end.reason, end.wasClean], [
    4000,
    "as you wish",
    true,
  ]);
  assertEquals((await arena.end()).code, 4000);

  const second = new WebSocket(arena.url);
  await event(second, "open");
  const closed = event<CloseEvent>(second, "close");
  await arena.server.shutdown();
  assertEquals((await closed).code, 1001);
  assertEquals((await arena.end()).code, 1001);
});

Deno.test("Deno's WebSocket fails where it is refused", async () => {
  await using arena = new Echo({ allowedOrigins: [] });
  const ws = new WebSocket(arena.url, {
    headers: { origin: "http://evil.example" },
  });
  const closed = event<CloseEvent>(ws, "close");
  await event(ws, "error");
  assertEquals((await closed).wasClean, false);
  assertEquals(arena.opened.length, 0);
});

Deno.test("Deno's WebSocket lives on with many others", async () => {
  await using arena = new Echo();
  await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const ws = new WebSocket(arena.url);
    await event(ws, "open");
    const messages = sorts(i, 20);
    for (const [n, got] of (await exchange(ws, messages)).entries()) {
      assert(isSameMessage(got, messages[n]), `message ${n}`);
    }
    const closed = event(ws, "close");
    ws.close(1000);
    await closed;
  }));
  await arena.until(() => arena.ends.length === 50);
  assert(arena.ends.every(({ code, wasClean }) => wasClean && code === 1000));
});

// ---- ws, the one of Node ----------------------------------------------------

interface Setting {
  name: string;
  theirs: boolean | Record<string, unknown>;
  ours: WebsocketAcceptOptions["compress"];
  extensions: string;
}

const NAME = "permessage-deflate";
const SETTINGS: Setting[] = [
  { name: "no compression", theirs: false, ours: true, extensions: "" },
  {
    name: "compression that we do not want",
    theirs: true,
    ours: false,
    extensions: "",
  },
  { name: "compression", theirs: true, ours: true, extensions: NAME },
  {
    name: "compression of every message",
    theirs: { threshold: 0 },
    ours: true,
    extensions: NAME,
  },
  {
    name: "no context, as they want",
    theirs: {
      threshold: 0,
      clientNoContextTakeover: true,
      serverNoContextTakeover: true,
    },
    ours: true,
    extensions:
      `${NAME}; server_no_context_takeover; client_no_context_takeover`,
  },
  {
    name: "no context, as we want",
    theirs: { threshold: 0 },
    ours: { clientNoContextTakeover: true, serverNoContextTakeover: true },
    extensions:
      `${NAME}; server_no_context_takeover; client_no_context_takeover`,
  },
  {
    name: "the smallest windows, as they want",
    theirs: { threshold: 0, clientMaxWindowBits: 9, serverMaxWindowBits: 9 },
    ours: true,
    extensions: `${NAME}; server_max_window_bits=9; client_max_window_bits=9`,
  },
  {
    name: "small windows, as we want",
    theirs: { threshold: 0 },
    ours: { clientMaxWindowBits: 10, serverMaxWindowBits: 11 },
    extensions: `${NAME}; server_max_window_bits=11; client_max_window_bits=10`,
  },
  {
    name: "a window of 256 bytes, which nobody has",
    theirs: { threshold: 0, serverMaxWindowBits: 8 },
    ours: true,
    extensions: "",
  },
];

// deno-lint-ignore no-explicit-any -- it has no types of its own
type Peer = any;

/** A peer that is connected, and the header that says what was agreed. */
async function dial(
  url: string,
  options: Record<string, unknown> = {},
): Promise<{ peer: Peer; extensions: string }> {
  const peer: Peer = new Ws(url, options);
  let extensions = "";
  peer.once("upgrade", (response: Peer) => {
    extensions = response.headers["sec-websocket-extensions"] ?? "";
  });
  await once(peer, "open");
  return { peer, extensions };
}

function once(peer: Peer, name: string): Promise<Peer[]> {
  return new Promise((resolve, reject) => {
    peer.once(name, (...values: Peer[]) => resolve(values));
    if (name !== "error") peer.once("error", reject);
  });
}

async function swap(
  peer: Peer,
  messages: (string | Uint8Array)[],
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  const wrong: number[] = [];
  peer.on("message", (data: Uint8Array, isBinary: boolean) => {
    const got = isBinary ? data : new TextDecoder().decode(data);
    if (!isSameMessage(got, messages[count])) wrong.push(count);
    if (++count === messages.length) resolve();
  });
  for (const message of messages) peer.send(message);
  await promise;
  peer.removeAllListeners("message");
  assertEquals(wrong, []);
}

for (const { name, theirs, ours, extensions } of SETTINGS) {
  for (const isSecure of [false, true]) {
    // TLS is slower, and makes no difference here but for one.
    if (isSecure && name !== "compression") continue;
    Deno.test({
      ...wanting(
        `ws exchanges messages of all sorts, with ${name}` +
          (isSecure ? ", on TLS" : ""),
        ...isSecure ? ["OpenSSL 3" as const] : [],
      ),
    }, async () => {
      await using arena = new Echo(
        { compress: ours },
        isSecure ? { ...pair } : {},
      );
      const dialled = await dial(
        arena.url.replace("127.0.0.1", isSecure ? "localhost" : "127.0.0.1"),
        { perMessageDeflate: theirs, ca: isSecure ? pair!.cert : undefined },
      );
      const { peer } = dialled;
      assertEquals(dialled.extensions, extensions);
      assertEquals(arena.opened[0].extensions, extensions === "" ? "" : NAME);
      await swap(peer, sorts(7, 150));
      // One after the other, too.
      for (const message of sorts(8, 10)) await swap(peer, [message]);
      peer.close(3999, "bye");
      const [code] = await once(peer, "close");
      assertEquals(code, 3999);
      assertEquals(await arena.end(), {
        code: 3999,
        reason: "bye",
        wasClean: true,
      });
    });
  }
}

Deno.test("ws sends fragments, pings and pongs as they come", async () => {
  for (const perMessageDeflate of [false, { threshold: 0 }]) {
    await using arena = new Echo({ compress: true });
    const { peer } = await dial(arena.url, { perMessageDeflate });
    const text = "fragment ".repeat(100);
    peer.send(text, { fin: false });
    peer.ping("one");
    peer.send(text, { fin: false });
    peer.pong("unasked");
    peer.send("", { fin: false });
    const ponged = once(peer, "pong");
    peer.send("end", { fin: true });
    const [data] = await once(peer, "message");
    assertEquals(new TextDecoder().decode(data), text + text + "end");
    assertEquals(new TextDecoder().decode((await ponged)[0]), "one");
    // And the other way about.
    assertEquals(await arena.opened[0].ping(), true);
    peer.close();
    assertEquals((await once(peer, "close"))[0], 1005);
    assertEquals((await arena.end()).code, 1005);
  }
});

Deno.test("ws is told what it has done wrong", async () => {
  await using arena = new Echo({ maxMessageLength: 1000, compress: true });
  const rows: [send: (peer: Peer) => void, code: number][] = [
    [(peer) => peer.send("x".repeat(1001)), 1009],
    [(peer) => peer.send("x".repeat(500_000)), 1009],
    [(peer) => peer.send(new Uint8Array([0xff]), { binary: false }), 1007],
    [(peer) => peer._socket.write(new Uint8Array([0x81, 1, 97])), 1002],
    [(peer) => peer._socket.write(new Uint8Array([0x83, 0x80])), 1002],
  ];
  for (const [send, expected] of rows) {
    const { peer } = await dial(arena.url);
    send(peer);
    const [code] = await once(peer, "close");
    assertEquals(code, expected);
    assertEquals((await arena.end()).code, expected);
  }
});

Deno.test("ws is told of the end of the server", async () => {
  for (const how of ["close", "shutdown"] as const) {
    await using arena = new Echo();
    const { peer } = await dial(arena.url);
    const closed = once(peer, "close");
    await arena.server[how]();
    assertEquals((await closed)[0], how === "close" ? 1006 : 1001);
    await arena.end();
  }
});

Deno.test("ws vanishes, and leaves nothing behind", async () => {
  await using arena = new Echo({ compress: true });
  for (let i = 0; i < 10; i++) {
    const { peer } = await dial(arena.url, { perMessageDeflate: true });
    for (const message of sorts(i, 20)) peer.send(message);
    if (i % 2 === 0) await once(peer, "message");
    const closed = once(peer, "close");
    peer.terminate();
    await closed;
    assertEquals(await arena.end(), {
      code: 1006,
      reason: "",
      wasClean: false,
    });
  }
});

Deno.test("ws fails where it is refused", async () => {
  await using arena = new Echo({ allowedOrigins: ["http://a.example"] });
  for (
    const [options, status] of [
      [{ origin: "http://evil.example" }, 403],
      [{ protocolVersion: 8 }, 426],
    ] as const
  ) {
    const peer: Peer = new Ws(arena.url, options);
    peer.on("error", () => {}); // it was ended before it was open
    const [request, response] = await new Promise<Peer[]>((resolve) =>
      peer.once("unexpected-response", (...all: Peer[]) => resolve(all))
    );
    assertEquals(response.statusCode, status);
    response.resume();
    request.destroy();
  }
  assertEquals(arena.opened.length, 0);
  const { peer } = await dial(arena.url, { origin: "http://a.example" });
  await swap(peer, ["hello"]);
  peer.close();
  await once(peer, "close");
});

// ---- websockets, the one of Python ------------------------------------------

const PYTHON = `
import asyncio, json, sys
import websockets

url, compression = sys.argv[1], sys.argv[2]

async def main():
    options = {"compression": "deflate" if compression == "deflate" else None,
        "max_size": None, "subprotocols": ["chat"]}
    out = {}
    async with websockets.connect(url, **options) as ws:
        out["extensions"] = [one.name for one in ws.extensions]
        out["subprotocol"] = ws.subprotocol
        messages = ["", "a", "gr\\u00fcn \\u20ac \\U0001f600" * 500, b"", b"\\x00\\xff" * 40000,
            "x" * 65535, "y" * 65536, bytes(range(256)) * 300] * 5
        for message in messages:
            await ws.send(message)
        echoes = [await ws.recv() for _ in messages]
        out["echoes"] = echoes == messages
        await ws.send(["frag", "men", "", "ted"])
        out["fragments"] = await ws.recv()
        pong = await ws.ping("data")
        await asyncio.wait_for(pong, 5)
        out["pong"] = True
        await ws.close(4000, "bye")
        out["close"] = [ws.close_code, ws.close_reason]
    async with websockets.connect(url, **options) as ws:
        await ws.send("close:4001")
        try:
            await ws.recv()
        except websockets.ConnectionClosed as error:
            out["closed"] = [ws.close_code, ws.close_reason]
    async with websockets.connect(url, **options) as ws:
        await ws.send("x" * 2000000)
        try:
            await ws.recv()
        except websockets.ConnectionClosed as error:
            out["too large"] = ws.close_code
    async with websockets.connect(url, **options) as ws:
        out["idle"] = True
        print("waiting", flush=True)
        try:
            await ws.recv()
        except websockets.ConnectionClosed as error:
            out["stopped"] = ws.close_code
    print(json.dumps(out))

asyncio.run(main())
`;
import { has, program, wanting } from "../support/wanting.ts";

for (const compression of ["none", "deflate"]) {
  Deno.test({
    ...wanting(
      `websockets of Python exchanges messages (compression: ${compression})`,
      "python3 with websockets",
    ),
  }, async () => {
    await using arena = new Echo({ compress: true, protocol: "chat" });
    const child = new Deno.Command(program("python3 with websockets"), {
      args: ["-c", PYTHON, arena.url, compression],
      stdout: "piped",
    }).spawn();
    let output = "";
    let ended: Promise<void> | null = null;
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      output += decoder.decode(bytes, { stream: true });
      // It waits for the end of the server, last of all.
      if (output.includes("waiting\n")) ended ??= arena.server.shutdown();
    }
    assert((await child.status).success, output);
    await ended;
    assertEquals(JSON.parse(output.replace("waiting\n", "")), {
      "extensions": compression === "none" ? [] : [NAME],
      "subprotocol": "chat",
      "echoes": true,
      "fragments": "fragmented",
      "pong": true,
      "close": [4000, ""], // we answer with the code alone
      "closed": [4001, "as you wish"],
      "too large": 1009,
      "idle": true,
      "stopped": 1001,
    });
    assertEquals(
      arena.ends.map(({ code, wasClean }) => [code, wasClean]),
      [[4000, true], [4001, true], [1009, false], [1001, true]],
    );
  });
}

// ---- A browser --------------------------------------------------------------

Deno.test({
  ...wanting("Chromium exchanges messages", "chromium"),
}, async () => {
  await using arena = new Echo({ compress: true, protocol: "chat" });
  await using browser = await Browser.start();
  const page = await browser.open(arena.server.url);
  const result = await page.evaluate(async (url) => {
    const open = async () => {
      const ws = new WebSocket(url, ["other", "chat"]);
      ws.binaryType = "arraybuffer";
      await new Promise((resolve) => ws.onopen = resolve);
      return ws;
    };
    const close = (ws: WebSocket) =>
      new Promise<CloseEvent>((resolve) => ws.onclose = resolve);
    const ws = await open();
    const got: unknown[] = [];
    const all = new Promise<void>((resolve) => {
      ws.onmessage = ({ data }) => {
        got.push(typeof data === "string" ? data : data.byteLength);
        if (got.length === 6) resolve();
      };
    });
    const long = "compress me, 😀 ".repeat(5000);
    for (
      const message of ["", "a", long, new Uint8Array(3), long, "end"]
    ) ws.send(message);
    await all;
    const closed = close(ws);
    ws.close(4000, "für immer");
    const { code, wasClean } = await closed;
    const second = await open();
    second.send("close:4001");
    const other = await close(second);
    const third = await open();
    third.send("x".repeat(1_100_000));
    const large = await close(third);
    return {
      extensions: ws.extensions,
      protocol: ws.protocol,
      got: got.map((one) => one === long ? "long" : one),
      end: [code, wasClean],
      other: [other.code, other.reason, other.wasClean],
      large: large.code,
    };
  }, arena.url);
  assertEquals(result, {
    extensions: NAME,
    protocol: "chat",
    got: ["", "a", "long", 3, "long", "end"],
    end: [4000, true],
    other: [4001, "as you wish", true],
    large: 1009,
  });
  assertEquals((await arena.end()).reason, "für immer");
  assertEquals(browser.problems, []);
});
