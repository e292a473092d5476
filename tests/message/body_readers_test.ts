import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { type BodyPart, readParts } from "../../message/body_parts.ts";
import {
  readEvents,
  readLines,
  readNdjson,
} from "../../message/body_readers.ts";
import { decodePieces } from "../../message/decoder.ts";
import {
  HttpError,
  ProtocolError,
  type ProtocolErrorCode,
} from "../../parse/errors.ts";
import { EventStreamParser } from "../../parse/event_stream_parser.ts";
import { Compressor } from "../../server/compressor.ts";
import type { Pace, Pieces } from "../../message/incoming_body.ts";
import { latin1Bytes } from "../support/bytes.ts";
import { bytewise, Random, twoCuts } from "../support/splits.ts";
import { TurnCounter } from "../support/turn_counter.ts";
import { Turns } from "../../transport/turns.ts";

/** A body that counts what is done with it. */
class Body {
  asked = 0;
  closed = 0;
  readonly #pieces: Iterator<Uint8Array>;
  readonly #buffer = new Uint8Array(1 << 16);
  readonly #error: Error | null;

  /** @param error With which it breaks off behind the pieces. */
  constructor(pieces: Iterable<Uint8Array>, error: Error | null = null) {
    this.#pieces = pieces[Symbol.iterator]();
    this.#error = error;
  }

  next: Pieces = () => {
    this.asked++;
    this.#buffer.fill(0x21, 0, 4096); // what was given is gone
    const { done, value } = this.#pieces.next();
    if (!done) {
      this.#buffer.set(value);
      return Promise.resolve(this.#buffer.subarray(0, value.length));
    }
    return this.#error === null
      ? Promise.resolve(null)
      : Promise.reject(this.#error);
  };

  close = () => {
    this.closed++;
  };
}

const TYPE = "multipart/x-mixed-replace; boundary=b";

type Reader = (body: Body) => AsyncGenerator<unknown, void, void>;

const READERS: Record<string, Reader> = {
  "readLines()": ({ next, close }) => readLines(next, {}, close),
  "readNdjson()": ({ next, close }) => readNdjson(next, {}, close),
  "readEvents()": ({ next, close }) => readEvents(next, {}, close),
  "readParts()": async function* ({ next, close }) {
    // A part is good only until the next one is asked for.
    for await (const part of readParts(next, TYPE, {}, close)) {
      yield [part.headers["x-n"], await part.text()];
    }
  },
};

interface Row {
  reader: string;
  what: string;
  text: string;
  values: unknown[];
  code?: ProtocolErrorCode;
}

const part = (n: number, data: string) =>
  `--b\r\nX-N: ${n}\r\nContent-Length: ${data.length}\r\n\r\n${data}\r\n`;
const openPart = (n: number, data: string) =>
  `--b\r\nX-N: ${n}\r\n\r\n${data}\r\n`;

const ROWS: Row[] = [
  { reader: "readLines()", what: "nothing", text: "", values: [] },
  {
    reader: "readLines()",
    what: "lines",
    text: "a\r\n\nb\nlast",
    values: ["a", "", "b", "last"],
  },
  {
    reader: "readLines()",
    what: "lines that all end",
    text: "\xc3\xa9\n\xe2\x82\xac\r\n",
    values: ["é", "€"],
  },
  {
    reader: "readLines()",
    what: "what is not UTF-8",
    text: "a\n\xff\nb\n",
    values: ["a"],
    code: "bad-encoding",
  },
  {
    reader: "readLines()",
    what: "an end that is not UTF-8",
    text: "a\n\xff",
    values: ["a"],
    code: "bad-encoding",
  },
  { reader: "readNdjson()", what: "nothing", text: "", values: [] },
  {
    reader: "readNdjson()",
    what: "values",
    text: '{"a":1}\r\n[2]\n"\xc3\xa9"\nnull\n0',
    values: [{ a: 1 }, [2], "é", null, 0],
  },
  {
    reader: "readNdjson()",
    what: "empty lines",
    text: "\n1\n\n \t\r\n2\r\n\r\n  ",
    values: [1, 2],
  },
  {
    reader: "readNdjson()",
    what: "what is not JSON",
    text: "1\n2,\n3\n",
    values: [1],
    code: "bad-json",
  },
  {
    reader: "readNdjson()",
    what: "what is nested too deeply",
    text: `1\n${"[".repeat(513)}${"]".repeat(513)}\n3\n`,
    values: [1],
    code: "json-too-deep",
  },
  {
    reader: "readNdjson()",
    what: "an end that is not JSON",
    text: '1\n{"a":',
    values: [1],
    code: "bad-json",
  },
  {
    reader: "readNdjson()",
    what: "other white space",
    text: "1\n\xc2\xa0\n",
    values: [1],
    code: "bad-json",
  },
  { reader: "readEvents()", what: "nothing", text: "", values: [] },
  {
    reader: "readEvents()",
    what: "events",
    text: "data: a\n\n: c\n\nid: 7\nevent: x\rdata: b\r\n\r\ndata: lost",
    values: [
      { type: "message", data: "a", id: "" },
      { type: "x", data: "b", id: "7" },
    ],
  },
  {
    reader: "readParts()",
    what: "parts",
    text: `\r\n${part(1, "a")}${openPart(2, "\r\nb")}${part(3, "")}--b--\r\n`,
    values: [["1", "a"], ["2", "\r\nb"], ["3", ""]],
  },
  {
    reader: "readParts()",
    what: "parts without a last delimiter",
    text: part(1, "a") + part(2, "b"),
    values: [["1", "a"], ["2", "b"]],
  },
  {
    reader: "readParts()",
    what: "a part that breaks off",
    text: part(1, "a") + "--b\r\n\r\nb",
    values: [["1", "a"]],
    code: "bad-multipart",
  },
  {
    reader: "readParts()",
    what: "what is behind the end",
    text: part(1, "a") + "--b--x",
    values: [["1", "a"]],
    code: "bad-multipart",
  },
];

for (const { reader, what, text, values, code } of ROWS) {
  Deno.test(`${reader} reads ${what}`, async () => {
    const bytes = latin1Bytes(text);
    const random = new Random(1);
    const ways = [
      [bytes],
      bytewise(bytes),
      random.pieces(bytes),
      ...twoCuts(bytes, 30),
    ];
    for (const pieces of ways) {
      const body = new Body(pieces);
      const found: unknown[] = [];
      const reading = (async () => {
        for await (const value of READERS[reader](body)) found.push(value);
      })();
      if (code === undefined) await reading;
      else {
        const error = await assertRejects(() => reading, ProtocolError);
        assertEquals(error.code, code);
      }
      assertEquals(found, values);
      // At the end of the body the connection goes on; not so before it.
      assert(body.closed <= (code === undefined ? 0 : 1));
    }
  });
}

const STREAMS: Record<string, [text: string, first: unknown, bad: string]> = {
  "readLines()": ["a\n", "a", "\xff\n"],
  "readNdjson()": ["1\n", 1, "x\n"],
  "readEvents()": [
    "data: a\n\n",
    { type: "message", data: "a", id: "" },
    "x".repeat((1 << 20) + 1),
  ],
  "readParts()": [part(1, "a"), ["1", "a"], "x"],
};

/** The same piece again and again. */
function* forever(text: string): Iterable<Uint8Array> {
  for (;;) yield latin1Bytes(text);
}

for (const [reader, [text, first, bad]] of Object.entries(STREAMS)) {
  const read = READERS[reader];

  Deno.test(`${reader} gives each value as it comes, and asks for no more`, async () => {
    const body = new Body(forever(text));
    const values = read(body);
    for (let count = 1; count < 10; count++) {
      assertEquals((await values.next()).value, first);
      assertEquals(body.asked, count);
    }
    await values.return();
    assertEquals(body.closed, 1);
  });

  Deno.test(`${reader} closes once when the loop is left`, async () => {
    const body = new Body(forever(text));
    let count = 0;
    const values = read(body);
    for await (const _ of values) if (++count === 3) break;
    assertEquals(body.closed, 1);
    assertEquals((await values.next()).done, true);
    await values.return();
    assertEquals([body.closed, body.asked], [1, 3]);
  });

  Deno.test(`${reader} closes once when the loop throws`, async () => {
    const body = new Body(forever(text));
    const error = new Error("Enough");
    const caught = await assertRejects(async () => {
      for await (const _ of read(body)) throw error;
    });
    assertStrictEquals(caught, error);
    assertEquals(body.closed, 1);
  });

  Deno.test(`${reader} closes once at a fault`, async () => {
    const pieces = bad.length > 1000
      ? new Random(1).pieces(latin1Bytes(text + bad))
      : [latin1Bytes(text), latin1Bytes(bad), latin1Bytes(bad)];
    const body = new Body(pieces);
    const values = read(body);
    assertEquals((await values.next()).value, first);
    await assertRejects(() => values.next(), ProtocolError);
    assertEquals((await values.next()).done, true);
    assertEquals(body.closed, 1);
  });

  Deno.test(`${reader} passes on why the body breaks off`, async () => {
    const gone = new HttpError("Gone");
    const body = new Body([latin1Bytes(text), latin1Bytes("x")], gone);
    const values = read(body);
    assertEquals((await values.next()).value, first);
    if (reader !== "readParts()") {
      assertStrictEquals(await assertRejects(() => values.next()), gone);
    } else await assertRejects(() => values.next(), ProtocolError);
    assertEquals(body.closed, 1);
  });

  Deno.test(`${reader} does not close a body that was read to its end`, async () => {
    const body = new Body([latin1Bytes(text + text)]);
    const values = read(body);
    await values.next();
    await values.next();
    assertEquals((await values.next()).done, true);
    assertEquals([body.asked, body.closed], [2, 0]);
  });
}

Deno.test("readLines() and readNdjson() hold lines to the limit", async () => {
  for (const read of [readLines, readNdjson]) {
    const limits = { maxLineLength: 3 };
    const body = new Body([latin1Bytes("123\r\n1234\n")]);
    const values = read(body.next, limits, body.close);
    assertEquals(String((await values.next()).value), "123");
    const error = await assertRejects(() => values.next(), ProtocolError);
    assertEquals([error.code, body.closed], ["body-too-large", 1]);
  }
});

Deno.test("readEvents() tells a parser what to come back with", async () => {
  const parser = new EventStreamParser({ lastEventId: "1" });
  const gone = new HttpError("Gone");
  const text = "retry: 10\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n";
  const events = readEvents(
    new Body(bytewise(latin1Bytes(text)), gone).next,
    parser,
  );
  assertEquals((await events.next()).value, {
    type: "message",
    data: "a",
    id: "1",
    retry: 10,
  });
  assertEquals((await events.next()).value?.id, "2");
  assertStrictEquals(await assertRejects(() => events.next()), gone);
  assertEquals([parser.lastEventId, parser.retry], ["2", 10]);
});

Deno.test("readEvents() takes limits", async () => {
  const { next } = new Body([latin1Bytes("id: 1\ndata: a\n\n")]);
  const events = readEvents(next, { maxEventLength: 5, lastEventId: "0" });
  await assertRejects(() => events.next(), ProtocolError);
});

Deno.test("readEvents() reads compressed events one by one", async () => {
  const compressor = new Compressor("br");
  const packed: Uint8Array[] = [];
  for (let i = 0; i < 5; i++) {
    packed.push(await compressor.write(latin1Bytes(`data: ${i}\n\n`), true));
  }
  compressor.close();
  const body = new Body(packed);
  const decoded = decodePieces(["br"], body.next);
  const events = readEvents(decoded.next, {}, () => {
    decoded.close();
    body.close();
  });
  for (let i = 0; i < 5; i++) {
    assertEquals((await events.next()).value?.data, String(i));
    assertEquals(body.asked, i + 1);
  }
  await events.return();
  assertEquals(body.closed, 1);
});

Deno.test("readParts() refuses what is no multipart body", async () => {
  for (
    const type of [
      "",
      "text/plain; boundary=b",
      "multipart/mixed",
      "multipart/mixed; boundary=",
    ]
  ) {
    const body = new Body([latin1Bytes("--b--")]);
    const parts = readParts(body.next, type, {}, body.close);
    const error = await assertRejects(() => parts.next(), ProtocolError);
    assertEquals(error.code, "bad-multipart");
    assertEquals([body.asked, body.closed], [0, 1]);
  }
});

Deno.test("readParts() passes over what of a part was not read", async () => {
  const text = part(1, "first") + openPart(2, "second") + part(3, "third");
  for (const pieces of [[latin1Bytes(text)], bytewise(latin1Bytes(text))]) {
    const found: unknown[] = [];
    const kept: BodyPart[] = [];
    for await (const one of readParts(new Body(pieces).next, TYPE)) {
      const n = one.headers["x-n"];
      kept.push(one);
      found.push(n === "2" ? (await one.read())!.length > 0 : n);
    }
    assertEquals(found, ["1", true, "3"]);
    for (const one of kept) assertEquals(await one.read(), null);
  }
});

Deno.test("readParts() gives a part in all ways", async () => {
  const path = await Deno.makeTempFile();
  try {
    const found: unknown[] = [];
    const text = [1, 2, 3, 4].map((n) => part(n, `data ${n}`)).join("");
    const { next } = new Body(bytewise(latin1Bytes(text)));
    for await (const one of readParts(next, TYPE)) {
      assertEquals(one.contentType, "text/plain");
      switch (one.headers["x-n"]) {
        case "1":
          found.push(await one.text());
          break;
        case "2":
          found.push(new TextDecoder().decode(await one.bytes()));
          break;
        case "3":
          found.push(await new Response(one.body).text());
          break;
        default:
          assertEquals(await one.saveTo(path), 6);
          found.push(await Deno.readTextFile(path));
      }
    }
    assertEquals(found, ["data 1", "data 2", "data 3", "data 4"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readParts() gives all of a picture before the next one begins", async () => {
  const pieces = [part(1, "one").slice(0, -2), "\r\n", part(2, "two")];
  const body = new Body(pieces.map(latin1Bytes));
  const parts = readParts(body.next, TYPE, {}, body.close);
  const { value } = await parts.next();
  assertEquals(await (value as BodyPart).text(), "one");
  assertEquals(body.asked, 1);
  await parts.return();
});

Deno.test("readParts() holds parts to the limits", async () => {
  const cases: [limits: object, code: ProtocolErrorCode][] = [
    [{ maxPartLength: 4 }, "body-too-large"],
    [{ maxParts: 1 }, "too-many-parts"],
    [{ maxPartHeadersLength: 28 }, "headers-too-large"],
    [{ maxPartHeadersCount: 1 }, "too-many-headers"],
  ];
  for (const [limits, code] of cases) {
    const body = new Body([latin1Bytes(part(1, "12345") + part(2, "x"))]);
    const error = await assertRejects(async () => {
      for await (const _ of readParts(body.next, TYPE, limits, body.close));
    }, ProtocolError);
    assertEquals([error.code, body.closed], [code, 1]);
  }
});

Deno.test("readParts() wants all that a form has to have", async () => {
  const type = "multipart/form-data; boundary=b";
  const form =
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--';
  const texts: string[] = [];
  for await (const one of readParts(new Body([latin1Bytes(form)]).next, type)) {
    texts.push(await one.text());
  }
  assertEquals(texts, ["x"]);
  const parts = readParts(new Body([latin1Bytes(part(1, "a"))]).next, type);
  await assertRejects(() => parts.next(), ProtocolError);
});

// ---- Many things in one piece -----------------------------------------------

const MANY = 2000;
/** In one turn there is time for so many, and as many that were begun before. */
const A_TURN = 512;

const CROWDS: Record<
  string,
  [piece: string, read: (next: Pieces, pace: Pace) => AsyncGenerator<unknown>]
> = {
  lines: ["\n", (next, pace) => readLines(next, {}, () => {}, pace)],
  "values of NDJSON": [
    "1\n",
    (next, pace) => readNdjson(next, {}, () => {}, pace),
  ],
  events: ["data\n\n", (next, pace) => readEvents(next, {}, () => {}, pace)],
  parts: [
    "--b\r\n\r\n\r\n",
    (next, pace) =>
      readParts(
        next,
        "multipart/mixed; boundary=b",
        { maxParts: MANY },
        () => {},
        (error) => error,
        pace,
      ),
  ],
};

for (const [what, [piece, read]] of Object.entries(CROWDS)) {
  Deno.test(`${what} that come at once are handed out in several turns`, async () => {
    const turns = new Turns(() => 0);
    const end = what === "parts" ? "--b--" : "";
    const body = new Body([latin1Bytes(piece.repeat(MANY) + end)]);
    using counter = new TurnCounter();
    for await (const _ of read(body.next, () => turns.take())) counter.count();
    assertEquals(counter.all, MANY);
    assert(counter.most <= A_TURN, `${counter.most} in one turn`);
  });
}
