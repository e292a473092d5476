import { assert, assertEquals, assertThrows } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { eventually, Scene } from "../support/serving.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Deno.test("responseMultipart() sends parts and ends with the connection", async () => {
  await using scene = new Scene(async (client) => {
    assertEquals(await client.responseMultipart({ boundary: "frame" }), true);
    const image = new Uint8Array(20_000).fill(74);
    for (const data of [image, "text", { n: 1 }]) {
      const headers: Record<string, string> = data === image
        ? { "Content-Type": "image/jpeg", "X-Time": "1" }
        : {};
      assertEquals(
        await client.responseMultipartFrame(data, { headers }),
        true,
      );
    }
    assertThrows(
      () => client.responseMultipartFrame("x", { headers: { "a\n": "b" } }),
      TypeError,
    );
    assertEquals(await client.responseMultipartEnd(), true);
    assertThrows(() => client.responseMultipartFrame("x"), TypeError);
    assertThrows(() => client.responseMultipartEnd(), TypeError);
  });
  const peer = await scene.connect();
  await peer.send(GET);
  const response = await peer.response();
  assertEquals(
    response.headers["content-type"],
    "multipart/x-mixed-replace; boundary=frame",
  );
  assertEquals(response.headers["cache-control"], "no-cache");
  assertEquals(response.headers.connection, "close");
  assertEquals(response.headers["content-length"], undefined);
  assertEquals(
    response.body,
    "--frame\r\ncontent-type: image/jpeg\r\nx-time: 1\r\n" +
      `content-length: 20000\r\n\r\n${"J".repeat(20_000)}\r\n` +
      "--frame\r\ncontent-type: text/html; charset=utf-8\r\n" +
      "content-length: 4\r\n\r\ntext\r\n" +
      "--frame\r\ncontent-type: application/json\r\n" +
      'content-length: 7\r\n\r\n{"n":1}\r\n--frame--\r\n',
  );
});

Deno.test("responseMultipart() answers HEAD with a head", async () => {
  await using scene = new Scene(async (client) => {
    client.responseMultipart();
    assertEquals(await client.responseMultipartFrame("x"), false);
    assertEquals(await client.responseMultipartEnd(), false);
  });
  const peer = await scene.connect();
  await peer.send(GET.replace("GET", "HEAD"));
  assertEquals((await peer.response(true)).status, 200);
  assertEquals(await peer.rest(), "");
});

Deno.test("responseMultipartFrame() needs a multipart answer", async () => {
  await using scene = new Scene((client) => {
    assertThrows(() => client.responseMultipartFrame("x"), TypeError);
    assertThrows(() => client.responseMultipartEnd(), TypeError);
    assertThrows(
      () => client.responseMultipart({ boundary: "a b" }),
      TypeError,
    );
    assertThrows(
      () => client.responseMultipart({ headers: { "Content-Length": 1 } }),
      TypeError,
    );
    client.respond("x");
  });
  const peer = await scene.connect();
  await peer.send(GET);
  assertEquals((await peer.response()).body, "x");
});

Deno.test("responseMultipartFrame() waits for a peer that reads slowly", async () => {
  const held = Promise.withResolvers<HttpConnection>();
  await using scene = new Scene((client) => held.resolve(client));
  const peer = await scene.connect();
  await peer.send(GET);
  const client = await held.promise;
  client.responseMultipart();
  const frame = new Uint8Array(500_000);
  let frames = 0;
  let waiting: Promise<boolean>;
  // Until the kernel's buffers are full, each frame is taken at once.
  for (;;) {
    waiting = client.responseMultipartFrame(frame);
    frames++;
    const isTaken = await Promise.race([
      waiting,
      new Promise((resolve) => setTimeout(resolve, 100, null)),
    ]);
    if (isTaken === null) break;
    assertEquals(isTaken, true);
    assert(frames < 1000);
  }
  assert(scene.server.writeSockets.includes(client.socket));
  while (peer.pending.length < 400_000) await peer.more();
  const reading = peer.rest();
  assertEquals(await waiting, true);
  client.responseMultipartEnd();
  await reading;
});

Deno.test("responseMultipartFrame() resolves to false when the peer is gone", async () => {
  const aborted = Promise.withResolvers<void>();
  const results: boolean[] = [];
  await using scene = new Scene(async (client) => {
    client.responseMultipart();
    client.signal.addEventListener("abort", () => aborted.resolve());
    await aborted.promise;
    const frame = new Uint8Array(100_000);
    for (let i = 0; i < 100 && results.at(-1) !== false; i++) {
      results.push(await client.responseMultipartFrame(frame));
    }
  });
  const peer = await scene.connect();
  await peer.send(GET);
  await peer.until("\r\n\r\n");
  peer.close();
  await eventually(() => results.at(-1) === false);
});

Deno.test("responseMultipart() takes another multipart type, and refuses what is none", async () => {
  await using scene = new Scene((client) => {
    for (
      const type of ["image/jpeg", "multipart/", "multipart/mixed; boundary=x"]
    ) {
      assertThrows(
        () => client.responseMultipart({ headers: { "content-type": type } }),
        TypeError,
        "Header content-type",
      );
    }
    client.responseMultipart({
      boundary: "b",
      headers: { "Content-Type": "multipart/mixed; charset=utf-8" },
    });
    client.responseMultipartFrame("x");
    return client.responseMultipartEnd();
  });
  const peer = await scene.connect();
  await peer.send(GET);
  const { headers, body } = await peer.response();
  assertEquals(
    headers["content-type"],
    "multipart/mixed; charset=utf-8; boundary=b",
  );
  assert(body.startsWith("--b\r\n"), body);
});

Deno.test("responseMultipartFrame() takes a boundary of its own", async () => {
  await using scene = new Scene((client) => {
    client.responseMultipart({ boundary: "one" });
    client.responseMultipartFrame("x", { boundary: "two" });
    client.responseMultipartFrame("y");
    for (const boundary of ["", "a b", "x".repeat(71), 7 as never]) {
      assertThrows(
        () => client.responseMultipartFrame("z", { boundary }),
        TypeError,
        'Option "boundary" is not a token',
      );
    }
    return client.responseMultipartEnd();
  });
  const peer = await scene.connect();
  await peer.send(GET);
  const { body } = await peer.response();
  assertEquals(body.match(/^--\w+(?:--)?$/gm), ["--two", "--one", "--one--"]);
});
