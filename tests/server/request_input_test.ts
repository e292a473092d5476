import { assertEquals } from "@std/assert";
import type { HttpConnection, HttpServerOptions } from "@uhttp/uhttp";
import { Arena } from "../support/arena.ts";

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const POST = "POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde";

/** What is sent at once while its first request is held, and how that is read. */
const AHEAD: Record<string, {
  text: string;
  options?: HttpServerOptions;
  read?: (client: HttpConnection) => Promise<unknown>;
}> = {
  "a request": { text: GET("/held") + GET("/ahead") },
  "requests": { text: GET("/held") + GET("/ahead").repeat(3) },
  "half a request": { text: GET("/held") + GET("/ahead").slice(0, 20) },
  "a request behind a body": {
    text: POST + GET("/ahead"),
    options: { streaming: true },
    read: (client) => client.text(),
  },
  "a request behind a body that nobody reads": {
    text: POST + GET("/ahead"),
    options: { streaming: true },
  },
  "nothing": { text: GET("/held") },
};

for (const [what, { text, options, read }] of Object.entries(AHEAD)) {
  Deno.test(`HttpServer takes ${what} sent ahead once, and what comes later`, async () => {
    const paths: string[] = [];
    await using arena = new Arena((client, arena) => {
      paths.push(client.path);
      if (client.path === "/held") return arena.hold(client);
      return client.respond(client.path);
    }, { keepAliveTimeout: 100, ...options });
    const peer = await arena.connect();
    await peer.send(text);
    const client = await arena.next();
    // Some ticks go by: the server reads on, to learn whether the peer has left.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await read?.(client);
    client.respond(client.path);
    const wanted = text.match(/\/held|\/ahead/g)!;
    const isHalf = !text.endsWith("\r\n\r\n") && !text.endsWith("abcde");
    const rest = isHalf ? GET("/ahead").slice(20) : "";
    for (const path of isHalf ? ["/held"] : wanted) {
      assertEquals((await peer.response()).body, path);
    }
    await peer.send(rest + GET("/later"));
    const after = isHalf ? ["/ahead", "/later"] : ["/later"];
    for (const path of after) {
      assertEquals((await peer.response()).body, path);
    }
    assertEquals(paths, [...wanted, "/later"]);
  });
}
