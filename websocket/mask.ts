/** Below this many bytes a view of words costs more than it saves. */
const WORDS_FROM = 48;
/** The top bits of the four bytes of a word. */
export const HIGH_BITS = 0x80808080 | 0;

/** From so many bytes on it pays to take eight at a time. */
const LONG_FROM = 128;

// Words of the key as the bytes lie in memory, whatever the byte order.
const keyBytes = new Uint8Array(8);
const keyWord = new Int32Array(keyBytes.buffer);
const keyLong = new BigInt64Array(keyBytes.buffer);

/**
 * The same as `applyMask()`, but that it does not say what the result is:
 * where there is much of it, this takes half the time.
 */
export function maskBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  phase: number = 0,
): void {
  if (end - start < LONG_FROM) {
    applyMask(bytes, start, end, key, phase);
    return;
  }
  let pos = start;
  let at = phase;
  while ((bytes.byteOffset + pos & 7) !== 0) bytes[pos++] ^= key[at++ & 3];
  for (let i = 0; i < 8; i++) keyBytes[i] = key[at + i & 3];
  const long = keyLong[0];
  const count = end - pos >> 3;
  const longs = new BigInt64Array(bytes.buffer, bytes.byteOffset + pos, count);
  for (let i = 0; i < count; i++) {
    longs[i] = BigInt.asIntN(64, longs[i] ^ long);
  }
  for (pos += count * 8; pos < end; pos++) bytes[pos] ^= key[at++ & 3];
}

/**
 * Masks or unmasks bytes where they lie (RFC 6455 section 5.3).
 *
 * @param bytes The bytes; from `start` up to `end` they are altered.
 * @param key The four bytes of the key.
 * @param phase Which byte of the key comes first.
 * @returns Whether the result is all ASCII.
 */
export function applyMask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  phase: number = 0,
): boolean {
  const k0 = key[phase & 3];
  const k1 = key[phase + 1 & 3];
  const k2 = key[phase + 2 & 3];
  const k3 = key[phase + 3 & 3];
  let seen = 0;
  let pos = start;
  if (end - start >= WORDS_FROM) {
    let at = phase;
    while ((bytes.byteOffset + pos & 3) !== 0) {
      seen |= bytes[pos++] ^= key[at++ & 3];
    }
    for (let i = 0; i < 4; i++) keyBytes[i] = key[at + i & 3];
    const word = keyWord[0];
    const count = end - pos >> 2;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + pos, count);
    let all = 0, i = 0;
    for (const last = count - 3; i < last; i += 4) {
      all |= (words[i] ^= word) | (words[i + 1] ^= word) |
        (words[i + 2] ^= word) | (words[i + 3] ^= word);
    }
    for (; i < count; i++) all |= words[i] ^= word;
    if ((all & HIGH_BITS) !== 0) seen |= 0x80;
    for (pos += count * 4; pos < end; pos++) {
      seen |= bytes[pos] ^= key[at++ & 3];
    }
    return seen < 0x80;
  }
  for (const last = end - 3; pos < last; pos += 4) {
    seen |= (bytes[pos] ^= k0) | (bytes[pos + 1] ^= k1) |
      (bytes[pos + 2] ^= k2) | (bytes[pos + 3] ^= k3);
  }
  if (pos < end) seen |= bytes[pos++] ^= k0;
  if (pos < end) seen |= bytes[pos++] ^= k1;
  if (pos < end) seen |= bytes[pos] ^= k2;
  return seen < 0x80;
}
