// Requests as the world sends them, each with what our server makes of it.

/** A request, or what passes for one, as bytes of one character each. */
export interface WorldRequest {
  /** What all rows of a kind have in common; differences are named by it. */
  kind: string;
  bytes: string;
  /** What is made of it, and of `END` behind it. */
  ours: string;
}

/** Sent behind each row: who reads the row otherwise loses it, or finds more. */
export const END =
  "GET /end HTTP/1.1\r\nHost: end\r\nConnection: close\r\n\r\n";

/** A request as it was understood. */
export interface Understood {
  method: string;
  url: string;
  /** The value of `X`. */
  x: string;
  body: string;
}

/** How a request is written down. */
export function understood({ method, url, x, body }: Understood): string {
  return `${method} ${url} ${JSON.stringify(x)} ${JSON.stringify(body)}`;
}

const LAST = understood({ method: "GET", url: "/end", x: "", body: "" });
const read = (method = "GET", url = "/", x = "", body = "") =>
  `${understood({ method, url, x, body })}; ${LAST}`;
const refused = (status = 400) => `${status}`;

const HOST = "Host: a\r\n";
const BODY = "hello";
const LENGTH = "Content-Length: 5\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const CHUNKS = "5\r\nhello\r\n0\r\n\r\n";

const get = (lines: string, line = "GET / HTTP/1.1") =>
  `${line}\r\n${lines}\r\n`;
const post = (lines: string, body: string, line = "POST / HTTP/1.1") =>
  `${line}\r\n${HOST}${lines}\r\n${body}`;

function rows(kind: string, all: Record<string, string>): WorldRequest[] {
  return Object.entries(all).map(([bytes, ours]) => ({ kind, bytes, ours }));
}

function each(
  kind: string,
  values: readonly string[],
  make: (value: string) => string,
  ours: string | ((value: string) => string),
): WorldRequest[] {
  return values.map((value) => ({
    kind,
    bytes: make(value),
    ours: typeof ours === "string" ? ours : ours(value),
  }));
}

/** What means the same however it is written. */
function* plain(): Generator<WorldRequest> {
  const cases = [
    (text: string) => text,
    (text: string) => text.toLowerCase(),
    (text: string) => text.toUpperCase(),
  ];
  const framings = [["", ""], [LENGTH, BODY], [CHUNKED, CHUNKS]];
  for (const [lines, body] of framings) {
    for (const change of cases) {
      for (const blank of ["", " ", "\t"]) {
        const head = [HOST, "X: y\r\n", ...lines === "" ? [] : [lines]];
        const written = head.map((line) =>
          line.replace(
            /^([^:]*): (.*)/,
            (_, name, value) => `${change(name)}:${blank}${value}`,
          )
        );
        for (const ordered of [written, written.toReversed()]) {
          yield {
            kind: "plain",
            bytes: `POST / HTTP/1.1\r\n${ordered.join("")}\r\n${body}`,
            ours: read("POST", "/", "y", body === "" ? "" : BODY),
          };
        }
      }
    }
  }
  const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
  for (const method of methods) {
    for (const url of ["/", "/a/b?c=d&e", "/%20%2F", "//a", "/a:b@c"]) {
      yield {
        kind: "plain",
        bytes: get(HOST, `${method} ${url} HTTP/1.1`),
        ours: read(method, url),
      };
    }
  }
}

const lines: WorldRequest[] = [
  ...each(
    "a method that is a token",
    ["get", "FOO", "G", "M-SEARCH", "A!b"],
    (method) => get(HOST, `${method} / HTTP/1.1`),
    (method) => read(method),
  ),
  ...each(
    "a method that is none",
    ["G T", "G@T", "G\x01T", "G\xe9T", "(GET)", '"GET"', "G:T", "G/T", ""],
    (method) => get(HOST, `${method} / HTTP/1.1`),
    refused(),
  ),
  ...each(
    "a target with odd bytes",
    ["/a|b", "/{a}", "/[a]", "/a^b", '/"a"', "/<a>", "/a\\b", "/`a`"],
    (url) => get(HOST, `GET ${url} HTTP/1.1`),
    (url) => read("GET", url),
  ),
  ...each(
    "a target that is none",
    [
      "/a b",
      "a",
      "a/b",
      "?a",
      "/a#b",
      "/\x01",
      "/\x7f",
      "/\xe9",
      "/a\tb",
      "*",
      "a:80",
      "http:/a",
      "http://",
      "ftp://a/",
      "http://u@a/",
      "//",
    ].slice(0, 15),
    (url) => get(HOST, `GET ${url} HTTP/1.1`),
    refused(),
  ),
  ...each(
    "a whole URL for a target",
    ["http://a/", "http://a/b?c", "http://a", "https://a/", "HTTP://a/"],
    (url) => get(HOST, `GET ${url} HTTP/1.1`),
    (url) => read("GET", url),
  ),
  ...each(
    "an empty query",
    ["/?", "/a?"],
    (url) => get(HOST, `GET ${url} HTTP/1.1`),
    (url) => read("GET", url),
  ),
  ...rows("OPTIONS *", {
    [get(HOST, "OPTIONS * HTTP/1.1")]: read("OPTIONS", "*"),
  }),
  ...rows("CONNECT", {
    [get("Host: a:80\r\n", "CONNECT a:80 HTTP/1.1")]: refused(501),
  }),
  ...each(
    "a version that is none",
    [
      "HTTP/1",
      "HTTP/1.",
      "HTTP/.1",
      "HTTP/11",
      "HTTP/1.10",
      "HTTP/01.1",
      "http/1.1",
      "HTTPS/1.1",
      "HTTP/1,1",
      "HTTP /1.1",
      "ICY",
      "HTTP/1.1x",
      "HTTP/1.1 ",
      "",
    ],
    (version) => get(HOST, `GET / ${version}`),
    refused(),
  ),
  ...each(
    "another major version",
    ["HTTP/2.0", "HTTP/0.9", "HTTP/3.1"],
    (version) => get(HOST, `GET / ${version}`),
    refused(505),
  ),
  ...each(
    "a minor version of the future",
    ["HTTP/1.2", "HTTP/1.9"],
    (version) => get(HOST, `GET / ${version}`),
    read(),
  ),
  ...each(
    "other white space in the request line",
    [
      "GET  / HTTP/1.1",
      "GET /  HTTP/1.1",
      "GET\t/ HTTP/1.1",
      "GET /\tHTTP/1.1",
      " GET / HTTP/1.1",
      "GET / HTTP/1.1\t",
    ],
    (line) => get(HOST, line),
    refused(),
  ),
  ...rows("HTTP/0.9", { "GET /\r\n": refused(), "GET / \r\n": refused() }),
  ...rows("an empty line first", { ["\r\n" + get(HOST)]: read() }),
  ...rows("two empty lines first", { ["\r\n\r\n" + get(HOST)]: refused() }),
  ...each(
    "something else first",
    ["\n", "\r", " ", "x\r\n", "\0", "\n\n"],
    (before) => before + get(HOST),
    refused(),
  ),
];

const hosts: WorldRequest[] = [
  ...rows("no Host", { [get("")]: refused(), [get("X: y\r\n")]: refused() }),
  ...rows("an empty Host", {
    [get("Host:\r\n")]: refused(),
    [get("Host: \r\n")]: refused(),
    [get("Host: \t\r\n")]: refused(),
  }),
  ...rows("two Hosts", {
    [get(HOST + HOST)]: refused(),
    [get(HOST + "host: b\r\n")]: refused(),
    [get("Host: a\r\nX: y\r\nHOST: a\r\n")]: refused(),
  }),
  ...each(
    "a Host that is none",
    [
      "a b",
      "a, b",
      "u@a",
      "a/b",
      "a?b",
      "a#b",
      "a\\b",
      "a:b",
      "a:65536",
      "[::1",
      "http://a",
      "a:80:80",
      "\xe9",
      "a%",
    ],
    (host) => get(`Host: ${host}\r\n`),
    refused(),
  ),
  ...each(
    "plain",
    [
      "a.b",
      "a.b:80",
      "[::1]",
      "[::1]:80",
      "127.0.0.1",
      "a_b",
      "A",
      "a:",
    ],
    (host) => get(`Host: ${host}\r\n`),
    read(),
  ),
];

const fields: WorldRequest[] = [
  ...each(
    "white space before a colon",
    [
      "X : y",
      "X\t: y",
      "Content-Length : 5",
      "Transfer-Encoding : chunked",
      "Host : b",
    ],
    (line) => post(`${line}\r\n`, ""),
    refused(),
  ),
  ...each(
    "a name that is none",
    [
      "X",
      "X y",
      ": y",
      "X(: y",
      "X/: y",
      "X\xe9: y",
      '"X": y',
      "X\0: y",
      "X\x7f: y",
    ],
    (line) => get(`${HOST}${line}\r\n`),
    refused(),
  ),
  ...each(
    "a fold",
    [
      "X: y\r\n z",
      "X: y\r\n\tz",
      "X:\r\n y",
      "X: y\r\n ",
      "Content-Length:\r\n 0",
      "Transfer-Encoding:\r\n chunked",
    ],
    (line) => get(`${HOST}${line}\r\n`),
    refused(),
  ),
  ...rows("a fold before the first field", {
    [get(" X: y\r\n" + HOST)]: refused(),
    [get("\tX: y\r\n" + HOST)]: refused(),
  }),
  ...each(
    "a control byte in a value",
    ["\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x7f"],
    (char) => get(`${HOST}X: y${char}z\r\n`),
    refused(),
  ),
  ...rows("a NUL in a value", { [get(`${HOST}X: y\0z\r\n`)]: refused() }),
  ...each(
    "plain",
    ["", "y", "\t y \t", "y z", "y,z", '"y;z"'],
    (value) => get(`${HOST}X: ${value}\r\n`),
    (value) => read("GET", "/", value.trim()),
  ),
  ...rows("bytes beyond ASCII in a value", {
    [get(`${HOST}X: \xe9\r\n`)]: read("GET", "/", "\xe9"),
    [get(`${HOST}X: \xff\x80\r\n`)]: read("GET", "/", "\xff\x80"),
  }),
  ...rows("a field twice", {
    [get(`${HOST}X: y\r\nX: z\r\n`)]: read("GET", "/", "y, z"),
    [get(`${HOST}X: y\r\n${"Y: z\r\n"}x:z\r\n`)]: read("GET", "/", "y, z"),
  }),
  ...rows("many lines", {
    [get(HOST + "Y: z\r\n".repeat(98))]: read(),
    [get(HOST + "Y: z\r\n".repeat(101))]: refused(431),
    [get(HOST + "Y: z\r\n".repeat(1000))]: refused(431),
  }),
  ...rows("a long head", {
    [get(`${HOST}X: ${"y".repeat(20_000)}\r\n`)]: refused(431),
    [get(HOST, `GET /${"y".repeat(20_000)} HTTP/1.1`)]: refused(414),
    [get(HOST, `${"G".repeat(20_000)} / HTTP/1.1`)]: refused(501),
  }),
];

const lineEnds: WorldRequest[] = [
  ...rows("lines in LF", {
    [get(HOST).replaceAll("\r\n", "\n")]: refused(),
    [get(HOST + "X: y\r\n").replaceAll("\r\n", "\n")]: refused(),
    [post(LENGTH, BODY).replaceAll("\r\n", "\n")]: refused(),
  }),
  ...rows("a line in LF among others", {
    [get(HOST + "X: y\nY: z\r\n")]: refused(),
    [get("Host: a\nX: y\r\n")]: refused(),
    [`GET / HTTP/1.1\n${HOST}\r\n`]: refused(),
    [`GET / HTTP/1.1\r\n${HOST}\n`]: refused(),
    [post("X: y\n" + LENGTH, BODY)]: refused(),
    [post("X: y\n" + CHUNKED, CHUNKS)]: refused(),
  }),
  ...rows("a bare CR", {
    [get(HOST + "X: y\rY: z\r\n")]: refused(),
    [get(HOST + "X: y\r\r\n")]: refused(),
    [`GET / HTTP/1.1\r${HOST}\r\n`]: refused(),
    [post("X: y\r" + LENGTH, BODY)]: refused(),
    [`GET / HTTP/1.1\r\n${HOST}\r\r\n`]: refused(),
  }),
];

const bodies: WorldRequest[] = [
  ...each(
    "a length that is none",
    [
      "+5",
      "-5",
      "-0",
      "0x5",
      "5.0",
      "5e0",
      "5 5",
      "five",
      '"5"',
      "5;",
      "\xb25",
      "",
      "5,",
      ",5",
      "18446744073709551621",
      "9007199254740993",
    ],
    (length) => post(`Content-Length: ${length}\r\n`, BODY),
    refused(),
  ),
  ...each(
    "a list of lengths",
    ["5, 5", "5,5", "5,6"],
    (length) => post(`Content-Length: ${length}\r\n`, BODY),
    refused(),
  ),
  ...each(
    "two lengths",
    ["5", "6", "0", "05", "x"],
    (length) => post(`${LENGTH}Content-Length: ${length}\r\n`, BODY),
    refused(),
  ),
  ...each(
    "plain",
    ["5", "05", "00000005"],
    (length) => post(`Content-Length: ${length}\r\n`, BODY),
    read("POST", "/", "", BODY),
  ),
  ...rows("a length and chunks", {
    [post(LENGTH + CHUNKED, CHUNKS)]: refused(),
    [post(CHUNKED + LENGTH, CHUNKS)]: refused(),
    [post("Content-Length: 15\r\n" + CHUNKED, CHUNKS)]: refused(),
    [post("Content-Length: 0\r\n" + CHUNKED, CHUNKS)]: refused(),
    [post(CHUNKED + "Content-Length: x\r\n", CHUNKS)]: refused(),
  }),
  ...each(
    "an odd transfer coding",
    [
      "identity",
      "chunked, identity",
      "chunked, chunked",
      "chunked;q=1",
      '"chunked"',
      "xchunked",
      "chunkedx",
      "chun ked",
      "",
      ",",
      "chunked,",
      ", chunked",
      "\x0bchunked",
      "chunked\xa0",
      "gzip",
      "chunked, gzip",
    ],
    (coding) => post(`Transfer-Encoding: ${coding}\r\n`, CHUNKS),
    refused(),
  ),
  ...each(
    "an unknown coding below chunks",
    ["gzip, chunked", "x, chunked", "identity, chunked"],
    (coding) => post(`Transfer-Encoding: ${coding}\r\n`, CHUNKS),
    refused(501),
  ),
  ...rows("an odd transfer coding", {
    [post(CHUNKED + CHUNKED, CHUNKS)]: refused(),
    [post(CHUNKED + "Transfer-Encoding: identity\r\n", CHUNKS)]: refused(),
    [post("Transfer-Encoding: identity\r\n" + CHUNKED, CHUNKS)]: refused(501),
  }),
  ...rows("chunks of HTTP/1.0", {
    [post(CHUNKED, CHUNKS, "POST / HTTP/1.0")]: refused(),
    [post("Connection: keep-alive\r\n" + CHUNKED, CHUNKS, "POST / HTTP/1.0")]:
      refused(),
  }),
  ...each(
    "plain",
    ["5", "05", "0005", "5;a", "5;a=b", "5;a;b=c"],
    (size) => post(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    read("POST", "/", "", BODY),
  ),
  ...each(
    "an extension in quotes",
    ['5;a="b"', '5;a="b c"', '5;a="b;c"'],
    (size) => post(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    read("POST", "/", "", BODY),
  ),
  ...each(
    "white space in front of an extension",
    ["5 ;a", "5\t;a=b", "5; a"],
    (size) => post(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    read("POST", "/", "", BODY),
  ),
  ...each(
    "white space behind a chunk's size",
    ["5 ", "5  ", "5\t"],
    (size) => post(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    refused(),
  ),
  ...each(
    "a chunk's size that is none",
    [
      "0x5",
      "+5",
      "-5",
      " 5",
      "5h",
      "",
      "g",
      "5.0",
      "5,",
      "_5",
      "5_0",
      "\x005",
      "FFFFFFFFFFFFFFFF5",
      "5\x0b",
    ],
    (size) => post(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    refused(),
  ),
  ...each(
    "an odd extension of a chunk",
    ["5;", "5;;", "5;=a", '5;a="b', "5;a=", "5;a\0", "5;a\x01"],
    (size) => post(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    refused(),
  ),
  ...rows("a chunk that ends in LF", {
    [post(CHUNKED, "5\nhello\r\n0\r\n\r\n")]: refused(),
    [post(CHUNKED, "5\r\nhello\n0\r\n\r\n")]: refused(),
    [post(CHUNKED, "5\r\nhello\r\n0\n\r\n")]: refused(),
    [post(CHUNKED, "5\r\nhello\r\n0\r\n\n")]: refused(),
    [post(CHUNKED, "5;a\nhello\r\n0\r\n\r\n")]: refused(),
  }),
  ...rows("a chunk that ends otherwise", {
    [post(CHUNKED, "5\r\nhello!\r\n0\r\n\r\n")]: refused(),
    [post(CHUNKED, "5\r\nhelloXX0\r\n\r\n")]: refused(),
    [post(CHUNKED, "5\r\nhello\r0\r\n\r\n")]: refused(),
    [post(CHUNKED, "4\r\nhello\r\n0\r\n\r\n")]: refused(),
  }),
  ...rows("a trailer", {
    [post(CHUNKED, "5\r\nhello\r\n0\r\nY: z\r\n\r\n")]: read(
      "POST",
      "/",
      "",
      BODY,
    ),
  }),
  ...rows("an odd trailer", {
    [post(CHUNKED, "5\r\nhello\r\n0\r\nY\r\n\r\n")]: refused(),
    [post(CHUNKED, "5\r\nhello\r\n0\r\nY : z\r\n\r\n")]: refused(),
    [post(CHUNKED, "5\r\nhello\r\n0\r\nY: z\n\r\n")]: refused(),
    [post(CHUNKED, "5\r\nhello\r\n0\r\n Y: z\r\n\r\n")]: refused(),
  }),
  ...rows("a body of GET", {
    [get(HOST + LENGTH).concat(BODY)]: read("GET", "/", "", BODY),
    [get(HOST + CHUNKED).concat(CHUNKS)]: read("GET", "/", "", BODY),
  }),
  ...rows("an unknown expectation", {
    [post("Expect: x\r\n" + LENGTH, BODY)]: refused(417),
  }),
];

/** Whether what came of a row is that nothing of it was understood. */
export function isRefusal(outcome: string): boolean {
  return !/^[^ ;]+ [^ ]* "/.test(outcome);
}

/** All of them. */
export const worldRequests: WorldRequest[] = [
  ...plain(),
  ...lines,
  ...hosts,
  ...fields,
  ...lineEnds,
  ...bodies,
];
