import { checkBytes } from "../parse/arguments.ts";
import { OptionNames } from "../parse/option_names.ts";
import { WebsocketError, type WebsocketErrorCode } from "./errors.ts";
import {
  checkRole,
  FrameHead,
  Opcode,
  type WebsocketRole,
} from "./frame_head.ts";
import { applyMask, maskBytes } from "./mask.ts";
import { MessageBuffer } from "./message_buffer.ts";
import { asciiText, decodeUtf8, Utf8Validator } from "./utf8.ts";

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
  /**
   * A piece of a message is in, in `payload`: see `isText`, `isFirst`, `isLast`.
   * Comes in place of `MESSAGE` where it is asked for.
   */
  PIECE: 7,
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
  /**
   * Whether messages are given piece by piece as they come, each `PIECE` in
   * bytes of its own, and nothing of them is kept; default `false`.
   */
  isStreaming?: boolean;
}

const NAMES = new OptionNames<FrameReaderOptions>("FrameReader", {
  role: true,
  maxMessageLength: true,
  allowCompressed: true,
  showParts: true,
  isStreaming: true,
});

const State = {
  HEAD: 0, // in the head of a frame
  DATA: 1, // in the payload of a message's frame
  CONTROL: 2, // in the payload of a control frame
  CLOSED: 3, // behind a close frame: all is thrown away
  FAILED: 4,
} as const;
type State = typeof State[keyof typeof State];

const NOTHING = new Uint8Array(0);
/** Payloads of more bytes are worth some preparation. */
const LONG = 4096;
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
  /** Whether the last piece is the first of its message. */
  isFirst = false;
  /** Whether it is the last of it. */
  isLast = false;
  /** What was wrong, after `FAILED`. */
  error: WebsocketError | null = null;

  readonly #isMasked: boolean;
  readonly #showParts: boolean;
  readonly #isStreaming: boolean;
  #bytes: Uint8Array<ArrayBufferLike> = NOTHING;
  #pos = 0;
  #end = 0;
  #state: State = State.HEAD;

  // The frame in hand.
  readonly #head: FrameHead;
  #done = 0; // bytes of its payload that are in
  #control: Uint8Array<ArrayBuffer> | null = null;

  // The message in hand.
  #isInMessage = false;
  // What is kept of it, if it does not come at once.
  #message: MessageBuffer | null = null;
  // Of one that is given piece by piece.
  #streamed = 0;
  #hasBegun = false;
  #validator: Utf8Validator | null = null;

  /**
   * A reader that waits for its first frame.
   *
   * @param options Side and limits.
   * @throws {TypeError} If an option is unknown, or of the wrong type.
   */
  constructor(options: FrameReaderOptions) {
    NAMES.check(options);
    checkRole(options?.role);
    const {
      role,
      maxMessageLength = 1048576,
      allowCompressed = false,
    } = options;
    this.#isMasked = role === "server";
    this.#head = new FrameHead(
      this.#isMasked,
      maxMessageLength,
      allowCompressed,
    );
    this.#showParts = options.showParts ?? false;
    this.#isStreaming = options.isStreaming ?? false;
  }

  /** Whether a message, or a frame, has begun and is not complete. */
  get isInMessage(): boolean {
    return this.#isInMessage ||
      this.#state < State.CLOSED &&
        (this.#state !== State.HEAD || this.#head.hasBegun);
  }

  /**
   * Takes bytes, once those before are used up. They are unmasked where they
   * lie. Call `next()` until it asks for more; then they may be used again.
   *
   * @throws {TypeError} If `next()` has not yet asked for more.
   */
  feed(bytes: Uint8Array): void {
    checkBytes("What is fed", bytes);
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
        const isEmpty = this.#head.length === 0 &&
          (this.#state === State.DATA || this.#state === State.CONTROL);
        if (!isEmpty && this.#state !== State.FAILED) {
          this.#bytes = NOTHING;
          this.#pos = this.#end = 0;
          return FrameEvent.MORE;
        }
      }
      switch (this.#state) {
        case State.HEAD:
          if (!this.#readHead()) return FrameEvent.FAILED;
          break;
        case State.DATA:
          if (this.#isStreaming) {
            if (!this.#piece()) break;
            return this.error === null ? FrameEvent.PIECE : FrameEvent.FAILED;
          }
          if (this.#data()) {
            return this.error === null ? FrameEvent.MESSAGE : FrameEvent.FAILED;
          }
          if (this.#showParts && this.#done === this.#head.length) {
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
    this.#message = null;
    return false;
  }

  /** More of a head; false when it breaks a rule. */
  #readHead(): boolean {
    const head = this.#head;
    const kept = this.#message === null ? this.#streamed : this.#message.length;
    this.#pos = head.read(
      this.#bytes,
      this.#pos,
      this.#end,
      this.#isInMessage,
      kept,
    );
    if (!head.isDone) return head.fault === null || this.#fail(head.fault);
    this.#done = 0;
    const { opcode } = head;
    if (opcode >= Opcode.CLOSE) {
      this.#state = State.CONTROL;
      return true;
    }
    this.#state = State.DATA;
    if (opcode !== Opcode.CONTINUATION) {
      this.#isInMessage = true;
      this.isText = opcode === Opcode.TEXT;
      this.isCompressed = head.isCompressed;
    }
    return true;
  }

  #nextHead(): void {
    this.#head.begin();
    this.#state = State.HEAD;
  }

  /** A piece of a message; true when that is complete, or bad. */
  #data(): boolean {
    const head = this.#head;
    const bytes = this.#bytes;
    const start = this.#pos;
    const end = Math.min(this.#end, start + head.length - this.#done);
    const phase = this.#done;
    this.#pos = end;
    this.#done += end - start;
    const isFrameDone = this.#done === head.length;
    const isLast = isFrameDone && head.isFinal;
    const isText = this.isText && !this.isCompressed;
    let isAscii = false;
    if (this.#isMasked) {
      // A decoder finds out by itself, where all of a text is here.
      const asks = isText &&
        (!isLast || this.#message !== null || end - start <= LONG);
      if (asks) isAscii = applyMask(bytes, start, end, head.key, phase);
      else maskBytes(bytes, start, end, head.key, phase);
    }
    if (isFrameDone) this.#nextHead();
    if (isLast) {
      this.#isInMessage = false;
      if (this.#message === null) {
        // All of it lies in the bytes that were fed.
        this.payload = NOTHING;
        if (!isText) {
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
    if (start < end) this.#message ??= new MessageBuffer();
    const message = this.#message;
    if (message === null) return false;
    const most = head.isFinal
      ? message.length + head.length - this.#done + end - start
      : head.limit;
    if (
      !message.add(bytes, start, end, isText, isAscii, most) ||
      isLast && isText && !message.isComplete
    ) {
      this.#fail("bad-text");
      return true;
    }
    if (!isLast) return false;
    this.#message = null;
    this.text = isText ? message.takeText() : "";
    this.payload = isText ? NOTHING : message.takeBytes();
    return true;
  }

  /** A piece of a message that is given on; false for nothing of one. */
  #piece(): boolean {
    const head = this.#head;
    const bytes = this.#bytes;
    const start = this.#pos;
    const end = Math.min(this.#end, start + head.length - this.#done);
    if (this.#isMasked) maskBytes(bytes, start, end, head.key, this.#done);
    this.#pos = end;
    this.#done += end - start;
    this.#streamed += end - start;
    const isFrameDone = this.#done === head.length;
    this.isLast = isFrameDone && head.isFinal;
    this.isFirst = !this.#hasBegun;
    this.#hasBegun = !this.isLast;
    if (isFrameDone) this.#nextHead();
    if (this.isText) {
      const validator = this.#validator ??= new Utf8Validator();
      if (
        !validator.accept(bytes, start, end) ||
        this.isLast && !validator.isComplete
      ) {
        this.#fail("bad-text");
        return true;
      }
    }
    if (this.isLast) {
      this.#isInMessage = false;
      this.#streamed = 0;
      this.#validator = null;
    }
    if (start === end && !this.isFirst && !this.isLast) return false;
    this.payload = copy(bytes, start, end);
    return true;
  }

  /** A piece of a control frame; true when that is complete. */
  #controlData(): boolean {
    const head = this.#head;
    const bytes = this.#bytes;
    const start = this.#pos;
    const end = Math.min(this.#end, start + head.length - this.#done);
    if (this.#isMasked) applyMask(bytes, start, end, head.key, this.#done);
    this.#pos = end;
    if (end - start === head.length) {
      this.payload = view(bytes, start, end);
      return true;
    }
    const control = this.#control ??= new Uint8Array(125);
    control.set(view(bytes, start, end), this.#done);
    this.#done += end - start;
    if (this.#done < head.length) return false;
    this.payload = control.subarray(0, head.length);
    return true;
  }

  #controlDone(): FrameEvent {
    const { opcode } = this.#head;
    this.#nextHead();
    if (opcode === Opcode.PING) return FrameEvent.PING;
    if (opcode === Opcode.PONG) return FrameEvent.PONG;
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
    this.#message = null;
    this.#isInMessage = false;
    return FrameEvent.CLOSE;
  }
}

function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  // This does not write zeros first, but takes longer to begin.
  if (end - start > LONG) return new Uint8Array(view(bytes, start, end));
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
