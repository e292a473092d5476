import { ProtocolError } from "../parse/errors.ts";
import type { ResponseParser } from "../parse/response_parser.ts";
import type { Clock, SweptClock } from "../transport/clock.ts";
import { Attempt, type AttemptOwner, type Carrier } from "./attempt.ts";
import type { CookieJar } from "./cookie_jar.ts";
import {
  AbortedError,
  ResponseError,
  TimeoutError,
  type TimeoutPhase,
} from "./errors.ts";
import {
  afterLoss,
  type FollowUp,
  followUp,
  type Loss,
  type SoFar,
} from "./follow_up.ts";
import { canPipeline, contextOf, type RequestPlan } from "./plan.ts";
import type {
  Abortable,
  ClientRequest,
  HttpResponse,
} from "./request_and_response.ts";
import type { WrittenHead } from "./request_head.ts";
import type { CallSettings } from "./request_options.ts";

/** What a call asks of its `HttpClient`. */
export interface CallHost {
  readonly jar: CookieJar | null;
  readonly decompress: boolean;
  readonly retry: boolean;
  readonly clock: Pick<Clock, "ticks">;
  /** Puts it in the queue, to be sent. */
  send(call: Call): void;
  /** Takes it out of the queue. */
  forget(call: Call): void;
  /** The jar holds something. */
  gotCookies(): void;
  /** It was sent once more. */
  retried(): void;
}

/**
 * What a caller has asked for, until the response is there: it may take several
 * attempts, with credentials, elsewhere, or on another connection.
 */
export class Call implements AttemptOwner, Abortable, SoFar {
  readonly request: ClientRequest;
  readonly settings: CallSettings;
  /** When the caller asked. */
  readonly startedAt: number = performance.now();
  readonly timeoutTicks: number;
  /** Bytes that the peer has to take a tick. */
  readonly leastPerTick: number;

  readonly #host: CallHost;
  #plan: RequestPlan;
  // What is on its way; null while it waits for a connection.
  #attempt: Attempt | null = null;
  #redirects = 0;
  #repeats = 0;
  // When it was queued, in ticks.
  #queuedAt = 0;
  #isDone = false;
  #onAbort: (() => void) | null = null;

  constructor(
    host: CallHost,
    request: ClientRequest,
    plan: RequestPlan,
    settings: CallSettings,
  ) {
    this.#host = host;
    this.request = request;
    this.#plan = plan;
    this.settings = settings;
    this.timeoutTicks = host.clock.ticks(settings.timeout);
    this.leastPerTick = settings.minSendRate / host.clock.ticks(1000);
    const { signal } = settings;
    if (signal !== null) {
      this.#onAbort = () => this.abort(signal.reason);
      signal.addEventListener("abort", this.#onAbort);
    }
  }

  /** What is sent now. */
  get plan(): RequestPlan {
    return this.#plan;
  }

  get redirects(): number {
    return this.#redirects;
  }

  get repeats(): number {
    return this.#repeats;
  }

  get decompress(): boolean {
    return this.#host.decompress;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether others may be sent behind it, and it behind others. */
  get canPipeline(): boolean {
    return canPipeline(this.#plan, this.settings);
  }

  // ---- Attempts ----------------------------------------------------------

  /** It waits for a connection, from this tick on. */
  queued(tick: number): void {
    this.#queuedAt = tick;
  }

  /** Whether it has waited for too long; to be asked in a sweep. */
  isOverdue(clock: SweptClock): boolean {
    this.#queuedAt = clock.begun(this.#queuedAt);
    return clock.tick - this.#queuedAt >= this.timeoutTicks;
  }

  /** There is a connection for it, and its head is written. */
  begin(carrier: Carrier, head: WrittenHead): Attempt {
    this.request.sending(head.text);
    return this.#attempt = new Attempt(this, carrier, this.#plan, head);
  }

  headIn(parser: ResponseParser, credentials: string | null): FollowUp {
    if (parser.hasCookies) this.takeCookies(parser);
    const next = followUp(this.#plan, parser, this, credentials);
    if (next.lesson !== null) this.settings.auth?.learn(next.lesson);
    return next;
  }

  takeCookies(parser: ResponseParser): void {
    const { jar } = this.#host;
    if (jar === null) return;
    const { url } = contextOf(this.#plan);
    jar.store(new URL(url), parser.readHeaderLines("set-cookie"));
    this.#host.gotCookies();
  }

  follow(next: FollowUp): void {
    if (next.kind === "fail") {
      const fault = new ProtocolError(next.code);
      this.fail(new ResponseError(fault, contextOf(this.#plan)));
    } else if (next.kind === "again") {
      if (next.cause === "redirected") {
        this.#redirects++;
        this.#repeats = 0;
      } else if (next.cause === "challenged") this.#repeats++;
      this.#goAgain(next.plan);
    }
  }

  survives(loss: Loss): boolean {
    const plan = this.#host.retry ? afterLoss(this.#plan, loss) : null;
    if (plan === null) return false;
    this.#host.retried();
    this.#goAgain(plan);
    return true;
  }

  #goAgain(plan: RequestPlan): void {
    this.#plan = plan;
    this.#attempt = null;
    this.request.cutOff(false);
    this.#host.send(this);
  }

  // ---- The end -----------------------------------------------------------

  succeed(response: HttpResponse): void {
    this.end();
    this.request.succeed(response);
  }

  fail(error: Error): void {
    if (this.#isDone) return;
    this.end();
    this.#attempt?.upload?.cut();
    this.request.fail(error);
  }

  end(): void {
    this.#isDone = true;
    this.#plan.body?.discard();
    this.settings.signal?.removeEventListener("abort", this.#onAbort!);
    this.request.startedBy(null);
  }

  /** Gives it up, wherever it stands. */
  abort(reason?: unknown): void {
    if (!this.#isDone) this.stop(this.aborted(reason));
  }

  /** Ends it with an error, wherever it stands. */
  stop(error: Error): void {
    if (this.#isDone) return;
    const attempt = this.#attempt;
    if (attempt !== null && attempt.state !== "over") attempt.giveUp(error);
    else {
      this.#host.forget(this);
      this.fail(error);
    }
  }

  aborted(reason: unknown): AbortedError {
    return new AbortedError({ ...contextOf(this.#plan), cause: reason });
  }

  timedOut(phase: TimeoutPhase): TimeoutError {
    const { timeout } = this.settings;
    return new TimeoutError(phase, timeout, contextOf(this.#plan));
  }
}
