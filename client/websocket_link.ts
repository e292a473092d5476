import { OptionNames } from "../parse/option_names.ts";
import { TransportSink } from "../transport/transport_sink.ts";
import type { ByteSink } from "../websocket/byte_sink.ts";
import type { DeflateOptions } from "../websocket/extensions.ts";
import {
  checkHandshakeAnswer,
  checkProtocols,
  type HandshakeOffer,
  handshakeRequest,
  makeKey,
} from "../websocket/handshake.ts";
import { Websocket, type WebsocketOptions } from "../websocket/websocket.ts";
import type { RequestOptions } from "./request_options.ts";
import type { Successor } from "../transport/takeover.ts";
import type { Switchable } from "./switchable.ts";

/** How to open a WebSocket. Times are milliseconds, sizes bytes. */
export interface WebsocketConnectOptions extends
  Pick<
    RequestOptions,
    "headers" | "query" | "auth" | "timeout" | "signal"
  > {
  /** Subprotocols to offer, the best first; default none. */
  protocols?: string | readonly string[];
  /** Offer to compress messages; default `false`. */
  compress?: boolean | DeflateOptions;
  /** Bytes of a message that comes in, after decompression; default 1 MiB. */
  maxMessageLength?: number;
  /** Bytes that may wait to be sent; a slower peer is dropped. Default 64 KiB. */
  maxSendBufferSize?: number;
  /** A peer silent for so long, in spite of a ping, is dropped; default 60,000. */
  idleTimeout?: number;
  /** How long the closing handshake may take; default 5,000. */
  closeTimeout?: number;
}

const NAMES = new OptionNames<WebsocketConnectOptions>("websocket()", {
  headers: true,
  query: true,
  auth: true,
  timeout: true,
  signal: true,
  protocols: true,
  compress: true,
  maxMessageLength: true,
  maxSendBufferSize: true,
  idleTimeout: true,
  closeTimeout: true,
});

/** A WebSocket that is being asked for. */
export class WebsocketOffer {
  /** Fields of the request. */
  readonly headers: Record<string, string>;
  readonly #offer: HandshakeOffer;
  readonly #options: WebsocketConnectOptions;

  /** @throws {TypeError} If a subprotocol is not a token. */
  constructor(options: WebsocketConnectOptions) {
    NAMES.check(options);
    if (options.protocols !== undefined) checkProtocols(options.protocols);
    const { protocols = [], compress = false } = options;
    this.#options = options;
    this.#offer = {
      key: makeKey(),
      protocols: typeof protocols === "string" ? [protocols] : protocols,
      deflate: compress === false ? null : compress === true ? {} : compress,
    };
    this.headers = handshakeRequest(this.#offer) as Record<string, string>;
  }

  /**
   * Takes a connection over whose peer has agreed.
   *
   * @param gone Told when the connection is closed.
   * @throws {WebsocketError} If it has not agreed to what was asked.
   */
  accept(
    connection: Switchable,
    url: string,
    gone: () => void,
  ): { websocket: Websocket; successor: Successor } {
    const { parser } = connection;
    const { protocol, deflate } = checkHandshakeAnswer(
      // HTTP/1.0 has no other protocols (RFC 9110 section 7.8).
      parser.minorVersion === 0 ? 0 : parser.status,
      parser.readHeaders(),
      this.#offer,
    );
    const { maxMessageLength, maxSendBufferSize } = this.#options;
    const { idleTimeout, closeTimeout } = this.#options;
    const sink = new ConnectionSink(connection, gone, {
      role: "client",
      url: url.replace(/^http/, "ws"),
      protocol,
      deflate,
      maxMessageLength,
      maxSendBufferSize,
      idleTimeout,
      closeTimeout,
    });
    return { websocket: sink.websocket, successor: sink };
  }
}

/** A connection as what a WebSocket stands on. */
class ConnectionSink extends TransportSink implements ByteSink, Successor {
  readonly websocket: Websocket;
  readonly #connection: Switchable;
  readonly #gone: () => void;

  constructor(
    connection: Switchable,
    gone: () => void,
    options: WebsocketOptions,
  ) {
    super(connection.transport);
    this.#connection = connection;
    this.#gone = gone;
    this.websocket = new Websocket(this, options);
  }

  end(): void {
    this.#connection.endUpgrade();
  }

  received(bytes: Uint8Array): boolean {
    return this.websocket.receive(bytes);
  }

  ended(): void {
    this.websocket.inputEnded();
  }

  gone(error: unknown): void {
    this.websocket.gone(error);
    this.#gone();
  }
}
