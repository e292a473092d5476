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

const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g;

/**
 * Lays out JSON text. Values are left as they are written: a number may have
 * more digits, and a key may come twice.
 *
 * @returns The text, without a line feed at its end; `null` if it is no JSON.
 */
export function formatJson(text: string, layout: JsonLayout): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const { hasColor, isIndented = true } = layout;
  const out: string[] = [];
  let depth = 0;
  const newLine = () => {
    if (!isIndented) return;
    out.push("\n", "  ".repeat(Math.min(depth, MOST_INDENTED)));
  };
  const tokens = text.match(TOKEN) ?? [];
  for (let i = 0; i < tokens.length; i++) {
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
