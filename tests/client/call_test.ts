import { assert, assertEquals } from "@std/assert";
import { brotliCompressSync } from "node:zlib";
import type { Attempt, Carrier } from "../../client/attempt.ts";
import { Authenticator } from "../../client/authenticator.ts";
import { Call, type CallHost } from "../../client/call.ts";
import { ClientRequest } from "../../client/request_and_response.ts";
import { CookieJar } from "../../client/cookie_jar.ts";
import type { Loss } from "../../client/follow_up.ts";
import { makeBody } from "../../client/outgoing_body.ts";
import { makePlan, type RequestPlan, urlOf } from "../../client/plan.ts";
import type { CallSettings } from "../../client/request_options.ts";
import { ParseEvent } from "../../parse/phase.ts";
import { ResponseParser } from "../../parse/response_parser.ts";

const ORIGIN = "http://a.test";

/** A connection that gives one attempt what a test says. */
class FakeCarrier implements Carrier {
  readonly parser = new ResponseParser();
  readonly served = 0;
  readonly connectTime = 1;
  readonly tlsTime = 2;
  attempt: Attempt | null = null;
  isClosed = false;

  /** All of a response comes, as far as it is wanted. */
  receive(text: string, body: Uint8Array = new Uint8Array(0)): void {
    const attempt = this.attempt!;
    const { parser } = this;
    parser.expect(attempt.plan.method);
    parser.push(new TextEncoder().encode(text));
    parser.push(body);
    while (!this.isClosed) {
      switch (parser.next()) {
        case ParseEvent.HEAD:
          attempt.headIn();
          break;
        case ParseEvent.BODY:
          attempt.take(parser.body);
          break;
        case ParseEvent.END:
          attempt.complete(parser.trailer);
          return;
        default:
          return;
      }
    }
  }

  giveUp(attempt: Attempt, error: Error): void {
    attempt.givenUp(error);
    this.destroy(error);
  }

  destroy(error?: unknown): void {
    this.lose("own", error);
  }

  lose(loss: Loss, error?: unknown): void {
    this.isClosed = true;
    this.attempt!.lost(error, loss);
  }
}

/** Calls without connections: each time one is queued, it is written down. */
class FakeHost implements CallHost {
  readonly jar = new CookieJar();
  readonly decompress = true;
  readonly retry: boolean;
  readonly queue: Call[] = [];
  /** What went out: method, URL, and on which connection. */
  readonly log: string[] = [];
  repeated = 0;
  forgotten = 0;

  constructor(retry = true) {
    this.retry = retry;
  }

  readonly clock = { ticks: (ms: number) => ms / 100 };

  send(call: Call): void {
    call.queued(0);
    this.queue.push(call);
  }

  forget(): void {
    this.queue.pop();
    this.forgotten++;
  }

  gotCookies(): void {}

  retried(): void {
    this.repeated++;
  }

  /** The next call has a connection. */
  begin(credentials: string | null = null): FakeCarrier {
    const call = this.queue.shift()!;
    const { plan } = call;
    const { placing } = plan;
    const text = `${plan.method} ${urlOf(plan)}`;
    this.log.push(placing === "shared" ? text : `${text} ${placing}`);
    const carrier = new FakeCarrier();
    carrier.attempt = call.begin(carrier, { text, credentials });
    return carrier;
  }
}

const SETTINGS: CallSettings = {
  timeout: 1000,
  minSendRate: 1000,
  stream: false,
  maxRedirects: 2,
  maxResponseLength: 100,
  maxJsonDepth: 10,
  auth: null,
  signal: null,
  onSwitch: null,
};

function planOf(method: string, data?: BodyInit): RequestPlan {
  const body = makeBody({ data: data as string });
  return makePlan(method, ORIGIN, "/", null, body, false);
}

/** A call that waits for its first connection. */
function callOf(
  host: FakeHost,
  plan: RequestPlan = planOf("GET"),
  more: Partial<CallSettings> = {},
): Call {
  const request = new ClientRequest(
    {
      finished() {},
      taken() {},
      closing: new AbortController().signal,
      repeat: (request) => request,
    },
    plan.method,
    urlOf(plan),
    {},
  );
  const call = new Call(host, request, plan, { ...SETTINGS, ...more });
  request.startedBy(call);
  host.send(call);
  return call;
}

/** What became of a call, in short. */
function result({ request }: Call): string {
  const { response, error } = request;
  if (error !== null) {
    const { code } = error as { code?: string };
    return code === undefined ? error.name : `${error.name} ${code}`;
  }
  if (response === null) return "nothing";
  const text = new TextDecoder().decode(response.data);
  return `${response.status} ${text}`.trim();
}

function ok(body: string, lines = ""): string {
  return `HTTP/1.1 200 OK\r\n${lines}Content-Length: ${body.length}\r\n\r\n` +
    body;
}

function there(status: number, url: string, body = ""): string {
  return `HTTP/1.1 ${status} There\r\nLocation: ${url}\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
}

const REFUSAL = 'HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm="r"\r\n' +
  "Content-Length: 0\r\n\r\n";

/** What each attempt meets: a response, or the loss of its connection. */
type Fate = string | { lost: Loss } | { stray: string };

const LIVES: [
  name: string,
  plan: RequestPlan,
  fates: Fate[],
  sent: string[],
  expected: string,
  more?: Partial<CallSettings>,
][] = [
  ["a response", planOf("GET"), [ok("a")], ["GET /"], "200 a"],
  [
    "a body in chunks",
    planOf("GET"),
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "1\r\na\r\n2\r\nbc\r\n1\r\nd\r\n0\r\n\r\n",
    ],
    ["GET /"],
    "200 abcd",
  ],
  [
    "an announced body over the limit",
    planOf("GET"),
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
    ],
    ["GET /"],
    "TooLargeError",
  ],
  [
    "a body in chunks over the limit",
    planOf("GET"),
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
      `1\r\na\r\n64\r\n${"b".repeat(100)}\r\n0\r\n\r\n`,
    ],
    ["GET /"],
    "TooLargeError",
  ],
  [
    "a body that breaks off",
    planOf("GET"),
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na",
      { lost: "own" },
    ],
    ["GET /"],
    "ConnectionLostError",
  ],
  // Redirects.
  ["a redirect", planOf("GET"), [there(302, "/b"), ok("b")], [
    "GET /",
    "GET /b",
  ], "200 b"],
  ["a redirect of POST", planOf("POST", "abc"), [there(303, "/b"), ok("b")], [
    "POST /",
    "GET /b",
  ], "200 b"],
  [
    "as many redirects as may be",
    planOf("GET"),
    [
      there(302, "/b"),
      there(302, "/c", "c"),
      ok("d"),
    ],
    ["GET /", "GET /b", "GET /c"],
    "200 d",
  ],
  [
    "a redirect too many",
    planOf("GET"),
    [
      there(302, "/b"),
      there(302, "/c"),
      there(302, "/d"),
    ],
    ["GET /", "GET /b", "GET /c"],
    "ResponseError too-many-redirects",
  ],
  [
    "a redirect with a long body, which is not waited for",
    planOf("GET"),
    [
      "HTTP/1.1 302 There\r\nLocation: /b\r\nContent-Length: 65537\r\n\r\n",
      ok("b"),
    ],
    ["GET /", "GET /b"],
    "200 b",
  ],
  [
    "a redirect with a body that becomes long",
    planOf("GET"),
    [
      "HTTP/1.1 302 There\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\n" +
      `10001\r\n${"a".repeat(65_537)}\r\n1\r\n`,
      ok("b"),
    ],
    ["GET /", "GET /b"],
    "200 b",
  ],
  [
    "a redirect with a body to the end of the connection",
    planOf("GET"),
    [
      "HTTP/1.1 302 There\r\nLocation: /b\r\n\r\na",
      ok("b"),
    ],
    ["GET /", "GET /b"],
    "200 b",
  ],
  ["a redirect to nowhere", planOf("GET"), [there(302, "http://")], [
    "GET /",
  ], "ResponseError bad-location"],
  // Credentials.
  [
    "a challenge",
    planOf("GET"),
    [REFUSAL, ok("a")],
    [
      "GET /",
      "GET /",
    ],
    "200 a",
    { auth: new Authenticator(["u", "p"]) },
  ],
  [
    "a challenge and a redirect",
    planOf("GET"),
    [
      REFUSAL,
      there(302, "/b"),
      ok("b"),
    ],
    ["GET /", "GET /", "GET /b"],
    "200 b",
    {
      auth: new Authenticator(["u", "p"]),
    },
  ],
  ["a challenge for nobody", planOf("GET"), [REFUSAL], ["GET /"], "401"],
  // Lost connections.
  ["a dead connection", planOf("GET"), [{ lost: "dead" }, ok("a")], [
    "GET /",
    "GET / new",
  ], "200 a"],
  [
    "two dead connections",
    planOf("GET"),
    [
      { lost: "dead" },
      { lost: "dead" },
    ],
    ["GET /", "GET / new"],
    "ConnectionLostError",
  ],
  [
    "connections lost for others",
    planOf("GET"),
    [
      { lost: "another" },
      { lost: "another" },
      { lost: "dead" },
      ok("a"),
    ],
    ["GET /", "GET / alone", "GET / alone", "GET / new"],
    "200 a",
  ],
  ["a dead connection, for POST", planOf("POST"), [{ lost: "dead" }], [
    "POST /",
  ], "ConnectionLostError"],
  [
    "a dead connection, and a redirect",
    planOf("GET"),
    [
      { lost: "dead" },
      there(302, "/b"),
      { lost: "dead" },
      ok("b"),
    ],
    ["GET /", "GET / new", "GET /b", "GET /b new"],
    "200 b",
  ],
  ["stray bytes", planOf("GET"), [{ stray: "stray" }, ok("a")], [
    "GET /",
    "GET / new",
  ], "200 a"],
  [
    "stray bytes on a new connection",
    planOf("GET"),
    [
      { stray: "first" },
      { stray: "second" },
    ],
    ["GET /", "GET / new"],
    "Error second",
  ],
];

for (const [name, plan, fates, sent, expected, more] of LIVES) {
  Deno.test(`Call finds ${expected} after ${name}`, () => {
    const host = new FakeHost();
    const call = callOf(host, plan, more);
    let carrier: FakeCarrier | null = null;
    for (const fate of fates) {
      // What was cut short meets another fate on the same connection.
      if (carrier === null || carrier.attempt!.state === "over") {
        carrier = host.begin();
      }
      if (typeof fate === "string") carrier.receive(fate);
      else if ("lost" in fate) carrier.lose(fate.lost);
      else {
        const error = new Error("stray");
        Object.assign(error, { code: fate.stray });
        carrier.attempt!.strayed(undefined, error);
      }
    }
    assertEquals(
      host.log,
      sent.map((line) => line.replace(" /", ` ${ORIGIN}/`)),
    );
    assertEquals([result(call), host.queue.length], [expected, 0]);
    assert(call.isDone);
    assertEquals(
      call.request.sentHead,
      host.log.at(-1)!.split(" ", 2).join(" "),
    );
  });
}

Deno.test("Call is sent once where nothing is to be sent again", () => {
  const host = new FakeHost(false);
  const call = callOf(host);
  host.begin().lose("dead");
  assertEquals([result(call), host.repeated], ["ConnectionLostError", 0]);
});

Deno.test("Call counts what is sent again for a connection's sake, and no redirect", () => {
  const host = new FakeHost();
  const call = callOf(host);
  host.begin().lose("dead");
  host.begin().receive(there(302, "/b"));
  host.begin().receive(ok("b"));
  assertEquals([host.repeated, call.redirects], [1, 1]);
  assertEquals(call.request.response!.redirected, true);
});

Deno.test("Call begins to count refusals again behind a redirect", () => {
  const host = new FakeHost();
  const call = callOf(host, planOf("GET"), {
    auth: new Authenticator({ bearer: "t" }),
  });
  host.begin().receive(REFUSAL);
  assertEquals(call.repeats, 1);
  host.begin().receive(there(302, "/b"));
  assertEquals([call.repeats, call.redirects], [0, 1]);
  host.begin("Bearer t").receive(REFUSAL);
  assertEquals(result(call), "401");
});

Deno.test("Call has what a challenge teaches learnt", () => {
  const host = new FakeHost();
  const auth = new Authenticator(["u", "p"]);
  callOf(host, planOf("GET"), { auth });
  assertEquals(auth.authorization("GET", "/", false), null);
  host.begin().receive(REFUSAL);
  assertEquals(auth.authorization("GET", "/", false), "Basic dTpw");
});

Deno.test("Call puts cookies of every answer into the jar", () => {
  const host = new FakeHost();
  callOf(host);
  host.begin().receive(
    "HTTP/1.1 302 There\r\nLocation: /b\r\nSet-Cookie: a=1\r\n" +
      "Content-Length: 0\r\n\r\n",
  );
  host.begin().receive(ok("b", "Set-Cookie: b=2\r\n"));
  assertEquals(host.jar.header(new URL(ORIGIN)), "a=1; b=2");
});

/** Where a call is when it is given up. */
const GIVEN_UP: [
  name: string,
  act: (host: FakeHost) => unknown,
  forgotten: number,
][] = [
  ["waits for a connection", () => {}, 1],
  ["is on its way", (host) => host.begin(), 0],
  [
    "is being answered",
    (host) =>
      host.begin().receive("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na"),
    0,
  ],
  ["waits for another connection", (host) => host.begin().lose("dead"), 1],
];

for (const [name, act, forgotten] of GIVEN_UP) {
  Deno.test(`Call.abort() ends one that ${name}, once`, () => {
    const host = new FakeHost();
    const { signal } = new AbortController();
    const call = callOf(host, planOf("GET"), { signal });
    act(host);
    const reason = new Error("enough");
    call.abort(reason);
    assertEquals(result(call), "AbortedError");
    assertEquals(call.request.error!.cause, reason);
    call.abort(new Error("more"));
    assertEquals(call.request.error!.cause, reason);
    assertEquals([host.forgotten, host.queue.length], [forgotten, 0]);
  });
}

Deno.test("Call.abort() ends one of which the body is being decoded", async () => {
  const bytes = brotliCompressSync("abc");
  const host = new FakeHost();
  const call = callOf(host);
  const carrier = host.begin();
  carrier.receive(
    `HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n` +
      `Content-Length: ${bytes.length}\r\n\r\n`,
    bytes,
  );
  assertEquals([carrier.attempt!.state, result(call)], ["over", "nothing"]);
  call.abort();
  assertEquals(result(call), "AbortedError");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(result(call), "AbortedError");
});

Deno.test("Call listens to its signal until it is done", () => {
  const host = new FakeHost();
  const controller = new AbortController();
  const { signal } = controller;
  let listening = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listening++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (
    ...args: Parameters<typeof removeEventListener>
  ) => {
    listening--;
    removeEventListener.apply(signal, args);
  };
  const calls = ["/a", "/b"].map(() => callOf(host, planOf("GET"), { signal }));
  host.begin().receive(ok("a"));
  controller.abort();
  assertEquals(calls.map(result), ["200 a", "AbortedError"]);
  assertEquals(listening, 0);
});

Deno.test("Call is overdue when it has waited for its time, as a sweep counts", () => {
  const host = new FakeHost();
  const call = callOf(host);
  const at = (tick: number) =>
    call.isOverdue({ tick, begun: (since) => since });
  assertEquals([at(9), at(10)], [false, true]);
  call.queued(5);
  assertEquals([at(14), at(15)], [false, true]);
  // A clock that stood still says when the wait really began.
  assertEquals(call.isOverdue({ tick: 15, begun: () => 12 }), false);
  assertEquals([at(21), at(22)], [false, true]);
});
