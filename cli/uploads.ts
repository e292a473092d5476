import { join } from "@std/path";
import type { HttpConnection } from "../server.ts";
import { numbered, PARTIAL_PREFIX, safeName } from "./file_name.ts";
import { type Found, isStill } from "./folder.ts";
import { FILE_COST, type Quota, UploadRefused } from "./quota.ts";

/** Files of one form. */
const MAX_PARTS = 1000;
/** So many numbers are tried for a name of one form, then something random. */
const MAX_TRIES = 50;

/** Where bytes come from: a request, or a part of a form. */
interface Source {
  read(): Promise<Uint8Array | null>;
}

/** A file that comes in, under a name that nobody can guess or see. */
class Upload {
  readonly #folder: Found;
  readonly #quota: Quota;
  #path: string;
  #cost = 0;

  constructor(folder: Found, quota: Quota) {
    this.#folder = folder;
    this.#quota = quota;
    this.#path = join(
      folder.realPath,
      PARTIAL_PREFIX + crypto.randomUUID(),
    );
  }

  /**
   * Writes what comes.
   *
   * @throws {UploadRefused} If that is more than there is room for.
   */
  async save(source: Source): Promise<void> {
    this.#take(FILE_COST);
    using file = await Deno.open(this.#path, { write: true, createNew: true });
    for (let piece; (piece = await source.read()) !== null;) {
      this.#take(piece.length);
      for (let rest = piece; rest.length > 0;) {
        rest = rest.subarray(await file.write(rest));
      }
    }
  }

  #take(bytes: number): void {
    this.#quota.take(bytes);
    this.#cost += bytes;
  }

  /**
   * Gives the complete file its name, unless something has it.
   *
   * @throws {UploadRefused} If the folder is not what it was: somebody may have
   * put a link in its place, and it took its time to come.
   */
  async publish(name: string): Promise<boolean> {
    if (!await isStill(this.#folder)) {
      throw new UploadRefused(409, "The folder has changed");
    }
    const path = join(this.#folder.realPath, name);
    try {
      // Whoever makes it has the name: to look first would leave a gap.
      (await Deno.open(path, { write: true, createNew: true })).close();
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
    try {
      await Deno.rename(this.#path, path);
    } catch (error) {
      await remove(path);
      throw error;
    }
    this.#path = path;
    return true;
  }

  /**
   * Gives the complete file its name, in place of the file that has it. A link
   * of that name is replaced, not what it leads to.
   *
   * @throws {UploadRefused} If the folder is not what it was, or no file has
   * the name.
   */
  async replace(name: string): Promise<void> {
    if (!await isStill(this.#folder)) {
      throw new UploadRefused(409, "The folder has changed");
    }
    const path = join(this.#folder.realPath, name);
    const old = await sizeOf(path);
    try {
      await Deno.rename(this.#path, path);
    } catch (error) {
      if (await isFolder(path)) {
        throw new UploadRefused(409, "A folder has this name");
      }
      throw error;
    }
    this.#path = path;
    this.#quota.give(old);
  }

  /** Takes it away again, under whatever name it has. */
  async drop(): Promise<void> {
    await remove(this.#path);
    this.#quota.give(this.#cost);
    this.#cost = 0;
  }
}

/** What a file costs; 0 where no file is there. */
export async function sizeOf(path: string): Promise<number> {
  const info = await Deno.lstat(path).catch(() => null);
  return info?.isFile ? info.size + FILE_COST : 0;
}

async function isFolder(path: string): Promise<boolean> {
  return (await Deno.lstat(path).catch(() => null))?.isDirectory ?? false;
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // It is gone already, or never came.
  }
}

/**
 * Gives a file its name, or one with a number behind it.
 *
 * @param numbers What was reached for each name of this form, so that a thousand
 * files of one name are not a thousand times a thousand tries.
 */
async function publishAs(
  upload: Upload,
  name: string,
  numbers: Map<string, number>,
): Promise<void> {
  const first = numbers.get(name) ?? 0;
  for (let number = first; number < first + MAX_TRIES; number++) {
    if (await upload.publish(numbered(name, String(number)))) {
      numbers.set(name, number + 1);
      return;
    }
  }
  const random = numbered(name, crypto.randomUUID().slice(0, 8));
  if (!await upload.publish(random)) throw new Error("No name is free");
}

/**
 * Saves the files of a form, all or none.
 *
 * @param folder Where to.
 * @returns How many there were.
 */
export async function saveForm(
  client: HttpConnection,
  folder: Found,
  mayHide: boolean,
  quota: Quota,
): Promise<number> {
  const uploads: { upload: Upload; name: string }[] = [];
  try {
    for await (const part of client.parts({ maxParts: MAX_PARTS })) {
      // A form in which no file was chosen sends one without a name.
      if (!part.filename) continue;
      const upload = new Upload(folder, quota);
      const name = safeName(part.filename, mayHide) ?? "upload";
      uploads.push({ upload, name });
      await upload.save(part);
    }
    const numbers = new Map<string, number>();
    for (const { upload, name } of uploads) {
      await publishAs(upload, name, numbers);
    }
    return uploads.length;
  } catch (error) {
    for (const { upload } of uploads) await upload.drop();
    throw error;
  }
}

/**
 * Saves a body under a name that is not taken, or in place of a file.
 *
 * @returns Whether that was so.
 */
export async function saveBody(
  client: HttpConnection,
  folder: Found,
  name: string,
  quota: Quota,
  mayReplace: boolean,
): Promise<boolean> {
  const upload = new Upload(folder, quota);
  let isSaved = false;
  try {
    await upload.save(client);
    if (mayReplace) await quota.exclusive(() => upload.replace(name));
    isSaved = mayReplace || await upload.publish(name);
  } finally {
    if (!isSaved) await upload.drop();
  }
  return isSaved;
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
