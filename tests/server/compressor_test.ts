import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  gunzipSync,
  inflateSync,
} from "node:zlib";
import { Compressor, compressSync } from "../../server/compressor.ts";
import type { ContentCoding } from "../../wire/content_coding.ts";
import { bytewise, Random } from "../support/splits.ts";

/** A peer that decodes as it receives. */
class Peer {
  #decoder;
  #decoded: Uint8Array[] = [];

  constructor(coding: ContentCoding) {
    this.#decoder = coding === "br"
      ? createBrotliDecompress()
      : coding === "gzip"
      ? createGunzip()
      : createInflate();
    this.#decoder.on("data", (bytes: Uint8Array) => this.#decoded.push(bytes));
  }

  /** All that can be decoded of what has come so far. */
  receive(bytes: Uint8Array): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#decoder.once("error", reject);
      this.#decoder.write(bytes, () => {
        while (this.#decoder.read() !== null);
        this.#decoder.off("error", reject);
        resolve(new TextDecoder().decode(join(this.#decoded)));
      });
    });
  }

  close(): void {
    this.#decoder.destroy();
  }
}

function join(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Where in the chain of prototypes a method is defined. */
// deno-lint-ignore no-explicit-any
function ownerOf(object: unknown, method: string): any {
  let owner = object;
  while (!Object.hasOwn(owner as object, method)) {
    owner = Object.getPrototypeOf(owner);
  }
  return owner;
}

const CODINGS: Record<ContentCoding, (bytes: Uint8Array) => Uint8Array> = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  deflate: inflateSync,
};

/** Compared as plain bytes: a Buffer is of another class. */
function assertBytes(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(new Uint8Array(actual), new Uint8Array(expected));
}

const utf8 = new TextEncoder();
const random = new Random(1);
const noise = Uint8Array.from({ length: 100_000 }, () => random.below(256));
const BODIES: Record<string, Uint8Array> = {
  "nothing": new Uint8Array(0),
  "a byte": utf8.encode("a"),
  "a text": utf8.encode("hello, hello, hello\n".repeat(5000)),
  "noise": noise,
};

for (const coding of Object.keys(CODINGS) as ContentCoding[]) {
  const decode = CODINGS[coding];

  for (const [name, body] of Object.entries(BODIES)) {
    Deno.test(`compressSync() to ${coding} of ${name} decodes to the same`, () => {
      const bytes = compressSync(coding, body);
      assertBytes(decode(bytes), body);
      if (name === "a text") assertLess(bytes.length, body.length / 50);
    });

    Deno.test(`Compressor writes ${name} in ${coding}, however cut`, async () => {
      const cuts = [
        [body],
        [...random.pieces(body)],
        [...bytewise(body.subarray(0, 300))],
        [],
      ];
      for (const pieces of cuts) {
        for (const flush of [false, true]) {
          const compressor = new Compressor(coding);
          const output = [];
          for (const piece of pieces) {
            output.push(await compressor.write(piece, flush));
          }
          output.push(await compressor.end());
          compressor.close();
          assertBytes(decode(join(output)), join(pieces));
        }
      }
    });
  }

  Deno.test(`Compressor.write() in ${coding} can be decoded at once when flushed`, async () => {
    const compressor = new Compressor(coding);
    const peer = new Peer(coding);
    let sent = "";
    const texts = ["a", "b", "", "data: x\n\n", "z".repeat(100_000), "é", "."];
    for (const text of [...texts, ...texts.reverse()]) {
      sent += text;
      const bytes = await compressor.write(utf8.encode(text), true);
      assertEquals(await peer.receive(bytes), sent);
    }
    // What was held back comes along with the next that is flushed.
    for (let i = 0; i < 10; i++) {
      sent += "held";
      const bytes = await compressor.write(utf8.encode("held"), false);
      assertLess(bytes.length, 3, "Was not held back");
      await peer.receive(bytes);
    }
    assertEquals(
      await peer.receive(await compressor.write(new Uint8Array(0), true)),
      sent,
    );
    assertEquals(await peer.receive(await compressor.end()), sent);
    peer.close();
    compressor.close();
  });

  Deno.test(`Compressor in ${coding} keeps calls in order that do not wait`, async () => {
    const compressor = new Compressor(coding);
    const pieces = [...random.pieces(noise)].slice(0, 200);
    const writes = pieces.map((piece, i) => compressor.write(piece, i % 3 > 0));
    const output = await Promise.all([...writes, compressor.end()]);
    assertBytes(decode(join(output)), join(pieces));
    compressor.close();
  });

  Deno.test(`Compressor.close() in ${coding} cuts off what is not settled`, async () => {
    for (const turns of [0, 1, 2, 3, 5, 8]) {
      const compressor = new Compressor(coding);
      await compressor.write(utf8.encode("before"), true);
      const calls = [
        compressor.write(noise, true),
        compressor.write(noise, false),
        compressor.end(),
      ];
      const results = Promise.allSettled(calls);
      for (let i = 0; i < turns; i++) await Promise.resolve();
      compressor.close();
      compressor.close();
      for (const result of await results) {
        assert(result.status === "rejected");
        assertEquals(result.reason.message, "Compressor is closed");
      }
    }
  });

  Deno.test(`Compressor.close() in ${coding} does no harm where nobody listens`, async () => {
    const unheard: unknown[] = [];
    const listen = (event: Event) => {
      event.preventDefault();
      unheard.push(event);
    };
    addEventListener("unhandledrejection", listen);
    addEventListener("error", listen);
    for (let i = 0; i < 4; i++) {
      const compressor = new Compressor(coding);
      if (i > 0) compressor.write(noise, true);
      if (i > 1) compressor.write(noise, false);
      if (i > 2) compressor.end();
      await new Promise((resolve) => setTimeout(resolve, i));
      compressor.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    removeEventListener("unhandledrejection", listen);
    removeEventListener("error", listen);
    assertEquals(unheard, []);
  });

  Deno.test(`Compressor in ${coding} lets go of the encoder when closed or ended`, async () => {
    const base = ownerOf(createGunzip(), "_destroy");
    const destroy = base._destroy;
    let count = 0;
    base._destroy = function (this: unknown, ...args: unknown[]) {
      count++;
      return destroy.apply(this, args);
    };
    try {
      new Compressor(coding).close();
      assertEquals(count, 1);
      const compressor = new Compressor(coding);
      const write = compressor.write(noise, true);
      compressor.close();
      compressor.close();
      await assertRejects(() => write, Error, "closed");
      assertEquals(count, 2);
      await new Compressor(coding).end();
      await new Promise((resolve) => setTimeout(resolve, 0));
      assertEquals(count, 3);
    } finally {
      base._destroy = destroy;
    }
  });

  Deno.test(`Compressor in ${coding} is of no more use once closed or ended`, async () => {
    const closed = new Compressor(coding);
    closed.close();
    await assertRejects(() => closed.write(noise, true), Error, "closed");
    await assertRejects(() => closed.end(), Error, "closed");
    const ended = new Compressor(coding);
    const end = ended.end();
    await assertRejects(() => ended.write(noise, true), TypeError, "after end");
    await assertRejects(() => ended.end(), TypeError, "twice");
    assertEquals(decode(await end).length, 0);
    ended.close();
  });
}
