import type { HttpConnection } from "../server.ts";
import { AllowedHosts } from "./allowed_hosts.ts";
import type { InspectArguments } from "./arguments.ts";
import { Backend } from "./backend.ts";
import type { ExitCode } from "./exit_codes.ts";
import type { Fields } from "./hop_by_hop.ts";
import type { CliIo } from "./io.ts";
import { paint } from "./json_color.ts";
import { LineQueue } from "./line_queue.ts";
import { addressesOf, listenAll, whereLines } from "./listening.ts";
import { plainLine } from "./plain_text.ts";
import { Replies } from "./replies.ts";
import { type Answerer, runServer } from "./running.ts";
import { sizeText } from "./sizes.ts";
import type { Watch } from "./watch.ts";

/**
 * Passes all requests on to a server, and shows what both sides say.
 *
 * @throws {CliError} If that cannot be.
 */
export async function runInspect(
  args: InspectArguments,
  io: CliIo,
): Promise<ExitCode> {
  const servers = await listenAll(args.places, { streaming: true });
  const hosts = new AllowedHosts(args.allowedHosts, addressesOf(servers));
  const inspector = new Inspector(args, hosts, io);
  const { href } = args.target;
  const greeting = servers.flatMap((server) =>
    whereLines(server, `Showing what goes to ${href}`)
  );
  return await runServer(servers, inspector, greeting, null, io);
}

class Inspector implements Answerer {
  readonly #args: InspectArguments;
  readonly #hosts: AllowedHosts;
  readonly #io: CliIo;
  readonly #lines: LineQueue;
  readonly #backend: Backend;
  readonly #replies = new Replies({ hasCors: false, headers: [] });
  #count = 0;

  constructor(args: InspectArguments, hosts: AllowedHosts, io: CliIo) {
    this.#args = args;
    this.#hosts = hosts;
    this.#io = io;
    this.#lines = new LineQueue(io.stdout);
    // Bodies are to be read, and so are asked for as they are.
    this.#backend = new Backend(
      { prefix: "/", target: args.target },
      false,
      { "accept-encoding": "identity" },
    );
  }

  answer(client: HttpConnection): Promise<boolean> {
    const refuse = (status: number, message: string) =>
      this.#replies.refuse(client, status, message);
    if (!this.#hosts.has(client.host)) {
      return refuse(421, "This is not the name of this site");
    }
    if (!this.#backend.has(client)) return refuse(400, "No path is asked for");
    const { stdout } = this.#io;
    const hasColor = this.#args.wantsColor && stdout.isTerminal() &&
      !this.#io.env("NO_COLOR") && this.#io.env("TERM") !== "dumb";
    const view = new View(client, ++this.#count, {
      lines: this.#lines,
      maxBody: this.#args.maxBody,
      now: () => this.#io.now(),
      hasColor,
    });
    return this.#backend.answer(client, refuse, view);
  }

  failed(client: HttpConnection): Promise<boolean> {
    client.close();
    return Promise.resolve(false);
  }

  ending(): void {
    this.#backend.ending();
  }

  async close(): Promise<void> {
    await this.#backend.close();
    await this.#lines.flushed();
  }
}

interface ViewOptions {
  lines: LineQueue;
  maxBody: number;
  now: () => number;
  hasColor: boolean;
}

/** Shows one exchange. */
class View implements Watch {
  readonly #client: HttpConnection;
  readonly #number: number;
  readonly #options: ViewOptions;
  readonly #start: number;
  readonly #request: BodyView;
  #response: BodyView;
  #isAnswered = false;

  constructor(client: HttpConnection, number: number, options: ViewOptions) {
    this.#client = client;
    this.#number = number;
    this.#options = options;
    this.#start = options.now();
    const { maxBody } = options;
    this.#request = new BodyView(maxBody, (text) => this.#say(">", text));
    this.#response = new BodyView(maxBody, (text) => this.#say("<", text));
  }

  request(target: string, fields: Readonly<Fields>): void {
    const { method, protocol, url, remoteAddress } = this.#client;
    this.#say(">", `${method} ${url} ${protocol}`);
    this.#fields(">", fields);
    this.#say("*", `from ${remoteAddress} to ${target}`);
  }

  requestPiece(bytes: Uint8Array): void {
    this.#request.add(bytes);
  }

  response(status: number, reason: string, fields: Readonly<Fields>): void {
    this.#request.end();
    this.#isAnswered = true;
    this.#say("<", `${status} ${reason}`.trimEnd());
    this.#fields("<", fields);
    this.#say("*", `after ${this.#passed()}`);
  }

  responsePiece(bytes: Uint8Array): void {
    this.#response.add(bytes);
  }

  message(isOurs: boolean, message: string | Uint8Array): void {
    const { maxBody } = this.#options;
    const text = typeof message !== "string"
      ? `(${sizeText(message.length)} of binary data)`
      : message.length <= maxBody
      ? message
      : `${message.slice(0, maxBody)}... (${message.length} characters)`;
    this.#say(isOurs ? ">" : "<", text);
  }

  end(fault: string | null): void {
    if (!this.#isAnswered) this.#request.end();
    this.#response.end();
    const how = fault === null ? "done" : fault;
    this.#say("*", `${how} after ${this.#passed()}`);
  }

  #passed(): string {
    return `${(this.#options.now() - this.#start).toFixed(1)} ms`;
  }

  #fields(mark: string, fields: Readonly<Fields>): void {
    for (const [name, values] of Object.entries(fields)) {
      for (const value of [values].flat()) this.#say(mark, `${name}: ${value}`);
    }
  }

  #say(mark: string, text: string): void {
    const { lines, hasColor } = this.#options;
    const front = paint(`#${this.#number} ${mark}`, "dim", hasColor);
    for (const line of text.split(/\r?\n/)) {
      lines.add(`${front} ${plainLine(line)}`.trimEnd());
    }
  }
}

/** Shows the beginning of a body, as it comes. */
class BodyView {
  readonly #most: number;
  readonly #say: (text: string) => void;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #line = "";
  #shown = 0;
  #size = 0;
  #isBinary = false;

  constructor(most: number, say: (text: string) => void) {
    this.#most = most;
    this.#say = say;
  }

  add(bytes: Uint8Array): void {
    this.#size += bytes.length;
    const piece = bytes.subarray(0, this.#most - this.#shown);
    if (piece.length === 0 || this.#isBinary) return;
    this.#shown += piece.length;
    try {
      if (piece.includes(0)) throw new TypeError("No text has that");
      this.#line += this.#decoder.decode(piece, { stream: true });
    } catch {
      this.#isBinary = true;
      return;
    }
    const end = this.#line.lastIndexOf("\n");
    if (end < 0) return;
    this.#say(this.#line.slice(0, end));
    this.#line = this.#line.slice(end + 1);
  }

  end(): void {
    if (this.#line !== "") this.#say(this.#line);
    this.#line = "";
    if (this.#size > this.#shown || this.#isBinary) {
      const what = this.#isBinary ? "of binary data" : "in all";
      this.#say(`(${sizeText(this.#size)} ${what})`);
    }
    this.#size = this.#shown = 0;
    this.#isBinary = false;
  }
}
