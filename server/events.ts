import { encodeJson } from "../parse/json.ts";
import { isDictionary, OptionNames } from "../parse/option_names.ts";
import type { JsonValue } from "../parse/response_data.ts";

/** A server-sent event. At least one of its fields has to be there. */
export interface ServerEvent {
  /** The message: text, or whatever JSON can express. */
  data?: JsonValue;
  /** The event's type; without one, browsers call it `message`. */
  event?: string;
  /** What a client that comes back says in `Last-Event-ID`. */
  id?: string | number;
  /** After how many ms a client shall come back when the connection broke. */
  retry?: number;
}

const NAMES = new OptionNames<ServerEvent>("an event", {
  data: true,
  event: true,
  id: true,
  retry: true,
});

const LINE_ENDS = /\r\n|\r|\n/;
const NOT_IN_A_LINE = /[\r\n\0]/;

/**
 * Writes an event (HTML standard, section "Server-sent events").
 *
 * @throws {TypeError} If it is empty, a field holds a line end, or the data
 * has no JSON form.
 * @throws {RangeError} If `retry` is not a whole number of milliseconds.
 */
export function writeEvent(event: ServerEvent): string {
  if (!isDictionary(event)) {
    throw new TypeError("Event is not an object: its message goes as its data");
  }
  NAMES.check(event);
  let text = "";
  if (event.event !== undefined) text += field("event", event.event);
  const { id } = event;
  if (id !== undefined) {
    text += field("id", Number.isFinite(id) ? String(id) : id);
  }
  if (event.retry !== undefined) {
    if (!Number.isInteger(event.retry) || event.retry < 0) {
      throw new RangeError("Event's retry is not a whole number of ms");
    }
    text += `retry: ${event.retry}\n`;
  }
  if (event.data !== undefined) {
    const data = typeof event.data === "string"
      ? event.data
      : encodeJson(event.data);
    text += lines("data: ", data);
  }
  if (text === "") throw new TypeError("Event has no field");
  return text + "\n";
}

/** Writes a comment, which clients pass over. */
export function writeComment(text: string): string {
  return lines(": ", text) + "\n";
}

function field(name: string, value: unknown): string {
  if (typeof value !== "string" || NOT_IN_A_LINE.test(value)) {
    throw new TypeError(`Event's ${name} is not a line of text`);
  }
  return `${name}: ${value}\n`;
}

function lines(prefix: string, text: string): string {
  if (!/[\r\n]/.test(text)) return prefix + text + "\n";
  return text.split(LINE_ENDS).map((line) => prefix + line + "\n").join("");
}
