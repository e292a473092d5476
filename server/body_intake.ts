import type { ProtocolError } from "../parse/errors.ts";
import { ParseEvent } from "../parse/phase.ts";
import type { RequestParser } from "../parse/request_parser.ts";
import {
  type BodyOrigin,
  bodyRoom,
  IncomingBody,
} from "../message/incoming_body.ts";
import type { Transport } from "../transport/transport.ts";
import { turns } from "../transport/turns.ts";
import type { ServerState } from "../wire/lifecycle.ts";
import { answeredBefore, brokenOff } from "./body_faults.ts";

export const CONTINUE: Uint8Array = new TextEncoder().encode(
  "HTTP/1.1 100 Continue\r\n\r\n",
);
const NOTHING = new Uint8Array(0);

/** A body that is wanted as a whole, as far as it has come. */
export class BodyCollector {
  /** Bytes that have come. */
  length = 0;
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;

  /**
   * Adds bytes, which are copied.
   *
   * @param announced The length that the request promises; negative for none.
   */
  add(bytes: Uint8Array, announced: number): void {
    const total = this.length + bytes.length;
    if (this.#bytes.length < total) {
      const grown = new Uint8Array(bodyRoom(total, announced));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.length);
    this.length = total;
  }

  /** All of it. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

/** A connection, as far as the body goes that comes in by it. */
export interface BodyConnection {
  readonly transport: Transport;
  readonly input: {
    readonly parser: RequestParser | null;
    readonly hasInput: boolean;
  };
  readonly state: ServerState;
  /** The body of the request in hand. */
  readonly body: IncomingBody | null;
  /** What is waited for begins, or has got on. */
  restart(): void;
  /** The body is at fault. */
  refuseBody(error: ProtocolError): void;
}

/** A body that is read as it arrives, by whom the request was handed to. */
export class ArrivingBody implements BodyOrigin {
  readonly body: IncomingBody;
  /** Whether the peer waits for a go-ahead before it sends any. */
  owesContinue: boolean;
  readonly #connection: BodyConnection;

  /** Of the request whose head is in. */
  constructor(connection: BodyConnection, limit: number) {
    const parser = connection.input.parser!;
    this.#connection = connection;
    this.body = new IncomingBody(this, parser.contentLength, limit);
    this.owesContinue = parser.expectContinue && !parser.hasInput;
  }

  /** @ignore The application asks for the next piece. */
  readBody(): void {
    const { transport, input, state } = this.#connection;
    if (this.#connection.body !== this.body) return; // it is let go of
    if (this.owesContinue) {
      this.owesContinue = false;
      // Behind the head of an answer it would be taken for a part of that.
      if (state === "held" && !input.hasInput) {
        transport.append(CONTINUE);
        transport.flush();
      }
    }
    this.#connection.restart();
    // One read may hold thousands of chunks.
    if (turns.spend(1)) this.#readOn();
    else turns.wait(this.#readOn);
  }

  readonly #readOn = (): void => {
    const connection = this.#connection;
    if (connection.body !== this.body || !this.body.isWaiting) return;
    if (this.passOn()) connection.transport.read();
  };

  /** @ignore */
  refuseBody(error: ProtocolError): void {
    this.#connection.refuseBody(error);
  }

  /** Passes on the next piece; returns whether to read for it. */
  passOn(): boolean {
    const { transport, input } = this.#connection;
    const parser = input.parser!;
    switch (parser.next()) {
      case ParseEvent.MORE:
        if (!transport.inputEnded) return true;
        transport.destroy(brokenOff());
        return false;
      case ParseEvent.BODY:
        this.body.take(parser.body);
        return false;
      case ParseEvent.END:
        this.body.finish(parser.trailer);
        return false;
      default:
        this.#connection.refuseBody(parser.error!);
        return false;
    }
  }

  /** Passes over what is here of it; whether that was all. */
  passOver(): boolean {
    const { body } = this;
    if (body.isWaiting) return false;
    const parser = this.#connection.input.parser!;
    let isCut = body.isLent;
    for (;;) {
      switch (parser.next()) {
        case ParseEvent.BODY:
          isCut = true;
          break;
        case ParseEvent.END:
          // Whoever reads on must not take it for a shorter body.
          if (isCut) body.fail(answeredBefore());
          else body.finish(parser.trailer);
          return true;
        default:
          if (isCut) body.fail(answeredBefore());
          return false;
      }
    }
  }
}
