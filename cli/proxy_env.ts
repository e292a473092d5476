/** Reads a variable of the environment. */
type Env = (name: string) => string | undefined;

/** A proxy, and who has named it. */
export interface NamedProxy {
  /** Its address. */
  address: string;
  /** The variable, or the option. */
  source: string;
}

/**
 * The proxy that the environment names for a URL, or `null`: `http_proxy` or
 * `https_proxy`, else `all_proxy`, unless `no_proxy` has the host. Names in
 * lower case win over those in upper case.
 *
 * Only the command asks the environment; the library never does.
 */
export function proxyFromEnv(url: URL, env: Env): NamedProxy | null {
  const isSecure = url.protocol === "https:" || url.protocol === "wss:";
  const found = read(env, isSecure ? "https_proxy" : "http_proxy") ??
    read(env, "all_proxy");
  if (found === null || found.address === "") return null;
  if (isExcluded(url, read(env, "no_proxy")?.address ?? "")) return null;
  const { address, source } = found;
  return {
    address: address.includes("://") ? address : `http://${address}`,
    source,
  };
}

function read(env: Env, name: string): NamedProxy | null {
  for (const source of [name, name.toUpperCase()]) {
    const address = env(source);
    if (address !== undefined) return { address, source };
  }
  return null;
}

/**
 * Whether a list has the URL's host. Entries, between commas or spaces: `*`
 * for all; a name, which stands for those below it too, with or without a dot
 * in front; an address, or a network such as `10.0.0.0/8`; any of them with a
 * port.
 */
export function isExcluded(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$|\.$/g, "").toLowerCase();
  const port = url.port ||
    (/^(?:https|wss):$/.test(url.protocol) ? "443" : "80");
  for (const item of list.toLowerCase().split(/[\s,]+/)) {
    if (item === "") continue;
    if (item === "*") return true;
    const match = /^\[([^\]]*)\](?::(\d+))?$/.exec(item) ??
      /^([^:]+)(?::(\d+))?$/.exec(item) ?? [item, item];
    if (match[2] !== undefined && match[2] !== port) continue;
    const name = match[1].replace(/^\*?\./, "").replace(/\.$/, "");
    if (name === "") continue;
    if (name === host || inNetwork(host, name)) return true;
    if (!isAddress(host) && host.endsWith("." + name)) return true;
  }
  return false;
}

/** The bits of an IPv4 address; `null` if it is none. */
function ipv4(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
    ?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return null;
  return parts.reduce((bits, part) => bits * 256 + part, 0);
}

function isAddress(host: string): boolean {
  return host.includes(":") || ipv4(host) !== null;
}

function inNetwork(host: string, network: string): boolean {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(network);
  const address = ipv4(host);
  if (match === null || address === null) return false;
  const base = ipv4(match[1]);
  const prefix = Number(match[2]);
  if (base === null || prefix > 32) return false;
  const size = 2 ** (32 - prefix);
  return Math.floor(base / size) === Math.floor(address / size);
}
