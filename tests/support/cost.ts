import { assertLess } from "@std/assert";
import process from "node:process";

/** What the smaller of two inputs is shorter by. */
const FACTOR = 8;
/** What the larger may cost more: FACTOR times, and as much again for chance. */
const MOST = 20;
/** CPU time is counted in ticks of 10 ms. */
const LEAST = 10;

/** The CPU time that this thread spends on something, in milliseconds. */
function spend(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/**
 * Holds work to a cost that grows with the size of its input alone: that of an
 * input is compared with that of a smaller one. What other threads and programs
 * do, and how fast the machine is, makes no difference.
 *
 * @param size Where quadratic work would take seconds: 100,000 and more.
 * @param prepare Makes an input of a size, and the work on it.
 */
export function assertLinear(
  name: string,
  size: number,
  prepare: (size: number) => () => unknown,
): void {
  const [small, large] = [prepare(size / FACTOR), prepare(size)];
  const limit = MOST * Math.max(spend(small), LEAST);
  assertLess(spend(large), limit, name);
}

/**
 * Holds what a peer can send to the cost of usual input of the same length: it
 * may be dearer, but not out of all proportion.
 *
 * @param usual Work that takes 10 ms or more.
 */
export function assertComparable(
  name: string,
  usual: () => unknown,
  unusual: () => unknown,
): void {
  const limit = MOST * Math.max(spend(usual), LEAST);
  assertLess(spend(unusual), limit, name);
}
