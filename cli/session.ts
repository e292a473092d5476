import { dirname, join } from "@std/path";
import { CookieJar } from "../client.ts";
import type { RequestArguments } from "./arguments.ts";
import { cannotRead } from "./disk_file.ts";
import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { type CliIo, reason } from "./io.ts";

/** Cookies for a request, and where they are kept afterwards. */
export interface Session {
  /** The cookies. */
  jar: CookieJar;
  /** The file that gets them; `null` for none. */
  path: string | null;
}

/**
 * The cookies that the command line asks for; `null` where it says nothing of
 * them.
 *
 * @throws {CliError} If they cannot be read, or are none.
 */
export async function openSession(
  args: RequestArguments,
  io: CliIo,
): Promise<Session | null> {
  const { session, cookieFile, cookieJar } = args;
  if (session !== undefined) {
    const path = join(sessionFolder(io), `${session}.json`);
    return { jar: await readJar(path, true), path };
  }
  if (cookieFile === undefined && cookieJar === undefined) return null;
  const jar = cookieFile === undefined
    ? new CookieJar()
    : await readJar(cookieFile, cookieFile === cookieJar);
  return { jar, path: cookieJar ?? null };
}

function sessionFolder(io: CliIo): string {
  const config = io.env("XDG_CONFIG_HOME");
  if (config) return join(config, "uhttp", "sessions");
  const home = io.env("HOME") ?? io.env("USERPROFILE");
  if (!home) throw usageError("--session finds no HOME; use -b and -c FILE");
  return join(home, ".config", "uhttp", "sessions");
}

async function readJar(path: string, mayBeNew: boolean): Promise<CookieJar> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (mayBeNew && error instanceof Deno.errors.NotFound) {
      return new CookieJar();
    }
    throw cannotRead(path, error);
  }
  try {
    return CookieJar.fromJSON(JSON.parse(text));
  } catch {
    throw cannotRead(path, "It holds no cookies of ours");
  }
}

/**
 * Writes the cookies where they are kept, for this user alone. The file is
 * whole at any time.
 *
 * @throws {CliError} If it cannot be written.
 */
export async function saveSession({ jar, path }: Session): Promise<void> {
  if (path === null) return;
  const text = JSON.stringify(jar, null, 2) + "\n";
  const partial = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(partial, text, { createNew: true, mode: 0o600 });
    await Deno.rename(partial, path);
  } catch (cause) {
    await Deno.remove(partial).catch(() => {});
    const message = `Cannot write ${path}: ${reason(cause)}`;
    throw new CliError(ExitCode.WRITE, message, { cause });
  }
}
