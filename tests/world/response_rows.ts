// Responses as the world sends them: families of rows, made by hand or by
// varying what means the same, each with what we make of it.

/** A response, as bytes of one character each. */
export interface WorldRow {
  /** What all rows of a kind have in common; differences are named by it. */
  kind: string;
  bytes: string;
  method?: "HEAD";
  /** What we make of it; "refused" for an error. */
  ours: string;
  /** Whether it is written byte by byte. */
  isCut?: boolean;
}

/** How an outcome is written down: status, body, and the field `X`. */
export function outcome(status: number, body: string, x: string): string {
  const value = x.replace(/[ \t]+/g, " ").trim();
  return `${status} ${JSON.stringify(body)} ${JSON.stringify(value)}`;
}

export const REFUSED = "refused";

const BODY = "hello";
const LENGTH = "Content-Length: 5\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const CHUNKS = "5\r\nhello\r\n0\r\n\r\n";

/** Ways to say where a body ends: lines of the head, and what follows it. */
const FRAMINGS: [name: string, lines: string, rest: string][] = [
  ["length", LENGTH, BODY],
  ["chunks", CHUNKED, CHUNKS],
  ["close", "", BODY],
];

function response(lines: string, rest: string, start = "200 OK"): string {
  return `HTTP/1.1 ${start}\r\n${lines}\r\n${rest}`;
}

const read = (x = "", status = 200, body = BODY) => outcome(status, body, x);

/** Each of some lines with each framing, before and behind its field. */
function framed(
  kind: string,
  lines: Record<string, string>,
  start = "200 OK",
): WorldRow[] {
  return Object.entries(lines).flatMap(([line, ours]) =>
    FRAMINGS.flatMap(([, field, rest]) => [
      { kind, bytes: response(line + field, rest, start), ours },
      { kind, bytes: response(field + line, rest, start), ours },
    ])
  );
}

function rows(kind: string, all: Record<string, string>): WorldRow[] {
  return Object.entries(all).map(([bytes, ours]) => ({ kind, bytes, ours }));
}

/** What means the same however it is written. */
function* plain(): Generator<WorldRow> {
  const cases = [
    (text: string) => text,
    (text: string) => text.toLowerCase(),
    (text: string) => text.toUpperCase(),
  ];
  for (const [, lines, rest] of FRAMINGS) {
    for (const change of cases) {
      for (const blank of ["", " ", "\t", "  \t"]) {
        const head = ["X: y\r\n", ...lines === "" ? [] : [lines]].map((line) =>
          line.replace(
            /^([^:]*): (.*)/,
            (_, name, value) =>
              `${change(name)}:${blank}${
                name === "X" ? value : change(value)
              }${blank}`,
          )
        );
        for (const ordered of [head, head.toReversed()]) {
          yield {
            kind: blank.length > 0 ? "white space behind a value" : "plain",
            bytes: response(ordered.join(""), rest),
            ours: read("y"),
            isCut: blank === "\t",
          };
        }
      }
    }
  }
  for (
    const status of [200, 201, 299, 400, 404, 410, 451, 499, 500, 503, 599]
  ) {
    for (const reason of [" OK", " ", "", " Not (really) \xe9"]) {
      const start = `HTTP/1.1 ${status}${reason}\r\n`;
      yield {
        kind: reason === "" ? "no space behind the status" : "plain",
        bytes: `${start}X: y\r\n${LENGTH}\r\n${BODY}`,
        ours: read("y", status),
      };
    }
  }
}

const folds = framed("a fold", {
  "X: y\r\n z\r\n": read("y z"),
  "X: y\r\n\tz\r\n": read("y z"),
  "X: y\r\n  z\r\n \t v\r\n": read("y z v"),
  "X:\r\n y\r\n": read("y"),
  "Y: z\r\n z\r\nX: y\r\n": read("y"),
});
const oddFolds: WorldRow[] = [
  ...framed("a fold of blanks", { "X: y\r\n \r\n": REFUSED }),
  ...framed("a fold before the first field", { " X: y\r\n": REFUSED })
    .filter((_, i) => i % 2 === 0),
  ...rows("a fold that tells of framing", {
    [response("X: y\r\n Content-Length: 5\r\n", BODY)]: REFUSED,
    [response("X: y\r\n\tTransfer-Encoding: chunked\r\n", CHUNKS)]: REFUSED,
  }),
  ...rows("folded framing", {
    [response("Content-Length:\r\n 5\r\n", BODY)]: REFUSED,
    [response("Content-Length: 5\r\n \r\n", BODY)]: REFUSED,
    [response("Transfer-Encoding:\r\n chunked\r\n", CHUNKS)]: REFUSED,
    [response("Transfer-Encoding: chunked\r\n , identity\r\n", CHUNKS)]:
      REFUSED,
  }),
];

const SIZES = ["5", "05", "0005", "00000005"];
const PADDING = [" ", "  ", "   ", "\t", " \t ", " ".repeat(40)];
const chunks: WorldRow[] = [
  ...SIZES.map((size) => ({
    kind: "plain",
    bytes: response(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    ours: read(),
  })),
  ...["5;a", "5;a=b", '5;a="b c"', "5;a=b;c"].map((size) => ({
    kind: "an extension of a chunk",
    bytes: response(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    ours: read(),
  })),
  ...PADDING.flatMap((blank) => [
    [`5${blank}`, "0"],
    ["5", `0${blank}`],
    [`5${blank}`, `0${blank}`],
  ]).map(([size, last]) => ({
    kind: "white space behind a chunk's size",
    bytes: response(CHUNKED, `${size}\r\nhello\r\n${last}\r\n\r\n`),
    ours: read(),
  })),
  ...[";", ";;", ";=", '; a="b', "; =c"].map((more) => ({
    kind: "an odd extension of a chunk",
    bytes: response(CHUNKED, `5${more}\r\nhello\r\n0\r\n\r\n`),
    ours: REFUSED,
  })),
  ...["0x5", "+5", "-5", " 5", "5h", "", "g", "5.0", "5,", "_5"].map((
    size,
  ) => ({
    kind: "a chunk's size that is none",
    bytes: response(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`),
    ours: REFUSED,
  })),
  ...rows("a chunk that ends in LF", {
    [response(CHUNKED, "5\nhello\r\n0\r\n\r\n")]: REFUSED,
    [response(CHUNKED, "5\r\nhello\n0\r\n\r\n")]: REFUSED,
    [response(CHUNKED, "5\nhello\n0\n\n")]: REFUSED,
    [response(CHUNKED, "5\r\nhello\r\n0\n\n")]: REFUSED,
  }),
  ...rows("chunks that break off", {
    [response(CHUNKED, "5\r\nhel")]: REFUSED,
    [response(CHUNKED, "5\r\nhello")]: REFUSED,
    [response(CHUNKED, "5\r\nhello\r\n")]: REFUSED,
  }),
  ...rows("chunks without their last line", {
    [response(CHUNKED, "5\r\nhello\r\n0\r\n")]: REFUSED,
  }),
  ...rows("a trailer", {
    [response(CHUNKED, "5\r\nhello\r\n0\r\nY: z\r\n\r\n")]: read(),
    [response("X: y\r\n" + CHUNKED, "5\r\nhello\r\n0\r\nX: z\r\n\r\n")]: read(
      "y",
    ),
  }),
];

function* statuses(): Generator<WorldRow> {
  for (const status of [600, 601, 666, 700, 800, 999]) {
    for (const [, lines, rest] of FRAMINGS) {
      for (const reason of [" Odd", ""]) {
        yield {
          kind: "a status from 600 on",
          bytes: response(lines, rest, `${status}${reason}`),
          ours: read("", status),
        };
      }
    }
  }
  for (const start of ["099 X", "000 X", "20 X", "2000 X", "2x0 X", "-20 X"]) {
    yield {
      kind: "a status that is none",
      bytes: response(LENGTH, BODY, start),
      ours: REFUSED,
    };
  }
  for (const status of [204, 304]) {
    for (const lines of ["", LENGTH, "Content-Length: 0\r\n", CHUNKED]) {
      yield {
        kind: lines === "" ? "plain" : `${status} with framing`,
        bytes: response("X: y\r\n" + lines, "", `${status} No`),
        ours: read("y", status, ""),
      };
    }
  }
  for (const status of [100, 102, 103, 199]) {
    for (const lines of ["", LENGTH, CHUNKED, "Content-Length: 0\r\n"]) {
      yield {
        kind: lines === ""
          ? status === 199
            ? "an unknown interim response"
            : "an interim response"
          : "an interim response with framing",
        bytes: response(lines, "", `${status} Wait`) +
          response("X: y\r\n" + LENGTH, BODY),
        ours: read("y"),
      };
    }
  }
  yield* rows("205 with a body", {
    [response(LENGTH, BODY, "205 Reset")]: read("", 205),
    [response(CHUNKED, CHUNKS, "205 Reset")]: read("", 205),
  });
  for (const lines of ["", LENGTH, CHUNKED, LENGTH + LENGTH]) {
    yield {
      kind: lines.length > LENGTH.length + 9
        ? "a length twice to HEAD"
        : "HEAD",
      bytes: response("X: y\r\n" + lines, ""),
      method: "HEAD",
      ours: read("y", 200, ""),
    };
  }
}

const lengths: WorldRow[] = [
  ...[
    LENGTH + LENGTH,
    LENGTH + "X: y\r\ncontent-length:5\r\n",
    LENGTH + "Content-Length: 05\r\n",
    LENGTH + LENGTH + LENGTH,
  ].map(
    (lines) => ({
      kind: "the same length twice",
      bytes: response(lines, BODY),
      ours: read(lines.includes("X") ? "y" : ""),
    }),
  ),
  ...["5, 5", "5,5", "5,", ",5"].map((value) => ({
    kind: "a list of lengths",
    bytes: response(`Content-Length: ${value}\r\n`, BODY),
    ours: REFUSED,
  })),
  ...[["5", "6"], ["6", "5"], ["5", "0"], ["0", "5"], ["5", "x"]].map((
    [one, two],
  ) => ({
    kind: "two lengths",
    bytes: response(
      `Content-Length: ${one}\r\nContent-Length: ${two}\r\n`,
      BODY,
    ),
    ours: REFUSED,
  })),
  ...[
    "+5",
    "-5",
    "0x5",
    "5.0",
    "5e0",
    "5 5",
    "five",
    '"5"',
    "5;",
    "٥",
    "\xb25",
    "18446744073709551621",
    "",
  ].map((value) => ({
    kind: "a length that is none",
    bytes: response(`Content-Length: ${value}\r\n`, BODY),
    ours: REFUSED,
  })).filter(({ bytes }) => !bytes.includes("٥")),
  ...rows("a body shorter than its length", {
    [response("Content-Length: 6\r\n", BODY)]: REFUSED,
    [response("Content-Length: 500\r\n", BODY)]: REFUSED,
  }),
  ...rows("a body longer than its length", {
    [response("Content-Length: 4\r\n", BODY)]: read("", 200, "hell"),
    [response("Content-Length: 0\r\n", BODY)]: read("", 200, ""),
    [response(CHUNKED, CHUNKS + "more")]: read(),
  }),
  ...rows("a length and chunks", {
    [response(LENGTH + CHUNKED, CHUNKS)]: REFUSED,
    [response(CHUNKED + LENGTH, CHUNKS)]: REFUSED,
    [response("Content-Length: 15\r\n" + CHUNKED, CHUNKS)]: REFUSED,
    [response(CHUNKED + "Content-Length: x\r\n", CHUNKS)]: REFUSED,
  }),
  ...[
    "identity",
    "chunked, identity",
    "identity, chunked",
    "chunked, chunked",
    "xchunked",
    "chunked;q=1",
    '"chunked"',
    "gzip",
    "gzip, chunked",
    "",
    "chunked,",
    ", chunked",
    "chun ked",
  ].map((value) => ({
    kind: "an odd transfer coding",
    bytes: response(`Transfer-Encoding: ${value}\r\n`, CHUNKS),
    ours: REFUSED,
  })),
  ...rows("an odd transfer coding", {
    [response(CHUNKED + CHUNKED, CHUNKS)]: REFUSED,
    [response(CHUNKED + "Transfer-Encoding: identity\r\n", CHUNKS)]: REFUSED,
  }),
  ...rows("chunks of HTTP/1.0", {
    [response(CHUNKED, CHUNKS).replace("1.1", "1.0")]: REFUSED,
  }),
];

const inLf = (text: string) => text.replaceAll("\r\n", "\n");
const lineEnds: WorldRow[] = [
  ...FRAMINGS.flatMap(([name, lines, rest]) =>
    ["X: y\r\n", "", "X: y\r\nY: z\r\n"].map((more) => ({
      kind: name === "chunks"
        ? "a head in LF, and chunks in CR LF"
        : "a head in LF",
      bytes: inLf(response(more + lines, "")) + rest,
      ours: read(more === "" ? "" : "y"),
    }))
  ),
  ...rows("a line in LF among others", {
    [response("X: y\nY: z\r\n" + LENGTH, BODY)]: REFUSED,
    [response("X: y\n" + LENGTH, BODY)]: REFUSED,
    [response(LENGTH.replace("\r", "") + "X: y\r\n", BODY)]: REFUSED,
    [`HTTP/1.1 200 OK\nX: y\r\n${LENGTH}\r\n${BODY}`]: REFUSED,
    [`HTTP/1.1 200 OK\r\nX: y\r\n${LENGTH}\n${BODY}`]: REFUSED,
    [`HTTP/1.1 200 OK\nX: y\n${inLf(LENGTH)}\r\n${BODY}`]: REFUSED,
  }),
  ...rows("a bare CR", {
    [response("X: y\rY: z\r\n" + LENGTH, BODY)]: REFUSED,
    [response("X: y\r" + LENGTH, BODY)]: REFUSED,
    [`HTTP/1.1 200 OK\rX: y\r\n${LENGTH}\r\n${BODY}`]: REFUSED,
    [response("X: y\r\r\n" + LENGTH, BODY)]: REFUSED,
  }),
];

const names: WorldRow[] = [
  ...["X : y\r\n", "X\t: y\r\n", "X  :y\r\n"].flatMap((line) => [
    ...FRAMINGS.map(([, field, rest]) => ({
      kind: "white space before a colon",
      bytes: response(field + line, rest),
      ours: read("y"),
    })),
    ...FRAMINGS.slice(0, 2).map(([, field, rest]) => ({
      kind: "white space before a colon, and framing behind it",
      bytes: response(line + field, rest),
      ours: REFUSED,
    })),
  ]),
  ...rows("white space before the colon of framing", {
    [response("Content-Length : 5\r\n", BODY)]: REFUSED,
    [response("Transfer-Encoding : chunked\r\n", CHUNKS)]: REFUSED,
    [response(LENGTH + "Transfer-Encoding\t: chunked\r\n", CHUNKS)]: REFUSED,
  }),
  ...framed("a line without a colon", { "Oops\r\n": REFUSED })
    .concat(framed("a line without a colon", { "Oops I did\r\n": REFUSED })),
  ...framed("a field without a name", { ": y\r\n": REFUSED }),
  ...framed("a name that is no token", {
    "X(: y\r\n": REFUSED,
    "X y: z\r\n": REFUSED,
    "X\xe9: y\r\n": REFUSED,
    "X/: y\r\n": REFUSED,
  }).filter((_, i) => i % 3 === 0),
];

const values: WorldRow[] = [
  ...["\x01", "\x07", "\x0b", "\x0c", "\x1b", "\x7f"].map((char) => ({
    kind: "a control byte in a value",
    bytes: response(`X: y${char}z\r\n${LENGTH}`, BODY),
    ours: REFUSED,
  })),
  ...rows("a NUL in a value", {
    [response(`X: y\0z\r\n${LENGTH}`, BODY)]: REFUSED,
    [response(`X: y\r\nY: \0\r\n${LENGTH}`, BODY)]: REFUSED,
  }),
  ...rows("plain", {
    [response(`X:\r\n${LENGTH}`, BODY)]: read(),
    [response(`X: ${"y".repeat(4000)}\r\n${LENGTH}`, BODY)]: read(
      "y".repeat(4000),
    ),
    [response(`X: "a\\"b", c;d=e\r\n${LENGTH}`, BODY)]: read('"a\\"b", c;d=e'),
  }),
  ...rows("a field twice", {
    [response(`X: y\r\nX: z\r\n${LENGTH}`, BODY)]: read("y, z"),
    [response(`X: y\r\n${LENGTH}x:z\r\n`, BODY)]: read("y, z"),
  }),
  ...rows("hundreds of lines", {
    [response("Y: z\r\n".repeat(99) + LENGTH, BODY)]: read(),
    [response("Y: z\r\n".repeat(299) + LENGTH, BODY)]: read(),
    [response("Y: z\r\n".repeat(900) + LENGTH, BODY)]: read(),
  }),
  ...rows("thousands of lines", {
    [response("Y: z\r\n".repeat(3000) + LENGTH, BODY)]: REFUSED,
  }),
];

const starts: WorldRow[] = [
  ...["HTTP/1.0 200 OK", "HTTP/1.0 404 No", "HTTP/1.0 200"].map((start) => ({
    kind: start.endsWith("200") ? "no space behind the status" : "plain",
    bytes: `${start}\r\n${LENGTH}\r\n${BODY}`,
    ours: read("", start.includes("404") ? 404 : 200),
  })),
  ...["HTTP/1.2 200 OK", "HTTP/1.9 200 OK"].map((start) => ({
    kind: "a minor version of the future",
    bytes: `${start}\r\n${LENGTH}\r\n${BODY}`,
    ours: read(),
  })),
  ...[
    "HTTP/2.0 200 OK",
    "HTTP/3 200 OK",
    "HTTP/0.9 200 OK",
    "HTTP/1 200 OK",
    "HTTP/1.10 200 OK",
    "http/1.1 200 OK",
    "Http/1.1 200 OK",
    "ICY 200 OK",
    "HTTPS/1.1 200 OK",
    "HTTP /1.1 200 OK",
    "HTTP/1,1 200 OK",
    "200 OK",
  ].map(
    (start) => ({
      kind: "a version that is none of ours",
      bytes: `${start}\r\n${LENGTH}\r\n${BODY}`,
      ours: REFUSED,
    }),
  ),
  ...[
    "HTTP/1.1  200 OK",
    "HTTP/1.1\t200 OK",
    "HTTP/1.1 200\tOK",
    "HTTP/1.1 \t 200 OK",
  ].map((start) => ({
    kind: "other white space in the status line",
    bytes: `${start}\r\n${LENGTH}\r\n${BODY}`,
    ours: REFUSED,
  })),
  ...["\r\n", "\n", " ", "\r\n\r\n", "x\r\n"].map((before) => ({
    kind: "something before the status line",
    bytes: before + response(LENGTH, BODY),
    ours: REFUSED,
  })),
  ...[
    "",
    "HTTP/1.1",
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\nX: y\r\n",
    "<html>hello</html>",
  ].map((bytes) => ({
    kind: "no whole head",
    bytes,
    ours: REFUSED,
  })),
];

/** All of them. */
export const worldResponses: WorldRow[] = [
  ...plain(),
  ...folds,
  ...oddFolds,
  ...chunks,
  ...statuses(),
  ...lengths,
  ...lineEnds,
  ...names,
  ...values,
  ...starts,
];
