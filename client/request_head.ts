import { dict } from "../parse/dict.ts";
import { isHost } from "../parse/host.ts";
import {
  type CheckedHeaders,
  checkHeaders,
  checkValue,
  writeFields,
} from "../wire/response_head.ts";
import { frameRequest, Framing } from "../wire/framing.ts";
import { checkRequestLine, writeRequestLine } from "../wire/request_head.ts";
import type { HeaderValues } from "../wire/response_head.ts";
import type { CookieJar } from "./cookie_jar.ts";
import type { Exchange } from "./exchange.ts";
import type { OutgoingBody } from "./outgoing_body.ts";
import type { Authenticator } from "./authenticator.ts";
import type { RequestHeaders } from "./request_options.ts";

const encoder = new TextEncoder();

/** What the client itself decides. */
const OURS = ["transfer-encoding", "expect", "upgrade", "proxy-connection"];

/** A field that is left out, even if it would be sent by itself. */
const LEFT_OUT: string[] = [];

/**
 * Checks a caller's fields.
 *
 * @throws {TypeError} If one cannot be sent, or is not the caller's to send.
 */
export function checkRequestHeaders(headers: RequestHeaders): CheckedHeaders {
  if (headers instanceof Headers) return checkOurs(checkHeaders(headers));
  if (typeof headers !== "object" || headers === null) {
    throw new TypeError("Headers are not a dictionary");
  }
  const given = dict<HeaderValues[string]>();
  const leftOut: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) leftOut.push(name.toLowerCase());
    else given[name] = value;
  }
  const checked = checkOurs(checkHeaders(given));
  for (const name of leftOut) checked[name] = LEFT_OUT;
  if (leftOut.includes("host")) {
    throw new TypeError('Header "host" cannot be left out');
  }
  return checked;
}

function checkOurs(headers: CheckedHeaders): CheckedHeaders {
  for (const name of OURS) {
    if (name in headers) {
      throw new TypeError(`Header "${name}" is the client's own matter`);
    }
  }
  const { connection } = headers;
  if (connection !== undefined && connection !== "close") {
    throw new TypeError('Header "connection" can only be "close"');
  }
  for (const name of ["host", "content-length"]) {
    if (Array.isArray(headers[name])) {
      throw new TypeError(`Header "${name}" is repeated`);
    }
  }
  const { host } = headers;
  if (typeof host === "string") {
    const bytes = encoder.encode(host);
    if (host === "" || !isHost(bytes, 0, bytes.length)) {
      throw new TypeError('Header "host" is not a host');
    }
  }
  return headers;
}

/**
 * The length that a caller promises; -1 without one.
 *
 * @throws {TypeError} If it is not that of the body.
 */
export function promisedLength(
  headers: CheckedHeaders | null,
  body: OutgoingBody | null,
): number {
  const text = headers?.["content-length"];
  if (text === undefined || typeof text !== "string") return -1;
  const length = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(length)) {
    throw new TypeError('Header "content-length" is not a length');
  }
  const actual = body?.length ?? 0;
  if (actual >= 0 && actual !== length) {
    throw new TypeError('Header "content-length" is not that of the body');
  }
  return length;
}

/** What the heads of all requests to one origin have in common. */
export class HeadWriter {
  readonly #fields: CheckedHeaders;
  readonly #text: string;
  readonly #keepAlive: boolean;

  /**
   * @param host The value of `Host`.
   * @param headers Fields of the client's, checked.
   */
  constructor(
    host: string,
    headers: CheckedHeaders,
    decompress: boolean,
    keepAlive: boolean,
  ) {
    const fields: CheckedHeaders = Object.assign(dict<string>(), {
      host,
      "accept": "*/*",
      "user-agent": "uhttp",
    });
    if (decompress) fields["accept-encoding"] = "gzip, deflate, br";
    if (!keepAlive) fields.connection = "close";
    Object.assign(fields, headers);
    this.#fields = fields;
    this.#text = writeFields(fields);
    this.#keepAlive = keepAlive;
  }

  /**
   * The head of a request as it is sent.
   *
   * @param auth Who gives credentials; null for nobody.
   * @param proxyAuth What a proxy is shown that is asked in the clear.
   * @param jar Where cookies come from; null for none.
   */
  write(
    exchange: Exchange,
    isAbsolute: boolean,
    auth: Authenticator | null,
    proxyAuth: string | null,
    jar: CookieJar | null,
  ): string {
    const { method, target } = exchange;
    let { headers } = exchange;
    const sentTarget = isAbsolute ? exchange.url : target;
    checkRequestLine(method, sentTarget);
    const asks = auth !== null && headers?.authorization === undefined;
    if (asks && this.#fields.authorization !== undefined) {
      // A request's own credentials stand in place of the client's field.
      headers = { ...headers, authorization: LEFT_OUT };
    }
    let text = writeRequestLine(method, sentTarget) +
      (headers === null ? this.#text : this.#merged(headers));
    if (asks) {
      const isSecure = exchange.origin.startsWith("https:");
      const value = auth.authorization(method, sentTarget, isSecure);
      exchange.sentAuth = value;
      if (value !== null) text += `authorization: ${value}\r\n`;
    } else exchange.sentAuth = null;
    if (proxyAuth !== null) text += `proxy-authorization: ${proxyAuth}\r\n`;
    if (jar !== null && !this.#has("cookie", exchange)) {
      text += cookieLine(jar, exchange);
    }
    return text + this.#bodyFields(exchange) + "\r\n";
  }

  /** Whether a caller has a field that would be sent by itself. */
  #has(name: string, { headers }: Exchange): boolean {
    return headers?.[name] !== undefined || this.#fields[name] !== undefined;
  }

  #merged(headers: CheckedHeaders): string {
    const fields: CheckedHeaders = Object.assign(
      dict<string>(),
      this.#fields,
      headers,
    );
    // A part of what is packed cannot be unpacked.
    if (headers.range !== undefined && !("accept-encoding" in headers)) {
      delete fields["accept-encoding"];
    }
    // These are written with the body, or with the jar's.
    delete fields["content-length"];
    if (!this.#keepAlive) fields.connection = "close";
    return writeFields(fields);
  }

  #bodyFields(exchange: Exchange): string {
    const { method, body } = exchange;
    let text = "";
    if (
      body !== null && body.contentType !== "" &&
      !this.#has("content-type", exchange)
    ) text += `content-type: ${body.contentType}\r\n`;
    const length = body === null ? null : exchange.bodyLength;
    switch (frameRequest(method, length)) {
      case Framing.CHUNKED:
        text += "transfer-encoding: chunked\r\n";
        break;
      case Framing.LENGTH:
        text += `content-length: ${length ?? 0}\r\n`;
    }
    if (body !== null && exchange.expectsContinue) {
      text += "expect: 100-continue\r\n";
    }
    return text;
  }
}

function cookieLine(jar: CookieJar, exchange: Exchange): string {
  const cookies = jar.header(new URL(exchange.url), {
    ownOnly: !exchange.isOwn || exchange.isAwayFromAuth,
  });
  return cookies === null ? "" : `cookie: ${checkValue("cookie", cookies)}\r\n`;
}
