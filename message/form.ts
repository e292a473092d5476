import { dict } from "../parse/dict.ts";
import { ProtocolError } from "../parse/errors.ts";
import { trim } from "../parse/fields.ts";
import { MultipartEvent } from "../parse/multipart_parser.ts";
import { parseUtf8 } from "../parse/text.ts";
import { type PartLimits, PartParser } from "./body_parts.ts";

/** Media type of a form in parts. */
export const MULTIPART = "multipart/form-data";
/** Media type of a form without files. */
export const URLENCODED = "application/x-www-form-urlencoded";

const AMPERSAND = 0x26;

/** What bounds a form. */
interface FormLimits {
  maxFormFields?: number;
  parts?: PartLimits;
}

/**
 * Holds an `application/x-www-form-urlencoded` body to a number of fields, as
 * each takes some hundred bytes in memory, and a few in the body.
 *
 * @throws {ProtocolError} If it has more.
 */
export function checkFields(body: Uint8Array, most: number): void {
  if (body.length < most) return;
  let count = 1;
  for (let at = -1; (at = body.indexOf(AMPERSAND, at + 1)) >= 0;) {
    if (++count > most) throw new ProtocolError("too-many-fields");
  }
}

/**
 * Holds a form of either type to a number of fields, for who reads it otherwise.
 * What is no such form passes.
 *
 * @throws {ProtocolError} If it is over a limit.
 */
export function checkForm(
  body: Uint8Array<ArrayBuffer>,
  contentType: string,
  { maxFormFields = Infinity, parts }: FormLimits,
): void {
  const [type] = contentType.split(";", 1);
  const name = trim(type).toLowerCase();
  if (name === URLENCODED) checkFields(body, maxFormFields);
  if (name !== MULTIPART) return;
  try {
    new LoadedForm(body, contentType, parts);
  } catch (error) {
    const { status } = error as ProtocolError;
    if (status === 413 || status === 431) throw error;
  }
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
   * @throws {ProtocolError} If the body is no such form, over a limit, or a
   * text in it is not UTF-8.
   */
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    contentType: string,
    limits?: PartLimits,
  ) {
    const parser = new PartParser(contentType, "form-data", limits);
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
          const text = filename === undefined ? parseUtf8(value) : "";
          this.#found.push({ name, filename, contentType, text, bytes: value });
          break;
        }
        case MultipartEvent.MORE:
          parser.finish();
          return;
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
