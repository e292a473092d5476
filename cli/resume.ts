import type { HttpResponse } from "../client.ts";
import { CliError, ExitCode } from "./exit_codes.ts";
import { reason } from "./io.ts";

/**
 * How much of a file is there already.
 *
 * @throws {CliError} If it is no plain file.
 */
export async function sizeSoFar(
  path: string,
  isGiven: boolean,
): Promise<number> {
  try {
    // Where the URL gave the name, a link of that name is somebody else's.
    const info = await (isGiven ? Deno.stat(path) : Deno.lstat(path));
    if (info.isFile) return info.size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw new CliError(ExitCode.OTHER, `Cannot read ${path}: ${reason(error)}`);
  }
  throw new CliError(
    ExitCode.WRITE,
    `Cannot write ${path}: It is a link, or no plain file`,
  );
}

/**
 * Where the answer goes on, if it is the rest that was asked for: at `start`,
 * or at the beginning where the server sends it all. `null` if nothing is
 * missing.
 *
 * @throws {CliError} If it is another part.
 */
export function startOf(response: HttpResponse, start: number): number | null {
  const { status, headers } = response;
  const range = headers["content-range"] ?? "";
  if (start > 0 && status === 416) {
    const size = /^bytes \*\/(\d+)$/.exec(range)?.[1];
    if (size === undefined || Number(size) === start) return null;
    throw new CliError(
      ExitCode.RANGE,
      `The file has ${start} bytes, and the server's has ${size}`,
    );
  }
  if (status !== 206) return 0;
  const first = /^bytes (\d+)-/.exec(range)?.[1];
  if (Number(first) === start) return start;
  throw new CliError(
    ExitCode.RANGE,
    `The server sends another part than that from byte ${start} on`,
  );
}
