// What `startup_test.ts` runs, each in a process of its own. Arguments: NAME,
// and for TLS the files of a certificate and its key.
//
// Doors are imported where they are needed, and nothing of `@std/assert`, which
// may itself stand on Node's modules.

function expect(actual: unknown, expected: unknown): void {
  const [left, right] = [actual, expected].map((value) =>
    JSON.stringify(value)
  );
  if (left !== right) throw new Error(`${left} is not ${right}`);
}

/** What a server says to some bytes, until it closes. */
async function ask(port: number, request: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(request));
  return await new Response(conn.readable).text();
}

async function startServer(
  options: Record<string, unknown> = {},
): Promise<import("../../server.ts").HttpServer> {
  const { HttpServer } = await import("../../server.ts");
  return new HttpServer({ hostname: "127.0.0.1", port: 0, ...options });
}

function post(type: string, body: string): string {
  return `POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n` +
    `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

async function serve(): Promise<void> {
  await using server = await startServer();
  const file = decodeURIComponent(new URL(import.meta.url).pathname);
  const done = (async () => {
    for await (const client of server) {
      switch (client.path) {
        case "/text":
          client.respond("hello");
          break;
        case "/umlaut":
          client.respond("grüß dich");
          break;
        case "/header":
          client.respond("grüß dich", { headers: { "x-a": "b" } });
          break;
        case "/json":
          client.respond({ query: client.query, agent: client.headers });
          break;
        case "/file":
          client.respondFile(file);
          break;
        case "/stream":
          client.respond(ReadableStream.from(["a", "b"]));
          break;
        default:
          client.respond(client.data);
      }
    }
  })();
  const { port } = server;
  const paths = ["text", "umlaut", "header", "json?a=b", "stream", "file"];
  const answers: string[] = [];
  for (const path of paths) {
    const head = `GET /${path} HTTP/1.1\r\nHost: a\r\nX-Name: J\xfcrgen\r\n`;
    answers.push(await ask(port, `${head}Connection: close\r\n\r\n`));
  }
  expect(answers.map((answer) => answer.slice(9, 12)), paths.map(() => "200"));
  expect(answers[0].endsWith("\r\n\r\nhello"), true);
  expect(answers[1].endsWith("\r\n\r\ngrüß dich"), true);
  expect(answers[2].endsWith("\r\n\r\ngrüß dich"), true);
  expect(answers[5].endsWith(await Deno.readTextFile(file)), true);
  const form = await ask(
    port,
    post("application/x-www-form-urlencoded", "a=1&b=%C3%BC"),
  );
  expect(form.endsWith('{"a":"1","b":"ü"}'), true);
  const json = await ask(port, post("application/json", '{"a":[1]}'));
  expect(json.endsWith('{"a":[1]}'), true);
  await server.close();
  await done;
}

async function request(): Promise<void> {
  const { HttpClient } = await import("../../client.ts");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heard: string[] = [];
  const done = (async () => {
    for await (const conn of listener) {
      const space = new Uint8Array(4096);
      const length = await conn.read(space) ?? 0;
      heard.push(new TextDecoder().decode(space.subarray(0, length)));
      await conn.write(new TextEncoder().encode(
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n" +
          'Content-Type: application/json\r\n\r\n{"a":12}',
      ));
      conn.close();
    }
  })();
  const { port } = listener.addr as Deno.NetAddr;
  await using client = new HttpClient(`http://127.0.0.1:${port}`);
  expect(await (await client.get("/")).json(), { a: 12 });
  expect(await (await client.post("/", { json: { b: 1 } })).text(), '{"a":12}');
  await client.post("/", { form: { c: "ü" } });
  expect(heard.map((text) => text.split(" ")[0]), ["GET", "POST", "POST"]);
  listener.close();
  await done;
}

async function parse(): Promise<void> {
  const { ParseEvent, RequestParser } = await import("../../parse.ts");
  const parser = new RequestParser();
  const text = "POST / HTTP/1.1\r\nHost: a\r\nX-Name: J\xfcrgen\r\n" +
    "Content-Length: 2\r\n\r\nhi";
  const twice = text + text;
  parser.push(Uint8Array.from(twice, (char) => char.charCodeAt(0)));
  for (let i = 0; i < 2; i++) {
    expect(parser.next(), ParseEvent.HEAD);
    expect(parser.readHeaders()["x-name"], "J\xfcrgen");
    expect(parser.next(), ParseEvent.BODY);
    expect(parser.next(), ParseEvent.END);
  }
}

async function exchangeMessages(compress: boolean): Promise<void> {
  const { HttpClient } = await import("../../client.ts");
  await using server = await startServer();
  const done = (async () => {
    for await (const client of server) {
      const ws = client.acceptWebsocket({ compress });
      if (ws === null) throw new Error("No WebSocket was asked for");
      for await (const message of ws) ws.send(message);
    }
  })();
  await using client = new HttpClient(`http://127.0.0.1:${server.port}`);
  const ws = await client.websocket("/", { compress });
  expect(ws.extensions !== "", compress);
  const messages = ws[Symbol.asyncIterator]();
  const texts = ["hi", "grüß dich", "long ".repeat(2000)];
  for (const text of texts) {
    ws.send(text);
    expect((await messages.next()).value, text);
  }
  ws.close();
  await server.close();
  await done;
}

async function compress(): Promise<void> {
  const { HttpClient } = await import("../../client.ts");
  const text = "long ".repeat(1000);
  await using server = await startServer({ compress: true });
  const done = (async () => {
    for await (const client of server) client.respond(text);
  })();
  for (const coding of ["gzip", "deflate", "br"]) {
    await using client = new HttpClient(`http://127.0.0.1:${server.port}`);
    const headers = { "accept-encoding": coding };
    const response = await client.get("/", { headers });
    expect(response.headers["content-encoding"], coding);
    expect(await response.text(), text);
  }
  await server.close();
  await done;
}

async function answerDigest(): Promise<void> {
  const { HttpClient } = await import("../../client.ts");
  await using server = await startServer();
  const done = (async () => {
    for await (const client of server) {
      const { authorization } = client.headers;
      const challenge = 'Digest realm="r", qop="auth", nonce="n"';
      if (authorization !== undefined) client.respond(authorization);
      else {
        const headers = { "www-authenticate": challenge };
        client.respond("", { status: 401, headers });
      }
    }
  })();
  await using client = new HttpClient(`http://127.0.0.1:${server.port}`, {
    auth: { digest: ["user", "password"] },
  });
  const proof = await (await client.get("/")).text();
  expect(/ response="[0-9a-f]{32}"/.test(proof), true);
  await server.close();
  await done;
}

async function encrypt(insecure: boolean): Promise<void> {
  const { HttpClient } = await import("../../client.ts");
  const [cert, key] = Deno.args.slice(1).map((path) =>
    Deno.readTextFileSync(path)
  );
  await using server = await startServer({ cert, key });
  const done = (async () => {
    for await (const client of server) client.respond("hello");
  })();
  await using client = new HttpClient(
    `https://127.0.0.1:${server.port}`,
    insecure ? { insecure } : { caCerts: [cert] },
  );
  expect(await (await client.get("/")).text(), "hello");
  await server.close();
  await done;
}

const PROGRAMS: Record<string, () => void | Promise<void>> = {
  "a timer": () => {
    setTimeout(() => setImmediate(() => {}), 0);
  },
  "a parser": parse,
  "a server": serve,
  "a client": request,
  "a WebSocket": () => exchangeMessages(false),
  "a WebSocket with compression": () => exchangeMessages(true),
  "a server that compresses": compress,
  "a client that answers Digest": answerDigest,
  "a server with TLS": () => encrypt(false),
  "a client that checks no certificate": () => encrypt(true),
};

await PROGRAMS[Deno.args[0]]();
