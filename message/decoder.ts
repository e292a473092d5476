import type { BrotliDecompress, Gunzip } from "node:zlib";
import { HttpError, ProtocolError } from "../parse/errors.ts";
import { trim } from "../parse/fields.ts";
import { builtin } from "../runtime/builtins.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { type Pieces, readWhole } from "./incoming_body.ts";

/** Codings that one body may have; each costs memory of its own. */
const MAX_CODINGS = 3;
/** Packed bytes that are decoded at once. More give others a turn. */
const MAX_SYNC_LENGTH = 65536;
/** Decoded bytes that a decoder makes, and holds, at a time. */
const CHUNK_LENGTH = 65536;

const NOTHING = new Uint8Array(0);
/**
 * What is fed to a decoder at the end of its input. If it is at its own end,
 * it leaves the byte alone; else something is missing.
 */
const PROBE = new Uint8Array(1);

/**
 * The codings that a `Content-Encoding` names, in the order in which they were
 * applied (RFC 9110 section 8.4); `identity` is left out.
 *
 * @returns `null` if one is unknown, or there are more than three: then the
 * body can only be given as it came.
 */
export function readCodings(value: string): ContentCoding[] | null {
  const codings: ContentCoding[] = [];
  for (const element of value.split(",")) {
    switch (trim(element).toLowerCase()) {
      case "":
      case "identity":
        break;
      case "br":
        codings.push("br");
        break;
      case "gzip":
      case "x-gzip": // RFC 9110 section 8.4.1.3
        codings.push("gzip");
        break;
      case "deflate":
        codings.push("deflate");
        break;
      default:
        return null;
    }
  }
  return codings.length > MAX_CODINGS ? null : codings;
}

/**
 * Decodes a whole body: at once where it is short and no Brotli is in it, else
 * piece by piece. A body without a byte is taken as it is, whatever its
 * codings.
 *
 * @param codings In the order in which they were applied.
 * @param limit Bytes that may come of it.
 * @throws {ProtocolError} `bad-content-coding` if it is malformed, incomplete,
 * or has something behind its end; `body-too-large` if it is over the limit.
 */
export function decodeBody(
  codings: readonly ContentCoding[],
  bytes: Uint8Array,
  limit: number,
): Uint8Array | Promise<Uint8Array> {
  if (codings.length > 0 && !isQuick(codings, bytes)) {
    return decodeLong(codings, bytes, limit);
  }
  // What is still packed is hardly longer than what comes of it.
  const limitPacked = limit + limit / 256 + 1024;
  let decoded = bytes;
  for (let i = codings.length - 1; i >= 0 && decoded.length > 0; i--) {
    decoded = decodeSync(codings[i], decoded, i === 0 ? limit : limitPacked);
  }
  if (decoded.length > limit) throw new ProtocolError("body-too-large");
  return decoded;
}

/**
 * Whether a body may be decoded at once. Not so Brotli: `brotliDecompressSync`
 * of Deno ends at what is malformed as if it were the end.
 */
function isQuick(
  codings: readonly ContentCoding[],
  bytes: Uint8Array,
): boolean {
  return bytes.length <= MAX_SYNC_LENGTH && !codings.includes("br");
}

/** Takes `gzip` or `deflate` off some bytes, all at once. */
function decodeSync(
  coding: ContentCoding,
  bytes: Uint8Array,
  limit: number,
): Uint8Array {
  const { gunzipSync, inflateRawSync, inflateSync } = builtin("node:zlib");
  const decompress = coding === "gzip"
    ? gunzipSync
    : isZlib(bytes)
    ? inflateSync
    : inflateRawSync;
  // It is told from one byte more whether they are complete.
  const probed = new Uint8Array(bytes.length + 1);
  probed.set(bytes);
  let result: unknown;
  try {
    result = decompress(probed, {
      info: true,
      maxOutputLength: Math.min(
        Math.max(Math.ceil(limit), 1),
        Number.MAX_SAFE_INTEGER,
      ),
    });
  } catch (error) {
    throw new ProtocolError(
      error instanceof RangeError ? "body-too-large" : "bad-content-coding",
    );
  }
  const { buffer, engine } = result as {
    buffer: Uint8Array;
    engine: { bytesWritten: number };
  };
  if (engine.bytesWritten !== bytes.length) {
    throw new ProtocolError("bad-content-coding");
  }
  // The buffer that a short text lies in is not worth keeping.
  return buffer.length * 2 < buffer.buffer.byteLength
    ? new Uint8Array(buffer)
    : plain(buffer);
}

/** The bytes of a `Buffer`, which has a `slice()` of its own. */
function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

async function decodeLong(
  codings: readonly ContentCoding[],
  bytes: Uint8Array,
  limit: number,
): Promise<Uint8Array> {
  let at = 0;
  const { next, close } = decodePieces(codings, () => {
    // In turns, so that others have theirs.
    const piece = bytes.subarray(at, at += MAX_SYNC_LENGTH);
    return Promise.resolve(piece.length === 0 ? null : piece);
  });
  try {
    let length = 0;
    return await readWhole({
      async next() {
        const piece = await next();
        length += piece?.length ?? 0;
        if (length > limit) throw new ProtocolError("body-too-large");
        return piece;
      },
    });
  } finally {
    close();
  }
}

/**
 * Decodes a body piece by piece, as it arrives: all that can be decoded of a
 * piece is given before the next one is asked for. However much comes of a
 * piece, only a little is decoded in advance.
 *
 * The pieces given are not used again.
 *
 * @param codings In the order in which they were applied, three at most.
 * @returns `next`, which rejects with a {@linkcode ProtocolError} if the body
 * is malformed, incomplete, or has something behind its end, and with whatever
 * the source rejects with; and `close`, which lets go of all that is held, at
 * any time. At an end or a fault that is done without it.
 */
export function decodePieces(
  codings: readonly ContentCoding[],
  next: Pieces,
): { next: Pieces; close(): void } {
  const decoders: PieceDecoder[] = [];
  for (let i = codings.length - 1; i >= 0; i--) {
    const decoder = new PieceDecoder(codings[i], next);
    decoders.push(decoder);
    next = () => decoder.next();
  }
  const close = () => {
    for (const decoder of decoders) decoder.close();
  };
  return {
    next: decoders.length < 2 ? next : () =>
      next().catch((error) => {
        close();
        throw error;
      }),
    close,
  };
}

type Engine = BrotliDecompress | Gunzip;

/** Takes one coding off a body. */
class PieceDecoder {
  readonly #coding: ContentCoding;
  readonly #source: Pieces;
  #engine: Engine | null = null;
  // The first byte of two that it takes to tell how a body is packed.
  #first: Uint8Array = NOTHING;
  /** Bytes that the engine was given. */
  #fed = 0;
  /** Whether the engine is still at what it was given last. */
  #isBusy = false;
  #isProbed = false;
  #isDone = false;
  #error: Error | null = null;
  #wake: () => void = () => {};

  constructor(coding: ContentCoding, source: Pieces) {
    this.#coding = coding;
    this.#source = source;
  }

  async next(): Promise<Uint8Array | null> {
    try {
      return await this.#next();
    } catch (error) {
      // A fault of the source's, or of ours: there is no way on.
      this.#stop(error as Error);
      throw error;
    }
  }

  /** Lets go of the engine. Who waits is told. */
  close(): void {
    if (!this.#isDone) this.#stop(new HttpError("Body is closed"));
  }

  async #next(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#error !== null) throw this.#error;
      if (this.#isDone) return null;
      const engine = this.#engine;
      const decoded: Uint8Array | null = engine?.read() ?? null;
      if (decoded !== null) {
        // What a missing byte would have made of it does not count.
        if (this.#isProbed) throw new ProtocolError("bad-content-coding");
        return plain(decoded);
      }
      if (this.#isBusy) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      // What is left over lies behind the end: one byte, and only once it is
      // the one that asks.
      const rest = this.#fed - (engine?.bytesWritten ?? 0);
      if (rest !== (this.#isProbed ? 1 : 0)) {
        throw new ProtocolError("bad-content-coding");
      }
      if (this.#isProbed) {
        this.#isDone = true;
        this.#release();
        return null;
      }
      const piece = await this.#source();
      if (this.#error !== null) throw this.#error;
      if (piece === null) this.#probe();
      else if (piece.length > 0) this.#feed(piece);
    }
  }

  #feed(piece: Uint8Array): void {
    if (this.#engine === null) {
      if (this.#coding === "deflate") {
        if (this.#first.length > 0) {
          const both = new Uint8Array(piece.length + 1);
          both.set(this.#first);
          both.set(piece, 1);
          piece = both;
        } else if (piece.length === 1) {
          this.#first = piece.slice();
          return;
        }
      }
      this.#open(piece);
    }
    this.#write(piece);
  }

  /** Asks the engine, where there is one, whether it is at its end. */
  #probe(): void {
    if (this.#first.length > 0 && this.#engine === null) {
      throw new ProtocolError("bad-content-coding");
    }
    if (this.#engine === null) {
      this.#isDone = true;
      return;
    }
    this.#isProbed = true;
    this.#write(PROBE);
  }

  #write(piece: Uint8Array): void {
    this.#fed += piece.length;
    this.#isBusy = true;
    this.#engine!.write(piece, (error) => {
      this.#isBusy = false;
      if (error) this.#stop(new ProtocolError("bad-content-coding"));
      else this.#wake();
    });
  }

  #open(piece: Uint8Array): void {
    const options = { chunkSize: CHUNK_LENGTH, highWaterMark: CHUNK_LENGTH };
    const zlib = builtin("node:zlib");
    const engine = this.#engine = this.#coding === "br"
      ? zlib.createBrotliDecompress(options)
      : this.#coding === "gzip"
      ? zlib.createGunzip(options)
      : isZlib(piece)
      ? zlib.createInflate(options)
      : zlib.createInflateRaw(options);
    engine.on("readable", () => this.#wake());
    engine.on("error", () => {
      this.#stop(new ProtocolError("bad-content-coding"));
    });
  }

  #stop(error: Error): void {
    this.#error ??= error;
    this.#release();
    this.#wake();
  }

  #release(): void {
    this.#engine?.destroy();
    this.#engine = null;
    this.#first = NOTHING;
  }
}

/**
 * Whether a body of coding `deflate` is in the zlib format (RFC 1950 section
 * 2.2), as it should be, or packed bits alone, as some servers send it.
 */
function isZlib(bytes: Uint8Array): boolean {
  return bytes.length > 1 && (bytes[0] & 0x0f) === 8 && bytes[0] >> 4 < 8 &&
    (bytes[0] << 8 | bytes[1]) % 31 === 0;
}
