import type { Websocket } from "../websocket/websocket.ts";
import { HttpConnection } from "./http_connection.ts";
import { originOf } from "./web_request.ts";
import type { WebsocketAcceptOptions } from "./websocket_answer.ts";

/**
 * What `Deno.upgradeWebSocket()` is to `Deno.serve()`, for requests of
 * {@linkcode serve}: accepts a request for a WebSocket. Return the response,
 * which stands for the answer that is given by that.
 *
 * ```ts
 * import { serve, upgradeWebSocket } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * const server = serve({ hostname: "127.0.0.1", port: 0 }, (request) => {
 *   const { socket, response } = upgradeWebSocket(request);
 *   socket.onopen = () => socket.send("hello");
 *   return response;
 * });
 * const peer = new WebSocket(server.url.replace("http", "ws"));
 * const said = await new Promise((resolve) => {
 *   peer.onmessage = (event) => resolve(event.data);
 * });
 * assertEquals(said, "hello");
 * peer.close();
 * await server.close();
 * ```
 *
 * @param options As for `acceptWebsocket()`; times are milliseconds.
 * @throws {TypeError} If the request is none of this library's, does not ask for
 * a WebSocket, was refused as it asks for one in a wrong way, or is answered.
 */
export function upgradeWebSocket(
  request: Request,
  options: WebsocketAcceptOptions = {},
): { socket: Websocket; response: Response } {
  const client = originOf(request);
  if (!(client instanceof HttpConnection)) {
    throw new TypeError("Request is not one that serve() has handed out");
  }
  if (!client.isWebsocketRequest) {
    throw new TypeError("Request does not ask for a WebSocket");
  }
  let socket: Websocket | null = null;
  // Before any message, and behind this turn, in which listeners are added.
  queueMicrotask(() => socket?.dispatchEvent(new Event("open")));
  socket = client.acceptWebsocket(options);
  if (socket === null) {
    throw new TypeError(
      "Request for a WebSocket was refused, or its peer is gone",
    );
  }
  const response = new Response(null);
  Object.defineProperty(response, "status", { value: 101 });
  return { socket, response };
}
