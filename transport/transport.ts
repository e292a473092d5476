import { nextTurn, type SweptClock } from "./clock.ts";

/**
 * Sizes of the buffers that writes are gathered in, and how many of each are
 * kept for the next writer: for an answer or an event, for several of them,
 * for a piece of a stream, of a file, and of a long text. A thousand
 * connections may write at once, so the first is small.
 */
const SIZES = [1024, 16_384, 66_560, 132_096, 263_168, 1_180_672];
const KEPT = [1024, 32, 32, 16, 4, 2];
/** The index of the size that parts of a long text are encoded into. */
const LONG = 5;
/**
 * And of the one for a peer that has not taken all of such a part: so much is
 * held for one that does not read, until it has read more than any system holds.
 */
const HELD = 3;
const SURELY_READ = 8_388_608;
/** What is gathered goes on together up to this size. */
const GATHERED = SIZES[2];
/**
 * Pieces from this size on are sent from where they lie. To copy a smaller one
 * takes less than a write of its own; and with TLS, where Nagle's algorithm
 * cannot be switched off, a second write would wait for the peer to acknowledge
 * the first.
 */
export const COPY_LIMIT = 65_537;
/**
 * Room for so many bytes of a long text is asked for, behind what else goes out
 * with it: a mebibyte of ASCII, with some other characters in it, goes at once.
 */
export const TEXT_PART = 1_179_648;

const encoder = new TextEncoder();

/** Text that is encoded as it is sent. */
class Text {
  readonly text: string;
  /** Where what is not encoded begins. */
  at: number;
  /** Bytes that may yet be encoded in small parts. */
  #slow = 0;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  /** Goes on from a character on, for a peer that has not kept up. */
  goBack(at: number): void {
    this.at = at;
    this.#slow = SURELY_READ;
  }

  /** The size of a buffer for its next part. */
  get partSize(): number {
    return SIZES[this.#slow > 0 ? HELD : LONG];
  }

  /** Encodes as much as there is room for; returns the bytes of that. */
  encode(into: Uint8Array): number {
    const { read, written } = encoder.encodeInto(
      this.text.slice(this.at),
      into,
    );
    this.at += read;
    this.#slow -= written;
    return written;
  }

  get isDone(): boolean {
    return this.at === this.text.length;
  }
}

/**
 * Of what the system holds of our output, so much at most has to be read before
 * it takes more: a third of the 4 MiB that Linux keeps by default, and a share
 * of what the peer's side keeps.
 */
const MOST_AWAITED = 2_097_152;

/**
 * A buffer that output is gathered in. It keeps the last view that was made of
 * it: answers are often of one size, and a view costs more than filling it.
 */
class OutBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The index of its size; above them all for one that is not kept. */
  readonly kind: number;
  /** Where what waits in it ends. */
  end = 0;
  /** A long text that it ends with, the first character, and where that is. */
  text: string | null = null;
  textFrom = 0;
  textStart = 0;
  #view: Uint8Array<ArrayBuffer>;

  constructor(kind: number, size: number) {
    this.kind = kind;
    this.bytes = this.#view = new Uint8Array(size);
  }

  upTo(end: number): Uint8Array<ArrayBuffer> {
    if (this.#view.length !== end) this.#view = this.bytes.subarray(0, end);
    return this.#view;
  }
}

// Output buffers of all connections: a connection holds one only while it
// has something to send.
const pools: OutBuffer[][] = SIZES.map(() => []);

function takeBuffer(length: number): OutBuffer {
  let kind = 0;
  while (kind < SIZES.length && length > SIZES[kind]) kind++;
  if (kind === SIZES.length) return new OutBuffer(kind, length);
  return pools[kind].pop() ?? new OutBuffer(kind, SIZES[kind]);
}

function giveBuffer(buffer: OutBuffer): void {
  const { kind } = buffer;
  buffer.text = null;
  if (kind < SIZES.length && pools[kind].length < KEPT[kind]) {
    pools[kind].push(buffer);
  }
}

const NOTHING = new Uint8Array(0);
const SENT: Promise<boolean> = Promise.resolve(true);
const GONE: Promise<boolean> = Promise.resolve(false);

/** Somebody who waits until no more than so much is queued. */
interface Waiting extends PromiseWithResolvers<boolean> {
  amount: number;
}

const NOBODY: Waiting[] = []; // of all connections; never altered

/** What a transport counts for its owner. */
export interface Meter {
  /** Bytes received. */
  bytesIn: number;
  /** Bytes handed to the kernel. */
  bytesOut: number;
}

/** Whom a connection belongs to: what is told of it, and asked for it. */
export interface TransportHandler {
  /** Room to read into; nothing where no more is wanted. */
  space(): Uint8Array<ArrayBuffer>;
  /** Bytes are in; returns whether to read on. */
  received(length: number): boolean;
  /** The peer has closed its side. */
  ended(): void;
  /** All that was queued is with the kernel. */
  sent(): void;
  /** The connection broke, or was closed; called once. */
  gone(error: unknown): void;
  /** And no read is under way any more, so that its buffer is free. */
  readingEnded(): void;
  /**
   * The peer takes no more; returns whether the connection is to go on in spite
   * of that. Where this is missing, it does not.
   */
  writeFailed?(error: unknown): boolean;
}

/** The side of a connection that is written to: all that an answer needs. */
export interface Output {
  /** Whether the connection is closed: what is queued then is dropped. */
  readonly isClosed: boolean;
  /** Bytes queued and not yet taken by the kernel. */
  readonly bufferedAmount: number;
  /** Where what was written into `room()` ends. */
  readonly outEnd: number;
  /** Room for `length` bytes of output, behind `outEnd`. */
  room(length: number): Uint8Array<ArrayBuffer>;
  /** The same in one buffer with what stands before it. */
  roomBehind(length: number): Uint8Array<ArrayBuffer>;
  /** Counts what was written into `room()` as output. */
  wrote(end: number): void;
  /** Queues bytes; large ones must not be altered until they are sent. */
  append(bytes: Uint8Array): void;
  /** Queues text of so many bytes as UTF-8. */
  appendText(text: string, length: number): void;
  /** Queues the rest of a text, from a character on, of so many bytes. */
  appendRest(text: string, at: number, length: number): void;
  /** Says that what was written from `start` on is text, maybe not all of it. */
  endsInText(text: string, start: number): void;
  /** Sends what is queued; resolves to whether the kernel took it all. */
  flush(): Promise<boolean>;
}

/**
 * One connection: at most one read and one write under way, writes gathered
 * and queued in order. It knows no HTTP.
 *
 * Writes run on callbacks made once a connection, not on async functions,
 * which would cost a frame and more turns of the queue for each.
 */
export class Transport implements Output {
  /** The socket. */
  readonly conn: Deno.Conn;
  /** Whether the socket has been closed on our side. */
  isClosed = false;
  /** Whether output was lost by that. */
  wasCut = false;
  /** Whether the peer has closed its side: no more bytes will come. */
  inputEnded = false;
  /** Bytes queued and not yet taken by the kernel. */
  bufferedAmount = 0;

  /** Where the gathered output ends. */
  outEnd = 0;

  readonly #meter: Meter;
  readonly #clock: SweptClock;
  readonly #handler: TransportHandler;
  // The tick when the write under way last got on.
  #writeSince = 0;
  #isReading = false;
  #isReadPending = false;
  #queue: (Uint8Array | OutBuffer | Text)[] = [];
  #writing: Uint8Array | null = null;
  // Gathers output; and the same while it is being written.
  #out: OutBuffer | null = null;
  #outWriting: OutBuffer | null = null;
  #drained: Promise<boolean> = SENT;
  #batch: PromiseWithResolvers<boolean> | null = null;
  // Who waits for the queue to get shorter.
  #waiting: Waiting[] = NOBODY;
  // Bytes that the system has taken in one go, and the most it ever took.
  #taken = 0;
  #mostTaken = 0;

  /**
   * @param conn The socket; it belongs to the transport from now on.
   * @param clock What writes are timed by.
   * @param handler Whom it belongs to; told nothing before something is asked.
   */
  constructor(
    conn: Deno.Conn,
    meter: Meter,
    clock: SweptClock,
    handler: TransportHandler,
  ) {
    this.conn = conn;
    this.#meter = meter;
    this.#clock = clock;
    this.#handler = handler;
  }

  /** Whether a write is under way. */
  get isWriting(): boolean {
    return this.#writing !== null;
  }

  /** Whether a read is under way, and so the buffer it reads into in use. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** Whether bytes may come at any time into the room that was given last. */
  get isReadPending(): boolean {
    return this.#isReadPending;
  }

  /** Starts to read, unless that goes on already or there is no room. */
  read(): void {
    if (!this.#isReading && !this.isClosed && !this.inputEnded) {
      this.#readNext();
    }
  }

  // Callbacks made once a connection: an idle one then holds no frame of an
  // async function, and a read costs a turn of the queue less.
  #readNext(): void {
    const space = this.#handler.space();
    this.#isReading = space.length > 0;
    if (this.#isReading) {
      this.#isReadPending = true;
      this.conn.read(space).then(this.#onRead, this.#onReadFailure);
    }
  }

  readonly #onRead = (length: number | null): void => {
    this.#isReadPending = false;
    if (!this.isClosed) {
      if (length === null) {
        this.inputEnded = true;
        this.#isReading = false;
        this.#handler.ended();
        return;
      }
      this.#meter.bytesIn += length;
      try {
        if (this.#handler.received(length) && !this.isClosed) {
          this.#readNext();
          return;
        }
      } catch (error) {
        this.destroy(error);
      }
    }
    this.#isReading = false;
    if (this.isClosed) this.#handler.readingEnded();
  };

  readonly #onReadFailure = (error: unknown): void => {
    this.#isReadPending = false;
    this.destroy(error);
    this.#isReading = false;
    this.#handler.readingEnded();
  };

  readonly #onFailure = (error: unknown): false => {
    if (this.isClosed || !this.#handler.writeFailed?.(error)) {
      this.destroy(error);
    }
    return false;
  };

  /** Room for `length` bytes of output, behind `outEnd`. */
  room(length: number): Uint8Array<ArrayBuffer> {
    const out = this.#out;
    if (out !== null) {
      if (out.bytes.length - this.outEnd >= length) return out.bytes;
      const needed = this.outEnd + length;
      if (needed <= GATHERED) {
        // A head and its body, or several answers, go on together in a larger.
        this.#out = takeBuffer(needed);
        this.#out.bytes.set(out.bytes); // all of it: a view would cost more
        giveBuffer(out);
        return this.#out.bytes;
      }
      this.#seal();
    }
    this.#out = takeBuffer(length);
    return this.#out.bytes;
  }

  /**
   * The same in one buffer with what stands before it, such as a head, however
   * large that gets: both go out in one write.
   */
  roomBehind(length: number): Uint8Array<ArrayBuffer> {
    const before = this.#out;
    const end = this.outEnd;
    if (before !== null && before.bytes.length - end >= length) {
      return before.bytes;
    }
    const out = this.#out = takeBuffer(end + length);
    if (before !== null) {
      out.bytes.set(before.bytes.subarray(0, end));
      giveBuffer(before);
    }
    return out.bytes;
  }

  /** Counts what was written into `room()` as output. */
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
      if (this.#out !== null) this.#seal();
      this.#queue.push(bytes);
      this.bufferedAmount += bytes.length;
    }
  }

  /**
   * Queues text as UTF-8: what there is room for together with what stands
   * before it, the rest when it is sent.
   *
   * @param length Its length in bytes.
   */
  appendText(text: string, length: number): void {
    if (this.isClosed) return;
    const out = this.roomBehind(Math.min(length, TEXT_PART));
    const { read, written } = encoder.encodeInto(
      text,
      out.subarray(this.outEnd),
    );
    const start = this.outEnd;
    this.wrote(start + written);
    this.endsInText(text, start);
    if (read < text.length) this.appendRest(text, read, length - written);
  }

  /**
   * Says that what was written last is the beginning of a text, or all of it:
   * a peer that does not read shall not have it held as bytes as well.
   *
   * @param start Where that begins.
   */
  endsInText(text: string, start: number): void {
    const out = this.#out;
    if (out === null || this.outEnd - start <= SIZES[HELD]) return;
    out.text = text;
    out.textFrom = 0;
    out.textStart = start;
    this.#seal();
  }

  /**
   * Queues the rest of a text, which is encoded when it is sent.
   *
   * @param at Where the rest begins.
   * @param length The bytes of it.
   */
  appendRest(text: string, at: number, length: number): void {
    if (this.isClosed) return;
    if (this.#out !== null) this.#seal();
    this.#queue.push(new Text(text, at));
    this.bufferedAmount += length;
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
    let waiting = this.#waiting.find((other) => other.amount === amount);
    if (waiting === undefined) {
      waiting = { amount, ...Promise.withResolvers<boolean>() };
      this.#waiting = [...this.#waiting, waiting];
    }
    return waiting.promise;
  }

  #seal(): void {
    const out = this.#out!;
    if (this.outEnd > 0) {
      out.end = this.outEnd;
      this.#queue.push(out);
    } else giveBuffer(out);
    this.#out = null;
    this.outEnd = 0;
  }

  #writeNext(): Promise<boolean> {
    let piece: Uint8Array;
    const first = this.#queue[0];
    if (first instanceof Text) {
      const out = this.#outWriting = takeBuffer(first.partSize);
      out.text = first.text;
      out.textFrom = first.at;
      out.textStart = 0;
      piece = out.upTo(first.encode(out.bytes));
      if (first.isDone) this.#queue.shift();
    } else if (first !== undefined) {
      this.#queue.shift();
      if (first instanceof OutBuffer) {
        this.#outWriting = first;
        piece = first.upTo(first.end);
      } else piece = first;
    } else {
      piece = this.#out!.upTo(this.outEnd);
      this.#outWriting = this.#out;
      this.#out = null;
      this.outEnd = 0;
    }
    this.#writing = piece;
    this.#writeSince = this.#clock.tick;
    return this.conn.write(piece).then(this.#onWritten, this.#onFailure);
  }

  readonly #onWritten = (length: number): boolean | Promise<boolean> => {
    this.#meter.bytesOut += length;
    this.#taken += length;
    if (this.isClosed) return false;
    this.bufferedAmount -= length;
    if (this.#waiting.length > 0) this.#tellWaiting();
    const piece = this.#writing!;
    if (length < piece.length) {
      if (piece.length - length > SIZES[HELD] && this.#letGoOfText(length)) {
        return this.#writeNext();
      }
      const rest = this.#writing = piece.subarray(length);
      this.#writeSince = this.#clock.tick;
      return this.conn.write(rest).then(this.#onWritten, this.#onFailure);
    }
    if (this.#outWriting !== null) {
      giveBuffer(this.#outWriting);
      this.#outWriting = null;
    }
    if (this.bufferedAmount > 0) return this.#writeNext();
    this.#writing = null;
    this.#handler.sent();
    return true;
  };

  /**
   * The peer takes no more at present: lets go of the buffer of a long text,
   * which is encoded again from where it has come to.
   *
   * @param length Bytes of the piece under way that were taken.
   */
  #letGoOfText(length: number): boolean {
    const out = this.#outWriting;
    if (out === null || out.text === null) return false;
    const { bytes, text, textStart } = out;
    const end = this.#writing!.byteOffset + length;
    if (end < textStart) return false;
    const { read, written } = encoder.encodeInto(
      text.slice(out.textFrom, out.textFrom + end - textStart),
      bytes.subarray(textStart, end),
    );
    let at = out.textFrom + read;
    let rest = NOTHING;
    if (textStart + written < end) {
      // It was cut within a character.
      const first = bytes[textStart + written];
      const size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
      rest = bytes.slice(end, textStart + written + size);
      at += size === 4 ? 2 : 1;
    }
    let next = this.#queue[0];
    if (!(next instanceof Text)) {
      next = new Text(text, at);
      this.#queue.unshift(next);
    }
    next.goBack(at);
    if (rest.length > 0) this.#queue.unshift(rest);
    giveBuffer(out);
    this.#outWriting = null;
    return true;
  }

  #tellWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((one) => this.bufferedAmount > one.amount);
    for (const one of waiting) {
      if (this.bufferedAmount <= one.amount) one.resolve(true);
    }
  }

  /** For how many ticks the write under way has not got on. */
  get writeAge(): number {
    const { tick } = this.#clock;
    return tick - this.#clock.begun(this.#writeSince);
  }

  /** A tick has gone by. */
  swept(): void {
    this.#writeSince = this.#clock.begun(this.#writeSince);
  }

  /**
   * Whether the peer has read too little for too long; to be asked once a tick.
   *
   * A system takes more only after a good part of what it holds was read, on
   * Linux a third: that much of time a slow reader needs. What it holds, no one
   * says; it is no more than it has taken in one go.
   *
   * @param timeout Ticks without progress, whatever the system holds.
   * @param rate Bytes that the peer has to read a tick.
   */
  isStalled(timeout: number, rate: number): boolean {
    if (this.#writing === null || this.#clock.tick === this.#writeSince) {
      return false;
    }
    this.#mostTaken = Math.max(this.#mostTaken, this.#taken);
    this.#taken = 0;
    const awaited = Math.min(this.#mostTaken, MOST_AWAITED);
    return this.#clock.tick - this.#writeSince > timeout + awaited / rate;
  }

  /**
   * Finds out whether the connection is broken, where nothing is read or
   * written that would tell: to send nothing fails then. TLS has no such way.
   */
  probe(): void {
    if (this.#isReading || this.#writing !== null || this.isClosed) return;
    if ("handshake" in this.conn) return;
    this.conn.write(NOTHING).catch(this.#onFailure);
  }

  /**
   * Calls back once the system has told of what the peer of a new connection
   * had sent by now, and that was read. A loop that is busy asks it late, and
   * then for all at once: also whether there is room to write nothing.
   */
  whenTold(callback: () => void): void {
    const told = () => void nextTurn(callback);
    this.conn.write(NOTHING).then(told, this.#onFailure);
  }

  /** Closes the socket at once. Safe to call again. */
  destroy(error?: unknown): void {
    if (this.isClosed) return;
    this.wasCut = this.bufferedAmount > 0;
    this.closeSocket();
    this.letGo(error);
  }

  /** Closes the socket, and nothing else. */
  closeSocket(): void {
    try {
      this.conn.close();
    } catch {
      // Closed already, by whoever else had hold of the socket.
    }
  }

  /** Forgets all output that the kernel has not taken. */
  dropOutput(): void {
    // Buffers under way stay out of the pool: the kernel may still read them.
    this.#out = this.#outWriting = null;
    this.#writing = null;
    this.outEnd = 0;
    this.bufferedAmount = 0;
    this.#queue = [];
    this.#batch?.resolve(false);
    this.#batch = null;
    for (const { resolve } of this.#waiting) resolve(false);
    this.#waiting = NOBODY;
  }

  /** Ends the transport without closing its socket. */
  letGo(error?: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.dropOutput();
    this.#handler.gone(error);
    if (!this.#isReading) this.#handler.readingEnded();
  }
}
