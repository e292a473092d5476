/**
 * The life of an attempt, which is one request sent once, as one table: for
 * each state, what may happen and what it leads to. What is absent is an error.
 */

/** The states of an attempt. */
export type AttemptState =
  | "sent" // it is on its way, its answer has not begun
  | "keeping" // its answer comes in, and is kept until it is complete
  | "streaming" // its answer comes in, and is given as it arrives
  | "dropping" // its answer comes in, and nobody wants it: another follows
  | "answered" // its answer is complete, not all of the request is out
  | "givenUp" // our side has ended it, and with it its connection
  | "over"; // nothing more comes of it

/** What can happen to an attempt. */
export type AttemptEvent =
  // The head of the answer is in, and its body is to be
  | "kept"
  | "streamed"
  | "dropped"
  | "answeredEarly" // the answer is complete before the request is out
  | "complete" // the answer is complete
  | "switched" // another protocol is spoken from here on
  | "givenUp" // nobody wants it any more: the connection is closed
  | "left" // the same, and the connection goes on for others
  | "lost"; // the connection is gone

type Moves = Partial<Record<AttemptEvent, AttemptState>>;

/** How every state ends that a connection carries. */
const ENDS: Moves = { givenUp: "givenUp", lost: "over" };
const COMING_IN: Moves = {
  ...ENDS,
  complete: "over",
  answeredEarly: "answered",
};

/** State, event, next state. */
export const ATTEMPT_STATES: Readonly<Record<AttemptState, Moves>> = {
  sent: {
    ...ENDS,
    kept: "keeping",
    streamed: "streaming",
    dropped: "dropping",
    switched: "over",
    left: "over",
  },
  keeping: COMING_IN,
  streaming: COMING_IN,
  dropping: COMING_IN,
  answered: { ...ENDS, complete: "over" },
  givenUp: { lost: "over" },
  over: {},
};

/**
 * The state that an event leads to.
 *
 * @throws {Error} If the event cannot happen in that state.
 */
export function step(state: AttemptState, event: AttemptEvent): AttemptState {
  const next = ATTEMPT_STATES[state][event];
  if (next === undefined) {
    throw new Error(`Event "${event}" cannot happen in state "${state}"`);
  }
  return next;
}
