/** What a parser's `next()` came to. */
export const ParseEvent = {
  /** The bytes so far are used up; more are needed to go on. */
  MORE: 0,
  /** Start line and header section are in and checked. */
  HEAD: 1,
  /** A piece of the body lies between `bodyStart` and `bodyEnd`. */
  BODY: 2,
  /** The message is complete. */
  END: 3,
  /** The message is broken; see `error`. No later event comes. */
  FAILED: 4,
} as const;
/** One of {@linkcode ParseEvent}. */
export type ParseEvent = typeof ParseEvent[keyof typeof ParseEvent];

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
