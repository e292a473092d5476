import type { Reader } from "./response_peers.ts";

/** Who makes something else of a kind of response than we do, and why we do. */
export interface Difference<T = Reader> {
  why: string;
  /** Who reads what we refuse. */
  reads?: T[];
  /** Who refuses what we read. */
  refuses?: T[];
  /** Who reads something else. */
  otherwise?: T[];
}

/** By kind. What is not here is the same for all. */
export const responseDifferences: Record<string, Difference> = {
  "white space behind a value": {
    why:
      'RFC 9110 5.5: it is no part of the value, also where that is "chunked"',
    refuses: ["node:http", "fetch of Node"],
    otherwise: ["http.client of Python", "node:http", "fetch of Node"],
  },
  "a fold": {
    why: "RFC 9112 5.2: a user agent replaces it with spaces",
    refuses: ["node:http", "fetch of Deno"],
    otherwise: ["http.client of Python"],
  },
  "a fold of blanks": {
    why: "Some take it for the empty line that ends the head",
    reads: ["curl", "http.client of Python", "fetch of Node"],
  },
  "a fold before the first field": {
    why: "RFC 9112 2.2: reject it, or leave the line out; others read it",
    reads: ["http.client of Python"],
  },
  "a fold that tells of framing": {
    why: "Who knows no folds reads a line that says where the body ends",
    reads: ["curl", "http.client of Python", "fetch of Node"],
  },
  "folded framing": {
    why: "Who knows no folds reads another length or coding",
    reads: ["curl", "http.client of Python", "fetch of Node"],
  },
  "an extension of a chunk": {
    why: "RFC 9112 7.1.1 has quoted values",
    refuses: ["fetch of Node"],
  },
  "white space behind a chunk's size": {
    why:
      "RFC 9112 7.1.1 has white space there, if before a semicolon; it can mean but one size",
    refuses: ["node:http", "fetch of Node"],
  },
  "an odd extension of a chunk": {
    why: "Where a quote is open, others read on behind the line's end",
    reads: [
      "curl",
      "http.client of Python",
      "node:http",
      "fetch of Node",
      "fetch of Deno",
    ],
  },
  "a chunk's size that is none": {
    why: "Others read as much of it as is a number, or a sign, or none",
    reads: ["curl", "http.client of Python"],
  },
  "a chunk that ends in LF": {
    why: "Where CR LF are data to others, they read another chunk",
    reads: ["curl", "http.client of Python"],
  },
  "chunks without their last line": {
    why:
      "The trailer section is missing, and with it perhaps what makes it valid",
    reads: ["http.client of Python"],
  },
  "a status that is none": {
    why: "RFC 9112 4: it has three digits, of which the first is not 0",
    reads: ["node:http"],
  },
  "204 with framing": {
    why: "RFC 9112 6.3: the end of the head is the end",
    refuses: ["http.client of Python"],
  },
  "304 with framing": {
    why: "RFC 9112 6.3: the end of the head is the end",
    refuses: ["http.client of Python"],
  },
  "an interim response": {
    why: "RFC 9110 15.2: any number of them may come first",
    refuses: ["fetch of Node"],
    otherwise: ["http.client of Python"],
  },
  "an interim response with framing": {
    why: "RFC 9112 6.3: the end of the head is the end",
    refuses: ["http.client of Python", "fetch of Node"],
    otherwise: ["http.client of Python"],
  },
  "an unknown interim response": {
    why: "RFC 9110 15.2: an unknown one is passed over",
    otherwise: ["http.client of Python"],
  },
  "205 with a body": {
    why: "RFC 9112 6.3: it has one where it says so; fetch shows none",
    otherwise: ["fetch of Node", "fetch of Deno"],
  },
  "a length twice to HEAD": {
    why: "RFC 9110 8.6: the same again says the same",
    refuses: ["node:http", "fetch of Node"],
  },
  "the same length twice": {
    why: "RFC 9110 8.6: the same again says the same",
    refuses: ["node:http", "fetch of Node"],
  },
  "a list of lengths": {
    why:
      "Others read the first number alone, or read to the end of the connection",
    reads: ["curl", "http.client of Python", "fetch of Deno"],
  },
  "two lengths": {
    why: "Others take the first, or the last",
    reads: ["curl", "http.client of Python"],
  },
  "a length that is none": {
    why:
      "Others read as much of it as is a number, or read to the end of the connection",
    reads: ["curl", "http.client of Python"],
  },
  "a body longer than its length": {
    why: "What lies behind it is not read, and the connection closed",
    refuses: ["node:http"],
  },
  "a length and chunks": {
    why: "Others take the one or the other: what smuggling lives on",
    reads: ["curl", "http.client of Python", "fetch of Deno"],
  },
  "an odd transfer coding": {
    why: 'Others pass over what they do not know, or find "chunked" in it',
    reads: [
      "curl",
      "http.client of Python",
      "node:http",
      "fetch of Node",
      "fetch of Deno",
    ],
  },
  "chunks of HTTP/1.0": {
    why: "RFC 9112 6.1: to those of HTTP/1.0 they are no chunks",
    reads: ["curl", "http.client of Python", "node:http", "fetch of Node"],
  },
  "a head in LF": {
    why: "RFC 9112 2.2: a recipient may; whoever does not finds no head at all",
    refuses: ["node:http", "fetch of Node"],
  },
  "a head in LF, and chunks in CR LF": {
    why: "RFC 9112 2.2: a recipient may; whoever does not finds no head at all",
    refuses: ["node:http", "fetch of Node"],
  },
  "a line in LF among others": {
    why:
      "Who takes CR LF alone for a line end reads another line: so headers are injected",
    reads: ["curl", "http.client of Python", "fetch of Node", "fetch of Deno"],
  },
  "a bare CR": {
    why: "Some take it for a line end, some for a space, some for nothing",
    reads: ["curl", "http.client of Python", "fetch of Node"],
  },
  "white space before a colon": {
    why: "RFC 9112 5.1: it is taken off",
    refuses: ["node:http", "fetch of Node", "fetch of Deno"],
    otherwise: ["curl", "http.client of Python", "fetch of Node"],
  },
  "white space before a colon, and framing behind it": {
    why: "To some the head ends with such a line",
    reads: ["curl", "http.client of Python", "fetch of Node"],
  },
  "white space before the colon of framing": {
    why: "Others know no field of that name",
    reads: ["curl", "http.client of Python"],
  },
  "a line without a colon": {
    why: "To some the head ends with such a line, others pass it over",
    reads: ["http.client of Python"],
  },
  "a field without a name": {
    why: "RFC 9110 5.1: it has one; to some the head ends with it",
    reads: ["curl", "http.client of Python", "fetch of Node"],
  },
  "a name that is no token": {
    why: "RFC 9110 5.1: it is a token; to some the head ends with it",
    reads: ["curl", "http.client of Python", "fetch of Node"],
  },
  "a control byte in a value": {
    why: "RFC 9110 5.5: it is invalid, and harms terminals and logs",
    reads: ["curl", "http.client of Python"],
  },
  "a NUL in a value": {
    why:
      "RFC 9110 5.5: reject it, or put a space in its place; others end the value there",
    reads: ["http.client of Python"],
  },
  "a field twice": {
    why: "RFC 9110 5.3: its values are joined",
    otherwise: ["curl"],
  },
  "hundreds of lines": {
    why: "What is bounded is a matter of memory: the bytes are",
    refuses: ["http.client of Python", "fetch of Deno"],
  },
  "thousands of lines": {
    why: "`maxHeadersCount` is 1000",
    reads: ["curl", "node:http", "fetch of Node"],
  },
  "a minor version of the future": {
    why: "RFC 9110 2.5: it is read as the highest that is known",
    refuses: ["curl", "node:http", "fetch of Node", "fetch of Deno"],
  },
  "a version that is none of ours": {
    why: "RFC 9112 2.3: it is case-sensitive, and has two digits",
    reads: ["curl", "http.client of Python", "node:http", "fetch of Node"],
  },
  "other white space in the status line": {
    why: "RFC 9112 4 has one space; a recipient may take more",
    reads: ["curl", "http.client of Python"],
  },
  "something before the status line": {
    why:
      "What lies before a response answers nothing: so responses are poisoned",
    reads: [
      "http.client of Python",
      "node:http",
      "fetch of Node",
      "fetch of Deno",
    ],
  },
  "no whole head": {
    why: "What breaks off is told",
    reads: ["curl", "http.client of Python"],
  },
};
