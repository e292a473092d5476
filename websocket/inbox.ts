import type { WebsocketError } from "./errors.ts";
import { MessageStream } from "./message_stream.ts";
import type { WebsocketMessage } from "./event_face.ts";
import type { DeflateParameters } from "./extensions.ts";
import type { WebsocketRole } from "./frame_head.ts";
import { Unpacker } from "./unpacker.ts";

/** So many messages may wait for the application before reading stops. */
const MAX_QUEUED = 256;
/** So many of those that were read already, each of which takes its room. */
const MAX_CRAMMED = 4096;
/** With no more than so many, others are let in again. */
const LET_IN_AT = MAX_QUEUED / 2;

/** So many bytes of messages in pieces may wait before reading stops. */
const MAX_STREAMED = 65_536;

/** What waits for the application: in pieces where that was asked for. */
type Message = WebsocketMessage | MessageStream;

/** What messages wait for. */
export interface InboxHost {
  /** A message goes to listeners. */
  dispatch(message: WebsocketMessage): void;
  /** Messages were taken; there may be room. */
  taken(): void;
  /** One that had to be unpacked is with the application, or queued for it. */
  delivered(): void;
  /** One was bad; those behind it are forgotten. */
  unpackFailed(error: WebsocketError): void;
  /** All that had to be unpacked has been. */
  unpacked(): void;
  /** Whether no message will come any more. */
  isOver(): boolean;
  /** Counts what was done; returns whether more may be, in this turn. */
  spend(things: number): boolean;
  /** Calls back in a later turn, unless called off. */
  whenTurn(callback: () => void): () => void;
  /** Calls back after so many ms, unless called off. */
  after(ms: number, callback: () => void): () => void;
}

/** What an inbox is to know. */
export interface InboxOptions {
  role: WebsocketRole;
  /** How messages are compressed, if they may be. */
  deflate: DeflateParameters | null;
  /** Bytes beyond which no further message is let in. */
  maxMessageLength: number;
}

/** A message as it has come. */
export interface Received {
  readonly isText: boolean;
  readonly isCompressed: boolean;
  /** If it is text and not compressed. */
  readonly text: string;
  /** If it is not. */
  readonly payload: Uint8Array<ArrayBufferLike>;
}

/** A piece of a message. */
export interface ReceivedPiece {
  readonly isText: boolean;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** In bytes of its own. */
  readonly payload: Uint8Array<ArrayBufferLike>;
}

/** Somebody who waits for a message. */
interface Waiter {
  resolve: (
    value: Message | null | IteratorResult<Message, void>,
  ) => void;
  isIterator: boolean;
  callOff: (() => void) | null;
}

/**
 * Messages on their way to the application: unpacked where that is needed, to
 * those who wait for one, or who listen for all, or else into a queue that is
 * bounded in bytes and in number.
 */
export class Inbox {
  /** The application listens for messages, and does not pull them. */
  isListening = false;
  readonly #host: InboxHost;
  readonly #maxLength: number;
  readonly #unpacker: Unpacker | null;
  // Those who want messages wait, though there are some, for a turn.
  #isTurnDue = false;
  #queue: Message[] = [];
  // The message in pieces that comes in, and the one that was taken last.
  #incoming: MessageStream | null = null;
  #current: MessageStream | null = null;
  #streamed = 0;
  #length = 0;
  #waiters: Waiter[] = [];
  // Whether anything has come since reading was begun.
  #hasDelivered = false;

  constructor(host: InboxHost, options: InboxOptions) {
    const { role, deflate, maxMessageLength } = options;
    this.#host = host;
    this.#maxLength = maxMessageLength;
    this.#unpacker = deflate === null ? null : new Unpacker(
      {
        isFull: () => this.#isQueueFull,
        spend: (things) => host.spend(things),
        whenTurn: (callback) => host.whenTurn(callback),
        deliver: (message) => {
          this.#deliver(message);
          host.delivered();
        },
        unpackFailed: (error) => {
          host.unpackFailed(error);
          host.unpacked();
        },
        unpacked: () => host.unpacked(),
      },
      role,
      deflate,
      maxMessageLength,
    );
  }

  /** Whether messages wait to be unpacked. */
  get isPacked(): boolean {
    return this.#unpacker !== null && !this.#unpacker.isEmpty;
  }

  /** Whether nothing has come lately, and nothing waits. */
  get isStill(): boolean {
    return !this.#hasDelivered && this.#queue.length === 0 && !this.isPacked;
  }

  /** Whether the application has had its turn with all that it will take. */
  get mayRest(): boolean {
    // What is not unpacked as nobody takes messages is not waited for.
    return !this.#isTurnDue && (!this.isPacked || this.#isQueueFull);
  }

  get #isQueueFull(): boolean {
    return !this.#hasRoom(MAX_QUEUED);
  }

  /** Whether no more are wanted. */
  get isFull(): boolean {
    return this.#isQueueFull || this.#streamed > MAX_STREAMED ||
      this.#unpacker !== null && this.#unpacker.isFull;
  }

  /** Whether no more may come in, be they read already. */
  get isCrammed(): boolean {
    return this.#queue.length > MAX_CRAMMED ||
      this.#unpacker !== null && this.#unpacker.isCrammed;
  }

  /** Whether more may come in again; later than where it is just not full. */
  get hasRoom(): boolean {
    return this.#hasRoom(LET_IN_AT);
  }

  #hasRoom(count: number): boolean {
    return this.isListening ||
      this.#waiters.length > 0 && !this.#isTurnDue ||
      this.#queue.length <= count && this.#length <= this.#maxLength;
  }

  /** More is about to be read. */
  beginRead(): void {
    this.#hasDelivered = false;
  }

  /** Takes a message in. */
  receive(received: Received): void {
    const { isText, isCompressed } = received;
    const message = isText && !isCompressed
      ? received.text
      : received.payload as Uint8Array<ArrayBuffer>;
    if (isCompressed || this.isPacked) {
      this.#unpacker!.push({ data: message, isText, isCompressed });
    } else this.#deliver(message);
  }

  /** Takes a piece of a message in. */
  receivePiece({ isText, isFirst, isLast, payload }: ReceivedPiece): void {
    if (isFirst) {
      this.#incoming = new MessageStream(isText, {
        taken: (bytes) => {
          this.#streamed -= bytes;
          this.#host.taken();
        },
      });
      this.#deliver(this.#incoming);
    }
    const stream = this.#incoming!;
    const piece = payload as Uint8Array<ArrayBuffer>;
    if (stream.add(piece)) this.#streamed += piece.length;
    if (!isLast) return;
    this.#incoming = null;
    stream.finish();
  }

  #deliver(message: Message): void {
    this.#hasDelivered = true;
    // Behind what waits to be told to a listener that is new.
    if (this.isListening && this.#queue.length === 0) {
      this.#host.dispatch(message as WebsocketMessage);
      return;
    }
    if (this.#waiters.length === 0 || this.#queue.length > 0) {
      this.#queue.push(message);
      this.#length += lengthOf(message);
    } else this.#hand(message);
  }

  /** The one before is done with. */
  #leaveLast(message: Message): void {
    this.#current?.leave();
    this.#current = message instanceof MessageStream ? message : null;
  }

  /** Gives a message to who has waited longest. */
  #hand(message: Message): void {
    this.#leaveLast(message);
    const waiter = this.#waiters.shift()!;
    waiter.callOff?.();
    waiter.resolve(
      waiter.isIterator ? { value: message, done: false } : message,
    );
  }

  /** The next message, or `null` when the time is over or there are no more. */
  recv(timeout?: number): Promise<WebsocketMessage | null> {
    this.#checkPull();
    const isPoll = timeout !== undefined && timeout <= 0;
    if (this.#mayTake(isPoll)) {
      return Promise.resolve(this.#take() as WebsocketMessage);
    }
    if (isPoll || this.#isOver) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        resolve: resolve as Waiter["resolve"],
        isIterator: false,
        callOff: null,
      };
      this.#waiters.push(waiter);
      if (timeout !== undefined) {
        waiter.callOff = this.#host.after(timeout, () => {
          this.#waiters = this.#waiters.filter((other) => other !== waiter);
          resolve(null);
        });
      }
    });
  }

  /** The messages up to the end. */
  iterate<T extends Message>(): AsyncIterableIterator<T, void> {
    const iterator: AsyncIterableIterator<T, void> = {
      next: () => {
        this.#checkPull();
        this.#current?.leave();
        if (this.#mayTake()) {
          return Promise.resolve({ value: this.#take() as T, done: false });
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
    if (this.isListening) {
      throw new TypeError("Cannot pull messages that go to event listeners");
    }
  }

  get #isOver(): boolean {
    return this.#queue.length === 0 && !this.isPacked && this.#host.isOver();
  }

  /**
   * Whether a message can be taken at once. One that is there may have to wait
   * for a turn: many may be taken together that have come one after the other.
   */
  #mayTake(isUrgent = false): boolean {
    if (this.#queue.length === 0) return false;
    if (this.#isTurnDue) return isUrgent;
    if (this.#host.spend(1) || isUrgent) return true;
    this.#isTurnDue = true;
    this.#host.whenTurn(this.#handOn);
    return false;
  }

  /** Gives messages that are there to those who wait. */
  readonly #handOn = (): void => {
    this.#isTurnDue = false;
    while (this.#waiters.length > 0 && this.#mayTake()) {
      this.#hand(this.#next());
    }
    this.#taken();
    if (this.#isOver) this.#end();
  };

  #taken(): void {
    this.#unpacker?.goOn();
    this.#host.taken();
  }

  #take(): Message {
    const message = this.#next();
    this.#leaveLast(message);
    this.#taken();
    return message;
  }

  #next(): Message {
    const message = this.#queue.shift()!; // of few: see MAX_CRAMMED
    this.#length -= lengthOf(message);
    return message;
  }

  /** From now on messages go to listeners; those that wait, in this turn. */
  listen(): void {
    if (this.isListening) return;
    this.isListening = true;
    queueMicrotask(() => {
      while (this.#queue.length > 0) {
        this.#host.dispatch(this.#queue.shift() as WebsocketMessage);
      }
      this.#length = 0;
      this.#taken();
    });
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue = [];
    this.#length = 0;
  }

  /** All is over; what is there may still be taken. */
  finish(): void {
    this.#unpacker?.drop();
    this.#incoming?.fail();
    this.#incoming = null;
    this.#end();
  }

  /** Nothing will come any more for those who wait, but what is there. */
  #end(): void {
    if (this.#queue.length > 0) return;
    for (const waiter of this.#waiters) {
      waiter.callOff?.();
      waiter.resolve(
        waiter.isIterator ? { value: undefined, done: true } : null,
      );
    }
    this.#waiters = [];
  }
}

function lengthOf(message: Message): number {
  return message instanceof MessageStream ? 0 : message.length;
}
