import { checkList, checkText, checkTime } from "../parse/arguments.ts";
import { OptionNames } from "../parse/option_names.ts";
import { TransportSink } from "../transport/transport_sink.ts";
import type { ByteSink } from "../websocket/byte_sink.ts";
import { acceptDeflate, type DeflateOptions } from "../websocket/extensions.ts";
import {
  checkHandshake,
  checkProtocols,
  chooseProtocol,
  handshakeAnswer,
  type HandshakeRefusal,
  type HandshakeRequest,
  isAllowedOrigin,
} from "../websocket/handshake.ts";
import { Websocket, type WebsocketOptions } from "../websocket/websocket.ts";
import { type CheckedHeaders, checkHeaders } from "../wire/response_head.ts";
import type { RespondOptions } from "./answer_head.ts";
import type { Session } from "./session.ts";
import type { Successor } from "./session_host.ts";

/** How to accept a WebSocket. Times are milliseconds, sizes bytes. */
export interface WebsocketAcceptOptions {
  /** The subprotocols to choose from, the best first; default none. */
  protocol?: string | readonly string[];
  /** Bytes of a message that comes in, after decompression; default 1 MiB. */
  maxMessageLength?: number;
  /**
   * Give messages while they come in, by `streams()`, so that they may be larger
   * than memory; default `false`. Then `maxMessageLength` is `Infinity` by
   * default, and `compress` does not go with it.
   */
  streaming?: boolean;
  /** Compress messages where the client can; default `false`. */
  compress?: boolean | DeflateOptions;
  /**
   * Origins whose pages may connect, such as `https://example.com`; by default
   * all. Cookies alone do not tell your page's connection from another's.
   */
  allowedOrigins?: readonly string[];
  /** A peer silent for so long, in spite of a ping, is dropped; default 60,000. */
  idleTimeout?: number;
  /** How long the closing handshake may take; default 5,000. */
  closeTimeout?: number;
  /** Further fields of the answer. */
  headers?: RespondOptions["headers"];
}

const NAMES = new OptionNames<WebsocketAcceptOptions>("acceptWebsocket()", {
  protocol: true,
  maxMessageLength: true,
  streaming: true,
  compress: true,
  allowedOrigins: true,
  idleTimeout: true,
  closeTimeout: true,
  headers: true,
});

/**
 * Checks options before they are needed: not every request gets so far.
 *
 * @throws {TypeError} If one is unknown, or of the wrong type.
 */
export function checkAcceptOptions(options: WebsocketAcceptOptions): void {
  NAMES.check(options);
  const { protocol, compress, allowedOrigins } = options;
  if (protocol !== undefined) checkProtocols(protocol);
  if (
    !["undefined", "boolean"].includes(typeof compress) &&
    (typeof compress !== "object" || compress === null)
  ) {
    throw new TypeError('Option "compress" is neither a boolean nor an object');
  }
  const { streaming } = options;
  if (streaming !== undefined && typeof streaming !== "boolean") {
    throw new TypeError('Option "streaming" is not a boolean');
  }
  if (streaming && compress !== undefined && compress !== false) {
    throw new TypeError('Option "compress" does not go with streaming');
  }
  if (allowedOrigins !== undefined) {
    checkList('Option "allowedOrigins"', allowedOrigins);
    for (const origin of allowedOrigins) checkOrigin(origin);
  }
  for (const name of ["idleTimeout", "closeTimeout"] as const) {
    if (options[name] !== undefined) {
      checkTime(`Option "${name}"`, options[name]);
    }
  }
}

/** Origins are compared as browsers send them: nothing else is ever equal. */
function checkOrigin(origin: unknown): void {
  checkText("An allowed origin", origin);
  if (origin === "*" || origin === "null") return;
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#]+$/i.test(origin)) return;
  throw new TypeError(
    `Allowed origin ${JSON.stringify(origin)} is not of the form ` +
      '"https://example.com"',
  );
}

/** Checks a request for a WebSocket; `null` if it may be accepted. */
export function checkUpgrade(
  request: HandshakeRequest,
  allowedOrigins: readonly string[] | undefined,
): HandshakeRefusal | null {
  const refusal = checkHandshake(request);
  if (refusal !== null || allowedOrigins === undefined) return refusal;
  return isAllowedOrigin(request.headers.origin, allowedOrigins)
    ? null
    : { status: 403, headers: {} };
}

/** What the answer to a request for a WebSocket says, and what was agreed. */
export interface Agreement {
  headers: CheckedHeaders;
  protocol: string;
  deflate: ReturnType<typeof acceptDeflate>;
}

/**
 * Settles protocol and compression.
 *
 * @throws {TypeError} If a header cannot be sent, or an option is wrong.
 */
export function agree(
  request: HandshakeRequest,
  options: WebsocketAcceptOptions,
): Agreement {
  const { headers } = request;
  const protocol = chooseProtocol(
    headers["sec-websocket-protocol"],
    options.protocol ?? [],
  );
  const { compress = false } = options;
  const deflate = compress === false ? null : acceptDeflate(
    headers["sec-websocket-extensions"],
    compress === true ? {} : compress,
  );
  const answer = handshakeAnswer(
    headers["sec-websocket-key"]!,
    protocol,
    deflate?.header,
  );
  return {
    headers: Object.assign(
      checkHeaders(options.headers ?? {}),
      checkHeaders(answer as Record<string, string>),
    ),
    protocol,
    deflate,
  };
}

/**
 * Makes the WebSocket that a session is to become; nothing is sent yet.
 *
 * @param peerGone Called when the peer has gone.
 * @param onError Told what a listener threw.
 * @throws {RangeError} If an option is out of range.
 */
export function makeWebsocket(
  session: Session,
  { protocol, deflate }: Agreement,
  options: WebsocketAcceptOptions,
  peerGone: () => void,
  onError: (error: unknown) => void,
): { websocket: Websocket; open: (headers: CheckedHeaders) => void } {
  const sink = new SessionSink(session, peerGone, {
    role: "server",
    protocol,
    maxMessageLength: options.maxMessageLength,
    streaming: options.streaming,
    maxSendBufferSize: session.host.limits.maxSendBufferSize,
    idleTimeout: options.idleTimeout,
    closeTimeout: options.closeTimeout,
    deflate: deflate?.parameters ?? null,
    onError,
  });
  const { websocket } = sink;
  return { websocket, open: (headers) => sink.open(headers) };
}

/** A session as what a WebSocket stands on. */
class SessionSink extends TransportSink implements ByteSink, Successor {
  readonly websocket: Websocket;
  readonly #session: Session;
  readonly #peerGone: () => void;
  // What came along with the request.
  #rest: Uint8Array | null = null;

  constructor(
    session: Session,
    peerGone: () => void,
    options: WebsocketOptions,
  ) {
    super(session.transport);
    this.#session = session;
    this.#peerGone = peerGone;
    this.websocket = new Websocket(this, options);
  }

  /** Answers with 101 and takes the connection over. */
  open(headers: CheckedHeaders): void {
    const session = this.#session;
    session.switchTo(101, headers);
    this.#rest = session.upgrade(this);
    session.flush();
    if (session.host.isStopping) this.stopping();
    // Behind this turn, in which the application begins to listen.
    queueMicrotask(() => {
      const goesOn = this.#readRest();
      if (session.inputEnded) this.ended();
      else if (goesOn) session.transport.read();
    });
  }

  #readRest(): boolean {
    const rest = this.#rest;
    this.#rest = null;
    return rest === null || rest.length === 0 || this.websocket.receive(rest);
  }

  end(): void {
    this.#session.endUpgrade();
  }

  received(bytes: Uint8Array): boolean {
    // A read that was under way: what came before it goes first.
    if (this.#rest !== null) this.#readRest();
    return this.websocket.receive(bytes);
  }

  ended(): void {
    this.#readRest();
    this.#peerGone();
    this.websocket.inputEnded();
  }

  gone(error: unknown): void {
    this.#peerGone();
    this.websocket.gone(error);
  }

  stopping(): void {
    this.websocket.close(1001);
  }
}
