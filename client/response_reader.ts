import type { ProtocolError } from "../parse/errors.ts";
import { ParseEvent } from "../parse/phase.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import { type BodyOrigin, IncomingBody } from "../message/incoming_body.ts";
import type { Transport } from "../transport/transport.ts";
import { turns } from "../transport/turns.ts";
import type { Attempt } from "./attempt.ts";
import type { InFlight } from "./in_flight.ts";

/** What is done with what a reader finds. */
export interface ReaderHost {
  /** What is waited for got on. */
  gotOn(): void;
  /** An interim response (1xx) is in; returns whether to go on at once. */
  interim(attempt: Attempt, status: number): boolean;
  /** The head of a response is in. */
  headIn(attempt: Attempt): void;
  /** A response is complete. */
  complete(attempt: Attempt): void;
  /** Bytes lie behind a response of which the request is not out. */
  strayBytes(): void;
  /** What came is no response. */
  malformed(attempt: Attempt, fault: ProtocolError): void;
}

/** Makes of the bytes of a connection what its attempts get. */
export class ResponseReader implements BodyOrigin {
  readonly #host: ReaderHost;
  readonly #transport: Transport;
  readonly #parser: ResponseParser;
  readonly #inFlight: InFlight;
  #isInterim = false;
  // The body in hand, where it is read as it arrives.
  #body: IncomingBody | null = null;

  constructor(
    host: ReaderHost,
    transport: Transport,
    parser: ResponseParser,
    inFlight: InFlight,
  ) {
    this.#host = host;
    this.#transport = transport;
    this.#parser = parser;
    this.#inFlight = inFlight;
  }

  /** Whether part of a response is in. */
  get isInMessage(): boolean {
    return this.#parser.isInMessage || this.#isInterim;
  }

  /** Whether more of a body is held back until the caller asks for it. */
  get isUnread(): boolean {
    return this.#body !== null && !this.#body.isWaiting;
  }

  /** Whether nothing that has come waits for its turn, or for the caller. */
  get wantsBytes(): boolean {
    if (this.#body === null) return true;
    return this.#body.isWaiting && !this.#parser.hasInput;
  }

  /** The response in hand is over. */
  leaveBody(): void {
    this.#body = null;
  }

  /** Bytes are in; returns whether to read on. */
  received(length: number): boolean {
    this.#parser.filled(length);
    if (this.#inFlight.isHeld) return this.#readOn();
    if (this.#body === null) return this.goOn();
    return this.#body.isWaiting && this.#streamOn(this.#body);
  }

  /** Goes on with what has come; returns whether to read on. */
  goOn(): boolean {
    const host = this.#host;
    const parser = this.#parser;
    const inFlight = this.#inFlight;
    for (;;) {
      const attempt = inFlight.first;
      if (attempt === undefined) {
        // Whatever this is, it answers nothing: the connection is of no more
        // use (RFC 9112 section 9.2).
        if (parser.hasInput) this.#transport.destroy();
        return true;
      }
      switch (parser.next()) {
        case ParseEvent.MORE:
          return true;
        case ParseEvent.HEAD:
          if (!this.#head(attempt)) return false;
          break;
        case ParseEvent.BODY:
          attempt.take(parser.body);
          if (this.#transport.isClosed) return false;
          break;
        case ParseEvent.END:
          if (this.#isInterim) this.#isInterim = false;
          else host.complete(attempt);
          if (this.#transport.isClosed) return false;
          if (inFlight.isHeld) return this.#readOn();
          break;
        default:
          host.malformed(attempt, parser.error!);
          return false;
      }
    }
  }

  /** The head of a response is in; returns whether to go on at once. */
  #head(attempt: Attempt): boolean {
    const host = this.#host;
    const parser = this.#parser;
    const { status } = parser;
    if (status < 200) {
      this.#isInterim = status !== 101;
      return host.interim(attempt, status);
    }
    host.headIn(attempt);
    if (this.#transport.isClosed) return false;
    if (attempt.state !== "streaming") return true;
    this.#body = new IncomingBody(this, parser.contentLength, Infinity);
    attempt.stream(this.#body);
    if (this.#transport.isClosed) return false;
    return !parser.hasBody; // what has none ends at once
  }

  #streamOn(body: IncomingBody): boolean {
    const host = this.#host;
    const parser = this.#parser;
    const attempt = this.#inFlight.first!;
    switch (parser.next()) {
      case ParseEvent.MORE:
        return true;
      case ParseEvent.BODY:
        body.take(parser.body);
        return false;
      case ParseEvent.END:
        host.complete(attempt);
        if (this.#transport.isClosed) return false;
        // What came behind it.
        return this.#inFlight.isHeld ? this.#readOn() : this.goOn();
      default:
        attempt.giveUp(attempt.malformed(parser.error!));
        return false;
    }
  }

  /** More has come, or may come, behind a response whose request goes on. */
  #readOn(): boolean {
    if (this.#inFlight.count > 1) return false; // it is for those behind
    if (this.#parser.hasInput) {
      // It answers nothing. It is read, lest the peer waits for that.
      this.#host.strayBytes();
      this.#parser.takeRest();
    }
    return true;
  }

  /** The next piece is wanted. */
  readBody(): void {
    if (this.#transport.isClosed || this.#body === null) return;
    this.#host.gotOn();
    // One read may hold thousands of chunks.
    if (turns.spend(1)) this.#readBody();
    else turns.wait(this.#readBody);
  }

  readonly #readBody = (): void => {
    if (this.#transport.isClosed || this.#inFlight.isHeld) return;
    if (!this.#body?.isWaiting) return;
    if (this.#streamOn(this.#body)) this.#transport.read();
  };

  /** The body is over its limit. */
  refuseBody(error: ProtocolError): void {
    this.#transport.destroy(error);
  }
}
