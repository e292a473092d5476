import { extname, join } from "@std/path";
import type { HttpConnection } from "../server.ts";
import { PARTIAL_PREFIX } from "./folder.ts";

/** Bytes of a name; the most that file systems take is 255, and a number may
 * have to be added. */
const MAX_NAME = 200;
/** Files of one form. */
const MAX_PARTS = 1000;
/** So many numbers are tried for a name of one form, then something random. */
const MAX_TRIES = 50;
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

/** A path in a folder for what is not complete yet. */
function partialPath(folder: string): string {
  return join(folder, PARTIAL_PREFIX + crypto.randomUUID());
}

/** Gives a complete file its name, unless something has it. */
async function publish(partial: string, path: string): Promise<boolean> {
  try {
    // Whoever makes it has the name: to look first would leave a gap.
    (await Deno.open(path, { write: true, createNew: true })).close();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
  try {
    await Deno.rename(partial, path);
  } catch (error) {
    await remove(path);
    throw error;
  }
  return true;
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // It is gone already, or never came.
  }
}

/** The name with a number, as in `a (1).txt`. */
function numbered(name: string, number: string): string {
  if (number === "0") return name;
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  return `${stem} (${number})${extension}`;
}

/**
 * Gives a file its name, or one with a number behind it.
 *
 * @param numbers What was reached for each name of this form, so that a thousand
 * files of one name are not a thousand times a thousand tries.
 */
async function publishAs(
  partial: string,
  folder: string,
  name: string,
  numbers: Map<string, number>,
): Promise<string> {
  const first = numbers.get(name) ?? 0;
  for (let number = first; number < first + MAX_TRIES; number++) {
    const tried = numbered(name, String(number));
    if (await publish(partial, join(folder, tried))) {
      numbers.set(name, number + 1);
      return tried;
    }
  }
  const random = numbered(name, crypto.randomUUID().slice(0, 8));
  if (await publish(partial, join(folder, random))) return random;
  throw new Error("No name is free");
}

/**
 * Saves the files of a form, all or none.
 *
 * @param folder Where to.
 * @returns The names that they got.
 */
export async function saveForm(
  client: HttpConnection,
  folder: string,
  mayHide: boolean,
): Promise<string[]> {
  const saved: { partial: string; name: string }[] = [];
  try {
    for await (const part of client.parts({ maxParts: MAX_PARTS })) {
      // A form in which no file was chosen sends one without a name.
      if (!part.filename) continue;
      const partial = partialPath(folder);
      const name = safeName(part.filename, mayHide) ?? "upload";
      saved.push({ partial, name });
      await part.saveTo(partial);
    }
    const names: string[] = [];
    const numbers = new Map<string, number>();
    for (const { partial, name } of saved) {
      names.push(await publishAs(partial, folder, name, numbers));
    }
    return names;
  } catch (error) {
    for (const { partial } of saved) await remove(partial);
    throw error;
  }
}

/**
 * Saves a body under a name that is not taken.
 *
 * @returns Whether that was so.
 */
export async function saveBody(
  client: HttpConnection,
  folder: string,
  name: string,
): Promise<boolean> {
  const partial = partialPath(folder);
  try {
    await client.saveTo(partial);
    if (await publish(partial, join(folder, name))) return true;
  } catch (error) {
    await remove(partial);
    throw error;
  }
  await remove(partial);
  return false;
}

/** Whether something has a name already, be it a link to nowhere. */
export async function isTaken(folder: string, name: string): Promise<boolean> {
  try {
    await Deno.lstat(join(folder, name));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
