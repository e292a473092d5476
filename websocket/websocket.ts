import { asBytes, isBytes } from "../parse/response_data.ts";
import { WebsocketEvents, type WebsocketMessage } from "./event_face.ts";
import type { ByteSink } from "./byte_sink.ts";
import { WebsocketError } from "./errors.ts";
import type { DeflateParameters } from "./extensions.ts";
import {
  FrameEvent,
  FrameReader,
  isCloseCode,
  Opcode,
  type WebsocketRole,
} from "./frames.ts";
import { Outbox } from "./outbox.ts";
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
}

/** So many messages may wait for the application before reading stops. */
const MAX_QUEUED = 256;
/** So many that are compressed. */
const MAX_PACKED = 16;
/** Turns in which the application does nothing, before its silence counts. */
const REST_TURNS = 8;
/** Compressed bytes that may wait. */
const MAX_PACKED_BYTES = 65536;
/** With more than this to be sent, only the latest ping is answered. */
const PONG_LIMIT = 4096;
/** How many pings may wait for their pongs. */
const MAX_PINGS = 64;

const NOTHING = new Uint8Array(0);
const FALSE = Promise.resolve(false);

/** Somebody who waits for a message. */
interface Waiter {
  resolve: (
    value: WebsocketMessage | null | IteratorResult<WebsocketMessage, void>,
  ) => void;
  isIterator: boolean;
  callOff: (() => void) | null;
}

/** A ping that waits for its pong. */
interface Pinged {
  payload: Uint8Array;
  resolve: (value: boolean) => void;
}

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
  readonly #maxMessageLength: number;
  readonly #maxSendBufferSize: number;
  readonly #idleTimeout: number;
  readonly #closeTimeout: number;
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

  #queue: WebsocketMessage[] = [];
  #queuedLength = 0;
  #waiters: Waiter[] = [];
  // The application listens for messages, and does not pull them.
  #isListening = false;
  #isPaused = false;

  #wasHeard = false;
  #wasPinged = false;
  #callOffIdle: (() => void) | null = null;
  #pings: Pinged[] = [];
  #pingCount = 0;
  // The latest ping that could not be answered at once.
  #pongDue: Uint8Array | null = null;

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
    this.#maxMessageLength = limit(options, "maxMessageLength", 1048576);
    this.#maxSendBufferSize = limit(options, "maxSendBufferSize", 65536);
    this.#idleTimeout = limit(options, "idleTimeout", 60_000);
    this.#closeTimeout = limit(options, "closeTimeout", 5000);
    this.#reader = new FrameReader({
      role,
      maxMessageLength: this.#maxMessageLength,
      allowCompressed: deflate !== null,
    });
    this.#outbox = new Outbox(sink, role, deflate);
    this.#unpacker = deflate === null ? null : new Unpacker(
      {
        isFull: () => this.#isFull,
        deliver: (message) => this.#deliver(message),
        unpackFailed: (error) => {
          this.#fault(error);
          this.#unpacked();
        },
        unpacked: () => this.#unpacked(),
      },
      role,
      deflate,
      this.#maxMessageLength,
    );
    const { promise, resolve } = Promise.withResolvers<WebsocketClose>();
    this.closed = promise;
    this.#settle = resolve;
    if (this.#idleTimeout > 0) this.#watch();
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
    const bytes = data instanceof Uint8Array
      ? new Uint8Array(data)
      : new TextEncoder().encode(data ?? String(++this.#pingCount));
    if (bytes.length > 125) {
      throw new RangeError("Ping must not be longer than 125 bytes");
    }
    if (this.#state !== "open" || this.#sink.isClosed) return FALSE;
    if (this.bufferedAmount > this.#maxSendBufferSize) {
      this.#drop();
      return FALSE;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#pings.length === MAX_PINGS) this.#pings.shift()!.resolve(false);
    this.#pings.push({ payload: bytes, resolve });
    this.#outbox.control(Opcode.PING, bytes);
    return promise;
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
    this.#checkPull();
    if (this.#queue.length > 0) return Promise.resolve(this.#take());
    if (this.#isOver || timeout !== undefined && timeout <= 0) {
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      const waiter: Waiter = {
        resolve: resolve as Waiter["resolve"],
        isIterator: false,
        callOff: null,
      };
      this.#waiters.push(waiter);
      if (timeout !== undefined) {
        waiter.callOff = this.#sink.after(timeout, () => {
          this.#waiters = this.#waiters.filter((other) => other !== waiter);
          resolve(null);
        });
      }
    });
  }

  /** Iterates over the messages until the end. Leaving the loop closes nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WebsocketMessage, void> {
    const iterator: AsyncIterableIterator<WebsocketMessage, void> = {
      next: () => {
        this.#checkPull();
        if (this.#queue.length > 0) {
          return Promise.resolve({ value: this.#take(), done: false });
        }
        if (this.#isOver) {
          return Promise.resolve({ value: undefined, done: true });
        }
        return new Promise((resolve) => {
          this.#waiters.push({
            resolve: resolve as Waiter["resolve"],
            isIterator: true,
            callOff: null,
          });
        });
      },
      return: () => Promise.resolve({ value: undefined, done: true }),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #checkPull(): void {
    if (this.#isListening) {
      throw new TypeError("Cannot pull messages that go to event listeners");
    }
  }

  /** Whether no message will come any more. */
  get #isOver(): boolean {
    return this.#state === "closed" && this.#queue.length === 0 &&
      (this.#unpacker === null || this.#unpacker.isEmpty);
  }

  #take(): WebsocketMessage {
    const message = this.#queue.shift()!;
    this.#quiet = 0;
    this.#queuedLength -= message.length;
    this.#unpacker?.goOn();
    this.#checkResume();
    return message;
  }

  get #isFull(): boolean {
    return !this.#isListening && this.#waiters.length === 0 &&
      (this.#queue.length > MAX_QUEUED ||
        this.#queuedLength > this.#maxMessageLength);
  }

  /** Whether to read on. */
  get #wantsMore(): boolean {
    // What comes after our close frame is thrown away, all but the peer's.
    if (this.#state !== "open") return true;
    return !this.#isFull && (this.#unpacker === null ||
      this.#unpacker.length <= MAX_PACKED &&
        this.#unpacker.waitingBytes <= MAX_PACKED_BYTES);
  }

  #checkResume(): void {
    if (!this.#isPaused || this.isClosed || !this.#wantsMore) return;
    this.#isPaused = false;
    this.#sink.resume();
  }

  #deliver(message: WebsocketMessage): void {
    this.#hasDelivered = true;
    if (this.#isListening) {
      this.dispatchMessage(message);
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#queue.push(message);
      this.#queuedLength += message.length;
      if (this.#heldClose !== null && this.#isFull) this.#startRest();
      return;
    }
    waiter.callOff?.();
    waiter.resolve(
      waiter.isIterator ? { value: message, done: false } : message,
    );
  }

  // ---- What the connection brings ----

  /**
   * Bytes have come. They are unmasked where they lie, and not kept.
   *
   * @returns Whether to read on. If not, `sink.resume()` will be called.
   */
  receive(bytes: Uint8Array): boolean {
    this.#wasHeard = true;
    if (this.#state !== "open" && this.#state !== "closing") return true;
    const reader = this.#reader;
    this.#hasDelivered = false;
    reader.feed(bytes);
    for (;;) {
      switch (reader.next()) {
        case FrameEvent.MORE:
          if (this.#wantsMore) return true;
          this.#isPaused = true;
          return false;
        case FrameEvent.MESSAGE:
          if (this.#state === "open") this.#message();
          break;
        case FrameEvent.PING:
          if (this.#state === "open") this.#pong(reader.payload);
          break;
        case FrameEvent.PONG:
          this.#ponged(reader.payload);
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
    }
  }

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

  #pong(payload: Uint8Array): void {
    if (this.#sink.bufferedAmount <= PONG_LIMIT) {
      this.#outbox.control(Opcode.PONG, payload);
      return;
    }
    // A peer that does not read may be sent the latest pong alone (5.5.3).
    const isWaiting = this.#pongDue !== null;
    this.#pongDue = new Uint8Array(payload);
    if (isWaiting) return;
    this.#sink.whenBelow(PONG_LIMIT).then((isBelow) => {
      const due = this.#pongDue;
      this.#pongDue = null;
      if (isBelow && due !== null && this.#state === "open") {
        this.#outbox.control(Opcode.PONG, due);
      }
    });
  }

  #ponged(payload: Uint8Array): void {
    // A pong may stand for all pings up to its own (section 5.5.3).
    const index = this.#pings.findIndex((ping) =>
      isEqual(ping.payload, payload)
    );
    for (let i = 0; i <= index; i++) this.#pings.shift()!.resolve(true);
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
    if (this.#state === "answering" || this.#state === "failing") return;
    this.#lost();
    this.#sink.end();
  }

  /**
   * The connection is gone.
   *
   * @param _error What broke it, if anything did.
   */
  gone(_error?: unknown): void {
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
    if (this.#state !== "open" && this.#state !== "closing") return;
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
    const isPacked = !(this.#unpacker?.isEmpty ?? true);
    if (!this.#hasDelivered && this.#queue.length === 0 && !isPacked) {
      this.#sendClose(payload);
      return;
    }
    this.#heldClose = payload;
    this.#quiet = 0;
    // What is not unpacked as nobody takes messages is not waited for.
    if (!isPacked || this.#isFull) this.#startRest();
  }

  #startRest(): void {
    if (this.#isResting) return;
    this.#isResting = true;
    queueMicrotask(this.#rest);
  }

  readonly #rest = (): void => {
    const payload = this.#heldClose;
    if (payload === null) {
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
    this.#callOffIdle?.();
    this.#callOffIdle = null;
    const isClean = this.#outcome!.wasClean;
    this.#callOffClose?.();
    this.#callOffClose = null;
    this.#outbox.drop();
    for (const { resolve } of this.#pings) resolve(false);
    this.#pings = [];
    this.#pongDue = null;
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
    if (this.#unpacker?.isEmpty ?? true) this.#unpacked();
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
    if (this.#heldClose !== null) this.#startRest();
    if (this.#state !== "closed") return;
    this.#unpacker?.drop();
    for (const waiter of this.#waiters) {
      waiter.callOff?.();
      waiter.resolve(
        waiter.isIterator ? { value: undefined, done: true } : null,
      );
    }
    this.#waiters = [];
    const event = this.#closeEvent;
    this.#closeEvent = null;
    if (event !== null) this.dispatchEvent(event);
  }

  // ---- Is the peer still there? ----

  #watch(): void {
    // One timer that looks back, and not one a message.
    this.#callOffIdle = this.#sink.after(this.#idleTimeout / 2, () => {
      this.#callOffIdle = null;
      if (this.#state !== "open") return;
      if (this.#wasHeard || this.#isPaused) {
        this.#wasHeard = this.#wasPinged = false;
      } else if (this.#wasPinged) {
        this.#drop();
        return;
      } else {
        this.#wasPinged = true;
        this.#outbox.control(Opcode.PING, NOTHING);
      }
      this.#watch();
    });
  }

  // ---- Events ----

  /** @ignore From now on messages are events; those that wait follow in this turn. */
  protected override listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    queueMicrotask(() => {
      const queue = this.#queue;
      this.#queue = [];
      this.#queuedLength = 0;
      for (const message of queue) this.dispatchMessage(message);
      this.#unpacker?.goOn();
      this.#checkResume();
    });
  }
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

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
