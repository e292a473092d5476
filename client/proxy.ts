import { ParseEvent } from "../parse/phase.ts";
import { decodePercentEncoding } from "../parse/values.ts";
import { Authenticator } from "./authenticator.ts";
import { ConnectError, type ErrorContext, ResponseError } from "./errors.ts";
import { type ClientLimits, makeParser } from "./options.ts";

/** An HTTP proxy. */
export interface Proxy {
  hostname: string;
  port: number;
  /** Whether the proxy itself is spoken to by TLS. */
  isSecure: boolean;
  /** What it is shown, or `null`. */
  authorization: string | null;
}

/**
 * Reads a proxy's address.
 *
 * @throws {TypeError} If it is not the URL of an HTTP proxy.
 */
export function parseProxy(address: string | URL): Proxy {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new TypeError('Option "proxy" is not a URL');
  }
  const isSecure = url.protocol === "https:";
  if (!isSecure && url.protocol !== "http:" || url.hostname === "") {
    throw new TypeError('Option "proxy" is neither http: nor https:');
  }
  const user = userOf(url);
  return {
    hostname: url.hostname,
    port: Number(url.port) || (isSecure ? 443 : 80),
    isSecure,
    authorization: user === null
      ? null
      : new Authenticator({ basic: user }).authorization("", "", isSecure),
  };
}

/** User and password of a URL, decoded; `null` without a user. */
export function userOf(url: URL): [user: string, password: string] | null {
  if (url.username === "" && url.password === "") return null;
  return [decode(url.username), decode(url.password)];
}

function decode(text: string): string {
  // A plus is itself here.
  const bytes = new TextEncoder().encode(text.replaceAll("+", "%2B"));
  return new TextDecoder().decode(decodePercentEncoding(bytes));
}

/**
 * Asks a proxy for a tunnel (RFC 9110 section 9.3.6).
 *
 * @param authority Host and port of the other end.
 * @throws {ConnectError} If the proxy does not give one.
 */
export async function openTunnel(
  conn: Deno.Conn,
  authority: string,
  proxy: Proxy,
  limits: ClientLimits,
  context: ErrorContext,
): Promise<void> {
  let head = `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n`;
  if (proxy.authorization !== null) {
    head += `proxy-authorization: ${proxy.authorization}\r\n`;
  }
  const bytes = new TextEncoder().encode(head + "\r\n");
  let fault: unknown = null;
  try {
    for (let rest = bytes; rest.length > 0;) {
      rest = rest.subarray(await conn.write(rest));
    }
  } catch (error) {
    fault = error; // what it has said before it left is still to be read
  }
  const parser = makeParser(limits);
  parser.expect("CONNECT");
  for (;;) {
    switch (parser.next()) {
      case ParseEvent.MORE: {
        let length: number | null = null;
        try {
          length = await conn.read(parser.space());
        } catch (error) {
          fault ??= error;
        }
        if (length === null) {
          throw new ConnectError("proxy has closed the connection", {
            ...context,
            cause: fault ?? undefined,
          });
        }
        parser.filled(length);
        break;
      }
      case ParseEvent.HEAD: {
        const { status, statusMessage } = parser;
        if (status < 200 && status !== 101) break;
        if (status < 200 || status > 299) {
          const problem = `proxy answered ${status} ${
            printable(statusMessage)
          }`;
          throw new ConnectError(problem.trimEnd(), context);
        }
        if (fault !== null || parser.hasInput) {
          throw new ConnectError("proxy sent bytes of its own", context);
        }
        return;
      }
      case ParseEvent.FAILED:
        throw new ResponseError(parser.error!, context);
    }
  }
}

/** A reason phrase for a message: nothing that could be taken for more. */
function printable(text: string): string {
  return text.slice(0, 80).replace(/[^\x20-\x7e]/g, "?");
}
