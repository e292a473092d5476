import { FIELD_VALUE, isAll } from "../parse/chars.ts";
import type {
  EventStreamParser,
  ServerSentEvent,
} from "../parse/event_stream_parser.ts";
import { byteText } from "../parse/text.ts";
import type { EventLimits } from "../message/incoming_message.ts";
import { pause } from "../transport/clock.ts";

/** How to read server-sent events. Times are ms, sizes bytes. */
export interface EventsReadOptions extends EventLimits {
  /**
   * Whether to ask again, with `Last-Event-ID`, when the stream ends or breaks
   * off; default `false`. A status of 204 ends it for good.
   */
  reconnect?: boolean;
  /**
   * Wait before that, unless the server names another, of a second or of this
   * where it is less; default 3,000. It doubles while attempts fail.
   */
  retry?: number;
  /**
   * Attempts in a row that may fail; default `Infinity`. A stream that soon
   * ends without an event has failed.
   */
  maxAttempts?: number;
}

type Events = AsyncGenerator<ServerSentEvent, void, void>;

/** Events of one response, as they arrive. */
export interface EventStream {
  readonly events: Events;
  /** What reads them. */
  readonly parser: EventStreamParser;
}

/** What is known of the errors of a stream of events. */
export interface EventsHost {
  /** Whether trying again later may help against an error. */
  isPassing(error: unknown): boolean;
  /** What is thrown where it is given up. */
  aborted(reason: unknown): Error;
  /** What is thrown where a stream has ended, which it never should. */
  brokenOff(): Error;
}

/** Where streams of events come from, one after the other. */
export interface EventsOrigin {
  /** What was asked first; it aborts when no more is to be asked for. */
  readonly request: { readonly givenUp: AbortSignal };
  readonly host: EventsHost;
  /** Asks for what follows an event; null where the peer has no more. */
  again(lastEventId: string): Promise<EventStream | null>;
}

/** The longest wait that a peer may ask for, in ms. */
const MAX_RETRY = 3_600_000;
/** The shortest one: what has no pause keeps both sides busy for ever. */
const MIN_RETRY = 1000;
/**
 * The longest wait between attempts to reconnect, in ms. A stream that has
 * lasted so long had nothing to say, and is not taken for one that fails.
 */
const LONGEST_RETRY = 30_000;

/** Events beyond the end of their stream: it is asked for again. */
export function lastingEvents(
  first: EventStream,
  options: EventsReadOptions,
  origin: EventsOrigin,
): Events {
  const left = new AbortController();
  const all = reconnecting(first, options, origin, left.signal);
  const end = all.return;
  // Who leaves does not have to wait until a pause is over.
  all.return = (value) => {
    left.abort();
    return end.call(all, value);
  };
  return all;
}

async function* reconnecting(
  first: EventStream,
  options: EventsReadOptions,
  origin: EventsOrigin,
  left: AbortSignal,
): Events {
  const { maxAttempts = Infinity } = options;
  const { request, host } = origin;
  let retry = options.retry ?? 3000;
  const least = Math.min(retry, MIN_RETRY);
  let failures = 0;
  let { parser } = first;
  let stream: EventStream | null = first;
  for (;;) {
    if (stream !== null) {
      const begun = performance.now();
      let isOfUse = false;
      let fault: unknown;
      try {
        for await (const event of stream.events) {
          isOfUse = true;
          yield event;
        }
      } catch (error) {
        // What the caller did, or the peer got wrong, ends it.
        if (!host.isPassing(error)) throw error;
        fault = error;
      }
      isOfUse ||= performance.now() - begun >= LONGEST_RETRY;
      failures = isOfUse ? 0 : failures + 1;
      if (failures >= maxAttempts) throw fault ?? host.brokenOff();
    }
    if (parser.retry !== null) {
      retry = Math.max(least, Math.min(parser.retry, MAX_RETRY));
    }
    try {
      const ends = AbortSignal.any([left, request.givenUp]);
      await pause(waitOf(retry, failures), ends);
    } catch (reason) {
      if (left.aborted) return;
      throw host.aborted(reason);
    }
    try {
      stream = null;
      stream = await origin.again(parser.lastEventId);
      if (stream === null) return;
      parser = stream.parser;
    } catch (error) {
      if (!host.isPassing(error) || ++failures >= maxAttempts) throw error;
    }
  }
}

/** The wait before the next attempt: it doubles while nothing works. */
function waitOf(retry: number, failures: number): number {
  const wait = retry * 2 ** Math.min(failures, 10);
  return Math.min(wait, Math.max(retry, LONGEST_RETRY));
}

/** The field that tells the peer where to go on, as UTF-8. */
export function lastEventField(id: string): Record<string, string> {
  const bytes = new TextEncoder().encode(id);
  const value = byteText(bytes);
  // An id that cannot be sent back is as good as none.
  return value === "" || !isAll(value, FIELD_VALUE)
    ? {}
    : { "last-event-id": value };
}
