import { assert, assertEquals } from "@std/assert";
import {
  type FetchHandler,
  type HttpConnection,
  HttpError,
  HttpServer,
  serve,
  type ServeOptions,
} from "@uhttp/uhttp";
import { takeWhole } from "../../server/web_response.ts";
import { Arena } from "../support/arena.ts";
import { bytesOf } from "../support/fuzz.ts";
import { MemoryScene, SPLITS } from "../support/memory_conn.ts";
import { RawClient } from "../support/raw_client.ts";
import { eventually } from "../support/serving.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";

/** A server with a handler; at its end nothing is left of it. */
class Handled implements AsyncDisposable {
  readonly server: HttpServer;
  readonly errors: unknown[] = [];
  readonly rejections: unknown[] = [];
  readonly #peers: RawClient[] = [];

  constructor(handler: FetchHandler, options: ServeOptions = {}) {
    addEventListener("unhandledrejection", this.#onRejection);
    this.server = serve(handler, {
      hostname: "127.0.0.1",
      port: 0,
      onConnectionError: (error) => this.errors.push(error),
      ...options,
    });
  }

  readonly #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.rejections.push(event.reason);
  };

  async connect(): Promise<RawClient> {
    const peer = await RawClient.connect(this.server);
    this.#peers.push(peer);
    return peer;
  }

  /** Whether others are still served. */
  async serves(): Promise<void> {
    const peer = await this.connect();
    await peer.send(NEXT);
    let answer: string | undefined;
    peer.until("\r\n\r\n").then((head) => answer = head, () => answer = "");
    await eventually(() => answer !== undefined);
    assert(answer!.startsWith("HTTP/1.1 200"), answer);
    peer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.close();
    await this.server.close();
    await new Promise((resolve) => setTimeout(resolve, 0));
    removeEventListener("unhandledrejection", this.#onRejection);
    assertEquals(this.rejections, [], "unhandled rejections");
  }
}

const quiet = () => new Response("Internal Server Error", { status: 500 });

// ---- Responses --------------------------------------------------------------

interface Row {
  name: string;
  make: () => Response;
  status?: number;
  body: string;
  headers?: Record<string, string | undefined>;
  /** Where HEAD tells something else. */
  headHeaders?: Record<string, string | undefined>;
}

const ROWS: Row[] = [
  {
    name: "text",
    make: () => new Response("hello"),
    body: "hello",
    headers: {
      "content-type": "text/plain;charset=UTF-8",
      "content-length": "5",
      "transfer-encoding": undefined,
    },
    headHeaders: {},
  },
  {
    name: "no body",
    make: () => new Response(),
    body: "",
    headers: { "content-length": "0" },
  },
  {
    name: "empty text",
    make: () => new Response(""),
    body: "",
    headers: { "content-length": "0" },
    headHeaders: {},
  },
  {
    name: "an empty stream",
    make: () => new Response(ReadableStream.from([])),
    body: "",
    headHeaders: {},
  },
  {
    name: "bytes",
    make: () => new Response(new Uint8Array([65, 66])),
    body: "AB",
    headers: { "content-length": "2", "content-type": undefined },
    headHeaders: {},
  },
  {
    name: "JSON",
    make: () => Response.json({ a: "ž" }, { status: 201 }),
    status: 201,
    body: '{"a":"ž"}',
    headers: { "content-type": "application/json", "content-length": "10" },
    headHeaders: {},
  },
  {
    name: "a Blob",
    make: () => new Response(new Blob(["blob"], { type: "image/png" })),
    body: "blob",
    headers: { "content-type": "image/png" },
  },
  {
    name: "a form",
    make: () => new Response(new URLSearchParams({ a: "b c" })),
    body: "a=b+c",
  },
  {
    name: "a stream",
    make: () =>
      new Response(
        ReadableStream.from(["a", "", "b"]).pipeThrough(
          new TextEncoderStream(),
        ),
      ),
    body: "ab",
    headers: { "transfer-encoding": "chunked", "content-length": undefined },
  },
  {
    name: "a stream of a known length",
    make: () =>
      new Response(
        ReadableStream.from([bytesOf("ab"), bytesOf("c")]),
        { headers: { "content-length": "3" } },
      ),
    body: "abc",
    headers: { "transfer-encoding": undefined, "content-length": "3" },
  },
  {
    name: "a slow stream",
    make: () =>
      new Response(ReadableStream.from((async function* () {
        yield bytesOf("a");
        // Longer than anybody waits to see whether that was all.
        for (let i = 0; i < 100; i++) await Promise.resolve();
        yield bytesOf("b");
      })())),
    body: "ab",
  },
  {
    name: "a large body",
    make: () => new Response("x".repeat(500_000)),
    body: "x".repeat(500_000),
  },
  {
    name: "204",
    make: () => new Response(null, { status: 204 }),
    status: 204,
    body: "",
    headers: { "content-length": undefined, "transfer-encoding": undefined },
  },
  {
    name: "204 that claims a length",
    make: () =>
      new Response(null, { status: 204, headers: { "content-length": "5" } }),
    status: 204,
    body: "",
    headers: { "content-length": undefined },
  },
  {
    name: "205",
    make: () => new Response(null, { status: 205 }),
    status: 205,
    body: "",
    headers: { "content-length": "0", "transfer-encoding": undefined },
  },
  {
    name: "304",
    make: () => new Response(null, { status: 304, headers: { etag: '"x"' } }),
    status: 304,
    body: "",
    headers: { etag: '"x"' },
  },
  {
    name: "a redirect",
    make: () => Response.redirect("http://a/next", 303),
    status: 303,
    body: "",
    headers: { location: "http://a/next" },
  },
  {
    name: "many cookies and other fields",
    make: () =>
      new Response("x", {
        headers: [
          ["set-cookie", "a=1; Path=/"],
          ["set-cookie", "b=2, 3"],
          ["x-a", "1"],
          ["x-a", "2"],
        ],
      }),
    body: "x",
    headers: { "set-cookie": "a=1; Path=/\nb=2, 3", "x-a": "1, 2" },
  },
  {
    name: "fields of one connection",
    make: () =>
      new Response("x", {
        headers: {
          "transfer-encoding": "gzip, chunked",
          "connection": "close",
          "keep-alive": "x",
          "upgrade": "h2c",
        },
      }),
    body: "x",
    headers: {
      "transfer-encoding": undefined,
      connection: "keep-alive",
      "keep-alive": "timeout=29",
      upgrade: undefined,
    },
  },
  {
    name: "a status text",
    make: () => new Response("x", { status: 299, statusText: "Fine" }),
    status: 299,
    body: "x",
  },
  {
    name: "a body read by half",
    make: () => {
      const response = new Response("x");
      response.clone();
      return response;
    },
    body: "x",
  },
];

for (const { name, make, status = 200, body, headers = {} } of ROWS) {
  for (const isLate of [false, true]) {
    const when = isLate ? "later" : "at once";
    Deno.test(`respondWith() sends ${name} ${when}`, async () => {
      const sent: unknown[] = [];
      await using scene = new MemoryScene(async (client) => {
        if (client.path === "/next") return client.respond("next");
        const promise = isLate
          ? new Promise<Response>((resolve) =>
            setTimeout(() => resolve(make()), 1)
          )
          : make();
        const completed = client.completed;
        sent.push(await client.respondWith(promise));
        return completed.then(({ isWhole }) =>
          sent.push(isWhole ? "completed" : "broken off")
        );
      });
      const peer = scene.connect();
      await peer.send(GET + NEXT);
      const one = await peer.response();
      assertEquals([one.status, one.body], [status, body]);
      for (const [name, value] of Object.entries(headers)) {
        assertEquals(one.headers[name], value, name);
      }
      assertEquals((await peer.response()).body, "next");
      await peer.send(HEAD + NEXT);
      const two = await peer.response(true);
      assertEquals(two.status, status);
      for (const [name, value] of Object.entries(headers)) {
        if (!/content-length|transfer-encoding/.test(name)) {
          assertEquals(two.headers[name], value, name);
        }
      }
      assertEquals((await peer.response()).body, "next");
      assertEquals(sent, [true, "completed", true, "completed"]);
    });
  }
}

const BAD: Record<string, () => Response | Promise<Response>> = {
  "a rejected promise": () => Promise.reject(new Error("secret")),
  "a promise rejected with nothing": () => Promise.reject(),
  "a promise of nothing": () => Promise.resolve(undefined as never),
  "a promise of a string": () => Promise.resolve("secret" as never),
  "a used body": () => {
    const response = new Response("secret");
    response.text();
    return response;
  },
  "a locked body": () => {
    const response = new Response("secret");
    response.body!.getReader();
    return response;
  },
  "a network error": () => Response.error(),
  "a stream that fails at once": () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.error(new Error("secret")),
      }),
    ),
  "a stream of text": () =>
    new Response(
      ReadableStream.from(["secret"]) as unknown as ReadableStream<Uint8Array>,
    ),
  "a length that is none": () =>
    new Response(ReadableStream.from([bytesOf("secret")]), {
      headers: { "content-length": "secret" },
    }),
  "a field that holds a control character": () =>
    new Response("secret", { headers: { "x-a": "a\x01b" } }),
  "a type that holds a control character": () =>
    new Response("secret", { headers: { "content-type": "a\x01b" } }),
  "a length that is not its body's": () =>
    new Response("secret", { headers: { "content-length": "7" } }),
  "a length below nothing": () =>
    new Response(ReadableStream.from([bytesOf("secret")]), {
      headers: { "content-length": "-5" },
    }),
};

for (const [name, make] of Object.entries(BAD)) {
  for (const request of [GET, HEAD]) {
    const method = request.slice(0, 4).trim();
    Deno.test(`respondWith() answers ${name} with a plain 500 (${method})`, async () => {
      const sent: boolean[] = [];
      await using scene = new MemoryScene(async (client) => {
        if (client.path === "/next") return client.respond("next");
        return sent.push(await client.respondWith(make()));
      });
      const peer = scene.connect();
      await peer.send(request);
      const { status, body, headers } = await peer.response(request === HEAD);
      // HEAD need not find out what is wrong with a body that is not sent.
      if (request === GET) {
        assertEquals([status, body], [500, "Internal Server Error\n"]);
      }
      assert(!/secret|-/.test(headers["content-length"] ?? ""), "bad length");
      await peer.send(NEXT);
      assertEquals((await peer.response()).body, "next");
      assertEquals(sent, [true]);
    });
  }
}

for (
  const [name, headers] of Object.entries({
    "a length that is none": { "content-length": "abc" },
    "a length below nothing": { "content-length": "-1" },
    "a length": { "content-length": "7" },
  })
) {
  Deno.test(`respondWith() survives a Response without a body and ${name}`, async () => {
    await using handled = new Handled(() => new Response(null, { headers }), {
      onError: quiet,
    });
    for (const request of [HEAD, GET]) {
      const peer = await handled.connect();
      await peer.send(request);
      let answer: string | undefined;
      peer.until("\r\n\r\n").then((head) => answer = head, () => answer = "");
      await eventually(() => answer !== undefined);
      assert(/HTTP\/1\.1 [25]00/.test(answer!), answer);
    }
  });
}

Deno.test("respondWith() sends no Response a second time", async () => {
  const makes: (() => Response)[] = [
    () => new Response("once"),
    () => new Response("once", { headers: { "x-a": "1" } }),
    () => Response.json("once"),
    () => new Response(bytesOf("once")),
    () => new Response(ReadableStream.from([bytesOf("once")])),
  ];
  for (const make of makes) {
    const response = make();
    await using scene = new MemoryScene((client) =>
      client.respondWith(response)
    );
    const peer = scene.connect();
    await peer.send(GET + GET);
    assert((await peer.response()).body.includes("once"));
    assertEquals(response.bodyUsed, true);
    assertEquals((await peer.response()).status, 500);
    assertEquals(scene.errors.length, 1);
  }
});

Deno.test("respondWith() sends what is there at once, and as it is read", async () => {
  const makes: Record<string, () => Response> = {
    text: () => new Response("é".repeat(3000)),
    "text with fields": () =>
      new Response("text", { headers: { "content-type": "a/b", "x-a": "1" } }),
    "text of a type": () =>
      new Response("text", { headers: { "content-type": "a/b" } }),
    "text of a status": () => new Response("text", { status: 404 }),
    JSON: () => Response.json({ a: ["é"] }, { status: 201, statusText: "So" }),
    bytes: () => new Response(new Uint8Array(70_000)),
    "no body": () => new Response(null, { headers: { "x-a": "1" } }),
    "a form": () => new Response(new URLSearchParams({ a: "b c" })),
  };
  // Where answers are compressed, none is sent in the short way.
  for (const compress of [false, true]) {
    for (const [name, make] of Object.entries(makes)) {
      assert(takeWhole(make()) !== null, name);
      await using scene = new MemoryScene(
        (client) => client.respondWith(make()),
        compress ? { compress: { minLength: 1e6 } } : {},
      );
      const peer = scene.connect();
      await peer.send(GET);
      const { status, statusMessage, headers, bytes } = await peer.response();
      const response = make();
      assertEquals(status, response.status, name);
      if (response.statusText) assertEquals(statusMessage, response.statusText);
      for (const [name, value] of response.headers) {
        assertEquals(headers[name], value);
      }
      assertEquals(bytes, await response.bytes(), name);
      assertEquals(headers["content-length"], `${bytes.length}`);
    }
  }
});

Deno.test("respondWith() lets the body go of a Response that it cannot send", async () => {
  for (const request of [GET, HEAD]) {
    let isCancelled = false;
    await using scene = new MemoryScene((client) =>
      client.respondWith(
        new Response(
          new ReadableStream({
            cancel() {
              isCancelled = true;
            },
          }),
          { headers: { "content-length": "abc" } },
        ),
      )
    );
    const peer = scene.connect();
    await peer.send(request);
    assertEquals((await peer.response(request === HEAD)).status, 500);
    await eventually(() => isCancelled);
  }
});

Deno.test("respondWith() breaks off a Response whose stream fails", async () => {
  await using arena = new Arena(async (client) => {
    if (client.path === "/ok") return client.respond("ok");
    const body = ReadableStream.from((async function* () {
      yield bytesOf("begun");
      await new Promise((resolve) => setTimeout(resolve, 5));
      throw new Error("secret");
    })());
    assertEquals(await client.respondWith(new Response(body)), false);
    const { isWhole, bytesSent, status } = await client.completed;
    assertEquals([isWhole, bytesSent, status], [false, 5, 200]);
    return null;
  });
  const peer = await arena.connect();
  await peer.send(GET);
  const text = await peer.rest();
  assert(!text.includes("secret"));
  assert(!text.endsWith("0\r\n\r\n"));
});

Deno.test("respondWith() sends the head before a body has begun", async () => {
  let release = () => {};
  await using scene = new MemoryScene((client) =>
    client.respondWith(
      new Response(ReadableStream.from((async function* () {
        await new Promise<void>((resolve) => release = resolve);
        yield bytesOf("late");
      })())),
    )
  );
  const peer = scene.connect();
  await peer.send(GET);
  let head = "";
  peer.until("\r\n\r\n").then((text) => head = text);
  await eventually(() => head !== "").finally(() => release());
  assertEquals((await peer.chunks()).length, 1);
});

Deno.test("respondWith() of a client that has gone lets the body go", async () => {
  let isCancelled = false;
  const seen = Promise.withResolvers<boolean>();
  await using scene = new MemoryScene((client) => {
    client.close();
    const body = new ReadableStream({
      cancel() {
        isCancelled = true;
      },
    });
    seen.resolve(client.respondWith(new Response(body)));
  });
  const peer = scene.connect();
  await peer.send(GET);
  assertEquals(await seen.promise, false);
  assert(isCancelled);
});

Deno.test("respondWith() lets a body go whose peer leaves before its first piece", async () => {
  let isCancelled = false;
  let give = () => {};
  const seen = Promise.withResolvers<boolean>();
  await using arena = new Arena((client) => {
    if (client.path === "/ok") return client.respond("ok");
    const body = new ReadableStream({
      start(controller) {
        give = () => {
          if (!isCancelled) controller.enqueue(bytesOf("late"));
        };
      },
      cancel() {
        isCancelled = true;
      },
    });
    const sent = client.respondWith(new Response(body));
    arena.hold(client);
    seen.resolve(sent);
    return sent;
  });
  const peer = await arena.connect();
  await peer.send(GET);
  const client = await arena.next();
  await new Promise((resolve) => setTimeout(resolve, 5));
  client.close();
  give();
  assertEquals(await seen.promise, false);
  await eventually(() => isCancelled);
});

// ---- Requests ---------------------------------------------------------------

Deno.test("request has what was sent", async () => {
  await using scene = new MemoryScene(async (client) => {
    const { request } = client;
    assert(request instanceof Request);
    assertEquals(client.request, request);
    assertEquals(request.method, client.method);
    client.respond({
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: request.body === null ? null : await request.text(),
    });
  }, { streaming: true });
  for (const split of SPLITS) {
    const peer = scene.connect();
    const send = async (text: string) => {
      for (const piece of split.pieces(bytesOf(text))) await peer.send(piece);
      return JSON.parse((await peer.response()).body);
    };
    assertEquals(
      await send(
        "GET /a%20b?x=%C3%A9#".slice(0, -1) +
          " HTTP/1.1\r\nHost: a.example:81\r\nX: 1\r\nX: 2\r\n\r\n",
      ),
      {
        url: "http://a.example:81/a%20b?x=%C3%A9",
        headers: { host: "a.example:81", x: "1, 2" },
        body: null,
      },
    );
    assertEquals(
      await send(
        "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
      ),
      {
        url: "http://a/p",
        headers: { host: "a", "content-length": "5" },
        body: "hello",
      },
    );
    assertEquals(
      await send(
        "PATCH http://b/q HTTP/1.1\r\nHost: b\r\n" +
          "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      ),
      {
        url: "http://b/q",
        headers: { host: "b", "transfer-encoding": "chunked" },
        body: "hello",
      },
    );
  }
});

Deno.test("request gives its body as everything", async () => {
  const form = new FormData();
  form.set("a", "b");
  form.set("file", new File(["content"], "x.txt"));
  await using handled = new Handled(async (request) => {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/json":
        return Response.json(await request.json());
      case "/form": {
        const data = await request.formData();
        const file = data.get("file") as File;
        return new Response(
          `${data.get("a")} ${file.name} ${await file.text()}`,
        );
      }
      case "/bytes":
        return new Response(`${(await request.bytes()).length}`);
      case "/blob":
        return new Response(`${(await request.blob()).size}`);
      case "/clone":
        return new Response(
          await request.clone().text() + await request.text(),
        );
      default:
        return new Response(request.body);
    }
  });
  const post = async (path: string, body: BodyInit) => {
    const response = await fetch(handled.server.url + path, {
      method: "POST",
      body,
    });
    return await response.text();
  };
  assertEquals(await post("json", '{"a":1}'), '{"a":1}');
  assertEquals(await post("form", form), "b x.txt content");
  assertEquals(await post("bytes", new Uint8Array(300_000)), "300000");
  assertEquals(await post("blob", new Blob(["four"])), "4");
  assertEquals(await post("clone", "ab"), "abab");
  const long = "0123456789".repeat(50_000);
  assertEquals(await post("echo", long), long);
  assertEquals(
    await post("echo", ReadableStream.from([bytesOf("a"), bytesOf("b")])),
    "ab",
  );
});

Deno.test("serve() answers what a Request cannot express with 400", async () => {
  let called = 0;
  await using handled = new Handled(() => {
    called++;
    return new Response("ok");
  }, { allowConnect: true });
  for (
    const request of [
      "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
      "TRACK / HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: 1.2.3.999\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n",
    ]
  ) {
    const peer = await handled.connect();
    await peer.send(request);
    assertEquals((await peer.response()).status, 400, request);
  }
  assertEquals(called, 0);
  await handled.serves();
});

Deno.test("serve() handles odd requests that a Request can express", async () => {
  await using handled = new Handled((request) =>
    new Response(`${request.method} ${new URL(request.url).pathname}`)
  );
  for (
    const [request, body] of [
      ["OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS /"],
      ["PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n", "PURGE /x"],
      ["GET //x/../y HTTP/1.1\r\nHost: a\r\n\r\n", "GET //y"],
      ["GET /x HTTP/1.0\r\n\r\n", "GET /x"],
      ["DELETE /x HTTP/1.1\r\nHost: [::1]:8\r\n\r\n", "DELETE /x"],
      ["GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "GET /x"],
    ]
  ) {
    const peer = await handled.connect();
    await peer.send(request);
    assertEquals((await peer.response()).body, body);
  }
});

Deno.test("serve() refuses a body over its limit, and takes one that is raised", async () => {
  await using handled = new Handled(async (request, { client }) => {
    if (request.url.endsWith("/raised")) client.limit(100);
    return new Response(String((await request.text()).length));
  }, { maxContentLength: 8, onError: quiet });
  for (
    const [path, body, status] of [
      ["/", "12345678", 200],
      ["/", "123456789", 413],
      ["/raised", "123456789", 200],
    ] as const
  ) {
    for (const chunked of [false, true]) {
      const peer = await handled.connect();
      await peer.send(
        `POST ${path} HTTP/1.1\r\nHost: a\r\n` +
          (chunked
            ? `Transfer-Encoding: chunked\r\n\r\n${body.length}\r\n${body}\r\n` +
              "0\r\n\r\n"
            : `Content-Length: ${body.length}\r\n\r\n${body}`),
      );
      assertEquals((await peer.response()).status, status);
      if (status === 413) {
        // Nothing of the handler's failure follows.
        assertEquals(await peer.rest(), "");
      }
    }
  }
});

Deno.test("request's signal aborts when the peer goes", async () => {
  const seen = Promise.withResolvers<unknown>();
  await using handled = new Handled((request, { completed }) => {
    completed.catch((error) => seen.resolve(error));
    return new Promise((resolve) => {
      request.signal.addEventListener("abort", () => {
        resolve(new Response("nobody"));
      });
      peer.close();
    });
  });
  const peer = await handled.connect();
  await peer.send(GET);
  await eventually(() => handled.server.stats.openConnections === 0);
  // A peer that has only closed its sending side may still be answered.
  await Promise.race([
    seen.promise,
    new Promise((resolve) => setTimeout(resolve, 100)),
  ]);
});

// ---- serve() ----------------------------------------------------------------

Deno.test("serve() takes its arguments in both orders", async () => {
  const addrs: Deno.Addr[] = [];
  const options = {
    hostname: "127.0.0.1",
    port: 0,
    onListen: (addr: Deno.Addr) => addrs.push(addr),
  };
  const handler = () => new Response("ok");
  for (const server of [serve(handler, options), serve(options, handler)]) {
    assert(server instanceof HttpServer);
    assertEquals(addrs.shift(), server.addr);
    assertEquals(await (await fetch(server.url)).text(), "ok");
    await server.shutdown();
    await server.finished;
  }
});

Deno.test("serve() answers a handler's errors, and tells nothing of them", async (t) => {
  const log = console.error;
  const logged: unknown[] = [];
  console.error = (...args) => logged.push(args);
  try {
    const handlers: Record<string, FetchHandler> = {
      "throws": () => {
        throw new Error("secret");
      },
      "rejects": () => Promise.reject(new Error("secret")),
      "returns nothing": () => undefined as unknown as Response,
      "throws no Error": () => {
        // deno-lint-ignore no-throw-literal
        throw undefined;
      },
      "rejects later": async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        throw new Error("secret");
      },
      "fails in its body": () =>
        new Response(
          new ReadableStream({
            pull() {
              throw new Error("secret");
            },
          }),
        ),
    };
    for (const [name, handler] of Object.entries(handlers)) {
      await t.step(`that ${name}`, async () => {
        await using handled = new Handled((request, info) =>
          request.url.endsWith("/next")
            ? new Response("ok")
            : handler(request, info)
        );
        const peer = await handled.connect();
        await peer.send(GET);
        const { status, body } = await peer.response();
        assertEquals(status, 500);
        assert(!body.includes("secret"));
        await peer.send(NEXT);
        assertEquals((await peer.response()).body, "ok");
        await handled.serves();
      });
    }
  } finally {
    console.error = log;
  }
  assert(logged.length > 0);
});

Deno.test("serve() answers by onError, or by 500 where that fails too", async (t) => {
  const rows: Record<
    string,
    [onError: ServeOptions["onError"], status: number, body: string]
  > = {
    "a Response": [
      (error) => new Response((error as Error).message, { status: 503 }),
      503,
      "why",
    ],
    "a promise": [() => Promise.resolve(new Response("later")), 200, "later"],
    "an error": [
      () => {
        throw new Error("twice");
      },
      500,
      "Internal Server Error\n",
    ],
    "a rejection": [
      () => Promise.reject(new Error("twice")),
      500,
      "Internal Server Error\n",
    ],
    "nothing": [
      () => undefined as unknown as Response,
      500,
      "Internal Server Error\n",
    ],
  };
  for (const [name, [onError, status, body]] of Object.entries(rows)) {
    await t.step(name, async () => {
      await using handled = new Handled((request) => {
        if (request.url.endsWith("/next")) return new Response("ok");
        throw new Error("why");
      }, { onError });
      const peer = await handled.connect();
      await peer.send(GET);
      const answer = await peer.response();
      assertEquals([answer.status, answer.body], [status, body]);
      await handled.serves();
    });
  }
});

Deno.test("serve() survives a handler that answers by its client", async (t) => {
  const rows: Record<string, (client: HttpConnection) => unknown> = {
    "respond()": (client) => client.respond("by the client"),
    "responseStream()": (client) => {
      client.responseStream();
      client.sendChunk("by the client");
      client.responseStreamEnd();
    },
    "hijack()": (client) => {
      const raw = client.hijack();
      raw.write(
        bytesOf("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nby the client"),
      ).finally(() => raw.close());
    },
  };
  for (const [name, answer] of Object.entries(rows)) {
    for (const isLate of [false, true]) {
      await t.step(`${name} ${isLate ? "later" : "at once"}`, async () => {
        await using handled = new Handled(async (request, { client }) => {
          if (request.url.endsWith("/next")) return new Response("ok");
          if (isLate) await new Promise((resolve) => setTimeout(resolve, 1));
          answer(client);
          return new Response("by the handler");
        }, { onError: quiet });
        const peer = await handled.connect();
        await peer.send(GET);
        await peer.until("\r\n\r\n");
        await handled.serves();
      });
    }
  }
});

Deno.test("completed resolves when the answer is sent", async () => {
  const completed: Promise<string>[] = [];
  await using handled = new Handled((request, info) => {
    completed.push(info.completed.then(() => "sent", () => "gone"));
    return new Response(request.url);
  });
  const peer = await handled.connect();
  await peer.send(GET + HEAD + NEXT);
  await peer.response();
  await peer.response(true);
  await peer.response();
  assertEquals(await Promise.all(completed), ["sent", "sent", "sent"]);
});

Deno.test("completed rejects when the peer was gone", async () => {
  const seen = Promise.withResolvers<unknown>();
  await using handled = new Handled(async (_request, { client, completed }) => {
    completed.catch((error) => seen.resolve(error));
    await new Promise((resolve) => setTimeout(resolve, 1));
    client.close();
    return new Response("nobody");
  });
  const peer = await handled.connect();
  await peer.send(GET);
  assert(await seen.promise instanceof HttpError);
});

Deno.test("info tells who asks, and keeps quiet where nobody looks", async () => {
  await using handled = new Handled((_request, info) => {
    const addr = info.remoteAddr as Deno.NetAddr;
    assertEquals(addr.hostname, "127.0.0.1");
    assertEquals(info.client.path, "/x");
    // That nobody listens to completed does no harm when the peer has gone.
    info.completed;
    info.client.close();
    return new Response("nobody");
  });
  const peer = await handled.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  await peer.rest();
});

Deno.test("serve() handles requests side by side, and answers in order", async () => {
  const release: (() => void)[] = [];
  await using handled = new Handled(async (request) => {
    if (request.url.endsWith("/slow")) {
      await new Promise<void>((resolve) => release.push(resolve));
    }
    return new Response(new URL(request.url).pathname);
  });
  const slow = await handled.connect();
  await slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + NEXT);
  await eventually(() => release.length === 1);
  await handled.serves();
  release[0]();
  assertEquals((await slow.response()).body, "/slow");
  assertEquals((await slow.response()).body, "/next");
});

Deno.test("serve() goes on with a connection though a handler leaves the body", async () => {
  await using handled = new Handled((request) =>
    request.url.endsWith("/stream")
      ? new Response(ReadableStream.from((async function* () {
        yield bytesOf("a");
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield bytesOf("b");
      })()))
      : new Response("ab")
  );
  for (const path of ["/", "/stream"]) {
    const peer = await handled.connect();
    await peer.send(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello` +
        NEXT,
    );
    assertEquals((await peer.response()).body, "ab");
    assertEquals((await peer.response()).body, "ab");
  }
});

Deno.test("serve() refuses what is no handler", () => {
  let failed = 0;
  for (const bad of [undefined, {}, 7, "x"]) {
    try {
      serve(bad as unknown as FetchHandler).close();
    } catch (error) {
      assert(error instanceof TypeError);
      failed++;
    }
  }
  assertEquals(failed, 4);
});
