import { ReadyQueue } from "../transport/ready_queue.ts";
import type { ClientRequest, HttpResponse } from "./request_and_response.ts";

/** Finished requests that wait to be pulled, where nobody pulls. */
const MAX_FINISHED = 1000;

/** Requests that are finished, and that nobody waits for by their promise. */
export class FinishedRequests {
  readonly #queue = new ReadyQueue<ClientRequest>();
  #isPulled = false;

  /** Whether there is one. */
  get isReady(): boolean {
    return this.#queue.isReady;
  }

  /** One more is finished. */
  add(request: ClientRequest): void {
    this.#queue.add(request);
    if (this.#isPulled || this.#queue.length <= MAX_FINISHED) return;
    this.#queue.take()!.response?.close();
  }

  /** Somebody waits for one by its promise, after all. */
  delete(request: ClientRequest): void {
    this.#queue.delete(request);
  }

  /** The next one, or null. */
  take(): ClientRequest | null {
    this.#isPulled = true;
    return this.#queue.take();
  }

  /**
   * The next one, or rather what it comes to, as it is a promise of that; null
   * once the time is over, or no more will come.
   */
  wait(timeout: number): Promise<HttpResponse | null> {
    this.#isPulled = true;
    return this.#queue.wait(timeout);
  }

  /** Calls back whenever there is one more, or none will be any more. */
  watch(notify: () => void): () => void {
    this.#isPulled = true;
    return this.#queue.watch(notify);
  }

  /** No more will come. */
  end(): void {
    this.#queue.end();
  }
}
