import { abortHeard } from "../transport/abort.ts";
import { type Clock, nextTurn } from "../transport/clock.ts";
import type { Meter } from "../transport/transport.ts";
import type { ClientState, StateObserver } from "../wire/lifecycle.ts";
import { guardSignal } from "../websocket/listeners.ts";
import type { Attempt } from "./attempt.ts";
import type { Call } from "./call.ts";
import {
  ClientConnection,
  type ConnectionHost,
  type NewConnection,
} from "./connection.ts";
import { type ClientLimits, makeParser } from "./options.ts";
import type { WrittenHead } from "./request_head.ts";

/** What a pool belongs to. */
export interface PoolHost {
  readonly limits: ClientLimits;
  readonly keepAlive: boolean;
  readonly meter: Meter;
  readonly clock: Clock;
  /** Told of every change of state: for tests. */
  readonly observer: StateObserver<ClientState> | null;
  /** Makes a connection. Rejects with the error that a request is to get. */
  dial(
    pool: Pool,
    signal: AbortSignal,
    first: Call,
  ): Promise<NewConnection>;
  /** Writes the head of a request. */
  writeHead(pool: Pool, call: Call): WrittenHead;
  /** A connection is there, or not any more. */
  changed(pool: Pool): void;
  /** A connection speaks something else now. */
  left(connection: ClientConnection): void;
}

/** The connections to one origin, and the requests that wait for one. */
export class Pool implements ConnectionHost {
  readonly origin: string;
  /** Whether it goes through a proxy's tunnel though it is not secure. */
  readonly isTunnelled: boolean;
  readonly connections: Set<ClientConnection> = new Set();

  readonly #host: PoolHost;
  readonly #queue = new Set<Call>();
  readonly #idle: ClientConnection[] = [];
  /** Those that have just answered: see `rested()`. */
  #resting: ClientConnection[] = [];
  /** Connections that are being made, also for nobody any more. */
  readonly #dials = new Set<AbortController>();
  #isClosed = false;

  constructor(host: PoolHost, origin: string, isTunnelled: boolean) {
    this.#host = host;
    this.origin = origin;
    this.isTunnelled = isTunnelled;
  }

  get meter(): Meter {
    return this.#host.meter;
  }

  get clock(): Clock {
    return this.#host.clock;
  }

  get observer(): StateObserver<ClientState> | null {
    return this.#host.observer;
  }

  get keepAlive(): boolean {
    return this.#host.keepAlive;
  }

  get keepAliveTimeout(): number {
    return this.#host.limits.keepAliveTimeout;
  }

  /** Whether connections are being made. */
  get isConnecting(): boolean {
    return this.#wanted > 0;
  }

  /** How many of those that are being made are still wanted. */
  get #wanted(): number {
    let count = 0;
    for (const { signal } of this.#dials) if (!signal.aborted) count++;
    return count;
  }

  /** Whether nothing is open, wanted, or under way. */
  get isEmpty(): boolean {
    return this.connections.size === 0 && this.#queue.size === 0 &&
      this.#dials.size === 0;
  }

  /** How many requests wait for a connection. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Sends a request, as soon as there is a connection for it. */
  send(call: Call): void {
    call.queued(this.clock.tick);
    this.#queue.add(call);
    this.#dispatch();
  }

  /** A request is not to be sent any more. */
  forget(call: Call): void {
    if (!this.#queue.delete(call)) return;
    // Connections that are made for nobody are not made.
    let surplus = this.#wanted - this.#queue.size;
    for (const dial of this.#dials) {
      if (surplus <= 0) break;
      if (dial.signal.aborted) continue;
      abortHeard(dial, undefined, listenerFailed);
      surplus--;
    }
    this.#host.changed(this);
  }

  #dispatch(): void {
    for (const call of this.#queue) {
      const isNew = call.plan.placing === "new";
      const connection = isNew
        ? this.#takeNew()
        : this.#takeIdle() ?? this.#busy(call);
      if (connection === null) {
        if (!this.#mayDial) {
          if (isNew) continue; // others may do with what there is
          return;
        }
        this.#dial(call);
        continue;
      }
      this.#queue.delete(call);
      let attempt: Attempt;
      try {
        const head = this.#host.writeHead(this, call);
        attempt = call.begin(connection, head);
      } catch (error) {
        if (connection.state === "idle") this.#idle.push(connection);
        call.fail(error as Error);
        continue;
      }
      connection.start(attempt);
    }
  }

  get #mayDial(): boolean {
    const wanted = this.#wanted;
    return this.connections.size + wanted < this.#host.limits.maxConnections &&
      wanted + this.#resting.length < this.#queue.size;
  }

  /** The connection that was used last, as it is the least likely to be dead. */
  #takeIdle(): ClientConnection | null {
    for (let one; (one = this.#idle.pop()) !== undefined;) {
      if (one.state !== "idle") continue;
      if (!one.isStale) return one;
      one.destroy();
    }
    return null;
  }

  /** One that was not used yet; where there is no room for it, it is made. */
  #takeNew(): ClientConnection | null {
    const isNew = ({ served, state }: ClientConnection) =>
      served === 0 && state === "idle";
    const index = this.#idle.findIndex(isNew);
    if (index >= 0) return this.#idle.splice(index, 1)[0];
    const { maxConnections } = this.#host.limits;
    if (this.#wanted === 0 && this.connections.size >= maxConnections) {
      this.#takeIdle()?.destroy();
    }
    return null;
  }

  /** A connection that may take one more behind those it has. */
  #busy(call: Call): ClientConnection | null {
    const { pipelining, maxConnections } = this.#host.limits;
    if (pipelining === 1 || !call.canPipeline) return null;
    if (this.connections.size + this.#wanted < maxConnections) return null;
    let best: ClientConnection | null = null;
    for (const connection of this.connections) {
      if (connection.state !== "waiting" && connection.state !== "receiving") {
        continue;
      }
      if (
        connection.inFlight >=
          Math.min(pipelining, best?.inFlight ?? pipelining)
      ) {
        continue;
      }
      if (connection.mayPipeline) best = connection;
    }
    return best;
  }

  #dial(first: Call): void {
    const controller = new AbortController();
    // An application that connects in its own way listens to it.
    guardSignal(controller.signal, listenerFailed);
    this.#dials.add(controller);
    this.#host.dial(this, controller.signal, first).then(
      (made) => {
        this.#dials.delete(controller);
        if (controller.signal.aborted || this.#isClosed) {
          made.conn.close();
          this.#host.changed(this);
          return;
        }
        const parser = makeParser(this.#host.limits);
        const connection = new ClientConnection(made, this, parser);
        this.connections.add(connection);
        this.#idle.push(connection);
        this.#dispatch();
        if (connection.state === "idle") connection.idle();
        this.#host.changed(this);
      },
      (error) => {
        this.#dials.delete(controller);
        if (controller.signal.aborted) {
          this.#host.changed(this);
          return;
        }
        // The one that has waited longest is told; others try for themselves.
        for (const call of this.#queue) {
          this.#queue.delete(call);
          call.fail(error);
          break;
        }
        this.#dispatch();
        this.#host.changed(this);
      },
    );
  }

  /**
   * A connection can take a request again, after a turn of the event loop:
   * bytes that came behind the response are seen by then, and not taken for
   * the answer to the next request.
   */
  rested(connection: ClientConnection): void {
    this.#resting.push(connection);
    if (this.#resting.length === 1) nextTurn(this.#reuse);
  }

  readonly #reuse = (): void => {
    const rested = this.#resting;
    this.#resting = [];
    for (const connection of rested) {
      if (connection.state === "idle") this.#idle.push(connection);
    }
    if (this.#queue.size > 0) this.#dispatch();
  };

  /** A connection speaks something else now. */
  left(connection: ClientConnection): void {
    this.connections.delete(connection);
    this.#host.left(connection);
    this.#dispatch();
  }

  /** A connection is closed. */
  closed(connection: ClientConnection): void {
    this.connections.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    // What it had sent is put back first, by who called.
    queueMicrotask(() => {
      this.#dispatch();
      this.#host.changed(this);
    });
  }

  /** A tick has gone by. */
  sweep(): void {
    for (const connection of this.connections) connection.sweep();
    for (const call of this.#queue) {
      if (!call.isOverdue(this.clock)) continue;
      const isNew = this.connections.size === 0 && this.isConnecting;
      call.stop(call.timedOut(isNew ? "connect" : "queue"));
    }
  }

  /** Ends all requests, and closes all connections. */
  close(reason: unknown): void {
    this.#isClosed = true;
    for (const dial of this.#dials) {
      abortHeard(dial, undefined, listenerFailed);
    }
    for (const call of [...this.#queue]) call.abort(reason);
    for (const connection of [...this.connections]) connection.stop(reason);
  }
}

function listenerFailed(error: unknown): void {
  console.error("Error in a listener:", error);
}
