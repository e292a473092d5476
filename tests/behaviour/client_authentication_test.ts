import { assert, assertEquals } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { type ClientAuth, HttpClient } from "../../client.ts";
import { makePair } from "../support/certificates.ts";
import {
  DigestGuard,
  type DigestGuardOptions,
} from "../support/digest_server.ts";
import {
  ClientArena,
  type ClientArenaOptions,
} from "../support/client_arenas.ts";
import { wanting } from "../support/wanting.ts";

const ME = ["Jöhn", 'pass "w:örd'] as const;
const [user, password] = ME;
const BASIC = `Basic ${btoa(utf8(`${user}:${password}`))}`;

function utf8(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** Lets in who shows one value, and asks for Basic. */
function basicGuard(seen: (string | undefined)[], wanted = BASIC) {
  return (client: HttpConnection) => {
    const { authorization } = client.headers;
    seen.push(authorization);
    if (authorization === wanted) return client.respond("in");
    return client.respond("out", {
      status: 401,
      headers: { "www-authenticate": 'Basic realm="r", charset="UTF-8"' },
    });
  };
}

// ---- Basic and Bearer -----------------------------------------------------

Deno.test("a pair is not sent in plain text before it is asked for", async () => {
  const seen: (string | undefined)[] = [];
  await using arena = new ClientArena(basicGuard(seen), {
    client: { auth: ME },
  });
  const first = await arena.client.get();
  assertEquals([first.status, await first.text()], [200, "in"]);
  assertEquals(first.redirected, false);
  assertEquals(seen, [undefined, BASIC]);
  await arena.client.post("", { data: "x" });
  assertEquals(seen, [undefined, BASIC, BASIC]);
  assertEquals(arena.client.stats.opened, 1);
});

Deno.test("basic and bearer are sent at once", async () => {
  for (
    const [auth, value] of [
      [{ basic: ME }, BASIC],
      [{ bearer: "abc.DEF-1~/+==" }, "Bearer abc.DEF-1~/+=="],
    ] as [ClientAuth, string][]
  ) {
    const seen: (string | undefined)[] = [];
    await using arena = new ClientArena(basicGuard(seen, value), {
      client: { auth },
    });
    assertEquals((await arena.client.get()).status, 200);
    assertEquals(seen, [value]);
  }
});

Deno.test("credentials can be in the URL", async () => {
  const seen: (string | undefined)[] = [];
  await using arena = new ClientArena(basicGuard(seen));
  const { port } = arena.server;
  const encoded = [user, password].map(encodeURIComponent).join(":");
  await using client = new HttpClient(`http://${encoded}@127.0.0.1:${port}`);
  const response = await client.get();
  assertEquals([response.status, response.url], [200, arena.server.url]);
  assertEquals(seen, [undefined, BASIC]);
  // The option goes before.
  await using other = new HttpClient(`http://a:b@127.0.0.1:${port}`, {
    auth: { basic: ME },
  });
  assertEquals((await other.get()).status, 200);
});

Deno.test("wrong credentials end with the 401 they get", async () => {
  const seen: (string | undefined)[] = [];
  await using arena = new ClientArena(basicGuard(seen));
  for (
    const [auth, tries] of [
      [["a", "b"], 2],
      [["a", "b"], 2],
      [{ basic: ["a", "b"] }, 1],
      [{ bearer: "t" }, 1],
      [{ digest: ["a", "b"] }, 1],
      [undefined, 1],
    ] as [ClientAuth | undefined, number][]
  ) {
    const client = arena.another(auth === undefined ? {} : { auth });
    for (let turn = 0; turn < 2; turn++) {
      seen.length = 0;
      const response = await client.get();
      assertEquals([response.status, await response.text()], [401, "out"]);
      // It has been asked for Basic by then.
      assertEquals(seen.length, turn === 0 ? tries : 1, JSON.stringify(auth));
    }
  }
});

Deno.test("a request's own auth is in place of the client's", async () => {
  const seen: (string | undefined)[] = [];
  await using arena = new ClientArena(basicGuard(seen), {
    client: { auth: { bearer: "all" } },
  });
  const { client } = arena;
  assertEquals((await client.get("", { auth: ME })).status, 200);
  assertEquals(seen, [undefined, BASIC]);
  assertEquals((await client.get("", { auth: { basic: ME } })).status, 200);
  assertEquals((await client.get()).status, 401);
  const headers = { authorization: BASIC };
  assertEquals((await client.get("", { headers })).status, 200);
  assertEquals(
    (await client.get("", { headers: { authorization: null } })).status,
    401,
  );
  assertEquals(seen.slice(2), [BASIC, "Bearer all", BASIC, undefined]);
});

Deno.test("what the caller puts there by hand is not answered for", async () => {
  const seen: (string | undefined)[] = [];
  await using arena = new ClientArena(basicGuard(seen), {
    client: { auth: ME },
  });
  const headers = { authorization: "Mine x" };
  assertEquals((await arena.client.get("", { headers })).status, 401);
  assertEquals(seen, ["Mine x"]);
});

Deno.test({
  ...wanting("a pair is sent at once over TLS", "OpenSSL 3"),
  async fn() {
    const seen: (string | undefined)[] = [];
    await using arena = new ClientArena(basicGuard(seen), {
      server: await makePair(),
      client: { auth: ME },
    });
    assertEquals((await arena.client.get()).status, 200);
    assertEquals(seen, [BASIC]);
  },
});

// ---- Digest ---------------------------------------------------------------

/** A client that knows the password, and a server that asks for Digest. */
class DigestArena extends ClientArena {
  readonly guard: DigestGuard;
  readonly counts: number[];

  constructor(
    guard: Partial<DigestGuardOptions> = {},
    options: ClientArenaOptions = {},
  ) {
    const checks = new DigestGuard({ user, password, ...guard });
    const counts: number[] = [];
    super(async (client) => {
      const nc = / nc=([0-9a-f]{8})/.exec(
        client.headersGet("authorization", ""),
      );
      counts.push(nc === null ? 0 : parseInt(nc[1], 16));
      if (!checks.check(client)) return;
      await client.respond(await client.text());
    }, { ...options, client: { auth: { digest: ME }, ...options.client } });
    this.guard = checks;
    this.counts = counts;
  }
}

for (
  const algorithm of [
    "MD5",
    "MD5-sess",
    "SHA-256",
    "SHA-256-sess",
    "SHA-512-256",
    "SHA-512-256-sess",
  ]
) {
  Deno.test(`Digest with ${algorithm} is let in, and counts`, async () => {
    for (const userhash of [false, true]) {
      for (const auth of [{ digest: ME }, ME]) {
        await using arena = new DigestArena({ algorithm, userhash }, {
          client: { auth },
        });
        const { client, guard, counts } = arena;
        const first = await client.post("/a?b=c&d", { data: "text" });
        assertEquals([first.status, await first.text()], [200, "text"]);
        assertEquals(guard.refused, ["none"]);
        for (const path of ["/", "/%C3%A4?x='\"", "*"]) {
          const again = await client.put(path, { data: "more" });
          assertEquals([again.status, await again.text()], [200, "more"]);
        }
        assertEquals(counts, [0, 1, 2, 3, 4]);
        assertEquals([guard.accepted, guard.refused.length], [4, 1]);
      }
    }
  });
}

Deno.test("Digest begins anew when its nonce is stale, or forgotten", async () => {
  await using arena = new DigestArena({ maxUses: 2 });
  const { client, guard, counts } = arena;
  for (let i = 0; i < 5; i++) assertEquals((await client.get()).status, 200);
  assertEquals(guard.refused, ["none", "stale", "stale"]);
  assertEquals(counts, [0, 1, 2, 3, 1, 2, 3, 1]);
  guard.forget();
  assertEquals((await client.get()).status, 200);
  assertEquals(guard.refused.length, 4);
});

Deno.test("Digest gives up on a server whose every nonce is stale", async () => {
  await using arena = new DigestArena({ maxUses: 0 });
  const response = await arena.client.get();
  assertEquals([response.status, await response.text()], [401, "stale"]);
  assert(arena.counts.length <= 5, `${arena.counts.length}`);
});

Deno.test("Digest with a wrong password ends with 401 after one retry", async () => {
  await using arena = new DigestArena({ password: "other" });
  for (let i = 0; i < 2; i++) {
    arena.guard.refused.length = 0;
    const response = await arena.client.get();
    assertEquals([response.status, await response.text()], [401, "response"]);
    assertEquals(arena.guard.refused, ["none", "response"]);
  }
});

Deno.test("Digest counts requests that are on their way together", async () => {
  for (const options of [{}, { maxConnections: 1, pipelining: 10 }]) {
    await using arena = new DigestArena({}, { client: options });
    const { client, guard } = arena;
    assertEquals((await client.get()).status, 200);
    const requests = Array.from(
      { length: 20 },
      (_, i) => client.put(`${i}`, { data: `${i}` }),
    );
    for (const [i, request] of requests.entries()) {
      assertEquals(await (await request).text(), `${i}`);
    }
    // Those that came in another order were called stale, and sent again.
    assertEquals(guard.accepted, 21);
    assertEquals(guard.refused.filter((one) => one === "response"), []);
    if (options.maxConnections === 1) assertEquals(guard.refused, ["none"]);
  }
});

Deno.test("Digest at first use by many at once is asked for by each", async () => {
  await using arena = new DigestArena();
  const { client, guard } = arena;
  const all = await Promise.all(
    Array.from({ length: 5 }, () => client.get()),
  );
  assertEquals(all.map(({ status }) => status), [200, 200, 200, 200, 200]);
  assertEquals(guard.accepted, 5);
});

Deno.test("Digest sends bodies again that can be, and gives others back", async () => {
  await using arena = new DigestArena();
  const { client, guard } = arena;
  const form = new FormData();
  form.append("file", new Blob(["in a file"]));
  for (
    const data of [
      "text",
      new Blob(["in a blob"]),
      form,
      new Uint8Array(100_000),
    ]
  ) {
    guard.forget(); // so that each is sent twice
    const response = await client.post("", { data });
    assertEquals(response.status, 200);
    assertEquals(response.data.length > 3, true);
  }
  const fresh = arena.another({ auth: { digest: ME } });
  const stream = () => ({ data: new Blob(["once"]).stream() });
  const refused = await fresh.post("", stream());
  assertEquals([refused.status, await refused.text()], [401, "none"]);
  // The refusal brought a nonce with it.
  const second = await fresh.post("", stream());
  assertEquals([second.status, await second.text()], [200, "once"]);
});

Deno.test("Digest and expectContinue send the body once", async () => {
  const lengths: number[] = [];
  const guard = new DigestGuard({ user, password });
  await using arena = new ClientArena(async (client) => {
    if (!guard.check(client)) return;
    const text = await client.text();
    lengths.push(text.length);
    await client.respond("in");
  }, { server: { streaming: true }, client: { auth: { digest: ME } } });
  const options = { data: "x".repeat(50_000), expectContinue: true };
  const response = await arena.client.post("", options);
  assertEquals([response.status, lengths], [200, [50_000]]);
  assertEquals(guard.refused, ["none"]);
});

Deno.test("Digest credentials are never sent as Basic", async () => {
  const seen: (string | undefined)[] = [];
  await using arena = new ClientArena(basicGuard(seen), {
    client: { auth: { digest: ME } },
  });
  assertEquals((await arena.client.get()).status, 401);
  assertEquals(seen, [undefined]);
});

Deno.test("Digest works for streamed responses, redirects and WebSockets", async () => {
  const guard = new DigestGuard({ user, password });
  await using arena = new ClientArena((client) => {
    if (!guard.check(client)) return null;
    if (client.path === "/ws") {
      const ws = client.acceptWebsocket();
      return ws?.send("hello").then(() => ws.close());
    }
    if (client.path === "/old") return client.respondRedirect("/new");
    return client.respond("x".repeat(100_000));
  }, { client: { auth: { digest: ME }, maxRedirects: 1 } });
  const { client } = arena;
  const ws = await client.websocket("/ws");
  assertEquals(await ws.recv(), "hello");
  await ws.closed;
  assertEquals(guard.refused, ["none"]);
  guard.forget();
  const stream = await client.get("", { stream: true });
  assertEquals((await stream.readAll()).length, 100_000);
  const moved = await client.get("/old");
  assertEquals([moved.status, moved.redirected], [200, true]);
  assertEquals(guard.refused.length, 2);
});

Deno.test("a nonce named in Authentication-Info is used next", async () => {
  const nonces: string[] = [];
  await using arena = new ClientArena((client) => {
    const { authorization } = client.headers;
    if (authorization === undefined) {
      return client.respond("", {
        status: 401,
        headers: {
          "www-authenticate": 'Digest realm="r", nonce="n0", qop="auth"',
        },
      });
    }
    nonces.push(
      / nonce="([^"]*)".* nc=(\w+)/.exec(authorization)!.slice(1, 3)
        .join(" "),
    );
    return client.respond("", {
      headers: {
        "authentication-info": `nextnonce="n${nonces.length}"`,
      },
    });
  }, { client: { auth: { digest: ME } } });
  for (let i = 0; i < 3; i++) await arena.client.get();
  assertEquals(nonces, ["n0 00000001", "n1 00000001", "n2 00000001"]);
});
