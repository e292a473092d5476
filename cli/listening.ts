import { HttpServer, type HttpServerOptions } from "../server.ts";
import type { Place } from "./arguments.ts";
import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { type CliIo, ownAddresses, reason } from "./io.ts";
import { qrCode, qrLines } from "./qr_code.ts";

const DEFAULT_PORT = 8000;
/** So many ports behind the default one are tried. */
const MORE_PORTS = 20;

/**
 * Listens wherever it was told.
 *
 * @throws {CliError} If that cannot be; then nowhere.
 */
export async function listenAll(
  places: readonly Place[],
  options: HttpServerOptions,
): Promise<HttpServer[]> {
  const servers: HttpServer[] = [];
  try {
    for (const place of places) servers.push(listen(place, options));
    return servers;
  } catch (error) {
    for (const server of servers) await server.close();
    throw error;
  }
}

/** Listens where it was told, or near the default port. */
function listen(place: Place, options: HttpServerOptions): HttpServer {
  if ("path" in place) {
    if (options.cert !== undefined) {
      throw usageError(`No TLS goes by a Unix socket: ${place.path}`);
    }
    return made(place.path, () => new HttpServer({ ...options, ...place }));
  }
  const { host, port: wanted } = place;
  const first = wanted ?? DEFAULT_PORT;
  const last = wanted ?? DEFAULT_PORT + MORE_PORTS;
  for (let port = first;; port++) {
    try {
      return made(
        `${host} port ${port}`,
        () => new HttpServer({ ...options, hostname: host, port }),
      );
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof Deno.errors.AddrInUse) || port >= last) {
        throw error;
      }
    }
  }
}

function made(where: string, make: () => HttpServer): HttpServer {
  try {
    return make();
  } catch (cause) {
    // Whoever gave the names of files knows nothing of PEM texts.
    const text = cause instanceof Deno.errors.InvalidData
      ? `Cannot listen on ${where}: ` +
        "Certificate and key are not valid, or not of one pair"
      : reason(cause);
    throw new CliError(ExitCode.OTHER, text, { cause });
  }
}

/** The addresses that servers listen on; that of a Unix socket is none. */
export function addressesOf(servers: readonly HttpServer[]): string[] {
  return servers.flatMap(({ addr }) =>
    "hostname" in addr ? [addr.hostname] : []
  );
}

/** Whether only this machine can get there. */
export function isLocal(server: HttpServer): boolean {
  const { addr } = server;
  return !("hostname" in addr) || /^(?:127\.|::1$)/.test(addr.hostname);
}

/** The addresses that a server can be reached at from elsewhere. */
function urlsElsewhere(server: HttpServer): string[] {
  const { addr } = server;
  if (!("hostname" in addr) || isLocal(server)) return [];
  const { hostname } = addr;
  if (hostname !== "0.0.0.0" && hostname !== "::") return [server.url];
  const urls: string[] = [];
  for (const address of ownAddresses()) {
    const isIpv6 = address.includes(":");
    if (isIpv6 && hostname !== "::" || /^(?:127\.|::1$)/.test(address)) {
      continue;
    }
    const url = new URL(server.url);
    url.hostname = isIpv6 ? `[${address}]` : address;
    urls.push(url.href);
  }
  return urls;
}

/** A QR code of where others get there; none where that cannot be, or be seen. */
export function qrLinesOf(servers: readonly HttpServer[], io: CliIo): string[] {
  if (!io.stderr.isTerminal()) return [];
  const [url] = servers.flatMap(urlsElsewhere);
  const code = url === undefined ? null : qrCode(url);
  if (code === null || code.length + 8 > io.columns()) return [];
  return ["", ...qrLines(code, !io.env("NO_COLOR")), ""];
}

/** Where a server can be reached, for people. */
export function whereLines(server: HttpServer, what: string): string[] {
  const { addr } = server;
  if (!("hostname" in addr)) {
    return [`${what} on the socket ${(addr as Deno.UnixAddr).path}`];
  }
  const { hostname } = addr;
  const lines = [`${what} on ${server.url}`];
  if (hostname === "0.0.0.0" || hostname === "::") {
    lines.push(...urlsElsewhere(server).map((url) => `  and on ${url}`));
  } else if (isLocal(server)) {
    lines.push("For this machine alone; --host 0.0.0.0 lets others in");
  }
  return lines;
}
