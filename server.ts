/**
 * The server: pull a client, look at it, and answer it when you like.
 *
 * ```ts
 * import { HttpServer } from "@uhttp/uhttp/server";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * const response = fetch(server.url);
 * const client = await server.wait(5000);
 * client?.respond("<h1>hello</h1>");
 * assertEquals(await (await response).text(), "<h1>hello</h1>");
 * ```
 *
 * @module
 */
export {
  HttpError,
  ProtocolError,
  type ProtocolErrorCode,
} from "./parse/errors.ts";
export type { HeaderFields } from "./parse/fields.ts";
export type {
  JsonObject,
  JsonValue,
  ResponseData,
} from "./parse/response_data.ts";
export type { Query } from "./parse/values.ts";
export type {
  Answered,
  AnsweredClient,
  Completion,
} from "./server/answered.ts";
export type { DataOptions, RespondOptions } from "./server/answer_head.ts";
export type { RespondFileOptions } from "./server/file_answer.ts";
export type { CompressOptions } from "./server/compression.ts";
export type { ServerEvent } from "./server/events.ts";
export type { NdjsonLimits } from "./message/body_readers.ts";
export type { FormValue } from "./message/form.ts";
export {
  type EventLimits,
  IncomingMessage,
} from "./message/incoming_message.ts";
export type { TextOptions } from "./message/text_options.ts";
export {
  AnswerableRequest,
  type RedirectOptions,
} from "./server/answerable_request.ts";
export {
  type EventsOptions,
  HttpConnection,
} from "./server/http_connection.ts";
export { HttpRequest } from "./server/http_request.ts";
export { commonLogLine, jsonLogLine, type Logged } from "./server/log_line.ts";
export { HttpServer, type ServerSocket } from "./server/http_server.ts";
export type { ServerLimits } from "./server/limits.ts";
export type {
  FrameOptions,
  MultipartOptions,
} from "./server/multipart_answer.ts";
export type {
  ConnectionErrorInfo,
  HttpServerOptions,
} from "./server/options.ts";
export { RawConnection } from "./server/raw_connection.ts";
export {
  type ClientHandler,
  handle,
  type HandleOptions,
} from "./server/handle.ts";
export { merge } from "./server/merge.ts";
export {
  type FetchHandler,
  serve,
  type ServeInfo,
  type ServeOptions,
} from "./server/serve.ts";
export { upgradeWebSocket } from "./server/web_upgrade.ts";
export type { ServerStats } from "./server/session_host.ts";
export type { WebsocketAcceptOptions } from "./server/websocket_answer.ts";
export type { ConnSource } from "./transport/acceptor.ts";
export { BodyPart, type PartLimits } from "./message/body_parts.ts";
export type { ServerSentEvent } from "./parse/event_stream_parser.ts";
export type { LineLimits } from "./parse/line_parser.ts";
export type { MultipartLimits } from "./parse/multipart_parser.ts";
export { select, type Selectable } from "./transport/select.ts";
export type { CookieAttributes, CookieValue } from "./wire/cookies.ts";
export type { ContentCoding } from "./wire/content_coding.ts";
export type {
  HeaderPairs,
  HeaderValue,
  HeaderValues,
} from "./wire/response_head.ts";
export { STATUS_CODES } from "./wire/status.ts";
