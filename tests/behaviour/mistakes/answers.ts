// Mistakes with answers.
import type { Mistake } from "./row.ts";

const circular: Record<string, unknown> = {};
circular.self = circular;
const user = Promise.resolve({ name: "Ada" });

export const answerMistakes: Mistake[] = [
  {
    what: "a status in place of options",
    // @ts-expect-error no object
    make: ({ client }) => client.respond("Not found", 404),
    words: "Options of an answer are not an object",
  },
  {
    what: "an error in place of options",
    // @ts-expect-error no options
    make: ({ client }) => client.respond("Failed", new Error("x")),
    words: "Options of an answer are not an object",
  },
  {
    what: "Node's statusCode",
    // @ts-expect-error unknown
    make: ({ client }) => client.respond("x", { statusCode: 404 }),
    words: 'did you mean "status"?',
  },
  {
    what: "fetch's statusText",
    // @ts-expect-error unknown
    make: ({ client }) => client.respond("x", { statusText: "Fine" }),
    words: 'did you mean "statusMessage"?',
  },
  {
    what: "a status as text",
    // @ts-expect-error no number
    make: ({ client }) => client.respond("x", { status: "404" }),
    error: RangeError,
    words: "Status 404 is not a whole number from 200 to 599",
  },
  {
    what: "a status that answers nothing",
    make: ({ client }) => client.respond("x", { status: 101 }),
    error: RangeError,
    words: "Status 101 is not a whole number from 200 to 599",
  },
  {
    what: "a Response",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(new Response("x")),
    words: "Cannot send a Response as JSON: answer with it by respondWith()",
  },
  {
    what: "a promise that was not awaited",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(user),
    words: "wait for what it brings",
  },
  {
    what: "a promise within data",
    make: ({ client }) => client.respond({ user, count: 1 }),
    words: 'Cannot send a Promise ("user") as JSON: wait for what it brings',
  },
  {
    what: "an error within data",
    make: ({ client }) => client.respond({ error: new Error("secret") }),
    words: 'Cannot send an Error ("error") as JSON: send its message',
  },
  {
    what: "an error",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(new RangeError("x")),
    words: "Cannot send an Error as JSON: send its message",
  },
  {
    what: "a Map",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(new Map([["a", 1]])),
    words: "make an object of it, by Object.fromEntries()",
  },
  {
    what: "a Set",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(new Set(["a"])),
    words: "Cannot send a Set as JSON: make an array of it",
  },
  {
    what: "Headers",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(new Headers({ a: "b" })),
    words: "Cannot send a Headers as JSON",
  },
  {
    what: "a regular expression",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(/a/),
    words: "Cannot send a RegExp as JSON: send its source",
  },
  {
    what: "a function",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(() => "x"),
    words: "Cannot send a function as JSON",
  },
  {
    what: "a symbol",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(Symbol("x")),
    words: "Cannot send a symbol as JSON",
  },
  {
    what: "a big integer",
    // @ts-expect-error no data
    make: ({ client }) => client.respond(7n),
    words: "Cannot send as JSON what holds a BigInt",
  },
  {
    what: "what holds itself",
    make: ({ client }) => client.respond(circular),
    words: "Cannot send as JSON what holds itself",
  },
  {
    what: "a name of a header that is none",
    make: ({ client }) =>
      client.respond("x", { headers: { "content type": "text/plain" } }),
    words: 'Header name "content type" is not a token',
  },
  {
    what: "a line end in a header",
    make: ({ client }) => client.respond("x", { headers: { a: "b\r\nc: d" } }),
    words: 'Header "a" holds a control character',
  },
  {
    what: "a header that is no text",
    // @ts-expect-error no text
    make: ({ client }) => client.respond("x", { headers: { a: true } }),
    words: 'Header "a" is not a string or a number',
  },
  {
    what: "a number that is none in a header",
    make: ({ client }) => client.respond("x", { headers: { age: NaN } }),
    words: 'Header "age" is not a string or a number',
  },
  {
    what: "one header in place of a list",
    // @ts-expect-error no object
    make: ({ client }) => client.respond("x", { headers: "a: b" }),
    words: "Headers are not an object",
  },
  {
    what: "a pair in place of pairs",
    // @ts-expect-error no pairs
    make: ({ client }) => client.respond("x", { headers: ["a", "b"] }),
    words: "Headers are not pairs of a name and a value",
  },
  {
    what: "a length that is not the body's",
    make: ({ client }) =>
      client.respond("x", { headers: { "content-length": 7 } }),
    words: "Header content-length is not the body's length",
  },
  {
    what: "transfer-encoding by hand",
    make: ({ client }) =>
      client.respond("x", { headers: { "transfer-encoding": "chunked" } }),
    words: "Header transfer-encoding is set by the server alone",
  },
  {
    what: "a cookie as a whole line",
    make: ({ client }) =>
      client.respond("x", { cookies: { id: "7; Path=/; HttpOnly" } }),
    words: 'Cookie "id" has a value that must be encoded',
  },
  {
    what: "cookies as text",
    // @ts-expect-error no object
    make: ({ client }) => client.respond("x", { cookies: "id=7" }),
    words: "Cookies are not an object of values by name",
  },
  {
    what: "a cookie that is a number",
    // @ts-expect-error no text
    make: ({ client }) => client.respond("x", { cookies: { id: 7 } }),
    words: 'Cookie "id" is not a string, null, or an object with a value',
  },
  {
    what: "a cookie's httponly",
    make: ({ client }) =>
      // @ts-expect-error unknown
      client.respond("x", { cookies: { id: { value: "7", httponly: true } } }),
    words: 'did you mean "httpOnly"?',
  },
  {
    what: "a cookie that expires at a number",
    make: ({ client }) =>
      // @ts-expect-error no Date
      client.respond("x", { cookies: { id: { value: "7", expires: 3600 } } }),
    words: 'Cookie "id" has an expires that is not a Date',
  },
  {
    what: "a cookie's name that is none",
    make: ({ client }) => client.respond("x", { cookies: { "a b": "7" } }),
    words: 'Cookie name "a b" is not a token',
  },
  {
    what: "a tag of what is no data in memory",
    make: ({ client }) => client.respond(new Blob(["x"]), { etag: true }),
    words: 'Option "etag" is for data in memory',
  },
  {
    what: "a tag in place of whether to make one",
    // @ts-expect-error no boolean
    make: ({ client }) => client.respond("x", { etag: '"v1"' }),
    words: 'Option "etag" is not a boolean',
  },
  {
    what: "an interim answer that is one",
    make: ({ client }) => client.inform(200),
    error: RangeError,
    words: "Status 200 is not a whole number from 102 to 199",
  },
  {
    what: "fields of an interim answer in place of its options",
    // @ts-expect-error unknown
    make: ({ client }) => client.inform(103, { link: "</a.css>" }),
    words: 'Unknown option "link" of inform()',
  },
  {
    what: "a multipart answer of a type that is none",
    make: ({ client }) =>
      client.responseMultipart({ headers: { "content-type": "image/jpeg" } }),
    words: "Header content-type is not one of multipart/",
  },
  {
    what: "an index that is no name",
    // @ts-expect-error no text
    make: ({ client }) => client.respondFile("x", { index: true }),
    words: 'Option "index" is not a string',
  },
  {
    what: "a second answer",
    make: ({ client }) => {
      client.respond("one");
      client.respond("two");
    },
    words: "Request is already answered",
  },
  {
    what: "a status in place of a redirect's options",
    // @ts-expect-error no object
    make: ({ client }) => client.respondRedirect("/x", 301),
    words: "Options of a redirect are not an object",
  },
  {
    what: "a redirect with a status of none",
    make: ({ client }) => client.respondRedirect("/x", { status: 200 }),
    error: RangeError,
    words: "Status is not one of a redirect",
  },
  {
    what: "a redirect to a URL object",
    // @ts-expect-error no text
    make: ({ client }) => client.respondRedirect(new URL("http://a/")),
    words: "Redirect URL is not a string",
  },
  {
    what: "a file by its URL",
    // @ts-expect-error no text
    make: ({ client }) => client.respondFile(new URL(import.meta.url)),
    words: "Path is not a string",
  },
  {
    what: "the folder of a file as an option of another name",
    // @ts-expect-error unknown
    make: ({ client }) => client.respondFile("x", { filename: "y" }),
    words: 'did you mean "download"?',
  },
  {
    what: "the folder of a file that is no text",
    // @ts-expect-error no text
    make: ({ client }) => client.respondFile("x", { root: true }),
    words: 'Option "root" is not a string',
  },
  {
    what: "data for respondWith()",
    // @ts-expect-error no response
    make: ({ client }) => client.respondWith({ status: 200 }),
    words: "Answer is not a Response: give data to respond()",
  },
  {
    what: "a type in place of a stream's options",
    // @ts-expect-error no object
    make: ({ client }) => client.responseStream("text/plain"),
    words: "Options of an answer are not an object",
  },
  {
    what: "a chunk before there is a stream",
    make: ({ client }) => client.sendChunk("x"),
    words: "Call responseStream() or its kin first",
  },
  {
    what: "a chunk that is an object",
    make: ({ client }) => {
      client.responseStream();
      // @ts-expect-error no text and no bytes
      client.sendChunk({ a: 1 });
    },
    words: "Chunk is neither text nor bytes",
  },
  {
    what: "an event that is text",
    make: ({ client }) => {
      client.responseEvents();
      // @ts-expect-error no object
      client.sendEvent("hello");
    },
    words: "Event is not an object: its message goes as its data",
  },
  {
    what: "Python's event_id",
    make: ({ client }) => {
      client.responseEvents();
      // @ts-expect-error unknown
      client.sendEvent({ data: "x", event_id: 7 });
    },
    words: 'did you mean "id"?',
  },
  {
    what: "an event without anything",
    make: ({ client }) => {
      client.responseEvents();
      client.sendEvent({});
    },
    words: "Event has no field",
  },
  {
    what: "an event's name of two lines",
    make: ({ client }) => {
      client.responseEvents();
      client.sendEvent({ event: "a\nb" });
    },
    words: "Event's event is not a line of text",
  },
  {
    what: "an event's data that was not awaited",
    make: ({ client }) => {
      client.responseEvents();
      // @ts-expect-error no data
      client.sendEvent({ data: user });
    },
    words: "wait for what it brings",
  },
  {
    what: "a pause between comments that is no number",
    // @ts-expect-error no number
    make: ({ client }) => client.responseEvents({ keepAlive: true }),
    words: 'Option "keepAlive" is not a number of milliseconds',
  },
  {
    what: "a line of NDJSON that is nothing",
    make: ({ client }) => {
      client.responseNdjson();
      // @ts-expect-error no data
      client.sendNdjson(undefined);
    },
    words: "Cannot send undefined as JSON",
  },
  {
    what: "a boundary that is none",
    make: ({ client }) => client.responseMultipart({ boundary: "a b" }),
    words: 'Option "boundary" is not a token',
  },
  {
    what: "a frame before there is a multipart answer",
    make: ({ client }) => client.responseMultipartFrame("x"),
    words: "Call responseMultipart() first",
  },
  {
    what: "a frame's type in place of its options",
    make: ({ client }) => {
      client.responseMultipart();
      // @ts-expect-error no object
      client.responseMultipartFrame("x", "image/jpeg");
    },
    words: "Options of a frame are not an object",
  },
];
