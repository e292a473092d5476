import type { ByteSink } from "./byte_sink.ts";
import { FrameEvent } from "./frames.ts";
import type { Inbox } from "./inbox.ts";
import type { Protocol } from "./protocol.ts";
import type { Pulse } from "./pulse.ts";

/** So many bytes, as a power of two, count as one thing that is done. */
const A_THING = 15;

/** How it is with what comes in. */
type IntakeState =
  | "on" // all that has come is used up, and more is read
  | "held" // some may be left, for which there is no room
  | "due"; // some may be left, and its turn will come

/** Who is told where frames are the last. */
export interface IntakeHost {
  /** The protocol has moved by what has come. */
  moved(): void;
  /** A ping or a pong is in. */
  control(type: "ping" | "pong", payload: Uint8Array): void;
  /** What was told of the connection, behind all that has come. */
  behindInput(move: "inputEnded" | "gone"): void;
}

/** What comes in, as far as there is room and time for it. */
export class Intake {
  readonly #sink: ByteSink;
  readonly #protocol: Protocol;
  readonly #inbox: Inbox;
  readonly #pulse: Pulse;
  readonly #host: IntakeHost;
  #state: IntakeState = "on";
  // Calls off what waits for a turn of the event loop.
  #callOffTurn: (() => void) | null = null;
  // What the connection told of while there was input left.
  #behind: "inputEnded" | "gone" | null = null;

  constructor(
    sink: ByteSink,
    protocol: Protocol,
    inbox: Inbox,
    pulse: Pulse,
    host: IntakeHost,
  ) {
    this.#sink = sink;
    this.#protocol = protocol;
    this.#inbox = inbox;
    this.#pulse = pulse;
    this.#host = host;
  }

  /** Whether nothing is read, so that the peer's silence says nothing. */
  get isDeaf(): boolean {
    return this.#state !== "on";
  }

  /**
   * Bytes have come.
   *
   * @returns Whether to read on. If not, `sink.resume()` will be called.
   */
  receive(bytes: Uint8Array): boolean {
    this.#pulse.wasHeard = true;
    const protocol = this.#protocol;
    if (!protocol.isReading) return true;
    if (this.#state === "on") protocol.frames.feed(bytes);
    else protocol.frames.keep(bytes);
    if (this.#state === "due") return false;
    this.#inbox.beginRead();
    return !this.#isHeldUp(bytes.length >> A_THING) && this.#readFrames();
  }

  /** Uses up what has come, or as much of it as may be; whether to read on. */
  #readFrames(): boolean {
    const protocol = this.#protocol;
    const { frames } = protocol;
    this.#state = "on";
    // A message that could not be unpacked may have been the last.
    if (!protocol.isReading) return true;
    do {
      switch (protocol.next()) {
        case FrameEvent.MORE:
          if (this.#wantsMore) return true;
          this.#state = "held";
          return false;
        case FrameEvent.MESSAGE:
          this.#inbox.receive(frames);
          break;
        case FrameEvent.PIECE:
          this.#inbox.receivePiece(frames);
          break;
        case FrameEvent.PART:
          break;
        case FrameEvent.PING:
          this.#pulse.pinged(frames.payload);
          this.#host.control("ping", frames.payload);
          break;
        case FrameEvent.PONG:
          this.#pulse.ponged(frames.payload);
          this.#host.control("pong", frames.payload);
          break;
        default:
          this.#host.moved();
          return true;
      }
      // A listener may have dropped it.
      if (protocol.isOver) return true;
    } while (!this.#isHeldUp(1));
    return false;
  }

  /** Whether the next frame has to wait: for room, or behind so much for a turn. */
  #isHeldUp(things: number): boolean {
    if (this.#inbox.isCrammed && this.#protocol.isOpen) {
      this.#state = "held";
      return true;
    }
    if (this.#sink.spend(things)) return false;
    this.#state = "due";
    this.#callOffTurn = this.#sink.whenTurn(this.#goOn);
    return true;
  }

  /** Whether to read on. */
  get #wantsMore(): boolean {
    // What comes after our close frame is thrown away, all but the peer's.
    return !this.#protocol.isOpen || !this.#inbox.isFull;
  }

  get #isHeld(): boolean {
    return this.#state === "held";
  }

  /** Goes on with what is held, if there is room again. */
  checkRoom(): void {
    if (!this.#isHeld || !this.#wantsMore) return;
    // Not for each message that is taken from many.
    if (this.#protocol.isOpen && !this.#inbox.hasRoom) return;
    if (!this.#protocol.frames.hasInput && this.#behind === null) {
      this.#state = "on";
      this.#sink.resume();
      return;
    }
    this.#state = "due";
    // Not at once: what comes may call those who took a message just now.
    queueMicrotask(this.#goOn);
  }

  /** Goes on with what has come. */
  readonly #goOn = (): void => {
    this.#callOffTurn = null;
    if (this.#state !== "due") return;
    const goesOn = this.#readFrames();
    const behind = this.#behind;
    // Of a connection that is gone, nothing is kept for those who take nothing.
    if (!goesOn && (behind !== "gone" || !this.#isHeld)) return;
    this.#state = "on";
    this.#behind = null;
    if (behind === null) this.#sink.resume();
    else this.#host.behindInput(behind);
  };

  /** The peer has said all; returns whether that has to wait for what it said. */
  endsLater(): boolean {
    if (this.#state === "on" || !this.#protocol.isReading) return false;
    this.#behind ??= "inputEnded";
    return true;
  }

  /** The connection is gone; returns whether that has to wait likewise. */
  goesLater(): boolean {
    if (this.#state !== "due") return false;
    this.#protocol.frames.keep();
    this.#behind = "gone";
    return true;
  }

  /** Nothing that has come counts any more. */
  stop(): void {
    this.#state = "on";
    this.#callOffTurn?.();
    this.#callOffTurn = null;
  }
}
