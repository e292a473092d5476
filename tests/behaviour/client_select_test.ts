import { assert, assertEquals, assertRejects } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import {
  AbortedError,
  type ClientRequest,
  HttpClient,
  select,
} from "../../client.ts";
import type { Arena } from "../support/arena.ts";
import { startServer } from "../support/serving.ts";
import { ClientArena } from "../support/client_arenas.ts";

/** The next request that is finished, and that nobody awaits. */
function next(client: HttpClient): Promise<[ClientRequest | null]> {
  // A request alone would be taken for a promise.
  return select([client], 5000).then(() => [client.processEvents()]);
}

const hold = (client: HttpConnection, arena: Arena) => arena.hold(client);

Deno.test("processEvents() gives each request that nobody awaits, once", async () => {
  await using arena = new ClientArena((client) => client.respond(client.path));
  const { client } = arena;
  assertEquals(client.processEvents(), null);
  assertEquals(client.isReady, false);
  const requests = ["/a", "/b", "/c"].map((path) => client.get(path));
  const got: (ClientRequest | null)[] = [];
  while (got.length < 3) {
    assertEquals(await select([client], 5000), [client]);
    assert(client.isReady);
    got.push(client.processEvents());
  }
  assertEquals(client.processEvents(), null);
  assertEquals(client.isReady, false);
  assert(requests.every((request) => got.includes(request)));
  for (const request of requests) {
    assertEquals(await request.response!.text(), new URL(request.url).pathname);
    // Who looks later finds it there all the same.
    assert(await request === request.response);
  }
});

Deno.test("processEvents() gives no request that somebody awaits", async () => {
  await using arena = new ClientArena(hold);
  const { client } = arena;
  const ways: ((request: ClientRequest) => unknown)[] = [
    (request) => request.then(() => {}),
    (request) => request.catch(() => {}),
    (request) => request.finally(() => {}).catch(() => {}),
    (request) => request.wait(),
    (request) => request.wait(10),
    (request) => Promise.all([request]),
  ];
  const awaited = ways.map((way) => {
    const request = client.get();
    way(request);
    return request;
  });
  const other = client.get("/other");
  for (let i = 0; i <= ways.length; i++) (await arena.next()).respond("x");
  const [found] = await next(client);
  assert(found === other);
  await Promise.all(awaited);
  assertEquals([client.isReady, client.processEvents()], [false, null]);
});

Deno.test("a finished request that is awaited after all is not given as well", async () => {
  await using arena = new ClientArena((client) => client.respond("x"));
  const { client } = arena;
  const request = client.get();
  await select([client], 5000);
  assertEquals(client.isReady, true);
  assertEquals((await request).status, 200);
  assertEquals([client.isReady, client.processEvents()], [false, null]);
});

Deno.test("processEvents() gives what failed as well", async () => {
  await using arena = new ClientArena(hold);
  const { client } = arena;
  const aborted = client.get();
  aborted.abort("why");
  assert(client.processEvents() === aborted);
  assertEquals(aborted.error?.name, "AbortedError");
  const refused = client.get(`http://127.0.0.1:1/`);
  const [found] = await next(client);
  assert(found === refused);
  assertEquals([refused.error?.name, refused.response], ["ConnectError", null]);
});

Deno.test("processEvents() gives a streamed response when its head is in", async () => {
  await using arena = new ClientArena((client, arena) => {
    client.responseStream();
    arena.hold(client);
  });
  const { client } = arena;
  const request = client.get("", { stream: true });
  const [found] = await next(client);
  assert(found === request);
  const { response } = request;
  const held = await arena.next();
  held.sendChunk("abc");
  held.responseStreamEnd();
  assertEquals(await response!.text(), "abc");
  assertEquals(client.processEvents(), null);
});

Deno.test("wait() gives responses nobody awaits, null when the time is over", async () => {
  await using arena = new ClientArena(hold, { client: { maxConnections: 1 } });
  const { client } = arena;
  assertEquals(await client.wait(0), null);
  assertEquals(await client.wait(10), null);
  const awaited = client.get().wait();
  const requests = [1, 2, 3].map((i) => client.get(`${i}`));
  const waits = [client.wait(5000), client.wait()];
  for (let i = 0; i <= 3; i++) (await arena.next()).respond("x");
  assertEquals((await awaited)?.status, 200);
  assert((await waits[0])?.request === requests[0]);
  assert((await waits[1])?.request === requests[1]);
  assert((await client.wait())?.request === requests[2]);
  assertEquals([client.isReady, client.processEvents()], [false, null]);
  const last = client.wait();
  const late = client.wait(60_000);
  await client.close();
  assertEquals([await last, await late], [null, null]);
  assertEquals(await client.wait(), null);
});

Deno.test("wait() rejects with what a request failed with, once", async () => {
  await using arena = new ClientArena(hold);
  const { client } = arena;
  const early = client.get();
  early.abort("early");
  const error = await assertRejects(() => client.wait(), AbortedError);
  assertEquals(error.cause, "early");
  assertEquals(client.processEvents(), null);
  const late = client.get();
  const waiting = client.wait(5000);
  await arena.next();
  late.abort("late");
  const other = await assertRejects(() => waiting, AbortedError);
  assertEquals(other.cause, "late");
  assertEquals(client.processEvents(), null);
});

Deno.test("isFinished is when a client is closed and all was taken", async () => {
  await using arena = new ClientArena((client) => client.respond("x"));
  const { client } = arena;
  client.get();
  await select([client], 5000);
  assertEquals(client.isFinished, false);
  await client.close();
  assertEquals([client.isReady, client.isFinished], [true, false]);
  assertEquals(client.processEvents()?.response?.status, 200);
  assertEquals([client.isReady, client.isFinished], [false, true]);
  assertEquals(await select([client]), []);
});

Deno.test("select() drives a server and a client from one loop", async () => {
  await using server = startServer();
  await using client = new HttpClient(server.url);
  const got: string[] = [];
  let left = 5;
  for (let i = 0; i < left; i++) client.get(`${i}`).context = i;
  while (left > 0) {
    const ready = await select<typeof server | typeof client>(
      [server, client],
      5000,
    );
    assert(ready.length > 0);
    for (let asked; (asked = server.processEvents()) !== null;) {
      asked.respond(`to ${asked.path}`);
    }
    for (let request; (request = client.processEvents()) !== null;) {
      got.push(`${request.context} ${await request.response!.text()}`);
      left--;
    }
  }
  assertEquals(
    got.toSorted(),
    [0, 1, 2, 3, 4].map((i) => `${i} to /${i}`),
  );
  assertEquals(await select([client, server], 0), []);
});

Deno.test("select() wakes up for a client that closes", async () => {
  await using arena = new ClientArena(hold);
  const { client } = arena;
  const selected = select([client]);
  await client.close();
  assertEquals(await selected, []);
  const other = arena.another();
  const request = other.get();
  await arena.next();
  const waiting = select([other]);
  await other.close();
  assertEquals(await waiting, [other]);
  assert(other.processEvents() === request);
});

Deno.test("watch() calls back for what is ready, until it is ended", async () => {
  await using arena = new ClientArena((client) => client.respond("x"));
  const { client } = arena;
  let calls = 0;
  const end = client.watch(() => calls++);
  client.get();
  while (!client.isReady) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(calls, 1);
  end();
  client.get().abort();
  assertEquals(calls, 1);
});

Deno.test("requests that nobody pulls are not kept for ever", async () => {
  await using arena = new ClientArena((client) => client.respond("x"));
  const { client } = arena;
  const requests = Array.from({ length: 1500 }, () => {
    const request = client.get();
    request.abort();
    return request;
  });
  let count = 0;
  while (client.processEvents() !== null) count++;
  assertEquals(count, 1000);
  // Now somebody pulls, and nothing is lost any more.
  for (let i = 0; i < 1500; i++) client.get().abort();
  for (count = 0; client.processEvents() !== null;) count++;
  assertEquals(count, 1500);
  assertEquals(requests[0].isFinished, true);
});
