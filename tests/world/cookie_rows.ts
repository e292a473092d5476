// Cookies as servers set them, each with what is sent back.

/** One `Set-Cookie`, set at http://host.test/dir/set. */
export interface WorldCookie {
  /** What all rows of a kind have in common; differences are named by it. */
  kind: string;
  line: string;
  /** What is sent back to http://host.test/dir/back; "" for nothing. */
  ours: string;
}

function rows(kind: string, all: Record<string, string>): WorldCookie[] {
  return Object.entries(all).map(([line, ours]) => ({ kind, line, ours }));
}

/** Lines that set a cookie `a=b`, or, with "", do not. */
function same(kind: string, lines: string[], ours = "a=b"): WorldCookie[] {
  return lines.map((line) => ({ kind, line, ours }));
}

const FUTURE = "Wed, 01 Jan 2031 10:00:00 GMT";
const PAST = "Wed, 01 Jan 2020 10:00:00 GMT";

/** All of them. */
export const worldCookies: WorldCookie[] = [
  ...rows("plain", {
    "a=b": "a=b",
    "a=b;": "a=b",
    "a=": "a=",
    "a=b=c": "a=b=c",
    " a = b ": "a=b",
    "a=b c": "a=b c",
    "a=b,c": "a=b,c",
    "a.b-c_d=e": "a.b-c_d=e",
    "a=%20%3B": "a=%20%3B",
    "a={x:1}": "a={x:1}",
    "__Host=b": "__Host=b",
  }),
  ...rows("a value in quotes", { 'a="b"': 'a="b"', 'a="b c"': 'a="b c"' }),
  ...same("a semicolon in quotes", ['a="b;c"'], 'a="b'),
  ...rows("no name", { "=b": "b", "b": "b" }),
  ...same("nothing", ["", "=", ";", " "], ""),
  ...rows("bytes beyond ASCII", { "a=\xe9": "a=\xe9" }),
  ...rows("an odd name", {
    "a b=c": "a b=c",
    "a@=b": "a@=b",
    "a[0]=b": "a[0]=b",
  }),
  ...same("a path", [
    "a=b; Path=/",
    "a=b; Path=/dir",
    "a=b; Path=/dir/",
    "a=b; path = /",
    "a=b; PATH=/dir",
    "a=b; Path=",
    "a=b; Path=dir",
    "a=b; Path",
  ]),
  ...same("another path", [
    "a=b; Path=/other",
    "a=b; Path=/di",
    "a=b; Path=/dir/back/more",
    "a=b; Path=/dirx",
  ], ""),
  ...same("a path in quotes", ['a=b; Path="/"']),
  ...same("a path twice", ["a=b; Path=/other; Path=/"]),
  ...same("a domain", [
    "a=b; Domain=host.test",
    "a=b; Domain=.host.test",
    "a=b; domain=HOST.test",
    "a=b; Domain=",
    "a=b; Domain",
  ]),
  ...same("another domain", [
    "a=b; Domain=other.test",
    "a=b; Domain=sub.host.test",
    "a=b; Domain=ost.test",
    "a=b; Domain=xhost.test",
    "a=b; Domain=127.0.0.1",
  ], ""),
  ...same("a domain of many", ["a=b; Domain=test"], ""),
  ...same("a time to come", [
    `a=b; Expires=${FUTURE}`,
    "a=b; Max-Age=60",
    "a=b; max-age=60; Path=/",
    `a=b; Max-Age=60; Expires=${PAST}`,
  ]),
  ...same("a date in another form", [
    "a=b; Expires=Wed, 01-Jan-2031 10:00:00 GMT",
    "a=b; Expires=Wed, 01-Jan-31 10:00:00 GMT",
    "a=b; Expires=Wednesday, 01-Jan-31 10:00:00 GMT",
    "a=b; Expires=Wed Jan  1 10:00:00 2031",
    "a=b; Expires=1 Jan 2031 10:00:00",
  ]),
  ...same("a time that is over", [
    `a=b; Expires=${PAST}`,
    "a=b; Max-Age=0",
    "a=b; Max-Age=-1",
    `a=b; Max-Age=0; Expires=${FUTURE}`,
    "a=b; Expires=Thu, 01-Jan-1970 00:00:00 GMT",
    "a=b; Expires=Thu, 01 Jan 1970 00:00:01 GMT",
  ], ""),
  ...same("a time that is none", [
    "a=b; Expires=tomorrow",
    "a=b; Expires=",
    "a=b; Expires=0",
    "a=b; Expires=Wed, 32 Jan 2031 10:00:00 GMT",
    "a=b; Max-Age=",
    "a=b; Max-Age=x",
    "a=b; Max-Age=1x",
  ]),
  ...same("Secure, from where it is not", [
    "a=b; Secure",
    "a=b; secure; Path=/",
  ], ""),
  ...same("other attributes", [
    "a=b; HttpOnly",
    "a=b; httponly; Path=/",
    "a=b; SameSite=Lax",
    "a=b; SameSite=Strict",
    "a=b; SameSite=x",
    "a=b; Priority=High",
    "a=b; Version=1",
    "a=b; Comment=x",
    "a=b;HttpOnly;Path=/",
    "a=b ; ; HttpOnly",
    "a=b; x; y=z; =; ==",
  ]),
  ...same("prefixes that promise more", [
    "__Secure-a=b; Path=/",
    "__Host-a=b; Path=/",
    "__Host-a=b",
  ], ""),
  ...same("a control byte", ["a=b\x01", "a\x01=b", "a=b\x7f"], ""),
  ...same("a tab in a value", ["a=b\tc"], "a=b\tc"),
];
