import { WebsocketError } from "./errors.ts";

/** What a message in pieces tells of itself. */
export interface MessageStreamHost {
  /** So many bytes wait no more: there may be room for others. */
  taken(bytes: number): void;
}

const LAST: Promise<null> = Promise.resolve(null);

/**
 * A message that is given while it comes in, piece by piece: it may be larger
 * than memory. It is to be read before the next one is taken; what of it was not
 * read by then is thrown away.
 */
export class MessageStream implements AsyncIterable<Uint8Array<ArrayBuffer>> {
  /** Whether it is text: its bytes are UTF-8 then. */
  readonly isText: boolean;
  readonly #host: MessageStreamHost;
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #isComplete = false;
  #isLeft = false;
  #error: Error | null = null;
  #waiter: PromiseWithResolvers<Uint8Array<ArrayBuffer> | null> | null = null;

  /** @ignore Made by a WebSocket alone. */
  constructor(isText: boolean, host: MessageStreamHost) {
    this.isText = isText;
    this.#host = host;
  }

  /**
   * The next piece, which is yours to keep, or `null` at the end.
   *
   * @throws {WebsocketError} If the connection ended before the message.
   * @throws {TypeError} If the piece before is still waited for, or the next
   * message was taken.
   */
  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#waiter !== null || this.#isLeft) {
      const problem = this.#isLeft
        ? "Message was left for the next one"
        : "Message is being read already";
      return Promise.reject(new TypeError(problem));
    }
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#host.taken(piece.length);
      return Promise.resolve(piece);
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#isComplete) return LAST;
    this.#waiter = Promise.withResolvers();
    return this.#waiter.promise;
  }

  /** The pieces up to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<
    Uint8Array<ArrayBuffer>,
    void,
    void
  > {
    for (let piece; (piece = await this.read()) !== null;) yield piece;
  }

  /** What is left of it, as text piece by piece; of bytes, as if they were. */
  async *text(): AsyncGenerator<string, void, void> {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for await (const piece of this) {
      const text = decoder.decode(piece, { stream: true });
      if (text !== "") yield text;
    }
  }

  /** @ignore A piece is in; whether it waits to be read. */
  add(piece: Uint8Array<ArrayBuffer>): boolean {
    if (piece.length === 0 || this.#isLeft) return false;
    if (this.#waiter === null) {
      this.#pieces.push(piece);
      return true;
    }
    this.#settle(piece);
    return false;
  }

  /** @ignore All of it is in. */
  finish(): void {
    this.#isComplete = true;
    this.#settle(null);
  }

  /** @ignore The rest of it will not come. */
  fail(): void {
    this.#error = new WebsocketError("unfinished-message");
    this.#waiter?.promise.catch(() => {});
    this.#waiter?.reject(this.#error);
    this.#waiter = null;
  }

  /** @ignore Nobody reads it any more. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    let bytes = 0;
    for (const piece of this.#pieces) bytes += piece.length;
    this.#pieces = [];
    this.#settle(null);
    if (bytes > 0) this.#host.taken(bytes);
  }

  #settle(piece: Uint8Array<ArrayBuffer> | null): void {
    this.#waiter?.resolve(piece);
    this.#waiter = null;
  }
}
