import { assert, assertEquals } from "@std/assert";
import { Readable } from "node:stream";
import { constants, deflateRawSync } from "node:zlib";
import {
  acceptDeflate,
  type DeflateParameters,
  FrameEvent,
  FrameReader,
  offerDeflate,
  Opcode,
  Websocket,
  WebsocketError,
  type WebsocketMessage,
  writeFrame,
} from "../../websocket.ts";
import { Deflater, Inflater } from "../../websocket/deflate.ts";
import { latin1Text } from "../support/bytes.ts";
import { Random } from "../support/splits.ts";
import { FakeSink, until } from "./fake_sink.ts";

const KEY = new Uint8Array([5, 6, 7, 8]);
const WHOLE = acceptDeflate(offerDeflate())!.parameters;

function inflate(
  inflater: Inflater,
  bytes: Uint8Array,
): Promise<Uint8Array | WebsocketError> {
  return new Promise((resolve) => inflater.inflate(bytes, resolve));
}

function deflate(
  deflater: Deflater,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  return new Promise((resolve) => deflater.deflate(bytes, resolve));
}

/** Compressed as a message is, without what ends each. */
function pack(bytes: Uint8Array): Uint8Array {
  const packed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  return new Uint8Array(packed.subarray(0, -4));
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(
    hex.match(/\w\w/g) ?? [],
    (digits) => parseInt(digits, 16),
  );
}

/** Messages as they come, and what is in them. */
const EXAMPLES: [name: string, hex: string, text: string | null][] = [
  ["one block (7.2.3.1)", "f2 48 cd c9 c9 07 00", "Hello"],
  [
    "one block that is not compressed (7.2.3.3)",
    "00 05 00 fa ff 48 65 6c 6c 6f 00",
    "Hello",
  ],
  ["a final block (7.2.3.4)", "f3 48 cd c9 c9 07 00 00", "Hello"],
  [
    "two blocks (7.2.3.5)",
    "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
    "Hello",
  ],
  ["an empty message (7.2.3.6)", "00", ""],
  ["nothing at all", "", ""],
  ["a block of no known kind", "07 ff ff", null],
  ["a distance too far back", "f2 00 11 00 00", null],
  ["lengths that do not agree", "00 05 00 fa fe 48 65 6c 6c 6f 00", null],
  ["bytes behind a final block", "f3 48 cd c9 c9 07 00 07", null],
  ["many final blocks", "03 00 ".repeat(20), null],
];

for (const [name, hex, text] of EXAMPLES) {
  Deno.test(`Inflater.inflate() ${text === null ? "refuses" : "reads"} ${name}`, async () => {
    for (const forgets of [false, true]) {
      const inflater = new Inflater(15, forgets, 1000);
      for (let i = 0; i < 3; i++) {
        const result = await inflate(inflater, fromHex(hex));
        if (text === null) {
          assert(result instanceof WebsocketError);
          assertEquals(result.code, "bad-compression");
          break;
        }
        assert(result instanceof Uint8Array);
        assertEquals(latin1Text(result), text);
      }
      inflater.close();
    }
  });
}

Deno.test("Inflater.inflate() looks back into the message before (7.2.3.2)", async () => {
  const inflater = new Inflater(15, false, 1000);
  await inflate(inflater, fromHex("f2 48 cd c9 c9 07 00"));
  const second = await inflate(inflater, fromHex("f2 00 11 00 00"));
  assertEquals(latin1Text(second as Uint8Array), "Hello");
  inflater.close();
  const forgetful = new Inflater(15, true, 1000);
  await inflate(forgetful, fromHex("f2 48 cd c9 c9 07 00"));
  assert(
    await inflate(forgetful, fromHex("f2 00 11 00 00")) instanceof
      WebsocketError,
  );
  forgetful.close();
});

Deno.test("Inflater.inflate() reads what Deflater makes, with all windows", async () => {
  const random = new Random(1);
  const words = ["hello ", "WebSocket ", "\0\xff", "compression "];
  for (let bits = 9; bits <= 15; bits++) {
    for (const forgets of [false, true]) {
      const deflater = new Deflater(bits, forgets);
      const inflater = new Inflater(bits, forgets, 200_000);
      for (const count of [1, 0, 20, 3000, 20_000, 20]) {
        let text = "";
        for (let i = 0; i < count; i++) text += random.pick(words);
        const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
        const packed = await deflate(deflater, bytes);
        assert(count < 3000 || packed.length < bytes.length / 2);
        assertEquals(await inflate(inflater, packed), bytes);
      }
      deflater.close();
      inflater.close();
    }
  }
});

Deno.test("Inflater.inflate() stops at the limit, long before a bomb is whole", async () => {
  const size = 256 * 1024 * 1024;
  const bomb = pack(new Uint8Array(size));
  const inflater = new Inflater(15, false, 100_000);
  // What it decompresses goes by here.
  const { prototype } = Readable;
  const { push } = prototype;
  let made = 0;
  prototype.push = function (piece, ...rest) {
    made += piece?.length ?? 0;
    return push.call(this, piece, ...rest);
  };
  try {
    const result = await inflate(inflater, bomb);
    assert(result instanceof WebsocketError);
    assertEquals([result.code, result.closeCode], ["message-too-large", 1009]);
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    prototype.push = push;
  }
  assert(made > 100_000 && made < 1_000_000, `${made} bytes`);
  inflater.close();

  const exact = new Inflater(15, false, 100_000);
  const most = new Uint8Array(100_000);
  assertEquals(await inflate(exact, pack(most)), most);
  exact.close();
});

Deno.test("Deflater.close() and Inflater.close() end what is under way", async () => {
  const deflater = new Deflater(15, true);
  const inflater = new Inflater(15, true, 1000);
  const fail = () => {
    throw new Error("Called back after the end");
  };
  deflater.deflate(new Uint8Array(100_000), fail);
  inflater.inflate(pack(new Uint8Array(500)), fail);
  deflater.close();
  inflater.close();
  await new Promise((resolve) => setTimeout(resolve, 10));
});

/** Two ends, each fed with what the other sends, cut into pieces. */
function pair(deflate: DeflateParameters | null, random: Random) {
  const sinks = [new FakeSink(), new FakeSink()];
  const options = { deflate, maxSendBufferSize: 1e7 };
  const server = new Websocket(sinks[0], { role: "server", ...options });
  const client = new Websocket(sinks[1], { role: "client", ...options });
  const seen: Uint8Array[] = [];
  for (
    const [sink, peer] of [[sinks[0], client], [sinks[1], server]] as const
  ) {
    sink.onTaken = (bytes) => {
      seen.push(bytes);
      for (const piece of random.pieces(bytes)) {
        peer.receive(new Uint8Array(piece));
      }
    };
  }
  return { server, client, sinks, seen };
}

function messages(random: Random): WebsocketMessage[] {
  const texts = ["a", "é€💙", '{"key":"value"},', "0123456789"];
  return Array.from({ length: 30 }, () => {
    const count = random.pick([0, 1, 10, 30, 100, 3000]);
    if (random.below(2) === 0) return random.pick(texts).repeat(count);
    const limit = random.pick([2, 256]);
    return Uint8Array.from({ length: count }, () => random.below(limit));
  });
}

async function take(ws: Websocket, count: number): Promise<WebsocketMessage[]> {
  const all: WebsocketMessage[] = [];
  while (all.length < count) all.push((await ws.recv())!);
  return all;
}

Deno.test("Websocket to Websocket says the same, with all that can be agreed on", async () => {
  const random = new Random(9);
  const agreements: (DeflateParameters | null)[] = [null];
  for (let i = 0; i < 16; i++) {
    agreements.push({
      serverNoContextTakeover: (i & 1) !== 0,
      clientNoContextTakeover: (i & 2) !== 0,
      serverMaxWindowBits: (i & 4) !== 0 ? 15 : 9,
      clientMaxWindowBits: (i & 8) !== 0 ? 15 : 8,
    });
  }
  for (const deflate of agreements) {
    const { server, client, sinks } = pair(deflate, random);
    const [up, down] = [messages(random), messages(random)];
    const taken = Promise.all([take(server, 30), take(client, 30)]);
    for (const message of up) client.send(message);
    for (const message of down) server.send(message);
    assertEquals(await taken, [up, down]);
    // Even what has to be compressed comes before the close frame.
    client.send("last ".repeat(1000));
    client.close(4000, "done");
    assertEquals((await server.recv())?.length, 5000);
    assertEquals(await server.recv(), null);
    const closed = { code: 4000, reason: "done", wasClean: true };
    assertEquals(await server.closed, closed);
    client.inputEnded();
    for (const { ended, timers } of sinks) {
      assertEquals([ended, timers], [1, []]);
    }
  }
});

Deno.test("Websocket compresses what is worth it, and nothing else", async () => {
  const random = new Random(4);
  const { server, client, seen } = pair(WHOLE, random);
  const text = "compress me ".repeat(500);
  for (const message of ["short", text, text, text, "short"]) {
    server.send(message);
    assertEquals(await client.recv(), message);
  }
  const reader = new FrameReader({ role: "client", allowCompressed: true });
  const lengths: number[] = [];
  for (const bytes of seen) {
    reader.feed(new Uint8Array(bytes));
    while (reader.next() === FrameEvent.MESSAGE) {
      lengths.push(reader.isCompressed ? reader.payload.length : -1);
    }
  }
  assertEquals(lengths.map((length) => length < 0), [
    ...[true, false, false, false, true],
  ]);
  // Those behind the first look back to it.
  assert(lengths[1] < 100 && lengths[2] < lengths[1]);
  for (const ws of [server, client]) ws.gone();
});

Deno.test("Websocket fails at a compression bomb, behind what came before", async () => {
  const sink = new FakeSink();
  const ws = new Websocket(sink, {
    role: "server",
    deflate: WHOLE,
    maxMessageLength: 100_000,
  });
  const text = new TextEncoder().encode("before ".repeat(100));
  const bomb = pack(new Uint8Array(16 * 1024 * 1024));
  for (const bytes of [pack(text), bomb, bomb]) {
    ws.receive(writeFrame(Opcode.BINARY, bytes, KEY, true));
  }
  assertEquals(await ws.recv(), text);
  assertEquals(await ws.recv(), null);
  const { code, wasClean } = await ws.closed;
  assertEquals([code, wasClean, sink.ended], [1009, false, 1]);
  assertEquals(sink.timers.length, 0);
});

Deno.test("Websocket fails at compressed text that is not UTF-8", async () => {
  const sink = new FakeSink();
  const ws = new Websocket(sink, { role: "server", deflate: WHOLE });
  const bytes = pack(new Uint8Array([0x61, 0xff]));
  ws.receive(writeFrame(Opcode.TEXT, bytes, KEY, true));
  assertEquals((await ws.closed).code, 1007);
});

Deno.test("Websocket unpacks no more than the application takes", async () => {
  const sink = new FakeSink();
  const ws = new Websocket(sink, {
    role: "server",
    deflate: { ...WHOLE, clientNoContextTakeover: true },
    maxMessageLength: 1_000_000,
  });
  // Each takes a thousand bytes, and a million where it is unpacked.
  const packed = pack(new Uint8Array(1_000_000));
  const frame = writeFrame(Opcode.BINARY, packed, KEY, true);
  const count = 60;
  const bytes = new Uint8Array(frame.length * count);
  for (let i = 0; i < count; i++) bytes.set(frame, i * frame.length);
  const before = Deno.memoryUsage().external;
  assertEquals(ws.receive(bytes), false);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert(Deno.memoryUsage().external - before < 20_000_000);
  let isClosed = false;
  ws.onclose = () => isClosed = true;
  ws.gone();
  assert(ws.isClosed && !isClosed);
  // What is in may be taken even now, and then comes the end.
  for (let i = 0; i < count; i++) {
    assertEquals((await ws.recv() as Uint8Array).length, 1_000_000);
  }
  assertEquals(await ws.recv(), null);
  assert(isClosed);
  assertEquals(sink.resumed, 0);
});

Deno.test("Websocket reads on once compressed messages are taken", async () => {
  const sink = new FakeSink();
  const ws = new Websocket(sink, { role: "server", deflate: WHOLE });
  const frame = writeFrame(Opcode.BINARY, pack(new Uint8Array(9)), KEY, true);
  // All in one read, and so before the first is unpacked.
  const bytes = new Uint8Array(frame.length * 50);
  for (let i = 0; i < 50; i++) bytes.set(frame, i * frame.length);
  assertEquals(ws.receive(bytes), false);
  await until(() => sink.resumed > 0);
  for (let i = 0; i < 50; i++) assert(await ws.recv() instanceof Uint8Array);
  ws.gone();
});

Deno.test("Websocket keeps the order of events: messages, then the end", async () => {
  const sink = new FakeSink();
  const ws = new Websocket(sink, { role: "server", deflate: WHOLE });
  const seen: unknown[] = [];
  ws.onmessage = (event) => seen.push(event.data);
  ws.onclose = (event) => seen.push(event.code);
  const one = pack(new TextEncoder().encode("one"));
  const two = new TextEncoder().encode("two");
  ws.receive(writeFrame(Opcode.TEXT, one, KEY, true));
  ws.receive(writeFrame(Opcode.TEXT, two, KEY));
  ws.receive(writeFrame(Opcode.CLOSE, new Uint8Array([0x03, 0xe8]), KEY));
  await until(() => seen.length === 3);
  assertEquals(seen, ["one", "two", 1000]);
});

Deno.test("Websocket comes to its end also where what is left cannot be unpacked", async () => {
  const sink = new FakeSink();
  const maxMessageLength = 100_000;
  const ws = new Websocket(sink, {
    role: "server",
    deflate: WHOLE,
    maxMessageLength,
  });
  const most = pack(new Uint8Array(maxMessageLength));
  const bomb = pack(new Uint8Array(maxMessageLength + 1));
  let isClosed = false;
  ws.onclose = () => isClosed = true;
  for (const bytes of [most, most, bomb, most]) {
    ws.receive(writeFrame(Opcode.BINARY, bytes, KEY, true));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  ws.gone();
  for (let i = 0; i < 2; i++) {
    assertEquals((await ws.recv())?.length, maxMessageLength);
  }
  assertEquals(await ws.recv(), null);
  assert(isClosed);
  assertEquals((await ws.closed).code, 1006);
});

Deno.test("Websocket does not call an end clean that its answer did not reach", async () => {
  const sink = new FakeSink();
  const ws = new Websocket(sink, { role: "server", deflate: WHOLE });
  ws.send("compressed ".repeat(1000));
  ws.receive(writeFrame(Opcode.CLOSE, new Uint8Array([0x03, 0xe8]), KEY));
  assert(!ws.isClosed);
  ws.gone();
  const closed = { code: 1000, reason: "", wasClean: false };
  assertEquals(await ws.closed, closed);
});

Deno.test("Websocket.send() waits for the compressor too", async () => {
  const random = new Random(6);
  const { server, client, sinks } = pair(WHOLE, random);
  const small = new Websocket(sinks[0], {
    role: "server",
    deflate: WHOLE,
    maxSendBufferSize: 1000,
  });
  const text = "more than the buffer may hold ".repeat(100);
  for (let i = 0; i < 3; i++) {
    const sent = small.send(text);
    assert(small.bufferedAmount > 1000);
    assertEquals(await sent, true);
    assert(small.bufferedAmount <= 1000);
    assertEquals(await client.recv(), text);
  }
  const lost = small.send(text);
  small.gone();
  assertEquals(await lost, false);
  for (const ws of [server, client]) ws.gone();
});
