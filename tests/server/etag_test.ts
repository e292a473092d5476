import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import type { DataOptions, ResponseData } from "@uhttp/uhttp/server";
import { Scene } from "../support/serving.ts";

const DATA: Record<string, ResponseData> = {
  text: "hello",
  JSON: { a: "é" },
  bytes: new Uint8Array([1, 2, 3]),
  "a form": new URLSearchParams("a=b"),
  "no text": "",
};

async function ask(
  data: ResponseData,
  options: DataOptions,
  init?: RequestInit,
  server = {},
): Promise<Response & { body_: string }> {
  await using scene = new Scene(
    (client) => client.respond(data, options),
    server,
  );
  const response = await fetch(scene.server.url, init);
  return Object.assign(response, { body_: await response.text() });
}

for (const [name, data] of Object.entries(DATA)) {
  Deno.test(`respond() tags ${name}, and answers who has it with 304`, async () => {
    const first = await ask(data, { etag: true });
    const etag = first.headers.get("etag")!;
    assert(/^"[\w-]{27}"$/.test(etag), etag);
    assertEquals(first.status, 200);
    for (const method of ["GET", "HEAD"]) {
      for (const sent of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
        const headers = { "if-none-match": sent };
        const again = await ask(data, {
          etag: true,
          cookies: { seen: "1" },
          headers: { "cache-control": "no-cache" },
        }, { method, headers });
        assertEquals([again.status, again.body_], [304, ""]);
        assertEquals(again.headers.get("etag"), etag);
        assertEquals(again.headers.get("cache-control"), "no-cache");
        assertEquals(again.headers.get("content-type"), null);
      }
    }
    const other = await ask(data, { etag: true }, {
      headers: { "if-none-match": '"x"' },
    });
    assertEquals([other.status, other.body_], [200, first.body_]);
  });
}

Deno.test("respond() makes another tag of other data, and takes one that is given", async () => {
  const one = (await ask("a", { etag: true })).headers.get("etag");
  const two = (await ask("b", { etag: true })).headers.get("etag");
  assertNotEquals(one, two);
  const own = await ask("a", { etag: true, headers: { ETag: '"v7"' } }, {
    headers: { "if-none-match": '"v7"' },
  });
  assertEquals([own.status, own.headers.get("etag")], [304, '"v7"']);
});

Deno.test("respond() answers 412 to who wants to change what is another by now", async () => {
  const put = (headers: HeadersInit) =>
    ask("a", { etag: true }, { method: "PUT", headers });
  assertEquals((await put({ "if-match": '"x"' })).status, 412);
  assertEquals((await put({ "if-none-match": "*" })).status, 412);
  assertEquals((await put({})).status, 200);
  const range = await ask("abc", { etag: true }, {
    headers: { range: "bytes=0-0" },
  });
  assertEquals([range.status, range.body_], [200, "abc"]);
});

Deno.test("a tag holds weakly where the answer is compressed", async () => {
  const server = { compress: { minLength: 0 } };
  const first = await ask("x".repeat(5000), { etag: true }, {}, server);
  const etag = first.headers.get("etag")!;
  assert(etag.startsWith('W/"'), etag);
  const again = await ask("x".repeat(5000), { etag: true }, {
    headers: { "if-none-match": etag },
  }, server);
  assertEquals(again.status, 304);
});

Deno.test("respond() tags no other status than 200 by conditions, and nothing unless asked", async () => {
  const missing = await ask("none", { etag: true, status: 404 }, {
    headers: { "if-none-match": "*" },
  });
  assertEquals(missing.status, 404);
  for (const options of [{}, { etag: false }]) {
    assertEquals((await ask("a", options)).headers.get("etag"), null);
  }
});

Deno.test("respond() refuses to tag what is not in memory", async () => {
  await using scene = new Scene((client) => {
    for (
      const data of [
        new Blob(["a"]),
        new FormData(),
        ["a"].values(),
        new ReadableStream(),
        null,
      ]
    ) {
      assertThrows(
        () => client.respond(data, { etag: true }),
        TypeError,
        'Option "etag" is for data in memory',
      );
    }
    assertThrows(
      () => client.respond("a", { etag: '"7"' as never }),
      TypeError,
      'Option "etag" is not a boolean',
    );
    client.respond("ok");
  });
  assertEquals(await (await fetch(scene.server.url)).text(), "ok");
});
