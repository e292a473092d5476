import { assertEquals } from "@std/assert";
import { RawClient } from "../support/raw_client.ts";
import { Example } from "./example.ts";

Deno.test("hello.ts answers HTML, JSON and 404", async () => {
  await using example = await Example.start("hello.ts");
  using peer = await RawClient.connect(example);

  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const page = await peer.response();
  assertEquals(page.body, "<h1>hello</h1><p>uHTTP</p>");
  assertEquals(page.headers["content-type"], "text/html; charset=utf-8");

  await peer.send("GET /rpc?x=1&x=2 HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals(JSON.parse((await peer.response()).body), {
    message: "hello",
    headers: { host: "a" },
    query: { x: ["1", "2"] },
  });

  await peer.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
  const missing = await peer.response();
  assertEquals(missing.status, 404);
  assertEquals(missing.body, "Not found");

  // It is ten lines long, and knows no signals.
  assertEquals((await example.stop()).signal, "SIGTERM");
});
