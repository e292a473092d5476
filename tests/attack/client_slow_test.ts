// Servers that are slow, in every way, and readers that are.
import { assert, assertEquals } from "@std/assert";
import { type HttpResponse, TimeoutError } from "../../client.ts";
import { pause } from "../../transport/clock.ts";
import { ClientScene, failureOf, ok } from "../support/client_scene.ts";
import { memoryPair } from "../support/memory_conn.ts";
import type { RawPeer } from "../support/raw_server.ts";
import { Timers } from "../support/timers.ts";

/** Sends a text a byte at a time, so many ms apart. */
async function trickle(peer: RawPeer, text: string, ms = 8): Promise<void> {
  for (const char of text) {
    await peer.say(char);
    await pause(ms);
  }
}

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// ---- Heads ------------------------------------------------------------------

for (const tcp of [false, true]) {
  const where = tcp ? "sockets" : "memory";
  for (
    const [name, text] of Object.entries({
      "status line": `HTTP/1.1 200 ${"x".repeat(10_000)}`,
      "head": `HTTP/1.1 200 OK\r\nX: ${"x".repeat(10_000)}`,
      "row of interim responses": "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000),
    })
  ) {
    for (const stream of [false, true]) {
      const mode = `${stream ? "streamed" : "buffered"}, ${where}`;
      Deno.test(`HttpClient times out on a ${name} that trickles (${mode})`, async () => {
        await using scene = new ClientScene(async (peer) => {
          await peer.request();
          await trickle(peer, text, 5);
        }, { tcp, timeout: 100 });
        using timers = new Timers();
        const request = scene.get("/", { stream });
        const error = await failureOf(TimeoutError, request);
        assertEquals([error.phase, error.status], ["headers", 504]);
        const { counted, elapsed } = timers;
        assert(elapsed >= 80 && counted < 1000, `${elapsed}, ${counted}`);
        await scene.empty();
      });
    }
  }
}

Deno.test("HttpClient times out by a request's own timeout", async () => {
  await using scene = new ClientScene((peer) => peer.request());
  using timers = new Timers();
  await failureOf(TimeoutError, scene.get("/", { timeout: 50 }));
  assert(timers.counted < 1000, `${timers.counted}`);
});

// ---- Bodies -----------------------------------------------------------------

for (
  const [framing, text] of Object.entries({
    "with a length": ok("x".repeat(25)),
    "in chunks": `${CHUNKED}19\r\n${"x".repeat(25)}\r\n0\r\n\r\n`,
    "up to the end": `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(25)}`,
  })
) {
  for (const stream of [false, true]) {
    const mode = stream ? "streamed" : "buffered";
    Deno.test(`HttpClient takes a body ${framing} that trickles in time (${mode})`, async () => {
      const start = text.indexOf("\r\n\r\n") + 4;
      await using scene = new ClientScene(async (peer) => {
        await peer.request();
        await peer.say(text.slice(0, start));
        await trickle(peer, text.slice(start));
        peer.close();
      }, { timeout: 100 });
      const response = await scene.get("/", { stream });
      assertEquals(await response.text(), "x".repeat(25));
    });

    Deno.test(`HttpClient times out on a body ${framing} that stands still (${mode})`, async () => {
      const start = text.indexOf("\r\n\r\n") + 4;
      await using scene = new ClientScene(async (peer) => {
        await peer.request();
        await peer.say(text.slice(0, start));
        await trickle(peer, text.slice(start, start + 12));
      }, { timeout: 80 });
      const error = await failureOf(
        TimeoutError,
        scene.get("/", { stream }).then((response) => response.readAll()),
      );
      assertEquals(error.phase, "body");
      await scene.empty();
    });
  }
}

Deno.test("HttpResponse times out only while a read waits", async () => {
  const more = Promise.withResolvers<void>();
  await using scene = new ClientScene(async (peer) => {
    await peer.request();
    await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    await more.promise;
    await peer.say("wor");
  }, { timeout: 60 });
  const response = await scene.stream();
  await pause(200); // more than three times the timeout
  assertEquals((await response.read())?.length, 5);
  await pause(200);
  const read = response.read();
  more.resolve();
  assertEquals((await read)?.length, 3);
  const error = await failureOf(TimeoutError, response.read());
  assertEquals(error.phase, "body");
  assertEquals(response.bytesReceived, 8);
  await scene.empty();
});

Deno.test("HttpResponse ends well when it was complete before it was read", async () => {
  const done = Promise.withResolvers<void>();
  await using scene = new ClientScene(async (peer) => {
    await peer.answer(ok("x".repeat(200_000)));
    peer.close();
    done.resolve();
  }, { timeout: 60 });
  const response = await scene.stream();
  await done.promise;
  await pause(150);
  assertEquals((await response.readAll()).length, 200_000);
});

/** Sends much, and tells how much of it was taken. */
async function pour(peer: RawPeer, sent: { bytes: number }): Promise<void> {
  await peer.request();
  await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n");
  const piece = new Uint8Array(100_000);
  for (let left = 50_000_000; left > 0; left -= piece.length) {
    await peer.send(piece);
    sent.bytes += piece.length;
  }
}

for (const way of ["untouched", "read once", "body", "compressed"]) {
  Deno.test(`HttpResponse takes no more than it must while paused (${way})`, async () => {
    const sent = { bytes: 0 };
    await using scene = new ClientScene(
      (peer) => pour(peer, sent),
      { tcp: true, timeout: 400, decompress: way === "compressed" },
    );
    const response = await scene.stream();
    let reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
    if (way === "read once") await response.read();
    if (way === "body") {
      reader = response.body.getReader();
      await reader.read();
    }
    // The server fills the kernel's buffers, and then cannot go on.
    let before = -1;
    while (sent.bytes !== before) {
      before = sent.bytes;
      await pause(60);
    }
    await pause(500); // to wait for the caller is not to time out
    assert(sent.bytes > 0 && sent.bytes < 50_000_000, `${sent.bytes}`);
    const { bytesIn } = scene.client.stats;
    assert(bytesIn < 300_000, `${bytesIn}`);
    assert(response.bytesReceived <= bytesIn);
    if (way === "untouched") {
      assertEquals((await response.readAll()).length, 50_000_000);
    } else if (reader !== null) await reader.cancel();
    else response.close();
    await scene.until(() => way === "untouched" || scene.server.open === 0);
  });
}

// ---- Requests ---------------------------------------------------------------

const BODIES: Record<string, () => object> = {
  "bytes": () => new Uint8Array(30_000_000),
  "a Blob": () => new Blob([new Uint8Array(30_000_000)]),
  "a stream": () => ReadableStream.from(pieces()),
  "a generator": () =>
    async function* () {
      for (const piece of pieces()) yield await Promise.resolve(piece);
    }(),
};

/** 30 MB, a piece at a time. */
function* pieces(): Generator<Uint8Array> {
  for (let i = 0; i < 300; i++) yield new Uint8Array(100_000);
}

for (const [name, make] of Object.entries(BODIES)) {
  Deno.test(`HttpClient times out when nobody takes ${name}`, async () => {
    const over = Promise.withResolvers<void>();
    await using scene = new ClientScene(async () => {
      await over.promise;
    }, { tcp: true, timeout: 100 });
    const error = await failureOf(
      TimeoutError,
      scene.request("POST", "/", { data: make() }),
    );
    assertEquals(error.phase, "send");
    over.resolve();
    await scene.empty();
  });

  Deno.test(`HttpClient goes on as long as ${name} is taken, if slowly`, async () => {
    await using scene = new ClientScene(async (peer) => {
      const buffer = new Uint8Array(65536);
      // Far longer than the timeout in all, but never so long at once.
      for (let i = 0; i < 40; i++) {
        for (let j = 0; j < 8; j++) await peer.conn.read(buffer);
        await pause(15);
      }
      await peer.say(ok("enough"));
    }, { tcp: true, timeout: 500 });
    const response = await scene.request("POST", "/", { data: make() });
    assertEquals(await response.text(), "enough");
    // The server has read on, as it was not yet at the end.
    assert(scene.client.stats.bytesOut >= 30_000_000);
  });
}

// ---- Connections ------------------------------------------------------------

Deno.test("HttpClient times out in the queue, and those before go on", async () => {
  const go = Promise.withResolvers<void>();
  await using scene = new ClientScene(async (peer) => {
    await peer.request();
    await go.promise;
    await peer.say(ok("late"));
    await peer.answer(ok("next"));
  }, { maxConnections: 1 });
  const first = scene.get("/1");
  const second = scene.get("/2", { timeout: 60 });
  const third = scene.get("/3");
  assertEquals((await failureOf(TimeoutError, second)).phase, "queue");
  assert(!first.isFinished && !third.isFinished);
  go.resolve();
  assertEquals(await (await first).text(), "late");
  assertEquals(await (await third).text(), "next");
  assertEquals(scene.server.peers.length, 1);
});

Deno.test("HttpClient times out when connecting takes for ever, and closes what comes late", async () => {
  const late = Promise.withResolvers<Deno.Conn>();
  await using scene = new ClientScene(() => {}, {
    connect: () => late.promise,
    timeout: 60,
  });
  const requests = [scene.get("/1"), scene.get("/2")];
  for (const request of requests) {
    assertEquals((await failureOf(TimeoutError, request)).phase, "connect");
  }
  const [near, far] = memoryPair();
  late.resolve(near);
  assertEquals(await far.read(new Uint8Array(1)), null);
  far.close();
});

Deno.test("HttpClient lets a request time out behind a paused response", async () => {
  // With pipelining it is on its way, and its turn never comes.
  let response: HttpResponse | null = null;
  await using scene = new ClientScene(async (peer) => {
    await peer.answer(ok("warm"));
    await peer.request();
    await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  }, { maxConnections: 1, pipelining: 4, timeout: 60 });
  await scene.get("/warm");
  response = await scene.stream("/1");
  const second = scene.get("/2");
  await failureOf(TimeoutError, second);
  response.close();
  await scene.empty();
});

Deno.test("HttpClient closes a connection that is unused for too long", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.answer(ok());
  }, { keepAliveTimeout: 50 });
  await scene.get();
  await scene.empty();
});

Deno.test("HttpClient closes a connection sooner than the server says it will", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.answer(ok("", "Keep-Alive: timeout=1\r\n"));
  });
  using timers = new Timers();
  await scene.get();
  await scene.empty();
  assert(timers.counted < 950, `${timers.counted}`);
});
