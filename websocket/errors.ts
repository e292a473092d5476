import { HttpError } from "../parse/errors.ts";

/** Stable names of all that a peer can do wrong in a WebSocket. */
export type WebsocketErrorCode =
  | "reserved-bit"
  | "bad-opcode"
  | "fragmented-control"
  | "control-too-long"
  | "unexpected-continuation"
  | "unfinished-message"
  | "missing-mask"
  | "unexpected-mask"
  | "bad-length"
  | "bad-close-payload"
  | "bad-close-code"
  | "bad-text"
  | "bad-compression"
  | "message-too-large"
  | "bad-handshake";

/**
 * What a peer can do wrong: the close code that answers it (RFC 6455 section
 * 7.4.1), and a reason that repeats nothing the peer sent.
 */
export const websocketErrors: Readonly<
  Record<WebsocketErrorCode, readonly [closeCode: number, reason: string]>
> = {
  "reserved-bit": [1002, "Frame has a reserved bit set"],
  "bad-opcode": [1002, "Frame has a reserved opcode"],
  "fragmented-control": [1002, "Control frame is fragmented"],
  "control-too-long": [1002, "Control frame is too long"],
  "unexpected-continuation": [1002, "Continuation frame continues nothing"],
  "unfinished-message": [1002, "Message begins within another"],
  "missing-mask": [1002, "Frame of a client is not masked"],
  "unexpected-mask": [1002, "Frame of a server is masked"],
  "bad-length": [1002, "Frame length is malformed"],
  "bad-close-payload": [1002, "Close frame is malformed"],
  "bad-close-code": [1002, "Close code may not be sent"],
  "bad-text": [1007, "Text is not valid UTF-8"],
  "bad-compression": [1007, "Compressed message is malformed"],
  "message-too-large": [1009, "Message is too large"],
  "bad-handshake": [1002, "Handshake was not answered as asked"],
};

/**
 * A peer broke the WebSocket protocol or one of our limits.
 *
 * The message is fixed for each code: it never holds the peer's own bytes.
 */
export class WebsocketError extends HttpError {
  /** The class's name. */
  override name = "WebsocketError";
  /** Which rule was broken. */
  readonly code: WebsocketErrorCode;
  /** The close code that answers it. */
  readonly closeCode: number;

  /**
   * An error with the message and the close code of its code.
   *
   * @param code Which rule was broken.
   */
  constructor(code: WebsocketErrorCode) {
    super(websocketErrors[code][1]);
    this.code = code;
    this.closeCode = websocketErrors[code][0];
  }
}
