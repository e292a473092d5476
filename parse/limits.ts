/**
 * Checks a limit that options name; gives it back.
 *
 * @param least The smallest value that makes sense.
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is too small, or not a whole number. Only what
 * bounds headers has to be finite.
 */
export function checkLimit(
  name: string,
  value: unknown,
  least: number = 1,
): number {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`Option "${name}" is not a number`);
  }
  if (value < least) {
    throw new RangeError(`Option "${name}" is less than ${least}`);
  }
  if (!Number.isInteger(value) && value !== Infinity) {
    throw new RangeError(`Option "${name}" is not a whole number`);
  }
  if (value === Infinity && /Headers/.test(name)) {
    throw new RangeError(`Option "${name}" must be finite`);
  }
  return value;
}

/** The same for several, those that are not given excepted. */
export function checkGiven<T extends object>(
  options: T,
  names: readonly (keyof T & string)[],
  least: number = 1,
): void {
  for (const name of names) {
    if (options[name] !== undefined) checkLimit(name, options[name], least);
  }
}
