import { ProtocolError } from "../parse/errors.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import {
  type AttemptEvent,
  type AttemptState,
  step,
} from "./attempt_states.ts";
import {
  ConnectionLostError,
  isPassing,
  ResponseError,
  type TimeoutError,
  type TimeoutPhase,
  TooLargeError,
} from "./errors.ts";
import type { FollowUp, Loss } from "./follow_up.ts";
import type { HttpResponse, ResponseHost } from "./request_and_response.ts";
import {
  type Carriage,
  IncomingResponse,
  type Recipient,
} from "./incoming_response.ts";
import { canPipeline, contextOf, type RequestPlan, urlOf } from "./plan.ts";
import type { WrittenHead } from "./request_head.ts";
import type { Successor } from "../transport/takeover.ts";
import type { Switchable } from "./switchable.ts";
import { Upload } from "./upload.ts";

/** More than this of a body that nobody wants is not waited for. */
const MAX_DROPPED = 65536;

/** What carries an attempt: a connection. */
export interface Carrier extends Carriage {
  /** Ends an attempt, and as a rule the connection. */
  giveUp(attempt: Attempt, error: Error): void;
  /** Closes the connection. */
  destroy(error?: unknown): void;
}

/** For whom an attempt is made: a call. */
export interface AttemptOwner extends Recipient {
  /** `settings.timeout` in ticks. */
  readonly timeoutTicks: number;
  /** Bytes that the peer has to take a tick. */
  readonly leastPerTick: number;
  /** Whether it has come to its end. */
  readonly isDone: boolean;

  /** A head is in: learns from it, and says what follows. */
  headIn(parser: ResponseParser, credentials: string | null): FollowUp;
  /** Puts the cookies that a response sets into the jar. */
  takeCookies(parser: ResponseParser): void;
  /** Does what follows a response. */
  follow(next: FollowUp): void;
  /** Whether it goes out again after the loss of its connection. */
  survives(loss: Loss): boolean;
  /** Ends it with a response. */
  succeed(response: HttpResponse): void;
  /** Ends it with an error. */
  fail(error: Error): void;
  /** Ends it: the caller has all there is. */
  end(): void;
  /** Gives it up. */
  abort(reason?: unknown): void;
  /** What the caller gets of a request that was given up. */
  aborted(reason: unknown): Error;
  /** What the caller gets where something took too long. */
  timedOut(phase: TimeoutPhase): TimeoutError;
}

/** One request, sent once on one connection, and what comes back for it. */
export class Attempt implements ResponseHost {
  readonly plan: RequestPlan;
  /** The head as it is sent. One character a byte. */
  readonly head: string;
  /** Its body on the way; `null` without one. */
  readonly upload: Upload | null;

  readonly #owner: AttemptOwner;
  readonly #carrier: Carrier;
  readonly #credentials: string | null;
  #state: AttemptState = "sent";
  // Whether all of its body must be sent, for the answer to be of use.
  #needsWhole = false;
  #isFlushed = false;
  #canPipeline: boolean | null = null;
  // Why it was given up.
  #fault: Error | null = null;
  // What follows the answer, once its head is in.
  #next: FollowUp | null = null;
  #response: IncomingResponse | null = null;

  /** @param plan What is sent. */
  constructor(
    owner: AttemptOwner,
    carrier: Carrier,
    plan: RequestPlan,
    { text, credentials }: WrittenHead,
  ) {
    const { body, bodyLength } = plan;
    this.plan = plan;
    this.head = text;
    this.upload = body === null ? null : new Upload(body, bodyLength);
    this.#owner = owner;
    this.#carrier = carrier;
    this.#credentials = credentials;
  }

  /** Where it is in its life; see attempt_states.ts. */
  get state(): AttemptState {
    return this.#state;
  }

  #enter(event: AttemptEvent): void {
    this.#state = step(this.#state, event);
  }

  // ---- The request -------------------------------------------------------

  /** Whether others may be sent behind it, and it behind others. */
  get canPipeline(): boolean {
    // It is asked again for each request that is sent behind it.
    return this.#canPipeline ??= canPipeline(this.plan, this.#owner.settings);
  }

  /** Whether all of its body must be sent, for the answer to be of use. */
  get needsWhole(): boolean {
    return this.#needsWhole;
  }

  /** For how long it may wait without a sign of life. */
  get timeoutTicks(): number {
    return this.#owner.timeoutTicks;
  }

  /** Bytes that the peer has to take a tick. */
  get leastPerTick(): number {
    return this.#owner.leastPerTick;
  }

  /** All of it is out; returns whether that is new. */
  flushed(): boolean {
    const isNew = !this.#isFlushed;
    this.#isFlushed = true;
    return isNew;
  }

  /** Sends no more of a body that the answer has made pointless. */
  cutOff(): void {
    this.upload?.cut();
    this.#owner.request.cutOff(true);
  }

  // ---- The answer --------------------------------------------------------

  /** The head of its answer is in. */
  headIn(): void {
    const owner = this.#owner;
    const { parser } = this.#carrier;
    this.#response = new IncomingResponse(
      owner,
      this.plan,
      this.#carrier,
      this,
    );
    const next = this.#next = owner.headIn(parser, this.#credentials);
    const { upload } = this;
    if (upload !== null) {
      const isLeft = next.kind === "again" && next.leavesBody;
      this.#needsWhole = parser.status < 300 ||
        isLeft && upload.state !== "held";
    }
    if (next.kind !== "deliver") {
      this.#enter("dropped");
      this.#dropped();
    } else if (owner.settings.stream) this.#enter("streamed");
    else {
      this.#enter("kept");
      if (parser.contentLength > owner.settings.maxResponseLength) {
        this.giveUp(this.#tooLarge());
      }
    }
  }

  /** A piece of a body that is kept, or thrown away; it is a view. */
  take(piece: Uint8Array): void {
    const response = this.#response!;
    if (this.#state === "dropping") {
      response.drop(piece);
      this.#dropped();
    } else if (!response.keep(piece)) this.giveUp(this.#tooLarge());
  }

  /** More has come of a body that nobody wants, or will. */
  #dropped(): void {
    const { expected } = this.#response!;
    if (this.#needsWhole) {
      // To close with something unread would be a reset, and the peer lose
      // what the kernel still has of the request (RFC 9112 section 9.6).
      const { maxResponseLength } = this.#owner.settings;
      if (expected > maxResponseLength) this.giveUp(this.#tooLarge());
      return;
    }
    // To wait for the end of the connection gains nothing.
    const isLong = expected > MAX_DROPPED;
    if (isLong || this.#carrier.parser.endsWithConnection) {
      this.#carrier.destroy();
    }
  }

  /** The body is given as it arrives. */
  stream(body: IncomingBody): void {
    this.#response!.stream(body);
  }

  /** The answer is complete, and what it answers is still being sent. */
  answeredEarly(): void {
    this.#enter("answeredEarly");
  }

  /** The answer is complete, and nothing more of the request is sent. */
  complete(trailer: string): void {
    this.#enter("complete");
    this.#finish(trailer);
  }

  #finish(trailer: string): void {
    const owner = this.#owner;
    const response = this.#response!;
    const next = this.#next!;
    if (next.kind !== "deliver") {
      if (!this.#isCut) owner.follow(next);
      else owner.fail(this.#unsent(response.bare));
    } else if (response.isStreamed) {
      const error = this.#isCut ? this.#unsent(response.bare) : null;
      response.endStream(trailer, error);
      owner.end();
    } else this.#deliver(trailer);
  }

  /** Whether the answer says that all is well, but not all was sent. */
  get #isCut(): boolean {
    return this.#needsWhole && this.upload!.state !== "sent";
  }

  /** A body that was kept is complete. */
  #deliver(trailer: string): void {
    let whole: HttpResponse | Promise<HttpResponse>;
    try {
      whole = this.#response!.whole(trailer);
    } catch (error) {
      this.#owner.fail(this.#undecodable(error));
      return;
    }
    if (whole instanceof Promise) {
      whole.then(
        (response) => this.#succeed(response),
        (error) => this.#owner.fail(this.#undecodable(error)),
      );
    } else this.#succeed(whole);
  }

  #succeed(response: HttpResponse): void {
    if (this.#owner.isDone) return;
    this.#response!.completed();
    if (this.#isCut) this.#owner.fail(this.#unsent(response));
    else this.#owner.succeed(response);
  }

  // ---- Another protocol --------------------------------------------------

  /** Whether it asked for another protocol. */
  get mayBeSwitched(): boolean {
    return this.#owner.settings.onSwitch !== null;
  }

  /** The peer agrees to another protocol: gives what is to speak it. */
  switchTo(connection: Switchable): Successor {
    const { settings } = this.#owner;
    const { parser } = connection;
    if (parser.hasCookies) this.#owner.takeCookies(parser);
    return settings.onSwitch!(connection, urlOf(this.plan));
  }

  /** The connection speaks something else from now on. */
  switched(): void {
    this.#enter("switched");
    this.#owner.end();
  }

  // ---- What goes wrong ---------------------------------------------------

  /** Ends it with an error. */
  giveUp(error: Error): void {
    this.#carrier.giveUp(this, error);
  }

  /** Its connection is about to be closed for its sake. */
  givenUp(error: Error): void {
    this.#enter("givenUp");
    this.#fault = error;
  }

  /** The same, because all of its connection's are given up. */
  abandoned(reason: unknown): void {
    if (this.#state === "givenUp" || this.#state === "over") return;
    this.givenUp(this.#owner.aborted(reason));
  }

  /** It is given up, and its connection goes on with others. */
  left(error: Error): void {
    this.#enter("left");
    this.#owner.fail(error);
  }

  /** Its connection is gone. */
  lost(error: unknown, loss: Loss): void {
    const state = this.#state;
    if (!this.#loseConnection(error)) return;
    if (state === "givenUp") this.#fail(this.#fault!);
    else if (state === "answered" || state === "dropping") {
      this.#finish(this.#carrier.parser.trailer);
    } else if (!this.#owner.survives(loss)) {
      const bytes = this.#response?.bytesReceived ?? 0;
      const context = { ...contextOf(this.plan), cause: error };
      this.#fail(new ConnectionLostError(bytes, context));
    }
  }

  /** What came in place of its answer was none; its connection is gone. */
  strayed(cause: unknown, error: Error): void {
    if (!this.#loseConnection(cause)) return;
    if (!this.#owner.survives("dead")) this.#owner.fail(error);
  }

  /** Returns whether anybody waits for it. */
  #loseConnection(error: unknown): boolean {
    if (this.#state === "over") return false;
    this.#enter("lost");
    this.upload?.cut(error); // the source may give the request up
    return !this.#owner.isDone;
  }

  /** Ends it with an error, which also who reads its response gets. */
  #fail(error: Error): void {
    const response = this.#response;
    if (response?.isStreamed) {
      response.failStream(error);
      this.#owner.end();
    } else this.#owner.fail(error);
  }

  /** Gives its call up, wherever it stands. */
  abort(reason?: unknown): void {
    this.#owner.abort(reason);
  }

  timedOut(phase: TimeoutPhase): TimeoutError {
    return this.#owner.timedOut(phase);
  }

  aborted(reason: unknown): Error {
    return this.#owner.aborted(reason);
  }

  /** Its answer, a stream without an end, has ended. */
  brokenOff(): ConnectionLostError {
    return new ConnectionLostError(0, contextOf(this.plan));
  }

  isPassing(error: unknown): boolean {
    return isPassing(error);
  }

  /** Its answer is none, or its body not what it claims to be. */
  malformed(error: ProtocolError): ResponseError {
    return new ResponseError(error, contextOf(this.plan));
  }

  #tooLarge(): TooLargeError {
    const { maxResponseLength } = this.#owner.settings;
    return new TooLargeError(maxResponseLength, contextOf(this.plan));
  }

  #undecodable(error: unknown): Error {
    if (!(error instanceof ProtocolError)) return error as Error;
    return error.code === "body-too-large"
      ? this.#tooLarge()
      : this.malformed(error);
  }

  /** What becomes of an answer when not all was sent that it answers. */
  #unsent(response: HttpResponse): ConnectionLostError {
    const context = { ...contextOf(this.plan), cause: this.upload!.cutBy };
    return new ConnectionLostError(response.bytesReceived, context, response);
  }
}
