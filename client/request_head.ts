import { dict } from "../parse/dict.ts";
import { isHost } from "../parse/host.ts";
import {
  type CheckedHeaders,
  checkHeaders,
  checkValue,
  fieldsOf,
  writeFields,
} from "../wire/response_head.ts";
import { frameRequest, Framing } from "../wire/framing.ts";
import { checkRequestLine, writeRequestLine } from "../wire/request_head.ts";
import type { HeaderValues } from "../wire/response_head.ts";
import type { Authenticator } from "./authenticator.ts";
import type { CookieJar } from "./cookie_jar.ts";
import { type RequestPlan, urlOf } from "./plan.ts";
import type { RequestHeaders } from "./request_options.ts";

const encoder = new TextEncoder();

/**
 * What the `HttpClient` itself decides: how a body is framed (RFC 9112 section
 * 6.1), the go-ahead and the protocol (RFC 9110 sections 10.1.1 and 7.8).
 */
const OURS = ["transfer-encoding", "expect", "upgrade", "proxy-connection"];

/** A field that is left out, even if it would be sent by itself. */
const LEFT_OUT: string[] = [];

/**
 * Checks a caller's fields.
 *
 * @throws {TypeError} If one cannot be sent, or is not the caller's to send.
 */
export function checkRequestHeaders(headers: RequestHeaders): CheckedHeaders {
  const given: [string, HeaderValues[string]][] = [];
  const leftOut: string[] = [];
  for (const [name, value] of fieldsOf(headers)) {
    if (value !== null || typeof name !== "string") given.push([name, value!]);
    else leftOut.push(name.toLowerCase());
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

/** A request's head, as it is sent. */
export interface WrittenHead {
  readonly text: string;
  /** The value of `Authorization`, for the peer's answer to it. */
  readonly credentials: string | null;
}

/** What the heads of all requests to one origin have in common. */
export class HeadWriter {
  readonly #fields: CheckedHeaders;
  readonly #text: string;
  readonly #keepAlive: boolean;
  readonly #isOwn: boolean;

  /**
   * @param host The value of `Host`.
   * @param headers Fields of the `HttpClient`, checked.
   * @param isOwn Whether what is the `HttpClient`'s own may go there: else cookies
   * go only where they came from.
   */
  constructor(
    host: string,
    headers: CheckedHeaders,
    decompress: boolean,
    keepAlive: boolean,
    isOwn: boolean,
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
    this.#isOwn = isOwn;
  }

  /**
   * Writes the head of a request.
   *
   * @param isAbsolute Whether the target is the whole URL (RFC 9112 section
   * 3.2.2).
   * @param auth Who gives credentials; null for nobody.
   * @param proxyAuth What a proxy is shown that is asked in the clear.
   * @param jar Where cookies come from; null for none.
   */
  write(
    plan: RequestPlan,
    isAbsolute: boolean,
    auth: Authenticator | null,
    proxyAuth: string | null,
    jar: CookieJar | null,
  ): WrittenHead {
    const { method } = plan;
    let { fields } = plan;
    const target = isAbsolute ? urlOf(plan) : plan.target;
    checkRequestLine(method, target);
    const asks = auth !== null && fields?.authorization === undefined;
    if (asks && this.#fields.authorization !== undefined) {
      // A request's own credentials stand in place of the `HttpClient`'s field.
      fields = { ...fields, authorization: LEFT_OUT };
    }
    let text = writeRequestLine(method, target) +
      (fields === null ? this.#text : this.#merged(fields));
    let credentials: string | null = null;
    if (asks) {
      const isSecure = plan.origin.startsWith("https:");
      credentials = auth.authorization(method, target, isSecure);
      if (credentials !== null) text += `authorization: ${credentials}\r\n`;
    }
    if (proxyAuth !== null) text += `proxy-authorization: ${proxyAuth}\r\n`;
    if (jar !== null && !this.#has("cookie", plan)) {
      text += cookieLine(jar, plan, this.#isOwn);
    }
    text += this.#bodyFields(plan);
    return { text: text + "\r\n", credentials };
  }

  /** Whether a caller has a field that would be sent by itself. */
  #has(name: string, { fields }: RequestPlan): boolean {
    return fields?.[name] !== undefined || this.#fields[name] !== undefined;
  }

  #merged(headers: Readonly<CheckedHeaders>): string {
    const fields: CheckedHeaders = Object.assign(
      dict<string>(),
      this.#fields,
      headers,
    );
    // A range is one of the coded bytes (RFC 9110 section 14.1.2), and a part
    // of what is packed cannot be unpacked.
    if (headers.range !== undefined && !("accept-encoding" in headers)) {
      delete fields["accept-encoding"];
    }
    // These are written with the body, or with the jar's.
    delete fields["content-length"];
    if (!this.#keepAlive) fields.connection = "close";
    return writeFields(fields);
  }

  #bodyFields(plan: RequestPlan): string {
    const { method, body } = plan;
    let text = "";
    if (
      body !== null && body.contentType !== "" &&
      !this.#has("content-type", plan)
    ) text += `content-type: ${body.contentType}\r\n`;
    const length = body === null ? null : plan.bodyLength;
    switch (frameRequest(method, length)) {
      case Framing.CHUNKED:
        text += "transfer-encoding: chunked\r\n";
        break;
      case Framing.LENGTH:
        text += `content-length: ${length ?? 0}\r\n`;
    }
    if (body !== null && plan.expectsContinue) {
      text += "expect: 100-continue\r\n";
    }
    return text;
  }
}

function cookieLine(jar: CookieJar, plan: RequestPlan, isOwn: boolean): string {
  const cookies = jar.header(new URL(urlOf(plan)), { ownOnly: !isOwn });
  return cookies === null ? "" : `cookie: ${checkValue("cookie", cookies)}\r\n`;
}
