import { pieceOf, type Source } from "../message/source.ts";
import { type BodySink, LAST_CHUNK, writeBody } from "../wire/chunked.ts";
import type { OutgoingBody } from "./outgoing_body.ts";

/** Of a streamed body, so much may wait to be sent. */
const SEND_AHEAD = 131_072;

/** How far a body has got. */
export type UploadState =
  | "held" // the go-ahead is waited for
  | "sending" // its source has more, or may have
  | "queued" // all of it is to be taken by the kernel
  | "sent" // the kernel has taken it
  | "cut"; // the rest of it is not sent any more

/** What a body is sent on. */
export interface UploadSink extends BodySink {
  /** Bytes that the kernel has not taken. */
  readonly bufferedAmount: number;
  append(bytes: Uint8Array): void;
  flush(): unknown;
  whenBelow(amount: number): Promise<boolean>;
}

/** The body of one request on its way, also while the answer comes in. */
export class Upload {
  readonly #body: OutgoingBody;
  readonly #length: number;
  #source: Source | null = null;
  #state: UploadState = "held";
  #cutBy: unknown = undefined;
  #bytes = 0;

  /** @param length What was promised, or -1 where it goes out in chunks. */
  constructor(body: OutgoingBody, length: number) {
    this.#body = body;
    this.#length = length;
  }

  /** How far it has got. */
  get state(): UploadState {
    return this.#state;
  }

  /** Why the rest was not sent, where that was no wish of ours. */
  get cutBy(): unknown {
    return this.#cutBy;
  }

  /** Bytes of it that were queued so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether more of it may be queued. */
  get isPending(): boolean {
    return this.#state === "sending" || this.#state === "held";
  }

  /**
   * Queues what is in memory at once, and else what the source gives, as fast
   * as it is taken.
   *
   * @param queued Told when all of a source's is queued.
   * @param failed Told what the source, or its length, got wrong.
   */
  begin(
    sink: UploadSink,
    queued: () => void,
    failed: (error: unknown) => void,
  ): void {
    const { bytes } = this.#body;
    if (bytes !== null) {
      sink.append(bytes);
      this.#bytes = bytes.length;
      this.#state = "queued";
      return;
    }
    this.#state = "sending";
    let source: Source;
    try {
      source = this.#source = this.#body.open();
    } catch (error) {
      failed(error);
      return;
    }
    this.#pump(sink, source).then((isWhole) => {
      if (isWhole) queued();
    }).catch((error) => {
      source.cancel(error);
      failed(error);
    });
  }

  /** Resolves to whether all of it was queued. */
  async #pump(sink: UploadSink, source: Source): Promise<boolean> {
    const isChunked = this.#length < 0;
    let left = isChunked ? Infinity : this.#length;
    for (;;) {
      const { done, value } = await source.read();
      if (this.#source !== source) return false;
      if (done) break;
      const bytes = pieceOf(value);
      if (bytes.length === 0) continue;
      left -= bytes.length;
      if (left < 0) {
        throw new RangeError("Body is longer than its content-length");
      }
      writeBody(sink, bytes, isChunked);
      this.#bytes += bytes.length;
      sink.flush();
      if (sink.bufferedAmount > SEND_AHEAD) await sink.whenBelow(SEND_AHEAD);
      if (this.#source !== source) return false;
    }
    if (!isChunked && left > 0) {
      throw new RangeError("Body is shorter than its content-length");
    }
    if (isChunked) sink.append(LAST_CHUNK);
    this.#source = null;
    this.#state = "queued";
    sink.flush();
    return true;
  }

  /** The kernel has taken all that was queued. */
  taken(): void {
    if (this.#state === "queued") this.#state = "sent";
  }

  /** Sends no more of it, and tells its source. */
  cut(error?: unknown): void {
    if (this.#state === "sent" || this.#state === "cut") return;
    this.#state = "cut";
    this.#cutBy = error;
    const source = this.#source;
    this.#source = null;
    source?.cancel();
  }
}
