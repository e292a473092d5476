import { CR } from "./chars.ts";
import type { Cursor } from "./cursor.ts";

/**
 * What stands between the parts of a multipart body: CR LF, and a line such as
 * two dashes and the boundary. CR is in it once, which eases the search.
 */
export class Delimiter {
  /** All of it. */
  readonly bytes: Uint8Array;
  /** How far the search may go on, by the byte at the delimiter's end. */
  readonly #skip: Uint8Array;

  /** @param line What comes behind CR LF. */
  constructor(line: string) {
    this.bytes = new TextEncoder().encode(`\r\n${line}`);
    const last = this.length - 1;
    this.#skip = new Uint8Array(256).fill(this.length);
    for (let i = 0; i < last; i++) this.#skip[this.bytes[i]] = last - i;
  }

  /** Its length. */
  get length(): number {
    return this.bytes.length;
  }

  /**
   * How many bytes of it have been seen, where there were `held` of them before
   * those at the cursor.
   */
  match({ bytes: chunk, pos, end }: Cursor, held: number): number {
    const { bytes } = this;
    let matched = held;
    while (
      matched < bytes.length && pos < end && chunk[pos] === bytes[matched]
    ) {
      matched++;
      pos++;
    }
    return matched;
  }

  /**
   * Where the first whole one is, or -1: Horspool's search. Compared
   * from its CR on, of which it has no second, what is alike in one place is
   * not looked at again in another; so all data takes time in proportion.
   */
  search({ bytes: chunk, pos, end }: Cursor): number {
    const { bytes } = this;
    const last = bytes.length - 1;
    const stop = end - last;
    while (pos < stop) {
      const byte = chunk[pos + last];
      if (byte === bytes[last]) {
        let i = 0;
        while (i < last && chunk[pos + i] === bytes[i]) i++;
        if (i === last) return pos;
      }
      pos += this.#skip[byte];
    }
    return -1;
  }

  /** Where one begins that the bytes end within; their end where none does. */
  tail({ bytes: chunk, pos: first, end }: Cursor): number {
    const from = Math.max(first, end - this.length + 1);
    for (let pos = end - 1; pos >= from; pos--) {
      if (chunk[pos] !== CR) continue;
      let i = pos + 1;
      while (i < end && chunk[i] === this.bytes[i - pos]) i++;
      return i === end ? pos : end;
    }
    return end;
  }
}
