/** Where to listen, and how. */
export interface ListenOptions {
  hostname: string;
  port: number;
  path?: string;
  cert?: string;
  key?: string;
  reusePort?: boolean;
  backlog?: number;
}

/** Listens on TCP, TLS or a Unix socket. */
export function listen(options: ListenOptions): Deno.Listener {
  const { hostname, port, path, cert, key, backlog } = options;
  if (path !== undefined) return Deno.listen({ transport: "unix", path });
  const where = { hostname: unbracketed(hostname), port, tcpBacklog: backlog };
  const reusePort = options.reusePort ?? false;
  if (cert === undefined || key === undefined) {
    return Deno.listen({ ...where, reusePort });
  }
  const tls = { cert, key, alpnProtocols: ["http/1.1"] };
  if (reusePort || !canRenew()) {
    return Deno.listenTls({ ...where, ...tls, reusePort });
  }
  // A certificate is renewed by a second listener on the same port, which
  // the first must allow. To still learn when the port is taken, it is first
  // bound without that.
  const probe = Deno.listen(where);
  const bound = (probe.addr as Deno.NetAddr).port;
  probe.close();
  return Deno.listenTls({ ...where, ...tls, port: bound, reusePort: true });
}

/** Whether two listeners can share a port while one takes over. */
export function canRenew(): boolean {
  return Deno.build.os === "linux";
}

/** A second listener on the port of one, with another certificate. */
export function relisten(
  listener: Deno.Listener,
  options: ListenOptions,
): Deno.Listener {
  const { port } = listener.addr as Deno.NetAddr;
  return listen({ ...options, port, reusePort: true });
}

function unbracketed(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}
