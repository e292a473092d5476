import { HttpError } from "../parse.ts";
import type { HttpConnection } from "../server.ts";
import { AccessLog } from "./access_log.ts";
import { pause } from "../transport/clock.ts";
import { AllowedHosts } from "./allowed_hosts.ts";
import type { EchoArguments } from "./arguments.ts";
import { acceptsPages } from "./asker.ts";
import type { ExitCode } from "./exit_codes.ts";
import type { CliIo } from "./io.ts";
import { echoPage, PAGE_HEADERS } from "./listing.ts";
import { addressesOf, listenAll, whereLines } from "./listening.ts";
import { type Answerer, runServer } from "./running.ts";

/** Bytes of a body that is shown. */
const MAX_BODY = 1024 * 1024;
/** Bytes of a body with which all is laid out on lines. */
const MAX_INDENTED = 64 * 1024;
/** Levels of JSON that are told of as JSON. */
const MAX_DEPTH = 100;

const encoder = new TextEncoder();

/**
 * Answers every request with what was asked.
 *
 * @throws {CliError} If that cannot be.
 */
export async function runEcho(
  args: EchoArguments,
  io: CliIo,
): Promise<ExitCode> {
  const log = new AccessLog(io.stdout, args.log);
  const servers = await listenAll(args.places, {
    streaming: true,
    onAnswered: log.onAnswered,
  });
  const hosts = new AllowedHosts(args.allowedHosts, addressesOf(servers));
  const echo = new Echo(args, hosts);
  const greeting = servers.flatMap((server) =>
    whereLines(server, "Telling what was asked")
  );
  return await runServer(servers, echo, greeting, log, io);
}

class Echo implements Answerer {
  readonly #args: EchoArguments;
  readonly #hosts: AllowedHosts;

  constructor(args: EchoArguments, hosts: AllowedHosts) {
    this.#args = args;
    this.#hosts = hosts;
  }

  async answer(client: HttpConnection): Promise<boolean> {
    if (!this.#hosts.has(client.host)) {
      return this.#send(client, 421, "This is not the name of this site\n");
    }
    client.limit(MAX_BODY);
    let body: Uint8Array;
    try {
      body = await client.readAll();
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      // The server has answered that already, or the peer is gone.
      await this.#send(client, error.status ?? 400, error.message);
      return false;
    }
    const { delay, status } = this.#args;
    if (delay > 0) await pause(delay, client.signal).catch(() => {});
    // What is nested would become far more than it was.
    const indent = body.length <= MAX_INDENTED ? 2 : 0;
    const text = JSON.stringify(described(client, body), null, indent) + "\n";
    return acceptsPages(client)
      ? this.#send(client, status, echoPage(client.method, client.path, text), {
        ...PAGE_HEADERS,
      })
      : this.#send(client, status, text, {
        "content-type": "application/json",
      });
  }

  failed(client: HttpConnection): Promise<boolean> {
    return this.#send(client, 500, "Something went wrong here\n");
  }

  #send(
    client: HttpConnection,
    status: number,
    text: string,
    headers: Record<string, string> = {
      "content-type": "text/plain; charset=utf-8",
    },
  ): Promise<boolean> {
    const bytes = encoder.encode(text);
    if (this.#args.hasCors) headers["access-control-allow-origin"] = "*";
    return client.respond(bytes, {
      status,
      headers: { "cache-control": "no-store", vary: "accept", ...headers },
    });
  }
}

/** What was asked, in plain values. */
function described(
  client: HttpConnection,
  body: Uint8Array,
): Record<string, unknown> {
  const { method, url, path, query, protocol, host, remoteAddress } = client;
  const headers = { ...client.headers };
  return {
    method,
    url,
    path,
    query,
    protocol,
    host,
    address: remoteAddress,
    headers,
    cookies: client.cookies,
    ...bodyOf(body, client.contentType),
  };
}

/** A body as text, and as JSON where it is that; other bytes in Base64. */
function bodyOf(body: Uint8Array, type: string): Record<string, unknown> {
  if (body.length === 0) return { body: null };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    const chars = Array.from(body, (byte) => String.fromCharCode(byte));
    return { body: btoa(chars.join("")), bodyCoding: "base64" };
  }
  if (type === "application/x-www-form-urlencoded") {
    return { body: text, form: [...new URLSearchParams(text)] };
  }
  if (!/^application\/(?:[\w.-]+\+)?json$/.test(type)) return { body: text };
  try {
    const json = JSON.parse(text);
    return isDeep(json) ? { body: text } : { body: text, json };
  } catch {
    return { body: text };
  }
}

/** Whether values are nested more deeply than is written. */
function isDeep(value: unknown, left = MAX_DEPTH): boolean {
  if (typeof value !== "object" || value === null) return false;
  return left === 0 ||
    Object.values(value).some((one) => isDeep(one, left - 1));
}
