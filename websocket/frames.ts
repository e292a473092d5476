import { WebsocketError, type WebsocketErrorCode } from "./errors.ts";
import { applyMask } from "./mask.ts";
import { asciiText, decodeUtf8, utf8Text, Utf8Validator } from "./utf8.ts";

/** Which side of a WebSocket somebody is on: clients mask, servers do not. */
export type WebsocketRole = "server" | "client";

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

/** What {@linkcode FrameReader.next} came to. */
export const FrameEvent = {
  /** The bytes so far are used up; more are needed to go on. */
  MORE: 0,
  /** A message is complete: see `isText`, `isCompressed`, `text`, `payload`. */
  MESSAGE: 1,
  /** A ping is in, with its `payload`. */
  PING: 2,
  /** A pong is in, with its `payload`. */
  PONG: 3,
  /** The peer's last frame is in: see `closeCode`, `closeReason`. */
  CLOSE: 4,
  /** The peer broke a rule; see `error`. No later event comes. */
  FAILED: 5,
  /** A frame of a message is in that is not its last; comes where it is asked for. */
  PART: 6,
} as const;
/** One of {@linkcode FrameEvent}. */
export type FrameEvent = typeof FrameEvent[keyof typeof FrameEvent];

/** What a {@linkcode FrameReader} is to know. */
export interface FrameReaderOptions {
  /** The side that reads; the other one's frames come in. */
  role: WebsocketRole;
  /** Bytes of a message; default 1 MiB. */
  maxMessageLength?: number;
  /** Whether messages may be compressed (RFC 7692); default `false`. */
  allowCompressed?: boolean;
  /**
   * Whether each frame is an event, `PART` those that do not end a message, so
   * that frames can be counted; default `false`.
   */
  showParts?: boolean;
}

const State = {
  FIRST: 0, // the byte of the opcode
  SECOND: 1, // the byte of the short length
  LENGTH: 2, // in a longer length
  KEY: 3, // in the masking key
  DATA: 4, // in the payload of a message's frame
  CONTROL: 5, // in the payload of a control frame
  CLOSED: 6, // behind a close frame: all is thrown away
  FAILED: 7,
} as const;
type State = typeof State[keyof typeof State];

const NOTHING = new Uint8Array(0);
/** A message's first own buffer, when its length is not known. */
const FIRST_BUFFER = 512;

/**
 * Frames to messages (RFC 6455 section 5). It does no I/O and never waits.
 *
 * However finely the input is cut, the events are the same. Sizes are checked
 * before bytes are kept, and nothing is allocated that has only been announced.
 */
export class FrameReader {
  /** Whether the last message is text. */
  isText = false;
  /** Whether the last message is compressed, so that it was not decoded. */
  isCompressed = false;
  /** The last message, if it is text and not compressed; else "". */
  text = "";
  /**
   * Payload of the last message that is not in `text`, in bytes of its own; or
   * of the last ping or pong, which must be copied to be kept.
   */
  payload: Uint8Array<ArrayBufferLike> = NOTHING;
  /** Code of the close frame; 1005 for one without. */
  closeCode = 1005;
  /** Reason of the close frame. */
  closeReason = "";
  /** What was wrong, after `FAILED`. */
  error: WebsocketError | null = null;

  readonly #isMasked: boolean;
  readonly #maxLength: number;
  readonly #allowCompressed: boolean;
  readonly #showParts: boolean;
  #bytes: Uint8Array<ArrayBufferLike> = NOTHING;
  #pos = 0;
  #end = 0;
  #state: State = State.FIRST;

  // The frame in hand.
  #isFinal = false;
  #opcode = 0;
  #lengthLeft = 0;
  #lengthFrom = 0;
  #length = 0;
  readonly #key = new Uint8Array(4);
  #keyBytes = 0;
  #done = 0; // bytes of its payload that are in
  #control: Uint8Array<ArrayBuffer> | null = null;

  // The message in hand.
  #isInMessage = false;
  #message: Uint8Array<ArrayBuffer> = NOTHING;
  #messageLength = 0;
  #validator: Utf8Validator | null = null;

  /**
   * A reader that waits for its first frame.
   *
   * @param options Side and limits.
   */
  constructor(options: FrameReaderOptions) {
    this.#isMasked = options.role === "server";
    this.#maxLength = options.maxMessageLength ?? 1048576;
    this.#allowCompressed = options.allowCompressed ?? false;
    this.#showParts = options.showParts ?? false;
  }

  /** Whether a message, or a frame, has begun and is not complete. */
  get isInMessage(): boolean {
    return this.#isInMessage ||
      this.#state !== State.FIRST && this.#state < State.CLOSED;
  }

  /**
   * Takes bytes, once those before are used up. They are unmasked where they
   * lie. Call `next()` until it asks for more; then they may be used again.
   *
   * @throws {TypeError} If `next()` has not yet asked for more.
   */
  feed(bytes: Uint8Array): void {
    if (this.#pos < this.#end && this.#state < State.CLOSED) {
      throw new TypeError("Cannot feed bytes before the last are used up");
    }
    this.#bytes = bytes;
    this.#pos = 0;
    this.#end = bytes.length;
  }

  /** Whether some of what was fed is not used up. */
  get hasInput(): boolean {
    return this.#pos < this.#end;
  }

  /**
   * Keeps what was fed and is not used up, with more that has come behind it:
   * the bytes that were fed may be used again at once.
   */
  keep(more: Uint8Array = NOTHING): void {
    const left = this.#end - this.#pos;
    const kept = new Uint8Array(left + more.length);
    kept.set(view(this.#bytes, this.#pos, this.#end));
    kept.set(more, left);
    this.#bytes = kept;
    this.#pos = 0;
    this.#end = kept.length;
  }

  /** Goes on with the bytes received so far. */
  next(): FrameEvent {
    for (;;) {
      if (this.#pos === this.#end) {
        // What has no payload is complete without another byte.
        const isEmpty = this.#length === 0 &&
          (this.#state === State.DATA || this.#state === State.CONTROL);
        if (!isEmpty && this.#state !== State.FAILED) {
          this.#bytes = NOTHING;
          this.#pos = this.#end = 0;
          return FrameEvent.MORE;
        }
      }
      switch (this.#state) {
        case State.FIRST:
          if (!this.#first(this.#bytes[this.#pos])) return FrameEvent.FAILED;
          this.#pos++;
          break;
        case State.SECOND:
          if (!this.#second(this.#bytes[this.#pos])) return FrameEvent.FAILED;
          this.#pos++;
          break;
        case State.LENGTH:
          if (!this.#longLength(this.#bytes[this.#pos])) {
            return FrameEvent.FAILED;
          }
          this.#pos++;
          break;
        case State.KEY:
          this.#key[this.#keyBytes++] = this.#bytes[this.#pos++];
          if (this.#keyBytes === 4) this.#headDone();
          break;
        case State.DATA:
          if (this.#data()) {
            return this.error === null ? FrameEvent.MESSAGE : FrameEvent.FAILED;
          }
          if (this.#showParts && this.#done === this.#length) {
            return FrameEvent.PART;
          }
          break;
        case State.CONTROL:
          if (this.#controlData()) return this.#controlDone();
          break;
        case State.CLOSED:
          this.#pos = this.#end;
          break;
        default:
          return FrameEvent.FAILED;
      }
    }
  }

  #fail(code: WebsocketErrorCode): false {
    this.error = new WebsocketError(code);
    this.#state = State.FAILED;
    this.#message = NOTHING;
    return false;
  }

  /** FIN, the reserved bits and the opcode. */
  #first(byte: number): boolean {
    const opcode = byte & 0x0f;
    this.#isFinal = byte >= 0x80;
    this.#opcode = opcode;
    this.#done = 0;
    this.#state = State.SECOND;
    if ((byte & 0x30) !== 0) return this.#fail("reserved-bit");
    const isCompressed = (byte & 0x40) !== 0;
    // RFC 7692 section 6: on the first frame of a message and nowhere else.
    if (
      isCompressed &&
      (!this.#allowCompressed || opcode === 0 || opcode > Opcode.BINARY)
    ) return this.#fail("reserved-bit");
    if (opcode > Opcode.BINARY) {
      if (opcode < Opcode.CLOSE || opcode > Opcode.PONG) {
        return this.#fail("bad-opcode");
      }
      return this.#isFinal || this.#fail("fragmented-control");
    }
    if (opcode === Opcode.CONTINUATION) {
      return this.#isInMessage || this.#fail("unexpected-continuation");
    }
    if (this.#isInMessage) return this.#fail("unfinished-message");
    this.#isInMessage = true;
    this.isText = opcode === Opcode.TEXT;
    this.isCompressed = isCompressed;
    this.#messageLength = 0;
    return true;
  }

  /** The mask bit and the short length. */
  #second(byte: number): boolean {
    if ((byte >= 0x80) !== this.#isMasked) {
      return this.#fail(this.#isMasked ? "missing-mask" : "unexpected-mask");
    }
    const length = byte & 0x7f;
    this.#length = length;
    if (this.#opcode >= Opcode.CLOSE) {
      if (length > 125) return this.#fail("control-too-long");
      if (this.#opcode === Opcode.CLOSE && length === 1) {
        return this.#fail("bad-close-payload");
      }
    } else if (length > 125) {
      // The least number of bytes must be used (section 5.2).
      this.#lengthFrom = length === 126 ? 126 : 65536;
      this.#lengthLeft = length === 126 ? 2 : 8;
      this.#length = 0;
      this.#state = State.LENGTH;
      return true;
    }
    return this.#lengthDone();
  }

  /** A byte of a length of 16 or 64 bits. */
  #longLength(byte: number): boolean {
    if (this.#lengthLeft === 8 && byte >= 0x80) return this.#fail("bad-length");
    this.#length = this.#length * 256 + byte;
    if (--this.#lengthLeft > 0) return true;
    return this.#length >= this.#lengthFrom
      ? this.#lengthDone()
      : this.#fail("bad-length");
  }

  #lengthDone(): boolean {
    if (
      this.#opcode < Opcode.CLOSE &&
      this.#messageLength + this.#length > this.#limit
    ) return this.#fail("message-too-large");
    this.#keyBytes = 0;
    if (this.#isMasked) this.#state = State.KEY;
    else this.#headDone();
    return true;
  }

  /** What cannot be made smaller may grow a little by compression. */
  get #limit(): number {
    return this.isCompressed
      ? this.#maxLength + Math.floor(this.#maxLength / 1024) + 64
      : this.#maxLength;
  }

  #headDone(): void {
    this.#state = this.#opcode < Opcode.CLOSE ? State.DATA : State.CONTROL;
  }

  /** A piece of a message; true when that is complete, or bad. */
  #data(): boolean {
    const bytes = this.#bytes;
    const start = this.#pos;
    const end = Math.min(this.#end, start + this.#length - this.#done);
    let isAscii = false;
    if (this.#isMasked) {
      isAscii = applyMask(bytes, start, end, this.#key, this.#done);
    }
    this.#pos = end;
    this.#done += end - start;
    const isFrameDone = this.#done === this.#length;
    const isLast = isFrameDone && this.#isFinal;
    if (isFrameDone) this.#state = State.FIRST;
    if (isLast) {
      this.#isInMessage = false;
      if (this.#messageLength === 0) {
        // All of it lies in the bytes that were fed.
        this.payload = NOTHING;
        if (!this.isText || this.isCompressed) {
          this.text = "";
          this.payload = copy(bytes, start, end);
        } else if (isAscii) this.text = asciiText(bytes, start, end);
        else {
          const text = decodeUtf8(bytes, start, end);
          if (text === null) this.#fail("bad-text");
          else this.text = text;
        }
        return true;
      }
    }
    if (this.isText && !this.isCompressed) {
      const validator = this.#validator ??= new Utf8Validator();
      if (
        !validator.accept(bytes, start, end) ||
        isLast && !validator.isComplete
      ) {
        this.#fail("bad-text");
        return true;
      }
    }
    this.#keep(view(bytes, start, end));
    if (!isLast) return false;
    this.#messageDone();
    return true;
  }

  /** Adds a piece to the message's own buffer. */
  #keep(piece: Uint8Array): void {
    const length = this.#messageLength + piece.length;
    if (length > this.#message.length) {
      // Grows with what has come, never with what was announced.
      const wanted = Math.max(FIRST_BUFFER, length * 2);
      const most = this.#isFinal
        ? length + this.#length - this.#done
        : this.#limit;
      const grown = new Uint8Array(Math.max(length, Math.min(wanted, most)));
      grown.set(this.#message.subarray(0, this.#messageLength));
      this.#message = grown;
    }
    this.#message.set(piece, this.#messageLength);
    this.#messageLength = length;
  }

  #messageDone(): void {
    const message = this.#message;
    const length = this.#messageLength;
    this.#message = NOTHING;
    if (this.isText && !this.isCompressed) {
      this.text = utf8Text(message, 0, length);
      this.payload = NOTHING;
    } else {
      this.text = "";
      this.payload = message.length === length
        ? message
        : message.slice(0, length);
    }
  }

  /** A piece of a control frame; true when that is complete. */
  #controlData(): boolean {
    const bytes = this.#bytes;
    const start = this.#pos;
    const end = Math.min(this.#end, start + this.#length - this.#done);
    if (this.#isMasked) applyMask(bytes, start, end, this.#key, this.#done);
    this.#pos = end;
    if (end - start === this.#length) {
      this.payload = view(bytes, start, end);
      return true;
    }
    const control = this.#control ??= new Uint8Array(125);
    control.set(view(bytes, start, end), this.#done);
    this.#done += end - start;
    if (this.#done < this.#length) return false;
    this.payload = control.subarray(0, this.#length);
    return true;
  }

  #controlDone(): FrameEvent {
    this.#state = State.FIRST;
    if (this.#opcode === Opcode.PING) return FrameEvent.PING;
    if (this.#opcode === Opcode.PONG) return FrameEvent.PONG;
    const { payload } = this;
    if (payload.length > 0) {
      const code = payload[0] << 8 | payload[1];
      if (!isCloseCode(code)) {
        this.#fail("bad-close-code");
        return FrameEvent.FAILED;
      }
      const reason = decodeUtf8(payload, 2);
      if (reason === null) {
        this.#fail("bad-text");
        return FrameEvent.FAILED;
      }
      this.closeCode = code;
      this.closeReason = reason;
    }
    this.#state = State.CLOSED;
    this.#message = NOTHING;
    this.#isInMessage = false;
    return FrameEvent.CLOSE;
  }
}

function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copied = new Uint8Array(end - start);
  if (end > start) copied.set(view(bytes, start, end));
  return copied;
}

/** A plain view: that of a Node buffer would be one too, which takes longer. */
function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Whether a close code may be sent (RFC 6455 section 7.4, and its registry). */
export function isCloseCode(code: number): boolean {
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006) ||
    code >= 3000 && code <= 4999;
}

/** Longest head of a frame, with its masking key. */
export const MAX_HEAD = 14;

/** How long the head of a frame is. */
export function headLength(length: number, isMasked: boolean): number {
  return (length < 126 ? 2 : length < 65536 ? 4 : 10) + (isMasked ? 4 : 0);
}

/**
 * Writes the head of a frame that is a whole message, or a control frame.
 *
 * ```ts
 * import { Opcode, writeFrameHead } from "@uhttp/uhttp/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const head = new Uint8Array(14);
 * const end = writeFrameHead(head, 0, Opcode.TEXT, 5);
 * assertEquals([...head.subarray(0, end)], [0x81, 5]);
 * ```
 *
 * @param target Where to write; 14 bytes are always enough.
 * @param at Where in it to begin.
 * @param opcode The kind of frame.
 * @param length Bytes of its payload.
 * @param key The masking key of a client's frame.
 * @param isCompressed Whether the payload is compressed.
 * @returns Where the head ends.
 */
export function writeFrameHead(
  target: Uint8Array,
  at: number,
  opcode: Opcode,
  length: number,
  key: Uint8Array | null = null,
  isCompressed: boolean = false,
): number {
  const mask = key === null ? 0 : 0x80;
  target[at++] = 0x80 | (isCompressed ? 0x40 : 0) | opcode;
  if (length < 126) target[at++] = mask | length;
  else if (length < 65536) {
    target[at++] = mask | 126;
    target[at++] = length >> 8;
    target[at++] = length;
  } else {
    target[at++] = mask | 127;
    const high = Math.floor(length / 2 ** 32);
    for (let shift = 24; shift >= 0; shift -= 8) target[at++] = high >> shift;
    for (let shift = 24; shift >= 0; shift -= 8) target[at++] = length >> shift;
  }
  if (key !== null) {
    for (let i = 0; i < 4; i++) target[at++] = key[i];
  }
  return at;
}

/**
 * A whole frame as bytes of their own. The payload is not altered.
 *
 * @param opcode The kind of frame.
 * @param payload What it carries.
 * @param key The masking key of a client's frame.
 * @param isCompressed Whether the payload is compressed.
 */
export function writeFrame(
  opcode: Opcode,
  payload: Uint8Array,
  key: Uint8Array | null = null,
  isCompressed: boolean = false,
): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const frame = new Uint8Array(headLength(length, key !== null) + length);
  const at = writeFrameHead(frame, 0, opcode, length, key, isCompressed);
  frame.set(payload, at);
  if (key !== null) applyMask(frame, at, frame.length, key);
  return frame;
}
