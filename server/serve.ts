import { checkFunction } from "../parse/arguments.ts";
import { HttpError, ProtocolError } from "../parse/errors.ts";
import type { HttpConnection } from "./http_connection.ts";
import { HttpServer } from "./http_server.ts";
import { OptionNames } from "../parse/option_names.ts";
import { type HttpServerOptions, SERVER_OPTIONS } from "./options.ts";
import { checkResponse } from "./web.ts";
import { isWhole } from "./web_response.ts";

/** What a handler learns beside the request. */
export interface ServeInfo {
  /** The socket's remote address. */
  readonly remoteAddr: Deno.Addr;
  /** Resolves when the answer is sent; rejects when the peer was gone. */
  readonly completed: Promise<void>;
  /** The connection itself, with all that a `Request` cannot do. */
  readonly client: HttpConnection;
}

/** A handler of the kind that `Deno.serve` and Hono's `app.fetch` are. */
export type FetchHandler = (
  request: Request,
  info: ServeInfo,
) => Response | Promise<Response>;

/** Options of {@linkcode serve}: those of a server, and a handler's. */
export interface ServeOptions extends Omit<HttpServerOptions, "onError"> {
  /** The handler, where it is given by no argument. */
  handler?: FetchHandler;
  /** Called once with the address that is listened on. */
  onListen?: (addr: Deno.Addr) => void;
  /**
   * Makes the response for a handler that threw; by default the error is
   * logged and answered with a plain 500, and what the peer did wrong, such as
   * JSON beyond `maxJsonDepth`, with its own status.
   */
  onError?: (error: unknown) => Response | Promise<Response>;
  /** What went wrong on a connection; `onError` of a server. */
  onConnectionError?: HttpServerOptions["onError"];
}

const NAMES = new OptionNames<ServeOptions>("serve()", {
  ...SERVER_OPTIONS,
  handler: true,
  onListen: true,
  onConnectionError: true,
});

/**
 * Serves by a handler from `Request` to `Response`. Bodies are streams; the
 * port is 8000 where none is given, and `maxContentLength` holds.
 *
 * ```ts
 * import { serve } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * const server = serve(
 *   (request) => new Response(request.method),
 *   { hostname: "127.0.0.1", port: 0 },
 * );
 * assertEquals(await (await fetch(server.url)).text(), "GET");
 * await server.shutdown();
 * ```
 *
 * @returns The server, which is listening: `shutdown()` ends it.
 * @throws {TypeError} If the handler is none, or as {@linkcode HttpServer}.
 */
export function serve(
  handler: FetchHandler,
  options?: ServeOptions,
): HttpServer;
/** The same in the other order. */
export function serve(
  options: ServeOptions,
  handler: FetchHandler,
): HttpServer;
/** The same with the handler among the options. */
export function serve(
  options: ServeOptions & { handler: FetchHandler },
): HttpServer;
/** All of these. */
export function serve(
  first: FetchHandler | ServeOptions,
  second?: ServeOptions | FetchHandler,
): HttpServer {
  const [given, options = {}] = typeof first === "function"
    ? [first, second as ServeOptions]
    : [second as FetchHandler, first];
  if (isApp(options)) {
    throw new TypeError(
      "Handler is not a function: give that of an app, as serve(app.fetch)",
    );
  }
  NAMES.check(options);
  const { onListen, onError, onConnectionError, handler = given, ...rest } =
    options;
  if (handler === undefined) throw new TypeError("Handler is missing");
  if (given !== undefined && handler !== given) {
    throw new TypeError("Handler is given twice");
  }
  checkFunction("Handler", handler);
  for (const [name, value] of Object.entries({ onListen, onError })) {
    if (value !== undefined) checkFunction(`Option "${name}"`, value);
  }
  const server = new HttpServer({
    port: rest.path === undefined && rest.listener === undefined
      ? 8000
      : undefined,
    streaming: true,
    ...rest,
    onError: onConnectionError,
  });
  onListen?.(server.addr);
  run(server, handler, onError ?? failed);
  return server;
}

/** Whether something is what `serve(app.fetch)` is meant to be given of. */
function isApp(options: unknown): boolean {
  return typeof options === "object" && options !== null &&
    "fetch" in options && typeof options.fetch === "function";
}

async function run(
  server: HttpServer,
  handler: FetchHandler,
  onError: (error: unknown) => Response | Promise<Response>,
): Promise<void> {
  for await (const client of server) {
    let request: Request;
    try {
      request = client.request;
    } catch {
      // A method or a URL that the web platform does not have.
      client.respond("Request has no form that can be handled\n", {
        status: 400,
        headers: { "content-type": "text/plain; charset=utf-8" },
      });
      continue;
    }
    handle(client, request, handler, onError);
  }
}

function handle(
  client: HttpConnection,
  request: Request,
  handler: FetchHandler,
  onError: (error: unknown) => Response | Promise<Response>,
): void {
  let made: Response | Promise<Response>;
  try {
    made = handler(request, new Info(client));
  } catch (error) {
    recover(client, error, onError);
    return;
  }
  if (made instanceof Response && made.status >= 200) answer(client, made);
  else {
    Promise.resolve(made).then((response) => answer(client, response)).catch(
      (error) => recover(client, error, onError),
    );
  }
}

function answer(client: HttpConnection, response: Response): void {
  if (!client.isAnswered) {
    const isSound = response instanceof Response && isWhole(response);
    client.respondWith(isSound ? response : checkResponse(response));
  } // A handler may have answered by the client itself.
  else if (response instanceof Response && response.body?.locked === false) {
    response.body.cancel().catch(() => {});
  }
}

/** Answers for a handler that threw. */
async function recover(
  client: HttpConnection,
  error: unknown,
  onError: (error: unknown) => Response | Promise<Response>,
): Promise<void> {
  client.handlerFailed();
  try {
    answer(client, await onError(error));
  } catch (error) {
    if (!client.isAnswered) client.respondWith(Promise.reject(error));
  }
}

function failed(error: unknown): Response {
  if (error instanceof ProtocolError) {
    return new Response(`${error.message}\n`, { status: error.status });
  }
  console.error("Error in a request's handler:", error);
  return new Response("Internal Server Error", { status: 500 });
}

/** Made for each request; what hardly anybody asks for is made then. */
class Info implements ServeInfo {
  readonly client: HttpConnection;

  constructor(client: HttpConnection) {
    this.client = client;
  }

  get remoteAddr(): Deno.Addr {
    return this.client.addr;
  }

  get completed(): Promise<void> {
    const completed = this.client.completed.then(({ isWhole }) => {
      if (!isWhole) throw new HttpError("Peer was gone before the answer");
    });
    completed.catch(() => {}); // no fault of those who only look at it
    return completed;
  }
}
