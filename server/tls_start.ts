import { HttpError } from "../parse/errors.ts";
import type { Transport } from "../transport/transport.ts";

/** The TLS handshake that a connection begins with. */
export class TlsStart {
  readonly #transport: Transport;
  readonly #unstalled: () => void;
  #isStalled = false;

  /**
   * @param secured Told when it is done.
   * @param unstalled Told when one that was given up has ended after all.
   */
  constructor(
    transport: Transport,
    secured: () => void,
    unstalled: () => void,
  ) {
    this.#transport = transport;
    this.#unstalled = unstalled;
    (transport.conn as Deno.TlsConn).handshake().then(() => {
      if (transport.isClosed) this.end();
      else secured();
    }, (error) => {
      this.end();
      transport.destroy(error);
    });
  }

  /**
   * Whether it holds its descriptor when it is given up. Deno keeps that of one
   * which is closed until the peer goes, and then nobody could count it: so it
   * stays open, and is to be counted, until it ends in one way or another.
   */
  get holdsDescriptor(): boolean {
    return !("closesAtOnce" in this.#transport.conn);
  }

  /** Gives it up. */
  stall(): void {
    const error = new HttpError("TLS handshake took too long");
    this.#isStalled = this.holdsDescriptor;
    if (this.#isStalled) this.#transport.letGo(error);
    else this.#transport.destroy(error);
  }

  /** Closes the socket of one that was given up. */
  end(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#transport.closeSocket();
    this.#unstalled();
  }
}
