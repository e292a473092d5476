import { assert, assertEquals } from "@std/assert";
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { Arena } from "../support/arena.ts";
import { memoryPair } from "../support/memory_conn.ts";
import { RawClient } from "../support/raw_client.ts";
import { serve } from "../support/serving.ts";
import { FastTime } from "../support/timers.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** What is asked of a connection when it is accepted. */
const TUNED: {
  name: string;
  extras: (calls: string[]) => object;
  calls: string[];
}[] = [
  {
    name: "TCP",
    extras: (calls) => ({
      setNoDelay: (on: boolean) => calls.push(`no delay ${on}`),
      setKeepAlive: (on: boolean) => calls.push(`keep alive ${on}`),
    }),
    calls: ["no delay true", "keep alive true"],
  },
  {
    name: "TCP that is broken already",
    extras: () => ({
      setNoDelay() {
        throw new Deno.errors.BadResource("gone");
      },
    }),
    calls: [],
  },
  { name: "something else", extras: () => ({}), calls: [] },
];

for (const { name, extras, calls } of TUNED) {
  Deno.test(`HttpServer sets up a connection of ${name}`, async () => {
    const [near, far] = memoryPair();
    const seen: string[] = [];
    await using server = new HttpServer({
      listener: (async function* () {
        yield Object.assign(far, extras(seen));
        await Promise.resolve();
      })(),
    });
    const done = serve(server, (client) => client.respond("ok"));
    using peer = new RawClient(near);
    await peer.send(GET);
    assertEquals((await peer.response()).body, "ok");
    assertEquals(seen, calls);
    peer.close();
    await done;
  });
}

Deno.test("HttpServer's kept-alive connections are said to be closed before they are", async () => {
  const rows: [keepAliveTimeout: number, said: string | undefined][] = [
    [30_000, "timeout=29"],
    [5000, "timeout=4"],
    [2000, "timeout=1"],
    [1000, "timeout=1"], // and half a second more is waited
    [999, undefined],
    [Infinity, undefined],
  ];
  for (const [keepAliveTimeout, said] of rows) {
    await using arena = new Arena(
      (client) =>
        client.path === "/" ? client.respond("ok") : client.respond(
          "ok",
          { headers: { x: "y" } },
        ),
      { keepAliveTimeout },
    );
    const peer = await arena.connect();
    for (const path of ["/", "/fields"]) {
      await peer.send(GET.replace("/", path));
      const { headers } = await peer.response();
      assertEquals(headers["keep-alive"], said);
      assertEquals(
        headers.connection,
        said === undefined ? undefined : "keep-alive",
      );
      await peer.send(`GET ${path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
      const old = (await peer.response()).headers;
      assertEquals([old.connection, old["keep-alive"]], ["keep-alive", said]);
    }
    await peer.send(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    assertEquals((await peer.response()).headers["keep-alive"], undefined);
    peer.close();
  }
});

Deno.test("HttpServer keeps an application's own fields of the connection", async () => {
  await using arena = new Arena((client) =>
    client.respond("ok", {
      headers: { "connection": "keep-alive", "keep-alive": "timeout=7" },
    })
  );
  const peer = await arena.connect();
  await peer.send(GET);
  const { headers } = await peer.response();
  assertEquals(headers.connection, "keep-alive");
  assertEquals(headers["keep-alive"], "timeout=7");
  peer.close();
});

// ---- Slow readers -----------------------------------------------------------

/** Reads so many bytes a second; returns how many came in all. */
async function readSlowly(conn: Deno.Conn, rate: number): Promise<number> {
  const buffer = new Uint8Array(Math.ceil(rate / 50));
  const began = performance.now();
  let got = 0;
  try {
    for (let length; (length = await conn.read(buffer)) !== null;) {
      got += length;
      const ahead = began + got / rate * 1000 - performance.now();
      if (ahead > 5) await new Promise((resolve) => setTimeout(resolve, ahead));
    }
  } catch {
    // Cut off.
  }
  return got;
}

const SIZE = 6 * 1024 * 1024;
const file = await Deno.makeTempFile();
await Deno.truncate(file, SIZE);
addEventListener("unload", () => Deno.removeSync(file));

const ROADS: {
  name: string;
  answer: (client: HttpConnection) => Promise<boolean>;
}[] = [
  { name: "bytes", answer: (client) => client.respond(new Uint8Array(SIZE)) },
  { name: "a file", answer: (client) => client.respondFile(file) },
  {
    name: "a stream",
    answer: (client) =>
      client.respond(
        new Blob([new Uint8Array(SIZE)]).stream(),
        { headers: { "content-length": String(SIZE) } },
      ),
  },
];

for (const { name, answer } of ROADS) {
  Deno.test(`HttpServer sends all of ${name} to a peer that reads slowly`, async () => {
    using _ = new FastTime(3);
    // The system takes no more for about a second at a time, so the peer is
    // slower than sendTimeout alone allows.
    await using arena = new Arena(answer, {
      sendTimeout: 250,
      minSendRate: 700_000,
    });
    const peer = await arena.connect();
    await peer.send(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    const got = await readSlowly(peer.conn, 1_500_000);
    assert(got > SIZE, `only ${got} bytes`);
    assertEquals(arena.server.stats.timedOut, 0);
  });
}

Deno.test("HttpServer cuts off a peer that reads more slowly than it has to", async () => {
  using _ = new FastTime(3);
  await using arena = new Arena(ROADS[0].answer, {
    sendTimeout: 100,
    minSendRate: 10_000_000,
  });
  const peer = await arena.connect();
  await peer.send(GET);
  assert(await readSlowly(peer.conn, 1_000_000) < SIZE);
  assertEquals(arena.server.stats.timedOut, 1);
});

// ---- Peers that are gone ----------------------------------------------------

/** How a request is held when its peer goes. */
const HELD: {
  name: string;
  text: string;
  begin: (client: HttpConnection) => unknown;
}[] = [
  {
    name: "a held request behind much that was sent",
    text: GET + GET.repeat(1000),
    begin: () => {},
  },
  {
    name: "an upload that nobody reads",
    text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n" +
      "x".repeat(100_000),
    begin: () => {},
  },
  {
    name: "a stream that is silent",
    text: GET + GET.repeat(1000),
    begin: (client) => client.responseEvents({ keepAlive: 0 }),
  },
  {
    name: "a connection that was taken over and is not read",
    text: GET + "x".repeat(30_000),
    begin: (client) => client.hijack(),
  },
];

for (const { name, text, begin } of HELD) {
  Deno.test(`HttpServer notices that the connection broke of ${name}`, async () => {
    using _ = new FastTime(10);
    await using arena = new Arena((client, arena) => {
      if (client.path === "/ok") return client.respond("ok");
      begin(client);
      return arena.hold(client);
    }, { streaming: true });
    // Who closes with an answer unread resets the connection.
    const peer = await arena.connect();
    await peer.send(GET.replace("/", "/ok") + text);
    const client = await arena.next();
    const gone = new Promise<void>((resolve) =>
      client.signal.addEventListener("abort", () => resolve())
    );
    peer.close();
    await gone;
    await arena.until(() => arena.server.stats.openConnections === 0);
  });
}
