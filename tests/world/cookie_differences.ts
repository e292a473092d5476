import type { Keeping } from "./cookie_peers.ts";
import type { Difference } from "./response_differences.ts";

/** By kind: who keeps a cookie otherwise. What is not here is the same. */
export const cookieDifferences: Record<string, Difference<Keeping>> = {
  "no name": {
    why: "Browsers keep what has no name, and send back the value",
    refuses: ["curl", "http.cookiejar of Python"],
  },
  "a time that is none": {
    why: "RFC 6265 5.2: what cannot be read is ignored",
    refuses: ["curl", "http.cookiejar of Python"],
  },
  "a tab in a value": {
    why: "RFC 6265 4.1.1 has none; browsers keep it",
    refuses: ["curl"],
  },
  "a path": {
    why: "RFC 6265 5.2.4: what does not begin with a slash is the default path",
    refuses: ["http.cookiejar of Python"],
  },
  "a path in quotes": {
    why: "RFC 6265 5.2.4: it does not begin with a slash",
    refuses: ["http.cookiejar of Python"],
  },
  "a path twice": {
    why: "RFC 6265 5.3: the last counts",
    refuses: ["http.cookiejar of Python"],
  },
  "a domain": {
    why: "RFC 6265 5.2.3: an empty one is ignored",
    refuses: ["http.cookiejar of Python"],
  },
  "prefixes that promise more": {
    why: "RFC 6265bis: they are for what is set over TLS",
    reads: ["http.cookiejar of Python"],
  },
  "a control byte": {
    why: "RFC 6265bis 5.6: it is not kept",
    reads: ["http.cookiejar of Python"],
  },
};
