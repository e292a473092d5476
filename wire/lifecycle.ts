/**
 * The life of a connection as one table a side: for each state, what may
 * happen and what it leads to. What is absent is an error.
 *
 * The hot paths of both sides assign states directly; the tests hold every
 * transition that they make to these tables.
 */

/** What is told of the states that connections go through. */
export type StateObserver<State> = (from: State, to: State) => void;

/** The key of an option that is no one's but the tests'. */
export const OBSERVER: unique symbol = Symbol("observer");

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
  | "discarding" // an answer is made, the rest of its request is thrown away
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
  | "sentEarly"
  | "answeredEarly"
  | "discarded"
  | "restPassed"
  | "gone";

/** The states of a client's connection, from when it is connected. */
export type ClientState =
  | "idle" // no request is on its way
  | "waiting" // a request is, its response has not begun
  | "receiving" // the head of a response is in
  | "upgraded" // it speaks something else than HTTP
  | "closing" // our side has said all, the peer's end is waited for
  | "closed";

/** What can happen on a client's connection. */
export type ClientEvent =
  | "requested"
  | "headComplete"
  | "responseComplete"
  | "nextAwaited"
  | "switched"
  | "outputEnded"
  | "gone";

type Moves = Partial<Record<ServerEvent, ServerState>>;
type ClientMoves = Partial<Record<ClientEvent, ClientState>>;

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
    answeredEarly: "discarding",
    lastAnswerComplete: "closing",
    gone: "closed",
  },
  upgraded: { outputEnded: "closing", gone: "closed" },
  closing: { sent: "draining", sentEarly: "discarding", gone: "closed" },
  discarding: {
    restPassed: "idle",
    discarded: "draining",
    inputEnded: "closing",
    gone: "closed",
  },
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

/** State, event, next state, on the client's side. */
export const CLIENT_STATES: Readonly<Record<ClientState, ClientMoves>> = {
  idle: { requested: "waiting", gone: "closed" },
  waiting: {
    headComplete: "receiving",
    switched: "upgraded",
    gone: "closed",
  },
  receiving: {
    responseComplete: "idle",
    nextAwaited: "waiting",
    gone: "closed",
  },
  upgraded: { outputEnded: "closing", gone: "closed" },
  closing: { gone: "closed" },
  closed: {},
};

/** Whether some event leads from one state of a client to another. */
export function isClientMove(from: ClientState, to: ClientState): boolean {
  return Object.values(CLIENT_STATES[from]).includes(to);
}

/** Whether some event leads from one state to another. */
export function isMove(from: ServerState, to: ServerState): boolean {
  return Object.values(SERVER_STATES[from]).includes(to);
}
