/**
 * The life of a connection as one table: for each state, what may happen and
 * what it leads to. What is absent is an error.
 *
 * The server's hot path assigns states directly; the tests hold every
 * transition that it makes to this table.
 */

/** The states of a server's connection. */
export type ServerState =
  | "handshake" // TLS is being set up
  | "idle" // between requests
  | "head" // part of a request's head is in
  | "body" // the head is in, the body not yet
  | "held" // the application has the request, no answer yet
  | "answering" // part of an answer is out
  | "upgraded" // it speaks something else than HTTP
  | "closing" // the last answer is being sent
  | "draining" // our side is closed, the peer's bytes are thrown away
  | "closed";

/** What can happen on a server's connection. */
export type ServerEvent =
  | "secured"
  | "bytes"
  | "headComplete"
  | "requestComplete"
  | "answerStarted"
  | "answerComplete"
  | "lastAnswerComplete"
  | "refused"
  | "handedOver"
  | "inputEnded"
  | "outputEnded"
  | "sent"
  | "gone";

type Moves = Partial<Record<ServerEvent, ServerState>>;

/** State, event, next state. */
export const SERVER_STATES: Readonly<Record<ServerState, Moves>> = {
  handshake: { secured: "idle", gone: "closed" },
  idle: { bytes: "head", inputEnded: "closing", gone: "closed" },
  head: {
    headComplete: "body",
    requestComplete: "held",
    refused: "closing",
    inputEnded: "closing",
    gone: "closed",
  },
  body: {
    requestComplete: "held",
    refused: "closing",
    inputEnded: "closing",
    gone: "closed",
  },
  held: {
    refused: "closing",
    answerStarted: "answering",
    answerComplete: "idle",
    lastAnswerComplete: "closing",
    handedOver: "upgraded",
    gone: "closed",
  },
  answering: {
    answerComplete: "idle",
    lastAnswerComplete: "closing",
    gone: "closed",
  },
  upgraded: { outputEnded: "closing", gone: "closed" },
  closing: { sent: "draining", gone: "closed" },
  draining: { gone: "closed" },
  closed: {},
};

/**
 * The state that an event leads to.
 *
 * @throws {Error} If the event cannot happen in that state.
 */
export function step(state: ServerState, event: ServerEvent): ServerState {
  const next = SERVER_STATES[state][event];
  if (next === undefined) {
    throw new Error(`Event "${event}" cannot happen in state "${state}"`);
  }
  return next;
}

/** Whether some event leads from one state to another. */
export function isMove(from: ServerState, to: ServerState): boolean {
  return Object.values(SERVER_STATES[from]).includes(to);
}
