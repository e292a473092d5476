import { dict } from "../parse/dict.ts";
import { ProtocolError } from "../parse/errors.ts";
import type { HeaderFields } from "../parse/fields.ts";
import {
  multipartBoundary,
  MultipartEvent,
  type MultipartLimits,
  MultipartParser,
} from "../parse/multipart_parser.ts";
import { bodyStream, readWhole, saveBody } from "../transport/incoming_body.ts";
import { decodeUtf8 } from "../parse/text.ts";

/** Bounds on the parts of a form. */
export interface FormLimits extends MultipartLimits {
  /** Bytes of one part; by default only the body as a whole is bounded. */
  maxPartLength?: number;
}

/** A parser for a body of some `Content-Type`; it must be a form in parts. */
function parserFor(contentType: string, limits?: FormLimits): MultipartParser {
  const boundary = multipartBoundary(contentType);
  if (boundary === null) throw new ProtocolError("bad-multipart");
  return new MultipartParser(boundary, limits);
}

type Pieces = () => Promise<Uint8Array | null>;

/** One part of a form, to be read before the next one is asked for. */
export class FormPart {
  /** Name of the form's field. */
  readonly name: string;
  /**
   * Name of the file as the peer gave it, or `undefined` for a plain value.
   * Never use it as a path.
   */
  readonly filename: string | undefined;
  /** The part's own header fields, by lower-case name. */
  readonly headers: HeaderFields;
  /** The part's own `Content-Type`; `text/plain` where it has none. */
  readonly contentType: string;
  readonly #next: Pieces;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;

  /** @ignore Made by `HttpRequest.parts()`. */
  constructor(parser: MultipartParser, next: Pieces) {
    this.name = parser.name;
    this.filename = parser.filename;
    this.headers = parser.headers;
    this.contentType = parser.contentType;
    this.#next = next;
  }

  /** The next piece of the part's data, or `null` at its end. */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const piece = await this.#next();
    return piece === null ? null : new Uint8Array(piece);
  }

  /** All of the part's data, or what is left of it. */
  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return readWhole({ next: this.#next });
  }

  /**
   * The part's data as text.
   *
   * @throws {ProtocolError} If it is not UTF-8.
   */
  async text(): Promise<string> {
    return decodeUtf8(await this.bytes());
  }

  /** The part's data as a byte stream. */
  get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream ??= bodyStream(this.#next);
  }

  /**
   * Writes the part's data to a file, as it arrives and in bounded memory. The
   * file is made anew, and removed again when the upload breaks off.
   *
   * @param path Where to. Never the name that the peer gave.
   * @returns Bytes written.
   */
  saveTo(path: string): Promise<number> {
    return saveBody(this.#next, path);
  }
}

/**
 * The parts of a form as they arrive. What of a part was not read is passed
 * over when the next one is asked for.
 */
export async function* readParts(
  next: Pieces,
  contentType: string,
  limits: FormLimits = {},
): AsyncGenerator<FormPart, void, void> {
  const parser = parserFor(contentType, limits);
  const { maxPartLength = Infinity } = limits;
  const step = async (): Promise<MultipartEvent> => {
    for (;;) {
      let event = parser.next();
      if (event === MultipartEvent.MORE) {
        const piece = await next();
        if (piece !== null) {
          parser.push(piece);
          continue;
        }
        event = parser.finish();
      }
      if (event === MultipartEvent.FAILED) throw parser.error;
      return event;
    }
  };
  for (;;) {
    if (await step() === MultipartEvent.END) break;
    let isOver = false;
    let length = 0;
    const data: Pieces = async () => {
      if (isOver) return null;
      if (await step() === MultipartEvent.PART_END) {
        isOver = true;
        return null;
      }
      length += parser.data.length;
      if (length > maxPartLength) throw new ProtocolError("body-too-large");
      return parser.data;
    };
    yield new FormPart(parser, data);
    while (await data() !== null);
  }
  // To the end of the body, which the connection goes on behind.
  for (;;) {
    if (parser.next() === MultipartEvent.FAILED) throw parser.error;
    const piece = await next();
    if (piece === null) break;
    parser.push(piece);
  }
  if (parser.finish() === MultipartEvent.FAILED) throw parser.error;
}

/** A value of a form in parts: text, or a file. */
export type FormValue = string | File;

/** Where a value lies in a form that is in memory. */
interface Found {
  name: string;
  filename: string | undefined;
  contentType: string;
  /** The value, where it is text. */
  text: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A form in parts that is in memory, checked. Files are made when asked for. */
export class LoadedForm {
  readonly #found: Found[] = [];

  /**
   * @throws {ProtocolError} If the body is no such form, or a text in it is
   * not UTF-8.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>, contentType: string) {
    const parser = parserFor(contentType);
    parser.push(bytes);
    let start = -1;
    let end = -1;
    for (;;) {
      switch (parser.next()) {
        case MultipartEvent.PART:
          start = end = -1;
          break;
        case MultipartEvent.DATA:
          // All views are of the one buffer, so pieces lie side by side.
          if (start < 0) start = parser.data.byteOffset - bytes.byteOffset;
          end = parser.data.byteOffset - bytes.byteOffset +
            parser.data.length;
          break;
        case MultipartEvent.PART_END: {
          const { name, filename, contentType } = parser;
          const value = start < 0
            ? bytes.subarray(0, 0)
            : bytes.subarray(start, end);
          const text = filename === undefined ? decodeUtf8(value) : "";
          this.#found.push({ name, filename, contentType, text, bytes: value });
          break;
        }
        case MultipartEvent.MORE:
          if (parser.finish() === MultipartEvent.FAILED) throw parser.error;
          return;
        case MultipartEvent.FAILED:
          throw parser.error;
      }
    }
  }

  /** The values by name; an array where a name is repeated. */
  toDict(): Record<string, FormValue | FormValue[]> {
    const values = dict<FormValue | FormValue[]>();
    for (const { name, filename, contentType, text, bytes } of this.#found) {
      const value = filename === undefined
        ? text
        : new File([bytes], filename, { type: contentType });
      const before = values[name];
      if (before === undefined) values[name] = value;
      else if (Array.isArray(before)) before.push(value);
      else values[name] = [before, value];
    }
    return values;
  }
}
