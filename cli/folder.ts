import { join, SEPARATOR } from "@std/path";
import { PARTIAL_PREFIX } from "./file_name.ts";
import { type Entry, sortEntries, type View } from "./listing_view.ts";

/** A file or a folder that a path leads to. */
export interface Found {
  /** Whether it is a folder. */
  isFolder: boolean;
  /** The names on the way, none of which is empty or leads up. */
  segments: string[];
  /** Where it really is. */
  realPath: string;
  /** What the system knows of it. */
  info: Deno.FileInfo;
}

/** What a folder holds. */
export interface Contents {
  /** In the order of the view. */
  entries: Entry[];
  /** How many there are beside those. */
  omitted: number;
}

/** Entries that are looked at; more would fill memory and no reader's head. */
const MAX_ENTRIES = 10_000;
/** How many are looked at side by side. */
const BATCH = 64;

/** The folder that is served, and what of it may be seen. */
export class Folder {
  /** Where it really is. */
  readonly root: string;
  readonly #hasHidden: boolean;

  private constructor(root: string, hasHidden: boolean) {
    this.root = root;
    this.#hasHidden = hasHidden;
  }

  /**
   * @throws {Deno.errors.NotFound} If it is not there.
   * @throws {Deno.errors.NotADirectory} If it is a file.
   */
  static async open(path: string, hasHidden: boolean): Promise<Folder> {
    const root = await Deno.realPath(path);
    if (!(await Deno.stat(root)).isDirectory) {
      throw new Deno.errors.NotADirectory("Not a directory");
    }
    return new Folder(root, hasHidden);
  }

  /** Whether a name may be seen. */
  isVisible(name: string): boolean {
    return name !== "" && name !== "." && name !== ".." &&
      !name.includes("\0") && !name.startsWith(PARTIAL_PREFIX) &&
      (this.#hasHidden || !name.startsWith(".")) &&
      (Deno.build.os !== "windows" || !/[\\:]/.test(name));
  }

  /** The names in a decoded path; `null` if one of them may not be seen. */
  segmentsOf(path: string): string[] | null {
    const segments = path.split("/").filter((segment) => segment !== "");
    return segments.every((name) => this.isVisible(name)) ? segments : null;
  }

  /** What a decoded path leads to; `null` if nothing, or nothing to be seen. */
  async find(path: string): Promise<Found | null> {
    const segments = this.segmentsOf(path);
    if (segments === null) return null;
    try {
      const realPath = await Deno.realPath(join(this.root, ...segments));
      if (!this.#holds(realPath)) return null;
      const info = await Deno.stat(realPath);
      const isFolder = info.isDirectory;
      if (!isFolder && (!info.isFile || path.endsWith("/"))) return null;
      return { isFolder, segments, realPath, info };
    } catch {
      return null; // not there, a circle of links, or not ours to read
    }
  }

  #holds(path: string): boolean {
    const { root } = this;
    const prefix = root.endsWith(SEPARATOR) ? root : root + SEPARATOR;
    return path === root || path.startsWith(prefix);
  }

  /**
   * What a folder holds, as far as it may be seen.
   *
   * @returns `null` if it is not what it was: somebody may have put a link in
   * its place, and that leads anywhere.
   */
  async list(folder: Found, view: View): Promise<Contents | null> {
    const names: string[] = [];
    let omitted = 0;
    for await (const { name } of Deno.readDir(folder.realPath)) {
      if (!this.isVisible(name)) continue;
      if (!name.toLowerCase().includes(view.search)) continue;
      if (names.length < MAX_ENTRIES) names.push(name);
      else omitted++;
    }
    const entries: Entry[] = [];
    for (let i = 0; i < names.length; i += BATCH) {
      const batch = names.slice(i, i + BATCH)
        .map((name) => this.#entry(folder.realPath, name));
      for (const entry of await Promise.all(batch)) {
        if (entry !== null) entries.push(entry);
      }
    }
    if (!await isStill(folder)) return null;
    sortEntries(entries, view);
    return { entries, omitted };
  }

  async #entry(parent: string, name: string): Promise<Entry | null> {
    try {
      const path = join(parent, name);
      let info = await Deno.lstat(path);
      if (info.isSymlink) {
        const real = await Deno.realPath(path);
        if (!this.#holds(real)) return null;
        info = await Deno.stat(real);
      }
      if (!info.isFile && !info.isDirectory) return null;
      return {
        name,
        isFolder: info.isDirectory,
        size: info.isFile ? info.size : 0,
        modified: info.mtime,
      };
    } catch {
      return null; // gone in the meantime, or a link to nowhere
    }
  }
}

/** Whether a file or a folder is still where it was found. */
export async function isStill({ realPath, info }: Found): Promise<boolean> {
  if (await Deno.realPath(realPath) !== realPath) return false;
  const { ino, dev } = await Deno.lstat(realPath);
  return ino === info.ino && dev === info.dev;
}

/** The path of a URL that leads to these names. */
export function urlPathOf(
  segments: readonly string[],
  isFolder: boolean,
): string {
  const path = segments.map((name) => "/" + encodeSegment(name)).join("");
  return path + (isFolder ? "/" : "");
}

/** A name as one segment of a URL's path. */
export function encodeSegment(name: string): string {
  return encodeURIComponent(name.toWellFormed())
    .replace(/['()*]/g, (char) => "%" + char.charCodeAt(0).toString(16));
}
