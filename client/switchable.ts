import type { ResponseParser } from "../parse/response_parser.ts";
import type { Transport } from "../transport/transport.ts";

/** A connection of which the protocol can be switched. */
export interface Switchable {
  /** What the other protocol is spoken on. */
  readonly transport: Transport;
  /** What has read the response that agrees. */
  readonly parser: ResponseParser;
  /** All is said in the other protocol: closes it in good order. */
  endUpgrade(): void;
  /** A tick has gone by. */
  sweep(): void;
}
