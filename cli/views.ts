import { formatJson, MAX_TEXT, paint } from "./json_color.ts";
import { plainLine, plainText } from "./plain_text.ts";

/** A line longer than this is shown before its end. */
const MAX_LINE = 1_000_000;

/** Turns text that comes in pieces into what is shown. */
export interface View {
  /** What can be shown with this. */
  add(text: string): string;
  /** The rest. */
  end(): string;
}

/** Text as it is, but for what would command the terminal. */
export class PlainView implements View {
  #heldBack = "";

  add(text: string): string {
    text = this.#heldBack + text;
    // Its line feed may come with the next piece.
    this.#heldBack = text.endsWith("\r") ? "\r" : "";
    return plainText(text.slice(0, text.length - this.#heldBack.length));
  }

  end(): string {
    return plainText(this.#heldBack);
  }
}

/** JSON, laid out when all of it is there. */
export class JsonView implements View {
  readonly #hasColor: boolean;
  #text = "";
  #rest: PlainView | null = null;

  constructor(hasColor: boolean) {
    this.#hasColor = hasColor;
  }

  add(text: string): string {
    if (this.#rest !== null) return this.#rest.add(text);
    this.#text += text;
    if (this.#text.length <= MAX_TEXT) return "";
    this.#rest = new PlainView();
    return this.#rest.add(this.#text);
  }

  end(): string {
    if (this.#rest !== null) return this.#rest.end();
    return this.#text === "" ? "" : jsonText(this.#text, this.#hasColor, true);
  }
}

/** Line by line, as they come. */
export class LineView implements View {
  readonly #show: (line: string) => string;
  /** The line that has not ended, in pieces: one may come a byte at a time. */
  #pieces: string[] = [];
  #length = 0;

  constructor(show: (line: string) => string) {
    this.#show = show;
  }

  add(text: string): string {
    let shown = "";
    for (let at = 0; at < text.length;) {
      const end = text.indexOf("\n", at);
      const piece = text.slice(at, end < 0 ? text.length : end);
      this.#pieces.push(piece);
      this.#length += piece.length;
      at += piece.length + 1;
      if (end >= 0 || this.#length > MAX_LINE) {
        shown += this.#show(this.#take().replace(/\r$/, "")) + "\n";
      }
    }
    return shown;
  }

  end(): string {
    return this.#length === 0 ? "" : this.#show(this.#take());
  }

  #take(): string {
    const line = this.#pieces.join("");
    this.#pieces = [];
    this.#length = 0;
    return line;
  }
}

/** JSON laid out; anything else as it is. */
export function jsonText(
  text: string,
  hasColor: boolean,
  isIndented: boolean,
): string {
  return formatJson(text, { hasColor, isIndented }) ?? plainText(text);
}

/** A line of an event stream. */
export function eventLine(line: string, hasColor: boolean): string {
  const match = /^([a-z]+:)( ?)(.*)$/s.exec(line);
  if (match === null) return paintUnlessEmpty(plainLine(line), hasColor);
  const [, name, space, value] = match;
  return paint(name, "key", hasColor) + space +
    (/^[[{"]/.test(value)
      ? jsonText(value, hasColor, false)
      : plainLine(value));
}

function paintUnlessEmpty(text: string, hasColor: boolean): string {
  return text === "" ? "" : paint(text, "dim", hasColor);
}
