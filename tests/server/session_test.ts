import { assert, assertEquals, assertMatch } from "@std/assert";
import { HTML_KIND, writeText } from "../../server/answer.ts";
import { checkHead } from "../../server/answer_head.ts";
import { planStream } from "../../server/answer_plan.ts";
import type { IncomingBody } from "../../message/incoming_body.ts";
import { SERVER_STATES, type ServerState } from "../../wire/lifecycle.ts";
import {
  FakeConn,
  FakeTlsConn,
  SessionScene,
} from "../support/session_scene.ts";

type Options = ConstructorParameters<typeof SessionScene>[0];

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const post = (length: number, body: string) =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;

function answer({ session }: SessionScene): Promise<boolean> {
  writeText(session, 200, HTML_KIND, "ok", false);
  return session.answered();
}

function begin({ session }: SessionScene): void {
  const asked = {
    isHead: false,
    minorVersion: 1,
    acceptEncoding: undefined,
    compression: null,
  };
  session.begin(planStream(asked, checkHead({})), SessionScene.OPEN);
  session.answerStarted();
}

function takeOver({ session }: SessionScene, got: string[] = []): void {
  const successor = {
    received(bytes: Uint8Array) {
      got.push(new TextDecoder().decode(bytes));
      return true;
    },
    ended: () => got.push("end"),
    gone: () => got.push("gone"),
    stopping: () => {},
  };
  got.push(new TextDecoder().decode(session.upgrade(successor)));
  session.transport.read();
}

/** Lives of a connection: what happens, and the states that it leads through. */
interface Row {
  name: string;
  options?: Options;
  conn?: () => FakeConn;
  run: (scene: SessionScene) => Promise<void> | void;
  states: ServerState[];
}

const ROWS: Row[] = [
  {
    name: "two requests, then the peer's end",
    run: async (scene) => {
      for (let i = 0; i < 2; i++) {
        await scene.feed(GET);
        await answer(scene);
      }
      await scene.feed(null);
      assert(scene.conn.isClosed);
    },
    states: ["idle", "head", "held", "idle", "head", "held", "idle", "closed"],
  },
  {
    name: "requests that came together leave in one write",
    run: async (scene) => {
      await scene.feed(GET + GET);
      answer(scene);
      answer(scene);
      await scene.settle();
      assertEquals(scene.conn.writes, 1);
    },
    states: ["idle", "head", "held", "idle", "head", "held", "idle"],
  },
  {
    name: "a head in two parts, and too late",
    run: async (scene) => {
      await scene.feed("GET / HT");
      await scene.pass(5000);
      assertMatch(scene.conn.written, /^HTTP\/1.1 408 /);
      assert(scene.conn.isHalfClosed);
      await scene.pass(3000);
    },
    states: ["idle", "head", "closing", "draining", "closed"],
  },
  {
    name: "idle for too long",
    run: (scene) => scene.pass(30_000),
    states: ["idle", "closed"],
  },
  {
    name: "the peer breaks off in a head",
    run: async (scene) => {
      await scene.feed("GET / HT");
      await scene.feed(null);
    },
    states: ["idle", "head", "closed"],
  },
  {
    name: "the same while an answer waits for the system",
    run: async (scene) => {
      await scene.feed(GET);
      scene.conn.isOpen = false;
      answer(scene);
      await scene.feed("GET / HT");
      await scene.feed(null);
      scene.conn.drain();
      await scene.settle();
    },
    states: ["idle", "head", "held", "idle", "head", "closing", "closed"],
  },
  {
    name: "the peer's end while an answer waits for the system",
    run: async (scene) => {
      await scene.feed(GET);
      scene.conn.isOpen = false;
      answer(scene);
      await scene.feed(null);
      scene.conn.drain();
      await scene.settle();
    },
    states: ["idle", "head", "held", "idle", "closing", "closed"],
  },
  {
    name: "a body in parts",
    run: async (scene) => {
      await scene.feed(post(5, "ab"));
      await scene.feed("cde");
      assertEquals(
        new TextDecoder().decode(scene.bodies[0] as Uint8Array),
        "abcde",
      );
      await answer(scene);
    },
    states: ["idle", "head", "body", "held", "idle"],
  },
  {
    name: "a body that does not come",
    run: async (scene) => {
      await scene.feed(post(5, "ab"));
      await scene.pass(16_000);
      assertMatch(scene.conn.written, /^HTTP\/1.1 408 /);
      scene.session.destroy();
    },
    states: ["idle", "head", "body", "closing", "draining", "closed"],
  },
  {
    name: "the peer breaks off in a body",
    run: async (scene) => {
      await scene.feed(post(5, "ab"));
      await scene.feed(null);
    },
    states: ["idle", "head", "body", "closed"],
  },
  {
    name: "the same while an answer waits for the system",
    run: async (scene) => {
      await scene.feed(GET);
      scene.conn.isOpen = false;
      answer(scene);
      await scene.feed(post(5, "ab"));
      await scene.feed(null);
      scene.conn.drain();
      await scene.settle();
    },
    states: [
      "idle",
      "head",
      "held",
      "idle",
      "head",
      "body",
      "closing",
      "closed",
    ],
  },
  {
    name: "a last request: nothing follows, and the socket is closed at once",
    run: async (scene) => {
      await scene.feed(LAST);
      await answer(scene);
      await scene.settle();
      assertMatch(scene.conn.written, /connection: close/);
      assertEquals(scene.conn.isHalfClosed, false);
    },
    states: ["idle", "head", "held", "closing", "closed"],
  },
  {
    name: "an answer that does not come",
    options: { answerTimeout: 1000 },
    run: async (scene) => {
      await scene.feed(GET);
      await scene.pass(1000);
      assertMatch(scene.conn.written, /^HTTP\/1.1 50\d /);
      await scene.feed(null);
    },
    states: ["idle", "head", "held", "closing", "draining", "closed"],
  },
  {
    name: "the peer is gone, and nobody answers",
    run: async (scene) => {
      await scene.feed(GET);
      scene.session.watch();
      await scene.feed(null);
      await scene.pass(30_000);
    },
    states: ["idle", "head", "held", "closed"],
  },
  {
    name: "an answer in parts",
    run: async (scene) => {
      await scene.feed(GET);
      begin(scene);
      await scene.session.answered();
    },
    states: ["idle", "head", "held", "answering", "idle"],
  },
  {
    name: "the last one in parts",
    run: async (scene) => {
      await scene.feed(LAST);
      begin(scene);
      await scene.session.answered();
      await scene.settle();
    },
    states: ["idle", "head", "held", "answering", "closing", "closed"],
  },
  {
    name: "one that is broken off",
    run: async (scene) => {
      await scene.feed(GET);
      begin(scene);
      scene.session.destroy();
    },
    states: ["idle", "head", "held", "answering", "closed"],
  },
  {
    name: "an answer before the end of a body, of which the rest comes",
    options: { isStreaming: true },
    run: async (scene) => {
      await scene.feed(post(5, "ab"));
      begin(scene);
      scene.session.answered();
      await scene.feed("cde");
      await scene.feed(GET);
    },
    states: [
      ...["idle", "head", "held", "answering", "discarding"] as const,
      ...["idle", "head", "held"] as const,
    ],
  },
  {
    name: "the same, of which the rest does not come",
    options: { isStreaming: true },
    run: async (scene) => {
      await scene.feed(post(5, "ab"));
      begin(scene);
      await scene.session.answered();
      await scene.pass(6000);
      await scene.feed(null);
    },
    states: [
      ...["idle", "head", "held", "answering", "discarding"] as const,
      ...["draining", "closed"] as const,
    ],
  },
  {
    name: "the same, and the peer's end while the answer waits",
    options: { isStreaming: true },
    run: async (scene) => {
      await scene.feed(post(5, "ab"));
      begin(scene);
      scene.conn.isOpen = false;
      scene.session.answered();
      await scene.feed(null);
      scene.conn.drain();
      await scene.settle();
    },
    states: [
      ...["idle", "head", "held", "answering", "discarding"] as const,
      ...["closing", "closed"] as const,
    ],
  },
  {
    name: "a body that is refused while it comes",
    options: { isStreaming: true },
    run: async (scene) => {
      await scene.feed(post(5, "ab"));
      scene.session.skipBody();
      await answer(scene);
      await scene.feed(null);
      assertMatch(scene.conn.written, /connection: close/);
    },
    states: ["idle", "head", "held", "closing", "discarding", "closed"],
  },
  {
    name: "another protocol",
    run: async (scene) => {
      const got: string[] = [];
      await scene.feed(GET + "own");
      takeOver(scene, got);
      await scene.feed(" words");
      await scene.feed(null);
      scene.session.endUpgrade();
      await scene.settle();
      assertEquals(got, ["own", " words", "end", "gone"]);
    },
    states: ["idle", "head", "held", "upgraded", "closing", "closed"],
  },
  {
    name: "another protocol that is broken off",
    run: async (scene) => {
      await scene.feed(GET);
      takeOver(scene);
      scene.session.destroy();
    },
    states: ["idle", "head", "held", "upgraded", "closed"],
  },
  {
    name: "a handshake of TLS",
    conn: () => new FakeTlsConn(),
    run: async (scene) => {
      (scene.conn as FakeTlsConn).shaken.resolve();
      await scene.settle();
      await scene.feed(GET);
      await answer(scene);
    },
    states: ["handshake", "idle", "head", "held", "idle"],
  },
  {
    name: "a handshake of TLS that is not done",
    conn: () => new FakeTlsConn(),
    run: (scene) => scene.pass(5000),
    states: ["handshake", "closed"],
  },
  {
    name: "an answer that the peer does not read",
    run: async (scene) => {
      await scene.feed(GET);
      scene.conn.isOpen = false;
      answer(scene);
      await scene.pass(30_000);
    },
    states: ["idle", "head", "held", "idle", "closed"],
  },
  {
    name: "a last answer that the peer does not read",
    run: async (scene) => {
      await scene.feed(LAST);
      scene.conn.isOpen = false;
      answer(scene);
      await scene.pass(30_000);
    },
    states: ["idle", "head", "held", "closing", "closed"],
  },
];

for (const { name, options, conn, run, states } of ROWS) {
  Deno.test(`A session lives through ${name}`, async () => {
    const scene = new SessionScene(options, conn?.());
    await run(scene);
    assertEquals(scene.states, states);
    scene.session.destroy();
  });
}

Deno.test("Sessions make every move that the table knows, and no other", () => {
  const moves = (states: Iterable<readonly [string, string]>) =>
    [...new Set([...states].map(([from, to]) => `${from} to ${to}`))].sort();
  const made = ROWS.flatMap(({ states }) =>
    states.slice(1).map((to, i) => [states[i], to] as const)
  );
  const known = Object.entries(SERVER_STATES).flatMap(([from, events]) =>
    Object.values(events).map((to) => [from, to] as const)
  );
  assertEquals(moves(made), moves(known));
});

Deno.test("A session hands out a request however it is split", async () => {
  const request = post(5, "abcde");
  for (let cut = 1; cut < request.length; cut++) {
    const scene = new SessionScene();
    await scene.feed(request.slice(0, cut));
    assertEquals(scene.bodies, []);
    await scene.feed(request.slice(cut));
    assertEquals(
      new TextDecoder().decode(scene.bodies[0] as Uint8Array),
      "abcde",
    );
    scene.session.destroy();
  }
});

Deno.test("A session reads a body as it is asked for, and gives its go-ahead", async () => {
  const scene = new SessionScene({ isStreaming: true });
  await scene.feed(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n" +
      "Expect: 100-continue\r\n\r\n",
  );
  const body = scene.bodies[0] as IncomingBody;
  assertEquals(scene.conn.written, "");
  const piece = body.next();
  await scene.settle();
  assertEquals(scene.conn.written, "HTTP/1.1 100 Continue\r\n\r\n");
  await scene.feed("abcde");
  assertEquals(new TextDecoder().decode((await piece)!), "abcde");
  assertEquals(await body.next(), null);
  await answer(scene);
  assertEquals(scene.session.state, "idle");
  scene.session.destroy();
});
