import type { Fields } from "./hop_by_hop.ts";

/** Who looks on while something is passed on. */
export interface Watch {
  /** What is sent to the backend. */
  request(target: string, fields: Readonly<Fields>): void;
  /** A piece of its body. */
  requestPiece(bytes: Uint8Array): void;
  /** What the backend answers. */
  response(status: number, reason: string, fields: Readonly<Fields>): void;
  /** A piece of that. */
  responsePiece(bytes: Uint8Array): void;
  /** A message of a WebSocket. */
  message(isOurs: boolean, message: string | Uint8Array): void;
  /** It is over; `fault` says what went wrong. */
  end(fault: string | null): void;
}
