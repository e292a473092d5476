import { HttpError, ProtocolError } from "../parse/errors.ts";
import type { IncomingBody } from "../message/incoming_body.ts";
import type { Transport } from "../transport/transport.ts";
import type { ServerState } from "../wire/lifecycle.ts";
import { BodyPace } from "./body_pace.ts";
import type { SessionHost } from "./session_host.ts";

/** A peer that keeps us waiting for longer than that is slow, in ms. */
const SLOW = 1000;
/** And one that reads nothing is stuck: what the system holds takes its time. */
const STUCK = 5000;
/** For how long a fault in a body is the application's to answer, in ms. */
const FAULT_GRACE = 1000;
/** So many ticks apart, a connection is looked at that nobody reads from. */
const LOOK_TICKS = 10;

/** A connection, as far as its deadlines go. */
export interface Timed {
  readonly transport: Transport;
  readonly host: Pick<SessionHost, "limits" | "clock" | "stats" | "idleTicks">;
  readonly state: ServerState;
  /** For how many ticks it has been in its present wait. */
  readonly age: number;
  readonly isIdle: boolean;
  /** The body that is read as it arrives. */
  readonly body: IncomingBody | null;
  /** Bytes of a body that have come. */
  readonly bodyReceived: number;
  /** What was found wrong in the body of the request that is held. */
  readonly bodyFault: ProtocolError | null;
  /** How fast that comes; null where it was not waited for. */
  pace: BodyPace | null;
  /** Gives up the TLS handshake. */
  stall(): void;
  /** Answers a fault of the peer, and closes. */
  refuse(error: ProtocolError): void;
  /** The same for a fault of a body. */
  refuseBody(error: ProtocolError): void;
  /** A tick has gone by: tells the answer that is under way. */
  sweepAnswer(): void;
  /** The same for what the peer goes on to send. */
  sweepEnding(): void;
  /** Reads, to learn when the peer goes. */
  watch(): void;
  /** Finds out whether a new connection is as silent as it seems. */
  ask(): void;
}

/**
 * For how many ticks a peer keeps us waiting; 0 where it does not, or that may
 * be the way that a slow but honest one goes.
 */
export function slownessOf(timed: Timed): number {
  const { transport, state, age, pace } = timed;
  const { clock, limits } = timed.host;
  const since = transport.isWriting && state !== "upgraded"
    ? transport.writeAge
    : 0;
  if (since * clock.period > STUCK) return since;
  if (isHidden(timed) && age > clock.ticks(limits.keepAliveTimeout)) return age;
  if (state === "handshake" || state === "head") {
    return age * clock.period > SLOW ? age : 0;
  }
  if (pace === null || pace.ticks * clock.period <= SLOW) return 0;
  return pace.isBehind(timed.bodyReceived, limits, clock) ? pace.ticks : 0;
}

/** Whether what a peer has sent ahead hides whether it is still there. */
function isHidden({ transport, state }: Timed): boolean {
  return (state === "held" || state === "answering") &&
    !transport.isReading && !transport.isWriting && !transport.inputEnded;
}

/** Holds a connection to its deadlines; called once a tick. */
export function sweep(timed: Timed): void {
  const { transport, host, age } = timed;
  const { limits, clock } = host;
  const rate = limits.minSendRate * clock.period / 1000;
  if (transport.isStalled(clock.ticks(limits.sendTimeout), rate)) {
    host.stats.timedOut++;
    transport.destroy(new HttpError("Peer has stopped reading"));
    return;
  }
  const exceeds = (timeout: number) => age > clock.ticks(timeout);
  const refuse = (
    code: "header-timeout" | "body-timeout" | "answer-timeout",
  ) => {
    host.stats.timedOut++;
    timed.refuse(new ProtocolError(code));
  };
  switch (timed.state) {
    case "idle":
      if (age > 0) timed.ask();
      if (age > host.idleTicks && timed.isIdle) transport.destroy();
      break;
    case "handshake":
      if (exceeds(limits.requestTimeout)) timed.stall();
      break;
    case "head":
      if (exceeds(limits.requestTimeout)) refuse("header-timeout");
      break;
    case "body":
      if (exceeds(limits.bodyTimeout) || isTooSlow(timed)) {
        refuse("body-timeout");
      }
      break;
    case "held":
      // An application that was told may have forgotten the request.
      if (transport.inputEnded && exceeds(limits.keepAliveTimeout)) {
        transport.destroy(new HttpError("Peer was gone, and got no answer"));
      } else if (!timed.body?.isWaiting && exceeds(limits.answerTimeout)) {
        refuse("answer-timeout");
      } else if (timed.bodyFault !== null && exceeds(FAULT_GRACE)) {
        timed.refuse(timed.bodyFault);
      } else sweepBusy(timed);
      break;
    case "answering": {
      // A source that yields nothing does not find out that its peer is gone.
      const silence = Math.min(age, transport.writeAge);
      if (
        transport.inputEnded && silence > clock.ticks(limits.keepAliveTimeout)
      ) {
        transport.destroy(new HttpError("Peer was gone, and got no more"));
      } else sweepBusy(timed);
      break;
    }
    case "upgraded":
      look(timed);
      break;
    case "closing":
    case "discarding":
    case "draining":
      timed.sweepEnding();
      break;
  }
}

/** Holds a request that the application has to its deadlines. */
function sweepBusy(timed: Timed): void {
  const { body, age, host } = timed;
  const { limits, clock } = host;
  const isSilent = body?.isWaiting && age > clock.ticks(limits.bodyTimeout);
  if (isSilent || isTooSlow(timed)) {
    host.stats.timedOut++;
    timed.refuseBody(new ProtocolError("body-timeout"));
    return;
  }
  timed.sweepAnswer();
  if (age > 0) timed.watch();
  look(timed);
}

/** Counts for how long a body is waited for, and whether enough of it comes. */
function isTooSlow(timed: Timed): boolean {
  const { body, state, host } = timed;
  if (state !== "body" && !body?.isWaiting) return false;
  timed.pace ??= new BodyPace();
  return timed.pace.waited(timed.bodyReceived, host.limits, host.clock);
}

/** Looks now and then whether the peer is still there, if nothing else does. */
function look({ transport, host }: Timed): void {
  if (host.clock.tick % LOOK_TICKS === 0) transport.probe();
}
