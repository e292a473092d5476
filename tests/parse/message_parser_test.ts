import { assert, assertEquals } from "@std/assert";
import { ParseEvent, RequestParser } from "../../parse.ts";
import { readBuffer } from "../../parse/receive_buffer.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { Random, readPieces, readWhole } from "../support/splits.ts";
import { assertLinear } from "../support/cost.ts";

const GET = latin1Bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
const LARGE = 65536;

function parserOf(text: string): RequestParser {
  const parser = new RequestParser();
  parser.push(latin1Bytes(text));
  return parser;
}

/** Fills the parser's room as a socket would that always has more. */
function flood(parser: RequestParser, byte: string, total: number): number {
  let largest = 0;
  for (let sent = 0; sent < total;) {
    const space = parser.space();
    if (space.length === 0) break;
    space.fill(byte.charCodeAt(0));
    parser.filled(space.length);
    sent += space.length;
    let event = parser.next();
    while (event !== ParseEvent.MORE && event !== ParseEvent.FAILED) {
      event = parser.next();
    }
    largest = Math.max(largest, parser.buffer.length);
    if (event === ParseEvent.FAILED) break;
  }
  return largest;
}

const FLOODS: [name: string, start: string, byte: string, limit: number][] = [
  ["a method", "", "G", 16384],
  ["a target", "GET /", "x", 16384],
  ["a field name", "GET / HTTP/1.1\r\n", "x", 16384],
  ["blanks before a value", "GET / HTTP/1.1\r\nX:", " ", 16384],
  ["a field value", "GET / HTTP/1.1\r\nX: ", "x", 16384],
  [
    "a body",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n",
    "x",
    LARGE,
  ],
  [
    "a chunk",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFF\r\n",
    "x",
    LARGE,
  ],
  [
    "a chunk size",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "0",
    LARGE,
  ],
  [
    "a chunk extension",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;",
    "x",
    LARGE,
  ],
  [
    "a trailer",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX:",
    "x",
    LARGE,
  ],
];

for (const [name, start, byte, limit] of FLOODS) {
  Deno.test(`MessageParser.space() stays within ${limit} bytes for ${name} without end`, () => {
    const parser = parserOf(start);
    let event = parser.next();
    while (event !== ParseEvent.MORE) event = parser.next();
    const largest = flood(parser, byte, 1_000_000);
    assert(largest <= limit, `${largest}`);
  });
}

Deno.test("MessageParser.space() gives memory back between messages", () => {
  const parser = new RequestParser({ maxHeadersLength: 65536 });
  const idle = parser.space().length;
  const big = latin1Bytes(
    `GET /${"x".repeat(60000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  );
  const serve = (bytes: Uint8Array) => {
    for (let from = 0; from < bytes.length;) {
      const space = parser.space();
      const part = bytes.subarray(from, from + space.length);
      space.set(part);
      parser.filled(part.length);
      from += part.length;
      let event = parser.next();
      while (event !== ParseEvent.MORE) {
        assert(event !== ParseEvent.FAILED);
        event = parser.next();
      }
    }
  };
  serve(big);
  assertEquals(parser.buffer.length, 65536);
  assert(parser.space().length <= 16_384);
  for (let i = 0; i < 20; i++) serve(GET);
  assertEquals(parser.space().length, idle);
  assert(idle <= 1024);
});

Deno.test("MessageParser.space() never lends room that holds unread bytes", () => {
  const parser = new RequestParser();
  const space = parser.space();
  space.fill(0x78);
  space.set(GET);
  parser.filled(space.length);
  assertEquals(parser.space().length, 0);
  assertEquals(parser.next(), ParseEvent.HEAD);
  assertEquals(parser.next(), ParseEvent.END);
  // The message is done with: its room may be used, the rest is kept.
  assertEquals(parser.space().length, GET.length);
  assertEquals(parser.takeRest().length, space.length - GET.length);
});

Deno.test("MessageParser.push() takes any number of bytes before next()", () => {
  const count = 5000;
  const parser = new RequestParser();
  for (let i = 0; i < count; i++) parser.push(GET);
  for (let i = 0; i < count; i++) {
    assertEquals(parser.next(), ParseEvent.HEAD);
    assertEquals(parser.next(), ParseEvent.END);
  }
  assertEquals(parser.next(), ParseEvent.MORE);
  assertEquals(parser.hasInput, false);
});

Deno.test("MessageParser.push() copies", () => {
  const bytes = GET.slice();
  const parser = new RequestParser();
  parser.push(bytes);
  bytes.fill(0);
  assertEquals(parser.next(), ParseEvent.HEAD);
});

Deno.test("MessageParser.takeRest() gives what follows, once, as a copy", () => {
  const parser = parserOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n\0rest\xff");
  assertEquals(parser.next(), ParseEvent.HEAD);
  assertEquals(parser.hasInput, true);
  const rest = parser.takeRest();
  assertEquals(latin1Text(rest), "\0rest\xff");
  assertEquals(parser.takeRest().length, 0);
  assertEquals(parser.hasInput, false);
  parser.buffer.fill(0);
  assertEquals(latin1Text(rest), "\0rest\xff");
});

Deno.test("MessageParser.adopt() forgets what came before", () => {
  for (const before of ["GET / HTTP/1.1\r\n", "broken\r\n", "\r\n", "GET"]) {
    const parser = parserOf(before);
    parser.next();
    parser.adopt(readBuffer().fill(0), 0);
    assertEquals([parser.isInMessage, parser.hasInput], [false, false]);
    assertEquals(parser.isFresh, true);
    assertEquals(parser.next(), ParseEvent.MORE);
    parser.push(GET);
    assertEquals(parser.next(), ParseEvent.HEAD);
    assertEquals(parser.isFresh, false);
    assertEquals(parser.next(), ParseEvent.END);
    assertEquals(parser.error, null);
    const given = parser.surrender();
    given.set(GET);
    parser.adopt(given, GET.length);
    assertEquals(parser.next(), ParseEvent.HEAD);
  }
});

Deno.test("MessageParser.isInMessage is true from the first byte to END", () => {
  const parser = new RequestParser();
  assertEquals(parser.isInMessage, false);
  parser.push(latin1Bytes("\r\n"));
  assertEquals(parser.next(), ParseEvent.MORE);
  assertEquals(parser.isInMessage, false);
  parser.push(GET.subarray(0, 1));
  assertEquals(parser.next(), ParseEvent.MORE);
  assertEquals(parser.isInMessage, true);
  parser.push(GET.subarray(1));
  assertEquals(parser.next(), ParseEvent.HEAD);
  assertEquals(parser.isInMessage, true);
  assertEquals(parser.next(), ParseEvent.END);
  assertEquals(parser.isInMessage, false);
});

Deno.test("MessageParser.readHeaderLines() gives the lines of one field in order", () => {
  const parser = parserOf(
    "GET / HTTP/1.1\r\nHost: a\r\nX: 1, 2\r\nXX: no\r\nx:\t3 \r\nX:\r\n\r\n",
  );
  parser.next();
  assertEquals(parser.readHeaderLines("x"), ["1, 2", "3", ""]);
  assertEquals(parser.readHeaderLines("y"), []);
});

Deno.test("MessageParser.readHeaders() gives a new dictionary without prototype", () => {
  const parser = parserOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  parser.next();
  const headers = parser.readHeaders();
  assertEquals(Object.getPrototypeOf(headers), null);
  headers.host = "changed";
  assertEquals(parser.readHeaders().host, "a");
});

Deno.test("RequestParser.isHead knows a HEAD whose header section is broken", () => {
  const rows: [string, boolean][] = [
    ["HEAD / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", true],
    ["HEAD / HTTP/1.1\r\n\r\n", true],
    ["HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", true],
    ["HEADS / HTTP/1.1\r\nX : y\r\n\r\n", false],
    ["GET / HTTP/1.1\r\nX : y\r\n\r\n", false],
    ["HEAD", false],
  ];
  for (const [text, isHead] of rows) {
    for (const before of ["", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"]) {
      const parser = parserOf(before + text);
      if (before !== "") {
        assertEquals(parser.next(), ParseEvent.HEAD);
        assertEquals(parser.next(), ParseEvent.END);
      }
      parser.next();
      assertEquals(parser.isHead, isHead, text);
    }
  }
});

Deno.test("RequestParser reads heads in time that grows with their length alone", () => {
  const rows: ((size: number) => string)[] = [
    (size) => `Transfer-Encoding: a${" ".repeat(size)}b\r\n`,
    (size) => `Connection: a${" ".repeat(size)}b\r\n`,
    (size) => `Connection: ${",".repeat(size)}\r\n`,
    (size) => `Transfer-Encoding: ${",".repeat(size)}\r\n`,
    (size) => `X: a${" ".repeat(size)}b\r\n`,
    (size) => `X:${" ".repeat(size)}\r\n`,
    (size) => `Host: ${"[".repeat(size)}\r\n`,
    (size) => `Content-Length: ${"0".repeat(size)}\r\n`,
    (size) => "X: y\r\n".repeat(size / 6),
  ];
  for (const row of rows) {
    assertLinear(row(1), 240_000, (size) => {
      const bytes = latin1Bytes(`GET / HTTP/1.1\r\n${row(size)}\r\n`);
      return () => {
        const parser = new RequestParser({
          maxHeadersLength: 300_000,
          maxHeadersCount: 50_000,
        });
        parser.push(bytes);
        parser.next();
        if (parser.error === null) parser.readHeaders();
      };
    });
  }
});

Deno.test("MessageParser.space() moves a message in any state of it", () => {
  // Read as it fits the buffer, each message is cut at another place.
  for (let pad = 0; pad < 150; pad++) {
    const request = `POST /${"x".repeat(pad)} HTTP/1.1\r\nHost: a:80\r\n` +
      "X: y\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi" +
      "POST / HTTP/1.0\r\nTransfer-Encodin: g\r\n\r\n" +
      "GET / HTTP/1.1\r\nHost:a\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "2;a=b\r\nhi\r\n0\r\nX: y\r\n\r\n";
    const bytes = latin1Bytes(request.repeat(15));
    const outcome = readPieces([bytes]);
    assertEquals(outcome.end, "complete");
    assertEquals(outcome.requests.length, 45);
    assertEquals(JSON.stringify(outcome), JSON.stringify(readWhole(bytes)));
  }
});

Deno.test("MessageParser reads requests that come together as one by one", () => {
  const random = new Random(7);
  const makers = [
    () => `GET /${random.below(1000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    () => "GET / HTTP/1.1\r\nHost: a\r\nX-Name: J\xfcrgen\r\n\r\n",
    () => `GET /${"x".repeat(random.below(3000))} HTTP/1.1\r\nHost: a\r\n\r\n`,
    () =>
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n" +
      random.pick(["hello", "\xff\xfe\x80ab", "gr\xc3\xbcn"]).slice(0, 5),
    () =>
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "2\r\nhi\r\n0\r\nX-Trailer: \xe4\r\n\r\n",
  ];
  for (let round = 0; round < 50; round++) {
    const texts = Array.from({ length: 40 }, () => random.pick(makers)());
    const apart = texts.flatMap((text) =>
      readWhole(latin1Bytes(text)).requests
    );
    const all = latin1Bytes(texts.join(""));
    assertEquals(apart.length, texts.length);
    assertEquals(readWhole(all).requests, apart);
    const pieces = [];
    for (let at = 0; at < all.length;) {
      pieces.push(all.subarray(at, at += 1 + random.below(1500)));
    }
    assertEquals(readPieces(pieces).requests, apart);
  }
});
