import { isIpv4, isIpv6 } from "../parse/host.ts";

/**
 * Which names a site answers to. A page of another site may have its own name
 * lead to this machine, and would then count as one of ours: on a loopback
 * address, which only this machine can reach, no name but ours is answered to.
 */
export class AllowedHosts {
  readonly #names: ReadonlySet<string>;
  readonly #isOpen: boolean;

  /**
   * @param names Further names, or addresses.
   * @param listens The addresses that are listened on: where others can reach
   * all of them, all names are fine unless some are given.
   */
  constructor(names: readonly string[], listens: readonly string[]) {
    this.#names = new Set(names.map((name) => name.toLowerCase()));
    this.#isOpen = names.length === 0 && !listens.some(isLoopback);
  }

  /** Whether a `Host`, with or without a port, is one of them. */
  has(host: string): boolean {
    return this.#isOpen || this.knows(host);
  }

  /** Whether it is surely one of them, and not just not refused. */
  knows(host: string): boolean {
    const name = host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
    const plain = name.startsWith("[") ? name.slice(1, -1) : name;
    if (this.#names.has(plain)) return true;
    if (plain === "localhost" || plain.endsWith(".localhost")) return true;
    // An address is no name: nobody else's page has it as its own.
    return isIpv4(plain) || isIpv6(plain);
  }
}

function isLoopback(hostname: string): boolean {
  return /^(?:127\.|\[?::1\]?$|localhost$)/.test(hostname);
}
