// Requests that are answered before their bodies are sent: an answer that says
// that all is well is one only once all was sent.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  AbortedError,
  ConnectionLostError,
  HttpClient,
  type HttpResponse,
  type RequestOptions,
  TimeoutError,
} from "../../client.ts";
import { pause } from "../../transport/clock.ts";
import { isSame, pattern } from "../support/bytes.ts";
import { ClientScene, failureOf, ok } from "../support/client_scene.ts";
import type { RawPeer, RawRequest } from "../support/raw_server.ts";

const SIZE = 3_000_000;
/** More than the kernel takes for both sides. */
const MUCH = 8_000_000;
/** And far more than that. */
const LARGE = 16_000_000;

function* pieces(size: number): Generator<Uint8Array<ArrayBuffer>> {
  for (let left = size; left > 0; left -= 50_000) {
    yield new Uint8Array(Math.min(left, 50_000));
  }
}

async function* slowly(size: number): AsyncGenerator<Uint8Array> {
  for (const piece of pieces(size)) yield await Promise.resolve(piece);
}

function form(size: number): FormData {
  const data = new FormData();
  data.append("file", new Blob([new Uint8Array(size)]), "x");
  return data;
}

const BODIES: Record<string, (size: number) => RequestOptions> = {
  "bytes": (size) => ({ data: new Uint8Array(size) }),
  "a Blob": (size) => ({ data: new Blob([new Uint8Array(size)]) }),
  "a form": (size) => ({ form: form(size) }),
  "a stream": (size) => ({ data: ReadableStream.from(pieces(size)) }),
  "a generator": (size) => ({ data: slowly(size) }),
  "a generator with a length": (size) => ({
    data: slowly(size),
    headers: { "content-length": `${size}` },
  }),
};

/** Reads what is left of a request; returns how much of a body that was. */
async function readBody(peer: RawPeer, head: RawRequest): Promise<number> {
  const { headers } = head;
  if (headers["transfer-encoding"] === undefined) {
    const length = Number(headers["content-length"] ?? 0);
    for (let left = length; left > 0;) {
      left -= (await peer.bytes(Math.min(left, 65_536))).length;
    }
    return length;
  }
  let length = 0;
  for (;;) {
    const size = parseInt(await peer.until("\r\n"), 16);
    await peer.bytes(size + 2);
    length += size;
    if (size === 0) return length;
  }
}

const ANSWERS: Record<string, [text: string, body: string, isKept: boolean]> = {
  "200 with a length": [ok("ok"), "ok", true],
  "200 in chunks": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "ok",
    true,
  ],
  "201 with nothing": [
    "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n",
    "",
    true,
  ],
  "204": ["HTTP/1.1 204 Yes\r\n\r\n", "", true],
  "200 that says close": [ok("ok", "Connection: close\r\n"), "ok", false],
  "200 with more than its length": [ok("ok") + "more", "ok", false],
  "200 of HTTP/1.0": [ok("ok").replace("1.1", "1.0"), "ok", false],
};

for (const [name, make] of Object.entries(BODIES)) {
  for (const [what, [text, body, isKept]] of Object.entries(ANSWERS)) {
    for (const stream of [false, true]) {
      const mode = stream ? "streamed" : "buffered";
      Deno.test(`HttpClient sends ${name} whole though it is answered with ${what} at once (${mode})`, async () => {
        const got: number[] = [];
        await using scene = new ClientScene(async (peer) => {
          for (;;) {
            const head = await peer.head();
            await peer.say(text);
            got.push(await readBody(peer, head));
            scene.wake();
          }
        }, { tcp: true, timeout: 5000 });
        for (let i = 0; i < 2; i++) {
          const options = { ...make(SIZE), stream };
          const response = await scene.request("PUT", "/", options);
          assertEquals(await response.text(), body);
          // The server has it all, or takes it from the kernel.
          const { bytesOut } = scene.client.stats;
          assert(bytesOut >= (i + 1) * SIZE, `${bytesOut}`);
        }
        assertEquals(scene.server.peers.length, isKept ? 1 : 2);
        await scene.until(() => got.length === 2);
        assert(got.every((length) => length >= SIZE), got.join());
      });
    }
  }
}

// ---- Servers that do not take it all ----------------------------------------

const CUT: Record<string, (peer: RawPeer) => Promise<void>> = {
  "closes": (peer) => Promise.resolve(peer.close()),
  "takes some, and closes": async (peer) => {
    await peer.bytes(1_000_000);
    peer.close();
  },
  "ends its side, and closes": async (peer) => {
    await peer.end("half-close");
    await peer.bytes(1_000_000);
    peer.close();
  },
};

for (const [name, make] of Object.entries(BODIES)) {
  for (const [manner, cut] of Object.entries(CUT)) {
    for (const stream of [false, true]) {
      const mode = stream ? "streamed" : "buffered";
      Deno.test(`HttpClient fails where a server answers 200 to ${name}, and ${manner} (${mode})`, async () => {
        await using scene = new ClientScene(async (peer) => {
          await peer.head();
          await peer.say(ok("ok"));
          await cut(peer);
        }, { tcp: true, timeout: 5000 });
        const request = scene.request("PUT", "/", {
          ...make(LARGE),
          stream,
        });
        const error = await failureOf(
          ConnectionLostError,
          request.then((response) => response.text()),
        );
        // A reset may come before what was sent ahead of it.
        if (error.response !== null) {
          assertEquals(error.response.status, 200);
          assert(error.message.includes("before all of PUT"), error.message);
          if (stream) assertStrictEquals(error.response, await request);
          else assertEquals(await error.response.text(), "ok");
        }
        await scene.empty();
      });
    }
  }
}

for (const [name, make] of Object.entries(BODIES)) {
  for (const stream of [false, true]) {
    const mode = stream ? "streamed" : "buffered";
    Deno.test(`HttpClient times out where a server answers 200 to ${name}, and takes no more (${mode})`, async () => {
      const over = Promise.withResolvers<void>();
      await using scene = new ClientScene(async (peer) => {
        await peer.head();
        await peer.say(ok("ok"));
        await over.promise;
      }, { tcp: true, timeout: 150 });
      const options = { ...make(LARGE), stream };
      const error = await failureOf(
        TimeoutError,
        scene.request("PUT", "/", options).then((one) => one.text()),
      );
      assertEquals(error.phase, "send");
      over.resolve();
      await scene.empty();
    });
  }
}

Deno.test("HttpClient gives up a source that is stuck once the server has left", async () => {
  for (const stream of [false, true]) {
    await using scene = new ClientScene(async (peer) => {
      await peer.head();
      await peer.say(ok("ok"));
      await peer.end("half-close");
    }, { tcp: true, timeout: 100 });
    const data = new ReadableStream<Uint8Array>();
    const request = scene.request("PUT", "/", { data, stream });
    const error = await failureOf(
      TimeoutError,
      request.then((response) => response.text()),
    );
    assertEquals(error.phase, "send");
    await scene.empty();
  }
});

Deno.test("HttpClient tells what was answered to an upload that is cut off", async () => {
  for (const stream of [false, true]) {
    await using scene = new ClientScene(async (peer) => {
      await peer.head();
      await peer.say(ok("ok", "X-A: b\r\n"));
      await peer.bytes(20_000);
      await peer.end("reset");
    });
    const go = Promise.withResolvers<void>();
    const data = async function* () {
      yield new Uint8Array(20_000);
      await go.promise;
      yield new Uint8Array(1);
    }();
    const request = scene.request("PUT", "/x", { data, stream });
    const error = await failureOf(
      ConnectionLostError,
      request.then((response) => response.text()),
    );
    assertEquals(error.response!.headers["x-a"], "b");
    assertEquals(
      error.message,
      "Connection was lost before all of PUT http://memory/x was sent, " +
        "though it was answered with 200",
    );
    assertEquals(error.bytesReceived, 2);
    go.resolve();
  }
});

Deno.test("HttpClient fails with what its source fails with, whatever was answered", async () => {
  const fault = new Error("No more");
  for (const stream of [false, true]) {
    await using scene = new ClientScene(async (peer) => {
      await peer.head();
      await peer.say(ok("ok"));
    });
    const data = async function* () {
      yield "some";
      await scene.entered("receiving");
      throw fault;
    }();
    const request = scene.request("PUT", "/", { data, stream });
    let caught: unknown;
    await request.then((one) => one.text()).catch((error) => caught = error);
    assertStrictEquals(caught, fault);
    await scene.empty();
  }
});

// ---- Both ways at once ------------------------------------------------------

/** Sends back what it gets, as it comes. */
async function sendBack(peer: RawPeer): Promise<void> {
  for (;;) {
    const { headers } = await peer.head();
    const length = headers["content-length"];
    await peer.say(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
    for (let left = Number(length); left > 0;) {
      const piece = await peer.bytes(Math.min(left, 65_536));
      await peer.send(piece);
      left -= piece.length;
    }
  }
}

Deno.test("HttpClient sends and receives at once", async () => {
  await using scene = new ClientScene(sendBack, {
    tcp: true,
    maxResponseLength: 20_000_000,
  });
  const bytes = pattern(20_000_000);
  for (const stream of [false, true]) {
    for (const data of [bytes, new Blob([bytes])]) {
      const response = await scene.request("POST", "/", { data, stream });
      assert(isSame(await response.readAll(), bytes));
    }
  }
  assertEquals(scene.server.peers.length, 1);
});

Deno.test("HttpClient slows its source down where the answer is not read, and times out for nobody", async () => {
  await using scene = new ClientScene(sendBack, { tcp: true, timeout: 400 });
  let taken = 0;
  const size = 100_000_000;
  const data = async function* () {
    for (const piece of pieces(size)) {
      taken += piece.length;
      yield await Promise.resolve(piece);
    }
  }();
  const headers = { "content-length": `${size}` };
  const options = { data, headers, stream: true };
  const response = await scene.request("POST", "/", options);
  // Buffers fill up, and then nothing moves.
  for (let before = -1; before !== taken;) {
    before = taken;
    await pause(250);
  }
  await pause(500); // to wait for the caller is not to time out
  assert(taken < 60_000_000, `${taken}`);
  assertEquals((await response.readAll()).length, size);
});

Deno.test("HttpClient times out on no upload that gets on, however long ago the head of the answer came", async () => {
  for (const stream of [false, true]) {
    await using scene = new ClientScene(async (peer) => {
      const head = await peer.head();
      await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
      await readBody(peer, head);
      await peer.say("ok");
    }, { tcp: true, timeout: 300 });
    const data = async function* () {
      for (let i = 0; i < 25; i++) {
        await pause(20);
        yield "some";
      }
    }();
    const response = await scene.request("PUT", "/", { data, stream });
    assertEquals(await response.text(), "ok");
  }
});

Deno.test("HttpClient is a source for a server that answers at once, and reads for as long as it takes", async () => {
  let got = 0;
  await using scene = new ClientScene(async (peer) => {
    const head = await peer.head();
    assertEquals(head.headers["transfer-encoding"], "chunked");
    await peer.say("HTTP/1.0 200 OK\r\n\r\n"); // as Icecast does
    got = await readBody(peer, head);
    await peer.end("half-close");
  }, { tcp: true });
  const data = async function* () {
    for (let i = 0; i < 1000; i++) {
      if (i % 100 === 0) await pause(1);
      yield new Uint8Array(1000);
    }
  }();
  const response = await scene.request("PUT", "/live", { data });
  assertEquals([response.status, got], [200, 1_000_000]);
});

Deno.test("HttpResponse.close() ends an upload that goes on", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.head();
    await peer.say(ok("ok"));
    await peer.gone();
  }, { tcp: true });
  const isCancelled = Promise.withResolvers<void>();
  for (const hand of ["close", "abort"]) {
    const data = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
      cancel: () => isCancelled.resolve(),
    });
    const request = scene.request("PUT", "/", { data, stream: true });
    const response = await request;
    const reading = failureOf(AbortedError, response.text());
    if (hand === "close") response.close();
    else request.abort();
    await reading;
    await isCancelled.promise;
    await scene.empty();
  }
});

Deno.test("ClientRequest.abort() ends an upload whose answer is complete", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.head();
    await peer.say(ok("ok"));
    await peer.gone();
  }, { tcp: true });
  const data = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
  });
  const request = scene.request("PUT", "/", { data });
  await scene.entered("receiving");
  request.abort();
  await failureOf(AbortedError, request);
  await scene.empty();
});

// ---- The go-ahead, redirects, credentials ------------------------------------

Deno.test("HttpClient takes an answer below 300 as the go-ahead, and others not", async () => {
  for (const name of ["bytes", "a Blob"]) {
    for (const stream of [false, true]) {
      for (const status of [200, 204, 303, 403]) {
        const got = Promise.withResolvers<number>();
        await using scene = new ClientScene(async (peer) => {
          const head = await peer.head();
          if (head.method === "GET") return await peer.say(ok("there"));
          await peer.say(
            `HTTP/1.1 ${status} X\r\nLocation: /there\r\n` +
              `${status === 204 ? "" : "Content-Length: 0\r\n"}\r\n`,
          );
          if (status < 300) got.resolve(await readBody(peer, head));
          else {
            await peer.gone();
            got.resolve(peer.pending.length);
          }
        }, { tcp: true, maxRedirects: 1 });
        const response = await scene.request("PUT", "/", {
          ...BODIES[name](SIZE),
          expectContinue: true,
          stream,
        });
        assertEquals(response.status, status === 303 ? 200 : status);
        await response.readAll();
        assertEquals(await got.promise, status < 300 ? SIZE : 0);
      }
    }
  }
});

/** Early answers that are no last word, and whether the body stays there. */
const FOLLOWED: [method: string, status: number, isWhole: boolean][] = [
  ["POST", 301, true],
  ["POST", 302, true],
  ["POST", 303, true],
  ["PUT", 303, true],
  ["PUT", 302, false],
  ["POST", 307, false],
  ["PUT", 308, false],
];

for (const [method, status, isWhole] of FOLLOWED) {
  for (const isLong of [false, true]) {
    Deno.test(`HttpClient sends a ${method} ${isWhole ? "whole before" : "elsewhere where"} it follows ${status} (${isLong ? "with a long" : "without a"} body)`, async () => {
      let got = 0;
      const size = isWhole ? SIZE : MUCH;
      const asked: string[] = [];
      await using scene = new ClientScene(async (peer) => {
        for (;;) {
          const head = await peer.head();
          asked.push(`${head.method} ${head.target}`);
          if (head.target === "/2") {
            if (!isWhole) got += await readBody(peer, head);
            // The kernel takes more on a connection that has brought much.
            await peer.say(ok("there", isWhole ? "" : "Connection: close\r\n"));
            continue;
          }
          const body = isLong ? "x".repeat(100_000) : "";
          await peer.say(
            `HTTP/1.1 ${status} X\r\nLocation: /2\r\n` +
              `Content-Length: ${body.length}\r\n\r\n${body}`,
          );
          if (!isWhole) {
            // Nothing is read meanwhile: else all of it might go out.
            await scene.entered("closed", asked.length);
            return;
          }
          got += await readBody(peer, head);
        }
      }, { tcp: true, maxRedirects: 1 });
      for (const name of ["bytes", "a Blob"]) {
        got = 0;
        const options = BODIES[name](size);
        const response = await scene.request(method, "/1", options);
        assertEquals([response.status, await response.text()], [200, "there"]);
        assertEquals(got, size);
      }
      const next = isWhole ? "GET /2" : `${method} /2`;
      assertEquals(asked.slice(0, 2), [`${method} /1`, next]);
    });
  }
}

Deno.test("HttpClient follows no redirect where the upload was cut off", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.head();
    await peer.say(
      "HTTP/1.1 303 X\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n",
    );
    peer.close();
  }, { tcp: true, maxRedirects: 1 });
  for (const make of Object.values(BODIES)) {
    const options = make(LARGE);
    const error = await failureOf(
      ConnectionLostError,
      scene.request("POST", "/1", options),
    );
    if (error.response !== null) assertEquals(error.response.status, 303);
  }
  assertEquals(scene.server.peers.length, Object.keys(BODIES).length);
});

Deno.test("HttpClient shows its credentials at once where it is asked in the midst of an upload", async () => {
  const got: number[] = [];
  await using scene = new ClientScene(async (peer) => {
    for (;;) {
      const head = await peer.head();
      if (head.headers.authorization === undefined) {
        await peer.say(
          'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n' +
            "Content-Length: 2\r\n\r\nno",
        );
        return await peer.gone();
      }
      await peer.say(ok("ok"));
      got.push(await readBody(peer, head));
      scene.wake();
    }
  }, { tcp: true, auth: ["user", "password"] });
  for (const name of ["bytes", "a Blob"]) {
    const response = await scene.request("PUT", "/", BODIES[name](MUCH));
    assertEquals([response.status, await response.text()], [200, "ok"]);
  }
  await scene.until(() => got.length === 2);
  assertEquals(got, [MUCH, MUCH]);
});

// ---- In a pipeline ------------------------------------------------------------

Deno.test("HttpClient answers what it has sent behind an upload, in order and whole", async () => {
  for (const tcp of [false, true]) {
    const got: string[] = [];
    await using scene = new ClientScene(async (peer) => {
      for (;;) {
        const head = await peer.head();
        const body = `${head.method} ${head.target}`;
        await peer.say(ok(body)); // before it reads
        got.push(`${body} ${await readBody(peer, head)}`);
      }
    }, { tcp, maxConnections: 1, pipelining: 8, timeout: 5000 });
    await scene.get("/warm");
    const paths = Array.from({ length: 8 }, (_, i) => i);
    const work = paths.map(async (i) => {
      const method = i % 2 === 0 ? "PUT" : "GET";
      const data = i % 2 === 0 ? new Uint8Array(3_000_000) : undefined;
      const response = await scene.request(method, `/${i}`, { data });
      assertEquals(await response.text(), `${method} /${i}`);
    });
    await Promise.all(work);
    assertEquals(
      got.slice(1, 8),
      paths.slice(0, 7).map((i) =>
        i % 2 === 0 ? `PUT /${i} 3000000` : `GET /${i} 0`
      ),
    );
    assertEquals(scene.server.peers.length, 1);
  }
});

Deno.test("HttpClient tells an upload in a pipeline that it was cut off, and sends the rest elsewhere", async () => {
  await using scene = new ClientScene(async (peer) => {
    if (peer.index === 0) {
      await peer.answer(ok("warm"));
      await peer.head();
      await peer.say(ok("all is well"));
      await peer.bytes(100_000);
      return peer.close();
    }
    for (;;) {
      const { target } = await peer.request();
      await peer.say(ok(target));
    }
  }, { tcp: true, maxConnections: 1, pipelining: 4 });
  await scene.get("/warm");
  const data = new Uint8Array(LARGE);
  const put = scene.request("PUT", "/put", { data });
  const gets = ["/1", "/2", "/3"].map((path) => scene.get(path));
  const texts: Promise<string>[] = gets.map(async (one) =>
    await (await one as HttpResponse).text()
  );
  await failureOf(ConnectionLostError, put);
  assertEquals(await Promise.all(texts), ["/1", "/2", "/3"]);
});

// ---- Slow servers -----------------------------------------------------------

/** Takes so many bytes a second of a request. */
async function takeSlowly(conn: Deno.Conn, rate: number): Promise<void> {
  const buffer = new Uint8Array(Math.ceil(rate / 50));
  const began = performance.now();
  let got = 0;
  try {
    while (got < SLOW_SIZE) {
      const length = await conn.read(buffer);
      if (length === null) return;
      got += length;
      const ahead = began + got / rate * 1000 - performance.now();
      if (ahead > 5) await pause(ahead);
    }
    await conn.write(new TextEncoder().encode(ok("all")));
  } catch {
    // Cut off.
  }
}

const SLOW_SIZE = 6_000_000;

for (const [minSendRate, outcome] of [[700_000, "all"], [10_000_000, "send"]]) {
  Deno.test(`HttpClient gives a server that takes 1.5 MB/s its time by minSendRate: ${outcome}`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    await using client = new HttpClient(`http://127.0.0.1:${port}`, {
      timeout: 250,
      minSendRate: Number(minSendRate),
      retry: false,
    });
    const data = new Uint8Array(SLOW_SIZE);
    const answer = client.put("/", { data }).then(
      (response: HttpResponse) => response.text(),
      (error) => error instanceof TimeoutError ? error.phase : error,
    );
    using conn = await listener.accept();
    const taking = takeSlowly(conn, 1_500_000);
    assertEquals(await answer, outcome);
    await client.close();
    await taking;
  });
}
