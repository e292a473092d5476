import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { builtin } from "../runtime/builtins.ts";
import { afterReading } from "./clock.ts";

// Deno's own TLS checks certificates always, but for hosts named on its command
// line, and keeps the socket of a handshake that was given up. Its node:tls does
// neither. The handshake runs over a connection that is there already.

/** How much is read at once. */
const READ_SIZE = 16_384;
/** And how much is encrypted at once: it lies there until the peer has read it. */
const WRITE_SIZE = 65_536;

/**
 * So much is read ahead of who reads what is in it. Node's TLS takes all that
 * comes, whether anybody wants it or not.
 */
const READ_AHEAD = 65_536;

/** A connection, as a stream of Node, and who is told of its faults. */
export interface Lower {
  readonly stream: Duplex;
  /** Asked before more is read; told how much was read last. */
  mayRead: (length: number) => boolean;
  /** Reads on where that was refused. */
  readOn(): void;
  /** Called when reading fails: what Node makes of it is late, and at times an
   * orderly end. */
  readFailed: (error: unknown) => void;
  /**
   * Called when writing fails. Node is not told: it would end the reading, too,
   * and so lose what a peer said before it closed.
   */
  writeFailed: (error: unknown) => void;
  /** Called when the peer has ended; in a handshake, Node would wait on. */
  ended: () => void;
}

/** A connection as a stream of Node, for its TLS to run over. */
export function streamOf(conn: Deno.Conn): Lower {
  const buffer = new Uint8Array(READ_SIZE);
  let isBroken = false; // for writing
  const write = (
    chunk: Uint8Array,
    encoding: string,
    done: (error?: Error | null) => void,
  ): void => {
    if (isBroken) return done();
    conn.write(chunk).then((length) => {
      if (length === chunk.length) done();
      else write(chunk.subarray(length), encoding, done);
    }, (error) => {
      isBroken = true;
      lower.writeFailed(error);
      done();
    });
  };
  const { Duplex } = builtin("node:stream");
  let last = 0;
  let isHeld = false;
  const read = (): void => {
    conn.read(buffer).then(
      (length) => {
        last = length ?? 0;
        if (length === null) lower.ended();
        stream.push(length === null ? null : buffer.slice(0, length));
      },
      (error) => {
        lower.readFailed(error);
        stream.destroy();
      },
    );
  };
  const stream: Duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      isHeld = !lower.mayRead(last);
      last = 0;
      if (!isHeld) read();
    },
    write,
    final(done) {
      conn.closeWrite().then(() => done(), (error) => {
        lower.writeFailed(error);
        done();
      });
    },
    destroy(error, done) {
      conn[Symbol.dispose]();
      done(error);
    },
  });
  const lower: Lower = {
    stream,
    mayRead: () => true,
    readOn() {
      if (!isHeld) return;
      isHeld = false;
      read();
    },
    readFailed: () => {},
    writeFailed: () => {},
    ended: () => {},
  };
  return lower;
}

/** A read that waits for bytes. */
interface Reading extends PromiseWithResolvers<number | null> {
  space: Uint8Array;
}

/** A TLS connection of Node, with the face of one of Deno. */
export class NodeTlsConn implements Deno.TlsConn {
  /** Unlike Deno's own, it lets go of its socket whenever it is closed. */
  readonly closesAtOnce = true;

  readonly #conn: Deno.Conn;
  readonly #socket: TLSSocket;
  readonly #lower: Lower;
  // Bytes that were read and, as far as is known, not taken yet.
  #ahead = 0;
  #rest: Uint8Array | null = null; // taken from the socket, and not yet read
  #hasEnded = false;
  #reading: Reading | null = null;
  // Those who wait for a write; Node takes a broken one for a success.
  readonly #writing = new Set<(error: unknown) => void>();
  #writeError: unknown = null; // why no more can be written
  #error: unknown = null; // why nothing goes any more
  #secured: PromiseWithResolvers<void> | null = null; // of a server's handshake
  #isSecured: boolean;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  #writable: WritableStream<Uint8Array> | null = null;

  /**
   * @param isSecured Whether the handshake is done: that of a client is, that
   * of a server is waited for.
   */
  constructor(
    conn: Deno.Conn,
    lower: Lower,
    socket: TLSSocket,
    isSecured: boolean,
  ) {
    this.#conn = conn;
    this.#socket = socket;
    this.#lower = lower;
    this.#isSecured = isSecured;
    if (!isSecured) {
      this.#secured = Promise.withResolvers();
      this.#secured.promise.catch(() => {}); // nobody may ask
      socket.once("secure", () => {
        this.#isSecured = true;
        this.#secured!.resolve();
      });
    }
    lower.mayRead = (length) => {
      this.#ahead += length;
      return this.#reading !== null || !this.#isSecured ||
        this.#ahead < READ_AHEAD;
    };
    lower.readFailed = (error) => this.#fail(error);
    lower.writeFailed = (error) => this.#failWrites(error);
    socket.on("readable", () => this.#goOn());
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#goOn();
    });
    lower.ended = () => {
      if (!this.#isSecured) this.#fail(new Deno.errors.UnexpectedEof());
    };
    socket.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => {
      this.#fail(new Deno.errors.ConnectionReset("Connection is broken"));
    });
  }

  get localAddr(): Deno.NetAddr {
    return this.#conn.localAddr as Deno.NetAddr;
  }

  get remoteAddr(): Deno.NetAddr {
    return this.#conn.remoteAddr as Deno.NetAddr;
  }

  async handshake(): Promise<Deno.TlsHandshakeInfo> {
    await this.#secured?.promise;
    return { alpnProtocol: this.#socket.alpnProtocol || null };
  }

  read(p: Uint8Array): Promise<number | null> {
    if (this.#reading !== null) {
      return Promise.reject(new Deno.errors.Busy("A read is under way"));
    }
    if (p.length === 0) return Promise.resolve(0);
    this.#reading = { space: p, ...Promise.withResolvers() };
    const { promise } = this.#reading;
    this.#goOn();
    return promise;
  }

  /** Serves the read that waits, if that can be done. */
  #goOn(): void {
    if (this.#reading === null) {
      // The end is told only to those who ask for what lies before it.
      if (this.#rest === null) this.#take();
      return;
    }
    const { space, resolve, reject } = this.#reading;
    const bytes = this.#rest ?? this.#take();
    if (bytes !== null) {
      const length = Math.min(bytes.length, space.length);
      space.set(bytes.subarray(0, length));
      this.#rest = length < bytes.length ? bytes.subarray(length) : null;
      this.#reading = null;
      resolve(length);
      this.#readAhead();
    } else if (this.#hasEnded) {
      this.#reading = null;
      resolve(null);
    } else if (this.#error !== null) {
      this.#reading = null;
      reject(this.#error);
    } else this.#readAhead();
  }

  /** Has more read once little is left of what was read ahead. */
  #readAhead(): void {
    const left = (this.#rest?.length ?? 0) + this.#socket.readableLength;
    if (left >= READ_AHEAD / 2) return;
    this.#ahead = left;
    this.#lower.readOn();
  }

  #take(): Uint8Array | null {
    return this.#rest = this.#socket.read();
  }

  write(p: Uint8Array): Promise<number> {
    if (this.#writeError !== null) return Promise.reject(this.#writeError);
    if (p.length === 0) return Promise.resolve(0);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const piece = p.subarray(0, WRITE_SIZE);
    this.#writing.add(reject);
    this.#socket.write(piece, (error) => {
      this.#writing.delete(reject);
      if (error) reject(error);
      else resolve(piece.length);
    });
    return promise;
  }

  closeWrite(): Promise<void> {
    if (this.#writeError !== null) return Promise.reject(this.#writeError);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#writing.add(reject);
    this.#socket.end(() => {
      this.#writing.delete(reject);
      resolve();
    });
    return promise;
  }

  /** Unlike that of Deno's connections, this may be called again. */
  close(): void {
    this.#rest = null;
    this.#hasEnded = false;
    const error = new Deno.errors.BadResource("Connection is closed");
    const isOrderly = this.#error === null && this.#writeError === null &&
      this.#isSecured;
    if (!isOrderly) return this.#fail(error);
    this.#error = this.#writeError = error;
    for (const reject of this.#writing) reject(error);
    this.#writing.clear();
    this.#goOn();
    // The peer is told that this is the end, if it takes that at once. Node
    // needs some turns of the event loop to say it.
    this.#socket.end();
    afterReading(() => afterReading(() => this.#letGo()));
  }

  #letGo(): void {
    this.#conn[Symbol.dispose]();
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fail(error: unknown): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#secured?.reject(error);
    this.#letGo();
    this.#failWrites(error);
    this.#goOn();
  }

  #failWrites(error: unknown): void {
    this.#writeError ??= error;
    for (const reject of this.#writing) reject(error);
    this.#writing.clear();
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= new ReadableStream({
      pull: async (controller) => {
        const space = new Uint8Array(READ_SIZE);
        const length = await this.read(space);
        if (length !== null) controller.enqueue(space.subarray(0, length));
        else controller.close();
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= new WritableStream({
      write: async (bytes) => {
        while (bytes.length > 0) {
          bytes = bytes.subarray(await this.write(bytes));
        }
      },
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
  }
}
