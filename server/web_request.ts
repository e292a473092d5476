// A `Request` whose costly parts are made when somebody asks for them.
import type { HeaderFields } from "../parse/fields.ts";
import { isToken } from "../parse/chars.ts";
import type { ProtocolError } from "../parse/errors.ts";
import { parseJson } from "../parse/json.ts";
import { checkForm } from "../message/form.ts";
import type { BodyLimits } from "../message/incoming_message.ts";

/** What a `Request` is made of. */
export interface RequestOrigin {
  readonly method: string;
  /** The request target. */
  readonly url: string;
  readonly fullUrl: string;
  readonly host: string;
  readonly isSecure: boolean;
  readonly headers: HeaderFields;
  readonly signal: AbortSignal;
  readonly isLoaded: boolean;
  readonly contentLength: number | null;
  readonly rawData: Uint8Array;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether the body was asked for as a stream. */
  readonly isStreamed: boolean;
  readAll(): Promise<Uint8Array<ArrayBuffer>>;
  readonly server: { readonly bodyLimits: BodyLimits };
}

/** The key of what a request was made of. */
const ORIGIN = Symbol("origin");

/** What a request was made of; undefined for those of others. */
export function originOf(request: Request): unknown {
  return (request as { [ORIGIN]?: unknown } | null)?.[ORIGIN];
}

/** Methods that a `Request` takes as they are. */
const METHODS = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"],
]);

/** Targets that are the end of a URL as they are: nothing to encode, no dots. */
const PLAIN_TARGET =
  /^\/(?:(?!\.)[\w\-.~!$&()*+,;=:@]+(?:\/(?!\.)[\w\-.~!$&()*+,;=:@]+)*\/?)?(?:\?[\w\-.~!$&()*+,;=:@/?%]*)?$/;

const decoder = new TextDecoder();

/**
 * A request as the web platform has it. Its `signal` is the client's, taken
 * when it is asked for: to watch a peer costs something.
 *
 * @throws {TypeError} If it is one that a `Request` cannot express.
 */
export function toRequest(origin: RequestOrigin): Request {
  const url = METHODS.has(origin.method) && canBeLazy()
    ? plainUrl(origin)
    : null;
  return url === null
    ? realRequest(origin)
    : new LazyRequest(origin, url) as unknown as Request;
}

// Most requests name the host that the one before has named.
let lastHost = "";
let lastIsSecure = false;
let lastOrigin = "";

/** A URL in its normal form, where that is easily found; null for others. */
function plainUrl(origin: RequestOrigin): string | null {
  const { host, isSecure, url } = origin;
  if (!PLAIN_TARGET.test(url)) return null;
  if (host !== lastHost || isSecure !== lastIsSecure) {
    const scheme = isSecure ? "https" : "http";
    const text = `${scheme}://${host}/`;
    if (host === "" || !URL.canParse(text)) return null;
    lastOrigin = new URL(text).origin;
    lastHost = host;
    lastIsSecure = isSecure;
  }
  return lastOrigin + url;
}

/** The platform's own object. */
function realRequest(
  origin: RequestOrigin,
  headers: Headers | HeaderFields = origin.headers,
  isUsed = false,
): Request {
  const { method } = origin;
  const init: RequestInit & { duplex?: "half" } = {
    method,
    headers,
    redirect: "manual",
  };
  if (isUsed) init.body = "";
  else if (method !== "GET" && method !== "HEAD") {
    if (!origin.isLoaded) {
      init.body = origin.body;
      init.duplex = "half";
    } else if (origin.contentLength !== null) {
      init.body = new Uint8Array(origin.rawData);
    }
  }
  const request = new Request(origin.fullUrl, init);
  if (isUsed) request.text();
  return Object.defineProperties(request, {
    [ORIGIN]: { value: origin },
    signal: { get: () => origin.signal },
    json: { value: async () => toJson(await request.text(), origin) },
    formData: { value: async () => toForm(await request.bytes(), origin) },
  });
}

/** JSON of a body; what is wrong with it is told as the platform does. */
function toJson(text: string, { server }: RequestOrigin): unknown {
  try {
    return parseJson(text, server.bodyLimits.maxJsonDepth);
  } catch (error) {
    if ((error as ProtocolError).code === "bad-json") JSON.parse(text);
    throw error;
  }
}

/** The form in a body, if it has no more fields than it may have. */
function toForm(
  bytes: Uint8Array<ArrayBuffer>,
  { headers, server }: RequestOrigin,
): Promise<FormData> {
  const type = headers["content-type"] ?? "";
  checkForm(bytes, type, server.bodyLimits);
  return new Response(bytes, { headers: { "content-type": type } }).formData();
}

/**
 * Stands in for a `Request`: what handlers ask as a rule it knows itself, and
 * for all else there is a real one behind it, made at that moment. The
 * platform's own code finds the state of that one in this one.
 */
class LazyRequest {
  readonly #origin: RequestOrigin;
  readonly #url: string;
  #real: Request | null = null;
  #headers: LazyHeaders | null = null;
  #isUsed = false;

  constructor(origin: RequestOrigin, url: string) {
    this.#origin = origin;
    this.#url = url;
  }

  get [ORIGIN](): RequestOrigin {
    return this.#origin;
  }

  /** The real one. */
  get real(): Request {
    if (this.#real !== null) return this.#real;
    const headers = this.#headers;
    const made = headers?.made ?? this.#origin.headers;
    const real = realRequest(this.#origin, made, this.#isUsed);
    headers?.become(real.headers);
    return this.#real = real;
  }

  get url(): string {
    return this.#url;
  }

  get method(): string {
    return this.#origin.method;
  }

  get headers(): Headers {
    if (this.#headers === null && this.#real !== null) {
      return this.#real.headers;
    }
    this.#headers ??= new LazyHeaders(this.#origin.headers);
    return this.#headers as unknown as Headers;
  }

  get signal(): AbortSignal {
    return this.#origin.signal;
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    return this.#hasBody ? this.real.body : null;
  }

  get bodyUsed(): boolean {
    return this.#isUsed || this.#hasBody && this.real.bodyUsed;
  }

  text(): Promise<string> {
    const bytes = this.#bytes();
    return bytes?.then((bytes) => decoder.decode(bytes)) ?? this.real.text();
  }

  // deno-lint-ignore no-explicit-any -- as in `Request`
  json(): Promise<any> {
    const bytes = this.#bytes();
    return bytes
      ?.then((bytes) => toJson(decoder.decode(bytes), this.#origin)) ??
      this.real.json();
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes() ?? this.real.bytes();
  }

  formData(): Promise<FormData> {
    const bytes = this.#bytes();
    return bytes?.then((bytes) => toForm(bytes, this.#origin)) ??
      this.real.formData();
  }

  get #hasBody(): boolean {
    const { method, isLoaded, contentLength } = this.#origin;
    return method !== "GET" && method !== "HEAD" &&
      (!isLoaded || contentLength !== null);
  }

  /** The body, where no real request has it, and nobody has begun to read. */
  #bytes(): Promise<Uint8Array<ArrayBuffer>> | null {
    const origin = this.#origin;
    if (this.#real !== null || this.#isUsed || !this.#hasBody) return null;
    if (origin.isStreamed) return null;
    this.#isUsed = true;
    return origin.isLoaded
      ? Promise.resolve(new Uint8Array(origin.rawData))
      : origin.readAll();
  }
}

/** Stands in for the `Headers` of a request, as it does for that. */
class LazyHeaders {
  readonly #fields: HeaderFields;
  #real: Headers | null = null;

  constructor(fields: HeaderFields) {
    this.#fields = fields;
  }

  /** The real ones. */
  get real(): Headers {
    return this.#real ??= new Headers(this.#fields);
  }

  /** The real ones, if somebody has asked for them. */
  get made(): Headers | null {
    return this.#real;
  }

  /** Takes over those of the real request. */
  become(real: Headers): void {
    this.#real = real;
  }

  get(name: string): string | null {
    if (this.#real === null && typeof name === "string") {
      const value = this.#fields[name] ?? this.#fields[name.toLowerCase()];
      if (value !== undefined) return value;
      if (isToken(name)) return null;
    }
    return this.real.get(name);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }
}

let isPossible: boolean | null = null;

/**
 * Whether the platform's own code takes a stand-in for the real thing, as it
 * does where it keeps the state of its objects under symbols.
 */
function canBeLazy(): boolean {
  return isPossible ??= prepare();
}

function prepare(): boolean {
  const sample = new Request("http://a/", { headers: { a: "b" } });
  standIn(LazyRequest.prototype, Request.prototype, sample);
  standIn(LazyHeaders.prototype, Headers.prototype, sample.headers);
  const origin: RequestOrigin = {
    method: "POST",
    url: "/",
    fullUrl: "http://a/",
    host: "a",
    isSecure: false,
    headers: { a: "b" },
    get signal() {
      return new AbortController().signal;
    },
    isLoaded: true,
    contentLength: 1,
    rawData: new Uint8Array(1),
    body: null as never,
    isStreamed: false,
    readAll: () => null as never,
    server: null as never,
  };
  try {
    const lazy = new LazyRequest(origin, "http://a/") as unknown as Request;
    const fields = new Headers(lazy.headers);
    fields.append("c", "d");
    const other = new Request(lazy.clone(), { headers: fields });
    return other.url === lazy.url && other.headers.get("c") === "d" &&
      [...lazy.headers].join() === "a,b" && lazy.redirect === "manual" &&
      Deno.inspect(lazy).startsWith("Request {");
  } catch {
    return false;
  }
}

/**
 * Puts a prototype in front of the platform's own one. Whatever is kept under a
 * symbol is looked up in the real object.
 */
function standIn(
  prototype: { readonly real: object },
  platform: object,
  sample: object,
): void {
  Object.setPrototypeOf(prototype, platform);
  Object.defineProperty(prototype, "constructor", {
    value: platform.constructor,
  });
  for (const symbol of Object.getOwnPropertySymbols(sample)) {
    Object.defineProperty(prototype, symbol, {
      get(this: { real: Record<symbol, unknown> }) {
        return this.real[symbol];
      },
      set(this: { real: Record<symbol, unknown> }, value: unknown) {
        this.real[symbol] = value;
      },
    });
  }
}
