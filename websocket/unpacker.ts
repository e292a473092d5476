import { Inflater } from "./deflate.ts";
import { WebsocketError } from "./errors.ts";
import type { DeflateParameters } from "./extensions.ts";
import type { WebsocketRole } from "./frame_head.ts";
import { decodeUtf8 } from "./utf8.ts";

/** So many messages may wait before reading stops. */
const MAX_PACKED = 16;
/** So many of those that were read already. */
const MAX_CRAMMED = 4096;
/** So many bytes of them. */
const MAX_PACKED_BYTES = 65536;
/** As how many things a message counts that is unpacked, beside its length. */
const A_MESSAGE = 4;
/** So many bytes that come out, as a power of two, count as one more. */
const A_THING = 10;
/** What may come out of one byte, and how that counts ahead. */
const MOST_OUT = 1032;
const AHEAD = 12;

/** Who gets the messages that are unpacked. */
export interface UnpackerHost {
  /** Whether no more are wanted at present. */
  isFull(): boolean;
  /** Counts what was done; returns whether more may be, in this turn. */
  spend(things: number): boolean;
  /** Calls back in a later turn, unless called off. */
  whenTurn(callback: () => void): () => void;
  /** A message, in order. */
  deliver(message: string | Uint8Array<ArrayBuffer>): void;
  /** A message was bad; those behind it are forgotten. */
  unpackFailed(error: WebsocketError): void;
  /** All that was given is unpacked. */
  unpacked(): void;
}

/** A message that waits, in bytes of its own or, where that is done, as text. */
interface Packed {
  data: string | Uint8Array<ArrayBuffer>;
  isText: boolean;
  isCompressed: boolean;
}

/**
 * Messages that have to be decompressed, and those that have come behind them.
 * One is unpacked at a time, and none while its host is full: so what a peer
 * has packed tight takes its room only once it is wanted.
 */
export class Unpacker {
  // Bytes that wait, as they came.
  #waitingBytes = 0;
  readonly #host: UnpackerHost;
  readonly #inflater: Inflater;
  readonly #maxLength: number;
  #waiting: Packed[] = [];
  #isBusy = false;
  #isGoingOn = false;
  // Calls off what waits for a turn of the event loop.
  #callOff: (() => void) | null = null;

  constructor(
    host: UnpackerHost,
    role: WebsocketRole,
    deflate: DeflateParameters,
    maxLength: number,
  ) {
    this.#host = host;
    this.#maxLength = maxLength;
    this.#inflater = role === "server"
      ? new Inflater(
        deflate.clientMaxWindowBits,
        deflate.clientNoContextTakeover,
        maxLength,
      )
      : new Inflater(
        deflate.serverMaxWindowBits,
        deflate.serverNoContextTakeover,
        maxLength,
      );
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return !this.#isBusy && this.#waiting.length === 0;
  }

  /** Whether no more may come in, be they read already. */
  get isCrammed(): boolean {
    return this.#waiting.length > MAX_CRAMMED;
  }

  /** Whether no more are wanted. */
  get isFull(): boolean {
    return this.#waiting.length > MAX_PACKED ||
      this.#waitingBytes > MAX_PACKED_BYTES;
  }

  /** Takes a message. */
  push(message: Packed): void {
    this.#waiting.push(message);
    this.#waitingBytes += message.data.length;
    this.goOn();
  }

  /** Unpacks as long as that is wanted. */
  goOn(): void {
    // What needs no decompressor is done at once, and comes back here.
    if (this.#isGoingOn) return;
    this.#isGoingOn = true;
    while (
      !this.#isBusy && this.#waiting.length > 0 && !this.#host.isFull() &&
      this.#mayGoOn()
    ) this.#unpack(this.#waiting.shift()!);
    this.#isGoingOn = false;
    if (this.isEmpty) this.#host.unpacked();
  }

  /** Whether there is time for more in this turn; if not, waits for another. */
  #mayGoOn(): boolean {
    if (this.#callOff !== null) return false;
    // The decompressor runs within a turn, however often it is asked.
    if (this.#host.spend(0)) return true;
    this.#callOff = this.#host.whenTurn(() => {
      this.#callOff = null;
      this.goOn();
    });
    return false;
  }

  #unpack({ data, isText, isCompressed }: Packed): void {
    this.#waitingBytes -= data.length;
    if (!isCompressed || typeof data === "string") {
      this.#host.deliver(data);
      return;
    }
    this.#isBusy = true;
    // What comes out is counted when it is known, but many may begin in a turn.
    const most = Math.min(this.#maxLength, data.length * MOST_OUT);
    const ahead = Math.ceil(most / 2 ** AHEAD);
    this.#host.spend(ahead);
    this.#inflater.inflate(data, (result) => {
      this.#isBusy = false;
      const message = result instanceof WebsocketError
        ? result
        : isText
        ? decodeUtf8(result) ?? new WebsocketError("bad-text")
        : result;
      if (message instanceof WebsocketError) {
        this.drop();
        this.#host.unpackFailed(message);
        return;
      }
      this.#host.spend(A_MESSAGE + (message.length >> A_THING) - ahead);
      this.#host.deliver(message);
      this.goOn();
    });
  }

  /** Forgets all, and lets go of the decompressor. */
  drop(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isBusy = false;
    this.#callOff?.();
    this.#callOff = null;
    this.#inflater.close();
  }
}
