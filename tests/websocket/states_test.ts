import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  step,
  WEBSOCKET_STATES,
  type WebsocketAct,
  type WebsocketMove,
  type WebsocketState,
} from "../../websocket/states.ts";

const ROLES = ["server", "client"] as const;
const STATES = Object.keys(WEBSOCKET_STATES.server) as WebsocketState[];
const MOVES: WebsocketMove[] = [
  ...["close", "sent", "peerClose", "fault", "rested"] as const,
  ...["inputEnded", "timeUp", "dropped", "gone"] as const,
];

/** All ways through a table that go through no state twice the same way. */
function* ways(
  role: typeof ROLES[number],
  state: WebsocketState = "open",
  before: [WebsocketMove, WebsocketState, ...WebsocketAct[]][] = [],
): Generator<typeof before> {
  let isLast = true;
  for (const move of MOVES) {
    const next = WEBSOCKET_STATES[role][state][move];
    if (next === undefined || next[0] === state) continue;
    isLast = false;
    yield* ways(role, next[0], [...before, [move, ...next]]);
  }
  if (isLast) yield before;
}

for (const role of ROLES) {
  Deno.test(`step() leads a ${role} to its end, once told and once sent`, () => {
    let count = 0;
    for (const way of ways(role)) {
      count++;
      const text = way.map(([move]) => move).join(", ");
      const acts = way.flatMap(([, , ...acts]) => acts);
      const times = (...wanted: WebsocketAct[]) =>
        acts.filter((act) => wanted.includes(act)).length;
      assertEquals(way.at(-1)![1], "closed", text);
      assertEquals(times("tellClean", "tellLost"), 1, text);
      assert(times("sendClose") <= 1, text);
      assert(times("end", "destroy") <= 1, text);
      assert(times("report") <= 1, text);
      // Our close frame goes out exactly where it is with the connection.
      const hasSent = way.some(([move]) => move === "sent");
      if (hasSent) assertEquals(times("sendClose"), 1, text);
      assertEquals(
        times("tellClean"),
        hasSent && way.some(([move]) => move === "peerClose") &&
          !way.some(([move], i) => isCut(move) && i < tellAt(way)) &&
          !way.some(([move]) => move === "fault")
          ? 1
          : 0,
        text,
      );
      // No timer is set behind another, and none is left.
      let hasTimer = false;
      for (const [move, , ...acts] of way) {
        if (move === "timeUp") {
          assert(hasTimer, text);
          hasTimer = false;
        }
        for (const act of acts) {
          if (act === "startTimer" || act === "linger") {
            assert(!hasTimer, text);
            hasTimer = true;
          } else if (act === "stop") hasTimer = false;
        }
      }
      assert(!hasTimer, text);
      // Where the connection is gone there is nothing to be done with it.
      if (way.at(-1)![0] === "gone") assertEquals(times("end", "destroy"), 0);
      else assertEquals(times("end", "destroy"), 1, text);
    }
    assert(count > 20);
  });

  Deno.test(`step() lets the connection of a ${role} go in every state`, () => {
    for (const state of STATES) {
      if (role === "server" && state === "lingering") continue;
      assertEquals(step(role, state, "gone")[0], "closed");
      assert(step(role, state, "inputEnded").length > 0);
    }
  });

  Deno.test(`step() refuses what cannot happen to a ${role}`, () => {
    let refused = 0;
    for (const state of STATES) {
      for (const move of MOVES) {
        if (WEBSOCKET_STATES[role][state][move] !== undefined) continue;
        refused++;
        assertThrows(() => step(role, state, move), Error, `"${move}"`);
      }
    }
    assert(refused > 0);
  });
}

function isCut(move: WebsocketMove): boolean {
  return ["gone", "inputEnded", "timeUp", "dropped"].includes(move);
}

/** Behind which move its end is told. */
function tellAt(way: readonly (readonly string[])[]): number {
  return 1 +
    way.findIndex((acts) =>
      acts.includes("tellClean") || acts.includes("tellLost")
    );
}
