import { builtin } from "../runtime/builtins.ts";
import { GuardedListener } from "./guarded_tls.ts";

/** Where to listen, and how. */
export interface ListenOptions {
  hostname: string;
  port: number;
  path?: string;
  cert?: string;
  key?: string;
  /** Speak TLS in the way that lets go of whoever does not. */
  guardedTls?: boolean;
  reusePort?: boolean;
  backlog?: number;
}

/**
 * Listens on TCP, TLS or a Unix socket.
 *
 * @throws An error of the kind that the system gives; it says what cannot be
 * listened on, and why.
 */
export function listen(
  options: ListenOptions,
): Deno.Listener | GuardedListener {
  try {
    return open(options);
  } catch (error) {
    throw explained(error, options);
  }
}

/** What keeps somebody from listening, in plain words. */
const REASONS: readonly [new (message: string) => Error, string][] = [
  [Deno.errors.AddrInUse, "the port is taken"],
  [Deno.errors.AddrNotAvailable, "this machine has no such address"],
  [Deno.errors.PermissionDenied, "the system does not allow it"],
  [Deno.errors.NotFound, "there is no such folder"],
];

function explained(error: unknown, options: ListenOptions): unknown {
  if (!(error instanceof Error) || error instanceof Deno.errors.InvalidData) {
    return error;
  }
  const { hostname, port, path } = options;
  const [kind, reason] = REASONS.find(([kind]) => error instanceof kind) ??
    [error.constructor as new (message: string) => Error, error.message];
  const where = path === undefined
    ? `${unbracketed(hostname)} port ${port}`
    : `the path ${path}`;
  const text = path === undefined ? reason : reason.replace("port", "path");
  const made = new kind(`Cannot listen on ${where}: ${text}`);
  made.cause = error;
  return made;
}

function open(options: ListenOptions): Deno.Listener | GuardedListener {
  const { hostname, port, path, cert, key, backlog } = options;
  if (path !== undefined) return Deno.listen({ transport: "unix", path });
  const where = { hostname: unbracketed(hostname), port, tcpBacklog: backlog };
  const reusePort = options.reusePort ?? false;
  if (cert === undefined || key === undefined) {
    return Deno.listen({ ...where, reusePort });
  }
  checkPair(cert, key);
  if (options.guardedTls) {
    return new GuardedListener(
      Deno.listen({ ...where, reusePort }),
      cert,
      key,
    );
  }
  const tls = { cert, key, alpnProtocols: ["http/1.1"] };
  return Deno.listenTls({ ...where, ...tls, reusePort });
}

/**
 * Whether two listeners can share a port: on Linux, where Deno was started
 * with `--unstable-net` (asking without that would end the process).
 */
export function canShare(): boolean {
  return Deno.build.os === "linux" && "listenDatagram" in Deno;
}

/**
 * Checks that a certificate and a key are valid and belong together.
 *
 * @throws {Deno.errors.InvalidData} If they are or do not.
 */
export function checkPair(cert: string, key: string): void {
  for (const [name, text] of [["cert", cert], ["key", key]]) {
    if (!text.includes("-----BEGIN ")) {
      throw new Deno.errors.InvalidData(
        `Option "${name}" is no text of a PEM file: where it is the path of ` +
          "one, read that first",
      );
    }
  }
  const { createPrivateKey, X509Certificate } = builtin("node:crypto");
  const made = <T>(name: string, what: string, make: () => T): T => {
    try {
      return make();
    } catch (cause) {
      throw new Deno.errors.InvalidData(
        `Option "${name}" holds no valid ${what}`,
        { cause },
      );
    }
  };
  const certificate = made(
    "cert",
    "certificate",
    () => new X509Certificate(cert),
  );
  const privateKey = made("key", "private key", () => createPrivateKey(key));
  let fits = false;
  let cause: unknown;
  try {
    fits = certificate.checkPrivateKey(privateKey);
  } catch (error) {
    // Older versions of Deno cannot tell whether they are of one pair.
    fits = String(error).includes("Not implemented");
    cause = error;
  }
  if (!fits) {
    throw new Deno.errors.InvalidData(
      'Option "key" is not the key of the certificate in "cert": they are ' +
        "not of one pair",
      { cause },
    );
  }
}

/** For how long a port is tried for that was ours a moment ago, in ms. */
const REBIND_TIMEOUT = 2000;

/** Listens on a port again as soon as the closed listener has let go of it. */
export async function rebind(
  options: ListenOptions,
): Promise<Deno.Listener | GuardedListener> {
  const end = Date.now() + REBIND_TIMEOUT;
  for (;;) {
    try {
      return listen(options);
    } catch (error) {
      const isTaken = error instanceof Deno.errors.AddrInUse;
      if (!isTaken || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}

function unbracketed(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}
