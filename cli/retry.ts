import {
  ConnectError,
  ConnectionLostError,
  type HttpResponse,
  TimeoutError,
} from "../client.ts";

/** Statuses that may be others a little later, as curl has them. */
const PASSING = [408, 429, 500, 502, 503, 504];
/** The first wait, in ms; each is twice the one before. */
const FIRST_WAIT = 1000;
/** The longest wait, in ms, also where the server names one. */
const LONGEST_WAIT = 600_000;

/** Whether it may go better at another time. */
export function isPassing(outcome: HttpResponse | unknown): boolean {
  return outcome instanceof ConnectError ||
    outcome instanceof ConnectionLostError ||
    outcome instanceof TimeoutError ||
    PASSING.includes((outcome as HttpResponse | null)?.status ?? 0);
}

/** How long to wait before the next try, in ms. */
export function waitBefore(
  attempt: number,
  retryAfter: string | undefined,
  now: number = Date.now(),
): number {
  const wait = FIRST_WAIT * 2 ** Math.min(attempt, 20);
  let wished = 0;
  if (retryAfter !== undefined) {
    wished = /^\d{1,9}$/.test(retryAfter)
      ? Number(retryAfter) * 1000
      : Date.parse(retryAfter) - now;
  }
  return Math.min(wished > 0 ? wished : wait, LONGEST_WAIT);
}
