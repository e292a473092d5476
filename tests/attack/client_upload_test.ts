// Requests with bodies that go wrong half way, on either side.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AbortedError,
  ConnectionLostError,
  type RequestOptions,
  TimeoutError,
} from "../../client.ts";
import { ClientScene, failureOf, ok } from "../support/client_scene.ts";
import type { RawPeer } from "../support/raw_server.ts";
import { Timers } from "../support/timers.ts";

const PIECE = new Uint8Array(50_000);

/** A body that never ends, and knows whether it was told to. */
class Endless {
  isCancelled = false;
  readonly cancelled: Promise<void>;
  readonly #resolve: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.cancelled = promise;
    this.#resolve = resolve;
  }

  readonly onCancel = (): void => {
    this.isCancelled = true;
    this.#resolve();
  };

  get stream(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      pull: (controller) => controller.enqueue(PIECE),
      cancel: this.onCancel,
    });
  }

  async *generator(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        await Promise.resolve();
        yield PIECE;
      }
    } finally {
      this.onCancel();
    }
  }

  /** Its first piece comes, and then no other. */
  get stuck(): ReadableStream<Uint8Array> {
    let isFirst = true;
    return new ReadableStream({
      pull: (controller) => {
        if (!isFirst) return new Promise(() => {});
        isFirst = false;
        controller.enqueue(PIECE);
        return Promise.resolve();
      },
      cancel: this.onCancel,
    });
  }
}

const BODIES: Record<string, (endless: Endless) => RequestOptions> = {
  "a stream": (endless) => ({ data: endless.stream }),
  "a generator": (endless) => ({ data: endless.generator() }),
  "a stream with a length": (endless) => ({
    data: endless.stream,
    headers: { "content-length": "50000000000" },
  }),
  "a stuck stream": (endless) => ({ data: endless.stuck }),
  "bytes": (endless) => {
    endless.onCancel(); // there is nothing to tell
    return { data: new Uint8Array(30_000_000) };
  },
};

// ---- Early answers ----------------------------------------------------------

/** Answers early, and goes on in some way. */
const MANNERS: Record<string, (peer: RawPeer) => Promise<void>> = {
  "reads on": (peer) => peer.gone(),
  "reads no more": async () => {},
  "ends its side": (peer) => peer.end("half-close"),
  "ends its side and reads on": async (peer) => {
    await peer.end("half-close");
    await peer.gone();
  },
  "closes": (peer) => Promise.resolve(peer.close()),
};

for (const [name, make] of Object.entries(BODIES)) {
  for (const [manner, then] of Object.entries(MANNERS)) {
    for (const isStreamed of [false, true]) {
      const mode = isStreamed ? "streamed" : "buffered";
      Deno.test(`HttpClient takes an early answer to ${name} from one that ${manner} (${mode})`, async () => {
        await using scene = new ClientScene(async (peer) => {
          const { target } = await peer.head();
          if (target === "/2") return await peer.say(ok("own"));
          await peer.say(
            "HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\n\r\nbig",
          );
          await then(peer);
        }, { tcp: true, timeout: 2000 });
        const endless = new Endless();
        const response = await scene.request("POST", "/1", {
          ...make(endless),
          stream: isStreamed,
        });
        assertEquals(response.status, 413);
        assertEquals(await response.text(), "big");
        await endless.cancelled;
        for (const peer of scene.server.peers) peer.close();
        await scene.empty();
        assertEquals(await (await scene.get("/2")).text(), "own");
      });
    }
  }
}

Deno.test("HttpClient takes an early answer from one that closes at once, each time", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.head();
    await peer.say("HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\n\r\nbig");
    peer.close(); // with much unread: a reset
  }, { tcp: true });
  for (let i = 0; i < 100; i++) {
    const data = i % 2 === 0 ? new Uint8Array(500_000) : new Endless().stream;
    const response = await scene.request("POST", "/", { data });
    assertEquals(response.status, 413);
    assertEquals(await response.text(), "big");
  }
});

Deno.test("HttpClient loses an upload that is cut off, and sends it no second time", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.answer(ok());
    await peer.head();
    peer.close();
  }, { tcp: true });
  for (const make of Object.values(BODIES)) {
    await scene.get();
    const endless = new Endless();
    await failureOf(
      ConnectionLostError,
      scene.request("POST", "/", make(endless)),
    );
    await endless.cancelled;
    await scene.empty();
  }
  assertEquals(scene.server.peers.length, Object.keys(BODIES).length);
});

// ---- Sources ----------------------------------------------------------------

Deno.test("HttpClient gives an upload up whose source fails", async () => {
  const fault = new Error("No more");
  const sources: Record<string, () => object> = {
    "at once": () =>
      new ReadableStream({ start: (controller) => controller.error(fault) }),
    "in the midst": () => {
      let left = 3;
      return new ReadableStream({
        pull(controller) {
          if (left-- > 0) controller.enqueue(PIECE);
          else controller.error(fault);
        },
      });
    },
    "a generator at once": () =>
      // deno-lint-ignore require-yield -- it fails before that
      (async function* () {
        await Promise.resolve();
        throw fault;
      })(),
    "a generator in the midst": () =>
      (async function* () {
        yield PIECE;
        await Promise.resolve();
        throw fault;
      })(),
    "an iterator": () =>
      (function* () {
        yield PIECE;
        throw fault;
      })(),
  };
  for (const length of [null, "1000000"]) {
    const headers = { "content-length": length };
    await using scene = new ClientScene((peer) => peer.gone(), { tcp: true });
    for (const make of Object.values(sources)) {
      const request = scene.request("POST", "/", { data: make(), headers });
      const error = await assertRejects(() => request);
      assert(error === fault || (error as Error).cause === fault, `${error}`);
      await scene.empty();
    }
  }
});

Deno.test("HttpClient refuses pieces that are neither text nor bytes", async () => {
  await using scene = new ClientScene((peer) => peer.gone());
  for (const piece of [1, {}, [], true]) {
    // deno-lint-ignore no-explicit-any -- what no type would let through
    const data = [piece].values() as any;
    await assertRejects(() => scene.request("POST", "/", { data }), TypeError);
    await scene.empty();
  }
});

for (
  const [what, sent, length] of [
    ["longer", 3, 100_000],
    ["shorter", 1, 100_000],
    ["longer than nothing", 1, 0],
  ] as const
) {
  Deno.test(`HttpClient gives an upload up that is ${what} than its content-length`, async () => {
    await using scene = new ClientScene((peer) => peer.gone(), { tcp: true });
    const data = Array.from({ length: sent }, () => PIECE).values();
    await assertRejects(
      () =>
        scene.request("POST", "/", {
          data,
          headers: { "content-length": `${length}` },
        }),
      RangeError,
      "content-length",
    );
    await scene.empty();
  });
}

Deno.test("HttpClient refuses a stream that is being read, or was", async () => {
  await using scene = new ClientScene((peer) => peer.gone());
  const locked = new ReadableStream<Uint8Array>();
  const reader = locked.getReader();
  let error: unknown = null;
  try {
    await scene.request("POST", "/", { data: locked });
  } catch (caught) {
    error = caught;
  }
  assert(error instanceof TypeError, `${error}`);
  reader.releaseLock();
  await locked.cancel();
});

Deno.test("HttpClient lets an upload be aborted whose source is stuck", async () => {
  for (const tcp of [false, true]) {
    await using scene = new ClientScene((peer) => peer.gone(), { tcp });
    const endless = new Endless();
    const request = scene.request("POST", "/", { data: endless.stuck });
    await scene.entered("waiting");
    request.abort();
    await failureOf(AbortedError, request);
    await endless.cancelled;
    await scene.empty();
  }
});

Deno.test("HttpClient notices that the server goes while the source is stuck", async () => {
  for (const tcp of [false, true]) {
    await using scene = new ClientScene(async (peer) => {
      await peer.head();
      peer.close();
    }, { tcp });
    const endless = new Endless();
    const data = endless.stuck;
    await failureOf(ConnectionLostError, scene.request("POST", "/", { data }));
    await endless.cancelled;
  }
});

Deno.test("HttpClient cancels a source that was never begun", async () => {
  for (const start of ["aborted", "closed", "refused"]) {
    await using scene = new ClientScene(() => {}, {
      connect: () =>
        start === "refused"
          ? Promise.reject(new Error("Refused"))
          : new Promise(() => {}),
    });
    const endless = new Endless();
    const request = scene.request("POST", "/", { data: endless.stream });
    if (start === "aborted") request.abort();
    if (start === "closed") await scene.client.close();
    let error: unknown = null;
    await request.catch((caught) => error = caught);
    assert(error !== null);
    await endless.cancelled;
  }
});

// ---- 100-continue -----------------------------------------------------------

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const EXPECTING: Record<string, RequestOptions["data"]> = {
  "bytes": "some data",
  "a Blob": new Blob(["some data"]),
};

for (const [name, data] of Object.entries(EXPECTING)) {
  const options = { data, expectContinue: true };

  Deno.test(`HttpClient sends ${name} at the go-ahead, and not before`, async () => {
    for (
      const goAhead of [
        CONTINUE,
        CONTINUE + CONTINUE,
        "HTTP/1.1 103 Early\r\n\r\n" + CONTINUE,
      ]
    ) {
      await using scene = new ClientScene(async (peer) => {
        for (;;) {
          const { headers } = await peer.head();
          assertEquals(headers.expect, "100-continue");
          assertEquals(peer.pending, "");
          await peer.say(goAhead);
          const body = new TextDecoder().decode(await peer.bytes(9));
          await peer.say(CONTINUE + ok(body));
        }
      });
      for (let i = 0; i < 3; i++) {
        const response = await scene.request("POST", "/", options);
        assertEquals(await response.text(), "some data");
      }
      assertEquals(scene.server.peers.length, 1);
    }
  });

  Deno.test(`HttpClient sends ${name} without a go-ahead after a second`, async () => {
    await using scene = new ClientScene(async (peer) => {
      const { body } = await peer.request();
      await peer.say(ok(body));
    }, { timeout: 200 });
    using timers = new Timers();
    const response = await scene.request("POST", "/", options);
    assertEquals(await response.text(), "some data");
    assert(timers.elapsed >= 900, `${timers.elapsed}`);
  });

  Deno.test(`HttpClient sends ${name} again without the expectation after 417`, async () => {
    const sent: string[] = [];
    await using scene = new ClientScene(async (peer) => {
      const { headers } = await peer.head();
      sent.push(headers.expect ?? "none");
      if (headers.expect !== undefined) {
        return await peer.say("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
      }
      await peer.bytes(9);
      await peer.say(ok("taken"));
    });
    const response = await scene.request("POST", "/", options);
    assertEquals(await response.text(), "taken");
    assertEquals(sent, ["100-continue", "none"]);
  });

  Deno.test(`HttpClient takes a last answer in place of a go-ahead for ${name}`, async () => {
    await using scene = new ClientScene(async (peer) => {
      await peer.head();
      await peer.say("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
      await peer.gone();
      assertEquals(peer.pending, "");
    });
    const response = await scene.request("POST", "/", options);
    assertEquals([response.status, await response.text()], [403, "no"]);
    await scene.empty();
  });

  Deno.test(`HttpClient loses ${name} when the server goes before or after the go-ahead`, async () => {
    for (const goAhead of ["", CONTINUE]) {
      await using scene = new ClientScene(async (peer) => {
        await peer.head();
        await peer.say(goAhead);
        peer.close();
      });
      await failureOf(ConnectionLostError, scene.request("POST", "/", options));
      assertEquals(scene.server.peers.length, 1);
    }
  });
}

Deno.test("HttpClient gives 417 to a stream, which cannot be sent again, as it is", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.head();
    await peer.say("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
  });
  const endless = new Endless();
  const response = await scene.request("POST", "/", {
    data: endless.stream,
    expectContinue: true,
  });
  assertEquals(response.status, 417);
  await endless.cancelled;
});

Deno.test("HttpClient times out after the go-ahead as after any request", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.head();
    await peer.say(CONTINUE);
    await peer.bytes(9);
  }, { timeout: 60 });
  const options = { data: "some data", expectContinue: true };
  const error = await failureOf(
    TimeoutError,
    scene.request("POST", "/", options),
  );
  assertEquals(error.phase, "headers");
});
