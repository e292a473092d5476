import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type MessageStream, Opcode, Websocket } from "@uhttp/uhttp/websocket";
import { WebsocketError, writeFrame } from "@uhttp/uhttp/websocket";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { Arena } from "../support/arena.ts";
import { FakeSink } from "./fake_sink.ts";

const KEY = new Uint8Array([1, 2, 3, 4]);
const { TEXT, BINARY, CONTINUATION, PING, CLOSE } = Opcode;

/** A frame of a client's, which may not be the last of its message. */
function frame(opcode: Opcode, payload: string, isLast = true): Uint8Array {
  const bytes = writeFrame(opcode, latin1Bytes(payload), KEY);
  if (!isLast) bytes[0] &= 0x7f;
  return bytes;
}

function joined(...frames: Uint8Array[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((one) => [...one]));
}

function open(): { ws: Websocket; sink: FakeSink } {
  const sink = new FakeSink();
  return {
    sink,
    ws: new Websocket(sink, { role: "server", streaming: true }),
  };
}

async function whole(message: MessageStream): Promise<string> {
  let bytes = "";
  for await (const piece of message) bytes += latin1Text(piece);
  return `${message.isText ? "text" : "bytes"} ${bytes}`;
}

/** A conversation in which each kind of message comes. */
const INPUT = joined(
  frame(TEXT, "one"),
  frame(BINARY, "tw", false),
  frame(PING, "p"),
  frame(CONTINUATION, "", false),
  frame(CONTINUATION, "o"),
  frame(TEXT, ""),
  frame(TEXT, "\xc3", false), // half a character
  frame(CONTINUATION, "\xa9"),
  frame(BINARY, "x".repeat(70_000)),
  frame(CLOSE, "\x03\xe8"),
);

for (const size of [1, 7, 4096, Infinity]) {
  Deno.test(`streams() gives each message in pieces, cut every ${size} bytes`, async () => {
    const { ws, sink } = open();
    const seen: string[] = [];
    const done = (async () => {
      for await (const message of ws.streams()) seen.push(await whole(message));
    })();
    let isReading = true;
    sink.onResume = () => isReading = true;
    for (let at = 0; at < INPUT.length; at += size) {
      while (!isReading) await new Promise((resolve) => setTimeout(resolve, 1));
      isReading = ws.receive(INPUT.slice(at, at + size));
      if (size > 1 || at % 4096 === 0) await null;
    }
    await done;
    assertEquals(seen, [
      "text one",
      "bytes two",
      "text ",
      "text \xc3\xa9",
      `bytes ${"x".repeat(70_000)}`,
    ]);
  });
}

Deno.test("streams() gives a message while it comes, and what is read of it as text", async () => {
  const { ws } = open();
  ws.receive(frame(TEXT, "h\xc3", false));
  const { value: message } = await ws.streams().next();
  const pieces = message!.text();
  assertEquals((await pieces.next()).value, "h");
  ws.receive(frame(CONTINUATION, "\xa9!"));
  assertEquals((await pieces.next()).value, "é!");
  assertEquals((await pieces.next()).done, true);
  assertEquals(await message!.read(), null);
});

Deno.test("streams() stops reading while what came is not read, and goes on", async () => {
  const { ws, sink } = open();
  const part = "x".repeat(40_000);
  assert(ws.receive(frame(BINARY, part, false)));
  const { value: message } = await ws.streams().next();
  assertEquals(ws.receive(frame(CONTINUATION, part, false)), false);
  assertEquals(sink.resumed, 0);
  assertEquals((await message!.read())!.length, 40_000);
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(sink.resumed, 1);
});

Deno.test("streams() throws away what of a message was not read", async () => {
  const { ws, sink } = open();
  const messages = ws.streams();
  ws.receive(frame(BINARY, "x".repeat(50_000), false));
  const { value: first } = await messages.next();
  const isReading = ws.receive(frame(CONTINUATION, "x".repeat(50_000), false));
  assertEquals(isReading, false);
  const next = messages.next();
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(sink.resumed, 1);
  for (let i = 0; i < 10; i++) {
    assert(ws.receive(frame(CONTINUATION, "x".repeat(50_000), false)));
  }
  ws.receive(joined(frame(CONTINUATION, "end"), frame(TEXT, "second")));
  const { value: second } = await next;
  assertEquals(await whole(second!), "text second");
  await assertRejects(() => first!.read(), TypeError, "left for the next");
});

Deno.test("a message in pieces that breaks a rule, or off, fails who reads it", async () => {
  for (
    const [name, spoil] of [
      ["bad-text", (ws: Websocket) => ws.receive(frame(CONTINUATION, "\xff"))],
      ["gone", (ws: Websocket) => ws.gone()],
      ["a close between", (ws: Websocket) => ws.receive(frame(CLOSE, ""))],
    ] as const
  ) {
    const { ws, sink } = open();
    ws.receive(frame(TEXT, "a", false));
    const { value: message } = await ws.streams().next();
    assertEquals(latin1Text((await message!.read())!), "a");
    const waiting = message!.read();
    await assertRejects(() => message!.read(), TypeError, "read already");
    spoil(ws);
    for (const timer of sink.timers.splice(0)) timer.callback();
    ws.gone();
    await assertRejects(() => waiting, WebsocketError);
    await assertRejects(() => message!.read(), WebsocketError);
    if (name === "bad-text") assertEquals((await ws.closed).code, 1007);
  }
});

Deno.test("messages are whole or in pieces, and nobody confuses them", async () => {
  const { ws } = open();
  await assertRejects(async () => await ws.recv(), TypeError, "streams()");
  assertThrows(() => ws[Symbol.asyncIterator](), TypeError, "streams()");
  assertThrows(() => ws.onmessage = () => {}, TypeError, "streams()");
  const other = new Websocket(new FakeSink(), { role: "server" });
  assertThrows(() => other.streams(), TypeError, "streaming");
  const deflate = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  assertThrows(
    () =>
      new Websocket(new FakeSink(), {
        role: "server",
        streaming: true,
        deflate,
      }),
    TypeError,
    "does not go with compression",
  );
});

Deno.test("acceptWebsocket() takes messages larger than memory should hold", async () => {
  const SIZE = 64 * 1024 * 1024;
  const total = Promise.withResolvers<number>();
  await using arena = new Arena(async (client) => {
    assertThrows(
      () => client.acceptWebsocket({ streaming: true, compress: true }),
      TypeError,
      'Option "compress" does not go with streaming',
    );
    const ws = client.acceptWebsocket({ streaming: true });
    for await (const message of ws!.streams()) {
      let length = 0;
      let longest = 0;
      for await (const piece of message) {
        length += piece.length;
        longest = Math.max(longest, piece.length);
      }
      assert(longest <= 1024 * 1024, `${longest} bytes at once`);
      await ws!.send(`${length}`);
      total.resolve(length);
    }
    return null;
  });
  const socket = new WebSocket(arena.server.url.replace("http", "ws"));
  await new Promise((resolve) => socket.onopen = resolve);
  socket.send(new Uint8Array(SIZE));
  const said = await new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(data);
  });
  assertEquals([await total.promise, said], [SIZE, `${SIZE}`]);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
});

Deno.test("maxMessageLength holds for messages in pieces, too", async () => {
  const ws = new Websocket(new FakeSink(), {
    role: "server",
    streaming: true,
    maxMessageLength: 10,
  });
  ws.receive(joined(
    frame(BINARY, "12345", false),
    frame(CONTINUATION, "67890"),
    frame(BINARY, "12345", false),
    frame(CONTINUATION, "678901"),
  ));
  const messages = ws.streams();
  assertEquals(await whole((await messages.next()).value!), "bytes 1234567890");
  ws.gone();
  assertEquals((await ws.closed).code, 1009);
});
