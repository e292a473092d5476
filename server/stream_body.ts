import type { Session } from "./session.ts";

/** Where the bytes of a body come from, a piece at a time. */
export interface BodySource {
  /** Fills a part of the buffer; `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Lets go of what is behind it. */
  close(): void;
}

/** A `Blob` as the source of a body. */
export class BlobSource implements BodySource {
  readonly #blob: Blob;
  #position = 0;

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    const end = Math.min(this.#position + buffer.length, this.#blob.size);
    const part = await this.#blob.slice(this.#position, end).arrayBuffer();
    this.#position = end;
    buffer.set(new Uint8Array(part));
    return part.byteLength === 0 ? null : part.byteLength;
  }

  close(): void {}
}

/** Bytes read at once. Two such buffers are in use for a body under way. */
const PIECE = 524_288;

/**
 * Sends a body of known length behind a head that is queued. One piece is
 * read while the one before is sent.
 *
 * A source that ends early, or breaks, closes the connection: the peer can
 * tell by the length it was promised.
 */
export async function sendBody(
  session: Session,
  source: BodySource,
  length: number,
): Promise<boolean> {
  session.answerStarted();
  try {
    const size = Math.min(length, PIECE);
    let buffer = new Uint8Array(size);
    let other = length > PIECE ? new Uint8Array(size) : buffer;
    let sent: Promise<boolean> = Promise.resolve(true);
    for (let left = length; left > 0;) {
      const read = await source.read(buffer.subarray(0, Math.min(left, size)));
      if (!read) throw new Error("Body ended before its announced length");
      left -= read;
      if (!await sent) return false;
      session.append(buffer.subarray(0, read));
      sent = session.flush();
      [buffer, other] = [other, buffer];
    }
    if (session.isClosed) return false;
    return session.answered();
  } catch (error) {
    session.destroy(error);
    return false;
  } finally {
    source.close();
  }
}
