import { assertEquals, assertRejects } from "@std/assert";
import {
  type EventsReadOptions,
  type EventStream,
  lastEventField,
  lastingEvents,
} from "../../client/lasting_events.ts";
import { EventStreamParser } from "../../parse/event_stream_parser.ts";
import { Timers } from "../support/timers.ts";

/** It may help to try again later. */
class Passing extends Error {}

/** What a peer does when it is asked: text of a stream, an error, or no more. */
type Answer =
  | { text: string; error?: Error }
  | { refusal: Error }
  | null;

/** A peer that answers as a test says. */
class Origin {
  readonly ending = new AbortController();
  readonly request = { givenUp: this.ending.signal };
  /** The ids that were asked for. */
  readonly asked: string[] = [];
  /** Streams that were left, or read to their end. */
  ended = 0;
  readonly #answers: Answer[];

  constructor(answers: Answer[]) {
    this.#answers = answers;
  }

  readonly host = {
    isPassing: (error: unknown) => error instanceof Passing,
    aborted: (reason: unknown) => new Error("Aborted", { cause: reason }),
    brokenOff: () => new Error("Broken off"),
  };

  again(lastEventId: string): Promise<EventStream | null> {
    this.asked.push(lastEventId);
    return Promise.resolve(this.next(lastEventId));
  }

  next(lastEventId = ""): EventStream | null {
    const answer = this.#answers.shift() ?? null;
    if (answer === null) return null;
    if ("refusal" in answer) throw answer.refusal;
    const parser = new EventStreamParser({ lastEventId });
    return { parser, events: this.#read(parser, answer.text, answer.error) };
  }

  async *#read(parser: EventStreamParser, text: string, error?: Error) {
    try {
      parser.push(new TextEncoder().encode(text));
      for (let event; (event = parser.next()) !== null;) {
        yield await Promise.resolve(event);
      }
      if (error !== undefined) throw error;
    } finally {
      this.ended++;
    }
  }

  read(options: EventsReadOptions = {}) {
    return lastingEvents(this.next()!, options, this);
  }
}

interface Row {
  what: string;
  options?: EventsReadOptions;
  answers: Answer[];
  data: string;
  /** Waits between attempts, in ms. */
  waits: number[];
  /** The ids that were asked for. */
  asked: string[];
  /** The message of the error that ends it. */
  error?: string;
}

const A = { text: "id: 1\ndata: a\n\n" };
const NOTHING = { text: "" };
const LOST = { refusal: new Passing("Lost") };

const ROWS: Row[] = [
  {
    what: "goes on where the last event was, until there is no more",
    answers: [A, { text: "data: b\n\nid: 3\ndata: c\n\n" }, NOTHING, null],
    data: "abc",
    waits: [3000, 3000, 6000],
    asked: ["1", "3", "3"],
  },
  {
    what: "waits as the peer says, though a second or our own time at least",
    answers: [{ text: "retry: 5000\ndata: a\n\n" }, {
      text: "retry: 1\ndata: b\n\n",
    }, null],
    data: "ab",
    waits: [5000, 1000],
    asked: ["", ""],
  },
  {
    what: "waits for less than a second where we do",
    options: { retry: 10 },
    answers: [{ text: "retry: 1\ndata: a\n\n" }, null],
    data: "a",
    waits: [10],
    asked: [""],
  },
  {
    what:
      "waits no longer than half a minute for what fails, unless it is told",
    options: { retry: 8000 },
    answers: [A, LOST, LOST, LOST, null],
    data: "a",
    waits: [8000, 16_000, 30_000, 30_000],
    asked: ["1", "1", "1", "1"],
  },
  {
    what: "waits for an hour at most, and as long where what fails was told so",
    answers: [{ text: "retry: 9999999999\ndata: a\n\n" }, LOST, null],
    data: "a",
    waits: [3_600_000, 3_600_000],
    asked: ["", ""],
  },
  {
    what: "takes attempts that bring something for new ones",
    options: { maxAttempts: 3 },
    answers: [A, LOST, LOST, A, LOST, LOST, null],
    data: "aa",
    waits: [3000, 6000, 12_000, 3000, 6000, 12_000],
    asked: ["1", "1", "1", "1", "1", "1"],
  },
  {
    what: "ends with the error of the last attempt",
    options: { maxAttempts: 2 },
    answers: [A, LOST, LOST],
    data: "a",
    waits: [3000, 6000],
    asked: ["1", "1"],
    error: "Lost",
  },
  {
    what: "ends with the error of a stream that broke off",
    options: { maxAttempts: 1 },
    answers: [{ text: "", error: new Passing("Broke") }],
    data: "",
    waits: [],
    asked: [],
    error: "Broke",
  },
  {
    what: "ends with an error of its own where a stream was over",
    options: { maxAttempts: 1 },
    answers: [NOTHING],
    data: "",
    waits: [],
    asked: [],
    error: "Broken off",
  },
  {
    what: "does not ask again behind a fault that stays",
    answers: [{ text: "data: a\n\n", error: new Error("Bad") }],
    data: "a",
    waits: [],
    asked: [],
    error: "Bad",
  },
  {
    what: "does not ask again where it is refused",
    answers: [A, { refusal: new Error("No") }],
    data: "a",
    waits: [3000],
    asked: ["1"],
    error: "No",
  },
];

for (const { what, options, answers, data, waits, asked, error } of ROWS) {
  Deno.test(`lastingEvents() ${what}`, async () => {
    const origin = new Origin([...answers]);
    using timers = new Timers(() => 0);
    let got = "";
    let message: string | undefined;
    try {
      for await (const event of origin.read(options)) got += event.data;
    } catch (thrown) {
      message = (thrown as Error).message;
    }
    assertEquals([got, message], [data, error]);
    assertEquals(timers.set, waits);
    assertEquals(origin.asked, asked);
  });
}

Deno.test("lastingEvents() ends a pause when its caller leaves", async () => {
  const origin = new Origin([A, A]);
  const events = origin.read({ retry: 60_000 });
  assertEquals((await events.next()).value?.data, "a");
  const next = events.next();
  await events.return();
  assertEquals(await next, { value: undefined, done: true });
  assertEquals([origin.asked, origin.ended], [[], 1]);
});

Deno.test("lastingEvents() leaves the stream that its caller leaves", async () => {
  const origin = new Origin([{ text: "data: a\n\ndata: b\n\n" }]);
  for await (const _ of origin.read()) break;
  assertEquals([origin.asked, origin.ended], [[], 1]);
});

Deno.test("lastingEvents() fails when it is given up in a pause", async () => {
  const origin = new Origin([A, A]);
  const events = origin.read({ retry: 60_000 });
  await events.next();
  const next = events.next();
  const reason = new Error("Enough");
  origin.ending.abort(reason);
  const error = await assertRejects(() => next, Error, "Aborted");
  assertEquals(error.cause, reason);
});

Deno.test("lastEventField() says an id as UTF-8, where it can be said", () => {
  const rows: [id: string, field: string | undefined][] = [
    ["", undefined],
    ["7", "7"],
    ["ä", "\u00c3\u00a4"],
    ["a\nb", undefined],
  ];
  for (const [id, field] of rows) {
    assertEquals(lastEventField(id)["last-event-id"], field, id);
  }
});
