/** What only connections over TCP have. */
type Tunable = Partial<Pick<Deno.TcpConn, "setNoDelay" | "setKeepAlive">>;

/**
 * Sets a socket up to send small pieces at once, as far as it can be.
 *
 * Without delay, as what is written in two pieces would wait for the peer's
 * delayed acknowledgement of the first, some 40 ms. And kept alive: the system
 * looks after a while (on Linux two hours, `net.ipv4.tcp_keepalive_time`)
 * whether a silent peer is still there.
 */
export function tune(conn: Deno.Conn): void {
  try {
    (conn as Tunable).setNoDelay?.(true);
    (conn as Tunable).setKeepAlive?.(true);
  } catch {
    // Broken already; whoever reads will be told.
  }
}

/** Whether something failed as the system has no more descriptors for us. */
export function isExhausted(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === "EMFILE" || code === "ENFILE";
}

/** Whether a connection was gone before it was accepted. */
export function hasLeft(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.ConnectionReset;
}
