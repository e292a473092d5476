import type { Answering } from "./challenge_peers.ts";
import type { Difference } from "./response_differences.ts";

/** By kind: who answers a challenge otherwise. What is not here is the same. */
export const challengeDifferences: Record<string, Difference<Answering>> = {
  "SHA256 without a dash": {
    why: "It can be no other",
    refuses: ["curl", "urllib of Python"],
  },
  "a qop of nothing, or without quotes": {
    why: "Cameras send it, and it can mean but one thing",
    refuses: ["curl", "urllib of Python"],
  },
  "two ways on two lines": {
    why: "RFC 9110 11.6.1: the best that is known is taken",
    refuses: ["curl", "urllib of Python"],
    otherwise: ["urllib of Python"],
  },
  "two algorithms on two lines": {
    why: "RFC 7616 3.7: the best that is known is taken",
    refuses: ["urllib of Python"],
    otherwise: ["curl", "urllib of Python"],
  },
  "what cannot be answered": {
    why:
      "`auth-int` is not known here, and a nonce of nothing makes no answer safe",
    reads: ["curl", "urllib of Python"],
  },
  "a parameter twice": {
    why: "Others take the first, or the last",
    reads: ["curl", "urllib of Python"],
  },
  "Basic without quotes, or a realm": {
    why: "The realm bears on nothing",
    refuses: ["urllib of Python"],
  },
  "Digest of RFC 2617": {
    why: "RFC 9110 11.2: names have no case",
    refuses: ["urllib of Python"],
  },
  "auth-int before auth": {
    why: "It is a list",
    refuses: ["urllib of Python"],
  },
  "quotes in a realm": {
    why: "RFC 9110 5.6.4: what is escaped is sent back so",
    otherwise: ["urllib of Python"],
  },
  "Digest with SHA-256": {
    why: "RFC 7616",
    refuses: ["urllib of Python"],
  },
  "SHA-256 without qop": {
    why: "As RFC 2069 has it for MD5: cameras send it, and curl answers",
    refuses: ["urllib of Python"],
  },
  "MD5-sess": {
    why: "RFC 7616 3.4.2",
    refuses: ["urllib of Python"],
  },
  "a realm of nothing, of cameras": {
    why: "It can mean but one thing",
    refuses: ["urllib of Python"],
  },
  "two ways": {
    why: "RFC 9110 11.6.1: the best that is known is taken",
    otherwise: ["urllib of Python"],
  },
};
