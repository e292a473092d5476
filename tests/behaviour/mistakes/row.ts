import { type HttpClient, HttpError } from "@uhttp/uhttp";
import type { HttpConnection, HttpServer } from "@uhttp/uhttp";

/** What a mistake can be made with. */
export interface Tools {
  /** A server that listens on a free port, and a client of it. */
  server: HttpServer;
  http: HttpClient;
  /** A request that waits to be answered: `POST /`, with JSON. */
  client: HttpConnection;
}

/** A mistake, and how it is told. */
export interface Mistake {
  what: string;
  /** Makes it. Where it throws later than at once, it gives that promise. */
  make: (tools: Tools) => unknown;
  /** The class of the error; default `TypeError`. */
  // deno-lint-ignore no-explicit-any -- of whatever arguments
  error?: new (...args: any[]) => Error;
  /** Words of its message: what is wrong, and what to do. */
  words: string;
}

/** What nobody but the engine says: it tells nothing to who calls. */
const INSIDE =
  /Cannot (?:read|set) propert|Cannot (?:destructure|convert|mix)|(?:^|\s)[a-z][\w.?()]* is not a function|is not iterable|is not a constructor|is undefined/;

/** Whether an error is one that a caller can do something with. */
export function isOfUse(error: unknown): boolean {
  return (error instanceof TypeError || error instanceof RangeError ||
    error instanceof HttpError || error instanceof Deno.errors.InvalidData ||
    error instanceof Deno.errors.AddrInUse) && !INSIDE.test(error.message);
}
