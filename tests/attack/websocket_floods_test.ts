// Many small things in one read: what is done of them in one turn of the
// event loop, and what is kept.
import { assert, assertEquals } from "@std/assert";
import {
  Opcode,
  Websocket,
  type WebsocketOptions,
  type WebsocketRole,
  writeFrame,
} from "../../websocket.ts";
import { pack } from "../support/websocket_peer.ts";
import { FakeSink, turns, until } from "../websocket/fake_sink.ts";

const KEY = new Uint8Array([1, 2, 3, 4]);
const NOTHING = new Uint8Array(0);
const WHOLE = {
  clientMaxWindowBits: 15,
  serverMaxWindowBits: 15,
  clientNoContextTakeover: false,
  serverNoContextTakeover: false,
};
const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = Opcode;

function open(options: Partial<WebsocketOptions> = {}) {
  const sink = new FakeSink();
  return { sink, ws: new Websocket(sink, { role: "server", ...options }) };
}

function times(count: number, frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(frame.length * count);
  for (let i = 0; i < count; i++) all.set(frame, i * frame.length);
  return all;
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A frame as the other side of a role sends it. */
function from(
  role: WebsocketRole,
  opcode: Opcode,
  payload: Uint8Array = NOTHING,
): Uint8Array<ArrayBuffer> {
  return writeFrame(opcode, payload, role === "server" ? KEY : null);
}

function notFinal(frame: Uint8Array): Uint8Array {
  const part = frame.slice();
  part[0] &= 0x7f;
  return part;
}

/** In one turn there is time for so many things. */
const A_TURN = 10;
/** So many come at once. */
const MANY = 1000;
const GOODBYE = new Uint8Array([0x03, 0xe8]);

for (const role of ["server", "client"] as const) {
  const one = new Uint8Array([0x78]);
  const part = notFinal(from(role, CONTINUATION));
  const floods: Record<string, Uint8Array> = {
    "empty messages": times(MANY, from(role, TEXT)),
    "messages of one byte": times(MANY, from(role, BINARY, one)),
    "pings": times(MANY, from(role, PING, one)),
    "pongs": times(MANY, from(role, PONG)),
    "empty fragments": join(
      notFinal(from(role, TEXT)),
      times(MANY - 2, part),
      from(role, CONTINUATION),
    ),
    "fragments of one byte": join(
      notFinal(from(role, TEXT)),
      times(MANY - 2, notFinal(from(role, CONTINUATION, one))),
      from(role, CONTINUATION),
    ),
  };
  for (const [name, flood] of Object.entries(floods)) {
    for (const how of ["listens", "iterates", "has closed"]) {
      Deno.test(`Websocket (${role}) that ${how} takes ${name} in turns`, async () => {
        const { sink, ws } = open({ role });
        let count = 0;
        if (how === "listens") ws.onmessage = () => count++;
        else if (how === "iterates") {
          (async () => {
            for await (const _ of ws) count++;
          })();
        } else ws.close();
        await turns();
        sink.thingsLeft = A_TURN;
        const bytes = join(flood, from(role, CLOSE, GOODBYE));
        assertEquals(ws.receive(bytes), false);
        let rounds = 0, most = 0;
        await turns(30);
        for (let before = count; sink.inLine > 0; rounds++) {
          sink.turn(A_TURN);
          await turns(30);
          most = Math.max(most, count - before);
          before = count;
        }
        assert(rounds >= MANY / A_TURN - 1 && rounds < 3 * MANY / A_TURN);
        assert(most <= A_TURN, `${most} messages in a turn`);
        await turns();
        const messages = how === "has closed"
          ? 0
          : name.includes("message")
          ? MANY
          : name.includes("fragment")
          ? 1
          : 0;
        assertEquals(count, messages);
        assertEquals((await ws.closed).code, 1000);
        assertEquals(sink.inLine, 0);
      });
    }
  }

  Deno.test(`Websocket (${role}) unpacks messages in turns`, async () => {
    for (const payload of [NOTHING, pack(""), pack("x".repeat(5000))]) {
      const { sink, ws } = open({ role, deflate: WHOLE });
      let count = 0;
      ws.onmessage = () => count++;
      await turns();
      const key = role === "server" ? KEY : null;
      const frame = writeFrame(TEXT, payload, key, true);
      // What needs no decompressor is done as it comes.
      if (payload === NOTHING) sink.thingsLeft = A_TURN;
      assertEquals(ws.receive(times(100, frame)), false);
      sink.thingsLeft = A_TURN;
      let most = 0;
      for (let rounds = 0, before = 0; count < 100; rounds++) {
        assert(rounds < 1000);
        await new Promise((resolve) => setTimeout(resolve, 1));
        most = Math.max(most, count - before);
        before = count;
        sink.turn(A_TURN);
      }
      assert(most <= A_TURN, `${most} messages in a turn`);
      ws.gone();
    }
  });
}

Deno.test("Websocket keeps order and all of what waits for a turn", async () => {
  const { sink, ws } = open();
  const frame = (i: number) =>
    writeFrame(TEXT, new TextEncoder().encode(`${i}`), KEY);
  const batch = (start: number) =>
    join(...Array.from({ length: 100 }, (_, i) => frame(start + i)));
  sink.thingsLeft = 5;
  const first = batch(0);
  assertEquals(ws.receive(first), false);
  // Something was under way when it was told to stop.
  const second = batch(100);
  assertEquals(ws.receive(second), false);
  first.fill(0);
  second.fill(0);
  const got: string[] = [];
  const done = (async () => {
    for await (const message of ws) got.push(message as string);
  })();
  for (let i = 0; sink.resumed === 0 || sink.inLine > 0; i++) {
    assert(i < 100);
    sink.turn(7);
    await turns(30);
  }
  assertEquals(got, Array.from({ length: 200 }, (_, i) => `${i}`));
  ws.gone();
  await done;
});

for (const how of ["gone", "inputEnded"] as const) {
  for (const isTaken of [true, false]) {
    const who = isTaken ? "somebody takes" : "nobody takes";
    Deno.test(`Websocket ends by ${how}() behind what waits for a turn, and ${who}`, async () => {
      const { sink, ws } = open();
      sink.thingsLeft = 5;
      const bytes = times(6000, from("server", TEXT));
      ws.receive(bytes);
      ws[how]();
      // With the connection, its buffer is somebody else's.
      if (how === "gone") bytes.fill(0xff);
      let count = 0;
      const take = async () => {
        for await (const _ of ws) count++;
      };
      const wait = async () => {
        do {
          sink.turn(500);
          await turns(2000);
        } while (sink.inLine > 0);
      };
      const early = isTaken ? take() : null;
      await wait();
      // Of a connection that is still there, nothing is lost.
      assertEquals(ws.isClosed, isTaken || how === "gone");
      const done = early ?? take();
      await wait();
      await done;
      if (how === "inputEnded") assertEquals(count, 6000);
      else assert(count > 4000 && count < 6000, `${count} were kept`);
      assertEquals((await ws.closed).code, 1006);
      assertEquals([sink.inLine, sink.timers.length], [0, 0]);
    });
  }
}

Deno.test("Websocket that is dropped waits for no turn", () => {
  const { sink, ws } = open();
  sink.thingsLeft = 5;
  ws.receive(times(100, from("server", TEXT)));
  assertEquals(sink.inLine, 1);
  ws.onclose = () => {};
  sink.isStuck = true;
  ws.send("x".repeat(70_000));
  ws.send("x");
  assert(ws.isClosed);
  assertEquals(sink.inLine, 0);
});

Deno.test("Websocket queues a bounded number of messages, be they empty", async () => {
  for (const deflate of [null, WHOLE]) {
    const { sink, ws } = open({ deflate });
    const frame = writeFrame(TEXT, NOTHING, KEY, deflate !== null);
    assertEquals(ws.receive(times(50_000, frame)), false);
    ws.gone();
    let count = 0;
    while (await ws.recv(0) !== null) count++;
    assert(count > 256 && count < 10_000, `${count} messages were kept`);
    assertEquals(sink.resumed, 0);
  }
});

Deno.test("Websocket reads on in what was read before once messages are taken", async () => {
  const { sink, ws } = open();
  ws.receive(times(20_000, from("server", TEXT)));
  for (let i = 0; i < 20_000; i++) assertEquals(await ws.recv(), "");
  assertEquals(sink.resumed, 1);
  assertEquals(await ws.recv(0), null);
  ws.gone();
});

Deno.test("Websocket answers a flood of pings with few pongs, in few writes", async () => {
  const { sink, ws } = open();
  sink.thingsLeft = 256;
  const payload = new Uint8Array(125);
  ws.receive(times(MANY, from("server", PING, payload)));
  let writes = 0, rounds = 0;
  sink.onTaken = () => writes++;
  for (; sink.resumed === 0; rounds++) {
    await turns();
    assert(sink.bufferedAmount < 5000);
    sink.turn(256);
  }
  await turns();
  assert(writes <= 2 * rounds + 2, `${writes} writes in ${rounds} turns`);
  assert(sink.output.length < 30_000);
  ws.gone();
});

Deno.test("Websocket unpacks nothing more once it is closed", async () => {
  const { sink, ws } = open({ deflate: WHOLE });
  ws.onmessage = () => {};
  await turns();
  sink.thingsLeft = 5;
  ws.receive(times(50, writeFrame(TEXT, pack("x"), KEY, true)));
  await until(() => sink.inLine > 0);
  ws.gone();
  for (let i = 0; i < 200 && sink.inLine > 0; i++) {
    sink.turn(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(ws.isClosed);
  assertEquals(sink.inLine, 0);
});

Deno.test("Websocket hands on in turns what has waited, to all who pull it", async () => {
  const { sink, ws } = open();
  const frame = (i: number) =>
    writeFrame(TEXT, new TextEncoder().encode(`${i}`), KEY);
  ws.receive(join(...Array.from({ length: 200 }, (_, i) => frame(i))));
  const got: string[] = [];
  const iterating = (async () => {
    for await (const message of ws) got.push(message as string);
  })();
  const pulling = (async () => {
    for (;;) {
      const message = await ws.recv(9000);
      if (message === null) break;
      got.push(message as string);
    }
  })();
  sink.thingsLeft = A_TURN;
  let most = 0;
  for (let before = 0; got.length < 200; before = got.length) {
    sink.turn(A_TURN);
    await turns(60);
    assert(got.length > before);
    most = Math.max(most, got.length - before);
    // Who does not wait gets what is there.
    if (got.length === 100) got.push(await ws.recv(0) as string);
    if (got.length > 150 && !ws.isClosed) ws.gone();
  }
  assert(most <= A_TURN + 2, `${most} messages in a turn`);
  assertEquals(got, Array.from({ length: 200 }, (_, i) => `${i}`));
  sink.turn(A_TURN);
  await Promise.all([iterating, pulling]);
  assertEquals(sink.timers.filter(({ ms }) => ms === 9000), []);
});

// A message that cannot be unpacked is found behind what was read long before.
Deno.test("Websocket takes nothing behind a message that cannot be unpacked", async () => {
  for (const gone of [false, true]) {
    const { sink, ws } = open({ deflate: WHOLE });
    const good = writeFrame(TEXT, NOTHING, KEY, true);
    const bad = writeFrame(TEXT, new Uint8Array([0xff, 0xff]), KEY, true);
    const rest = times(5000, from("server", TEXT));
    const goodbye = from("server", CLOSE, GOODBYE);
    // So many that some are held, and the close frame with them.
    ws.receive(join(times(300, good), bad, rest, goodbye));
    assertEquals(sink.resumed, 0);
    if (gone) ws.gone();
    let count = 0;
    while (await ws.recv(0) !== null) {
      count++;
      await turns();
    }
    await until(() => ws.isClosed);
    assertEquals(count, 300);
    assertEquals((await ws.closed).code, gone ? 1006 : 1007);
    assertEquals(sink.timers, []);
  }
});

Deno.test("Websocket.send() compresses so much in a turn, however little comes of it", async () => {
  const { sink, ws } = open({ deflate: WHOLE });
  const text = "a".repeat(16_000);
  let sent = 0;
  let isOver = false;
  const sending = (async () => {
    while (!isOver && await ws.send(text)) sent++;
  })();
  const count = 20;
  for (let i = 0; i < count; i++) {
    sink.turn(A_TURN);
    await until(() => sink.inLine === 1);
    await turns();
  }
  // A message counts as several things, and some may wait for the compressor.
  assert(sent >= count && sent <= count * A_TURN / 4 + 5, `${sent}`);
  isOver = true;
  ws.gone();
  assertEquals(sink.inLine, 0);
  await sending;
});
