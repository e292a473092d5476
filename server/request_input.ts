import { isSpareBuffer, readBuffer } from "../parse/message_parser.ts";
import {
  RequestParser,
  type RequestParserOptions,
} from "../parse/request_parser.ts";

/** How many parsers, and buffers, are kept for later. */
const MAX_SPARE = 256;

/** Parsers and read buffers that no connection needs at present. */
export interface SpareInputs {
  readonly parserOptions: RequestParserOptions;
  readonly parsers: RequestParser[];
  readonly buffers: Uint8Array<ArrayBuffer>[];
}

/**
 * What a connection reads into: a small buffer, which a parser adopts only
 * while there is something to parse, as idle is to be cheap.
 */
export class RequestInput {
  /** The parser that has the buffer. */
  parser: RequestParser | null = null;
  readonly #spare: SpareInputs;
  // Where bytes are read to, while no parser has it.
  #buffer: Uint8Array<ArrayBuffer> | null;

  constructor(spare: SpareInputs) {
    this.#spare = spare;
    this.#buffer = spare.buffers.pop() ?? readBuffer();
  }

  /** Whether bytes have come that nobody has looked at. */
  get hasInput(): boolean {
    return this.parser !== null && this.parser.hasInput;
  }

  /** Room to read into. */
  space(): Uint8Array<ArrayBuffer> {
    return this.parser === null ? this.#buffer! : this.parser.space();
  }

  /** So much has been read into it. */
  filled(length: number): void {
    if (this.parser !== null) {
      this.parser.filled(length);
      return;
    }
    this.parser = this.#spare.parsers.pop() ??
      new RequestParser(this.#spare.parserOptions);
    this.parser.adopt(this.#buffer!, length);
    this.#buffer = null;
  }

  /** Gives the parser to the next connection that needs one. */
  giveParser(): void {
    const { parser } = this;
    if (parser === null) return;
    this.#buffer = parser.surrender();
    this.parser = null;
    const { parsers } = this.#spare;
    if (parsers.length < MAX_SPARE) parsers.push(parser);
  }

  /** Takes the buffer away, where no parser has it, for other bytes. */
  takeBuffer(): Uint8Array<ArrayBuffer> {
    const buffer = this.#buffer!;
    this.#buffer = null;
    return buffer;
  }

  /** Lets go of it all; no read is under way. */
  release(buffer: Uint8Array<ArrayBuffer> | null = null): void {
    this.giveParser();
    const own = this.#buffer ?? buffer;
    const { buffers } = this.#spare;
    if (isSpareBuffer(own) && buffers.length < MAX_SPARE) buffers.push(own);
    this.#buffer = null;
  }
}
