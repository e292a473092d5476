import { plainLine } from "./plain_text.ts";

/** Colours, by what they are for, as a terminal takes them. */
export const COLORS = {
  key: "\x1b[34m",
  string: "\x1b[32m",
  number: "\x1b[36m",
  word: "\x1b[35m",
  dim: "\x1b[2m",
} as const;
/** One of {@linkcode COLORS}. */
export type Color = keyof typeof COLORS;

const RESET = "\x1b[0m";

/** Text in a colour, if there is to be any. */
export function paint(text: string, color: Color, hasColor: boolean): string {
  return hasColor ? COLORS[color] + text + RESET : text;
}

/** How to lay out JSON. */
export interface JsonLayout {
  /** Whether to use colours. */
  hasColor: boolean;
  /** Whether to put each value on a line of its own; default `true`. */
  isIndented?: boolean;
}

/** What is nested more deeply goes no further to the right. */
const MOST_INDENTED = 40;
/** More text than this is not laid out. */
export const MAX_TEXT = 4_000_000;
/** So many characters come of it at most, as do some more of usual text. */
const MAX_LAID_OUT = 32_000_000;

const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g;

/**
 * Lays out JSON text. Values are left as they are written: a number may have
 * more digits, and a key may come twice.
 *
 * @returns The text, without a line feed at its end; `null` if it is no JSON,
 * or more than anybody reads.
 */
export function formatJson(text: string, layout: JsonLayout): string | null {
  if (text.length > MAX_TEXT) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const { hasColor, isIndented = true } = layout;
  const out: string[] = [];
  let depth = 0;
  let length = 0;
  const newLine = () => {
    if (!isIndented) return;
    const indent = 2 * Math.min(depth, MOST_INDENTED);
    out.push("\n", " ".repeat(indent));
    length += indent;
  };
  const tokens = text.match(TOKEN) ?? [];
  for (let i = 0; i < tokens.length; i++) {
    if (length > MAX_LAID_OUT) return null;
    const token = tokens[i];
    switch (token) {
      case "{":
      case "[":
        out.push(token);
        if (tokens[i + 1] === (token === "{" ? "}" : "]")) {
          out.push(tokens[++i]);
        } else {
          depth++;
          newLine();
        }
        break;
      case "}":
      case "]":
        depth--;
        newLine();
        out.push(token);
        break;
      case ",":
        out.push(token);
        if (isIndented) newLine();
        else out.push(" ");
        break;
      case ":":
        out.push(": ");
        break;
      default:
        out.push(paint(
          plainLine(token),
          colorOf(token, tokens[i + 1]),
          hasColor,
        ));
    }
  }
  return out.join("");
}

function colorOf(token: string, next: string | undefined): Color {
  if (token.startsWith('"')) return next === ":" ? "key" : "string";
  return /^[-\d]/.test(token) ? "number" : "word";
}
