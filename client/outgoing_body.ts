import { isAll, TARGET } from "../parse/chars.ts";
import { encodeJson } from "../parse/json.ts";
import {
  asBytes,
  isBytes,
  JSON_TYPE,
  type JsonObject,
  OCTET_TYPE,
} from "../parse/response_data.ts";
import {
  type BodyStream,
  isStream,
  openSource,
  type Source,
} from "../message/source.ts";
import { blobFacts } from "../wire/blob_facts.ts";
import { readParts, writeForm } from "../message/form_writer.ts";

/** What a form can be made of. */
export type FormFields =
  | FormData
  | URLSearchParams
  | Record<string, FieldValue | readonly FieldValue[]>;
/** A value of a form or query; `null` is a key without a value. */
export type FieldValue = string | number | boolean | null | undefined;

/**
 * What can be sent as a request's body: strings as text, bytes as octets, a
 * `Blob` with its own type, forms as forms, what iterates as a stream in
 * chunks, and everything else as JSON.
 */
export type RequestData =
  | string
  | number
  | boolean
  | null
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | FormData
  | URLSearchParams
  | BodyStream
  | JsonObject;

const TEXT_TYPE = "text/plain; charset=utf-8";
const FORM_TYPE = "application/x-www-form-urlencoded";

const encoder = new TextEncoder();

/** A request's body, ready to be sent. */
export interface OutgoingBody {
  /** Its type, unless the caller names one; "" where nothing is known. */
  readonly contentType: string;
  /** Bytes of it, or -1 where that is not known. */
  readonly length: number;
  /** All of it, where it is in memory. */
  readonly bytes: Uint8Array | null;
  /** Whether it can be sent once more. */
  readonly isReplayable: boolean;
  /** Begins to read it, where it is not in memory. */
  open(): Source;
  /** It will not be sent: what was not begun is cancelled. */
  discard(): void;
}

class BytesBody implements OutgoingBody {
  readonly contentType: string;
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly isReplayable = true;

  constructor(bytes: Uint8Array, contentType: string) {
    this.bytes = bytes;
    this.length = bytes.length;
    this.contentType = contentType;
  }

  open(): Source {
    return openSource([this.bytes]);
  }

  discard(): void {}
}

class StreamBody implements OutgoingBody {
  readonly contentType: string;
  readonly length: number;
  readonly bytes = null;
  readonly isReplayable: boolean;
  readonly #open: () => Source;
  #isOpened = false;

  constructor(
    contentType: string,
    length: number,
    isReplayable: boolean,
    open: () => Source,
  ) {
    this.contentType = contentType;
    this.length = length;
    this.isReplayable = isReplayable;
    this.#open = open;
  }

  open(): Source {
    this.#isOpened = true;
    return this.#open();
  }

  discard(): void {
    // What can be replayed is not begun before it is opened.
    if (!this.#isOpened && !this.isReplayable) this.open().cancel();
  }
}

/** The three ways to say what is sent, of which one may be used. */
export interface BodyOptions {
  /** The body; see {@linkcode RequestData}. */
  data?: RequestData;
  /** What is sent as JSON, whatever it is: a string too. */
  json?: unknown;
  /** A form: with a `FormData` in parts, with anything else URL-encoded. */
  form?: FormFields;
}

/**
 * The body that options ask for; `null` without one.
 *
 * @throws {TypeError} If there are two, or one that cannot be sent.
 */
export function makeBody(options: BodyOptions): OutgoingBody | null {
  const { data, json, form } = options;
  if (data === undefined && json === undefined && form === undefined) {
    return null;
  }
  const given = [data, json, form].filter((one) => one !== undefined);
  if (given.length > 1) {
    throw new TypeError("Only one of data, json and form can be sent");
  }
  if (json !== undefined) {
    return new BytesBody(encoder.encode(encodeJson(json)), JSON_TYPE);
  }
  if (form !== undefined) return formBody(form);
  return dataBody(data!);
}

function formBody(form: FormFields): OutgoingBody {
  if (form instanceof FormData) {
    const { contentType, length, parts } = writeForm(form);
    return new StreamBody(
      contentType,
      length,
      true,
      () => openSource(readParts(parts)),
    );
  }
  return new BytesBody(encoder.encode(writeQuery(form)), FORM_TYPE);
}

function dataBody(data: RequestData): OutgoingBody | null {
  if (data === null) return null;
  if (typeof data === "string") {
    return new BytesBody(encoder.encode(data), TEXT_TYPE);
  }
  if (isBytes(data)) return new BytesBody(asBytes(data), OCTET_TYPE);
  if (data instanceof FormData || data instanceof URLSearchParams) {
    return formBody(data);
  }
  if (data instanceof Blob) {
    const { type, size } = blobFacts(data);
    return new StreamBody(
      type,
      size,
      true,
      () => openSource(data.stream()),
    );
  }
  if (isStream(data)) {
    const source = openSource(data);
    return new StreamBody(OCTET_TYPE, -1, false, () => source);
  }
  return new BytesBody(encoder.encode(encodeJson(data)), JSON_TYPE);
}

/** Writes a query or form: arrays repeat their key, `undefined` is left out. */
export function writeQuery(
  fields: URLSearchParams | Record<string, FieldValue | readonly FieldValue[]>,
): string {
  if (fields instanceof URLSearchParams) {
    const text = fields.toString();
    if (isAll(text, TARGET)) return text;
    throw new TypeError("Query or form holds what must be percent-encoded");
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new TypeError("Query or form is not a dictionary");
  }
  const out: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    const name = encodeURIComponent(key.toWellFormed());
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === undefined) continue;
      if (typeof one === "object" && one !== null) {
        throw new TypeError(`Field "${key}" is neither text nor a number`);
      }
      const value = encodeURIComponent(String(one).toWellFormed());
      out.push(one === null ? name : `${name}=${value}`);
    }
  }
  return out.join("&");
}
