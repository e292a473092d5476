import { assertEquals } from "@std/assert";
import {
  addVary,
  chooseCoding,
  CONTENT_CODINGS,
  type ContentCoding,
  isCompressible,
} from "../../wire/content_coding.ts";
import { assertLinear } from "../support/cost.ts";

type Choice = ContentCoding | "identity" | null;

const CHOICES: [accept: string | undefined, Choice][] = [
  [undefined, "identity"],
  ["", "identity"],
  [" ", "identity"],
  [",", "identity"],
  // What clients send.
  ["gzip, deflate, br, zstd", "br"],
  ["gzip, deflate", "gzip"],
  ["deflate, gzip;q=1.0, *;q=0.5", "gzip"],
  ["br;q=1.0, gzip;q=0.8, *;q=0.1", "br"],
  ["identity", "identity"],
  ["zstd, compress", "identity"],
  ["*", "br"],
  // Weights.
  ["gzip;q=0.9, br;q=0.8", "gzip"],
  ["deflate;q=0.001", "deflate"],
  ["gzip;q=1.000, br;q=0.999", "gzip"],
  ["gzip;q=1., br;q=0.", "gzip"],
  ["gzip; q=0.5, deflate\t;\tQ=0.6", "deflate"],
  ["gzip;q=0, br;q=0, deflate;q=0", "identity"],
  ["gzip;q=0, br;q=0.000", "identity"],
  ["br;q=0, *", "gzip"],
  ["br;q=0, *;q=0.5, deflate;q=0.7", "deflate"],
  // Not coded.
  ["identity, gzip", "gzip"],
  ["identity;q=1, gzip;q=0.5", "identity"],
  ["identity;q=0.5, gzip;q=0.5", "gzip"],
  ["identity;q=0.4, gzip;q=0.5", "gzip"],
  ["identity;q=0", null],
  ["identity;q=0, zstd", null],
  ["identity;q=0, gzip;q=0.1", "gzip"],
  ["*;q=0", null],
  ["*;q=0, identity", "identity"],
  ["*;q=0, identity;q=0.1, gzip;q=0", "identity"],
  ["*;q=0, gzip", "gzip"],
  ["zstd, *;q=0", null],
  ["identity;q=0, *", "br"],
  // Names.
  ["GZIP", "gzip"],
  ["Br", "br"],
  ["x-gzip", "gzip"],
  ["X-GZip;q=0.5, deflate;q=0.4", "gzip"],
  ["x-deflate, gzipped, bro", "identity"],
  ["__proto__, constructor", "identity"],
  // Twice: the lower weight counts.
  ["gzip;q=0, gzip", "identity"],
  ["gzip, gzip;q=0", "identity"],
  ["gzip, x-gzip;q=0.1, deflate;q=0.2", "deflate"],
  // Malformed elements count for nothing, but do no harm to the others.
  ["gzip;q=2", "identity"],
  ["gzip;q=1.001", "identity"],
  ["gzip;q=0.0001", "identity"],
  ["gzip;q=-1", "identity"],
  ["gzip;q=.5", "identity"],
  ["gzip;q=", "identity"],
  ["gzip;q", "identity"],
  ["gzip;", "identity"],
  ["gzip;q =1", "identity"],
  ["gzip;q= 1", "identity"],
  ['gzip;q="1"', "identity"],
  ["gzip;level=9", "identity"],
  ["gzip;q=1;q=0", "identity"],
  ["gzip;q=1e0", "identity"],
  ["gzip deflate", "identity"],
  ["gzip=1", "identity"],
  ["\xa0gzip", "identity"],
  [";q=1", "identity"],
  ["br;q=x, deflate, g zip", "deflate"],
  ["identity;q=00", "identity"],
  [",, gzip ,", "gzip"],
];

for (const [accept, expected] of CHOICES) {
  Deno.test(`chooseCoding() takes ${expected} for ${JSON.stringify(accept)}`, () => {
    assertEquals(chooseCoding(accept, CONTENT_CODINGS), expected);
  });
}

const OFFERS: [accept: string, offered: ContentCoding[], Choice][] = [
  ["*", [], "identity"],
  ["identity;q=0, *;q=0", [], null],
  ["br, gzip, deflate", ["gzip"], "gzip"],
  ["br", ["gzip", "deflate"], "identity"],
  ["br, gzip", ["gzip", "br"], "gzip"],
  ["br, gzip;q=0.9", ["gzip", "br"], "br"],
  ["*", ["deflate", "br"], "deflate"],
  ["gzip;q=0.5, *", ["gzip"], "identity"],
  ["zstd, identity;q=0", ["gzip", "br"], null],
];

for (const [accept, offered, expected] of OFFERS) {
  Deno.test(`chooseCoding() takes ${expected} of [${offered}] for ${accept}`, () => {
    assertEquals(chooseCoding(accept, offered), expected);
  });
}

Deno.test("chooseCoding() stays quick for long fields of every kind", () => {
  for (
    const unit of [
      ",",
      " ",
      ";",
      "a",
      "a,",
      "q=",
      " ;",
      ";q=0",
      "gzip;q=0.5,",
      "gzip \t",
      "a b",
    ]
  ) {
    assertLinear(JSON.stringify(unit), 1 << 18, (size) => {
      const field = "gzip" + unit.repeat(size / unit.length);
      return () => {
        chooseCoding(field, CONTENT_CODINGS);
        chooseCoding(`${field}x`, CONTENT_CODINGS);
        addVary(field, "Accept-Encoding");
        isCompressible(field);
      };
    });
  }
});

const TYPES: Record<string, boolean> = {
  "text/html": true,
  "text/html; charset=utf-8": true,
  "TEXT/Plain ;charset=x": true,
  "text/event-stream": true,
  "application/json": true,
  " Application/JSON\t": true,
  "application/ld+json": true,
  "application/geo+json-seq": true,
  "application/problem+xml;x=y": true,
  "application/x-ndjson": true,
  "application/wasm": true,
  "text/javascript": true,
  "application/javascript": true,
  "image/svg+xml": true,
  "image/vnd.microsoft.icon": true,
  "font/ttf": true,
  "font/otf": true,
  "": false,
  "text": false,
  "x/text/html": false,
  "application/octet-stream": false,
  "application/json2": false,
  "application/x+jsonx": false,
  "application/zip; x=text/html": false,
  "application/gzip": false,
  "application/pdf": false,
  "image/png": false,
  "image/jpeg": false,
  "video/mp4": false,
  "font/woff2": false,
  "multipart/x-mixed-replace": false,
};

for (const [type, expected] of Object.entries(TYPES)) {
  Deno.test(`isCompressible() of ${JSON.stringify(type)} is ${expected}`, () => {
    assertEquals(isCompressible(type), expected);
  });
}

const VARIES: [value: string | undefined, expected: string][] = [
  [undefined, "Accept-Encoding"],
  ["", "Accept-Encoding"],
  ["Accept-Encoding", "Accept-Encoding"],
  ["accept-encoding", "accept-encoding"],
  ["Origin", "Origin, Accept-Encoding"],
  ["Origin ,\tACCEPT-ENCODING ", "Origin ,\tACCEPT-ENCODING "],
  ["X-Accept-Encoding", "X-Accept-Encoding, Accept-Encoding"],
  ["Accept-Encoding-X", "Accept-Encoding-X, Accept-Encoding"],
  ["*", "*"],
  ["Origin, *", "Origin, *"],
];

for (const [value, expected] of VARIES) {
  Deno.test(`addVary() to ${JSON.stringify(value)} gives ${expected}`, () => {
    assertEquals(addVary(value, "Accept-Encoding"), expected);
  });
}
