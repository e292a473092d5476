import {
  checkBytes,
  checkFunction,
  checkText,
  checkTime,
} from "../parse/arguments.ts";
import { OptionNames } from "../parse/option_names.ts";
import { asBytes, isBytes } from "../parse/response_data.ts";
import type { ByteSink } from "./byte_sink.ts";
import { Driver, type WebsocketClose } from "./driver.ts";
import { WebsocketEvents, type WebsocketMessage } from "./event_face.ts";
import type { DeflateParameters } from "./extensions.ts";
import { checkRole, type WebsocketRole } from "./frame_head.ts";
import { isCloseCode } from "./frames.ts";
import type { MessageStream } from "./message_stream.ts";
import { writeClosePayload } from "./protocol.ts";

/** Options of a {@linkcode Websocket}. All times are milliseconds, all sizes bytes. */
export interface WebsocketOptions {
  /** Which side we are. */
  role: WebsocketRole;
  /** The subprotocol that was agreed on; default "". */
  protocol?: string;
  /** The address that a client connected to; default "". */
  url?: string;
  /** Bytes of a message that comes in, after decompression; default 1 MiB. */
  maxMessageLength?: number;
  /** Bytes that may wait to be sent when another message is; default 64 KiB. */
  maxSendBufferSize?: number;
  /**
   * A peer silent for half of this is pinged, and one that then stays silent
   * is dropped; default 60 s, 0 for never.
   */
  idleTimeout?: number;
  /** How long a closing handshake may take; default 5 s. */
  closeTimeout?: number;
  /**
   * Give messages while they come in, by {@linkcode Websocket.streams}, so that
   * they may be larger than memory; default `false`. Then `maxMessageLength` is
   * `Infinity` by default, and there is no compression.
   */
  streaming?: boolean;
  /** What was agreed on for compression; default `null`, none. */
  deflate?: DeflateParameters | null;
  /**
   * Told what a listener threw, or its promise was rejected with; by default
   * it is written to standard error. The WebSocket is closed with 1011.
   */
  onError?: (error: unknown) => void;
}

const NAMES = new OptionNames<WebsocketOptions>("Websocket", {
  role: true,
  protocol: true,
  url: true,
  maxMessageLength: true,
  maxSendBufferSize: true,
  idleTimeout: true,
  closeTimeout: true,
  streaming: true,
  deflate: true,
  onError: true,
});

const FALSE = Promise.resolve(false);

/**
 * One WebSocket connection (RFC 6455), of either side.
 *
 * Messages are pulled, by `for await` or `recv()`, or come as events once
 * somebody listens for them. Reading stops while too many wait to be pulled.
 *
 * ```ts
 * import { HttpClient, HttpServer } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * await using client = new HttpClient(server.url);
 *
 * const connecting = client.websocket("/echo");
 * const ours = (await server.wait(5000))?.acceptWebsocket() ?? null;
 * const theirs = await connecting;
 *
 * await theirs.send("hello");
 * assertEquals(await ours?.recv(5000), "hello");
 * await ours?.send(new Uint8Array([1, 2, 3]));
 * ours?.close(1000, "done");
 *
 * const seen: unknown[] = [];
 * for await (const message of theirs) seen.push(message);
 * assertEquals(seen, [new Uint8Array([1, 2, 3])]);
 * assertEquals((await theirs.closed).reason, "done");
 * ```
 */
export class Websocket extends WebsocketEvents {
  /** State before it is open; none here is ever in it. */
  static readonly CONNECTING = 0;
  /** State in which messages come and go. */
  static readonly OPEN = 1;
  /** State from the first close frame on. */
  static readonly CLOSING = 2;
  /** State at the end. */
  static readonly CLOSED = 3;
  /** State before it is open; none here is ever in it. */
  readonly CONNECTING = 0;
  /** State in which messages come and go. */
  readonly OPEN = 1;
  /** State from the first close frame on. */
  readonly CLOSING = 2;
  /** State at the end. */
  readonly CLOSED = 3;

  /** The subprotocol; "" without one. */
  readonly protocol: string;
  /** The extensions in use: "permessage-deflate" or "". */
  readonly extensions: string;
  /** The address that a client connected to; "" on a server. */
  readonly url: string;
  /** How it ended. It never rejects. */
  readonly closed: Promise<WebsocketClose>;

  readonly #sink: ByteSink;
  readonly #driver: Driver;
  readonly #maxSendBufferSize: number;
  readonly #isStreaming: boolean;
  readonly #onError: (error: unknown) => void;
  // A listener for messages has failed: it gets no more of them.
  #hasFailed = false;

  /**
   * A WebSocket whose opening handshake is done. The owner of the connection
   * calls `receive()`, `inputEnded()` and `gone()`.
   *
   * @param sink Where to write.
   * @param options Side, limits, and what the handshake came to.
   * @throws {TypeError} If an option is unknown, or of the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  constructor(sink: ByteSink, options: WebsocketOptions) {
    super();
    NAMES.check(options);
    checkRole(options?.role);
    if (options.onError !== undefined) {
      checkFunction('Option "onError"', options.onError);
    }
    const { role, deflate = null, streaming = false } = options;
    if (typeof streaming !== "boolean") {
      throw new TypeError('Option "streaming" is not a boolean');
    }
    if (streaming && deflate !== null) {
      throw new TypeError('Option "streaming" does not go with compression');
    }
    this.#isStreaming = streaming;
    this.#sink = sink;
    this.protocol = options.protocol ?? "";
    this.url = options.url ?? "";
    this.extensions = deflate === null ? "" : "permessage-deflate";
    this.#maxSendBufferSize = limit(options, "maxSendBufferSize", 65536);
    this.#onError = options.onError ?? reportFault;
    const { promise, resolve } = Promise.withResolvers<WebsocketClose>();
    this.closed = promise;
    this.#driver = new Driver(sink, {
      role,
      deflate,
      maxMessageLength: limit(
        options,
        "maxMessageLength",
        this.#isStreaming ? Infinity : 1048576,
      ),
      isStreaming: this.#isStreaming,
      idleTimeout: limit(options, "idleTimeout", 60_000),
      closeTimeout: limit(options, "closeTimeout", 5000),
    }, {
      dispatch: (message) => {
        if (!this.#hasFailed) this.dispatchMessage(message);
      },
      control: (type, payload) => this.dispatchControl(type, payload),
      report: (error) => {
        const { message } = error;
        this.dispatchEvent(new ErrorEvent("error", { error, message }));
      },
      settle: resolve,
      end: (close) => this.dispatchEvent(new CloseEvent("close", close)),
    });
  }

  /** `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`. */
  get readyState(): number {
    const { protocol } = this.#driver;
    if (protocol.isOpen) return Websocket.OPEN;
    return protocol.isOver ? Websocket.CLOSED : Websocket.CLOSING;
  }

  /** Whether it has ended. Messages that came before may still be pulled. */
  get isClosed(): boolean {
    return this.#driver.protocol.isOver;
  }

  /** Bytes that were sent and that the kernel has not taken. */
  get bufferedAmount(): number {
    return this.#sink.bufferedAmount + this.#driver.outbox.waitingBytes;
  }

  // ---- What the application sends ----

  /**
   * Sends a message. Bytes are copied, and may be altered afterwards.
   *
   * If more than `maxSendBufferSize` still waits from before, the peer reads
   * too slowly and is dropped: wait for the promise before sending on.
   *
   * @returns Whether it was accepted, once no more than `maxSendBufferSize`
   *   waits to be sent; `false` if the peer is gone, or closing has begun.
   * @throws {TypeError} If the data is neither text nor bytes.
   */
  send(data: string | ArrayBuffer | ArrayBufferView): Promise<boolean> {
    const isText = typeof data === "string";
    if (
      !isText && !isBytes(data)
    ) {
      throw new TypeError(
        `Message is neither text nor bytes${adviceFor(data)}`,
      );
    }
    const { protocol, rest, outbox } = this.#driver;
    if (!protocol.isOpen && !protocol.isLastWord || this.#sink.isClosed) {
      return FALSE;
    }
    rest.stir();
    if (this.#isOverfull()) return FALSE;
    if (isText) outbox.text(data);
    else outbox.binary(asBytes(data));
    return outbox.whenBelow(this.#maxSendBufferSize);
  }

  /** Whether the peer reads too slowly; then it is dropped. */
  #isOverfull(): boolean {
    if (this.bufferedAmount <= this.#maxSendBufferSize) return false;
    this.#driver.drop();
    return true;
  }

  /**
   * Sends a ping.
   *
   * @param data Up to 125 bytes that the pong must repeat; a number by default.
   * @returns `true` at the pong, `false` if none came before the end.
   * @throws {RangeError} If there are more than 125 bytes.
   */
  ping(data?: string | Uint8Array): Promise<boolean> {
    const { protocol, pulse } = this.#driver;
    if (data !== undefined && typeof data !== "string") {
      checkBytes("Ping", data);
    }
    const bytes = pulse.payload(data);
    if (bytes.length > 125) {
      throw new RangeError("Ping must not be longer than 125 bytes");
    }
    if (!protocol.isOpen || this.#sink.isClosed || this.#isOverfull()) {
      return FALSE;
    }
    return pulse.ping(bytes);
  }

  /**
   * Begins the closing handshake, behind all that was sent. Messages that come
   * from now on are thrown away; those that have come may still be pulled.
   *
   * @param code 1000, 3000 to 4999, or another that an endpoint may send.
   * @param reason Up to 123 bytes of UTF-8.
   * @returns How it ended; never later than `closeTimeout`.
   * @throws {RangeError} If the code may not be sent.
   * @throws {TypeError} If the reason is too long.
   */
  close(
    code: number = 1000,
    reason: string = "",
  ): Promise<{ code: number; reason: string }> {
    // 1010 is the client's to send, and 1012 to 1014 a gateway's.
    if (!Number.isInteger(code) || !isCloseCode(code)) {
      throw new RangeError(
        `Close code ${String(code)} may not be sent: 1000, 1001, and 3000 to ` +
          "4999 may",
      );
    }
    checkText("Close reason", reason);
    const payload = writeClosePayload(code, reason);
    if (payload.length > 125) {
      throw new TypeError("Close reason must not be longer than 123 bytes");
    }
    this.#driver.close(payload);
    return this.closed.then(({ code, reason }) => ({ code, reason }));
  }

  // ---- What the application pulls ----

  /**
   * Takes the next message.
   *
   * @param timeout How long to wait for it; for ever by default.
   * @returns The message; `null` if the time is over, or there are no more.
   * @throws {TypeError} If messages go to event listeners.
   */
  recv(timeout?: number): Promise<WebsocketMessage | null> {
    if (timeout !== undefined) checkTime("Timeout", timeout);
    this.#checkWhole();
    return this.#driver.inbox.recv(timeout);
  }

  /** Iterates over the messages until the end. Leaving the loop closes nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WebsocketMessage, void> {
    this.#checkWhole();
    return this.#driver.inbox.iterate();
  }

  /**
   * Iterates over the messages until the end, each a stream of its pieces, given
   * when its first one is in. What of one was not read when the next is asked
   * for is thrown away. While it is not read, the peer is not read from.
   *
   * ```ts ignore
   * const ws = client.acceptWebsocket({ streaming: true });
   * for await (const message of ws!.streams()) {
   *   for await (const piece of message) await file.write(piece);
   * }
   * ```
   *
   * @throws {TypeError} If it was not made with `streaming`.
   */
  streams(): AsyncIterableIterator<MessageStream, void> {
    if (!this.#isStreaming) {
      throw new TypeError('Messages come whole: see the option "streaming"');
    }
    return this.#driver.inbox.iterate();
  }

  #checkWhole(): void {
    if (this.#isStreaming) {
      throw new TypeError("Messages come in pieces: take them by streams()");
    }
  }

  // ---- What the connection brings ----

  /**
   * Bytes have come. They are unmasked where they lie, and not altered until
   * all of them are used up.
   *
   * @returns Whether to read on. If not, `sink.resume()` will be called.
   */
  receive(bytes: Uint8Array): boolean {
    return this.#driver.receive(bytes);
  }

  /** The peer has closed its side of the connection. */
  inputEnded(): void {
    this.#driver.inputEnded();
  }

  /**
   * The connection is gone.
   *
   * @param _error What broke it, if anything did.
   */
  gone(_error?: unknown): void {
    this.#driver.gone();
  }

  // ---- Events ----

  /** @ignore From now on messages are events; those that wait follow in this turn. */
  protected override listen(): void {
    this.#checkWhole();
    this.#driver.inbox.listen();
  }

  /** @ignore What a listener threw ends its WebSocket, and is reported. */
  protected override listenerFailed(error: unknown, type: string): void {
    if (type === "message") {
      // One report is enough, however many messages a peer sends.
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#driver.inbox.clear();
    }
    this.close(1011);
    try {
      this.#onError(error);
    } catch (fault) {
      reportFault(fault);
    }
  }
}

/** What to do about what is no message. */
function adviceFor(data: unknown): string {
  if (typeof data === "number") return ": send it as text";
  if (typeof data !== "object" || data === null) return "";
  if (data instanceof Promise) return ": wait for what it brings";
  return data instanceof Blob
    ? ": send its bytes()"
    : ": send JSON.stringify() of it";
}

function reportFault(error: unknown): void {
  console.error("Error in a listener of a WebSocket:", error);
}

/** An option that is a number from 0 up. */
function limit(
  options: WebsocketOptions,
  name:
    | "maxMessageLength"
    | "maxSendBufferSize"
    | "idleTimeout"
    | "closeTimeout",
  byDefault: number,
): number {
  const value = options[name] ?? byDefault;
  if (typeof value !== "number") {
    throw new TypeError(`Option "${name}" is not a number`);
  }
  if (!(value >= 0)) {
    throw new RangeError(`Option "${name}" is not a number from 0 up`);
  }
  return value;
}
