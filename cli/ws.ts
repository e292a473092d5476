import { HttpClient, ResponseError, type Websocket } from "../client.ts";
import { after } from "../transport/clock.ts";
import type { WsArguments } from "./arguments.ts";
import { clientOptions, fieldsOf, originOf } from "./connecting.ts";
import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { withHint } from "./hints.ts";
import { Interrupt } from "./interrupt.ts";
import { type CliIo, inputPieces, writeAll, writeLine } from "./io.ts";
import { plainLine, plainText } from "./plain_text.ts";
import { withProxy } from "./proxy.ts";
import { sizeText } from "./sizes.ts";
import { jsonText } from "./views.ts";

/** The longest wait while connecting, in ms. */
const TIMEOUT = 30_000;
/** How long messages are waited for when a pipe has ended, in ms. */
const PIPE_WAIT = 1000;
/** Bytes of a message that come in. */
const MAX_MESSAGE = 64 * 1024 * 1024;
/** Bytes of a line. */
const MAX_LINE = 16 * 1024 * 1024;
/** Bytes that a dump shows. */
const MAX_DUMP = 256;

/**
 * Talks to a WebSocket: lines of the input are sent, messages are shown.
 *
 * @throws {CliError | ClientError} If that does not work.
 */
export async function runWs(args: WsArguments, io: CliIo): Promise<ExitCode> {
  using interrupt = new Interrupt(io);
  const options = await interrupt.orEnd(clientOptions(args, io, TIMEOUT));
  const { url } = args;
  const origin = originOf(url);
  try {
    await using client = new HttpClient(origin, options);
    const work = open(client, origin, args, interrupt)
      .then((ws) => talk(ws, args, io, interrupt));
    return await interrupt.orInsistence(work);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) {
      throw usageError(error.message);
    }
    throw withHint(withProxy(error, args, io), args);
  }
}

async function open(
  client: HttpClient,
  origin: string,
  args: WsArguments,
  interrupt: Interrupt,
): Promise<Websocket> {
  try {
    const { pathname, search } = args.url;
    return await client.websocket(origin + pathname + search, {
      headers: fieldsOf(args),
      protocols: args.protocols,
      compress: true,
      maxMessageLength: MAX_MESSAGE,
      maxSendBufferSize: MAX_LINE,
      signal: interrupt.signal,
    });
  } catch (error) {
    if (error instanceof ResponseError && error.response) {
      const { status, statusMessage } = error.response;
      throw new CliError(
        ExitCode.OTHER,
        `No WebSocket is there: answered ${status} ${statusMessage}`.trimEnd(),
        { cause: error },
      );
    }
    throw error;
  }
}

async function talk(
  ws: Websocket,
  args: WsArguments,
  io: CliIo,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const isTerminal = io.stdout.isTerminal();
  if (args.isVerbose || io.stderr.isTerminal()) {
    const protocol = ws.protocol === "" ? "" : `, protocol ${ws.protocol}`;
    await writeLine(io.stderr, `* connected${plainLine(protocol)}`);
  }
  const hasColor = isTerminal && args.wantsColor && !io.env("NO_COLOR") &&
    io.env("TERM") !== "dumb";
  const show = (message: string | Uint8Array) =>
    writeAll(
      io.stdout,
      typeof message !== "string"
        ? binaryText(message)
        : !isTerminal
        ? message + "\n"
        : /^[[{]/.test(message)
        ? jsonText(message, hasColor, false) + "\n"
        : plainText(message) + "\n",
    );
  const onInterrupt = () => {
    ws.close(1000);
  };
  interrupt.signal.addEventListener("abort", onInterrupt);
  const wait = args.wait ?? (io.stdin.isTerminal() ? 0 : PIPE_WAIT);
  const goodbye = new Goodbye(ws, wait);
  const stopPings = pingEvery(args.ping, ws, args, io);
  let fault: unknown;
  sendLines(ws, io).then(() => goodbye.inputEnded(), (error) => {
    fault = error;
    ws.close(1000);
  });
  try {
    for (let message; (message = await ws.recv()) !== null;) {
      goodbye.heard();
      await show(message);
    }
  } finally {
    interrupt.signal.removeEventListener("abort", onInterrupt);
    stopPings();
    goodbye.forget();
    ws.close(1000);
  }
  const { code, reason, wasClean } = await ws.closed;
  if (interrupt.signal.aborted) throw interrupt.signal.reason;
  if (fault !== undefined) throw fault;
  const isGood = wasClean && [1000, 1001, 1005].includes(code);
  const because = reason === "" ? "" : `: ${plainLine(reason)}`;
  if (!isGood || args.isVerbose || io.stderr.isTerminal()) {
    const text = wasClean
      ? `closed with ${code}${because}`
      : "the connection broke off";
    await writeLine(io.stderr, isGood ? `* ${text}` : `uhttp: ${text}`);
  }
  if (isGood) return ExitCode.OK;
  return wasClean ? ExitCode.OTHER : ExitCode.BROKEN;
}

/** Sends what is typed, a line at a time, until the end. */
async function sendLines(ws: Websocket, io: CliIo): Promise<void> {
  const decoder = new TextDecoder();
  let line = "";
  for await (const piece of inputPieces(io.stdin)) {
    const lines = (line + decoder.decode(piece, { stream: true })).split("\n");
    line = lines.pop()!;
    for (const text of lines) {
      if (!await ws.send(text.replace(/\r$/, ""))) return;
    }
    if (line.length > MAX_LINE) throw usageError("Line is too long to send");
  }
  line += decoder.decode();
  if (line !== "") await ws.send(line);
}

/** Closes when the input has ended, and nothing has come for a while. */
class Goodbye {
  readonly #ws: Websocket;
  readonly #wait: number;
  #isDue = false;
  #callOff: () => void = () => {};

  constructor(ws: Websocket, wait: number) {
    this.#ws = ws;
    this.#wait = wait;
  }

  inputEnded(): void {
    this.#isDue = true;
    this.heard();
  }

  heard(): void {
    if (!this.#isDue) return;
    this.#callOff();
    if (this.#wait === 0) this.#ws.close(1000);
    else this.#callOff = after(this.#wait, () => this.#ws.close(1000));
  }

  forget(): void {
    this.#isDue = false;
    this.#callOff();
  }
}

/** Pings again and again. Returns what ends that. */
function pingEvery(
  interval: number,
  ws: Websocket,
  args: WsArguments,
  io: CliIo,
): () => void {
  if (interval === 0) return () => {};
  let callOff: () => void;
  const again = () => {
    callOff = after(interval, () => {
      sendPing(ws, args, io);
      again();
    });
  };
  again();
  return () => callOff();
}

function sendPing(ws: Websocket, args: WsArguments, io: CliIo): void {
  const start = io.now();
  ws.ping().then(async (isAnswered) => {
    if (!args.isVerbose || !isAnswered) return;
    const time = (io.now() - start).toFixed(1);
    await writeLine(io.stderr, `* pong after ${time} ms`);
  }).catch(() => {});
}

/** Bytes as a dump, in the manner of `hexdump -C`. */
function binaryText(bytes: Uint8Array): string {
  const lines = [`[binary message, ${sizeText(bytes.length)}]`];
  const shown = bytes.subarray(0, MAX_DUMP);
  for (let at = 0; at < shown.length; at += 16) {
    const row = [...shown.subarray(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."
    ).join("");
    const address = at.toString(16).padStart(4, "0");
    lines.push(`${address}  ${hex.padEnd(47)}  ${text}`);
  }
  if (bytes.length > MAX_DUMP) lines.push("...");
  return lines.join("\n") + "\n";
}
