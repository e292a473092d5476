import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ATTEMPT_STATES,
  type AttemptEvent,
  type AttemptState,
  step,
} from "../../client/attempt_states.ts";

const states = Object.keys(ATTEMPT_STATES) as AttemptState[];
const events = [
  ...new Set(
    Object.values(ATTEMPT_STATES).flatMap((moves) => Object.keys(moves)),
  ),
] as AttemptEvent[];

/** Lives of an attempt: events, and the states that they lead to. */
const LIVES: [name: string, [AttemptEvent, AttemptState][]][] = [
  ["an answer that is kept", [["kept", "keeping"], ["complete", "over"]]],
  ["one that is read as it arrives", [
    ["streamed", "streaming"],
    ["complete", "over"],
  ]],
  ["a redirect", [["dropped", "dropping"], ["complete", "over"]]],
  ["a redirect of which the body is too long", [
    ["dropped", "dropping"],
    ["lost", "over"],
  ]],
  ["an answer before the end of its request", [
    ["kept", "keeping"],
    ["answeredEarly", "answered"],
    ["complete", "over"],
  ]],
  ["the same, and a connection that is lost then", [
    ["streamed", "streaming"],
    ["answeredEarly", "answered"],
    ["lost", "over"],
  ]],
  ["a WebSocket", [["switched", "over"]]],
  ["a dead connection", [["lost", "over"]]],
  ["a caller who leaves", [["givenUp", "givenUp"], ["lost", "over"]]],
  ["a caller who leaves while an answer comes in", [
    ["kept", "keeping"],
    ["givenUp", "givenUp"],
    ["lost", "over"],
  ]],
  ["a caller who leaves behind others", [["left", "over"]]],
];

for (const [name, moves] of LIVES) {
  Deno.test(`step() leads an attempt through ${name}`, () => {
    let state: AttemptState = "sent";
    for (const [event, next] of moves) {
      state = step(state, event);
      assertEquals(state, next);
    }
    assertEquals(state, "over");
  });
}

Deno.test("step() of an attempt follows the table, and throws where it says nothing", () => {
  for (const state of states) {
    for (const event of events) {
      const next = ATTEMPT_STATES[state][event];
      if (next !== undefined) assertEquals(step(state, event), next);
      else assertThrows(() => step(state, event), Error, `"${event}"`);
    }
  }
});

Deno.test("ATTEMPT_STATES reaches every state from the first one", () => {
  const reached = new Set<AttemptState>(["sent"]);
  for (const state of reached) {
    for (const next of Object.values(ATTEMPT_STATES[state])) reached.add(next);
  }
  assertEquals([...reached].sort(), [...states].sort());
});

Deno.test("ATTEMPT_STATES ends in over, which is final, when a connection is lost", () => {
  assertEquals(ATTEMPT_STATES.over, {});
  for (const state of states) {
    if (state !== "over") assertEquals(step(state, "lost"), "over");
  }
});

Deno.test("ATTEMPT_STATES completes no answer that has not begun, and none twice", () => {
  for (const state of states) {
    const isIn = ["keeping", "streaming", "dropping"].includes(state);
    assertEquals("answeredEarly" in ATTEMPT_STATES[state], isIn, state);
    assertEquals(
      "complete" in ATTEMPT_STATES[state],
      isIn || state === "answered",
      state,
    );
  }
});

Deno.test("ATTEMPT_STATES hands over no connection on which an answer has begun", () => {
  for (const state of states) {
    const isNew = state === "sent";
    for (const event of ["kept", "streamed", "dropped", "switched"] as const) {
      assert(event in ATTEMPT_STATES[state] === isNew, `${event} in ${state}`);
    }
  }
});
