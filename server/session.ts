import { HttpError, ProtocolError } from "../parse/errors.ts";
import {
  isSpareBuffer,
  largerBuffer,
  ParseEvent,
  readBuffer,
  smallerBuffer,
} from "../parse/message_parser.ts";
import { RequestParser } from "../parse/request_parser.ts";
import {
  type Output,
  Transport,
  type TransportHandler,
} from "../transport/transport.ts";
import { Framing } from "../wire/framing.ts";
import type { ServerState } from "../wire/lifecycle.ts";
import {
  type CheckedHeaders,
  writeFields,
  writeLatin1,
  writeStatusLine,
} from "../wire/response_head.ts";
import { plainHead } from "./answer_head.ts";
import { type AnswerPlan, planWhole } from "./answer_plan.ts";
import type {
  HeldRequest,
  OpenAnswer,
  SessionHost,
  Successor,
} from "./session_host.ts";
import { httpDate } from "./date.ts";
import { Discard } from "./discard.ts";
import { answeredBefore, brokenOff } from "./body_faults.ts";
import {
  type BodyOrigin,
  bodyRoom,
  IncomingBody,
} from "../message/incoming_body.ts";

/** Gathered output is sent from this size on, whatever may follow. */
const GATHER_LIMIT = 12_288;
/** Bytes sent ahead of an answer that are read while it is made. */
const MOST_AHEAD = 65_536;
/** A peer that keeps us waiting for longer than that is slow, in ms. */
const SLOW = 1000;
/** And one that reads nothing is stuck: what the system holds takes its time. */
const STUCK = 5000;
/** Over no less than that is the rate of a body measured, in ms. */
const LEAST_WINDOW = 10_000;
/** And parts of one answer, which fill a buffer. */
const PARTS_LIMIT = 49_152;

/** So many ticks apart, a connection is looked at that nobody reads from. */
const LOOK_TICKS = 10;
/** After so many reads that bring little, the buffer gets smaller. */
const SMALL_READS = 16;
/** How many parsers, and buffers, are kept for later. */
const MAX_SPARE = 256;

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");
const NOTHING = new Uint8Array(0);
/** A `Connection` that is at its end (RFC 9110 section 7.6.1). */
const HAS_CLOSE = /(?:^|,)\s*close\s*(?:,|$)/i;

/** What a refusal asks: that it can be read. */
const REFUSED = { acceptEncoding: undefined, compression: null };

let observer: ((from: ServerState, to: ServerState) => void) | null = null;

/** For tests: shows every change of state of every session. */
export function observeStates(callback: typeof observer): void {
  observer = callback;
}

/**
 * The server's side of one connection: requests in, one at a time, answers
 * out. It lives as long as the socket; an `HttpConnection` is one request.
 */
export class Session implements TransportHandler, BodyOrigin {
  /** Where the connection is in its life; see wire/lifecycle.ts. */
  state: ServerState = "idle";
  /** The request that the application holds. */
  client: HeldRequest | null = null;
  /** The body of that request, where it is read as it arrives. */
  body: IncomingBody | null = null;
  /** Minor version of the request in hand. */
  minorVersion = 1;
  /** @ignore Only while there is something to parse: idle is cheap. */
  parser: RequestParser | null = null;
  /** @ignore */
  readonly host: SessionHost;
  /** The connection itself, for what takes it over. */
  readonly transport: Transport;
  /** The same for answers, which are written to it. */
  readonly out: Output;
  /** Whose place it takes; "" for peers that are not counted. */
  readonly address: string;
  /** @ignore Whether the host knows of output that waits. */
  isLate = false;

  #keep = true;
  // The answer to that request, where it is made in parts.
  #answer: OpenAnswer | null = null;
  // Where bytes are read to, while no parser has it.
  #buffer: Uint8Array<ArrayBuffer> | null;
  // The tick when the present wait began.
  #since: number;
  #requests = 0;
  #isStalled = false;
  // Whether the peer will send no more, so that closing cannot reset.
  #isLastRequest = false;
  #body: Uint8Array<ArrayBuffer> | null = null;
  #bodyLength = 0;
  // Whether the peer waits for a go-ahead before it sends its body.
  #owesContinue = false;
  #successor: Successor | null = null;
  #discard: Discard | null = null;
  #smallReads = 0;
  // For how many ticks the body was waited for, and what had come before.
  #waited = 0;
  #counted = 0;

  /**
   * @param conn The accepted socket.
   * @param address Whose place it takes; "" for who is not counted.
   */
  constructor(conn: Deno.Conn, host: SessionHost, address = "") {
    this.out = this.transport = new Transport(conn, host.stats, this);
    this.host = host;
    this.address = address;
    this.#buffer = host.buffers.pop() ?? readBuffer();
    this.#since = host.clock.tick;
  }

  /** Whether the connection goes on after the answer in hand. */
  get keep(): boolean {
    return this.#keep;
  }

  /** The socket. */
  get conn(): Deno.Conn {
    return this.transport.conn;
  }

  /** Whether the socket has been closed on our side. */
  get isClosed(): boolean {
    return this.transport.isClosed;
  }

  /** Whether the peer has closed its side: no more bytes will come. */
  get inputEnded(): boolean {
    return this.transport.inputEnded;
  }

  /** Whether a read is under way, and so the buffer it reads into in use. */
  get isReading(): boolean {
    return this.transport.isReading;
  }

  /** Sends what is queued; resolves to whether the kernel took it all. */
  flush(): Promise<boolean> {
    return this.transport.flush();
  }

  /** Closes the socket at once. Safe to call again. */
  destroy(error?: unknown): void {
    this.transport.destroy(error);
  }

  /** Whether the socket speaks TLS. */
  get isSecure(): boolean {
    return "handshake" in this.transport.conn;
  }

  /** Starts reading; behind the handshake where there is one. */
  start(): void {
    if (!this.isSecure) {
      this.transport.read();
      return;
    }
    this.state = "handshake"; // where its life begins
    (this.transport.conn as Deno.TlsConn).handshake().then(() => {
      if (this.transport.isClosed) {
        this.endStall();
        return;
      }
      this.#enter("idle");
      this.#since = this.tick;
      this.transport.read();
    }, (error) => {
      this.endStall();
      this.transport.destroy(error);
    });
  }

  /** @ignore Closes the socket of a handshake that was given up. */
  endStall(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.transport.closeSocket();
    this.host.unstalled(this);
  }

  /** Whether it is between requests, and all is sent. */
  get isIdle(): boolean {
    return this.state === "idle" && this.transport.bufferedAmount === 0 &&
      !this.#hasInput;
  }

  /**
   * Whether it may be closed to make room. One that is new, or was answered
   * just now, is given a tick to ask.
   */
  get isSpare(): boolean {
    return this.age >= 2 && this.transport.bufferedAmount === 0 &&
      (this.isIdle || this.state === "discarding" || this.state === "draining");
  }

  /**
   * For how many ticks its peer keeps us waiting; 0 where it does not, or that
   * may be the way that a slow but honest one goes.
   */
  get slowness(): number {
    const { clock, limits } = this.host;
    const since = this.transport.isWriting && this.state !== "upgraded"
      ? this.tick - this.transport.writeSince
      : 0;
    if (since * clock.period > STUCK) return since;
    if (this.state === "handshake" || this.state === "head") {
      return this.age * clock.period > SLOW ? this.age : 0;
    }
    const waited = this.#waited * clock.period;
    return waited > SLOW &&
        this.#cameIn() * 1000 < limits.minReceiveRate * waited
      ? this.#waited
      : 0;
  }

  /** Bytes of a body that have come since they are counted. */
  #cameIn(): number {
    const total = this.state === "body"
      ? this.#bodyLength
      : this.body?.bytesReceived ?? 0;
    return total - this.#counted;
  }

  /** Counts for how long a body is waited for, and whether enough of it comes. */
  #isTooSlow(): boolean {
    const { limits, clock } = this.host;
    const isWaiting = this.state === "body" || this.body?.isWaiting === true;
    if (!isWaiting) return false;
    this.#waited++;
    const window = this.#waited * clock.period;
    if (window < Math.max(limits.bodyTimeout, LEAST_WINDOW)) return false;
    const isSlow = this.#cameIn() * 1000 < limits.minReceiveRate * window;
    this.#counted += this.#cameIn();
    this.#waited = 0;
    return isSlow;
  }

  /** Gives its place to another. */
  giveWay(): void {
    if (this.state === "handshake") this.#stall();
    else this.transport.destroy();
  }

  /** For how many ticks it has been in its present wait. */
  get age(): number {
    return this.tick - this.#since;
  }

  /** @ignore */
  get tick(): number {
    return this.host.clock.tick;
  }

  #enter(state: ServerState): void {
    if (observer !== null) observer(this.state, state);
    this.state = state;
  }

  /** Whether bytes of further requests have come. */
  get #hasInput(): boolean {
    return this.parser !== null && this.parser.hasInput;
  }

  /** @ignore */
  space(): Uint8Array<ArrayBuffer> {
    const { parser } = this;
    if (parser === null) return this.#buffer!;
    const isLost = this.#discard !== null && this.#discard.kind !== "framed";
    return isLost ? parser.buffer : parser.space();
  }

  /** @ignore */
  received(length: number): boolean {
    // What is thrown away is read on, whatever brought it about.
    return this.#take(length) || this.#discard !== null;
  }

  #take(length: number): boolean {
    if (this.#discard !== null) return this.#throwAway(this.#discard, length);
    if (this.#successor !== null) {
      return this.#passOn(this.#successor, length);
    }
    if (this.parser === null) this.#takeParser(length);
    else this.parser.filled(length);
    switch (this.state) {
      case "held":
      case "answering":
        this.#owesContinue = false; // the peer does not wait for it
        if (this.body !== null && this.body.isWaiting) {
          this.#since = this.tick;
          return this.#readBody(this.body);
        }
      // fallthrough
      case "closing":
        // A read to learn when the peer goes. What came instead waits its turn;
        // sweep() looks on after a while, as long as there is room.
        return false;
      case "body":
        this.#since = this.tick;
        break;
    }
    return this.#advance();
  }

  /** Passes bytes on to what has taken the connection over. */
  #passOn(successor: Successor, length: number): boolean {
    const { parser } = this;
    if (parser !== null) { // a read that was under way at the time
      parser.filled(length);
      const rest = parser.takeRest();
      this.#giveParser(parser);
      return successor.received(rest);
    }
    const goesOn = successor.received(this.#buffer!.subarray(0, length));
    if (!this.transport.isClosed) this.#fitBuffer(this.#buffer!, length);
    return goesOn;
  }

  /** Gets a buffer for the next read, going by what the last ones brought. */
  #fitBuffer(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    if (length === buffer.length) this.#buffer = largerBuffer(buffer);
    if (length * 8 > buffer.length) this.#smallReads = 0;
    else if (++this.#smallReads > SMALL_READS) {
      this.#smallReads = 0;
      this.#buffer = smallerBuffer(buffer);
    }
  }

  /** Gets a parser for what has been read into the buffer. */
  #takeParser(length: number): void {
    this.parser = this.host.parsers.pop() ??
      new RequestParser(this.host.parserOptions);
    this.parser.adopt(this.#buffer!, length);
    this.#buffer = null;
  }

  /** Gives the parser to the next session that needs one. */
  #giveParser(parser: RequestParser): void {
    this.#buffer = parser.surrender();
    this.parser = null;
    if (this.host.parsers.length < MAX_SPARE) this.host.parsers.push(parser);
  }

  /** @ignore */
  readingEnded(): void {
    if (this.parser !== null) this.#giveParser(this.parser);
    const { buffers } = this.host;
    if (isSpareBuffer(this.#buffer) && buffers.length < MAX_SPARE) {
      buffers.push(this.#buffer);
    }
    this.#buffer = null;
  }

  /** @ignore */
  ended(): void {
    if (this.state === "draining" || this.state === "discarding") {
      if (this.transport.bufferedAmount > 0) this.#enter("closing");
      else this.transport.destroy();
    } else if (this.#successor !== null) {
      this.#successor.ended();
    } else if (this.client !== null) {
      this.#since = this.tick;
      this.client.peerGone();
      // What has no end of its own would never learn of it.
      if (this.#answer?.isEndless) this.transport.destroy();
      if (this.body !== null && this.body.isWaiting) this.#readBody(this.body);
    } else if (this.state !== "answering") this.#inputOver();
  }

  #inputOver(): void {
    if (this.state === "closing") return;
    if (this.transport.bufferedAmount === 0) {
      this.transport.destroy();
      return;
    }
    this.#enter("closing");
    this.transport.flush();
  }

  /**
   * Parses on until a request is whole, or more bytes are needed. Returns
   * whether to read on: not while a request is held, but see `watch()`.
   */
  #advance(): boolean {
    const parser = this.parser!;
    for (;;) {
      switch (parser.next()) {
        case ParseEvent.MORE:
          if (this.state === "idle" && parser.isInMessage) {
            this.#enter("head");
            this.#since = this.tick;
          }
          if (parser.isFresh) this.#giveParser(parser);
          if (this.transport.bufferedAmount > 0) this.transport.flush();
          if (!this.transport.inputEnded) return true;
          this.#inputOver();
          return false;
        case ParseEvent.HEAD:
          if (this.state === "idle") this.#enter("head");
          this.minorVersion = parser.minorVersion;
          this.#isLastRequest = parser.connectionClose || !parser.keepAlive;
          this.#waited = this.#counted = 0;
          if (parser.hasBody && this.host.isStreaming) {
            this.#deliver(parser);
            return false;
          }
          if (parser.hasBody) {
            this.#enter("body");
            this.#since = this.tick;
            this.#bodyLength = 0;
            if (parser.expectContinue && !parser.hasInput) {
              this.transport.append(CONTINUE);
            }
          }
          break;
        case ParseEvent.BODY:
          this.#collect(parser.bodyStart, parser.bodyEnd);
          break;
        case ParseEvent.END:
          this.#deliver(parser);
          if (!parser.hasInput && this.state === "held") {
            this.#giveParser(parser);
          }
          return false;
        default:
          if (this.state === "idle") this.#enter("head");
          this.refuse(parser.error!);
          return false;
      }
    }
  }

  #collect(start: number, end: number): void {
    const { buffer, contentLength } = this.parser!;
    const length = end - start;
    // A body that came in one piece is read from where it lies.
    if (length === contentLength) return;
    const total = this.#bodyLength + length;
    if (this.#body === null || this.#body.length < total) {
      const grown = new Uint8Array(bodyRoom(total, contentLength));
      if (this.#body !== null) {
        grown.set(this.#body.subarray(0, this.#bodyLength));
      }
      this.#body = grown;
    }
    this.#body.set(buffer.subarray(start, end), this.#bodyLength);
    this.#bodyLength = total;
  }

  #deliver(parser: RequestParser): void {
    const { limits, stats } = this.host;
    let body: Uint8Array | IncomingBody | null = null;
    if (parser.hasBody && this.host.isStreaming) {
      const { contentLength, expectContinue } = parser;
      body = this.body = new IncomingBody(
        this,
        contentLength,
        limits.maxContentLength,
      );
      this.#owesContinue = expectContinue && !parser.hasInput;
    } else if (parser.hasBody) {
      body = this.#body === null
        ? parser.contentLength < 0 ? NOTHING : parser.body
        : this.#body.subarray(0, this.#bodyLength);
      this.#body = null;
      this.#bodyLength = 0;
    }
    this.#keep = parser.keepAlive &&
      ++this.#requests < limits.keepAliveMaxRequests &&
      (!this.host.isStopping || this.#mayGoOn(parser));
    this.#enter("held");
    this.#since = this.tick;
    stats.requests++;
    try {
      this.client = this.host.deliver(this, parser, body);
    } catch (error) {
      stats.requests--;
      if (!(error instanceof ProtocolError)) throw error;
      this.refuse(error);
    }
  }

  /** Whether a server that is to stop answers more: what came before that. */
  #mayGoOn(parser: RequestParser): boolean {
    return parser.hasInput && !this.host.isStopDue;
  }

  /** The server is to stop: the answer in hand, or the next one, is the last. */
  stopping(): void {
    this.#successor?.stopping();
    if (this.state === "held" && !this.#hasInput) this.#keep = false;
  }

  /** Reads while the application holds a request, to learn when the peer goes. */
  watch(): void {
    if (this.body !== null && this.body.isLent) return;
    // What was sent ahead must not hide the end behind it.
    if (!this.transport.isReading && this.body === null) {
      this.parser?.widen(MOST_AHEAD);
    }
    this.transport.read();
  }

  /** The application asks for the next piece of a body. */
  readBody(): void {
    const body = this.body;
    if (body === null) return;
    if (this.#owesContinue) {
      this.#owesContinue = false;
      // Behind the head of an answer it would be taken for a part of that.
      if (this.state === "held" && !this.#hasInput) {
        this.transport.append(CONTINUE);
        this.transport.flush();
      }
    }
    this.#since = this.tick;
    if (this.#readBody(body)) this.transport.read();
  }

  /** Passes on the next piece of a body; returns whether to read for it. */
  #readBody(body: IncomingBody): boolean {
    const parser = this.parser!;
    switch (parser.next()) {
      case ParseEvent.MORE:
        if (!this.transport.inputEnded) return true;
        this.transport.destroy(brokenOff());
        return false;
      case ParseEvent.BODY:
        body.take(parser.body);
        return false;
      case ParseEvent.END:
        body.finish(parser.trailer);
        return false;
      default:
        this.refuseBody(parser.error!);
        return false;
    }
  }

  /** @ignore */
  refuseBody(error: ProtocolError): void {
    this.body?.fail(error);
    // What has begun to be answered can only be broken off.
    if (this.state === "held") this.refuse(error);
    else this.transport.destroy(error);
  }

  /**
   * The request is about to be answered as a whole. What is left of its body
   * is passed over if it is here; otherwise the connection is to end.
   *
   * @returns Whether all of the body was here.
   */
  skipBody(): boolean {
    if (this.body === null || this.#passOver(this.body)) return true;
    this.#keep = false;
    return false;
  }

  /** Passes over what is here of a body; whether that was all of it. */
  #passOver(body: IncomingBody): boolean {
    if (body.isDone) return true;
    if (body.isWaiting) return false;
    const parser = this.parser!;
    let isCut = body.isLent;
    for (;;) {
      switch (parser.next()) {
        case ParseEvent.BODY:
          isCut = true;
          break;
        case ParseEvent.END:
          // Whoever reads on must not take it for a shorter body.
          if (isCut) body.fail(answeredBefore());
          else body.finish(parser.trailer);
          this.body = null;
          return true;
        default:
          if (isCut) body.fail(answeredBefore());
          return false;
      }
    }
  }

  /** The body of the request in hand is not wanted any more. */
  #leaveBody(): void {
    const body = this.body;
    if (body === null) return;
    if (!this.#passOver(body)) {
      body.fail(answeredBefore());
      const isSaid = this.state === "answering"; // what the head has promised
      if (!this.#owesContinue) this.#discardRest();
      if (!isSaid || this.#discard?.kind !== "framed") this.#keep = false;
      this.#isLastRequest = false;
    }
    this.body = null;
  }

  /**
   * The rest of the request in hand is thrown away, before our side is closed:
   * something in between may take that for the end of all.
   */
  #discardRest(): void {
    const { parser } = this;
    if (parser === null || this.transport.inputEnded) return;
    const isFramed = parser.passLimit();
    // Where no end can be told, only if there is more than we have read.
    if (!isFramed && !parser.isFull) return;
    const hasCome = this.#bodyLength > 0 || (this.body?.bytesReceived ?? 0) > 0;
    const kind = isFramed ? "framed" : "unframed";
    this.#discard = new Discard(kind, this.tick, hasCome);
    if (this.#throwAway(this.#discard, 0)) this.transport.read();
  }

  /** Throws bytes away; returns whether to read on. */
  #throwAway(discard: Discard, length: number): boolean {
    this.#since = this.tick;
    const state = discard.take(this.parser, length);
    if (state === "more") return true;
    if (state === "whole" && this.#keep && this.state === "discarding") {
      this.#discard = null;
      this.#enter("idle");
      return this.#advance();
    }
    this.#discarded();
    return false;
  }

  /** All is thrown away, or enough: the connection ends. */
  #discarded(): void {
    this.#discard = null;
    if (this.state === "draining") this.transport.destroy();
    if (this.state !== "discarding") return;
    this.#keep = false;
    if (this.transport.bufferedAmount > 0) {
      // The answer itself has to be taken first; sent() goes on.
      this.#enter("closing");
      this.transport.flush();
    } else this.#closeOutput();
  }

  /** Holds what is thrown away to its bounds; called once a tick. */
  #sweepDiscard(): void {
    const { limits, clock, isStopDue } = this.host;
    const isOver = this.#discard?.isOver(
      this.age,
      clock.tick,
      clock.period,
      limits,
    );
    // A server that stops waits for a good end, but not for a rest.
    if (isOver || isStopDue && this.state !== "draining") this.#discarded();
  }

  /**
   * Hands the connection over to something that does not speak HTTP.
   *
   * @returns Bytes that have come already.
   */
  upgrade(successor: Successor): Uint8Array {
    const { parser } = this;
    this.body?.fail(new HttpError("Connection was taken over"));
    this.client = this.body = null;
    this.#successor = successor;
    this.#isLastRequest = false;
    this.#enter("upgraded");
    if (parser === null) return NOTHING;
    const rest = parser.takeRest();
    if (!this.transport.isReading) this.#giveParser(parser);
    return rest;
  }

  /** What took the connection over has said all: closes it in good order. */
  endUpgrade(): void {
    if (this.state !== "upgraded") return;
    this.#enter("closing");
    this.transport.flush();
    if (this.transport.bufferedAmount === 0) this.sent();
  }

  /**
   * Queues the head of an answer, and settles whether the connection goes on
   * behind it.
   *
   * @param answer What is told of the peer while the body is made.
   */
  begin(plan: AnswerPlan, answer: OpenAnswer | null = null): void {
    // A body that waits for a go-ahead cannot be read any more behind the head.
    if (plan.isWhole || !plan.hasBody || this.#owesContinue) this.skipBody();
    this.#answer = answer;
    this.client!.answerBegun(plan.status);
    this.#appendPlan(plan);
  }

  #appendPlan(plan: AnswerPlan): void {
    const { headers } = plan;
    const { connection } = headers;
    const isLast = plan.framing === Framing.CLOSE ||
      connection !== undefined && HAS_CLOSE.test(String(connection));
    if (isLast) this.#keep = false;
    if (!this.#keep) delete headers.connection;
    this.#appendHead(plan.status, plan.reason, headers, plan.cookies);
  }

  /** Queues the head of an answer behind which another protocol begins. */
  switchTo(status: number, headers: CheckedHeaders): void {
    this.client!.answerBegun(status);
    this.#appendHead(status, undefined, headers, "", false);
  }

  /** Notes what the request in hand is answered with, and bytes of its body. */
  note(status: number, bytes: number): void {
    const client = this.client!;
    client.answerBegun(status);
    client.bodyQueued(bytes);
  }

  /** Notes that bytes of the body of an answer are queued. */
  count(bytes: number): void {
    this.client!.bodyQueued(bytes);
  }

  /** The answer to the request in hand is queued, wholly. */
  answered(): Promise<boolean> {
    this.#leaveBody();
    this.client = this.#answer = null;
    this.#since = this.tick;
    if (this.#keep && this.#discard !== null) {
      this.#enter("discarding");
      return this.transport.flush();
    }
    if (!this.#keep) {
      this.#enter("closing");
      const sent = this.transport.flush();
      if (this.transport.bufferedAmount === 0) this.sent(); // all of it went before
      return sent;
    }
    this.#enter("idle");
    if (!this.#hasInput) {
      // A body that was read as it arrived has kept the parser until now.
      if (this.parser?.isFresh && !this.transport.isReading) {
        this.#giveParser(this.parser);
      }
      const sent = this.transport.flush();
      if (this.transport.inputEnded) this.#inputOver();
      else this.transport.read();
      return sent;
    }
    if (this.transport.bufferedAmount > this.host.limits.maxSendBufferSize) {
      return this.transport.flush(); // sent() goes on
    }
    if (this.#advance()) this.transport.read();
    if (
      this.transport.isClosed || this.transport.isWriting ||
      this.transport.bufferedAmount === 0
    ) {
      return this.transport.flush();
    }
    if (this.transport.bufferedAmount > GATHER_LIMIT) {
      return this.transport.flush();
    }
    this.host.later(this);
    return this.transport.whenFlushed();
  }

  /** The head of an answer is queued, and parts of its body will follow. */
  answerStarted(): void {
    this.#enter("answering");
    this.#since = this.tick;
  }

  /**
   * Sends a part of an answer. Resolves to true once the output queue is
   * under its limit, to false when the peer is gone. A peer that leaves the
   * queue above its limit until the next part is dropped.
   */
  send(...parts: Uint8Array[]): Promise<boolean> {
    this.admit();
    for (const part of parts) this.transport.append(part);
    return this.sendQueued();
  }

  /** Drops a peer that leaves more than its share unread, here or elsewhere. */
  admit(amount: number = this.transport.bufferedAmount): void {
    if (amount > this.host.limits.maxSendBufferSize) {
      this.transport.destroy(
        new HttpError("Peer reads too slowly for what it is sent"),
      );
    }
  }

  /**
   * Sends what is queued, together with what follows within the same turn;
   * resolves to true once there is room for more.
   */
  sendQueued(): Promise<boolean> {
    const { maxSendBufferSize } = this.host.limits;
    const most = Math.min(PARTS_LIMIT, maxSendBufferSize);
    // Behind a write that is under way it goes out by itself.
    if (this.transport.bufferedAmount > most) this.transport.flush();
    else if (this.transport.bufferedAmount > 0 && !this.transport.isWriting) {
      this.host.soon(this);
    }
    return this.transport.whenBelow(maxSendBufferSize);
  }

  /** @ignore */
  sent(): void {
    if (this.state === "closing") this.#close();
    else if (
      this.state === "idle" && this.#hasInput && this.client === null
    ) {
      if (this.#advance()) this.transport.read();
    }
  }

  /** Closes our side first, so that the peer sees all of the last answer. */
  #close(): void {
    if (this.#discard !== null && !this.transport.inputEnded) {
      this.#enter("discarding");
      this.transport.read();
      return;
    }
    this.#closeOutput();
  }

  #closeOutput(): void {
    const nothingFollows = this.transport.inputEnded ||
      this.#isLastRequest && !this.#hasInput;
    if (nothingFollows && !this.isSecure) {
      this.transport.destroy();
      return;
    }
    // The peer may still send; closing now could reset the connection before
    // it has read the answer (RFC 9112 section 9.6). With TLS, the closing
    // alert goes out here.
    this.#enter("draining");
    this.#since = this.tick;
    this.#discard = new Discard("lingering", this.tick, true);
    this.transport.conn.closeWrite().then(
      () => {
        if (nothingFollows) this.transport.destroy();
      },
      () => this.transport.destroy(),
    );
    if (!nothingFollows) this.transport.read();
  }

  /** Answers a fault of the peer, and closes. */
  refuse(error: ProtocolError): void {
    const { stats } = this.host;
    stats.refused++;
    this.host.report(error, this);
    if (this.transport.isClosed) return;
    const { status, message } = error;
    const isHead = this.parser?.isHead ?? false;
    const plan = planWhole(
      { ...REFUSED, isHead, minorVersion: this.minorVersion },
      plainHead(status, "text/plain; charset=utf-8"),
      message + "\n",
    );
    if (this.client !== null) this.note(status, plan.hasBody ? plan.length : 0);
    this.client = this.#answer = null;
    this.#keep = this.#isLastRequest = false;
    this.#appendPlan(plan);
    if (plan.hasBody) this.transport.appendText(message + "\n", plan.length);
    this.#enter("closing");
    this.#since = this.tick;
    if (!error.code.endsWith("-timeout") && !this.#isWaitingForGo) {
      this.#discardRest();
    }
    this.transport.flush();
  }

  /** Whether the peer has kept its body back until it is asked for it. */
  get #isWaitingForGo(): boolean {
    const { parser } = this;
    return this.#owesContinue ||
      parser !== null && parser.expectContinue && !parser.hasInput;
  }

  /**
   * Queues the head of an answer: fields as given, and what is ours to add.
   *
   * @param isHttp Whether HTTP goes on behind it, if anything.
   */
  #appendHead(
    status: number,
    reason: string | undefined,
    headers: CheckedHeaders,
    extra = "",
    isHttp = true,
  ): void {
    let head = writeStatusLine(status, reason);
    if (headers.date === undefined) head += `date: ${httpDate.text}\r\n`;
    head += writeFields(headers) + extra;
    if (headers.connection === undefined && isHttp) {
      if (!this.#keep) head += "connection: close\r\n";
      else head += this.host.keepFields[this.minorVersion];
    }
    head += "\r\n";
    const out = this.transport.room(head.length);
    writeLatin1(head, out, this.transport.outEnd);
    this.transport.wrote(this.transport.outEnd + head.length);
  }

  /** Holds the connection to its deadlines; called once a tick. */
  sweep(): void {
    const { limits, clock } = this.host;
    this.#since = clock.begun(this.#since);
    this.transport.writeSince = clock.begun(this.transport.writeSince);
    const rate = limits.minSendRate * clock.period / 1000;
    if (this.transport.isStalled(clock.ticks(limits.sendTimeout), rate)) {
      this.#timeOut("Peer has stopped reading");
      return;
    }
    const exceeds = (timeout: number) => this.age > clock.ticks(timeout);
    switch (this.state) {
      case "idle":
        if (this.age > this.host.idleTicks && this.isIdle) {
          this.transport.destroy();
        }
        break;
      case "handshake":
        if (exceeds(limits.requestTimeout)) this.#stall();
        break;
      case "head":
        if (exceeds(limits.requestTimeout)) {
          this.host.stats.timedOut++;
          this.refuse(new ProtocolError("header-timeout"));
        }
        break;
      case "body":
        if (exceeds(limits.bodyTimeout) || this.#isTooSlow()) {
          this.host.stats.timedOut++;
          this.refuse(new ProtocolError("body-timeout"));
        }
        break;
      case "held":
        // An application that was told may have forgotten the request.
        if (this.transport.inputEnded && exceeds(limits.keepAliveTimeout)) {
          this.transport.destroy(
            new HttpError("Peer was gone, and got no answer"),
          );
          break;
        }
        if (!this.body?.isWaiting && exceeds(limits.answerTimeout)) {
          this.host.stats.timedOut++;
          this.refuse(new ProtocolError("answer-timeout"));
          break;
        }
        this.#sweepBusy();
        break;
      case "answering": {
        // A source that yields nothing does not find out that its peer is gone.
        const silence = Math.min(
          this.age,
          clock.tick - this.transport.writeSince,
        );
        if (
          this.transport.inputEnded &&
          silence > clock.ticks(limits.keepAliveTimeout)
        ) {
          this.transport.destroy(
            new HttpError("Peer was gone, and got no more"),
          );
        } else this.#sweepBusy();
        break;
      }
      case "upgraded":
        this.#look();
        break;
      case "closing":
      case "discarding":
      case "draining":
        this.#sweepDiscard();
        break;
    }
  }

  /** Holds a request that the application has to its deadlines. */
  #sweepBusy(): void {
    const { limits, clock } = this.host;
    const isSilent = this.body?.isWaiting &&
      this.age > clock.ticks(limits.bodyTimeout);
    if (isSilent || this.#isTooSlow()) {
      this.host.stats.timedOut++;
      this.refuseBody(new ProtocolError("body-timeout"));
      return;
    }
    this.#answer?.swept();
    if (this.age > 0) this.watch();
    this.#look();
  }

  /** Looks now and then whether the peer is still there, if nothing else does. */
  #look(): void {
    if (this.tick % LOOK_TICKS === 0) this.transport.probe();
  }

  /**
   * Gives up a TLS handshake. Deno keeps the descriptor of one that is closed
   * until the peer goes, and then nobody could count it: so it stays open,
   * and counted, until the handshake ends in one way or another.
   */
  #stall(): void {
    if ("closesAtOnce" in this.transport.conn) {
      this.#timeOut("TLS handshake took too long");
      return;
    }
    this.host.stats.timedOut++;
    this.#isStalled = true;
    this.host.stalled.add(this);
    this.transport.letGo(new HttpError("TLS handshake took too long"));
  }

  #timeOut(message: string): void {
    this.host.stats.timedOut++;
    this.transport.destroy(new HttpError(message));
  }

  /** @ignore */
  gone(error: unknown): void {
    this.#enter("closed");
    const { client, body } = this;
    const answer = this.#answer;
    this.client =
      this.body =
      this.#body =
      this.#answer =
        null;
    client?.peerGone();
    answer?.gone();
    body?.fail(brokenOff(error));
    this.#successor?.gone(error);
    if (error !== undefined) this.host.report(error, this);
    this.host.closed(this);
  }
}
