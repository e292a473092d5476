import { assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding";
import { createHash } from "node:crypto";
import { sha1 } from "../../websocket/sha1.ts";

const encoder = new TextEncoder();

// RFC 3174 section 7.3, and FIPS 180's empty message.
const VECTORS: [text: string, times: number, hash: string][] = [
  ["", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  ["abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    1,
    "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  ],
  ["a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
  [
    "0123456701234567012345670123456701234567012345670123456701234567",
    10,
    "dea356a2cddd90c7a7ecedc5ebb563934f460452",
  ],
];

for (const [text, times, hash] of VECTORS) {
  Deno.test(`sha1() gives what the RFC says for "${text}", ${times} times`, () => {
    assertEquals(encodeHex(sha1(encoder.encode(text.repeat(times)))), hash);
  });
}

Deno.test("sha1() gives what another one does at every length", () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => i * 7 + 0x80);
  for (let length = 0; length <= bytes.length; length++) {
    const part = bytes.subarray(bytes.length - length);
    const expected = createHash("sha1").update(part).digest("hex");
    assertEquals(encodeHex(sha1(part)), expected, `${length} bytes`);
  }
});
