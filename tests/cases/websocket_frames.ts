import type { WebsocketErrorCode } from "../../websocket.ts";

/**
 * A frame: its first byte, its payload (one character a byte), and the length
 * that it announces where that is another. Or bytes as they are.
 */
export type Frame =
  | [first: number, payload: string, length?: number | "16" | "64"]
  | number[];

/** Frames from a peer of either side, and what must come of them. */
export interface FrameRow {
  name: string;
  /** Section of RFC 6455, or of another one that is named; "house" for ours. */
  rfc: string;
  frames: Frame[];
  /**
   * Messages and control frames, as "text:hi", "binary:01ff", "packed:01",
   * "ping:x", "pong:x", "close:1000:why".
   */
  events: string[];
  /** The fault that the very last byte makes; none where all is well. */
  fault?: WebsocketErrorCode;
  /** Whether something is left half in. */
  isPending?: boolean;
  allowCompressed?: boolean;
  maxMessageLength?: number;
}

/** Bytes as they are. They are in no order of roles: heads without a mask. */
export const raw = (...bytes: number[]): Frame => bytes;

type Row = Omit<FrameRow, "name" | "rfc">;

function rows(rfc: string, all: Record<string, Row>): FrameRow[] {
  return Object.entries(all).map(([name, row]) => ({ name, rfc, ...row }));
}

const ok = (events: string[], ...frames: Frame[]): Row => ({ frames, events });
const bad = (fault: WebsocketErrorCode, ...frames: Frame[]): Row => ({
  frames,
  events: [],
  fault,
});

const long = "x".repeat(126);
const longest16 = "y".repeat(65535);
const first64 = "z".repeat(65536);

/** Bad UTF-8 up to the byte that makes it so. */
const BAD_TEXTS: Record<string, string> = {
  "a continuation byte alone": "\x80",
  "a continuation byte behind a character": "a\xbf",
  "an overlong slash of two bytes": "\xc0",
  "an overlong character of two bytes": "\xc1",
  "an overlong character of three bytes": "\xe0\x9f",
  "an overlong character of four bytes": "\xf0\x8f",
  "the first surrogate": "\xed\xa0",
  "the last surrogate": "ok\xed\xbf",
  "what lies beyond U+10FFFF": "\xf4\x90",
  "the lead byte f5": "\xf5",
  "the byte ff": "abc\xff",
  "a character of two bytes cut short": "\xc3a",
  "a character of three bytes cut short": "\xe2\x82\x28",
  "a character of four bytes cut short": "\xf0\x9f\x92\xc3",
  "a bad byte behind much ASCII": "a".repeat(100) + "\xfe",
  "a bad byte behind much else": "\xc3\xa9".repeat(60) + "\xa9",
};

const GOOD_TEXTS: Record<string, string> = {
  "the first and last of two bytes": "\xc2\x80\xdf\xbf",
  "the first and last of three bytes": "\xe0\xa0\x80\xef\xbf\xbf",
  "the first and last of four bytes": "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
  "what lies around the surrogates": "\xed\x9f\xbf\xee\x80\x80",
  "a byte order mark": "\xef\xbb\xbfa",
  "NUL": "\0",
  "ASCII, then not, then ASCII": "a".repeat(40) + "\xc3\xa9" + "b".repeat(40),
};

const RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
const BAD_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999];
const GOOD_CODES = [1000, 1001, 1003, 1007, 1011, 1014, 3000, 3999, 4999];

/** A close code as two bytes. */
export function codeText(code: number): string {
  return String.fromCharCode(code >> 8, code & 255);
}

function each<T>(
  values: readonly T[],
  name: (value: T) => string,
  row: (value: T) => Row,
): Record<string, Row> {
  return Object.fromEntries(values.map((value) => [name(value), row(value)]));
}

export const websocketFrames: FrameRow[] = [
  ...rows("5.6", {
    "a text": ok(["text:Hello"], [0x81, "Hello"]),
    "an empty text": ok(["text:"], [0x81, ""]),
    "bytes": ok(["binary:0080ff"], [0x82, "\x00\x80\xff"]),
    "no bytes": ok(["binary:"], [0x82, ""]),
    "two messages": ok(["text:a", "text:b"], [0x81, "a"], [0x81, "b"]),
    "a text of 125 bytes": ok(
      ["text:" + "x".repeat(125)],
      [0x81, "x".repeat(125)],
    ),
    "a text of 126 bytes": ok(["text:" + long], [0x81, long]),
    "half a head": { ...ok([], raw(0x81)), isPending: true },
    "half a payload": { ...ok([], [0x81, "ab", 5]), isPending: true },
    "nothing": ok([]),
  }),
  ...rows("5.4", {
    "two fragments": ok(["text:Hello"], [0x01, "Hel"], [0x80, "lo"]),
    "fragments of nothing": ok(
      ["text:"],
      [0x01, ""],
      [0x00, ""],
      [0x80, ""],
    ),
    "an empty first fragment": ok(["text:a"], [0x01, ""], [0x80, "a"]),
    "an empty last fragment": ok(["binary:61"], [0x02, "a"], [0x80, ""]),
    "many fragments": ok(
      ["text:" + "ab".repeat(300)],
      [0x01, ""],
      ...Array.from({ length: 300 }, (): Frame => [0x00, "ab"]),
      [0x80, ""],
    ),
    "control frames between fragments": ok(
      ["ping:p", "pong:", "text:ab"],
      [0x01, "a"],
      [0x89, "p"],
      [0x8a, ""],
      [0x80, "b"],
    ),
    "a close between fragments": ok(["close:1005:"], [0x01, "a"], [0x88, ""]),
    "a message behind a fragmented one": ok(
      ["text:ab", "binary:63"],
      [0x01, "a"],
      [0x80, "b"],
      [0x82, "c"],
    ),
    "an unfinished message": { ...ok([], [0x01, "a"]), isPending: true },
    "a last continuation of nothing": bad("unexpected-continuation", raw(0x80)),
    "a continuation of nothing": bad("unexpected-continuation", raw(0x00)),
    "a continuation of a whole message": {
      ...bad("unexpected-continuation", [0x81, "a"], raw(0x80)),
      events: ["text:a"],
    },
    "a text within a text": bad("unfinished-message", [0x01, "a"], raw(0x81)),
    "bytes within bytes": bad("unfinished-message", [0x02, ""], raw(0x02)),
  }),
  ...rows("5.2", {
    "a text of 65535 bytes": ok(["text:" + longest16], [0x81, longest16]),
    "a text of 65536 bytes": ok(["text:" + first64], [0x81, first64]),
    ...each(
      [0x90, 0xa0, 0xc0, 0xb0, 0xf0],
      (bits) => `a text with the bits ${(bits & 0x70).toString(2)}`,
      (bits) => bad("reserved-bit", raw(bits | 1)),
    ),
    ...each(
      [8, 9, 10],
      (opcode) => `a control frame ${opcode} with RSV1`,
      (opcode) => ({
        ...bad("reserved-bit", raw(0xc0 | opcode)),
        allowCompressed: true,
      }),
    ),
    ...each(
      [0x20, 0x10],
      (bit) => `RSV${bit === 0x20 ? 2 : 3} where compression is agreed on`,
      (bit) => ({
        ...bad("reserved-bit", raw(0x81 | bit)),
        allowCompressed: true,
      }),
    ),
    ...each(
      RESERVED,
      (opcode) => `the opcode ${opcode}`,
      (opcode) => bad("bad-opcode", raw(0x80 | opcode)),
    ),
    "the opcode 3 without FIN": bad("bad-opcode", raw(0x03)),
    "a length of 0 in 16 bits": bad("bad-length", raw(0x81, 126, 0, 0)),
    "a length of 125 in 16 bits": bad("bad-length", raw(0x81, 126, 0, 125)),
    "a length of 126 in 64 bits": bad(
      "bad-length",
      raw(0x81, 127, 0, 0, 0, 0, 0, 0, 0, 126),
    ),
    "a length of 65535 in 64 bits": bad(
      "bad-length",
      raw(0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
    ),
    "a length with its top bit set": bad("bad-length", raw(0x81, 127, 0x80)),
  }),
  ...rows("5.5", {
    "a ping": ok(["ping:Hello"], [0x89, "Hello"]),
    "a ping of 125 bytes": ok(
      ["ping:" + "p".repeat(125)],
      [0x89, "p".repeat(125)],
    ),
    "an unasked pong": ok(["pong:x"], [0x8a, "x"]),
    ...each(
      [8, 9, 10],
      (opcode) => `a control frame ${opcode} without FIN`,
      (opcode) => bad("fragmented-control", raw(opcode)),
    ),
    ...each(
      [8, 9, 10],
      (opcode) => `a control frame ${opcode} of 126 bytes`,
      (opcode) => bad("control-too-long", raw(0x80 | opcode, 126)),
    ),
    "a ping with a length of 64 bits": bad("control-too-long", raw(0x89, 127)),
  }),
  ...rows("5.5.1, 7.4", {
    "a close": ok(["close:1005:"], [0x88, ""]),
    "a close with a reason": ok(["close:1000:bye"], [
      0x88,
      codeText(1000) + "bye",
    ]),
    "a close with a reason that is not ASCII": ok(["close:1001:é"], [
      0x88,
      codeText(1001) + "\xc3\xa9",
    ]),
    "a close with a reason of 123 bytes": ok(
      ["close:1000:" + "r".repeat(123)],
      [
        0x88,
        codeText(1000) + "r".repeat(123),
      ],
    ),
    "what comes behind a close": ok(
      ["close:1000:"],
      [0x88, codeText(1000)],
      [0x81, "late"],
      raw(0xff, 0xff, 0xff),
    ),
    "a close of one byte": bad("bad-close-payload", raw(0x88, 1)),
    "a close with a bad reason": bad("bad-text", [
      0x88,
      codeText(1000) + "\xff",
    ]),
    "a close with half a character": bad("bad-text", [
      0x88,
      codeText(1000) + "\xe2\x82",
    ]),
    ...each(
      GOOD_CODES,
      (code) => `a close with the code ${code}`,
      (code) => ok([`close:${code}:`], [0x88, codeText(code)]),
    ),
    ...each(
      [...BAD_CODES, 5000, 65535],
      (code) => `a close with the code ${code}`,
      (code) => bad("bad-close-code", [0x88, codeText(code)]),
    ),
  }),
  ...rows("8.1", {
    ...each(
      Object.keys(GOOD_TEXTS),
      (name) => `a text with ${name}`,
      (name) =>
        ok(["text:" + utf8(GOOD_TEXTS[name])], [0x81, GOOD_TEXTS[name]]),
    ),
    ...each(
      Object.keys(BAD_TEXTS),
      (name) => `a text with ${name}, of which more is to come`,
      (name) => bad("bad-text", [0x81, BAD_TEXTS[name], 999]),
    ),
    ...each(
      Object.keys(BAD_TEXTS),
      (name) => `a whole text with ${name}`,
      (name) => bad("bad-text", [0x81, BAD_TEXTS[name]]),
    ),
    ...each(
      Object.keys(BAD_TEXTS),
      (name) => `a fragment with ${name}`,
      (name) => bad("bad-text", [0x01, ""], [0x00, BAD_TEXTS[name], 200]),
    ),
    "a character in three fragments": ok(
      ["text:€"],
      [0x01, "\xe2"],
      [0x00, "\x82"],
      [0x80, "\xac"],
    ),
    "an overlong character in two fragments": bad(
      "bad-text",
      [0x01, "\xe0"],
      [0x80, "\x80", 9],
    ),
    "a text that ends within a character": bad("bad-text", [
      0x81,
      "\xf0\x9f\x92",
    ]),
    "a fragmented text that ends within a character": bad(
      "bad-text",
      [0x01, "\xe2"],
      [0x80, "\x82"],
    ),
    "half a character is forgotten with its message": {
      ...ok(["binary:e2", "text:a"], [0x02, "\xe2"], [0x80, ""], [0x81, "a"]),
    },
    "bytes that are no text": ok(["binary:fffe"], [0x02, "\xff"], [
      0x80,
      "\xfe",
    ]),
  }),
  ...rows("7692 6", {
    "a compressed message": {
      ...ok(["packed:01ff"], [0xc1, "\x01\xff"]),
      allowCompressed: true,
    },
    "a compressed message in fragments": {
      ...ok(["packed:ff01"], [0x41, "\xff"], [0x80, "\x01"]),
      allowCompressed: true,
    },
    "a message that is not compressed": {
      ...ok(["text:a"], [0x81, "a"]),
      allowCompressed: true,
    },
    "RSV1 on a continuation": {
      ...bad("reserved-bit", [0x41, "a"], raw(0xc0)),
      allowCompressed: true,
    },
  }),
  ...rows("house", {
    "a message of the greatest length": {
      ...ok(["binary:" + "61".repeat(8)], [0x82, "aaaaaaaa"]),
      maxMessageLength: 8,
    },
    "a message one byte longer, before its first": {
      ...bad("message-too-large", raw(0x82, 9)),
      maxMessageLength: 8,
    },
    "fragments that are too long together": {
      ...bad("message-too-large", [0x02, "aaaa"], [0x00, "aaaa"], raw(0x80, 1)),
      maxMessageLength: 8,
    },
    "a length of 16 bits that is too large": {
      ...bad("message-too-large", raw(0x82, 126, 0x01, 0x01)),
      maxMessageLength: 256,
    },
    "a length of 63 bits": bad(
      "message-too-large",
      raw(0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255),
    ),
    "a length of 32 bits": bad(
      "message-too-large",
      raw(0x82, 127, 0, 0, 0, 0, 255, 255, 255, 255),
    ),
    "no message may have a byte": {
      ...ok(["text:", "ping:p"], [0x81, ""], [0x89, "p"]),
      maxMessageLength: 0,
    },
    "a compressed message far too long": {
      ...bad("message-too-large", raw(0xc2, 126, 1, 0)),
      maxMessageLength: 8,
      allowCompressed: true,
    },
  }),
];

/** What UTF-8, one character a byte, says. */
function utf8(bytes: string): string {
  return decodeURIComponent(escape(bytes));
}
