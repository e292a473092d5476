import type { SecureContext } from "node:tls";
import { builtin } from "../runtime/builtins.ts";
import { NodeTlsConn, streamOf } from "./node_tls.ts";
import { tune } from "./socket.ts";

/**
 * Listens for TLS by Node's implementation over plain sockets. It is slower than
 * Deno's own, which cannot let go of a peer that never shakes hands.
 */
export class GuardedListener implements AsyncIterable<Deno.TlsConn> {
  readonly #listener: Deno.Listener;
  #context: SecureContext;

  /** @param listener Where plain connections come from; it is closed with this. */
  constructor(listener: Deno.Listener, cert: string, key: string) {
    this.#listener = listener;
    this.#context = contextOf(cert, key);
  }

  /** Where it listens. */
  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  /** Takes another certificate, for the connections that come from now on. */
  renew(cert: string, key: string): void {
    this.#context = contextOf(cert, key);
  }

  /** The next connection, whose handshake has begun. */
  async accept(): Promise<Deno.TlsConn> {
    const conn = await this.#listener.accept();
    tune(conn);
    const lower = streamOf(conn);
    const { TLSSocket } = builtin("node:tls");
    const options = {
      isServer: true,
      secureContext: this.#context,
      ALPNProtocols: ["http/1.1"],
    };
    return new NodeTlsConn(
      conn,
      lower,
      new TLSSocket(lower.stream as never, options),
      false,
    );
  }

  /** Yields connections until it is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Deno.TlsConn> {
    for (;;) yield await this.accept();
  }

  /** Stops listening. */
  close(): void {
    this.#listener.close();
  }
}

function contextOf(cert: string, key: string): SecureContext {
  return builtin("node:tls").createSecureContext({ cert, key });
}
