import type { Difference } from "./response_differences.ts";
import type { Serving } from "./request_peers.ts";

/** By kind: who makes something else of a request. What is not here is the same. */
export const requestDifferences: Record<string, Difference<Serving>> = {
  "a method that is a token": {
    why:
      "RFC 9110 9.1: any token; whether it is known is the application's matter",
    refuses: ["node:http", "Bun"],
  },
  "a target that is none": {
    why: "RFC 9112 3.2: it is one of four forms, without a fragment or a user",
    reads: ["node:http", "Deno.serve", "Bun"],
  },
  "a minor version of the future": {
    why: "RFC 9110 2.5: it is read as the highest that is known",
    refuses: ["node:http", "Deno.serve", "Bun"],
  },
  "other white space in the request line": {
    why:
      "RFC 9112 3: there is one space; who splits otherwise finds another target",
    reads: ["node:http"],
  },
  "two empty lines first": {
    why:
      "RFC 9112 2.2: at least one is passed over; more are none of a client's",
    reads: ["node:http", "Deno.serve"],
  },
  "something else first": {
    why: "What lies before a request belongs to no request",
    reads: ["node:http", "Deno.serve"],
  },
  "an empty Host": {
    why: "RFC 9110 4.2.1: that of an http URI is never empty",
    reads: ["node:http", "Deno.serve", "Bun"],
  },
  "two Hosts": {
    why: "RFC 9112 3.2: 400; others take the first or the last",
    reads: ["node:http", "Bun"],
  },
  "a Host that is none": {
    why: "RFC 9112 3.2: 400 where it is invalid",
    reads: ["node:http", "Deno.serve", "Bun"],
  },
  "many lines": {
    why: "`maxHeadersCount` is 100",
    reads: ["node:http", "Deno.serve", "Bun"],
  },
  "an odd transfer coding": {
    why: 'RFC 9112 6.1: who finds no "chunked" in it reads another body',
    reads: ["node:http", "Bun"],
  },
  "an unknown coding below chunks": {
    why: "RFC 9112 6.1: 501, as the body is not what it says",
    reads: ["node:http", "Deno.serve"],
  },
  "chunks of HTTP/1.0": {
    why: "RFC 9112 6.1: to those of HTTP/1.0 they are no chunks",
    reads: ["node:http"],
  },
  "white space in front of an extension": {
    why: "RFC 9112 7.1.1 has it",
    refuses: ["node:http", "Deno.serve", "Bun"],
  },
  "an odd extension of a chunk": {
    why:
      "RFC 9112 7.1.1: where a quote is open, others read on behind the line's end",
    reads: ["node:http", "Deno.serve", "Bun"],
  },
  "an unknown expectation": {
    why: "RFC 9110 10.1.1: 417 may be the answer",
    reads: ["node:http", "Deno.serve", "Bun"],
  },
  "a whole URL for a target": {
    why:
      "RFC 9112 3.2.2: it is shown as it was sent, by others without its origin",
    otherwise: ["Deno.serve", "Bun"],
  },
  "OPTIONS *": {
    why: "RFC 9112 3.2.4: it is no path",
    refuses: ["Bun"],
    otherwise: ["Deno.serve"],
  },
  "CONNECT": {
    why: "Only with `allowConnect`",
    reads: ["Deno.serve", "Bun"],
  },
  "no Host": {
    why: "RFC 9112 3.2: 400",
    reads: ["Deno.serve"],
  },
  "a long head": {
    why: "`maxHeadersLength` is 16 KiB",
    reads: ["Deno.serve"],
  },
  "lines in LF": {
    why: "RFC 9112 2.2: a recipient may; who does not finds another request",
    reads: ["Deno.serve"],
  },
  "a line in LF among others": {
    why:
      "Who takes CR LF alone for a line end finds another length, coding or request",
    reads: ["Deno.serve"],
  },
  "two lengths": {
    why: "RFC 9112 6.3: others take the first, or the last",
    reads: ["Deno.serve", "Bun"],
  },
  "white space behind a chunk's size": {
    why: "RFC 9112 7.1.1 has it in front of a semicolon alone",
    reads: ["Deno.serve"],
  },
  "a chunk's size that is none": {
    why: "Others read as much of it as is a number",
    reads: ["Deno.serve"],
  },
  "a body of GET": {
    why:
      "RFC 9112 6.3: it is framed as any other; a `Request` of the web shows none",
    otherwise: ["Deno.serve", "Bun"],
  },
  "a target with odd bytes": {
    why: "Browsers send them; it is shown as it was sent",
    otherwise: ["Bun"],
  },
  "an empty line first": {
    why: "RFC 9112 2.2: it is passed over",
    refuses: ["Bun"],
  },
  "a control byte in a value": {
    why: "RFC 9110 5.5: it is invalid, and harms terminals and logs",
    reads: ["Bun"],
  },
  "an extension in quotes": {
    why: "RFC 9112 7.1.1 has it",
    refuses: ["Bun"],
  },
  "a chunk that ends in LF": {
    why: "Where CR LF are data to others, they read another chunk",
    reads: ["Bun"],
  },
  "a trailer": {
    why: "RFC 9112 7.1.2 has it, and another request may follow",
    otherwise: ["Bun"],
  },
  "an odd trailer": {
    why: "RFC 9112 7.1.2: they are field lines as those of a head",
    reads: ["Bun"],
  },
};
