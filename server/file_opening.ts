import { isExhausted } from "../transport/socket.ts";
import { pause } from "../transport/clock.ts";

/** A plain file that was opened. */
export interface OpenFile {
  readonly file: Deno.FsFile;
  readonly info: Deno.FileInfo;
  /** Whether it was in use a moment ago, and so to read from it is no wait. */
  readonly isWarm: boolean;
}

/** The calls that open a file, each with its result or a promise of it. */
interface Calls {
  realPath(path: string): string | Promise<string>;
  stat(path: string): Deno.FileInfo | Promise<Deno.FileInfo>;
  lstat(path: string): Deno.FileInfo | Promise<Deno.FileInfo>;
  open(path: string): Deno.FsFile | Promise<Deno.FsFile>;
  statOf(file: Deno.FsFile): Deno.FileInfo | Promise<Deno.FileInfo>;
}

/** In the background: the disk, or a network, may take its time. */
const BACKGROUND: Calls = {
  realPath: (path) => Deno.realPath(path),
  stat: (path) => Deno.stat(path),
  lstat: (path) => Deno.lstat(path),
  open: (path) => Deno.open(path),
  statOf: (file) => file.stat(),
};

/** At once: a tenth of the cost, where the system has it all at hand. */
const AT_ONCE: Calls = {
  realPath: (path) => Deno.realPathSync(path),
  stat: (path) => Deno.statSync(path),
  lstat: (path) => Deno.lstatSync(path),
  open: (path) => Deno.openSync(path),
  statOf: (file) => file.statSync(),
};

/**
 * Files that were opened in the last moments, and when, in ms: what the system
 * has had in hand just now, it still has. The oldest come first.
 */
const warm = new Map<string, number>();
const MOST_WARM = 1024;
/** For how long a file stays warm, in ms. */
const WARM_FOR = 5000;
/** A read that was made at once and took longer is slow, in ms. */
const TOO_LONG = 5;
/** So many slow ones, with few others between, and all goes by the background. */
const MOST_SLOW = 3;
/** So many others make up for a slow one: the process may have been held up. */
const OTHERS = 50;
/** For how long all goes by the background then, in ms. */
const COLD_FOR = 10_000;
let slowness = 0;
let coldUntil = -Infinity;

/** How often a file is tried where the system has no descriptors, and when. */
const TRIES = 50;
const TRY_EACH = 20;

/**
 * Opens a plain file.
 *
 * @param root Folder that the path is relative to, and may not lead out of.
 * @param spare Makes room where the system has no more descriptors.
 * @returns null where there is none; whatever else is there looks like that.
 * @throws What the system says, such as that it has too many open files.
 */
export async function openFile(
  path: string,
  root: string | undefined,
  spare: () => boolean,
): Promise<OpenFile | null> {
  if (path.includes("\0")) return null;
  const key = root === undefined ? path : `${root}\0${path}`;
  for (let left = TRIES;; left--) {
    const began = performance.now();
    const at = warm.get(key);
    const isWarm = at !== undefined && began - at < WARM_FOR &&
      began >= coldUntil;
    try {
      const opened = await open(path, root, isWarm ? AT_ONCE : BACKGROUND);
      if (opened === null) return null;
      keepWarm(key, began);
      return { ...opened, isWarm };
    } catch (error) {
      warm.delete(key);
      if (!isExhausted(error) || left === 0) throw error;
      // Idle connections give way, as they do to new ones; and other answers
      // are done at some time.
      spare();
      await pause(TRY_EACH);
    }
  }
}

function keepWarm(key: string, now: number): void {
  warm.delete(key);
  warm.set(key, now);
  if (warm.size > MOST_WARM) warm.delete(warm.keys().next().value!);
}

/** Notes how long a read took that was made at once; whether that was long. */
export function wasSlow(began: number): boolean {
  const now = performance.now();
  if (now - began <= TOO_LONG) {
    slowness = Math.max(0, slowness - 1 / OTHERS);
    return false;
  }
  // The system had to fetch what seemed to be at hand.
  if (++slowness >= MOST_SLOW) {
    slowness = 0;
    coldUntil = now + COLD_FOR;
  }
  return true;
}

async function open(
  path: string,
  root: string | undefined,
  calls: Calls,
): Promise<{ file: Deno.FsFile; info: Deno.FileInfo } | null> {
  const real = root === undefined ? path : await confine(path, root, calls);
  if (real === null) return null;
  // A pipe or a device is not even opened: that could wait for ever.
  const found = root === undefined ? calls.stat(real) : calls.lstat(real);
  if (!(await found).isFile) return null;
  const file = await calls.open(real);
  try {
    const info = await calls.statOf(file);
    if (
      info.isFile &&
      (root === undefined || await isThere(real, info, calls))
    ) return { file, info };
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  return null;
}

const IS_WINDOWS = Deno.build.os === "windows";
const SEPARATOR = IS_WINDOWS ? "\\" : "/";

/** The real path behind `root` and `path`; null if that lies outside. */
async function confine(
  path: string,
  root: string,
  calls: Calls,
): Promise<string | null> {
  const segments = path.split(IS_WINDOWS ? /[/\\]/ : "/");
  if (segments.includes("..")) return null;
  if (IS_WINDOWS && path.includes(":")) return null;
  const base = await calls.realPath(root || ".");
  const prefix = base.endsWith(SEPARATOR) ? base : base + SEPARATOR;
  const real = await calls.realPath(prefix + segments.join(SEPARATOR));
  return real.startsWith(prefix) ? real : null;
}

/**
 * Whether what was opened is what lies at a real path: somebody may have put a
 * link there between the look at the path and the opening.
 */
async function isThere(
  real: string,
  opened: Deno.FileInfo,
  calls: Calls,
): Promise<boolean> {
  if (await calls.realPath(real) !== real) return false;
  const { ino, dev } = await calls.lstat(real);
  return ino === opened.ino && dev === opened.dev;
}
