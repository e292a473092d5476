import { type Meter, Transport, type TransportHandler } from "./transport.ts";

/** Passes on what a transport says, once it is known to whom. */
class Forwarder implements TransportHandler {
  to!: TransportHandler & { readonly tick: number };

  get tick(): number {
    return this.to.tick;
  }

  space(): Uint8Array<ArrayBuffer> {
    return this.to.space();
  }

  received(length: number): boolean {
    return this.to.received(length);
  }

  ended(): void {
    this.to.ended();
  }

  sent(): void {
    this.to.sent();
  }

  gone(error: unknown): void {
    this.to.gone(error);
  }

  readingEnded(): void {
    this.to.readingEnded();
  }

  writeFailed(error: unknown): boolean {
    return this.to.writeFailed!(error);
  }
}

/** A transport that is told by itself what happens; see `TransportHandler`. */
export abstract class OwnTransport extends Transport {
  constructor(conn: Deno.Conn, meter: Meter) {
    const forwarder = new Forwarder();
    super(conn, meter, forwarder, forwarder);
    forwarder.to = this as unknown as Forwarder["to"];
  }

  protected abstract get tick(): number;
  protected abstract space(): Uint8Array<ArrayBuffer>;
  protected abstract received(length: number): boolean;
  protected abstract ended(): void;
  protected abstract sent(): void;
  protected abstract gone(error: unknown): void;
  protected abstract readingEnded(): void;
  protected writeFailed(_error: unknown): boolean {
    return false;
  }
}
