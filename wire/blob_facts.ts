import { checkValue } from "./response_head.ts";

/** What a head says of a `Blob`. */
export interface BlobFacts {
  /** Its type; "" where it has none. */
  readonly type: string;
  /** Bytes of it. */
  readonly size: number;
}

/**
 * Asks a `Blob` for what a head says of it, once: a class of the caller's may
 * say anything, and something else each time.
 *
 * @throws {TypeError} If that cannot be sent.
 */
export function blobFacts(blob: Blob): BlobFacts {
  const type = checkValue("content-type", blob.type);
  const { size } = blob;
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new TypeError("Size of a Blob is not a number of bytes");
  }
  return { type, size };
}
