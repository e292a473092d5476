import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import {
  multipartBoundary,
  MultipartEvent,
  multipartKind,
  type MultipartLimits,
  MultipartParser,
  type MultipartParserOptions,
  type ProtocolErrorCode,
} from "../../parse.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { bytewise, Random, twoCuts } from "../support/splits.ts";

const { MORE, PART, DATA, PART_END, END, FAILED } = MultipartEvent;

interface ReadPart {
  name: string;
  filename?: string;
  contentType: string;
  headers: Record<string, string>;
  /** One character a byte. */
  data: string;
  isComplete: boolean;
}

interface Outcome {
  parts: ReadPart[];
  /** Whether the last delimiter was seen. */
  isEnded: boolean;
  code?: ProtocolErrorCode;
  offset?: number;
}

/** Feeds pieces, and writes down all that comes of them. */
function read(
  pieces: Iterable<Uint8Array>,
  limits: MultipartParserOptions = {},
  boundary = "b",
): Outcome {
  const parser = new MultipartParser(boundary, limits);
  const outcome: Outcome = { parts: [], isEnded: false };
  const { parts } = outcome;
  const fail = () => {
    assertEquals(parser.next(), FAILED, "Went on behind a fault");
    assertEquals(parser.finish(), FAILED, "Ended behind a fault");
    assertEquals(parser.isDone, false);
    outcome.code = parser.error!.code;
    outcome.offset = parser.error!.offset;
    return outcome;
  };
  for (const piece of pieces) {
    const bytes = piece.slice();
    parser.push(bytes);
    for (let event; (event = parser.next()) !== MORE;) {
      assert(!outcome.isEnded || event === FAILED, "Went on behind its end");
      if (event === PART) {
        parts.push({
          name: parser.name,
          ...parser.filename === undefined ? {} : { filename: parser.filename },
          contentType: parser.contentType,
          headers: { ...parser.headers },
          data: "",
          isComplete: false,
        });
        assertEquals(Object.getPrototypeOf(parser.headers), null);
      } else if (event === DATA) {
        assert(parser.data.length > 0, "Empty piece of data");
        assertEquals(parts.at(-1)!.isComplete, false);
        parts.at(-1)!.data += latin1Text(parser.data);
      } else if (event === PART_END) parts.at(-1)!.isComplete = true;
      else if (event === END) outcome.isEnded = true;
      else return fail();
    }
    assertEquals(parser.isDone, outcome.isEnded);
    bytes.fill(0x21); // it has no business with them any more
  }
  return parser.finish() === END ? outcome : fail();
}

/** Whether a piece has a fault in itself, whatever follows it. */
function fails(
  piece: Uint8Array,
  limits: MultipartParserOptions = {},
  boundary = "b",
): boolean {
  const parser = new MultipartParser(boundary, limits);
  parser.push(piece.slice());
  let event;
  do event = parser.next(); while (event !== MORE && event !== FAILED);
  return event === FAILED;
}

/** Reads a text whole, byte by byte, and cut everywhere: always the same. */
function readEveryWay(
  text: string,
  limits?: MultipartParserOptions,
  boundary?: string,
): Outcome {
  const bytes = latin1Bytes(text);
  const outcome = read([bytes], limits, boundary);
  assertEquals(read(bytewise(bytes), limits, boundary), outcome, "bytewise");
  const written = JSON.stringify(outcome);
  const isOver = (first: Uint8Array) => fails(first, limits, boundary);
  for (const pieces of twoCuts(bytes, 100, isOver)) {
    const other = read(pieces, limits, boundary);
    // Compared first, as to build the message is dear.
    if (JSON.stringify(other) !== written) {
      const cuts = pieces.map((piece) => piece.length).join("+");
      assertEquals(other, outcome, cuts);
    }
  }
  const empty = new Uint8Array(0);
  const gaps = [...bytewise(bytes)].flatMap((byte) => [empty, byte, empty]);
  assertEquals(read(gaps, limits, boundary), outcome, "with empty pieces");
  return outcome;
}

const NAME_A = 'Content-Disposition: form-data; name="a"';
const HEAD = `--b\r\n${NAME_A}\r\n\r\n`;
const LAST = "\r\n--b--";

/** What `HEAD` begins. */
function partA(data: string, isComplete = true): ReadPart {
  return {
    name: "a",
    contentType: "text/plain",
    headers: { "content-disposition": 'form-data; name="a"' },
    data,
    isComplete,
  };
}

// Data of one part that is complete, with what follows it.
const DATAS: Record<string, string> = {
  "": "",
  "x": "x",
  "hello\r\nthere\n\r": "hello\r\nthere\n\r",
  "\r\n": "\r\n",
  "\r\n\r\n\r\n": "\r\n\r\n\r\n",
  "\r\r\r\r\r": "\r\r\r\r\r",
  "\r\n-": "\r\n-",
  "\r\n--": "\r\n--",
  "\r\n--\r\n--\r\n-": "\r\n--\r\n--\r\n-",
  "\r\n--B": "\r\n--B",
  "\r\r\n--": "\r\r\n--",
  "\n--b": "\n--b",
  "x--b": "x--b",
  "\r--b--": "\r--b--",
  "-": "-",
  "--": "--",
  "--\r\n-": "--\r\n-",
  "-\r": "-\r",
  "\0\xff\x80": "\0\xff\x80",
};

for (const [text, data] of Object.entries(DATAS)) {
  Deno.test(`MultipartParser.next() reads data ${JSON.stringify(text)}`, () => {
    assertEquals(readEveryWay(HEAD + text + LAST), {
      parts: [partA(data)],
      isEnded: true,
    });
  });
}

Deno.test("MultipartParser.next() reads a form as browsers send it", () => {
  const boundary = "----WebKitFormBoundaryAaB03x";
  const text = `--${boundary}\r\n` +
    'Content-Disposition: form-data; name="na\xc3\xafve"\r\n\r\n' +
    `J\xc3\xbcrgen\r\n--${boundary}\r\n` +
    'Content-Disposition: form-data; name="files"; filename="a%22b.png"\r\n' +
    "Content-Type: image/png\r\n\r\n" +
    `\x89PNG\r\n\x1a\n--${boundary.slice(1)}\r\n\r\n--${boundary}\r\n` +
    'Content-Disposition: form-data; name="files"; filename=""\r\n' +
    "Content-Type: application/octet-stream\r\n\r\n" +
    `\r\n--${boundary}--\r\n`;
  const { parts, ...end } = readEveryWay(text, {}, boundary);
  assertEquals(end, { isEnded: true });
  assertEquals(
    parts.map(({ headers: _, ...part }) => part),
    [
      {
        name: "naïve",
        contentType: "text/plain",
        data: "J\xc3\xbcrgen",
        isComplete: true,
      },
      {
        name: "files",
        filename: 'a"b.png',
        contentType: "image/png",
        data: `\x89PNG\r\n\x1a\n--${boundary.slice(1)}\r\n`,
        isComplete: true,
      },
      {
        name: "files",
        filename: "",
        contentType: "application/octet-stream",
        data: "",
        isComplete: true,
      },
    ],
  );
});

// Bodies without a fault, beside those of one plain part.
const WHOLE: Record<string, ReadPart[]> = {
  "--b--": [],
  "--b--\r\n": [],
  "\r\n--b--\r\n": [],
  "--b-- \t\r\nsome epilogue\r\n--b\r\n": [],
  [`--b \t \r\n${NAME_A}\r\n\r\nx\r\n--b--  `]: [partA("x")],
  [`\r\n${HEAD}x${LAST}\r\n\r\n`]: [partA("x")],
  [`${HEAD}x\r\n${HEAD}\r\n${HEAD}\r\n\r\n--b--`]: [
    partA("x"),
    partA(""),
    partA("\r\n"),
  ],
};

for (const [text, parts] of Object.entries(WHOLE)) {
  Deno.test(`MultipartParser.next() reads ${JSON.stringify(text)}`, () => {
    assertEquals(readEveryWay(text), { parts, isEnded: true });
  });
}

// Value of a Content-Disposition, and the names in it.
const NAMES: Record<string, [name: string, filename?: string]> = {
  "form-data; name=a": ["a"],
  'FORM-DATA;NAME="A"': ["A"],
  'form-data \t; \tname="a" ; filename=b.txt': ["a", "b.txt"],
  'form-data; filename="f"; name="n"': ["n", "f"],
  'form-data; name=""; filename=""': ["", ""],
  'form-data; name="a;b=c"': ["a;b=c"],
  'form-data; name="__proto__"': ["__proto__"],
  'form-data; name="a"; size=3; x="filename=no"': ["a"],
  'form-data; name="%22%0D%0A"; filename="%0D%0A%22"': ['"\r\n', '\r\n"'],
  'form-data; name="%2522 %41%00%0d%%0A"': ["%2522 %41%00%0d%\n"],
  "form-data; name=%22": ['"'],
  'form-data; name="a"; filename="C:\\dir\\n"': ["a", "C:\\dir\\n"],
  'form-data; name="a\\\\b\\"': ["a\\\\b\\"],
  'form-data; name="\xe2\x82\xac"; filename="\xf0\x9f\x98\x80.\tx"': [
    "€",
    "😀.\tx",
  ],
  'form-data; name="\xef\xbb\xbfa"': ["\ufeffa"],
  // .NET, by default
  "form-data; name=f; filename=a.png; filename*=utf-8''a.png": ["f", "a.png"],
  "form-data; name=f; filename=b.txt; filename*=utf-8''c": ["f", "b.txt"],
  "form-data; name=f; filename*=utf-8''c; filename=b.txt": ["f", "b.txt"],
  'form-data; name="f"; filename="=?utf-8?B?w7wudHh0?="; filename*=utf-8\'\'%C3%BC.txt':
    ["f", "=?utf-8?B?w7wudHh0?="],
  "form-data; name=f; name*=utf-8''g": ["f"],
  "form-data; name=f; filename=a; filename*=x; filename*=%": ["f", "a"],
  // Go's mime/multipart, aiohttp and curl --form-escape
  'form-data; name="f"; filename="q\\"x.txt"': ["f", 'q"x.txt'],
  'form-data; name="a\\"b"': ['a"b'],
  'form-data; name="f"; filename="a\\\\b.txt"': ["f", "a\\b.txt"],
  'form-data; name="f"; filename="C:\\\\dir\\\\b.txt"': ["f", "C:\\dir\\b.txt"],
  'form-data; name="f"; filename="\\\\"': ["f", "\\"],
  'form-data; name="f"; filename="\\"\\""': ["f", '""'],
  'form-data; name="f"; filename="a;b\\"; c"': ["f", 'a;b"; c'],
  'form-data; name="\\"\\\\\\""; filename="x"': ['"\\"', "x"],
  // browsers, of old a whole path
  'form-data; name="f"; filename="C:\\dir\\b.txt"': ["f", "C:\\dir\\b.txt"],
  'form-data; name="f"; filename="b\\"': ["f", "b\\"],
  'form-data; name="f\\"; filename="b"': ["f\\", "b"],
  'form-data; name="\\"; filename="a"; x="\\"': ["\\", "a"],
  // Java mail
  'form-data; name="f";\r\n\tfilename="a b.txt"': ["f", "a b.txt"],
  'form-data;\r\n name="f"; \r\n  filename="b"': ["f", "b"],
  'form-data; name="f"; filename="a\r\n b"': ["f", "a b"],
  'form-data; name="f\\"; filename="b\\"': ["f\\", "b\\"],
  'form-data; name="f"; filename="a%22b%0D%0A.txt"': ["f", 'a"b\r\n.txt'],
  // odd, and of no matter
  "form-data; name=a;": ["a"],
  "form-data;; name=a ; ": ["a"],
  'form-data; name=a; size=7; x; y=; encoder=b c; z="d;e"': ["a"],
  "form-data; name=a; x=1; x=2; filename=b": ["a", "b"],
  "form-data; name=f; filename=b ": ["f", "b"],
  // file names of Latin-1
  'form-data; name="f"; filename="\xe9t\xe9.txt"': ["f", "été.txt"],
  'form-data; name="f"; filename="\x80%22.txt"': ["f", '€".txt'],
  'form-data; name="f"; filename="\xe2\x82"': ["f", "â‚"],
};

for (const [value, [name, filename]] of Object.entries(NAMES)) {
  Deno.test(`MultipartParser.next() takes names from ${JSON.stringify(value)}`, () => {
    const { parts, code } = readEveryWay(
      `--b\r\nContent-Disposition:${value}\r\n\r\n${LAST}`,
    );
    assertEquals(code, undefined);
    assertEquals([parts[0].name, parts[0].filename], [name, filename]);
  });
}

const BAD_NAMES: [value: string, code?: ProtocolErrorCode][] = [
  [""],
  ["form-data"],
  ["form-data;"],
  ["form-data; filename=a"],
  ["attachment; name=a"],
  ["form-datax; name=a"],
  ["form-data name=a"],
  ["form-data, name=a"],
  ["name=a; form-data"],
  ["form-data; name"],
  ["form-data; name="],
  ["form-data; name =a"],
  ["form-data; name= a"],
  ["form-data; name=a b"],
  ["form-data; name=a\xc3\xa9"],
  ['form-data; name="a'],
  ['form-data; name="a"b'],
  ['form-data; name=a"b"'],
  ['form-data; name="a\\"b'],
  ['form-data; name="a\\"b""'],
  ['form-data; name="a\\";x="\\"b";y="c"'],
  ["form-data; name=a; filename"],
  ["form-data; name=a; filename="],
  ["form-data; name=a; filename=b c"],
  ["form-data; name=a; x y=b"],
  ['form-data; name=a; x="b'],
  ['form-data; name=a; x="b"c'],
  ['form-data; name=a; x=b"c"'],
  ["form-data; name=a; filename=b; FileName=b"],
  ['form-data; name="a" filename="b"'],
  ["form-data; name=a; name=a"],
  ["form-data; name=a; NAME=b"],
  ["form-data; name=a; filename=b; filename=c"],
  ["form-data; name=a; filename*=UTF-8''b"],
  ["form-data; filename=b; name*=UTF-8''a"],
  ["form-data; name*=UTF-8''a"],
  ["form-data; name=a\r\nContent-Disposition: form-data; name=a"],
  ['form-data; name="a\r\nContent-Disposition: b"'],
  ["form-data; name=a\r\n \r\nX: y", "folded-field"],
  ["form-data; name=a\r\n ", "folded-field"],
  ["form-data; name=a;\r\n Content-Disposition: form-data", "folded-field"],
  ["form-data; name=a;\r\n\tcontent-type : a/b", "folded-field"],
  ["form-data; name=a\r\nContent-Type: a/b\r\ncontent-type: a/b"],
  ["form-data; name=a\r\nContent-Transfer-Encoding: base64"],
  ["form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable"],
  ["form-data; name=a\r\nContent-Transfer-Encoding: 8bit, binary"],
  ['form-data; name="\xe9"', "bad-encoding"],
  ['form-data; name="\xc0\x80"', "bad-encoding"],
  ['form-data; name="\xed\xa0\x80"', "bad-encoding"],
];

for (const [value, code = "bad-multipart"] of BAD_NAMES) {
  Deno.test(`MultipartParser.next() refuses ${JSON.stringify(value)}`, () => {
    const head = `--b\r\nContent-Disposition: ${value}\r\n\r\n`;
    assertEquals(readEveryWay(head + LAST), {
      parts: [],
      isEnded: false,
      code,
      offset: head.length,
    });
  });
}

Deno.test("MultipartParser.next() reads a preamble up to the limit, and not of a form", () => {
  const most = 4_194_304;
  const rest = latin1Bytes("\r\n--b\r\n\r\nx\r\n--b--");
  for (const [length, event] of [[most - 2, PART], [most - 1, FAILED]]) {
    const parser = new MultipartParser("b", { kind: "x-mixed-replace" });
    parser.push(new Uint8Array(length));
    assertEquals(parser.next(), MORE);
    parser.push(rest);
    assertEquals(parser.next(), event);
  }
  const form = new MultipartParser("b");
  form.push(latin1Bytes("x\r\n--b\r\n"));
  assertEquals(form.next(), FAILED);
});

Deno.test("MultipartParser.next() lets harmless transfer encodings be", () => {
  for (const encoding of ["7bit", "8BIT", "binary"]) {
    const field = `Content-Transfer-Encoding: ${encoding}`;
    const { parts } = readEveryWay(
      `--b\r\n${NAME_A}\r\n${field}\r\nX-Y: 1\r\nx-y:2\r\n\r\n${LAST}`,
    );
    assertEquals(parts[0].headers, {
      "content-disposition": 'form-data; name="a"',
      "content-transfer-encoding": encoding,
      "x-y": "1, 2",
    });
  }
});

// Bodies with a fault, the parts before it, and where it is (default: the end).
const BROKEN: [
  text: string,
  code: ProtocolErrorCode,
  parts?: ReadPart[],
  offset?: number,
][] = [
  // Line ends, and what comes before or behind a delimiter.
  ["", "bad-multipart"],
  ["x", "bad-multipart", [], 0],
  ["preamble\r\n--b--", "bad-multipart", [], 0],
  ["\n--b--", "bad-multipart", [], 0],
  ["\r--b--", "bad-multipart", [], 1],
  ["\r\n\r\n--b--", "bad-multipart", [], 2],
  [" --b--", "bad-multipart", [], 0],
  ["-", "bad-multipart"],
  ["--", "bad-multipart"],
  ["--B--", "bad-multipart", [], 2],
  ["--b", "bad-multipart"],
  ["--b-", "bad-multipart"],
  ["--b-\r\n", "bad-multipart", [], 4],
  ["--b\r", "bad-multipart"],
  ["--b\n", "bad-multipart", [], 3],
  ["--b\rx", "bad-line-end", [], 4],
  ["--b \n", "bad-multipart", [], 4],
  ["--b --", "bad-multipart", [], 4],
  ["--bx\r\n", "bad-multipart", [], 3],
  ["--b--x", "bad-multipart", [], 5],
  ["--b---", "bad-multipart", [], 5],
  ["--b--\n", "bad-multipart", [], 5],
  ["--b--\r", "bad-multipart"],
  ["--b--\rx", "bad-line-end", [], 6],
  [`--b${" ".repeat(65)}\r\n`, "bad-multipart", [], 67],
  [`--b--${" ".repeat(65)}`, "bad-multipart", [], 69],
  [`--b--\r\n${"x".repeat(1025)}`, "bad-multipart", [], 1031],
  // The end of the body, anywhere.
  ["--b\r\n", "bad-multipart"],
  [`--b\r\n${NAME_A}`, "bad-multipart"],
  [`--b\r\n${NAME_A}\r\n\r`, "bad-multipart"],
  [HEAD, "bad-multipart", [partA("", false)]],
  [HEAD + "x", "bad-multipart", [partA("x", false)]],
  [HEAD + "x\r\n-", "bad-multipart", [partA("x", false)]],
  [HEAD + "x\r\n--b", "bad-multipart", [partA("x", false)]],
  [HEAD + "x\r\n--b-", "bad-multipart", [partA("x", false)]],
  [HEAD + "x\r\n--b\r", "bad-multipart", [partA("x", false)]],
  [HEAD + "x\r\n--b\r\n", "bad-multipart", [partA("x")]],
  // Delimiters in odd places.
  [HEAD + "x\r\n--bx", "bad-multipart", [partA("x", false)], 55],
  [HEAD + "--b--", "bad-multipart", [partA("", false)], 52],
  [HEAD + "--bx--", "bad-multipart", [partA("", false)], 52],
  ["--b\r\n\r\n--b--", "bad-multipart", [], 7],
  [`--b\r\n${NAME_A}\r\n--b--\r\n`, "bad-field-name", [], 52],
  // Field lines.
  [`--b\r\n ${NAME_A}`, "folded-field", [], 5],
  [`--b\r\n${NAME_A}\r\n\tx\r\n\r\n`, "bad-multipart", [], 53],
  ["--b\r\n: x", "bad-field-name", [], 5],
  ["--b\r\nX : x", "bad-field-name", [], 6],
  ["--b\r\nX\r\n", "bad-field-name", [], 6],
  ["--b\r\nX\n", "bad-field-name", [], 6],
  ["--b\r\n\xe9: x", "bad-field-name", [], 5],
  ["--b\r\n\n", "bad-line-end", [], 5],
  ["--b\r\n\rx", "bad-line-end", [], 6],
  ["--b\r\nX: x\n", "bad-line-end", [], 9],
  ["--b\r\nX: x\rx", "bad-line-end", [], 10],
  ["--b\r\nX: \0", "bad-field-value", [], 8],
  ["--b\r\nX: \x7f", "bad-field-value", [], 8],
];

for (const [text, code, parts = [], offset = text.length] of BROKEN) {
  const name = JSON.stringify(text).slice(0, 100);
  Deno.test(`MultipartParser.next() refuses ${name}`, () => {
    const isEnded = text.startsWith("--b--");
    assertEquals(readEveryWay(text), { parts, isEnded, code, offset });
  });
}

Deno.test("MultipartParser.finish() fails for every body that ends too soon", () => {
  const whole = latin1Bytes(`${HEAD}x\r\n${HEAD}y\r\n--b--`);
  assertEquals(read([whole]).code, undefined);
  for (let length = 0; length < whole.length; length++) {
    const { code, offset } = read([whole.subarray(0, length)]);
    assertEquals([code, offset], ["bad-multipart", length]);
  }
});

const PADDED = `--b${" ".repeat(64)}`;
const WITHIN: [what: string, text: string, limits: MultipartLimits][] = [
  ["parts", HEAD + "\r\n" + HEAD + LAST, { maxParts: 2 }],
  ["no part", "--b--", { maxParts: 0 }],
  ["header bytes", HEAD + LAST, { maxPartHeadersLength: HEAD.length - 5 }],
  [
    "header lines",
    HEAD.slice(0, -2) + "X:\r\n\r\n" + LAST,
    { maxPartHeadersCount: 2 },
  ],
  [
    "padding",
    `${PADDED}\r\n${NAME_A}\r\n\r\n\r\n${PADDED.replace("b", "b--")}`,
    {},
  ],
  ["an epilogue", `--b--\r\n${"x".repeat(1024)}`, {}],
];

for (const [what, text, limits] of WITHIN) {
  Deno.test(`MultipartParser.next() takes ${what} up to the limit`, () => {
    assertEquals(readEveryWay(text, limits).code, undefined);
  });
}

const BEYOND: [
  text: string,
  limits: MultipartLimits,
  code: ProtocolErrorCode,
  offset: number,
][] = [
  [HEAD, { maxParts: 0 }, "too-many-parts", 4],
  [`${HEAD}x\r\n${HEAD}`, { maxParts: 1 }, "too-many-parts", HEAD.length + 7],
  [HEAD, { maxPartHeadersLength: HEAD.length - 6 }, "headers-too-large", 48],
  ["--b\r\nX: x", { maxPartHeadersLength: 4 }, "headers-too-large", 9],
  ["--b\r\nX: x", { maxPartHeadersLength: 0 }, "headers-too-large", 5],
  [HEAD, { maxPartHeadersCount: 0 }, "too-many-headers", 46],
  [
    HEAD.slice(0, -2) + "X: x\r\n",
    { maxPartHeadersCount: 1 },
    "too-many-headers",
    52,
  ],
  [`--b\r\nX: ${"x".repeat(9000)}`, {}, "headers-too-large", 8197],
];

for (const [text, limits, code, offset] of BEYOND) {
  const name = `${JSON.stringify(text.slice(0, 60))} of ${
    JSON.stringify(limits)
  }`;
  Deno.test(`MultipartParser.next() refuses what is beyond limits: ${name}`, () => {
    const bytes = latin1Bytes(text);
    const { parts: _, ...end } = read([bytes], limits);
    assertEquals(end, { isEnded: false, code, offset });
    assertEquals(read(bytewise(bytes), limits), read([bytes], limits));
    if (text.length < 200) readEveryWay(text, limits);
  });
}

Deno.test("MultipartParser.next() has limits on its own", () => {
  const parts = (count: number) => [latin1Bytes(`${HEAD}\r\n`.repeat(count))];
  assertEquals(read([...parts(1000), latin1Bytes("--b--")]).isEnded, true);
  assertEquals(read(parts(1001)).code, "too-many-parts");
  const lines = (count: number) =>
    latin1Bytes(`--b\r\n${NAME_A}\r\n${"X:\r\n".repeat(count - 1)}\r\n${LAST}`);
  assertEquals(read([lines(32)]).code, undefined);
  assertEquals(read([lines(33)]).code, "too-many-headers");
});

Deno.test("MultipartParser reads any data with any boundary, however cut", () => {
  const random = new Random(1);
  const chars = "'()+_,-./:=? 09azAZ";
  for (let round = 0; round < 300; round++) {
    const boundary = Array.from(
      { length: random.below(random.pick([2, 8, 70])) },
      () => random.pick(chars),
    ).join("") + "-";
    const delimiter = `\r\n--${boundary}`;
    const datas = Array.from({ length: random.below(4) }, () => {
      let data = "";
      for (let i = random.below(12); i > 0; i--) {
        data += random.pick([
          delimiter.slice(0, random.below(delimiter.length)),
          delimiter.slice(random.below(delimiter.length)),
          "\r",
          "\n",
          "-",
          "x".repeat(random.below(200)),
        ]);
      }
      // What is a delimiter would not be data.
      while (`\r\n${data}`.includes(delimiter)) {
        data = `\r\n${data}`.replaceAll(delimiter, "").slice(2);
      }
      return data;
    });
    const body = latin1Bytes(
      datas.map((data) => `--${boundary}\r\n${NAME_A}\r\n\r\n${data}\r\n`)
        .join("") + `--${boundary}--`,
    );
    const expected: Outcome = {
      parts: datas.map((data) => partA(data)),
      isEnded: true,
    };
    for (const pieces of [[body], bytewise(body), random.pieces(body)]) {
      assertEquals(read(pieces, {}, boundary), expected);
    }
  }
});

Deno.test("MultipartParser.next() gives mutated bodies the same verdict, however cut", () => {
  const random = new Random(2);
  const good = `${HEAD}x\r\n${HEAD}\r\n--\r\n--b--\r\nend`;
  const words = [...'\r\n\t :;="-*b\0\xff', "\r\n", "\r\n--b", "--", NAME_A];
  const codes = new Set<string | undefined>();
  for (let round = 0; round < 3000; round++) {
    let text = good;
    for (let faults = 1 + random.below(3); faults > 0; faults--) {
      const at = random.below(text.length + 1);
      const rest = at + random.below(4);
      text = text.slice(0, at) + random.pick(words) + text.slice(rest);
    }
    const bytes = latin1Bytes(text);
    const outcome = read([bytes]);
    assertEquals(read(bytewise(bytes)), outcome, JSON.stringify(text));
    assertEquals(read(random.pieces(bytes)), outcome, JSON.stringify(text));
    codes.add(outcome.code);
  }
  assert(codes.size > 6, "The mutations are too much alike");
});

/** How often bytes are looked at, without a look at the clock. */
function looks(data: string, boundary: string): number {
  const text = `--${boundary}\r\n${NAME_A}\r\n\r\n${data}`;
  let count = 0;
  const counting = (bytes: Uint8Array): Uint8Array =>
    new Proxy(bytes, {
      get(target, key) {
        if (typeof key === "string" && /^\d/.test(key)) count++;
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const parser = new MultipartParser(boundary);
  let read = 0;
  for (const piece of new Random(3).pieces(latin1Bytes(text))) {
    parser.push(counting(piece));
    for (let event; (event = parser.next()) !== MORE;) {
      assert(event === PART || event === DATA);
      if (event === DATA) read += parser.data.length;
    }
  }
  assertLess(data.length - read, boundary.length + 4, "Data is missing");
  return count / text.length;
}

Deno.test("MultipartParser.next() looks at no byte often, whatever the data", () => {
  const size = 1 << 16;
  for (const boundary of ["b", "bb", "-".repeat(70), `${"-".repeat(69)}b`]) {
    const near = `\r\n--${boundary}`.slice(0, -1);
    for (
      const unit of ["\r", "\r\n", "b", "-", "\r\n--", near, near + "\r", "\rb"]
    ) {
      const data = "x" + unit.repeat(size / unit.length);
      assertLess(looks(data, boundary), 3, JSON.stringify([boundary, unit]));
    }
  }
});

Deno.test("MultipartParser.next() copies no data", () => {
  const boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gWA";
  const parser = new MultipartParser(boundary);
  parser.push(latin1Bytes(`--${boundary}\r\n${NAME_A}\r\n\r\n`));
  assertEquals([parser.next(), parser.next()], [PART, MORE]);
  const bytes = latin1Bytes("x".repeat(1 << 16));
  parser.push(bytes);
  assertEquals(parser.next(), DATA);
  assert(parser.data.buffer === bytes.buffer, "The data was copied");
  assertEquals(parser.data.length, bytes.length);
});

for (const [text, data] of Object.entries(DATAS)) {
  Deno.test(`MultipartParser.data lies in a whole body: ${JSON.stringify(text)}`, () => {
    const parser = new MultipartParser("b");
    const bytes = latin1Bytes("???" + HEAD + text + LAST + "\r\n").subarray(3);
    parser.push(bytes);
    assertEquals(parser.next(), PART);
    let end = bytes.byteOffset + HEAD.length;
    let event;
    while ((event = parser.next()) === DATA) {
      assert(parser.data.buffer === bytes.buffer);
      assertEquals(parser.data.byteOffset, end);
      end += parser.data.length;
    }
    assertEquals(event, PART_END);
    assertEquals(end - bytes.byteOffset - HEAD.length, data.length);
  });
}

Deno.test("MultipartParser.finish() looks at what is left behind the end", () => {
  const rests: [rest: string, MultipartEvent][] = [
    ["\r\n", END],
    ["\r\nmore", END],
    [" x", FAILED],
    ["\r", FAILED],
    ["\r\n" + "x".repeat(1025), FAILED],
  ];
  for (const [rest, expected] of rests) {
    const parser = new MultipartParser("b");
    parser.push(latin1Bytes("--b--" + rest));
    assertEquals(parser.next(), END);
    assertEquals(parser.finish(), expected);
  }
});

Deno.test("MultipartParser.push() throws where next() has not asked for more", () => {
  const parser = new MultipartParser("b");
  parser.push(latin1Bytes("--b--\r\n"));
  assertThrows(() => parser.push(latin1Bytes("x")), TypeError, "next()");
  assertEquals(parser.next(), END);
  assertEquals(parser.next(), MORE);
  parser.push(latin1Bytes("x"));
  assertEquals(parser.next(), MORE);
  assertEquals(parser.finish(), END);
});

Deno.test("MultipartParser.push() takes nothing behind a fault", () => {
  const parser = new MultipartParser("b");
  parser.push(latin1Bytes("x"));
  assertEquals(parser.next(), FAILED);
  parser.push(latin1Bytes("--b--"));
  assertEquals([parser.next(), parser.finish()], [FAILED, FAILED]);
  assertEquals([parser.error?.status, parser.error?.offset], [400, 0]);
});

Deno.test("new MultipartParser() throws for what is no boundary", () => {
  for (const bad of ["", "a ", "a\r", "a\n", "é", 'a"', "x".repeat(71)]) {
    assertThrows(() => new MultipartParser(bad), TypeError, "Boundary");
  }
  new MultipartParser("x".repeat(70));
});

const BOUNDARIES: Record<string, string | null> = {
  "multipart/form-data; boundary=abc": "abc",
  "Multipart/Form-Data;BOUNDARY=aBc": "aBc",
  "multipart/form-data ;\tcharset=utf-8; boundary=a": "a",
  'multipart/form-data; boundary="a b:c/?"': "a b:c/?",
  "multipart/form-data; boundary=----=_Part_1_2.3": "----=_Part_1_2.3",
  [`multipart/form-data; boundary=${"x".repeat(70)}`]: "x".repeat(70),
  "": null,
  "multipart/form-data": null,
  "multipart/form-data;": null,
  "multipart/form-data; boundary": null,
  "multipart/form-data; boundary=": null,
  'multipart/form-data; boundary=""': null,
  'multipart/form-data; boundary="a "': null,
  "multipart/form-data; boundary=a\xe9": null,
  'multipart/form-data; boundary="a;b"': null,
  [`multipart/form-data; boundary=${"x".repeat(71)}`]: null,
  "multipart/form-data; boundary=a; boundary=a": null,
  "multipart/form-data; boundary=a, multipart/form-data; boundary=b": null,
  "multipart/mixed; boundary=a": null,
  "multipart/form-data2; boundary=a": null,
  "text/plain; multipart/form-data; boundary=a": null,
  "x=multipart/form-data; boundary=a": null,
};

for (const [type, boundary] of Object.entries(BOUNDARIES)) {
  Deno.test(`multipartBoundary() of ${JSON.stringify(type)} is ${boundary}`, () => {
    assertEquals(multipartBoundary(type), boundary);
  });
}

const KINDS: Record<string, [kind: string | null, boundary: string | null]> = {
  "multipart/mixed; boundary=a": ["mixed", "a"],
  "multipart/x-mixed-replace;boundary=--a": ["x-mixed-replace", "--a"],
  'Multipart/X-Mixed-Replace; boundary="--a b"': ["x-mixed-replace", "--a b"],
  "multipart/byteranges; boundary=THIS_STRING": ["byteranges", "THIS_STRING"],
  "multipart/form-data; boundary=a": ["form-data", "a"],
  "multipart/mixed; type=x; BOUNDARY=a": ["mixed", "a"],
  "multipart/mixed": ["mixed", null],
  "multipart/mixed; boundary=a; boundary=b": ["mixed", null],
  "multipart/; boundary=a": [null, null],
  "multipart/a b; boundary=a": [null, null],
  "multipart/a/b; boundary=a": [null, null],
  "text/plain; boundary=a": [null, null],
  "x-multipart/mixed; boundary=a": [null, null],
};

for (const [type, [kind, boundary]] of Object.entries(KINDS)) {
  Deno.test(`multipartKind() of ${JSON.stringify(type)} is ${kind}`, () => {
    assertEquals(multipartKind(type), kind);
    assertEquals(multipartBoundary(type, "*"), boundary);
    if (kind !== null) assertEquals(multipartBoundary(type, kind), boundary);
    assertEquals(multipartBoundary(type, "other"), null);
  });
}

/** Data and type of parts that are not of a form; an array is not complete. */
type PlainPart = string | [data: string];

interface StreamRow {
  what: string;
  text: string;
  parts: PlainPart[];
  /** Default: the last delimiter. */
  end?: "closed" | [code: ProtocolErrorCode, offset?: number];
  boundary?: string;
  /** Where it makes a difference; else a row is one of all kinds. */
  kind?: string;
}

const FRAME = "--b\r\nContent-Length: 3\r\n\r\n";

const STREAMS: StreamRow[] = [
  // What comes before the first delimiter.
  { what: "no preamble", text: "--b\r\n\r\nx\r\n--b--", parts: ["x"] },
  {
    what: "an empty line",
    text: "\r\n--b\r\n\r\nx\r\n--b--\r\n",
    parts: ["x"],
  },
  {
    what: "empty lines",
    text: "\r\n\r\n\r\n--b\r\n\r\nx\r\n--b--",
    parts: ["x"],
  },
  {
    what: "a preamble",
    text: "This is\r\na preamble\r\n--b\r\n\r\nx\r\n--b--",
    parts: ["x"],
  },
  {
    what: "a preamble with what is nearly a delimiter",
    text: "--\r\n--a--b\r\n -- b\r\n\r--b\n--b\r\r\n--b\r\n\r\nx\r\n--b--",
    parts: ["x"],
  },
  {
    what: "a first picture without a delimiter before it",
    text: `Content-Type: image/jpeg\r\n\r\n${"\xff\r\n--".repeat(300)}\r\n` +
      "--b\r\n\r\nx\r\n--b--",
    parts: ["x"],
  },
  {
    what: "no delimiter",
    text: "hello\r\n",
    parts: [],
    end: ["bad-multipart"],
  },
  { what: "nothing", text: "", parts: [], end: ["bad-multipart"] },
  {
    what: "a delimiter that is not behind a line end",
    text: "x--b--",
    parts: [],
    end: ["bad-multipart"],
  },
  { what: "no parts", text: "--b--\r\nepilogue", parts: [] },
  // Parts without a length.
  {
    what: "several parts",
    text: "--b\r\nX: 1\r\n\r\nx\r\n--b\r\n\r\n\r\ny\r\n\r\n--b--",
    parts: ["x", "\r\ny\r\n"],
  },
  {
    what: "empty parts",
    text: "--b\r\n\r\n\r\n--b\r\nX: y\r\n\r\n--b\r\n\r\n--b--",
    parts: ["", "", ""],
  },
  {
    what: "a delimiter that is not alone on its line",
    text: "--b\r\n\r\nx\r\n--bc\r\n--b--",
    parts: [["x"]],
    end: ["bad-multipart", 13],
  },
  {
    what: "a part that breaks off",
    text: "--b\r\n\r\nx",
    parts: [["x"]],
    end: ["bad-multipart"],
  },
  {
    what: "a part that breaks off in its delimiter",
    text: "--b\r\n\r\nx\r\n--b\r",
    parts: [["x"]],
    end: ["bad-multipart"],
  },
  {
    what: "a header section that breaks off",
    text: `${FRAME}abc\r\n--b\r\nX: y\r\n`,
    parts: ["abc"],
    end: ["bad-multipart"],
  },
  {
    what: "a type given twice",
    text: "--b\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n",
    parts: [],
    end: ["bad-multipart"],
  },
  {
    what: "a bare LF",
    text: "--b\nX: y\n\nx",
    parts: [],
    end: ["bad-multipart", 3],
  },
  // Parts with a length.
  { what: "a length", text: `${FRAME}abc\r\n--b--`, parts: ["abc"] },
  {
    what: "a delimiter within a length",
    text: "--b\r\nContent-Length: 10\r\n\r\n\r\n--b--\r\n!\r\n--b--",
    parts: ["\r\n--b--\r\n!"],
  },
  {
    what: "a length without a line end",
    text: `${FRAME}abc${FRAME}def--b--`,
    parts: ["abc", "def"],
  },
  {
    what: "a length and empty lines",
    text: `${FRAME}abc\r\n\r\n${FRAME}def\r\n\r\n\r\n--b--`,
    parts: ["abc", "def"],
  },
  {
    what: "a length and many empty lines",
    text: `${FRAME}abc${"\r\n".repeat(64)}--b--`,
    parts: ["abc"],
  },
  {
    what: "a length and too many empty lines",
    text: `${FRAME}abc${"\r\n".repeat(65)}--b--`,
    parts: ["abc"],
    end: ["bad-multipart", FRAME.length + 3 + 128],
  },
  {
    what: "a length of none",
    text: "--b\r\ncontent-length:0\r\n\r\n\r\n--b\r\n" +
      "content-length:00\r\n\r\n--b--",
    parts: ["", ""],
  },
  {
    what: "a length that is too short",
    text: `${FRAME}abcd\r\n--b--`,
    parts: ["abc"],
    end: ["bad-multipart", FRAME.length + 3],
  },
  {
    what: "a length that is too long",
    text: `${FRAME}ab\r\n--b--`,
    parts: ["ab\r"],
    end: ["bad-multipart", FRAME.length + 3],
  },
  {
    what: "a length and a bare CR",
    text: `${FRAME}abc\r--b--`,
    parts: ["abc"],
    end: ["bad-line-end", FRAME.length + 4],
  },
  {
    what: "a length that is not reached",
    text: `${FRAME}ab`,
    parts: [["ab"]],
    end: ["bad-multipart"],
  },
  ...["", "-1", "+1", "1.5", "x", "1 2", "9".repeat(17), "0x1"].map((
    length,
  ) => ({
    what: `Content-Length ${JSON.stringify(length)}`,
    text: `--b\r\nContent-Length: ${length}\r\n\r\n`,
    parts: [],
    end: ["bad-content-length"] as [ProtocolErrorCode],
  })),
  {
    what: "two lengths",
    text: "--b\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    parts: [],
    end: ["bad-content-length"],
  },
  // The end of a stream between two parts.
  ...([
    ["behind a length", `${FRAME}abc`, ["abc"]],
    ["behind a length and an empty line", `${FRAME}abc\r\n`, ["abc"]],
    ["behind a length and a CR", `${FRAME}abc\r`, ["abc"]],
    ["in a delimiter", `${FRAME}abc\r\n-`, ["abc"]],
    ["in a whole delimiter", `${FRAME}abc\r\n--b`, ["abc"]],
    ["behind a delimiter", `${FRAME}abc\r\n--b\r\n`, ["abc"]],
    ["behind a part without a length", "--b\r\n\r\nx\r\n--b\r\n", ["x"]],
    ["behind the first delimiter", "--b\r\n", []],
  ] as [string, string, string[]][]).flatMap(([what, text, parts]) => [
    { what, text, parts, kind: "x-mixed-replace", end: "closed" as const },
    ...["mixed", "byteranges"].map((kind) => ({
      what,
      text,
      parts,
      kind,
      end: ["bad-multipart"] as [ProtocolErrorCode],
    })),
  ]),
  // A boundary that has the dashes already.
  {
    what: "the delimiter as the boundary",
    text: "--x\r\n\r\na\r\n----x\r\n--x\r\n\r\nb\r\n--x--",
    boundary: "--x",
    parts: ["a\r\n----x", "b"],
  },
  {
    what: "the delimiter as the boundary, behind an empty line",
    text: `\r\n${FRAME}abc\r\n${FRAME}def\r\n--b--`,
    boundary: "--b",
    parts: ["abc", "def"],
  },
  {
    what: "a boundary with dashes to the letter",
    text: "----x\r\n\r\na\r\n--x\r\n\r\n----x--",
    boundary: "--x",
    parts: ["a\r\n--x\r\n"],
  },
  {
    what: "a boundary with dashes behind a preamble",
    text: "-\r\n--\r\n---\r\n---x\r\n-x\r\nx\r\n----x--",
    boundary: "--x",
    parts: [],
  },
  {
    what: "the delimiter of three dashes as the boundary",
    text: "---x\r\n\r\na\r\n---x--",
    boundary: "---x",
    parts: ["a"],
  },
  {
    what: "a boundary of dashes alone",
    text: "----\r\n------\r\n\r\na\r\n----\r\n------\r\n\r\nb\r\n--------",
    boundary: "----",
    parts: ["a\r\n----", "b"],
  },
  {
    what: "a boundary with a dash to the letter",
    text: "-x\r\n---x\r\n\r\na\r\n-x\r\n---x--",
    boundary: "-x",
    parts: ["a\r\n-x"],
  },
];

for (const { what, text, parts, end, boundary, kind } of STREAMS) {
  for (const each of kind ? [kind] : ["x-mixed-replace", "mixed"]) {
    Deno.test(`MultipartParser.next() reads ${each} with ${what}`, () => {
      const outcome = readEveryWay(text, { kind: each }, boundary);
      assertEquals(
        outcome.parts.map(({ data, isComplete }) => isComplete ? data : [data]),
        parts,
      );
      for (const { name, filename } of outcome.parts) {
        assertEquals([name, filename], ["", undefined]);
      }
      const [code, offset = text.length] = Array.isArray(end) ? end : [];
      assertEquals(outcome.code, code);
      assertEquals(outcome.offset, code === undefined ? undefined : offset);
      assertEquals(outcome.isEnded, end === undefined);
    });
  }
}

Deno.test("MultipartParser.next() gives the header fields of any part", () => {
  const { parts } = readEveryWay(
    "--b\r\nContent-Type: image/jpeg\r\nContent-Length: 1\r\nX-T: 1\r\n" +
      "x-t: 2\r\n\r\nx\r\n--b\r\n\r\n\r\n--b\r\n" +
      "Content-Disposition: attachment; filename*=UTF-8''a\r\n" +
      "Content-Transfer-Encoding: base64\r\n\r\n\r\n--b--",
    { kind: "mixed" },
  );
  assertEquals(
    parts.map(({ contentType, headers }) => [contentType, headers]),
    [
      ["image/jpeg", {
        "content-type": "image/jpeg",
        "content-length": "1",
        "x-t": "1, 2",
      }],
      ["text/plain", {}],
      ["text/plain", {
        "content-disposition": "attachment; filename*=UTF-8''a",
        "content-transfer-encoding": "base64",
      }],
    ],
  );
});

Deno.test("MultipartParser.next() ends a part of known length with its last byte", () => {
  const parser = new MultipartParser("b", { kind: "x-mixed-replace" });
  for (let round = 0; round < 3; round++) {
    parser.push(latin1Bytes(`${FRAME}ab`));
    assertEquals(
      [parser.next(), parser.next(), parser.next()],
      [PART, DATA, MORE],
    );
    parser.push(latin1Bytes("c"));
    assertEquals([parser.next(), parser.data.length], [DATA, 1]);
    assertThrows(() => parser.push(latin1Bytes("\r\n")), TypeError);
    assertEquals([parser.next(), parser.next()], [PART_END, MORE]);
    parser.push(latin1Bytes("\r\n"));
    assertEquals(parser.next(), MORE);
  }
  assertEquals([parser.finish(), parser.isDone], [END, true]);
  assertEquals(parser.finish(), END);
});

Deno.test("MultipartParser.next() reads a stream without end, but a bounded one if told so", () => {
  const frame = latin1Bytes(`${FRAME}abc\r\n`);
  const feed = (options: MultipartParserOptions) => {
    const parser = new MultipartParser("b", options);
    let count = 0;
    for (let i = 0; i < 5000; i++) {
      parser.push(frame);
      for (let event; (event = parser.next()) !== MORE;) {
        if (event === FAILED) return [count, parser.error!.code];
        if (event === PART_END) count++;
      }
    }
    return [count, parser.finish()];
  };
  assertEquals(feed({ kind: "x-mixed-replace" }), [5000, END]);
  assertEquals(feed({ kind: "x-mixed-replace", maxParts: 3 }), [
    3,
    "too-many-parts",
  ]);
  assertEquals(feed({ kind: "mixed" }), [5000, FAILED]);
});

Deno.test("MultipartParser.next() copies no data of known length", () => {
  const parser = new MultipartParser("b", { kind: "mixed" });
  const bytes = latin1Bytes(`${FRAME}abc\r\n--b--`);
  parser.push(bytes);
  assertEquals([parser.next(), parser.next()], [PART, DATA]);
  assert(parser.data.buffer === bytes.buffer);
  assertEquals(parser.data.byteOffset, FRAME.length);
});

Deno.test("MultipartParser.next() gives mutated streams the same verdict, however cut", () => {
  const random = new Random(4);
  const good =
    `\r\n${FRAME}abc\r\n--b\r\nX: y\r\n\r\nx\r\n${FRAME}abc--b--\r\n`;
  const words = [..."\r\n\t :=-b0123\0\xff", "\r\n", "\r\n--b", "--", FRAME];
  const ends = new Set<string | undefined>();
  for (let round = 0; round < 3000; round++) {
    let text = good;
    for (let faults = 1 + random.below(3); faults > 0; faults--) {
      const at = random.below(text.length + 1);
      const rest = at + random.below(4);
      text = text.slice(0, at) + random.pick(words) + text.slice(rest);
    }
    if (random.below(3) === 0) text = text.slice(0, random.below(text.length));
    const bytes = latin1Bytes(text);
    const kind = random.pick(["mixed", "x-mixed-replace"]);
    const boundary = random.pick(["b", "--b"]);
    const outcome = read([bytes], { kind }, boundary);
    for (const pieces of [bytewise(bytes), random.pieces(bytes)]) {
      const other = read(pieces, { kind }, boundary);
      assertEquals(other, outcome, JSON.stringify(text));
    }
    ends.add(outcome.code ?? String(outcome.isEnded));
  }
  assert(ends.size > 6, "The mutations are too much alike");
});
