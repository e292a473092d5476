import { assertEquals, assertThrows } from "@std/assert";
import { MemoryScene } from "../support/memory_conn.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Deno.test("inform() sends interim answers before the answer", async () => {
  const sent: boolean[] = [];
  await using scene = new MemoryScene((client) => {
    sent.push(client.inform(102));
    sent.push(client.inform(103, {
      headers: { link: ["</a.css>; rel=preload", "</b.js>; rel=preload"] },
    }));
    client.respond("ok");
  });
  const peer = scene.connect();
  await peer.send(GET + GET);
  for (let i = 0; i < 2; i++) {
    assertEquals(
      await peer.until("\r\n\r\n"),
      "HTTP/1.1 102 Processing\r\n\r\n",
    );
    assertEquals(
      await peer.until("\r\n\r\n"),
      "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n" +
        "link: </b.js>; rel=preload\r\n\r\n",
    );
    const { status, body } = await peer.response();
    assertEquals([status, body], [200, "ok"]);
  }
  assertEquals(sent, [true, true, true, true]);
});

Deno.test("inform() sends nothing to HTTP/1.0, nor to a peer that is gone", async () => {
  const sent: boolean[] = [];
  await using scene = new MemoryScene((client) => {
    if (client.path === "/gone") client.close();
    sent.push(client.inform(103));
    client.respond("ok");
  });
  const peer = scene.connect();
  await peer.send("GET / HTTP/1.0\r\n\r\n");
  assertEquals((await peer.response()).status, 200);
  const other = scene.connect();
  await other.send(GET.replace("/", "/gone"));
  assertEquals(await other.rest(), "");
  assertEquals(sent, [false, false]);
});

Deno.test("inform() refuses what is no interim answer", async () => {
  await using scene = new MemoryScene((client) => {
    for (const status of [100, 101, 200, 99, 103.5, "103" as never]) {
      assertThrows(() => client.inform(status), RangeError, "from 102 to 199");
    }
    assertThrows(
      () => client.inform(103, { headers: { "content-length": "1" } }),
      TypeError,
      "is for answers with a body",
    );
    assertThrows(
      () => client.inform(103, { link: "x" } as never),
      TypeError,
      'Unknown option "link"',
    );
    client.respond("ok");
    assertThrows(() => client.inform(103), TypeError, "already answered");
  });
  const peer = scene.connect();
  await peer.send(GET);
  assertEquals((await peer.response()).body, "ok");
});
