import {
  assert,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { Authenticator, type ClientAuth } from "../../client/authenticator.ts";
import {
  DigestGuard,
  type DigestGuardOptions,
} from "../support/digest_server.ts";
import { Scene } from "../support/serving.ts";

const PAIR = ["u", "p"] as const;
const BASIC = "Basic dTpw";
const ASKS_BASIC = 'Basic realm="r"';

/** A Digest challenge with some nonce. */
function asks(nonce: string, more = "", realm = "r"): string[] {
  return [`Digest realm="${realm}", nonce="${nonce}", qop=auth${more}`];
}

/** What was sent, in short: the scheme, or realm, nonce and count of Digest. */
function short(authorization: string | null): string | null {
  if (!authorization?.startsWith("Digest ")) return authorization;
  const value = (name: string) =>
    new RegExp(`[ ,]${name}="?([^",]*)`).exec(authorization)?.[1];
  return `${value("realm")} ${value("nonce")} ${Number(value("nc"))}`;
}

/** One side of a conversation, in plain text or over TLS. */
class Side {
  readonly authenticator: Authenticator;
  readonly #isSecure: boolean;

  constructor(auth: ClientAuth, isSecure = false) {
    this.authenticator = new Authenticator(auth);
    this.#isSecure = isSecure;
  }

  send(): string | null {
    return this.authenticator.authorization("GET", "/", this.#isSecure);
  }

  /** What a request is sent with, in short. */
  sent(): string | null {
    return short(this.send());
  }

  refused(used: string | null, ...lines: string[]): boolean {
    return this.authenticator.challenged(lines, this.#isSecure, used);
  }
}

/** A side that has learnt the nonce n1 and not used it. */
function begun(auth: ClientAuth = PAIR, isSecure = false): Side {
  const side = new Side(auth, isSecure);
  assertEquals(side.refused(side.send(), ...asks("n1")), true);
  return side;
}

// ---- Options --------------------------------------------------------------

const BAD: [auth: unknown, problem: string][] = [
  [undefined, "is not a user and a password"],
  [null, "is not a user and a password"],
  ["u:p", "is not a user and a password"],
  [{}, "is not a user and a password"],
  [[], "is not a user and a password"],
  [["u"], "is not a user and a password"],
  [["u", "p", "x"], "is not a user and a password"],
  [{ basic: "u:p" }, "is not a user and a password"],
  [{ digest: ["u"] }, "is not a user and a password"],
  [{ basic: PAIR, digest: PAIR }, "is not a user and a password, or one of"],
  [{ ntlm: PAIR }, "names a scheme"],
  [["u", 1], "not a string"],
  [{ basic: [null, "p"] }, "not a string"],
  [{ digest: ["u", undefined] }, "not a string"],
  [["u:v", "p"], "colon"],
  [{ basic: ["u:v", "p"] }, "colon"],
  [["u\n", "p"], "control character"],
  [["u", "\0"], "control character"],
  [{ basic: ["u", "\x7f"] }, "control character"],
  [{ digest: ["\x80", "p"] }, "control character"],
  [["\ud800", "p"], "half a character"],
  [{ digest: ["u", "\udc00"] }, "half a character"],
  [{ bearer: "" }, "bearer"],
  [{ bearer: "a b" }, "bearer"],
  [{ bearer: "a\r\nb: c" }, "bearer"],
  [{ bearer: "a=b" }, "bearer"],
  [{ bearer: "=" }, "bearer"],
  [{ bearer: "ü" }, "bearer"],
  [{ bearer: 1 }, "bearer"],
  [{ bearer: ["a"] }, "bearer"],
];

for (const [auth, problem] of BAD) {
  Deno.test(`Authenticator refuses ${Deno.inspect(auth)}`, () => {
    const error = assertThrows(
      () => new Authenticator(auth as ClientAuth),
      TypeError,
      problem,
    );
    assert(error.message.startsWith('Option "auth" '), error.message);
  });
}

const GOOD: [auth: ClientAuth, plain: string | null, tls: string | null][] = [
  [PAIR, null, BASIC],
  [["", ""], null, "Basic Og=="],
  [["u", ":p:"], null, "Basic dTo6cDo="],
  [["ü", "€"], null, "Basic w7w64oKs"],
  [["u\u0308", "€"], null, "Basic w7w64oKs"],
  [{ basic: PAIR }, BASIC, BASIC],
  [{ digest: PAIR }, null, null],
  [{ digest: ["u:v", "p"] }, null, null],
  [{ bearer: "aZ09-._~+/==" }, "Bearer aZ09-._~+/==", "Bearer aZ09-._~+/=="],
  [{ basic: PAIR, bearer: undefined } as ClientAuth, BASIC, BASIC],
];

for (const [auth, plain, tls] of GOOD) {
  Deno.test(`Authenticator.authorization() starts with ${plain} or ${tls} for ${Deno.inspect(auth)}`, () => {
    assertEquals(new Side(auth).send(), plain);
    assertEquals(new Side(auth, true).send(), tls);
  });
}

Deno.test("Authenticator shows no password when it is printed", () => {
  for (const auth of [["u", "secret"], { digest: ["u", "secret"] }]) {
    const side = begun(auth as unknown as ClientAuth);
    assert(!/secret/.test(Deno.inspect(side.authenticator, { depth: 9 })));
  }
});

// ---- One request after the other ------------------------------------------

Deno.test("Authenticator.challenged() gives false when basic or bearer was refused", () => {
  for (const auth of [{ basic: PAIR }, { bearer: "t" }] as ClientAuth[]) {
    const side = new Side(auth);
    const used = side.send();
    for (const line of [ASKS_BASIC, asks("n1")[0], "Bearer", ""]) {
      assertEquals(side.refused(used, line), false);
    }
    assertEquals(side.send(), used);
    assertEquals(side.refused(null, ASKS_BASIC), true);
  }
});

Deno.test("Authenticator uses Basic in plain text once it was asked to", () => {
  const side = new Side(PAIR);
  assertEquals(side.refused(null, ASKS_BASIC), true);
  assertEquals(side.send(), BASIC);
  assertEquals(side.send(), BASIC);
  assertEquals(side.refused(BASIC, ASKS_BASIC), false);
  assertEquals(side.send(), BASIC);
});

Deno.test("Authenticator takes Digest rather than Basic, and remembers it", () => {
  const side = new Side(PAIR);
  assertEquals(side.refused(null, ASKS_BASIC, ...asks("n1")), true);
  assertEquals(side.sent(), "r n1 1");
  assertEquals(side.sent(), "r n1 2");
});

Deno.test("Authenticator takes the best of several Digest challenges", () => {
  const side = new Side(PAIR);
  const offers = ["MD5", "SHA-256", "SHA-512-256", "SHA-512"].map((algorithm) =>
    asks("n-" + algorithm, `, algorithm=${algorithm}`)[0]
  );
  assertEquals(side.refused(null, [ASKS_BASIC, ...offers].join(", ")), true);
  assertEquals(side.sent(), "r n-SHA-512-256 1");
});

Deno.test("Authenticator turns to Digest over TLS when Basic was refused", () => {
  const side = begun(PAIR, true);
  assertEquals(side.sent(), "r n1 1");
});

const NOT_ASKED = [
  "",
  "Bearer",
  "Negotiate YWJj",
  "Digest",
  'Digest realm="r", nonce="n1", qop="auth-int"',
  'Digest realm="r", nonce="n1", algorithm=SHA-1',
  'Digest realm="r", realm="r", nonce="n1"',
  'Digest realm="r", nonce="n1',
  `Digest realm="r", nonce="${"n".repeat(9000)}"`,
  'Digest realm="r", __proto__="n1"',
  ",".repeat(10_000),
];

for (const line of NOT_ASKED) {
  Deno.test(`Authenticator.challenged() gives false for ${line.slice(0, 60)}`, () => {
    for (const auth of [PAIR, { digest: PAIR }] as ClientAuth[]) {
      const side = new Side(auth);
      assertEquals(side.refused(null, line), false);
      assertEquals(side.send(), null);
    }
  });
}

Deno.test("Authenticator.challenged() falls back to Basic where Digest cannot be answered", () => {
  const side = new Side(PAIR);
  const other = 'Digest realm="r", nonce="n1", qop=auth-int';
  assertEquals(side.refused(null, other, ASKS_BASIC), true);
  assertEquals(side.send(), BASIC);
});

Deno.test("Authenticator never sends Basic for digest", () => {
  for (const isSecure of [false, true]) {
    const side = new Side({ digest: PAIR }, isSecure);
    assertEquals(side.refused(null, ASKS_BASIC), false);
    assertEquals(side.send(), null);
    assertEquals(side.refused(null, ...asks("n1")), true);
    assertEquals(side.refused(side.send(), ASKS_BASIC), false);
    assertEquals(side.sent(), "r n1 2");
  }
});

Deno.test("Authenticator is not talked out of Digest in plain text", () => {
  const side = begun();
  const used = side.send();
  assertEquals(side.refused(used, ASKS_BASIC), false);
  assertEquals(side.refused(null, ASKS_BASIC), false);
  // Nor after the credentials were refused.
  assertEquals(side.refused(used, ...asks("n2")), false);
  assertEquals(side.refused(null, ASKS_BASIC), false);
  assertEquals(side.send(), null);
});

Deno.test("Authenticator goes from Digest to Basic over TLS", () => {
  const side = begun(PAIR, true);
  assertEquals(side.refused(side.send(), ASKS_BASIC), true);
  assertEquals(side.send(), BASIC);
  assertEquals(side.refused(BASIC, ASKS_BASIC), false);
});

Deno.test("Authenticator.challenged() gives false when a fresh nonce was refused", () => {
  const side = begun();
  assertEquals(side.refused(side.send(), ...asks("n2")), false);
  // Each later request asks anew, and tries once.
  for (const nonce of ["n3", "n4"]) {
    assertEquals(side.send(), null);
    assertEquals(side.refused(null, ...asks(nonce)), true);
    const used = side.send();
    assertEquals(short(used), `r ${nonce} 1`);
    assertEquals(side.refused(used, ...asks(nonce + "b")), false);
  }
});

Deno.test("Authenticator.challenged() tries Digest once over TLS with a wrong password", () => {
  const side = begun(PAIR, true);
  const lines = [ASKS_BASIC, ...asks("n2")];
  assertEquals(side.refused(side.send(), ...lines), false);
});

Deno.test("Authenticator.challenged() takes a new nonce when the old one is stale", () => {
  const side = begun();
  for (let i = 1; i < 5; i++) {
    const used = side.send();
    assertEquals(short(used), `r n${i} 1`);
    assertEquals(
      side.refused(used, ...asks(`n${i + 1}`, ", stale=true")),
      true,
    );
  }
  assertEquals(
    side.refused(side.send(), ...asks("n6", ", stale=false")),
    false,
  );
});

Deno.test("Authenticator.challenged() gives false for the same nonce again", () => {
  const side = begun();
  assertEquals(side.refused(side.send(), ...asks("n1", ", stale=true")), false);
  assertEquals(side.refused(side.send(), ...asks("n1")), false);
  // And it is not counted from the start, which would look like a replay.
  assertEquals(side.sent(), "r n1 3");
});

Deno.test("Authenticator.challenged() gives true when another realm asks", () => {
  const side = begun();
  assertEquals(side.refused(side.send(), ...asks("m1", "", "s")), true);
  const used = side.send();
  assertEquals(short(used), "s m1 1");
  assertEquals(side.refused(used, ...asks("m2", "", "s")), false);
});

Deno.test("Authenticator.challenged() takes a new nonce when an accepted one was forgotten", () => {
  const side = begun();
  side.send();
  side.authenticator.learned(null);
  assertEquals(side.refused(side.send(), ...asks("n2")), true);
  const used = side.send();
  assertEquals(short(used), "r n2 1");
  // Now it is the password.
  assertEquals(side.refused(used, ...asks("n3")), false);
});

// ---- Many requests at once ------------------------------------------------

Deno.test("Authenticator.challenged() begins with one nonce when many were asked for", () => {
  const side = new Side(PAIR);
  for (let i = 1; i < 5; i++) {
    assertEquals(side.refused(null, ...asks(`n${i}`)), true);
  }
  assertEquals(side.sent(), "r n1 1");
});

Deno.test("Authenticator.challenged() gives true for a nonce that was replaced meanwhile", () => {
  const side = begun();
  const used = [side.send(), side.send(), side.send()];
  assertEquals(side.refused(used[1], ...asks("n2", ", stale=true")), true);
  assertEquals(side.refused(used[0], ...asks("n3", ", stale=true")), true);
  // A server that does not say that it is stale
  assertEquals(side.refused(used[2], ...asks("n4")), true);
  assertEquals(side.sent(), "r n2 1");
});

Deno.test("Authenticator.challenged() takes the realm that asked for an old nonce", () => {
  const side = begun();
  const used = side.send();
  assertEquals(side.refused(side.send(), ...asks("m1", "", "s")), true);
  assertEquals(side.refused(used, ...asks("n2")), true);
  assertEquals(side.sent(), "r n2 1");
});

Deno.test("Authenticator.challenged() gives false for all that a wrong password was sent with", () => {
  const side = begun();
  const used = Array.from({ length: 5 }, () => side.send());
  used.forEach((one, i) => {
    assertEquals(side.refused(one, ...asks(`x${i}`)), false);
  });
});

Deno.test("Authenticator.challenged() lets a wrong password loop in no order of answers", () => {
  // Eight requests with a server that knows neither password nor stale, and
  // answers in an order drawn by lot.
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed;
    const draw = (below: number) => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return Math.floor(state / 2 ** 31 * below);
    };
    const side = new Side(PAIR, seed % 2 === 0);
    const pending = Array.from({ length: 8 }, () => side.send());
    let answers = 0;
    while (pending.length > 0) {
      const [used] = pending.splice(draw(pending.length), 1);
      if (side.refused(used, ...asks(`n${++answers}`))) {
        pending.push(side.send());
      }
      assertLess(answers, 100, `Seed ${seed}`);
    }
  }
});

Deno.test("Authenticator.challenged() gives true for requests with Basic and nothing while Digest is learnt", () => {
  const side = new Side(PAIR, true);
  const used = [side.send(), side.send()];
  for (const one of used) {
    assertEquals(side.refused(one, ...asks("n-" + used.indexOf(one))), true);
  }
  assertEquals(side.sent(), "r n-0 1");
});

// ---- Authentication-Info --------------------------------------------------

Deno.test("Authenticator.learned() takes the next nonce", () => {
  const side = begun();
  const used = side.send();
  side.authenticator.learned('qop=auth, nextnonce="n2", nc=00000001');
  assertEquals(side.sent(), "r n2 1");
  // One with the nonce before may be refused meanwhile.
  assertEquals(side.refused(used, ...asks("n3", ", stale=true")), true);
  assertEquals(side.sent(), "r n2 2");
});

Deno.test("Authenticator.learned() knows the credentials for good with the next nonce", () => {
  const side = begun();
  side.send();
  side.authenticator.learned("nextnonce=n2");
  assertEquals(side.refused(side.send(), ...asks("n3")), true);
  assertEquals(side.refused(side.send(), ...asks("n4")), false);
});

const NOTHING_NEXT = [
  null,
  "",
  "qop=auth",
  'nextnonce=""',
  'nextnonce="n1"',
  'nextnonce="n2',
  "nextnonce=n2, nextnonce=n3",
  "Digest nextnonce=n2",
  `nextnonce="${"n".repeat(9000)}"`,
  ",".repeat(10_000),
];

for (const info of NOTHING_NEXT) {
  Deno.test(`Authenticator.learned() keeps the nonce for ${info?.slice(0, 50)}`, () => {
    const side = begun();
    side.send();
    side.authenticator.learned(info);
    assertEquals(side.sent(), "r n1 2");
  });
}

Deno.test("Authenticator.learned() keeps the nonce of a session's key", () => {
  const side = new Side(PAIR);
  side.refused(null, ...asks("n1", ", algorithm=SHA-256-sess"));
  side.send();
  side.authenticator.learned("nextnonce=n2");
  assertEquals(side.sent(), "r n1 2");
});

Deno.test("Authenticator.learned() does nothing without a session", () => {
  for (
    const auth of [PAIR, { digest: PAIR }, { basic: PAIR }, { bearer: "t" }]
  ) {
    const side = new Side(auth as ClientAuth);
    const before = side.send();
    side.authenticator.learned("nextnonce=n2");
    assertEquals(side.send(), before);
  }
});

// ---- What is hostile ------------------------------------------------------

Deno.test("Authenticator.challenged() finds the nonce in an answer for a long target", () => {
  const side = begun();
  const target = "/" + '"\\,= Digest nonce="n9" '.repeat(2000);
  const used = side.authenticator.authorization("GET", target, false);
  assertEquals(side.refused(used, ...asks("n2")), false);
});

Deno.test("Authenticator.challenged() finds the nonce beside odd names", () => {
  for (
    const user of ['"', "\\", "ü", 'x", nonce="n9', "€".repeat(3000)]
  ) {
    for (const more of ["", ", charset=UTF-8", ", userhash=true"]) {
      const side = new Side({ digest: [user, "p"] });
      assertEquals(side.refused(null, ...asks("n1", more)), true);
      const used = side.send()!;
      assert(/^[\t\x20-\x7e\x80-\xff]*$/.test(used), used);
      assertEquals(side.refused(used, ...asks("n2", more)), false);
    }
  }
});

Deno.test("Authenticator.challenged() throws for nothing", () => {
  const pieces = [
    "Digest ",
    "Basic",
    ' realm="r"',
    ",",
    " nonce=",
    '"n1"',
    "=",
    '"',
    "\\",
    "\0",
    "\xff",
    " qop=auth",
    " stale=true",
    " algorithm=MD5",
    "__proto__",
  ];
  let state = 1;
  const side = new Side(PAIR);
  for (let i = 0; i < 20_000; i++) {
    let line = "";
    for (let n = 0; n < 8; n++) {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      line += pieces[Math.floor(state / 2 ** 31 * pieces.length)];
    }
    side.refused(side.send(), line);
    side.authenticator.learned(line);
  }
});

Deno.test("Authenticator gives every request an answer of its own", () => {
  const side = begun();
  const seen = new Set(Array.from({ length: 100 }, () => side.send()));
  assertEquals(seen.size, 100);
  assertNotEquals(
    side.authenticator.authorization("GET", "/a", false),
    side.authenticator.authorization("GET", "/b", false),
  );
});

// ---- A server that checks -------------------------------------------------

/** Asks until it is let in or not worth it; the statuses that came. */
async function ask(
  scene: Scene,
  authenticator: Authenticator,
  tries = 3,
): Promise<number[]> {
  const client = await scene.connect();
  const statuses: number[] = [];
  for (const target of ["/", '/a?b="c"', "/d"]) {
    for (let i = 0; i < tries; i++) {
      const used = authenticator.authorization("GET", target, false);
      const line = used === null ? "" : `authorization: ${used}\r\n`;
      await client.send(`GET ${target} HTTP/1.1\r\nhost: a\r\n${line}\r\n`);
      const { status, headers } = await client.response();
      statuses.push(status);
      if (status !== 401) {
        authenticator.learned(headers["authentication-info"] ?? null);
        break;
      }
      const lines = headers["www-authenticate"].split("\n");
      if (!authenticator.challenged(lines, false, used)) break;
    }
  }
  return statuses;
}

async function guarded(
  options: Partial<DigestGuardOptions>,
  auth: ClientAuth,
  expected: number[],
  refused: string[],
): Promise<void> {
  const guard = new DigestGuard({
    user: "u",
    password: "p",
    inOrder: true,
    ...options,
  });
  await using scene = new Scene((client) => {
    if (guard.check(client)) client.respond("in");
  });
  const statuses = await ask(scene, new Authenticator(auth));
  assertEquals(statuses, expected);
  assertEquals(guard.refused, refused);
}

for (const algorithm of ["MD5", "SHA-256", "SHA-512-256"]) {
  for (const suffix of ["", "-sess"]) {
    for (const userhash of [false, true]) {
      for (const user of ["u", 'J\u00e4s\u00f8n "D" \\\\ *']) {
        const options = { algorithm: algorithm + suffix, userhash, user };
        Deno.test(`Authenticator is let in with ${Deno.inspect(options)}`, async () => {
          const login = [user, "Secret, or n\u00f6t?"] as const;
          await guarded(
            { ...options, password: login[1] },
            { digest: login },
            [401, 200, 200, 200],
            ["none"],
          );
        });
      }
    }
  }
}

Deno.test("Authenticator is let in when a nonce becomes stale", async () => {
  await guarded({ maxUses: 1 }, PAIR, [401, 200, 401, 200, 401, 200], [
    "none",
    "stale",
    "stale",
  ]);
});

Deno.test("Authenticator is kept out with a wrong password", async () => {
  await guarded({ password: "q" }, PAIR, [401, 401, 401, 401, 401, 401], [
    "none",
    "response",
    "none",
    "response",
    "none",
    "response",
  ]);
});

Deno.test("DigestGuard refuses what was sent before", async () => {
  const guard = new DigestGuard({ user: "u", password: "p" });
  await using scene = new Scene((client) => {
    if (guard.check(client)) client.respond("in");
  });
  const side = new Side(PAIR);
  assertEquals(side.refused(null, guard.challenge()), true);
  const one = side.send();
  const two = side.send();
  const client = await scene.connect();
  const cases: [used: string, status: number][] = [
    [two!, 200],
    [one!, 200],
    [one!, 401],
    [two!, 401],
    [two!.replace("nc=0000000", "nc=0000001"), 401],
    [two!.replace('response="', 'response="0'), 401],
    [two!.replace("qop=auth", 'qop="auth"'), 401],
  ];
  for (const [used, expected] of cases) {
    await client.send(
      `GET / HTTP/1.1\r\nhost: a\r\nauthorization: ${used}\r\n\r\n`,
    );
    assertEquals((await client.response()).status, expected);
  }
  assertEquals(guard.accepted, 2);
  assertEquals(guard.refused, [
    "replay",
    "replay",
    "response",
    "response",
    "malformed",
  ]);
  guard.forget();
  await client.send(
    `GET / HTTP/1.1\r\nhost: a\r\nauthorization: ${side.send()}\r\n\r\n`,
  );
  const { headers } = await client.response();
  assertEquals(headers["www-authenticate"].includes("stale=true"), true);
});
