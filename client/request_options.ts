import { OptionNames } from "../parse/option_names.ts";
import type { HeaderValues } from "../wire/response_head.ts";
import type { Authenticator, ClientAuth } from "./authenticator.ts";
import type { BodyOptions, FieldValue } from "./outgoing_body.ts";
import type { Successor } from "../transport/takeover.ts";
import type { Switchable } from "./switchable.ts";

/**
 * Header fields of a request: by name, as pairs, in a `Map` or `Headers`;
 * `null` leaves one out that would be sent.
 */
export type RequestHeaders =
  | Headers
  | Record<string, HeaderValues[string] | null>
  | Iterable<readonly [string, HeaderValues[string] | null]>;

/** What one request is sent with. Times are milliseconds, sizes bytes. */
export interface RequestOptions extends BodyOptions {
  /** Its own header fields; they come before those of the client. */
  headers?: RequestHeaders;
  /** Added to the query: arrays repeat their key, `null` is a key alone. */
  query?:
    | URLSearchParams
    | Record<string, FieldValue | readonly FieldValue[]>;
  /** Credentials in place of the client's. */
  auth?: ClientAuth;
  /** In place of the client's; see `ClientLimits`. */
  timeout?: number;
  /** In place of the client's. */
  maxRedirects?: number;
  /** In place of the client's. */
  maxResponseLength?: number;
  /** Gives the request up when it aborts. */
  signal?: AbortSignal;
  /**
   * Whether to ask for the peer's go-ahead (`100 Continue`) before the body
   * is sent; it is waited for a second at most, and an answer below 300 stands
   * for it. Default `false`.
   */
  expectContinue?: boolean;
  /**
   * Whether the response is given when its head is in, to read its body as it
   * arrives, also while the request's is still being sent; default `false`, when
   * all of it is in memory, and all of the request is sent.
   */
  stream?: boolean;
}

/** @throws {TypeError} If what is on or off is something else. */
export function checkFlags(options: RequestOptions): void {
  for (const name of ["stream", "expectContinue"] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== "boolean") {
      throw new TypeError(`Option "${name}" is not a boolean`);
    }
  }
}

/** The names of those options. */
export const REQUEST_NAMES: OptionNames<RequestOptions> = new OptionNames(
  "a request",
  {
    data: true,
    json: true,
    form: true,
    headers: true,
    query: true,
    auth: true,
    timeout: true,
    maxRedirects: true,
    maxResponseLength: true,
    signal: true,
    expectContinue: true,
    stream: true,
  },
);

/** What a caller has asked for, checked, beside what is sent. @ignore */
export interface CallSettings {
  readonly timeout: number;
  readonly minSendRate: number;
  readonly stream: boolean;
  readonly maxRedirects: number;
  readonly maxResponseLength: number;
  readonly maxJsonDepth: number;
  readonly auth: Authenticator | null;
  readonly signal: AbortSignal | null;
  /** Takes the connection over when the protocol is switched as was asked. */
  readonly onSwitch:
    | ((connection: Switchable, url: string) => Successor)
    | null;
}
