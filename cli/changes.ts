import { join, SEPARATOR } from "@std/path";
import { type Found, isStill } from "./folder.ts";
import { type Quota, UploadRefused } from "./quota.ts";
import { sizeOf } from "./uploads.ts";

/** Something in a folder, be it a link to nowhere. */
export interface Place {
  /** The folder. */
  parent: Found;
  /** The name. */
  name: string;
}

async function pathOf({ parent, name }: Place): Promise<string> {
  if (!await isStill(parent)) {
    throw new UploadRefused(409, "The folder has changed");
  }
  return join(parent.realPath, name);
}

/**
 * Deletes a file, a link (not what it leads to), or an empty folder.
 *
 * @throws {UploadRefused} If nothing is there, or a folder that is not empty.
 */
export function deleteAt(place: Place, quota: Quota): Promise<void> {
  return quota.exclusive(async () => {
    const path = await pathOf(place);
    const size = await sizeOf(path);
    try {
      await Deno.remove(path);
    } catch (error) {
      throw refusal(error) ?? error;
    }
    quota.give(size);
  });
}

/**
 * Gives a file or a folder another name, or another folder. Nothing is
 * overwritten.
 *
 * @throws {UploadRefused} If nothing is there, or the new name is taken.
 */
export function moveTo(from: Place, to: Place, quota: Quota): Promise<void> {
  return quota.exclusive(async () => {
    const old = await pathOf(from);
    const path = await pathOf(to);
    const info = await Deno.lstat(old).catch((error) => {
      throw refusal(error) ?? error;
    });
    // Whoever makes it has the name: to look first would leave a gap.
    try {
      if (info.isDirectory) await Deno.mkdir(path);
      else (await Deno.open(path, { write: true, createNew: true })).close();
    } catch (error) {
      throw refusal(error) ?? error;
    }
    try {
      await Deno.rename(old, path);
    } catch (error) {
      await Deno.remove(path).catch(() => {});
      if (path.startsWith(old + SEPARATOR)) {
        throw new UploadRefused(409, "A folder cannot be put into itself");
      }
      throw error;
    }
  });
}

function refusal(error: unknown): UploadRefused | null {
  if (error instanceof Deno.errors.NotFound) {
    return new UploadRefused(404, "Nothing is here");
  }
  if (error instanceof Deno.errors.AlreadyExists) {
    return new UploadRefused(409, "This name is taken");
  }
  // Systems say this in several ways.
  const isFull = /not empty|ENOTEMPTY/i.test(String(error));
  return isFull ? new UploadRefused(409, "The folder is not empty") : null;
}
