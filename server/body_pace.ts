import type { Clock } from "../transport/clock.ts";
import type { ServerLimits } from "./limits.ts";

/** Over no less than that is the rate of a body measured, in ms. */
const LEAST_WINDOW = 10_000;

/** How fast a body comes while it is waited for. */
export class BodyPace {
  /** For how many ticks it was waited for. */
  ticks = 0;
  // What had come before those.
  #counted = 0;

  /**
   * Counts a tick in which it was waited for.
   *
   * @param received Bytes of it that have come so far.
   * @returns Whether too little of it has come.
   */
  waited(
    received: number,
    { bodyTimeout, minReceiveRate }: ServerLimits,
    clock: Clock,
  ): boolean {
    this.ticks++;
    const window = this.ticks * clock.period;
    if (window < Math.max(bodyTimeout, LEAST_WINDOW)) return false;
    const isSlow = (received - this.#counted) * 1000 < minReceiveRate * window;
    this.#counted = received;
    this.ticks = 0;
    return isSlow;
  }

  /** Whether less has come up to now than is to come. */
  isBehind(
    received: number,
    { minReceiveRate }: ServerLimits,
    clock: Clock,
  ): boolean {
    const window = this.ticks * clock.period;
    return (received - this.#counted) * 1000 < minReceiveRate * window;
  }
}
