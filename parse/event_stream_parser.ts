import { checkBytes, checkText } from "./arguments.ts";
import { COLON, CR, LF } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import { ProtocolError } from "./errors.ts";
import { checkGiven } from "./limits.ts";
import { OptionNames } from "./option_names.ts";

/** An event of an event stream. */
export interface ServerSentEvent {
  /** Its type; `message` where the server names none. */
  type: string;
  /** The lines of its data, with LF between them. */
  data: string;
  /**
   * The last id that the server gave, with this event or one before; `""`
   * without one.
   */
  id: string;
  /** After how many ms to come back, where this event says so. */
  retry?: number;
}

/** What an {@linkcode EventStreamParser} may be given. */
export interface EventStreamOptions {
  /** Bytes of one event, without comments; default 1 MiB. */
  maxEventLength?: number;
  /** The last id of the connection before this one; default `""`. */
  lastEventId?: string;
}

const NAMES = new OptionNames<EventStreamOptions>("a reader of events", {
  maxEventLength: true,
  lastEventId: true,
});

const State = {
  START: 0, // nothing is in
  LINE: 1, // in a line, or before its first byte
  COMMENT: 2, // in a line that nobody sees
  LINE_LF: 3, // behind a CR, which a LF may belong to
} as const;
type State = typeof State[keyof typeof State];

const NOTHING = new Uint8Array(0);
/** More than this is not kept from one line for the next. */
const MAX_KEPT = 65536;
const BYTE_ORDER_MARK = "\ufeff";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads an event stream (HTML standard, section 9.2.6) piece by piece. It does
 * no I/O and never waits.
 *
 * However the input is cut, the outcome is the same, and an event comes as
 * soon as the end of its last line is in. An event that is incomplete when
 * the stream ends is dropped, as the standard demands.
 *
 * ```ts
 * import { EventStreamParser } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = new EventStreamParser();
 * parser.push(new TextEncoder().encode(
 *   "retry: 500\n\nevent: news\nid: 7\ndata: one\ndata: two\n\ndata",
 * ));
 * assertEquals(parser.next(), { type: "news", data: "one\ntwo", id: "7" });
 * assertEquals(parser.next(), null);
 * assertEquals([parser.lastEventId, parser.retry], ["7", 500]);
 * ```
 */
export class EventStreamParser {
  /** What to say in `Last-Event-ID` when the stream is asked for again. */
  lastEventId: string;
  /** After how many ms to do so, or `null` where the server has not said it. */
  retry: number | null = null;
  /** What was wrong, once `next()` has thrown. */
  error: ProtocolError | null = null;

  readonly #max: number;
  #state: State = State.START;
  readonly #input: Cursor = new Cursor(NOTHING);
  // The beginning of a line whose end has not come.
  #kept: Uint8Array = NOTHING;
  #keptLength = 0;
  // The event so far.
  #length = 0;
  #type = "";
  #data: string[] = [];
  #id: string;
  #retry: number | undefined = undefined;

  /**
   * A parser that waits for the first bytes of a stream.
   *
   * @throws {TypeError} If an option is unknown, or of the wrong type.
   * @throws {RangeError} If a limit is out of range.
   */
  constructor(options: EventStreamOptions = {}) {
    NAMES.check(options);
    checkGiven(options, ["maxEventLength"], 0);
    if (options.lastEventId !== undefined) {
      checkText('Option "lastEventId"', options.lastEventId);
    }
    this.#max = options.maxEventLength ?? 1 << 20;
    this.lastEventId = this.#id = options.lastEventId ?? "";
  }

  /**
   * Takes in bytes, without a copy: they must stay as they are until `next()`
   * asks for more, and are not looked at afterwards.
   *
   * @throws {TypeError} If `next()` has not asked for more.
   */
  push(bytes: Uint8Array): void {
    if (this.error !== null) return;
    checkBytes("What is pushed", bytes);
    this.#input.follow(bytes);
  }

  /**
   * The next event; `null` where more bytes are needed.
   *
   * @throws {ProtocolError} If the event is too long; no later one comes.
   */
  next(): ServerSentEvent | null {
    if (this.error !== null) throw this.error;
    const input = this.#input;
    while (input.hasInput) {
      if (this.#state === State.LINE_LF) {
        this.#state = State.LINE;
        if (input.bytes[input.pos] === LF) {
          input.pos++;
          continue;
        }
      }
      const event = this.#line();
      if (event !== null) return event;
    }
    return null;
  }

  /** Goes on in a line; the event that ends with it, if one does. */
  #line(): ServerSentEvent | null {
    const { bytes: chunk, pos: start } = this.#input;
    if (chunk[start] === COLON && this.#keptLength === 0) {
      this.#state = State.COMMENT;
    }
    let end = start;
    for (; end < chunk.length; end++) {
      const byte = chunk[end];
      if (byte === LF || byte === CR) break;
    }
    const isWhole = end < chunk.length;
    this.#input.pos = isWhole ? end + 1 : end;
    if (this.#state !== State.COMMENT) {
      this.#length += end - start;
      if (this.#length > this.#max) {
        throw this.#tooLong(end - this.#length + this.#max);
      }
      if (!isWhole || this.#keptLength > 0) this.#keep(start, end);
    }
    if (!isWhole) return null;
    const isComment = this.#state === State.COMMENT;
    const isFirst = this.#state === State.START;
    this.#state = chunk[end] === CR ? State.LINE_LF : State.LINE;
    if (isComment) return null;
    const length = this.#keptLength;
    if (length === 0 && end === start) return this.#dispatch();
    this.#keptLength = 0;
    let text = length > 0
      ? utf8.decode(this.#kept.subarray(0, length))
      : utf8.decode(chunk.subarray(start, end));
    if (this.#kept.length > MAX_KEPT) this.#kept = NOTHING;
    if (isFirst && text.startsWith(BYTE_ORDER_MARK)) {
      text = text.slice(1);
      if (text === "") return this.#dispatch();
    }
    this.#field(text);
    return null;
  }

  #keep(start: number, end: number): void {
    const length = this.#keptLength + end - start;
    if (length > this.#kept.length) {
      const grown = new Uint8Array(Math.max(256, length * 2));
      grown.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = grown;
    }
    this.#kept.set(this.#input.bytes.subarray(start, end), this.#keptLength);
    this.#keptLength = length;
  }

  /** Takes in a line that is not empty. */
  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const from = line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1;
    const value = colon < 0 ? "" : line.slice(from);
    switch (name) {
      case "data":
        this.#data.push(value);
        break;
      case "event":
        this.#type = value;
        break;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (!/^[0-9]+$/.test(value)) break;
        this.#retry = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
        this.retry = this.#retry;
    }
  }

  /** Ends an event at an empty line. Without data there is none. */
  #dispatch(): ServerSentEvent | null {
    this.lastEventId = this.#id;
    const data = this.#data;
    let event: ServerSentEvent | null = null;
    if (data.length > 0) {
      event = {
        type: this.#type === "" ? "message" : this.#type,
        data: data.length === 1 ? data[0] : data.join("\n"),
        id: this.#id,
      };
      if (this.#retry !== undefined) event.retry = this.#retry;
      this.#data = [];
    }
    this.#length = 0;
    this.#type = "";
    this.#retry = undefined;
    return event;
  }

  #tooLong(at: number): ProtocolError {
    this.error = new ProtocolError("body-too-large", this.#input.offset(at));
    this.#input.drop();
    this.#kept = NOTHING;
    this.#data = [];
    return this.error;
  }
}
