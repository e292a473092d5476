import type { ResponseParser } from "../parse/response_parser.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { decodeBody, readCodings } from "../message/decoder.ts";
import { type RequestPlan, urlOf } from "./plan.ts";
import {
  type ClientRequest,
  HttpResponse,
  type ResponseHost,
} from "./request_and_response.ts";
import type { CallSettings } from "./request_options.ts";
import type { ClientTiming } from "./timing.ts";

const NOTHING = new Uint8Array(0);
const NO_CODINGS: ContentCoding[] = [];

/** For whom a response comes in. */
export interface Recipient {
  readonly request: ClientRequest;
  readonly settings: CallSettings;
  /** When the caller asked; as `performance.now()` has it. */
  readonly startedAt: number;
  /** How many redirects were followed. */
  readonly redirects: number;
  /** Whether bodies are decoded. */
  readonly decompress: boolean;
}

/** The connection that a response comes in on. */
export interface Carriage {
  readonly parser: ResponseParser;
  /** Responses that have come on it. */
  readonly served: number;
  /** How long it took to connect, in ms. */
  readonly connectTime: number;
  /** How long the TLS handshake took, in ms; 0 without one. */
  readonly tlsTime: number;
}

/** A response of which the head is in: what has come of it since. */
export class IncomingResponse {
  readonly #recipient: Recipient;
  readonly #plan: RequestPlan;
  readonly #parser: ResponseParser;
  readonly #host: ResponseHost;
  readonly #timing: ClientTiming;
  // What has come of a body that is kept.
  #bytes: Uint8Array<ArrayBuffer> | null = null;
  #length = 0;
  // What is given to the caller, where that is not complete.
  #stream: IncomingBody | null = null;
  #given: HttpResponse | null = null;

  /**
   * @param plan What it answers.
   * @param host What the caller's response asks something of.
   */
  constructor(
    recipient: Recipient,
    plan: RequestPlan,
    { parser, served, connectTime, tlsTime }: Carriage,
    host: ResponseHost,
  ) {
    this.#recipient = recipient;
    this.#plan = plan;
    this.#parser = parser;
    this.#host = host;
    this.#timing = {
      connect: served === 0 ? connectTime : 0,
      tls: served === 0 ? tlsTime : 0,
      firstByte: performance.now() - recipient.startedAt,
      total: 0,
    };
  }

  /** Bytes of the body that have come, before decoding. */
  get bytesReceived(): number {
    return this.#stream?.bytesReceived ?? this.#length;
  }

  /** Whether the caller reads it as it arrives. */
  get isStreamed(): boolean {
    return this.#stream !== null;
  }

  /** Bytes of the body that there will be, as far as is known. */
  get expected(): number {
    return Math.max(this.#parser.contentLength, this.#length);
  }

  /** A piece of a body that nobody wants has come. */
  drop(piece: Uint8Array): void {
    this.#length += piece.length;
  }

  /**
   * Keeps a piece of the body, which is a view.
   *
   * @returns Whether it is within the limit.
   */
  keep(piece: Uint8Array): boolean {
    const { maxResponseLength } = this.#recipient.settings;
    const at = this.#length;
    const length = at + piece.length;
    if (length > maxResponseLength) return false;
    this.#length = length;
    if (this.#bytes === null) {
      this.#bytes = new Uint8Array(piece);
      return true;
    }
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(length * 2, maxResponseLength));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, at);
    return true;
  }

  /** Gives the caller a response of which the body comes in as it is read. */
  stream(body: IncomingBody): void {
    this.#stream = body;
    this.#given = this.#make(null, body, "");
    this.#recipient.request.succeed(this.#given);
  }

  /** Ends what the caller reads: with an error, or in good order. */
  endStream(trailer: string, error: Error | null): void {
    this.completed();
    if (error !== null) this.#stream!.fail(error);
    else this.#stream!.finish(trailer);
  }

  /** What the caller reads breaks off. */
  failStream(error: Error): void {
    this.#stream!.fail(error);
  }

  /** All of it has come. */
  completed(): void {
    this.#timing.total = performance.now() - this.#recipient.startedAt;
  }

  /** The response itself, as far as it goes without its body. */
  get bare(): HttpResponse {
    return this.#given ?? this.#make(NOTHING, null, "");
  }

  /**
   * The response with the body that was kept.
   *
   * @throws {ProtocolError} Or rejects: if that cannot be decoded.
   */
  whole(trailer: string): HttpResponse | Promise<HttpResponse> {
    let bytes: Uint8Array = this.#bytes ?? NOTHING;
    if (bytes.length > this.#length) bytes = bytes.subarray(0, this.#length);
    const codings = this.#codings();
    // The parser goes on with other responses: what is needed is taken now.
    const response = this.#make(bytes, null, trailer);
    if (!codings?.length || bytes.length === 0) return response;
    const { maxResponseLength } = this.#recipient.settings;
    const decoded = decodeBody(codings, bytes, maxResponseLength);
    if (decoded instanceof Promise) {
      return decoded.then((bytes) => {
        response.decoded(bytes);
        return response;
      });
    }
    response.decoded(decoded);
    return response;
  }

  /** What is to be taken off the body; null for what is not known. */
  #codings(): ContentCoding[] | null {
    const parser = this.#parser;
    if (
      !parser.hasCoding || !this.#recipient.decompress ||
      this.#plan.method === "HEAD"
    ) return NO_CODINGS;
    const lines = parser.readHeaderLines("content-encoding");
    return readCodings(lines.join(","));
  }

  #make(
    bytes: Uint8Array | null,
    body: IncomingBody | null,
    trailer: string,
  ): HttpResponse {
    const { request, redirects, settings } = this.#recipient;
    return new HttpResponse({
      request,
      method: this.#plan.method,
      url: urlOf(this.#plan),
      isRedirected: redirects > 0,
      parser: this.#parser,
      timing: this.#timing,
      bytes,
      body,
      trailer,
      codings: this.#codings(),
      host: this.#host,
      maxJsonDepth: settings.maxJsonDepth,
    });
  }
}
