import {
  ClientError,
  HttpClient,
  type HttpResponse,
  ResponseError,
  TimeoutError,
} from "../client.ts";
import { HttpError } from "../parse.ts";
import type { HttpConnection } from "../server.ts";
import { after } from "../transport/clock.ts";
import { answerFields, type Fields, goesAlong } from "./hop_by_hop.ts";
import { relay } from "./relay.ts";
import type { Watch } from "./watch.ts";

/** A server behind this one, and what of it is to be had here. */
export interface Route {
  /** Paths that are its own: this one, and those below it. */
  prefix: string;
  /** Where it is; with a path, that stands in place of the prefix. */
  target: URL;
}

/** How long a backend may take until it answers, in ms. */
const HEAD_TIMEOUT = 300_000;
/** WebSockets at the same time: each may hold two large messages. */
const MAX_WEBSOCKETS = 256;
/** For how long a connection is kept, in ms: Node's servers close after 5 s. */
const KEEP_ALIVE = 4000;
/** As many connections as a server has places. */
const MAX_CONNECTIONS = 4096;

/** An answer of so many bytes, announced, is passed on when it is complete. */
const SMALL = 16 * 1024;

/** What a client of ours says by itself, and a proxy does not. */
const UNSAID = { accept: null, "accept-encoding": null, "user-agent": null };

/** What nobody but the last server before the backend can say. */
const FORWARDED =
  /^(?:forwarded|via|x-forwarded-(?:for|host|port|proto|server)|x-real-ip)$/;

/** The raw path and query of a request that is a path; `null` for any other. */
function pathOf(url: string): string | null {
  return url.startsWith("/") ? url : null;
}

/** Whether a path has segments that lead elsewhere, in whatever disguise. */
function hasDots(url: string): boolean {
  const mark = url.indexOf("?");
  const path = (mark < 0 ? url : url.slice(0, mark))
    .replace(/%2e/gi, ".").replace(/%2f|%5c|\\/gi, "/");
  return /\/\.{1,2}(?:[/;]|$)/.test(path);
}

/** One backend, to which requests are passed on. */
export class Backend {
  readonly route: Route;
  readonly #client: HttpClient;
  readonly #keepsSecret: boolean;
  /** By which it knows its own requests when they come back. */
  readonly #pseudonym = `uhttp-${crypto.randomUUID().slice(0, 8)}`;
  readonly #isHere: boolean;
  readonly #more: Readonly<Fields>;
  #websockets = 0;
  /** What would never end by itself, and ends it. */
  readonly #endless = new Set<() => void>();

  /**
   * @param keepsSecret Whether what lets in here is none of its business.
   * @param more Fields that it gets in place of those that come.
   */
  constructor(
    route: Route,
    keepsSecret: boolean,
    more: Readonly<Fields> = {},
  ) {
    this.route = route;
    this.#more = more;
    this.#keepsSecret = keepsSecret;
    const { hostname, origin } = route.target;
    this.#isHere = /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname) ||
      hostname.endsWith(".localhost");
    this.#client = new HttpClient(origin, {
      cookies: false,
      decompress: false,
      timeout: Infinity, // events may be rare; who leaves ends them
      maxConnections: MAX_CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE,
    });
  }

  /** Whether a request is for it. */
  has({ url }: HttpConnection): boolean {
    const { prefix } = this.route;
    const path = pathOf(url);
    if (path === null || !path.startsWith(prefix)) return false;
    return prefix.endsWith("/") || path.length === prefix.length ||
      "/?".includes(path[prefix.length]);
  }

  /** Where a request goes. */
  #target(url: string): string {
    const { prefix, target } = this.route;
    const { pathname, origin } = target;
    // As it was given: a path of its own stands for the prefix.
    if (target.href === origin + "/" && !target.hash) return origin + url;
    const base = pathname.replace(/\/$/, "");
    const rest = url.slice(prefix.length);
    return origin + base + (rest.startsWith("/") ? "" : "/") + rest;
  }

  /**
   * Passes a request on, and the answer back.
   *
   * @param refuse Answers in the site's own way.
   */
  async answer(
    client: HttpConnection,
    refuse: (status: number, message: string) => Promise<boolean>,
    watch: Watch | null = null,
  ): Promise<boolean> {
    const { method, url } = client;
    if (method === "TRACE") return refuse(405, "This method is not for here");
    if (hasDots(url)) return refuse(400, "Path leads elsewhere");
    if (client.headers.via?.includes(this.#pseudonym)) {
      return refuse(508, "Requests for this go in a circle");
    }
    if (client.isWebsocketRequest && this.#websockets >= MAX_WEBSOCKETS) {
      return refuse(503, "Too many WebSockets are open");
    }
    const fields = this.#fields(client);
    const target = this.#target(url);
    watch?.request(target, fields);
    try {
      const isSent = client.isWebsocketRequest
        ? await this.#talk(client, target, fields, watch)
        : await this.#pass(client, target, fields, watch);
      watch?.end(isSent ? null : "the client has left");
      return isSent;
    } catch (error) {
      const fault = faultOf(error, this.route);
      watch?.end(fault === null ? "the client has left" : fault.message);
      // Who has left, or has sent what is no request, is answered already.
      if (fault === null) return false;
      if (client.isAnswered) {
        client.close();
        return false;
      }
      return refuse(fault.status, fault.message);
    }
  }

  #fields(client: HttpConnection): Fields {
    const { headers } = client;
    const fields: Fields = Object.create(null);
    for (const [name, value] of Object.entries(headers)) {
      if (
        !goesAlong(name, headers.connection) || FORWARDED.test(name) ||
        name.startsWith("sec-websocket-") ||
        this.#keepsSecret && name === "authorization"
      ) continue;
      fields[name] = value;
    }
    // A server on this machine is known by the name that was asked for; another
    // one by its own.
    const { remoteAddress, host } = client;
    if (this.#isHere && host !== "") fields.host = host;
    else delete fields.host;
    // On a Unix socket nobody has an address, and by HTTP/1.0 it may lack a host.
    if (remoteAddress !== "unix") fields["x-forwarded-for"] = remoteAddress;
    if (host !== "") fields["x-forwarded-host"] = host;
    fields["x-forwarded-proto"] = client.isSecure ? "https" : "http";
    const via = headers.via === undefined ? "" : `${headers.via}, `;
    fields.via = `${via}1.1 ${this.#pseudonym}`;
    return Object.assign(fields, this.#more);
  }

  async #pass(
    client: HttpConnection,
    target: string,
    fields: Fields,
    watch: Watch | null,
  ): Promise<boolean> {
    const { contentLength, headers } = client;
    const hasBody = (contentLength ?? 0) > 0 ||
      headers["transfer-encoding"] !== undefined;
    client.limit(Infinity); // it is kept nowhere, and the backend has its own
    if (hasBody && contentLength !== null) {
      fields["content-length"] = String(contentLength);
    }
    const ending = new AbortController();
    const leave = () => ending.abort();
    if (client.signal.aborted) return false;
    client.signal.addEventListener("abort", leave);
    let isLate = false;
    const callOff = after(HEAD_TIMEOUT, () => {
      isLate = true;
      ending.abort();
    });
    try {
      using response = await this.#client.request(client.method, target, {
        headers: { ...UNSAID, ...fields },
        data: hasBody ? piecesOf(client, watch) : undefined,
        signal: ending.signal,
        stream: true,
      });
      callOff();
      const isEndless = response.contentType === "text/event-stream";
      if (isEndless) this.#endless.add(leave);
      return await give(client, response, watch);
    } catch (error) {
      throw isLate ? new HttpError("It took too long to answer", 504) : error;
    } finally {
      callOff();
      this.#endless.delete(leave);
      client.signal.removeEventListener("abort", leave);
    }
  }

  async #talk(
    client: HttpConnection,
    target: string,
    fields: Fields,
    watch: Watch | null,
  ): Promise<boolean> {
    const offered = client.headers["sec-websocket-protocol"];
    this.#websockets++;
    try {
      return await relay(client, this.#client, target, {
        headers: { ...UNSAID, ...fields },
        protocols: offered?.split(",").map((name) => name.trim()) ?? [],
      }, { watch, endless: this.#endless });
    } finally {
      this.#websockets--;
    }
  }

  /** Ends what would never end by itself: events, and WebSockets. */
  ending(): void {
    for (const end of this.#endless) end();
  }

  /** Ends all that is under way. */
  close(): Promise<void> {
    return this.#client.close();
  }
}

async function* piecesOf(
  client: HttpConnection,
  watch: Watch | null,
): AsyncGenerator<Uint8Array, void, void> {
  for (let piece; (piece = await client.read()) !== null;) {
    watch?.requestPiece(piece);
    yield piece;
  }
}

/** An answer that a server may not give. */
class CannotPass extends Error {}

/** Answers, where what a backend says is to blame if that cannot be. */
function respond(
  client: HttpConnection,
  data: Parameters<HttpConnection["respond"]>[0],
  options: { status: number; headers: Fields },
): Promise<boolean> {
  try {
    return client.respond(data, options);
  } catch (cause) {
    throw new CannotPass("Cannot pass an answer on", { cause });
  }
}

/** Gives an answer back as it comes. */
async function give(
  client: HttpConnection,
  response: HttpResponse,
  watch: Watch | null,
): Promise<boolean> {
  const { status, statusMessage } = response;
  const headers = answerFields(response);
  watch?.response(status, statusMessage, headers);
  const isHead = client.method === "HEAD";
  const hasBody = !isHead && ![204, 205, 304].includes(status);
  // To compress it is the backend's to decide: it knows what is secret.
  if (headers["content-encoding"] === undefined) {
    const given = [headers["cache-control"] ?? []].flat();
    headers["cache-control"] = [...given, "no-transform"].join(", ");
  }
  // Nothing else that was not said is added.
  headers["content-type"] ??= [];
  const length = response.contentLength;
  if (hasBody && length !== null && length <= SMALL) {
    const bytes = await response.readAll();
    watch?.responsePiece(bytes);
    return await respond(client, bytes, { status, headers });
  }
  if (length !== null && status !== 204 && (hasBody || isHead)) {
    headers["content-length"] = String(length);
  }
  const pieces = async function* () {
    for (let piece; (piece = await response.read()) !== null;) {
      watch?.responsePiece(piece);
      yield piece;
    }
  };
  return await respond(client, pieces(), { status, headers });
}

/** What is said of a fault; `null` where the peer itself is at fault. */
function faultOf(
  error: unknown,
  { target }: Route,
): { status: number; message: string } | null {
  const place = target.origin;
  if (error instanceof TimeoutError) {
    return { status: 504, message: `${place} takes too long to answer` };
  }
  if (error instanceof ResponseError) {
    return { status: 502, message: `${place} answers what is no HTTP` };
  }
  if (error instanceof ClientError) {
    if (error.name === "AbortedError") return null;
    const cause = error.cause;
    // What it could not send, as the peer broke off, is not its fault.
    if (cause instanceof HttpError && !(cause instanceof ClientError)) {
      return null;
    }
    const isThere = error.name === "ConnectionLostError";
    return {
      status: 502,
      message: isThere
        ? `${place} broke off before it had answered`
        : `${place} does not answer: ${problemOf(error)}`,
    };
  }
  if (error instanceof HttpError) {
    return error.status === 504
      ? { status: 504, message: `${place} takes too long to answer` }
      : null;
  }
  if (error instanceof CannotPass) {
    return {
      status: 502,
      message: `${place} answers what cannot be passed on`,
    };
  }
  throw error;
}

/** The end of a message such as "Cannot connect to http://a/: refused". */
function problemOf({ message }: Error): string {
  return message.slice(message.lastIndexOf(": ") + 2);
}
