// What a server sends that nobody asked for, or too much of: the next request
// must get its own answer, and memory stays bounded.
import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import {
  ConnectionLostError,
  ResponseError,
  TimeoutError,
  TlsError,
  TooLargeError,
} from "../../client.ts";
import type { ProtocolErrorCode } from "../../parse.ts";
import {
  ClientScene,
  failure,
  failureOf,
  ok,
  turns,
} from "../support/client_scene.ts";
import { makePair } from "../support/certificates.ts";
import type { RawPeer } from "../support/raw_server.ts";
import { wanting } from "../support/wanting.ts";

const STRAY = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

/** Answers with what the target asks for; so each answer shows its request. */
async function honest(peer: RawPeer): Promise<void> {
  for (;;) {
    const { target } = await peer.request();
    await peer.say(ok(target));
  }
}

// ---- Two responses to one request -------------------------------------------

for (const tcp of [false, true]) {
  const where = tcp ? "sockets" : "memory";
  for (const method of ["GET", "POST"]) {
    for (const isStreamed of [false, true]) {
      const mode = `${method}, ${
        isStreamed ? "streamed" : "buffered"
      }, ${where}`;
      const read = async (scene: ClientScene, path: string) => {
        const response = await scene.request(method, path, {
          stream: isStreamed,
          data: method === "POST" ? "some" : undefined,
        });
        return await response.text();
      };

      Deno.test(`HttpClient drops a second response in the same write (${mode})`, async () => {
        const asked: string[] = [];
        await using scene = new ClientScene(async (peer) => {
          const { target } = await peer.request();
          asked.push(target);
          if (peer.index === 0) await peer.say(ok("first") + STRAY);
          else await peer.say(ok(target));
          await honest(peer);
        }, { tcp });
        assertEquals(await read(scene, "/1"), "first");
        assertEquals(await read(scene, "/2"), "/2");
        assertEquals(asked, ["/1", "/2"]);
        assertEquals(scene.server.peers.length, 2);
      });

      Deno.test(`HttpClient drops a second response with requests waiting (${mode})`, async () => {
        await using scene = new ClientScene(async (peer) => {
          const { target } = await peer.request();
          await peer.say(ok(target) + STRAY);
        }, { tcp, maxConnections: 1 });
        const texts = await Promise.all(
          ["/1", "/2", "/3"].map((path) => read(scene, path)),
        );
        assertEquals(texts, ["/1", "/2", "/3"]);
        assertEquals(scene.server.peers.length, 3);
      });

      for (
        const [what, stray] of Object.entries({
          "response": STRAY,
          "part of a response": "HTTP",
          "empty line": "\r\n",
          "byte": "x",
        })
      ) {
        Deno.test(`HttpClient drops a connection on which a ${what} comes while it is idle (${mode})`, async () => {
          const asked: string[] = [];
          const { promise, resolve } = Promise.withResolvers<void>();
          await using scene = new ClientScene(async (peer) => {
            const { target } = await peer.request();
            asked.push(target);
            await peer.say(ok(target));
            if (peer.index > 0) return;
            await promise;
            await peer.say(stray);
          }, { tcp });
          assertEquals(await read(scene, "/1"), "/1");
          resolve();
          await scene.empty();
          assertEquals(await read(scene, "/2"), "/2");
          assertEquals(asked, ["/1", "/2"]);
        });
      }

      Deno.test(`HttpClient drops a second response in a second write (${mode})`, async () => {
        const asked: string[] = [];
        await using scene = new ClientScene(async (peer) => {
          const { target } = await peer.request();
          asked.push(target);
          if (peer.index > 0) return await peer.say(ok(target));
          await peer.say(ok(target));
          await peer.say(STRAY);
        }, { tcp });
        assertEquals(await read(scene, "/1"), "/1");
        assertEquals(await read(scene, "/2"), "/2");
        assertEquals(asked, ["/1", "/2"]);
      });
    }
  }
}

// ---- Bodies where there is none ---------------------------------------------

const NO_BODY: [
  name: string,
  method: string,
  text: string,
  code: string | null,
][] = [
  ["HEAD", "HEAD", ok("body"), null],
  [
    "HEAD, in chunks",
    "HEAD",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    null,
  ],
  ["204", "GET", "HTTP/1.1 204 None\r\n\r\nbody", null],
  [
    "204 with a length",
    "GET",
    "HTTP/1.1 204 None\r\nContent-Length: 4\r\n\r\nbody",
    null,
  ],
  ["304", "GET", "HTTP/1.1 304 Same\r\nContent-Length: 4\r\n\r\nbody", null],
  [
    "304 in chunks",
    "GET",
    "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    null,
  ],
];

for (const [name, method, text, code] of NO_BODY) {
  for (const isStreamed of [false, true]) {
    const mode = isStreamed ? "streamed" : "buffered";
    Deno.test(`HttpClient does without the body of ${name} (${mode})`, async () => {
      await using scene = new ClientScene(async (peer) => {
        if (peer.index > 0) return await honest(peer);
        await peer.answer(text);
      });
      const request = scene.request(method, "/1", { stream: isStreamed });
      if (code !== null) {
        assertEquals((await failureOf(ResponseError, request)).code, code);
      } else {
        const response = await request;
        assertEquals(await response.text(), "");
        assertEquals(response.bytesReceived, 0);
      }
      assertEquals(await (await scene.get("/2")).text(), "/2");
      assertEquals(scene.server.peers.length, 2);
    });
  }
}

/** Answers that tell of a body, or may have one, which is not to come. */
const MAY_BRING: [name: string, method: string, head: string][] = [
  ["HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"],
  ["HEAD that does not say", "HEAD", "HTTP/1.1 200 OK\r\n\r\n"],
  [
    "HEAD in chunks",
    "HEAD",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  ["HEAD with an error", "HEAD", "HTTP/1.1 500 Oh\r\n\r\n"],
  ["HEAD and 304", "HEAD", "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"],
  ["304", "GET", "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"],
  [
    "304 in chunks",
    "GET",
    "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
];

for (const [name, method, head] of MAY_BRING) {
  for (const isStreamed of [false, true]) {
    const mode = isStreamed ? "streamed" : "buffered";
    Deno.test(`HttpClient takes no response from behind ${name} (${mode})`, async () => {
      await using scene = new ClientScene(async (peer) => {
        if (peer.index > 0) return await honest(peer);
        await peer.answer(head);
        await turns(4); // the client has gone on by then
        await peer.say(STRAY);
        await honest(peer);
      }, { pipelining: 4, maxConnections: 1 });
      const first = scene.request(method, "/1", { stream: isStreamed });
      // It waits for a connection, or is to be sent behind the first.
      const second = scene.get("/2");
      assertEquals(await (await first).text(), "");
      assertEquals(await (await second).text(), "/2");
      assertEquals(scene.server.peers.length, 2);
    });
  }
}

/** Answers that have no body, and say so: their connections are kept. */
const BRING_NONE: [name: string, method: string, head: string][] = [
  ["HEAD of nothing", "HEAD", ok("")],
  ["HEAD and 204", "HEAD", "HTTP/1.1 204 None\r\n\r\n"],
  ["HEAD and 304", "HEAD", "HTTP/1.1 304 Same\r\n\r\n"],
  ["204", "GET", "HTTP/1.1 204 None\r\n\r\n"],
  ["304", "GET", "HTTP/1.1 304 Same\r\n\r\n"],
  ["GET", "GET", ok("")],
];

for (const [name, method, head] of BRING_NONE) {
  for (const stray of ["<html>", "\r\n", "\0", "H"]) {
    Deno.test(`HttpClient sends a request again that meets ${JSON.stringify(stray)} from behind ${name}`, async () => {
      for (const [next, data] of [["GET"], ["PUT", "x"], ["POST", "x"]]) {
        await using scene = new ClientScene(async (peer) => {
          if (peer.index > 0) return await honest(peer);
          await peer.answer(head);
          const { target } = await peer.request();
          await peer.say(stray + ok(target));
        });
        await scene.request(method, "/1");
        const request = scene.request(next, "/2", { data });
        if (next === "POST") {
          const error = await failureOf(ResponseError, request);
          assertEquals(error.code, "bad-version");
        } else assertEquals(await (await request).text(), "/2");
        const retried = next === "POST" ? 0 : 1;
        assertEquals(scene.client.stats.retried, retried);
        assertEquals(scene.server.peers.length, 1 + retried);
      }
    });
  }
}

Deno.test("HttpClient sends a request again once that meets stray bytes, and not without retry", async () => {
  for (const retry of [false, true]) {
    let asked = 0;
    await using scene = new ClientScene(async (peer) => {
      if (peer.index === 0) await peer.answer(ok());
      await peer.request();
      asked++;
      await peer.say("stray");
    }, { retry });
    await scene.get();
    const error = await failureOf(ResponseError, scene.get());
    assertEquals(error.code, "bad-version");
    assertEquals(asked, retry ? 2 : 1);
  }
});

Deno.test("HttpClient makes a connection for each HEAD, and no more than it may", async () => {
  for (const tcp of [false, true]) {
    let most = 0;
    await using scene = new ClientScene(async (peer) => {
      most = Math.max(most, scene.server.open);
      await peer.answer(ok("body").slice(0, -4));
      assertEquals(peer.pending, "");
    }, { tcp, maxConnections: 2, pipelining: 4 });
    for (let i = 0; i < 2; i++) {
      const work = Array.from({ length: 20 }, async () => {
        const { contentLength } = await scene.request("HEAD");
        assertEquals(contentLength, 4);
      });
      await Promise.all(work);
    }
    await scene.empty();
    assertEquals(scene.server.peers.length, 40);
    // The server sees the end of one when the next is there.
    assert(most <= 4, `${most}`);
  }
});

// ---- Lies -------------------------------------------------------------------

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const LIES: Record<
  string,
  { text: string; code: ProtocolErrorCode | "lost" | string }
> = {
  "a length that is too long": {
    text: ok("body").replace("4", "9"),
    code: "lost",
  },
  "a length of 16 EB": {
    text: ok("body").replace("4", "9007199254740991"),
    code: "larger",
  },
  "a chunk that is too long": { text: CHUNKED + "9\r\nbody", code: "lost" },
  "a chunk that is too short": {
    text: CHUNKED + "2\r\nbody\r\n0\r\n\r\n",
    code: "bad-chunk-end",
  },
  "a chunk of 16 EB": {
    text: CHUNKED + "1fffffffffffff\r\nbody",
    code: "lost",
  },
  "no last chunk": { text: CHUNKED + "4\r\nbody\r\n", code: "lost" },
  "a response in a chunk's place": {
    text: CHUNKED + ok("x"),
    code: "bad-chunk-size",
  },
  "another switch of protocols": {
    text: "HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    code: "unexpected-switch",
  },
  "a TLS alert": { text: "\x15\x03\x01\x00\x02\x02\x46", code: "bad-version" },
  "a TLS hello": {
    text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    code: "bad-version",
  },
  "HTTP/2": { text: "\0\0\x12\x04\0\0\0\0\0", code: "bad-version" },
  "HTTP/0.9": { text: "<html>hello</html>", code: "bad-version" },
  "SSH": { text: "SSH-2.0-OpenSSH_9.6\r\n", code: "bad-version" },
  "our own request": { text: "GET / HTTP/1.1\r\n\r\n", code: "bad-version" },
  "a gzip body that is none": {
    text: ok("body", "Content-Encoding: gzip\r\n"),
    code: "bad-content-coding",
  },
};

for (const [name, { text, code }] of Object.entries(LIES)) {
  for (const isStreamed of [false, true]) {
    const mode = isStreamed ? "streamed" : "buffered";
    Deno.test(`HttpClient survives ${name} (${mode})`, async () => {
      await using scene = new ClientScene(async (peer) => {
        if (peer.index > 0) return await honest(peer);
        await peer.answer(text);
        // What is packed badly is whole, all the same.
        if (text.includes("gzip")) await honest(peer);
        else await peer.end("half-close");
      });
      const error = await failure(
        scene.get("/1", { stream: isStreamed }).then((one) => one.readAll()),
      );
      if (code === "lost" || code === "larger" && isStreamed) {
        assert(error instanceof ConnectionLostError, `${error}`);
        assertEquals(error.bytesReceived, 4);
      } else if (code === "larger") {
        assert(error instanceof TooLargeError, `${error}`);
      } else {
        assert(error instanceof ResponseError, `${error}`);
        assertEquals(error.code, code);
      }
      if (!text.includes("gzip")) await scene.empty();
      assertEquals(await (await scene.get("/2")).text(), "/2");
    });
  }
}

Deno.test("HttpClient drops what is more than the length that was said", async () => {
  await using scene = new ClientScene(async (peer) => {
    if (peer.index > 0) return await honest(peer);
    await peer.answer(ok("body") + "more");
  });
  assertEquals(await (await scene.get("/1")).text(), "body");
  await scene.empty();
  assertEquals(await (await scene.get("/2")).text(), "/2");
});

Deno.test("HttpClient survives random bytes", async () => {
  let seed = 1;
  const random = () => (seed = seed * 48271 % 0x7fffffff) / 0x7fffffff;
  await using scene = new ClientScene(async (peer) => {
    await peer.request();
    const bytes = Uint8Array.from({ length: 200 }, () => random() * 256);
    await peer.send(bytes);
    peer.close();
  });
  for (let i = 0; i < 200; i++) {
    const error = await failure(scene.get());
    assert(error instanceof ResponseError, `${error}`);
  }
});

// ---- Floods -----------------------------------------------------------------

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

Deno.test("HttpClient takes a thousand interim responses before the last", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) {
      const { target } = await peer.request();
      for (let i = 0; i < 1000; i++) await peer.say(CONTINUE);
      await peer.say(CONTINUE.repeat(1000) + ok(target));
    }
  });
  assertEquals(await (await scene.get("/1")).text(), "/1");
  assertEquals(await (await scene.get("/2")).text(), "/2");
  assertEquals(scene.server.peers.length, 1);
});

Deno.test("HttpClient times out on interim responses without end", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.request();
    for (;;) {
      await peer.say(CONTINUE.repeat(50));
      await turns(1);
    }
  }, { tcp: true, timeout: 100 });
  const error = await failureOf(TimeoutError, scene.get());
  assertEquals(error.phase, "headers");
  await scene.empty();
});

/** Repeats a text until the client has gone. */
function flood(head: string, text: string): (peer: RawPeer) => Promise<void> {
  return async (peer) => {
    await peer.request();
    await peer.say(head);
    for (;;) {
      await peer.say(text);
      await turns(1);
    }
  };
}

const FLOODS: Record<string, [head: string, text: string, code: string]> = {
  "a status line": ["HTTP/1.1 200 ", "x".repeat(5000), "status-line-too-long"],
  "a field": ["HTTP/1.1 200 OK\r\nX: ", "x".repeat(5000), "headers-too-large"],
  "a field name": [
    "HTTP/1.1 200 OK\r\n",
    "x".repeat(5000),
    "headers-too-large",
  ],
  "many fields": [
    "HTTP/1.1 200 OK\r\n",
    "X: y\r\n".repeat(20),
    "too-many-headers",
  ],
  "trailers": [CHUNKED + "0\r\n", "X: y\r\n".repeat(20), "too-many-headers"],
  "a chunk extension": [
    CHUNKED + "1;",
    "x".repeat(5000),
    "bad-chunk-extension",
  ],
  "extensions": [
    CHUNKED,
    `1;${"x".repeat(50)}\r\ny\r\n`.repeat(50),
    "bad-chunk-extension",
  ],
  "blanks": ["HTTP/1.1 200 OK\r\nX:", " ".repeat(5000), "headers-too-large"],
};

for (const [name, [head, text, code]] of Object.entries(FLOODS)) {
  Deno.test(`HttpClient ends a flood of ${name}`, async () => {
    await using scene = new ClientScene(flood(head, text), { tcp: true });
    const error = await failureOf(ResponseError, scene.get());
    assertEquals(error.code, code);
    await scene.empty();
    assert(scene.client.stats.bytesIn < 1_000_000);
  });
}

for (
  const [name, head] of Object.entries({
    "with a length": "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
    "in chunks": CHUNKED,
    "up to the end": "HTTP/1.1 200 OK\r\n\r\n",
    "of an error": "HTTP/1.1 500 Oh\r\n\r\n",
  })
) {
  Deno.test(`HttpClient ends a body ${name} that is over the limit`, async () => {
    const text = head === CHUNKED
      ? `1000\r\n${"x".repeat(0x1000)}\r\n`
      : "x".repeat(5000);
    const options = { tcp: true, maxResponseLength: 100_000 };
    await using scene = new ClientScene(flood(head, text), options);
    const error = await failureOf(TooLargeError, scene.get());
    assertEquals([error.limit, error.status], [100_000, 502]);
    const one = await failureOf(
      TooLargeError,
      scene.get("/", { maxResponseLength: 0 }),
    );
    assertEquals(one.limit, 0);
    await scene.empty();
    assert(scene.client.stats.bytesIn < 2_000_000);
  });
}

Deno.test("HttpClient takes a body of just the limit, and of none", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) {
      const { target } = await peer.request();
      await peer.say(ok("x".repeat(Number(target.slice(1)))));
    }
  }, { maxResponseLength: 1000 });
  assertEquals((await scene.get("/1000")).data.length, 1000);
  await failureOf(TooLargeError, scene.get("/1001"));
  const options = { maxResponseLength: 0 };
  assertEquals((await scene.get("/0", options)).data.length, 0);
});

for (const coding of ["gzip", "gzip, gzip"]) {
  for (const size of [200_000, 64_000_000]) {
    for (const isChunked of [false, true]) {
      const framing = isChunked ? "in chunks" : "with a length";
      Deno.test(`HttpClient defuses ${coding} of ${size} bytes ${framing}`, async () => {
        let packed: Uint8Array = gzipSync(new Uint8Array(size));
        if (coding !== "gzip") packed = gzipSync(packed);
        const lines = `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\n`;
        await using scene = new ClientScene(async (peer) => {
          for (;;) {
            await peer.request();
            if (isChunked) {
              const length = packed.length.toString(16);
              await peer.say(
                `${lines}Transfer-Encoding: chunked\r\n\r\n${length}\r\n`,
              );
              await peer.send(packed);
              await peer.say("\r\n0\r\n\r\n");
            } else {
              await peer.say(
                `${lines}Content-Length: ${packed.length}\r\n\r\n`,
              );
              await peer.send(packed);
            }
          }
        }, { maxResponseLength: 100_000 });
        const error = await failureOf(TooLargeError, scene.get());
        assertEquals(error.limit, 100_000);
        // As a stream it is not bounded, but given a piece at a time.
        const response = await scene.stream();
        const piece = await response.read();
        assert(piece !== null && piece.length <= 200_000);
        response.close();
      });
    }
  }
}

// ---- Plain and secure -------------------------------------------------------

Deno.test("HttpClient tells when a plain server is asked for TLS", async () => {
  await using scene = new ClientScene(async (peer) => {
    await peer.more();
    await peer.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  }, { tcp: true });
  const url = scene.server.url.replace("http:", "https:");
  const error = await failureOf(TlsError, scene.get(`${url}/`));
  assertEquals(error.status, 502);
  await scene.empty();
});

Deno.test("HttpClient times out when a server says nothing to TLS", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using scene = new ClientScene(async (peer) => {
    await promise; // Deno lets go of the socket when the peer does
    peer.close();
  }, { tcp: true, connectTimeout: 100 });
  const url = scene.server.url.replace("http:", "https:");
  const error = await failureOf(TimeoutError, scene.get(`${url}/`));
  assertEquals(error.phase, "tls");
  resolve();
  await scene.empty();
});

Deno.test({
  ...wanting(
    "HttpClient tells when a TLS server is asked in the clear",
    "OpenSSL 3",
  ),
}, async () => {
  const pair = await makePair();
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair });
  const served = (async () => {
    using conn = await listener.accept();
    await conn.handshake().catch(() => {});
  })();
  {
    await using scene = new ClientScene(() => {}, { tcp: true });
    const { port } = listener.addr as Deno.NetAddr;
    const error = await failure(scene.get(`http://127.0.0.1:${port}/`));
    assert(
      error instanceof ResponseError && error.code === "bad-version" ||
        error instanceof ConnectionLostError,
      `${error}`,
    );
  }
  await served;
  listener.close();
});
