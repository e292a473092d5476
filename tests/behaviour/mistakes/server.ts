// Mistakes with servers, and with what waits for them.
import {
  handle,
  HttpServer,
  merge,
  select,
  serve,
  upgradeWebSocket,
} from "@uhttp/uhttp";
import type { Mistake } from "./row.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
const answer = () => new Response();

export const serverMistakes: Mistake[] = [
  {
    what: "a port in place of options",
    // @ts-expect-error no object
    make: () => new HttpServer(8080),
    words: "Options of HttpServer are not an object",
  },
  {
    what: "null in place of options",
    // @ts-expect-error no object
    make: () => new HttpServer(null),
    words: "Options of HttpServer are not an object",
  },
  {
    what: "a Map in place of options",
    // @ts-expect-error no object with names
    make: () => new HttpServer(new Map([["port", 0]])),
    words: "Options of HttpServer are not an object",
  },
  {
    what: "Python's address",
    // @ts-expect-error unknown
    make: () => new HttpServer({ address: "127.0.0.1" }),
    words: 'Unknown option "address" of HttpServer: did you mean "hostname"?',
  },
  {
    what: "Node's host",
    // @ts-expect-error unknown
    make: () => new HttpServer({ host: "127.0.0.1" }),
    words: 'did you mean "hostname"?',
  },
  {
    what: "Python's max_content_length",
    // @ts-expect-error unknown
    make: () => new HttpServer({ max_content_length: 1 }),
    words: 'did you mean "maxContentLength"?',
  },
  {
    what: "a slip of the pen",
    // @ts-expect-error unknown
    make: () => new HttpServer({ keepAliveTimout: 1000 }),
    words: 'did you mean "keepAliveTimeout"?',
  },
  {
    what: "a port as text",
    // @ts-expect-error no number
    make: () => new HttpServer({ port: "8080" }),
    words: 'Option "port" is not a number',
  },
  {
    what: "a port that there is not",
    make: () => new HttpServer({ port: 80_000 }),
    error: RangeError,
    words: 'Option "port" is not from 0 to 65535',
  },
  {
    what: "a time in seconds",
    make: () => new HttpServer({ port: 0, keepAliveTimeout: 30 }),
    error: RangeError,
    words: "times are milliseconds, and 30 seconds are 30000",
  },
  {
    what: "another time in seconds",
    make: () => new HttpServer({ port: 0, requestTimeout: 5 }),
    error: RangeError,
    words: "times are milliseconds, and 5 seconds are 5000",
  },
  {
    what: "a limit as text",
    // @ts-expect-error no number
    make: () => new HttpServer({ maxContentLength: "1MB" }),
    words: 'Option "maxContentLength" is not a number',
  },
  {
    what: "a limit below zero",
    make: () => new HttpServer({ maxWaitingClients: -1 }),
    error: RangeError,
    words: 'Option "maxWaitingClients" is less than 1',
  },
  {
    what: "a switch as text",
    // @ts-expect-error no boolean
    make: () => new HttpServer({ streaming: "true" }),
    words: 'Option "streaming" is not a boolean',
  },
  {
    what: "the path of a certificate",
    make: () => new HttpServer({ port: 0, cert: "cert.pem", key: "key.pem" }),
    error: Deno.errors.InvalidData,
    words: "where it is the path of one, read that first",
  },
  {
    what: "a certificate without its key",
    make: () => new HttpServer({ port: 0, cert: PEM }),
    words: 'Option "key" is missing beside cert',
  },
  {
    what: "a certificate that is none",
    make: () => new HttpServer({ port: 0, cert: PEM, key: PEM }),
    error: Deno.errors.InvalidData,
    words: 'Option "cert" holds no valid certificate',
  },
  {
    what: "a handler of errors that is none",
    // @ts-expect-error no function
    make: () => new HttpServer({ port: 0, onError: "log" }),
    words: 'Option "onError" is not a function',
  },
  {
    what: "an AbortController for its signal",
    // @ts-expect-error no signal
    make: () => new HttpServer({ port: 0, signal: new AbortController() }),
    words: 'Option "signal" is not an AbortSignal',
  },
  {
    what: "bounds on parts under another name",
    // @ts-expect-error unknown
    make: () => new HttpServer({ port: 0, partLimits: { maxFiles: 2 } }),
    words: 'Unknown option "maxFiles"',
  },
  {
    what: "compression by a coding's name",
    // @ts-expect-error no boolean and no object
    make: () => new HttpServer({ port: 0, compress: "gzip" }),
    words: 'Option "compress" is neither a boolean nor an object',
  },
  {
    what: "a coding that is not known",
    // @ts-expect-error none of those
    make: () => new HttpServer({ port: 0, compress: { encodings: ["lzma"] } }),
    words: "is not a list of br, gzip and deflate",
  },
  {
    what: "a proxy's name for its address",
    make: () => new HttpServer({ port: 0, trustedProxies: ["proxy"] }),
    words: 'holds "proxy", which is no address or network',
  },
  {
    what: "a port that is taken",
    make: ({ server }) =>
      new HttpServer({ hostname: "127.0.0.1", port: server.port }),
    error: Deno.errors.AddrInUse,
    words: ": the port is taken",
  },
  {
    what: "a time to shut down in place of options",
    // @ts-expect-error no object
    make: ({ server }) => server.shutdown(5000),
    words: "Options of shutdown() are not an object",
  },
  {
    what: "a time to shut down under another name",
    // @ts-expect-error unknown
    make: ({ server }) => server.shutdown({ timeOut: 5000 }),
    words: 'did you mean "timeout"?',
  },
  {
    what: "options in place of a time to wait",
    // @ts-expect-error no number
    make: ({ server }) => server.wait({ timeout: 10 }),
    words: "Timeout is not a number of milliseconds",
  },
  {
    what: "a status to shut down with that is none",
    make: ({ server }) => server.shutdown({ status: 1 }),
    error: RangeError,
    words: "Status 1 is not a whole number from 200 to 599",
  },
  {
    what: "a file in place of what is told of answers",
    // @ts-expect-error no function
    make: () => new HttpServer({ port: 0, onAnswered: "access.log" }),
    words: 'Option "onAnswered" is not a function',
  },
  {
    what: "handle() without a handler",
    // @ts-expect-error missing
    make: ({ server }) => handle(server),
    words: "Handler is not a function",
  },
  {
    what: "handle() with what is no server",
    // @ts-expect-error no source
    make: () => handle(8080, () => {}),
    words: "What is handled is no server, and yields no clients",
  },
  {
    what: "handle() with a promise of options",
    // @ts-expect-error unknown
    make: ({ server }) => handle(server, () => {}, { onFault: () => {} }),
    words: 'Unknown option "onFault" of handle()',
  },
  {
    what: "upgradeWebSocket() of a request from elsewhere",
    make: () => upgradeWebSocket(new Request("http://a/")),
    words: "Request is not one that serve() has handed out",
  },
  {
    what: "a server in place of a list of them",
    // @ts-expect-error no array
    make: ({ server }) => select(server, 10),
    words: "not an array of servers and clients",
  },
  {
    what: "a list in place of servers",
    // @ts-expect-error an array
    make: ({ server }) => merge([server]),
    words: "What is merged are not HttpServers",
  },
  {
    what: "a socket in place of a list of them",
    // @ts-expect-error no array
    make: ({ server }) => server.processEvents(server.socket),
    words: "Sockets are not an array of sockets",
  },
  {
    what: "a new certificate without its key",
    // @ts-expect-error missing
    make: ({ server }) => server.loadCertificate({ cert: PEM }),
    words: 'Option "key" is not a string',
  },
  {
    what: "serve() without a handler",
    // @ts-expect-error missing
    make: () => serve({ port: 0 }),
    words: "Handler is missing",
  },
  {
    what: "an app in place of its fetch()",
    // @ts-expect-error no function
    make: () => serve({ fetch: answer }),
    words: "serve(app.fetch)",
  },
  {
    what: "serve() with a port alone",
    // @ts-expect-error no object
    make: () => serve(answer, 8080),
    words: "Options of serve() are not an object",
  },
  {
    what: "serve() with an unknown option",
    // @ts-expect-error unknown
    make: () => serve(answer, { port: 0, onlisten: () => {} }),
    words: 'did you mean "onListen"?',
  },
];
