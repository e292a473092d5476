import { select } from "../transport/select.ts";
import type { HttpConnection } from "./http_connection.ts";
import { HttpServer } from "./http_server.ts";

/**
 * The clients of several servers, one after the other, until all are closed.
 *
 * ```ts ignore
 * for await (const client of merge(http, https)) client.respond("hello");
 * ```
 *
 * @throws {TypeError} If one is no server.
 */
export function merge(
  ...servers: HttpServer[]
): AsyncGenerator<HttpConnection, void, void> {
  if (!servers.every((server) => server instanceof HttpServer)) {
    throw new TypeError("What is merged are not HttpServers");
  }
  return clientsOf(servers);
}

async function* clientsOf(
  servers: readonly HttpServer[],
): AsyncGenerator<HttpConnection, void, void> {
  while (!servers.every((server) => server.isFinished)) {
    let found = false;
    for (const server of servers) {
      const client = server.processEvents();
      if (client === null) continue;
      found = true;
      yield client;
    }
    if (!found) await select(servers);
  }
}
