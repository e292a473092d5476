import { type HttpConnection, HttpServer } from "../server.ts";
import { AllowedHosts } from "./allowed_hosts.ts";
import { AccessLog } from "./access_log.ts";
import type { ServeArguments } from "./arguments.ts";
import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { Folder } from "./folder.ts";
import { Gate, pairsOf } from "./gate.ts";
import { type CliIo, ownAddresses, reason } from "./io.ts";
import { LineQueue } from "./line_queue.ts";
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
    cert: await readText(args.pair.cert),
    key: await readText(args.pair.key),
  };
  const pairs = await readPairs(args.auth);
  const gate = args.auth.length === 0 ? null : new Gate(pairs, () => io.now());
  const server = listen(args, pair);
  let isEnding = false;
  const stopListening = io.onInterrupt(() => {
    // Once more, and nothing is waited for.
    if (isEnding) server.close();
    else server.shutdown({ timeout: SHUTDOWN_TIMEOUT });
    isEnding = true;
  });
  const log = args.isQuiet ? null : new AccessLog(io.stdout);
  const notes = new LineQueue(io.stderr);
  const { hostname } = server.addr as Deno.NetAddr;
  const hosts = new AllowedHosts(args.allowedHosts, hostname);
  const site = new Site(folder, { ...args, hosts, gate });
  const open = new Set<Promise<void>>();
  try {
    for (const line of greeting(server, args)) notes.add(line);
    for await (const client of server) {
      const handled = handle(client, site, log, notes, io);
      open.add(handled);
      handled.then(() => open.delete(handled));
    }
    await Promise.all(open);
    await log?.flushed();
    if (log !== null && log.lost > 0) {
      notes.add(`uhttp: ${log.lost} requests are not in the log`);
    }
    await notes.flushed();
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
  notes: LineQueue,
  io: CliIo,
): Promise<void> {
  const start = io.now();
  let reply;
  try {
    reply = await site.answer(client);
  } catch (error) {
    notes.add(`uhttp: ${plainLine(reason(error))}`);
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

/** All users and their passwords. */
async function readPairs(given: readonly string[]): Promise<string[]> {
  const pairs: string[] = [];
  for (const text of given) {
    if (!text.startsWith("@")) {
      pairs.push(text);
      continue;
    }
    const path = text.slice(1);
    const found = pairsOf(await readText(path));
    const isGood = found.length > 0 &&
      found.every((one) => /^[^:]+:./.test(one));
    if (!isGood) {
      throw usageError(`${path} has no users: USER:PASSWORD, one a line`);
    }
    pairs.push(...found);
  }
  return pairs;
}

async function readText(path: string): Promise<string> {
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
      const why = isTaken ? "the port is taken" : reason(cause);
      throw new CliError(
        ExitCode.OTHER,
        `Cannot listen on ${args.host} port ${port}: ${why}`,
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
  if (args.hasUpload) {
    const who = args.auth.length > 0 ? "Whoever logs in" : "Whoever gets there";
    lines.push(`${who} may upload files`);
  }
  if (args.auth.length > 0 && args.pair === null && !isLocal) {
    lines.push("Passwords go over the network as they are: --cert, --key");
  }
  return lines;
}
