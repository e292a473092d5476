import type { HttpResponse } from "../client.ts";
import { charsetOf, decoderOf } from "../parse/charset.ts";
import { CliError, ExitCode } from "./exit_codes.ts";
import { type CliIo, type CliOutput, reason, writeAll } from "./io.ts";
import { Progress } from "./progress.ts";
import { sizeText } from "./sizes.ts";
import {
  eventLine,
  jsonText,
  JsonView,
  LineView,
  PlainView,
  type View,
} from "./views.ts";

/** How a body is shown on a terminal. */
export interface ViewOptions {
  /** Whether to use colours. */
  hasColor: boolean;
  /** Whether to leave JSON as it is. */
  isRaw: boolean;
  /** Whether to show JSON line by line. */
  isStreamed: boolean;
}

/** The bytes as they come. */
export async function copyBody(
  response: HttpResponse,
  output: CliOutput,
): Promise<void> {
  for (let piece; (piece = await response.read()) !== null;) {
    await writeAll(output, piece);
  }
}

/** Where a body goes. */
export interface Saving {
  /** The file. */
  path: string;
  /** Whether the user has named it, not the URL. */
  isGiven: boolean;
  /** From which byte on; `null` where a new file begins. */
  start: number | null;
  /** Whether no progress is shown. */
  isQuiet: boolean;
}

/**
 * Saves a body to a file. What was written is removed again when the rest does
 * not come, unless that can be got another time.
 *
 * @throws {CliError} If the file cannot be written.
 */
export async function saveBody(
  response: HttpResponse,
  { path, isGiven, start, isQuiet }: Saving,
  io: CliIo,
): Promise<void> {
  const file = await writing(
    path,
    () => start ? appendTo(path, start) : open(path, isGiven),
  );
  const isEncoded = response.headers["content-encoding"] !== undefined;
  const progress = io.stderr.isTerminal() && !isQuiet
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
    if (isPlain && start === null) await Deno.remove(path).catch(() => {});
    throw error;
  }
}

/** Opens what is there, to go on where it ended. */
async function appendTo(path: string, start: number): Promise<Deno.FsFile> {
  const file = await Deno.open(path, { write: true });
  try {
    await file.truncate(start);
    await file.seek(start, Deno.SeekMode.Start);
  } catch (error) {
    file.close();
    throw error;
  }
  return file;
}

async function open(path: string, isGiven: boolean): Promise<Deno.FsFile> {
  const options = { write: true, create: true, truncate: true };
  if (isGiven) return await Deno.open(path, options);
  try {
    return await Deno.open(path, { write: true, createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  // Who can write to this folder may have put a link to something else there.
  if (!(await Deno.lstat(path)).isFile) {
    throw new Error("It is a link, or no plain file; give one with --output");
  }
  return await Deno.open(path, options);
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
  const decoder = decoderOf(charsetIn(response));
  const view: View = options.isRaw
    ? new PlainView()
    : type === "text/event-stream"
    ? new LineView((line) => eventLine(line, options.hasColor))
    : /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines)$/.test(type)
    ? new LineView((line) => jsonText(line, options.hasColor, true))
    : /^application\/json$|\+json$/.test(type)
    ? options.isStreamed
      ? new LineView((line) => jsonText(line, options.hasColor, true))
      : new JsonView(options.hasColor)
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

function charsetIn(response: HttpResponse): string {
  return charsetOf(response.headers["content-type"] ?? "");
}

/** Whether what comes is no text, by the first of it. */
function isBinary(piece: Uint8Array, response: HttpResponse): boolean {
  if (/^utf-?16|^utf-?32/.test(charsetIn(response))) return false;
  if (piece.includes(0)) return true;
  if (response.contentType.startsWith("text/")) return false;
  try {
    const decoder = decoderOf(charsetIn(response), true);
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
