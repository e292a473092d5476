// Several URLs in one call, and what is shown of an exchange.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createServer, type TLSSocket } from "node:tls";
import { expandUrl } from "../../cli/url_glob.ts";
import { eachInLanes, Turns } from "../../cli/lanes.ts";
import type { HttpConnection } from "../../server.ts";
import { selfSigned } from "../../cli/self_signed.ts";
import { makePair } from "../support/certificates.ts";
import { eventually, Scene } from "../support/serving.ts";
import { wanting } from "../support/wanting.ts";
import { FakeIo, run } from "./fake_io.ts";
import { main } from "../../cli.ts";

/** What is typed, and what it stands for. */
const GLOBS: [typed: string, texts: string[]][] = [
  ["a", ["a"]],
  ["a/{x,y}/{1,2}", ["a/x/1", "a/x/2", "a/y/1", "a/y/2"]],
  ["{a,b}", ["a", "b"]],
  ["a{,s}", ["a", "as"]],
  ["a[1-3]", ["a1", "a2", "a3"]],
  ["a[0-0]", ["a0"]],
  ["a[098-102:2]", ["a098", "a100", "a102"]],
  ["a[X-Z]", ["aX", "aY", "aZ"]],
  // Other brackets and braces are what they are.
  ["http://[::1]:8000/", ["http://[::1]:8000/"]],
  ["a?x[0]=1&y[]=2", ["a?x[0]=1&y[]=2"]],
  ["a/{id}", ["a/{id}"]],
  ["a/{x", ["a/{x"]],
  ["a/[1-2", ["a/[1-2"]],
  ["a/{b{c,d}}", ["a/{bc}", "a/{bd}"]],
];

for (const [typed, texts] of GLOBS) {
  Deno.test(`expandUrl() takes ${typed} for ${texts.length}`, () => {
    assertEquals(expandUrl(typed).map(({ text }) => text), texts);
  });
}

Deno.test("expandUrl() takes a very long text in little time", () => {
  const start = performance.now();
  assertEquals(expandUrl("[1-".repeat(30_000)).length, 1);
  assertEquals(expandUrl("{".repeat(30_000)).length, 1);
  assert(performance.now() - start < 3000);
});

Deno.test("eachInLanes() begins no more when one fails", async () => {
  const begun: number[] = [];
  const work = eachInLanes(9, 2, async (number) => {
    begun.push(number);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (number === 1) throw new Error("no");
  });
  assertEquals(await work.catch((error) => error.message), "no");
  assertEquals(begun.slice(0, 2), [0, 1]);
  assert(begun.length <= 3);
});

Deno.test("Turns come in order, whoever is done first", async () => {
  const turns = new Turns();
  const came: number[] = [];
  const all = [3, 1, 0].map((number) =>
    turns.come(number).then(() => {
      came.push(number);
      turns.pass(number);
    })
  );
  turns.pass(2);
  await Promise.all(all);
  assertEquals(came, [0, 1, 3]);
});

Deno.test("uhttp asks for several URLs by one connection, and shows all in order", async () => {
  let open = 0;
  let most = 0;
  const ports = new Set<number>();
  const answer = async (client: HttpConnection) => {
    ports.add((client.addr as Deno.NetAddr).port);
    most = Math.max(most, ++open);
    const number = Number(client.path.slice(1));
    // The first takes the longest.
    await new Promise((resolve) => setTimeout(resolve, number === 1 ? 60 : 5));
    open--;
    client.respond(`${number}\n`.repeat(number === 2 ? 100_000 : 1), {
      headers: { "content-type": "text/plain" },
    });
  };
  await using scene = new Scene((client) => {
    answer(client); // side by side
  });
  const { url } = scene.server;
  const all = `1\n${"2\n".repeat(100_000)}3\n4\n`;
  const one = await run([`${url}[1-4]`]);
  assertEquals([one.code, one.err, one.out === all], [0, "", true]);
  assertEquals(most, 1);
  assertEquals(ports.size, 1);
  const four = await run([`${url}[1-2]`, `${url}{3,4}`, "--parallel", "4"]);
  assertEquals([four.code, four.err, four.out === all], [0, "", true]);
  assertEquals(most, 4);
});

Deno.test("uhttp keeps no connection to a site with which it is done", async () => {
  await using one = new Scene((client) => client.respond("1"));
  const open: number[] = [];
  await using two = new Scene(async (client) => {
    await eventually(() => one.server.stats.openConnections === 0);
    open.push(one.server.stats.openConnections);
    client.respond("2");
  });
  const urls = [`${one.server.url}{a,b}`, two.server.url];
  assertEquals((await run(urls)).out, "112");
  assertEquals(open, [0]);
});

Deno.test("uhttp goes on with the others where one fails, and comes to its code", async () => {
  await using scene = new Scene((client) =>
    client.respond(client.path, { status: client.path === "/2" ? 404 : 200 })
  );
  const { url } = scene.server;
  const { code, out, err } = await run([
    `http://me:pw@${new URL(url).host}/[1-3]`,
    "http://127.0.0.1:1/",
    ...["--fail", "--parallel", "2"],
  ]);
  assertEquals(out, "/1/3");
  assertEquals(
    err.split("\n").sort(),
    [
      "",
      "uhttp: Cannot connect to http://127.0.0.1:1/: connection refused",
      `uhttp: ${url}2: Answered 404 Not Found`,
    ],
  );
  assert(code === 22 || code === 7);
});

Deno.test("uhttp saves several files at once, and asks for a password once", async () => {
  const folder = await Deno.makeTempDir();
  await using scene = new Scene((client) =>
    client.respond(client.path + (client.headers.authorization ?? ""))
  );
  const { url } = scene.server;
  const io = new FakeIo({ terminals: "all" });
  io.stdin.push("pw\r");
  const code = await main([
    `${url}[1-3]`,
    `${scene.server.url.replace("127.0.0.1", "localhost")}x`,
    ...["-o", `${folder}/got-#1`, "--parallel", "3", "-u", "me", "--basic"],
  ], io);
  assertEquals(code, 0);
  assertEquals(io.stderr.text, "Password of me: \n");
  for (const name of ["1", "2", "3"]) {
    assertEquals(
      await Deno.readTextFile(`${folder}/got-${name}`),
      `/${name}Basic ${btoa("me:pw")}`,
    );
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("uhttp ends all of several when it is interrupted", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  await using scene = new Scene(() => {
    if (++count === 2) resolve(); // and nobody is answered
  });
  const io = new FakeIo();
  const work = main([`${scene.server.url}[1-9]`, "--parallel", "2"], io);
  await promise;
  io.interrupt();
  assertEquals(await work, 130);
  assertEquals(io.stderr.text, "uhttp: Interrupted\n");
  assertEquals(count, 2);
});

// ---- What is shown ----------------------------------------------------------

Deno.test("uhttp --print shows the parts that it names", async () => {
  await using scene = new Scene((client) =>
    client.respond({ got: client.data }, { headers: { "x-a": "1" } })
  );
  const { url } = scene.server;
  const shown = async (...args: string[]) => {
    const { code, out, err } = await run([url, ...args]);
    assertEquals([code, err], [0, ""]);
    return out;
  };
  const body = '{"got":{"a":1}}';
  const sent = ["-j", '{"a":1}'];
  assertEquals(await shown(...sent, "--print", "b"), body);
  assertEquals(await shown(...sent, "--print", ""), "");
  assertMatch(
    await shown(...sent, "--print", "h"),
    /^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*x-a: 1\r\n(?:.+\r\n)*\r\n$/,
  );
  assertMatch(
    await shown(...sent, "--print", "bhBHm"),
    /^POST \/ HTTP\/1\.1\r\n(?:.+\r\n)+\r\n\{"a":1\}\n\nHTTP\/1\.1 200 OK\r\n(?:.+\r\n)+\r\n\{"got":\{"a":1\}\}\* connect .*\n$/,
  );
  assertMatch(await shown("a=x", "--print", "B"), /^a=x\n\n$/);
  assertEquals(
    await shown("-F", "a=1", "--print", "B"),
    "(files, or what was piped in)\n\n",
  );
  assertMatch(await shown("--print", "m"), /^\* connect .*\n$/);
  const io = new FakeIo({ terminals: "out" });
  assertEquals(
    await main([url, "-j", '{"a":"\\u001b"}', "--print", "B"], io),
    0,
  );
  assert(!io.stdout.text.includes("\x1b]"));
});

Deno.test("uhttp --stream shows JSON before its end", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using scene = new Scene(async (client) => {
    client.responseStream({ headers: { "content-type": "application/json" } });
    await client.sendChunk('{"a":1}\n');
    await promise;
    await client.sendChunk('{"b":2}\n');
    await client.responseStreamEnd();
  });
  const io = new FakeIo({ terminals: "out" });
  const work = main([scene.server.url, "--stream", "--no-color"], io);
  await io.stdout.until(/"a": 1\n/);
  resolve();
  assertEquals(await work, 0);
  assertEquals(io.stdout.text, '{\n  "a": 1\n}\n{\n  "b": 2\n}\n');
});

// ---- Certificates -----------------------------------------------------------

Deno.test({
  ...wanting(
    "uhttp --cert shows who asks, and says what is wrong",
    "OpenSSL 3",
  ),
  async fn() {
    const [theirs, ours] = [await makePair(), await makePair("us")];
    const folder = await Deno.makeTempDir();
    const file = async (name: string, text: string) => {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      return `${folder}/${name}`;
    };
    const ca = await file("ca", theirs.cert);
    const both = await file("both", ours.cert + ours.key);
    const cert = await file("cert", ours.cert);
    const key = await file("key", ours.key);
    const server = createServer({
      ...theirs,
      ca: [ours.cert],
      requestCert: true,
      rejectUnauthorized: true,
    }, (socket: TLSSocket) => {
      socket.on("error", () => {});
      const name = String(socket.getPeerCertificate().subject.CN);
      socket.once(
        "data",
        () => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${name}`),
      );
    });
    server.on("tlsClientError", () => {});
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    const url = `https://localhost:${port}/`;
    try {
      for (const args of [["--cert", both], ["--cert", cert, "--key", key]]) {
        const { code, out, err } = await run([url, "--cacert", ca, ...args]);
        assertEquals([code, out, err], [0, "us", ""]);
      }
      const faults: [args: string[], code: number, message: RegExp][] = [
        [
          [],
          60,
          /not trusted: UnknownIssuer; --cacert FILE trusts it, -k takes any\n$/,
        ],
        [["-k"], 56, /; the server wants to see a certificate: --cert FILE\n$/],
        [
          ["--cert", cert],
          1,
          /^uhttp: Cannot read .*: It has no PRIVATE KEY in PEM\n$/,
        ],
        [
          ["--cert", `${folder}/none`],
          1,
          /^uhttp: Cannot read .*none: No such file/,
        ],
        [
          ["-k", "--cert", cert, "--key", await file("other", theirs.key)],
          60,
          /: own certificate and key are not valid, or not of one pair\n$/,
        ],
      ];
      for (const [args, expected, message] of faults) {
        const { code, err } = await run([url, ...args]);
        assertMatch(err, message);
        assertEquals(code, expected, err);
      }
    } finally {
      await new Promise<void>((done) => server.close(() => done()));
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("uhttp says what is wrong with a certificate, and what helps", async () => {
  const day = 24 * 60 * 60 * 1000;
  const now = Date.now();
  const path = await Deno.makeTempFile();
  const rows: [names: string[], made: number, isTrusted: boolean, RegExp][] = [
    [["localhost"], now - 40 * day, true, /certificate has expired; -k takes/],
    [["localhost"], now + 9 * day, true, /is not valid yet; -k takes any\n$/],
    [["a.example"], now, true, /certificate is for another name; -k takes/],
    [["localhost"], now, false, /not trusted: UnknownIssuer; --cacert FILE/],
  ];
  for (const [names, made, isTrusted, message] of rows) {
    const { cert, key } = await selfSigned(names, made);
    await Deno.writeTextFile(path, cert);
    await using scene = new Scene((client) => client.respond("x"), {
      cert,
      key,
    });
    const { port } = new URL(scene.server.url);
    const url = `https://localhost:${port}/`;
    const trust = isTrusted ? ["--cacert", path] : [];
    const { code, err } = await run([url, ...trust]);
    assertEquals(code, 60);
    assertMatch(err, message);
    assertEquals((await run([url, "-k"])).out, "x");
  }
  await Deno.remove(path);
});
