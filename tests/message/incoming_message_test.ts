import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AbortedError,
  type HttpResponse,
  type HttpServerOptions,
  type IncomingMessage,
} from "@uhttp/uhttp";
import {
  type BodyRow,
  messageBodies,
  type Way,
} from "../cases/message_bodies.ts";
import { latin1Bytes } from "../support/bytes.ts";
import { bytewise } from "../support/splits.ts";
import { ClientScene } from "../support/client_scene.ts";
import { MemoryScene } from "../support/memory_conn.ts";
import { startServer } from "../support/serving.ts";
import { readBy, RequestSide, type Side, SIDES } from "../support/two_sides.ts";

/** A message as on the wire. */
function messageOf(
  { line }: Side,
  fields: string,
  body: string,
  isChunked: boolean,
): Uint8Array<ArrayBuffer> {
  const size = body.length.toString(16);
  const chunks = body === "" ? "" : `${size}\r\n${body}\r\n`;
  return latin1Bytes(
    isChunked
      ? `${line}${fields}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`
      : `${line}${fields}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** What a row says: where a fault comes before any value there is none. */
function expected({ value, fault }: BodyRow): unknown {
  const isNothing = Array.isArray(value) && value.length === 0;
  if (fault === undefined) return { value };
  return { value: isNothing ? undefined : value, fault };
}

// Each row has one outcome, on both sides, in memory or as it arrives, by
// length or in chunks, whole or byte by byte.
for (const [name, open] of Object.entries(SIDES)) {
  Deno.test(`All that reads a body comes to the same for ${name}`, async () => {
    await using side = open();
    for (const row of messageBodies) {
      const { type, body, way, limits } = row;
      const fields = type === undefined ? "" : `Content-Type: ${type}\r\n`;
      for (const isChunked of [false, true]) {
        const message = messageOf(side, fields, body, isChunked);
        for (const pieces of [[message], [...bytewise(message)]]) {
          const found = await side.receive(
            pieces,
            (message, seen) => readBy(way, limits, message, seen),
          );
          const cut = pieces.length > 1 ? "byte by byte" : "whole";
          const how = `${way} of ${row.what}, ${cut}, chunked: ${isChunked}`;
          assertEquals(found, expected(row), how);
        }
      }
    }
  });
}

const FORM = "Content-Type: multipart/form-data; boundary=b\r\n";
const field = (name: string, value: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

for (const [name, open] of Object.entries(SIDES)) {
  const isInMemory = name.endsWith("memory");

  Deno.test(`The head and the counts are the same for ${name}`, async () => {
    await using side = open();
    const fields = "Content-Type: Text/X ; a=b\r\nX-One: 1\r\nx-one:2\r\n";
    const text = `${side.line}${fields}Transfer-Encoding: chunked\r\n\r\n` +
      "2\r\nab\r\n0\r\nX-Sum: 7\r\nX-Sum: 8\r\n\r\n";
    const { value } = await side.receive(
      [latin1Bytes(text)],
      async (message) => {
        const { contentType, contentLength, headers } = message;
        assertEquals(Object.getPrototypeOf(headers), null);
        assertEquals(headers["x-one"], "1, 2");
        assertEquals(message.headersGet("X-One"), "1, 2");
        assertEquals(message.headersGet("x-none", 7), 7);
        assertEquals(message.headersAll("X-ONE"), ["1", "2"]);
        const body = await message.text();
        const { bytesReceived, trailers } = message;
        return [contentType, contentLength, body, bytesReceived, {
          ...trailers,
        }];
      },
    );
    // Of a request that is in, it is known how long it is.
    const length = name === "a request in memory" ? 2 : null;
    assertEquals(value, ["text/x", length, "ab", 2, { "x-sum": "7, 8" }]);
  });

  Deno.test(`A body is read once: ${name}`, async () => {
    await using side = open();
    const body = `${field("a", "1")}--b--`;
    const bytes = messageOf(side, FORM, body, false);
    const firsts: ((message: IncomingMessage) => Promise<unknown>)[] = [
      (message) => message.text(),
      (message) => message.form(),
      (message) => message.readAll(),
      (message) => message.json().catch(() => {}),
      (message) => Array.fromAsync(message.lines()),
      async (message) => {
        while (await message.read() !== null);
      },
    ];
    const seconds: ((message: IncomingMessage) => unknown)[] = [
      (message) => message.text(),
      (message) => message.form(),
      (message) => message.readAll(),
      (message) => message.json(),
      (message) => message.lines(),
      (message) => message.parts(),
      (message) => message.saveTo("/never/made"),
    ];
    for (const first of firsts) {
      for (const second of seconds) {
        const { fault } = await side.receive([bytes], async (message) => {
          await first(message);
          await assertRejects(
            async () => await second(message),
            TypeError,
            "Body was read already",
          );
        });
        assertEquals(fault, undefined, `${first} ${second}`);
      }
    }
  });

  Deno.test(`What is left of a body can be read: ${name}`, async () => {
    await using side = open();
    const bytes = messageOf(side, "", "abcdef", false);
    const { value } = await side.receive([bytes], async (message) => {
      const piece = await message.read(new Uint8Array(2));
      return [piece!.length, (await message.readAll()).length];
    });
    assertEquals(value, [2, 4]);
  });

  Deno.test(`events() refuses limits that are none, of ${name}`, async () => {
    await using side = open();
    const bytes = messageOf(side, "", "", false);
    const { fault } = await side.receive([bytes], (message) => {
      const events = (maxEventLength: unknown) => () =>
        message.events({ maxEventLength } as { maxEventLength: number });
      assertThrows(events("1"), TypeError, "maxEventLength");
      assertThrows(events(-1), RangeError, "maxEventLength");
      return Promise.resolve();
    });
    assertEquals(fault, undefined);
  });

  if (isInMemory) continue; // nobody waits, and nothing breaks off

  Deno.test(`A body has one reader at a time: ${name}`, async () => {
    await using side = open();
    const bytes = messageOf(side, "", "abc", false).slice(0, -3);
    const { fault } = await side.receive([bytes], async (message) => {
      const first = message.readAll().catch(() => "broken off");
      const others = [message.text(), message.read(), message.json()];
      const faults = others.map((other) => other.catch((error) => error));
      for (const fault of await Promise.all(faults)) {
        assert(fault instanceof TypeError, `${fault}`);
      }
      assertEquals(await first, "broken off");
    }, true);
    assertEquals(fault, undefined);
  });

  const ways: Way[] = [
    ...["text()", "json()", "form()", "lines()", "ndjson()"] as const,
    ...["events()", "parts()", "readAll()", "read()", "body"] as const,
    "saveTo()",
  ];
  for (const way of ways) {
    Deno.test(`${way} tells when ${name} breaks off`, async () => {
      await using side = open();
      const type = way === "events()"
        ? "Content-Type: text/event-stream\r\n"
        : FORM;
      const fields = `${type}Content-Length: 1000\r\n\r\n`;
      const begins = way === "ndjson()"
        ? ["", "[1", "[1]\n[2"]
        : ["", "--b\r\n", `${field("a", "1")}--b`];
      for (const begun of begins) {
        const bytes = latin1Bytes(side.line + fields + begun);
        const { fault } = await side.receive(
          [bytes],
          (message, seen) => readBy(way, undefined, message, seen),
          true,
        );
        const expected = name.startsWith("a request")
          ? "HttpError: Connection was closed before the end of the request's"
          : "ConnectionLostError: Connection was lost before the end of";
        assert(`${fault}`.startsWith(expected), `${fault}`);
      }
    });
  }
}

const LEFT = {
  "lines()": ["", "a\nb\n", (one: HttpResponse) => one.lines()],
  "ndjson()": ["", "1\n2\n", (one: HttpResponse) => one.ndjson()],
  "events()": ["", "data: a\n\n", (one: HttpResponse) => one.events()],
  "parts()": [
    FORM,
    field("a", "1") + "--b",
    (one: HttpResponse) => one.parts(),
  ],
} as const;

for (const [way, [fields, begun, read]] of Object.entries(LEFT)) {
  Deno.test(`${way} closes a response that is left in the middle`, async () => {
    await using scene = new ClientScene(async (peer) => {
      await peer.request();
      await peer.say(
        `HTTP/1.1 200 OK\r\n${fields}Content-Length: 1000\r\n\r\n${begun}`,
      );
    });
    const response = await scene.stream();
    for await (const _ of read(response)) break;
    await scene.empty();
    await assertRejects(() => response.read(), AbortedError);
  });

  Deno.test(`${way} leaves the rest of a request to others`, async () => {
    let rest: unknown;
    await using scene = new MemoryScene(async (client) => {
      for await (const _ of read(client as unknown as HttpResponse)) break;
      rest = await client.text();
      await client.respond("read");
    }, { streaming: true });
    const peer = scene.connect();
    await peer.send(
      `POST / HTTP/1.1\r\nHost: a\r\n${fields}` +
        `Content-Length: ${begun.length + 4}\r\n\r\n${begun}`,
    );
    await peer.send("rest");
    assertEquals((await peer.response()).body, "read");
    assertEquals(rest, "rest");
  });
}

// ---- Limits on parts where nobody asks for any ------------------------------

const TWO = `${field("a", "1")}${field("a", "23")}--b--`;
const OVER: [limits: Record<string, number>, fault: string][] = [
  [{ maxParts: 1 }, "too-many-parts"],
  [{ maxPartLength: 1 }, "body-too-large"],
  [{ maxPartHeadersLength: 40 }, "headers-too-large"],
  [{ maxPartHeadersCount: 0 }, "too-many-headers"],
];

Deno.test("partLimits bound the parts of a form in memory, which is refused", async () => {
  for (const [partLimits, fault] of OVER) {
    await using side = new RequestSide(false, { partLimits });
    const bytes = messageOf(side, FORM, TWO, false);
    const found = await side.receive([bytes], () => Promise.resolve("reached"));
    assertEquals(found, { value: undefined, fault });
  }
});

Deno.test("partLimits hold for form() and parts() that are given no others", async () => {
  const ways: Way[] = ["form()", "parts()"];
  for (const [partLimits, fault] of OVER) {
    await using side = new RequestSide(true, { partLimits });
    const bytes = messageOf(side, FORM, TWO, false);
    const [[name]] = Object.entries(partLimits);
    for (const way of ways) {
      const by = async (limits?: Record<string, number>) =>
        (await side.receive(
          [bytes],
          (message, seen) => readBy(way, limits, message, seen),
        )).fault;
      assertEquals(await by(), fault);
      assertEquals(
        await by({ maxParts: 2 }),
        name === "maxParts" ? undefined : fault,
      );
      assertEquals(await by({ [name]: 100 }), undefined);
    }
  }
});

Deno.test("partLimits are checked", () => {
  const cases: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [7, TypeError, "partLimits"],
    [null, TypeError, "partLimits"],
    [{ maxParts: "1" }, TypeError, "maxParts"],
    [{ maxPartLength: -1 }, RangeError, "maxPartLength"],
    [{ maxPartLength: 1.5 }, RangeError, "maxPartLength"],
  ];
  for (const [partLimits, kind, name] of cases) {
    const options = { partLimits } as HttpServerOptions;
    assertThrows(() => startServer(options), kind, name);
  }
});
