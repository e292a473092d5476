// SHA-1 (FIPS 180-4) by hand: the handshake needs no more of it than two blocks,
// at once, and Node's would cost a server tens of milliseconds.

/** Words of the state, and their start. */
const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

const words = new Int32Array(80); // of the block in hand

function rotate(word: number, bits: number): number {
  return word << bits | word >>> (32 - bits);
}

/** The SHA-1 of some bytes, which is no longer safe but for a handshake. */
export function sha1(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  // Behind the bytes come a one bit, zeroes, and how many bits there were.
  const padded = new Uint8Array((length + 72) & ~63);
  padded.set(bytes);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, length / 0x2000_0000);
  view.setUint32(padded.length - 4, length << 3);
  const state = new Int32Array(START);
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + i * 4);
    addBlock(state);
  }
  const digest = new DataView(new ArrayBuffer(20));
  state.forEach((word, i) => digest.setInt32(i * 4, word));
  return new Uint8Array(digest.buffer);
}

function addBlock(state: Int32Array): void {
  for (let i = 16; i < 80; i++) {
    words[i] = rotate(
      words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16],
      1,
    );
  }
  let [a, b, c, d, e] = state;
  for (let i = 0; i < 80; i++) {
    const mixed = i < 20
      ? (b & c | ~b & d) + 0x5a827999
      : i < 40
      ? (b ^ c ^ d) + 0x6ed9eba1
      : i < 60
      ? (b & c | b & d | c & d) + 0x8f1bbcdc
      : (b ^ c ^ d) + 0xca62c1d6;
    const next = rotate(a, 5) + mixed + e + words[i] | 0;
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}
