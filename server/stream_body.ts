import { wasSlow } from "./file_opening.ts";
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

/** Bytes read at once: so much is held for a peer that does not read. */
const PIECE = 131_072;
/**
 * And for one that reads: so many bytes no system holds for it. Larger pieces
 * take fewer calls.
 */
const LARGE_PIECE = 524_288;
const SURELY_READ = 8_388_608;

/**
 * Sends a body of known length behind a head that is queued.
 *
 * A source that ends early, or breaks, closes the connection: the peer can
 * tell by the length it was promised.
 */
export async function sendBody(
  session: Session,
  source: BodySource,
  length: number,
): Promise<boolean> {
  if (session.state !== "answering") session.answerStarted();
  try {
    let buffer = new Uint8Array(Math.min(length, PIECE));
    for (let left = length; left > 0;) {
      if (length - left >= SURELY_READ && buffer.length < LARGE_PIECE) {
        buffer = new Uint8Array(LARGE_PIECE);
      }
      const read = await source.read(buffer.subarray(0, left));
      if (!read) throw endedEarly();
      left -= read;
      session.out.append(buffer.subarray(0, read));
      session.count(read);
      if (left > 0 && !await session.flush()) return false;
    }
    if (session.isClosed) return false;
    // The last piece is awaited here, as the buffer is free then.
    return session.answered();
  } catch (error) {
    breakOff(session, error);
    return false;
  } finally {
    source.close();
  }
}

/**
 * Sends a body from a file that is at hand: read at once, into the buffer that
 * it is sent from. Where that takes long, the rest is read in the background.
 */
export async function sendAtOnce(
  session: Session,
  file: Deno.FsFile,
  length: number,
): Promise<boolean> {
  let left = length;
  let isOurs = true;
  try {
    for (;;) {
      const size = Math.min(left, PIECE);
      const out = session.out.roomBehind(size);
      const from = session.out.outEnd;
      const began = performance.now();
      const read = file.readSync(out.subarray(from, from + size));
      const isSlow = wasSlow(began);
      if (!read) throw endedEarly();
      session.out.wrote(from + read);
      session.count(read);
      left -= read;
      if (left === 0) return session.answered();
      if (left + read === length) session.answerStarted();
      if (!await session.flush()) return false;
      if (isSlow) {
        isOurs = false;
        return await sendBody(session, file, left);
      }
    }
  } catch (error) {
    breakOff(session, error);
    return false;
  } finally {
    if (isOurs) file.close();
  }
}

/** Ends what cannot be sent to its end, which is no fault of the peer's. */
function breakOff(session: Session, error: unknown): void {
  if (!session.isClosed) session.host.fault(error, session);
  session.destroy();
}

function endedEarly(): Error {
  return new Error("Body ended before its announced length");
}
