import { checkText } from "../parse/arguments.ts";
import { isToken } from "../parse/chars.ts";
import { OptionNames } from "../parse/option_names.ts";
import { trim } from "../parse/fields.ts";
import { WebsocketError } from "./errors.ts";

/** One extension with its parameters, in order: `null` for one without value. */
export interface Extension {
  /** Its name; the letter case counts. */
  name: string;
  /** Names and values; a name may be there twice. */
  parameters: [name: string, value: string | null][];
}

/**
 * Parses `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).
 *
 * @returns The extensions in order, or `null` where the grammar is broken.
 */
export function parseExtensions(value: string): Extension[] | null {
  checkText("Value of a header", value);
  const extensions: Extension[] = [];
  // No value can hold a comma or semicolon: those in quotes are tokens too.
  for (const element of value.split(",")) {
    const [name, ...rest] = element.split(";").map((part) => trim(part));
    if (name === "" && rest.length === 0) continue; // an empty element
    if (!isToken(name)) return null;
    const parameters: Extension["parameters"] = [];
    for (const part of rest) {
      const equals = part.indexOf("=");
      const key = equals < 0 ? part : trim(part, 0, equals);
      if (!isToken(key)) return null;
      let text: string | null = null;
      if (equals >= 0) {
        text = trim(part, equals + 1);
        if (text.length > 1 && text.startsWith('"') && text.endsWith('"')) {
          text = text.slice(1, -1).replace(/\\(.)/g, "$1");
        }
        if (!isToken(text)) return null;
      }
      parameters.push([key, text]);
    }
    extensions.push({ name, parameters });
  }
  return extensions.length > 0 ? extensions : null;
}

/** What two sides have agreed on for compression (RFC 7692 section 7.1). */
export interface DeflateParameters {
  /** The server forgets each message that it has compressed. */
  serverNoContextTakeover: boolean;
  /** The client forgets each message that it has compressed. */
  clientNoContextTakeover: boolean;
  /** How far back the server's compression looks, as a power of two: 8 to 15. */
  serverMaxWindowBits: number;
  /** How far back the client's compression looks. */
  clientMaxWindowBits: number;
}

/** What one side wishes for compression: it may only be less than the whole. */
export type DeflateOptions = Partial<DeflateParameters>;

const NAMES = new OptionNames<DeflateOptions>("compression", {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: true,
  clientMaxWindowBits: true,
});

/** The name of the extension. */
const NAME = "permessage-deflate";

/** What an offer or an answer says; what it does not say is absent. */
interface Terms {
  serverNoContextTakeover?: true;
  clientNoContextTakeover?: true;
  serverMaxWindowBits?: number;
  /** 0 in an offer that names no value. */
  clientMaxWindowBits?: number;
}

/** Checks the parameters of an offer or an answer; `null` if one is wrong. */
function readTerms(extension: Extension, isOffer: boolean): Terms | null {
  const terms: Terms = {};
  for (const [name, value] of extension.parameters) {
    let key: keyof Terms;
    let setting: true | number = true;
    switch (name) {
      case "server_no_context_takeover":
      case "client_no_context_takeover":
        if (value !== null) return null;
        key = name === "server_no_context_takeover"
          ? "serverNoContextTakeover"
          : "clientNoContextTakeover";
        break;
      case "server_max_window_bits":
      case "client_max_window_bits":
        key = name === "server_max_window_bits"
          ? "serverMaxWindowBits"
          : "clientMaxWindowBits";
        if (value !== null && /^(?:[89]|1[0-5])$/.test(value)) {
          setting = Number(value);
        } else if (value === null && isOffer && name.startsWith("client")) {
          setting = 0;
        } else return null;
        break;
      default:
        return null;
    }
    if (terms[key] !== undefined) return null;
    Object.assign(terms, { [key]: setting });
  }
  return terms;
}

function checkOptions(options: DeflateOptions): void {
  NAMES.check(options);
  for (
    const key of [
      "serverNoContextTakeover",
      "clientNoContextTakeover",
    ] as const
  ) {
    if (!["boolean", "undefined"].includes(typeof options[key])) {
      throw new TypeError(`Option "${key}" is not a boolean`);
    }
  }
  for (const key of ["serverMaxWindowBits", "clientMaxWindowBits"] as const) {
    const bits = options[key];
    if (
      bits !== undefined && !(Number.isInteger(bits) && bits > 8 && bits < 16)
    ) throw new RangeError(`Option "${key}" is not from 9 to 15`);
  }
}

/**
 * The server's side: picks the first offer of compression that can be met.
 *
 * @param offers The value of `Sec-WebSocket-Extensions`.
 * @param options What the server wishes.
 * @returns What was agreed, and the answer's header; `null` without an offer
 *   that fits.
 * @throws {RangeError} If window bits are not from 9 to 15.
 */
export function acceptDeflate(
  offers: string | undefined,
  options: DeflateOptions = {},
): { parameters: DeflateParameters; header: string } | null {
  checkOptions(options);
  const extensions = offers === undefined ? null : parseExtensions(offers);
  for (const extension of extensions ?? []) {
    if (extension.name !== NAME) continue;
    const terms = readTerms(extension, true);
    if (terms === null) continue;
    // The compressor at hand cannot look back as little as 256 bytes.
    if (terms.serverMaxWindowBits === 8) continue;
    const wanted = options.clientMaxWindowBits ?? 15;
    // Only a client that said so can be told to look back less.
    if (wanted < 15 && terms.clientMaxWindowBits === undefined) continue;
    const parameters: DeflateParameters = {
      serverNoContextTakeover: terms.serverNoContextTakeover ??
        options.serverNoContextTakeover ?? false,
      clientNoContextTakeover: terms.clientNoContextTakeover ??
        options.clientNoContextTakeover ?? false,
      serverMaxWindowBits: Math.min(
        terms.serverMaxWindowBits ?? 15,
        options.serverMaxWindowBits ?? 15,
      ),
      clientMaxWindowBits: Math.min(terms.clientMaxWindowBits || 15, wanted),
    };
    let header = NAME;
    if (parameters.serverNoContextTakeover) {
      header += "; server_no_context_takeover";
    }
    if (parameters.clientNoContextTakeover) {
      header += "; client_no_context_takeover";
    }
    if (
      terms.serverMaxWindowBits !== undefined ||
      parameters.serverMaxWindowBits < 15
    ) header += `; server_max_window_bits=${parameters.serverMaxWindowBits}`;
    if (parameters.clientMaxWindowBits < 15) {
      header += `; client_max_window_bits=${parameters.clientMaxWindowBits}`;
    }
    return { parameters, header };
  }
  return null;
}

/**
 * The client's side: an offer of compression.
 *
 * @param options What the client wishes.
 * @returns The value of `Sec-WebSocket-Extensions`.
 * @throws {RangeError} If window bits are not from 9 to 15.
 */
export function offerDeflate(options: DeflateOptions = {}): string {
  checkOptions(options);
  let header = NAME;
  if (options.serverNoContextTakeover) {
    header += "; server_no_context_takeover";
  }
  if (options.clientNoContextTakeover) {
    header += "; client_no_context_takeover";
  }
  const { serverMaxWindowBits = 15, clientMaxWindowBits = 15 } = options;
  if (serverMaxWindowBits < 15) {
    header += `; server_max_window_bits=${serverMaxWindowBits}`;
  }
  header += "; client_max_window_bits";
  if (clientMaxWindowBits < 15) header += `=${clientMaxWindowBits}`;
  return header;
}

/**
 * The client's side: checks the answer to `offerDeflate(options)`.
 *
 * @param answer The value of `Sec-WebSocket-Extensions`.
 * @param options What was offered; `null` where nothing was.
 * @returns What was agreed; `null` for no compression.
 * @throws {WebsocketError} If the answer is not one to that offer.
 */
export function checkDeflateAnswer(
  answer: string | undefined,
  options: DeflateOptions | null,
): DeflateParameters | null {
  if (answer === undefined) return null;
  const extensions = parseExtensions(answer);
  const bad = new WebsocketError("bad-handshake");
  if (extensions?.length !== 1 || options === null) throw bad;
  if (extensions[0].name !== NAME) throw bad;
  const terms = readTerms(extensions[0], false);
  if (terms === null) throw bad;
  const serverBits = options.serverMaxWindowBits ?? 15;
  const clientBits = options.clientMaxWindowBits ?? 15;
  if (options.serverNoContextTakeover && !terms.serverNoContextTakeover) {
    throw bad;
  }
  if ((terms.serverMaxWindowBits ?? 15) > serverBits) throw bad;
  if ((terms.clientMaxWindowBits ?? 8) > clientBits) throw bad;
  return {
    serverNoContextTakeover: terms.serverNoContextTakeover ?? false,
    // What a client wishes for itself, it may keep to without being told.
    clientNoContextTakeover: terms.clientNoContextTakeover ??
      options.clientNoContextTakeover ?? false,
    serverMaxWindowBits: terms.serverMaxWindowBits ?? 15,
    clientMaxWindowBits: Math.min(terms.clientMaxWindowBits ?? 15, clientBits),
  };
}
