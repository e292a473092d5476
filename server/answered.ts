import type { HttpConnection } from "./http_connection.ts";

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

/** A request that was answered, or will not be: for a log. */
export interface Answered {
  /** The request; `null` for one that was refused before it was one. */
  readonly client: HttpConnection | null;
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

/** Told of each answer. */
export type OnAnswered = (answered: Answered) => void;

/** A request that was handed out, in the shape of what is told of it. */
export class AnsweredClient implements Answered {
  readonly client: HttpConnection;
  readonly duration: number;
  readonly isWhole: boolean;
  readonly error: unknown;

  constructor(client: HttpConnection, account: Account) {
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
