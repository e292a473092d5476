import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { createHash } from "node:crypto";
import {
  bestDigest,
  type DigestOffer,
  DigestSession,
  readDigest,
  withNonce,
} from "../../client/digest.ts";
import { parseChallenges } from "../../parse/challenges.ts";

function offerOf(line: string): DigestOffer | null {
  return readDigest(parseChallenges([line])[0]);
}

/** The parameters of an answer, as written: quotes are left on. */
function written(authorization: string): Record<string, string> {
  assert(authorization.startsWith("Digest "), authorization);
  const parts = authorization.slice(7).match(
    /[\w*]+=(?:"(?:[^"\\]|\\.)*"|[^,"]*)(?=, |$)/g,
  )!;
  assertEquals("Digest " + parts.join(", "), authorization);
  return Object.fromEntries(
    parts.map((part) => {
      const equals = part.indexOf("=");
      return [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
}

function answer(
  line: string,
  [user, password]: [string, string] = ["u", "p"],
  cnonce = "c",
): Record<string, string> {
  const session = new DigestSession(user, password, offerOf(line)!, { cnonce });
  return written(session.authorization("GET", "/"));
}

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

const MUFASA: [string, string] = ["Mufasa", "Circle of Life"];
const JASON: [string, string] = ["J\u00e4s\u00f8n Doe", "Secret, or not?"];
const SECTION_391 =
  'Digest realm="http-auth@example.org", qop="auth, auth-int", ' +
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
  'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
const CNONCE_391 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
const SECTION_392 = 'Digest realm="api@example.org", qop="auth", ' +
  'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
  'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8';
const CNONCE_392 = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";

const VECTORS: {
  name: string;
  challenge: string;
  login: [string, string];
  target: string;
  cnonce: string;
  expected: Record<string, string>;
}[] = [
  {
    name: "RFC 7616 section 3.9.1, MD5",
    challenge: SECTION_391 + ", algorithm=MD5",
    login: MUFASA,
    target: "/dir/index.html",
    cnonce: CNONCE_391,
    expected: {
      username: '"Mufasa"',
      realm: '"http-auth@example.org"',
      uri: '"/dir/index.html"',
      algorithm: "MD5",
      nonce: '"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
      nc: "00000001",
      cnonce: `"${CNONCE_391}"`,
      qop: "auth",
      response: '"8ca523f5e9506fed4657c9700eebdbec"',
      opaque: '"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
    },
  },
  {
    name: "RFC 7616 section 3.9.1, SHA-256",
    challenge: SECTION_391 + ", algorithm=SHA-256",
    login: MUFASA,
    target: "/dir/index.html",
    cnonce: CNONCE_391,
    expected: {
      algorithm: "SHA-256",
      response:
        '"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
    },
  },
  {
    // The figures in the RFC itself are wrong: erratum 4897.
    name: "RFC 7616 section 3.9.2, SHA-512-256 with userhash",
    challenge: SECTION_392 + ", algorithm=SHA-512-256, userhash=true",
    login: JASON,
    target: "/doe.json",
    cnonce: CNONCE_392,
    expected: {
      username:
        '"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"',
      algorithm: "SHA-512-256",
      response:
        '"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"',
      userhash: "true",
    },
  },
  {
    name: "RFC 7616 section 3.9.2, without userhash",
    challenge: SECTION_392 + ", algorithm=SHA-512-256, userhash=false",
    login: JASON,
    target: "/doe.json",
    cnonce: CNONCE_392,
    expected: {
      "username*": "UTF-8''J%C3%A4s%C3%B8n%20Doe",
      response:
        '"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"',
    },
  },
  {
    name: "RFC 2617 section 3.5",
    challenge: 'Digest realm="testrealm@host.com", qop="auth,auth-int", ' +
      'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
      'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    login: ["Mufasa", "Circle Of Life"],
    target: "/dir/index.html",
    cnonce: "0a4f113b",
    expected: {
      username: '"Mufasa"',
      realm: '"testrealm@host.com"',
      nonce: '"dcd98b7102dd2f0e8b11d0f600bfb0c093"',
      uri: '"/dir/index.html"',
      qop: "auth",
      nc: "00000001",
      cnonce: '"0a4f113b"',
      response: '"6629fae49393a05397450978507c4ef1"',
      opaque: '"5ccc069c403ebaf9f0171e9517f40e41"',
    },
  },
  {
    // Erratum 749
    name: "RFC 2069 section 2.4",
    challenge: 'Digest realm="testrealm@host.com", ' +
      'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
      'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    login: ["Mufasa", "CircleOfLife"],
    target: "/dir/index.html",
    cnonce: "unused",
    expected: {
      username: '"Mufasa"',
      realm: '"testrealm@host.com"',
      nonce: '"dcd98b7102dd2f0e8b11d0f600bfb0c093"',
      uri: '"/dir/index.html"',
      response: '"1949323746fe6a43ef61f9606e7febea"',
      opaque: '"5ccc069c403ebaf9f0171e9517f40e41"',
    },
  },
];

for (const { name, challenge, login, target, cnonce, expected } of VECTORS) {
  Deno.test(`DigestSession.authorization() gives the answer of ${name}`, () => {
    const session = new DigestSession(...login, offerOf(challenge)!, {
      cnonce,
    });
    const parameters = written(session.authorization("GET", target));
    const isWhole = "uri" in expected;
    for (const [key, value] of Object.entries(expected)) {
      assertEquals(parameters[key], value, key);
    }
    if (isWhole) {
      assertEquals(
        Object.keys(parameters).sort(),
        Object.keys(expected).sort(),
      );
    }
    assertEquals("username" in parameters, !("username*" in parameters));
  });
}

for (
  const [algorithm, hash] of [
    ["MD5-sess", "md5"],
    ["sha-256-SESS", "sha256"],
    ["SHA-512-256-sess", "sha512-256"],
  ]
) {
  Deno.test(`DigestSession.authorization() puts the nonces into the key of ${algorithm}`, () => {
    const h = (text: string) => createHash(hash).update(text).digest("hex");
    const parameters = answer(
      `Digest realm="r", nonce="n", qop=auth, algorithm=${algorithm}`,
    );
    const key = h(`${h("u:r:p")}:n:c`);
    assertEquals(
      parameters.response,
      `"${h(`${key}:n:00000001:c:auth:${h("GET:/")}`)}"`,
    );
    assertEquals(parameters.algorithm, algorithm);
  });
}

Deno.test("DigestSession.authorization() counts requests, and keeps its cnonce", () => {
  const offer = offerOf('Digest realm="r", nonce="n", qop=auth')!;
  const session = new DigestSession("u", "p", offer);
  const seen = [];
  for (let i = 0; i < 17; i++) {
    seen.push(written(session.authorization("GET", "/")));
  }
  assertEquals(
    seen.map(({ nc }) => parseInt(nc, 16)),
    Array.from({ length: 17 }, (_, i) => i + 1),
  );
  assertEquals(seen[16].nc, "00000011");
  assertEquals(new Set(seen.map(({ cnonce }) => cnonce)).size, 1);
  assertEquals(new Set(seen.map(({ response }) => response)).size, 17);
});

Deno.test("DigestSession makes another cnonce each time", () => {
  const offer = offerOf('Digest realm="r", nonce="n", qop=auth')!;
  const [a, b] = [1, 2].map(() =>
    written(new DigestSession("u", "p", offer).authorization("GET", "/")).cnonce
  );
  assertMatch(a, /^"[0-9a-f]{32}"$/);
  assertNotEquals(a, b);
});

Deno.test("DigestSession.isSpent tells when the count is full", () => {
  const offer = offerOf('Digest realm="r", nonce="n", qop=auth')!;
  const session = new DigestSession("u", "p", offer, { count: 0xffff_fffe });
  assertEquals(session.isSpent, false);
  assertEquals(written(session.authorization("GET", "/")).nc, "ffffffff");
  assertEquals(session.isSpent, true);
});

Deno.test("DigestSession.isSpent stays false where nothing is counted", () => {
  const offer = offerOf('Digest realm="r", nonce="n"')!;
  const session = new DigestSession("u", "p", offer);
  session.authorization("GET", "/");
  assertEquals(session.isSpent, false);
});

Deno.test("DigestSession.authorization() quotes what must be, and hashes it plain", () => {
  const parameters = answer(
    'Digest realm="a\\"b\\\\c", nonce="\\"n", opaque="\\\\", qop=auth',
    ['u"\\', "p"],
  );
  assertEquals(parameters.username, '"u\\"\\\\"');
  assertEquals(parameters.realm, '"a\\"b\\\\c"');
  assertEquals(parameters.nonce, '"\\"n"');
  assertEquals(parameters.opaque, '"\\\\"');
  const key = md5('u"\\:a"b\\c:p');
  const response = md5(`${key}:"n:00000001:c:auth:${md5("GET:/")}`);
  assertEquals(parameters.response, `"${response}"`);
});

Deno.test("DigestSession.authorization() takes method and target as they are", () => {
  const offer = offerOf('Digest realm="r", nonce="n"')!;
  const session = new DigestSession("u", "p", offer);
  const target = '/a"b\\c?d=%22';
  const parameters = written(session.authorization("post", target));
  assertEquals(parameters.uri, '"/a\\"b\\\\c?d=%22"');
  const request = md5(`post:${target}`);
  assertEquals(parameters.response, `"${md5(`${md5("u:r:p")}:n:${request}`)}"`);
});

Deno.test("DigestSession.authorization() leaves the bytes of the realm as they came", () => {
  // UTF-8, one character a byte
  const parameters = answer('Digest realm="\xc3\xbc", nonce="n"', ["ü", "ü"]);
  assertEquals(parameters.realm, '"\xc3\xbc"');
  const response = md5(`${md5("ü:ü:ü")}:n:${md5("GET:/")}`);
  assertEquals(parameters.response, `"${response}"`);
});

const NAMES: [user: string, more: string, name: string, value: string][] = [
  ["ü", "", "username", '"\xc3\xbc"'],
  ["ü", ", charset=UTF-8", "username*", "UTF-8''%C3%BC"],
  ["ü", ", charset=utf-8", "username*", "UTF-8''%C3%BC"],
  ["ü", ", charset=x", "username", '"\xc3\xbc"'],
  ["ü", ", algorithm=SHA-256", "username*", "UTF-8''%C3%BC"],
  ["u\u0308", ", charset=UTF-8", "username*", "UTF-8''%C3%BC"],
  [
    "€'()*\"%",
    ", charset=UTF-8",
    "username*",
    "UTF-8''%E2%82%AC%27%28%29%2A%22%25",
  ],
  ["u v", ", charset=UTF-8", "username", '"u v"'],
  ["", "", "username", '""'],
  ["ü", ", userhash=true", "username", `"${md5("ü:r")}"`],
  ["u", ", userhash=TRUE", "username", `"${md5("u:r")}"`],
  ["u", ", userhash=false", "username", '"u"'],
];

for (const [user, more, name, value] of NAMES) {
  Deno.test(`DigestSession.authorization() names ${JSON.stringify(user)} with ${name} for "${more}"`, () => {
    const parameters = answer(`Digest realm="r", nonce="n", qop=auth${more}`, [
      user,
      "p",
    ]);
    assertEquals(parameters[name], value);
    assertEquals("username" in parameters, name === "username");
    assertEquals("username*" in parameters, name === "username*");
    assertEquals("userhash" in parameters, /userhash=true/i.test(more));
  });
}

Deno.test("DigestSession.authorization() composes the accents of a password", () => {
  const line = 'Digest realm="r", nonce="n"';
  assertEquals(answer(line, ["u", "u\u0308"]), answer(line, ["u", "\u00fc"]));
});

const LONG = "x".repeat(8190);
const UNUSABLE = [
  'Basic realm="r", nonce="n"',
  "Digest",
  "Digest YWJj",
  'Digest realm="r"',
  'Digest realm="r", nonce=""',
  "Digest realm=r, nonce=",
  'Digest realm="r", nonce="n", qop="auth-int"',
  'Digest realm="r", nonce="n", qop="authx"',
  `Digest realm="r", nonce="n", qop="${",".repeat(10_000)}"`,
  'Digest realm="r", nonce="n", qop=auth, algorithm=SHA-1',
  'Digest realm="r", nonce="n", qop=auth, algorithm=SHA-512',
  'Digest realm="r", nonce="n", qop=auth, algorithm=-sess',
  'Digest realm="r", nonce="n", qop=auth, algorithm=MD5-sess-sess',
  'Digest realm="r", nonce="n", qop=auth, algorithm=__proto__',
  'Digest realm="r", nonce="n", algorithm=SHA-256-sess',
  'Digest realm="r", nonce="n", algorithm=MD5-sess',
  `Digest realm="r", nonce="${LONG}xx", qop=auth`,
  `Digest realm="${LONG}xx", nonce="n", qop=auth`,
  `Digest realm="r", nonce="n", opaque="${LONG}x", qop=auth`,
];

for (const line of UNUSABLE) {
  Deno.test(`readDigest() refuses ${line.slice(0, 80)}`, () => {
    assertEquals(offerOf(line), null);
  });
}

const USABLE = [
  // Cameras
  'Digest nonce="n"',
  "Digest realm=, nonce=n",
  "Digest realm=IP Camera (0815), nonce=YWJj==, qop=auth",
  'Digest realm="r", nonce="n", qop=""',
  'Digest realm="r", nonce="n", qop=',
  'Digest realm="r", nonce="n", qop=auth,auth-int',
  'Digest realm="r", nonce="n", qop=auth-int, auth, algorithm=MD5',
  'Digest realm="r", nonce="n", qop=auth, algorithm=""',
  'Digest realm="r", nonce="n", qop=auth, algorithm=',
  'Digest realm="r", nonce="n", algorithm=SHA-256',
  'Digest realm="r", nonce="n", algorithm=SHA-512-256',
  'Digest realm="r", nonce="n", algorithm=SHA256',
  'Digest realm="r", nonce="n", qop=auth, algorithm=sha256',
  'Digest realm="", nonce="n"',
  'Digest realm="r", nonce="n", qop="auth-int,auth"',
  'Digest realm="r", nonce="n", qop=" AUTH "',
  `Digest realm="r", nonce="n", qop="${",".repeat(10_000)}auth"`,
  'Digest realm="r", nonce="n", algorithm="md5"',
  'Digest realm="r", nonce="n", qop=auth, algorithm=sha-256',
  `Digest realm="r", nonce="n", opaque="${LONG}", qop=auth`,
  'Digest realm="r", nonce="n", __proto__=x, constructor=y',
];

for (const line of USABLE) {
  Deno.test(`readDigest() takes ${line.slice(0, 80)}`, () => {
    assertNotEquals(offerOf(line), null);
  });
}

Deno.test("readDigest() sees that a nonce is stale", () => {
  for (
    const [stale, expected] of [["true", true], ["TRUE", true], [
      "false",
      false,
    ], ["1", false]]
  ) {
    const offer = offerOf(`Digest realm="r", nonce="n", stale=${stale}`);
    assertEquals(offer?.isStale, expected);
  }
  assertEquals(offerOf('Digest realm="r", nonce="n"')?.isStale, false);
});

const BEST: [algorithms: string[], best: string | null][] = [
  [["MD5", "SHA-256", "SHA-512-256"], "SHA-512-256"],
  [["SHA-512-256", "SHA-256", "MD5"], "SHA-512-256"],
  [["MD5", "SHA-256"], "SHA-256"],
  [["MD5", "SHA-256-sess", "SHA-256"], "SHA-256-sess"],
  [["SHA-3", "MD5"], "MD5"],
  [["SHA-3"], null],
  [[], null],
];

for (const [algorithms, best] of BEST) {
  Deno.test(`bestDigest() takes ${best} of ${algorithms.join(", ")}`, () => {
    const challenges = parseChallenges(
      algorithms.map((algorithm) =>
        `Digest realm="r", nonce="n", qop=auth, algorithm=${algorithm}`
      ),
    );
    assertEquals(bestDigest(challenges)?.algorithm ?? null, best);
  });
}

Deno.test("withNonce() gives the same offer with another nonce", () => {
  const offer = offerOf('Digest realm="r", nonce="n", qop=auth')!;
  assertEquals(withNonce(offer, "m"), { ...offer, nonce: "m" });
  for (const nonce of ["", "n", "x".repeat(8192)]) {
    assertEquals(withNonce(offer, nonce), null);
  }
  assertEquals(offer.nonce, "n");
});
