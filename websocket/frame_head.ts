import type { WebsocketErrorCode } from "./errors.ts";

/** Which side of a WebSocket somebody is on: clients mask, servers do not. */
export type WebsocketRole = "server" | "client";

/** @throws {TypeError} If a side is none. */
export function checkRole(role: unknown): void {
  if (role !== "server" && role !== "client") {
    throw new TypeError('Option "role" is neither "server" nor "client"');
  }
}

/** What the four bits say that name the kind of a frame. */
export const Opcode = {
  /** Goes on with a message. */
  CONTINUATION: 0,
  /** Begins a message of text. */
  TEXT: 1,
  /** Begins a message of bytes. */
  BINARY: 2,
  /** The last frame of a side. */
  CLOSE: 8,
  /** Asks for a pong. */
  PING: 9,
  /** Answers a ping. */
  PONG: 10,
} as const;
/** One of {@linkcode Opcode}. */
export type Opcode = typeof Opcode[keyof typeof Opcode];

const At = {
  FIRST: 0, // the byte of the opcode
  SECOND: 1, // the byte of the short length
  LENGTH: 2, // in a longer length
  KEY: 3, // in the masking key
  DONE: 4,
} as const;
type At = typeof At[keyof typeof At];

/** The head of a frame (RFC 6455 section 5.2), byte by byte. */
export class FrameHead {
  /** Whether the frame is the last of its message. */
  isFinal = false;
  /** Whether the message that it belongs to, or was sent within, is compressed. */
  isCompressed = false;
  /** One of {@linkcode Opcode}. */
  opcode = 0;
  /** Bytes of the payload. */
  length = 0;
  /** The masking key. */
  readonly key: Uint8Array<ArrayBuffer> = new Uint8Array(4);
  /** Which rule it breaks. */
  fault: WebsocketErrorCode | null = null;

  readonly #isMasked: boolean;
  readonly #maxLength: number;
  readonly #allowCompressed: boolean;
  #at: At = At.FIRST;
  #lengthLeft = 0;
  #lengthFrom = 0;
  #keyBytes = 0;

  /**
   * A head that waits for its first byte.
   *
   * @param maxLength Bytes that a message may have.
   */
  constructor(isMasked: boolean, maxLength: number, allowCompressed: boolean) {
    this.#isMasked = isMasked;
    this.#maxLength = maxLength;
    this.#allowCompressed = allowCompressed;
  }

  /** Whether it has begun. */
  get hasBegun(): boolean {
    return this.#at !== At.FIRST;
  }

  /** Whether it is complete. */
  get isDone(): boolean {
    return this.#at === At.DONE;
  }

  /** Bytes of a message; what cannot be made smaller may grow by compression. */
  get limit(): number {
    return this.isCompressed
      ? this.#maxLength + Math.floor(this.#maxLength / 1024) + 64
      : this.#maxLength;
  }

  /** Waits for the first byte of the next. */
  begin(): void {
    this.#at = At.FIRST;
  }

  /**
   * Reads on, until it is complete or breaks a rule.
   *
   * @param isInMessage Whether a message has begun and is not complete.
   * @param kept Bytes that are in of that message.
   * @returns Where it stops in the bytes.
   */
  read(
    bytes: Uint8Array,
    pos: number,
    end: number,
    isInMessage: boolean,
    kept: number,
  ): number {
    if (this.#at === At.FIRST && pos < end) {
      this.#first(bytes[pos++], isInMessage);
    }
    if (this.#at === At.SECOND && pos < end && this.fault === null) {
      this.#second(bytes[pos++], kept);
    }
    while (this.#at === At.LENGTH && pos < end && this.fault === null) {
      this.#longLength(bytes[pos++], kept);
    }
    if (this.#at !== At.KEY) return pos;
    while (this.#keyBytes < 4 && pos < end) {
      this.key[this.#keyBytes++] = bytes[pos++];
    }
    if (this.#keyBytes === 4) this.#at = At.DONE;
    return pos;
  }

  /** FIN, the reserved bits and the opcode. */
  #first(byte: number, isInMessage: boolean): void {
    const opcode = byte & 0x0f;
    this.isFinal = byte >= 0x80;
    this.opcode = opcode;
    this.#at = At.SECOND;
    const isCompressed = (byte & 0x40) !== 0;
    if (opcode === Opcode.TEXT || opcode === Opcode.BINARY) {
      this.isCompressed = isCompressed;
    }
    if ((byte & 0x30) !== 0) this.fault = "reserved-bit";
    // RFC 7692 section 6: on the first frame of a message and nowhere else.
    else if (
      isCompressed &&
      (!this.#allowCompressed || opcode === 0 || opcode > Opcode.BINARY)
    ) this.fault = "reserved-bit";
    else if (opcode > Opcode.BINARY) {
      if (opcode < Opcode.CLOSE || opcode > Opcode.PONG) {
        this.fault = "bad-opcode";
      } else if (!this.isFinal) this.fault = "fragmented-control";
    } else if (opcode === Opcode.CONTINUATION) {
      if (!isInMessage) this.fault = "unexpected-continuation";
    } else if (isInMessage) this.fault = "unfinished-message";
  }

  /** The mask bit and the short length. */
  #second(byte: number, kept: number): void {
    if ((byte >= 0x80) !== this.#isMasked) {
      this.fault = this.#isMasked ? "missing-mask" : "unexpected-mask";
      return;
    }
    const length = byte & 0x7f;
    this.length = length;
    if (this.opcode >= Opcode.CLOSE) {
      if (length > 125) this.fault = "control-too-long";
      else if (this.opcode === Opcode.CLOSE && length === 1) {
        this.fault = "bad-close-payload";
      } else this.#lengthDone();
    } else if (length > 125) {
      // The least number of bytes must be used (section 5.2).
      this.#lengthFrom = length === 126 ? 126 : 65536;
      this.#lengthLeft = length === 126 ? 2 : 8;
      this.length = 0;
      this.#at = At.LENGTH;
    } else if (length + kept > this.limit) this.fault = "message-too-large";
    else this.#lengthDone();
  }

  /** A byte of a length of 16 or 64 bits. */
  #longLength(byte: number, kept: number): void {
    if (this.#lengthLeft === 8 && byte >= 0x80) {
      this.fault = "bad-length";
      return;
    }
    this.length = this.length * 256 + byte;
    if (--this.#lengthLeft > 0) return;
    if (this.length < this.#lengthFrom) this.fault = "bad-length";
    else if (this.length + kept > this.limit) this.fault = "message-too-large";
    else this.#lengthDone();
  }

  #lengthDone(): void {
    this.#keyBytes = 0;
    this.#at = this.#isMasked ? At.KEY : At.DONE;
  }
}
