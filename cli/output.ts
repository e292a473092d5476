import type { HttpResponse } from "../client.ts";
import { CliError, ExitCode } from "./exit_codes.ts";
import { type CliIo, type CliOutput, reason, writeAll } from "./io.ts";
import { formatJson, paint } from "./json_color.ts";
import { plainLine, plainText } from "./plain_text.ts";
import { Progress } from "./progress.ts";
import { sizeText } from "./sizes.ts";

/** How a body is shown on a terminal. */
export interface ViewOptions {
  /** Whether to use colours. */
  hasColor: boolean;
  /** Whether to leave JSON as it is. */
  isRaw: boolean;
}

/** More text than this is not laid out. */
const MAX_JSON = 4_000_000;
/** A line longer than this is shown before its end. */
const MAX_LINE = 1_000_000;

/** The bytes as they come. */
export async function copyBody(
  response: HttpResponse,
  output: CliOutput,
): Promise<void> {
  for (let piece; (piece = await response.read()) !== null;) {
    await writeAll(output, piece);
  }
}

/**
 * Saves a body to a file. What was written is removed again when the rest does
 * not come.
 *
 * @throws {CliError} If the file cannot be written.
 */
export async function saveBody(
  response: HttpResponse,
  path: string,
  io: CliIo,
): Promise<void> {
  const file = await writing(path, () =>
    Deno.open(path, {
      write: true,
      create: true,
      truncate: true,
    }));
  const isEncoded = response.headers["content-encoding"] !== undefined;
  const progress = io.stderr.isTerminal()
    ? new Progress(io, isEncoded ? null : response.contentLength)
    : null;
  try {
    for (let piece; (piece = await response.read()) !== null;) {
      const { length } = piece;
      for (let rest = piece; rest.length > 0;) {
        const written = await writing(path, () => file.write(rest));
        rest = rest.subarray(written);
      }
      await progress?.add(length);
    }
    await progress?.end();
    file.close();
  } catch (error) {
    await progress?.end().catch(() => {});
    // A device or a pipe is not ours to remove.
    const isPlain = (await file.stat().catch(() => null))?.isFile;
    file.close();
    if (isPlain) await Deno.remove(path).catch(() => {});
    throw error;
  }
}

async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const message = `Cannot write ${path}: ${reason(cause)}`;
    throw new CliError(ExitCode.WRITE, message, { cause });
  }
}

/**
 * Shows a body on a terminal: JSON laid out, events and lines of JSON as they
 * come, other text as it is but for what would command the terminal.
 *
 * @throws {CliError} If it is no text.
 */
export async function showBody(
  response: HttpResponse,
  output: CliOutput,
  options: ViewOptions,
): Promise<void> {
  const type = response.contentType;
  const decoder = decoderOf(response);
  const view = options.isRaw
    ? new PlainView()
    : type === "text/event-stream"
    ? new LineView((line) => eventLine(line, options.hasColor))
    : /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines)$/.test(type)
    ? new LineView((line) => jsonText(line, options.hasColor, true))
    : /^application\/json$|\+json$/.test(type)
    ? new JsonView(options.hasColor)
    : new PlainView();
  let isFirst = true;
  let last = "\n";
  const write = async (text: string) => {
    if (text === "") return;
    last = text.slice(-1);
    await writeAll(output, text);
  };
  for (let piece; (piece = await response.read()) !== null;) {
    if (isFirst && isBinary(piece, response)) throw binaryError(response);
    isFirst = false;
    await write(view.add(decoder.decode(piece, { stream: true })));
  }
  await write(view.add(decoder.decode()) + view.end());
  // What comes next on the terminal begins on a line of its own.
  if (last !== "\n") await writeAll(output, "\n");
}

function charsetOf(response: HttpResponse): string {
  const type = response.headers["content-type"] ?? "";
  return /;\s*charset="?([^\s;"]+)/i.exec(type)?.[1].toLowerCase() ?? "utf-8";
}

function decoderOf(response: HttpResponse): TextDecoder {
  try {
    return new TextDecoder(charsetOf(response));
  } catch {
    return new TextDecoder();
  }
}

/** Whether what comes is no text, by the first of it. */
function isBinary(piece: Uint8Array, response: HttpResponse): boolean {
  if (/^utf-?16|^utf-?32/.test(charsetOf(response))) return false;
  if (piece.includes(0)) return true;
  if (response.contentType.startsWith("text/")) return false;
  try {
    const decoder = new TextDecoder(charsetOf(response), { fatal: true });
    decoder.decode(piece, { stream: true });
    return false;
  } catch {
    return true;
  }
}

function binaryError(response: HttpResponse): CliError {
  const { contentType, contentLength } = response;
  const what = [
    contentType || "no type",
    contentLength === null ? "" : sizeText(contentLength),
  ].filter((text) => text !== "").join(", ");
  return new CliError(
    ExitCode.WRITE,
    `Binary data (${what}) is not for a terminal; save it with -o FILE`,
  );
}

/** Turns text that comes in pieces into what is shown. */
interface View {
  /** What can be shown with this. */
  add(text: string): string;
  /** The rest. */
  end(): string;
}

class PlainView implements View {
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

class JsonView implements View {
  readonly #hasColor: boolean;
  #text = "";
  #rest: PlainView | null = null;

  constructor(hasColor: boolean) {
    this.#hasColor = hasColor;
  }

  add(text: string): string {
    if (this.#rest !== null) return this.#rest.add(text);
    this.#text += text;
    if (this.#text.length <= MAX_JSON) return "";
    this.#rest = new PlainView();
    return this.#rest.add(this.#text);
  }

  end(): string {
    if (this.#rest !== null) return this.#rest.end();
    return this.#text === "" ? "" : jsonText(this.#text, this.#hasColor, true);
  }
}

class LineView implements View {
  readonly #show: (line: string) => string;
  #line = "";

  constructor(show: (line: string) => string) {
    this.#show = show;
  }

  add(text: string): string {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    if (this.#line.length > MAX_LINE) {
      lines.push(this.#line);
      this.#line = "";
    }
    return lines.map((line) => this.#show(line.replace(/\r$/, "")) + "\n")
      .join("");
  }

  end(): string {
    return this.#line === "" ? "" : this.#show(this.#line);
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
function eventLine(line: string, hasColor: boolean): string {
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
