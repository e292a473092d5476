import { assert, assertEquals, assertMatch } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { credentialsOf } from "../../cli/netrc.ts";
import { isPassing, waitBefore } from "../../cli/retry.ts";
import { pattern } from "../support/bytes.ts";
import { Scene } from "../support/serving.ts";
import { run } from "./fake_io.ts";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

// ---- Trying again -----------------------------------------------------------

Deno.test("waitBefore() doubles, and goes by what the server says", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const rows: [attempt: number, after: string | undefined, wait: number][] = [
    [0, undefined, 1000],
    [3, undefined, 8000],
    [90, undefined, 600_000],
    [0, "7", 7000],
    [0, "0", 1000],
    [0, "99999999", 600_000],
    [0, "Thu, 01 Jan 2026 00:00:05 GMT", 5000],
    [0, "Thu, 01 Jan 2020 00:00:05 GMT", 1000],
    [1, "soon", 2000],
    [1, "-5", 2000],
  ];
  for (const [attempt, after, wait] of rows) {
    assertEquals(waitBefore(attempt, after, now), wait, `${attempt} ${after}`);
  }
  assertEquals(isPassing(new Error("x")), false);
  assertEquals(isPassing(undefined), false);
});

Deno.test("uhttp --retry tries again, and shows what came last", async () => {
  for (
    const [retries, code, out] of [["0", 0, "503"], ["1", 0, "429"], [
      "5",
      0,
      "200",
    ]] as const
  ) {
    const statuses = [503, 429, 200];
    const bodies: string[] = [];
    await using scene = new Scene(async (client) => {
      bodies.push(await client.text());
      const status = statuses.shift()!;
      client.respond(`${status}`, {
        status,
        headers: { "retry-after": "0.1" },
      });
    }, { streaming: true });
    const { setTimeout } = globalThis;
    // The waits, and no other timers, go by a thousand times as fast.
    globalThis.setTimeout = ((callback: () => void, ms = 0) =>
      setTimeout(
        callback,
        ms >= 1000 && ms <= 4000 ? ms / 1000 : ms,
      )) as typeof setTimeout;
    try {
      const args = [scene.server.url, "-d", "x=1", "--retry", retries];
      const outcome = await run(args);
      assertEquals([outcome.code, outcome.out], [code, out]);
      const notes = outcome.err.split("\n").slice(0, -1);
      assertEquals(notes.length, bodies.length - 1);
      for (const note of notes) {
        assertMatch(note, /^\* Answered \d+ .+; again in \d s$/);
      }
    } finally {
      globalThis.setTimeout = setTimeout;
    }
    for (const body of bodies) {
      assertEquals(body, "x=1");
    }
  }
});

Deno.test("uhttp --retry gives up when it is interrupted", async () => {
  const { code, err } = await run([
    "http://127.0.0.1:1/",
    ...["--retry", "9", "-m", "0.2"],
  ]);
  assertEquals(code, 28);
  assertMatch(
    err,
    /^\* Cannot connect .*; again in 1 s\nuhttp: All of it took longer than 200 ms; the next try was not due yet\n$/,
  );
  const quiet = await run(["http://127.0.0.1:1/", "--retry", "0", "-q"]);
  assertEquals(quiet.code, 7);
});

Deno.test("uhttp --max-time ends what never ends", async () => {
  await using scene = new Scene(async (client) => {
    client.responseStream();
    while (await client.sendChunk("x")) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const { code, out, err } = await run([scene.server.url, "-m", "0.3"]);
  assertEquals([code, err], [
    28,
    "uhttp: All of it took longer than 300 ms; the end of the answer did not come\n",
  ]);
  assertMatch(out, /^x+$/);
});

// ---- Cookies ----------------------------------------------------------------

const cookies = (client: HttpConnection) => {
  client.respond(client.headers.cookie ?? "none", {
    headers: {
      "set-cookie": `n=${Number(client.cookies.n ?? 0) + 1}; Max-Age=60`,
    },
  });
};

Deno.test("uhttp keeps cookies in a file, for its user alone", () =>
  inFolder(async (folder) => {
    await using scene = new Scene(cookies);
    const { url } = scene.server;
    const path = `${folder}/jar`;
    const both = ["-b", path, "-c", path];
    assertEquals((await run([url, ...both])).out, "none");
    assertEquals((await run([url, ...both])).out, "n=1");
    assertEquals((await run([url, "-b", path])).out, "n=2");
    assertEquals((await run([url, "-b", path])).out, "n=2");
    // Of another port it is not.
    await using other = new Scene(cookies);
    assertEquals((await run([other.server.url, "-b", path])).out, "none");
    if (Deno.build.os !== "windows") {
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    }
    assertEquals([...Deno.readDirSync(folder)].length, 1);

    assertEquals((await run([url, "-b", "a=1; b=2"])).out, "a=1; b=2");
    const given = await run([url, "-b", "a=1", "-H", "Cookie: c=3"]);
    assertEquals(given.out, "c=3");
    assertEquals((await run([url, "-b", `${folder}/x`])).code, 1);
    await Deno.writeTextFile(path, "{}");
    const bad = await run([url, "-b", path]);
    assertEquals([bad.code, bad.err], [
      1,
      `uhttp: Cannot read ${path}: It holds no cookies of ours\n`,
    ]);
    const full = await run([url, "-c", `${path}/x`]);
    assertEquals(full.code, 23);
  }));

Deno.test("uhttp --session keeps cookies from one call to the next", () =>
  inFolder(async (folder) => {
    await using scene = new Scene(cookies);
    const { url } = scene.server;
    const call = async (name: string, env: Record<string, string>) =>
      (await run([url, "--session", name], { env })).out;
    const env = { HOME: folder };
    assertEquals(await call("a", env), "none");
    assertEquals(await call("a", env), "n=1");
    assertEquals(await call("b", env), "none");
    assertEquals(
      await call("a", { XDG_CONFIG_HOME: `${folder}/.config` }),
      "n=2",
    );
    assertEquals(
      await Deno.readTextFile(`${folder}/.config/uhttp/sessions/a.json`).then((
        text,
      ) => JSON.parse(text)[0].value),
      "3",
    );
    const { code, err } = await run([url, "--session", "a"]);
    assertEquals([code, err], [
      2,
      "uhttp: --session finds no HOME; use -b and -c FILE\n",
    ]);
    // Given ones go along with those that are kept; a failure keeps them too.
    await using failing = new Scene((client) =>
      client.respond(client.headers.cookie ?? "none", {
        status: 500,
        headers: { "set-cookie": "f=1; Max-Age=60" },
      })
    );
    const ask = async (...args: string[]) =>
      await run([failing.server.url, "--session", "f", ...args], { env });
    assertEquals((await ask("--fail")).code, 22);
    assertEquals((await ask()).out, "f=1");
    const both = (await ask("-b", "x=2")).out;
    assertEquals(both, "f=1; x=2");
    assertEquals((await ask("-b", "f=9; y=3")).out, "f=9; y=3");
  }));

// ---- The rest of a file -----------------------------------------------------

Deno.test("uhttp -C gets the rest, and keeps what has come", () =>
  inFolder(async (folder) => {
    const whole = pattern(100_000);
    const path = `${folder}/whole.bin`;
    await Deno.writeFile(path, whole);
    let breaksOff = true;
    let hasRanges = true;
    const ranges: (string | undefined)[] = [];
    await using scene = new Scene(async (client) => {
      ranges.push(client.headers.range);
      assertEquals(client.headers["accept-encoding"], "identity");
      if (breaksOff) {
        client.responseStream({ headers: { "content-length": "100000" } });
        await client.sendChunk(whole.subarray(0, 30_000));
        client.close();
      } else if (hasRanges) await client.respondFile(path);
      else await client.respond(whole);
    });
    const { url } = scene.server;
    const out = `${folder}/out.bin`;
    const args = [url, "-o", out, "-C", "-"];
    assertEquals((await run(args)).code, 56);
    const first = await Deno.readFile(out);
    assert(first.length > 0 && first.length <= 30_000);
    breaksOff = false;
    assertEquals((await run(args)).code, 0);
    assertEquals(await Deno.readFile(out), whole);
    // Nothing is missing.
    assertEquals(await run(args).then(({ code, err }) => [code, err]), [0, ""]);
    assertEquals((await run([...args, "--fail"])).code, 0);
    assertEquals(ranges, [
      undefined,
      `bytes=${first.length}-`,
      "bytes=100000-",
      "bytes=100000-",
    ]);
    // A server that knows no parts sends it all.
    hasRanges = false;
    await Deno.writeTextFile(out, "old");
    assertEquals((await run(args)).code, 0);
    assertEquals(await Deno.readFile(out), whole);
    // What is there is more than what the server has.
    hasRanges = true;
    await Deno.writeFile(out, pattern(100_001));
    const more = await run(args);
    assertEquals([more.code, more.err], [
      33,
      "uhttp: The file has 100001 bytes, and the server's has 100000\n",
    ]);
    assertEquals((await Deno.stat(out)).size, 100_001);
  }));

// ---- What is said afterwards ------------------------------------------------

Deno.test("uhttp -w says what was the case", async () => {
  await using scene = new Scene((client) =>
    client.respond("four", { status: 404, headers: { "x-a": ["1", "2"] } })
  );
  const { url } = scene.server;
  const format = "|%{http_code} %{method} %{size_download} %{url_effective} " +
    "%{content_type} %header{X-A} %% \\t\\n%{time_total}";
  const { code, out } = await run([url, "-w", format]);
  assertEquals(code, 0);
  const [line, time] = out.split("\n");
  assertEquals(
    line,
    `four|404 GET 4 ${url} text/html; charset=utf-8 1, 2 % \t`,
  );
  assertMatch(time, /^\d+\.\d{6}$/);
  const failing = await run([url, "-w", "%{http_code}", "--fail"]);
  assertEquals([failing.code, failing.out], [22, "404"]);
});

// ---- Who is to blame --------------------------------------------------------

/** What there is to say of a name that does not exist: nobody may be asked. */
const NO_NAME = await Deno.connect({ hostname: "nowhere.invalid", port: 1 })
  .then(
    () => "",
    (error) =>
      /Temporary failure/.test(error.message)
        ? "name lookup failed: Temporary failure in name resolution"
        : "name not found",
  );

const PROXIES: [
  args: string[],
  env: Record<string, string>,
  code: number,
  err: string,
][] = [
  [
    [],
    { ALL_PROXY: "socks5://127.0.0.1:9" },
    2,
    "ALL_PROXY names no HTTP proxy: socks5 is not known, http and https are; " +
    '-x "" goes without',
  ],
  [
    ["-x", "socks5://127.0.0.1:9"],
    {},
    2,
    "--proxy names no HTTP proxy: socks5 is not known, http and https are",
  ],
  [["-x", "http://"], {}, 2, "--proxy names no HTTP proxy: it is no URL"],
  [
    [],
    { http_proxy: "http://me:secret@127.0.0.1:1" },
    7,
    "Cannot connect to http://x.example/: connection refused; it goes by the " +
    "proxy http://127.0.0.1:1 of http_proxy",
  ],
  [
    ["-x", "127.0.0.1:1"],
    {},
    7,
    "Cannot connect to http://x.example/: connection refused; it goes by the " +
    "proxy http://127.0.0.1:1 of --proxy",
  ],
  [
    [],
    { HTTP_PROXY: "nowhere.invalid:80" },
    5,
    `Cannot connect to http://x.example/: ${NO_NAME}; it goes by the ` +
    "proxy http://nowhere.invalid of HTTP_PROXY",
  ],
];

for (const [args, env, code, message] of PROXIES) {
  Deno.test(`uhttp ${args.join(" ")} with ${JSON.stringify(env)} blames the proxy`, async () => {
    const { code: got, err } = await run(["http://x.example", ...args], {
      env,
    });
    assertEquals([got, err], [code, `uhttp: ${message}\n`]);
  });
}

Deno.test("uhttp --basic and --digest log in in one way", async () => {
  const seen: (string | undefined)[] = [];
  await using scene = new Scene((client) => {
    seen.push(client.headers.authorization?.split(" ")[0]);
    client.respond("no", {
      status: 401,
      headers: { "www-authenticate": 'Basic realm="x"' },
    });
  });
  const args = [scene.server.url, "-u", "me:pw"];
  await run([...args, "--basic"]);
  await run([...args, "--digest"]);
  assertEquals(seen, ["Basic", undefined]);
});

const NETRC = `# us
machine a.example login me password p#w # password wrong
machine b.example
  login you
  password "a \\"b\\" c"
macdef init
  machine c.example login evil password evil

machine a.example login other password second account x
machine d.example login machine password login
machine e.example password alone
default login anonymous password guest
`;

const NETRCS: [
  host: string,
  login: string | undefined,
  found: [string, string] | null,
][] = [
  ["a.example", undefined, ["me", "p#w"]],
  ["A.Example", undefined, ["me", "p#w"]],
  ["a.example", "other", ["other", "second"]],
  ["b.example", undefined, ["you", 'a "b" c']],
  ["c.example", undefined, ["anonymous", "guest"]],
  ["d.example", undefined, ["machine", "login"]],
  ["e.example", "x", ["x", "alone"]],
  ["a.example.evil", undefined, ["anonymous", "guest"]],
  ["a.example", "nobody", null],
];

for (const [host, login, found] of NETRCS) {
  Deno.test(`credentialsOf() finds ${found?.[0] ?? "nobody"} for ${login ?? "anyone"} at ${host}`, () => {
    assertEquals(credentialsOf(NETRC, host, login), found);
  });
}

Deno.test("uhttp --netrc logs in as the file has it, unless told who", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/.netrc`,
      "machine 127.0.0.1 login me password pw\n",
    );
    await using scene = new Scene((client) =>
      client.respond(client.headers.authorization ?? "nobody")
    );
    const { url } = scene.server;
    const env = { HOME: folder };
    const out = async (...args: string[]) =>
      (await run([url, ...args], { env })).out;
    assertEquals(await out("-n", "--basic"), `Basic ${btoa("me:pw")}`);
    assertEquals(
      await out("-n", "--basic", "-u", "me:x"),
      `Basic ${btoa("me:x")}`,
    );
    assertEquals(
      await out("-n", "--basic", "-u", "me"),
      `Basic ${btoa("me:pw")}`,
    );
    assertEquals(await out(), "nobody");
    const missing = await run([url, "-n"], { env: { NETRC: `${folder}/x` } });
    assertEquals(missing.code, 1);
    assertMatch(missing.err, /^uhttp: Cannot read .*\/x: No such file/);
  }));
