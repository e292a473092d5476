import type { UploadState } from "./upload.ts";

/** So much of a request the system may hold, by default, on both sides. */
const MOST_HELD = 4_194_304;

/** The request that is waited for, as far as that bears on how long. */
export interface Awaited {
  /** For how long nothing may get on, in ticks. */
  readonly timeoutTicks: number;
  /** Bytes that the peer has to take a tick. */
  readonly leastPerTick: number;
  /** Its body; `null` without one. */
  readonly upload: {
    readonly state: UploadState;
    /** Bytes of it that were queued. */
    readonly bytes: number;
  } | null;
}

/** How a connection waits. */
export interface Wait {
  /** Ticks since something got on. */
  readonly waited: number;
  /** For how long the go-ahead for a body is waited for, in ticks. */
  readonly goAheadTicks: number;
  /** Whether something is queued that the kernel has not taken. */
  readonly isSending: boolean;
  /** Whether the peer takes too little of that. */
  readonly isStalled: boolean;
  /** Whether the peer has closed its side. */
  readonly inputEnded: boolean;
  /** Whether the head of the answer is in. */
  readonly isAnswering: boolean;
  /** Whether more of the answer waits for our caller to read. */
  readonly isUnread: boolean;
}

/** What was waited for too long; a body without its go-ahead is sent then. */
export type Overdue = "goAhead" | "send" | "headers" | "body";

/** What a connection has waited for too long; `null` for nothing. */
export function overdue(request: Awaited, wait: Wait): Overdue | null {
  const { timeoutTicks, leastPerTick, upload } = request;
  const { waited } = wait;
  const isOver = waited >= timeoutTicks;
  if (wait.isSending) {
    // A peer that answers meanwhile is not stuck, nor is one that waits for
    // our caller to read.
    return wait.isStalled && isOver && !wait.isUnread ? "send" : null;
  }
  if (upload?.state === "held") {
    return waited >= wait.goAheadTicks ? "goAhead" : null;
  }
  if (upload?.state === "sending") {
    // Our own source is waited for, but not for a peer that has left.
    return wait.inputEnded && isOver ? "send" : null;
  }
  if (!isOver) return null;
  if (wait.isAnswering) return wait.isUnread ? null : "body";
  // What the system still holds of the request has to be read first.
  const held = Math.min(upload?.bytes ?? 0, MOST_HELD);
  return waited < timeoutTicks + held / leastPerTick ? null : "headers";
}
