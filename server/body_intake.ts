import { ParseEvent } from "../parse/message_parser.ts";
import type { RequestParser } from "../parse/request_parser.ts";
import { bodyRoom, type IncomingBody } from "../message/incoming_body.ts";
import { answeredBefore } from "./body_faults.ts";

const NOTHING = new Uint8Array(0);

/** A body that is wanted as a whole, as far as it has come. */
export class BodyCollector {
  /** Bytes that have come. */
  length = 0;
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;

  /**
   * Adds bytes, which are copied.
   *
   * @param announced The length that the request promises; negative for none.
   */
  add(bytes: Uint8Array, announced: number): void {
    const total = this.length + bytes.length;
    if (this.#bytes.length < total) {
      const grown = new Uint8Array(bodyRoom(total, announced));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.length);
    this.length = total;
  }

  /** All of it. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

/** Passes over what is here of a body; whether that was all of it. */
export function passOver(parser: RequestParser, body: IncomingBody): boolean {
  if (body.isDone) return true;
  if (body.isWaiting) return false;
  let isCut = body.isLent;
  for (;;) {
    switch (parser.next()) {
      case ParseEvent.BODY:
        isCut = true;
        break;
      case ParseEvent.END:
        // Whoever reads on must not take it for a shorter body.
        if (isCut) body.fail(answeredBefore());
        else body.finish(parser.trailer);
        return true;
      default:
        if (isCut) body.fail(answeredBefore());
        return false;
    }
  }
}
