// Runs each block of TypeScript of README and docs as it stands, but for its
// ports, and asks it what its page says that it answers.
import { assert, assertEquals } from "@std/assert";
import { HttpClient, type HttpConnection, type HttpServer } from "@uhttp/uhttp";
import { makePair } from "../support/certificates.ts";
import { startServer } from "../support/serving.ts";
import { findProgram, wanting } from "../support/wanting.ts";
import { readBlocks } from "./blocks.ts";
import { Running } from "./running.ts";

const pair = findProgram("OpenSSL 3") === null ? null : await makePair();

const FILES: Record<string, string> = {
  "public/index.html": "<h1>files</h1>",
  ...pair && { "cert.pem": pair.cert, "key.pem": pair.key },
};

type Visit = (running: Running) => Promise<void>;

async function get(
  running: Running,
  path: string,
  init: RequestInit = {},
): Promise<[status: number, body: string, headers: Headers]> {
  const response = await fetch(running.url(path), {
    redirect: "manual",
    ...init,
  });
  return [response.status, await response.text(), response.headers];
}

/** Asks for paths; what comes back has a status, and a text in it. */
function answers(rows: Record<string, [status: number, text: string]>): Visit {
  return async (running) => {
    await running.listening();
    for (const [words, [status, text]] of Object.entries(rows)) {
      const [method, path, body] = words.startsWith("/")
        ? ["GET", words]
        : words.split(" ");
      const type = body?.startsWith("{")
        ? "application/json"
        : "application/x-www-form-urlencoded";
      const [got, seen] = await get(running, path, {
        method,
        body,
        headers: body === undefined ? {} : { "content-type": type },
      });
      assertEquals(got, status, words);
      assert(seen.includes(text), `${words}: ${seen}`);
    }
  };
}

const isUp = answers({ "/": [200, ""] });

async function bothServers(running: Running): Promise<void> {
  await running.listening();
  await running.listening(9981);
  const texts = [9980, 9981].map(async (port) =>
    await (await fetch(running.url("/", port))).text()
  );
  assertEquals(await Promise.all(texts), [
    "for everybody",
    "for this machine",
  ]);
}

async function waitAndRing(running: Running): Promise<void> {
  await running.listening();
  const wait = get(running, "/wait");
  let woken = 0;
  while (woken === 0) {
    woken = JSON.parse((await get(running, "/ring"))[1]).woken;
  }
  assertEquals([woken, (await wait)[1]], [1, "ring!"]);
}

async function savesUploads(running: Running): Promise<void> {
  await running.listening();
  const [, text] = await get(running, "/", {
    method: "POST",
    body: "x".repeat(1e5),
  });
  const { saved, path } = JSON.parse(text);
  assertEquals([saved, (await Deno.stat(path)).size], [1e5, 1e5]);
}

async function sendsEvents(running: Running): Promise<void> {
  await running.listening();
  await using client = new HttpClient(running.url());
  using response = await client.get("/events", { stream: true });
  for await (const { data } of response.events()) {
    assert(Object.values(JSON.parse(data)).every(Number.isInteger), data);
    break;
  }
}

async function echoes(running: Running): Promise<void> {
  await running.listening();
  assertEquals((await get(running, "/"))[0], 404);
  await using client = new HttpClient(running.url());
  const socket = await client.websocket("/");
  await socket.send("hello");
  assertEquals(await socket.recv(5000), "hello");
  socket.close();
  await socket.closed;
}

/** Blocks, by where they stand, and what is asked of them. */
const VISITS: Record<string, Visit> = {
  "README.md, uHTTP": answers({
    "/": [200, "<h1>hello</h1>"],
    "/rpc?x=1&x=2": [200, '"query":{"x":["1","2"]}'],
    "/none": [404, "Not found"],
  }),
  "README.md, Look and answer": answers({
    'POST /items {"name":"nut"}': [201, '"data":{"name":"nut"}'],
    "POST /items name=nut": [201, '"data":{"name":"nut"}'],
    "/old": [302, ""],
    "/x?y=1": [200, '"query":{"y":"1"}'],
  }),
  "README.md, Answer later": waitAndRing,
  "README.md, Several servers in one loop": bothServers,
  "README.md, Files": answers({
    "/index.html": [200, "<h1>files</h1>"],
    "/none": [404, ""],
  }),
  "README.md, Uploads of any size": savesUploads,
  "README.md, Events": sendsEvents,
  "README.md, WebSocket": echoes,
  "docs/from-deno-serve.md, From `Deno.serve`": answers({
    "/x": [200, "Hello /x"],
  }),
  "docs/from-deno-serve.md, From `Deno.serve` 2": async (running) => {
    await running.listening();
    assertEquals((await get(running, "/"))[0], 404);
    await using client = new HttpClient(running.url());
    const events = await client.get("/events");
    assert((await events.text()).includes('"transport":"tcp"'));
    const socket = await client.websocket("/");
    await socket.send("hello");
    assertEquals(await socket.recv(5000), "hello");
    socket.close();
    await socket.closed;
  },
  "docs/from-deno-serve.md, WebSockets of Hono": async (running) => {
    await running.listening();
    await using client = new HttpClient(running.url());
    const socket = await client.websocket("/ws");
    await socket.send("hello");
    assertEquals(await socket.recv(5000), "You said hello");
    socket.close();
    await socket.closed;
  },
  "docs/from-deno-serve.md, A loop of your own": answers({
    "/x": [200, '{"pathname":"/x"}'],
  }),
  "docs/from-python.md, From Python uHTTP": answers({
    "/rpc?x=1": [200, '"query":{"x":"1"}'],
    "/": [404, "Not found"],
  }),
  "docs/production.md, A program that runs as a service": answers({
    "/items": [200, "[]"],
    "/": [404, "Not found"],
  }),
  "docs/production.md, HTTPS": async (running) => {
    await running.listening(9943);
    await using client = new HttpClient(running.url("/", 9943, "https"), {
      caCerts: [pair!.cert],
    });
    assertEquals(await (await client.get("/")).json(), { secure: true });
    running.signal("SIGHUP");
    await running.listening(9943);
    assertEquals((await client.get("/")).status, 200);
  },
  "docs/recipes.md, Routes": answers({
    "/notes": [200, '["1"]'],
    "/notes/1": [200, "Buy nuts"],
    "/notes/2": [404, "Not found"],
    "POST /notes": [405, ""],
    "/": [404, ""],
  }),
  "docs/recipes.md, Pages of other sites (CORS)": async (running) => {
    await running.listening();
    for (const method of ["OPTIONS", "GET"]) {
      for (const origin of ["https://app.example", "https://evil.example"]) {
        const [status, , headers] = await get(running, "/", {
          method,
          headers: { origin },
        });
        assertEquals(status, method === "GET" ? 200 : 204);
        const allowed = headers.get("access-control-allow-origin");
        assertEquals(allowed, origin.includes("app") ? origin : null);
      }
    }
  },
  "docs/recipes.md, A password": async (running) => {
    await running.listening();
    assertEquals((await get(running, "/"))[0], 401);
    await using client = new HttpClient(running.url(), {
      auth: ["joe", "secret"],
    });
    assertEquals(await (await client.get("/")).text(), "Come in");
  },
  "docs/recipes.md, Who may ask how often": async (running) => {
    await running.listening();
    const statuses = [];
    for (let n = 0; n <= 60; n++) statuses.push((await get(running, "/"))[0]);
    assertEquals(statuses.slice(-2), [200, 429]);
  },
  "docs/recipes.md, Wait for news, but not for ever": async (running) => {
    await running.listening();
    await using client = new HttpClient(running.url());
    let isTold = false;
    const news = client.get("/");
    news.then(() => isTold = true);
    while (!isTold) await client.post("/", { json: "rain" });
    assertEquals(await (await news).json(), { news: "rain" });
  },
  "docs/recipes.md, What takes long, and does not wait": answers({
    "/?to=10": [200, '{"sum":45}'],
  }),
  "docs/server.md, What was asked": answers({
    "/a%20b?x=1&x=2&flag": [200, '"query":{"x":["1","2"],"flag":null}'],
  }),
  "docs/server.md, Answers": answers({
    "/json": [201, '{"id":7}'],
    "/bytes": [200, "\x01\x02\x03"],
    "/cookies": [200, "<p>done</p>"],
    "/away": [303, ""],
    "/": [404, "Nothing here"],
  }),
  "docs/server.md, Answers that come later": waitAndRing,
  "docs/server.md, A function for each client": async (running) => {
    await running.listening();
    const post = (body: string) =>
      get(running, "/sum", { method: "POST", body });
    assertEquals((await post("[1,2,3]")).slice(0, 2), [200, '{"sum":6}']);
    assertEquals((await post("[1")).slice(0, 2), [
      400,
      "Body is not valid JSON\n",
    ]);
  },
  "docs/server.md, What became of an answer": async (running) => {
    await isUp(running);
    await running.until(/^127\.0\.0\.1 - - \[.*\] "GET \/ HTTP\/1\.1" 200 5 /m);
  },
  "docs/server.md, Several servers in one loop": bothServers,
  "docs/server.md, Files": answers({
    "/index.html": [200, "<h1>files</h1>"],
    "/../block.ts": [404, ""],
  }),
  "docs/server.md, The end": async (running) => {
    await running.listening();
    assertEquals(await get(running, "/").then(([, text]) => text), "hello");
    running.signal("SIGTERM");
    await running.end();
    assertEquals(running.out, "All that was asked is answered\n");
  },
  "docs/streams.md, Bodies as they arrive": savesUploads,
  "docs/streams.md, Bodies as they arrive 2": async (running) => {
    await running.listening();
    const body = new FormData();
    body.append("title", "Holiday");
    body.append("photo", new File(["jpeg"], "a.jpg"));
    const [, text] = await get(running, "/", { method: "POST", body });
    assertEquals(JSON.parse(text), [
      ["title", "Holiday"],
      ["photo", "a.jpg", 4],
    ]);
    const [status] = await get(running, "/", { method: "POST", body: "x" });
    assert(status >= 400);
  },
  "docs/streams.md, Answers as they are made": answers({
    "/rows": [200, "row 9\n"],
    "/": [200, "part 9\n"],
  }),
  "docs/streams.md, Events and lines of JSON": async (running) => {
    await running.listening();
    assertEquals(
      (await get(running, "/"))[1],
      '{"n":0}\n{"n":1}\n{"n":2}\n',
    );
    await sendsEvents(running);
  },
  "docs/streams.md, Moving pictures": async (running) => {
    await running.listening();
    await using client = new HttpClient(running.url());
    using response = await client.get("/", { stream: true });
    const seen = [];
    for await (const part of response.parts()) {
      if (seen.push(await part.text()) === 2) break;
    }
    assertEquals(seen, ["<h1>0</h1>", "<h1>1</h1>"]);
  },
  "docs/streams.md, WebSocket": echoes,
  "docs/streams.md, WebSocket 2": async (running) => {
    await running.listening();
    await using client = new HttpClient(running.url());
    const socket = await client.websocket("/");
    for (const data of ["hello", new Uint8Array(100_000)]) {
      await socket.send(data);
      const what = typeof data === "string" ? "text" : "data";
      assertEquals(await socket.recv(5000), `${data.length} bytes of ${what}`);
    }
    socket.close();
    await socket.closed;
  },
  "docs/streams.md, The raw socket": async (running) => {
    await running.listening();
    await using server = startServer();
    answer(server);
    const port = running.ports.get(9980);
    await using client = new HttpClient(server.url, {
      // A tunnel that is asked for as a proxy is asked for one.
      connect: async () => {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: port! });
        const { host } = new URL(server.url);
        await conn.write(new TextEncoder().encode(
          `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        ));
        const bytes = new Uint8Array(1000);
        const read = await conn.read(bytes);
        const head = new TextDecoder().decode(bytes.subarray(0, read ?? 0));
        assert(head.startsWith("HTTP/1.1 200 "), head);
        return conn;
      },
    });
    assertEquals((await client.get("/")).status, 200);
  },
};

/** Blocks that ask a server, and what they write at last. */
const ASKING: Record<string, RegExp> = {
  "README.md, The client": /^200 .*\n1\n/s,
  "docs/client.md, The client": /200 /,
  "docs/client.md, Responses as they arrive": /message 7 1/,
  "docs/client.md, A WebSocket to a server": /hello/,
};

/** Blocks that end by themselves, and what they write. */
const ENDING: Record<string, RegExp> = {
  "docs/client.md, Credentials, cookies, redirects": /api\.example\.com/,
  "docs/client.md, Other ways to a server": /example\.com/,
  "docs/client.md, When it fails": /^Nobody is there\n$/,
  "docs/limits.md, Mistakes are told": /^Unknown option .*\nOption .*\nCannot/,
  "docs/parsers.md, The parser alone": /GET \/x/,
  "docs/parsers.md, Frames alone": /hello/,
};

/** What the blocks of a client ask. */
async function answer(server: HttpServer): Promise<void> {
  for await (const client of server) {
    if (client.isWebsocketRequest) talk(client);
    else if (client.path === "/events") {
      client.responseEvents();
      client.sendEvent({ id: 7, data: 1 });
    } else client.respond({ path: client.path });
  }
}

async function talk(client: HttpConnection): Promise<void> {
  const socket = client.acceptWebsocket();
  if (socket === null) return;
  for await (const message of socket) await socket.send(message);
}

/** A gateway: it asks one server, and is asked itself. */
async function passesOn(code: string): Promise<void> {
  await using server = startServer();
  answer(server);
  const ports = new Map([[9980, server.port!]]);
  await using running = await Running.start(code, FILES, ports);
  await running.listening(9981);
  const response = await fetch(running.url("/deep", 9981));
  assertEquals(await response.text(), '{"path":"/deep"}');
}

const blocks = readBlocks("ts");
/** What pages show of what their blocks write. */
const outputs = readBlocks("text");

for (const { name, code } of blocks) {
  const wants = code.includes("cert.pem") ? ["OpenSSL 3" as const] : [];
  const fn = async () => {
    if (name === "docs/client.md, Requests that are under way") {
      return await passesOn(code);
    }
    if (name in ASKING) {
      await using server = startServer();
      answer(server);
      const ports = new Map([[9980, server.port!]]);
      await using running = await Running.start(code, FILES, ports);
      await running.until(ASKING[name]);
      return;
    }
    await using running = await Running.start(code, FILES);
    if (name in ENDING) {
      await running.end();
      const shown = outputs.find((output) => output.name === name);
      if (shown !== undefined) assertEquals(running.out, `${shown.code}\n`);
      assert(ENDING[name].test(running.out), running.out);
    } else await (VISITS[name] ?? isUp)(running);
  };
  Deno.test({ ...wanting(`${name}: runs`, ...wants), fn });
}

Deno.test("blocks that are asked something special are there", () => {
  const names = blocks.map(({ name }) => name);
  for (const name of Object.keys({ ...VISITS, ...ASKING, ...ENDING })) {
    assert(names.includes(name), name);
  }
});
