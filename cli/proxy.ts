import { ConnectError, TimeoutError } from "../client.ts";
import type { ConnectionArguments } from "./arguments.ts";
import { CliError, ExitCode, exitCodeOf, usageError } from "./exit_codes.ts";
import type { CliIo } from "./io.ts";
import { type NamedProxy, proxyFromEnv } from "./proxy_env.ts";

/** The proxy that is used; `null` for none. */
function proxyOf(args: ConnectionArguments, io: CliIo): NamedProxy | null {
  if (args.unix !== undefined || args.proxy === "") return null;
  if (args.proxy !== undefined) {
    return { address: args.proxy, source: "--proxy" };
  }
  return proxyFromEnv(args.url, (name) => io.env(name));
}

/**
 * The URL of the proxy that the option or the environment names.
 *
 * @throws {CliError} If it is none of HTTP; the message says who has named it.
 */
export function proxyUrl(
  args: ConnectionArguments,
  io: CliIo,
): string | undefined {
  const proxy = proxyOf(args, io);
  if (proxy === null) return undefined;
  const { address, source } = proxy;
  const text = address.includes("://") ? address : `http://${address}`;
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== "") {
    return text;
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1];
  throw usageError(
    `${source} names no HTTP proxy: ` +
      (scheme === undefined || /^https?$/i.test(scheme)
        ? "it is no URL"
        : `${scheme} is not known, http and https are`) +
      (source === "--proxy" ? "" : '; -x "" goes without'),
  );
}

/** The same fault, which also names the proxy that is to blame. */
export function withProxy(
  error: unknown,
  args: ConnectionArguments,
  io: CliIo,
): unknown {
  const isProxys = error instanceof ConnectError ||
    error instanceof TimeoutError && /^(?:connect|proxy)$/.test(error.phase);
  const proxy = isProxys ? proxyOf(args, io) : null;
  if (proxy === null) return error;
  const { address, source } = proxy;
  // Without user and password.
  const { protocol, host } = new URL(
    address.includes("://") ? address : `http://${address}`,
  );
  const code = exitCodeOf(error);
  return new CliError(
    code === ExitCode.RESOLVE ? ExitCode.RESOLVE_PROXY : code,
    `${(error as Error).message}; it goes by the proxy ${protocol}//${host} ` +
      `of ${source}`,
    { cause: error },
  );
}
