import type { HttpServer } from "../server.ts";
import { AllowedHosts } from "./allowed_hosts.ts";
import type { ServeArguments } from "./arguments.ts";
import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { Folder } from "./folder.ts";
import { Gate, pairsOf } from "./gate.ts";
import { type CliIo, reason } from "./io.ts";
import { isLocal, listen, whereLines } from "./listening.ts";
import { plainLine } from "./plain_text.ts";
import { runServer } from "./running.ts";
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
  const pair = args.pair === null ? null : {
    cert: await readText(args.pair.cert),
    key: await readText(args.pair.key),
  };
  const pairs = await readPairs(args.auth);
  const gate = args.auth.length === 0 ? null : new Gate(pairs, () => io.now());
  const server = listen(args, {
    streaming: true, // uploads are larger than memory
    compress: args.isCompressed,
    ...pair,
  });
  const { hostname } = server.addr as Deno.NetAddr;
  const hosts = new AllowedHosts(args.allowedHosts, hostname);
  const site = new Site(folder, { ...args, hosts, gate });
  return await runServer(server, site, greeting(server, args), args, io);
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
function greeting(server: HttpServer, args: ServeArguments): string[] {
  const lines = whereLines(server, `Serving ${plainLine(args.folder)}`);
  if (args.hasUpload) {
    const who = args.auth.length > 0 ? "Whoever logs in" : "Whoever gets there";
    const what = args.mayWrite ? "upload, overwrite and delete" : "upload";
    lines.push(`${who} may ${what} files`);
  }
  if (args.auth.length > 0 && args.pair === null && !isLocal(server)) {
    lines.push("Passwords go over the network as they are: --cert, --key");
  }
  return lines;
}
