const encoder = new TextEncoder();

/** Wrong passwords of one address, after which none of its is looked at. */
const MAX_WRONG = 10;
/** For how long, in ms; by then as many more may be tried. */
const PAUSE = 60_000;
/** Addresses that are remembered; beyond it the oldest is forgotten. */
const MAX_ADDRESSES = 10_000;

/** What comes of a request's credentials. */
export type Verdict = "open" | "unknown" | "paused";

/** Lets in those who know a user's password, by Basic (RFC 7617). */
export class Gate {
  /** `user:password` each. */
  readonly #known: readonly Uint8Array[];
  readonly #wrong = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;

  /**
   * @param pairs `user:password` each.
   * @param now A clock that never goes back, in ms.
   */
  constructor(pairs: readonly string[], now: () => number) {
    this.#known = pairs.map((pair) => encoder.encode(pair));
    this.#now = now;
  }

  /** Judges an `Authorization` field of an address. */
  judge(address: string, authorization: string | undefined): Verdict {
    const pair = pairOf(authorization);
    // Who has not tried has not failed.
    if (pair === null) return "unknown";
    const key = networkOf(address);
    const now = this.#now();
    let wrong = this.#wrong.get(key);
    if (wrong !== undefined && wrong.until <= now) {
      this.#wrong.delete(key);
      wrong = undefined;
    }
    if (wrong !== undefined && wrong.count >= MAX_WRONG) return "paused";
    if (this.#knows(pair)) return "open";
    this.#wrong.delete(key);
    this.#wrong.set(key, {
      count: (wrong?.count ?? 0) + 1,
      until: now + PAUSE,
    });
    if (this.#wrong.size > MAX_ADDRESSES) {
      this.#wrong.delete(this.#wrong.keys().next().value!);
    }
    return "unknown";
  }

  /** Compared with all of them, in a time that tells nothing. */
  #knows(pair: string): boolean {
    const given = encoder.encode(pair);
    let isKnown = false;
    for (const one of this.#known) {
      if (isSame(one, given)) isKnown = true;
    }
    return isKnown;
  }
}

/** Whether two are the same; the time it takes is that of the given one. */
function isSame(known: Uint8Array, given: Uint8Array): boolean {
  let difference = known.length ^ given.length;
  for (let i = 0; i < given.length; i++) {
    difference |= known[i % known.length] ^ given[i];
  }
  return difference === 0;
}

/** The `user:password` of a field; `null` if it has none. */
function pairOf(field: string | undefined): string | null {
  const base64 = /^basic +([\w+/]+=*) *$/i.exec(field ?? "")?.[1];
  if (base64 === undefined) return null;
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** An address, or the network that one user of IPv6 has to himself. */
function networkOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [front, back] = address.split("::");
  const left = front === "" ? [] : front.split(":");
  const right = back === undefined || back === "" ? [] : back.split(":");
  const zeros = back === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array(Math.max(0, zeros)).fill("0"), ...right];
  return all.slice(0, 4).join(":");
}

/** The pairs in a file: one a line; empty lines, and those with #, are none. */
export function pairsOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) =>
    line !== "" && !line.startsWith("#")
  );
}
