// deno-lint-ignore-file no-control-regex -- what a terminal takes is looked at
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { HttpConnection } from "@uhttp/uhttp";
import { main } from "../../cli.ts";
import { Lines } from "../examples/example.ts";
import { pattern } from "../support/bytes.ts";
import { makePair } from "../support/certificates.ts";
import { type RawPeer, RawServer } from "../support/raw_server.ts";
import { Scene } from "../support/serving.ts";
import { FakeIo, type FakeOptions, type Outcome, run } from "./fake_io.ts";
import { program, wanting } from "../support/wanting.ts";

const encoder = new TextEncoder();

/** What a request was. */
interface Seen {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Sends to a server that answers by `handler`, or with nothing. */
async function ask(
  args: string[],
  handler: (client: HttpConnection) => unknown = (client) => client.respond(),
  options: FakeOptions = {},
  path = "",
): Promise<Outcome & { seen: Seen[]; url: string }> {
  const seen: Seen[] = [];
  await using scene = new Scene(async (client) => {
    const body = await client.text();
    const { method, url, headers } = client;
    seen.push({ method, url, headers: { ...headers }, body });
    await handler(client);
  }, { streaming: true });
  const { url } = scene.server;
  const outcome = await run([...args, url + path], options);
  return { ...outcome, seen, url };
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

// ---- What is sent -----------------------------------------------------------

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";

const SENT: [
  args: string[],
  method: string,
  type: string | undefined,
  body: string,
][] = [
  [[], "GET", undefined, ""],
  [["DELETE"], "DELETE", undefined, ""],
  [["-d", "a=1"], "POST", "application/x-www-form-urlencoded", "a=1"],
  [
    ["-d", "a=1", "-d", "b"],
    "POST",
    "application/x-www-form-urlencoded",
    "a=1&b",
  ],
  [
    ["PUT", "-d", "x", "-H", "Content-Type: text/plain"],
    "PUT",
    "text/plain",
    "x",
  ],
  [["-d", "@-"], "POST", "application/x-www-form-urlencoded", "piped\n"],
  [["-j", '{"a": 1}'], "POST", "application/json", '{"a": 1}'],
  [
    ["-j", "12345678901234567890"],
    "POST",
    "application/json",
    "12345678901234567890",
  ],
  [["-f", "-"], "POST", "application/octet-stream", "piped\n"],
];

/** Words behind the URL, and what they send. */
const WORDS: typeof SENT = [
  [["a=1", "b=x y&"], "POST", FORM, "a=1&b=x+y%26"],
  [["-j", "a=1", "b:=2", "c=č"], "POST", JSON_TYPE, '{"a":"1","b":2,"c":"č"}'],
  [
    ["-j", "a:=1", "a:=12345678901234567890"],
    "POST",
    JSON_TYPE,
    '{"a":12345678901234567890}',
  ],
  [["-j", "__proto__=x"], "POST", JSON_TYPE, '{"__proto__":"x"}'],
  [["a=@-"], "POST", FORM, "a=piped%0A"],
];

for (const [words, method, type, body] of WORDS) {
  Deno.test(`uhttp sends what URL ${words.join(" ")} says`, async () => {
    const seen: unknown[] = [];
    await using scene = new Scene(async (client) => {
      const { method, headers } = client;
      seen.push([method, headers["content-type"], await client.text()]);
      client.respond();
    }, { streaming: true });
    const args = [scene.server.url, ...words];
    const { code, err } = await run(args, { input: "piped\n" });
    assertEquals([code, err], [0, ""]);
    assertEquals(seen, [[method, type, body]]);
  });
}

Deno.test("uhttp takes queries and headers by words, and files for parts", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.txt`;
    await Deno.writeTextFile(path, "[1, 2]");
    const seen: unknown[] = [];
    await using scene = new Scene(async (client) => {
      const form = client.method === "POST" &&
          client.contentType === "multipart/form-data"
        ? await client.form()
        : await client.text();
      seen.push([client.url, client.headers["x-a"], form]);
      client.respond();
    }, { streaming: true });
    const { url } = scene.server;
    for (
      const words of [
        ["X-A:1", "q==a b"],
        ["-G", "a=1", "b=č"],
        ["-G", "-d", "a=1", "-d", "b"],
        ["-j", `a:=@${path}`, `b=@${path}`],
        ["a=1", `f@${path}`],
      ]
    ) assertEquals((await run([`${url}?p`, ...words])).err, "");
    const { a, f } =
      (seen.pop() as [string, string, { a: string; f: File }])[2];
    assertEquals([a, f.name, await f.text()], ["1", "a.txt", "[1, 2]"]);
    assertEquals(seen, [
      ["/?p&q=a%20b", "1", ""],
      ["/?p&a=1&b=%C4%8D", undefined, ""],
      ["/?p&a=1&b", undefined, ""],
      ["/?p", undefined, '{"a":[1, 2],"b":"[1, 2]"}'],
    ]);
    const bad = await run([url, "-j", `a:=@${folder}/x`]);
    assertEquals(bad.code, 1);
    await Deno.writeTextFile(path, "[1, 2");
    const worse = await run([url, "-j", `a:=@${path}`]);
    assertEquals(worse.code, 2);
    assertMatch(worse.err, /^uhttp: No JSON in a:=: /);
  }));

for (const [args, method, type, body] of SENT) {
  Deno.test(`uhttp sends what ${args.join(" ") || "nothing"} says`, async () => {
    const { code, seen, err } = await ask(args, undefined, {
      input: "piped\n",
    });
    assertEquals([code, err], [0, ""]);
    assertEquals([seen[0].method, seen[0].body], [method, body]);
    assertEquals(seen[0].headers["content-type"], type);
    assertMatch(seen[0].headers["user-agent"], /^uhttp\/\d+\.\d+\.\d+/);
  });
}

Deno.test("uhttp sends files as data, JSON, body and form", () =>
  inFolder(async (folder) => {
    const text = `${folder}/a.txt`;
    await Deno.writeTextFile(text, '{"from": "file"}');
    const data = await ask(["-d", `@${text}`]);
    assertEquals(data.seen[0].body, '{"from": "file"}');
    const json = await ask(["-j", `@${text}`]);
    assertEquals(json.seen[0].body, '{"from": "file"}');
    assertEquals(json.seen[0].headers.accept, "application/json, */*");
    const file = await ask(["PUT", "-f", text]);
    assertEquals(file.seen[0].body, '{"from": "file"}');
    assertEquals(file.seen[0].headers["content-length"], "16");
    assertEquals(file.seen[0].headers["transfer-encoding"], undefined);
    assertEquals(
      file.seen[0].headers["content-type"],
      "text/plain; charset=utf-8",
    );
    let fields: unknown;
    await using scene = new Scene(async (client) => {
      fields = await client.form();
      client.respond();
    });
    const args = ["-F", "x=1", "-F", "x=2", "-F", `f=@${text}`];
    assertEquals((await run([...args, scene.server.url])).code, 0);
    const { x, f } = fields as { x: string[]; f: File };
    assertEquals([x, f.name, f.type], [
      ["1", "2"],
      "a.txt",
      "text/plain; charset=utf-8",
    ]);
    assertEquals(await f.text(), '{"from": "file"}');
  }));

Deno.test("uhttp -f sends a file that is larger than a piece", () =>
  inFolder(async (folder) => {
    const bytes = pattern(3_000_000);
    await Deno.writeFile(`${folder}/a.bin`, bytes);
    let received: Uint8Array | null = null;
    await using scene = new Scene(async (client) => {
      client.limit(1e7);
      received = await client.readAll();
      client.respond();
    }, { streaming: true });
    const { code } = await run([scene.server.url, "-f", `${folder}/a.bin`]);
    assertEquals(code, 0);
    assertEquals(received, bytes);
  }));

Deno.test("uhttp says what it cannot send before anything is sent", () =>
  inFolder(async (folder) => {
    for (
      const [args, code, message] of [
        [["-j", "{"], 2, /^uhttp: No JSON in --json: .+\n$/],
        [
          ["-d", `@${folder}/x`],
          1,
          /^uhttp: Cannot read .*\/x: No such file or directory\n$/,
        ],
        [
          ["-f", `${folder}/x`],
          1,
          /^uhttp: Cannot read .*\/x: No such file or directory\n$/,
        ],
        [["-f", folder], 1, /^uhttp: Cannot read .*: Not a plain file\n$/],
        [["-F", `a=@${folder}/x`], 1, /^uhttp: Cannot read /],
        [["--cacert", `${folder}/x`], 1, /^uhttp: Cannot read /],
        [
          ["-H", "transfer-encoding: chunked"],
          2,
          /^uhttp: .*transfer-encoding/,
        ],
        [["-x", "socks5://a"], 2, /^uhttp: .*proxy/],
        [["-u", "me"], 2, /^uhttp: --user has no password/],
      ] as [string[], number, RegExp][]
    ) {
      const outcome = await ask(args);
      assertEquals([outcome.code, outcome.seen], [code, []], args.join(" "));
      assertMatch(outcome.err, message);
    }
  }));

Deno.test("uhttp -H adds, repeats, replaces and leaves out", async () => {
  const args = [
    ...["-H", "X-A: 1", "-H", "x-a: 2", "-H", "Accept: text/plain"],
    ...["-H", "User-Agent:", "-H", "X-Č: 1"].slice(0, 2),
  ];
  const { seen } = await ask(args);
  const { headers } = seen[0];
  assertEquals(headers["x-a"], "1, 2");
  assertEquals(headers.accept, "text/plain");
  assertEquals(headers["user-agent"], undefined);
});

/** Wants a user and a password. */
function guarded(client: HttpConnection): Promise<boolean> {
  return client.headers.authorization === undefined
    ? client.respond("no", {
      status: 401,
      headers: { "www-authenticate": 'Basic realm="a"' },
    })
    : client.respond(client.headers.authorization);
}

Deno.test("uhttp -u and --bearer say who asks", async () => {
  const basic = `Basic ${btoa("me:a:b")}`;
  const user = await ask(["-u", "me:a:b"], guarded);
  assertEquals([user.code, user.out], [0, basic]);
  const bearer = await ask(["--bearer", "abc"], guarded);
  assertEquals(bearer.out, "Bearer abc");
  await using scene = new Scene(guarded);
  const url = scene.server.url.replace("//", "//me:a%3Ab@");
  assertEquals((await run([url])).out, basic);
});

Deno.test("uhttp -u asks for a password that it does not show", async () => {
  await using scene = new Scene(guarded);
  for (
    const [typed, password] of [
      ["secret\r", "secret"],
      ["xx\x7f\x08secret\n", "secret"],
      ["xx\x15sečx\x7f\r", "seč"],
      ["č\x7fe\r", "e"],
    ]
  ) {
    const io = new FakeIo({ terminals: "in" });
    io.stdin.push(typed);
    assertEquals(await main([scene.server.url, "-u", "me"], io), 0);
    const [, sent] = io.stdout.text.split(" ");
    const bytes = Uint8Array.from(atob(sent), (char) => char.charCodeAt(0));
    assertEquals(new TextDecoder().decode(bytes), `me:${password}`);
    assertEquals(io.stderr.text, "Password of me: \n");
    assertEquals(io.stdin.raw, [true, false]);
  }
  for (const typed of ["a\x03", "\x04"]) {
    const io = new FakeIo({ terminals: "in" });
    io.stdin.push(typed);
    assertEquals(await main([scene.server.url, "-u", "me"], io), 130);
    assertEquals(io.stdin.raw, [true, false]);
  }
});

// ---- What is shown ----------------------------------------------------------

const ODD = '{"a":1,"b":[true],"n":12345678901234567890}';

Deno.test("uhttp passes the bytes on as they come, where no terminal is", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const binary = await ask([], (client) => client.respond(bytes));
  assertEquals(binary.io.stdout.bytes, bytes);
  const json = await ask([], (client) =>
    client.respond(encoder.encode(ODD), {
      headers: { "content-type": "application/json" },
    }));
  assertEquals(json.out, ODD);
});

/** Shows an answer on a terminal. */
function show(
  type: string,
  body: string | Uint8Array,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  return ask(
    args,
    (client) => client.respond(bytes, { headers: { "content-type": type } }),
    { terminals: "out", env },
  );
}

Deno.test("uhttp lays out JSON on a terminal", async () => {
  const plain = '{\n  "a": 1,\n  "b": [\n    true\n  ],\n' +
    '  "n": 12345678901234567890\n}\n';
  for (const type of ["application/json", "application/problem+json; x=1"]) {
    assertEquals((await show(type, ODD, ["--no-color"])).out, plain);
  }
  const none = { NO_COLOR: "1" };
  assertEquals((await show("application/json", ODD, [], none)).out, plain);
  const dumb = { TERM: "dumb" };
  assertEquals((await show("application/json", ODD, [], dumb)).out, plain);
  const { out } = await show("application/json", ODD);
  assert(out.includes('\x1b[34m"a"\x1b[0m: \x1b[36m1\x1b[0m'), out);
  assertEquals(
    (await show("application/json", ODD, ["--raw"])).out,
    ODD + "\n",
  );
  assertEquals((await show("application/json", "{x")).out, "{x\n");
  assertEquals((await show("application/json", "")).out, "");
});

Deno.test("uhttp lets nothing command the terminal", async () => {
  const evil = "a\x1b]0;title\x07\x1b[2Jb\r\nc\x9b1md\n";
  for (
    const [type, args] of [
      ["text/plain", []],
      ["text/plain", ["--raw"]],
      ["application/json", []],
      ["application/x-ndjson", ["--no-color"]],
      ["text/event-stream", ["--no-color"]],
    ] as const
  ) {
    const { out } = await show(`${type}; charset=utf-8`, evil, [...args]);
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(out), type);
    assert(out.includes("␛[2Jb\nc"), JSON.stringify(out));
  }
  const json = '{"\x7f\x9b":"\x9b2J"}';
  assert(!/[\x7f-\x9f]/.test((await show("application/json", json)).out));
});

Deno.test("uhttp lets no header command the terminal", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answer = async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(4096));
    const head = "HTTP/1.1 200 O\x9b2JK\r\nX-A: \x9b31m\xc5\xbe\r\n" +
      "Content-Length: 0\r\n\r\n";
    await conn.write(Uint8Array.from(head, (char) => char.charCodeAt(0)));
  };
  const url = `http://127.0.0.1:${listener.addr.port}`;
  const [outcome] = await Promise.all([
    run([url, "-v", "-i"], { terminals: "all" }),
    answer(),
  ]);
  const text = outcome.out + outcome.err;
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(text), JSON.stringify(text));
  assertMatch(outcome.out, /^HTTP\/1.1 200 O.2JK\nx-a: .31m.+\n/);
});

Deno.test("uhttp shows text of other charsets, and ends the line", async () => {
  const latin2 = Uint8Array.from([0xbe, 0x6c]);
  const type = "text/plain; charset=iso-8859-2";
  assertEquals((await show(type, latin2)).out, "žl\n");
  const utf16 = Uint8Array.from([0x61, 0, 0x62, 0, 10, 0]);
  assertEquals((await show("text/plain; charset=utf-16le", utf16)).out, "ab\n");
  assertEquals((await show("text/plain; charset=nope", "ž")).out, "ž\n");
});

Deno.test("uhttp shows no binary data on a terminal", async () => {
  const bytes = Uint8Array.from([0x89, 0x50, 0, 1]);
  for (const type of ["image/png", "text/plain", "application/json"]) {
    const { code, out, err } = await show(type, bytes);
    assertEquals([code, out], [23, ""]);
    assertEquals(
      err,
      `uhttp: Binary data (${type}, 4 B) is not for a terminal; ` +
        "save it with -o FILE\n",
    );
  }
  const invalid = Uint8Array.from([0xff, 0xd8]);
  assertEquals((await show("application/octet-stream", invalid)).code, 23);
  assertEquals((await show("image/svg+xml", "<svg/>")).out, "<svg/>\n");
});

Deno.test("uhttp shows events and lines of JSON as they come", async () => {
  for (const terminals of ["", "out"] as const) {
    const io = new FakeIo({ terminals });
    const next = Promise.withResolvers<void>();
    await using scene = new Scene(async (client) => {
      if (client.path === "/events") {
        client.responseEvents();
        client.sendEvent({ event: "x", data: '{"a":1}' });
        await next.promise;
        client.sendEvent({ data: "two" });
      } else {
        client.responseNdjson();
        client.sendNdjson({ a: 1 });
        await next.promise;
        client.sendNdjson([2]);
      }
      client.responseStreamEnd();
    });
    const done = main([scene.server.url + "events", "--no-color"], io);
    await io.stdout.until(/a": ?1\}\n\n/);
    next.resolve();
    assertEquals(await done, 0);
    assertMatch(io.stdout.text, /data: two\n\n$/);

    const other = new FakeIo({ terminals });
    const args = [scene.server.url + "lines", "--no-color"];
    assertEquals(await main(args, other), 0);
    assertEquals(
      other.stdout.text,
      terminals === "" ? '{"a":1}\n[2]\n' : '{\n  "a": 1\n}\n[\n  2\n]\n',
    );
  }
});

Deno.test("uhttp -i and -I show the head", async () => {
  const answer = (client: HttpConnection) =>
    client.respond("hi", {
      headers: { "X-A": ["1", "2"], date: "now", "content-type": "text/plain" },
    });
  const whole = await ask(["-i"], answer);
  assertEquals(
    whole.out.replace(/^date: .*\r\n/m, ""),
    "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ncontent-type: text/plain\r\n" +
      "content-length: 2\r\nconnection: keep-alive\r\n" +
      "keep-alive: timeout=29\r\n\r\nhi",
  );
  const head = await ask(["-I"], answer, { terminals: "out" });
  assertEquals(head.seen[0].method, "HEAD");
  assertMatch(head.out, /^HTTP\/1.1 200 OK\nx-a: 1\n[^\r]*length: 2\n.*\n$/s);
});

Deno.test("uhttp -v shows both heads and how long it took", async () => {
  const { code, out, err } = await ask(
    ["-v", "-H", "X-A: b", "-d", "x"],
    (client) => client.respond("hi"),
  );
  assertEquals([code, out], [0, "hi"]);
  assertMatch(
    err,
    /^> POST \/ HTTP\/1.1\n> host: 127.0.0.1:\d+\n(?:> .*\n)*>\n/,
  );
  assertMatch(err, /^> x-a: b$/m);
  assertMatch(err, /^< HTTP\/1.1 200 OK\n(?:< .*\n)+<\n/m);
  assertMatch(
    err,
    /\n\* connect [\d.]+ ms, TLS 0\.0 ms, first byte [\d.]+ ms, total [\d.]+ ms\n$/,
  );
});

// ---- Files ------------------------------------------------------------------

Deno.test("uhttp -o and -O write a file", () =>
  inFolder(async (folder) => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i);
    const answer = (client: HttpConnection) => client.respond(bytes);
    const path = `${folder}/a.bin`;
    const { code, out, err } = await ask(["-o", path], answer);
    assertEquals([code, out, err], [0, "", ""]);
    assertEquals(await Deno.readFile(path), bytes);

    // A working folder belongs to a process: this one has its own.
    await using scene = new Scene(answer);
    const child = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        CLI,
        "-O",
        `${scene.server.url}x/b%20c.bin?d`,
      ],
      cwd: folder,
    }).output();
    assertEquals(child.code, 0);
    assertEquals(await Deno.readFile(`${folder}/b c.bin`), bytes);
  }));

const CLI = fromFileUrl(import.meta.resolve("../../cli.ts"));

Deno.test("uhttp shows how far a download is", () =>
  inFolder(async (folder) => {
    for (const isKnown of [true, false]) {
      let now = 0;
      const io = new FakeIo({ terminals: "err", now: () => now });
      const first = Promise.withResolvers<void>();
      await using scene = new Scene(async (client) => {
        const headers: Record<string, string> = isKnown
          ? { "content-length": "4000000" }
          : {};
        client.responseStream({ headers });
        now = 1000;
        await client.sendChunk(new Uint8Array(1000));
        await first.promise;
        now = 2000;
        for (let i = 0; i < 3; i++) {
          await client.sendChunk(new Uint8Array(999_000));
        }
        await client.sendChunk(new Uint8Array(1_002_000));
        client.responseStreamEnd();
      });
      const done = main([scene.server.url, "-o", `${folder}/a`], io);
      await io.stderr.until(
        isKnown
          ? /^\r {2}0% \[\.{20}\] [\d.]+ k?B of 4\.0 MB.*\x1b\[K/
          : /^\r[\d.]+ k?B.*\x1b\[K/,
      );
      first.resolve();
      assertEquals(await done, 0);
      assertMatch(
        io.stderr.text,
        isKnown
          ? /\r100% \[#{20}\] 4\.0 MB of 4\.0 MB {2}[\d.]+ MB\/s\x1b\[K\n$/
          : /\r4\.0 MB {2}[\d.]+ MB\/s\x1b\[K\n$/,
      );
      assertEquals(io.stdout.text, "");
    }
  }));

/** What servers do that have answered a file before they read it. */
const EARLY: [
  name: string,
  then: (peer: RawPeer, length: number) => Promise<void>,
  code: number,
  err: RegExp,
][] = [
  [
    "reads on",
    async (peer, length) => {
      for (let left = length; left > 0;) {
        left -= (await peer.bytes(Math.min(left, 65_536))).length;
      }
    },
    0,
    /^$/,
  ],
  [
    "closes",
    (peer) => peer.end("close"),
    56,
    /^uhttp: Connection was lost .*\n$/,
  ],
  ["takes no more", () => Promise.resolve(), 28, /took longer/],
];

for (const [name, then, code, err] of EARLY) {
  for (const size of [900_000, 36_000_000]) {
    // So little is with the kernel before anybody knows.
    if (size < 1_000_000 && code !== 0) continue;
    Deno.test(`uhttp PUT -f comes to ${code} where a server answers ${size} bytes at once, and ${name}`, () =>
      inFolder(async (folder) => {
        const path = `${folder}/a.bin`;
        await Deno.writeFile(path, new Uint8Array(size));
        await using server = RawServer.listen(async (peer) => {
          const { headers } = await peer.head();
          await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
          if (name === "takes no more") return await stuck;
          await then(peer, Number(headers["content-length"]));
          isDone.resolve();
        });
        const isDone = Promise.withResolvers<void>();
        const { promise: stuck, resolve } = Promise.withResolvers<void>();
        const args = ["PUT", server.url, "-f", path, "--timeout", "1"];
        const outcome = await run(args);
        resolve();
        assertEquals(outcome.code, code);
        assertMatch(outcome.err, err);
        if (code === 0) await isDone.promise;
        assertEquals(server.faults, []);
      }));
  }
}

for (const status of [301, 404, 413]) {
  Deno.test(`uhttp PUT -f comes to 56 where ${status} stops it, and shows the answer`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/a.bin`;
      await Deno.writeFile(path, new Uint8Array(36_000_000));
      await using server = RawServer.listen(async (peer) => {
        await peer.head();
        await peer.say(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nno`);
        await peer.gone();
      });
      const args = ["PUT", server.url, "-f", path];
      const { code, out, err } = await run(args);
      assertEquals([code, out, err], [
        56,
        "no",
        `uhttp: Not all was sent, as the answer was ${status} No\n`,
      ]);
    }));
}

Deno.test("uhttp leaves no half of a file", () =>
  inFolder(async (folder) => {
    const cut = async (client: HttpConnection) => {
      client.responseStream({ headers: { "content-length": "100" } });
      await client.sendChunk("half");
      client.close();
    };
    const { code, err } = await ask(["-o", `${folder}/a`], cut);
    assertEquals(code, 56);
    assertMatch(err, /^uhttp: Connection was lost before the end .*\n$/);
    assertEquals([...Deno.readDirSync(folder)], []);
    // A device is not ours to remove.
    assertEquals((await ask(["-o", "/dev/null"], cut)).code, 56);
    assert((await Deno.stat("/dev/null")).isCharDevice);
  }));

// ---- Where to ---------------------------------------------------------------

Deno.test("uhttp -L follows redirects, so many", async () => {
  const hop = (client: HttpConnection) => {
    const left = Number(client.query.n ?? 0);
    return left > 0
      ? client.respondRedirect(`/?n=${left - 1}`)
      : client.respond("there");
  };
  const stays = await ask(["-i"], hop, {}, "?n=1");
  assertEquals(stays.code, 0);
  assertMatch(stays.out, /^HTTP\/1.1 302 /);
  assertEquals((await ask(["-L"], hop, {}, "?n=10")).out, "there");
  const tooMany = await ask(["-L"], hop, {}, "?n=11");
  assertEquals([tooMany.code, tooMany.out], [47, ""]);
  assertMatch(tooMany.err, /^uhttp: .*redirect.*\n$/i);
  const limited = await ask(["--max-redirects", "1"], hop, {}, "?n=2");
  assertEquals(limited.code, 47);
});

Deno.test("uhttp --unix connects to a socket", () =>
  inFolder(async (folder) => {
    const path = `${folder}/socket`;
    await using _scene = new Scene(
      (client) => client.respond(client.headers.host),
      { hostname: undefined, port: undefined, path },
    );
    const { code, out } = await run(["example.com/x", "--unix", path]);
    assertEquals([code, out], [0, "example.com"]);
  }));

Deno.test("uhttp goes by the proxy of the option or the environment", async () => {
  await using proxy = new Scene((client) => client.respond(client.url));
  const env = { http_proxy: proxy.server.url };
  const args = ["http://nowhere.example/x"];
  const target = "http://nowhere.example/x";
  assertEquals((await run(args, { env })).out, target);
  const host = proxy.server.url.slice("http://".length);
  assertEquals((await run([...args, "-x", host])).out, target);
  const direct = await ask(["-x", ""], (client) => client.respond("me"), {
    env,
  });
  assertEquals(direct.out, "me");
  const excluded = await ask([], (client) => client.respond("me"), {
    env: { ...env, no_proxy: "127.0.0.0/8" },
  });
  assertEquals(excluded.out, "me");
});

Deno.test({
  ...wanting("uhttp trusts no certificate but those it should", "OpenSSL 3"),
  fn: () =>
    inFolder(async (folder) => {
      const { cert, key } = await makePair();
      await Deno.writeTextFile(`${folder}/cert.pem`, cert);
      await using scene = new Scene((client) => client.respond("hi"), {
        cert,
        key,
      });
      const { url } = scene.server;
      const refused = await run([url]);
      assertEquals(refused.code, 60);
      assertMatch(refused.err, /^uhttp: Cannot secure .*\n$/);
      assertEquals((await run([url, "-k"])).out, "hi");
      const trusting = await run([url, "--cacert", `${folder}/cert.pem`, "-v"]);
      assertEquals([trusting.code, trusting.out], [0, "hi"]);
    }),
});

// ---- Exit codes -------------------------------------------------------------

Deno.test("uhttp --fail comes to 22 from status 400 on", async () => {
  const answer = (client: HttpConnection) =>
    client.respond("why", { status: Number(client.query.s) });
  assertEquals((await ask(["--fail"], answer, {}, "?s=399")).code, 0);
  for (const status of [400, 404, 500]) {
    const outcome = await ask(["--fail"], answer, {}, `?s=${status}`);
    assertEquals([outcome.code, outcome.out], [22, ""]);
    assertMatch(outcome.err, new RegExp(`^uhttp: Answered ${status} .*\n$`));
  }
  const shown = await ask([], answer, {}, "?s=500");
  assertEquals([shown.code, shown.out], [0, "why"]);
});

Deno.test("uhttp comes to 6 where a name is unknown", async () => {
  const { code, err } = await run(["http://nowhere.invalid/"]);
  assertEquals(code, 6);
  assertMatch(err, /^uhttp: Cannot connect to http:\/\/nowhere.invalid.*\n$/);
});

Deno.test("uhttp comes to 7 where nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, err } = await run([`127.0.0.1:${port}`]);
  assertEquals(code, 7);
  assertMatch(err, /^uhttp: Cannot connect to .*\n$/);
});

Deno.test("uhttp comes to 23 where nobody takes the output", async () => {
  await using scene = new Scene((client) => client.respond("hi"));
  const io = new FakeIo();
  io.stdout.error = new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
  assertEquals(await main([scene.server.url], io), 23);
  assertEquals(io.stderr.text, "");
  const full = new FakeIo();
  full.stdout.error = new Error("No space left on device (os error 28)");
  assertEquals(await main([scene.server.url], full), 23);
  assertEquals(
    full.stderr.text,
    "uhttp: Cannot write output: No space left on device\n",
  );
  const { code, err } = await run([scene.server.url, "-o", "/nowhere/x"]);
  assertEquals(code, 23);
  assertEquals(
    err,
    "uhttp: Cannot write /nowhere/x: No such file or directory\n",
  );
});

Deno.test("uhttp comes to 28 when it takes too long", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const { code, err } = await run([
    `127.0.0.1:${listener.addr.port}`,
    ...["-t", "0.05"],
  ]);
  assertEquals(code, 28);
  assertMatch(err, /^uhttp: .* took longer than 50 ms .*\n$/);
  (await accepted).close();
});

Deno.test("uhttp comes to 56 when the answer is malformed", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answer = async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(4096));
    await conn.write(encoder.encode("SSH-2.0-OpenSSH\r\n\x1b[2J\r\n"));
  };
  const [{ code, err }] = await Promise.all([
    run([`127.0.0.1:${listener.addr.port}`]),
    answer(),
  ]);
  assertEquals(code, 56);
  assertMatch(err, /^uhttp: Response to GET .+\n$/);
});

Deno.test("uhttp comes to 130 when it is interrupted", () =>
  inFolder(async (folder) => {
    await using scene = new Scene(async (client) => {
      client.responseStream();
      await client.sendChunk("x");
      // Held until the peer is gone.
      if (!client.signal.aborted) {
        await new Promise((resolve) =>
          client.signal.addEventListener("abort", resolve)
        );
      }
    });
    const io = new FakeIo();
    const done = main([scene.server.url], io);
    await io.stdout.until(/x/);
    io.interrupt();
    assertEquals(await done, 130);
    assertEquals(io.isListening, false);

    const saving = new FakeIo({ terminals: "err" });
    const saved = main([scene.server.url, "-o", `${folder}/a`], saving);
    await saving.stderr.until(/1 B/);
    saving.interrupt();
    assertEquals(await saved, 130);
    assertEquals([...Deno.readDirSync(folder)], []);

    // While it waits for what nobody types.
    const typing = new FakeIo();
    const typed = main([scene.server.url, "-d", "@-"], typing);
    while (!typing.isListening) await Promise.resolve();
    typing.interrupt();
    assertEquals(await typed, 130);
    typing.stdin.push(null);
  }));

Deno.test("uhttp says in one line what is wrong with its arguments", async () => {
  for (
    const args of [
      ...[[], ["--nope"], ["ftp://a"], ["a", "b", "c"], ["ws"]],
      ...[["help", "x"], ["completions"], ["completions", "x"]],
    ]
  ) {
    const { code, out, err } = await run(args);
    assertEquals([code, out], [2, ""]);
    assertMatch(err, /^uhttp: .+\n$/);
  }
  for (const args of [["--help"], ["ws", "-h"], ["serve", "-h"], ["-V"]]) {
    const { code, out, err } = await run(args);
    assertEquals([code, err], [0, ""]);
    assertMatch(out, /^uhttp .*\n$/s);
  }
});

// ---- As a process -----------------------------------------------------------

async function start(
  args: string[],
  permissions: string[],
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...permissions, CLI, ...args],
    env: { http_proxy: "http://127.0.0.1:1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("cli.ts needs no permission but those it uses", async () => {
  await using scene = new Scene((client) => client.respond({ a: 1 }));
  const { url } = scene.server;
  assertEquals(
    await start([url], ["--allow-net"]),
    { code: 0, out: '{"a":1}', err: "" },
  );
  // The environment is asked only where that is allowed.
  const proxied = await start([url], ["--allow-net", "--allow-env"]);
  assertEquals(proxied.code, 7);
  const version = await start(["--version"], []);
  assertMatch(version.out, /^uhttp \d+\.\d+\.\d+\n$/);
  assertEquals((await start(["--nope"], [])).code, 2);
});

Deno.test("cli.ts comes to 130 on a signal", async () => {
  await using scene = new Scene(async (client) => {
    client.responseStream();
    await client.sendChunk("x\n");
    await new Promise((resolve) => {
      client.signal.addEventListener("abort", resolve);
    });
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CLI, scene.server.url],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = new Lines(child.stdout);
  const errors = new Lines(child.stderr);
  await output.until(/x/);
  child.kill("SIGINT");
  await Promise.all([output.rest(), errors.rest()]);
  assertEquals((await child.status).code, 130);
  assertEquals(errors.text, "uhttp: Interrupted\n");
});

/** Runs it where a terminal is, and says what that would have shown. */
async function inTerminal(args: string[]): Promise<string> {
  const command = [Deno.execPath(), "run", "-A", "--no-check", CLI, ...args]
    .map((arg) => `'${arg}'`).join(" ");
  const { stdout } = await new Deno.Command(program("script"), {
    args: ["-qec", command, "/dev/null"],
    env: { TERM: "xterm", NO_COLOR: "", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout).replaceAll("\r\n", "\n");
}

Deno.test({
  ...wanting(
    "cli.ts shows JSON, and hides what is not for a terminal",
    "script",
  ),
  async fn() {
    await using scene = new Scene((client) =>
      client.path === "/json"
        ? client.respond({ a: [1] })
        : client.path === "/binary"
        ? client.respond(new Uint8Array(8))
        : client.respond("x\x1b[2Jy\n")
    );
    const { url } = scene.server;
    assertEquals(
      await inTerminal([`${url}json`, "-j", '{"b":2}', "--print", "Bb"]),
      '{\n  \x1b[34m"b"\x1b[0m: \x1b[36m2\x1b[0m\n}\n\n' +
        '{\n  \x1b[34m"a"\x1b[0m: [\n    \x1b[36m1\x1b[0m\n  ]\n}\n',
    );
    assertEquals(await inTerminal([url]), "x␛[2Jy\n");
    assertMatch(
      await inTerminal([`${url}binary`]),
      /^uhttp: Binary data \(application\/octet-stream, 8 B\) is not/,
    );
    const folder = await Deno.makeTempDir();
    assertMatch(
      await inTerminal([`${url}json`, "-o", `${folder}/a`]),
      /\r100% \[#+\] 9 B of 9 B.*\x1b\[K\n$/,
    );
    await Deno.remove(folder, { recursive: true });
  },
});
