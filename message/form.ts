import { dict } from "../parse/dict.ts";
import { ProtocolError } from "../parse/errors.ts";
import {
  multipartBoundary,
  MultipartEvent,
  type MultipartLimits,
  MultipartParser,
} from "../parse/multipart_parser.ts";
import { decodeUtf8 } from "../parse/text.ts";
import { BodyPart, type Pieces, readBodyParts } from "./body_parts.ts";

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

/** One part of a form, to be read before the next one is asked for. */
export class FormPart extends BodyPart {
  /** Name of the form's field. */
  readonly name: string;
  /**
   * Name of the file as the peer gave it, or `undefined` for a plain value.
   * Never use it as a path.
   */
  readonly filename: string | undefined;

  /** @ignore Made by `HttpRequest.parts()`. */
  constructor(parser: MultipartParser, next: Pieces) {
    super(parser, next);
    this.name = parser.name;
    this.filename = parser.filename;
  }
}

/**
 * The parts of a form as they arrive. What of a part was not read is passed
 * over when the next one is asked for.
 */
export function readParts(
  next: Pieces,
  contentType: string,
  limits: FormLimits = {},
): AsyncGenerator<FormPart, void, void> {
  return readBodyParts(next, {
    open: () => parserFor(contentType, limits),
    make: (parser, data) => new FormPart(parser, data),
    maxPartLength: limits.maxPartLength,
  });
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
