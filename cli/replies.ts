import type { HttpConnection } from "../server.ts";
import type { ServeArguments } from "./arguments.ts";
import { acceptsPages } from "./asker.ts";
import { messagePage, PAGE_HEADERS } from "./listing.ts";

/** Fields of an answer. */
export type Headers = Record<string, string>;

const encoder = new TextEncoder();

/** How a site answers, whatever it is that is asked for. */
export class Replies {
  readonly #hasCors: boolean;
  readonly #own: readonly (readonly [name: string, value: string])[];

  constructor(
    { hasCors, headers }: Pick<ServeArguments, "hasCors" | "headers">,
  ) {
    this.#hasCors = hasCors;
    this.#own = headers;
  }

  /** Fields that go with every answer; they are the caller's to change. */
  get headers(): Headers {
    const headers: Headers = {
      "cache-control": "no-cache", // it may be kept, but is asked for again
      "x-content-type-options": "nosniff",
    };
    if (this.#hasCors) {
      headers["access-control-allow-origin"] = "*";
      headers["access-control-expose-headers"] =
        "content-range, accept-ranges, content-length, etag";
    }
    for (const [name, value] of this.#own) headers[name.toLowerCase()] = value;
    return headers;
  }

  /** Leads elsewhere. */
  redirect(
    client: HttpConnection,
    status: number,
    url: string,
  ): Promise<boolean> {
    return client.respondRedirect(url, { status, headers: this.headers });
  }

  /** Answers with a page of ours. */
  page(
    client: HttpConnection,
    status: number,
    html: Uint8Array,
    headers: Headers = {},
  ): Promise<boolean> {
    return client.respond(html, {
      status,
      headers: { ...this.headers, ...PAGE_HEADERS, ...headers },
    });
  }

  /** Says why not: a page for browsers, a line for all others. */
  refuse(
    client: HttpConnection,
    status: number,
    message: string,
    headers?: Headers,
  ): Promise<boolean> {
    // A program, or whoever reads its output, has no use for a page.
    const isPage = acceptsPages(client);
    const text = isPage ? messagePage(status, message) : `${message}\n`;
    return this.page(client, status, encoder.encode(text), {
      vary: "accept",
      ...(isPage ? {} : { "content-type": "text/plain; charset=utf-8" }),
      ...headers,
    });
  }
}
