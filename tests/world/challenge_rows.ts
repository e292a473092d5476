// Challenges as servers and devices write them, each with how we answer.

/** The lines of `WWW-Authenticate` of one response. */
export interface WorldChallenge {
  /** What all rows of a kind have in common; differences are named by it. */
  kind: string;
  lines: string[];
  /** How it is answered: scheme, realm, `qop` and algorithm; "none". */
  ours: string;
}

export const NONE = "none";

/** How an answer is written down; whoever gives none gives an empty one. */
export function answerOf(authorization: string): string {
  if (/^Basic /i.test(authorization)) return "basic";
  if (!/^Digest /i.test(authorization)) return NONE;
  const value = (name: string) =>
    new RegExp(`[ ,]${name}="?((?:[^"\\\\,]|\\\\.)*)`, "i").exec(authorization)
      ?.[1] ?? "";
  const algorithm = value("algorithm").toLowerCase() || "md5";
  return `digest ${JSON.stringify(value("realm"))} ${
    value("qop") || "-"
  } ${algorithm}`;
}

const digest = (realm = "r", qop = "-", algorithm = "md5") =>
  `digest ${JSON.stringify(realm)} ${qop} ${algorithm}`;

function rows(
  kind: string,
  all: Record<string, string>,
): WorldChallenge[] {
  return Object.entries(all).map(([line, ours]) => ({
    kind,
    lines: line.split("\n"),
    ours,
  }));
}

const N = 'nonce="abc"';

/** All of them. */
export const worldChallenges: WorldChallenge[] = [
  ...rows("Basic", {
    'Basic realm="r"': "basic",
    'basic realm="r"': "basic",
    'BASIC realm="r", charset="UTF-8"': "basic",
    'Basic realm=""': "basic",
    'Basic realm="a, b"': "basic",
  }),
  ...rows("Basic without quotes, or a realm", {
    "Basic realm=r": "basic",
    "Basic": "basic",
    "Basic realm=a b": "basic",
    "Basic realm=": "basic",
  }),
  ...rows("Digest of RFC 2069", {
    [`Digest realm="r", ${N}`]: digest(),
    [`Digest realm="r", ${N}, opaque="x"`]: digest(),
    [`Digest realm="r", ${N}, algorithm=MD5`]: digest(),
    [`Digest realm="r", ${N}, stale=FALSE`]: digest(),
  }),
  ...rows("Digest of RFC 2617", {
    [`Digest realm="r", ${N}, qop="auth"`]: digest("r", "auth"),
    [`Digest realm="r", ${N}, qop=auth`]: digest("r", "auth"),
    [`Digest realm="r", ${N}, qop="auth,auth-int"`]: digest("r", "auth"),
    [`Digest realm="r", ${N}, qop="auth", algorithm="MD5"`]: digest(
      "r",
      "auth",
    ),
    [`Digest realm="a b", ${N}, qop="auth"`]: digest("a b", "auth"),
    [`DIGEST REALM="r", NONCE="abc", QOP="auth"`]: digest("r", "auth"),
    [`Digest realm="r",${N},qop="auth"`]: digest("r", "auth"),
    [`Digest  realm="r" , ${N} , qop="auth"`]: digest("r", "auth"),
  }),
  ...rows("auth-int before auth", {
    [`Digest realm="r", ${N}, qop="auth-int, auth"`]: digest("r", "auth"),
  }),
  ...rows("quotes in a realm", {
    [`Digest realm="a\\"b", ${N}, qop="auth"`]: digest('a\\"b', "auth"),
  }),
  ...rows("Digest with SHA-256", {
    [`Digest realm="r", ${N}, qop="auth", algorithm=SHA-256`]: digest(
      "r",
      "auth",
      "sha-256",
    ),
  }),
  ...rows("SHA-256 without qop", {
    [`Digest realm="r", ${N}, algorithm=SHA-256`]: digest("r", "-", "sha-256"),
  }),
  ...rows("SHA256 without a dash", {
    [`Digest realm="r", ${N}, qop="auth", algorithm=SHA256`]: digest(
      "r",
      "auth",
      "sha256",
    ),
  }),
  ...rows("MD5-sess", {
    [`Digest realm="r", ${N}, qop="auth", algorithm=MD5-sess`]: digest(
      "r",
      "auth",
      "md5-sess",
    ),
  }),
  ...rows("MD5-sess without qop", {
    [`Digest realm="r", ${N}, algorithm=MD5-sess`]: NONE,
  }),
  ...rows("a realm of nothing, of cameras", {
    [`Digest realm="", ${N}`]: digest(""),
    [`Digest realm=, ${N}`]: digest(""),
    [`Digest ${N}, realm=`]: digest(""),
    [`Digest ${N}`]: digest(""),
  }),
  ...rows("values without quotes, of cameras", {
    "Digest realm=r, nonce=abc": digest(),
    "Digest realm=IP Camera, nonce=abc": digest("IP Camera"),
    "Digest realm=IP Camera(1), nonce=YWJj==, qop=auth": digest(
      "IP Camera(1)",
      "auth",
    ),
    'Digest realm=IP Camera, nonce="abc", qop="auth"': digest(
      "IP Camera",
      "auth",
    ),
  }),
  ...rows("a qop of nothing, or without quotes", {
    [`Digest realm="r", ${N}, qop=""`]: digest(),
    [`Digest realm="r", ${N}, qop=`]: digest(),
    [`Digest realm="r", qop=auth,auth-int, ${N}`]: digest("r", "auth"),
  }),
  ...rows("two ways", {
    [`Basic realm="r", Digest realm="r", ${N}, qop="auth"`]: digest(
      "r",
      "auth",
    ),
    [`Digest realm="r", ${N}, qop="auth", Basic realm="r"`]: digest(
      "r",
      "auth",
    ),
  }),
  ...rows("two ways on two lines", {
    [`Basic realm="r"\nDigest realm="r", ${N}, qop="auth"`]: digest(
      "r",
      "auth",
    ),
    [`Digest realm="r", ${N}, qop="auth"\nBasic realm="r"`]: digest(
      "r",
      "auth",
    ),
    ['Negotiate\nBasic realm="r"']: "basic",
  }),
  ...rows("two algorithms on two lines", {
    [
      `Digest realm="r", ${N}, qop="auth", algorithm=MD5\n` +
      `Digest realm="r", ${N}, qop="auth", algorithm=SHA-256`
    ]: digest("r", "auth", "sha-256"),
    [
      `Digest realm="r", ${N}, qop="auth", algorithm=SHA-256\n` +
      `Digest realm="r", ${N}, qop="auth", algorithm=MD5`
    ]: digest("r", "auth", "sha-256"),
  }),
  ...rows("others alone", {
    "Negotiate": NONE,
    "NTLM": NONE,
    'Bearer realm="r"': NONE,
    "": NONE,
  }),
  ...rows("what cannot be answered", {
    [`Digest realm="r", ${N}, qop="auth-int"`]: NONE,
    [`Digest realm="r", ${N}, qop="auth", algorithm=SHA-1`]: NONE,
    'Digest realm="r", qop="auth"': NONE,
    'Digest realm="r", nonce="", qop="auth"': NONE,
  }),
  ...rows("quotes that do not end", { [`Digest realm="r, ${N}`]: NONE }),
  ...rows("a parameter twice", {
    [`Digest realm="r", ${N}, nonce="def"`]: NONE,
    [`Digest realm="r", realm="s", ${N}`]: NONE,
  }),
];
