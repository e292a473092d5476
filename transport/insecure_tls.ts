import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { builtin } from "../runtime/builtins.ts";

// Deno itself checks certificates always, but for hosts named on its command
// line; its node:tls can do without. The handshake runs over a connection that
// is there already, so that names, races and tunnels are one for both ways.

/** How much is read at once. */
const READ_SIZE = 16_384;

/** A connection, as a stream of Node, and who is told of its faults. */
interface Lower {
  readonly stream: Duplex;
  /** Called when reading fails: what Node makes of it is late, and at times an
   * orderly end. */
  readFailed: (error: unknown) => void;
  /**
   * Called when writing fails. Node is not told: it would end the reading, too,
   * and so lose what a peer said before it closed.
   */
  writeFailed: (error: unknown) => void;
}

function streamOf(conn: Deno.Conn): Lower {
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
  const stream = new Duplex({
    allowHalfOpen: true,
    read() {
      conn.read(buffer).then(
        (length) => {
          this.push(length === null ? null : buffer.slice(0, length));
        },
        (error) => {
          lower.readFailed(error);
          this.destroy();
        },
      );
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
    readFailed: () => {},
    writeFailed: () => {},
  };
  return lower;
}

/** A read that waits for bytes. */
interface Reading extends PromiseWithResolvers<number | null> {
  space: Uint8Array;
}

/** A TLS connection of Node, with the face of one of Deno. */
class InsecureConn implements Deno.TlsConn {
  readonly #conn: Deno.Conn;
  readonly #socket: TLSSocket;
  #rest: Uint8Array | null = null; // taken from the socket, and not yet read
  #hasEnded = false;
  #reading: Reading | null = null;
  // Those who wait for a write; Node takes a broken one for a success.
  readonly #writing = new Set<(error: unknown) => void>();
  #writeError: unknown = null; // why no more can be written
  #error: unknown = null; // why nothing goes any more
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  #writable: WritableStream<Uint8Array> | null = null;

  constructor(conn: Deno.Conn, lower: Lower, socket: TLSSocket) {
    this.#conn = conn;
    this.#socket = socket;
    lower.readFailed = (error) => this.#fail(error);
    lower.writeFailed = (error) => this.#failWrites(error);
    socket.on("readable", () => this.#goOn());
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#goOn();
    });
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

  // deno-lint-ignore require-await -- it has the shape of Deno.TlsConn
  async handshake(): Promise<Deno.TlsHandshakeInfo> {
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
    } else if (this.#hasEnded) {
      this.#reading = null;
      resolve(null);
    } else if (this.#error !== null) {
      this.#reading = null;
      reject(this.#error);
    }
  }

  #take(): Uint8Array | null {
    return this.#rest = this.#socket.read();
  }

  write(p: Uint8Array): Promise<number> {
    if (this.#writeError !== null) return Promise.reject(this.#writeError);
    if (p.length === 0) return Promise.resolve(0);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#writing.add(reject);
    this.#socket.write(p, (error) => {
      this.#writing.delete(reject);
      if (error) reject(error);
      else resolve(p.length);
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
    this.#fail(new Deno.errors.BadResource("Connection is closed"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fail(error: unknown): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#conn[Symbol.dispose]();
    this.#socket.destroy();
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
        await this.write(bytes);
      },
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
  }
}

/**
 * Starts TLS as a client over a connection, of whatever kind, without looking
 * at the peer's certificate. ALPN offers `http/1.1`. It has no deadline: close
 * the connection to break the handshake off.
 *
 * @param conn Belongs to the TLS connection from now on; closed on failure.
 * @param hostname The name to ask for (SNI), or an address, which is not sent.
 * @throws {Error} If the handshake fails, or the connection does.
 */
export function connectInsecure(
  conn: Deno.Conn,
  hostname: string,
): Promise<Deno.TlsConn> {
  const { promise, resolve, reject } = Promise.withResolvers<Deno.TlsConn>();
  const isAddress = hostname.includes(":") || /^[\d.]+$/.test(hostname);
  const lower = streamOf(conn);
  const socket = builtin("node:tls").connect({
    socket: lower.stream,
    servername: isAddress ? "" : hostname, // RFC 6066, section 3
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  const fail = (error: unknown) => {
    conn[Symbol.dispose]();
    socket.destroy();
    reject(error);
  };
  const closed = () => fail(new Deno.errors.UnexpectedEof("Connection closed"));
  lower.readFailed = lower.writeFailed = fail;
  socket.once("error", fail);
  socket.once("close", closed);
  socket.once("secureConnect", () => {
    const wrapped = new InsecureConn(conn, lower, socket);
    socket.off("error", fail);
    socket.off("close", closed);
    resolve(wrapped);
  });
  return promise;
}
