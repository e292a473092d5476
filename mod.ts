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
 * @module
 */
export * from "./client.ts";
export * from "./parse.ts";
export * from "./server.ts";
export * from "./websocket.ts";
