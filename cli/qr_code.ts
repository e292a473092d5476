// A QR code (ISO/IEC 18004) of bytes, at the lowest level of correction, in
// versions 1 to 5: those have one block each, and 106 bytes are more than an
// address has.

/** Bytes of data, and of correction, by version. */
const SIZES: readonly (readonly [data: number, correction: number])[] = [
  [19, 7],
  [34, 10],
  [55, 15],
  [80, 20],
  [108, 26],
];

/** Level L, and mask 0, with their own correction, as they are drawn. */
const FORMAT = 0b111011111000100;

/** Products in GF(256) by the polynomial 0x11d. */
function times(a: number, b: number): number {
  let product = 0;
  for (; b > 0; b >>= 1) {
    if (b & 1) product ^= a;
    a = a << 1 ^ (a & 0x80 ? 0x11d : 0);
  }
  return product;
}

/** The bytes that correct these (Reed-Solomon). */
function correctionOf(data: Uint8Array, count: number): Uint8Array {
  const divisor = new Uint8Array(count);
  divisor[count - 1] = 1;
  for (let i = 0, root = 1; i < count; i++, root = times(root, 2)) {
    for (let j = 0; j < count; j++) {
      divisor[j] = times(divisor[j], root) ^ (divisor[j + 1] ?? 0);
    }
  }
  const rest = new Uint8Array(count);
  for (const byte of data) {
    const factor = byte ^ rest[0];
    rest.copyWithin(0, 1);
    rest[count - 1] = 0;
    for (let j = 0; j < count; j++) rest[j] ^= times(divisor[j], factor);
  }
  return rest;
}

/** All bits of a code, in the order in which they are drawn. */
function bitsOf(text: Uint8Array, version: number): number[] {
  const [size, count] = SIZES[version - 1];
  // Bytes, how many, and then they themselves, each half a byte further.
  const data = new Uint8Array(size);
  const put = (at: number, byte: number) => {
    data[at] |= byte >> 4;
    if (at + 1 < size) data[at + 1] = (byte & 15) << 4;
  };
  data[0] = 0b0100 << 4;
  put(0, text.length);
  text.forEach((byte, i) => put(i + 1, byte));
  for (let i = text.length + 2, pad = 0xec; i < size; i++, pad ^= 0xec ^ 0x11) {
    data[i] = pad;
  }
  return [...data, ...correctionOf(data, count)].flatMap((byte) =>
    [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => byte >> bit & 1)
  );
}

/** A square of dark and light; `null` where nothing is drawn yet. */
type Square = (boolean | null)[][];

/** What every code of a size has: to find it, and to count its lines. */
function frameOf(version: number): Square {
  const size = version * 4 + 17;
  const square: Square = Array.from(
    { length: size },
    () => Array(size).fill(null),
  );
  const ring = (row: number, column: number, radius: number) => {
    for (let y = -radius; y <= radius; y++) {
      for (let x = -radius; x <= radius; x++) {
        const line = square[row + y];
        if (line?.[column + x] === undefined) continue;
        const distance = Math.max(Math.abs(x), Math.abs(y));
        line[column + x] = radius === 2
          ? distance !== 1
          : distance !== 2 && distance !== 4;
      }
    }
  };
  for (let i = 0; i < size; i++) square[6][i] = square[i][6] = i % 2 === 0;
  ring(3, 3, 4);
  ring(3, size - 4, 4);
  ring(size - 4, 3, 4);
  if (version > 1) ring(size - 7, size - 7, 2);
  for (let i = 0; i < 15; i++) {
    const isDark = (FORMAT >> i & 1) === 1;
    // Twice: around the first corner, and along the other two.
    const along = i < 6 ? i : i < 8 ? i + 1 : size - 15 + i;
    const across = i < 8 ? size - 1 - i : i === 8 ? 7 : 14 - i;
    square[along][8] = isDark;
    square[8][across] = isDark;
  }
  square[size - 8][8] = true;
  return square;
}

/**
 * A QR code, as rows of dark (`true`) and light; `null` if the text is too long
 * for one.
 */
export function qrCode(text: string): boolean[][] | null {
  const bytes = new TextEncoder().encode(text);
  const version = SIZES.findIndex(([size]) => bytes.length + 2 <= size) + 1;
  if (version === 0) return null;
  const square = frameOf(version);
  const bits = bitsOf(bytes, version);
  const size = square.length;
  let at = 0;
  let isUp = true;
  // In columns of two, from the right, up and down; that of the count is none.
  for (let right = size - 1; right > 0; right -= 2, isUp = !isUp) {
    if (right === 6) right--;
    for (let i = 0; i < size; i++) {
      const y = isUp ? size - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (square[y][x] !== null) continue;
        square[y][x] = ((bits[at++] ?? 0) ^ ((x + y) % 2 === 0 ? 1 : 0)) === 1;
      }
    }
  }
  return square as boolean[][];
}

/**
 * Lines that show a code on a terminal, two rows in each: dark on light, where
 * colours may be used, whatever its own are.
 */
export function qrLines(code: boolean[][], hasColor: boolean): string[] {
  const size = code.length;
  const isDark = (y: number, x: number) => code[y]?.[x] ?? false;
  const lines: string[] = [];
  // Around it, four are to be light.
  for (let y = -4; y < size + 4; y += 2) {
    let line = "";
    for (let x = -4; x < size + 4; x++) {
      const [upper, lower] = [isDark(y, x), isDark(y + 1, x)];
      line += upper && lower ? " " : upper ? "▄" : lower ? "▀" : "█";
    }
    // White on black: what is dark is where nothing is drawn.
    lines.push(hasColor ? `\x1b[97;40m${line}\x1b[0m` : line);
  }
  return lines;
}
