// As much of Bun's global as the peers use.

/** A server, as a handler sees it. */
export interface BunServer {
  upgrade(request: Request): boolean;
}

/** A WebSocket. */
export interface BunWebsocket {
  send(message: string | Uint8Array): void;
}

/** The global. */
export interface BunRuntime {
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout?: number;
    maxRequestBodySize?: number;
    tls?: { cert: string; key: string };
    fetch(
      request: Request,
      server: BunServer,
    ): Response | undefined | Promise<Response>;
    websocket?: {
      message(ws: BunWebsocket, message: string | Uint8Array): void;
    };
  }): void;
  file(path: string): Blob;
}

/** It, where this runs on Bun. */
export const Bun: BunRuntime =
  (globalThis as unknown as { Bun: BunRuntime }).Bun;
