import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  CLIENT_STATES,
  type ClientEvent,
  type ClientState,
  isClientMove,
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

// ---- The client's side ----------------------------------------------------

const clientStates = Object.keys(CLIENT_STATES) as ClientState[];
const clientEvents = [
  ...new Set(
    Object.values(CLIENT_STATES).flatMap((moves) => Object.keys(moves)),
  ),
] as ClientEvent[];

/** Lives of a client's connection: events, and the states they lead to. */
const CLIENT_LIVES: [name: string, [ClientEvent, ClientState][]][] = [
  ["one request, kept alive, until it is given up", [
    ["requested", "waiting"],
    ["headComplete", "receiving"],
    ["responseComplete", "idle"],
    ["gone", "closed"],
  ]],
  ["requests behind one another", [
    ["requested", "waiting"],
    ["headComplete", "receiving"],
    ["nextAwaited", "waiting"],
    ["headComplete", "receiving"],
    ["responseComplete", "idle"],
    ["requested", "waiting"],
    ["gone", "closed"],
  ]],
  ["a WebSocket", [
    ["requested", "waiting"],
    ["switched", "upgraded"],
    ["outputEnded", "closing"],
    ["gone", "closed"],
  ]],
];

for (const [name, moves] of CLIENT_LIVES) {
  Deno.test(`CLIENT_STATES leads through ${name}`, () => {
    let state: ClientState = "idle";
    for (const [event, next] of moves) {
      assertEquals(CLIENT_STATES[state][event], next);
      assert(isClientMove(state, next));
      state = next;
    }
  });
}

Deno.test("CLIENT_STATES leads only to states that it has", () => {
  for (const state of clientStates) {
    for (const next of Object.values(CLIENT_STATES[state])) {
      assert(clientStates.includes(next), next);
    }
  }
});

Deno.test("CLIENT_STATES reaches every state from the first one", () => {
  const reached = new Set<ClientState>(["idle"]);
  for (const state of reached) {
    for (const next of Object.values(CLIENT_STATES[state])) reached.add(next);
  }
  assertEquals([...reached].sort(), [...clientStates].sort());
});

Deno.test("CLIENT_STATES ends in closed, which is final, from every state", () => {
  assertEquals(CLIENT_STATES.closed, {});
  for (const state of clientStates) {
    if (state !== "closed") assertEquals(CLIENT_STATES[state].gone, "closed");
  }
});

Deno.test("CLIENT_STATES leads to a response by way of a request alone", () => {
  for (const state of clientStates) {
    assertEquals(isClientMove(state, "receiving"), state === "waiting");
    assertEquals(isClientMove(state, "upgraded"), state === "waiting");
    assertEquals(isClientMove(state, "closing"), state === "upgraded");
  }
});

Deno.test("isClientMove() says whether some event leads from one state to another", () => {
  for (const from of clientStates) {
    for (const to of clientStates) {
      const expected = clientEvents.some((event) =>
        CLIENT_STATES[from][event] === to
      );
      assertEquals(isClientMove(from, to), expected, `${from} to ${to}`);
    }
  }
});
