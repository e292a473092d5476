import type { ByteSink } from "./byte_sink.ts";
import type { WebsocketError } from "./errors.ts";
import type { WebsocketMessage } from "./event_face.ts";
import type { DeflateParameters } from "./extensions.ts";
import type { WebsocketRole } from "./frame_head.ts";
import { Inbox } from "./inbox.ts";
import { Intake } from "./intake.ts";
import { Outbox } from "./outbox.ts";
import { Protocol } from "./protocol.ts";
import { Pulse } from "./pulse.ts";
import { Rest } from "./rest.ts";
import type { WebsocketAct, WebsocketMove } from "./states.ts";

/** How a WebSocket ended. */
export interface WebsocketClose {
  /**
   * The peer's close code; 1005 if it named none, 1006 if the connection was
   * lost without one, or our own where the peer broke a rule.
   */
  code: number;
  /** The reason that belongs to it. */
  reason: string;
  /** Whether both sides said goodbye. */
  wasClean: boolean;
}

/** What a driver has to know; see `WebsocketOptions`. */
export interface DriverOptions {
  role: WebsocketRole;
  deflate: DeflateParameters | null;
  maxMessageLength: number;
  idleTimeout: number;
  closeTimeout: number;
  /** Messages are wanted piece by piece. */
  isStreaming: boolean;
}

/** Who is told what becomes of a WebSocket. */
export interface DriverHost {
  /** A message goes to listeners. */
  dispatch(message: WebsocketMessage): void;
  /** A ping or a pong is in; its payload holds until this returns. */
  control(type: "ping" | "pong", payload: Uint8Array): void;
  /** The peer broke a rule. */
  report(error: WebsocketError): void;
  /** How it ended. */
  settle(close: WebsocketClose): void;
  /** All messages are with the application, or queued for it. */
  end(close: WebsocketClose): void;
}

/** Does on a connection what the protocol asks for. */
export class Driver {
  readonly protocol: Protocol;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly pulse: Pulse;
  /** Of what the application does. */
  readonly rest: Rest;
  readonly #sink: ByteSink;
  readonly #host: DriverHost;
  readonly #intake: Intake;
  readonly #closeTimeout: number;
  #callOffTimer: (() => void) | null = null;
  // How it ended, until that is told behind all messages.
  #farewell: WebsocketClose | null = null;

  constructor(sink: ByteSink, options: DriverOptions, host: DriverHost) {
    const { role, deflate, maxMessageLength } = options;
    this.#sink = sink;
    this.#host = host;
    this.#closeTimeout = options.closeTimeout;
    this.outbox = new Outbox(sink, role, deflate);
    const protocol = this.protocol = new Protocol({
      role,
      maxMessageLength,
      allowCompressed: deflate !== null,
      isStreaming: options.isStreaming,
    });
    const inbox = this.inbox = new Inbox({
      dispatch: (message) => host.dispatch(message),
      taken: () => {
        this.rest.stir();
        this.#checkRoom();
      },
      unpackFailed: (error) => {
        if (!protocol.isReading) return;
        protocol.fail(error);
        this.#act();
      },
      delivered: () => this.rest.check(),
      unpacked: () => this.#unpacked(),
      isOver: () => protocol.isOver,
      spend: (things) => sink.spend(things),
      whenTurn: (callback) => sink.whenTurn(callback),
      after: (ms, callback) => sink.after(ms, callback),
    }, options);
    this.rest = new Rest(protocol, inbox, () => this.#move("rested"));
    this.pulse = new Pulse(sink, this.outbox, {
      isOpen: () => protocol.isOpen,
      isDeaf: () => this.#intake.isDeaf,
      drop: () => this.drop(),
    }, options.idleTimeout);
    this.#intake = new Intake(sink, protocol, inbox, this.pulse, {
      moved: () => this.#act(),
      control: (type, payload) => host.control(type, payload),
      behindInput: (move) => this.#move(move),
    });
  }

  // ---- What the connection brings ----

  /** Bytes have come; returns whether to read on. */
  receive(bytes: Uint8Array): boolean {
    return this.#intake.receive(bytes);
  }

  /** The peer has closed its side of the connection. */
  inputEnded(): void {
    if (!this.#intake.endsLater()) this.#move("inputEnded");
  }

  /** The connection is gone. */
  gone(): void {
    if (!this.#intake.goesLater()) this.#move("gone");
  }

  // ---- What the application does ----

  /** Begins the closing handshake, unless that has begun. */
  close(payload: Uint8Array<ArrayBuffer>): void {
    if (!this.protocol.isOpen) return;
    this.protocol.close(payload);
    this.#act();
  }

  /** Gives the peer up. */
  drop(): void {
    this.#move("dropped");
  }

  #move(move: WebsocketMove): void {
    this.protocol.move(move);
    this.#act();
  }

  /** Does what the last move asks for. */
  #act(): void {
    const { step } = this.protocol;
    for (let i = 1; i < step.length; i++) {
      this.#do(step[i] as WebsocketAct);
      // What is done may lead on; then the rest is no longer asked for.
      if (this.protocol.state !== step[0]) return;
    }
    this.#checkRoom();
  }

  #do(act: WebsocketAct): void {
    const sink = this.#sink;
    switch (act) {
      case "startTimer":
        this.#startTimer();
        break;
      case "sendClose":
        this.outbox.close(
          this.protocol.closePayload,
          () => this.#move("sent"),
        );
        break;
      case "awaitRest":
        this.rest.begin();
        break;
      case "report":
        this.#host.report(this.protocol.error!);
        break;
      case "stop":
        this.#intake.stop();
        this.pulse.stop();
        this.#callOffTimer?.();
        this.#callOffTimer = null;
        this.outbox.drop();
        break;
      case "linger":
        sink.flush();
        this.#startTimer();
        break;
      case "end":
        sink.end();
        break;
      case "destroy":
        sink.destroy();
        break;
      case "tellClean":
        this.#tell(true);
        break;
      case "tellLost":
        this.#tell(false);
    }
  }

  #startTimer(): void {
    this.#callOffTimer = this.#sink.after(this.#closeTimeout, () => {
      this.#callOffTimer = null;
      this.#move("timeUp");
    });
  }

  #tell(wasClean: boolean): void {
    const { code, reason } = this.protocol;
    this.#farewell = { code, reason, wasClean };
    this.#host.settle(this.#farewell);
    if (!this.inbox.isPacked) this.#unpacked();
  }

  /** There may be room for more, or nothing that the application has to do. */
  #checkRoom(): void {
    this.#intake.checkRoom();
    this.rest.check();
  }

  /** All messages are with the application, or queued for it. */
  #unpacked(): void {
    this.#checkRoom();
    if (!this.protocol.isOver) return;
    this.inbox.finish();
    const farewell = this.#farewell;
    this.#farewell = null;
    if (farewell !== null) this.#host.end(farewell);
  }
}
