import { isToken } from "../parse/chars.ts";
import { isDictionary, OptionNames } from "../parse/option_names.ts";
import { httpDate } from "./date.ts";

/** A cookie with its attributes (RFC 6265bis section 4.1). */
export interface CookieAttributes {
  /** The value: visible ASCII without `"`, `,`, `;` and `\`. */
  value: string;
  /** Hosts that get it: this one and all below; default: this host only. */
  domain?: string;
  /** Paths that get it; default: the folder of the request's path. */
  path?: string;
  /** When it ends. */
  expires?: Date;
  /** Seconds until it ends; zero or less ends it now. */
  maxAge?: number;
  /** Send it over HTTPS only. */
  secure?: boolean;
  /** Hide it from scripts. */
  httpOnly?: boolean;
  /** Whether it goes along with requests from other sites. */
  sameSite?: "Strict" | "Lax" | "None";
  /** Keep it apart for each top-level site; needs `secure`. */
  partitioned?: boolean;
}

/** What can be set: a value, `null` to delete, or a value with attributes. */
export type CookieValue = string | null | CookieAttributes;

const NAMES = new OptionNames<CookieAttributes>("a cookie", {
  value: true,
  domain: true,
  path: true,
  expires: true,
  maxAge: true,
  secure: true,
  httpOnly: true,
  sameSite: true,
  partitioned: true,
});

const FLAGS = ["secure", "httpOnly", "partitioned"] as const;

const VALUE = /^(?:[!#-+\--:<-[\]-~]*|"[!#-+\--:<-[\]-~]*")$/;
const PATH = /^\/[ -:<-~]*$/;

function shown(name: unknown): string {
  return typeof name === "string" ? JSON.stringify(name) : String(name);
}

/**
 * Writes the value of a `Set-Cookie` field.
 *
 * @throws {TypeError} If browsers would not take the cookie as it is meant.
 */
export function writeCookie(name: string, cookie: CookieValue): string {
  if (typeof name !== "string" || !isToken(name)) {
    throw new TypeError(`Cookie name ${shown(name)} is not a token`);
  }
  if (typeof cookie !== "string" && cookie !== null) {
    if (!isDictionary(cookie)) {
      throw new TypeError(
        `Cookie "${name}" is not a string, null, or an object with a value`,
      );
    }
    NAMES.check(cookie);
  }
  const { value, ...attributes }: CookieAttributes = cookie === null
    ? { value: "", maxAge: 0 }
    : typeof cookie === "string"
    ? { value: cookie }
    : cookie;
  const complain = (problem: string): never => {
    throw new TypeError(`Cookie "${name}" ${problem}`);
  };
  if (typeof value !== "string") complain("has a value that is not a string");
  if (!VALUE.test(value)) {
    complain("has a value that must be encoded, with encodeURIComponent() say");
  }
  const { domain, path, expires, maxAge, secure, httpOnly } = attributes;
  const { sameSite, partitioned } = attributes;
  for (const flag of FLAGS) {
    if (!["boolean", "undefined"].includes(typeof attributes[flag])) {
      complain(`has a ${flag} that is not a boolean`);
    }
  }
  let text = `${name}=${value}`;
  if (domain !== undefined) {
    if (typeof domain !== "string" || !/^[\w.:[\]-]+$/.test(domain)) {
      complain("has an invalid domain");
    }
    text += `; Domain=${domain}`;
  }
  if (path !== undefined) {
    if (typeof path !== "string" || !PATH.test(path)) {
      complain("has an invalid path");
    }
    text += `; Path=${path}`;
  }
  if (expires !== undefined) {
    if (!(expires instanceof Date) || Number.isNaN(expires.getTime())) {
      complain("has an expires that is not a Date, or an invalid one");
    }
    text += `; Expires=${httpDate(expires)}`;
  }
  if (maxAge !== undefined) {
    if (!Number.isSafeInteger(maxAge)) {
      complain("has a maxAge that is not a whole number of seconds");
    }
    text += `; Max-Age=${maxAge}`;
  }
  if (secure) text += "; Secure";
  if (httpOnly) text += "; HttpOnly";
  if (sameSite !== undefined) {
    if (!["Strict", "Lax", "None"].includes(sameSite)) {
      complain("has an invalid sameSite");
    }
    if (sameSite === "None" && !secure) complain("needs secure for sameSite");
    text += `; SameSite=${sameSite}`;
  }
  if (partitioned) {
    if (!secure) complain("needs secure for partitioned");
    text += "; Partitioned";
  }
  const lower = name.toLowerCase();
  // Section 4.1.3. A deletion is exempt, or such a cookie could not be deleted
  // by the short form.
  if (cookie !== null) {
    if (/^__(?:secure|host)-/.test(lower) && !secure) complain("needs secure");
    if (lower.startsWith("__host-") && (path !== "/" || domain !== undefined)) {
      complain('needs path "/" and no domain');
    }
  } else if (lower.startsWith("__host-")) text += "; Path=/; Secure";
  else if (lower.startsWith("__secure-")) text += "; Secure";
  return text;
}
