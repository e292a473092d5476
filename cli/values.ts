import { usageError } from "./exit_codes.ts";
import { parseSize } from "./sizes.ts";

/** A whole number from 0 to `most`. */
export function wholeNumber(text: string, name: string, most: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) > most) {
    throw usageError(`${name} is not a number from 0 to ${most}: ${text}`);
  }
  return Number(text);
}

/** A number of bytes. */
export function size(text: string, name: string): number {
  const bytes = parseSize(text);
  if (bytes === null) throw usageError(`${name} is no size`);
  return bytes;
}

/** Seconds as ms. */
export function seconds(text: string, name: string): number {
  if (!/^(?:\d{1,7}(?:\.\d*)?|\.\d+)$/.test(text)) {
    throw usageError(`${name} is not a number of seconds: ${text}`);
  }
  return Math.ceil(Number(text) * 1000);
}
