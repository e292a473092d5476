// Servers that do harm to those who ask them.
import type { HttpClientOptions } from "@uhttp/uhttp/client";
import type { Pair } from "../support/certificates.ts";
import { RawClient } from "../support/raw_client.ts";
import type { Bounds } from "./scene.ts";
import type { How } from "./user.ts";

/** What a hostile server does with each connection. */
export interface Hostile {
  name: string;
  how: How;
  options?: HttpClientOptions;
  bounds?: Partial<Bounds>;
  /** It is asked by TLS, which it does not speak. */
  isSecure?: boolean;
  /** TLS is spoken, by Deno's implementation or by Node's. */
  tls?: "deno" | "node";
  /** What it says; `request` is the head that came, unless `isSilent`. */
  play(peer: HostilePeer, request: string): Promise<unknown>;
  /** It does not wait for a request. */
  isSilent?: boolean;
}

/** The server's side of a connection. */
export class HostilePeer extends RawClient {
  readonly #server: HostileServer;

  constructor(conn: Deno.Conn, server: HostileServer) {
    super(conn);
    this.#server = server;
  }

  get isOn(): boolean {
    return !this.#server.isOver;
  }

  /** A moment between two things: none where all is to be large. */
  get breath(): number {
    return this.#server.breath;
  }

  /** Sends the same again and again, until the client has gone. */
  async flood(data: string | Uint8Array): Promise<void> {
    while (this.isOn) {
      await this.send(data);
      await new Promise((resolve) => setTimeout(resolve, this.breath));
    }
  }

  /** Sends a text a byte at a time, and again. */
  async drip(text: string): Promise<void> {
    for (let i = 0; this.isOn; i = (i + 1) % text.length) {
      await this.send(text[i]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A hostile server on the loopback. */
export class HostileServer {
  isOver = false;
  readonly breath: number;
  readonly #row: Hostile;
  readonly #pair: Pair | null;
  readonly #listener: Deno.Listener | Deno.TlsListener;
  readonly #peers = new Set<HostilePeer>();

  /** @param pair A certificate for `localhost`, where TLS is spoken. */
  constructor(row: Hostile, breath: number, pair: Pair | null = null) {
    this.#row = row;
    this.breath = breath;
    this.#pair = row.tls === undefined ? null : pair;
    const where = { hostname: "127.0.0.1", port: 0 };
    this.#listener = this.#pair === null
      ? Deno.listen(where)
      : Deno.listenTls({ ...where, ...this.#pair });
    this.#accept();
  }

  /** What its client needs, beside what the row says. */
  get options(): HttpClientOptions {
    const { options, tls } = this.#row;
    if (this.#pair === null) return options ?? {};
    return tls === "node"
      ? { ...options, insecure: true }
      : { ...options, caCerts: [this.#pair.cert] };
  }

  get url(): string {
    const { port } = this.#listener.addr as Deno.NetAddr;
    const { isSecure, tls } = this.#row;
    return isSecure || tls !== undefined
      ? `https://localhost:${port}`
      : `http://127.0.0.1:${port}`;
  }

  async #accept(): Promise<void> {
    try {
      for await (const conn of this.#listener) this.#play(conn);
    } catch {
      // Closed.
    }
  }

  async #play(conn: Deno.Conn): Promise<void> {
    const peer = new HostilePeer(conn, this);
    this.#peers.add(peer);
    try {
      const request = this.#row.isSilent ? "" : await peer.until("\r\n\r\n");
      await this.#row.play(peer, request);
    } catch {
      // The client has gone.
    }
    if (this.isOver) return;
    this.#peers.delete(peer);
    peer.close();
  }

  end(): void {
    this.isOver = true;
    this.#listener.close();
    for (const peer of this.#peers) peer.close();
  }
}
