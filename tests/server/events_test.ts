import { assert, assertEquals, assertThrows } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { Arena } from "../support/arena.ts";
import { MemoryScene } from "../support/memory_conn.ts";
import {
  type ServerEvent,
  writeComment,
  writeEvent,
} from "../../server/events.ts";
import { eventually, Scene } from "../support/serving.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

interface Message {
  type: string;
  data: string;
  lastEventId: string;
}

/** What a browser makes of a stream (HTML standard, section 9.2.6). */
function readEvents(text: string): { messages: Message[]; retry?: number } {
  const messages: Message[] = [];
  let retry: number | undefined;
  let type = "", data = "", id = "", lastEventId = "";
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line === "") {
      lastEventId = id;
      if (data !== "") {
        messages.push({
          type: type || "message",
          data: data.slice(0, -1),
          lastEventId,
        });
      }
      type = data = "";
      continue;
    }
    if (line.startsWith(":")) continue;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "event") type = value;
    else if (name === "data") data += value + "\n";
    else if (name === "id" && !value.includes("\0")) id = value;
    else if (name === "retry" && /^\d+$/.test(value)) retry = Number(value);
  }
  return { messages, retry };
}

// ---- The format -------------------------------------------------------------

interface Row {
  name: string;
  event: ServerEvent;
  text: string;
  message?: Partial<Message>;
}

const ROWS: Row[] = [
  {
    name: "text",
    event: { data: "hello" },
    text: "data: hello\n\n",
    message: { data: "hello", type: "message" },
  },
  {
    name: "empty text",
    event: { data: "" },
    text: "data: \n\n",
    message: { data: "" },
  },
  {
    name: "lines",
    event: { data: "a\nb\rc\r\nd" },
    text: "data: a\ndata: b\ndata: c\ndata: d\n\n",
    message: { data: "a\nb\nc\nd" },
  },
  {
    name: "line ends at both ends",
    event: { data: "\na\n" },
    text: "data: \ndata: a\ndata: \n\n",
    message: { data: "\na\n" },
  },
  {
    name: "empty lines",
    event: { data: "a\n\n\r\rb" },
    text: "data: a\ndata: \ndata: \ndata: \ndata: b\n\n",
    message: { data: "a\n\n\n\nb" },
  },
  {
    name: "what looks like fields",
    event: { data: "x\nevent: y\n\nid: 7\n: comment" },
    text: "data: x\ndata: event: y\ndata: \ndata: id: 7\ndata: : comment\n\n",
    message: { data: "x\nevent: y\n\nid: 7\n: comment", lastEventId: "" },
  },
  {
    name: "leading spaces and colons",
    event: { data: "  : x" },
    text: "data:   : x\n\n",
    message: { data: "  : x" },
  },
  {
    name: "JSON",
    event: { data: { a: ["\n", "ž"] } },
    text: 'data: {"a":["\\n","ž"]}\n\n',
    message: { data: '{"a":["\\n","ž"]}' },
  },
  { name: "null", event: { data: null }, text: "data: null\n\n" },
  { name: "zero", event: { data: 0 }, text: "data: 0\n\n" },
  { name: "false", event: { data: false }, text: "data: false\n\n" },
  {
    name: "all fields",
    event: { data: "x", event: "tick", id: 7, retry: 1000 },
    text: "event: tick\nid: 7\nretry: 1000\ndata: x\n\n",
    message: { data: "x", type: "tick", lastEventId: "7" },
  },
  {
    name: "an id of text",
    event: { id: "a b", data: "x" },
    text: "id: a b\ndata: x\n\n",
    message: { lastEventId: "a b" },
  },
  { name: "no id any more", event: { id: "" }, text: "id: \n\n" },
  { name: "a retry of 0", event: { retry: 0 }, text: "retry: 0\n\n" },
  {
    name: "separators of Unicode, which end no line",
    event: { data: "a\u2028b\u0085c\vd" },
    text: "data: a\u2028b\u0085c\vd\n\n",
    message: { data: "a\u2028b\u0085c\vd" },
  },
];

Deno.test("writeEvent() writes what browsers read", async (t) => {
  for (const { name, event, text, message } of ROWS) {
    await t.step(name, () => {
      assertEquals(writeEvent(event), text);
      if (message === undefined) return;
      const [read] = readEvents(text).messages;
      for (const key of Object.keys(message) as (keyof Message)[]) {
        assertEquals(read[key], message[key]);
      }
    });
  }
});

Deno.test("writeEvent() refuses what would become something else", async (t) => {
  const rows: Record<string, ServerEvent> = {
    "nothing": {},
    "fields that are undefined": { data: undefined, id: undefined },
    "a line feed in event": { event: "a\nb", data: "x" },
    "a carriage return in event": { event: "a\rb", data: "x" },
    "a NUL in event": { event: "a\0b", data: "x" },
    "an event that is no text": { event: 7 as unknown as string },
    "a line feed in id": { id: "a\nb", data: "x" },
    "a carriage return in id": { id: "a\rb", data: "x" },
    "a NUL in id": { id: "a\0b", data: "x" },
    "a negative retry": { retry: -1 },
    "half a millisecond": { retry: 0.5 },
    "no number": { retry: NaN },
    "for ever": { retry: Infinity },
    "a retry as text": { retry: "7" as unknown as number },
    "a function": { data: (() => {}) as never },
    "a symbol": { data: Symbol() as never },
    "a bigint": { data: 7n as never },
  };
  for (const [name, event] of Object.entries(rows)) {
    await t.step(name, () => {
      let error: unknown;
      try {
        writeEvent(event);
      } catch (thrown) {
        error = thrown;
      }
      assert(error instanceof TypeError || error instanceof RangeError);
    });
  }
});

Deno.test("writeEvent() writes a large retry in digits", () => {
  const { retry } = readEvents(writeEvent({ retry: 1e21 }));
  assert(retry === undefined || retry === 1e21);
  assert(!/e/.test(writeEvent({ retry: 2 ** 53 }).slice(6)));
});

Deno.test("writeComment() is passed over whatever it holds", () => {
  for (
    const text of ["", "x", "a\nb", "a\r\n\rb", "data: x\n\ndata: y", "\n"]
  ) {
    const { messages } = readEvents(writeComment(text) + "data: after\n\n");
    assertEquals(messages.map(({ data }) => data), ["after"]);
  }
});

// ---- The stream -------------------------------------------------------------

Deno.test("responseEvents() streams events, one chunk each", async () => {
  await using scene = new MemoryScene(async (client) => {
    assertEquals(client.lastEventId, client.path === "/" ? null : "41ü");
    assertEquals(
      await client.responseEvents({ headers: { "x-a": "b" } }),
      true,
    );
    assertEquals(await client.sendEvent({ data: "one" }), true);
    assertEquals(await client.sendComment("hi"), true);
    assertEquals(await client.sendComment(), true);
    assertThrows(() => client.sendEvent({}), TypeError);
    assertEquals(await client.sendEvent({ data: [2], id: 42 }), true);
    await client.responseStreamEnd();
    assertThrows(() => client.sendEvent({ data: 1 }), TypeError);
  });
  const peer = scene.connect();
  for (
    const request of [
      GET,
      "GET /x HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 41ü\r\n\r\n",
    ]
  ) {
    await peer.send(request);
    const head = await peer.until("\r\n\r\n");
    assert(head.includes("content-type: text/event-stream\r\n"), head);
    assert(head.includes("cache-control: no-cache\r\n"), head);
    assert(head.includes("x-a: b\r\n"), head);
    const chunks = await peer.chunks();
    assertEquals(chunks.map((chunk) => new TextDecoder().decode(chunk)), [
      "data: one\n\n",
      ": hi\n\n",
      ": \n\n",
      "id: 42\ndata: [2]\n\n",
    ]);
  }
});

Deno.test("responseEvents() leaves the caller's own fields", async () => {
  await using scene = new MemoryScene((client) => {
    client.responseEvents({
      status: 201,
      headers: { "Cache-Control": "no-store", "Content-Type": "text/x" },
    });
    return client.responseStreamEnd();
  });
  const peer = scene.connect();
  await peer.send(GET);
  const { status, headers } = await peer.response();
  assertEquals(
    [status, headers["cache-control"], headers["content-type"]],
    [201, "no-store", "text/x"],
  );
});

Deno.test("responseEvents() ends with the connection in HTTP/1.0", async () => {
  await using scene = new MemoryScene(async (client) => {
    client.responseEvents();
    await client.sendEvent({ data: "x" });
    await client.responseStreamEnd();
  });
  const peer = scene.connect();
  await peer.send("GET / HTTP/1.0\r\n\r\n");
  await peer.until("\r\n\r\n");
  assertEquals(await peer.rest(), "data: x\n\n");
});

Deno.test("responseEvents() sends comments while there is no event", async () => {
  await using arena = new Arena(async (client) => {
    if (client.path === "/") return client.respond("ok");
    client.responseEvents({ keepAlive: 50 });
    arena.hold(client);
    await client.sendEvent({ data: "first" });
    return undefined;
  }, { requestTimeout: 100 });
  const peer = await arena.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  await peer.until("data: first\n\n\r\n");
  for (let i = 0; i < 3; i++) {
    const line = await peer.until("\r\n");
    const comment = await peer.bytes(parseInt(line, 16));
    assertEquals(readEvents(new TextDecoder().decode(comment)).messages, []);
    assertEquals(comment[0], 0x3a);
    await peer.until("\r\n");
  }
  await arena.serves();
  const client = await arena.next();
  await client.responseStreamEnd();
  await peer.until("0\r\n\r\n");
  // Nothing follows the end.
  await new Promise((resolve) => setTimeout(resolve, 150));
  assertEquals(peer.pending, "");
  await peer.send(GET);
  assertEquals((await peer.response()).body, "ok");
});

Deno.test("Events put a comment off", async () => {
  await using scene = new Scene(async (client) => {
    client.responseEvents({ keepAlive: 150 });
    for (let i = 0; i < 12; i++) {
      await client.sendEvent({ data: i });
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await client.responseStreamEnd();
  }, { requestTimeout: 100 });
  const peer = await scene.connect();
  await peer.send(GET);
  const { body } = await peer.response();
  assert(!body.includes(":\n"), body);
});

Deno.test("keepAlive of 0 sends no comments, and bad ones are refused", async () => {
  await using scene = new Scene(async (client) => {
    for (const keepAlive of [-1, NaN]) {
      assertThrows(() => client.responseEvents({ keepAlive }), RangeError);
    }
    client.responseEvents({ keepAlive: client.path === "/" ? 0 : Infinity });
    await new Promise((resolve) => setTimeout(resolve, 150));
    await client.responseStreamEnd();
  }, { requestTimeout: 100 });
  for (const request of [GET, GET.replace("/", "/x")]) {
    const peer = await scene.connect();
    await peer.send(request);
    assertEquals((await peer.response()).body, "");
  }
});

Deno.test("responseEvents() refuses a promised length, as comments would break it", async () => {
  await using scene = new MemoryScene((client) => {
    const headers = { "content-length": 1 };
    assertThrows(() => client.responseEvents({ headers }), TypeError);
    client.respond("ok");
  });
  const peer = scene.connect();
  await peer.send(GET);
  assertEquals((await peer.response()).body, "ok");
});

for (
  const [name, begin] of Object.entries<(client: HttpConnection) => unknown>({
    "HEAD": (client) => client.responseEvents({ keepAlive: 20 }),
    "204": (client) => client.responseEvents({ keepAlive: 20, status: 204 }),
  })
) {
  Deno.test(`keepAlive harms nobody with ${name}`, async () => {
    await using arena = new Arena((client) => {
      if (client.path === "/") return client.respond("ok");
      return begin(client);
    }, { requestTimeout: 100 });
    let fault: unknown;
    const onError = (event: ErrorEvent) => {
      event.preventDefault();
      fault = event.error;
    };
    addEventListener("error", onError);
    try {
      const peer = await arena.connect();
      const method = name === "HEAD" ? "HEAD" : "GET";
      await peer.send(`${method} /x HTTP/1.1\r\nHost: a\r\n\r\n`);
      await peer.until("\r\n\r\n");
      await new Promise((resolve) => setTimeout(resolve, 120));
      assertEquals(fault, undefined);
      await arena.serves();
      peer.close();
    } finally {
      removeEventListener("error", onError);
    }
  });
}

Deno.test("keepAlive finds out that a silent peer has gone", async () => {
  await using arena = new Arena(async (client) => {
    if (client.path === "/") return client.respond("ok");
    client.responseEvents({ keepAlive: 50 });
    await client.sendEvent({ data: "x" });
    arena.hold(client);
    return undefined;
  }, { requestTimeout: 100 });
  const peer = await arena.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const client = await arena.next();
  await peer.until("data: x");
  peer.close();
  await eventually(() => client.signal.aborted);
  await eventually(() => arena.server.stats.openConnections === 0);
  assertEquals(await client.sendEvent({ data: "y" }), false);
  assertEquals(await client.responseStreamEnd(), false);
});

// ---- NDJSON -----------------------------------------------------------------

Deno.test("responseNdjson() streams values, one a line", async () => {
  const values = [1, null, "a\nb\r", { a: "\u2028ž" }, [], false, ""];
  await using scene = new MemoryScene(async (client) => {
    assertEquals(await client.responseNdjson(), true);
    for (const value of values) {
      assertEquals(await client.sendNdjson(value), true);
    }
    assertThrows(() => client.sendNdjson(undefined as never), TypeError);
    assertThrows(() => client.sendNdjson((() => {}) as never), TypeError);
    assertThrows(() => client.sendNdjson(7n as never), TypeError);
    const circle: unknown[] = [];
    circle.push(circle);
    assertThrows(() => client.sendNdjson(circle), TypeError);
    await client.responseStreamEnd();
    assertThrows(() => client.sendNdjson(1), TypeError);
  });
  const peer = scene.connect();
  await peer.send(GET);
  const { headers, body } = await peer.response();
  assertEquals(headers["content-type"], "application/x-ndjson");
  assertEquals(headers["cache-control"], "no-cache");
  assert(body.endsWith("\n"));
  const lines = body.slice(0, -1).split("\n");
  assertEquals(lines.map((line) => JSON.parse(line)), values);
});
