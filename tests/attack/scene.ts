// What an attack can do, and what it is.
import { pause, Peer, type Target } from "./peer.ts";
import type { VictimStats } from "./victim.ts";

/** The phase of a connection in which something is held, or costs. */
export type Phase =
  | "connect"
  | "tls"
  | "head"
  | "body"
  | "held"
  | "answering"
  | "streaming"
  | "websocket"
  | "tunnel"
  | "file"
  | "draining";

/** How a server is spoken to: in the clear, over TLS, and guarded TLS. */
export type Way = "plain" | "tls" | "guarded";

/** What an attack may bring about, where it is not the usual: see `BOUNDS`. */
export interface Bounds {
  /** The longest that an honest client waits, in ms. */
  wait: number;
  /** The most CPU time in one turn of the event loop, in ms. */
  turn: number;
  /** By how much memory grows meanwhile, garbage included, in MiB. */
  grown: number;
  /** And what of it is in use while the attack is under way. */
  held: number;
  /** And what of it is in use when all is over and collected. */
  left: number;
}

/** One attack. */
export interface Attack {
  name: string;
  phase: Phase;
  /** The server that it is for: `SERVERS` has them. */
  server?: "whole" | "streaming" | "few" | "brief" | "compressed" | "stopped";
  /** Where it makes a difference; all by default. */
  ways?: Way[];
  bounds?: Partial<Bounds>;
  /** It takes longer than tests may. */
  isLong?: boolean;
  /** Goes on until the scene is over, or until all is done that it has to do. */
  play(scene: AttackScene): Promise<unknown>;
}

/** Where an attack is played. */
export class AttackScene {
  readonly target: Target;
  /** How much of everything: 1 in the suite. */
  readonly scale: number;
  /** What went otherwise than the attack expects. */
  readonly faults: string[] = [];
  /** What it has seen, for a table. */
  readonly notes: string[] = [];
  isOn = true;

  readonly #net: number;
  readonly #peers = new Set<Peer>();
  readonly #over = Promise.withResolvers<void>();
  readonly #ask: (what: string) => Promise<unknown>;
  readonly #server: string;

  /** @param net Addresses of attackers are those of 127.NET.0.0. */
  constructor(
    target: Target,
    scale: number,
    net: number,
    server: string,
    ask: (what: string) => Promise<unknown>,
  ) {
    this.target = target;
    this.scale = scale;
    this.#net = net;
    this.#server = server;
    this.#ask = ask;
  }

  /** An attacker's address: each number has its own. */
  address(i = 0): string {
    return `127.${this.#net}.${i >> 7}.${(i & 127) + 1}`;
  }

  /** Resolves when the attack is to end. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** A connection; null where there is none. */
  async connect(from = 0): Promise<Peer | null> {
    return this.#keep(await Peer.connect(this.target, this.address(from)));
  }

  /** The same without TLS's handshake. */
  async plain(from = 0): Promise<Peer | null> {
    return this.#keep(await Peer.plain(this.target, this.address(from)));
  }

  #keep(peer: Peer | null): Peer | null {
    if (peer === null) return null;
    if (!this.isOn) peer.close();
    this.#peers.add(peer);
    peer.gone.then(() => this.#peers.delete(peer));
    return peer;
  }

  /** So many of something, by the scale. */
  times(count: number): number {
    return Math.ceil(count * this.scale);
  }

  /**
   * A moment between two things: none to speak of where all is to be large, and
   * else so long that all together leave the machine some time.
   */
  breath(): Promise<void> {
    return pause(this.scale > 1 ? 2 : 400);
  }

  /** Peers of one address that do the same. */
  async crowd(
    count: number,
    play: (peer: Peer, i: number) => unknown,
  ): Promise<void> {
    await this.#crowd(count, () => this.connect(), play);
  }

  /** Peers of as many addresses. */
  async army(
    count: number,
    play: (peer: Peer, i: number) => unknown,
  ): Promise<void> {
    await this.#crowd(count, (i) => this.connect(i), play);
  }

  async #crowd(
    count: number,
    connect: (i: number) => Promise<Peer | null>,
    play: (peer: Peer, i: number) => unknown,
  ): Promise<void> {
    const playing: unknown[] = [];
    // Some at a time, so that no queue of the system is too short for them.
    for (let i = 0; i < count && this.isOn; i += 32) {
      const some = Array.from(
        { length: Math.min(32, count - i) },
        async (_, j) => {
          const peer = await connect(i + j);
          if (peer !== null) playing.push(play(peer, i + j));
        },
      );
      await Promise.race([Promise.all(some), this.over]);
    }
    await Promise.race([Promise.all(playing), this.over]);
  }

  /** Sends the same again and again, until the peer is gone or all is over. */
  async flood(peer: Peer, data: string | Uint8Array): Promise<void> {
    while (this.isOn && await peer.send(data)) await this.breath();
  }

  /** Sends a text a byte at a time. */
  async drip(peer: Peer, text: string, ms = 50): Promise<void> {
    for (let i = 0; this.isOn && await peer.send(text[i]);) {
      await pause(ms);
      i = (i + 1) % text.length;
    }
  }

  /** Holds the attack to something. */
  expect(isTrue: boolean, what: string): void {
    if (!isTrue && !this.faults.includes(what)) this.faults.push(what);
  }

  /** How many requests the application holds. */
  async held(): Promise<number> {
    const { servers } = await this.#ask("stats") as VictimStats;
    return servers[this.#server].held;
  }

  /** Has the application do something to its server: `stop` or `answer`. */
  command(what: "stop" | "answer"): Promise<number> {
    return this.#ask(`${what} ${this.#server}`) as Promise<number>;
  }

  /** All is over: closes what is open. */
  end(): void {
    this.isOn = false;
    this.#over.resolve();
    for (const peer of this.#peers) peer.close();
  }
}
