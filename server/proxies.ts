import { trim } from "../parse/fields.ts";
import { isIpv4, parseIpv6 } from "../parse/host.ts";

/** Addresses of a way that are looked at; what stands left of them is not. */
const MAX_ADDRESSES = 100;

/** Takes the notation of IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) off an address. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1];
  if (!/^::ffff:[0-9a-f]+:[0-9a-f]+$/i.test(address)) return address;
  const groups = parseIpv6(address);
  return groups === null ? address : [6, 7].flatMap((i) => [
    groups[i] >> 8,
    groups[i] & 255,
  ]).join(".");
}

/** Bits of an address, IPv4 as IPv6-mapped, so that both compare alike. */
function bitsOf(address: string): bigint | null {
  const groups = parseIpv6(isIpv4(address) ? `::ffff:${address}` : address);
  return groups === null
    ? null
    : groups.reduce((bits, group) => bits << 16n | BigInt(group), 0n);
}

/** The peers whose `X-Forwarded-For` is believed. */
export class TrustedProxies {
  readonly #networks: { bits: bigint; shift: bigint }[] = [];
  #trustsUnix = false;

  /**
   * @param entries Addresses, networks in CIDR notation, or `unix` for peers
   * on a Unix socket.
   * @throws {TypeError} If an entry is none of these.
   */
  constructor(entries: readonly string[]) {
    if (!Array.isArray(entries)) {
      throw new TypeError('Option "trustedProxies" is not an array');
    }
    for (const entry of entries) {
      if (entry === "unix") {
        this.#trustsUnix = true;
        continue;
      }
      const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(String(entry));
      const bits = match === null ? null : bitsOf(match[1]);
      const width = match !== null && isIpv4(match[1]) ? 32 : 128;
      const prefix = Number(match?.[2] ?? width);
      if (bits === null || prefix > width) {
        throw new TypeError(
          `Option "trustedProxies" holds ${
            JSON.stringify(entry) ?? String(entry)
          }, which is no address or network`,
        );
      }
      const shift = BigInt(width - prefix);
      this.#networks.push({ bits: bits >> shift, shift });
    }
  }

  /** Whether an address (or `unix`) is trusted. */
  has(address: string): boolean {
    if (address === "unix") return this.#trustsUnix;
    if (this.#networks.length === 0) return false;
    const bits = bitsOf(address);
    return bits !== null &&
      this.#networks.some((net) => bits >> net.shift === net.bits);
  }

  /**
   * The client's address: the last one of the way that is not a proxy's.
   */
  client(socketAddress: string, forwardedFor: string | undefined): string {
    for (const address of this.#back(socketAddress, forwardedFor)) {
      if (!this.has(address)) return address;
    }
    return socketAddress;
  }

  /**
   * The way a request came, client first, nearest proxy last; the socket's
   * own address where nothing is to be believed.
   */
  chain(socketAddress: string, forwardedFor: string | undefined): string[] {
    const way = [...this.#back(socketAddress, forwardedFor)];
    return way.length === 0 ? [socketAddress] : way.reverse();
  }

  /** The way back from the nearest proxy to the client, as far as it is told. */
  *#back(
    socketAddress: string,
    forwardedFor: string | undefined,
  ): Generator<string, void, void> {
    if (forwardedFor === undefined || !this.has(socketAddress)) return;
    let end = forwardedFor.length;
    for (let count = 0; end >= 0 && count < MAX_ADDRESSES; count++) {
      const comma = end === 0 ? -1 : forwardedFor.lastIndexOf(",", end - 1);
      const entry = trim(forwardedFor, comma + 1, end);
      const address = forwardedAddress(entry);
      // What stands left of something that is no address means nothing.
      if (address === null) return;
      yield address;
      end = comma;
    }
  }
}

/** An address as proxies write it, perhaps with a port; null if it is none. */
function forwardedAddress(text: string): string | null {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text);
  if (bracketed !== null) text = bracketed[1];
  else if (/^[\d.]+:\d+$/.test(text)) text = text.slice(0, text.indexOf(":"));
  const plain = plainAddress(text);
  return bitsOf(plain) === null ? null : plain;
}
