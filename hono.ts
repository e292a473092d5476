/**
 * Hono's WebSockets over this library's `serve()`, by one changed import:
 * `upgradeWebSocket` from here in place of that of `hono/deno`. All else of Hono
 * runs by `serve(app.fetch)` as it is.
 *
 * @module
 */
export {
  type HonoContext,
  type HonoHandler,
  type HonoSocket,
  type HonoSocketEvents,
  upgradeWebSocket,
} from "./server/hono_websocket.ts";
export type {
  CookieAttributes,
  CookieValue,
  HeaderPairs,
  HeaderValue,
  HeaderValues,
  RespondOptions,
  WebsocketAcceptOptions,
} from "./server.ts";
export {
  type DeflateOptions,
  type DeflateParameters,
  type MessageStream,
  Websocket,
  type WebsocketClose,
  type WebsocketEventMap,
  type WebsocketEvents,
  type WebsocketMessage,
} from "./websocket.ts";
