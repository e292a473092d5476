// What callers pass, checked: `deno run` looks at no types.
import { isBytes } from "./response_data.ts";

/** @throws {TypeError} If a value is not a string; `what` is what it should be. */
export function checkText(
  what: string,
  value: unknown,
): asserts value is string {
  if (typeof value !== "string") throw new TypeError(`${what} is not a string`);
}

/** @throws {TypeError} If a value is neither text nor bytes. */
export function checkTextOrBytes(what: string, value: unknown): void {
  if (typeof value !== "string" && !isBytes(value)) {
    throw new TypeError(`${what} is neither text nor bytes`);
  }
}

/** @throws {TypeError} If a value is no view of bytes. */
export function checkBytes(
  what: string,
  value: unknown,
): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`${what} is not a Uint8Array`);
  }
}

/** @throws {TypeError} If a value is not a function. */
export function checkFunction(what: string, value: unknown): void {
  if (typeof value !== "function") {
    throw new TypeError(`${what} is not a function`);
  }
}

/** @throws {TypeError} If a value is not an array. */
export function checkList(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${what} is not an array`);
}

/**
 * Checks how long something may take.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is below zero, or none at all.
 */
export function checkTime(
  what: string,
  value: unknown,
): asserts value is number {
  const problem = `${what} is not a number of milliseconds`;
  if (typeof value !== "number") throw new TypeError(problem);
  if (!(value >= 0)) throw new RangeError(problem);
}
