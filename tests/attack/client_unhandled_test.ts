// Requests that fail while nobody looks, and those who look in other ways.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  AbortedError,
  type ClientRequest,
  ConnectError,
  ConnectionLostError,
  type HttpClientOptions,
  type RequestOptions,
  ResponseError,
  select,
  TimeoutError,
  TooLargeError,
} from "../../client.ts";
import { ClientScene, failureOf, ok, turns } from "../support/client_scene.ts";
import type { RawPeer } from "../support/raw_server.ts";
import { eventually } from "../support/serving.ts";

/** Ways to fail. */
interface Way {
  script?: (peer: RawPeer) => unknown;
  options?: HttpClientOptions;
  request?: RequestOptions;
  // deno-lint-ignore no-explicit-any -- any constructor will do
  error: new (...args: any[]) => Error;
  end?: (request: ClientRequest) => void;
}

const WAYS: Record<string, Way> = {
  "a lost connection": {
    script: async (peer) => {
      await peer.request();
      peer.close();
    },
    error: ConnectionLostError,
  },
  "a malformed response": {
    script: (peer) => peer.answer("HTTP/2 200\r\n\r\n"),
    error: ResponseError,
  },
  "a malformed packed body": {
    script: (peer) => peer.answer(ok("x", "Content-Encoding: br\r\n")),
    error: ResponseError,
  },
  "a body that is too long": {
    script: (peer) => peer.answer(ok("body")),
    options: { maxResponseLength: 3 },
    error: TooLargeError,
  },
  "a timeout": {
    script: (peer) => peer.request(),
    options: { timeout: 50 },
    error: TimeoutError,
  },
  "no connection": {
    options: { connect: () => Promise.reject(new Error("No")) },
    error: ConnectError,
  },
  "a connect that throws": {
    options: {
      connect: () => {
        throw new Error("No");
      },
    },
    error: ConnectError,
  },
  "an abort": {
    error: AbortedError,
    end: (request) => request.abort(),
  },
  "an abort with no error": {
    error: AbortedError,
    end: (request) => request.abort(null),
  },
  "a redirect to nowhere": {
    script: (peer) =>
      peer.answer(
        "HTTP/1.1 302 No\r\nLocation: ftp://a\r\nContent-Length: 0\r\n\r\n",
      ),
    options: { maxRedirects: 3 },
    error: ResponseError,
  },
  "a source that fails": {
    script: (peer) => peer.gone(),
    request: {
      data: new ReadableStream({
        start: (controller) => controller.error(new RangeError("Oh")),
      }),
    },
    error: Error,
  },
};

for (const [name, way] of Object.entries(WAYS)) {
  const open = () => new ClientScene(way.script ?? (() => {}), way.options);
  const make = (scene: ClientScene) => {
    let { data } = way.request ?? {};
    if (data instanceof ReadableStream) {
      data = new ReadableStream({
        start: (controller) => controller.error(new RangeError("Oh")),
      });
    }
    const request = scene.request("POST", "/", { data });
    way.end?.(request);
    return request;
  };

  Deno.test(`ClientRequest is no unhandled rejection after ${name}`, async () => {
    await using scene = open();
    const request = make(scene);
    await eventually(() => request.isFinished);
    await turns();
    assert(request.error instanceof way.error, `${request.error}`);
    assertEquals(request.response, null);
    // Who looks later is told.
    let error: unknown = null;
    await request.catch((caught) => error = caught);
    assertStrictEquals(error, request.error);
    await request.wait().catch((caught) => error = caught);
    await request.wait(5).catch((caught) => error = caught);
    assertStrictEquals(error, request.error);
  });

  Deno.test(`ClientRequest is no unhandled rejection after a wait() in vain and ${name}`, async () => {
    await using scene = open();
    const request = make(scene);
    // Nobody looks at what becomes of it behind that, or of this.
    request.wait();
    await Promise.race([
      request.wait(1).then(() => {}, () => {}),
      Promise.resolve(),
    ]);
    await eventually(() => request.isFinished);
    await turns();
  });

  Deno.test(`HttpClient.processEvents() gives a request after ${name}`, async () => {
    await using scene = open();
    const request = make(scene);
    await eventually(() => scene.client.isReady);
    assertStrictEquals(scene.client.processEvents(), request);
    assert(request.error instanceof way.error);
    assertEquals(scene.client.processEvents(), null);
    assert(!scene.client.isReady);
  });

  Deno.test(`select() tells of a client with a request after ${name}`, async () => {
    await using scene = open();
    const { client } = scene;
    const request = make(scene);
    assertEquals(await select([client], 5000), [client]);
    assertStrictEquals(client.processEvents(), request);
    assert(request.error instanceof way.error);
    assertEquals(await client.wait(5), null);
    assertEquals(await select([client], 5), []);
  });
}

Deno.test("HttpClient.wait() and select() end when the client is closed", async () => {
  await using scene = new ClientScene((peer) => peer.request());
  const { client } = scene;
  const waiting = client.wait();
  const selecting = select([client]);
  await client.close();
  assertEquals(await waiting, null);
  assertEquals(await selecting, []);
  assert(client.isFinished);
  assertEquals(await client.wait(), null);
});

Deno.test("HttpClient gives what its close() ended to processEvents()", async () => {
  await using scene = new ClientScene((peer) => peer.request());
  const { client } = scene;
  const requests = [scene.get("/1"), scene.get("/2")];
  await client.close();
  assert(!client.isFinished);
  assertEquals(
    new Set([client.processEvents(), client.processEvents()]),
    new Set(requests),
  );
  assert(client.isFinished);
});

Deno.test("HttpClient keeps but the latest of what nobody ever looks at", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) await peer.answer(ok());
  });
  const requests: ClientRequest[] = [];
  for (let i = 0; i < 1100; i++) requests.push(scene.get(`/${i}`));
  await eventually(() => requests.every((request) => request.isFinished));
  let count = 0;
  while (scene.client.processEvents() !== null) count++;
  assertEquals(count, 1000);
  assertEquals((await requests[0]).status, 200);
});

Deno.test("HttpClient survives a watcher and a handler that throw", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) await peer.answer(ok("x"));
  });
  // What a handler throws is its own promise's matter.
  const thrown = scene.get().then(() => {
    throw new RangeError("Mine");
  });
  let error: unknown = null;
  await thrown.catch((caught) => error = caught);
  assert(error instanceof RangeError);
  assertEquals(await (await scene.get()).text(), "x");
  assertEquals(scene.server.peers.length, 1);
});

Deno.test("HttpClient tells all in the queue when no connection comes about", async () => {
  let tries = 0;
  await using scene = new ClientScene(() => {}, {
    connect: () => {
      tries++;
      return Promise.reject(new Error("No"));
    },
    maxConnections: 3,
  });
  const requests = Array.from({ length: 20 }, (_, i) => scene.get(`/${i}`));
  for (const request of requests) await failureOf(ConnectError, request);
  assert(tries <= 20, `${tries}`);
});

Deno.test("HttpClient goes on when a connection fails and the next does not", async () => {
  let tries = 0;
  await using scene: ClientScene = new ClientScene(async (peer) => {
    for (;;) await peer.answer(ok("x"));
  }, {
    maxConnections: 1,
    connect: () =>
      ++tries === 1 ? Promise.reject(new Error("No")) : scene.server.connect(),
  });
  const requests = [scene.get("/1"), scene.get("/2"), scene.get("/3")];
  await failureOf(ConnectError, requests[0]);
  assertEquals(await (await requests[1]).text(), "x");
  assertEquals(await (await requests[2]).text(), "x");
  assertEquals(tries, 2);
});

Deno.test("HttpClient survives a connection of its owner's that is dead", async () => {
  const dead: Record<string, () => Partial<Deno.Conn>> = {
    "read and write reject": () => ({
      read: () => Promise.reject(new Error("Dead")),
      write: () => Promise.reject(new Error("Dead")),
      close: () => {},
    }),
    "close throws": () => ({
      read: () => Promise.resolve(null),
      write: (bytes) => Promise.resolve(bytes.length),
      close: () => {
        throw new Error("Dead");
      },
    }),
    "it is at its end": () => ({
      read: () => Promise.resolve(null),
      write: () => new Promise(() => {}),
      close: () => {},
    }),
  };
  for (const make of Object.values(dead)) {
    await using scene = new ClientScene(() => {}, {
      connect: () => Promise.resolve(make() as Deno.Conn),
    });
    await failureOf(ConnectionLostError, scene.get());
    await failureOf(ConnectionLostError, scene.stream());
  }
});
