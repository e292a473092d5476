import { latin1Bytes } from "./bytes.ts";
import { memoryPair } from "./memory_conn.ts";
import { RawClient } from "./raw_client.ts";

/** A request as it came over the wire. */
export interface RawRequest {
  method: string;
  target: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** The head, to the letter. */
  head: string;
  /** The body without its framing. */
  body: string;
}

/** How a connection is ended. */
export type Ending = "close" | "reset" | "half-close";

const decoder = new TextDecoder();

/** What a client's connection leads to. */
export class RawPeer extends RawClient {
  /** Which of the server's connections it is, from 0. */
  readonly index: number;
  readonly #breakOff: (() => void) | null;

  constructor(conn: Deno.Conn, index: number, breakOff: (() => void) | null) {
    super(conn);
    this.index = index;
    this.#breakOff = breakOff;
  }

  /** Receives a request's head alone; throws where none comes. */
  async head(): Promise<RawRequest> {
    const head = await this.until("\r\n\r\n");
    const [line, ...fields] = head.slice(0, -4).split("\r\n");
    const [method, target] = line.split(" ");
    const headers: Record<string, string> = {};
    for (const field of fields) {
      const colon = field.indexOf(": ");
      headers[field.slice(0, colon)] = field.slice(colon + 2);
    }
    return { method, target, headers, head, body: "" };
  }

  /** Receives a whole request. */
  async request(): Promise<RawRequest> {
    const request = await this.head();
    const { headers } = request;
    if (headers["transfer-encoding"] === "chunked") {
      for (const chunk of await this.chunks()) {
        request.body += decoder.decode(chunk);
      }
    } else if (headers["content-length"] !== undefined) {
      const length = Number(headers["content-length"]);
      request.body = decoder.decode(await this.bytes(length));
    }
    return request;
  }

  /** Sends text of one character a byte, in these pieces or at once. */
  async sendPieces(pieces: Iterable<Uint8Array>): Promise<void> {
    for (const piece of pieces) await this.send(piece);
  }

  /** Sends text of one character a byte. */
  async say(text: string): Promise<void> {
    await this.send(latin1Bytes(text));
  }

  /** Receives a request, and answers it. */
  async answer(text: string): Promise<RawRequest> {
    const request = await this.request();
    await this.say(text);
    return request;
  }

  /**
   * Ends the connection. A reset is one only where something was not read: see
   * {@linkcode RawPeer.leaveUnread}.
   */
  async end(ending: Ending): Promise<void> {
    if (ending === "half-close") await this.conn.closeWrite();
    else if (ending === "reset" && this.#breakOff !== null) this.#breakOff();
    else this.close();
  }

  /** Leaves the request that came in the kernel, so that a close is a reset. */
  async leaveUnread(): Promise<void> {
    await this.conn.read(new Uint8Array(1));
  }

  /** Waits until the client has ended the connection. */
  async gone(): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      while (await this.conn.read(buffer) !== null);
    } catch {
      // Reset, or closed on our side.
    }
  }
}

/** What a server does with one connection. */
export type Script = (peer: RawPeer) => unknown;

/** A client's end of a connection in memory that can be reset. */
class FragileConn {
  readonly #conn: Deno.Conn;
  readonly #broken = Promise.withResolvers<never>();
  readonly closed = Promise.withResolvers<void>();

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.#broken.promise.catch(() => {});
  }

  get localAddr(): Deno.Addr {
    return this.#conn.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#conn.remoteAddr;
  }

  // What was sent before a reset is read before it.
  async read(bytes: Uint8Array): Promise<number | null> {
    const length = await this.#conn.read(bytes);
    return length ?? await Promise.race([this.#broken.promise, null]);
  }

  async write(bytes: Uint8Array): Promise<number> {
    return await Promise.race([this.#broken.promise, this.#conn.write(bytes)]);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    this.closed.resolve();
    this.#conn.close();
  }

  breakOff(): void {
    this.#broken.reject(new Deno.errors.ConnectionReset("Reset"));
  }
}

/**
 * A server that does what a test says, byte for byte: for each connection the
 * script runs once. When it is over, the connection stays open until the client
 * ends it, or the test does.
 */
export class RawServer implements AsyncDisposable {
  /** Connections so far, oldest first. */
  readonly peers: RawPeer[] = [];
  /** Connections that the client has not ended yet. */
  open = 0;
  /** What went wrong in scripts, but for a client that went away. */
  readonly faults: unknown[] = [];
  /** Told of each change. */
  onChange: () => void = () => {};

  readonly #script: Script;
  readonly #listener: Deno.Listener | null;
  readonly #running: Promise<void>[] = [];

  private constructor(script: Script, listener: Deno.Listener | null) {
    this.#script = script;
    this.#listener = listener;
    if (listener !== null) this.#running.push(this.#accept(listener));
  }

  /** One on a free port of the loopback. */
  static listen(script: Script): RawServer {
    const options = { hostname: "127.0.0.1", port: 0 };
    return new RawServer(script, Deno.listen(options));
  }

  /** One in memory: what it sends at once is what the client reads at once. */
  static inMemory(script: Script): RawServer {
    return new RawServer(script, null);
  }

  /** For the option `connect` of a client; only where it is in memory. */
  readonly connect = (): Promise<Deno.Conn> => {
    const [near, far] = memoryPair();
    const conn = new FragileConn(near);
    this.#start(far, conn);
    return Promise.resolve(conn as unknown as Deno.Conn);
  };

  /** The base URL for a client. */
  get url(): string {
    if (this.#listener === null) return "http://memory";
    const { port } = this.#listener.addr as Deno.NetAddr;
    return `http://127.0.0.1:${port}`;
  }

  /** Its port. */
  get port(): number {
    return (this.#listener!.addr as Deno.NetAddr).port;
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    for await (const conn of listener) this.#start(conn, null);
  }

  #start(conn: Deno.Conn, fragile: FragileConn | null): void {
    const breakOff = fragile === null ? null : () => {
      fragile.breakOff();
      conn.close();
    };
    const peer = new RawPeer(conn, this.peers.length, breakOff);
    this.peers.push(peer);
    this.open++;
    this.#running.push(this.#run(peer, fragile));
    this.onChange();
  }

  async #run(peer: RawPeer, fragile: FragileConn | null): Promise<void> {
    try {
      await this.#script(peer);
    } catch (error) {
      if (!isEnd(error)) this.faults.push(error);
      peer.close();
    }
    // Also where our side is closed already: the client closes its own as well.
    if (fragile !== null) await fragile.closed.promise;
    else await peer.gone();
    peer.close();
    this.open--;
    this.onChange();
  }

  /** Waits for all scripts; the client must be closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener?.close();
    await Promise.all(this.#running);
  }
}

/** Whether a script ended as its client went away. */
function isEnd(error: unknown): boolean {
  return error instanceof Error && /^Ended before/.test(error.message) ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BadResource;
}
