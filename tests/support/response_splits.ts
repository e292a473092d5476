import {
  ParseEvent,
  type ParseLimits,
  type ProtocolErrorCode,
  ResponseParser,
} from "../../parse.ts";
import { isFinal } from "../cases/response_rows.ts";
import { feedPieces, feedWhole, pieceOf } from "./splits.ts";

/** One response as the parser told of it. */
export interface ReadResponse {
  status: number;
  statusMessage: string;
  protocol: string;
  headers: Record<string, string>;
  keepAlive: boolean;
  upgrade: boolean;
  hasCookies: boolean;
  hasCoding: boolean;
  /** From `keepAliveStart` to the line's end. */
  keepAliveValue: string | null;
  announcedLength: number;
  endsWithConnection: boolean;
  hasBody: boolean;
  /** One character a byte. */
  body: string;
  trailer: string;
  /** Its events in order; those of a body count as one. */
  events: string;
}

/** All that came of some bytes, and of the connection's end behind them. */
export interface ResponseOutcome {
  /** The last one may be incomplete. */
  responses: ReadResponse[];
  /** "until-close": only the connection's end completes the last response. */
  end: "complete" | "until-close" | "pending" | "failed";
  code?: ProtocolErrorCode;
  status?: number;
  offset?: number;
}

/** What the responses answer, in order; `undefined` where nobody says so. */
type Methods = readonly (string | undefined)[];

/** Reads responses from pieces, fed as by a socket. */
export function readResponsePieces(
  pieces: Iterable<Uint8Array>,
  methods: Methods = [],
  limits: ParseLimits = {},
): ResponseOutcome {
  const reader = new ResponseReader(methods, limits);
  const { parser, tell } = reader;
  return reader.finish(feedPieces(parser, pieces, limits, tell));
}

/** Reads responses from bytes that are pushed at once. */
export function readWholeResponses(
  bytes: Uint8Array,
  methods: Methods = [],
  limits: ParseLimits = {},
): ResponseOutcome {
  const reader = new ResponseReader(methods, limits);
  return reader.finish(feedWhole(reader.parser, bytes, reader.tell));
}

class ResponseReader {
  readonly parser: ResponseParser;
  readonly responses: ReadResponse[] = [];
  readonly #methods: Methods;
  #answered = 0;

  constructor(methods: Methods, limits: ParseLimits) {
    this.#methods = methods;
    this.parser = new ResponseParser(limits);
    // A parser that was never told takes it for GET.
    if (methods[0] !== undefined) this.parser.expect(methods[0]);
  }

  /** Writes an event down. */
  readonly tell = (event: ParseEvent): void => {
    if (event === ParseEvent.HEAD) {
      this.responses.push(this.#readHead());
      return;
    }
    const response = this.responses.at(-1)!;
    if (event === ParseEvent.BODY) {
      response.body += pieceOf(this.parser);
      if (!response.events.endsWith("BODY")) response.events += " BODY";
      return;
    }
    response.events += " END";
    // What the head said still holds behind the body.
    const { body, events } = response;
    const again = JSON.stringify({ ...this.#readHead(), body, events });
    if (again !== JSON.stringify(response)) throw new Error(again);
    response.trailer = this.parser.trailer;
    if (isFinal(response.status)) {
      this.parser.expect(this.#methods[++this.#answered] ?? "GET");
    }
  };

  /** The connection ends here. Throws where the parser contradicts itself. */
  finish(failed: boolean): ResponseOutcome {
    const { parser, responses } = this;
    const wasInMessage = parser.isInMessage;
    const ended = parser.endInput();
    if (parser.endInput()) throw new Error("Ended twice");
    if (failed) {
      if (ended) throw new Error("Ended well behind a fault");
      const { code, status, offset } = parser.error!;
      return { responses, end: "failed", code, status, offset };
    }
    if (parser.next() !== ParseEvent.MORE) {
      throw new Error("Went on at its end");
    }
    if (!ended) {
      if (parser.isInMessage !== wasInMessage) throw new Error("Moved on");
      return { responses, end: wasInMessage ? "pending" : "complete" };
    }
    if (!wasInMessage || !parser.isFresh) throw new Error("Not ended");
    responses.at(-1)!.trailer = parser.trailer;
    return { responses, end: "until-close" };
  }

  #readHead(): ReadResponse {
    const { parser } = this;
    const { head, keepAliveStart: start } = parser;
    return {
      status: parser.status,
      statusMessage: parser.statusMessage,
      protocol: parser.protocol,
      headers: parser.readHeaders(),
      keepAlive: parser.keepAlive,
      upgrade: parser.connectionUpgrade,
      hasCookies: parser.hasCookies,
      hasCoding: parser.hasCoding,
      keepAliveValue: start === -1
        ? null
        : head.slice(start, head.indexOf("\r", start)),
      announcedLength: parser.announcedLength,
      endsWithConnection: parser.endsWithConnection,
      hasBody: parser.hasBody,
      body: "",
      trailer: "",
      events: "HEAD",
    };
  }
}
