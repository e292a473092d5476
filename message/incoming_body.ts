import { HttpError, ProtocolError } from "../parse/errors.ts";

/** What a body asks of the connection that it comes in on. */
export interface BodyOrigin {
  /** The next piece is wanted: it is to be passed to `IncomingBody.take()`. */
  readBody(): void;
  /** The body is over its limit, and the message is to be refused. */
  refuseBody(error: ProtocolError): void;
}

/**
 * Where the pieces of a body come from; `null` at its end. A piece is a view of
 * a buffer that is used again, and holds until the next call.
 */
export type Pieces = () => Promise<Uint8Array | null>;

/**
 * Counts a thing that is about to be handed out, as one piece may hold
 * thousands: what to wait for before that, if anything.
 */
export type Pace = () => Promise<void> | null;

const LAST: Promise<null> = Promise.resolve(null);

/**
 * A message's body, a piece at a time: as it arrives, or from memory where it
 * is in already. There is one reader.
 */
export class IncomingBody {
  /** Bytes that have come so far. */
  bytesReceived = 0;
  /** Whether all of it has come. */
  isDone = false;
  /** The trailer section as text, once the body is done. */
  trailer = "";
  /** How much of it is accepted. */
  limit: number;

  readonly #origin: BodyOrigin | null;
  /** Its length, or -1 where it is chunked. */
  readonly announced: number;
  #loaded: Uint8Array | null = null;
  #error: Error | null = null;
  #waiter: PromiseWithResolvers<Uint8Array | null> | null = null;
  #isLent = false;
  // The reader was told so.
  #isAtEnd = false;
  // What of the last piece was too much for the one who asked.
  #rest: Uint8Array | null = null;

  /**
   * @param origin Where it comes in; null where it is complete.
   * @param announced Its length, or -1 where it is chunked.
   */
  constructor(origin: BodyOrigin | null, announced: number, limit: number) {
    this.#origin = origin;
    this.announced = announced;
    this.limit = limit;
  }

  /** A body that is in already. */
  static of(bytes: Uint8Array): IncomingBody {
    const body = new IncomingBody(null, bytes.length, Infinity);
    body.#loaded = bytes.length > 0 ? bytes : null;
    body.bytesReceived = bytes.length;
    body.isDone = true;
    return body;
  }

  /** Whether somebody waits for the next piece. */
  get isWaiting(): boolean {
    return this.#waiter !== null;
  }

  /** Whether the rest will not come. */
  get isFailed(): boolean {
    return this.#error !== null;
  }

  /** Whether it had bytes, and its reader has come to their end. */
  get isSpent(): boolean {
    return this.#isAtEnd && this.bytesReceived > 0;
  }

  /** Whether the buffer that it comes in through is being looked at. */
  get isLent(): boolean {
    return this.#isLent || this.#rest !== null;
  }

  /**
   * The next piece, or null at the end. It is a view of a buffer that is used
   * again, and holds until the next call.
   *
   * @param most How long it may be.
   * @throws {TypeError} If the one before is still waited for.
   */
  next(most: number = Infinity): Promise<Uint8Array | null> {
    this.#isLent = false;
    if (this.#waiter !== null) {
      throw new TypeError("Body is being read already");
    }
    if (this.#rest !== null) return this.#part(this.#rest, most);
    if (most < Infinity) {
      return this.#next().then((piece) =>
        piece === null ? null : this.#part(piece, most)
      );
    }
    return this.#next();
  }

  /** The first part of a piece; what is left stays where it is. */
  #part(piece: Uint8Array, most: number): Promise<Uint8Array> {
    this.#rest = piece.length > most ? piece.subarray(most) : null;
    return Promise.resolve(
      this.#rest === null ? piece : piece.subarray(0, most),
    );
  }

  #next(): Promise<Uint8Array | null> {
    if (this.#loaded !== null) {
      const loaded = this.#loaded;
      this.#loaded = null;
      return Promise.resolve(loaded);
    }
    this.checkLength();
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.isDone) {
      this.#isAtEnd = true;
      return LAST;
    }
    const { promise } = this.#waiter = Promise.withResolvers();
    this.#origin!.readBody();
    return promise;
  }

  /**
   * Refuses a body that is known to be too long.
   *
   * @returns Why nothing more will come of it, if that is so.
   */
  checkLength(): Error | null {
    if (this.#error === null && !this.isDone && this.announced > this.limit) {
      this.#exceed();
    }
    return this.#error;
  }

  /**
   * The next piece, for somebody to keep: a copy, or put into a buffer of
   * theirs, which then bounds it.
   *
   * @throws {TypeError} If the piece before is still waited for, or the buffer
   * has no room.
   */
  async read(
    buffer?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    if (buffer?.length === 0) throw new TypeError("Buffer has no room");
    let piece: Uint8Array | null;
    try {
      piece = await this.next(buffer?.length);
    } catch (error) {
      throw waitedFor(error);
    }
    if (piece === null) return null;
    buffer?.set(piece);
    const copy = buffer?.subarray(0, piece.length) ?? new Uint8Array(piece);
    this.giveBack();
    return copy;
  }

  /** Says that the last piece is not looked at any more. */
  giveBack(): void {
    this.#isLent = false;
  }

  /** A piece has come in. */
  take(piece: Uint8Array): void {
    this.bytesReceived += piece.length;
    if (this.bytesReceived > this.limit) {
      this.#exceed();
      return;
    }
    const waiter = this.#waiter!;
    this.#waiter = null;
    this.#isLent = true;
    waiter.resolve(piece);
  }

  /** The body is complete. */
  finish(trailer: string): void {
    this.isDone = true;
    this.trailer = trailer;
    if (this.#waiter === null) return;
    this.#isAtEnd = true;
    this.#waiter.resolve(null);
    this.#waiter = null;
  }

  /** The rest of the body will not come, or is not wanted. */
  fail(error: Error): void {
    if (this.isDone || this.#error !== null) return;
    this.#error = error;
    this.#rest = null;
    this.#waiter?.reject(error);
    this.#waiter = null;
  }

  #exceed(): void {
    const error = new ProtocolError("body-too-large");
    this.fail(error);
    this.#origin!.refuseBody(error);
  }
}

/**
 * Has the stack of an error say where it was waited for, in place of where the
 * connection's end was noticed. Called from what its reader waits for.
 */
function waitedFor(error: unknown): unknown {
  if (error instanceof HttpError) Error.captureStackTrace(error, waitedFor);
  return error;
}

/** So much room is made on a peer's word. */
const TRUSTED = 131_072;

/**
 * How much room is made for a body that has no more: it grows with what has
 * come, and not with what was announced.
 *
 * @param needed Bytes that have come.
 * @param announced How many there will be; negative where nobody knows.
 */
export function bodyRoom(needed: number, announced: number): number {
  return announced < needed
    ? needed * 2
    : Math.min(announced, Math.max(needed * 4, TRUSTED));
}

/**
 * All of a body, or of what is left of it.
 *
 * @param announced How long it will be; negative where nobody knows.
 */
export async function readWhole(
  body: Pick<IncomingBody, "next">,
  announced = -1,
): Promise<Uint8Array<ArrayBuffer>> {
  let whole = new Uint8Array(0);
  let length = 0;
  try {
    for (let piece; (piece = await body.next()) !== null;) {
      const needed = length + piece.length;
      if (needed > whole.length) {
        const grown = new Uint8Array(bodyRoom(needed, announced));
        grown.set(whole.subarray(0, length));
        whole = grown;
      }
      whole.set(piece, length);
      length = needed;
    }
  } catch (error) {
    throw waitedFor(error);
  }
  return whole.subarray(0, length);
}

/**
 * Writes a body to a file as it arrives. What was written is removed again
 * when the rest does not come.
 *
 * @returns Its length in bytes.
 */
export async function saveBody(
  next: Pieces,
  path: string,
): Promise<number> {
  const file = await Deno.open(path, {
    write: true,
    create: true,
    truncate: true,
  });
  let length = 0;
  try {
    for (let piece; (piece = await next()) !== null;) {
      length += piece.length;
      for (let rest = piece; rest.length > 0;) {
        rest = rest.subarray(await file.write(rest));
      }
    }
  } catch (error) {
    file.close();
    // A fault of the disk must not hide behind one of tidying up.
    await Deno.remove(path).catch(() => {});
    throw error;
  }
  file.close();
  return length;
}

/**
 * A body as a byte stream, read from only as it is asked.
 *
 * @param giveBack Told when the last piece is not looked at any more.
 * @param cancel Told when nobody wants the rest.
 */
export function bodyStream(
  next: Pieces,
  giveBack: () => void = () => {},
  cancel: () => void = () => {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  // What of a piece was not asked for yet; our own copy.
  let rest: Uint8Array<ArrayBuffer> | null = null;
  return new ReadableStream({
    type: "bytes",
    cancel,
    async pull(controller) {
      const kept = rest;
      rest = null;
      const piece = kept ?? await next();
      const request = controller.byobRequest;
      if (piece === null) {
        controller.close();
        request?.respond(0);
        return;
      }
      if (!request?.view) {
        controller.enqueue(new Uint8Array(piece));
        giveBack();
        return;
      }
      const { buffer, byteOffset, byteLength } = request.view;
      const length = Math.min(byteLength, piece.length);
      new Uint8Array(buffer, byteOffset, length).set(piece.subarray(0, length));
      if (length < piece.length) {
        rest = kept?.subarray(length) ?? new Uint8Array(piece.subarray(length));
      }
      giveBack();
      request.respond(length);
    },
  }, { highWaterMark: 0 });
}
