/**
 * The life of a WebSocket as one table: for each state, what may happen, what
 * it leads to, and what is to be done then. What is absent is an error.
 */
import type { WebsocketRole } from "./frame_head.ts";

/** Where a WebSocket is in its life. */
export type WebsocketState =
  | "open"
  | "closing" // the application closes; our close frame is queued
  | "closeSent" // it is with the connection, and the peer's is awaited
  | "lastWord" // the peer's is in; the application may answer what came before
  | "answering" // it has done so, and our close frame is queued
  | "brokenOff" // the peer broke a rule; the application may answer the same
  | "failing" // it has done so, and our close frame is queued
  | "lingering" // all is said; the server is to close the connection
  | "closed";

/** What can happen in its life. */
export type WebsocketMove =
  | "close" // the application closes
  | "sent" // our close frame is with the connection
  | "peerClose" // the peer's close frame is in
  | "fault" // the peer broke a rule
  | "rested" // the application has come to rest
  | "inputEnded" // the peer has closed its side of the connection
  | "timeUp" // the closing handshake has taken too long
  | "dropped" // the peer is given up, as it is silent or does not read
  | "gone"; // the connection is lost

/** What is to be done, in this order. What leads to another move comes last. */
export type WebsocketAct =
  | "startTimer" // the closing handshake may take so long from here
  | "sendClose" // our close frame is queued, behind all else; then `sent`
  | "awaitRest" // the application may answer what it has got; then `rested`
  | "report" // the application is told of the fault
  | "stop" // no timer, no ping and nothing that waits to be compressed goes on
  | "linger" // what is queued is sent; then `inputEnded`, or `timeUp`
  | "end" // what is queued is sent, and the connection closed
  | "destroy" // the connection is dropped at once
  | "tellClean" // it is over: both sides have said goodbye
  | "tellLost"; // it is over, in any other way

/** The next state, and what is to be done. */
export type WebsocketStep = readonly [
  next: WebsocketState,
  ...acts: WebsocketAct[],
];

/** State, event, next state, and what is to be done. */
export type WebsocketTable = Readonly<
  Record<WebsocketState, Partial<Record<WebsocketMove, WebsocketStep>>>
>;

const LOST: WebsocketStep = ["closed", "stop", "tellLost"];
const CUT: WebsocketStep = [...LOST, "end"];
const DROPPED: WebsocketStep = [...LOST, "destroy"];

const SERVER: WebsocketTable = {
  open: {
    close: ["closing", "startTimer", "sendClose"],
    peerClose: ["lastWord", "startTimer", "awaitRest"],
    fault: ["brokenOff", "report", "startTimer", "awaitRest"],
    inputEnded: CUT,
    dropped: DROPPED,
    gone: LOST,
  },
  closing: {
    sent: ["closeSent"],
    peerClose: ["answering"],
    fault: ["failing", "report"],
    inputEnded: CUT,
    timeUp: DROPPED,
    gone: LOST,
  },
  closeSent: {
    peerClose: ["closed", "stop", "end", "tellClean"],
    fault: ["closed", "report", "stop", "end", "tellLost"],
    inputEnded: CUT,
    timeUp: DROPPED,
    gone: LOST,
  },
  // From here on nothing more has to come, but our close frame has to go.
  lastWord: {
    rested: ["answering", "sendClose"],
    inputEnded: ["lastWord"],
    timeUp: DROPPED,
    dropped: DROPPED,
    gone: LOST,
  },
  answering: {
    sent: ["closed", "stop", "end", "tellClean"],
    inputEnded: ["answering"],
    timeUp: DROPPED,
    gone: LOST,
  },
  brokenOff: {
    rested: ["failing", "sendClose"],
    inputEnded: ["brokenOff"],
    timeUp: DROPPED,
    dropped: DROPPED,
    gone: LOST,
  },
  failing: {
    sent: ["closed", "stop", "end", "tellLost"],
    inputEnded: ["failing"],
    timeUp: DROPPED,
    gone: LOST,
  },
  lingering: {},
  closed: { inputEnded: ["closed"], gone: ["closed"] },
};

/** The server is the first to close the connection (section 7.1.1). */
const LINGER: WebsocketStep = ["lingering", "stop", "tellClean", "linger"];

const CLIENT: WebsocketTable = {
  ...SERVER,
  closeSent: { ...SERVER.closeSent, peerClose: LINGER },
  answering: { ...SERVER.answering, sent: LINGER },
  lingering: {
    inputEnded: ["closed", "stop", "end"],
    timeUp: ["closed", "stop", "end"],
    gone: ["closed", "stop"],
  },
};

/** The table of each role. */
export const WEBSOCKET_STATES: Readonly<
  Record<WebsocketRole, WebsocketTable>
> = { server: SERVER, client: CLIENT };

/**
 * What a move leads to.
 *
 * @throws {Error} If it cannot happen in that state.
 */
export function step(
  role: WebsocketRole,
  state: WebsocketState,
  move: WebsocketMove,
): WebsocketStep {
  const next = WEBSOCKET_STATES[role][state][move];
  if (next === undefined) {
    throw new Error(`Move "${move}" cannot happen in state "${state}"`);
  }
  return next;
}
