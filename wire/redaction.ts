import { dict } from "../parse/dict.ts";
import type { HeaderFields } from "../parse/fields.ts";

/** What stands for a secret where an object is printed. */
export const REDACTED = "(not shown)";

const SECRET = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
]);

/** User and password of a URL, anywhere in a text. */
const USER = /(?<=\/\/)[^\s/?#@]*@/g;

/** Fields as they may be printed and logged. */
export function redactFields(headers: HeaderFields): HeaderFields {
  const shown = dict<string>();
  for (const [name, value] of Object.entries(headers)) {
    shown[name] = SECRET.has(name) ? REDACTED : redactUrls(value);
  }
  return shown;
}

/** A text without the users and passwords of the URLs in it. */
export function redactUrls(text: string): string {
  return text.includes("@") ? text.replace(USER, `${REDACTED}@`) : text;
}
