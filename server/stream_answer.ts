import { HttpError } from "../parse/errors.ts";
import {
  CHUNK_FRAME,
  LAST_CHUNK,
  writeBody,
  writeChunkSize,
  writeLineEnd,
} from "../wire/chunked.ts";
import { Framing } from "../wire/framing.ts";
import type { AnswerPlan } from "./answer_plan.ts";
import { Compressor } from "./compressor.ts";
import { admit, sendQueued } from "./part_output.ts";
import type { Session } from "./session.ts";
import type { OpenAnswer } from "./session_host.ts";
import { fairTurn } from "../transport/clock.ts";
import { COPY_LIMIT } from "../transport/transport.ts";
import { type Piece, pieceOf, type Source } from "../message/source.ts";

const encoder = new TextEncoder();
const GONE: Promise<boolean> = Promise.resolve(false);

/** So many bytes are compressed before others get their turn. */
const TURN_LENGTH = 262_144;
/** Longer texts are encoded on their own. */
const SHORT_TEXT = 4096;

/**
 * An answer whose body is made while it is sent. Bytes are copied, so the
 * application may use its buffers again at once.
 */
export class StreamAnswer implements OpenAnswer {
  /** Called once when nobody will read any more: the peer has gone. */
  onGone: (() => void) | null = null;
  /** Whether what is compressed can be decoded as soon as it is sent. */
  isPrompt = true;
  /**
   * Whether it has no end of its own: a peer that has closed its side is gone
   * then, as nothing else would ever tell.
   */
  isEndless = false;

  readonly #session: Session;
  readonly #framing: Framing;
  readonly #compressor: Compressor | null;
  // What is left of a promised length.
  #left = 0;
  #isEnded = false;
  // Nobody reads: HEAD, or a status without a body.
  readonly #isEmpty: boolean;
  #coding: Promise<unknown> = Promise.resolve();
  // Bytes that wait for the compressor.
  #uncoded = 0;
  // Bytes compressed since the event loop had a turn.
  #sinceTurn = 0;

  // How many ticks may go by before a comment is sent, and when one is due.
  #keepAliveTicks = 0;
  #dueAt = Infinity;

  /** Queues the head. */
  constructor(session: Session, plan: AnswerPlan) {
    const { framing, coding } = plan;
    this.#session = session;
    this.#framing = framing;
    this.#compressor = coding === null ? null : new Compressor(coding);
    this.#isEmpty = !plan.hasBody;
    if (framing === Framing.LENGTH) this.#left = plan.length;
    session.begin(plan, this);
  }

  /** Whether the peer reads on. */
  get isOpen(): boolean {
    return !this.#session.isClosed && !this.#isEmpty && !this.#isEnded;
  }

  /** Sends the head; resolves to whether a body can follow. */
  start(): Promise<boolean> {
    const sent = this.begin();
    return this.#isEmpty ? sent.then(() => false) : sent;
  }

  /** Sends the head, which is all of an answer that has no body. */
  begin(): Promise<boolean> {
    const session = this.#session;
    if (this.#isEmpty) {
      this.#compressor?.close();
      return session.answered();
    }
    session.answerStarted();
    return sendQueued(session);
  }

  /**
   * Sends bytes. Resolves to true once there is room for more.
   *
   * @throws {TypeError} If the answer is ended.
   * @throws {RangeError} If it is more than was promised.
   */
  chunk(bytes: Uint8Array): Promise<boolean> {
    this.#check();
    if (!this.isOpen) return GONE;
    this.#promise(bytes.length);
    if (this.#compressor !== null) return this.#compress(bytes);
    if (bytes.length > 0) this.#write(bytes);
    return this.#sent();
  }

  /**
   * The same with bytes that stay as they are until the promise resolves: large
   * ones are sent from where they lie.
   */
  lent(bytes: Uint8Array): Promise<boolean> {
    const session = this.#session;
    const { length } = bytes;
    if (
      length < COPY_LIMIT || this.#compressor !== null || !this.isOpen ||
      this.#isEnded || session.isSecure
    ) return this.chunk(bytes);
    this.#promise(length);
    admit(session);
    if (session.isClosed) return GONE;
    session.count(length);
    const isChunked = this.#framing === Framing.CHUNKED;
    if (isChunked) {
      const out = session.out.room(CHUNK_FRAME);
      session.out.wrote(writeChunkSize(out, session.out.outEnd, length));
    }
    session.out.append(bytes);
    if (isChunked) {
      const out = session.out.room(CHUNK_FRAME);
      session.out.wrote(writeLineEnd(out, session.out.outEnd));
    }
    return session.flush();
  }

  /** The same with text, as UTF-8. */
  text(text: string): Promise<boolean> {
    const isShort = text.length <= SHORT_TEXT;
    if (
      !isShort || text.length === 0 || this.#compressor !== null ||
      this.#framing !== Framing.CHUNKED
    ) return this.chunk(encoder.encode(text));
    this.#check();
    if (!this.isOpen) return GONE;
    const session = this.#session;
    admit(session);
    if (session.isClosed) return GONE;
    // Most text is ASCII: its length in bytes is known before it is encoded.
    const out = session.out.room(text.length * 3 + CHUNK_FRAME);
    const start = session.out.outEnd;
    let at = writeChunkSize(out, start, text.length);
    let { written } = encoder.encodeInto(text, out.subarray(at));
    if (written !== text.length) {
      at = writeChunkSize(out, start, written);
      ({ written } = encoder.encodeInto(text, out.subarray(at)));
    }
    session.out.wrote(writeLineEnd(out, at + written));
    session.count(written);
    return this.#sent();
  }

  /**
   * Ends the answer.
   *
   * @throws {TypeError} If it is ended, or shorter than was promised; then
   * the connection is closed, so that the peer can tell.
   */
  end(): Promise<boolean> {
    this.#check();
    this.#isEnded = true;
    this.onGone = null;
    const session = this.#session;
    if (session.isClosed || this.#isEmpty) return GONE;
    if (this.#left > 0) {
      this.#breakOff(new HttpError("Answer is shorter than was promised"));
      throw new TypeError("Answer is shorter than its content-length");
    }
    if (this.#compressor !== null) return this.#endCompressed();
    return this.#finish();
  }

  /** Breaks the answer off, so that the peer can tell. */
  abort(error: unknown): void {
    this.#isEnded = true;
    this.onGone = null;
    this.#compressor?.close();
    if (!this.#isEmpty) this.#breakOff(error);
  }

  /** The same for a fault in what the body is made of, which is told of. */
  fail(error: unknown): void {
    const session = this.#session;
    if (!session.isClosed) session.host.fault(error, session);
    this.abort(undefined);
  }

  /** What was made goes out, so that the peer can tell that more was to come. */
  #breakOff(error: unknown): void {
    this.#session.flush();
    this.#session.destroy(error);
  }

  /** The connection is gone. */
  gone(): void {
    this.#compressor?.close();
    const { onGone } = this;
    this.onGone = null;
    onGone?.();
  }

  /** Has a comment sent whenever nothing else was for so long, in ms. */
  keepAlive(ms: number): void {
    const { clock } = this.#session.host;
    if (ms <= 0 || ms === Infinity) return;
    this.#keepAliveTicks = clock.ticks(ms);
    this.#dueAt = clock.tick + this.#keepAliveTicks;
  }

  /** A tick has gone by. */
  swept(): void {
    const { tick } = this.#session.host.clock;
    if (tick < this.#dueAt || !this.isOpen) return;
    // What has not been taken yet shows as well that we are here.
    if (this.#session.out.bufferedAmount === 0) this.text(":\n\n");
    this.#dueAt = tick + this.#keepAliveTicks;
  }

  #check(): void {
    if (this.#isEnded) throw new TypeError("Answer is ended already");
  }

  /** Counts bytes towards a promised length. */
  #promise(length: number): void {
    if (this.#framing !== Framing.LENGTH) return;
    if (length > this.#left) {
      this.abort(new HttpError("Answer is longer than was promised"));
      throw new RangeError("Answer is longer than its content-length");
    }
    this.#left -= length;
  }

  #sent(): Promise<boolean> {
    const session = this.#session;
    if (this.#keepAliveTicks > 0) {
      this.#dueAt = session.host.clock.tick + this.#keepAliveTicks;
    }
    return sendQueued(session);
  }

  /** Queues bytes, framed. */
  #write(bytes: Uint8Array): void {
    const session = this.#session;
    admit(session);
    if (session.isClosed) return;
    session.count(bytes.length);
    writeBody(session.out, bytes, this.#framing === Framing.CHUNKED);
  }

  #finish(): Promise<boolean> {
    if (this.#framing === Framing.CHUNKED) this.#session.out.append(LAST_CHUNK);
    return this.#session.answered();
  }

  // Compressing takes place elsewhere: one piece after the other.
  #compress(bytes: Uint8Array): Promise<boolean> {
    admit(this.#session, this.#uncoded);
    if (this.#session.isClosed) return GONE;
    const copy = new Uint8Array(bytes);
    this.#uncoded += copy.length;
    return this.#afterCoding(async (compressor) => {
      const coded = await compressor.write(copy, this.isPrompt);
      this.#uncoded -= copy.length;
      // What leaves nothing to send would never let anything else happen.
      this.#sinceTurn += copy.length;
      if (this.#sinceTurn > TURN_LENGTH) {
        this.#sinceTurn = 0;
        await new Promise<void>(fairTurn);
      }
      if (this.#session.isClosed) return false;
      if (coded.length > 0) this.#write(coded);
      return await this.#sent();
    });
  }

  #endCompressed(): Promise<boolean> {
    return this.#afterCoding(async (compressor) => {
      const coded = await compressor.end();
      compressor.close();
      if (this.#session.isClosed) return false;
      if (coded.length > 0) this.#write(coded);
      return await this.#finish();
    });
  }

  #afterCoding(
    step: (compressor: Compressor) => Promise<boolean>,
  ): Promise<boolean> {
    const result = this.#coding.then(() => step(this.#compressor!)).catch(
      (error) => {
        if (!this.#session.isClosed) this.abort(error);
        return false;
      },
    );
    this.#coding = result;
    return result;
  }
}

/**
 * Sends all that a source yields. An error in it breaks the connection off,
 * so that the peer can tell; a peer that goes ends the source.
 */
export async function pipe(
  answer: StreamAnswer,
  source: Source,
): Promise<boolean> {
  const began = answer.begin();
  try {
    if (!answer.isOpen) {
      source.cancel();
      return await began;
    }
    for (;;) {
      const piece = answer.isOpen
        ? await nextOrGone(answer, source.read())
        : null;
      if (piece === null) {
        source.cancel();
        return false;
      }
      if (piece.done) break;
      if (!await answer.lent(pieceOf(piece.value))) {
        source.cancel();
        return false;
      }
    }
    return answer.isOpen && await answer.end();
  } catch (error) {
    source.cancel(error);
    answer.fail(error);
    return false;
  }
}

/** The next piece, or null when the peer has gone while it was waited for. */
function nextOrGone(
  answer: StreamAnswer,
  next: Promise<Piece> | Piece,
): Promise<Piece | null> | Piece {
  if (!(next instanceof Promise)) return next;
  return new Promise((resolve, reject) => {
    answer.onGone = () => resolve(null);
    next.then(resolve, reject);
  });
}
