import { HttpServer, type HttpServerOptions } from "../server.ts";
import { CliError, ExitCode } from "./exit_codes.ts";
import { ownAddresses, reason } from "./io.ts";

const DEFAULT_PORT = 8000;
/** So many ports behind the default one are tried. */
const MORE_PORTS = 20;

/** Where to listen. */
export interface Place {
  /** The port; `undefined` for 8000, or the next one that is free. */
  port: number | undefined;
  /** The address. */
  host: string;
}

/**
 * Listens where it was told, or near the default port.
 *
 * @throws {CliError} If that cannot be.
 */
export function listen(
  { host, port: wanted }: Place,
  options: HttpServerOptions,
): HttpServer {
  const first = wanted ?? DEFAULT_PORT;
  const last = wanted ?? DEFAULT_PORT + MORE_PORTS;
  for (let port = first;; port++) {
    try {
      return new HttpServer({ ...options, hostname: host, port });
    } catch (cause) {
      const isTaken = cause instanceof Deno.errors.AddrInUse;
      if (isTaken && port < last) continue;
      // Whoever gave the names of files knows nothing of PEM texts.
      const text = cause instanceof Deno.errors.InvalidData
        ? `Cannot listen on ${host} port ${port}: ` +
          "Certificate and key are not valid, or not of one pair"
        : reason(cause);
      throw new CliError(ExitCode.OTHER, text, { cause });
    }
  }
}

/** Whether only this machine can get there. */
export function isLocal(server: HttpServer): boolean {
  return /^(?:127\.|::1$)/.test((server.addr as Deno.NetAddr).hostname);
}

/** Where a server can be reached, for people. */
export function whereLines(server: HttpServer, what: string): string[] {
  const { hostname } = server.addr as Deno.NetAddr;
  const lines = [`${what} on ${server.url}`];
  if (hostname === "0.0.0.0" || hostname === "::") {
    for (const address of ownAddresses()) {
      const isIpv6 = address.includes(":");
      if (isIpv6 && hostname !== "::") continue;
      const url = new URL(server.url);
      url.hostname = isIpv6 ? `[${address}]` : address;
      if (!/^(?:127\.|::1$)/.test(address)) lines.push(`  and on ${url}`);
    }
  } else if (isLocal(server)) {
    lines.push("For this machine alone; --host 0.0.0.0 lets others in");
  }
  return lines;
}
