import {
  type EventStreamOptions,
  EventStreamParser,
  type ServerSentEvent,
} from "../parse/event_stream_parser.ts";
import { MAX_JSON_DEPTH, parseJson } from "../parse/json.ts";
import { type LineLimits, LineParser } from "../parse/line_parser.ts";
import { checkGiven } from "../parse/limits.ts";
import { OptionNames } from "../parse/option_names.ts";
import type { Pace, Pieces } from "./incoming_body.ts";

/** Bounds on a body of one JSON text a line. */
export interface NdjsonLimits extends LineLimits {
  /** How deep a value may be nested; by default what the message allows. */
  maxJsonDepth?: number;
}

const NDJSON_NAMES = new OptionNames<NdjsonLimits>("a reader of NDJSON", {
  maxLineLength: true,
  maxJsonDepth: true,
});

/**
 * Checks the limits of a reader of NDJSON.
 *
 * @throws {TypeError} If they are no object, hold an unknown one, or one that
 * is not a number.
 * @throws {RangeError} If one is out of range.
 */
export function checkNdjsonLimits(limits: NdjsonLimits | undefined): void {
  NDJSON_NAMES.check(limits);
  if (limits === undefined) return;
  checkGiven(limits, ["maxLineLength"], 0);
  checkGiven(limits, ["maxJsonDepth"]);
}

const nothing = () => {};
/** Nobody else is kept waiting. */
const alone: Pace = () => null;

/**
 * The lines of a body as they arrive, without their ends (LF or CR LF). The
 * last one need not have an end.
 *
 * @param close Told once if the body was not read to its end: the consumer
 * left its loop, or there was a fault.
 * @throws {ProtocolError} From the iterator: if a line is too long or not
 * UTF-8.
 */
export async function* readLines(
  next: Pieces,
  limits: LineLimits = {},
  close: () => void = nothing,
  pace: Pace = alone,
): AsyncGenerator<string, void, void> {
  let isRead = false;
  try {
    const parser = new LineParser(limits);
    while (!isRead) {
      const piece = await next();
      if (piece === null) isRead = true;
      else parser.push(piece);
      for (let line; (line = parser.next()) !== null;) {
        const turn = pace();
        if (turn !== null) await turn;
        yield line;
      }
    }
    const last = parser.finish();
    if (last !== null) yield last;
  } finally {
    if (!isRead) close();
  }
}

/**
 * The values of a body of one JSON text a line, as they arrive. Lines with
 * nothing but white space are passed over.
 *
 * @param close As for {@linkcode readLines}.
 * @throws {ProtocolError} From the iterator: if a line is too long, not UTF-8,
 * not JSON or nested too deeply.
 */
export async function* readNdjson(
  next: Pieces,
  limits: NdjsonLimits = {},
  close: () => void = nothing,
  pace: Pace = alone,
  // deno-lint-ignore no-explicit-any
): AsyncGenerator<any, void, void> {
  const { maxJsonDepth = MAX_JSON_DEPTH, ...lines } = limits;
  for await (const line of readLines(next, lines, close, pace)) {
    if (!isBlank(line)) yield parseJson(line, maxJsonDepth);
  }
}

function isBlank(line: string): boolean {
  return !/[^ \t\r]/.test(line);
}

/**
 * The events of an event stream, as they arrive.
 *
 * @param parser What reads them: it may be given to know `lastEventId` and
 * `retry`. A new stream needs a new one.
 * @param close As for {@linkcode readLines}.
 * @throws {ProtocolError} From the iterator: if an event is too long.
 */
export async function* readEvents(
  next: Pieces,
  parser: EventStreamParser | EventStreamOptions = {},
  close: () => void = nothing,
  pace: Pace = alone,
): AsyncGenerator<ServerSentEvent, void, void> {
  let isRead = false;
  try {
    const reader = parser instanceof EventStreamParser
      ? parser
      : new EventStreamParser(parser);
    for (let piece; (piece = await next()) !== null;) {
      reader.push(piece);
      for (let event; (event = reader.next()) !== null;) {
        const turn = pace();
        if (turn !== null) await turn;
        yield event;
      }
    }
    isRead = true;
  } finally {
    if (!isRead) close();
  }
}
