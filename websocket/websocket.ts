import { asBytes, isBytes } from "../parse/response_data.ts";
import { WebsocketEvents, type WebsocketMessage } from "./event_face.ts";
import type { ByteSink } from "./byte_sink.ts";
import { WebsocketError } from "./errors.ts";
import type { DeflateParameters } from "./extensions.ts";
import type { WebsocketRole } from "./frame_head.ts";
import { FrameEvent, FrameReader, isCloseCode } from "./frames.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { Pulse } from "./pulse.ts";
import { step, type WebsocketMove, type WebsocketState } from "./states.ts";
import { Unpacker } from "./unpacker.ts";

/** How a WebSocket ended. */
export interface WebsocketClose {
  /**
   * The peer's close code; 1005 if it named none, 1006 if the connection was
   * lost without one, or our own where the peer broke a rule.
   */
  code: number;
  /** The reason that belongs to it. */
  reason: string;
  /** Whether both sides said goodbye. */
  wasClean: boolean;
}

/** Options of a {@linkcode Websocket}. All times are milliseconds, all sizes bytes. */
export interface WebsocketOptions {
  /** Which side we are. */
  role: WebsocketRole;
  /** The subprotocol that was agreed on; default "". */
  protocol?: string;
  /** The address that a client connected to; default "". */
  url?: string;
  /** Bytes of a message that comes in, after decompression; default 1 MiB. */
  maxMessageLength?: number;
  /** Bytes that may wait to be sent when another message is; default 64 KiB. */
  maxSendBufferSize?: number;
  /**
   * A peer silent for half of this is pinged, and one that then stays silent
   * is dropped; default 60 s, 0 for never.
   */
  idleTimeout?: number;
  /** How long a closing handshake may take; default 5 s. */
  closeTimeout?: number;
  /** What was agreed on for compression; default `null`, none. */
  deflate?: DeflateParameters | null;
  /**
   * Told what a listener threw, or its promise was rejected with; by default
   * it is written to standard error. The WebSocket is closed with 1011.
   */
  onError?: (error: unknown) => void;
}

/** Turns in which the application does nothing, before its silence counts. */
const REST_TURNS = 8;
/** So many bytes, as a power of two, count as one thing that is done. */
const A_THING = 15;

const NOTHING = new Uint8Array(0);
const FALSE = Promise.resolve(false);

/** How it is with what comes in. */
type Intake =
  | "on" // all that has come is used up, and more is read
  | "held" // some may be left, for which there is no room
  | "due"; // some may be left, and its turn will come

/**
 * One WebSocket connection (RFC 6455), of either side.
 *
 * Messages are pulled, by `for await` or `recv()`, or come as events once
 * somebody listens for them. Reading stops while too many wait to be pulled.
 */
export class Websocket extends WebsocketEvents {
  /** State before it is open; none here is ever in it. */
  static readonly CONNECTING = 0;
  /** State in which messages come and go. */
  static readonly OPEN = 1;
  /** State from the first close frame on. */
  static readonly CLOSING = 2;
  /** State at the end. */
  static readonly CLOSED = 3;
  /** State before it is open; none here is ever in it. */
  readonly CONNECTING = 0;
  /** State in which messages come and go. */
  readonly OPEN = 1;
  /** State from the first close frame on. */
  readonly CLOSING = 2;
  /** State at the end. */
  readonly CLOSED = 3;

  /** The subprotocol; "" without one. */
  readonly protocol: string;
  /** The extensions in use: "permessage-deflate" or "". */
  readonly extensions: string;
  /** The address that a client connected to; "" on a server. */
  readonly url: string;
  /** How it ended. It never rejects. */
  readonly closed: Promise<WebsocketClose>;

  readonly #sink: ByteSink;
  readonly #role: WebsocketRole;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #unpacker: Unpacker | null;
  readonly #inbox: Inbox;
  readonly #pulse: Pulse;
  readonly #maxSendBufferSize: number;
  readonly #closeTimeout: number;
  readonly #onError: (error: unknown) => void;
  readonly #settle: (close: WebsocketClose) => void;

  #state: WebsocketState = "open";
  // Our close frame, until the application has said what it has to say.
  #heldClose: Uint8Array | null = null;
  #hasDelivered = false;
  #isResting = false;
  #quiet = 0;
  // How it ends, once that is known.
  #outcome: WebsocketClose | null = null;
  #isCloseSent = false;
  #callOffClose: (() => void) | null = null;

  #intake: Intake = "on";
  // Calls off what waits for a turn of the event loop.
  #callOffTurn: (() => void) | null = null;
  // What the connection told of while there was input left.
  #behindInput: "inputEnded" | "gone" | null = null;
  // A listener for messages has failed: it gets no more of them.
  #hasFailed = false;

  #closeEvent: CloseEvent | null = null;

  /**
   * A WebSocket whose opening handshake is done. The owner of the connection
   * calls `receive()`, `inputEnded()` and `gone()`.
   *
   * @param sink Where to write.
   * @param options Side, limits, and what the handshake came to.
   * @throws {RangeError} If an option is out of range.
   */
  constructor(sink: ByteSink, options: WebsocketOptions) {
    super();
    const { role, deflate = null } = options;
    this.#sink = sink;
    this.#role = role;
    this.protocol = options.protocol ?? "";
    this.url = options.url ?? "";
    this.extensions = deflate === null ? "" : "permessage-deflate";
    const maxMessageLength = limit(options, "maxMessageLength", 1048576);
    this.#maxSendBufferSize = limit(options, "maxSendBufferSize", 65536);
    const idleTimeout = limit(options, "idleTimeout", 60_000);
    this.#closeTimeout = limit(options, "closeTimeout", 5000);
    this.#onError = options.onError ?? reportFault;
    this.#reader = new FrameReader({
      role,
      maxMessageLength,
      allowCompressed: deflate !== null,
      showParts: true,
    });
    this.#outbox = new Outbox(sink, role, deflate);
    this.#unpacker = deflate === null ? null : new Unpacker(
      {
        isFull: () => this.#inbox.isFull,
        spend: (things) => sink.spend(things),
        whenTurn: (callback) => sink.whenTurn(callback),
        deliver: (message) => this.#deliver(message),
        unpackFailed: (error) => {
          this.#fault(error);
          this.#unpacked();
        },
        unpacked: () => this.#unpacked(),
      },
      role,
      deflate,
      maxMessageLength,
    );
    this.#inbox = new Inbox({
      dispatch: (message) => {
        if (!this.#hasFailed) this.dispatchMessage(message);
      },
      taken: () => {
        this.#quiet = 0;
        this.#unpacker?.goOn();
        this.#checkResume();
        this.#checkRest();
      },
      isOver: () => this.#state === "closed" && !this.#isPacked,
      spend: (things) => sink.spend(things),
      whenTurn: (callback) => sink.whenTurn(callback),
      after: (ms, callback) => sink.after(ms, callback),
    }, maxMessageLength);
    this.#pulse = new Pulse(sink, this.#outbox, {
      isOpen: () => this.#state === "open",
      isDeaf: () => this.#intake !== "on",
      drop: () => this.#drop(),
    }, idleTimeout);
    const { promise, resolve } = Promise.withResolvers<WebsocketClose>();
    this.closed = promise;
    this.#settle = resolve;
  }

  /** `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`. */
  get readyState(): number {
    if (this.#state === "open") return Websocket.OPEN;
    return this.#state === "closed" ? Websocket.CLOSED : Websocket.CLOSING;
  }

  /** Whether it has ended. Messages that came before may still be pulled. */
  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Bytes that were sent and that the kernel has not taken. */
  get bufferedAmount(): number {
    return this.#sink.bufferedAmount + this.#outbox.waitingBytes;
  }

  // ---- What the application sends ----

  /**
   * Sends a message. Bytes are copied, and may be altered afterwards.
   *
   * If more than `maxSendBufferSize` still waits from before, the peer reads
   * too slowly and is dropped: wait for the promise before sending on.
   *
   * @returns Whether it was accepted, once no more than `maxSendBufferSize`
   *   waits to be sent; `false` if the peer is gone, or closing has begun.
   * @throws {TypeError} If the data is neither text nor bytes.
   */
  send(data: string | ArrayBuffer | ArrayBufferView): Promise<boolean> {
    const isText = typeof data === "string";
    if (
      !isText && !isBytes(data)
    ) {
      throw new TypeError("Message must be text or bytes");
    }
    const isOpen = this.#state === "open" || this.#heldClose !== null;
    if (!isOpen || this.#sink.isClosed) return FALSE;
    this.#quiet = 0;
    if (this.bufferedAmount > this.#maxSendBufferSize) {
      this.#drop();
      return FALSE;
    }
    if (isText) this.#outbox.text(data);
    else this.#outbox.binary(asBytes(data));
    return this.#outbox.whenBelow(this.#maxSendBufferSize);
  }

  /**
   * Sends a ping.
   *
   * @param data Up to 125 bytes that the pong must repeat; a number by default.
   * @returns `true` at the pong, `false` if none came before the end.
   * @throws {RangeError} If there are more than 125 bytes.
   */
  ping(data?: string | Uint8Array): Promise<boolean> {
    const bytes = this.#pulse.payload(data);
    if (bytes.length > 125) {
      throw new RangeError("Ping must not be longer than 125 bytes");
    }
    if (this.#state !== "open" || this.#sink.isClosed) return FALSE;
    if (this.bufferedAmount > this.#maxSendBufferSize) {
      this.#drop();
      return FALSE;
    }
    return this.#pulse.ping(bytes);
  }

  /**
   * Begins the closing handshake, behind all that was sent. Messages that come
   * from now on are thrown away; those that have come may still be pulled.
   *
   * @param code 1000, 3000 to 4999, or another that an endpoint may send.
   * @param reason Up to 123 bytes of UTF-8.
   * @returns How it ended; never later than `closeTimeout`.
   * @throws {RangeError} If the code may not be sent.
   * @throws {TypeError} If the reason is too long.
   */
  close(
    code: number = 1000,
    reason: string = "",
  ): Promise<{ code: number; reason: string }> {
    // 1010 is the client's to send, and 1012 to 1014 a gateway's.
    if (!Number.isInteger(code) || !isCloseCode(code)) {
      throw new RangeError("Close code must be one that may be sent");
    }
    const payload = closePayload(code, reason);
    if (payload.length > 125) {
      throw new TypeError("Close reason must not be longer than 123 bytes");
    }
    if (this.#state === "open") {
      this.#enter("close");
      this.#sendClose(payload);
      this.#startCloseTimer();
      this.#checkResume();
    }
    return this.closed.then(({ code, reason }) => ({ code, reason }));
  }

  // ---- What the application pulls ----

  /**
   * Takes the next message.
   *
   * @param timeout How long to wait for it; for ever by default.
   * @returns The message; `null` if the time is over, or there are no more.
   * @throws {TypeError} If messages go to event listeners.
   */
  recv(timeout?: number): Promise<WebsocketMessage | null> {
    return this.#inbox.recv(timeout);
  }

  /** Iterates over the messages until the end. Leaving the loop closes nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WebsocketMessage, void> {
    return this.#inbox.iterate();
  }

  #deliver(message: WebsocketMessage): void {
    this.#hasDelivered = true;
    this.#inbox.deliver(message);
    this.#checkRest();
  }

  /** Whether messages wait to be unpacked. */
  get #isPacked(): boolean {
    return this.#unpacker !== null && !this.#unpacker.isEmpty;
  }

  // ---- What the connection brings ----

  /**
   * Bytes have come. They are unmasked where they lie, and not altered until
   * all of them are used up.
   *
   * @returns Whether to read on. If not, `sink.resume()` will be called.
   */
  receive(bytes: Uint8Array): boolean {
    this.#pulse.wasHeard = true;
    if (!this.#isReading) return true;
    if (this.#intake === "on") this.#reader.feed(bytes);
    else this.#reader.keep(bytes);
    if (this.#intake === "due") return false;
    this.#hasDelivered = false;
    return !this.#isHeldUp(bytes.length >> A_THING) && this.#readFrames();
  }

  /** Whether frames of the peer still count for anything. */
  get #isReading(): boolean {
    return this.#state === "open" || this.#state === "closing";
  }

  /** Uses up what has come, or as much of it as may be; whether to read on. */
  #readFrames(): boolean {
    const reader = this.#reader;
    this.#intake = "on";
    do {
      switch (reader.next()) {
        case FrameEvent.MORE:
          if (this.#wantsMore) return true;
          this.#intake = "held";
          return false;
        case FrameEvent.MESSAGE:
          if (this.#state === "open") this.#message();
          break;
        case FrameEvent.PART:
          break;
        case FrameEvent.PING:
          if (this.#state === "open") this.#pulse.pinged(reader.payload);
          break;
        case FrameEvent.PONG:
          this.#pulse.ponged(reader.payload);
          break;
        case FrameEvent.CLOSE:
          this.#peerClose();
          return true;
        default:
          this.#fault(reader.error!);
          return true;
      }
      // A listener may have dropped it.
      if (this.isClosed) return true;
    } while (!this.#isHeldUp(1));
    return false;
  }

  /** Whether the next frame has to wait: for room, or behind so much for a turn. */
  #isHeldUp(things: number): boolean {
    const isCrammed = this.#inbox.isCrammed ||
      (this.#unpacker?.isCrammed ?? false);
    if (isCrammed && this.#state === "open") {
      this.#intake = "held";
      return true;
    }
    if (this.#sink.spend(things)) return false;
    this.#intake = "due";
    this.#callOffTurn = this.#sink.whenTurn(this.#goOn);
    return true;
  }

  /** Whether to read on. */
  get #wantsMore(): boolean {
    // What comes after our close frame is thrown away, all but the peer's.
    if (this.#state !== "open") return true;
    return !this.#inbox.isFull && !(this.#unpacker?.isFull ?? false);
  }

  get #isHeld(): boolean {
    return this.#intake === "held";
  }

  #checkResume(): void {
    if (!this.#isHeld || !this.#wantsMore) return;
    // Not for each message that is taken from many.
    if (this.#state === "open" && !this.#inbox.hasRoom) return;
    if (!this.#reader.hasInput && this.#behindInput === null) {
      this.#intake = "on";
      this.#sink.resume();
      return;
    }
    this.#intake = "due";
    // Not at once: what comes may call those who took a message just now.
    queueMicrotask(this.#goOn);
  }

  /** Goes on with what has come. */
  readonly #goOn = (): void => {
    this.#callOffTurn = null;
    if (this.#intake !== "due") return;
    const goesOn = this.#readFrames();
    const behind = this.#behindInput;
    // Of a connection that is gone, nothing is kept for those who take nothing.
    if (!goesOn && (behind !== "gone" || !this.#isHeld)) return;
    this.#intake = "on";
    this.#behindInput = null;
    if (behind === null) this.#sink.resume();
    else this[behind]();
  };

  #message(): void {
    const reader = this.#reader;
    const { isText, isCompressed } = reader;
    const message = isText && !isCompressed
      ? reader.text
      : reader.payload as Uint8Array<ArrayBuffer>;
    const unpacker = this.#unpacker;
    if (unpacker !== null && (isCompressed || !unpacker.isEmpty)) {
      unpacker.push({ data: message, isText, isCompressed });
    } else this.#deliver(message);
  }

  #peerClose(): void {
    const { closeCode: code, closeReason: reason } = this.#reader;
    const wasOpen = this.#state === "open";
    this.#outcome = { code, reason, wasClean: true };
    this.#enter("peerClose");
    if (this.#isCloseSent) this.#finish("sent");
    else if (wasOpen) {
      this.#startCloseTimer();
      this.#answerClose(code === 1005 ? NOTHING : closePayload(code, ""));
    }
  }

  /** The peer has closed its side of the connection. */
  inputEnded(): void {
    if (this.#state === "closed") {
      this.#end();
      return;
    }
    if (!this.#isReading) return;
    if (this.#intake !== "on") {
      this.#behindInput ??= "inputEnded";
      return;
    }
    this.#lost();
    this.#sink.end();
  }

  /**
   * The connection is gone.
   *
   * @param _error What broke it, if anything did.
   */
  gone(_error?: unknown): void {
    if (this.#intake === "due") {
      this.#reader.keep();
      this.#behindInput = "gone";
      return;
    }
    this.#callOffClose?.();
    this.#callOffClose = null;
    this.#lost();
  }

  /** Lost without the peer's close frame, unless that is in already. */
  #lost(): void {
    if (this.#state === "closed") return;
    this.#outcome ??= { code: 1006, reason: "", wasClean: false };
    this.#outcome.wasClean = false;
    this.#finish("gone");
  }

  #drop(): void {
    this.#lost();
    this.#sink.destroy();
  }

  /** The peer broke a rule. What came before is delivered, and sent. */
  #fault(error: WebsocketError): void {
    if (!this.#isReading) return;
    const { closeCode: code, message: reason } = error;
    const wasOpen = this.#state === "open";
    this.#outcome = { code, reason, wasClean: false };
    this.#enter("fault");
    this.dispatchEvent(new ErrorEvent("error", { error, message: reason }));
    if (this.#isCloseSent) this.#finish("sent");
    else if (wasOpen) {
      this.#startCloseTimer();
      this.#answerClose(closePayload(code, reason));
    }
  }

  /**
   * Sends our close frame, once the application has come to rest: what it says
   * to the messages before that of the peer is to go out first (section 5.5.1).
   */
  #answerClose(payload: Uint8Array): void {
    if (!this.#hasDelivered && this.#inbox.isEmpty && !this.#isPacked) {
      this.#sendClose(payload);
      return;
    }
    this.#heldClose = payload;
    this.#quiet = 0;
    this.#checkRest();
  }

  /** Whether the application has had its turn with all that it will take. */
  get #mayRest(): boolean {
    // What is not unpacked as nobody takes messages is not waited for.
    return !this.#inbox.isTurnDue && (!this.#isPacked || this.#inbox.isFull);
  }

  #checkRest(): void {
    if (this.#heldClose === null || this.#isResting || !this.#mayRest) return;
    this.#isResting = true;
    queueMicrotask(this.#rest);
  }

  readonly #rest = (): void => {
    const payload = this.#heldClose;
    if (payload === null || !this.#mayRest) {
      this.#isResting = false;
      return;
    }
    if (++this.#quiet < REST_TURNS) {
      queueMicrotask(this.#rest);
      return;
    }
    this.#isResting = false;
    this.#heldClose = null;
    this.#sendClose(payload);
  };

  // ---- The end ----

  #enter(move: WebsocketMove): void {
    this.#state = step(this.#state, move);
  }

  #sendClose(payload: Uint8Array): void {
    this.#outbox.close(payload, () => {
      this.#isCloseSent = true;
      if (this.#state === "answering" || this.#state === "failing") {
        this.#finish("sent");
      }
    });
  }

  #startCloseTimer(): void {
    this.#callOffClose = this.#sink.after(this.#closeTimeout, () => {
      this.#callOffClose = null;
      this.#drop();
    });
  }

  #finish(move: WebsocketMove): void {
    const wasFailing = this.#state === "failing";
    this.#heldClose = null;
    this.#enter(move);
    this.#intake = "on";
    this.#callOffTurn?.();
    this.#callOffTurn = null;
    this.#pulse.stop();
    const isClean = this.#outcome!.wasClean;
    this.#callOffClose?.();
    this.#callOffClose = null;
    this.#outbox.drop();
    if (move === "sent") {
      if (this.#role === "server" || wasFailing) this.#sink.end();
      // The server is the first to close (section 7.1.1), if it does so soon.
      else {
        this.#sink.flush();
        this.#callOffClose = this.#sink.after(
          this.#closeTimeout,
          () => this.#end(),
        );
      }
    }
    this.#settle(this.#outcome!);
    const { code, reason } = this.#outcome!;
    this.#closeEvent = new CloseEvent("close", {
      code,
      reason,
      wasClean: isClean,
    });
    if (!this.#isPacked) this.#unpacked();
  }

  /** A client waits no longer for the server to close. */
  #end(): void {
    if (this.#callOffClose === null) return;
    this.#callOffClose();
    this.#callOffClose = null;
    this.#sink.end();
  }

  /** All messages are with the application, or queued for it. */
  #unpacked(): void {
    this.#checkResume();
    this.#checkRest();
    if (this.#state !== "closed") return;
    this.#unpacker?.drop();
    this.#inbox.end();
    const event = this.#closeEvent;
    this.#closeEvent = null;
    if (event !== null) this.dispatchEvent(event);
  }

  // ---- Events ----

  /** @ignore From now on messages are events; those that wait follow in this turn. */
  protected override listen(): void {
    this.#inbox.listen();
  }

  /** @ignore What a listener threw ends its WebSocket, and is reported. */
  protected override listenerFailed(error: unknown, type: string): void {
    if (type === "message") {
      // One report is enough, however many messages a peer sends.
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#inbox.clear();
    }
    this.close(1011);
    try {
      this.#onError(error);
    } catch (fault) {
      reportFault(fault);
    }
  }
}

function reportFault(error: unknown): void {
  console.error("Error in a listener of a WebSocket:", error);
}

/** An option that is a number from 0 up. */
function limit(
  options: WebsocketOptions,
  name:
    | "maxMessageLength"
    | "maxSendBufferSize"
    | "idleTimeout"
    | "closeTimeout",
  byDefault: number,
): number {
  const value = options[name] ?? byDefault;
  if (typeof value !== "number" || !(value >= 0)) {
    throw new RangeError(`Option ${name} must be a number from 0 up`);
  }
  return value;
}

function closePayload(code: number, reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >> 8;
  payload[1] = code;
  payload.set(text, 2);
  return payload;
}
