import { bufferClass } from "../runtime/builtins.ts";
import type { ByteSink } from "./byte_sink.ts";
import { Deflater } from "./deflate.ts";
import type { DeflateParameters } from "./extensions.ts";
import { headLength, MAX_HEAD, writeFrameHead } from "./frame_writer.ts";
import { Opcode, type WebsocketRole } from "./frame_head.ts";
import { applyMask, maskBytes } from "./mask.ts";

/** Messages of fewer bytes, or characters, are not compressed. */
const COMPRESS_FROM = 256;
/** Messages of up to so many bytes, or characters, are gathered as one piece. */
const SMALL = 1024;
/** What is ours alone is sent from where it lies, if it is longer. */
const LARGE = 65_536;
/** So much of a payload is copied at once: buffers of that size are kept. */
const PART = 262_144;
/** Up to so many characters a loop is quicker than the encoder. */
const LOOP_UP_TO = 24;
/** To compress a message counts as so many things that are done for the peer. */
const A_MESSAGE = 4;
/** And as one more for each 2^N bytes of it. */
const A_THING = 12;
/** How often a turn must bring nothing more before output is sent. */
const QUIET_TURNS = 3;

const encoder = new TextEncoder();

// Where small frames are put together: those of all, as append() copies them.
const scratch = new Uint8Array(MAX_HEAD + SMALL * 3);
const scratchBody = scratch.subarray(MAX_HEAD);
// The last view made of it: frames are often of one size.
let scratchView = scratch;

function scratchPart(start: number, end: number): Uint8Array {
  if (
    scratchView.byteOffset !== start || scratchView.length !== end - start
  ) scratchView = scratch.subarray(start, end);
  return scratchView;
}

// Random bytes for masking keys, and the key in use.
const keys = new Uint8Array(4096);
let keysUsed = keys.length;
const key = new Uint8Array(4);

function nextKey(): Uint8Array {
  if (keysUsed === keys.length) {
    crypto.getRandomValues(keys);
    keysUsed = 0;
  }
  key[0] = keys[keysUsed++];
  key[1] = keys[keysUsed++];
  key[2] = keys[keysUsed++];
  key[3] = keys[keysUsed++];
  return key;
}

/** A text as bytes of their own; for ASCII this is the quickest way. */
function encode(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  const { read } = encoder.encodeInto(text, bytes);
  return read === text.length ? bytes : encoder.encode(text);
}

/** Something that waits for the compressor. */
interface Waiting {
  opcode: Opcode;
  bytes: Uint8Array;
  isToCompress: boolean;
  written: (() => void) | null;
}

/** Messages to frames, in order, and on to the connection. */
export class Outbox {
  /** Bytes of messages that wait for the compressor. */
  waitingBytes = 0;
  readonly #sink: ByteSink;
  readonly #isMasked: boolean;
  readonly #windowBits: number;
  readonly #forgets: boolean;
  #deflater: Deflater | null = null;
  #isDeflating = false;
  // Calls off the turn in which the compressor goes on.
  #callOff: (() => void) | null = null;
  #waiting: Waiting[] = [];
  // Resolves to true once nothing waits for the compressor.
  #compressed: PromiseWithResolvers<boolean> | null = null;
  #quiet = 0;
  #isFlushing = false;

  constructor(
    sink: ByteSink,
    role: WebsocketRole,
    deflate: DeflateParameters | null,
  ) {
    this.#sink = sink;
    this.#isMasked = role === "client";
    this.#windowBits = deflate === null
      ? 0
      : role === "client"
      ? deflate.clientMaxWindowBits
      : deflate.serverMaxWindowBits;
    this.#forgets = deflate !== null &&
      (role === "client"
        ? deflate.clientNoContextTakeover
        : deflate.serverNoContextTakeover);
  }

  /** Sends a text. */
  text(text: string): void {
    const { length } = text;
    // A compressor can do no less than 9 bits; with 8 nothing is compressed.
    const isToCompress = length >= COMPRESS_FROM && this.#windowBits > 8;
    if (isToCompress || this.#isDeflating) {
      this.#own(Opcode.TEXT, encode(text), isToCompress);
      return;
    }
    if (length > SMALL) {
      this.#longText(text);
      return;
    }
    let i = 0;
    if (length <= LOOP_UP_TO) {
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code >= 0x80) break;
        scratchBody[i] = code;
      }
    }
    this.#small(
      Opcode.TEXT,
      i === length ? i : encoder.encodeInto(text, scratchBody).written,
    );
  }

  /** Sends bytes, which are not altered, and may be afterwards. */
  binary(bytes: Uint8Array): void {
    const { length } = bytes;
    const isToCompress = length >= COMPRESS_FROM && this.#windowBits > 8;
    if (isToCompress || this.#isDeflating) {
      this.#own(Opcode.BINARY, new Uint8Array(bytes), isToCompress);
      return;
    }
    if (length > SMALL) {
      this.#copied(Opcode.BINARY, bytes, false);
      return;
    }
    scratchBody.set(bytes);
    this.#small(Opcode.BINARY, length);
  }

  /** Sends a ping or a pong, ahead of what waits for the compressor. */
  control(opcode: Opcode, payload: Uint8Array): void {
    scratchBody.set(payload);
    this.#small(opcode, payload.length);
  }

  /** Sends the close frame behind all else, and calls back. */
  close(payload: Uint8Array, written: () => void): void {
    if (this.#isDeflating) {
      this.#waiting.push({
        opcode: Opcode.CLOSE,
        bytes: payload,
        isToCompress: false,
        written,
      });
      return;
    }
    this.control(Opcode.CLOSE, payload);
    written();
  }

  /**
   * Resolves to true once no more than `amount` bytes wait, be it for the
   * compressor or for the peer, to false if they will not be sent.
   */
  whenBelow(amount: number): Promise<boolean> {
    if (
      !this.#isDeflating ||
      this.waitingBytes + this.#sink.bufferedAmount <= amount
    ) return this.#sink.whenBelow(amount);
    this.#compressed ??= Promise.withResolvers();
    return this.#compressed.promise.then((isSent) =>
      isSent && this.#sink.whenBelow(amount)
    );
  }

  /** Sends nothing more of what waits, and lets go of the compressor. */
  drop(): void {
    this.#waiting = [];
    this.waitingBytes = 0;
    this.#isDeflating = false;
    this.#callOff?.();
    this.#callOff = null;
    this.#compressed?.resolve(false);
    this.#compressed = null;
    this.#deflater?.close();
    this.#deflater = null;
  }

  /** A message in bytes that are nobody else's. */
  #own(opcode: Opcode, bytes: Uint8Array, isToCompress: boolean): void {
    if (this.#isDeflating) {
      this.waitingBytes += bytes.length;
      this.#waiting.push({ opcode, bytes, isToCompress, written: null });
    } else if (isToCompress) this.#compress(opcode, bytes);
    else this.#large(opcode, bytes, false);
  }

  #compress(opcode: Opcode, bytes: Uint8Array): void {
    this.#isDeflating = true;
    this.waitingBytes += bytes.length;
    // What leaves next to nothing to send would never let anything else happen.
    if (this.#sink.spend(0)) this.#deflate(opcode, bytes);
    else {
      this.#callOff = this.#sink.whenTurn(() => {
        this.#callOff = null;
        this.#deflate(opcode, bytes);
      });
    }
  }

  #deflate(opcode: Opcode, bytes: Uint8Array): void {
    this.#sink.spend(A_MESSAGE + (bytes.length >> A_THING));
    this.#deflater ??= new Deflater(this.#windowBits, this.#forgets);
    this.#deflater.deflate(bytes, (compressed) => {
      this.#isDeflating = false;
      this.waitingBytes -= bytes.length;
      // One that is not looked back to may as well go as it was.
      if (this.#forgets && compressed.length >= bytes.length) {
        this.#large(opcode, bytes, false);
      } else this.#large(opcode, compressed, true);
      this.#goOn();
    });
  }

  /** What has waited for the compressor. */
  #goOn(): void {
    while (!this.#isDeflating && this.#waiting.length > 0) {
      const { opcode, bytes, isToCompress, written } = this.#waiting.shift()!;
      if (written !== null) {
        this.control(opcode, bytes);
        this.#allCompressed();
        written();
        continue;
      }
      this.waitingBytes -= bytes.length;
      if (isToCompress) this.#compress(opcode, bytes);
      else this.#large(opcode, bytes, false);
    }
    if (!this.#isDeflating) this.#allCompressed();
  }

  #allCompressed(): void {
    this.#compressed?.resolve(true);
    this.#compressed = null;
  }

  /** A frame whose payload is in `scratchBody`. */
  #small(opcode: Opcode, length: number): void {
    const key = this.#isMasked ? nextKey() : null;
    const start = MAX_HEAD - headLength(length, key !== null);
    writeFrameHead(scratch, start, opcode, length, key);
    const end = MAX_HEAD + length;
    if (key !== null) applyMask(scratch, MAX_HEAD, end, key);
    this.#sink.append(scratchPart(start, end));
    this.#flushSoon();
  }

  /** A frame of bytes that are nobody else's, and are masked where they lie. */
  #large(opcode: Opcode, bytes: Uint8Array, isCompressed: boolean): void {
    const { length } = bytes;
    if (length <= LARGE) {
      this.#copied(opcode, bytes, isCompressed);
      return;
    }
    const key = this.#isMasked ? nextKey() : null;
    const end = writeFrameHead(scratch, 0, opcode, length, key, isCompressed);
    if (key !== null) maskBytes(bytes, 0, length, key);
    this.#sink.append(scratchPart(0, end));
    this.#sink.append(bytes);
    this.#flushSoon();
  }

  /** A frame of bytes that are copied; its head leaves with the first of them. */
  #copied(opcode: Opcode, bytes: Uint8Array, isCompressed: boolean): void {
    const sink = this.#sink;
    if (sink.isClosed) return;
    const { length } = bytes;
    const key = this.#isMasked ? nextKey() : null;
    let from = 0;
    do {
      const end = Math.min(from + PART, length);
      const out = sink.room(MAX_HEAD + end - from);
      let at = sink.outEnd;
      if (from === 0) {
        at = writeFrameHead(out, at, opcode, length, key, isCompressed);
      }
      out.set(end - from === length ? bytes : bytes.subarray(from, end), at);
      this.#wrote(out, at, at + end - from, key, from);
      from = end;
    } while (from < length);
    this.#flushSoon();
  }

  /** A frame of text, which is encoded to where it is sent from. */
  #longText(text: string): void {
    const sink = this.#sink;
    if (sink.isClosed || this.#asciiText(text)) return;
    const length = bufferClass().byteLength(text);
    const key = this.#isMasked ? nextKey() : null;
    let from = 0, done = 0;
    do {
      const out = sink.room(Math.min(MAX_HEAD + length - done, PART));
      let at = sink.outEnd;
      if (done === 0) at = writeFrameHead(out, at, Opcode.TEXT, length, key);
      // There is never room for all of a part, so that no character is cut.
      const { read, written } = encoder.encodeInto(
        text.slice(from, from + PART),
        out.subarray(at, at + PART - MAX_HEAD),
      );
      this.#wrote(out, at, at + written, key, done);
      from += read;
      done += written;
    } while (done < length);
    this.#flushSoon();
  }

  /** The same of what is as long as its text: most is; if not, sends nothing. */
  #asciiText(text: string): boolean {
    const { length } = text;
    if (length > PART) return false;
    const out = this.#sink.room(MAX_HEAD + length);
    const start = this.#sink.outEnd;
    const at = start + headLength(length, this.#isMasked);
    const { read } = encoder.encodeInto(text, out.subarray(at, at + length));
    if (read < length) return false;
    const key = this.#isMasked ? nextKey() : null;
    writeFrameHead(out, start, Opcode.TEXT, length, key);
    this.#wrote(out, at, at + length, key, 0);
    this.#flushSoon();
    return true;
  }

  /** Part of a payload is in a buffer of the connection's. */
  #wrote(
    out: Uint8Array,
    start: number,
    end: number,
    key: Uint8Array | null,
    phase: number,
  ): void {
    if (key !== null) maskBytes(out, start, end, key, phase);
    this.#sink.wrote(end);
  }

  /** Sends when the application has come to rest: all of one go together. */
  #flushSoon(): void {
    this.#quiet = 0;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    if (++this.#quiet < QUIET_TURNS) {
      queueMicrotask(this.#flush);
      return;
    }
    this.#isFlushing = false;
    this.#sink.flush();
  };
}
