import type { ContentCoding } from "../wire/content_coding.ts";
import { decodePieces } from "./decoder.ts";
import { type BodyOrigin, IncomingBody } from "./incoming_body.ts";

/** A body of which the codings are taken off as it is read. */
export class DecodedBody implements BodyOrigin {
  /** What is read. */
  readonly body: IncomingBody = new IncomingBody(this, -1, Infinity);
  readonly #pieces: ReturnType<typeof decodePieces>;
  readonly #fault: (error: unknown) => Error;
  readonly #leave: () => void;

  /**
   * @param incoming The body as it arrives.
   * @param fault What who reads gets for an error.
   * @param leave Told where no more can be read.
   */
  constructor(
    incoming: IncomingBody,
    codings: readonly ContentCoding[],
    fault: (error: unknown) => Error,
    leave: () => void,
  ) {
    this.#pieces = decodePieces(codings, () => incoming.next());
    this.#fault = fault;
    this.#leave = leave;
  }

  /** @ignore The next piece is wanted. */
  readBody(): void {
    const { body } = this;
    this.#pieces.next().then(
      (piece) => piece === null ? body.finish("") : body.take(piece),
      (error) => {
        const fault = this.#fault(error);
        body.fail(fault);
        // What comes of the connection itself has ended it already.
        if (fault !== error) this.#leave();
      },
    );
  }

  /** @ignore The body is over its limit. */
  refuseBody(): void {
    this.#leave();
  }

  /** Lets go of all that is held. */
  close(): void {
    this.#pieces.close();
  }
}
