// Mistakes with bodies that come, and with the parsers.
import {
  decodePercentEncoding,
  EventStreamParser,
  LineParser,
  MultipartParser,
  parseCookies,
  parseHeaderParameters,
  parseQuery,
  parseSetCookie,
  parseUrl,
  RequestParser,
  ResponseParser,
} from "@uhttp/uhttp/parse";
import type { Mistake } from "./row.ts";

export const bodyMistakes: Mistake[] = [
  {
    what: "a body that is read twice",
    make: async ({ client }) => {
      await client.json();
      await client.json();
    },
    words: "Body was read already",
  },
  {
    what: "lines of a body that was read",
    make: async ({ client }) => {
      await client.text();
      client.lines();
    },
    words: "Body was read already",
  },
  {
    what: "a number in place of a buffer",
    // @ts-expect-error no buffer
    make: ({ client }) => client.read(1024),
    words: "Buffer is not a Uint8Array",
  },
  {
    what: "a buffer without room",
    make: ({ client }) => client.read(new Uint8Array(0)),
    words: "Buffer has no room",
  },
  {
    what: "a limit of a body as text",
    // @ts-expect-error no number
    make: ({ client }) => client.limit("1MB"),
    words: "Limit is not a number",
  },
  {
    what: "a header's name that is none",
    // @ts-expect-error no text
    make: ({ client }) => client.headersGet(undefined),
    words: "Name of a header is not a string",
  },
  {
    what: "a form's limit under another name",
    // @ts-expect-error unknown
    make: ({ client }) => client.form({ maxPartsLength: 10 }),
    words: 'did you mean "maxPartLength"?',
  },
  {
    what: "a limit of parts in place of limits",
    // @ts-expect-error no object
    make: ({ client }) => client.parts(10),
    words: "Options of a body's parts are not an object",
  },
  {
    what: "a limit of lines in place of limits",
    // @ts-expect-error no object
    make: ({ client }) => client.lines(1024),
    words: "Options of a reader of lines are not an object",
  },
  {
    what: "a limit of NDJSON under another name",
    // @ts-expect-error unknown
    make: ({ client }) => client.ndjson({ maxLength: 10 }),
    words: 'Unknown option "maxLength"',
  },
  {
    what: "a limit of events under another name",
    // @ts-expect-error unknown
    make: ({ client }) => client.events({ maxEventSize: 10 }),
    words: 'Unknown option "maxEventSize" of events()',
  },
  {
    what: "no path to save to",
    // @ts-expect-error no text
    make: ({ client }) => client.saveTo(undefined),
    words: "Path is not a string",
  },
  {
    what: "a parser's limit of another name",
    // @ts-expect-error unknown
    make: () => new RequestParser({ maxHeaderLength: 10 }),
    words: 'did you mean "maxHeadersLength"?',
  },
  {
    what: "a parser that is given text",
    // @ts-expect-error no bytes
    make: () => new RequestParser().push("GET / HTTP/1.1"),
    words: "What is pushed is not a Uint8Array",
  },
  {
    what: "a parser of responses with a limit that is none",
    make: () => new ResponseParser({ maxHeadersLength: NaN }),
    words: 'Option "maxHeadersLength" is not a number',
  },
  {
    what: "a parser of multipart with a whole content type",
    make: () => new MultipartParser("multipart/form-data; boundary=\r\n"),
    words: "Boundary is not of 1 to 70 of the allowed bytes",
  },
  {
    what: "a parser of lines with a number",
    // @ts-expect-error no object
    make: () => new LineParser(80),
    words: "Options of a reader of lines are not an object",
  },
  {
    what: "a parser of events that is given text",
    // @ts-expect-error no bytes
    make: () => new EventStreamParser().push("data: x\n\n"),
    words: "What is pushed is not a Uint8Array",
  },
  {
    what: "a query that is parsed already",
    // @ts-expect-error no text
    make: () => parseQuery({ a: "1" }),
    words: "Query is neither text nor bytes",
  },
  {
    what: "a URL that is parsed already",
    // @ts-expect-error no text
    make: () => parseUrl(new URL("http://a/")),
    words: "URL is neither text nor bytes",
  },
  {
    what: "a cookie that is not there",
    // @ts-expect-error no text
    make: () => parseCookies(undefined),
    words: "Value of a Cookie field is not a string",
  },
  {
    what: "many cookies for one",
    // @ts-expect-error no text
    make: () => parseSetCookie(["a=b", "c=d"]),
    words: "Value of a Set-Cookie field is not a string",
  },
  {
    what: "parameters of a header that is not there",
    // @ts-expect-error no text
    make: () => parseHeaderParameters(null),
    words: "Value of a header is not a string",
  },
  {
    what: "text to decode in place of bytes",
    // @ts-expect-error no bytes
    make: () => decodePercentEncoding("a%20b"),
    words: "What is decoded is not a Uint8Array",
  },
];
