import {
  chunked,
  line,
  ok,
  refuse,
  response,
  type ResponseRow,
  type SentResponse,
} from "./response_rows.ts";

/** Rows by their text, each made into a response. */
function each(
  texts: string[],
  make: (text: string) => string | SentResponse,
): Record<string, string | SentResponse> {
  return Object.fromEntries(
    texts.map((text) => [JSON.stringify(text).replace("‸", ""), make(text)]),
  );
}

/** One with a status line that has this version. */
function version(text: string): string {
  return line(`${text} 200 OK`);
}

const CONTROLS = Array.from({ length: 32 }, (_, i) => String.fromCharCode(i))
  .filter((char) => !"\t\n\r".includes(char)).concat("\x7f");
const BIG = 2 ** 53;
const LENGTH = "Content-Length: 5\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const LAST = "0\r\n\r\n";

/** Responses that must be refused, whatever they would mean to somebody else. */
export const refusedResponses: ResponseRow[] = [
  ...refuse("bad-version", "9112 4, 9112 2.3", {
    ...each(
      [
        "HTTP/‸.1",
        "HTTP/1‸",
        "HTTP/1.‸",
        "HTTP/1‸,1",
        "HTTP/1‸1",
        "HTTP/1.1‸1",
        "HTTP/1‸01.1",
        "HTTP/‸ 1.1",
        "HTTP/1.1‸\t",
        "HTTP/‸+1.1",
        "HTTP/1.‸x",
        "HTTP/1.‸:",
        "HTTP/1.‸/",
        "HTTP/‸:.1",
        "‸http/1.1",
        "H‸ttp/1.1",
        "HTT‸\x10/1.1",
        "‸ HTTP/1.1",
        "‸\tHTTP/1.1",
        "‸ICY",
        "HTTP‸",
        "HTTP‸-1.1",
        "HTTP/‸\xb1.1",
        "HTTP/1.‸\xb1",
        "HTTP/2‸",
        "‸\xef\xbb\xbfHTTP/1.1",
        "‸",
      ],
      version,
    ),
    "a tab behind the version": "HTTP/1.1‸\t200 OK\r\n\r\n",
    "a version alone": "HTTP/1.1‸\r\n\r\n",
    "a body without a head, as in HTTP/0.9": "‸<html>",
    "a request": "‸GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a TLS alert": "‸\x15\x03\x01\x00\x02\x02\x46",
    "a frame of HTTP/2": "‸\0\0\x06\x04\0\0\0\0\0",
    "a NUL": "‸\0",
  }),
  ...refuse("bad-version", "house: nothing may come before a response", {
    "an empty line before a response": "‸\r\n" + ok(),
    "a bare LF before a response": "‸\n" + ok(),
    "a bare CR before a response": "‸\r" + ok(),
    "an empty line between responses": [ok(), "‸\r\n" + ok()],
    "a bare LF between responses": [ok(), "‸\n" + ok()],
    "an empty line behind a body": [
      { bytes: response(LENGTH, "hello"), body: "hello" },
      "‸\r\n" + ok(),
    ],
    "an empty line behind chunks": [
      { bytes: chunked(LAST), hasBody: true },
      "‸\r\n" + ok(),
    ],
    "an empty line behind an interim response": [
      {
        bytes: "HTTP/1.1 100 OK\r\n\r\n",
        status: 100,
        announcedLength: -1,
      },
      "‸\r\n" + ok(),
    ],
    "a body longer than its length": [
      { bytes: response(LENGTH, "hello"), body: "hello" },
      "‸!",
    ],
    "a body behind a length of 0": [ok(), "‸hello"],
    "a body behind 204": [
      {
        bytes: "HTTP/1.1 204 OK\r\n\r\n",
        status: 204,
        announcedLength: -1,
      },
      "‸hello",
    ],
    "a body behind 304": [
      {
        bytes: response(LENGTH).replace("200", "304"),
        status: 304,
        announcedLength: 5,
      },
      "‸hello",
    ],
    "a body to HEAD": [
      { bytes: response(LENGTH), method: "HEAD", announcedLength: 5 },
      "‸hello",
    ],
    "chunks to HEAD": [
      { bytes: response(CHUNKED), method: "HEAD", announcedLength: -1 },
      "‸" + LAST,
    ],
  }),
  ...refuse("unsupported-version", "9110 15.6.6", {
    ...each(
      ["HTTP/0.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"],
      (text) => "‸" + version(text),
    ),
    "HTTP/2.0, before any status": "‸HTTP/2.0 ",
  }),
  ...refuse(
    "bad-status",
    "9112 4, 9110 15",
    each(
      [
        "‸",
        "‸ 200 OK",
        "‸\t200 OK",
        "2‸",
        "20‸",
        "20‸ OK",
        "2‸ OK",
        "200‸0 OK",
        "200‸1",
        "‸+200 OK",
        "‸-20 OK",
        "2‸.0 OK",
        "0‸x2 OK",
        "‸OK",
        "‸\xb200 OK",
        "20‸\0 OK",
        "20‸O OK",
        "20‸: OK",
        "20‸/ OK",
        "200‸\tOK",
        "200‸OK",
        "200‸/ OK",
        "200‸\0",
        "200‸\x7fOK",
        "200‸\xa0OK",
        "200‸;",
        "‸000 OK",
        "‸001 OK",
        "‸099 OK",
        "999‸9 OK",
        "‸099",
      ],
      (text) => line(`HTTP/1.1 ${text}`),
    ),
  ),
  ...refuse("bad-status", "9112 4, 9112 2.2", {
    "a bare LF for a status": "HTTP/1.1 ‸\n",
  }),
  ...refuse(
    "bad-reason",
    "9112 4",
    each(
      CONTROLS.map((char) => `O‸${char}K`),
      (text) => line(`HTTP/1.1 200 ${text}`),
    ),
  ),
  ...refuse("bad-reason", "9112 4", {
    "a NUL for a reason": "HTTP/1.1 200 ‸\0\r\n\r\n",
    "a reason of an interim response with NUL": "HTTP/1.1 100 ‸\0\r\n\r\n",
  }),
  ...refuse("bad-line-end", "9112 2.2, 9112 4", {
    "a status line that ends in LF, and another in CR LF": ok()
      .replace("\r\n", "\n").replace("\r", "‸\r"),
    "the same, and no reason": "HTTP/1.1 200\nX: y‸\r\n\r\n",
    "a status in LF, and an empty line in CR LF": "HTTP/1.1 200\n‸\r\n",
    "lines in LF, and the empty one in CR LF":
      "HTTP/1.1 200 OK\nX: y\n‸\r\nhello",
    "lines in LF, and a bare CR": "HTTP/1.1 200 OK\nX: y‸\rY: z\n\n",
    "lines in LF, and a length hidden behind CR CR LF":
      "HTTP/1.1 200 OK\nX: y‸\r\r\n" + LENGTH + "\r\n",
    "lines in LF, and a chunk in LF":
      "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r‸hi",
    "a status line that ends in CR": ok().replace("\r\n", "\r‸X"),
    "a status line that ends in CR CR LF": ok().replace("\r\n", "\r‸\r\n"),
    "a status without a reason that ends in CR": "HTTP/1.1 200\r‸X: y\r\n\r\n",
    "a status without a reason that ends in CR CR LF":
      "HTTP/1.1 200\r‸\r\n\r\n",
    "a blank and a bare LF": "HTTP/1.1 200 \n‸\r\n",
    "a field hidden in a reason behind a CR": "HTTP/1.1 200 OK\r‸" + LENGTH +
      "\r\n",
  }),
  ...refuse("bad-line-end", "9112 2.2, 9112 5", {
    "a field line that ends in LF": ok("X: y‸\nY: z\r\n"),
    "a field line that ends in CR": ok("X: y\r‸Y: z\r\n"),
    "a field line that ends in CR CR LF": ok("X: y\r‸\r\n"),
    "a head that ends in LF": ok().slice(0, -2) + "‸\n",
    "a head that ends in CR CR LF": ok().slice(0, -2) + "\r‸\r\n",
    "a head that ends in a bare CR": ok().slice(0, -2) + "\r‸HTTP/1.1",
    "a head that ends right behind the status line in LF":
      "HTTP/1.1 200 OK\r\n‸\n",
    "a length hidden behind a bare LF": response("X: y‸\n" + LENGTH),
    "a length hidden behind a bare CR": response("X: y\r‸" + LENGTH),
  }),
  ...refuse(
    "bad-field-name",
    "9112 5.1, 9110 5.1",
    each(
      [
        "‸: y",
        "X‸ Y : z",
        "X‸ \t y",
        "X‸",
        "X‸ y",
        "X‸(: y",
        "X‸/y: z",
        "X‸\0: y",
        "X‸\x7f: y",
        "‸\xff: y",
        '‸"X": y',
        "HTTP‸/1.1 200 OK",
        "Transfer-Encoding‸ : chunked",
        "Content-Length‸ : 5",
        "Content-Length‸\t: 5",
        "X : y\r\n‸Content-Length: 5",
        "X\t: y\r\nY: z\r\n‸Transfer-Encoding: chunked",
        "Content-Length: 5\r\nX : y\r\n‸Content-Length: 5",
        "content-length‸ \t : 5",
        "transfer-encoding‸  : chunked",
        "Content-Length‸\0: 5",
      ],
      (text) => response(text + "\r\n"),
    ),
  ),
  ...refuse("folded-field", "9112 5.2", {
    "a folded line before the first field": "HTTP/1.1 200 OK\r\n‸\tz\r\n\r\n",
    "a blank before the first field": ok().replace("Con", "‸ Con"),
    "a folded reason": "HTTP/1.1 200 O\r\n‸ K\r\n\r\n",
    "a length folded into another field": response("X: y\r\n‸ " + LENGTH),
    "a length folded into another field, behind another fold": response(
      "X: y\r\n z\r\n‸\t \t" + LENGTH,
    ),
    "a length folded into another field, with white space before the colon":
      response("X: y\r\n‸ Content-Length : 5\r\n"),
    "a length folded into another field, and a fold behind it": response(
      "X: y\r\n‸ Content-Length: 5\r\n z\r\n",
    ),
    "an encoding folded into another field": response(
      "X: y\r\n‸ transfer-ENCODING: chunked\r\n",
    ),
    "an encoding folded into an empty field": response(
      "X:\r\n‸\tTransfer-Encoding: chunked\r\n",
    ),
    "a folded length": response("Content-Length:\r\n‸ 5\r\n"),
    "a length that goes on": response("Content-Length: 1\r\n‸ 5\r\n"),
    "a length of a line that goes on, in LF alone":
      "HTTP/1.1 200 OK\nContent-Length: 1\n‸ 5\n\n",
    "an encoding that goes on": response(CHUNKED + "‸ , identity\r\n"),
    "a folded length of a name with white space": response(
      "Content-Length :\r\n‸ 5\r\n",
    ),
    "a folded Transfer-Encoding": response(
      "Transfer-Encoding:\r\n‸ chunked\r\n",
    ),
    "a line of blanks for the empty one": ok("‸  \r\n"),
    "a line of blanks for the empty one, behind another field": ok(
      "X: y\r\n‸ \t\r\n",
    ),
    "a line of blanks between two folds": ok(
      "X: y\r\n z\r\n‸ \r\n v\r\n",
    ),
    "a folded trailer of blanks": chunked("0\r\nX: y\r\n‸ \r\n\r\n"),
    "a trailer with a length folded into it": chunked(
      "0\r\nX: y\r\n‸ Content-Length: 5\r\n\r\n",
    ),
  }),
  ...refuse(
    "bad-field-value",
    "9110 5.5",
    each(
      CONTROLS.map((char) => `y‸${char}z`),
      (value) => ok(`X: ${value}\r\n`),
    ),
  ),
  ...refuse(
    "bad-content-length",
    "9112 6.3, 9110 8.6",
    each(
      [
        "‸+5",
        "‸-5",
        "‸-0",
        "5‸ 5",
        "5‸, 5",
        "5‸,",
        "‸,5",
        "0‸x5",
        "5‸.0",
        "5‸e1",
        "‸\xb2",
        "5‸\xa0",
        '‸"5"',
        "‸chunked",
        "‸",
        "5‸;",
        "5‸_0",
        `‸${BIG}`,
        "‸18446744073709551616",
        "‸18446744073709551621",
        "‸" + "9".repeat(400),
      ],
      (length) => response(`Content-Length: ${length}\r\n`, "hello"),
    ),
  ),
  ...refuse("bad-content-length", "9110 8.6", {
    "a bad length to HEAD": {
      bytes: response("Content-Length: ‸x\r\n"),
      method: "HEAD",
    },
    "a bad length of 304": response("Content-Length: 5‸, 5\r\n")
      .replace("200", "304"),
    "a bad length of 204": response("Content-Length: ‸-0\r\n")
      .replace("200", "204"),
    "a bad length of an interim response": response("Content-Length: ‸\r\n")
      .replace("200", "100"),
  }),
  ...refuse("repeated-content-length", "9112 6.3", {
    "two lengths": response(LENGTH + "Content-Length: ‸6\r\n"),
    "two lengths, of which one is 0": ok("Content-Length: ‸1\r\n"),
    "a length twice, and another": response(
      LENGTH + LENGTH + "Content-Length: ‸50\r\n",
    ),
    "two lengths in other letters": response(
      LENGTH + "X: y\r\ncontent-length: ‸6\r\n",
    ),
    "two lengths to HEAD": {
      bytes: response(LENGTH + "Content-Length: ‸6\r\n"),
      method: "HEAD",
    },
    "two lengths of 304": response(LENGTH + "Content-Length: ‸6\r\n")
      .replace("200", "304"),
    "two lengths of 204": ok("Content-Length: ‸1\r\n")
      .replace("200", "204"),
  }),
  ...refuse("length-and-encoding", "9112 6.1", {
    "a length, then an encoding": response(LENGTH + CHUNKED, "‸" + LAST),
    "an encoding, then a length": response(CHUNKED + LENGTH, "‸" + LAST),
    "a length of 0 and an encoding": ok(CHUNKED) + "‸",
    "a length and an odd encoding": response(
      LENGTH + "Transfer-Encoding: xchunked\r\n",
      "‸",
    ),
    "a length and an encoding in HTTP/1.0": response(LENGTH + CHUNKED, "‸")
      .replace("1.1", "1.0"),
    "a length and an encoding to HEAD": {
      bytes: response(LENGTH + CHUNKED, "‸"),
      method: "HEAD",
    },
    "a length and an encoding of 304": response(LENGTH + CHUNKED, "‸")
      .replace("200", "304"),
    "a length and an encoding of 204": response(LENGTH + CHUNKED, "‸")
      .replace("200", "204"),
    "a length and an encoding of an interim response": response(
      LENGTH + CHUNKED,
      "‸",
    ).replace("200", "103"),
  }),
  ...refuse("bad-transfer-encoding", "9112 6.1", {
    "chunked in HTTP/1.0": response(CHUNKED, "‸" + LAST).replace("1.1", "1.0"),
    "chunked in HTTP/1.0 to HEAD": {
      bytes: response(CHUNKED, "‸").replace("1.1", "1.0"),
      method: "HEAD",
    },
    "chunked on two lines": response(CHUNKED + CHUNKED, "‸"),
    "chunked, then identity on another line": response(
      CHUNKED + "Transfer-Encoding: identity\r\n",
      "‸",
    ),
    "nothing, then chunked on another line": response(
      "Transfer-Encoding:\r\n" + CHUNKED,
      "‸",
    ),
    "an odd encoding to HEAD": {
      bytes: response("Transfer-Encoding: identity\r\n", "‸"),
      method: "HEAD",
    },
    "an odd encoding of 304": response("Transfer-Encoding: gzip\r\n", "‸")
      .replace("200", "304"),
    "an odd encoding of 204": response("Transfer-Encoding: identity\r\n", "‸")
      .replace("200", "204"),
    ...each(
      [
        "",
        ",",
        "identity",
        "gzip",
        "xchunked",
        "chunkedx",
        "chunked, gzip",
        "chunked, identity",
        "chunked, chunked",
        "chunked, gzip, chunked",
        "chunked,",
        ", chunked",
        "gzip,, chunked",
        "chunked;q=1",
        '"chunked"',
        "chunked\xa0",
        "\xa0chunked",
        "chun ked",
        "gzip chunked",
        "gzip;a=b, chunked",
      ],
      (coding) => response(`Transfer-Encoding: ${coding}\r\n`, "‸" + LAST),
    ),
  }),
  ...refuse("unsupported-transfer-coding", "9112 6.1", {
    "gzip below chunked": response(
      "Transfer-Encoding: gzip, chunked\r\n",
      "‸",
    ),
    "gzip and chunked on two lines": response(
      "Transfer-Encoding: gzip\r\n" + CHUNKED,
      "‸",
    ),
    "identity below chunked": response(
      "Transfer-Encoding: identity,chunked\r\n",
      "‸",
    ),
    "gzip below chunked to HEAD": {
      bytes: response("Transfer-Encoding: gzip, chunked\r\n", "‸"),
      method: "HEAD",
    },
  }),
  ...refuse(
    "bad-chunk-size",
    "9112 7.1",
    {
      ...each(
        [
          "‸",
          "‸ 2",
          "‸+2",
          "‸-2",
          "0‸x2",
          "2‸h",
          "‸g",
          "2‸.0",
          "2‸_0",
          "2‸\0",
          "2‸\n",
          "0000000000000000‸2",
          "2000000000000‸0",
          "FFFFFFFFFFFFF‸FFF",
        ],
        (size) => chunked(`${size}\r\nhi\r\n0\r\n\r\n`),
      ),
      "a body that is not chunked": chunked("‸<html>"),
      "the next response in place of a chunk": chunked("2\r\nhi\r\n‸" + ok()),
    },
  ),
  ...refuse("bad-line-end", "9112 7.1", {
    "a size line that ends in CR": chunked("2\r‸hi\r\n0\r\n\r\n"),
    "a size line that ends in CR CR LF": chunked("2\r‸\r\nhi\r\n0\r\n\r\n"),
    "a trailer section that ends in LF": chunked("0\r\n‸\n"),
    "a trailer line that ends in LF": chunked("0\r\nX: y‸\n\r\n"),
    "a CR and no LF at the end": chunked("0\r\n\r‸" + ok()),
  }),
  ...refuse("bad-chunk-end", "9112 7.1", {
    "a chunk longer than its size": chunked("2\r\nhi‸!\r\n0\r\n\r\n"),
    "a chunk that ends in LF": chunked("2\r\nhi‸\n0\r\n\r\n"),
    "a chunk that ends in CR": chunked("2\r\nhi\r‸0\r\n\r\n"),
  }),
  ...refuse(
    "bad-chunk-extension",
    "9112 7.1.1",
    each(
      [
        "2 ‸2",
        "2 ‸\0",
        "2;a=b ‸c",
        "2;‸",
        "2;a=‸",
        '2;a="b‸\x7f"',
        '2;a="b"‸c',
        "2;a‸\n",
      ],
      (text) => chunked(`${text}\r\nhi\r\n0\r\n\r\n`),
    ),
  ),
  ...refuse("bad-field-name", "9112 7.1.2", {
    "a trailer without a colon": chunked("0\r\nX‸\r\n\r\n"),
    "the next response for a trailer": chunked("0\r\nHTTP‸/1.1 200 OK\r\n"),
  }),
  ...refuse("bad-field-value", "9112 7.1.2", {
    "a trailer with NUL": chunked("0\r\nX: ‸\0\r\n\r\n"),
  }),
];
