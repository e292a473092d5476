import { Inflater } from "./deflate.ts";
import { WebsocketError } from "./errors.ts";
import type { DeflateParameters } from "./extensions.ts";
import type { WebsocketRole } from "./frames.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Who gets the messages that are unpacked. */
export interface UnpackerHost {
  /** Whether no more are wanted at present. */
  isFull(): boolean;
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
  /** Bytes that wait, as they came. */
  waitingBytes = 0;
  readonly #host: UnpackerHost;
  readonly #inflater: Inflater;
  #waiting: Packed[] = [];
  #isBusy = false;

  constructor(
    host: UnpackerHost,
    role: WebsocketRole,
    deflate: DeflateParameters,
    maxLength: number,
  ) {
    this.#host = host;
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

  /** How many messages wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Takes a message. */
  push(message: Packed): void {
    this.#waiting.push(message);
    this.waitingBytes += message.data.length;
    this.goOn();
  }

  /** Unpacks as long as that is wanted. */
  goOn(): void {
    while (!this.#isBusy && this.#waiting.length > 0 && !this.#host.isFull()) {
      const { data, isText, isCompressed } = this.#waiting.shift()!;
      this.waitingBytes -= data.length;
      if (!isCompressed || typeof data === "string") {
        this.#host.deliver(data);
        continue;
      }
      this.#isBusy = true;
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
        this.#host.deliver(message);
        this.goOn();
      });
    }
    if (this.isEmpty) this.#host.unpacked();
  }

  /** Forgets all, and lets go of the decompressor. */
  drop(): void {
    this.#waiting = [];
    this.waitingBytes = 0;
    this.#isBusy = false;
    this.#inflater.close();
  }
}
