/**
 * A stand-in for `@std/path` and `@std/path/posix`, with what is used of them
 * here. It knows POSIX paths alone, as `denow`, which brings it in, is a shell
 * script.
 *
 * @module
 */

import { posix } from "node:path";

/** The character between the parts of a path. */
export const SEPARATOR = "/" as const;

/** One or more separators. */
export const SEPARATOR_PATTERN: RegExp = /\/+/;

/** The character between paths in a list of them. */
export const DELIMITER = ":" as const;

/** Joins paths, and normalizes what comes out. */
export function join(path?: string | URL, ...paths: string[]): string {
  return path === undefined ? "." : posix.join(text(path), ...paths);
}

/** Makes one absolute path of the parts, from right to left. */
export function resolve(...pathSegments: string[]): string {
  return posix.resolve(...pathSegments);
}

/** Resolves `.` and `..`, and drops separators that say nothing. */
export function normalize(path: string | URL): string {
  return posix.normalize(text(path));
}

/** The way from one path to another. */
export function relative(from: string, to: string): string {
  return posix.relative(from, to);
}

/** Whether the path starts at the root. */
export function isAbsolute(path: string): boolean {
  return posix.isAbsolute(path);
}

/** All of the path but its last part. */
export function dirname(path: string | URL): string {
  return posix.dirname(text(path));
}

/** The last part of the path, without the suffix, if it has more than that. */
export function basename(path: string | URL, suffix = ""): string {
  const whole = text(path);
  const base = posix.basename(whole) || (whole === "" ? "" : SEPARATOR);
  return suffix.length < base.length && base.endsWith(suffix)
    ? base.slice(0, base.length - suffix.length)
    : base;
}

/** The extension of the path, with its dot. */
export function extname(path: string | URL): string {
  return posix.extname(text(path));
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
