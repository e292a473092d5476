import {
  type HttpConnection,
  HttpError,
  type HttpServerOptions,
  type IncomingMessage,
  ProtocolError,
  ResponseError,
} from "@uhttp/uhttp";
import type { BodyRow, Way } from "../cases/message_bodies.ts";
import { latin1Text } from "./bytes.ts";
import { ClientScene } from "./client_scene.ts";
import { MemoryScene } from "./memory_conn.ts";
import { eventually } from "./serving.ts";

/** What is read from a message; the array is for all that comes one by one. */
export type Read = (
  message: IncomingMessage,
  seen: unknown[],
) => Promise<unknown>;

/** What came of it. */
export interface Outcome {
  value: unknown;
  /** Code of the error, its status where it has no code, else its name. */
  fault?: string | number;
}

/** How JSON may be nested on either side. */
const DEPTH = { maxJsonDepth: 5 };

async function* values(
  message: IncomingMessage,
  way: Way,
  limits: BodyRow["limits"],
): AsyncGenerator<unknown> {
  if (way === "lines()") yield* message.lines(limits);
  else if (way === "ndjson()") yield* message.ndjson(limits);
  else if (way === "events()") yield* message.events(limits);
  else {
    for await (const part of message.parts(limits)) {
      const { name, filename, contentType } = part;
      yield [name, filename, contentType, await part.text()];
    }
  }
}

/** The values of a form, files as what is in them. */
async function pairs(form: Record<string, unknown>): Promise<unknown> {
  const found: unknown[] = [];
  for (const [name, value] of Object.entries(form)) {
    const isFile = value instanceof File;
    const shown = isFile && [value.name, value.type, await value.text()];
    found.push([name, isFile ? shown : value]);
  }
  return found;
}

/** Reads by one of the ways that both sides have. */
export async function readBy(
  way: Way,
  limits: BodyRow["limits"],
  message: IncomingMessage,
  seen: unknown[],
): Promise<unknown> {
  switch (way) {
    case "text()":
      return await message.text(limits);
    case "json()":
      return await message.json();
    case "form()":
      return await pairs(await message.form(limits));
    case "readAll()":
      return latin1Text(await message.readAll());
    case "read()":
    case "read(buffer)": {
      const buffer = way === "read()" ? undefined : new Uint8Array(3);
      let text = "";
      for (let piece; (piece = await message.read(buffer)) !== null;) {
        text += latin1Text(piece);
      }
      return text;
    }
    case "body":
      return latin1Text(await new Response(message.body).bytes());
    case "saveTo()": {
      const path = await Deno.makeTempFile();
      try {
        const length = await message.saveTo(path);
        const bytes = await Deno.readFile(path);
        return latin1Text(bytes.subarray(0, length));
      } finally {
        await Deno.remove(path).catch(() => {}); // gone with what broke off
      }
    }
    default:
      for await (const value of values(message, way, limits)) seen.push(value);
      return seen;
  }
}

/** The error in short, once it is seen to be of its side's kind. */
function faultOf(error: unknown, isRequest: boolean): string | number {
  const Kind = isRequest ? ProtocolError : ResponseError;
  if (error instanceof Kind) return error.code;
  if (error instanceof HttpError && error.status === 415) return 415;
  return error instanceof Error ? `${error.name}: ${error.message}` : "none";
}

async function outcome(
  read: Read,
  message: IncomingMessage,
  isRequest: boolean,
): Promise<Outcome> {
  const seen: unknown[] = [];
  try {
    return { value: await read(message, seen) };
  } catch (error) {
    const value = seen.length > 0 ? seen : undefined;
    return { value, fault: faultOf(error, isRequest) };
  }
}

/** One side of a connection, where messages come in. */
export interface Side extends AsyncDisposable {
  /**
   * Receives a message in pieces: fields and body, as on the wire.
   *
   * @param isCut Whether the peer goes behind them.
   */
  receive(
    pieces: Uint8Array[],
    read: Read,
    isCut?: boolean,
  ): Promise<Outcome>;
  /** The first line of a message. */
  readonly line: string;
}

/** The server's side: requests come in. */
export class RequestSide implements Side {
  readonly line = "POST / HTTP/1.1\r\nHost: a\r\n";
  readonly #scene: MemoryScene;
  #read: Read = () => Promise.resolve();
  #outcome: Outcome | null = null;

  constructor(streaming: boolean, options: HttpServerOptions = {}) {
    this.#scene = new MemoryScene(async (client: HttpConnection) => {
      this.#outcome = await outcome(this.#read, client, true);
      await client.respond("read");
    }, { streaming, ...DEPTH, ...options });
  }

  async receive(
    pieces: Uint8Array[],
    read: Read,
    isCut = false,
  ): Promise<Outcome> {
    const { errors } = this.#scene;
    this.#read = read;
    this.#outcome = null;
    errors.length = 0;
    const peer = this.#scene.connect();
    for (const piece of pieces) await peer.send(piece);
    if (isCut) {
      peer.close();
      await eventually(() => this.#outcome !== null);
      return this.#outcome!;
    }
    const { status } = await peer.response();
    peer.close();
    if (this.#outcome !== null) return this.#outcome;
    // A body that is not what it says was answered by the server.
    const error = errors[0] as ProtocolError;
    if (status !== error.status) throw new Error(`Answered with ${status}`);
    return { value: undefined, fault: faultOf(error, true) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scene[Symbol.asyncDispose]();
  }
}

/** The client's side: responses come in. */
export class ResponseSide implements Side {
  readonly line = "HTTP/1.1 200 OK\r\n";
  readonly #scene: ClientScene;
  readonly #stream: boolean;
  #pieces: Uint8Array[] = [];
  #isCut = false;

  constructor(stream: boolean) {
    this.#stream = stream;
    this.#scene = new ClientScene(async (peer) => {
      for (;;) {
        await peer.request();
        await peer.sendPieces(this.#pieces);
        if (this.#isCut) peer.close();
      }
    }, { keepAlive: true, ...DEPTH });
  }

  async receive(
    pieces: Uint8Array[],
    read: Read,
    isCut = false,
  ): Promise<Outcome> {
    this.#pieces = pieces;
    this.#isCut = isCut;
    const response = await this.#scene.get("/", { stream: this.#stream });
    const found = await outcome(read, response, false);
    response.close();
    return found;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scene[Symbol.asyncDispose]();
  }
}

/** Both sides, with bodies in memory and as they arrive. */
export const SIDES: Record<string, () => Side> = {
  "a request in memory": () => new RequestSide(false),
  "a request as it arrives": () => new RequestSide(true),
  "a response in memory": () => new ResponseSide(false),
  "a response as it arrives": () => new ResponseSide(true),
};
