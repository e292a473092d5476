import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import {
  AbortedError,
  ConnectError,
  ConnectionLostError,
  type HttpResponse,
  ResponseError,
  type ServerSentEvent,
} from "../../client.ts";
import { ClientArena, once, RawArena } from "../support/client_arenas.ts";
import { Timers } from "../support/timers.ts";

const STREAM = { stream: true };

/** All that a generator yields. */
async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

/** A server that sends texts as chunks, and ends. */
function chunks(type: string, ...texts: string[]): ClientArena {
  return new ClientArena(async (client) => {
    await client.responseStream({ headers: { "content-type": type } });
    for (const text of texts) await client.sendChunk(text);
    await client.responseStreamEnd();
  });
}

// ---- Lines ----------------------------------------------------------------

Deno.test("lines() gives lines as they arrive, and from memory", async () => {
  await using arena = chunks(
    "text/plain",
    "one\ntw",
    "o\r",
    "\n\ngr\u00fc",
    "n",
  );
  for (const options of [STREAM, {}]) {
    const response = await arena.client.get("", options);
    assertEquals(await all(response.lines()), ["one", "two", "", "grün"]);
  }
  assertEquals(arena.client.stats.opened, 1);
});

Deno.test("lines() gives each line before the next is sent", async () => {
  await using arena = new ClientArena((client, arena) => {
    client.responseStream();
    arena.hold(client);
  });
  const response = await arena.client.get("", STREAM);
  const held = await arena.next();
  const lines = response.lines();
  for (const text of ["a", "b", "c"]) {
    held.sendChunk(`${text}\n`);
    assertEquals((await lines.next()).value, text);
  }
  held.responseStreamEnd();
  assertEquals((await lines.next()).done, true);
});

Deno.test("lines() and ndjson() fail with errors of the response", async () => {
  await using arena = chunks("text/plain", '1\n"', "x".repeat(100), '"\n{\n');
  const { client } = arena;
  const long = await assertRejects(
    async () =>
      await all((await client.get("", STREAM)).lines({ maxLineLength: 50 })),
    ResponseError,
  );
  assertEquals(long.url, arena.server.url);
  const bad = await assertRejects(
    async () => await all((await client.get("", STREAM)).ndjson()),
    ResponseError,
  );
  assertEquals(bad.code, "bad-json");
  await assertRejects(
    async () => await all((await client.get()).ndjson()),
    ResponseError,
  );
  await using broken = new RawArena(async (peer, _, arena) => {
    await arena.answer(
      peer,
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\none\ntwo",
    );
    peer.close();
  });
  const lines = (await broken.client.get("", STREAM)).lines();
  assertEquals((await lines.next()).value, "one");
  await assertRejects(() => lines.next(), ConnectionLostError);
});

Deno.test("ndjson() gives values as the server sends them", async () => {
  const values = [1, "two\n", { three: [null] }, "ü", [], false];
  await using arena = new ClientArena(async (client) => {
    await client.responseNdjson();
    for (const value of values) await client.sendNdjson(value);
    await client.sendChunk("\n \n");
    await client.responseStreamEnd();
  });
  for (const options of [STREAM, {}]) {
    const response = await arena.client.get("", options);
    assertEquals(await all(response.ndjson()), values);
  }
});

Deno.test("who leaves a loop closes the response", async () => {
  await using arena = new ClientArena(async (client) => {
    const { path } = client;
    if (path === "/events") await client.responseEvents();
    else if (path === "/parts") await client.responseMultipart();
    else await client.responseStream();
    const send = () =>
      path === "/events"
        ? client.sendEvent({ data: "1" })
        : path === "/parts"
        ? client.responseMultipartFrame("1")
        : client.sendChunk("1\n");
    while (await send()) await new Promise((resolve) => setTimeout(resolve, 1));
  });
  const { client } = arena;
  const loops: [
    path: string,
    (response: HttpResponse) => AsyncIterable<unknown>,
  ][] = [
    ["/lines", (response) => response.lines()],
    ["/ndjson", (response) => response.ndjson()],
    ["/events", (response) => response.events()],
    ["/events", (response) => response.events({ reconnect: true })],
    ["/parts", (response) => response.parts()],
    ["/body", (response) => response.body],
  ];
  for (const [path, loop] of loops) {
    const response = await client.get(path, STREAM);
    let count = 0;
    for await (const _ of loop(response)) {
      if (++count === 2) break;
    }
    await assertRejects(() => response.read(), AbortedError);
    assertEquals(client.isConnected, false, path);
  }
});

// ---- Events ---------------------------------------------------------------

Deno.test("events() gives events as the server sends them", async () => {
  const sent: ServerSentEvent[] = [
    { type: "message", data: "one", id: "" },
    { type: "named", data: "two\nlines", id: "7" },
    { type: "message", data: "grün", id: "7" },
  ];
  await using arena = new ClientArena(async (client) => {
    await client.responseEvents();
    await client.sendEvent({ data: "one" });
    await client.sendComment("nothing");
    await client.sendEvent({ event: "named", data: "two\nlines", id: "7" });
    await client.sendEvent({ data: "grün" });
    await client.sendChunk("data: not complete");
    await client.responseStreamEnd();
  });
  for (const options of [STREAM, {}]) {
    const response = await arena.client.get("", options);
    assertEquals(response.contentType, "text/event-stream");
    const got = await all(response.events());
    assertEquals(
      got.map(({ data }) => data),
      sent.map(({ data }) => data),
    );
  }
  await assertRejects(
    async () =>
      await all((await arena.client.get()).events({ maxEventLength: 5 })),
    ResponseError,
  );
});

Deno.test("events() asks again where the stream ends, with the last id", async () => {
  const asked: (string | null)[] = [];
  await using arena = new ClientArena(async (client) => {
    asked.push(client.lastEventId);
    assertEquals(client.headers["x-own"], "1");
    assertEquals(client.url, "/events?a=1");
    const sent = client.headers["last-event-id"]; // as UTF-8
    if (asked.length > 2) assertEquals(sent, "2\xe2\x82\xac\xc3\xbc");
    const turn = asked.length;
    if (turn === 4) return await client.respond(null, { status: 204 });
    await client.responseEvents();
    if (turn === 1) await client.sendEvent({ data: "a", id: "1", retry: 1500 });
    else if (turn === 2) {
      await client.sendEvent({ data: "b", id: "2€ü" });
      return client.close(); // breaks off
    } else await client.sendComment("nothing new");
    return await client.responseStreamEnd();
  });
  const response = await arena.client.get("events", {
    stream: true,
    query: { a: 1 },
    headers: { "x-own": "1" },
  });
  using timers = new Timers(hasten);
  const events = await all(response.events({ reconnect: true, retry: 5000 }));
  assertEquals(events.map(({ data }) => data), ["a", "b"]);
  assertEquals(asked, [null, "1", "2€ü", "2€ü"]);
  // It waits as the server asked for, not as we did; twice as long behind
  // what brought nothing.
  assertEquals(waits(timers), [1500, 1500, 3000]);
});

/** Pauses before a further attempt are short in tests; timeouts are not. */
function hasten(delay: number): number {
  return delay < 10_000 ? delay / 100 : delay;
}

/** The pauses that there were. */
function waits({ fired }: Timers): number[] {
  return fired.filter((delay) => delay >= 100 && delay < 10_000);
}

Deno.test("events() waits a second at least, whatever the server asks for", async () => {
  for (
    const [own, asked, wait] of [
      [undefined, 0, 1000],
      [undefined, 999, 1000],
      [undefined, 1001, 1001],
      [2000, 0, 1000],
      [200, 0, 200], // who asks for less may have it
      [200, 700, 700],
    ]
  ) {
    let turn = 0;
    await using arena = new ClientArena(async (client) => {
      if (turn++ === 4) return await client.respond(null, { status: 204 });
      await client.responseEvents();
      await client.sendEvent({ data: "a", retry: asked });
      return await client.responseStreamEnd();
    });
    const response = await arena.client.get("", STREAM);
    using timers = new Timers(hasten);
    const events = response.events({ reconnect: true, retry: own });
    assertEquals((await all(events)).length, 4);
    assertEquals(waits(timers), [wait, wait, wait, wait]);
  }
});

Deno.test("events() takes streams that bring nothing for attempts that fail", async () => {
  for (const text of ["", ":\n\n", "retry: 0\n\n", "id: 7\n\n", "data: a\n"]) {
    for (const isWhole of [true, false]) {
      let arrived = 0;
      await using arena = new ClientArena(async (client) => {
        arrived++;
        await client.responseEvents();
        await client.sendChunk(text);
        return isWhole ? await client.responseStreamEnd() : client.close();
      });
      const response = await arena.client.get("", STREAM);
      using timers = new Timers(hasten);
      const events = response.events({
        reconnect: true,
        retry: 1000,
        maxAttempts: 4,
      });
      const error = await assertRejects(
        () => events.next(),
        ConnectionLostError,
      );
      assertEquals(error.url, arena.server.url);
      assertEquals(waits(timers), [2000, 4000, 8000]);
      assertEquals(arrived, 4);
    }
  }
});

Deno.test("events() begins anew with its wait once an event has come", async () => {
  let turn = 0;
  await using arena = new ClientArena(async (client) => {
    turn++;
    if (turn === 6) return await client.respond(null, { status: 204 });
    await client.responseEvents();
    if (turn === 3) await client.sendEvent({ data: "a" });
    return await client.responseStreamEnd();
  });
  const response = await arena.client.get("", STREAM);
  using timers = new Timers(hasten);
  const events = response.events({ reconnect: true, retry: 1000 });
  assertEquals((await all(events)).length, 1);
  assertEquals(waits(timers), [2000, 4000, 1000, 2000, 4000]);
});

Deno.test("events() refuses options that are no numbers, or out of range", async () => {
  await using arena = chunks("text/event-stream", "data: a\n\n");
  const response = await arena.client.get("");
  for (const name of ["retry", "maxAttempts", "maxEventLength"]) {
    for (const [value, kind] of [["1", TypeError], [-1, RangeError]] as const) {
      assertThrows(() => response.events({ [name]: value }), kind, name);
    }
  }
});

Deno.test("events() ends with an error when what comes is no event stream", async () => {
  for (const isStatus of [true, false]) {
    let turn = 0;
    await using arena = new ClientArena(async (client) => {
      if (turn++ > 0) {
        return await client.respond("no", { status: isStatus ? 500 : 200 });
      }
      await client.responseEvents();
      await client.sendEvent({ data: "a", retry: 0 });
      return await client.responseStreamEnd();
    });
    const response = await arena.client.get("", STREAM);
    const events = response.events({ reconnect: true, retry: 0 });
    assertEquals((await events.next()).value!.data, "a");
    const error = await assertRejects(() => events.next(), ResponseError);
    assertEquals(error.code, "bad-event-stream");
  }
});

Deno.test("events() tries so often, and no more", async () => {
  let arrived = 0;
  await using arena = new RawArena(async (peer, n, arena) => {
    arrived++;
    await arena.ask(peer);
    if (n === 0) {
      await peer.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" +
          "retry: 1\ndata: a\n\n",
      );
    }
    peer.close();
  });
  const response = await arena.client.get("", STREAM);
  const events = response.events({
    reconnect: true,
    retry: 1,
    maxAttempts: 3,
  });
  assertEquals((await events.next()).value!.data, "a");
  await assertRejects(() => events.next(), ConnectionLostError);
  assertEquals(arrived, 4);

  const again = arena.client.get("", STREAM);
  arena.deafen();
  const error = await again.catch((error) => error);
  assert(error instanceof ConnectError || error instanceof ConnectionLostError);
});

Deno.test("events() ends with its signal, also while it waits", async () => {
  await using arena = new ClientArena(async (client) => {
    await client.responseEvents();
    await client.sendEvent({ data: "a" });
    await client.responseStreamEnd();
  });
  const controller = new AbortController();
  const { signal } = controller;
  const response = await arena.client.get("", { stream: true, signal });
  const events = response.events({ reconnect: true, retry: 60_000 });
  assertEquals((await events.next()).value!.data, "a");
  const next = events.next();
  controller.abort(new Error("Enough"));
  const error = await next.catch((error) => error);
  assert(error instanceof Error, "It ends");
});

Deno.test("events() ends with its client, also while it waits", async () => {
  await using arena = new ClientArena(async (client) => {
    await client.responseEvents();
    await client.sendEvent({ data: "a" });
    await client.responseStreamEnd();
  });
  const client = arena.another();
  const response = await client.get("", STREAM);
  const events = response.events({ reconnect: true, retry: 1500 });
  assertEquals((await events.next()).value!.data, "a");
  using timers = new Timers();
  const next = events.next();
  await client.close();
  const error = await next.catch((error) => error);
  assert(error instanceof AbortedError, `${error}`);
  assertEquals(timers.fired.filter((delay) => delay > 1000), []);
});

// ---- Parts ----------------------------------------------------------------

Deno.test("parts() gives the pictures of a camera, one by one", async () => {
  const pictures = [1, 70_000, 0, 5].map((length, i) =>
    new Uint8Array(length).fill(i)
  );
  await using arena = new ClientArena(async (client) => {
    await client.responseMultipart();
    for (const [i, picture] of pictures.entries()) {
      await client.responseMultipartFrame(picture, {
        headers: { "content-type": "image/jpeg", "x-number": i },
      });
    }
    await client.responseMultipartEnd();
  });
  for (const options of [STREAM, {}]) {
    const response = await arena.client.get("", options);
    const got = [];
    for await (const part of response.parts()) {
      assertEquals(part.contentType, "image/jpeg");
      assertEquals(part.headers["x-number"], String(got.length));
      got.push(await part.bytes());
    }
    assertEquals(got, pictures);
    // What is not read is passed over.
    if (options === STREAM) continue;
    const again = await arena.client.get("", STREAM);
    let count = 0;
    for await (const _ of again.parts()) count++;
    assertEquals(count, 4);
  }
});

Deno.test("parts() refuses what is not in parts, or too long", async () => {
  await using arena = new ClientArena(async (client) => {
    if (client.path === "/text") return await client.respond("text");
    await client.responseMultipart();
    await client.responseMultipartFrame("x".repeat(1000));
    return await client.responseMultipartEnd();
  });
  const { client } = arena;
  const cases = [
    async () => await all((await client.get("/text", STREAM)).parts()),
    async () => await all((await client.get("/text")).parts()),
    async () => {
      const response = await client.get("/", STREAM);
      for await (const part of response.parts({ maxPartLength: 999 })) {
        await part.bytes();
      }
    },
  ];
  for (const read of cases) await assertRejects(read, ResponseError);
});

// ---- Both ways ------------------------------------------------------------

Deno.test("a body is sent as it comes, and the response read meanwhile", async () => {
  await using arena = new ClientArena(
    (client: HttpConnection) => client.respond(client.body),
    { server: { streaming: true } },
  );
  const { readable, writable } = new TransformStream<string, string>();
  const writer = writable.getWriter();
  writer.write("one");
  // An answer in the midst of a request is taken for a refusal of the rest:
  // so the body is ended first.
  writer.write("two");
  writer.close();
  const response = await arena.client.post("", { data: readable, ...STREAM });
  assertEquals(await response.text(), "onetwo");
});

Deno.test("a slow reader slows the server down", async () => {
  let sent = 0;
  const blocked = once();
  await using arena = new ClientArena(async (client) => {
    await client.responseStream();
    const piece = new Uint8Array(65536);
    for (; sent < 400; sent++) {
      const went = client.sendChunk(piece);
      const timer = setTimeout(() => blocked.resolve(), 300);
      const isThere = await went;
      clearTimeout(timer);
      if (!isThere) return;
    }
    await client.responseStreamEnd();
  });
  const response = await arena.client.get("", STREAM);
  await response.read();
  await blocked.promise;
  assertLess(sent, 400);
  assertLess(arena.client.stats.bytesIn, 1_000_000);
  const rest = await response.readAll();
  assertEquals(response.bytesReceived, 400 * 65536);
  assert(rest.length > 0);
});

Deno.test("a source is asked for no more than is taken", async () => {
  let made = 0;
  await using arena = new ClientArena((client, arena) => arena.hold(client), {
    server: { streaming: true, maxContentLength: Infinity },
  });
  const source = function* () {
    for (; made < 1000; made++) yield new Uint8Array(65536);
  };
  const request = arena.client.post("", { data: source() });
  const held = await arena.next();
  // It comes to a stop when all buffers between are full.
  for (let before = -1; before !== made;) {
    before = made;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertLess(made, 1000);
  const length = (await held.readAll()).length;
  held.respond(String(length));
  assertEquals(await (await request).text(), String(1000 * 65536));
});
