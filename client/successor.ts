import { largerBuffer, readBuffer } from "../parse/message_parser.ts";

/** Read buffer of a connection that speaks something else than HTTP. */
const FIRST_BUFFER = 4096;

/** What takes a connection over when the protocol is switched. */
export interface Successor {
  /** Bytes have come; returns whether to read on. */
  received(bytes: Uint8Array): boolean;
  /** The peer has closed its side. */
  ended(): void;
  /** The connection is gone. */
  gone(error: unknown): void;
}

/** A connection that was taken over, and what is read for its successor. */
export class Takeover {
  readonly successor: Successor;
  /** What is read into; it grows where it is filled at once. */
  space: Uint8Array<ArrayBuffer> = readBuffer(FIRST_BUFFER);

  constructor(successor: Successor) {
    this.successor = successor;
  }

  /** Passes on what was read; returns whether to read on. */
  received(length: number): boolean {
    const buffer = this.space;
    const goesOn = this.successor.received(buffer.subarray(0, length));
    if (length === buffer.length) this.space = largerBuffer(buffer);
    return goesOn;
  }
}
