import { assertEquals } from "@std/assert";
import { type Overdue, overdue, type Wait } from "../../client/overdue.ts";
import type { UploadState } from "../../client/upload.ts";

const MIB = 1024 * 1024;

/** A wait of so many ticks, of the 10 that a request allows. */
function waitOf(waited: number, more: Partial<Wait> = {}): Wait {
  return {
    waited,
    goAheadTicks: 2,
    isSending: false,
    isStalled: false,
    inputEnded: false,
    isAnswering: false,
    isUnread: false,
    ...more,
  };
}

const SENDING = { isSending: true };
const STALLED = { isSending: true, isStalled: true };
const ANSWERING = { isAnswering: true };
const UNREAD = { isAnswering: true, isUnread: true };
const ENDED = { inputEnded: true };

/** How far a body is, and how many bytes of it were queued. */
type Upload = [state: UploadState, bytes: number] | null;

const ROWS: [
  name: string,
  upload: Upload,
  wait: Wait,
  expected: Overdue | null,
][] = [
  ["a head, not yet", null, waitOf(9), null],
  ["a head", null, waitOf(10), "headers"],
  ["more of a body, not yet", null, waitOf(9, ANSWERING), null],
  ["more of a body", null, waitOf(10, ANSWERING), "body"],
  ["a caller who does not read", null, waitOf(99, UNREAD), null],
  // What the system holds has to be read first: 1,000 bytes a tick.
  ["a head behind 5,000 bytes, not yet", ["sent", 5000], waitOf(14), null],
  ["a head behind 5,000 bytes", ["sent", 5000], waitOf(15), "headers"],
  ["a head behind a cut body, not yet", ["cut", 5000], waitOf(14), null],
  [
    "more of a body behind 5,000 bytes",
    ["sent", 5000],
    waitOf(10, ANSWERING),
    "body",
  ],
  [
    "a head behind all that a system holds, not yet",
    ["sent", 64 * MIB],
    waitOf(4204),
    null,
  ],
  [
    "a head behind all that a system holds",
    ["sent", 64 * MIB],
    waitOf(4205),
    "headers",
  ],
  // What the kernel has not taken.
  ["a peer that takes some", null, waitOf(99, SENDING), null],
  ["a peer that takes nothing, not yet", null, waitOf(9, STALLED), null],
  ["a peer that takes nothing", null, waitOf(10, STALLED), "send"],
  [
    "a peer that takes nothing of a body",
    ["sending", 9],
    waitOf(10, STALLED),
    "send",
  ],
  [
    "a peer that takes nothing of a whole body",
    ["queued", 9],
    waitOf(10, STALLED),
    "send",
  ],
  [
    "a peer that takes nothing, and answers",
    null,
    waitOf(10, { ...STALLED, ...ANSWERING }),
    "send",
  ],
  [
    "a peer that takes nothing, as nobody reads",
    null,
    waitOf(99, { ...STALLED, ...UNREAD }),
    null,
  ],
  // The go-ahead.
  ["the go-ahead, not yet", ["held", 0], waitOf(1), null],
  ["the go-ahead", ["held", 0], waitOf(2), "goAhead"],
  [
    "the go-ahead, while the head is not out",
    ["held", 0],
    waitOf(2, SENDING),
    null,
  ],
  // Our own source.
  ["our own source", ["sending", 9], waitOf(99), null],
  [
    "our own source, though it is answered",
    ["sending", 9],
    waitOf(99, ANSWERING),
    null,
  ],
  [
    "our own source for a peer that left, not yet",
    ["sending", 9],
    waitOf(9, ENDED),
    null,
  ],
  [
    "our own source for a peer that left",
    ["sending", 9],
    waitOf(10, ENDED),
    "send",
  ],
];

for (const [name, upload, wait, expected] of ROWS) {
  Deno.test(`overdue() finds ${expected} for ${name}`, () => {
    const request = {
      timeoutTicks: 10,
      leastPerTick: 1000,
      upload: upload === null ? null : { state: upload[0], bytes: upload[1] },
    };
    assertEquals(overdue(request, wait), expected);
  });
}

Deno.test("overdue() adds no time where any rate is too low", () => {
  const request = {
    timeoutTicks: 10,
    leastPerTick: Infinity,
    upload: { state: "sent", bytes: MIB },
  } as const;
  assertEquals(overdue(request, waitOf(9)), null);
  assertEquals(overdue(request, waitOf(10)), "headers");
});
