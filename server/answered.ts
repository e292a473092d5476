import type { HeaderFields } from "../parse/fields.ts";
import type { Query } from "../parse/values.ts";

/** What became of the answer to a request. */
export interface Completion {
  /** The status of the answer; `null` where the peer was gone before it. */
  readonly status: number | null;
  /** Bytes of its body that were queued, as they are sent. */
  readonly bytesSent: number;
  /** From the request's head, or from when this was first asked for, in ms. */
  readonly duration: number;
  /** Whether the kernel has taken all of the answer. */
  readonly isWhole: boolean;
}

/** What can be told of an `HttpConnection` that is answered. */
export interface AnsweredClient {
  /** What you remember with the request. */
  // deno-lint-ignore no-explicit-any -- its type is the application's matter
  readonly context: any;
  /** The method, as sent. */
  readonly method: string;
  /** The request target, as sent. */
  readonly url: string;
  /** The decoded path. */
  readonly path: string;
  /** The decoded query. */
  readonly query: Query;
  /** Protocol and version, as sent. */
  readonly protocol: string;
  /** Host, with port where one was sent. */
  readonly host: string;
  /** Header fields by lower-case name. */
  readonly headers: HeaderFields;
  /** The cookies that the peer sent. */
  readonly cookies: Record<string, string>;
  /** The client's address. */
  readonly remoteAddress: string;
  /** Whether the request came over TLS to this server. */
  readonly isSecure: boolean;
  /** The status of the answer. */
  readonly status: number | null;
  /** Bytes of the request's body that have come. */
  readonly bytesReceived: number;
  /** Bytes of the answer's body that were queued. */
  readonly bytesSent: number;
}

/** A request that was answered, or will not be: for a log. */
export interface Answered {
  /**
   * The request, an `HttpConnection`; `null` for one that was refused before it
   * was one.
   */
  readonly client: AnsweredClient | null;
  /** The client's address, as `remoteAddress` of a request. */
  readonly address: string;
  /** Its method; "" where none was read. */
  readonly method: string;
  /** Its target, as sent; "" where none was read. */
  readonly target: string;
  /** Protocol and version, as sent; "" where none was read. */
  readonly protocol: string;
  /** The status of the answer; `null` where the peer was gone before it. */
  readonly status: number | null;
  /** Bytes of the request's body that have come. */
  readonly bytesIn: number;
  /** Bytes of the answer's body that were queued, as they are sent. */
  readonly bytesOut: number;
  /** From the request's head to here, in ms. */
  readonly duration: number;
  /** Whether the kernel has taken all of the answer. */
  readonly isWhole: boolean;
  /** What went wrong, if anything did: a `ProtocolError` is the peer's. */
  readonly error: unknown;
}

/** A request that was handed out, in the shape of what is told of it. */
export class AnsweredRequest implements Answered {
  readonly client: AnsweredClient;
  readonly duration: number;
  readonly isWhole: boolean;
  readonly error: unknown;

  constructor(client: AnsweredClient, account: Account) {
    this.client = client;
    this.duration = account.duration;
    this.isWhole = account.isWhole;
    this.error = account.error;
  }

  get address(): string {
    return this.client.remoteAddress;
  }

  get method(): string {
    return this.client.method;
  }

  get target(): string {
    return this.client.url;
  }

  get protocol(): string {
    return this.client.protocol;
  }

  get status(): number | null {
    return this.client.status;
  }

  get bytesIn(): number {
    return this.client.bytesReceived;
  }

  get bytesOut(): number {
    return this.client.bytesSent;
  }
}

/** Keeps account of the answer to one request, for those who want to know. */
export class Account {
  /** What went wrong. */
  error: unknown = null;
  isWhole = false;
  duration = 0;
  /** Whether it is known what became of the answer. */
  isClosed = false;
  readonly #began: number;
  readonly #whenClosed: (() => void)[] = [];

  /** @param began When the request came, as `performance.now()`. */
  constructor(began: number) {
    this.#began = began;
  }

  /** Calls back once it is known what became of the answer. */
  whenClosed(callback: () => void): void {
    if (this.isClosed) callback();
    else this.#whenClosed.push(callback);
  }

  /** The answer is about something that went wrong. */
  failed(error: unknown): void {
    this.error ??= error;
  }

  /** All of the answer is queued. */
  queued(sent: Promise<boolean>): void {
    sent.then((isWhole) => this.close(isWhole));
  }

  /** It is known what became of it. */
  close(isWhole: boolean, error?: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isWhole = isWhole;
    this.error ??= error ?? null;
    this.duration = performance.now() - this.#began;
    for (const callback of this.#whenClosed) callback();
  }
}
