/**
 * The client: requests to one base URL over kept-alive connections.
 *
 * ```ts
 * import { HttpClient } from "@uhttp/uhttp/client";
 * import { HttpServer } from "@uhttp/uhttp/server";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * await using client = new HttpClient(server.url);
 *
 * const request = client.post("/items", { json: { name: "nut" } });
 * const asked = await server.wait(5000);
 * asked?.respond({ id: 7, ...asked.data }, { status: 201 });
 *
 * const response = await request;
 * assertEquals(response.status, 201);
 * assertEquals(await response.json(), { id: 7, name: "nut" });
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
export type { JsonObject } from "./parse/response_data.ts";
export type { ServerSentEvent } from "./parse/event_stream_parser.ts";
export type { LineLimits } from "./parse/line_parser.ts";
export type { MultipartLimits } from "./parse/multipart_parser.ts";
export type { ClientAuth } from "./client/authenticator.ts";
export type { NdjsonLimits } from "./message/body_readers.ts";
export type { FormValue } from "./message/form.ts";
export {
  type EventLimits,
  IncomingMessage,
} from "./message/incoming_message.ts";
export type { TextOptions } from "./message/text_options.ts";
export type { ClientStats } from "./client/core.ts";
export {
  type Cookie,
  type CookieHeaderOptions,
  CookieJar,
  type CookieJarOptions,
} from "./client/cookie_jar.ts";
export {
  AbortedError,
  ClientError,
  ConnectError,
  ConnectionLostError,
  type ErrorContext,
  ResponseError,
  TimeoutError,
  type TimeoutPhase,
  TlsError,
  TooLargeError,
} from "./client/errors.ts";
export { HttpClient, type HttpClientState } from "./client/http_client.ts";
export { ClientRequest, HttpResponse } from "./client/request_and_response.ts";
export type { EventsReadOptions } from "./client/lasting_events.ts";
export type { ClientLimits, HttpClientOptions } from "./client/options.ts";
export type {
  BodyOptions,
  FieldValue,
  FormFields,
  RequestData,
} from "./client/outgoing_body.ts";
export type {
  RequestHeaders,
  RequestOptions,
} from "./client/request_options.ts";
export type { ClientTiming } from "./client/timing.ts";
export type { WebsocketConnectOptions } from "./client/websocket_link.ts";
export { BodyPart, type PartLimits } from "./message/body_parts.ts";
export { select, type Selectable } from "./transport/select.ts";
export type { BodyStream } from "./message/source.ts";
export type { Meter } from "./transport/transport.ts";
export type { DeflateOptions } from "./websocket/extensions.ts";
export { MessageStream } from "./websocket/message_stream.ts";
export { Websocket } from "./websocket/websocket.ts";
export type { CookieAttributes, CookieValue } from "./wire/cookies.ts";
export type {
  HeaderPairs,
  HeaderValue,
  HeaderValues,
} from "./wire/response_head.ts";
