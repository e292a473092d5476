import { assert, assertEquals } from "@std/assert";
import {
  parseCookieDate,
  parseSetCookie,
  type SetCookie,
} from "../../parse/set_cookie.ts";
import { Random } from "../support/splits.ts";
import { assertLinear } from "../support/cost.ts";

/** What a cookie has where the line says nothing. */
const PLAIN: SetCookie = {
  name: "a",
  value: "1",
  expires: null,
  maxAge: null,
  domain: null,
  path: null,
  secure: false,
  httpOnly: false,
  sameSite: undefined,
  partitioned: false,
};

const { MAX_SAFE_INTEGER } = Number;
const X1024 = "x".repeat(1024);

const READ: [line: string, cookie: Partial<SetCookie> | null][] = [
  // Name and value.
  ["a=1", {}],
  ["a=1;", {}],
  ["a=1;;;", {}],
  [" \ta\t = \t1 ", {}],
  ["a=", { value: "" }],
  ["a=;Path=/", { value: "", path: "/" }],
  ["a==", { value: "=" }],
  ["a=b=c", { value: "b=c" }],
  ['a="1"', { value: '"1"' }],
  ['a="1;2"', { value: '"1' }],
  ["a=b c, d", { value: "b c, d" }],
  ["a=b\tc", { value: "b\tc" }],
  ["a b=1", { name: "a b" }],
  ["a=\xff\x80", { value: "\xff\x80" }],
  ["\xe9=1", { name: "\xe9" }],
  ["__proto__=1", { name: "__proto__" }],
  ["constructor=toString", { name: "constructor", value: "toString" }],
  ["A=1", { name: "A" }],
  // Without a name.
  ["a", { name: "", value: "a" }],
  ["=a", { name: "", value: "a" }],
  [" = a", { name: "", value: "a" }],
  ["==a", { name: "", value: "=a" }],
  ["a; Path=/b", { name: "", value: "a", path: "/b" }],
  ["a;b=1", { name: "", value: "a" }],
  ["__Host", { name: "", value: "__Host" }],
  ["__Secure", { name: "", value: "__Secure" }],
  ["__Secure-", null],
  ["__Secure-a", null],
  ["=__Secure-a", null],
  ["=__Host-a=1", null],
  ["= __hOsT-a=1", null],
  ["__SECURE-a; Path=/", null],
  ["__Host-a=1", { name: "__Host-a" }],
  // Nothing at all.
  ["", null],
  [" ", null],
  [";", null],
  ["=", null],
  [" = ; Path=/", null],
  [";a=1", null],
  ["; Path=/; Secure", null],
  // Control bytes.
  ["a=1\0", null],
  ["a=\x011", null],
  ["a=1\x08", null],
  ["a=1\n", null],
  ["a=1\r\nSet-Cookie: b=2", null],
  ["a=1\x1f", null],
  ["a=1\x7f", null],
  ["a=1; Path=/\0", null],
  ["a=1; b\n", null],
  ["\0", null],
  ["a=\u0100", null],
  ["a=\u010a", null],
  // Lengths.
  ["a=" + "x".repeat(4095), { value: "x".repeat(4095) }],
  ["a=" + "x".repeat(4096), null],
  ["x".repeat(4096), { name: "", value: "x".repeat(4096) }],
  ["x".repeat(4097), null],
  ["x".repeat(4096) + "=", { name: "x".repeat(4096), value: "" }],
  ["x".repeat(4096) + "=1", null],
  ["a=1" + " ".repeat(9000), {}],
  ["a=1; b=" + "x".repeat(9000), {}],
  ["a=1; Path=/" + X1024.slice(1), { path: "/" + X1024.slice(1) }],
  ["a=1; Path=/" + X1024, {}],
  ["a=1; Path=/b; Path=/" + X1024, { path: "/b" }],
  ["a=1; Domain=" + X1024, { domain: X1024 }],
  ["a=1; Domain=x" + X1024, {}],
  ["a=1; Secure=x" + X1024, {}],
  ["a=1; Max-Age=" + "9".repeat(1024), { maxAge: MAX_SAFE_INTEGER }],
  ["a=1; Max-Age=" + "9".repeat(1025), {}],
  // Max-Age.
  ["a=1; Max-Age=60", { maxAge: 60 }],
  ["a=1;max-age=60", { maxAge: 60 }],
  ["a=1 ;\tMAX-AGE \t=\t 060 ; b", { maxAge: 60 }],
  ["a=1; Max-Age=0", { maxAge: 0 }],
  ["a=1; Max-Age=-0", { maxAge: 0 }],
  ["a=1; Max-Age=-1", { maxAge: -1 }],
  ["a=1; Max-Age=-" + "9".repeat(999), { maxAge: -MAX_SAFE_INTEGER }],
  ["a=1; Max-Age", {}],
  ["a=1; Max-Age=", {}],
  ["a=1; Max-Age=-", {}],
  ["a=1; Max-Age=+1", {}],
  ["a=1; Max-Age=1.5", {}],
  ["a=1; Max-Age=1e3", {}],
  ["a=1; Max-Age=0x10", {}],
  ["a=1; Max-Age=1 0", {}],
  ['a=1; Max-Age="60"', {}],
  ["a=1; Max-Age=60; Max-Age=x", { maxAge: 60 }],
  ["a=1; Max-Age=60; Max-Age=5", { maxAge: 5 }],
  ["a=1; Max Age=60", {}],
  // Expires.
  ["a=1; Expires=Thu, 01 Jan 1970 00:00:01 GMT", { expires: 1000 }],
  ["a=1; expires=thu, 01-jan-70 00:00:01", { expires: 1000 }],
  ["a=1; Expires=0", {}],
  ["a=1; Expires", {}],
  ["a=1; Expires=1 Jan 1970 0:0:1; Expires=never", { expires: 1000 }],
  ["a=1; Expires=1 Jan 1970 0:0:1; Expires=1 Jan 1970 0:0:2", {
    expires: 2000,
  }],
  ["a=1; Expires=1 Jan 1970 0:0:1; Max-Age=5", { expires: 1000, maxAge: 5 }],
  // Domain.
  ["a=1; Domain=b.example", { domain: "b.example" }],
  ["a=1; Domain=.b.example", { domain: "b.example" }],
  ["a=1; Domain=..b.example", { domain: ".b.example" }],
  ["a=1; DOMAIN=B.Example", { domain: "b.example" }],
  ["a=1; Domain=b.example.", { domain: "b.example." }],
  ["a=1; Domain=", {}],
  ["a=1; Domain", {}],
  ["a=1; Domain=.", {}],
  ["a=1; Domain=b.example; Domain=c.example", { domain: "c.example" }],
  ["a=1; Domain=b.example; Domain=", {}],
  // Path.
  ["a=1; Path=/", { path: "/" }],
  ["a=1; path = /b c ", { path: "/b c" }],
  ["a=1; Path=/b=c", { path: "/b=c" }],
  ["a=1; Path=", {}],
  ["a=1; Path", {}],
  ["a=1; Path=b", {}],
  ['a=1; Path="/b"', {}],
  ["a=1; Path=/b; Path=/c", { path: "/c" }],
  ["a=1; Path=/b; Path=c", {}],
  // Flags.
  ["a=1; Secure", { secure: true }],
  ["a=1;secure", { secure: true }],
  ["a=1; Secure=false", { secure: true }],
  ["a=1; Secure; Secure", { secure: true }],
  ["a=1; Secure Path=/", {}],
  ["a=1, Secure", { value: "1, Secure" }],
  ["a=1; Secur", {}],
  ["a=1; HttpOnly", { httpOnly: true }],
  ["a=1; HTTPONLY=", { httpOnly: true }],
  ["a=1; Partitioned", { partitioned: true }],
  ["a=1; __proto__=1; constructor", {}],
  ["a=1; =Secure", {}],
  // SameSite.
  ["a=1; SameSite=Strict", { sameSite: "Strict" }],
  ["a=1; samesite=LAX", { sameSite: "Lax" }],
  ["a=1; SameSite=none", { sameSite: "None" }],
  ["a=1; SameSite", {}],
  ["a=1; SameSite=Laxer", {}],
  ["a=1; SameSite=Strict; SameSite=Lax", { sameSite: "Lax" }],
  ["a=1; SameSite=Strict; SameSite=huh", {}],
  // All at once.
  [
    "a=1;Domain=b.c;Path=/;Max-Age=1;Secure;HttpOnly;SameSite=None;Partitioned",
    {
      domain: "b.c",
      path: "/",
      maxAge: 1,
      secure: true,
      httpOnly: true,
      sameSite: "None",
      partitioned: true,
    },
  ],
];

for (const [line, cookie] of READ) {
  const what = line.length > 60 ? `${line.slice(0, 60)}...` : line;
  const verb = cookie === null ? "refuses" : "reads";
  Deno.test(`parseSetCookie() ${verb} ${JSON.stringify(what)} of ${line.length}`, () => {
    assertEquals(
      parseSetCookie(line),
      cookie === null ? null : { ...PLAIN, ...cookie },
    );
  });
}

Deno.test("parseSetCookie() refuses each control byte but HTAB anywhere", () => {
  for (let code = 0; code < 256; code++) {
    const char = String.fromCharCode(code);
    const isBad = code < 32 && code !== 9 || code === 127;
    for (const line of [`x${char}y=1`, `a=x${char}y`, `a=1; b=x${char}y`]) {
      assertEquals(parseSetCookie(line) === null, isBad, JSON.stringify(line));
    }
  }
});

Deno.test("parseSetCookie() reads a Max-Age of -0 as 0", () => {
  assert(Object.is(parseSetCookie("a=1; Max-Age=-0")?.maxAge, 0));
});

Deno.test("parseSetCookie() takes another limit on the length", () => {
  assertEquals(parseSetCookie("abc=de", 5), {
    ...PLAIN,
    name: "abc",
    value: "de",
  });
  assertEquals(parseSetCookie("abc=def", 5), null);
});

Deno.test("parseSetCookie() takes a line that was cut anywhere", () => {
  for (const [line] of READ) {
    for (let end = 0; end < Math.min(line.length, 300); end++) {
      const cookie = parseSetCookie(line.slice(0, end));
      if (cookie === null) continue;
      const { name, value } = cookie;
      assert(line.includes(name) && line.includes(value), line);
    }
  }
});

Deno.test("parseSetCookie() gives what can be sent back, whatever it reads", () => {
  const random = new Random(6265);
  const parts = "a=|=|;| |\t|\0|\x7f|\xff|__Host-|Path=/|Domain=.|Max-Age=-|" +
    'Expires=1 Jan 70 0:0:0|SameSite=|Secure|"|,|\\|__proto__|-|\r\n';
  const pieces = parts.split("|");
  for (let i = 0; i < 20_000; i++) {
    let line = "";
    for (let n = random.below(9); n >= 0; n--) {
      line += pieces[random.below(pieces.length)];
    }
    const cookie = parseSetCookie(line);
    if (cookie === null) continue;
    const { name, value, path, domain } = cookie;
    assert(name !== "" || value !== "", line);
    assertEquals([name, value], [name.trim(), value.trim()], line);
    for (const text of [name, value, path ?? "", domain ?? ""]) {
      // deno-lint-ignore no-control-regex
      assert(!/[;\0-\x08\x0a-\x1f\x7f]/.test(text), line);
    }
    assert(!name.includes("="), line);
    assert(path === null || path.startsWith("/"), line);
    const again = parseSetCookie(`${name}=${value}`);
    assertEquals([again?.name, again?.value], [name, value], line);
  }
});

Deno.test("parseSetCookie() reads a line of nothing but marks in linear time", () => {
  for (const mark of [";", "=", " ", ";=", "; ", "\t;"]) {
    assertLinear(mark, 1 << 19, (size) => {
      const marks = mark.repeat(size);
      return () => {
        parseSetCookie("a=1;" + marks);
        parseSetCookie(marks);
      };
    });
  }
});

const T = Date.UTC(2015, 9, 21, 7, 28, 0); // 21 October 2015, 7:28:00

const DATES: [text: string, time: number | null][] = [
  // The three formats of HTTP.
  ["Wed, 21 Oct 2015 07:28:00 GMT", T],
  ["Wednesday, 21-Oct-15 07:28:00 GMT", T],
  ["Wed Oct 21 07:28:00 2015", T],
  // Others that were seen.
  ["Wed, 21-Oct-2015 07:28:00 GMT", T],
  ["21 Oct 2015 07:28:00", T],
  ["21-oct-15 7:28:0", T],
  ["OCTOBER 21, 2015 07:28:00", T],
  ["2015 07:28:00 21 octopus", T],
  ["07:28:00 21 2015 Oct", T],
  ["21/Oct/2015/07:28:00", T],
  ["21;Oct;2015;07:28:00", T],
  ['"21 Oct 2015 07:28:00"', T],
  ["\t21  Oct\t2015  07:28:00 ", T],
  ["21 Oct 2015 07:28:00 +0200", T],
  ["21 Oct 2015 07:28:00 PST", T],
  ["21 Oct 2015 07:28:00.999", T],
  ["21 Oct 2015 07:28:00GMT", T],
  ["21st Oct 2015 07:28:00", T],
  ["21 Oct 2015AD 07:28:00", T],
  ["21 Oct 2015 07:28:00 08:00:00", T],
  ["21 22 Oct 2015 07:28:00", Date.UTC(2022, 9, 21, 7, 28)],
  ["Mon Tue 21 Foo Oct 2015 Bar 07:28:00", T],
  ["21 Oct Nov 2015 07:28:00", T],
  ["21 Oct 2015 2016 07:28:00", T],
  ["21\x7fst Oct 2015 07:28:00", T],
  // Of what there are two, the first one counts.
  ["1 Oct 2 1:1:1", null],
  ["1 Oct 02 1:1:1", Date.UTC(2002, 9, 1, 1, 1, 1)],
  ["02 Oct 1 1:1:1", null],
  // Years.
  ["1 Jan 70 0:0:0", 0],
  ["1 Jan 1970 0:0:0", 0],
  ["1 Jan 99 0:0:0", Date.UTC(1999, 0, 1)],
  ["1 Jan 00 0:0:0", Date.UTC(2000, 0, 1)],
  ["1 Jan 69 0:0:0", Date.UTC(2069, 0, 1)],
  ["1 Jan 099 0:0:0", Date.UTC(1999, 0, 1)],
  ["1 Jan 100 0:0:0", null],
  ["1 Jan 1600 0:0:0", null],
  ["1 Jan 1601 0:0:0", Date.UTC(1601, 0, 1)],
  ["31 Dec 9999 23:59:59", Date.UTC(9999, 11, 31, 23, 59, 59)],
  ["1 Jan 10000 0:0:0", null],
  ["1 Jan -1970 0:0:0", 0],
  // Days.
  ["0 Jan 1970 0:0:0", null],
  ["00 Jan 1970 0:0:0", null],
  ["31 Jan 1970 0:0:0", 30 * 86_400_000],
  ["32 Jan 1970 0:0:0", null],
  ["99 Jan 1970 0:0:0", null],
  ["001 Jan 1970 0:0:0", null],
  ["31 Apr 2015 0:0:0", null],
  ["29 Feb 2015 0:0:0", null],
  ["29 Feb 2016 0:0:0", Date.UTC(2016, 1, 29)],
  ["29 Feb 1900 0:0:0", null],
  ["29 Feb 2000 0:0:0", Date.UTC(2000, 1, 29)],
  ["30 Feb 2016 0:0:0", null],
  ["31 Dec 2015 0:0:0", Date.UTC(2015, 11, 31)],
  // Times.
  ["1 Jan 1970 23:59:59", 86_399_000],
  ["1 Jan 1970 24:00:00", null],
  ["1 Jan 1970 23:60:00", null],
  ["1 Jan 1970 23:59:60", null],
  ["1 Jan 1970 0:0", null],
  ["1 Jan 1970 000:00:00", null],
  ["1 Jan 1970 00:00:000", null],
  ["1 Jan 1970 00:00:00:00", 0],
  ["1 Jan 1970 00: 00:00", null],
  ["1 Jan 1970 -1:00:00", 3_600_000],
  // Something is missing.
  ["", null],
  [" ", null],
  ["Jan 1970 0:0:0", null],
  ["1 1970 0:0:0", null],
  ["1 Jan 0:0:0", null],
  ["1 Jan 1970", null],
  ["1 01 1970 0:0:0", null],
  ["2015-10-21T07:28:00Z", null],
  ["1445412480", null],
  ["never", null],
  ["1 J\xe4n 1970 0:0:0", null],
  ["1 Jan 1970 0:0:0\0", 0],
  ["1 __proto__ 1970 0:0:0", null],
];

for (const [text, time] of DATES) {
  const verb = time === null ? "refuses" : "reads";
  Deno.test(`parseCookieDate() ${verb} ${JSON.stringify(text)}`, () => {
    assertEquals(parseCookieDate(text), time);
  });
}

Deno.test("parseCookieDate() reads what toUTCString() writes", () => {
  for (let time = Date.UTC(1601, 0, 1); time < Date.UTC(9999, 0, 1);) {
    assertEquals(parseCookieDate(new Date(time).toUTCString()), time);
    time += 3_141_592_653_000;
  }
  const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  for (const [i, month] of months.entries()) {
    assertEquals(parseCookieDate(`1 ${month} 01 0:0:0`), Date.UTC(2001, i, 1));
  }
});

Deno.test("parseCookieDate() refuses a date that was cut anywhere", () => {
  // Its time comes last, and a day or year with fewer digits is one still.
  const text = "21 Oct 2015 07:28:00";
  for (let end = 0; end < text.length - 1; end++) {
    assertEquals(parseCookieDate(text.slice(0, end)), null, `${end}`);
  }
});
