import { checkText } from "../parse/arguments.ts";
import { decodeText } from "../parse/charset.ts";
import { ProtocolError } from "../parse/errors.ts";
import type { HeaderFields } from "../parse/fields.ts";
import {
  multipartBoundary,
  multipartKind,
} from "../parse/multipart_boundary.ts";
import {
  MultipartEvent,
  type MultipartLimits,
  MultipartParser,
} from "../parse/multipart_parser.ts";
import { OptionNames } from "../parse/option_names.ts";
import { checkLimit } from "../wire/limits.ts";
import { checkTextOptions, type TextOptions } from "./text_options.ts";
import {
  bodyStream,
  type Pace,
  type Pieces,
  readWhole,
  saveBody,
} from "./incoming_body.ts";

/** Bounds on the parts of a body. */
export interface PartLimits extends MultipartLimits {
  /** Bytes of one part; by default only the body as a whole is bounded. */
  maxPartLength?: number;
}

const NAMES = new OptionNames<PartLimits>("a body's parts", {
  maxParts: true,
  maxPartHeadersLength: true,
  maxPartHeadersCount: true,
  maxPartLength: true,
});

/**
 * Checks limits that are kept for later.
 *
 * @throws {TypeError} If they are no object, or one is not a number.
 * @throws {RangeError} If one is negative, or not a whole number.
 */
export function checkPartLimits(limits: PartLimits | undefined = {}): void {
  NAMES.check(limits);
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined) checkLimit(name, value, 0);
  }
}

/**
 * Reads parts within their limits: those of a body that arrives as those of a
 * form in memory.
 */
export class PartParser extends MultipartParser {
  readonly #maxPartLength: number;
  #length = 0;

  /**
   * @param contentType The body's.
   * @param kind What has to stand behind `multipart/`; `*` for anything.
   * @throws {ProtocolError} If it is of another type, or has no boundary.
   */
  constructor(contentType: string, kind: string, limits: PartLimits = {}) {
    const boundary = multipartBoundary(contentType, kind);
    if (boundary === null) throw new ProtocolError("bad-multipart");
    const { maxPartLength = Infinity, ...others } = limits;
    super(boundary, { ...others, kind: multipartKind(contentType)! });
    this.#maxPartLength = maxPartLength;
  }

  /**
   * Goes on with the bytes received so far.
   *
   * @throws {ProtocolError} If the body is malformed, or over a limit.
   */
  override next(): MultipartEvent {
    const event = super.next();
    if (event === MultipartEvent.FAILED) throw this.error;
    if (event === MultipartEvent.PART) this.#length = 0;
    else if (event === MultipartEvent.DATA) {
      this.#length += this.data.length;
      if (this.#length > this.#maxPartLength) {
        throw new ProtocolError("body-too-large");
      }
    }
    return event;
  }

  /** Says that the body is at its end; throws as `next()` does. */
  override finish(): MultipartEvent {
    const event = super.finish();
    if (event === MultipartEvent.FAILED) throw this.error;
    return event;
  }
}

/** One part of a multipart body, to be read before the next is asked for. */
export class BodyPart {
  /** Name of the form's field; "" where the body is no form. */
  readonly name: string;
  /**
   * Name of the form's file as the peer gave it, or `undefined` for a plain
   * value. Never use it as a path.
   */
  readonly filename: string | undefined;
  /** The part's own header fields, by lower-case name. */
  readonly headers: HeaderFields;
  /** The part's own `Content-Type`; `text/plain` where it has none. */
  readonly contentType: string;
  readonly #next: Pieces;
  readonly #fault: (error: unknown) => unknown;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;

  /** @ignore Made by what reads parts. */
  constructor(
    parser: MultipartParser,
    next: Pieces,
    fault: (error: unknown) => unknown,
  ) {
    this.name = parser.name;
    this.filename = parser.filename;
    this.headers = parser.headers;
    this.contentType = parser.contentType;
    this.#next = next;
    this.#fault = fault;
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
   * The part's data as text, as the body's own `text()` gives it.
   *
   * @throws {HttpError} With `fatal`, and the code `bad-encoding`, if anything
   * is not of its charset.
   */
  async text(options: TextOptions = {}): Promise<string> {
    checkTextOptions(options);
    const bytes = await this.bytes();
    try {
      return decodeText(bytes, this.contentType, options.fatal);
    } catch (error) {
      throw this.#fault(error);
    }
  }

  /** The part's data as a byte stream. */
  get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream ??= bodyStream(this.#next);
  }

  /**
   * Writes the part's data to a file, as it arrives and in bounded memory. The
   * file is made anew, and removed again when the rest does not come.
   *
   * @param path Where to. Never the name that the peer gave.
   * @returns Bytes written.
   */
  saveTo(path: string): Promise<number> {
    checkText("Path", path);
    return saveBody(this.#next, path);
  }
}

/** Bytes behind the last delimiter that are waited for. */
const MAX_BEHIND = 65_536;

/**
 * Reads on behind the last delimiter, for the connection's sake, while who has
 * asked for the parts goes its way: cameras may never end the body.
 */
async function leave(next: Pieces, close: () => void): Promise<void> {
  try {
    let left = MAX_BEHIND;
    for (let piece; (piece = await next()) !== null;) {
      left -= piece.length;
      if (left < 0) return close();
    }
  } catch {
    // The connection is gone: nobody waits for more of it.
  }
}

/**
 * The parts of a `multipart/` body of any kind, as they arrive: also of one
 * that goes on for ever, such as the pictures of a camera. What of a part was
 * not read is passed over when the next one is asked for.
 *
 * @param contentType The body's.
 * @param close Told once if the body was not read to its end, whatever the
 * reason.
 * @param fault What who reads a part is to get in place of an error.
 * @param isOverAtLast Whether the parts end at the last delimiter, and what
 * comes behind it is of no matter, rather than with the body.
 * @throws {ProtocolError} From the iterator: if the body is no such one, is
 * malformed, or over a limit.
 */
export async function* readParts(
  next: Pieces,
  contentType: string,
  limits: PartLimits = {},
  close: () => void = () => {},
  fault: (error: unknown) => unknown = (error) => error,
  pace: Pace = () => null,
  isOverAtLast = false,
): AsyncGenerator<BodyPart, void, void> {
  let isRead = false;
  const end = () => {
    if (!isRead) close();
    isRead = true;
  };
  try {
    const parser = new PartParser(contentType, "*", limits);
    const step = async (): Promise<MultipartEvent> => {
      for (;;) {
        const event = parser.next();
        if (event !== MultipartEvent.MORE) {
          const turn = pace();
          if (turn !== null) await turn;
          return event;
        }
        const piece = await next();
        if (piece === null) {
          isRead = true;
          return parser.finish();
        }
        parser.push(piece);
      }
    };
    while (await step() !== MultipartEvent.END) {
      let isOver = false;
      const data: Pieces = async () => {
        if (isOver) return null;
        try {
          if (await step() === MultipartEvent.DATA) return parser.data;
        } catch (error) {
          end();
          throw fault(error);
        }
        isOver = true;
        return null;
      };
      yield new BodyPart(parser, data, fault);
      while (await data() !== null);
    }
    if (isOverAtLast && !isRead) {
      isRead = true;
      leave(next, close);
      return;
    }
    // To the end of the body, which the connection goes on behind.
    while (!isRead) {
      parser.next();
      const piece = await next();
      if (piece === null) isRead = true;
      else parser.push(piece);
    }
    parser.finish();
  } finally {
    end();
  }
}
