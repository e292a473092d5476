import { usageError } from "./exit_codes.ts";

/** What a field of a form, or of JSON, is worth. */
export type FieldValue =
  /** A text, or what a file holds. */
  | { kind: "text"; text: string; isPath: boolean }
  /** JSON, or a file with it. */
  | { kind: "json"; text: string; isPath: boolean }
  /** A file to be sent. */
  | { kind: "file"; path: string };

/** A field that is sent. */
export interface Field {
  /** Its name. */
  name: string;
  /** What it is worth. */
  value: FieldValue;
}

/** A short word behind a URL. */
export type Word =
  | { kind: "query"; name: string; value: string }
  | { kind: "header"; line: string }
  | { kind: "field"; field: Field };

/** What parts a name from a value; of two at one place the longer one. */
const MARKS = [":=@", ":=", "==", "=@", "=", ":", "@"] as const;

/** What the words mean, for messages. */
export const WORDS_MEAN =
  "a field is name=value or name:=JSON, a file name@path, " +
  "a header Name:value, a query name==value";

/**
 * Reads a word behind a URL; `null` if it is none.
 *
 * `q==1` is a query, `Name:value` a header, `name=value` a field, `name:=1` one
 * of JSON, `name@path` a file; `name=@path` and `name:=@path` take what a file
 * holds. A backslash takes away the meaning of what follows it in a name.
 */
export function readWord(text: string): Word | null {
  let name = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\" && /[:=@\\]/.test(text[i + 1] ?? "")) {
      name += text[++i];
      continue;
    }
    const mark = MARKS.find((one) => text.startsWith(one, i));
    if (mark === undefined) {
      name += text[i];
      continue;
    }
    return name === "" ? null : wordOf(name, mark, text.slice(i + mark.length));
  }
  return null;
}

function wordOf(
  name: string,
  mark: typeof MARKS[number],
  rest: string,
): Word | null {
  switch (mark) {
    case "==":
      return { kind: "query", name, value: rest };
    case ":":
      // A URL is no header.
      return rest.startsWith("//")
        ? null
        : { kind: "header", line: `${name}: ${rest}` };
    case "@":
      return fieldOf(name, { kind: "file", path: rest });
    default: {
      const kind = mark.startsWith(":") ? "json" : "text";
      const isPath = mark.endsWith("@");
      if (kind === "json" && !isPath) checkJson(rest, `${name}:=${rest}`);
      return fieldOf(name, { kind, text: rest, isPath });
    }
  }
}

function fieldOf(name: string, value: FieldValue): Word {
  return { kind: "field", field: { name, value } };
}

/**
 * @param given What is named where it is no JSON.
 * @throws {CliError} If it is none.
 */
export function checkJson(text: string, given: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw usageError(`No JSON in ${given}: ${(error as Error).message}`);
  }
}

/** Whether a text is meant to be JSON, be it well-formed or not. */
export function isLikeJson(text: string): boolean {
  return /^\s*(?:$|["@[{]|(?:-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|true|false|null)\s*$)/i
    .test(text);
}
