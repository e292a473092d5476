import type { Member } from "./members.ts";

// POSIX.1-2001 (pax): a header of 512 bytes before each file, and one more
// before that where a name or a size does not go into it.

const BLOCK = 512;
/** The largest size of 11 octal digits. */
const MAX_SIZE = 8 ** 11 - 1;

const encoder = new TextEncoder();

function header(
  name: Uint8Array,
  type: string,
  size: number,
  modified: Date,
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => block.set(encoder.encode(text), at);
  const octal = (at: number, digits: number, value: number) =>
    put(at, value.toString(8).padStart(digits, "0"));
  const seconds = Math.floor(modified.getTime() / 1000);
  block.set(name.subarray(0, 100));
  octal(100, 7, type === "5" ? 0o755 : 0o644);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, Math.min(size, MAX_SIZE));
  octal(136, 11, Math.min(Math.max(seconds, 0), MAX_SIZE));
  put(148, " ".repeat(8)); // the sum is made as if it were blank
  put(156, type);
  put(257, "ustar\x0000");
  const sum = block.reduce((sum, byte) => sum + byte, 0);
  octal(148, 6, sum);
  block[154] = 0;
  return block;
}

/** `length key=value\n`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = encoder.encode(rest).length;
  let length = bytes;
  while (String(length).length + bytes !== length) {
    length = String(length).length + bytes;
  }
  return length + rest;
}

function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - size % BLOCK) % BLOCK);
}

/** An archive of these, as it is made. */
export async function* tar(
  members: AsyncIterable<Member>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  for await (const { path, size, modified, pieces } of members) {
    const name = encoder.encode(path);
    const records = (name.length > 100 ? record("path", path) : "") +
      (size > MAX_SIZE ? record("size", String(size)) : "");
    if (records !== "") {
      const bytes = encoder.encode(records);
      yield header(encoder.encode("pax"), "x", bytes.length, modified);
      yield bytes;
      yield padding(bytes.length);
    }
    yield header(name, path.endsWith("/") ? "5" : "0", size, modified);
    let left = size;
    for await (const piece of pieces()) {
      left -= piece.length;
      yield piece;
    }
    // The size is said already, and the file has become shorter.
    if (left > 0) throw new Error("A file has become shorter meanwhile");
    if (size % BLOCK > 0) yield padding(size);
  }
  yield new Uint8Array(2 * BLOCK);
}
