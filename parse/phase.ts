/** Where in a message the parser stands. */
export const Phase = {
  START: 0, // nothing of the message is in
  SKIPPED: 1, // nothing but an empty line
  EMPTY_LF: 2, // the LF of that line
  START_LINE_A: 3, // first part of the start line
  START_LINE_B: 4, // second part
  START_LINE_C: 5, // third part
  START_LINE_LF: 6,
  FIELDS: 7, // in the header section
  TRAILER: 8, // in the trailer section
  HEAD_DONE: 9, // the head was handed out, the body follows
  LENGTH: 10, // a body of known length
  CHUNKED: 11,
  UNTIL_CLOSE: 12, // a body that ends with the connection
  FAILED: 13,
} as const;
/** One of {@linkcode Phase}. */
export type Phase = typeof Phase[keyof typeof Phase];
