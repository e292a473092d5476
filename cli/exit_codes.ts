import { HttpError } from "../parse.ts";

/** What the command comes to; curl's numbers where it has them. */
export const ExitCode = {
  /** All went well. */
  OK: 0,
  /** Something that has no number of its own. */
  OTHER: 1,
  /** The command line is wrong. */
  USAGE: 2,
  /** The proxy's name has no address. */
  RESOLVE_PROXY: 5,
  /** A name has no address. */
  RESOLVE: 6,
  /** Nobody takes the connection. */
  CONNECT: 7,
  /** The status is 400 or more, and `--fail` was given. */
  STATUS: 22,
  /** The output could not be written, or is not for a terminal. */
  WRITE: 23,
  /** It took too long. */
  TIMEOUT: 28,
  /** The rest of a file cannot be got. */
  RANGE: 33,
  /** More redirects than were to be followed. */
  REDIRECTS: 47,
  /** The answer broke off, or is malformed. */
  BROKEN: 56,
  /** TLS failed: mostly a certificate that is not trusted. */
  TLS: 60,
  /** The user has had enough of it. */
  INTERRUPTED: 130,
} as const;
/** One of {@linkcode ExitCode}. */
export type ExitCode = typeof ExitCode[keyof typeof ExitCode];

/** An end of the command with a code; an empty message says nothing. */
export class CliError extends Error {
  /** The class's name. */
  override name = "CliError";
  /** What the command comes to. */
  readonly exitCode: ExitCode;

  /**
   * An end of the command.
   *
   * @param exitCode What it comes to.
   * @param message What went wrong.
   */
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** A fault in the command line. */
export function usageError(message: string): CliError {
  return new CliError(ExitCode.USAGE, message);
}

const BY_NAME: Readonly<Record<string, ExitCode>> = {
  TimeoutError: ExitCode.TIMEOUT,
  TlsError: ExitCode.TLS,
  ResponseError: ExitCode.BROKEN,
  ConnectionLostError: ExitCode.BROKEN,
  TooLargeError: ExitCode.BROKEN,
  AbortedError: ExitCode.INTERRUPTED,
};

/** The code that goes with what was thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  if (!(error instanceof HttpError)) return ExitCode.OTHER;
  if (error.name === "ConnectError") {
    return isUnknownName(error) ? ExitCode.RESOLVE : ExitCode.CONNECT;
  }
  if ("code" in error && error.code === "too-many-redirects") {
    return ExitCode.REDIRECTS;
  }
  return BY_NAME[error.name] ?? ExitCode.OTHER;
}

/** Whether the reason is that a name has no address. */
function isUnknownName(error: Error): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (
      /failed to lookup address|name or service not known|no such host|no record found|getaddrinfo/i
        .test(at.message)
    ) return true;
  }
  return false;
}
