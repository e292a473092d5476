// Requests that are given up, at every moment of their life.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import {
  AbortedError,
  type ClientRequest,
  type HttpResponse,
  type RequestOptions,
  TimeoutError,
} from "../../client.ts";
import { pause } from "../../transport/clock.ts";
import {
  ClientScene,
  failure,
  failureOf,
  ok,
  type SceneOptions,
  turns,
} from "../support/client_scene.ts";
import type { RawPeer } from "../support/raw_server.ts";
import { eventually } from "../support/serving.ts";

const REASON = new Error("Enough");
const HALF = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";

/** How far a request gets before it is given up. */
interface Moment {
  script?: (peer: RawPeer, asked: () => void) => unknown;
  options?: SceneOptions;
  request?: RequestOptions;
  /** Waits for the moment; the request has been made. */
  reached?: (
    scene: ClientScene,
    asked: Promise<void>,
    request: ClientRequest,
  ) => Promise<unknown>;
  /** Requests that hold all connections. */
  ahead?: number;
}

/** Asks, and does nothing more. */
async function ask(peer: RawPeer, asked: () => void): Promise<void> {
  await peer.head();
  asked();
}

const MOMENTS: Record<string, Moment> = {
  "before anything has happened": {},
  "in the queue": {
    options: { maxConnections: 1 },
    ahead: 1,
    script: ask,
    reached: (_, asked) => asked,
  },
  "while it connects": {
    options: { tcp: false, connect: () => new Promise(() => {}) },
    reached: () => turns(),
  },
  "while it is sent": {
    options: { tcp: true },
    request: { data: new Uint8Array(30_000_000) },
    script: ask,
    reached: (_, asked) => asked,
  },
  "while a stream is sent": {
    options: { tcp: true },
    request: {
      data: new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(50_000)),
      }),
    },
    script: ask,
    reached: (_, asked) => asked,
  },
  "while the go-ahead is waited for": {
    request: { data: "some", expectContinue: true },
    script: ask,
    reached: (_, asked) => asked,
  },
  "while the answer is waited for": {
    script: ask,
    reached: (_, asked) => asked,
  },
  "within the head": {
    script: async (peer, asked) => {
      await peer.answer("HTTP/1.1 200 OK\r\nContent-");
      asked();
    },
    reached: async (_, asked) => {
      await asked;
      await turns();
    },
  },
  "behind an interim response": {
    script: async (peer, asked) => {
      await peer.answer("HTTP/1.1 103 Early\r\n\r\n");
      asked();
    },
    reached: async (_, asked) => {
      await asked;
      await turns();
    },
  },
  "within a body that is kept": {
    script: (peer) => peer.answer(HALF),
    reached: (scene) => scene.entered("receiving"),
  },
  "between redirects": {
    options: { maxRedirects: 5 },
    script: async (peer, asked) => {
      await peer.answer(
        "HTTP/1.1 302 There\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n",
      );
      await peer.request();
      asked();
    },
    reached: (_, asked) => asked,
  },
  "within the body of a redirect": {
    options: { maxRedirects: 5 },
    script: (peer) =>
      peer.answer(
        "HTTP/1.1 302 There\r\nLocation: /2\r\nContent-Length: 10\r\n\r\nhello",
      ),
    reached: (scene) => scene.entered("receiving"),
  },
};

/** Who gives it up. */
const HANDS: Record<
  string,
  (request: ClientRequest, scene: ClientScene, own: AbortController) => unknown
> = {
  "abort()": (request) => request.abort(REASON),
  "a signal": (_, __, own) => own.abort(REASON),
  "close() of the client": (_, scene) => scene.client.close(),
};

for (const [moment, one] of Object.entries(MOMENTS)) {
  for (const [hand, end] of Object.entries(HANDS)) {
    for (const stream of [false, true]) {
      if (stream && moment === "within a body that is kept") continue;
      const mode = stream ? "streamed" : "buffered";
      Deno.test(`ClientRequest is ended by ${hand} ${moment} (${mode})`, async () => {
        const { promise: asked, resolve } = Promise.withResolvers<void>();
        const { script = () => {}, ahead = 0 } = one;
        await using scene = new ClientScene(
          (peer) => script(peer, resolve),
          one.options,
        );
        for (let i = 0; i < ahead; i++) scene.get("/ahead");
        const own = new AbortController();
        const data = one.request?.data;
        const request = scene.request(data ? "POST" : "GET", "/", {
          ...one.request,
          data: data instanceof ReadableStream
            ? new ReadableStream({
              pull: (controller) => controller.enqueue(new Uint8Array(50_000)),
            })
            : data,
          stream,
          signal: own.signal,
        });
        await one.reached?.(scene, asked, request);
        assert(!request.isFinished);
        end(request, scene, own);
        const error = await failureOf(AbortedError, request);
        assertEquals(error.status, undefined);
        if (hand !== "close() of the client") {
          assertStrictEquals(error.cause, REASON);
        }
        // Once more does no harm.
        end(request, scene, own);
        request.abort();
        assertStrictEquals(await failure(request), error);
        if (ahead === 0) await scene.empty();
        else {assertEquals(
            scene.requests[0].isFinished,
            scene.client.state === "closed",
          );}
      });
    }
  }
}

Deno.test("ClientRequest is aborted at once by a signal that is so already", async () => {
  await using scene = new ClientScene(() => {});
  const request = scene.get("/", { signal: AbortSignal.abort(REASON) });
  assertStrictEquals((await failureOf(AbortedError, request)).cause, REASON);
  assertEquals(scene.server.peers.length, 0);
});

Deno.test("HttpClient makes no connection once it is closed, or its signal aborted", async () => {
  await using scene = new ClientScene(() => {});
  await scene.client.close();
  await failureOf(AbortedError, scene.get());
  await using other = new ClientScene(() => {}, {
    signal: AbortSignal.abort(),
  });
  await failureOf(AbortedError, other.get());
  assertEquals(scene.server.peers.length + other.server.peers.length, 0);
});

Deno.test("HttpClient is closed by its signal, and its requests with it", async () => {
  const controller = new AbortController();
  await using scene = new ClientScene((peer) => peer.request(), {
    signal: controller.signal,
  });
  const request = scene.get();
  await scene.entered("waiting");
  controller.abort();
  await failureOf(AbortedError, request);
  assertEquals(scene.client.state, "closed");
});

Deno.test("ClientRequest.abort() changes nothing after the end", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) await peer.answer(ok("all"));
  });
  for (const stream of [false, true]) {
    const controller = new AbortController();
    const { signal } = controller;
    const request = scene.get("/", { stream, signal });
    const response = await request;
    const text = await response.text();
    request.abort();
    controller.abort();
    response.close();
    assertEquals(text, "all");
    assertStrictEquals(await request, response);
    assertEquals(scene.client.stats.connections, 1);
  }
});

Deno.test("ClientRequest.abort() within the turn in which it is answered is safe", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) await peer.answer(ok("all"));
  });
  for (let i = 0; i < 20; i++) {
    const request = scene.get();
    for (let j = 0; j < i; j++) await Promise.resolve();
    request.abort();
    try {
      assertEquals(await (await request).text(), "all");
    } catch (error) {
      assert(error instanceof AbortedError, `${error}`);
    }
  }
});

// ---- A response that is read as it arrives ----------------------------------

const GZIP = gzipSync(new Uint8Array(300_000).map((_, i) => i * i >> 3));

/** Each sends a part of a body, of which more could come. */
const HEADS: Record<string, [lines: string, body: string | Uint8Array]> = {
  "plain": ["Content-Type: text/plain", "one\ntwo\nthr"],
  "JSON a line": ["Content-Type: application/x-ndjson", "1\n2\n3"],
  "events": ["Content-Type: text/event-stream", "data: 1\n\ndata: 2\n\nda"],
  "parts": [
    "Content-Type: multipart/mixed; boundary=b",
    "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b",
  ],
  "compressed": ["Content-Encoding: gzip", GZIP.subarray(0, -1000)],
};

async function sendPart(peer: RawPeer, kind: string): Promise<void> {
  await peer.request();
  const [lines, body] = HEADS[kind];
  await peer.say(
    `HTTP/1.1 200 OK\r\n${lines}\r\nContent-Length: 900000\r\n\r\n`,
  );
  await peer.send(body);
}

const READS: Record<
  string,
  [string, (response: HttpResponse) => Promise<unknown>]
> = {
  "read()": ["plain", async (response) => {
    while (await response.read() !== null);
  }],
  "readAll()": ["plain", (response) => response.readAll()],
  "text()": ["plain", (response) => response.text()],
  "json()": ["plain", (response) => response.json()],
  "body": ["plain", async (response) => {
    for await (const _ of response.body);
  }],
  "lines()": ["plain", async (response) => {
    for await (const _ of response.lines());
  }],
  "ndjson()": ["JSON a line", async (response) => {
    for await (const _ of response.ndjson());
  }],
  "events()": ["events", async (response) => {
    for await (const _ of response.events());
  }],
  "parts()": ["parts", async (response) => {
    for await (const _ of response.parts());
  }],
  "readAll() of what is compressed": [
    "compressed",
    (response) => response.readAll(),
  ],
};

for (const [name, [kind, read]] of Object.entries(READS)) {
  for (const hand of ["close()", ...Object.keys(HANDS)]) {
    for (const when of ["before it", "at once", "while it waits"]) {
      Deno.test(`HttpResponse.${name} is ended by ${hand} ${when}`, async () => {
        await using scene = new ClientScene((peer) => sendPart(peer, kind));
        const own = new AbortController();
        const { signal } = own;
        const request = scene.get("/", { stream: true, signal });
        const response = await request;
        const end = () => {
          if (hand === "close()") response.close();
          else HANDS[hand](request, scene, own);
        };
        if (when === "before it") end();
        const reading = failureOf(AbortedError, read(response));
        if (when === "while it waits") {
          await eventually(() => response.bytesReceived > 0);
          await turns(3);
        }
        if (when !== "before it") end();
        await reading;
        await scene.empty();
        response.close();
        await failureOf(AbortedError, response.read());
      });
    }
  }
}

const LOOPS: Record<
  string,
  [string, (response: HttpResponse) => AsyncIterable<unknown>]
> = {
  "body": ["plain", (response) => response.body],
  "lines()": ["plain", (response) => response.lines()],
  "ndjson()": ["JSON a line", (response) => response.ndjson()],
  "events()": ["events", (response) => response.events()],
  "parts()": ["parts", (response) => response.parts()],
  "body of what is compressed": ["compressed", (response) => response.body],
};

for (const [name, [kind, loop]] of Object.entries(LOOPS)) {
  for (const how of ["break", "throw"]) {
    Deno.test(`HttpResponse.${name} lets go of the connection after a ${how}`, async () => {
      await using scene = new ClientScene((peer) => sendPart(peer, kind));
      const response = await scene.stream();
      try {
        for await (const _ of loop(response)) {
          if (how === "throw") throw REASON;
          break;
        }
      } catch (error) {
        assertStrictEquals(error, REASON);
      }
      await scene.empty();
    });
  }
}

Deno.test("HttpResponse.close() keeps the connection where all has come", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) await peer.answer(ok(""));
  });
  for (let i = 0; i < 3; i++) {
    using response = await scene.stream();
    assertEquals(response.status, 200);
  }
  assertEquals(scene.server.peers.length, 1);
});

Deno.test("HttpResponse.saveTo() leaves no file when it is ended", async () => {
  await using scene = new ClientScene((peer) => sendPart(peer, "plain"));
  const folder = await Deno.makeTempDir();
  const response = await scene.stream();
  const saving = failureOf(AbortedError, response.saveTo(`${folder}/x`));
  await eventually(() => response.bytesReceived > 0);
  response.close();
  await saving;
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("HttpClient.close() while a body is decoded leaves nothing behind", async () => {
  const packed = gzipSync(
    crypto.getRandomValues(new Uint8Array(60_000)),
  );
  const much = new Uint8Array(packed.length * 3);
  for (let i = 0; i < 3; i++) much.set(packed, i * packed.length);
  await using scene = new ClientScene(async (peer) => {
    await peer.request();
    await peer.say(
      `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${much.length}\r\n\r\n`,
    );
    await peer.send(much);
  });
  const request = scene.get();
  await scene.entered("idle");
  await scene.client.close();
  try {
    assertEquals((await request).data.length, 180_000);
  } catch (error) {
    assert(error instanceof AbortedError, `${error}`);
  }
});

Deno.test("HttpClient leaves no listener on a signal, however a request ends", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  const endings: [
    text: string,
    options: RequestOptions,
    end: (request: ClientRequest) => unknown,
  ][] = [
    [ok("all"), {}, (request) => request],
    [ok("all"), { stream: true }, async (request) => {
      await (await request).text();
    }],
    [HALF, { stream: true }, async (request) => (await request).close()],
    [HALF, { timeout: 30 }, (request) => failure(request)],
    ["garbage", {}, (request) => failure(request)],
    [ok("all"), { maxResponseLength: 1 }, (request) => failure(request)],
    [HALF, {}, (request) => {
      request.abort();
      return failure(request);
    }],
  ];
  await using scene = new ClientScene(async (peer) => {
    for (;;) {
      const { target } = await peer.request();
      await peer.say(endings[Number(target.slice(1))][0]);
    }
  }, { maxConnections: 1 });
  for (const [i, [, options, end]] of endings.entries()) {
    await end(scene.get(`/${i}`, { ...options, signal }));
    await turns(1);
    assertEquals(listeners, 0, `ending ${i}`);
  }
});

// ---- Many -------------------------------------------------------------------

for (const tcp of [false, true]) {
  for (const pipelining of [1, 4]) {
    const where = `${tcp ? "sockets" : "memory"}, pipelining ${pipelining}`;
    Deno.test(`HttpClient answers the rest of 200 requests of which half are given up (${where})`, async () => {
      let seed = 7 + pipelining;
      const random = () => (seed = seed * 48271 % 0x7fffffff) / 0x7fffffff;
      await using scene = new ClientScene(async (peer) => {
        for (;;) {
          const { target } = await peer.request();
          if (random() < 0.05 && !tcp) await pause(1);
          if (target.startsWith("/late")) {
            await peer.say(ok("x".repeat(10)).slice(0, -5));
            return;
          }
          const text = ok(target + "x".repeat(Math.floor(random() * 5000)));
          const at = Math.floor(random() * text.length);
          await peer.say(text.slice(0, at));
          if (random() < 0.3) await turns(1);
          await peer.say(text.slice(at));
        }
      }, { tcp, maxConnections: 4, pipelining, timeout: 3000 });
      let wrong = 0;
      let answered = 0;
      const work = Array.from({ length: 200 }, async (_, i) => {
        const fate = random();
        const isLate = fate < 0.1;
        const path = `${isLate ? "/late" : "/"}${i}-`;
        const stream = random() < 0.3;
        const request = scene.get(path, {
          stream,
          timeout: isLate ? 30 : 3000,
        });
        let aborting: Promise<void> | null = null;
        if (fate < 0.5) {
          const hops = Math.floor(random() * 60);
          aborting = (async () => {
            for (let j = 0; j < hops; j++) {
              await (random() < 0.3 ? turns(1) : Promise.resolve());
            }
            request.abort();
          })();
        }
        try {
          const text = await (await request).text();
          answered++;
          if (!text.startsWith(path)) wrong++;
        } catch (error) {
          assert(
            fate < 0.5 &&
              (error instanceof AbortedError || error instanceof TimeoutError),
            `${fate} ${error}`,
          );
        } finally {
          await aborting;
        }
      });
      await Promise.all(work);
      assertEquals(wrong, 0);
      assert(answered >= 60, `${answered}`);
    });
  }
}
