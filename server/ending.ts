import type { Transport } from "../transport/transport.ts";
import type { ServerState } from "../wire/lifecycle.ts";
import { Discard } from "./discard.ts";
import type { RequestInput } from "./request_input.ts";
import type { SessionHost } from "./session_host.ts";

/** A connection, as far as its end goes. */
export interface EndingConnection {
  readonly transport: Transport;
  readonly input: RequestInput;
  readonly host: Pick<SessionHost, "limits" | "clock" | "isStopDue">;
  readonly state: ServerState;
  /** For how many ticks nothing has come. */
  readonly age: number;
  /** Whether the peer will send no more, so that closing cannot reset. */
  readonly nothingFollows: boolean;
  enter(state: ServerState): void;
  /** What is waited for begins, or has got on. */
  restart(): void;
  /** Whether it goes on behind the rest of the request. */
  readonly keep: boolean;
  /** It goes on; returns whether it is to be read from. */
  goOn(): boolean;
}

/**
 * How a connection ends, so that its peer sees all of the last answer: what the
 * peer goes on to send is thrown away, our side is closed, and then the other
 * is waited for (RFC 9112 section 9.6).
 */
export class Ending {
  readonly #connection: EndingConnection;
  #discard: Discard | null = null;

  constructor(connection: EndingConnection) {
    this.#connection = connection;
  }

  /** Whether what comes is thrown away. */
  get isDiscarding(): boolean {
    return this.#discard !== null;
  }

  /** Whether it is, up to the end of a request. */
  get isFramed(): boolean {
    return this.#discard?.kind === "framed";
  }

  /**
   * The rest of the request in hand is thrown away, before our side is closed:
   * something in between may take that for the end of all.
   *
   * @param hasCome Whether any of its body has come before.
   */
  discardRest(hasCome: boolean): void {
    const { input: { parser }, transport, host } = this.#connection;
    if (parser === null || transport.inputEnded) return;
    const isFramed = parser.passLimit();
    // Where no end can be told, only if there is more than we have read.
    if (!isFramed && !parser.isFull) return;
    const kind = isFramed ? "framed" : "unframed";
    this.#discard = new Discard(kind, host.clock.tick, hasCome);
    if (this.received(0)) transport.read();
  }

  /** Throws away what has come; returns whether to read on. */
  received(length: number): boolean {
    const connection = this.#connection;
    connection.restart();
    const state = this.#discard!.take(connection.input.parser, length);
    if (state === "more") return true;
    if (
      state === "whole" && connection.keep && connection.state === "discarding"
    ) {
      this.#discard = null;
      return connection.goOn();
    }
    this.#discarded();
    return false;
  }

  /** All is thrown away, or enough. */
  #discarded(): void {
    const { transport, state } = this.#connection;
    this.#discard = null;
    if (state === "draining") transport.destroy();
    if (state !== "discarding") return;
    if (transport.bufferedAmount > 0) {
      // The answer itself has to be taken first; close() goes on.
      this.#connection.enter("closing");
      transport.flush();
    } else this.#closeOutput();
  }

  /** Closes our side first: all of the last answer is with the kernel. */
  close(): void {
    const { transport } = this.#connection;
    if (this.isDiscarding && !transport.inputEnded) {
      this.#connection.enter("discarding");
      transport.read();
    } else this.#closeOutput();
  }

  #closeOutput(): void {
    const connection = this.#connection;
    const { transport, nothingFollows } = connection;
    const isSecure = "handshake" in transport.conn;
    if (nothingFollows && !isSecure) {
      transport.destroy();
      return;
    }
    // The peer may still send; closing now could reset the connection before
    // it has read the answer. With TLS, the closing alert goes out here.
    connection.enter("draining");
    connection.restart();
    const { tick } = connection.host.clock;
    this.#discard = new Discard("lingering", tick, true);
    transport.conn.closeWrite().then(
      () => {
        if (nothingFollows) transport.destroy();
      },
      () => transport.destroy(),
    );
    if (!nothingFollows) transport.read();
  }

  /** Holds what is thrown away to its bounds; called once a tick. */
  sweep(): void {
    const { host, age, state } = this.#connection;
    const { clock, limits, isStopDue } = host;
    const isOver = this.#discard?.isOver(age, clock.tick, clock.period, limits);
    // A server that stops waits for a good end, but not for a rest.
    if (isOver || isStopDue && state !== "draining") this.#discarded();
  }
}
