import type { ByteSink } from "./byte_sink.ts";
import { Opcode } from "./frame_head.ts";
import type { Outbox } from "./outbox.ts";

/** With more than this to be sent, only the latest ping is answered. */
const PONG_LIMIT = 4096;
/** How many pings may wait for their pongs. */
const MAX_PINGS = 64;

const NOTHING = new Uint8Array(0);

/** Whose life is watched over. */
export interface PulseHost {
  /** Whether pings and pongs are sent. */
  isOpen(): boolean;
  /** Whether we do not read, so that the peer's silence says nothing. */
  isDeaf(): boolean;
  /** The peer is not there any more. */
  drop(): void;
}

/** A ping that waits for its pong. */
interface Pinged {
  payload: Uint8Array;
  resolve: (value: boolean) => void;
}

/** Pings and pongs of both sides: is the peer still there? */
export class Pulse {
  /** Whether anything has come lately. */
  wasHeard = false;
  readonly #sink: ByteSink;
  readonly #outbox: Outbox;
  readonly #host: PulseHost;
  readonly #idleTimeout: number;
  #wasPinged = false;
  #callOff: (() => void) | null = null;
  #pings: Pinged[] = [];
  #pingCount = 0;
  // The latest ping that could not be answered at once.
  #pongDue: Uint8Array | null = null;

  /** @param idleTimeout For how long a peer may be silent; 0 for ever. */
  constructor(
    sink: ByteSink,
    outbox: Outbox,
    host: PulseHost,
    idleTimeout: number,
  ) {
    this.#sink = sink;
    this.#outbox = outbox;
    this.#host = host;
    this.#idleTimeout = idleTimeout;
    if (idleTimeout > 0) this.#watch();
  }

  /** The bytes of a ping: those given, or a number. */
  payload(data?: string | Uint8Array): Uint8Array {
    return data instanceof Uint8Array
      ? new Uint8Array(data)
      : new TextEncoder().encode(data ?? String(++this.#pingCount));
  }

  /** Sends a ping; resolves to whether a pong came. */
  ping(payload: Uint8Array): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#pings.length === MAX_PINGS) this.#pings.shift()!.resolve(false);
    this.#pings.push({ payload, resolve });
    this.#outbox.control(Opcode.PING, payload);
    return promise;
  }

  /** Answers a ping. */
  pinged(payload: Uint8Array): void {
    if (this.#sink.bufferedAmount <= PONG_LIMIT) {
      this.#outbox.control(Opcode.PONG, payload);
      return;
    }
    // A peer that does not read may be sent the latest pong alone (5.5.3).
    const isWaiting = this.#pongDue !== null;
    this.#pongDue = new Uint8Array(payload);
    if (isWaiting) return;
    this.#sink.whenBelow(PONG_LIMIT).then((isBelow) => {
      const due = this.#pongDue;
      this.#pongDue = null;
      if (isBelow && due !== null && this.#host.isOpen()) {
        this.#outbox.control(Opcode.PONG, due);
      }
    });
  }

  /** A pong is in. */
  ponged(payload: Uint8Array): void {
    // It may stand for all pings up to its own (section 5.5.3).
    const index = this.#pings.findIndex((ping) =>
      isEqual(ping.payload, payload)
    );
    for (let i = 0; i <= index; i++) this.#pings.shift()!.resolve(true);
  }

  #watch(): void {
    // One timer that looks back, and not one a message.
    this.#callOff = this.#sink.after(this.#idleTimeout / 2, () => {
      this.#callOff = null;
      if (!this.#host.isOpen()) return;
      if (this.wasHeard || this.#host.isDeaf()) {
        this.wasHeard = this.#wasPinged = false;
      } else if (this.#wasPinged) {
        this.#host.drop();
        return;
      } else {
        this.#wasPinged = true;
        this.#outbox.control(Opcode.PING, NOTHING);
      }
      this.#watch();
    });
  }

  /** Sends and expects no more. */
  stop(): void {
    this.#callOff?.();
    this.#callOff = null;
    for (const { resolve } of this.#pings) resolve(false);
    this.#pings = [];
    this.#pongDue = null;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
