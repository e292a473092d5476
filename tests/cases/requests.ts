import { acceptedRequests } from "./accepted_requests.ts";
import { limitedRequests } from "./limited_requests.ts";
import { refusedRequests } from "./refused_requests.ts";
import type { RequestRow } from "./request_rows.ts";

export type { ExpectedRequest, Fault, RequestRow } from "./request_rows.ts";

/** Every row: bytes of a peer, and what must come of them. */
export const requests: RequestRow[] = [
  ...acceptedRequests,
  ...refusedRequests,
  ...limitedRequests,
];
