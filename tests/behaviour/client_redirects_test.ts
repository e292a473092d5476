import { assert, assertEquals, assertRejects } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import {
  type ClientRequest,
  CookieJar,
  HttpClient,
  ResponseError,
} from "../../client.ts";
import {
  ClientArena,
  type Echo,
  echo,
  ok,
  RawArena,
} from "../support/client_arenas.ts";

/** Redirects by status and place where the path says so; else it echoes. */
function redirecting(client: HttpConnection): unknown {
  const { status, to } = client.query as Record<string, string>;
  if (status === undefined) return echo(client);
  return client.respondRedirect(to, { status: Number(status) });
}

const BODY = {
  data: "body",
  headers: { "content-language": "de", "x-a": "1" },
};

/** Method, status, and with which method it goes on; null: not at all. */
const METHODS: [method: string, status: number, next: string][] = [
  ["GET", 301, "GET"],
  ["GET", 302, "GET"],
  ["GET", 303, "GET"],
  ["GET", 307, "GET"],
  ["GET", 308, "GET"],
  ["HEAD", 301, "HEAD"],
  ["HEAD", 303, "HEAD"],
  ["HEAD", 307, "HEAD"],
  ["POST", 301, "GET"],
  ["POST", 302, "GET"],
  ["POST", 303, "GET"],
  ["POST", 307, "POST"],
  ["POST", 308, "POST"],
  ["PUT", 301, "PUT"],
  ["PUT", 302, "PUT"],
  ["PUT", 303, "GET"],
  ["PUT", 307, "PUT"],
  ["DELETE", 302, "DELETE"],
  ["DELETE", 303, "GET"],
  ["PATCH", 308, "PATCH"],
  ["OPTIONS", 303, "GET"],
];

Deno.test("redirects are followed with the method that the status asks for", async () => {
  const seen: string[] = [];
  await using arena = new ClientArena((client) => {
    seen.push(client.method);
    return redirecting(client);
  }, { client: { maxRedirects: 5 } });
  for (const [method, status, next] of METHODS) {
    seen.length = 0;
    const hasBody = !["GET", "HEAD"].includes(method);
    const response = await arena.client.request(method, "/a", {
      query: { status, to: "/b?c#d" },
      ...hasBody ? BODY : {},
    });
    assertEquals(response.status, 200);
    assertEquals(response.redirected, true);
    assertEquals(response.url, `${arena.server.url}b?c`);
    assertEquals(response.request.method, method);
    assertEquals(seen, [method, next], `${method} ${status}`);
    if (method === "HEAD") continue;
    const said: Echo = await response.json();
    assertEquals([said.method, said.url], [next, "/b?c"]);
    const keepsBody = hasBody && next === method;
    assertEquals(said.body, keepsBody ? "body" : "");
    const { headers } = said;
    assertEquals(headers["content-length"], keepsBody ? "4" : undefined);
    assertEquals(headers["content-language"], keepsBody ? "de" : undefined);
    assertEquals(headers["content-type"] !== undefined, keepsBody);
    assertEquals(headers["x-a"], hasBody ? "1" : undefined);
  }
});

const PLACES: [location: string, url: string | null][] = [
  ["/b", "/b"],
  ["b", "/dir/b"],
  ["?x=1", "/dir/a?x=1"],
  ["../b", "/b"],
  ["../../../b", "/b"],
  [".", "/dir/"],
  ["#frag", "/dir/a?q"],
  ["", "/dir/a?q"],
  ["/a b", "/a%20b"],
  ["/%zz|^", null],
  ["/gr\u00c3\u00bcn", "/gr%C3%BCn"], // UTF-8, as bytes
];

Deno.test("redirects lead where Location says, from where they were", async () => {
  let location = "";
  let turn = 0;
  await using arena = new RawArena(async (peer, _, arena) => {
    for (;;) {
      await arena.ask(peer);
      if (turn++ % 2 === 1) await peer.send(ok());
      else {
        await peer.send(Uint8Array.from(
          `HTTP/1.1 302 F\r\nLocation: ${location}\r\nContent-Length: 3\r\n\r\nold`,
          (char) => char.charCodeAt(0),
        ));
      }
    }
  }, { maxRedirects: 1 });
  for (const [place, url] of PLACES) {
    location = place;
    turn = 0;
    const response = await arena.client.get("/dir/a?q");
    assertEquals([response.status, response.redirected], [200, true]);
    if (url === null) continue;
    assertEquals(response.url, `http://127.0.0.1:${arena.port}${url}`, place);
    assert(arena.heads.at(-1)!.startsWith(`GET ${url} HTTP/1.1\r\n`));
  }
  assertEquals(arena.count, 1);
});

Deno.test("redirects that lead nowhere are errors, and only if followed", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    for (;;) {
      const target = (await arena.ask(peer)).split(" ")[1];
      const lines = target === "/none"
        ? ""
        : target === "/two"
        ? "Location: /a\r\nLocation: /b\r\n"
        : `Location: ${decodeURIComponent(target.slice(1))}\r\n`;
      await peer.send(
        `HTTP/1.1 302 Found\r\n${lines}Content-Length: 0\r\n\r\n`,
      );
    }
  });
  const { client } = arena;
  const places = [
    "ftp://a/",
    "http://",
    "http://user@a/",
    "http://user:p@127.0.0.1/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:,x",
    "http://a:99999/",
  ];
  for (const path of [...places.map(encodeURIComponent), "two"]) {
    const error = await assertRejects(
      () => client.get(path, { maxRedirects: 3 }),
      ResponseError,
      "",
      path,
    );
    assertEquals([error.code, error.status], ["bad-location", 502]);
    assertEquals((await client.get(path)).status, 302);
  }
  const none = await client.get("none", { maxRedirects: 3 });
  assertEquals([none.status, none.redirected], [302, false]);
});

Deno.test("maxRedirects is how many are followed, of a client or a request", async () => {
  const seen: string[] = [];
  await using arena = new ClientArena((client) => {
    seen.push(client.url);
    const left = Number(client.path.slice(1));
    return left === 0
      ? client.respond("end")
      : client.respondRedirect(`/${left - 1}`, { status: 307 });
  }, { client: { maxRedirects: 2 } });
  const { client } = arena;
  const tooMany = async (request: ClientRequest) => {
    const error = await assertRejects(() => request, ResponseError);
    assertEquals(error.code, "too-many-redirects");
  };
  assertEquals(await (await client.get("0")).text(), "end");
  assertEquals(await (await client.get("2")).text(), "end");
  seen.length = 0;
  await tooMany(client.get("3"));
  assertEquals(seen, ["/3", "/2", "/1"]);
  const more = await client.get("3", { maxRedirects: 3 });
  assertEquals([await more.text(), more.url], [
    "end",
    `${arena.server.url}0`,
  ]);
  const none = await client.get("3", { maxRedirects: 0 });
  assertEquals([none.status, none.headers.location], [307, "/2"]);
  assertEquals(none.redirected, false);
  const post = await client.post("2", { data: "x".repeat(100_000) });
  assertEquals(await post.text(), "end");
  const stream = await client.get("2", { stream: true });
  assertEquals([await stream.text(), stream.redirected], ["end", true]);
});

Deno.test("redirects are not followed by default, nor those that are none", async () => {
  await using arena = new ClientArena((client) =>
    client.respond("x", {
      status: Number(client.path.slice(1)),
      headers: { location: "/200" },
    })
  );
  for (const status of [301, 302, 303, 307, 308]) {
    assertEquals((await arena.client.get(`${status}`)).status, status);
  }
  for (const status of [200, 201, 300, 305, 306, 400]) {
    const response = await arena.client.get(`${status}`, { maxRedirects: 9 });
    assertEquals([response.status, response.redirected], [status, false]);
  }
});

Deno.test("a body that cannot be sent again stays with its redirect", async () => {
  await using arena = new ClientArena(redirecting, {
    client: { maxRedirects: 5 },
  });
  const { client } = arena;
  const data = () => new Blob(["stream"]).stream();
  for (const status of [307, 308]) {
    const query = { status, to: "/b" };
    const kept = await client.post("", { data: data(), query });
    assertEquals([kept.status, kept.redirected], [status, false]);
    assertEquals(kept.headers.location, "/b");
    // What lies somewhere can be read again.
    const form = new FormData();
    form.append("a", new File(["text"], "f"));
    for (const body of [{ data: new Blob(["blob"]) }, { form }]) {
      const response = await client.post("", { ...body, query });
      const said: Echo = await response.json();
      assert(/blob|text/.test(said.body));
    }
  }
  for (const status of [301, 302, 303]) {
    const query = { status, to: "/b" };
    const response = await client.post("", { data: data(), query });
    const said: Echo = await response.json();
    assertEquals([said.method, said.body], ["GET", ""]);
  }
});

Deno.test("the body of a redirect is read, however long it is, or given up", async () => {
  for (const length of [0, 10, 60_000, 70_000, 5_000_000]) {
    for (const isChunked of [false, true]) {
      await using arena = new ClientArena(async (client) => {
        if (client.path !== "/") return await client.respond("end");
        const body = new Uint8Array(length);
        const options = { status: 302, headers: { location: "/b" } };
        if (!isChunked) return await client.respond(body, options);
        await client.responseStream(options);
        for (let at = 0; at < length; at += 10_000) {
          if (!await client.sendChunk(body.subarray(at, at + 10_000))) {
            return false;
          }
        }
        return await client.responseStreamEnd();
      }, { client: { maxRedirects: 1 } });
      const response = await arena.client.get();
      assertEquals(await response.text(), "end", `${length} ${isChunked}`);
      const { opened } = arena.client.stats;
      assertEquals(opened, length > 65536 ? 2 : 1);
    }
  }
});

Deno.test("a redirect that ends with its connection is followed on another", async () => {
  await using arena = new RawArena(async (peer, n, arena) => {
    await arena.ask(peer);
    if (n > 0) return await peer.send(ok("end"));
    // It goes on, and nobody waits for it.
    await peer.send("HTTP/1.1 302 F\r\nLocation: /b\r\n\r\npart");
  }, { maxRedirects: 1 });
  assertEquals(await (await arena.client.get()).text(), "end");
  assertEquals(arena.count, 2);
});

// ---- Other origins --------------------------------------------------------

/** What must never go to another origin. */
const SECRETS = ["authorization", "cookie", "x-client", "x-request"];

function secrets(headers: Record<string, string>): string[] {
  return SECRETS.filter((name) => headers[name] !== undefined);
}

Deno.test("credentials, cookies and one's own fields stay with the origin", async () => {
  const seen: [server: string, path: string, secrets: string[]][] = [];
  const handle = (name: string) => (client: HttpConnection) => {
    const { path, headers } = client;
    seen.push([name, path, secrets(headers)]);
    assertEquals(headers.host, client.headers.host);
    const to = client.query.to as string | undefined;
    if (to === undefined) return client.respond(headers);
    return client.respondRedirect(to, {
      status: 307,
      headers: { "set-cookie": `from${name}=1; Path=/` },
    });
  };
  await using other = new ClientArena(handle("B"));
  await using arena = new ClientArena(handle("A"), {
    client: {
      auth: { basic: ["u", "p"] },
      headers: { "x-client": "1" },
      maxRedirects: 5,
    },
  });
  const { client } = arena;
  const [a, b] = [arena.server.url, other.server.url];
  client.cookies!.store(new URL(a), ["own=1; Path=/"]);
  const options = {
    headers: { "x-request": "1", accept: "a/b", "if-none-match": "x" },
  };

  // There.
  const there = await client.put("/1", {
    ...options,
    data: "body",
    query: { to: `${b}2` },
  });
  const said = await there.json();
  assertEquals(seen, [["A", "/1", SECRETS], ["B", "/2", []]]);
  assertEquals(said.host, new URL(b).host);
  assertEquals(
    [said.accept, said["if-none-match"], said["content-length"]],
    ["a/b", "x", "4"],
  );
  assertEquals(said["user-agent"], "uhttp");

  // There and back: what was left behind is not taken up again, but for the
  // cookies of the origin itself.
  seen.length = 0;
  const back = encodeURIComponent(`${a}3`);
  const response = await client.get("/1", {
    ...options,
    query: { to: `${b}2?to=${back}` },
  });
  const home = await response.json();
  assertEquals(seen.map(([server, path]) => server + path), [
    "A/1",
    "B/2",
    "A/3",
  ]);
  assertEquals(seen[1][2], []);
  assert(!seen[2][2].includes("authorization"));
  assert(!seen[2][2].includes("x-request"));
  assertEquals(home.authorization, undefined);
  for (const part of (home.cookie ?? "").split("; ")) {
    assert(part !== "fromB=1", home.cookie);
  }

  // Its own cookies another origin gets, and only those.
  seen.length = 0;
  const own = await (await client.get("/1", { query: { to: `${b}4` } })).json();
  assertEquals(own.cookie, "fromB=1");
});

Deno.test("a whole URL of another origin gets nothing of the client's", async () => {
  await using other = new ClientArena((client) =>
    client.respond(client.headers)
  );
  await using arena = new ClientArena(
    (client) => client.respond(client.headers),
    {
      client: {
        auth: { basic: ["u", "p"] },
        headers: { "x-client": "1", "user-agent": "mine" },
      },
    },
  );
  const { client } = arena;
  client.cookies!.store(new URL(arena.server.url), ["own=1; Path=/"]);
  const headers = { "x-request": "1" };
  const home = await (await client.get(arena.server.url, { headers })).json();
  assertEquals(secrets(home), SECRETS);
  const away = await (await client.get(other.server.url, { headers })).json();
  assertEquals(secrets(away), ["x-request"]);
  assertEquals(away["user-agent"], "uhttp");
  const asked = await (await client.get(other.server.url, {
    auth: { bearer: "mine" },
  })).json();
  assertEquals(asked.authorization, "Bearer mine");
});

Deno.test("Domain cookies go where they may, and not on a redirect's errand", async () => {
  const [a, b] = ["http://a.shared.test", "http://b.shared.test"];
  const seen: string[] = [];
  // A proxy stands for both of them, whatever their names.
  await using proxy = new ClientArena((client) => {
    const { origin, pathname } = new URL(client.url);
    seen.push(`${origin}${pathname} ${client.headersGet("cookie", "-")}`);
    return pathname === "/set"
      ? client.respond("x", {
        headers: { "set-cookie": "d=1; Domain=shared.test; Path=/" },
      })
      : pathname === "/to"
      ? client.respondRedirect(`${b}/landed`)
      : client.respond("x");
  });
  const cookies = new CookieJar();
  const options = { cookies, proxy: proxy.server.url, maxRedirects: 1 };
  await using one = new HttpClient(a, options);
  await one.get("/set");
  await one.get("/get");
  await one.get("/to");
  await one.get(`${b}/by-url`);
  await using other = new HttpClient(b, options);
  await other.get("/own");
  assertEquals(seen, [
    `${a}/set -`,
    `${a}/get d=1`,
    `${a}/to d=1`,
    `${b}/landed -`,
    `${b}/by-url -`,
    `${b}/own d=1`,
  ]);
});

Deno.test("a request's own credentials do not follow a redirect either", async () => {
  const seen: (string | undefined)[] = [];
  await using other = new ClientArena((client) => {
    seen.push(client.headers.authorization);
    // It may ask as much as it likes.
    return client.respond("no", {
      status: 401,
      headers: { "www-authenticate": 'Basic realm="r"' },
    });
  });
  await using arena = new ClientArena((client) => {
    seen.push(client.headers.authorization);
    return client.respondRedirect(other.server.url);
  }, { client: { auth: ["u", "p"], maxRedirects: 1 } });
  for (
    const auth of [
      undefined,
      { basic: ["a", "b"] },
      { bearer: "t" },
      ["a", "b"],
    ] as const
  ) {
    seen.length = 0;
    const response = await arena.client.get("", { auth });
    assertEquals([response.status, seen.length, seen[1]], [401, 2, undefined]);
  }
  seen.length = 0;
  const headers = { authorization: "Mine abc" };
  await arena.client.get("", { headers });
  assertEquals(seen, ["Mine abc", undefined]);
});

Deno.test("Host goes along on its own origin, and not to another", async () => {
  const hosts: (string | undefined)[] = [];
  await using other = new ClientArena((client) => {
    hosts.push(client.headers.host);
    return client.respond("x");
  });
  await using arena = new ClientArena((client) => {
    hosts.push(client.headers.host);
    const { to } = client.query;
    return to === undefined
      ? client.respond("x")
      : client.respondRedirect(to as string);
  }, { client: { maxRedirects: 2 } });
  const headers = { host: "virtual.test" };
  await arena.client.get("", { headers, query: { to: "/b" } });
  await arena.client.get("", { headers, query: { to: other.server.url } });
  assertEquals(hosts, [
    "virtual.test",
    "virtual.test",
    "virtual.test",
    new URL(other.server.url).host,
  ]);
});

Deno.test("a redirect is given up with its request", async () => {
  await using arena = new ClientArena((client, arena) => {
    if (client.path === "/b") return arena.hold(client);
    return client.respondRedirect("/b");
  }, { client: { maxRedirects: 1 } });
  const controller = new AbortController();
  const { signal } = controller;
  const request = arena.client.get("", { signal });
  await arena.next();
  controller.abort("enough");
  const error = await request.catch((error) => error);
  assertEquals([error.name, error.cause], ["AbortedError", "enough"]);
  assertEquals(error.url, `${arena.server.url}b`);
  assertEquals(request.url, arena.server.url);
});
