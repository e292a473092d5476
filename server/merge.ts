import { select } from "../transport/select.ts";
import type { HttpConnection } from "./http_connection.ts";
import type { HttpServer } from "./http_server.ts";

/**
 * The clients of several servers, one after the other, until all are closed.
 *
 * ```ts ignore
 * for await (const client of merge(http, https)) client.respond("hello");
 * ```
 */
export async function* merge(
  ...servers: HttpServer[]
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
