import type { ConnectionOptions } from "node:tls";
import { builtin } from "../runtime/builtins.ts";
import { NodeTlsConn, streamOf } from "./node_tls.ts";

/** What a client shows of itself: a chain and its key, as PEM text. */
export interface ClientPair {
  /** The certificate, and those that lead to one that the peer trusts. */
  cert: string;
  /** Its key. */
  key: string;
}

/**
 * Starts TLS as a client over a connection, of whatever kind, without looking
 * at the peer's certificate. ALPN offers `http/1.1`. It has no deadline: close
 * the connection to break the handshake off.
 *
 * @param conn Belongs to the TLS connection from now on; closed on failure.
 * @param hostname The name to ask for (SNI), or an address, which is not sent.
 * @param pair What is shown to a peer that asks.
 * @throws {Error} If the handshake fails, or the connection does.
 */
export function connectInsecure(
  conn: Deno.Conn,
  hostname: string,
  pair?: ClientPair,
): Promise<Deno.TlsConn> {
  if (pair !== undefined) checkPair(pair);
  return connect(conn, hostname, { ...pair, rejectUnauthorized: false });
}

/**
 * The same with a look at the peer's certificate, and one to show: Deno takes
 * none for a connection that is there already.
 *
 * @param caCerts Trusted beside those of Deno, as PEM text.
 */
export function connectWithPair(
  conn: Deno.Conn,
  hostname: string,
  pair: ClientPair,
  caCerts: readonly string[] = [],
): Promise<Deno.TlsConn> {
  const { checkServerIdentity, getCACertificates } = builtin("node:tls");
  checkPair(pair);
  return connect(conn, hostname, {
    ...pair,
    ca: [...getCACertificates("default"), ...caCerts],
    rejectUnauthorized: true,
    // That of Node would take the name that is sent, and an address is not.
    checkServerIdentity: (_, cert) => checkServerIdentity(hostname, cert),
  });
}

/** Node's TLS says little of a pair that is none. */
function checkPair({ cert, key }: ClientPair): void {
  const { createPrivateKey, X509Certificate } = builtin("node:crypto");
  let cause: unknown;
  try {
    const leaf = new X509Certificate(cert);
    if (leaf.checkPrivateKey(createPrivateKey(key))) return;
  } catch (error) {
    cause = error;
  }
  const message = "Own certificate and key are not valid, or not of one pair";
  throw new Error(message, { cause });
}

function connect(
  conn: Deno.Conn,
  hostname: string,
  options: ConnectionOptions,
): Promise<Deno.TlsConn> {
  const { promise, resolve, reject } = Promise.withResolvers<Deno.TlsConn>();
  const isAddress = hostname.includes(":") || /^[\d.]+$/.test(hostname);
  const lower = streamOf(conn);
  const socket = builtin("node:tls").connect({
    ...options,
    socket: lower.stream,
    servername: isAddress ? "" : hostname, // RFC 6066, section 3
    ALPNProtocols: ["http/1.1"],
  });
  const fail = (error: unknown) => {
    conn[Symbol.dispose]();
    socket.destroy();
    reject(error);
  };
  const closed = () => fail(new Deno.errors.UnexpectedEof("Connection closed"));
  lower.readFailed = lower.writeFailed = fail;
  socket.once("error", fail);
  socket.once("close", closed);
  socket.once("secureConnect", () => {
    const wrapped = new NodeTlsConn(conn, lower, socket, true);
    socket.off("error", fail);
    socket.off("close", closed);
    resolve(wrapped);
  });
  return promise;
}
