// Peers with an address of their own on the loopback, plain or over TLS, who
// read only when they want to.
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

/** Where to connect to, and whether TLS is spoken there. */
export interface Target {
  port: number;
  isSecure: boolean;
}

/** One connection. Nothing of it throws or rejects: whoever is gone is gone. */
export class Peer {
  readonly socket: Socket;
  /** Resolves when the connection has ended, in whatever way. */
  readonly gone: Promise<void>;
  isGone = false;
  /** Bytes that were read. */
  received = 0;
  readonly #gate: Gate | null;

  private constructor(socket: Socket, gate: Gate | null) {
    this.socket = socket;
    this.#gate = gate;
    this.gone = new Promise((resolve) => {
      const end = () => {
        this.isGone = true;
        resolve();
      };
      socket.once("close", end);
      socket.once("error", end);
    });
    socket.on("error", () => {});
  }

  /** Connects from an address; resolves to null where that is refused. */
  static plain(
    { port }: Target,
    localAddress = "127.0.0.1",
  ): Promise<Peer | null> {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    socket.setNoDelay();
    return opened(socket, "connect");
  }

  /** The same, with TLS where the target has it. */
  static async connect(
    target: Target,
    localAddress?: string,
  ): Promise<Peer | null> {
    const peer = await Peer.plain(target, localAddress);
    if (peer === null || !target.isSecure) return peer;
    const gate = new Gate(peer.socket);
    const socket = gate as unknown as Socket;
    const secured = await opened(
      connectTls({ socket, rejectUnauthorized: false }),
      "secureConnect",
      gate,
    );
    if (secured === null) peer.close();
    else gate.shut();
    return secured;
  }

  /** @ignore For `opened()`. */
  static of(socket: Socket, gate: Gate | null): Peer {
    return new Peer(socket, gate);
  }

  /** Sends; resolves to whether the system has taken it. */
  send(data: string | Uint8Array): Promise<boolean> {
    if (this.isGone) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.gone.then(() => resolve(false));
      this.socket.write(data, "latin1", (error) => resolve(!error));
    });
  }

  /** Reads on and on, and throws it away. */
  swallow(): void {
    this.#gate?.open();
    this.socket.on("data", (data) => this.received += data.length);
    this.socket.resume();
  }

  /** Reads a few bytes, and perhaps what comes with them. */
  sip(length: number): void {
    const gate = this.#gate;
    if (gate !== null) {
      gate.open();
      setTimeout(() => gate.shut(), 1);
    }
    this.socket.read(length);
  }

  /** Reads up to and with a text; resolves to null where it never comes. */
  until(text: string | RegExp): Promise<string | null> {
    const { socket } = this;
    let all = "";
    return new Promise((resolve) => {
      const finish = (found: string | null) => {
        socket.off("data", onData);
        socket.off("end", onEnd);
        socket.pause();
        this.#gate?.shut();
        resolve(found);
      };
      const onEnd = () => finish(null);
      const onData = (data: Uint8Array) => {
        this.received += data.length;
        all += latin1(data);
        const isThere = typeof text === "string"
          ? all.includes(text)
          : text.test(all);
        if (isThere) finish(all);
      };
      if (this.isGone) return resolve(null);
      this.gone.then(onEnd);
      this.#gate?.open();
      socket.on("data", onData);
      socket.on("end", onEnd);
      socket.resume();
    });
  }

  /** Says that no more will be sent. */
  endOutput(): void {
    this.socket.end();
  }

  /** Breaks a plain connection off, as one does who is in a hurry. */
  reset(): void {
    this.isGone = true;
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.isGone = true;
    this.socket.destroy();
    this.#gate?.destroy();
  }
}

/**
 * What TLS is spoken over: Node's implementation reads all that comes, whether
 * anybody wants it or not, and so would never be one who does not read.
 */
class Gate extends Duplex {
  readonly #socket: Socket;
  #isOpen = true;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on("data", (data) => this.push(data));
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
  }

  open(): void {
    this.#isOpen = true;
    this.#socket.resume();
  }

  shut(): void {
    this.#isOpen = false;
    this.#socket.pause();
  }

  override _read(): void {
    if (this.#isOpen) this.#socket.resume();
  }

  override _write(
    data: Uint8Array,
    _: string,
    callback: (error?: Error | null) => void,
  ): void {
    this.#socket.write(data, callback);
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback);
  }

  override _destroy(
    _: Error | null,
    callback: (error?: Error | null) => void,
  ): void {
    this.#socket.destroy();
    callback();
  }
}

/** How long a connection may take to come about, in ms. */
const CONNECT_TIMEOUT = 10_000;

function opened(
  socket: Socket,
  event: string,
  gate: Gate | null = null,
): Promise<Peer | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), CONNECT_TIMEOUT);
    const fail = () => {
      clearTimeout(timer);
      resolve(null);
    };
    socket.once("error", fail);
    socket.once("close", fail);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off("error", fail);
      socket.off("close", fail);
      resolve(Peer.of(socket, gate));
    });
  });
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return text;
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
