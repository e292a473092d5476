// Whatever is passed, nobody is told what only the engine would say, such as
// "Cannot read properties of undefined".
import { assert } from "@std/assert";
import * as parse from "@uhttp/uhttp/parse";
import * as websocket from "@uhttp/uhttp/websocket";
import {
  CookieJar,
  handle,
  HttpClient,
  type HttpConnection,
  HttpServer,
  merge,
  select,
  serve,
  upgradeWebSocket,
} from "@uhttp/uhttp";
import { RawClient } from "../support/raw_client.ts";
import { startServer } from "../support/serving.ts";
import { isOfUse } from "./mistakes/row.ts";

const circular: Record<string, unknown> = {};
circular.self = circular;

const JUNK: unknown[] = [
  ...[undefined, null, 7, NaN, -1, "x", "a b\n", true, Symbol("s"), 1n],
  ...[[], [1], { a: 1 }, circular, () => {}, new Uint8Array(0)],
  ...[new Map([["a", 1]]), new Set([1]), Promise.resolve(1), new Date()],
  ...[new Response("x"), new Error("e"), new URL("http://a/"), /a/],
];

// deno-lint-ignore no-explicit-any -- it is junk
type Call = (value: any) => unknown;

/** Calls that need nothing but what they are given. */
const CALLS: Record<string, Call> = {
  "new HttpServer({ port: 0, ... })": (value) =>
    new HttpServer({ port: 0, trustedProxies: value }).close(),
  "new HttpServer()": (value) =>
    value instanceof Object && Object.keys(value).length === 0 ||
    new HttpServer(value ?? 7).close(),
  "new HttpClient()": (value) => new HttpClient(value).close(),
  "new HttpClient(, ...)": (value) =>
    new HttpClient("http://a/", value).close(),
  "new CookieJar()": (value) => new CookieJar(value),
  "CookieJar.fromJSON()": (value) => CookieJar.fromJSON(value),
  "set()": (value) => new CookieJar().set(value, "a", "b"),
  "set(, ...)": (value) => new CookieJar().set("http://a/", value, "b"),
  "set(, , ...)": (value) => new CookieJar().set("http://a/", "a", value),
  "header()": (value) => new CookieJar().header(value),
  "store()": (value) => new CookieJar().store(value, []),
  "store(, ...)": (value) => new CookieJar().store(new URL("http://a/"), value),
  "select()": (value) => select(value, 1),
  "select([...])": (value) => select([value], 1),
  "merge()": (value) => merge(value),
  "serve()": (value) => typeof value === "function" || serve(value).close(),
  "serve(, ...)": (value) =>
    value instanceof Object && Object.keys(value).length === 0 ||
    value === undefined || serve(() => new Response(), value).close(),
  "handle()": (value) => handle(value, () => {}),
  "upgradeWebSocket()": upgradeWebSocket,
  "new RequestParser()": (value) => new parse.RequestParser(value),
  "new ResponseParser()": (value) => new parse.ResponseParser(value),
  "new MultipartParser()": (value) => new parse.MultipartParser(value),
  "new MultipartParser(, ...)": (value) =>
    new parse.MultipartParser("b", value),
  "new LineParser()": (value) => new parse.LineParser(value),
  "new EventStreamParser()": (value) => new parse.EventStreamParser(value),
  "push()": (value) => new parse.RequestParser().push(value),
  "push() of events": (value) => new parse.EventStreamParser().push(value),
  "parseQuery()": (value) => parse.parseQuery(value),
  "parseUrl()": (value) => parse.parseUrl(value),
  "parseCookies()": (value) => parse.parseCookies(value),
  "parseCookieDate()": (value) => parse.parseCookieDate(value),
  "parseSetCookie()": (value) => parse.parseSetCookie(value),
  "parseHeaderLine()": (value) => parse.parseHeaderLine(value),
  "parseHeaderParameters()": (value) => parse.parseHeaderParameters(value),
  "parseChallenges()": (value) => parse.parseChallenges(value),
  "parseAuthParameters()": (value) => parse.parseAuthParameters(value),
  "decodePercentEncoding()": (value) => parse.decodePercentEncoding(value),
  "encodeResponseData()": (value) => parse.encodeResponseData({}, value),
  "new FrameReader()": (value) => new websocket.FrameReader(value),
  "writeFrame()": (value) => websocket.writeFrame(1, value),
  "parseExtensions()": (value) => websocket.parseExtensions(value),
  "acceptKey()": (value) => websocket.acceptKey(value),
};

/** Calls of a request that waits to be answered. */
const ANSWERS: Record<string, (client: HttpConnection) => Call> = {
  "respond()": (client) => (value) => client.respond(value),
  "respond(, ...)": (client) => (value) => client.respond("x", value),
  "status": (client) => (status) => client.respond("x", { status }),
  "headers": (client) => (headers) => client.respond("x", { headers }),
  "a header": (client) => (a) => client.respond("x", { headers: { a } }),
  "cookies": (client) => (cookies) => client.respond("x", { cookies }),
  "a cookie": (client) => (a) => client.respond("x", { cookies: { a } }),
  "expires": (client) => (expires) =>
    client.respond("x", { cookies: { a: { value: "b", expires } } }),
  "etag": (client) => (etag) => client.respond("x", { etag }),
  "respondRedirect()": (client) => (value) => client.respondRedirect(value),
  "respondFile()": (client) => (value) => client.respondFile(value),
  "root": (client) => (root) => client.respondFile("x", { root }),
  "download": (client) => (download) => client.respondFile("x", { download }),
  "respondWith()": (client) => (value) => client.respondWith(value),
  "inform()": (client) => (value) => client.inform(value),
  "boundary": (client) => (boundary) => client.responseMultipart({ boundary }),
  "keepAlive": (client) => (keepAlive) => client.responseEvents({ keepAlive }),
  "sendEvent()": (client) => (value) => {
    client.responseEvents();
    return client.sendEvent(value);
  },
  "sendChunk()": (client) => (value) => {
    client.responseStream();
    return client.sendChunk(value);
  },
  "upgrade()": (client) => (value) => client.upgrade(value),
  "acceptWebsocket()": (client) => (value) => client.acceptWebsocket(value),
  "protocol": (client) => (protocol) => client.acceptWebsocket({ protocol }),
  "headersGet()": (client) => (value) => client.headersGet(value),
  "headersAll()": (client) => (value) => client.headersAll(value),
  "limit()": (client) => (value) => client.limit(value),
  "read()": (client) => (value) => client.read(value),
  "form()": (client) => (value) =>
    client.form(value).catch((error) => {
      if (error.code !== "not-a-form") throw error;
    }),
  "lines()": (client) => (value) => client.lines(value),
  "ndjson()": (client) => (value) => client.ndjson(value),
  "events()": (client) => (value) => client.events(value),
  "parts()": (client) => (value) => client.parts(value),
};

async function check(what: string, call: Call): Promise<void> {
  for (const value of JUNK) {
    try {
      // What goes on for ever is well.
      await Promise.race([
        call(value),
        new Promise((resolve) => setTimeout(resolve, 5)),
      ]);
    } catch (error) {
      const shown = `${what} of ${typeof value} ${Deno.inspect(value)}`;
      assert(isOfUse(error), `${shown}: ${error}`);
    }
  }
}

for (const [what, call] of Object.entries(CALLS)) {
  Deno.test({
    name: `${what} of junk says what is wrong, if it is`,
    sanitizeOps: false, // the timer of a race that is won
    sanitizeResources: false,
    fn: () => check(what, call),
  });
}

for (const [what, callOf] of Object.entries(ANSWERS)) {
  Deno.test({
    name: `${what} of junk says what is wrong with an answer, if it is`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using server = startServer({ onError: () => {} });
      await check(what, async (value) => {
        const peer = await RawClient.connect(server);
        await peer.send(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        );
        const client = await server.wait(5000);
        try {
          await callOf(client!)(value);
        } finally {
          client!.close();
          peer.close();
        }
      });
    },
  });
}
