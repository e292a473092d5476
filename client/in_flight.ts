import type { Attempt } from "./attempt.ts";

/** The attempts on their way on one connection; the first is answered next. */
export class InFlight {
  #attempts: Attempt[] = [];

  /** How many there are. */
  get count(): number {
    return this.#attempts.length;
  }

  /** The one that is answered next. */
  get first(): Attempt | undefined {
    return this.#attempts[0];
  }

  /** Whether the answer to the first is complete, and not all of it is out. */
  get isHeld(): boolean {
    return this.first?.state === "answered";
  }

  /** Whether another may be sent behind them. */
  get canPipeline(): boolean {
    return !this.isHeld &&
      this.#attempts.every((attempt) => attempt.canPipeline);
  }

  add(attempt: Attempt): void {
    this.#attempts.push(attempt);
  }

  /** Takes the first one out, which was answered. */
  shift(): void {
    this.#attempts.shift();
  }

  /** Takes all of them out. */
  takeAll(): Attempt[] {
    const attempts = this.#attempts;
    this.#attempts = [];
    return attempts;
  }

  /** Gives all of them up, for the same reason. */
  abandon(reason: unknown): void {
    for (const attempt of this.#attempts) attempt.abandoned(reason);
  }

  /** Bytes of those behind the first, which are sent behind it. */
  get behind(): number {
    let bytes = 0;
    for (let i = 1; i < this.#attempts.length; i++) {
      const { head, plan } = this.#attempts[i];
      bytes += head.length + (plan.body?.length ?? 0);
    }
    return bytes;
  }
}
