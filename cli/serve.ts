import type { HttpServer } from "../server.ts";
import { AllowedHosts } from "./allowed_hosts.ts";
import type { ServeArguments } from "./arguments.ts";
import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { Folder } from "./folder.ts";
import { Gate, pairsOf } from "./gate.ts";
import { type CliIo, ownAddresses, reason } from "./io.ts";
import {
  addressesOf,
  isLocal,
  listenAll,
  qrLinesOf,
  whereLines,
} from "./listening.ts";
import { plainLine } from "./plain_text.ts";
import { AccessLog } from "./access_log.ts";
import { runServer } from "./running.ts";
import { selfSigned } from "./self_signed.ts";
import { Site } from "./site.ts";

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
  const pair = await pairOf(args);
  const pairs = await readPairs(args.auth);
  const gate = args.auth.length === 0 ? null : new Gate(pairs, () => io.now());
  const log = new AccessLog(io.stdout, args.log);
  const servers = await listenAll(args.places, {
    onAnswered: log.onAnswered,
    streaming: true, // uploads are larger than memory
    compress: args.isCompressed,
    ...(pair === null ? {} : { cert: pair.cert, key: pair.key }),
  });
  const hosts = new AllowedHosts(args.allowedHosts, addressesOf(servers));
  let site: Site;
  try {
    site = new Site(folder, { ...args, hosts, gate });
  } catch (cause) {
    for (const server of servers) await server.close();
    const message = `Cannot watch ${args.folder}: ${reason(cause)}`;
    throw new CliError(ExitCode.OTHER, message, { cause });
  }
  const lines = greeting(servers, args);
  if (pair?.fingerprint !== undefined) {
    lines.push(
      "Its certificate is made for this run, for 30 days; its SHA-256 is",
      `  ${pair.fingerprint}`,
    );
  }
  if (args.hasQr) lines.push(...qrLinesOf(servers, io));
  return await runServer(servers, site, lines, log, io);
}

/** What TLS is spoken with; `null` without it. */
async function pairOf(
  { pair, isSelfSigned, places, allowedHosts }: ServeArguments,
): Promise<{ cert: string; key: string; fingerprint?: string } | null> {
  if (pair !== null) {
    return { cert: await readText(pair.cert), key: await readText(pair.key) };
  }
  if (!isSelfSigned) return null;
  const hosts = places.flatMap((place) => "host" in place ? [place.host] : []);
  return await selfSigned([
    ...["localhost", "127.0.0.1", "::1"],
    ...hosts.filter((host) => host !== "0.0.0.0" && host !== "::"),
    ...allowedHosts,
    ...ownAddresses(),
  ]);
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

/** What is said at the start. */
function greeting(
  servers: readonly HttpServer[],
  args: ServeArguments,
): string[] {
  const lines = servers.flatMap((server) =>
    whereLines(server, `Serving ${plainLine(args.folder)}`)
  );
  for (const { prefix, target } of args.routes) {
    lines.push(`  with ${prefix} from ${target.href.replace(/\/$/, "")}`);
  }
  if (args.hasUpload) {
    const who = args.auth.length > 0 ? "Whoever logs in" : "Whoever gets there";
    const what = args.mayWrite ? "upload, overwrite and delete" : "upload";
    lines.push(`${who} may ${what} files`);
  }
  const isPlain = args.pair === null && !args.isSelfSigned;
  if (args.auth.length > 0 && isPlain && !servers.every(isLocal)) {
    lines.push("Passwords go over the network as they are: --cert, --key");
  }
  return lines;
}
