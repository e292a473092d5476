// A JPEG encoder in its smallest form, so that mjpeg.ts has something to show.
//
// JPEG cuts a picture into blocks of 8 by 8 pixels, and describes each by its
// mean and by waves of finer and finer detail. This one knows the mean alone:
// every block has one colour. What it writes is a baseline JPEG all the same
// (ITU-T T.81), which every decoder reads.

/** Red, green and blue, each from 0 to 255. */
export type Color = readonly [number, number, number];

const JFIF = [...new TextEncoder().encode("JFIF\0"), 1, 1, 0, 0, 1, 0, 1, 0, 0];

/**
 * Encodes a picture of blocks of 8 by 8 pixels.
 *
 * @param columns Blocks in a row.
 * @param rows Blocks in a column.
 * @param colorAt The colour of a block.
 */
export function encodeJpeg(
  columns: number,
  rows: number,
  colorAt: (column: number, row: number) => Color,
): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const segment = (marker: number, ...content: number[]) => {
    bytes.push(0xff, marker, ...sixteen(content.length + 2), ...content);
  };

  bytes.push(0xff, 0xd8); // start of image
  segment(0xe0, ...JFIF);
  // Quantisation: a block's first number is eight times its mean, and divided
  // by eight here. The other 63 are zero.
  segment(0xdb, 0, ...new Array(64).fill(8));
  // Frame: 8 bits a sample, height, width, and three components (brightness
  // and two of colour) at the same resolution.
  const size = [...sixteen(rows * 8), ...sixteen(columns * 8)];
  segment(0xc0, 8, ...size, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0);
  // Huffman codes. For the means, nine of four bits, of the values 0 to 8; for
  // the waves a single bit, 0, which says that there are none.
  segment(0xc4, 0x00, ...counts(4, 9), 0, 1, 2, 3, 4, 5, 6, 7, 8);
  segment(0xc4, 0x10, ...counts(1, 1), 0);
  // Scan: all of it.
  segment(0xda, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0);

  let pending = 0;
  let count = 0;
  const put = (value: number, width: number) => {
    for (let bit = width - 1; bit >= 0; bit--) {
      pending = pending << 1 | value >> bit & 1;
      if (++count < 8) continue;
      bytes.push(pending);
      if (pending === 0xff) bytes.push(0); // so that it is not a marker
      pending = count = 0;
    }
  };

  const before = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      toYcc(colorAt(column, row)).forEach((mean, component) => {
        // Each mean is told by how it differs from the one before: how many
        // bits it takes, then those bits; one's complement where it is less.
        const difference = mean - before[component];
        before[component] = mean;
        const width = 32 - Math.clz32(Math.abs(difference));
        put(width, 4);
        put(difference < 0 ? difference + (1 << width) - 1 : difference, width);
        put(0, 1);
      });
    }
  }
  put(0x7f, 7); // ones up to the end of the byte
  bytes.push(0xff, 0xd9); // end of image
  return new Uint8Array(bytes);
}

/** A number as two bytes. */
function sixteen(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}

/** How many codes there are of each length from 1 to 16 bits. */
function counts(length: number, codes: number): number[] {
  return Array.from({ length: 16 }, (_, i) => i + 1 === length ? codes : 0);
}

/** Brightness and two differences of colour, each from -128 to 127. */
function toYcc([red, green, blue]: Color): number[] {
  const y = 0.299 * red + 0.587 * green + 0.114 * blue;
  return [y - 128, (blue - y) * 0.564, (red - y) * 0.713]
    .map((value) => Math.max(-128, Math.min(127, Math.round(value))));
}
