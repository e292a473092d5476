import type { WebsocketError } from "./errors.ts";
import type { WebsocketRole } from "./frame_head.ts";
import { FrameEvent, FrameReader, type FrameReaderOptions } from "./frames.ts";
import {
  step,
  type WebsocketMove,
  type WebsocketState,
  type WebsocketStep,
} from "./states.ts";

const NOTHING = new Uint8Array(0);

/**
 * The rules of RFC 6455 for one side: bytes in, events out; and what happens
 * in, what is to be done out. It does no I/O, never waits, and has no clock.
 *
 * What is to be done is in `step`, after each `move()`, and after `next()` has
 * returned `CLOSE` or `FAILED`.
 */
export class Protocol {
  /** Where it is in its life. */
  state: WebsocketState = "open";
  /** The state behind the last move, and what that asks for. */
  step: WebsocketStep = ["open"];
  /** The close code that it ends with; 1006 as long as no side has named one. */
  code = 1006;
  /** The reason that belongs to it. */
  reason = "";
  /** What the peer did wrong. */
  error: WebsocketError | null = null;
  /** What our close frame says. */
  closePayload: Uint8Array<ArrayBuffer> = NOTHING;
  readonly #role: WebsocketRole;
  readonly #frames: FrameReader;

  /** An open WebSocket; its frames are all events. */
  constructor(options: FrameReaderOptions) {
    this.#role = options.role;
    this.#frames = new FrameReader({ ...options, showParts: true });
  }

  /** Whether neither side has said goodbye. */
  get isOpen(): boolean {
    return this.state === "open";
  }

  /** Whether frames of the peer still count for anything. */
  get isReading(): boolean {
    const { state } = this;
    return state === "open" || state === "closing" || state === "closeSent";
  }

  /** Whether our close frame waits for what the application has to say. */
  get isLastWord(): boolean {
    const { state } = this;
    return state === "lastWord" || state === "brokenOff";
  }

  /** Whether all is said. */
  get isOver(): boolean {
    const { state } = this;
    return state === "closed" || state === "lingering";
  }

  // ---- Bytes in ----

  /** The reader of frames; it has the message, or the control frame, that is in. */
  get frames(): FrameReader {
    return this.#frames;
  }

  /**
   * The next event, as of a `FrameReader`. What counts for nothing in this
   * state, such as a message behind our close frame, is a `PART`.
   */
  next(): FrameEvent {
    const event = this.#frames.next();
    switch (event) {
      case FrameEvent.MESSAGE:
      case FrameEvent.PIECE:
      case FrameEvent.PING:
        return this.state === "open" ? event : FrameEvent.PART;
      case FrameEvent.CLOSE: {
        const { closeCode, closeReason } = this.#frames;
        const payload = closeCode === 1005
          ? NOTHING
          : writeClosePayload(closeCode, "");
        this.#end("peerClose", closeCode, closeReason, payload);
        return event;
      }
      case FrameEvent.FAILED:
        this.fail(this.#frames.error!);
        return event;
      default:
        return event;
    }
  }

  // ---- What happens ----

  /** Leads to the next state. */
  move(move: WebsocketMove): void {
    this.step = step(this.#role, this.state, move);
    this.state = this.step[0];
  }

  /** The application closes; what our close frame is to say. */
  close(payload: Uint8Array<ArrayBuffer>): void {
    this.move("close");
    this.closePayload = payload;
  }

  /** The peer broke a rule. */
  fail(error: WebsocketError): void {
    const { closeCode, message } = this.error = error;
    const payload = writeClosePayload(closeCode, message);
    this.#end("fault", closeCode, message, payload);
  }

  #end(
    move: "peerClose" | "fault",
    code: number,
    reason: string,
    payload: Uint8Array<ArrayBuffer>,
  ): void {
    this.move(move);
    this.code = code;
    this.reason = reason;
    // One that is queued already says what the application has named.
    if (this.isLastWord) this.closePayload = payload;
  }
}

/** The payload of a close frame. */
export function writeClosePayload(
  code: number,
  reason: string,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >> 8;
  payload[1] = code;
  payload.set(text, 2);
  return payload;
}
