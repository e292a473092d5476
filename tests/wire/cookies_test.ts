import { assertEquals, assertThrows } from "@std/assert";
import { parseCookies } from "../../parse.ts";
import { type CookieValue, writeCookie } from "../../wire/cookies.ts";

const VISIBLE = Array.from(
  { length: 94 },
  (_, i) => String.fromCharCode(0x21 + i),
);
const OCTETS = VISIBLE.filter((char) => !'",;\\'.includes(char)).join("");

const GOOD: [name: string, cookie: CookieValue, text: string][] = [
  ["id", "7", "id=7"],
  ["id", "", "id="],
  ["id", '"7"', 'id="7"'],
  ["id", '""', 'id=""'],
  ["id", OCTETS, `id=${OCTETS}`],
  ["!#$%&'*+-.^_`|~", "1", "!#$%&'*+-.^_`|~=1"],
  ["__proto__", "1", "__proto__=1"],
  ["id", null, "id=; Max-Age=0"],
  ["id", { value: "7" }, "id=7"],
  ["id", { value: "7", domain: "a.example" }, "id=7; Domain=a.example"],
  ["id", { value: "7", domain: ".a.example" }, "id=7; Domain=.a.example"],
  ["id", { value: "7", path: "/a b,c=d" }, "id=7; Path=/a b,c=d"],
  ["id", { value: "7", path: "/" }, "id=7; Path=/"],
  [
    "id",
    { value: "7", expires: new Date(0) },
    "id=7; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
  ],
  ["id", { value: "7", maxAge: 60 }, "id=7; Max-Age=60"],
  ["id", { value: "7", maxAge: 0 }, "id=7; Max-Age=0"],
  ["id", { value: "7", maxAge: -1 }, "id=7; Max-Age=-1"],
  ["id", { value: "7", secure: true }, "id=7; Secure"],
  ["id", { value: "7", secure: false }, "id=7"],
  ["id", { value: "7", httpOnly: true }, "id=7; HttpOnly"],
  ["id", { value: "7", sameSite: "Strict" }, "id=7; SameSite=Strict"],
  ["id", { value: "7", sameSite: "Lax" }, "id=7; SameSite=Lax"],
  [
    "id",
    { value: "7", sameSite: "None", secure: true },
    "id=7; Secure; SameSite=None",
  ],
  [
    "id",
    { value: "7", partitioned: true, secure: true },
    "id=7; Secure; Partitioned",
  ],
  [
    "id",
    {
      value: "7",
      domain: "a",
      path: "/b",
      expires: new Date(1e12),
      maxAge: 1,
      secure: true,
      httpOnly: true,
      sameSite: "Lax",
      partitioned: true,
    },
    "id=7; Domain=a; Path=/b; Expires=Sun, 09 Sep 2001 01:46:40 GMT; " +
    "Max-Age=1; Secure; HttpOnly; SameSite=Lax; Partitioned",
  ],
  ["__Secure-id", { value: "7", secure: true }, "__Secure-id=7; Secure"],
  [
    "__Host-id",
    { value: "7", secure: true, path: "/" },
    "__Host-id=7; Path=/; Secure",
  ],
  ["__Secure-id", null, "__Secure-id=; Max-Age=0; Secure"],
  ["__Host-id", null, "__Host-id=; Max-Age=0; Path=/; Secure"],
  ["__HOST-id", null, "__HOST-id=; Max-Age=0; Path=/; Secure"],
];

for (const [name, cookie, text] of GOOD) {
  Deno.test(`writeCookie() writes ${text}`, () => {
    assertEquals(writeCookie(name, cookie), text);
    const read = parseCookies(text.split("; ")[0]);
    const value = typeof cookie === "string" ? cookie : cookie?.value ?? "";
    assertEquals(read[name], value.replace(/^"(.*)"$/, "$1"));
  });
}

const BAD: [what: string, name: string, cookie: unknown][] = [
  ["an empty name", "", "1"],
  ["a name with a blank", "a b", "1"],
  ["a name with =", "a=b", "1"],
  ["a name with CR LF", "a\r\nX", "1"],
  ["a name beyond ASCII", "\u00e9", "1"],
  ...[
    " ",
    "a b",
    "a;b",
    "a,b",
    "a\\b",
    'a"b',
    '"a',
    'a"',
    '"',
    "a\0",
    "a\r\nSet-Cookie: b=c",
    "a\n",
    "\x7f",
    "\u00e9",
    "\u0100",
  ].map((value): [string, string, unknown] => [
    `the value ${JSON.stringify(value)}`,
    "a",
    value,
  ]),
  ["a value that is a number", "a", { value: 7 }],
  ["no value", "a", {}],
  ["an empty domain", "a", { value: "", domain: "" }],
  ["a domain with an attribute", "a", { value: "", domain: "b; Secure" }],
  ["a domain with CR LF", "a", { value: "", domain: "b\r\nX: y" }],
  ["a domain that ends in LF", "a", { value: "", domain: "b\n" }],
  ["a domain beyond ASCII", "a", { value: "", domain: "\u00e9.example" }],
  ["an empty path", "a", { value: "", path: "" }],
  ["a relative path", "a", { value: "", path: "b" }],
  ["a path with an attribute", "a", { value: "", path: "/; Secure" }],
  ["a path with CR LF", "a", { value: "", path: "/\r\nX: y" }],
  ["a path that ends in LF", "a", { value: "", path: "/\n" }],
  ["a path with NUL", "a", { value: "", path: "/\0" }],
  ["a path with DEL", "a", { value: "", path: "/\x7f" }],
  ["a path beyond ASCII", "a", { value: "", path: "/\u00e9" }],
  // Cut to bytes, these are CR and LF.
  ["a path of hidden CR LF", "a", { value: "", path: "/\u010d\u010aX: y" }],
  ["a date that is none", "a", { value: "", expires: new Date(NaN) }],
  ["half a second", "a", { value: "", maxAge: 0.5 }],
  ["an age of NaN", "a", { value: "", maxAge: NaN }],
  ["an endless age", "a", { value: "", maxAge: Infinity }],
  ["an unknown sameSite", "a", { value: "", sameSite: "lax" }],
  ["a sameSite with an attribute", "a", { value: "", sameSite: "Lax; a" }],
  ["None that is not secure", "a", { value: "", sameSite: "None" }],
  ["partitioned that is not secure", "a", { value: "", partitioned: true }],
  ["__Secure- that is not secure", "__Secure-a", "1"],
  ["__secure- that is not secure", "__secure-a", { value: "" }],
  ["__Host- that is not secure", "__Host-a", { value: "", path: "/" }],
  ["__Host- without a path", "__Host-a", { value: "", secure: true }],
  [
    "__Host- with a path below",
    "__Host-a",
    { value: "", secure: true, path: "/b" },
  ],
  [
    "__Host- with a domain",
    "__host-a",
    { value: "", secure: true, path: "/", domain: "b" },
  ],
];

for (const [what, name, cookie] of BAD) {
  Deno.test(`writeCookie() refuses ${what}`, () => {
    assertThrows(() => writeCookie(name, cookie as CookieValue), TypeError);
  });
}
