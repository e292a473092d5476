// Blocking sockets, straight from the C library: a call costs a fraction of
// what a read or a write of Deno's does, so that one core is enough to keep a
// server busy with short messages. Linux only.

const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const MSG_NOSIGNAL = 0x4000;
const POLLIN = 1;

// What is counted here fits into 32 bits, which come without a BigInt.
const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});

/** A connection. Its reads and writes hold up the whole process. */
export class Socket {
  /** What the kernel knows it by. */
  readonly fd: number;

  /** Connects to a port of this machine. */
  constructor(port: number) {
    this.fd = libc.socket(AF_INET, SOCK_STREAM, 0);
    if (this.fd < 0) throw new Error("There are no sockets left");
    const address = new Uint8Array(16);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_INET, isLittleEndian());
    view.setUint16(2, port);
    address.set([127, 0, 0, 1], 4);
    if (libc.connect(this.fd, address, address.length) !== 0) {
      throw new Error(`Cannot connect to port ${port}`);
    }
    const on = new Uint8Array(new Int32Array([1]).buffer);
    libc.setsockopt(this.fd, IPPROTO_TCP, TCP_NODELAY, on, on.length);
  }

  /** Waits for bytes; none come at the end. */
  receive(buffer: Uint8Array<ArrayBuffer>): number {
    const length = libc.recv(this.fd, buffer, BigInt(buffer.length), 0);
    if (length < 0) throw new Error("Cannot read from a socket");
    return length;
  }

  /** Sends all bytes. */
  send(bytes: Uint8Array<ArrayBuffer>): void {
    for (let rest = bytes; rest.length > 0;) {
      const sent = libc.send(this.fd, rest, BigInt(rest.length), MSG_NOSIGNAL);
      if (sent < 0) throw new Error("Cannot write to a socket");
      if (sent === rest.length) return;
      rest = rest.subarray(sent);
    }
  }

  /** The same as `receive()`, as of a `Deno.Conn`. */
  read(buffer: Uint8Array): Promise<number | null> {
    const length = this.receive(buffer as Uint8Array<ArrayBuffer>);
    return Promise.resolve(length === 0 ? null : length);
  }

  /** The same as `send()`, as of a `Deno.Conn`. */
  write(bytes: Uint8Array): Promise<number> {
    this.send(bytes as Uint8Array<ArrayBuffer>);
    return Promise.resolve(bytes.length);
  }

  /** Closes it. */
  close(): void {
    libc.close(this.fd);
  }
}

/** Waits for several sockets at once. */
export class Poll {
  readonly #count: bigint;
  readonly #entries: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;

  constructor(sockets: readonly Socket[]) {
    this.#count = BigInt(sockets.length);
    this.#entries = new Uint8Array(sockets.length * 8);
    this.#view = new DataView(this.#entries.buffer);
    sockets.forEach(({ fd }, i) => {
      this.#view.setInt32(i * 8, fd, isLittleEndian());
      this.#view.setInt16(i * 8 + 4, POLLIN, isLittleEndian());
    });
  }

  /** Waits up to so many ms; returns how many can be read from. */
  wait(timeout: number): number {
    const ready = libc.poll(this.#entries, this.#count, timeout);
    if (ready < 0) throw new Error("Cannot wait for the sockets");
    return ready;
  }

  /** Whether a socket can be read from, by its place in the list. */
  isReady(index: number): boolean {
    // In either byte order, something is set.
    return this.#view.getInt16(index * 8 + 6) !== 0;
  }
}

function isLittleEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
}
