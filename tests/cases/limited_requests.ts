import {
  accept,
  chunked,
  get,
  post,
  refuse,
  type RequestRow,
} from "./request_rows.ts";

const MAX_EXTENSIONS = 4096;
const LINES = (count: number) => "X: y\r\n".repeat(count);
/** A GET whose head is so many bytes long. */
const head = (length: number) =>
  get(`X: ${"y".repeat(length - get("X: \r\n").length)}\r\n`);
/** A request line and its CR LF of so many bytes. */
const line = (length: number) =>
  `GET /${"x".repeat(length - "GET / HTTP/1.1\r\n".length)} HTTP/1.1\r\n`;
const fields = { method: "POST" };

/** Each limit, met exactly and missed by one. */
export const limitedRequests: RequestRow[] = [
  ...accept("house: maxHeadersLength", {
    "a head of just the limit": head(64),
    "two heads of just the limit": [head(64) + head(64), {}, {}],
    "an empty line does not count": "\r\n" + head(64),
    "trailers of just the limit": [
      chunked(`0\r\nX: ${"y".repeat(57)}\r\n\r\n`),
      { ...fields, trailer: `X: ${"y".repeat(57)}\r\n\r\n` },
    ],
    "a request line with room for just the end": [
      line(53).replace("1.1", "1.0") + "Host: a\r\n\r\n",
      { target: "/" + "x".repeat(37), protocol: "HTTP/1.0", keepAlive: false },
    ],
  }, { maxHeadersLength: 64 }),
  ...refuse(431, "headers-too-large", "6585 5", {
    "a head of one byte above the limit": head(65).slice(0, -1) + "‸\n",
    "a head of far more than the limit": head(65).slice(0, 64) + "‸" +
      "y".repeat(5000),
    "a head that ends in nothing but blanks": get("X:" + " ".repeat(200)),
    "a second head above the limit": [head(64) + head(65), {}],
    "a request line of just the limit": line(64) + "‸Host: a\r\n\r\n",
    "trailers of one byte above the limit": chunked(
      `0\r\nX: ${"y".repeat(58)}\r\n\r‸\n`,
    ),
  }, { maxHeadersLength: 64 }),
  ...refuse(414, "request-line-too-long", "9112 3", {
    "a request line of one byte above the limit": line(65).slice(0, -1) + "‸\n",
    "a target of far more than the limit": "GET /" + "x".repeat(59) + "‸" +
      "x".repeat(5000),
  }, { maxHeadersLength: 64 }),
  ...refuse(501, "method-too-long", "9112 3, 9110 9.1", {
    "a method of far more than the limit": "G".repeat(64) + "‸" +
      "G".repeat(5000),
    "a method of just the limit": "G".repeat(64) + "‸ / HTTP/1.1\r\n",
  }, { maxHeadersLength: 64 }),
  ...accept("house: maxHeadersCount", {
    "just so many field lines": get(LINES(2)),
    "just so many trailer lines": [
      chunked(`0\r\n${LINES(3)}\r\n`),
      { ...fields, trailer: LINES(3) + "\r\n" },
    ],
  }, { maxHeadersCount: 3 }),
  ...refuse(431, "too-many-headers", "6585 5", {
    "one field line too many": get(LINES(2) + "X: y\r‸\n"),
    "one trailer line too many": chunked(`0\r\n${LINES(3)}X: y\r‸\n\r\n`),
  }, { maxHeadersCount: 3 }),
  ...accept("house: maxContentLength", {
    "a body of just the limit": [
      post("Content-Length: 4\r\n", "body"),
      { ...fields, body: "body" },
    ],
    "chunks of just the limit": [
      chunked("1\r\nb\r\n3;x=y\r\nody\r\n0\r\n\r\n"),
      { ...fields, body: "body" },
    ],
  }, { maxContentLength: 4 }),
  ...refuse(413, "body-too-large", "9110 15.5.14", {
    "a length above the limit, before any of the body": post(
      "Content-Length: 5\r\n",
      "‸",
    ),
    "the largest length there is": post(
      "Content-Length: 9007199254740991\r\n",
      "‸",
    ),
    "a chunk above the limit, before any of it": chunked("5\r‸\n"),
    "chunks above the limit": chunked("3\r\nbod\r\n2\r‸\ny!\r\n0\r\n\r\n"),
    "a length above the limit with an expectation": post(
      "Expect: 100-continue\r\nContent-Length: 5\r\n",
      "‸",
    ),
  }, { maxContentLength: 4 }),
  ...accept("house: maxContentLength", {
    "no body where none is allowed": [
      post("Content-Length: 0\r\n", "") + chunked("0\r\n\r\n") + get(),
      fields,
      fields,
      {},
    ],
  }, { maxContentLength: 0 }),
  ...refuse(413, "body-too-large", "9110 15.5.14", {
    "one byte where none is allowed": post("Content-Length: 1\r\n", "‸x"),
    "a chunk where none is allowed": chunked("1\r‸\nx\r\n0\r\n\r\n"),
  }, { maxContentLength: 0 }),
  ...accept("house: chunk extensions", {
    "extensions of just the limit": [
      chunked(`0;${"x".repeat(MAX_EXTENSIONS - 1)}\r\n\r\n`),
      fields,
    ],
  }),
  ...refuse(400, "bad-chunk-extension", "9112 7.1.1", {
    "extensions of one byte above the limit": chunked(
      `0;${"x".repeat(MAX_EXTENSIONS)}‸\r\n\r\n`,
    ),
    "extensions above the limit, over many chunks": chunked(
      `1;${"x".repeat(99)}\r\na\r\n`.repeat(41),
    ),
  }),
  ...accept("house: defaults", {
    "a head of 16 KiB": head(16384),
    "a hundred field lines": get(LINES(99)),
  }),
  ...refuse(431, "headers-too-large", "6585 5", {
    "a head of 16 KiB and a byte": head(16385).slice(0, -1) + "‸\n",
  }),
  ...refuse(431, "too-many-headers", "6585 5", {
    "a hundred and one field lines": get(LINES(99) + "X: y\r‸\n"),
  }),
  ...refuse(413, "body-too-large", "9110 15.5.14", {
    "a length of 1 MiB and a byte": post("Content-Length: 1048577\r\n", "‸"),
    "a chunk of 1 MiB and a byte": chunked("100001\r‸\n"),
  }),
];
