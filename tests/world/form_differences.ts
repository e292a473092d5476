import type { Difference } from "./response_differences.ts";

/** By kind: who makes something else of a form. What is not here is the same. */
export const formDifferences: Record<
  string,
  Difference<"Deno" | "Node" | "Bun">
> = {
  "browsers": {
    why: "A name may be empty, which `FormData` of Deno and Bun drop",
    otherwise: ["Deno", "Bun"],
  },
  "backslashes that escape, of Go, aiohttp and curl": {
    why: "What is escaped is told by where the quotes are",
    refuses: ["Node"],
    otherwise: ["Deno", "Node", "Bun"],
  },
  "filename* beside filename, of .NET": {
    why: "RFC 7578 4.2 forbids it; beside the plain one it does no harm",
    refuses: ["Node"],
    otherwise: ["Deno", "Bun"],
  },
  "filename* alone": {
    why: "Whether it is a file, others tell in two ways",
    reads: ["Deno", "Bun"],
  },
  "a file name that is not UTF-8": {
    why: "It is shown as it most likely was meant; others put U+FFFD",
    otherwise: ["Deno", "Node", "Bun"],
  },
  "a name that is not UTF-8": {
    why: "What is called by it would not be found",
    reads: ["Deno", "Node", "Bun"],
  },
  "other parameters": {
    why: "They do not matter, and names of parameters have no case",
    refuses: ["Node"],
    otherwise: ["Deno"],
  },
  "a parameter twice": {
    why: "Others take the first, or the last",
    reads: ["Deno", "Bun"],
  },
  "no name": {
    why: "RFC 7578 4.2: each part has one",
    reads: ["Deno", "Bun"],
  },
  "quotes that do not end": {
    why: "Others find the end in other places",
    reads: ["Deno", "Bun"],
  },
  "another disposition, or none": {
    why: "RFC 7578 4.2: it is form-data",
    reads: ["Deno", "Bun"],
  },
  "data in a coding of mail": {
    why: "RFC 7578 4.7: deprecated; others give it as it is",
    reads: ["Deno", "Node", "Bun"],
  },
  "folded fields, of Java mail": {
    why: "RFC 5322 2.2.3: a line may be folded",
    refuses: ["Node", "Bun"],
    otherwise: ["Deno"],
  },
  "data that begins with a delimiter": {
    why: "The line end that belongs to it is missing",
    reads: ["Deno"],
  },
  "text before the first delimiter": {
    why: "RFC 7578 has none",
    reads: ["Deno", "Bun"],
  },
  "no last delimiter": {
    why: "What breaks off is told",
    reads: ["Deno"],
  },
  "lines in LF": {
    why: "Data may hold LF",
    reads: ["Deno", "Bun"],
  },
  "fields that are none": {
    why: "RFC 9112 5: as in a head",
    reads: ["Deno", "Node", "Bun"],
  },
  "names without quotes, of .NET": {
    why: "RFC 7578 4.2: a parameter is a token or in quotes",
    refuses: ["Node"],
    otherwise: ["Bun"],
  },
  "a semicolon too many": {
    why: "It means nothing",
    refuses: ["Node"],
  },
  "data of all kinds": {
    why: "What is nearly a delimiter is data",
    refuses: ["Node", "Bun"],
  },
  "white space behind a delimiter": {
    why: "RFC 2046 5.1.1: it may be padded",
    refuses: ["Node"],
    otherwise: ["Bun"],
  },
  "text behind the last delimiter": {
    why: "RFC 2046 5.1.1: it is ignored",
    refuses: ["Node"],
  },
  "an empty file name": {
    why: "Browsers send it where no file was chosen: it is a file all the same",
    otherwise: ["Bun"],
  },
  "a backslash at the end of a name": {
    why: "Browsers do not escape with it",
    otherwise: ["Bun"],
  },
};
