import type { ClientRequest } from "./client_request.ts";

/** Finished requests that wait to be pulled, where nobody pulls. */
const MAX_FINISHED = 1000;

/** Told of the next finished request, or of null where none comes any more. */
export type RequestWaiter = (request: ClientRequest | null) => void;

/** Requests that are finished, and that nobody waits for by their promise. */
export class FinishedRequests {
  readonly #requests = new Set<ClientRequest>();
  readonly #waiters: RequestWaiter[] = [];
  readonly #watchers = new Set<() => void>();
  #isPulled = false;
  #isClosed = false;

  /** Whether there is one. */
  get isReady(): boolean {
    return this.#requests.size > 0;
  }

  /** One more is finished. */
  add(request: ClientRequest): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter(request);
      return;
    }
    this.#requests.add(request);
    if (!this.#isPulled && this.#requests.size > MAX_FINISHED) {
      for (const oldest of this.#requests) {
        this.#requests.delete(oldest);
        oldest.response?.close();
        break;
      }
    }
    this.#notify();
  }

  /** Somebody waits for one by its promise, after all. */
  delete(request: ClientRequest): void {
    this.#requests.delete(request);
  }

  /** The next one, or null. */
  take(): ClientRequest | null {
    this.#isPulled = true;
    for (const request of this.#requests) {
      this.#requests.delete(request);
      return request;
    }
    return null;
  }

  /** Tells of the next one, at once or later. */
  whenReady(waiter: RequestWaiter): void {
    const request = this.take();
    if (request !== null || this.#isClosed) waiter(request);
    else this.#waiters.push(waiter);
  }

  /** Does not tell, after all. */
  forgetWaiter(waiter: RequestWaiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }

  /** Calls back whenever there is one more, or none will be any more. */
  watch(notify: () => void): () => void {
    this.#isPulled = true;
    this.#watchers.add(notify);
    return () => this.#watchers.delete(notify);
  }

  #notify(): void {
    for (const notify of [...this.#watchers]) notify();
  }

  /** From now on nobody waits for more. */
  endWaits(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters.splice(0)) waiter(null);
  }

  /** Tells those who watch that no more come. */
  tellEnd(): void {
    this.#notify();
  }
}
