import { after } from "../transport/clock.ts";
import { dial, type DialError } from "../transport/dial.ts";
import type { NewConnection } from "./connection.ts";
import {
  AbortedError,
  ClientError,
  ConnectError,
  type ErrorContext,
  TimeoutError,
  TlsError,
} from "./errors.ts";
import type { ClientLimits, HttpClientOptions } from "./options.ts";
import { openTunnel, type Proxy } from "./proxy.ts";

/** Where a connection leads. */
export interface Destination {
  readonly origin: string;
  /** Whether it goes through a proxy's tunnel though it is not secure. */
  readonly isTunnelled: boolean;
}

/** What decides how connections are made. */
export interface DialerParts {
  /** The origin that the `HttpClient` is for. */
  readonly origin: string;
  readonly options: Pick<
    HttpClientOptions,
    "connect" | "caCerts" | "cert" | "key" | "insecure" | "path"
  >;
  readonly limits: ClientLimits;
  readonly proxy: Proxy | null;
}

/** Makes connections: by TCP, TLS, a Unix socket, a proxy, or the caller's. */
export class Dialer {
  readonly #parts: DialerParts;

  constructor(parts: DialerParts) {
    this.#parts = parts;
  }

  /**
   * Makes a connection.
   *
   * @param signal Aborts when it is not wanted any more.
   * @param context Method and URL of the request that it is made for.
   * @throws {ClientError} If there is none.
   */
  async dial(
    destination: Destination,
    signal: AbortSignal,
    context: ErrorContext,
  ): Promise<NewConnection> {
    try {
      return await this.#connect(destination, signal, context);
    } catch (error) {
      throw this.#connectError(error, context);
    }
  }

  async #connect(
    { origin, isTunnelled }: Destination,
    signal: AbortSignal,
    context: ErrorContext,
  ): Promise<NewConnection> {
    const { options, proxy, limits } = this.#parts;
    const target = new URL(origin);
    const isSecure = target.protocol === "https:";
    const { hostname } = target;
    const port = Number(target.port) || (isSecure ? 443 : 80);
    const isOwn = origin === this.#parts.origin;
    if (isOwn && options.connect !== undefined) {
      const begun = performance.now();
      const { connectTimeout } = limits;
      const conn = await own(
        options.connect({ hostname, port, signal }),
        signal,
        connectTimeout,
        () => new TimeoutError("connect", connectTimeout, context),
      );
      return { conn, connectTime: performance.now() - begun, tlsTime: 0 };
    }
    const { caCerts, insecure = false, cert, key } = options;
    const usesTunnel = proxy !== null && (isSecure || isTunnelled);
    const peer = proxy ?? { hostname, port, isSecure };
    if (proxy?.isSecure && usesTunnel) {
      throw new ConnectError(
        "a proxy that is itself spoken to by TLS gives no tunnels here",
        context,
      );
    }
    const tls = usesTunnel ? isSecure : peer.isSecure;
    // What says who we are is for the base URL's origin, and not for a proxy.
    const pair = isOwn && isSecure && cert !== undefined && key !== undefined
      ? { cert, key }
      : undefined;
    return await dial({
      hostname: peer.hostname,
      port: peer.port,
      path: isOwn ? options.path : undefined,
      tls: tls
        ? {
          hostname: usesTunnel ? hostname : peer.hostname,
          caCerts,
          insecure,
          pair,
        }
        : null,
      timeout: this.#parts.limits.connectTimeout,
      signal,
      tunnel: usesTunnel
        ? (conn) =>
          openTunnel(
            conn,
            `${hostname}:${port}`,
            proxy,
            this.#parts.limits,
            context,
          )
        : null,
    });
  }

  #connectError(error: unknown, context: ErrorContext): Error {
    if (error instanceof ClientError) return error;
    if (!isDialError(error)) {
      return new ConnectError(
        error instanceof Error ? error.message : String(error),
        { ...context, cause: error },
      );
    }
    const cause = error.cause ?? error;
    if (error.kind === "timeout") {
      const { connectTimeout } = this.#parts.limits;
      return new TimeoutError(error.phase, connectTimeout, {
        ...context,
        cause,
      });
    }
    if (error.kind === "aborted") {
      return new AbortedError({ ...context, cause });
    }
    return error.phase === "tls"
      ? new TlsError(error.problem, { ...context, cause })
      : new ConnectError(error.problem, { ...context, cause });
  }
}

/** What a caller's own way of connecting comes to, unless it is too late. */
function own(
  connecting: Promise<Deno.Conn>,
  signal: AbortSignal,
  timeout: number,
  timedOut: () => Error,
): Promise<Deno.Conn> {
  return new Promise((resolve, reject) => {
    const end = () => {
      callOff();
      signal.removeEventListener("abort", onAbort);
    };
    const giveUp = (reason: unknown) => {
      end();
      reject(reason);
      connecting.then((conn) => conn.close(), () => {});
    };
    const onAbort = () => giveUp(signal.reason);
    const callOff = after(timeout, () => giveUp(timedOut()));
    signal.addEventListener("abort", onAbort);
    connecting.then(resolve, reject).finally(end);
  });
}

function isDialError(error: unknown): error is DialError {
  return error instanceof Error && error.name === "DialError";
}
