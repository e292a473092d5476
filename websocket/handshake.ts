import { checkList, checkText } from "../parse/arguments.ts";
import { isToken } from "../parse/chars.ts";
import { dict } from "../parse/dict.ts";
import { hasItem, type HeaderFields, trim } from "../parse/fields.ts";
import { byteText } from "../parse/text.ts";
import { WebsocketError } from "./errors.ts";
import {
  checkDeflateAnswer,
  type DeflateOptions,
  type DeflateParameters,
  offerDeflate,
  parseExtensions,
} from "./extensions.ts";
import { sha1 } from "./sha1.ts";

const encoder = new TextEncoder();

/** What is hashed behind a key (RFC 6455 section 1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Base64 of 16 bytes: the last digit has two bits only. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** What a handshake needs to know of a request. */
export interface HandshakeRequest {
  /** The method, as sent. */
  method: string;
  /** "HTTP/1.1" or "HTTP/1.0". */
  protocol: string;
  /** Fields by lower-case name. */
  headers: HeaderFields;
}

/** How a request is answered that cannot become a WebSocket. */
export interface HandshakeRefusal {
  /** Status of the answer. */
  status: number;
  /** Fields of the answer, by lower-case name. */
  headers: HeaderFields;
}

/** What a server's answer came to. */
export interface HandshakeAnswer {
  /** The subprotocol; "" without one. */
  protocol: string;
  /** What was agreed on for compression; `null` without it. */
  deflate: DeflateParameters | null;
}

/** What a client asks for. */
export interface HandshakeOffer {
  /** Base64 of 16 random bytes; see `makeKey()`. */
  key: string;
  /** Subprotocols, the best first; default none. */
  protocols?: readonly string[];
  /** Offer of compression; default `null`, none. */
  deflate?: DeflateOptions | null;
}

/**
 * The value of `Sec-WebSocket-Accept` that answers a key.
 *
 * ```ts
 * import { acceptKey } from "@uhttp/uhttp/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   acceptKey("dGhlIHNhbXBsZSBub25jZQ=="),
 *   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
 * );
 * ```
 */
export function acceptKey(key: string): string {
  checkText("Key", key);
  return btoa(byteText(sha1(encoder.encode(key + GUID))));
}

/** A random value for `Sec-WebSocket-Key`. */
export function makeKey(): string {
  return btoa(byteText(crypto.getRandomValues(new Uint8Array(16))));
}

/** Parts of a list of tokens; empty ones are left out. */
function list(value: string | undefined): string[] {
  return (value ?? "").split(",").map((part) => trim(part)).filter(Boolean);
}

/** Whether a request asks for a WebSocket, in however bad a way. */
export function isHandshake(headers: HeaderFields): boolean {
  return hasItem(headers.upgrade, "websocket");
}

function refusal(status: number, name?: string, value = ""): HandshakeRefusal {
  const headers = dict<string>();
  if (name !== undefined) headers[name] = value;
  return { status, headers };
}

/**
 * Checks a request for a WebSocket (RFC 6455 section 4.2.1).
 *
 * @returns `null` if it may be accepted, or how it is to be answered.
 */
export function checkHandshake(
  request: HandshakeRequest,
): HandshakeRefusal | null {
  const { method, protocol, headers } = request;
  if (method !== "GET") return refusal(405, "allow", "GET");
  if (
    protocol !== "HTTP/1.1" || !isHandshake(headers) ||
    !hasItem(headers.connection, "upgrade")
  ) return refusal(426, "upgrade", "websocket");
  const version = headers["sec-websocket-version"];
  if (version === undefined) return refusal(400);
  if (version !== "13") {
    const { status, headers } = refusal(426, "upgrade", "websocket");
    headers["sec-websocket-version"] = "13";
    return { status, headers };
  }
  // Two keys come as one value, with a comma, and so are no key.
  if (!KEY.test(headers["sec-websocket-key"] ?? "")) return refusal(400);
  const protocols = headers["sec-websocket-protocol"];
  if (protocols !== undefined) {
    const names = list(protocols);
    if (
      names.length === 0 || !names.every(isToken) ||
      new Set(names).size < names.length
    ) return refusal(400);
  }
  const extensions = headers["sec-websocket-extensions"];
  if (extensions !== undefined && parseExtensions(extensions) === null) {
    return refusal(400);
  }
  return null;
}

/**
 * Checks names of subprotocols.
 *
 * @throws {TypeError} If one is not a token, or is there twice.
 */
export function checkProtocols(protocols: unknown): void {
  const names = typeof protocols === "string" ? [protocols] : protocols;
  checkList("What names the subprotocols", names);
  const before = new Set<unknown>();
  for (const name of names as unknown[]) {
    if (typeof name !== "string" || !isToken(name)) {
      throw new TypeError(
        `Subprotocol ${JSON.stringify(name)} is not a token`,
      );
    }
    if (before.has(name)) {
      throw new TypeError(`Subprotocol "${name}" is there twice`);
    }
    before.add(name);
  }
}

/**
 * Picks a subprotocol.
 *
 * @param offered The value of the request's `Sec-WebSocket-Protocol`.
 * @param supported What the server speaks, the best first.
 * @returns The first of `supported` that was offered; "" if none was.
 */
export function chooseProtocol(
  offered: string | undefined,
  supported: string | readonly string[],
): string {
  const names = list(offered);
  const choices = typeof supported === "string" ? [supported] : supported;
  return choices.find((name) => names.includes(name)) ?? "";
}

/**
 * Whether a page of some origin may connect. A request without `Origin` comes
 * from no page, and so from no browser that could be led astray.
 *
 * @param origin The value of the request's `Origin`.
 * @param allowed Origins such as "https://example.com"; "*" stands for all.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true;
  const lower = origin.toLowerCase();
  return allowed.some((one) => one === "*" || one.toLowerCase() === lower);
}

/**
 * Fields of the answer (status 101) that accepts a request.
 *
 * @param key The request's `Sec-WebSocket-Key`.
 * @param protocol The subprotocol; "" for none.
 * @param extensions The value of `Sec-WebSocket-Extensions`; "" for none.
 */
export function handshakeAnswer(
  key: string,
  protocol: string = "",
  extensions: string = "",
): HeaderFields {
  const headers = dict<string>();
  headers.upgrade = "websocket";
  headers.connection = "Upgrade";
  headers["sec-websocket-accept"] = acceptKey(key);
  if (protocol !== "") headers["sec-websocket-protocol"] = protocol;
  if (extensions !== "") headers["sec-websocket-extensions"] = extensions;
  return headers;
}

/**
 * Fields of a client's request, beside `Host`.
 *
 * @throws {TypeError} If a subprotocol is not a token, or is there twice.
 */
export function handshakeRequest(offer: HandshakeOffer): HeaderFields {
  const { key, protocols = [], deflate = null } = offer;
  checkProtocols(protocols);
  const headers = dict<string>();
  headers.upgrade = "websocket";
  headers.connection = "Upgrade";
  headers["sec-websocket-key"] = key;
  headers["sec-websocket-version"] = "13";
  if (protocols.length > 0) {
    headers["sec-websocket-protocol"] = protocols.join(", ");
  }
  if (deflate !== null) {
    headers["sec-websocket-extensions"] = offerDeflate(deflate);
  }
  return headers;
}

/**
 * Checks a server's answer (RFC 6455 section 4.1).
 *
 * @param status Status of the answer.
 * @param headers Its fields by lower-case name.
 * @param offer What `handshakeRequest()` was given.
 * @throws {WebsocketError} If it does not accept what was offered.
 */
export function checkHandshakeAnswer(
  status: number,
  headers: HeaderFields,
  offer: HandshakeOffer,
): HandshakeAnswer {
  const protocol = headers["sec-websocket-protocol"] ?? "";
  if (
    status !== 101 || headers.upgrade?.toLowerCase() !== "websocket" ||
    !hasItem(headers.connection, "upgrade") ||
    headers["sec-websocket-accept"] !== acceptKey(offer.key) ||
    headers["sec-websocket-protocol"] !== undefined &&
      !offer.protocols?.includes(protocol)
  ) throw new WebsocketError("bad-handshake");
  const deflate = checkDeflateAnswer(
    headers["sec-websocket-extensions"],
    offer.deflate ?? null,
  );
  return { protocol, deflate };
}
