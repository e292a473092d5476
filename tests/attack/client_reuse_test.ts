// Kept connections that die, and several requests on one connection.
import { assert, assertEquals } from "@std/assert";
import {
  ConnectionLostError,
  ResponseError,
  TimeoutError,
} from "../../client.ts";
import {
  ClientScene,
  failure,
  failureOf,
  ok,
} from "../support/client_scene.ts";
import type { Ending, RawPeer } from "../support/raw_server.ts";

/** Answers requests with their targets. */
async function honest(peer: RawPeer): Promise<void> {
  for (;;) {
    const { target } = await peer.request();
    await peer.say(ok(target));
  }
}

const IDEMPOTENT = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];
const OTHERS = ["POST", "PATCH", "FOO", "get"];

for (const tcp of [false, true]) {
  const where = tcp ? "sockets" : "memory";

  for (const ending of ["close", "half-close", "reset"] as Ending[]) {
    if (tcp && ending === "reset") continue; // nothing is left unread
    Deno.test(`HttpClient notices a ${ending} of an idle connection (${where})`, async () => {
      await using scene = new ClientScene(async (peer) => {
        await peer.answer(ok("warm"));
        if (peer.index === 0) await peer.end(ending);
        else await honest(peer);
      }, { tcp });
      await scene.get();
      await scene.empty();
      for (const method of ["POST", "GET"]) {
        const response = await scene.request(method, "/");
        assertEquals(response.status, 200);
      }
      assertEquals(scene.client.stats.retried, 0);
      assertEquals(scene.server.peers.length, 2);
    });
  }

  for (const ending of ["close", "reset"] as Ending[]) {
    for (const method of [...IDEMPOTENT, ...OTHERS]) {
      for (const data of [undefined, "bytes", "blob", "stream"]) {
        if (data !== undefined && !["PUT", "POST"].includes(method)) continue;
        const isRepeated = IDEMPOTENT.includes(method) && data !== "stream";
        const what = data === undefined ? method : `${method} of ${data}`;
        Deno.test(`HttpClient sends ${what} ${isRepeated ? "once more" : "never again"} after a ${ending} (${where})`, async () => {
          const sent: string[] = [];
          await using scene = new ClientScene(async (peer) => {
            if (peer.index === 0) await peer.answer(ok("warm"));
            if (tcp && ending === "reset" && peer.index === 0) {
              await peer.leaveUnread();
              sent.push("x");
              peer.close();
              return;
            }
            const { body } = await peer.request();
            sent.push(body);
            if (peer.index === 0) await peer.end(ending);
            else await peer.say(ok());
          }, { tcp });
          await scene.get();
          const request = scene.request(method, "/", {
            data: data === "stream"
              ? ["some"].values()
              : data === "blob"
              ? new Blob(["some"])
              : data === "bytes"
              ? "some"
              : undefined,
          });
          if (isRepeated) assertEquals((await request).status, 200);
          else await failureOf(ConnectionLostError, request);
          assertEquals(sent.length, isRepeated ? 2 : 1);
          assertEquals(scene.client.stats.retried, isRepeated ? 1 : 0);
        });
      }
    }
  }

  Deno.test(`HttpClient sends nothing more than twice (${where})`, async () => {
    // Both connections are warm, and die at the next request; so does the one
    // that is made for the second attempt.
    let asked = 0;
    await using scene = new ClientScene(async (peer) => {
      if (peer.index < 2) await peer.answer(ok());
      await peer.request();
      asked++;
      peer.close();
    }, { tcp, maxConnections: 2 });
    await Promise.all([scene.get(), scene.get()]);
    await failureOf(ConnectionLostError, scene.get());
    assertEquals(asked, 2);
  });

  for (const maxConnections of [2, 3]) {
    Deno.test(`HttpClient makes a new connection where all ${maxConnections} are dead (${where})`, async () => {
      let asked = 0;
      await using scene = new ClientScene(async (peer) => {
        if (peer.index >= maxConnections) return await honest(peer);
        await peer.answer(ok());
        await peer.request();
        asked++;
        peer.close();
      }, { tcp, maxConnections });
      await Promise.all(
        Array.from({ length: maxConnections }, () => scene.get()),
      );
      assertEquals(await (await scene.get("/x")).text(), "/x");
      assertEquals([asked, scene.client.stats.retried], [1, 1]);
    });
  }

  Deno.test(`HttpClient sends nothing again that was begun to be answered (${where})`, async () => {
    for (const begun of ["H", "HTTP/1.1 200 OK\r\n", ok("body").slice(0, -1)]) {
      await using scene = new ClientScene(async (peer) => {
        await peer.answer(ok());
        await peer.answer(begun);
        peer.close();
      }, { tcp });
      await scene.get();
      await failureOf(ConnectionLostError, scene.get());
      assertEquals(scene.server.peers.length, 1);
    }
  });

  Deno.test(`HttpClient sends nothing again without retry, or on a new connection (${where})`, async () => {
    await using scene = new ClientScene(async (peer) => {
      await peer.request();
      peer.close();
    }, { tcp });
    await failureOf(ConnectionLostError, scene.get());
    assertEquals(scene.server.peers.length, 1);
    await using other = new ClientScene(async (peer) => {
      await peer.answer(ok());
      await peer.request();
      peer.close();
    }, { tcp, retry: false });
    await other.get();
    await failureOf(ConnectionLostError, other.get());
    assertEquals(other.server.peers.length, 1);
  });

  // ---- Pipelining -----------------------------------------------------------

  const options = { tcp, maxConnections: 1, pipelining: 4 };

  for (const ending of ["close", "reset", "half-close"] as Ending[]) {
    for (const count of [0, 1, 2, 3, 4]) {
      Deno.test(`HttpClient gets four answers from one that gives ${count} and then does a ${ending} (${where})`, async () => {
        const log: string[] = [];
        await using scene = new ClientScene(async (peer) => {
          await peer.answer(ok("warm"));
          if (peer.index > 0) {
            for (;;) {
              const { target } = await peer.request();
              log.push(`${peer.index}${target}`);
              await peer.say(ok(target));
            }
          }
          const targets: string[] = [];
          for (let i = 0; i < 4; i++) {
            targets.push((await peer.request()).target);
          }
          for (const target of targets.slice(0, count)) {
            await peer.say(ok(target));
          }
          await peer.end(ending);
        }, options);
        await scene.get("/warm");
        const paths = ["/1", "/2", "/3", "/4"];
        const results = await Promise.allSettled(
          paths.map((path) => scene.get(path)),
        );
        for (const [i, result] of results.entries()) {
          if (result.status === "rejected") throw result.reason;
          const text = await result.value.text();
          // The first on a new connection is answered by the warm-up.
          assert(text === paths[i] || text === "warm" && i >= count, text);
        }
        assertEquals(scene.client.stats.retried, 4 - count);
      });
    }
  }

  Deno.test(`HttpClient fails only the request whose answer is malformed (${where})`, async () => {
    await using scene = new ClientScene(async (peer) => {
      if (peer.index > 0) return await honest(peer);
      await peer.answer(ok("warm"));
      for (let i = 0; i < 4; i++) await peer.request();
      await peer.say(ok("/1") + "HTTP/1.1 2000 OK\r\n\r\n" + ok("/3"));
    }, options);
    await scene.get("/warm");
    const requests = ["/1", "/2", "/3", "/4"].map((path) => scene.get(path));
    assertEquals(await (await requests[0]).text(), "/1");
    const error = await failureOf(ResponseError, requests[1]);
    assertEquals(error.code, "bad-status");
    assertEquals(await (await requests[2]).text(), "/3");
    assertEquals(await (await requests[3]).text(), "/4");
  });

  Deno.test(`HttpClient fails only the request whose answer is too late (${where})`, async () => {
    await using scene = new ClientScene(async (peer) => {
      if (peer.index > 0) return await honest(peer);
      await peer.answer(ok("warm"));
      for (let i = 0; i < 4; i++) await peer.request();
      await peer.say(ok("/1"));
    }, { ...options, timeout: 80 });
    await scene.get("/warm");
    const requests = ["/1", "/2", "/3", "/4"].map((path) => scene.get(path));
    assertEquals(await (await requests[0]).text(), "/1");
    await failureOf(TimeoutError, requests[1]);
    assertEquals(await (await requests[2]).text(), "/3");
    assertEquals(await (await requests[3]).text(), "/4");
  });

  Deno.test(`HttpClient repeats those behind a Connection: close, and drops what follows (${where})`, async () => {
    await using scene = new ClientScene(async (peer) => {
      if (peer.index > 0) return await honest(peer);
      await peer.answer(ok("warm"));
      for (let i = 0; i < 4; i++) await peer.request();
      await peer.say(ok("/1", "Connection: close\r\n") + ok("poison"));
    }, options);
    await scene.get("/warm");
    const requests = ["/1", "/2", "/3", "/4"].map((path) => scene.get(path));
    const texts = requests.map(async (request) => (await request).text());
    assertEquals(await Promise.all(texts), ["/1", "/2", "/3", "/4"]);
  });

  Deno.test(`HttpClient keeps HEAD and GET apart (${where})`, async () => {
    await using scene = new ClientScene(async (peer) => {
      if (peer.index === 0) await peer.answer(ok("warm"));
      for (;;) {
        const { method, target } = await peer.request();
        const text = ok(target);
        await peer.say(
          method === "HEAD" ? text.slice(0, -target.length) : text,
        );
      }
    }, options);
    await scene.get("/warm");
    const work = Array.from({ length: 50 }, async (_, i) => {
      const method = i % 3 === 0 ? "HEAD" : "GET";
      const response = await scene.request(method, `/${i}`);
      assertEquals(response.contentLength, `/${i}`.length);
      assertEquals(await response.text(), method === "HEAD" ? "" : `/${i}`);
    });
    await Promise.all(work);
    // None is used again behind HEAD, not even for what waits already.
    assertEquals(scene.server.peers.length, 18);
  });

  Deno.test(`HttpClient drops an answer too many to several requests (${where})`, async () => {
    await using scene = new ClientScene(async (peer) => {
      if (peer.index > 0) return await honest(peer);
      await peer.answer(ok("warm"));
      for (let i = 0; i < 2; i++) await peer.request();
      await peer.say(ok("/1") + ok("/2") + ok("poison"));
    }, options);
    await scene.get("/warm");
    const both = await Promise.all([scene.get("/1"), scene.get("/2")]);
    assertEquals(await both[0].text(), "/1");
    assertEquals(await both[1].text(), "/2");
    assertEquals(await (await scene.get("/3")).text(), "/3");
    assertEquals(scene.server.peers.length, 2);
  });

  Deno.test(`HttpClient sends a POST behind nothing and nothing behind a POST (${where})`, async () => {
    const ahead: string[] = [];
    await using scene = new ClientScene(async (peer) => {
      await peer.answer(ok("warm"));
      for (;;) {
        const { target } = await peer.request();
        ahead.push(peer.pending);
        await peer.say(ok(target));
      }
    }, options);
    await scene.get("/warm");
    const work = ["GET", "POST", "GET", "POST", "POST", "GET"].map(
      async (method, i) => {
        const response = await scene.request(method, `/${i}`);
        assertEquals(await response.text(), `/${i}`);
      },
    );
    await Promise.all(work);
    assert(ahead.every((text) => !text.includes("POST")), ahead.join());
  });

  Deno.test(`HttpClient sends those again that wait behind one that is aborted (${where})`, async () => {
    const asked = Promise.withResolvers<void>();
    await using scene = new ClientScene(async (peer) => {
      if (peer.index > 0) return await honest(peer);
      await peer.answer(ok("warm"));
      for (let i = 0; i < 4; i++) await peer.request();
      asked.resolve();
    }, options);
    await scene.get("/warm");
    const requests = ["/1", "/2", "/3", "/4"].map((path) => scene.get(path));
    await asked.promise;
    requests[1].abort();
    await failure(requests[1]);
    // The one ahead is as idempotent, and has not been answered either.
    const rest = [0, 2, 3].map(async (i) => (await requests[i]).text());
    assertEquals(await Promise.all(rest), ["/1", "/3", "/4"]);
  });

  Deno.test(`HttpClient spares one that is being answered when one behind it is aborted (${where})`, async () => {
    const go = Promise.withResolvers<void>();
    await using scene = new ClientScene(async (peer) => {
      if (peer.index > 0) return await honest(peer);
      await peer.answer(ok("warm"));
      for (let i = 0; i < 3; i++) await peer.request();
      await peer.say(ok("/1+").slice(0, -1));
      await go.promise;
      await peer.say("+" + ok("/2") + ok("/3"));
    }, options);
    await scene.get("/warm");
    const requests = ["/1", "/2", "/3"].map((path) => scene.get(path));
    await scene.entered("receiving", 2);
    requests[1].abort();
    await failure(requests[1]);
    go.resolve();
    assertEquals(await (await requests[0]).text(), "/1+");
    assertEquals(await (await requests[2]).text(), "/3");
  });
}

for (const keepAlive of [true, false]) {
  for (
    const text of [
      ok("x", "Connection: close\r\n"),
      "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    ]
  ) {
    Deno.test(`HttpClient closes a connection that is not to be kept (${keepAlive}, ${text.slice(0, 8)})`, async () => {
      await using scene = new ClientScene(async (peer) => {
        await peer.answer(text);
      }, { keepAlive });
      for (let i = 1; i <= 3; i++) {
        assertEquals(await (await scene.get()).text(), "x");
        await scene.empty();
        assertEquals(scene.server.peers.length, i);
      }
    });
  }
}
