import { ProtocolError } from "../parse/errors.ts";
import { ParseEvent } from "../parse/message_parser.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import { type BodyOrigin, IncomingBody } from "../message/incoming_body.ts";
import { OwnTransport } from "../transport/own_transport.ts";
import type { Meter } from "../transport/transport.ts";
import type { ClientState } from "../wire/lifecycle.ts";
import { writeLatin1 } from "../wire/response_head.ts";
import { type Exchange, Loss, Taking } from "./exchange.ts";
import { mayBringBody, readKeepAlive } from "./reuse.ts";
import { type Successor, Takeover } from "../transport/takeover.ts";
import { turns } from "../transport/turns.ts";
import { Upload } from "./upload.ts";

/** For how long the go-ahead for a body is waited for, in ms. */
const CONTINUE_TIMEOUT = 1000;
/** So much of a request the system may hold, by default, on both sides. */
const MOST_HELD = 4_194_304;
/** For how long a peer's end is waited for after ours, in ms. */
const LINGER_TIMEOUT = 2000;

/** What a connection belongs to. */
export interface ConnectionHost {
  readonly meter: Meter;
  readonly tick: number;
  /** Ticks that last at least so many milliseconds. */
  ticks(ms: number): number;
  /** For a sweep: when a wait began that was noted at a tick. */
  begun(since: number): number;
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

let observer: ((from: ClientState, to: ClientState) => void) | null = null;

/** For tests: shows every change of state of every connection. */
export function observeStates(callback: typeof observer): void {
  observer = callback;
}

/**
 * The client's side of one connection: requests out, responses in, in order.
 */
export class ClientConnection extends OwnTransport implements BodyOrigin {
  /** Where the connection is in its life; see wire/lifecycle.ts. */
  state: ClientState = "idle";
  /** Responses that have come on it. */
  served = 0;
  /** How long it took to connect, in ms. */
  connectTime = 0;
  /** How long the TLS handshake took, in ms; 0 without one. */
  tlsTime = 0;
  /** @ignore */
  readonly parser: ResponseParser;

  readonly #host: ConnectionHost;
  /** Requests sent and not answered, the next to be answered first. */
  #inFlight: Exchange[] = [];
  #isInterim = false;
  // The response in hand is complete, its request is not.
  #isHeld = false;
  // The connection ends with the response in hand.
  #mustClose = false;
  // What came in place of a response, on a connection that had worked.
  #stray: Error | null = null;
  // It is being closed in good order, behind a response.
  #isEnding = false;
  // The body in hand, where it is read as it arrives.
  #body: IncomingBody | null = null;
  // The tick when what is waited for began, or got on.
  #since = 0;
  #restTicks = 0;
  // The last `Keep-Alive` that was read, as most responses have the same.
  #keepAliveText = "";
  #takeover: Takeover | null = null;

  constructor(conn: Deno.Conn, host: ConnectionHost, parser: ResponseParser) {
    super(conn, host.meter);
    this.#host = host;
    this.parser = parser;
    this.#restTicks = host.ticks(host.keepAliveTimeout);
    this.#since = host.tick;
  }

  protected override get tick(): number {
    return this.#host.tick;
  }

  /** How many requests are on their way. */
  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** Whether another request may be sent behind those on their way. */
  get mayPipeline(): boolean {
    return this.served > 0 && !this.#mustClose && !this.#isHeld &&
      this.parser.minorVersion > 0 &&
      this.#inFlight.every((exchange) => exchange.canPipeline);
  }

  /** Whether it has been unused for longer than it may be kept. */
  get isStale(): boolean {
    return this.served > 0 && this.tick - this.#since >= this.#restTicks;
  }

  #enter(state: ClientState): void {
    observer?.(this.state, state);
    this.state = state;
  }

  // ---- Requests ----------------------------------------------------------

  /** Sends a request. */
  start(exchange: Exchange): void {
    this.#inFlight.push(exchange);
    exchange.connection = this;
    if (this.#inFlight.length === 1) {
      this.parser.expect(exchange.method);
      this.#enter("waiting");
      this.#since = this.tick;
      this.conn.ref?.();
    }
    const { head, body } = exchange;
    const out = this.room(head.length);
    writeLatin1(head, out, this.outEnd);
    this.wrote(this.outEnd + head.length);
    if (body !== null) {
      exchange.upload = new Upload(body, exchange.bodyLength);
      if (!exchange.expectsContinue) this.#sendBody(exchange, exchange.upload);
    }
    this.flush();
    this.read();
  }

  #sendBody(exchange: Exchange, upload: Upload): void {
    this.#since = this.tick;
    upload.begin(
      this,
      () => {
        this.#since = this.tick;
        if (this.#isHeld && exchange === this.#inFlight[0]) this.#awaitOutput();
      },
      (error) => this.giveUp(exchange, asError(error)),
    );
  }

  /**
   * Ends a request, and with it the connection; others that wait for their
   * answers are sent elsewhere. An answer that has begun may end first.
   */
  giveUp(exchange: Exchange, error: Error): void {
    if (exchange.connection !== this) return;
    if (exchange !== this.#inFlight[0] && this.#hasBegun) {
      exchange.connection = null;
      exchange.fail(error);
      return;
    }
    exchange.fault = error;
    this.destroy(error);
  }

  /**
   * The server takes no more. What it has answered, and that it has closed, is
   * still to be read.
   */
  protected override writeFailed(error: unknown): boolean {
    const exchange = this.#inFlight[0];
    if (exchange === undefined || this.#isHeld) return false;
    this.#mustClose = true;
    if (!this.#isOut(exchange)) exchange.upload!.cut(error);
    this.dropOutput();
    this.#since = this.tick;
    const body = this.#body;
    // What has come already waits for its turn.
    if (body === null || body.isWaiting && !this.parser.hasInput) this.read();
    return true;
  }

  /** Whether anything of the answer that is due next has come. */
  get #hasBegun(): boolean {
    return this.state !== "waiting" || this.parser.isInMessage ||
      this.#isInterim;
  }

  /** Ends all that is on its way, and the connection. */
  stop(reason: unknown): void {
    for (const exchange of this.#inFlight) {
      exchange.fault ??= exchange.aborted(reason);
    }
    this.destroy();
  }

  protected override sent(): void {
    const first = this.#inFlight[0];
    if (first !== undefined && !first.isFlushed && this.#isOut(first)) {
      first.isFlushed = true;
      this.#since = this.tick;
    }
    if (this.state !== "closing") return;
    if (this.inputEnded) this.destroy();
    else this.conn.closeWrite().catch(() => {});
  }

  // ---- Responses ---------------------------------------------------------

  protected override space(): Uint8Array<ArrayBuffer> {
    return this.#takeover?.space ?? this.parser.space();
  }

  protected override received(length: number): boolean {
    if (this.#takeover !== null) return this.#takeover.received(length);
    const { parser } = this;
    parser.filled(length);
    if (this.#isHeld) return this.#readOn();
    if (this.state === "receiving") this.#since = this.tick;
    if (this.#body === null) return this.#goOn();
    return this.#body.isWaiting && this.#streamOn(this.#body);
  }

  /** Goes on with what has come; returns whether to read on. */
  #goOn(): boolean {
    const { parser } = this;
    for (;;) {
      const exchange = this.#inFlight[0];
      if (exchange === undefined) {
        // Whatever this is, it answers nothing.
        if (parser.hasInput) this.destroy();
        return true;
      }
      switch (parser.next()) {
        case ParseEvent.MORE:
          return true;
        case ParseEvent.HEAD:
          if (!this.#head(exchange)) return false;
          break;
        case ParseEvent.BODY:
          exchange.take(parser.body);
          if (this.isClosed) return false;
          break;
        case ParseEvent.END:
          if (this.#isInterim) this.#isInterim = false;
          else this.#complete(exchange);
          if (this.isClosed) return false;
          if (this.#isHeld) return this.#readOn();
          break;
        default:
          this.#malformed(exchange, parser.error!);
          return false;
      }
    }
  }

  /** The head of a response is in; returns whether to go on at once. */
  #head(exchange: Exchange): boolean {
    const { status } = this.parser;
    if (status < 200) {
      if (status === 101) return this.#switch(exchange);
      this.#isInterim = true;
      if (status === 100) this.#continue(exchange);
      return !this.isClosed;
    }
    this.#enter("receiving");
    this.#since = this.tick;
    const { upload } = exchange;
    const taking = exchange.headIn(this);
    if (this.isClosed) return false;
    if (upload !== null && upload.isPending) {
      if (exchange.needsWhole) this.#continue(exchange);
      else {
        // The body is pointless now, and the peer may not read the rest.
        this.#mustClose = true;
        upload.cut();
        exchange.request.isCutOff = true;
      }
      if (this.isClosed) return false;
    }
    if (taking !== Taking.STREAM) return true;
    const { parser } = this;
    this.#body = new IncomingBody(this, parser.contentLength, Infinity);
    exchange.stream(this.#body);
    if (this.isClosed) return false;
    return !parser.hasBody; // what has none ends at once
  }

  /** The body is wanted, or at least not refused. */
  #continue(exchange: Exchange): void {
    const { upload } = exchange;
    if (upload === null || upload.state !== "held") return;
    this.#sendBody(exchange, upload);
    this.flush();
  }

  /** What came is no response. */
  #malformed(exchange: Exchange, fault: ProtocolError): void {
    const error = exchange.malformed(fault);
    if (
      this.served > 0 && this.state === "waiting" &&
      fault.code === "bad-version"
    ) {
      // It does not even begin as one: it lay behind another response.
      this.#stray = error;
      this.destroy(error);
    } else this.giveUp(exchange, error);
  }

  /** Whether the kernel has all of the request that is answered next. */
  #isOut(first: Exchange): boolean {
    const { upload } = first;
    if (upload === null) return true;
    if (upload.state === "queued" && this.bufferedAmount <= this.#behind) {
      upload.state = "sent";
    }
    return upload.state === "sent";
  }

  /** Bytes of the requests that were sent behind the first. */
  get #behind(): number {
    let bytes = 0;
    for (let i = 1; i < this.#inFlight.length; i++) {
      const { head, body } = this.#inFlight[i];
      bytes += head.length + (body?.length ?? 0);
    }
    return bytes;
  }

  /** Waits until what is queued of the first request is with the kernel. */
  #awaitOutput(): void {
    const exchange = this.#inFlight[0];
    this.whenBelow(this.#behind).then((isOut) => {
      if (!isOut || !this.#isHeld || exchange !== this.#inFlight[0]) return;
      exchange.upload!.state = "sent";
      this.#isHeld = false;
      try {
        this.#complete(exchange);
        if (!this.isClosed && this.#goOn()) this.read();
      } catch (error) {
        this.destroy(error);
      }
    });
  }

  /** More has come, or may come, behind a response whose request goes on. */
  #readOn(): boolean {
    if (this.#inFlight.length > 1) return false; // it is for those behind
    if (this.parser.hasInput) {
      // It answers nothing. It is read, lest the peer waits for that.
      this.#mustClose = true;
      this.parser.takeRest();
    }
    return true;
  }

  /** The response is complete. */
  #complete(exchange: Exchange): void {
    const { upload } = exchange;
    if (
      upload !== null && exchange.needsWhole && upload.state !== "cut" &&
      !this.#isOut(exchange)
    ) {
      this.#isHeld = exchange.isAnswered = true;
      this.#since = this.tick;
      if (upload.state === "queued") this.#awaitOutput();
      return;
    }
    this.#inFlight.shift();
    this.served++;
    this.#body = null;
    const { parser } = this;
    const { trailer } = parser;
    const next = this.#inFlight[0];
    exchange.connection = null;
    if (exchange.isLast) this.#mustClose = true;
    if (!this.#isReusable(exchange, next)) {
      this.#isEnding = true;
      // Those behind it have not been touched.
      if (next !== undefined && !this.isClosed) this.#enter("waiting");
      this.destroy();
    } else if (next === undefined) {
      this.#enter("idle");
      this.#rest();
    } else {
      this.#enter("waiting");
      this.#since = this.tick;
      parser.expect(next.method);
    }
    exchange.complete(trailer);
  }

  /** The one place that decides whether the connection is used again. */
  #isReusable(exchange: Exchange, next: Exchange | undefined): boolean {
    const { parser } = this;
    return !this.isClosed && !this.inputEnded && !this.#mustClose &&
      this.#host.keepAlive && parser.keepAlive && !parser.endsWithConnection &&
      !mayBringBody(exchange.method, parser) &&
      (next === undefined
        ? !parser.hasInput && this.bufferedAmount === 0
        : !next.isDone);
  }

  #rest(): void {
    this.#since = this.tick;
    const { parser } = this;
    if (parser.keepAliveStart >= 0) this.#readKeepAlive();
    this.#host.rested(this);
    if (this.state === "idle") this.conn.unref?.();
  }

  /** The connection is new, and nobody wants it at once: listens for its end. */
  idle(): void {
    this.conn.unref?.();
    this.read();
    this.conn.unref?.();
  }

  #readKeepAlive(): void {
    const { head, keepAliveStart } = this.parser;
    const text = head.slice(
      keepAliveStart,
      head.indexOf("\r\n", keepAliveStart),
    );
    if (text === this.#keepAliveText) return;
    this.#keepAliveText = text;
    const ms = readKeepAlive(text);
    if (ms < 0) return;
    const { keepAliveTimeout } = this.#host;
    this.#restTicks = this.#host.ticks(Math.min(ms, keepAliveTimeout));
  }

  protected override ended(): void {
    if (this.#takeover !== null) {
      const wasClosing = this.state === "closing";
      this.#takeover.successor.ended();
      if (wasClosing) this.destroy();
      return;
    }
    // It may still read what it has answered.
    if (this.#isHeld) {
      this.#since = this.tick;
      return;
    }
    const exchange = this.#inFlight[0];
    if (exchange !== undefined && this.parser.endInput()) {
      this.#complete(exchange);
    } else this.destroy();
  }

  protected override readingEnded(): void {}

  protected override gone(error: unknown): void {
    const hasBegun = this.#hasBegun;
    this.#enter("closed");
    const inFlight = this.#inFlight;
    this.#inFlight = [];
    this.#body = null;
    this.#host.closed(this);
    this.#takeover?.successor.gone(error);
    // What ends for another's sake, or in good order, is no fault of a server's.
    const isForAnother = this.#isEnding ||
      inFlight.some((exchange) => exchange.fault !== null);
    for (let i = 0; i < inFlight.length; i++) {
      const exchange = inFlight[i];
      exchange.connection = null;
      exchange.upload?.cut(error);
      if (i > 0) exchange.broken(error, Loss.ANOTHER);
      else if (this.#stray !== null) exchange.strayed(this.#stray);
      else if (hasBegun || this.served === 0) exchange.broken(error, Loss.OWN);
      else exchange.broken(error, isForAnother ? Loss.ANOTHER : Loss.DEAD);
    }
  }

  // ---- A body that is read as it arrives ---------------------------------

  /** @ignore The next piece is wanted. */
  readBody(): void {
    if (this.isClosed || this.#body === null) return;
    this.#since = this.tick;
    // One read may hold thousands of chunks.
    if (turns.spend(1)) this.#readBody();
    else turns.wait(this.#readBody);
  }

  readonly #readBody = (): void => {
    if (this.isClosed || this.#isHeld || !this.#body?.isWaiting) return;
    if (this.#streamOn(this.#body)) this.read();
  };

  /** @ignore The body is over its limit. */
  refuseBody(error: ProtocolError): void {
    this.destroy(error);
  }

  #streamOn(body: IncomingBody): boolean {
    const { parser } = this;
    const exchange = this.#inFlight[0];
    switch (parser.next()) {
      case ParseEvent.MORE:
        return true;
      case ParseEvent.BODY:
        body.take(parser.body);
        return false;
      case ParseEvent.END:
        this.#complete(exchange);
        if (this.isClosed) return false;
        // What came behind it.
        return this.#isHeld ? this.#readOn() : this.#goOn();
      default:
        this.giveUp(exchange, exchange.malformed(parser.error!));
        return false;
    }
  }

  // ---- Another protocol --------------------------------------------------

  #switch(exchange: Exchange): boolean {
    const { parser } = this;
    if (exchange.onSwitch === null || this.#inFlight.length > 1) {
      const fault = new ProtocolError("unexpected-switch", 0);
      this.giveUp(exchange, exchange.malformed(fault));
      return false;
    }
    parser.next(); // the end of the response
    if (parser.hasCookies) exchange.takeCookies(parser);
    let successor: Successor;
    try {
      successor = exchange.onSwitch(this);
    } catch (error) {
      this.giveUp(exchange, asError(error));
      return false;
    }
    this.#inFlight = [];
    exchange.connection = null;
    this.#enter("upgraded");
    this.#takeover = new Takeover(successor);
    this.#host.left(this);
    exchange.switched();
    const rest = parser.takeRest();
    // Behind this turn, in which the application begins to listen.
    queueMicrotask(() => {
      if (this.isClosed) return;
      const goesOn = rest.length === 0 || successor.received(rest);
      if (this.inputEnded) successor.ended();
      else if (goesOn) this.read();
    });
    return false;
  }

  /** What took the connection over has said all: closes it in good order. */
  endUpgrade(): void {
    if (this.state !== "upgraded") return;
    this.#enter("closing");
    this.#since = this.tick;
    this.flush();
    if (this.bufferedAmount === 0) this.sent();
    this.read();
  }

  // ---- Time --------------------------------------------------------------

  /** A tick has gone by. */
  sweep(): void {
    this.#since = this.#host.begun(this.#since);
    this.writeSince = this.#host.begun(this.writeSince);
    const waited = this.tick - this.#since;
    if (this.state === "idle") {
      if (waited >= this.#restTicks) this.destroy();
      return;
    }
    if (this.state === "closing") {
      if (waited >= this.#host.ticks(LINGER_TIMEOUT)) this.destroy();
      return;
    }
    const exchange = this.#inFlight[0];
    if (exchange === undefined) return;
    const { timeoutTicks, upload } = exchange;
    if (this.bufferedAmount > 0) {
      // A peer that answers meanwhile is not stuck, nor is one that waits for
      // our caller to read.
      const isStalled = this.isStalled(timeoutTicks - 1, exchange.leastPerTick);
      if (isStalled && waited >= timeoutTicks && !this.#isUnread) {
        this.giveUp(exchange, exchange.timedOut("send"));
      }
    } else if (upload !== null && upload.isPending) {
      // Our own source is waited for, but not for a peer that has left.
      if (upload.state === "held") {
        if (waited >= this.#host.ticks(CONTINUE_TIMEOUT)) {
          this.#continue(exchange);
        }
      } else if (this.inputEnded && waited >= timeoutTicks) {
        this.giveUp(exchange, exchange.timedOut("send"));
      }
    } else if (waited < timeoutTicks) return;
    else if (this.state === "waiting") {
      // What the system still holds of the request has to be read first.
      const held = Math.min(upload?.bytes ?? 0, MOST_HELD);
      if (waited < timeoutTicks + held / exchange.leastPerTick) return;
      this.giveUp(exchange, exchange.timedOut("headers"));
    } else if (!this.#isUnread) {
      this.giveUp(exchange, exchange.timedOut("body"));
    }
  }

  /** Whether more of the response is held back until the caller asks for it. */
  get #isUnread(): boolean {
    return !this.#isHeld && this.#body !== null && !this.#body.isWaiting;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
