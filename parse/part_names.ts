import { isToken } from "./chars.ts";
import { dict } from "./dict.ts";
import type { ProtocolErrorCode } from "./errors.ts";
import { parseUtf8 } from "./text.ts";

/** What the part of a form is called. */
export interface PartNames {
  /** Name of its field. */
  name: string;
  /** Name of its file; `undefined` for a part that is not one. */
  filename: string | undefined;
}

/**
 * Reads the names out of a part's `Content-Disposition` (RFC 7578 section 4.2);
 * else what is wrong with it.
 */
export function parsePartNames(value: string): PartNames | ProtocolErrorCode {
  const parameters = dispositionParameters(value);
  if (parameters?.name === undefined) return "bad-multipart";
  const { name, filename } = parameters;
  try {
    return {
      name: decodeName(name),
      filename: filename === undefined ? undefined : decodeName(filename),
    };
  } catch {
    return "bad-encoding";
  }
}

/**
 * Parameters of a `form-data` disposition, by lower-case name; `null` where it
 * is not to the letter, names a parameter twice, or has one of the extended
 * kind (`filename*`), which RFC 7578 section 4.2 forbids.
 *
 * A backslash stands for itself, as browsers escape in another way: a quoted
 * string ends at the next quote.
 */
function dispositionParameters(value: string): Record<string, string> | null {
  const type = /^form-data(?=[ \t]*(?:;|$))/i.exec(value);
  if (type === null) return null;
  const parameters = dict<string>();
  const parameter = /[ \t]*;[ \t]*([^\s=;"]+)=(?:"([^"]*)"|([^\s;"]+))/y;
  parameter.lastIndex = type[0].length;
  while (parameter.lastIndex < value.length) {
    const found = parameter.exec(value);
    if (found === null) return null;
    const [, name, quoted, token] = found;
    const key = name.toLowerCase();
    if (
      !isToken(name) || key.endsWith("*") || key in parameters ||
      token !== undefined && !isToken(token)
    ) return null;
    parameters[key] = token ?? quoted;
  }
  return parameters;
}

// The three that the form encoding of browsers escapes, and no others.
const ESCAPES: Readonly<Record<string, string>> = {
  "%0A": "\n",
  "%0D": "\r",
  "%22": '"',
};

/** UTF-8 out of text of one character a byte; throws where it is none. */
function decodeName(raw: string): string {
  const text = /[\x80-\xff]/.test(raw)
    ? parseUtf8(Uint8Array.from(raw, (char) => char.charCodeAt(0)))
    : raw;
  return text.replace(/%(?:0A|0D|22)/g, (escape) => ESCAPES[escape]);
}
