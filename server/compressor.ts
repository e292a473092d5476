import type { BrotliCompress, Gzip } from "node:zlib";
import { builtin } from "../runtime/builtins.ts";
import type { ContentCoding } from "../wire/content_coding.ts";

const NOTHING = new Uint8Array(0);

/** The lowest at which texts become smaller than by gzip's default. */
const BROTLI_QUALITY = 5;
/** Bits of the window that a stream looks back in, which it holds in memory. */
const BROTLI_WINDOW = 18;

/** A whole body, compressed at once. */
export function compressSync(
  coding: ContentCoding,
  bytes: Uint8Array,
): Uint8Array {
  const { brotliCompressSync, constants, deflateSync, gzipSync } = builtin(
    "node:zlib",
  );
  switch (coding) {
    case "br":
      return brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      });
    case "gzip":
      return gzipSync(bytes);
    case "deflate":
      return deflateSync(bytes);
  }
}

type Encoder = BrotliCompress | Gzip;

function createEncoder(coding: ContentCoding): Encoder {
  const { constants, createBrotliCompress, createDeflate, createGzip } =
    builtin("node:zlib");
  switch (coding) {
    case "br":
      return createBrotliCompress({
        params: {
          [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
          [constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW,
        },
      });
    case "gzip":
      return createGzip();
    case "deflate":
      return createDeflate();
  }
}

/**
 * Compresses a body that comes piece by piece.
 *
 * Calls may be made before the one before has settled; their output comes in
 * order. A call that fails, or that `close()` cuts off, rejects, which does no
 * harm where nobody listens. No call may follow `end()` but `close()`.
 */
export class Compressor {
  readonly #encoder: Encoder;
  /** What of all kinds gives the peer all that it was written. */
  readonly #flushKind: number;
  #output: Uint8Array[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #isEnded = false;
  // Why no more can be done, and whom to tell.
  #error: Error | null = null;
  #reject: ((error: Error) => void) | null = null;

  /** A compressor that waits for the first bytes of a body. */
  constructor(coding: ContentCoding) {
    const { constants } = builtin("node:zlib");
    this.#encoder = createEncoder(coding);
    this.#flushKind = coding === "br"
      ? constants.BROTLI_OPERATION_FLUSH
      : constants.Z_SYNC_FLUSH;
    this.#encoder.on("data", (bytes: Uint8Array) => this.#output.push(bytes));
    this.#encoder.on("error", (error: Error) => this.#stop(error));
  }

  /**
   * Compresses some bytes, and gives all output that is ready.
   *
   * @param bytes They must stay as they are until the promise settles.
   * @param flush Whether the peer must be able to decode all up to here.
   */
  write(bytes: Uint8Array, flush: boolean): Promise<Uint8Array> {
    if (this.#isEnded) {
      return Promise.reject(new TypeError("Cannot write after end()"));
    }
    return this.#queue((done) => {
      if (flush) {
        if (bytes.length > 0) this.#encoder.write(bytes);
        this.#encoder.flush(this.#flushKind, done);
      } else if (bytes.length > 0) this.#encoder.write(bytes, done);
      else done();
    });
  }

  /** Gives what is left of the output, and lets go of the encoder. */
  end(): Promise<Uint8Array> {
    if (this.#isEnded) return Promise.reject(new TypeError("Cannot end twice"));
    this.#isEnded = true;
    return this.#queue((done) => {
      this.#encoder.once("end", done);
      this.#encoder.end();
    });
  }

  /** Lets go of the encoder, at any time. What was not settled rejects. */
  close(): void {
    this.#stop(new Error("Compressor is closed"));
  }

  #queue(
    run: (done: (error?: Error | null) => void) => void,
  ): Promise<Uint8Array> {
    const result = this.#last.then(() =>
      new Promise<Uint8Array>((resolve, reject) => {
        if (this.#error !== null) return reject(this.#error);
        this.#reject = reject;
        run((error) => {
          if (error) this.#stop(error);
          if (this.#error !== null) return;
          this.#reject = null;
          resolve(this.#take());
        });
      })
    );
    this.#last = result.catch(() => {});
    return result;
  }

  #take(): Uint8Array {
    const output = this.#output;
    this.#output = [];
    if (output.length === 1) return output[0];
    if (output.length === 0) return NOTHING;
    const length = output.reduce((sum, bytes) => sum + bytes.length, 0);
    const whole = new Uint8Array(length);
    let at = 0;
    for (const bytes of output) {
      whole.set(bytes, at);
      at += bytes.length;
    }
    return whole;
  }

  #stop(error: Error): void {
    this.#encoder.destroy();
    if (this.#error !== null) return;
    this.#error = error;
    this.#output = [];
    this.#reject?.(error);
    this.#reject = null;
  }
}
