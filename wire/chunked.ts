/** What a body is written to: buffers of a connection, filled one by one. */
export interface BodySink {
  /** Room for so many bytes more, in a buffer that is filled from `outEnd` on. */
  room(length: number): Uint8Array;
  /** Where what was written into that buffer ends. */
  readonly outEnd: number;
  /** Queues what was written into it, up to `end`. */
  wrote(end: number): void;
}

/** The chunk that ends a body without trailer (RFC 9112 section 7.1). */
export const LAST_CHUNK: Uint8Array = new TextEncoder().encode("0\r\n\r\n");
/** Digits and line ends of a chunk. */
export const CHUNK_FRAME = 16;

/** The longest run of bytes that is copied at once. */
const COPY_SIZE = 65536;

/** Queues bytes of a body, as one chunk if it `isChunked`. They are copied. */
export function writeBody(
  sink: BodySink,
  bytes: Uint8Array,
  isChunked: boolean,
): void {
  const room = Math.min(bytes.length, COPY_SIZE) + CHUNK_FRAME;
  let out = sink.room(room);
  let at = sink.outEnd;
  if (isChunked) at = writeChunkSize(out, at, bytes.length);
  for (let from = 0; from < bytes.length; from += COPY_SIZE) {
    if (from > 0) {
      out = sink.room(Math.min(bytes.length - from, COPY_SIZE) + 2);
      at = sink.outEnd;
    }
    const part = bytes.length > COPY_SIZE
      ? bytes.subarray(from, from + COPY_SIZE)
      : bytes;
    out.set(part, at);
    at += part.length;
    sink.wrote(at);
  }
  if (isChunked) sink.wrote(writeLineEnd(out, at));
}

/** Writes a chunk's size and the line end behind it; returns where it ends. */
export function writeChunkSize(
  out: Uint8Array,
  at: number,
  size: number,
): number {
  let shift = 0;
  while (size >= 16 ** (shift + 1)) shift++;
  for (let i = at + shift, rest = size; i >= at; i--) {
    const digit = rest % 16;
    out[i] = digit < 10 ? 0x30 + digit : 0x57 + digit;
    rest = Math.floor(rest / 16);
  }
  return writeLineEnd(out, at + shift + 1);
}

/** Writes CR LF; returns where it ends. */
export function writeLineEnd(out: Uint8Array, at: number): number {
  out[at] = 13;
  out[at + 1] = 10;
  return at + 2;
}
