import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
} from "node:zlib";
import {
  decodeBody,
  decodePieces,
  readCodings,
} from "../../message/decoder.ts";
import {
  HttpError,
  ProtocolError,
  type ProtocolErrorCode,
} from "../../parse/errors.ts";
import { Compressor } from "../../server/compressor.ts";
import { type Pieces, readWhole } from "../../message/incoming_body.ts";
import type { ContentCoding } from "../../wire/content_coding.ts";
import { isSame, latin1Bytes } from "../support/bytes.ts";
import { bytewise, Random, twoCuts } from "../support/splits.ts";

/** A coding, where `raw` is `deflate` without what should be around it. */
type Packing = ContentCoding | "raw";

/** Its best is dear, and nothing that is tested here needs it. */
const QUICK = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

const PACK: Record<Packing, (bytes: Uint8Array) => Uint8Array> = {
  br: (bytes) => brotliCompressSync(bytes, QUICK),
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  raw: (bytes) => deflateRawSync(bytes),
};
const PACKINGS = Object.keys(PACK) as Packing[];

function codingOf(packing: Packing): ContentCoding {
  return packing === "raw" ? "deflate" : packing;
}

function pack(packings: readonly Packing[], bytes: Uint8Array): Uint8Array {
  for (const packing of packings) bytes = new Uint8Array(PACK[packing](bytes));
  return bytes;
}

/** Gives pieces out of one buffer, as a connection does. */
function source(pieces: Iterable<Uint8Array>): Pieces {
  const rest = pieces[Symbol.iterator]();
  const buffer = new Uint8Array(1 << 20);
  return () => {
    buffer.fill(0xaa, 0, 4096);
    const { done, value } = rest.next();
    if (done) return Promise.resolve(null);
    buffer.set(value);
    return Promise.resolve(buffer.subarray(0, value.length));
  };
}

/** Decodes piece by piece; the bytes, or what was wrong. */
async function decode(
  codings: readonly ContentCoding[],
  pieces: Iterable<Uint8Array>,
): Promise<Uint8Array | ProtocolErrorCode> {
  const { next } = decodePieces(codings, source(pieces));
  try {
    const bytes = await readWhole({
      async next() {
        const piece = await next();
        assert(piece === null || piece.length > 0, "Empty piece");
        return piece;
      },
    });
    assertEquals(await next(), null);
    return bytes;
  } catch (error) {
    assert(error instanceof ProtocolError, String(error));
    assertStrictEquals(await assertRejects(next), error);
    return error.code;
  }
}

async function decodeWhole(
  codings: readonly ContentCoding[],
  bytes: Uint8Array,
  limit = Infinity,
): Promise<Uint8Array | ProtocolErrorCode> {
  try {
    const decoded = await decodeBody(codings, bytes, limit);
    assertEquals(Object.getPrototypeOf(decoded), Uint8Array.prototype);
    return decoded;
  } catch (error) {
    assert(error instanceof ProtocolError, String(error));
    return error.code;
  }
}

/** Decodes in all ways: always the same. */
async function decodeEveryWay(
  codings: readonly ContentCoding[],
  bytes: Uint8Array,
): Promise<Uint8Array | ProtocolErrorCode> {
  const outcome = await decodeWhole(codings, bytes);
  assertEquals(await decode(codings, [bytes]), outcome, "in one piece");
  const random = new Random(bytes.length);
  for (let round = 0; round < 3; round++) {
    assertEquals(await decode(codings, random.pieces(bytes)), outcome);
  }
  if (bytes.length > 3000) return outcome;
  assertEquals(await decode(codings, bytewise(bytes)), outcome, "bytewise");
  const empty = new Uint8Array(0);
  const gaps = [...bytewise(bytes)].flatMap((byte) => [empty, byte, empty]);
  assertEquals(await decode(codings, gaps), outcome, "with empty pieces");
  if (bytes.length > 100) return outcome;
  for (const pieces of twoCuts(bytes, 16)) {
    assertEquals(await decode(codings, pieces), outcome, `${pieces[0].length}`);
  }
  return outcome;
}

function randomBytes(length: number): Uint8Array {
  const random = new Random(length);
  return Uint8Array.from({ length }, () => random.below(256));
}

const DATAS: Record<string, Uint8Array> = {
  nothing: new Uint8Array(0),
  "a byte": latin1Bytes("a"),
  "a text": latin1Bytes("hello, hello, hello"),
  "a longer text": latin1Bytes("<li>one more line</li>\n".repeat(500)),
  "random bytes": randomBytes(300),
  "many random bytes": randomBytes(200_000),
  "many zeros": new Uint8Array(500_000),
};

const CHAINS: Packing[][] = [
  ["br"],
  ["gzip"],
  ["deflate"],
  ["raw"],
  ["gzip", "br"],
  ["raw", "gzip"],
  ["deflate", "br", "gzip"],
  ["gzip", "gzip", "gzip"],
];

for (const packings of CHAINS) {
  for (const [what, data] of Object.entries(DATAS)) {
    const chain = packings.join(", ");
    Deno.test(`decodeBody() and decodePieces() decode ${what} in ${chain}`, async () => {
      const packed = pack(packings, data);
      const decoded = await decodeEveryWay(packings.map(codingOf), packed);
      assert(decoded instanceof Uint8Array, String(decoded));
      assert(isSame(decoded, data));
    });
  }
}

const TEXT = latin1Bytes("some text, some more text");

for (const packing of PACKINGS) {
  const packed = pack([packing], TEXT);
  const codings = [codingOf(packing)];

  Deno.test(`decodeBody() and decodePieces() refuse ${packing} that ends too soon`, async () => {
    for (let length = 1; length < packed.length; length++) {
      assertEquals(
        await decodeEveryWay(codings, packed.subarray(0, length)),
        "bad-content-coding",
        `${length} of ${packed.length} bytes`,
      );
    }
  });

  Deno.test(`decodeBody() and decodePieces() refuse what is behind the end of ${packing}`, async () => {
    for (const rest of ["\0", "x", "\0\0\0\0", "xyz".repeat(100), "\x1f\x8b"]) {
      const bytes = new Uint8Array([...packed, ...latin1Bytes(rest)]);
      assertEquals(
        await decodeEveryWay(codings, bytes),
        "bad-content-coding",
        JSON.stringify(rest),
      );
    }
  });

  Deno.test(`decodeBody() and decodePieces() refuse long ${packing} that is cut or goes on`, async () => {
    const long = pack([packing], randomBytes(150_000));
    for (
      const bytes of [
        long.subarray(0, -1),
        long.subarray(0, 100_000),
        new Uint8Array([...long, 0]),
      ]
    ) {
      assertEquals(await decodeEveryWay(codings, bytes), "bad-content-coding");
    }
  });

  Deno.test(`decodeBody() takes ${packing} up to the limit`, async () => {
    for (const data of [TEXT, DATAS["random bytes"], randomBytes(100_000)]) {
      const bytes = pack([packing], data);
      const { length } = data;
      assertEquals((await decodeWhole(codings, bytes, length)).length, length);
      for (const limit of [length - 1, length >> 1, 1, 0, 0.5]) {
        assertEquals(
          await decodeWhole(codings, bytes, limit),
          "body-too-large",
          `${limit} of ${length}`,
        );
      }
    }
  });
}

Deno.test("decodePieces() gives nothing that was not there before the end came too soon", async () => {
  const data = latin1Bytes("abcdefg".repeat(40_000));
  const packed = pack(["raw"], data).subarray(0, -1);
  const { next } = decodePieces(["deflate"], source([packed]));
  let length = 0;
  await assertRejects(async () => {
    for (let piece; (piece = await next()) !== null;) length += piece.length;
  }, ProtocolError);
  assert(length <= data.length, `${length} bytes`);
});

/** A copy with one bit turned, counted from the end if need be. */
function altered(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at < 0 ? bytes.length + at : at] ^= 1;
  return copy;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

const GZIP = pack(["gzip"], TEXT);
const ZLIB = pack(["deflate"], TEXT);
const GZIP_OF_NOTHING = pack(["gzip"], new Uint8Array(0));
/** A member with a name, a comment and a header checksum is not made by Node. */
const NAMED = join(
  latin1Bytes("\x1f\x8b\x08\x18\0\0\0\0\0\x03name\0comment\0"),
  GZIP.subarray(10),
);

const ODD: [
  what: string,
  codings: ContentCoding[],
  bytes: Uint8Array,
  expected: string | ProtocolErrorCode,
][] = [
  ["two members", ["gzip"], join(GZIP, GZIP_OF_NOTHING, GZIP), "TEXTTEXT"],
  ["a member with a name", ["gzip"], NAMED, "TEXT"],
  [
    "a member and half of one",
    ["gzip"],
    join(GZIP, GZIP.subarray(0, 15)),
    "bad-content-coding",
  ],
  [
    "a member and one that is broken",
    ["gzip"],
    join(GZIP, altered(GZIP, -8)),
    "bad-content-coding",
  ],
  ["a wrong checksum", ["gzip"], altered(GZIP, -8), "bad-content-coding"],
  ["a wrong length", ["gzip"], altered(GZIP, -1), "bad-content-coding"],
  ["a wrong magic", ["gzip"], altered(GZIP, 1), "bad-content-coding"],
  ["a wrong method", ["gzip"], altered(GZIP, 2), "bad-content-coding"],
  [
    "a wrong flag",
    ["gzip"],
    join(
      latin1Bytes("\x1f\x8b\x08\xe0"),
      GZIP.subarray(4),
    ),
    "bad-content-coding",
  ],
  ["a text", ["gzip"], TEXT, "bad-content-coding"],
  ["zlib", ["gzip"], ZLIB, "bad-content-coding"],
  ["a wrong checksum", ["deflate"], altered(ZLIB, -1), "bad-content-coding"],
  ["a wrong header", ["deflate"], altered(ZLIB, 1), "bad-content-coding"],
  [
    "a dictionary wanted",
    ["deflate"],
    join(latin1Bytes("\x78\x20\0\0\0\0"), ZLIB.subarray(2)),
    "bad-content-coding",
  ],
  ["gzip", ["deflate"], GZIP, "bad-content-coding"],
  ["a text", ["deflate"], latin1Bytes("\x07hello"), "bad-content-coding"],
  ["a byte", ["deflate"], latin1Bytes("x"), "bad-content-coding"],
  ["zlib twice", ["deflate"], join(ZLIB, ZLIB), "bad-content-coding"],
  [
    "packed bits that begin like zlib",
    ["deflate"],
    join(latin1Bytes("\x08\0\0\xff\xff"), pack(["raw"], TEXT)),
    "TEXT",
  ],
  ["a text", ["br"], latin1Bytes("\xff\xff\xff hello"), "bad-content-coding"],
  ["gzip", ["br"], GZIP, "bad-content-coding"],
  ["one coding less", ["gzip", "gzip"], GZIP, "bad-content-coding"],
  [
    "the order turned",
    ["br", "gzip"],
    pack(["gzip", "br"], TEXT),
    "bad-content-coding",
  ],
  [
    "a fault within",
    ["gzip", "br"],
    pack(["br"], altered(GZIP, -8)),
    "bad-content-coding",
  ],
  [
    "an end too soon within",
    ["gzip", "br"],
    pack(["br"], GZIP.subarray(0, 12)),
    "bad-content-coding",
  ],
  [
    "an end too soon around",
    ["gzip", "br"],
    pack(["gzip", "br"], TEXT).slice(0, -1),
    "bad-content-coding",
  ],
];

for (const [what, codings, bytes, expected] of ODD) {
  Deno.test(`decodeBody() and decodePieces() find ${what} in ${codings.join(", ")}`, async () => {
    const outcome = await decodeEveryWay(codings, bytes);
    const text = new TextDecoder().decode(TEXT);
    assertEquals(
      typeof outcome === "string" ? outcome : new TextDecoder().decode(outcome),
      expected.replaceAll("TEXT", text),
    );
  });
}

Deno.test("decodeBody() is done at once where the body is short", async () => {
  assert(decodeBody(["gzip"], GZIP, 99) instanceof Uint8Array);
  const long = pack(["gzip"], randomBytes(70_000));
  const promise = decodeBody(["gzip"], long, Infinity);
  assert(promise instanceof Promise);
  assertThrows(() => decodeBody(["gzip"], TEXT, 99), ProtocolError);
  assertThrows(() => decodeBody([], TEXT, 9), ProtocolError);
  assertStrictEquals(decodeBody([], TEXT, 99), TEXT);
  await promise;
});

Deno.test("decodeBody() keeps no large buffer for a short text", () => {
  const decoded = decodeBody(["gzip"], GZIP, 99) as Uint8Array;
  assertEquals(decoded.buffer.byteLength, decoded.length);
});

Deno.test("decodeBody() leaves the bytes as they are", async () => {
  for (const packing of PACKINGS) {
    for (const data of [TEXT, randomBytes(100_000)]) {
      const bytes = pack([packing], data);
      const copy = bytes.slice();
      await decodeBody([codingOf(packing)], bytes, Infinity);
      assertEquals(bytes, copy);
    }
  }
});

/** Some turns of the event loop, in which a decoder could go on by itself. */
async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) {
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        port2.close();
        resolve();
      };
      port2.postMessage(0);
    });
  }
}

const BOMB = new Uint8Array(64 << 20);
const bombs = new Map<string, Uint8Array>();

/** A packed bomb of one's own; packing takes longer than all else here. */
function bomb(packings: Packing[]): Uint8Array {
  const key = packings.join();
  let packed = bombs.get(key);
  if (packed === undefined) bombs.set(key, packed = pack(packings, BOMB));
  return packed.slice();
}

for (
  const packings of [["br"], ["gzip"], ["deflate"], ["raw"], ["gzip", "br"], [
    "gzip",
    "gzip",
  ]] as Packing[][]
) {
  const codings = packings.map(codingOf);
  Deno.test(`decodePieces() holds little of what a bomb in ${packings} makes`, async () => {
    const packed = bomb(packings);
    assert(packed.length < 1 << 17);
    let asked = 0;
    const inner = source([packed]);
    const { next, close } = decodePieces(codings, () => {
      asked++;
      return inner();
    });
    let length = 0, longest = 0, count = 0;
    for (let piece; (piece = await next()) !== null;) {
      assert(asked === 1, "Asked for more than could be held");
      if (count++ % 256 === 0) await turns();
      length += piece.length;
      longest = Math.max(longest, piece.length);
    }
    assertEquals(length, BOMB.length);
    assert(longest <= 1 << 17, `${longest} bytes in one piece`);
    close();
  });

  Deno.test(`decodeBody() stops at the limit of a bomb in ${packings}`, async () => {
    const packed = bomb(packings);
    assertEquals(await decodeWhole(codings, packed, 1 << 20), "body-too-large");
  });
}

for (const packing of PACKINGS) {
  Deno.test(`decodePieces() decodes ${packing} no further than it is asked`, async () => {
    const packed = bomb([packing]);
    const pieces = [packed];
    const { next } = decodePieces([codingOf(packing)], () => {
      return Promise.resolve(pieces.pop() ?? null);
    });
    assert(await next() !== null);
    await turns();
    // Against the rules, but it shows how much of the piece has been used.
    packed.fill(0xff);
    await assertRejects(async () => {
      while (await next() !== null);
    }, ProtocolError);
  });
}

Deno.test("decodeBody() bounds what is between two codings", async () => {
  // 64 MiB that would become nothing: a stored block of no bytes, repeated.
  const blocks = new Uint8Array(64 << 20);
  for (let i = 0; i < blocks.length; i += 5) {
    blocks.set([0, 0, 0, 255, 255].slice(0, blocks.length - i), i);
  }
  const packed = pack(["gzip"], blocks);
  assertEquals(
    await decodeWhole(["deflate", "gzip"], packed.subarray(0), 1000),
    packed.length > 65536 ? "bad-content-coding" : "body-too-large",
  );
  const fewer = pack(["gzip"], blocks.subarray(0, 5 << 20));
  assert(fewer.length < 65536);
  assertEquals(
    await decodeWhole(["deflate", "gzip"], fewer, 1000),
    "body-too-large",
  );
});

/** A source that is fed by hand. */
class Feed {
  asked = 0;
  #waiter: PromiseWithResolvers<Uint8Array | null> | null = null;
  #onAsked: (() => void) | null = null;

  next: Pieces = () => {
    this.asked++;
    this.#waiter = Promise.withResolvers();
    this.#onAsked?.();
    return this.#waiter.promise;
  };

  give(piece: Uint8Array | null): void {
    this.#waiter!.resolve(piece);
  }

  fail(error: Error): void {
    this.#waiter!.reject(error);
  }

  /** Settles when it is asked for the next time. */
  whenAsked(): Promise<void> {
    return new Promise((resolve) => this.#onAsked = resolve);
  }
}

for (
  const codings of [["br"], ["gzip"], ["deflate"], ["gzip", "br"], [
    "br",
    "deflate",
    "gzip",
  ]] as ContentCoding[][]
) {
  Deno.test(`decodePieces() gives events in ${codings} one by one`, async () => {
    const compressors = codings.map((coding) => new Compressor(coding));
    const feed = new Feed();
    const { next } = decodePieces(codings, feed.next);
    for (let i = 0; i < 20; i++) {
      const event = `data: ${i} ${"x".repeat(i * 50)}\n\n`;
      let packed: Uint8Array = latin1Bytes(event);
      for (const compressor of compressors) {
        packed = await compressor.write(packed, true);
      }
      const asked = feed.whenAsked();
      let text = "", reading = next();
      await asked;
      feed.give(packed);
      for (;;) {
        // Nothing more is given: what is there must come without it.
        text += new TextDecoder().decode((await reading)!);
        if (text.length === event.length) break;
        reading = next();
      }
      assertEquals(text, event);
      assertEquals(feed.asked, i + 1);
    }
    let packed: Uint8Array = new Uint8Array(0);
    for (const compressor of compressors) {
      const first = packed.length > 0
        ? await compressor.write(packed, false)
        : packed;
      packed = join(first, await compressor.end());
    }
    const reading = next();
    feed.give(packed);
    await feed.whenAsked();
    feed.give(null);
    assertEquals(await reading, null);
  });
}

Deno.test("decodePieces() passes on why the source breaks off", async () => {
  for (const codings of [["gzip"], ["gzip", "br"]] as ContentCoding[][]) {
    for (const given of [0, 5, 20]) {
      const feed = new Feed();
      const { next, close } = decodePieces(codings, feed.next);
      const reading = (async () => {
        while (await next() !== null);
      })();
      const error = new HttpError("Gone");
      if (given > 0) {
        const asked = feed.whenAsked();
        feed.give(pack(codings, TEXT).subarray(0, given));
        await asked;
      }
      feed.fail(error);
      assertStrictEquals(await assertRejects(() => reading), error);
      assertStrictEquals(await assertRejects(() => next()), error);
      close();
    }
  }
});

Deno.test("decodePieces() lets go at once when it is closed", async () => {
  for (const packings of [["br"], ["gzip"], ["gzip", "br"]] as Packing[][]) {
    const codings = packings.map(codingOf);
    const packed = bomb(packings);
    // Before anything is read, between two pieces, and in the middle of one.
    const unread = decodePieces(codings, source([packed]));
    unread.close();
    unread.close();
    await assertRejects(unread.next, HttpError, "closed");
    const begun = decodePieces(codings, source([packed]));
    await begun.next();
    begun.close();
    await assertRejects(begun.next, HttpError, "closed");
    const busy = decodePieces(codings, source([packed]));
    await busy.next();
    await turns();
    const reading = (async () => {
      while (await busy.next() !== null);
    })();
    busy.close();
    await assertRejects(() => reading, HttpError, "closed");
  }
});

Deno.test("decodePieces() tells who waits for a source when it is closed", async () => {
  const feed = new Feed();
  const { next, close } = decodePieces(["gzip"], feed.next);
  const reading = next();
  close();
  feed.give(GZIP);
  await assertRejects(() => reading, HttpError, "closed");
});

Deno.test("decodePieces().close() does no harm at the end", async () => {
  const { next, close } = decodePieces(["gzip"], source([GZIP]));
  assertEquals(await next(), TEXT);
  assertEquals(await next(), null);
  close();
  assertEquals(await next(), null);
});

Deno.test("decodePieces() without a coding is the source itself", () => {
  const next = source([]);
  assertStrictEquals(decodePieces([], next).next, next);
});

Deno.test("decodePieces() decodes mutated bodies or refuses them, nothing else", async () => {
  const random = new Random(5);
  for (let round = 0; round < 300; round++) {
    const packing = random.pick(PACKINGS);
    const bytes = pack([packing], randomBytes(random.below(60)));
    for (let faults = 1 + random.below(3); faults > 0; faults--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    const codings = [codingOf(packing)];
    const whole = await decodeWhole(codings, bytes, 1 << 20);
    const pieces = await decode(codings, random.pieces(bytes));
    if (typeof whole !== "string") {
      assertEquals(pieces, whole, `${packing} ${bytes}`);
    } else assert(typeof pieces === "string" || whole === "body-too-large");
  }
});

const CODINGS: Record<string, ContentCoding[] | null> = {
  "": [],
  identity: [],
  "identity, identity": [],
  gzip: ["gzip"],
  GZip: ["gzip"],
  "x-gzip": ["gzip"],
  "X-GZIP": ["gzip"],
  br: ["br"],
  deflate: ["deflate"],
  " gzip\t": ["gzip"],
  "gzip, br": ["gzip", "br"],
  "gzip,br": ["gzip", "br"],
  ",gzip,, br,": ["gzip", "br"],
  "identity, gzip": ["gzip"],
  "deflate, gzip, br": ["deflate", "gzip", "br"],
  "gzip, gzip, gzip": ["gzip", "gzip", "gzip"],
  "gzip, gzip, gzip, gzip": null,
  "identity, gzip, gzip, gzip": ["gzip", "gzip", "gzip"],
  compress: null,
  zstd: null,
  "x-deflate": null,
  "gzip, zstd": null,
  "gzip;q=1": null,
  "gzip br": null,
  "*": null,
  "\u212a": null,
};

for (const [value, codings] of Object.entries(CODINGS)) {
  Deno.test(`readCodings() of ${JSON.stringify(value)} is ${JSON.stringify(codings)}`, () => {
    assertEquals(readCodings(value), codings);
  });
}
