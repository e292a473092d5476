import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Cookie,
  CookieJar,
  type CookieJarOptions,
} from "../../client/cookie_jar.ts";
import { CookieStore } from "../../client/cookie_store.ts";
import type { CookieValue } from "../../wire/cookies.ts";
import { Random } from "../support/splits.ts";
import { assertLinear } from "../support/cost.ts";

// Far ahead, as what has ended by the real time is not listed.
const NOW = Date.UTC(2100, 0, 1);
const DAY = 86_400_000;

/** Stores, at `NOW`; a later line may come from another URL. */
function jarOf(url: string, lines: string[], jar = new CookieJar()): CookieJar {
  jar.store(new URL(url), lines, NOW);
  return jar;
}

function at(days: number): string {
  return new Date(NOW + days * DAY).toUTCString();
}

const HTTP = "http://a.example/";
const HTTPS = "https://a.example/";

interface Then {
  /** Milliseconds later. */
  after?: number;
  ownOnly?: boolean;
}

// What is set where, and what goes where then.
const ROWS: [
  what: string,
  url: string,
  lines: string[],
  later: string,
  header: string | null,
  then?: Then,
][] = [
  ["a cookie", HTTP, ["a=1"], HTTP, "a=1"],
  ["two cookies", HTTP, ["a=1", "b=2"], HTTP, "a=1; b=2"],
  ["an empty value", HTTP, ["a="], HTTP, "a="],
  ["a cookie without a name", HTTP, ["a"], HTTP, "a"],
  ["quotes as they came", HTTP, ['a="1"'], HTTP, 'a="1"'],
  ["bytes as they came", HTTP, ["a=\xff\t\xe9"], HTTP, "a=\xff\t\xe9"],
  ["__proto__", HTTP, ["__proto__=1", "a=2"], HTTP, "__proto__=1; a=2"],
  ["constructor", HTTP, ["constructor=1"], HTTP, "constructor=1"],
  ["names in any case apart", HTTP, ["a=1", "A=2"], HTTP, "a=1; A=2"],
  ["the later of two", HTTP, ["a=1", "a=2"], HTTP, "a=2"],
  ["the good among bad ones", HTTP, ["", "=", "a\0=1", "b=2"], HTTP, "b=2"],
  ["no huge cookie", HTTP, ["a=" + "x".repeat(4096), "b=2"], HTTP, "b=2"],
  ["no cookie with CR LF", HTTP, ["a=1\r\nX: y"], HTTP, null],
  ["no cookie that could pass for another", HTTP, ["=a=1"], HTTP, null],
  ["no nameless __Host-", HTTPS, ["=__Host-a=1; Secure"], HTTPS, null],
  ["no nameless __Secure-", HTTPS, ["__secure-a; Secure"], HTTPS, null],

  // Host-only: the very origin.
  ["not another host", HTTP, ["a=1"], "http://b.example/", null],
  ["not a host below", HTTP, ["a=1"], "http://x.a.example/", null],
  ["not the host above", "http://x.a.example/", ["a=1"], HTTP, null],
  ["not another port", HTTP, ["a=1"], "http://a.example:81/", null],
  [
    "the same port",
    "http://a.example:81/",
    ["a=1"],
    "http://a.example:81",
    "a=1",
  ],
  ["the default port, named", HTTP, ["a=1"], "http://a.example:80/", "a=1"],
  ["not https", HTTP, ["a=1"], HTTPS, null],
  ["not http", HTTPS, ["a=1"], HTTP, null],
  ["a host in another case", HTTP, ["a=1"], "http://A.Example/", "a=1"],
  [
    "a host with a dot behind is another",
    HTTP,
    ["a=1"],
    "http://a.example./",
    null,
  ],
  [
    "user and password do not count",
    HTTP,
    ["a=1"],
    "http://u:p@a.example/",
    "a=1",
  ],
  ["ws as http", HTTP, ["a=1"], "ws://a.example/", "a=1"],
  ["wss as https", HTTPS, ["a=1; Secure"], "wss://a.example/", "a=1"],
  ["set by wss", "wss://a.example/", ["a=1; Secure"], HTTPS, "a=1"],
  ["not ws from https", HTTPS, ["a=1"], "ws://a.example/", null],
  ["not ftp", "ftp://a.example/", ["a=1"], "ftp://a.example/", null],
  ["not data", "data:,", ["a=1"], "data:,", null],
  ["an address", "http://127.0.0.1/", ["a=1"], "http://127.0.0.1/", "a=1"],
  [
    "an address in another form",
    "http://127.0.0.1/",
    ["a=1"],
    "http://0x7f.1/",
    "a=1",
  ],
  ["an IPv6 address", "http://[::1]/", ["a=1"], "http://[0::1]/", "a=1"],
  ["localhost", "http://localhost:1/", ["a=1"], "http://localhost:1/", "a=1"],
  [
    "an IDN host",
    "http://b\xfccher.example/",
    ["a=1"],
    "http://xn--bcher-kva.example/",
    "a=1",
  ],

  // Domain.
  ["a domain", HTTP, ["a=1; Domain=a.example"], HTTP, "a=1"],
  ["a domain with a dot", HTTP, ["a=1; Domain=.a.example"], HTTP, "a=1"],
  ["a domain in another case", HTTP, ["a=1; Domain=A.EXAMPLE"], HTTP, "a=1"],
  [
    "a host below",
    HTTP,
    ["a=1; Domain=a.example"],
    "http://x.y.a.example/",
    "a=1",
  ],
  [
    "a domain above",
    "http://x.y.a.example/",
    ["a=1; Domain=a.example"],
    HTTP,
    "a=1",
  ],
  [
    "a host beside",
    "http://x.a.example/",
    ["a=1; Domain=a.example"],
    "http://y.a.example/",
    "a=1",
  ],
  [
    "not above the domain",
    "http://x.y.b.example/",
    ["a=1; Domain=y.b.example"],
    "http://b.example/",
    null,
  ],
  [
    "a domain on another port",
    HTTP,
    ["a=1; Domain=a.example"],
    "http://a.example:81/",
    "a=1",
  ],
  [
    "a domain from http on https",
    HTTP,
    ["a=1; Domain=a.example"],
    HTTPS,
    "a=1",
  ],
  [
    "a domain from https on https",
    HTTPS,
    ["a=1; Domain=a.example"],
    "https://x.a.example:8443/",
    "a=1",
  ],
  [
    "not a domain from https on http",
    HTTPS,
    ["a=1; Domain=a.example"],
    HTTP,
    null,
  ],
  [
    "not a part of a label",
    HTTP,
    ["a=1; Domain=a.example"],
    "http://ba.example/",
    null,
  ],
  [
    "no domain that is a part of a label",
    "http://ba.example/",
    ["a=1; Domain=a.example"],
    "http://ba.example/",
    null,
  ],
  [
    "no domain that is a part of a label, for it",
    "http://ba.example/",
    ["a=1; Domain=a.example"],
    HTTP,
    null,
  ],
  ["no domain of another", HTTP, ["a=1; Domain=b.example"], HTTP, null],
  [
    "no domain of another, for it",
    HTTP,
    ["a=1; Domain=b.example"],
    "http://b.example/",
    null,
  ],
  ["no domain below", HTTP, ["a=1; Domain=x.a.example"], HTTP, null],
  ["no domain without a dot", HTTP, ["a=1; Domain=example"], HTTP, null],
  ["no domain of dot and label", HTTP, ["a=1; Domain=.example"], HTTP, null],
  [
    "no label with a dot behind",
    "http://a.example./",
    ["a=1; Domain=example."],
    "http://a.example./",
    null,
  ],
  ["no domain with a dot behind", HTTP, ["a=1; Domain=a.example."], HTTP, null],
  ["no domain of two dots", HTTP, ["a=1; Domain=..a.example"], HTTP, null],
  ["an empty domain is none", HTTP, ["a=1; Domain="], HTTP, "a=1"],
  [
    "an empty domain is host-only",
    HTTP,
    ["a=1; Domain="],
    "http://x.a.example/",
    null,
  ],
  [
    "an empty domain takes one before it back",
    HTTP,
    ["a=1; Domain=a.example; Domain="],
    "http://x.a.example/",
    null,
  ],
  [
    "localhost as a domain",
    "http://localhost/",
    ["a=1; Domain=localhost"],
    "http://localhost/",
    "a=1",
  ],
  [
    "localhost as a domain is host-only",
    "http://localhost/",
    ["a=1; Domain=localhost"],
    "http://x.localhost/",
    null,
  ],
  [
    "localhost as a domain is of its port",
    "http://localhost:1/",
    ["a=1; Domain=localhost"],
    "http://localhost:2/",
    null,
  ],
  [
    "no localhost from below",
    "http://x.localhost/",
    ["a=1; Domain=localhost"],
    "http://x.localhost/",
    null,
  ],
  [
    "an address as a domain",
    "http://127.0.0.1/",
    ["a=1; Domain=127.0.0.1"],
    "http://127.0.0.1/",
    "a=1",
  ],
  [
    "no part of an address",
    "http://127.0.0.1/",
    ["a=1; Domain=0.0.1"],
    "http://127.0.0.1/",
    null,
  ],
  [
    "no other address",
    "http://127.0.0.1/",
    ["a=1; Domain=127.0.0.2"],
    "http://127.0.0.1/",
    null,
  ],
  [
    "an IPv6 address as a domain",
    "http://[::1]/",
    ["a=1; Domain=[::1]"],
    "http://[::1]/",
    "a=1",
  ],
  [
    "no IPv6 address without brackets",
    "http://[::1]/",
    ["a=1; Domain=::1"],
    "http://[::1]/",
    null,
  ],
  [
    "an IDN domain",
    "http://x.b\xfccher.example/",
    ["a=1; Domain=xn--bcher-kva.example"],
    "http://b\xfccher.example/",
    "a=1",
  ],
  [
    "no domain beyond ASCII",
    "http://b\xfccher.example/",
    ["a=1; Domain=b\xfccher.example"],
    "http://b\xfccher.example/",
    null,
  ],
  ["__proto__ as a domain", HTTP, ["a=1; Domain=__proto__"], HTTP, null],
  [
    "host-only and domain apart",
    HTTP,
    ["a=1", "a=2; Domain=a.example"],
    HTTP,
    "a=1; a=2",
  ],

  // Path.
  [
    "the default path",
    "http://a.example/x/y",
    ["a=1"],
    "http://a.example/x/z",
    "a=1",
  ],
  [
    "the folder itself",
    "http://a.example/x/y",
    ["a=1"],
    "http://a.example/x",
    "a=1",
  ],
  ["not above the default path", "http://a.example/x/y", ["a=1"], HTTP, null],
  [
    "not beside the default path",
    "http://a.example/x/y",
    ["a=1"],
    "http://a.example/xy",
    null,
  ],
  [
    "a default path of /",
    "http://a.example/x",
    ["a=1"],
    "http://a.example/y/z",
    "a=1",
  ],
  [
    "a default path that ends in /",
    "http://a.example/x/y/",
    ["a=1"],
    "http://a.example/x/y",
    "a=1",
  ],
  [
    "a query is no path",
    "http://a.example/x?/y/z",
    ["a=1"],
    "http://a.example/z",
    "a=1",
  ],
  ["a path", HTTP, ["a=1; Path=/x"], "http://a.example/x", "a=1"],
  ["a path below", HTTP, ["a=1; Path=/x"], "http://a.example/x/y/z", "a=1"],
  [
    "a path with a query",
    HTTP,
    ["a=1; Path=/x"],
    "http://a.example/x?y",
    "a=1",
  ],
  [
    "a path that ends in /",
    HTTP,
    ["a=1; Path=/x/"],
    "http://a.example/x/y",
    "a=1",
  ],
  [
    "not the path without its /",
    HTTP,
    ["a=1; Path=/x/"],
    "http://a.example/x",
    null,
  ],
  ["not a longer name", HTTP, ["a=1; Path=/x"], "http://a.example/xy", null],
  ["not in another case", HTTP, ["a=1; Path=/x"], "http://a.example/X", null],
  [
    "a path that is elsewhere",
    "http://a.example/y/",
    ["a=1; Path=/x"],
    "http://a.example/x",
    "a=1",
  ],
  [
    "a relative path is the default",
    "http://a.example/x/y",
    ["a=1; Path=z"],
    "http://a.example/x/",
    "a=1",
  ],
  [
    "an encoded path as it is",
    HTTP,
    ["a=1; Path=/%78"],
    "http://a.example/x",
    null,
  ],
  [
    "longer paths first",
    HTTP,
    ["a=1", "b=2; Path=/x", "c=3; Path=/x/y", "d=4; Path=/"],
    "http://a.example/x/y",
    "c=3; b=2; a=1; d=4",
  ],
  [
    "paths apart",
    HTTP,
    ["a=1; Path=/", "a=2; Path=/x"],
    "http://a.example/x",
    "a=2; a=1",
  ],

  // Secure, and the prefixes.
  ["secure", HTTPS, ["a=1; Secure"], HTTPS, "a=1"],
  ["no secure from http", HTTP, ["a=1; Secure"], HTTP, null],
  [
    "no secure from http, for https",
    HTTP,
    ["a=1; Secure; Domain=a.example"],
    HTTPS,
    null,
  ],
  [
    "no secure from localhost",
    "http://localhost/",
    ["a=1; Secure"],
    "http://localhost/",
    null,
  ],
  [
    "no secure from 127.0.0.1",
    "http://127.0.0.1/",
    ["a=1; Secure"],
    "http://127.0.0.1/",
    null,
  ],
  ["not secure on http", HTTPS, ["a=1; Secure; Domain=a.example"], HTTP, null],
  ["__Secure-", HTTPS, ["__Secure-a=1; Secure"], HTTPS, "__Secure-a=1"],
  ["no __Secure- without Secure", HTTPS, ["__Secure-a=1"], HTTPS, null],
  ["no __sECURE- without Secure", HTTPS, ["__sECURE-a=1"], HTTPS, null],
  ["no __Secure- from http", HTTP, ["__Secure-a=1; Secure"], HTTP, null],
  [
    "__Secure- with a domain",
    HTTPS,
    ["__Secure-a=1; Secure; Domain=a.example"],
    HTTPS,
    "__Secure-a=1",
  ],
  ["__Host-", HTTPS, ["__Host-a=1; Secure; Path=/"], HTTPS, "__Host-a=1"],
  ["no __Host- without Secure", HTTPS, ["__Host-a=1; Path=/"], HTTPS, null],
  ["no __Host- without Path", HTTPS, ["__Host-a=1; Secure"], HTTPS, null],
  [
    "no __Host- with a path below",
    HTTPS,
    ["__Host-a=1; Secure; Path=/x"],
    "https://a.example/x",
    null,
  ],
  [
    "no __Host- with a domain",
    HTTPS,
    ["__Host-a=1; Secure; Path=/; Domain=a.example"],
    HTTPS,
    null,
  ],
  ["no __HOST- without Secure", HTTPS, ["__HOST-a=1; Path=/"], HTTPS, null],
  ["no __Host- from http", HTTP, ["__Host-a=1; Secure; Path=/"], HTTP, null],
  [
    "names like the prefixes",
    HTTP,
    ["__Hosta=1", "_Host-b=2", "__c=3"],
    HTTP,
    "__Hosta=1; _Host-b=2; __c=3",
  ],
  ["HttpOnly", HTTP, ["a=1; HttpOnly"], HTTP, "a=1"],
  [
    "SameSite",
    HTTP,
    ["a=1; SameSite=Strict", "b=2; SameSite=Lax"],
    HTTP,
    "a=1; b=2",
  ],
  ["SameSite=None", HTTPS, ["a=1; SameSite=None; Secure"], HTTPS, "a=1"],
  [
    "no SameSite=None without Secure",
    HTTPS,
    ["a=1; SameSite=None"],
    HTTPS,
    null,
  ],
  ["Partitioned", HTTPS, ["a=1; Secure; Partitioned"], HTTPS, "a=1"],

  // Time.
  ["before Max-Age", HTTP, ["a=1; Max-Age=60"], HTTP, "a=1", { after: 59_999 }],
  ["not after Max-Age", HTTP, ["a=1; Max-Age=60"], HTTP, null, {
    after: 60_000,
  }],
  ["before Expires", HTTP, [`a=1; Expires=${at(1)}`], HTTP, "a=1", {
    after: DAY - 1,
  }],
  ["not after Expires", HTTP, [`a=1; Expires=${at(1)}`], HTTP, null, {
    after: DAY,
  }],
  [
    "Max-Age over Expires",
    HTTP,
    [`a=1; Max-Age=60; Expires=${at(2)}`],
    HTTP,
    null,
    { after: DAY },
  ],
  [
    "a longer Max-Age over Expires",
    HTTP,
    [`a=1; Max-Age=60; Expires=${at(-1)}`],
    HTTP,
    "a=1",
  ],
  [
    "a bad Max-Age not over Expires",
    HTTP,
    [`a=1; Max-Age=x; Expires=${at(-1)}`],
    HTTP,
    null,
  ],
  ["a bad date is none", HTTP, ["a=1; Expires=never"], HTTP, "a=1", {
    after: 1000 * DAY,
  }],
  ["a session without end", HTTP, ["a=1"], HTTP, "a=1", { after: 9999 * DAY }],
  ["Max-Age of 400 days", HTTP, ["a=1; Max-Age=999999999"], HTTP, "a=1", {
    after: 400 * DAY - 1,
  }],
  ["no Max-Age over 400 days", HTTP, ["a=1; Max-Age=999999999"], HTTP, null, {
    after: 400 * DAY,
  }],
  [
    "no Max-Age beyond numbers",
    HTTP,
    ["a=1; Max-Age=" + "9".repeat(999)],
    HTTP,
    null,
    { after: 400 * DAY },
  ],
  ["no Expires over 400 days", HTTP, [`a=1; Expires=${at(900)}`], HTTP, null, {
    after: 400 * DAY,
  }],
  ["not what has ended", HTTP, [`a=1; Expires=${at(-1)}`], HTTP, null],
  ["not what ends now", HTTP, [`a=1; Expires=${at(0)}`], HTTP, null],
  [
    "what ended takes along",
    HTTP,
    ["a=1", `a=2; Expires=${at(-1)}`],
    HTTP,
    null,
  ],
  ["Max-Age=0 deletes", HTTP, ["a=1", "b=2", "a=; Max-Age=0"], HTTP, "b=2"],
  ["Max-Age=-1 deletes", HTTP, ["a=1", "a=; Max-Age=-1"], HTTP, null],
  [
    "another path deletes nothing",
    HTTP,
    ["a=1", "a=; Max-Age=0; Path=/x"],
    HTTP,
    "a=1",
  ],
  [
    "another domain deletes nothing",
    HTTP,
    ["a=1", "a=; Max-Age=0; Domain=a.example"],
    HTTP,
    "a=1",
  ],
  [
    "an update without an end lasts",
    HTTP,
    ["a=1; Max-Age=1", "a=2"],
    HTTP,
    "a=2",
    { after: DAY },
  ],

  // Updates keep their place.
  ["an update in its place", HTTP, ["a=1", "b=2", "a=3"], HTTP, "a=3; b=2"],
  [
    "a new one behind",
    HTTP,
    ["a=1", "b=2", "a=; Max-Age=0", "a=3"],
    HTTP,
    "b=2; a=3",
  ],

  // Only what the origin has set itself.
  ["its own", HTTP, ["a=1"], HTTP, "a=1", { ownOnly: true }],
  ["its own domain", HTTP, ["a=1; Domain=a.example"], HTTP, "a=1", {
    ownOnly: true,
  }],
  [
    "not what a host beside set",
    "http://x.a.example/",
    ["a=1; Domain=a.example"],
    "http://y.a.example/",
    null,
    { ownOnly: true },
  ],
  [
    "not what a host below set",
    "http://x.a.example/",
    ["a=1; Domain=a.example"],
    HTTP,
    null,
    { ownOnly: true },
  ],
  [
    "not what another port set",
    "http://a.example:81/",
    ["a=1; Domain=a.example"],
    HTTP,
    null,
    { ownOnly: true },
  ],
  ["not what http set", HTTP, ["a=1; Domain=a.example"], HTTPS, null, {
    ownOnly: true,
  }],
];

for (const [what, url, lines, later, header, then = {}] of ROWS) {
  const own = then.ownOnly ? " with ownOnly" : "";
  Deno.test(`CookieJar.header() gives ${what}${own}`, () => {
    const { after = 0, ownOnly } = then;
    const jar = jarOf(url, lines);
    const now = NOW + after;
    assertEquals(jar.header(new URL(later), { ownOnly, now }), header);
    assertEquals(jar.header(new URL(later), { ownOnly, now }), header, "again");
    const copy = CookieJar.fromJSON(JSON.parse(JSON.stringify(jar)));
    assertEquals(copy.header(new URL(later), { ownOnly, now }), header, "copy");
    assertEquals([...copy], [...jar]);
  });
}

// What one URL has set, what another sets then, and what goes to a third.
const ALONE: [
  what: string,
  first: [url: string, line: string],
  second: [url: string, line: string],
  later: string,
  header: string | null,
][] = [
  [
    "keeps a secure cookie from http",
    [HTTPS, "a=1; Secure; Domain=a.example"],
    [HTTP, "a=2; Domain=a.example"],
    HTTPS,
    "a=1",
  ],
  [
    "keeps a secure cookie from a deletion",
    [HTTPS, "a=1; Secure; Domain=a.example"],
    [HTTP, "a=; Max-Age=0; Domain=a.example"],
    HTTPS,
    "a=1",
  ],
  [
    "keeps http from hiding a secure cookie",
    [HTTPS, "a=1; Secure"],
    [HTTP, "a=2; Domain=a.example"],
    HTTPS,
    "a=1",
  ],
  [
    "lets http set no cookie beside a secure one",
    [HTTPS, "a=1; Secure"],
    [HTTP, "a=2"],
    HTTP,
    null,
  ],
  [
    "keeps http below from hiding a secure cookie",
    [HTTPS, "a=1; Secure"],
    ["http://x.a.example/", "a=2; Domain=a.example"],
    HTTPS,
    "a=1",
  ],
  [
    "keeps http above from hiding a secure cookie",
    ["https://x.a.example/", "a=1; Secure"],
    [HTTP, "a=2; Domain=a.example"],
    "https://x.a.example/",
    "a=1",
  ],
  [
    "keeps a domain below from hiding a secure one",
    [HTTPS, "a=1; Secure; Domain=a.example"],
    ["http://x.a.example/", "a=2; Domain=x.a.example"],
    "https://x.a.example/",
    "a=1",
  ],
  [
    "lets http below set no cookie beside a secure one",
    [HTTPS, "a=1; Secure; Domain=a.example"],
    ["http://x.a.example/", "a=2"],
    "http://x.a.example/",
    null,
  ],
  [
    "keeps a path below a secure cookie's",
    [HTTPS, "a=1; Secure; Path=/x"],
    [HTTP, "a=2; Path=/x/y; Domain=a.example"],
    "https://a.example/x/y",
    "a=1",
  ],
  [
    "lets http set a path above",
    [HTTPS, "a=1; Secure; Path=/x"],
    [HTTP, "a=2; Path=/; Domain=a.example"],
    "https://a.example/x",
    "a=1; a=2",
  ],
  [
    "lets http set another name",
    [HTTPS, "a=1; Secure"],
    [HTTP, "b=2"],
    HTTP,
    "b=2",
  ],
  [
    "lets http set another case",
    [HTTPS, "a=1; Secure"],
    [HTTP, "A=2"],
    HTTP,
    "A=2",
  ],
  [
    "lets http set another host's",
    [HTTPS, "a=1; Secure"],
    ["http://b.example/", "a=2"],
    "http://b.example/",
    "a=2",
  ],
  [
    "lets http beside set its own",
    ["https://x.a.example/", "a=1; Secure"],
    ["http://y.a.example/", "a=2"],
    "http://y.a.example/",
    "a=2",
  ],
  [
    "lets https overwrite a secure cookie",
    [HTTPS, "a=1; Secure"],
    [HTTPS, "a=2"],
    HTTPS,
    "a=2",
  ],
  [
    "lets https delete a secure cookie",
    [HTTPS, "a=1; Secure"],
    [HTTPS, "a=; Max-Age=0"],
    HTTPS,
    null,
  ],
  [
    "keeps a domain of https from http",
    [HTTPS, "a=1; Domain=a.example"],
    [HTTP, "a=2; Domain=a.example"],
    HTTPS,
    "a=1",
  ],
  [
    "keeps http from hiding what https set",
    [HTTPS, "a=1"],
    [HTTP, "a=2; Domain=a.example"],
    HTTPS,
    "a=1",
  ],
  [
    "lets http set its own beside what https set",
    [HTTPS, "a=1"],
    [HTTP, "a=2"],
    HTTP,
    "a=2",
  ],
  [
    "lets https overwrite a domain of http",
    [HTTP, "a=1; Domain=a.example"],
    [HTTPS, "a=2; Domain=a.example"],
    HTTPS,
    "a=2",
  ],
  [
    "sends what https overwrote no more over http",
    [HTTP, "a=1; Domain=a.example"],
    [HTTPS, "a=2; Domain=a.example"],
    HTTP,
    null,
  ],
  [
    "keeps ports apart",
    ["http://a.example:1/", "a=1"],
    ["http://a.example:2/", "a=2"],
    "http://a.example:1/",
    "a=1",
  ],
  [
    "deletes on no other port",
    ["http://a.example:1/", "a=1"],
    ["http://a.example:2/", "a=; Max-Age=0"],
    "http://a.example:1/",
    "a=1",
  ],
  [
    "lets a secure cookie that was deleted be",
    [HTTPS, "a=1; Secure; Max-Age=0"],
    [HTTP, "a=2"],
    HTTP,
    "a=2",
  ],
];

for (const [what, first, second, later, header] of ALONE) {
  Deno.test(`CookieJar.store() ${what}`, () => {
    const jar = jarOf(first[0], [first[1]]);
    jarOf(second[0], [second[1]], jar);
    assertEquals(jar.header(new URL(later), { now: NOW }), header);
  });
}

Deno.test("CookieJar.store() lets http be when a secure cookie has ended", () => {
  const jar = jarOf(HTTPS, ["a=1; Secure; Max-Age=60"]);
  jar.store(new URL(HTTP), ["a=2"], NOW + 59_999);
  assertEquals(jar.header(new URL(HTTP), { now: NOW }), null);
  jar.store(new URL(HTTP), ["a=2"], NOW + 60_000);
  assertEquals(jar.header(new URL(HTTP), { now: NOW }), "a=2");
});

Deno.test("CookieJar.store() keeps the time of creation when it updates", () => {
  const jar = new CookieJar();
  const url = new URL(HTTP);
  jar.store(url, ["b=1"], NOW);
  jar.store(url, ["a=1"], NOW + 1);
  jar.store(url, ["b=2; HttpOnly"], NOW + 2);
  assertEquals(
    [...jar].map(({ name, value, creation, lastAccess }) => [
      name,
      value,
      creation - NOW,
      lastAccess - NOW,
    ]),
    [["b", "2", 0, 2], ["a", "1", 1, 1]],
  );
  assertEquals(jar.header(url, { now: NOW + 3 }), "b=2; a=1");
});

Deno.test("CookieJar.store() takes a time that goes back", () => {
  const jar = new CookieJar();
  const url = new URL(HTTP);
  jar.store(url, ["a=1"], NOW);
  jar.store(url, ["b=2; Max-Age=1"], NOW - DAY);
  assertEquals(jar.header(url, { now: NOW - DAY }), "b=2; a=1");
  assertEquals(jar.header(url, { now: NOW }), "a=1");
});

Deno.test("CookieJar gives and lists nothing when it is empty", () => {
  const jar = new CookieJar();
  assertEquals(jar.header(new URL(HTTP)), null);
  assertEquals(jar.get(HTTP, "a"), undefined);
  assertEquals(jar.delete(HTTP, "a"), false);
  assertEquals([jar.size, ...jar], [0]);
  assertEquals(JSON.stringify(jar), "[]");
  jar.store(new URL(HTTP), []);
  jar.clear();
  assertEquals(jar.size, 0);
});

Deno.test("CookieJar lists copies of its cookies, the oldest first", () => {
  const jar = jarOf("https://x.a.example/y/z", [
    "a=1; Domain=a.example; Path=/; Max-Age=60; Secure; HttpOnly; " +
    "SameSite=lax; Partitioned",
    "b=2",
  ]);
  const expected: Cookie[] = [{
    name: "a",
    value: "1",
    domain: "a.example",
    hostOnly: false,
    path: "/",
    secure: true,
    httpOnly: true,
    sameSite: "Lax",
    partitioned: true,
    expires: NOW + 60_000,
    creation: NOW,
    lastAccess: NOW,
    origin: "https://x.a.example",
  }, {
    name: "b",
    value: "2",
    domain: "x.a.example",
    hostOnly: true,
    path: "/y",
    secure: false,
    httpOnly: false,
    sameSite: undefined,
    partitioned: false,
    expires: null,
    creation: NOW,
    lastAccess: NOW,
    origin: "https://x.a.example",
  }];
  assertEquals([...jar], expected);
  assertEquals(jar.toJSON(), expected);
  assertEquals(jar.size, 2);
  for (const cookie of jar) cookie.value = cookie.domain = "changed";
  assertEquals([...jar], expected);
  jar.header(new URL("https://x.a.example/"), { now: NOW + 1 });
  assertEquals([...jar].map((cookie) => cookie.lastAccess - NOW), [1, 0]);
});

Deno.test("CookieJar lists and counts nothing that has ended", () => {
  const jar = new CookieJar();
  jar.store(new URL(HTTP), ["a=1; Max-Age=60", "b=2", "c=3; Max-Age=30"], 0);
  assertEquals(jar.size, 1);
  assertEquals([...jar].map((cookie) => cookie.name), ["b"]);
  assertEquals(jar.header(new URL(HTTP), { now: 45_000 }), "a=1; b=2");
});

Deno.test("CookieJar.get() gives the value that goes first", () => {
  const jar = jarOf(HTTP, ["a=1", "a=2; Path=/x", "__proto__=3"]);
  assertEquals(jar.get(HTTP, "a"), "1");
  assertEquals(jar.get("http://a.example/x/y", "a"), "2");
  assertEquals(jar.get(new URL(HTTP), "__proto__"), "3");
  assertEquals(jar.get(HTTP, "constructor"), undefined);
  assertEquals(jar.get(HTTPS, "a"), undefined);
  assertThrows(() => jar.get("a.example", "a"), TypeError);
});

Deno.test("CookieJar.set() sets, and null deletes", () => {
  const jar = new CookieJar();
  jar.set(HTTPS, "a", "1");
  jar.set(new URL(HTTPS), "b", {
    value: "2",
    path: "/x",
    domain: ".a.example",
    secure: true,
    maxAge: 60,
    sameSite: "None",
  }, NOW);
  jar.set(HTTPS, "__Host-c", { value: "3", path: "/", secure: true });
  assertEquals(
    jar.header(new URL("https://a.example/x"), { now: NOW }),
    "b=2; a=1; __Host-c=3",
  );
  assertEquals(jar.get("https://x.a.example/x", "b", NOW + 59_999), "2");
  assertEquals(jar.get("https://x.a.example/x", "b", NOW + 60_000), undefined);
  jar.set(HTTPS, "__Host-c", null);
  jar.set(HTTPS, "a", { value: "", maxAge: 0 });
  jar.set(HTTPS, "none", null);
  assertEquals(jar.size, 0);
});

const UNSET: [what: string, url: string, name: string, value: unknown][] = [
  ["a name that is no token", HTTP, "a b", "1"],
  ["an empty name", HTTP, "", "1"],
  ["an empty name to delete", HTTP, "", null],
  ["a value with a semicolon", HTTP, "a", "1; Secure"],
  ["a value with CR LF", HTTP, "a", "1\r\nX: y"],
  ["a value that is no text", HTTP, "a", 1],
  ["a value that is too long", HTTP, "a", "x".repeat(4096)],
  ["a path that is too long", HTTP, "a", {
    value: "1",
    path: "/" + "x".repeat(1024),
  }],
  ["a path that would be trimmed", HTTP, "a", { value: "1", path: "/x " }],
  ["a domain that is a dot", HTTP, "a", { value: "1", domain: "." }],
  ["another's domain", HTTP, "a", { value: "1", domain: "b.example" }],
  ["a domain without a dot", HTTP, "a", { value: "1", domain: "example" }],
  ["secure over http", HTTP, "a", { value: "1", secure: true }],
  ["__Secure- that is not secure", HTTPS, "__Secure-a", "1"],
  ["a name that HTTPS guards", HTTP, "guarded", "1"],
  ["a URL that is not of HTTP", "ftp://a.example/", "a", "1"],
  ["a URL that is none", "a.example", "a", "1"],
];

for (const [what, url, name, value] of UNSET) {
  Deno.test(`CookieJar.set() refuses ${what}`, () => {
    const jar = jarOf(HTTPS, ["guarded=1; Secure"]);
    assertThrows(() => jar.set(url, name, value as CookieValue), TypeError);
    assertEquals(jar.size, 1);
  });
}

Deno.test("CookieJar.delete() deletes what a request would carry", () => {
  const jar = jarOf(HTTP, [
    "a=1",
    "a=2; Path=/x",
    "a=3; Domain=a.example",
    "b=4",
  ]);
  assertEquals(jar.delete("http://a.example:81/", "b"), false);
  assertEquals(jar.delete(HTTP, "a"), true);
  assertEquals(jar.delete(HTTP, "a"), false);
  assertEquals(jar.header(new URL("http://a.example/x")), "a=2; b=4");
  jar.clear();
  assertEquals(jar.size, 0);
  assertEquals(jar.header(new URL("http://a.example/x")), null);
  jarOf(HTTP, ["a=5"], jar);
  assertEquals(jar.header(new URL(HTTP)), "a=5");
});

/** The names in a jar, sorted. */
function names(jar: CookieJar): string {
  return [...jar].map((cookie) => cookie.name).sort().join("");
}

Deno.test("CookieJar gives up what was not used for longest in a domain", () => {
  const jar = new CookieJar({ maxPerHost: 3 });
  const url = new URL(HTTP);
  const x = new URL("http://a.example/x");
  jarOf("http://b.example/", ["z=1"], jar);
  jar.store(url, ["a=1", "b=1; Path=/x", "c=1"], NOW + 1);
  assertEquals(jar.header(x, { now: NOW + 2 }), "b=1; a=1; c=1");
  assertEquals(jar.header(url, { now: NOW + 3 }), "a=1; c=1");
  jar.store(url, ["d=1"], NOW + 4);
  assertEquals(names(jar), "acdz");
  jar.store(url, ["a=2"], NOW + 5); // which uses it
  jar.store(url, ["e=1"], NOW + 6);
  assertEquals(names(jar), "adez");
  assertEquals(jar.get(url, "d", NOW + 7), "1"); // which does not
  jar.store(url, ["f=1"], NOW + 8);
  assertEquals(names(jar), "aefz");
});

Deno.test("CookieJar gives up what has ended first", () => {
  const jar = new CookieJar({ maxPerHost: 2, maxCookies: 3 });
  const url = new URL(HTTP);
  jar.store(url, ["a=1", "b=1; Max-Age=60"], NOW);
  jar.store(url, ["c=1"], NOW + 60_000);
  assertEquals(names(jar), "ac");
  jar.store(new URL(HTTPS), ["d=1; Max-Age=1"], NOW + 60_000);
  assertEquals(names(jar), "cd");
  jar.store(new URL("http://b.example/"), ["e=1"], NOW + 70_000);
  jar.store(new URL("http://c.example/"), ["f=1"], NOW + 70_000);
  assertEquals(names(jar), "cef");
});

Deno.test("CookieJar gives up secure cookies of a full domain last", () => {
  const jar = new CookieJar({ maxPerHost: 2 });
  const url = new URL(HTTPS);
  jar.store(url, ["a=1; Secure", "b=1"], NOW);
  jar.store(url, ["c=1; Secure"], NOW);
  assertEquals(names(jar), "ac");
  jar.store(url, ["d=1"], NOW);
  jar.store(new URL(HTTP), ["e=1"], NOW);
  assertEquals(names(jar), "ac");
  jar.store(url, ["f=1; Secure"], NOW);
  assertEquals(names(jar), "cf");
});

Deno.test("CookieJar gives up what was not used for longest of all", () => {
  const jar = new CookieJar({ maxCookies: 3 });
  for (const name of ["a", "b", "c"]) {
    jarOf(`https://${name}.example/`, [`${name}=1; Secure`], jar);
  }
  jar.header(new URL(HTTPS), { now: NOW });
  jarOf("http://d.example/", ["d=1"], jar);
  assertEquals(names(jar), "acd");
  assertEquals(jar.header(new URL("https://b.example/")), null);
});

Deno.test("CookieJar does not count an update as one more", () => {
  const jar = new CookieJar({ maxCookies: 2, maxPerHost: 2 });
  jarOf(HTTP, ["a=1", "b=1", "a=2", "b=2", "a=3"], jar);
  assertEquals(jar.header(new URL(HTTP)), "a=3; b=2");
});

Deno.test("CookieJar takes 180 cookies of a domain and 3000 in all", () => {
  const jar = new CookieJar();
  for (let host = 0; host < 20; host++) {
    const lines = Array.from({ length: 200 }, (_, i) => `c${i}=1`);
    jarOf(`http://h${host}.example/`, lines, jar);
    assertEquals(jar.size, Math.min(180 * (host + 1), 3000));
  }
  const header = jar.header(new URL("http://h19.example/"))!;
  assert(header.startsWith("c20=1; ") && header.endsWith("; c199=1"));
  assertEquals(jar.header(new URL("http://h0.example/")), null);
});

Deno.test("CookieJar takes a longer or shorter cookie when told to", () => {
  const long = "a=" + "x".repeat(8000);
  const wide = jarOf(HTTP, [long], new CookieJar({ maxLength: 8001 }));
  assertEquals(wide.header(new URL(HTTP)), long);
  const small = new CookieJar({ maxLength: 3 });
  assertEquals(jarOf(HTTP, ["a=12", "b=123"], small).size, 1);
  assertEquals(CookieJar.fromJSON(wide.toJSON()).size, 0);
});

const BAD_OPTIONS: [string, unknown, typeof TypeError | typeof RangeError][] = [
  ["maxCookies", 0, RangeError],
  ["maxCookies", "9", TypeError],
  ["maxPerHost", -1, RangeError],
  ["maxPerHost", NaN, TypeError],
  ["maxLength", 1.5, RangeError],
  ["maxLength", null, TypeError],
];

for (const [name, value, type] of BAD_OPTIONS) {
  Deno.test(`new CookieJar() refuses ${value} as ${name}`, () => {
    const options = { [name]: value } as CookieJarOptions;
    assertThrows(() => new CookieJar(options), type, `"${name}"`);
    assertThrows(() => CookieJar.fromJSON([], options), type, `"${name}"`);
  });
}

Deno.test("CookieJar.store() takes a flood in linear time", () => {
  assertLinear("flood", 96, (count) => () => {
    const jar = new CookieJar();
    for (let i = 0; i < count; i++) {
      const lines = Array.from(
        { length: 1000 },
        (_, n) => `c${i}-${n}=1; Max-Age=${1 + n}; Path=/${i}`,
      );
      const host = `h${i & 3}.example`;
      jar.store(new URL(`http://${host}/`), lines, NOW + i);
      jar.store(new URL(`https://${host}/`), ["a=1; Secure"], NOW + i);
    }
    assertEquals(jar.size, 4 * 180);
  });
});

Deno.test("CookieJar.fromJSON() keeps order, use and limits", () => {
  const jar = new CookieJar();
  const url = new URL(HTTP);
  jar.store(url, ["a=1; Path=/x", "b=2", "c=3"], NOW);
  jar.store(new URL("https://b.example/"), ["s=4; Secure; Max-Age=60"], NOW);
  jar.header(url, { now: NOW + 1 });
  const data = JSON.parse(JSON.stringify(jar));
  const copy = CookieJar.fromJSON(data, { maxPerHost: 3 });
  assertEquals([...copy], [...jar]);
  jarOf(HTTP, ["d=4"], copy);
  assertEquals(names(copy), "bcds");
  assertEquals(copy.header(url, { now: NOW }), "b=2; c=3; d=4");
  assertEquals(names(CookieJar.fromJSON(data, { maxCookies: 2 })), "bc");
  assertEquals(
    copy.get("https://b.example/", "s", NOW + 60_000),
    undefined,
  );
  data[1].value = "changed";
  assertEquals(copy.get(url, "b"), "2");
});

Deno.test("CookieJar.fromJSON() leaves out what has ended", () => {
  const [cookie] = jarOf(HTTP, ["a=1; Max-Age=1"]);
  assertEquals(CookieJar.fromJSON([{ ...cookie, expires: 1 }]).size, 0);
  assertEquals(CookieJar.fromJSON([cookie]).size, 1);
  const later = { ...cookie, name: "b", expires: 1, lastAccess: NOW + 1 };
  const jar = CookieJar.fromJSON([cookie, later], { maxCookies: 1 });
  assertEquals(jar.get(HTTP, "a"), "1");
});

Deno.test("CookieStore keeps nothing of a domain without cookies", () => {
  const store = new CookieStore(9, 9);
  const [cookie] = jarOf(HTTP, ["a=1; Domain=a.example"]);
  store.add(cookie);
  assertEquals(store.domainsOf("x.a.example").length, 1);
  store.removeLike({ ...cookie, value: "2" });
  assertEquals(store.domainsOf("a.example").length, 0);
  assertEquals([...store.entries(), store.size], [0]);
});

Deno.test("CookieJar.fromJSON() refuses what is no array", () => {
  const values = [undefined, null, 1, "[]", {}, { length: 0 }, new CookieJar()];
  for (const value of values) {
    assertThrows(() => CookieJar.fromJSON(value), TypeError);
  }
});

// Changes to a good cookie that make it one that no server could have set.
const RUBBISH: [field: keyof Cookie, value: unknown][] = [
  ["name", undefined],
  ["name", 1],
  ["name", "a=b"],
  ["name", "a;b"],
  ["name", " a"],
  ["name", "a\r\nX: y"],
  ["name", "a\u010d"],
  ["name", "__Host-a"],
  ["value", undefined],
  ["value", null],
  ["value", "1; b=2"],
  ["value", "1\n"],
  ["value", "1 "],
  ["value", "\u0100"],
  ["domain", undefined],
  ["domain", "b.example"],
  ["domain", "example"],
  ["domain", "x.a.example"],
  ["domain", { toString: () => "a.example" }],
  ["hostOnly", undefined],
  ["hostOnly", 1],
  ["path", undefined],
  ["path", ""],
  ["path", "x"],
  ["path", "/\r\n"],
  ["path", ["/"]],
  ["secure", undefined],
  ["secure", "true"],
  ["httpOnly", undefined],
  ["partitioned", null],
  ["sameSite", "lax"],
  ["sameSite", null],
  ["expires", undefined],
  ["expires", "never"],
  ["expires", NaN],
  ["creation", undefined],
  ["creation", null],
  ["creation", Infinity],
  ["lastAccess", undefined],
  ["lastAccess", "0"],
  ["origin", undefined],
  ["origin", ""],
  ["origin", "null"],
  ["origin", "a.example"],
  ["origin", "http://a.example"], // as the cookie is secure
  ["origin", "https://a.example/"],
  ["origin", "https://A.example"],
  ["origin", "wss://a.example"],
  ["origin", "https://b.example"],
  ["origin", ["https://a.example"]],
];

for (const [field, value] of RUBBISH) {
  Deno.test(`CookieJar.fromJSON() refuses ${JSON.stringify(value)} as ${field}`, () => {
    for (const attribute of ["Path=/x", "Domain=a.example"]) {
      const [cookie] = jarOf(HTTPS, [`a=1; Secure; ${attribute}`]);
      assertEquals(CookieJar.fromJSON([cookie]).size, 1);
      const bad = { ...cookie, [field]: value };
      assertThrows(() => CookieJar.fromJSON([cookie, bad]), TypeError, "1");
    }
  });
}

Deno.test("CookieJar.fromJSON() refuses more that no server could have set", () => {
  const [cookie] = jarOf("http://127.0.0.1/", ["a=1"]);
  const changes: Partial<Cookie>[] = [
    { name: "", value: "" },
    { name: "", value: "a=1" },
    { name: "", value: "__Host-a" },
    { sameSite: "None" },
    { name: "__Secure-a" },
    { hostOnly: false },
    { hostOnly: false, domain: "0.0.1" },
    { hostOnly: false, domain: "1" },
  ];
  for (const change of changes) {
    const bad = [{ ...cookie, ...change }];
    assertThrows(() => CookieJar.fromJSON(bad), TypeError, "Cookie 0");
  }
  for (const bad of [null, undefined, 1, "a", [], {}, Object.create(null)]) {
    assertThrows(() => CookieJar.fromJSON([bad]), TypeError, "Cookie 0");
  }
});

Deno.test("CookieJar keeps its rules and its count, whatever is done to it", () => {
  const random = new Random(265);
  const hosts = ["a.example", "x.a.example", "y.x.a.example", "b.example"];
  const limits = { maxCookies: 12, maxPerHost: 5 };
  const jar = new CookieJar(limits);
  const url = () =>
    `${random.pick(["http", "https"])}://${random.pick(hosts)}` +
    `${random.pick(["", ":81"])}/${random.pick(["", "x", "x/y"])}`;
  let now = NOW;
  for (let i = 0; i < 20_000; i++) {
    now += random.below(500);
    const target = new URL(url());
    const isHttps = target.protocol === "https:";
    const name = random.pick(["a", "b", "c", "d", "__proto__"]);
    const line = `${name}=${i}` +
      random.pick(["", "; Secure", "; Max-Age=2", "; Max-Age=0"]) +
      random.pick(["", "; Domain=a.example", "; Domain=x.a.example"]) +
      random.pick(["", "; Path=/", "; Path=/x"]);
    jar.store(target, [line], now);
    const asked = new URL(url());
    const ownOnly = random.below(4) === 0;
    const header = jar.header(asked, { now, ownOnly });
    const sent = header === null ? [] : header.split("; ");
    const cookies = [...jar];
    const known = new Map(
      cookies.map((one) => [`${one.name}=${one.value}`, one]),
    );
    for (const text of sent) {
      const { origin, hostOnly, secure, path, expires } = known.get(text)!;
      if (hostOnly || ownOnly) assertEquals(origin, asked.origin);
      if (secure || origin.startsWith("https")) {
        assertEquals(asked.protocol, "https:");
      }
      assert(asked.pathname.startsWith(path));
      assert(expires === null || expires > now);
    }
    assert(isHttps || known.get(`${name}=${i}`)?.secure !== true);
    assertEquals(jar.size, cookies.length);
    assert(jar.size <= limits.maxCookies);
    const perDomain = Map.groupBy(cookies, (one) => one.domain);
    for (const same of perDomain.values()) {
      assert(same.length <= limits.maxPerHost);
    }
    if (random.below(50) === 0) jar.delete(asked, name, now);
    if (random.below(500) === 0) jar.clear();
  }
});
