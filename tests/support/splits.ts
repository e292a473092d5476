import {
  type MessageParser,
  ParseEvent,
  type ParseLimits,
  type ProtocolErrorCode,
  RequestParser,
  type RequestParserOptions,
} from "../../parse.ts";
import { latin1Text } from "./bytes.ts";

/** One request as the parser told of it. */
export interface ReadRequest {
  method: string;
  target: string;
  protocol: string;
  headers: Record<string, string>;
  keepAlive: boolean;
  expectContinue: boolean;
  upgrade: boolean;
  hasBody: boolean;
  /** One character a byte. */
  body: string;
  trailer: string;
  /** Whether its end was seen. */
  isComplete: boolean;
}

/** All that came of some bytes. */
export interface Outcome {
  /** The last one may be incomplete. */
  requests: ReadRequest[];
  end: "complete" | "pending" | "failed";
  code?: ProtocolErrorCode;
  status?: number;
  offset?: number;
}

/** Largest buffer that a parser may ever hold, fed as a socket feeds it. */
function maxBuffer(limits: ParseLimits): number {
  return Math.max(65536, limits.maxHeadersLength ?? 16384);
}

/**
 * Feeds pieces to a parser the way a socket does, and tells of each event.
 * Throws where it makes no progress, or its buffer outgrows the limits.
 *
 * @returns Whether the message is broken.
 */
export function feedPieces(
  parser: MessageParser,
  pieces: Iterable<Uint8Array>,
  limits: ParseLimits,
  tell: (event: ParseEvent) => void,
): boolean {
  for (const piece of pieces) {
    for (let from = 0; from < piece.length;) {
      const space = parser.space();
      if (space.length === 0) throw new Error("No room for more bytes");
      const part = piece.subarray(from, from + space.length);
      space.set(part);
      parser.filled(part.length);
      from += part.length;
      const failed = readEvents(parser, part.length, tell);
      if (parser.buffer.length > maxBuffer(limits)) {
        throw new Error(`Buffer of ${parser.buffer.length} bytes`);
      }
      if (failed) return true;
    }
  }
  return false;
}

/** The same by `push()`, all at once. */
export function feedWhole(
  parser: MessageParser,
  bytes: Uint8Array,
  tell: (event: ParseEvent) => void,
): boolean {
  parser.push(bytes);
  return readEvents(parser, bytes.length, tell);
}

/** Reads events until more bytes are wanted; whether the message is broken. */
function readEvents(
  parser: MessageParser,
  length: number,
  tell: (event: ParseEvent) => void,
): boolean {
  // Every event but the END of an empty body takes at least one byte.
  for (let left = 2 * length + 4; left > 0; left--) {
    const event = parser.next();
    if (event === ParseEvent.MORE) return false;
    if (event === ParseEvent.FAILED) {
      if (parser.next() !== event) throw new Error("Went on behind a fault");
      return true;
    }
    tell(event);
  }
  throw new Error("More events than bytes");
}

/** The last piece of body, one character a byte. */
export function pieceOf(parser: MessageParser): string {
  const { buffer, bodyStart, bodyEnd } = parser;
  if (bodyEnd <= bodyStart) throw new Error("Empty piece of body");
  return latin1Text(buffer.subarray(bodyStart, bodyEnd));
}

/** Reads requests from pieces, fed as by a socket. */
export function readPieces(
  pieces: Iterable<Uint8Array>,
  options: RequestParserOptions = {},
): Outcome {
  const parser = new RequestParser(options);
  const requests: ReadRequest[] = [];
  const tell = (event: ParseEvent) => takeEvent(parser, requests, event);
  return outcomeOf(parser, requests, feedPieces(parser, pieces, options, tell));
}

/** Reads requests from bytes that are pushed at once. */
export function readWhole(
  bytes: Uint8Array,
  options: RequestParserOptions = {},
): Outcome {
  const parser = new RequestParser(options);
  const requests: ReadRequest[] = [];
  const tell = (event: ParseEvent) => takeEvent(parser, requests, event);
  return outcomeOf(parser, requests, feedWhole(parser, bytes, tell));
}

function outcomeOf(
  parser: RequestParser,
  requests: ReadRequest[],
  failed: boolean,
): Outcome {
  if (!failed) {
    return { requests, end: parser.isInMessage ? "pending" : "complete" };
  }
  const { code, status, offset } = parser.error!;
  return { requests, end: "failed", code, status, offset };
}

function takeEvent(
  parser: RequestParser,
  requests: ReadRequest[],
  event: ParseEvent,
): void {
  if (event === ParseEvent.BODY) requests.at(-1)!.body += pieceOf(parser);
  else if (event === ParseEvent.END) {
    requests.at(-1)!.trailer = parser.trailer;
    requests.at(-1)!.isComplete = true;
  } else {
    requests.push({
      method: parser.method,
      target: parser.target,
      protocol: parser.protocol,
      headers: parser.readHeaders(),
      keepAlive: parser.keepAlive,
      expectContinue: parser.expectContinue,
      upgrade: parser.connectionUpgrade,
      hasBody: parser.hasBody,
      body: "",
      trailer: "",
      isComplete: false,
    });
  }
}

/** Cuts at given places, in ascending order. */
export function cutAt(bytes: Uint8Array, ...places: number[]): Uint8Array[] {
  return [0, ...places].map((from, i) =>
    bytes.subarray(from, places[i] ?? bytes.length)
  );
}

/** Byte by byte. */
export function* bytewise(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let i = 0; i < bytes.length; i++) yield bytes.subarray(i, i + 1);
}

/**
 * Every way of cutting in two and, up to `maxLength` bytes, in three.
 *
 * @param isOver Whether a reader is done for when it has had a piece, the first
 *   one: then it is given no second, and how that is cut is all one.
 */
export function* twoCuts(
  bytes: Uint8Array,
  maxLength: number,
  isOver: (first: Uint8Array) => boolean = () => false,
): Iterable<Uint8Array[]> {
  for (let i = 1; i < bytes.length; i++) {
    yield cutAt(bytes, i);
    if (bytes.length > maxLength || isOver(bytes.subarray(0, i))) continue;
    for (let j = i + 1; j < bytes.length; j++) yield cutAt(bytes, i, j);
  }
}

/** Numbers that look random and are the same on each run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 up to, but without, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * limit);
  }

  /** One of several. */
  pick<T>(items: ArrayLike<T>): T {
    return items[this.below(items.length)];
  }

  /** Pieces of random lengths, mostly short. */
  *pieces(bytes: Uint8Array): Iterable<Uint8Array> {
    for (let from = 0; from < bytes.length;) {
      const end = from + 1 + this.below(this.pick([1, 4, 16, 64, 2048]));
      yield bytes.subarray(from, end);
      from = end;
    }
  }
}
