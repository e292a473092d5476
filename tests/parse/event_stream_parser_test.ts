import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import {
  type EventStreamOptions,
  EventStreamParser,
  ProtocolError,
  type ProtocolErrorCode,
  type ServerSentEvent,
} from "../../parse.ts";
import {
  type ServerEvent,
  writeComment,
  writeEvent,
} from "../../server/events.ts";
import { latin1Bytes } from "../support/bytes.ts";
import { bytewise, Random, twoCuts } from "../support/splits.ts";

interface Outcome {
  events: ServerSentEvent[];
  lastEventId: string;
  retry: number | null;
  code?: ProtocolErrorCode;
  offset?: number;
}

/** Feeds pieces, and writes down all that comes of them. */
function read(
  pieces: Iterable<Uint8Array>,
  options: EventStreamOptions = {},
): Outcome {
  const parser = new EventStreamParser(options);
  const events: ServerSentEvent[] = [];
  const fault: Partial<Outcome> = {};
  try {
    for (const piece of pieces) {
      const bytes = piece.slice();
      parser.push(bytes);
      for (let event; (event = parser.next()) !== null;) events.push(event);
      bytes.fill(0x0a); // it has no business with them any more
    }
  } catch (error) {
    assert(error instanceof ProtocolError, String(error));
    assert(parser.error === error);
    parser.push(latin1Bytes("data\n\n"));
    assertThrows(() => parser.next(), ProtocolError);
    fault.code = error.code;
    fault.offset = error.offset;
  }
  const { lastEventId, retry } = parser;
  return { events, lastEventId, retry, ...fault };
}

/** Reads bytes whole, byte by byte, and cut everywhere: always the same. */
function readEveryWay(
  bytes: Uint8Array,
  options?: EventStreamOptions,
): Outcome {
  const outcome = read([bytes], options);
  assertEquals(read(bytewise(bytes), options), outcome, "bytewise");
  for (const pieces of twoCuts(bytes, 60)) {
    const cuts = pieces.map((piece) => piece.length).join("+");
    assertEquals(read(pieces, options), outcome, cuts);
  }
  const empty = new Uint8Array(0);
  const gaps = [...bytewise(bytes)].flatMap((byte) => [empty, byte, empty]);
  assertEquals(read(gaps, options), outcome, "with empty pieces");
  return outcome;
}

/** What of an event is not as usual. */
type Row = [
  text: string,
  events: Partial<ServerSentEvent>[],
  {
    lastEventId?: string;
    retry?: number;
  }?,
];

/** Text with one character a byte, and the events in it. */
const ROWS: Row[] = [
  // Nothing.
  ["", []],
  ["\n", []],
  ["\n\n\r\r\n\r", []],
  [":\n\n", []],
  [": ping\n\n", []],
  ["data", []],
  ["data: a", []],
  ["data: a\n", []],
  ["data: a\r\n", []],
  ["event: a\n\n", []],
  ["unknown: a\n\n", []],
  // Data.
  ["data: a\n\n", [{ data: "a" }]],
  ["data:a\n\n", [{ data: "a" }]],
  ["data:  a\n\n", [{ data: " a" }]],
  ["data:\ta\n\n", [{ data: "\ta" }]],
  ["data: a \n\n", [{ data: "a " }]],
  ["data\n\n", [{ data: "" }]],
  ["data:\n\n", [{ data: "" }]],
  ["data: \n\n", [{ data: "" }]],
  ["data\ndata\n\n", [{ data: "\n" }]],
  ["data:\ndata:\ndata\n\n", [{ data: "\n\n" }]],
  ["data: a\ndata:b\ndata:  c\n\n", [{ data: "a\nb\n c" }]],
  ["data: a\n: no\ndata: b\n\n", [{ data: "a\nb" }]],
  ["data: a:b: c\n\n", [{ data: "a:b: c" }]],
  ["data: \0\x01\n\n", [{ data: "\0\x01" }]],
  ["data: a\n\n\n\ndata: b\n\n", [{ data: "a" }, { data: "b" }]],
  ["data: a\n\ndata: b\n", [{ data: "a" }]],
  ["data: a\n\ndata: b\n\ndata: c\n\n", [
    { data: "a" },
    { data: "b" },
    { data: "c" },
  ]],
  // Names of fields are taken to the letter.
  ["Data: a\n\n", []],
  [" data: a\n\n", []],
  ["data : a\n\n", []],
  ["datax: a\n\n", []],
  ["dat\n\n", []],
  ["DATA: a\ndata: b\n\n", [{ data: "b" }]],
  ["__proto__: a\ndata: b\n\n", [{ data: "b" }]],
  // Line ends.
  ["data: a\r\rdata: b\r\r", [{ data: "a" }, { data: "b" }]],
  ["data: a\r\n\r\ndata: b\r\n\r\n", [{ data: "a" }, { data: "b" }]],
  ["data: a\r\n\rdata: b\n\r\n", [{ data: "a" }, { data: "b" }]],
  ["data: a\rdata: b\ndata: c\r\ndata: d\n\r", [{ data: "a\nb\nc\nd" }]],
  ["data: a\n\r", [{ data: "a" }]],
  ["data: a\r\r", [{ data: "a" }]],
  ["data: a\n\rdata: b\r\n\n", [{ data: "a" }, { data: "b" }]],
  ["\r\ndata: a\r\n\r\n", [{ data: "a" }]],
  ["data: a\x0bb\x0cc\xe2\x80\xa8d\n\n", [{ data: "a\x0bb\x0cc\u2028d" }]],
  // Types.
  ["event: x\ndata: a\n\n", [{ type: "x", data: "a" }]],
  ["data: a\nevent: x\n\n", [{ type: "x", data: "a" }]],
  ["event: x\nevent: y\ndata\n\n", [{ type: "y" }]],
  ["event: x\nevent\ndata\n\n", [{}]],
  ["event: x\n\ndata: a\n\n", [{ data: "a" }]],
  ["event: x\ndata\n\ndata\n\n", [{ type: "x" }, {}]],
  ["event: x \ndata\n\n", [{ type: "x " }]],
  ["event: message\ndata\n\n", [{}]],
  // Ids.
  ["id: 1\ndata\n\n", [{ id: "1" }], { lastEventId: "1" }],
  ["data\nid: 1\n\ndata\n\n", [{ id: "1" }, { id: "1" }], {
    lastEventId: "1",
  }],
  ["id: 1\n\ndata\n\n", [{ id: "1" }], { lastEventId: "1" }],
  ["id: 1\ndata\n\nid\ndata\n\n", [{ id: "1" }, {}]],
  ["id: 1\ndata\n\nid:\n\n", [{ id: "1" }]],
  ["id: 1\nid: 2\ndata\n\n", [{ id: "2" }], { lastEventId: "2" }],
  ["id: 1\ndata\n\nid: 2\0\ndata\n\n", [{ id: "1" }, { id: "1" }], {
    lastEventId: "1",
  }],
  ["id: 1\n\nid: 2\ndata: lost\n", [], { lastEventId: "1" }],
  ["id: 1\n\nid: 2", [], { lastEventId: "1" }],
  ["id: \xc3\xa9 x\n\n", [], { lastEventId: "é x" }],
  // Times.
  ["retry: 10\n\n", [], { retry: 10 }],
  ["retry: 10", []],
  ["retry: 10\n", [], { retry: 10 }],
  ["retry:10\ndata\n\ndata\n\n", [{ retry: 10 }, {}], { retry: 10 }],
  ["retry: 10\nretry: 20\ndata\n\n", [{ retry: 20 }], { retry: 20 }],
  ["retry: 0\n", [], { retry: 0 }],
  ["retry: 007\n", [], { retry: 7 }],
  ["retry: 10\nretry: x\n", [], { retry: 10 }],
  ["retry\n", []],
  ["retry:\n", []],
  ["retry: -1\n", []],
  ["retry: +1\n", []],
  ["retry: 1.5\n", []],
  ["retry: 1e3\n", []],
  ["retry: 0x10\n", []],
  ["retry:  10\n", []],
  ["retry: 10 \n", []],
  ["retry: \xd9\xa1\n", []],
  [`retry: ${"9".repeat(400)}\n`, [], { retry: Number.MAX_SAFE_INTEGER }],
  // Byte order mark, once.
  ["\xef\xbb\xbfdata: a\n\n", [{ data: "a" }]],
  ["\xef\xbb\xbf\ndata: a\n\n", [{ data: "a" }]],
  ["\xef\xbb\xbf: c\ndata: a\n\n", [{ data: "a" }]],
  ["\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []],
  ["\n\xef\xbb\xbfdata: a\n\n", []],
  [":\n\xef\xbb\xbfdata: a\n\n", []],
  ["data: a\n\n\xef\xbb\xbfdata: b\n\n", [{ data: "a" }]],
  ["data: \xef\xbb\xbfa\n\n", [{ data: "\ufeffa" }]],
  // UTF-8, with U+FFFD for what is none.
  ["data: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n\n", [{ data: "é€😀" }]],
  ["data: a\xffb\n\n", [{ data: "a\ufffdb" }]],
  ["data: \xe2\x82\n\n", [{ data: "\ufffd" }]],
  ["data: \xe2\ndata: \x82\xac\n\n", [{ data: "\ufffd\n\ufffd\ufffd" }]],
  ["data: \xed\xa0\x80\n\n", [{ data: "\ufffd\ufffd\ufffd" }]],
  ["event: \xf0\x9f\ndata\n\n", [{ type: "\ufffd" }]],
  ["\xef\xbb\n\ndata: a\n\n", [{ data: "a" }]],
];

for (const [text, events, end = {}] of ROWS) {
  const name = JSON.stringify(text).slice(0, 100);
  Deno.test(`EventStreamParser.next() reads ${name}`, () => {
    assertEquals(readEveryWay(latin1Bytes(text)), {
      events: events.map((event) => ({
        type: "message",
        data: "",
        id: "",
        ...event,
      })),
      lastEventId: "",
      retry: null,
      ...end,
    });
  });
}

/** The standard's own examples (section 9.2.5 and 9.2.6). */
Deno.test("EventStreamParser.next() reads what the standard shows", () => {
  const data = (text: string) =>
    read([latin1Bytes(text)]).events.map((event) => event.data);
  assertEquals(data("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
  assertEquals(data("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
  assertEquals(data("data:test\n\ndata: test\n\n"), ["test", "test"]);
});

Deno.test("EventStreamParser.next() gives an event at the end of its last line", () => {
  for (const end of ["\n", "\r", "\r\n"]) {
    const parser = new EventStreamParser();
    for (let i = 0; i < 3; i++) {
      parser.push(latin1Bytes(`data: ${i}${end}${end}`));
      assertEquals(parser.next()?.data, String(i));
      assertEquals(parser.next(), null);
    }
  }
});

Deno.test("EventStreamParser goes on with the id of the connection before", () => {
  const options = { lastEventId: "7" };
  const { events, lastEventId } = readEveryWay(
    latin1Bytes("data: a\n\nid\ndata: b\n\n"),
    options,
  );
  assertEquals(events.map(({ id }) => id), ["7", ""]);
  assertEquals(lastEventId, "");
  assertEquals(new EventStreamParser(options).lastEventId, "7");
});

// Texts, how long an event may be, how many come, and where a fault is.
const LIMITED: [text: string, max: number, count: number, offset?: number][] = [
  ["data:abc\n\n", 8, 1],
  ["data:abc\r\n\r\n", 8, 1],
  ["data:a\n\ndata:b\n\n", 6, 2],
  ["data:a\nid:1\n\ndata\n\n", 10, 2],
  [`:${"x".repeat(50)}\ndata:abc\n:${"y".repeat(50)}\r\n\n`, 8, 1],
  [`:${"x".repeat(50)}`, 0, 0],
  ["\n\r\n\r", 0, 0],
  ["data:abcd\n\n", 8, 0, 8],
  ["data:abcd", 8, 0, 8],
  ["data:a\n\ndata:abcd\n\n", 8, 1, 16],
  ["data:a\nid:1\n\n", 9, 0, 10],
  ["data:a\r\ndata:b\r\n", 6, 0, 8],
  ["x\nx\nx\nx\n", 3, 0, 6],
  ["id:1\nid:1\n", 7, 0, 8],
];

for (const [text, maxEventLength, count, offset] of LIMITED) {
  const name = `${JSON.stringify(text)} to ${maxEventLength} bytes`;
  Deno.test(`EventStreamParser.next() holds ${name}`, () => {
    const outcome = readEveryWay(latin1Bytes(text), { maxEventLength });
    assertEquals(outcome.events.length, count);
    assertEquals(
      [outcome.code, outcome.offset],
      [offset === undefined ? undefined : "body-too-large", offset],
    );
  });
}

Deno.test("EventStreamParser.next() has a limit on its own", () => {
  const longest = `data:${"x".repeat((1 << 20) - 5)}`;
  const { events } = read([latin1Bytes(longest + "\n\n")]);
  assertEquals(events[0].data.length, longest.length - 5);
  const { code, offset } = read([latin1Bytes(longest), latin1Bytes("x")]);
  assertEquals([code, offset], ["body-too-large", 1 << 20]);
  const lines = latin1Bytes("data\n".repeat((1 << 18) + 1));
  assertEquals(read([lines]).code, "body-too-large");
});

// What the server's side writes, and what a client is to make of it.
const WRITTEN: [event: ServerEvent, read: ServerSentEvent | null][] = [
  [{ data: "hello" }, { type: "message", data: "hello", id: "" }],
  [{ data: "" }, { type: "message", data: "", id: "" }],
  [{ data: "a\nb\rc\r\nd" }, { type: "message", data: "a\nb\nc\nd", id: "" }],
  [{ data: "\n" }, { type: "message", data: "\n", id: "" }],
  [{ data: "\n\na\n\n" }, { type: "message", data: "\n\na\n\n", id: "" }],
  [{ data: " a" }, { type: "message", data: " a", id: "" }],
  [{ data: ": a" }, { type: "message", data: ": a", id: "" }],
  [{ data: "id: 7" }, { type: "message", data: "id: 7", id: "" }],
  [{ data: "é€😀\0" }, { type: "message", data: "é€😀\0", id: "" }],
  [{ data: { a: [1, null] } }, {
    type: "message",
    data: '{"a":[1,null]}',
    id: "",
  }],
  [{ data: 0 }, { type: "message", data: "0", id: "" }],
  [{ data: "a", event: "news" }, { type: "news", data: "a", id: "" }],
  [{ data: "a", event: " x:" }, { type: " x:", data: "a", id: "" }],
  [{ data: "a", event: "" }, { type: "message", data: "a", id: "" }],
  [{ data: "a", id: "7" }, { type: "message", data: "a", id: "7" }],
  [{ data: "a", id: 7, retry: 5, event: "x" }, {
    type: "x",
    data: "a",
    id: "7",
    retry: 5,
  }],
  [{ data: "a", retry: 0 }, {
    type: "message",
    data: "a",
    id: "",
    retry: 0,
  }],
  [{ event: "x" }, null],
  [{ id: 7 }, null],
  [{ retry: 7 }, null],
];

for (const [event, expected] of WRITTEN) {
  Deno.test(`EventStreamParser.next() reads what writeEvent() makes of ${JSON.stringify(event)}`, () => {
    const bytes = new TextEncoder().encode(
      writeComment("a\nb") + writeEvent(event) + writeComment(""),
    );
    const { events, lastEventId, retry } = readEveryWay(bytes);
    assertEquals(events, expected === null ? [] : [expected]);
    assertEquals(lastEventId, String(event.id ?? ""));
    assertEquals(retry, event.retry ?? null);
  });
}

Deno.test("EventStreamParser.next() reads random events as written, however cut", () => {
  const random = new Random(1);
  const word = () => {
    let text = "";
    for (let i = random.below(6); i > 0; i--) {
      text += random.pick(["a", ":", " ", "é", "😀", "data", "x".repeat(90)]);
    }
    return text;
  };
  for (let round = 0; round < 200; round++) {
    let text = "", lastId = "";
    const expected: ServerSentEvent[] = [];
    for (let i = random.below(6); i > 0; i--) {
      const event: ServerEvent = { data: `${word()}\n${word()}` };
      if (random.below(2) > 0) event.event = word();
      if (random.below(2) > 0) event.id = word();
      if (random.below(3) > 0) event.retry = random.below(5000);
      if (random.below(3) > 0) text += writeComment(word());
      text += writeEvent(event);
      lastId = event.id === undefined ? lastId : String(event.id);
      expected.push({
        type: event.event || "message",
        data: String(event.data),
        id: lastId,
        ...event.retry === undefined ? {} : { retry: event.retry },
      });
    }
    const end = random.pick(["\n", "\r", "\r\n"]);
    const bytes = new TextEncoder().encode(text.replaceAll("\n", end));
    for (const pieces of [[bytes], bytewise(bytes), random.pieces(bytes)]) {
      assertEquals(read(pieces).events, expected);
    }
  }
});

Deno.test("EventStreamParser.next() looks at no byte often, however cut", () => {
  const text = latin1Bytes(
    `data: ${"x".repeat(20000)}\r\n: ${"y".repeat(20000)}\ndata\n\n`,
  );
  let looks = 0;
  const counting = (bytes: Uint8Array): Uint8Array =>
    new Proxy(bytes, {
      get(target, key) {
        if (typeof key === "string" && /^\d/.test(key)) looks++;
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  for (const pieces of [bytewise(text), new Random(3).pieces(text)]) {
    looks = 0;
    const parser = new EventStreamParser();
    let count = 0;
    for (const piece of pieces) {
      parser.push(counting(piece));
      while (parser.next() !== null) count++;
    }
    assertEquals(count, 1);
    assertLess(looks / text.length, 5);
  }
});

Deno.test("EventStreamParser.push() throws where next() has not asked for more", () => {
  const parser = new EventStreamParser();
  parser.push(latin1Bytes("data: a\n\ndata: b\n\n"));
  assertThrows(() => parser.push(latin1Bytes("c")), TypeError, "next()");
  assertEquals(parser.next()?.data, "a");
  assertThrows(() => parser.push(latin1Bytes("c")), TypeError);
  assertEquals(parser.next()?.data, "b");
  assertEquals(parser.next(), null);
  parser.push(latin1Bytes("c"));
});
