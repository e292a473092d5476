import {
  accept,
  chunked,
  line,
  ok,
  refuse,
  response,
  type ResponseRow,
  wait,
} from "./response_rows.ts";

const MAX_EXTENSIONS = 4096;
const LINES = (count: number) => "X: y\r\n".repeat(count);
/** One whose head is so many bytes long. */
const head = (length: number) =>
  ok(`X: ${"y".repeat(length - ok("X: \r\n").length)}\r\n`);
/** A status line and its CR LF of so many bytes. */
const statusLine = (length: number) =>
  `HTTP/1.1 200 ${"x".repeat(length - "HTTP/1.1 200 \r\n".length)}\r\n`;
const body = { body: "body" };
const chunks = { ...body, announcedLength: -1 };
const LENGTH_5 = "Content-Length: 5\r\n";

/** Each limit, met exactly and missed by one. */
export const limitedResponses: ResponseRow[] = [
  ...accept("house: maxHeadersLength", {
    "a head of just the limit": head(64),
    "two heads of just the limit": [head(64), head(64)],
    "an interim head of just the limit, and another": [
      {
        bytes: response(`X: ${"y".repeat(64 - 19 - 5)}\r\n`, "", "100 A"),
        status: 100,
        statusMessage: "A",
        announcedLength: -1,
      },
      head(64),
    ],
    "trailers of just the limit": {
      bytes: chunked(`0\r\nX: ${"y".repeat(57)}\r\n\r\n`),
      hasBody: true,
      trailer: `X: ${"y".repeat(57)}\r\n\r\n`,
    },
    "a status line with room for just the end": {
      bytes: statusLine(62) + "\r\n",
      statusMessage: "x".repeat(47),
      hasBody: true,
      endsWithConnection: true,
    },
    "an open body above the limit of a head": {
      bytes: response("", "x".repeat(200)),
      body: "x".repeat(200),
      endsWithConnection: true,
    },
  }, { maxHeadersLength: 64 }),
  ...refuse("headers-too-large", "6585 5", {
    "a head of one byte above the limit": head(65).slice(0, -1) + "‸\n",
    "a head of far more than the limit": head(65).slice(0, 64) + "‸" +
      "y".repeat(5000),
    "a head that ends in nothing but blanks": ok("X:" + " ".repeat(200)),
    "a second head above the limit": [
      head(64),
      head(65).slice(0, -1) + "‸\n",
    ],
    "a status line of just the limit": statusLine(64) + "‸\r\n",
    "trailers of one byte above the limit": chunked(
      `0\r\nX: ${"y".repeat(58)}\r\n\r‸\n`,
    ),
    "a head above the limit to HEAD": {
      bytes: head(65).slice(0, -1) + "‸\n",
      method: "HEAD",
    },
  }, { maxHeadersLength: 64 }),
  ...refuse("status-line-too-long", "9112 4", {
    "a status line of one byte above the limit": statusLine(65).slice(0, -1) +
      "‸\n",
    "a reason of far more than the limit": "HTTP/1.1 200 " + "x".repeat(51) +
      "‸" + "x".repeat(5000),
    "a reason of blanks without end": "HTTP/1.1 200 " + " ".repeat(51) + "‸" +
      " ".repeat(5000),
  }, { maxHeadersLength: 64 }),
  ...refuse("status-line-too-long", "house: maxHeadersLength", {
    "a status that no limit leaves room for": "HTTP/1.1 2‸00 OK\r\n",
  }, { maxHeadersLength: 10 }),
  ...accept("house: maxHeadersCount", {
    "just so many field lines": ok(LINES(2)),
    "just so many field lines, twice": [ok(LINES(2)), ok(LINES(2))],
    "just so many trailer lines": {
      bytes: chunked(`0\r\n${LINES(3)}\r\n`, LINES(2)),
      hasBody: true,
      trailer: LINES(3) + "\r\n",
    },
  }, { maxHeadersCount: 3 }),
  ...refuse("too-many-headers", "6585 5", {
    "one field line too many": ok(LINES(2) + "X: y\r‸\n"),
    "one trailer line too many": chunked(`0\r\n${LINES(3)}X: y\r‸\n\r\n`),
    "one field line too many in an interim response": response(
      LINES(3) + "X: y\r‸\n",
      "",
      "103 A",
    ),
  }, { maxHeadersCount: 3 }),
  ...accept("house: maxContentLength", {
    "a body of just the limit": {
      bytes: response("Content-Length: 4\r\n", "body"),
      ...body,
    },
    "chunks of just the limit": {
      bytes: chunked("1\r\nb\r\n3;x=y\r\nody\r\n0\r\n\r\n"),
      ...chunks,
    },
    "an open body of just the limit": {
      bytes: response("", "body"),
      ...body,
      endsWithConnection: true,
    },
    "a length above the limit to HEAD": {
      bytes: response(LENGTH_5),
      method: "HEAD",
      announcedLength: 5,
    },
    "a length above the limit of 304": {
      bytes: response(LENGTH_5, "", "304 A"),
      status: 304,
      statusMessage: "A",
      announcedLength: 5,
    },
    "a length above the limit of a tunnel": {
      bytes: response(LENGTH_5),
      method: "CONNECT",
      announcedLength: -1,
    },
  }, { maxContentLength: 4 }),
  ...refuse("body-too-large", "house: maxContentLength", {
    "a length above the limit, before any of the body": response(
      LENGTH_5,
      "‸",
    ),
    "the largest length there is": response(
      "Content-Length: 9007199254740991\r\n",
      "‸",
    ),
    "a chunk above the limit, before any of it": chunked("5\r‸\n"),
    "chunks above the limit": chunked("3\r\nbod\r\n2\r‸\ny!\r\n0\r\n\r\n"),
    "a length above the limit with an error": response(
      LENGTH_5,
      "‸",
      "500 No",
    ),
    "a second body above the limit": [
      { bytes: response("Content-Length: 4\r\n", "body"), ...body },
      response(LENGTH_5, "‸"),
    ],
    "an open body above the limit": {
      bytes: response("", "body‸!"),
      endsWithConnection: true,
    },
    "a second open body above the limit": [
      ok(),
      { bytes: response("", "body‸!!!"), endsWithConnection: true },
    ],
  }, { maxContentLength: 4 }),
  ...accept("house: maxContentLength", {
    "no body where none is allowed": [
      ok(),
      { bytes: chunked("0\r\n\r\n"), hasBody: true },
      { bytes: response(), hasBody: true, endsWithConnection: true },
    ],
  }, { maxContentLength: 0 }),
  ...refuse("body-too-large", "house: maxContentLength", {
    "one byte where none is allowed": response("Content-Length: 1\r\n", "‸x"),
    "a chunk where none is allowed": chunked("1\r‸\nx\r\n0\r\n\r\n"),
    "an open body where none is allowed": {
      bytes: response("", "‸x"),
      endsWithConnection: true,
    },
  }, { maxContentLength: 0 }),
  ...accept("house: chunk extensions", {
    "extensions of just the limit": {
      bytes: chunked(`0;${"x".repeat(MAX_EXTENSIONS - 1)}\r\n\r\n`),
      hasBody: true,
    },
  }),
  ...refuse("bad-chunk-extension", "9112 7.1.1", {
    "extensions of one byte above the limit": chunked(
      `0;${"x".repeat(MAX_EXTENSIONS)}‸\r\n\r\n`,
    ),
  }),
  ...accept("house: defaults", {
    "a head of 16 KiB": head(16384),
    "a status line of nearly 16 KiB": {
      bytes: line(statusLine(16363).slice(0, -2)),
      statusMessage: "x".repeat(16348),
    },
    "a hundred field lines": ok(LINES(99)),
  }),
  ...refuse("headers-too-large", "6585 5", {
    "a head of 16 KiB and a byte": head(16385).slice(0, -1) + "‸\n",
  }),
  ...refuse("too-many-headers", "6585 5", {
    "a thousand and one field lines": ok(LINES(999) + "X: y\r‸\n"),
  }),
  ...wait("house: a body is not bounded by default", {
    "a length of 1 TiB": response("Content-Length: 1099511627776\r\n"),
    "a chunk of 1 TiB": chunked("10000000000\r\n"),
  }),
];
