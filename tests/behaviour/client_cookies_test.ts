import { assert, assertEquals } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { CookieJar, type HttpClient } from "../../client.ts";
import { makePair } from "../support/certificates.ts";
import { ClientArena } from "../support/client_arenas.ts";
import { wanting } from "../support/wanting.ts";

/** Sets what the query says, and tells what came. */
function cookies(client: HttpConnection): unknown {
  const { set = [] } = client.query;
  return client.respond(client.headersGet("cookie", ""), {
    headers: { "set-cookie": [set].flat() as string[] },
  });
}

async function ask(
  client: HttpClient,
  path = "/",
  ...set: string[]
): Promise<string> {
  return await (await client.get(path, { query: { set } })).text();
}

Deno.test("cookies that a server sets come back to it", async () => {
  await using arena = new ClientArena(cookies);
  const { client } = arena;
  assertEquals(await ask(client), "");
  assertEquals(await ask(client, "/", "a=1", "b=2; Path=/sub"), "");
  assertEquals(await ask(client), "a=1");
  assertEquals(await ask(client, "/sub/x"), "b=2; a=1");
  await ask(client, "/", "a=3", "b=; Path=/sub; Max-Age=0");
  assertEquals(await ask(client, "/sub/x"), "a=3");
  assertEquals(client.cookies?.get(arena.server.url, "a"), "3");
  const response = await client.get("/", { query: { set: ["c=4; HttpOnly"] } });
  assertEquals({ ...response.cookies }, { c: "4" });
  assertEquals(await ask(client), "a=3; c=4");
});

Deno.test("cookies come from any response: errors, redirects, streams, HEAD", async () => {
  await using arena = new ClientArena(async (client) => {
    const name = client.path.slice(1);
    const headers = { "set-cookie": `${name}=1; Path=/` };
    switch (name) {
      case "get":
        return await client.respond(client.headersGet("cookie", ""));
      case "redirect":
        return await client.respond("", {
          status: 302,
          headers: { ...headers, location: "/get" },
        });
      case "early":
        return await client.respond("", { status: 404, headers });
      default:
        return await client.respond("x", { headers });
    }
  }, { client: { maxRedirects: 1 } });
  const { client } = arena;
  await client.get("early");
  await client.head("head");
  using _ = await client.get("stream", { stream: true });
  const redirected = await client.get("redirect");
  assertEquals(
    await redirected.text(),
    "early=1; head=1; stream=1; redirect=1",
  );
});

Deno.test("cookies: false keeps none, and sends the caller's own", async () => {
  await using arena = new ClientArena(cookies, { client: { cookies: false } });
  const { client } = arena;
  assertEquals(client.cookies, null);
  const first = await client.get("/", { query: { set: "a=1" } });
  assertEquals({ ...first.cookies }, { a: "1" });
  assertEquals(await ask(client), "");
  const own = await client.get("/", { headers: { cookie: "mine=1" } });
  assertEquals(await own.text(), "mine=1");
});

Deno.test("a Cookie field of the caller's stands in place of the jar's", async () => {
  await using arena = new ClientArena(cookies);
  const { client } = arena;
  await ask(client, "/", "a=1");
  const own = await client.get("/", { headers: { Cookie: "mine=1" } });
  assertEquals(await own.text(), "mine=1");
  const none = await client.get("/", { headers: { cookie: null } });
  assertEquals(await none.text(), "");
  assertEquals(await ask(client), "a=1");
});

Deno.test("a jar can be shared, filled, and restored", async () => {
  await using arena = new ClientArena(cookies);
  const jar = new CookieJar();
  const [one, other] = [1, 2].map(() => arena.another({ cookies: jar }));
  assert(one.cookies === jar);
  await ask(one, "/", "a=1; Max-Age=1000");
  assertEquals(await ask(other), "a=1");
  jar.store(new URL(arena.server.url), ["b=2"]);
  assertEquals(await ask(one), "a=1; b=2");
  const restored = CookieJar.fromJSON(JSON.parse(JSON.stringify(jar)));
  const third = arena.another({ cookies: restored });
  assert((await ask(third)).includes("a=1"));
  third.cookies!.clear();
  assertEquals(await ask(third), "");
  // One of its own may be filled before the first request, too.
  const fourth = arena.another();
  fourth.cookies!.store(new URL(arena.server.url), ["early=1"]);
  assertEquals(await ask(fourth), "early=1");
});

Deno.test("a Cookie field for all requests is sent where there is no jar", async () => {
  await using arena = new ClientArena(cookies, {
    client: { cookies: false, headers: { cookie: "all=1" } },
  });
  assertEquals(await ask(arena.client), "all=1");
});

Deno.test("Secure cookies are not for http", async () => {
  await using arena = new ClientArena(cookies);
  const { client } = arena;
  await ask(client, "/", "a=1; Secure", "__Secure-b=2; Secure", "c=3");
  assertEquals(await ask(client), "c=3");
});

Deno.test({
  ...wanting("Secure cookies are for https", "OpenSSL 3"),
  async fn() {
    await using arena = new ClientArena(cookies, { server: await makePair() });
    const { client } = arena;
    await ask(client, "/", "a=1; Secure", "__Host-b=2; Secure; Path=/");
    assertEquals(await ask(client), "a=1; __Host-b=2");
  },
});

Deno.test("WebSockets take cookies along, and bring some", async () => {
  const seen: string[] = [];
  await using arena = new ClientArena((client) => {
    if (!client.isWebsocketRequest) return cookies(client);
    seen.push(client.headersGet("cookie", ""));
    const ws = client.acceptWebsocket({ headers: { "set-cookie": "ws=1" } });
    return ws?.closed;
  });
  const { client } = arena;
  await ask(client, "/", "a=1");
  const ws = await client.websocket("/");
  ws.close();
  await ws.closed;
  assertEquals(seen, ["a=1"]);
  assertEquals(await ask(client), "a=1; ws=1");
});
