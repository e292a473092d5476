import { checkTime } from "../parse/arguments.ts";
import { after } from "../transport/clock.ts";
import { redactUrls } from "../wire/redaction.ts";
import type { HeaderValues } from "../wire/response_head.ts";
import type { HttpResponse } from "./http_response.ts";
import type { RequestOptions } from "./request_options.ts";

/** What a request asks of its `HttpClient`. @ignore */
export interface RequestOwner {
  /** Nobody waits for it by its promise: `processEvents()` is to give it. */
  finished(request: ClientRequest): void;
  /** Somebody does, after all. */
  taken(request: ClientRequest): void;
  /** Aborts when the `HttpClient` is closed. */
  readonly closing: AbortSignal;
  /** Sends it again, as a new one, with further fields. */
  repeat(request: ClientRequest, headers: HeaderValues): ClientRequest;
}

/** What ends a request early. @ignore */
export interface Abortable {
  abort(reason?: unknown): void;
}

/**
 * Rejects with an error whose stack says where it is waited for: the engine
 * knows that of a promise that one waiter alone has, as long as it is pending.
 *
 * @param promise What is waited for, and follows this.
 */
async function failing(
  error: Error,
  promise: Promise<HttpResponse>,
): Promise<never> {
  // Until it does follow.
  for (let turns = 0; turns < 3; turns++) await null;
  Error.captureStackTrace(error, failing);
  // Who waits has handlers of their own.
  promise.catch(() => {});
  throw error;
}

/**
 * A request that is on its way, and the promise of its response.
 *
 * It was started at once; to wait for it is up to you. One that fails while
 * nobody looks is not an unhandled rejection.
 */
export class ClientRequest implements Promise<HttpResponse> {
  /** The method. */
  readonly method: string;
  /** Where it went first, before redirects. */
  readonly url: string;
  /** Yours: whatever you want to remember with the request. */
  // deno-lint-ignore no-explicit-any -- its type is the application's matter
  context: any = undefined;
  /** The response, once it has come. */
  response: HttpResponse | null = null;
  /** Why there is none, once that is known. */
  error: Error | null = null;
  /**
   * The head as it was sent last, with all that the `HttpClient` adds to it,
   * also credentials; "" until then. One character a byte.
   */
  sentHead = "";
  /**
   * Whether the rest of the body was not sent, as an answer from 300 on made it
   * pointless.
   */
  isCutOff = false;
  /** The name of its kind of promise. */
  readonly [Symbol.toStringTag] = "ClientRequest";

  readonly #owner: RequestOwner;
  #abortable: Abortable | null = null;
  #promise: PromiseWithResolvers<HttpResponse> | null = null;

  /** @ignore What the caller asked for. */
  readonly options: RequestOptions;

  /** @ignore Made by `HttpClient`. */
  constructor(
    owner: RequestOwner,
    method: string,
    url: string,
    options: RequestOptions,
  ) {
    this.#owner = owner;
    this.method = method;
    this.url = url;
    this.options = options;
  }

  /** @ignore Aborts when nothing more is to be done for it. */
  get givenUp(): AbortSignal {
    const { signal } = this.options;
    const { closing } = this.#owner;
    return signal === undefined ? closing : AbortSignal.any([signal, closing]);
  }

  /** Whether there is a response, or an error. */
  get isFinished(): boolean {
    return this.response !== null || this.error !== null;
  }

  /** The promise itself, made when somebody wants it. */
  get #settled(): Promise<HttpResponse> {
    if (this.#promise === null) {
      this.#promise = Promise.withResolvers();
      if (this.isFinished) {
        this.#settle();
        this.#owner.taken(this);
      }
    }
    return this.#promise.promise;
  }

  #settle(): void {
    const { promise, resolve } = this.#promise!;
    if (this.error === null) resolve(this.response!);
    else resolve(failing(this.error, promise));
  }

  /** As for every promise; rejects with a `ClientError`. */
  then<T = HttpResponse, E = never>(
    onFulfilled?: ((response: HttpResponse) => T | PromiseLike<T>) | null,
    // deno-lint-ignore no-explicit-any -- as Promise has it
    onRejected?: ((reason: any) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return this.#settled.then(onFulfilled, onRejected);
  }

  /** As for every promise. */
  catch<E = never>(
    // deno-lint-ignore no-explicit-any -- as Promise has it
    onRejected?: ((reason: any) => E | PromiseLike<E>) | null,
  ): Promise<HttpResponse | E> {
    return this.#settled.catch(onRejected);
  }

  /** As for every promise. */
  finally(onFinally?: (() => void) | null): Promise<HttpResponse> {
    return this.#settled.finally(onFinally);
  }

  /**
   * Waits for the response for so long. The request goes on after that.
   *
   * @param timeout How long, in ms; for ever by default.
   * @returns The response; `null` when the time is over.
   */
  wait(timeout: number = Infinity): Promise<HttpResponse | null> {
    checkTime("Timeout", timeout);
    const settled = this.#settled;
    if (timeout === Infinity || this.isFinished) return settled;
    return new Promise((resolve, reject) => {
      const end = after(timeout, () => resolve(null));
      settled.then(resolve, reject).finally(end);
    });
  }

  /**
   * Gives the request up, whatever it has come to; its connection is closed,
   * unless it was not sent yet. A response that came stays.
   *
   * @param reason Becomes the `cause` of the `AbortedError`.
   */
  abort(reason?: unknown): void {
    this.#abortable?.abort(reason);
  }

  /** @ignore Sends it again, as a new one, with further fields. */
  repeat(headers: HeaderValues): ClientRequest {
    return this.#owner.repeat(this, headers);
  }

  /**
   * What `JSON.stringify()` shows: nothing of what is sent but method and URL,
   * and what has come of it.
   */
  toJSON(): Record<string, unknown> {
    const { method, response, error } = this;
    return { method, url: redactUrls(this.url), response, error };
  }

  /** @ignore The same for a console. */
  [Symbol.for("Deno.customInspect")](
    inspect: typeof Deno.inspect,
    options: Deno.InspectOptions,
  ): string {
    return `ClientRequest ${inspect(this.toJSON(), options)}`;
  }

  /** @ignore */
  startedBy(abortable: Abortable | null): void {
    this.#abortable = abortable;
  }

  /** @ignore It goes out with this head. */
  sending(head: string): void {
    this.sentHead = head;
  }

  /** @ignore Whether the rest of its body is not sent. */
  cutOff(isCutOff: boolean): void {
    this.isCutOff = isCutOff;
  }

  /** @ignore */
  succeed(response: HttpResponse): void {
    this.response = response;
    this.#finish();
  }

  /** @ignore */
  fail(error: Error): void {
    this.error = error;
    this.#finish();
  }

  #finish(): void {
    if (this.#promise !== null) this.#settle();
    else this.#owner.finished(this);
  }
}
