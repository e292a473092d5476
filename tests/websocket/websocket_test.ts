import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FrameEvent,
  FrameReader,
  Opcode,
  Websocket,
  WebsocketError,
  type WebsocketErrorCode,
  websocketErrors,
  type WebsocketOptions,
  writeFrame,
} from "../../websocket.ts";
import { codeText } from "../cases/websocket_frames.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { Random } from "../support/splits.ts";
import { FakeSink, turns } from "./fake_sink.ts";

const KEY = new Uint8Array([1, 2, 3, 4]);

/** A server's end, and what its peer sees of it. */
class End {
  readonly sink = new FakeSink();
  readonly ws: Websocket;

  constructor(options: Partial<WebsocketOptions> = {}) {
    this.ws = new Websocket(this.sink, { role: "server", ...options });
  }

  /** A client's frames come; returns whether the server reads on. */
  gets(...frames: [opcode: Opcode, payload: string][]): boolean {
    return this.ws.receive(bytesOf(...frames));
  }

  /** What was sent so far, as "text:hi", "close:1000:bye". */
  async sent(): Promise<string[]> {
    await turns();
    return events(this.sink.output);
  }
}

function bytesOf(...frames: [opcode: Opcode, payload: string][]): Uint8Array {
  return Uint8Array.from(
    frames.flatMap((
      [opcode, payload],
    ) => [...writeFrame(opcode, latin1Bytes(payload), KEY)]),
  );
}

function events(bytes: Uint8Array): string[] {
  const reader = new FrameReader({ role: "client" });
  const seen: string[] = [];
  reader.feed(new Uint8Array(bytes));
  for (;;) {
    switch (reader.next()) {
      case FrameEvent.MESSAGE:
        seen.push(
          reader.isText
            ? `text:${reader.text}`
            : `binary:${latin1Text(reader.payload)}`,
        );
        break;
      case FrameEvent.PING:
        seen.push(`ping:${latin1Text(reader.payload)}`);
        break;
      case FrameEvent.PONG:
        seen.push(`pong:${latin1Text(reader.payload)}`);
        break;
      case FrameEvent.CLOSE:
        seen.push(`close:${reader.closeCode}:${reader.closeReason}`);
        break;
      case FrameEvent.FAILED:
        throw reader.error;
      default:
        return seen;
    }
  }
}

/** All messages, as text of one character a byte where they are bytes. */
async function all(ws: Websocket): Promise<string[]> {
  const messages: string[] = [];
  for await (const message of ws) {
    messages.push(typeof message === "string" ? message : latin1Text(message));
  }
  return messages;
}

const { TEXT, BINARY, CLOSE, PING, PONG } = Opcode;

Deno.test("Websocket is iterated over up to its end", async () => {
  const { ws, sink, gets } = bound();
  const messages = all(ws);
  gets([TEXT, "a"], [BINARY, "\xff"]);
  await turns();
  gets([TEXT, "b"], [CLOSE, codeText(1001) + "bye"], [TEXT, "late"]);
  assertEquals(await messages, ["a", "\xff", "b"]);
  const closed = { code: 1001, reason: "bye", wasClean: true };
  assertEquals(await ws.closed, closed);
  assertEquals([sink.ended, sink.destroyed, sink.timers.length], [1, 0, 0]);
});

/** An `End` whose parts can be taken out. */
function bound(options: Partial<WebsocketOptions> = {}) {
  const end = new End(options);
  return {
    ws: end.ws,
    sink: end.sink,
    gets: end.gets.bind(end),
    sent: end.sent.bind(end),
  };
}

Deno.test("Websocket.recv() gives messages in order, and null at the end", async () => {
  const { ws, gets } = bound();
  const first = ws.recv();
  const second = ws.recv();
  gets([TEXT, "1"], [TEXT, "2"], [TEXT, "3"]);
  assertEquals(await Promise.all([first, second, ws.recv()]), ["1", "2", "3"]);
  const last = ws.recv();
  gets([CLOSE, ""]);
  assertEquals(await last, null);
  assertEquals(await ws.recv(), null);
  assert(ws.isClosed);
});

Deno.test("Websocket.recv() waits no longer than its timeout", async () => {
  const { ws, sink, gets } = bound({ idleTimeout: 0 });
  const late = ws.recv(70);
  sink.fire(70);
  assertEquals(await late, null);
  assertEquals(await ws.recv(0), null);
  assert(!ws.isClosed);
  const next = ws.recv(80);
  gets([TEXT, "x"]);
  assertEquals(await next, "x");
  assertEquals(sink.timers.length, 0);
  const ended = ws.recv(90);
  ws.gone();
  assertEquals(await ended, null);
  assertEquals(sink.timers.length, 0);
});

Deno.test("Websocket.receive() keeps nothing of the buffer it is given", async () => {
  const { ws } = bound();
  const bytes = bytesOf([BINARY, "abc"], [TEXT, "def"], [PING, "p"]);
  ws.receive(bytes);
  bytes.fill(0);
  assertEquals(latin1Text(await ws.recv() as Uint8Array), "abc");
  assertEquals(await ws.recv(), "def");
});

Deno.test("Websocket.send() sends text and bytes, those of one go together", async () => {
  const { ws, sink, sent } = bound();
  const bytes = new Uint8Array([1, 2]);
  const sends = [
    ws.send("hi"),
    ws.send("é".repeat(20)),
    ws.send(""),
    ws.send(bytes),
    ws.send(bytes.buffer),
    ws.send(new DataView(bytes.buffer, 1)),
    ws.send("x".repeat(3000)),
    ws.send(new Uint8Array(2000)),
  ];
  bytes.fill(9);
  assertEquals(sink.flushed.length, 0);
  assertEquals(await Promise.all(sends), sends.map(() => true));
  assertEquals(await sent(), [
    "text:hi",
    "text:" + "é".repeat(20),
    "text:",
    "binary:\x01\x02",
    "binary:\x01\x02",
    "binary:\x02",
    "text:" + "x".repeat(3000),
    "binary:" + "\0".repeat(2000),
  ]);
  assertEquals(sink.flushed.length, 1);
});

Deno.test("Websocket sends together what answers messages that came together", async () => {
  const { ws, sink, gets, sent } = bound();
  const frames = Array.from({ length: 50 }, (_, i) => [TEXT, `${i}`] as const);
  (async () => {
    for await (const message of ws) await ws.send(message);
  })();
  await turns();
  gets(...frames.map(([opcode, text]): [Opcode, string] => [opcode, text]));
  await turns(500);
  assertEquals(await sent(), frames.map(([, text]) => `text:${text}`));
  assertEquals(sink.flushed.length, 1);
  ws.gone();
});

Deno.test("Websocket.send() refuses what is no message", () => {
  const { ws } = bound();
  for (const data of [1, null, undefined, {}, [1]]) {
    assertThrows(() => ws.send(data as unknown as string), TypeError);
  }
});

Deno.test("Websocket.send() waits for a slow peer, and drops one that is sent more", async () => {
  const { ws, sink } = bound({ maxSendBufferSize: 1000 });
  sink.isStuck = true;
  let isDone = false;
  const waiting = ws.send("x".repeat(2000)).then((value) => {
    isDone = true;
    return value;
  });
  await turns();
  assert(!isDone && ws.bufferedAmount > 1000);
  sink.unstick();
  assertEquals(await waiting, true);

  sink.isStuck = true;
  const first = ws.send("x".repeat(2000));
  assertEquals(await ws.send("y"), false);
  assertEquals(await first, false);
  assertEquals(sink.destroyed, 1);
  assertEquals((await ws.closed).code, 1006);
  assertEquals(await ws.send("z"), false);
});

Deno.test("Websocket answers pings, and of a flood only the latest", async () => {
  const { gets, sink, sent } = bound();
  gets([PING, "a"], [PING, ""], [TEXT, "m"], [PING, "b"]);
  assertEquals(await sent(), ["pong:a", "pong:", "pong:b"]);
  sink.isStuck = true;
  for (let i = 0; i < 5000; i++) gets([PING, `flood ${i}`]);
  await turns();
  assert(sink.bufferedAmount < 5000, String(sink.bufferedAmount));
  assertEquals(sink.waiting, 1);
  sink.unstick();
  const pongs = await sent();
  assertEquals(pongs.at(-1), "pong:flood 4999");
  assert(pongs.length < 600);
});

Deno.test("Websocket.ping() resolves at its pong, or at a later one's", async () => {
  const { ws, gets, sent } = bound();
  const pings = [ws.ping("a"), ws.ping(new Uint8Array([98])), ws.ping("c")];
  const numbered = ws.ping();
  assertEquals(await sent(), ["ping:a", "ping:b", "ping:c", "ping:1"]);
  gets([PONG, "x"]);
  gets([PONG, "b"]);
  assertEquals(await Promise.all(pings.slice(0, 2)), [true, true]);
  gets([PONG, "a"]);
  ws.gone();
  assertEquals(await Promise.all([pings[2], numbered]), [false, false]);
  assertEquals(await ws.ping(), false);
  assertThrows(() => ws.ping("x".repeat(126)), RangeError);
});

Deno.test("Websocket.close() waits for the peer's close frame", async () => {
  const { ws, sink, gets, sent } = bound();
  assertEquals(ws.readyState, Websocket.OPEN);
  ws.send("last");
  const closed = ws.close(3001, "done");
  assertEquals(ws.readyState, ws.CLOSING);
  assertEquals(await ws.send("late"), false);
  assertEquals(await sent(), ["text:last", "close:3001:done"]);
  assertEquals(sink.ended, 0);
  const { length } = sink.output;
  gets([TEXT, "thrown away"], [PING, "p"], [CLOSE, codeText(3001)]);
  assertEquals(await closed, { code: 3001, reason: "" });
  assertEquals(ws.readyState, ws.CLOSED);
  assertEquals([sink.ended, sink.destroyed, sink.timers.length], [1, 0, 0]);
  assertEquals(await all(ws), []);
  await turns();
  // Nothing behind our close frame.
  assertEquals(sink.output.length, length);
});

Deno.test("Websocket.close() gives up when its time is over", async () => {
  const { ws, sink } = bound({ closeTimeout: 123, idleTimeout: 0 });
  const closed = ws.close();
  await turns();
  sink.fire(123);
  assertEquals(await closed, { code: 1006, reason: "" });
  assertEquals((await ws.closed).wasClean, false);
  assertEquals([sink.destroyed, sink.timers.length], [1, 0]);
});

Deno.test("Websocket.close() keeps what came before, and throws away what comes after", async () => {
  const { ws, gets } = bound();
  gets([TEXT, "before"]);
  ws.close();
  assertEquals(gets([TEXT, "after"]), true);
  gets([CLOSE, codeText(1000)]);
  assertEquals(await all(ws), ["before"]);
});

Deno.test("Websocket.close() refuses codes and reasons that may not be sent", () => {
  const { ws, sink } = bound();
  for (
    const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN]
  ) {
    assertThrows(() => ws.close(code), RangeError);
  }
  assertThrows(() => ws.close(1000, "é".repeat(62)), TypeError);
  assertEquals(ws.readyState, ws.OPEN);
  assertEquals(sink.bufferedAmount, 0);
  ws.close(1011, "é".repeat(61));
  assertEquals(ws.readyState, ws.CLOSING);
});

Deno.test("Websocket answers a close with its code, behind what was sent", async () => {
  for (
    const [payload, answer] of [
      ["", "close:1005:"],
      [codeText(1000) + "why", "close:1000:"],
      [codeText(4321), "close:4321:"],
    ]
  ) {
    const { ws, gets, sent } = bound();
    ws.send("m");
    gets([CLOSE, payload]);
    assert(ws.isClosed);
    assertEquals(await sent(), ["text:m", answer]);
  }
});

const FAULTS: [bytes: number[], code: WebsocketErrorCode][] = [
  [[0xc1, 0x80], "reserved-bit"],
  [[0x83], "bad-opcode"],
  [[0x81, 0x05], "missing-mask"],
  [[0x81, 0x85, 0, 0, 0, 0, 0xff], "bad-text"],
  [[0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0], "message-too-large"],
];

for (const [bytes, code] of FAULTS) {
  Deno.test(`Websocket fails at "${code}", behind what was owed`, async () => {
    const { ws, sink, sent } = bound();
    const errors: unknown[] = [];
    ws.addEventListener("error", (event) => errors.push(event.error));
    const [closeCode, reason] = websocketErrors[code];
    ws.send("owed");
    const good = bytesOf([TEXT, "good"], [PING, "p"]);
    const isReading = ws.receive(Uint8Array.from([...good, ...bytes]));
    assertEquals(isReading, true);
    assertEquals(ws.receive(bytesOf([TEXT, "late"])), true);
    assertEquals(await all(ws), ["good"]);
    assertEquals(await ws.closed, { code: closeCode, reason, wasClean: false });
    assertEquals(await sent(), [
      "text:owed",
      "pong:p",
      `close:${closeCode}:${reason}`,
    ]);
    assertEquals([sink.ended, sink.timers.length], [1, 0]);
    assert(errors[0] instanceof WebsocketError);
    assertEquals(errors[0].code, code);
  });
}

Deno.test("Websocket tells of a connection that is lost", async () => {
  for (const how of ["inputEnded", "gone"] as const) {
    const { ws, sink, gets } = bound();
    gets([TEXT, "a"]);
    const ping = ws.ping();
    ws[how]();
    assertEquals(await ws.closed, { code: 1006, reason: "", wasClean: false });
    assertEquals(await all(ws), ["a"]);
    assertEquals(await ping, false);
    assertEquals(sink.timers.length, 0);
    ws.gone();
    ws.inputEnded();
    assertEquals(await ws.close(), { code: 1006, reason: "" });
  }
});

Deno.test("Websocket.receive() stops while too many messages wait", async () => {
  const { ws, sink, gets } = bound();
  let count = 0;
  while (gets([TEXT, "m"])) count++;
  assert(count > 100 && count < 1000);
  assertEquals(sink.resumed, 0);
  for (let i = 0; i <= count; i++) assertEquals(await ws.recv(), "m");
  assertEquals(sink.resumed, 1);
  assertEquals(await ws.recv(0), null);
});

Deno.test("Websocket.receive() stops while too many bytes wait", async () => {
  const { ws, sink, gets } = bound({ maxMessageLength: 1000 });
  assertEquals(gets([BINARY, "x".repeat(1000)]), true);
  assertEquals(gets([BINARY, "y"]), false);
  await ws.recv();
  assertEquals(sink.resumed, 1);
  assertEquals(gets([BINARY, "x".repeat(1000)]), false);
  await ws.recv();
  assertEquals(sink.resumed, 2);
  for (let i = 0; i < 3; i++) gets([BINARY, "x".repeat(1000)]);
  await ws.recv();
  assertEquals(sink.resumed, 2);
  // Nobody needs the messages any more, but the peer's close frame.
  ws.close();
  assertEquals(sink.resumed, 3);
});

Deno.test("Websocket dispatches events, also for what came before", async () => {
  const { ws, gets, sink } = bound();
  const seen: unknown[] = [];
  gets([TEXT, "early"]);
  ws.onmessage = (event) => seen.push(event.data);
  ws.addEventListener("message", (event) => seen.push(event.data));
  ws.onclose = ({ code, reason, wasClean }) =>
    seen.push([code, reason, wasClean]);
  await turns();
  gets([TEXT, "a"], [BINARY, "\x01"]);
  ws.binaryType = "bytes";
  gets([BINARY, "\x02"]);
  ws.onmessage = null;
  gets([TEXT, "b"], [CLOSE, codeText(1000)]);
  await turns(); // in which somebody may still answer "b"
  const one = new Uint8Array([1]).buffer;
  const two = new Uint8Array([2]);
  assertEquals(seen, [
    ...["early", "early", "a", "a", one, one, two, two, "b"],
    [1000, "", true],
  ]);
  assertThrows(() => ws.recv(), TypeError);
  assertEquals(sink.timers.length, 0);
});

Deno.test("Websocket gives blobs where they are asked for", async () => {
  const { ws, gets } = bound();
  ws.binaryType = "blob";
  const { promise, resolve } = Promise.withResolvers<Blob>();
  ws.onmessage = (event) => resolve(event.data);
  gets([BINARY, "blob"]);
  assertEquals(await (await promise).text(), "blob");
});

Deno.test("Websocket pings a silent peer, and drops it if it stays silent", async () => {
  const { ws, sink, gets, sent } = bound({ idleTimeout: 200 });
  gets([TEXT, "here"]);
  sink.fire(100);
  assertEquals(await sent(), []);
  sink.fire(100);
  assertEquals(await sent(), ["ping:"]);
  gets([PONG, ""]);
  sink.fire(100);
  sink.fire(100);
  assertEquals(await sent(), ["ping:", "ping:"]);
  assert(!ws.isClosed);
  sink.fire(100);
  assertEquals((await ws.closed).code, 1006);
  assertEquals([sink.destroyed, sink.timers.length], [1, 0]);
});

Deno.test("Websocket blames no peer for silence that it is not listening to", () => {
  const { ws, sink, gets } = bound({ idleTimeout: 200 });
  while (gets([TEXT, "m"]));
  for (let i = 0; i < 5; i++) sink.fire(100);
  assert(!ws.isClosed);
});

Deno.test("Websocket has the constants of the standard, and what was agreed on", () => {
  const { ws } = bound({ protocol: "chat" });
  assertEquals([ws.CONNECTING, ws.OPEN, ws.CLOSING, ws.CLOSED], [0, 1, 2, 3]);
  assertEquals([ws.protocol, ws.extensions, ws.url], ["chat", "", ""]);
});

Deno.test("Websocket refuses options out of range", () => {
  for (const option of ["maxMessageLength", "idleTimeout", "closeTimeout"]) {
    for (const value of [-1, NaN]) {
      assertThrows(() => bound({ [option]: value }), RangeError, option);
    }
    assertThrows(() => bound({ [option]: "1" }), TypeError, option);
  }
});

Deno.test("Websocket withstands what makes no sense", async () => {
  const random = new Random(11);
  const good = bytesOf([TEXT, "hello"], [PING, "p"], [BINARY, "b".repeat(200)]);
  for (let i = 0; i < 2000; i++) {
    const { ws, sink, sent } = bound({ maxMessageLength: 1000 });
    const parts = Array.from({ length: 1 + random.below(4) }, () => {
      const part = good.slice();
      for (let n = random.below(3); n > 0; n--) {
        part[random.below(part.length)] = random.below(256);
      }
      return part.subarray(0, 1 + random.below(part.length));
    });
    for (const part of parts) ws.receive(part);
    ws.inputEnded();
    const { code } = await ws.closed;
    assert([1000, 1005, 1006, 1002, 1007, 1009].includes(code) || code > 1000);
    await sent(); // throws where we sent nonsense
    assertEquals(sink.timers.filter(({ ms }) => ms !== 5000), []);
  }
});

Deno.test("a client lets the server close first, but not for ever", async () => {
  for (const isSlow of [false, true]) {
    const { ws, sink } = bound({ role: "client" });
    ws.receive(writeFrame(CLOSE, latin1Bytes(codeText(1000))));
    assertEquals((await ws.closed).wasClean, true);
    await turns();
    assertEquals([sink.ended, sink.timers.length], [0, 1]);
    if (isSlow) sink.fire(5000);
    else ws.inputEnded();
    assertEquals([sink.ended, sink.timers.length], [1, 0]);
  }
});

Deno.test("Websocket tells of pings and pongs to who listens for them", async () => {
  const end = new End();
  const { ws } = end;
  end.gets([PING, "early"]); // nobody listens yet
  const seen: string[] = [];
  const told = (event: MessageEvent) =>
    seen.push(`${event.type} ${latin1Text(event.data)}`);
  ws.onping = told;
  ws.addEventListener("pong", told);
  ws.addEventListener("message", ({ data }) => seen.push(`message ${data}`));
  await turns();
  end.gets([PING, "a"], [TEXT, "m"], [PONG, "b"], [PING, ""]);
  assertEquals(seen, ["ping a", "message m", "pong b", "ping "]);
  assertEquals(await end.sent(), [
    "pong:early",
    "pong:a",
    "pong:",
  ]);
  ws.onping = null;
  end.gets([PING, "c"]);
  assertEquals(seen.length, 4);
  assertEquals(ws.onping, null);
  // The bytes are the listener's to keep.
  let kept: Uint8Array | null = null;
  ws.onpong = ({ data }) => kept = data;
  end.gets([PONG, "keep"], [TEXT, "over"]);
  assertEquals(latin1Text(kept!), "keep");
});
