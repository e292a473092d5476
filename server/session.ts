import { HttpError, ProtocolError } from "../parse/errors.ts";
import type { RequestParser } from "../parse/request_parser.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import { Takeover } from "../transport/takeover.ts";
import {
  type Output,
  Transport,
  type TransportHandler,
} from "../transport/transport.ts";
import type { ServerState } from "../wire/lifecycle.ts";
import { STATUS_CODES } from "../wire/status.ts";
import {
  type CheckedHeaders,
  writeFields,
  writeLatin1,
  writeStatusLine,
} from "../wire/response_head.ts";
import { appendHead, appendPlan, endsConnection } from "./answer_fields.ts";
import { type AnswerPlan, planRefusal } from "./answer_plan.ts";
import { answeredBefore, brokenOff } from "./body_faults.ts";
import type { BodyPace } from "./body_pace.ts";
import { slownessOf, sweep, type Timed } from "./deadlines.ts";
import { Ending, type EndingConnection } from "./ending.ts";
import { type InputConnection, RequestInput } from "./request_input.ts";
import type {
  HeldRequest,
  OpenAnswer,
  SessionHost,
  Successor,
} from "./session_host.ts";
import { TlsStart } from "./tls_start.ts";

/** Gathered output is sent from this size on, whatever may follow. */
const GATHER_LIMIT = 12_288;
const NOTHING = new Uint8Array(0);
/**
 * The server's side of one connection: requests in, one at a time, answers
 * out. It lives as long as the socket; an `HttpConnection` is one request.
 */
export class Session
  implements TransportHandler, InputConnection, EndingConnection, Timed {
  /** Where the connection is in its life; see wire/lifecycle.ts. */
  state: ServerState = "idle";
  /** The request that the application holds. */
  client: HeldRequest | null = null;
  /** @ignore How fast a body comes; null where none was waited for. */
  pace: BodyPace | null = null;
  /** Minor version of the request in hand. */
  minorVersion = 1;
  /** @ignore */
  readonly host: SessionHost;
  /** The connection itself, for what takes it over. */
  readonly transport: Transport;
  /** The same for answers, which are written to it. */
  readonly out: Output;
  /** What is read of requests. */
  readonly input: RequestInput;
  /** Whose place it takes; "" for peers that are not counted. */
  readonly address: string;
  /** @ignore Whether the host knows of output that waits. */
  isLate = false;

  #keep = true;
  // The answer to that request, where it is made in parts.
  #answer: OpenAnswer | null = null;
  // The tick when the present wait began.
  #since: number;
  // When the head of the request in hand came, where somebody wants to know.
  #began = 0;
  #requests = 0;
  // Whether the peer will send no more, so that closing cannot reset.
  #isLastRequest = false;
  #takeover: Takeover<Successor> | null = null;
  #ending: Ending | null = null;
  #tls: TlsStart | null = null;
  // Whether it is known of a new connection that its peer has not asked yet.
  #isTold = false;
  #isAsked = false;

  /**
   * @param conn The accepted socket.
   * @param address Whose place it takes; "" for who is not counted.
   */
  constructor(conn: Deno.Conn, host: SessionHost, address = "") {
    this.out = this.transport = new Transport(
      conn,
      host.stats,
      host.clock,
      this,
    );
    this.host = host;
    this.address = address;
    this.input = new RequestInput(this);
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
    this.#tls = new TlsStart(this.transport, () => {
      this.enter("idle");
      this.restart();
      this.transport.read();
    }, () => this.host.unstalled(this));
  }

  /** Closes the socket of a handshake that was given up. */
  endStall(): void {
    this.#tls?.end();
  }

  /** Whether it is between requests, and all is sent. */
  get isIdle(): boolean {
    return this.state === "idle" && this.transport.bufferedAmount === 0 &&
      !this.input.hasInput;
  }

  /**
   * Whether it may be closed to make room. One that is new, or was answered
   * just now, is given a tick to ask.
   */
  get isSpare(): boolean {
    return this.age >= 2 && this.transport.bufferedAmount === 0 &&
      (this.isIdle && this.#isTold || this.state === "discarding" ||
        this.state === "draining");
  }

  /** A new connection is silent: finds out whether it is so in truth. */
  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    if (this.isSecure || this.#requests > 0) this.#isTold = true;
    else this.transport.whenTold(() => this.#isTold = true);
  }

  /** For how many ticks its peer keeps us waiting; 0 where it does not. */
  get slowness(): number {
    return slownessOf(this);
  }

  /** Bytes of a body that have come. */
  get bodyReceived(): number {
    return this.input.bodyReceived;
  }

  /** What was found wrong in the body of the request that is held. */
  get bodyFault(): ProtocolError | null {
    return this.client?.bodyFault ?? null;
  }

  /** The body of the request in hand, where it is read as it arrives. */
  get body(): IncomingBody | null {
    return this.input.body;
  }

  /** Gives its place to another. */
  giveWay(): void {
    if (this.state === "handshake") this.stall();
    else this.transport.destroy();
  }

  /** For how many ticks it has been in its present wait, as far as is known. */
  get age(): number {
    const { clock } = this.host;
    return clock.tick - clock.begun(this.#since);
  }

  /** @ignore */
  get tick(): number {
    return this.host.clock.tick;
  }

  enter(state: ServerState): void {
    const { observer } = this.host;
    if (observer !== null) observer(this.state, state);
    this.state = state;
  }

  /** What is waited for begins, or has got on. */
  restart(): void {
    this.#since = this.tick;
  }

  // ---- What comes in -----------------------------------------------------

  /** @ignore */
  space(): Uint8Array<ArrayBuffer> {
    const { input } = this;
    if (this.#takeover !== null && input.parser === null) {
      return this.#takeover.space;
    }
    return this.#isDiscarding && !this.#ending!.isFramed
      ? input.lostSpace()
      : input.space();
  }

  get #isDiscarding(): boolean {
    return this.#ending !== null && this.#ending.isDiscarding;
  }

  /** @ignore */
  received(length: number): boolean {
    let goesOn: boolean;
    if (this.#isDiscarding) goesOn = this.#ending!.received(length);
    else if (this.#takeover === null) goesOn = this.input.received(length);
    else goesOn = this.#passOn(this.#takeover, length);
    // What is thrown away is read on, whatever brought it about.
    return goesOn || this.#isDiscarding;
  }

  /** Passes bytes on to what has taken the connection over. */
  #passOn(takeover: Takeover<Successor>, length: number): boolean {
    const { input } = this;
    const { parser } = input;
    if (parser === null) return takeover.received(length);
    parser.filled(length); // a read that was under way at the time
    const rest = parser.takeRest();
    input.giveParser();
    takeover.readInto(input.takeBuffer());
    return takeover.successor.received(rest);
  }

  /** @ignore */
  readingEnded(): void {
    this.input.release(this.#takeover?.space);
  }

  /** @ignore */
  ended(): void {
    if (this.state === "draining" || this.state === "discarding") {
      if (this.transport.bufferedAmount > 0) this.enter("closing");
      else this.transport.destroy();
    } else if (this.#takeover !== null) {
      this.#takeover.successor.ended();
    } else if (this.client !== null) {
      this.restart();
      this.client.peerGone();
      // What has no end of its own would never learn of it.
      if (this.#answer?.isEndless) this.transport.destroy();
      this.input.ended();
    } else if (this.state !== "answering") this.inputOver();
  }

  /** No more comes, and nothing is to be answered. */
  inputOver(): void {
    if (this.state === "closing") return;
    if (this.transport.bufferedAmount === 0) {
      this.transport.destroy();
      return;
    }
    this.enter("closing");
    this.transport.flush();
  }

  /** The head of a request is in. */
  headIn(parser: RequestParser): void {
    if (this.state === "idle") this.enter("head");
    if (this.host.onRefused !== null) this.#began = performance.now();
    this.minorVersion = parser.minorVersion;
    this.#isLastRequest = parser.connectionClose || !parser.keepAlive;
    this.pace = null;
  }

  /** A request is in, wholly or up to its body: hands it out. */
  requestIn(
    parser: RequestParser,
    body: Uint8Array | IncomingBody | null,
  ): void {
    const { limits, stats } = this.host;
    this.#keep = parser.keepAlive &&
      ++this.#requests < limits.keepAliveMaxRequests &&
      (!this.host.isStopping || this.#mayGoOn(parser));
    this.enter("held");
    this.restart();
    stats.requests++;
    try {
      const client = this.host.deliver(this, parser, body);
      if (this.host.onRefused !== null) client.observe(this.#began);
      this.client = client;
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
    this.#takeover?.successor.stopping();
    if (this.state === "held" && !this.input.hasInput) this.#keep = false;
  }

  /** Reads while the application holds a request, to learn when the peer goes. */
  watch(): void {
    this.input.watch();
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
    if (this.input.passOver()) return true;
    this.#keep = false;
    return false;
  }

  /** The body of the request in hand is not wanted any more. */
  #leaveBody(): void {
    const { input } = this;
    if (!input.passOver()) {
      const { owesContinue } = input;
      input.body!.fail(answeredBefore());
      const isSaid = this.state === "answering"; // what the head has promised
      if (!owesContinue) this.#discardRest();
      if (!isSaid || !this.#ending?.isFramed) this.#keep = false;
      this.#isLastRequest = false;
    }
    input.dropBody();
  }

  /** What is left of the request in hand is thrown away. */
  #discardRest(): void {
    this.#ending ??= new Ending(this);
    this.#ending.discardRest(this.bodyReceived > 0);
  }

  /** The rest of a request was thrown away: the next one follows. */
  goOn(): boolean {
    this.enter("idle");
    return this.input.advance();
  }

  /**
   * Hands the connection over to something that does not speak HTTP.
   *
   * @returns Bytes that have come already.
   */
  upgrade(successor: Successor): Uint8Array {
    const { input } = this;
    const { parser } = input;
    this.body?.fail(new HttpError("Connection was taken over"));
    this.client?.handedOver();
    this.client = null;
    input.dropBody();
    this.#isLastRequest = false;
    this.enter("upgraded");
    const rest = parser === null ? NOTHING : parser.takeRest();
    if (!this.transport.isReading) input.giveParser();
    // A read that is under way brings what it reads to where it began.
    this.#takeover = input.parser === null
      ? new Takeover(successor, input.takeBuffer())
      : new Takeover(successor, NOTHING);
    return rest;
  }

  /** What took the connection over has said all: closes it in good order. */
  endUpgrade(): void {
    if (this.state !== "upgraded") return;
    this.enter("closing");
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
    if (plan.isWhole || !plan.hasBody || this.input.owesContinue) {
      this.skipBody();
    }
    this.#answer = answer;
    this.client!.answerBegun(plan.status);
    this.#appendPlan(plan);
  }

  #appendPlan(plan: AnswerPlan): void {
    if (endsConnection(plan)) this.#keep = false;
    const kept = this.#keep ? this.host.keepFields[this.minorVersion] : null;
    appendPlan(this.out, plan, kept);
  }

  /** Queues the head of an answer behind which another protocol begins. */
  switchTo(status: number, headers: CheckedHeaders): void {
    this.client!.answerBegun(status);
    appendHead(this.out, status, undefined, headers, "");
  }

  /** Sends an interim answer. */
  inform(status: number, headers: CheckedHeaders): void {
    const head = `${writeStatusLine(status)}${writeFields(headers)}\r\n`;
    const { out } = this;
    writeLatin1(head, out.room(head.length), out.outEnd);
    out.wrote(out.outEnd + head.length);
    this.transport.flush();
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
    const { client } = this;
    const sent = this.#endAnswer();
    client?.answerQueued(sent);
    return sent;
  }

  #endAnswer(): Promise<boolean> {
    if (this.input.body !== null) this.#leaveBody();
    this.client = this.#answer = null;
    this.restart();
    if (this.#keep && this.#isDiscarding) {
      this.enter("discarding");
      return this.transport.flush();
    }
    if (!this.#keep) {
      this.enter("closing");
      const sent = this.transport.flush();
      if (this.transport.bufferedAmount === 0) this.sent(); // all of it went before
      return sent;
    }
    this.enter("idle");
    if (!this.input.hasInput) {
      // A body that was read as it arrived has kept the parser until now.
      if (this.input.parser?.isFresh && !this.transport.isReading) {
        this.input.giveParser();
      }
      const sent = this.transport.flush();
      if (this.transport.inputEnded) this.inputOver();
      else this.transport.read();
      return sent;
    }
    if (this.transport.bufferedAmount > this.host.limits.maxSendBufferSize) {
      return this.transport.flush(); // sent() goes on
    }
    if (this.input.advance()) this.transport.read();
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
    this.enter("answering");
    this.restart();
  }

  /** @ignore */
  sent(): void {
    if (this.state === "closing") {
      this.#ending ??= new Ending(this);
      this.#ending.close();
    } else if (
      this.state === "idle" && this.input.hasInput && this.client === null
    ) {
      if (this.input.advance()) this.transport.read();
    }
  }

  get nothingFollows(): boolean {
    return this.transport.inputEnded ||
      this.#isLastRequest && !this.input.hasInput;
  }

  /** Answers a fault of the peer, and closes. */
  refuse(error: ProtocolError): void {
    const { stats } = this.host;
    stats.refused++;
    this.host.report(error, this);
    if (!this.transport.isClosed) this.#answerLast(error, error);
  }

  /** Answers a request that the application holds, as the server is to end. */
  giveUp(status: number): void {
    if (this.state !== "held" || this.client === null) return;
    this.#answerLast({ status, message: STATUS_CODES[status] ?? "" }, null);
  }

  /** Answers in the application's place, and closes. */
  #answerLast(
    said: Pick<ProtocolError, "status" | "message">,
    error: ProtocolError | null,
  ): void {
    const isHead = this.client !== null
      ? this.client.method === "HEAD"
      : this.input.parser?.isHead ?? false;
    const plan = planRefusal(said, isHead);
    const { status, body } = plan;
    const { client } = this;
    const bytesOut = plan.hasBody ? plan.length : 0;
    if (client !== null) this.note(status, bytesOut);
    this.client = this.#answer = null;
    this.#keep = this.#isLastRequest = false;
    this.#appendPlan(plan);
    if (plan.hasBody) this.transport.append(body);
    this.enter("closing");
    this.restart();
    if (
      error?.code.endsWith("-timeout") !== true && !this.input.isWaitingForGo
    ) this.#discardRest();
    const sent = this.transport.flush();
    if (client !== null) {
      if (error !== null) client.answerFailed(error);
      client.answerQueued(sent);
    } else if (this.host.onRefused !== null) {
      this.#tellRefused(error!, bytesOut, sent);
    }
  }

  /** Tells of a request that never was one. */
  async #tellRefused(
    error: ProtocolError,
    bytesOut: number,
    sent: Promise<boolean>,
  ): Promise<void> {
    const { parser } = this.input;
    const hasHead = parser !== null && parser.head !== "";
    const bytesIn = hasHead ? this.bodyReceived : 0;
    const { method, target, protocol } = hasHead
      ? parser
      : { method: "", target: "", protocol: "" };
    const { clock, onRefused } = this.host;
    const took = hasHead
      ? performance.now() - this.#began
      : this.age * clock.period;
    const queuedAt = performance.now();
    const isWhole = await sent;
    onRefused!({
      method,
      target,
      protocol,
      status: error.status,
      bytesIn,
      bytesOut,
      duration: took + performance.now() - queuedAt,
      isWhole,
      error,
    }, this);
  }

  /** Holds the connection to its deadlines; called once a tick. */
  sweep(): void {
    const { clock } = this.host;
    this.#since = clock.begun(this.#since);
    this.transport.swept();
    sweep(this);
  }

  /** A tick has gone by: tells the answer that is under way. */
  sweepAnswer(): void {
    this.#answer?.swept();
  }

  /** The same for what the peer goes on to send. */
  sweepEnding(): void {
    this.#ending?.sweep();
  }

  /** Gives up a TLS handshake. */
  stall(): void {
    const tls = this.#tls!;
    this.host.stats.timedOut++;
    if (tls.holdsDescriptor) this.host.stalled.add(this);
    tls.stall();
  }

  /** @ignore */
  gone(error: unknown): void {
    this.enter("closed");
    const { client, body } = this;
    const answer = this.#answer;
    this.client = this.#answer = null;
    this.input.dropBody();
    client?.peerGone();
    client?.answerLost(error);
    answer?.gone();
    body?.fail(brokenOff(error));
    this.#takeover?.successor.gone(error);
    if (error !== undefined) this.host.report(error, this);
    this.host.closed(this);
  }
}
