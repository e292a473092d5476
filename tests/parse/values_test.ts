import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  decodePercentEncoding,
  parseCookies,
  parseHeaderParameters,
  parseQuery,
  parseUrl,
  type Query,
} from "../../parse.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { assertComparable, assertLinear } from "../support/cost.ts";

type Values = Query[string];
const utf8 = new TextEncoder();

/** Runs rows whose outcome is a dictionary, compared in order of its keys. */
function rows<T>(
  name: string,
  parse: (text: string) => Record<string, T>,
  expected: Record<string, [string, T][]>,
): void {
  for (const [text, entries] of Object.entries(expected)) {
    Deno.test(`${name} reads ${JSON.stringify(text)}`, () => {
      const values = parse(text);
      assertEquals(Object.entries(values), entries);
      assertEquals(Object.getPrototypeOf(values), null);
    });
  }
}

/** Holds a call to a cost that grows with the length of the text alone. */
function quickly(
  unit: string,
  call: (text: string) => unknown,
  before = "",
): void {
  assertLinear(before + unit, 1 << 18, (size) => {
    const text = before + unit.repeat(size / unit.length);
    return () => call(text);
  });
}

const DECODED: Record<string, string> = {
  "": "",
  "a%20b+c": "a b c",
  "%41%5a%7E": "AZ~",
  "%c3%A9": "\xc3\xa9",
  "%00%0d%0a%ff": "\0\r\n\xff",
  "\x80+\xff": "\x80 \xff",
  "%": "%",
  "%%": "%%",
  "%4": "%4",
  "%4g": "%4g",
  "%g4": "%g4",
  "%%41": "%A",
  "%4%41": "%4A",
  "%2541": "%41",
  "%2B+%2b": "+ +",
  "% 41": "% 41",
  "%+1": "% 1",
  "%u0041": "%u0041",
  "a%4": "a%4",
};

for (const [text, expected] of Object.entries(DECODED)) {
  Deno.test(`decodePercentEncoding() decodes ${JSON.stringify(text)}`, () => {
    const bytes = latin1Bytes(text);
    assertEquals(latin1Text(decodePercentEncoding(bytes)), expected);
    assertEquals(latin1Text(bytes), text, "The input was altered");
  });
}

rows<Values>("parseQuery()", parseQuery, {
  "": [],
  "&": [],
  "&&a&&": [["a", null]],
  "a": [["a", null]],
  "a=": [["a", ""]],
  "=": [["", ""]],
  "=a": [["", "a"]],
  "a==b=": [["a", "=b="]],
  "a&b=1": [["a", null], ["b", "1"]],
  "a=1&b": [["a", "1"], ["b", null]],
  "b=1&a=2&b=3&b": [["b", ["1", "3", null]], ["a", "2"]],
  "a&a": [["a", [null, null]]],
  "a=1&A=2": [["a", "1"], ["A", "2"]],
  "a+b=c+d": [["a b", "c d"]],
  "a%3Db%26=c%26d%3D": [["a=b&", "c&d="]],
  "%61=%41": [["a", "A"]],
  "a=1;b=2": [["a", "1;b=2"]],
  "a[]=1&a[]=2": [["a[]", ["1", "2"]]],
  "n=J%C3%BCrgen&m=J\u00fcrgen": [["n", "J\u00fcrgen"], ["m", "J\u00fcrgen"]],
  "a=%F0%9F%98%80": [["a", "\u{1f600}"]],
  "a=%": [["a", "%"]],
  "a=%zz%41": [["a", "%zzA"]],
  "a=%2": [["a", "%2"]],
  "a=%ff": [["a", "\ufffd"]],
  "a=%C3": [["a", "\ufffd"]],
  "a=%C0%80": [["a", "\ufffd\ufffd"]],
  "a=%ED%A0%80": [["a", "\ufffd\ufffd\ufffd"]],
  "a=\u00fc%ff": [["a", "\u00fc\ufffd"]],
  "a=%EF%BB%BFb": [["a", "\ufeffb"]],
  "a=%ff%EF%BB%BFb": [["a", "\ufffd\ufeffb"]],
  "a=%00": [["a", "\0"]],
  "__proto__=1&__proto__=2": [["__proto__", ["1", "2"]]],
  "constructor=1&toString&hasOwnProperty=": [
    ["constructor", "1"],
    ["toString", null],
    ["hasOwnProperty", ""],
  ],
});

Deno.test("parseQuery() keeps repeated keys in order", () => {
  assertEquals(parseQuery("x=2&x=1&x=3").x, ["2", "1", "3"]);
});

Deno.test("parseQuery() reads bytes as UTF-8", () => {
  assertEquals(
    parseQuery(utf8.encode("a=\u00fc&\u00fc=1")),
    parseQuery("a=ü&ü=1"),
  );
  assertEquals(parseQuery(latin1Bytes("a=\xff")).a, "\ufffd");
});

Deno.test("parseQuery() adds to an earlier result", () => {
  const query = parseQuery("a=1&b=2");
  assertStrictEquals(parseQuery("a=3&c", query), query);
  assertEquals(Object.entries(query), [["a", ["1", "3"]], ["b", "2"], [
    "c",
    null,
  ]]);
});

Deno.test("parseQuery() leaves Object.prototype alone", () => {
  parseQuery("__proto__[polluted]=1&constructor[prototype][polluted]=1");
  parseQuery("__proto__=x&__proto__=y");
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});

Deno.test("parseQuery() takes time that grows with the length alone", () => {
  for (
    const unit of ["a&", "&", "=&", "a=1&", "a", "=", "+", "%", "%41", "%ff"]
  ) {
    quickly(unit, parseQuery);
    quickly(unit, (text) => decodePercentEncoding(latin1Bytes(text)));
  }
  const usual = "%c3%a9&".repeat(150_000);
  for (const unit of ["%&", "%ff&", "%ff%&=%"]) {
    const unusual = unit.repeat((1 << 20) / unit.length);
    assertComparable(unit, () => parseQuery(usual), () => parseQuery(unusual));
  }
  assertLinear("keys", 100_000, (count) => {
    const keys = Array.from({ length: count }, (_, i) => `k${i}&`).join("");
    return () => parseQuery(keys);
  });
});

const URLS: Record<string, [path: string, query: [string, Values][]]> = {
  "/": ["/", []],
  "/a/b": ["/a/b", []],
  "/a%20b?x=1": ["/a b", [["x", "1"]]],
  "/a+b?c+d": ["/a+b", [["c d", null]]],
  "/?": ["/", []],
  "/?a?b=c?d": ["/", [["a?b", "c?d"]]],
  "/%2e%2e/%2F": ["/..//", []],
  "/%3Fa?b": ["/?a", [["b", null]]],
  "/%C3%BC": ["/\u00fc", []],
  "/%ff%": ["/\ufffd%", []],
  "/%00": ["/\0", []],
  "//a/b": ["//a/b", []],
  "///": ["///", []],
  "/http://a/b": ["/http://a/b", []],
  "*": ["*", []],
  "http://a": ["/", []],
  "http://a?x=1": ["/", [["x", "1"]]],
  "http://a/b?x=http://c/d?e": ["/b", [["x", "http://c/d?e"]]],
  "HTTPS://[::1]:80/b%20c": ["/b c", []],
  "/?__proto__=1": ["/", [["__proto__", "1"]]],
};

for (const [url, [path, query]] of Object.entries(URLS)) {
  Deno.test(`parseUrl() reads ${JSON.stringify(url)}`, () => {
    for (const input of [url, utf8.encode(url)]) {
      const parsed = parseUrl(input);
      assertEquals(parsed.path, path);
      assertEquals(Object.entries(parsed.query), query);
    }
  });
}

rows<string | null>("parseHeaderParameters()", parseHeaderParameters, {
  "": [],
  " ; ;; ": [],
  "text/html": [["text/html", null]],
  "text/html; charset=utf-8": [["text/html", null], ["charset", "utf-8"]],
  "TEXT/HTML;Charset=UTF-8": [["text/html", null], ["charset", "UTF-8"]],
  'form-data; name="a;b"; x=y': [
    ["form-data", null],
    ["name", "a;b"],
    ["x", "y"],
  ],
  'a="b\\"c\\\\d"': [["a", 'b"c\\d']],
  'a="\\': [["a", "\\"]],
  'a="b': [["a", "b"]],
  'a=""; b=': [["a", ""], ["b", ""]],
  'a="b"c; d=e': [["a", "b"], ["d", "e"]],
  'a = b ; c\t=\t"d"': [["a", "b"], ["c", "d"]],
  "a=b=c": [["a", "b=c"]],
  "a=1; A=2; a": [["a", "1"]],
  "=b; c": [["c", null]],
  "__proto__=a; constructor": [["__proto__", "a"], ["constructor", null]],
  'a="\u00fc"': [["a", "\u00fc"]],
});

Deno.test("parseHeaderParameters() takes time that grows with the length alone", () => {
  for (
    const unit of [
      "a;",
      ";",
      "=",
      '"',
      '="',
      '=";',
      "\\",
      ' ="\\"',
      'a="b"',
      " ",
    ]
  ) {
    quickly(unit, parseHeaderParameters);
    quickly(unit, parseHeaderParameters, 'a="');
  }
});

rows<string>("parseCookies()", parseCookies, {
  "": [],
  ";; ;": [],
  "id=7; theme=dark": [["id", "7"], ["theme", "dark"]],
  "a=1;b=2": [["a", "1"], ["b", "2"]],
  "a=1; a=2": [["a", "1"]],
  "a=1; A=2": [["a", "1"], ["A", "2"]],
  "a=b=c==": [["a", "b=c=="]],
  'a="b c"; d="': [["a", "b c"], ["d", '"']],
  'a=""': [["a", ""]],
  "a=": [["a", ""]],
  "a": [],
  "=a": [],
  " a = b ": [["a", "b"]],
  "a=%20+": [["a", "%20+"]],
  "a=\u00e9\xff": [["a", "\u00e9\xff"]],
  "__proto__=1; constructor=2; __proto__=3": [
    ["__proto__", "1"],
    ["constructor", "2"],
  ],
});

Deno.test("parseCookies() takes time that grows with the length alone", () => {
  for (const unit of ["a;", ";", "=", "a=1;", " ", "a=", '"']) {
    quickly(unit, parseCookies);
  }
});
