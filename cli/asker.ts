import type { HttpConnection } from "../server.ts";

/** Whether a browser asks: it names pages, others take what comes. */
export function acceptsPages(client: HttpConnection): boolean {
  return /\btext\/html\b/i.test(client.headers.accept ?? "");
}

/** Whether a page of ours sends it, or no page at all. */
export function isOwnPage(client: HttpConnection): boolean {
  const site = client.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return false;
  }
  const { origin } = client.headers;
  if (origin === undefined) return true;
  const scheme = client.isSecure ? "https" : "http";
  return origin.toLowerCase() === `${scheme}://${client.host}`.toLowerCase();
}
