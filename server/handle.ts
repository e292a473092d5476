import { checkFunction } from "../parse/arguments.ts";
import { ProtocolError } from "../parse/errors.ts";
import { OptionNames } from "../parse/option_names.ts";
import type { HttpConnection } from "./http_connection.ts";
import { HttpServer } from "./http_server.ts";
import { merge } from "./merge.ts";

/** Answers a client, now or once its promise resolves. */
export type ClientHandler = (client: HttpConnection) => unknown;

/** How {@linkcode handle} runs. */
export interface HandleOptions {
  /**
   * Told what a handler threw, and of clients that it left without an answer;
   * by default it is written to standard error. It may still answer: what it
   * does not answer either gets a plain 500, or its own status where the peer
   * was at fault.
   */
  onError?: (error: unknown, client: HttpConnection) => unknown;
}

const NAMES = new OptionNames<HandleOptions>("handle()", { onError: true });

/**
 * Runs a handler for each client of a server, or of several: the loop that one
 * writes otherwise. Many run at the same time. A handler that throws, or leaves
 * its client without an answer, spoils nothing: the client is answered with 500,
 * and `onError` is told. It ends with the last client of a server that is
 * closed.
 *
 * ```ts
 * import { handle, HttpServer } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * const handled = handle(server, async (client) => {
 *   client.respond({ said: await client.json() });
 * }, { onError: () => {} });
 *
 * const post = (body: string) => fetch(server.url, { method: "POST", body });
 * assertEquals(await (await post("[1]")).json(), { said: [1] });
 * assertEquals(await (await post("{")).text(), "Body is not valid JSON\n");
 *
 * await server.shutdown();
 * await handled;
 * ```
 *
 * @param source A server, a list of them, or what else yields clients.
 * @returns A promise that resolves when there are no more, and all handlers are
 * done.
 * @throws {TypeError} If a source, a handler or an option is none.
 */
export function handle(
  source: HttpServer | readonly HttpServer[] | AsyncIterable<HttpConnection>,
  handler: ClientHandler,
  options: HandleOptions = {},
): Promise<void> {
  NAMES.check(options);
  checkFunction("Handler", handler);
  const { onError = report } = options;
  checkFunction('Option "onError"', onError);
  const clients = Array.isArray(source)
    ? merge(...source as HttpServer[])
    : source as AsyncIterable<HttpConnection>;
  if (
    typeof clients !== "object" || clients === null ||
    !(Symbol.asyncIterator in clients)
  ) throw new TypeError("What is handled is no server, and yields no clients");
  return run(clients, handler, onError);
}

type OnError = NonNullable<HandleOptions["onError"]>;

async function run(
  clients: AsyncIterable<HttpConnection>,
  handler: ClientHandler,
  onError: OnError,
): Promise<void> {
  const open = new Set<Promise<void>>();
  for await (const client of clients) {
    let made: unknown;
    try {
      made = handler(client);
    } catch (error) {
      made = Promise.reject(error);
    }
    if (client.isAnswered && !isPromise(made)) continue;
    const done = settle(client, made, onError);
    open.add(done);
    done.then(() => open.delete(done));
  }
  await Promise.all(open);
}

function isPromise(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Sees to it that a client is answered once its handler is done. */
async function settle(
  client: HttpConnection,
  made: unknown,
  onError: OnError,
): Promise<void> {
  try {
    await made;
    if (client.isAnswered) return;
    // Who has left is not waited for, and mostly waits for nothing.
    if (client.isGone) return recover(client, null);
    throw new Error(`Handler has left ${client} without an answer`);
  } catch (error) {
    client.handlerFailed();
    try {
      await onError(error, client);
    } catch (fault) {
      console.error("Error in onError:", fault);
    }
    if (client.isAnswered) client.breakOff();
    else recover(client, error);
  }
}

/** Answers for a handler that did not. */
function recover(client: HttpConnection, error: unknown): void {
  const { status, message } = error instanceof ProtocolError
    ? error
    : { status: 500, message: "Internal Server Error" };
  client.respond(`${message}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

/** What peers do wrong is no fault of ours, and they may repeat it. */
function report(error: unknown): void {
  if (!(error instanceof ProtocolError)) {
    console.error("Error in a client's handler:", error);
  }
}
