import { ProtocolError } from "../parse/errors.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import type { Clock } from "../transport/clock.ts";
import { type Successor, Takeover } from "../transport/takeover.ts";
import {
  type Meter,
  Transport,
  type TransportHandler,
} from "../transport/transport.ts";
import type { ClientState, StateObserver } from "../wire/lifecycle.ts";
import type { Attempt, Carrier } from "./attempt.ts";
import { asError } from "./errors.ts";
import { InFlight } from "./in_flight.ts";
import { overdue } from "./overdue.ts";
import { isLast } from "./plan.ts";
import { RequestSender, type SenderHost } from "./request_sender.ts";
import { type ReaderHost, ResponseReader } from "./response_reader.ts";
import { mayBringBody, RestTime } from "./reuse.ts";
import type { Switchable } from "./switchable.ts";

/** For how long the go-ahead for a body is waited for, in ms. */
const CONTINUE_TIMEOUT = 1000;
/** For how long a peer's end is waited for after ours, in ms. */
const LINGER_TIMEOUT = 2000;

/** A connection that has just been made. */
export interface NewConnection {
  readonly conn: Deno.Conn;
  /** How long it took to connect, in ms. */
  readonly connectTime: number;
  /** How long the TLS handshake took, in ms; 0 without one. */
  readonly tlsTime: number;
}

/** What a connection belongs to. */
export interface ConnectionHost {
  readonly meter: Meter;
  readonly clock: Clock;
  /** Told of every change of state: for tests. */
  readonly observer: StateObserver<ClientState> | null;
  /** Whether connections are kept at all. */
  readonly keepAlive: boolean;
  /** For how long an unused one is kept, in ms. */
  readonly keepAliveTimeout: number;
  /** The connection can take a request again. */
  rested(connection: ClientConnection): void;
  /** The connection speaks something else now. */
  left(connection: ClientConnection): void;
  /** The connection is closed. */
  closed(connection: ClientConnection): void;
}

/**
 * Our side of one connection: requests out, responses in, in order.
 */
export class ClientConnection
  implements TransportHandler, Carrier, Switchable, SenderHost, ReaderHost {
  /** The connection itself. */
  readonly transport: Transport;
  readonly connectTime: number;
  readonly tlsTime: number;
  readonly parser: ResponseParser;

  readonly #host: ConnectionHost;
  readonly #clock: Clock;
  readonly #observer: StateObserver<ClientState> | null;
  readonly #inFlight = new InFlight();
  readonly #sender: RequestSender;
  readonly #reader: ResponseReader;
  readonly #restTime: RestTime;
  #state: ClientState = "idle";
  #served = 0;
  // The connection ends with the response in hand.
  #mustClose = false;
  // What came in place of a response, on a connection that had worked.
  #stray: Error | null = null;
  // It is being closed in good order, behind a response.
  #isEnding = false;
  // The tick when what is waited for began, or got on.
  #since = 0;
  #takeover: Takeover | null = null;

  constructor(
    { conn, connectTime, tlsTime }: NewConnection,
    host: ConnectionHost,
    parser: ResponseParser,
  ) {
    const { clock, meter } = host;
    const transport = this.transport = new Transport(conn, meter, clock, this);
    const inFlight = this.#inFlight;
    this.connectTime = connectTime;
    this.tlsTime = tlsTime;
    this.#host = host;
    this.#clock = clock;
    this.#observer = host.observer;
    this.parser = parser;
    this.#sender = new RequestSender(this, transport, inFlight);
    this.#reader = new ResponseReader(this, transport, parser, inFlight);
    this.#restTime = new RestTime(host.keepAliveTimeout, clock);
    this.#since = clock.tick;
  }

  /** Where the connection is in its life; see wire/lifecycle.ts. */
  get state(): ClientState {
    return this.#state;
  }

  /** Responses that have come on it. */
  get served(): number {
    return this.#served;
  }

  /** How many requests are on their way. */
  get inFlight(): number {
    return this.#inFlight.count;
  }

  /** Whether another request may be sent behind those on their way. */
  get mayPipeline(): boolean {
    return this.#served > 0 && !this.#mustClose &&
      this.parser.minorVersion > 0 && this.#inFlight.canPipeline;
  }

  /** Whether it has been unused for longer than it may be kept. */
  get isStale(): boolean {
    return this.#served > 0 &&
      this.#clock.tick - this.#since >= this.#restTime.ticks;
  }

  #enter(state: ClientState): void {
    if (this.#observer !== null) this.#observer(this.#state, state);
    this.#state = state;
  }

  /** What is waited for got on. */
  gotOn(): void {
    this.#since = this.#clock.tick;
  }

  // ---- Requests ----------------------------------------------------------

  /** Sends a request. */
  start(attempt: Attempt): void {
    this.#inFlight.add(attempt);
    if (this.#inFlight.count === 1) {
      this.parser.expect(attempt.plan.method);
      this.#enter("waiting");
      this.gotOn();
      this.transport.conn.ref?.();
    }
    this.#sender.send(attempt);
    this.transport.read();
  }

  /** All of a request is out, of which the answer was complete before that. */
  isOutAtLast(attempt: Attempt): void {
    try {
      this.complete(attempt);
      if (!this.transport.isClosed && this.#reader.goOn()) {
        this.transport.read();
      }
    } catch (error) {
      this.transport.destroy(error);
    }
  }

  sent(): void {
    const { first } = this.#inFlight;
    if (first !== undefined && this.#sender.isFirstOut && first.flushed()) {
      this.gotOn();
    }
    if (this.#state !== "closing") return;
    if (this.transport.inputEnded) this.transport.destroy();
    else this.transport.conn.closeWrite().catch(() => {});
  }

  /**
   * The peer takes no more. What it has answered, and that it has closed, is
   * still to be read (RFC 9112 section 9.5).
   */
  writeFailed(error: unknown): boolean {
    const { first, isHeld } = this.#inFlight;
    if (first === undefined || isHeld) return false;
    this.#mustClose = true;
    if (!this.#sender.isFirstOut) first.upload!.cut(error);
    this.transport.dropOutput();
    this.gotOn();
    if (this.#reader.wantsBytes) this.transport.read();
    return true;
  }

  /**
   * Ends a request, and with it the connection; others that wait for their
   * answers are sent elsewhere. An answer that has begun may end first.
   */
  giveUp(attempt: Attempt, error: Error): void {
    if (attempt.state === "over") return;
    if (attempt !== this.#inFlight.first && this.#hasBegun) {
      attempt.left(error);
      return;
    }
    attempt.givenUp(error);
    this.transport.destroy(error);
  }

  /** Closes the connection. */
  destroy(error?: unknown): void {
    this.transport.destroy(error);
  }

  /** Ends all that is on its way, and the connection. */
  stop(reason: unknown): void {
    this.#inFlight.abandon(reason);
    this.transport.destroy();
  }

  // ---- Responses ---------------------------------------------------------

  space(): Uint8Array<ArrayBuffer> {
    return this.#takeover?.space ?? this.parser.space();
  }

  received(length: number): boolean {
    if (this.#takeover !== null) return this.#takeover.received(length);
    if (this.#state === "receiving" && !this.#inFlight.isHeld) this.gotOn();
    return this.#reader.received(length);
  }

  /** Whether anything of the answer that is due next has come. */
  get #hasBegun(): boolean {
    return this.#state !== "waiting" || this.#reader.isInMessage;
  }

  /** An interim response (RFC 9110 section 15.2) is in. */
  interim(attempt: Attempt, status: number): boolean {
    if (status === 101) return this.#switch(attempt);
    if (status === 100) this.#sender.goAhead(attempt);
    return !this.transport.isClosed;
  }

  /** The head of a response is in. */
  headIn(attempt: Attempt): void {
    this.#enter("receiving");
    this.gotOn();
    attempt.headIn();
    if (this.transport.isClosed || !attempt.upload?.isPending) return;
    if (attempt.needsWhole) this.#sender.goAhead(attempt);
    else {
      // The body is pointless now, and the peer may not read the rest (RFC
      // 9112 section 9.5).
      this.#mustClose = true;
      attempt.cutOff();
    }
  }

  /** Bytes that answer nothing lie behind a response. */
  strayBytes(): void {
    this.#mustClose = true;
  }

  /** What came is no response. */
  malformed(attempt: Attempt, fault: ProtocolError): void {
    const error = attempt.malformed(fault);
    if (
      this.#served > 0 && this.#state === "waiting" &&
      fault.code === "bad-version"
    ) {
      // It does not even begin as one: it lay behind another response, and
      // says nothing of the request (RFC 9112 section 9.2).
      this.#stray = error;
      this.transport.destroy(error);
    } else this.giveUp(attempt, error);
  }

  /** The response is complete. */
  complete(attempt: Attempt): void {
    const { upload } = attempt;
    if (
      upload !== null && attempt.needsWhole && upload.state !== "cut" &&
      !this.#sender.isFirstOut
    ) {
      this.#sender.hold(attempt);
      return;
    }
    this.#inFlight.shift();
    this.#reader.leaveBody();
    this.#served++;
    const { trailer } = this.parser;
    if (isLast(attempt.plan)) this.#mustClose = true;
    this.#goOnBehind(attempt, this.#inFlight.first);
    attempt.complete(trailer);
  }

  /** What becomes of the connection behind a response. */
  #goOnBehind(attempt: Attempt, next: Attempt | undefined): void {
    if (!this.#isReusable(attempt, next)) {
      this.#isEnding = true;
      // Those behind it have not been answered, and may be sent elsewhere (RFC
      // 9112 section 9.3.2).
      if (next !== undefined && !this.transport.isClosed) {
        this.#enter("waiting");
      }
      this.transport.destroy();
    } else if (next === undefined) {
      this.#enter("idle");
      this.gotOn();
      this.#restTime.read(this.parser);
      this.#host.rested(this);
      if (this.#state === "idle") this.transport.conn.unref?.();
    } else {
      this.#enter("waiting");
      this.gotOn();
      this.parser.expect(next.plan.method);
    }
  }

  /**
   * The one place that decides whether the connection is used again (RFC 9112
   * section 9.3).
   */
  #isReusable(attempt: Attempt, next: Attempt | undefined): boolean {
    const { parser, transport } = this;
    return !transport.isClosed && !transport.inputEnded && !this.#mustClose &&
      this.#host.keepAlive && parser.keepAlive && !parser.endsWithConnection &&
      !mayBringBody(attempt.plan.method, parser) &&
      (next === undefined
        ? !parser.hasInput && transport.bufferedAmount === 0
        : next.state !== "over");
  }

  /** The connection is new, and nobody wants it at once: listens for its end. */
  idle(): void {
    this.transport.conn.unref?.();
    this.transport.read();
    this.transport.conn.unref?.();
  }

  // ---- The end -----------------------------------------------------------

  ended(): void {
    if (this.#takeover !== null) {
      const wasClosing = this.#state === "closing";
      this.#takeover.successor.ended();
      if (wasClosing) this.transport.destroy();
      return;
    }
    const { first, isHeld } = this.#inFlight;
    // It may still read what it has answered.
    if (isHeld) this.gotOn();
    else if (first !== undefined && this.parser.endInput()) {
      this.complete(first);
    } else this.transport.destroy();
  }

  readingEnded(): void {}

  gone(error: unknown): void {
    const hasBegun = this.#hasBegun;
    this.#enter("closed");
    const attempts = this.#inFlight.takeAll();
    this.#reader.leaveBody();
    this.#host.closed(this);
    this.#takeover?.successor.gone(error);
    // What ends for another's sake, or in good order, is no fault of a peer's.
    const isForAnother = this.#isEnding ||
      attempts.some(({ state }) => state === "givenUp");
    for (let i = 0; i < attempts.length; i++) {
      const attempt = attempts[i];
      if (i > 0) attempt.lost(error, "another");
      else if (this.#stray !== null) attempt.strayed(error, this.#stray);
      else if (hasBegun || this.#served === 0) attempt.lost(error, "own");
      else attempt.lost(error, isForAnother ? "another" : "dead");
    }
  }

  // ---- Another protocol --------------------------------------------------

  #switch(attempt: Attempt): boolean {
    const { parser } = this;
    if (!attempt.mayBeSwitched || this.#inFlight.count > 1) {
      const fault = new ProtocolError("unexpected-switch", 0);
      this.giveUp(attempt, attempt.malformed(fault));
      return false;
    }
    parser.next(); // the end of the response
    let successor: Successor;
    try {
      successor = attempt.switchTo(this);
    } catch (error) {
      this.giveUp(attempt, asError(error));
      return false;
    }
    this.#inFlight.takeAll();
    this.#enter("upgraded");
    this.#takeover = new Takeover(successor);
    this.#host.left(this);
    attempt.switched();
    const rest = parser.takeRest();
    // Behind this turn, in which the application begins to listen.
    queueMicrotask(() => {
      if (this.transport.isClosed) return;
      const goesOn = rest.length === 0 || successor.received(rest);
      if (this.transport.inputEnded) successor.ended();
      else if (goesOn) this.transport.read();
    });
    return false;
  }

  /** What took the connection over has said all: closes it in good order. */
  endUpgrade(): void {
    if (this.#state !== "upgraded") return;
    this.#enter("closing");
    this.gotOn();
    this.transport.flush();
    if (this.transport.bufferedAmount === 0) this.sent();
    this.transport.read();
  }

  // ---- Time --------------------------------------------------------------

  /** A tick has gone by. */
  sweep(): void {
    this.#since = this.#clock.begun(this.#since);
    this.transport.swept();
    const waited = this.#clock.tick - this.#since;
    const { first } = this.#inFlight;
    if (this.#state === "idle") {
      if (waited >= this.#restTime.ticks) this.transport.destroy();
    } else if (this.#state === "closing") {
      if (waited >= this.#clock.ticks(LINGER_TIMEOUT)) {
        this.transport.destroy();
      }
    } else if (first !== undefined) this.#sweepFirst(first, waited);
  }

  #sweepFirst(first: Attempt, waited: number): void {
    const isSending = this.transport.bufferedAmount > 0;
    const { timeoutTicks, leastPerTick } = first;
    const what = overdue(first, {
      waited,
      goAheadTicks: this.#clock.ticks(CONTINUE_TIMEOUT),
      isSending,
      isStalled: isSending &&
        this.transport.isStalled(timeoutTicks - 1, leastPerTick),
      inputEnded: this.transport.inputEnded,
      isAnswering: this.#state !== "waiting",
      isUnread: !this.#inFlight.isHeld && this.#reader.isUnread,
    });
    if (what === "goAhead") this.#sender.goAhead(first);
    else if (what !== null) this.giveUp(first, first.timedOut(what));
  }
}
