import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ParseEvent, protocolErrors, ResponseParser } from "../../parse.ts";
import { readBuffer } from "../../parse/receive_buffer.ts";
import { requests } from "../cases/requests.ts";
import {
  clientCodes,
  type ExpectedResponse,
  type ResponseRow,
  responses,
} from "../cases/responses.ts";
import { latin1Bytes } from "../support/bytes.ts";
import {
  type ReadResponse,
  readResponsePieces,
  readWholeResponses,
  type ResponseOutcome,
} from "../support/response_splits.ts";
import { bytewise, cutAt, Random, twoCuts } from "../support/splits.ts";

/** Rows up to this length are cut at every two places. */
const TWO_CUTS = 72;
/** Longer ones are not cut at every place. */
const EVERY_CUT = 1024;
const NEXT = "HTTP/1.1 299 Next\r\nContent-Length: 0\r\n\r\n";

const plain = {
  status: 200,
  statusMessage: "OK",
  protocol: "HTTP/1.1",
  body: "",
  trailer: "",
  keepAlive: true,
  upgrade: false,
  hasCookies: false,
  hasCoding: false,
  keepAliveValue: null,
  endsWithConnection: false,
};

function assertResponse(
  read: ReadResponse,
  { headers, method: _, ...expected }: ExpectedResponse,
): void {
  const { headers: readHeaders, ...rest } = read;
  const { body = "", endsWithConnection = false } = expected;
  const isLengthUnknown = endsWithConnection ||
    "transfer-encoding" in readHeaders;
  assertEquals(rest, {
    ...plain,
    hasBody: body !== "",
    announcedLength: isLengthUnknown ? -1 : body.length,
    events: `HEAD${body && " BODY"}${endsWithConnection ? "" : " END"}`,
    ...expected,
  });
  if (headers !== undefined) {
    assertEquals(Object.entries(readHeaders), Object.entries(headers));
  }
}

/** Those that are complete, be it by the connection's end. */
function wholeOf({ responses, end }: ResponseOutcome): ReadResponse[] {
  return responses.filter(({ events, endsWithConnection }) =>
    events.endsWith("END") || end === "until-close" && endsWithConnection
  );
}

function assertOutcome(outcome: ResponseOutcome, row: ResponseRow): void {
  const whole = wholeOf(outcome);
  assertEquals(whole.length, row.responses.length, "responses");
  whole.forEach((read, i) => assertResponse(read, row.responses[i]));
  if (typeof row.end === "string") {
    assertEquals([outcome.end, outcome.code], [row.end, undefined]);
    return;
  }
  const { code, offset } = row.end;
  assertEquals([outcome.end, outcome.code], ["failed", code]);
  assertEquals(outcome.status, protocolErrors[code][0]);
  if (offset !== undefined) assertEquals(outcome.offset, offset);
}

function verb(row: ResponseRow): string {
  if (typeof row.end === "object") return `refuses (${row.end.code})`;
  return row.end === "pending" ? "waits behind" : "accepts";
}

for (const row of responses) {
  Deno.test(`ResponseParser ${verb(row)} ${row.name} [${row.rfc}]`, () => {
    const { methods, options } = row;
    const bytes = latin1Bytes(row.parts.join(""));
    const outcome = readWholeResponses(bytes, methods, options);
    assertOutcome(outcome, row);

    // However the bytes are cut, the outcome is the same to the letter.
    const text = JSON.stringify(outcome);
    const same = (pieces: Iterable<Uint8Array>, name: string) => {
      const read = readResponsePieces(pieces, methods, options);
      const other = JSON.stringify(read);
      // Compared first, as to build the message is dear.
      if (other !== text) assertEquals(JSON.parse(other), outcome, name);
    };
    same([bytes], "as from a socket");
    same(bytewise(bytes), "byte by byte");
    if (bytes.length < EVERY_CUT) {
      const isOver = (first: Uint8Array) =>
        readResponsePieces([first], methods, options).end === "failed";
      for (const pieces of twoCuts(bytes, TWO_CUTS, isOver)) {
        same(pieces, `cut into ${pieces.map((piece) => piece.length)}`);
      }
      assertCutShort(bytes, row);
    }
    const random = new Random(bytes.length);
    for (let i = 0; i < 20; i++) same(random.pieces(bytes), "random cuts");
    if (row.end !== "pending") assertWithBytesBehind(row);
  });
}

/** A row that ends early is whole only where a response of it is. */
function assertCutShort(bytes: Uint8Array, row: ResponseRow): void {
  const ends: number[] = [];
  for (const part of row.parts) ends.push(part.length + (ends.at(-1) ?? 0));
  const last = ends.at(-2) ?? 0;
  const openFrom = row.isOpen
    ? last + /^[^]*?\r?\n\r?\n/.exec(row.parts.at(-1)!)![0].length
    : Infinity;
  let wasFailed = false;
  for (let length = 0; length < bytes.length; length++) {
    const read = readResponsePieces(
      [bytes.subarray(0, length)],
      row.methods,
      row.options,
    );
    const { end, responses, code } = read;
    const name = `cut short after ${length} bytes`;
    const whole = ends.filter((end) => end <= length).length;
    if (length === 0 || ends.includes(length)) {
      assertEquals(end, "complete", name);
    } else if (length >= openFrom && code === undefined) {
      assertEquals(end, "until-close", name);
    } else if (typeof row.end === "object" && length > last) {
      // A fault is found at its byte or a little later, and stays.
      if (end === "failed") {
        assertEquals(code, row.end.code, name);
        assert(length >= last + (row.end.offset ?? 0), name);
        wasFailed = true;
      } else assertEquals([end, wasFailed], ["pending", false], name);
    } else assertEquals(end, "pending", name);
    assertEquals(
      responses.filter((read) => read.events.endsWith("END")).length,
      whole,
      name,
    );
  }
}

/** What follows a row may not change what came of it. */
function assertWithBytesBehind(row: ResponseRow): void {
  const { methods, options } = row;
  const input = row.parts.join("");
  const alone = readWholeResponses(latin1Bytes(input), methods, options);
  for (const behind of [NEXT, "\0", "\r\n", "\n" + NEXT]) {
    const more = latin1Bytes(input + behind);
    const outcome = readWholeResponses(more, methods, options);
    const cut = cutAt(more, input.length);
    assertEquals(readResponsePieces(cut, methods, options), outcome);
    if (typeof row.end === "object") {
      assertEquals(outcome, alone);
      continue;
    }
    if (row.end === "until-close") {
      // More body, which a limit may not let through.
      if (options.maxContentLength !== undefined) continue;
      const last = alone.responses.at(-1)!;
      const body = last.body + behind;
      const events = "HEAD BODY";
      assertEquals(outcome.responses.at(-1), { ...last, body, events });
      assertEquals(outcome.end, "until-close");
      continue;
    }
    const count = alone.responses.length;
    assertEquals(outcome.responses.slice(0, count), alone.responses);
    if (behind === NEXT) {
      assertEquals(outcome.end, "complete");
      assertEquals(outcome.responses.at(-1)!.status, 299);
    } else {
      assertEquals(
        [outcome.end, outcome.code, outcome.offset],
        ["failed", "bad-version", 0],
      );
    }
  }
}

Deno.test("ResponseParser refuses every code of a message by some row, but those of requests and of the client", () => {
  const ofRows = new Set<string>(
    responses.map((row) => typeof row.end === "string" ? "" : row.end.code),
  );
  const ofRequests = requests.flatMap((row) =>
    typeof row.end === "string" ? [] : [row.end.code]
  );
  const others = [
    "bad-json",
    "json-too-deep",
    "bad-encoding",
    "bad-multipart",
    "header-timeout",
    "body-timeout",
    "answer-timeout",
    "too-many-parts",
    "too-many-fields",
    "not-a-form",
    ...clientCodes,
  ];
  assertEquals(
    Object.keys(protocolErrors).filter((code) =>
      !ofRows.has(code) && !ofRequests.includes(code as never)
    ),
    others,
  );
  const onlyOfRequests = ofRequests.filter((code) => !ofRows.has(code));
  assertEquals([...new Set(onlyOfRequests)].sort(), [
    "bad-host",
    "bad-method",
    "bad-target",
    "bad-target-form",
    "method-too-long",
    "missing-host",
    "repeated-host",
    "request-line-too-long",
    "unsupported-expectation",
    "unsupported-method",
  ]);
});

Deno.test("ResponseParser never repeats the peer's bytes in a message", () => {
  for (const row of responses.filter((row) => typeof row.end !== "string")) {
    const parser = new ResponseParser(row.options);
    parser.expect(row.methods[0] ?? "GET");
    parser.push(latin1Bytes(row.parts.at(-1)!));
    let event = parser.next();
    while (event !== ParseEvent.FAILED && event !== ParseEvent.MORE) {
      event = parser.next();
    }
    const { code, message } = parser.error!;
    assertEquals(message, protocolErrors[code][1], row.name);
  }
});

/** Pushes text and reads its events up to MORE or FAILED. */
function eventsOf(parser: ResponseParser, text: string): ParseEvent[] {
  parser.push(latin1Bytes(text));
  const events = [parser.next()];
  while (
    events.at(-1) !== ParseEvent.MORE && events.at(-1) !== ParseEvent.FAILED
  ) events.push(parser.next());
  return events;
}

const { MORE, HEAD, BODY, END, FAILED } = ParseEvent;
const OPEN = "HTTP/1.1 200 OK\r\n\r\n";

Deno.test("ResponseParser.endInput() completes nothing where bytes wait to be read", () => {
  const parser = new ResponseParser();
  assertEquals(parser.endInput(), false);
  assertEquals(eventsOf(parser, OPEN), [HEAD, MORE]);
  parser.push(latin1Bytes("hi"));
  assertEquals(parser.endInput(), false);
  assertEquals([parser.next(), parser.next()], [BODY, MORE]);
  assertEquals(parser.endInput(), true);
  assertEquals([parser.isInMessage, parser.isFresh], [false, true]);
  assertEquals(parser.endInput(), false);
});

Deno.test("ResponseParser.takeRest() gives what follows a tunnel or a switch", () => {
  for (const [method, status] of [["CONNECT", 200], ["GET", 101]] as const) {
    const parser = new ResponseParser();
    parser.expect(method);
    parser.push(latin1Bytes(`HTTP/1.1 ${status} A\r\n\r\n\x16\x03\x01`));
    assertEquals([parser.next(), parser.next()], [HEAD, END]);
    assertEquals(parser.takeRest(), latin1Bytes("\x16\x03\x01"));
    assertEquals([parser.hasInput, parser.next()], [false, MORE]);
  }
});

Deno.test("ResponseParser.expect() holds until it is told again", () => {
  const parser = new ResponseParser();
  const text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  parser.expect("HEAD");
  assertEquals(eventsOf(parser, text + text), [HEAD, END, HEAD, END, MORE]);
  parser.expect("CONNECT");
  assertEquals(eventsOf(parser, text), [HEAD, END, MORE]);
  // Status 404 to CONNECT has a body, and so no method but HEAD is left.
  assertEquals(
    eventsOf(parser, text.replace("200", "404") + "x"),
    [HEAD, BODY, END, MORE],
  );
  parser.expect("GET");
  assertEquals(eventsOf(parser, text + "x"), [HEAD, BODY, END, MORE]);
});

Deno.test("ResponseParser keeps nothing of the last response behind a fault", () => {
  const parser = new ResponseParser();
  const first = "HTTP/1.1 404 A\r\nContent-Length: 1\r\nSet-Cookie: a\r\n" +
    "Content-Encoding: gzip\r\nKeep-Alive: 1\r\n\r\nx";
  const second = "HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n";
  assertEquals(eventsOf(parser, first + second), [HEAD, BODY, END, FAILED]);
  const { status, announcedLength, hasCookies, hasCoding, hasBody } = parser;
  assertEquals(
    [status, announcedLength, hasCookies, hasCoding, hasBody],
    [200, -1, false, false, false],
  );
  assertEquals(parser.keepAliveStart, -1);
});

Deno.test("ResponseParser.adopt() begins anew in whatever state it was", () => {
  for (const text of ["HTTP/1.1 2", OPEN, OPEN + "hi", "x", NEXT]) {
    const parser = new ResponseParser();
    eventsOf(parser, text);
    const buffer = readBuffer();
    buffer.set(latin1Bytes(NEXT));
    parser.adopt(buffer, NEXT.length);
    assertEquals([parser.next(), parser.next()], [HEAD, END]);
    assertEquals([parser.status, parser.hasBody], [299, false]);
    assertEquals(parser.endInput(), false);
  }
});

Deno.test("ResponseParser tells the same of a head that moves in its buffer, at whatever byte", () => {
  const second = "HTTP/1.1 404 Not here\r\nA: b\r\nKeep-Alive: max=1\r\n" +
    "Content-Length: 000000\r\n\r\n";
  const expected = readWholeResponses(latin1Bytes(second)).responses[0];
  for (let at = 1; at < second.length; at++) {
    const parser = new ResponseParser();
    const { buffer } = parser;
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${900 - at}\r\n`;
    // The buffer is full where so many bytes of the second head are in it.
    const blanks = " ".repeat(buffer.length - head.length - 900 - 6);
    const first = `${head}X:${blanks}\r\n\r\n${"x".repeat(900 - at)}`;
    const all = latin1Bytes(first + second);
    assertEquals(first.length + at, buffer.length);
    const outcome: unknown[] = [];
    for (const piece of cutAt(all, buffer.length)) {
      const space = parser.space();
      assert(space.length >= piece.length && parser.buffer === buffer);
      space.set(piece);
      parser.filled(piece.length);
      for (let event; (event = parser.next()) !== MORE;) {
        assertNotEquals(event, FAILED);
        if (event !== HEAD) continue;
        const { status, statusMessage } = parser;
        const line = parser.head.slice(parser.keepAliveStart, -2);
        outcome.push([status, statusMessage, parser.readHeaders(), line]);
      }
    }
    const { status, statusMessage, headers } = expected;
    const line = "max=1\r\nContent-Length: 000000\r\n";
    assertEquals(outcome[1], [status, statusMessage, headers, line], `${at}`);
  }
});

Deno.test("ResponseParser stays within 64 KiB for a body without end", () => {
  const parser = new ResponseParser();
  eventsOf(parser, OPEN);
  let length = 0;
  for (let i = 0; i < 100; i++) {
    const space = parser.space();
    assert(space.length > 0 && parser.buffer.length <= 65536);
    parser.filled(space.length);
    assertEquals([parser.next(), parser.next()], [BODY, MORE]);
    length += space.length;
  }
  assert(length > 65536);
  assertEquals(parser.endInput(), true);
});
