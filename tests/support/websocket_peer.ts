import { connect, type Socket } from "node:net";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { latin1Bytes, latin1Text } from "./bytes.ts";
import { RawClient, type RawResponse } from "./raw_client.ts";

/** The key of the example in RFC 6455, and what answers it. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const MASK = [0x37, 0xfa, 0x21, 0x3d];
const TAIL = [0, 0, 0xff, 0xff];

/** A request for a WebSocket; a header that is null is left out. */
export function handshake(
  headers: Record<string, string | null> = {},
  line = "GET / HTTP/1.1",
): string {
  const all: Record<string, string | null> = {
    host: "a",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}\r\n`]
  );
  return `${line}\r\n${lines.join("")}\r\n`;
}

/** A masked frame: its first byte, and its payload as bytes or Latin-1. */
export function frame(
  first: number,
  payload: string | Uint8Array = "",
  length?: number,
): Uint8Array<ArrayBuffer> {
  const bytes = typeof payload === "string" ? latin1Bytes(payload) : payload;
  const announced = length ?? bytes.length;
  const head = [first];
  if (announced < 126) head.push(0x80 | announced);
  else if (announced < 65536) {
    head.push(0xfe, announced >> 8, announced & 255);
  } else {
    head.push(0xff, 0, 0, 0, Math.floor(announced / 2 ** 32));
    for (const shift of [24, 16, 8, 0]) head.push(announced >>> shift & 255);
  }
  const all = new Uint8Array(head.length + 4 + bytes.length);
  all.set(head);
  all.set(MASK, head.length);
  const at = head.length + 4;
  for (let i = 0; i < bytes.length; i++) all[at + i] = bytes[i] ^ MASK[i & 3];
  return all;
}

/** A text of any characters as a frame. */
export function text(message: string): Uint8Array<ArrayBuffer> {
  return frame(0x81, new TextEncoder().encode(message));
}

/** A close frame. */
export function closing(code: number, reason = ""): Uint8Array<ArrayBuffer> {
  return frame(0x88, String.fromCharCode(code >> 8, code & 255) + reason);
}

/** A compressed message. */
export function packed(
  message: string | Uint8Array,
  first = 0xc1,
): Uint8Array<ArrayBuffer> {
  return frame(first, pack(message));
}

/** What is in a compressed message. */
export function pack(message: string | Uint8Array): Uint8Array {
  const bytes = typeof message === "string"
    ? new TextEncoder().encode(message)
    : message;
  // 2 stands for Z_SYNC_FLUSH.
  const all = deflateRawSync(bytes, { finishFlush: 2 });
  return new Uint8Array(all.subarray(0, all.length - TAIL.length));
}

/** Several pieces as one. */
export function join(...parts: (string | Uint8Array)[]): Uint8Array {
  const pieces = parts.map((part) =>
    typeof part === "string" ? latin1Bytes(part) : part
  );
  const all = new Uint8Array(
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/**
 * The client's side of a WebSocket, which breaks all rules that it is told to
 * break. It shares no code with the server's side.
 */
export class WebsocketPeer extends RawClient {
  readonly #conn: { wasReset: boolean };

  constructor(conn: Deno.Conn) {
    const watched = new WatchedConn(conn);
    super(watched as unknown as Deno.Conn);
    this.#conn = watched;
  }

  /** A peer on TCP that can break its connection off. */
  static async resettable(port: number): Promise<ResettablePeer> {
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new ResettablePeer(socket);
  }

  /** Whether the connection was broken, and not closed. */
  get wasReset(): boolean {
    return this.#conn.wasReset;
  }

  /** Sends a request for a WebSocket, and reads the answer's head. */
  async open(headers: Record<string, string | null> = {}): Promise<this> {
    await this.send(handshake(headers));
    await this.opened();
    return this;
  }

  /** Reads the head of an answer that must be 101. */
  async opened(): Promise<RawResponse> {
    const answer = await this.response();
    if (answer.status !== 101) throw new Error(`Answered ${answer.status}`);
    return answer;
  }

  /**
   * The next frame, as "text:hi", "binary:\xff", "pong:", "close:1000:bye";
   * at the end "end", or "reset" where the connection was broken. Text that
   * was compressed is "packed text:hi".
   */
  async event(): Promise<string> {
    if (this.pending === "" && !await this.more()) {
      return this.wasReset ? "reset" : "end";
    }
    const [first, second] = await this.bytes(2);
    if ((second & 0x80) !== 0) throw new Error("The server has masked a frame");
    if ((first & 0xb0) !== 0x80) throw new Error(`First byte ${first}`);
    let length = second;
    if (second > 125) {
      length = 0;
      for (const byte of await this.bytes(second === 126 ? 2 : 8)) {
        length = length * 256 + byte;
      }
      if (length < (second === 126 ? 126 : 65536)) {
        throw new Error("Bad length");
      }
    }
    let payload = await this.bytes(length);
    const isPacked = (first & 0x40) !== 0;
    const opcode = first & 15;
    if (isPacked && opcode > 2) throw new Error("Packed control frame");
    if (isPacked) {
      payload = inflateRawSync(join(payload, new Uint8Array(TAIL)), {
        finishFlush: 2,
      });
    }
    const prefix = isPacked ? "packed " : "";
    switch (opcode) {
      case 1:
        return `${prefix}text:` +
          new TextDecoder("utf-8", { fatal: true }).decode(payload);
      case 2:
        return `${prefix}binary:` + latin1Text(payload);
      case 8: {
        if (length === 0) return "close:1005:";
        const code = payload[0] << 8 | payload[1];
        return `close:${code}:${latin1Text(payload.subarray(2))}`;
      }
      case 9:
        return "ping:" + latin1Text(payload);
      case 10:
        return "pong:" + latin1Text(payload);
      default:
        throw new Error(`Opcode ${opcode}`);
    }
  }

  /** So many events. */
  async take(count: number): Promise<string[]> {
    const events: string[] = [];
    while (events.length < count) events.push(await this.event());
    return events;
  }

  /** All events up to the end. */
  async events(): Promise<string[]> {
    for (const events: string[] = [];;) {
      events.push(await this.event());
      if (["end", "reset"].includes(events.at(-1)!)) return events;
    }
  }

  /** Says goodbye, and waits for the answer and the end. */
  async leave(code = 1000): Promise<string[]> {
    await this.send(closing(code));
    const events = await this.events();
    this.close();
    return events;
  }

  /** Sends byte by byte; what is long, in pieces. */
  async dribble(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const end = at < 300 || at > bytes.length - 5 ? at + 1 : at + 1999;
      await this.send(bytes.subarray(at, end));
      at = Math.min(end, bytes.length);
    }
  }
}

/**
 * A peer that can break off. What Deno closes is shut down in good order, even
 * with bytes unread; Node's sockets can do without.
 */
export class ResettablePeer extends WebsocketPeer {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super(new SocketConn(socket) as unknown as Deno.Conn);
    this.#socket = socket;
  }

  /** Breaks the connection off. */
  async reset(): Promise<void> {
    const closed = new Promise((resolve) =>
      this.#socket.once("close", resolve)
    );
    this.#socket.resetAndDestroy();
    await closed;
  }
}

/** Node's socket in the shape of Deno's. */
class SocketConn {
  readonly #socket: Socket;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay();
    socket.on("error", () => {});
  }

  async read(p: Uint8Array): Promise<number | null> {
    const socket = this.#socket;
    while (this.#rest.length === 0) {
      if (socket.errored !== null) throw socket.errored;
      if (socket.readableEnded || socket.destroyed) return null;
      const chunk = socket.read();
      if (chunk !== null) this.#rest = chunk;
      else {await new Promise((resolve) => {
          for (const event of ["readable", "end", "close"]) {
            socket.once(event, resolve);
          }
        });}
    }
    const part = this.#rest.subarray(0, p.length);
    p.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  write(p: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(
        p,
        (error) => error ? reject(error) : resolve(p.length),
      );
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A connection that remembers how it ended. */
class WatchedConn {
  wasReset = false;
  readonly #conn: Deno.Conn;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay();
  }

  async read(p: Uint8Array): Promise<number | null> {
    try {
      return await this.#conn.read(p);
    } catch (error) {
      this.wasReset = true;
      throw error;
    }
  }

  write(p: Uint8Array): Promise<number> {
    return this.#conn.write(p);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    this.#conn.close();
  }
}
