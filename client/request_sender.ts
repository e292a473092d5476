import { writeLatin1 } from "../wire/response_head.ts";
import type { Attempt } from "./attempt.ts";
import { asError } from "./errors.ts";
import type { InFlight } from "./in_flight.ts";
import type { Upload, UploadSink } from "./upload.ts";

/** What is sent on: the connection's transport. */
export interface SenderOutput extends UploadSink {
  room(length: number): Uint8Array<ArrayBuffer>;
  wrote(end: number): void;
  readonly outEnd: number;
}

/** Whose requests are sent: a connection's. */
export interface SenderHost {
  /** What is waited for got on. */
  gotOn(): void;
  /** Ends an attempt, and as a rule the connection. */
  giveUp(attempt: Attempt, error: Error): void;
  /** All of a request is out, of which the answer was complete before that. */
  isOutAtLast(attempt: Attempt): void;
}

/** Sends the requests of a connection: heads, and bodies as they come. */
export class RequestSender {
  readonly #host: SenderHost;
  readonly #out: SenderOutput;
  readonly #inFlight: InFlight;

  constructor(host: SenderHost, out: SenderOutput, inFlight: InFlight) {
    this.#host = host;
    this.#out = out;
    this.#inFlight = inFlight;
  }

  /** Sends a request, but for a body of which the go-ahead is waited for. */
  send(attempt: Attempt): void {
    const out = this.#out;
    const { head, plan, upload } = attempt;
    const room = out.room(head.length);
    writeLatin1(head, room, out.outEnd);
    out.wrote(out.outEnd + head.length);
    if (upload !== null && !plan.expectsContinue) {
      this.#sendBody(attempt, upload);
    }
    out.flush();
  }

  /** The body is wanted, or at least not refused (RFC 9110 section 10.1.1). */
  goAhead(attempt: Attempt): void {
    const { upload } = attempt;
    if (upload?.state !== "held") return;
    this.#sendBody(attempt, upload);
    this.#out.flush();
  }

  #sendBody(attempt: Attempt, upload: Upload): void {
    const host = this.#host;
    host.gotOn();
    upload.begin(
      this.#out,
      () => {
        host.gotOn();
        const { first, isHeld } = this.#inFlight;
        if (isHeld && attempt === first) this.#awaitOutput(attempt);
      },
      (error) => host.giveUp(attempt, asError(error)),
    );
  }

  /** Whether the kernel has all of the request that is answered next. */
  get isFirstOut(): boolean {
    const upload = this.#inFlight.first?.upload ?? null;
    if (upload === null) return true;
    if (
      upload.state === "queued" &&
      this.#out.bufferedAmount <= this.#inFlight.behind
    ) upload.taken();
    return upload.state === "sent";
  }

  /** The answer to the first is complete: waits until all of it is out. */
  hold(attempt: Attempt): void {
    attempt.answeredEarly();
    this.#host.gotOn();
    if (attempt.upload!.state === "queued") this.#awaitOutput(attempt);
  }

  /** Waits until what is queued of the first request is with the kernel. */
  #awaitOutput(attempt: Attempt): void {
    const inFlight = this.#inFlight;
    this.#out.whenBelow(inFlight.behind).then((isOut) => {
      if (!isOut || !inFlight.isHeld || attempt !== inFlight.first) return;
      attempt.upload!.taken();
      this.#host.isOutAtLast(attempt);
    });
  }
}
