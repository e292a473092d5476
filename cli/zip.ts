import type { Member } from "./members.ts";

// APPNOTE.TXT of PKWARE. Sizes and sums come behind each file, as it is not
// known before what will be read of it. What is stored so, many programs refuse:
// the bytes go as blocks of Deflate that are not compressed.

/** What a field of 32 bits cannot hold is said in one of 64. */
const FULL = 0xffffffff;
const ZIP64 = 0x0001;
/** Names are UTF-8; sizes come behind. */
const FLAGS = 0x0808;
const DEFLATE = 8;

/** What each byte does to the sum (CRC-32). */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) {
    byte = byte & 1 ? byte >>> 1 ^ 0xedb88320 : byte >>> 1;
  }
  return byte;
});

/** The sum of bytes, behind those of which it was `sum`. */
export function crc32(bytes: Uint8Array, sum = 0): number {
  let rest = ~sum;
  for (let i = 0; i < bytes.length; i++) {
    rest = TABLE[(rest ^ bytes[i]) & 255] ^ rest >>> 8;
  }
  return ~rest >>> 0;
}

interface Done {
  name: Uint8Array;
  date: number;
  crc: number;
  packed: number;
  size: number;
  offset: number;
  isFolder: boolean;
}

/** Numbers of so many bytes each, the lowest byte first. */
function fields(
  ...numbers: (readonly [bytes: 1 | 2 | 4 | 8, value: number])[]
): Uint8Array<ArrayBuffer> {
  const length = numbers.reduce((sum, [bytes]) => sum + bytes, 0);
  const view = new DataView(new ArrayBuffer(length));
  let at = 0;
  for (const [bytes, value] of numbers) {
    if (bytes === 8) view.setBigUint64(at, BigInt(value), true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

/** Date and time as DOS has them: local, of two seconds. */
function dosDate(date: Date): number {
  const year = Math.min(Math.max(date.getFullYear(), 1980), 2107) - 1980;
  const day = year << 9 | date.getMonth() + 1 << 5 | date.getDate();
  const time = date.getHours() << 11 | date.getMinutes() << 5 |
    date.getSeconds() >> 1;
  return day * 65536 + time;
}

function extra(...sizes: number[]): Uint8Array {
  return sizes.length === 0 ? new Uint8Array() : fields(
    [2, ZIP64],
    [2, sizes.length * 8],
    ...sizes.map((size) => [8, size] as [8, number]),
  );
}

/** An archive of these, as it is made. */
export async function* zip(
  members: AsyncIterable<Member>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const done: Done[] = [];
  let offset = 0;
  const counted = <T extends Uint8Array>(bytes: T): T => {
    offset += bytes.length;
    return bytes;
  };
  for await (const { path, size, modified, pieces } of members) {
    const name = new TextEncoder().encode(path).subarray(0, 65535);
    const isFolder = path.endsWith("/");
    const one: Done = {
      name,
      date: dosDate(modified),
      crc: 0,
      packed: 0,
      size: 0,
      offset,
      isFolder,
    };
    // Each block is a little more than what is in it.
    const isLarge = size > FULL - size / 1000 - 1000;
    const more = isLarge ? extra(0, 0) : extra();
    const head = fields(
      ...[[4, 0x04034b50], [2, isLarge ? 45 : 20], [2, FLAGS]] as const,
      ...[[2, DEFLATE], [4, one.date], [4, 0]] as const,
      ...[[4, isLarge ? FULL : 0], [4, isLarge ? FULL : 0]] as const,
      ...[[2, name.length], [2, more.length]] as const,
    );
    yield counted(joined(head, name, more));
    const begun = offset;
    for await (const piece of pieces()) {
      const { length } = piece;
      one.crc = crc32(piece, one.crc);
      one.size += length;
      const block = fields([1, 0], [2, length], [2, ~length & 0xffff]);
      yield counted(joined(block, piece));
    }
    yield counted(fields([1, 1], [2, 0], [2, 0xffff]));
    one.packed = offset - begun;
    const bytes = isLarge ? 8 : 4;
    yield counted(
      fields([4, 0x08074b50], [4, one.crc], [bytes, one.packed], [
        bytes,
        one.size,
      ]),
    );
    done.push(one);
  }
  const start = offset;
  for (const one of done) yield counted(central(one));
  yield ending(done.length, start, offset);
}

/** What the directory at the end says of a member. */
function central(one: Done): Uint8Array<ArrayBuffer> {
  const { name, date, crc, packed, size, offset, isFolder } = one;
  const large = [size, packed, offset].filter((value) => value >= FULL);
  const more = extra(...large);
  const capped = (value: number) => Math.min(value, FULL);
  return joined(
    fields(
      ...[[4, 0x02014b50], [2, 3 << 8 | 45], [2, 45], [2, FLAGS]] as const,
      ...[[2, DEFLATE], [4, date], [4, crc], [4, capped(packed)]] as const,
      ...[[4, capped(size)], [2, name.length], [2, more.length]] as const,
      ...[[2, 0], [2, 0], [2, 0]] as const,
      // As Unix has it: plain files and folders, nothing to be run.
      [4, (isFolder ? 0o40755 : 0o100644) * 65536],
      [4, capped(offset)],
    ),
    name,
    more,
  );
}

function joined(...pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function ending(
  count: number,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  const size = end - start;
  const isLarge = count >= 0xffff || start >= FULL || size >= FULL;
  const few = Math.min(count, 0xffff);
  const plain = fields(
    ...[[4, 0x06054b50], [2, 0], [2, 0], [2, few], [2, few]] as const,
    ...[[4, Math.min(size, FULL)], [4, Math.min(start, FULL)]] as const,
    [2, 0],
  );
  if (!isLarge) return plain;
  const large = fields(
    ...[[4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0]] as const,
    ...[[8, count], [8, count], [8, size], [8, start]] as const,
    ...[[4, 0x07064b50], [4, 0], [8, end], [4, 1]] as const,
  );
  return joined(large, plain);
}
