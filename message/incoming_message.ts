import { checkBytes, checkText } from "../parse/arguments.ts";
import { decodeText } from "../parse/charset.ts";
import { ProtocolError } from "../parse/errors.ts";
import {
  EventStreamParser,
  type ServerSentEvent,
} from "../parse/event_stream_parser.ts";
import {
  type HeaderFields,
  readFieldLines,
  readFields,
  trim,
} from "../parse/fields.ts";
import { parseJson } from "../parse/json.ts";
import { checkLineLimits, type LineLimits } from "../parse/line_parser.ts";
import { OptionNames } from "../parse/option_names.ts";
import { parseUtf8 } from "../parse/text.ts";
import { parseQuery } from "../parse/values.ts";
import { checkLimit } from "../wire/limits.ts";
import { checkTextOptions, type TextOptions } from "./text_options.ts";
import {
  type BodyPart,
  checkPartLimits,
  type PartLimits,
  readParts,
} from "./body_parts.ts";
import {
  checkNdjsonLimits,
  type NdjsonLimits,
  readEvents,
  readLines,
  readNdjson,
} from "./body_readers.ts";
import {
  checkFields,
  type FormValue,
  LoadedForm,
  MULTIPART,
  URLENCODED,
} from "./form.ts";
import {
  bodyStream,
  IncomingBody,
  type Pace,
  type Pieces,
  readWhole,
  saveBody,
} from "./incoming_body.ts";

/** Bounds on a stream of events. */
export interface EventLimits {
  /** Bytes of one event; default 1 MiB. */
  maxEventLength?: number;
}

const EVENT_NAMES = new OptionNames<EventLimits>("events()", {
  maxEventLength: true,
});

/** Bounds on what a body holds. @ignore */
export interface BodyLimits {
  /** How deep JSON may be nested. */
  readonly maxJsonDepth: number;
  /** Where a caller names no others. */
  readonly parts?: PartLimits;
  /** Fields of a form that is URL-encoded. */
  readonly maxFormFields?: number;
}

/** The media type of a `Content-Type`, in lower case, without parameters. */
export function mediaType(value: string): string {
  if (value === "application/json") return value;
  const end = value.indexOf(";");
  return trim(value, 0, end < 0 ? value.length : end).toLowerCase();
}

/**
 * What a request and a response have in common: header fields, and a body, in
 * memory or on its way. What is asked of them is worked out when it is first
 * asked for.
 *
 * All that reads the body rejects with an `HttpError` where it breaks off, is
 * malformed or over a limit: of a request with a `ProtocolError` for what the
 * peer did wrong, of a response with a `ClientError` in any case. There is one
 * reader, and it reads once: to read again what was read is a `TypeError`.
 */
export abstract class IncomingMessage {
  /** @ignore The head, one character a byte. */
  protected readonly head: string;
  /** @ignore Where its first field line starts. */
  protected readonly fieldsStart: number;
  /** @ignore The body on its way; `null` where it is in memory. */
  protected readonly arriving: IncomingBody | null;
  readonly #announced: number;
  readonly #trailer: string;
  #headers: HeaderFields | null = null;
  #reader: IncomingBody | null = null;
  // Somebody reads all of it, or has.
  #isClaimed = false;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;

  /** @ignore Made by servers and clients. */
  constructor(
    parser: { readonly head: string; readonly fieldsStart: number },
    announced: number,
    arriving: IncomingBody | null,
    trailer: string,
  ) {
    this.head = parser.head;
    this.fieldsStart = parser.fieldsStart;
    this.arriving = arriving;
    this.#announced = announced;
    this.#trailer = trailer;
  }

  /** @ignore The bytes of a body in memory. */
  protected abstract get loaded(): Uint8Array;

  /** @ignore */
  protected abstract get bodyLimits(): BodyLimits;

  /** @ignore What who reads the body gets in place of a fault in it. */
  protected fault(error: unknown): unknown {
    return error;
  }

  /** @ignore Shares the event loop with who waits meanwhile. */
  protected pace(): ReturnType<Pace> {
    return null;
  }

  /** @ignore The rest of the body is not wanted. */
  protected leave(): void {}

  /** @ignore Whether the parts of a body may be over before it is. */
  protected get partsEndFirst(): boolean {
    return false;
  }

  /**
   * @ignore Checks that the body can be made something of.
   *
   * @throws {HttpError} If it is packed in a way that is not known.
   */
  protected checkReadable(): void {}

  // ---- The head ----------------------------------------------------------

  /**
   * Header fields by lower-case name. Values of repeated lines are joined with
   * `, ` (RFC 9110 section 5.3), those of `Cookie` with `; `; see
   * {@linkcode IncomingMessage.headersAll} for those of `Set-Cookie`.
   */
  get headers(): HeaderFields {
    return this.#headers ??= readFields(this.head, this.fieldsStart);
  }

  /** The value of a header field, in any case, or `defaultValue`. */
  headersGet(key: string): string | undefined;
  /** The value of a header field, in any case, or `defaultValue`. */
  headersGet<T>(key: string, defaultValue: T): string | T;
  /** The value of a header field, in any case, or `defaultValue`. */
  headersGet(key: string, defaultValue?: unknown): unknown {
    checkText("Name of a header", key);
    return this.headers[key.toLowerCase()] ?? defaultValue;
  }

  /** The values of each line of a header field, in order, not joined. */
  headersAll(key: string): string[] {
    checkText("Name of a header", key);
    return readFieldLines(this.head, this.fieldsStart, key.toLowerCase());
  }

  /** The media type of the body in lower case, without parameters, or "". */
  get contentType(): string {
    return mediaType(this.headers["content-type"] ?? "");
  }

  /**
   * Bytes of the body as it is sent, before any decoding; `null` where that is
   * not said. The answer to HEAD says what GET would bring.
   */
  get contentLength(): number | null {
    return this.#announced < 0 ? null : this.#announced;
  }

  // ---- The body ----------------------------------------------------------

  /** Bytes of the body that have come so far, before any decoding. */
  get bytesReceived(): number {
    return this.arriving?.bytesReceived ?? this.loaded.length;
  }

  /** Trailer fields of a chunked body, once all of it has come. */
  get trailers(): HeaderFields {
    return readFields(this.arriving?.trailer ?? this.#trailer, 0);
  }

  /** @ignore What the body is read from; made when somebody reads. */
  protected openBody(): IncomingBody {
    return this.arriving ?? IncomingBody.of(this.loaded);
  }

  /** @ignore What the body is read from, a piece at a time. */
  protected get reader(): IncomingBody {
    return this.#reader ??= this.openBody();
  }

  get #pieces(): Pieces {
    const { reader } = this;
    return () => reader.next();
  }

  /** The same for who makes something of them. */
  get #readable(): Pieces {
    const next = this.#pieces;
    return () => {
      this.checkReadable();
      return next();
    };
  }

  /** Whether the body was read to its end, or is going to be. */
  get #isRead(): boolean {
    const reader = this.#reader;
    if (!this.#isClaimed) return reader?.isSpent === true;
    // One that broke off says so again, and of an empty one nothing is missing.
    return reader === null
      ? this.loaded.length > 0
      : !reader.isFailed && !(reader.isDone && reader.bytesReceived === 0);
  }

  /** @throws {TypeError} If the body was read before. */
  #checkUnread(): void {
    if (this.#isRead) throw readBefore();
  }

  /** The same for who reads all of it. */
  #claim(): void {
    this.#checkUnread();
    this.#isClaimed = true;
  }

  /** All of a body in memory; else what is left of it. */
  #whole(): Uint8Array | Promise<Uint8Array> {
    this.checkReadable();
    if (this.arriving !== null) return this.readAll();
    this.#claim();
    return this.loaded;
  }

  /** A message whose body is at fault is of no use. */
  #failed(error: unknown): unknown {
    const fault = this.fault(error);
    if (fault !== error) this.leave();
    return fault;
  }

  /** Makes something of a body that is all there. */
  #make<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** What is made of a body, one by one. */
  async *#each<T>(
    values: AsyncGenerator<T, void, void>,
  ): AsyncGenerator<T, void, void> {
    try {
      yield* values;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /**
   * The next piece of the body, or `null` at the end. Of a request, the first
   * call asks a peer that waits for it to go on (`100 Continue`).
   *
   * Each piece is yours to keep. With a buffer, it is put into that and is a
   * view of it: a large body read in this way leaves nothing to collect.
   *
   * @param buffer Where to put it; it bounds the piece.
   * @throws {TypeError} If the piece before is still waited for, or the buffer
   * has no room.
   */
  read(
    buffer?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    if (buffer !== undefined) checkBytes("Buffer", buffer);
    // What was read from memory as a whole is at its end.
    if (this.#isClaimed && this.#reader === null) return Promise.resolve(null);
    return this.reader.read(buffer);
  }

  /** All of the body, or what is left of it, as bytes. */
  readAll(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#isRead) return Promise.reject(readBefore());
    this.#isClaimed = true;
    const { reader } = this;
    const { announced, bytesReceived, isDone } = reader;
    return readWhole(reader, isDone ? announced : announced - bytesReceived);
  }

  /**
   * The body as text: in the charset that `Content-Type` names; UTF-8 where it
   * names none, or one that nobody knows. A byte order mark before it is left
   * out, and what is not of the charset becomes U+FFFD, as in `Response.text()`.
   *
   * @throws {HttpError} With `fatal`, and the code `bad-encoding`, if anything
   * is not of it.
   */
  async text(options: TextOptions = {}): Promise<string> {
    checkTextOptions(options);
    const bytes = await this.#whole();
    const type = this.headers["content-type"] ?? "";
    return this.#make(() => decodeText(bytes, type, options.fatal));
  }

  /**
   * The body as JSON, whatever type it claims to have.
   *
   * @throws {HttpError} With the code `bad-json` if it is none, or
   * `json-too-deep` if it is deeper than `maxJsonDepth`.
   */
  // deno-lint-ignore no-explicit-any -- as `Response.json()` and `JSON.parse()`
  async json(): Promise<any> {
    const bytes = await this.#whole();
    const { maxJsonDepth } = this.bodyLimits;
    return this.#make(() => parseJson(parseUtf8(bytes), maxJsonDepth));
  }

  /**
   * The body as a form, of either type that browsers send: values by name, an
   * array where a name is repeated, files as `File`s, in memory. Large ones
   * are better read by {@linkcode IncomingMessage.parts}.
   *
   * @param limits Bounds on the parts of one of type `multipart/form-data`.
   * @throws {HttpError} With the code `not-a-form` if it is of another type,
   * or another if it is malformed or over a limit.
   */
  async form(
    limits?: PartLimits,
  ): Promise<Record<string, FormValue | FormValue[] | null>> {
    checkPartLimits(limits);
    const { contentType } = this;
    if (contentType !== MULTIPART && contentType !== URLENCODED) {
      throw this.#failed(new ProtocolError("not-a-form"));
    }
    const bytes = await this.#whole() as Uint8Array<ArrayBuffer>;
    if (contentType === URLENCODED) {
      const { maxFormFields = Infinity } = this.bodyLimits;
      return this.#make(() => {
        checkFields(bytes, maxFormFields);
        return parseQuery(bytes) as Record<string, string | string[] | null>;
      });
    }
    const type = this.headers["content-type"];
    const all = { ...this.bodyLimits.parts, ...limits };
    return this.#make(() => new LoadedForm(bytes, type, all).toDict());
  }

  /** The lines of the body, without their ends, as they arrive. */
  lines(limits?: LineLimits): AsyncGenerator<string, void, void> {
    checkLineLimits(limits);
    this.#checkUnread();
    const leave = () => this.leave();
    const pace = () => this.pace();
    return this.#each(readLines(this.#readable, limits, leave, pace));
  }

  /** The values of a body of one JSON text a line, as they arrive. */
  // deno-lint-ignore no-explicit-any -- as `JSON.parse()`
  ndjson(limits?: NdjsonLimits): AsyncGenerator<any, void, void> {
    checkNdjsonLimits(limits);
    this.#checkUnread();
    const { maxJsonDepth } = this.bodyLimits;
    const leave = () => this.leave();
    const pace = () => this.pace();
    const all = { maxJsonDepth, ...limits };
    return this.#each(readNdjson(this.#readable, all, leave, pace));
  }

  /**
   * Server-sent events, as they arrive.
   *
   * @throws {TypeError} If an option is not a number.
   * @throws {RangeError} If it is out of range.
   */
  events(
    limits: EventLimits = {},
  ): AsyncGenerator<ServerSentEvent, void, void> {
    EVENT_NAMES.check(limits);
    const { maxEventLength } = limits;
    if (maxEventLength !== undefined) {
      checkLimit("maxEventLength", maxEventLength);
    }
    return this.eventsBy(new EventStreamParser({ maxEventLength }));
  }

  /** @ignore Events as some parser reads them. */
  protected eventsBy(
    parser: EventStreamParser,
  ): AsyncGenerator<ServerSentEvent, void, void> {
    this.#checkUnread();
    const leave = () => this.leave();
    const pace = () => this.pace();
    return this.#each(readEvents(this.#readable, parser, leave, pace));
  }

  /**
   * The parts of a `multipart/` body, one after the other, as they arrive:
   * those of a form (RFC 7578), or the pictures of a camera. What of a part
   * was not read is passed over.
   *
   * ```ts ignore
   * for await (const part of client.parts()) {
   *   if (part.filename === undefined) console.log(part.name, await part.text());
   *   else await part.saveTo(`uploads/${crypto.randomUUID()}`);
   * }
   * ```
   *
   * @throws {HttpError} From the iterator: with a code, if the body is not in
   * parts, is malformed, or over a limit.
   */
  parts(limits?: PartLimits): AsyncGenerator<BodyPart, void, void> {
    checkPartLimits(limits);
    this.#checkUnread();
    return this.#each(readParts(
      this.#readable,
      this.headers["content-type"] ?? "",
      { ...this.bodyLimits.parts, ...limits },
      () => this.leave(),
      (error) => this.fault(error),
      () => this.pace(),
      this.partsEndFirst,
    ));
  }

  /**
   * The body as a byte stream. It reads only when it is read from, and errors
   * as {@linkcode IncomingMessage.read} rejects. Cancelling it closes a
   * response.
   */
  get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream ??= bodyStream(
      () => this.reader.next(),
      () => this.reader.giveBack(),
      () => this.leave(),
    );
  }

  /** @ignore Whether the body was asked for as a stream. */
  get isStreamed(): boolean {
    return this.#stream !== null;
  }

  /**
   * Writes the body to a file, as it arrives and in bounded memory. The file
   * is made anew, and removed again when the body breaks off.
   *
   * Needs `--allow-write` for the path.
   *
   * @param path Where to. Never one that a peer chose.
   * @returns Bytes written.
   */
  saveTo(path: string): Promise<number> {
    checkText("Path", path);
    this.#checkUnread();
    const error = this.reader.checkLength();
    if (error !== null) return Promise.reject(error); // and no file is made
    const { reader } = this;
    return saveBody(() => {
      this.#isClaimed = true; // not before there is a file
      return reader.next();
    }, path);
  }
}

function readBefore(): TypeError {
  return new TypeError("Body was read already");
}
