/**
 * A stand-in for `@std/path` and `@std/path/posix`, with what is used of them
 * here. It knows POSIX paths alone, as `denow`, which brings it in, is a shell
 * script.
 *
 * @module
 */

/** The character between the parts of a path. */
export const SEPARATOR = "/" as const;

/** One or more separators. */
export const SEPARATOR_PATTERN: RegExp = /\/+/;

/** The character between paths in a list of them. */
export const DELIMITER = ":" as const;

/** Joins paths, and normalizes what comes out. */
export function join(path?: string | URL, ...paths: string[]): string {
  if (path === undefined) return ".";
  return normalize([text(path), ...paths].filter(Boolean).join("/"));
}

/** Makes one absolute path of the parts, from right to left. */
export function resolve(...pathSegments: string[]): string {
  let path = "";
  for (const segment of pathSegments.reverse()) {
    if (segment === "") continue;
    path = `${segment}/${path}`;
    if (isAbsolute(path)) break;
  }
  if (!isAbsolute(path)) path = `${Deno.cwd()}/${path}`;
  return `/${tidy(path).join("/")}`;
}

/** Resolves `.` and `..`, and drops separators that say nothing. */
export function normalize(path: string | URL): string {
  const whole = text(path);
  if (whole === "") return ".";
  const start = isAbsolute(whole) ? "/" : "";
  const parts = tidy(whole).join("/");
  if (parts === "") return start || (whole.endsWith("/") ? "./" : ".");
  return start + parts + (whole.endsWith("/") ? "/" : "");
}

/** The way from one path to another. */
export function relative(from: string, to: string): string {
  const [start, end] = [tidy(resolve(from)), tidy(resolve(to))];
  let same = 0;
  while (same < start.length && start[same] === end[same]) same++;
  const up = start.slice(same).map(() => "..");
  return [...up, ...end.slice(same)].join("/");
}

/** Whether the path starts at the root. */
export function isAbsolute(path: string): boolean {
  return path.startsWith("/");
}

/** All of the path but its last part. */
export function dirname(path: string | URL): string {
  const whole = trimmed(text(path));
  const slash = whole.lastIndexOf("/");
  if (slash < 0) return ".";
  return trimmed(whole.slice(0, slash)) || "/";
}

/** The last part of the path, without the suffix, if it has more than that. */
export function basename(path: string | URL, suffix = ""): string {
  const whole = trimmed(text(path));
  const base = whole.slice(whole.lastIndexOf("/") + 1) || whole;
  return suffix.length < base.length && base.endsWith(suffix)
    ? base.slice(0, base.length - suffix.length)
    : base;
}

/** The extension of the path, with its dot. */
export function extname(path: string | URL): string {
  const base = basename(path);
  const dot = base.lastIndexOf(".");
  return dot < 1 || base === ".." ? "" : base.slice(dot);
}

/** The path that a file URL stands for. */
export function fromFileUrl(url: string | URL): string {
  const { protocol, pathname } = new URL(url);
  if (protocol !== "file:") {
    throw new TypeError(
      `URL must be a file URL: received "${protocol}"`,
    );
  }
  return decodeURIComponent(pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
}

/** The file URL of an absolute path. */
export function toFileUrl(path: string): URL {
  if (!isAbsolute(path)) {
    throw new TypeError(`Path must be absolute: received "${path}"`);
  }
  const url = new URL("file:///");
  url.pathname = path.replace(/[%\\\s]/g, encodeURIComponent);
  return url;
}

function text(path: string | URL): string {
  return path instanceof URL ? fromFileUrl(path) : path;
}

/** The path without separators at its end; the root stays what it is. */
function trimmed(path: string): string {
  return path.replace(/(?<!^)\/+$/, "");
}

/** The parts of a path, with `.` and `..` resolved as far as can be. */
function tidy(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    const isUp = part === "..";
    if (isUp && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!isUp || !isAbsolute(path)) parts.push(part);
  }
  return parts;
}
