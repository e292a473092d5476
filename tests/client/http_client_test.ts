import { assert, assertEquals, assertThrows } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import {
  AbortedError,
  ClientRequest,
  CookieJar,
  HttpClient,
  type HttpClientOptions,
  type HttpResponse,
} from "../../client.ts";
import { isSame, pattern } from "../support/bytes.ts";
import { eventually } from "../support/serving.ts";
import {
  ClientArena,
  type Echo,
  echo,
  ok,
  once,
  RawArena,
} from "../support/client_arenas.ts";
import { Timers } from "../support/timers.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const BASE = "http://localhost";

function reject(
  value: unknown,
): Promise<HttpResponse | { name: string; message: string }> {
  return (value as Promise<HttpResponse>).catch((error) => error);
}

// ---- Options --------------------------------------------------------------

const BAD_OPTIONS: [
  name: string,
  type: ErrorConstructor,
  values: unknown[],
][] = [
  ["connectTimeout", TypeError, ["1", null, NaN, {}]],
  ["connectTimeout", RangeError, [0, -1, 1.5]],
  ["timeout", TypeError, ["1", NaN]],
  ["timeout", RangeError, [0, -1, 0.5]],
  ["maxResponseLength", TypeError, ["1", NaN]],
  ["maxResponseLength", RangeError, [-1, 1.5]],
  ["maxHeadersLength", TypeError, ["1"]],
  ["maxHeadersLength", RangeError, [0, Infinity]],
  ["maxHeadersCount", TypeError, ["1"]],
  ["maxHeadersCount", RangeError, [0, Infinity]],
  ["maxConnections", TypeError, ["1"]],
  ["maxConnections", RangeError, [0, -3, 1.5]],
  ["pipelining", TypeError, [true]],
  ["pipelining", RangeError, [0, 2.5]],
  ["keepAliveTimeout", TypeError, ["1"]],
  ["keepAliveTimeout", RangeError, [-1, 0.1]],
  ["maxRedirects", TypeError, [true]],
  ["maxRedirects", RangeError, [-1, 1.5]],
  ["keepAlive", TypeError, [1, "yes", null]],
  ["decompress", TypeError, [1, null]],
  ["retry", TypeError, [1, null]],
  ["insecure", TypeError, [1, "true"]],
  ["cookies", TypeError, [1, null, {}]],
  ["caCerts", TypeError, ["pem", [1], null]],
  ["cert", TypeError, [1, null, "cert.pem", PEM]],
  ["key", TypeError, [1, null, "key.pem", PEM]],
  ["path", TypeError, [1, null]],
  ["connect", TypeError, [1, null]],
  ["signal", TypeError, [1, null, {}]],
  ["proxy", TypeError, ["nowhere", "socks5://a", "", 1]],
  ["auth", TypeError, [
    "u:p",
    {},
    ["u"],
    ["u", 1],
    ["a:b", "c"],
    { basic: "u:p" },
    { bearer: "a b" },
    { token: "a" },
    { bearer: "a", basic: ["u", "p"] },
  ]],
  ["headers", TypeError, [{ "Content-Length": 1 }]],
];

Deno.test("HttpClient names the option that is wrong", () => {
  for (const [name, type, values] of BAD_OPTIONS) {
    for (const value of values) {
      const options = { [name]: value } as HttpClientOptions;
      const error = assertThrows(
        () => new HttpClient(BASE, options),
        type as unknown as new () => Error,
        `Option "${name}"`,
        `${name}: ${JSON.stringify(value)}`,
      );
      assertEquals(error.name, type.name, `${name}: ${value}`);
    }
  }
});

Deno.test("HttpClient refuses options that do not go together", () => {
  const connect = () => Promise.reject(new Error("Not here"));
  const cases: [name: string, options: HttpClientOptions][] = [
    ["path", { connect, path: "/tmp/a" }],
    ["proxy", { connect, proxy: "http://a" }],
    ["insecure", { connect, insecure: true }],
    ["caCerts", { connect, caCerts: [] }],
    ["cert", { connect, cert: PEM, key: PEM }],
    ["proxy", { path: "/tmp/a", proxy: "http://a" }],
  ];
  for (const [name, options] of cases) {
    assertThrows(
      () => new HttpClient(BASE, options),
      TypeError,
      `Option "${name}" does not go with`,
    );
  }
});

Deno.test("HttpClient takes options at the edges of their ranges", async () => {
  for (
    const options of [
      { timeout: Infinity, connectTimeout: Infinity },
      { keepAliveTimeout: 0, maxRedirects: 0, maxResponseLength: 0 },
      { keepAliveTimeout: Infinity, maxResponseLength: Infinity },
      { maxConnections: Infinity, pipelining: Infinity },
      { maxRedirects: Infinity, cookies: new CookieJar() },
      { auth: undefined, proxy: undefined, signal: undefined },
      { cert: PEM, key: PEM },
      { caCerts: [], insecure: false, headers: new Headers() },
    ] satisfies HttpClientOptions[]
  ) await new HttpClient(BASE, options).close();
});

Deno.test("HttpClient says which limits are in force", async () => {
  await using client = new HttpClient(BASE, { timeout: 7 });
  assertEquals(client.limits, {
    connectTimeout: 10_000,
    timeout: 7,
    minSendRate: Infinity, // as the timeout is given
    maxResponseLength: 1024 * 1024,
    maxJsonDepth: 512,
    maxHeadersLength: 65536,
    maxHeadersCount: 1000,
    maxConnections: 10,
    pipelining: 1,
    keepAliveTimeout: 15_000,
    maxRedirects: 0,
  });
  await using other = new HttpClient(BASE);
  assertEquals(
    [other.limits.timeout, other.limits.minSendRate],
    [30_000, 2000],
  );
});

Deno.test("HttpClient refuses base URLs that it cannot stand on", () => {
  for (
    const base of [
      "",
      "localhost",
      "/a",
      "ftp://a",
      "ws://a",
      "wss://a",
      "data:,a",
      "http://a/?b",
      "http://a/#b",
      "http://a:99999",
      "http://a b",
    ]
  ) assertThrows(() => new HttpClient(base), TypeError, "Base URL");
});

Deno.test("url is the base URL without user and password", async () => {
  for (
    const [base, url] of [
      ["http://a", "http://a/"],
      ["HTTP://A:80/", "http://a/"],
      ["https://a:443", "https://a/"],
      ["http://a:8080/b/", "http://a:8080/b"],
      ["http://u:p@a/b", "http://a/b"],
      ["http://[::1]:9/b//", "http://[::1]:9/b"],
      ["http://ä.example/ä b", "http://xn--4ca.example/%C3%A4%20b"],
    ]
  ) {
    await using client = new HttpClient(base);
    assertEquals(client.url, url);
    await using same = new HttpClient(new URL(base));
    assertEquals(same.url, url);
  }
});

// ---- Targets --------------------------------------------------------------

const TARGETS: [base: string, path: string, target: string][] = [
  ["", "", "/"],
  ["", "/", "/"],
  ["", "a", "/a"],
  ["", "/a", "/a"],
  ["", "?a=1", "/?a=1"],
  ["", "#a", "/"],
  ["", "a#b?c", "/a"],
  ["", "/a/?b=c/d", "/a/?b=c/d"],
  ["", "//evil.test/a", "//evil.test/a"],
  ["", "///a", "///a"],
  ["", "/a//b", "/a//b"],
  ["", "a b\tc\n", "/a%20b%09c%0A"],
  ["", "ä/€/😀", "/%C3%A4/%E2%82%AC/%F0%9F%98%80"],
  ["", "\ud800", "/%EF%BF%BD"],
  ["", "%2Fa%20", "/%2Fa%20"],
  ["", "\\..\\a", "/%5C..%5Ca"],
  ["", '"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"],
  ["", "a;b=c,d:e@f!$&'()*+~[]", "/a;b=c,d:e@f!$&'()*+~[]"],
  ["", "...", "/..."],
  ["", "/.a/..b/c./d..", "/.a/..b/c./d.."],
  ["", "/a?../..", "/a?../.."],
  ["", "a?b=ä &c", "/a?b=%C3%A4%20&c"],
  ["/base", "", "/base"],
  ["/base/", "", "/base"],
  ["/base", "/", "/base/"],
  ["/base/", "a", "/base/a"],
  ["/base", "/a", "/base/a"],
  ["/base", "?a", "/base?a"],
  ["/base", "#a", "/base"],
  ["/base", "//evil.test/", "/base//evil.test/"],
  ["/b/c", "d/e", "/b/c/d/e"],
  ["/b ä", "c", "/b%20%C3%A4/c"],
];

Deno.test("get() sends paths under the base URL's path", async () => {
  await using arena = new ClientArena((client) => client.respond(client.url));
  for (const [base, path, target] of TARGETS) {
    const client = arena.another({}, base);
    const request = client.get(path);
    assertEquals(request.url, arena.server.url.slice(0, -1) + target);
    const response = await request;
    assertEquals(await response.text(), target, `${base} and ${path}`);
    assertEquals(response.url, request.url);
  }
});

Deno.test("get() refuses paths that lead out of the base path", async () => {
  await using client = new HttpClient(`${BASE}/base`);
  for (
    const path of [
      ".",
      "..",
      "/..",
      "./a",
      "../a",
      "a/..",
      "a/./b",
      "/a/../../b",
      "%2e",
      "%2e%2E",
      ".%2e/a",
      "/a/%2e./b",
      "..?a",
      "..#a",
      "a/..#b",
    ]
  ) {
    assertThrows(() => client.get(path), TypeError, "dots");
  }
});

Deno.test("get() refuses what is neither a path nor a URL of HTTP", async () => {
  await using client = new HttpClient(BASE);
  for (
    const path of [
      "ftp://a/",
      "file:///etc/passwd",
      "data:,a",
      "javascript:a",
      "http://",
      "http://a:b:c",
      "http://user@localhost/",
      "http://:password@localhost/",
    ]
  ) assertThrows(() => client.get(path), TypeError, "", path);
  for (const path of [1, null, {}, new URL(BASE)]) {
    assertThrows(
      () => client.get(path as string),
      TypeError,
      "Path is not a string",
    );
  }
});

Deno.test("get() takes whole URLs, to any path of any origin", async () => {
  await using arena = new ClientArena((client) =>
    client.respond(`${client.headers.host}${client.url}`)
  );
  const client = arena.another({}, "/base");
  const { host } = new URL(arena.server.url);
  for (
    const [url, expected] of [
      [`http://${host}`, "/"],
      [`http://${host}/a/../b?c#d`, "/b?c"],
      [`HTTP://${host}/ä`, "/%C3%A4"],
      [`ws://${host}/w`, "/w"],
      [`http://${host}/a|b^c[d]{e}`, null],
    ] as const
  ) {
    const text = await (await client.get(url)).text();
    if (expected !== null) assertEquals(text, host + expected, url);
  }
});

// ---- Queries --------------------------------------------------------------

type Options = NonNullable<Parameters<HttpClient["post"]>[1]>;

const QUERIES: [options: Options, sent: string][] = [
  [{}, "/"],
  [{ query: {} }, "/"],
  [{ query: { a: 1, b: "x y", c: true } }, "/?a=1&b=x%20y&c=true"],
  [{ query: { a: null, b: undefined, c: "" } }, "/?a&c="],
  [{ query: { a: [1, "2", null, undefined], b: [] } }, "/?a=1&a=2&a"],
  [{ query: { "ä&=+": "+&=#/?%" } }, "/?%C3%A4%26%3D%2B=%2B%26%3D%23%2F%3F%25"],
  [{ query: { a: "\ud800" } }, "/?a=%EF%BF%BD"],
  [{ query: { ["__proto__"]: "1" } }, "/?__proto__=1"],
  [{ query: new URLSearchParams([["a", "b c"], ["a", "+"]]) }, "/?a=b+c&a=%2B"],
];

Deno.test("get() writes queries that the server reads as they were", async () => {
  await using arena = new ClientArena((client) => client.respond(client.url));
  for (const [options, sent] of QUERIES) {
    assertEquals(await (await arena.client.get("", options)).text(), sent);
  }
  const { client } = arena;
  const query = { x: 1 };
  for (
    const [path, sent] of [
      ["a?b", "/a?b&x=1"],
      ["?b=2", "/?b=2&x=1"],
      [`${arena.server.url}c?d`, "/c?d&x=1"],
      ["a#b", "/a?x=1"],
    ]
  ) assertEquals(await (await client.get(path, { query })).text(), sent);
});

Deno.test("get() refuses a query that is none", async () => {
  await using client = new HttpClient(BASE);
  for (const query of ["a=1", 1, { a: {} }, { a: [[1]] }, [1]]) {
    assertThrows(
      () => client.get("", { query: query as unknown as Options["query"] }),
      TypeError,
      undefined,
      JSON.stringify(query),
    );
  }
});

// ---- Methods and bodies ---------------------------------------------------

Deno.test("each method sends its own, and a length where one is due", async () => {
  await using arena = new ClientArena(echo);
  const { client } = arena;
  const cases: [ClientRequest, method: string, length: string | undefined][] = [
    [client.get(), "GET", undefined],
    [client.post(), "POST", "0"],
    [client.put(), "PUT", "0"],
    [client.patch(), "PATCH", "0"],
    [client.delete(), "DELETE", undefined],
    [client.options(), "OPTIONS", undefined],
    [client.request("PROPFIND", "/"), "PROPFIND", undefined],
    [client.request("get"), "get", undefined],
    [client.request("M-SEARCH!", "a"), "M-SEARCH!", undefined],
  ];
  for (const [request, method, length] of cases) {
    assertEquals(request.method, method);
    const said: Echo = await (await request).json();
    assertEquals([said.method, said.body], [method, ""]);
    assertEquals(said.headers["content-length"], length, method);
    assertEquals(said.headers["transfer-encoding"], undefined);
  }
  const head = await client.head("/", { query: { a: 1 } });
  assertEquals([head.status, head.data.length], [200, 0]);
  assert(head.contentLength! > 0);
});

Deno.test("request() refuses methods that cannot be sent", async () => {
  await using client = new HttpClient(BASE);
  for (const method of ["", "A B", "A\r\nB", "GÄT", "CONNECT", 1, null]) {
    assertThrows(
      () => client.request(method as string, "/"),
      TypeError,
      "Method",
    );
  }
});

const TEXT = "text/plain; charset=utf-8";
const OCTETS = "application/octet-stream";
const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";
const all = Uint8Array.from({ length: 256 }, (_, i) => i);
const ALL = String.fromCharCode(...all);
const CHUNKED = -1;

async function* later(...pieces: (string | Uint8Array)[]) {
  for (const piece of pieces) {
    await Promise.resolve();
    yield piece;
  }
}

/** What is sent, its type, its bytes; and its length, if not that of those. */
const BODIES: [
  name: string,
  options: () => Options,
  type: string | undefined,
  body: string,
  length?: number,
][] = [
  ["no data", () => ({ data: undefined }), undefined, ""],
  ["null", () => ({ data: null }), undefined, ""],
  ["a string", () => ({ data: "grün" }), TEXT, "gr\xc3\xbcn"],
  ["an empty string", () => ({ data: "" }), TEXT, ""],
  ["half a character", () => ({ data: "\ud800" }), TEXT, "\xef\xbf\xbd"],
  ["bytes", () => ({ data: all }), OCTETS, ALL],
  ["no bytes", () => ({ data: new Uint8Array(0) }), OCTETS, ""],
  ["a part of bytes", () => ({ data: all.subarray(7, 9) }), OCTETS, "\x07\x08"],
  [
    "a DataView",
    () => ({ data: new DataView(all.buffer, 65, 2) }),
    OCTETS,
    "AB",
  ],
  ["words", () => ({ data: new Uint16Array([0x4241]) }), OCTETS, "AB"],
  ["an ArrayBuffer", () => ({ data: all.slice().buffer }), OCTETS, ALL],
  ["a Blob", () => ({ data: new Blob([all]) }), undefined, ALL],
  [
    "a Blob with a type",
    () => ({ data: new Blob(["a"], { type: "image/x" }) }),
    "image/x",
    "a",
  ],
  [
    "a File",
    () => ({ data: new File(["ab"], "a.txt", { type: "text/x" }) }),
    "text/x",
    "ab",
  ],
  ["an empty Blob", () => ({ data: new Blob([]) }), undefined, ""],
  ["a dictionary", () => ({ data: { a: "ä" } }), JSON_TYPE, '{"a":"\xc3\xa4"}'],
  ["an array", () => ({ data: [1, "a"] }), JSON_TYPE, '[1,"a"]'],
  ["a number", () => ({ data: 1.5 }), JSON_TYPE, "1.5"],
  ["false", () => ({ data: false }), JSON_TYPE, "false"],
  [
    "a date",
    () => ({ data: new Date(0) }),
    JSON_TYPE,
    JSON.stringify(new Date(0)),
  ],
  ["json", () => ({ json: { a: [null] } }), JSON_TYPE, '{"a":[null]}'],
  ["json of text", () => ({ json: "text" }), JSON_TYPE, '"text"'],
  ["json of null", () => ({ json: null }), JSON_TYPE, "null"],
  [
    "URLSearchParams",
    () => ({ data: new URLSearchParams({ a: "b c", d: "ä" }) }),
    FORM,
    "a=b+c&d=%C3%A4",
  ],
  [
    "a form",
    () => ({ form: { a: "b c", n: 1, l: ["x", "y"], u: undefined, e: null } }),
    FORM,
    "a=b%20c&n=1&l=x&l=y&e",
  ],
  ["an empty form", () => ({ form: {} }), FORM, ""],
  [
    "a form of URLSearchParams",
    () => ({ form: new URLSearchParams("a=1&a=2") }),
    FORM,
    "a=1&a=2",
  ],
  [
    "a ReadableStream",
    () => ({ data: new Blob(["one", all]).stream() }),
    OCTETS,
    "one" + ALL,
    CHUNKED,
  ],
  [
    "a stream of text",
    () => ({ data: ReadableStream.from(["gr", "ün"]) }),
    OCTETS,
    "gr\xc3\xbcn",
    CHUNKED,
  ],
  [
    "an async iterable",
    () => ({ data: later("a", "", new Uint8Array(0), all, "b") }),
    OCTETS,
    `a${ALL}b`,
    CHUNKED,
  ],
  [
    "an iterable",
    () => ({ data: ["a", "b"].values() }),
    OCTETS,
    "ab",
    CHUNKED,
  ],
  ["an empty stream", () => ({ data: later() }), OCTETS, "", CHUNKED],
  [
    "a stream of a known length",
    () => ({ data: later("ab", "c"), headers: { "Content-Length": 3 } }),
    OCTETS,
    "abc",
    3,
  ],
  [
    "a type of one's own",
    () => ({ data: "a", headers: { "Content-Type": "text/x" } }),
    "text/x",
    "a",
  ],
  [
    "no type",
    () => ({ data: "a", headers: { "content-type": null } }),
    undefined,
    "a",
  ],
  [
    "a length that is right",
    () => ({ data: "ab", headers: { "content-length": "2" } }),
    TEXT,
    "ab",
  ],
];

for (const [name, options, type, body, length = body.length] of BODIES) {
  Deno.test(`post() sends ${name} as it is`, async () => {
    // The same bytes whether or not they are parsed as they come.
    for (const streaming of [false, true]) {
      await using arena = new ClientArena(async (client) => {
        if (!streaming) return echo(client);
        const { headers } = client;
        const bytes = await client.readAll();
        const body = String.fromCharCode(...bytes);
        return await client.respond({ headers, body });
      }, { server: { streaming } });
      const said: Echo = await (await arena.client.post("", options())).json();
      assertEquals(said.body, body);
      const { headers } = said;
      assertEquals(headers["content-type"], type);
      if (length === CHUNKED) {
        assertEquals(headers["transfer-encoding"], "chunked");
        assertEquals(headers["content-length"], undefined);
      } else {
        assertEquals(headers["transfer-encoding"], undefined);
        assertEquals(headers["content-length"], String(length));
      }
    }
  });
}

Deno.test("post() sends bodies that are larger than every buffer", async () => {
  const large = pattern(3_000_001);
  await using arena = new ClientArena(
    (client) => client.respond(client.rawData),
    {
      server: { maxContentLength: Infinity },
      client: { maxResponseLength: Infinity },
    },
  );
  const pieces = function* () {
    for (let at = 0; at < large.length; at += 99_999) {
      yield large.subarray(at, at + 99_999);
    }
  };
  for (
    const data of [
      large,
      new Blob([large]),
      pieces(),
      new Blob([large]).stream(),
    ]
  ) {
    const response = await arena.client.post("", { data });
    assert(isSame(response.data, large));
  }
});

Deno.test("post() sends forms in parts that the server reads as they were", async () => {
  const files: [name: string, type: string, bytes: Uint8Array<ArrayBuffer>][] =
    [
      ["plain.txt", "text/plain", new TextEncoder().encode("text")],
      ['qu"ote\\.bin', "", all],
      ["späß 😀.png", "image/png", new Uint8Array(70_000).fill(7)],
      ["line\r\nend", "", new Uint8Array(0)],
    ];
  const texts: [name: string, value: string][] = [
    ["a", "1"],
    ["a", "2"],
    ['n"a\\me', "ü €"],
    ["new\nline", "one\ntwo\rthree\r\n"],
    ["", "no name"],
    ["__proto__", "p"],
    ["boundary", "--uhttp-\r\n--"],
  ];
  const form = new FormData();
  for (const [name, value] of texts) form.append(name, value);
  for (const [name, type, bytes] of files) {
    form.append("file", new File([bytes], name, { type }));
  }
  form.append("blob", new Blob(["b"]));
  await using arena = new ClientArena(async (client) => {
    const parts: unknown[] = [];
    for await (const part of client.parts()) {
      const { name, filename, contentType } = part;
      const bytes = await part.bytes();
      parts.push([name, filename, contentType, bytes.length, sum(bytes)]);
    }
    const { headers } = client;
    return await client.respond({ headers, parts });
  }, { server: { streaming: true } });
  const lines = (text: string) => text.replace(/\r\n|[\r\n]/g, "\r\n");
  const escaped = (name: string) =>
    name.replace(/\r\n|[\r\n]/g, "%0D%0A").replaceAll('"', "%22");
  const expected = [
    ...texts.map(([name, value]) => {
      const bytes = new TextEncoder().encode(lines(value));
      return [name, undefined, "text/plain", bytes.length, sum(bytes)];
    }),
    ...files.map(([name, type, bytes]) => [
      "file",
      name,
      type || "application/octet-stream",
      bytes.length,
      sum(bytes),
    ]),
    ["blob", "blob", "application/octet-stream", 1, 98],
  ];
  for (const options of [{ data: form }, { form }]) {
    const { headers, parts } = await (await arena.client.post("", options))
      .json();
    assertEquals(headers["transfer-encoding"], undefined);
    assert(/^multipart\/form-data; boundary=/.test(headers["content-type"]));
    assertEquals(parts.length, expected.length);
    for (let i = 0; i < parts.length; i++) {
      const [name, filename, , length, total] = expected[i];
      const [gotName, gotFilename, , gotLength, gotTotal] = parts[i];
      // A server may undo what browsers escape, or leave it as it is.
      const names = [lines(String(name)), escaped(String(name))];
      assert(names.includes(gotName), `${gotName} for ${name}`);
      if (filename !== undefined) {
        const filenames = [lines(String(filename)), escaped(String(filename))];
        assert(filenames.includes(gotFilename), `${gotFilename}`);
      }
      assertEquals([gotLength, gotTotal], [length, total]);
    }
  }
});

function sum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) % 65521, 0);
}

Deno.test("post() refuses bodies that cannot be sent, at once", async () => {
  await using client = new HttpClient(BASE);
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const locked = new Blob(["a"]).stream();
  using _ = { [Symbol.dispose]: () => reader.releaseLock() };
  const reader = locked.getReader();
  const cases: unknown[] = [
    { data: "a", json: 1 },
    { data: "a", form: {} },
    { json: 1, form: {} },
    { json: 1n },
    { json: () => {} },
    { json: Symbol() },
    { data: circle },
    { data: () => {} },
    { data: Symbol() },
    { data: 1n },
    { form: "a=1" },
    { form: [1] },
    { form: null },
    { form: { a: {} } },
    { data: locked },
    { data: "abc", headers: { "content-length": 2 } },
    { data: "abc", headers: { "content-length": "3, 3" } },
    { data: "abc", headers: { "content-length": ["3", "3"] } },
    { data: "abc", headers: { "content-length": "+3" } },
    { data: "abc", headers: { "content-length": "" } },
    { headers: { "content-length": 3 } },
    { data: later(), headers: { "content-length": "x" } },
    { timeout: 0 },
    { timeout: "1" },
    { maxRedirects: -1 },
    { maxResponseLength: NaN },
    { signal: {} },
    { auth: "a" },
  ];
  for (const [i, options] of cases.entries()) {
    let error: unknown;
    try {
      client.post("", options as Options);
    } catch (thrown) {
      error = thrown;
    }
    assert(
      error instanceof TypeError || error instanceof RangeError,
      `Case ${i}: ${error}`,
    );
  }
  assertEquals(client.stats.requests, 0);
});

const BAD_STREAMS: [name: string, data: () => unknown, length?: number][] = [
  ["yields objects", () => [["a", "b"]].values()],
  ["throws", () =>
    (function* () {
      yield "a";
      throw new TypeError("Broken");
    })()],
  ["fails", () =>
    new ReadableStream({
      pull(controller) {
        controller.error(new TypeError("Broken"));
      },
    })],
  ["is too long", () => ["abcd"].values(), 3],
  ["is too short", () => ["ab"].values(), 3],
];

Deno.test("post() fails with the fault of a stream, and only that", async () => {
  for (const [name, data, length] of BAD_STREAMS) {
    await using arena = new ClientArena(echo);
    const headers = length === undefined ? {} : { "content-length": length };
    const options = { data: data(), headers } as Options;
    const error = await reject(arena.client.post("", options));
    assert(
      error instanceof TypeError || error instanceof RangeError,
      `${name}: ${error}`,
    );
    // The client goes on.
    assertEquals((await arena.client.get()).status, 200);
  }
});

Deno.test("post() refuses collections that are no series of pieces", async () => {
  await using arena = new ClientArena(echo);
  for (const data of [new Map([["a", "b"]]), new Headers({ a: "b" })]) {
    assertThrows(
      () => arena.client.post("", { data } as Options),
      TypeError,
      "as JSON: make an object of it",
    );
  }
  assertEquals(arena.client.stats.requests, 0);
});

Deno.test("post() ends a source that nobody wants any more", async () => {
  const ended = once();
  await using arena = new ClientArena(
    (client) => client.respond("no", { status: 413 }),
    { server: { streaming: true } },
  );
  const endless = function* () {
    try {
      for (;;) yield new Uint8Array(10_000);
    } finally {
      ended.resolve();
    }
  };
  const response = await arena.client.post("", { data: endless() });
  assertEquals([response.status, await response.text()], [413, "no"]);
  await ended.promise;
});

// ---- Header fields --------------------------------------------------------

Deno.test("request() sends header fields as they are given", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    for (;;) await arena.answer(peer, ok());
  }, { headers: { "X-All": "1", "User-Agent": "me" } });
  const { client, port } = arena;
  const host = `host: 127.0.0.1:${port}`;
  const cases: [headers: Options["headers"], lines: string[]][] = [
    [undefined, [
      host,
      "accept: */*",
      "user-agent: me",
      "accept-encoding: gzip, deflate, br",
      "x-all: 1",
    ]],
    [{ ACCEPT: "a/b", "X-One": ["1", 2], "x-all": null }, [
      host,
      "accept: a/b",
      "user-agent: me",
      "accept-encoding: gzip, deflate, br",
      "x-one: 1",
      "x-one: 2",
    ]],
    [
      {
        accept: null,
        "Accept-Encoding": null,
        "user-agent": null,
        "x-all": null,
      },
      [host],
    ],
    [{ "x-latin": "gr\xfcn \xff", "x-tab": "a\tb", "x-empty": "" }, [
      host,
      "accept: */*",
      "user-agent: me",
      "accept-encoding: gzip, deflate, br",
      "x-all: 1",
      "x-latin: gr\xfcn \xff",
      "x-tab: a\tb",
      "x-empty: ",
    ]],
    [new Headers([["a", "1"], ["A", "2"]]), [
      host,
      "accept: */*",
      "user-agent: me",
      "accept-encoding: gzip, deflate, br",
      "x-all: 1",
      "a: 1, 2",
    ]],
    [{ Host: "other.test", "x-all": null }, [
      "host: other.test",
      "accept: */*",
      "user-agent: me",
      "accept-encoding: gzip, deflate, br",
    ]],
    [{ Range: "bytes=0-1", "x-all": null }, [
      host,
      "accept: */*",
      "user-agent: me",
      "range: bytes=0-1",
    ]],
    [{ Range: "bytes=0-1", "accept-encoding": "x", "x-all": null }, [
      host,
      "accept: */*",
      "user-agent: me",
      "accept-encoding: x",
      "range: bytes=0-1",
    ]],
    [{ Authorization: "Mine abc", Cookie: "a=b", "x-all": null }, [
      host,
      "accept: */*",
      "user-agent: me",
      "accept-encoding: gzip, deflate, br",
      "authorization: Mine abc",
      "cookie: a=b",
    ]],
  ];
  for (const [headers, lines] of cases) {
    const response = await client.get("/p?q", { headers });
    assertEquals(response.status, 200);
    const [line, ...fields] = arena.heads.at(-1)!.trimEnd().split("\r\n");
    assertEquals(line, "GET /p?q HTTP/1.1");
    // As the raw peer reads UTF-8, Latin-1 is looked at elsewhere.
    const plain = (text: string) => text.replace(/[^\t -~]/g, "?").trim();
    assertEquals(fields.map(plain).sort(), lines.map(plain).sort());
  }
});

Deno.test("request() sends header values as Latin-1", async () => {
  const value = String.fromCharCode(
    ...Array.from({ length: 128 }, (_, i) => 128 + i),
  );
  await using arena = new ClientArena(echo);
  const response = await arena.client.get("", { headers: { x: value } });
  assertEquals((await response.json()).headers.x, value);
});

Deno.test("request() leaves the body's fields to the caller where it may", async () => {
  await using arena = new ClientArena(echo);
  const headers = { host: "a.test:9", connection: "close" };
  const response = await arena.client.post("", { data: "a", headers });
  const said: Echo = await response.json();
  assertEquals(said.headers.host, "a.test:9");
  assertEquals(said.headers.connection, "close");
  assertEquals(response.headers.connection, "close");
});

const BAD_HEADERS: unknown[] = [
  { "a b": "1" },
  { "": "1" },
  { "a:": "1" },
  { ä: "1" },
  { a: "1\r\nb: 2" },
  { a: "\n" },
  { a: "\r" },
  { a: "\0" },
  { a: "\x7f" },
  { a: "€" },
  { a: ["1", "2\n"] },
  { a: {} },
  { a: undefined },
  { a: true },
  { a: [null] },
  { "Transfer-Encoding": "chunked" },
  { expect: "100-continue" },
  { Upgrade: "websocket" },
  { "Proxy-Connection": "close" },
  { connection: "keep-alive" },
  { connection: "upgrade" },
  { connection: "close, x" },
  { host: ["a", "b"] },
  { Host: "a", host: "b" },
  { host: null },
  { host: "a b" },
];

Deno.test("request() refuses header fields that cannot be sent", async () => {
  await using client = new HttpClient(BASE);
  const taken: unknown[] = [];
  for (const headers of BAD_HEADERS) {
    try {
      client.get("", { headers } as Options).abort();
      taken.push(headers);
    } catch (error) {
      assert(error instanceof TypeError, `${error}`);
    }
  }
  assertEquals(taken, []);
});

Deno.test("HttpClient refuses the same header fields for all requests", () => {
  const taken: unknown[] = [];
  for (const headers of BAD_HEADERS) {
    try {
      new HttpClient(BASE, { headers } as HttpClientOptions).close();
      taken.push(headers);
    } catch (error) {
      assert(error instanceof TypeError, `${error}`);
    }
  }
  assertEquals(taken, []);
});

// ---- Expectations ---------------------------------------------------------

Deno.test("expectContinue holds the body back until the server wants it", async () => {
  const said: string[] = [];
  await using arena = new ClientArena(async (client) => {
    said.push(client.headersGet("expect", "nothing"));
    if (client.path === "/no") return client.respond("no", { status: 413 });
    return await client.respond(await client.text());
  }, { server: { streaming: true } });
  const { client } = arena;
  let opened = 0;
  const data = () =>
    ReadableStream.from((function* () {
      opened++;
      yield "body";
    })());
  const options = { expectContinue: true };
  const yes = await client.post("/yes", { ...options, data: "body" });
  assertEquals(await yes.text(), "body");
  const stream = await client.post("/yes", { ...options, data: data() });
  assertEquals([await stream.text(), opened], ["body", 1]);
  const no = await client.post("/no", { ...options, data: "x".repeat(100) });
  assertEquals([no.status, await no.text()], [413, "no"]);
  const none = await client.post("/yes", options);
  assertEquals(await none.text(), "");
  assertEquals(said, [
    "100-continue",
    "100-continue",
    "100-continue",
    "nothing",
  ]);
});

Deno.test("expectContinue sends the body after a while, and without if refused", async () => {
  await using arena = new RawArena(async (peer, n, arena) => {
    await arena.ask(peer);
    if (n === 0) {
      await peer.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    // Says nothing: the body comes all the same.
    const body = await peer.bytes(4);
    await peer.send(ok(new TextDecoder().decode(body)));
  });
  const options = { data: "body", expectContinue: true };
  const response = await arena.client.post("", options);
  assertEquals(await response.text(), "body");
  assert(/\r\nexpect: 100-continue\r\n/.test(arena.heads[0]));
  assert(!/expect/.test(arena.heads[1]));
});

Deno.test("expectContinue waits for a second, not for ever", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.ask(peer);
    await peer.bytes(4);
    await peer.send(ok());
  });
  using timers = new Timers();
  const options = { data: "body", expectContinue: true };
  assertEquals((await arena.client.post("", options)).status, 200);
  assert(timers.elapsed >= 900, `${timers.elapsed}`);
});

Deno.test("request() passes over interim responses", async () => {
  await using arena = new RawArena(async (peer, _, arena) => {
    await arena.ask(peer);
    await peer.send(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n" +
        "HTTP/1.1 102 Processing\r\n\r\n" + ok("done"),
    );
    await arena.answer(peer, ok("next"));
  });
  const first = await arena.client.get();
  assertEquals([first.status, await first.text()], [200, "done"]);
  assertEquals(first.headers.link, undefined);
  assertEquals(await (await arena.client.get()).text(), "next");
  assertEquals(arena.count, 1);
});

// ---- A request as a promise -----------------------------------------------

Deno.test("ClientRequest is a promise in every way", async () => {
  await using arena = new ClientArena((client) => client.respond(client.path));
  const { client } = arena;
  const request: Promise<HttpResponse> = client.get("/a");
  assertEquals(
    Object.prototype.toString.call(request),
    "[object ClientRequest]",
  );
  assertEquals(await (await request).text(), "/a");
  assertEquals(await client.get("/b").then((one) => one.text()), "/b");
  assertEquals(await client.get("/b").then((one) => one.status, () => 0), 200);
  assertEquals((await client.get("/c").then()).status, 200);
  let times = 0;
  assertEquals((await client.get("/c").finally(() => times++)).status, 200);
  assertEquals(times, 1);
  const both = await Promise.all([client.get("/d"), client.get("/e")]);
  assertEquals(await Promise.all(both.map((one) => one.text())), ["/d", "/e"]);
  assertEquals((await Promise.race([client.get("/f")])).status, 200);
  assertEquals((await Promise.any([client.get("/f")])).status, 200);
  const [settled] = await Promise.allSettled([client.get("/g")]);
  assertEquals(settled.status, "fulfilled");
  const twice = client.get("/h");
  const once = await twice;
  assert(await twice === once);
  assert(twice.response === await twice);
});

Deno.test("ClientRequest rejects in every way", async () => {
  await using arena = new ClientArena((_, arena) => arena.hold(_));
  const { client } = arena;
  const aborted = () => {
    const request = client.get();
    request.abort(new Error("Enough"));
    return request;
  };
  const errors = [
    await aborted().then(() => null, (error) => error),
    await aborted().catch((error) => error),
    await aborted().finally(() => {}).catch((error) => error),
    await aborted().wait().catch((error) => error),
    await aborted().wait(1000).catch((error) => error),
    await Promise.all([aborted()]).catch((error) => error),
    await Promise.race([aborted()]).catch((error) => error),
  ];
  for (const error of errors) {
    assert(error instanceof AbortedError, `${error}`);
    assertEquals((error.cause as Error).message, "Enough");
    assertEquals([error.method, error.status], ["GET", undefined]);
    assertEquals(error.url, arena.server.url);
  }
  // Nobody looks at this one, and nothing comes of it.
  aborted();
});

Deno.test("ClientRequest says what it has come to", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client));
  const request = arena.client.put("/a", { query: { b: 1 }, data: "x" });
  assertEquals(request.method, "PUT");
  assertEquals(request.url, `${arena.server.url}a?b=1`);
  assertEquals([request.response, request.error], [null, null]);
  assertEquals(request.isFinished, false);
  assertEquals(request.context, undefined);
  request.context = { mine: 1 };
  (await arena.next()).respond("x");
  const response = await request;
  assertEquals(request.isFinished, true);
  assertEquals([request.response, request.error], [response, null]);
  assert(response.request === request);
  assertEquals(response.request.context, { mine: 1 });
  request.abort(); // too late, and no matter
  assertEquals(request.response, response);

  const other = arena.client.get();
  other.abort("why");
  assert(other.isFinished);
  assert(other.error instanceof AbortedError);
  assertEquals([other.error.cause, other.response], ["why", null]);
});

Deno.test("wait() gives up waiting, not the request", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client));
  const request = arena.client.get();
  assertEquals(await request.wait(0), null);
  assertEquals(await request.wait(10), null);
  assertEquals(request.isFinished, false);
  const waited = request.wait(20_000);
  (await arena.next()).respond("late");
  const response = await waited;
  assertEquals(await response!.text(), "late");
  assert(await request.wait(0) === response);
  assert(await request.wait() === response);
});

Deno.test("abort() ends a request wherever it stands", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client), {
    client: { maxConnections: 1 },
  });
  const { client } = arena;
  const connecting = client.get("/connecting");
  connecting.abort(1);
  const sent = client.get("/sent");
  const held = await arena.next();
  const queued = client.get("/queued");
  queued.abort(2);
  assertEquals(client.isConnected, true);
  sent.abort(3);
  for (const [i, request] of [connecting, queued, sent].entries()) {
    const error = await reject(request);
    assert(error instanceof AbortedError);
    assertEquals(error.cause, i + 1);
    assertEquals(error.message, `GET ${request.url} was aborted`);
  }
  held.close();
  const after = client.get("/after");
  (await arena.next()).respond("ok");
  assertEquals((await after).status, 200);
});

Deno.test("a signal ends its request, before, while, and not after", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client));
  const { client } = arena;
  const reason = new Error("Because");
  const early = client.get("", { signal: AbortSignal.abort(reason) });
  assert(early.error instanceof AbortedError);
  assertEquals(early.error.cause, reason);

  const controller = new AbortController();
  const { signal } = controller;
  const done = client.get("", { signal });
  (await arena.next()).respond("x");
  assertEquals(await (await done).text(), "x");
  const request = client.get("", { signal });
  const held = await arena.next();
  controller.abort(reason);
  const error = await reject(request);
  assert(error instanceof AbortedError);
  assertEquals(error.cause, reason);
  assertEquals((await done).status, 200);
  assertEquals(held.url, "/");
});

Deno.test("a signal's timeout is the cause of what it ends", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client));
  const signal = AbortSignal.timeout(20);
  const error = await reject(arena.client.get("", { signal }));
  assert(error instanceof AbortedError);
  assertEquals((error.cause as Error).name, "TimeoutError");
});

// ---- Its state, and its end -----------------------------------------------

Deno.test("state and stats tell what the client is doing", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client));
  const { client } = arena;
  assertEquals([client.state, client.isConnected], ["idle", false]);
  const request = client.post("", { data: "12345", stream: true });
  assertEquals(client.state, "connecting");
  const held: HttpConnection = await arena.next();
  assertEquals([client.state, client.isConnected], ["waiting", true]);
  await held.responseStream();
  const response = await request;
  assertEquals(client.state, "receiving");
  held.sendChunk("abc");
  await held.responseStreamEnd();
  assertEquals(await response.text(), "abc");
  assertEquals([client.state, client.isConnected], ["idle", true]);
  const { stats } = client;
  assertEquals(
    [stats.connections, stats.opened, stats.requests, stats.retried],
    [1, 1, 1, 0],
  );
  assert(stats.bytesIn > 100 && stats.bytesOut > 100);
  assert(client.stats !== stats);
  await client.close();
  assertEquals(client.state, "closed");
});

Deno.test("close() ends all that is on its way, and what comes after", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client), {
    client: { maxConnections: 1 },
  });
  const { client } = arena;
  const sent = client.get("/sent");
  await arena.next();
  const queued = client.get("/queued");
  const closed = client.close();
  const late = client.get("/late");
  for (const request of [sent, queued, late]) {
    const error = await reject(request);
    assert(error instanceof AbortedError, `${error}`);
    assertEquals((error.cause as Error).message, "Client is closed");
  }
  await closed;
  await client.close();
  await client[Symbol.asyncDispose]();
  assertEquals(client.state, "closed");
});

Deno.test("close() ends connections in the making, and unused ones", async () => {
  await using arena = new ClientArena((client) => client.respond("x"));
  const { client } = arena;
  assertEquals((await client.get()).status, 200);
  await client.close();
  await eventually(() => arena.server.stats.openConnections === 0);
  const other = arena.another();
  const request = other.get();
  await other.close();
  assert(await reject(request) instanceof AbortedError);
  await arena.another().close(); // never used
});

Deno.test("a signal closes its client", async () => {
  await using arena = new ClientArena((client, arena) => arena.hold(client));
  const controller = new AbortController();
  const client = arena.another({ signal: controller.signal });
  const request = client.get();
  await arena.next();
  controller.abort();
  assert(await reject(request) instanceof AbortedError);
  assertEquals(client.state, "closed");
  const dead = arena.another({ signal: AbortSignal.abort() });
  assertEquals(dead.state, "closed");
  assert(await reject(dead.get()) instanceof AbortedError);
});
