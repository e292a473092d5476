import { join } from "@std/path";
import { openFile } from "../server/file_opening.ts";
import { type Folder, type Found, isStill } from "./folder.ts";

/** Entries of an archive; what has more breaks off. */
const MAX_ENTRIES = 50_000;
/** Folders within one another. */
const MAX_DEPTH = 64;
/** Bytes that are read at once. */
const PIECE = 65_535;

/** What is put into an archive. */
export interface Member {
  /** Where in it, with slashes; a folder's ends with one. */
  path: string;
  /** Bytes; what is read is no more. */
  size: number;
  /** When it was changed. */
  modified: Date;
  /** Its bytes, in pieces of 65,535 at most. */
  pieces(): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** A name as every system can unpack it, and none takes it for a path. */
export function plainName(name: string): string {
  // deno-lint-ignore no-control-regex
  return name.toWellFormed().replace(/[\x00-\x1f\x7f\\:]/g, "_");
}

/**
 * All that may be seen of a folder. Links are followed to files alone, and no
 * further than the root.
 *
 * @throws {Error} If there is too much of it.
 */
export async function* membersOf(
  folder: Folder,
  found: Found,
  name: string,
): AsyncGenerator<Member, void, void> {
  let left = MAX_ENTRIES;
  const walk = async function* (
    found: Found,
    path: string,
    depth: number,
  ): AsyncGenerator<Member, void, void> {
    if (depth > MAX_DEPTH) throw new Error("Folder is too deep for an archive");
    const entries: Deno.DirEntry[] = [];
    for await (const entry of Deno.readDir(found.realPath)) {
      if (!folder.isVisible(entry.name)) continue;
      if (--left < 0) throw new Error("Folder is too large for an archive");
      entries.push(entry);
    }
    if (!await isStill(found)) return;
    entries.sort((a, b) => a.name < b.name ? -1 : 1);
    const modified = found.info.mtime ?? new Date(0);
    yield { path, size: 0, modified, pieces: none };
    for (const entry of entries) {
      const inner = path + plainName(entry.name);
      const relative = [...found.segments, entry.name].join("/");
      if (entry.isDirectory) {
        const next = await folder.find(relative + "/");
        // What became of a link meanwhile is none of it.
        const real = join(found.realPath, entry.name);
        if (next?.isFolder && next.realPath === real) {
          yield* walk(next, inner + "/", depth + 1);
        }
        continue;
      }
      const opened = await openFile(relative, folder.root, () => false)
        .catch(() => null);
      if (opened === null) continue;
      using file = opened.file;
      const { size, mtime } = opened.info;
      yield {
        path: inner,
        size,
        modified: mtime ?? new Date(0),
        pieces: () => read(file, size),
      };
    }
  };
  yield* walk(found, plainName(name) + "/", 0);
}

async function* none(): AsyncGenerator<Uint8Array<ArrayBuffer>> {}

async function* read(
  file: Deno.FsFile,
  left: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  while (left > 0) {
    const buffer = new Uint8Array(Math.min(PIECE, left));
    const length = await file.read(buffer);
    if (length === null) return;
    left -= length;
    yield buffer.subarray(0, length);
  }
}
