import { builtin } from "../runtime/builtins.ts";
import { NodeTlsConn, streamOf } from "./node_tls.ts";

/**
 * Starts TLS as a client over a connection, of whatever kind, without looking
 * at the peer's certificate. ALPN offers `http/1.1`. It has no deadline: close
 * the connection to break the handshake off.
 *
 * @param conn Belongs to the TLS connection from now on; closed on failure.
 * @param hostname The name to ask for (SNI), or an address, which is not sent.
 * @throws {Error} If the handshake fails, or the connection does.
 */
export function connectInsecure(
  conn: Deno.Conn,
  hostname: string,
): Promise<Deno.TlsConn> {
  const { promise, resolve, reject } = Promise.withResolvers<Deno.TlsConn>();
  const isAddress = hostname.includes(":") || /^[\d.]+$/.test(hostname);
  const lower = streamOf(conn);
  const socket = builtin("node:tls").connect({
    socket: lower.stream,
    servername: isAddress ? "" : hostname, // RFC 6066, section 3
    rejectUnauthorized: false,
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
