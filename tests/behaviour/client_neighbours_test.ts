// Good requests among bad ones, on shared connections: nobody pays for what
// somebody else has done.
import { assert, assertEquals } from "@std/assert";
import { ClientError, type RequestOptions } from "../../client.ts";
import { ClientScene, failure, ok, turns } from "../support/client_scene.ts";
import type { RawPeer } from "../support/raw_server.ts";

/** What a bad request does to its connection. */
const FAULTS: Record<string, (peer: RawPeer) => Promise<unknown>> = {
  "closes": (peer) => peer.end("close"),
  "resets": (peer) => peer.end("reset"),
  "ends its side": (peer) => peer.end("half-close"),
  "answers garbage": (peer) => peer.say("garbage\r\n\r\n"),
  "answers half": async (peer) => {
    await peer.say(ok("/bad").slice(0, -2));
    peer.close();
  },
  "answers, and closes": async (peer) => {
    await peer.say(ok("/bad"));
    peer.close();
  },
  "answers, and says close": async (peer) => {
    await peer.say(ok("/bad", "Connection: close\r\n"));
    peer.close();
  },
  "answers, with more behind it": (peer) => peer.say(ok("/bad") + "more"),
  "answers, and more later": async (peer) => {
    await peer.say(ok("/bad"));
    await turns(1);
    await peer.say("more");
  },
  "answers to the end": async (peer) => {
    await peer.say("HTTP/1.1 200 OK\r\n\r\n/bad");
    peer.close();
  },
  "says nothing": () => new Promise(() => {}),
};

for (const tcp of [false, true]) {
  for (const pipelining of [1, 4]) {
    for (const fault of [...Object.keys(FAULTS), "does all of these"]) {
      const where = `${tcp ? "sockets" : "memory"}, pipelining ${pipelining}`;
      Deno.test(`HttpClient answers all good requests where a server ${fault} at others (${where})`, async () => {
        let seed = 11;
        const random = () => (seed = seed * 48271 % 0x7fffffff) / 0x7fffffff;
        const names = Object.keys(FAULTS);
        const over = Promise.withResolvers<void>();
        await using scene = new ClientScene(async (peer) => {
          for (;;) {
            const { target } = await peer.request();
            if (!target.startsWith("/bad")) {
              await peer.say(ok(target));
              continue;
            }
            const name = fault in FAULTS
              ? fault
              : names[Number(target.slice(5)) % names.length];
            // What says nothing is ended with all others.
            await Promise.race([FAULTS[name](peer), over.promise]);
            if (name === "says nothing") return;
          }
        }, { tcp, pipelining, maxConnections: 2, timeout: 10_000 });
        const failed: string[] = [];
        const work = Array.from({ length: 600 }, async (_, i) => {
          const isBad = random() < 1 / 3;
          const path = isBad ? `/bad-${i}` : `/${i}`;
          const options: RequestOptions = isBad ? { timeout: 30 } : {};
          const request = scene.get(path, options);
          if (isBad && random() < 0.3) {
            turns(1).then(() => request.abort());
          }
          try {
            const text = await (await request).text();
            if (!isBad && text !== path) failed.push(`${path}: ${text}`);
          } catch (error) {
            assert(error instanceof ClientError, `${error}`);
            if (!isBad) failed.push(`${path}: ${error}`);
          }
        });
        await Promise.all(work);
        over.resolve();
        assertEquals(failed, []);
      });
    }
  }
}

Deno.test("HttpClient sends a request behind others no more, once it has lost a connection to them", async () => {
  // Each connection is good for one answer, and ends with the next request.
  const behind: string[] = [];
  await using scene = new ClientScene(async (peer) => {
    await peer.answer(ok("warm"));
    const { target } = await peer.request();
    for (const [, path] of peer.pending.matchAll(/GET (\S+)/g)) {
      behind.push(path);
    }
    if (target === "/bad") return peer.end("close");
    await peer.say(ok(target));
    peer.close();
  }, { maxConnections: 1, pipelining: 8 });
  await scene.get("/warm");
  const bad = scene.get("/bad");
  const good = Array.from({ length: 7 }, (_, i) => scene.get(`/${i}`));
  await Promise.allSettled([bad, ...good]);
  for (const request of good) assertEquals(request.error, null);
  assertEquals(new Set(behind).size, behind.length, behind.join());
});

Deno.test("HttpClient fails a request that ends every connection, after two", async () => {
  for (const pipelining of [1, 4]) {
    let asked = 0;
    await using scene = new ClientScene(async (peer) => {
      for (;;) {
        const { target } = await peer.request();
        if (target === "/bad") {
          asked++;
          return peer.end("close");
        }
        await peer.say(ok(target));
      }
    }, { maxConnections: 2, pipelining });
    await Promise.all([scene.get("/1"), scene.get("/2")]);
    await failure(scene.get("/bad"));
    assertEquals(asked, 2);
    assertEquals(await (await scene.get("/3")).text(), "/3");
  }
});
