import { after } from "./clock.ts";
import {
  type ClientPair,
  connectInsecure,
  connectWithPair,
} from "./client_tls.ts";
import { tune } from "./socket.ts";

/** What ends an attempt before it has succeeded. */
export interface DialLimits {
  /** Breaks it off. */
  signal?: AbortSignal;
  /** How long each phase may take, in milliseconds; may be `Infinity`. */
  timeout: number;
}

/** How TLS is spoken. */
export interface DialTls {
  /** The name, or address, that the certificate must be for. */
  hostname: string;
  /** Certificates trusted beside those of Deno, as PEM text. */
  caCerts?: readonly string[];
  /** Whether any certificate is taken. Default: no. */
  insecure?: boolean;
  /** What is shown to a peer that asks who we are. Default: nothing. */
  pair?: ClientPair;
}

/** Where to connect to, and how. */
export interface DialOptions extends DialLimits {
  /** A name or an address; brackets around an IPv6 address are taken off. */
  hostname: string;
  /** The port. */
  port: number;
  /** A Unix socket to connect to instead. */
  path?: string;
  /** How TLS is spoken. Default: not at all. */
  tls?: DialTls | null;
  /**
   * What is to be done between connecting and TLS, like asking a proxy for a
   * tunnel. What it throws is passed on as it is.
   */
  tunnel?: ((conn: Deno.Conn) => Promise<void>) | null;
}

/** A connection, and what it took. */
export interface Dialed {
  /** The connection. */
  conn: Deno.Conn;
  /** For how long it was looked up, connected and tunnelled, in ms. */
  connectTime: number;
  /** For how long TLS was negotiated, in ms; 0 without TLS. */
  tlsTime: number;
}

/** What was being done: connecting, agreeing on TLS, asking a proxy. */
export type DialPhase = "connect" | "tls" | "proxy";

/** How an attempt ended. */
export type DialFailure = "failed" | "timeout" | "aborted";

const BEGINNINGS: Record<DialPhase, string> = {
  connect: "Could not connect",
  tls: "Could not start TLS",
  proxy: "Could not connect through the proxy",
};

/** No connection came about. */
export class DialError extends Error {
  override name = "DialError";
  /** What was being done. */
  readonly phase: DialPhase;
  /** Whether it failed, took too long or was broken off. */
  readonly kind: DialFailure;
  /** What was wrong, in few words; lower case, without a full stop. */
  readonly problem: string;

  /** @param options `cause`: the original error, or the signal's reason. */
  constructor(
    phase: DialPhase,
    kind: DialFailure,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${BEGINNINGS[phase]}: ${problem}`, options);
    this.phase = phase;
    this.kind = kind;
    this.problem = problem;
  }
}

/**
 * Connects, tunnels and starts TLS, as far as is asked for. Nothing is left
 * behind when that does not succeed. The addresses of a name are tried in turn,
 * a quarter of a second apart, until the first answers (RFC 8305): that is
 * Deno's doing.
 *
 * @throws {DialError} If it fails, takes too long or is aborted.
 */
export async function dial(options: DialOptions): Promise<Dialed> {
  const { tls, tunnel } = options;
  const start = performance.now();
  let conn = await connect(options);
  if (tunnel) await runTunnel(conn, tunnel, options);
  const connected = performance.now();
  const connectTime = connected - start;
  if (!tls) return { conn, connectTime, tlsTime: 0 };
  const { signal, timeout } = options;
  conn = await startTls(conn, { ...tls, signal, timeout });
  return { conn, connectTime, tlsTime: performance.now() - connected };
}

async function connect(options: DialOptions): Promise<Deno.Conn> {
  const { path, port } = options;
  let conn: Deno.Conn | null = null;
  try {
    return await attempt("connect", options, async (cut) => {
      if (path !== undefined) {
        return conn = await Deno.connect({ transport: "unix", path });
      }
      const hostname = unbracketed(options.hostname);
      const controller = new AbortController();
      cut.act = (error) => controller.abort(error);
      const { signal } = controller;
      // Deno asks this of the signal when it has connected, too, and then
      // loses what an abort came too late for: it is to be closed here.
      signal.throwIfAborted = () => {};
      const tcp = conn = await Deno.connect({ hostname, port, signal });
      tune(tcp);
      return tcp;
    });
  } catch (error) {
    if (conn !== null) close(conn); // it was cut short as it came about
    throw error;
  }
}

async function runTunnel(
  conn: Deno.Conn,
  tunnel: (conn: Deno.Conn) => Promise<void>,
  limits: DialLimits,
): Promise<void> {
  try {
    await attempt("proxy", limits, (cut) => {
      // It need not notice that its connection has been closed.
      const { promise, reject } = Promise.withResolvers<never>();
      cut.act = (error) => {
        close(conn);
        reject(error);
      };
      return Promise.race([tunnel(conn), promise]);
    });
  } catch (error) {
    close(conn);
    throw error;
  }
}

/**
 * Starts TLS as a client and finishes the handshake. ALPN offers `http/1.1`,
 * and nothing else is accepted.
 *
 * Deno keeps the socket of a handshake that was broken off until its peer
 * speaks or closes, out of reach, though it does not keep the process alive.
 *
 * @param conn Belongs to the TLS connection from now on; closed on failure.
 * Deno takes but TCP; without a check of the certificate, any will do.
 * @throws {DialError} If it fails, takes too long or is aborted.
 */
export async function startTls(
  conn: Deno.Conn,
  options: DialTls & DialLimits,
): Promise<Deno.TlsConn> {
  const hostname = tlsName(options.hostname);
  let tls: Deno.TlsConn | null = null;
  try {
    return await attempt("tls", options, async (cut) => {
      cut.act = () => close(conn);
      const { pair, caCerts } = options;
      if (options.insecure) {
        tls = await connectInsecure(conn, hostname, pair);
      } else if (pair !== undefined) {
        tls = await connectWithPair(conn, hostname, pair, caCerts);
      } else {
        const started = tls = await beginTls(conn, hostname, caCerts);
        cut.act = () => close(started); // breaks off the handshake
      }
      if (cut.error !== null) throw cut.error;
      const { alpnProtocol } = await tls.handshake();
      if (alpnProtocol !== null && alpnProtocol !== "http/1.1") {
        throw new DialError("tls", "failed", "peer chose another protocol");
      }
      return tls;
    });
  } catch (error) {
    if (tls !== null) close(tls);
    close(conn);
    throw error;
  }
}

/** Gets ready for a handshake. */
async function beginTls(
  conn: Deno.Conn,
  hostname: string,
  caCerts: readonly string[] | undefined,
): Promise<Deno.TlsConn> {
  try {
    return await Deno.startTls(conn as Deno.TcpConn, {
      hostname,
      caCerts: caCerts as string[] | undefined,
      alpnProtocols: ["http/1.1"],
    });
  } catch (error) {
    // No peer has said a word yet, whatever Deno calls it.
    if (!problemOf("tls", error).startsWith("certificate")) throw error;
    const cause = { cause: error };
    throw new DialError("tls", "failed", "caCerts are not valid", cause);
  }
}

/** What an attempt learns of its being cut short. */
interface Cut {
  /** Why, once it is. */
  error: DialError | null;
  /** What then makes the work come to its end. */
  act: (error: DialError) => void;
}

/** Works until that is done, or the signal or the timeout cuts it short. */
async function attempt<T>(
  phase: DialPhase,
  { signal, timeout }: DialLimits,
  work: (cut: Cut) => Promise<T>,
): Promise<T> {
  const cut: Cut = { error: null, act: () => {} };
  const end = (kind: DialFailure, problem: string, cause?: unknown) => {
    if (cut.error !== null) return;
    const options = cause === undefined ? undefined : { cause };
    cut.error = new DialError(phase, kind, problem, options);
    cut.act(cut.error);
  };
  const abort = () => end("aborted", "aborted", signal!.reason);
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort);
  const cancel = after(
    timeout,
    () => end("timeout", `timed out after ${timeout} ms`),
  );
  try {
    if (cut.error !== null) throw cut.error;
    const result = await work(cut);
    if (cut.error !== null) throw cut.error;
    return result;
  } catch (error) {
    if (cut.error !== null) throw cut.error;
    // What goes wrong in a tunnel is for its maker to describe.
    if (phase === "proxy" || error instanceof DialError) throw error;
    const kind = codeOf(error) === "ETIMEDOUT" ? "timeout" : "failed";
    throw new DialError(phase, kind, problemOf(phase, error), { cause: error });
  } finally {
    cancel();
    signal?.removeEventListener("abort", abort);
  }
}

/** Closes what may have been closed, or become of TLS, already. */
function close(conn: Deno.Conn): void {
  conn[Symbol.dispose]();
}

function unbracketed(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** The name as TLS has it: without the dot of the root (RFC 6066, 3). */
function tlsName(hostname: string): string {
  const name = unbracketed(hostname);
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** Faults of the operating system. */
const CODES: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection was reset",
  ECONNABORTED: "connection was reset",
  EPIPE: "connection was reset",
  ETIMEDOUT: "timed out",
  EHOSTUNREACH: "host is unreachable",
  ENETUNREACH: "network is unreachable",
  EADDRNOTAVAIL: "address is not available",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "no such socket",
  EAGAIN: "too many connections are waiting",
  // OpenSSL's words, where TLS is Node's.
  CERT_HAS_EXPIRED: "certificate has expired",
  CERT_NOT_YET_VALID: "certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate is for another name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate is not trusted: UnknownIssuer",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate is not trusted: UnknownIssuer",
  UNABLE_TO_GET_ISSUER_CERT: "certificate is not trusted: UnknownIssuer",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "certificate is not trusted: UnknownIssuer",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate is not trusted: UnknownIssuer",
  EMFILE: "too many open files",
  ENFILE: "too many open files",
};

/** What else Deno says, and what it comes to; $1 is kept of it. */
const MESSAGES: [said: RegExp, problem: string][] = [
  // Linux, macOS and Windows have each their words for it.
  [
    /lookup address.*(?:not known|No address|nodename|No such host)/,
    "name not found",
  ],
  [/lookup address information(: [\w ]+)?/, "name lookup failed$1"],
  [/^(?:invalid (?:empty )?host\b|Invalid hostname)/, "name is not valid"],
  [/^Invalid port/, "port is out of range"],
  [/certificate: UnknownIssuer/, "certificate is not trusted: UnknownIssuer"],
  [
    /certificate: .*CaUsedAsEndEntity/,
    "certificate is one to sign with: CaUsedAsEndEntity",
  ],
  [
    /certificate: (?:NotValidForName|certificate not valid for name)/,
    "certificate is for another name",
  ],
  [
    /certificate: (?:NotValidYet|certificate not valid yet)/,
    "certificate is not valid yet",
  ],
  [
    /certificate: (?:Expired|certificate expired)/,
    "certificate has expired",
  ],
  [/^invalid peer certificate: ([\w ]+)/, "certificate is not valid: $1"],
  [/^received fatal alert: (\w+)/, "peer refused: $1"],
  [/^received corrupt message/, "peer does not speak TLS"],
  [/^(?:unexpected end of file|Connection closed)/, "peer closed"],
  [/disconnected before secure TLS/, "peer closed"],
];

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** What is wrong, in few words that are the same on all systems. */
function problemOf(phase: DialPhase, error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  const { message } = error;
  if (error instanceof Deno.errors.NotCapable) return lowered(message);
  if (phase === "tls" && error instanceof Deno.errors.BadResource) {
    return "connection cannot carry TLS";
  }
  const known = CODES[String(codeOf(error))];
  if (known !== undefined) {
    const hasClosed = phase === "tls" && known === CODES.ECONNRESET &&
      message.startsWith("Client network socket");
    return hasClosed ? "peer closed" : known;
  }
  for (const [said, problem] of MESSAGES) {
    const found = said.exec(message);
    if (found !== null) return problem.replace("$1", found[1] ?? "");
  }
  return lowered(message.replace(/ \(os error \d+\)$/, ""));
}

function lowered(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
