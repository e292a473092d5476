import {
  accept,
  chunked,
  line,
  ok,
  response,
  type ResponseRow,
  type SentResponse,
  wait,
} from "./response_rows.ts";

const VISIBLE = String.fromCharCode(
  ...Array.from({ length: 94 }, (_, i) => 0x21 + i),
);
const OBS_TEXT = String.fromCharCode(
  ...Array.from({ length: 128 }, (_, i) => 0x80 + i),
);
const MAX_SAFE = Number.MAX_SAFE_INTEGER;
const EMPTY = { "content-length": "0" };

/** One whose status line has this reason. */
function reason(text: string): SentResponse {
  return { bytes: line(`HTTP/1.1 200 ${text}`), statusMessage: text };
}

/** One whose body ends with the connection. */
function open(body: string, lines = "", start = "200 OK"): SentResponse {
  return {
    bytes: response(lines, body, start),
    body,
    hasBody: true,
    endsWithConnection: true,
  };
}

/** A chunked one, by what is sent and what it means. */
function chunks(rest: string, body: string, lines = ""): SentResponse {
  return { bytes: chunked(rest, lines), body, hasBody: true };
}

/** One with an empty body, no reason, and another status. */
function empty(status: number): SentResponse {
  return { bytes: line(`HTTP/1.1 ${status} `), status, statusMessage: "" };
}

/** One that a status or a method leaves without a body. */
function bare(
  status: number,
  lines = "",
  expected: Partial<SentResponse> = {},
): SentResponse {
  return {
    bytes: response(lines, "", `${status} X`),
    status,
    statusMessage: "X",
    announcedLength: -1,
    ...expected,
  };
}

const LENGTH = "Content-Length: 5\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** Responses that must be taken, among them all near misses of what is refused. */
export const acceptedResponses: ResponseRow[] = [
  ...accept("9112 4", {
    "the plainest response": { bytes: ok(), headers: EMPTY },
    "no reason": { bytes: line("HTTP/1.1 200 "), statusMessage: "" },
    "a reason of one letter": reason("x"),
    "a reason of many words": reason("It  went well, 200 HTTP/1.1"),
    "a reason with a blank in front": reason(" OK"),
    "a reason with blanks behind": reason("OK \t "),
    "a reason of blanks alone": reason("  "),
    "a reason of a tab": reason("\t"),
    "a reason with a tab inside": reason("O\tK"),
    "a reason with obs-text": reason(OBS_TEXT),
    "a reason of every visible byte": reason(VISIBLE),
    "a reason that looks like a field": reason("Content-Length: 5"),
  }),
  ...accept("house: a status line may end behind the status", {
    "no blank behind the status": {
      bytes: line("HTTP/1.1 200"),
      statusMessage: "",
      headers: EMPTY,
    },
    "no blank behind the status of HTTP/1.0": {
      bytes: line("HTTP/1.0 404"),
      status: 404,
      statusMessage: "",
      protocol: "HTTP/1.0",
      keepAlive: false,
    },
    "no blank, no field": {
      bytes: "HTTP/1.1 204\r\n\r\n",
      status: 204,
      statusMessage: "",
      announcedLength: -1,
      headers: {},
    },
    "no blank behind an interim status": [
      {
        bytes: "HTTP/1.1 100\r\n\r\n",
        status: 100,
        statusMessage: "",
        announcedLength: -1,
      },
      ok(),
    ],
  }),
  ...accept("9110 15", {
    ...Object.fromEntries(
      [201, 202, 203, 206, 299, 300, 399, 400, 418, 499, 500, 511, 599].map(
        (status) => [`status ${status}`, empty(status)],
      ),
    ),
    "status 100, the lowest": [bare(100), ok()],
    "status 199": [bare(199), ok()],
  }),
  ...accept("9112 2.3, 9110 2.5", {
    "HTTP/1.0": {
      bytes: line("HTTP/1.0 200 OK"),
      protocol: "HTTP/1.0",
      keepAlive: false,
    },
    "HTTP/1.2, read as 1.1": {
      bytes: line("HTTP/1.2 200 OK"),
      protocol: "HTTP/1.2",
    },
    "HTTP/1.9, read as 1.1": {
      bytes: line("HTTP/1.9 200 OK"),
      protocol: "HTTP/1.9",
    },
    "HTTP/1.2 with chunks": {
      ...chunks("2\r\nhi\r\n0\r\n\r\n", "hi"),
      bytes: chunked("2\r\nhi\r\n0\r\n\r\n").replace("1.1", "1.2"),
      protocol: "HTTP/1.2",
    },
  }),
  ...accept("9112 5, 9110 5.5", {
    "no blank behind the colon": {
      bytes: ok("X:y\r\n"),
      headers: { ...EMPTY, x: "y" },
    },
    "many blanks around a value": {
      bytes: ok("X: \t  y z\t \r\n"),
      headers: { ...EMPTY, x: "y z" },
    },
    "an empty value": { bytes: ok("X:\r\n"), headers: { ...EMPTY, x: "" } },
    "a value of blanks only": {
      bytes: ok("X: \t \r\n"),
      headers: { ...EMPTY, x: "" },
    },
    "obs-text in a value": {
      bytes: ok(`X: ${OBS_TEXT}\r\n`),
      headers: { ...EMPTY, x: OBS_TEXT },
    },
    "every visible byte in a value": {
      bytes: ok(`X: ${VISIBLE}\r\n`),
      headers: { ...EMPTY, x: VISIBLE },
    },
    "a name of all token characters": {
      bytes: ok("!#$%&'*+-.^_`|~09AZaz: y\r\n"),
      headers: { ...EMPTY, "!#$%&'*+-.^_`|~09azaz": "y" },
    },
    "names that objects have": {
      bytes: ok("__proto__: p\r\nconstructor: c\r\n"),
      headers: { ...EMPTY, ["__proto__"]: "p", constructor: "c" },
    },
    "repeated fields, joined in order": {
      bytes: ok("X: 1\r\nY: 2\r\nx: 3\r\n"),
      headers: { ...EMPTY, x: "1, 3", y: "2" },
    },
    "fields that only a request may have": {
      bytes: ok("Host: a, b\r\nHost: c/d\r\nExpect: x\r\n"),
      headers: { ...EMPTY, host: "a, b, c/d", expect: "x" },
    },
  }),
  ...accept("9112 6.2, 9110 8.6", {
    "a body of a known length": {
      bytes: response(LENGTH, "hello"),
      body: "hello",
    },
    "a length with zeros in front": {
      bytes: response("Content-Length: 007\r\n", "7 bytes"),
      body: "7 bytes",
    },
    "a length with blanks around": {
      bytes: response("content-LENGTH:\t 2 \r\n", "hi"),
      body: "hi",
    },
    "a length in HTTP/1.0": {
      bytes: response(LENGTH, "hello").replace("1.1", "1.0"),
      protocol: "HTTP/1.0",
      keepAlive: false,
      body: "hello",
    },
    "a body of any bytes": {
      bytes: response("Content-Length: 6\r\n", "\0\r\n\r\n\xff"),
      body: "\0\r\n\r\n\xff",
    },
    "a body that looks like a response": [
      {
        bytes: response(`Content-Length: ${ok().length}\r\n`, ok()),
        body: ok(),
      },
      empty(404),
    ],
    "a body with an error": {
      bytes: response(LENGTH, "sorry", "500 No"),
      status: 500,
      statusMessage: "No",
      body: "sorry",
    },
    "a redirection with a body": {
      bytes: response(LENGTH + "Location: /x\r\n", "moved", "302 Found"),
      status: 302,
      statusMessage: "Found",
      body: "moved",
    },
    "names much like those of framing": ok(
      "Content_Length: 5\r\nContent-Length-: 5\r\nXontent-Length: 5\r\n" +
        "Transfer_Encoding: chunked\r\nTransfer.Encoding: chunked\r\n",
    ),
  }),
  ...accept("9112 6.1, 9112 7.1", {
    "a chunked body": chunks("2\r\nhi\r\n0\r\n\r\n", "hi"),
    "an empty chunked body": chunks("0\r\n\r\n", ""),
    "Chunked with a capital, and blanks around": {
      bytes: response(
        "transfer-ENCODING: \tChunked \r\n",
        "2\r\nhi\r\n0\r\n\r\n",
      ),
      body: "hi",
      announcedLength: -1,
    },
    "several chunks": chunks(
      "1\r\na\r\n2\r\nbc\r\nA\r\n0123456789\r\n00\r\n\r\n",
      "abc0123456789",
    ),
    "line ends inside a chunk": chunks(
      "9\r\n\r\n0\r\n\r\n0\r\r\n0\r\n\r\n",
      "\r\n0\r\n\r\n0\r",
    ),
    "chunk extensions": chunks(
      '2;a="b;\\"" ; c=d\r\nhi\r\n0;e\r\n\r\n',
      "hi",
    ),
  }),
  ...accept("9112 7.1.2", {
    "trailer fields, which are no headers": [
      {
        ...chunks(
          "0\r\nX: 1\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\n",
          "",
        ),
        trailer: "X: 1\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\n",
        headers: { "transfer-encoding": "chunked" },
      },
      ok(),
    ],
    "a trailer longer than a buffer, which moves in it": {
      ...chunks(`1\r\nx\r\n0\r\nX: ${"y".repeat(1100)}\r\n\r\n`, "x"),
      trailer: `X: ${"y".repeat(1100)}\r\n\r\n`,
    },
    "trailer fields that are a head's, which change nothing": {
      ...chunks(
        "0\r\nConnection: close\r\nKeep-Alive: 1\r\n" +
          "Content-Encoding: gzip\r\nTransfer-Encoding: x\r\n\r\n",
        "",
      ),
      trailer: "Connection: close\r\nKeep-Alive: 1\r\n" +
        "Content-Encoding: gzip\r\nTransfer-Encoding: x\r\n\r\n",
    },
  }),
  ...accept("9112 6.3 (8)", {
    "a body that the connection ends": open("hello"),
    "an empty body that the connection ends": open(""),
    "no field at all": { ...open("x"), headers: {} },
    "an open body that looks like a response": open(ok() + "\r\n\0" + ok()),
    "an open body with chunks in it": open("2\r\nhi\r\n0\r\n\r\n"),
    "an open body of HTTP/1.0": {
      ...open("hello"),
      bytes: "HTTP/1.0 200 OK\r\n\r\nhello",
      protocol: "HTTP/1.0",
      keepAlive: false,
    },
    "an open body with Connection: close": {
      ...open("hello", "Connection: close\r\n"),
      keepAlive: false,
    },
    "an open body that says to keep the connection": open(
      "hello",
      "Connection: keep-alive\r\n",
    ),
    "an open body behind other responses": [
      ok(),
      chunks("1\r\nx\r\n0\r\nX: y\r\n\r\n", "x"),
      open("hello"),
    ].map((sent, i) =>
      i === 1 ? { ...sent as SentResponse, trailer: "X: y\r\n\r\n" } : sent
    ),
    "an open body to POST": { ...open("hello"), method: "POST" },
    "an open body of status 205": {
      ...open("", "", "205 Reset"),
      status: 205,
      statusMessage: "Reset",
    },
    "an open body with an error": {
      ...open("sorry", "", "502 Bad"),
      status: 502,
      statusMessage: "Bad",
    },
  }),
  ...accept("9110 15.2", {
    "103 with fields, and then the answer": [
      bare(103, "Link: </x>\r\n", { headers: { link: "</x>" } }),
      { bytes: response(LENGTH, "hello"), body: "hello" },
    ],
    "several interim responses": [bare(102), bare(103), bare(100), ok()],
    "an interim response with a length of 0": [
      bare(100, "Content-Length: 0\r\n", { announcedLength: 0 }),
      ok(),
    ],
    "an interim response alone": bare(103),
    "an interim response of HTTP/1.0": [
      {
        ...bare(100),
        bytes: "HTTP/1.0 100 X\r\n\r\n",
        protocol: "HTTP/1.0",
        keepAlive: false,
      },
      ok(),
    ],
    "a switch of protocols": bare(
      101,
      "Connection: Upgrade\r\nUpgrade: x\r\n",
      { upgrade: true },
    ),
    "a switch of protocols with a length of 0": bare(
      101,
      "Content-Length: 0\r\n",
      { announcedLength: 0 },
    ),
  }),
  ...accept("9112 6.3 (1), 9110 15.3.5, 15.4.5", {
    "204": bare(204),
    "204 with a length of 0": bare(204, "Content-Length: 0\r\n", {
      announcedLength: 0,
    }),
    "204 to HEAD": bare(204, "", { method: "HEAD" }),
    "304": bare(304),
    "304 that tells of a length": bare(304, LENGTH, { announcedLength: 5 }),
    "304 with a length of 0": bare(304, "Content-Length: 0\r\n", {
      announcedLength: 0,
    }),
    "304 that tells of chunks": bare(304, CHUNKED),
    "304 to HEAD that tells of a length": bare(304, LENGTH, {
      method: "HEAD",
      announcedLength: 5,
    }),
    "304 with a length, and the next response": [
      bare(304, LENGTH, { announcedLength: 5 }),
      ok(),
    ],
  }),
  ...accept("9110 15.3.6", {
    "205 with a length of 0": empty(205),
    "205 with an empty chunked body": {
      bytes: chunked("0\r\n\r\n").replace("200", "205"),
      status: 205,
      hasBody: true,
    },
    "205 to HEAD that tells of a length": bare(205, LENGTH, {
      method: "HEAD",
      announcedLength: 5,
    }),
  }),
  ...accept("9112 6.3 (1), 9110 9.3.2", {
    "HEAD that tells of a length": bare(200, LENGTH, {
      method: "HEAD",
      announcedLength: 5,
    }),
    "HEAD that tells of the largest length": bare(
      200,
      `Content-Length: ${MAX_SAFE}\r\n`,
      { method: "HEAD", announcedLength: MAX_SAFE },
    ),
    "HEAD that tells of chunks": bare(200, CHUNKED, { method: "HEAD" }),
    "HEAD that tells nothing": bare(200, "", { method: "HEAD" }),
    "HEAD with an error": bare(500, LENGTH, {
      method: "HEAD",
      announcedLength: 5,
    }),
    "HEAD with an interim response first": [
      bare(103),
      bare(200, LENGTH, { method: "HEAD", announcedLength: 5 }),
    ],
    "two HEADs and a GET": [
      bare(200, LENGTH, { method: "HEAD", announcedLength: 5 }),
      bare(200, CHUNKED, { method: "HEAD" }),
      { bytes: response(LENGTH, "hello"), body: "hello" },
    ],
    "a method in lower case, which is another": {
      bytes: response(LENGTH, "hello"),
      method: "head",
      body: "hello",
    },
  }),
  ...accept("9112 6.3 (2), 9110 9.3.6", {
    "a tunnel": bare(200, "", { method: "CONNECT" }),
    "a tunnel by status 299": bare(299, "", { method: "CONNECT" }),
    "a tunnel with a length, to be ignored": bare(200, LENGTH, {
      method: "CONNECT",
    }),
    "a tunnel with chunks, to be ignored": bare(200, CHUNKED, {
      method: "CONNECT",
    }),
    "a tunnel by 204 with a length, to be ignored": bare(204, LENGTH, {
      method: "CONNECT",
    }),
    "a tunnel by 205 with a length, to be ignored": bare(205, LENGTH, {
      method: "CONNECT",
    }),
    "a refused tunnel with a body": {
      bytes: response(LENGTH, "hello", "407 No"),
      method: "CONNECT",
      status: 407,
      statusMessage: "No",
      body: "hello",
    },
    "a refused tunnel with an open body": {
      ...open("hello", "", "300 No"),
      method: "CONNECT",
      status: 300,
      statusMessage: "No",
    },
    "a refused tunnel and the next response": [
      {
        bytes: chunked("1\r\nx\r\n0\r\n\r\n").replace("200 OK", "403 No"),
        method: "CONNECT",
        status: 403,
        statusMessage: "No",
        body: "x",
        announcedLength: -1,
      },
      { bytes: response(LENGTH, "hello"), body: "hello" },
    ],
    "a tunnel behind an interim response": [
      bare(100),
      bare(200, LENGTH, { method: "CONNECT" }),
    ],
    "connect in lower case, which is another": {
      bytes: response(LENGTH, "hello"),
      method: "connect",
      body: "hello",
    },
  }),
  ...accept("9112 9.3, 9110 7.6.1", {
    "Connection: close": {
      bytes: ok("Connection: close\r\n"),
      keepAlive: false,
    },
    "Connection: CLOSE": {
      bytes: ok("Connection: CLOSE\r\n"),
      keepAlive: false,
    },
    "close in a list": {
      bytes: ok("Connection: x, , close\t,y\r\n"),
      keepAlive: false,
    },
    "close on a second line": {
      bytes: ok("Connection: keep-alive\r\nConnection: close\r\n"),
      keepAlive: false,
    },
    "options that only look like close": ok(
      "Connection: closed, x-close, clo se, \xa0close\r\n",
    ),
    "names much like Connection": ok(
      "Connexion: close\r\nConnections: close\r\n" +
        "Proxy-Connection: close\r\n",
    ),
    "keep-alive of HTTP/1.0": {
      bytes: ok("Connection: Keep-Alive\r\n").replace("1.1", "1.0"),
      protocol: "HTTP/1.0",
    },
    "keep-alive and close of HTTP/1.0": {
      bytes: ok("Connection: close, keep-alive\r\n").replace("1.1", "1.0"),
      protocol: "HTTP/1.0",
      keepAlive: false,
    },
    "an offer to upgrade": {
      bytes: ok("Connection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n"),
      upgrade: true,
    },
    "an upgrade that Connection does not name": ok("Upgrade: h2c\r\n"),
  }),
  ...accept("2068 19.7.1.1", {
    "Keep-Alive": {
      bytes: ok("Keep-Alive: timeout=5, max=100\r\n"),
      keepAliveValue: "timeout=5, max=100",
    },
    "Keep-Alive in capitals with blanks before": {
      bytes: ok("X: y\r\nKEEP-ALIVE:\t  timeout=5\r\nY: z\r\n"),
      keepAliveValue: "timeout=5",
    },
    "an empty Keep-Alive": {
      bytes: ok("Keep-Alive:\r\n"),
      keepAliveValue: "",
    },
    "two of Keep-Alive, of which the last counts": {
      bytes: ok("Keep-Alive: timeout=5\r\nKeep-Alive: max=1\r\n"),
      keepAliveValue: "max=1",
    },
    "names much like Keep-Alive": ok(
      "Keep_Alive: 1\r\nKeep-Alives: 1\r\nKeep-Alike: 1\r\n",
    ),
    "Keep-Alive of a response that is not the first": [
      { bytes: ok("Keep-Alive: max=2\r\n"), keepAliveValue: "max=2" },
      {
        bytes: response(LENGTH + "Keep-Alive: max=1\r\n", "hello"),
        keepAliveValue: "max=1",
        body: "hello",
      },
      ok(),
    ],
  }),
  ...accept("6265 3, 9110 8.4", {
    "a cookie": { bytes: ok("Set-Cookie: a=b\r\n"), hasCookies: true },
    "cookies in other letters": {
      bytes: ok("SET-cookie: a=b\r\nset-COOKIE: c=d\r\n"),
      hasCookies: true,
    },
    "an empty cookie": { bytes: ok("Set-Cookie:\r\n"), hasCookies: true },
    "a cookie of an interim response": [
      bare(103, "Set-Cookie: a=b\r\n", { hasCookies: true }),
      ok(),
    ],
    "names much like Set-Cookie": ok(
      "Set_Cookie: a=b\r\nSet-Cookie2: a=b\r\nSet-Cookia: a=b\r\n" +
        "Cookie: a=b\r\n",
    ),
    "a coding": {
      bytes: response(LENGTH + "content-ENCODING: gzip\r\n", "hello"),
      hasCoding: true,
      body: "hello",
    },
    "an empty coding": { bytes: ok("Content-Encoding:\r\n"), hasCoding: true },
    "names much like Content-Encoding": ok(
      "Content_Encoding: gzip\r\nContent-Encodin: gzip\r\n" +
        "Content-Language: gzip\r\nContent-Encodino: gzip\r\n",
    ),
  }),
  ...accept("9112 9.3.2", {
    "three responses at once": [
      ok(),
      { bytes: response(LENGTH, "hello"), body: "hello" },
      empty(404),
    ],
    "bodies of both kinds, one behind the other": [
      { bytes: response(LENGTH, "hello"), body: "hello" },
      chunks("1\r\nx\r\n0\r\n\r\n", "x"),
      ok(),
    ],
    "nothing of one response passes to the next": [
      {
        bytes: chunked(
          "1\r\nx\r\n0\r\nX: y\r\n\r\n",
          "Connection: close, upgrade\r\nKeep-Alive: 1\r\n" +
            "Set-Cookie: a\r\nContent-Encoding: gzip\r\n",
        ),
        body: "x",
        announcedLength: -1,
        trailer: "X: y\r\n\r\n",
        keepAlive: false,
        upgrade: true,
        hasCookies: true,
        hasCoding: true,
        keepAliveValue: "1",
      },
      { bytes: ok(), headers: EMPTY },
      bare(204, "", { headers: {} }),
      { bytes: line("HTTP/1.0 200 A"), protocol: "HTTP/1.0", keepAlive: false },
      { bytes: line("HTTP/1.1 200"), statusMessage: "" },
      open("rest"),
    ].map((sent, i) => i === 3 ? { ...sent, statusMessage: "A" } : sent),
  }),
  ...wait("9112 4", {
    "one byte": "H",
    "a version": "HTTP/1.1",
    "a version and a blank": "HTTP/1.1 ",
    "half a status": "HTTP/1.1 20",
    "a status": "HTTP/1.1 200",
    "a status of 600 that may go on": "HTTP/1.1 600",
    "a status and a CR": "HTTP/1.1 200\r",
    "a reason": "HTTP/1.1 200 OK",
    "a status line without its LF": "HTTP/1.1 200 OK\r",
    "a status line": "HTTP/1.1 200 OK\r\n",
    "a head without its last byte": ok().slice(0, -1),
    "half a field name": "HTTP/1.1 200 OK\r\nContent-Le",
    "a response and a half": [ok(), "HTTP/1.1 2"],
    "an interim response and a half": [bare(100), "HTTP/1.1 2"],
  }),
  ...wait("9112 8", {
    "a body that lacks a byte": response(LENGTH, "hell"),
    "a body that lacks all bytes": response(LENGTH),
    "a chunk size": chunked("2"),
    "a chunk that lacks a byte": chunked("2\r\nh"),
    "a chunk that lacks its line end": chunked("2\r\nhi"),
    "a chunk and nothing behind": chunked("2\r\nhi\r\n"),
    "a chunked body without the last line": chunked("0\r\n"),
    "a chunked body without the last byte": chunked("0\r\n\r"),
    "a chunked body with half a trailer": chunked("0\r\nX: y"),
    "a body behind another": [ok(), response(LENGTH, "h")],
    "a body of HTTP/1.0 that lacks a byte": response(LENGTH, "hell")
      .replace("1.1", "1.0"),
    "a body that lacks a byte, with Connection: close": response(
      LENGTH + "Connection: close\r\n",
      "hell",
    ),
  }),
  ...wait("9110 8.6, 9112 7.1", {
    "the largest length": response(`Content-Length: ${MAX_SAFE}\r\n`, "hi"),
    "the largest chunk": chunked(`${MAX_SAFE.toString(16)}\r\nhi`),
    "more chunks than the largest length": chunked(
      `1\r\na\r\n${MAX_SAFE.toString(16)}\r\nhi`,
    ),
  }),
];
