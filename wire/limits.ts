import { checkLimit } from "../parse/limits.ts";

export { checkLimit };

/**
 * Fills defaults in for limits that options do not name.
 *
 * @param least The smallest value that makes sense, where it is not 1.
 * @throws {TypeError} If a limit is not a number.
 * @throws {RangeError} If it is too small, or not a whole number. Only what
 * bounds headers has to be finite.
 */
export function checkLimits<T extends { [name in keyof T]: number }>(
  options: Partial<T>,
  defaults: T,
  least: Partial<T> = {},
): T {
  const limits = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof T & string)[]) {
    const value = options[name];
    if (value === undefined) continue;
    checkLimit(name, value, least[name] ?? 1);
    limits[name] = value;
  }
  return limits;
}
