/** Stable names of all that a peer can do wrong in a message. */
export type ProtocolErrorCode =
  | "bad-method"
  | "bad-target"
  | "bad-target-form"
  | "bad-version"
  | "bad-line-end"
  | "bad-field-name"
  | "bad-field-value"
  | "folded-field"
  | "missing-host"
  | "repeated-host"
  | "bad-host"
  | "bad-content-length"
  | "repeated-content-length"
  | "length-and-encoding"
  | "bad-transfer-encoding"
  | "bad-chunk-size"
  | "bad-chunk-extension"
  | "bad-chunk-end"
  | "bad-json"
  | "json-too-deep"
  | "bad-encoding"
  | "bad-multipart"
  | "not-a-form"
  | "bad-status"
  | "bad-reason"
  | "status-line-too-long"
  | "unexpected-bytes"
  | "unexpected-switch"
  | "bad-content-coding"
  | "unknown-content-coding"
  | "bad-location"
  | "too-many-redirects"
  | "bad-event-stream"
  | "websocket-refused"
  | "header-timeout"
  | "body-timeout"
  | "answer-timeout"
  | "body-too-large"
  | "too-many-parts"
  | "too-many-fields"
  | "request-line-too-long"
  | "unsupported-expectation"
  | "headers-too-large"
  | "too-many-headers"
  | "unsupported-method"
  | "method-too-long"
  | "unsupported-transfer-coding"
  | "unsupported-version";

/**
 * What a peer can do wrong: the status that answers it, and a reason that
 * repeats nothing the peer sent.
 */
export const protocolErrors: Readonly<
  Record<ProtocolErrorCode, readonly [status: number, reason: string]>
> = {
  "bad-method": [400, "Method is not a token"],
  "bad-target": [400, "Request target is malformed"],
  "bad-target-form": [400, "Request target has a form its method may not have"],
  "bad-version": [400, "HTTP version is missing or malformed"],
  "bad-line-end": [400, "Line does not end with CR LF"],
  "bad-field-name": [400, "Field name is empty or not a token"],
  "bad-field-value": [400, "Field value holds a control byte"],
  "folded-field": [400, "Field line is folded or starts with white space"],
  "missing-host": [400, "Host is missing"],
  "repeated-host": [400, "Host is repeated"],
  "bad-host": [400, "Host is malformed"],
  "bad-content-length": [400, "Content-Length is malformed"],
  "repeated-content-length": [400, "Content-Length is repeated"],
  "length-and-encoding": [400, "Content-Length and Transfer-Encoding together"],
  "bad-transfer-encoding": [400, "Transfer-Encoding is malformed"],
  "bad-chunk-size": [400, "Chunk size is malformed"],
  "bad-chunk-extension": [400, "Chunk extension is malformed or too long"],
  "bad-chunk-end": [400, "Chunk does not end with CR LF"],
  "bad-json": [400, "Body is not valid JSON"],
  "json-too-deep": [400, "JSON is nested too deeply"],
  "bad-encoding": [400, "Body is not valid UTF-8"],
  "bad-multipart": [400, "Multipart body is malformed"],
  "header-timeout": [408, "Request header took too long"],
  "body-timeout": [408, "Request body took too long"],
  "answer-timeout": [504, "Answer took too long"],
  "body-too-large": [413, "Request body is too large"],
  "too-many-parts": [413, "Multipart body has too many parts"],
  "too-many-fields": [413, "Form has too many fields"],
  "request-line-too-long": [414, "Request line is too long"],
  "not-a-form": [415, "Body is not a form"],
  "unsupported-expectation": [417, "Expectation is not supported"],
  "headers-too-large": [431, "Header section is too large"],
  "too-many-headers": [431, "Header section has too many lines"],
  "unsupported-method": [501, "CONNECT is not enabled"],
  "method-too-long": [501, "Method is longer than any that is known"],
  "unsupported-transfer-coding": [501, "Transfer coding is not supported"],
  "bad-status": [502, "Status code is not three digits from 100 on"],
  "bad-reason": [502, "Reason phrase holds a control byte"],
  "status-line-too-long": [502, "Status line is too long"],
  "unexpected-bytes": [502, "Bytes came that no request had asked for"],
  "unexpected-switch": [502, "Protocol is switched without being asked to"],
  "bad-content-coding": [502, "Content coding is malformed or incomplete"],
  "unknown-content-coding": [502, "Content coding is none that is known here"],
  "bad-location": [502, "Location is malformed, or not one of HTTP"],
  "too-many-redirects": [502, "Redirects are too many"],
  "bad-event-stream": [502, "Response is not an event stream"],
  "websocket-refused": [502, "WebSocket was not accepted"],
  "unsupported-version": [505, "HTTP version is not supported"],
};

/**
 * The root of this library's errors.
 *
 * `status` is the HTTP status that answers the error, where there is one.
 */
export class HttpError extends Error {
  /** The class's name. */
  override name = "HttpError";
  /** The HTTP status that answers this error, if it maps to one. */
  readonly status: number | undefined;

  /**
   * An error with a status.
   *
   * @param message What went wrong.
   * @param status The HTTP status that answers it.
   * @param options The cause, as for every `Error`.
   */
  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/**
 * A peer broke the protocol or one of our limits.
 *
 * The message is fixed for each code: it never holds the peer's own bytes.
 */
export class ProtocolError extends HttpError {
  /** The class's name. */
  override name = "ProtocolError";
  /** Which rule was broken. */
  readonly code: ProtocolErrorCode;
  /** Where: bytes from the start of the message, or -1 where unknown. */
  readonly offset: number;
  /** The HTTP status that answers this error. */
  declare readonly status: number;

  /**
   * An error with the message and the status of its code.
   *
   * @param code Which rule was broken.
   * @param offset Where: bytes from the start of the message.
   */
  constructor(code: ProtocolErrorCode, offset = -1) {
    super(protocolErrors[code][1], protocolErrors[code][0]);
    this.code = code;
    this.offset = offset;
  }
}
