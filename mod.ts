/**
 * A micro HTTP/1.1 server and client over raw TCP: pull a client, answer it when
 * you like; ask a server, and take the response when you like.
 *
 * ```ts
 * import { HttpServer } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * const response = fetch(server.url);
 *
 * for await (const client of server) {
 *   client.respond({ hello: client.path });
 *   break;
 * }
 *
 * assertEquals(await (await response).json(), { hello: "/" });
 * await server.close();
 * ```
 *
 * What an application needs is here. The parts have doors of their own:
 * `@uhttp/uhttp/parse` the parsers, `@uhttp/uhttp/websocket` frames and handshakes,
 * `@uhttp/uhttp/server` and `@uhttp/uhttp/client` the rest of either side.
 *
 * @module
 */
export {
  type Answered,
  type AnsweredClient,
  BodyPart,
  type ClientHandler,
  commonLogLine,
  type Completion,
  type CompressOptions,
  type ConnectionErrorInfo,
  type CookieAttributes,
  type CookieValue,
  type EventsOptions,
  type FetchHandler,
  type FormValue,
  handle,
  type HandleOptions,
  type HeaderFields,
  type HeaderPairs,
  type HeaderValues,
  HttpConnection,
  HttpError,
  HttpRequest,
  HttpServer,
  type HttpServerOptions,
  IncomingMessage,
  jsonLogLine,
  merge,
  type MultipartOptions,
  type PartLimits,
  ProtocolError,
  type ProtocolErrorCode,
  type Query,
  RawConnection,
  type RedirectOptions,
  type RespondFileOptions,
  type RespondOptions,
  type ResponseData,
  select,
  type Selectable,
  serve,
  type ServeInfo,
  type ServeOptions,
  type ServerEvent,
  type ServerLimits,
  type ServerSentEvent,
  type ServerStats,
  STATUS_CODES,
  upgradeWebSocket,
  type WebsocketAcceptOptions,
} from "./server.ts";
export {
  AbortedError,
  type ClientAuth,
  ClientError,
  type ClientLimits,
  ClientRequest,
  type ClientTiming,
  ConnectError,
  ConnectionLostError,
  type Cookie,
  CookieJar,
  HttpClient,
  type HttpClientOptions,
  HttpResponse,
  type RequestData,
  type RequestOptions,
  ResponseError,
  TimeoutError,
  TlsError,
  TooLargeError,
  type WebsocketConnectOptions,
} from "./client.ts";
export {
  type MessageStream,
  Websocket,
  type WebsocketClose,
  WebsocketError,
  type WebsocketMessage,
} from "./websocket.ts";
