// Responses that lead elsewhere, and servers that make something of it.
import { assert, assertEquals } from "@std/assert";
import {
  ConnectError,
  ConnectionLostError,
  ResponseError,
} from "../../client.ts";
import { ClientScene, failureOf, ok } from "../support/client_scene.ts";
import { RawServer } from "../support/raw_server.ts";
import type { RawPeer, RawRequest } from "../support/raw_server.ts";

/** A redirect without a body. */
function to(
  location: string,
  status = 302,
  rest = "Content-Length: 0\r\n\r\n",
) {
  return `HTTP/1.1 ${status} There\r\nLocation: ${location}\r\n${rest}`;
}

/** A port at which nobody listens. */
function deadPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

for (const limit of [1, 2, 10]) {
  Deno.test(`HttpClient follows a loop ${limit} times and no further`, async () => {
    let asked = 0;
    await using scene = new ClientScene(async (peer) => {
      for (;;) {
        const { target } = await peer.request();
        asked++;
        await peer.say(to(target));
      }
    }, { maxRedirects: limit });
    const error = await failureOf(ResponseError, scene.get("/loop"));
    assertEquals(error.code, "too-many-redirects");
    assertEquals(asked, limit + 1);
    assertEquals(scene.server.peers.length, 1);
    const response = await scene.get("/", { maxRedirects: 0 });
    assertEquals([response.status, response.redirected], [302, false]);
  });
}

Deno.test("HttpClient fails where a redirect leads to nobody", async () => {
  const url = `http://127.0.0.1:${deadPort()}/x`;
  await using scene = new ClientScene((peer) => peer.answer(to(url)), {
    tcp: true,
    maxRedirects: 5,
  });
  const error = await failureOf(ConnectError, scene.get());
  assertEquals(error.url, url);
});

for (
  const location of [
    "ftp://a/b",
    "http://",
    "http://user:password@a/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://a:99999/",
    "//",
  ]
) {
  Deno.test(`HttpClient refuses to be sent to ${location}`, async () => {
    await using scene = new ClientScene((peer) => peer.answer(to(location)), {
      maxRedirects: 5,
    });
    const error = await failureOf(ResponseError, scene.get());
    assertEquals(error.code, "bad-location");
    assertEquals(scene.server.peers.length, 1);
  });
}

Deno.test("HttpClient refuses two locations", async () => {
  await using scene = new ClientScene(
    (peer) => peer.answer(to("/a\r\nLocation: /b")),
    { maxRedirects: 5 },
  );
  const error = await failureOf(ResponseError, scene.get());
  assertEquals(error.code, "bad-location");
});

for (const status of [301, 302, 303, 307, 308]) {
  for (const method of ["GET", "POST"]) {
    for (const isBack of [false, true]) {
      const back = isBack ? ", and back again" : "";
      Deno.test(`HttpClient takes no secrets to another origin after ${status} to ${method}${back}`, async () => {
        const heads: RawRequest[] = [];
        let own = "";
        const other = RawServer.listen(async (peer) => {
          heads.push(await peer.request());
          await peer.say(isBack ? to(`${own}/back`, status) : ok("other"));
        });
        {
          await using scene = new ClientScene(async (peer) => {
            for (;;) {
              const request = await peer.request();
              if (request.target === "/back") {
                heads.push(request);
                await peer.say(ok("other"));
                continue;
              }
              assert(request.headers.authorization !== undefined);
              await peer.say(
                to(
                  `${other.url}/x`,
                  status,
                  "Set-Cookie: a=secret; Path=/\r\nContent-Length: 0\r\n\r\n",
                ),
              );
            }
          }, {
            tcp: true,
            maxRedirects: 5,
            auth: { basic: ["user", "secret"] },
            headers: { "x-client": "secret", "x-api-key": "secret" },
          });
          own = scene.server.url;
          scene.client.cookies!.store(new URL(own), ["b=secret"]);
          const response = await scene.request(method, "/", {
            data: method === "POST" ? "some" : undefined,
            headers: {
              "x-own": "secret",
              "cookie": "c=secret",
              "accept": "text/x",
              "proxy-authorization": "secret",
            },
          });
          assertEquals(await response.text(), "other");
          assertEquals(response.redirected, true);
          assertEquals(heads.length, isBack ? 2 : 1);
          // On the way back there may be the cookies of that origin.
          for (const { head } of heads.slice(0, 1)) {
            assert(!head.includes("secret"), head);
            assert(!/^(?:authorization|x-)/im.test(head), head);
            assert(head.includes("accept: text/x"), head);
          }
          for (const { headers } of heads.slice(1)) {
            assertEquals(headers.authorization, undefined);
            assertEquals(headers["x-own"], undefined);
          }
          const kept = status > 303 && method === "POST";
          assertEquals(heads[0].method, kept ? "POST" : "GET");
          assertEquals(heads[0].body, kept ? "some" : "");
        }
        await other[Symbol.asyncDispose]();
        assertEquals(other.faults, []);
      });
    }
  }
}

for (const status of [301, 302, 307, 308, 401]) {
  Deno.test(`HttpClient gives ${status} to a stream, which cannot be sent again, as it is`, async () => {
    await using scene = new ClientScene(async (peer) => {
      await peer.answer(
        to(
          "/2",
          status,
          "WWW-Authenticate: Basic realm=a\r\nContent-Length: 2\r\n\r\nhi",
        ),
      );
    }, { maxRedirects: 5, auth: { digest: ["a", "b"] } });
    const response = await scene.request("PUT", "/", {
      data: ["some"].values(),
    });
    assertEquals([response.status, await response.text()], [status, "hi"]);
    assertEquals(scene.server.peers.length, 1);
  });
}

// ---- The body of a redirect -------------------------------------------------

/** Sends without end. */
async function endless(peer: RawPeer, head: string, piece: string) {
  await peer.say(head);
  for (;;) {
    await peer.say(piece);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

const BODIES: Record<string, (peer: RawPeer) => Promise<void>> = {
  "endless, in chunks": (peer) =>
    endless(
      peer,
      to("/2", 302, "Transfer-Encoding: chunked\r\n\r\n"),
      `1000\r\n${"x".repeat(0x1000)}\r\n`,
    ),
  "endless, up to the end": (peer) =>
    endless(peer, to("/2", 302, "\r\n"), "x".repeat(5000)),
  "of a TiB": (peer) =>
    endless(
      peer,
      to("/2", 302, "Content-Length: 1099511627776\r\n\r\n"),
      "x".repeat(5000),
    ),
  "cut off": async (peer) => {
    await peer.say(to("/2", 302, "Content-Length: 10\r\n\r\nhello"));
    peer.close();
  },
  "in chunks, cut off": async (peer) => {
    await peer.say(to("/2", 302, "Transfer-Encoding: chunked\r\n\r\n5\r\nhe"));
    peer.close();
  },
};

for (const [name, answer] of Object.entries(BODIES)) {
  Deno.test(`HttpClient follows a redirect with a body ${name}`, async () => {
    await using scene = new ClientScene(async (peer) => {
      const { target } = await peer.request();
      if (target === "/2") await peer.say(ok("there"));
      else await answer(peer);
    }, { tcp: true, maxRedirects: 1, timeout: 500 });
    const response = await scene.get("/1");
    assertEquals(await response.text(), "there");
    assertEquals(response.url, `${scene.server.url}/2`);
    assert(scene.client.stats.bytesIn < 2_000_000);
    assertEquals(scene.server.peers.length, 2);
  });
}

Deno.test("HttpClient comes to an end with a redirect of which the body stands still", async () => {
  await using scene = new ClientScene(async (peer) => {
    const { target } = await peer.request();
    if (target === "/2") await peer.say(ok("there"));
    else await peer.say(to("/2", 302, "Content-Length: 10\r\n\r\nhello"));
  }, { maxRedirects: 1, timeout: 60 });
  const request = scene.get("/1");
  await request.then(
    (response) => assertEquals(response.status, 200),
    (error) => assertEquals(error.phase, "body"),
  );
  await scene.until(() => scene.server.open <= 1);
});

Deno.test("HttpClient uses the connection again for a redirect with a short body", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) {
      const { target } = await peer.request();
      await peer.say(
        target === "/2"
          ? ok("there")
          : to("/2", 302, "Content-Length: 5\r\n\r\nhello"),
      );
    }
  }, { maxRedirects: 1 });
  for (const stream of [false, true]) {
    assertEquals(await (await scene.get("/1", { stream })).text(), "there");
  }
  assertEquals(scene.server.peers.length, 1);
});

Deno.test("HttpClient loses a redirect that is cut off at its target", async () => {
  await using scene = new ClientScene(async (peer) => {
    if (peer.index === 0) {
      await peer.answer(
        to("/2", 302, "Connection: close\r\nContent-Length: 0\r\n\r\n"),
      );
    } else await peer.request();
    peer.close();
  }, { maxRedirects: 1 });
  const error = await failureOf(ConnectionLostError, scene.get("/1"));
  assertEquals(error.url, "http://memory/2");
});

// ---- Credentials ------------------------------------------------------------

const CHALLENGES: Record<string, string> = {
  "Basic": "Basic realm=a",
  "Digest": 'Digest realm=a, nonce="n", qop=auth',
  "Digest that is always stale":
    'Digest realm=a, nonce="n", stale=true, qop=auth',
  "both": 'Basic realm=a, Digest realm=a, nonce="n"',
  "something unknown": "Negotiate",
  "nothing": "",
  "garbage": 'Digest =,==,"',
};

for (const [name, challenge] of Object.entries(CHALLENGES)) {
  for (
    const auth of [undefined, ["a", "b"], { basic: ["a", "b"] }, {
      digest: ["a", "b"],
    }, { bearer: "x" }] as const
  ) {
    const kind = auth === undefined ? "none" : Object.keys(auth)[0];
    Deno.test(`HttpClient ends a loop of 401 by ${name} (credentials: ${kind})`, async () => {
      let asked = 0;
      await using scene = new ClientScene(async (peer) => {
        for (;;) {
          await peer.request();
          asked++;
          const nonce = challenge.replace('"n"', `"n${asked}"`);
          await peer.say(
            `HTTP/1.1 401 No\r\nWWW-Authenticate: ${nonce}\r\n` +
              "Content-Length: 2\r\n\r\nno",
          );
        }
        // deno-lint-ignore no-explicit-any -- read-only pairs
      }, { auth: auth as any });
      const response = await scene.get();
      assertEquals([response.status, await response.text()], [401, "no"]);
      assert(asked <= 5, `${asked}`);
    });
  }
}
