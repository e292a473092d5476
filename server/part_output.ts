import { HttpError } from "../parse/errors.ts";
import type { Session } from "./session.ts";

/** Parts of one answer go out at this size, as they fill a buffer. */
const PARTS_LIMIT = 49_152;

/** Drops a peer that leaves more than its share unread, here or elsewhere. */
export function admit(
  session: Session,
  amount: number = session.out.bufferedAmount,
): void {
  if (amount > session.host.limits.maxSendBufferSize) {
    session.destroy(new HttpError("Peer reads too slowly for what it is sent"));
  }
}

/**
 * Sends what is queued, together with what follows within the same turn;
 * resolves to true once there is room for more.
 */
export function sendQueued(session: Session): Promise<boolean> {
  const { transport, host } = session;
  const { maxSendBufferSize } = host.limits;
  const most = Math.min(PARTS_LIMIT, maxSendBufferSize);
  // Behind a write that is under way it goes out by itself.
  if (transport.bufferedAmount > most) transport.flush();
  else if (transport.bufferedAmount > 0 && !transport.isWriting) {
    host.soon(session);
  }
  return transport.whenBelow(maxSendBufferSize);
}
