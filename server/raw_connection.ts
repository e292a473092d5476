import type { Session } from "./session.ts";

/**
 * A connection that was taken over from HTTP, in the shape of a `Deno.Conn`:
 * what had been read of it already comes first.
 *
 * It stays one of its server's connections: it is counted, `sendTimeout` holds
 * for what is written to it, and closing the server closes it.
 */
export class RawConnection implements Deno.Conn {
  readonly #session: Session;
  #front: Uint8Array;
  // Whether it ever was ours: the peer may have gone before.
  readonly #isOpen: boolean;
  #inputEnded: boolean;
  #outputEnded = false;
  #isGone = false;
  #waiting: PromiseWithResolvers<void> | null = null;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | null = null;

  /** @ignore Made by `HttpConnection` alone. */
  constructor(session: Session, isHeld: boolean, peerGone: () => void) {
    this.#session = session;
    this.#isOpen = isHeld;
    this.#inputEnded = !isHeld || session.inputEnded;
    this.#front = !isHeld ? new Uint8Array(0) : session.upgrade({
      received: (bytes) => this.#received(bytes),
      ended: () => {
        peerGone();
        this.#ended();
      },
      gone: () => {
        this.#isGone = true;
        peerGone();
        queueMicrotask(() => this.#wake());
      },
      stopping: () => {},
    });
  }

  /** The local end. */
  get localAddr(): Deno.Addr {
    return this.#session.conn.localAddr;
  }

  /** The peer. */
  get remoteAddr(): Deno.Addr {
    return this.#session.conn.remoteAddr;
  }

  /**
   * Reads up to `p.length` bytes; resolves to how many there were, or to
   * `null` at the end.
   *
   * @throws {Deno.errors.ConnectionAborted} If the connection is closed or
   * broken; a read under way may throw another of `Deno.errors`.
   */
  async read(p: Uint8Array): Promise<number | null> {
    if (p.length === 0) return 0;
    const session = this.#session;
    // A read for the sake of HTTP may have been under way; it comes first.
    while (
      this.#isOpen && !session.isClosed && this.#front.length === 0 &&
      session.isReading
    ) {
      await (this.#waiting ??= Promise.withResolvers()).promise;
    }
    if (this.#front.length > 0) {
      const part = this.#front.subarray(0, p.length);
      p.set(part);
      this.#front = this.#front.subarray(part.length);
      return part.length;
    }
    if (this.#inputEnded) {
      this.#endWithBoth();
      return null;
    }
    if (this.#isGone) {
      throw new Deno.errors.ConnectionAborted("Connection is closed");
    }
    const length = await session.conn.read(p);
    if (length === null) this.#ended();
    else session.host.stats.bytesIn += length;
    return length;
  }

  /**
   * Writes all of `p`, and resolves once the kernel has it.
   *
   * @throws {Deno.errors.BrokenPipe} If the connection is gone.
   */
  async write(p: Uint8Array): Promise<number> {
    const session = this.#session;
    if (this.#isOpen) session.out.append(p);
    if (!this.#isOpen || !await session.flush()) {
      throw new Deno.errors.BrokenPipe("Connection is closed");
    }
    return p.length;
  }

  /**
   * Closes our side; the peer can still send. Where it has closed its own, that
   * is the end of the connection.
   */
  async closeWrite(): Promise<void> {
    if (!this.#isOpen) return;
    await this.#session.flush();
    await this.#session.conn.closeWrite();
    this.#outputEnded = true;
    this.#endWithBoth();
  }

  /** Of a connection that both sides have closed nothing is left to use. */
  #endWithBoth(): void {
    if (
      this.#inputEnded && this.#outputEnded && this.#front.length === 0
    ) this.close();
  }

  /** Closes the connection at once. */
  close(): void {
    if (this.#isOpen) this.#session.destroy();
  }

  /** Does nothing: a server's connections keep the process alive. */
  ref(): void {}

  /** Does nothing: a server's connections keep the process alive. */
  unref(): void {}

  /** What comes in, as a byte stream; cancelling it closes the connection. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= new ReadableStream({
      pull: async (controller) => {
        const buffer = new Uint8Array(65536);
        const length = await this.read(buffer);
        if (length === null) controller.close();
        else controller.enqueue(buffer.subarray(0, length));
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  /** What goes out, as a stream; closing it closes our side. */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= new WritableStream({
      write: async (bytes) => {
        await this.write(bytes);
      },
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
  }

  /** The same as {@linkcode RawConnection.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  // What a read for the sake of HTTP has brought: it was under way before.
  #received(bytes: Uint8Array): boolean {
    const joined = new Uint8Array(this.#front.length + bytes.length);
    joined.set(this.#front);
    joined.set(bytes, this.#front.length);
    this.#front = joined;
    queueMicrotask(() => this.#wake()); // once that read is over
    return false;
  }

  #ended(): void {
    this.#inputEnded = true;
    this.#endWithBoth();
    queueMicrotask(() => this.#wake());
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}
