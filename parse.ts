/**
 * Bytes to values: the parsers of requests, of responses and of multipart
 * forms, which do no I/O, and the helpers for queries, header values and cookies. They need
 * no permissions and can be used alone.
 *
 * ```ts
 * import { ParseEvent, RequestParser } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = new RequestParser({ maxContentLength: 100 });
 * parser.push(new TextEncoder().encode(
 *   "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
 * ));
 * assertEquals(parser.next(), ParseEvent.HEAD);
 * assertEquals(parser.next(), ParseEvent.BODY);
 * const body = parser.buffer.subarray(parser.bodyStart, parser.bodyEnd);
 * assertEquals(new TextDecoder().decode(body), "hi");
 * assertEquals(parser.next(), ParseEvent.END);
 * ```
 *
 * @module
 */
export {
  type Challenge,
  parseAuthParameters,
  parseChallenges,
} from "./parse/challenges.ts";
export {
  HttpError,
  ProtocolError,
  type ProtocolErrorCode,
  protocolErrors,
} from "./parse/errors.ts";
export {
  type EventStreamOptions,
  EventStreamParser,
  type ServerSentEvent,
} from "./parse/event_stream_parser.ts";
export { type HeaderFields, parseHeaderLine } from "./parse/fields.ts";
export { type LineLimits, LineParser } from "./parse/line_parser.ts";
export { MessageParser, type ParseLimits } from "./parse/message_parser.ts";
export { ParseEvent, Phase } from "./parse/phase.ts";
export {
  multipartBoundary,
  multipartKind,
} from "./parse/multipart_boundary.ts";
export {
  MultipartEvent,
  type MultipartLimits,
  MultipartParser,
  type MultipartParserOptions,
} from "./parse/multipart_parser.ts";
export {
  RequestParser,
  type RequestParserOptions,
} from "./parse/request_parser.ts";
export { ResponseParser } from "./parse/response_parser.ts";
export {
  encodeResponseData,
  type JsonObject,
  type ResponseData,
} from "./parse/response_data.ts";
export {
  parseCookieDate,
  parseSetCookie,
  type SetCookie,
} from "./parse/set_cookie.ts";
export {
  decodePercentEncoding,
  type HeaderParameters,
  parseCookies,
  parseHeaderParameters,
  parseQuery,
  parseUrl,
  type Query,
} from "./parse/values.ts";
