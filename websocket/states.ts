/** Where a WebSocket is in its life. */
export type WebsocketState =
  | "open"
  | "closing" // our close frame is out or queued, the peer's is awaited
  | "answering" // the peer's close frame is in, ours is queued
  | "failing" // the peer broke a rule, and our close frame is queued
  | "closed";

/** What can happen in its life. */
export type WebsocketMove =
  | "close" // the application closes
  | "peerClose" // the peer's close frame is in
  | "fault" // the peer broke a rule
  | "sent" // our close frame is with the connection
  | "gone"; // the connection is lost, or was given up

/** State, move, next state; what is absent cannot happen. */
export const WEBSOCKET_STATES: Readonly<
  Record<WebsocketState, Partial<Record<WebsocketMove, WebsocketState>>>
> = {
  open: {
    close: "closing",
    peerClose: "answering",
    fault: "failing",
    gone: "closed",
  },
  closing: { peerClose: "answering", fault: "failing", gone: "closed" },
  answering: { sent: "closed", gone: "closed" },
  failing: { sent: "closed", gone: "closed" },
  closed: {},
};

/**
 * The state that a move leads to.
 *
 * @throws {Error} If it cannot happen in that state.
 */
export function step(
  state: WebsocketState,
  move: WebsocketMove,
): WebsocketState {
  const next = WEBSOCKET_STATES[state][move];
  if (next === undefined) {
    throw new Error(`Move "${move}" cannot happen in state "${state}"`);
  }
  return next;
}
