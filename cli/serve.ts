import { type HttpConnection, HttpServer } from "../server.ts";
import { AllowedHosts } from "./allowed_hosts.ts";
import { AccessLog } from "./access_log.ts";
import type { ServeArguments } from "./arguments.ts";
import { CliError, ExitCode } from "./exit_codes.ts";
import { Folder } from "./folder.ts";
import { type CliIo, ownAddresses, reason, writeLine } from "./io.ts";
import { plainLine } from "./plain_text.ts";
import { Site } from "./site.ts";

const DEFAULT_PORT = 8000;
/** So many ports behind the default one are tried. */
const MORE_PORTS = 20;
/** How long answers in progress may take at the end, in ms. */
const SHUTDOWN_TIMEOUT = 5000;

/**
 * Serves a folder until the user wants an end.
 *
 * @throws {CliError} If that cannot be.
 */
export async function runServe(
  args: ServeArguments,
  io: CliIo,
): Promise<ExitCode> {
  const folder = await openFolder(args);
  const pair = args.pair === null ? null : {
    cert: await readPem(args.pair.cert),
    key: await readPem(args.pair.key),
  };
  const server = listen(args, pair);
  let isEnding = false;
  const stopListening = io.onInterrupt(() => {
    // Once more, and nothing is waited for.
    if (isEnding) server.close();
    else server.shutdown({ timeout: SHUTDOWN_TIMEOUT });
    isEnding = true;
  });
  const log = args.isQuiet ? null : new AccessLog(io.stdout);
  const { hostname } = server.addr as Deno.NetAddr;
  const hosts = new AllowedHosts(args.allowedHosts, hostname);
  const site = new Site(folder, { ...args, hosts });
  const open = new Set<Promise<void>>();
  try {
    for (const line of greeting(server, args)) {
      await writeLine(io.stderr, line);
    }
    for await (const client of server) {
      const handled = handle(client, site, log, io);
      open.add(handled);
      handled.then(() => open.delete(handled));
    }
    await Promise.all(open);
    await log?.flushed();
  } finally {
    stopListening();
    await server.close();
  }
  return ExitCode.OK;
}

async function handle(
  client: HttpConnection,
  site: Site,
  log: AccessLog | null,
  io: CliIo,
): Promise<void> {
  const start = io.now();
  let reply;
  try {
    reply = await site.answer(client);
  } catch (error) {
    await writeLine(io.stderr, `uhttp: ${plainLine(reason(error))}`)
      .catch(() => {});
    reply = site.failed(client);
  }
  const isSent = await reply.sent;
  log?.add({
    address: client.remoteAddress,
    request: `${client.method} ${client.url} ${client.protocol}`,
    status: reply.status,
    length: isSent ? reply.length : null,
    duration: io.now() - start,
  });
}

async function openFolder(args: ServeArguments): Promise<Folder> {
  try {
    return await Folder.open(args.folder, args.hasHidden);
  } catch (cause) {
    throw new CliError(
      ExitCode.OTHER,
      `Cannot serve ${args.folder}: ${reason(cause)}`,
      { cause },
    );
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    const message = `Cannot read ${path}: ${reason(cause)}`;
    throw new CliError(ExitCode.OTHER, message, { cause });
  }
}

/** Listens where it was told, or near the default port. */
function listen(
  args: ServeArguments,
  pair: { cert: string; key: string } | null,
): HttpServer {
  const first = args.port ?? DEFAULT_PORT;
  const last = args.port ?? DEFAULT_PORT + MORE_PORTS;
  for (let port = first;; port++) {
    try {
      return new HttpServer({
        hostname: args.host,
        port,
        streaming: true, // uploads are larger than memory
        compress: args.isCompressed,
        ...pair,
      });
    } catch (cause) {
      const isTaken = cause instanceof Deno.errors.AddrInUse;
      if (isTaken && port < last) continue;
      // Whoever gave the names of files knows nothing of PEM texts.
      const text = cause instanceof Deno.errors.InvalidData
        ? `Cannot listen on ${args.host} port ${port}: ` +
          "Certificate and key are not valid, or not of one pair"
        : reason(cause);
      throw new CliError(
        ExitCode.OTHER,
        text,
        { cause },
      );
    }
  }
}

/** What is said at the start. */
function greeting(server: HttpServer, args: ServeArguments): string[] {
  const { hostname } = server.addr as Deno.NetAddr;
  const isOpen = hostname === "0.0.0.0" || hostname === "::";
  const isLocal = /^(?:127\.|::1$)/.test(hostname);
  const lines = [`Serving ${plainLine(args.folder)} on ${server.url}`];
  if (isOpen) {
    for (const address of ownAddresses()) {
      const isIpv6 = address.includes(":");
      if (isIpv6 && hostname !== "::") continue;
      const url = new URL(server.url);
      url.hostname = isIpv6 ? `[${address}]` : address;
      if (!/^(?:127\.|::1$)/.test(address)) lines.push(`  and on ${url}`);
    }
  } else if (isLocal) {
    lines.push("For this machine alone; --host 0.0.0.0 lets others in");
  }
  if (args.hasUpload) lines.push("Whoever gets there may upload files");
  return lines;
}
