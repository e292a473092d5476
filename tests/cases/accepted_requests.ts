import {
  accept,
  chunked,
  get,
  post,
  type RequestRow,
  wait,
} from "./request_rows.ts";

const VISIBLE = String.fromCharCode(
  ...Array.from({ length: 94 }, (_, i) => 0x21 + i),
);
const OBS_TEXT = String.fromCharCode(
  ...Array.from({ length: 128 }, (_, i) => 0x80 + i),
);
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** Requests that must be taken, among them all near misses of what is refused. */
export const acceptedRequests: RequestRow[] = [
  ...accept("9112 3.1, 9110 9.1", {
    "the shortest request": get(),
    "a method of all token characters": [
      "!#$%&'*+-.^_`|~09AZaz / HTTP/1.1\r\nHost: a\r\n\r\n",
      { method: "!#$%&'*+-.^_`|~09AZaz" },
    ],
    "a lower-case method, which is another": [
      get().replace("GET", "get"),
      { method: "get" },
    ],
    "a method of one letter": [get().replace("GET", "G"), { method: "G" }],
    "a method that begins like a known one": [
      get().replace("GET", "GETS"),
      { method: "GETS" },
    ],
    "HEAD": [get().replace("GET", "HEAD"), { method: "HEAD" }],
    "PATCH": [get().replace("GET", "PATCH"), { method: "PATCH" }],
    "TRACE": [get().replace("GET", "TRACE"), { method: "TRACE" }],
  }),
  ...accept("9112 2.2", {
    "one empty line before the request": "\r\n" + get(),
    "one empty line before each request": [
      "\r\n" + get() + "\r\n" + get(),
      {},
      {},
    ],
    "an empty line behind the last request": get() + "\r\n",
  }),
  ...accept("9112 2.3, 9110 2.5", {
    "HTTP/1.0 without Host": [
      "GET / HTTP/1.0\r\n\r\n",
      { protocol: "HTTP/1.0", keepAlive: false, headers: {} },
    ],
    "HTTP/1.2, read as 1.1": [
      get().replace("1.1", "1.2"),
      { protocol: "HTTP/1.2" },
    ],
    "HTTP/1.9, read as 1.1": [
      get().replace("1.1", "1.9"),
      { protocol: "HTTP/1.9" },
    ],
  }),
  ...accept("9112 3.2.1", {
    "every visible byte but # in a target": [
      get().replace("/", "/" + VISIBLE.replace("#", "")),
      { target: "/" + VISIBLE.replace("#", "") },
    ],
    "a target of two slashes": [
      get().replace("/", "//b/c"),
      { target: "//b/c" },
    ],
    "a query that holds question marks": [
      get().replace("/", "/?a?b=?"),
      { target: "/?a?b=?" },
    ],
    "an escape that is none": [
      get().replace("/", "/%zz%"),
      { target: "/%zz%" },
    ],
    "an escaped NUL": [get().replace("/", "/%00"), { target: "/%00" }],
    "dot segments, kept as sent": [
      get().replace("/", "/a/../../b"),
      { target: "/a/../../b" },
    ],
  }),
  ...accept("9112 3.2.2", {
    "absolute form": [
      get().replace("/", "http://a/b?c"),
      { target: "http://a/b?c" },
    ],
    "absolute form of https in capitals": [
      get().replace("/", "HTTPS://a/"),
      { target: "HTTPS://a/" },
    ],
    "absolute form without a path": [
      get().replace("/", "http://a"),
      { target: "http://a" },
    ],
    "absolute form with a query for a path": [
      get().replace("/", "http://a?b"),
      { target: "http://a?b" },
    ],
    "absolute form with IPv6 and port": [
      get().replace("/", "http://[::1]:80/"),
      { target: "http://[::1]:80/" },
    ],
    "absolute form beside another Host": [
      get().replace("/", "http://b/"),
      { target: "http://b/", headers: { host: "a" } },
    ],
    "absolute form for OPTIONS": [
      get().replace("GET /", "OPTIONS http://a"),
      { method: "OPTIONS", target: "http://a" },
    ],
  }),
  ...accept("9112 3.2.4", {
    "asterisk form for OPTIONS": [
      get().replace("GET /", "OPTIONS *"),
      { method: "OPTIONS", target: "*" },
    ],
    "origin form for OPTIONS": [
      get().replace("GET", "OPTIONS"),
      { method: "OPTIONS" },
    ],
  }),
  ...accept("9112 3.2.3, 9110 9.3.6", {
    "CONNECT where it is allowed": [
      "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
      { method: "CONNECT", target: "a:443" },
    ],
    "CONNECT to an IPv6 address": [
      "CONNECT [::1]:443 HTTP/1.1\r\nHost: a\r\n\r\n",
      { method: "CONNECT", target: "[::1]:443" },
    ],
  }, { allowConnect: true }),
  ...accept("9110 7.2, 3986 3.2", {
    ...Object.fromEntries(
      [
        "a",
        "a.example",
        "a.example.",
        "a:80",
        "a:",
        "a:0",
        "a:00080",
        "a:65535",
        "a_b-c~d",
        "!$&'()*+;=",
        "%41%ff",
        "127.0.0.1",
        "127.0.0.1:8080",
        "1.2.3.4.5",
        "[::]",
        "[::1]:80",
        "[::1]:",
        "[fe80::1:2.3.4.5]",
        "[v1.a:b]",
        "A",
      ].map((host) => [`Host: ${host}`, [
        `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        { headers: { host } },
      ]]),
    ),
    "an empty Host in HTTP/1.0": [
      "GET / HTTP/1.0\r\nHost:\r\n\r\n",
      { headers: { host: "" }, protocol: "HTTP/1.0", keepAlive: false },
    ],
    "a Host with blanks around": [
      "GET / HTTP/1.1\r\nhOsT:\t a \t\r\n\r\n",
      { headers: { host: "a" } },
    ],
    "Host behind other fields": [
      "GET / HTTP/1.1\r\nX: y\r\nHOST: a\r\n\r\n",
      { headers: { x: "y", host: "a" } },
    ],
    "a field whose name begins with Host": [
      get("Hosts: b, c\r\nX-Host: d/e\r\n"),
      { headers: { host: "a", hosts: "b, c", "x-host": "d/e" } },
    ],
  }),
  ...accept("9112 5, 9110 5.5", {
    "no blank behind the colon": [
      get("X:y\r\n"),
      { headers: { host: "a", x: "y" } },
    ],
    "many blanks around a value": [
      get("X: \t  y z\t \r\n"),
      { headers: { host: "a", x: "y z" } },
    ],
    "an empty value": [get("X:\r\n"), { headers: { host: "a", x: "" } }],
    "a value of blanks only": [
      get("X: \t \r\n"),
      { headers: { host: "a", x: "" } },
    ],
    "a tab inside a value": [
      get("X: y\tz\r\n"),
      { headers: { host: "a", x: "y\tz" } },
    ],
    "obs-text in a value": [
      get(`X: ${OBS_TEXT}\r\n`),
      { headers: { host: "a", x: OBS_TEXT } },
    ],
    "a no-break space, which is no blank": [
      get("X: \xa0\r\n"),
      { headers: { host: "a", x: "\xa0" } },
    ],
    "every visible byte in a value": [
      get(`X: ${VISIBLE}\r\n`),
      { headers: { host: "a", x: VISIBLE } },
    ],
    "colons in a value": [
      get("X::y: z\r\n"),
      { headers: { host: "a", x: ":y: z" } },
    ],
    "a name of all token characters": [
      get("!#$%&'*+-.^_`|~09AZaz: y\r\n"),
      { headers: { host: "a", "!#$%&'*+-.^_`|~09azaz": "y" } },
    ],
    "a name of digits": [
      get("7: y\r\n"),
      { headers: { host: "a", "7": "y" } },
    ],
    "names that objects have": [
      get("__proto__: p\r\nconstructor: c\r\n"),
      { headers: { host: "a", ["__proto__"]: "p", constructor: "c" } },
    ],
  }),
  ...accept("9110 5.3", {
    "repeated fields, joined in order": [
      get("X: 1\r\nY: 2\r\nx: 3\r\nX:\r\n"),
      { headers: { host: "a", x: "1, 3, ", y: "2" } },
    ],
    "repeated cookies, joined by semicolons": [
      get("Cookie: a=1\r\nCookie: b=2\r\n"),
      { headers: { host: "a", cookie: "a=1; b=2" } },
    ],
  }),
  ...accept("9112 6.2, 9110 8.6", {
    "a length of 0": get("Content-Length: 0\r\n"),
    "a length with zeros in front": [
      post("Content-Length: 007\r\n", "7 bytes"),
      { method: "POST", body: "7 bytes" },
    ],
    "a length with blanks around": [
      post("content-LENGTH:\t 2 \r\n", "hi"),
      { method: "POST", body: "hi" },
    ],
    "a body of any bytes": [
      post("Content-Length: 6\r\n", "\0\r\n\r\n\xff"),
      { method: "POST", body: "\0\r\n\r\n\xff" },
    ],
    "a GET with a body": [get("Content-Length: 2\r\n") + "hi", { body: "hi" }],
    "a body that looks like a request": [
      post(`Content-Length: ${get().length}\r\n`, get() + get()),
      { method: "POST", body: get() },
      {},
    ],
    "names much like those of framing": [
      get(
        "Content_Length: 5\r\nContent-Length-: 5\r\nXontent-Length: 5\r\n" +
          "Transfer_Encoding: chunked\r\nTransfer.Encoding: chunked\r\n",
      ),
      {},
    ],
  }),
  ...accept("9112 6.1, 9112 7.1", {
    "a chunked body": [
      chunked("2\r\nhi\r\n0\r\n\r\n"),
      { method: "POST", body: "hi" },
    ],
    "an empty chunked body": [chunked("0\r\n\r\n"), { method: "POST" }],
    "Chunked with a capital, and blanks around": [
      post("transfer-ENCODING: \tChunked \r\n", "2\r\nhi\r\n0\r\n\r\n"),
      { method: "POST", body: "hi" },
    ],
    "several chunks": [
      chunked("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n"),
      { method: "POST", body: "abcdef" },
    ],
    "sizes in lower and upper case": [
      chunked(`a\r\n${"x".repeat(10)}\r\nB\r\n${"y".repeat(11)}\r\n0\r\n\r\n`),
      { method: "POST", body: "x".repeat(10) + "y".repeat(11) },
    ],
    "sizes with zeros in front": [
      chunked("0000000000000002\r\nhi\r\n000\r\n\r\n"),
      { method: "POST", body: "hi" },
    ],
    "line ends inside a chunk": [
      chunked("9\r\n\r\n0\r\n\r\n0\r\r\n0\r\n\r\n"),
      { method: "POST", body: "\r\n0\r\n\r\n0\r" },
    ],
    "a chunked GET": [
      get("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
      {},
    ],
  }),
  ...accept("9112 7.1.1", {
    ...Object.fromEntries(
      [
        ";a",
        ";a=b",
        ";a=b;c;d=e",
        " ; a = b",
        "\t;\ta\t=\tb",
        ';a="b"',
        ';a=""',
        ';a="b;c=d, \t\x80"',
        ';a="\\"\\\\\\\t\\\xff"',
        ';a="b" ;c',
        ";a ;b",
      ].map((extension) => [`chunk extension ${JSON.stringify(extension)}`, [
        chunked(`2${extension}\r\nhi\r\n0${extension}\r\n\r\n`),
        { method: "POST", body: "hi" },
      ]]),
    ),
  }),
  ...accept("9112 7.1.2", {
    "trailer fields, which are no headers": [
      chunked("0\r\nX: 1\r\nHost: b\r\nContent-Length: 5\r\n\r\n") + get(),
      {
        method: "POST",
        trailer: "X: 1\r\nHost: b\r\nContent-Length: 5\r\n\r\n",
        headers: { host: "a", "transfer-encoding": "chunked" },
      },
      {},
    ],
  }),
  ...accept("9112 9.3, 9110 7.6.1", {
    "Connection: close": [get("Connection: close\r\n"), { keepAlive: false }],
    "Connection: CLOSE": [get("Connection: CLOSE\r\n"), { keepAlive: false }],
    "close in a list": [
      get("Connection: x, , close\t,y\r\n"),
      { keepAlive: false },
    ],
    "close on a second line": [
      get("Connection: keep-alive\r\nConnection: close\r\n"),
      { keepAlive: false },
    ],
    "close before keep-alive": [
      get("Connection: close, keep-alive\r\n"),
      { keepAlive: false },
    ],
    "options that only look like close": get(
      "Connection: closed, x-close, clo se, \xa0close\r\n",
    ),
    "an empty Connection": get("Connection:\r\n"),
    "keep-alive of HTTP/1.0": [
      "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
      { protocol: "HTTP/1.0" },
    ],
    "keep-alive in a list of HTTP/1.0": [
      "GET / HTTP/1.0\r\nConnection: x ,keep-alive\r\n\r\n",
      { protocol: "HTTP/1.0" },
    ],
    "an upgrade": [
      get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"),
      { upgrade: true },
    ],
  }),
  ...accept("9110 10.1.1", {
    "Expect: 100-continue": [
      post("Expect: 100-continue\r\nContent-Length: 2\r\n", "hi"),
      { method: "POST", body: "hi", expectContinue: true },
    ],
    "Expect in capitals": [
      post("EXPECT: 100-CONTINUE\r\nContent-Length: 2\r\n", "hi"),
      { method: "POST", body: "hi", expectContinue: true },
    ],
    "Expect of HTTP/1.0, ignored": [
      "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
      { method: "POST", protocol: "HTTP/1.0", keepAlive: false, body: "hi" },
    ],
  }),
  ...accept("9112 9.3.2", {
    "three requests at once": [
      get() + get().replace("/", "/2") + get().replace("/", "/3"),
      {},
      { target: "/2" },
      { target: "/3" },
    ],
    "bodies of both kinds, one behind the other": [
      post("Content-Length: 2\r\n", "hi") + chunked("1\r\nx\r\n0\r\n\r\n") +
      get(),
      { method: "POST", body: "hi" },
      { method: "POST", body: "x" },
      {},
    ],
    "nothing of one request passes to the next": [
      post(
        "Content-Length: 2\r\nConnection: upgrade\r\n" +
          "Expect: 100-continue\r\n",
        "hi",
      ) + chunked("0\r\nX: y\r\n\r\n") + get(),
      { method: "POST", body: "hi", expectContinue: true, upgrade: true },
      { method: "POST", trailer: "X: y\r\n\r\n" },
      { headers: { host: "a" } },
    ],
  }),
  ...wait("9112 2.2", {
    "half an empty line": "\r",
    "a method": "GE",
    "a start line without its LF": "GET / HTTP/1.1\r",
    "a head without its last line": get().slice(0, -2),
    "a head without its last byte": get().slice(0, -1),
    "a request and a half": [get() + "G", {}],
  }),
  ...wait("9112 8", {
    "a body that lacks a byte": post("Content-Length: 3\r\n", "hi"),
    "a chunk that lacks its line end": chunked("2\r\nhi"),
    "a chunked body without the last line": chunked("0\r\n"),
  }),
  ...wait("9110 8.6, 9112 7.1", {
    "the largest length": post(`Content-Length: ${MAX_SAFE}\r\n`, "hi"),
    "the largest chunk": chunked(`${MAX_SAFE.toString(16)}\r\nhi`),
  }, { maxContentLength: Infinity }),
];
