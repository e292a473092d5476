import { assertEquals } from "@std/assert";
import { Authenticator, type ClientAuth } from "../../client/authenticator.ts";
import {
  afterLoss,
  type Cause,
  type FollowUp,
  followUp,
  type Loss,
} from "../../client/follow_up.ts";
import { type BodyOptions, makeBody } from "../../client/outgoing_body.ts";
import { makePlan, type Placing, type RequestPlan } from "../../client/plan.ts";
import { ParseEvent } from "../../parse/phase.ts";
import { ResponseParser } from "../../parse/response_parser.ts";

/** A plan in short: method and URL, and what is unusual about it. */
interface Short extends BodyOptions {
  fields?: Record<string, string>;
  expects?: boolean;
  isAway?: boolean;
  placing?: Placing;
}

const ORIGIN = "http://a.test";
const JSON_BODY = { json: { a: 1 } };
/** What can be sent but once. */
const STREAM = {
  get data() {
    return new ReadableStream<Uint8Array>();
  },
};

function planOf(line: string, short: Short = {}): RequestPlan {
  const [method, url] = line.split(" ");
  const { origin, pathname, search } = new URL(url, ORIGIN);
  const { fields, expects = false, isAway, placing, ...body } = short;
  const plan = makePlan(
    method,
    origin,
    pathname + search,
    fields === undefined ? null : Object.assign(Object.create(null), fields),
    makeBody(body),
    expects,
  );
  return {
    ...plan,
    isAway: isAway ?? plan.isAway,
    placing: placing ?? plan.placing,
  };
}

/** A plan as the tests compare it: fields with a prototype, a body by length. */
function shown(plan: RequestPlan): unknown {
  const { fields, body } = plan;
  return {
    ...plan,
    fields: fields === null ? null : { ...fields },
    body: body === null ? null : body.length,
  };
}

/** The head of a response from its lines. */
function headOf(...lines: string[]): ResponseParser {
  const parser = new ResponseParser();
  const text = [`HTTP/1.1 ${lines[0]}`, ...lines.slice(1), "", ""].join("\r\n");
  parser.push(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  assertEquals(parser.next(), ParseEvent.HEAD, text);
  return parser;
}

/** What a call has come to, in short. */
interface Past {
  maxRedirects?: number;
  redirects?: number;
  repeats?: number;
  auth?: Authenticator | null;
  credentials?: string | null;
}

function outcome(
  plan: RequestPlan,
  head: ResponseParser,
  past: Past = {},
): FollowUp {
  const { maxRedirects = 5, redirects = 0, repeats = 0, auth = null } = past;
  return followUp(
    plan,
    head,
    { settings: { auth, maxRedirects }, redirects, repeats },
    past.credentials ?? null,
  );
}

// ---- For the caller -------------------------------------------------------

/** Heads that are delivered, for what plan and after what. */
const DELIVERED: [
  name: string,
  plan: RequestPlan,
  head: string[],
  past?: Past,
][] = [
  ["200", planOf("GET /"), ["200 OK", "Location: /b"]],
  ["204", planOf("DELETE /"), ["204 No Content"]],
  ["201 with a place", planOf("POST /", JSON_BODY), [
    "201 Made",
    "Location: /b",
  ]],
  ["300", planOf("GET /"), ["300 Choose", "Location: /b"]],
  ["304", planOf("GET /"), ["304 Same", "Location: /b"]],
  ["305", planOf("GET /"), ["305 Use Proxy", "Location: /b"]],
  ["306", planOf("GET /"), ["306 Unused", "Location: /b"]],
  ["404", planOf("GET /"), ["404 Not Found", "Location: /b"]],
  ["407", planOf("PUT /", { ...JSON_BODY, expects: true }), ["407 Who"]],
  ["500", planOf("GET /"), ["500 Broken"]],
  [
    "a redirect where none is to be followed",
    planOf("GET /"),
    ["302 Found", "Location: /b"],
    { maxRedirects: 0 },
  ],
  ["a redirect that leads nowhere", planOf("GET /"), ["302 Found"]],
  [
    "a redirect with a body that is gone",
    planOf("PUT /", STREAM),
    ["307 There", "Location: /b"],
  ],
  [
    "a redirect with a body that is gone, though none is left",
    planOf("PUT /", STREAM),
    ["308 There", "Location: /b"],
    { redirects: 5 },
  ],
  ["417 where nothing was expected", planOf("PUT /", JSON_BODY), ["417 No"]],
  [
    "417 with a body that is gone",
    planOf("PUT /", { ...STREAM, expects: true }),
    ["417 No"],
  ],
];

for (const [name, plan, head, past] of DELIVERED) {
  Deno.test(`followUp() delivers ${name}`, () => {
    assertEquals(outcome(plan, headOf(...head), past), {
      kind: "deliver",
      lesson: null,
    });
  });
}

// ---- Redirects ------------------------------------------------------------

/** Who wants something, and what it is. */
const FIELDS = {
  "accept": "text/html",
  "accept-language": "de",
  "authorization": "Bearer t",
  "content-language": "de",
  "content-length": "7",
  "cookie": "a=b",
  "host": "x.test",
  "if-none-match": '"1"',
  "range": "bytes=0-1",
  "referer": "http://a.test/",
  "x-token": "t",
};
const WITHOUT_BODY = without(FIELDS, "content-language", "content-length");
const HARMLESS = without(
  FIELDS,
  "authorization",
  "cookie",
  "host",
  "referer",
  "x-token",
);

function without(
  fields: Record<string, string>,
  ...names: string[]
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => !names.includes(name)),
  );
}

/** A redirect: from where, status and place, to where; who leaves the body. */
const REDIRECTS: [
  from: RequestPlan,
  status: number,
  location: string,
  to: RequestPlan,
  leavesBody?: boolean,
][] = [
  // The method, RFC 9110 section 15.4.
  [planOf("GET /a"), 301, "/b", planOf("GET /b")],
  [planOf("GET /a"), 302, "/b", planOf("GET /b")],
  [planOf("GET /a"), 303, "/b", planOf("GET /b")],
  [planOf("GET /a"), 307, "/b", planOf("GET /b")],
  [planOf("GET /a"), 308, "/b", planOf("GET /b")],
  [planOf("HEAD /a"), 303, "/b", planOf("HEAD /b")],
  [planOf("POST /a", JSON_BODY), 301, "/b", planOf("GET /b"), true],
  [planOf("POST /a", JSON_BODY), 302, "/b", planOf("GET /b"), true],
  [planOf("POST /a", JSON_BODY), 303, "/b", planOf("GET /b"), true],
  [planOf("POST /a", JSON_BODY), 307, "/b", planOf("POST /b", JSON_BODY)],
  [planOf("POST /a", JSON_BODY), 308, "/b", planOf("POST /b", JSON_BODY)],
  [planOf("PUT /a", JSON_BODY), 302, "/b", planOf("PUT /b", JSON_BODY)],
  [planOf("PUT /a", JSON_BODY), 303, "/b", planOf("GET /b"), true],
  [planOf("DELETE /a"), 301, "/b", planOf("DELETE /b")],
  [planOf("DELETE /a"), 303, "/b", planOf("GET /b"), true],
  [planOf("POST /a", STREAM), 303, "/b", planOf("GET /b"), true],
  [
    planOf("PUT /a", { ...JSON_BODY, expects: true }),
    303,
    "/b",
    planOf("GET /b"),
    true,
  ],
  [
    planOf("PUT /a", { ...JSON_BODY, expects: true }),
    307,
    "/b",
    planOf("PUT /b", { ...JSON_BODY, expects: true }),
  ],
  // The place, RFC 9110 section 10.2.2.
  [planOf("GET /a/b?c"), 302, "d", planOf("GET /a/d")],
  [planOf("GET /a/b?c"), 302, "?d", planOf("GET /a/b?d")],
  [planOf("GET /a/b?c"), 302, "../d#e", planOf("GET /d")],
  [planOf("GET /a"), 302, "http://a.test:80/b", planOf("GET /b")],
  [planOf("GET /a"), 302, "/\xc3\xa4", planOf("GET /%C3%A4")],
  [
    planOf("GET /a"),
    302,
    "//b.test/c",
    planOf("GET http://b.test/c", { isAway: true }),
  ],
  [
    planOf("GET /a"),
    302,
    "http://a.test:81/",
    planOf("GET http://a.test:81/", { isAway: true }),
  ],
  [
    planOf("GET /a"),
    302,
    "https://a.test/",
    planOf("GET https://a.test/", { isAway: true }),
  ],
  // The fields.
  [
    planOf("GET /a", { fields: FIELDS, data: "1234567" }),
    307,
    "/b",
    planOf("GET /b", { fields: FIELDS, data: "1234567" }),
  ],
  [
    planOf("POST /a", { fields: FIELDS, data: "1234567" }),
    303,
    "/b",
    planOf("GET /b", { fields: WITHOUT_BODY }),
    true,
  ],
  [
    planOf("PUT /a", { fields: FIELDS, data: "1234567" }),
    307,
    "http://b.test/",
    planOf("PUT http://b.test/", {
      fields: HARMLESS,
      data: "1234567",
      isAway: true,
    }),
  ],
  [
    planOf("POST /a", { fields: FIELDS, data: "1234567" }),
    302,
    "http://b.test/",
    planOf("GET http://b.test/", {
      fields: without(HARMLESS, "content-language", "content-length"),
      isAway: true,
    }),
    true,
  ],
  // Who is away stays it, also back at home.
  [
    planOf("GET http://b.test/", { isAway: true }),
    302,
    "http://a.test/",
    planOf("GET /", { isAway: true }),
  ],
  [
    planOf("GET http://b.test/", { isAway: true }),
    302,
    "/c",
    planOf("GET http://b.test/c", { isAway: true }),
  ],
  // A new place has done no harm yet.
  [planOf("GET /a", { placing: "new" }), 302, "/b", planOf("GET /b")],
  [planOf("GET /a", { placing: "alone" }), 302, "/b", planOf("GET /b")],
];

for (const [from, status, location, to, leavesBody = false] of REDIRECTS) {
  const name = `${from.method} ${from.origin}${from.target} by ${status} to ` +
    `${location} as ${to.method}` +
    (from.fields === null ? "" : " with its fields") +
    (from.expectsContinue ? " that expects" : "") +
    (from.placing === "shared" ? "" : ` that was ${from.placing}`) +
    (from.body?.isReplayable === false ? " with a stream" : "");
  Deno.test(`followUp() sends ${name}`, () => {
    const before = shown(from);
    const head = headOf(`${status} There`, `Location: ${location}`);
    const next = outcome(from, head, { redirects: 4, repeats: 3 });
    assertEquals(next.kind, "again");
    if (next.kind !== "again") return;
    assertEquals(shown(next.plan), shown(to));
    const { cause, lesson } = next;
    assertEquals([cause, next.leavesBody, lesson], [
      "redirected",
      leavesBody,
      null,
    ]);
    assertEquals(shown(from), before);
  });
}

const NOT_FOLLOWED: [
  name: string,
  code: string,
  head: string[],
  past?: Past,
][] = [
  ["one too many", "too-many-redirects", ["302 Found", "Location: /b"], {
    redirects: 5,
  }],
  [
    "one too many to nowhere",
    "too-many-redirects",
    ["302 Found", "Location: file:///"],
    { redirects: 5 },
  ],
  ["two places", "bad-location", [
    "302 Found",
    "Location: /b",
    "Location: /b",
  ]],
  ["no URL", "bad-location", ["302 Found", "Location: http://"]],
  ["another scheme", "bad-location", ["302 Found", "Location: file:///b"]],
  ["a user", "bad-location", ["302 Found", "Location: http://u:p@a.test/"]],
];

for (const [name, code, head, past] of NOT_FOLLOWED) {
  Deno.test(`followUp() fails for a redirect with ${name}`, () => {
    const next = outcome(planOf("GET /"), headOf(...head), past);
    assertEquals(next as unknown, { kind: "fail", code, lesson: null });
  });
}

// ---- Credentials ----------------------------------------------------------

const PAIR = ["u", "p"] as const;
const BASIC = "Basic dTpw";
const ASKS_BASIC = 'WWW-Authenticate: Basic realm="r"';
const ASKS_DIGEST = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"';

/** What comes of a 401: whether it goes again, and what is learnt of it. */
const CHALLENGES: [
  name: string,
  expected: "deliver" | "again",
  lesson: string | null,
  auth: ClientAuth | null,
  plan: RequestPlan,
  lines: string[],
  past?: Past,
][] = [
  ["Basic", "again", "basic", PAIR, planOf("GET /"), [ASKS_BASIC]],
  ["Digest", "again", "digest", PAIR, planOf("GET /"), [ASKS_DIGEST]],
  ["both", "again", "digest", PAIR, planOf("GET /"), [ASKS_BASIC, ASKS_DIGEST]],
  ["Digest for PUT", "again", "digest", PAIR, planOf("PUT /", JSON_BODY), [
    ASKS_DIGEST,
  ]],
  [
    "a bearer that was not sent",
    "again",
    null,
    { bearer: "t" },
    planOf("GET /"),
    [
      ASKS_BASIC,
    ],
  ],
  [
    "a bearer that was refused",
    "deliver",
    null,
    { bearer: "t" },
    planOf("GET /"),
    [ASKS_BASIC],
    { credentials: "Bearer t" },
  ],
  [
    "Basic that was refused",
    "deliver",
    null,
    PAIR,
    planOf("GET /"),
    [ASKS_BASIC],
    { credentials: BASIC },
  ],
  ["nobody", "deliver", null, null, planOf("GET /"), [ASKS_BASIC]],
  ["nothing that is known", "deliver", null, PAIR, planOf("GET /"), [
    "WWW-Authenticate: Negotiate",
  ]],
  ["no challenge", "deliver", null, PAIR, planOf("GET /"), []],
  [
    "another origin",
    "deliver",
    null,
    PAIR,
    planOf("GET http://b.test/", { isAway: true }),
    [ASKS_BASIC],
  ],
  [
    "the caller's own credentials",
    "deliver",
    null,
    PAIR,
    planOf("GET /", { fields: { authorization: "x" } }),
    [ASKS_BASIC],
  ],
  ["a third time", "again", "digest", PAIR, planOf("GET /"), [ASKS_DIGEST], {
    repeats: 2,
  }],
  ["a fourth time", "deliver", null, PAIR, planOf("GET /"), [ASKS_DIGEST], {
    repeats: 3,
  }],
  [
    "a body that is gone",
    "deliver",
    "digest",
    PAIR,
    planOf("PUT /", STREAM),
    [ASKS_DIGEST],
  ],
];

for (
  const [name, expected, lesson, auth, plan, lines, past] of CHALLENGES
) {
  Deno.test(`followUp() finds ${expected} for 401 with ${name}`, () => {
    const asked = auth === null ? null : new Authenticator(auth);
    const before = asked?.authorization("GET", "/", false);
    const head = headOf("401 Who", ...lines);
    const next = outcome(plan, head, { auth: asked, ...past });
    assertEquals(next.kind, expected);
    assertEquals(next.lesson?.kind ?? null, lesson);
    if (next.kind === "again") {
      assertEquals([next.cause, next.leavesBody], ["challenged", false]);
      assertEquals(next.plan, plan);
    }
    // Nothing was learnt by it, and the same again is the same.
    assertEquals(asked?.authorization("GET", "/", false), before);
    assertEquals(outcome(plan, head, { auth: asked, ...past }), next);
  });
}

Deno.test("followUp() asks a peer of TLS for Basic that one in the clear may not talk us into", () => {
  const auth = new Authenticator(PAIR);
  auth.challenged(['Digest realm="r", nonce="n", qop="auth"'], false, null);
  const head = headOf("401 Who", ASKS_BASIC);
  const over = (origin: string) =>
    outcome(planOf(`GET ${origin}/`), head, { auth }).kind;
  assertEquals(
    [over("http://a.test"), over("https://a.test")],
    ["deliver", "again"],
  );
});

/** Heads that say whether credentials were right, and what is learnt. */
const ACCEPTED: [
  name: string,
  head: string[],
  credentials: string | null,
  info: string | null | undefined,
][] = [
  ["200", ["200 OK"], BASIC, null],
  ["404", ["404 Not Found"], BASIC, null],
  ["304", ["304 Same"], BASIC, null],
  [
    "a nonce to come",
    ["200 OK", 'Authentication-Info: nextnonce="m"'],
    BASIC,
    'nextnonce="m"',
  ],
  [
    "two lines",
    [
      "200 OK",
      'Authentication-Info: nextnonce="m"',
      "Authentication-Info: a=b",
    ],
    BASIC,
    'nextnonce="m", a=b',
  ],
  [
    "nothing sent",
    ["200 OK", 'Authentication-Info: nextnonce="m"'],
    null,
    undefined,
  ],
  ["401", ["401 Who"], BASIC, undefined],
  ["407, which is a proxy's", ["407 Who"], BASIC, undefined],
  ["417", ["417 No"], BASIC, undefined],
  ["a redirect", ["302 Found"], BASIC, undefined],
];

for (const [name, head, credentials, info] of ACCEPTED) {
  const what = info === undefined ? "nothing" : "that credentials were right";
  Deno.test(`followUp() learns ${what} from ${name}`, () => {
    const auth = new Authenticator(PAIR);
    const next = outcome(planOf("GET /"), headOf(...head), {
      auth,
      credentials,
    });
    assertEquals(next, {
      kind: "deliver",
      lesson: info === undefined ? null : { kind: "accepted", info },
    });
  });
}

// ---- An expectation that is not met ---------------------------------------

Deno.test("followUp() sends the same without what was expected after 417", () => {
  const plan = planOf("PUT /a", {
    ...JSON_BODY,
    expects: true,
    placing: "new",
  });
  const expected: { cause: Cause; plan: RequestPlan } = {
    cause: "unexpected",
    plan: { ...plan, expectsContinue: false, placing: "shared" },
  };
  assertEquals(outcome(plan, headOf("417 No")), {
    kind: "again",
    leavesBody: false,
    lesson: null,
    ...expected,
  });
});

// ---- Lost connections -----------------------------------------------------

const LOSSES: [
  plan: RequestPlan,
  loss: Loss,
  next: Placing | null,
][] = [
  [planOf("GET /"), "own", null],
  [planOf("GET /"), "dead", "new"],
  [planOf("GET /"), "another", "alone"],
  [planOf("GET /", { placing: "alone" }), "own", null],
  [planOf("GET /", { placing: "alone" }), "dead", "new"],
  [planOf("GET /", { placing: "alone" }), "another", "alone"],
  [planOf("GET /", { placing: "new" }), "own", null],
  [planOf("GET /", { placing: "new" }), "dead", null],
  [planOf("GET /", { placing: "new" }), "another", "new"],
  // Methods, RFC 9110 section 9.2.2.
  [planOf("HEAD /"), "dead", "new"],
  [planOf("PUT /", JSON_BODY), "dead", "new"],
  [planOf("DELETE /"), "dead", "new"],
  [planOf("OPTIONS /"), "dead", "new"],
  [planOf("TRACE /"), "dead", "new"],
  [planOf("POST /", JSON_BODY), "dead", null],
  [planOf("POST /"), "another", null],
  [planOf("PATCH /", JSON_BODY), "another", null],
  [planOf("LOCK /"), "dead", null],
  [planOf("get /"), "dead", null],
  // Bodies.
  [planOf("PUT /", { form: new FormData() }), "dead", "new"],
  [planOf("PUT /", { data: new Blob(["a"]) }), "another", "alone"],
  [planOf("PUT /", STREAM), "dead", null],
  [planOf("PUT /", STREAM), "another", null],
];

for (const [plan, loss, placing] of LOSSES) {
  const body = plan.body === null
    ? "without a body"
    : plan.body.isReplayable
    ? `with ${plan.body.length} bytes`
    : "with a stream";
  Deno.test(`afterLoss() finds ${placing ?? "nothing"} for ${plan.method} ${body} that was ${plan.placing} and lost ${loss}`, () => {
    assertEquals(
      afterLoss(plan, loss),
      placing === null ? null : { ...plan, placing },
    );
  });
}
