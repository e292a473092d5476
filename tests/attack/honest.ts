// A process of honest clients, one for each server of a victim: each asks for
// something now and then, on a connection that it keeps and on new ones, and
// notes how long it waited.
import { answer, tell } from "./children.ts";
import { pause, Peer, type Target } from "./peer.ts";

/** What it is started with. */
export interface HonestOptions {
  targets: Record<string, Target>;
  /** Between two requests, in ms. */
  interval: number;
}

/** What an honest client has seen of a server. */
export interface Seen {
  answered: number;
  /** What went wrong, at most one of each kind. */
  lost: string[];
  /** Connections that were closed before their request was answered. */
  closed: number;
  /** The longest wait for an answer, a new connection included, in ms. */
  wait: number;
  /** What of that was for connections, and how many it took. */
  connecting: number;
  attempts: number;
}

const ADDRESS = "127.0.0.77";
/** How often a request is sent that gets no answer. */
const ATTEMPTS = 3;
/** Whoever has waited for so long, in ms, gives up. */
const PATIENCE = 60_000;

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST /json HTTP/1.1\r\nHost: a\r\n" +
  'Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a":[1]}';

function nothing(): Seen {
  return {
    answered: 0,
    lost: [],
    closed: 0,
    wait: 0,
    connecting: 0,
    attempts: 0,
  };
}

class HonestClient {
  readonly #target: Target;
  #kept: Peer | null = null;
  #seen: Seen = nothing();
  #count = 0;
  #asked: Peer | null = null;

  constructor(target: Target) {
    this.#target = target;
  }

  async run(interval: number): Promise<void> {
    for (;;) {
      await this.#ask();
      await pause(interval);
    }
  }

  get seen(): Seen {
    const seen = this.#seen;
    this.#seen = nothing();
    return seen;
  }

  async #ask(): Promise<void> {
    const isPost = this.#count++ % 3 === 0;
    const isKept = this.#count % 2 === 0;
    const began = performance.now();
    let fault: string | null = null;
    let connecting = 0;
    let attempts = 0;
    const timer = setTimeout(() => this.#late(), PATIENCE);
    // A connection that is kept may be closed whenever it is idle, and one that
    // is new when its place is wanted before it has said anything.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      let peer = isKept ? this.#kept : null;
      if (isKept) this.#kept = null;
      attempts++;
      if (peer === null) {
        const start = performance.now();
        peer = await Peer.connect(this.#target, ADDRESS);
        connecting += performance.now() - start;
      }
      if (peer === null) {
        fault = "no connection";
        continue;
      }
      this.#asked = peer;
      await peer.send(isPost ? POST : GET);
      const got = await peer.until(isPost ? '{"a":[1]}' : "hello");
      if (got !== null) {
        fault = got.startsWith("HTTP/1.1 200 ") ? null : got.slice(0, 40);
        if (isKept && fault === null) this.#kept = peer;
        else peer.close();
        break;
      }
      fault = "no answer";
      peer.close();
      if (attempt > 0 || !isKept) this.#seen.closed++;
    }
    clearTimeout(timer);
    const wait = performance.now() - began;
    if (wait > this.#seen.wait) {
      Object.assign(this.#seen, { wait, connecting, attempts });
    }
    if (fault === null) this.#seen.answered++;
    else if (!this.#seen.lost.includes(fault)) this.#seen.lost.push(fault);
  }

  #late(): void {
    this.#seen.lost.push(`not answered within ${PATIENCE} ms`);
    this.#seen.wait = PATIENCE;
    this.#asked?.close();
  }
}

const { targets, interval }: HonestOptions = JSON.parse(Deno.args[0]);
const clients = Object.entries(targets).map(([name, target]) => {
  const client = new HonestClient(target);
  client.run(interval);
  return [name, client] as const;
});
tell("ready");
await answer(() =>
  Object.fromEntries(clients.map(([name, client]) => [name, client.seen]))
);
