import type { DeflateRaw, InflateRaw } from "node:zlib";
import { builtin } from "../runtime/builtins.ts";
import { WebsocketError } from "./errors.ts";

/** What ends a flushed message, and is not sent (RFC 7692 section 7.2.1). */
const TAIL = new Uint8Array([0, 0, 0xff, 0xff]);
/** What zlib calls `Z_SYNC_FLUSH`: give all up to here, on a whole byte. */
const SYNC_FLUSH = 2;
/** How often the data of one message may end before its end. */
const MAX_ENDS = 8;

/** Puts pieces together; each is part of a larger buffer, so even one is copied. */
function join(
  pieces: Uint8Array[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, length - at);
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Compresses messages, one at a time. What it has compressed it looks back to,
 * so messages must be sent in this order.
 */
export class Deflater {
  readonly #stream: DeflateRaw;
  readonly #forgets: boolean;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #isClosed = false;

  /**
   * @param windowBits How far back to look, as a power of two.
   * @param forgets Whether to forget each message.
   */
  constructor(windowBits: number, forgets: boolean) {
    this.#forgets = forgets;
    this.#stream = builtin("node:zlib").createDeflateRaw({ windowBits });
    this.#stream.on("data", (piece: Uint8Array) => {
      this.#pieces.push(piece);
      this.#length += piece.length;
    });
  }

  /** Compresses a message, which must not be altered meanwhile. */
  deflate(
    message: Uint8Array,
    done: (bytes: Uint8Array<ArrayBuffer>) => void,
  ): void {
    this.#stream.write(message);
    this.#stream.flush(SYNC_FLUSH, () => {
      if (this.#isClosed) return;
      // Nothing comes of nothing, if that is where the last flush has ended.
      const bytes = this.#length < TAIL.length
        ? new Uint8Array(1)
        : join(this.#pieces, this.#length - TAIL.length);
      this.#pieces = [];
      this.#length = 0;
      if (this.#forgets) this.#stream.reset();
      done(bytes);
    });
  }

  /** Lets go of its memory, and forgets what it was asked for. */
  close(): void {
    this.#isClosed = true;
    this.#stream.close();
  }
}

/** A message, or what was wrong with it. */
export type InflateResult = Uint8Array<ArrayBuffer> | WebsocketError;

/** Decompresses messages, one at a time, each no longer than a limit. */
export class Inflater {
  readonly #windowBits: number;
  readonly #forgets: boolean;
  readonly #maxLength: number;
  #stream: InflateRaw | null = null;
  #hasEnded = false;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #ends = 0;
  #settle: ((result: InflateResult) => void) | null = null;

  /**
   * @param windowBits How far back the other side looks, as a power of two.
   * @param forgets Whether the other side forgets each message.
   * @param maxLength Bytes that a message may have.
   */
  constructor(windowBits: number, forgets: boolean, maxLength: number) {
    // To look back too far does no harm, and 8 is not to be had.
    this.#windowBits = Math.max(9, windowBits);
    this.#forgets = forgets;
    this.#maxLength = maxLength;
  }

  /** Decompresses a message. After a failure no further one may be tried. */
  inflate(
    message: Uint8Array,
    done: (result: InflateResult) => void,
  ): void {
    if (message.length === 0) {
      // Made by those that have found nothing to flush.
      done(new Uint8Array(0));
      return;
    }
    this.#settle = done;
    this.#ends = 0;
    const whole = new Uint8Array(message.length + TAIL.length);
    whole.set(message);
    whole.set(TAIL, message.length);
    this.#write(whole);
  }

  #write(bytes: Uint8Array): void {
    const stream = this.#stream ??= this.#open();
    const before = stream.bytesWritten;
    const step = () => {
      if (this.#settle === null || this.#stream !== stream) return;
      const used = stream.bytesWritten - before;
      if (used === bytes.length && !this.#hasEnded) this.#done();
      // The data may end within a message (section 7.2.3.4), and begin anew.
      else if (++this.#ends > MAX_ENDS || used === 0) {
        this.#fail(new WebsocketError("bad-compression"));
      } else {
        stream.close();
        this.#stream = null;
        if (used === bytes.length) this.#done();
        else this.#write(bytes.subarray(used));
      }
    };
    stream.write(bytes);
    stream.flush(step);
  }

  #open(): InflateRaw {
    const stream = builtin("node:zlib").createInflateRaw({
      windowBits: this.#windowBits,
    });
    this.#hasEnded = false;
    stream.on("data", (piece: Uint8Array) => {
      if (this.#stream !== stream) return;
      this.#length += piece.length;
      if (this.#length > this.#maxLength) {
        this.#fail(new WebsocketError("message-too-large"));
      } else this.#pieces.push(piece);
    });
    stream.on("end", () => {
      if (this.#stream === stream) this.#hasEnded = true;
    });
    stream.on("error", () => {
      if (this.#stream === stream) {
        this.#fail(new WebsocketError("bad-compression"));
      }
    });
    return stream;
  }

  #done(): void {
    const bytes = join(this.#pieces, this.#length);
    this.#pieces = [];
    this.#length = 0;
    if (this.#hasEnded) {
      this.#stream?.close();
      this.#stream = null;
    } else if (this.#forgets) this.#stream?.reset();
    const settle = this.#settle;
    this.#settle = null;
    settle?.(bytes);
  }

  #fail(error: WebsocketError): void {
    const settle = this.#settle;
    this.close();
    settle?.(error);
  }

  /** Lets go of its memory, and forgets what it was asked for. */
  close(): void {
    const stream = this.#stream;
    this.#stream = null;
    this.#settle = null;
    this.#pieces = [];
    this.#length = 0;
    stream?.close();
  }
}
