/** Size of the buffers that small writes are gathered in. */
const OUT_SIZE = 16384;
/** Pieces from this size on are sent from where they lie. */
const COPY_LIMIT = 8192;
/** How many output buffers are kept for the next writer. */
const POOL_LIMIT = 32;

// Output buffers of all connections: a connection holds one only while it
// has something to send.
const pool: Uint8Array<ArrayBuffer>[] = [];

const SENT: Promise<boolean> = Promise.resolve(true);
const GONE: Promise<boolean> = Promise.resolve(false);

/** What a transport counts for its owner. */
export interface Meter {
  /** Bytes received. */
  bytesIn: number;
  /** Bytes handed to the kernel. */
  bytesOut: number;
}

/**
 * One connection: at most one read and one write under way, writes gathered
 * and queued in order. It knows no HTTP.
 *
 * Reads and writes run on callbacks made once a connection, not on async
 * functions, which would cost a frame and more turns of the queue for each.
 */
export abstract class Transport {
  /** The socket. */
  readonly conn: Deno.Conn;
  /** Whether the socket has been closed on our side. */
  isClosed = false;
  /** Whether the peer has closed its side: no more bytes will come. */
  inputEnded = false;
  /** Bytes queued and not yet taken by the kernel. */
  bufferedAmount = 0;

  /** @ignore Where output is gathered; make room with `room()` first. */
  out: Uint8Array<ArrayBuffer> | null = null;
  /** @ignore Where the gathered output ends. */
  outEnd = 0;
  /** @ignore The tick when the write under way last got on. */
  protected writeSince = 0;

  readonly #meter: Meter;
  #isReading = false;
  #queue: Uint8Array[] = [];
  #writing: Uint8Array | null = null;
  #pooled: Uint8Array<ArrayBuffer> | null = null;
  #drained: Promise<boolean> = SENT;
  #batch: PromiseWithResolvers<boolean> | null = null;
  #waiting: PromiseWithResolvers<boolean> | null = null;
  #waitingFor = 0;

  /** @param conn The socket; it belongs to the transport from now on. */
  constructor(conn: Deno.Conn, meter: Meter) {
    this.conn = conn;
    this.#meter = meter;
  }

  /** @ignore Room to read into; nothing where no more is wanted. */
  protected abstract space(): Uint8Array<ArrayBuffer>;
  /** @ignore Bytes are in. */
  protected abstract received(length: number): void;
  /** @ignore The peer has closed its side. */
  protected abstract ended(): void;
  /** @ignore The connection broke, or was closed; called once. */
  protected abstract gone(error: unknown): void;
  /** @ignore All that was queued is with the kernel. */
  protected abstract sent(): void;
  /** @ignore The owner's clock. */
  protected abstract get tick(): number;

  /** Whether a write is under way. */
  get isWriting(): boolean {
    return this.#writing !== null;
  }

  /** Whether a read is under way, and so the buffer it reads into in use. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** Starts a read, unless one is under way or none is possible. */
  read(): void {
    if (this.#isReading || this.isClosed || this.inputEnded) return;
    const space = this.space();
    if (space.length === 0) return;
    this.#isReading = true;
    this.conn.read(space).then(this.#onRead, this.#onFailure);
  }

  readonly #onRead = (length: number | null): void => {
    this.#isReading = false;
    if (this.isClosed) return;
    try {
      if (length === null) {
        this.inputEnded = true;
        this.ended();
      } else {
        this.#meter.bytesIn += length;
        this.received(length);
      }
    } catch (error) {
      this.destroy(error);
    }
  };

  readonly #onFailure = (error: unknown): false => {
    this.#isReading = false;
    this.destroy(error);
    return false;
  };

  /** Makes room for `length` bytes in `out`, behind `outEnd`. */
  room(length: number): Uint8Array<ArrayBuffer> {
    if (this.out !== null) {
      if (this.out.length - this.outEnd >= length) return this.out;
      this.#seal();
    }
    return this.out = length > OUT_SIZE
      ? new Uint8Array(length)
      : pool.pop() ?? new Uint8Array(OUT_SIZE);
  }

  /** Counts bytes that were written into `out` as output. */
  wrote(end: number): void {
    this.bufferedAmount += end - this.outEnd;
    this.outEnd = end;
  }

  /**
   * Queues bytes. Small ones are copied; large ones are sent from where they
   * lie, and must not be altered until they are sent.
   */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.isClosed) return;
    if (bytes.length < COPY_LIMIT) {
      this.room(bytes.length).set(bytes, this.outEnd);
      this.wrote(this.outEnd + bytes.length);
    } else {
      if (this.out !== null) this.#seal();
      this.#queue.push(bytes);
      this.bufferedAmount += bytes.length;
    }
  }

  /** Sends what is queued; resolves to whether the kernel took it all. */
  flush(): Promise<boolean> {
    if (this.isClosed) return GONE;
    if (this.#writing !== null) return this.#drained;
    if (this.bufferedAmount === 0) return SENT;
    const drained = this.#drained = this.#writeNext();
    if (this.#batch !== null) {
      drained.then(this.#batch.resolve);
      this.#batch = null;
    }
    return drained;
  }

  /** Like `flush()`, for output that somebody else will flush. */
  whenFlushed(): Promise<boolean> {
    if (this.isClosed) return GONE;
    if (this.#writing !== null) return this.#drained;
    return (this.#batch ??= Promise.withResolvers()).promise;
  }

  /** Resolves to true once no more than `amount` is queued, to false if gone. */
  whenBelow(amount: number): Promise<boolean> {
    if (this.isClosed) return GONE;
    if (this.bufferedAmount <= amount) return SENT;
    this.#waitingFor = amount;
    return (this.#waiting ??= Promise.withResolvers()).promise;
  }

  #seal(): void {
    if (this.outEnd > 0) this.#queue.push(this.out!.subarray(0, this.outEnd));
    this.out = null;
    this.outEnd = 0;
  }

  #writeNext(): Promise<boolean> {
    let piece: Uint8Array;
    if (this.#queue.length > 0) piece = this.#queue.shift()!;
    else {
      piece = this.out!.subarray(0, this.outEnd);
      this.#pooled = this.out;
      this.out = null;
      this.outEnd = 0;
    }
    this.#writing = piece;
    this.writeSince = this.tick;
    return this.conn.write(piece).then(this.#onWritten, this.#onFailure);
  }

  readonly #onWritten = (length: number): boolean | Promise<boolean> => {
    this.#meter.bytesOut += length;
    if (this.isClosed) return false;
    this.bufferedAmount -= length;
    if (
      this.#waiting !== null && this.bufferedAmount <= this.#waitingFor
    ) {
      this.#waiting.resolve(true);
      this.#waiting = null;
    }
    const piece = this.#writing!;
    if (length < piece.length) {
      const rest = this.#writing = piece.subarray(length);
      this.writeSince = this.tick;
      return this.conn.write(rest).then(this.#onWritten, this.#onFailure);
    }
    if (this.#pooled !== null) {
      if (this.#pooled.length === OUT_SIZE && pool.length < POOL_LIMIT) {
        pool.push(this.#pooled);
      }
      this.#pooled = null;
    }
    if (this.bufferedAmount > 0) return this.#writeNext();
    this.#writing = null;
    this.sent();
    return true;
  };

  /** Closes the socket at once. Safe to call again. */
  destroy(error?: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    try {
      this.conn.close();
    } catch {
      // Closed already, by whoever else had hold of the socket.
    }
    // Buffers under way stay out of the pool: the kernel may still read them.
    this.out = null;
    this.outEnd = 0;
    this.bufferedAmount = 0;
    this.#queue = [];
    this.#batch?.resolve(false);
    this.#waiting?.resolve(false);
    this.#batch = this.#waiting = null;
    this.gone(error);
  }
}
