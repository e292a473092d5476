import { ProtocolError } from "../parse/errors.ts";
import type { HeaderFields } from "../parse/fields.ts";
import {
  MultipartEvent,
  type MultipartParser,
} from "../parse/multipart_parser.ts";
import { decodeUtf8 } from "../parse/text.ts";
import { bodyStream, readWhole, saveBody } from "./incoming_body.ts";

/**
 * Where the pieces of a body come from; `null` at its end. A piece is a view of
 * a buffer that is used again, and holds until the next call.
 */
export type Pieces = () => Promise<Uint8Array | null>;

/** One part of a multipart body, to be read before the next is asked for. */
export class BodyPart {
  /** The part's own header fields, by lower-case name. */
  readonly headers: HeaderFields;
  /** The part's own `Content-Type`; `text/plain` where it has none. */
  readonly contentType: string;
  readonly #next: Pieces;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;

  /** @ignore Made by what reads parts. */
  constructor(parser: MultipartParser, next: Pieces) {
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
   * file is made anew, and removed again when the rest does not come.
   *
   * @param path Where to. Never the name that the peer gave.
   * @returns Bytes written.
   */
  saveTo(path: string): Promise<number> {
    return saveBody(this.#next, path);
  }
}

/** What reading parts needs to know. */
export interface BodyPartsOptions<P extends BodyPart> {
  /** Makes the parser. What it throws comes from the generator. */
  open(): MultipartParser;
  /** Makes a part, of which the parser has just told. */
  make(parser: MultipartParser, data: Pieces): P;
  /** Bytes of one part; by default only the body as a whole is bounded. */
  maxPartLength?: number;
  /** Told once if the body was not read to its end, whatever the reason. */
  close?(): void;
}

/**
 * The parts of a body as they arrive. What of a part was not read is passed
 * over when the next one is asked for.
 */
export async function* readBodyParts<P extends BodyPart>(
  next: Pieces,
  options: BodyPartsOptions<P>,
): AsyncGenerator<P, void, void> {
  const { maxPartLength = Infinity } = options;
  let isRead = false;
  try {
    const parser = options.open();
    const step = async (): Promise<MultipartEvent> => {
      for (;;) {
        let event = parser.next();
        if (event === MultipartEvent.MORE) {
          const piece = await next();
          if (piece !== null) {
            parser.push(piece);
            continue;
          }
          isRead = true;
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
      yield options.make(parser, data);
      while (await data() !== null);
    }
    // To the end of the body, which the connection goes on behind.
    while (!isRead) {
      if (parser.next() === MultipartEvent.FAILED) throw parser.error;
      const piece = await next();
      if (piece === null) isRead = true;
      else parser.push(piece);
    }
    if (parser.finish() === MultipartEvent.FAILED) throw parser.error;
  } finally {
    if (!isRead) options.close?.();
  }
}
