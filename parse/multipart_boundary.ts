import { parseHeaderParameters } from "./values.ts";

/** `bcharsnospace`, RFC 2046 section 5.1.1. A space may not come last. */
export const BOUNDARY: RegExp = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

/** `multipart/` and a token: `type "/" subtype`, RFC 9110 section 8.3.1. */
const MULTIPART = /^multipart\/([\w!#$%&'*+.^`|~-]+)[ \t]*(?:;|$)/i;

/**
 * What stands behind `multipart/` in a `Content-Type`, in lower case; `null`
 * for another type.
 *
 * ```ts
 * import { multipartKind } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(multipartKind("Multipart/Mixed; boundary=x"), "mixed");
 * assertEquals(multipartKind("text/plain"), null);
 * ```
 */
export function multipartKind(contentType: string): string | null {
  return MULTIPART.exec(contentType)?.[1].toLowerCase() ?? null;
}

/**
 * The boundary that a `Content-Type` of some `multipart/` type names; `null`
 * for another type, and where there is none, an invalid one, or two.
 *
 * ```ts
 * import { multipartBoundary } from "@uhttp/uhttp/parse";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(multipartBoundary("multipart/form-data; boundary=x-1"), "x-1");
 * assertEquals(multipartBoundary("multipart/mixed; boundary=x-1"), null);
 * assertEquals(multipartBoundary("multipart/mixed; boundary=x", "mixed"), "x");
 * ```
 *
 * @param kind What has to stand behind `multipart/`; `*` for anything.
 */
export function multipartBoundary(
  contentType: string,
  kind = "form-data",
): string | null {
  const found = multipartKind(contentType);
  if (found === null || kind !== "*" && found !== kind) return null;
  // Of two boundaries another reader may take the other one.
  if (contentType.match(/;[ \t]*boundary[ \t]*=/gi)?.length !== 1) return null;
  const { boundary } = parseHeaderParameters(contentType);
  return typeof boundary === "string" && BOUNDARY.test(boundary)
    ? boundary
    : null;
}
