import type { ProtocolError } from "../parse/errors.ts";
import { ParseEvent } from "../parse/phase.ts";
import { isSpareBuffer, readBuffer } from "../parse/receive_buffer.ts";
import { RequestParser } from "../parse/request_parser.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import type { Transport } from "../transport/transport.ts";
import type { ServerState } from "../wire/lifecycle.ts";
import { ArrivingBody, BodyCollector, CONTINUE } from "./body_intake.ts";
import type { SessionHost } from "./session_host.ts";

/** How many parsers, and buffers, are kept for later. */
const MAX_SPARE = 256;
/** Bytes sent ahead of an answer that are read while it is made. */
const MOST_AHEAD = 65_536;
const NOTHING = new Uint8Array(0);

/** A connection, as far as its requests go. */
export interface InputConnection {
  readonly transport: Transport;
  readonly input: RequestInput;
  readonly host: Pick<
    SessionHost,
    "buffers" | "isStreaming" | "limits" | "parserOptions" | "parsers"
  >;
  readonly state: ServerState;
  /** The body of the request in hand, where it is read as it arrives. */
  readonly body: IncomingBody | null;
  enter(state: ServerState): void;
  /** What is waited for begins, or has got on. */
  restart(): void;
  /** The head of a request is in. */
  headIn(parser: RequestParser): void;
  /** A request is in, wholly or up to its body. */
  requestIn(
    parser: RequestParser,
    body: Uint8Array | IncomingBody | null,
  ): void;
  /** What came is none. */
  refuse(error: ProtocolError): void;
  /** Its body is at fault. */
  refuseBody(error: ProtocolError): void;
  /** No more comes, and nothing is to be answered. */
  inputOver(): void;
}

/**
 * What is read of requests, into a small buffer, which a parser adopts only
 * while there is something to parse, as idle is to be cheap.
 */
export class RequestInput {
  /** The parser that has the buffer. */
  parser: RequestParser | null = null;
  readonly #connection: InputConnection;
  // Where bytes are read to, while no parser has it.
  #buffer: Uint8Array<ArrayBuffer> | null;
  // The body of a request that is wanted as a whole, but came in pieces.
  #collector: BodyCollector | null = null;
  // The body of the request in hand, where it is read as it arrives.
  #arriving: ArrivingBody | null = null;

  constructor(connection: InputConnection) {
    this.#connection = connection;
    this.#buffer = connection.host.buffers.pop() ?? readBuffer();
  }

  // ---- Bytes -------------------------------------------------------------

  /** Whether bytes have come that nobody has looked at. */
  get hasInput(): boolean {
    return this.parser !== null && this.parser.hasInput;
  }

  /** Room to read into. */
  space(): Uint8Array<ArrayBuffer> {
    return this.parser === null ? this.#buffer! : this.parser.space();
  }

  /** The same for what is thrown away unseen. */
  lostSpace(): Uint8Array<ArrayBuffer> {
    return this.parser === null ? this.#buffer! : this.parser.buffer;
  }

  #filled(length: number): void {
    if (this.parser !== null) {
      this.parser.filled(length);
      return;
    }
    const { parsers, parserOptions } = this.#connection.host;
    this.parser = parsers.pop() ?? new RequestParser(parserOptions);
    this.parser.adopt(this.#buffer!, length);
    this.#buffer = null;
  }

  /**
   * Gives the parser to the next connection that needs one. Not while a read is
   * under way: what comes has its place behind what the parser has read.
   */
  giveParser(): void {
    const { parser } = this;
    if (parser === null || this.#connection.transport.isReadPending) return;
    this.#buffer = parser.surrender();
    this.parser = null;
    const { parsers } = this.#connection.host;
    if (parsers.length < MAX_SPARE) parsers.push(parser);
  }

  /** Takes the buffer away, where no parser has it, for other bytes. */
  takeBuffer(): Uint8Array<ArrayBuffer> {
    const buffer = this.#buffer!;
    this.#buffer = null;
    return buffer;
  }

  /** Lets go of it all; no read is under way. */
  release(buffer: Uint8Array<ArrayBuffer> | null = null): void {
    this.giveParser();
    const own = this.#buffer ?? buffer;
    const { buffers } = this.#connection.host;
    if (isSpareBuffer(own) && buffers.length < MAX_SPARE) buffers.push(own);
    this.#buffer = null;
  }

  // ---- Requests ----------------------------------------------------------

  /** Bytes are in; returns whether to read on. */
  received(length: number): boolean {
    this.#filled(length);
    const connection = this.#connection;
    const arriving = this.#arriving;
    switch (connection.state) {
      case "held":
      case "answering":
        if (arriving === null) return false;
        arriving.owesContinue = false; // the peer does not wait for it
        if (!arriving.body.isWaiting) return false;
        connection.restart();
        return arriving.passOn();
      case "closing":
        // A read to learn when the peer goes. What came instead waits its turn;
        // a sweep looks on after a while, as long as there is room.
        return false;
      case "body":
        connection.restart();
        break;
    }
    return this.advance();
  }

  /**
   * Parses on until a request is whole, or more bytes are needed. Returns
   * whether to read on: not while a request is held, but see `watch()`.
   */
  advance(): boolean {
    const connection = this.#connection;
    const { transport } = connection;
    const parser = this.parser!;
    for (;;) {
      switch (parser.next()) {
        case ParseEvent.MORE:
          if (connection.state === "idle" && parser.isInMessage) {
            connection.enter("head");
            connection.restart();
          }
          if (parser.isFresh) this.giveParser();
          if (transport.bufferedAmount > 0) transport.flush();
          if (!transport.inputEnded) return true;
          connection.inputOver();
          return false;
        case ParseEvent.HEAD:
          connection.headIn(parser);
          if (!parser.hasBody) break;
          if (connection.host.isStreaming) {
            const { maxContentLength } = connection.host.limits;
            this.#arriving = new ArrivingBody(connection, maxContentLength);
            connection.requestIn(parser, this.#arriving.body);
            return false;
          }
          connection.enter("body");
          connection.restart();
          if (parser.expectContinue && !parser.hasInput) {
            transport.append(CONTINUE);
          }
          break;
        case ParseEvent.BODY:
          this.#collect(parser);
          break;
        case ParseEvent.END:
          connection.requestIn(parser, parser.hasBody ? this.#take() : null);
          if (!parser.hasInput && connection.state === "held") {
            this.giveParser();
          }
          return false;
        default:
          if (connection.state === "idle") connection.enter("head");
          connection.refuse(parser.error!);
          return false;
      }
    }
  }

  #collect(parser: RequestParser): void {
    const { bodyStart, bodyEnd, contentLength } = parser;
    // A body that came in one piece is read from where it lies.
    if (bodyEnd - bodyStart === contentLength) return;
    this.#collector ??= new BodyCollector();
    this.#collector.add(
      parser.buffer.subarray(bodyStart, bodyEnd),
      contentLength,
    );
  }

  /** The body that is in, wholly. */
  #take(): Uint8Array {
    const collector = this.#collector;
    this.#collector = null;
    if (collector !== null) return collector.bytes;
    const parser = this.parser!;
    return parser.contentLength < 0 ? NOTHING : parser.body;
  }

  /** Reads while the application holds a request, to learn when the peer goes. */
  watch(): void {
    const { transport } = this.#connection;
    const { body } = this;
    if (body !== null && body.isLent) return;
    // What was sent ahead must not hide the end behind it.
    if (!transport.isReading && body === null) this.parser?.widen(MOST_AHEAD);
    transport.read();
  }

  // ---- The body of the request in hand -----------------------------------

  /** That body, where it is read as it arrives. */
  get body(): IncomingBody | null {
    return this.#arriving === null ? null : this.#arriving.body;
  }

  /** Bytes of a body that have come. */
  get bodyReceived(): number {
    return this.#collector?.length ?? this.body?.bytesReceived ?? 0;
  }

  /** Whether the peer waits for a go-ahead, and the application has the say. */
  get owesContinue(): boolean {
    return this.#arriving !== null && this.#arriving.owesContinue;
  }

  /** Whether the peer has kept its body back until it is asked for it. */
  get isWaitingForGo(): boolean {
    const { parser } = this;
    return this.owesContinue ||
      parser !== null && parser.expectContinue && !parser.hasInput;
  }

  /** The peer has closed its side: tells who waits for more. */
  ended(): void {
    if (this.#arriving?.body.isWaiting) this.#arriving.passOn();
  }

  /** Passes over what is here of the body; whether that was all of it. */
  passOver(): boolean {
    const arriving = this.#arriving;
    if (arriving === null || arriving.body.isDone) return true;
    if (!arriving.passOver()) return false;
    this.#arriving = null;
    return true;
  }

  /** Lets go of the body. */
  dropBody(): void {
    this.#arriving = this.#collector = null;
  }
}
