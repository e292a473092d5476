import { assertEquals, assertMatch } from "@std/assert";
import { app } from "../../examples/hono.ts";
import { Example } from "./example.ts";

/** The same questions for either server. */
async function ask(base: URL | string): Promise<void> {
  const get = (path: string, init?: RequestInit) =>
    fetch(new URL(path, base), init);
  const post = (body: string, type = "application/json") =>
    get("/notes", { method: "POST", body, headers: { "content-type": type } });

  const page = await get("/");
  assertMatch(await page.text(), /<h1>Notes<\/h1>/);
  assertMatch(page.headers.get("content-type")!, /^text\/html/);
  assertEquals(page.headers.get("access-control-allow-origin"), "*");
  assertMatch(page.headers.get("server-timing")!, /^app;dur=[\d.]+$/);

  const made = await post('{"text":"ä"}');
  assertEquals(made.status, 201);
  const note = await made.json();
  assertEquals(note.text, "ä");

  const shown = await get(`/notes/${note.id}`);
  assertEquals(await shown.json(), note);
  const etag = shown.headers.get("etag")!;
  const again = await get(`/notes/${note.id}`, {
    headers: { "if-none-match": etag },
  });
  assertEquals(again.status, 304);
  assertEquals(await again.text(), "");
  const list = await (await get("/notes")).json();
  assertEquals(list.at(-1), note);

  const head = await get("/notes", { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);

  for (const body of ["{}", "null", '{"text":""}', '{"text":7}', "{", ""]) {
    const refused = await post(body);
    assertEquals(refused.status, 400, body);
    assertMatch((await refused.json()).problem, /^(Text|Malformed)/);
  }
  const plain = await post('{"text":"x"}', "text/plain");
  assertEquals(plain.status, 400);
  await plain.body?.cancel();

  for (const path of ["/none", "/notes/x", "/notes/99999"]) {
    const missing = await get(path);
    assertEquals(missing.status, 404, path);
    assertEquals(await missing.json(), { problem: "Not found" });
  }

  const preflight = await get("/notes", {
    method: "OPTIONS",
    headers: {
      origin: "http://other.test",
      "access-control-request-method": "POST",
    },
  });
  assertEquals(preflight.status, 204);
  assertMatch(preflight.headers.get("access-control-allow-methods")!, /POST/);

  const who = await (await get("/whoami")).json();
  assertEquals([who.transport, who.hostname], ["tcp", "127.0.0.1"]);
}

Deno.test("hono.ts is served here", async () => {
  await using example = await Example.start("hono.ts");
  await ask(example.url);
  await example.output.until(/^--> OPTIONS \/notes 204/);
  assertEquals(example.errors.text, "");
});

Deno.test("hono.ts runs unchanged on Deno.serve()", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    app.fetch,
  );
  await ask(`http://127.0.0.1:${server.addr.port}/`);
});
