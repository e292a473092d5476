// Frameworks that are written for `Deno.serve()` run on `serve()`, and answer
// the same to the letter, but for the fields that tests/behaviour/frameworks
// lists with their reasons.
import { assert, assertEquals } from "@std/assert";
import { Hono } from "npm:hono@^4";
import { basicAuth } from "npm:hono@^4/basic-auth";
import { compress } from "npm:hono@^4/compress";
import { cors } from "npm:hono@^4/cors";
import {
  serveStatic,
  upgradeWebSocket as denosUpgrade,
} from "npm:hono@^4/deno";
import { etag } from "npm:hono@^4/etag";
import { HTTPException } from "npm:hono@^4/http-exception";
import { jwt, sign } from "npm:hono@^4/jwt";
import { stream, streamSSE, streamText } from "npm:hono@^4/streaming";
import { validator } from "npm:hono@^4/validator";
import type { UpgradeWebSocket } from "npm:hono@^4/ws";
import { type FetchHandler, serve } from "@uhttp/uhttp";
import { upgradeWebSocket } from "@uhttp/uhttp/hono";
import { compare, framework, of } from "./frameworks/compare.ts";

const SECRET = "it is a secret";
const LONG = "long text ".repeat(500);
const token = await sign({ sub: "ada" }, SECRET, "HS256");

function honoApp(): FetchHandler {
  const app = new Hono();
  app.use("/api/*", cors({ origin: "https://b.example", credentials: true }));
  app.get("/api/text", (c) => c.text("hello"));
  app.get("/api/json", (c) => c.json({ query: c.req.query(), é: "ů" }));
  app.post("/api/echo", async (c) => c.json(await c.req.json(), 201));
  app.post("/api/form", async (c) => c.json(await c.req.parseBody()));
  app.put("/api/bytes", async (c) => c.body(await c.req.arrayBuffer()));
  app.get("/etag", etag(), (c) => c.html("<p>tagged</p>"));
  app.get("/packed", compress(), (c) => c.text(LONG));
  app.get("/packed/short", compress(), (c) => c.text("short"));
  app.use("/basic/*", basicAuth({ username: "ada", password: "7" }));
  app.get("/basic/page", (c) => c.text("let in"));
  app.use("/jwt/*", jwt({ secret: SECRET, alg: "HS256" }));
  app.get("/jwt/page", (c) => c.json(c.get("jwtPayload")));
  app.post(
    "/valid",
    validator(
      "form",
      (value, c) =>
        typeof value.name === "string"
          ? { name: value.name }
          : c.json({ problem: "No name" }, 422),
    ),
    (c) => c.json(c.req.valid("form")),
  );
  app.use(
    "/static/*",
    serveStatic({
      root: "./examples/public",
      rewriteRequestPath: (path) => path.replace("/static", ""),
    }),
  );
  app.get("/stream", (c) =>
    stream(c, async (out) => {
      for (const piece of ["a", "b", "c"]) {
        await out.write(piece);
        await out.sleep(2);
      }
    }));
  app.get("/stream/text", (c) =>
    streamText(c, async (out) => {
      await out.writeln("one");
      await out.sleep(2);
      await out.write("two");
    }));
  app.get("/stream/events", (c) =>
    streamSSE(c, async (out) => {
      await out.writeSSE({ data: "x", event: "news", id: "7" });
      await out.sleep(2);
    }));
  app.get("/cookies", (c) => {
    c.header("set-cookie", "a=1", { append: true });
    c.header("set-cookie", "b=2; Path=/", { append: true });
    return c.redirect("/elsewhere", 307);
  });
  app.get("/empty", (c) => c.body(null, 204));
  app.get("/fault", () => {
    throw new Error("secret");
  });
  app.onError((error, c) =>
    error instanceof HTTPException
      ? error.getResponse()
      : c.json({ failed: error.message.length }, 500)
  );
  app.notFound((c) => c.json({ problem: "Not found" }, 404));
  return app.fetch as FetchHandler;
}

const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };
const basic = (pair: string) => ({ authorization: `Basic ${btoa(pair)}` });

Deno.test("Hono with cors, etag, compress, basic-auth, jwt, validator, static and streaming answers as on Deno.serve()", async () => {
  const [tagged] = await compare(honoApp, [{ path: "/etag" }]);
  const answers = await compare(honoApp, [
    { path: "/api/text", headers: { origin: "https://b.example" } },
    { path: "/api/text", headers: { origin: "https://c.example" } },
    { method: "HEAD", path: "/api/text" },
    {
      method: "OPTIONS",
      path: "/api/text",
      headers: {
        origin: "https://b.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-a",
      },
    },
    { path: "/api/json?a=1&b=%C3%A9&a=2" },
    {
      method: "POST",
      path: "/api/echo",
      headers: JSON_TYPE,
      body: '{"a":[1,null,"ž"]}',
    },
    { method: "POST", path: "/api/echo", headers: JSON_TYPE, body: "{" },
    { method: "POST", path: "/api/form", headers: FORM_TYPE, body: "a=1&b=+" },
    { method: "PUT", path: "/api/bytes", body: LONG },
    { path: "/etag", headers: { "if-none-match": tagged.headers.etag } },
    { path: "/etag", headers: { "if-none-match": '"other"' } },
    { path: "/packed", headers: { "accept-encoding": "gzip" } },
    { path: "/packed", headers: { "accept-encoding": "identity" } },
    { path: "/packed/short", headers: { "accept-encoding": "gzip" } },
    { path: "/basic/page" },
    { path: "/basic/page", headers: basic("ada:8") },
    { path: "/basic/page", headers: basic("ada:7") },
    { path: "/jwt/page" },
    { path: "/jwt/page", headers: { authorization: "Bearer x.y.z" } },
    { path: "/jwt/page", headers: { authorization: `Bearer ${token}` } },
    { method: "POST", path: "/valid", headers: FORM_TYPE, body: "name=Ada" },
    { method: "POST", path: "/valid", headers: FORM_TYPE, body: "x=1" },
    { path: "/static/notes.txt" },
    { path: "/static/style.css" },
    { path: "/static/" },
    { path: "/static/none" },
    { path: "/stream" },
    { path: "/stream/text" },
    { path: "/stream/events" },
    { path: "/cookies" },
    { path: "/empty" },
    { path: "/fault" },
    { path: "/none" },
    { method: "DELETE", path: "/api/text" },
    { method: "HEAD", path: "/none" },
  ]);
  // And they are the answers that were meant.
  const statuses = answers.map(({ status }) => status).join(" ");
  assertEquals(
    statuses,
    "200 200 200 204 200 201 500 200 200 304 200 200 200 200 401 401 200 401 " +
      "401 200 200 422 200 200 200 404 200 200 200 307 204 500 404 404 404",
  );
  assertEquals(answers[11].headers["content-encoding"], "gzip");
  assert(answers[28].body.includes("event: news"));
});

/** An application with WebSockets, by what stands in for Hono's own helper. */
function honoSockets(upgradeWebSocket: unknown): FetchHandler {
  const upgradeBy = upgradeWebSocket as UpgradeWebSocket;
  const app = new Hono();
  const seen: string[] = [];
  app.get(
    "/ws",
    upgradeBy(() => ({
      onOpen: (_, ws) => ws.send("welcome"),
      onMessage: (event, ws) => {
        seen.push(`${event.data}`);
        if (event.data === "bye") ws.close(3001, "bye");
        else ws.send(`${ws.readyState} ${event.data}`);
      },
      onClose: (event) => seen.push(`closed ${event.code}`),
    })),
    (c) => c.text("no WebSocket", 426),
  );
  app.get("/seen", (c) => c.json(seen));
  return app.fetch as FetchHandler;
}

/** What a browser's WebSocket gets to see. */
async function converse(base: string): Promise<unknown[]> {
  const seen: unknown[] = [];
  const address = base.replace("http", "ws") + "ws";
  const socket = new WebSocket(address, ["first", "second"]);
  await new Promise<void>((resolve) => {
    socket.onmessage = ({ data }) => {
      seen.push(data);
      if (seen.length === 1) socket.send("hi");
      else socket.send("bye");
    };
    socket.onclose = ({ code, reason, wasClean }) => {
      seen.push(socket.protocol, code, reason, wasClean);
      resolve();
    };
  });
  const plain = await fetch(base + "ws");
  seen.push(plain.status, await plain.text());
  const told = await fetch(base + "seen");
  seen.push(await told.json());
  return seen;
}

Deno.test("Hono's helper for WebSockets runs with one changed import", async () => {
  const where = { hostname: "127.0.0.1", port: 0 };
  await using ours = serve(honoSockets(upgradeWebSocket), where);
  await using theirs = Deno.serve(
    { ...where, onListen() {} },
    honoSockets(denosUpgrade) as (
      request: Request,
    ) => Response | Promise<Response>,
  );
  const here = await converse(ours.url);
  assertEquals(here, [
    "welcome",
    "1 hi",
    ...["first", 3001, "bye", true],
    ...[426, "no WebSocket"],
    ["hi", "bye", "closed 3001"],
  ]);
  assertEquals(here, await converse(`http://127.0.0.1:${theirs.addr.port}/`));
});

Deno.test("upgradeWebSocket() of the door to Hono has the types of Hono's", () => {
  const app = new Hono();
  app.get("/ws", upgradeWebSocket(() => ({ onOpen: (_, ws) => ws.send("") })));
});

// ---- Others -----------------------------------------------------------------

const ITTY = "npm:itty-router@^5";
const itty = await framework(ITTY);

Deno.test({
  ...of("itty-router answers as on Deno.serve()", ITTY, itty),
  fn: async () => {
    const make = () => {
      const { AutoRouter, error, json, cors } = itty;
      const { preflight, corsify } = cors();
      const router = AutoRouter({ before: [preflight], finally: [corsify] });
      router
        .get(
          "/hello/:name",
          ({ params }: { params: { name: string } }) => `Hello, ${params.name}`,
        )
        .get("/json", () => ({ a: [1, "ž"] }))
        .post(
          "/echo",
          async (request: Request) =>
            json(await request.json(), { status: 201 }),
        )
        .get("/fault", () => error(418, "teapot"));
      return router.fetch as FetchHandler;
    };
    const answers = await compare(make, [
      { path: "/hello/ada%20b" },
      { path: "/json" },
      { method: "POST", path: "/echo", headers: JSON_TYPE, body: "[1]" },
      { method: "POST", path: "/echo", headers: JSON_TYPE, body: "[" },
      { method: "OPTIONS", path: "/json", headers: { origin: "http://b" } },
      { path: "/fault" },
      { path: "/none" },
    ]);
    assertEquals(
      answers.map(({ status }) => status),
      [200, 200, 201, 500, 204, 418, 404],
    );
  },
});

const H3 = "npm:h3@^2";
const h3 = await framework(H3);

Deno.test({
  ...of("h3 answers as on Deno.serve()", H3, h3),
  fn: async () => {
    const make = () => {
      const { H3: App, readBody, getQuery, redirect, HTTPError } = h3;
      const app = new App({ silent: true });
      app
        .get("/", () => "<h1>hello</h1>")
        .get("/json", (event: unknown) => ({ query: getQuery(event) }))
        .post("/echo", async (event: unknown) => await readBody(event))
        .get("/away", () => redirect("/json"))
        .get("/stream", () =>
          ReadableStream.from(["a", "b"]).pipeThrough(
            new TextEncoderStream(),
          ))
        .get("/fault", () => {
          throw new HTTPError({ status: 418, statusText: "Teapot" });
        });
      return ((request: Request) => app.fetch(request)) as FetchHandler;
    };
    const answers = await compare(make, [
      { path: "/" },
      { method: "HEAD", path: "/" },
      { path: "/json?a=1&a=2" },
      { method: "POST", path: "/echo", headers: JSON_TYPE, body: '{"a":1}' },
      { method: "POST", path: "/echo", headers: JSON_TYPE, body: "{" },
      { path: "/away" },
      { path: "/stream" },
      { path: "/fault" },
      { path: "/none" },
    ]);
    assertEquals(answers[3].body.replace(/\s/g, ""), '{"a":1}');
    assertEquals(answers[6].body, "ab");
    assertEquals(answers[7].status, 418);
  },
});

const OAK = "npm:@oakserver/oak@14.1.0";
const oak = await framework(OAK);

Deno.test({
  ...of("oak answers as on Deno.serve()", OAK, oak),
  fn: async () => {
    const make = () => {
      const { Application, Router } = oak;
      const router = new Router();
      // deno-lint-ignore no-explicit-any -- its types are not here
      const any = (handler: (context: any) => unknown) => handler;
      router
        .get("/", any((context) => context.response.body = "hello"))
        .get(
          "/json/:id",
          any((context) => {
            context.response.body = { id: context.params.id };
          }),
        )
        .post(
          "/echo",
          any(async (context) => {
            context.response.status = 201;
            context.response.body = await context.request.body.json();
          }),
        )
        .get("/away", any((context) => context.response.redirect("/json/1")))
        .get("/fault", any((context) => context.throw(418, "teapot")));
      const app = new Application({ logErrors: false });
      app.use(router.routes());
      app.use(router.allowedMethods());
      // What npm's edition of it makes is of a class of its own.
      return async (request: Request) => {
        const { body, status, headers } = await app.handle(request);
        return new Response(body, { status, headers: [...headers] });
      };
    };
    const answers = await compare(make, [
      { path: "/" },
      { path: "/json/7" },
      { method: "POST", path: "/echo", headers: JSON_TYPE, body: '{"a":1}' },
      { path: "/away" },
      { path: "/fault" },
      { path: "/none" },
      { method: "DELETE", path: "/" },
    ]);
    assertEquals(
      answers.map(({ status }) => status),
      [200, 200, 201, 302, 418, 404, 405],
    );
  },
});
