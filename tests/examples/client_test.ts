import { assert, assertEquals, assertMatch } from "@std/assert";
import { DigestGuard } from "../support/digest_server.ts";
import { eventually, Scene } from "../support/serving.ts";
import { Example, runExample } from "./example.ts";

Deno.test("client_basic.ts talks to hello.ts", async () => {
  const hello = await Example.start("hello.ts");
  const { code, lines, errors } = await runExample("client_basic.ts", [
    hello.url.href,
  ]);
  await hello.stop();
  assertEquals([code, errors], [0, ""]);
  assertEquals(
    lines[0],
    "200 text/html <h1>hello</h1><p>uHTTP</p>",
  );
  assertEquals(
    lines[1],
    'hello { x: [ "1", "2" ], flag: null } client_basic',
  );
  assertEquals(lines[2], "404 Not found");
  assertMatch(lines[3], /^\d+(\.\d+)? ms$/);
  assertEquals(lines.length, 4);
});

Deno.test("client_basic.ts says so where nobody answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, errors } = await runExample("client_basic.ts", [
    `http://127.0.0.1:${port}/`,
  ]);
  assertEquals(code, 1);
  assertMatch(errors, /^ConnectError: Cannot connect to http:\S+: /);
});

Deno.test("client_digest.ts proves its password", async () => {
  const guard = new DigestGuard({ user: "joe", password: "secret" });
  const used: (string | undefined)[] = [];
  await using scene = new Scene((client) => {
    used.push(client.headers.authorization?.split(" ", 1)[0]);
    if (guard.check(client)) client.respond("welcome");
  });
  const run = (password: string) =>
    runExample("client_digest.ts", [scene.server.url, "joe", password]);

  const { code, lines } = await run("secret");
  assertEquals([code, lines], [0, ["200 welcome", "200 2 requests made"]]);
  assertEquals(used, [undefined, "Digest", "Digest"]);

  const refused = await run("wrong");
  assertEquals(refused.code, 1);
  assertMatch(refused.lines[0], /^401/);
});

Deno.test("client_stream.ts reads events of sse.ts", async () => {
  await using sse = await Example.start("sse.ts");
  const { code, lines, errors } = await runExample("client_stream.ts", [
    new URL("/events", sse.url).href,
    "2",
  ]);
  assertEquals([code, errors], [0, ""]);
  assertEquals(lines[0], "200 text/event-stream");
  assertEquals(lines.length, 4);
  assertMatch(lines[3], /^2 came, \d+ bytes$/);
});

Deno.test("client_stream.ts reads rows of ndjson.ts", async () => {
  const args = ["0", "10"];
  await using ndjson = await Example.start("ndjson.ts", { args });
  const { code, lines } = await runExample("client_stream.ts", [
    new URL("/numbers?count=3", ndjson.url).href,
  ]);
  assertEquals(code, 0);
  assertEquals(lines.slice(0, 4), [
    "200 application/x-ndjson",
    "{ n: 1, square: 1 }",
    "{ n: 2, square: 4 }",
    "{ n: 3, square: 9 }",
  ]);
  assertMatch(lines[4], /^3 came, /);
});

Deno.test("client_parallel.ts tells of answers in the order they come", async () => {
  const slow = Promise.withResolvers<void>();
  await using late = new Scene(async (client) => {
    await slow.promise;
    client.respond("late");
  });
  await using early = new Scene((client) => {
    client.respond("early!");
    // Who has been told of it closes, and so it has been first.
    eventually(() => early.server.stats.openConnections === 0)
      .then(() => slow.resolve());
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dead = `http://127.0.0.1:${listener.addr.port}/`;
  listener.close();
  const { code, lines } = await runExample("client_parallel.ts", [
    late.server.url,
    early.server.url,
    dead,
  ]);
  assertEquals(code, 0);
  assertEquals(lines.pop(), "2 of 3 have answered");
  assert(lines.includes(`${dead}: ConnectError`));
  const answers = lines.filter((line) => !line.startsWith(dead));
  assert(answers[0].startsWith(`${early.server.url}: 200, 6 B, `), answers[0]);
  assert(answers[1].startsWith(`${late.server.url}: 200, 4 B, `), answers[1]);
});

Deno.test("client_download.ts saves a file, and nothing of one that breaks off", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    await using scene = new Scene(async (client) => {
      if (client.path === "/away") client.respondRedirect("/file");
      else if (client.path === "/file") client.respond(bytes);
      else {
        await client.responseStream({ headers: { "content-length": 9 } });
        await client.sendChunk("part");
        client.close();
      }
    });
    const run = (path: string) =>
      runExample("client_download.ts", [
        new URL(path, scene.server.url).href,
        `${folder}/${path}`,
      ]);
    const { code, lines } = await run("away");
    assertEquals([code, lines], [0, ["", `60000 bytes in ${folder}/away`]]);
    assertEquals(await Deno.readFile(`${folder}/away`), bytes);

    const broken = await run("broken");
    assertEquals(broken.code, 1);
    assertMatch(broken.errors, /^ConnectionLostError: /);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [
      "away",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("gateway.ts passes requests on, many at a time", async () => {
  const held = Promise.withResolvers<void>();
  await using behind = new Scene((client) => {
    switch (client.path) {
      case "/slow":
        held.promise.then(() => client.respond("slow"));
        break;
      case "/quick":
        client.respond("quick");
        held.resolve();
        break;
      case "/cookies":
        client.respond("", { cookies: { a: "1", b: "2" }, status: 202 });
        break;
      case "/gone":
        client.close();
        break;
      default:
        client.respond({
          method: client.method,
          url: client.url,
          forwarded: client.headers["x-forwarded-for"],
          type: client.contentType,
          data: client.data,
        });
    }
  });
  await using gateway = await Example.start("gateway.ts", {
    args: ["0", behind.server.url],
  });
  const ask = (path: string, init?: RequestInit) =>
    fetch(new URL(path, gateway.url), init);

  const slow = ask("/slow");
  assertEquals(await (await ask("/quick")).text(), "quick");
  assertEquals(await (await slow).text(), "slow");

  const posted = await ask("/a%20b?x=1&y", {
    method: "POST",
    body: JSON.stringify({ n: 1 }),
    headers: { "content-type": "application/json" },
  });
  assertEquals(await posted.json(), {
    method: "POST",
    url: "/a%20b?x=1&y",
    forwarded: "127.0.0.1",
    type: "application/json",
    data: { n: 1 },
  });

  const cookies = await ask("/cookies");
  assertEquals(cookies.status, 202);
  assertEquals(cookies.headers.getSetCookie(), ["a=1", "b=2"]);
  await cookies.body?.cancel();

  const head = await ask("/head", { method: "HEAD" });
  assertEquals(head.status, 200);

  const gone = await ask("/gone", { method: "POST" });
  assertEquals([gone.status, await gone.json()], [502, {
    problem: "No answer",
  }]);
});
