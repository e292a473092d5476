import { encodeJson } from "./json.ts";

/**
 * What goes as JSON: an object or array, but for kinds that JSON has no form
 * for. Those have what is named here: promises, functions, what a `Map`, a
 * `Set` and their like are called, a `Response`, `Headers`, a `RegExp`, and an
 * `Error`, which has a stack.
 */
export type JsonObject =
  | { readonly [name: string]: unknown }
  | { toJSON(key?: string): unknown }
  | object & {
    readonly then?: never;
    readonly [Symbol.hasInstance]?: never;
    readonly [Symbol.toStringTag]?: never;
    readonly [Symbol.matchAll]?: never;
    readonly bodyUsed?: never;
    readonly getSetCookie?: never;
    readonly stack?: object | number | boolean | null;
  };

/** What JSON can express, as it is written. */
export type JsonValue = string | number | boolean | null | JsonObject;

/**
 * What can be sent as a body: strings go as HTML, bytes as octets, a `Blob`
 * with its own type, forms as forms, what iterates as a stream, everything
 * else as JSON; `null` and nothing as no body.
 */
export type ResponseData =
  | string
  | number
  | boolean
  | null
  | undefined
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>
  | Iterator<string | Uint8Array> & Iterable<string | Uint8Array>
  | JsonObject;

/** Content types by kind of data. */
export const HTML_TYPE = "text/html; charset=utf-8";
/** Content type of JSON (RFC 8259 section 11: it has no charset). */
export const JSON_TYPE = "application/json";
/** Content type of bytes. */
export const OCTET_TYPE = "application/octet-stream";

const encoder = new TextEncoder();

/** The bytes behind any buffer or view, without a copy. */
export function asBytes(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (data instanceof Uint8Array) return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** Whether data is bytes: an `ArrayBuffer` or a view of one. */
export function isBytes(data: unknown): data is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(data) || data instanceof ArrayBuffer;
}

/**
 * Encodes a body by its type, and sets `content-type` in `headers` where the
 * caller has not.
 *
 * ```ts
 * import { encodeResponseData } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const headers: Record<string, string> = {};
 * const bytes = encodeResponseData(headers, { ok: true });
 * assertEquals(new TextDecoder().decode(bytes), '{"ok":true}');
 * assertEquals(headers["content-type"], "application/json");
 * ```
 *
 * @param headers Lower-case names; altered in place.
 * @throws {TypeError} If the data has no JSON form, or is a `Blob`, which
 * cannot be read without waiting.
 */
export function encodeResponseData(
  headers: Record<string, unknown>,
  data: ResponseData,
): Uint8Array {
  if (data === null || data === undefined) return new Uint8Array(0);
  if (data instanceof Blob) {
    throw new TypeError("Cannot encode a Blob at once: read its bytes first");
  }
  if (typeof data === "string") {
    headers["content-type"] ??= HTML_TYPE;
    return encoder.encode(data);
  }
  if (isBytes(data)) {
    headers["content-type"] ??= OCTET_TYPE;
    return asBytes(data);
  }
  headers["content-type"] ??= JSON_TYPE;
  return encoder.encode(encodeJson(data));
}
