import { bufferClass } from "../runtime/builtins.ts";

const encoder = new TextEncoder();
// What is encoded only to be counted.
const scratch = new Uint8Array(1024);

/** How many bytes text has as UTF-8; half of an emoji counts as U+FFFD. */
export function utf8Length(text: string): number {
  const { length } = text;
  if (length <= scratch.length) {
    const { read, written } = encoder.encodeInto(text, scratch);
    if (read === length) return written;
  }
  // Counts without encoding: several times faster, but it has to be loaded.
  return bufferClass().byteLength(text);
}
