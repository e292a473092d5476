import {
  accept,
  chunked,
  type ExpectedResponse,
  ok,
  response,
  type ResponseRow,
  type SentResponse,
} from "./response_rows.ts";

const LENGTH = "Content-Length: 5\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** One with a body of a length, behind which the connection is closed. */
function odd(
  lines: string,
  headers?: Record<string, string>,
  expected: Partial<ExpectedResponse> = {},
): SentResponse {
  return {
    bytes: response(lines, "hello"),
    body: "hello",
    keepAlive: false,
    ...headers && { headers },
    ...expected,
  };
}

/** One that its status leaves without a body, though it announces one. */
function bare(
  status: number,
  lines: string,
  announcedLength: number,
  method?: string,
): SentResponse {
  return {
    bytes: response(lines, "", `${status} X`),
    status,
    statusMessage: "X",
    announcedLength,
    keepAlive: false,
    ...method !== undefined && { method },
  };
}

/** A chunked one, by what is sent and what it means. */
function chunks(rest: string, trailer = ""): SentResponse {
  return { bytes: chunked(rest), body: "hi", hasBody: true, trailer };
}

/** One whose lines all end in LF. */
function inLf(
  text: string,
  expected: Partial<ExpectedResponse> = {},
): SentResponse {
  return { bytes: text, keepAlive: false, announcedLength: -1, ...expected };
}

/** A tunnel, whatever its fields say of framing. */
function tunnel(lines: string, status = 200): SentResponse {
  return {
    bytes: response(lines, "", `${status} OK`),
    status,
    method: "CONNECT",
    announcedLength: -1,
  };
}

/** Responses that break the grammar, and mean but one thing all the same. */
export const forgivenResponses: ResponseRow[] = [
  ...accept("9112 5.2: a user agent replaces the fold", {
    "a folded line": {
      bytes: ok("X: y\r\n z\r\n"),
      headers: { "content-length": "0", x: "y   z" },
    },
    "a line folded with a tab": {
      bytes: ok("X: y\r\n\tz\r\n"),
      headers: { "content-length": "0", x: "y  \tz" },
    },
    "a line folded twice, and one behind it": {
      bytes: ok("X: y\r\n z\r\n  v\r\nY: w\r\n"),
      headers: { "content-length": "0", x: "y   z    v", y: "w" },
    },
    "a value that begins behind the fold": {
      bytes: ok("X:\r\n y\r\n"),
      headers: { "content-length": "0", x: "y" },
    },
    "a value that begins behind blanks and the fold": {
      bytes: ok("X: \t\r\n \t y \t\r\n"),
      headers: { "content-length": "0", x: "y" },
    },
    "a fold in each of two lines": {
      bytes: ok("X: y\r\n z\r\nY: v\r\n w\r\n"),
      headers: { "content-length": "0", x: "y   z", y: "v   w" },
    },
    "a fold in the last line": {
      bytes: response(LENGTH + "X: y\r\n z\r\n", "hello"),
      body: "hello",
      headers: { "content-length": "5", x: "y   z" },
    },
    "a fold with what looks like a field that is not of framing": {
      bytes: ok("X: y\r\n Date: z\r\n"),
      headers: { "content-length": "0", x: "y   Date: z" },
    },
    "a folded Connection": {
      bytes: ok("Connection:\r\n close\r\n"),
      keepAlive: false,
    },
    "a folded list in Connection": {
      bytes: ok("Connection: upgrade,\r\n close\r\n"),
      keepAlive: false,
      upgrade: true,
    },
    "a folded Keep-Alive": {
      bytes: ok("Keep-Alive: timeout=5,\r\n max=9\r\n"),
      keepAliveValue: "timeout=5,   max=9",
    },
    "a folded Set-Cookie": {
      bytes: ok("Set-Cookie: a=b;\r\n Path=/\r\n"),
      hasCookies: true,
    },
    "a folded Content-Encoding": {
      bytes: ok("Content-Encoding:\r\n gzip\r\n"),
      hasCoding: true,
    },
    "two heads with folds": [
      {
        bytes: ok("X: y\r\n z\r\n"),
        headers: { "content-length": "0", x: "y   z" },
      },
      {
        bytes: ok("X: v\r\n w\r\n"),
        headers: { "content-length": "0", x: "v   w" },
      },
      { bytes: ok("X: v\r\n"), headers: { "content-length": "0", x: "v" } },
    ],
    "a folded trailer": {
      ...chunks("2\r\nhi\r\n0\r\nX: y\r\n z\r\n\r\n", "X: y   z\r\n\r\n"),
    },
  }),
  ...accept("9112 5.1: white space before a colon is taken off", {
    "a blank before the colon": odd(LENGTH + "X : y\r\n", {
      "content-length": "5",
      x: "y",
    }),
    "tabs and blanks before the colon": odd(LENGTH + "X \t : \t y\r\n", {
      "content-length": "5",
      x: "y",
    }),
    "no value behind it": odd(LENGTH + "X :\r\n", {
      "content-length": "5",
      x: "",
    }),
    "a fold behind it": odd(LENGTH + "X :y\r\n z\r\n", {
      "content-length": "5",
      x: "y   z",
    }),
    "a body to the end of the connection": {
      bytes: response("X : y\r\n", "hello"),
      body: "hello",
      endsWithConnection: true,
      keepAlive: false,
      headers: { x: "y" },
    },
    "Connection with a blank before the colon": {
      bytes: ok("Connection : close\r\n"),
      keepAlive: false,
    },
    "Keep-Alive with a blank before the colon": {
      bytes: ok("Keep-Alive : max=9\r\n"),
      keepAlive: false,
      keepAliveValue: "max=9",
    },
    "a trailer with a blank before the colon": chunks(
      "2\r\nhi\r\n0\r\nX : y\r\n\r\n",
      "X:  y\r\n\r\n",
    ),
  }),
  ...accept("9112 7.1.1: BWS behind a chunk's size", {
    "blanks behind each size": chunks("2   \r\nhi\r\n0   \r\n\r\n"),
    "a tab behind a size": chunks("2\t\r\nhi\r\n0\r\n\r\n"),
    "a hundred blanks": chunks(
      `2${" ".repeat(100)}\r\nhi\r\n0${" ".repeat(100)}\r\n\r\n`,
    ),
    "blanks behind an extension's name": chunks("2;a \r\nhi\r\n0\r\n\r\n"),
    "blanks behind an extension's value": chunks("2;a=b \t\r\nhi\r\n0\r\n\r\n"),
    "blanks behind a quoted value": chunks('2;a="b" \r\nhi\r\n0\r\n\r\n'),
    "more padding than all extensions may have": {
      bytes: chunked(`1${" ".repeat(60)}\r\nx\r\n`.repeat(80) + "0\r\n\r\n"),
      body: "x".repeat(80),
      hasBody: true,
    },
  }),
  ...accept("9110 15: a status of an unknown class is a 5xx", {
    ...Object.fromEntries(
      [600, 601, 700, 900, 999].map((status) => [
        `status ${status}`,
        {
          bytes: response(LENGTH, "hello", `${status} Odd`),
          status,
          statusMessage: "Odd",
          body: "hello",
        },
      ]),
    ),
    "status 600 without a reason": {
      bytes: "HTTP/1.1 600\r\n" + LENGTH + "\r\nhello",
      status: 600,
      statusMessage: "",
      body: "hello",
    },
    "status 999 to HEAD": {
      bytes: response(LENGTH, "", "999 No"),
      method: "HEAD",
      status: 999,
      statusMessage: "No",
      announcedLength: 5,
    },
    "status 700 to CONNECT, which is no tunnel": {
      bytes: response(LENGTH, "hello", "700 No"),
      method: "CONNECT",
      status: 700,
      statusMessage: "No",
      body: "hello",
    },
  }),
  ...accept("9112 6.3 (1): the end of the head is the end", {
    ...Object.fromEntries(
      [100, 102, 103, 199, 204].flatMap((status) =>
        ([[LENGTH, 5], ["Content-Length: 1\r\n", 1], [CHUNKED, -1]] as const)
          .map(([lines, length]) => [
            `${status} with ${lines.trim()}`,
            bare(status, lines, length),
          ])
      ),
    ),
    "a switch of protocols with a length": bare(101, LENGTH, 5),
    "a switch of protocols with chunks": bare(101, CHUNKED, -1),
    "204 with a length to HEAD": bare(204, LENGTH, 5, "HEAD"),
    "204 with chunks to HEAD": bare(204, CHUNKED, -1, "HEAD"),
    "204 with a length of HTTP/1.0": {
      ...bare(204, LENGTH, 5),
      bytes: "HTTP/1.0 204 X\r\n" + LENGTH + "\r\n",
      protocol: "HTTP/1.0",
    },
    "an interim response with a length to CONNECT": [
      bare(100, LENGTH, 5),
      { ...tunnel(""), keepAlive: false },
    ],
    "an interim response with a length, and the answer behind it": [
      bare(103, LENGTH, 5),
      { bytes: ok(), keepAlive: false },
    ],
    "an interim response with chunks behind another, and the answer": [
      { ...bare(100, "", -1), keepAlive: true },
      bare(103, CHUNKED, -1),
      { ...bare(102, "", -1), keepAlive: false },
      { bytes: response(LENGTH, "hello"), body: "hello", keepAlive: false },
      ok(),
    ],
  }),
  ...accept("9112 6.3 (6): 205 has a body where it says so", {
    "205 with a length": {
      ...odd(LENGTH),
      bytes: response(LENGTH, "hello", "205 OK"),
      status: 205,
    },
    "205 with a length of 1": {
      bytes: response("Content-Length: 1\r\n", "x", "205 X"),
      status: 205,
      statusMessage: "X",
      body: "x",
      keepAlive: false,
    },
  }),
  ...accept("9110 9.3.6: framing of a tunnel is ignored", {
    "a tunnel with a length and chunks": tunnel(LENGTH + CHUNKED),
    "a tunnel with two lengths": tunnel(LENGTH + "Content-Length: 6\r\n"),
    "a tunnel with the same length twice": tunnel(LENGTH + LENGTH),
    "a tunnel with a length that is none": tunnel("Content-Length: x\r\n"),
    "a tunnel with an unknown coding": tunnel("Transfer-Encoding: gzip\r\n"),
    "a tunnel with identity": tunnel("Transfer-Encoding: identity\r\n"),
    "a tunnel by 204 with both": tunnel(LENGTH + CHUNKED, 204),
    "a tunnel of HTTP/1.0 with chunks": {
      ...tunnel(CHUNKED),
      bytes: "HTTP/1.0 200 OK\r\n" + CHUNKED + "\r\n",
      protocol: "HTTP/1.0",
      keepAlive: false,
    },
  }),
  ...accept("9110 8.6: the same length again", {
    "two equal lengths": odd(LENGTH + LENGTH),
    "three equal lengths": odd(LENGTH + LENGTH + LENGTH),
    "two equal lengths with zeros before one": odd(
      LENGTH + "content-length: 005\r\n",
    ),
    "two equal lengths with a field between": odd(
      LENGTH + "X: y\r\nCONTENT-LENGTH:5\r\n",
    ),
    "two lengths of 0": {
      bytes: ok("Content-Length: 0\r\n"),
      keepAlive: false,
    },
    "two equal lengths to HEAD": {
      bytes: response(LENGTH + LENGTH),
      method: "HEAD",
      announcedLength: 5,
      keepAlive: false,
    },
    "two equal lengths of 304": bare(304, LENGTH + LENGTH, 5),
    "two lengths of 0 of 204": bare(204, "Content-Length: 0\r\n".repeat(2), 0),
  }),
  ...accept("9112 2.2: a head whose lines all end in LF", {
    "a length": inLf("HTTP/1.1 200 OK\nContent-Length: 5\nX: y\n\nhello", {
      body: "hello",
      announcedLength: 5,
      headers: { "content-length": "5", x: "y" },
    }),
    "no field": inLf("HTTP/1.0 200 OK\n\nhello", {
      protocol: "HTTP/1.0",
      body: "hello",
      hasBody: true,
      endsWithConnection: true,
      headers: {},
    }),
    "no reason": inLf("HTTP/1.1 404\nContent-Length: 0\n\n", {
      status: 404,
      statusMessage: "",
      announcedLength: 0,
    }),
    "a blank for the reason": inLf("HTTP/1.1 404 \nContent-Length: 0\n\n", {
      status: 404,
      statusMessage: "",
      announcedLength: 0,
    }),
    "Keep-Alive between others": inLf(
      "HTTP/1.1 200 OK\nA: b\nKeep-Alive: max=9\nContent-Length: 0\n\n",
      { announcedLength: 0, keepAliveValue: "max=9" },
    ),
    "a fold": inLf("HTTP/1.1 200 OK\nX: y\n z\nContent-Length: 0\n\n", {
      announcedLength: 0,
      headers: { x: "y  z", "content-length": "0" },
    }),
    "a fold, and Keep-Alive behind it": inLf(
      "HTTP/1.1 200 OK\nX: y\n z\nKeep-Alive: max=9\nContent-Length: 0\n\n",
      { announcedLength: 0, keepAliveValue: "max=9" },
    ),
    "white space before a colon": inLf(
      "HTTP/1.1 200 OK\nContent-Length: 0\nX : y\n\n",
      { announcedLength: 0, headers: { "content-length": "0", x: "y" } },
    ),
    "chunks whose lines end in CR LF": inLf(
      "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nhi\r\n0\r\nX: y\r\n\r\n",
      { body: "hi", hasBody: true, trailer: "X: y\r\n\r\n" },
    ),
    "204": inLf("HTTP/1.1 204 No\n\n", { status: 204, statusMessage: "No" }),
    "and another in CR LF behind it": [
      inLf("HTTP/1.1 200 OK\nContent-Length: 0\n\n", { announcedLength: 0 }),
      { bytes: ok("X: y\r\n"), headers: { "content-length": "0", x: "y" } },
    ],
    "and one in CR LF before it": [
      { bytes: ok("X: y\r\n"), headers: { "content-length": "0", x: "y" } },
      inLf("HTTP/1.1 200 OK\nContent-Length: 0\n\n", { announcedLength: 0 }),
    ],
  }),
  ...accept("house: maxHeadersCount", {
    "three hundred field lines": ok("X: y\r\n".repeat(299)),
    "a thousand field lines": ok("X: y\r\n".repeat(999)),
  }),
  ...accept("house: maxHeadersCount", {
    "just so many folded lines": ok("X: y\r\n z\r\n v\r\nX: y\r\n z\r\n"),
  }, { maxHeadersCount: 3 }),
];
