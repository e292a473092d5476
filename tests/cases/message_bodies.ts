/** What a body is read by. */
export type Way =
  | "text()"
  | "json()"
  | "form()"
  | "lines()"
  | "ndjson()"
  | "events()"
  | "parts()"
  | "readAll()"
  | "read()"
  | "read(buffer)"
  | "body"
  | "saveTo()";

/** A body, and what comes of it: on both sides, and however it is cut. */
export interface BodyRow {
  what: string;
  /** `Content-Type`; none if it is missing. */
  type?: string;
  /** One character a byte. */
  body: string;
  way: Way;
  limits?: Record<string, number | boolean>;
  /** All that came, also before a fault; of a form, pairs. */
  value?: unknown;
  /** Code of the error, or its status where it has no code. */
  fault?: string | number;
}

const UTF8 = "g\xc3\xbc";
const MANY = "multipart/form-data; boundary=b";
const MIXED = "multipart/mixed; boundary=b";
const CAMERA = "multipart/x-mixed-replace; boundary=b";
const URLENCODED = "application/x-www-form-urlencoded";

const field = (name: string, value: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (name: string, filename: string, data: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"; ` +
  `filename="${filename}"\r\nContent-Type: text/x\r\n\r\n${data}\r\n`;
const part = (data: string) =>
  `--b\r\nContent-Type: image/x\r\nContent-Length: ${data.length}\r\n\r\n` +
  `${data}\r\n`;
const FATAL = { fatal: true };
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

const FORM = field("a", UTF8) + field("a", "") + file("f", "n", "1\r\n2") +
  "--b--\r\n";
const VALUES = [["a", ["gü", ""]], ["f", ["n", "text/x", "1\r\n2"]]];
const PARTS = [
  ["a", undefined, "text/plain", "gü"],
  ["a", undefined, "text/plain", ""],
  ["f", "n", "text/x", "1\r\n2"],
];

/**
 * Type, bytes, and the text; null where that is not of the charset: then it is
 * as the platform's decoder has it, or a fault.
 */
const TEXTS: [type: string | undefined, body: string, text: string | null][] = [
  ["text/html; charset='utf-8'", UTF8, "gü"],
  ["text/html; charset='iso-8859-1'", "\xfc", "ü"],
  ["text/html; charset=\"'utf-8'\"", UTF8, "gü"],
  ["text/html; charset=%s", UTF8, "gü"],
  ["text/html; charset=none", UTF8, "gü"],
  ["text/html; charset=utf-8-sig", UTF8, "gü"],
  ["text/html; charset=no-such", "A", "A"],
  ["text/html; charset=utf8mb4", UTF8, "gü"],
  ["text/html; charset=iso-2022-kr", UTF8, "gü"],
  ["text/html; CHARSET=GBK", "\xc4\xe3", "你"],
  ["text/html;Charset = gbk", "\xc4\xe3", "你"],
  ["text/html; charset=\xa0utf-8", UTF8, "gü"],
  ["text/html; charset=utf-8, text/html", UTF8, "gü"],
  ["text/html; charset=latin1; charset=utf-8", "\xfc", "ü"],
  [undefined, UTF8, "gü"],
  ["text/plain", UTF8, "gü"],
  ["text/plain", "\xef\xbb\xbfa", "a"],
  ["text/plain; charset=utf-16le", "\xff\xfeA\0", "A"],
  ["text/plain; charset=utf-8", UTF8, "gü"],
  ["text/plain; charset=UTF8", UTF8, "gü"],
  ['text/plain; charset="utf-8"', UTF8, "gü"],
  ["text/plain; charset=", UTF8, "gü"],
  ["text/plain; x=charset", UTF8, "gü"],
  ["text/plain; charset=iso-8859-1", "\xfc\x80", "ü€"],
  ["text/plain; CharSet=ISO-8859-2", "\xb1", "ą"],
  ["text/plain;charset=windows-1252;x=y", "\x80", "€"],
  ["text/plain; charset=utf-16le", "A\0B\0", "AB"],
  ["text/plain; charset=shift_jis", "\x83e", "テ"],
  ["text/plain", "a\xff", null],
  ["text/plain", "\xc3", null],
  ["text/plain", "\xed\xa0\x80", null],
  ["text/plain; charset=utf-8", "\xff", null],
  ["text/plain; charset=utf-8", "\xfcx\xe2\x82y", null],
  ["text/plain; charset=shift_jis", "\x83", null],
  ["text/plain; charset=utf-16le", "\0\xd8", null],
  ["text/plain", "", ""],
];

/** What the platform makes of bytes that are not all of their charset. */
function replaced(type: string | undefined, body: string): string {
  const charset = /charset=([\w-]+)/.exec(type ?? "")?.[1] ?? "utf-8";
  const bytes = Uint8Array.from(body, (char) => char.charCodeAt(0));
  return new TextDecoder(charset).decode(bytes);
}

const texts = TEXTS.flatMap(([type, body, text]): BodyRow[] => {
  const what = `${JSON.stringify(body)} of type ${type}`;
  const one = { what, type, body, way: "text()" } as const;
  const strict = { ...one, what: `${what}, and of no other`, limits: FATAL };
  return text === null
    ? [{ ...one, value: replaced(type, body) }, {
      ...strict,
      fault: "bad-encoding",
    }]
    : [{ ...one, value: text }, { ...strict, value: text }];
});

/** JSON may be five deep here. */
const JSON_TEXTS: [body: string, value: unknown, fault?: string][] = [
  ['{"a":[1,null,"g\xc3\xbc"]}', { a: [1, null, "gü"] }],
  [' "x" ', "x"],
  ["null", null],
  ["", undefined, "bad-json"],
  ["{", undefined, "bad-json"],
  ["{} {}", undefined, "bad-json"],
  ['"\xff"', undefined, "bad-encoding"],
  ["\xef\xbb\xbf[1]", [1]],
  ["\xef\xbb\xbf", undefined, "bad-json"],
  ["\xef\xbb\xbf\xef\xbb\xbf1", undefined, "bad-json"],
  ["1\xef\xbb\xbf", undefined, "bad-json"],
  ['"\xef\xbb\xbf"', "\ufeff"],
  [nested(5), [[[[[]]]]]],
  [nested(6), undefined, "json-too-deep"],
];

// JSON is UTF-8, whatever its type says (RFC 8259 section 8.1).
const jsons = JSON_TEXTS.flatMap(([body, value, fault]) =>
  ["application/json", "text/x; charset=iso-8859-1", undefined].map((
    type,
  ): BodyRow => ({
    what: `${JSON.stringify(body)} of type ${type}`,
    type,
    body,
    way: "json()",
    value,
    fault,
  }))
);

const forms: BodyRow[] = [
  {
    what: "a form in parts",
    type: MANY,
    body: FORM,
    way: "form()",
    value: VALUES,
  },
  {
    what: "a form without files",
    type: `${URLENCODED}; charset=utf-8`,
    body: "a=1&b=2&b=%C5%BE&c&__proto__=+",
    way: "form()",
    value: [["a", "1"], ["b", ["2", "ž"]], ["c", null], ["__proto__", " "]],
  },
  {
    what: "a form whose first key begins with a byte order mark",
    type: URLENCODED,
    body: "\xef\xbb\xbfa=1&\xef\xbb\xbfb=\xef\xbb\xbf",
    way: "form()",
    value: [["\ufeffa", "1"], ["\ufeffb", "\ufeff"]],
  },
  {
    what: "an empty form",
    type: URLENCODED,
    body: "",
    way: "form()",
    value: [],
  },
  {
    what: "a form of no type",
    body: "a=1",
    way: "form()",
    fault: "not-a-form",
  },
  {
    what: "text as a form",
    type: "text/plain",
    body: "a=1",
    way: "form()",
    fault: "not-a-form",
  },
  {
    what: "parts of another kind as a form",
    type: MIXED,
    body: FORM,
    way: "form()",
    fault: "not-a-form",
  },
  {
    what: "a form without a boundary",
    type: "multipart/form-data",
    body: FORM,
    way: "form()",
    fault: "bad-multipart",
  },
  {
    what: "a form that breaks off",
    type: MANY,
    body: FORM.slice(0, -6),
    way: "form()",
    fault: "bad-multipart",
  },
  {
    what: "a form with text that is not UTF-8",
    type: MANY,
    body: FORM.replace(UTF8, "g\xff"),
    way: "form()",
    fault: "bad-encoding",
  },
];

/** Limits that are just kept by `FORM`; with one less, how many parts come. */
const LIMITS: [name: string, most: number, come: number, fault: string][] = [
  // It is known of a part that there are too many before the last one ends.
  ["maxParts", 3, 1, "too-many-parts"],
  ["maxPartLength", 4, 2, "body-too-large"],
  ["maxPartHeadersLength", 80, 2, "headers-too-large"],
  ["maxPartHeadersCount", 2, 2, "too-many-headers"],
];

const bounded = LIMITS.flatMap(([name, most, come, fault]): BodyRow[] => {
  const what = `a form within ${name}`;
  const one = { type: MANY, body: FORM };
  const enough = { [name]: most };
  const less = { [name]: most - 1 };
  const over = `a form over ${name}`;
  const value = PARTS.slice(0, come);
  return [
    { ...one, what, way: "form()", limits: enough, value: VALUES },
    { ...one, what: over, way: "form()", limits: less, fault },
    { ...one, what, way: "parts()", limits: enough, value: PARTS },
    { ...one, what: over, way: "parts()", limits: less, value, fault },
  ];
});

const parts: BodyRow[] = [
  {
    what: "the parts of a form",
    type: MANY,
    body: FORM,
    way: "parts()",
    value: PARTS,
  },
  {
    what: "parts of another kind",
    type: MIXED,
    body: `text before\r\n${part("1")}${part("\r\n--")}--b--`,
    way: "parts()",
    value: [
      ["", undefined, "image/x", "1"],
      ["", undefined, "image/x", "\r\n--"],
    ],
  },
  {
    what: "the pictures of a camera",
    type: CAMERA,
    body: part("one") + part("two"),
    way: "parts()",
    value: [
      ["", undefined, "image/x", "one"],
      ["", undefined, "image/x", "two"],
    ],
  },
  {
    what: "text as parts",
    type: "text/plain",
    body: FORM,
    way: "parts()",
    value: [],
    fault: "bad-multipart",
  },
  {
    what: "parts without a boundary",
    type: "multipart/mixed",
    body: FORM,
    way: "parts()",
    value: [],
    fault: "bad-multipart",
  },
  {
    what: "parts that break off",
    type: MIXED,
    body: part("1") + part("23").slice(0, -3),
    way: "parts()",
    value: [["", undefined, "image/x", "1"]],
    fault: "bad-multipart",
  },
  {
    what: "a part that is not UTF-8, as text",
    type: MIXED,
    body: part("\xff") + "--b--",
    way: "parts()",
    value: [["", undefined, "image/x", "\ufffd"]],
  },
];

const lines: BodyRow[] = [
  { what: "no lines", body: "", way: "lines()", value: [] },
  {
    what: "lines, whatever their charset is said to be",
    type: "text/plain; charset=iso-8859-1",
    body: `\xef\xbb\xbfa\r\n\n${UTF8}\nlast`,
    way: "lines()",
    value: ["a", "", "gü", "last"],
  },
  {
    what: "lines that are not UTF-8",
    body: "a\n\xff\nb\n",
    way: "lines()",
    value: ["a"],
    fault: "bad-encoding",
  },
  {
    what: "a line within the limit",
    body: "1234\r\n1234",
    way: "lines()",
    limits: { maxLineLength: 4 },
    value: ["1234", "1234"],
  },
  {
    what: "a line over the limit",
    body: "1234\n12345\n",
    way: "lines()",
    limits: { maxLineLength: 4 },
    value: ["1234"],
    fault: "body-too-large",
  },
  {
    what: "lines of JSON",
    type: "application/x-ndjson",
    body: `{"a":1}\r\n\n \t\n[2]\n"${UTF8}"\nnull`,
    way: "ndjson()",
    value: [{ a: 1 }, [2], "gü", null],
  },
  {
    what: "lines that are no JSON",
    body: "1\n2,\n3\n",
    way: "ndjson()",
    value: [1],
    fault: "bad-json",
  },
  {
    what: "lines of JSON that are as deep as may be",
    body: `${nested(5)}\n${nested(6)}\n`,
    way: "ndjson()",
    value: [[[[[[]]]]]],
    fault: "json-too-deep",
  },
  {
    what: "lines of JSON that may be less deep",
    body: "[]\n[[]]\n",
    way: "ndjson()",
    limits: { maxJsonDepth: 1 },
    value: [[]],
    fault: "json-too-deep",
  },
  {
    what: "a line of JSON over the limit",
    body: "1\n12345\n",
    way: "ndjson()",
    limits: { maxLineLength: 4 },
    value: [1],
    fault: "body-too-large",
  },
  {
    what: "events",
    type: "text/event-stream",
    body: `data: a\n\n: c\n\nid: 7\nevent: x\rdata: ${UTF8}\r\n\r\ndata: lost`,
    way: "events()",
    value: [
      { type: "message", data: "a", id: "" },
      { type: "x", data: "gü", id: "7" },
    ],
  },
  {
    what: "an event over the limit",
    body: "data: a\n\ndata: ab\n\n",
    way: "events()",
    limits: { maxEventLength: 7 },
    value: [{ type: "message", data: "a", id: "" }],
    fault: "body-too-large",
  },
];

const WHOLE: Way[] = [
  "readAll()",
  "read()",
  "read(buffer)",
  "body",
  "saveTo()",
];

const plain = WHOLE.flatMap((way) =>
  ["", "a", "\0\xff\r\n".repeat(50)].map((body): BodyRow => ({
    what: `${body.length} bytes`,
    body,
    way,
    value: body,
  }))
);

/** Every row. */
export const messageBodies: BodyRow[] = [
  ...texts,
  ...jsons,
  ...forms,
  ...bounded,
  ...parts,
  ...lines,
  ...plain,
];
