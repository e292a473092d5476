import { extname } from "@std/path";

/** What names of files that are not complete begin with; nobody sees those. */
export const PARTIAL_PREFIX = ".uhttp-upload-";

/** Bytes of a name; the most that file systems take is 255, and a number may
 * have to be added. */
const MAX_NAME = 200;
/** The longest extension that is kept, in bytes. */
const MAX_EXTENSION = 20;

const encoder = new TextEncoder();

/**
 * A name for a file from one that a peer has chosen; `null` if nothing of it
 * can be used. It has no separators, no control characters, and nothing that a
 * system takes for something else.
 *
 * @param mayHide Whether it may begin with a dot.
 */
export function safeName(given: string, mayHide: boolean): string | null {
  let name = given.toWellFormed().normalize("NFC")
    .replace(/^.*[/\\]/s, "")
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
    .trim();
  if (Deno.build.os === "windows") {
    name = name.replace(/[<>:"|?*]/g, "_").replace(/[. ]+$/, "")
      .replace(/^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i, "_$1");
  }
  if (/^\.*$/.test(name)) return null;
  if (!mayHide || name.startsWith(PARTIAL_PREFIX)) {
    name = name.replace(/^[.\s]+/, "");
  }
  return name === "" ? null : shortened(name);
}

/** The name with its end cut off, but for the extension. */
function shortened(name: string): string {
  if (encoder.encode(name).length <= MAX_NAME) return name;
  const extension = extname(name);
  const end = encoder.encode(extension).length;
  if (end > MAX_EXTENSION) return cut(name, MAX_NAME);
  const stem = name.slice(0, name.length - extension.length);
  return cut(stem, MAX_NAME - end) + extension;
}

/** As much of a text as has so many bytes, and whole characters. */
function cut(text: string, most: number): string {
  const { read } = encoder.encodeInto(text, new Uint8Array(most));
  return text.slice(0, read);
}

/** The name with a number, as in `a (1).txt`. */
export function numbered(name: string, number: string): string {
  if (number === "0") return name;
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  return `${stem} (${number})${extension}`;
}
