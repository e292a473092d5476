// Mistakes with clients, cookie jars and WebSockets.
import { CookieJar, HttpClient } from "@uhttp/uhttp";
import { FrameReader, Websocket } from "@uhttp/uhttp/websocket";
import { FakeSink } from "../../websocket/fake_sink.ts";
import type { Mistake } from "./row.ts";

const URL_OF = "http://127.0.0.1:9/";
const socket = () => new Websocket(new FakeSink(), { role: "server" });

export const clientMistakes: Mistake[] = [
  {
    what: "a base URL without a scheme",
    make: () => new HttpClient("example.com"),
    words: 'Base URL is not a URL: did you mean "http://example.com"?',
  },
  {
    what: "a base URL of host and port",
    make: () => new HttpClient("localhost:8000"),
    words: 'did you mean "http://localhost:8000"?',
  },
  {
    what: "a base URL with a query",
    make: () => new HttpClient("http://a/?key=7"),
    words: "Base URL has a query or a fragment",
  },
  {
    what: "a time in place of options",
    // @ts-expect-error no object
    make: () => new HttpClient(URL_OF, 5000),
    words: "Options of HttpClient are not an object",
  },
  {
    what: "an unknown option of a client",
    // @ts-expect-error unknown
    make: () => new HttpClient(URL_OF, { max_redirects: 5 }),
    words: 'did you mean "maxRedirects"?',
  },
  {
    what: "a time as text",
    // @ts-expect-error no number
    make: () => new HttpClient(URL_OF, { timeout: "5s" }),
    words: 'Option "timeout" is not a number',
  },
  {
    what: "one certificate in place of many",
    // @ts-expect-error no array
    make: () => new HttpClient(URL_OF, { caCerts: "-----BEGIN " }),
    words: 'Option "caCerts" is not an array of strings',
  },
  {
    what: "the path of a certificate to trust",
    make: () => new HttpClient(URL_OF, { caCerts: ["ca.pem"] }),
    words: "where it is the path of one, read that first",
  },
  {
    what: "a user without a password",
    // @ts-expect-error no pair
    make: () => new HttpClient(URL_OF, { auth: "ada" }),
    words: 'Option "auth" is not a user and a password',
  },
  {
    what: "cookies of a client as an object",
    // @ts-expect-error no jar
    make: () => new HttpClient(URL_OF, { cookies: { id: "7" } }),
    words: 'Option "cookies" is neither a boolean nor a CookieJar',
  },
  {
    what: "a proxy without a scheme",
    make: () => new HttpClient(URL_OF, { proxy: "proxy:3128" }),
    words: 'Option "proxy" is neither http: nor https:',
  },
  {
    what: "a header of a client that is none",
    make: () => new HttpClient(URL_OF, { headers: { "x y": "z" } }),
    words: 'Header name "x y" is not a token',
  },
  {
    what: "data in place of options",
    // @ts-expect-error no object
    make: ({ http }) => http.post("/", "x"),
    words: "Options of a request are not an object",
  },
  {
    what: "fetch's body",
    // @ts-expect-error unknown
    make: ({ http }) => http.post("/", { body: "x" }),
    words: 'did you mean "data"?',
  },
  {
    what: "two bodies",
    make: ({ http }) => http.post("/", { data: "x", json: {} }),
    words: "Only one of data, json and form can be sent",
  },
  {
    what: "a body that was not awaited",
    // @ts-expect-error no data
    make: ({ http }) => http.post("/", { data: Promise.resolve(1) }),
    words: "wait for what it brings",
  },
  {
    what: "a Map as a body",
    // @ts-expect-error no data
    make: ({ http }) => http.post("/", { data: new Map([["a", 1]]) }),
    words: "make an object of it, by Object.fromEntries()",
  },
  {
    what: "a form that is a list",
    // @ts-expect-error no dictionary
    make: ({ http }) => http.post("/", { form: [["a", "b"]] }),
    words: "Query or form is not a dictionary",
  },
  {
    what: "a query that holds a query",
    // @ts-expect-error no text
    make: ({ http }) => http.get("/", { query: { a: { b: 1 } } }),
    words: 'Field "a" is neither text nor a number',
  },
  {
    what: "a header that is the client's own",
    make: ({ http }) => http.get("/", { headers: { expect: "100-continue" } }),
    words: 'Header "expect" is the client\'s own matter',
  },
  {
    what: "a switch of a request as a number",
    // @ts-expect-error no boolean
    make: ({ http }) => http.get("/", { stream: 1 }),
    words: 'Option "stream" is not a boolean',
  },
  {
    what: "a path that is none",
    // @ts-expect-error no text
    make: ({ http }) => http.get(new URL("http://a/")),
    words: "Path is not a string",
  },
  {
    what: "a path that leads out",
    make: ({ http }) => http.get("/a/../b"),
    words: "Path holds dots that lead elsewhere",
  },
  {
    what: "a path of another scheme",
    make: ({ http }) => http.get("ftp://a/b"),
    words: "URL is neither http: nor https:",
  },
  {
    what: "a method that is none",
    make: ({ http }) => http.request("GET /"),
    words: 'Method "GET /" is not a token',
  },
  {
    what: "a subprotocol that is none",
    make: ({ http }) => http.websocket("/", { protocols: ["a b"] }),
    words: 'Subprotocol "a b" is not a token',
  },
  {
    what: "a WebSocket's option of the server's",
    // @ts-expect-error unknown
    make: ({ http }) => http.websocket("/", { protocol: "chat" }),
    words: 'did you mean "protocols"?',
  },
  {
    what: "a subprotocol of the server's that is none",
    make: ({ client }) => client.acceptWebsocket({ protocol: "a b" }),
    words: 'Subprotocol "a b" is not a token',
  },
  {
    what: "ws's maxPayload",
    // @ts-expect-error unknown
    make: ({ client }) => client.acceptWebsocket({ maxPayload: 10 }),
    words: 'did you mean "maxMessageLength"?',
  },
  {
    what: "an origin that is a host",
    make: ({ client }) =>
      client.acceptWebsocket({ allowedOrigins: ["example.com"] }),
    words: 'Allowed origin "example.com" is not of the form "https://',
  },
  {
    what: "an origin with a slash at its end",
    make: ({ client }) =>
      client.acceptWebsocket({ allowedOrigins: ["https://example.com/"] }),
    words: "is not of the form",
  },
  {
    what: "messages in pieces that were not asked for",
    make: () => socket().streams(),
    words: 'Messages come whole: see the option "streaming"',
  },
  {
    what: "whole messages of a WebSocket of pieces",
    make: () =>
      new Websocket(new FakeSink(), { role: "server", streaming: true }).recv(),
    words: "Messages come in pieces: take them by streams()",
  },
  {
    what: "compression of messages in pieces",
    make: ({ client }) =>
      client.acceptWebsocket({ streaming: true, compress: true }),
    words: 'Option "compress" does not go with streaming',
  },
  {
    what: "a message that is an object",
    // @ts-expect-error no text and no bytes
    make: () => socket().send({ a: 1 }),
    words: "Message is neither text nor bytes: send JSON.stringify() of it",
  },
  {
    what: "a message that is a Blob",
    // @ts-expect-error no text and no bytes
    make: () => socket().send(new Blob(["a"])),
    words: "Message is neither text nor bytes: send its bytes()",
  },
  {
    what: "a close code that is for others",
    make: () => socket().close(1006),
    error: RangeError,
    words: "Close code 1006 may not be sent",
  },
  {
    what: "a reason in place of a close code",
    // @ts-expect-error no number
    make: () => socket().close("bye"),
    error: RangeError,
    words: "Close code bye may not be sent",
  },
  {
    what: "a ping that is too long",
    make: () => socket().ping("x".repeat(126)),
    error: RangeError,
    words: "Ping must not be longer than 125 bytes",
  },
  {
    what: "a WebSocket of no side",
    // @ts-expect-error none of both
    make: () => new Websocket(new FakeSink(), { role: "peer" }),
    words: 'Option "role" is neither "server" nor "client"',
  },
  {
    what: "a reader of frames without a side",
    // @ts-expect-error missing
    make: () => new FrameReader(),
    words: 'Option "role" is neither "server" nor "client"',
  },
  {
    what: "an unknown option of a jar",
    // @ts-expect-error unknown
    make: () => new CookieJar({ maxCookie: 10 }),
    words: 'did you mean "maxCookies"?',
  },
  {
    what: "a cookie of no URL",
    make: () => new CookieJar().set("example.com", "id", "7"),
    words: "URL of a cookie is not a URL",
  },
  {
    what: "a cookie with its attributes as text",
    make: () => new CookieJar().set(URL_OF, "id", "7; Path=/"),
    words: 'Cookie "id" has a value that must be encoded',
  },
  {
    what: "a saved jar that is still text",
    make: () => CookieJar.fromJSON("[]"),
    words: "Cookies are not an array",
  },
  {
    what: "a request of a client that is closed",
    make: async ({ http }) => {
      http.close();
      await http.get("/");
    },
    error: Error,
    words: "The client was closed before GET",
  },
];
