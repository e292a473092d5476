import { ConnectionLostError, TlsError } from "../client.ts";
import type { ConnectionArguments } from "./arguments.ts";
import { CliError, exitCodeOf } from "./exit_codes.ts";

/** The same fault, which also says what can be done about it. */
export function withHint(error: unknown, args: ConnectionArguments): unknown {
  const hint = hintFor(error, args);
  if (hint === null) return error;
  const message = `${(error as Error).message}; ${hint}`;
  return new CliError(exitCodeOf(error), message, { cause: error });
}

function hintFor(error: unknown, args: ConnectionArguments): string | null {
  const { cause } = error as Error;
  // A server says no more than this, and by TLS 1.3 only after the handshake.
  const alert = /fatal alert: (\w+)/.exec(String(cause))?.[1];
  const isOfCertificate = /CertificateRequired|BadCertificate|UnknownCA/i;
  if (
    alert !== undefined && isOfCertificate.test(alert) &&
    (error instanceof ConnectionLostError || error instanceof TlsError)
  ) {
    return args.cert === undefined
      ? "the server wants to see a certificate: --cert FILE"
      : `the server does not take the certificate of --cert: ${alert}`;
  }
  if (!(error instanceof TlsError)) return null;
  if (/not trusted/.test(error.message)) {
    return "--cacert FILE trusts it, -k takes any";
  }
  return /: certificate/.test(error.message) ? "-k takes any" : null;
}
