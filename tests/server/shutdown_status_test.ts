import { assertEquals, assertRejects } from "@std/assert";
import type { Answered, HttpConnection } from "@uhttp/uhttp";
import { RawClient } from "../support/raw_client.ts";
import { startServer } from "../support/serving.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Deno.test("shutdown() answers what is still held with a status, at its end", async () => {
  const seen: Answered[] = [];
  const server = startServer({ onAnswered: (answered) => seen.push(answered) });
  const held: HttpConnection[] = [];
  const peers: RawClient[] = [];
  for (const method of ["GET", "HEAD", "GET"]) {
    const peer = await RawClient.connect(server);
    await peer.send(GET.replace("GET", method));
    peers.push(peer);
    held.push((await server.wait(5000))!);
  }
  held[2].responseStream(); // that is under way, and is broken off
  const idle = await RawClient.connect(server);
  const done = server.shutdown({ timeout: 50, status: 503 });
  const answers = [
    await peers[0].response(),
    await peers[1].response(true),
  ];
  for (const { status, headers } of answers) {
    assertEquals([status, headers.connection], [503, "close"]);
  }
  assertEquals(answers[0].body, "Service Unavailable\n");
  assertEquals(await peers[1].rest(), "");
  assertEquals(await idle.rest(), "");
  await done;
  for (const peer of peers) peer.close();
  idle.close();
  assertEquals(await held[0].respond("late"), false);
  assertEquals(
    seen.map(({ status, error }) => [status, error]),
    [[503, null], [503, null], [200, null]],
  );
});

Deno.test("shutdown() without a status closes what is held", async () => {
  const server = startServer();
  const peer = await RawClient.connect(server);
  await peer.send(GET);
  await server.wait(5000);
  const done = server.shutdown({ timeout: 20 });
  assertEquals(await peer.rest(), "");
  await done;
  peer.close();
});

Deno.test("shutdown() refuses a status that answers nothing", async () => {
  await using server = startServer();
  for (const status of [101, 600, "503" as never]) {
    await assertRejects(
      () => server.shutdown({ status }),
      RangeError,
      "Status",
    );
  }
});
