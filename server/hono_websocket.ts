import type { Websocket } from "../websocket/websocket.ts";
import { upgradeWebSocket as upgrade } from "./web_upgrade.ts";
import type { WebsocketAcceptOptions } from "./websocket_answer.ts";

/** What is asked of a context of Hono's. */
export interface HonoContext {
  /** Its request. */
  readonly req: {
    /** The `Request` that `serve()` has handed out. */
    readonly raw: Request;
    /** A header's value. */
    header(name: string): string | undefined;
  };
}

/** What Hono's listeners get to answer by. */
export interface HonoSocket {
  /** The WebSocket itself, with all that it can do. */
  readonly raw: Websocket;
  /** 0 to 3, as a browser's WebSocket has it. */
  readonly readyState: 0 | 1 | 2 | 3;
  /** The subprotocol that was agreed on; empty without one. */
  readonly protocol: string;
  /** The URL; `null`, as a server's WebSocket has none. */
  readonly url: URL | null;
  /** Sends a message. */
  send(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>): void;
  /** Closes, with a code and a reason. */
  close(code?: number, reason?: string): void;
}

/** What is listened for. */
export interface HonoSocketEvents {
  /** It is open. */
  onOpen?(event: Event, ws: HonoSocket): void;
  /** A message: text, or an `ArrayBuffer`. */
  // deno-lint-ignore no-explicit-any -- as the web platform has it
  onMessage?(event: MessageEvent<any>, ws: HonoSocket): void;
  /** It is closed. */
  onClose?(event: CloseEvent, ws: HonoSocket): void;
  /** The peer, or its connection, is at fault. */
  onError?(event: Event, ws: HonoSocket): void;
}

/** A handler of Hono's. */
export type HonoHandler = (
  c: HonoContext,
  next: () => Promise<void>,
) => Promise<Response | void>;

/**
 * Hono's helper for WebSockets, over {@linkcode serve}: import it in place of
 * that of `hono/deno`. Who asks for no WebSocket is left to the next handler.
 *
 * ```ts ignore
 * import { Hono } from "npm:hono";
 * import { serve } from "@uhttp/uhttp";
 * import { upgradeWebSocket } from "@uhttp/uhttp/hono";
 *
 * const app = new Hono();
 * app.get(
 *   "/ws",
 *   upgradeWebSocket(() => ({
 *     onMessage: (event, ws) => ws.send(`You said ${event.data}`),
 *   })),
 * );
 * serve({ port: 9980 }, app.fetch);
 * ```
 *
 * @param createEvents Makes the listeners of one WebSocket.
 * @param options As for `acceptWebsocket()`; times are milliseconds. Of the
 * subprotocols that are offered the first is taken unless they name one.
 */
export function upgradeWebSocket(
  createEvents: (
    c: HonoContext,
  ) => HonoSocketEvents | Promise<HonoSocketEvents>,
  options: WebsocketAcceptOptions = {},
): HonoHandler {
  return async (c, next) => {
    const events = await createEvents(c);
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      return await next();
    }
    const offered = c.req.header("sec-websocket-protocol");
    const protocol = offered?.split(",", 1)[0].replace(/^[ \t]+|[ \t]+$/g, "");
    const { socket, response } = upgrade(
      c.req.raw,
      protocol ? { protocol, ...options } : options,
    );
    listen(socket, events);
    return response;
  };
}

/** Passes what is heard of a WebSocket on. */
function listen(socket: Websocket, events: HonoSocketEvents): void {
  const ws: HonoSocket = {
    raw: socket,
    get readyState() {
      return socket.readyState as HonoSocket["readyState"];
    },
    protocol: socket.protocol,
    url: null,
    send: (data) => void socket.send(data),
    close: (code, reason) => void socket.close(code, reason),
  };
  socket.onopen = (event) => events.onOpen?.(event, ws);
  socket.onmessage = (event) => events.onMessage?.(event, ws);
  socket.onclose = (event) => events.onClose?.(event, ws);
  socket.onerror = (event) => events.onError?.(event, ws);
}
