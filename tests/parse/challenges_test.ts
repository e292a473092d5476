import { assertEquals } from "@std/assert";
import {
  type Challenge,
  parseAuthParameters,
  parseChallenges,
} from "../../parse/challenges.ts";
import { assertLinear } from "../support/cost.ts";

type Row = [scheme: string, parameters: [string, string][], token68?: string];

function plain(challenges: Challenge[]): Row[] {
  return challenges.map(({ scheme, token68, parameters }) =>
    token68 === null
      ? [scheme, Object.entries(parameters)]
      : [scheme, Object.entries(parameters), token68]
  );
}

const BASIC: Row = ["basic", [["realm", "x"]]];

const ONE_LINE: Record<string, Row[]> = {
  "": [],
  " , ,\t,": [],
  // RFC 9110 section 11.6.1
  'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""':
    [
      ["basic", [["realm", "simple"]]],
      ["newauth", [["realm", "apps"], ["type", "1"], [
        "title",
        'Login to "apps"',
      ]]],
    ],
  'BASIC REALM="x"': [BASIC],
  "Basic": [["basic", []]],
  "Basic ": [["basic", []]],
  "Negotiate, NTLM": [["negotiate", []], ["ntlm", []]],
  "Negotiate YWJj": [["negotiate", [], "YWJj"]],
  "Negotiate YW+/-._~==": [["negotiate", [], "YW+/-._~=="]],
  'Negotiate a= , Basic realm="x"': [["negotiate", [], "a="], BASIC],
  "A b, C d": [["a", [], "b"], ["c", [], "d"]],
  'Basic realm = "x"': [BASIC],
  'Basic\trealm\t=\t"x"\t': [BASIC],
  "Basic  realm=x": [BASIC],
  'A b=c,D e=f ,g="h"': [["a", [["b", "c"]]], ["d", [["e", "f"], [
    "g",
    "h",
  ]]]],
  ',, Basic ,, realm="x",,': [BASIC],
  "Basic , a=b": [["basic", [["a", "b"]]]],
  'A b="", C d="\\\\"': [["a", [["b", ""]]], ["c", [["d", "\\"]]]],
  'A b="c, D e=f"': [["a", [["b", "c, D e=f"]]]],
  'A b="\u00fc\t"': [["a", [["b", "\u00fc\t"]]]],
  'A b="\\\u00fc"': [["a", [["b", "\u00fc"]]]],
  "A username*=UTF-8''J%C3%BC": [["a", [["username*", "UTF-8''J%C3%BC"]]]],
  "__proto__ __proto__=a, constructor=b": [
    ["__proto__", [["__proto__", "a"], ["constructor", "b"]]],
  ],
  // A parameter without a scheme
  "realm=x": [],
  'realm=x, Basic realm="x"': [BASIC],
  // Repeated parameters
  "A b=c, b=c": [],
  'A b=c, B="d", Basic realm="x"': [BASIC],
  "A __proto__=a, __proto__=b": [],
  // Broken quoting
  'A b="c': [],
  'A b="c\\': [],
  'A b="c\\"': [],
  'A b="': [],
  'A b="c"d, Basic realm="x"': [BASIC],
  'A b="c" d="e", Basic realm="x"': [BASIC],
  'A b="c" "d, Basic realm="x"': [],
  'A b="\x01", Basic realm="x"': [BASIC],
  'A b="\\\x01", Basic realm="x"': [BASIC],
  'A b="\x7f", Basic realm="x"': [BASIC],
  'A b="\u0100", Basic realm="x"': [BASIC],
  'A b=c"d, e", Basic realm="x"': [BASIC],
  // What is malformed otherwise
  'A b==c, Basic realm="x"': [BASIC],
  // As cameras write them
  'A b=, c=d, Basic realm="x"': [["a", [["b", ""], ["c", "d"]]], BASIC],
  'A b=c, d=, Basic realm="x"': [["a", [["b", "c"], ["d", ""]]], BASIC],
  'Digest realm=, nonce="n"': [["digest", [["realm", ""], ["nonce", "n"]]]],
  "Digest nonce=abc==, realm=": [["digest", [["nonce", "abc=="], [
    "realm",
    "",
  ]]]],
  "Digest realm=IP Camera(12345), nonce=ab/c+d==, qop=auth": [["digest", [
    ["realm", "IP Camera(12345)"],
    ["nonce", "ab/c+d=="],
    ["qop", "auth"],
  ]]],
  "Digest realm=Log in: \xfc@home; please , nonce=n": [["digest", [
    ["realm", "Log in: \xfc@home; please"],
    ["nonce", "n"],
  ]]],
  'Digest realm="r", qop=auth,auth-int, nonce="n"': [["digest", [
    ["realm", "r"],
    ["qop", "auth, auth-int"],
    ["nonce", "n"],
  ]]],
  "Digest qop=auth-int , auth": [["digest", [["qop", "auth-int, auth"]]]],
  'Digest qop=auth, Basic realm="x"': [["digest", [["qop", "auth"]]], BASIC],
  "Digest qop=auth, nonce=n, auth": [
    ["digest", [["qop", "auth"], ["nonce", "n"]]],
    ["auth", []],
  ],
  "Auth, auth-int": [["auth", []], ["auth-int", []]],
  'A b==, c=d, Basic realm="x"': [BASIC],
  'A b=c d=e, Basic realm="x"': [BASIC],
  'A b=c =, Basic realm="x"': [["a", [["b", "c ="]]], BASIC],
  'A b c, Basic realm="x"': [BASIC],
  'A b, c=d, Basic realm="x"': [BASIC],
  'A Basic realm="x"': [],
  'A =b, Basic realm="x"': [BASIC],
  'A b=c d, Basic realm="x"': [["a", [["b", "c d"]]], BASIC],
  'A b=c/d, Basic realm="x"': [["a", [["b", "c/d"]]], BASIC],
  '@, Basic realm="x"': [BASIC],
  'A\x01b=c, Basic realm="x"': [BASIC],
  '"A" b=c, Basic realm="x"': [BASIC],
  '=, Basic realm="x"': [BASIC],
  'A b=c, @, Basic realm="x"': [BASIC],
  'Basic realm="x", A b=c, d="': [BASIC],
  'Basic realm="x", A b=c d, @, e=f g': [BASIC],
};

for (const [line, expected] of Object.entries(ONE_LINE)) {
  Deno.test(`parseChallenges() reads ${JSON.stringify(line)}`, () => {
    assertEquals(plain(parseChallenges([line])), expected);
    const lines = ["A b=c", line, "Z y=x"];
    const last = plain(parseChallenges(lines)).at(-1);
    assertEquals(last, ["z", [["y", "x"]]]);
  });
}

const LINES: [lines: string[], expected: Row[]][] = [
  [[], []],
  [["", ""], []],
  [['Basic realm="x"', "Negotiate"], [BASIC, ["negotiate", []]]],
  [["A b=c", "d=e, Basic", "realm=x"], [
    ["a", [["b", "c"], ["d", "e"]]],
    BASIC,
  ]],
  [["A b=c", "b=d"], []],
  // A quoted string ends with its line.
  [['A b="c', 'd", Basic realm="x"'], []],
  [['A b="c', 'Basic realm="x"'], [BASIC]],
];

for (const [lines, expected] of LINES) {
  Deno.test(`parseChallenges() reads the lines ${JSON.stringify(lines)}`, () => {
    assertEquals(plain(parseChallenges(lines)), expected);
  });
}

Deno.test("parseChallenges() gives dictionaries without a prototype", () => {
  const [{ parameters }] = parseChallenges(["A __proto__=b"]);
  assertEquals(Object.getPrototypeOf(parameters), null);
  assertEquals(parameters["__proto__"], "b");
  assertEquals(parameters.constructor, undefined);
});

Deno.test("parseChallenges() never throws, wherever a line is cut", () => {
  const line = 'A b = "c\\"d", e=f, Negotiate YWJj==, , Basic realm="x"';
  for (let start = 0; start <= line.length; start++) {
    for (let end = start; end <= line.length; end++) {
      const part = line.slice(start, end);
      parseChallenges([part]);
      parseAuthParameters(part);
    }
  }
});

Deno.test("parseChallenges() takes time that grows with the length alone", () => {
  for (
    const unit of [
      ",",
      "a",
      "a,",
      "a ",
      "a b,",
      "a=b,",
      "=",
      "a=",
      '"',
      '\\"',
      "\\",
      'a="',
      'a=b",',
      " ",
      "\t,",
      "@",
      'A b="c",',
      "A b=c d,",
    ]
  ) {
    for (const before of ["", "A ", "A b=", 'A b="', 'A b="c"']) {
      assertLinear(before + unit, 1 << 17, (size) => {
        const text = before + unit.repeat(size / unit.length);
        return () => {
          parseChallenges([text]);
          parseAuthParameters(text);
        };
      });
    }
  }
});

const INFOS: Record<string, [string, string][]> = {
  "": [],
  'nextnonce="abc", qop=auth, nc=00000001': [
    ["nextnonce", "abc"],
    ["qop", "auth"],
    ["nc", "00000001"],
  ],
  ', NextNonce = "a\\"b" ,': [["nextnonce", 'a"b']],
  "nextnonce=a, nextnonce=b": [],
  'nextnonce="a': [],
  "nextnonce": [],
  "Digest nextnonce=a": [],
  "nextnonce=a, Digest b=c": [],
  "nextnonce=a, @, Digest b=c": [],
  "__proto__=a": [["__proto__", "a"]],
};

for (const [value, expected] of Object.entries(INFOS)) {
  Deno.test(`parseAuthParameters() reads ${JSON.stringify(value)}`, () => {
    const parameters = parseAuthParameters(value);
    assertEquals(Object.entries(parameters), expected);
    assertEquals(Object.getPrototypeOf(parameters), null);
  });
}
