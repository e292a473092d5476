import { isToken } from "./chars.ts";
import { dict } from "./dict.ts";
import type { ProtocolErrorCode } from "./errors.ts";
import { trim } from "./fields.ts";
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
 *
 * Parameters of other names do not matter, nor do those of the extended kind
 * (`filename*`) beside the plain one, as .NET sends them. A name of a file that
 * is not UTF-8 is read as Windows-1252; the name of a field has to be.
 */
export function parsePartNames(value: string): PartNames | ProtocolErrorCode {
  const parameters = dispositionParameters(value);
  if (parameters?.name === undefined) return "bad-multipart";
  const { name, filename } = parameters;
  try {
    return {
      name: decodeName(name),
      filename: filename === undefined ? undefined : decodeFileName(filename),
    };
  } catch {
    return "bad-encoding";
  }
}

/** Name and value of a parameter; a quoted string ends at the next quote. */
const PLAIN =
  /[ \t]*;[ \t]*(?:([^ \t=;"]+)(?:=(?:"([^"]*)"|([^ \t;"][^;"]*)?))?)?/y;
/** The same, but for quotes behind a backslash. */
const ESCAPED =
  /[ \t]*;[ \t]*(?:([^ \t=;"]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^ \t;"][^;"]*)?))?)?/y;

/**
 * Parameters of a `form-data` disposition, by lower-case name; `null` where it
 * is not to the letter, or tells twice of a name.
 *
 * Browsers write a backslash as it is, and others escape with it. What comes of
 * both readings is told apart by where the quotes are; where both make sense,
 * and not the same, it is refused.
 */
function dispositionParameters(value: string): Record<string, string> | null {
  const type = /^form-data(?=[ \t]*(?:;|$))/i.exec(value);
  if (type === null) return null;
  const rest = value.slice(type[0].length);
  const plain = readParameters(rest, PLAIN);
  if (!rest.includes("\\")) return plain;
  const escaped = readParameters(rest, ESCAPED);
  if (escaped === null) return plain;
  if (plain !== null && !isSame(plain, escaped)) return null;
  for (const key of Object.keys(escaped)) {
    escaped[key] = escaped[key].replace(/\\(["\\])/g, "$1");
  }
  return escaped;
}

function isSame(
  one: Record<string, string>,
  other: Record<string, string>,
): boolean {
  return one.name === other.name && one.filename === other.filename;
}

function readParameters(
  text: string,
  parameter: RegExp,
): Record<string, string> | null {
  const parameters = dict<string>();
  const seen = new Set<string>();
  parameter.lastIndex = 0;
  while (parameter.lastIndex < text.length) {
    const found = parameter.exec(text);
    if (found === null) return null;
    const [, name, quoted, bare = ""] = found;
    if (name === undefined) continue; // nothing between two semicolons
    const key = name.toLowerCase();
    if (!isToken(name)) return null;
    if (key === "name" || key === "filename") {
      const token = trim(bare);
      if (key in parameters) return null;
      if (quoted === undefined && !isToken(token)) return null;
      parameters[key] = quoted ?? token;
    }
    seen.add(key);
  }
  // Of such a one alone, some would take the part for a file, and others not.
  return seen.has("filename*") && !seen.has("filename") ? null : parameters;
}

// The three that the form encoding of browsers escapes, and no others.
const ESCAPES: Readonly<Record<string, string>> = {
  "%0A": "\n",
  "%0D": "\r",
  "%22": '"',
};

const windows1252 = new TextDecoder("windows-1252");

function decodeFileName(raw: string): string {
  try {
    return decodeName(raw);
  } catch {
    const bytes = Uint8Array.from(raw, (char) => char.charCodeAt(0));
    return unescapeName(windows1252.decode(bytes));
  }
}

/** UTF-8 out of text of one character a byte; throws where it is none. */
function decodeName(raw: string): string {
  const text = /[\x80-\xff]/.test(raw)
    ? parseUtf8(Uint8Array.from(raw, (char) => char.charCodeAt(0)))
    : raw;
  return unescapeName(text);
}

function unescapeName(text: string): string {
  return text.replace(/%(?:0A|0D|22)/g, (escape) => ESCAPES[escape]);
}
