import { deadline } from "./clock.ts";
import type { Transport } from "./transport.ts";
import { turns } from "./turns.ts";

/** A connection as what another protocol stands on, such as a WebSocket. */
export abstract class TransportSink {
  readonly #transport: Transport;

  /** @param transport Where to write to. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Bytes queued and not taken by the kernel. */
  get bufferedAmount(): number {
    return this.#transport.bufferedAmount;
  }

  /** Whether the connection is gone. */
  get isClosed(): boolean {
    return this.#transport.isClosed;
  }

  /** Where what was written into `room()` ends. */
  get outEnd(): number {
    return this.#transport.outEnd;
  }

  /** Queues bytes. */
  append(bytes: Uint8Array): void {
    this.#transport.append(bytes);
  }

  /** Room for so many bytes of output, behind `outEnd`. */
  room(length: number): Uint8Array {
    return this.#transport.room(length);
  }

  /** Counts what was written into `room()` as output. */
  wrote(end: number): void {
    this.#transport.wrote(end);
  }

  /** Sends what is queued. */
  flush(): Promise<boolean> {
    return this.#transport.flush();
  }

  /** Resolves to true once no more than `amount` is queued, to false if gone. */
  whenBelow(amount: number): Promise<boolean> {
    return this.#transport.whenBelow(amount);
  }

  /** Reads on. */
  resume(): void {
    this.#transport.read();
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.#transport.destroy();
  }

  /** Counts things that were done; returns whether more may be, in this turn. */
  spend(things: number): boolean {
    return turns.spend(things);
  }

  /** Calls back in a later turn; what it throws breaks the connection. */
  whenTurn(callback: () => void): () => void {
    return turns.wait(() => {
      try {
        callback();
      } catch (error) {
        this.#transport.destroy(error);
      }
    });
  }

  /** Calls back after so many ms, behind what has come by then. */
  after(ms: number, callback: () => void): () => void {
    return deadline(ms, callback);
  }
}
