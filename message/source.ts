import { asBytes, isBytes } from "../parse/response_data.ts";

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/**
 * The bytes of a piece of a streamed body.
 *
 * @throws {TypeError} If it is neither text nor bytes.
 */
export function pieceOf(piece: unknown): Uint8Array {
  if (typeof piece === "string") return encoder.encode(piece);
  if (isBytes(piece)) return asBytes(piece);
  if (piece === null || piece === undefined) return NOTHING;
  throw new TypeError("Stream yields what is neither text nor bytes");
}

/** Bytes as a stream of pieces. */
export function* slices(bytes: Uint8Array, size: number): Iterable<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) {
    yield bytes.subarray(from, from + size);
  }
}

/** What a streamed body can be made of. */
export type BodyStream =
  | ReadableStream<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>
  | Iterable<string | Uint8Array>;

/** What iterates, and is no series of pieces. */
const COLLECTIONS = [Map, Set, Headers, FormData, URLSearchParams];

/** Whether data is to be streamed: what iterates, but for collections. */
export function isStream(data: unknown): data is BodyStream {
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    return false;
  }
  if (data instanceof ReadableStream || Symbol.asyncIterator in data) {
    return true;
  }
  return Symbol.iterator in data && !isBytes(data) &&
    !COLLECTIONS.some((kind) => data instanceof kind);
}

/** Where a streamed body comes from, a piece at a time. */
export interface Source {
  /** The next piece. */
  read(): Promise<Piece> | Piece;
  /** Ends the source, once. */
  cancel(reason?: unknown): void;
}

/** What a source gives. */
export interface Piece {
  done?: boolean;
  value?: unknown;
}

/**
 * Takes hold of what a streamed body is made of.
 *
 * @throws {TypeError} If it is a stream that somebody else reads.
 */
export function openSource(stream: BodyStream): Source {
  let isCancelled = false;
  const once = (cancel: () => unknown) => {
    if (isCancelled) return;
    isCancelled = true;
    // Whatever its end may bring up, there is nobody left to be told.
    Promise.try(cancel).catch(() => {});
  };
  if (stream instanceof ReadableStream) {
    const reader = stream.getReader();
    return {
      read: () => reader.read(),
      cancel: (reason) => once(() => reader.cancel(reason)),
    };
  }
  const iterator = Symbol.asyncIterator in stream
    ? stream[Symbol.asyncIterator]()
    : stream[Symbol.iterator]();
  return {
    read: () => iterator.next(),
    cancel: () => once(() => iterator.return?.()),
  };
}
