import { MAX_JSON_DEPTH } from "../parse/json.ts";
import { checkLimits } from "../wire/limits.ts";

/** All bounds of a server. Times are milliseconds, sizes bytes. */
export interface ServerLimits {
  /** Connections open at once; default 4096, of some 9 KiB each while idle. */
  maxWaitingClients: number;
  /** How long a connection may be idle between requests, in ms; default 30,000. */
  keepAliveTimeout: number;
  /** Requests answered on one connection; default 1000. */
  keepAliveMaxRequests: number;
  /** Bytes of a request's line and header section; default 16 KiB. */
  maxHeadersLength: number;
  /** Lines of a header section; default 100. */
  maxHeadersCount: number;
  /** Bytes of a request's body; default 1 MiB. */
  maxContentLength: number;
  /**
   * How many arrays and objects of JSON may lie within one another; default
   * 512. What is deeper is answered with 400.
   */
  maxJsonDepth: number;
  /**
   * Fields of a form, or parts of one; default 1000. What has more is answered
   * with 413.
   */
  maxFormFields: number;
  /** From the first byte of a request to the end of its headers, in ms; default 5,000. */
  requestTimeout: number;
  /** The longest silence within a body, in ms; default 15,000. */
  bodyTimeout: number;
  /**
   * Bytes of a body that a peer has to send a second while they are waited
   * for, over `bodyTimeout` and no less than 10 s; default 500, 0 for any.
   */
  minReceiveRate: number;
  /**
   * How long a request may be held without an answer, in ms; then the peer gets
   * a 504, and an answer resolves to `false`. Default `Infinity`: a request that
   * is never answered is held for as long as its peer waits.
   */
  answerTimeout: number;
  /**
   * Connections open at once of one address; default `Infinity`. Those of
   * `trustedProxies` are not counted.
   */
  maxClientsPerAddress: number;
  /**
   * The longest wait for the peer to read, in ms; default 15,000, and then
   * longer by what `minSendRate` allows.
   */
  sendTimeout: number;
  /**
   * Bytes that a peer has to read a second. For the time that this takes for
   * what the system holds of an answer, `sendTimeout` is put off: Linux says
   * that something was read only when a third of up to 4 MiB was. Default
   * 2000; `Infinity` where `sendTimeout` is given, which then is all there is.
   */
  minSendRate: number;
  /** Bytes queued for a peer above a single answer; default 64 KiB. */
  maxSendBufferSize: number;
}

/** The limits where nothing else is said. */
export const DEFAULTS: ServerLimits = {
  maxWaitingClients: 4096,
  keepAliveTimeout: 30_000,
  keepAliveMaxRequests: 1000,
  maxHeadersLength: 16_384,
  maxHeadersCount: 100,
  maxContentLength: 1_048_576,
  maxJsonDepth: MAX_JSON_DEPTH,
  maxFormFields: 1000,
  requestTimeout: 5_000,
  bodyTimeout: 15_000,
  minReceiveRate: 500,
  answerTimeout: Infinity,
  maxClientsPerAddress: Infinity,
  sendTimeout: 15_000,
  minSendRate: 2000,
  maxSendBufferSize: 65_536,
};

/** The smallest value that makes sense, where it is not 1. */
const LEAST: Partial<Record<keyof ServerLimits, number>> = {
  maxHeadersLength: 64,
  maxContentLength: 0,
  minReceiveRate: 0,
  maxSendBufferSize: 0,
  maxHeadersCount: 1,
};

/** Times that are seconds in Python's uHTTP, as in many other servers. */
const SAID_IN_SECONDS = ["keepAliveTimeout", "requestTimeout"] as const;
/** Nobody means fewer milliseconds. */
const SURELY_MS = 100;

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} If a limit is not a number.
 * @throws {RangeError} If it is too small, or not a whole number; also where
 * a time looks as if it were seconds.
 */
export function checkServerLimits(
  options: Partial<ServerLimits>,
): ServerLimits {
  const limits = checkLimits(options, DEFAULTS, LEAST);
  for (const name of SAID_IN_SECONDS) {
    const value = options[name];
    if (value === undefined || value >= SURELY_MS) continue;
    throw new RangeError(
      `Option "${name}" is ${value} ms, which is no time for a peer: times ` +
        `are milliseconds, and ${value} seconds are ${value * 1000}`,
    );
  }
  if (options.sendTimeout !== undefined && options.minSendRate === undefined) {
    limits.minSendRate = Infinity;
  }
  return limits;
}
