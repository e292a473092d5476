import type { ProtocolErrorCode } from "../../parse.ts";
import { acceptedResponses } from "./accepted_responses.ts";
import { forgivenResponses } from "./forgiven_responses.ts";
import { limitedResponses } from "./limited_responses.ts";
import { refusedResponses } from "./refused_responses.ts";
import type { ResponseRow } from "./response_rows.ts";

export {
  type ExpectedResponse,
  isFinal,
  type ResponseFault,
  type ResponseRow,
} from "./response_rows.ts";

/** Every row: bytes of a peer, and what must come of them. */
export const responses: ResponseRow[] = [
  ...acceptedResponses,
  ...forgivenResponses,
  ...refusedResponses,
  ...limitedResponses,
];

/** Codes of what can be wrong with a response only. */
export const responseCodes: ProtocolErrorCode[] = [
  "bad-status",
  "bad-reason",
  "status-line-too-long",
];

/** Codes of what only a client can find, as a response alone does not show it. */
export const clientCodes: ProtocolErrorCode[] = [
  "unexpected-bytes",
  "unexpected-switch",
  "bad-content-coding",
  "unknown-content-coding",
  "bad-location",
  "too-many-redirects",
  "bad-event-stream",
  "websocket-refused",
];
