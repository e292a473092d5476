import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  isMove,
  SERVER_STATES,
  type ServerEvent,
  type ServerState,
  step,
} from "../../wire/lifecycle.ts";

const states = Object.keys(SERVER_STATES) as ServerState[];
const events = [
  ...new Set(
    Object.values(SERVER_STATES).flatMap((moves) => Object.keys(moves)),
  ),
] as ServerEvent[];

/** Lives of a connection: a state to start from, events, states they lead to. */
const LIVES: [
  name: string,
  start: ServerState,
  [ServerEvent, ServerState][],
][] = [
  ["one request on TLS, kept alive", "handshake", [
    ["secured", "idle"],
    ["bytes", "head"],
    ["requestComplete", "held"],
    ["answerComplete", "idle"],
    ["gone", "closed"],
  ]],
  ["a body and a streamed last answer", "idle", [
    ["bytes", "head"],
    ["headComplete", "body"],
    ["requestComplete", "held"],
    ["answerStarted", "answering"],
    ["lastAnswerComplete", "closing"],
    ["sent", "draining"],
    ["gone", "closed"],
  ]],
  ["a refused head", "idle", [
    ["bytes", "head"],
    ["refused", "closing"],
    ["sent", "draining"],
    ["gone", "closed"],
  ]],
  ["a peer that ends behind its last request", "idle", [
    ["bytes", "head"],
    ["requestComplete", "held"],
    ["answerComplete", "idle"],
    ["inputEnded", "closing"],
    ["gone", "closed"],
  ]],
];

for (const [name, start, moves] of LIVES) {
  Deno.test(`step() leads through ${name}`, () => {
    let state = start;
    for (const [event, next] of moves) {
      state = step(state, event);
      assertEquals(state, next);
    }
  });
}

Deno.test("step() follows the table, and throws where it says nothing", () => {
  for (const state of states) {
    for (const event of events) {
      const next = SERVER_STATES[state][event];
      if (next !== undefined) assertEquals(step(state, event), next);
      else assertThrows(() => step(state, event), Error, `"${event}"`);
    }
  }
});

Deno.test("SERVER_STATES leads only to states that it has", () => {
  for (const state of states) {
    for (const next of Object.values(SERVER_STATES[state])) {
      assert(states.includes(next), next);
    }
  }
});

Deno.test("SERVER_STATES reaches every state from the first ones", () => {
  const reached = new Set<ServerState>(["handshake"]);
  for (const state of reached) {
    for (const next of Object.values(SERVER_STATES[state])) reached.add(next);
  }
  assertEquals([...reached].sort(), [...states].sort());
});

Deno.test("SERVER_STATES ends in closed, which is final, from every state", () => {
  assertEquals(SERVER_STATES.closed, {});
  for (const state of states) {
    if (state !== "closed") assertEquals(step(state, "gone"), "closed");
  }
});

Deno.test("isMove() says whether some event leads from one state to another", () => {
  for (const from of states) {
    for (const to of states) {
      const expected = events.some((event) =>
        SERVER_STATES[from][event] === to
      );
      assertEquals(isMove(from, to), expected, `${from} to ${to}`);
    }
  }
});
